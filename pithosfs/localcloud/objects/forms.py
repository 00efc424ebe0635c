"""POST of an HTML form with a file: creates or replaces an object (object-store.md 7.5, last paragraph)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from email.message import Message
from email.parser import BytesHeaderParser

from pithosfs.localcloud.faults import bad_request
from pithosfs.localcloud.objects.access import look_up
from pithosfs.localcloud.objects.backend import Backend
from pithosfs.localcloud.objects.changes import Change, Draft
from pithosfs.localcloud.objects.content import receive
from pithosfs.localcloud.objects.exchange import Reply, Request

__all__ = ["FormReader", "post_form"]

FIELD = "X-Object-Data"
MAX_PART_HEADERS = 16 * 1024  # bytes


async def post_form(backend: Backend, request: Request) -> Reply:
    """Store the file of the field `X-Object-Data`: metadata goes, the rule stays. Raises Fault 400 without it."""
    request.body_length()
    name = request.place.name
    backend.database.read_now(lambda connection: look_up(connection, request.user, request.place, "write", rule=False))
    reader = FormReader(request.body(), _boundary(request))
    content_type = await reader.find(FIELD)
    if content_type is None:
        raise bad_request(f"the form has no file field {FIELD}")
    received = await receive(reader.data(), backend.blocks, want_md5=False, hold_small=True)
    root = received.hashmap.root

    def run(change: Change) -> int:
        found = look_up(change.connection, request.user, request.place, "write", rule=False)
        draft = Draft.of_hashmap(received.hashmap, root, content_type, {}, "", received.small)
        return change.put(found.container, name, found.stored, draft)

    version = await backend.write(request.user, run)
    return Reply(201, [("ETag", root), ("X-Object-Version", str(version)), ("Content-Type", "text/plain")])


def _boundary(request: Request) -> bytes:
    header = Message()
    header["Content-Type"] = request.headers.get("content-type") or ""
    boundary = header.get_boundary()
    if not boundary or len(boundary) > 70 or not boundary.isascii():
        raise bad_request("the form's Content-Type has no usable boundary")
    return boundary.encode()


class FormReader:
    """Goes through a `multipart/form-data` body as it arrives; never holds more than a piece of it."""

    def __init__(self, pieces: AsyncIterator[bytes], boundary: bytes) -> None:
        self._pieces = pieces
        self._delimiter = b"\r\n--" + boundary
        self._buffer = bytearray(b"\r\n")  # the first delimiter may lack the line end before it

    async def find(self, field: str) -> str | None:
        """Go to the data of the first part of that name; its content type, None when there is no such part."""
        while True:
            async for _ in self.data():
                pass
            while len(self._buffer) < 2:
                await self._more()
            if self._buffer.startswith(b"--"):
                return None
            headers = await self._part_headers()
            if headers.get_param("name", header="content-disposition") == field:
                # A value that is not ASCII comes as an object of another class.
                content_type = str(headers.get("content-type", "application/octet-stream")).strip()
                if not content_type.isascii():
                    raise bad_request("a part's Content-Type has characters that are not ASCII")
                return content_type

    async def data(self) -> AsyncIterator[bytes]:
        """What is left of the present part, up to the delimiter and with that taken away."""
        while True:
            at = self._buffer.find(self._delimiter)
            if at >= 0:
                if at:
                    yield bytes(self._buffer[:at])
                del self._buffer[: at + len(self._delimiter)]
                return
            safe = len(self._buffer) - len(self._delimiter) + 1  # the rest may be the beginning of a delimiter
            if safe > 0:
                yield bytes(self._buffer[:safe])
                del self._buffer[:safe]
            await self._more()

    async def _part_headers(self) -> Message:
        while (end := self._buffer.find(b"\r\n\r\n")) < 0:
            if len(self._buffer) > MAX_PART_HEADERS:
                raise bad_request("the headers of a part are too long")
            await self._more()
        text = bytes(self._buffer[:end]).lstrip(b" \t\r\n")  # the end of the delimiter's line
        del self._buffer[: end + 4]
        return BytesHeaderParser().parsebytes(text)

    async def _more(self) -> None:
        piece = await anext(self._pieces, None)
        if piece is None:
            raise bad_request("the form ends in the middle")
        self._buffer += piece
