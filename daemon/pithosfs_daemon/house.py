"""Who looks after the pairs when somebody asks: the crew of a daemon that runs, or this very process while it asks."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from threading import Event
from typing import Protocol

from pithosfs.errors import PithosfsError
from pithosfs_daemon.assembly import Assembly, Workplace
from pithosfs_daemon.clouds import Clouds
from pithosfs_daemon.crew import Crew
from pithosfs_daemon.eventlog import EventLog
from pithosfs_daemon.orders import Report
from pithosfs_daemon.registry import Registry
from pithosfs_daemon.runner import Runner
from pithosfs_daemon.state import State
from pithosfs_daemon.states import Condition, PairStatus, Situation
from pithosfs_daemon.values import Pair

__all__ = ["EmptyHouse", "FullHouse", "House", "Room"]

END_SECONDS = 8.0


@dataclass(frozen=True, slots=True)
class Room:
    """A pair at hand for a question or a decision; `cancel` is set when it is to be given back early."""

    place: Workplace
    cancel: Event


class House(Protocol):
    """What requests need."""

    def statuses(self, pairs: list[Pair]) -> list[PairStatus]:
        """How these pairs are."""

    def broken(self) -> dict[str, PithosfsError]:
        """The pairs that cannot be read, and why, by id."""

    def fit(self) -> None:
        """What is on disk has changed: go by it. Returns when pairs that are gone or paused are not being used."""

    def now(self, pair: Pair, max_delete: float | None, progress: Callable[[PairStatus], None]) -> Report:
        """See `Runner.now`."""

    def room(self, pair: Pair, *, connected: bool = False) -> AbstractContextManager[Room]:
        """A pair to work on, beside its passes; `connected` to its cloud when that is needed."""


class FullHouse:
    """A daemon's."""

    def __init__(self, crew: Crew, assembly: Assembly, clouds: Clouds) -> None:
        self._crew = crew
        self._empty = EmptyHouse(assembly, clouds)
        self.statuses = crew.statuses
        self.broken = crew.broken
        self.fit = crew.fit
        self.now = crew.now

    @contextlib.contextmanager
    def room(self, pair: Pair, *, connected: bool = False) -> Iterator[Room]:
        """The runner's own pair while that is open, else (it is paused, or something is wrong) another opening."""
        with self._crew.borrowed(pair) as loan:
            opened = None if loan is None else loan.opened
            if loan is not None and isinstance(opened, Workplace) and (opened.is_connected or not connected):
                yield Room(opened, loan.cancel)
                return
        with self._empty.room(pair, connected=connected) as room:
            yield room


class EmptyHouse:
    """When no daemon runs: pairs are opened for the moment."""

    def __init__(self, assembly: Assembly, clouds: Clouds) -> None:
        self._assembly = assembly
        self._clouds = clouds

    def statuses(self, pairs: list[Pair]) -> list[PairStatus]:
        return [self._status(one) for one in pairs]

    def _status(self, pair: Pair) -> PairStatus:
        situation = Situation(Condition.NEEDS_YOU, "the sync daemon does not run", "pithosfs sync start")
        if pair.paused:
            situation = Situation(Condition.PAUSED, "", f"to go on: pithosfs sync resume {pair.id}")
        status = PairStatus(
            pair.id, str(pair.folder), pair.cloud, pair.remote, pair.direction.value, situation, alive=False
        )
        file = self._assembly.registry.state_file(pair.id)
        if not file.exists():
            return status
        with contextlib.suppress(PithosfsError, OSError), contextlib.closing(State(file)) as state:
            counts, troubles = state.counts(), tuple(state.troubles())
            return replace(
                status, files=counts.files, bytes=counts.size, conflicts=len(state.conflicts())
            ).with_troubles(troubles)
        return status

    def broken(self) -> dict[str, PithosfsError]:
        return self._assembly.registry.read()[1]

    def fit(self) -> None:
        """Nothing is running that could go by it."""

    def now(self, pair: Pair, max_delete: float | None, progress: Callable[[PairStatus], None]) -> Report:
        # A paused pair rests, makes the passes that it is asked for, and rests again: just what is wanted here.
        runner = Runner(
            replace(pair, paused=True),
            lambda pair, touched, events: self._assembly.open(pair, None, events),
            self._clouds,
            EventLog(self._registry.directory(pair.id)),
        )
        runner.start()
        try:
            return runner.now(max_delete, progress)
        finally:
            runner.end()
            runner.join(END_SECONDS)

    @property
    def _registry(self) -> Registry:
        return self._assembly.registry

    @contextlib.contextmanager
    def room(self, pair: Pair, *, connected: bool = False) -> Iterator[Room]:
        with (
            EventLog(self._registry.directory(pair.id)) as events,
            contextlib.closing(self._assembly.open(pair, None, events)) as place,
        ):
            if connected:
                place.connect(self._clouds.cloud(pair))
            yield Room(place, Event())
