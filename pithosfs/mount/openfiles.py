"""The files that programs have open: what they stand on, what was changed, and which handles share them.

Every handle on a path shares one `OpenFile`. Unchanged, it reads one version of the object through a `Reader`. The
first write gives it a `Content`, a copy on write over that version; `commit` puts the outcome into the journal.

Locks: `OpenFile.lock` orders changes of one file (who is the first writer, commits); it may be held while a block is
hashed or written to the local disk, never over the network. `OpenFiles` has a lock of its own for its tables, taken
after an `OpenFile.lock` and never the other way round.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace

from pithosfs.blocks import DEFAULT_BLOCK_HASH, DEFAULT_BLOCK_SIZE, Hashmap
from pithosfs.cache import BlockCache
from pithosfs.mount import attributes
from pithosfs.mount.attributes import Attributes
from pithosfs.mount.content import Content, Origin
from pithosfs.mount.journal import Pending
from pithosfs.mount.reader import Reader
from pithosfs.mount.staging import Staging
from pithosfs.store import ObjectInfo, ObjectPath, ObjectStore, Sharing

__all__ = ["Contents", "OpenFile", "OpenFiles", "is_at_or_below"]

WRITING = os.O_WRONLY | os.O_RDWR


class Contents:
    """Makes the readers and contents of files."""

    def __init__(
        self,
        store: ObjectStore,
        cache: BlockCache,
        staging: Staging,
        executor: Executor,
        *,
        cloud_key: str,
        block_ready: Callable[[str, str], None],
    ) -> None:
        self._store = store
        self._cache = cache
        self._staging = staging
        self._executor = executor
        self._cloud_key = cloud_key
        self._block_ready = block_ready
        self._formats: dict[tuple[str, str], tuple[int, str]] = {}

    def block_format(self, path: ObjectPath) -> tuple[int, str]:
        """Block size and hash of a path's container (object-store.md section 6). They never change: asked for once."""
        key = (path.account, path.container)
        known = self._formats.get(key)
        if known is None:
            info = self._store.container(path.container, path.account)
            known = (info.block_size or DEFAULT_BLOCK_SIZE, info.block_hash or DEFAULT_BLOCK_HASH)
            self._formats[key] = known
        return known

    def reader(self, path: ObjectPath, info: ObjectInfo, hashmap: Hashmap | None = None) -> Reader:
        return Reader(
            self._store,
            self._cache,
            path,
            info.version,
            info.size,
            hashmap,
            self._executor,
            cloud_key=self._cloud_key,
            object_hash=info.hash,
            has_blocks=not info.is_manifest,
        )

    def over(self, reader: Reader) -> Content:
        """A copy on write over a version on the server. Asks for its hashmap where that is not known."""
        hashmap = reader.hashmap()
        return self._content(reader.path, hashmap, Origin(reader.path, reader.version, hashmap))

    def whole(self, path: ObjectPath, row: Pending | None, info: ObjectInfo | None) -> bytes:
        """All bytes of a small content, of the journal or of the server."""
        if row is not None and row.content is not None:
            content = self.pending(row)
            try:
                return content.read(0, content.size)
            finally:
                content.discard()
        if info is None:
            raise ValueError(f"{path} has no content")
        return self.reader(path, info).read(0, info.size)

    def pending(self, row: Pending) -> Content:
        """A copy on write over what the journal holds."""
        if row.content is None:
            raise ValueError("the row changes no content")
        return self._content(row.path, row.content, row.origin)

    def empty(self, path: ObjectPath) -> Content:
        """A new file."""
        size, algorithm = self.block_format(path)
        return self._content(path, Hashmap(0, (), size, algorithm), None)

    def _content(self, path: ObjectPath, base: Hashmap, origin: Origin | None) -> Content:
        return Content(
            self._staging,
            self._cache,
            self._store,
            base,
            origin,
            executor=self._executor,
            cloud_key=self._cloud_key,
            block_ready=lambda name: self._block_ready(path.container, name),
        )


@dataclass(slots=True, eq=False)
class OpenFile:
    """One file that somebody has open.

    `base` and `base_info` are what the server had when it was opened, or what this mount sent since: a change is
    based on them. `dirty` says that the journal does not have everything yet. `path` is None once the file is
    unlinked: then nothing of it is ever sent.
    """

    path: ObjectPath | None
    attributes: Attributes
    meta: dict[str, str]
    content_type: str
    base: str
    base_info: ObjectInfo | None
    reader: Reader | None = None
    content: Content | None = None
    sharing: Sharing | None = None
    public: bool | None = None
    dirty: bool = False
    counted: int = 0  # the size up to which the quota was asked for, or is used already
    handles: int = 0
    lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def size(self) -> int:
        if self.content is not None:
            return self.content.size
        return self.reader.size if self.reader is not None else 0

    @property
    def identity(self) -> str:
        """What the content is, for comparing with the size beside it; never equal while there are changes."""
        if self.content is not None:
            return f"{id(self.content)}" if self.dirty else self.content.seal().root
        return self.base_info.hash if self.base_info is not None else ""

    def extents(self, before: Pending | None) -> tuple[tuple[int, int], ...] | None:
        """The changed ranges against the server's version, None when that is not known for sure."""
        content = self.content
        if content is None or before is not None or content.origin is None or self.base_info is None:
            return None
        if content.origin.version != self.base_info.version or content.size != self.base_info.size:
            return None
        ranges = content.extents()
        return None if ranges is None else tuple(ranges)

    def outdated(self, base: str, *, unsent: bool) -> bool:
        """Whether a new handle must not share this: it only reads a version that is not the present one any more."""
        return self.content is None and not self.dirty and not unsent and base != self.base

    def touch(self) -> None:
        """The content changes now."""
        with self.lock:  # a chmod at this moment must not be undone
            self.attributes = replace(self.attributes, mtime_ns=time.time_ns())
            self.dirty = True

    def full_meta(self) -> dict[str, str]:
        """All metadata as it is to be sent."""
        return {**self.meta, **attributes.to_meta(self.attributes)}


class OpenFiles:
    """The table of open files by path, and of handles by number."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._files: dict[ObjectPath, OpenFile] = {}

    def get(self, path: ObjectPath) -> OpenFile | None:
        return self._files.get(path)

    def changed(self, path: ObjectPath) -> OpenFile | None:
        """The open file of a path when it holds something that the journal does not."""
        file = self._files.get(path)
        return file if file is not None and file.dirty else None

    def share(self, path: ObjectPath, made: OpenFile) -> OpenFile:
        """One more handle on a path: on the file that is open there, else on the one just made."""
        with self._lock:
            file = self._files.setdefault(path, made)
            if file is not made and made.base != file.base and file.outdated(made.base, unsent=False):
                # Its handles go on reading the version that they opened.
                file = self._files[path] = made
            file.handles += 1
            return file

    def release(self, file: OpenFile) -> bool:
        """One handle less; True when it was the last one and the file left the table."""
        with self._lock:
            file.handles -= 1
            if file.handles:
                return False
            if file.path is not None and self._files.get(file.path) is file:
                del self._files[file.path]
            return True

    def detach(self, path: ObjectPath) -> OpenFile | None:
        """The name of an open file is gone: its handles go on without one."""
        with self._lock:
            file = self._files.pop(path, None)
        if file is not None:
            with file.lock:
                file.path = None
        return file

    def rename(self, old: ObjectPath, new: ObjectPath) -> None:
        """An open file, or all open files below a folder, have a new path."""
        prefix = old.name + "/"
        with self._lock:
            moving = {
                path: file
                for path, file in self._files.items()
                if path == old
                or (path.account == old.account and path.container == old.container and path.name.startswith(prefix))
            }
            for path, file in moving.items():
                del self._files[path]
                target = replace(new, name=new.name + path.name[len(old.name) :])
                self._files[target] = file
                file.path = target

    def created_in(self, folder: ObjectPath) -> list[str]:
        """Server names of the changed open files in a folder: some are known nowhere else yet."""
        prefix = folder.name + "/" if folder.name else ""
        with self._lock:
            files = list(self._files.items())
        return [
            path.name[len(prefix) :]
            for path, file in files
            if file.dirty
            and path.account == folder.account
            and path.container == folder.container
            and path.name.startswith(prefix)
            and "/" not in path.name[len(prefix) :]
        ]

    def all_changed(self, below: ObjectPath | None = None) -> list[OpenFile]:
        """Open files with changes that the journal does not have, everywhere or at and below a path."""
        with self._lock:
            files = list(self._files.items())
        return [file for path, file in files if file.dirty and (below is None or is_at_or_below(path, below))]


def is_at_or_below(path: ObjectPath, folder: ObjectPath) -> bool:
    """Whether a path is a folder itself (or its container) or lies below it."""
    if path.account != folder.account or path.container != folder.container:
        return False
    return not folder.name or path.name == folder.name or path.name.startswith(folder.name + "/")
