"""What a pair's state knows of the local side."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import NamedTuple

from pithosfs_daemon.state.database import Database
from pithosfs_daemon.state.nodes import pack_trouble, parent_of
from pithosfs_daemon.state.schema import KIND, OTHER
from pithosfs_daemon.values import Kind, Seen, Stamp, Trouble

__all__ = ["LocalRow", "LocalSide"]


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
        if self.racy or self.kind != KIND[seen.kind]:
            return False
        stamp = seen.stamp
        if seen.kind is Kind.FOLDER:
            return (self.inode, bool(self.only_ignored)) == (stamp.inode, seen.only_ignored)
        return self[1:6] == (stamp.size, stamp.mtime_ns, stamp.ctime_ns, stamp.inode, stamp.mode)


class LocalSide(Database):
    """How the folder was last seen."""

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
            db.execute(
                "INSERT INTO node (name, parent, l_kind, l_size, l_mtime, l_ctime, l_inode, l_mode, l_only_ignored)"
                " VALUES (:name, :parent, :kind, :size, :mtime, :ctime, :inode, :mode, :ignored)"
                " ON CONFLICT (name) DO"
                " UPDATE SET l_hash = CASE WHEN NOT b_racy AND l_kind = :kind AND l_size = :size"
                " AND l_mtime = :mtime AND l_ctime = :ctime AND l_inode = :inode THEN l_hash END,"
                " l_kind = :kind, l_size = :size, l_mtime = :mtime, l_ctime = :ctime, l_inode = :inode, l_mode = :mode,"
                " l_only_ignored = :ignored, l_trouble = NULL, dirty = 1",
                {
                    "name": name, "parent": parent_of(name), "kind": KIND[seen.kind], "size": stamp.size,
                    "mtime": stamp.mtime_ns, "ctime": stamp.ctime_ns, "inode": stamp.inode, "mode": stamp.mode,
                    "ignored": seen.only_ignored,
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

    def hashed(self, found: Iterable[tuple[str, Stamp, str]]) -> None:
        """Names, stamps, and the content that goes with each, if the file still has that stamp."""
        with self.changing() as db:
            db.executemany(
                "UPDATE node SET l_hash = ?, dirty = 1 WHERE name = ? AND l_kind = 1 AND l_size = ? AND l_mtime = ?"
                " AND l_ctime = ? AND l_inode = ?",
                (
                    (bytes.fromhex(digest), name, stamp.size, stamp.mtime_ns, stamp.ctime_ns, stamp.inode)
                    for name, stamp, digest in found
                ),
            )
