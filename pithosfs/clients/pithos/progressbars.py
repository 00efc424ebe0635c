"""The progress call-backs of `PithosClient`, which count blocks, on the engine's progress, which counts bytes."""

from __future__ import annotations

from collections.abc import Mapping

from pithosfs.blocks import block_count
from pithosfs.clients.progressbars import Bar, ProgressBar
from pithosfs.transfer import Phase, Progress

__all__ = ["Steps"]


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
