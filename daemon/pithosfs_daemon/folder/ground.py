"""What all changes to a folder stand on: where to make them, what the file system can do, and what must be there."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass

from pithosfs.errors import LocalError
from pithosfs_daemon.folder.descent import Descent, is_exact
from pithosfs_daemon.folder.private import REPLACED, TRASH, PrivateFolder
from pithosfs_daemon.folder.renames import Abilities
from pithosfs_daemon.folder.replaced import Replaced
from pithosfs_daemon.folder.spelling import Spelling
from pithosfs_daemon.folder.status import identity, stamp_of, status
from pithosfs_daemon.folder.trash import Bin
from pithosfs_daemon.troubles import LocalChanged
from pithosfs_daemon.values import Stamp

__all__ = ["Ground", "changed", "holds"]


@dataclass(frozen=True, slots=True)
class Ground:
    """One folder that is open for changes. `clock` is in seconds since the epoch."""

    descent: Descent
    private: PrivateFolder
    can: Abilities
    spelling: Spelling
    follow: bool
    clock: Callable[[], float]

    def replaced(self) -> Replaced:
        return Replaced(self.private.subfolder(REPLACED))

    def bin(self) -> Bin:
        return Bin(self.private.subfolder(TRASH), clock=self.clock)

    def require_file(self, parent: int, segment: str, name: str, expected: Stamp) -> os.stat_result:
        """The file that was decided on. Raises LocalChanged when it is not there, or is another by now."""
        found = self._found(parent, segment, name)
        if not stat.S_ISREG(found.st_mode) or stamp_of(found) != expected:
            raise changed(name)
        return found

    def require_folder(self, parent: int, segment: str, name: str) -> os.stat_result:
        """The folder of that name. Raises LocalChanged when there is none."""
        found = self._found(parent, segment, name)
        if not stat.S_ISDIR(found.st_mode):
            raise changed(name)
        return found

    def require_free(self, parent: int, segment: str, name: str) -> None:
        """Raises LocalChanged when anything has that name, or one that is the same to the file system."""
        found = status(parent, segment)
        if found is not None:
            self._refuse_link(found, name)
            raise changed(name)

    def is_other_spelling(self, parent: int, segment: str, found: os.stat_result) -> bool:
        """Whether a name leads to what was `found` under another spelling of it, and is not itself in the folder."""
        there = status(parent, segment)
        return (
            there is not None
            and identity(there) == identity(found)
            and not is_exact(parent, segment, there, self.spelling)
        )

    def _found(self, parent: int, segment: str, name: str) -> os.stat_result:
        found = status(parent, segment)
        if found is None or not is_exact(parent, segment, found, self.spelling):
            raise changed(name)
        self._refuse_link(found, name)
        return found

    def _refuse_link(self, found: os.stat_result, name: str) -> None:
        if self.follow and stat.S_ISLNK(found.st_mode):
            raise LocalError(
                f"{name} is a symbolic link in the folder: nothing is changed through it",
                hint="put a copy in its place to have it synced both ways",
            )


def holds(found: os.stat_result, expected: Stamp) -> bool:
    """Whether this is the file that was expected, with the content that it had. It may have moved."""
    return stat.S_ISREG(found.st_mode) and stamp_of(found).same_content(expected)


def changed(name: str) -> LocalChanged:
    return LocalChanged(f"{name} has changed in the folder meanwhile")
