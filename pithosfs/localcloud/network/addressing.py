"""Address arithmetic: subnets, gateways, pools, hardware addresses. Pure; source: network.md 4.2 and 5.1."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from itertools import pairwise
from typing import Any

from pithosfs.localcloud.faults import Fault, bad_request, conflict

__all__ = [
    "Pool",
    "automatic_pools",
    "hardware_address",
    "parse_address",
    "parse_cidr",
    "parse_gateway",
    "parse_pools",
    "slaac_address",
]

IPV4_PREFIXES = range(22, 30)
"""Sizes of the IPv4 networks that users may have."""

IPV6_PREFIX = 64
"""The only size of an IPv6 network: hosts make the other half of their addresses from their hardware addresses."""


@dataclass(frozen=True, slots=True, order=True)
class Pool:
    """IPv4 addresses that may be given out, both ends included, as numbers."""

    start: int
    end: int

    def __contains__(self, address: int) -> bool:
        return self.start <= address <= self.end

    def json(self) -> dict[str, str]:
        return {"start": str(IPv4Address(self.start)), "end": str(IPv4Address(self.end))}


def parse_cidr(text: str, version: int) -> IPv4Network | IPv6Network:
    """The network that a CIDR names, in one of the sizes that users may have. Raises Fault 400, 413."""
    try:
        network = ip_network(text)
    except ValueError:
        raise bad_request(f"{text!a} is no network in CIDR notation, or has bits of hosts set") from None
    if network.version != version or "/" not in text:
        raise bad_request(f"{text!a} is no IPv{version} network in CIDR notation")
    if isinstance(network, IPv6Network):
        if network.prefixlen != IPV6_PREFIX:
            raise bad_request(f"an IPv6 network is a /{IPV6_PREFIX}")
    elif network.prefixlen not in IPV4_PREFIXES:
        raise Fault(
            413, "overLimit", f"an IPv4 network is between /{IPV4_PREFIXES.start} and /{IPV4_PREFIXES.stop - 1}"
        )
    return network


def parse_gateway(text: str, network: IPv4Network | IPv6Network) -> IPv4Address | IPv6Address:
    """A gateway inside a network. Raises Fault 400."""
    try:
        address = ip_address(text)
    except ValueError:
        raise bad_request(f"{text!a} is no address") from None
    if address not in network or address == network.network_address:
        raise bad_request("the gateway is not an address of the network")
    if isinstance(network, IPv4Network) and address == network.broadcast_address:
        raise bad_request("the gateway is the broadcast address of the network")
    return address


def automatic_pools(network: IPv4Network, gateway: IPv4Address | None) -> list[Pool]:
    """The usable addresses without the gateway: two pools when it is in the middle."""
    first, last = int(network.network_address) + 1, int(network.broadcast_address) - 1
    if gateway is None:
        return [Pool(first, last)]
    middle = int(gateway)
    return [pool for pool in (Pool(first, middle - 1), Pool(middle + 1, last)) if pool.start <= pool.end]


def parse_pools(items: Sequence[Any], network: IPv4Network, gateway: IPv4Address | None) -> list[Pool]:
    """Pools as a request gives them, sorted. Raises Fault 400 for what is malformed, 409 for what does not fit."""
    pools = []
    for item in items:
        if not isinstance(item, dict):
            raise bad_request("a pool is an object with start and end")
        start, end = (parse_address(item.get(key)) for key in ("start", "end"))
        if start not in network or end not in network:
            raise conflict("a pool is outside of the network")
        if start > end:
            raise conflict("a pool ends before it starts")
        pools.append(Pool(int(start), int(end)))
    pools.sort()
    for pool, following in pairwise(pools):
        if following.start <= pool.end:
            raise conflict("two pools overlap")
    for pool in pools:
        if gateway is not None and int(gateway) in pool:
            raise conflict("a pool contains the gateway")
        if int(network.network_address) in pool or int(network.broadcast_address) in pool:
            raise conflict("a pool contains the first or the last address of the network, which no host can have")
    return pools


def parse_address(text: object) -> IPv4Address:
    """An IPv4 address of a request. Raises Fault 400."""
    if isinstance(text, str):
        try:
            return IPv4Address(text)
        except ValueError:
            pass
    raise bad_request(f"{text!a} is no IPv4 address")


def hardware_address(prefix: int, number: int) -> str:
    """A MAC: `aa`, two bytes that belong to one network, and three that belong to one of its ports."""
    value = (0xAA << 40) | (prefix << 24) | (number & 0xFFFFFF)
    return ":".join(f"{byte:02x}" for byte in value.to_bytes(6, "big"))


def slaac_address(network: IPv6Network, mac: str) -> IPv6Address:
    """The address that a host with that MAC gives itself: its halves around ff:fe, the universal bit turned over."""
    parts = bytes.fromhex(mac.replace(":", ""))
    identifier = bytes([parts[0] ^ 0x02]) + parts[1:3] + b"\xff\xfe" + parts[3:]
    return network.network_address + int.from_bytes(identifier, "big")
