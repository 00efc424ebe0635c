"""The networks of a new server, and the actions that attach and detach floating IPs (compute.md 3.4, 3.10)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pithosfs.localcloud.compute.model import Server
from pithosfs.localcloud.compute.states import Action
from pithosfs.localcloud.compute.working import begin, require
from pithosfs.localcloud.faults import Fault, bad_request, conflict
from pithosfs.localcloud.network.addressing import parse_address
from pithosfs.localcloud.network.connecting import MAX_NICS, check_room, make_port, plug, take_floating_ip
from pithosfs.localcloud.network.model import find_network, find_port, floating_ip_of
from pithosfs.localcloud.sandbox.fields import Fields
from pithosfs.localcloud.sandbox.routes import Call, Reply
from pithosfs.localcloud.sandbox.turn import Turn

__all__ = ["add_floating_ip", "connect_new_server", "remove_floating_ip"]


def connect_new_server(turn: Turn, user: str, server: int, networks: Sequence[Any]) -> None:
    """Plug in what `networks` asks for, in its order. This cloud connects nothing of its own accord.

    Raises Fault 400, 403, 404, 409.
    """
    if len(networks) > MAX_NICS:
        raise bad_request(f"a server has at most {MAX_NICS} ports")
    for item in networks:
        fields = Fields({"network": item}, "network")
        if "port" in fields:
            port = find_port(turn, user, fields.number("port"))
            if port.server is not None:
                raise conflict(f"port {port.id} is in use")
            plug(turn, port.id, server)
        elif "uuid" in fields:
            plug(turn, _new_port(turn, user, fields), server)
        else:
            raise bad_request("a network is given by its uuid or by a port")


def _new_port(turn: Turn, user: str, fields: Fields) -> int:
    network = find_network(turn, user, fields.number("uuid"))
    wanted = None
    if "fixed_ip" in fields:
        wanted = str(parse_address(fields.raw("fixed_ip")))
    elif network.public:
        wanted = take_floating_ip(turn, user, network)
    return make_port(turn, user, network, wanted)


def add_floating_ip(turn: Turn, call: Call, server: Server) -> Reply:
    """The action `addFloatingIp`: a port on the address's network."""
    address = _address(call, "addFloatingIp")
    floating = floating_ip_of(turn, call.user, address)
    require(server, Action.CONNECT)
    check_room(turn, server.id)
    network = find_network(turn, call.user, floating.network)
    ident = make_port(turn, call.user, network, address)
    plug(turn, ident, server.id)
    begin(turn, server, Action.CONNECT, {"port": ident})
    return Reply(202)


def remove_floating_ip(turn: Turn, call: Call, server: Server) -> Reply:
    """The action `removeFloatingIp`: the port goes, the address stays the user's."""
    floating = floating_ip_of(turn, call.user, _address(call, "removeFloatingIp"))
    if floating.server != server.id:
        raise bad_request(f"{floating.address} is not attached to server {server.id}")
    begin(turn, server, Action.DISCONNECT, {"port": floating.port})
    return Reply(202)


def _address(call: Call, action: str) -> str:
    fields = Fields(call.body, action)
    try:
        return str(parse_address(fields.text("address", 64)))
    except Fault as fault:
        raise bad_request(f"address: {fault.message}") from None
