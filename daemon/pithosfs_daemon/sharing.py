"""One open folder for all who need it at the same time: the passes, and what a person asks for beside them.

The folder's lock keeps other processes out, and would keep a second opening of this one out as well.
"""

from __future__ import annotations

import threading

from pithosfs_daemon.folder import Folder, IgnoreRules
from pithosfs_daemon.values import Pair

__all__ = ["FolderRoom"]


class FolderRoom:
    """Thread-safe. The folder is really open from the first `open` until the last of its users has closed it."""

    def __init__(self, pair: Pair) -> None:
        self._pair = pair
        self._lock = threading.Lock()
        self._folder: _Shared | None = None
        self._users = 0
        self._rules: IgnoreRules | None = None

    def open(self) -> Folder:
        """The folder; every user closes it once. Raises FolderGone, FolderTaken, OSError."""
        with self._lock:
            if self._folder is None:
                self._folder = _Shared(self._pair, self)
            else:
                self._folder.check()
                self._folder.refresh_rules()
            self._rules = self._folder.rules
            self._users += 1
            return self._folder

    @property
    def rules(self) -> IgnoreRules | None:
        """What is not synced, as it was when the folder was last opened."""
        with self._lock:
            return self._rules

    def leave(self, folder: _Shared) -> None:
        """Called by `close`."""
        with self._lock:
            self._users -= 1
            if self._users == 0:
                self._folder = None
                folder.really_close()


class _Shared(Folder):
    def __init__(self, pair: Pair, room: FolderRoom) -> None:
        self._room = room
        self._opening = True
        super().__init__(pair)
        self._opening = False

    def close(self) -> None:
        if self._opening:  # it could not be opened, and tidies up after itself
            super().close()
        else:
            self._room.leave(self)

    def really_close(self) -> None:
        super().close()
