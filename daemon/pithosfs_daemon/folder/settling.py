"""What becomes of files that were replaced: looked at once more, then removed, or kept if somebody wrote to them."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable

from pithosfs.errors import LocalError
from pithosfs_daemon.folder.ground import Ground, holds
from pithosfs_daemon.folder.leases import Writers, without_writers
from pithosfs_daemon.folder.private import REPLACED
from pithosfs_daemon.folder.renames import rename_new
from pithosfs_daemon.folder.replaced import Replaced, ReplacedFile
from pithosfs_daemon.folder.status import opened, status, sync_folder
from pithosfs_daemon.folder.trash import FILE
from pithosfs_daemon.troubles import LocalChanged

__all__ = ["keep_beside", "settle"]

_log = logging.getLogger(__name__)

_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
_MOST_COPIES = 1000


def settle(ground: Ground, conflict: Callable[[str, int], str]) -> list[str]:
    """Look once more at everything that was replaced. The names of the conflict copies that were made.

    A file that some program still has open for writing stays for another time.
    """
    fd = ground.private.existing(REPLACED)
    if fd is None:
        return []
    replaced = Replaced(fd)
    copies: list[str] = []
    for entry in replaced.all():
        try:
            copy = _settle(ground, replaced, entry, conflict)
        except OSError as error:  # a full disk, a folder that may not be written to: it is safe where it is
            _log.warning("what %s was before has to wait: %s", entry.name, error)
            continue
        if copy is not None:
            copies.append(copy)
    return copies


def _settle(ground: Ground, replaced: Replaced, entry: ReplacedFile, conflict: Callable[[str, int], str]) -> str | None:
    there = status(replaced.fd, entry.id)
    if there is None:
        replaced.forget(entry.id)
        return None
    if there.st_ino == entry.new:  # killed before the two changed places
        replaced.drop(entry.id)
        return None
    name, expected = entry.name, entry.stamp
    if name is None or expected is None:
        return keep_beside(ground, replaced, entry, None)
    if entry.aside and _put_back(ground, replaced, entry, name):
        return None
    if not holds(there, expected):
        return keep_beside(ground, replaced, entry, lambda n: conflict(name, n))
    try:
        with opened(entry.id, _OPEN, dir_fd=replaced.fd) as fd, without_writers(fd) as writers:
            # Nobody can begin to write now: what is seen here is final.
            is_same = holds(os.fstat(fd), expected)
            if is_same and writers is not Writers.SOME:
                replaced.drop(entry.id)
    except PermissionError:
        replaced.drop(entry.id)
        return None
    return None if is_same else keep_beside(ground, replaced, entry, lambda n: conflict(name, n))


def _put_back(ground: Ground, replaced: Replaced, entry: ReplacedFile, name: str) -> bool:
    """After a kill while the old file was away and the new one not yet there."""
    try:
        with ground.descent.writable(name) as (parent, segment):
            rename_new(entry.id, replaced.fd, segment, parent, ground.can)
            sync_folder(parent)
    except (FileExistsError, LocalChanged, LocalError):
        return False
    replaced.forget(entry.id)
    return True


def keep_beside(
    ground: Ground, replaced: Replaced, entry: ReplacedFile, conflict: Callable[[int], str] | None
) -> str | None:
    """Give what was replaced a name of its own, the first of `conflict(1)`, `conflict(2)` … that is free.

    When there is no folder for it any more it goes to the trash, and the answer is None.
    """
    for n in range(1, _MOST_COPIES) if conflict is not None else ():
        name = conflict(n) if conflict is not None else ""
        try:
            with ground.descent.writable(name) as (parent, segment):
                rename_new(entry.id, replaced.fd, segment, parent, ground.can)
                sync_folder(parent)
        except FileExistsError:
            continue
        except (LocalChanged, LocalError):
            break
        replaced.forget(entry.id)
        return name
    with ground.bin().slot(entry.name or f"recovered-{entry.id}") as slot:
        os.rename(entry.id, FILE, src_dir_fd=replaced.fd, dst_dir_fd=slot.fd)
        os.fsync(slot.fd)
    replaced.forget(entry.id)
    return None
