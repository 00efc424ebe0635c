"""`pithosfs mount`, `umount`, `flush` and `status`: the cloud as a folder."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from pithosfs_cli.command import Command, with_options
from pithosfs_cli.errors import Failure
from pithosfs_cli.invocation import Invocation
from pithosfs_cli.output import Column, iso_time, note, show, show_list
from pithosfs_cli.progress import waiting

if TYPE_CHECKING:
    from pithosfs.mount.service import MountStatus, Unsent

__all__ = ["flush", "mount", "status", "umount"]

DEFAULT_TIMEOUT = 5.0  # seconds; that of MountOptions, which a test compares


def _octal(context: click.Context, parameter: click.Parameter, value: str | None) -> int | None:
    if value is None:
        return None
    try:
        return int(value, 8)
    except ValueError:
        raise click.BadParameter(f"{value!r} is not an octal number such as 022", context, parameter) from None


def _complete_containers(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[Any]:
    from pithosfs_cli.completion import container_names

    return container_names(context, incomplete)


@click.command("mount", cls=Command)
@click.argument("directory", metavar="DIR", type=click.Path())
@with_options(
    [
        click.option(
            "--container",
            metavar="C",
            help="Show this container as the folder, instead of all.",
            shell_complete=_complete_containers,
        ),
        click.option("--read-only", is_flag=True, help="Allow no changes."),
        click.option("--foreground", is_flag=True, help="Stay in the foreground until unmounted or interrupted."),
        click.option("--allow-other", is_flag=True, help="Let other users of this machine in."),
        click.option("--cache-size", metavar="S", help="How large the block cache may grow, as in 10GiB."),
        click.option("--cache-dir", metavar="D", type=click.Path(), help="Where the block cache is."),
        click.option(
            "--attr-timeout",
            metavar="S",
            type=click.FloatRange(0, 86400),
            default=DEFAULT_TIMEOUT,
            help=f"Within how many seconds changes made elsewhere show (default: {DEFAULT_TIMEOUT:g}).",
        ),
        click.option(
            "--fsync",
            type=click.Choice(["local", "remote"]),
            default="local",
            help="What fsync waits for: the journal on this disk, or the cloud (default: local).",
        ),
        click.option("--uid", type=click.IntRange(0), metavar="N", help="Owner of what has none of its own."),
        click.option("--gid", type=click.IntRange(0), metavar="N", help="Group of what has none of its own."),
        click.option(
            "--umask", metavar="OCTAL", callback=_octal, help="Taken from the mode of what has none of its own."
        ),
        click.option("--show-special", is_flag=True, help="List .shared and .versions at the top."),
    ]
)
@click.pass_obj
def mount(
    run: Invocation,
    directory: str,
    container: str | None,
    read_only: bool,
    foreground: bool,
    allow_other: bool,
    cache_size: str | None,
    cache_dir: str | None,
    attr_timeout: float,
    fsync: str,
    uid: int | None,
    gid: int | None,
    umask: int | None,
    show_special: bool,
) -> int:
    """Show a cloud as the folder DIR, until `pithosfs umount DIR`.

    Containers are the folders at the top. Writes are kept safe on this disk first and sent in the background.
    """
    from pithosfs.config import parse_size
    from pithosfs.mount.options import MountOptions

    given: dict[str, Any] = {"uid": uid, "gid": gid, "umask": umask}
    options = MountOptions(
        mount_point=os.path.abspath(directory),  # noqa: PTH100 (a dead mount cannot be resolved)
        container=container,
        read_only=read_only,
        attr_timeout=attr_timeout,
        fsync="remote" if fsync == "remote" else "local",
        show_special=show_special,
        cache_size=None if cache_size is None else parse_size(cache_size),
        cache_dir=None if cache_dir is None else os.path.abspath(cache_dir),  # noqa: PTH100
        allow_other=allow_other,
        debug=run.debug,
        **{key: value for key, value in given.items() if value is not None},
    )
    cloud = run.cloud()
    from pithosfs.mount import service

    if foreground:
        import logging

        logging.getLogger("pithosfs").setLevel(logging.DEBUG if run.debug else logging.INFO)
        return service.run_mount(options, cloud, run.directories)
    started = service.start_background(options, cloud, run.directories)
    if run.output == "table":
        click.echo(f"The cloud {cloud.name} is mounted on {started.mount_point}")
    else:
        show(run, _record(started))
    return 0


@click.command("umount", cls=Command)
@click.argument("directory", metavar="DIR", type=click.Path())
@with_options(
    [
        click.option(
            "--timeout", type=click.FloatRange(0), metavar="S", help="Send for at most so many seconds first."
        ),
        click.option("--force", is_flag=True, help="Unmount even while programs use it."),
    ]
)
@click.pass_obj
def umount(run: Invocation, directory: str, timeout: float | None, force: bool) -> None:
    """Send what is left and take the mount on DIR away.

    What could not be sent is told; it stays in the journal, and the next mount goes on with it.
    """
    from pithosfs.mount import service

    with waiting("sending what is left") as tell:
        unsent = service.unmount(
            directory, run.directories, timeout=timeout, progress=lambda state: tell(_summary(state)), force=force
        )
    _told(run, unsent, "it is kept in the journal and sent by the next mount")
    if run.output == "table" and not unsent:
        click.echo(f"{directory} is unmounted; everything is on the cloud")


@click.command("flush", cls=Command)
@click.argument("path", metavar="PATH", type=click.Path())
@click.option("--timeout", type=click.FloatRange(0), metavar="S", help="Wait for at most so many seconds.")
@click.pass_obj
def flush(run: Invocation, path: str, timeout: float | None) -> None:
    """Wait until everything at and below PATH in a mount is on the cloud, or tell what is not and why."""
    from pithosfs.mount import service

    with waiting("sending") as tell:
        unsent = service.flush(path, run.directories, timeout=timeout, progress=lambda state: tell(_summary(state)))
    _told(run, unsent, "it is kept in the journal; see: pithosfs status")
    if run.output == "table" and not unsent:
        click.echo(f"Everything in {path} is on the cloud")


@click.command("status", cls=Command)
@click.pass_obj
def status(run: Invocation) -> None:
    """Show the mounts and what they still have to send, and how the synced folders are.

    As a table only; programs ask: pithosfs sync status --output json
    """
    from pithosfs.mount import service

    found = [_record(one) for one in service.mounts(run.directories)]
    columns = [
        Column("mount_point", "FOLDER"),
        Column("cloud", "CLOUD"),
        Column("state", "STATE"),
        Column("pending_files", "TO SEND", "count"),
        Column("pending_bytes", "SIZE", "size"),
    ]
    show_list(run, found, columns, empty="Nothing is mounted; to mount: pithosfs mount DIR")
    if run.output != "table":
        return
    for one in found:
        for problem in one["problems"]:
            note(f"{one['mount_point']}: {problem['path']} is not sent: {problem['error']}")
        for conflict in one["conflicts"]:
            note(f"{one['mount_point']}: {conflict['path']} was changed elsewhere too; yours is {conflict['copy']}")
        if one["state"] == "killed":
            note(f"{one['mount_point']}: its process has ended; to go on: pithosfs mount {one['mount_point']}")
    if any((run.directories.state / "sync").glob("*/pair.json")):
        from pithosfs_cli.sync.status import show_lines

        show_lines(run)


def _told(run: Invocation, unsent: Sequence[Unsent], hint: str) -> None:
    """Tell what is not on the cloud. Raises Failure when there is anything."""
    if run.output != "table":
        show_list(run, [{"path": one.path, "error": one.error} for one in unsent], [])
    else:
        for one in unsent:
            note(f"{one.path}: {one.error}")
    if unsent:
        raise Failure(f"{len(unsent)} changes are not on the cloud", 1, hint=hint)
    sys.stdout.flush()


def _record(one: MountStatus) -> dict[str, Any]:
    state: Mapping[str, Any] = one.state
    uploading = [{"path": f"/{path}", "done": done, "bytes": size} for path, done, size in state.get("uploading") or ()]
    problems = [{"path": f"/{path}", "error": error} for path, error in state.get("failed") or ()]
    conflicts = [{"path": f"/{path}", "copy": f"/{copy}"} for path, copy in state.get("conflicts") or ()]
    shown = "running"
    if not one.alive:
        shown = "killed"
    elif not state:
        shown = "no answer"
    elif problems:
        shown = "problems"
    elif state.get("pending_files"):
        shown = "sending"
    return {
        "mount_point": one.mount_point,
        "cloud": one.cloud,
        "container": one.container,
        "state": shown,
        "pending_files": state.get("pending_files"),
        "pending_bytes": state.get("pending_bytes"),
        "uploading": uploading,
        "problems": problems,
        "conflicts": conflicts,
        "requests": state.get("requests"),
        "bytes_sent": state.get("bytes_sent"),
        "bytes_received": state.get("bytes_received"),
        "pid": one.pid,
        "binding": one.binding,
        "started": iso_time(int(one.started * 1e9)),
        "log": one.log,
    }


def _summary(state: Mapping[str, Any]) -> str:
    from pithosfs.config import format_size

    files, size = state.get("pending_files"), state.get("pending_bytes")
    if files is None:
        return ""
    return f"{files} files" + (f", {format_size(size)}" if isinstance(size, int) else "")
