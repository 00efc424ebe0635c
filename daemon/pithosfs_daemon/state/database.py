"""The connection to a pair's state database: transactions, and what becomes of them when the disk is full.

Changes are committed in batches (`commit`, and by themselves after a while). That is safe at any moment: an action
whose row was lost with its batch is found done by the next pass, and only noted. All methods may be called from
several threads; one at a time gets in.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pithosfs_daemon.state.nodes import parent_of
from pithosfs_daemon.state.schema import open_database

__all__ = ["PAGE", "Database", "NotNoted"]

BATCH_SECONDS = 1.0  # a change is committed after this at the latest, when another one comes
PAGE = 500  # rows that are in memory at once
_FULL = ("SQLITE_FULL", "SQLITE_IOERR_SHMSIZE")


class NotNoted(OSError):
    """The state cannot be written or read: `errno` is ENOSPC or EIO. No pass can go on without it."""


class Database:
    """One open database."""

    def __init__(
        self, path: Path, *, clock: Callable[[], float] = time.time, batch_seconds: float = BATCH_SECONDS
    ) -> None:
        """Raises LocalError when the file cannot be used."""
        self.path = path
        self._clock = clock
        self._batch_seconds = batch_seconds
        self._lock = threading.RLock()
        self._db = open_database(path)
        self._begun: float | None = None
        self._lost: OSError | None = None
        self._inside = 0  # how many `changing` are in each other: a batch does not end within one

    def close(self) -> None:
        """Commit and close."""
        with self._lock:
            try:
                self.commit()
            finally:
                self._db.close()

    def commit(self) -> None:
        """Bring what was changed so far to the disk. Raises NotNoted when that cannot be done, or could not be done
        earlier (see `changing`); what was noted since the last commit is forgotten then."""
        with self._lock:
            lost, self._lost = self._lost, None
            if lost is not None:
                raise lost
            try:
                with self._all_or_nothing():
                    self._end_batch()
            finally:
                self._lost = None

    @contextmanager
    def changing(self) -> Iterator[sqlite3.Connection]:
        """The connection, with a transaction begun; what is done in here, also by calls that have a `changing` of their
        own, is done together.

        Raises NotNoted when something cannot be written, as when the disk is full, and from then on until `commit` has
        raised it too: the batch is lost, and nothing may be built on what was forgotten.
        """
        with self._lock:
            self._check()
            with self._all_or_nothing():
                now = time.monotonic()
                if self._begun is not None and not self._inside and now - self._begun >= self._batch_seconds:
                    self._end_batch()
                if self._begun is None:
                    self._db.execute("BEGIN IMMEDIATE")
                    self._begun = now
                self._db.execute("SAVEPOINT change")
                self._inside += 1
                try:
                    yield self._db
                except (sqlite3.OperationalError, NotNoted):
                    raise
                except BaseException:
                    self._db.execute("ROLLBACK TO change")
                    self._db.execute("RELEASE change")
                    raise
                finally:
                    self._inside -= 1
                self._check()  # a change in this one may have lost the batch, and somebody have dealt with that
                self._db.execute("RELEASE change")

    def _check(self) -> None:
        if self._lost is not None:
            raise NotNoted(self._lost.errno, self._lost.strerror, self._lost.filename)

    def _end_batch(self) -> None:
        if self._begun is not None:
            self._db.execute("COMMIT")
            self._begun = None

    @contextmanager
    def _all_or_nothing(self) -> Iterator[None]:
        """When something cannot be written the whole batch is given up. The database may have done that by itself:
        going on would leave a part of what belongs together."""
        try:
            yield
        except sqlite3.OperationalError as error:
            self._begun, self._lost = None, self._not_noted(error)
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise self._lost from error

    def rows(self, sql: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> list[sqlite3.Row]:
        """All rows of a question."""
        with self._lock:
            try:
                return self._db.execute(sql, values).fetchall()
            except sqlite3.OperationalError as error:
                raise self._not_noted(error) from error

    def _not_noted(self, error: sqlite3.OperationalError) -> NotNoted:
        code = errno.ENOSPC if getattr(error, "sqlite_errorname", "") in _FULL else errno.EIO
        return NotNoted(code, f"{os.strerror(code)} (what is known of both sides: {error})", str(self.path))

    @staticmethod
    def _sweep(db: sqlite3.Connection, name: str) -> None:
        db.execute("DELETE FROM node WHERE name = ? AND b_kind = 0 AND l_kind = 0 AND r_kind = 0", (name,))

    @staticmethod
    def _make(db: sqlite3.Connection, name: str) -> None:
        db.execute("INSERT OR IGNORE INTO node (name, parent) VALUES (?, ?)", (name, parent_of(name)))
