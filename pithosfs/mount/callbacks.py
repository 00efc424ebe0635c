"""What libfuse calls: the bindings' callbacks, with those replaced in which they lose something.

The classes of fusepy and mfusepy turn C arguments into Python ones and back. They are used as they are where they do
that fully. Replaced are: attributes (packed at once instead of field by field), `readdir` (neither passes attributes
on), `rename` (the flags are dropped: a rename that must not replace would), `truncate`, `chmod`, `chown`, `utimens`
(the open handle is dropped; UTIME_NOW and UTIME_OMIT look like ordinary times), and the wrapper around every call,
which is where an error becomes an errno.
"""

from __future__ import annotations

import codecs
import ctypes
import errno
import logging
import struct
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Protocol

from pithosfs.mount.binding import Binding
from pithosfs.mount.errno import errno_of, is_expected

__all__ = ["NAMES", "ErrorLog", "StatLayout", "StatValues", "build"]

log = logging.getLogger("pithosfs.mount.fuse")

# fusepy decodes names strictly; names are bytes, so it is given a codec that never fails.
NAMES = "utf_8_names"

UTIME_NOW = (1 << 30) - 1
UTIME_OMIT = (1 << 30) - 2
FILL_DIR_PLUS = 1 << 1
READDIR_PLUS = 1 << 0
NOBODY = 0xFFFFFFFF  # -1 as chown(2) says it: leave as it is

# Everything that is handed to libfuse. What is missing here it answers itself: locks are the kernel's own, access is
# checked by the kernel (default_permissions), ioctl and bmap make no sense.
OPERATIONS = (
    "getattr", "fgetattr", "readlink", "mknod", "mkdir", "unlink", "rmdir", "symlink", "rename", "link", "chmod",
    "chown", "truncate", "ftruncate", "open", "read", "write", "statfs", "flush", "release", "fsync", "setxattr",
    "getxattr", "listxattr", "removexattr", "opendir", "readdir", "releasedir", "init", "create", "utimens",
)  # fmt: skip


def _names_codec(name: str) -> codecs.CodecInfo | None:
    if name != NAMES:
        return None
    return codecs.CodecInfo(
        lambda text, _errors="strict": (text.encode("utf-8", "surrogateescape"), len(text)),
        lambda raw, _errors="strict": (str(raw, "utf-8", "surrogateescape"), len(raw)),
        name=NAMES,
    )


codecs.register(_names_codec)


class StatValues(Protocol):
    """The attributes that are shown (`pithosfs.mount.nodes.Stat`)."""

    @property
    def mode(self) -> int: ...
    @property
    def size(self) -> int: ...
    @property
    def mtime_ns(self) -> int: ...
    @property
    def ctime_ns(self) -> int: ...
    @property
    def atime_ns(self) -> int: ...
    @property
    def uid(self) -> int: ...
    @property
    def gid(self) -> int: ...
    @property
    def ino(self) -> int: ...
    @property
    def nlink(self) -> int: ...


class StatLayout:
    """Packs attributes into a C `struct stat` in one step, whatever this machine's layout of it is."""

    def __init__(self, c_stat: Any) -> None:
        self.size = ctypes.sizeof(c_stat)
        wanted = {
            "st_mode": 0, "st_ino": 1, "st_nlink": 2, "st_uid": 3, "st_gid": 4, "st_size": 5, "st_blksize": 6,
            "st_blocks": 7,
        }  # fmt: skip
        cells: list[tuple[int, int, bool, int]] = []  # offset, length, signed, which value
        for name, kind, *_ in c_stat._fields_:
            start = getattr(c_stat, name).offset
            if name in wanted:
                cells.append((start, ctypes.sizeof(kind), False, wanted[name]))
            elif name in ("st_atimespec", "st_mtimespec", "st_ctimespec"):
                first = 8 + 2 * ("st_atimespec", "st_mtimespec", "st_ctimespec").index(name)
                for part, index in (("tv_sec", first), ("tv_nsec", first + 1)):
                    cell = getattr(kind, part)
                    cells.append((start + cell.offset, cell.size, True, index))
        cells.sort()
        form, at = "=", 0
        for start, length, signed, _ in cells:
            letter = {2: "h", 4: "i", 8: "q"}[length]
            form += "x" * (start - at) + (letter if signed else letter.upper())
            at = start + length
        self._struct = struct.Struct(form + "x" * (self.size - at))
        self._order = [which for *_, which in cells]

    def pack(self, shown: StatValues) -> bytes:
        size = shown.size
        values = (
            shown.mode,
            shown.ino,
            shown.nlink,
            shown.uid,
            shown.gid,
            size,
            4096,
            -(-size // 512),
            *divmod(shown.atime_ns, 1_000_000_000),
            *divmod(shown.mtime_ns, 1_000_000_000),
            *divmod(shown.ctime_ns, 1_000_000_000),
        )
        return self._struct.pack(*[values[which] for which in self._order])


class ErrorLog:
    """Says in the log why programs get errors: faults of ours in full, a cloud that is away once in a while."""

    PERIOD = 60.0  # seconds for which one message is not repeated
    KEPT = 256  # messages that are remembered

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._said: dict[str, float] = {}

    def errno(self, operation: str, error: BaseException) -> int:
        """The errno to answer with; what a person should know of is logged."""
        code = errno_of(error)
        if not is_expected(error):
            log.error("%s failed", operation, exc_info=error)
        elif code == errno.EIO and self._due(f"{operation}: {error}"):
            log.warning("%s: input/output error: %s", operation, error)
        return code

    def _due(self, message: str) -> bool:
        now = self._clock()
        with self._lock:
            if now - self._said.get(message, -self.PERIOD) < self.PERIOD:
                return False
            if len(self._said) >= self.KEPT:
                self._said.clear()
            self._said[message] = now
            return True


class _Callbacks:
    """The callbacks that replace those of the binding; mixed into its `FUSE` class, whose constructor is not run."""

    operations: Any
    encoding: str
    errors: str
    raw_fi = True
    use_ns = True
    layout: StatLayout
    error_log: ErrorLog
    c_stat: Any

    def _wrapper(self, func: Callable[..., Any], *args: Any) -> Any:
        try:
            return func(*args) or 0
        except BaseException as error:  # noqa: BLE001 (nothing may be raised into C)
            return -self.error_log.errno(func.__name__, error)

    def _text(self, raw: bytes | None) -> str | None:
        return None if raw is None else str(raw, "utf-8", "surrogateescape")

    # attributes; the handle (fip) comes with libfuse 3, and with the f… variants of libfuse 2

    def getattr(self, path: bytes | None, buffer: Any, fip: Any = None) -> int:
        shown = self.operations.getattr(self._text(path), fip.contents.fh if fip else None)
        ctypes.memmove(buffer, self.layout.pack(shown), self.layout.size)
        return 0

    def fgetattr(self, path: bytes | None, buffer: Any, fip: Any = None) -> int:
        return self.getattr(path, buffer, fip)

    def chmod(self, path: bytes | None, mode: int, fip: Any = None) -> int:
        self.operations.chmod(self._text(path), mode, fip.contents.fh if fip else None)
        return 0

    def chown(self, path: bytes | None, uid: int, gid: int, fip: Any = None) -> int:
        uid, gid = (-1 if number in (NOBODY, -1) else number for number in (uid, gid))
        self.operations.chown(self._text(path), uid, gid, fip.contents.fh if fip else None)
        return 0

    def truncate(self, path: bytes | None, length: int, fip: Any = None) -> int:
        self.operations.truncate(self._text(path), length, fip.contents.fh if fip else None)
        return 0

    def ftruncate(self, path: bytes | None, length: int, fip: Any = None) -> int:
        return self.truncate(path, length, fip)

    def utimens(self, path: bytes | None, times: Any, fip: Any = None) -> int:
        now = time.time_ns()
        atime: int | None = now
        mtime: int | None = now
        if times:
            atime = _timestamp(times.contents.actime, now)
            mtime = _timestamp(times.contents.modtime, now)
        self.operations.utimens(self._text(path), (atime, mtime), fip.contents.fh if fip else None)
        return 0

    # names

    def rename(self, old: bytes, new: bytes, flags: int = 0) -> int:
        self.operations.rename(self._text(old), self._text(new), flags)
        return 0

    def opendir(self, path: bytes, fip: Any) -> int:
        fip.contents.fh = self.operations.opendir(self._text(path))
        return 0

    def readdir(self, path: bytes | None, buffer: Any, filler: Any, offset: int, fip: Any, flags: int = -1) -> int:
        """As many entries from number `offset` on as fit. `flags` is -1 on libfuse 2.

        Given by number, and not all at once, because only then libfuse 3 passes their attributes on to the kernel.
        """
        entries: Sequence[tuple[str, StatValues | None]] = self.operations.readdir(
            self._text(path), fip.contents.fh, offset
        )
        shown = self.c_stat()
        address, size, pack = ctypes.addressof(shown), self.layout.size, self.layout.pack
        plain: tuple[int, ...] = () if flags < 0 else (0,)
        full: tuple[int, ...] = () if flags < 0 else (FILL_DIR_PLUS if flags & READDIR_PLUS else 0,)
        for number in range(offset, len(entries)):
            name, stat = entries[number]
            raw = name.encode("utf-8", "surrogateescape")
            if stat is None:
                complete = filler(buffer, raw, None, number + 1, *plain)
            else:
                ctypes.memmove(address, pack(stat), size)
                complete = filler(buffer, raw, shown, number + 1, *full)
            if complete:
                break
        return 0

    def getxattr(self, path: bytes, name: bytes, buffer: Any, size: int, *_position: int) -> int:
        if not name.startswith(b"user."):
            # The kernel asks for security.capability before every write and ls for ACLs of every file.
            return -errno.ENOTSUP
        value: bytes = self.operations.getxattr(self._text(path), self._text(name))
        if buffer:
            if len(value) > size:
                return -errno.ERANGE
            ctypes.memmove(buffer, value, len(value))
        return len(value)

    def init(self, connection: Any, config: Any = None) -> int:
        self.operations.init_with_config(connection.contents if config else None, config.contents if config else None)
        return 0


def _timestamp(moment: Any, now: int) -> int | None:
    if moment.tv_nsec == UTIME_OMIT:
        return None
    if moment.tv_nsec == UTIME_NOW:
        return now
    return int(moment.tv_sec) * 1_000_000_000 + int(moment.tv_nsec)


def build(binding: Binding, operations: Any, error_log: ErrorLog) -> Any:
    """The C table of callbacks. The caller keeps it alive as long as libfuse may call."""
    module = binding.module
    made: Any = object.__new__(type("Callbacks", (_Callbacks, module.FUSE), {}))
    made.operations = operations
    made.encoding = "utf-8" if "errors" in module.FUSE.__init__.__code__.co_varnames else NAMES
    made.errors = "surrogateescape"
    made.layout = StatLayout(module.c_stat)
    made.c_stat = module.c_stat
    made.error_log = error_log
    table = module.fuse_operations()
    for name, prototype, *width in module.fuse_operations._fields_:
        if width:
            setattr(table, name, int(getattr(operations, name, 0)))
        elif name in OPERATIONS:
            method = None if hasattr(_Callbacks, name) else getattr(made, f"{name}_fuse_{binding.major}", None)
            setattr(table, name, prototype(partial(made._wrapper, method or getattr(made, name))))
    return table
