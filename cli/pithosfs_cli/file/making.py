"""`pithosfs file create` and `mkdir`: objects and folders with nothing in them yet."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from pithosfs.errors import Conflict, PreconditionFailed
from pithosfs_cli.addressing import (
    addressed,
    complete_place,
    ensure_container,
    is_default_container,
    locate,
    place_options,
)
from pithosfs_cli.command import Command, with_options
from pithosfs_cli.file.listing import FOLDER_TYPE
from pithosfs_cli.invocation import Invocation
from pithosfs_cli.output import show_list

if TYPE_CHECKING:
    from pithosfs.store import ObjectInfo, ObjectStore
    from pithosfs_cli.locations import Location

__all__ = ["create", "mkdir"]


@click.command("create", cls=Command)
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, shell_complete=complete_place)
@with_options(
    [
        click.option(
            "--content-type",
            metavar="TYPE",
            default="application/octet-stream",
            show_default=True,
            help="What is to come into it.",
        ),
        click.option("-f", "--force", is_flag=True, help="Empty a file that exists; its old versions stay."),
        place_options,
    ]
)
@click.pass_obj
def create(
    run: Invocation, paths: tuple[str, ...], content_type: str, force: bool, container: str | None, account: str | None
) -> None:
    """Make files without content."""
    store = run.store()
    made = []
    for place in _places(run, store, paths, container, account):
        with addressed(store, place):
            info = _create(store, place, content_type, force)
        made.append({"path": str(place), "name": place.name, "version": info.version})
    if run.output != "table":
        show_list(run, made, [])


def _create(store: ObjectStore, place: Location, content_type: str, force: bool) -> ObjectInfo:
    from pithosfs_cli.file.uploading import exists, present

    there = present(store, place) if force else None
    if there is not None and there.is_directory:
        raise Conflict(f"{place} is a folder", hint="choose another name")
    try:
        return store.put_object(
            place.path(store),
            b"",
            content_type=content_type,
            meta=(there.meta if there is not None else None) or {},
            base=None if force else "",
        )
    except PreconditionFailed as error:
        raise exists(place) from error


@click.command("mkdir", cls=Command)
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, shell_complete=complete_place)
@with_options(
    [
        click.option(
            "-p", "--parents", is_flag=True, help="Make the folders above it too; one that exists is no error."
        ),
        place_options,
    ]
)
@click.pass_obj
def mkdir(run: Invocation, paths: tuple[str, ...], parents: bool, container: str | None, account: str | None) -> None:
    """Make folders."""
    store = run.store()
    made = []
    for place in _places(run, store, paths, container, account):
        place = place.named(place.name.rstrip("/") or place.name)
        for one in _above(place) if parents else ():
            with addressed(store, one):
                _make(store, one, tolerant=True)
        with addressed(store, place):
            info = _make(store, place, tolerant=parents)
        if info is not None:
            made.append({"path": str(place), "name": place.name, "version": info.version})
    if run.output != "table":
        show_list(run, made, [])


def _above(place: Location) -> Iterator[Location]:
    """The folders that a name is in, the outermost first."""
    end = place.name.find("/", 1)
    while end > 0:
        if not place.name[:end].endswith("/"):
            yield place.named(place.name[:end])
        end = place.name.find("/", end + 1)


def _make(store: ObjectStore, place: Location, *, tolerant: bool) -> ObjectInfo | None:
    try:
        return store.put_object(place.path(store), b"", content_type=FOLDER_TYPE, meta={}, base="")
    except PreconditionFailed as error:
        if tolerant and store.head(place.path(store)).is_directory:
            return None
        raise Conflict(f"{place} exists already", error.status, hint="choose another name") from error


def _places(
    run: Invocation, store: ObjectStore, paths: tuple[str, ...], container: str | None, account: str | None
) -> Iterator[Location]:
    """Where things are to be made, the default container made first if need be."""
    for text in paths:
        place = locate(run, text, container=container, account=account, object_needed=True)
        if is_default_container(run, text, place):
            ensure_container(store, place)
        yield place
