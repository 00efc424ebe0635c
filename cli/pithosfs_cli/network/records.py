"""Networks, subnets, ports and floating IPs as they are shown: what the service sends, and names for its ids."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from pithosfs_cli.finding import names_of
from pithosfs_cli.kinds import NETWORK, SERVER, Thing
from pithosfs_cli.layout import Column

if TYPE_CHECKING:
    from pithosfs_cli.invocation import Invocation

__all__ = [
    "IP_DETAILS",
    "IP_INFO",
    "IP_SUMMARY",
    "NETWORK_DETAILS",
    "NETWORK_INFO",
    "NETWORK_SUMMARY",
    "PORT_DETAILS",
    "PORT_INFO",
    "PORT_SUMMARY",
    "ip_records",
    "network_record",
    "port_records",
    "ranges_of",
]

NETWORK_SUMMARY = [
    Column("id", "ID"),
    Column("name", "NAME"),
    Column("status", "STATUS", "status"),
    Column("public", "PUBLIC"),
    Column("ranges", "SUBNETS"),
]
NETWORK_DETAILS = [
    *NETWORK_SUMMARY,
    Column("type", "TYPE"),
    Column("SNF:floating_ip_pool", "FLOATING IPS"),
    Column("tenant_id", "PROJECT"),
    Column("user_id", "OWNER"),
    Column("created", "CREATED", "time"),
]
NETWORK_INFO = [
    Column("id", "id"),
    Column("name", "name"),
    Column("status", "status", "status"),
    Column("type", "type"),
    Column("public", "public"),
    Column("SNF:floating_ip_pool", "has floating IPs"),
    Column("ranges", "subnet"),
    Column("shared_to_project", "for the whole project"),
    Column("tenant_id", "project"),
    Column("user_id", "owner"),
    Column("created", "created", "time"),
    Column("updated", "changed", "time"),
]

PORT_SUMMARY = [
    Column("id", "ID"),
    Column("name", "NAME"),
    Column("status", "STATUS", "status"),
    Column("network_name", "NETWORK"),
    Column("device_name", "SERVER"),
    Column("ips", "ADDRESSES"),
]
PORT_DETAILS = [
    *PORT_SUMMARY,
    Column("mac_address", "MAC"),
    Column("security_groups", "SECURITY GROUPS"),
    Column("user_id", "OWNER"),
    Column("created", "CREATED", "time"),
]
PORT_INFO = [
    Column("id", "id"),
    Column("name", "name"),
    Column("status", "status", "status"),
    Column("network_name", "network"),
    Column("device_name", "server"),
    Column("ips", "address"),
    Column("mac_address", "mac"),
    Column("security_groups", "security group"),
    Column("user_id", "owner"),
    Column("created", "created", "time"),
    Column("updated", "changed", "time"),
]

IP_SUMMARY = [
    Column("id", "ID"),
    Column("floating_ip_address", "ADDRESS"),
    Column("network_name", "NETWORK"),
    Column("instance_name", "SERVER"),
    Column("port_id", "PORT"),
]
IP_DETAILS = [*IP_SUMMARY, Column("tenant_id", "PROJECT"), Column("user_id", "OWNER")]
IP_INFO = [
    Column("id", "id"),
    Column("floating_ip_address", "address"),
    Column("network_name", "network"),
    Column("instance_name", "server"),
    Column("port_id", "port"),
    Column("shared_to_project", "for the whole project"),
    Column("tenant_id", "project"),
    Column("user_id", "owner"),
]


def ranges_of(subnets: Iterable[Thing]) -> dict[str, list[str]]:
    """Network → the ranges of its subnets."""
    found: dict[str, list[str]] = {}
    for one in subnets:
        found.setdefault(str(one.get("network_id")), []).append(str(one.get("cidr")))
    return found


def network_record(network: Thing, ranges: Mapping[str, list[str]]) -> Thing:
    return {**network, "ranges": ranges.get(str(network.get("id")), [])}


def port_records(run: Invocation, ports: Iterable[Thing]) -> list[Thing]:
    ports = list(ports)
    networks = names_of(run, NETWORK) if ports else {}
    servers = names_of(run, SERVER) if any(one.get("device_id") for one in ports) else {}
    return [
        {
            **one,
            "ips": [fixed["ip_address"] for fixed in one.get("fixed_ips") or () if fixed.get("ip_address")],
            **_named("network", one.get("network_id"), networks),
            **_named("device", one.get("device_id"), servers),
        }
        for one in ports
    ]


def ip_records(run: Invocation, ips: Iterable[Thing]) -> list[Thing]:
    ips = list(ips)
    networks = names_of(run, NETWORK) if ips else {}
    servers = names_of(run, SERVER) if any(one.get("instance_id") for one in ips) else {}
    return [
        {
            **one,
            **_named("network", one.get("floating_network_id"), networks),
            **_named("instance", one.get("instance_id"), servers),
        }
        for one in ips
    ]


def _named(what: str, ident: Any, names: Mapping[str, str]) -> Thing:
    """A name for an id; null when it has none, which tables show as the id."""
    name = None if ident is None else names.get(str(ident))
    return {f"{what}_name": name, f"_{what}_name": name or ident}
