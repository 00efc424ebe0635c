"""`pithosfs file append`, `overwrite` and `truncate`: changing a part of a file on the cloud."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from pithosfs.errors import UsageError
from pithosfs_cli.addressing import addressed, complete_place, locate, look, place_options
from pithosfs_cli.command import Command, with_options
from pithosfs_cli.file.options import transfer_options, version_option
from pithosfs_cli.invocation import Invocation
from pithosfs_cli.output import note, show
from pithosfs_cli.progress import bars

if TYPE_CHECKING:
    from pithosfs.store import ObjectInfo
    from pithosfs_cli.locations import Location

__all__ = ["append", "overwrite", "truncate"]


@click.command("append", cls=Command)
@click.argument("local", metavar="LOCAL", type=click.Path())
@click.argument("path", shell_complete=complete_place)
@with_options([*transfer_options, place_options])
@click.pass_obj
def append(
    run: Invocation,
    local: str,
    path: str,
    threads: int,
    no_progress_bar: bool,
    container: str | None,
    account: str | None,
) -> None:
    """Add the content of LOCAL to the end of PATH; - is standard input.

    All of it is added, in one new version, or nothing.
    """
    place = locate(run, path, container=container, account=account, object_needed=True)
    with _opened(local) as stream:
        _write(run, place, None, stream, local, None, None, threads, no_progress_bar)


@click.command("overwrite", cls=Command)
@click.argument("local", metavar="LOCAL", type=click.Path())
@click.argument("path", shell_complete=complete_place)
@with_options(
    [
        click.option(
            "--from", "start", type=click.IntRange(0), required=True, metavar="N", help="The first byte to replace."
        ),
        click.option(
            "--to",
            "last",
            type=click.IntRange(0),
            metavar="N",
            help="The last byte to replace (default: as far as LOCAL goes).",
        ),
        version_option,
        *transfer_options,
        place_options,
    ]
)
@click.pass_obj
def overwrite(
    run: Invocation,
    local: str,
    path: str,
    start: int,
    last: int | None,
    object_version: str | None,
    threads: int,
    no_progress_bar: bool,
    container: str | None,
    account: str | None,
) -> None:
    """Replace bytes of PATH with those of LOCAL, from its beginning; - is standard input.

    Bytes behind the end of PATH make it longer. All of it is one new version, or nothing is done.
    """
    if last is not None and last < start:
        raise UsageError(f"the range ends at {last}, before it starts at {start}", hint="give --to after --from")
    length = None if last is None else last - start + 1
    place = locate(run, path, container=container, account=account, object_needed=True)
    with _opened(local) as stream:
        _write(run, place, start, stream, local, length, object_version, threads, no_progress_bar)


@click.command("truncate", cls=Command)
@click.argument("path", shell_complete=complete_place)
@with_options(
    [
        click.option("--size", required=True, metavar="N", help="What is to be left: bytes, or as in 10MiB."),
        place_options,
    ]
)
@click.pass_obj
def truncate(run: Invocation, path: str, size: str, container: str | None, account: str | None) -> None:
    """Cut PATH to its first N bytes."""
    from pithosfs.config import parse_size
    from pithosfs_cli.file.rewriting import Rewriting

    count = parse_size(size)
    place = locate(run, path, container=container, account=account, object_needed=True)
    store = run.store()
    place, info = look(store, place)
    with addressed(store, place):
        if info.size == count:
            note(f"{place} has {count} bytes already")
        else:
            info = Rewriting(store, place, info, info).cut(count)
    _tell(run, place, info)


@contextmanager
def _opened(local: str) -> Iterator[BinaryIO]:
    if local == "-":
        yield sys.stdin.buffer
        return
    with Path(local).open("rb") as stream:
        yield stream


def _write(
    run: Invocation,
    place: Location,
    start: int | None,
    stream: BinaryIO,
    name: str,
    length: int | None,
    version: str | None,
    connections: int,
    no_bar: bool,
) -> None:
    """Write at `start` (None: at the end) of the present version, or of an older one that becomes the newest so."""
    from pithosfs_cli.file.rewriting import Rewriting, limited

    name = "standard input" if name == "-" else name
    source, unchanged = limited(stream, name, length)
    store = run.store()
    place, present = look(store, place)
    base = present if version is None else look(store, place, version)[1]
    with addressed(store, place):
        change = Rewriting(store, place, present, base)
        with bars(hidden=no_bar) as shown, shown.file(place.name) as tell:
            info = change.write(
                base.size if start is None else start,
                source,
                connections=connections,
                progress=tell,
                unchanged=unchanged,
            )
    _tell(run, place, info)


def _tell(run: Invocation, place: Location, info: ObjectInfo) -> None:
    if run.output != "table":
        show(
            run,
            {
                "path": str(place),
                "name": place.name,
                "bytes": info.size,
                "hash": info.hash,
                "version": info.version,
            },
        )
