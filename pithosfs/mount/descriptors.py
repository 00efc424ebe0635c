"""A few open file descriptors for many files: those used last.

A file is opened when it is needed and stays open until others were used more lately. A descriptor in use is never
closed under its user; a file that was removed or renamed may be read on through the descriptor it was opened by.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["Descriptors"]


class _Open:
    __slots__ = ("fd", "kept", "users")

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self.users = 0
        self.kept = True  # still in the table


class Descriptors:
    """Thread-safe; the lock is never held during I/O other than opening and closing."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._open: OrderedDict[Path, _Open] = OrderedDict()

    @contextmanager
    def use(self, path: Path, flags: int) -> Iterator[int]:
        """A descriptor of the file; opened with `flags` unless it is open already. Raises OSError."""
        with self._lock:
            entry = self._open.get(path)
            if entry is None:
                entry = self._open[path] = _Open(os.open(path, flags | os.O_CLOEXEC, 0o600))
                self._trim()
            else:
                self._open.move_to_end(path)
            entry.users += 1
        try:
            yield entry.fd
        finally:
            with self._lock:
                entry.users -= 1
                if not entry.users and not entry.kept:
                    os.close(entry.fd)

    def forget(self, path: Path) -> None:
        """The file is gone or has another name."""
        with self._lock:
            entry = self._open.pop(path, None)
            if entry is not None:
                self._let_go(entry)

    def close(self) -> None:
        """Close everything that is not in use; the rest when its users are done."""
        with self._lock:
            while self._open:
                self._let_go(self._open.popitem()[1])

    def _trim(self) -> None:
        for path, entry in list(self._open.items()):
            if len(self._open) <= self._limit:
                break
            if not entry.users and path != next(reversed(self._open)):
                del self._open[path]
                self._let_go(entry)

    @staticmethod
    def _let_go(entry: _Open) -> None:
        entry.kept = False
        if not entry.users:
            os.close(entry.fd)
