"""`pithosfs project join` and `enroll`: who gets into a project."""

from __future__ import annotations

import click

from pithosfs_cli.command import Command, option, with_options
from pithosfs_cli.finding import about, find, thing_argument
from pithosfs_cli.invocation import Invocation
from pithosfs_cli.kinds import MEMBERSHIP, OPEN_PROJECT, PROJECT, Kind, Thing
from pithosfs_cli.layout import Column
from pithosfs_cli.output import note, show_fields
from pithosfs_cli.services import identity

__all__ = ["enroll", "join"]

_COLUMNS = [
    Column("id", "membership"),
    Column("project", "project"),
    Column("user", "user"),
    Column("state", "state", "status"),
]


@click.command("join", cls=Command)
@with_options([thing_argument(OPEN_PROJECT)])
@click.pass_obj
def join(run: Invocation, text: str) -> None:
    """Ask to join a PROJECT, by id or name."""
    found = find(run, OPEN_PROJECT, text) if not PROJECT.has_id_form(text) else {"id": text}
    hint = "which you may join: pithosfs project list --mode active; which you are in: pithosfs membership list --mine"
    with about(PROJECT, found, hint=hint):
        made = identity(run).join_project(found["id"])
    if _tell(run, OPEN_PROJECT, made).get("state") == "requested" and run.output == "table":
        note("Whoever runs the project has to accept you; see how it stands: pithosfs membership list --mine")


@click.command("enroll", cls=Command)
@with_options(
    [
        thing_argument(PROJECT),
        option("--email", metavar="USER", required=True, aliases=("--user",), help="The user's name (e-mail address)."),
    ]
)
@click.pass_obj
def enroll(run: Invocation, text: str, email: str) -> None:
    """Make a user a member of a PROJECT of yours."""
    found = find(run, PROJECT, text)
    with about(PROJECT, found, hint=f"does the user exist, or are they in already? pithosfs user name2uuid {email}"):
        made = identity(run).enroll_member(found["id"], email)
    _tell(run, PROJECT, made)


def _tell(run: Invocation, kind: Kind, made: Thing) -> Thing:
    from pithosfs_cli.completion import things_changed

    things_changed(run, kind)
    things_changed(run, MEMBERSHIP)
    record = MEMBERSHIP.one(run, MEMBERSHIP.id_of(made))
    show_fields(run, record, _COLUMNS)
    return record
