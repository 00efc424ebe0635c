"""Files that were deleted in the cloud: kept for 30 days in the private folder, to be put back whenever wanted.

Like the desktop's trash: for each file a folder with `info` (JSON), written first, and then `file`, moved in.
Everything here works without the engine and next to it. Nothing is ever replaced by what is put back.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import secrets
import shutil
import stat
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pithosfs.errors import Conflict, LocalError, NotFound
from pithosfs_daemon.folder.private import PRIVATE, TRASH, write_file
from pithosfs_daemon.folder.probing import probe
from pithosfs_daemon.folder.renames import Abilities, rename_new
from pithosfs_daemon.folder.spelling import Spelling
from pithosfs_daemon.folder.status import names_in, opened, status, sync_folder
from pithosfs_daemon.values import Kind

__all__ = ["FILE", "KEPT", "Bin", "Slot", "Trash", "TrashEntry"]

KEPT = 30 * 24 * 3600.0
"""Seconds that a file stays in the trash."""

FILE = "file"
"""The name of what was deleted, in its slot."""

_INFO = "info"
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
_LONGEST_INFO = 65536
_ID = re.compile("[0-9a-f]{8}", re.ASCII)


@dataclass(frozen=True, slots=True)
class TrashEntry:
    """Something in the trash: the name that it had, when it was deleted (nanoseconds since the epoch), its bytes."""

    id: str
    name: str
    deleted_ns: int
    size: int
    kind: Kind


@dataclass(frozen=True, slots=True)
class Slot:
    """Room for something that is to be deleted: move it to `FILE` in the folder `fd` (a descriptor)."""

    id: str
    name: str
    deleted_ns: int
    fd: int

    def entry(self, moved: os.stat_result) -> TrashEntry:
        """What it is with that in it."""
        return _entry(self.id, self.name, self.deleted_ns, moved)


class Bin:
    """An open trash folder. `clock` is in seconds since the epoch."""

    def __init__(self, fd: int, *, clock: Callable[[], float] = time.time) -> None:
        self.fd = fd
        self._clock = clock

    def entries(self) -> list[TrashEntry]:
        """What is in it, the latest first."""
        found = [entry for name in names_in(self.fd) if (entry := self.entry(name)) is not None]
        return sorted(found, key=lambda entry: (-entry.deleted_ns, entry.id))

    def entry(self, id: str) -> TrashEntry | None:
        """One of them; None when there is none of that id, or its file did not come in."""
        if not _ID.fullmatch(id):
            return None
        try:
            with opened(id, _FOLDER, dir_fd=self.fd) as folder:
                file = status(folder, FILE)
                if file is None:
                    return None
                name, deleted_ns = _read_info(folder)
                if deleted_ns is None:
                    deleted_ns = os.fstat(folder).st_mtime_ns
        except OSError:
            return None
        return _entry(id, name or f"recovered-{id}", deleted_ns, file)

    @contextlib.contextmanager
    def slot(self, name: str) -> Iterator[Slot]:
        """Room for one more, removed again if nothing was moved in."""
        while True:
            id = secrets.token_hex(4)
            with contextlib.suppress(FileExistsError):
                os.mkdir(id, 0o700, dir_fd=self.fd)
                break
        with opened(id, _FOLDER, dir_fd=self.fd) as folder:
            try:
                deleted_ns = int(self._clock() * 1e9)
                write_file(folder, _INFO, json.dumps({"name": name, "deleted_ns": deleted_ns}).encode())
                yield Slot(id, name, deleted_ns, folder)
            finally:
                if status(folder, FILE) is None:
                    self._drop(id, folder)

    def remove(self, id: str) -> bool:
        """For good. False when it was not there."""
        try:
            with opened(id, _FOLDER, dir_fd=self.fd) as folder:
                there = status(folder, FILE)
                if there is not None and stat.S_ISDIR(there.st_mode):
                    shutil.rmtree(FILE, dir_fd=folder)
                self._drop(id, folder)
        except FileNotFoundError:
            return False
        return True

    def expire(self, age: float) -> int:
        """Remove what was deleted more than `age` seconds ago, and what a killed process has begun; how many files."""
        limit = int((self._clock() - age) * 1e9)
        count = 0
        for id in names_in(self.fd):
            entry = self.entry(id)
            if entry is not None:
                if entry.deleted_ns < limit and self.remove(id):
                    count += 1
            elif _ID.fullmatch(id) and (found := status(self.fd, id)) is not None and found.st_mtime_ns < limit:
                with contextlib.suppress(OSError):
                    self.remove(id)
        return count

    def take_out(self, id: str, folder: int, segment: str, can: Abilities) -> None:
        """Move a file out to a name that must be free. Raises FileExistsError, FileNotFoundError."""
        with opened(id, _FOLDER, dir_fd=self.fd) as slot:
            rename_new(FILE, slot, segment, folder, can)
            sync_folder(folder)
            self._drop(id, slot)

    def _drop(self, id: str, folder: int) -> None:
        for one in names_in(folder):
            os.unlink(one, dir_fd=folder)
        os.rmdir(id, dir_fd=self.fd)


def _entry(id: str, name: str, deleted_ns: int, file: os.stat_result) -> TrashEntry:
    return TrashEntry(id, name, deleted_ns, file.st_size, Kind.FOLDER if stat.S_ISDIR(file.st_mode) else Kind.FILE)


def _read_info(folder: int) -> tuple[str | None, int | None]:
    try:
        with opened(_INFO, _READ, dir_fd=folder) as fd:
            told = json.loads(os.read(fd, _LONGEST_INFO))
        return str(told["name"]), int(told["deleted_ns"])
    except (OSError, ValueError, TypeError, KeyError):
        return None, None


class Trash:
    """The trash of a synced folder, for commands. The engine may be running or not."""

    def __init__(self, root: Path, *, clock: Callable[[], float] = time.time) -> None:
        self._root = root
        self._clock = clock

    def list(self) -> list[TrashEntry]:
        """What is in it, the latest first. Raises LocalError when there is no synced folder."""
        with self._bin() as bin:
            return bin.entries() if bin is not None else []

    def restore(self, id: str, to: str | None = None) -> str:
        """Put a file back where it was, or under the name `to` in the folder; folders on the way are made. The name.

        Raises NotFound for an unknown id, Conflict when the name is taken, LocalError when it cannot be made here or
        a folder on the way is a link.
        """
        with self._bin() as bin:
            entry = bin.entry(id) if bin is not None else None
            if bin is None or entry is None:
                raise NotFound(f"there is no {id} in the trash", hint="see what there is: pithosfs sync trash list")
            name = entry.name if to is None else to.strip("/")
            with self._top() as top, opened(PRIVATE, _FOLDER, dir_fd=top) as private:
                nature = probe(private, PRIVATE, top)
                spelling = Spelling(self._root, nature, "")
                if trouble := spelling.trouble(name):
                    raise LocalError(f"{name} cannot be a name here: {trouble.detail}", hint="give another one: --to")
                self._take_out(bin, id, name, top, spelling, nature.can)
            return name

    def empty(self, older_than: float | None = None) -> int:
        """Remove all of it for good, or what was deleted more than `older_than` seconds ago. How many files."""
        with self._bin() as bin:
            if bin is None:
                return 0
            if older_than is not None:
                return bin.expire(older_than)
            return sum(bin.remove(id) for id in [entry.id for entry in bin.entries()])

    def expire(self, age: float = KEPT) -> int:
        """Remove what has been in it for longer than `age` seconds. How many files."""
        with self._bin() as bin:
            return bin.expire(age) if bin is not None else 0

    def _take_out(self, bin: Bin, id: str, name: str, top: int, spelling: Spelling, can: Abilities) -> None:
        *folders, last = map(spelling.to_local, name.split("/"))
        fd = os.dup(top)
        try:
            for segment in folders:
                with contextlib.suppress(FileExistsError):
                    os.mkdir(segment, dir_fd=fd)
                    sync_folder(fd)
                try:
                    inner = os.open(segment, _FOLDER | os.O_CLOEXEC, dir_fd=fd)
                except OSError as error:
                    if error.errno not in (errno.ELOOP, errno.ENOTDIR):
                        raise
                    raise LocalError(
                        f"{segment} is no folder, or a link to one", hint="restore it elsewhere: --to"
                    ) from error
                os.close(fd)
                fd = inner
            if status(fd, last) is not None:
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), last)
            bin.take_out(id, fd, last, can)
        except FileExistsError:
            raise Conflict(f"{name} exists already: nothing is replaced", hint="restore it elsewhere: --to") from None
        finally:
            os.close(fd)

    @contextlib.contextmanager
    def _top(self) -> Iterator[int]:
        try:
            fd = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise LocalError(f"{self._root} is not there", hint="mount its disk, or put the folder back") from error
        try:
            yield fd
        finally:
            os.close(fd)

    @contextlib.contextmanager
    def _bin(self) -> Iterator[Bin | None]:
        with self._top() as top, contextlib.ExitStack() as stack:
            try:
                private = stack.enter_context(opened(PRIVATE, _FOLDER, dir_fd=top))
                fd = stack.enter_context(opened(TRASH, _FOLDER, dir_fd=private))
            except FileNotFoundError:
                yield None
                return
            yield Bin(fd, clock=self._clock)
