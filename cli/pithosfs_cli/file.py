"""`pithosfs file …`: files and folders in the cloud.

Places are written as in `locations`. A folder is its name and everything below `name/`, nothing else.
"""

from __future__ import annotations

import sys
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
from pithosfs_cli.conditions import check, condition_options
from pithosfs_cli.confirm import yes_option
from pithosfs_cli.invocation import Invocation
from pithosfs_cli.listing import FOLDER_TYPE, entries_in, object_entry
from pithosfs_cli.output import Column, iso_time, show, show_list
from pithosfs_cli.selection import Selection, selection_options

if TYPE_CHECKING:
    from pithosfs.store import ObjectInfo

__all__ = ["file"]

_version_option = click.option("--object-version", metavar="ID", help="This version instead of the newest.")
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
        entries = entries_in(store, place, recursive=recursive)
    if entries is None:
        place, info = look(store, place)
        entries = [object_entry(place, info, info.name.rpartition("/")[2])]
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


@file.command("info")
@click.argument("path", shell_complete=complete_place)
@with_options(
    [
        _version_option,
        click.option("--object-versions", is_flag=True, help="List the versions that are kept."),
        click.option("--hashmap", is_flag=True, help="Show the hashes of its blocks."),
        click.option("--sharing", is_flag=True, help="Show who may read and write it, and the public link."),
        click.option("--metadata", is_flag=True, help="Show the metadata only."),
        *condition_options,
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
        *condition_options,
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
        *condition_options,
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
