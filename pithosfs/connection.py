"""urllib3 connections that tell how far a request got, and that send headers and a small body in one packet.

`exchange` carries what is known about the request in progress between the session and the connection, both of which run
in the calling thread. What the session makes of it is in `pithosfs.http`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from http.client import RemoteDisconnected
from typing import Any

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.response import HTTPResponse

__all__ = ["exchange", "tune_pool"]

_JOIN_LIMIT = 64 * 1024  # bodies up to this are copied behind the headers and leave in the same packet
_PIECE = 256 * 1024  # the time-out of sending holds for each piece of this size, not for a whole block
_SEND_TIMEOUT = 60.0
_TRUSTED_IDLE = 1.0  # seconds; servers close idle connections after 2 (gunicorn), 5 (Apache, uvicorn) or 75 (nginx)


class _Exchange(threading.local):
    """The state of the calling thread's request: set `careful` before it, read the rest after it failed."""

    careful = False  # sending it twice would do harm: prefer a new connection to one that may be closing just now
    connected = False  # a connection was there or could be made
    stale = False  # a kept connection ended before any answer
    refused = False  # and was reset: the server did not take the request

    def start(self, careful: bool) -> None:
        self.careful = careful
        self.connected = self.stale = self.refused = False


exchange = _Exchange()


class _Connection(HTTPConnection):
    """What is said in the module's text, for plain HTTP; `_SecureConnection` has the same for TLS."""

    _held: bytes | None = None
    _kept = False
    _last_used = 0.0

    def request(  # type: ignore[override]  # as urllib3's own does
        self, method: str, url: str, body: Any = None, headers: Mapping[str, str] | None = None, **kwargs: Any
    ) -> None:
        kept = self.sock is not None
        if kept and exchange.careful and self.proxy is None and time.monotonic() - self._last_used > _TRUSTED_IDLE:
            self.close()  # opened again by the first send; not with a proxy, where that would lose the tunnel
            kept = False
        self._kept = kept
        self._held = b""
        try:
            super().request(method, url, body, headers, **kwargs)
        finally:
            held, self._held = self._held, None
        if held:
            self.send(held)

    def send(self, data: Any) -> None:
        held = self._held
        if held is None or not isinstance(data, bytes):
            self._send_now(data)
        elif len(held) + len(data) <= _JOIN_LIMIT:
            self._held = held + data
        else:
            self._held = None
            if held:
                self._send_now(held)
            self._send_now(data)

    def _send_now(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        exchange.connected = True
        # The time-out that urllib3 leaves on the socket while it sends is the one for connecting.
        self.sock.settimeout(_SEND_TIMEOUT)
        if isinstance(data, bytes) and len(data) > _PIECE:
            view = memoryview(data)
            for start in range(0, len(data), _PIECE):
                super().send(view[start : start + _PIECE])
        else:
            super().send(data)

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]
        try:
            response = super().getresponse()
        except (ConnectionResetError, BrokenPipeError) as error:
            # A reset answers data that reached a closed socket. An orderly close (RemoteDisconnected) proves nothing:
            # the server may have done the work and died.
            exchange.stale = self._kept
            exchange.refused = self._kept and not isinstance(error, RemoteDisconnected)
            raise
        self._last_used = time.monotonic()
        return response


class _SecureConnection(_Connection, HTTPSConnection):
    """The same over TLS."""


def tune_pool(pool: HTTPConnectionPool) -> None:
    """Make a pool open connections of this module."""
    pool.ConnectionCls = _SecureConnection if pool.scheme == "https" else _Connection
