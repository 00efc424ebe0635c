"""`pithosfs group …`: groups of users, with whom files can be shared at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from pithosfs.errors import NotAllowed, NotFound, UsageError
from pithosfs_cli.addressing import account_option
from pithosfs_cli.command import Command, Group, with_options
from pithosfs_cli.confirm import ask, dry_run_option, show_plan, yes_option
from pithosfs_cli.invocation import Invocation
from pithosfs_cli.locations import account_id

if TYPE_CHECKING:
    from pithosfs.store.management import Management

__all__ = ["group"]

_FORBIDDEN = frozenset("-_:,;=/~*%")


@click.group("group", cls=Group)
def group() -> None:
    """Groups of users, with whom files can be shared at once: pithosfs file share PATH --with group:NAME."""


@group.command("list")
@account_option
@click.pass_obj
def list_(run: Invocation, account: str | None) -> None:
    """List the groups and their members."""
    from pithosfs_cli.output import Column, show_list

    groups = _own(run, account).account().groups
    show_list(
        run,
        _records(run, groups),
        [Column("name", "NAME"), Column("users", "MEMBERS")],
        empty="There is no group; make one: pithosfs group create NAME --username USER",
    )


@group.command("create")
@click.argument("name")
@with_options(
    [
        click.option("--username", "names", metavar="NAME", multiple=True, help="A member, by name; may be repeated."),
        click.option("--uuid", "ids", metavar="ID", multiple=True, help="A member, by id; may be repeated."),
        click.option("-y", "--yes", is_flag=True, help="Replace the members of a group that exists without asking."),
        account_option,
    ]
)
@click.pass_obj
def create(
    run: Invocation, name: str, names: tuple[str, ...], ids: tuple[str, ...], yes: bool, account: str | None
) -> None:
    """Make a group, or replace its members."""
    from pithosfs_cli.output import show
    from pithosfs_cli.principals import user_ids

    name = _name(name)
    if not names and not ids:
        raise UsageError("a group needs members", hint="give --username NAME or --uuid ID, as often as needed")
    management = _own(run, account)
    members = user_ids(run.store(), names=names, ids=[one.lower() for one in ids])
    present = management.account().groups.get(name)
    if present is not None and set(present) != set(members):
        ask(f"Replace the {_members(present)} of the group {name}?", yes=yes)
    management.set_group(name, members)
    if run.output != "table":
        show(run, _records(run, {name: management.account().groups.get(name, ())})[0])


@group.command("delete", cls=Command)
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@with_options([yes_option, dry_run_option, account_option])
@click.pass_obj
def delete(run: Invocation, names: tuple[str, ...], yes: bool, dry_run: bool, account: str | None) -> None:
    """Delete groups. What was shared with one is shared with its members no more."""
    from pithosfs_cli.one_by_one import one_by_one
    from pithosfs_cli.output import show_list

    management = _own(run, account)
    groups = management.account().groups
    wanted = {one.lower(): groups.get(one.lower()) for one in names}
    doomed = {name: members for name, members in wanted.items() if members is not None}
    missing = [name for name in wanted if name not in doomed]
    if missing:
        raise NotFound(
            f"there is no group {', '.join(map(repr, missing))}", 404, hint="see which there are: pithosfs group list"
        )
    if dry_run:
        show_plan(run, [(f"delete the group {one}", {"action": "delete", "name": one}) for one in doomed])
        return
    ask("Delete " + "; ".join(f"the group {one} with {_members(doomed[one])}" for one in doomed) + "?", yes=yes)
    one_by_one("deleted", doomed, lambda one: management.set_group(one, ()))
    if run.output != "table":
        show_list(run, _records(run, doomed), [])


def _own(run: Invocation, account: str | None) -> Management:
    """The management of the own account. Raises NotAllowed for another: nobody sees or changes the groups of others."""
    store = run.store()
    who = account_id(store, account)
    if who is not None and who.lower() != store.account:
        raise NotAllowed(
            f"the groups of {account} are their own business", 403, hint="ask them; you can list and change yours"
        )
    return store.management()


def _name(text: str) -> str:
    """The name as the cloud keeps it: in lower case (object-store.md section 5)."""
    if not text or len(text) > 256 or not text.isprintable() or any(one in _FORBIDDEN or one.isspace() for one in text):
        raise UsageError(f"{text!r} cannot be the name of a group", hint="use letters and digits")
    return text.lower()


def _records(run: Invocation, groups: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
    known = run.store().user_names([one for members in groups.values() for one in members])
    return [
        {"name": name, "members": list(members), "users": [known.get(one, one) for one in members]}
        for name, members in sorted(groups.items())
    ]


def _members(members: Sequence[str]) -> str:
    return f"{len(members)} member{'' if len(members) == 1 else 's'}"
