"""urllib3 connections that tell how far a request got, send headers and a small body in one packet, and keep to limits.

They also write and read headers in less time than the standard library, whose parser is one for e-mail: a small
request is made of little else.

`exchange` carries what is known about the request in progress between the session and the connection, both of which run
in the calling thread. What the session makes of it is in `pithosfs.http`.
"""

from __future__ import annotations

import io
import re
import socket
import threading
import time
from collections.abc import Mapping
from http.client import HTTPException, HTTPMessage, LineTooLong, RemoteDisconnected, UnknownProtocol, parse_headers
from http.client import HTTPResponse as PlainResponse
from typing import Any

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.response import HTTPResponse

from pithosfs.bandwidth import Bandwidth

__all__ = ["exchange", "tune_pool"]

_JOIN_LIMIT = 64 * 1024  # bodies up to this are copied behind the headers and leave in the same packet
_PIECE = 256 * 1024  # the time-out of sending holds for each piece of this size, not for a whole block
_SEND_TIMEOUT = 60.0
_BUFFERED = 0.25  # seconds: what a limited connection may have received before anybody asks for it
_SMALLEST_BUFFER, _LARGEST_BUFFER = 64 * 1024, 4 * 1024 * 1024  # bytes; above, the system's own choice is as good
_TRUSTED_IDLE = 1.0  # seconds; servers close idle connections after 2 (gunicorn), 5 (Apache, uvicorn) or 75 (nginx)
_MAX_LINE = 65536  # bytes of a header line, and how many of them: the standard library's limits
_MAX_LINES = 100
_HEADER_LINE = re.compile(rb"([!-9;-~]+):[ \t]*([^\r\n]*)\r?\n")
_SENT_NAME = re.compile(r"[!-9;-~]+")
_SENT_VALUE = re.compile(r"[ -~]*")


class _Exchange(threading.local):
    """The state of the calling thread's request: `start` says how it is to go, the rest is read after it failed."""

    upload: Bandwidth | None = None
    download: Bandwidth | None = None
    careful = False  # sending it twice would do harm: prefer a new connection to one that may be closing just now
    connected = False  # a connection was there or could be made
    stale = False  # a kept connection ended before any answer
    refused = False  # and was reset: the server did not take the request

    def start(self, careful: bool, upload: Bandwidth | None = None, download: Bandwidth | None = None) -> None:
        self.careful, self.upload, self.download = careful, upload, download
        self.connected = self.stale = self.refused = False


exchange = _Exchange()


class _Response(PlainResponse):
    """Reads the head of an answer like its parent; what is out of the ordinary is left to the parent's parser."""

    def begin(self) -> None:
        if self.headers is not None:
            return
        version, status, reason = self._read_status()
        while status == 100:
            self._read_head()
            version, status, reason = self._read_status()
        self.code = self.status = status
        self.reason = reason.strip()
        if version in ("HTTP/1.0", "HTTP/0.9"):
            self.version = 10
        elif version.startswith("HTTP/1."):
            self.version = 11
        else:
            raise UnknownProtocol(version)
        self.headers = self.msg = self._parsed(self._read_head())
        self.chunked = (self.headers.get("transfer-encoding") or "").lower() == "chunked"
        self.chunk_left = None
        self.will_close = self._check_close()
        length = self.headers.get("content-length")
        self.length = int(length) if length and length.isdecimal() and not self.chunked else None
        if status in (204, 304) or 100 <= status < 200 or self._method == "HEAD":
            self.length = 0
        if not self.chunked and self.length is None:
            self.will_close = True  # its end is the end of the connection

    def _read_head(self) -> list[bytes]:
        lines: list[bytes] = []
        while True:
            line = self.fp.readline(_MAX_LINE + 1)
            if len(line) > _MAX_LINE:
                raise LineTooLong("header line")
            if line in (b"\r\n", b"\n", b""):
                return lines
            lines.append(line)
            if len(lines) > _MAX_LINES:
                raise HTTPException(f"got more than {_MAX_LINES} headers")

    @staticmethod
    def _parsed(lines: list[bytes]) -> HTTPMessage:
        message = HTTPMessage()
        for line in lines:
            match = _HEADER_LINE.fullmatch(line)
            if match is None:  # a continued line, a name with blanks, …
                return parse_headers(io.BytesIO(b"".join(lines) + b"\r\n"))
            name, value = match.groups()
            message.set_raw(name.decode("ascii"), value.decode("latin-1"))
        return message


class _Connection(HTTPConnection):
    """What is said in the module's text, for plain HTTP; `_SecureConnection` has the same for TLS."""

    response_class = _Response

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

    def putheader(self, header: str, *values: str) -> None:  # type: ignore[override]  # as urllib3's own does
        if len(values) == 1 and type(values[0]) is str and type(header) is str:
            value = values[0]
            if _SENT_NAME.fullmatch(header) and _SENT_VALUE.fullmatch(value):
                self._output(f"{header}: {value}".encode("ascii"))  # type: ignore[attr-defined]
                return
        super().putheader(header, *values)

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
            self._narrow()
        exchange.connected = True
        # The time-out that urllib3 leaves on the socket while it sends is the one for connecting.
        self.sock.settimeout(_SEND_TIMEOUT)
        limit = exchange.upload
        size = _PIECE if limit is None else limit.piece
        if not isinstance(data, bytes) or (limit is None and len(data) <= size):
            super().send(data)
            return
        view = memoryview(data)
        for start in range(0, len(data), size):
            piece = view[start : start + size]
            if limit is not None:
                limit.take(len(piece))
            super().send(piece)

    def _narrow(self) -> None:
        """Keep the system from receiving much more than is asked for when that is limited."""
        if exchange.download is not None and self.sock is not None:
            size = max(_SMALLEST_BUFFER, int(exchange.download.rate * _BUFFERED))
            if size <= _LARGEST_BUFFER:
                self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)

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
