"""HEAD and GET of objects: data, ranges, hashmaps, version lists, public URLs (object-store.md 7.1, 7.2, 18)."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from pithosfs.blocks import Hashmap
from pithosfs.localcloud.blockstore import BlockStore, MissingBlock
from pithosfs.localcloud.faults import Fault, not_found
from pithosfs.localcloud.objects.access import Access, Found, look_up, look_up_published
from pithosfs.localcloud.objects.backend import Backend
from pithosfs.localcloud.objects.conditions import check_dates, check_tags
from pithosfs.localcloud.objects.content import read_content
from pithosfs.localcloud.objects.exchange import Reply, Request
from pithosfs.localcloud.objects.headers import encode_name, http_date, parse_http_date
from pithosfs.localcloud.objects.manifest import manifest_of, manifest_parts
from pithosfs.localcloud.objects.model import (
    Version,
    find_container,
    find_object,
    find_public,
    find_version,
    hashmap_of,
    last_change,
)
from pithosfs.localcloud.objects.ranges import parse_range
from pithosfs.localcloud.objects.rendering import CONTENT_TYPES, hashmap_body, versions_body
from pithosfs.localcloud.objects.sharing import Rule

__all__ = ["get_object", "get_public", "head_object", "head_public", "open_content"]

Headers = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class _Target:
    """The version that a request reads: where it is, since when it is the newest, and of what bytes it is made."""

    found: Found
    version: Version
    modified: int  # of the newest version, microseconds
    asked: bool  # a version was asked for by its id
    parts: Sequence[Hashmap]

    @property
    def size(self) -> int:
        return sum(part.size for part in self.parts)


async def head_object(backend: Backend, request: Request) -> Reply:
    target = backend.database.read_now(lambda connection: _find(connection, request, head=True))
    check_tags(request.headers, target.version.root, modified=target.modified)
    check_dates(request.headers, target.modified)
    headers = _describe(backend, request, target)
    return Reply(200, headers, length=target.size)


async def get_object(backend: Backend, request: Request) -> Reply:
    """Data, hashmap or version list."""
    if request.parameters.get("version") == "list":
        return backend.database.read_now(lambda connection: _version_list(connection, request))
    hashmap = request.flag("hashmap")
    target = backend.database.read_now(lambda connection: _find(connection, request, head=hashmap))
    check_tags(request.headers, target.version.root, modified=target.modified)
    check_dates(request.headers, target.modified)
    headers = _describe(backend, request, target)
    if hashmap:
        own = backend.database.read_now(lambda connection: hashmap_of(connection, target.version))
        return Reply(200, headers, hashmap_body(request.place.name, own, request.form("json")))
    return await _data(backend, request, target, headers)


async def head_public(backend: Backend, request: Request, token: str) -> Reply:
    """Conditions are not looked at (section 18)."""
    target = backend.database.read_now(lambda connection: _find_public(connection, token, head=True))
    return Reply(200, _public_headers(target), length=target.size)


async def get_public(backend: Backend, request: Request, token: str) -> Reply:
    target = backend.database.read_now(lambda connection: _find_public(connection, token, head=False))
    check_tags(request.headers, target.version.root, modified=target.modified)
    check_dates(request.headers, target.modified)
    return await _data(backend, request, target, _public_headers(target))


# finding --------------------------------------------------------------------------------------------------------------


def _find(connection: sqlite3.Connection, request: Request, *, head: bool) -> _Target:
    """The version that is asked for. `head`: the parts of a manifest that cannot be found do not matter.

    Raises Fault 403, 404.
    """
    asked = request.parameters.get("version")
    if asked is None:
        found = look_up(connection, request.user, request.place, "read")
        version = found.current().version
    else:
        found = look_up_published(connection, request.user, request.place)
        version = find_version(connection, found.stored, asked)
    if version is None or found.stored is None:
        raise not_found("there is no such version")
    modified = last_change(connection, found.stored)
    parts = _parts(connection, request.user, request.place.account, version, head=head, public=False)
    return _Target(found, version, modified, asked is not None, parts)


def _find_public(connection: sqlite3.Connection, token: str, *, head: bool) -> _Target:
    published = find_public(connection, token)
    if published is None:
        raise not_found("nothing is published there")
    account, container_name, name = published
    container = find_container(connection, account, container_name)
    assert container is not None
    stored = find_object(connection, container.id, name)
    assert stored is not None
    assert stored.version is not None
    parts = _parts(connection, "", account, stored.version, head=head, public=True)
    found = Found(container, stored, Access(False, "read", Rule(), ""))
    return _Target(found, stored.version, stored.version.time, False, parts)


def _parts(
    connection: sqlite3.Connection, caller: str, account: str, version: Version, *, head: bool, public: bool
) -> Sequence[Hashmap]:
    """What the data of a version is made of: its own blocks, or the parts that a manifest names."""
    manifest = manifest_of(version)
    if manifest is not None:
        try:
            return manifest_parts(connection, caller, account, manifest, public=public)
        except Fault:
            if not head:
                raise
    return (hashmap_of(connection, version),)


# headers --------------------------------------------------------------------------------------------------------------


def _describe(backend: Backend, request: Request, target: _Target) -> Headers:
    """The headers of section 7.1, except the length."""
    version, access, stored = target.version, target.found.access, target.found.stored
    headers = [
        ("ETag", version.root),
        ("Content-Type", version.type),
        ("Last-Modified", http_date(target.modified)),
        ("X-Object-Hash", version.root),
        ("X-Object-UUID", version.uuid),
        ("X-Object-Version", str(version.id)),
        ("X-Object-Version-Timestamp", http_date(version.time)),
        ("X-Object-Modified-By", version.modified_by),
        ("Available", "1"),
    ]
    prefix = "X-Object-Meta-"
    for name, value in version.metadata.items():
        shown = prefix + encode_name(name.removeprefix(prefix)) if name.startswith(prefix) else name
        headers.append((shown, value))
    if target.asked:
        return headers
    if access.rule:
        headers.append(("X-Object-Sharing", str(access.rule)))
        if access.source != request.place.name:
            place = request.place
            headers.append(("X-Object-Shared-By", f"{place.account}/{place.container}/{access.source}"))
    if not access.owner and access.allowed is not None:
        headers.append(("X-Object-Allowed-To", access.allowed))
    if access.owner and stored is not None and stored.public is not None:
        headers.append(("X-Object-Public", backend.public_url(request) + stored.public))
    return headers


def _public_headers(target: _Target) -> Headers:
    version = target.version
    kept = [item for item in version.metadata.items() if item[0].startswith("Content-")]
    return [
        ("ETag", version.root),
        ("Content-Type", version.type),
        ("Last-Modified", http_date(target.modified)),
        ("Available", "1"),
        *kept,
    ]


def _disposition(request: Request, headers: Headers, name: str) -> Headers:
    """Every data reply says what a browser should do with it: what is stored, or what the request asks for."""
    forced = request.parameters.get("disposition-type")
    filename = name.replace(
        '"', "'"
    )  # a quote would end the value early, and its escapes are not understood everywhere
    if forced in ("inline", "attachment"):
        headers = [item for item in headers if item[0] != "Content-Disposition"]
        return [*headers, ("Content-Disposition", f'{forced}; filename="{filename}"')]
    if any(item[0] == "Content-Disposition" for item in headers):
        return headers
    return [*headers, ("Content-Disposition", f'inline; filename="{filename}"')]


# data -----------------------------------------------------------------------------------------------------------------


async def _data(backend: Backend, request: Request, target: _Target, headers: Headers) -> Reply:
    assert target.found.stored is not None
    headers = _disposition(request, headers, target.found.stored.name)
    size = target.size
    wanted = request.headers.get("range")
    spans = None
    if wanted is not None and _range_holds(request, target):
        spans = parse_range(wanted, size)
    if spans is None:
        return Reply(200, headers, await open_content(backend.blocks, target.parts, 0, size), size)
    if len(spans) == 1:
        start, end = spans[0]
        headers = [*headers, ("Content-Range", f"bytes {start}-{end - 1}/{size}")]
        return Reply(206, headers, await open_content(backend.blocks, target.parts, start, end), end - start)
    boundary = secrets.token_hex(16)
    headers = [item for item in headers if item[0] != "Content-Type"]
    headers.append(("Content-Type", f"multipart/byteranges; boundary={boundary}"))
    return Reply(206, headers, _multipart(backend, target, spans, boundary))


def _range_holds(request: Request, target: _Target) -> bool:
    """Whether `If-Range`, if it is there, names what is there now: by tag (hash or MD5) or by date."""
    condition = request.headers.get("if-range")
    if condition is None:
        return True
    tag = condition.strip().strip('"').lower()
    if tag in (target.version.root, target.version.md5 or None):
        return True
    date = parse_http_date(condition)
    return date is not None and target.modified // 1_000_000 == date


async def open_content(
    blocks: BlockStore, parts: Sequence[Hashmap], start: int, end: int
) -> bytes | AsyncGenerator[bytes, None]:
    """Bytes `start` (included) to `end` (excluded) of the parts, the first piece read already: what fails now can still
    be told. Raises Fault 500."""
    pieces = read_content(blocks, parts, start, end)
    try:
        first = await anext(pieces, b"")
    except (MissingBlock, OSError) as failure:
        raise Fault(500, "internalServerError", "a block of the object cannot be read") from failure
    if len(first) == end - start:
        await pieces.aclose()
        return first
    return _chain(first, pieces)


async def _chain(first: bytes, rest: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    async with aclosing(rest):
        yield first
        async for piece in rest:
            yield piece


async def _multipart(
    backend: Backend, target: _Target, spans: Sequence[tuple[int, int]], boundary: str
) -> AsyncGenerator[bytes, None]:
    for start, end in spans:
        head = (
            f"--{boundary}\r\nContent-Range: bytes {start}-{end - 1}/{target.size}\r\n"
            "Content-Transfer-Encoding: binary\r\n\r\n"
        )
        yield head.encode()
        async with aclosing(read_content(backend.blocks, target.parts, start, end)) as pieces:
            async for piece in pieces:
                yield piece
        yield b"\r\n"
    yield f"--{boundary}--".encode()


def _version_list(connection: sqlite3.Connection, request: Request) -> Reply:
    """The history of a name, also of a deleted object. Raises Fault 403, 404."""
    found = look_up(connection, request.user, request.place, "read")
    if found.stored is None:
        raise not_found("there never was such an object")
    rows = connection.execute(
        "SELECT id, time FROM versions WHERE object = ? AND deleted = 0 ORDER BY id", (found.stored.id,)
    )
    form = request.form("json")
    body = versions_body(request.place.name, [(ident, time) for ident, time in rows], form)
    return Reply(200, [("Content-Type", CONTENT_TYPES[form])], body)
