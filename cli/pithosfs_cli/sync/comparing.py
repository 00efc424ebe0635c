"""`pithosfs sync verify`: whether both sides really hold the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from pithosfs_cli.command import Command, with_options
from pithosfs_cli.errors import Failure
from pithosfs_cli.invocation import Invocation
from pithosfs_cli.layout import Column, list_options
from pithosfs_cli.output import note, show_list
from pithosfs_cli.progress import waiting
from pithosfs_cli.sync.choosing import chosen_id, home_relative, pair_argument

__all__ = ["verify"]

_COLUMNS = [
    Column("folder", "FOLDER"),
    Column("name", "NAME"),
    Column("difference", "DIFFERENCE"),
    Column("local_size", "HERE", "size"),
    Column("remote_size", "IN THE CLOUD", "size"),
]


@click.command("verify", cls=Command)
@pair_argument()
@with_options(list_options(_COLUMNS))
@click.pass_obj
def verify(run: Invocation, pair: str | None) -> None:
    """Compare both sides of the synced folder PAIR, or of all, by content: every file is read. Nothing is changed.

    Lists what differs, and ends with 1 when anything does.
    """
    from pithosfs.config import format_size
    from pithosfs_daemon import service

    found: list[dict[str, Any]] = []
    with waiting("comparing") as tell:

        def progress(state: Mapping[str, Any]) -> None:
            if "difference" in state:
                found.append(dict(state["difference"]))
            elif "hashed" in state:
                done, total = state["hashed"]
                tell(f"{format_size(done)} of {format_size(total)}")

        answer = service.ask(run.directories, "verify", pair=chosen_id(run, pair), progress=progress)
    pairs = answer["pairs"]
    rows = [{**one, "_folder": home_relative(one["folder"])} for one in found]
    columns = [one for one in _COLUMNS if one.key != "folder" or len(pairs) > 1]
    show_list(run, rows, columns, empty="Both sides hold the same" if pairs else "No folder is synced")
    left = sum(len(one["troubles"]) for one in pairs)
    if left:
        names = "1 name is left alone and was" if left == 1 else f"{left} names are left alone and were"
        note(f"{names} not compared; see: pithosfs sync status PAIR")
    if found:
        count = "1 name differs" if len(found) == 1 else f"{len(found)} names differ"
        raise Failure(count, 1, hint="bring them in step: pithosfs sync now")
