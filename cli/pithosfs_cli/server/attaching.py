"""`pithosfs server attach`, `detach`, `attachments` and `attachment`: the volumes of a server."""

from __future__ import annotations

from typing import Any

import click

from pithosfs.errors import BadRequest, NotFound, UsageError
from pithosfs_cli.command import Command, with_options
from pithosfs_cli.finding import about, find, thing_argument, thing_option
from pithosfs_cli.invocation import Invocation
from pithosfs_cli.kinds import SERVER, VOLUME, Thing
from pithosfs_cli.layout import Column, columns_option, list_options
from pithosfs_cli.options import at_most_one
from pithosfs_cli.output import show, show_list
from pithosfs_cli.server.states import SETTLED, needs
from pithosfs_cli.services import compute
from pithosfs_cli.volume_states import available, in_use
from pithosfs_cli.waiting import Patience, wait_for, wait_options

__all__ = ["attach", "attachment", "attachments", "detach"]

_COLUMNS = [
    Column("id", "ID"),
    Column("volumeId", "VOLUME"),
    Column("serverId", "SERVER"),
    Column("device", "DEVICE"),
]


@click.command("attach", cls=Command)
@with_options(
    [
        thing_argument(SERVER),
        thing_option("--volume-id", kind=VOLUME, required=True, help="The volume, by id or name."),
        columns_option(_COLUMNS),
        *wait_options,
    ]
)
@click.pass_obj
def attach(run: Invocation, /, text: str, volume_id: str, **options: Any) -> None:
    """Attach a volume to a SERVER."""
    patience = Patience.of(options)
    server, volume = find(run, SERVER, text), find(run, VOLUME, volume_id)
    with needs(server, SETTLED), about(VOLUME, volume, hint=_advice(volume)):
        found = compute(run).attach_volume(SERVER.id_of(server), VOLUME.id_of(volume))
    if patience is not None:
        wait_for(run, VOLUME, volume, in_use(volume), patience)
    show(run, found, _COLUMNS)


def _advice(volume: Thing) -> str:
    ident, holders = VOLUME.id_of(volume), volume.get("attachments")
    if holders:
        holder = holders[0].get("server_id")
        return f"it has a server already; detach it: pithosfs server detach {holder} --volume-id {ident}"
    return f"look at it: pithosfs volume info {ident}"


@click.command("attachments", cls=Command)
@with_options([thing_argument(SERVER), *list_options(_COLUMNS)])
@click.pass_obj
def attachments(run: Invocation, text: str) -> None:
    """List the volumes of a SERVER."""
    server = find(run, SERVER, text)
    with about(SERVER, server):
        found = compute(run).list_volume_attachments(SERVER.id_of(server))
    show_list(run, found, _COLUMNS, empty=f"{SERVER.label(server)} has no volumes")


@click.command("attachment", cls=Command)
@with_options(
    [
        thing_argument(SERVER),
        click.option("--attachment-id", required=True, metavar="ID", help="As `server attachments` shows it."),
        columns_option(_COLUMNS),
    ]
)
@click.pass_obj
def attachment(run: Invocation, text: str, attachment_id: str) -> None:
    """Show a volume of a SERVER."""
    server = find(run, SERVER, text)
    with about(SERVER, server):
        try:
            found = compute(run).get_volume_attachment(SERVER.id_of(server), attachment_id)
        except (BadRequest, NotFound) as error:
            raise _not_attached(server, attachment_id) from error
    show(run, found, _COLUMNS)


@click.command("detach", cls=Command)
@with_options(
    [
        thing_argument(SERVER),
        thing_option("--volume-id", kind=VOLUME, help="The volume, by id or name."),
        click.option("--attachment-id", metavar="ID", help="Instead of the volume: as `server attachments` shows it."),
        *wait_options,
    ]
)
@click.pass_obj
def detach(run: Invocation, /, text: str, volume_id: str | None, attachment_id: str | None, **options: Any) -> None:
    """Detach a volume from a SERVER. The volume stays, with what is on it."""
    at_most_one({"--volume-id": volume_id, "--attachment-id": attachment_id})
    if volume_id is None and attachment_id is None:
        raise UsageError("which volume is to be detached?", hint="give --volume-id or --attachment-id")
    patience = Patience.of(options)
    server = find(run, SERVER, text)
    client, ident = compute(run), SERVER.id_of(server)
    wanted = attachment_id if volume_id is None else VOLUME.id_of(find(run, VOLUME, volume_id))
    with about(SERVER, server):
        key = "id" if volume_id is None else "volumeId"
        there = [one for one in client.list_volume_attachments(ident) if str(one.get(key)) == wanted]
        if not there:
            raise _not_attached(server, str(wanted))
        with needs(server, SETTLED):
            for one in there:
                client.delete_volume_attachment(ident, one["id"])
    if patience is not None:
        for one in there:
            volume = VOLUME.one(run, str(one["volumeId"]))
            wait_for(run, VOLUME, volume, available(volume), patience)
    if run.output != "table":
        show_list(run, there, _COLUMNS)


def _not_attached(server: Thing, what: str) -> NotFound:
    return NotFound(
        f"{SERVER.called(server)} has no volume {what}",
        404,
        hint=f"see which it has: pithosfs server attachments {SERVER.id_of(server)}",
    )
