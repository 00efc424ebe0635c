"""Reading one version of an object: cache first, whole blocks ahead for who reads on, small ranges for who jumps.

A sequential reader gets its block whole, and the next ones fetched ahead of it by other threads; the window doubles
while it goes on. A reader that jumps gets an aligned range of 256 KiB; when half of a block was asked for that way,
the rest is worth having too. Whole blocks are compared with their hash and put into the cache; ranges cannot be
compared with anything and are kept in memory only, for a while.

All readers on one cache share what is in memory and what is being fetched (`fetching.Shared`), so the memory of the
process is bounded, and a block that two ask for is fetched once.

Locks: `_lock` guards where the streams are and which ranges were asked for; never held during I/O.
"""

from __future__ import annotations

import errno
import logging
import os
import threading
from collections.abc import Callable
from concurrent.futures import Executor
from typing import TypeVar

from pithosfs.blocks import DEFAULT_BLOCK_HASH, DEFAULT_BLOCK_SIZE, Hashmap, block_hash
from pithosfs.cache import BlockCache
from pithosfs.errors import BadReply, NotFound, PithosfsError
from pithosfs.mount.fetching import BlockFormats, Shared
from pithosfs.store import ObjectPath, ObjectStore
from pithosfs.transfer.download import same_again

__all__ = ["Reader"]

log = logging.getLogger(__name__)

T = TypeVar("T")

RANGE = 256 * 1024  # bytes: at 20 ms and 200 Mbit/s a range takes 30 ms, a block of 4 MiB 190
SMALL = 1024 * 1024  # bytes: a block this short is fetched whole; asking twice costs more than it saves
STREAMS = 4  # sequential readers of one version at a time
SLACK = 512 * 1024  # bytes by which the requests of the kernel's read-ahead may come out of order
MAX_WINDOW = 8  # blocks ahead
ATTEMPTS = 3  # for a block that does not hash to its name

SEQUENTIAL = 256 * 1024  # bytes read in sequence by more than who only looks at a header


class _Stream:
    """Somebody who reads on: the end of what was read, how much that was, the blocks to fetch ahead."""

    __slots__ = ("ahead", "end", "read", "window")

    def __init__(self, end: int) -> None:
        self.end = end
        self.read = 0
        self.window = 1
        self.ahead = -1  # the last block that was asked for ahead


class Reader:
    """One open version, shared by all handles on it. Thread-safe.

    `size` is in bytes. `hashmap` None: found when it is first needed, in the cache, from `object_hash` when the object
    has one block, else on the server. `has_blocks` False: it is a manifest, whose hash and blocks are its own and not
    those of its content. Raises OSError (ESTALE: the version is gone and the object has changed) and the
    errors of the store.
    """

    def __init__(
        self,
        store: ObjectStore,
        cache: BlockCache,
        origin_path: ObjectPath,
        version: str,
        size: int,
        hashmap: Hashmap | None,
        pool: Executor,
        *,
        cloud_key: str,
        object_hash: str = "",
        has_blocks: bool = True,
    ) -> None:
        self._store = store
        self._cache = cache
        self.path = origin_path
        self.version = version
        self.size = size
        self._hashmap = hashmap
        self._unhashed = False
        self._pool = pool
        self._cloud_key = cloud_key
        self._has_blocks = has_blocks and store.capabilities.hashmaps
        self._object_hash = object_hash or (hashmap.root if hashmap is not None else "")
        self._shared = Shared.of(cache)
        self._lock = threading.Lock()
        self._learning = threading.Lock()  # whoever needs the hashmap has nothing to do before it is there
        self._streams: list[_Stream] = []
        self._asked: dict[int, set[int]] = {}  # block → its ranges that were asked for
        self._ahead: set[int] = set()

    # the content's description --------------------------------------------------------------------------------------

    def hashmap(self) -> Hashmap:
        """The blocks of the version. Raises EOPNOTSUPP where there are none that describe all of it (manifests,
        clouds without hashmaps)."""
        hashmap = self._blocks()
        if self._unhashed:
            raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP), str(self.path))
        return hashmap

    def _blocks(self) -> Hashmap:
        """The hashmap; without hashes when the cloud has none for this object."""
        hashmap = self._hashmap
        if hashmap is not None:
            return hashmap
        with self._learning:
            if self._hashmap is None:
                self._hashmap = self._learn()
            return self._hashmap

    def _learn(self) -> Hashmap:
        if not self._has_blocks:
            return self._without_hashes()
        known = self._cache.hashmap(self._cloud_key, self.version)
        if known is not None and known.size == self.size:
            return known
        if self._object_hash:
            block_size, algorithm = BlockFormats.of(self._store).get(self.path)
            if self.size == 0:
                return Hashmap(0, (), block_size, algorithm)
            if self.size <= block_size:
                return Hashmap(self.size, (self._object_hash,), block_size, algorithm)
        found = self._current(lambda: self._store.hashmap(self.path, self.version))
        if found.size != self.size:
            # A manifest: its size is that of its parts, its blocks are its own (object-store.md section 17).
            return self._without_hashes()
        self._object_hash = self._object_hash or found.root
        self._cache.remember_hashmap(self._cloud_key, self.version, found)
        return found

    def _without_hashes(self) -> Hashmap:
        self._unhashed = True
        return Hashmap(self.size, ("",) * -(-self.size // DEFAULT_BLOCK_SIZE), DEFAULT_BLOCK_SIZE, DEFAULT_BLOCK_HASH)

    # reading --------------------------------------------------------------------------------------------------------

    def read(self, offset: int, size: int) -> bytes:
        """Bytes from `offset`: as many as exist, up to `size`."""
        end = min(offset + size, self.size)
        if offset >= end:
            return b""
        hashmap = self._blocks()
        stream = self._stream(offset, end)
        blocks = hashmap.indexes(offset, end)
        if stream is not None:
            self._read_ahead(stream, blocks[-1])
        pieces = []
        for index in blocks:
            first = index * hashmap.block_size
            start, stop = max(offset - first, 0), min(end - first, hashmap.block_length(index))
            pieces.append(self._piece(index, start, stop, sequential=stream is not None))
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def block(self, index: int) -> bytes:
        """A whole block, as long as it is visible."""
        length = self._blocks().block_length(index)
        cached = self._cached(index, 0, length)
        return self._fetch_block(index) if cached is None else cached

    def _piece(self, index: int, start: int, stop: int, *, sequential: bool) -> bytes:
        data = self._cached(index, start, stop)
        if data is not None:
            return data
        length = self._blocks().block_length(index)
        if sequential or length <= SMALL or stop - start > length // 2 or self._shared.is_coming(self._key(index)):
            return self._fetch_block(index)[start:stop]
        wanted = range(start // RANGE, (stop - 1) // RANGE + 1)
        with self._lock:
            asked = self._asked.setdefault(index, set())
            asked.update(wanted)
            enough = len(asked) * RANGE >= length // 2
        if enough:
            return self._fetch_block(index)[start:stop]
        data = b"".join(self._range(index, one, length) for one in wanted)
        skipped = start - wanted[0] * RANGE
        return data[skipped : skipped + stop - start]

    def _key(self, index: int) -> str:
        """What a block is known by while it is fetched: its name, so that all readers of the content share it.

        But the name of a short last block may stand for bytes that only other objects show.
        """
        hashmap = self._blocks()
        name = hashmap.hashes[index]
        return name if name and hashmap.block_length(index) == hashmap.block_size else self._own_key(index)

    def _cached(self, index: int, start: int, stop: int) -> bytes | None:
        """From memory or the cache."""
        hashmap = self._blocks()
        name = hashmap.hashes[index]
        data = self._shared.block(self._own_key(index))
        if data is None and name:
            data = self._shared.block(name)
        if data is not None:
            return data[start:stop].ljust(stop - start, b"\0")  # the same block may end sooner in another object
        return self._cache.read(name, start, stop, length=hashmap.block_length(index)) if name else None

    def _own_key(self, index: int) -> str:
        # The parts of a manifest change while its version stays: then nothing is shared with other readers.
        own = "" if self._has_blocks else f":{id(self)}"
        return f"{self._cloud_key}:{self.version}:{index}{own}"

    # sequential readers ---------------------------------------------------------------------------------------------

    def _stream(self, offset: int, end: int) -> _Stream | None:
        """Note a read; the stream it belongs to when that is a sequential one by now."""
        with self._lock:
            for stream in self._streams:
                if stream.end - SLACK <= offset <= stream.end + SLACK:
                    stream.read += end - offset
                    stream.end = max(stream.end, end)
                    self._streams.remove(stream)
                    break
            else:
                stream = _Stream(end)
                stream.read = end - offset
            self._streams.insert(0, stream)
            del self._streams[STREAMS:]
            return stream if stream.read > SEQUENTIAL else None

    def _read_ahead(self, stream: _Stream, last: int) -> None:
        """Have the blocks after `last` fetched by others."""
        count = len(self._blocks().hashes)
        with self._lock:
            if last <= stream.ahead - stream.window // 2:
                return  # still far enough ahead
            if stream.ahead >= 0 and last > 0:
                stream.window = min(MAX_WINDOW, stream.window * 2)
            first = max(last + 1, stream.ahead + 1)
            stream.ahead = min(last + stream.window, count - 1)
            wanted = [one for one in range(first, stream.ahead + 1) if one not in self._ahead]
            self._ahead.update(wanted)
        for index in wanted:
            try:
                self._pool.submit(self._fetch_ahead, index)
            except RuntimeError:
                return  # the mount is ending

    def _fetch_ahead(self, index: int) -> None:
        try:
            with self._shared.room(wait=False) as there_is:
                if there_is and self._cached(index, 0, 1) is None:
                    self._shared.once(self._key(index), lambda: self._fetch_verified(index), follow=False)
        except (PithosfsError, OSError) as trouble:
            log.debug("block %d of %s not fetched ahead: %s", index, self.path, trouble)
        finally:
            with self._lock:
                self._ahead.discard(index)

    # fetching -------------------------------------------------------------------------------------------------------

    def _fetch_block(self, index: int) -> bytes:
        """A whole block over the network, shared by all who ask for it meanwhile."""

        def fetch() -> bytes:
            # Only who really fetches takes up room: else those who wait for each other's blocks would fill it.
            with self._shared.room(wait=True):
                return self._fetch_verified(index)

        data = self._shared.once(self._key(index), fetch)
        with self._lock:
            self._asked.pop(index, None)
        return data or b""

    def _fetch_verified(self, index: int) -> bytes:
        hashmap = self._blocks()
        name, length = hashmap.hashes[index], hashmap.block_length(index)
        cached = self._cache.read(name, length=length) if name else None
        if cached is not None:
            return cached  # it came between the look and the fetch
        start = index * hashmap.block_size
        for attempt in range(1, ATTEMPTS + 1):
            data = self._get(start, start + length)
            if not name:
                break
            if block_hash(data, hashmap.algorithm) == name:
                self._cache.put(name, data, hashmap.algorithm)
                self._shared.keep_block(name, data)
                return data
            if index == len(hashmap.hashes) - 1 and same_again(self._get, start, data):
                log.info("the last block of %s is accepted by its length: its hash covers bytes cut off", self.path)
                break
            log.warning("block %d of %s arrived damaged (attempt %d)", index, self.path, attempt)
        else:
            raise BadReply(f"block {index} of {self.path} does not have the content that its hash stands for")
        self._shared.keep_block(self._own_key(index), data)
        return data

    def _range(self, index: int, number: int, length: int) -> bytes:
        """One aligned range of a block."""
        first = index * self._blocks().block_size
        start, stop = number * RANGE, min((number + 1) * RANGE, length)
        key = f"{self._own_key(index)}:{number}"
        kept = self._shared.range(key)
        if kept is not None:
            return kept

        def fetch() -> bytes:
            data = self._get(first + start, first + stop)
            self._shared.keep_range(key, data)
            return data

        return self._shared.once(key, fetch) or b""

    def _get(self, start: int, end: int) -> bytes:
        if start >= end:
            return b""
        return self._current(lambda: self._store.read_range(self.path, start, end, self.version))

    def _current(self, ask: Callable[[], T]) -> T:
        """Ask for something of the version; if it is gone, of the present one, should that have the same content."""
        try:
            return ask()
        except NotFound:
            try:
                present = self._store.head(self.path)
            except NotFound:
                present = None
            if (
                present is None
                or not self._object_hash
                or (present.hash, present.size)
                != (
                    self._object_hash,
                    self.size,
                )
            ):
                raise OSError(errno.ESTALE, os.strerror(errno.ESTALE), str(self.path)) from None
            self.version = present.version
        return ask()
