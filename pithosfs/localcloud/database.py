"""The local cloud's SQLite database: many readers, one writer thread that commits in groups.

Threads and what each may touch:

- the *writer* thread owns the one writing connection. It takes queued functions, runs each in a savepoint of one shared
  transaction until the queue is empty (or `GROUP_LIMIT` is reached), commits with `synchronous=FULL`, and only then
  tells the callers. While it waits for the disk the next group gathers, so that the cost of an fsync is shared by
  everybody who writes at the same time.
- the *event loop* thread owns one read-only connection, for short reads that need no thread.
- long reads (listings) run in a small pool of threads, each with a read-only connection of its own.

Other processes may write to the same file (`pithosfs localcloud user add` does): WAL and a busy time-out keep that
apart. Every connection has foreign keys on and gives `sqlite3.Row` rows.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pithosfs.errors import LocalError
from pithosfs.localcloud.lock import FileLock

__all__ = ["GROUP_LIMIT", "Database", "Migration", "connect", "migrate", "schema_version", "transaction"]

T = TypeVar("T")

Migration = str | Callable[[sqlite3.Connection], None]
"""One step of a service's schema: SQL statements, or a function that is given the connection inside the transaction."""

GROUP_LIMIT = 512
"""Functions in one commit at most: bounds how long the first of them waits (about 20 µs each for the usual ones)."""

BUSY_SECONDS = 30.0
"""How long a connection waits for another process's transaction before it gives up with `sqlite3.OperationalError`."""

LONG_READERS = 4
"""Threads for long reads: more than the cores only to let one slow listing not hold up the others."""

_VERSIONS = """
CREATE TABLE IF NOT EXISTS schema_versions (
    service TEXT PRIMARY KEY,   -- the name a service passed to migrate()
    version INTEGER NOT NULL    -- how many of its steps have been carried out; never goes down
) WITHOUT ROWID
"""


def connect(path: Path, *, read_only: bool = False, own_thread: bool = False) -> sqlite3.Connection:
    """A connection with this database's settings; transactions are the caller's (no implicit BEGIN).

    `own_thread` makes SQLite refuse use from another thread than the one that called this.
    """
    with contextlib.suppress(FileExistsError):
        # For its owner only, as the files beside it will be. Never opened when it exists: closing it again would drop
        # the locks that other connections of this process have on it.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    connection = sqlite3.connect(
        path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=own_thread, cached_statements=512
    )
    try:
        _enter_wal_mode(connection, path)
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA synchronous=FULL")  # in WAL mode: an fsync of the log at each commit
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA temp_store=MEMORY")
        connection.execute("PRAGMA cache_size=-8192")  # KiB
        connection.execute("PRAGMA wal_autocheckpoint=4000")  # pages, 16 MiB: fewer pauses for checkpoints
        connection.execute("PRAGMA journal_size_limit=67108864")
        if read_only:
            connection.execute("PRAGMA query_only=ON")
    except BaseException:
        connection.close()
        raise
    return connection


def _enter_wal_mode(connection: sqlite3.Connection, path: Path) -> None:
    """Put a new database into WAL mode, where it stays for good.

    Two processes that do so at once would not wait for each other but fail: SQLite takes that for a deadlock.
    """
    if connection.execute("PRAGMA journal_mode").fetchall() == [("wal",)]:
        return
    lock = FileLock(path.with_name(path.name + ".lock"))
    lock.acquire()
    with lock:
        connection.execute("PRAGMA journal_mode=WAL").fetchall()


def transaction(connection: sqlite3.Connection, fn: Callable[[sqlite3.Connection], T]) -> T:
    """Run `fn` in one write transaction of its own: committed when it returns, rolled back when it raises."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        value = fn(connection)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return value


def migrate(connection: sqlite3.Connection, service: str, steps: Sequence[Migration]) -> None:
    """Carry out those of a service's steps that this database has not seen yet, all of them or none.

    `steps` is the whole history, oldest first: steps are only ever appended. Raises LocalError when the database was
    written by a newer version that knows more steps. Safe to call from several processes at once.
    """

    def advance(connection: sqlite3.Connection) -> None:
        connection.execute(_VERSIONS)
        done = schema_version(connection, service)
        if done > len(steps):
            raise LocalError(
                f"the local cloud's data was written by a newer version ({service}: step {done}, known: {len(steps)})",
                hint="install that version of pithosfs again, or use another data directory",
            )
        if done == len(steps):
            return
        for step in steps[done:]:
            if callable(step):
                step(connection)
            else:
                for statement in _statements(step):
                    connection.execute(statement)
        connection.execute(
            "INSERT INTO schema_versions (service, version) VALUES (?, ?)"
            " ON CONFLICT (service) DO UPDATE SET version = excluded.version",
            (service, len(steps)),
        )

    transaction(connection, advance)


def schema_version(connection: sqlite3.Connection, service: str) -> int:
    """How many steps of a service's schema were carried out; 0 in a database that is not there yet."""
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'schema_versions'").fetchone() is None:
        return 0
    row = connection.execute("SELECT version FROM schema_versions WHERE service = ?", (service,)).fetchone()
    return 0 if row is None else int(row[0])


def _statements(script: str) -> list[str]:
    """The statements of a script one by one: `executescript` would commit the transaction that we are in."""
    statements: list[str] = []
    pending = ""
    for piece in script.split(";"):
        pending += piece + ";"
        if sqlite3.complete_statement(pending):  # knows about strings, comments and trigger bodies
            statements.append(pending)
            pending = ""
    return [one for one in statements if one.strip("; \n\t")]


@dataclass(slots=True, eq=False)
class _Job:
    """A queued function, where its outcome goes, and the outcome."""

    fn: Callable[[sqlite3.Connection], Any]
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]
    value: Any = None
    error: BaseException | None = None


class Database:
    """The database of one running server (see the module's text for its threads).

    `open()` before use, `close()` at the end; both in the event loop's thread.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._queue: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._writer: threading.Thread | None = None
        self._reader: sqlite3.Connection | None = None
        self._pool: ThreadPoolExecutor | None = None
        self._idle: list[sqlite3.Connection] = []  # connections of long reads that nobody uses now
        self._idle_lock = threading.Lock()

    def open(self) -> None:
        """Create the file when there is none, recover it after a crash, start the writer."""
        if self._writer is not None:
            raise RuntimeError("the database is open already")
        connection = connect(self.path)
        try:
            self._reader = connect(self.path, read_only=True, own_thread=True)
        except BaseException:
            connection.close()
            raise
        self._pool = ThreadPoolExecutor(LONG_READERS, thread_name_prefix="database-read")
        self._writer = threading.Thread(target=self._write_groups, args=(connection,), name="database-write")
        self._writer.start()

    def close(self) -> None:
        """Let queued writes finish, put the log into the main file, and let everything go. May be called twice."""
        if self._writer is not None:
            self._queue.put(None)
            self._writer.join()
            self._writer = None
        if self._pool is not None:
            self._pool.shutdown(wait=True)
            self._pool = None
        for connection in self._idle:
            connection.close()
        self._idle.clear()
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def migrate(self, service: str, steps: Sequence[Migration]) -> None:
        """Bring a service's tables up to date (see `migrate`); to be called once the database is open."""
        connection = connect(self.path)
        try:
            migrate(connection, service, steps)
        finally:
            connection.close()

    # reading --------------------------------------------------------------------------------------------------------

    def read_now(self, fn: Callable[[sqlite3.Connection], T]) -> T:
        """Run a short read at once, in the event loop's thread; everything that `fn` sees is one snapshot.

        For reads by key that take microseconds. `fn` cannot write: SQLite refuses.
        """
        if self._reader is None:
            raise RuntimeError("the database is closed")
        return _snapshot(self._reader, fn)

    async def read(self, fn: Callable[[sqlite3.Connection], T]) -> T:
        """`read_now` for callers that await."""
        return self.read_now(fn)

    async def read_long(self, fn: Callable[[sqlite3.Connection], T]) -> T:
        """Run a read that may take milliseconds in a thread with a connection of its own; one snapshot."""
        if self._pool is None:
            raise RuntimeError("the database is closed")
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._read_in_thread, fn)

    def _read_in_thread(self, fn: Callable[[sqlite3.Connection], T]) -> T:
        with self._idle_lock:
            connection = self._idle.pop() if self._idle else None
        if connection is None:
            connection = connect(self.path, read_only=True)
        try:
            return _snapshot(connection, fn)
        finally:
            with self._idle_lock:
                self._idle.append(connection)

    # writing --------------------------------------------------------------------------------------------------------

    async def write(self, fn: Callable[[sqlite3.Connection], T]) -> T:
        """Run `fn` in the writer thread; returns its value once that is safe on the disk (after COMMIT).

        `fn` may raise: what it changed is rolled back, what others did in the same group stays, and the exception
        arrives here. It must not block, nor open or end transactions. A caller that is cancelled does not stop it.
        Raises sqlite3.Error when the commit fails (disk full): then nothing of the group was kept.
        """
        if self._writer is None:
            raise RuntimeError("the database is closed")
        loop = asyncio.get_running_loop()
        job = _Job(fn, loop, loop.create_future())
        self._queue.put(job)
        value: T = await job.future
        return value

    def _write_groups(self, connection: sqlite3.Connection) -> None:
        try:
            stopping = False
            while not stopping:
                first = self._queue.get()
                if first is None:
                    break
                group, stopping = self._run_group(connection, first)
                _deliver(group)
            connection.execute("PRAGMA optimize")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error:
            # Only the tidying at the end can come here. It is worth nothing to anybody: the log is replayed next time.
            pass
        finally:
            connection.close()

    def _run_group(self, connection: sqlite3.Connection, first: _Job) -> tuple[list[_Job], bool]:
        """One transaction: `first` and whatever is queued meanwhile. Also tells whether close() was among it."""
        group = [first]
        stopping = False
        try:
            connection.execute("BEGIN IMMEDIATE")
            _run_job(connection, first)
            while len(group) < GROUP_LIMIT:
                try:
                    job = self._queue.get_nowait()
                except queue.Empty:
                    break
                if job is None:
                    stopping = True
                    break
                group.append(job)
                _run_job(connection, job)
            connection.execute("COMMIT")
        except sqlite3.Error as failure:
            # The transaction could not begin, was ended by SQLite itself (disk full, I/O error) or could not be
            # committed: nobody's changes were kept, and everybody hears of it.
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            for job in group:
                job.error = job.error or failure
        return group, stopping


def _run_job(connection: sqlite3.Connection, job: _Job) -> None:
    """Run one function in a savepoint. Raises sqlite3.Error only when the whole transaction is lost."""
    connection.execute("SAVEPOINT job")
    try:
        job.value = job.fn(connection)
    except Exception as error:  # whatever it is, it belongs to the caller
        job.error = error
        if not connection.in_transaction:
            raise sqlite3.OperationalError("the transaction was lost") from error
        connection.execute("ROLLBACK TO job")
    connection.execute("RELEASE job")


def _deliver(group: list[_Job]) -> None:
    """Hand outcomes to the waiting callers, with one wake-up of each event loop."""
    for loop in {job.loop for job in group}:
        try:
            loop.call_soon_threadsafe(_settle, [job for job in group if job.loop is loop])
        except RuntimeError:
            continue  # that loop is closed: its callers are gone


def _settle(jobs: list[_Job]) -> None:
    for job in jobs:
        if job.future.done():
            continue  # cancelled meanwhile
        if job.error is not None:
            job.future.set_exception(job.error)
        else:
            job.future.set_result(job.value)


def _snapshot(connection: sqlite3.Connection, fn: Callable[[sqlite3.Connection], T]) -> T:
    connection.execute("BEGIN")
    try:
        return fn(connection)
    finally:
        connection.execute("ROLLBACK")
