"""`pithosfs server start`, `shutdown`, `reboot`, `rescue`, `unrescue`, `console` and `wait`."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

import click

from pithosfs.errors import NotFound, NotSupported
from pithosfs_cli.acting import act_on
from pithosfs_cli.command import Command, with_options
from pithosfs_cli.finding import about, find, find_all, thing_argument, things_argument
from pithosfs_cli.invocation import Invocation
from pithosfs_cli.kinds import SERVER, Thing
from pithosfs_cli.layout import Column, columns_option
from pithosfs_cli.output import note, show, show_list
from pithosfs_cli.server.records import Known, server_record, shown_status
from pithosfs_cli.server.states import RUNNING, SETTLED, STOPPED, needs, settled
from pithosfs_cli.services import compute
from pithosfs_cli.wait_command import wait_command
from pithosfs_cli.waiting import Patience, wait_options

if TYPE_CHECKING:
    from pithosfs.clients.cyclades import CycladesComputeClient

__all__ = ["console", "reboot", "rescue", "shutdown", "start", "unrescue", "wait"]

_STATUSES = ("BUILD", "ACTIVE", "STOPPED", "REBOOT", "ERROR", "DELETED")

_CONSOLE = [
    Column("type", "type"),
    Column("host", "host"),
    Column("port", "port"),
    Column("password", "password"),
]
# The web-socket ones have other names, too.
_TYPES = {"vnc": "vnc", "vnc-ws": "vnc-ws", "vnc-wss": "vnc-wss", "no-vnc": "vnc-ws", "no-vnc-encrypted": "vnc-wss"}

wait = wait_command(SERVER, _STATUSES, "BUILD")


@click.command("start", cls=Command)
@with_options([things_argument(SERVER), *wait_options])
@click.pass_obj
def start(run: Invocation, /, texts: tuple[str, ...], **options: Any) -> None:
    """Start stopped servers, by id or name."""
    patience = Patience.of(options)
    _act(run, texts, patience, "started", STOPPED, RUNNING, lambda client, ident: client.start_server(ident))


@click.command("shutdown", cls=Command)
@with_options([things_argument(SERVER), *wait_options])
@click.pass_obj
def shutdown(run: Invocation, /, texts: tuple[str, ...], **options: Any) -> None:
    """Stop running servers, by id or name."""
    patience = Patience.of(options)
    _act(run, texts, patience, "stopped", RUNNING, STOPPED, lambda client, ident: client.shutdown_server(ident))


@click.command("reboot", cls=Command)
@with_options(
    [
        things_argument(SERVER),
        click.option(
            "--type",
            "kind",
            type=click.Choice(["SOFT", "HARD"], case_sensitive=False),
            default="SOFT",
            help="HARD does not ask the system in it (default: SOFT).",
        ),
        *wait_options,
    ]
)
@click.pass_obj
def reboot(run: Invocation, /, texts: tuple[str, ...], kind: str, **options: Any) -> None:
    """Reboot servers, by id or name."""
    patience, hard = Patience.of(options), kind == "HARD"
    _act(run, texts, patience, "rebooted", SETTLED, RUNNING, lambda client, ident: client.reboot_server(ident, hard))


@click.command("rescue", cls=Command)
@with_options(
    [
        things_argument(SERVER),
        click.option(
            "--rescue-image-ref",
            "image",
            metavar="ID",
            help="The rescue image to boot from (default: the cloud's own choice).",
        ),
        *wait_options,
    ]
)
@click.pass_obj
def rescue(run: Invocation, /, texts: tuple[str, ...], image: str | None, **options: Any) -> None:
    """Boot stopped servers from a rescue image, to mend what is on their disks."""
    patience = Patience.of(options)
    wanted = int(image) if image and image.isdecimal() else image

    def work(client: CycladesComputeClient, ident: str) -> None:
        try:
            client.rescue_server(ident, wanted)
        except NotFound as error:
            raise _no_rescue(image) from error

    _act(run, texts, patience, "rescued", STOPPED, STOPPED, work)


@click.command("unrescue", cls=Command)
@with_options([things_argument(SERVER), *wait_options])
@click.pass_obj
def unrescue(run: Invocation, /, texts: tuple[str, ...], **options: Any) -> None:
    """Take servers out of rescue mode."""
    patience = Patience.of(options)

    def work(client: CycladesComputeClient, ident: str) -> None:
        try:
            client.unrescue_server(ident)
        except NotFound as error:
            raise _no_rescue(None) from error

    _act(run, texts, patience, "taken out of rescue mode", STOPPED, STOPPED, work)


def _no_rescue(image: str | None) -> NotSupported:
    """The server is there, as it was looked for before: so it is the mode, or the image, that is not."""
    if image:
        return NotSupported(
            f"this cloud has no rescue image {image!r}, or no rescue mode at all", hint="leave --rescue-image-ref out"
        )
    return NotSupported("this cloud has no rescue mode", hint="attach the server's volume to another one instead")


def _act(
    run: Invocation,
    texts: tuple[str, ...],
    patience: Patience | None,
    done: str,
    before: Collection[str],
    afterwards: Collection[str],
    work: Callable[[CycladesComputeClient, str], Any],
) -> None:
    """Do it to each server, which has to be in one of some statuses and gets into one of others."""
    client = compute(run)

    def one(server: Thing) -> None:
        with needs(server, before):
            work(client, SERVER.id_of(server))

    after = act_on(
        run,
        SERVER,
        find_all(run, SERVER, texts),
        done,
        one,
        goal=lambda server: settled(server, *afterwards),
        patience=patience,
        later=lambda server: f"server wait {SERVER.id_of(server)} --until {next(iter(afterwards))} --timeout 600",
    )
    servers = [one if patience and one else SERVER.one(run, ident) for ident, one in after.items()]
    if run.output != "table":
        known = Known.ask(run, images=True)
        show_list(run, [server_record(one, known) for one in servers], [])
        return
    for server in servers:
        note(f"{SERVER.label(server)} is {shown_status(server)}")


@click.command("console", cls=Command)
@with_options(
    [
        thing_argument(SERVER),
        click.option(
            "--type",
            "kind",
            type=click.Choice(list(_TYPES), case_sensitive=False),
            default="vnc",
            help="The protocol: plain, or through a web socket (default: vnc).",
        ),
        columns_option(_CONSOLE),
    ]
)
@click.pass_obj
def console(run: Invocation, /, text: str, kind: str) -> None:
    """Open a console of a running SERVER, and show how to reach it. It can be used for a short time only."""
    server = find(run, SERVER, text)
    with about(SERVER, server), needs(server, RUNNING):
        found = compute(run).get_server_console(SERVER.id_of(server), _TYPES[kind])
    show(run, found, _CONSOLE)
    if run.output == "table":
        note("Use it soon: it is good for a short time only")
