"""A pair's state database: every question to it and every change of it.

Changes are committed in batches (`commit`, and by themselves after a while). That is safe at any moment: an action
whose row was lost with its batch is found done by the next pass, and only noted. All methods may be called from
several threads; one at a time gets in.
"""

from __future__ import annotations

import errno
import json
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from pithosfs_daemon.state.nodes import Agreed, Node, RemoteSeen, pack_trouble, parent_of, to_node
from pithosfs_daemon.state.schema import ABSENT, CLASH, FILE, FOLDER, IMPLIED, OTHER, open_database
from pithosfs_daemon.values import Kind, Reason, Seen, Stamp, Trouble

__all__ = ["Conflict", "Counts", "LocalRow", "NotNoted", "Place", "RemoteRow", "State"]

BATCH_SECONDS = 1.0  # a change is committed after this at the latest, when another one comes
PAGE = 500  # rows that are in memory at once
_KIND = {None: ABSENT, Kind.FILE: FILE, Kind.FOLDER: FOLDER}
_TROUBLED = "l_trouble NOT NULL OR r_trouble NOT NULL OR trouble NOT NULL"
_AGREED = "b_kind, b_hash, b_size, b_version, b_etag, b_uuid, b_mtime, b_ctime, b_inode, b_mode, b_racy"


_FULL = ("SQLITE_FULL", "SQLITE_IOERR_SHMSIZE")


class NotNoted(OSError):
    """The state cannot be written or read: `errno` is ENOSPC or EIO. No pass can go on without it."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """A name that was changed on both sides, and the conflict copy: with our content, or with `theirs`. `at`: seconds
    since the epoch."""

    name: str
    copy: str
    at: float
    theirs: bool = False


@dataclass(frozen=True, slots=True)
class Counts:
    """Files and folders that are agreed on, and their bytes; names that wait for a decision; names in trouble."""

    files: int
    folders: int
    size: int
    dirty: int
    troubles: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where a block's content should be on this disk: a file that was agreed on, and the number of the block in it."""

    name: str
    stamp: Stamp
    position: int


class LocalRow(NamedTuple):
    """The local side of a row, as the columns have it."""

    kind: int
    size: int | None
    mtime: int | None
    ctime: int | None
    inode: int | None
    mode: int | None
    only_ignored: int
    racy: int
    trouble: str | None

    def shows(self, seen: Seen) -> bool:
        """Whether this is what was seen now. What a folder holds is looked at one by one: its times say nothing."""
        if self.racy or self.kind != _KIND[seen.kind]:
            return False
        stamp = seen.stamp
        if seen.kind is Kind.FOLDER:
            return (self.inode, bool(self.only_ignored)) == (stamp.inode, seen.only_ignored)
        return self[1:6] == (stamp.size, stamp.mtime_ns, stamp.ctime_ns, stamp.inode, stamp.mode)


class RemoteRow(NamedTuple):
    """The remote side of a row, as the columns have it."""

    id: int
    kind: int
    version: str | None
    uuid: str


class State:
    """One open database."""

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.time) -> None:
        """Raises LocalError when the file cannot be used."""
        self.path = path
        self._clock = clock
        self._lock = threading.RLock()
        self._db = open_database(path)
        self._begun: float | None = None
        self._lost: OSError | None = None

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
        """The connection, with a transaction begun; what is done in here is done together.

        Raises NotNoted when something cannot be written, as when the disk is full, and from then on until `commit` has
        raised it too: the batch is lost, and nothing may be built on what was forgotten.
        """
        with self._lock:
            if self._lost is not None:
                raise NotNoted(self._lost.errno, self._lost.strerror, self._lost.filename)
            with self._all_or_nothing():
                now = time.monotonic()
                if self._begun is not None and now - self._begun > BATCH_SECONDS:
                    self._end_batch()
                if self._begun is None:
                    self._db.execute("BEGIN IMMEDIATE")
                    self._begun = now
                self._db.execute("SAVEPOINT change")
                try:
                    yield self._db
                except (sqlite3.OperationalError, NotNoted):
                    raise
                except BaseException:
                    self._db.execute("ROLLBACK TO change")
                    self._db.execute("RELEASE change")
                    raise
                self._db.execute("RELEASE change")

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

    # single names ---------------------------------------------------------------------------------------------------

    def node(self, name: str) -> Node | None:
        """What is known of a name."""
        found = self.rows("SELECT * FROM node WHERE name = ?", (name,))
        return to_node(found[0]) if found else None

    def pages(self, condition: str, *, backwards: bool = False) -> Iterator[list[Node]]:
        """The rows for which a condition holds, in the order of names, a page at a time. They may be changed between
        two pages; each is given out once, unless it is given a new name behind."""
        comparison, order = ("<", "DESC") if backwards else (">", "ASC")
        last: str | None = None
        while True:
            limits = "" if last is None else f" AND name {comparison} :last"
            sql = f"SELECT * FROM node WHERE {condition}{limits} ORDER BY name {order} LIMIT {PAGE}"  # noqa: S608
            page = [to_node(row) for row in self.rows(sql, {"last": last})]
            if page:
                yield page
                last = page[-1].name
            if len(page) < PAGE:
                return

    def has_below(self, folder: str, condition: str) -> bool:
        """Whether a condition holds for a name below a folder."""
        below = "name > :low AND name < :high"
        sql = f"SELECT 1 FROM node WHERE {below} AND ({condition}) LIMIT 1"  # noqa: S608
        return bool(self.rows(sql, {"low": f"{folder}/", "high": f"{folder}0"}))

    # the local side -------------------------------------------------------------------------------------------------

    def children(self, folder: str) -> dict[str, LocalRow]:
        """How the names right in a folder were last seen here, by their last segment."""
        found = self.rows(
            "SELECT name, l_kind, l_size, l_mtime, l_ctime, l_inode, l_mode, l_only_ignored, b_racy, l_trouble"
            " FROM node WHERE parent = ?",
            (folder,),
        )
        return {row[0].rpartition("/")[2]: LocalRow(*row[1:]) for row in found}

    def saw_local(self, name: str, seen: Seen) -> None:
        """A file or folder is here. What is known of its content is forgotten if its stamp is another one, or proves
        nothing."""
        stamp = seen.stamp
        with self.changing() as db:
            self._make(db, name)
            db.execute(
                "UPDATE node SET l_hash = CASE WHEN NOT b_racy AND l_kind = :kind AND l_size = :size"
                " AND l_mtime = :mtime AND l_ctime = :ctime AND l_inode = :inode THEN l_hash END,"
                " l_kind = :kind, l_size = :size, l_mtime = :mtime, l_ctime = :ctime, l_inode = :inode, l_mode = :mode,"
                " l_only_ignored = :ignored, l_trouble = NULL, dirty = 1 WHERE name = :name",
                {
                    "name": name, "kind": _KIND[seen.kind], "size": stamp.size, "mtime": stamp.mtime_ns,
                    "ctime": stamp.ctime_ns, "inode": stamp.inode, "mode": stamp.mode, "ignored": seen.only_ignored,
                },
            )  # fmt: skip
            if seen.kind is Kind.FILE:  # it may have been a folder
                self._nothing_local(db, "name > ? AND name < ?", (f"{name}/", f"{name}0"))

    def saw_local_other(self, name: str, trouble: Trouble | None) -> None:
        """Something is here that is not synced, or cannot be looked at; all that was known below it likewise."""
        with self.changing() as db:
            self._make(db, name)
            db.execute(
                "UPDATE node SET l_kind = ?, l_hash = NULL, l_trouble = ?, dirty = 1 WHERE name = ?",
                (OTHER, pack_trouble(trouble), name),
            )
            db.execute(
                "UPDATE node SET l_kind = ?, l_hash = NULL, dirty = 1 WHERE name > ? AND name < ? AND l_kind <> ?",
                (OTHER, f"{name}/", f"{name}0", OTHER),
            )

    def saw_no_local(self, name: str) -> None:
        """Nothing is here of that name, nor below it."""
        with self.changing() as db:
            self._nothing_local(db, "name = ? OR (name > ? AND name < ?)", (name, f"{name}/", f"{name}0"))

    @staticmethod
    def _nothing_local(db: sqlite3.Connection, where: str, values: tuple[str, ...]) -> None:
        db.execute(
            "UPDATE node SET l_kind = 0, l_hash = NULL, l_trouble = NULL, dirty = 1"  # noqa: S608
            f" WHERE ({where}) AND l_kind <> 0",
            values,
        )

    def hashed(self, name: str, stamp: Stamp, digest: str) -> None:
        """The content that goes with a stamp, if the file still has it."""
        with self.changing() as db:
            db.execute(
                "UPDATE node SET l_hash = ?, dirty = 1 WHERE name = ? AND l_kind = 1 AND l_size = ? AND l_mtime = ?"
                " AND l_ctime = ? AND l_inode = ?",
                (bytes.fromhex(digest), name, stamp.size, stamp.mtime_ns, stamp.ctime_ns, stamp.inode),
            )

    # the cloud ------------------------------------------------------------------------------------------------------

    def remote_rows(self, names: Sequence[str]) -> dict[str, RemoteRow]:
        """How some names were last listed."""
        found: dict[str, RemoteRow] = {}
        for start in range(0, len(names), PAGE):
            part = names[start : start + PAGE]
            marks = ",".join("?" * len(part))
            sql = f"SELECT name, id, r_kind, r_version, r_uuid FROM node WHERE name IN ({marks})"  # noqa: S608
            found.update((row[0], RemoteRow(*row[1:])) for row in self.rows(sql, part))
        return found

    def saw_remote(self, name: str, seen: RemoteSeen) -> None:
        """An object, or the folder that its name implies, is in the cloud."""
        kind = IMPLIED if seen.implied else _KIND[seen.kind]
        content = seen.content
        with self.changing() as db:
            self._make(db, name)
            db.execute(
                "UPDATE node SET r_kind = ?, r_hash = ?, r_size = ?, r_version = ?, r_uuid = ?, r_trouble = NULL,"
                " dirty = 1 WHERE name = ?",
                (
                    kind,
                    None if content is None else bytes.fromhex(content.hash),
                    None if content is None else content.size,
                    seen.version,
                    seen.uuid,
                    name,
                ),
            )

    def saw_remote_other(self, name: str, version: str, trouble: Trouble | None) -> None:
        """An object is in the cloud that is not synced."""
        with self.changing() as db:
            self._make(db, name)
            db.execute(
                "UPDATE node SET r_kind = ?, r_version = ?, r_trouble = ?, dirty = 1 WHERE name = ?",
                (OTHER, version, pack_trouble(trouble), name),
            )

    def saw_no_remote(self, name: str) -> None:
        """The object is not there any more."""
        with self.changing() as db:
            db.execute(
                "UPDATE node SET r_kind = 0, r_version = NULL, r_trouble = NULL, dirty = 1"
                " WHERE name = ? AND r_kind <> 0",
                (name,),
            )

    def adopt(self, name: str, version: str, uuid: str) -> None:
        """The version, and the object's id, under which something is listed whose content was agreed on already."""
        with self.changing() as db:
            db.execute(
                "UPDATE node SET b_version = ?1, b_uuid = ?2, r_version = ?1, r_uuid = ?2,"
                " b_etag = CASE WHEN b_version IS ?1 THEN b_etag END WHERE name = ?3",
                (version, uuid, name),
            )

    @contextmanager
    def remote_generation(self) -> Iterator[Callable[[Iterable[int]], None]]:
        """Around a whole listing: the call-back takes the ids of the rows that were listed. At the end all the others
        are taken for gone, unless an error ended it."""
        with self.changing() as db:
            db.execute("CREATE TEMP TABLE IF NOT EXISTS listed (id INTEGER PRIMARY KEY)")
            db.execute("DELETE FROM listed")

        def listed(ids: Iterable[int]) -> None:
            with self.changing() as db:
                db.executemany("INSERT OR IGNORE INTO listed VALUES (?)", ((one,) for one in ids))

        yield listed
        with self.changing() as db:
            db.execute(
                "UPDATE node SET r_kind = 0, r_version = NULL, r_trouble = NULL, dirty = 1"
                " WHERE r_kind <> 0 AND id NOT IN (SELECT id FROM listed)"
            )
            db.execute("DELETE FROM listed")

    def in_the_way(self) -> list[str]:
        """Files in the cloud that have objects below them."""
        return [row[0] for row in self.rows("SELECT name FROM node WHERE r_kind = ?", (CLASH,))]

    def gets_in_the_way(self, name: str) -> None:
        """A file has just turned out to have some."""
        with self.changing() as db:
            db.execute(
                "UPDATE node SET r_kind = ?, r_trouble = ?, dirty = 1 WHERE name = ?",
                (CLASH, pack_trouble(Trouble(name, Reason.IN_THE_WAY)), name),
            )

    def out_of_the_way(self, name: str) -> None:
        """Such a file has none any more: it counts again as it was listed."""
        with self.changing() as db:
            db.execute("UPDATE node SET r_kind = 1, r_trouble = NULL, dirty = 1 WHERE name = ?", (name,))

    def distrust(self) -> None:
        """The rules of what is synced have changed: everything that was left alone is to be looked at again."""
        with self.changing() as db:
            db.execute("UPDATE node SET r_version = '' WHERE r_kind = 4")
            db.execute("INSERT OR REPLACE INTO fact VALUES ('since', 'null')")

    def was_listed(self, row: int) -> bool:
        """Whether a row's id has been given to the call-back of the listing that is being read."""
        return bool(self.rows("SELECT 1 FROM listed WHERE id = ?", (row,)))

    def id_of(self, name: str) -> int:
        """The id of a name's row."""
        found = self.rows("SELECT id FROM node WHERE name = ?", (name,))
        return int(found[0][0])

    # what is agreed on ----------------------------------------------------------------------------------------------

    def agree(self, name: str, agreed: Agreed, *, blocks: Sequence[str] = (), sums: bytes = b"") -> None:
        """Both sides have this now; it is taken for what both show, until they are looked at again.

        `blocks` are the block hashes of a file with more than one block, `sums` those of its pieces.
        """
        content, stamp = agreed.content, agreed.stamp
        file = agreed.kind is Kind.FILE
        digest = None if content is None else bytes.fromhex(content.hash)
        size = None if content is None else content.size
        with self.changing() as db:
            self._make(db, name)
            db.execute(
                f"UPDATE node SET ({_AGREED}) = (?,?,?,?,?,?,?,?,?,?,?), dirty = 0, trouble = NULL WHERE name = ?",  # noqa: S608
                (
                    _KIND[agreed.kind], digest, size, agreed.version, agreed.etag, agreed.uuid,
                    stamp and stamp.mtime_ns, stamp and stamp.ctime_ns, stamp and stamp.inode, stamp and stamp.mode,
                    agreed.racy, name,
                ),
            )  # fmt: skip
            db.execute(
                "UPDATE node SET r_kind = CASE WHEN ?1 = 2 AND r_kind = 3 THEN 3 ELSE ?1 END, r_hash = ?2, r_size = ?3,"
                " r_version = ?4, r_uuid = ?5, r_trouble = NULL WHERE name = ?6",
                (_KIND[agreed.kind], digest, size, agreed.version, agreed.uuid, name),
            )
            if stamp is not None:
                db.execute(
                    "UPDATE node SET l_kind = ?, l_size = ?, l_mtime = ?, l_ctime = ?, l_inode = ?, l_mode = ?,"
                    " l_hash = ?, l_trouble = NULL WHERE name = ?",
                    (
                        _KIND[agreed.kind], stamp.size, stamp.mtime_ns, stamp.ctime_ns, stamp.inode, stamp.mode,
                        digest, name,
                    ),
                )  # fmt: skip
            if file:
                self._keep_blocks(db, name, blocks, sums)

    def _keep_blocks(self, db: sqlite3.Connection, name: str, blocks: Sequence[str], sums: bytes) -> None:
        node = db.execute("SELECT id FROM node WHERE name = ?", (name,)).fetchone()[0]
        db.execute("DELETE FROM block WHERE node = ?", (node,))
        db.execute("DELETE FROM sums WHERE node = ?", (node,))
        if len(blocks) > 1:
            db.executemany(
                "INSERT INTO block VALUES (?, ?, ?)",
                ((bytes.fromhex(one), node, position) for position, one in enumerate(blocks)),
            )
        if sums:
            db.execute("INSERT INTO sums VALUES (?, ?)", (node, sums))

    def made_marker(self, name: str, version: str | None) -> None:
        """A folder that was only implied has an object of its own now."""
        with self.changing() as db:
            db.execute("UPDATE node SET r_kind = ?, r_version = ? WHERE name = ?", (FOLDER, version, name))

    def forget(self, name: str) -> None:
        """Nothing is agreed on about this name any more; both sides stay as they were seen."""
        with self.changing() as db:
            db.execute(
                f"UPDATE node SET ({_AGREED}) = (0,NULL,NULL,NULL,NULL,'',NULL,NULL,NULL,NULL,0), trouble = NULL,"  # noqa: S608
                " dirty = (l_kind <> 0 OR r_kind <> 0) WHERE name = ?",
                (name,),
            )
            self._sweep(db, name)

    def gone(self, name: str, *, local: bool = False, remote: bool = False) -> None:
        """We have just taken it away on these sides; when it is on neither, it is forgotten."""
        with self.changing() as db:
            if local:
                db.execute("UPDATE node SET l_kind = 0, l_hash = NULL, l_trouble = NULL WHERE name = ?", (name,))
            if remote:
                db.execute("UPDATE node SET r_kind = 0, r_version = NULL, r_trouble = NULL WHERE name = ?", (name,))
            gone = db.execute("SELECT l_kind = 0 AND r_kind = 0 FROM node WHERE name = ?", (name,)).fetchone()
        if gone and gone[0]:
            self.forget(name)

    def settled(self, name: str) -> None:
        """Nothing is to be done about this name."""
        with self.changing() as db:
            db.execute("UPDATE node SET dirty = 0, trouble = NULL WHERE name = ?", (name,))
            self._sweep(db, name)

    def left(self, name: str, trouble: Trouble | None) -> None:
        """It could not be dealt with, and waits for the next pass."""
        with self.changing() as db:
            db.execute("UPDATE node SET trouble = ? WHERE name = ?", (pack_trouble(trouble), name))

    def touch(self, name: str) -> None:
        """It is to be decided about again."""
        with self.changing() as db:
            db.execute("UPDATE node SET dirty = 1 WHERE name = ?", (name,))

    @staticmethod
    def _sweep(db: sqlite3.Connection, name: str) -> None:
        db.execute("DELETE FROM node WHERE name = ? AND b_kind = 0 AND l_kind = 0 AND r_kind = 0", (name,))

    @staticmethod
    def _make(db: sqlite3.Connection, name: str) -> None:
        db.execute("INSERT OR IGNORE INTO node (name, parent) VALUES (?, ?)", (name, parent_of(name)))

    # contents -------------------------------------------------------------------------------------------------------

    def places(self, block: str) -> list[Place]:
        """Where on this disk a block's content may be found; the reader has to compare it."""
        digest = bytes.fromhex(block)
        found = self.rows(
            "SELECT *, 0 AS position FROM node WHERE b_hash = ?1 AND b_kind = 1 AND l_kind = 1"
            " UNION ALL SELECT node.*, position FROM block JOIN node ON node.id = block.node"
            " WHERE hash = ?1 AND l_kind = 1 LIMIT 4",
            (digest,),
        )
        nodes = ((to_node(row), row["position"]) for row in found)
        return [Place(node.name, node.stamp, position) for node, position in nodes if node.stamp is not None]

    def old_content(self, name: str) -> tuple[list[str], bytes]:
        """The block hashes (of a file with more than one) and the sums of what was agreed on."""
        blocks = self.rows(
            "SELECT hash FROM block JOIN node ON node.id = block.node WHERE name = ? ORDER BY position", (name,)
        )
        sums = self.rows("SELECT sums FROM sums JOIN node ON node.id = sums.node WHERE name = ?", (name,))
        return [row[0].hex() for row in blocks], (sums[0][0] if sums else b"")

    # conflicts, facts, counts ---------------------------------------------------------------------------------------

    def conflicts(self) -> list[Conflict]:
        """Those that nobody has resolved yet, the oldest first."""
        found = self.rows("SELECT name, copy, at, theirs FROM conflict ORDER BY at, copy")
        return [Conflict(row["name"], row["copy"], row["at"], bool(row["theirs"])) for row in found]

    def add_conflict(self, name: str, copy: str, *, theirs: bool = False) -> None:
        """Ours, or theirs, is now called `copy`."""
        with self.changing() as db:
            db.execute(
                "INSERT OR REPLACE INTO conflict (copy, name, theirs, at) VALUES (?, ?, ?, ?)",
                (copy, name, theirs, self._clock()),
            )

    def drop_conflict(self, copy: str) -> None:
        """It is resolved, or its copy is gone."""
        with self.changing() as db:
            db.execute("DELETE FROM conflict WHERE copy = ?", (copy,))

    def fact(self, key: str) -> Any:
        """A remembered value; None when there is none."""
        found = self.rows("SELECT value FROM fact WHERE key = ?", (key,))
        return json.loads(found[0][0]) if found else None

    def set_fact(self, key: str, value: Any) -> None:
        """Remember a value that JSON can carry."""
        with self.changing() as db:
            db.execute("INSERT OR REPLACE INTO fact VALUES (?, ?)", (key, json.dumps(value)))

    def counts(self) -> Counts:
        """For status."""
        files, folders, size = self.rows(
            "SELECT coalesce(sum(b_kind = 1), 0), coalesce(sum(b_kind = 2), 0),"
            " coalesce(sum(CASE b_kind WHEN 1 THEN b_size END), 0) FROM node"
        )[0]
        dirty = self.rows("SELECT count(*) FROM node WHERE dirty")[0][0]
        troubles = self.rows(f"SELECT count(*) FROM node WHERE {_TROUBLED}")[0][0]  # noqa: S608
        return Counts(files, folders, size, dirty, troubles)

    def troubles(self, most: int | None = None) -> list[Trouble]:
        """What is not in step for a reason that a person may want to know of, in the order of names; the first so
        many of them."""
        found: list[Trouble] = []
        for page in self.pages(f"({_TROUBLED})"):
            found += [trouble for node in page for trouble in node.troubles]
            if most is not None and len(found) >= most:
                return found[:most]
        return found

    # deletions ------------------------------------------------------------------------------------------------------

    def files_agreed(self) -> int:
        """How many files both sides have in common."""
        return int(self.rows("SELECT count(*) FROM node WHERE b_kind = 1")[0][0])

    def vanished(self, side: str) -> int:
        """How many files of a side ("local", "remote") have vanished while the other still has what was agreed on."""
        missing, same = ("l_kind = 0", "r_kind = 1 AND r_hash = b_hash AND r_size = b_size")
        if side == "remote":
            missing, same = ("r_kind = 0", "l_kind = 1 AND l_size = b_size AND l_mtime = b_mtime")
        # By that index: every pass asks this, and mostly nothing is dirty among very many rows.
        sql = f"SELECT count(*) FROM node INDEXED BY node_dirty WHERE dirty AND b_kind = 1 AND {missing} AND {same}"  # noqa: S608
        return int(self.rows(sql)[0][0])

    def recently_vanished(self, side: str, seconds: float) -> int:
        """How many were deleted because of that in the last so many seconds."""
        with self.changing() as db:
            db.execute("DELETE FROM vanished WHERE at < ?", (self._clock() - seconds,))
        found = self.rows("SELECT count(*) FROM vanished WHERE side = ?", (side,))
        return int(found[0][0])

    def note_vanished(self, side: str) -> None:
        """A file was deleted because it had vanished from that side."""
        with self.changing() as db:
            db.execute("INSERT INTO vanished VALUES (?, ?)", (self._clock(), side))
