"""Whether somebody has a file open for writing, and keeping it so that nobody has: leases (fcntl(2), F_SETLEASE)."""

from __future__ import annotations

import contextlib
import fcntl
import signal
from collections.abc import Iterator
from enum import Enum
from typing import BinaryIO

__all__ = ["Writers", "has_writers", "without_writers"]


class Writers(Enum):
    """What is known about programs that have a file open for writing."""

    NONE = "none"
    SOME = "some"
    UNKNOWN = "unknown"  # the file is another user's, or the file system has no leases


@contextlib.contextmanager
def without_writers(fd: int) -> Iterator[Writers]:
    """Ask about an open file (for reading only), and while the answer is NONE let whoever opens it for writing wait.

    For a moment only: after `/proc/sys/fs/lease-break-time` seconds the kernel lets them go ahead.
    """
    try:
        # When somebody comes the kernel sends a signal; SIGIO would end the process, SIGURG is ignored by default.
        fcntl.fcntl(fd, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except BlockingIOError:
        yield Writers.SOME
        return
    except OSError:
        yield Writers.UNKNOWN
        return
    try:
        yield Writers.NONE
    finally:
        with contextlib.suppress(OSError):
            fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_UNLCK)


def has_writers(file: BinaryIO) -> bool:
    """Whether some program has a file, which is open for reading here, open for writing; False when nobody knows."""
    with without_writers(file.fileno()) as writers:
        return writers is Writers.SOME
