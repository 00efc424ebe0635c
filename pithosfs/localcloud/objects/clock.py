"""The time of changes: microseconds since the epoch, never twice the same and never going backwards while we run."""

from __future__ import annotations

import time

__all__ = ["Clock"]


class Clock:
    """Asked only by the database's writer thread, so it needs no lock."""

    def __init__(self, last: int = 0) -> None:
        self._last = last

    def tick(self) -> int:
        """Now; a microsecond after the last answer when the system's clock stands still or was put back."""
        self._last = max(time.time_ns() // 1000, self._last + 1)
        return self._last
