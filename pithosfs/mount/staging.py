"""Blocks on the local disk that the cloud does not have yet.

A block that is being written is a *draft*, the file `w-<id>`: mutable, sparse, known to one `Content` only. *Sealing*
hashes it and makes it `b-<hash>`: immutable, without trailing NULs, found by name. A sealed block stays as long as
somebody retains its name: a row of the journal, or the content of an open file. When the last one lets go, it moves
into the block cache if the cloud has it by then, and is deleted otherwise.

Locks: `_lock` guards the counts and every change of the set of `b-` files, so that a block cannot be sealed and
thrown away at the same time. Held while a file is renamed or deleted; never while a block is hashed, written or given
to the cache (except that a block left behind by another process is verified under it, once).
"""

from __future__ import annotations

import errno
import hashlib
import itertools
import logging
import os
import threading
import weakref
from collections import Counter, OrderedDict
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from pithosfs.blocks import DEFAULT_BLOCK_HASH, Hashmap
from pithosfs.mount.descriptors import Descriptors
from pithosfs.mount.extents import Extents
from pithosfs.mount.origin import Origin
from pithosfs.mount.slots import sync_directory

if TYPE_CHECKING:
    from pithosfs.mount.content import Content

__all__ = ["Draft", "Staging", "empty_block_name"]

log = logging.getLogger(__name__)

OPEN_FILES = 128  # of the usual limit of 1024 descriptors
PIECE = 256 * 1024  # bytes hashed or copied at a time: large enough that the call costs nothing
TAIL = 16 * 1024  # bytes looked at a time from the end, for trailing NULs
REMEMBERED_UPLOADS = 1000  # a content is made from a row within milliseconds of that row's upload: a few would do
REMEMBERED_HASHES = 200_000  # 30 MB

BLOCK, DRAFT, LEAVING = "b-", "w-", "x-"


def empty_block_name(algorithm: str) -> str:
    """The name of a block of NULs only, which needs no file."""
    return hashlib.new(algorithm, b"").hexdigest()


class Outlet(Protocol):
    """Where blocks go that the cloud has: the block cache."""

    def adopt(self, name: str, file: Path, algorithm: str = DEFAULT_BLOCK_HASH) -> None:
        """Take over a finished block file."""


class Draft:
    """A block that is being written.

    `length` is how far the file reaches; what is behind reads as NULs. `written` is what the program wrote of it.
    The rest belongs to its content, which guards it by its lock: `sealing` is set when the draft is to be sealed, and
    must not be changed any more; `taken` when somebody does it; `wanted` when the outcome is part of a hashmap that is
    being made.
    """

    __slots__ = ("length", "path", "sealing", "taken", "wanted", "written")

    def __init__(self, path: Path) -> None:
        self.path = path
        self.length = 0
        self.written = Extents(limit=16)
        self.sealing: Future[str] | None = None
        self.taken = False
        self.wanted = False


class Staging:
    """The folder of staged blocks of one journal (`<directory>/blocks`). Thread-safe.

    Raises OSError (ENOSPC, EIO …) from the disk; nothing that is sealed is harmed by that.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory / "blocks"
        if not self.directory.is_dir():
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            sync_directory(directory)
        self._lock = threading.Lock()
        self._retained: Counter[str] = Counter()
        self._numbers = itertools.count()
        self._tag = os.urandom(4).hex()
        self._descriptors = Descriptors(OPEN_FILES)
        # A process that was killed may have left files that a power cut damaged: verified before their first use.
        self._unverified = {one.name[2:] for one in self.directory.glob(f"{BLOCK}*")}
        self._unsynced = set(self._unverified)
        self._damaged: set[str] = set()
        self._sent: dict[str, str] = {}  # staged blocks that the cloud has: name → algorithm
        self._outlet: Outlet | None = None
        self._uploads: OrderedDict[tuple[str, int], Origin] = OrderedDict()
        self._uploads_hashes = 0
        self._contents: weakref.WeakSet[Content] = weakref.WeakSet()

    def close(self) -> None:
        """Close the files. What is staged stays."""
        self._descriptors.close()

    # drafts ---------------------------------------------------------------------------------------------------------

    def draft(self, data: bytes = b"") -> Draft:
        """A new draft that begins with `data`."""
        made = Draft(self.directory / f"{DRAFT}{self._tag}-{next(self._numbers)}")
        try:
            with self._descriptors.use(made.path, os.O_RDWR | os.O_CREAT | os.O_EXCL):
                pass
            self._write_all(made, data)
        except BaseException:
            self.drop(made)
            raise
        return made

    def _write_all(self, draft: Draft, data: bytes) -> None:
        view = memoryview(data)
        offset = 0
        while view:
            done = self.write(draft, offset, view)
            offset, view = offset + done, view[done:]

    def draft_of(self, name: str, length: int) -> Draft | None:
        """A new draft with the first `length` bytes of a staged block; None when it is not staged (or damaged)."""
        if not self._usable(name):
            return None
        try:
            return self._copied(self._path(name), length)
        except FileNotFoundError:
            return None

    def copy(self, draft: Draft) -> Draft:
        """A new draft with the bytes of another one. Raises FileNotFoundError when that was sealed just now."""
        return self._copied(draft.path, draft.length)

    def _copied(self, source: Path, length: int) -> Draft:
        with self._descriptors.use(source, os.O_RDONLY if source.name.startswith(BLOCK) else os.O_RDWR) as origin:
            made = self.draft()
            try:
                with self._descriptors.use(made.path, os.O_RDWR) as target:
                    offset = 0
                    while offset < length:
                        data = os.pread(origin, min(PIECE, length - offset), offset)
                        if not data:
                            break
                        _pwrite_all(target, data, offset)
                        offset += len(data)
                made.length = offset
            except BaseException:
                self.drop(made)
                raise
        return made

    def write(self, draft: Draft, offset: int, data: bytes | memoryview) -> int:
        """Write into a draft; returns how much was written (all of it, unless the disk got full on the way)."""
        with self._descriptors.use(draft.path, os.O_RDWR) as fd:
            written = 0
            view = memoryview(data)
            while written < len(view):
                try:
                    written += os.pwrite(fd, view[written:], offset + written)
                except OSError:
                    if not written:
                        raise
                    break
        draft.length = max(draft.length, offset + written)
        return written

    def read_draft(self, draft: Draft, start: int, end: int) -> bytes:
        """Bytes of a draft, NULs where nothing was written."""
        end_of_file = min(end, draft.length)
        data = b""
        if start < end_of_file:
            with self._descriptors.use(draft.path, os.O_RDWR) as fd:
                data = _pread_all(fd, end_of_file - start, start)
        return data.ljust(end - start, b"\0")

    def cut(self, draft: Draft, length: int) -> None:
        """Throw away what is behind the first `length` bytes."""
        if length < draft.length:
            with self._descriptors.use(draft.path, os.O_RDWR) as fd:
                os.ftruncate(fd, length)
            draft.length = length

    def drop(self, draft: Draft) -> None:
        """The draft is not needed any more."""
        self._descriptors.forget(draft.path)
        draft.path.unlink(missing_ok=True)

    def seal(self, draft: Draft, algorithm: str) -> str:
        """Make a draft a block; returns its name, retained once. The draft must not change meanwhile or afterwards."""
        with self._descriptors.use(draft.path, os.O_RDWR) as fd:
            length = _stripped_length(fd, draft.length)
            name = _hash_of(fd, length, algorithm)
            if length:
                os.ftruncate(fd, length)
        target = self._path(name)
        with self._lock:
            self._retained[name] += 1
            try:
                if not length or (target.exists() and self._sound(name, algorithm)):
                    draft.path.unlink()
                else:
                    draft.path.rename(target)
                    self._descriptors.forget(target)
                    self._unsynced.add(name)
                    self._unverified.discard(name)
                    self._damaged.discard(name)
            except BaseException:
                self._retained[name] -= 1
                raise
        self._descriptors.forget(draft.path)
        return name

    # blocks ---------------------------------------------------------------------------------------------------------

    def has(self, name: str) -> bool:
        """Whether the block is staged (it may turn out to be damaged)."""
        return self._path(name).exists()

    def read(self, name: str, start: int, end: int) -> bytes | None:
        """Bytes of a block, NULs behind its end; None when it is not staged, or damaged."""
        if not self._usable(name):
            return None
        try:
            with self._descriptors.use(self._path(name), os.O_RDONLY) as fd:
                data = _pread_all(fd, end - start, start)
        except FileNotFoundError:
            return None
        return data.ljust(end - start, b"\0")

    def size(self, name: str) -> int | None:
        """Bytes of the block without its trailing NULs, None when it is not staged."""
        try:
            return self._path(name).stat().st_size
        except FileNotFoundError:
            return None

    def damaged(self, name: str) -> bool:
        """Whether the block is staged and known to be damaged."""
        return name in self._damaged

    def sync(self, names: Iterable[str]) -> None:
        """Afterwards those of the blocks that are staged survive a power cut."""
        done = False
        for name in set(names) & self._unsynced:
            try:
                with self._descriptors.use(self._path(name), os.O_RDONLY) as fd:
                    os.fsync(fd)
            except FileNotFoundError:
                continue
            with self._lock:
                self._unsynced.discard(name)
            done = True
        if done:
            sync_directory(self.directory)

    def sync_drafts(self, drafts: Iterable[Draft]) -> None:
        """The same for drafts. Only their content is worth that, their names mean nothing after a restart."""
        for draft in drafts:
            try:
                with self._descriptors.use(draft.path, os.O_RDWR) as fd:
                    os.fsync(fd)
            except FileNotFoundError:
                continue  # sealed meanwhile: its block is synced by name

    def _path(self, name: str) -> Path:
        return self.directory / f"{BLOCK}{name}"

    def _usable(self, name: str) -> bool:
        """Verifies a block that another process left here before it is used for the first time."""
        if name in self._damaged:
            return False
        if name not in self._unverified:
            return True
        with self._lock:
            return self._sound(name, _algorithm_of(name))

    def _sound(self, name: str, algorithm: str) -> bool:
        """Called with the lock held."""
        if name in self._damaged:
            return False
        if name not in self._unverified:
            return True
        try:
            with self._descriptors.use(self._path(name), os.O_RDONLY) as fd:
                size = os.fstat(fd).st_size
                sound = _hash_of(fd, size, algorithm) == name
        except FileNotFoundError:
            self._unverified.discard(name)
            return True  # there is none: reading it tells
        if sound:
            self._unverified.discard(name)
        else:
            self._damaged.add(name)
            log.error("staged block %s is damaged: it is kept, and not sent", name)
        return sound

    # who needs what -------------------------------------------------------------------------------------------------

    def hand_over_to(self, outlet: Outlet) -> None:
        """Blocks that nobody needs any more and that the cloud has go there."""
        self._outlet = outlet

    def retain(self, names: Sequence[str]) -> None:
        """Keep these blocks, those that are staged and those that may be."""
        with self._lock:
            self._retained.update(names)

    def release(self, names: Sequence[str]) -> None:
        """The opposite of `retain`. Blocks that nobody retains leave the staging."""
        leaving: list[tuple[str, Path, str]] = []
        with self._lock:
            for name in names:
                self._retained[name] -= 1
                if self._retained[name] <= 0:
                    del self._retained[name]
                    self._leave(name, leaving)
        for name, file, algorithm in leaving:
            if self._outlet is not None:
                self._outlet.adopt(name, file, algorithm)
            file.unlink(missing_ok=True)

    def _leave(self, name: str, leaving: list[tuple[str, Path, str]]) -> None:
        path = self._path(name)
        sound = name not in self._unverified and name not in self._damaged
        self._descriptors.forget(path)
        for one in (self._unsynced, self._unverified, self._damaged):
            one.discard(name)
        algorithm = self._sent.pop(name, None)
        try:
            if algorithm is None or self._outlet is None or not sound:
                path.unlink()
            else:
                leaving.append((name, path.rename(self._leaving_path()), algorithm))
        except FileNotFoundError:
            pass
        except OSError as trouble:
            log.warning("block %s cannot be taken out of the staging: %s", name, trouble)

    def _leaving_path(self) -> Path:
        return self.directory / f"{LEAVING}{self._tag}-{next(self._numbers)}"

    def retained(self, name: str) -> bool:
        """Whether somebody needs the block."""
        return self._retained[name] > 0

    def sweep(self) -> None:
        """Remove what a killed process left and nobody retains. Only before the first draft is made."""
        for file in list(self.directory.iterdir()):
            kind, name = file.name[:2], file.name[2:]
            if kind in (DRAFT, LEAVING) and not name.startswith(self._tag):
                file.unlink(missing_ok=True)
            elif kind == BLOCK:
                with self._lock:
                    if self._retained[name] <= 0:
                        del self._retained[name]
                        self._leave(name, [])

    def staged(self) -> set[str]:
        """The names of all staged blocks."""
        return {one.name[2:] for one in self.directory.glob(f"{BLOCK}*")}

    def leftovers(self) -> list[str]:
        """File names of drafts and blocks on their way out: none when no file is open and nothing is going on."""
        return sorted(one.name for one in self.directory.iterdir() if one.name[:2] in (DRAFT, LEAVING))

    # uploads --------------------------------------------------------------------------------------------------------

    def register(self, content: Content) -> None:
        """Tell this content of uploads from now on."""
        with self._lock:
            self._contents.add(content)

    def uploaded(self, origin: Origin) -> None:
        """The cloud has this content now, as a version. Called before its journal row goes."""
        hashmap = origin.hashmap
        names = set(hashmap.hashes)
        key = (hashmap.root, hashmap.size)
        with self._lock:
            self._sent.update((name, hashmap.algorithm) for name in names)
            before = self._uploads.pop(key, None)
            self._uploads[key] = origin
            self._uploads_hashes += len(hashmap.hashes) - (len(before.hashmap.hashes) if before is not None else 0)
            while len(self._uploads) > REMEMBERED_UPLOADS or (
                self._uploads_hashes > REMEMBERED_HASHES and len(self._uploads) > 1
            ):
                self._uploads_hashes -= len(self._uploads.popitem(last=False)[1].hashmap.hashes)
            contents = list(self._contents)
        for content in contents:
            content.rebase(origin)

    def upload_of(self, hashmap: Hashmap) -> Origin | None:
        """The version that was lately made of this content, if any: its blocks may have left the staging."""
        with self._lock:
            return self._uploads.get((hashmap.root, hashmap.size))

    def usage(self) -> int:
        """Bytes on disk."""
        total = 0
        for one in self.directory.iterdir():
            try:
                total += one.stat().st_blocks * 512
            except FileNotFoundError:
                continue
        return total


def _algorithm_of(name: str) -> str:
    """The hash that makes names of this length. Containers of one cloud that use others of the same length do not
    exist: clouds offer sha256, older ones sha1."""
    return {32: "md5", 40: "sha1", 56: "sha224", 96: "sha384", 128: "sha512"}.get(len(name), DEFAULT_BLOCK_HASH)


def _stripped_length(fd: int, length: int) -> int:
    """The length without trailing NULs, looked for from the end."""
    while length:
        start = max(0, length - TAIL)
        tail = _pread_all(fd, length - start, start)
        kept = len(tail.rstrip(b"\0"))
        if kept:
            return start + kept
        length = start
    return 0


def _hash_of(fd: int, length: int, algorithm: str) -> str:
    digest = hashlib.new(algorithm)
    buffer = bytearray(min(PIECE, length))
    view = memoryview(buffer)
    offset = 0
    while offset < length:
        got = os.preadv(fd, [view[: length - offset]], offset)
        if not got:
            digest.update(bytes(length - offset))  # sparse at the end: only drafts are
            break
        digest.update(view[:got])
        offset += got
    return digest.hexdigest()


def _pread_all(fd: int, size: int, offset: int) -> bytes:
    data = os.pread(fd, size, offset)
    while len(data) < size:
        more = os.pread(fd, size - len(data), offset + len(data))
        if not more:
            break
        data += more
    return data


def _pwrite_all(fd: int, data: bytes, offset: int) -> None:
    view = memoryview(data)
    while view:
        done = os.pwrite(fd, view, offset)
        if not done:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        offset, view = offset + done, view[done:]
