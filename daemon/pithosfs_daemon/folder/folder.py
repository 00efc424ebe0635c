"""The local side of a pair: an open folder, looked at and changed through its own descriptor.

Names are those of the cloud, relative to the pair. See the modules of this package for how each thing is done.
"""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO

from pithosfs.errors import LocalError
from pithosfs.mount.names import to_local
from pithosfs_daemon.folder import changing
from pithosfs_daemon.folder.descent import Blocked, Descent, Missing, is_exact
from pithosfs_daemon.folder.disks import is_shared, sync_all
from pithosfs_daemon.folder.ground import Ground, changed
from pithosfs_daemon.folder.leases import has_writers
from pithosfs_daemon.folder.looking import DirectoryScan, Looking
from pithosfs_daemon.folder.parts import Part, clear_parts
from pithosfs_daemon.folder.private import MARKER, PARTS, PRIVATE, PrivateFolder
from pithosfs_daemon.folder.probing import Nature, clear_probes, known_nature
from pithosfs_daemon.folder.putting import Put, put
from pithosfs_daemon.folder.renames import Abilities
from pithosfs_daemon.folder.rules import IGNORE_FILE, IgnoreRules
from pithosfs_daemon.folder.settling import settle
from pithosfs_daemon.folder.spelling import Spelling
from pithosfs_daemon.folder.status import identity, stamp_of, status
from pithosfs_daemon.folder.trash import TrashEntry
from pithosfs_daemon.troubles import FolderGone
from pithosfs_daemon.values import Kind, Pair, Seen, Stamp, Trouble

__all__ = ["Folder"]

_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
_LONGEST_RULES = 1 << 20
_GONE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENXIO)


class Folder:
    """A folder that this process keeps in step; `close` it, or use it as a context manager.

    Its methods may be called from several threads. `nature` is what its file system does; by default that is tried out.
    `clock` is in seconds since the epoch.
    """

    def __init__(self, pair: Pair, *, nature: Nature | None = None, clock: Callable[[], float] = time.time) -> None:
        """Opens the folder and takes its lock.

        Raises FolderGone when it is not there or has not this pair's marker, FolderTaken when another process keeps it
        in step, LocalError when its `.pithosignore` cannot be read.
        """
        self.root = pair.folder
        self._pair = pair
        self._follow = pair.symlinks == "follow"
        self._has_started = False
        self._clock = clock
        try:
            self._top = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise self._gone() from error
        self.identity = identity(os.fstat(self._top))
        try:
            self._private = PrivateFolder(self._top, pair)
        except BaseException:
            os.close(self._top)
            raise
        try:
            self._start(nature)
        except BaseException:
            self.close()
            raise

    def _start(self, nature: Nature | None) -> None:
        pair, private = self._pair, self._private.fd
        if nature is None:
            nature = known_nature(private, PRIVATE, self._top, MARKER)
        self._spelling = Spelling(self.root, nature, pair.prefix)
        self._descent = Descent(self._top, private, self._spelling, follow=self._follow)
        self._rules = self._read_rules()
        self._looking = Looking(self._descent, self._spelling, lambda: self._rules, follow=self._follow)
        self.is_shared = is_shared(self._top)
        self._ground = Ground(self._descent, self._private, nature.can, self._spelling, self._follow, self._clock)

    def __enter__(self) -> Folder:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Gives the lock back. Closing it again does nothing."""
        self._private.close()
        if self._top >= 0:
            os.close(self._top)
            self._top = -1

    def check(self) -> None:
        """Raises FolderGone unless the folder is still the one that was opened, with its marker."""
        try:
            now = self.root.stat()
        except OSError as error:
            raise self._gone() from error
        if identity(now) != self.identity:
            raise FolderGone(
                f"{self.root} is another folder than when the sync started",
                hint="put the right one back; then: pithosfs sync resume",
            )
        self._private.require_marker(self._top)

    def _gone(self) -> FolderGone:
        return FolderGone(f"{self.root} is not there", hint="mount its disk, or put the folder back")

    # names ----------------------------------------------------------------------------------------------------------

    @property
    def spelling(self) -> Spelling:
        """How names are spelled here."""
        return self._spelling

    @property
    def folds(self) -> bool:
        """Whether different names can be one here."""
        return self._spelling.folds

    @property
    def abilities(self) -> Abilities:
        """What the file system can do in one step."""
        return self._ground.can

    @property
    def follow(self) -> bool:
        """Whether symbolic links are followed."""
        return self._follow

    def fold(self, name: str) -> str:
        """The key under which names collide here: the name itself on ordinary file systems."""
        return self._spelling.fold(name)

    def local_trouble(self, name: str) -> Trouble | None:
        """Why a name of the cloud cannot exist here (Reason.LOCAL_NAME); None when it can."""
        return self._spelling.trouble(name)

    def path(self, name: str) -> Path:
        """Where a name is, for people and messages. Nothing is done through it."""
        return self.root.joinpath(*map(to_local, name.split("/"))) if name else self.root

    def name_of(self, path: Path | str) -> str | None:
        """The name of a local path, "" for the folder itself; None outside of it and in its private folder."""
        whole = os.path.abspath(path)  # noqa: PTH100 - resolving would follow the last link
        root = os.fspath(self.root)
        inside = self._inside(root, whole)
        if inside is None:
            folder, last = os.path.split(whole)
            inside = self._inside(root, os.path.join(os.path.realpath(folder), last))
        if not inside:
            return inside
        local = inside.split("/")
        return None if self._spelling.is_private(local[0]) else "/".join(map(self._spelling.to_cloud, local))

    @staticmethod
    def _inside(root: str, path: str) -> str | None:
        if path == root:
            return ""
        start = root if root.endswith("/") else f"{root}/"
        return path[len(start) :] if path.startswith(start) else None

    # ignore rules ---------------------------------------------------------------------------------------------------

    @property
    def rules(self) -> IgnoreRules:
        """What is not synced, as last read."""
        return self._rules

    def refresh_rules(self) -> bool:
        """Read `.pithosignore` again; whether the rules changed. Raises LocalError when it is there and unreadable."""
        rules = self._read_rules()
        is_new = rules != self._rules
        self._rules = rules
        return is_new

    def ignores(self, name: str, kind: Kind) -> bool:
        """Whether the rules leave a name alone, because of itself or of a folder that it is in."""
        return self._rules.ignores(name, kind)

    def _read_rules(self) -> IgnoreRules:
        try:
            if status(self._top, IGNORE_FILE) is None:
                return IgnoreRules((), self._pair.excludes)
            fd = os.open(IGNORE_FILE, _READ, dir_fd=self._top)
            with os.fdopen(fd, "rb") as stream:
                if not stat.S_ISREG(os.fstat(fd).st_mode):
                    raise OSError(errno.EINVAL, "not a file")
                text = stream.read(_LONGEST_RULES + 1)
            if len(text) > _LONGEST_RULES:
                raise OSError(errno.EFBIG, "longer than a mebibyte")
        except OSError as error:
            # Without its rules things would be uploaded that nobody wants there.
            raise LocalError(
                f"{self.root / IGNORE_FILE} cannot be read: {error.strerror}", hint="make it readable, or remove it"
            ) from error
        lines = [line.removesuffix("\r") for line in text.decode("utf-8-sig", "surrogateescape").split("\n")]
        return IgnoreRules(lines, self._pair.excludes)

    # looking --------------------------------------------------------------------------------------------------------

    def scan(self, folder: str) -> DirectoryScan:
        """What is directly in a folder. Never raises for what is wrong with it: see `DirectoryScan`."""
        return self._looking.scan(folder)

    def look(self, name: str) -> Seen | Trouble | None:
        """What is there under a name: what can be synced, why it cannot, or None when there is nothing.

        Ignore rules play no part in this.
        """
        return self._looking.look(name)

    def open(self, name: str, expected: Stamp) -> BinaryIO:
        """A file for reading. Raises LocalChanged when it is not the one that was expected, OSError as `open` does.

        No link is followed unless that is the pair's policy, and a pipe in its place is not waited for.
        """
        try:
            with self._descent.parent(name, follow=True) as (place, local):
                flags = _READ if self._follow else _READ | os.O_NOFOLLOW
                fd = os.open(local, flags, dir_fd=place.fd)
                there = os.fstat(fd)
                if (
                    stat.S_ISREG(there.st_mode)
                    and stamp_of(there) == expected
                    and is_exact(place.fd, local, there, self._spelling)
                ):
                    return os.fdopen(fd, "rb")
                os.close(fd)
                raise changed(name)
        except (Missing, Blocked) as error:
            raise changed(name) from error
        except OSError as error:
            if error.errno in _GONE:
                raise changed(name) from error
            raise

    def is_open_for_writing(self, file: BinaryIO) -> bool:
        """Whether some program has a file, which was opened here, open for writing, or mapped so.

        Through a mapping a page can be written to again and again with no other trace in the file's times than that of
        the first time. Whoever closes it, or takes the mapping down, is noticed by watches. False when nobody can tell:
        file systems of other machines refuse leases in the same words.
        """
        return not self.is_shared and has_writers(file)

    # changes --------------------------------------------------------------------------------------------------------
    # Each raises LocalChanged when what is there is not what was expected, and LocalError when it is for no change from
    # here (below a followed link). A full disk, a read-only one and missing rights are OSError. What is done outlives a
    # loss of power, by itself or, when it is not to be `durable`, from the next `flush` on.

    def make_folder(
        self, name: str, mode: int | None = None, mtime_ns: int | None = None, *, durable: bool = True
    ) -> Stamp:
        """Make a folder whose parent is there; one that is there already is fine. Its owner's rights are never less
        than all; of `mode` only 0o777 counts."""
        return changing.make_folder(self._ground, name, mode, mtime_ns, durable)

    def remove_folder(self, name: str, *, durable: bool = True) -> bool:
        """Remove an empty folder; False when it is not empty."""
        return changing.remove_folder(self._ground, name, durable)

    def part(self) -> AbstractContextManager[Part]:
        """A new file for a download, removed at the end unless it was put."""
        return Part(self._private.subfolder(PARTS))

    def put(
        self,
        part: Part,
        name: str,
        expected: Stamp | None,
        *,
        mode: int | None,
        mtime_ns: int | None,
        conflict: Callable[[int], str],
        durable: bool = True,
    ) -> Put:
        """Put a finished download in place of `expected` (None: nothing may be there).

        When somebody edits the old file at that very moment its content is kept beside it, under the first free name
        of `conflict(1)`, `conflict(2)` … Otherwise it is kept back until `leftovers` has looked at it again. Without
        `mode` it is that of the old file, or the usual one; set-id bits are dropped and its owner can always read it.
        """
        return put(self._ground, part, name, expected, mode=mode, mtime_ns=mtime_ns, conflict=conflict, durable=durable)

    def move(self, old: str, new: str, expected: Stamp | None, *, durable: bool = True) -> Stamp:
        """Rename a file, or with `expected` None a folder; never over anything. Also to another spelling only."""
        return changing.move(self._ground, old, new, expected, durable)

    def trash(self, name: str, expected: Stamp, *, durable: bool = True) -> TrashEntry:
        """Move a file to the trash. One that is edited in that moment goes back to its name: LocalChanged."""
        return changing.trash(self._ground, name, expected, durable)

    def set_attributes(self, name: str, expected: Stamp, *, mode: int | None, mtime_ns: int | None) -> Stamp:
        """Set permissions (0o777) and time of a file; None leaves them. LocalChanged too while a program that may
        still write to it has it open and its time is to be set."""
        return changing.set_attributes(self._ground, name, expected, mode, mtime_ns)

    def flush(self, *parts: Part) -> None:
        """Make everything done so far outlive a loss of power, in one go: for many small files this is much faster.

        For each batch: write the parts, flush them, put them with `durable=False`, flush, and then note that they are
        there. So no file ever shows under its name without its content.
        """
        for part in parts:
            part.stream.flush()
        sync_all(self._top)
        for part in parts:
            part.is_flushed = True

    def leftovers(self, conflict: Callable[[str, int], str]) -> list[str]:
        """Look once more at the files that downloads have replaced, at the start of every pass.

        Returns the names of the conflict copies that were made of those that somebody had written to since:
        `conflict(name, n)` gives the n-th name to try. The first time what a killed process has left is cleared away.
        """
        if not self._has_started:
            self._has_started = True
            if (parts := self._private.existing(PARTS)) is not None:
                clear_parts(parts)
            clear_probes(self._private.fd)
        return settle(self._ground, conflict)
