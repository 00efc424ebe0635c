"""The time in which a pair is open: passes, one after the other, each when it is due.

Due are: local changes once they have settled, a look at the cloud at every interval, everything once an hour or when
events were missed, what had failed, and passes that somebody asks for.
"""

from __future__ import annotations

from typing import Literal

from pithosfs.config import Cloud
from pithosfs_daemon.clouds import Clouds
from pithosfs_daemon.diagnosis import CHOSEN, Diagnosis, Remedy, judge
from pithosfs_daemon.orders import Orders, Report, Request
from pithosfs_daemon.patience import Clocks, Patience, Wait
from pithosfs_daemon.ports import OpenPair, Outcome
from pithosfs_daemon.standing import Standing
from pithosfs_daemon.states import Condition
from pithosfs_daemon.timing import Pace, Timing
from pithosfs_daemon.values import Dirty, Pair

__all__ = ["Shift"]

AT_ONCE = 20  # passes in a row for one request while something is always to be decided again


class Shift:
    """Used by the runner's thread alone."""

    def __init__(
        self,
        pair: Pair,
        opened: OpenPair,
        orders: Orders,
        clouds: Clouds,
        standing: Standing,
        patience: Patience,
        timing: Timing,
        clocks: Clocks,
    ) -> None:
        self._pair = pair
        self._opened = opened
        self._orders = orders
        self._clouds = clouds
        self._standing = standing
        self._patience = patience
        self._timing = timing
        self._now = clocks.now
        self._pace = Pace(timing, pair.interval)
        self._cloud: Cloud | None = None
        self._stamp: object = None
        self._pending = Dirty(full=True)  # nobody has watched before
        self._held = Dirty()
        self._failed = Dirty()  # what is tried again at `_retry_at`
        now = self._now()
        self._active = now  # when something last happened
        self._poll_at = self._full_at = self._overflow_at = now
        self._retry_at: float | None = None
        self._count_at = now
        self._uncounted = False

    def work(self) -> Wait | None:
        """Returns when the pair is to be closed; with a wait, after which it is to be opened anew."""
        while not self._orders.leave:
            requests: list[Request] = []
            self._patience.begin(self._pair)
            try:
                self._connect()
                self._await()
                requests = self._orders.take()
                if requests or not self._orders.leave:
                    self._make_passes(requests)
            except Exception as error:  # noqa: BLE001 (told and logged)
                self._pending |= self._held
                self._held = Dirty()
                how = self._patience.tell(error, self._pair, requests)
                if how.remedy == Remedy.FOLDER:
                    return how
                if how.remedy == Remedy.LOGIN:
                    self._cloud = None
                self._patience.wait(how)
                self._retry_at = self._now()
        return None

    def _connect(self) -> None:
        """Log in, unless that has been done with what the settings say now."""
        stamp = self._clouds.stamp(self._pair)
        if self._cloud is not None and stamp == self._stamp:
            return
        cloud = self._clouds.cloud(self._pair)
        if cloud != self._cloud:
            self._cloud = None
            self._opened.connect(cloud)
            self._cloud = cloud
        self._stamp = stamp

    def _await(self) -> None:
        """Wait until something is due."""
        orders = self._orders
        while not (orders.leave or orders.asked):
            now = self._now()
            times = [self._poll_at, self._full_at]
            if self._retry_at is not None:
                times.append(self._retry_at)
            if self._pending.full:
                times.append(self._overflow_at)
            noticed = orders.noticed
            if noticed is not None:
                times.append(now + self._pace.batch(now, noticed, self._opened.quiet_since()))
            if min(times) <= now:
                return
            orders.wait(min(times) - now)

    def _make_passes(self, requests: list[Request]) -> None:
        """One pass; for somebody who waits as many as it takes until nothing is to be decided again."""
        given = [one.max_delete for one in requests if one.max_delete is not None]
        for _ in range(AT_ONCE if requests else 1):
            diagnosis, again = self._pass(asked=bool(requests), max_delete=max(given, default=None))
            if not again or self._orders.cancel.is_set():
                break
        if self._orders.cancel.is_set():
            self._patience.put_back(requests, self._pair)
            return
        for request in requests:
            status = self._standing.status(self._pair, noticed=False)
            request.answer(Report(status, diagnosis.condition == Condition.IN_STEP))

    def _pass(self, *, asked: bool, max_delete: float | None) -> tuple[Diagnosis, bool]:
        begun = self._now()
        retried = self._retry_at is not None and begun >= self._retry_at
        if retried or asked:
            self._pending |= self._failed
        whole = asked or begun >= self._full_at
        full = self._gather(whole)
        dirty = self._pending
        scan: Literal["full"] | Dirty = "full" if whole else Dirty(full=True) if full else dirty
        outcome = self._opened.run(scan, max_delete=max_delete, cancel=self._orders.cancel)
        done = self._now()
        # Only now: what has failed before this line is looked at again.
        self._pending, self._held = self._held, Dirty()
        if full:
            self._full_at = done + self._timing.full
            # Events that are lost again and again must not make one scan follow the other without a pause.
            self._overflow_at = done + (done - begun)
        self._count(outcome, full or bool(outcome.changed))
        if outcome.changed or (dirty and not full):
            self._active = done
        self._poll_at = done + self._pace.wait(done - self._active, 0.0 if outcome.changed else done - begun)
        return self._conclude(outcome, anew=full or retried or bool(dirty)), outcome.again

    def _count(self, outcome: Outcome, is_new: bool) -> None:
        """Tell of the pass; what is in step is counted when that is new, but not all the time, as it takes some."""
        begun = self._now()
        self._uncounted = self._uncounted or is_new
        count = self._uncounted and begun >= self._count_at
        self._standing.passed(self._opened, outcome, count=count)
        if count:
            self._uncounted = False
            self._count_at = self._now() + (self._now() - begun) / self._timing.share

    def _gather(self, full: bool) -> bool:
        """Take the local changes in, if they have settled; says whether everything is to be looked at. Otherwise what
        has vanished is held back until it is quiet."""
        now, orders, pace = self._now(), self._orders, self._pace
        noticed = orders.noticed
        if not full and noticed is not None and pace.batch(now, noticed, self._opened.quiet_since()) > 0:
            return False  # this pass is for the cloud's changes
        if noticed is not None:
            self._standing.carrying()
        orders.settled(held=False)  # before the taking: what comes meanwhile counts anew
        self._pending |= self._opened.take()
        if full or (self._pending.full and now >= self._overflow_at):
            return True
        dirty, has = self._pending, self._opened.has
        names: frozenset[str] = frozenset()
        folders: frozenset[str] = frozenset()
        if noticed is not None and not pace.is_quiet(now, self._opened.quiet_since()):
            names = frozenset(one for one in dirty.names if not has(one))
            folders = frozenset(one for one in dirty.folders if not has(one))
        self._held = Dirty(names, folders, dirty.full)
        self._pending = Dirty(dirty.names - names, dirty.folders - folders)
        if names or folders:
            orders.settled(held=True)
        return False

    def _conclude(self, outcome: Outcome, *, anew: bool) -> Diagnosis:
        """Say how the pair is after a pass, and when what could not be done is tried again.

        `anew`: names were looked at, so what is not in step has failed just now and not only before.
        """
        self._failed = Dirty(frozenset(one.name for one in outcome.troubles if one.reason not in CHOSEN))
        diagnosis = judge(outcome, self._pair)
        if diagnosis.condition == Condition.IN_STEP:
            self._retry_at = None
            self._patience.in_step(diagnosis)
        elif anew or self._retry_at is None:
            self._retry_at = self._now() + self._patience.postpone(diagnosis)
        if self._retry_at is not None and not outcome.in_step:
            # Every pass tries what is not in step again.
            self._poll_at = max(self._poll_at, min(self._retry_at, self._now() + self._timing.failing))
        return diagnosis
