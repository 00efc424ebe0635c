"""What the readers of one process share: fetches under way, a little memory, and how blocks are made.

The memory is small and bounded whatever the number of readers: it bridges the time until the block cache has a block,
and serves when the cache refuses it.
"""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import ClassVar

from pithosfs.blocks import DEFAULT_BLOCK_HASH, DEFAULT_BLOCK_SIZE
from pithosfs.cache import BlockCache
from pithosfs.store import ObjectPath, ObjectStore

__all__ = ["BlockFormats", "Shared"]

ROOM = 8  # blocks that are fetched at a time: 32 MiB of the usual size
BLOCK_MEMORY = 32 * 1024 * 1024  # bytes
RANGE_MEMORY = 16 * 1024 * 1024


class _Memory:
    """Byte strings by key, those used last, up to a sum of lengths."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._size = 0

    def get(self, key: str) -> bytes | None:
        with self._lock:
            data = self._kept.get(key)
            if data is not None:
                self._kept.move_to_end(key)
            return data

    def put(self, key: str, data: bytes) -> None:
        if len(data) > self._limit:
            return
        with self._lock:
            self._size += len(data) - len(self._kept.pop(key, b""))
            self._kept[key] = data
            while self._size > self._limit:
                self._size -= len(self._kept.popitem(last=False)[1])


class Shared:
    """Shared by all readers on one cache. Thread-safe; no lock is held during a fetch."""

    _all: ClassVar[weakref.WeakKeyDictionary[BlockCache, Shared]] = weakref.WeakKeyDictionary()
    _making: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._coming: dict[str, Future[bytes]] = {}
        self._room = threading.BoundedSemaphore(ROOM)
        self._blocks = _Memory(BLOCK_MEMORY)
        self._ranges = _Memory(RANGE_MEMORY)

    @classmethod
    def of(cls, cache: BlockCache) -> Shared:
        """The one of this cache."""
        with cls._making:
            found = cls._all.get(cache)
            if found is None:
                found = cls._all[cache] = cls()
            return found

    def once(self, key: str, fetch: Callable[[], bytes], *, follow: bool = True) -> bytes | None:
        """What `fetch` returns or raises, for all who ask for the same meanwhile. Without `follow`, None at once if
        somebody fetches it already."""
        with self._lock:
            coming = self._coming.get(key)
            if coming is None:
                mine = self._coming[key] = Future()
        if coming is not None:
            return coming.result() if follow else None
        try:
            data = fetch()
        except BaseException as trouble:
            with self._lock:
                del self._coming[key]
            mine.set_exception(trouble)
            raise
        with self._lock:
            del self._coming[key]
        mine.set_result(data)
        return data

    def is_coming(self, key: str) -> bool:
        """Whether somebody fetches it at this moment."""
        return key in self._coming

    @contextmanager
    def room(self, *, wait: bool) -> Iterator[bool]:
        """Room for one block in memory; False when there is none and `wait` is False."""
        got = self._room.acquire(blocking=wait)
        try:
            yield got
        finally:
            if got:
                self._room.release()

    def block(self, key: str) -> bytes | None:
        """A whole block that is still in memory."""
        return self._blocks.get(key)

    def keep_block(self, key: str, data: bytes) -> None:
        """Keep a whole block for a while."""
        self._blocks.put(key, data)

    def range(self, key: str) -> bytes | None:
        """A part of a block that is still in memory."""
        return self._ranges.get(key)

    def keep_range(self, key: str, data: bytes) -> None:
        """Keep a part of a block for a while."""
        self._ranges.put(key, data)


class BlockFormats:
    """Block size and hash of each container of a store (object-store.md section 6): they never change."""

    _all: ClassVar[weakref.WeakKeyDictionary[ObjectStore, BlockFormats]] = weakref.WeakKeyDictionary()
    _making: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self, store: ObjectStore) -> None:
        self._store = weakref.ref(store)
        self._known: dict[tuple[str, str], tuple[int, str]] = {}

    @classmethod
    def of(cls, store: ObjectStore) -> BlockFormats:
        """The one of this store."""
        with cls._making:
            found = cls._all.get(store)
            if found is None:
                found = cls._all[store] = cls(store)
            return found

    def get(self, path: ObjectPath) -> tuple[int, str]:
        """Block size in bytes and name of the hash, asked for once."""
        key = (path.account, path.container)
        known = self._known.get(key)
        if known is None:
            store = self._store()
            assert store is not None  # whoever asks holds it
            info = store.container(path.container, path.account)
            known = (info.block_size or DEFAULT_BLOCK_SIZE, info.block_hash or DEFAULT_BLOCK_HASH)
            self._known[key] = known
        return known
