"""Work over several connections, its progress and its cancellation."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Sized
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeVar

from pithosfs.bandwidth import cancelled_by
from pithosfs.errors import TransferCancelled

__all__ = ["CONNECTIONS", "UNLIMITED", "Meter", "Phase", "Progress", "TransferCancelled", "Way", "for_each"]

CONNECTIONS = 5  # what the older client used; with 4 MiB blocks it fills 200 Mbit/s at 100 ms round trips

_PROCESSORS = os.cpu_count() or 1

UNLIMITED: AbstractContextManager[object] = nullcontext()  # in place of a semaphore

_T = TypeVar("_T")


class Phase(StrEnum):
    """What a transfer is busy with."""

    HASHING = "hashing"
    SENDING = "sending"
    RECEIVING = "receiving"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a phase is, in bytes; `total` None when nobody knows. In SENDING, what the server has already is
    neither in `done` nor in `total`."""

    phase: Phase
    done: int
    total: int | None


class Meter:
    """Counts the bytes of one phase and tells a call-back, one call at a time."""

    def __init__(self, phase: Phase, total: int | None, tell: Callable[[Progress], None] | None) -> None:
        self._phase = phase
        self._total = total
        self._tell = tell
        self._done = 0
        self._lock = threading.Lock()
        self.add(0)

    def add(self, count: int) -> None:
        """So many bytes more."""
        with self._lock:
            self._done += count
            if self._tell is not None:
                self._tell(Progress(self._phase, self._done, self._total))


@dataclass(frozen=True, slots=True)
class Way:
    """How a transfer is to be done: so many connections, whom to tell, and what calls it off.

    One of the `slots` (a semaphore that several transfers may share) is held for each block in memory.
    """

    connections: int
    progress: Callable[[Progress], None] | None
    cancel: threading.Event | None
    slots: AbstractContextManager[object] = UNLIMITED

    def check(self) -> None:
        """Raise TransferCancelled when the transfer was called off."""
        if self.cancel is not None and self.cancel.is_set():
            raise TransferCancelled

    def meter(self, phase: Phase, total: int | None) -> Meter:
        """A meter for a phase."""
        return Meter(phase, total, self.progress)

    @property
    def hashers(self) -> Way:
        """The same for hashing: hashlib lets other threads run, but more of them than processors gain nothing."""
        return replace(self, connections=min(self.connections, _PROCESSORS))


def for_each(items: Iterable[_T], work: Callable[[_T], None], way: Way) -> None:
    """Do the work for every item, `way.connections` at a time; items are drawn when they are needed.

    The first error stops the rest, waits for what is running, and is raised; an interrupt of the caller likewise.
    """
    width = min(way.connections, len(items)) if isinstance(items, Sized) else way.connections
    if width <= 1:
        with cancelled_by(way.cancel):
            for item in items:
                way.check()
                work(item)
        return
    source = iter(items)
    drawing = threading.Lock()
    stop = threading.Event()

    def worker() -> None:
        try:
            with cancelled_by(way.cancel):
                while not stop.is_set():
                    with drawing:
                        try:
                            item = next(source)
                        except StopIteration:
                            return
                    way.check()
                    work(item)
        except BaseException:
            stop.set()
            raise

    with ThreadPoolExecutor(width, thread_name_prefix="transfer") as pool:
        try:
            for running in [pool.submit(worker) for _ in range(width)]:
                running.result()
        except BaseException:
            stop.set()
            raise
