"""Static large objects: `PUT ?multipart-manifest=put` makes one object of segments that were uploaded before."""

from __future__ import annotations

import asyncio
import hashlib
import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pithosfs.blocks import Hashmap
from pithosfs.localcloud.blockstore import MissingBlock
from pithosfs.localcloud.faults import Fault, bad_request
from pithosfs.localcloud.objects.content import BlockWriter, copy_content
from pithosfs.localcloud.objects.exchange import Place, Reply
from pithosfs.localcloud.objects.ranges import parse_range
from pithosfs.localcloud.objects.writing import check_room
from pithosfs.localcloud.swift.backend import SwiftBackend
from pithosfs.localcloud.swift.capabilities import MAX_MANIFEST, MAX_SEGMENTS
from pithosfs.localcloud.swift.lists import list_time
from pithosfs.localcloud.swift.reading import Content, find_content, tag_of
from pithosfs.localcloud.swift.static import StaticManifest
from pithosfs.localcloud.swift.wire import SwiftRequest
from pithosfs.localcloud.swift.writing import Upload

__all__ = ["assemble", "put_static"]


@dataclass(frozen=True, slots=True)
class _Segment:
    """One line of a manifest; None where nothing is said."""

    path: str  # /container/object
    place: Place
    etag: str | None
    size: int | None
    range: str | None


async def put_static(swift: SwiftBackend, request: SwiftRequest) -> Reply:
    """Make an object of the segments that the body lists, once each is what the list says. Its type is the request's.

    Where segments begin on a border of blocks nothing is read or written; else the content is stored anew. Raises
    Fault 400 for a list that is wrong, 404, 412, 413, 422.
    """
    request.body_length()
    upload = Upload.of(request)
    segments = await asyncio.to_thread(_parse, request, await request.whole_body(MAX_MANIFEST))
    swift.objects.database.read_now(upload.check)
    problems: list[str] = []
    parts: list[tuple[Hashmap, int, int]] = []
    listed: list[dict[str, Any]] = []
    whole = hashlib.md5(usedforsecurity=False)
    found = await swift.objects.database.read_long(lambda connection: _look_up(connection, request.user, segments))
    for segment, content in zip(segments, found, strict=True):
        try:
            if isinstance(content, Fault):
                raise content
            tag = await tag_of(swift, content)
            start, end = _check(segment, content, tag)
        except Fault as fault:
            problems.append(f"{segment.path}, {fault.message}")
            continue
        parts += _cut(content.parts, start, end)
        whole.update(f"{tag}:{segment.range};".encode() if segment.range else tag.encode())
        listed.append(_shown(segment, content, tag))
    if problems:
        raise bad_request("Errors:\n" + "\n".join(problems))
    etag = whole.hexdigest()
    expected = (request.headers.get("etag") or "").strip().strip('"').lower()
    if expected and expected != etag:
        raise Fault(422, "unprocessableEntity", "Unable to process the contained instructions")
    size = sum(end - start for _, start, end in parts)

    def check(connection: sqlite3.Connection) -> None:
        check_room(connection, upload.check(connection), size)

    swift.objects.database.read_now(check)
    hashmap = await _put_together(swift, parts)
    return await upload.commit(swift, hashmap, "", StaticManifest(etag, json.dumps(listed)))


async def assemble(swift: SwiftBackend, parts: Sequence[Hashmap]) -> Hashmap:
    """One content of several, one after the other. Raises Fault 500 when a block cannot be read."""
    return await _put_together(swift, [(part, 0, part.size) for part in parts])


async def _put_together(swift: SwiftBackend, parts: Sequence[tuple[Hashmap, int, int]]) -> Hashmap:
    """The content made of those stretches."""
    blocks = swift.objects.blocks
    writer = BlockWriter(blocks)
    try:
        for part, start, end in parts:
            await copy_content(blocks, writer, part, start, end)
        names = await writer.finish()
    except MissingBlock as missing:
        raise Fault(500, "internalServerError", "a block of a segment cannot be read") from missing
    finally:
        await writer.abandon()
    # Those that were taken over as they are may lose their segment before the object is there: asking keeps them.
    if len(await blocks.exists(names)) != len(set(names)):
        raise Fault(500, "internalServerError", "a block of a segment is not stored")
    return Hashmap(writer.size, tuple(names))


def _cut(parts: Sequence[Hashmap], start: int, end: int) -> list[tuple[Hashmap, int, int]]:
    """The stretches of the parts that make up bytes `start` to `end` of the whole."""
    stretches = []
    offset = 0
    for part in parts:
        low, high = max(start - offset, 0), min(end - offset, part.size)
        if low < high:
            stretches.append((part, low, high))
        offset += part.size
    return stretches


def _parse(request: SwiftRequest, body: bytes) -> list[_Segment]:
    """The lines of a manifest. Raises Fault 400."""
    try:
        lines = json.loads(body)
    except (ValueError, RecursionError):
        raise bad_request("Manifest must be valid JSON.") from None
    if not isinstance(lines, list) or not lines:
        raise bad_request("Manifest must be a list with at least one segment.")
    if len(lines) > MAX_SEGMENTS:
        raise bad_request(f"Number of segments must be <= {MAX_SEGMENTS}")
    return [_parse_line(request, number, line) for number, line in enumerate(lines)]


def _parse_line(request: SwiftRequest, number: int, line: object) -> _Segment:
    if not isinstance(line, dict):
        raise bad_request(f"Index {number}: not a JSON object")
    path, etag, size, span = (line.get(key) for key in ("path", "etag", "size_bytes", "range"))
    if not isinstance(path, str):
        raise bad_request(f"Index {number}: the path is missing; segments with inline data are not supported")
    if not (etag is None or isinstance(etag, str)) or not (span is None or isinstance(span, str)):
        raise bad_request(f"Index {number}: etag and range are texts")
    if isinstance(size, str) and size.isascii() and size.isdigit():
        size = int(size)
    if not (size is None or (isinstance(size, int) and not isinstance(size, bool))):
        raise bad_request(f"Index {number}: invalid size_bytes")
    container, _, name = path.removeprefix("/").partition("/")
    if not container or not name:
        raise bad_request(
            f"Index {number}: path does not refer to an object. Path must be of the form /container/object."
        )
    if any("\ud800" <= char <= "\udfff" for char in path):
        raise bad_request(f"Index {number}: the path is not Unicode")
    place = Place(request.user, container, name)
    return _Segment(f"/{container}/{name}", place, etag and etag.strip('"').lower(), size, span or None)


def _look_up(connection: sqlite3.Connection, user: str, segments: Sequence[_Segment]) -> list[Content | Fault]:
    """What each of the segments is now, or why it cannot be had."""
    found: list[Content | Fault] = []
    for segment in segments:
        try:
            found.append(find_content(connection, user, segment.place))
        except Fault as fault:
            found.append(fault)
    return found


def _check(segment: _Segment, content: Content, tag: str) -> tuple[int, int]:
    """The bytes of the segment that are wanted (start included, end excluded). Raises Fault."""
    if segment.size is not None and segment.size != content.size:
        raise bad_request("Size Mismatch")
    if segment.etag and segment.etag != tag:
        raise bad_request("Etag Mismatch")
    if not content.size:
        raise bad_request("Too Small; each segment must be at least 1 byte.")
    if segment.range is None:
        return 0, content.size
    spans = parse_range(f"bytes={segment.range}", content.size, clip=True)
    if spans is None or len(spans) != 1:
        raise bad_request("Invalid Range")
    return spans[0]


def _shown(segment: _Segment, content: Content, tag: str) -> dict[str, Any]:
    """The segment as `multipart-manifest=get` lists it."""
    shown: dict[str, Any] = {
        "name": segment.path,
        "hash": tag,
        "bytes": content.size,
        "content_type": content.version.type,
        "last_modified": list_time(content.version.time),
    }
    if segment.range:
        shown["range"] = segment.range
    if content.static is not None:
        shown["sub_slo"] = True
    return shown
