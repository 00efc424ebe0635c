"""`pithosfs sync start`, `stop`, `pause`, `resume` and `now`: the daemon, and what it is to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from pithosfs_cli.command import Command
from pithosfs_cli.errors import Failure
from pithosfs_cli.invocation import Invocation
from pithosfs_cli.output import iso_time, note, show, show_list
from pithosfs_cli.progress import waiting
from pithosfs_cli.sync.choosing import chosen_id, pair_argument
from pithosfs_cli.sync.options import PERCENT

if TYPE_CHECKING:
    from pithosfs_daemon.claim import Record
    from pithosfs_daemon.states import PairStatus

__all__ = ["now", "pause", "resume", "start", "stop"]


@click.command("start", cls=Command)
@click.pass_obj
def start(run: Invocation) -> None:
    """Start the daemon in the background, unless it runs. With --debug its log has everything.

    With systemd, a user unit does that at every login: see packaging/pithosd.service.
    """
    from pithosfs_daemon import service

    record, is_new = service.start(run.directories, debug=run.debug)
    if run.debug and not is_new:
        service.ask(run.directories, "log_level", level="debug")
    if run.output != "table":
        show(run, _daemon(record))
        return
    click.echo(f"The sync daemon {'runs now' if is_new else 'runs already'} (process {record.pid})")
    if not service.ask(run.directories, "status")["pairs"]:
        note("No folder is synced yet; to begin: pithosfs sync add FOLDER /CONTAINER/PATH")


@click.command("stop", cls=Command)
@click.pass_obj
def stop(run: Invocation) -> None:
    """End the daemon. What is under way gets a few seconds; the next start goes on with the rest."""
    from pithosfs_daemon import service

    with waiting("ending"):
        ran = service.stop(run.directories)
    if run.output == "table":
        click.echo("The sync daemon has stopped" if ran else "The sync daemon does not run")
    else:
        show(run, {"running": False, "was_running": ran})


@click.command("pause", cls=Command)
@pair_argument()
@click.pass_obj
def pause(run: Invocation, pair: str | None) -> None:
    """Leave the synced folder PAIR, or all of them, alone until `sync resume`; also over restarts."""
    _pause(run, pair, "pause", "Paused")


@click.command("resume", cls=Command)
@pair_argument()
@click.pass_obj
def resume(run: Invocation, pair: str | None) -> None:
    """Go on with the paused folder PAIR, or all of them."""
    _pause(run, pair, "resume", "Going on with")


def _pause(run: Invocation, pair: str | None, request: str, said: str) -> None:
    from pithosfs_daemon import service
    from pithosfs_daemon.registry import Registry

    id = chosen_id(run, pair)
    changed = service.ask(run.directories, request, pair=id)["pairs"]
    folders = {one.id: str(one.folder) for one in Registry(run.directories).pairs()}
    if run.output != "table":
        rows = [{"id": one, "folder": folders[one], "paused": request == "pause"} for one in changed]
        show_list(run, rows, [])
        return
    for one in changed:
        click.echo(f"{said} {folders[one]}")
    if not changed:
        note("Nothing to pause" if request == "pause" else "Nothing is paused")
    elif request == "resume" and service.find(run.directories) is None:
        note("The sync daemon does not run; to start it: pithosfs sync start")


@click.command("now", cls=Command)
@pair_argument()
@click.option(
    "--max-delete", type=PERCENT, metavar="N%", help="Let so large a part of the files vanish, this time (100%: all)."
)
@click.pass_obj
def now(run: Invocation, pair: str | None, max_delete: float | None) -> None:
    """Look at both sides of the synced folder PAIR, or of all, and carry over what differs; also while paused.

    The daemon does it when it runs, else this command. It ends with 0 when both sides are in step, and tells what is
    not.
    """
    from pithosfs.control import unpack_error
    from pithosfs_daemon import service
    from pithosfs_daemon.states import PairStatus

    with waiting("bringing in step") as tell:
        answer = service.ask(
            run.directories,
            "now",
            pair=chosen_id(run, pair),
            max_delete=max_delete,
            progress=lambda state: tell(_summary(state)),
        )
    done = [(PairStatus.from_json(one["status"]), one["in_step"], one["error"]) for one in answer["pairs"]]
    if run.output == "table":
        for status, in_step, _ in done:
            click.echo(f"{status.folder}: {_result(status, in_step)}")
            _remarks(status, in_step)
        if not done:
            note("No folder is synced; to begin: pithosfs sync add FOLDER /CONTAINER/PATH")
    else:
        from pithosfs_cli.sync.showing import record

        show_list(run, [{**record(status), "in_step": in_step} for status, in_step, _ in done], [])
    failed = [(status, error) for status, in_step, error in done if not in_step]
    if failed:
        status, packed = failed[0]
        code = unpack_error(packed).exit_code if packed is not None else 1
        count = f"{len(failed)} of {len(done)} folders are" if len(done) > 1 else f"{status.folder} is"
        raise Failure(f"{count} not in step: {status.situation.what}", code, hint=status.situation.todo)


def _result(status: PairStatus, in_step: bool) -> str:
    from pithosfs.config import format_size

    if not in_step:
        return f"not in step: {status.situation.what}"
    if status.files is None or status.bytes is None:
        return "in step"
    return f"in step: {status.files} file{'' if status.files == 1 else 's'}, {format_size(status.bytes)}"


def _remarks(status: PairStatus, in_step: bool) -> None:
    if in_step and status.trouble_count:
        note(f"{_are(status.trouble_count, 'name')} left alone; see: pithosfs sync status {status.id}")
    if status.conflicts:
        note(f"{_are(status.conflicts, 'conflict')} to be resolved; see: pithosfs sync conflicts {status.id}")


def _are(count: int, what: str) -> str:
    return f"1 {what} is" if count == 1 else f"{count} {what}s are"


def _summary(state: Mapping[str, Any]) -> str:
    status = state.get("status")
    return str(status["situation"]["what"]) if status else ""


def _daemon(record: Record) -> dict[str, Any]:
    return {**asdict(record), "started": iso_time(record.started * 1e9)}
