"""`pithosfs sync trash …`: files that were deleted in the cloud, and what a decision about a conflict has put aside."""

from __future__ import annotations

import os
from typing import Any

import click

from pithosfs.errors import UsageError
from pithosfs_cli.command import Group, with_options
from pithosfs_cli.confirm import ask, dry_run_option, show_plan, yes_option
from pithosfs_cli.invocation import Invocation
from pithosfs_cli.layout import Column, list_options
from pithosfs_cli.output import iso_time, show, show_list
from pithosfs_cli.sync.choosing import chosen_id, home_relative, pair_argument
from pithosfs_cli.sync.options import SPAN

__all__ = ["trash"]

_COLUMNS = [
    Column("id", "ID"),
    Column("deleted", "DELETED", "time"),
    Column("size", "SIZE", "size"),
    Column("folder", "FOLDER"),
    Column("name", "NAME"),
]


@click.group("trash", cls=Group)
def trash() -> None:
    """Files that were deleted in the cloud are kept here for 30 days."""


@trash.command("list")
@pair_argument()
@with_options(list_options(_COLUMNS))
@click.pass_obj
def list_(run: Invocation, pair: str | None) -> None:
    """List what is in the trash of the synced folder PAIR, or of all."""
    show_list(run, _entries(run, pair), _COLUMNS, empty="The trash is empty")


@trash.command("restore")
@click.argument("entry", metavar="ID|PATH")
@click.option("--to", metavar="PATH", type=click.Path(), help="Put it there instead of where it was.")
@click.pass_obj
def restore(run: Invocation, entry: str, to: str | None) -> None:
    """Put a file back where it was; ENTRY is its id, or the path that it had. Nothing is replaced by it.

    Of several of one name the one that was deleted last is taken.
    """
    from pithosfs_daemon import service

    pair, name = _place(run, entry)
    there, target = (None, None) if to is None else _place(run, to)
    if to is not None and there is None:
        raise UsageError(f"{to} is not in a synced folder", hint="restore it first, and move it then")
    done = service.ask(run.directories, "trash_restore", entry=entry, pair=pair, name=name, to_pair=there, to=target)
    if run.output == "table":
        click.echo(f"{os.path.join(done['folder'], done['name'])} is back")
    else:
        show(run, done)


@trash.command("empty")
@pair_argument()
@with_options(
    [
        click.option(
            "--older-than", type=SPAN, metavar="T", help="Only what was deleted before so long, as in 7d or 12h."
        ),
        yes_option,
        dry_run_option,
    ]
)
@click.pass_obj
def empty(run: Invocation, pair: str | None, older_than: float | None, yes: bool, dry_run: bool) -> None:
    """Delete what is in the trash of the synced folder PAIR, or of all, for good."""
    import time

    from pithosfs.config import format_size
    from pithosfs_daemon import service

    limit = None if older_than is None else time.time() - older_than
    doomed = [one for one in _entries(run, pair) if limit is None or one["_seconds"] < limit]
    if dry_run:
        show_plan(
            run,
            [
                (f"delete {one['name']} for good", {"action": "delete", "id": one["id"], "name": one["name"]})
                for one in doomed
            ],
        )
        return
    files = 0
    if doomed:
        count = "the 1 file" if len(doomed) == 1 else f"the {len(doomed)} files"
        size = format_size(sum(one["size"] for one in doomed))
        ask(f"Delete {count} ({size}) for good?", yes=yes)
        files = service.ask(run.directories, "trash_empty", pair=chosen_id(run, pair), older_than=older_than)["files"]
    if run.output == "table":
        click.echo(
            f"Deleted {files} file{'' if files == 1 else 's'} for good" if files else "There is nothing to delete"
        )
    else:
        show(run, {"files": files})


def _entries(run: Invocation, pair: str | None) -> list[dict[str, Any]]:
    from pithosfs_daemon import service

    found = service.ask(run.directories, "trash_list", pair=chosen_id(run, pair))["entries"]
    return [
        {
            "id": one["id"],
            "deleted": iso_time(one["deleted"] * 1e9),
            "size": one["size"],
            "folder": one["folder"],
            "_folder": home_relative(one["folder"]),
            "name": one["name"],
            "kind": one["kind"],
            "pair": one["pair"],
            "_seconds": one["deleted"],
        }
        for one in found
    ]


def _place(run: Invocation, text: str) -> tuple[str | None, str | None]:
    """The pair and the name of a path in a synced folder; neither when it is none."""
    from pithosfs.mount.names import to_server
    from pithosfs_daemon.registry import Registry, containing

    absolute = os.path.abspath(os.path.expanduser(text))  # noqa: PTH100, PTH111
    pair = containing(Registry(run.directories).pairs(), absolute)
    if pair is None:
        return None, None
    parent, last = os.path.split(absolute)
    inside = os.path.relpath(os.path.join(os.path.realpath(parent), last), pair.folder)
    return pair.id, "/".join(map(to_server, inside.split("/")))
