"""`pithosfs sync add`, `list`, `set` and `remove`: which folders are synced, and how."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pithosfs.errors import UsageError
from pithosfs_cli.addressing import complete_place, locate
from pithosfs_cli.command import Command, with_options
from pithosfs_cli.confirm import ask, yes_option
from pithosfs_cli.invocation import Invocation
from pithosfs_cli.layout import Column, list_options
from pithosfs_cli.output import note, show, show_list
from pithosfs_cli.sync.choosing import chosen, home_relative, pair_argument
from pithosfs_cli.sync.options import changes, pair_options

if TYPE_CHECKING:
    from pithosfs_daemon.values import Pair

__all__ = ["add", "list_", "remove", "set_"]

_COLUMNS = [
    Column("id", "ID"),
    Column("folder", "FOLDER"),
    Column("direction", "WAY"),
    Column("cloud", "CLOUD"),
    Column("remote", "REMOTE"),
    Column("interval", "EVERY"),
    Column("excludes", "EXCLUDES"),
    Column("symlinks", "LINKS"),
    Column("upload_limit", "UP LIMIT", "size"),
    Column("download_limit", "DOWN LIMIT", "size"),
    Column("max_delete", "MAX DELETE"),
    Column("paused", "PAUSED"),
]
_USUAL = ("id", "folder", "direction", "cloud", "remote", "paused")


@click.command("add", cls=Command)
@click.argument("local", metavar="LOCAL", type=click.Path())
@click.argument("remote", metavar="REMOTE", shell_complete=complete_place)
@with_options(
    [
        *pair_options(),
        click.option("--no-create", is_flag=True, help="Fail when the container is not there, instead of making it."),
        click.option("--no-start", is_flag=True, help="Do not start the daemon."),
    ]
)
@click.pass_obj
def add(run: Invocation, /, local: str, remote: str, no_create: bool, no_start: bool, **given: Any) -> None:
    """Keep the folder LOCAL in step with REMOTE, a container or a place in one.

    What is on one side only comes to the other. Of files that differ both contents are kept: theirs under the name,
    yours beside it. Nothing is deleted by this.
    """
    from pithosfs_daemon import service
    from pithosfs_daemon.pairing import add_pair

    if run.overrides or run.ignore_ssl or run.ca_certs:
        raise UsageError(
            "the daemon goes by the settings file, not by options of this command",
            hint="put it there: pithosfs config set cloud.NAME.KEY VALUE",
        )
    wish = _wish(run, remote, given)
    added = add_pair(wish, local, run.directories, run.store(), create_container=not no_create)
    pair = added.pair
    if added.made_folder:
        note(f"Made the folder {pair.folder}")
    if added.made_container:
        note(f"Made the container {pair.container}")
    if no_start:
        _tell_daemon(run)
    else:
        record, is_new = service.start(run.directories, debug=run.debug)
        if not is_new:
            _tell_daemon(run)
        elif run.output == "table":
            note(f"Started the sync daemon (process {record.pid})")
    if run.output != "table":
        show(run, _record(pair))
        return
    click.echo(f"{pair.folder} is kept in step with {pair.remote} now, as {pair.id}")
    note("To begin: pithosfs sync start" if no_start else f"How it gets on: pithosfs sync status {pair.id}")


def _tell_daemon(run: Invocation) -> None:
    """A daemon that runs goes by what is on disk now."""
    from pithosfs_daemon import service

    if service.find(run.directories) is not None:
        service.ask(run.directories, "fit")


def _wish(run: Invocation, remote: str, given: dict[str, Any]) -> Pair:
    from pithosfs.config import ENVIRONMENT_CLOUD
    from pithosfs_daemon.clouds import CONFIG_OPTION
    from pithosfs_daemon.pairfile import check
    from pithosfs_daemon.values import Pair

    cloud = run.cloud()
    if cloud.name == ENVIRONMENT_CLOUD:
        raise UsageError(
            "a synced folder needs a cloud of the settings, not of the environment",
            hint="pithosfs config set cloud.NAME.url URL, then cloud.NAME.token; and unset PITHOSFS_URL",
        )
    if remote.startswith("pithos://"):
        raise UsageError(
            "only your own containers can be synced", hint="what others share can be mounted: pithosfs mount DIR"
        )
    place = locate(run, remote)
    # A daemon that systemd starts knows nothing of this command's environment.
    config = run.config_file or os.environ.get("PITHOSFS_CONFIG")
    options = {CONFIG_OPTION: str(Path(config).absolute())} if config else {}
    wish = Pair("", Path("/"), cloud.name, "", place.container, place.name.removesuffix("/"), options=options)
    return check(replace(wish, **changes(given)))


@click.command("list", cls=Command)
@with_options(list_options(_COLUMNS))
@click.pass_obj
def list_(run: Invocation) -> None:
    """List the synced folders and their options. How they are: pithosfs sync status."""
    from pithosfs_daemon.registry import Registry

    pairs, broken = Registry(run.directories).read()
    columns = [one for one in _COLUMNS if one.key in _USUAL]
    empty = "" if broken else "No folder is synced; to begin: pithosfs sync add FOLDER /CONTAINER/PATH"
    show_list(run, [{**_record(one), **_shown(one)} for one in pairs], columns, empty=empty)
    for trouble in broken.values():
        note(f"{trouble.message}; {trouble.hint}")


@click.command("set", cls=Command)
@pair_argument(required=True)
@with_options(
    [
        *pair_options(),
        click.option("--no-excludes", is_flag=True, help="Exclude nothing any more."),
        click.option("--folder", metavar="NEW", type=click.Path(), help="The folder was moved: this is where it is."),
    ]
)
@click.pass_obj
def set_(run: Invocation, /, pair: str, no_excludes: bool, folder: str | None, **given: Any) -> None:
    """Change the options of the synced folder PAIR; those that are not given stay.

    --exclude replaces all patterns that were given before.
    """
    from pithosfs_daemon.pairing import move_pair
    from pithosfs_daemon.registry import Registry

    found = chosen(run, pair)
    wanted = changes(given)
    if no_excludes:
        if "excludes" in wanted:
            raise UsageError("--exclude and --no-excludes exclude each other")
        wanted["excludes"] = ()
    if folder is not None:
        wanted["folder"] = move_pair(found, folder, run.directories)
    if not wanted:
        raise UsageError("there is nothing to set", hint="see: pithosfs sync set --help")
    changed = Registry(run.directories).update(found.id, lambda old: replace(old, **wanted))
    _tell_daemon(run)
    if run.output == "table":
        click.echo(f"{changed.folder} goes by that now" if changed != found else f"{changed.folder} did so already")
    else:
        show(run, _record(changed))


@click.command("remove", cls=Command)
@pair_argument(required=True)
@with_options(
    [
        click.option(
            "--keep-trash/--empty-trash",
            "keep_trash",
            default=None,
            help="What becomes of the files in its trash (default: ask; without a terminal they stay).",
        ),
        yes_option,
    ]
)
@click.pass_obj
def remove(run: Invocation, pair: str, keep_trash: bool | None, yes: bool) -> None:
    """End the syncing of the folder PAIR. Both sides keep their files."""
    from pithosfs_daemon.pairing import end_pair, trash_size
    from pithosfs_daemon.registry import Registry

    found = chosen(run, pair)
    ask(f"Keep {found.folder} in step with {found.remote} no more (both sides keep their files)?", yes=yes)
    files, size = trash_size(found)
    if files and keep_trash is None:
        keep_trash = yes or not sys.stdin.isatty() or not _drop_trash(files, size)
    drop = keep_trash is False
    unmarked = end_pair(found, Registry(run.directories), lambda: _tell_daemon(run), drop_trash=drop)
    if run.output != "table":
        show(run, {**_record(found), "unmarked": unmarked, "trash_files": 0 if drop else files})
        return
    click.echo(f"{found.folder} is not synced any more; its files stay, and so do those in {found.remote}")
    if files and not drop:
        note(f"{_files(files)} of its trash stay in {found.folder}/.pithosfs/trash")
    if not unmarked:
        note(f"{found.folder} is not there; should it come back, remove its .pithosfs before you sync it again")


def _drop_trash(files: int, size: int) -> bool:
    from pithosfs.config import format_size

    question = f"Delete the {_files(files)} ({format_size(size)}) in its trash for good?"
    return click.confirm(question, default=False, err=True)


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count} files"


def _record(pair: Pair) -> dict[str, Any]:
    return {
        "id": pair.id,
        "folder": str(pair.folder),
        "cloud": pair.cloud,
        "remote": pair.remote,
        "direction": pair.direction.value,
        "interval": pair.interval,
        "excludes": list(pair.excludes),
        "symlinks": pair.symlinks,
        "upload_limit": pair.upload_limit,
        "download_limit": pair.download_limit,
        "max_delete": pair.max_delete,
        "paused": pair.paused,
    }


def _shown(pair: Pair) -> dict[str, Any]:
    """What tables show instead."""
    return {
        "_folder": home_relative(str(pair.folder)),
        "_interval": f"{pair.interval:g} s",
        "_max_delete": f"{pair.max_delete * 100:g}%",
    }
