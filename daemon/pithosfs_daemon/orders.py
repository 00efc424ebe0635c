"""What others want of a runner, until its thread comes to it: to end, to go by other options, to make a pass now.

Any thread puts orders in, the runner's takes them out. One lock, held only for a few assignments.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from pithosfs_daemon.states import PairStatus
from pithosfs_daemon.values import Pair

__all__ = ["Orders", "Report", "Request"]


@dataclass(frozen=True, slots=True)
class Report:
    """What a pass that was asked for has come to; `error` is what ended it early, if anything did."""

    status: PairStatus
    in_step: bool
    error: BaseException | None = None


@dataclass(slots=True, eq=False)
class Request:
    """Somebody waits for a pass; `max_delete` (0 to 1) holds for it instead of the pair's."""

    max_delete: float | None = None
    done: threading.Event = field(default_factory=threading.Event)
    report: Report | None = None

    def answer(self, report: Report) -> None:
        self.report = report
        self.done.set()


class Orders:
    """Thread-safe. `cancel` is set while the pass that runs is to end early."""

    def __init__(self, pair: Pair, clock: Callable[[], float]) -> None:
        self.cancel = threading.Event()
        self._clock = clock
        self._news = threading.Condition()
        self._pair = pair
        self._ending = False
        self._replaced = False
        self._requests: list[Request] = []
        self._noticed: float | None = None

    # put in ---------------------------------------------------------------------------------------------------------

    def end(self) -> None:
        """The runner is to end."""
        with self._news:
            self._ending = True
            self.cancel.set()
            self._news.notify_all()

    def replace(self, pair: Pair) -> None:
        """Other options, the pausing among them: what runs is given up and begun anew with them."""
        with self._news:
            if pair != self._pair:
                self._pair = pair
                self._replaced = True
                self.cancel.set()
                self._news.notify_all()

    def ask(self, request: Request) -> None:
        """A pass is wanted now."""
        with self._news:
            self._requests.append(request)
            self._news.notify_all()

    def touched(self) -> None:
        """There are local changes to look at."""
        with self._news:
            if self._noticed is None:
                self._noticed = self._clock()
                self._news.notify_all()

    # taken out ------------------------------------------------------------------------------------------------------

    @property
    def pair(self) -> Pair:
        with self._news:
            return self._pair

    @property
    def ending(self) -> bool:
        with self._news:
            return self._ending

    @property
    def leave(self) -> bool:
        """Whether the pair is to be closed: for good, to be opened with other options, or because it is paused."""
        with self._news:
            return self._leave()

    def _leave(self) -> bool:
        return self._ending or self._replaced or (self._pair.paused and not self._requests)

    @property
    def asked(self) -> bool:
        with self._news:
            return bool(self._requests)

    def begin(self) -> Pair:
        """The pair as it is to be opened now."""
        with self._news:
            self._replaced = False
            if not self._ending:
                self.cancel.clear()
            return self._pair

    def take(self) -> list[Request]:
        """The passes that are wanted; whoever takes them answers them."""
        with self._news:
            taken, self._requests = self._requests, []
            return taken

    @property
    def noticed(self) -> float | None:
        """Since when there are local changes that no pass has taken up; None: there are none."""
        with self._news:
            return self._noticed

    def settled(self, *, held: bool) -> None:
        """The local changes have been taken; `held`: but for some that wait until it is quiet."""
        with self._news:
            self._noticed = self._clock() if held else None

    def wait(self, seconds: float | None) -> None:
        """Until there is something to leave or to make a pass for, the first local change, or the time is over."""
        with self._news:
            known = self._noticed is not None
            self._news.wait_for(
                lambda: self._leave() or bool(self._requests) or (not known and self._noticed is not None), seconds
            )

    def rest(self) -> None:
        """Until a paused pair is wanted again, for good or for a pass, or is to be gone."""
        with self._news:
            self._news.wait_for(lambda: self._ending or self._replaced or bool(self._requests) or not self._pair.paused)
