"""`pithosfs endpoint …`: the catalog of the cloud's services."""

from __future__ import annotations

from typing import Any

import click

from pithosfs_cli.command import Group, with_options
from pithosfs_cli.filtering import TextFilter, name_options
from pithosfs_cli.invocation import Invocation
from pithosfs_cli.layout import Column, list_options
from pithosfs_cli.output import show_list
from pithosfs_cli.services import identity_as

__all__ = ["endpoint"]

_COLUMNS = [
    Column("name", "NAME"),
    Column("type", "TYPE"),
    Column("version", "VERSION"),
    Column("url", "ADDRESS"),
]


@click.group(cls=Group)
def endpoint() -> None:
    """The catalog of the cloud's services."""


@endpoint.command("list")
@with_options(
    [
        click.option("--type", "of_type", metavar="TYPE", help="Only services of this type, as in compute."),
        *name_options,
        *list_options(_COLUMNS),
    ]
)
@click.pass_obj
def list_(run: Invocation, /, of_type: str | None, **options: Any) -> None:
    """List the services and where they are. It needs no valid token."""
    wanted = TextFilter.of(options, "name")
    found = identity_as(run, None).get_endpoints()["access"]["serviceCatalog"]
    records = [
        {**one, "version": _first(one, "versionId"), "url": _first(one, "publicURL")}
        for one in found
        if wanted.fits(str(one.get("name"))) and of_type in (None, one.get("type"))
    ]
    show_list(run, records, _COLUMNS, empty="There is no such service; see all: pithosfs endpoint list")


def _first(service: dict[str, Any], key: str) -> str:
    """Services have one endpoint; of several the first is shown, and documents have all."""
    endpoints = service.get("endpoints") or [{}]
    return str(endpoints[0].get(key) or "")
