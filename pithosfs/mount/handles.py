"""Open handles: reading, writing, and when what was written reaches the journal.

After `flush` (a program's `close()`) the content is in the journal and survives the end of this process; after
`fsync` it survives a power cut, or is on the cloud when the mount was asked for that.
"""

from __future__ import annotations

import errno
import itertools
import logging
import os
import time
from dataclasses import dataclass, replace

from pithosfs.errors import QuotaExceeded
from pithosfs.mount import attributes
from pithosfs.mount.content import Content
from pithosfs.mount.journal import Journal, Pending, State
from pithosfs.mount.nodes import Node, etag_of
from pithosfs.mount.openfiles import WRITING, Contents, OpenFile, OpenFiles
from pithosfs.mount.reader import Reader
from pithosfs.mount.rows import content_row
from pithosfs.mount.space import Space
from pithosfs.mount.uploader import Uploader
from pithosfs.store import ObjectInfo, ObjectPath

__all__ = ["Handles", "Opened"]

log = logging.getLogger(__name__)

FSYNC_REMOTE_LIMIT = 300.0  # seconds that an fsync may take to reach the cloud


@dataclass(frozen=True, slots=True)
class Opened:
    """An open file: its handle, and whether what the kernel has cached of it is still right."""

    fh: int
    keep_cache: bool
    direct_io: bool = False


@dataclass(slots=True)
class _Handle:
    """One open handle: on a file, or on an old version of one."""

    file: OpenFile | None
    version: Reader | None
    flags: int


class Handles:
    """All open handles of a mount. `fsync` is `local` or `remote`."""

    def __init__(
        self,
        journal: Journal,
        uploader: Uploader,
        opened: OpenFiles,
        contents: Contents,
        space: Space,
        *,
        fsync: str,
    ) -> None:
        self._journal = journal
        self._uploader = uploader
        self._opened = opened
        self._contents = contents
        self._space = space
        self._fsync = fsync
        self._handles: dict[int, _Handle] = {}
        self._numbers = itertools.count(1)
        self._kept: dict[ObjectPath, tuple[str, int]] = {}

    def __len__(self) -> int:
        return len(self._handles)

    # opening --------------------------------------------------------------------------------------------------------

    def open_version(self, reader: Reader, flags: int) -> Opened:
        """A handle on an old version, which never changes."""
        return Opened(self._number(_Handle(None, reader, flags)), keep_cache=True)

    def open_new(self, file: OpenFile, path: ObjectPath, flags: int) -> Opened:
        """A handle on a file that was just made."""
        return Opened(self._number(_Handle(self._opened.share(path, file), None, flags)), keep_cache=False)

    def open_node(self, node: Node, flags: int) -> Opened:
        """A handle on a file that is there; O_TRUNC empties it."""
        file = self._opened.share(node.path, self._file_of(node))
        handle = self._number(_Handle(file, None, flags))
        if flags & os.O_TRUNC:
            self._truncate(file, 0)
        shown = (file.identity, file.size)
        of_parts = node.info is not None and node.info.is_manifest  # they change without it
        keep = not file.dirty and not of_parts and self._kept.get(node.path) == shown
        if not file.dirty:
            self._kept[node.path] = shown
        return Opened(handle, keep_cache=keep)

    def _number(self, handle: _Handle) -> int:
        number = next(self._numbers)
        self._handles[number] = handle
        return number

    def _file_of(self, node: Node) -> OpenFile:
        file = self._opened.get(node.path)
        if file is not None and not file.outdated(node.base, unsent=node.pending is not None):
            return file
        row, info = node.pending, node.info
        meta = row.meta if row is not None else (info.meta or {} if info is not None else {})
        content_type = row.content_type if row is not None else (info.content_type if info is not None else "")
        made = OpenFile(
            node.path,
            node.attributes,
            {key: value for key, value in meta.items() if key not in attributes.OWN_KEYS},
            content_type,
            node.base,
            info,
            sharing=row.sharing if row is not None else None,
            public=row.public if row is not None else None,
            counted=node.size,
        )
        if row is not None and row.content is not None:
            made.content = self._contents.pending(row)
        elif info is not None:
            made.reader = self._contents.reader(node.path, info)
        return made

    def file(self, fh: int | None) -> OpenFile | None:
        """The open file of a handle, None for old versions and unknown handles."""
        handle = self._handles.get(fh) if fh is not None else None
        return handle.file if handle is not None else None

    # reading and writing --------------------------------------------------------------------------------------------

    def read(self, fh: int, size: int, offset: int) -> bytes:
        """Up to `size` bytes from `offset`; fewer only at the end."""
        handle = self._handles.get(fh)
        if handle is None:
            raise _oserror(errno.EBADF, fh)
        if handle.file is None:
            return handle.version.read(offset, size) if handle.version is not None else b""
        content, reader = handle.file.content, handle.file.reader
        if content is not None:
            return content.read(offset, size)
        return reader.read(offset, size) if reader is not None else b""

    def write(self, fh: int, data: bytes, offset: int) -> int:
        """Write all of `data` at `offset`. Raises EDQUOT, ENOSPC."""
        handle = self._handles.get(fh)
        if handle is None or handle.file is None or not handle.flags & WRITING:
            raise _oserror(errno.EBADF, fh)
        file = handle.file
        content = self._writable(file)
        if offset + len(data) > content.size:
            self._check_space(file, offset + len(data))
        written = content.write(offset, data)
        file.touch()
        return written

    def truncate(self, fh: int, length: int) -> None:
        """Cut or extend an open file to `length` bytes."""
        file = self.file(fh)
        if file is None:
            raise _oserror(errno.EBADF, fh)
        self._truncate(file, length)

    def _truncate(self, file: OpenFile, length: int) -> None:
        if length == 0 and file.content is None and file.path is not None:
            # Nothing of the old content is needed: not even its hashmap.
            made = self._contents.empty(file.path)
            with file.lock:
                if file.content is None:
                    file.content = made
                    file.touch()
                    return
            made.discard()
        content = self._writable(file)
        if length > content.size:
            self._check_space(file, length)
        content.truncate(length)
        file.touch()

    def _writable(self, file: OpenFile) -> Content:
        content = file.content
        if content is not None:
            return content
        if file.reader is None:
            raise _oserror(errno.EIO, file.path or "unlinked file")
        # The hashmap may have to be asked for: outside of the lock, and the first to have it wins.
        made = self._contents.over(file.reader)
        with file.lock:
            if file.content is None:
                file.content = made
                return made
            present = file.content
        made.discard()
        return present

    def _check_space(self, file: OpenFile, size: int) -> None:
        if size > file.counted and (file.path is None or file.path.account == self._space.account):
            if self._uploader.over_quota:
                raise _oserror(errno.EDQUOT, file.path or "unlinked file")
            self._space.check(size - file.counted)

    # keeping --------------------------------------------------------------------------------------------------------

    def flush(self, fh: int) -> None:
        """A program's close(): afterwards the content is in the journal."""
        file = self.file(fh)
        if file is not None:
            self.commit(file)

    def fsync(self, fh: int) -> None:
        """Afterwards the content survives a power cut, or is on the cloud."""
        file = self.file(fh)
        if file is None:
            return
        if self._fsync != "remote":
            self.commit(file, state=State.OPEN, durable=True)
            return
        self.commit(file)
        if file.path is not None:
            failed = self._uploader.drain(file.path, deadline=time.monotonic() + FSYNC_REMOTE_LIMIT)
            if failed:
                raise self.failure(failed[0])

    def failure(self, row: Pending) -> Exception:
        """The error for something that could not be sent."""
        if self._uploader.over_quota:
            return QuotaExceeded(f"{row.path}: {row.error}", 413)
        return _oserror(errno.EIO, f"{row.path}: {row.error}")

    def commit(self, file: OpenFile, *, state: State = State.PENDING, durable: bool = False) -> None:
        """Put the present content of an open file into the journal.

        With state OPEN the uploader leaves it alone until the file is closed; a restart sends it.
        """
        with file.lock:
            path = file.path
            if path is None:
                return
            row = self._journal.get(path)
            ready_at = time.time() + self._uploader.settle
            if not file.dirty:
                self._commit_again(file, row, state, durable)
                return
            content = self._writable(file)
            self.forget(path)  # what the kernel has cached is newer than what was last opened
            file.dirty = False
            try:
                hashmap = content.seal()
                if durable:
                    content.sync()
                made = content_row(file, path, hashmap, row, state=state, ready_at=ready_at)
                self._journal.put(made, durable=durable)
            except BaseException:
                file.dirty = True
                raise
            file.counted = max(file.counted, hashmap.size)

    def _commit_again(self, file: OpenFile, row: Pending | None, state: State, durable: bool) -> None:
        """Nothing changed since the last commit: only a promise may be new."""
        if row is None or row.kind == "gone":
            return
        closing = row.state is State.OPEN and state is State.PENDING
        if not closing and not durable:
            return
        if durable and file.content is not None:
            file.content.sync()
        ready_at = time.time() + self._uploader.settle

        def promised(now: Pending) -> Pending:
            return replace(now, state=State.PENDING if closing else now.state, ready_at=ready_at)

        self._journal.update(row.path, promised, durable=durable)

    def commit_all(self, below: ObjectPath | None = None) -> None:
        """Put every changed open file (at and below a path) into the journal as it is now."""
        for file in self._opened.all_changed(below):
            self.commit(file)

    def release(self, fh: int) -> None:
        """The last use of a handle. `flush` has committed it; mapped writes may have come after that."""
        handle = self._handles.pop(fh, None)
        if handle is None or handle.file is None:
            return
        file = handle.file
        try:
            if handle.flags & WRITING:
                self.commit(file)
        except BaseException as trouble:
            # close() is over: nobody but the log can be told.
            log.error("%s: what was written last could not be kept: %s", file.path, trouble)
            raise
        finally:
            if self._opened.release(file) and file.content is not None:
                file.content.discard()

    # what happens to names ------------------------------------------------------------------------------------------

    def forget(self, path: ObjectPath) -> None:
        """What the kernel has cached under a name is another file's now."""
        self._kept.pop(path, None)

    def sent(self, path: ObjectPath, info: ObjectInfo) -> None:
        """The uploader brought a file to the cloud: its next change is based on that."""
        file = self._opened.get(path)
        if file is not None:
            with file.lock:
                file.base = etag_of(info)
                file.base_info = info


def _oserror(code: int, subject: object) -> OSError:
    return OSError(code, os.strerror(code), str(subject))
