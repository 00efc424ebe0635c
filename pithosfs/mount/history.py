"""`/.versions`: every version of every object, read-only.

`.versions/<container>/<folders>` lists what the folder has now, each file as a folder of its own; in it are the ids of
its versions. The history of a deleted object is reached by typing its path.
"""

from __future__ import annotations

import errno
import os
import threading
import time
from collections import OrderedDict
from dataclasses import replace

from pithosfs.errors import NotFound
from pithosfs.mount import names
from pithosfs.mount.nodes import Stat, View, fixed_inode
from pithosfs.mount.openfiles import Contents
from pithosfs.mount.options import MountOptions
from pithosfs.mount.reader import Reader
from pithosfs.mount.tree import Kind, Tree
from pithosfs.store import ObjectInfo, ObjectPath, ObjectStore

__all__ = ["History"]

FRESH = 2.0  # seconds that a version list is used: `ls` and the stats after it share one request
REMEMBERED = 1000


class History:
    """The view of old versions."""

    def __init__(self, store: ObjectStore, tree: Tree, contents: Contents, view: View, options: MountOptions) -> None:
        self._store = store
        self._tree = tree
        self._contents = contents
        self._view = view
        self._options = options
        self._lock = threading.Lock()
        self._lists: OrderedDict[ObjectPath, tuple[float, list[str]]] = OrderedDict()
        self._infos: OrderedDict[tuple[ObjectPath, str], ObjectInfo] = OrderedDict()

    def names(self, path: ObjectPath | None) -> list[str]:
        """What a folder of the view holds. Raises ENOENT, ENOTDIR."""
        if path is None:
            return [names.to_local(name) for name in self._tree.containers()]
        if self._is_folder(path):
            return list(self._tree.children(path))
        versions = self._versions(path)
        if not versions:
            raise OSError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
        return versions

    def stat(self, path: ObjectPath | None, local: str) -> Stat:
        """Attributes of anything in the view."""
        if path is None or self._is_folder(path):
            return self._view.fixed_folder(local, writable=False)
        version = self._version(path)
        if version is not None:
            info = self._info(*version)
            shown = self._view.stat_version(info, fixed_inode(local))
            return replace(shown, mode=shown.mode & ~0o222)
        if not self._versions(path):
            raise OSError(errno.ENOENT, os.strerror(errno.ENOENT), local)
        return self._view.fixed_folder(local, writable=False)

    def reader(self, path: ObjectPath | None, local: str) -> Reader:
        """A reader of one version."""
        version = self._version(path) if path is not None else None
        if version is None:
            raise OSError(errno.EISDIR, os.strerror(errno.EISDIR), local)
        return self._contents.reader(version[0], self._info(*version))

    def _is_folder(self, path: ObjectPath) -> bool:
        entry = self._tree.entry(path)
        return entry is not None and entry.kind is Kind.FOLDER

    def _version(self, path: ObjectPath) -> tuple[ObjectPath, str] | None:
        """The object and version id that a path names, None when it names something else."""
        parent, _, last = path.name.rpartition("/")
        if not parent or not last.isdecimal():
            return None
        owner = replace(path, name=parent)
        return (owner, last) if last in self._versions(owner) else None

    def _versions(self, path: ObjectPath) -> list[str]:
        now = time.monotonic()
        with self._lock:
            known = self._lists.get(path)
            if known is not None and now - known[0] < FRESH:
                return known[1]
        try:
            found = [one.version for one in self._store.versions(path)]
        except NotFound:
            found = []
        with self._lock:
            self._lists[path] = (now, found)
            self._lists.move_to_end(path)
            while len(self._lists) > REMEMBERED:
                self._lists.popitem(last=False)
        return found

    def _info(self, path: ObjectPath, version: str) -> ObjectInfo:
        with self._lock:
            known = self._infos.get((path, version))
        if known is not None:
            return known
        info = self._store.head(path, version)
        with self._lock:
            self._infos[path, version] = info
            while len(self._infos) > REMEMBERED:
                self._infos.popitem(last=False)
        return info
