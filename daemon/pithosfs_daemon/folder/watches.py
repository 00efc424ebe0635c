"""Inotify watches on every folder of a tree that is synced, following it as folders come, go and move.

This stands on watchdog's reader of inotify events and not on its recursive observer. That one also watches what is
ignored, keeps quiet about folders that it could not watch, and turns a folder of many files that is moved into as many
events; here it is one: "look at everything below that name".
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import stat
import threading
from collections.abc import Iterator
from typing import Protocol

from watchdog.observers.inotify_c import CallbackId, InotifyConstants, InotifyEvent, InotifyFD, Mask, WatchDescriptor

from pithosfs_daemon.folder.disks import is_mount
from pithosfs_daemon.folder.folder import Folder
from pithosfs_daemon.folder.looking import is_part
from pithosfs_daemon.folder.private import MARKER, PRIVATE
from pithosfs_daemon.folder.status import identity, opened

__all__ = ["Report", "Watches"]

_log = logging.getLogger(__name__)

_IN = InotifyConstants
_COMES = _IN.IN_CREATE | _IN.IN_MOVED_TO
_GOES = _IN.IN_DELETE | _IN.IN_MOVED_FROM
_SELF = _IN.IN_DELETE_SELF | _IN.IN_MOVE_SELF
_CONTENT = _IN.IN_MODIFY | _IN.IN_CLOSE_WRITE | _IN.IN_ATTRIB
_MASK = Mask(_COMES | _GOES | _CONTENT | _IN.IN_ONLYDIR | _IN.IN_EXCL_UNLINK)
_TOP_MASK = Mask(_MASK | _SELF)
_FILE_MASK = Mask(_CONTENT | _SELF)
_VANISHED = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)


class Report(Protocol):
    """Who is told what happened. Called from the thread that reads events."""

    def changed(self, name: str) -> None:
        """Look at this name."""

    def rescan(self, name: str) -> None:
        """Look at this name and everything below it; it may be gone."""

    def lost(self, *, overflow: bool) -> None:
        """Events were lost, by an overflow or otherwise: look at everything, with new watches."""

    def unwatched(self, error: OSError) -> None:
        """Something cannot be watched."""


class _Node:
    """A watched folder, or under the policy `follow` a watched file that a link leads to."""

    __slots__ = ("children", "identity", "is_file", "local", "parent", "tree", "wd")

    def __init__(self, tree: Watches, parent: _Node | None, local: str, *, is_file: bool = False) -> None:
        self.tree = tree
        self.parent = parent
        self.local = local
        self.is_file = is_file
        self.children: dict[str, _Node] | None = None
        self.identity: tuple[int, int] | None = None
        self.wd: WatchDescriptor | None = None

    def locals(self) -> list[str]:
        """The local names from the top down to it."""
        found = []
        node = self
        while node.parent is not None:
            found.append(node.local)
            node = node.parent
        return found[::-1]

    def leads_back(self, to: tuple[int, int]) -> bool:
        """Whether this folder or one above it is that one."""
        node: _Node | None = self
        while node is not None:
            if node.identity == to:
                return True
            node = node.parent
        return False

    # what watchdog calls

    def on_event(self, event: InotifyEvent) -> None:
        self.tree.handle(self, event)

    def on_watch_deleted(self, wd: WatchDescriptor) -> None:
        """The folder is gone; the event in its parent does the rest."""

    def on_queue_overflow(self) -> None:
        self.tree.overflow()


class Watches:
    """The watches of one folder, made at once. Raises OSError (EMFILE) when there can be no inotify instance."""

    def __init__(self, folder: Folder, report: Report) -> None:
        self._folder = folder
        self._rules = folder.rules
        self._spelling = folder.spelling
        self._report = report
        self._lock = threading.RLock()
        self._is_open = True
        self._reader = InotifyFD()
        self._reader.start()
        self._top = _Node(self, None, "")
        try:
            with self._lock:
                self._walk(self._top)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """After this nothing is reported any more."""
        with self._lock:
            self._is_open = False
        self._reader.stop()
        self._reader.join()

    @property
    def rules(self) -> object:
        """The ignore rules that these watches were made by."""
        return self._rules

    # events ---------------------------------------------------------------------------------------------------------

    def overflow(self) -> None:
        with self._lock:
            if self._is_open:
                self._report.lost(overflow=True)

    def handle(self, node: _Node, event: InotifyEvent) -> None:
        with self._lock:
            if not self._is_open:
                return
            try:
                self._handle(node, event)
            except Exception:  # noqa: BLE001 (the thread that reads must live, or nothing is ever seen again)
                _log.exception("an event of the folder could not be understood")
                self._report.lost(overflow=False)

    def _handle(self, node: _Node, event: InotifyEvent) -> None:
        if node.is_file:
            self._file_event(node)
            return
        if not event.name:
            if node is self._top and event.mask & (_SELF | _IN.IN_UNMOUNT):
                self._report.lost(overflow=False)  # the folder itself has gone or moved
            return
        local = os.fsdecode(event.name)
        if self._spelling.is_private(local) or is_part(local):
            return
        folder = self._name(node)
        segment = self._spelling.to_cloud(local)
        name = f"{folder}/{segment}" if folder else segment
        is_folder = bool(event.mask & _IN.IN_ISDIR)
        if self._rules.within(folder)(segment, is_folder):
            return
        child = (node.children or {}).get(local)
        if event.mask & (_COMES | _GOES):
            if folder:
                self._report.changed(folder)  # its time is another, and it may have become empty or not
            if child is not None:
                self._drop(child)
            now = self._come(node, local, is_folder) if event.mask & _COMES else None
            if is_folder or any(one is not None and not one.is_file for one in (child, now)):
                self._report.rescan(name)
                return
        elif is_folder and child is None:
            # It may have become readable just now.
            self._come(node, local, is_folder)
            self._report.rescan(name)
            return
        self._report.changed(name)

    def _file_event(self, node: _Node) -> None:
        """The target of a link has changed, or another file has taken its place."""
        parent = node.parent
        if parent is None or (parent.children or {}).get(node.local) is not node:
            return
        self._report.changed(self._name(node))
        self._drop(node)
        self._come(parent, node.local, False)

    def _come(self, parent: _Node, local: str, is_folder: bool) -> _Node | None:
        """Watch what has appeared, if it is to be watched by itself."""
        if is_folder or self._folder.follow:
            self._walk(_Node(self, parent, local))
        return (parent.children or {}).get(local)

    def _name(self, node: _Node) -> str:
        return "/".join(map(self._spelling.to_cloud, node.locals()))

    # the tree -------------------------------------------------------------------------------------------------------

    def _walk(self, start: _Node) -> None:
        """Watch a folder and all below it. First the watch, then the listing: what comes in between is in one of them,
        or in both."""
        flags = os.O_PATH if self._folder.follow else os.O_PATH | os.O_NOFOLLOW
        pending = [start]
        while pending:
            node = pending.pop()
            try:
                with opened(self._path(node), flags, dir_fd=self._folder.top) as fd:
                    if self._watch(node, fd):
                        pending += self._folders_in(node, fd)
            except OSError as error:
                if error.errno in _VANISHED or error.errno == errno.EACCES:
                    continue  # a scan finds out
                self._report.unwatched(error)
                if error.errno == errno.ENOSPC:
                    return

    @staticmethod
    def _path(node: _Node) -> str:
        return "/".join(node.locals()) or "."

    def _watch(self, node: _Node, fd: int) -> bool:
        """Whether it is a folder to be watched, and is. Raises OSError when it cannot be."""
        found = os.fstat(fd)
        parent = node.parent
        if parent is not None:
            if self._folder.follow:
                if not self._is_to_follow(node, fd, found, parent):
                    return False
            elif not stat.S_ISDIR(found.st_mode) or is_mount(fd):
                return False
            with contextlib.suppress(OSError):
                os.stat(f"{PRIVATE}/{MARKER}", dir_fd=fd, follow_symlinks=False)
                return False  # a synced folder of its own
        mask = _TOP_MASK if parent is None else _FILE_MASK if node.is_file else _MASK
        # By its descriptor: so it is this folder, whatever has its name by now, and however long its path is.
        node.wd = self._reader.add_callback(b"/proc/self/fd/%d" % fd, mask, node, CallbackId(id(node)))
        if node.wd < 0:  # it may not be read
            self._reader.remove_callbacks([(node.wd, CallbackId(id(node)))])
            return False
        if parent is not None:
            if parent.children is None:
                parent.children = {}
            parent.children[node.local] = node
        return not node.is_file

    def _is_to_follow(self, node: _Node, fd: int, found: os.stat_result, parent: _Node) -> bool:
        if self._folder.descent.is_private(fd):
            return False
        if stat.S_ISREG(found.st_mode):
            node.is_file = True
            there = os.stat(self._path(node), dir_fd=self._folder.top, follow_symlinks=False)
            return stat.S_ISLNK(there.st_mode)  # others are seen by their folder's watch
        node.identity = identity(found)
        return stat.S_ISDIR(found.st_mode) and not parent.leads_back(node.identity)

    def _folders_in(self, node: _Node, fd: int) -> Iterator[_Node]:
        folder = self._name(node)
        is_ignored = self._rules.within(folder)
        follow = self._folder.follow
        with opened(".", os.O_RDONLY | os.O_DIRECTORY, dir_fd=fd) as readable, os.scandir(readable) as listing:
            for entry in listing:
                is_link = entry.is_symlink()
                if not (follow if is_link else entry.is_dir(follow_symlinks=False)):
                    continue
                if self._spelling.is_private(entry.name):
                    continue
                try:
                    is_folder = entry.is_dir(follow_symlinks=follow)
                except OSError:  # a link in circles
                    continue
                if not is_ignored(self._spelling.to_cloud(entry.name), is_folder):
                    yield _Node(self, node, entry.name)

    def _drop(self, node: _Node) -> None:
        """Watch it and what is below it no more."""
        if node.parent is not None and node.parent.children is not None:
            node.parent.children.pop(node.local, None)
        pending = [node]
        dropped: list[tuple[WatchDescriptor, CallbackId]] = []
        while pending:
            one = pending.pop()
            if one.wd is not None and one.wd >= 0:
                dropped.append((one.wd, CallbackId(id(one))))
            pending += (one.children or {}).values()
            one.children = None
        self._reader.remove_callbacks(dropped)
