"""Renames: the one operation that people expect to be atomic and an object store has no word for.

What the server does on MOVE (drops history and sharing of what it moves, and of what it lands on) is not what a rename
means to people. So (design, section 5):

- onto an existing file: its content becomes a new version of that file; history, sharing and public link stay;
- to a free name: one conditional move, which carries the sharing over;
- what was never sent is renamed in the journal alone, the server hears of the new name only;
- a folder: one move of everything below it, then the journal's rows below it follow.

A rename that is killed half-way is finished at the next start: see `intents`.
"""

from __future__ import annotations

import errno
import logging
import os
from contextlib import suppress
from dataclasses import dataclass, replace
from time import time

from pithosfs.errors import NotFound, PithosfsError, PreconditionFailed
from pithosfs.mount.attributes import Attributes
from pithosfs.mount.intents import begin_folder_move, begin_move
from pithosfs.mount.journal import Journal, Pending, State
from pithosfs.mount.nodes import Node, View, keeping_its_name
from pithosfs.mount.openfiles import Contents, OpenFiles
from pithosfs.mount.rows import gone_row
from pithosfs.mount.tree import Kind, Tree
from pithosfs.mount.uploader import Uploader
from pithosfs.store import Delivery, ObjectInfo, ObjectPath, ObjectStore, Sharing

__all__ = ["Renamer"]

log = logging.getLogger(__name__)

# How often a rename onto a file looks again when somebody else keeps changing that file.
ROUNDS = 5


def fail(code: int, path: ObjectPath | str) -> OSError:
    return OSError(code, os.strerror(code), str(path))


class Renamer:
    """Carries out renames between two object paths of the own account. Kinds and emptiness were checked before."""

    def __init__(
        self,
        store: ObjectStore,
        tree: Tree,
        journal: Journal,
        uploader: Uploader,
        opened: OpenFiles,
        view: View,
        contents: Contents,
    ) -> None:
        self._store = store
        self._tree = tree
        self._journal = journal
        self._uploader = uploader
        self._opened = opened
        self._view = view
        self._contents = contents

    # files and symlinks ---------------------------------------------------------------------------------------------

    def file(self, old: ObjectPath, new: ObjectPath) -> None:
        """Rename a file or symlink, replacing a file or symlink that has the new name."""
        self._settle_partial(old)
        with self._uploader.hold([old, new]):
            source = self._view.node(old)
            if source is None:
                raise fail(errno.ENOENT, old)
            target = self._view.node(new)
            row = self._journal.get(old)
            before = self._journal.get(new)
            replaced = target if target is not None else self._pending_deletion(new, before)
            if row is not None and row.content is not None:
                self._rename_unsent(source, row, replaced, kept=target is not None, new=new)
            elif replaced is not None and (replaced.base or before is not None):
                self._replace_on_server(source, replaced, kept=target is not None, new=new)
            else:
                self._move_on_server(source, row, new)
            self._opened.detach(new)
            self._opened.rename(old, new)
            self._view.renamed(source, new)

    def _settle_partial(self, old: ObjectPath) -> None:
        """A changed file that still takes some of its blocks from the version it is based on is sent first.

        Its other blocks are found under the old name only; all others are renamed without the server.
        """
        row = self._journal.get(old)
        if row is not None and row.content is not None and row.origin is not None:
            failed = self._uploader.drain(old, deadline=None)
            if failed:
                raise fail(errno.EIO, old)

    def _pending_deletion(self, path: ObjectPath, row: Pending | None) -> Node | None:
        """What the server still has under a name that was deleted here and not there yet."""
        if row is None or row.kind != "gone":
            return None
        return self._view.ghost(row)

    def _rename_unsent(self, source: Node, row: Pending, replaced: Node | None, *, kept: bool, new: ObjectPath) -> None:
        """The content is here: it goes up under its new name, and never under the old one."""
        target_info = replaced.info if replaced is not None else None
        carried = _carried(source, replaced, kept=kept)
        renamed = replace(
            row,
            id=0,
            path=new,
            base=replaced.base if replaced is not None else "",
            base_info=target_info,
            extents=None,  # they were against another base
            state=State.PENDING if row.state is not State.OPEN else State.OPEN,
            meta=carried.meta,
            content_type=carried.content_type,
            sharing=carried.sharing,
            public=carried.public,
            # Nothing is asked: renames in the journal work without the cloud. What a kept target has is looked up then.
            delivery=_known_delivery(replaced if kept else source),
        )
        self._journal.put(renamed)
        if row.base:
            # Also sent before under the old name: that object goes away. What is not sent yet is in the journal.
            self._journal.put(gone_row(source, ready_at=renamed.ready_at))
        else:
            current = self._journal.get(source.path)
            if current is not None:
                self._journal.remove(current.id, current.generation)

    def _replace_on_server(self, source: Node, replaced: Node, *, kept: bool, new: ObjectPath) -> None:
        """Both are on the server: the target gets the source's content as a new version, no content moves."""
        info = self._info(source)
        if info.is_manifest:  # its own blocks; the parts stay where they are
            hashmap = self._store.hashmap(source.path, info.version)
        else:
            hashmap = self._contents.reader(source.path, info).hashmap()
        carried = _carried(source, replaced, kept=kept)
        own, kept_one = self._delivery_of(source), self._delivery_of(replaced) if kept else None
        # Of a manifest the parts are the content.
        delivery = replace(kept_one or own or Delivery(), manifest=own.manifest if own else None)
        base = replaced.base
        for _ in range(ROUNDS):
            try:
                result = self._store.put_hashmap(
                    new,
                    hashmap,
                    content_type=carried.content_type,
                    meta=carried.meta,
                    base=base,
                    sharing=carried.sharing,
                    public=carried.public,
                    delivery=delivery,
                )
                break
            except PreconditionFailed:
                # Somebody changed or deleted the target just now. A rename replaces whatever is there.
                base = self._etag_now(new)
        else:
            raise fail(errno.EBUSY, new)
        if not isinstance(result, ObjectInfo):
            raise fail(errno.EIO, source.path)
        if result.is_manifest:
            result = self._store.head(new)  # the answer tells the size of its own content
        row = self._journal.get(new)
        self._tree.noted(new, keeping_its_name(result, replaced.info if kept else None, row))
        if row is not None:
            self._journal.remove(row.id, row.generation)
        self._journal.put(gone_row(source, ready_at=time()))

    def _delivery_of(self, node: Node | None) -> Delivery | None:
        """How the object is handed out over HTTP; asked for when only a listing is known of it. None: nothing there."""
        known = _known_delivery(node)
        if known is None and node is not None and node.base:
            with suppress(NotFound):
                return self._store.head(node.path).delivery
        return known

    def _etag_now(self, path: ObjectPath) -> str:
        try:
            return self._store.head(path).etag or ""
        except NotFound:
            return ""

    def _move_on_server(self, source: Node, row: Pending | None, new: ObjectPath) -> None:
        """To a free name: one MOVE. A row with changed attributes only follows."""
        info = self._info(source)
        intent = begin_move(self._journal, source.path, new)
        try:
            self._store.move(source.path, new, sharing=info.own_sharing, public=info.public is not None)
        except PreconditionFailed:
            # Another client has made the target just now. A rename replaces it, and keeps its history.
            self._journal.done(intent)
            self._tree.forget(new.container)
            there = self._store.head(new)
            taken = Node(new, source.kind, there.size, Attributes(), there)
            self._replace_on_server(source, taken, kept=True, new=new)
            return
        self._tree.gone(source.path)
        moved = self._store.head(new)
        self._tree.noted(new, moved)
        if row is not None:
            self._journal.rename(source.path, new)
        self._journal.done(intent)

    def _info(self, source: Node) -> ObjectInfo:
        info = self._tree.info(source.path) or source.info
        if info is None:
            raise fail(errno.ENOENT, source.path)
        return info

    # folders --------------------------------------------------------------------------------------------------------

    def folder(self, old: ObjectPath, new: ObjectPath) -> None:
        """Rename a folder to a free name, or onto an empty folder."""
        self._send_what_needs_old_names(old)
        # Deletions that wait under the new name must not hit what arrives there.
        if self._uploader.drain(new, deadline=None):
            raise fail(errno.EIO, new)
        with self._uploader.hold([old, new]):
            source = self._view.node(old)
            if source is None:
                raise fail(errno.ENOENT, old)
            target = self._view.node(new)
            self._check_empty(new)
            if target is not None and target.info is not None:
                self._store.delete(new)
                self._tree.gone(new)
            if self._on_server(old):
                self._move_folder_on_server(old, new)
            else:
                self._journal.rename_below(old, new)
            self._opened.rename(old, new)
            self._view.renamed(source, new)

    def _move_folder_on_server(self, old: ObjectPath, new: ObjectPath) -> None:
        # Sharing and publication stay behind with the old names (section 20, row 36 of the object store). They are in
        # the journal before the server drops them, so that a kill cannot lose them.
        rules = self._store.name_rules(old)
        intent = begin_folder_move(self._journal, old, new, rules)
        try:
            self._store.move_folder(old, new, rules)
        except PreconditionFailed:
            self._journal.done(intent)
            self._tree.forget(new.container)
            raise fail(errno.ENOTEMPTY, new) from None
        self._tree.moved(old, new)
        self._journal.rename_below(old, new)
        try:
            self._store.set_name_rules(new, rules)
        except PithosfsError as error:
            # The folder has its new name, so the rename is done. The intent stays: the next start tries again.
            log.error("renamed %s, but not all of its sharing could be set again: %s", new, error)
        else:
            self._journal.done(intent)

    def _check_empty(self, folder: ObjectPath) -> None:
        """Ask the server itself: what another client has just put there would be replaced by what is moved onto it."""
        prefix = f"{folder.name}/"
        found = self._store.list_objects(folder.container, prefix=prefix, account=folder.account, limit=1)
        if found is not None and (found.found.objects or found.found.folders):
            self._tree.forget(folder.container)
            raise fail(errno.ENOTEMPTY, folder)

    def _on_server(self, folder: ObjectPath) -> bool:
        entry = self._tree.entry(folder)
        return entry is not None and (entry.info is not None or self._tree.has_below(folder))

    def _send_what_needs_old_names(self, old: ObjectPath) -> None:
        """Rows that stand on objects under the old name are sent before it changes: markers and partial changes."""
        marker = self._journal.get(old)
        if marker is not None and marker.kind == "folder" and self._on_server(old):
            # MOVE needs the marker, and its attributes go with it.
            if self._uploader.drain(old, deadline=None):
                raise fail(errno.EIO, old)
            return
        for row in self._journal.below(old):
            if not row.base or row.kind == "gone":
                continue
            if self._uploader.drain(row.path, deadline=None):
                raise fail(errno.EIO, row.path)


@dataclass(frozen=True, slots=True)
class _Carried:
    """What a new name gets besides the content."""

    meta: dict[str, str]
    content_type: str
    sharing: Sharing | None
    public: bool | None


def _carried(source: Node, replaced: Node | None, *, kept: bool) -> _Carried:
    """What the new name gets besides the content.

    A file that is replaced (`kept`) stays itself: its sharing, link, content type and own metadata stay, attributes
    are the source's. A name that was free, or whose file was deleted before, gets the source's sharing and nothing
    of the old file's.
    """
    meta, content_type = _described(source)
    row = source.pending
    if kept and replaced is not None and replaced.kind is Kind.FILE and source.kind is Kind.FILE:
        kept_meta, kept_type = _described(replaced)
        there = replaced.pending
        return _Carried(
            {**kept_meta, **meta},
            kept_type or content_type,
            there.sharing if there is not None else None,
            there.public if there is not None else None,
        )
    sharing, public = (row.sharing, row.public) if row is not None else (None, None)
    info = source.on_server
    if info is not None:
        sharing = sharing if sharing is not None else info.own_sharing
        public = public if public is not None else (True if info.public else None)
    if replaced is not None and replaced.info is not None:
        # What had this name before is gone: its rule must not reach what has it now.
        sharing = sharing if sharing is not None else Sharing()
        public = bool(public)
    return _Carried(meta, content_type, sharing, public)


def _known_delivery(node: Node | None) -> Delivery | None:
    """How the object is handed out, as far as that is known here."""
    if node is None:
        return None
    if node.pending is not None and node.pending.delivery is not None:
        return node.pending.delivery
    return node.info.delivery if node.info is not None and node.base else None


def _described(node: Node) -> tuple[dict[str, str], str]:
    """Metadata and content type of a node: as they are to be, else as the server has them."""
    if node.pending is not None and node.pending.kind != "gone":
        return dict(node.pending.meta), node.pending.content_type
    if node.info is not None:
        return dict(node.info.meta or {}), node.info.content_type
    return {}, ""
