"""The journal's SQLite file: its schema, and every statement on it."""

from __future__ import annotations

import errno
import json
import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from pithosfs.errors import LocalError
from pithosfs.mount.pending import COLUMNS, Pending, State, from_row, to_row
from pithosfs.store import ObjectPath

__all__ = ["JournalDatabase"]

SCHEMA_VERSION = 1
SCHEMA = """
CREATE TABLE pending (              -- one row a name that was changed here and is not on the cloud yet
    id INTEGER PRIMARY KEY AUTOINCREMENT,  -- never used twice; stays while the name is pending, over renames too
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


class JournalDatabase:
    """One open journal file. Errors of SQLite come out as OSError (ENOSPC, EIO), a file that cannot be used at all as
    LocalError.

    Every method that changes something is to be called within `transaction`, which is what makes it thread-safe.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._lock = threading.RLock()
        try:
            self._db = sqlite3.connect(directory / "journal.db", isolation_level=None, check_same_thread=False)
        except sqlite3.Error as trouble:
            raise self._unusable(trouble) from trouble
        try:
            self._prepare()
        except BaseException as trouble:
            self._db.close()
            if isinstance(trouble, sqlite3.Error):
                raise self._unusable(trouble) from trouble
            raise

    def _prepare(self) -> None:
        db = self._db
        db.row_factory = sqlite3.Row
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version == 0:
            db.executescript(f"BEGIN; {SCHEMA} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;")
        elif version != SCHEMA_VERSION:
            raise LocalError(
                f"the journal in {self._directory} was written by another version of pithosfs",
                hint="use that version to send what is in it",
            )

    def _unusable(self, trouble: Exception) -> LocalError:
        return LocalError(
            f"the journal in {self._directory} cannot be used: {trouble}",
            hint="it may hold changes that are not on the cloud; move the folder away to go on without them",
        )

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    @contextmanager
    def transaction(self, *, durable: bool = False) -> Iterator[None]:
        """All or nothing. With `durable` it survives a power cut, and everything that was committed before it."""
        with self._lock:
            try:
                if durable:
                    self._db.execute("PRAGMA synchronous = FULL")
                try:
                    self._db.execute("BEGIN IMMEDIATE")
                    try:
                        yield
                        self._db.execute("COMMIT")
                    except BaseException:
                        if self._db.in_transaction:
                            self._db.execute("ROLLBACK")
                        raise
                finally:
                    if durable:
                        self._db.execute("PRAGMA synchronous = NORMAL")
            except sqlite3.Error as trouble:
                full = getattr(trouble, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL
                code = errno.ENOSPC if full else errno.EIO
                raise OSError(code, f"{os.strerror(code)} (journal: {trouble})", str(self._directory)) from trouble

    # pending changes ------------------------------------------------------------------------------------------------

    def rows(self) -> list[tuple[Pending, bool]]:
        """All pending changes, the oldest first, and whether they are durable. Raises LocalError on damage."""
        try:
            with self._lock:
                return [from_row(row) for row in self._db.execute("SELECT * FROM pending ORDER BY id")]
        except (sqlite3.Error, ValueError, KeyError, TypeError) as trouble:
            raise self._unusable(trouble) from trouble

    def store(self, pending: Pending, *, durable: bool) -> Pending:
        """Insert a change (id 0), or replace the one with its id; returns it with its id."""
        if pending.state is State.UPLOADING:
            return replace(self.store(replace(pending, state=State.PENDING), durable=durable), state=State.UPLOADING)
        values = to_row(pending, durable=durable)
        if pending.id:
            columns = ", ".join(f"{one} = ?" for one in COLUMNS)
            self._db.execute(f"UPDATE pending SET {columns} WHERE id = ?", (*values, pending.id))  # noqa: S608
            return pending
        marks = ", ".join("?" * len(COLUMNS))
        cursor = self._db.execute(
            f"INSERT INTO pending ({', '.join(COLUMNS)}) VALUES ({marks})",  # noqa: S608
            values,
        )
        return replace(pending, id=cursor.lastrowid or 0)

    def park(self, ids: Sequence[int]) -> None:
        """Take these changes off their names, until each is stored again: they may take each other's names."""
        for one in ids:
            self._db.execute("UPDATE pending SET container = container || ? WHERE id = ?", ("\0moving", one))

    def note_failure(self, pending: Pending) -> None:
        """Store state and error only."""
        values = (pending.state.value, pending.error, pending.id)
        self._db.execute("UPDATE pending SET state = ?, error = ? WHERE id = ?", values)

    def delete(self, pending: Pending) -> None:
        """The change is done."""
        self._db.execute("DELETE FROM pending WHERE id = ?", (pending.id,))

    # uploads begun, conflicts, intents ------------------------------------------------------------------------------

    def sending(self) -> list[tuple[ObjectPath, str, int]]:
        """Name, root and size of the uploads that were begun."""
        with self._lock:
            return [(_path(row), row["root"], row["size"]) for row in self._db.execute("SELECT * FROM sending")]

    def add_sending(self, path: ObjectPath, root: str, size: int) -> None:
        """An upload begins."""
        self._db.execute("INSERT OR IGNORE INTO sending VALUES (?, ?, ?, ?, ?)", (*_key(path), root, size))

    def forget_sending(self, path: ObjectPath) -> None:
        """Nothing of this name is on its way any more."""
        self._db.execute(f"DELETE FROM sending WHERE {PLACE}", _key(path))  # noqa: S608

    def conflicts(self) -> list[tuple[ObjectPath, str]]:
        """Names in conflict, and the names that our contents got."""
        with self._lock:
            return [(_path(row), row["copy"]) for row in self._db.execute("SELECT * FROM conflicts")]

    def set_conflict(self, path: ObjectPath, copy: str | None) -> None:
        """Note a conflict, or (None) that there is none."""
        if copy is None:
            self._db.execute(f"DELETE FROM conflicts WHERE {PLACE}", _key(path))  # noqa: S608
        else:
            self._db.execute("INSERT OR REPLACE INTO conflicts VALUES (?, ?, ?, ?)", (*_key(path), copy))

    def add_intent(self, kind: str, payload: object) -> int:
        """Note an operation; returns its number."""
        values = (kind, json.dumps(payload))
        return self._db.execute("INSERT INTO intents (kind, payload) VALUES (?, ?)", values).lastrowid or 0

    def delete_intent(self, number: int) -> None:
        """The operation is over."""
        self._db.execute("DELETE FROM intents WHERE id = ?", (number,))

    def intents(self) -> list[tuple[int, str, Any]]:
        """Operations that are not over: (number, kind, payload)."""
        with self._lock:
            rows = self._db.execute("SELECT id, kind, payload FROM intents ORDER BY id").fetchall()
        return [(row["id"], row["kind"], json.loads(row["payload"])) for row in rows]


def _key(path: ObjectPath) -> tuple[str, str, str]:
    return path.account, path.container, path.name


def _path(row: sqlite3.Row) -> ObjectPath:
    return ObjectPath(row["account"], row["container"], row["name"])
