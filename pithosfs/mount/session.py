"""One kernel mount: libfuse's session, with requests read by threads of our own.

libfuse's own loop would call Python from threads that Python does not know: each call would make and throw away a
thread state, thread-local things (SQLite connections) with it. Reading the requests here also tells which kernel
request a callback belongs to (`Session.request`), which libfuse's high-level interface hides.

Threads: `_lock` guards the counters of the request threads only and is never held during a call into libfuse.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import functools
import logging
import os
import queue
import signal
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pithosfs.errors import LocalError
from pithosfs.mount import callbacks
from pithosfs.mount.binding import Binding

__all__ = ["Request", "Session", "unmount"]

log = logging.getLogger(__name__)

# Requests that wait for the network hold a thread each; 24 keep a mount answering while 20 files are fetched.
MAX_THREADS = 24
LEAVE_GRACE = 5.0  # seconds that open files of other programs may take after a lazy unmount
KICK_SIGNAL = signal.SIGUSR1


class _Args(ctypes.Structure):
    _fields_ = [("argc", ctypes.c_int), ("argv", ctypes.POINTER(ctypes.c_char_p)), ("allocated", ctypes.c_int)]


class _Buffer(ctypes.Structure):
    _fields_ = [
        ("size", ctypes.c_size_t),
        ("flags", ctypes.c_int),
        ("mem", ctypes.c_void_p),
        ("fd", ctypes.c_int),
        ("pos", ctypes.c_int64),
        ("reserved", ctypes.c_uint64 * 8),  # newer libraries have more fields
    ]


_IN_PIPE = 1 << 1  # FUSE_BUF_IS_FD: the request is in a pipe, not in memory
_HEADER = struct.Struct("=II")  # fuse_in_header: length, opcode, and 32 bytes more
_HEADER_SIZE = 40


@dataclass(frozen=True, slots=True)
class Request:
    """A request of the kernel: its code (FUSE_UNLINK …; 0 when not known) and, for a rename, the new name."""

    code: int = 0
    new_name: bytes = b""

    @classmethod
    def at(cls, address: int) -> Request:
        length, code = _HEADER.unpack(ctypes.string_at(address, _HEADER.size))
        skipped = _BEFORE_NAMES.get(code)
        if skipped is None:
            return cls(code)
        start = _HEADER_SIZE + skipped
        names = ctypes.string_at(address + start, length - start).split(b"\0")
        return cls(code, names[1] if len(names) > 1 else b"")


_BEFORE_NAMES = {12: 8, 45: 16}  # FUSE_RENAME, FUSE_RENAME2: new folder (and flags), then both names


class Session:
    """A mount from `mount()` to the end of `serve()`.

    `operations` is called with fusepy's interface; `options` are mount options ("ro", "fsname=x").
    """

    def __init__(self, binding: Binding, operations: Any, mount_point: str, options: Sequence[str]) -> None:
        self._binding = binding
        self._library = binding.library
        self._mount_point = mount_point
        self._options = list(options)
        self._table = callbacks.build(binding, operations, callbacks.ErrorLog())
        self._arguments: Any = None
        self._fuse: ctypes.c_void_p | None = None
        self._session = ctypes.c_void_p()
        self._channel = ctypes.c_void_p()
        self._mounted_at = ctypes.c_char_p()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._idle = 0
        self.initialized = threading.Event()  # the kernel has sent its first request
        self._ended = threading.Event()
        self._running = 0
        self._local = threading.local()
        self._stale: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    # life -----------------------------------------------------------------------------------------------------------

    def mount(self) -> None:
        """Make the kernel mount; nothing answers before `serve`. Raises LocalError with libfuse's own words."""
        arguments = [b"pithosfs"]
        if self._options:
            arguments += [b"-o", ",".join(self._options).encode()]
        with _captured_stderr() as said:
            made = self._setup3(arguments) if self._binding.major == 3 else self._setup2(arguments)
        if not made:
            words = " ".join(said()) or "libfuse gave no reason"
            raise LocalError(f"cannot mount on {self._mount_point}: {words}")

    def serve(self) -> None:
        """Answer requests until the mount is gone; then everything of libfuse is released."""
        with self._lock:
            self._start_thread()
        pusher = threading.Thread(target=self._push, name="fuse-invalidate", daemon=True)
        if self._binding.major == 3:
            pusher.start()
        while not self._ended.wait(1.0):
            pass  # woken now and then, so that signals are seen by the interpreter on every platform
        self._stale.put(None)
        if pusher.ident is not None:
            pusher.join()
        self._destroy()

    def unmount(self, *, lazy: bool) -> str:
        """Ask the kernel to unmount; "" when it did, else why not. `lazy` takes the name away even when in use."""
        return unmount(self._binding.unmount_program, self._mount_point, lazy=lazy)

    def stop(self, grace: float = LEAVE_GRACE) -> None:
        """Unmount at once, even when files are open, and let `serve` return.

        Programs that have files open may use them for `grace` seconds more, then they get ENOTCONN. Called from the
        main thread only: it takes a signal handler to end a wait in read(2).
        """
        self.unmount(lazy=True)
        if self._ended.wait(grace):
            return
        before = signal.signal(KICK_SIGNAL, lambda _number, _frame: None)
        try:
            self._library.fuse_session_exit(self._session)
            while not self._ended.wait(0.05):
                with self._lock:
                    threads = [thread.ident for thread in self._threads if thread.is_alive() and thread.ident]
                for ident in threads:
                    with contextlib.suppress(ProcessLookupError):
                        signal.pthread_kill(ident, KICK_SIGNAL)
        finally:
            signal.signal(KICK_SIGNAL, before)

    @property
    def request(self) -> Request:
        """The kernel's request that the calling thread works on."""
        memory: int | None = getattr(self._local, "memory", None)
        return Request() if memory is None else Request.at(memory)

    def invalidate(self, path: str) -> None:
        """Make the kernel forget attributes and content of a path, soon, from a thread of its own (libfuse 3)."""
        if self._binding.major == 3:
            self._stale.put(path)

    # libfuse --------------------------------------------------------------------------------------------------------

    def _prepare(self, arguments: list[bytes]) -> _Args:
        argv = (ctypes.c_char_p * (len(arguments) + 1))(*arguments, None)
        made = _Args(len(arguments), ctypes.cast(argv, ctypes.POINTER(ctypes.c_char_p)), 0)
        self._arguments = (argv, made)
        return made

    def _setup3(self, arguments: list[bytes]) -> bool:
        library = self._library
        library.fuse_new.restype = ctypes.c_void_p
        library.fuse_new.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p]
        library.fuse_mount.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
        library.fuse_get_session.restype = ctypes.c_void_p
        library.fuse_get_session.argtypes = [ctypes.c_void_p]
        library.fuse_invalidate_path.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
        self._declare_session(receive=[ctypes.c_void_p, ctypes.c_void_p], process=[ctypes.c_void_p, ctypes.c_void_p])
        args = self._prepare(arguments)
        made = library.fuse_new(ctypes.byref(args), ctypes.byref(self._table), ctypes.sizeof(self._table), None)
        if not made:
            return False
        self._fuse = ctypes.c_void_p(made)
        if library.fuse_mount(self._fuse, os.fsencode(self._mount_point)) != 0:
            library.fuse_destroy.argtypes = [ctypes.c_void_p]
            library.fuse_destroy(self._fuse)
            self._fuse = None
            return False
        self._session = ctypes.c_void_p(library.fuse_get_session(self._fuse))
        return True

    def _setup2(self, arguments: list[bytes]) -> bool:
        library = self._library
        library.fuse_setup.restype = ctypes.c_void_p
        library.fuse_setup.argtypes = [
            ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p, ctypes.c_void_p,
            ctypes.c_void_p,
        ]  # fmt: skip
        library.fuse_get_session.restype = ctypes.c_void_p
        library.fuse_get_session.argtypes = [ctypes.c_void_p]
        library.fuse_session_next_chan.restype = ctypes.c_void_p
        library.fuse_session_next_chan.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
        library.fuse_chan_bufsize.restype = ctypes.c_size_t
        library.fuse_chan_bufsize.argtypes = [ctypes.c_void_p]
        library.fuse_unmount.argtypes = [ctypes.c_char_p, ctypes.c_void_p]
        self._declare_session(
            receive=[ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p],
            process=[ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p],
        )
        threads = ctypes.c_int()
        args = self._prepare([*arguments, b"-f", os.fsencode(self._mount_point)])
        made = library.fuse_setup(
            args.argc, args.argv, ctypes.byref(self._table), ctypes.sizeof(self._table),
            ctypes.byref(self._mounted_at), ctypes.byref(threads), None,
        )  # fmt: skip
        if not made:
            return False
        self._fuse = ctypes.c_void_p(made)
        self._session = ctypes.c_void_p(library.fuse_get_session(self._fuse))
        # libfuse 2 takes over signals; taking them back resets SIGPIPE to "die", which the interpreter ignores.
        library.fuse_remove_signal_handlers.argtypes = [ctypes.c_void_p]
        library.fuse_remove_signal_handlers(self._session)
        _libc().signal(int(signal.SIGPIPE), ctypes.c_void_p(int(signal.SIG_IGN)))
        self._channel = ctypes.c_void_p(library.fuse_session_next_chan(self._session, None))
        return True

    def _declare_session(self, *, receive: list[Any], process: list[Any]) -> None:
        library = self._library
        library.fuse_session_exited.argtypes = [ctypes.c_void_p]
        library.fuse_session_exit.argtypes = [ctypes.c_void_p]
        library.fuse_session_receive_buf.argtypes = receive
        library.fuse_session_process_buf.argtypes = process
        library.fuse_session_process_buf.restype = None

    def _destroy(self) -> None:
        fuse, self._fuse = self._fuse, None
        if fuse is None:
            return
        self._library.fuse_destroy.argtypes = [ctypes.c_void_p]
        if self._binding.major == 3:
            self._library.fuse_unmount.argtypes = [ctypes.c_void_p]
            self._library.fuse_unmount(fuse)
        else:
            self._library.fuse_unmount(self._mounted_at, self._channel)
            _libc().free(self._mounted_at)
        self._library.fuse_destroy(fuse)

    # requests -------------------------------------------------------------------------------------------------------

    def _start_thread(self) -> None:
        """Called with the lock held."""
        thread = threading.Thread(target=self._work, name=f"fuse-{len(self._threads)}", daemon=True)
        self._threads.append(thread)
        self._running += 1
        thread.start()

    def _work(self) -> None:
        try:
            if self._binding.major == 3:
                self._loop(_Buffer(), owned=False)
            else:
                room = self._library.fuse_chan_bufsize(self._channel)
                memory = ctypes.create_string_buffer(room)
                self._loop(_Buffer(room, 0, ctypes.addressof(memory), 0, 0), owned=True)
        except Exception:
            log.exception("a request thread failed")
        finally:
            with self._lock:
                self._running -= 1
                if not self._running:
                    self._ended.set()

    def _loop(self, buffer: _Buffer, *, owned: bool) -> None:
        library, session, local = self._library, self._session, self._local
        receive, process, exited = (
            library.fuse_session_receive_buf,
            library.fuse_session_process_buf,
            library.fuse_session_exited,
        )
        room, memory = buffer.size, buffer.mem
        reference = ctypes.byref(buffer)
        channel = ctypes.c_void_p(self._channel.value)
        extra: tuple[Any, ...] = (ctypes.byref(channel),) if owned else ()
        try:
            while not exited(session):
                if owned:
                    buffer.size, buffer.flags, buffer.mem = room, 0, memory
                    channel.value = self._channel.value
                with self._lock:
                    self._idle += 1
                got = receive(session, reference, *extra)
                with self._lock:
                    self._idle -= 1
                    if got > 0 and not self._idle and len(self._threads) < MAX_THREADS:
                        self._start_thread()
                if got == -errno.EINTR:
                    continue
                if got <= 0:
                    break
                local.memory = None if buffer.flags & _IN_PIPE else buffer.mem
                process(session, reference, *((channel,) if owned else ()))
        finally:
            if not owned and buffer.mem:
                _libc().free(ctypes.c_void_p(buffer.mem))

    def _push(self) -> None:
        while (path := self._stale.get()) is not None:
            # The answer only says whether the kernel knew the path.
            self._library.fuse_invalidate_path(self._fuse, path.encode("utf-8", "surrogateescape"))


def unmount(program: str, mount_point: str, *, lazy: bool) -> str:
    """Unmount a path; "" when it worked, else what the system said."""
    raw = os.fsencode(mount_point)
    if os.geteuid() == 0:
        flags = 2 if lazy else 0  # MNT_DETACH
        if _libc().umount2(raw, flags) == 0:
            return ""
        return os.strerror(ctypes.get_errno())
    command = [program.encode(), b"-u", *([b"-z"] if lazy else []), b"--", raw]
    done = subprocess.run(command, capture_output=True, check=False)
    return "" if done.returncode == 0 else done.stderr.decode(errors="replace").strip() or "it failed"


@functools.cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


@contextlib.contextmanager
def _captured_stderr() -> Iterator[Callable[[], list[str]]]:
    """What libfuse and its mount program write to the standard error stream meanwhile, as lines."""
    captured = os.memfd_create("fuse-stderr")
    kept = os.dup(2)
    lines: list[str] = []
    try:
        os.dup2(captured, 2)
        yield lambda: lines
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        size = os.fstat(captured).st_size
        lines += os.pread(captured, size, 0).decode(errors="replace").split("\n")
        lines[:] = [line.strip() for line in lines if line.strip()]
        os.close(captured)
