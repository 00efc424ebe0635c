"""What the system knows of the file system that something is on."""

from __future__ import annotations

import ctypes
import os
import sys

__all__ = ["is_mount", "is_shared", "sync_all"]

_LIBC = ctypes.CDLL(None, use_errno=True)
_STATX = getattr(_LIBC, "statx", None)
_SYNCFS = getattr(_LIBC, "syncfs", None)
_STATX_SIZE, _STATX_ATTRIBUTES, _STATX_ATTR_MOUNT_ROOT = 256, 8, 0x2000
_AT_SYMLINK_NOFOLLOW, _AT_NO_AUTOMOUNT, _AT_EMPTY_PATH = 0x100, 0x800, 0x1000
_SHARED = frozenset({"nfs", "nfs4", "cifs", "smb3", "9p", "ceph", "afs", "virtiofs", "vboxsf", "fuse", "ocfs2", "gfs2"})


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


def is_shared(fd: int) -> bool:
    """Whether an open file is on a file system that others may change without this machine's kernel knowing of it."""
    device = os.fstat(fd).st_dev
    number = f"{os.major(device)}:{os.minor(device)}"
    with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as mounts:  # noqa: PTH123 - not a user's file
        for line in mounts:
            own, _, kind = line.partition(" - ")
            if own.split(" ", 3)[2] == number:
                name = kind.split(" ", 1)[0]
                return name in _SHARED or name.startswith("fuse.")
    return False


def sync_all(fd: int) -> None:
    """Make everything that was written to the file system of an open file outlive a loss of power."""
    if _SYNCFS is None:
        os.sync()
    elif _SYNCFS(fd) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
