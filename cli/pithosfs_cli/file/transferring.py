"""`pithosfs file upload` and `download`: between this machine and the cloud."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from pithosfs.errors import NotAllowed, NotFound, UsageError
from pithosfs_cli.addressing import (
    complete_place,
    ensure_container,
    is_default_container,
    locate,
    look,
    place_options,
)
from pithosfs_cli.command import Command, with_options
from pithosfs_cli.file.conditions import check, condition_options
from pithosfs_cli.file.exclusion import Wanted, exclusion_options
from pithosfs_cli.file.options import dry_run_option, transfer_options, version_option
from pithosfs_cli.globbing import expand, glob_option, is_pattern
from pithosfs_cli.invocation import Invocation
from pithosfs_cli.locations import Location
from pithosfs_cli.output import note

if TYPE_CHECKING:
    from pithosfs.store import ObjectInfo, ObjectStore
    from pithosfs_cli.file.downloading import Settings as DownloadSettings
    from pithosfs_cli.file.uploading import Settings as UploadSettings

__all__ = ["download", "upload"]

_MD5 = re.compile(r"[0-9a-f]{32}")


def _complete(places_first: bool) -> Any:
    """Completion of a list that begins with files here and ends with a place on the cloud, or the other way round."""

    def complete(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[Any]:
        is_first = not context.params.get("paths")
        may_be_place = places_first if is_first else incomplete.startswith(("/", "pithos:")) or places_first
        places = complete_place(context, parameter, incomplete) if may_be_place else []
        return places or [CompletionItem(incomplete, type="file")]

    return complete


# upload ---------------------------------------------------------------------------------------------------------------


@click.command("upload", cls=Command)
@click.argument(
    "paths",
    metavar="LOCAL... [PATH]",
    nargs=-1,
    required=True,
    type=click.Path(),
    shell_complete=_complete(places_first=False),
)
@with_options(
    [
        click.option("-r", "--recursive", is_flag=True, help="Upload folders with everything in them."),
        click.option("-f", "--force", is_flag=True, help="Replace files that exist; old versions stay."),
        dry_run_option,
        *exclusion_options,
        click.option("--content-type", metavar="TYPE", help="Its type (default: guessed from the name)."),
        click.option(
            "--content-encoding",
            metavar="NAME",
            help='How its content is packed, as in gzip; "guess" goes by the name. Browsers unpack it then.',
        ),
        click.option("--content-disposition", metavar="TEXT", help="What browsers are to do with it."),
        click.option("--public", is_flag=True, help="Publish it and print the link."),
        click.option(
            "--read-permission", metavar="WHO", multiple=True, help="Who may read it: a user, USER:GROUP or *."
        ),
        click.option("--write-permission", metavar="WHO", multiple=True, help="Who may write it, in the same way."),
        click.option("--unchunked", is_flag=True, help="Send it in one request, whole, and not by blocks."),
        click.option("--etag", metavar="MD5", help="The MD5 that the cloud has to confirm; implies --unchunked."),
        click.option(
            "--source-is-hashmap",
            is_flag=True,
            help="LOCAL lists the blocks of the object, as `file info --hashmap -j` does.",
        ),
        *transfer_options,
        place_options,
    ]
)
@click.pass_obj
def upload(
    run: Invocation,
    /,
    paths: tuple[str, ...],
    recursive: bool,
    force: bool,
    dry_run: bool,
    exclude: tuple[str, ...],
    include: tuple[str, ...],
    content_type: str | None,
    content_encoding: str | None,
    content_disposition: str | None,
    public: bool,
    read_permission: tuple[str, ...],
    write_permission: tuple[str, ...],
    unchunked: bool,
    etag: str | None,
    source_is_hashmap: bool,
    threads: int,
    no_progress_bar: bool,
    container: str | None,
    account: str | None,
) -> None:
    """Upload LOCAL to PATH (default: its name in the default container); - is standard input.

    Below PATH if that is a folder or ends with a slash; several files go into the folder PATH. Only blocks that the
    cloud does not have are sent, and of a folder only files that it does not have: after an interruption the same
    command goes on.
    """
    from pithosfs_cli.file.uploading import Settings

    sources, remote = (paths[:-1], paths[-1]) if len(paths) > 1 else (paths, "")
    if etag is not None and not _MD5.fullmatch(etag := etag.strip().strip('"').lower()):
        raise UsageError(f"{etag!r} is not an MD5", hint="it has 32 hexadecimal digits: md5sum FILE")
    _check_sources(sources, remote, recursive, alone=etag is not None or source_is_hashmap)
    settings = Settings(
        force=force,
        content_type=content_type,
        encoding=content_encoding,
        disposition=content_disposition,
        public=public,
        unchunked=unchunked or etag is not None,
        etag=etag,
        connections=threads,
        progress=not no_progress_bar,
        dry_run=dry_run,
        wanted=Wanted(exclude, include),
    )
    place = locate(run, remote, container=container, account=account)
    store = run.store()
    settings = settings.shared_with(store, read_permission, write_permission)
    if is_default_container(run, remote, place):
        _default_container(store, place, dry_run)
    if source_is_hashmap:
        from pithosfs_cli.file.uploading_one import upload_hashmap

        upload_hashmap(run, store, sources[0], place, settings)
    elif sources == ("-",):
        from pithosfs_cli.file.uploading_one import upload_stream

        upload_stream(run, store, place, settings)
    elif len(sources) == 1 and not Path(sources[0]).is_dir():
        from pithosfs_cli.file.uploading_one import upload_one

        upload_one(run, store, Path(sources[0]), place, settings)
    else:
        _upload_several(run, store, [Path(one) for one in sources], place, settings)


def _check_sources(sources: tuple[str, ...], remote: str, recursive: bool, *, alone: bool) -> None:
    """What can be told to be wrong before anything is asked of the cloud. Raises UsageError, OSError."""
    if len(sources) > 1 and ("-" in sources or alone):
        what = "standard input" if "-" in sources else "--etag and --source-is-hashmap"
        raise UsageError(f"{what} cannot be used with several files", hint="upload them one by one")
    for one in sources:
        if one == "-":
            if not remote or remote.endswith("/"):
                raise UsageError("standard input has no name", hint="say where it goes: pithosfs file upload - PATH")
            continue
        source = Path(one)
        if len(sources) == 1:
            source.stat()
        if source.is_dir() and alone:
            raise UsageError(f"{one} is a folder", hint="--etag and --source-is-hashmap are for one file")
        if source.is_dir() and not recursive:
            raise UsageError(f"{one} is a folder", hint="add --recursive to upload everything in it")


def _default_container(store: ObjectStore, place: Location, dry_run: bool) -> None:
    if not dry_run:
        ensure_container(store, place)
        return
    try:
        store.container(place.container, place.account)
    except NotFound:
        note(f"The container {place.container} would be made")


def _upload_several(
    run: Invocation, store: ObjectStore, sources: list[Path], place: Location, settings: UploadSettings
) -> None:
    from pithosfs_cli.file.uploading import is_folder, present
    from pithosfs_cli.file.uploading_many import Source, upload_many
    from pithosfs_cli.file.uploading_one import own_name

    if len(sources) == 1:
        # A folder becomes the place, unless that is a container or ends with a slash.
        if not place.name or place.name.endswith("/"):
            place = place.named(place.name + own_name(sources[0]))
        upload_many(run, store, [Source(sources[0], place)], place, settings)
        return
    if place.name and not place.name.endswith("/"):
        there = present(store, place)
        if (there is not None and not there.is_directory) or (there is None and not is_folder(store, place)):
            raise UsageError(
                f"{place} is not a folder, and several files cannot have one name",
                hint=f"to upload them into a new folder, write {place}/",
            )
        place = place.named(f"{place.name}/")
    targets = [Source(one, place.named(place.name + own_name(one))) for one in sources]
    names = [one.place.name for one in targets]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise UsageError(f"two of them would become {place.named(twice)}", hint="upload them one by one")
    upload_many(run, store, targets, place, settings)


# download -------------------------------------------------------------------------------------------------------------


@click.command("download", cls=Command)
@click.argument(
    "paths", metavar="PATH... [LOCAL]", nargs=-1, required=True, shell_complete=_complete(places_first=True)
)
@with_options(
    [
        click.option("-r", "--recursive", is_flag=True, help="Download folders or containers with everything in them."),
        click.option("-f", "--force", is_flag=True, help="Replace local files that exist."),
        click.option(
            "--resume", is_flag=True, help="Go on with a file that is here in part: fetch what differs in it."
        ),
        dry_run_option,
        *exclusion_options,
        click.option(
            "--range", "ranges", metavar="RANGE", help="Bytes START-END (both included), END, or -N (the last N)."
        ),
        version_option,
        *condition_options,
        glob_option,
        *transfer_options,
        place_options,
    ]
)
@click.pass_obj
def download(
    run: Invocation,
    /,
    paths: tuple[str, ...],
    recursive: bool,
    force: bool,
    resume: bool,
    dry_run: bool,
    exclude: tuple[str, ...],
    include: tuple[str, ...],
    ranges: str | None,
    object_version: str | None,
    no_glob: bool,
    threads: int,
    no_progress_bar: bool,
    container: str | None,
    account: str | None,
    **conditions: str | None,
) -> None:
    """Download PATH to LOCAL (default: its name here); - is standard output.

    Several PATHs, or a pattern like *.jpg, go into the folder LOCAL. A file appears under its name when it is complete
    and checked, not before; after an interruption the same command goes on from what has come.
    """
    from pithosfs_cli.file.downloading import Settings
    from pithosfs_cli.file.ranges import parse_ranges

    remotes, local = (paths[:-1], paths[-1]) if len(paths) > 1 else (paths, None)
    if object_version and len(remotes) > 1:
        raise UsageError("--object-version is for one file", hint="download them one by one")
    settings = Settings(
        force=force or resume,
        ranges=parse_ranges(ranges) if ranges is not None else None,
        connections=threads,
        progress=not no_progress_bar,
        dry_run=dry_run,
        wanted=Wanted(exclude, include),
        conditions=conditions,
    )
    store = run.store()
    places = [locate(run, one, container=container, account=account) for one in remotes]
    literally = no_glob or bool(object_version)
    several = len(places) > 1 or (not literally and is_pattern(places[0].name))
    found: list[tuple[Location, ObjectInfo | None]] = []
    for match in expand(store, places, literally=literally):
        if match.info is not None or match.is_folder:
            if match.is_folder and not recursive:
                note(f"{match.place}: left out, it is a folder; --recursive takes it too")
                continue
            found.append((match.place, match.info))
        else:
            found.append(_look(store, match.place, object_version))
    _fetch(run, store, found, local, settings, several=several, recursive=recursive)


def _look(store: ObjectStore, place: Location, version: str | None) -> tuple[Location, ObjectInfo | None]:
    """What is at a place: an object, or without one a folder or container. Raises NotFound."""
    from pithosfs_cli.file.uploading import is_folder

    if not place.name:
        return place, None
    try:
        return look(store, place, version)
    except (NotFound, NotAllowed):  # of others' folders only what is shared can be seen
        bare = place.named(place.name.rstrip("/"))
        if version is not None or not is_folder(store, bare):
            raise
        return bare, None


def _fetch(
    run: Invocation,
    store: ObjectStore,
    found: list[tuple[Location, ObjectInfo | None]],
    local: str | None,
    settings: DownloadSettings,
    *,
    several: bool,
    recursive: bool,
) -> None:
    from pithosfs_cli.file.downloading_many import Wish, download_many, local_name, root_for
    from pithosfs_cli.file.downloading_one import download_one, write_out

    files = [(place, info) for place, info in found if info is not None and not info.is_directory]
    folder = next((place for place, info in found if info is None or info.is_directory), None)
    if folder is not None and not recursive:
        raise UsageError(f"{folder} is a folder", hint="add --recursive to download everything in it")
    if folder is not None and local == "-":
        raise UsageError("a folder cannot go to standard output", hint="give the name of a folder here")
    if settings.ranges is not None and (folder is not None or len(files) > 1):
        raise UsageError("--range is for one file", hint="download them one by one")
    if local == "-" or (not several and folder is None):
        for place, info in files:
            check(place, info, settings.conditions)
        if local == "-":
            write_out(store, files, settings)
        else:
            download_one(run, store, *files[0], local, settings)
        return
    if several and local is not None and Path(local).exists() and not Path(local).is_dir():
        raise UsageError(f"{local} is not a folder, and several files cannot have one name", hint="name a folder")
    if several:
        root = Path(local or ".")
        wishes = [Wish(place, info, (local_name(place),)) for place, info in found]
    else:
        root = root_for(store, found[0][0], local)
        wishes = [Wish(*found[0], ())]
    download_many(run, store, wishes, root, settings)
