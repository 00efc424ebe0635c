"""`pithosfs user name2uuid` and `uuid2name`: users by name and by id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import click

from pithosfs.errors import NotFound
from pithosfs_cli.command import Command
from pithosfs_cli.invocation import Invocation
from pithosfs_cli.output import Column, show, show_list
from pithosfs_cli.services import identity

__all__ = ["name2uuid", "show_names", "uuid2name"]

_TITLES = {"name": "NAME", "id": "ID"}


@click.command("name2uuid", cls=Command)
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@click.pass_obj
def name2uuid(run: Invocation, names: Sequence[str]) -> None:
    """Look up the ids of users by NAME (e-mail address). Exit code 3 when there is no such user."""
    show_names(run, names, identity(run).get_uuids(names), "name")


@click.command("uuid2name", cls=Command)
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@click.pass_obj
def uuid2name(run: Invocation, ids: Sequence[str]) -> None:
    """Look up the names of users by ID. Exit code 3 when there is no such user."""
    show_names(run, ids, identity(run).get_usernames(ids), "id")


def show_names(run: Invocation, asked: Sequence[str], found: Mapping[str, str], key: str) -> None:
    """Print what was found for what was asked (`key`: "name" or "id"). Raises NotFound at the end if not all was.

    JSON and YAML are one object; tables keep the order of the question.
    """
    known = {one: found[one] for one in dict.fromkeys(asked) if one in found}
    other = "id" if key == "name" else "name"
    if run.output in ("json", "yaml"):
        show(run, known)
    elif known:
        records = [{key: one, other: value} for one, value in known.items()]
        show_list(run, records, [Column(one, _TITLES[one]) for one in (key, other)])
    missing = [one for one in dict.fromkeys(asked) if one not in found]
    if missing:
        raise NotFound(
            f"there is no user {', '.join(map(repr, missing))}",
            404,
            hint="names are written in full, as e-mail addresses are; your own: pithosfs user info",
        )
