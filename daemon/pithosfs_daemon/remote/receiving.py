"""Bringing an object to this machine: in one request when it is small, else its blocks side by side.

Blocks that are on this machine already are not fetched: other synced files and the block cache are asked first. What
is received does not go into the cache: the file itself has it from now on, and is where the next one that needs such a
block finds it; a second copy would take its room on the disk for nothing.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import partial
from itertools import islice
from typing import BinaryIO

from pithosfs.bandwidth import cancelled_by
from pithosfs.blocks import Hashmap, block_hash
from pithosfs.cache import BlockCache
from pithosfs.errors import BadReply, PithosfsError
from pithosfs.store import ObjectInfo, ObjectPath
from pithosfs.transfer import WHOLE_LIMIT, Progress, TransferCancelled, fill
from pithosfs.transfer.download import same_again
from pithosfs_daemon.remote.hashing import Sums, kept_sums
from pithosfs_daemon.remote.place import Place
from pithosfs_daemon.remote.terms import BlockFinder, Received
from pithosfs_daemon.troubles import NotAFile
from pithosfs_daemon.values import Content

__all__ = ["Receiver"]

_log = logging.getLogger(__name__)

_PLACES = 4  # where a block is looked for on this machine, at most


class Receiver:
    """Downloads objects of a pair; several at once share the `slots`, one for each block in memory."""

    def __init__(self, place: Place, slots: AbstractContextManager[object], cache: BlockCache | None) -> None:
        self._place = place
        self._slots = slots
        self._cache = cache

    def receive(
        self,
        name: str,
        info: ObjectInfo,
        stream: BinaryIO,
        *,
        find: BlockFinder,
        meter: Callable[[int], None],
        cancel: threading.Event,
    ) -> Received:
        """As `RemoteFolder.receive`."""
        if cancel.is_set():
            raise TransferCancelled
        local = _Local(find, self._cache, self._place.parameters[1])
        with cancelled_by(cancel), self._place.changing(name):
            if info.size <= self._place.parameters[0]:
                return self._receive_block(name, info, stream, local, meter)
            return self._receive_blocks(name, info, stream, local, meter, cancel)

    def _described(self, path: ObjectPath, info: ObjectInfo) -> ObjectInfo:
        """With the metadata, which no listing tells."""
        described = info if info.meta is not None else self._place.store.head(path, info.version)
        return _checked(described, info)

    def _receive_block(
        self, name: str, info: ObjectInfo, stream: BinaryIO, local: _Local, meter: Callable[[int], None]
    ) -> Received:
        path = self._place.path(name)
        block_size, algorithm = self._place.parameters
        with self._slots if info.size > WHOLE_LIMIT else nullcontext():
            data = local.find(info.hash, info.size)
            if data is None:
                described, data = self._fetch(path, info, algorithm, may_be_cut=info.size < block_size)
            else:
                described = self._described(path, info)
            _write_all(stream, data)
            sums = kept_sums(data)
        meter(info.size)
        hashmap = Hashmap(info.size, (info.hash,) if info.size else (), block_size, algorithm)
        return Received(self._named(described, name), Content(info.hash, info.size), hashmap, sums)

    def _fetch(
        self, path: ObjectPath, info: ObjectInfo, algorithm: str, *, may_be_cut: bool
    ) -> tuple[ObjectInfo, bytes]:
        before: bytes | None = None
        for _ in range(2):
            described, data = self._place.store.get_object(path, info.version, info.size)
            described = _checked(described, info)
            if block_hash(data, algorithm) == info.hash:
                return described, data
            if may_be_cut and data == before and same_again(partial(self._read, path, info.version), 0, data):
                _log.warning("%s does not match its hash: it is taken for one that was once cut shorter", path)
                return described, data
            before = data
        raise BadReply(f"the content of {path} does not match its hash {info.hash}")

    def _read(self, path: ObjectPath, version: str, start: int, end: int) -> bytes:
        return self._place.store.read_range(path, start, end, version)

    def _receive_blocks(
        self,
        name: str,
        info: ObjectInfo,
        stream: BinaryIO,
        local: _Local,
        meter: Callable[[int], None],
        cancel: threading.Event,
    ) -> Received:
        path = self._place.path(name)
        described = self._described(path, info)
        hashmap = self._place.store.hashmap(path, info.version)
        if (hashmap.root, hashmap.size) != (info.hash, info.size):
            raise BadReply(f"the blocks of {path} are not those of version {info.version}")
        stream.flush()
        sums = Sums(info.size, hashmap.block_size)

        def tell(progress: Progress) -> None:
            meter(progress.done)

        fill(
            _Source(self._place, path, info, hashmap),
            stream.fileno(),
            find=local.find,
            written=sums.add,
            slots=self._slots,
            progress=tell,
            cancel=cancel,
        )
        return Received(
            self._named(described, name),
            Content(info.hash, info.size),
            hashmap,
            sums.result(lambda start, length: os.pread(stream.fileno(), length, start)),
        )

    def _named(self, info: ObjectInfo, name: str) -> ObjectInfo:
        return info if info.name == name else self._place.relative(info)


def _checked(described: ObjectInfo, info: ObjectInfo) -> ObjectInfo:
    if described.is_manifest:
        raise NotAFile(f"{info.name} is made of other objects", hint="")
    if (described.hash, described.size, described.version) != (info.hash, info.size, info.version):
        raise BadReply(f"the cloud says different things of version {info.version} of {info.name}")
    return described


def _write_all(stream: BinaryIO, data: bytes) -> None:
    # What is not buffered may take a part only, as when the disk is almost full: the next call then fails.
    view = memoryview(data)
    while view:
        view = view[stream.write(view) :]
    stream.flush()


class _Source:
    """A `RangeSource`: one version of an object."""

    def __init__(self, place: Place, path: ObjectPath, info: ObjectInfo, hashmap: Hashmap) -> None:
        self._place = place
        self._path = path
        self._version = info.version
        self.size = info.size
        self.hashmap: Hashmap | None = hashmap

    def read_range(self, start: int, end: int) -> bytes:
        return self._place.store.read_range(self._path, start, end, self._version)


class _Local:
    """Blocks on this machine."""

    def __init__(self, find: BlockFinder, cache: BlockCache | None, algorithm: str) -> None:
        self._find = find
        self._cache = cache
        self._algorithm = algorithm

    def find(self, block: str, length: int) -> bytes | None:
        """`length` bytes that have this hash; None when they have to be fetched."""
        if block == block_hash(b"", self._algorithm):
            return bytes(length)
        for open_file, offset in islice(self._find(block), _PLACES):
            with suppress(OSError, PithosfsError), open_file() as file:
                file.seek(offset)
                # Trailing NULs are no part of a block: there it may be shorter.
                data = file.read(length).ljust(length, b"\0")
                if block_hash(data, self._algorithm) == block:
                    return data
        cached = self._cache.read(block, length=length) if self._cache is not None else None
        return cached if cached is not None and block_hash(cached, self._algorithm) == block else None
