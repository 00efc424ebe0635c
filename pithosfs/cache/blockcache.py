"""The block cache: content-addressed blocks on disk, bounded, shared by processes, and never in anybody's way.

A cache may always say "I have not got that": a full or read-only disk, a removed folder, a damaged index or block are
logged and lead to a fetch from the server, never to an error or to wrong data (design, section 4).

Every block is compared with its name when it arrives. Blocks are not flushed to disk (a cache need not survive a power
cut), so a block that was last verified before the machine's last start is verified again before its first read.

Locks, outermost first; neither is held while a block's bytes are read, hashed or written to a temporary:

    _index_lock   the SQLite connection and whether there is one
    _lock         batched last uses, counters   (never take _index_lock while holding it)

Other processes are kept out by SQLite's write lock, within which block files are renamed in and deleted; so of the two
steps (file, row) either both are done or the process was killed, which its `Session` tells whoever opens the cache
next.
"""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pithosfs.blocks import DEFAULT_BLOCK_HASH, Hashmap, strip_block
from pithosfs.cache.files import BlockFiles, OpenBlock, OpenBlocks, Session, is_block_name
from pithosfs.cache.index import BlockRow, Index, UnusableIndexError, is_damage, is_passing
from pithosfs.errors import BadReply

__all__ = ["BlockCache", "CacheStats", "default_limit"]

_log = logging.getLogger(__name__)
_T = TypeVar("_T")

_DEFAULT_LIMIT = 10 * 1024**3
_OPEN_BLOCKS = 64  # descriptors: more than the files a desktop reads at once, far below the usual limit of 1024
_FLUSH_SECONDS = 60.0  # last uses may be this old in the index: eviction needs no better order
_FLUSH_COUNT = 4096
_INDEX_ROOM = 1 << 20  # on a full disk the index needs room too, to note what came and what went
_RETRY_SECONDS = 30.0  # how long a disk that refused is left alone
_EVICT_TO = 0.95  # evict a little more than needed, not one block for each block that comes
# The block without content, under the hashes that a server may use: it needs no file.
_EMPTY = frozenset(hashlib.new(a, b"").hexdigest() for a in ("md5", "sha1", "sha224", "sha256", "sha384", "sha512"))


@dataclass(frozen=True, slots=True)
class CacheStats:
    """What the cache holds. `disk` and `limit` are bytes; hits and misses are those of this process."""

    blocks: int
    disk: int
    limit: int
    pinned: int
    hashmaps: int
    metas: int
    hits: int
    misses: int


def default_limit(directory: Path) -> int:
    """10 GiB, or a tenth of the disk that holds `directory`, whichever is less."""
    for place in (directory, *directory.parents):
        with suppress(OSError):
            return min(_DEFAULT_LIMIT, shutil.disk_usage(place).total // 10)
    return _DEFAULT_LIMIT


def _this_boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""  # unknown: every block is then verified at its first read


class BlockCache:
    """Blocks by hash, and hashmaps and attributes by version. Thread-safe; several processes may share `directory`.

    `limit` is in bytes on disk, None for `default_limit`, 0 to keep no blocks. `clock` gives seconds since the epoch;
    `boot` names the machine's current start. No method raises because of the disk or the index.
    """

    def __init__(
        self,
        directory: Path,
        limit: int | None = None,
        *,
        clock: Callable[[], float] = time.time,
        boot: str | None = None,
    ) -> None:
        self.directory = directory
        self.limit = default_limit(directory) if limit is None else limit
        self._clock = clock
        self._boot = _this_boot() if boot is None else boot
        self._files = BlockFiles(directory)
        self._open = OpenBlocks(_OPEN_BLOCKS)
        self._index_lock = threading.RLock()
        self._index: Index | None = None
        self._session: Session | None = None
        self._closed = False
        self._refused_until = 0.0  # time.monotonic()
        self._refusals: set[str] = set()
        self._lock = threading.Lock()
        self._uses: dict[str, int] = {}
        self._verified: set[str] = set()
        self._flushed = time.monotonic()
        self._hits = 0
        self._misses = 0
        if self._ask(Index.totals, (0, 0))[1] > self.limit:
            self.evict()  # the limit is lower than last time, or a process was killed before it got to it

    def __enter__(self) -> BlockCache:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    # blocks ---------------------------------------------------------------------------------------------------------

    def read(self, name: str, start: int = 0, end: int | None = None, *, length: int) -> bytes | None:
        """Bytes `start` to `end` (excluded; default: all) of a block whose visible length is `length`.

        Trailing NULs, which the file leaves out, are put back. None when the block is not here or was damaged.
        """
        end = length if end is None else min(end, length)
        if start >= end:
            return b""
        if name in _EMPTY:
            return bytes(end - start)
        block = self._borrow(name)
        if block is None:
            self._count(hit=False)
            return None
        try:
            data = block.read(start, end)
        finally:
            self._open.release(block)
        if data is None:
            self._discard(name, "was cut short on disk")
            self._count(hit=False)
            return None
        self._count(hit=True)
        return data if len(data) == end - start else data.ljust(end - start, b"\0")

    def put(self, name: str, data: bytes | bytearray | memoryview, algorithm: str = DEFAULT_BLOCK_HASH) -> None:
        """Keep a block (stripped or not). Raises BadReply when it does not hash to `name`; else keeps it if it can."""
        stripped = strip_block(data)
        try:
            digest = hashlib.new(algorithm, stripped).hexdigest()
        except ValueError:
            raise BadReply(f"unknown block hash {algorithm!r}") from None
        if digest != name:
            raise BadReply(f"a block of {len(data)} bytes arrived damaged: its hash is {digest}, not {name}")
        if not stripped or not self._wanted(len(stripped)) or self._holds(name, len(stripped)):
            return
        row = BlockRow(algorithm, len(stripped), self._boot)
        for _ in range(2):
            try:
                if self._take_in(self._files.write(stripped), name, row):
                    return
            except OSError as error:
                self._refuse(error)
                if error.errno != errno.ENOSPC:
                    return
            # A disk that others fill up: the cache gives way, and tries once more.
            if not self._make_room(len(stripped) + _INDEX_ROOM):
                return

    def adopt(self, name: str, file: Path, algorithm: str = DEFAULT_BLOCK_HASH) -> None:
        """Move a finished block file in. It must be stripped and verified by the caller, and is gone afterwards."""
        try:
            size = file.stat().st_size
            if not size or not is_block_name(name) or not self._wanted(size):
                file.unlink()
                return
            temporary = self._files.bring(file)
        except OSError as error:
            with suppress(OSError):
                file.unlink(missing_ok=True)
            self._refuse(error)
            return
        self._take_in(temporary, name, BlockRow(algorithm, size, self._boot))

    def has(self, names: Iterable[str]) -> set[str]:
        """Those of the blocks that are here, as far as the index knows."""
        wanted = set(names)
        empty = wanted & _EMPTY
        rest = wanted - empty
        none: set[str] = set()
        return empty | (self._ask(lambda index: index.known(rest), none) if rest else none)

    def pin(self, owner: str, names: Iterable[str]) -> None:
        """Keep these blocks from eviction until `owner` unpins them, also those that come later.

        Pins outlive the process: an owner uses the same name after its restart, and begins by unpinning what it does
        not need any more.
        """
        listed = list(names)
        self._write(lambda index: index.pin(owner, listed))

    def unpin(self, owner: str, names: Iterable[str] | None = None) -> None:
        """Let these blocks, or all of the owner's, be evicted again."""
        listed = None if names is None else list(names)
        self._write(lambda index: index.unpin(owner, listed))

    def evict(self, limit: int | None = None) -> int:
        """Delete the blocks used longest ago until at most `limit` bytes (default: the cache's own) are taken up.

        Pinned blocks stay. Returns the bytes that were freed.
        """
        target = self.limit if limit is None else limit
        self.flush()
        freed = 0

        def step(index: Index) -> int:
            excess = index.totals()[1] - target
            return self._evict_some(index, excess) if excess > 0 else 0

        while got := self._ask(step, 0):
            freed += got
        return freed

    def stats(self) -> CacheStats:
        """Counts of now; zeros when there is no index to ask."""
        self.flush()
        blocks, disk = self._ask(Index.totals, (0, 0))
        hashmaps, metas = self._ask(Index.remembered, (0, 0))
        pinned = self._ask(Index.pinned, 0)
        return CacheStats(blocks, disk, self.limit, pinned, hashmaps, metas, self._hits, self._misses)

    # versions -------------------------------------------------------------------------------------------------------

    def hashmap(self, cloud: str, version: str) -> Hashmap | None:
        """The content of a version, if it was remembered. `cloud` is an opaque key of the cloud (its endpoint URL)."""
        return self.hashmaps(cloud, [version]).get(version)

    def hashmaps(self, cloud: str, versions: Sequence[str]) -> dict[str, Hashmap]:
        """The contents of those of the versions that were remembered."""
        return self._ask(lambda index: index.hashmaps(cloud, versions), {})

    def remember_hashmap(self, cloud: str, version: str, hashmap: Hashmap) -> None:
        """Remember a version's content for good. A hashmap whose hashes are no hex digests is not remembered."""
        with suppress(ValueError):
            self._write(lambda index: index.remember_hashmap(cloud, version, hashmap))

    def meta(self, cloud: str, versions: Sequence[str]) -> dict[str, dict[str, object]]:
        """The remembered attributes (JSON objects) of those of the versions that have some."""
        return self._ask(lambda index: index.meta(cloud, versions), {})

    def remember_meta(self, cloud: str, entries: Mapping[str, Mapping[str, object]]) -> None:
        """Remember attributes (JSON-able) by version, replacing what was known of those versions."""
        if entries:
            self._write(lambda index: index.remember_meta(cloud, entries))

    # upkeep ---------------------------------------------------------------------------------------------------------

    def flush(self) -> None:
        """Write batched last uses to the index."""
        with self._lock:
            uses, self._uses = self._uses, {}
            verified, self._verified = self._verified, set()
            self._flushed = time.monotonic()
        if uses or verified:
            self._write(lambda index: index.note(uses, verified, self._boot))

    def close(self) -> None:
        """Flush and let go. Afterwards the cache holds nothing and takes nothing."""
        self.flush()
        self._open.close()
        with self._index_lock:
            self._closed = True
            self._drop_index()

    # reading --------------------------------------------------------------------------------------------------------

    def _borrow(self, name: str) -> OpenBlock | None:
        """The verified open block, noting its use; to be released."""
        block = self._open.borrow(name)
        if block is None and (block := self._open_file(name)) is not None:
            block = self._open.lend(block)
        if block is not None:
            self._used(name)
        return block

    def _count(self, *, hit: bool) -> None:
        with self._lock:
            if hit:
                self._hits += 1
            else:
                self._misses += 1

    def _used(self, name: str) -> None:
        with self._lock:
            self._uses[name] = self._now()
            due = len(self._uses) >= _FLUSH_COUNT or time.monotonic() - self._flushed > _FLUSH_SECONDS
        if due:
            self.flush()

    def _open_file(self, name: str) -> OpenBlock | None:
        row = self._ask(lambda index: index.find(name), None) if is_block_name(name) else None
        if row is None:
            return None
        try:
            fd = self._files.open(name)
        except FileNotFoundError:
            self._write(lambda index: index.remove([name]))
            return None
        except OSError as error:
            self._refuse(error)
            return None
        block = OpenBlock(name, fd, os.fstat(fd).st_size)
        with self._lock:
            verified = row.verified_boot == self._boot or name in self._verified
        if not verified or not self._boot or block.size != row.size:
            if not block.verify(row.algorithm):
                os.close(fd)
                self._discard(name, "was damaged on disk")
                return None
            with self._lock:
                self._verified.add(name)
        return block

    def _discard(self, name: str, why: str) -> None:
        _log.warning("cached block %s %s: deleted", name, why)
        self._open.drop(name)

        def both(index: Index) -> None:
            self._files.remove(name)
            index.remove([name])

        self._write(both)

    # adding and evicting --------------------------------------------------------------------------------------------

    def _wanted(self, size: int) -> bool:
        return not self._closed and size <= self.limit

    def _holds(self, name: str, size: int) -> bool:
        row = self._ask(lambda index: index.find(name), None)
        if row is None or row.verified_boot != self._boot or self._files.size(name) != size:
            return False
        self._used(name)
        return True

    def _take_in(self, temporary: Path, name: str, row: BlockRow) -> bool:
        def both(index: Index) -> int:
            if temporary.exists():  # not when the index failed after the rename and this is the second attempt
                self._files.place(temporary, name)
            index.add(name, row, self._now())
            return index.totals()[1]

        disk = self._write(both)
        if disk is None:  # the index could not note it: the file would never be found, nor counted
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
                self._files.remove(name)
            return False
        if disk > self.limit:
            self.evict(int(self.limit * _EVICT_TO))
        return True

    def _make_room(self, size: int) -> int:
        """Evict about `size` bytes whatever the limit is; returns the bytes freed."""
        self.flush()
        return self._ask(lambda index: self._evict_some(index, size), 0)

    def _evict_some(self, index: Index, excess: int) -> int:
        with index.writing():
            victims = index.victims(excess)
            for name, _ in victims:  # the files first: on a full disk the index could not be written before
                self._open.drop(name)
                self._files.remove(name)
            index.remove([name for name, _ in victims])
        return sum(disk for _, disk in victims)

    # the index ------------------------------------------------------------------------------------------------------

    def _now(self) -> int:
        return int(self._clock() * 1000)

    def _write(self, act: Callable[[Index], _T]) -> _T | None:
        def transaction(index: Index) -> _T:
            with index.writing():
                return act(index)

        return self._ask(transaction, None)

    def _ask(self, question: Callable[[Index], _T], default: _T) -> _T:
        """The index's answer, or `default` when there is no index that works. May ask twice."""
        with self._index_lock:
            for _ in range(2):
                index = self._usable_index()
                if index is None:
                    break
                try:
                    return question(index)
                except sqlite3.Error as error:
                    if is_passing(error):
                        self._refuse(error)
                        break
                    # Removed, damaged or refused by the disk: a new connection will tell.
                    _log.info("cache index %s: %s; opening it again", index.path, error)
                    self._drop_index(clean=False)
                    if is_damage(error):
                        self._discard_index(index)
                except OSError as error:
                    self._refuse(error)
                    break
            else:
                self._refused_until = time.monotonic() + _RETRY_SECONDS
        return default

    def _usable_index(self) -> Index | None:
        if self._index is not None:
            if self._index.in_place():
                return self._index
            self._drop_index()  # somebody removed the cache: begin anew
        if self._closed or time.monotonic() < self._refused_until:
            return None
        try:
            self._files.prepare()
            with self._files.locked():
                self._session = Session(self.directory)
                self._index = self._open_or_rebuild()
                if self._index.created or self._session.others_died:
                    self._files.sweep()
                    with self._index.writing():
                        self._index.reconcile(self._files.scan(), self._now())
        except (OSError, sqlite3.Error, UnusableIndexError) as error:
            self._drop_index(clean=False)
            self._refused_until = time.monotonic() + _RETRY_SECONDS
            self._refuse(error)
            return None
        return self._index

    def _open_or_rebuild(self) -> Index:
        path = self.directory / "index.db"
        try:
            return Index(path)
        except UnusableIndexError as error:
            _log.warning("cache index %s cannot be used (%s): rebuilding it", path, error)
            Index.discard(path)
            return Index(path)

    def _discard_index(self, index: Index) -> None:
        try:
            with self._files.locked():
                if index.in_place():  # else another process has rebuilt it already
                    Index.discard(index.path)
        except OSError as error:
            self._refuse(error)

    def _drop_index(self, *, clean: bool = True) -> None:
        if self._index is not None:
            self._index.close()
            self._index = None
        if self._session is not None:
            self._session.end(clean=clean)
            self._session = None

    def _refuse(self, error: Exception) -> None:
        """Say once for each kind of trouble that the cache does without."""
        kind = str(error.errno) if isinstance(error, OSError) else type(error).__name__
        with self._lock:
            if kind in self._refusals:
                return
            self._refusals.add(kind)
        _log.warning("the cache in %s is not used for now: %s", self.directory, error)
