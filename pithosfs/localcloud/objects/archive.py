"""A tar archive read as it arrives: one member after the other, nothing kept, no file system touched.

The standard library's `tarfile` reads from a blocking file, keeps every member it has seen and takes extended headers
of any size into memory; this reads from the body of a request and holds one piece of it. Understood: ustar and the
older format before it, PAX extended headers (local and global), GNU long names and big numbers. What is none of that,
or does not add up, is an `ArchiveError`.
"""

from __future__ import annotations

import asyncio
import bz2
import zlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

__all__ = ["COMPRESSIONS", "ArchiveError", "ArchiveReader", "Member", "decompressed"]

BLOCK = 512

MAX_EXTENSION = 256 * 1024
"""Bytes of the extended headers of one member, and of all global ones: names and values are far shorter."""

SLICE = 512 * 1024
"""Bytes that are decompressed at a time: what a small piece of a body can become is bounded so."""

Kind = Literal["file", "folder", "sparse", "other"]


class ArchiveError(Exception):
    """This is no archive, or a broken one; the text says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Member:
    """A member's header. `name` is as in the archive; bytes that are not UTF-8 are lone surrogates, here as in
    `records`, the PAX records that hold for it. `size`: bytes of content."""

    name: str
    kind: Kind
    size: int
    records: Mapping[str, str]


class ArchiveReader:
    """Goes through an archive: `next()`, then the content by `read()` or `pieces()`, or not at all."""

    def __init__(self, pieces: AsyncIterator[bytes]) -> None:
        self._pieces = pieces
        self._buffer = bytearray()
        self._left = 0  # bytes of the present member's content that nobody has read
        self._padding = 0  # and what follows them up to the next block
        self._global: dict[str, str] = {}
        self._global_size = 0
        self._begun = False
        self._ended = False

    async def next(self) -> Member | None:
        """The next member; None at the end. What was not read of the one before is skipped. Raises ArchiveError."""
        if self._left or self._padding:
            await self._skip(self._left + self._padding)
            self._left = self._padding = 0
        records: dict[str, str] | None = None
        long_name: str | None = None
        extensions = 0
        while not self._ended:
            block = await self._block()
            if block is None:
                break
            kind, size = block[156:157], _number(block[124:136])
            if kind not in (b"x", b"X", b"g", b"L", b"K"):
                return await self._member(block, kind, size, records, long_name)
            extensions += size
            if kind == b"g":
                self._global_size += size
            if extensions > MAX_EXTENSION or self._global_size > MAX_EXTENSION:
                raise ArchiveError("the extended headers are too long")
            data = await self._take(-(-size // BLOCK) * BLOCK)
            if kind == b"L":
                long_name = _text(data[:size])
            elif kind == b"g":
                self._global.update(_records(data[:size]))
            elif kind != b"K":  # the target of a link: nothing is made of links
                records = (records or {}) | _records(data[:size])
        self._ended = True
        if extensions and (records is not None or long_name is not None):
            raise ArchiveError("unexpected end of data")
        return None

    async def read(self) -> bytes:
        """All of the present member's content that was not read yet; for members that fit into memory."""
        size, self._left = self._left, 0
        return bytes(await self._take(size))

    async def pieces(self) -> AsyncIterator[bytes]:
        """The same in the pieces in which it arrives."""
        while self._left:
            if not self._buffer and not await self._more():
                raise ArchiveError("unexpected end of data")
            piece = bytes(self._buffer[: self._left])
            del self._buffer[: len(piece)]
            self._left -= len(piece)
            yield piece

    # headers --------------------------------------------------------------------------------------------------------

    async def _member(
        self, block: bytes, kind: bytes, size: int, records: dict[str, str] | None, long_name: str | None
    ) -> Member:
        merged: Mapping[str, str] = self._global
        if records is not None:
            merged = self._global | records if self._global else records
        name = merged.get("path") or long_name or _short_name(block)
        if text := merged.get("size"):
            if not (text.isascii() and text.isdigit() and len(text) <= 18):
                raise ArchiveError("a size is not a number")
            size = int(text)
        what: Kind = "other"
        if kind in (b"0", b"\0", b"7"):
            # Before ustar a folder was a file whose name ends with a slash.
            what = "folder" if kind == b"\0" and name.endswith("/") else "file"
            if any(key.startswith("GNU.sparse.") for key in merged):
                what = "sparse"
        elif kind == b"S":
            what = "sparse"
            more = block[482]
            while more:
                more = (await self._take(BLOCK))[504]
        elif kind == b"5":
            what = "folder"
        if what == "folder" or (what == "other" and kind in (b"1", b"2", b"3", b"4", b"6")):
            size = 0  # links and the like have no content, whatever their headers say
        self._left, self._padding = size, -size % BLOCK
        return Member(name, what, size, merged)

    async def _block(self) -> bytes | None:
        """The next header; None at the end. Raises ArchiveError."""
        if not self._buffer and not await self._more():
            if not self._begun:
                raise ArchiveError("empty file")
            return None
        self._begun = True
        block = bytes(await self._take(BLOCK))
        total = sum(block)
        if not total:
            return None
        stored = _number(block[148:156])
        field = sum(block[148:156])
        if total - field + 256 != stored:
            # Some old programs summed signed bytes.
            negative = sum(byte >= 128 for byte in block) - sum(byte >= 128 for byte in block[148:156])
            if total - field + 256 - 256 * negative != stored:
                raise ArchiveError("invalid header")
        return block

    # bytes ----------------------------------------------------------------------------------------------------------

    async def _more(self) -> bool:
        piece = await anext(self._pieces, None)
        if piece is None:
            return False
        self._buffer += piece
        return True

    async def _take(self, count: int) -> bytearray:
        while len(self._buffer) < count:
            if not await self._more():
                raise ArchiveError("unexpected end of data")
        taken = self._buffer[:count]
        del self._buffer[:count]
        return taken

    async def _skip(self, count: int) -> None:
        while count > len(self._buffer):
            count -= len(self._buffer)
            self._buffer.clear()
            if not await self._more():
                raise ArchiveError("unexpected end of data")
        del self._buffer[:count]


def _text(data: bytes | bytearray) -> str:
    return bytes(data).partition(b"\0")[0].decode("utf-8", "surrogateescape")


def _short_name(block: bytes) -> str:
    name = _text(block[:100])
    if block[257:263] == b"ustar\0" and (prefix := _text(block[345:500])):
        return f"{prefix}/{name}"
    return name


def _number(field: bytes) -> int:
    """Octal digits, or GNU's big-endian binary, which begins with 0x80. Raises ArchiveError."""
    if field[0] == 0x80:
        value = int.from_bytes(field[1:], "big")
        if value >= 2**62:
            raise ArchiveError("invalid header")
        return value
    digits = field.partition(b"\0")[0].strip()
    try:
        if digits.isdigit():  # `int` alone would take signs and underscores too
            return int(digits, 8)
    except ValueError:  # 8 or 9
        pass
    if digits:
        raise ArchiveError("invalid header")
    return 0


def _records(data: bytearray) -> dict[str, str]:
    """The records `length key=value\\n` of an extended header. Raises ArchiveError."""
    records: dict[str, str] = {}
    view = bytes(data)
    at = 0
    while at < len(view) and view[at]:  # some programs fill up with NULs
        blank = view.find(b" ", at, at + 10)
        digits = view[at:blank] if blank > 0 else b""
        if not digits.isdigit():
            raise ArchiveError("invalid header")
        end = at + int(digits)
        key, equals, value = view[blank + 1 : end - 1].partition(b"=")
        if end > len(view) or end <= blank + 1 or not equals or view[end - 1] != 0x0A:
            raise ArchiveError("invalid header")
        records[key.decode("utf-8", "surrogateescape")] = value.decode("utf-8", "surrogateescape")
        at = end
    return records


# compression ----------------------------------------------------------------------------------------------------------


class _Decompressor(Protocol):
    """What zlib and bz2 have in common, with what differs put right."""

    def feed(self, data: bytes) -> bytes:
        """At most `SLICE` bytes more; call it with nothing until it `wants` more."""

    @property
    def wants(self) -> bool: ...

    @property
    def finished(self) -> bool:
        """Whether a stream has ended; what follows it is `rest`."""

    @property
    def rest(self) -> bytes: ...


class _Gzip:
    def __init__(self) -> None:
        self._inner = zlib.decompressobj(16 + zlib.MAX_WBITS)
        self._full = False

    def feed(self, data: bytes) -> bytes:
        found = self._inner.decompress(self._inner.unconsumed_tail + data, SLICE)
        self._full = len(found) == SLICE  # there may be more, even with nothing left to read
        return found

    @property
    def wants(self) -> bool:
        return not self._inner.unconsumed_tail and not self._full

    @property
    def finished(self) -> bool:
        return self._inner.eof

    @property
    def rest(self) -> bytes:
        return self._inner.unused_data


class _Bzip2:
    def __init__(self) -> None:
        self._inner = bz2.BZ2Decompressor()

    def feed(self, data: bytes) -> bytes:
        return self._inner.decompress(data, SLICE)

    @property
    def wants(self) -> bool:
        return self._inner.needs_input

    @property
    def finished(self) -> bool:
        return self._inner.eof

    @property
    def rest(self) -> bytes:
        return self._inner.unused_data


COMPRESSIONS: Mapping[str, Callable[[], _Decompressor] | None] = {"tar": None, "tar.gz": _Gzip, "tar.bz2": _Bzip2}
"""The formats, by the names that requests have for them."""


async def decompressed(body: AsyncIterator[bytes], compression: str, limit: int) -> AsyncIterator[bytes]:
    """What a body of one of the `COMPRESSIONS` and at most `limit` bytes holds, slice by slice. Raises ArchiveError.

    Several streams one after the other are one, as the programs have it.
    """
    pieces = _limited(body, limit)
    make = COMPRESSIONS[compression]
    if make is None:
        async for piece in pieces:
            yield piece
        return
    current: _Decompressor | None = make()
    async for piece in pieces:
        data = piece
        while data or (current is not None and not current.wants):
            if current is None:
                if not data.strip(b"\0"):
                    break  # padding, as tapes have it
                current = make()
            try:
                found = await asyncio.to_thread(current.feed, data)
            except (zlib.error, OSError, EOFError) as error:
                raise ArchiveError(str(error)) from None
            data = b""
            if found:
                yield found
            if current.finished:
                data = current.rest
                current = None
    if current is not None:
        raise ArchiveError("unexpected end of data")


async def _limited(pieces: AsyncIterator[bytes], limit: int) -> AsyncIterator[bytes]:
    async for piece in pieces:
        limit -= len(piece)
        if limit < 0:
            raise ArchiveError("the archive is too long")
        yield piece
