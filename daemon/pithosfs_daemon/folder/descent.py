"""From the top of the folder down to where something is, one name at a time and never through what is not ours.

Every folder on the way is opened by its own name in its parent, without following links (but for reading under the
policy `follow`), so neither names from the cloud nor links that somebody lays in the meantime lead elsewhere.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pithosfs.errors import LocalError
from pithosfs_daemon.folder.disks import is_mount
from pithosfs_daemon.folder.private import MARKER, PRIVATE
from pithosfs_daemon.folder.spelling import Spelling
from pithosfs_daemon.folder.status import identity, names_in, status
from pithosfs_daemon.troubles import LocalChanged
from pithosfs_daemon.values import Reason, Trouble

__all__ = ["INTO_PRIVATE", "Blocked", "Descent", "Missing", "Place", "is_exact", "split"]

INTO_PRIVATE = f"leads into {PRIVATE}, which is for the sync daemon itself"
"""What is said of such a link."""

_PATH = os.O_PATH | os.O_CLOEXEC
_SEEN_BY_SCAN = (Reason.SYMLINK, Reason.OTHER_DISK, Reason.OTHER_PAIR)
_LINKED = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC


class Missing(Exception):
    """Nothing of that name is there: a folder on the way is not, or is a file."""


class Blocked(Exception):
    """What is on the way is left alone by the sync, and why."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble)
        self.trouble = trouble


@dataclass(slots=True)
class Place:
    """An open folder: `fd` is only good for what is in it (O_PATH). `chain` has the identities of the folders from the
    top down to it, and `linked` tells whether a link was followed on the way."""

    fd: int
    device: int
    chain: list[tuple[int, int]] = field(default_factory=list)
    linked: bool = False


def split(name: str) -> tuple[str, str]:
    """The folder of a name and its last segment."""
    folder, _, segment = name.rpartition("/")
    return folder, segment


class Descent:
    """Finds the way from `top` for names of the cloud. `top` and `private`, its private folder, are descriptors."""

    def __init__(self, top: int, private: int, spelling: Spelling, *, follow: bool) -> None:
        self._top = top
        self._private = private
        self._spelling = spelling
        self._follow = follow
        self._start = identity(os.fstat(top))

    @contextlib.contextmanager
    def folder(self, name: str, *, follow: bool = False) -> Iterator[Place]:
        """The folder of that name. Raises Missing and Blocked, and OSError when a folder cannot be searched.

        With `follow` links are followed if that is the pair's policy.
        """
        place = Place(os.dup(self._top), self._start[0], [self._start])
        try:
            at = ""
            for segment in name.split("/") if name else ():
                at = f"{at}/{segment}" if at else segment
                self._step(place, segment, at, follow and self._follow)
            yield place
        finally:
            os.close(place.fd)

    @contextlib.contextmanager
    def parent(self, name: str, *, follow: bool = False) -> Iterator[tuple[Place, str]]:
        """The folder that `name` is in, and its local name in it."""
        folder, segment = split(name)
        if name.startswith("/") and not folder:
            self.local("", name)  # refuses it: the empty part before the slash is lost in `folder`
        local = self.local(segment, name)
        with self.folder(folder, follow=follow) as place:
            yield place, local

    @contextlib.contextmanager
    def writable(self, name: str) -> Iterator[tuple[int, str]]:
        """The folder in which `name` is to be changed, and its local name there.

        Raises LocalChanged when the folder is not there (any more), LocalError when it is not for us to write in.
        """
        with contextlib.ExitStack() as stack:
            try:
                place, local = stack.enter_context(self.parent(name))
            except Missing as error:
                raise LocalChanged(f"the folder of {name} is not there") from error
            except Blocked as error:
                trouble = error.trouble
                if trouble.reason in _SEEN_BY_SCAN and not (self._follow and trouble.reason is Reason.SYMLINK):
                    raise LocalChanged(f"{trouble.name} {trouble.reason} by now") from error
                raise LocalError(
                    f"{trouble.name} {trouble.reason}{f' ({trouble.detail})' if trouble.detail else ''}: "
                    f"nothing is written there"
                ) from error
            yield place.fd, local

    def local(self, segment: str, name: str) -> str:
        """The local name of a segment. Raises Blocked when there is none."""
        try:
            return self._spelling.to_local(segment)
        except ValueError as problem:
            raise Blocked(Trouble(name, Reason.LOCAL_NAME, str(problem))) from None

    def _step(self, place: Place, segment: str, at: str, follow: bool) -> None:
        local = self.local(segment, at)
        try:
            inner = os.open(local, _PATH | os.O_NOFOLLOW, dir_fd=place.fd)
        except (FileNotFoundError, NotADirectoryError):
            raise Missing(at) from None
        except PermissionError:
            raise Blocked(Trouble(at, Reason.UNREADABLE)) from None
        try:
            found = os.fstat(inner)
            if stat.S_ISLNK(found.st_mode):
                if not follow:
                    raise Blocked(Trouble(at, Reason.SYMLINK))
                target = self._open_target(place.fd, local, at)
                os.close(inner)
                inner, found = target, os.fstat(target)
                if self.is_private(inner):
                    raise Blocked(Trouble(at, Reason.SYMLINK, INTO_PRIVATE))
                place.linked = True
            elif not stat.S_ISDIR(found.st_mode):
                raise Missing(at)
            elif found.st_dev != place.device or is_mount(inner):
                raise Blocked(Trouble(at, Reason.OTHER_DISK))
            elif not is_exact(place.fd, local, found, self._spelling):
                raise Missing(at)
            if place.linked and identity(found) in place.chain:
                raise Blocked(Trouble(at, Reason.SYMLINK, "leads back to a folder that it is in"))
            if self.is_pair(inner):
                raise Blocked(Trouble(at, Reason.OTHER_PAIR))
        except BaseException:
            os.close(inner)
            raise
        os.close(place.fd)
        place.fd, place.device = inner, found.st_dev
        place.chain.append(identity(found))

    def _open_target(self, parent: int, local: str, at: str) -> int:
        try:
            return os.open(local, _LINKED, dir_fd=parent)
        except (FileNotFoundError, NotADirectoryError):
            raise Missing(at) from None
        except PermissionError:
            raise Blocked(Trouble(at, Reason.UNREADABLE)) from None
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise Blocked(Trouble(at, Reason.SYMLINK, "leads in circles")) from None
            raise

    def is_private(self, target: int) -> bool:
        """Whether the open target of a link is the private folder or something in it."""
        private = str(Path(f"/proc/self/fd/{self._private}").readlink())
        path = str(Path(f"/proc/self/fd/{target}").readlink())
        return path == private or path.startswith(f"{private}/")

    @staticmethod
    def is_pair(folder: int) -> bool:
        """Whether a folder below the top is a synced one of its own."""
        try:
            os.stat(f"{PRIVATE}/{MARKER}", dir_fd=folder, follow_symlinks=False)
        except OSError:
            return False
        return True


def is_exact(parent: int, local: str, found: os.stat_result, spelling: Spelling) -> bool:
    """Whether what was found under a name really has that name, and not one that the file system takes for the same.

    Single folders can ignore case on a file system that otherwise does not, so this is asked of every name. It costs a
    failed look-up or two; only where another spelling leads to the same file are the names of the folder read.
    """
    others = {local.swapcase()}
    if not local.isascii():
        others |= {unicodedata.normalize("NFC", local), unicodedata.normalize("NFD", local)}
    others.discard(local)
    is_doubtful = spelling.folds and ("~" in local or local[-1] in ". ")  # short names of DOS, names that are cut
    for other in () if is_doubtful else others:
        try:
            there = status(parent, other)
        except OSError:
            continue
        if there is not None and identity(there) == identity(found):
            is_doubtful = True
            break
    if not is_doubtful:
        return True
    try:
        segment = spelling.to_cloud(local)
        return any(spelling.to_cloud(one) == segment for one in names_in(parent))
    except PermissionError:
        return True
