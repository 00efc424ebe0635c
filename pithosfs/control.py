"""Talking to a process of ours that runs in the background: a Unix socket with JSON lines, for the same user only.

A request is one line, `{"request": NAME, …}`. The answer is any number of `{"progress": {…}}` lines and then one
`{"done": {…}}` or `{"error": {…}}`. Names and arguments of the requests are those of the mounts
(`pithosfs.mount.service`) and of the sync daemon (`pithosfs_daemon.service`); this module carries them.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pithosfs import errors
from pithosfs.errors import LocalError, PithosfsError

__all__ = ["ControlServer", "Handler", "Progress", "call", "pack_error", "unpack_error"]

log = logging.getLogger(__name__)

Progress = Callable[[Mapping[str, Any]], None]
Handler = Callable[[Mapping[str, Any], Progress], Mapping[str, Any]]

LONGEST_REQUEST = 64 * 1024  # bytes; a path has at most 4096, escaped sixfold
_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid


class ControlServer:
    """Answers on a socket with mode 0600 from `start` to `close`. Each connection has a thread of its own."""

    def __init__(self, path: Path, handlers: Mapping[str, Handler]) -> None:
        self._path = path
        self._handlers = handlers
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._lock = threading.Lock()
        self._connections: set[socket.socket] = set()
        self._threads: set[threading.Thread] = set()
        self._closing = False
        self._acceptor = threading.Thread(target=self._accept, name="control", daemon=True)

    def start(self) -> None:
        """Raises LocalError when the socket cannot be made."""
        try:
            self._path.unlink(missing_ok=True)
            with _reachable(self._path) as address:
                before = os.umask(0o177)
                try:
                    self._socket.bind(address)
                finally:
                    os.umask(before)
            self._socket.listen(16)
        except OSError as trouble:
            self._socket.close()
            raise LocalError(f"cannot make the control socket {self._path}: {trouble.strerror}") from trouble
        self._acceptor.start()

    def close(self, timeout: float = 5.0) -> None:
        """Answer what is being answered (at most `timeout` seconds each), then be gone."""
        with self._lock:
            self._closing = True
            threads = list(self._threads)
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        if self._acceptor.ident is not None:
            self._acceptor.join()
        self._socket.close()
        self._path.unlink(missing_ok=True)
        for thread in threads:
            thread.join(timeout)
        with self._lock:
            for connection in self._connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return  # closed
            with self._lock:
                if self._closing:
                    connection.close()
                    return
                thread = threading.Thread(target=self._serve, args=(connection,), name="control-call", daemon=True)
                self._connections.add(connection)
                self._threads.add(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection:
                connection.settimeout(10.0)  # for the request; answers are small and may wait for the reader
                if _peer_uid(connection) != os.geteuid():
                    return
                self._answer(connection)
        except OSError as trouble:
            log.debug("a control connection broke: %s", trouble)
        finally:
            with self._lock:
                self._connections.discard(connection)
                self._threads.discard(threading.current_thread())

    def _answer(self, connection: socket.socket) -> None:
        def send(message: Mapping[str, Any]) -> None:
            connection.sendall(json.dumps(message).encode() + b"\n")

        def progress(state: Mapping[str, Any]) -> None:
            with contextlib.suppress(OSError):  # whoever asked has gone: what was begun goes on
                send({"progress": state})

        try:
            request = _read_request(connection)
            handler = self._handlers.get(str(request.get("request")))
            if handler is None:
                raise errors.UsageError(f"unknown request {request.get('request')!r}")
            answer: Mapping[str, Any] = {"done": handler(request, progress)}
        except (PithosfsError, OSError) as error:
            answer = {"error": pack_error(error)}
        except Exception as error:
            log.exception("a control request failed")
            answer = {"error": pack_error(error)}
        send(answer)


def call(
    path: Path,
    request: str,
    /,
    *,
    peer: str,
    on_progress: Progress | None = None,
    timeout: float | None = None,
    **arguments: Any,
) -> dict[str, Any]:
    """Ask the process whose socket `path` is, and wait for its answer; `timeout` is the longest silence in seconds.

    `peer` is what errors call it, as in "the mount". Raises the error that it answers with, LocalError when nobody
    answers.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(timeout)
        try:
            with _reachable(path) as address:
                connection.connect(address)
            connection.sendall(json.dumps({"request": request, **arguments}).encode() + b"\n")
            for line in _lines(connection):
                message = json.loads(line)
                if "error" in message:
                    raise unpack_error(message["error"])
                if "done" in message:
                    return dict(message["done"])
                if on_progress is not None:
                    on_progress(message.get("progress", {}))
        except TimeoutError as late:
            raise LocalError(f"{peer} does not answer", hint="its process hangs: see its log") from late
        except (OSError, ValueError) as trouble:
            raise LocalError(f"{peer} cannot be reached: {trouble}") from trouble
    raise LocalError(f"the process of {peer} ended before it answered", hint="see its log")


def pack_error(error: BaseException) -> dict[str, Any]:
    """An error as JSON."""
    if isinstance(error, PithosfsError):
        # Parts of the program refine the classes of the tree; the other side knows the tree.
        known = next(kind for kind in type(error).__mro__ if kind.__module__ == errors.__name__)
        return {
            "type": known.__name__,
            "message": error.message,
            "hint": error.hint,
            "status": getattr(error, "status", 0),
        }
    message = f"{error.filename}: {error.strerror}" if isinstance(error, OSError) and error.filename else str(error)
    return {"type": "LocalError", "message": message or type(error).__name__, "hint": "", "status": 0}


def unpack_error(packed: Mapping[str, Any]) -> PithosfsError:
    """The error that was packed, of the same class."""
    kind = getattr(errors, str(packed.get("type")), None)
    if not (isinstance(kind, type) and issubclass(kind, PithosfsError)):
        kind = LocalError
    message, hint = str(packed.get("message", "")), str(packed.get("hint", ""))
    if issubclass(kind, errors.ClientError):
        return kind(message, int(packed.get("status") or 0), hint=hint)
    return kind(message, hint=hint)


@contextlib.contextmanager
def _reachable(path: Path) -> Iterator[str]:
    """An address for a socket file: a path longer than 107 bytes does not fit, its folder's descriptor does."""
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def _peer_uid(connection: socket.socket) -> int:
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    uid: int = _CREDENTIALS.unpack(raw)[1]
    return uid


def _read_request(connection: socket.socket) -> Mapping[str, Any]:
    line = next(_lines(connection, LONGEST_REQUEST), b"{}")
    connection.settimeout(None)
    try:
        request = json.loads(line)
    except ValueError:
        raise errors.UsageError("not a request") from None
    if not isinstance(request, dict):
        raise errors.UsageError("not a request")
    return request


def _lines(connection: socket.socket, longest: int | None = None) -> Iterator[bytes]:
    pending = b""
    while True:
        line, newline, rest = pending.partition(b"\n")
        if newline:
            pending = rest
            yield line
            continue
        if longest is not None and len(pending) > longest:
            raise errors.UsageError("the request is too long")
        piece = connection.recv(65536)
        if not piece:
            return
        pending += piece
