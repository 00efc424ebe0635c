"""`pithosfs file upload` of a single file, of standard input, and of a hashmap."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from pithosfs.errors import Conflict, UsageError
from pithosfs.mount.names import to_server
from pithosfs_cli.addressing import addressed
from pithosfs_cli.file.uploading import Settings, exists, open_file, resolve, send
from pithosfs_cli.file.whole import send_hashmap
from pithosfs_cli.invocation import Invocation
from pithosfs_cli.locations import Location
from pithosfs_cli.output import Column, note, show, show_list
from pithosfs_cli.progress import bars

if TYPE_CHECKING:
    from pithosfs.store import ObjectInfo, ObjectStore

__all__ = ["own_name", "upload_hashmap", "upload_one", "upload_stream"]


def own_name(source: Path) -> str:
    """What a local file or folder is called on the cloud."""
    found = source.resolve().name if source.name in ("", "..") else source.name
    if not found:
        raise UsageError(f"{source} has no name", hint="say what it is to be called: /CONTAINER/PATH")
    return to_server(found)


def upload_one(run: Invocation, store: ObjectStore, source: Path, place: Location, settings: Settings) -> None:
    """Upload one file to a place, or below it when it is a container, a folder, or ends with a slash."""
    if not settings.wanted.file(source.name):
        note(f"{source}: left out")
        return
    with open_file(source, follow=True) as stream:
        with addressed(store, place.named("")):
            place, there = resolve(store, place, own_name(source))
        _upload(run, store, stream, source, place, there, settings)


def upload_stream(run: Invocation, store: ObjectStore, place: Location, settings: Settings) -> None:
    """Upload standard input, block by block while it is read."""
    there = _at(store, place)
    _upload(run, store, sys.stdin.buffer, Path("-"), place, there, settings)


def upload_hashmap(run: Invocation, store: ObjectStore, source: str, place: Location, settings: Settings) -> None:
    """Make an object of the blocks that a local file (or standard input) lists."""
    if source == "-":
        text, there = sys.stdin.buffer.read(), _at(store, place)
    else:
        text = Path(source).read_bytes()
        with addressed(store, place.named("")):
            place, there = resolve(store, place, own_name(Path(source)))
    _refuse(place, there, settings)
    if settings.dry_run:
        _rehearse(run, source, place, there, None)
        return
    _tell(run, store, place, send_hashmap(store, text, place, there, settings), settings)


def _at(store: ObjectStore, place: Location) -> ObjectInfo | None:
    with addressed(store, place.named("")):
        found, there = resolve(store, place, "")
    if found != place:
        raise Conflict(f"{place} is a folder", hint="standard input has no name: say what it is to be called")
    return there


def _refuse(place: Location, there: ObjectInfo | None, settings: Settings) -> None:
    # Before anything is hashed or read.
    if there is not None and not settings.force:
        raise exists(place)


def _upload(
    run: Invocation,
    store: ObjectStore,
    stream: BinaryIO,
    source: Path,
    place: Location,
    there: ObjectInfo | None,
    settings: Settings,
) -> None:
    _refuse(place, there, settings)
    if settings.dry_run:
        size = source.stat().st_size if source != Path("-") else None
        _rehearse(run, str(source), place, there, size)
        return
    with bars(hidden=not settings.progress) as shown:
        info, _ = send(store, stream, place, there, settings, shown, connections=settings.connections)
    _tell(run, store, place, info, settings)


def _rehearse(run: Invocation, source: str, place: Location, there: ObjectInfo | None, size: int | None) -> None:
    action = "upload" if there is None else "replace"
    record = {"path": str(place), "action": action, "source": source, "bytes": size}
    show_list(run, [record], [Column("action", "action"), Column("path", "path"), Column("bytes", "size", "size")])


def _tell(run: Invocation, store: ObjectStore, place: Location, info: ObjectInfo, settings: Settings) -> None:
    if not settings.public and run.output == "table":
        return
    info = store.head(place.path(store))
    if run.output == "table":
        click.echo(info.public or "")
        return
    show(
        run,
        {
            "path": str(place),
            "name": info.name,
            "bytes": info.size,
            "hash": info.hash,
            "version": info.version,
            "public": info.public,
        },
    )
