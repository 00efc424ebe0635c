"""`pithosfs ip …`: floating IPs: public addresses that are yours, and go from server to server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from pithosfs.errors import Conflict
from pithosfs_cli.acting import delete_options, delete_things
from pithosfs_cli.command import Group, option, with_options
from pithosfs_cli.filtering import Sieve, sieve_options
from pithosfs_cli.finding import about, find, given_to, thing_argument, thing_option, things_argument
from pithosfs_cli.invocation import Invocation
from pithosfs_cli.kinds import IP, NETWORK, PORT, PROJECT, SERVER, SUBNET, Thing
from pithosfs_cli.layout import columns_option, list_options
from pithosfs_cli.network.ports import make_port, port_options, remove_port, wait_until_connected
from pithosfs_cli.network.records import IP_DETAILS, IP_INFO, IP_SUMMARY, PORT_INFO, ip_records, port_records
from pithosfs_cli.output import note, show_fields, show_list
from pithosfs_cli.services import networks
from pithosfs_cli.waiting import GONE, Patience, wait_for, wait_options

__all__ = ["ip"]


@click.group("ip", cls=Group)
def ip() -> None:
    """Floating IPs: public addresses that are yours, and go from server to server."""


@ip.command("list")
@with_options(
    [
        option("-l", "--details", is_flag=True, aliases=("--detail", "--list"), help="Show everything."),
        *sieve_options,
        *list_options(IP_DETAILS),
    ]
)
@click.pass_obj
def list_(run: Invocation, /, details: bool, **options: Any) -> None:
    """List the floating IPs: your own, and those that your projects share. Their names are their addresses."""
    from pithosfs_cli.completion import remember_things

    sieve = Sieve.of(options)
    found = IP.all(run)
    remember_things(run, IP, found)
    empty = "There is no such floating IP" if sieve else "There is no floating IP; reserve one: pithosfs ip create"
    records = sieve.sift(IP, ip_records(run, found))
    # Programs have got everything of these ever since.
    show_list(run, records, IP_DETAILS if details else IP_SUMMARY, empty=empty)


@ip.command("info")
@with_options([thing_argument(IP), columns_option(IP_INFO)])
@click.pass_obj
def info(run: Invocation, text: str) -> None:
    """Show a floating IP, by id or address."""
    _show(run, find(run, IP, text))


@ip.command("create")
@with_options(
    [
        thing_option("--network-id", kind=NETWORK, help="The network to take it from (default: the cloud's choice)."),
        click.option("--address", metavar="ADDRESS", help="The address that you would like; with --network-id."),
        thing_option("--project-id", kind=PROJECT, help="The project that pays for it, by id or name."),
        columns_option(IP_INFO),
    ]
)
@click.pass_obj
def create(run: Invocation, network_id: str | None, address: str | None, project_id: str | None) -> None:
    """Reserve a floating IP. It stays yours until you delete it."""
    from pithosfs_cli.completion import things_changed

    project = None if project_id is None else PROJECT.id_of(find(run, PROJECT, project_id))
    network = _pool(run, network_id, address)
    try:
        with given_to("ip create"):
            made = networks(run).create_floatingip(network, address or "", project)
    except Conflict as error:
        error.hint = (
            "that address is taken, or all are: leave --address out, or see the networks: pithosfs network list"
        )
        raise
    things_changed(run, IP)
    _show(run, made)


def _pool(run: Invocation, network: str | None, address: str | None) -> str | None:
    """The network to take an address from. Without it the cloud would ignore which address is wanted, so it is looked
    for."""
    if network is not None:
        return NETWORK.id_of(find(run, NETWORK, network))
    if address is None:
        return None
    import ipaddress

    from pithosfs.errors import UsageError

    try:
        wanted = ipaddress.ip_address(address)
    except ValueError:
        raise UsageError(f"{address!r} is no address", hint="write it as 192.0.2.15") from None
    for one in SUBNET.all(run):
        if one.get("public") and wanted in ipaddress.ip_network(one["cidr"]):
            return str(one["network_id"])
    raise UsageError(
        f"no public network has the address {address}", hint="see the networks and their ranges: pithosfs network list"
    )


@ip.command("reassign")
@with_options(
    [
        thing_argument(IP),
        thing_option("--project-id", kind=PROJECT, required=True, help="Who pays from now on, by id or name."),
    ]
)
@click.pass_obj
def reassign(run: Invocation, text: str, project_id: str) -> None:
    """Charge a floating IP, by id or address, to another project."""
    found = find(run, IP, text)
    project = PROJECT.id_of(find(run, PROJECT, project_id))
    with about(IP, found):
        networks(run).reassign_floating_ip(IP.id_of(found), project)
    if run.output != "table":
        _show(run, IP.one(run, IP.id_of(found)))


@ip.command("delete")
@with_options([things_argument(IP), *delete_options])
@click.pass_obj
def delete(run: Invocation, texts: tuple[str, ...], yes: bool, dry_run: bool) -> None:
    """Give floating IPs back, by id or address. Somebody else may get them."""
    client = networks(run)

    def work(one: Thing) -> None:
        try:
            client.delete_floatingip(IP.id_of(one))
        except Conflict as error:
            error.hint = f"detach it first: pithosfs ip detach {IP.id_of(one)} --wait"
            raise

    delete_things(run, IP, texts, work, yes=yes, dry_run=dry_run, verb="give back", done="given back")


@ip.command("attach")
@with_options(
    [
        thing_argument(IP),
        thing_option("--server-id", kind=SERVER, required=True, help="The server, by id or name."),
        *port_options,
        columns_option(PORT_INFO),
        *wait_options,
    ]
)
@click.pass_obj
def attach(
    run: Invocation,
    /,
    text: str,
    server_id: str,
    name: str | None,
    groups: Sequence[str],
    subnet_id: str | None,
    **options: Any,
) -> None:
    """Attach a floating IP, by id or address, to a server, and show the port that was made for it."""
    patience = Patience.of(options)
    found, server = find(run, IP, text), find(run, SERVER, server_id)
    subnet = None if subnet_id is None else SUBNET.id_of(find(run, SUBNET, subnet_id))
    if found.get("port_id"):
        raise Conflict(
            f"{IP.called(found)} has a server already: {found.get('instance_id')}",
            409,
            hint=f"detach it first: pithosfs ip detach {IP.id_of(found)} --wait",
        )
    address = str(found["floating_ip_address"])
    with about(IP, found):
        network = {"id": found["floating_network_id"]}
        made = make_port(run, network, server, address=address, subnet=subnet, name=name, groups=groups)
    made = wait_until_connected(run, made, patience)
    show_fields(run, port_records(run, [made])[0], PORT_INFO)


@ip.command("detach")
@with_options([thing_argument(IP), *wait_options])
@click.pass_obj
def detach(run: Invocation, /, text: str, **options: Any) -> None:
    """Detach a floating IP, by id or address, from its server. It stays yours."""
    patience = Patience.of(options)
    found = find(run, IP, text)
    if not found.get("port_id"):
        raise Conflict(f"{IP.called(found)} is not attached to anything", 409, hint="see which are: pithosfs ip list")
    port = {"id": found["port_id"], "device_id": found.get("instance_id")}
    with about(IP, found):
        remove_port(run, port)
    if patience is not None:
        wait_for(run, PORT, port, GONE, patience, later=f"port info {port['id']}")
    if run.output != "table":
        _show(run, IP.one(run, IP.id_of(found)))
        return
    note(f"{IP.label(found)} is {'free' if patience else 'being detached'}")


def _show(run: Invocation, found: Thing) -> None:
    show_fields(run, ip_records(run, [found])[0], IP_INFO)
