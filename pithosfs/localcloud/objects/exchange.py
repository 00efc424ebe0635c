"""One request and its reply: where it points, its parameters, its body as a stream, what is sent back.

Section numbers are those of object-store.md: 1 (URLs), 3.1 (formats), 3.2 (headers), 3.4 (limits).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Literal, cast
from urllib.parse import parse_qsl, unquote_to_bytes

from starlette.types import Receive, Scope, Send

from pithosfs.localcloud.faults import (
    COMMON_HEADERS,
    Fault,
    bad_request,
    fault_body,
    length_required,
    requested_form,
)
from pithosfs.localcloud.objects.headers import RequestHeaders, encode_value, http_date, is_encoded

__all__ = [
    "MAX_BODY",
    "MAX_CONTAINER_NAME",
    "MAX_OBJECT_NAME",
    "Disconnected",
    "Form",
    "Place",
    "Reply",
    "Request",
    "fault_reply",
    "incoming",
    "parse_parameters",
    "parse_place",
    "place_for",
]

MAX_BODY = 5 * 1024**3
MAX_ACCOUNT_NAME = 256
MAX_CONTAINER_NAME = 256
MAX_OBJECT_NAME = 1024

Form = Literal["json", "xml", "text"]


class Disconnected(Exception):
    """The client went away in the middle of its request: nothing of it is to be kept and nobody waits for a reply."""


@dataclass(frozen=True, slots=True)
class Place:
    """What a URL points to; '' for the levels that it does not reach."""

    account: str = ""
    container: str = ""
    name: str = ""


def parse_place(path: bytes | str) -> Place:
    """The account, container and object of a raw path that has no leading slash. Raises Fault 400.

    The path is percent-decoded first and split at the first two slashes; everything after those is the object's name,
    byte for byte. A slash that ends the account or the container is not a part of it.
    """
    try:
        text = unquote_to_bytes(path).decode()
    except UnicodeDecodeError:
        raise bad_request("the path is not UTF-8") from None
    account, _, rest = text.partition("/")
    container, _, name = rest.partition("/")
    if (rest and not account) or (name and not container):
        raise bad_request("an empty account or container name")
    return place_for(account, container, name)


def place_for(account: str, container: str, name: str) -> Place:
    """The place of names that are not encoded. Raises Fault 400 for what they cannot hold, and over the limits of
    section 3.4 (characters, not bytes)."""
    for text in (account, container, name):
        if "\n" in text or "\0" in text:
            raise bad_request("a name cannot contain a newline or NUL")
    if len(account) > MAX_ACCOUNT_NAME:
        raise bad_request(f"an account id has at most {MAX_ACCOUNT_NAME} characters")
    if len(container) > MAX_CONTAINER_NAME:
        raise bad_request(f"a container name has at most {MAX_CONTAINER_NAME} characters")
    if len(name) > MAX_OBJECT_NAME:
        raise bad_request(f"an object name has at most {MAX_OBJECT_NAME} characters")
    return Place(account, container, name)


class Request:
    """A request as the handlers see it. `user` is the caller's account id, '' on public URLs."""

    def __init__(self, scope: Scope, receive: Receive, place: Place) -> None:
        self.method: str = scope["method"]
        self.place = place
        self.user = ""
        self.parameters = parse_parameters(scope["query_string"])
        self.headers = RequestHeaders(scope["headers"])
        self.scope = scope
        self._receive = receive

    # parameters -----------------------------------------------------------------------------------------------------

    def flag(self, name: str) -> bool:
        """Whether a flag parameter is there, whatever its value."""
        return name in self.parameters

    def text(self, name: str) -> str | None:
        """The value of a parameter; None when absent or empty."""
        return self.parameters.get(name) or None

    def until(self, *, strict: bool = False) -> int | None:
        """The `until` parameter in microseconds; None when absent or not a plain integer.

        `strict` is for what cannot be undone: anything that is not a plain integer is refused (Fault 400).
        """
        text = self.parameters.get("until")
        if text is not None and text.isascii() and text.isdigit() and len(text) <= 12:
            return int(text) * 1_000_000
        if text is not None and strict:
            raise bad_request("until is a number of whole seconds since the epoch")
        return None

    def form(self, default: Form) -> Form:
        """The format of the reply's body (section 3.1)."""
        return cast(Form, requested_form(self.scope, default))

    # the body -------------------------------------------------------------------------------------------------------

    def is_chunked(self) -> bool:
        return "chunked" in (self.headers.get("transfer-encoding") or "").lower()

    def body_length(self) -> int | None:
        """`Content-Length`, None when chunked. Raises Fault 411 when neither was sent, 400 over the limit."""
        if self.is_chunked():
            return None
        text = self.headers.get("content-length")
        if text is None:
            raise length_required("Content-Length or Transfer-Encoding: chunked is required")
        if not (text.isascii() and text.isdigit()):
            raise bad_request("Content-Length is not a number")
        length = int(text)
        if length > MAX_BODY:
            raise bad_request(f"one request carries at most {MAX_BODY} bytes")
        return length

    def body(self) -> AsyncIterator[bytes]:
        """The body in the pieces in which it arrives. Raises Disconnected when it breaks off."""
        return incoming(self._receive)

    async def whole_body(self, limit: int) -> bytes:
        """The body in one piece. Raises Fault 400 when it is longer than `limit` bytes."""
        data = bytearray()
        async for piece in self.body():
            data += piece
            if len(data) > limit:
                raise bad_request(f"a body of this kind has at most {limit} bytes")
        return bytes(data)


async def incoming(receive: Receive) -> AsyncIterator[bytes]:
    """The body of a request in the pieces in which it arrives. Raises Disconnected when it breaks off."""
    more = True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            raise Disconnected
        if piece := message.get("body", b""):
            yield piece
        more = message.get("more_body", False)


def parse_parameters(query: bytes) -> dict[str, str]:
    """Query parameters, decoded; of a repeated one the last counts. Raises Fault 400 for bytes that are not UTF-8."""
    if not query:
        return {}
    try:
        pairs = parse_qsl(query.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=200)
    except ValueError:
        raise bad_request("the query string is malformed or not UTF-8") from None
    return dict(pairs)


@dataclass(slots=True)
class Reply:
    """What goes back. `headers` hold plain values: they are percent-encoded on the way out.

    A body of several pieces comes as an async iterator and needs `length` unless it is to be chunked; so does the reply
    to HEAD, which has no body. `Last-Modified` is the current second unless the headers have one.
    """

    status: int
    headers: Sequence[tuple[str, str]] = field(default_factory=list)
    body: bytes | AsyncGenerator[bytes, None] = b""
    length: int | None = None

    async def send(self, receive: Receive, send: Send, *, head: bool) -> None:
        """Send it; without its body when the request was HEAD. Ends early when the client goes away."""
        given = {name.lower() for name, _ in self.headers}
        raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in COMMON_HEADERS.items()]
        for name, value in self.headers:
            text = encode_value(value) if is_encoded(name) else value
            raw.append((name.encode("latin-1"), text.encode("latin-1")))
        if "last-modified" not in given and self.status != 304:
            raw.append((b"Last-Modified", http_date(time.time_ns() // 1000).encode()))
        length = len(self.body) if self.length is None and isinstance(self.body, bytes) else self.length
        if length is not None and self.status not in (204, 304):
            raw.append((b"Content-Length", str(length).encode()))
        await send({"type": "http.response.start", "status": self.status, "headers": raw})
        await self.send_body(receive, send, head=head)

    async def send_body(self, receive: Receive, send: Send, *, head: bool) -> None:
        """What follows the headers; nothing when the request was HEAD. Ends early when the client goes away."""
        if head or isinstance(self.body, bytes):
            await send({"type": "http.response.body", "body": b"" if head else self.body})
            return
        # Sending to a client that is gone succeeds, so without watching for that the whole object would be read.
        gone = asyncio.create_task(_until_gone(receive))
        try:
            async with aclosing(self.body) as pieces:
                async for piece in pieces:
                    if gone.done():
                        return
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            gone.cancel()


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def fault_reply(fault: Fault, form: Form) -> Reply:
    """A refused request."""
    headers: Mapping[str, str] = fault.headers
    if fault.status == 304:
        return Reply(304, list(headers.items()))
    body, content_type = fault_body(fault, form)
    return Reply(fault.status, [*headers.items(), ("Content-Type", content_type)], body)
