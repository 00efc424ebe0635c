"""The bytes of objects on their way in and out: a body cut into stored blocks, stored blocks sent as a stream.

Neither way holds more than a few blocks in memory, whatever the size of the object.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from dataclasses import dataclass

from pithosfs.blocks import DEFAULT_BLOCK_SIZE, Hashmap
from pithosfs.localcloud.blockstore import BlockStore
from pithosfs.localcloud.smallblocks import SmallBlock

__all__ = ["BlockWriter", "Received", "copy_content", "read_content", "receive"]

BLOCKS_UNDER_WAY = 2
"""Blocks of one upload that are being stored while more of it arrives: one for the hash, one for the disk."""

SEND_SIZE = 1024 * 1024
"""Bytes read and sent at a time: large enough to make the way to a thread not count, small enough for many readers."""


@dataclass(frozen=True, slots=True)
class Received:
    """A body that is stored: its blocks and, if that was asked for, its MD5 in hex.

    `small` is the one block that is yet to be stored, by the transaction that makes the version; None: nothing is.
    """

    hashmap: Hashmap
    md5: str | None
    small: SmallBlock | None = None


class BlockWriter:
    """Cuts what is written into blocks and stores them in the background, a few at a time.

    `finish()` returns their names once all are safe on the disk; `abandon()` must be called when it comes to nothing.
    """

    def __init__(self, blocks: BlockStore, block_size: int = DEFAULT_BLOCK_SIZE) -> None:
        self.size = 0
        self._blocks = blocks
        self._block_size = block_size
        self._names: list[str] = []
        self._buffer = bytearray()
        self._under_way: deque[asyncio.Task[str]] = deque()

    @property
    def at_border(self) -> bool:
        """Whether what was written so far ends with a whole block."""
        return not self._buffer

    async def write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            piece = view[: self._block_size - len(self._buffer)]
            self._buffer += piece
            self.size += len(piece)
            view = view[len(piece) :]
            if len(self._buffer) == self._block_size:
                await self._store()

    async def add_stored(self, name: str) -> None:
        """A full block that is stored already; only at the border of two blocks."""
        assert not self._buffer
        while self._under_way:
            await self._collect()
        self._names.append(name)
        self.size += self._block_size

    async def finish(self) -> list[str]:
        if self._buffer:
            if not self._under_way:  # the whole of a small body: no task needed
                self._names.append(await self._blocks.put(self._buffer))
                return self._names
            await self._store()
        while self._under_way:
            await self._collect()
        return self._names

    def take_small(self) -> SmallBlock | None:
        """All that was written, if it is so little that the version's transaction can store it; else `finish()`."""
        if self._names or self._under_way or not self._buffer:
            return None
        return self._blocks.small(self._buffer)

    async def abandon(self) -> None:
        """Wait for what is under way; its outcome does not matter."""
        await asyncio.gather(*self._under_way, return_exceptions=True)
        self._under_way.clear()

    async def _store(self) -> None:
        if len(self._under_way) >= BLOCKS_UNDER_WAY:
            await self._collect()
        self._under_way.append(asyncio.create_task(self._blocks.put(self._buffer)))
        self._buffer = bytearray()

    async def _collect(self) -> None:
        self._names.append(await self._under_way.popleft())


async def receive(
    body: AsyncIterator[bytes], blocks: BlockStore, *, want_md5: bool, hold_small: bool = False
) -> Received:
    """Store a body; with `hold_small` a small one is only handed on (`Received.small`).

    What was stored of one that breaks off belongs to nobody and is collected some day.
    """
    writer = BlockWriter(blocks)
    md5 = hashlib.md5(usedforsecurity=False) if want_md5 else None
    try:
        async for piece in body:
            if md5 is not None:
                md5.update(piece)  # pieces are 64 KiB and the like: 0.1 ms
            await writer.write(piece)
        small = writer.take_small() if hold_small else None
        names = [small.name] if small is not None else await writer.finish()
    finally:
        await writer.abandon()
    return Received(Hashmap(writer.size, tuple(names)), md5.hexdigest() if md5 is not None else None, small)


async def copy_content(blocks: BlockStore, writer: BlockWriter, source: Hashmap, start: int, end: int) -> None:
    """Write bytes `start` (included) to `end` (excluded) of stored content again.

    Where a whole block falls on the border of two blocks it is not read. Raises MissingBlock.
    """
    at = start
    while at < end:
        border = (at // source.block_size + 1) * source.block_size
        if writer.at_border and border - at == source.block_size and border <= end:
            await writer.add_stored(source.hashes[at // source.block_size])
            at = border
            continue
        # As far as nothing can be taken over as it is: when the borders never meet again, to the end.
        stop = end if (writer.size + border - at) % source.block_size else min(border, end)
        async for piece in read_content(blocks, (source,), at, stop):
            await writer.write(piece)
        at = stop


async def read_content(
    blocks: BlockStore, parts: Sequence[Hashmap], start: int, end: int, *, piece_size: int = SEND_SIZE
) -> AsyncGenerator[bytes, None]:
    """Bytes `start` (included) to `end` (excluded) of the parts one after the other, read one piece ahead.

    Raises MissingBlock.
    """
    reading: asyncio.Task[bytes] | None = None
    try:
        for name, low, high in _pieces(parts, start, end, piece_size):
            following = asyncio.create_task(blocks.read(name, low, high))
            if reading is not None:
                ready, reading = reading, following
                yield await ready
            else:
                reading = following
        if reading is not None:
            last, reading = reading, None
            yield await last
    finally:
        if reading is not None:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)


def _pieces(parts: Sequence[Hashmap], start: int, end: int, piece_size: int) -> Iterator[tuple[str, int, int]]:
    """Which stretches of which blocks make up those bytes: name, start and end inside the block."""
    offset = 0  # of the present part within the whole
    for part in parts:
        low, high = max(start - offset, 0), min(end - offset, part.size)
        for index in part.indexes(low, high):
            block = index * part.block_size
            at, stop = max(low - block, 0), min(high - block, part.block_length(index))
            while at < stop:
                yield part.hashes[index], at, min(at + piece_size, stop)
                at += piece_size
        offset += part.size
