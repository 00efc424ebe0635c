"""The journal: what was changed in the mount and is not on the cloud yet.

One row a name, in SQLite; a mirror of all rows in memory answers the file system. A row is there before the operation
that made it returns, and goes only after the cloud has the change. Ordinary rows survive the end of the process at any
moment; durable ones, with their blocks, a power cut (WAL: a commit with synchronous=FULL brings everything before it
to the disk as well, and without it a power cut leaves an earlier, consistent state).

What may have happened on the server before a kill is kept too: `sending` has the contents whose PUT was begun, so that
our own earlier upload is not taken for somebody else's.

A journal lives in a *slot*, a folder that one process has locked: `journal.db`, `lock`, `blocks/`.

Locks: `_write` is held while a row is written (and, for a durable one, brought to the disk); inside it `changed`, the
lock of the mirror and the condition that the uploader waits on, for a moment each time. `changed` is never held during
I/O, so look-ups do not wait for the disk. Nothing here uses the network.
"""

from __future__ import annotations

import errno
import hashlib
import heapq
import itertools
import json
import logging
import os
import sqlite3
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from pithosfs.errors import LocalError
from pithosfs.mount.origin import Origin
from pithosfs.mount.pending import COLUMNS, Pending, State, from_row, to_row
from pithosfs.mount.slots import SlotLock, claim_slots
from pithosfs.mount.staging import Staging, empty_block_name
from pithosfs.store import ObjectInfo, ObjectPath

__all__ = ["Journal", "Pending", "State"]

log = logging.getLogger(__name__)

SCHEMA_VERSION = 1
SCHEMA = """
CREATE TABLE pending (              -- one row a name that was changed here and is not on the cloud yet
    id INTEGER PRIMARY KEY AUTOINCREMENT,  -- never used twice; stays while the name is pending
    account TEXT NOT NULL, container TEXT NOT NULL, name TEXT NOT NULL,
    kind TEXT NOT NULL,             -- file, folder, symlink, gone
    generation INTEGER NOT NULL,    -- counts the changes of the row
    state TEXT NOT NULL,            -- see State; `uploading` is never stored
    error TEXT NOT NULL,            -- why it is `failed`, '' otherwise
    ready_at REAL NOT NULL,         -- not to be sent before (seconds since the epoch)
    created REAL NOT NULL,
    durable INTEGER NOT NULL,       -- 1: it and its blocks were brought to the disk; so is all that replaces it
    base TEXT,                      -- ETag that it is based on, '' = nothing was there, NULL = no condition
    size INTEGER, block_size INTEGER, algorithm TEXT,  -- the new content; NULL: the content does not change
    blocks BLOB,                    -- its digests, one after the other
    origin_size INTEGER, origin_blocks BLOB,  -- likewise of the version that has the blocks that are not staged
    rest TEXT NOT NULL,             -- JSON: meta, content_type, sharing, public, extents, base_info, origin
    UNIQUE (account, container, name)
);
CREATE TABLE sending (              -- contents of a name whose upload was begun: one of them may be on the cloud
    account TEXT NOT NULL, container TEXT NOT NULL, name TEXT NOT NULL,
    root TEXT NOT NULL, size INTEGER NOT NULL,
    PRIMARY KEY (account, container, name, root, size)
) WITHOUT ROWID;
CREATE TABLE conflicts (            -- names where somebody else was faster, and the name that our content got
    account TEXT NOT NULL, container TEXT NOT NULL, name TEXT NOT NULL,
    copy TEXT NOT NULL,
    PRIMARY KEY (account, container, name)
) WITHOUT ROWID;
CREATE TABLE intents (              -- operations of more than one step on the server that were begun
    id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, payload TEXT NOT NULL  -- JSON
);
"""
PLACE = "account = ? AND container = ? AND name = ?"
REMEMBERED = 10_000  # names whose last upload is remembered, for a change that was under way meanwhile
CLOCK_SLACK = 300.0  # seconds; a row that is to wait longer was made before the clock was set back


class Journal:
    """The journal of one slot. Thread-safe. Raises OSError (ENOSPC, EIO) from the disk: then nothing was changed.

    `Journal(directory)` locks the slot; LocalError when another process has it.
    """

    def __init__(self, directory: Path, *, lock: SlotLock | None = None) -> None:
        self.directory = directory
        self._lock_file = lock or SlotLock.take(directory)
        if self._lock_file is None:
            raise LocalError(f"the journal in {directory} is used by another process")
        self._write = threading.RLock()
        self.changed = threading.Condition()
        self._rows: dict[ObjectPath, Pending] = {}
        self._children: dict[tuple[str, str, str], dict[str, Pending]] = {}
        self._durable: set[int] = set()
        self._sending: dict[ObjectPath, set[tuple[str, int]]] = {}
        self._conflicts: dict[ObjectPath, ObjectPath] = {}
        self._uploads: OrderedDict[ObjectPath, tuple[str | None, str, ObjectInfo]] = OrderedDict()
        self._claimed: dict[int, ObjectPath] = {}
        self._queue: list[tuple[float, int, int, ObjectPath]] = []
        self._order = itertools.count()
        self._growth = 0
        self._staging: Staging | None = None
        self._closed = False
        try:
            self._db = self._open()
            self._load()
        except BaseException:
            self._lock_file.release()
            raise

    @classmethod
    def open_slot(cls, state_dir: Path, key: str) -> tuple[Journal, list[Journal]]:
        """The own journal for the account `key` (an opaque text), and those that ended processes left with rows.

        The own one is the first free slot with rows, else a free one. Slots that other processes use are left alone.
        """
        free = claim_slots(state_dir / "journal", key)
        journals = []
        try:
            for lock in free:
                journals.append(cls(lock.directory, lock=lock))
        except BaseException:
            for one in journals:
                one.close()
            for lock in free[len(journals) :]:
                lock.release()
            raise
        own = next((one for one in journals if len(one)), journals[0])
        left = []
        for one in journals:
            if one is not own and len(one):
                left.append(one)
            elif one is not own:
                one.close()
        return own, left

    def close(self) -> None:
        """Close the database and free the slot. Rows stay."""
        with self._write:
            if self._closed:
                return
            self._closed = True
            self._db.close()
            self._lock_file.release()
        with self.changed:
            self.changed.notify_all()

    # the database ---------------------------------------------------------------------------------------------------

    def _open(self) -> sqlite3.Connection:
        db = sqlite3.connect(self.directory / "journal.db", isolation_level=None, check_same_thread=False)
        try:
            db.row_factory = sqlite3.Row
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = NORMAL")
            version = db.execute("PRAGMA user_version").fetchone()[0]
            if version == 0:
                db.executescript(f"BEGIN; {SCHEMA} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;")
            elif version != SCHEMA_VERSION:
                raise LocalError(
                    f"the journal in {self.directory} was written by another version of pithosfs",
                    hint="use that version to send what is in it",
                )
        except BaseException:
            db.close()
            raise
        return db

    @contextmanager
    def _transaction(self, *, durable: bool = False) -> Iterator[sqlite3.Connection]:
        """One transaction, with the write lock held. Errors of SQLite come out as OSError."""
        with self._write:
            try:
                if durable:
                    self._db.execute("PRAGMA synchronous = FULL")
                try:
                    self._db.execute("BEGIN IMMEDIATE")
                    try:
                        yield self._db
                        self._db.execute("COMMIT")
                    except BaseException:
                        if self._db.in_transaction:
                            self._db.execute("ROLLBACK")
                        raise
                finally:
                    if durable:
                        self._db.execute("PRAGMA synchronous = NORMAL")
            except sqlite3.Error as trouble:
                raise self._as_oserror(trouble) from trouble

    def _as_oserror(self, trouble: sqlite3.Error) -> OSError:
        full = getattr(trouble, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL
        code = errno.ENOSPC if full else errno.EIO
        return OSError(code, f"{os.strerror(code)} (journal: {trouble})", str(self.directory))

    def _load(self) -> None:
        for row in self._db.execute("SELECT * FROM pending ORDER BY id"):
            pending, durable = from_row(row)
            # Files that were open belong to a process that has ended; what failed then may succeed now.
            pending = replace(pending, state=State.PENDING if pending.state is not State.CONFLICT else pending.state)
            pending = replace(pending, ready_at=min(pending.ready_at, time.time()))
            if durable:
                self._durable.add(pending.id)
            self._place(pending)
        for row in self._db.execute("SELECT * FROM sending"):
            self._sending.setdefault(_path(row), set()).add((row["root"], row["size"]))
        for row in self._db.execute("SELECT * FROM conflicts"):
            self._conflicts[_path(row)] = replace(_path(row), name=row["copy"])

    # looking --------------------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self._rows)

    def get(self, path: ObjectPath) -> Pending | None:
        """The pending change of a name."""
        return self._rows.get(path)

    def all(self) -> list[Pending]:
        """All rows, the oldest first."""
        with self.changed:
            return sorted(self._rows.values(), key=lambda row: row.id)

    def children(self, folder: ObjectPath) -> dict[str, Pending]:
        """The rows of names directly in a folder, by the last part of their (server) name."""
        with self.changed:
            return dict(self._children.get((folder.account, folder.container, folder.name), ()))

    def below(self, folder: ObjectPath) -> list[Pending]:
        """The rows of all names below a folder (or in a container), without the folder's own, the oldest first."""
        with self.changed:
            found = [row for path, row in self._rows.items() if path != folder and _at_or_below(path, folder)]
        return sorted(found, key=lambda row: row.id)

    def usage(self) -> int:
        """Bytes by which the account's usage grows when everything is sent, at least 0."""
        return max(0, self._growth)

    def conflict(self, path: ObjectPath) -> ObjectPath | None:
        """Where our content went when somebody else was faster under this name; forgotten with its next change."""
        return self._conflicts.get(path)

    def conflicts(self) -> dict[ObjectPath, ObjectPath]:
        """All of those."""
        with self.changed:
            return dict(self._conflicts)

    def blocks_in_use(self) -> set[str]:
        """The names of all blocks of pending contents, staged or not."""
        with self.changed:
            return {name for row in self._rows.values() for name in row.blocks}

    # changing -------------------------------------------------------------------------------------------------------

    def attach(self, staging: Staging) -> None:
        """From now on rows retain their blocks in this staging; what is there and needed by none is removed."""
        with self._write:
            self._staging = staging
            for row in self._rows.values():
                staging.retain(row.blocks)
        staging.sweep()

    def put(self, pending: Pending, *, durable: bool = False) -> Pending:
        """Insert a row, or replace the one of that path; returns it with its id and generation.

        With `durable` it survives a power cut, its staged blocks too. What replaces a durable row becomes durable. A
        row that was derived from an older state of the one in place (same `id`, other `generation`) is refused with
        EBUSY: it would undo a change. `update` does such changes safely.
        """
        return self._put(pending, durable=durable)

    def update(
        self, path: ObjectPath, change: Callable[[Pending], Pending | None], *, durable: bool = False
    ) -> Pending | None:
        """Replace the row of a path by what `change` makes of it (None: leave it). None when there is no row.

        `change` must be quick and touch no locks: it is called with the journal locked.
        """
        with self._write:
            row = self._rows.get(path)
            made = change(row) if row is not None else None
            return row if made is None else self._put(made, durable=durable)

    def _put(self, pending: Pending, *, durable: bool, conflict: ObjectPath | None = None) -> Pending:
        path = pending.path
        if durable:
            self._sync_blocks(pending)  # before the lock: it may take a while
        with self._write:
            before = self._rows.get(path)
            if before is not None and pending.id == before.id and pending.generation not in (0, before.generation):
                raise OSError(errno.EBUSY, "the pending change was replaced meanwhile", str(path))
            if before is not None and before.id in self._durable and not durable:
                durable = True
                self._sync_blocks(pending)
            pending = self._on_top(pending)
            pending = replace(
                pending,
                id=before.id if before is not None else 0,
                generation=before.generation + 1 if before is not None else 1,
                state=State.PENDING if pending.state is State.UPLOADING else pending.state,
                error="",
                attempts=0,
                created=pending.created or time.time(),
            )
            with self._transaction(durable=durable) as db:
                pending = self._store(db, pending, durable=durable)
                if path in self._conflicts:
                    db.execute(f"DELETE FROM conflicts WHERE {PLACE}", _key(path))  # noqa: S608
            self._retain(pending, before)
            with self.changed:
                self._conflicts.pop(path, None)
                if durable:
                    self._durable.add(pending.id)
                self._place(pending)
                self.changed.notify_all()
        self._release(before)
        return pending

    def _on_top(self, pending: Pending) -> Pending:
        """A change whose base was replaced by our own upload meanwhile is based on that upload."""
        uploaded = self._uploads.get(pending.path)
        if uploaded is None or pending.base is None:
            return pending
        base, version, info = uploaded
        own = pending.base_info.version if pending.base_info is not None and pending.base else ""
        if pending.base != base or own != version:
            return pending
        return replace(pending, base=info.etag or info.hash, base_info=info, extents=None)

    def _store(self, db: sqlite3.Connection, pending: Pending, *, durable: bool) -> Pending:
        values = to_row(pending, durable=durable)
        if pending.id:
            columns = ", ".join(f"{one} = ?" for one in COLUMNS)
            db.execute(f"UPDATE pending SET {columns} WHERE id = ?", (*values, pending.id))  # noqa: S608
            return pending
        marks = ", ".join("?" * len(COLUMNS))
        cursor = db.execute(f"INSERT INTO pending ({', '.join(COLUMNS)}) VALUES ({marks})", values)  # noqa: S608
        return replace(pending, id=cursor.lastrowid or 0)

    def _sync_blocks(self, pending: Pending) -> None:
        if self._staging is not None:
            self._staging.sync(pending.blocks)

    def remove(self, id: int, generation: int) -> bool:
        """Remove a row, if it has not changed since it had that generation."""
        with self._write:
            row = next((one for one in self._rows.values() if one.id == id), None)
            if row is None or row.generation != generation:
                return False
            with self._transaction() as db:
                self._delete(db, row)
            with self.changed:
                self._forget(row)
                self.changed.notify_all()
        self._release(row)
        return True

    def _delete(self, db: sqlite3.Connection, row: Pending) -> None:
        db.execute("DELETE FROM pending WHERE id = ?", (row.id,))
        if row.path in self._sending:
            db.execute(f"DELETE FROM sending WHERE {PLACE}", _key(row.path))  # noqa: S608

    def rename(self, source: ObjectPath, target: ObjectPath) -> Pending | None:
        """Give a row another name, in place of a row there. None when there is no such row."""
        with self._write:
            row = self._rows.get(source)
            if row is None:
                return None
            self._move([(row, target)])
            return self._rows.get(target)

    def rename_below(self, source: ObjectPath, target: ObjectPath) -> None:
        """A folder has a new name: the rows of it and of everything below it follow, all or none."""
        with self._write:
            moves = []
            for path, row in self._rows.items():
                if _at_or_below(path, source):
                    moves.append((row, replace(target, name=target.name + path.name[len(source.name) :])))
            self._move(moves)

    def _move(self, moves: Sequence[tuple[Pending, ObjectPath]], *, change: dict[str, Any] | None = None) -> None:
        """Called with the write lock held."""
        sources = {row.path for row, _ in moves}
        replaced = [self._rows[path] for _, path in moves if path in self._rows and path not in sources]
        made = [replace(row, path=path, generation=row.generation + 1, **(change or {})) for row, path in moves]
        with self._transaction() as db:
            for row in replaced:
                self._delete(db, row)
            for row, _ in moves:
                # Out of the way first: a row may move to where another one comes from.
                db.execute("UPDATE pending SET container = container || ? WHERE id = ?", ("\0moving", row.id))
            for one in made:
                self._store(db, one, durable=one.id in self._durable)
                db.execute(f"DELETE FROM conflicts WHERE {PLACE}", _key(one.path))  # noqa: S608
            for row, path in moves:
                if row.path in self._sending:
                    db.execute(f"DELETE FROM sending WHERE {PLACE}", _key(row.path))  # noqa: S608
                if path in self._sending and path not in sources:
                    db.execute(f"DELETE FROM sending WHERE {PLACE}", _key(path))  # noqa: S608
        with self.changed:
            for row in replaced:
                self._forget(row)
            for row, _ in moves:
                self._forget(row, durable=row.id in self._durable)
            for one in made:
                self._conflicts.pop(one.path, None)
                self._place(one)
            self.changed.notify_all()
        for row in replaced:
            self._release(row)

    # operations of several steps ------------------------------------------------------------------------------------

    def intent(self, kind: str, payload: object) -> int:
        """Note that an operation begins; `payload` is JSON-able. It survives a power cut. Returns its number."""
        with self._transaction(durable=True) as db:
            values = (kind, json.dumps(payload))
            return db.execute("INSERT INTO intents (kind, payload) VALUES (?, ?)", values).lastrowid or 0

    def done(self, id: int) -> None:
        """The operation is over."""
        with self._transaction() as db:
            db.execute("DELETE FROM intents WHERE id = ?", (id,))

    def intents(self) -> list[tuple[int, str, Any]]:
        """Operations that were begun and are not over, in their order: (number, kind, payload)."""
        with self._write:
            rows = self._db.execute("SELECT id, kind, payload FROM intents ORDER BY id").fetchall()
        return [(row["id"], row["kind"], json.loads(row["payload"])) for row in rows]

    # for the uploader -----------------------------------------------------------------------------------------------

    def claim(self, now: float, allowed: Callable[[ObjectPath], bool]) -> tuple[Pending | None, float | None]:
        """Take the row that is ready longest, for sending it; or tell when the next one will be ready.

        Called with `changed` held. A row stays claimed until `settle`, `rebase`, `failed` or `unclaim`; rows that
        `allowed` refuses are passed over.
        """
        passed = []
        found: Pending | None = None
        following: float | None = None
        while self._queue:
            entry = heapq.heappop(self._queue)
            ready_at, _, generation, path = entry
            row = self._rows.get(path)
            if row is None or row.generation != generation or row.ready_at != ready_at or row.id in self._claimed:
                continue  # replaced by a later entry
            if row.state in (State.OPEN, State.UPLOADING) or ready_at == float("inf"):
                continue
            if ready_at > now and ready_at - now < CLOCK_SLACK:
                following = ready_at
                passed.append(entry)
                break
            passed.append(entry)
            if allowed(path):
                passed.pop()
                found = row
                break
        for entry in passed:
            heapq.heappush(self._queue, entry)
        if found is not None:
            self._claimed[found.id] = found.path
            self._replace(replace(found, state=State.UPLOADING))
        return found, following

    def begin(self, row: Pending) -> None:
        """The content of a claimed row is about to be made an object."""
        if row.content is None:
            return
        what = (row.content.root, row.content.size)
        if what in self._sending.get(row.path, ()):
            return
        with self._transaction() as db:
            db.execute("INSERT OR IGNORE INTO sending VALUES (?, ?, ?, ?, ?)", (*_key(row.path), *what))
        self._sending.setdefault(row.path, set()).add(what)

    def sent_before(self, path: ObjectPath, root: str, size: int) -> bool:
        """Whether this content of the name may be one of our own uploads."""
        return (root, size) in self._sending.get(path, ())

    def settle(self, row: Pending, info: ObjectInfo | None) -> bool:
        """The cloud has a claimed row: it goes (True). If it was changed meanwhile, it stays, based on that now.

        `info` is what is on the server under the name, None when nothing is.
        """
        with self._write:
            current = self._rows.get(row.path)
            same = current is not None and current.id == row.id
            if same and current is not None and current.generation == row.generation:
                with self._transaction() as db:
                    self._delete(db, current)
                with self.changed:
                    self._forget(current)
                    self._remember(row, info)
                    self._claimed.pop(row.id, None)
                    self.changed.notify_all()
                gone: Pending | None = current
            else:
                gone = None
                if same and current is not None:
                    self._base_on(current, info, row)
                with self.changed:
                    self._remember(row, info)
                    self._claimed.pop(row.id, None)
                    if same:
                        self._requeue(row.path)
                    self.changed.notify_all()
        self._release(gone)
        return gone is not None

    def _remember(self, row: Pending, info: ObjectInfo | None) -> None:
        if info is None:
            self._uploads.pop(row.path, None)
            return
        version = row.base_info.version if row.base_info is not None and row.base else ""
        self._uploads[row.path] = (row.base, version, info)
        self._uploads.move_to_end(row.path)
        while len(self._uploads) > REMEMBERED:
            self._uploads.popitem(last=False)

    def rebase(self, row: Pending, info: ObjectInfo | None) -> Pending | None:
        """What the server has under the name of a claimed row is `info` (None: nothing), and to be replaced.

        Returns the claimed row as it is to be sent now; None when it is gone.
        """
        with self._write:
            current = self._rows.get(row.path)
            if current is None or current.id != row.id:
                return None
            return self._base_on(current, info, None)

    def _base_on(self, current: Pending, info: ObjectInfo | None, sent: Pending | None) -> Pending:
        """Called with the write lock held."""
        made = replace(current, base="" if info is None else info.etag or info.hash, base_info=info, extents=None)
        if info is not None and sent is not None and sent.content is not None and self._comes_from(current, sent):
            made = replace(made, origin=Origin(current.path, info.version, sent.content))
        with self._transaction() as db:
            self._store(db, replace(made, state=_stored(made.state)), durable=made.id in self._durable)
        with self.changed:
            self._replace(made)
        return made

    def _comes_from(self, current: Pending, sent: Pending) -> bool:
        """Whether all that is not staged of a content is in what was sent: then its older origin is not needed."""
        if current.content is None or current.origin is None or self._staging is None or sent.content is None:
            return False
        there = set(sent.content.hashes)
        empty = empty_block_name(current.content.algorithm)
        return all(one in there or one == empty or self._staging.has(one) for one in set(current.content.hashes))

    def failed(self, row: Pending, state: State, error: str, ready_at: float) -> None:
        """A claimed row could not be sent; it is to be tried again at `ready_at` (infinite: when somebody asks)."""
        with self._write:
            current = self._rows.get(row.path)
            if current is not None and current.id == row.id:
                if current.generation == row.generation:
                    current = replace(
                        current, state=state, error=error, attempts=current.attempts + 1, ready_at=ready_at
                    )
                    if state is State.FAILED:
                        self._note_failure(current)
                with self.changed:
                    self._replace(current)
            with self.changed:
                self._claimed.pop(row.id, None)
                self._requeue(row.path)
                self.changed.notify_all()

    def _note_failure(self, row: Pending) -> None:
        try:
            with self._transaction() as db:
                values = (row.state.value, row.error, row.id)
                db.execute("UPDATE pending SET state = ?, error = ? WHERE id = ?", values)
        except OSError as trouble:
            log.warning("not noted in the journal that %s failed: %s", row.path, trouble)

    def unclaim(self, row: Pending) -> None:
        """A claimed row was not sent after all."""
        with self.changed:
            self._claimed.pop(row.id, None)
            current = self._rows.get(row.path)
            if current is not None and current.id == row.id and current.state is State.UPLOADING:
                self._replace(replace(current, state=row.state))
            self._requeue(row.path)
            self.changed.notify_all()

    def claimed(self) -> list[ObjectPath]:
        """The names that are being sent."""
        with self.changed:
            return list(self._claimed.values())

    def expedite(self, folder: ObjectPath | None) -> list[Pending]:
        """Make rows (all, or at and below a path) ready now, those too that failed or belong to open files.

        Returns them.
        """
        with self.changed:
            found = [row for path, row in self._rows.items() if folder is None or _at_or_below(path, folder)]
            for index, row in enumerate(found):
                if row.id not in self._claimed:
                    state = row.state if row.state is State.CONFLICT else State.PENDING
                    found[index] = replace(row, ready_at=0.0, state=state, attempts=0)
                    self._replace(found[index])
                    self._requeue(row.path)
            self.changed.notify_all()
        return found

    def set_aside(self, row: Pending, copy: ObjectPath) -> Pending | None:
        """Somebody else was faster: what is pending of a claimed row's name goes to another, free name.

        Returns the row under its new name; None when it is gone, or `copy` is pending itself.
        """
        with self._write:
            current = self._rows.get(row.path)
            if current is None or current.id != row.id or copy in self._rows:
                return None
            change = {
                "base": "",
                "base_info": None,
                "sharing": None,
                "public": None,
                "extents": None,
                "state": State.CONFLICT,
                "ready_at": 0.0,
            }
            self._move([(current, copy)], change=change)
            try:
                with self._transaction() as db:
                    values = (*_key(row.path), copy.name)
                    db.execute("INSERT OR REPLACE INTO conflicts VALUES (?, ?, ?, ?)", values)
            except OSError as trouble:
                log.warning("not noted in the journal that %s is in conflict: %s", row.path, trouble)
            with self.changed:
                self._conflicts[row.path] = copy
                self._uploads.pop(row.path, None)
                self._claimed.pop(row.id, None)
                self._requeue(copy)
                self.changed.notify_all()
            return self._rows[copy]

    # the mirror: all called with `changed` held ---------------------------------------------------------------------

    def _place(self, row: Pending) -> None:
        before = self._rows.get(row.path)
        self._growth += row.growth - (before.growth if before is not None else 0)
        self._rows[row.path] = row
        folder, _, last = row.path.name.rpartition("/")
        self._children.setdefault((row.path.account, row.path.container, folder), {})[last] = row
        self._requeue(row.path)

    def _replace(self, row: Pending) -> None:
        """The same row with other properties; not queued anew."""
        self._growth += row.growth - self._rows[row.path].growth
        self._rows[row.path] = row
        folder, _, last = row.path.name.rpartition("/")
        self._children[row.path.account, row.path.container, folder][last] = row

    def _forget(self, row: Pending, *, durable: bool = False) -> None:
        if self._rows.pop(row.path, None) is None:
            return
        self._growth -= row.growth
        if not durable:
            self._durable.discard(row.id)
        self._sending.pop(row.path, None)
        folder, _, last = row.path.name.rpartition("/")
        key = (row.path.account, row.path.container, folder)
        siblings = self._children[key]
        siblings.pop(last, None)
        if not siblings:
            del self._children[key]

    def _requeue(self, path: ObjectPath) -> None:
        row = self._rows.get(path)
        if row is not None and row.id not in self._claimed:
            heapq.heappush(self._queue, (row.ready_at, next(self._order), row.generation, path))

    # blocks ---------------------------------------------------------------------------------------------------------

    def _retain(self, row: Pending, before: Pending | None) -> None:
        if self._staging is not None:
            self._staging.retain(row.blocks)

    def _release(self, row: Pending | None) -> None:
        if row is not None and self._staging is not None:
            self._staging.release(row.blocks)

    def check(self, staging: Staging) -> list[str]:
        """What is wrong, in words; empty when everything is in order. For tests and repair; no file may be open.

        Every block of a pending content must be staged and hash to its name, or be in its origin; nothing may be
        staged that no row needs; the mirror must be what the database has.
        """
        wrong = []
        with self._write:
            stored = {row.path: row for row, _ in map(from_row, self._db.execute("SELECT * FROM pending"))}
        if stored.keys() != self._rows.keys():
            wrong.append(f"database and mirror differ: {stored.keys() ^ self._rows.keys()}")
        for row in self.all():
            kept = stored.get(row.path)
            if kept is not None and (kept.content, kept.generation, kept.base) != (
                row.content,
                row.generation,
                row.base,
            ):
                wrong.append(f"{row.path}: database and mirror differ")
            wrong += _check_blocks(row, staging)
        orphans = {name for name in staging.staged() if not staging.retained(name)} | (
            staging.staged() - self.blocks_in_use()
        )
        wrong += [f"block {name} is staged and needed by none" for name in sorted(orphans)]
        wrong += [f"{name} was left behind" for name in staging.leftovers()]
        if self._growth != sum(row.growth for row in self.all()):
            wrong.append("the pending growth is counted wrong")
        return wrong


def _check_blocks(row: Pending, staging: Staging) -> list[str]:
    wrong: list[str] = []
    if row.content is None:
        return wrong
    empty = empty_block_name(row.content.algorithm)
    origin = set(row.origin.hashmap.hashes) if row.origin is not None else set()
    for index, name in enumerate(row.content.hashes):
        size = staging.size(name)
        if size is None:
            if name != empty and name not in origin:
                wrong.append(f"{row.path}: block {index} ({name}) is neither staged nor in the origin")
            continue
        data = staging.read(name, 0, size)
        if data is None or hashlib.new(row.content.algorithm, data).hexdigest() != name or data.endswith(b"\0"):
            wrong.append(f"{row.path}: block {index} ({name}) is damaged")
    return wrong


def _stored(state: State) -> State:
    return State.PENDING if state is State.UPLOADING else state


def _key(path: ObjectPath) -> tuple[str, str, str]:
    return path.account, path.container, path.name


def _path(row: sqlite3.Row) -> ObjectPath:
    return ObjectPath(row["account"], row["container"], row["name"])


def _at_or_below(path: ObjectPath, folder: ObjectPath) -> bool:
    if path.account != folder.account or path.container != folder.container:
        return False
    return not folder.name or path.name == folder.name or path.name.startswith(folder.name + "/")
