"""Waiting until something in the cloud is as it should be: the options, the display, the end of patience."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click

from pithosfs.errors import NotFound, ServerFailed, TimedOut
from pithosfs_cli.command import option
from pithosfs_cli.output import note

if TYPE_CHECKING:
    from pithosfs_cli.invocation import Invocation
    from pithosfs_cli.kinds import Kind, Thing

__all__ = ["Goal", "Patience", "bar_option", "timeout_option", "wait_for", "wait_options"]

DEFAULT_TIMEOUT = 300.0  # seconds: a real server takes minutes to be built
_FIRST_DELAY = 0.2  # seconds before the cloud is asked a second time; then less and less often


def timeout_option(default: float) -> Callable[[Any], Any]:
    """`--timeout`, for commands that wait in any case."""
    return click.option(
        "--timeout",
        type=click.FloatRange(0),
        default=default,
        metavar="SECONDS",
        help=f"Wait so long at most (default: {default:g}).",
    )


bar_option = option("-N", "--no-progress-bar", is_flag=True, help="Show no progress.")

wait_options = [
    option("-w", "--wait", is_flag=True, help="Come back only when it is done."),
    timeout_option(DEFAULT_TIMEOUT),
    bar_option,
]
"""For commands that wait when they are asked to; `Patience.of` reads their values."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for everything that one command began, and whether to show it. It runs from when it is made."""

    timeout: float  # seconds
    hidden: bool = False
    _started: float = field(default_factory=time.monotonic)

    @classmethod
    def of(cls, options: dict[str, Any]) -> Patience | None:
        """From the values of `wait_options`, which are taken out; None when nobody wants to wait."""
        wanted, timeout = options.pop("wait"), options.pop("timeout")
        hidden = options.pop("no_progress_bar")
        return cls(timeout, hidden) if wanted else None

    @property
    def left(self) -> float:
        return max(0.0, self.timeout - (time.monotonic() - self._started))


@dataclass(frozen=True, slots=True)
class Goal:
    """What is waited for.

    `reached` and `failed` look at a thing as it is now, or at None when there is no such thing any more; `says` is what
    the display shows of it, `percent` how much is done if that is known. `remedy` is what to do about a failure.
    """

    reached: Callable[[Thing | None], bool]
    failed: Callable[[Thing | None], bool]
    says: Callable[[Thing], str] = lambda thing: str(thing.get("status"))
    percent: Callable[[Thing], int | None] = lambda _: None
    remedy: str = ""


def wait_for(
    run: Invocation, kind: Kind, thing: Thing, goal: Goal, patience: Patience, *, later: str = ""
) -> Thing | None:
    """Ask for a thing until the goal is reached; the thing as it is then, None when it is gone.

    Raises ServerFailed when it has failed, TimedOut when patience ends (`later` is the command that goes on waiting),
    and an interrupt as it is, after saying that only the waiting ends.
    """
    from pithosfs.clients.waiting import poll

    ident, called = kind.id_of(thing), kind.called(thing)

    def read() -> Thing | None:
        try:
            return kind.one(run, ident)
        except NotFound:
            return None

    def percent(found: Thing | None) -> int | None:
        return None if found is None else goal.percent(found)

    with _display(kind.label(thing), hidden=patience.hidden) as show:

        def ended(found: Thing | None) -> bool:
            if found is not None:
                show(goal.says(found), percent(found))
            return goal.reached(found) or goal.failed(found)

        try:
            found, done = poll(read, ended, delay=_FIRST_DELAY, max_wait=patience.left)
        except KeyboardInterrupt:
            note(f"Only the waiting ends: the cloud goes on with {called}")
            raise
    if not done:
        state = goal.says(found) if found is not None else "gone"
        raise TimedOut(
            f"{called} is still {state} after {patience.timeout:g} s",
            hint=f"it goes on; wait longer: pithosfs {later}" if later else "it goes on: look again later",
        )
    if not goal.reached(found):
        hint = goal.remedy or f"see what there is: pithosfs {kind.listing}"
        if found is None:
            raise NotFound(f"{called} is gone", 404, hint=hint)
        raise ServerFailed(f"{called} is in the state {goal.says(found)}", hint=hint)
    return found


@contextmanager
def _display(label: str, *, hidden: bool) -> Iterator[Callable[[str, int | None], None]]:
    """A line on a terminal's standard error that says what is being waited for, and for how long already."""
    if hidden or not sys.stderr.isatty():
        yield lambda state, percent: None
        return
    from rich.progress import BarColumn, TaskProgressColumn, TimeElapsedColumn

    from pithosfs_cli.progress import display, shortened

    with display(BarColumn(), TaskProgressColumn(), TimeElapsedColumn()) as shown:
        task = shown.add_task(shortened(label), total=None)

        def show(state: str, percent: int | None) -> None:
            total = None if percent is None else 100
            shown.update(task, description=shortened(f"{label}: {state}"), total=total, completed=percent or 0)

        yield show
