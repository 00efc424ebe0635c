"""`pithosfs service …`: what the parts of the platform ask the identity service, each with a token of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from pithosfs.errors import NotFound
from pithosfs_cli.command import Group, with_options
from pithosfs_cli.invocation import Invocation
from pithosfs_cli.layout import Column, list_options
from pithosfs_cli.locations import is_account_id
from pithosfs_cli.memberships import PERSONAL
from pithosfs_cli.output import show, show_list
from pithosfs_cli.quotas import Holding, is_size, shown_amount
from pithosfs_cli.service_token import as_service, service_token_option
from pithosfs_cli.services import identity_as
from pithosfs_cli.user.names import show_names

if TYPE_CHECKING:
    from pithosfs.clients.astakos import LoggedAstakosClient

__all__ = ["service"]

_SERVICES = [Column("name", "NAME"), Column("verbose_name", "TITLE"), Column("url", "ADDRESS")]
_QUOTAS = [
    Column("user", "USER"),
    Column("project", "PROJECT"),
    Column("resource", "RESOURCE"),
    Column("usage", "USED", "count"),
    Column("pending", "PENDING", "count"),
    Column("limit", "LIMIT", "count"),
    Column("percent", "", "share"),
]


@click.group(cls=Group)
def service() -> None:
    """What the parts of the platform ask about its users, each with a token of its own."""


@service.command("list")
@with_options(list_options(_SERVICES))
@click.pass_obj
def list_(run: Invocation) -> None:
    """List the parts of the platform that have pages. It needs no valid token."""
    show_list(run, identity_as(run, None).get_services(), _SERVICES, empty="The cloud names no services")


@service.command("quotas")
@with_options(
    [
        service_token_option(required=True),
        click.option("--uuid", metavar="USER", help="Of this user only (id or name)."),
        *list_options(_QUOTAS),
    ]
)
@click.pass_obj
def quotas(run: Invocation, service_token: str, uuid: str | None) -> None:
    """List what users hold of what the service counts. JSON and YAML have it by user, project and resource."""
    with as_service(run, service_token) as client:
        found = _quotas(client, uuid)
    if run.output in ("json", "yaml") and not (run.layout.columns or run.layout.sort):
        show(run, found)
        return
    units = client.get_resources()
    names = client.service_get_usernames(found) if run.output == "table" else {}
    records = []
    for who, projects in found.items():
        for project, holdings in projects.items():
            for resource, sent in sorted(holdings.items()):
                holding, size = Holding.of(sent), is_size(units, resource)
                shown = {f"_{key}": shown_amount(sent.get(key), size=size) for key in ("usage", "pending", "limit")}
                shown |= {"_user": names.get(who, who), "_project": PERSONAL if project == who else project}
                percent = holding.percent
                where = {"user": who, "project": project, "resource": resource}
                records.append(
                    {**where, **sent, "percent": percent, **shown, "_percent": "" if percent is None else percent}
                )
    show_list(run, records, _QUOTAS, empty="Nobody holds anything of what this service counts")


def _quotas(client: LoggedAstakosClient, who: str | None) -> dict[str, Any]:
    user = client.service_get_uuid(who) if who is not None and not is_account_id(who) else who
    try:
        return client.service_get_quotas(user)
    except NotFound as error:
        raise NotFound(
            f"there is no user {who!r} who holds anything", 404, hint="leave --uuid out for all users"
        ) from error


@service.command("username2uuid")
@with_options(
    [
        service_token_option(required=True),
        click.option(
            "--username", "names", metavar="NAME", multiple=True, required=True, help="Whose; may be repeated."
        ),
    ]
)
@click.pass_obj
def username2uuid(run: Invocation, service_token: str, names: Sequence[str]) -> None:
    """Look up the ids of users by name."""
    with as_service(run, service_token) as client:
        show_names(run, names, client.service_get_uuids(names), "name")


@service.command("uuid2username")
@with_options(
    [
        service_token_option(required=True),
        click.option("--uuid", "ids", metavar="ID", multiple=True, required=True, help="Whose; may be repeated."),
    ]
)
@click.pass_obj
def uuid2username(run: Invocation, service_token: str, ids: Sequence[str]) -> None:
    """Look up the names of users by id."""
    with as_service(run, service_token) as client:
        show_names(run, ids, client.service_get_usernames(ids), "id")
