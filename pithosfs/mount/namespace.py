"""Making, removing and renaming names. Everything but containers goes through the journal, so it returns at once."""

from __future__ import annotations

import errno
import mimetypes
import os
import time
from dataclasses import replace
from typing import Any

from pithosfs.errors import Conflict
from pithosfs.mount import attributes, names
from pithosfs.mount.attributes import SYMLINK_TYPE, Attributes
from pithosfs.mount.handles import Handles
from pithosfs.mount.intents import finish_moves
from pithosfs.mount.journal import Journal
from pithosfs.mount.namelocks import NameLocks
from pithosfs.mount.nodes import Node, View, group_name, user_name
from pithosfs.mount.openfiles import Contents, OpenFile, OpenFiles, is_at_or_below
from pithosfs.mount.options import MountOptions
from pithosfs.mount.rename import Renamer
from pithosfs.mount.rows import RowKind, gone_row, new_row, replacing
from pithosfs.mount.tree import Kind, Tree
from pithosfs.mount.uploader import Uploader
from pithosfs.store import ObjectPath, ObjectStore
from pithosfs.store.seam import DIRECTORY_TYPE

__all__ = ["RENAME_NOREPLACE", "Namespace", "parent_of"]

RENAME_NOREPLACE = 1
LONGEST_LINK = 4095  # bytes of a symlink's target, as of Linux


class Namespace:
    """The operations on names in the own account, and in what others let this one write."""

    def __init__(
        self,
        store: ObjectStore,
        tree: Tree,
        journal: Journal,
        uploader: Uploader,
        opened: OpenFiles,
        view: View,
        contents: Contents,
        handles: Handles,
        locks: NameLocks,
        options: MountOptions,
    ) -> None:
        self._store = store
        self._tree = tree
        self._journal = journal
        self._uploader = uploader
        self._opened = opened
        self._view = view
        self._contents = contents
        self._handles = handles
        self._locks = locks
        self._options = options
        self._renamer = Renamer(store, tree, journal, uploader, opened, view, contents)

    def recover(self) -> None:
        """Finish the renames that the end of an earlier process interrupted."""
        finish_moves(self._journal, self._store)

    # containers -----------------------------------------------------------------------------------------------------

    def make_container(self, path: ObjectPath) -> None:
        if self._options.container is not None or self._view.container(path) is not None:
            raise _oserror(errno.EEXIST, path.container)
        self._store.create_container(path.container)
        self._tree.container_made(path.container)

    def remove_container(self, path: ObjectPath) -> None:
        """Remove an empty container. Raises ENOTEMPTY, EPERM for what is not the user's own."""
        if self._options.container is not None or path.account != self._store.account:
            raise _oserror(errno.EPERM, path.container)
        if self._view.container(path) is None:
            raise _oserror(errno.ENOENT, path.container)
        if self._view.children(path):
            raise _oserror(errno.ENOTEMPTY, path.container)
        # Deletions that are still on their way would make the server call it full.
        self._uploader.drain(path, deadline=None)
        try:
            self._store.delete_container(path.container)
        except Conflict:
            self._tree.forget(path.container)
            raise _oserror(errno.ENOTEMPTY, path.container) from None
        self._tree.container_gone(path.container)

    # making ---------------------------------------------------------------------------------------------------------

    def make_folder(self, path: ObjectPath, mode: int, owner: tuple[int, int] | None) -> None:
        self.check_parent(path)
        with self._locks(path):
            if self._view.node(path, attributes_needed=False) is not None:
                raise _oserror(errno.EEXIST, path)
            meta = attributes.to_meta(self._attributes(mode, owner))
            self._put_new(path, "folder", meta=meta, content_type=DIRECTORY_TYPE)

    def make_symlink(self, path: ObjectPath, target: bytes, owner: tuple[int, int] | None) -> None:
        if len(target) > LONGEST_LINK:
            raise _oserror(errno.ENAMETOOLONG, path)
        self.check_parent(path)
        meta = attributes.to_meta(replace(self._attributes(0o777, owner), link=target))
        content = self._contents.empty(path)
        try:
            content.write(0, target)
            with self._locks(path):
                if self._view.node(path, attributes_needed=False) is not None:
                    raise _oserror(errno.EEXIST, path)
                self._put_new(path, "symlink", content=content.seal(), meta=meta, content_type=SYMLINK_TYPE)
        finally:
            content.discard()

    def _put_new(self, path: ObjectPath, kind: RowKind, **fields: Any) -> None:
        taken_over = replacing(self._journal.get(path))
        self._journal.put(new_row(path, kind, ready_at=self._ready_at(), **fields, **taken_over))
        self._born(path)

    def make_file(self, path: ObjectPath, mode: int, flags: int, owner: tuple[int, int] | None) -> int | None:
        """Make an empty file and open it; None when one is there already (an error with O_EXCL)."""
        self.check_parent(path)
        with self._locks(path):
            if self._view.node(path, attributes_needed=False) is not None:
                if flags & os.O_EXCL:
                    raise _oserror(errno.EEXIST, path)
                return None
            taken_over = replacing(self._journal.get(path))
            file = OpenFile(
                path,
                self._attributes(mode, owner),
                {},
                mimetypes.guess_type(path.name)[0] or "application/octet-stream",
                taken_over.get("base", ""),
                taken_over.get("base_info"),
                content=self._contents.empty(path),
                sharing=taken_over.get("sharing"),
                public=taken_over.get("public"),
                dirty=True,
            )
            opened = self._handles.open_new(file, path, flags)
            self._born(path)
            return opened.fh

    def _born(self, path: ObjectPath) -> None:
        self._handles.forget(path)
        self._view.born(path)
        self._view.entries_changed(parent_of(path))

    def _attributes(self, mode: int, owner: tuple[int, int] | None) -> Attributes:
        uid, gid = owner or (self._options.uid, self._options.gid)
        return Attributes(
            mode=mode & 0o7777,
            mtime_ns=time.time_ns(),
            owner=user_name(uid) if uid != self._options.uid else None,
            group=group_name(gid) if gid != self._options.gid else None,
            link=None,
        )

    # removing -------------------------------------------------------------------------------------------------------

    def remove_folder(self, path: ObjectPath) -> None:
        with self._locks(path, subtree=True):
            node = self._node(path)
            if node.kind is not Kind.FOLDER:
                raise _oserror(errno.ENOTDIR, path)
            if self._view.children(path):
                raise _oserror(errno.ENOTEMPTY, path)
            self._check_own(path)
            self._remove(node)

    def remove_file(self, path: ObjectPath) -> None:
        """Remove a file or symlink. Handles that are open on it go on; what they write is never sent."""
        with self._locks(path):
            node = self._node(path)
            if node.kind is Kind.FOLDER:
                raise _oserror(errno.EISDIR, path)
            if node.base:
                self._check_own(path)
            self._opened.detach(path)
            self._remove(node)

    def _check_own(self, path: ObjectPath) -> None:
        # The server lets only the owner delete, whatever is granted (object-store.md 12.3).
        if path.account != self._store.account:
            raise _oserror(errno.EACCES, path)

    def _remove(self, node: Node) -> None:
        """Take a node away: from the journal when it was never sent, else by a row that deletes it on the server."""
        self._keep_parent(node.path)
        with self._uploader.hold([node.path]):
            # An upload may have ended just before: what is there now decides.
            now = self._view.node(node.path, attributes_needed=False)
            if now is not None and now.base:
                self._journal.put(gone_row(now, self._ready_at()))
            elif now is not None and now.pending is not None:
                self._journal.remove(now.pending.id, now.pending.generation)
        self._view.gone(node.path)
        self._view.entries_changed(parent_of(node.path))
        self._handles.forget(node.path)

    def _keep_parent(self, path: ObjectPath) -> None:
        """A folder that exists only as a prefix gets a marker before its last entry goes: rm must not remove it."""
        parent = parent_of(path)
        if not parent.name or path.account != self._store.account or self._journal.get(parent) is not None:
            return
        entry = self._tree.entry(parent)
        if entry is not None and entry.info is None:
            self._journal.put(new_row(parent, "folder", content_type=DIRECTORY_TYPE, ready_at=self._ready_at()))

    # renaming -------------------------------------------------------------------------------------------------------

    def rename(self, source: ObjectPath, target: ObjectPath, flags: int) -> None:
        """Rename within one account. Raises EXDEV where only copying helps (mv does that by itself)."""
        if flags & ~RENAME_NOREPLACE:
            raise _oserror(errno.EINVAL, target)
        if not source.name or not target.name or source.account != target.account:
            raise _oserror(errno.EXDEV, target)
        self.check_parent(target)
        with self._locks(source, target, subtree=True):
            node = self._node(source)
            there = self._view.node(target, attributes_needed=False)
            if there is not None and flags & RENAME_NOREPLACE:
                raise _oserror(errno.EEXIST, target)
            if source == target:
                return
            if node.base or there is None:
                self._check_own(source)
            self._check_kinds(node, there, target)
            self._handles.commit_all(source)
            self._keep_parent(source)
            if node.kind is Kind.FOLDER:
                self._renamer.folder(source, target)
            else:
                self._renamer.file(source, target)
            self._handles.forget(source)
            self._handles.forget(target)
        self._view.entries_changed(parent_of(source))
        self._view.entries_changed(parent_of(target))

    def _check_kinds(self, node: Node, there: Node | None, target: ObjectPath) -> None:
        if node.kind is Kind.FOLDER:
            if is_at_or_below(target, node.path):
                raise _oserror(errno.EINVAL, target)
            if there is not None and there.kind is not Kind.FOLDER:
                raise _oserror(errno.ENOTDIR, target)
            if there is not None and self._view.children(target):
                raise _oserror(errno.ENOTEMPTY, target)
        elif there is not None and there.kind is Kind.FOLDER:
            raise _oserror(errno.EISDIR, target)

    # checks ---------------------------------------------------------------------------------------------------------

    def _node(self, path: ObjectPath) -> Node:
        node = self._view.node(path, attributes_needed=False)
        if node is None:
            raise _oserror(errno.ENOENT, path)
        return node

    def check_parent(self, path: ObjectPath) -> None:
        """The folder in which something is made must be there, be a folder, and be writable."""
        parent = parent_of(path)
        if parent.name:
            if self._node(parent).kind is not Kind.FOLDER:
                raise _oserror(errno.ENOTDIR, path)
        elif self._view.container(parent) is None:
            raise _oserror(errno.ENOENT, path)
        if path.account != self._store.account and not self._granted(path):
            raise _oserror(errno.EACCES, path)

    def _granted(self, path: ObjectPath) -> bool:
        """Whether another's account lets this one write a name: by the name's own rule or its nearest folder's."""
        while path.name:
            entry = self._tree.entry(path)
            if entry is not None and entry.info is not None:
                return self._view.writable(path, entry.info)
            path = parent_of(path)
        return False

    def _ready_at(self) -> float:
        return time.time() + self._uploader.settle


def parent_of(path: ObjectPath) -> ObjectPath:
    """The folder of a path; the container (name "") at the top."""
    return replace(path, name=names.split_last(path.name)[0])


def _oserror(code: int, subject: object) -> OSError:
    return OSError(code, os.strerror(code), str(subject))
