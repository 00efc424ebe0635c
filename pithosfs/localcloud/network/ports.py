"""Ports and what can be done with them (network.md 5)."""

from __future__ import annotations

from typing import Any

from pithosfs.localcloud.compute.model import find_server
from pithosfs.localcloud.compute.states import Action
from pithosfs.localcloud.compute.working import begin, require
from pithosfs.localcloud.faults import bad_request, not_found
from pithosfs.localcloud.network.addressing import parse_address
from pithosfs.localcloud.network.allocation import remove_port
from pithosfs.localcloud.network.connecting import check_room, make_port, plug
from pithosfs.localcloud.network.model import Port, find_network, find_port, visible_ports
from pithosfs.localcloud.network.networks import MAX_NAME
from pithosfs.localcloud.objects.headers import iso_time
from pithosfs.localcloud.sandbox.fields import Fields
from pithosfs.localcloud.sandbox.routes import Call, Reply, links
from pithosfs.localcloud.sandbox.turn import Turn

__all__ = ["create_port", "delete_port", "detach", "list_ports", "rename_port", "show_port"]


def list_ports(turn: Turn, call: Call) -> Reply:
    return Reply(200, {"ports": [_json(call, port) for port in visible_ports(turn, call.user)]})


def show_port(turn: Turn, call: Call) -> Reply:
    return Reply(200, {"port": _json(call, find_port(turn, call.user, call.ident))})


def create_port(turn: Turn, call: Call) -> Reply:
    """One port, or several of them: all or none."""
    several = call.body.get("ports")
    if several is None:
        return Reply(201, {"port": _create(turn, call, call.body)})
    if not isinstance(several, list):
        raise bad_request("ports must be a list")
    return Reply(201, {"ports": [_create(turn, call, {"port": one}) for one in several]})


def _create(turn: Turn, call: Call, body: Any) -> dict[str, Any]:
    fields = Fields(body, "port")
    name = fields.text("name", MAX_NAME, "")
    wanted = _wanted_address(fields)
    if fields.items("security_groups"):
        raise not_found("there are no security groups here")
    network = find_network(turn, call.user, fields.number("network_id"))
    device = fields.optional_number("device_id")
    server = None if device is None else find_server(turn, call.user, device)
    if server is not None:
        require(server, Action.CONNECT)
        check_room(turn, server.id)
    ident = make_port(turn, call.user, network, wanted, name)
    if server is not None:
        plug(turn, ident, server.id)
        begin(turn, server, Action.CONNECT, {"port": ident})
    return _json(call, find_port(turn, call.user, ident))


def _wanted_address(fields: Fields) -> str | None:
    """The one address that `fixed_ips` may ask for. Raises Fault 400."""
    items = fields.items("fixed_ips") or []
    if len(items) > 1:
        raise bad_request("a port has at most one fixed IP")
    if not items:
        return None
    if not isinstance(items[0], dict):
        raise bad_request("a fixed IP is an object with ip_address")
    return str(parse_address(items[0].get("ip_address")))


def rename_port(turn: Turn, call: Call) -> Reply:
    """Nothing but the name can be changed; everything else that is sent is ignored."""
    fields = Fields(call.body, "port")
    port = find_port(turn, call.user, call.ident)
    if "name" in fields:
        name = fields.text("name", MAX_NAME)
        turn.run("UPDATE ports SET name = ?, updated = ? WHERE id = ?", name, turn.now, port.id)
    return show_port(turn, call)


def delete_port(turn: Turn, call: Call) -> Reply:
    """At once when it is not attached; otherwise the server is busy with it for a moment."""
    port = find_port(turn, call.user, call.ident)
    if port.server is None:
        remove_port(turn, port.id)
    else:
        detach(turn, call.user, port)
    return Reply(204)


def detach(turn: Turn, user: str, port: Port) -> None:
    """Begin to take a port off its server, which ends with the port's removal."""
    assert port.server is not None
    begin(turn, find_server(turn, user, port.server), Action.DISCONNECT, {"port": port.id})


def _json(call: Call, port: Port) -> dict[str, Any]:
    fixed = [{"ip_address": port.ipv4, "subnet": str(port.subnet)}] if port.ipv4 is not None else []
    if port.ipv6 is not None:
        fixed.append({"ip_address": port.ipv6, "subnet": str(port.subnet6)})
    return {
        "id": str(port.id),
        "name": port.name,
        "network_id": str(port.network),
        "device_id": None if port.server is None else str(port.server),
        "device_owner": None if port.server is None else "vm",
        "status": port.status,
        "mac_address": port.mac,
        "admin_state_up": True,
        "security_groups": [],
        "fixed_ips": fixed,
        "user_id": port.user,
        "tenant_id": port.user,
        "created": iso_time(port.created),
        "updated": iso_time(port.updated),
        "links": links(f"{call.base}/network/v2.0/ports/{port.id}"),
    }
