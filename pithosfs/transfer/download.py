"""Downloading an object into a file or a stream: its distinct blocks side by side, each compared with its hash."""

from __future__ import annotations

import os
import secrets
import stat
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO, Protocol

from pithosfs.blocks import DEFAULT_BLOCK_SIZE, Hashmap, block_hash, strip_block
from pithosfs.errors import BadReply, UsageError
from pithosfs.transfer.parallel import CONNECTIONS, UNLIMITED, Meter, Phase, Progress, Way, for_each

__all__ = ["RangeSource", "download", "fill", "same_again"]


class RangeSource(Protocol):
    """Where a download comes from: one version of one object. `read_range` is called by any thread."""

    @property
    def size(self) -> int:
        """Bytes in the object."""

    @property
    def hashmap(self) -> Hashmap | None:
        """The object's blocks, of exactly `size` bytes; None when they are not known (manifests, other clouds)."""

    def read_range(self, start: int, end: int) -> bytes:
        """Exactly the bytes `start` to `end` (excluded), or an error."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """A range to fetch, once, and all the places where it goes: (offset, length), `length` up to the range's."""

    start: int
    end: int
    name: str | None
    may_be_cut: bool
    places: tuple[tuple[int, int], ...]


def download(
    source: RangeSource,
    target: Path | BinaryIO,
    *,
    resume: bool = False,
    connections: int = CONNECTIONS,
    progress: Callable[[Progress], None] | None = None,
    cancel: threading.Event | None = None,
) -> None:
    """Write the whole object to a file or, in order, to a stream.

    A file is written under a hidden name beside `target`, flushed to disk and renamed, so that the target is the old
    or the new content, never a part, and is left alone by any failure. With `resume` it is mended in place instead:
    blocks that it has already are not fetched; so is an open file, at whose end the stream is then. What is not a
    regular file (a pipe, a device) is written as a stream. Blocks of NULs become holes. Memory: a few blocks for each
    connection.

    Raises BadReply when content does not match its hash (fetched twice), TransferCancelled, OSError, UsageError
    when `target` is a folder, and what the source raises.
    """
    way = Way(max(1, connections), progress, cancel)
    if not isinstance(target, Path):
        if resume and source.hashmap is not None:
            return _mend_open(source, source.hashmap, target, way)
        return _to_stream(source, target, way)
    target = target.resolve()  # through symbolic links: they stay what they are
    try:
        status = target.stat()
    except FileNotFoundError:
        status = None
    if status is not None and stat.S_ISDIR(status.st_mode):
        raise UsageError(f"{target} is a folder", hint="give the name of a file")
    if status is not None and not stat.S_ISREG(status.st_mode):
        with target.open("wb", buffering=0) as stream:
            return _to_stream(source, stream, way)
    if resume and source.hashmap is not None:
        return _mend(source, source.hashmap, target, way)
    return _replace(source, target, status, way)


def fill(
    source: RangeSource,
    fd: int,
    *,
    find: Callable[[str, int], bytes | None] | None = None,
    written: Callable[[int, bytes], None] | None = None,
    connections: int = CONNECTIONS,
    slots: AbstractContextManager[object] = UNLIMITED,
    progress: Callable[[Progress], None] | None = None,
    cancel: threading.Event | None = None,
) -> None:
    """Write the whole object into an open file that is empty, each block at its places; nothing is flushed to disk.

    `find` may know blocks that need not be fetched: from a name and a length it makes that many bytes, which it has
    compared with the name, or None. `written` is told the offset and content of each block that has been written. Both
    are called by any thread. One of the `slots`, a semaphore that several transfers may share, is held for each block
    in memory. Raises what `download` raises.
    """
    way = Way(max(1, connections), progress, cancel, slots)
    os.ftruncate(fd, source.size)
    meter = way.meter(Phase.RECEIVING, source.size)
    pieces = _pieces(source)

    def fetch(piece: _Piece) -> None:
        with way.slots:
            data = find(piece.name, piece.end - piece.start) if find is not None and piece.name is not None else None
            if data is None:
                data = _fetch(source, piece)
            for offset, length in piece.places:
                part = data[:length]
                _write_at(fd, strip_block(part), offset)
                if written is not None:
                    written(offset, part)
                meter.add(length)

    for_each(pieces, fetch, way)


def _replace(
    source: RangeSource,
    target: Path,
    status: os.stat_result | None,
    way: Way,
) -> None:
    # The name says nothing of the target's, which may be as long as names can be.
    hidden = target.with_name(f".pithosfs-{secrets.token_hex(8)}.part")
    mode = 0o666 if status is None else stat.S_IMODE(status.st_mode) & 0o777
    fd = os.open(hidden, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        try:
            if status is not None:
                os.fchmod(fd, mode)  # as it was, whatever the umask
            os.ftruncate(fd, source.size)
            meter = way.meter(Phase.RECEIVING, source.size)
            _fetch_into(fd, source, _pieces(source), meter, way, fresh=True)
            way.check()
            os.fsync(fd)
        finally:
            os.close(fd)
        hidden.replace(target)
    except BaseException:
        with suppress(OSError):
            hidden.unlink()
        raise
    parent = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(parent)
    finally:
        os.close(parent)


def _mend(
    source: RangeSource,
    hashmap: Hashmap,
    target: Path,
    way: Way,
) -> None:
    fd = os.open(target, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        _mend_fd(source, hashmap, fd, way)
    finally:
        os.close(fd)


def _mend_open(source: RangeSource, hashmap: Hashmap, stream: BinaryIO, way: Way) -> None:
    stream.flush()
    # The same file once more, readable and writable at any place, whatever mode it was opened in.
    fd = os.open(f"/proc/self/fd/{stream.fileno()}", os.O_RDWR | os.O_CLOEXEC)
    try:
        _mend_fd(source, hashmap, fd, way)
    finally:
        os.close(fd)
    stream.seek(0, os.SEEK_END)


def _mend_fd(source: RangeSource, hashmap: Hashmap, fd: int, way: Way) -> None:
    here = os.fstat(fd).st_size
    meter = way.meter(Phase.HASHING, min(here, hashmap.size))
    matching: set[int] = set()

    def compare(index: int) -> None:
        start, length = index * hashmap.block_size, hashmap.block_length(index)
        data = os.pread(fd, length, start)
        if len(data) == length and block_hash(data, hashmap.algorithm) == hashmap.hashes[index]:
            matching.add(start)
        meter.add(len(data))

    for_each(hashmap.indexes(0, here), compare, way.hashers)
    os.ftruncate(fd, hashmap.size)
    pieces = []
    for piece in _pieces(source):
        places = tuple(place for place in piece.places if place[0] not in matching)
        if places:
            pieces.append(_Piece(piece.start, piece.end, piece.name, piece.may_be_cut, places))
    meter = way.meter(Phase.RECEIVING, sum(length for piece in pieces for _, length in piece.places))
    _fetch_into(fd, source, pieces, meter, way, fresh=False)
    os.fsync(fd)


def _pieces(source: RangeSource) -> list[_Piece]:
    """What to fetch: each distinct block once, at the place where the most of it is visible."""
    hashmap = source.hashmap
    if hashmap is None:
        step = DEFAULT_BLOCK_SIZE
        ranges = [(start, min(step, source.size - start)) for start in range(0, source.size, step)]
        return [_Piece(start, start + length, None, False, ((start, length),)) for start, length in ranges]
    if hashmap.size != source.size:
        raise BadReply(f"an object of {source.size} bytes has a hashmap of {hashmap.size}")
    places: dict[str, list[tuple[int, int]]] = {}
    for index, name in enumerate(hashmap.hashes):
        places.setdefault(name, []).append((index * hashmap.block_size, hashmap.block_length(index)))
    result = []
    for name, where in places.items():
        start, length = max(where, key=lambda place: (place[1], -place[0]))
        cut = length < hashmap.block_size
        result.append(_Piece(start, start + length, name, cut, tuple(where)))
    return result


def _fetch(source: RangeSource, piece: _Piece) -> bytes:
    """The verified content of a piece."""
    hashmap = source.hashmap
    length = piece.end - piece.start
    if hashmap is None or piece.name is None:
        return _exact(source, piece)
    if piece.name == block_hash(b"", hashmap.algorithm):
        return bytes(length)
    before = None
    for _ in range(2):
        data = _exact(source, piece)
        if block_hash(data, hashmap.algorithm) == piece.name:
            return data
        if piece.may_be_cut and data == before and same_again(partial(_read, source), piece.start, data):
            return data
        before = data
    raise BadReply(f"bytes {piece.start} to {piece.end} do not match their hash {piece.name}")


def same_again(read: Callable[[int, int], bytes], start: int, data: bytes) -> bool:
    """Whether the same bytes come when they are asked for from one byte later.

    The hash of the last block of an object that was cut shorter covers hidden bytes (object-store.md section 20, row
    7): then there is nothing to compare with. Damage does not come out the same twice, and an answer that has nothing
    to do with the question begins with the same bytes again.
    """
    end = start + len(data)
    return read(start + 1, end) == data[1:] if len(data) > 1 else read(start, end) == data


def _exact(source: RangeSource, piece: _Piece) -> bytes:
    return _read(source, piece.start, piece.end)


def _read(source: RangeSource, start: int, end: int) -> bytes:
    data = source.read_range(start, end)
    if len(data) != end - start:
        raise BadReply(f"{len(data)} bytes came for {start} to {end}")
    return data


def _fetch_into(
    fd: int,
    source: RangeSource,
    pieces: list[_Piece],
    meter: Meter,
    way: Way,
    *,
    fresh: bool,
) -> None:
    """Fetch pieces to their places in a file; in a `fresh` one what is not written reads as NULs already."""

    def fetch(piece: _Piece) -> None:
        data = _fetch(source, piece)
        for offset, length in piece.places:
            part = data[:length]
            _write_at(fd, strip_block(part) if fresh else part, offset)
            meter.add(length)

    for_each(pieces, fetch, way)


def _write_at(fd: int, data: bytes, offset: int) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(fd, view, offset)
        view = view[written:]
        offset += written


def _to_stream(
    source: RangeSource,
    stream: BinaryIO,
    way: Way,
) -> None:
    """In order, with as many ranges on their way as there are connections."""
    meter = way.meter(Phase.RECEIVING, source.size)
    ahead: deque[Future[bytes]] = deque()

    block_size = DEFAULT_BLOCK_SIZE if source.hashmap is None else source.hashmap.block_size
    single = [
        _Piece(offset, offset + length, piece.name, length < block_size, ())
        for piece in _pieces(source)
        for offset, length in piece.places
    ]
    with ThreadPoolExecutor(way.connections, thread_name_prefix="download") as pool:
        try:
            for piece in sorted(single, key=lambda piece: piece.start):
                way.check()
                ahead.append(pool.submit(_fetch, source, piece))
                if len(ahead) >= way.connections:
                    _write_all(stream, ahead.popleft().result(), meter)
            while ahead:
                way.check()
                _write_all(stream, ahead.popleft().result(), meter)
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def _write_all(stream: BinaryIO, data: bytes, meter: Meter) -> None:
    view = memoryview(data)
    while view:
        written = stream.write(view)
        view = view[written if written is not None else len(view) :]
    meter.add(len(data))
