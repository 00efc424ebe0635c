"""What `pithosfs file download` does, for one file and for folders."""

from __future__ import annotations

import os
import stat
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from pithosfs.blocks import block_hash
from pithosfs.errors import Conflict
from pithosfs.mount.attributes import SYMLINK_TYPE, from_meta
from pithosfs.mount.names import to_local
from pithosfs.store.transfers import ObjectSource
from pithosfs.transfer import download
from pithosfs_cli.addressing import addressed
from pithosfs_cli.batch import Batch
from pithosfs_cli.file.landing import Attributes, Landing
from pithosfs_cli.invocation import Invocation
from pithosfs_cli.locations import Location
from pithosfs_cli.output import note
from pithosfs_cli.progress import Bars, bars

if TYPE_CHECKING:
    from pithosfs.blocks import Hashmap
    from pithosfs.store import ObjectInfo, ObjectStore

__all__ = ["Settings", "download_file", "download_tree"]

LONGEST_LINK = 4096  # bytes: PATH_MAX


@dataclass(frozen=True, slots=True)
class Settings:
    """How to download. `resume` keeps what has come when it is interrupted."""

    force: bool = False
    resume: bool = False
    connections: int = 5
    progress: bool = True


def download_file(store: ObjectStore, place: Location, info: ObjectInfo, local: str | None, settings: Settings) -> None:
    """Download one object: to `local`, into it when it is a folder, or here under its own last name."""
    with bars(hidden=not settings.progress or local == "-") as shown, addressed(store, place):
        if local == "-":
            download(_source(store, place, info), sys.stdout.buffer, connections=settings.connections)
            sys.stdout.buffer.flush()
            return
        target = _target(place, local)
        try:
            mode = target.stat().st_mode
        except FileNotFoundError:
            mode = None
        if mode is not None and not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
            with target.open("wb", buffering=0) as stream, shown.file(place.name) as tell:
                download(_source(store, place, info), stream, connections=settings.connections, progress=tell)
            return
        with Landing(target.parent) as landing:
            _receive(store, place, info, landing, [target.name], settings, shown)


def _target(place: Location, local: str | None) -> Path:
    own = to_local(place.name.rstrip("/").rpartition("/")[2])
    if local is None:
        return Path(own)
    path = Path(local)
    if local.endswith("/") or path.is_dir():
        return path / own
    # A link that the user names is followed, as cp does: the file behind it is replaced.
    return Path(os.path.realpath(path)) if path.is_symlink() else path


def download_tree(run: Invocation, store: ObjectStore, place: Location, local: str | None, settings: Settings) -> None:
    """Download a folder or a container: into `local` under its own name if that is a folder already, else as `local`.

    One object that fails stops nothing; all failures are told, and raised as one at the end.
    """
    prefix = f"{place.name.rstrip('/')}/" if place.name else ""
    with addressed(store, place.named("")):
        listing = store.list_objects(place.container, prefix=prefix, account=place.account)
    assert listing is not None
    own = to_local(place.name.rstrip("/").rpartition("/")[2] or place.container)
    root = Path(own) if local is None else Path(local) / own if Path(local).is_dir() else Path(local)
    objects = [one for one in listing.found.objects if one.name != prefix]
    files = [one for one in objects if not one.is_directory]
    folders = [one for one in objects if one.is_directory]
    with (
        Landing(root) as landing,
        bars(hidden=not settings.progress) as shown,
        Batch("downloaded", settings.connections) as batch,
    ):
        shown.total(f"{len(files)} files", sum(one.size for one in files))
        taken = _Taken()

        def fetch(info: ObjectInfo) -> None:
            parts = _parts(info.name, prefix)
            taken.claim(parts, landing)
            _receive(store, place.named(info.name), info, landing, parts, settings, shown, batch.cancel)
            shown.advance(info.size)

        for one in folders:
            with batch.tolerating(one.name), landing.folder(_parts(one.name, prefix)):
                pass
        batch.run(files, lambda info: info.name, fetch)
        for one in sorted(folders, key=lambda one: one.name, reverse=True):
            with batch.tolerating(one.name):
                landing.finish_folder(_parts(one.name, prefix), _attributes(store, place.named(one.name), one))
    note(f"Downloaded {len(files)} files to {root}")


class _Taken:
    """Which local names this download has used: names that differ only on the cloud must not replace each other."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._names: set[tuple[str, ...]] = set()

    def claim(self, parts: Sequence[str], landing: Landing) -> None:
        with self._lock:
            if tuple(parts) in self._names:
                raise Conflict(f"another object is already {landing.where(parts)}")
            self._names.add(tuple(parts))


def _parts(name: str, prefix: str) -> list[str]:
    """The local path of an object: each segment as a file name that is safe here, whatever it is on the cloud."""
    return [to_local(segment) for segment in name[len(prefix) :].split("/")]


def _receive(
    store: ObjectStore,
    place: Location,
    info: ObjectInfo,
    landing: Landing,
    parts: Sequence[str],
    settings: Settings,
    shown: Bars,
    cancel: threading.Event | None = None,
) -> None:
    if not settings.force and landing.exists(parts):
        raise Conflict(f"{landing.where(parts)} exists already", hint="add --force to replace it")
    path = place.path(store)
    if info.meta is None:  # from a listing
        info = store.head(path, info.version)
    found = from_meta(info.meta or {})
    if info.content_type == SYMLINK_TYPE and info.size <= LONGEST_LINK:
        target = found.link if found.link is not None else store.read_range(path, 0, info.size, info.version)
        if target and b"\0" not in target:
            landing.link(parts, target, found.mtime_ns, replace=settings.force)
            return

    source = _source(store, place, info)

    def write(stream: BinaryIO, older: BinaryIO | None) -> None:
        with shown.file(place.name) as tell:
            download(
                source if older is None else _Reusing(source, older),
                stream,
                connections=settings.connections,
                progress=tell,
                cancel=cancel,
            )

    landing.receive(
        parts,
        write,
        Attributes(found.mode, found.mtime_ns),
        replace=settings.force,
        keep_as=f"{info.hash} {info.size}" if settings.resume else None,
    )


def _attributes(store: ObjectStore, place: Location, info: ObjectInfo) -> Attributes:
    meta = info.meta if info.meta is not None else store.head(place.path(store), info.version).meta
    found = from_meta(meta or {})
    return Attributes(found.mode, found.mtime_ns)


def _source(store: ObjectStore, place: Location, info: ObjectInfo) -> ObjectSource:
    return ObjectSource(store, place.path(store), info)


class _Reusing:
    """A source that takes blocks from a local file where they are the same, and from the cloud where not."""

    def __init__(self, source: ObjectSource, older: BinaryIO) -> None:
        self._source = source
        self._fd = older.fileno()

    @property
    def size(self) -> int:
        return self._source.size

    @property
    def hashmap(self) -> Hashmap | None:
        return self._source.hashmap

    def read_range(self, start: int, end: int) -> bytes:
        hashmap = self._source.hashmap
        if hashmap is not None and start % hashmap.block_size == 0 and end - start <= hashmap.block_size:
            data = os.pread(self._fd, end - start, start)
            if (
                len(data) == end - start
                and block_hash(data, hashmap.algorithm) == hashmap.hashes[start // hashmap.block_size]
            ):
                return data
        return self._source.read_range(start, end)
