"""Floating IPs and what can be done with them (network.md 6)."""

from __future__ import annotations

from typing import Any

from pithosfs.localcloud import quota
from pithosfs.localcloud.faults import Fault, bad_request, conflict
from pithosfs.localcloud.network.allocation import free_address, ipv4_subnet, take_address
from pithosfs.localcloud.network.model import (
    FloatingIp,
    Network,
    Subnet,
    find_floating_ip,
    find_network,
    visible_floating_ips,
    visible_networks,
)
from pithosfs.localcloud.resources import FLOATING_IP
from pithosfs.localcloud.sandbox.fields import Fields, the_only_member
from pithosfs.localcloud.sandbox.owners import Owner, asked_owner, asked_project, require_owner
from pithosfs.localcloud.sandbox.polling import changes_since, listed
from pithosfs.localcloud.sandbox.routes import Call, Reply
from pithosfs.localcloud.sandbox.turn import Turn

__all__ = [
    "act_on_floating_ip",
    "create_floating_ip",
    "list_floating_ips",
    "refuse_to_update",
    "release_floating_ip",
    "reserve",
    "show_floating_ip",
]


def list_floating_ips(turn: Turn, call: Call) -> Reply:
    since = changes_since(call.query, turn.now)
    if since is None:
        found = visible_floating_ips(turn, call.user, "f.deleted = 0")
    else:
        found = visible_floating_ips(turn, call.user, "f.updated >= ?", since)
    return listed("floatingips", [_json(one) for one in found], since)


def show_floating_ip(turn: Turn, call: Call) -> Reply:
    return Reply(200, {"floatingip": _json(find_floating_ip(turn, call.user, call.ident))})


def create_floating_ip(turn: Turn, call: Call) -> Reply:
    """Reserve an address: of a certain pool, and then a certain one, if that is asked for."""
    fields = Fields(call.body, "floatingip")
    network = fields.optional_number("floating_network_id")
    wanted = fields.optional_text("floating_ip_address", 64)
    owner = asked_owner(call, fields)
    if network is None:
        return Reply(200, {"floatingip": _json(reserve(turn, owner))})
    found = find_network(turn, call.user, network)
    if found.deleted:
        raise bad_request(f"network {network} has been deleted")
    if not found.pool:
        raise conflict(f"network {network} is no pool of floating IPs")
    return Reply(200, {"floatingip": _json(reserve(turn, owner, found, wanted))})


def reserve(turn: Turn, owner: Owner, network: Network | None = None, wanted: str | None = None) -> FloatingIp:
    """An address for somebody, of any pool with a free one if none is named. Raises Fault 400, 409, 413."""
    quota.charge(turn.connection, owner.user, owner.project, FLOATING_IP, 1)
    pool, subnet = _any_pool(turn, owner.user) if network is None else (network, ipv4_subnet(turn, network.id))
    if subnet is None:
        raise conflict(f"network {pool.id} has no addresses")
    ident = turn.insert(
        "INSERT INTO floating_ips (network, address, user, project, shared, created, updated)"
        " VALUES (?, '', ?, ?, ?, ?, ?)",
        pool.id,
        owner.user,
        owner.project,
        owner.shared,
        turn.now,
        turn.now,
    )
    address = take_address(turn, subnet, "floating_ip", ident, wanted)
    turn.run("UPDATE floating_ips SET address = ? WHERE id = ?", str(address), ident)
    return find_floating_ip(turn, owner.user, ident)


def _any_pool(turn: Turn, user: str) -> tuple[Network, Subnet]:
    for network in visible_networks(turn, user, "n.pool = 1 AND n.status = 'ACTIVE'"):
        subnet = ipv4_subnet(turn, network.id)
        if subnet is not None and free_address(turn, subnet) is not None:
            return network, subnet
    raise conflict("there is no free floating IP")


def release_floating_ip(turn: Turn, call: Call) -> Reply:
    found = find_floating_ip(turn, call.user, call.ident)
    _require_live(found)
    if found.port is not None:
        raise conflict(f"floating IP {found.address} is attached to server {found.server}")
    turn.run("DELETE FROM addresses WHERE floating_ip = ?", found.id)
    turn.run("UPDATE floating_ips SET deleted = 1, updated = ? WHERE id = ?", turn.now, found.id)
    quota.release(turn.connection, found.user, found.project, FLOATING_IP, 1)
    return Reply(204)


def act_on_floating_ip(turn: Turn, call: Call) -> Reply:
    """`reassign`: let another project pay."""
    action, _ = the_only_member(call.body)
    if action != "reassign":
        raise bad_request(f"floating IPs have no action {action!a}")
    wanted = asked_project(call.body)
    found = find_floating_ip(turn, call.user, call.ident)
    require_owner(call, found)
    _require_live(found)
    quota.charge(turn.connection, found.user, wanted.project, FLOATING_IP, 0)
    quota.reassign(turn.connection, found.user, found.project, wanted.project, FLOATING_IP, 1)
    turn.run(
        "UPDATE floating_ips SET project = ?, shared = ?, updated = ? WHERE id = ?",
        wanted.project,
        wanted.shared,
        turn.now,
        found.id,
    )
    return Reply(200)


def refuse_to_update(turn: Turn, call: Call) -> Reply:
    raise Fault(501, "notImplemented", "floating IPs are attached by making a port, not by changing them")


def _require_live(found: FloatingIp) -> None:
    if found.deleted:
        raise bad_request(f"floating IP {found.address} has been released")


def _json(found: FloatingIp) -> dict[str, Any]:
    return {
        "id": str(found.id),
        "floating_ip_address": found.address,
        "floating_network_id": str(found.network),
        "fixed_ip_address": None,
        "port_id": None if found.port is None else str(found.port),
        "instance_id": None if found.server is None else str(found.server),
        "user_id": found.user,
        "tenant_id": found.project,
        "shared_to_project": found.shared,
        "deleted": found.deleted,
    }
