"""`pithosfs server list` and `info`: nothing here changes anything."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import click

from pithosfs.errors import BadRequest, UsageError
from pithosfs_cli.batch import Batch
from pithosfs_cli.command import Command, option, with_options
from pithosfs_cli.dates import DATE, shown_date
from pithosfs_cli.filtering import Sieve, has_pairs, sieve_options
from pithosfs_cli.finding import Finder, about, find, thing_option, things_argument
from pithosfs_cli.invocation import Invocation
from pithosfs_cli.kinds import FLAVOR, IMAGE, SERVER, Thing
from pithosfs_cli.layout import Column, columns_option, list_options
from pithosfs_cli.options import PAIR, at_most_one
from pithosfs_cli.output import show, show_fields, show_list
from pithosfs_cli.server.records import DETAILS, INFO, KNOWN, SUMMARY, Known, server_record

__all__ = ["info", "list_"]

_NICS = [
    Column("id", "PORT"),
    Column("network_id", "NETWORK"),
    Column("ipv4", "IPV4"),
    Column("ipv6", "IPV6"),
    Column("mac_address", "MAC"),
    Column("OS-EXT-IPS:type", "KIND"),
    Column("firewallProfile", "FIREWALL"),
]
_DIAGNOSTICS = [
    Column("created", "TIME", "time"),
    Column("level", "LEVEL"),
    Column("source", "SOURCE"),
    Column("message", "MESSAGE"),
    Column("details", "DETAILS"),
]


@click.command("list", cls=Command)
@with_options(
    [
        option("-l", "--details", is_flag=True, aliases=("--detail", "--list"), help="Show everything."),
        click.option("--status", metavar="STATUS", help="Only in this status, as ACTIVE or STOPPED."),
        thing_option("--flavor-id", kind=FLAVOR, help="Only of this flavor."),
        thing_option("--image-id", kind=IMAGE, help="Only made from this image."),
        click.option("--metadata", type=PAIR, metavar="KEY=VALUE", multiple=True, help="Only with this in it."),
        click.option(
            "--metadata-like", type=PAIR, metavar="KEY=TEXT", multiple=True, help="Only with this in a value."
        ),
        click.option("--user-id", metavar="ID", help="Only of this user."),
        click.option("--user-name", metavar="NAME", help="Only of this user."),
        click.option("--since", type=DATE, metavar="DATE", help="Only what has changed since, deleted ones too."),
        *sieve_options,
        *list_options(KNOWN),
    ]
)
@click.pass_obj
def list_(run: Invocation, /, details: bool, since: int | None, **options: Any) -> None:
    """List the servers: your own, and those that your projects share."""
    from pithosfs_cli.completion import remember_things

    sieve = Sieve.of(options)
    found = _listed(run, since)
    if since is None:
        remember_things(run, SERVER, found)
    wanted = _wanted(run, options)
    found = [one for one in found if all(_value(one, key) == value for key, value in wanted.items())]
    found = [one for one in found if has_pairs(one.get("metadata"), options["metadata"], options["metadata_like"])]
    known = Known.ask(run, images=details) if found else Known()
    records = sieve.sift(SERVER, (server_record(one, known) for one in found))
    empty = "There is no server"
    if not (sieve or wanted or options["metadata"] or options["metadata_like"] or since):
        empty += "; make one: pithosfs server create"
    elif since:
        empty = f"No server has changed since {shown_date(since)}"
    show_list(run, records, DETAILS if details else SUMMARY, brief=not details, empty=empty)


def _listed(run: Invocation, since: int | None) -> list[Thing]:
    from pithosfs_cli.services import compute

    if since is None:
        return SERVER.all(run)
    try:
        return compute(run).list_servers(detail=True, changes_since=datetime.fromtimestamp(since, UTC).isoformat())
    except BadRequest as error:
        error.hint = "clouds remember changes for an hour or so: give a later --since, as in --since '10 minutes ago'"
        raise


def _wanted(run: Invocation, options: dict[str, Any]) -> dict[str, str]:
    """What some fields must be."""
    from pithosfs_cli.users import user_id

    at_most_one({"--user-id": options["user_id"], "--user-name": options["user_name"]})
    wanted: dict[str, str] = {}
    if options["status"]:
        wanted["status"] = options["status"].upper()
    if options["flavor_id"] is not None:
        wanted["flavor"] = Finder(run, FLAVOR).id(options["flavor_id"])
    if options["image_id"] is not None:
        wanted["image"] = Finder(run, IMAGE).id(options["image_id"])
    if who := options["user_id"] or options["user_name"]:
        wanted["user_id"] = user_id(run, who)
    return wanted


def _value(server: Thing, key: str) -> str:
    found = server.get(key)
    return str(found.get("id") if isinstance(found, dict) else found)


@click.command("info", cls=Command)
@with_options(
    [
        things_argument(SERVER),
        click.option("--nics", is_flag=True, help="Show the network interfaces only."),
        click.option("--stats", is_flag=True, help="Show where there are graphs of its load."),
        click.option("--diagnostics", is_flag=True, help="Show what happened while it was made."),
        columns_option([*INFO, *KNOWN, *_NICS, *_DIAGNOSTICS]),
    ]
)
@click.pass_obj
def info(run: Invocation, texts: tuple[str, ...], nics: bool, stats: bool, diagnostics: bool) -> None:
    """Show servers, by id or name. One SERVER gives one thing, several a list."""
    views = {"--nics": nics, "--stats": stats, "--diagnostics": diagnostics}
    at_most_one(views)
    if len(texts) > 1:
        if any(views.values()):
            raise UsageError("these can be shown of one server at a time", hint="name one server only")
        _show_several(run, texts)
        return
    server = find(run, SERVER, texts[0])
    if any(views.values()):
        _show_view(run, server, nics=nics, stats=stats)
    else:
        show_fields(run, server_record(server, Known.ask(run, images=True)), INFO)


def _show_several(run: Invocation, texts: tuple[str, ...]) -> None:
    finder = Finder(run, SERVER)
    known = Known.ask(run, images=True)
    found: dict[str, Thing] = {}
    with Batch("shown", 1) as batch:
        for text in texts:
            with batch.tolerating(text):
                server = finder(text)
                found[SERVER.id_of(server)] = server
        show_list(run, [server_record(one, known) for one in found.values()], SUMMARY)


def _show_view(run: Invocation, server: Thing, *, nics: bool, stats: bool) -> None:
    from pithosfs_cli.services import compute

    client, ident = compute(run), SERVER.id_of(server)
    with about(SERVER, server):
        if stats:
            show(run, client.get_server_stats(ident))
        elif nics:
            found = client.get_server_nics(ident).get("attachments") or []
            show_list(run, found, _NICS, empty=f"{SERVER.label(server)} has no network interface")
        else:
            show_list(
                run,
                client.get_server_diagnostics(ident),
                _DIAGNOSTICS,
                empty=f"There is nothing to be told of {SERVER.label(server)}",
            )
