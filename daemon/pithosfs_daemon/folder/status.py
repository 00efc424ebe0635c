"""What the system says of one file or folder, in the daemon's words."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import stat
import sys
from collections.abc import Iterator

from pithosfs_daemon.values import Stamp

__all__ = ["identity", "is_mount", "is_readable", "names_in", "opened", "stamp_of", "status", "sync_all", "sync_folder"]


_LIBC = ctypes.CDLL(None, use_errno=True)
_STATX = getattr(_LIBC, "statx", None)
_SYNCFS = getattr(_LIBC, "syncfs", None)
_STATX_SIZE, _STATX_ATTRIBUTES, _STATX_ATTR_MOUNT_ROOT = 256, 8, 0x2000
_AT_SYMLINK_NOFOLLOW, _AT_NO_AUTOMOUNT, _AT_EMPTY_PATH = 0x100, 0x800, 0x1000


def stamp_of(found: os.stat_result) -> Stamp:
    """The stamp of a file or folder. Set-id and sticky bits are no part of it: they never travel."""
    return Stamp(found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_mode & 0o777)


def status(parent: int, segment: str) -> os.stat_result | None:
    """What is in a folder (a descriptor) under a local name, a link counting as itself; None when nothing is."""
    try:
        return os.stat(segment, dir_fd=parent, follow_symlinks=False)
    except (FileNotFoundError, NotADirectoryError):
        return None


def identity(found: os.stat_result) -> tuple[int, int]:
    """What makes a file or folder itself, as long as it exists."""
    return found.st_dev, found.st_ino


def is_readable(parent: int, segment: str, found: os.stat_result) -> bool:
    """Whether this process may open a file for reading; without a call to the system for ordinary files."""
    if found.st_uid == os.geteuid() and found.st_mode & stat.S_IRUSR:
        return True
    if found.st_mode & 0o444 == 0o444:
        return True
    return os.access(segment, os.R_OK, dir_fd=parent, effective_ids=True)


def is_mount(folder: int, segment: str = "") -> bool:
    """Whether another file system, or another part of the same one, is mounted there; of `folder` itself by default.

    False when the system cannot tell (Linux before 5.8). Then other devices are still known by their number.
    """
    buffer = ctypes.create_string_buffer(_STATX_SIZE)
    flags = _AT_SYMLINK_NOFOLLOW | _AT_NO_AUTOMOUNT | (0 if segment else _AT_EMPTY_PATH)
    if _STATX is None or _STATX(folder, os.fsencode(segment), flags, 0, buffer) != 0:
        return False
    attributes = int.from_bytes(buffer.raw[_STATX_ATTRIBUTES : _STATX_ATTRIBUTES + 8], sys.byteorder)
    return bool(attributes & _STATX_ATTR_MOUNT_ROOT)


@contextlib.contextmanager
def opened(path: str | bytes, flags: int, *, dir_fd: int | None = None) -> Iterator[int]:
    """A descriptor that is closed again."""
    fd = os.open(path, flags | os.O_CLOEXEC, dir_fd=dir_fd)
    try:
        yield fd
    finally:
        os.close(fd)


def names_in(folder: int) -> list[str]:
    """The local names in a folder, which may be an O_PATH descriptor and in use by other threads."""
    with opened(".", os.O_RDONLY | os.O_DIRECTORY, dir_fd=folder) as fd, os.scandir(fd) as listing:
        return [entry.name for entry in listing]


def sync_folder(folder: int) -> None:
    """Make what was made, renamed or removed in a folder outlive a loss of power. `folder` may be an O_PATH descriptor.

    A folder that may not be read cannot be flushed; then the order that the file system keeps has to do.
    """
    with contextlib.suppress(PermissionError), opened(".", os.O_RDONLY | os.O_DIRECTORY, dir_fd=folder) as fd:
        try:
            os.fsync(fd)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP):  # no folders can be flushed here
                raise


def sync_all(fd: int) -> None:
    """Make everything that was written to the file system of an open file outlive a loss of power."""
    if _SYNCFS is None:
        os.sync()
    elif _SYNCFS(fd) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
