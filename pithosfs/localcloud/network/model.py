"""What the tables hold, as values, and finding it for those who may see it (network.md 1.3)."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from pithosfs.localcloud.faults import not_found
from pithosfs.localcloud.network.addressing import Pool
from pithosfs.localcloud.sandbox.owners import visible
from pithosfs.localcloud.sandbox.turn import Turn

__all__ = [
    "FloatingIp",
    "Network",
    "Port",
    "Subnet",
    "find_floating_ip",
    "find_network",
    "find_port",
    "find_subnet",
    "floating_ip_of",
    "ports_of_network",
    "ports_where",
    "subnets_of",
    "visible_floating_ips",
    "visible_networks",
    "visible_ports",
    "visible_subnets",
]


@dataclass(frozen=True, slots=True)
class Network:
    """Times in microseconds. `user` and `project` are None for what the cloud provides."""

    id: int
    name: str
    type: str
    status: str
    user: str | None
    project: str | None
    shared: bool
    public: bool
    pool: bool
    prefix: int
    used: bool
    created: int
    updated: int

    @property
    def deleted(self) -> bool:
        return self.status == "DELETED"


@dataclass(frozen=True, slots=True)
class Subnet:
    """`pools` are empty for IPv6; `slaac` is None for IPv4. `user` owns the network."""

    id: int
    network: int
    name: str
    version: int
    cidr: str
    gateway: str | None
    dhcp: bool
    slaac: bool | None
    pools: Sequence[Pool]
    nameservers: Sequence[str]
    routes: Sequence[str]
    created: int
    updated: int
    deleted: bool
    user: str | None
    public: bool


@dataclass(frozen=True, slots=True)
class Port:
    """`ipv4` is the port's own address or that of its floating IP, whose subnet is `subnet`."""

    id: int
    network: int
    name: str
    user: str
    server: int | None
    status: str
    mac: str
    ipv6: str | None
    firewall: str | None
    created: int
    updated: int
    ipv4: str | None
    subnet: int | None
    subnet6: int | None
    floating_ip: int | None


@dataclass(frozen=True, slots=True)
class FloatingIp:
    """`port` and `server` are None while it is not attached."""

    id: int
    network: int
    address: str
    user: str
    project: str
    shared: bool
    port: int | None
    created: int
    updated: int
    deleted: bool
    server: int | None


# networks and subnets -------------------------------------------------------------------------------------------------


def visible_networks(turn: Turn, user: str, condition: str = "1", *values: object) -> list[Network]:
    """Networks (`n`) that a user sees and that fulfil a condition, by id."""
    seen, given = visible(turn, user, "n")
    statement = f"SELECT n.* FROM networks n WHERE (n.public = 1 OR {seen}) AND {condition} ORDER BY n.id"  # noqa: S608
    return [_network(row) for row in turn.rows(statement, *given, *values)]


def find_network(turn: Turn, user: str, ident: int) -> Network:
    """A network that a user sees, also a deleted one. Raises Fault 404."""
    found = visible_networks(turn, user, "n.id = ?", ident)
    if not found:
        raise not_found("there is no such network")
    return found[0]


def _network(row: sqlite3.Row) -> Network:
    values = list(row)
    for flag in (6, 7, 8, 10):
        values[flag] = bool(values[flag])
    return Network(*values)


_SUBNETS = "SELECT s.*, n.user, n.public FROM subnets s JOIN networks n ON n.id = s.network"


def subnets_of(turn: Turn, network: int) -> list[Subnet]:
    """The subnets of a network that are not deleted, IPv4 first."""
    return [
        _subnet(row)
        for row in turn.rows(f"{_SUBNETS} WHERE s.network = ? AND s.deleted = 0 ORDER BY s.version", network)
    ]


def visible_subnets(turn: Turn, user: str, condition: str = "1", *values: object) -> list[Subnet]:
    """Subnets (`s`) of the networks that a user sees, by id."""
    seen, given = visible(turn, user, "n")
    statement = f"{_SUBNETS} WHERE (n.public = 1 OR {seen}) AND {condition} ORDER BY s.id"
    return [_subnet(row) for row in turn.rows(statement, *given, *values)]


def find_subnet(turn: Turn, user: str, ident: int) -> Subnet:
    """Raises Fault 404."""
    found = visible_subnets(turn, user, "s.id = ?", ident)
    if not found:
        raise not_found("there is no such subnet")
    return found[0]


def _subnet(row: sqlite3.Row) -> Subnet:
    return Subnet(
        row["id"],
        row["network"],
        row["name"],
        row["version"],
        row["cidr"],
        row["gateway"],
        bool(row["dhcp"]),
        None if row["slaac"] is None else bool(row["slaac"]),
        [Pool(*ends) for ends in json.loads(row["pools"])],
        json.loads(row["nameservers"]),
        json.loads(row["routes"]),
        row["created"],
        row["updated"],
        bool(row["deleted"]),
        row["user"],
        bool(row["public"]),
    )


# ports ----------------------------------------------------------------------------------------------------------------

_PORTS = """SELECT p.*, coalesce(f.address, a.address) AS ipv4, coalesce(fa.subnet, a.subnet) AS subnet,
    s6.id AS subnet6, f.id AS floating_ip FROM ports p
    LEFT JOIN addresses a ON a.port = p.id
    LEFT JOIN floating_ips f ON f.port = p.id
    LEFT JOIN addresses fa ON fa.floating_ip = f.id
    LEFT JOIN subnets s6 ON s6.network = p.network AND s6.version = 6 AND p.ipv6 IS NOT NULL"""


def ports_where(turn: Turn, condition: str, *values: object) -> list[Port]:
    """Ports (`p`) that fulfil a condition, by id."""
    return [_port(row) for row in turn.rows(f"{_PORTS} WHERE {condition} ORDER BY p.id", *values)]


def ports_of_network(turn: Turn, network: int) -> list[Port]:
    return ports_where(turn, "p.network = ?", network)


def visible_ports(turn: Turn, user: str, condition: str = "1", *values: object) -> list[Port]:
    """A user's own ports, and those of servers that are shared with a project of the user's."""
    seen, given = visible(turn, user, "servers")
    shared = f"p.server IN (SELECT id FROM servers WHERE {seen})"  # noqa: S608
    return ports_where(turn, f"(p.user = ? OR {shared}) AND {condition}", user, *given, *values)


def find_port(turn: Turn, user: str, ident: int) -> Port:
    """Raises Fault 404."""
    found = visible_ports(turn, user, "p.id = ?", ident)
    if not found:
        raise not_found("there is no such port")
    return found[0]


def _port(row: sqlite3.Row) -> Port:
    address = row["ipv4"]
    return Port(
        row["id"],
        row["network"],
        row["name"],
        row["user"],
        row["server"],
        row["status"],
        row["mac"],
        row["ipv6"],
        row["firewall"],
        row["created"],
        row["updated"],
        _dotted(address) if isinstance(address, int) else address,
        row["subnet"],
        row["subnet6"],
        row["floating_ip"],
    )


def _dotted(address: int) -> str:
    return ".".join(str(byte) for byte in address.to_bytes(4, "big"))


# floating IPs ---------------------------------------------------------------------------------------------------------

_FLOATING_IPS = "SELECT f.*, p.server FROM floating_ips f LEFT JOIN ports p ON p.id = f.port"


def visible_floating_ips(turn: Turn, user: str, condition: str = "1", *values: object) -> list[FloatingIp]:
    """Floating IPs (`f`) that a user sees and that fulfil a condition, by id."""
    seen, given = visible(turn, user, "f")
    statement = f"{_FLOATING_IPS} WHERE {seen} AND {condition} ORDER BY f.id"
    return [_floating_ip(row) for row in turn.rows(statement, *given, *values)]


def find_floating_ip(turn: Turn, user: str, ident: int) -> FloatingIp:
    """Raises Fault 404."""
    found = visible_floating_ips(turn, user, "f.id = ?", ident)
    if not found:
        raise not_found("there is no such floating IP")
    return found[0]


def floating_ip_of(turn: Turn, user: str, address: str, network: int | None = None) -> FloatingIp:
    """The floating IP with an address, on a certain network if that is given. Raises Fault 404."""
    found = visible_floating_ips(
        turn, user, "f.deleted = 0 AND f.address = ? AND f.network = coalesce(?, f.network)", address, network
    )
    if not found:
        raise not_found(f"you have no floating IP {address!a}")
    return found[0]


def _floating_ip(row: sqlite3.Row) -> FloatingIp:
    return FloatingIp(
        row["id"],
        row["network"],
        row["address"],
        row["user"],
        row["project"],
        bool(row["shared"]),
        row["port"],
        row["created"],
        row["updated"],
        bool(row["deleted"]),
        row["server"],
    )
