"""Renames that never lose what is under the new name: renameat2(2), and what comes closest where it is missing.

Which of them a file system can do is tried out once (`pithosfs_daemon.folder.probing`) and not guessed from errors:
there are FUSE file systems that ignore the flags and replace.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import stat
from dataclasses import dataclass

__all__ = ["Abilities", "exchange", "rename_new"]

_NOREPLACE, _EXCHANGE = 1, 2
_LIBC = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Abilities:
    """What the file system of a folder can do in one step."""

    exchange: bool = False
    noreplace: bool = False
    link: bool = False


def _renameat2(old: str, old_folder: int, new: str, new_folder: int, flags: int) -> None:
    try:
        call = _LIBC.renameat2
    except AttributeError:  # a C library without it
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS), old) from None
    if call(old_folder, os.fsencode(old), new_folder, os.fsencode(new), ctypes.c_uint(flags)) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), old, None, new)


def exchange(one: str, one_folder: int, other: str, other_folder: int) -> None:
    """Let two names change places in one step. Raises OSError (EINVAL or ENOSYS) where that is not possible."""
    _renameat2(one, one_folder, other, other_folder, _EXCHANGE)


def rename_new(old: str, old_folder: int, new: str, new_folder: int, can: Abilities) -> None:
    """Rename a file or folder to a name that must be free. Raises FileExistsError when it is not, whenever that came.

    The folders are descriptors. Killed in between, a file may be left under both names, or an empty one under the new.
    """
    if can.noreplace:
        _renameat2(old, old_folder, new, new_folder, _NOREPLACE)
        return
    moved = os.stat(old, dir_fd=old_folder, follow_symlinks=False)
    if stat.S_ISDIR(moved.st_mode):
        _require_free(new, new_folder)
        # At worst this replaces an empty folder: a rename does nothing else to folders.
        os.rename(old, new, src_dir_fd=old_folder, dst_dir_fd=new_folder)
    elif can.link:
        # A link never replaces what has come there meanwhile.
        os.link(old, new, src_dir_fd=old_folder, dst_dir_fd=new_folder, follow_symlinks=False)
        os.unlink(old, dir_fd=old_folder)
    else:
        _rename_over_own(old, old_folder, new, new_folder)


def _require_free(new: str, folder: int) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.stat(new, dir_fd=folder, follow_symlinks=False)
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), new)


def _rename_over_own(old: str, old_folder: int, new: str, new_folder: int) -> None:
    """Take the name with an empty file of our own, then rename over that.

    Only where neither of the other ways is open, and not as safe: who renames something over the empty file right
    before this does loses that. (Nobody but root can open it.)
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    fd = os.open(new, flags, 0, dir_fd=new_folder)
    try:
        if os.fstat(fd).st_size:  # somebody has found it and made it his own
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), new)
        try:
            os.rename(old, new, src_dir_fd=old_folder, dst_dir_fd=new_folder)
        except BaseException:
            os.unlink(new, dir_fd=new_folder)
            raise
    finally:
        os.close(fd)
