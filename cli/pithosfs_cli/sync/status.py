"""`pithosfs sync status`: "am I in step?", for all folders, one, or a single path."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from pithosfs.errors import UsageError
from pithosfs_cli.command import Command
from pithosfs_cli.invocation import Invocation
from pithosfs_cli.output import note, show, show_list
from pithosfs_cli.printable import printable
from pithosfs_cli.sync import showing
from pithosfs_cli.sync.choosing import pair_or_path_argument

if TYPE_CHECKING:
    from pithosfs_daemon.states import PairStatus

__all__ = ["show_lines", "status"]

REFRESH_SECONDS = 0.5  # what one can read; the daemon answers within a millisecond
SILENCE = 10.0


@click.command("status", cls=Command)
@pair_or_path_argument
@click.option("-w", "--watch", is_flag=True, help="Go on showing it until interrupted; piped: a line for each change.")
@click.pass_obj
def status(run: Invocation, target: str | None, watch: bool) -> None:
    """Say whether everything is in step, or one synced folder (PAIR), or one PATH in one.

    \b
    IN STEP     nothing is left to do
    WORKING     what is being done, how much of it, and how long that takes
    PAUSED      until: pithosfs sync resume
    NEEDS YOU   why, and what to do
    """
    pair, path = _meant(run, target)
    if path is not None:
        if watch:
            raise UsageError("--watch is for whole folders", hint="leave it out, or name the synced folder")
        _show_path(run, path)
    elif watch:
        _watch(run, lambda: _statuses(run, pair))
    else:
        _show(run, _statuses(run, pair), details=pair is not None)


def _meant(run: Invocation, target: str | None) -> tuple[str | None, str | None]:
    """A pair's id, or a path, or neither for all."""
    if target is None:
        return None, None
    from pithosfs_daemon.registry import Registry

    expanded = os.path.expanduser(target)  # noqa: PTH111
    pair = Registry(run.directories).find(expanded)
    absolute = os.path.abspath(expanded)  # noqa: PTH100 (the last link is not to be followed)
    is_path = "/" in expanded or os.path.lexists(expanded)
    if is_path and os.path.realpath(absolute) != str(pair.folder) and not pair.id.startswith(target.lower()):
        return None, absolute
    return pair.id, None


def _statuses(run: Invocation, pair: str | None) -> list[PairStatus]:
    from pithosfs_daemon import service
    from pithosfs_daemon.states import PairStatus

    answer = service.ask(run.directories, "status", pair=pair, timeout=SILENCE)
    return [PairStatus.from_json(one) for one in answer["pairs"]]


def _show(run: Invocation, found: list[PairStatus], *, details: bool) -> None:
    if run.output != "table":
        show_list(run, [showing.record(one) for one in found], [])
        return
    if not found:
        note("No folder is synced; to begin: pithosfs sync add FOLDER /CONTAINER/PATH")
    color = None if "NO_COLOR" not in os.environ else False
    for one in found:
        for line in showing.block(one, _width(), details=details):
            click.echo(line, color=color)


def show_lines(run: Invocation) -> None:
    """One line for each synced folder, for `pithosfs status`."""
    color = None if "NO_COLOR" not in os.environ else False
    for one in _statuses(run, None):
        click.echo(showing.block(one, _width())[0], color=color)


def _width() -> int | None:
    return os.get_terminal_size().columns if sys.stdout.isatty() else None


def _show_path(run: Invocation, path: str) -> None:
    from pithosfs_daemon import service
    from pithosfs_daemon.states import PairStatus

    answer = service.ask(run.directories, "path", path=path)
    whole, found = PairStatus.from_json(answer["pair"]), answer["path"]
    situation = whole.situation
    # Nothing is carried anywhere while the pair as a whole stands still.
    if found["state"] == "WORKING" and situation.condition.value in ("PAUSED", "NEEDS YOU"):
        found = {**found, "state": situation.condition.value, "todo": situation.todo}
        found["what"] = f"{found['what']}; {situation.what}" if situation.what else found["what"]
    if run.output != "table":
        show(run, {"path": path, "folder": whole.folder, **found})
        return
    color = None if "NO_COLOR" not in os.environ else False
    click.echo(f"{printable(path)}: {click.style(found['state'], bold=True)}", color=color)
    if found["what"]:
        click.echo(f"  {printable(found['what'])}")
    if found["todo"]:
        note(f"  {found['todo']}")


# watching -----------------------------------------------------------------------------------------------------------


def _watch(run: Invocation, look: Callable[[], list[PairStatus]]) -> None:
    """Until interrupted."""
    if sys.stdout.isatty() and run.output == "table":
        _watch_on_terminal(look)
    else:
        _watch_piped(run, look)


def _watch_on_terminal(look: Callable[[], list[PairStatus]]) -> None:
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    console = Console(highlight=False, markup=False, emoji=False)

    def picture() -> Text:
        lines = [line for one in look() for line in showing.block(one, console.width)]
        return Text.from_ansi("\n".join(lines) or "No folder is synced")

    with Live(picture(), console=console, auto_refresh=False, vertical_overflow="ellipsis") as live:
        while True:
            time.sleep(REFRESH_SECONDS)  # the picture holds ages and rates: it changes without any event
            live.update(picture(), refresh=True)


def _watch_piped(run: Invocation, look: Callable[[], list[PairStatus]]) -> None:
    said: dict[str, tuple[str, str]] = {}
    while True:
        for one in look():
            # How far it is changes all the time: only what it is about counts.
            what = one.situation.what if one.situation.condition.value != "WORKING" or one.situation.retry else ""
            news = (one.situation.condition.value, what)
            if said.get(one.id) != news:
                said[one.id] = news
                _say_change(run, one)
        time.sleep(REFRESH_SECONDS)


def _say_change(run: Invocation, one: PairStatus) -> None:
    record = showing.record(one)
    if run.output != "table":
        import json

        click.echo(json.dumps(record, ensure_ascii=False))
    else:
        when = time.strftime("%Y-%m-%d %H:%M:%S")
        what = f": {one.situation.what}" if one.situation.what else ""
        click.echo(printable(f"{when} {one.folder} {one.situation.condition}{what}"))
    sys.stdout.flush()
