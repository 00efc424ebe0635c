"""All pairs that a daemon looks after: a runner for each that is on disk, made to fit whenever that has changed."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator

from pithosfs.errors import LocalError, PithosfsError
from pithosfs_daemon.clouds import Clouds
from pithosfs_daemon.eventlog import EventLog
from pithosfs_daemon.orders import Report
from pithosfs_daemon.patience import Clocks
from pithosfs_daemon.ports import Opener
from pithosfs_daemon.registry import Registry
from pithosfs_daemon.runner import Loan, Runner
from pithosfs_daemon.states import Condition, PairStatus, Situation
from pithosfs_daemon.timing import Timing
from pithosfs_daemon.values import Pair

__all__ = ["Crew", "unreadable"]

log = logging.getLogger(__name__)

LEAVE_SECONDS = 8.0  # that running actions get when a pair is paused, changed or removed, or the daemon ends


class Crew:
    """Thread-safe. `changed` is called when any status reads otherwise."""

    def __init__(
        self,
        registry: Registry,
        opener: Opener,
        clouds: Clouds,
        *,
        timing: Timing | None = None,
        clocks: Clocks | None = None,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._registry = registry
        self._opener = opener
        self._clouds = clouds
        self._timing = timing
        self._clocks = clocks
        self._changed = changed
        self._lock = threading.Lock()  # over the fields below
        self._fitting = threading.Lock()  # held while runners are started and ended
        self._runners: dict[str, Runner] = {}
        self._broken: dict[str, PithosfsError] = {}
        self._ended = False

    def fit(self) -> None:
        """Start, end and change runners until they are what is on disk. Returns when pairs that are gone, or paused,
        are not being used any more."""
        with self._fitting:
            if self._ended:
                return
            pairs, broken = self._registry.read()
            wanted = {one.id: one for one in pairs}
            with self._lock:
                self._broken = broken
                gone = [self._runners.pop(id) for id in list(self._runners) if id not in wanted]
                kept = dict(self._runners)
            for runner in gone:
                runner.end()
            for id, runner in kept.items():
                runner.replace(wanted[id])
            for id, pair in wanted.items():
                if id not in kept:
                    self._start(pair)
            until = time.monotonic() + LEAVE_SECONDS
            for runner in gone:
                if not runner.join(max(0.0, until - time.monotonic())):
                    log.warning("%s: what is under way there does not end", runner.pair.folder)
            for runner in kept.values():
                if runner.pair.paused:
                    runner.wait_closed(max(0.0, until - time.monotonic()))
        for trouble in broken.values():
            log.warning("%s", trouble)
        self._changed()

    def _start(self, pair: Pair) -> None:
        runner = Runner(
            pair,
            self._opener,
            self._clouds,
            EventLog(self._registry.directory(pair.id)),
            timing=self._timing,
            clocks=self._clocks,
            changed=self._changed,
        )
        runner.start()
        with self._lock:
            self._runners[pair.id] = runner

    def end(self) -> bool:
        """End all; says whether they have ended in time."""
        with self._fitting, self._lock:
            self._ended = True
            runners = list(self._runners.values())
        for runner in runners:
            runner.end()
        until = time.monotonic() + LEAVE_SECONDS
        for runner in runners:
            runner.join(max(0.0, until - time.monotonic()))
        return not any(runner.is_alive for runner in runners)

    @property
    def is_alive(self) -> bool:
        """Whether every pair still has a living thread."""
        with self._lock:
            return all(one.is_alive for one in self._runners.values())

    def statuses(self, pairs: list[Pair]) -> list[PairStatus]:
        """How these pairs are."""
        return [self._runner(one).status() for one in pairs]

    def broken(self) -> dict[str, PithosfsError]:
        """The pairs that cannot be read, and why."""
        with self._lock:
            return dict(self._broken)

    def summary(self) -> str:
        """All in one line."""
        with self._lock:
            runners, broken = list(self._runners.values()), len(self._broken)
        counts = Counter(one.status().situation.condition for one in runners)
        counts[Condition.NEEDS_YOU] += broken
        parts = [f"{count} {condition.value.lower()}" for condition in Condition if (count := counts[condition])]
        total = len(runners) + broken
        return f"{total} folder{'' if total == 1 else 's'}: {', '.join(parts)}" if parts else "no folder is synced"

    def now(self, pair: Pair, max_delete: float | None, progress: Callable[[PairStatus], None]) -> Report:
        """See `Runner.now`."""
        return self._runner(pair).now(max_delete, progress)

    @contextlib.contextmanager
    def borrowed(self, pair: Pair) -> Iterator[Loan | None]:
        """See `Runner.borrowed`."""
        with self._runner(pair).borrowed() as loan:
            yield loan

    def _runner(self, pair: Pair) -> Runner:
        with self._lock:
            found = self._runners.get(pair.id)
        if found is None:
            raise LocalError(f"{pair.folder} is only just being added or removed", hint="try again")
        return found


def unreadable(id: str, trouble: PithosfsError) -> PairStatus:
    """The status of a pair of which nothing else is known."""
    situation = Situation(Condition.NEEDS_YOU, trouble.message, trouble.hint)
    return PairStatus(id, "", "", "", "", situation, alive=False)
