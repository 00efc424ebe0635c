"""Block files on disk: where they lie, how they arrive, and the open ones.

A block is the file `blocks/ab/cd/abcd…`, named by its hash, without its trailing NUL bytes. It appears there by a
rename and never changes afterwards, so whoever has it open may read on after it was deleted.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import re
import secrets
import shutil
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["BlockFiles", "OpenBlock", "OpenBlocks", "Session", "is_block_name"]

_NAME = re.compile(r"[0-9a-f]{16,256}")
# A temporary older than this belongs to a process that is dead: a block is written in well under a second.
_STALE_TEMPORARY_SECONDS = 3600.0
_LOCK_SECONDS = 10.0
_LOCK_POLL_SECONDS = 0.02


def is_block_name(name: str) -> bool:
    """Whether this can be a block hash. Names come from servers: nothing else may ever become part of a path."""
    return len(name) % 2 == 0 and _NAME.fullmatch(name) is not None


class BlockFiles:
    """The folder of block files. All methods may raise OSError; folders that were removed are made again."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._blocks = directory / "blocks"
        self._incoming = directory / "incoming"

    def path(self, name: str) -> Path:
        """Where the block of that (valid) name lies, or would lie."""
        return self._blocks / name[:2] / name[2:4] / name

    def prepare(self) -> None:
        """Make the folders; they are nobody else's business (0700)."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._blocks.mkdir(mode=0o700, exist_ok=True)
        self._incoming.mkdir(mode=0o700, exist_ok=True)

    def open(self, name: str) -> int:
        """A descriptor to read the block by."""
        return os.open(self.path(name), os.O_RDONLY | os.O_CLOEXEC)

    def write(self, data: bytes) -> Path:
        """Write a temporary that `place` can move in."""
        temporary = self._incoming / secrets.token_hex(12)
        try:
            fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except FileNotFoundError:
            self.prepare()
            fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(fd, view) :]
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
        finally:
            os.close(fd)
        return temporary

    def bring(self, file: Path) -> Path:
        """Move a finished file of any file system beside the blocks; the result is as that of `write`."""
        temporary = self._incoming / secrets.token_hex(12)
        for attempt in (1, 2):
            try:
                file.rename(temporary)
            except OSError as error:
                if error.errno == errno.EXDEV:
                    break
                if attempt == 2 or not isinstance(error, FileNotFoundError) or not file.exists():
                    raise
                self.prepare()
            else:
                return temporary
        try:
            shutil.copyfile(file, temporary)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
        file.unlink()
        return temporary

    def place(self, temporary: Path, name: str) -> None:
        """Rename a temporary to its final name."""
        target = self.path(name)
        try:
            temporary.rename(target)
        except FileNotFoundError:
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            temporary.rename(target)

    def remove(self, name: str) -> None:
        """Delete a block file if it is there."""
        with suppress(FileNotFoundError):
            self.path(name).unlink()

    def size(self, name: str) -> int | None:
        """Bytes of the block file, None when there is none."""
        try:
            return self.path(name).stat().st_size
        except OSError:
            return None

    def scan(self) -> Iterator[tuple[str, int]]:
        """Name and size of every block file. Files that are none (wrong name or place) are left alone."""
        for first in _folders(self._blocks):
            for second in _folders(first):
                with suppress(FileNotFoundError), os.scandir(second) as entries:
                    for entry in entries:
                        if is_block_name(entry.name) and self.path(entry.name) == Path(entry.path):
                            with suppress(FileNotFoundError):
                                yield entry.name, entry.stat(follow_symlinks=False).st_size

    def sweep(self) -> None:
        """Delete temporaries that dead processes left behind."""
        with suppress(FileNotFoundError), os.scandir(self._incoming) as entries:
            for entry in entries:
                with suppress(OSError):
                    if time.time() - entry.stat().st_mtime > _STALE_TEMPORARY_SECONDS:
                        os.unlink(entry.path)  # noqa: PTH108 - a scandir entry is a string path

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Alone among all processes while the index is opened, rebuilt or checked. Raises OSError when others take too
        long: a process that was stopped in the middle of it must not stop everybody."""
        fd = os.open(self.directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            deadline = time.monotonic() + _LOCK_SECONDS
            while True:
                try:
                    fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > deadline:
                        raise
                    time.sleep(_LOCK_POLL_SECONDS)  # flock knows no time limit
            yield
        finally:
            os.close(fd)


def _folders(parent: Path) -> list[Path]:
    with suppress(FileNotFoundError), os.scandir(parent) as entries:
        return [Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False)]
    return []


class Session:
    """The mark of a process that has the cache open: a locked file, deleted by a clean close.

    A file that is there and not locked tells that its process was killed, maybe between the two steps of an addition.
    Locks are the kernel's, so neither process ids used again nor containers with their own ids can mislead.
    """

    def __init__(self, directory: Path) -> None:
        """Raises OSError. Call it with the cache locked."""
        folder = directory / "sessions"
        folder.mkdir(mode=0o700, exist_ok=True)
        self.others_died = self._bury(folder)
        self._path = folder / secrets.token_hex(12)
        self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._fd, fcntl.LOCK_EX)

    @staticmethod
    def _bury(folder: Path) -> bool:
        found = False
        for path in folder.iterdir():
            with suppress(OSError):
                fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
                try:
                    fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    path.unlink()
                    found = True
                finally:
                    os.close(fd)
        return found

    def end(self, *, clean: bool) -> None:
        """Let go; the mark goes before the lock does, and stays when something was left half done."""
        if clean:
            with suppress(OSError):
                self._path.unlink()
        os.close(self._fd)


class OpenBlock:
    """An open block file; belongs to `OpenBlocks`, which counts its `users`."""

    __slots__ = ("dropped", "fd", "name", "size", "users")

    def __init__(self, name: str, fd: int, size: int) -> None:
        self.name = name
        self.fd = fd
        self.size = size  # bytes in the file: the block without its trailing NULs
        self.users = 0
        self.dropped = False

    def read(self, start: int, end: int) -> bytes | None:
        """Bytes `start` to `end` as far as the file goes; None when the file is shorter than it was, or unreadable."""
        want = min(end, self.size) - start
        if want <= 0:
            return b""
        try:
            data = os.pread(self.fd, want, start)
        except OSError:
            return None
        return data if len(data) == want else None

    def verify(self, algorithm: str) -> bool:
        """Whether the file's content hashes to its name."""
        try:
            digest = hashlib.new(algorithm)
        except ValueError:
            return False
        data = self.read(0, self.size)
        if data is None:
            return False
        digest.update(data)
        return digest.hexdigest() == self.name


class OpenBlocks:
    """The block files used last, kept open, so that a small read is one `pread`.

    A descriptor is closed only when nobody reads from it any more: a number used again would hand out another file's
    bytes. Thread-safe.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._closed = False
        self._lock = threading.Lock()
        self._open: OrderedDict[str, OpenBlock] = OrderedDict()

    def borrow(self, name: str) -> OpenBlock | None:
        """The open block, which must be given back with `release`; None when it is not open."""
        with self._lock:
            block = self._open.get(name)
            if block is not None:
                self._open.move_to_end(name)
                block.users += 1
            return block

    def lend(self, block: OpenBlock) -> OpenBlock:
        """Keep a newly opened block and borrow it. When another thread was faster, its block is lent instead."""
        with self._lock:
            if self._closed:
                block.dropped = True
                block.users = 1
                return block
            known = self._open.get(block.name)
            if known is not None:
                os.close(block.fd)
                block = known
            self._open[block.name] = block
            self._open.move_to_end(block.name)
            block.users += 1
            while len(self._open) > self._capacity:
                self._retire(next(iter(self._open)))
        return block

    def release(self, block: OpenBlock) -> None:
        """Give a borrowed block back."""
        with self._lock:
            block.users -= 1
            if block.dropped and block.users == 0:
                os.close(block.fd)

    def drop(self, name: str) -> None:
        """Close the block as soon as nobody reads from it."""
        with self._lock:
            if name in self._open:
                self._retire(name)

    def close(self) -> None:
        """Drop all, and keep nothing from now on."""
        with self._lock:
            self._closed = True
            for name in list(self._open):
                self._retire(name)

    def _retire(self, name: str) -> None:
        block = self._open.pop(name)
        block.dropped = True
        if block.users == 0:
            os.close(block.fd)
