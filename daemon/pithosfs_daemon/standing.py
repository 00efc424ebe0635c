"""How a pair stands, for whoever asks: written by the runner's thread, read by all."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from pithosfs.config import format_size
from pithosfs.store import Traffic
from pithosfs_daemon.activity import Totals
from pithosfs_daemon.diagnosis import Diagnosis
from pithosfs_daemon.eventlog import EventLog
from pithosfs_daemon.ports import Counts, OpenPair, Outcome
from pithosfs_daemon.states import Condition, PairStatus, Situation
from pithosfs_daemon.timing import rough_time
from pithosfs_daemon.values import Pair, Trouble

__all__ = ["Standing", "working_text"]

log = logging.getLogger(__name__)

SHORT = 1.0  # seconds: a pass that has nothing to do goes through all phases within that


class Standing:
    """Thread-safe. `changed` is called, without the lock, when the condition or its reason has changed."""

    def __init__(self, pair: Pair, events: EventLog, date: Callable[[], float], changed: Callable[[], None]) -> None:
        self._events = events
        self._date = date
        self._changed = changed
        self._lock = threading.Lock()
        self._folder = pair.folder
        self._situation = Situation(Condition.WORKING, "is being opened", since=date())
        self._open: OpenPair | None = None
        self._counts: Counts | None = None
        self._troubles: tuple[Trouble, ...] = ()
        self._traffic = Traffic()
        self._checked: float | None = None
        self._carried: float | None = None
        self._carrying = False

    def opened(self, pair: OpenPair | None) -> None:
        """The pair that is open from now on; None: it is closed."""
        with self._lock:
            self._open = pair

    def carrying(self) -> None:
        """A pass has taken local changes up, and is about to carry them over."""
        with self._lock:
            self._carrying = True

    def say(self, diagnosis: Diagnosis, delay: float | None = None) -> None:
        """That is how it is now; it is tried again in `delay` seconds (None: there is nothing to try again)."""
        date = self._date()
        with self._lock:
            self._carrying = False
            old = self._situation
            same = (old.condition, old.what) == (diagnosis.condition, diagnosis.what)
            retry = None if delay is None else date + delay
            since = old.since if same else date
            self._situation = Situation(diagnosis.condition, diagnosis.what, diagnosis.todo, since, retry)
        if same:
            return
        if diagnosis.condition == Condition.NEEDS_YOU:
            self._events.did("needs you", "", diagnosis.what)
        elif old.condition == Condition.NEEDS_YOU:
            self._events.did("goes on")
        level = logging.WARNING if diagnosis.condition == Condition.NEEDS_YOU else logging.INFO
        log.log(level, "%s: %s%s", self._folder, diagnosis.condition, f": {diagnosis.what}" if diagnosis.what else "")
        self._changed()

    def passed(self, opened: OpenPair, outcome: Outcome, *, count: bool) -> None:
        """A pass has come to its end; `count`: what is in step is worth counting anew."""
        counts = opened.counts() if count else None
        traffic, date = opened.traffic(), self._date()
        with self._lock:
            self._counts = counts or self._counts
            self._traffic = traffic
            self._troubles = tuple(outcome.troubles)
            self._checked = date
            if outcome.changed:
                self._carried = date

    def status(self, pair: Pair, *, noticed: bool) -> PairStatus:
        """Everything about it. `noticed`: there are local changes that no pass has taken up yet."""
        with self._lock:
            opened, situation = self._open, self._situation
            counts, troubles, traffic = self._counts, self._troubles, self._traffic
            checked, carried = self._checked, self._carried
            noticed = noticed or self._carrying
        totals, running = opened.activity.snapshot() if opened is not None else (Totals(), [])
        if situation.condition == Condition.IN_STEP or (situation.condition == Condition.WORKING and checked is None):
            busy = working_text(totals, bool(running), self._date(), first=checked is None)
            if busy:
                situation = Situation(Condition.WORKING, busy, since=totals.since)
            elif noticed:
                situation = Situation(Condition.WORKING, "something has just changed here", since=situation.since)
        return PairStatus(
            id=pair.id,
            folder=str(pair.folder),
            cloud=pair.cloud,
            remote=pair.remote,
            direction=pair.direction.value,
            situation=situation,
            totals=totals,
            running=tuple(running),
            conflicts=0 if counts is None else counts.conflicts,
            files=None if counts is None else counts.files,
            bytes=None if counts is None else counts.bytes,
            checked=checked,
            changed=carried,
            watch_problem=None if opened is None else opened.watch_problem,
            requests=traffic.requests,
            bytes_sent=traffic.sent,
            bytes_received=traffic.received,
        ).with_troubles(troubles)


def working_text(totals: Totals, transferring: bool, now: float, *, first: bool) -> str:
    """What a pass does; "" when it only looks whether there is anything to do, or is over."""
    if not totals.phase and not transferring:
        return ""
    if totals.actions_total > 0:
        actions = "1 change" if totals.actions_total == 1 else f"{totals.actions_total} changes"
        text = f"{totals.actions_done} of {actions} done"
        if totals.bytes_total:
            text += f", {format_size(totals.bytes_done)} of {format_size(totals.bytes_total)}"
        left = totals.seconds_left(now)
        return text + (f", about {rough_time(left)} left" if left is not None and left >= 1 else "")
    if transferring:
        return "carrying changes over"
    if totals.phase == "hashing" and now - totals.since > SHORT:
        return "reading files that may have changed"
    if totals.phase and first:
        return "looking at both sides for the first time"
    return ""
