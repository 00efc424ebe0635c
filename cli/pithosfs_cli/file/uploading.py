"""Uploading one file or stream: what is said of it, what goes over the wire, and what stays of an older one."""

from __future__ import annotations

import io
import os
import stat
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from pithosfs.blocks import hash_stream
from pithosfs.errors import Conflict, NotAllowed, NotFound, PreconditionFailed
from pithosfs.mount.attributes import SYMLINK_TYPE, Attributes, to_meta
from pithosfs.store import Delivery, Sharing
from pithosfs.store.content_types import UNKNOWN_TYPE, content_type, guess
from pithosfs.store.transfers import ObjectTarget
from pithosfs.transfer import upload
from pithosfs_cli.addressing import addressed
from pithosfs_cli.file.exclusion import EVERYTHING, Wanted
from pithosfs_cli.locations import Location
from pithosfs_cli.principals import principals
from pithosfs_cli.progress import Bars

if TYPE_CHECKING:
    from pithosfs.blocks import Hashmap
    from pithosfs.store import ObjectInfo, ObjectPath, ObjectStore

__all__ = ["GUESS", "Settings", "exists", "open_file", "present", "resolve", "send", "send_link", "settled"]

GUESS = "guess"


@dataclass(frozen=True, slots=True)
class Settings:
    """How to upload. None for type, encoding, disposition and sharing: as it is, or for a new object the default.

    `encoding` GUESS takes it from the name, "" removes it. `etag` is the MD5 that the cloud has to confirm.
    """

    force: bool = False
    content_type: str | None = None
    encoding: str | None = None
    disposition: str | None = None
    public: bool = False
    sharing: Sharing | None = None
    unchunked: bool = False
    etag: str | None = None
    connections: int = 5
    progress: bool = True
    dry_run: bool = False
    wanted: Wanted = EVERYTHING

    def shared_with(self, store: ObjectStore, readers: Sequence[str], writers: Sequence[str]) -> Settings:
        """The same with these permissions; user names become ids. Raises NotFound for unknown ones."""
        if not readers and not writers:
            return self
        return replace(self, sharing=Sharing(principals(store, readers), principals(store, writers)))

    def type_of(self, name: str, there: ObjectInfo | None = None) -> str:
        """The content type of an object; one that is there keeps a type that says something."""
        if self.content_type:
            return self.content_type
        if there is not None and there.content_type not in ("", UNKNOWN_TYPE, SYMLINK_TYPE):
            return there.content_type
        if self.encoding == GUESS:
            return guess(name)[0] or UNKNOWN_TYPE
        return content_type(name)

    def delivery_of(self, name: str, there: ObjectInfo | None = None) -> Delivery:
        """How the object is handed out. What it was made of, if it was a manifest, is not what it is now."""
        before = (there.delivery if there is not None else None) or Delivery()
        encoding = before.encoding if self.encoding is None else self.encoding
        if encoding == GUESS:
            encoding = guess(name)[1]
        disposition = before.disposition if self.disposition is None else self.disposition
        return Delivery(encoding or None, disposition or None)

    def changes(self, store: ObjectStore, place: Location, there: ObjectInfo) -> bool:
        """Whether an object of the same content would still become another: its type, its delivery."""
        if self.content_type and there.content_type != self.content_type:
            return True
        if self.encoding is None and self.disposition is None:
            return False
        there = there if there.delivery is not None else store.head(place.path(store))
        before = there.delivery or Delivery()
        return self.delivery_of(place.name, there) != Delivery(before.encoding, before.disposition)


# where ----------------------------------------------------------------------------------------------------------------


def present(store: ObjectStore, place: Location) -> ObjectInfo | None:
    """What is at a place, or None."""
    try:
        return store.head(place.path(store))
    except NotFound:
        return None


def resolve(store: ObjectStore, place: Location, own: str) -> tuple[Location, ObjectInfo | None]:
    """Where a file called `own` goes, and what is there: below the place when that is a container or a folder, or
    ends with a slash."""
    if place.name and not place.name.endswith("/"):
        there = present(store, place)
        if not (there.is_directory if there is not None else is_folder(store, place)):
            return place, there
        place = place.named(f"{place.name}/{own}")
    else:
        place = place.named(place.name + own)
    there = present(store, place)
    if there is not None and there.is_directory:
        raise Conflict(f"{place} is a folder", hint=f"to upload into it, write {place}/")
    return place, there


def is_folder(store: ObjectStore, place: Location) -> bool:
    """Whether there are names below a place."""
    try:
        pages = store.list_pages(place.container, prefix=f"{place.name}/", account=place.account, limit=1)
        return any(page.objects for page in pages)
    except (NotFound, NotAllowed):
        return False


def exists(place: Location) -> Conflict:
    """The error for something that is there already."""
    return Conflict(f"{place} exists already", 412, hint="add --force to replace it; its old versions stay")


# what -----------------------------------------------------------------------------------------------------------------


class _Target(ObjectTarget):
    """Counts what is sent (`sent`, bytes), and knows its own work again when only the answer was lost."""

    sent = 0

    def __init__(
        self,
        store: ObjectStore,
        place: Location,
        there: ObjectInfo | None,
        settings: Settings,
        meta: Mapping[str, str],
        content_type: str | None = None,
    ) -> None:
        super().__init__(
            store,
            place.path(store),
            content_type=content_type or settings.type_of(place.name, there),
            meta=meta,
            base=None if settings.force else "",
            sharing=settings.sharing,
            public=True if settings.public else None,
            delivery=settings.delivery_of(place.name, there),
        )
        self._seam = store
        self._counting = threading.Lock()

    def send(self, data: bytes) -> str:
        name = super().send(data)
        self._count(len(data))
        return name

    def put(self, data: bytes) -> None:
        try:
            super().put(data)
        except PreconditionFailed as error:
            hashmap = hash_stream(io.BytesIO(data), self.block_size, self.algorithm)
            self.result = settled(self._seam, self.path, hashmap, error)
        self._count(len(data))

    def commit(self, hashmap: Hashmap) -> Sequence[str]:
        try:
            return super().commit(hashmap)
        except PreconditionFailed as error:
            self.result = settled(self._seam, self.path, hashmap, error)
            return []

    def _count(self, size: int) -> None:
        with self._counting:
            self.sent += size


def settled(store: ObjectStore, path: ObjectPath, hashmap: Hashmap, refusal: PreconditionFailed) -> ObjectInfo:
    """What is there after a write was refused for its condition: our own work, if it has our content. A request is
    repeated when its answer is lost, and then meets what it has made itself. Raises the refusal otherwise."""
    try:
        info = store.head(path)
    except NotFound:
        raise refusal from None
    if info.is_directory or (info.hash, info.size) != (hashmap.root, hashmap.size):
        raise refusal
    return info


def send(
    store: ObjectStore,
    stream: BinaryIO,
    place: Location,
    there: ObjectInfo | None,
    settings: Settings,
    shown: Bars,
    *,
    connections: int,
    cancel: threading.Event | None = None,
) -> tuple[ObjectInfo, int]:
    """Upload an open file or a stream, replacing `there` (known by HEAD, so that what somebody has noted on it
    outlives the new content). Returns what is there now, and how many bytes of content went over the wire."""
    meta = {**((there.meta if there is not None else None) or {}), **_metadata(stream)}
    with addressed(store, place):
        try:
            with shown.file(place.name) as tell:
                if settings.unchunked:
                    from pithosfs_cli.file.whole import send_whole

                    return send_whole(store, stream, place, there, settings, meta, tell, cancel)
                target = _Target(store, place, there, settings, meta)
                hashmap = upload(target, stream, connections=connections, progress=tell, cancel=cancel)
        except PreconditionFailed as error:
            raise exists(place) from error
    assert target.result is not None
    assert target.result.size == hashmap.size
    return target.result, target.sent


def send_link(
    store: ObjectStore,
    content: bytes,
    mtime_ns: int,
    place: Location,
    there: ObjectInfo | None,
    settings: Settings,
) -> tuple[ObjectInfo, int]:
    """Upload a symbolic link as one."""
    meta = {
        **((there.meta if there is not None else None) or {}),
        **to_meta(Attributes(None, mtime_ns, None, None, content)),
    }
    target = _Target(store, place, there, settings, meta, SYMLINK_TYPE)
    with addressed(store, place):
        try:
            target.put(content)
        except PreconditionFailed as error:
            raise exists(place) from error
    assert target.result is not None
    return target.result, target.sent


def open_file(path: Path, *, follow: bool) -> BinaryIO:
    """A file for reading. Without `follow`, what has become a link since it was found is not followed."""
    return open(path, "rb", opener=None if follow else _no_follow)


def _no_follow(path: str, flags: int) -> int:
    # What has become a pipe meanwhile must not hold everything up.
    return os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)


def _metadata(stream: BinaryIO) -> Mapping[str, str]:
    try:
        status = os.fstat(stream.fileno())
    except (OSError, AttributeError):
        return {}
    if not stat.S_ISREG(status.st_mode):
        return {}
    return to_meta(Attributes(stat.S_IMODE(status.st_mode), status.st_mtime_ns, None, None, None))
