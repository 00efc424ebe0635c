"""Looking at the folder: what is in one directory, or under one name. Nothing here changes anything.

What cannot be looked at is never taken for empty: the answer says so, as a trouble and as `complete`.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, field

from pithosfs_daemon.folder.descent import INTO_PRIVATE, Blocked, Descent, Missing, Place, is_exact
from pithosfs_daemon.folder.disks import is_mount
from pithosfs_daemon.folder.private import MARKER, PRIVATE
from pithosfs_daemon.folder.rules import IgnoreRules
from pithosfs_daemon.folder.spelling import Spelling
from pithosfs_daemon.folder.status import identity, is_readable, opened, stamp_of, status
from pithosfs_daemon.values import Kind, Reason, Seen, Trouble

__all__ = ["DirectoryScan", "Looking", "is_part"]

_FOLDER = os.O_RDONLY | os.O_DIRECTORY
_ATTEMPTS = 3
_DEEPEST = 16  # levels down to which a folder is looked through for anything to sync
_GONE = (errno.ENOENT, errno.ENOTDIR)
_SPECIAL = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


@dataclass(frozen=True, slots=True)
class DirectoryScan:
    """What is directly in one folder, by its own segment of the name.

    `complete` is false when something may be missing here that is there: then nothing must be concluded from absence.
    `trouble` says why, unless the folder has just gone away.
    """

    entries: dict[str, Seen] = field(default_factory=dict)
    troubles: dict[str, Trouble] = field(default_factory=dict)
    ignored: set[str] = field(default_factory=set)
    complete: bool = True
    trouble: Trouble | None = None


def is_part(local: str) -> bool:
    """Whether a local name is that of a download that some program of ours has under way right there."""
    return local.startswith(".pithosfs-") and local.endswith(".part")


class Looking:
    """Looks at one folder."""

    def __init__(
        self,
        descent: Descent,
        spelling: Spelling,
        rules: Callable[[], IgnoreRules],
        *,
        follow: bool,
    ) -> None:
        self._descent = descent
        self._spelling = spelling
        self._rules = rules
        self._follow = follow

    # one directory --------------------------------------------------------------------------------------------------

    def scan(self, folder: str) -> DirectoryScan:
        """One directory, not what is below it. Never raises for what is wrong with it; see `DirectoryScan`."""
        try:
            with self._descent.folder(folder, follow=True) as place, opened(".", _FOLDER, dir_fd=place.fd) as fd:
                for _ in range(_ATTEMPTS):
                    before = os.fstat(fd)
                    found = self._scan(folder, place, fd)
                    # While names move about in a directory its listing may show one under neither name.
                    if os.fstat(fd).st_mtime_ns == before.st_mtime_ns:
                        break
                    os.lseek(fd, 0, os.SEEK_SET)
                return found
        except Missing:
            return DirectoryScan(complete=False)
        except Blocked as error:
            return DirectoryScan(complete=False, trouble=error.trouble)
        except OSError as error:
            if error.errno in _GONE:
                return DirectoryScan(complete=False)
            return DirectoryScan(complete=False, trouble=_unreadable(folder, error))

    def _scan(self, folder: str, place: Place, fd: int) -> DirectoryScan:
        entries: dict[str, Seen] = {}
        troubles: dict[str, Trouble] = {}
        ignored: set[str] = set()
        start = f"{folder}/" if folder else ""
        spelling = self._spelling
        is_ignored = self._rules().within(folder)
        complete = True
        with os.scandir(fd) as listing:
            for entry in listing:
                local = entry.name
                segment = spelling.to_cloud(local)
                if local.startswith(".") and (spelling.is_private(local) or is_part(local)):
                    if folder or not spelling.is_private(local):
                        ignored.add(segment)
                    continue
                name = start + segment
                try:
                    is_link = entry.is_symlink()
                    if is_ignored(segment, self._is_folder(entry)):
                        ignored.add(segment)
                        continue
                    seen: Seen | Trouble | None
                    if is_link:
                        seen = self._link(place, local, name)
                    else:
                        seen = self._judge(place, local, name, entry.stat(follow_symlinks=False))
                except OSError as error:
                    if error.errno in _GONE:
                        continue  # it went between the listing and the look
                    seen = _unreadable(name, error)
                if isinstance(seen, Seen):
                    entries[segment] = seen
                elif seen is not None:
                    troubles[segment] = seen
        return DirectoryScan(entries, troubles, ignored, complete)

    def _is_folder(self, entry: os.DirEntry[str]) -> bool:
        try:
            return entry.is_dir(follow_symlinks=self._follow)
        except OSError:  # a link in circles
            return False

    # one name -------------------------------------------------------------------------------------------------------

    def look(self, name: str) -> Seen | Trouble | None:
        """What is there under a name: what can be synced, why it cannot, or None when there is nothing."""
        try:
            if not name:
                with self._descent.folder("") as place:
                    return Seen(Kind.FOLDER, stamp_of(os.fstat(place.fd)))
            with self._descent.parent(name, follow=True) as (place, local):
                found = status(place.fd, local)
                if found is None or not is_exact(place.fd, local, found, self._spelling):
                    return None
                if stat.S_ISLNK(found.st_mode):
                    return self._link(place, local, name)
                return self._judge(place, local, name, found)
        except Missing:
            return None
        except Blocked as error:
            return Trouble(name, error.trouble.reason, error.trouble.detail)
        except OSError as error:
            return None if error.errno in _GONE else _unreadable(name, error)

    # what it is -----------------------------------------------------------------------------------------------------

    def _judge(self, place: Place, local: str, name: str, found: os.stat_result) -> Seen | Trouble:
        if problem := self._spelling.remote_problem(name):
            return Trouble(name, Reason.REMOTE_NAME, problem)
        if stat.S_ISREG(found.st_mode):
            if not is_readable(place.fd, local, found):
                return Trouble(name, Reason.UNREADABLE, "its permissions do not allow it")
            return Seen(Kind.FILE, stamp_of(found))
        if not stat.S_ISDIR(found.st_mode):
            return Trouble(name, Reason.SPECIAL, _SPECIAL.get(stat.S_IFMT(found.st_mode), ""))
        if found.st_dev != place.device or is_mount(place.fd, local):
            return Trouble(name, Reason.OTHER_DISK)
        return self._folder(place, local, name, found)

    def _folder(self, place: Place, local: str, name: str, found: os.stat_result) -> Seen | Trouble:
        if place.linked and identity(found) in place.chain:
            return Trouble(name, Reason.SYMLINK, "a link leads back to a folder that it is in")
        if not is_readable(place.fd, local, found):
            return Trouble(name, Reason.UNREADABLE, "its permissions do not allow it")
        if status(place.fd, f"{local}/{PRIVATE}/{MARKER}") is not None:
            return Trouble(name, Reason.OTHER_PAIR)
        return Seen(Kind.FOLDER, stamp_of(found), only_ignored=self._holds_nothing(place.fd, local, name))

    def _link(self, place: Place, local: str, name: str) -> Seen | Trouble | None:
        target = os.readlink(local, dir_fd=place.fd)
        if not self._follow:
            return Trouble(name, Reason.SYMLINK, f"to {_shown(target)}")
        if problem := self._spelling.remote_problem(name):
            return Trouble(name, Reason.REMOTE_NAME, problem)
        try:
            found = os.stat(local, dir_fd=place.fd)
        except OSError as error:
            if error.errno in _GONE:
                return Trouble(name, Reason.SYMLINK, f"leads nowhere: {_shown(target)}")
            if error.errno == errno.ELOOP:
                return Trouble(name, Reason.SYMLINK, "leads in circles")
            return _unreadable(name, error)
        if self._leads_into_private(place.fd, local):
            return Trouble(name, Reason.SYMLINK, INTO_PRIVATE)
        if stat.S_ISREG(found.st_mode):
            if not os.access(local, os.R_OK, dir_fd=place.fd, effective_ids=True):
                return Trouble(name, Reason.UNREADABLE, "the permissions of its target do not allow it")
            return Seen(Kind.FILE, stamp_of(found))
        if not stat.S_ISDIR(found.st_mode):
            return Trouble(name, Reason.SPECIAL, _SPECIAL.get(stat.S_IFMT(found.st_mode), ""))
        if identity(found) in place.chain:
            return Trouble(name, Reason.SYMLINK, "leads back to a folder that it is in")
        if status(place.fd, f"{local}/{PRIVATE}/{MARKER}") is not None:
            return Trouble(name, Reason.OTHER_PAIR)
        return Seen(Kind.FOLDER, stamp_of(found), only_ignored=False)

    def _leads_into_private(self, parent: int, local: str) -> bool:
        with opened(local, os.O_PATH, dir_fd=parent) as fd:
            return self._descent.is_private(fd)

    def _holds_nothing(self, parent: int, local: str, name: str, depth: int = 0) -> bool:
        """Whether a folder is not empty, but has nothing in it that is to be synced.

        Looks no further than to the first thing that is, so for most folders this is one read of a directory.
        """
        if depth > _DEEPEST:
            return False
        is_ignored = self._rules().within(name)
        is_empty = True
        try:
            with (
                opened(local, _FOLDER | os.O_NOFOLLOW, dir_fd=parent) as fd,
                os.scandir(fd) as listing,
            ):
                for entry in listing:
                    is_empty = False
                    if self._spelling.is_private(entry.name) or is_part(entry.name):
                        continue
                    segment = self._spelling.to_cloud(entry.name)
                    is_folder = self._is_folder(entry)
                    if is_ignored(segment, is_folder):
                        continue
                    if entry.is_symlink():
                        is_something = self._follow
                    elif is_folder:
                        is_something = not self._holds_nothing(fd, entry.name, f"{name}/{segment}", depth + 1)
                    else:
                        is_something = entry.is_file(follow_symlinks=False)
                    if is_something:
                        return False
        except OSError:
            return False  # nobody knows
        return not is_empty


def _unreadable(name: str, error: OSError) -> Trouble:
    return Trouble(name, Reason.UNREADABLE, os.strerror(error.errno) if error.errno else str(error))


def _shown(target: str) -> str:
    """A link's target, for people: what is not UTF-8 in it made visible."""
    return target.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
