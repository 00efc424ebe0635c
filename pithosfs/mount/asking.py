"""Asking the server once for what many want to know, and going on without it while it is away.

Locks: `lock` guards all holdings; it is never held over the network, nor while changes are told. Of several threads
that find the same part stale one asks, the others wait for its answer. Who has an old answer waits for a bounded time,
and not at all while the last request has failed: the request goes on in the background.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from typing import TypeVar

from pithosfs.errors import BadReply, NoConnection, PithosfsError
from pithosfs.mount.holdings import Flight, Holding
from pithosfs.store import ObjectPath

__all__ = ["Asker"]

log = logging.getLogger(__name__)

T = TypeVar("T")
H = TypeVar("H", bound=Holding)

SHORTEST_PAUSE = 1.0  # seconds after a failure in which the server is not asked again, however short `freshness`
ROUNDS = 8  # a part that was asked for may turn out to be cut differently; two changes of that kind are possible


class Asker:
    """Sends the requests of holdings.

    `tell` gets the paths that turned out different, outside of the lock; `make_room`, called with the lock held after
    an answer was taken in, returns the paths that it forgot. `freshness` in seconds of `clock`; `patience` in real
    ones.
    """

    def __init__(
        self,
        pool: Executor,
        tell: Callable[[list[ObjectPath]], None],
        make_room: Callable[[], list[ObjectPath]],
        *,
        freshness: float,
        patience: float,
        clock: Callable[[], float],
    ) -> None:
        self.lock = threading.Lock()
        self._pool = pool
        self._tell = tell
        self._make_room = make_room
        self._freshness = freshness
        self._patience = patience
        self._clock = clock
        self._away: NoConnection | None = None
        self._away_until = float("-inf")

    def read(self, holding: Callable[[], H], folder: str, look: Callable[[H], T], *, unlimited: bool = False) -> T:
        """What `look` sees, under the lock, once a folder's entries are fresh enough.

        Raises what the request failed with when there is no older answer.
        """
        for _ in range(ROUNDS):
            with self.lock:
                held, now = holding(), self._clock()
                part = held.part_of(folder)
                held.use(part, now)
                known = held.knows(part)
                if held.is_fresh(part, now, self._freshness) or (not known and not unlimited and held.gives_up(part)):
                    return look(held)
                pause = self._pause(held, now)
                if pause is not None:
                    if known:
                        return look(held)
                    raise pause.with_traceback(None)
                flight = held.flights.get(part)
                leading = flight is None
                if flight is None:
                    flight = held.depart(part, unlimited=unlimited)
                troubled = known and (held.trouble is not None or self._away is not None)
            if leading and not known:
                self._fly(held, flight)
            elif leading:
                self._fly_aside(held, flight)
            try:
                flight.future.result(None if not known else 0 if troubled or flight.slow else self._patience)
            except PithosfsError:
                if not known:
                    raise
            except TimeoutError:
                flight.slow = True
            with self.lock:
                held = holding()
                if held.knows(held.part_of(folder)):
                    return look(held)
        raise BadReply(f"the list of {folder or 'a container'!r} does not settle")

    def _fly_aside(self, held: Holding, flight: Flight) -> None:
        try:
            self._pool.submit(self._fly, held, flight)
        except RuntimeError:  # closed meanwhile
            with self.lock:
                held.land(flight)
            flight.future.set_result(None)

    def _fly(self, held: Holding, flight: Flight) -> None:
        """Carry out a request and take its answer in. Failures go to those who wait for the flight."""
        started = self._clock()
        changed: list[ObjectPath] = []
        trouble: BaseException | None = None
        try:
            with self.watching():
                answer = held.ask(flight)
            with self.lock:
                changed = held.take(flight, answer, started, self._clock())
                changed += self._make_room()
                held.trouble = None
        except PithosfsError as error:
            trouble = error
            with self.lock:
                held.trouble = error
                held.retry_at = self._clock() + max(self._freshness, SHORTEST_PAUSE)
            log.debug("a list could not be had: %s", error)
        except BaseException as error:
            trouble = error
            raise
        finally:
            with self.lock:
                held.land(flight)
            if trouble is None:
                flight.future.set_result(None)
            else:
                flight.future.set_exception(trouble)
        self._tell(changed)

    def poll(self, held: Holding, part: str, since: float) -> None:
        """Ask about a part again, unless it was asked about since `since`, is being asked about, or rests."""
        with self.lock:
            now = self._clock()
            waiting = self._pause(held, now) is not None or part in held.flights
            if waiting or not held.knows(part) or held.rests(part, now) or held.vouched_at(part) >= since:
                return
            flight = held.depart(part, unlimited=True)
        self._fly(held, flight)

    # the server's health --------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Around a request: notes whether the server can be reached."""
        try:
            yield
        except NoConnection as trouble:
            with self.lock:
                first, self._away = self._away is None, trouble
                self._away_until = self._clock() + max(self._freshness, SHORTEST_PAUSE)
            if first:
                log.warning("the cloud does not answer, going on with what is known: %s", trouble)
            raise
        except PithosfsError:
            self._answered()
            raise
        self._answered()

    def _answered(self) -> None:
        with self.lock:
            back, self._away = self._away is not None, None
        if back:
            log.info("the cloud answers again")

    def _pause(self, held: Holding, now: float) -> PithosfsError | None:
        """Why nothing is to be asked now: the last request failed a moment ago. Called with the lock held."""
        if self._away is not None and now < self._away_until:
            return self._away
        return held.trouble if held.trouble is not None and now < held.retry_at else None

    def check_away(self) -> None:
        with self.lock:
            if self._away is not None and self._clock() < self._away_until:
                raise self._away.with_traceback(None)
