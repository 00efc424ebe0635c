"""The whole behaviour of the mount, as a plain object that knows no FUSE.

Paths are local paths from the mount point ("/a/b", undecodable bytes as surrogate escapes). Everything that goes
wrong is an `OSError` or one of `pithosfs.errors`; `mount.errno` has the errno of each.

The parts: `places` says what a path means, `nodes` what is there (server, journal and open files merged), `namespace`
makes, removes and renames, `handles` reads and writes, `properties` changes attributes and rights, `history` shows
old versions. This class resolves paths and hands on.
"""

from __future__ import annotations

import errno
import logging
import os
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from pithosfs.cache import BlockCache
from pithosfs.errors import PithosfsError
from pithosfs.mount import names
from pithosfs.mount.attributes import Attributes
from pithosfs.mount.handles import Handles, Opened
from pithosfs.mount.history import History
from pithosfs.mount.journal import Journal, Pending, State
from pithosfs.mount.namelocks import NameLocks
from pithosfs.mount.namespace import Namespace
from pithosfs.mount.nodes import Node, Stat, View, group_name, keeping_its_name, user_name
from pithosfs.mount.openfiles import WRITING, Contents, OpenFile, OpenFiles
from pithosfs.mount.options import MountOptions
from pithosfs.mount.places import SHARED, VERSIONS, Object, Place, Resolver, Root, SharedAccount, SharedRoot, Versions
from pithosfs.mount.properties import Properties
from pithosfs.mount.space import Space
from pithosfs.mount.staging import Staging
from pithosfs.mount.tree import Kind, Tree
from pithosfs.mount.uploader import Uploader
from pithosfs.mount.xattrs import Xattrs
from pithosfs.store import ObjectInfo, ObjectPath, ObjectStore

__all__ = ["Filesystem", "Opened", "Problem", "Stat", "StatFs"]

log = logging.getLogger(__name__)

NAMESPACE = "user.pithos."
OF_THE_NAME = (f"{NAMESPACE}sharing.", f"{NAMESPACE}public")  # not versioned: changed without a new version
STATFS_UNIT = 4096
STATFS_FILES = 1 << 32  # there is no limit on objects: a number that no program takes for "full"


@dataclass(frozen=True, slots=True)
class StatFs:
    """Sizes for `statfs`, in blocks of `block_size` bytes."""

    block_size: int
    blocks: int
    free: int
    files: int
    name_max: int


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that could not be brought to the cloud, and why."""

    path: str
    error: str


class Filesystem:
    """One mounted account.

    `invalidate`, when set, is called with local paths whose kernel caches must go, from threads that run no operation
    of the file system.
    """

    def __init__(
        self,
        store: ObjectStore,
        cache: BlockCache,
        journal: Journal,
        staging: Staging,
        uploader: Uploader,
        tree: Tree,
        options: MountOptions,
        *,
        cloud_key: str,
    ) -> None:
        self._store = store
        self._journal = journal
        self._uploader = uploader
        self._tree = tree
        self._options = options
        self._executor = ThreadPoolExecutor(max_workers=8, thread_name_prefix="blocks")
        self._learners = ThreadPoolExecutor(max_workers=2, thread_name_prefix="learn")
        contents = Contents(
            store, cache, staging, self._executor, cloud_key=cloud_key, block_ready=uploader.early_block
        )
        self._contents = contents
        self._opened = OpenFiles()
        self._view = View(store, tree, journal, self._opened, options)
        self._space = Space(store, journal)
        locks = NameLocks()
        self._handles = Handles(journal, uploader, self._opened, contents, self._space, fsync=options.fsync)
        self._namespace = Namespace(
            store, tree, journal, uploader, self._opened, self._view, contents, self._handles, locks, options
        )
        self._properties = Properties(store, tree, journal, uploader, self._opened, self._view, self._handles, locks)
        self._resolve = Resolver(store, tree, options.container)
        self._history = History(store, tree, contents, self._view, options)
        self._xattrs = Xattrs(store)
        self.invalidate: Callable[[str], None] | None = None

    # what the parts below tell --------------------------------------------------------------------------------------

    def sent(self, path: ObjectPath, info: ObjectInfo) -> None:
        """The uploader brought something to the cloud."""
        entry, row = self._tree.entry(path), self._journal.get(path)
        info = keeping_its_name(info, entry.info if entry is not None else None, row)
        self._space.sent(row.growth if row is not None else 0)
        self._tree.noted(path, info)
        self._handles.sent(path, info)

    def deleted(self, path: ObjectPath) -> None:
        """The uploader deleted something on the cloud, or found it gone."""
        row = self._journal.get(path)
        self._tree.gone(path)
        self._space.sent(row.growth if row is not None else 0)

    def set_aside(self, path: ObjectPath, copy: ObjectPath) -> None:
        """A conflict: what was pending under a name goes to another one, and theirs shows under the name."""
        self._opened.rename(path, copy)
        self._view.replaced_elsewhere([path, copy])
        self._tree.forget(path.container)
        self._invalidated(path)

    def conflicted(self, path: ObjectPath) -> None:
        """The uploader met somebody else's change of a name: what is known of it does not hold any more."""
        self._tree.forget(path.container)
        self.changed_elsewhere([path])

    def changed_elsewhere(self, paths: Iterable[ObjectPath]) -> None:
        """The tree found changes that were not made here: the kernel must forget what it knows of them."""
        changed = list(paths)
        self._view.replaced_elsewhere(changed)
        for path in changed:
            self._invalidated(path)

    def _invalidated(self, path: ObjectPath) -> None:
        local = self.local_path(path)
        if local is not None and self.invalidate is not None:
            self.invalidate(local)

    def local_path(self, path: ObjectPath) -> str | None:
        """Where an object shows under the mount point; None when it does not show."""
        parts = [names.to_local(part) for part in names.segments(path.name)]
        if path.account != self._store.account:
            owner = self._store.user_names([path.account]).get(path.account, path.account)
            parts = [SHARED, owner, names.to_local(path.container), *parts]
        elif self._options.container is None:
            parts.insert(0, names.to_local(path.container))
        elif path.container != self._options.container:
            return None
        return "/" + "/".join(parts)

    # looking --------------------------------------------------------------------------------------------------------

    def getattr(self, path: str, fh: int | None = None) -> Stat:
        """Attributes of a path, or of an open handle (which may have no name any more)."""
        file = self._handles.file(fh)
        if file is not None and (file.dirty or file.path is None):
            return self._stat_open(file)
        place = self._resolve(path)
        if isinstance(place, Object):
            return self._view.stat(self._node(place.path))
        if isinstance(place, Versions):
            return self._history.stat(place.path, path)
        if isinstance(place, SharedAccount) and place.account not in self._store.shared_accounts():
            raise _oserror(errno.ENOENT, path)
        return self._view.fixed_folder(path, writable=isinstance(place, Root))

    def _stat_open(self, file: OpenFile) -> Stat:
        path = file.path or ObjectPath(self._store.account, "", f"unlinked-{id(file)}")
        shown = self._view.stat(Node(path, Kind.FILE, file.size, file.attributes, file.base_info, None, file))
        return replace(shown, nlink=0) if file.path is None else shown

    def _node(self, path: ObjectPath, *, attributes_needed: bool = True) -> Node:
        """The node of a path, a container's too. Raises ENOENT."""
        if not path.name:
            container = self._view.container(path)
            if container is None:
                raise _oserror(errno.ENOENT, path.container)
            return Node(path, Kind.FOLDER, 0, Attributes(), modified_ns=container.modified_ns)
        node = self._view.node(path, attributes_needed=attributes_needed)
        if node is None:
            raise _oserror(errno.ENOENT, path)
        return node

    def readdir(self, path: str) -> list[tuple[str, Stat | None]]:
        """Names in a folder, with attributes where they cost nothing."""
        place = self._resolve(path)
        special = [SHARED, VERSIONS] if self._options.show_special else []
        if not isinstance(place, Object):
            return [(name, None) for name in [*self._names_in(place), *(special if isinstance(place, Root) else [])]]
        if self._node(place.path, attributes_needed=False).kind is not Kind.FOLDER:
            raise _oserror(errno.ENOTDIR, path)
        children = self._view.children(place.path)
        found = [(name, None if node is None else self._view.stat(node)) for name, node in children.items()]
        if any(stat is None for _, stat in found):
            # The stats of all entries usually follow: their attributes are asked for ahead, side by side.
            self._learners.submit(self._learn, place.path)
        if not place.path.name and self._options.container == place.path.container:
            found += [(name, None) for name in special]
        return found

    def _names_in(self, place: Place) -> list[str]:
        if isinstance(place, Root):
            return [names.to_local(name) for name in self._tree.containers()]
        if isinstance(place, Versions):
            return self._history.names(place.path)
        if isinstance(place, SharedRoot):
            accounts = self._store.shared_accounts()
            known = self._store.user_names(accounts)
            return [known.get(account, account) for account in accounts]
        assert isinstance(place, SharedAccount)
        return [names.to_local(name) for name in self._tree.containers(place.account)]

    def _learn(self, folder: ObjectPath) -> None:
        try:
            self._tree.learn(folder)
        except (PithosfsError, OSError) as trouble:
            log.debug("attributes in %s not learnt ahead: %s", folder, trouble)

    def readlink(self, path: str) -> str:
        """The target of a symlink."""
        node = self._node(self._object(path))
        if node.kind is not Kind.SYMLINK:
            raise _oserror(errno.EINVAL, path)
        target = node.attributes.link
        if target is None:
            target = self._contents.whole(node.path, node.pending, node.info)
        return os.fsdecode(target)

    def statfs(self, path: str) -> StatFs:
        """The quota of the account as a file system's size."""
        total, free = self._space.total_and_free()
        return StatFs(STATFS_UNIT, total // STATFS_UNIT, free // STATFS_UNIT, STATFS_FILES, names.MAX_LOCAL_NAME)

    # attributes -----------------------------------------------------------------------------------------------------

    def chmod(self, path: str, mode: int) -> None:
        """Change the permission bits."""
        self._properties.change_attributes(self._object(path, writing=True), mode=mode & 0o7777)

    def chown(self, path: str, uid: int, gid: int) -> None:
        """Change owner and group; -1 leaves one as it is. Names are stored, so that other machines understand them."""
        changes = {}
        if uid != -1:
            changes["owner"] = user_name(uid)
        if gid != -1:
            changes["group"] = group_name(gid)
        target = self._object(path, writing=True)
        if changes:
            self._properties.change_attributes(target, **changes)

    def utimens(self, path: str, atime_ns: int | None, mtime_ns: int | None, fh: int | None = None) -> None:
        """Set times in nanoseconds; None leaves one as it is. The access time is kept in memory only.

        A container's times are the server's: setting them is accepted and has no effect.
        """
        target = self._object(path, writing=True)
        if mtime_ns is not None and target.name:
            self._properties.change_attributes(target, mtime_ns=mtime_ns)
            self._view.mtime_set(target)
        if atime_ns is not None and target.name:
            self._view.changed(target, atime_ns=atime_ns)

    def listxattr(self, path: str) -> list[str]:
        """Names of the extended attributes (design, section 5)."""
        place = self._resolve(path)
        if not isinstance(place, Object):
            return []
        subject, state = self._properties.subject(place.path, exact=True)
        return self._xattrs.list(place.path, subject, state)

    def getxattr(self, path: str, name: str) -> bytes:
        """One extended attribute. Raises ENODATA, and ENOTSUP outside of `user.pithos.`."""
        place = self._resolve(path)
        if not name.startswith(NAMESPACE) or not isinstance(place, Object):
            # Programs ask for security and ACL attributes on every file: no look-up for those.
            raise _oserror(errno.ENODATA if name.startswith("user.") else errno.ENOTSUP, path)
        subject, state = self._properties.subject(place.path, exact=name.startswith(OF_THE_NAME))
        return self._xattrs.get(place.path, subject, name, state)

    def setxattr(self, path: str, name: str, value: bytes, flags: int = 0) -> None:
        """Set an extended attribute: metadata, content type, sharing, publication, policy."""
        target = self._object(path, writing=True)
        subject, _ = self._properties.subject(target)
        create, replacing = bool(flags & os.XATTR_CREATE), bool(flags & os.XATTR_REPLACE)
        change = self._xattrs.set(target, subject, name, value, create=create, replace=replacing)
        self._properties.carry_out(target, change)

    def removexattr(self, path: str, name: str) -> None:
        """Remove metadata, end sharing, withdraw a publication."""
        target = self._object(path, writing=True)
        subject, _ = self._properties.subject(target)
        self._properties.carry_out(target, self._xattrs.remove(target, subject, name))

    # names ----------------------------------------------------------------------------------------------------------

    def mkdir(self, path: str, mode: int, owner: tuple[int, int] | None = None) -> None:
        """Make a folder; at the top, a container."""
        target = self._object(path, writing=True)
        if target.name:
            self._namespace.make_folder(target, mode, owner)
        elif target.account == self._store.account:
            self._namespace.make_container(target)
        else:
            raise _oserror(errno.EACCES, path)

    def rmdir(self, path: str) -> None:
        """Remove an empty folder or container."""
        target = self._object(path, writing=True)
        if target.name:
            self._namespace.remove_folder(target)
        else:
            self._namespace.remove_container(target)

    def unlink(self, path: str) -> None:
        """Remove a file or symlink."""
        self._namespace.remove_file(self._named(path, errno.EISDIR))

    def symlink(self, target: str, path: str, owner: tuple[int, int] | None = None) -> None:
        """Make a symlink at `path` that points to `target`."""
        self._namespace.make_symlink(self._named(path, errno.EPERM), os.fsencode(target), owner)

    def link(self, target: str, path: str) -> None:
        """Hard links do not exist in an object store."""
        raise _oserror(errno.EPERM, path)

    def mknod(self, path: str, mode: int, device: int) -> None:
        """Only regular files can be made."""
        if mode & 0o170000 not in (0, 0o100000):
            raise _oserror(errno.EPERM, path)
        opened = self.create(path, mode & 0o7777, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        try:
            self.flush(opened.fh)
        finally:
            self.release(opened.fh)

    def rename(self, old: str, new: str, flags: int = 0) -> None:
        """Rename, replacing what has the new name; with RENAME_NOREPLACE that is an error."""
        self._namespace.rename(self._object(old, writing=True), self._object(new, writing=True), flags)

    # contents -------------------------------------------------------------------------------------------------------

    def create(self, path: str, mode: int, flags: int, owner: tuple[int, int] | None = None) -> Opened:
        """Make a file, or open the one that is there (unless O_EXCL)."""
        # Only containers can be made at the top.
        fh = self._namespace.make_file(self._named(path, errno.EPERM), mode, flags, owner)
        return self.open(path, flags) if fh is None else Opened(fh, keep_cache=False)

    def open(self, path: str, flags: int) -> Opened:
        """Open a file. O_TRUNC empties it."""
        place = self._resolve(path)
        writing = bool(flags & (WRITING | os.O_TRUNC))
        if isinstance(place, Versions):
            if writing:
                raise _oserror(errno.EROFS, path)
            return self._handles.open_version(self._history.reader(place.path, path), flags)
        node = self._node(self._object(path, writing=writing))
        if node.kind is Kind.FOLDER:
            raise _oserror(errno.EISDIR, path)
        if node.kind is Kind.SYMLINK:
            raise _oserror(errno.ELOOP, path)
        if writing and not self._view.writable(node.path, node.info):
            raise _oserror(errno.EACCES, path)
        return self._handles.open_node(node, flags)

    def read(self, fh: int, size: int, offset: int) -> bytes:
        """Up to `size` bytes from `offset`; fewer only at the end."""
        return self._handles.read(fh, size, offset)

    def write(self, fh: int, data: bytes, offset: int) -> int:
        """Write all of `data` at `offset`. Raises EDQUOT, ENOSPC."""
        return self._handles.write(fh, data, offset)

    def truncate(self, path: str, length: int, fh: int | None = None) -> None:
        """Cut or extend a file to `length` bytes."""
        if self._handles.file(fh) is not None and fh is not None:
            self._handles.truncate(fh, length)
            return
        opened = self.open(path, os.O_WRONLY | (os.O_TRUNC if length == 0 else 0))
        try:
            self._handles.truncate(opened.fh, length)
            self.flush(opened.fh)
        finally:
            self.release(opened.fh)

    def flush(self, fh: int) -> None:
        """A program's close(): afterwards the content is in the journal."""
        self._handles.flush(fh)

    def fsync(self, fh: int, datasync: bool = False) -> None:
        """Afterwards the content survives a power cut, or is on the cloud (`--fsync=remote`)."""
        self._handles.fsync(fh)

    def release(self, fh: int) -> None:
        """The last use of a handle."""
        self._handles.release(fh)

    # the whole mount ------------------------------------------------------------------------------------------------

    def recover(self) -> None:
        """Finish what an earlier process began: called once, before the mount answers."""
        self._namespace.recover()
        for row in self._journal.all():
            self._journal.update(row.path, _to_be_sent)

    def drain(
        self,
        path: str | None = None,
        *,
        deadline: float | None = None,
        progress: Callable[[dict[str, Any]], None] | None = None,
    ) -> list[Problem]:
        """Bring everything (or what is at and below a path) to the cloud; what could not is returned with the reason.

        Files that are open with changes are sent as they are now. `deadline` is a `time.monotonic` value.
        """
        place = self._resolve(path) if path is not None else None
        below = place.path if isinstance(place, Object) else None
        self._handles.commit_all(below)
        failed = self._uploader.drain(below, deadline=deadline, progress=progress)
        return [Problem(self.local_path(row.path) or str(row.path), row.error) for row in failed]

    def status(self) -> dict[str, Any]:
        """What is pending, for `pithosfs status`."""
        traffic = self._store.traffic()
        return {
            **self._uploader.status(),
            "open_files": len(self._handles),
            "requests": traffic.requests,
            "bytes_sent": traffic.sent,
            "bytes_received": traffic.received,
        }

    def refresh(self) -> None:
        """Look for changes elsewhere in what was used lately."""
        self._tree.refresh()

    def close(self) -> None:
        """Stop the threads of this object; the parts it was given are closed by their owner."""
        self._learners.shutdown(wait=True, cancel_futures=True)
        self._executor.shutdown(wait=True, cancel_futures=True)

    # checks ---------------------------------------------------------------------------------------------------------

    def _object(self, path: str, *, writing: bool = False) -> ObjectPath:
        """The object path of a local path; the special folders can be neither opened nor changed."""
        if writing and self._options.read_only:
            raise _oserror(errno.EROFS, path)
        place = self._resolve(path)
        if isinstance(place, Object):
            return place.path
        if isinstance(place, Versions):
            raise _oserror(errno.EROFS if writing else errno.EINVAL, path)
        raise _oserror(errno.EPERM if writing else errno.EISDIR, path)

    def _named(self, path: str, at_the_top: int) -> ObjectPath:
        """The object path of something that is no container, for changing; `at_the_top` is the errno for those."""
        target = self._object(path, writing=True)
        if not target.name:
            raise _oserror(at_the_top, path)
        return target


def _to_be_sent(row: Pending) -> Pending | None:
    """A file that was open when its process ended is sent as it was synced last."""
    return replace(row, state=State.PENDING, ready_at=time.time()) if row.state is State.OPEN else None


def _oserror(code: int, subject: object) -> OSError:
    return OSError(code, os.strerror(code), str(subject))
