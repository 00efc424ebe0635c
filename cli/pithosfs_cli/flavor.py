"""`pithosfs flavor …`: what servers can be made as: processors, memory, disk."""

from __future__ import annotations

from typing import Any

import click

from pithosfs_cli.command import Group, option, with_options
from pithosfs_cli.filtering import Sieve, sieve_options
from pithosfs_cli.finding import Finder, find, thing_argument, thing_option
from pithosfs_cli.invocation import Invocation
from pithosfs_cli.kinds import FLAVOR, PROJECT
from pithosfs_cli.layout import Column, columns_option, list_options
from pithosfs_cli.options import GIBIBYTES, MEBIBYTES
from pithosfs_cli.output import show_fields, show_list

__all__ = ["flavor"]

_SUMMARY = [
    Column("id", "ID"),
    Column("name", "NAME"),
    Column("vcpus", "CPUS", "count"),
    Column("ram", "RAM", "MiB"),
    Column("disk", "DISK", "GiB"),
]
_DETAILS = [
    *_SUMMARY,
    Column("SNF:disk_template", "TEMPLATE"),
    Column("SNF:volume_type", "VOLUME TYPE"),
    Column("SNF:allow_create", "FOR NEW SERVERS"),
    Column("os-flavor-access:is_public", "PUBLIC"),
]
_INFO = [
    Column("id", "id"),
    Column("name", "name"),
    Column("vcpus", "processors"),
    Column("ram", "memory", "MiB"),
    Column("disk", "disk", "GiB"),
    Column("SNF:disk_template", "disk template"),
    Column("SNF:volume_type", "volume type"),
    Column("SNF:allow_create", "for new servers"),
    Column("os-flavor-access:is_public", "public"),
    Column("SNF:flavor-access", "project"),
]


@click.group("flavor", cls=Group)
def flavor() -> None:
    """What servers can be made as: processors, memory, disk."""


@flavor.command("list")
@with_options(
    [
        option("-l", "--details", is_flag=True, aliases=("--detail", "--list"), help="Show everything."),
        click.option("--vcpus", type=int, metavar="N", help="Only with so many processors."),
        click.option(
            "--ram", type=MEBIBYTES, metavar="SIZE", help="Only with so much memory: 2GiB, or a number of MiB."
        ),
        click.option(
            "--disk", type=GIBIBYTES, metavar="SIZE", help="Only with a disk of this size: 20GiB, or a number of GiB."
        ),
        click.option("--disk-template", metavar="NAME", help="Only with disks of this kind."),
        thing_option("--project", kind=PROJECT, aliases=("--project-id",), help="Only what this project may use."),
        click.option("--public", is_flag=True, help="Only what everybody may use."),
        *sieve_options,
        *list_options(_DETAILS),
    ]
)
@click.pass_obj
def list_(run: Invocation, /, details: bool, project: str | None, public: bool, **options: Any) -> None:
    """List the flavors."""
    from pithosfs_cli.completion import remember_things
    from pithosfs_cli.services import compute

    sieve = Sieve.of(options)
    payer = None if project is None else Finder(run, PROJECT).id(project)
    found = compute(run).list_flavors(detail=True, is_public=True if public else None, project_id=payer)
    if payer is None and not public:
        remember_things(run, FLAVOR, found)
    wanted = {
        "vcpus": options["vcpus"],
        "ram": options["ram"],
        "disk": options["disk"],
        "SNF:disk_template": options["disk_template"],
    }
    wanted = {key: value for key, value in wanted.items() if value is not None}
    found = [one for one in found if all(one.get(key) == value for key, value in wanted.items())]
    records = sieve.sift(FLAVOR, found)
    show_list(
        run, records, _DETAILS if details else _SUMMARY, brief=not details, empty="There is no flavor to be shown"
    )


@flavor.command("info")
@with_options([thing_argument(FLAVOR), columns_option(_INFO)])
@click.pass_obj
def info(run: Invocation, text: str) -> None:
    """Show a FLAVOR, by id or name."""
    show_fields(run, find(run, FLAVOR, text), _INFO)
