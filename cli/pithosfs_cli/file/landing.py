"""Where downloads land: files that appear whole or not at all, and never outside the folder that was named.

Every folder on the way is opened by its own name in its parent, symbolic links not followed, so neither a server's
names (`..`, absolute ones) nor links that are in the folder already can lead elsewhere. A file is written under a
hidden name, flushed to disk, and linked or renamed to its own.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import secrets
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pithosfs.errors import Conflict, LocalError

__all__ = ["Attributes", "Landing"]

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Attributes:
    """What a file or folder gets besides its content; None leaves the default. `mtime_ns` since the epoch."""

    mode: int | None = None
    mtime_ns: int | None = None

    def give(self, target: int) -> None:
        """To an open file or folder. Set-id bits are never taken over from a cloud."""
        if self.mode is not None:
            os.fchmod(target, self.mode & 0o777)
        if self.mtime_ns is not None:
            with contextlib.suppress(OSError, OverflowError):  # a time that this file system cannot hold
                os.utime(target, ns=(self.mtime_ns, self.mtime_ns))


class Landing:
    """A folder on this machine into which files come. `close` it, or use it as a context manager."""

    def __init__(self, root: Path) -> None:
        """Opens the folder, making it and its parents if need be; links in its own path are the user's and followed."""
        root.mkdir(parents=True, exist_ok=True)
        self.root = root
        self._fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def __enter__(self) -> Landing:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        os.close(self._fd)

    def where(self, parts: Sequence[str]) -> str:
        """The path, for people."""
        return os.path.join(self.root, *parts)

    @contextlib.contextmanager
    def folder(self, parts: Sequence[str]) -> Iterator[int]:
        """A descriptor of a folder below the root, made if need be. Raises LocalError when something is in the way."""
        fd = os.dup(self._fd)
        try:
            for depth, part in enumerate(parts, 1):
                _check(part)
                with contextlib.suppress(FileExistsError):
                    os.mkdir(part, dir_fd=fd)
                try:
                    inner = os.open(part, _FOLDER, dir_fd=fd)
                except OSError as error:
                    if error.errno not in (errno.ELOOP, errno.ENOTDIR):
                        raise
                    raise LocalError(
                        f"{self.where(parts[:depth])} is no folder, or a link to one: nothing is written through it",
                        hint="move it away, or download to another folder",
                    ) from error
                os.close(fd)
                fd = inner
            yield fd
        finally:
            os.close(fd)

    def finish_folder(self, parts: Sequence[str], attributes: Attributes) -> None:
        """Give a folder its attributes, when nothing more comes into it."""
        with self.folder(parts) as fd:
            # Its owner must stay able to work in it, whatever the cloud says.
            mode = None if attributes.mode is None else attributes.mode | stat.S_IRWXU
            Attributes(mode, attributes.mtime_ns).give(fd)

    def exists(self, parts: Sequence[str]) -> bool:
        """Whether there is anything of that name (a link counts as itself)."""
        with self.folder(parts[:-1]) as parent:
            return _status(parts[-1], parent) is not None

    def receive(
        self,
        parts: Sequence[str],
        write: Callable[[BinaryIO, BinaryIO | None], None],
        attributes: Attributes,
        *,
        replace: bool,
        keep_as: str | None = None,
    ) -> None:
        """Make a file: `write` gets the stream to fill, and what is already there of it or of an older one (or None).

        Without `replace` an existing name raises Conflict. With `keep_as`, which names the content, what was written
        stays under a hidden name when `write` fails, and is offered to it the next time.
        """
        name = parts[-1]
        _check(name)
        with self.folder(parts[:-1]) as parent:
            if not replace and _status(name, parent) is not None:
                raise self._taken(parts)
            hidden = f".pithosfs-{_slug(name, keep_as)}.part"
            stream = _open_part(hidden, parent, kept=keep_as is not None)
            finished = False
            try:
                with stream:
                    with _present(name, hidden, parent, keep_as) as older:
                        write(stream, older)
                    stream.flush()
                    stream.truncate()
                    attributes.give(stream.fileno())
                    os.fsync(stream.fileno())
                    self._publish(hidden, parts, parent, replace)
                    finished = True
            finally:
                if not finished and keep_as is None:
                    with contextlib.suppress(OSError):
                        os.unlink(hidden, dir_fd=parent)
            os.fsync(parent)

    def link(self, parts: Sequence[str], target: bytes, mtime_ns: int | None, *, replace: bool) -> None:
        """Make a symbolic link. Nothing is ever written through it from here."""
        name = parts[-1]
        _check(name)
        with self.folder(parts[:-1]) as parent:
            if not replace and _status(name, parent) is not None:
                raise self._taken(parts)
            hidden = f".pithosfs-{secrets.token_hex(8)}.part"
            os.symlink(target, os.fsencode(hidden), dir_fd=parent)
            try:
                if mtime_ns is not None:
                    os.utime(hidden, ns=(mtime_ns, mtime_ns), dir_fd=parent, follow_symlinks=False)
                self._publish(hidden, parts, parent, replace)
            except BaseException:
                with contextlib.suppress(OSError):
                    os.unlink(hidden, dir_fd=parent)
                raise

    def _publish(self, hidden: str, parts: Sequence[str], parent: int, replace: bool) -> None:
        """From the hidden name to the real one, in one step."""
        name = parts[-1]
        if replace:
            try:
                os.rename(hidden, name, src_dir_fd=parent, dst_dir_fd=parent)
            except IsADirectoryError as error:
                raise LocalError(f"{self.where(parts)} is a folder", hint="move it away") from error
            return
        try:
            # Unlike a rename, a link never replaces what has come there meanwhile.
            os.link(hidden, name, src_dir_fd=parent, dst_dir_fd=parent, follow_symlinks=False)
        except FileExistsError as error:
            raise self._taken(parts) from error
        except OSError:  # a file system without hard links
            if _status(name, parent) is not None:
                raise self._taken(parts) from None
            os.rename(hidden, name, src_dir_fd=parent, dst_dir_fd=parent)
            return
        os.unlink(hidden, dir_fd=parent)

    def _taken(self, parts: Sequence[str]) -> Conflict:
        return Conflict(f"{self.where(parts)} exists already", hint="add --force to replace it")


def _check(part: str) -> None:
    if part in ("", ".", "..") or "/" in part or "\0" in part:
        raise LocalError(f"{part!r} cannot be a file name here")


def _status(name: str, parent: int) -> os.stat_result | None:
    try:
        return os.stat(name, dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        return None


def _slug(name: str, keep_as: str | None) -> str:
    if keep_as is None:
        return secrets.token_hex(8)
    return hashlib.sha256(os.fsencode(name) + b"\0" + keep_as.encode()).hexdigest()[:16]


def _open_part(hidden: str, parent: int, *, kept: bool) -> BinaryIO:
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | (0 if kept else os.O_EXCL)
    fd = os.open(hidden, flags, 0o666, dir_fd=parent)
    if kept:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            raise LocalError("another download of the same file is under way here") from None
    return os.fdopen(fd, "r+b", buffering=0)


@contextlib.contextmanager
def _present(name: str, hidden: str, parent: int, keep_as: str | None) -> Iterator[BinaryIO | None]:
    """What may hold some of the content already: the kept part when it has anything, else the file itself."""
    if keep_as is None:
        yield None
        return
    for candidate in (hidden, name):
        try:
            fd = os.open(candidate, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=parent)
        except OSError:
            continue
        with open(fd, "rb", buffering=0) as stream:  # noqa: PTH123 (a descriptor)
            status = os.fstat(fd)
            if stat.S_ISREG(status.st_mode) and status.st_size:
                yield stream
                return
    yield None
