"""Changes to what is there already: folders made and removed, names moved, files trashed, attributes set."""

from __future__ import annotations

import contextlib
import errno
import os
from dataclasses import replace

from pithosfs_daemon.folder.ground import Ground, changed, holds
from pithosfs_daemon.folder.leases import Writers, without_writers
from pithosfs_daemon.folder.parts import set_mode, set_time
from pithosfs_daemon.folder.renames import rename_new
from pithosfs_daemon.folder.status import identity, opened, stamp_of, status, sync_folder
from pithosfs_daemon.folder.trash import FILE, TrashEntry
from pithosfs_daemon.values import Stamp

__all__ = ["make_folder", "move", "remove_folder", "set_attributes", "trash"]

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
_GONE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)


def make_folder(ground: Ground, name: str, mode: int | None, mtime_ns: int | None, durable: bool) -> Stamp:
    """See `Folder.make_folder`."""
    with ground.descent.writable(name) as (parent, segment):
        with contextlib.suppress(FileExistsError):
            os.mkdir(segment, dir_fd=parent)
            if durable:
                sync_folder(parent)
        ground.require_folder(parent, segment, name)
        try:
            with opened(segment, _FOLDER, dir_fd=parent) as fd:
                if mode is not None:
                    # Its owner must stay able to work in it, whatever the cloud says.
                    set_mode(fd, mode | 0o700)
                if mtime_ns is not None:
                    set_time(fd, mtime_ns)
                return stamp_of(os.fstat(fd))
        except OSError as error:
            raise _or_changed(error, name) from error


def remove_folder(ground: Ground, name: str, durable: bool) -> bool:
    """See `Folder.remove_folder`."""
    with ground.descent.writable(name) as (parent, segment):
        ground.require_folder(parent, segment, name)
        try:
            os.rmdir(segment, dir_fd=parent)
        except OSError as error:
            if error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.EBUSY):
                return False
            raise _or_changed(error, name) from error
        if durable:
            sync_folder(parent)
        return True


def move(ground: Ground, old: str, new: str, expected: Stamp | None, durable: bool) -> Stamp:
    """See `Folder.move`."""
    with ground.descent.writable(old) as (source, segment), ground.descent.writable(new) as (target, new_segment):
        if expected is not None:
            found = ground.require_file(source, segment, old, expected)
        else:
            found = ground.require_folder(source, segment, old)
        try:
            if ground.is_other_spelling(target, new_segment, found):
                _respell(ground, old, segment, source, new_segment, target, found)
            else:
                ground.require_free(target, new_segment, new)
                rename_new(segment, source, new_segment, target, ground.can)
        except FileExistsError as error:
            raise changed(new) from error
        except FileNotFoundError as error:
            raise changed(old) from error
        moved = status(target, new_segment)
        if moved is None:
            raise changed(new)
        if identity(moved) != identity(found):
            # Something else had come under the old name; it goes back there, if that is still free.
            with contextlib.suppress(FileExistsError, FileNotFoundError):
                rename_new(new_segment, target, segment, source, ground.can)
            raise changed(old)
        if durable:
            sync_folder(target)
            sync_folder(source)
        # Of a file that was edited in between the stamp is that of before, so that the edit shows.
        return replace(expected or stamp_of(found), ctime_ns=moved.st_ctime_ns)


def _respell(
    ground: Ground, old: str, segment: str, source: int, new_segment: str, target: int, found: os.stat_result
) -> None:
    """To a spelling that the file system takes for the same name: by way of the private folder."""
    replaced = ground.replaced()
    entry = replaced.begin(old, stamp_of(found), 0, aside=True)
    try:
        os.rename(segment, entry.id, src_dir_fd=source, dst_dir_fd=replaced.fd)
        try:
            rename_new(entry.id, replaced.fd, new_segment, target, ground.can)
        except BaseException:
            rename_new(entry.id, replaced.fd, segment, source, ground.can)
            raise
    finally:
        if status(replaced.fd, entry.id) is None:
            replaced.forget(entry.id)


def trash(ground: Ground, name: str, expected: Stamp, durable: bool) -> TrashEntry:
    """See `Folder.trash`."""
    bin = ground.bin()
    with ground.descent.writable(name) as (parent, segment):
        ground.require_file(parent, segment, name, expected)
        with bin.slot(name) as slot:
            try:
                os.rename(segment, FILE, src_dir_fd=parent, dst_dir_fd=slot.fd)
            except OSError as error:
                raise _or_changed(error, name) from error
            moved = os.stat(FILE, dir_fd=slot.fd, follow_symlinks=False)
            if not holds(moved, expected):
                # It was edited in between: back to its name, unless that is taken again.
                with contextlib.suppress(FileExistsError):
                    rename_new(FILE, slot.fd, segment, parent, ground.can)
                raise changed(name)
            if durable:
                sync_folder(slot.fd)
                sync_folder(bin.fd)
                sync_folder(parent)
    return slot.entry(moved)


def set_attributes(ground: Ground, name: str, expected: Stamp, mode: int | None, mtime_ns: int | None) -> Stamp:
    """See `Folder.set_attributes`."""
    with ground.descent.writable(name) as (parent, segment):
        ground.require_file(parent, segment, name, expected)
        try:
            fd = os.open(segment, _FILE | os.O_CLOEXEC, dir_fd=parent)
        except OSError as error:
            raise _or_changed(error, name) from error
    try:
        # An edit just before the time is set would get the time of the old content, and might never be seen.
        with without_writers(fd) as writers:
            if stamp_of(os.fstat(fd)) != expected or (writers is Writers.SOME and mtime_ns is not None):
                raise changed(name)
            if mode is not None:
                set_mode(fd, mode | 0o400)
            if mtime_ns is not None:
                set_time(fd, mtime_ns)
            return stamp_of(os.fstat(fd))
    finally:
        os.close(fd)


def _or_changed(error: OSError, name: str) -> Exception:
    return changed(name) if error.errno in _GONE else error
