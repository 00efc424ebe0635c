"""Files that are still coming: under a hidden name that the next attempt finds again.

The name follows from the file's own, so that whatever a killed process has left is taken up, and none is left twice.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import functools
import hashlib
import os
import secrets
import stat
from collections.abc import Iterator
from typing import BinaryIO, cast

from pithosfs.errors import LocalError

__all__ = ["PartFile", "older_content"]

_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_FLAGS = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NOT_OURS = (errno.ELOOP, errno.EISDIR, errno.EACCES, errno.ENXIO)


class PartFile:
    """A file in the folder `parent` (a descriptor) that is to become `name` there; a context manager.

    `stream` is for writing it from its beginning. Leaving the context removes it unless it was published, or it is one
    to `keep` and holds anything. Nobody else writes to it meanwhile: with `keep`, LocalError says that somebody does.
    Until it is complete only its owner can read it.
    """

    def __init__(self, name: str, parent: int, *, keep: bool) -> None:
        self._parent = parent
        self._keep = keep
        self.is_published = False
        self.name = f".pithosfs-{hashlib.sha256(os.fsencode(name)).hexdigest()[:16]}.part"
        try:
            fd = _open(self.name, parent)
        except BlockingIOError:
            if keep:
                raise LocalError(
                    f"another download of {name} is under way here", hint="wait until it is done"
                ) from None
            fd = None
        if fd is None:
            self._keep = False
            self.name = f".pithosfs-{secrets.token_hex(8)}.part"
            fd = os.open(self.name, _FLAGS | os.O_EXCL, 0o600, dir_fd=parent)
        elif not keep:
            os.ftruncate(fd, 0)
        self.found = os.fstat(fd).st_size  # bytes that an earlier attempt has left
        self.stream = cast("BinaryIO", _Sparse(fd))

    def __enter__(self) -> PartFile:
        return self

    def complete(self) -> None:
        """Everything is written: what an earlier attempt has left behind that goes, and it is as readable as any."""
        self.stream.truncate()
        os.fchmod(self.stream.fileno(), _default_mode())

    def __exit__(self, *exc: object) -> None:
        try:
            if not self.is_published and not (self._keep and os.fstat(self.stream.fileno()).st_size):
                with contextlib.suppress(OSError):
                    os.unlink(self.name, dir_fd=self._parent)
        finally:
            self.stream.close()


def _open(name: str, parent: int) -> int | None:
    """The hidden file, locked; None when what has its name is not one of ours. Raises BlockingIOError when somebody
    else has it."""
    while True:
        try:
            fd = os.open(name, _FLAGS, 0o600, dir_fd=parent)
        except OSError as error:
            if error.errno in _NOT_OURS:
                return None
            raise
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            own = os.fstat(fd)
            if not stat.S_ISREG(own.st_mode) or own.st_uid != os.geteuid():
                os.close(fd)
                return None
            there = _status(name, parent)
            if there is not None and (there.st_dev, there.st_ino) == (own.st_dev, own.st_ino):
                if own.st_nlink == 1:
                    return fd
                # Killed when it had got its real name and still had this one: it is not ours to write to any more.
                os.unlink(name, dir_fd=parent)
        except BaseException:
            os.close(fd)
            raise
        # Or whoever had it was done with it just before the lock came.
        os.close(fd)


def _status(name: str, parent: int) -> os.stat_result | None:
    try:
        return os.stat(name, dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        return None


@functools.cache
def _default_mode() -> int:
    """The mode of a new file. Asking is setting; for that moment what others make is closed rather than open."""
    mask = os.umask(0o077)
    os.umask(mask)
    return 0o666 & ~mask


class _Sparse:
    """A file that is written from its beginning; blocks of NULs become holes where nothing was before."""

    def __init__(self, fd: int) -> None:
        self._file = os.fdopen(fd, "r+b", buffering=0)

    def write(self, data: bytes | memoryview) -> int:
        position = self._file.tell()
        if not any(data[:64]) and position >= os.fstat(self._file.fileno()).st_size and not bytes(data).strip(b"\0"):
            self._file.seek(len(data), os.SEEK_CUR)
            return len(data)
        return self._file.write(data)

    def flush(self) -> None:
        self._file.flush()

    def truncate(self) -> int:
        return self._file.truncate()

    def fileno(self) -> int:
        return self._file.fileno()

    def close(self) -> None:
        self._file.close()


@contextlib.contextmanager
def older_content(name: str, part: PartFile, parent: int) -> Iterator[BinaryIO | None]:
    """What may hold some of the content already: what an earlier attempt has left, else the file itself."""
    try:
        # With a position of its own.
        fd = os.open(part.name if part.found else name, _READ, dir_fd=parent)
    except OSError:
        yield None
        return
    with open(fd, "rb", buffering=0) as stream:  # noqa: PTH123 (a descriptor)
        status = os.fstat(fd)
        yield stream if stat.S_ISREG(status.st_mode) and status.st_size else None
