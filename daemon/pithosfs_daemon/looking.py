"""Looking at both sides: what is different from what was last seen goes into the state. Nothing is changed outside.

Memory does not grow with the tree: the local side is looked at folder by folder, the cloud page by page.
"""

from __future__ import annotations

import threading

from pithosfs.mount.attributes import SYMLINK_TYPE
from pithosfs.store import ObjectInfo
from pithosfs.transfer import TransferCancelled
from pithosfs_daemon.folder import Folder
from pithosfs_daemon.remote import Listing
from pithosfs_daemon.state import RemoteSeen, State
from pithosfs_daemon.state.nodes import pack_trouble
from pithosfs_daemon.state.schema import ABSENT, CLASH, FILE, FOLDER, IMPLIED, OTHER
from pithosfs_daemon.values import Content, Dirty, Kind, Reason, Trouble

__all__ = ["LocalLook", "RemoteLook"]


class LocalLook:
    """Brings what is in the folder into the state."""

    def __init__(self, folder: Folder, state: State, cancel: threading.Event) -> None:
        self._folder = folder
        self._state = state
        self._cancel = cancel

    def whole(self) -> None:
        """Everything. Raises FolderGone before anything is taken for deleted."""
        self._below("")

    def some(self, dirty: Dirty) -> None:
        """Only the names and the folders, with all below, that may have changed."""
        for name in sorted(dirty.folders):
            if self.name(name) is Kind.FOLDER or not name:
                self._below(name)
        for name in sorted(dirty.names):
            self.name(name)

    def name(self, name: str) -> Kind | None:
        """A single name, and the folders that it is in."""
        self._stop_if_told()
        if not name:
            return Kind.FOLDER
        found = self._folder.look(name)
        if found is None:
            # Whether it is gone, or the whole folder: only the first may be believed.
            self._folder.check()
            self._state.saw_no_local(name)
            return None
        parent, _, segment = name.rpartition("/")
        known = self._state.children(parent).get(segment)
        if isinstance(found, Trouble):
            if known is None or known.kind != OTHER or known.trouble != pack_trouble(found):
                self._state.saw_local_other(name, found)
            return None
        if self._folder.ignores(name, found.kind):
            if known is not None and known.kind != OTHER:
                self._state.saw_local_other(name, None)
            return None
        if known is None or not known.shows(found):
            self._state.saw_local(name, found)
        if parent:
            self._parents(parent)
        return found.kind

    def _parents(self, name: str) -> None:
        """A file can appear together with its folders, or turn a folder of ignored things into one that is synced."""
        node = self._state.node(name)
        if node is None or node.local_kind is not Kind.FOLDER or node.only_ignored:
            self.name(name)

    def _below(self, top: str) -> None:
        self._folder.check()
        waiting = [top]
        while waiting:
            self._stop_if_told()
            folder = waiting.pop()
            waiting += [f"{folder}/{one}" if folder else one for one in self._directory(folder)]

    def _directory(self, folder: str) -> list[str]:
        """One folder; returns the names of the folders in it."""
        found = self._folder.scan(folder)
        known = self._state.children(folder)
        prefix = f"{folder}/" if folder else ""
        for segment, seen in found.entries.items():
            old = known.get(segment)
            if old is None or not old.shows(seen):
                self._state.saw_local(prefix + segment, seen)
        for segment, trouble in found.troubles.items():
            old = known.get(segment)
            if old is None or old.kind != OTHER or old.trouble != pack_trouble(trouble):
                self._state.saw_local_other(prefix + segment, trouble)
        for segment in found.ignored:
            old = known.get(segment)
            if old is not None and old.kind != OTHER:
                self._state.saw_local_other(prefix + segment, None)
        gone = [
            segment
            for segment, old in known.items()
            if old.kind != ABSENT
            and segment not in found.entries
            and segment not in found.troubles
            and segment not in found.ignored
        ]
        if gone and found.complete:
            self._folder.check()
            for segment in gone:
                self._state.saw_no_local(prefix + segment)
        return [segment for segment, seen in found.entries.items() if seen.kind is Kind.FOLDER]

    def _stop_if_told(self) -> None:
        if self._cancel.is_set():
            raise TransferCancelled


class RemoteLook:
    """Brings a listing into the state."""

    def __init__(self, folder: Folder, state: State, cancel: threading.Event) -> None:
        self._folder = folder
        self._state = state
        self._cancel = cancel

    def take(self, listing: Listing) -> None:
        """The whole listing; what is not in it is taken for gone when it has come to its end."""
        folders: set[str] = set()  # that have something below them
        markers: set[str] = set()
        with self._state.remote_generation() as listed:
            for page in listing.pages():
                if self._cancel.is_set():
                    raise TransferCancelled
                listed(self._page(page, folders, markers))
            listed(self._implied(folders - markers))
            for name in self._state.in_the_way():
                if name not in folders:
                    self._state.out_of_the_way(name)
        self._state.set_fact("since", listing.since)

    def _page(self, page: list[ObjectInfo], folders: set[str], markers: set[str]) -> list[int]:
        known = self._state.remote_rows([one.name for one in page])
        ids = []
        for info in page:
            old = known.get(info.name)
            kind = Kind.FOLDER if info.is_directory else Kind.FILE
            if self._folder.ignores(info.name, kind):
                if old is not None:
                    ids.append(old.id)
                    if old.kind != OTHER:
                        self._state.saw_remote_other(info.name, info.version, None)
                continue
            if kind is Kind.FOLDER:
                markers.add(info.name)
            _add_parents(info.name, folders)
            if old is not None and (old.version, old.uuid) == (info.version, info.uuid) and old.kind in _SHOWN[kind]:
                ids.append(old.id)
                continue
            self.saw(info, agreed=old is not None and old.agreed)
            ids.append(old.id if old is not None else self._state.id_of(info.name))
        return ids

    def saw(self, info: ObjectInfo, *, agreed: bool = True) -> None:
        """An object is there, as listed or asked for; `agreed` False: nothing is agreed on about its name."""
        trouble = self._folder.local_trouble(info.name)
        if trouble is None and info.content_type.partition(";")[0].strip().lower() == SYMLINK_TYPE:
            trouble = Trouble(info.name, Reason.NOT_A_FILE)
        if trouble is not None:
            self._state.saw_remote_other(info.name, info.version, trouble)
            return
        kind = Kind.FOLDER if info.is_directory else Kind.FILE
        content = None if kind is Kind.FOLDER else Content(info.hash, info.size)
        node = self._state.node(info.name) if agreed else None
        if node is not None and node.agreed is not None and (node.agreed.kind, node.agreed.content) == (kind, content):
            remote = node.remote
            same_version = node.agreed.version in (None, info.version)
            if same_version and remote is not None and not remote.implied and remote.content == content:
                self._state.adopt(info.name, info.version, info.uuid)
                return
        self._state.saw_remote(info.name, RemoteSeen(kind, content, info.version, info.uuid))

    def _implied(self, names: set[str]) -> list[int]:
        """Folders without an object of their own."""
        ids = []
        known = self._state.remote_rows(sorted(names))
        for name in names:
            old = known.get(name)
            if old is not None and old.kind == FILE and self._state.was_listed(old.id):
                self._state.gets_in_the_way(name)
            elif old is not None and old.kind in (OTHER, CLASH) and self._state.was_listed(old.id):
                pass
            elif old is None or old.kind != IMPLIED:
                trouble = self._folder.local_trouble(name)
                if trouble is None:
                    self._state.saw_remote(name, RemoteSeen(Kind.FOLDER, implied=True))
                else:
                    self._state.saw_remote_other(name, "", trouble)
            ids.append(old.id if old is not None else self._state.id_of(name))
        return ids


_SHOWN = {Kind.FILE: (FILE, OTHER, CLASH), Kind.FOLDER: (FOLDER, OTHER)}


def _add_parents(name: str, folders: set[str]) -> None:
    parent = name.rpartition("/")[0]
    while parent and parent not in folders:
        folders.add(parent)
        parent = parent.rpartition("/")[0]
