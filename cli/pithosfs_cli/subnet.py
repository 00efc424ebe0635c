"""`pithosfs subnet …`: the ranges of addresses of networks."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Any, Literal

import click

from pithosfs.errors import UsageError
from pithosfs_cli.command import Group, option, with_options
from pithosfs_cli.filtering import Sieve, sieve_options
from pithosfs_cli.finding import about, find, given_to, names_of, thing_argument, thing_option
from pithosfs_cli.invocation import Invocation
from pithosfs_cli.kinds import NETWORK, SUBNET, Thing
from pithosfs_cli.layout import Column, columns_option, list_options
from pithosfs_cli.options import at_least_one, at_most_one
from pithosfs_cli.output import show_fields, show_list
from pithosfs_cli.services import networks

__all__ = ["subnet"]

_SUMMARY = [
    Column("id", "ID"),
    Column("name", "NAME"),
    Column("network_name", "NETWORK"),
    Column("cidr", "RANGE"),
    Column("gateway_ip", "GATEWAY"),
]
_DETAILS = [
    *_SUMMARY,
    Column("pools", "POOLS"),
    Column("enable_dhcp", "DHCP"),
    Column("ip_version", "IP VERSION"),
    Column("public", "PUBLIC"),
    Column("user_id", "OWNER"),
]
_INFO = [
    Column("id", "id"),
    Column("name", "name"),
    Column("network_name", "network"),
    Column("cidr", "range"),
    Column("gateway_ip", "gateway"),
    Column("pools", "pool"),
    Column("enable_dhcp", "dhcp"),
    Column("dns_nameservers", "name server"),
    Column("host_routes", "route"),
    Column("ip_version", "ip version"),
    Column("public", "public"),
    Column("user_id", "owner"),
]


@click.group("subnet", cls=Group)
def subnet() -> None:
    """The ranges of addresses of networks."""


def _record(found: Thing, names: dict[str, str]) -> Thing:
    network = str(found.get("network_id"))
    pools = [f"{pool.get('start')}-{pool.get('end')}" for pool in found.get("allocation_pools") or ()]
    return {
        **found,
        "network_name": names.get(network),
        "_network_name": names.get(network) or network,
        "pools": pools,
    }


@subnet.command("list")
@with_options(
    [
        option("-l", "--details", is_flag=True, aliases=("--detail", "--list"), help="Show everything."),
        *sieve_options,
        *list_options(_DETAILS),
    ]
)
@click.pass_obj
def list_(run: Invocation, /, details: bool, **options: Any) -> None:
    """List the subnets of the networks that you may see."""
    from pithosfs_cli.completion import remember_things

    sieve = Sieve.of(options)
    found = SUBNET.all(run)
    remember_things(run, SUBNET, found)
    names = names_of(run, NETWORK) if found else {}
    records = sieve.sift(SUBNET, (_record(one, names) for one in found))
    columns = _DETAILS if details else _SUMMARY
    show_list(run, records, columns, brief=not details, empty="There is no such subnet")


@subnet.command("info")
@with_options([thing_argument(SUBNET), columns_option(_INFO)])
@click.pass_obj
def info(run: Invocation, text: str) -> None:
    """Show a SUBNET, by id or name."""
    _show(run, find(run, SUBNET, text))


@subnet.command("create")
@with_options(
    [
        thing_option("--network-id", kind=NETWORK, required=True, help="The network that it is for, by id or name."),
        click.option("--cidr", required=True, metavar="RANGE", help="Its addresses, as 10.0.0.0/24."),
        click.option("--name", metavar="NAME", help="What to call it."),
        click.option("--gateway", metavar="ADDRESS", help="The gateway (default: the first address)."),
        click.option("--no-gateway", is_flag=True, help="There is no gateway."),
        click.option(
            "--alloc-pool",
            "pools",
            metavar="START,END",
            multiple=True,
            help="Give servers addresses from here to there only; may be repeated.",
        ),
        click.option("--with-dhcp", is_flag=True, help="Tell servers their addresses by DHCP."),
        click.option("--ipv6", is_flag=True, help="It is of IP version 6, as a RANGE with colons is anyway."),
        click.option("--id", "ident", metavar="ID", help="Its id, where the cloud lets you choose it."),
        columns_option(_INFO),
    ]
)
@click.pass_obj
def create(
    run: Invocation,
    network_id: str,
    cidr: str,
    name: str | None,
    gateway: str | None,
    no_gateway: bool,
    pools: Sequence[str],
    with_dhcp: bool,
    ipv6: bool,
    ident: str | None,
) -> None:
    """Make a subnet: give a network addresses. A network can have one of each IP version."""
    from pithosfs_cli.completion import things_changed

    at_most_one({"--gateway": gateway, "--no-gateway": no_gateway})
    _check(cidr, ipv6=ipv6)
    network = find(run, NETWORK, network_id)
    wanted: str | Literal[False] | None = False if no_gateway else gateway
    with about(NETWORK, network), given_to("subnet create"):
        made = networks(run).create_subnet(
            NETWORK.id_of(network),
            cidr,
            name=name,
            allocation_pools=[_pool(one) for one in pools] or None,
            gateway_ip=wanted,
            subnet_id=ident,
            ipv6=ipv6 or None,
            enable_dhcp=with_dhcp,
        )
    things_changed(run, SUBNET)
    _show(run, made)


def _check(cidr: str, *, ipv6: bool) -> None:
    """Raises UsageError for what is no range of addresses, or one inside of which an address is meant."""
    try:
        found = ipaddress.ip_network(cidr, strict=False)
    except ValueError:
        raise UsageError(
            f"{cidr!r} is no range of addresses", hint="write it as 10.0.0.0/24, or 2001:db8::/64"
        ) from None
    if "/" not in cidr or str(ipaddress.ip_interface(cidr).ip) != str(found.network_address):
        raise UsageError(f"{cidr!r} does not begin with the first address of its range", hint=f"do you mean {found}?")
    if ipv6 and found.version == 4:
        raise UsageError(f"{cidr!r} is of IP version 4", hint="leave --ipv6 out, or write a range with colons")


def _pool(text: str) -> dict[str, str]:
    start, comma, end = text.partition(",")
    if not comma or not start.strip() or not end.strip():
        raise UsageError(f"{text!r} is no pool of addresses", hint="write START,END as in 10.0.0.10,10.0.0.99")
    return {"start": start.strip(), "end": end.strip()}


@subnet.command("modify")
@with_options([thing_argument(SUBNET), click.option("--name", metavar="NAME", help="Call it so.")])
@click.pass_obj
def modify(run: Invocation, text: str, name: str | None) -> None:
    """Rename a SUBNET, and show it."""
    from pithosfs_cli.completion import things_changed

    at_least_one({"--name": name})
    found = find(run, SUBNET, text)
    with about(SUBNET, found):
        changed = networks(run).update_subnet(SUBNET.id_of(found), name)
    things_changed(run, SUBNET)
    _show(run, changed)


def _show(run: Invocation, found: Thing) -> None:
    show_fields(run, _record(found, names_of(run, NETWORK)), _INFO)
