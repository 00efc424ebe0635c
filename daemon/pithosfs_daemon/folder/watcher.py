"""What has changed in the folder since it was last asked: names, folders to look through, or everything.

A watcher that cannot see everything asks for full scans now and then: because of inotify's limits, and then it says
which one to raise, or because the folder is on a file system that other machines change too.
"""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from pithosfs_daemon.folder.disks import is_shared
from pithosfs_daemon.folder.folder import Folder
from pithosfs_daemon.folder.watches import Watches
from pithosfs_daemon.values import Dirty

__all__ = ["Watcher"]

_REMEMBERED = 3600.0
_LIMITS = Path("/proc/sys/fs/inotify")


class Watcher:
    """Watches from the moment it is made; `close` it, or use it as a context manager.

    `on_dirty` is called, in some thread, when there is something to look at and before there was nothing. Where not
    everything can be watched a full scan is asked for every `rescan_every` seconds; more than `most_names` to look at
    are everything. `clock` only goes forward, in seconds.
    """

    def __init__(
        self,
        folder: Folder,
        on_dirty: Callable[[], None] | None = None,
        *,
        rescan_every: float = 60.0,
        most_names: int = 20_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder = folder
        self._on_dirty = on_dirty
        self._rescan_every = rescan_every
        self._most_names = most_names
        self._clock = clock
        self._changed = threading.Condition()
        self._names: set[str] = set()
        self._folders: set[str] = set()
        self._full = True
        self._is_lost = False
        self._is_closed = False
        self._rescan_at: float | None = None
        self._latest = clock()
        self._unwatched: str | None = None
        self._overflowed: float | None = None
        self._watches: Watches | None = None
        self._is_shared = is_shared(folder.top)
        self._arm()

    def __enter__(self) -> Watcher:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Stops watching; whoever waits is woken."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        if self._watches is not None:
            self._watches.close()
            self._watches = None

    # asking ---------------------------------------------------------------------------------------------------------

    def take(self) -> Dirty:
        """What there is to look at, which is then forgotten here. The first time it is everything.

        What is in it may be gone, folders too. A folder is a name by itself when something in it came or went.

        Watches that were lost are laid anew before everything is to be looked at, so nothing is missed in between.
        Call it from one thread.
        """
        with self._changed:
            self._check_due()
            is_new = self._is_lost or (self._watches is not None and self._watches.rules is not self._folder.rules)
        if is_new:
            self._arm()
        with self._changed:
            dirty = (
                Dirty(full=True) if self._full or is_new else Dirty(frozenset(self._pruned()), frozenset(self._folders))
            )
            self._names, self._folders, self._full = set(), set(), False
            if dirty.full and (self._unwatched is not None or self._is_shared):
                self._rescan_at = self._clock() + self._rescan_every
            return dirty

    def wait(self, timeout: float | None) -> bool:
        """Wait for something to look at, at most so many seconds; whether there is."""
        end = None if timeout is None else self._clock() + timeout
        with self._changed:
            while not self._is_closed:
                self._check_due()
                if self._is_dirty:
                    return True
                ends = [at for at in (end, self._rescan_at) if at is not None]
                left = min(ends) - self._clock() if ends else None
                if left is not None and left <= 0 and end is not None and self._clock() >= end:
                    return False
                self._changed.wait(left)
            return False

    def quiet_since(self) -> float:
        """When the last event came, by the clock."""
        with self._changed:
            return self._latest

    @property
    def problem(self) -> str | None:
        """What keeps this from seeing everything, and what to do about it, in one sentence; None when nothing does."""
        with self._changed:
            if self._unwatched is not None:
                return self._unwatched
            if self._overflowed is not None and self._clock() - self._overflowed < _REMEMBERED:
                return _advice(
                    "so much changed at once that events were lost and the whole folder was looked through",
                    "max_queued_events",
                )
            return None

    @property
    def _is_dirty(self) -> bool:
        return self._full or bool(self._names or self._folders)

    def _check_due(self) -> None:
        if self._rescan_at is not None and self._clock() >= self._rescan_at:
            self._rescan_at = None
            # Perhaps the limit has been raised: with new watches.
            self._is_lost = self._full = True

    def _pruned(self) -> list[str]:
        return [name for name in self._names if not self._is_covered(name)]

    def _is_covered(self, name: str) -> bool:
        while name:
            if name in self._folders:
                return True
            name = name.rpartition("/")[0]
        return False

    # watching -------------------------------------------------------------------------------------------------------

    def _arm(self) -> None:
        if self._watches is not None:
            self._watches.close()
            self._watches = None
        with self._changed:
            self._is_lost = False
            self._unwatched = None
            self._rescan_at = None
        try:
            self._watches = Watches(self._folder, self)
        except OSError as error:
            self.unwatched(error)

    # what the watches report ----------------------------------------------------------------------------------------

    def changed(self, name: str) -> None:
        self._note(name)

    def rescan(self, name: str) -> None:
        self._note(name, is_tree=True)

    def lost(self, *, overflow: bool) -> None:
        with self._changed:
            if overflow:
                self._overflowed = self._clock()
            self._is_lost = True
        self._note(is_everything=True)

    def unwatched(self, error: OSError) -> None:
        with self._changed:
            self._unwatched = _reason(error)
            if self._rescan_at is None:
                self._rescan_at = self._clock() + self._rescan_every

    def _note(self, name: str = "", *, is_tree: bool = False, is_everything: bool = False) -> None:
        with self._changed:
            was_dirty = self._is_dirty
            self._latest = self._clock()
            if is_everything or len(self._names) + len(self._folders) >= self._most_names:
                self._full = True
                self._names.clear()
                self._folders.clear()
            elif not self._full and not self._is_covered(name):
                (self._folders if is_tree else self._names).add(name)
            self._changed.notify_all()
        if not was_dirty and self._on_dirty is not None:
            self._on_dirty()


def _reason(error: OSError) -> str:
    if error.errno == errno.ENOSPC:
        return _advice(
            "there are more folders than can be watched, so changes are found by full scans", "max_user_watches"
        )
    if error.errno == errno.EMFILE and _has_free_descriptors():
        return _advice("too many programs watch files, so changes are found by full scans", "max_user_instances")
    return f"the folder cannot be watched ({os.strerror(error.errno or 0)}), so changes are found by full scans"


def _has_free_descriptors() -> bool:
    try:
        os.close(os.open("/", os.O_PATH | os.O_CLOEXEC))
    except OSError:
        return False
    return True


def _advice(what: str, limit: str) -> str:
    try:
        now = int((_LIMITS / limit).read_text())
    except (OSError, ValueError):
        now = 65536
    return f"{what}: raise the limit with `sudo sysctl fs.inotify.{limit}={now * 4}`"
