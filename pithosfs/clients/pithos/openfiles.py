"""The open files that programs hand to `PithosClient`: what they are read and written as."""

from __future__ import annotations

import fcntl
import io
import os
import stat
from collections.abc import Iterator
from typing import Any, BinaryIO, cast

from pithosfs.errors import LocalError
from pithosfs.http import Body

__all__ = ["Part", "binary", "body", "bytes_left", "emptied", "is_file", "pieces"]

_PIECE = 256 * 1024


def binary(stream: Any) -> BinaryIO:
    """The bytes below a file that was opened as text, as `sys.stdout` is; other files as they are."""
    if isinstance(stream, io.TextIOBase) and hasattr(stream, "buffer"):
        stream.flush() if stream.writable() else None
        return cast(BinaryIO, stream.buffer)
    return cast(BinaryIO, stream)


def bytes_left(stream: BinaryIO) -> int | None:
    """How many bytes follow the present position; None when nobody knows."""
    try:
        if not stream.seekable():
            return None
        here = stream.tell()
        end = stream.seek(0, io.SEEK_END)
        stream.seek(here)
    except (OSError, AttributeError):
        return None
    return max(0, end - here)


def is_file(stream: BinaryIO) -> bool:
    """Whether it is a file on disk, and no decoder or encoder around one."""
    inner = _inner(stream)
    return isinstance(inner, io.FileIO) and stat.S_ISREG(os.fstat(inner.fileno()).st_mode)


def emptied(stream: BinaryIO) -> None:
    """Empty a file that is to hold a download, and go to its beginning.

    A stream that only goes on stays as it is: a pipe, standard output (wherever that leads), a file that grows.
    """
    inner = _inner(stream)
    if isinstance(inner, io.FileIO):
        fd = inner.fileno()
        if not is_file(stream) or fd in (1, 2) or fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_APPEND:
            return
    elif not isinstance(inner, io.BytesIO):
        return
    stream.seek(0)
    stream.truncate()


def _inner(stream: Any) -> Any:
    stream = getattr(stream, "file", stream)  # tempfile's wrappers
    return getattr(stream, "raw", stream)


class Part(io.RawIOBase):
    """The next `size` bytes of a file that can be read again, as the body of one request.

    Raises LocalError when there are fewer, or when the file is another one by the time that the last are read: the
    request then breaks off before the server has all of it, and nothing is made.
    """

    def __init__(self, stream: BinaryIO, size: int) -> None:
        self._stream = stream
        self._start = stream.tell()
        self._size = size
        self._at = 0
        self._state = self._look()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._stream.seek(self._start + self._at)
        return self._at

    def read(self, size: int = -1, /) -> bytes:
        left = self._size - self._at
        wanted = left if size < 0 else min(size, left)
        piece = self._stream.read(wanted) if wanted > 0 else b""
        self._at += len(piece)
        if (wanted > 0 and not piece) or (self._at == self._size and self._look() != self._state):
            name = getattr(self._stream, "name", "the file")
            raise LocalError(f"{name} changed while it was read", hint="try again when nobody writes to it")
        return piece

    def _look(self) -> tuple[int, int] | None:
        try:
            status = os.fstat(self._stream.fileno())
        except (OSError, AttributeError):
            return None
        return status.st_size, status.st_mtime_ns


def pieces(stream: BinaryIO, size: int | None, step: int = _PIECE) -> Iterator[bytes]:
    """A stream that is read once, `size` bytes of it or all, in pieces of `step` bytes but for the last.

    Raises LocalError when there are fewer.
    """
    left = size
    while left is None or left > 0:
        wanted = step if left is None else min(step, left)
        piece = b""
        while len(piece) < wanted and (more := stream.read(wanted - len(piece))):
            piece += more
        if left is not None:
            left -= len(piece)
            if len(piece) < wanted:
                raise LocalError(f"the input ended {left} bytes early")
        if piece:
            yield piece
        if len(piece) < wanted:
            return


def body(stream: BinaryIO, size: int | None) -> Body:
    """A file as the body of one request, never whole in memory: from its position on, `size` bytes or all.

    Raises LocalError when there are fewer.
    """
    there = bytes_left(stream)
    if there is None:
        return pieces(stream, size)
    if size is not None and size > there:
        raise LocalError(f"{getattr(stream, 'name', 'the input')} ends after {there} of {size} bytes")
    return cast(BinaryIO, Part(stream, there if size is None else size))
