"""Changing a part of an object: one new version, made in one step of the old blocks and those that change.

The first and last block that a change touches are completed with what is there, hashed and sent; all others stay as
they are on the cloud. So a change costs what it changes, whatever the object's size, and a reader has the old content
or the new one. The object is replaced only if it still is what the change was made from.
"""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, BinaryIO, cast

from pithosfs.blocks import Hashmap, hash_stream
from pithosfs.errors import Conflict, LocalError, NotSupported, PreconditionFailed, UsageError
from pithosfs.transfer import Progress, upload
from pithosfs_cli.file.uploading import settled
from pithosfs_cli.locations import Location

if TYPE_CHECKING:
    from pithosfs.store import ObjectInfo, ObjectStore

__all__ = ["Rewriting", "limited"]

_READ = 1024 * 1024  # bytes; half-blocks are read in such pieces


class Rewriting:
    """A change of the object at a place: `present` is what is there, `base` the version whose content is changed."""

    def __init__(self, store: ObjectStore, place: Location, present: ObjectInfo, base: ObjectInfo) -> None:
        """Raises NotSupported for an object that is made of others (object-store.md section 17)."""
        self._store = store
        self._place = place
        self._path = place.path(store)
        self._present = present
        self._base = base
        if present.is_directory:
            raise Conflict(f"{place} is a folder", hint="name a file in it")
        if (present.delivery and present.delivery.manifest) or (base.delivery and base.delivery.manifest):
            raise NotSupported(
                f"{place} is made of parts, {present.delivery.manifest if present.delivery else 'others'}",
                hint="change the parts, or download it and upload it as one file",
            )
        self._old = store.hashmap(self._path, base.version)
        if self._old.size != base.size:
            raise NotSupported(f"{place} has other blocks than content", hint="download it and upload it again")

    def write(
        self,
        at: int,
        stream: BinaryIO,
        *,
        connections: int,
        progress: Callable[[Progress], None] | None = None,
        unchanged: Callable[[], None] = lambda: None,
    ) -> ObjectInfo:
        """Put the stream's bytes at that offset, over what is there or over the end. `unchanged` is called before the
        new version is made, and raises if that must not be.

        Raises UsageError for a place behind the end, Conflict when somebody has changed the object meanwhile.
        """
        old = self._old
        if at > old.size:
            raise UsageError(
                f"{self._place} has only {old.size} bytes: nothing can be written at {at}",
                hint=f"write at {old.size}, which is its end, or before",
            )
        first = at // old.block_size
        content = _Patched(self._read, at, first * old.block_size, stream, old)
        target = _Tail(self._store, self, first, unchanged)
        try:
            upload(target, cast("BinaryIO", content), connections=connections, whole_limit=0, progress=progress)
        except PreconditionFailed as error:
            raise self._outrun() from error
        return target.made()

    def cut(self, size: int) -> ObjectInfo:
        """Keep the first bytes. The last block is made anew: left to the server it would keep a hash that covers what
        was cut off (object-store.md section 20, row 7)."""
        old = self._old
        if size > old.size:
            raise UsageError(
                f"{self._place} has only {old.size} bytes: it cannot be cut to {size}",
                hint="give a size that is not larger; append makes it longer",
            )
        keep = size // old.block_size
        hashes = list(old.hashes[:keep])
        rest = size % old.block_size
        if rest:
            data = self._read(keep * old.block_size, size)
            hashes.append(self._store.put_block(self._place.container, data))
        try:
            return self.commit(Hashmap(size, tuple(hashes), old.block_size, old.algorithm))
        except PreconditionFailed as error:
            raise self._outrun() from error

    def _read(self, start: int, end: int) -> bytes:
        return self._store.read_range(self._path, start, end, self._base.version)

    @property
    def old(self) -> Hashmap:
        """The blocks before the change."""
        return self._old

    def missing(self, hashmap: Hashmap) -> Sequence[str]:
        """Which of these the cloud does not have."""
        return self._store.missing_blocks(self._place.container, hashmap)

    def send(self, data: bytes) -> str:
        """Store a block."""
        return self._store.put_block(self._place.container, data)

    def commit(self, hashmap: Hashmap) -> ObjectInfo:
        """Make the new version: the type, metadata, delivery of what is there; sharing and publication stay."""
        present = self._present
        if hashmap == self._old and self._base.version == present.version:
            return present
        try:
            answer = self._store.put_hashmap(
                self._path,
                hashmap,
                content_type=present.content_type,
                meta=present.meta or {},
                base=present.etag or None,
                delivery=present.delivery,
            )
        except PreconditionFailed as error:
            return settled(self._store, self._path, hashmap, error)
        if isinstance(answer, list):
            raise Conflict(
                f"the cloud lacks {len(answer)} of the blocks of {self._place}; nothing was changed",
                409,
                hint="try again",
            )
        return answer

    def _outrun(self) -> Conflict:
        return Conflict(
            f"somebody has changed {self._place} meanwhile; nothing was done",
            412,
            hint="look at it and run the command again",
        )


class _Tail:
    """A `BlockTarget`: the object from its block `first` on; the blocks before it, and behind what comes, are old."""

    def __init__(self, store: ObjectStore, change: Rewriting, first: int, unchanged: Callable[[], None]) -> None:
        self._change = change
        self._first = first
        self._unchanged = unchanged
        self._made: ObjectInfo | None = None

    @property
    def block_size(self) -> int:
        return self._change.old.block_size

    @property
    def algorithm(self) -> str:
        return self._change.old.algorithm

    def missing(self, hashmap: Hashmap) -> Sequence[str]:
        return self._change.missing(hashmap)

    def send(self, data: bytes) -> str:
        return self._change.send(data)

    def commit(self, hashmap: Hashmap) -> Sequence[str]:
        self._unchanged()
        old = self._change.old
        start = self._first * old.block_size
        size = max(old.size, start + hashmap.size)
        hashes = (*old.hashes[: self._first], *hashmap.hashes, *old.hashes[self._first + len(hashmap.hashes) :])
        self._made = self._change.commit(Hashmap(size, hashes, old.block_size, old.algorithm))
        return []

    def put(self, data: bytes) -> None:
        """Nothing but an empty end comes in one piece."""
        hashmap = hash_stream(io.BytesIO(data), self.block_size, self.algorithm)
        if data:
            self.send(data)
        self.commit(hashmap)

    def made(self) -> ObjectInfo:
        """The new version."""
        assert self._made is not None
        return self._made


class _Patched(io.RawIOBase):
    """The new content from the block's beginning `start` on: old bytes up to `at`, the stream, and old bytes to the end
    of the block in which the stream ends."""

    def __init__(self, read: Callable[[int, int], bytes], at: int, start: int, stream: BinaryIO, old: Hashmap) -> None:
        self._read = read
        self._stream = stream
        self._old = old
        self._position = at
        self._ready = read(start, at) if at > start else b""
        self._ended = False

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        if not self._ready and not self._ended:
            piece = self._stream.read(_READ if size < 0 else min(size, _READ))
            self._position += len(piece)
            if piece:
                return piece
            self._ended = True
            block_end = -(-self._position // self._old.block_size) * self._old.block_size
            end = min(block_end, self._old.size)
            self._ready = self._read(self._position, end) if end > self._position else b""
        size = len(self._ready) if size < 0 else size
        piece, self._ready = self._ready[:size], self._ready[size:]
        return piece


def limited(stream: BinaryIO, name: str, length: int | None) -> tuple[BinaryIO, Callable[[], None]]:
    """The first `length` bytes of an open file or stream (None: all), and a check that it has not changed meanwhile.

    Raises LocalError, now or when it is read, if it has fewer bytes.
    """

    def look() -> tuple[int, int] | None:
        try:
            status = os.fstat(stream.fileno())
        except (OSError, AttributeError):
            return None
        return (status.st_size, status.st_mtime_ns) if stat.S_ISREG(status.st_mode) else None

    before = look()
    if length is not None and before is not None and before[0] < length:
        raise LocalError(f"{name} has only {before[0]} bytes of {length}", hint="give a smaller range, or no --to")

    def unchanged() -> None:
        if look() != before:
            raise LocalError(f"{name} changed while it was read", hint="try again when nobody writes to it")

    return (stream if length is None else cast("BinaryIO", _First(stream, name, length))), unchanged


class _First(io.RawIOBase):
    """The first so many bytes of a stream."""

    def __init__(self, stream: BinaryIO, name: str, length: int) -> None:
        self._stream = stream
        self._name = name
        self._left = length

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        want = self._left if size < 0 else min(size, self._left)
        piece = self._stream.read(want) if want else b""
        if want and not piece:
            raise LocalError(f"{self._name} ends {self._left} bytes early", hint="give a smaller range, or no --to")
        self._left -= len(piece)
        return piece
