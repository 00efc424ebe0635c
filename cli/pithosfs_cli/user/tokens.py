"""`pithosfs user list`, `add`, `delete`, `select`: the tokens of a cloud, each of which is a user's; the first is the
one that commands are run as."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click

from pithosfs.errors import ConfigError, Conflict, NotAllowed, NotFound, NotLoggedIn, UsageError
from pithosfs_cli.command import Command, TokenCommand, option, with_options
from pithosfs_cli.config import MASK
from pithosfs_cli.confirm import ask, dry_run_option, show_plan, yes_option
from pithosfs_cli.finding import find, thing_argument
from pithosfs_cli.invocation import Invocation
from pithosfs_cli.kinds import PROJECT
from pithosfs_cli.layout import Column, list_options
from pithosfs_cli.output import note, show, show_list
from pithosfs_cli.services import identity, identity_as

if TYPE_CHECKING:
    from pithosfs.config import Cloud

__all__ = ["add", "delete", "list_", "select", "setdefaultproject"]

_SUMMARY = [
    Column("id", "ID"),
    Column("name", "NAME"),
    Column("current", "CURRENT"),
]
_DETAILS = [
    *_SUMMARY,
    Column("roles", "ROLES"),
    Column("projects", "PROJECTS"),
    Column("auth_token", "TOKEN"),
]
_user_option = option("--user", "who", metavar="USER", required=True, help="Which (id or name).")
_agreed = click.option("-y", "--yes", is_flag=True, hidden=True)  # the older client asked


@dataclass(frozen=True, slots=True)
class _Holder:
    """A token of the cloud and whose it is; None when it is refused."""

    token: str = field(repr=False)
    who: dict[str, Any] | None

    @property
    def id(self) -> str:
        return str((self.who or {}).get("id") or "")

    @property
    def name(self) -> str:
        return str((self.who or {}).get("name") or "")


@click.command("list", cls=Command)
@with_options(
    [
        option("-l", "--detail", is_flag=True, aliases=("--details",), help="Show roles, projects and tokens, too."),
        click.option("--show-secrets", is_flag=True, help="Show tokens as they are."),
        *list_options(_DETAILS),
    ]
)
@click.pass_obj
def list_(run: Invocation, detail: bool, show_secrets: bool) -> None:
    """List the users whose tokens the cloud has. The first is the current one, as whom commands are run."""
    cloud = run.cloud()
    holders = _holders(run, cloud)
    records = []
    for holder in holders:
        if holder.who is None:
            continue
        details = {**holder.who, "auth_token": holder.token if show_secrets else MASK} if detail else {}
        current = holder.token == cloud.token
        record = {"id": holder.id, "name": holder.name, "current": current, **details}
        roles = [str(one.get("name")) for one in holder.who.get("roles") or ()]
        records.append({**record, "_current": "yes" if current else "", "_roles": roles})
    show_list(run, records, _DETAILS if detail else _SUMMARY, empty="None of the cloud's tokens is accepted")
    refused = sum(one.who is None for one in holders)
    if refused:
        note(f"{refused} of the {len(holders)} tokens of the cloud {cloud.name!r} are not accepted")


@click.command("add", cls=TokenCommand)
@with_options([option("--token", metavar="TOKEN", required=True, help="- reads it from standard input."), _agreed])
@click.pass_obj
def add(run: Invocation, token: str, yes: bool) -> None:
    """Add the token of another user to the cloud's. To run commands as that user: pithosfs user select."""
    if token == "-":  # noqa: S105 (where it is to be read from)
        token = sys.stdin.readline().strip()
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise UsageError("that is no token", hint="give one, or - to read it from standard input")
    cloud = run.cloud()
    try:
        who = identity_as(run, token).user_info
    except NotLoggedIn as error:
        error.hint = "copy it from the web page of the cloud once more; whose are there: pithosfs user list"
        raise
    if token in _tokens(cloud):
        note(f"The cloud {cloud.name!r} has this token already")
    else:
        _save(run, cloud, [*_tokens(cloud), token])
    if run.output == "table":
        note(f"Added {who.get('name')}; to go on as this user: pithosfs user select --user {who.get('id')}")
    else:
        show(run, {"id": who.get("id"), "name": who.get("name")})


@click.command("delete", cls=Command)
@with_options([_user_option, yes_option, dry_run_option])
@click.pass_obj
def delete(run: Invocation, who: str, yes: bool, dry_run: bool) -> None:
    """Drop a user's token from the cloud's. The user stays on the cloud, and the token stays valid."""
    cloud = run.cloud()
    holder = _holder(run, cloud, who)
    if holder.token == cloud.token:
        raise Conflict(
            f"{holder.name} is the user as whom commands are run",
            hint="make another one that first: pithosfs user select --user USER",
        )
    gone = [one for one in _holders(run, cloud) if one.id == holder.id]
    record = {"action": "delete", "id": holder.id, "name": holder.name}
    what = f"the token of {holder.name} from the cloud {cloud.name!r}"
    if dry_run:
        show_plan(run, [(f"drop {what}", record)])
        return
    ask(f"Drop {what}?", yes=yes)
    doomed = {one.token for one in gone}
    _save(run, cloud, [one for one in _tokens(cloud) if one not in doomed])
    if run.output != "table":
        show(run, {**record, "action": "deleted"})


@click.command("select", cls=Command)
@with_options([_user_option, _agreed])
@click.pass_obj
def select(run: Invocation, who: str, yes: bool) -> None:
    """Go on as another of the users whose tokens the cloud has."""
    cloud = run.cloud()
    holder = _holder(run, cloud, who)
    if holder.token != cloud.token:
        _save(run, cloud, [holder.token, *(one for one in _tokens(cloud) if one != holder.token)])
    if run.output == "table":
        note(f"Commands for the cloud {cloud.name!r} are run as {holder.name} now")
    else:
        show(run, {"id": holder.id, "name": holder.name})


@click.command("setdefaultproject", cls=Command)
@with_options([thing_argument(PROJECT)])
@click.pass_obj
def setdefaultproject(run: Invocation, text: str) -> None:
    """Set the PROJECT (id or name) that pays for what you make without naming one."""
    ident = find(run, PROJECT, text)["id"] if not PROJECT.has_id_form(text) else text
    try:
        identity(run).set_default_project(ident)
    except (NotFound, NotAllowed) as error:
        error.hint = "it takes an active project that you are in: pithosfs project list --mode member"
        raise
    if run.output != "table":
        show(run, {"default_project": ident})


def _tokens(cloud: Cloud) -> Sequence[str]:
    return cloud.tokens or (cloud.token,)


def _holders(run: Invocation, cloud: Cloud) -> list[_Holder]:
    """Whose the tokens are. One that is refused is no error: the others are still of use."""
    found = []
    for token in _tokens(cloud):
        try:
            found.append(_Holder(token, identity_as(run, token).user_info))
        except NotLoggedIn:
            found.append(_Holder(token, None))
    return found


def _holder(run: Invocation, cloud: Cloud, who: str) -> _Holder:
    """The user who is meant, by id or name. Raises NotFound."""
    wanted = who.casefold()
    for one in _holders(run, cloud):
        if one.who is not None and wanted in (one.id.casefold(), one.name.casefold()):
            return one
    raise NotFound(
        f"the cloud {cloud.name!r} has no token of the user {who!r}",
        404,
        hint="see whose it has: pithosfs user list; add one: pithosfs user add --token TOKEN",
    )


def _save(run: Invocation, cloud: Cloud, tokens: Sequence[str]) -> None:
    """Write them into the settings. Raises ConfigError for a cloud that is not in there."""
    settings = run.settings(overridden=False)
    if cloud.name not in settings.clouds():
        raise ConfigError(
            "this cloud comes from the environment, not from the settings",
            hint="put it there: pithosfs config set cloud.NAME.url URL",
        )
    settings.set(f"cloud.{cloud.name}.token", " ".join(tokens))
    settings.save()
