"""Servers: lists, one, its name, its end, its addresses, its password (compute.md 3.1, 3.6)."""

from __future__ import annotations

from pithosfs.localcloud.compute.creating import MAX_NAME
from pithosfs.localcloud.compute.model import Server, find_server, visible_servers
from pithosfs.localcloud.compute.states import Action
from pithosfs.localcloud.compute.views import (
    addresses_of,
    attachments_of,
    server_json,
    server_links,
    servers_json,
)
from pithosfs.localcloud.compute.working import begin, require, touch
from pithosfs.localcloud.faults import bad_request, not_found
from pithosfs.localcloud.network.connecting import server_ports
from pithosfs.localcloud.network.model import find_network
from pithosfs.localcloud.sandbox.fields import Fields
from pithosfs.localcloud.sandbox.polling import changes_since, listed
from pithosfs.localcloud.sandbox.routes import Call, Reply
from pithosfs.localcloud.sandbox.turn import Turn

__all__ = [
    "delete_server",
    "forget_password",
    "list_servers",
    "list_servers_in_detail",
    "rename_server",
    "show_addresses",
    "show_addresses_of_network",
    "show_password",
    "show_server",
]


def list_servers(turn: Turn, call: Call) -> Reply:
    servers, since = _wanted(turn, call)
    return listed(
        "servers",
        [{"id": one.id, "name": one.name, "links": server_links(call.base, one.id)} for one in servers],
        since,
    )


def list_servers_in_detail(turn: Turn, call: Call) -> Reply:
    servers, since = _wanted(turn, call)
    return listed("servers", servers_json(turn, call.base, servers), since)


def _wanted(turn: Turn, call: Call) -> tuple[list[Server], int | None]:
    """What is there; or, with `changes-since`, what has changed, deleted servers included."""
    since = changes_since(call.query, turn.now)
    if since is None:
        return visible_servers(turn, call.user, "s.status != 'DELETED'"), None
    return visible_servers(turn, call.user, "s.updated >= ?", since), since


def show_server(turn: Turn, call: Call) -> Reply:
    return Reply(200, {"server": server_json(turn, call.base, find_server(turn, call.user, call.ident))})


def rename_server(turn: Turn, call: Call) -> Reply:
    name = Fields(call.body, "server").text("name", MAX_NAME)
    if not name:
        raise bad_request("name is empty")
    server = find_server(turn, call.user, call.ident)
    require(server, Action.DESCRIBE)
    turn.run("UPDATE servers SET name = ? WHERE id = ?", name, server.id)
    touch(turn, server.id)
    return Reply(204)


def delete_server(turn: Turn, call: Call) -> Reply:
    """Whatever else is under way gives way to it; asked for again, it goes on."""
    server = find_server(turn, call.user, call.ident)
    require(server, Action.DESTROY)
    if server.task is None or server.task.name != Action.DESTROY.name:
        begin(turn, server, Action.DESTROY)
    return Reply(204)


# addresses ------------------------------------------------------------------------------------------------------------


def show_addresses(turn: Turn, call: Call) -> Reply:
    attachments = attachments_of(server_ports(turn, find_server(turn, call.user, call.ident).id))
    return Reply(200, {"addresses": addresses_of(attachments), "attachments": attachments})


def show_addresses_of_network(turn: Turn, call: Call) -> Reply:
    """Of a server that is not connected there, nothing."""
    server = find_server(turn, call.user, call.ident)
    network = str(find_network(turn, call.user, call.number(1)).id)
    addresses = addresses_of(attachments_of(server_ports(turn, server.id)))
    return Reply(200, {"network": {network: addresses[network]} if network in addresses else {}})


# the password ---------------------------------------------------------------------------------------------------------


def show_password(turn: Turn, call: Call) -> Reply:
    server = find_server(turn, call.user, call.ident)
    if server.password is None:
        raise not_found("the password of the server is not known any more")
    return Reply(200, {"password": server.password})


def forget_password(turn: Turn, call: Call) -> Reply:
    server = find_server(turn, call.user, call.ident)
    require(server, Action.DESCRIBE)
    turn.run("UPDATE servers SET password = NULL WHERE id = ?", server.id)
    return Reply(204)
