"""Progress bars: on standard error, when that is a terminal; nothing at all otherwise."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pithosfs_cli.printable import printable

if TYPE_CHECKING:
    from rich.progress import Progress as Display
    from rich.progress import TaskID

    from pithosfs.transfer import Progress

__all__ = ["Bars", "bars", "counted", "display", "shortened", "waiting"]

LONGEST_LABEL = 40  # characters; leaves room for the figures in 80 columns


class Bars:
    """The bars of running transfers: one for each file, and one for all when there are several."""

    def __init__(self, display: Display | None) -> None:
        self._display = display
        self._all: TaskID | None = None

    def total(self, label: str, size: int) -> None:
        """Show one bar over everything: `size` bytes."""
        if self._display is not None:
            self._all = self._display.add_task(shortened(label), total=size)

    def advance(self, count: int) -> None:
        """So many bytes of everything are done."""
        if self._display is not None and self._all is not None:
            self._display.advance(self._all, count)

    @contextmanager
    def file(self, name: str) -> Iterator[Callable[[Progress], None] | None]:
        """A bar for one file, for as long as it is transferred; what is yielded is told of its progress."""
        display = self._display
        if display is None:
            yield None
            return
        task = display.add_task(shortened(name), total=None)
        shown = ""

        def tell(progress: Progress) -> None:
            nonlocal shown
            if progress.phase != shown:
                shown = progress.phase
                display.reset(task, total=progress.total, description=shortened(f"{shown} {name}"))
            display.update(task, completed=progress.done, total=progress.total)

        try:
            yield tell
        finally:
            if self._all is not None:
                display.remove_task(task)


@contextmanager
def bars(*, hidden: bool = False) -> Iterator[Bars]:
    """Bars for the transfers of a command. `hidden`: the user wants none."""
    if hidden or not sys.stderr.isatty():
        yield Bars(None)
        return
    from rich.progress import BarColumn, DownloadColumn, TimeRemainingColumn, TransferSpeedColumn

    with display(DownloadColumn(binary_units=True), BarColumn(), TransferSpeedColumn(), TimeRemainingColumn()) as it:
        yield Bars(it)


@contextmanager
def counted(label: str) -> Iterator[Callable[[int, int], None]]:
    """A bar over a number of things; call it with how many are done, of how many."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn

    with display(BarColumn(), MofNCompleteColumn()) as shown:
        task = shown.add_task(shortened(label), total=None)
        yield lambda done, total: shown.update(task, completed=done, total=total)


def display(*columns: Any) -> Display:
    """A display of bars on standard error, to be used as a context: what each is for, then these columns."""
    from rich.console import Console
    from rich.progress import Progress as Display
    from rich.progress import TextColumn

    console = Console(stderr=True, highlight=False, markup=False, emoji=False)
    return Display(TextColumn("{task.description}", markup=False), *columns, console=console)


def shortened(text: str) -> str:
    """A text that is safe to show and leaves room for the figures."""
    text = printable(text)
    return text if len(text) <= LONGEST_LABEL else f"{text[: LONGEST_LABEL // 2 - 1]}…{text[-LONGEST_LABEL // 2 :]}"


@contextmanager
def waiting(label: str) -> Iterator[Callable[[str], None]]:
    """A line that shows that something is still being waited for; call it with what there is to say of it."""
    if not sys.stderr.isatty():
        yield lambda text: None
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(stderr=True, highlight=False, markup=False, emoji=False)
    with console.status(Text(label)) as status:
        yield lambda text: status.update(Text(printable(f"{label}: {text}" if text else label)))
