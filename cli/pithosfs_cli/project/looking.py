"""`pithosfs project list` and `info`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import click

from pithosfs_cli.command import Command, option, with_options
from pithosfs_cli.filtering import Sieve, sieve_options
from pithosfs_cli.finding import find, thing_argument
from pithosfs_cli.invocation import Invocation
from pithosfs_cli.kinds import PROJECT, Thing
from pithosfs_cli.layout import Column, columns_option, list_options
from pithosfs_cli.output import show_fields, show_list
from pithosfs_cli.services import identity

__all__ = ["info", "list_"]

_SUMMARY = [
    Column("id", "ID"),
    Column("name", "NAME"),
    Column("state", "STATE", "status"),
    Column("owner", "OWNER"),
    Column("end_date", "ENDS", "time"),
    Column("description", "DESCRIPTION"),
]
_DETAILS = [
    *_SUMMARY[:-1],
    Column("start_date", "STARTS", "time"),
    Column("creation_date", "CREATED", "time"),
    Column("join_policy", "JOINING"),
    Column("leave_policy", "LEAVING"),
    Column("max_members", "MEMBERS AT MOST", "count"),
    Column("private", "PRIVATE"),
    Column("system_project", "PERSONAL"),
    Column("application", "APPLICATION"),
    Column("homepage", "HOMEPAGE"),
    _SUMMARY[-1],
]
_INFO = [
    Column("id", "id"),
    Column("name", "name"),
    Column("state", "state", "status"),
    Column("owner", "owner"),
    Column("description", "description"),
    Column("homepage", "homepage"),
    Column("creation_date", "created", "time"),
    Column("start_date", "starts", "time"),
    Column("end_date", "ends", "time"),
    Column("deactivation_date", "deactivated", "time"),
    Column("join_policy", "joining"),
    Column("leave_policy", "leaving"),
    Column("max_members", "members at most", "count"),
    Column("private", "private"),
    Column("system_project", "personal"),
    Column("resources", "limit of"),
    Column("last_application", "application"),
]
_STATES = ("uninitialized", "active", "suspended", "terminated", "deleted")


@click.command("list", cls=Command)
@with_options(
    [
        option("-l", "--details", is_flag=True, aliases=("--detail", "--list"), help="Show everything."),
        option("--with-name", metavar="NAME", help="Only with this name."),
        option("--with-owner", metavar="USER", aliases=("--owner",), help="Only of this owner (id or name)."),
        option(
            "--with-state",
            metavar="STATE",
            type=click.Choice(_STATES, case_sensitive=False),
            aliases=("--state",),
            help=f"Only in this state: {', '.join(_STATES)}.",
        ),
        click.option(
            "--mode",
            type=click.Choice(["related", "member", "active"], case_sensitive=False),
            help="Which: related to you (the default), that you are a member of, or all active that one may join.",
        ),
        *sieve_options,
        *list_options(_DETAILS),
    ]
)
@click.pass_obj
def list_(
    run: Invocation,
    /,
    details: bool,
    with_name: str | None,
    with_owner: str | None,
    with_state: str | None,
    mode: str | None,
    **options: Any,
) -> None:
    """List the projects that are yours, that you are in, or that you may join."""
    from pithosfs_cli.completion import remember_things
    from pithosfs_cli.kinds import OPEN_PROJECT
    from pithosfs_cli.memberships import known_projects
    from pithosfs_cli.users import user_id

    sieve = Sieve.of(options)
    owner = None if with_owner is None else user_id(run, with_owner)
    found = identity(run).get_projects(with_name, with_state, owner, mode)
    if (with_name, with_state, owner) == (None, None, None) and mode in (None, "related", "active"):
        kind = OPEN_PROJECT if mode == "active" else PROJECT
        remember_things(run, kind, known_projects(run, found))
    records = _for_people(run, sieve.sift(PROJECT, found))
    show_list(
        run,
        records,
        _DETAILS if details else _SUMMARY,
        empty="There is no such project; those that you may join: pithosfs project list --mode active",
    )


@click.command("info", cls=Command)
@with_options([thing_argument(PROJECT), columns_option(_INFO)])
@click.pass_obj
def info(run: Invocation, text: str) -> None:
    """Show a PROJECT, by id or name: its terms, what it and each member may use, and its last application."""
    found = find(run, PROJECT, text)
    if run.output != "table":
        show_fields(run, found, _INFO)
        return
    units = identity(run).get_resources()
    record = _for_people(run, [found])[0]
    record["_resources"] = _limits(found.get("resources"), units)
    if application := found.get("last_application"):
        record["_last_application"] = _asked(application, found, units)
    show_fields(run, record, _INFO)


def _asked(application: Thing, project: Thing, units: Mapping[str, Any]) -> dict[str, Any]:
    """What an application says that the project does not have already."""
    asked = {key: value for key, value in application.items() if value not in (None, "") and project.get(key) != value}
    had = project.get("resources") or {}
    resources = {name: one for name, one in (application.get("resources") or {}).items() if had.get(name) != one}
    if "max_members" in asked:
        from pithosfs_cli.quotas import shown_amount

        asked["max_members"] = shown_amount(asked["max_members"])
    if asked.get("applicant") == project.get("owner"):
        del asked["applicant"]
    return {**asked, "id": application.get("id"), "resources": _limits(resources, units)}


def _for_people(run: Invocation, projects: Iterable[Thing]) -> list[dict[str, Any]]:
    """With the owner's name instead of the id, and numbers that mean no limit said so."""
    from pithosfs_cli.memberships import PERSONAL
    from pithosfs_cli.quotas import shown_amount
    from pithosfs_cli.users import user_names

    found = list(projects)
    own = run.connection().account_id
    names = user_names(run, (one.get("owner") for one in found)) if run.output == "table" else {}
    records = []
    for one in found:
        application = one.get("last_application") or {}
        records.append(
            {
                **one,
                "_name": PERSONAL if one.get("id") == own else one.get("name"),
                "_owner": names.get(str(one.get("owner")), one.get("owner")),
                "_max_members": shown_amount(one.get("max_members")),
                "_application": f"{application.get('id')} {application.get('state')}" if application else None,
            }
        )
    return records


def _limits(resources: Any, units: Mapping[str, Any]) -> dict[str, str]:
    """What a project may use of each resource, in words."""
    from pithosfs_cli.quotas import is_size, shown_amount

    said = {}
    for name, limit in sorted((resources or {}).items()):
        size = is_size(units, name)
        whole, each = (shown_amount(limit.get(f"{of}_capacity"), size=size) for of in ("project", "member"))
        said[name] = whole if whole == each else f"{whole}, each member {each}"
    return said
