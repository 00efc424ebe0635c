"""`pithosfs resource …`: what the cloud counts."""

from __future__ import annotations

import click

from pithosfs_cli.command import Group, with_options
from pithosfs_cli.invocation import Invocation
from pithosfs_cli.layout import Column, list_options
from pithosfs_cli.output import show, show_list
from pithosfs_cli.services import identity

__all__ = ["resource"]

_COLUMNS = [
    Column("name", "RESOURCE"),
    Column("unit", "UNIT"),
    Column("service", "SERVICE"),
    Column("description", "DESCRIPTION"),
]


@click.group(cls=Group)
def resource() -> None:
    """What the cloud counts: servers, memory, storage, and so on."""


@resource.command("list")
@with_options(list_options(_COLUMNS))
@click.pass_obj
def list_(run: Invocation) -> None:
    """List the resources. JSON and YAML have them by name."""
    found = identity(run).get_resources()
    if run.output in ("json", "yaml") and not (run.layout.columns or run.layout.sort):
        show(run, found)
        return
    show_list(run, [{"name": name, **found[name]} for name in sorted(found)], _COLUMNS)
