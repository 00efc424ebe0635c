"""The one place where an error becomes the errno that a program sees."""

from __future__ import annotations

import errno
import sqlite3

from pithosfs.errors import (
    BadReply,
    BadRequest,
    Conflict,
    NoConnection,
    NotAllowed,
    NotFound,
    NotLoggedIn,
    NotSupported,
    PithosfsError,
    PreconditionFailed,
    QuotaExceeded,
    UsageError,
)

__all__ = ["errno_of", "is_expected"]

# The most special class first: the first that fits decides.
_ERRNOS: tuple[tuple[type[PithosfsError], int], ...] = (
    (NotFound, errno.ENOENT),
    (NotAllowed, errno.EACCES),
    (NotLoggedIn, errno.EACCES),
    (PreconditionFailed, errno.EBUSY),  # somebody else changes it at this moment: worth another try
    (Conflict, errno.EEXIST),  # what POSIX allows for mkdir of something there and for rmdir of something not empty
    (QuotaExceeded, errno.EDQUOT),
    (BadRequest, errno.EINVAL),
    (UsageError, errno.EINVAL),
    (NotSupported, errno.ENOTSUP),
    (NoConnection, errno.EIO),
    (BadReply, errno.EIO),
    (PithosfsError, errno.EIO),
)


def errno_of(error: BaseException) -> int:
    """The errno (positive) that stands for an error; EIO for anything that is not of the program's own making."""
    if isinstance(error, OSError):
        return error.errno if isinstance(error.errno, int) and error.errno > 0 else errno.EIO
    for kind, code in _ERRNOS:
        if isinstance(error, kind):
            return code
    if isinstance(error, sqlite3.Error):
        # The journal and the cache stand on SQLite, and a full disk is the writer's business.
        return errno.ENOSPC if _primary_code(error) == sqlite3.SQLITE_FULL else errno.EIO
    if isinstance(error, MemoryError):
        return errno.ENOMEM
    return errno.EIO


def is_expected(error: BaseException) -> bool:
    """Whether an error is part of normal life (a missing file, a cloud that is away), not a fault of the program."""
    if isinstance(error, OSError):
        return isinstance(error.errno, int) and error.errno > 0
    if isinstance(error, sqlite3.Error):
        return _primary_code(error) == sqlite3.SQLITE_FULL
    return isinstance(error, PithosfsError | MemoryError)


def _primary_code(error: sqlite3.Error) -> int:
    """The primary SQLite result code: the extended ones carry detail above the lowest byte."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF
