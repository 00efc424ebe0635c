"""`pithosfs quota …`: what you may use of each project, and what you do use."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any

import click

from pithosfs.errors import NotFound
from pithosfs_cli.command import Group, option, with_options
from pithosfs_cli.finding import Finder, thing_option
from pithosfs_cli.invocation import Invocation
from pithosfs_cli.kinds import PROJECT
from pithosfs_cli.layout import Column, list_options
from pithosfs_cli.memberships import project_names
from pithosfs_cli.output import show, show_list
from pithosfs_cli.quotas import Holding, is_size, shown_amount
from pithosfs_cli.services import identity

__all__ = ["quota"]

_SUMMARY = [
    Column("project", "PROJECT"),
    Column("resource", "RESOURCE"),
    Column("usage", "USED", "count"),
    Column("ceiling", "LIMIT", "count"),
    Column("percent", "", "share"),
]
_DETAILS = [
    *_SUMMARY[:3],
    Column("pending", "PENDING", "count"),
    Column("limit", "YOUR LIMIT", "count"),
    Column("project_usage", "PROJECT USED", "count"),
    Column("project_pending", "PROJECT PENDING", "count"),
    Column("project_limit", "PROJECT LIMIT", "count"),
    *_SUMMARY[3:],
]
_AMOUNTS = ("usage", "limit", "pending", "project_usage", "project_limit", "project_pending", "ceiling")


@click.group(cls=Group)
def quota() -> None:
    """What you may use of each project, and what you do use."""


@quota.command("list")
@with_options(
    [
        option("-l", "--details", is_flag=True, help="Show the limits of you and of the projects apart."),
        click.option("--bytes", "in_bytes", is_flag=True, help="Show sizes as numbers of bytes."),
        thing_option("--project-id", kind=PROJECT, aliases=("--project",), help="Of this project only (id or name)."),
        click.option("--resource", metavar="NAME", help="Only resources whose name begins so, as in cyclades."),
        *list_options(_DETAILS),
    ]
)
@click.pass_obj
def list_(run: Invocation, details: bool, in_bytes: bool, project_id: str | None, resource: str | None) -> None:
    """List what you use and may use, by project.

    The limit is how far you can go: your own, or what the others have left of the project's. JSON and YAML have the
    bare numbers, by project and resource.
    """
    found = identity(run).get_quotas()
    if project_id is not None:
        found = _of_project(run, found, project_id)
    if resource is not None:
        found = _of_resource(found, resource)
    if run.output in ("json", "yaml") and not (run.layout.columns or run.layout.sort):
        show(run, found)
        return
    columns = _DETAILS if details else _SUMMARY
    records = _records(run, found, in_bytes=in_bytes)
    if _in_blocks(run):
        columns, records = columns[1:], _blocks(records)
    show_list(run, records, columns, empty="You are in no project that has a quota")


def _in_blocks(run: Invocation) -> bool:
    """On a terminal each project is a block with its name at the top, which leaves room for the rest. Lines that a
    program sifts, or that are in another order, have it all."""
    layout = run.layout
    return run.output == "table" and sys.stdout.isatty() and not (layout.sort or layout.columns or layout.enumerate)


def _blocks(records: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The records, indented, and before those of each project a line with its name."""
    found = []
    for project, inside in groupby(records, lambda one: one["_project"]):
        found.append({"resource": project, **{f"_{key}": "" for key in (*_AMOUNTS, "percent")}})
        found += [{**one, "resource": f"  {one['resource']}"} for one in inside]
    return found


def _of_project(run: Invocation, found: Mapping[str, Any], text: str) -> dict[str, Any]:
    ident = Finder(run, PROJECT).id(text)
    if ident not in found:
        raise NotFound(
            f"you have no quota of the project {text!r}",
            404,
            hint="see of which you have: pithosfs quota list; ask for more: pithosfs project join",
        )
    return {ident: found[ident]}


def _of_resource(found: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    kept = {
        project: {name: one for name, one in holdings.items() if name.startswith(prefix)}
        for project, holdings in found.items()
    }
    if not any(kept.values()):
        raise NotFound(
            f"no resource's name begins with {prefix!r}", 404, hint="see which there are: pithosfs resource list"
        )
    return kept


def _records(run: Invocation, found: Mapping[str, Any], *, in_bytes: bool) -> list[dict[str, Any]]:
    """A record for each project and resource: the personal project first, then by name."""
    names = project_names(run)
    units = identity(run).get_resources()
    records = []
    for project in sorted(found, key=lambda one: (one != run.connection().account_id, names.get(one, one))):
        name = names.get(project, project)
        for resource, sent in sorted(found[project].items()):
            holding = Holding.of(sent)
            record = {"project": project, "resource": resource, **sent, "ceiling": holding.ceiling}
            size = is_size(units, resource) and not in_bytes
            shown = {f"_{key}": shown_amount(record.get(key), size=size) for key in _AMOUNTS}
            percent = holding.percent
            records.append(
                {
                    **record,
                    "percent": percent,
                    **shown,
                    "_project": name,
                    "_percent": "" if percent is None else percent,
                }
            )
    return records
