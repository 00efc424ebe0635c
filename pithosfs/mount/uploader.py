"""Drains the journal: brings every pending change to the cloud over several connections, for as long as it takes.

Workers take the rows that are ready, the longest waiting first. A row goes from the journal only after the cloud has
it and the tree knows that, so a name is never seen without its content. What the cloud refuses for good is kept and
reported; everything else is tried again by itself.

    trouble                                   what happens
    no connection                             all rows wait, 1 s to 60 s, then one tries
    server failed, bad reply                  the row waits, 1 s to 60 s
    not logged in                             the row waits 60 s
    quota exceeded                            the row is `failed`, tried again after 60 s or when something was deleted
    not allowed, bad request, not found …     the row is `failed` until somebody asks (`drain`) or the next start
    a block that is only here is damaged      likewise
    somebody else was faster                  ours goes to another name, theirs stays

Locks: `journal.changed` is the condition that everybody waits on, and guards the tables here as well. It is never held
during I/O. `_slots` gives out the connections; whoever has one waits for nothing but its request.
"""

from __future__ import annotations

import contextlib
import logging
import random
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from pithosfs.blocks import DEFAULT_BLOCK_SIZE, Hashmap
from pithosfs.cache import BlockCache
from pithosfs.errors import (
    BadReply,
    Conflict,
    NoConnection,
    NotFound,
    NotLoggedIn,
    PithosfsError,
    QuotaExceeded,
    ServerFailed,
    TimedOut,
)
from pithosfs.mount.conflictnames import conflict_name
from pithosfs.mount.journal import Journal, Pending, State
from pithosfs.mount.pendingtable import is_at_or_below
from pithosfs.mount.sending import Conflicting, Damaged, Interrupted, Sender, Sending
from pithosfs.mount.sentblocks import SentBlocks
from pithosfs.mount.staging import Staging
from pithosfs.store import ObjectInfo, ObjectPath, ObjectStore

__all__ = ["Reports", "Uploader"]

log = logging.getLogger(__name__)

FIRST_WAIT = 1.0  # seconds
LONGEST_WAIT = 60.0
NEVER = float("inf")
HOLD_LIMIT = 90.0  # seconds: longer than a request with all its retries takes
EARLY_BATCH = 32  # blocks: one question about so many costs as much as about one
EARLY_WAITING = 4096  # blocks that wait to be sent early; the rest goes with its file
PROGRESS_STEP = 0.2  # seconds between reports of a drain


@dataclass(frozen=True, slots=True)
class Reports:
    """Who hears of what the uploader does, from its threads and before the journal row goes.

    `noted`: the object is on the cloud now. `gone`: nothing is there any more. `changed`: somebody else has changed
    the name, what is known of it does not hold any more. `set_aside`: what was pending under the first name goes to
    the second.
    """

    noted: Callable[[ObjectPath, ObjectInfo], None]
    gone: Callable[[ObjectPath], None]
    changed: Callable[[ObjectPath], None]
    set_aside: Callable[[ObjectPath, ObjectPath], None] = lambda path, copy: None


class Uploader:
    """Sends what is in one journal. Nothing happens before `start`; all methods may be called from any thread.

    `settle` is how many seconds after its last change a file is sent (whoever makes rows adds it to `ready_at`);
    `over_quota` tells that the cloud refuses more content at present.
    """

    def __init__(
        self,
        store: ObjectStore,
        reports: Reports,
        journal: Journal,
        staging: Staging,
        cache: BlockCache,
        *,
        cloud_key: str,
        connections: int = 8,
        settle: float = 1.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.settle = settle
        self._store = store
        self._reports = reports
        self._journal = journal
        self._staging = staging
        self._connections = connections
        self._clock = clock
        self._slots = threading.BoundedSemaphore(connections)
        self._pool = ThreadPoolExecutor(connections, thread_name_prefix="send-block")
        self._threads: list[threading.Thread] = []
        self._stopping = False
        self._sending: dict[int, Sending] = {}
        self._held: list[ObjectPath] = []
        self._away_until = 0.0
        self._failures = 0  # waits in a row because there was no connection
        self._losses = 0  # attempts that found no connection
        self._quota_rows: set[int] = set()
        self._attempted: dict[int, int] = {}  # row → how often it was tried: what `drain` waits for
        self._early: deque[tuple[str, str]] = deque(maxlen=EARLY_WAITING)
        self._early_busy = False
        self._sent = SentBlocks()
        staging.hand_over_to(cache)
        journal.attach(staging)
        self._sender = Sender(
            store,
            journal,
            staging,
            cache,
            cloud_key=cloud_key,
            pool=self._pool,
            connection=lambda: self._slots,
            blocks=self._sent,
        )

    # life -----------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to send."""
        for number in range(self._connections):
            thread = threading.Thread(target=self._work, name=f"upload-{number}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self, timeout: float = 30.0) -> None:
        """End after the requests that are under way, or after `timeout` seconds; what is left stays in the journal."""
        with self._journal.changed:
            self._stopping = True
            for one in self._sending.values():
                one.stop.set()
            self._early.clear()
            self._journal.changed.notify_all()
        end = time.monotonic() + timeout
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))
        self._pool.shutdown(wait=not any(thread.is_alive() for thread in self._threads), cancel_futures=True)

    def kick(self) -> None:
        """Look at once for what is ready, and whether the cloud is back."""
        with self._journal.changed:
            self._away_until = 0.0
            self._journal.changed.notify_all()

    @property
    def over_quota(self) -> bool:
        """Whether the cloud has refused content for lack of room, and not taken any since."""
        with self._journal.changed:
            self._quota_rows = {one for one in self._quota_rows if self._journal.by_id(one) is not None}
            return bool(self._quota_rows)

    # workers --------------------------------------------------------------------------------------------------------

    def _work(self) -> None:
        while (sending := self._next()) is not None:
            try:
                self._send(sending)
            except Exception:
                log.exception("the upload of %s failed in an unforeseen way", sending.row.path)
                self._failed(sending.row, State.PENDING, "internal error", self._clock() + LONGEST_WAIT)
            finally:
                self._staging.release(sending.row.blocks)
                with self._journal.changed:
                    number = sending.row.id
                    self._sending.pop(number, None)
                    if self._journal.by_id(number) is None:
                        self._attempted.pop(number, None)
                    else:
                        self._attempted[number] = self._attempted.get(number, 0) + 1
                    self._journal.changed.notify_all()

    def _next(self) -> Sending | None:
        """Wait for a row that is ready; None when the uploader is to stop."""
        changed = self._journal.changed
        with changed:
            while not self._stopping:
                now = self._clock()
                wait: float | None = None
                if now < self._away_until and self._away_until - now <= LONGEST_WAIT * 2:
                    wait = self._away_until - now
                elif not (self._failures and self._sending):  # one row tries whether the cloud is back
                    row, ready_at = self._journal.claim(now, self._is_free)
                    if row is not None:
                        # It may be replaced meanwhile; what is being sent stays.
                        self._staging.retain(row.blocks)
                        sending = self._sending[row.id] = Sending(row)
                        return sending
                    wait = None if ready_at is None else max(0.0, ready_at - now)
                changed.wait(wait)
        return None

    def _is_free(self, path: ObjectPath) -> bool:
        return not any(is_at_or_below(path, one) for one in self._held)

    def _send(self, sending: Sending) -> None:
        row = sending.row
        try:
            self._attempt(sending)
        except Interrupted:
            self._journal.unclaim(row)
        except Damaged as trouble:
            self._failed(row, State.FAILED, f"damaged: {trouble}", NEVER)
        except NoConnection as trouble:
            self._wait_for_the_cloud(row, trouble)
            return
        except (ServerFailed, BadReply, Conflict) as trouble:  # a 409 here is no list of missing blocks
            wait = min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(row.attempts, 10))
            self._failed(row, State.PENDING, str(trouble), self._clock() + _jittered(wait))
        except NotLoggedIn as trouble:
            self._failed(row, State.PENDING, str(trouble), self._clock() + LONGEST_WAIT)
        except QuotaExceeded as trouble:
            with self._journal.changed:
                self._quota_rows.add(row.id)
            self._failed(row, State.FAILED, f"quota exceeded: {trouble}", self._clock() + LONGEST_WAIT)
        except PithosfsError as trouble:
            self._failed(row, State.FAILED, str(trouble), NEVER)
        except OSError as trouble:
            # The local disk: full, or failing. What is sealed is still there.
            self._failed(row, State.PENDING, str(trouble), self._clock() + LONGEST_WAIT)
        self._cloud_answers()

    def _attempt(self, sending: Sending) -> None:
        try:
            info = self._sender.send(sending)
        except Conflicting as conflict:
            self._resolve(sending.row, conflict.theirs)
        else:
            self._finish(sending.row, info)

    def _finish(self, row: Pending, info: ObjectInfo | None) -> None:
        if info is None:
            self._reports.gone(row.path)
        else:
            self._reports.noted(row.path, info)
        self._journal.settle(row, info)
        with self._journal.changed:
            if row.growth > 0:
                self._quota_rows.discard(row.id)
            elif row.growth < 0 and self._quota_rows:
                self._journal.hasten(self._quota_rows)

    def _resolve(self, row: Pending, theirs: ObjectInfo) -> None:
        """Both are kept: theirs under the name, ours beside it."""
        date = time.strftime("%Y-%m-%d", time.localtime(self._clock()))
        host = socket.gethostname().partition(".")[0] or "here"
        for number in range(1, 1000):
            copy = conflict_name(row.path, host, date, number)
            if self._journal.get(copy) is not None:
                continue
            with self._slots:
                taken = self._exists(copy)
            if not taken:
                moved = self._journal.set_aside(row, copy)
                if moved is not None:
                    log.warning("%s was changed elsewhere meanwhile: what was written here is %s", row.path, copy)
                    self._reports.set_aside(row.path, copy)
                    self._reports.changed(row.path)
                    return
                if self._journal.get(copy) is None:
                    break  # the row is gone
        self._journal.unclaim(row)

    def _exists(self, path: ObjectPath) -> bool:
        try:
            self._store.head(path)
        except NotFound:
            return False
        return True

    def _wait_for_the_cloud(self, row: Pending, trouble: NoConnection) -> None:
        now = self._clock()
        with self._journal.changed:
            self._losses += 1
            if not self._failures:
                log.warning("the cloud cannot be reached: %s", trouble)
            if now >= self._away_until:  # not one that was under way when another one found out
                self._failures += 1
                wait = min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(self._failures - 1, 10))
                self._away_until = now + _jittered(wait)
        self._failed(row, State.PENDING, str(trouble), now)

    def _cloud_answers(self) -> None:
        with self._journal.changed:
            if self._failures:
                log.info("the cloud can be reached again")
                self._failures = 0
                self._away_until = 0.0
                self._journal.changed.notify_all()

    def _failed(self, row: Pending, state: State, error: str, ready_at: float) -> None:
        if state is State.FAILED:
            log.warning("%s cannot be sent: %s", row.path, error)
        self._journal.failed(row, state, error, ready_at)

    # blocks of files that are still being written -------------------------------------------------------------------

    def early_block(self, container: str, name: str) -> None:
        """A block of a file that is still being written is complete: it may be sent already."""
        with self._journal.changed:
            if self._stopping or self._failures or self._sent.has(name):
                return
            self._early.append((container, name))
            if self._early_busy:
                return
            self._early_busy = True
        self._submit(self._send_early)

    def _submit(self, act: Callable[..., None], *arguments: Any) -> None:
        with contextlib.suppress(RuntimeError):  # the mount is ending
            self._pool.submit(act, *arguments)

    def _send_early(self) -> None:
        """Ask about the blocks that wait, and have those sent that the cloud does not have. One of these at a time."""
        with self._journal.changed:
            batch: dict[str, list[str]] = {}
            while self._early and sum(map(len, batch.values())) < EARLY_BATCH:
                container, name = self._early.popleft()
                if not self._sent.has(name):
                    batch.setdefault(container, []).append(name)
        try:
            for container, names in batch.items():
                staged = [name for name in dict.fromkeys(names) if self._staging.has(name)]
                if not staged:
                    continue
                asked = Hashmap(len(staged) * DEFAULT_BLOCK_SIZE, tuple(staged))
                with self._slots:
                    missing = set(self._store.missing_blocks(container, asked))
                for name in staged:
                    if name in missing:
                        self._submit(self._send_early_block, container, name)
                    else:
                        self._sent.add(name)
        except (PithosfsError, OSError) as trouble:
            log.debug("blocks not sent early: %s", trouble)  # they go with their file
        finally:
            with self._journal.changed:
                self._early_busy = bool(self._early) and not self._stopping
                again = self._early_busy
            if again:
                self._submit(self._send_early)

    def _send_early_block(self, container: str, name: str) -> None:
        if self._stopping or self._failures:
            return

        def put() -> None:
            with self._slots:
                size = self._staging.size(name)
                data = self._staging.read(name, 0, size) if size is not None else None
                if data is None or not self._staging.retained(name):
                    raise Interrupted  # the file is gone again
                self._store.put_block(container, data)

        try:
            self._sent.once(name, put, since=0)
        except (Interrupted, PithosfsError, OSError) as trouble:
            log.debug("a block not sent early: %r", trouble)

    # for the file system --------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def hold(self, paths: Iterable[ObjectPath]) -> Iterator[None]:
        """Within this, nothing at or below the paths is being sent, nor begins to be.

        Waits for what is under way, which stops at its next block. Raises TimedOut when a request takes too long.
        """
        held = list(paths)
        changed = self._journal.changed
        with changed:
            self._held += held
        try:
            with changed:

                def under_way() -> list[Sending]:
                    return [
                        one
                        for one in self._sending.values()
                        if any(is_at_or_below(one.row.path, path) for path in held)
                    ]

                for one in under_way():
                    one.stop.set()
                if not changed.wait_for(lambda: not under_way(), HOLD_LIMIT):
                    raise TimedOut(f"{held[0]} is still being sent")
            yield
        finally:
            with changed:
                for path in held:
                    self._held.remove(path)
                changed.notify_all()

    def drain(
        self,
        paths: ObjectPath | None = None,
        *,
        deadline: float | None,
        progress: Callable[[dict[str, Any]], None] | None = None,
    ) -> list[Pending]:
        """Send what is pending now, everything or at and below a path; returns what could not be, with its `error`.

        Rows that failed before are tried again. With a `deadline` (`time.monotonic`) what can mend is tried until
        then; without, everything is tried once. `progress` gets `status()` now and then.
        """
        changed = self._journal.changed
        with changed:
            self._away_until = 0.0
            rows = self._journal.expedite(paths)
            before = {row.id: self._attempted.get(row.id, 0) for row in rows}
            losses = self._losses
        told = 0.0
        while True:
            with changed:
                left = [row for row in map(self._current, rows) if row is not None]
                ended = not any(row.id in self._sending for row in rows) and all(
                    self._given_up(row, before[row.id], deadline) for row in left
                )
                now = time.monotonic()
                # Without a connection, and without a time to wait for one, the others need not even try.
                late = self._stopping or (self._losses > losses if deadline is None else now >= deadline)
                if ended or late:
                    break
                limit = None if deadline is None else deadline - now
                if progress is not None and now - told >= PROGRESS_STEP:
                    told = now
                else:
                    step = PROGRESS_STEP if progress is not None else None
                    changed.wait(min((one for one in (limit, step) if one is not None), default=None))
                    continue
            progress(self.status())
        return [row if row.error else replace(row, error=self._why(row)) for row in left]

    def _current(self, row: Pending) -> Pending | None:
        """The row as it is now, wherever it was moved; None when it is gone."""
        return self._journal.by_id(row.id)

    def _given_up(self, row: Pending, before: int, deadline: float | None) -> bool:
        """Whether a drain need not wait for this row any longer. Called with `changed` held."""
        if not row.error:
            return False
        tried = self._attempted.get(row.id, 0) > before
        return tried and (deadline is None or row.state is State.FAILED)

    def _why(self, row: Pending) -> str:
        if self._stopping:
            return "the mount is ending"
        return "the cloud cannot be reached" if self._failures else "not sent in time"

    def status(self) -> dict[str, Any]:
        """What is pending, JSON-able; sizes in bytes."""
        with self._journal.changed:
            rows = self._journal.all()
            sending = list(self._sending.values())
        return {
            "pending_files": len(rows),
            "pending_bytes": sum(row.content.size for row in rows if row.content is not None),
            "uploading": [[str(one.row.path), min(one.done, one.size), one.size] for one in sending],
            "failed": [[str(row.path), row.error] for row in rows if row.error],
            "conflicts": [[str(path), str(copy)] for path, copy in sorted(self._journal.conflicts().items())],
        }


def _jittered(wait: float) -> float:
    """A little less, so that clients which failed together do not come back together."""
    return wait * random.uniform(0.75, 1.0)  # noqa: S311  (no secret)
