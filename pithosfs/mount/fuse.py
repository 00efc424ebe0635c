"""The adapter: fusepy's `Operations` interface over the file system, and the running of a mount.

Nothing of the file system's behaviour is here, with one exception: files that are unlinked while they are open.
libfuse's high-level interface knows files by path only, so it gives such a file a hidden name (".fuse_hidden…") and
removes that at the last close; without (`hard_remove`) fstat() on it fails. Here the hidden name stays a fiction
between libfuse and this module: it stands for the open handle, the file system is told to unlink, and nothing with
that name is ever made. When a rename replaces an open file libfuse hides the target the same way first; then the file
system hears only of the rename itself, which stays atomic.
"""

from __future__ import annotations

import errno
import itertools
import logging
import os
import re
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from pithosfs.mount.binding import Binding
from pithosfs.mount.callbacks import StatValues
from pithosfs.mount.options import MountOptions
from pithosfs.mount.session import Request, Session

__all__ = ["Operations", "Served", "attach", "kernel_timeout", "mount_options", "raise_read_ahead"]

log = logging.getLogger(__name__)

FUSE_UNLINK, FUSE_RENAME, FUSE_RENAME2 = 10, 12, 45  # linux/fuse.h

# How long the kernel may believe what it knows where changes are pushed into it (libfuse 3), in seconds.
PUSHED_TIMEOUT = 30.0
MAX_WRITE = 1 << 20
READ_AHEAD_KIB = 1024
MAX_BACKGROUND = 64  # read-ahead requests at once; the kernel's 12 are few for a cloud

# Bits of fuse_conn_info.want (libfuse 3)
CAP_ATOMIC_O_TRUNC = 1 << 3
CAP_SPLICE_WRITE, CAP_SPLICE_MOVE, CAP_SPLICE_READ = 1 << 7, 1 << 8, 1 << 9
CAP_READDIRPLUS_AUTO = 1 << 14
CAP_HANDLE_KILLPRIV = 1 << 20

_HIDDEN = re.compile(r".*/\.fuse_hidden[0-9a-f]{16}", re.DOTALL)


class _Opened(Protocol):
    @property
    def fh(self) -> int: ...
    @property
    def keep_cache(self) -> bool: ...
    @property
    def direct_io(self) -> bool: ...


class _StatFs(Protocol):
    @property
    def block_size(self) -> int: ...
    @property
    def blocks(self) -> int: ...
    @property
    def free(self) -> int: ...
    @property
    def files(self) -> int: ...
    @property
    def name_max(self) -> int: ...


class Served(Protocol):
    """What is mounted: `pithosfs.mount.filesystem.Filesystem`. Errors are OSError or `pithosfs.errors`."""

    invalidate: Callable[[str], None] | None

    def getattr(self, path: str, fh: int | None = None) -> StatValues: ...
    def readdir(self, path: str) -> Sequence[tuple[str, Any]]: ...
    def readlink(self, path: str) -> str: ...
    def chmod(self, path: str, mode: int) -> None: ...
    def chown(self, path: str, uid: int, gid: int) -> None: ...
    def utimens(self, path: str, atime_ns: int | None, mtime_ns: int | None, fh: int | None = None) -> None: ...
    def mkdir(self, path: str, mode: int, owner: tuple[int, int] | None = None) -> None: ...
    def rmdir(self, path: str) -> None: ...
    def unlink(self, path: str) -> None: ...
    def symlink(self, target: str, path: str, owner: tuple[int, int] | None = None) -> None: ...
    def link(self, target: str, path: str) -> None: ...
    def mknod(self, path: str, mode: int, device: int) -> None: ...
    def rename(self, old: str, new: str, flags: int = 0) -> None: ...
    def create(self, path: str, mode: int, flags: int, owner: tuple[int, int] | None = None) -> _Opened: ...
    def open(self, path: str, flags: int) -> _Opened: ...
    def read(self, fh: int, size: int, offset: int) -> bytes: ...
    def write(self, fh: int, data: bytes, offset: int) -> int: ...
    def truncate(self, path: str, length: int, fh: int | None = None) -> None: ...
    def flush(self, fh: int) -> None: ...
    def fsync(self, fh: int, datasync: bool = False) -> None: ...
    def release(self, fh: int) -> None: ...
    def statfs(self, path: str) -> _StatFs: ...
    def listxattr(self, path: str) -> list[str]: ...
    def getxattr(self, path: str, name: str) -> bytes: ...
    def setxattr(self, path: str, name: str, value: bytes, flags: int = 0) -> None: ...
    def removexattr(self, path: str, name: str) -> None: ...


class _OpenPaths:
    """Which handles are open under which path, as libfuse sees it. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._paths: dict[int, str] = {}
        self._handles: dict[str, set[int]] = {}

    def opened(self, fh: int, path: str) -> None:
        with self._lock:
            self._paths[fh] = path
            self._handles.setdefault(path, set()).add(fh)

    def released(self, fh: int) -> None:
        with self._lock:
            path = self._paths.pop(fh, None)
            if path is not None and (handles := self._handles.get(path)) is not None:
                handles.discard(fh)
                if not handles:
                    del self._handles[path]

    def handle(self, path: str) -> int | None:
        """Any handle that is open on a path."""
        with self._lock:
            return next(iter(self._handles.get(path, ())), None)

    def path(self, fh: int) -> str | None:
        return self._paths.get(fh)

    def moved(self, old: str, new: str) -> None:
        """A path, or everything below a folder, has a new name. What was open under the new one has none now."""
        below = old + "/"
        with self._lock:
            for path in [one for one in self._handles if one == old or one.startswith(below)]:
                target = new + path[len(old) :]
                handles = self._handles.pop(path)
                self._handles.setdefault(target, set()).update(handles)
                for fh in handles:
                    self._paths[fh] = target


class Operations:
    """fusepy's interface. Paths are str (surrogate escapes for undecodable bytes), None where libfuse has lost them.

    A handle of `open`, `read` and so on is libfuse's file info itself (`raw_fi`); elsewhere it is the number.
    """

    use_ns = True
    flag_utime_omit_ok = 1  # libfuse 2: without it, setting only one of the two times would be ignored
    flag_nullpath_ok = 1

    def __init__(
        self,
        filesystem: Served,
        *,
        request: Callable[[], Request] = Request,
        caller: Callable[[], tuple[int, int] | None] = lambda: None,
        initialized: Callable[[], None] = lambda: None,
        timeout: float = 0.0,
    ) -> None:
        self._filesystem = filesystem
        self._request = request
        self._caller = caller
        self._initialized = initialized
        self._timeout = timeout
        self._open = _OpenPaths()
        self._hidden: set[str] = set()
        self._folder_numbers = itertools.count(1)
        self._folders: dict[int, list[tuple[str, Any]]] = {}

    def __call__(self, operation: str, *arguments: Any) -> Any:
        """How fusepy calls."""
        return getattr(self, operation)(*arguments)

    def init_with_config(self, connection: Any, config: Any) -> None:
        """The first request has arrived: libfuse 3 is tuned here, libfuse 2 was by options."""
        if connection is not None and config is not None:
            connection.max_write = MAX_WRITE
            connection.max_background = MAX_BACKGROUND
            connection.congestion_threshold = MAX_BACKGROUND * 3 // 4
            # Splicing would move written data through a pipe that we read back at once.
            connection.want &= ~(CAP_SPLICE_READ | CAP_SPLICE_WRITE | CAP_SPLICE_MOVE | CAP_HANDLE_KILLPRIV)
            connection.want |= connection.capable & CAP_ATOMIC_O_TRUNC
            connection.want &= ~CAP_READDIRPLUS_AUTO
            config.use_ino = 1
            config.entry_timeout = self._timeout
            config.attr_timeout = self._timeout
            config.negative_timeout = 0.0  # a path that the kernel does not know cannot be pushed
        self._initialized()

    # attributes -----------------------------------------------------------------------------------------------------

    def getattr(self, path: str | None, fh: int | None = None) -> StatValues:
        where, handle = self._where(path, fh)
        return self._filesystem.getattr(where, handle)

    def chmod(self, path: str | None, mode: int, fh: int | None = None) -> None:
        if (named := self._named(path, fh)) is not None:
            self._filesystem.chmod(named, mode)

    def chown(self, path: str | None, uid: int, gid: int, fh: int | None = None) -> None:
        if (named := self._named(path, fh)) is not None:
            self._filesystem.chown(named, uid, gid)

    def utimens(self, path: str | None, times: tuple[int | None, int | None], fh: int | None = None) -> None:
        if (named := self._named(path, fh)) is not None:
            self._filesystem.utimens(named, times[0], times[1])

    def truncate(self, path: str | None, length: int, fh: int | None = None) -> None:
        where, handle = self._where(path, fh)
        self._filesystem.truncate(where, length, handle)

    def statfs(self, path: str) -> dict[str, int]:
        sizes = self._filesystem.statfs(path)
        return {
            "f_bsize": sizes.block_size,
            "f_frsize": sizes.block_size,
            "f_blocks": sizes.blocks,
            "f_bfree": sizes.free,
            "f_bavail": sizes.free,
            "f_files": sizes.files,
            "f_ffree": sizes.files,
            "f_favail": sizes.files,
            "f_namemax": sizes.name_max,
        }

    def listxattr(self, path: str) -> list[str]:
        return self._filesystem.listxattr(path)

    def getxattr(self, path: str, name: str, *_position: int) -> bytes:
        return self._filesystem.getxattr(path, name)

    def setxattr(self, path: str, name: str, value: bytes, options: int, *_position: int) -> None:
        self._filesystem.setxattr(path, name, value, options)

    def removexattr(self, path: str, name: str) -> None:
        self._filesystem.removexattr(path, name)

    # names ----------------------------------------------------------------------------------------------------------

    def opendir(self, _path: str) -> int:
        return next(self._folder_numbers)

    def readdir(self, path: str | None, fh: int, offset: int) -> Sequence[tuple[str, Any]]:
        """All entries; a handle that reads on after `offset` entries sees the folder as it was when it began."""
        if offset == 0 or fh not in self._folders:
            if path is None:
                raise OSError(errno.ENOENT, os.strerror(errno.ENOENT))
            self._folders[fh] = [(".", None), ("..", None), *self._filesystem.readdir(path)]
        return self._folders[fh]

    def releasedir(self, _path: str | None, fh: int) -> None:
        self._folders.pop(fh, None)

    def readlink(self, path: str) -> str:
        return self._filesystem.readlink(path)

    def mkdir(self, path: str, mode: int) -> None:
        self._filesystem.mkdir(path, mode, self._caller())

    def rmdir(self, path: str) -> None:
        self._filesystem.rmdir(path)

    def symlink(self, path: str, target: str) -> None:
        self._filesystem.symlink(target, path, self._caller())

    def link(self, path: str, target: str) -> None:
        self._filesystem.link(target, path)

    def mknod(self, path: str, mode: int, device: int) -> None:
        self._filesystem.mknod(path, mode, device)

    def unlink(self, path: str) -> None:
        if path in self._hidden:
            self._hidden.discard(path)  # libfuse gives a hidden name up at the last close: nothing has it
            return
        self._filesystem.unlink(path)

    def rename(self, old: str, new: str, flags: int = 0) -> None:
        if self._hides(new):
            if self._request().code == FUSE_UNLINK:
                self._filesystem.unlink(old)
            # else the rename that replaces `old` follows at once, in this same request
            self._hidden.add(new)
            self._open.moved(old, new)
            return
        self._filesystem.rename(old, new, flags)
        self._open.moved(old, new)

    def _hides(self, new: str) -> bool:
        """Whether a rename to `new` is libfuse's own, to hide an open file, and not what a program asked for."""
        if not _HIDDEN.fullmatch(new):
            return False
        request = self._request()
        if request.code == FUSE_UNLINK:
            return True
        return request.code in (FUSE_RENAME, FUSE_RENAME2) and request.new_name != os.fsencode(new.rpartition("/")[2])

    def _where(self, path: str | None, fh: int | None) -> tuple[str, int | None]:
        """A path and handle to go by: a lost path is that of the handle, a hidden one stands for an open handle."""
        if path is None:
            path = self._open.path(fh) if fh is not None else None
            if path is None:
                raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))
        if path in self._hidden and fh is None:
            fh = self._open.handle(path)
            if fh is None:
                raise OSError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        return path, fh

    def _named(self, path: str | None, fh: int | None) -> str | None:
        """The path to change attributes of; None for a file without a name, whose attributes nobody will see again."""
        where, _ = self._where(path, fh)
        return None if where in self._hidden else where

    # contents -------------------------------------------------------------------------------------------------------

    def create(self, path: str, mode: int, info: Any) -> None:
        self._note(path, self._filesystem.create(path, mode, info.flags, self._caller()), info)

    def open(self, path: str, info: Any) -> None:
        self._note(path, self._filesystem.open(path, info.flags), info)

    def _note(self, path: str, opened: _Opened, info: Any) -> None:
        info.fh = opened.fh
        info.keep_cache = opened.keep_cache
        info.direct_io = opened.direct_io
        if info.flags & os.O_ACCMODE == os.O_RDONLY and hasattr(info, "noflush"):
            info.noflush = 1  # nothing to commit: one request less at close()
        self._open.opened(opened.fh, path)

    def read(self, _path: str | None, size: int, offset: int, info: Any) -> bytes:
        return self._filesystem.read(info.fh, size, offset)

    def write(self, _path: str | None, data: bytes, offset: int, info: Any) -> int:
        return self._filesystem.write(info.fh, data, offset)

    def flush(self, _path: str | None, info: Any) -> None:
        self._filesystem.flush(info.fh)

    def fsync(self, _path: str | None, datasync: int, info: Any) -> None:
        self._filesystem.fsync(info.fh, bool(datasync))

    def release(self, _path: str | None, info: Any) -> None:
        fh = info.fh
        try:
            self._filesystem.release(fh)
        finally:
            self._open.released(fh)


# mounting -----------------------------------------------------------------------------------------------------------


def kernel_timeout(binding: Binding, attr_timeout: float) -> float:
    """How long the kernel may use names and attributes without asking, in seconds.

    Where changes can be pushed into it that is longer than the time in which they are noticed here; 0 (always ask)
    stays 0.
    """
    if binding.major == 3 and attr_timeout > 0:
        return max(PUSHED_TIMEOUT, attr_timeout)
    return attr_timeout


def mount_options(binding: Binding, options: MountOptions) -> list[str]:
    """The options that libfuse is started with."""
    # The modes and owners of files in a cloud are anybody's to set: no set-uid programs, no devices.
    chosen = ["fsname=pithosfs", "subtype=pithosfs", "default_permissions", "nosuid", "nodev", "noatime"]
    if options.read_only:
        chosen.append("ro")
    if options.allow_other:
        chosen.append("allow_other")
    if binding.major == 2:
        timeout = kernel_timeout(binding, options.attr_timeout)
        chosen += ["use_ino", "big_writes", "atomic_o_trunc", f"max_background={MAX_BACKGROUND}"]
        chosen += [f"entry_timeout={timeout}", f"attr_timeout={timeout}", "negative_timeout=0"]
    return chosen


def attach(filesystem: Served, options: MountOptions, binding: Binding) -> Session:
    """A session that serves a file system at its mount point; nothing is mounted before `Session.mount`.

    Where the library can do it, `filesystem.invalidate` becomes the way to make the kernel forget a path.
    """

    def caller() -> tuple[int, int]:
        context = binding.library.fuse_get_context().contents
        return context.uid, context.gid

    operations = Operations(
        filesystem,
        request=lambda: session.request,
        caller=caller,
        initialized=lambda: session.initialized.set(),
        timeout=kernel_timeout(binding, options.attr_timeout),
    )
    session = Session(binding, operations, options.mount_point, mount_options(binding, options))
    if binding.major == 3:
        filesystem.invalidate = session.invalidate
    return session


def raise_read_ahead(mount_point: str) -> None:
    """Let the kernel read further ahead than its 128 KiB; only root may, and nobody else has to."""
    try:
        device = Path(mount_point).stat().st_dev
        setting = Path(f"/sys/class/bdi/{os.major(device)}:{os.minor(device)}/read_ahead_kb")
        setting.write_text(f"{READ_AHEAD_KIB}\n")
    except OSError as trouble:
        log.debug("read-ahead stays as it is: %s", trouble)
