"""`pithosfs file list`, `info` and `cat`: what is in the cloud. Nothing here changes anything."""

from __future__ import annotations

import sys
from typing import Any

import click

from pithosfs.errors import NotFound
from pithosfs_cli.addressing import addressed, complete_place, locate, look, place_options
from pithosfs_cli.command import Command, with_options
from pithosfs_cli.file.conditions import check, condition_options
from pithosfs_cli.file.listing import entries_in, object_entry
from pithosfs_cli.file.options import version_option
from pithosfs_cli.file.selection import Selection, selection_options
from pithosfs_cli.invocation import Invocation
from pithosfs_cli.output import Column, iso_time, show, show_list

__all__ = ["cat", "info", "list_"]


@click.command("list", cls=Command)
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


@click.command("info", cls=Command)
@click.argument("path", shell_complete=complete_place)
@with_options(
    [
        version_option,
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


@click.command("cat", cls=Command)
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, shell_complete=complete_place)
@with_options(
    [
        click.option(
            "--range", "ranges", metavar="RANGE", help="Bytes START-END (both included), END, or -N (the last N)."
        ),
        click.option("--buffer-blocks", type=click.IntRange(1, 64), default=4, metavar="N", help="Blocks read ahead."),
        version_option,
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
    from pithosfs_cli.file.ranges import parse_ranges, pieces

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
