"""A limit on bytes a second that any number of threads share, and what calls a wait off.

Whoever moves bytes takes them from the limit first, in pieces of at most `Bandwidth.piece`. Each taker is given the
next stretch of time that is free, so that all get on evenly, in the order in which they came.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pithosfs.errors import TransferCancelled, UsageError

__all__ = ["Bandwidth", "cancelled_by", "present_cancel"]

_LARGEST_PIECE = 64 * 1024
_SMALLEST_PIECE = 1024
_PIECES_A_SECOND = 10  # a slow connection is to be slow evenly, not in gulps
_CATCH_UP = 0.1  # seconds that may be made up for when somebody came late, as after every sleep


class _Calling(threading.local):
    cancel: threading.Event | None = None


_calling = _Calling()


@contextmanager
def cancelled_by(cancel: threading.Event | None) -> Iterator[None]:
    """Waits of this thread (for bandwidth, before a request is repeated) end with TransferCancelled when it is set."""
    before, _calling.cancel = _calling.cancel, cancel
    try:
        yield
    finally:
        _calling.cancel = before


def present_cancel() -> threading.Event | None:
    """What `cancelled_by` named for this thread."""
    return _calling.cancel


class Bandwidth:
    """At most `rate` bytes a second. `clock` is in seconds and never goes back; `sleep` waits so many of them."""

    def __init__(
        self,
        rate: int,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] | None = None,
    ) -> None:
        if rate <= 0:
            raise UsageError(f"a limit of {rate} bytes a second lets nothing through")
        self.rate = rate
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._free = clock()  # when the next piece may go

    @property
    def piece(self) -> int:
        """The most bytes to take at a time."""
        return max(_SMALLEST_PIECE, min(_LARGEST_PIECE, self.rate // _PIECES_A_SECOND))

    def take(self, count: int) -> None:
        """Wait until `count` bytes may go. Raises TransferCancelled (see `cancelled_by`)."""
        with self._lock:
            now = self._clock()
            start = max(self._free, now - _CATCH_UP)
            self._free = start + count / self.rate
        delay = start - now
        if delay > 0:
            self._wait(delay)

    def close(self) -> None:
        """Nothing goes any more: who waits, or comes, gets TransferCancelled."""
        self._closed.set()

    def _wait(self, seconds: float) -> None:
        cancel = _calling.cancel
        if self._sleep is not None:
            self._sleep(seconds)
        else:
            (cancel or self._closed).wait(seconds)
        if self._closed.is_set() or (cancel is not None and cancel.is_set()):
            raise TransferCancelled
