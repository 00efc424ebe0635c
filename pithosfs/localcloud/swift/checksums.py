"""MD5 of contents: recorded on upload by this dialect, computed from the blocks for all others when first asked for.

What was computed is written into the version (and into those that share its block list), so that it is computed once.
"""

from __future__ import annotations

import asyncio
import functools
import hashlib
import sqlite3
from collections.abc import Sequence

from pithosfs.blocks import Hashmap
from pithosfs.localcloud.blockstore import MissingBlock
from pithosfs.localcloud.faults import Fault
from pithosfs.localcloud.objects.backend import Backend
from pithosfs.localcloud.objects.content import read_content
from pithosfs.localcloud.objects.model import VERSION_COLUMNS, Version, hashmap_of, version_from

__all__ = ["EMPTY_MD5", "Checksums"]

EMPTY_MD5 = hashlib.md5(b"", usedforsecurity=False).hexdigest()

AT_A_TIME = 4
"""Contents that are read at once: each has two pieces of a mebibyte in memory."""

BATCH = 64
"""Versions of a list that are looked up together."""

INLINE_HASH = 32 * 1024
"""Bytes that are hashed in the event loop: less than the way to a thread and back."""


class Checksums:
    """Knows, or finds out, the MD5 of versions. Event loop only."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._under_way: dict[int, asyncio.Task[str]] = {}
        self._turns = asyncio.Semaphore(AT_A_TIME)

    async def md5(self, version: Version, hashmap: Hashmap) -> str:
        """The MD5 of a version's own content in hex. Raises Fault 500 when a block cannot be read."""
        known = EMPTY_MD5 if not version.size else version.md5
        if known:
            return known
        task = self._under_way.get(version.id)
        if task is None:
            task = self._under_way[version.id] = asyncio.create_task(self._find_out(version, hashmap))
            task.add_done_callback(lambda done: self._finished(version.id, done))
        try:
            # Shielded: whoever gives up must not take it from the others, nor make the next one begin again.
            return await asyncio.shield(task)
        except (MissingBlock, OSError) as failure:
            raise Fault(500, "internalServerError", "a block of the object cannot be read") from failure

    async def fill_in(self, versions: Sequence[int]) -> dict[int, str]:
        """The MD5 of versions (by id) of which none is recorded yet; those that cannot be read are left out."""
        found: dict[int, str] = {}
        for at in range(0, len(versions), BATCH):
            batch = self._backend.database.read_now(functools.partial(_contents, versions=versions[at : at + BATCH]))
            values = await asyncio.gather(*(self.md5(*one) for one in batch), return_exceptions=True)
            for (version, _), value in zip(batch, values, strict=True):
                if isinstance(value, str):
                    found[version.id] = value
                elif not isinstance(value, Fault):
                    raise value
        return found

    def _finished(self, version: int, task: asyncio.Task[str]) -> None:
        del self._under_way[version]
        if not task.cancelled():
            task.exception()  # mark as seen: everybody who waited may have gone away

    async def _find_out(self, version: Version, hashmap: Hashmap) -> str:
        async with self._turns:
            value = await self.compute(hashmap)
        await self._backend.database.write(lambda connection: _record(connection, version, value))
        return value

    async def compute(self, hashmap: Hashmap) -> str:
        """The MD5 of a content, of which nothing is remembered. Raises MissingBlock, OSError."""
        md5 = hashlib.md5(usedforsecurity=False)
        async for piece in read_content(self._backend.blocks, (hashmap,), 0, hashmap.size):
            if len(piece) <= INLINE_HASH:
                md5.update(piece)
            else:
                await asyncio.to_thread(md5.update, piece)
        return md5.hexdigest()


def _contents(connection: sqlite3.Connection, versions: Sequence[int]) -> list[tuple[Version, Hashmap]]:
    marks = ",".join("?" * len(versions))
    rows = connection.execute(f"SELECT {VERSION_COLUMNS} FROM versions v WHERE v.id IN ({marks})", versions)  # noqa: S608
    return [(version, hashmap_of(connection, version)) for version in map(version_from, rows.fetchall())]


def _record(connection: sqlite3.Connection, version: Version, md5: str) -> None:
    connection.execute("UPDATE versions SET md5 = ? WHERE id = ? AND md5 = ''", (md5, version.id))
    if version.content is not None:
        connection.execute(
            "UPDATE versions SET md5 = ? WHERE content = ? AND size = ? AND md5 = ''",
            (md5, version.content, version.size),
        )
