"""`pithosfs snapshot …`: volumes as they were at a time."""

from __future__ import annotations

from typing import Any

import click

from pithosfs.errors import BadRequest, ClientError, Conflict, QuotaExceeded
from pithosfs_cli.acting import delete_options, delete_things
from pithosfs_cli.command import Group, option, with_options
from pithosfs_cli.filtering import Sieve, sieve_options
from pithosfs_cli.finding import about, find, names_of, thing_argument, thing_option, things_argument
from pithosfs_cli.invocation import Invocation
from pithosfs_cli.kinds import SNAPSHOT, VOLUME, Thing
from pithosfs_cli.layout import Column, columns_option, list_options
from pithosfs_cli.options import at_least_one
from pithosfs_cli.output import show_fields, show_list
from pithosfs_cli.services import volumes
from pithosfs_cli.waiting import Goal, Patience, wait_for, wait_options

__all__ = ["snapshot"]

_PROGRESS = "os-extended-snapshot-attribute:progress"
_SUMMARY = [
    Column("id", "ID"),
    Column("display_name", "NAME"),
    Column("status", "STATUS", "status"),
    Column("size", "SIZE", "GiB"),
    Column("volume_name", "VOLUME"),
    Column("created_at", "CREATED", "time"),
]
_DETAILS = [*_SUMMARY, Column("display_description", "DESCRIPTION"), Column("user_id", "OWNER")]
_INFO = [
    Column("id", "id"),
    Column("display_name", "name"),
    Column("display_description", "description"),
    Column("status", "status", "status"),
    Column("size", "size", "GiB"),
    Column("volume_name", "volume"),
    Column("metadata", "metadata"),
    Column("user_id", "owner"),
    Column("created_at", "created", "time"),
]


@click.group("snapshot", cls=Group)
def snapshot() -> None:
    """Volumes as they were at a time. Each is a file in the container "snapshots", and an image, too."""


def _records(run: Invocation, found: list[Thing]) -> list[Thing]:
    names = names_of(run, VOLUME) if found else {}
    return [
        {
            **one,
            "volume_name": names.get(str(one.get("volume_id"))),
            "_volume_name": names.get(str(one.get("volume_id"))) or one.get("volume_id"),
        }
        for one in found
    ]


@snapshot.command("list")
@with_options(
    [
        option("-l", "--details", is_flag=True, aliases=("--detail", "--list"), help="Show everything."),
        *sieve_options,
        *list_options(_DETAILS),
    ]
)
@click.pass_obj
def list_(run: Invocation, /, details: bool, **options: Any) -> None:
    """List the snapshots: your own, and those that others share with you."""
    from pithosfs_cli.completion import remember_things

    sieve = Sieve.of(options)
    found = SNAPSHOT.all(run)
    remember_things(run, SNAPSHOT, found)
    empty = "There is no such snapshot" if sieve else "There is no snapshot; make one: pithosfs snapshot create"
    records = sieve.sift(SNAPSHOT, _records(run, found))
    show_list(run, records, _DETAILS if details else _SUMMARY, brief=not details, empty=empty)


@snapshot.command("info")
@with_options([thing_argument(SNAPSHOT), columns_option(_INFO)])
@click.pass_obj
def info(run: Invocation, text: str) -> None:
    """Show a SNAPSHOT, by id or name."""
    _show(run, find(run, SNAPSHOT, text))


@snapshot.command("create")
@with_options(
    [
        thing_option("--volume-id", kind=VOLUME, required=True, help="The volume, by id or name."),
        click.option("--name", metavar="NAME", help="What to call it (default: a name with the volume in it)."),
        click.option("--description", metavar="TEXT", help="What it is good for."),
        columns_option(_INFO),
        *wait_options,
    ]
)
@click.pass_obj
def create(run: Invocation, /, volume_id: str, name: str | None, description: str | None, **options: Any) -> None:
    """Take a snapshot of a volume that a server has."""
    from pithosfs_cli.completion import things_changed

    patience = Patience.of(options)
    volume = find(run, VOLUME, volume_id)
    with about(VOLUME, volume):
        try:
            made = volumes(run).create_snapshot(VOLUME.id_of(volume), name, display_description=description)
        except QuotaExceeded as error:
            error.hint = "snapshots are files: free some space, or see what there is: pithosfs user info"
            raise
        except BadRequest as error:
            raise _refused(volume, error) from error
    things_changed(run, SNAPSHOT)
    if patience is not None:
        later = f"snapshot info {SNAPSHOT.id_of(made)}"
        made = wait_for(run, SNAPSHOT, made, _taken(made), patience, later=later) or made
    _show(run, made)


def _refused(volume: Thing, error: BadRequest) -> ClientError:
    """Why there can be no snapshot of a volume as it is."""
    status, ident = str(volume.get("status")).lower().replace("-", "_"), VOLUME.id_of(volume)
    if status == "in_use":
        return error
    if status == "available":
        way = f"attach it to a server: pithosfs server attach SERVER --volume-id {ident} --wait"
    else:
        way = f"wait until a server has it: pithosfs volume wait {ident} --until in_use"
    return Conflict(f"{VOLUME.called(volume)} is {status}", 409, hint=way)


def _taken(made: Thing) -> Goal:
    return Goal(
        reached=lambda now: now is not None and str(now.get("status")).upper() == "AVAILABLE",
        failed=lambda now: now is None or str(now.get("status")).upper() in ("ERROR", "DELETED"),
        percent=lambda now: _percent(now.get(_PROGRESS)),
        remedy=f"look at it: pithosfs snapshot info {SNAPSHOT.id_of(made)}",
    )


def _percent(progress: Any) -> int | None:
    """From `"100%"`, or a number."""
    text = str(progress).removesuffix("%")
    return int(text) if text.isdecimal() else None


@snapshot.command("modify")
@with_options(
    [
        thing_argument(SNAPSHOT),
        click.option("--name", metavar="NAME", help="Call it so."),
        click.option("--description", metavar="TEXT", help="What it is good for."),
    ]
)
@click.pass_obj
def modify(run: Invocation, text: str, name: str | None, description: str | None) -> None:
    """Change name or description of a SNAPSHOT, by id or name, and show it."""
    from pithosfs_cli.completion import things_changed

    at_least_one({"--name": name, "--description": description})
    found = find(run, SNAPSHOT, text)
    with about(SNAPSHOT, found):
        changed = volumes(run).update_snapshot(SNAPSHOT.id_of(found), name, description)
    things_changed(run, SNAPSHOT)
    _show(run, changed)


@snapshot.command("delete")
@with_options([things_argument(SNAPSHOT), *delete_options])
@click.pass_obj
def delete(run: Invocation, texts: tuple[str, ...], yes: bool, dry_run: bool) -> None:
    """Delete snapshots, by id or name. Volumes that were made from them stay."""
    client = volumes(run)
    delete_things(
        run, SNAPSHOT, texts, lambda one: client.delete_snapshot(SNAPSHOT.id_of(one)), yes=yes, dry_run=dry_run
    )


def _show(run: Invocation, found: Thing) -> None:
    show_fields(run, _records(run, [found])[0], _INFO)
