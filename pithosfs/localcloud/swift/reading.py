"""HEAD and GET of objects: headers, data, ranges, and the content of large objects."""

from __future__ import annotations

import hashlib
import json
import secrets
import sqlite3
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from urllib.parse import quote

from pithosfs.blocks import Hashmap
from pithosfs.localcloud.blockstore import BlockStore
from pithosfs.localcloud.faults import Fault
from pithosfs.localcloud.objects.access import look_up
from pithosfs.localcloud.objects.conditions import check_dates, check_tags, parse_tags
from pithosfs.localcloud.objects.content import read_content
from pithosfs.localcloud.objects.exchange import Place, Reply
from pithosfs.localcloud.objects.headers import encode_name, http_date, parse_http_date
from pithosfs.localcloud.objects.manifest import manifest_objects, manifest_of
from pithosfs.localcloud.objects.model import StoredObject, Version, hashmap_of
from pithosfs.localcloud.objects.ranges import parse_range
from pithosfs.localcloud.objects.reading import open_content
from pithosfs.localcloud.swift.backend import SwiftBackend
from pithosfs.localcloud.swift.static import StaticManifest, find_manifest
from pithosfs.localcloud.swift.wire import MANIFEST, OBJECT_META, SwiftRequest, timestamp

__all__ = ["Content", "content_at", "find_content", "get_object", "head_object", "tag_of"]

Headers = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Content:
    """An object as it is read: its current version and of what bytes it is made.

    `segments` are those of a dynamic large object, None for all others; `static` is for static large objects.
    """

    stored: StoredObject
    version: Version
    hashmap: Hashmap
    segments: Sequence[tuple[Version, Hashmap]] | None
    static: StaticManifest | None

    @property
    def parts(self) -> Sequence[Hashmap]:
        """The block lists that make up the data, one after the other."""
        return (self.hashmap,) if self.segments is None else [hashmap for _, hashmap in self.segments]

    @property
    def size(self) -> int:
        return sum(part.size for part in self.parts)


async def content_at(swift: SwiftBackend, user: str, place: Place, *, manifest: bool = False) -> Content:
    """The object at a place of the user's own. `manifest`: a dynamic large object's own bytes instead of its segments.

    Raises Fault 403, 404.
    """

    def own(connection: sqlite3.Connection) -> Content:
        return find_content(connection, user, place, manifest=True)

    content = swift.objects.database.read_now(own)
    if manifest or manifest_of(content.version) is None:
        return content
    # There may be thousands of segments.
    return await swift.objects.database.read_long(lambda connection: find_content(connection, user, place))


def find_content(connection: sqlite3.Connection, user: str, place: Place, *, manifest: bool = False) -> Content:
    """What `content_at` finds."""
    stored = look_up(connection, user, place, None, rule=False).current()
    version = stored.version
    assert version is not None
    segments = None
    where = manifest_of(version)
    if where is not None and not manifest:
        try:
            found = manifest_objects(connection, user, place.account, where, public=False)
        except Fault:
            found = []  # as when the container of the segments is empty
        segments = [(one, hashmap_of(connection, one)) for one in found]
    return Content(stored, version, hashmap_of(connection, version), segments, find_manifest(connection, stored))


async def tag_of(swift: SwiftBackend, content: Content) -> str:
    """The entity tag without quotes: the MD5 of the content, for large objects that of the segments' MD5s."""
    if content.static is not None:
        return content.static.etag
    if content.segments is None:
        return await swift.checksums.md5(content.version, content.hashmap)
    whole = hashlib.md5(usedforsecurity=False)
    for version, hashmap in content.segments:
        whole.update((await swift.checksums.md5(version, hashmap)).encode())
    return whole.hexdigest()


async def head_object(swift: SwiftBackend, request: SwiftRequest) -> Reply:
    content, headers = await _open(swift, request)
    if content.static is not None and request.manifest_action == "get":
        return _manifest_reply(request, content.static, headers)
    return Reply(200, headers, length=content.size)


async def get_object(swift: SwiftBackend, request: SwiftRequest) -> Reply:
    content, headers = await _open(swift, request)
    if content.static is not None and request.manifest_action == "get":
        return _manifest_reply(request, content.static, headers)
    blocks, size = swift.objects.blocks, content.size
    wanted = request.headers.get("range")
    spans = None
    if wanted is not None and _range_holds(request, dict(headers)["Etag"], content.version.time):
        try:
            spans = parse_range(wanted, size, clip=True)
        except Fault as fault:
            fault.headers["Content-Range"] = f"bytes */{size}"
            raise
    if spans is None:
        return Reply(200, headers, await open_content(blocks, content.parts, 0, size), size)
    if len(spans) == 1:
        start, end = spans[0]
        headers = [*headers, ("Content-Range", f"bytes {start}-{end - 1}/{size}")]
        return Reply(206, headers, await open_content(blocks, content.parts, start, end), end - start)
    boundary = secrets.token_hex(16)
    kind = dict(headers)["Content-Type"]
    headers = [item for item in headers if item[0] != "Content-Type"]
    headers.append(("Content-Type", f"multipart/byteranges;boundary={boundary}"))
    return Reply(206, headers, _multipart(blocks, content, spans, boundary, kind))


async def _open(swift: SwiftBackend, request: SwiftRequest) -> tuple[Content, Headers]:
    """What is there and its headers, if the conditions of the request hold. Raises Fault 304, 404, 412."""
    manifest = request.manifest_action == "get"
    content = await content_at(swift, request.user, request.place, manifest=manifest)
    tag = await tag_of(swift, content)
    version = content.version
    check_tags(request.headers, tag, modified=version.time)
    check_dates(request.headers, version.time)
    large = content.segments is not None or content.static is not None
    headers = [
        ("Content-Type", version.type or "application/octet-stream"),
        ("Etag", f'"{tag}"' if large else tag),
        ("Last-Modified", http_date(version.time)),
        ("X-Timestamp", timestamp(version.time)),
        ("Accept-Ranges", "bytes"),
    ]
    if content.static is not None:
        headers.append(("X-Static-Large-Object", "True"))
    for name, value in version.metadata.items():
        if name == MANIFEST:
            headers.append((name, quote(value)))
        elif name.startswith(OBJECT_META):
            headers.append((OBJECT_META + encode_name(name.removeprefix(OBJECT_META)), value))
        else:
            headers.append((name, value))
    return content, headers


def _manifest_reply(request: SwiftRequest, manifest: StaticManifest, headers: Headers) -> Reply:
    """The list of segments; with `format=raw` in the form in which it is sent."""
    segments = manifest.segments
    if request.parameters.get("format") == "raw":
        names = {"name": "path", "hash": "etag", "bytes": "size_bytes", "range": "range"}
        segments = [{names[key]: value for key, value in one.items() if key in names} for one in segments]
    body = json.dumps(segments).encode()
    tag = hashlib.md5(body, usedforsecurity=False).hexdigest()
    headers = [item for item in headers if item[0] not in ("Content-Type", "Etag")]
    return Reply(200, [*headers, ("Content-Type", "application/json; charset=utf-8"), ("Etag", tag)], body)


def _range_holds(request: SwiftRequest, tag: str, modified: int) -> bool:
    """Whether `If-Range`, if it is there, names what is there now, by tag or by date."""
    condition = request.headers.get("if-range")
    if condition is None or tag.strip('"') in parse_tags(condition):
        return True
    return parse_http_date(condition) == modified // 1_000_000


async def _multipart(
    blocks: BlockStore, content: Content, spans: Sequence[tuple[int, int]], boundary: str, kind: str
) -> AsyncGenerator[bytes, None]:
    for start, end in spans:
        head = f"--{boundary}\r\nContent-Type: {kind}\r\nContent-Range: bytes {start}-{end - 1}/{content.size}\r\n\r\n"
        yield head.encode("utf-8", "replace")
        async with aclosing(read_content(blocks, content.parts, start, end)) as pieces:
            async for piece in pieces:
                yield piece
        yield b"\r\n"
    yield f"--{boundary}--".encode()
