"""`pithosfs port …`: what connects servers to networks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from pithosfs_cli.acting import delete_options, delete_things
from pithosfs_cli.command import Group, option, with_options
from pithosfs_cli.filtering import Sieve, sieve_options
from pithosfs_cli.finding import about, find, given_to, thing_argument, thing_option, things_argument
from pithosfs_cli.invocation import Invocation
from pithosfs_cli.kinds import NETWORK, PORT, SERVER, SUBNET, Thing
from pithosfs_cli.layout import columns_option, list_options
from pithosfs_cli.network.ports import make_port, port_options, remove_port, wait_until_connected
from pithosfs_cli.network.records import PORT_DETAILS, PORT_INFO, PORT_SUMMARY, port_records
from pithosfs_cli.options import at_least_one
from pithosfs_cli.output import show_fields, show_list
from pithosfs_cli.services import networks
from pithosfs_cli.users import user_id as id_of_user
from pithosfs_cli.wait_command import wait_command
from pithosfs_cli.waiting import GONE, Patience, wait_options

__all__ = ["port"]


@click.group("port", cls=Group)
def port() -> None:
    """What connects servers to networks."""


port.add_command(wait_command(PORT, ("BUILD", "ACTIVE", "DOWN", "ERROR"), "BUILD"))


@port.command("list")
@with_options(
    [
        option("-l", "--details", is_flag=True, aliases=("--detail", "--list"), help="Show everything."),
        click.option("--user-id", metavar="USER", help="Only of this user, by id or name."),
        *sieve_options,
        *list_options(PORT_DETAILS),
    ]
)
@click.pass_obj
def list_(run: Invocation, /, details: bool, user_id: str | None, **options: Any) -> None:
    """List the ports."""
    from pithosfs_cli.completion import remember_things

    sieve = Sieve.of(options)
    found = PORT.all(run)
    remember_things(run, PORT, found)
    if user_id is not None:
        owner = id_of_user(run, user_id)
        found = [one for one in found if one.get("user_id") == owner]
    records = sieve.sift(PORT, port_records(run, found))
    columns = PORT_DETAILS if details else PORT_SUMMARY
    show_list(run, records, columns, brief=not details, empty="There is no such port")


@port.command("info")
@with_options([thing_argument(PORT), columns_option(PORT_INFO)])
@click.pass_obj
def info(run: Invocation, text: str) -> None:
    """Show a PORT, by id or name."""
    _show(run, find(run, PORT, text))


@port.command("create")
@with_options(
    [
        thing_option("--network-id", kind=NETWORK, required=True, help="The network, by id or name."),
        thing_option("--device-id", kind=SERVER, required=True, help="The server, by id or name."),
        click.option(
            "--ip-address", metavar="ADDRESS", help="The address; on a public network a floating IP of yours."
        ),
        *port_options,
        columns_option(PORT_INFO),
        *wait_options,
    ]
)
@click.pass_obj
def create(
    run: Invocation,
    /,
    network_id: str,
    device_id: str,
    ip_address: str | None,
    name: str | None,
    groups: Sequence[str],
    subnet_id: str | None,
    **options: Any,
) -> None:
    """Connect a server to a network."""
    from pithosfs_cli.completion import things_changed

    patience = Patience.of(options)
    network, server = find(run, NETWORK, network_id), find(run, SERVER, device_id)
    subnet = None if subnet_id is None else SUBNET.id_of(find(run, SUBNET, subnet_id))
    with about(NETWORK, network), given_to("port create"):
        made = make_port(run, network, server, address=ip_address, subnet=subnet, name=name, groups=groups)
    things_changed(run, PORT)
    _show(run, wait_until_connected(run, made, patience))


@port.command("modify")
@with_options([thing_argument(PORT), click.option("--name", metavar="NAME", help="Call it so.")])
@click.pass_obj
def modify(run: Invocation, text: str, name: str | None) -> None:
    """Rename a PORT, and show it."""
    from pithosfs_cli.completion import things_changed

    at_least_one({"--name": name})
    found = find(run, PORT, text)
    with about(PORT, found):
        changed = networks(run).update_port(PORT.id_of(found), found.get("network_id"), name)
    things_changed(run, PORT)
    _show(run, changed)


@port.command("delete")
@with_options([things_argument(PORT), *delete_options, *wait_options])
@click.pass_obj
def delete(run: Invocation, /, texts: tuple[str, ...], yes: bool, dry_run: bool, **options: Any) -> None:
    """Delete ports, by id or name: what is connected by them is disconnected."""
    delete_things(
        run,
        PORT,
        texts,
        lambda one: remove_port(run, one),
        yes=yes,
        dry_run=dry_run,
        goal=GONE,
        patience=Patience.of(options),
        with_it=lambda one: f" of the server {one['device_id']}" if one.get("device_id") else "",
    )


def _show(run: Invocation, found: Thing) -> None:
    show_fields(run, port_records(run, [found])[0], PORT_INFO)
