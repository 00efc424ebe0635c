"""Downloads that are being written: files in the private folder that become the user's only when they are complete."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import secrets
import stat
from typing import BinaryIO, cast

from pithosfs_daemon.folder.status import stamp_of
from pithosfs_daemon.values import Stamp

__all__ = ["Part", "clear_parts", "default_mode", "set_mode", "set_time"]

_FLAGS = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Part:
    """A file that is to be put in place; a context manager that removes it unless it was.

    `stream` is empty at first, for reading and writing. A full disk shows as OSError while it is written or when it is
    put. Until then only its owner can read it.
    """

    def __init__(self, folder: int) -> None:
        self.folder = folder  # a descriptor of the folder that it is in
        self.name = f"{secrets.token_hex(8)}"
        self.is_put = False
        self.is_flushed = False
        fd = os.open(self.name, _FLAGS, 0o600, dir_fd=folder)
        self._raw = io.FileIO(fd, "r+")
        self.stream: BinaryIO = cast("BinaryIO", io.BufferedRandom(self._raw))
        found = os.fstat(fd)
        self.identity = (found.st_dev, found.st_ino)

    def __enter__(self) -> Part:
        return self

    def __exit__(self, *exc: object) -> None:
        # The raw file first: what is still in the buffer of a part that is thrown away is not written, and its disk
        # may be full.
        self._raw.close()
        self.stream.close()
        if not self.is_put:
            with contextlib.suppress(OSError):
                os.unlink(self.name, dir_fd=self.folder)

    def finish(self, mode: int, mtime_ns: int | None) -> None:
        """Give it its mode and time, and make it outlive a loss of power unless that is done already."""
        self.stream.flush()
        fd = self._raw.fileno()
        set_mode(fd, mode | stat.S_IRUSR)
        if mtime_ns is not None:
            set_time(fd, mtime_ns)
        if not self.is_flushed:
            os.fsync(fd)

    def stamp(self) -> Stamp:
        """The stamp of the file, wherever it is by now."""
        return stamp_of(os.fstat(self._raw.fileno()))


def clear_parts(folder: int) -> None:
    """Remove the parts that a killed process has left. Nobody else may be writing any."""
    for name in os.listdir(folder):
        with contextlib.suppress(OSError):
            os.unlink(name, dir_fd=folder)


def set_mode(fd: int, mode: int) -> None:
    """Give an open file or folder its permissions, without set-id bits, as far as its file system has any."""
    try:
        os.fchmod(fd, mode & 0o777)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.EINVAL, errno.EOPNOTSUPP):
            raise


def set_time(fd: int, mtime_ns: int) -> None:
    """Give an open file or folder its time, unless its file system cannot hold that."""
    try:
        os.utime(fd, ns=(mtime_ns, mtime_ns))
    except OverflowError:
        pass
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ERANGE, errno.EOVERFLOW):
            raise


def default_mode() -> int:
    """The mode of a new file, by the umask, which is read without changing it."""
    with open("/proc/self/status", encoding="ascii", errors="replace") as lines:  # noqa: PTH123 - not a user's file
        for line in lines:
            key, _, value = line.partition(":")
            if key == "Umask":
                return 0o666 & ~int(value, 8)
    return 0o644
