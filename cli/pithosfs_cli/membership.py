"""`pithosfs membership …`: who is in which project."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from pithosfs_cli.acting import act_on, delete_options, delete_things
from pithosfs_cli.command import Group, option, with_options
from pithosfs_cli.filtering import Sieve, sieve_options
from pithosfs_cli.finding import Finder, find, find_all, thing_argument, thing_option, things_argument
from pithosfs_cli.invocation import Invocation
from pithosfs_cli.kinds import MEMBERSHIP, OWN_MEMBERSHIP, PROJECT, Kind, Thing
from pithosfs_cli.layout import Column, columns_option, list_options
from pithosfs_cli.output import show_fields, show_list
from pithosfs_cli.services import identity

__all__ = ["membership"]

_DATES = ("requested", "accepted", "leave_requested", "suspended", "rejected", "cancelled", "removed")
_SUMMARY = [
    Column("id", "ID", "count"),
    Column("project", "PROJECT"),
    Column("user", "USER"),
    Column("state", "STATE", "status"),
    Column("since", "SINCE", "time"),
    Column("allowed_actions", "YOU CAN"),
]
_COLUMNS = [*_SUMMARY, *(Column(one, one.upper().replace("_", " "), "time") for one in _DATES)]
_INFO = [
    Column("id", "id"),
    Column("project", "project"),
    Column("user", "user"),
    Column("state", "state", "status"),
    *(Column(one, one.replace("_", " "), "time") for one in _DATES),
    Column("allowed_actions", "you can"),
]
_reason = option("--reason", metavar="TEXT", default="", help="Why; it is passed on with the action.")


@click.group(cls=Group)
def membership() -> None:
    """Who is in which project.

    A MEMBERSHIP is given as its id or as PROJECT/USER, one's own as the PROJECT.
    """


@membership.command("list")
@with_options(
    [
        thing_option("--project-id", kind=PROJECT, aliases=("--project",), help="Of this project only (id or name)."),
        click.option("--mine", is_flag=True, help="Your own only, not those of others in your projects."),
        *sieve_options,
        *list_options(_COLUMNS),
    ]
)
@click.pass_obj
def list_(run: Invocation, /, project_id: str | None, mine: bool, **options: Any) -> None:
    """List the memberships: yours, and those in the projects that are yours."""
    from pithosfs_cli.completion import remember_things
    from pithosfs_cli.memberships import named_memberships

    sieve = Sieve.of(options)
    project = None if project_id is None else Finder(run, PROJECT).id(project_id)
    found = OWN_MEMBERSHIP.all(run) if mine else named_memberships(run, project)
    if mine and project is not None:
        found = [one for one in found if one.get("project") == project]
    elif project is None:
        remember_things(run, OWN_MEMBERSHIP if mine else MEMBERSHIP, found)
    records = [{**one, "since": one.get(str(one.get("state")))} for one in sieve.sift(MEMBERSHIP, found)]
    show_list(run, records, _SUMMARY, empty="There is no membership; ask for one: pithosfs project join PROJECT")


@membership.command("info")
@with_options([thing_argument(MEMBERSHIP), columns_option(_INFO)])
@click.pass_obj
def info(run: Invocation, text: str) -> None:
    """Show a MEMBERSHIP."""
    show_fields(run, find(run, MEMBERSHIP, text), _INFO)


@membership.command("accept")
@with_options([things_argument(MEMBERSHIP), _reason])
@click.pass_obj
def accept(run: Invocation, texts: tuple[str, ...], reason: str) -> None:
    """Let users in who have asked to join a project of yours."""
    _act(run, MEMBERSHIP, texts, "accept", "accepted", reason)


@membership.command("reject")
@with_options([things_argument(MEMBERSHIP), _reason])
@click.pass_obj
def reject(run: Invocation, texts: tuple[str, ...], reason: str) -> None:
    """Turn users down who have asked to join a project of yours."""
    _act(run, MEMBERSHIP, texts, "reject", "rejected", reason)


@membership.command("cancel")
@with_options([things_argument(OWN_MEMBERSHIP), _reason])
@click.pass_obj
def cancel(run: Invocation, texts: tuple[str, ...], reason: str) -> None:
    """Withdraw your own wish to join a project."""
    _act(run, OWN_MEMBERSHIP, texts, "cancel", "cancelled", reason)


@membership.command("leave")
@with_options([things_argument(OWN_MEMBERSHIP), _reason, *delete_options])
@click.pass_obj
def leave(run: Invocation, texts: tuple[str, ...], reason: str, yes: bool, dry_run: bool) -> None:
    """Leave projects. What you have made with their quota stays, and counts against it."""
    delete_things(
        run,
        OWN_MEMBERSHIP,
        texts,
        _action(run, "leave", reason),
        yes=yes,
        dry_run=dry_run,
        verb="leave",
        done="left",
    )


@membership.command("remove")
@with_options([things_argument(MEMBERSHIP), _reason, *delete_options])
@click.pass_obj
def remove(run: Invocation, texts: tuple[str, ...], reason: str, yes: bool, dry_run: bool) -> None:
    """Remove members from a project of yours. What they have made with its quota stays, and counts against it."""
    delete_things(
        run,
        MEMBERSHIP,
        texts,
        _action(run, "remove", reason),
        yes=yes,
        dry_run=dry_run,
        verb="remove",
        done="removed",
    )


def _act(run: Invocation, kind: Kind, texts: tuple[str, ...], action: str, done: str, reason: str) -> None:
    found = find_all(run, kind, texts)
    act_on(run, kind, found, done, _action(run, action, reason))
    if run.output != "table":
        show_list(run, [kind.one(run, ident) for ident in found], _SUMMARY)


def _action(run: Invocation, action: str, reason: str) -> Callable[[Thing], None]:
    return lambda one: identity(run).membership_action(one["id"], action, reason)
