"""`pithosfs user authenticate` and `info`: who one is on the cloud."""

from __future__ import annotations

import sys
from typing import Any

import click

from pithosfs.errors import NotFound, NotLoggedIn, UsageError
from pithosfs_cli.command import Command, TokenCommand
from pithosfs_cli.config import MASK
from pithosfs_cli.invocation import Invocation
from pithosfs_cli.output import Column, show

__all__ = ["authenticate", "info"]


@click.command("authenticate", cls=TokenCommand)
@click.argument("token", required=False)
@click.option("--show-secrets", is_flag=True, help="Show the token as it is.")
@click.pass_obj
def authenticate(run: Invocation, token: str | None, show_secrets: bool) -> None:
    """Authenticate and show what the identity service answers.

    TOKEN is tried instead of the cloud's own; - reads it from standard input.
    """
    from dataclasses import replace

    from pithosfs.clients import connect

    cloud = run.cloud()
    if token is not None:
        token = sys.stdin.readline().strip() if token == "-" else token  # noqa: S105
        if not token:
            raise UsageError("there is no token", hint="give one, or leave it out to try the cloud's own")
        cloud = replace(cloud, token=token, tokens=(token,), options=_without(cloud.options, "astakos_token"))
    try:
        connection = connect(cloud)
    except NotLoggedIn as error:
        raise NotLoggedIn(
            f"the cloud {cloud.name!r} at {cloud.url} refuses this token",
            error.status,
            error.details,
            hint=f"set a valid one: pithosfs config set cloud.{cloud.name}.token",
        ) from error
    with connection:
        access = connection.access
    if run.output != "table":
        inner = dict(access.get("token") or {})
        if not show_secrets and "id" in inner:
            inner["id"] = MASK
        show(run, {**access, "token": inner})
        return
    who, given = access["user"], access.get("token") or {}
    show(
        run,
        {
            "id": who.get("id"),
            "name": who.get("name"),
            "roles": [str(one.get("name")) for one in who.get("roles") or ()],
            "token": given.get("id") if show_secrets else MASK,
            "expires": given.get("expires"),
            "services": {str(service.get("type")): _address(service) for service in access.get("serviceCatalog") or ()},
        },
        [Column("services", "service")],
    )


@click.command("info", cls=Command)
@click.option("--username", metavar="NAME", help="The user of this name, of those whose tokens the cloud has.")
@click.option("--uuid", metavar="ID", help="The user of this id, of those whose tokens the cloud has.")
@click.pass_obj
def info(run: Invocation, username: str | None, uuid: str | None) -> None:
    """Show the user, and how much of the quota is used."""
    from dataclasses import replace

    from pithosfs.clients import connect
    from pithosfs.store.pithos import PithosStore

    if username and uuid:
        raise UsageError("--username and --uuid exclude each other")
    cloud = run.cloud()
    wanted = username or uuid
    for token in cloud.tokens or (cloud.token,):
        try:
            opened = connect(replace(cloud, token=token))
        except NotLoggedIn:
            if wanted is None:
                raise
            continue  # it may be another one's
        with opened as connection:
            if wanted not in (None, connection.account_id if uuid else connection.user_name):
                continue
            usage = PithosStore(connection.wire(), connection.account_id, connection.astakos).usage()
            who = connection.access["user"]
            record: dict[str, Any] = {
                "id": connection.account_id,
                "name": connection.user_name,
                "roles": [str(one.get("name")) for one in who.get("roles") or ()],
                "projects": [str(one) for one in who.get("projects") or ()],
                "default_project": ((connection.access.get("token") or {}).get("tenant") or {}).get("id"),
                "cloud": cloud.name,
                "url": cloud.url,
                "used": usage.used,
                "quota": usage.quota,
            }
            if usage.quota is None and run.output == "table":
                record["quota"] = "no limit"
            show(run, record, [Column("used", "used", "size"), Column("quota", "quota", "size")])
            return
    raise NotFound(
        f"the cloud {cloud.name!r} has no token of the user {wanted!r}",
        hint="see whose tokens it has: pithosfs user list; add one: pithosfs user add --token TOKEN",
    )


def _without(options: Any, key: str) -> dict[str, str]:
    return {name: value for name, value in options.items() if name != key}


def _address(service: Any) -> str:
    endpoints = service.get("endpoints") or [{}]
    return str(endpoints[0].get("publicURL", ""))
