"""Giving out addresses and taking them back: each address of a subnet is somebody's at most once.

All of it runs inside the transaction that makes or removes the port or the floating IP that the address is for.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Network
from typing import Literal

from pithosfs.localcloud.faults import bad_request, conflict
from pithosfs.localcloud.network.addressing import hardware_address, parse_address, slaac_address
from pithosfs.localcloud.network.model import Network, Subnet, subnets_of
from pithosfs.localcloud.sandbox.turn import Turn

__all__ = ["add_port", "free_address", "ipv4_subnet", "own_ipv6", "remove_port", "take_address"]

Holder = Literal["port", "floating_ip"]


def ipv4_subnet(turn: Turn, network: int) -> Subnet | None:
    return next((subnet for subnet in subnets_of(turn, network) if subnet.version == 4), None)


def free_address(turn: Turn, subnet: Subnet) -> int | None:
    """The lowest address of the pools that nobody has; None when there is none."""
    for pool in subnet.pools:
        taken = turn.row("SELECT 1 FROM addresses WHERE subnet = ? AND address = ?", subnet.id, pool.start)
        if taken is None:
            return pool.start
        row = turn.row(
            "SELECT min(a.address) + 1 FROM addresses a WHERE a.subnet = ?1 AND a.address BETWEEN ?2 AND ?3 - 1"
            " AND NOT EXISTS (SELECT 1 FROM addresses b WHERE b.subnet = ?1 AND b.address = a.address + 1)",
            subnet.id,
            pool.start,
            pool.end,
        )
        if row is not None and row[0] is not None:
            return int(row[0])
    return None


def take_address(turn: Turn, subnet: Subnet, holder: Holder, ident: int, wanted: str | None) -> IPv4Address:
    """Give an address, a certain one if `wanted`, to a port or a floating IP.

    Raises Fault 400 for one outside of the pools, 409 for one that is taken or when there is none left.
    """
    if wanted is None:
        found = free_address(turn, subnet)
        if found is None:
            raise conflict(f"the subnet {subnet.cidr} has no free address")
        address = found
    else:
        address = int(parse_address(wanted))
        if not any(address in pool for pool in subnet.pools):
            raise bad_request(f"{wanted} is outside of the pools of {subnet.cidr}")
        taken = turn.row("SELECT 1 FROM addresses WHERE subnet = ? AND address = ?", subnet.id, address)
        if taken is not None:
            raise conflict(f"the address {wanted} is in use")
    turn.run(f"INSERT INTO addresses (subnet, address, {holder}) VALUES (?, ?, ?)", subnet.id, address, ident)  # noqa: S608
    return IPv4Address(address)


def add_port(turn: Turn, network: Network, user: str, name: str) -> int:
    """A port without an address; returns its id."""
    ident = turn.insert(
        "INSERT INTO ports (network, name, user, status, mac, created, updated) VALUES (?, ?, ?, 'DOWN', '', ?, ?)",
        network.id,
        name,
        user,
        turn.now,
        turn.now,
    )
    turn.run("UPDATE ports SET mac = ? WHERE id = ?", hardware_address(network.prefix, ident), ident)
    return ident


def own_ipv6(turn: Turn, network: int, mac: str) -> str | None:
    """The address that a host with that MAC has on the network's IPv6 subnet, if there is one."""
    for subnet in subnets_of(turn, network):
        if subnet.version == 6:
            return str(slaac_address(IPv6Network(subnet.cidr), mac))
    return None


def remove_port(turn: Turn, ident: int) -> None:
    """A port with its own address; a floating IP that it carried is free again."""
    turn.run("DELETE FROM addresses WHERE port = ?", ident)
    turn.run("UPDATE floating_ips SET port = NULL, updated = ? WHERE port = ?", turn.now, ident)
    turn.run("DELETE FROM ports WHERE id = ?", ident)
