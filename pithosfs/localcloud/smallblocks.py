"""Small blocks as rows of the database: a small upload is one row more in the transaction that makes its version.

A block as a file of its own costs three fsyncs (file, folder, the folder's own name) and a millisecond of work,
whatever its size, and most objects are far smaller than a block. As a row it shares the fsync of the commit. Measured:
4 KiB cost 0.7 ms as a file and 0.05 ms as a row, 64 KiB 0.8 and 0.2; from 256 KiB on files win. `blockstore` decides
which is which and hides the difference.

`touched` says when a block was last put or asked for, in whole seconds: what nothing refers to is kept for a while
(`blockstore.KEEP_SECONDS`). It is only written when it has grown old, so that finding a block is a read.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from pithosfs.localcloud.database import Database

__all__ = ["LARGEST", "SmallBlock", "SmallBlocks", "add_block"]

LARGEST = 64 * 1024
"""Bytes, without trailing NULs, of the blocks that are rows."""

SERVICE = "blocks"

_FIRST = """
CREATE TABLE small_blocks (
    id INTEGER PRIMARY KEY,
    hash BLOB NOT NULL UNIQUE,          -- the block's name, raw digest
    touched INTEGER NOT NULL,           -- seconds since the epoch
    data BLOB NOT NULL                  -- without trailing NULs, never empty; last, so that the others are read alone
);
"""

MIGRATIONS = (_FIRST,)
"""Every step of the history of the schema; steps are only ever appended."""

BATCH = 500
"""Names in one statement."""

READ_NOW = 64
"""Names that are looked up in the event loop: less than the way to a thread and back."""


@dataclass(frozen=True, slots=True)
class SmallBlock:
    """A block on its way into the database: its name, and its bytes without trailing NULs."""

    name: str
    data: bytes


def add_block(connection: sqlite3.Connection, block: SmallBlock, refresh_after: float) -> None:
    """Store a block in a write transaction. One that is there is touched if that is `refresh_after` seconds ago."""
    now = int(time.time())
    connection.execute(
        "INSERT INTO small_blocks (hash, touched, data) VALUES (?, ?, ?)"
        " ON CONFLICT (hash) DO UPDATE SET touched = excluded.touched WHERE touched < ?",
        (bytes.fromhex(block.name), now, block.data, now - refresh_after),
    )


class SmallBlocks:
    """The table, for the block store. Names are valid hashes. `open()` when the database is open."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def open(self) -> None:
        self._database.migrate(SERVICE, MIGRATIONS)

    def read(self, name: str, start: int, length: int) -> bytes | None:
        """At most `length` bytes from `start`; None when there is no such block. Event loop only."""
        row = self._database.read_now(
            lambda connection: connection.execute(
                "SELECT substr(data, ?, ?) FROM small_blocks WHERE hash = ?", (start + 1, length, bytes.fromhex(name))
            ).fetchone()
        )
        return None if row is None else bytes(row[0])

    async def put(self, block: SmallBlock, refresh_after: float) -> None:
        """Store a block; when this returns, it is safe on the disk."""
        if block.name not in await self.exists([block.name], refresh_after):
            await self._database.write(lambda connection: add_block(connection, block, refresh_after))

    async def exists(self, names: Collection[str], refresh_after: float) -> set[str]:
        """Those of the names that are here; touched, where that is `refresh_after` seconds ago."""
        wanted = [bytes.fromhex(name) for name in names]
        if len(wanted) <= READ_NOW:
            found = self._database.read_now(lambda connection: _touched(connection, wanted))
        else:
            found = await self._database.read_long(lambda connection: _touched(connection, wanted))
        now = int(time.time())
        old = [digest for digest, touched in found.items() if touched < now - refresh_after]
        if old:
            # Whoever collects may have taken one away since: what is left after this stays.
            kept = await self._database.write(lambda connection: _touch(connection, old, now))
            return {digest.hex() for digest in found if digest in kept or digest not in old}
        return {digest.hex() for digest in found}

    async def old(self, before: float) -> list[str]:
        """The names of all blocks that were last touched before that time."""
        return await self._database.read_long(
            lambda connection: [
                digest.hex()
                for (digest,) in connection.execute("SELECT hash FROM small_blocks WHERE touched < ?", (int(before),))
            ]
        )

    async def remove(self, names: Sequence[str], before: float) -> list[int]:
        """Remove those that nobody has touched since; returns their sizes."""
        sizes: list[int] = []
        for at in range(0, len(names), BATCH):
            batch = [bytes.fromhex(name) for name in names[at : at + BATCH]]
            sizes += await self._database.write(lambda connection, batch=batch: _remove(connection, batch, before))  # type: ignore[misc]
        return sizes


def _touched(connection: sqlite3.Connection, digests: Sequence[bytes]) -> dict[bytes, int]:
    found: dict[bytes, int] = {}
    for at in range(0, len(digests), BATCH):
        batch = digests[at : at + BATCH]
        found.update(
            connection.execute(
                f"SELECT hash, touched FROM small_blocks WHERE hash IN ({_marks(batch)})",  # noqa: S608
                batch,
            ).fetchall()
        )
    return found


def _touch(connection: sqlite3.Connection, digests: Sequence[bytes], now: int) -> set[bytes]:
    kept: set[bytes] = set()
    for at in range(0, len(digests), BATCH):
        batch = digests[at : at + BATCH]
        rows = connection.execute(
            f"UPDATE small_blocks SET touched = ? WHERE hash IN ({_marks(batch)}) RETURNING hash",  # noqa: S608
            (now, *batch),
        )
        kept.update(digest for (digest,) in rows.fetchall())
    return kept


def _remove(connection: sqlite3.Connection, digests: Sequence[bytes], before: float) -> list[int]:
    rows = connection.execute(
        f"DELETE FROM small_blocks WHERE touched < ? AND hash IN ({_marks(digests)}) RETURNING length(data)",  # noqa: S608
        (int(before), *digests),
    )
    return [size for (size,) in rows.fetchall()]


def _marks(values: Sequence[object]) -> str:
    return ",".join("?" * len(values))
