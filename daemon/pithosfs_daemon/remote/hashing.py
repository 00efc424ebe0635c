"""Hashing local files: the blocks' hashes, which make the object's, and a sum for each 64 KiB piece.

The sums tell later which part of a file was changed, so that only that part travels. They are XXH3's of 128 bits, one
after the other as one bytes value: a hundredth of a megabyte for 40 MB of file. They need not withstand anybody: only
this machine ever sees them, and the cloud's own hash of what was made of a change is compared in the end. A file of one
piece has none: it travels whole.
"""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable
from typing import BinaryIO

from xxhash import xxh3_128_digest

from pithosfs.blocks import Hashmap, block_count, block_hash
from pithosfs.transfer.parallel import CONNECTIONS, UNLIMITED, TransferCancelled, Way, for_each
from pithosfs_daemon.remote.terms import Hashed
from pithosfs_daemon.troubles import LocalChanged
from pithosfs_daemon.values import Content

__all__ = ["PIECE", "SUM_SIZE", "LocalFile", "hash_data", "hash_local", "kept_sums", "sums_of"]

PIECE = 64 * 1024
SUM_SIZE = 16

_SMALL = 1024 * 1024
# However many files are hashed at once: more blocks in memory than processors would only take up room.
_large_ones = threading.BoundedSemaphore(max(2, os.cpu_count() or 1))


class LocalFile:
    """The first `size` bytes of an open regular file, read at any place by any thread.

    `check` raises LocalChanged when somebody has written to the file since this was made.
    """

    def __init__(self, stream: BinaryIO, size: int) -> None:
        self.stream = stream
        self.size = size
        self._fd = stream.fileno()
        self._state = self._look()
        if self._state[0] != size:
            raise self.changed()

    def _look(self) -> tuple[int, int, int]:
        status = os.fstat(self._fd)
        if not stat.S_ISREG(status.st_mode):
            raise LocalChanged(f"{self.name} is not a file any more")
        # The time of the last change of the inode is left out: renaming or linking the file changes it.
        return status.st_size, status.st_mtime_ns, status.st_ino

    @property
    def name(self) -> str:
        return str(getattr(self.stream, "name", "the file"))

    def read(self, offset: int, length: int) -> bytes:
        """Exactly these bytes. Raises LocalChanged when the file ends before."""
        data = os.pread(self._fd, length, offset)
        while len(data) < length:
            more = os.pread(self._fd, length - len(data), offset + len(data))
            if not more:
                raise self.changed()
            data += more
        return data

    def check(self) -> None:
        if self._look() != self._state:
            raise self.changed()

    def changed(self) -> LocalChanged:
        return LocalChanged(f"{self.name} changes while it is read", hint="it is tried again when nobody writes to it")


def hash_local(
    stream: BinaryIO, size: int, block_size: int, algorithm: str, cancel: threading.Event | None = None
) -> Hashed:
    """Read an open file of `size` bytes once, several blocks side by side; its position stays where it is.

    Raises LocalChanged when the file is written to meanwhile, TransferCancelled, OSError.
    """
    file = LocalFile(stream, size)
    if cancel is not None and cancel.is_set():
        raise TransferCancelled
    if size <= min(_SMALL, block_size):
        hashed = hash_data(file.read(0, size), block_size, algorithm)
    else:
        hashed = hash_file(file, block_size, algorithm, cancel)
    file.check()
    return hashed


def hash_file(file: LocalFile, block_size: int, algorithm: str, cancel: threading.Event | None) -> Hashed:
    """The same; the caller checks whether the file has changed."""
    hashes = [""] * block_count(file.size, block_size)
    sums = Sums(file.size, block_size)
    nothing = block_hash(b"", algorithm)

    def digest(index: int) -> None:
        start = index * block_size
        length = min(block_size, file.size - start)
        with _large_ones if length > _SMALL else UNLIMITED:
            data = file.read(start, length)
            name = hashes[index] = block_hash(data, algorithm)
            sums.add(start, data, empty=name == nothing)

    for_each(range(len(hashes)), digest, Way(CONNECTIONS, None, cancel).hashers)
    hashmap = Hashmap(file.size, tuple(hashes), block_size, algorithm)
    return Hashed(Content(hashmap.root, file.size), hashmap, sums.result(file.read) if file.size > PIECE else b"")


def hash_data(data: bytes, block_size: int, algorithm: str) -> Hashed:
    """The same of a content in memory."""
    names = (block_hash(data[at : at + block_size], algorithm) for at in range(0, len(data), block_size))
    hashmap = Hashmap(len(data), tuple(names), block_size, algorithm)
    return Hashed(Content(hashmap.root, len(data)), hashmap, kept_sums(data))


def sums_of(data: bytes | memoryview) -> bytes:
    """The sums of the pieces of a content, or of a part of one that begins with a piece."""
    view = memoryview(data)
    return b"".join(xxh3_128_digest(view[at : at + PIECE]) for at in range(0, len(view), PIECE))


def kept_sums(data: bytes) -> bytes:
    """Those of a whole content that are worth remembering."""
    return sums_of(data) if len(data) > PIECE else b""


_NOTHING = sums_of(bytes(PIECE))


class Sums:
    """Collects the sums of a content from its blocks, which come in any order, by any thread."""

    def __init__(self, size: int, block_size: int) -> None:
        self._size = size
        self._even = block_size % PIECE == 0  # no piece is in two blocks
        self._parts: dict[int, bytes] = {}

    def add(self, offset: int, data: bytes, *, empty: bool = False) -> None:
        """A block of the content; `empty` ones hold nothing but NULs, as most of a sparse file does."""
        if self._even:
            whole = len(data) // PIECE if empty else 0
            self._parts[offset] = _NOTHING * whole + sums_of(memoryview(data)[whole * PIECE :])

    def result(self, read: Callable[[int, int], bytes]) -> bytes:
        """All sums; `read` gives the content again, for blocks that are no multiple of a piece."""
        if self._even:
            return b"".join(self._parts[offset] for offset in sorted(self._parts))
        starts = range(0, self._size, PIECE)
        return b"".join(sums_of(read(start, min(PIECE, self._size - start))) for start in starts)
