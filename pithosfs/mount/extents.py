"""Which bytes of something were written: a short list of ranges, or too many to know."""

from __future__ import annotations

__all__ = ["Extents"]


class Extents:
    """Ranges of bytes, merged where they touch. With more than `limit` of them it gives up: `ranges` is None."""

    __slots__ = ("_limit", "_ranges")

    def __init__(self, limit: int = 64) -> None:
        self._limit = limit
        self._ranges: list[tuple[int, int]] | None = []

    @property
    def ranges(self) -> list[tuple[int, int]] | None:
        """(start, end), end excluded, in order; None when not known."""
        return None if self._ranges is None else list(self._ranges)

    def copy(self) -> Extents:
        """The same ranges, to go their own way."""
        made = Extents(self._limit)
        made._ranges = self.ranges
        return made

    def add(self, start: int, end: int) -> None:
        """Bytes `start` to `end` (excluded) were written."""
        if self._ranges is None or start >= end:
            return
        ranges = self._ranges
        first = len(ranges)
        while first and ranges[first - 1][1] >= start:
            first -= 1
        after = first
        while after < len(ranges) and ranges[after][0] <= end:
            start, end = min(start, ranges[after][0]), max(end, ranges[after][1])
            after += 1
        ranges[first:after] = [(start, end)]
        if len(ranges) > self._limit:
            self._ranges = None

    def lose(self) -> None:
        """Something happened that ranges do not describe."""
        self._ranges = None

    def covers(self, start: int, end: int) -> bool:
        """Whether every byte of this range was written for sure."""
        return self._ranges is not None and any(one[0] <= start and end <= one[1] for one in self._ranges)
