"""`pithosfs network create`, `modify`, `reassign` and `delete`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pithosfs.errors import Conflict, NotAllowed
from pithosfs_cli.acting import delete_options, delete_things
from pithosfs_cli.command import Command, with_options
from pithosfs_cli.finding import about, find, given_to, thing_argument, thing_option, things_argument
from pithosfs_cli.invocation import Invocation
from pithosfs_cli.kinds import NETWORK, PROJECT, SUBNET, Thing
from pithosfs_cli.layout import columns_option
from pithosfs_cli.network.records import NETWORK_INFO, network_record, ranges_of
from pithosfs_cli.options import at_least_one
from pithosfs_cli.output import show_fields
from pithosfs_cli.services import networks

if TYPE_CHECKING:
    from pithosfs.clients.cyclades import CycladesNetworkClient

__all__ = ["create", "delete", "modify", "reassign"]

_TYPES = ("MAC_FILTERED", "CUSTOM", "IP_LESS_ROUTED", "PHYSICAL_VLAN")


@click.command("create", cls=Command)
@with_options(
    [
        click.option("--name", metavar="NAME", default="", help="What to call it."),
        click.option(
            "--type",
            "kind",
            type=click.Choice(_TYPES, case_sensitive=False),
            default=_TYPES[0],
            metavar="TYPE",
            help=f"How it is kept apart from others: {', '.join(_TYPES)} (default: {_TYPES[0]}).",
        ),
        thing_option("--project-id", kind=PROJECT, help="The project that pays for it, by id or name."),
        click.option("--shared", is_flag=True, help="For all users: only the cloud's administrators can."),
        columns_option(NETWORK_INFO),
    ]
)
@click.pass_obj
def create(run: Invocation, name: str, kind: str, project_id: str | None, shared: bool) -> None:
    """Make a network. Give it addresses next: pithosfs subnet create."""
    from pithosfs_cli.completion import things_changed

    project = None if project_id is None else PROJECT.id_of(find(run, PROJECT, project_id))
    try:
        with given_to("network create"):
            made = networks(run).create_network(kind, name or None, shared or None, project)
    except NotAllowed as error:
        error.hint = f"most clouds let you make networks of the type {_TYPES[0]} only"
        raise
    things_changed(run, NETWORK)
    _show(run, made)


@click.command("modify", cls=Command)
@with_options([thing_argument(NETWORK), click.option("--name", metavar="NAME", help="Call it so.")])
@click.pass_obj
def modify(run: Invocation, text: str, name: str | None) -> None:
    """Rename a NETWORK, and show it."""
    from pithosfs_cli.completion import things_changed

    at_least_one({"--name": name})
    network = find(run, NETWORK, text)
    with about(NETWORK, network):
        changed = networks(run).update_network(NETWORK.id_of(network), name)
    things_changed(run, NETWORK)
    _show(run, changed)


@click.command("reassign", cls=Command)
@with_options(
    [
        thing_argument(NETWORK),
        thing_option("--project-id", kind=PROJECT, required=True, help="Who pays from now on, by id or name."),
    ]
)
@click.pass_obj
def reassign(run: Invocation, text: str, project_id: str) -> None:
    """Charge a NETWORK to another project."""
    network = find(run, NETWORK, text)
    project = PROJECT.id_of(find(run, PROJECT, project_id))
    with about(NETWORK, network):
        networks(run).reassign_network(NETWORK.id_of(network), project)
    if run.output != "table":
        _show(run, NETWORK.one(run, NETWORK.id_of(network)))


@click.command("delete", cls=Command)
@with_options([things_argument(NETWORK), *delete_options])
@click.pass_obj
def delete(run: Invocation, texts: tuple[str, ...], yes: bool, dry_run: bool) -> None:
    """Delete networks, by id or name, with their subnets. Nothing may be connected to them."""
    client = networks(run)
    delete_things(run, NETWORK, texts, lambda one: _delete(client, one), yes=yes, dry_run=dry_run)


def _delete(client: CycladesNetworkClient, network: Thing) -> None:
    ident = NETWORK.id_of(network)
    try:
        client.delete_network(ident)
    except Conflict as error:
        error.hint = f"see what is on it: pithosfs port list --filter network_id={ident}"
        raise


def _show(run: Invocation, network: Thing) -> None:
    show_fields(run, network_record(network, ranges_of(SUBNET.all(run))), NETWORK_INFO)
