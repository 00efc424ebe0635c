"""The server process: takes the data directory, listens, says that it is ready, and serves till told to stop."""

from __future__ import annotations

import contextlib
import ipaddress
import logging
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from pithosfs.errors import LocalError
from pithosfs.localcloud.app import create_app
from pithosfs.localcloud.datadir import STOP_SECONDS, Record, prepare, read_record, server_lock, write_record
from pithosfs.localcloud.sandbox.timing import Timing

__all__ = ["serve"]

KEEP_ALIVE_SECONDS = 75
"""Idle connections stay open longer than clients' own pools keep them, so that it is the client who closes."""


def serve(
    data: Path, host: str, port: int, base_url: str | None, timing: Timing, ready: Callable[[Record], None]
) -> None:
    """Run the server in this process until SIGTERM or SIGINT.

    `port` 0 takes the last one again if it is free, else any. `timing` is how long things take in the sandbox. `ready`
    is called once, when requests are answered. Raises LocalError when the address or the data cannot be had.
    """
    prepare(data)
    if base_url is not None:
        base_url = base_url.rstrip("/")
        if not base_url.startswith(("http://", "https://")):
            raise LocalError(f"{base_url!r} is not a URL", hint="give the whole one, as in https://cloud.example.org")
    lock = server_lock(data)
    if not lock.try_acquire():
        raise LocalError(f"a local cloud already runs on {data}", hint="stop it first: pithosfs localcloud stop")
    with lock:
        last = read_record(data)
        if last is not None and last.pid:
            write_record(data, replace(last, pid=0))  # that one was killed: its number is not ours
        with contextlib.closing(_listen(last, host, port)) as listener:
            bound = int(listener.getsockname()[1])
            record = Record(os.getpid(), base_url or _url(host, bound), host, bound, time.time())
            _run(data, listener, record, base_url, timing, ready)
        write_record(data, replace(record, pid=0))


def _run(
    data: Path,
    listener: socket.socket,
    record: Record,
    base_url: str | None,
    timing: Timing,
    ready: Callable[[Record], None],
) -> None:
    def announce() -> None:
        write_record(data, record)
        ready(record)

    app = create_app(data, base_url, timing)
    server = _Server(
        uvicorn.Config(
            app,
            http=_Protocol,
            loop="uvloop",
            ws="none",
            lifespan="on",
            interface="asgi3",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=STOP_SECONDS,
        ),
        announce,
    )
    try:
        server.run(sockets=[listener])
    except SystemExit:
        # How uvicorn gives up when the application could not start.
        failure = app.state.failure
        if isinstance(failure, LocalError):
            raise failure from None
        raise LocalError(f"the local cloud cannot open its data in {data}: {failure}") from failure


class _Protocol(HttpToolsProtocol):
    """uvicorn's, which tells only the last of several pipelined requests that the connection is gone.

    The others would be answered into the closed connection, which fails with a trace in the log.
    """

    _unanswered: Sequence[RequestResponseCycle] = ()

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self._unanswered = [one for one in (*self._unanswered, self.cycle) if not one.response_complete]

    def connection_lost(self, exc: Exception | None) -> None:
        for cycle in self._unanswered:
            if not cycle.response_complete:
                cycle.disconnected = True
                cycle.message_event.set()
        super().connection_lost(exc)


class _Server(uvicorn.Server):
    """uvicorn that tells when it is ready and ends like any function when it is told to stop."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._announce()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        # The original raises the signals again at the end, which would kill the process before its tidying up.
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _listen(last: Record | None, host: str, port: int) -> socket.socket:
    """The listening socket. Raises LocalError."""
    if not port and last is not None and last.host == host:
        with contextlib.suppress(OSError):
            return _bind(host, last.port)
        logging.getLogger(__name__).warning("port %d is taken, so the address changes", last.port)
    try:
        return _bind(host, port)
    except OSError as error:
        where = f"{host}:{port}" if port else host
        raise LocalError(
            f"the local cloud cannot listen on {where}: {error.strerror or error}",
            hint="choose another address or port: pithosfs localcloud start --host H --port P",
        ) from error


def _bind(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE | socket.AI_NUMERICSERV
    )[0]
    listener = socket.socket(family, kind, protocol)
    try:
        # Otherwise connections of the last server that still linger would keep the port for a minute.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(2048)
    except BaseException:
        listener.close()
        raise
    return listener


def _url(host: str, port: int) -> str:
    """How this machine's own programs reach a server that listens on `host`."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return f"http://{host}:{port}"
    if address.is_unspecified:
        address = ipaddress.ip_address("127.0.0.1" if address.version == 4 else "::1")
    return f"http://[{address}]:{port}" if address.version == 6 else f"http://{address}:{port}"
