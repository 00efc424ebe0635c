"""Networks and what can be done with them (network.md 3)."""

from __future__ import annotations

from typing import Any

from pithosfs.localcloud import quota
from pithosfs.localcloud.faults import Fault, bad_request, conflict, forbidden
from pithosfs.localcloud.network.model import Network, find_network, ports_of_network, visible_networks
from pithosfs.localcloud.objects.headers import iso_time
from pithosfs.localcloud.resources import PRIVATE_NETWORK
from pithosfs.localcloud.sandbox.fields import Fields, the_only_member
from pithosfs.localcloud.sandbox.owners import asked_owner, asked_project, require_owner
from pithosfs.localcloud.sandbox.polling import changes_since, listed
from pithosfs.localcloud.sandbox.routes import Call, Reply, links
from pithosfs.localcloud.sandbox.tasks import Task, pending, schedule
from pithosfs.localcloud.sandbox.turn import Turn

__all__ = [
    "MAX_NAME",
    "TASK",
    "act_on_network",
    "create_network",
    "delete_network",
    "finish_network",
    "list_networks",
    "rename_network",
    "show_network",
]

MAX_NAME = 128  # characters

TASK = "network"
"""The kind of the one task that networks have: their deletion."""

_TYPES = ("MAC_FILTERED", "PHYSICAL_VLAN", "IP_LESS_ROUTED", "CUSTOM")
_OFFERED = "MAC_FILTERED"

_PREFIXES = range(1, 0x10000)
"""What tells the networks of type MAC_FILTERED apart; 0 is the public one's."""


def list_networks(turn: Turn, call: Call) -> Reply:
    since = changes_since(call.query, turn.now)
    if since is None:
        networks = visible_networks(turn, call.user, "n.status != 'DELETED'")
    else:
        networks = visible_networks(turn, call.user, "n.updated >= ?", since)
    subnets: dict[int, list[str]] = {}
    for row in turn.rows("SELECT network, id FROM subnets WHERE deleted = 0 ORDER BY id"):
        subnets.setdefault(row["network"], []).append(str(row["id"]))
    return listed("networks", [_json(call, network, subnets.get(network.id, [])) for network in networks], since)


def show_network(turn: Turn, call: Call) -> Reply:
    return _described(turn, call, find_network(turn, call.user, call.ident))


def create_network(turn: Turn, call: Call) -> Reply:
    """One network, or several of them: all or none."""
    several = call.body.get("networks")
    if several is None:
        return Reply(201, {"network": _create(turn, call, call.body)})
    if not isinstance(several, list):
        raise bad_request("networks must be a list")
    return Reply(201, {"networks": [_create(turn, call, {"network": one}) for one in several]})


def _create(turn: Turn, call: Call, body: Any) -> dict[str, Any]:
    fields = Fields(body, "network")
    kind = fields.text("type", 255)
    if kind not in _TYPES:
        raise bad_request(f"{kind!a} is no type of network")
    if kind != _OFFERED:
        raise forbidden(f"networks of type {kind} cannot be made here, only {_OFFERED}")
    name, owner = fields.text("name", MAX_NAME, ""), asked_owner(call, fields)
    quota.charge(turn.connection, owner.user, owner.project, PRIVATE_NETWORK, 1)
    ident = turn.insert(
        "INSERT INTO networks (name, type, status, user, project, shared, prefix, created, updated)"
        " VALUES (?, ?, 'ACTIVE', ?, ?, ?, ?, ?, ?)",
        name,
        kind,
        owner.user,
        owner.project,
        owner.shared,
        _free_prefix(turn),
        turn.now,
        turn.now,
    )
    return _json(call, find_network(turn, call.user, ident), [])


def _free_prefix(turn: Turn) -> int:
    """The lowest prefix that no network has. Raises Fault 503."""
    row = turn.row(
        "SELECT min(a.prefix) + 1 FROM networks a WHERE a.status != 'DELETED' AND NOT EXISTS"
        " (SELECT 1 FROM networks b WHERE b.status != 'DELETED' AND b.prefix = a.prefix + 1)"
    )
    assert row is not None  # the public network is always there
    if row[0] not in _PREFIXES:
        raise Fault(503, "serviceUnavailable", "there are no hardware addresses left for another network")
    return int(row[0])


def rename_network(turn: Turn, call: Call) -> Reply:
    fields = Fields(call.body, "network")
    name = fields.text("name", MAX_NAME)
    network = _changeable(turn, call)
    turn.run("UPDATE networks SET name = ?, updated = ? WHERE id = ?", name, turn.now, network.id)
    return _described(turn, call, find_network(turn, call.user, network.id))


def delete_network(turn: Turn, call: Call) -> Reply:
    """At once when no server was ever connected; otherwise it takes a moment."""
    network = _changeable(turn, call)
    if ports_of_network(turn, network.id):
        raise conflict(f"network {network.id} still has ports")
    if turn.row("SELECT 1 FROM floating_ips WHERE network = ? AND deleted = 0", network.id):
        raise conflict(f"network {network.id} still has floating IPs")
    if not network.used:
        _delete(turn, network.id)
    elif pending(turn, TASK, network.id) is None:
        schedule(turn, TASK, network.id, "DELETE")
    return Reply(204)


def finish_network(turn: Turn, task: Task) -> None:
    """The end of a deletion."""
    _delete(turn, task.subject)


def _delete(turn: Turn, ident: int) -> None:
    row = turn.row("SELECT user, project FROM networks WHERE id = ?", ident)
    assert row is not None
    turn.run("UPDATE networks SET status = 'DELETED', updated = ? WHERE id = ?", turn.now, ident)
    turn.run("UPDATE subnets SET deleted = 1, updated = ? WHERE network = ?", turn.now, ident)
    quota.release(turn.connection, row["user"], row["project"], PRIVATE_NETWORK, 1)


def act_on_network(turn: Turn, call: Call) -> Reply:
    """`reassign`: let another project pay."""
    action, _ = the_only_member(call.body)
    if action != "reassign":
        raise bad_request(f"networks have no action {action!a}")
    wanted = asked_project(call.body)
    network = _changeable(turn, call)
    require_owner(call, network)
    assert network.user is not None
    assert network.project is not None
    quota.charge(turn.connection, network.user, wanted.project, PRIVATE_NETWORK, 0)
    quota.reassign(turn.connection, network.user, network.project, wanted.project, PRIVATE_NETWORK, 1)
    turn.run(
        "UPDATE networks SET project = ?, shared = ?, updated = ? WHERE id = ?",
        wanted.project,
        wanted.shared,
        turn.now,
        network.id,
    )
    return Reply(200)


def _changeable(turn: Turn, call: Call) -> Network:
    """The network of the path. Raises Fault 400 for a deleted one, 403 for one of the cloud's, 404."""
    network = find_network(turn, call.user, call.ident)
    if network.public:
        raise forbidden("a public network belongs to the cloud")
    if network.deleted:
        raise bad_request(f"network {network.id} has been deleted")
    return network


def _described(turn: Turn, call: Call, network: Network) -> Reply:
    rows = turn.rows("SELECT id FROM subnets WHERE network = ? AND deleted = 0 ORDER BY id", network.id)
    return Reply(200, {"network": _json(call, network, [str(row["id"]) for row in rows])})


def _json(call: Call, network: Network, subnets: list[str]) -> dict[str, Any]:
    return {
        "id": str(network.id),
        "name": network.name,
        "type": network.type,
        "status": network.status,
        "user_id": network.user,
        "tenant_id": network.project,
        "shared_to_project": network.shared,
        "public": network.public,
        "shared": network.public,
        "router:external": network.public,
        "admin_state_up": True,
        "subnets": subnets,
        "SNF:floating_ip_pool": network.pool,
        "created": iso_time(network.created),
        "updated": iso_time(network.updated),
        "deleted": network.deleted,
        "links": links(f"{call.base}/network/v2.0/networks/{network.id}"),
    }
