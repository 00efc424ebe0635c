"""What a pair is busy with, for `status`: written by the threads that do the work, read by whoever asks."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

__all__ = ["Activity", "Running", "Totals"]

Way = Literal["up", "down"]


@dataclass(frozen=True, slots=True)
class Running:
    """A transfer under way; bytes."""

    name: str
    way: Way
    done: int
    size: int


@dataclass(frozen=True, slots=True)
class Totals:
    """A pass so far: actions and bytes done and planned, and since when (seconds since the epoch)."""

    phase: str = ""  # "looking", "hashing", "working"; "" between passes
    actions_done: int = 0
    actions_total: int = 0
    bytes_done: int = 0
    bytes_total: int = 0
    since: float = 0.0

    def seconds_left(self, now: float) -> float | None:
        """A guess from the speed so far; None when there is nothing to guess from."""
        done, total = (
            (self.bytes_done, self.bytes_total) if self.bytes_total else (self.actions_done, self.actions_total)
        )
        spent = now - self.since
        return spent * (total - done) / done if done and spent > 0 else None


class Activity:
    """Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: dict[int, Running] = {}
        self._next = 0
        self._totals = Totals()

    def phase(self, phase: str) -> None:
        """A new part of a pass begins; "" when the pass is over."""
        with self._lock:
            if phase == "looking":
                self._totals = Totals(phase, since=time.time())
            else:
                old = self._totals
                self._totals = Totals(
                    phase, old.actions_done, old.actions_total, old.bytes_done, old.bytes_total, old.since
                )

    def plan(self, actions: int, size: int) -> None:
        """So many more actions, and bytes to transfer, are known of."""
        with self._lock:
            old = self._totals
            self._totals = Totals(
                old.phase, old.actions_done, old.actions_total + actions, old.bytes_done, old.bytes_total + size,
                old.since,
            )  # fmt: skip

    def did(self, actions: int = 1, size: int = 0) -> None:
        """So many of them are done."""
        with self._lock:
            old = self._totals
            self._totals = Totals(
                old.phase, old.actions_done + actions, old.actions_total, old.bytes_done + size, old.bytes_total,
                old.since,
            )  # fmt: skip

    @contextmanager
    def transfer(self, name: str, way: Way, size: int) -> Iterator[Meter]:
        """A transfer from begin to end; the meter takes its progress."""
        with self._lock:
            key = self._next
            self._next += 1
            self._running[key] = Running(name, way, 0, size)
        try:
            yield Meter(self, key)
        finally:
            with self._lock:
                self._running.pop(key, None)

    def moved(self, key: int, done: int) -> None:
        """Called by `Meter`."""
        with self._lock:
            old = self._running.get(key)
            if old is not None:
                self._running[key] = Running(old.name, old.way, done, old.size)

    def snapshot(self) -> tuple[Totals, list[Running]]:
        """How things are now, the oldest transfer first."""
        with self._lock:
            return self._totals, list(self._running.values())


class Meter:
    """Takes the progress of one transfer."""

    def __init__(self, activity: Activity, key: int) -> None:
        self._activity = activity
        self._key = key

    def at(self, done: int) -> None:
        """So many bytes have been moved."""
        self._activity.moved(self._key, done)
