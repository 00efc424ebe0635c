"""Changing what is not content: attributes, metadata, content type, sharing, publication, policies.

Attributes and metadata go through the journal and are folded into what is pending there. Sharing and publication
belong to the name on the server: what is pending of a file goes there first, then they are set at once.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from pithosfs.mount import attributes
from pithosfs.mount.handles import FSYNC_REMOTE_LIMIT, Handles
from pithosfs.mount.journal import Journal, Pending, State
from pithosfs.mount.namelocks import NameLocks
from pithosfs.mount.nodes import Node, View, etag_of
from pithosfs.mount.openfiles import OpenFiles
from pithosfs.mount.rows import RowKind, new_row
from pithosfs.mount.tree import Kind, Tree
from pithosfs.mount.uploader import Uploader
from pithosfs.mount.xattrs import Change
from pithosfs.store import ContainerInfo, ObjectInfo, ObjectPath, ObjectStore
from pithosfs.store.seam import DIRECTORY_TYPE

__all__ = ["Properties"]

Metadata = Mapping[str, str]
ROW_KINDS: dict[Kind, RowKind] = {Kind.FOLDER: "folder", Kind.FILE: "file", Kind.SYMLINK: "symlink"}


class Properties:
    """Attributes, metadata and rights of what has a name."""

    def __init__(
        self,
        store: ObjectStore,
        tree: Tree,
        journal: Journal,
        uploader: Uploader,
        opened: OpenFiles,
        view: View,
        handles: Handles,
        locks: NameLocks,
    ) -> None:
        self._store = store
        self._tree = tree
        self._journal = journal
        self._uploader = uploader
        self._opened = opened
        self._view = view
        self._handles = handles
        self._locks = locks

    def change_attributes(self, path: ObjectPath, **changes: Any) -> None:
        """Set fields of `Attributes`. Raises EPERM for containers, which carry none."""
        if not path.name:
            raise OSError(errno.EPERM, os.strerror(errno.EPERM), path.container)

        def changed(old: Metadata) -> dict[str, str]:
            return {**old, **attributes.to_meta(replace(attributes.from_meta(old), **changes))}

        self.change_meta(path, changed)

    def change_meta(
        self, path: ObjectPath, change: Callable[[Metadata], dict[str, str]], *, content_type: str | None = None
    ) -> None:
        """Change the metadata of a node: in its open file, in its journal row, or in a new row."""
        with self._locks(path):
            if self._changed_open(path, change, content_type):
                return
            node = self._view.node(path)
            if node is None:
                raise OSError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
            if path.account != self._store.account and not self._view.writable(path, node.info):
                raise OSError(errno.EACCES, os.strerror(errno.EACCES), str(path))

            def changed(row: Pending) -> Pending:
                return replace(
                    row,
                    meta=change(row.meta),
                    content_type=content_type or row.content_type,
                    state=row.state if row.state is State.OPEN else State.PENDING,
                    ready_at=time.time() + self._uploader.settle,
                )

            row = node.pending
            if row is None or row.kind == "gone" or self._journal.update(path, changed) is None:
                # Nothing is pending, or has just been sent: what is there now is changed.
                now = self._view.node(path)
                self._journal.put(changed(self._metadata_row(now if now is not None else node)))
        self._view.changed(path)

    def _changed_open(
        self, path: ObjectPath, change: Callable[[Metadata], dict[str, str]], content_type: str | None
    ) -> bool:
        """Change it in the open file; True when that is enough, because its content is still to be committed."""
        file = self._opened.get(path)
        if file is None:
            return False
        with file.lock:
            meta = change(file.full_meta())
            file.attributes = attributes.from_meta(meta)
            file.meta = {key: value for key, value in meta.items() if key not in attributes.OWN_KEYS}
            file.content_type = content_type or file.content_type
            if not file.dirty:
                return False
        self._view.changed(path)
        return True

    def _metadata_row(self, node: Node) -> Pending:
        info = node.info
        return new_row(
            node.path,
            ROW_KINDS[node.kind],
            base=etag_of(info),
            base_info=info,
            meta=(info.meta or {}) if info is not None else {},
            content_type=info.content_type if info is not None else DIRECTORY_TYPE,
            ready_at=0.0,
        )

    # extended attributes --------------------------------------------------------------------------------------------

    def subject(self, path: ObjectPath, *, exact: bool = False) -> tuple[ObjectInfo | ContainerInfo, str]:
        """What the extended attributes of a path are told from, and its state. With `exact` the server is asked."""
        if not path.name:
            if self._view.container(path) is None:
                raise OSError(errno.ENOENT, os.strerror(errno.ENOENT), path.container)
            return self._store.container(path.container, path.account), "clean"
        node = self._view.node(path)
        if node is None:
            raise OSError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
        if node.info is not None and node.pending is None and node.open is None and (exact or not node.info.uuid):
            # What belongs to the name may have been changed elsewhere without a new version.
            told = self._tree.info(path, exact=True)
            if told is not None:
                return told, self._state(node)
        info = node.info or ObjectInfo(path.name, 0, DIRECTORY_TYPE, "", "", node.modified_ns, meta={})
        row, file = node.pending, node.open
        if file is not None:
            info = replace(info, size=node.size, content_type=file.content_type, meta=file.full_meta())
        elif row is not None and row.kind != "gone":
            info = replace(info, size=node.size, content_type=row.content_type, meta=dict(row.meta))
        return replace(info, name=path.name), self._state(node)

    def _state(self, node: Node) -> str:
        if self._journal.conflict(node.path) is not None:
            return "conflict"
        if node.pending is not None:
            return "uploading" if node.pending.state is State.UPLOADING else "pending"
        return "pending" if node.open is not None else "clean"

    def carry_out(self, path: ObjectPath, change: Change) -> None:
        """Make a change that `Xattrs` asked for."""
        if change.policy:
            self._store.set_policy(path.container, change.policy)
            self._tree.forget(path.container)
        if change.meta or change.content_type is not None:
            changes = change.meta or {}

            def merged(old: Metadata) -> dict[str, str]:
                kept = {key: value for key, value in old.items() if key not in changes}
                return kept | {key: value for key, value in changes.items() if value is not None}

            self.change_meta(path, merged, content_type=change.content_type)
        if change.sharing is not None or change.public is not None:
            self._share(path, change)

    def _share(self, path: ObjectPath, change: Change) -> None:
        node = self._view.node(path)
        if node is not None and node.kind is Kind.FOLDER and node.info is None and node.pending is None:
            # A rule needs an object to stand on: a bare prefix gets its marker.
            self._journal.put(new_row(path, "folder", content_type=DIRECTORY_TYPE, ready_at=0.0))
        self._handles.commit_all(path)
        failed = self._uploader.drain(path, deadline=time.monotonic() + FSYNC_REMOTE_LIMIT)
        for row in failed:
            if row.path == path:
                raise self._handles.failure(row)
        if change.sharing is not None:
            self._store.set_sharing(path, change.sharing)
        if change.public is not None:
            self._store.set_public(path, change.public)
        info = self._store.head(path)
        self._tree.noted(path, info)
        self._handles.sent(path, info)
