"""`pithosfs sync conflicts` and `resolve`: files that were changed on both sides."""

from __future__ import annotations

import os

import click

from pithosfs_cli.command import Command, with_options
from pithosfs_cli.invocation import Invocation
from pithosfs_cli.layout import Column, list_options
from pithosfs_cli.output import iso_time, note, show, show_list
from pithosfs_cli.sync.choosing import chosen_id, home_relative, pair_argument

__all__ = ["conflicts", "resolve"]

_COLUMNS = [Column("time", "WHEN", "time"), Column("path", "FILE"), Column("copy_path", "YOUR COPY")]


@click.command("conflicts", cls=Command)
@pair_argument()
@with_options(list_options(_COLUMNS))
@click.pass_obj
def conflicts(run: Invocation, pair: str | None) -> None:
    """List the files of the synced folder PAIR, or of all, that were changed on both sides.

    Theirs is under the name, yours beside it. Nothing is lost; decide with: pithosfs sync resolve PATH
    """
    from pithosfs_daemon import service

    found = service.ask(run.directories, "conflicts", pair=chosen_id(run, pair))["conflicts"]
    rows = [
        {
            "time": iso_time(one["at"] * 1e9),
            "folder": one["folder"],
            "path": one["path"],
            "_path": home_relative(one["path"]),
            "copy_path": one["copy_path"],
            "_copy_path": home_relative(one["copy_path"]),
            "name": one["name"],
            "copy": one["copy"],
        }
        for one in found
    ]
    show_list(run, rows, _COLUMNS, empty="There are no conflicts")
    if rows and run.output == "table":
        note("to decide: pithosfs sync resolve PATH --keep mine|theirs|both")


@click.command("resolve", cls=Command)
@click.argument("path", metavar="PATH", type=click.Path())
@click.option(
    "--keep",
    type=click.Choice(["mine", "theirs", "both"]),
    required=True,
    help="mine: your copy takes the name; theirs: your copy goes; both: they stay as they are.",
)
@click.pass_obj
def resolve(run: Invocation, path: str, keep: str) -> None:
    """Decide about a file that was changed on both sides; PATH is the file or your copy of it.

    What is not kept goes to the trash of the synced folder, and stays in the cloud's history.
    """
    from pithosfs_daemon import service

    absolute = os.path.abspath(os.path.expanduser(path))  # noqa: PTH100, PTH111 (a link is a file of its own)
    done = service.ask(run.directories, "resolve", path=absolute, keep=keep)
    if run.output != "table":
        show(run, done)
        return
    said = {
        "mine": f"{done['name']} has your content again; theirs is in the trash",
        "theirs": f"{done['name']} keeps their content; your copy is in the trash",
        "both": f"{done['name']} and {done['copy']} stay as they are",
    }
    click.echo(said[keep])
