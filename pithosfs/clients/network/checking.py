"""The descriptions of networks, subnets, ports and addresses that the network service is sent. All of it is pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from pithosfs.clients.json_client import Json, drop_none
from pithosfs.errors import BadRequest

__all__ = ["FixedIps", "Gateway", "Pools", "fixed_ips_of", "floating_ip_of", "several", "subnet_of"]

FixedIps = Iterable[Mapping[str, Any]] | None
"""The addresses of a port: `{"ip_address": …}`, perhaps with a `subnet_id`."""

Pools = Iterable[Mapping[str, str]] | None
"""From where to where addresses are given out: `{"start": …, "end": …}`."""

Gateway = str | Literal[False] | None
"""The address of a gateway; False for a subnet without one, None to leave it to the server."""


def several(things: object, kind: str, needed: Iterable[str], allowed: Iterable[str]) -> list[Json]:
    """Several descriptions, as they are sent at once. Raises BadRequest for one that cannot be meant so."""
    if not isinstance(things, list | tuple):
        raise BadRequest(f"a list of {kind} is needed, not {things!r}", 0)
    needed = set(needed)
    for one in things:
        if not isinstance(one, Mapping):
            raise BadRequest(f"{one!r} does not describe one of the {kind}", 0)
        if missing := needed - one.keys():
            raise BadRequest(f"{', '.join(sorted(missing))} missing in {dict(one)!r}", 0)
        if unknown := one.keys() - needed - set(allowed):
            raise BadRequest(f"nobody knows what {', '.join(sorted(unknown))} means in {dict(one)!r}", 0)
    return [dict(one) for one in things]


def fixed_ips_of(given: FixedIps) -> list[Json] | None:
    """The addresses of a port. Raises BadRequest for one that is none."""
    if given is None:
        return None
    addresses = [dict(one) for one in given]
    for one in addresses:
        if not one.keys() & {"ip_address", "subnet_id"}:
            raise BadRequest(f"{one!r} is not an address of a port", 0, hint='write {"ip_address": ADDRESS}')
    return addresses


def subnet_of(
    *,
    allocation_pools: Pools,
    gateway_ip: Gateway,
    ip_version: int | None,
    enable_dhcp: bool | None,
    **members: Any,
) -> Json:
    """A subnet, or what is to change of one."""
    pools = None if allocation_pools is None else [dict(one) for one in allocation_pools]
    for pool in pools or ():
        if pool.keys() != {"start", "end"}:
            raise BadRequest(f"{pool!r} is not a pool of addresses", 0, hint='write {"start": ADDRESS, "end": ADDRESS}')
    subnet = drop_none(**members, allocation_pools=pools, ip_version=ip_version, enable_dhcp=enable_dhcp)
    if gateway_ip is not None:
        subnet["gateway_ip"] = gateway_ip or None
    return subnet


def floating_ip_of(**members: Any) -> Json:
    """A floating address: what is None or empty is not said."""
    return {"floatingip": {key: value for key, value in members.items() if value not in (None, "")}}
