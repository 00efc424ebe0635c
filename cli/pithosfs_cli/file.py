"""`pithosfs file …`: files and folders in the cloud.

Places are written as in `locations`. A folder is its name and everything below `name/`, nothing else.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from pithosfs.errors import (
    Conflict,
    NotFound,
    PreconditionFailed,
    UsageError,
)
from pithosfs_cli.addressing import (
    addressed,
    complete_place,
    ensure_container,
    is_default_container,
    locate,
    look,
    place_options,
)
from pithosfs_cli.command import Group, with_options
from pithosfs_cli.confirm import yes_option
from pithosfs_cli.invocation import Invocation
from pithosfs_cli.locations import Location
from pithosfs_cli.output import Column, iso_time, show, show_list
from pithosfs_cli.selection import Selection, selection_options

if TYPE_CHECKING:
    from pithosfs.store import ObjectInfo, ObjectStore

__all__ = ["file"]

FOLDER_TYPE = "application/directory"

_version_option = click.option("--object-version", metavar="ID", help="This version instead of the newest.")
_condition_options = [
    click.option("--if-match", metavar="ETAG", help="Only if its ETag is this."),
    click.option("--if-none-match", metavar="ETAG", help="Only if its ETag is another."),
    click.option("--if-modified-since", metavar="DATE", help="Only if it has changed since then."),
    click.option("--if-unmodified-since", metavar="DATE", help="Only if it has not changed since then."),
]
_transfer_options = [
    click.option("--threads", type=click.IntRange(1, 64), default=5, metavar="N", help="Connections (default: 5)."),
    click.option("-N", "--no-progress-bar", is_flag=True, help="Show no progress bars."),
]


@click.group(cls=Group)
def file() -> None:
    """Files and folders in the cloud.

    PATH is in the default container; /CONTAINER/PATH names one; pithos://ACCOUNT/CONTAINER/PATH is somebody else's.
    """


# looking ------------------------------------------------------------------------------------------------------------


@file.command("list")
@click.argument("path", required=False, default="", shell_complete=complete_place)
@with_options(
    [
        click.option("-l", "--details", is_flag=True, help="Show types, versions and who changed it."),
        click.option("--list", "old_details", is_flag=True, hidden=True),
        click.option(
            "-r", "--recursive", is_flag=True, help="Show everything below, not only the folder's own entries."
        ),
        *selection_options,
        place_options,
    ]
)
@click.pass_obj
def list_(
    run: Invocation,
    /,
    path: str,
    details: bool = False,
    old_details: bool = False,
    recursive: bool = False,
    container: str | None = None,
    account: str | None = None,
    **selection: Any,
) -> None:
    """List a folder or a container (default: the default container)."""
    store = run.store()
    place = locate(run, path, container=container, account=account)
    chosen = Selection.of(selection)
    with addressed(store, place.named("")):
        entries = _entries(store, place, recursive)
    if entries is None:
        place, info = look(store, place)
        entries = [_object_entry(place, info, info.name.rpartition("/")[2])]
    rows = chosen.cut([one for one in entries if chosen.wants(one["name"])])
    if run.output == "table":
        rows = [{**one, "bytes": None} if one["type"] == "folder" else one for one in rows]
    columns = [Column("bytes", "SIZE", "size"), Column("modified", "CHANGED", "time"), Column("shown", "NAME")]
    if details or old_details:
        columns[2:2] = [
            Column("content_type", "TYPE"),
            Column("version", "VERSION"),
            Column("public", "PUBLIC"),
        ]
    if run.output != "table":
        rows = [{key: value for key, value in one.items() if key != "shown"} for one in rows]
    show_list(run, rows, columns, empty=f"There is nothing in {place}")


def _entries(store: ObjectStore, place: Location, recursive: bool) -> list[dict[str, Any]] | None:
    """What is in a folder or container, sorted by name; None when the place is no folder."""
    prefix = place.name if not place.name or place.name.endswith("/") else f"{place.name}/"
    listing = store.list_objects(
        place.container, prefix=prefix, delimiter=None if recursive else "/", account=place.account
    )
    assert listing is not None
    found = {info.name: _object_entry(place, info, info.name[len(prefix) :]) for info in listing.found.objects}
    for name in listing.found.folders:
        found.setdefault(name, _folder_entry(place, name, name[len(prefix) :]))
        found[name]["type"] = "folder" if found[name]["content_type"] in ("", FOLDER_TYPE) else found[name]["type"]
    # The folder's own marker when somebody has made one with a closing slash.
    found.pop(prefix, None)
    if not found and prefix:
        try:
            info = store.head(place.path(store))
        except NotFound:
            if not place.name.endswith("/"):
                raise
            return None
        return [] if info.is_directory else None
    return [found[name] for name in sorted(found)]


def _object_entry(place: Location, info: ObjectInfo, shown: str) -> dict[str, Any]:
    return {
        "name": info.name,
        "path": str(place.named(info.name)),
        "type": "folder" if info.is_directory else "file",
        "bytes": info.size,
        "content_type": info.content_type,
        "modified": iso_time(info.modified_ns),
        "hash": info.hash,
        "version": info.version,
        "uuid": info.uuid,
        "modified_by": info.modified_by,
        "public": info.public,
        "shown": f"{shown}/" if info.is_directory else shown,
    }


def _folder_entry(place: Location, name: str, shown: str) -> dict[str, Any]:
    """A folder that is only a shared prefix of names."""
    return {
        "name": name,
        "path": str(place.named(name)),
        "type": "folder",
        "bytes": None,
        "content_type": "",
        "modified": None,
        "hash": None,
        "version": None,
        "uuid": None,
        "modified_by": None,
        "public": None,
        "shown": f"{shown}/",
    }


@file.command("info")
@click.argument("path", shell_complete=complete_place)
@with_options(
    [
        _version_option,
        click.option("--object-versions", is_flag=True, help="List the versions that are kept."),
        click.option("--hashmap", is_flag=True, help="Show the hashes of its blocks."),
        click.option("--sharing", is_flag=True, help="Show who may read and write it, and the public link."),
        click.option("--metadata", is_flag=True, help="Show the metadata only."),
        *_condition_options,
        place_options,
    ]
)
@click.pass_obj
def info(
    run: Invocation,
    /,
    path: str,
    object_version: str | None,
    object_versions: bool,
    hashmap: bool,
    sharing: bool,
    metadata: bool,
    container: str | None,
    account: str | None,
    **conditions: str | None,
) -> None:
    """Show a file or folder."""
    store = run.store()
    place = locate(run, path, container=container, account=account, object_needed=True)
    if object_versions:
        with addressed(store, place):
            versions = store.versions(place.path(store))
        rows = [{"version": one.version, "modified": iso_time(one.modified_ns)} for one in versions]
        show_list(run, rows, [Column("version", "VERSION"), Column("modified", "CHANGED", "time")])
        return
    try:
        place, found = look(store, place, object_version)
    except NotFound:
        below = store.list_objects(place.container, prefix=f"{place.name.rstrip('/')}/", account=place.account, limit=1)
        if object_version or below is None or not below.found.objects:
            raise
        show(run, {"path": str(place), "name": place.name, "type": "folder"})
        return
    check(place, found, conditions)
    shared = {
        "read": list(found.sharing.read) if found.sharing else [],
        "write": list(found.sharing.write) if found.sharing else [],
    }
    if hashmap:
        with addressed(store, place):
            blocks = store.hashmap(place.path(store), found.version)
        show(
            run,
            {
                "block_size": blocks.block_size,
                "block_hash": blocks.algorithm,
                "bytes": blocks.size,
                "hashes": list(blocks.hashes),
            },
        )
    elif sharing:
        show(run, {**shared, "shared_by": found.shared_by, "public": found.public})
    elif metadata:
        show(run, dict(found.meta or {}))
    else:
        show(
            run,
            {
                "path": str(place),
                "name": found.name,
                "container": place.container,
                "account": place.account or store.account,
                "type": "folder" if found.is_directory else "file",
                "bytes": found.size,
                "content_type": found.content_type,
                "modified": iso_time(found.modified_ns),
                "modified_by": found.modified_by,
                "version": found.version,
                "hash": found.hash,
                "etag": found.etag,
                "uuid": found.uuid,
                "allowed_to": found.allowed_to,
                "sharing": shared,
                "public": found.public,
                "meta": dict(found.meta or {}),
            },
            [Column("bytes", "size", "size"), Column("modified", "changed", "time"), Column("public", "public link")],
        )


# reading and writing ------------------------------------------------------------------------------------------------


@file.command("cat")
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, shell_complete=complete_place)
@with_options(
    [
        click.option(
            "--range", "ranges", metavar="RANGE", help="Bytes START-END (both included), END, or -N (the last N)."
        ),
        click.option("--buffer-blocks", type=click.IntRange(1, 64), default=4, metavar="N", help="Blocks read ahead."),
        _version_option,
        *_condition_options,
        place_options,
    ]
)
@click.pass_obj
def cat(
    run: Invocation,
    /,
    paths: tuple[str, ...],
    ranges: str | None,
    buffer_blocks: int,
    object_version: str | None,
    container: str | None,
    account: str | None,
    **conditions: str | None,
) -> None:
    """Write files to standard output, one after the other."""
    from pithosfs.store.transfers import ObjectSource
    from pithosfs.transfer import download
    from pithosfs_cli.ranges import parse_ranges, pieces

    store = run.store()
    places = [locate(run, one, container=container, account=account, object_needed=True) for one in paths]
    wanted = parse_ranges(ranges) if ranges is not None else None
    out = sys.stdout.buffer
    for place in places:
        place, found = look(store, place, object_version)
        check(place, found, conditions)
        with addressed(store, place):
            if wanted is None:
                download(ObjectSource(store, place.path(store), found), out, connections=buffer_blocks)
            else:
                for start, end in pieces(wanted, found.size, str(place)):
                    out.write(store.read_range(place.path(store), start, end, found.version))
    out.flush()


@file.command("upload")
@click.argument("local", metavar="LOCAL", type=click.Path())
@click.argument("remote", metavar="[PATH]", required=False, shell_complete=complete_place)
@with_options(
    [
        click.option("-r", "--recursive", is_flag=True, help="Upload a folder with everything in it."),
        click.option("-f", "--force", is_flag=True, help="Replace files that exist; old versions stay."),
        click.option("--content-type", metavar="TYPE", help="Its type (default: guessed from the name)."),
        click.option("--public", is_flag=True, help="Publish it and print the link."),
        click.option(
            "--read-permission", metavar="WHO", multiple=True, help="Who may read it: a user, USER:GROUP or *."
        ),
        click.option("--write-permission", metavar="WHO", multiple=True, help="Who may write it, in the same way."),
        *_transfer_options,
        place_options,
    ]
)
@click.pass_obj
def upload(
    run: Invocation,
    local: str,
    remote: str | None,
    recursive: bool,
    force: bool,
    content_type: str | None,
    public: bool,
    read_permission: tuple[str, ...],
    write_permission: tuple[str, ...],
    threads: int,
    no_progress_bar: bool,
    container: str | None,
    account: str | None,
) -> None:
    """Upload LOCAL to PATH (default: its name in the default container); - is standard input.

    Below PATH if that is a folder or ends with a slash. Only blocks that the cloud does not have are sent.
    """
    from pathlib import Path

    from pithosfs_cli.uploading import Settings, upload_file, upload_stream, upload_tree

    source = Path(local)
    if local != "-" and source.is_dir() and not recursive:
        raise UsageError(f"{local} is a folder", hint="add --recursive to upload everything in it")
    if local != "-":
        source.stat()  # a missing file is told of before anything is asked of the cloud
    elif not remote or remote.endswith("/"):
        raise UsageError("standard input has no name", hint="say where it goes: pithosfs file upload - PATH")
    text = remote or ""
    place = locate(run, text, container=container, account=account)
    store = run.store()
    if is_default_container(run, text, place):
        ensure_container(store, place)
    settings = Settings.build(
        store,
        force=force,
        content_type=content_type,
        public=public,
        readers=read_permission,
        writers=write_permission,
        connections=threads,
        progress=not no_progress_bar,
    )
    if local == "-":
        upload_stream(store, sys.stdin.buffer, place, settings)
    elif source.is_dir():
        upload_tree(run, store, source, place, settings)
    else:
        upload_file(store, source, place, settings)


@file.command("download")
@click.argument("path", shell_complete=complete_place)
@click.argument("local", metavar="[LOCAL]", required=False, type=click.Path())
@with_options(
    [
        click.option("-r", "--recursive", is_flag=True, help="Download a folder or container with everything in it."),
        click.option("-f", "--force", is_flag=True, help="Replace local files that exist."),
        click.option(
            "--resume",
            is_flag=True,
            help="Keep what has come when it is interrupted, and go on from there the next time; replaces as well.",
        ),
        _version_option,
        *_condition_options,
        *_transfer_options,
        place_options,
    ]
)
@click.pass_obj
def download_(
    run: Invocation,
    /,
    path: str,
    local: str | None,
    recursive: bool,
    force: bool,
    resume: bool,
    object_version: str | None,
    threads: int,
    no_progress_bar: bool,
    container: str | None,
    account: str | None,
    **conditions: str | None,
) -> None:
    """Download PATH to LOCAL (default: its name here); - is standard output.

    A file appears under its name when it is complete and checked, not before.
    """
    from pithosfs_cli.downloading import Settings, download_file, download_tree

    store = run.store()
    place = locate(run, path, container=container, account=account)
    settings = Settings(force=force or resume, resume=resume, connections=threads, progress=not no_progress_bar)
    found: ObjectInfo | None = None
    if place.name:
        try:
            place, found = look(store, place, object_version)
        except NotFound:
            below = store.list_objects(
                place.container, prefix=f"{place.name.rstrip('/')}/", account=place.account, limit=1
            )
            if below is None or not below.found.objects:
                raise
    if found is not None and not found.is_directory:
        check(place, found, conditions)
        download_file(store, place, found, local, settings)
        return
    if not recursive:
        raise UsageError(f"{place} is a folder", hint="add --recursive to download everything in it")
    if local == "-":
        raise UsageError("a folder cannot go to standard output")
    download_tree(run, store, place, local, settings)


@file.command("mkdir")
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, shell_complete=complete_place)
@place_options
@click.pass_obj
def mkdir(run: Invocation, paths: tuple[str, ...], container: str | None, account: str | None) -> None:
    """Make folders."""
    store = run.store()
    made = []
    for text in paths:
        place = locate(run, text, container=container, account=account, object_needed=True)
        place = place.named(place.name.rstrip("/") or place.name)
        if is_default_container(run, text, place):
            ensure_container(store, place)
        with addressed(store, place):
            try:
                info = store.put_object(place.path(store), b"", content_type=FOLDER_TYPE, meta={}, base="")
            except PreconditionFailed as error:
                raise Conflict(f"{place} exists already", error.status, hint="choose another name") from error
        made.append({"path": str(place), "name": place.name, "version": info.version})
    if run.output != "table":
        show_list(run, made, [])


@file.command("delete")
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, shell_complete=complete_place)
@with_options(
    [
        click.option("-r", "--recursive", is_flag=True, help="Delete folders with everything in them."),
        yes_option,
        click.option("--dry-run", is_flag=True, help="Only say what would be deleted."),
        place_options,
    ]
)
@click.pass_obj
def delete(
    run: Invocation,
    paths: tuple[str, ...],
    recursive: bool,
    yes: bool,
    dry_run: bool,
    container: str | None,
    account: str | None,
) -> None:
    """Delete files and folders. Old versions of them are kept."""
    from pithosfs_cli.deleting import delete_all

    places = [locate(run, one, container=container, account=account) for one in paths]
    delete_all(run, places, recursive=recursive, yes=yes, dry_run=dry_run)


def check(place: Location, info: ObjectInfo, conditions: dict[str, str | None]) -> None:
    """Raise PreconditionFailed unless the object is as the `--if-…` options want it."""
    for text in _broken(info, conditions):
        raise PreconditionFailed(f"{place} {text}", 412)


def _broken(info: ObjectInfo, conditions: dict[str, str | None]) -> Iterator[str]:
    etags = {info.etag, info.hash, "*"}
    match = conditions.get("if_match")
    if match is not None and match.strip('"') not in etags:
        yield f"has another ETag: {info.etag}"
    none_match = conditions.get("if_none_match")
    if none_match is not None and none_match.strip('"') in etags:
        yield "has that ETag"
    seconds = info.modified_ns // 1_000_000_000
    since = conditions.get("if_modified_since")
    if since is not None and seconds <= _seconds(since):
        yield f"has not changed since {since}"
    until = conditions.get("if_unmodified_since")
    if until is not None and seconds > _seconds(until):
        yield f"has changed since {until}"


def _seconds(text: str) -> int:
    """A date in any usual form as seconds since the epoch; local time when it names no zone."""
    from dateutil import parser

    try:
        return int(parser.parse(text).timestamp())
    except (ValueError, OverflowError):
        raise UsageError(
            f"{text!r} is not a date", hint="write it as 2026-01-31, '2026-01-31 14:00:00' or 2026-01-31T14:00:00Z"
        ) from None
