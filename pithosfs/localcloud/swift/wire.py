"""Requests and replies as Swift has them: headers are raw UTF-8, errors short HTML, every reply has a transaction id.

Unlike the Pithos API (object-store.md 3.2) header values are not percent-encoded, with three exceptions that hold
paths: `Destination`, `X-Copy-From` and `X-Object-Manifest`.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from http import HTTPStatus
from urllib.parse import quote, unquote, unquote_to_bytes
from xml.sax.saxutils import escape

from starlette.types import Receive, Scope, Send

from pithosfs.localcloud.faults import Fault, bad_request, length_required, precondition_failed
from pithosfs.localcloud.objects.exchange import MAX_BODY, Place, Reply, incoming, parse_parameters, parse_place
from pithosfs.localcloud.objects.headers import (
    MAX_META_HEADERS,
    MAX_META_NAME,
    MAX_META_VALUE,
    encode_name,
    meta_key,
)

__all__ = [
    "ACCOUNT_PREFIX",
    "MANIFEST",
    "OBJECT_META",
    "SwiftHeaders",
    "SwiftRequest",
    "fault_reply",
    "limited",
    "meta_headers",
    "place_of",
    "send_reply",
    "timestamp",
    "too_large",
    "transaction_id",
]

ACCOUNT_PREFIX = "AUTH_"
"""Before the user's id in the account of a URL."""

OBJECT_META = "X-Object-Meta-"
MANIFEST = "X-Object-Manifest"

_META = re.compile(r"x-(account|container|object)-meta-")
_REMOVED = re.compile(r"x-remove-(account|container|object)-meta-")
_UNSENDABLE = re.compile(r"[\x00-\x1f\x7f]|^ | $")


class SwiftHeaders:
    """The headers of one request under their lower-case names. Raises Fault 400 for what cannot be kept."""

    def __init__(self, raw: Iterable[tuple[bytes, bytes]]) -> None:
        self._values: dict[str, str] = {}
        self._meta: dict[str, dict[str, str]] = {}
        count = 0
        for name_bytes, value_bytes in raw:
            try:
                name, value = name_bytes.decode().lower(), value_bytes.decode().strip()
            except UnicodeDecodeError:
                raise bad_request("a header is not UTF-8") from None
            removed = _REMOVED.match(name)
            if found := removed or _META.match(name):
                count += 1
                self._add_meta(found[1], name[found.end() :], "" if removed else value)
            else:
                earlier = self._values.get(name)
                self._values[name] = value if earlier is None else f"{earlier},{value}"
        if count > MAX_META_HEADERS:
            raise bad_request(f"more than {MAX_META_HEADERS} metadata headers")

    def _add_meta(self, level: str, name: str, value: str) -> None:
        # Names that no header can have are shown percent-encoded, and come back so.
        key = meta_key(unquote(name))
        if not key:
            raise bad_request("a metadata header without a key")
        if len(key) > MAX_META_NAME - len(f"x-{level}-meta-"):
            raise bad_request(f"a metadata header's name is longer than {MAX_META_NAME} characters")
        if len(value) > MAX_META_VALUE:
            raise bad_request(f"a metadata value is longer than {MAX_META_VALUE} characters")
        self._meta.setdefault(level, {})[key] = value

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def get(self, name: str) -> str | None:
        """The value of a header; None when it was not sent. Repeated ones are joined by `,`."""
        return self._values.get(name)

    def meta(self, level: str) -> dict[str, str]:
        """The metadata sent for `account`, `container` or `object`: key as stored → value, empty to remove it."""
        return dict(self._meta.get(level, {}))

    def object_metadata(self) -> dict[str, str]:
        """All that is kept as an object's metadata, by header name as stored. Raises Fault 400."""
        found = {OBJECT_META + key: value for key, value in self.meta("object").items() if value}
        for name in ("Content-Encoding", "Content-Disposition"):
            if value := self._values.get(name.lower()):
                found[name] = value
        if manifest := self._values.get("x-object-manifest"):
            found[MANIFEST] = _manifest_value(manifest)
        for name, value in found.items():
            if len(value) > MAX_META_VALUE and name != MANIFEST:
                raise bad_request(f"{name} is longer than {MAX_META_VALUE} characters")
        return found

    def content_type(self) -> str | None:
        """The type of the content; None when nothing was said."""
        return self._values.get("content-type") or None

    def is_true(self, name: str) -> bool:
        return (self._values.get(name) or "").lower() in ("true", "1", "yes", "on", "t", "y")


def _manifest_value(text: str) -> str:
    """`container/prefix` of a dynamic large object as it is stored: decoded. Raises Fault 400."""
    value = unquote(text).lstrip("/")
    container, _, prefix = value.partition("/")
    if not container or not prefix or "\n" in value or "\0" in value:
        raise bad_request("X-Object-Manifest must be in the format container/prefix")
    return value


def place_of(text: bytes | str) -> Place:
    """The place of a path without a leading slash, whose account is `AUTH_<id>`. Raises Fault 400, 403, 412."""
    raw = text.encode() if isinstance(text, str) else text
    try:
        decoded = unquote_to_bytes(raw).decode()
    except UnicodeDecodeError:
        raise precondition_failed("Invalid UTF8 or contains NULL") from None
    if "\0" in decoded:
        raise precondition_failed("Invalid UTF8 or contains NULL")
    place = parse_place(raw)
    if not place.account:
        raise precondition_failed("Bad URL")
    account = place.account.removeprefix(ACCOUNT_PREFIX)
    # Nobody's id is empty: this is refused like any other account that is not the caller's.
    return Place(account if account != place.account else "-", place.container, place.name)


class SwiftRequest:
    """A request as the handlers see it. `user` is the caller's id, which is also that of the account."""

    def __init__(self, scope: Scope, receive: Receive, place: Place, user: str) -> None:
        self.method: str = scope["method"]
        self.place = place
        self.user = user
        self.parameters = parse_parameters(scope["query_string"])
        self.headers = SwiftHeaders(scope["headers"])
        self._receive = receive

    @property
    def manifest_action(self) -> str:
        """What `multipart-manifest` asks for: `put`, `get`, `delete` or nothing."""
        return self.parameters.get("multipart-manifest", "").lower()

    def body_length(self) -> int | None:
        """`Content-Length`, None when chunked. Raises Fault 400, 411, 413."""
        if "chunked" in (self.headers.get("transfer-encoding") or "").lower():
            return None
        text = self.headers.get("content-length")
        if text is None:
            raise length_required("Missing Content-Length header.")
        if not (text.isascii() and text.isdigit()):
            raise bad_request("Invalid Content-Length header value")
        length = int(text)
        if length > MAX_BODY:
            raise too_large()
        return length

    def body(self) -> AsyncIterator[bytes]:
        """The body in the pieces in which it arrives. Raises Disconnected when it breaks off."""
        return incoming(self._receive)

    async def whole_body(self, limit: int) -> bytes:
        """The body in one piece. Raises Fault 413 when it is longer than `limit` bytes."""
        data = bytearray()
        async for piece in self.body():
            data += piece
            if len(data) > limit:
                raise too_large()
        return bytes(data)


async def limited(body: AsyncIterator[bytes], limit: int) -> AsyncIterator[bytes]:
    """The same body. Raises Fault 413 once it is longer than `limit` bytes."""
    size = 0
    async for piece in body:
        size += len(piece)
        if size > limit:
            raise too_large()
        yield piece


def too_large() -> Fault:
    return Fault(413, "requestEntityTooLarge", "Your request is too large.")


def meta_headers(level: str, metadata: Mapping[str, str]) -> list[tuple[str, str]]:
    """Headers that show an account's or a container's metadata."""
    return [(f"X-{level}-Meta-{encode_name(key)}", value) for key, value in metadata.items()]


def timestamp(microseconds: int) -> str:
    """`X-Timestamp`: seconds since the epoch with five decimals."""
    return f"{microseconds // 1_000_000}.{microseconds % 1_000_000 // 10:05}"


def transaction_id() -> str:
    """What a reply is called in talk about it."""
    return f"tx{secrets.token_hex(10)}-{int(time.time()):010x}"


def fault_reply(fault: Fault) -> Reply:
    """A refused request: a line of HTML that says why."""
    headers = list(fault.headers.items())
    if fault.status == HTTPStatus.NOT_MODIFIED:
        return Reply(fault.status, headers)
    why = fault.message or fault.details
    body = f"<html><h1>{HTTPStatus(fault.status).phrase}</h1><p>{escape(why)}</p></html>"
    return Reply(
        fault.status, [*headers, ("Content-Type", "text/html; charset=UTF-8")], body.encode("utf-8", "replace")
    )


async def send_reply(reply: Reply, transaction: str, receive: Receive, send: Send, *, head: bool) -> None:
    """Send a reply, without its body when the request was HEAD."""
    raw = [(name.encode("latin-1"), _sendable(value)) for name, value in reply.headers]
    raw.append((b"X-Trans-Id", transaction.encode()))
    raw.append((b"X-Openstack-Request-Id", transaction.encode()))
    raw.append((b"Vary", b"X-Auth-Token"))
    length = len(reply.body) if reply.length is None and isinstance(reply.body, bytes) else reply.length
    if length is not None and reply.status not in (204, 304):
        raw.append((b"Content-Length", str(length).encode()))
    await send({"type": "http.response.start", "status": reply.status, "headers": raw})
    await reply.send_body(receive, send, head=head)


def _sendable(value: str) -> bytes:
    """A header's value; one that a header cannot hold (the Pithos API can store those) is percent-encoded."""
    if _UNSENDABLE.search(value):
        value = quote(value)
    return value.encode("utf-8", "replace")
