"""What a runner does about an error: say what it means, and wait until another attempt is worth it."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from pithosfs.errors import PithosfsError
from pithosfs_daemon.clouds import Clouds
from pithosfs_daemon.diagnosis import Diagnosis, Remedy, diagnose
from pithosfs_daemon.orders import Orders, Report, Request
from pithosfs_daemon.standing import Standing
from pithosfs_daemon.timing import Backoff, Timing
from pithosfs_daemon.values import Pair

__all__ = ["Clocks", "Patience", "Wait"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Clocks:
    """Where time and luck come from: a clock for intervals, one for dates, and random numbers from 0 to 1."""

    now: Callable[[], float] = time.monotonic
    date: Callable[[], float] = time.time
    luck: Callable[[], float] = random.random


@dataclass(frozen=True, slots=True)
class Wait:
    """So many seconds until another attempt, and what is to be made anew for it."""

    delay: float
    remedy: Remedy
    pair: Pair


class Patience:
    """Used by the runner's thread alone."""

    def __init__(self, orders: Orders, clouds: Clouds, standing: Standing, timing: Timing, clocks: Clocks) -> None:
        self._orders = orders
        self._clouds = clouds
        self._standing = standing
        self._timing = timing
        self._clocks = clocks
        self._backoff = Backoff()
        self._stamp: Hashable = None

    def begin(self, pair: Pair) -> None:
        """An attempt begins, with what the settings say now: what changes from here on makes another one worth it."""
        self._stamp = self._clouds.stamp(pair)

    def in_step(self, diagnosis: Diagnosis) -> None:
        """All is well: the next failure is a first one again."""
        self._backoff.reset()
        self._standing.say(diagnosis)

    def postpone(self, diagnosis: Diagnosis) -> float:
        """Say how it is, and return in how many seconds it is worth another attempt."""
        delay = self._backoff.next(diagnosis.first, diagnosis.cap, self._clocks.luck())
        self._standing.say(diagnosis, delay)
        return delay

    def tell(self, error: BaseException, pair: Pair, requests: list[Request]) -> Wait:
        """Say what has happened to whoever waits and to all; returns how to go on."""
        diagnosis = diagnose(error, pair)
        if self._orders.cancel.is_set():
            self.put_back(requests, pair)
            return Wait(0.0, diagnosis.remedy, pair)
        # Before anybody can know of it: a request that comes because of it is for the next attempt.
        waiting = requests + self._orders.take()
        expected = isinstance(error, PithosfsError | OSError)
        log.log(logging.DEBUG if expected else logging.ERROR, "%s: %s", pair.folder, error, exc_info=error)
        delay = self.postpone(diagnosis)
        for request in waiting:
            request.answer(Report(self._standing.status(pair, noticed=False), False, error))
        return Wait(delay, diagnosis.remedy, pair)

    def wait(self, how: Wait) -> None:
        """Until the time is over, or something makes another attempt worth it earlier."""
        orders, now = self._orders, self._clocks.now
        until = now() + how.delay
        while not (orders.leave or orders.asked) and (left := until - now()) > 0:
            if self._clouds.stamp(how.pair) != self._stamp:
                return
            noticed = orders.noticed if how.remedy == Remedy.EVENTS else None
            if noticed is not None and now() - noticed >= self._timing.latest:
                return
            orders.wait(min(left, self._timing.settings))

    def put_back(self, requests: list[Request], pair: Pair) -> None:
        """The pass that they wait for was given up: another is made for them, unless this is the end."""
        for request in requests:
            if self._orders.ending:
                request.answer(Report(self._standing.status(pair, noticed=False), False))
            else:
                self._orders.ask(request)
