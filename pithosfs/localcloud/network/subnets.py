"""Subnets and what can be done with them (network.md 4)."""

from __future__ import annotations

import json
from ipaddress import IPv4Address, IPv4Network, IPv6Address
from typing import Any

from pithosfs.localcloud.faults import bad_request, conflict, forbidden
from pithosfs.localcloud.network.addressing import automatic_pools, parse_cidr, parse_gateway, parse_pools
from pithosfs.localcloud.network.model import (
    Network,
    Subnet,
    find_network,
    find_subnet,
    ports_of_network,
    subnets_of,
    visible_subnets,
)
from pithosfs.localcloud.network.networks import MAX_NAME
from pithosfs.localcloud.sandbox.fields import Fields
from pithosfs.localcloud.sandbox.owners import require_owner
from pithosfs.localcloud.sandbox.polling import changes_since, listed
from pithosfs.localcloud.sandbox.routes import Call, Reply, links
from pithosfs.localcloud.sandbox.turn import Turn

__all__ = ["create_subnet", "list_subnets", "refuse_to_delete", "rename_subnet", "show_subnet"]

MAX_STRINGS = 20
MAX_STRING = 255
"""Items of a list of name servers or routes, and their characters: bounds of our own, against absurd rows."""


def list_subnets(turn: Turn, call: Call) -> Reply:
    since = changes_since(call.query, turn.now)
    if since is None:
        subnets = visible_subnets(turn, call.user, "s.deleted = 0")
    else:
        subnets = visible_subnets(turn, call.user, "s.updated >= ?", since)
    return listed("subnets", [_json(call, subnet) for subnet in subnets], since)


def show_subnet(turn: Turn, call: Call) -> Reply:
    return _described(turn, call, call.ident)


def create_subnet(turn: Turn, call: Call) -> Reply:
    """One subnet, or several of them: all or none."""
    several = call.body.get("subnets")
    if several is None:
        return Reply(201, {"subnet": _create(turn, call, call.body)})
    if not isinstance(several, list):
        raise bad_request("subnets must be a list")
    return Reply(201, {"subnets": [_create(turn, call, {"subnet": one}) for one in several]})


def _create(turn: Turn, call: Call, body: Any) -> dict[str, Any]:
    fields = Fields(body, "subnet")
    version = fields.number("ip_version", 4)
    if version not in (4, 6):
        raise bad_request("ip_version is 4 or 6")
    name = fields.text("name", MAX_NAME, "")
    cidr = parse_cidr(fields.text("cidr", MAX_STRING), version)
    network = _network_for(turn, call, fields.number("network_id"), version)
    gateway: IPv4Address | IPv6Address | None = cidr[1]
    if fields.has("gateway_ip"):
        text = fields.optional_text("gateway_ip", MAX_STRING)
        gateway = None if text is None else parse_gateway(text, cidr)
    items = fields.items("allocation_pools")
    pools = []
    if isinstance(cidr, IPv4Network):
        assert gateway is None or isinstance(gateway, IPv4Address)
        pools = automatic_pools(cidr, gateway) if items is None else parse_pools(items, cidr, gateway)
    elif items is not None:
        raise conflict("IPv6 subnets have no pools")
    dhcp = fields.flag("enable_dhcp", default=True)
    slaac = None
    if version == 6:
        slaac = dhcp = fields.flag("enable_slaac", default=dhcp)
    elif "enable_slaac" in fields:
        raise bad_request("enable_slaac is for IPv6")
    ident = turn.insert(
        "INSERT INTO subnets (network, name, version, cidr, gateway, dhcp, slaac, pools, nameservers, routes, created,"
        " updated) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        network.id,
        name,
        version,
        str(cidr),
        None if gateway is None else str(gateway),
        dhcp,
        slaac,
        json.dumps([(pool.start, pool.end) for pool in pools]),
        json.dumps(_strings(fields, "dns_nameservers")),
        json.dumps(_strings(fields, "host_routes")),
        turn.now,
        turn.now,
    )
    return _json(call, find_subnet(turn, call.user, ident))


def _network_for(turn: Turn, call: Call, ident: int, version: int) -> Network:
    """The network that gets a subnet. Raises Fault 400, 403, 404."""
    network = find_network(turn, call.user, ident)
    if network.public:
        raise forbidden("a public network belongs to the cloud")
    require_owner(call, network)
    if network.deleted:
        raise bad_request(f"network {network.id} has been deleted")
    if any(subnet.version == version for subnet in subnets_of(turn, network.id)):
        raise bad_request(f"network {network.id} has an IPv{version} subnet already")
    if any(port.server is not None for port in ports_of_network(turn, network.id)):
        raise bad_request(f"network {network.id} has servers connected already")
    return network


def _strings(fields: Fields, name: str) -> list[str]:
    found = fields.strings(name)
    if len(found) > MAX_STRINGS or any(len(one) > MAX_STRING for one in found):
        raise bad_request(f"{name} has at most {MAX_STRINGS} strings of {MAX_STRING} characters")
    return found


def rename_subnet(turn: Turn, call: Call) -> Reply:
    fields = Fields(call.body, "subnet")
    fields.only(("name",))
    name = fields.text("name", MAX_NAME)
    subnet = find_subnet(turn, call.user, call.ident)
    require_owner(call, subnet)
    if subnet.deleted:
        raise bad_request(f"subnet {subnet.id} has been deleted")
    turn.run("UPDATE subnets SET name = ?, updated = ? WHERE id = ?", name, turn.now, subnet.id)
    return _described(turn, call, subnet.id)


def refuse_to_delete(turn: Turn, call: Call) -> Reply:
    """A subnet goes only with its network."""
    raise bad_request("subnets cannot be deleted: delete the network")


def _described(turn: Turn, call: Call, ident: int) -> Reply:
    return Reply(200, {"subnet": _json(call, find_subnet(turn, call.user, ident))})


def _json(call: Call, subnet: Subnet) -> dict[str, Any]:
    value: dict[str, Any] = {
        "id": str(subnet.id),
        "network_id": str(subnet.network),
        "name": subnet.name,
        "cidr": subnet.cidr,
        "ip_version": subnet.version,
        "gateway_ip": subnet.gateway,
        "enable_dhcp": subnet.dhcp,
        "allocation_pools": [] if subnet.deleted else [pool.json() for pool in subnet.pools],
        "dns_nameservers": list(subnet.nameservers),
        "host_routes": list(subnet.routes),
        "public": subnet.public,
        "deleted": subnet.deleted,
        "user_id": subnet.user,
        "tenant_id": subnet.user,
        "links": links(f"{call.base}/network/v2.0/subnets/{subnet.id}"),
    }
    if subnet.slaac is not None:
        value["enable_slaac"] = subnet.slaac
    return value
