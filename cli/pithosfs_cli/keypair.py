"""`pithosfs keypair …`: the keys with which one gets into servers."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pithosfs.errors import Conflict, NotFound, QuotaExceeded, UsageError
from pithosfs_cli.acting import delete_options, delete_things
from pithosfs_cli.command import Group, option, with_options
from pithosfs_cli.filtering import Sieve, filter_option, name_options, number_option
from pithosfs_cli.finding import about, find, given_to, thing_argument, things_argument
from pithosfs_cli.invocation import Invocation
from pithosfs_cli.kinds import KEYPAIR, Thing
from pithosfs_cli.layout import Column, columns_option, list_options
from pithosfs_cli.output import note, show, show_fields, show_list
from pithosfs_cli.private_file import private_file
from pithosfs_cli.services import compute

if TYPE_CHECKING:
    from pithosfs.clients.cyclades import CycladesComputeClient

__all__ = ["keypair"]

_SUMMARY = [Column("name", "NAME"), Column("fingerprint", "FINGERPRINT")]
_DETAILS = [*_SUMMARY, Column("public_key", "PUBLIC KEY")]
_INFO = [
    Column("name", "name"),
    Column("fingerprint", "fingerprint"),
    Column("public_key", "public key"),
    Column("created_at", "created", "time"),
]

_making = with_options(
    [
        click.option("--key-name", metavar="NAME", help="What to call it (default: a name with date and time in it)."),
        click.option("-f", "--force", is_flag=True, help="Replace one of that name."),
    ]
)


@click.group("keypair", cls=Group)
def keypair() -> None:
    """The keys with which one gets into servers: pithosfs server create --key-name NAME."""


@keypair.command("list")
@with_options(
    [
        option("-l", "--details", is_flag=True, aliases=("--detail", "--list"), help="Show the public keys."),
        number_option,
        *name_options,
        filter_option,
        *list_options(_DETAILS),
    ]
)
@click.pass_obj
def list_(run: Invocation, /, details: bool, **options: Any) -> None:
    """List the key pairs."""
    from pithosfs_cli.completion import remember_things

    sieve = Sieve.of(options)
    found = KEYPAIR.all(run)
    remember_things(run, KEYPAIR, found)
    empty = "There is no such key pair" if sieve else "There is no key pair; make one: pithosfs keypair generate"
    show_list(run, sieve.sift(KEYPAIR, found), _DETAILS if details else _SUMMARY, brief=not details, empty=empty)


@keypair.command("info")
@with_options([thing_argument(KEYPAIR, metavar="NAME"), columns_option(_INFO)])
@click.pass_obj
def info(run: Invocation, text: str) -> None:
    """Show a key pair. Nobody but you ever has its private key."""
    found = find(run, KEYPAIR, text)
    with about(KEYPAIR, found):
        pair = KEYPAIR.one(run, KEYPAIR.id_of(found))
    # Its times are the only ones without a zone.
    created = pair.get("created_at")
    show_fields(run, {**pair, "_created_at": f"{created}Z" if created else None}, _INFO)


@keypair.command("delete")
@with_options([things_argument(KEYPAIR, metavar="NAME"), *delete_options])
@click.pass_obj
def delete(run: Invocation, texts: tuple[str, ...], yes: bool, dry_run: bool) -> None:
    """Delete key pairs. Servers that let them in go on to."""
    client = compute(run)
    delete_things(run, KEYPAIR, texts, lambda one: client.delete_keypair(KEYPAIR.id_of(one)), yes=yes, dry_run=dry_run)


@keypair.command("generate")
@_making
@click.option("--private-key-file", metavar="FILE", help="Write the private key there (mode 0600), not to the output.")
@click.pass_obj
def generate(run: Invocation, key_name: str | None, force: bool, private_key_file: str | None) -> None:
    """Let the cloud make a key pair.

    The private key is not kept there: it is printed, alone, on standard output, or written to a file.
    """
    client, name = compute(run), _name(key_name)
    with private_file(private_key_file) as file:
        made = _make(run, client, name, lambda: client.generate_keypair(name), force=force)
        if file is not None:
            file.write(str(made.pop("private_key", "")))
    if run.output != "table":
        show(run, made)
        return
    where = f" is in {private_key_file}" if private_key_file else " follows, and is kept nowhere"
    note(f"Made the key pair {name} ({made.get('fingerprint')}); its private key{where}")
    if private_key_file is None:
        click.echo(str(made.get("private_key", "")).rstrip("\n"))


@keypair.command("upload")
@_making
@click.option("--public-key", metavar="TEXT", help="The public key itself, as in ~/.ssh/id_ed25519.pub.")
@click.option("--public-key-file", metavar="FILE", help="The file that it is in (- for standard input).")
@click.pass_obj
def upload(
    run: Invocation, key_name: str | None, force: bool, public_key: str | None, public_key_file: str | None
) -> None:
    """Store a public key of your own."""
    if (public_key is None) == (public_key_file is None):
        raise UsageError("which key is to be stored?", hint="give either --public-key or --public-key-file")
    client, name, text = compute(run), _name(key_name), _text(public_key, public_key_file)
    made = _make(run, client, name, lambda: client.upload_keypair(name, text), force=force)
    show_fields(run, made, _INFO)


def _text(public_key: str | None, source: str | None) -> str:
    text = public_key or (sys.stdin.read() if source == "-" else Path(source or "").read_text(encoding="utf-8"))
    if not text.strip():
        raise UsageError("the public key is empty", hint="it looks like: ssh-ed25519 AAAA… NAME")
    if "PRIVATE KEY" in text:
        raise UsageError("that is a private key: it is not for anybody else", hint="give the file that ends in .pub")
    return text.strip()


def _name(given: str | None) -> str:
    if given is not None:
        return given
    return f"pithosfs-{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


def _make(
    run: Invocation, client: CycladesComputeClient, name: str, make: Callable[[], Thing], *, force: bool
) -> Thing:
    """Make it; with `force` in the place of one of that name."""
    from pithosfs_cli.completion import things_changed

    if not name:
        raise UsageError("the name of a key pair cannot be empty", hint="leave --key-name out to have one made up")
    try:
        with given_to("keypair upload"):
            made = make()
    except Conflict as error:
        if not force:
            raise Conflict(
                f"there is a key pair {name!r} already", error.status, hint="add --force to replace it"
            ) from error
        with suppress(NotFound):  # somebody else was faster
            client.delete_keypair(name)
        made = make()
    except QuotaExceeded as error:
        error.hint = "delete one that you do not need: pithosfs keypair list"
        raise
    things_changed(run, KEYPAIR)
    return made
