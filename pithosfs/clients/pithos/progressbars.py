"""The progress call-backs of `PithosClient`, which count blocks, on the engine's progress, which counts bytes."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from pithosfs.blocks import block_count
from pithosfs.transfer import Phase, Progress

__all__ = ["Bar", "ProgressBar", "Steps"]

ProgressBar = Callable[..., Any]
"""Either a generator function of the number of blocks, or a plain function of (blocks done, blocks in all).

The iterator that the first one returns is advanced once at the start and once more for each block that is done; it may
end when it likes. The second one is called at the start with 0 and again for each block.
"""


class Bar:
    """One call-back over a number of blocks. That a call-back ends early is its own affair; other errors are raised."""

    def __init__(self, call: ProgressBar | None, total: int) -> None:
        self.total = total
        self._done = 0
        self._plain: ProgressBar | None = None
        self._iterator: Iterator[Any] = iter(())
        if call is None:
            return
        if _takes_two(call):
            self._plain = call
            _unless_ended(partial(call, 0, total))
            return
        answer = _unless_ended(partial(call, total))
        if hasattr(answer, "__iter__"):
            self._iterator = iter(answer)
            _unless_ended(partial(next, self._iterator))

    def advance(self, done: int) -> None:
        """So many of the blocks are done now."""
        for number in range(self._done + 1, min(done, self.total) + 1):
            self._done = number
            if self._plain is not None:
                _unless_ended(partial(self._plain, number, self.total))
            else:
                _unless_ended(partial(next, self._iterator))


class Steps:
    """The engine's progress as steps of a bar for each phase.

    `whole`: bytes that a phase's bar counts, when that is more than is transferred; the rest counts as done.
    """

    def __init__(
        self, block_size: int, bars: Mapping[Phase, ProgressBar | None], *, whole: Mapping[Phase, int] | None = None
    ) -> None:
        self._block_size = block_size
        self._calls = bars
        self._whole = whole or {}
        self._bars: dict[Phase, Bar] = {}

    def __call__(self, progress: Progress) -> None:
        phase, total = progress.phase, progress.total
        if total is None or self._calls.get(phase) is None:
            return
        left = block_count(total, self._block_size)
        if phase not in self._bars:
            self._bars[phase] = Bar(self._calls[phase], block_count(self._whole.get(phase, total), self._block_size))
        bar = self._bars[phase]
        done = left if progress.done >= total else progress.done // self._block_size
        # A second round over what has failed in the first counts only its own bytes.
        bar.advance(bar.total - left + done)

    def finish(self) -> None:
        """The transfer is done, and so are its bars: of a block whose answer was lost no progress is told."""
        for bar in self._bars.values():
            bar.advance(bar.total)


def _takes_two(call: ProgressBar) -> bool:
    """Whether it is called with what is done and the total, rather than with the total alone."""
    try:
        signature = inspect.signature(call)
    except (TypeError, ValueError):
        return False
    return _fits(signature, 2) and not _fits(signature, 1)


def _fits(signature: inspect.Signature, count: int) -> bool:
    try:
        signature.bind(*range(count))
    except TypeError:
        return False
    return True


def _unless_ended(step: Callable[[], Any]) -> Any:
    try:
        return step()
    except StopIteration:
        return None
    except RuntimeError as error:
        # What becomes of a StopIteration that leaves the body of a generator.
        if isinstance(error.__cause__, StopIteration):
            return None
        raise
