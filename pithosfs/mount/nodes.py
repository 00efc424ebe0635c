"""What is at a path: the server's tree, overlaid with what this mount has changed and not sent yet.

Three sources, the first that knows a path wins: files that are open and changed (`OpenFiles`), rows of the journal,
the tree. A `Node` is a snapshot of that answer; `View` makes them and turns them into what `stat` shows.
"""

from __future__ import annotations

import grp
import hashlib
import itertools
import pwd
import stat
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TypeVar

from pithosfs.mount import attributes
from pithosfs.mount.attributes import Attributes
from pithosfs.mount.journal import Journal, Pending
from pithosfs.mount.names import to_local
from pithosfs.mount.openfiles import OpenFile, OpenFiles
from pithosfs.mount.options import MountOptions
from pithosfs.mount.tree import Entry, Kind, Tree
from pithosfs.store import ContainerInfo, ObjectInfo, ObjectPath, ObjectStore

__all__ = ["Node", "Stat", "View", "etag_of", "fixed_inode", "group_name", "keeping_its_name", "user_name"]

T = TypeVar("T")

DIRECTORY_MODE = 0o777
FILE_MODE = 0o666
WRITE_BITS = 0o222


@dataclass(frozen=True, slots=True)
class Stat:
    """What `stat` shows. `mode` includes the type bits; times are nanoseconds since the epoch."""

    kind: Kind
    mode: int
    size: int
    mtime_ns: int
    ctime_ns: int
    atime_ns: int
    uid: int
    gid: int
    ino: int
    nlink: int = 1


@dataclass(frozen=True, slots=True)
class Node:
    """One thing under the mount point.

    `info` is the server's version that it stands on (None: a container, a bare prefix, or never sent); `pending` its
    journal row; `open` the open file with changes that are not in the journal yet. `etag` is what a change of it is
    based on, as `Pending.base` has it.
    """

    path: ObjectPath
    kind: Kind
    size: int
    attributes: Attributes
    info: ObjectInfo | None = None
    pending: Pending | None = None
    open: OpenFile | None = None
    modified_ns: int = 0

    @property
    def base(self) -> str:
        """The ETag on the server that a change of this node replaces; "" when there is nothing."""
        if self.pending is not None:
            return self.pending.base or ""
        if self.open is not None:
            return self.open.base
        return etag_of(self.info)

    @property
    def on_server(self) -> ObjectInfo | None:
        """The server's object under this path, whatever is pending; None when there is none."""
        return self.info if self.base else None


def etag_of(info: ObjectInfo | None) -> str:
    """The ETag of a version. A listing has none; the root is the ETag unless the server answers MD5 (9.5)."""
    if info is None:
        return ""
    return info.etag or info.hash


def keeping_its_name(info: ObjectInfo, before: ObjectInfo | None, row: Pending | None) -> ObjectInfo:
    """A new version, with what the answer to its PUT does not tell because it belongs to the name and stays with it.

    `row` is the change that was sent, which may have set sharing and publication anew.
    """
    if before is None:
        return info
    shared_anew = row is not None and row.sharing is not None
    withdrawn = row is not None and row.public is False
    return replace(
        info,
        uuid=info.uuid or before.uuid,
        sharing=info.sharing if shared_anew or info.sharing is not None else before.sharing,
        shared_by=info.shared_by or (None if shared_anew else before.shared_by),
        public=info.public if withdrawn or info.public is not None else before.public,
        allowed_to=info.allowed_to or before.allowed_to,
    )


@dataclass(slots=True)
class Times:
    """Times that only this mount knows of: the last change of the attributes, and reads that were set by hand."""

    ctime_ns: int | None = None
    atime_ns: int | None = None
    entries_ns: int | None = None  # the last change of a folder's entries


@lru_cache(maxsize=1024)
def user_id(name: str) -> int | None:
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        return int(name) if name.isdecimal() else None


@lru_cache(maxsize=1024)
def group_id(name: str) -> int | None:
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        return int(name) if name.isdecimal() else None


@lru_cache(maxsize=1024)
def user_name(uid: int) -> str:
    """The name that is stored for an owner; the number where this machine has no name for it."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


@lru_cache(maxsize=1024)
def group_name(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


class View:
    """Merges the three sources. Thread-safe; its own lock guards only dictionaries."""

    def __init__(
        self, store: ObjectStore, tree: Tree, journal: Journal, opened: OpenFiles, options: MountOptions
    ) -> None:
        self._store = store
        self._tree = tree
        self._journal = journal
        self._opened = opened
        self._options = options
        self._lock = threading.Lock()
        self._inodes: dict[ObjectPath, int] = {}
        self._numbers = itertools.count(2)
        self._times: dict[ObjectPath, Times] = {}
        self._started_ns = time.time_ns()

    # what is there --------------------------------------------------------------------------------------------------

    def node(self, path: ObjectPath, *, attributes_needed: bool = True) -> Node | None:
        """The node at a path, None when nothing is there.

        With `attributes_needed` the user metadata of the object is asked for when it is not known yet.
        """
        changed = self._opened.changed(path)
        pending = self._journal.get(path)
        if changed is not None:
            return Node(
                path,
                Kind.FILE,
                changed.size,
                changed.attributes,
                changed.base_info,
                pending,
                changed,
                changed.attributes.mtime_ns or 0,
            )
        if pending is not None:
            return self._pending_node(pending)
        entry = self._tree.entry(path)
        if entry is None:
            return None
        if entry.info is None:
            return Node(path, entry.kind, 0, Attributes(), modified_ns=self._started_ns)
        info = entry.info
        if attributes_needed and info.meta is None:
            known = self._tree.info(path)
            if known is None:
                return None
            info = known
        shown = attributes.from_meta(info.meta or {})
        return Node(path, entry.kind, info.size, shown, info, modified_ns=info.modified_ns)

    def _pending_node(self, row: Pending) -> Node | None:
        if row.kind == "gone":
            # The marker may be gone while others still keep objects below the name.
            entry = self._tree.entry(row.path)
            if entry is not None and entry.kind is Kind.FOLDER and self._has_children(row.path):
                return Node(row.path, Kind.FOLDER, 0, Attributes(), pending=row, modified_ns=self._started_ns)
            return None
        kind = Kind(row.kind)
        before = row.base_info.size if row.base_info is not None else 0
        size = row.content.size if row.content is not None else before
        shown = attributes.from_meta(row.meta)
        return Node(row.path, kind, size, shown, row.base_info, row, modified_ns=int(row.created * 1e9))

    def _has_children(self, folder: ObjectPath) -> bool:
        return bool(self.children(folder))

    def children(self, folder: ObjectPath) -> dict[str, Node | None]:
        """Local names of what is in a folder, with the nodes of those whose attributes cost no request.

        Raises FileNotFoundError, NotADirectoryError.
        """
        found: dict[str, Node | None] = {}
        try:
            for local, entry in self._tree.children(folder).items():
                found[local] = self._known(self._tree.path_of(folder, entry), entry)
        except (FileNotFoundError, NotADirectoryError):
            # A folder that was made here and not sent yet, perhaps where the server still has a file.
            row = self._journal.get(folder) if folder.name else None
            if (row is None or row.kind != "folder") and not self._journal.children(folder):
                raise
        for segment, row in self._journal.children(folder).items():
            local = to_local(segment)
            if row.kind != "gone":
                found[local] = self._pending_node(row)
            elif local in found and self._pending_node(row) is None:
                del found[local]
        for segment in self._opened.created_in(folder):
            found[to_local(segment)] = None
        return found

    def _known(self, path: ObjectPath, entry: Entry) -> Node | None:
        info = entry.info
        if info is None:
            return Node(path, entry.kind, 0, Attributes(), modified_ns=self._started_ns)
        if info.meta is None or not info.version or path.account != self._store.account:
            return None
        return Node(path, entry.kind, info.size, attributes.from_meta(info.meta), info, modified_ns=info.modified_ns)

    def container(self, path: ObjectPath) -> ContainerInfo | None:
        """The container of a path, None when it does not exist or nothing in it is shared."""
        return self._tree.containers(path.account).get(path.container)

    # what stat shows ------------------------------------------------------------------------------------------------

    def stat(self, node: Node) -> Stat:
        shown = node.attributes
        options = self._options
        if node.kind is Kind.FOLDER:
            type_bits, default = stat.S_IFDIR, DIRECTORY_MODE & ~options.umask
        elif node.kind is Kind.SYMLINK:
            type_bits, default = stat.S_IFLNK, 0o777
        else:
            type_bits, default = stat.S_IFREG, FILE_MODE & ~options.umask
        mode = default if shown.mode is None or node.kind is Kind.SYMLINK else shown.mode
        if not self.writable(node.path, node.info):
            mode &= ~WRITE_BITS
        uid = user_id(shown.owner) if shown.owner is not None else None
        gid = group_id(shown.group) if shown.group is not None else None
        times = self._times.get(node.path) or Times()
        mtime = node.modified_ns if shown.mtime_ns is None else shown.mtime_ns
        if times.entries_ns is not None:
            mtime = times.entries_ns
        return Stat(
            node.kind,
            type_bits | mode,
            node.size,
            mtime,
            times.ctime_ns or max(node.modified_ns, mtime),
            times.atime_ns or mtime,
            options.uid if uid is None else uid,
            options.gid if gid is None else gid,
            self.inode(node),
            2 if node.kind is Kind.FOLDER else 1,
        )

    def stat_version(self, info: ObjectInfo, ino: int) -> Stat:
        """Attributes of an old version."""
        node = Node(
            ObjectPath(self._store.account, "", info.name),
            Kind.FILE,
            info.size,
            attributes.from_meta(info.meta or {}),
            info,
            modified_ns=info.modified_ns,
        )
        return replace(self.stat(node), ino=ino)

    def fixed_folder(self, local: str, *, writable: bool) -> Stat:
        """Attributes of a folder that only the mount has: the top, `.shared`, `.versions` and what is in them."""
        options = self._options
        mode = stat.S_IFDIR | (DIRECTORY_MODE & ~options.umask)
        if not writable:
            mode &= ~WRITE_BITS
        then = self._started_ns
        return Stat(Kind.FOLDER, mode, 0, then, then, then, options.uid, options.gid, fixed_inode(local), 2)

    def ghost(self, row: Pending) -> Node:
        """What the server still has under a name whose deletion waits in the journal."""
        info = row.base_info
        kind = Kind.FOLDER if info is not None and info.is_directory else Kind.FILE
        return Node(row.path, kind, info.size if info is not None else 0, Attributes(), info, row)

    def writable(self, path: ObjectPath, info: ObjectInfo | None) -> bool:
        """Whether the account may write there: everywhere in its own, where granted in another's."""
        if path.account == self._store.account:
            return True
        if info is None or info.allowed_to is None:
            known = self._tree.info(path) if path.name else None
            return known is not None and known.allowed_to == "write"
        return info.allowed_to == "write"

    def inode(self, node: Node) -> int:
        """A number that stays while the node lives, over renames too."""
        number = self._inodes.get(node.path)
        if number is not None:
            return number
        info = node.on_server
        if info is not None and info.uuid:
            return _hashed(info.uuid)
        return _hashed(f"{node.path.account}/{node.path.container}/{node.path.name}")

    # what only this mount knows -------------------------------------------------------------------------------------

    def born(self, path: ObjectPath) -> None:
        """A new node takes this path: it gets a number that nothing had before."""
        with self._lock:
            self._inodes[path] = next(self._numbers)
            self._times[path] = Times(ctime_ns=time.time_ns())

    def changed(self, path: ObjectPath, *, atime_ns: int | None = None) -> None:
        """The attributes of a node were changed here."""
        with self._lock:
            times = self._times.setdefault(path, Times())
            times.ctime_ns = time.time_ns()
            if atime_ns is not None:
                times.atime_ns = atime_ns

    def entries_changed(self, folder: ObjectPath) -> None:
        """Something was made, removed or renamed in a folder."""
        with self._lock:
            times = self._times.setdefault(folder, Times())
            times.entries_ns = times.ctime_ns = time.time_ns()

    def mtime_set(self, path: ObjectPath) -> None:
        """A folder's time was set by hand: it shows that again, not the last change of its entries."""
        with self._lock:
            times = self._times.get(path)
            if times is not None:
                times.entries_ns = None

    def replaced_elsewhere(self, paths: Iterable[ObjectPath]) -> None:
        """Another client changed these: what this mount remembered of their times no longer holds."""
        with self._lock:
            for path in paths:
                self._times.pop(path, None)

    def gone(self, path: ObjectPath) -> None:
        with self._lock:
            self._times.pop(path, None)
            self._inodes.pop(path, None)

    def renamed(self, source: Node, target: ObjectPath) -> None:
        """A node keeps its number and times under its new path; so does everything below a folder."""
        number = self.inode(source)
        old = source.path
        with self._lock:
            if source.kind is Kind.FOLDER:
                self._inodes.update(_rekeyed(self._inodes, old, target))
                self._times.update(_rekeyed(self._times, old, target))
            else:
                self._inodes.pop(old, None)
                self._times[target] = self._times.pop(old, Times())
            self._inodes[target] = number
            self._times.setdefault(target, Times()).ctime_ns = time.time_ns()


def _rekeyed(table: dict[ObjectPath, T], old: ObjectPath, new: ObjectPath) -> dict[ObjectPath, T]:
    """The entries of `old` and of everything below it, taken out of the table, under the new path."""
    below = old.name + "/"
    moving = [
        path
        for path in table
        if path == old
        or (path.container == old.container and path.account == old.account and path.name.startswith(below))
    ]
    return {replace(new, name=new.name + path.name[len(old.name) :]): table.pop(path) for path in moving}


def fixed_inode(local: str) -> int:
    """The inode number of a path that is no object."""
    return 1 if local in ("", "/") else _hashed("//" + local)


def _hashed(text: str) -> int:
    """A 63-bit number; 0 and 1 are taken by nothing and the root, small ones by `View.born`."""
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return (int.from_bytes(digest, "big") >> 1) | (1 << 62)
