"""`pithosfs file upload`, `download` and `mkdir`: between this machine and the cloud."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from pithosfs.errors import Conflict, NotFound, PreconditionFailed, UsageError
from pithosfs_cli.addressing import (
    addressed,
    complete_place,
    ensure_container,
    is_default_container,
    locate,
    look,
    place_options,
)
from pithosfs_cli.command import Command, with_options
from pithosfs_cli.file.conditions import check, condition_options
from pithosfs_cli.file.listing import FOLDER_TYPE
from pithosfs_cli.file.options import transfer_options, version_option
from pithosfs_cli.invocation import Invocation
from pithosfs_cli.output import show_list

if TYPE_CHECKING:
    from pithosfs.store import ObjectInfo

__all__ = ["download", "mkdir", "upload"]


@click.command("upload", cls=Command)
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
        *transfer_options,
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

    from pithosfs_cli.file.uploading import Settings, upload_file, upload_stream, upload_tree

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


@click.command("download", cls=Command)
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
        version_option,
        *condition_options,
        *transfer_options,
        place_options,
    ]
)
@click.pass_obj
def download(
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
    from pithosfs_cli.file.downloading import Settings, download_file, download_tree

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


@click.command("mkdir", cls=Command)
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
