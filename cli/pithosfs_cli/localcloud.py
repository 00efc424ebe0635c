"""`pithosfs localcloud …`: the cloud of one's own on this machine, and its users."""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pithosfs_cli.command import Group, with_options
from pithosfs_cli.invocation import Invocation
from pithosfs_cli.output import Column, iso_time, note, show, show_list

if TYPE_CHECKING:
    from pithosfs.config import Settings
    from pithosfs.localcloud.process import Status

__all__ = ["localcloud"]

CLOUD = "local"  # the name under which the settings know it
DATA_KEY = "localcloud_data"  # in the cloud's section: whose data it is, so that a changed port can be followed
_LOOPBACK = "127.0.0.1"

_data_option = click.option(
    "--data", metavar="DIR", type=click.Path(), help="Where its data is (default: in your data directory)."
)


@click.group(cls=Group)
def localcloud() -> None:
    """A cloud of your own on this machine.

    It stores files with versions and sharing for any number of users, and runs as an ordinary process of yours. Its
    servers, networks, images and volumes are a sandbox: all of the protocol, and no machine behind it.
    """


@localcloud.command("start")
@with_options(
    [
        _data_option,
        click.option(
            "--host", default=_LOOPBACK, metavar="H", help=f"The address to listen on (default: {_LOOPBACK})."
        ),
        click.option(
            "--port",
            type=click.IntRange(0, 65535),
            default=0,
            metavar="P",
            help="The port (default: the one it had last time, else any free one).",
        ),
        click.option("--foreground", is_flag=True, help="Stay in the foreground until interrupted."),
        click.option("--add-cloud", is_flag=True, help="Put it into the settings even if they have other clouds."),
        click.option(
            "--sandbox-delay",
            type=click.FloatRange(0),
            default=0.5,
            show_default=True,
            metavar="SECONDS",
            help="How long it seems to take to build, stop or change a server.",
        ),
    ]
)
@click.pass_obj
def start(
    run: Invocation,
    data: str | None,
    host: str,
    port: int,
    foreground: bool,
    add_cloud: bool,
    sandbox_delay: float,
) -> None:
    """Start it; in the background, unless told otherwise.

    The first start makes a first user. When no cloud is configured yet, it is put into the settings as the default.
    """
    from pithosfs.localcloud import process

    where = _data(run, data)
    if foreground:
        _serve(run, where, host, port, add_cloud, sandbox_delay)
        return
    ran = process.status(where).running
    status = process.start(where, host, port, sandbox_delay=sandbox_delay)
    remarks = _introduce(run, status, add_cloud)
    if run.output == "table":
        said = "already runs" if ran else "runs now"
        click.echo(f"The local cloud {said} at {status.url}")
    else:
        show(run, _record(run, status))
    for remark in remarks:
        note(remark)


@localcloud.command("stop")
@_data_option
@click.pass_obj
def stop(run: Invocation, data: str | None) -> None:
    """Stop it. Requests that are under way are finished first."""
    from pithosfs.localcloud import process

    where = _data(run, data)
    ran = process.status(where).running
    status = process.stop(where)
    if run.output == "table":
        click.echo("The local cloud has stopped" if ran else "The local cloud does not run")
    else:
        show(run, _record(run, status))


@localcloud.command("status")
@_data_option
@click.pass_obj
def status_(run: Invocation, data: str | None) -> None:
    """Say whether it runs, where, who its users are, and what of it is a sandbox."""
    from pithosfs.localcloud import process

    columns = [
        Column("identity_url", "identity URL"),
        Column("started", "started", "time"),
        Column("pid", "process"),
        Column("sandbox", "sandbox"),
    ]
    show(run, _record(run, process.status(_data(run, data))), columns)
    if run.output == "table":
        note(
            "Storage and identity are real. The sandbox has no machines behind it: nothing that it makes runs anywhere"
        )


@localcloud.group("server", cls=Group)
def server() -> None:
    """What an administrator does to the servers of the sandbox."""


@server.command("suspend")
@click.argument("ident", metavar="ID", type=click.IntRange(1))
@_data_option
@click.pass_obj
def server_suspend(run: Invocation, ident: int, data: str | None) -> None:
    """Let nobody change a server, its owner included, until it is resumed."""
    _suspend(run, data, ident, suspended=True)


@server.command("resume")
@click.argument("ident", metavar="ID", type=click.IntRange(1))
@_data_option
@click.pass_obj
def server_resume(run: Invocation, ident: int, data: str | None) -> None:
    """Let a server be changed again."""
    _suspend(run, data, ident, suspended=False)


def _suspend(run: Invocation, data: str | None, ident: int, *, suspended: bool) -> None:
    from pithosfs.localcloud import process

    process.suspend_server(_data(run, data), ident, suspended=suspended)
    if run.output == "table":
        click.echo(f"Server {ident} is {'suspended' if suspended else 'as before'}")
    else:
        show(run, {"id": ident, "suspended": suspended})


@localcloud.group("user", cls=Group)
def user() -> None:
    """The users of the local cloud."""


@user.command("add")
@click.argument("name")
@click.option("--quota", metavar="SIZE", help="How much they may store, as in 10GiB (default: no limit).")
@click.option("--admin", is_flag=True, help="Let them decide about projects and users. The first user always may.")
@_data_option
@click.pass_obj
def user_add(run: Invocation, name: str, quota: str | None, admin: bool, data: str | None) -> None:
    """Make a user and print a token for them; it is shown only once."""
    from pithosfs.config import parse_size
    from pithosfs.localcloud import process

    limit = None if quota is None else parse_size(quota)
    where = _data(run, data)
    token = process.add_user(where, name, limit, admin=admin)
    if run.output == "table":
        note(f"The user {name} has this token (another one: pithosfs localcloud user token {name})")
        click.echo(token)
        return
    added = next(one for one in process.users(where) if one.name == name)
    show(run, {"id": added.uuid, "name": name, "quota": limit, "admin": added.admin, "token": token})


@user.command("set")
@click.argument("name")
@click.option("--quota", metavar="SIZE", help="How much they may store, as in 10GiB, or unlimited.")
@click.option(
    "--limit",
    "limits",
    metavar="RESOURCE=VALUE",
    multiple=True,
    help="What their personal project may use, as in cyclades.vm=2 or cyclades.ram=8GiB, or unlimited.",
)
@click.option("--admin/--no-admin", default=None, help="Let them decide about projects and users, or no longer.")
@_data_option
@click.pass_obj
def user_set(
    run: Invocation, name: str, quota: str | None, limits: tuple[str, ...], admin: bool | None, data: str | None
) -> None:
    """Change what a user may do and use. It counts at once."""
    from pithosfs.errors import UsageError
    from pithosfs.localcloud import process

    wanted = dict(_limit(text) for text in (*([f"pithos.diskspace={quota}"] if quota is not None else []), *limits))
    if not wanted and admin is None:
        raise UsageError("there is nothing to change", hint="give --quota, --limit, --admin or --no-admin")
    where = _data(run, data)
    process.change_user(where, name, limits=wanted, admin=admin)
    changed = next(one for one in _users(where, process.users) if one["name"].casefold() == name.casefold())
    if run.output == "table":
        click.echo(f"Changed {changed['name']}")
    else:
        show(run, changed)


@user.command("token")
@click.argument("name")
@click.option("--revoke", is_flag=True, help="End all older tokens of the user.")
@_data_option
@click.pass_obj
def user_token(run: Invocation, name: str, revoke: bool, data: str | None) -> None:
    """Print a new token for a user, and nothing else.

    Tokens are stored hashed, so an older one cannot be shown again; it stays valid unless revoked.
    """
    from pithosfs.localcloud import process

    token = process.user_token(_data(run, data), name, revoke=revoke)
    if run.output == "table":
        click.echo(token)
    else:
        show(run, {"name": name, "token": token})


@user.command("list")
@_data_option
@click.pass_obj
def user_list(run: Invocation, data: str | None) -> None:
    """List the users."""
    from pithosfs.localcloud import process

    show_list(
        run,
        _users(_data(run, data), process.users),
        [
            Column("name", "NAME"),
            Column("id", "ID"),
            Column("quota", "QUOTA", "size"),
            Column("admin", "ADMIN"),
        ],
        empty="There is no user yet: pithosfs localcloud start makes the first one",
    )


@localcloud.group("service", cls=Group)
def service() -> None:
    """What the parts of the platform need to talk to the identity service."""


@service.command("token")
@click.argument("component", type=click.Choice(["astakos", "cyclades", "pithos"]))
@click.option("--revoke", is_flag=True, help="End all older tokens of the component.")
@_data_option
@click.pass_obj
def service_token(run: Invocation, component: str, revoke: bool, data: str | None) -> None:
    """Print a new token for a part of the platform, and nothing else.

    It is for the calls that only services may make: commissions, and the quotas and names of all users.
    """
    from pithosfs.localcloud import process

    token = process.service_token(_data(run, data), component, revoke=revoke)
    if run.output == "table":
        click.echo(token)
    else:
        show(run, {"component": component, "token": token})


def _limit(text: str) -> tuple[str, int | None]:
    """`RESOURCE=VALUE` → the resource and its limit in its unit, None for no limit. Raises UsageError."""
    from pithosfs.config import parse_size
    from pithosfs.errors import UsageError
    from pithosfs.localcloud.resources import RESOURCES

    name, equals, value = text.partition("=")
    if not equals or name not in RESOURCES:
        raise UsageError(
            f"{text!r} is no limit of a resource",
            hint=f"write RESOURCE=VALUE, with one of these: {', '.join(RESOURCES)}",
        )
    if value == "unlimited":
        return name, None
    if RESOURCES[name].unit == "bytes":
        return name, parse_size(value)
    if not (value.isascii() and value.isdigit()):
        raise UsageError(f"{value!r} is no number of {name}", hint="write a whole number, or unlimited")
    return name, int(value)


def _data(run: Invocation, data: str | None) -> Path:
    from pithosfs.errors import LocalError

    where = Path(data).absolute() if data else run.directories.data / "localcloud"
    if where.exists() and not where.is_dir():
        raise LocalError(f"{where} is not a folder", hint="choose another one with --data")
    return where


def _users(data: Path, users: Callable[[Path], Any]) -> list[dict[str, Any]]:
    from pithosfs.localcloud.resources import UNLIMITED

    return [
        {
            "id": one.uuid,
            "name": one.name,
            "quota": None if one.quota >= UNLIMITED else one.quota,
            "admin": one.admin,
        }
        for one in users(data)
    ]


def _record(run: Invocation, status: Status) -> dict[str, Any]:
    from pithosfs.localcloud.sandbox import SERVICES

    return {
        "running": status.running,
        "crashed": status.crashed,
        "identity_url": status.identity_url,
        "url": status.url,
        "data": str(status.data),
        "pid": status.pid,
        "started": None if status.started is None else iso_time(int(status.started * 1e9)),
        "users": list(status.users),
        "sandbox": list(SERVICES),
        "cloud": next(iter(_known_as(run.settings(must_exist=False), status)), None),
    }


# the first start ----------------------------------------------------------------------------------------------------


def _introduce(run: Invocation, status: Status, add_cloud: bool) -> list[str]:
    """Make the first user, and tell the settings of the cloud if they know of none; returns what to say about that."""
    from pithosfs.localcloud import process

    assert status.identity_url is not None
    said: list[str] = []
    token: str | None = None
    users = status.users
    if not users:
        name = _first_name()
        token = process.add_user(status.data, name)
        users = (name,)
        said.append(f"It has a first user: {name}")
    settings = run.settings(must_exist=False, overridden=False)
    known = _known_as(settings, status)
    for name in known:
        if settings.get(f"cloud.{name}.url") != status.identity_url:
            settings.set(f"cloud.{name}.url", status.identity_url)
            settings.save()
            said.append(f"Its address has changed; the cloud {name!r} in {settings.path} has the new one")
    if known:
        return said
    is_first = not settings.clouds()
    if is_first or add_cloud:
        name = next(one for one in _names() if one not in settings.clouds())
        if is_first:
            settings.set("default_cloud", name)
        settings.set(f"cloud.{name}.url", status.identity_url)
        settings.set(f"cloud.{name}.token", token or process.user_token(status.data, users[0]))
        settings.set(f"cloud.{name}.{DATA_KEY}", str(status.data))
        settings.save()
        said.append(
            f"No cloud was configured: it is now the default, as {name!r} in {settings.path}"
            if is_first
            else f"It is now the cloud {name!r} in {settings.path}; the default cloud is what it was"
        )
    else:
        said.append("The settings have other clouds and not this one; to add it: pithosfs localcloud start --add-cloud")
    return said


def _known_as(settings: Settings, status: Status) -> list[str]:
    """Under which names the settings have this cloud."""
    return [
        name
        for name in settings.clouds()
        if settings.get(f"cloud.{name}.{DATA_KEY}") == str(status.data)
        or (status.identity_url is not None and settings.get(f"cloud.{name}.url") == status.identity_url)
    ]


def _names() -> Iterator[str]:
    yield CLOUD
    yield from (f"{CLOUD}-{number}" for number in itertools.count(2))


def _first_name() -> str:
    name = "".join(char for char in os.environ.get("USER", "") if char.isprintable() and char != ",").strip()
    return name[:256] or "user"


def _serve(run: Invocation, data: Path, host: str, port: int, add_cloud: bool, sandbox_delay: float) -> None:
    """Serve in this process until SIGINT or SIGTERM."""
    import logging

    from pithosfs.localcloud import process

    logging.getLogger("pithosfs.localcloud").setLevel(logging.INFO)
    served = False

    def ready(status: Status) -> None:
        nonlocal served
        served = True
        remarks = _introduce(run, status, add_cloud)
        click.echo(f"The local cloud runs at {status.url}; interrupt it (^C) to stop")
        sys.stdout.flush()
        for remark in remarks:
            note(remark)

    status = process.start(data, host, port, foreground=True, sandbox_delay=sandbox_delay, ready=ready)
    note("The local cloud has stopped" if served else f"The local cloud already runs at {status.url}")
