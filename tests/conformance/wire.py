"""HTTP exactly as it is meant: nothing is added to a request, escaped or normalised, and replies come back whole."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from email.message import Message
from typing import Any
from urllib.parse import SplitResult, urlsplit
from xml.etree import ElementTree

__all__ = ["Answer", "Body", "Wire"]

Body = bytes | Iterable[bytes] | None
"""Bytes go with Content-Length, other iterables chunked; None sends neither."""

SECONDS = 60.0
"""How long a server may take over one answer."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server sent back."""

    status: int
    headers: Message
    body: bytes

    def __getitem__(self, name: str) -> str:
        """The value of a header, which must be there."""
        value = self.headers[name]
        assert value is not None, f"the answer has no {name}: {self}"
        return str(value)

    def get(self, name: str) -> str | None:
        value = self.headers[name]
        return None if value is None else str(value)

    def json(self) -> Any:
        return json.loads(self.body)

    def xml(self) -> ElementTree.Element:
        return ElementTree.fromstring(self.body)

    def lines(self) -> list[str]:
        """The names of a text list: each is ended by a newline."""
        assert self.body == b"" or self.body.endswith(b"\n"), self.body
        return self.body.decode().split("\n")[:-1]

    def names(self) -> list[str]:
        """The names, roll-ups among them, of a JSON list."""
        return [str(entry.get("name", entry.get("subdir"))) for entry in self.json()]

    def listed(self) -> list[str]:
        """The names of a list in whichever format it is."""
        kind = self.get("Content-Type") or ""
        if "json" in kind:
            return self.names()
        if "xml" in kind:
            return [one.get("name") or one.findtext("name") or "" for one in self.xml()]
        return self.lines()

    def __str__(self) -> str:
        headers = "".join(f"\n    {name}: {value}" for name, value in self.headers.items())
        return f"{self.status}{headers}\n    {self.body[:2000]!r}"


class Wire:
    """Connections that stay open, one a host. `close()` when done."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, str], http.client.HTTPConnection] = {}

    def send(self, method: str, url: str, headers: Mapping[str, str | bytes], body: Body = None) -> Answer:
        """One request for an absolute URL, whose path and query go out as they are."""
        parts = urlsplit(url)
        target = url[len(f"{parts.scheme}://{parts.netloc}") :] or "/"
        reused = (parts.scheme, parts.netloc) in self._open
        try:
            return self._exchange(parts, method, target, headers, body)
        except (http.client.RemoteDisconnected, ConnectionError):
            self._drop(parts)
            if not reused or not (body is None or isinstance(body, bytes)):
                raise
            return self._exchange(parts, method, target, headers, body)  # the server had closed an idle connection

    def _exchange(
        self, parts: SplitResult, method: str, target: str, headers: Mapping[str, str | bytes], body: Body
    ) -> Answer:
        connection = self._connection(parts)
        try:
            connection.putrequest(method, target, skip_accept_encoding=True)
            for name, value in headers.items():
                connection.putheader(name.encode(), value)  # names that are not ASCII are sent too
            chunked = not (body is None or isinstance(body, bytes))
            if chunked:
                connection.putheader("Transfer-Encoding", "chunked")
            elif isinstance(body, bytes) and not any(name.lower() == "content-length" for name in headers):
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body, encode_chunked=chunked)
            response = connection.getresponse()
            answer = Answer(response.status, response.headers, response.read())
        except BaseException:
            self._drop(parts)
            raise
        if _announced(headers) > (len(body) if isinstance(body, bytes) else 0):
            self._drop(parts)  # a body was announced that never came
        return answer

    def _connection(self, parts: SplitResult) -> http.client.HTTPConnection:
        key = (parts.scheme, parts.netloc)
        if key not in self._open:
            if parts.scheme == "https":
                context = ssl.create_default_context()
                self._open[key] = http.client.HTTPSConnection(parts.netloc, timeout=SECONDS, context=context)
            else:
                self._open[key] = http.client.HTTPConnection(parts.netloc, timeout=SECONDS)
        return self._open[key]

    def _drop(self, parts: SplitResult) -> None:
        connection = self._open.pop((parts.scheme, parts.netloc), None)
        if connection is not None:
            connection.close()

    def close(self) -> None:
        for connection in self._open.values():
            connection.close()
        self._open.clear()


def _announced(headers: Mapping[str, str | bytes]) -> int:
    """The Content-Length among a request's own headers; 0 when it has none or rubbish."""
    for name, value in headers.items():
        if name.lower() == "content-length":
            text = value if isinstance(value, str) else value.decode("latin-1")
            return int(text) if text.isdigit() else 0
    return 0
