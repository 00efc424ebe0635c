"""The private folder `.pithosfs` at the top of a synced folder: the marker that tells the folder from an empty mount
point, the lock of the running engine, and room for downloads, the trash and replaced files."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from pithosfs.errors import LocalError
from pithosfs_daemon.folder.status import opened, sync_folder
from pithosfs_daemon.troubles import FolderGone, FolderTaken
from pithosfs_daemon.values import Pair

__all__ = [
    "MARKER",
    "PARTS",
    "PRIVATE",
    "REPLACED",
    "TRASH",
    "Marker",
    "PrivateFolder",
    "lay_marker",
    "marker_above",
    "read_marker",
    "remove_marker",
    "write_file",
]

PRIVATE = ".pithosfs"
MARKER, LOCK, PARTS, TRASH, REPLACED = "marker", "lock", "parts", "trash", "replaced"

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_LONGEST_MARKER = 65536
_READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)


@dataclass(frozen=True, slots=True)
class Marker:
    """Whose folder it is: the id of the pair, its remote side as people write it, and the machine that laid it."""

    pair: str
    remote: str
    host: str


def lay_marker(pair: Pair, host: str) -> None:
    """Make the folder of a pair known as such. Laying it again is fine.

    Raises LocalError when the folder has the marker of another pair, and OSError when it cannot be written to.
    """
    with opened(str(pair.folder), os.O_RDONLY | os.O_DIRECTORY) as top:
        there = _marker_in(top)
        if there is not None and there.pair != pair.id:
            raise LocalError(
                f"{pair.folder} is kept in step with {there.remote} already, by {there.host or 'another machine'}",
                hint=f"remove that pair first; if it is gone for good, remove {pair.folder / PRIVATE / MARKER}",
            )
        with contextlib.suppress(FileExistsError):
            os.mkdir(PRIVATE, 0o700, dir_fd=top)
        with opened(PRIVATE, _FOLDER, dir_fd=top) as private:
            os.fchmod(private, 0o700)
            text = json.dumps({"pair": pair.id, "remote": pair.remote, "host": host}, ensure_ascii=False)
            write_file(private, MARKER, text.encode("utf-8", "surrogateescape"), durable=True)
        sync_folder(top)


def remove_marker(pair: Pair) -> None:
    """The folder is an ordinary one again. What is in its trash stays, and with it `.pithosfs`; else that goes too.

    A folder that is not there, or belongs to another pair by now, is left as it is.
    """
    try:
        top = os.open(pair.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return
    try:
        there = _marker_in(top)
        if there is None or there.pair != pair.id:
            return
        with opened(PRIVATE, _FOLDER, dir_fd=top) as private:
            os.unlink(MARKER, dir_fd=private)
            with contextlib.suppress(FileNotFoundError):
                os.unlink(LOCK, dir_fd=private)
            for name in (PARTS, TRASH, REPLACED):
                with contextlib.suppress(OSError):
                    os.rmdir(name, dir_fd=private)
        with contextlib.suppress(OSError):
            os.rmdir(PRIVATE, dir_fd=top)
    finally:
        os.close(top)


def marker_above(folder: Path) -> Path | None:
    """The folder that `folder` is inside of and that is synced already; None when there is none."""
    for outer in folder.parents:
        if (outer / PRIVATE / MARKER).is_file():
            return outer
    return None


def read_marker(folder: Path) -> Marker | None:
    """The marker of a folder; None when there is no folder, no marker, or nonsense in it."""
    try:
        with opened(str(folder), os.O_RDONLY | os.O_DIRECTORY) as top:
            return _marker_in(top)
    except OSError:
        return None


def _marker_in(top: int) -> Marker | None:
    try:
        with opened(PRIVATE, _FOLDER, dir_fd=top) as private, opened(MARKER, _READ, dir_fd=private) as fd:
            told = json.loads(os.read(fd, _LONGEST_MARKER))
        return Marker(str(told["pair"]), str(told.get("remote", "")), str(told.get("host", "")))
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def write_file(folder: int, name: str, content: bytes, *, durable: bool = False) -> None:
    """A small file that is there whole or not at all, and replaces what had its name."""
    hidden = f"{name}.{secrets.token_hex(4)}.new"
    fd = os.open(hidden, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=folder)
    try:
        try:
            view = memoryview(content)
            while view:
                view = view[os.write(fd, view) :]
            if durable:
                os.fsync(fd)
        finally:
            os.close(fd)
        os.rename(hidden, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(hidden, dir_fd=folder)
        raise
    if durable:
        os.fsync(folder)


class PrivateFolder:
    """`.pithosfs` of an open folder. Holds the lock until it is closed."""

    def __init__(self, top: int, pair: Pair) -> None:
        """Raises FolderGone when the marker of the pair is not there, FolderTaken when somebody has the lock."""
        self._pair = pair
        self._subfolders: dict[str, int] = {}
        self._lock: int | None = None
        self.require_marker(top)
        try:
            self.fd = os.open(PRIVATE, _FOLDER, dir_fd=top)
        except OSError as error:
            raise _gone(pair) from error
        try:
            self._lock = self._take_lock()
        except BaseException:
            self.close()
            raise

    def require_marker(self, top: int) -> None:
        """Raises FolderGone unless the marker is there and is this pair's."""
        there = _marker_in(top)
        if there is None:
            raise _gone(self._pair)
        if there.pair != self._pair.id:
            raise FolderGone(
                f"{self._pair.folder} is the folder of another pair now, with {there.remote}",
                hint="put the right folder back, or remove the pair: pithosfs sync remove",
            )

    def subfolder(self, name: str) -> int:
        """A descriptor of `parts`, `trash` or `replaced`, made when it is first needed; it stays open until `close`."""
        fd = self._subfolders.get(name)
        if fd is None:
            with contextlib.suppress(FileExistsError):
                os.mkdir(name, 0o700, dir_fd=self.fd)
            opened_now = os.open(name, _FOLDER, dir_fd=self.fd)
            fd = self._subfolders.setdefault(name, opened_now)
            if fd != opened_now:  # another thread was faster
                os.close(opened_now)
        return fd

    def existing(self, name: str) -> int | None:
        """As `subfolder`, but None when it is not there: nothing is made."""
        try:
            os.stat(name, dir_fd=self.fd, follow_symlinks=False)
        except FileNotFoundError:
            return None
        return self.subfolder(name)

    def close(self) -> None:
        """Gives the lock back. Closing it again does nothing."""
        if self.fd < 0:
            return
        for fd in self._subfolders.values():
            os.close(fd)
        self._subfolders.clear()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
        os.close(self.fd)
        self.fd = -1

    def _take_lock(self) -> int | None:
        try:
            fd = os.open(LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=self.fd)
        except OSError as error:
            if error.errno not in _READ_ONLY:
                raise
            try:  # a folder that is only read can be locked too
                fd = os.open(LOCK, _READ, dir_fd=self.fd)
            except FileNotFoundError:
                return None
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            who = os.pread(fd, 32, 0).decode("ascii", "replace").strip()
            os.close(fd)
            raise FolderTaken(
                f"another process{f' ({who})' if who else ''} keeps {self._pair.folder} in step",
                hint="stop the other one first: pithosfs sync stop",
            ) from None
        except OSError:  # a file system without locks
            os.close(fd)
            return None
        with contextlib.suppress(OSError):
            os.ftruncate(fd, 0)
            os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
        return fd


def _gone(pair: Pair) -> FolderGone:
    return FolderGone(
        f"{pair.folder} is there, but it is not the folder that was paired: its marker is missing",
        hint="mount its disk, or put the folder back; if it is to be paired anew: pithosfs sync remove, then sync add",
    )
