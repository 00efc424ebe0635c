"""Downloads that take their place: in one step, over what was decided on or over nothing, never over anything else.

After a kill at any moment the name has the old content or the new one, and the other one is in the private folder.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, replace

from pithosfs_daemon.folder.ground import Ground, changed, holds
from pithosfs_daemon.folder.parts import Part, default_mode
from pithosfs_daemon.folder.renames import exchange, rename_new
from pithosfs_daemon.folder.settling import keep_beside
from pithosfs_daemon.folder.status import sync_folder
from pithosfs_daemon.values import Stamp

__all__ = ["Put", "put"]


@dataclass(frozen=True, slots=True)
class Put:
    """What came of putting a download in place: the stamp of the new file, and the name under which the old content is
    kept if somebody had edited it meanwhile."""

    stamp: Stamp
    conflict_copy: str | None = None


def put(
    ground: Ground,
    part: Part,
    name: str,
    expected: Stamp | None,
    *,
    mode: int | None,
    mtime_ns: int | None,
    conflict: Callable[[int], str],
    durable: bool,
) -> Put:
    """See `Folder.put`."""
    if mode is None:
        mode = default_mode() if expected is None else expected.mode
    part.finish(mode, mtime_ns)
    # The stamp is taken before anybody can see the file: a later edit must show as one.
    written = part.stamp()
    copy = None
    with ground.descent.writable(name) as (parent, segment):
        if expected is None:
            ground.require_free(parent, segment, name)
            try:
                rename_new(part.name, part.folder, segment, parent, ground.can)
            except FileExistsError as error:
                raise changed(name) from error
        else:
            ground.require_file(parent, segment, name, expected)
            replacing = _exchange if ground.can.exchange else _step_aside
            copy = replacing(ground, part, name, expected, parent, segment, conflict)
        part.is_put = True
        if durable:
            sync_folder(parent)
    return Put(replace(written, ctime_ns=part.stamp().ctime_ns), copy)


def _exchange(
    ground: Ground,
    part: Part,
    name: str,
    expected: Stamp,
    parent: int,
    segment: str,
    conflict: Callable[[int], str],
) -> str | None:
    replaced = ground.replaced()
    entry = replaced.begin(name, expected, part.identity[1])
    try:
        os.rename(part.name, entry.id, src_dir_fd=part.folder, dst_dir_fd=replaced.fd)
        part.folder, part.name = replaced.fd, entry.id
        exchange(entry.id, replaced.fd, segment, parent)
    except BaseException as error:
        replaced.forget(entry.id)
        if isinstance(error, FileNotFoundError):
            raise changed(name) from error
        raise
    part.is_put = True  # from here on what has its name is not ours to remove
    old = os.stat(entry.id, dir_fd=replaced.fd, follow_symlinks=False)
    if holds(old, expected):
        return None
    if stat.S_ISREG(old.st_mode):
        return keep_beside(ground, replaced, entry, conflict)
    # It is not even a file any more: it gets its name back.
    exchange(entry.id, replaced.fd, segment, parent)
    if os.stat(entry.id, dir_fd=replaced.fd, follow_symlinks=False).st_ino == entry.new:
        replaced.drop(entry.id)
    else:
        keep_beside(ground, replaced, entry, conflict)
    raise changed(name)


def _step_aside(
    ground: Ground,
    part: Part,
    name: str,
    expected: Stamp,
    parent: int,
    segment: str,
    conflict: Callable[[int], str],
) -> None:
    """For file systems that cannot exchange: the name is free for a moment, so nothing that comes then is replaced."""
    replaced = ground.replaced()
    entry = replaced.begin(name, expected, part.identity[1], aside=True)
    try:
        os.rename(segment, entry.id, src_dir_fd=parent, dst_dir_fd=replaced.fd)
    except BaseException as error:
        replaced.forget(entry.id)
        if isinstance(error, FileNotFoundError):
            raise changed(name) from error
        raise
    try:
        if not holds(os.stat(entry.id, dir_fd=replaced.fd, follow_symlinks=False), expected):
            raise changed(name)
        rename_new(part.name, part.folder, segment, parent, ground.can)
    except BaseException as error:
        try:
            rename_new(entry.id, replaced.fd, segment, parent, ground.can)
            replaced.forget(entry.id)
        except FileExistsError:  # somebody has put a file there: the old one gets another name if it is worth keeping
            replaced.placed(entry)
            if not holds(os.stat(entry.id, dir_fd=replaced.fd, follow_symlinks=False), expected):
                keep_beside(ground, replaced, entry, conflict)
        if isinstance(error, FileExistsError):
            raise changed(name) from error
        raise
    with contextlib.suppress(OSError):  # a full disk: then the next start finds that the name is taken
        replaced.placed(entry)
