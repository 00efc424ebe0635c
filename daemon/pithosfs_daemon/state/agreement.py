"""What a pair's state knows of what both sides have in common: names, and where their contents are."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from pithosfs_daemon.state.database import Database
from pithosfs_daemon.state.nodes import Agreed, pack_trouble, to_node
from pithosfs_daemon.state.schema import FOLDER, KIND
from pithosfs_daemon.values import Kind, Stamp, Trouble

__all__ = ["Agreement", "Place"]

# What both sides have is taken for what each of them shows.
_AGREE_ON = (
    "UPDATE node SET b_kind = :kind, b_hash = :hash, b_size = :size, b_version = :version, b_etag = :etag,"
    " b_uuid = :uuid, b_mtime = :mtime, b_ctime = :ctime, b_inode = :inode, b_mode = :mode, b_racy = :racy, dirty = 0,"
    " trouble = NULL, r_kind = CASE WHEN :kind = 2 AND r_kind = 3 THEN 3 ELSE :kind END, r_hash = :hash,"
    " r_size = :size, r_version = :version, r_uuid = :uuid, r_trouble = NULL"
)
_AGREE = f"{_AGREE_ON} WHERE name = :name"
_AGREE_STAMPED = (
    f"{_AGREE_ON}, l_kind = :kind, l_size = :stamped, l_mtime = :mtime, l_ctime = :ctime, l_inode = :inode,"
    " l_mode = :mode, l_hash = :hash, l_trouble = NULL WHERE name = :name"
)
_AGREED = "b_kind, b_hash, b_size, b_version, b_etag, b_uuid, b_mtime, b_ctime, b_inode, b_mode, b_racy"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a block's content should be on this disk: a file that was agreed on, and the number of the block in it."""

    name: str
    stamp: Stamp
    position: int


class Agreement(Database):
    """What was last agreed on, and what is left to decide."""

    def agree(self, name: str, agreed: Agreed, *, blocks: Sequence[str] = (), sums: bytes = b"") -> None:
        """Both sides have this now; it is taken for what both show, until they are looked at again.

        `blocks` are the block hashes of a file with more than one block, `sums` those of its pieces.
        """
        content, stamp = agreed.content, agreed.stamp
        file = agreed.kind is Kind.FILE
        digest = None if content is None else bytes.fromhex(content.hash)
        size = None if content is None else content.size
        with self.changing() as db:
            values = {
                "name": name, "kind": KIND[agreed.kind], "hash": digest, "size": size, "version": agreed.version,
                "etag": agreed.etag, "uuid": agreed.uuid, "racy": agreed.racy, "mtime": stamp and stamp.mtime_ns,
                "ctime": stamp and stamp.ctime_ns, "inode": stamp and stamp.inode, "mode": stamp and stamp.mode,
                "stamped": stamp and stamp.size,
            }  # fmt: skip
            if not db.execute(_AGREE if stamp is None else _AGREE_STAMPED, values).rowcount:
                self._make(db, name)
                db.execute(_AGREE if stamp is None else _AGREE_STAMPED, values)
            if file:
                self._keep_blocks(db, name, blocks, sums)

    def _keep_blocks(self, db: sqlite3.Connection, name: str, blocks: Sequence[str], sums: bytes) -> None:
        for table in ("block", "sums"):
            db.execute(f"DELETE FROM {table} WHERE node = (SELECT id FROM node WHERE name = ?)", (name,))  # noqa: S608
        if len(blocks) < 2 and not sums:
            return
        node = db.execute("SELECT id FROM node WHERE name = ?", (name,)).fetchone()[0]
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
