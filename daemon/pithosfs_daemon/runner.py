"""A pair at work: a thread that keeps it open, makes passes when they are due, and says how it is.

An error ends a pass, never the thread: `diagnosis` says what it means for the pair and how it goes on. The thread alone
uses the open pair; others put `Orders` in and read the `Standing`.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from pithosfs_daemon.clouds import Clouds
from pithosfs_daemon.diagnosis import Diagnosis
from pithosfs_daemon.eventlog import EventLog
from pithosfs_daemon.orders import Orders, Report, Request
from pithosfs_daemon.patience import Clocks, Patience, Wait
from pithosfs_daemon.ports import Opener, OpenPair
from pithosfs_daemon.shift import Shift
from pithosfs_daemon.standing import Standing
from pithosfs_daemon.states import Condition, PairStatus, Situation
from pithosfs_daemon.timing import Timing
from pithosfs_daemon.values import Pair

__all__ = ["Loan", "Runner"]


@dataclass(frozen=True, slots=True)
class Loan:
    """An open pair that somebody else uses for a while; who takes long gives it back once `cancel` is set."""

    opened: OpenPair
    cancel: threading.Event


class Runner:
    """One pair, from `start` to `end`. `changed` is called, from its thread, when the status reads otherwise."""

    def __init__(
        self,
        pair: Pair,
        opener: Opener,
        clouds: Clouds,
        events: EventLog,
        *,
        timing: Timing | None = None,
        clocks: Clocks | None = None,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._opener = opener
        self._clouds = clouds
        self._events = events
        self._timing = timing or Timing()
        self._clocks = clocks or Clocks()
        self._orders = Orders(pair, self._clocks.now)
        self._standing = Standing(pair, events, self._clocks.date, changed)
        self._patience = Patience(self._orders, clouds, self._standing, self._timing, self._clocks)
        self._lending = threading.Condition()  # over the two fields below
        self._open: OpenPair | None = None
        self._borrowers = 0
        self._closed = threading.Event()
        self._closed.set()
        self._thread = threading.Thread(target=self._live, name=f"pair-{pair.id}", daemon=True)

    @property
    def pair(self) -> Pair:
        """The pair as it was last told to be."""
        return self._orders.pair

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        """Tell it to end soon; `join` waits for that."""
        self._orders.end()

    def join(self, timeout: float) -> bool:
        """Wait for the end for so many seconds; says whether it has come."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def replace(self, pair: Pair) -> None:
        """Go on by other options, be paused or resumed."""
        self._orders.replace(pair)

    def wait_closed(self, timeout: float) -> bool:
        """Wait until the folder is not being used, as after a pause; says whether that has come."""
        return self._closed.wait(timeout)

    def now(
        self, max_delete: float | None = None, progress: Callable[[PairStatus], None] = lambda status: None
    ) -> Report:
        """Make a pass over everything, even when paused; returns when both sides have been looked at and all is done
        that can be. `progress` is told how it is meanwhile."""
        request = Request(max_delete)
        self._orders.ask(request)
        while not request.done.wait(self._timing.progress) and self._thread.is_alive():
            progress(self.status())
        return request.report or Report(self.status(), False)

    @contextlib.contextmanager
    def borrowed(self) -> Iterator[Loan | None]:
        """The open pair, which is not closed meanwhile; None when it is not open. Passes go on beside it."""
        with self._lending:
            opened = self._open
            self._borrowers += opened is not None
        if opened is None:
            yield None
            return
        try:
            yield Loan(opened, self._orders.cancel)
        finally:
            with self._lending:
                self._borrowers -= 1
                self._lending.notify_all()

    def _take_back(self) -> None:
        """Before a pair is closed: wait for those who use it, and lend it to nobody else."""
        with self._lending:
            self._open = None
            self._lending.wait_for(lambda: self._borrowers == 0)

    def status(self) -> PairStatus:
        """How the pair is now."""
        pair = self._orders.pair
        status = self._standing.status(pair, noticed=self._orders.noticed is not None)
        if pair.paused and status.situation.condition == Condition.IN_STEP:
            # After a pass that was asked for, before the pair is closed again.
            return replace(status, situation=Situation(Condition.PAUSED, "", _resume(pair)))
        return status

    def _live(self) -> None:
        orders = self._orders
        while not orders.ending:
            pair = orders.begin()
            if pair.paused and not orders.asked:
                self._patience.in_step(Diagnosis(Condition.PAUSED, "", _resume(pair)))
                orders.rest()
                continue
            wait = self._work(pair)
            if wait is not None:
                self._patience.wait(wait)
        self._patience.put_back(orders.take(), orders.pair)
        self._events.close()

    def _work(self, pair: Pair) -> Wait | None:
        """Open the pair and keep it in step until it is to be closed; with a wait before it is to be opened again."""
        self._closed.clear()
        self._patience.begin(pair)
        try:
            with contextlib.closing(self._opener(pair, self._orders.touched, self._events)) as opened:
                with self._lending:
                    self._open = opened
                self._standing.opened(opened)
                try:
                    return self._shift(pair, opened).work()
                finally:
                    self._standing.opened(None)
                    self._take_back()
        except Exception as error:  # noqa: BLE001 (told and logged)
            return self._patience.tell(error, pair, [])
        finally:
            self._events.close()  # until there is something to tell
            self._closed.set()

    def _shift(self, pair: Pair, opened: OpenPair) -> Shift:
        return Shift(
            pair, opened, self._orders, self._clouds, self._standing, self._patience, self._timing, self._clocks
        )


def _resume(pair: Pair) -> str:
    return f"to go on: pithosfs sync resume {pair.id}"
