"""Waiting until something in the cloud is in another status: polls with back-off, a time limit, and progress.

`Waiter` gives a client the two ways to wait; `poll` is the loop under both, for whoever waits for something else.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeVar

from pithosfs.clients.progressbars import Bar, ProgressBar
from pithosfs.errors import NotFound

__all__ = ["Status", "Timing", "Waiter", "poll", "same_status"]

T = TypeVar("T")

Status = tuple[str, int | None]
"""A status, and how much of the way out of it is done in percent, if the server tells."""

_GROWTH = 1.5
_LONGEST = 10.0  # seconds between two polls, unless the caller begins with more
_SHORTEST = 0.05


@dataclass(frozen=True, slots=True)
class Timing:
    """Where the time comes from: seconds of a clock that never goes back, and how to let some pass."""

    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


def poll(
    read: Callable[[], T],
    ended: Callable[[T], bool],
    *,
    delay: float = 1,
    max_wait: float = 100,
    wait_cb: ProgressBar | None = None,
    percent: Callable[[T], int | None] = lambda _: None,
    timing: Timing | None = None,
) -> tuple[T, bool]:
    """Read until `ended` says so, or `max_wait` seconds are over. What was read last, and whether that is the end.

    It reads at once, again after `delay` seconds, then at growing distances, and a last time when the time is over.
    `wait_cb` counts `max_wait / delay` steps: the share that is done as `percent` tells it, else the time that has
    passed. Whatever `read` and `wait_cb` raise ends the waiting.
    """
    timing = timing or Timing()
    started = timing.clock()
    found = read()
    bar: Bar | None = None
    pause = max(delay, _SHORTEST)
    while not ended(found):
        waited = timing.clock() - started
        if bar is None:
            bar = Bar(wait_cb, max(1, round(max_wait / pause)))
        share = percent(found)
        bar.advance(int(bar.total * (waited / max_wait if share is None else share / 100)) if max_wait > 0 else 0)
        if waited >= max_wait:
            return found, False
        timing.sleep(min(pause, max_wait - waited))
        pause = min(pause * _GROWTH, max(_LONGEST, delay))
        found = read()
    bar = bar or Bar(wait_cb, 1)
    bar.advance(bar.total)
    return found, True


def same_status(one: str, other: str) -> bool:
    """Whether two words mean the same: letters of any case, `in-use` for `in_use`, `SHUTOFF` for `STOPPED`."""
    return _folded(one) == _folded(other)


def _folded(status: str) -> str:
    word = status.upper().replace("-", "_")
    return "STOPPED" if word == "SHUTOFF" else word


def _hopeless(status: str, target: str) -> bool:
    """Whether nothing that is in this status gets to the target by itself. What has failed can still be deleted."""
    word = _folded(status)
    return word == "DELETED" or (word.startswith("ERROR") and _folded(target) != "DELETED")


class Waiter:
    """For clients of things that have a status.

    `timing` may be replaced, so that tests need no time.
    """

    timing = Timing()

    def _wait_while(
        self,
        read: Callable[[], Status],
        current_status: str,
        delay: float,
        max_wait: float,
        wait_cb: ProgressBar | None,
    ) -> str | Literal[False]:
        """Wait as long as it is in a status. The status that it has then, whichever that is; False after `max_wait`."""
        return self._wait(read, lambda status: not same_status(status, current_status), delay, max_wait, wait_cb)

    def _wait_until(
        self,
        read: Callable[[], Status],
        target_status: str,
        delay: float,
        max_wait: float,
        wait_cb: ProgressBar | None,
    ) -> str | Literal[False]:
        """Wait until it is in a status. The status, or the one it is stuck in (an error, deleted); False after
        `max_wait`. What is not there any more counts as deleted, if that is waited for."""

        def ended(status: str) -> bool:
            return same_status(status, target_status) or _hopeless(status, target_status)

        try:
            return self._wait(read, ended, delay, max_wait, wait_cb)
        except NotFound:
            if same_status(target_status, "DELETED"):
                return target_status
            raise

    def _wait(
        self,
        read: Callable[[], Status],
        ended: Callable[[str], bool],
        delay: float,
        max_wait: float,
        wait_cb: ProgressBar | None,
    ) -> str | Literal[False]:
        (status, _), done = poll(
            read,
            lambda found: ended(found[0]),
            delay=delay,
            max_wait=max_wait,
            wait_cb=wait_cb,
            percent=lambda found: found[1],
            timing=self.timing,
        )
        return status if done else False
