"""Locks on files that tell whether a process is alive: the kernel lets go of them however the process ends.

They are open-file-description locks (fcntl(2), Linux): asking who holds one takes nothing, so a question never gets in
the way of a process that is about to take it.
"""

from __future__ import annotations

import fcntl
import os
import struct
from pathlib import Path

__all__ = ["FileLock"]

_FLOCK = struct.Struct("@hhqqi0q")  # struct flock64: type, whence, start, length, pid


class FileLock:
    """An exclusive lock, as a context manager once it is taken; the file is made when it is not there."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take the lock, waiting for whoever holds it."""
        self._open()
        self._set(fcntl.F_OFD_SETLKW)

    def try_acquire(self) -> bool:
        """Take the lock if nobody holds it; says whether it was taken."""
        self._open()
        try:
            self._set(fcntl.F_OFD_SETLK)
        except BlockingIOError:
            self.release()
            return False
        return True

    def release(self) -> None:
        """Let go. May be called twice."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def is_held(self) -> bool:
        """Whether anybody holds the lock, this process included."""
        try:
            descriptor = os.open(self.path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            found = fcntl.fcntl(descriptor, fcntl.F_OFD_GETLK, _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0))
            return bool(_FLOCK.unpack(found)[0] != fcntl.F_UNLCK)
        finally:
            os.close(descriptor)

    def __enter__(self) -> FileLock:
        return self

    def __exit__(self, *exception: object) -> None:
        self.release()

    def _open(self) -> None:
        if self._descriptor is not None:
            raise RuntimeError("the lock is taken already")
        self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def _set(self, command: int) -> None:
        if self._descriptor is None:
            raise RuntimeError("the lock is not open")
        try:
            fcntl.fcntl(self._descriptor, command, _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0))
        except BlockingIOError:
            raise
        except BaseException:
            self.release()
            raise
