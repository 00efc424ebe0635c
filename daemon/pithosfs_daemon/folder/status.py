"""What the system says of one file or folder, in the daemon's words."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator

from pithosfs_daemon.values import Stamp

__all__ = ["identity", "is_readable", "names_in", "opened", "stamp_of", "status", "sync_folder"]


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
    """Whether this process may read a file, or what is in a folder; mostly without another call to the system."""
    wanted = 0o5 if stat.S_ISDIR(found.st_mode) else 0o4
    if found.st_uid == os.geteuid() and found.st_mode >> 6 & wanted == wanted:
        return True
    if all(found.st_mode >> shift & wanted == wanted for shift in (0, 3, 6)):
        return True
    return os.access(segment, wanted, dir_fd=parent, effective_ids=True)  # R_OK is 4, X_OK is 1


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
