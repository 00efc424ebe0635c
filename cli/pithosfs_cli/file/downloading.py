"""Downloading one object: over several connections, checked block by block, nothing twice that is here already."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO

from pithosfs.blocks import DEFAULT_BLOCK_HASH, DEFAULT_BLOCK_SIZE, Hashmap, block_hash, hash_stream
from pithosfs.errors import Conflict
from pithosfs.mount.attributes import SYMLINK_TYPE, from_meta
from pithosfs.store.transfers import ObjectSource
from pithosfs.transfer import download
from pithosfs_cli.file.exclusion import EVERYTHING, Wanted
from pithosfs_cli.file.landing import Attributes, Landing
from pithosfs_cli.file.ranges import Range, spans
from pithosfs_cli.locations import Location
from pithosfs_cli.output import note
from pithosfs_cli.progress import Bars

if TYPE_CHECKING:
    from pithosfs.store import ContainerInfo, ObjectInfo, ObjectStore

__all__ = ["Receiver", "Settings", "Source", "attributes_of"]

LONGEST_LINK = 4096  # bytes: PATH_MAX


@dataclass(frozen=True, slots=True)
class Settings:
    """How to download. `ranges`: only these bytes."""

    force: bool = False
    ranges: Sequence[Range] | None = None
    connections: int = 5
    progress: bool = True
    dry_run: bool = False
    wanted: Wanted = EVERYTHING
    conditions: dict[str, str | None] = field(default_factory=dict)


class Source(ObjectSource):
    """A version of an object, which counts what is fetched of it (`received`, bytes) and what was here (`reused`)."""

    def __init__(self, store: ObjectStore, place: Location, info: ObjectInfo, container: ContainerInfo) -> None:
        super().__init__(store, place.path(store), info)
        self._block_size = container.block_size or DEFAULT_BLOCK_SIZE
        self._algorithm = container.block_hash or DEFAULT_BLOCK_HASH
        self._counting = threading.Lock()
        self._older: int | None = None
        self.received = 0
        self.reused = 0

    def reuse(self, older: BinaryIO | None) -> None:
        """Take blocks from this file where they are the same."""
        self._older = None if older is None else older.fileno()

    @property
    def hashmap(self) -> Hashmap | None:
        """As it is, without asking where one hash says it all."""
        if self.info.delivery is not None and self.info.delivery.manifest:
            return None
        if self.info.size <= self._block_size and len(self.info.hash) == _hex_length(self._algorithm):
            hashes = (self.info.hash,) if self.info.size else ()
            return Hashmap(self.info.size, hashes, self._block_size, self._algorithm)
        return super().hashmap

    def read_range(self, start: int, end: int) -> bytes:
        found = self._here(start, end)
        if found is None:
            found = super().read_range(start, end)
            with self._counting:
                self.received += len(found)
        else:
            with self._counting:
                self.reused += len(found)
        return found

    def _here(self, start: int, end: int) -> bytes | None:
        hashmap = self.hashmap if self._older is not None else None
        if hashmap is None or self._older is None or start % hashmap.block_size or end - start > hashmap.block_size:
            return None
        data = os.pread(self._older, end - start, start)
        same = (
            len(data) == end - start
            and block_hash(data, hashmap.algorithm) == (hashmap.hashes[start // hashmap.block_size])
        )
        return data if same else None


def _hex_length(algorithm: str) -> int:
    return len(block_hash(b"", algorithm))


class Ranges:
    """A `RangeSource`: some ranges of an object, one after the other."""

    def __init__(self, source: Source, ranges: Sequence[Range], name: str) -> None:
        self._source = source
        self._spans = spans(ranges, source.size, name)

    @property
    def size(self) -> int:
        return sum(end - start for start, end in self._spans)

    @property
    def hashmap(self) -> None:
        return None

    def read_range(self, start: int, end: int) -> bytes:
        pieces: list[bytes] = []
        for first, last in self._spans:
            length = last - first
            if start < length and end > 0:
                pieces.append(self._source.read_range(first + max(0, start), first + min(length, end)))
            start, end = start - length, end - length
        return b"".join(pieces)


class Receiver:
    """Brings objects of a cloud into a landing. Its methods may be called from several threads."""

    def __init__(self, store: ObjectStore, settings: Settings, shown: Bars, cancel: threading.Event | None) -> None:
        self._store = store
        self._settings = settings
        self._shown = shown
        self._cancel = cancel
        self._containers: dict[tuple[str | None, str], ContainerInfo] = {}
        self._lock = threading.Lock()

    def container(self, place: Location) -> ContainerInfo:
        """The container of a place; asked for once."""
        key = place.account, place.container
        with self._lock:
            if key not in self._containers:
                self._containers[key] = self._store.container(place.container, place.account)
            return self._containers[key]

    def known(self, place: Location, info: ObjectInfo) -> ObjectInfo:
        """What only a HEAD tells: metadata, and whether it is a manifest, whose size a listing does not know."""
        return info if info.meta is not None else self._store.head(place.path(self._store), info.version)

    def stream(self, place: Location, info: ObjectInfo, out: BinaryIO, label: str | None = None) -> None:
        """Write an object to a stream, in order."""
        source = Source(self._store, place, self.known(place, info), self.container(place))
        self._download(source, place, out, self._settings.connections, label)

    def is_same(self, place: Location, info: ObjectInfo, landing: Landing, parts: Sequence[str]) -> bool:
        """Whether the file of that name here has the object's content: by size first, then by hash."""
        status = landing.status(parts)
        if status is None or self._settings.ranges is not None:
            return False
        if stat.S_ISLNK(status.st_mode) != (info.content_type == SYMLINK_TYPE) or status.st_size != info.size:
            return False
        if not info.size or info.delivery is not None:
            # In a listing a manifest has no size.
            info = self.known(place, info)
            if info.size != status.st_size or (info.delivery is not None and info.delivery.manifest):
                return False
        container = self.container(place)
        block_size = container.block_size or DEFAULT_BLOCK_SIZE
        algorithm = container.block_hash or DEFAULT_BLOCK_HASH
        if stat.S_ISLNK(status.st_mode):
            return block_hash(landing.read_link(parts), algorithm) == info.hash
        if not stat.S_ISREG(status.st_mode):
            return False
        with landing.read(parts) as stream:
            found = hash_stream(stream, block_size, algorithm)
        return (found.root, found.size) == (info.hash, info.size)

    def receive(
        self, place: Location, info: ObjectInfo, landing: Landing, parts: Sequence[str], connections: int
    ) -> tuple[int, int]:
        """Make the file of an object; its size, and how many bytes of it were fetched. Raises Conflict when there is
        one and it may not be replaced."""
        settings = self._settings
        if not settings.force and landing.status(parts) is not None:
            raise Conflict(f"{landing.where(parts)} exists already", hint="add --force to replace it")
        info = self.known(place, info)
        found = from_meta(info.meta or {})
        if info.content_type == SYMLINK_TYPE and info.size <= LONGEST_LINK and settings.ranges is None:
            target = found.link
            if target is None or block_hash(target) != info.hash:
                target = self._store.read_range(place.path(self._store), 0, info.size, info.version)
            if target and b"\0" not in target:
                landing.link(parts, target, found.mtime_ns, replace=settings.force)
                return info.size, info.size
        container = self.container(place)
        source = Source(self._store, place, info, container)
        keep = info.size > (container.block_size or DEFAULT_BLOCK_SIZE) and settings.ranges is None

        def write(stream: BinaryIO, older: BinaryIO | None) -> None:
            source.reuse(older if settings.ranges is None else None)
            try:
                self._download(source, place, stream, connections, place.name)
            except BaseException:
                if keep and os.fstat(stream.fileno()).st_size:
                    note(f"{landing.where(parts)}: what has come of it is kept; the same command goes on from there")
                raise

        attributes = Attributes(found.mode, found.mtime_ns)
        landing.receive(parts, write, attributes, replace=settings.force, keep=keep)
        return source.received + source.reused, source.received

    def _download(
        self, source: Source, place: Location, out: BinaryIO, connections: int, label: str | None = None
    ) -> None:
        ranges = self._settings.ranges
        wanted = source if ranges is None else Ranges(source, ranges, str(place))
        if label is None:
            download(wanted, out, connections=connections, cancel=self._cancel)
            return
        with self._shown.file(label) as tell:
            download(wanted, out, connections=connections, progress=tell, cancel=self._cancel)


def attributes_of(info: ObjectInfo) -> Attributes:
    """The mode and time that an object keeps for its file."""
    found = from_meta(info.meta or {})
    return Attributes(found.mode, found.mtime_ns)
