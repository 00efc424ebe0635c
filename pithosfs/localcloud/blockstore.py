"""The local cloud's blocks, named by their hashes, stored without their trailing NUL bytes: one file a block, but for
small ones, which are rows of the database (`smallblocks`).

    <directory>/ab/cd/abcd…     a whole block, read-only from the moment it has this name
    <directory>/tmp/…           blocks being written; whatever is left there by a crash is removed by open()
    <directory>/in-use          is there while a store is open, so that one that was killed is recognised

A block is written to a temporary, fsynced, renamed and the directory fsynced before `put` answers. So a name that
exists has the whole content, and what was answered survives a power cut. Only one process at a time may have a store
open (the server's lock sees to that).

The hash leaves out trailing NUL bytes, so one name stands for blocks of several lengths: a reader says how many bytes
it wants and gets the rest as NULs. The block without any byte left (all NULs) always exists and has no file.

Locks: `_flights` (what is being put) belongs to the event loop; `_age_lock` makes "this block is wanted" and "this old
block can go" exclude each other, and is held for one stat and one utime or unlink.
"""

from __future__ import annotations

import asyncio
import ctypes
import hashlib
import itertools
import os
import re
import sqlite3
import threading
import time
from collections.abc import Awaitable, Callable, Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from pithosfs.blocks import DEFAULT_BLOCK_HASH, block_hash
from pithosfs.localcloud.smallblocks import LARGEST, SmallBlock, SmallBlocks, add_block

__all__ = ["BlockStore", "MissingBlock"]

T = TypeVar("T")

THREADS = 8
"""Blocks handled at a time: they mostly wait for the disk, and the kernel joins fsyncs that come together."""

INLINE_READ = 128 * 1024
"""Reads up to this many bytes are tried at once in the event loop, if they need no disk (RWF_NOWAIT)."""

INLINE_HASH = 64 * 1024
"""Blocks up to this many bytes are hashed in the event loop: that takes less than the way to a thread and back."""

KEEP_SECONDS = 24 * 3600.0
"""A block that nothing refers to yet is kept at least this long after it was put, and half of it after it was last
found to exist: a client may take its time between sending blocks and committing the hashmap."""


COLLECT_AT_A_TIME = 100_000
"""Names that are looked up together when collecting: every look-up reads all hashmaps, and each name takes memory."""


class MissingBlock(LookupError):
    """No such block is stored."""


class BlockStore:
    """Blocks by hash in one directory (see the module's text). Without `small` every block is a file."""

    def __init__(
        self, directory: Path, algorithm: str = DEFAULT_BLOCK_HASH, *, small: SmallBlocks | None = None
    ) -> None:
        self.directory = directory
        self.algorithm = algorithm
        self._small = small
        self.empty = block_hash(b"", algorithm)
        self._name = re.compile(f"[0-9a-f]{{{len(self.empty)}}}")
        self._temporaries = directory / "tmp"
        self._marker = directory / "in-use"
        self._numbers = itertools.count()
        self._pool: ThreadPoolExecutor | None = None
        self._flights: dict[str, asyncio.Future[None]] = {}
        self._age_lock = threading.Lock()
        self._new_folders: set[Path] = set()  # made, but not synced yet

    def open(self) -> None:
        """Make the directory, or tidy it up after a crash."""
        self._temporaries.mkdir(mode=0o700, parents=True, exist_ok=True)
        for leftover in self._temporaries.iterdir():
            leftover.unlink()
        for first in range(256):
            (self.directory / f"{first:02x}").mkdir(mode=0o700, exist_ok=True)
        if self._marker.exists():
            # The last server was killed. Blocks that it had renamed but whose directory it had not synced yet are
            # visible now and may be counted on, so they must be made durable first.
            _sync_filesystem(self.directory)
        else:
            self._marker.touch(mode=0o600)
            _sync_directory(self.directory)
        if self._small is not None:
            self._small.open()
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="blocks")

    def close(self) -> None:
        """Let writes that are under way finish. May be called twice."""
        if self._pool is not None:
            self._pool.shutdown(wait=True)
            self._pool = None
            self._marker.unlink(missing_ok=True)

    def path(self, name: str) -> Path:
        """Where the block of that name is, if it exists. Raises MissingBlock for what is no name at all."""
        if not self._name.fullmatch(name):
            raise MissingBlock(name)
        return self.directory / name[:2] / name[2:4] / name

    # writing --------------------------------------------------------------------------------------------------------

    def small(self, data: bytes | bytearray) -> SmallBlock | None:
        """The block as one that the transaction which first refers to it can store (`add_small`); None: use `put`."""
        if self._small is None or len(data) > LARGEST:
            return None
        stripped, name = self._strip(data)
        return SmallBlock(name, bytes(stripped))

    @staticmethod
    def add_small(connection: sqlite3.Connection, block: SmallBlock) -> None:
        """Store a block that `small` made, in a write transaction of the database."""
        if block.data:
            add_block(connection, block, KEEP_SECONDS / 2)

    async def put(self, data: bytes | bytearray | memoryview) -> str:
        """Store a block and return its name; when this returns, it is safe on the disk.

        The same block may be put several times at once. Raises OSError or, for a small one, sqlite3.Error (disk full);
        nothing is left behind then.
        `data` must not change meanwhile.
        """
        if len(data) <= INLINE_HASH:
            stripped, name = self._strip(data)
        else:
            stripped, name = await self._in_thread(self._strip, data)
        if not stripped:
            return name
        if self._small is not None and len(stripped) <= LARGEST:
            await self._small.put(SmallBlock(name, bytes(stripped)), KEEP_SECONDS / 2)
            return name
        while (flight := self._flights.get(name)) is not None:
            # Somebody else is writing it. If that fails, this caller tries for itself.
            with suppress(OSError):
                await asyncio.shield(flight)
                return name
        flight = asyncio.get_running_loop().create_future()
        self._flights[name] = flight
        writing = asyncio.ensure_future(self._in_thread(self._store, name, stripped))
        writing.add_done_callback(lambda done: self._land(name, flight, done))
        # Shielded: a request that is given up must not leave `_flights` saying that nobody writes.
        await asyncio.shield(writing)
        return name

    def _land(self, name: str, flight: asyncio.Future[None], writing: asyncio.Future[None]) -> None:
        del self._flights[name]
        error = asyncio.CancelledError() if writing.cancelled() else writing.exception()
        if error is None:
            flight.set_result(None)
        else:
            flight.set_exception(error if isinstance(error, OSError) else OSError(str(error)))
            flight.exception()  # mark as seen: usually nobody waits for it

    def _strip(self, data: bytes | bytearray | memoryview) -> tuple[memoryview, str]:
        """What is to be stored of a block, and its name. Nothing is copied: a server's memory is blocks under way."""
        view = memoryview(data)
        stripped = view[: _stripped_length(view)]
        return stripped, hashlib.new(self.algorithm, stripped).hexdigest()

    def _store(self, name: str, stripped: memoryview) -> None:
        target = self.path(name)
        if self._touch(target):
            return
        temporary = self._temporaries / f"{next(self._numbers)}-{name}"
        try:
            with temporary.open("xb", buffering=0) as file:
                _write_whole(file.fileno(), stripped)
                os.fsync(file.fileno())
            try:
                temporary.rename(target)
            except FileNotFoundError:
                # The first block of its folder.
                self._new_folders.add(target.parent)
                target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                temporary.rename(target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        _sync_directory(target.parent)
        if target.parent in self._new_folders:
            # A folder's own name must be as durable as what is in it. Whoever puts a block into it before somebody has
            # seen to that does so too.
            _sync_directory(target.parent.parent)
            self._new_folders.discard(target.parent)

    # reading --------------------------------------------------------------------------------------------------------

    async def read(self, name: str, start: int, end: int) -> bytes:
        """Bytes `start` (included) to `end` (excluded) of a block: exactly `end - start`, NULs beyond what is stored.

        Raises MissingBlock.
        """
        length = max(0, end - start)
        if name == self.empty or not length:
            return bytes(length)
        path = self.path(name)
        data = None
        if self._small is not None:
            data = self._small.read(name, start, length)
        if data is None and length <= INLINE_READ:
            data = _read_cached(path, start, length)
        if data is None:
            data = await self._in_thread(_read_file, path, start, length)
        return data if len(data) == length else data.ljust(length, b"\0")

    async def exists(self, names: Iterable[str]) -> set[str]:
        """Those of `names` that are stored, durably; they stay at least for `KEEP_SECONDS / 2` more."""
        wanted = set(names)
        if self._small is not None:
            valid = [name for name in wanted if self._name.fullmatch(name)]
            rows = await self._small.exists(valid, KEEP_SECONDS / 2)
            return rows | (await self._files_exist(wanted - rows) if len(rows) < len(wanted) else set())
        return await self._files_exist(wanted)

    async def _files_exist(self, wanted: set[str]) -> set[str]:
        while under_way := [self._flights[name] for name in wanted if name in self._flights]:
            await asyncio.wait(under_way)
        return await self._in_thread(lambda: {name for name in wanted if self._is_stored(name)})

    def _is_stored(self, name: str) -> bool:
        return name == self.empty or (self._name.fullmatch(name) is not None and self._touch(self.path(name)))

    def _touch(self, path: Path) -> bool:
        """Whether the block is there; if so it will not be collected soon."""
        try:
            if time.time() - path.stat().st_mtime > KEEP_SECONDS / 2:
                with self._age_lock:
                    os.utime(path)
        except FileNotFoundError:
            return False
        return True

    # collecting -----------------------------------------------------------------------------------------------------

    async def collect(self, in_use: Callable[[Collection[str]], Awaitable[set[str]]]) -> tuple[int, int]:
        """Remove blocks that nothing refers to and that nobody asked for lately; returns how many, and their bytes.

        `in_use` is given names and returns those that any version refers to. It must see everything that was
        committed before it was called.
        """
        count = size = 0
        old: list[str] = []
        for first in range(256):
            old += await self._in_thread(self._old_blocks, self.directory / f"{first:02x}")
            if old and (len(old) >= COLLECT_AT_A_TIME or first == 255):
                unused = set(old) - await in_use(old)
                removed = await self._in_thread(self._remove_old, sorted(unused))
                count += len(removed)
                size += sum(removed)
                old = []
        if self._small is not None:
            before = time.time() - KEEP_SECONDS
            old = await self._small.old(before)
            for at in range(0, len(old), COLLECT_AT_A_TIME):
                some = old[at : at + COLLECT_AT_A_TIME]
                removed = await self._small.remove(sorted(set(some) - await in_use(some)), before)
                count += len(removed)
                size += sum(removed)
        return count, size

    def _old_blocks(self, folder: Path) -> list[str]:
        before = time.time() - KEEP_SECONDS
        return [path.name for path in folder.glob("*/*") if path.stat().st_mtime < before]

    def _remove_old(self, names: list[str]) -> list[int]:
        """Remove those that are still old; returns their sizes. A crash may bring some back: that does no harm."""
        before = time.time() - KEEP_SECONDS
        sizes = []
        for name in names:
            path = self.path(name)
            with self._age_lock, suppress(FileNotFoundError):
                found = path.stat()
                if found.st_mtime < before:
                    path.unlink()
                    sizes.append(found.st_size)
        return sizes

    async def _in_thread(self, fn: Callable[..., T], *arguments: object) -> T:
        if self._pool is None:
            raise RuntimeError("the block store is closed")
        return await asyncio.get_running_loop().run_in_executor(self._pool, fn, *arguments)


def _stripped_length(view: memoryview) -> int:
    """The length without trailing NULs (`blocks.strip_block` makes a copy to find it)."""
    end = len(view)
    while end:
        start = max(0, end - 4096)
        if piece := bytes(view[start:end]).rstrip(b"\0"):
            return start + len(piece)
        end = start
    return 0


def _write_whole(descriptor: int, view: memoryview) -> None:
    while view:
        view = view[os.write(descriptor, view) :]


def _read_file(path: Path, start: int, length: int) -> bytes:
    """At most `length` bytes from `start`; fewer only at the end of the file."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        raise MissingBlock(path.name) from None
    try:
        data = os.pread(descriptor, length, start)
        while 0 < len(data) < length and (more := os.pread(descriptor, length - len(data), start + len(data))):
            data += more
        return data
    finally:
        os.close(descriptor)


def _read_cached(path: Path, start: int, length: int) -> bytes | None:
    """Like `_read_file` if the bytes are in memory already; None when the disk would have to be waited for."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        raise MissingBlock(path.name) from None
    try:
        buffer = bytearray(length)
        count = os.preadv(descriptor, [buffer], start, os.RWF_NOWAIT)
        if count < length and start + count < os.fstat(descriptor).st_size:
            return None
        return bytes(memoryview(buffer)[:count])
    except OSError:
        return None  # not cached (EAGAIN), or this file system cannot tell (EOPNOTSUPP)
    finally:
        os.close(descriptor)


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_filesystem(path: Path) -> None:
    """Make everything durable that is on the file system of `path`."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.syncfs(descriptor) != 0:
            raise OSError(ctypes.get_errno(), "syncfs failed", str(path))
    finally:
        os.close(descriptor)
