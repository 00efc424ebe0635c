"""Where downloads land: files that appear whole or not at all, and never outside the folder that was named.

Every folder on the way is opened by its own name in its parent, symbolic links not followed, so neither a server's
names (`..`, absolute ones) nor links that are in the folder already can lead elsewhere. A file is written under a
hidden name (see `parts`), flushed to disk, and linked or renamed to its own.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pithosfs.errors import Conflict, LocalError
from pithosfs_cli.file.parts import PartFile, older_content

__all__ = ["Attributes", "Landing"]

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

_ORIGIN = "user.pithosfs.origin"


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
    """A folder on this machine into which files come. `close` it, or use it as a context manager.

    What has come into it is never replaced by what comes later, whatever is asked: two names of the cloud that are one
    here (on a file system that ignores case, for one) must not swallow each other.
    """

    def __init__(self, root: Path, *, make: bool = True) -> None:
        """Opens the folder, making it and its parents if need be; links in its own path are the user's and followed.

        Without `make` nothing is made, and one that is not there is an empty one.
        """
        self.root = root
        self._fd: int | None = None
        self._lock = threading.Lock()
        self._landed: set[tuple[int, int]] = set()
        self.is_new = False  # whether the folder was made by this
        if make:
            root.parent.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(FileExistsError):
                root.mkdir()
                self.is_new = True
        with contextlib.suppress(FileNotFoundError) if not make else contextlib.nullcontext():
            self._fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    @staticmethod
    def origin(root: Path) -> str | None:
        """What a folder was made for: the text that was given to `mark`."""
        try:
            return os.getxattr(root, _ORIGIN).decode("utf-8", "replace")
        except OSError:
            return None

    def mark(self, origin: str) -> None:
        """Note on the folder, if it is a new one, what it was made for, where the file system can."""
        if self.is_new and self._fd is not None:
            with contextlib.suppress(OSError):
                os.setxattr(self._fd, _ORIGIN, origin.encode("utf-8", "replace"))

    def __enter__(self) -> Landing:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        if self._fd is not None:
            os.close(self._fd)

    def where(self, parts: Sequence[str]) -> str:
        """The path, for people."""
        return os.path.join(self.root, *parts)

    @contextlib.contextmanager
    def folder(self, parts: Sequence[str], *, make: bool = True) -> Iterator[int]:
        """A descriptor of a folder below the root, made if need be. Raises LocalError when something is in the way."""
        if self._fd is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(self.root))
        fd = os.dup(self._fd)
        try:
            for depth, part in enumerate(parts, 1):
                _check(part)
                if make:
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

    # what is there --------------------------------------------------------------------------------------------------

    def status(self, parts: Sequence[str]) -> os.stat_result | None:
        """What there is of that name (a link counts as itself), or None."""
        _check(parts[-1])
        try:
            with self.folder(parts[:-1], make=False) as parent:
                return _status(parts[-1], parent)
        except FileNotFoundError:
            return None

    def read(self, parts: Sequence[str]) -> BinaryIO:
        """Open what is there; no link is followed, and nothing waits for the other end of a pipe."""
        with self.folder(parts[:-1], make=False) as parent:
            fd = os.open(parts[-1], os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=parent)
            return os.fdopen(fd, "rb", buffering=0)

    def read_link(self, parts: Sequence[str]) -> bytes:
        """Where a symbolic link leads."""
        with self.folder(parts[:-1], make=False) as parent:
            return os.readlink(os.fsencode(parts[-1]), dir_fd=parent)

    def give(self, parts: Sequence[str], attributes: Attributes) -> None:
        """Give a file that is there its attributes."""
        with self.read(parts) as stream:
            attributes.give(stream.fileno())

    # what comes -----------------------------------------------------------------------------------------------------

    def receive(
        self,
        parts: Sequence[str],
        write: Callable[[BinaryIO, BinaryIO | None], None],
        attributes: Attributes,
        *,
        replace: bool,
        keep: bool = False,
    ) -> None:
        """Make a file: `write` gets the stream to fill, and what is already there of it or of an older one (or None).

        Without `replace` an existing name raises Conflict. With `keep`, what was written stays under a hidden name when
        `write` fails or the process is killed, and is offered to it the next time.
        """
        name = parts[-1]
        _check(name)
        try:
            with self.folder(parts[:-1]) as parent:
                if not replace and _status(name, parent) is not None:
                    raise self._taken(parts)
                with PartFile(name, parent, keep=keep) as part:
                    with older_content(name, part, parent) as older:
                        write(part.stream, older)
                    part.complete()
                    attributes.give(part.stream.fileno())
                    os.fsync(part.stream.fileno())
                    self._publish(part.name, parts, parent, replace)
                    part.is_published = True
                os.fsync(parent)
        except OSError as error:
            if error.filename is None and error.errno is not None:
                error.filename = self.where(parts)
            raise

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
        with self._lock:
            own = os.stat(hidden, dir_fd=parent, follow_symlinks=False)
            there = _status(parts[-1], parent)
            if there is not None and (there.st_dev, there.st_ino) in self._landed:
                raise Conflict(
                    f"{self.where(parts)} has just been made for another object: here their names are the same",
                    hint="download one of them under another name",
                )
            self._rename(hidden, parts, parent, replace)
            self._landed.add((own.st_dev, own.st_ino))

    def _rename(self, hidden: str, parts: Sequence[str], parent: int, replace: bool) -> None:
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
