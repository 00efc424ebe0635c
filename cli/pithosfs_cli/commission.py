"""`pithosfs commission …`: quota that a service reserves, and then takes or gives back."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from pithosfs.errors import NotFound, UsageError
from pithosfs_cli.command import Group, with_options
from pithosfs_cli.errors import Failure
from pithosfs_cli.invocation import Invocation
from pithosfs_cli.layout import Column, columns_option, list_options
from pithosfs_cli.locations import is_account_id
from pithosfs_cli.options import at_least_one
from pithosfs_cli.output import show, show_fields, show_list
from pithosfs_cli.service_token import as_service, service_token_option

__all__ = ["commission"]

_SERIAL = click.IntRange(1)
_COLUMNS = [Column("serial", "SERIAL", "count")]
_INFO = [
    Column("serial", "serial"),
    Column("name", "name"),
    Column("issue_time", "issued", "time"),
    Column("provisions", "provision"),
]
_FILE = 'write what is to be provided of each resource: {"cyclades.vm": 1, "cyclades.ram": 1073741824}'
_token = service_token_option(required=False)
_serials = click.argument("serials", metavar="SERIAL...", nargs=-1, required=True, type=_SERIAL)


class _Serials(click.ParamType[tuple[int, ...]]):
    """`57,58`."""

    name = "serials"

    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> tuple[int, ...]:
        if not isinstance(value, str):
            return tuple(value)
        return tuple(_SERIAL(one.strip(), parameter, context) for one in value.split(","))


@click.group(cls=Group)
def commission() -> None:
    """Quota that a service reserves, and then takes or gives back. For services: it needs a token of one."""


@commission.command("pending")
@with_options([_token, *list_options(_COLUMNS)])
@click.pass_obj
def pending(run: Invocation, service_token: str | None) -> None:
    """List the service's commissions that are neither accepted nor rejected."""
    with as_service(run, service_token) as client:
        serials = client.get_pending_commissions()
    show_list(run, [{"serial": one} for one in serials], _COLUMNS, empty="No commission is pending")


@commission.command("info")
@click.argument("serial", type=_SERIAL)
@with_options([_token, columns_option(_INFO)])
@click.pass_obj
def info(run: Invocation, serial: int, service_token: str | None) -> None:
    """Show a pending commission by its SERIAL."""
    with as_service(run, service_token) as client, _pending(serial):
        found = client.get_commission_info(serial)
    provisions = [
        f"{one.get('quantity'):+} {one.get('resource')} for {one.get('holder')}"
        + (f" of {one['source']}" if one.get("source") else "")
        for one in found.get("provisions") or ()
    ]
    show_fields(run, {**found, "_provisions": provisions}, _INFO)


@commission.command("accept")
@with_options([_serials, _token])
@click.pass_obj
def accept(run: Invocation, serials: Sequence[int], service_token: str | None) -> None:
    """Take what pending commissions have reserved."""
    _resolve_each(run, serials, service_token, "accept", "accepted")


@commission.command("reject")
@with_options([_serials, _token])
@click.pass_obj
def reject(run: Invocation, serials: Sequence[int], service_token: str | None) -> None:
    """Give back what pending commissions have reserved."""
    _resolve_each(run, serials, service_token, "reject", "rejected")


@commission.command("resolve")
@with_options(
    [
        click.option("--accept", type=_Serials(), metavar="SERIAL,SERIAL", help="Accept these."),
        click.option("--reject", type=_Serials(), metavar="SERIAL,SERIAL", help="Reject these."),
        _token,
    ]
)
@click.pass_obj
def resolve(
    run: Invocation, accept: tuple[int, ...] | None, reject: tuple[int, ...] | None, service_token: str | None
) -> None:
    """Accept and reject several commissions in one request."""
    at_least_one({"--accept": accept, "--reject": reject})
    with as_service(run, service_token) as client:
        found = client.resolve_commissions(accept or (), reject or ())
    failed = found.get("failed") or []
    show(
        run,
        {**found, "failed": [f"{serial}: {_why(why)}" for serial, why in failed]} if run.output == "table" else found,
    )
    if failed:
        raise Failure(
            f"{len(failed)} of {len((*(accept or ()), *(reject or ())))} were not resolved",
            1,
            hint="see what is pending: pithosfs commission pending",
        )


@commission.command("issue")
@with_options(
    [
        click.option("--uuid", metavar="USER", required=True, help="Who is to hold it (id or name)."),
        click.option(
            "--source",
            metavar="PROJECT",
            required=True,
            help="The id of the project it comes from; system is the user's personal one.",
        ),
        click.option(
            "--provisions-file",
            metavar="FILE",
            required=True,
            help="What is provided, as JSON: an object of resources and amounts. - is standard input.",
        ),
        click.option("--description", metavar="TEXT", default="", help="What it is for."),
        click.option("--force", is_flag=True, help="Even beyond the limits."),
        click.option("--accept", is_flag=True, help="Accept it at once."),
        _token,
    ]
)
@click.pass_obj
def issue(
    run: Invocation,
    uuid: str,
    source: str,
    provisions_file: str,
    description: str,
    force: bool,
    accept: bool,
    service_token: str | None,
) -> None:
    """Reserve quota for a user: what the file says, of a project. A negative amount gives it back."""
    wanted = _provisions(provisions_file)
    with as_service(run, service_token) as client:
        holder = uuid if is_account_id(uuid) else client.service_get_uuid(uuid)
        project = holder if source == "system" else source
        serial = client.issue_one_commission(
            holder, {(project, name): amount for name, amount in wanted.items()}, description, force, accept
        )
    if run.output == "table":
        click.echo(serial)
    else:
        show(run, {"serial": serial})


def _resolve_each(run: Invocation, serials: Sequence[int], token: str | None, action: str, done: str) -> None:
    from pithosfs_cli.one_by_one import one_by_one

    def resolve(serial: int) -> None:
        with _pending(serial):
            client.commission_action(serial, action)

    with as_service(run, token) as client:
        one_by_one(done, serials, resolve)
    if run.output != "table":
        show_list(run, [{"serial": one, "action": done} for one in serials], [])


@contextmanager
def _pending(serial: int) -> Iterator[None]:
    """What is not found inside is this commission."""
    try:
        yield
    except NotFound as error:
        raise NotFound(
            f"no commission {serial} of this service is pending",
            404,
            hint="see which are: pithosfs commission pending",
        ) from error


def _provisions(name: str) -> dict[str, int]:
    """Resource → amount, from a file. Raises UsageError."""
    text = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
    try:
        found = json.loads(text)
    except ValueError as error:
        raise UsageError(f"{name} is not JSON: {error}", hint=_FILE) from None
    if not isinstance(found, dict) or not found or not all(type(one) is int for one in found.values()):
        raise UsageError(f"{name} does not say what is to be provided", hint=_FILE)
    return found


def _why(error: Any) -> str:
    """What the service says about one that it did not resolve: `{"itemNotFound": {"message": …}}`."""
    inner = next(iter(error.values()), error) if isinstance(error, dict) else error
    return str(inner.get("message") if isinstance(inner, dict) else inner)
