"""Uploading a file or a stream: hash it, ask what is missing, send that, commit (object-store.md section 19)."""

from __future__ import annotations

import io
import os
import stat
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Protocol

from pithosfs.blocks import Hashmap, block_count, block_hash, hash_stream, read_blocks, strip_block
from pithosfs.errors import BadReply, LocalError, NoConnection, PithosfsError, ServerFailed
from pithosfs.transfer.parallel import CONNECTIONS, UNLIMITED, Phase, Progress, Way, for_each

__all__ = ["WHOLE_LIMIT", "BlockTarget", "upload"]

# Up to here an object goes in one request. Above it, two round trips and a request for each block are worth the chance
# that the cloud has the block already.
WHOLE_LIMIT = 128 * 1024
# A block of a stream cannot be read a second time, so it is sent again at once.
_STREAM_ATTEMPTS = 3
_PASSING = (BadReply, ServerFailed, NoConnection)


class BlockTarget(Protocol):
    """Where an upload goes: one object to be, and the block store behind it. All methods are called by any thread."""

    @property
    def block_size(self) -> int:
        """Bytes in a block."""

    @property
    def algorithm(self) -> str:
        """hashlib's name of the block hash."""

    def missing(self, hashmap: Hashmap) -> Sequence[str]:
        """Which of these blocks the cloud does not hold yet, each once. Changes nothing."""

    def send(self, data: bytes) -> str:
        """Store one block, which may be without its trailing NULs; returns the hash that the cloud gave it."""

    def commit(self, hashmap: Hashmap) -> Sequence[str]:
        """Make the object. An answer that is not empty names the missing blocks, and nothing was changed."""

    def put(self, data: bytes) -> None:
        """Make the object of its whole content in one request."""


def upload(
    target: BlockTarget,
    source: Path | BinaryIO,
    *,
    size: int | None = None,
    connections: int = CONNECTIONS,
    whole_limit: int = WHOLE_LIMIT,
    hashmap: Hashmap | None = None,
    slots: AbstractContextManager[object] = UNLIMITED,
    progress: Callable[[Progress], None] | None = None,
    cancel: threading.Event | None = None,
) -> Hashmap:
    """Make the target object of a file or of the rest of a stream; returns what was sent.

    Files, also open ones and those in memory, are hashed first, so that only what the cloud lacks is sent; other
    streams are sent while they are read. With `size` exactly that many bytes are taken. Memory: a few blocks for each
    connection; one of the `slots`, a semaphore that several uploads may share, is held for each block of a file that is
    in memory. `hashmap`: what the file holds, for who has hashed it already; what is sent is compared with it.
    `progress` is called from several threads, but one call at a time.

    Raises LocalError when the file changes while it is read or is too short, ServerFailed when the cloud keeps losing
    blocks, TransferCancelled, OSError, and what the target raises. The object is made in one step or not at all.
    """
    way = Way(max(1, connections), progress, cancel, slots)
    with _opened(source) as stream:
        file = _Memory.of(stream, size) if isinstance(stream, io.BytesIO) else _File.of(stream, size)
        if file is None:
            return _upload_stream(target, _exactly(stream, size), size, whole_limit, way)
        return _upload_file(target, file, whole_limit, way, hashmap)


@contextmanager
def _opened(source: Path | BinaryIO) -> Iterator[BinaryIO]:
    if isinstance(source, Path):
        with source.open("rb") as stream:
            yield stream
    else:
        yield source


# files ----------------------------------------------------------------------------------------------------------------


class _File:
    """A part of an open regular file, read at any place by any thread."""

    def __init__(self, fd: int, start: int, size: int, name: str) -> None:
        self._fd = fd
        self._start = start
        self._name = name
        self._state = self._look()
        self.size = size

    @classmethod
    def of(cls, stream: BinaryIO, size: int | None) -> _File | None:
        """None when the stream is not a regular file that can be read from any place."""
        try:
            fd = stream.fileno()
            start = stream.tell()
        except (OSError, AttributeError):
            return None
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            return None
        # A file of size 0 may be one whose size nobody knows (/proc): that is read as a stream.
        if status.st_size == 0:
            return None
        there = max(0, status.st_size - start)
        name = str(getattr(stream, "name", "the file"))
        if size is not None and size > there:
            raise LocalError(f"{name} ends after {there} of {size} bytes")
        return cls(fd, start, there if size is None else size, name)

    def _look(self) -> tuple[int, int]:
        status = os.fstat(self._fd)
        return status.st_size, status.st_mtime_ns

    def read(self, offset: int, length: int) -> bytes:
        """Exactly these bytes of the part."""
        pieces = []
        while length:
            piece = os.pread(self._fd, length, self._start + offset)
            if not piece:
                raise self.changed()
            pieces.append(piece)
            offset += len(piece)
            length -= len(piece)
        return b"".join(pieces)

    def check(self) -> None:
        """Raise LocalError when somebody has changed the file since it was opened."""
        if self._look() != self._state:
            raise self.changed()

    def changed(self) -> LocalError:
        return LocalError(f"{self._name} changed while it was read", hint="try again when nobody writes to it")


class _Memory:
    """A part of a content in memory, read in the same way."""

    def __init__(self, data: memoryview) -> None:
        self._data = data
        self.size = len(data)

    @classmethod
    def of(cls, stream: io.BytesIO, size: int | None) -> _Memory:
        data = memoryview(stream.getvalue())[stream.tell() :]
        if size is not None and size > len(data):
            raise LocalError(f"the input ends after {len(data)} of {size} bytes")
        return cls(data if size is None else data[:size])

    def read(self, offset: int, length: int) -> bytes:
        return bytes(self._data[offset : offset + length])

    def check(self) -> None:
        """Nobody changes bytes."""

    def changed(self) -> LocalError:
        return LocalError("the content changed while it was read")


def _upload_file(
    target: BlockTarget, file: _File | _Memory, whole_limit: int, way: Way, hashmap: Hashmap | None
) -> Hashmap:
    if file.size <= whole_limit:
        data = file.read(0, file.size)
        file.check()
        return _put(target, data, way)
    if hashmap is None:
        hashmap = _hash_file(file, target.block_size, target.algorithm, way)
    elif hashmap.size != file.size:
        raise file.changed()
    file.check()
    way.check()
    # Asking with the commit itself saves a request, and costs nothing when blocks are missing.
    missing = _missing(target.commit(hashmap), hashmap.hashes)
    while missing:
        _send_round(target, file, hashmap, missing, way)
        file.check()
        way.check()
        left = _missing(target.commit(hashmap), hashmap.hashes)
        if len(left) >= len(missing):
            raise ServerFailed(f"the cloud still lacks {len(left)} blocks after they were sent")
        missing = left
    return hashmap


def _hash_file(file: _File | _Memory, block_size: int, algorithm: str, way: Way) -> Hashmap:
    hashes = [""] * block_count(file.size, block_size)
    meter = way.meter(Phase.HASHING, file.size)

    def digest(index: int) -> None:
        start = index * block_size
        data = file.read(start, min(block_size, file.size - start))
        hashes[index] = block_hash(data, algorithm)
        meter.add(len(data))

    for_each(range(len(hashes)), digest, way.hashers)
    return Hashmap(file.size, tuple(hashes), block_size, algorithm)


def _send_round(target: BlockTarget, file: _File | _Memory, hashmap: Hashmap, names: Sequence[str], way: Way) -> None:
    """Send blocks. Passing troubles are left to the next round, unless no block at all came through."""
    places = {name: index for index, name in enumerate(hashmap.hashes)}
    meter = way.meter(Phase.SENDING, sum(hashmap.block_length(places[name]) for name in names))
    troubles: list[PithosfsError] = []

    def send(name: str) -> None:
        index = places[name]
        with way.slots:
            data = file.read(index * hashmap.block_size, hashmap.block_length(index))
            try:
                # The cloud hashes it anyway, so it is not hashed here once more unless there is trouble.
                _send(target, name, data)
            except _PASSING as error:
                if block_hash(data, hashmap.algorithm) != name:
                    raise file.changed() from error
                troubles.append(error)
            else:
                meter.add(len(data))

    for_each(names, send, way)
    if len(troubles) == len(names):
        raise troubles[0]


def _send(target: BlockTarget, name: str, data: bytes) -> None:
    # Trailing NULs are not part of a block's hash, so they need not travel; but an empty body would store nothing.
    answer = target.send(strip_block(data) or b"\0")
    if answer.lower() != name:
        raise BadReply(f"the cloud stored a block as {answer}, which is {name} here")


def _missing(answer: Sequence[str], ours: Sequence[str]) -> list[str]:
    names = list(dict.fromkeys(name.lower() for name in answer))
    strange = set(names).difference(ours)
    if strange:
        raise BadReply(f"the cloud asks for a block that is not part of the object: {strange.pop()}")
    return names


def _put(target: BlockTarget, data: bytes, way: Way) -> Hashmap:
    way.check()
    meter = way.meter(Phase.HASHING, len(data))
    hashmap = hash_stream(io.BytesIO(data), target.block_size, target.algorithm)
    meter.add(len(data))
    meter = way.meter(Phase.SENDING, len(data))
    target.put(data)
    meter.add(len(data))
    return hashmap


# streams --------------------------------------------------------------------------------------------------------------


class _Exact(io.RawIOBase):
    """The next so many bytes of a stream; fewer are an error."""

    def __init__(self, stream: BinaryIO, size: int) -> None:
        self._stream = stream
        self._left = size

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        want = self._left if size < 0 else min(size, self._left)
        piece = self._stream.read(want) if want else b""
        if want and not piece:
            raise LocalError(f"the input ended {self._left} bytes early")
        self._left -= len(piece)
        return piece


def _exactly(stream: BinaryIO, size: int | None) -> BinaryIO:
    return stream if size is None else _Exact(stream, size)  # type: ignore[return-value]


def _upload_stream(target: BlockTarget, stream: BinaryIO, size: int | None, whole_limit: int, way: Way) -> Hashmap:
    block_size, algorithm = target.block_size, target.algorithm
    blocks = read_blocks(stream, block_size)
    first = next(blocks, b"")
    if len(first) < block_size and len(first) <= whole_limit:
        return _put(target, first, way)
    meter = way.meter(Phase.SENDING, size)
    hashes: list[str] = []
    total = 0

    def send(name: str, data: bytes) -> None:
        for left in reversed(range(_STREAM_ATTEMPTS)):
            way.check()
            try:
                _send(target, name, data)
            except _PASSING:
                if not left:
                    raise
            else:
                return

    # While one window of blocks is on its way the next is read: at most two windows are in memory.
    window = [first] if first else []
    running: list[Future[None]] = []
    with ThreadPoolExecutor(way.connections, thread_name_prefix="upload") as pool:
        try:
            while window:
                way.check()
                window += islice(blocks, way.connections - len(window))
                names = [block_hash(block, algorithm) for block in window]
                length = sum(map(len, window))
                part = Hashmap(length, tuple(names), block_size, algorithm)
                wanted = _missing(target.missing(part), names)
                for sent in running:
                    sent.result()
                contents = dict(zip(names, window, strict=True))
                running = [pool.submit(send, name, contents[name]) for name in wanted]
                hashes += names
                total += length
                meter.add(length)
                window = list(islice(blocks, 1))
            for sent in running:
                sent.result()
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    hashmap = Hashmap(total, tuple(hashes), block_size, algorithm)
    way.check()
    left = target.commit(hashmap)
    if left:
        raise ServerFailed(f"the cloud still lacks {len(left)} blocks after they were sent")
    return hashmap
