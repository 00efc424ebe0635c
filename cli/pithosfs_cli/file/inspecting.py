"""`pithosfs file info` and `versions`: everything about a file, and what it was before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

import click

from pithosfs.errors import NotFound
from pithosfs_cli.addressing import addressed, complete_place, locate, look, place_options
from pithosfs_cli.batch import Batch
from pithosfs_cli.command import Command, with_options
from pithosfs_cli.file.conditions import check, condition_options
from pithosfs_cli.file.options import version_option
from pithosfs_cli.globbing import Match, expand, glob_option
from pithosfs_cli.invocation import Invocation
from pithosfs_cli.layout import Column, columns_option, list_options
from pithosfs_cli.output import Record, iso_time, note, show, show_list, show_pages

if TYPE_CHECKING:
    from pithosfs.store import ObjectInfo, ObjectStore, VersionInfo
    from pithosfs_cli.locations import Location

__all__ = ["info", "versions"]

_CONNECTIONS = 8  # HEADs side by side

_INFO = [
    Column("path", "path"),
    Column("name", "name"),
    Column("container", "container"),
    Column("account", "account"),
    Column("type", "type"),
    Column("bytes", "size", "size"),
    Column("content_type", "content type"),
    Column("modified", "changed", "time"),
    Column("modified_by", "modified by"),
    Column("version", "version"),
    Column("hash", "hash"),
    Column("etag", "etag"),
    Column("uuid", "uuid"),
    Column("allowed_to", "allowed to"),
    Column("sharing", "sharing"),
    Column("shared_by", "shared by"),
    Column("public", "public link"),
    Column("content_encoding", "content encoding"),
    Column("content_disposition", "content disposition"),
    Column("manifest", "manifest"),
    Column("meta", "meta"),
]

_VERSIONS = [
    Column("version", "VERSION", width=8),
    Column("modified", "CHANGED", "time", 19),
    Column("bytes", "SIZE", "size", 9),
    Column("state", "STATE", width=7),
    Column("modified_by", "BY", width=12),
    Column("content_type", "TYPE", width=24),
    Column("hash", "HASH", width=64),
    Column("uuid", "UUID", width=36),
]


@click.command("info", cls=Command)
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, shell_complete=complete_place)
@with_options(
    [
        version_option,
        click.option("--object-versions", is_flag=True, help="List the versions that are kept, oldest first."),
        click.option("--hashmap", is_flag=True, help="Show the hashes of its blocks."),
        click.option("--sharing", is_flag=True, help="Show who may read and write it, and the public link."),
        click.option("--metadata", is_flag=True, help="Show the metadata only."),
        columns_option(
            [*_INFO, *(Column(key, key) for key in ("block_size", "block_hash", "hashes", "read", "write"))]
        ),
        *condition_options,
        glob_option,
        place_options,
    ]
)
@click.pass_obj
def info(
    run: Invocation,
    /,
    paths: tuple[str, ...],
    container: str | None,
    account: str | None,
    no_glob: bool,
    **options: Any,
) -> None:
    """Show files and folders.

    One PATH gives one thing; several, or a pattern, a list.
    """
    store = run.store()
    places = [locate(run, one, container=container, account=account, object_needed=True) for one in paths]
    matches = expand(store, places, literally=no_glob)
    first = next(matches, None)
    if len(places) == 1 and first is not None and first.place == places[0]:  # a name, even if it looks like a pattern
        found = _described(store, places[0], options)
        if isinstance(found, list):
            show_list(run, found, [Column("version", "VERSION"), Column("modified", "CHANGED", "time")])
        else:
            show(run, found, _INFO)
        return
    with Batch("shown", 1) as batch:
        found_all = chain([first] if first is not None else [], matches)
        show_pages(run, _all_described(store, found_all, options, batch), _in_a_list(options))


def _in_a_list(options: dict[str, Any]) -> list[Column]:
    """The columns of a table of several."""
    if options["sharing"]:
        return [Column("read", "READ"), Column("write", "WRITE"), Column("public", "LINK"), Column("path", "PATH")]
    if options["metadata"]:
        return [Column("meta", "METADATA"), Column("path", "PATH")]
    if options["hashmap"]:
        return [Column("bytes", "SIZE", "size"), Column("hashes", "HASHES"), Column("path", "PATH")]
    if options["object_versions"]:
        return [Column("versions", "VERSIONS"), Column("path", "PATH")]
    return [
        Column("bytes", "SIZE", "size", 9),
        Column("modified", "CHANGED", "time", 19),
        Column("version", "VERSION", width=8),
        Column("content_type", "TYPE", width=24),
        Column("path", "PATH"),
    ]


def _all_described(
    store: ObjectStore, matches: Iterable[Match], options: dict[str, Any], batch: Batch
) -> Iterator[list[Record]]:
    for match in matches:
        with batch.tolerating(str(match.place)):
            found = _described(store, match.place, options)
            record = {"versions": [one["version"] for one in found]} if isinstance(found, list) else found
            if options["metadata"]:
                record = {"meta": record}
            yield [{"path": str(match.place), **record}]


def _described(store: ObjectStore, place: Location, options: dict[str, Any]) -> Record | list[Record]:
    """What the options want to know; a list for the versions."""
    if options["object_versions"]:
        with addressed(store, place):
            found = store.versions(place.path(store))
        return [{"version": one.version, "modified": iso_time(one.modified_ns)} for one in found]
    try:
        place, info_ = look(store, place, options["object_version"])
    except NotFound:
        below = store.list_objects(place.container, prefix=f"{place.name.rstrip('/')}/", account=place.account, limit=1)
        if options["object_version"] or below is None or not below.found.objects:
            raise
        return {"path": str(place), "name": place.name, "type": "folder"}
    check(place, info_, options)
    shared = {
        "read": list(info_.sharing.read) if info_.sharing else [],
        "write": list(info_.sharing.write) if info_.sharing else [],
    }
    if options["hashmap"]:
        with addressed(store, place):
            blocks = store.hashmap(place.path(store), info_.version)
        return {
            "block_size": blocks.block_size,
            "block_hash": blocks.algorithm,
            "bytes": blocks.size,
            "hashes": list(blocks.hashes),
        }
    if options["sharing"]:
        return {**shared, "shared_by": info_.shared_by, "public": info_.public}
    if options["metadata"]:
        return dict(info_.meta or {})
    return _record(store, place, info_, shared)


def _record(store: ObjectStore, place: Location, info_: ObjectInfo, shared: dict[str, list[str]]) -> Record:
    delivery = info_.delivery
    return {
        "path": str(place),
        "name": info_.name,
        "container": place.container,
        "account": place.account or store.account,
        "type": "folder" if info_.is_directory else "file",
        "bytes": info_.size,
        "content_type": info_.content_type,
        "modified": iso_time(info_.modified_ns),
        "modified_by": info_.modified_by,
        "version": info_.version,
        "hash": info_.hash,
        "etag": info_.etag,
        "uuid": info_.uuid,
        "allowed_to": info_.allowed_to,
        "sharing": shared,
        "shared_by": info_.shared_by,
        "public": info_.public,
        "content_encoding": delivery.encoding if delivery else None,
        "content_disposition": delivery.disposition if delivery else None,
        "manifest": delivery.manifest if delivery else None,
        "meta": dict(info_.meta or {}),
    }


@click.command("versions", cls=Command)
@click.argument("path", shell_complete=complete_place)
@with_options(
    [
        click.option("-n", "--number", type=click.IntRange(1), metavar="N", help="Show the newest N."),
        *list_options(_VERSIONS),
        place_options,
    ]
)
@click.pass_obj
def versions(run: Invocation, path: str, number: int | None, container: str | None, account: str | None) -> None:
    """List the versions of a file, newest first, also of one that has been deleted.

    STATE: "current"; "old"; "deleted" when the file was deleted after that version. An old version is read with
    `file cat PATH --object-version ID`, and becomes the current one with `file restore PATH --version ID`.
    """
    store = run.store()
    place = locate(run, path, container=container, account=account, object_needed=True)
    with addressed(store, place):
        kept = store.versions(place.path(store))
        try:
            current: str | None = store.head(place.path(store)).version
        except NotFound:
            current = None
    kept = kept[::-1]
    infos = _heads(store, place, kept[:number])
    rows = _history(kept[:number], infos, current)
    if run.output == "table":
        names = store.user_names(sorted({str(one["modified_by"]) for one in rows if one["modified_by"]}))
        for one in rows:
            one["_modified_by"] = names.get(one["modified_by"], one["modified_by"])
        if current is None and rows:
            note(f"{place} is deleted; the last version comes back with: pithosfs file restore")
    show_list(run, rows, _VERSIONS[:5], empty=f"No version of {place} is kept")


def _heads(store: ObjectStore, place: Location, wanted: Sequence[VersionInfo]) -> list[ObjectInfo | None]:
    """What each version was, asked for side by side; None for one that has been destroyed meanwhile."""
    from concurrent.futures import ThreadPoolExecutor

    def head(version: VersionInfo) -> ObjectInfo | None:
        try:
            return store.head(place.path(store), version.version)
        except NotFound:
            return None

    with addressed(store, place), ThreadPoolExecutor(_CONNECTIONS, thread_name_prefix="version") as pool:
        return list(pool.map(head, wanted))


def _history(
    kept: Sequence[VersionInfo], infos: Sequence[ObjectInfo | None], current: str | None
) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    later: str | None = None  # the identity of the version that came after
    for index, (version, info_) in enumerate(zip(kept, infos, strict=True)):
        uuid = info_.uuid if info_ else None
        # A file that is made again under a name is another one: it has an identity of its own (section 11).
        gone = (index == 0 and current is None) or (later is not None and uuid is not None and uuid != later)
        rows.append(
            {
                "version": version.version,
                "modified": iso_time(version.modified_ns),
                "bytes": info_.size if info_ else None,
                "state": "current" if version.version == current else "deleted" if gone else "old",
                "modified_by": info_.modified_by if info_ else None,
                "content_type": info_.content_type if info_ else None,
                "hash": info_.hash if info_ else None,
                "uuid": uuid,
            }
        )
        later = uuid or later
    return rows
