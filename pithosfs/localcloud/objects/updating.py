"""POST that changes an object's data: append, overwrite, truncate, from the body or another object (section 10).

Only the blocks at the edges of the written range are read; the others keep their hashes. The version is made only if
the content is still the one that was read: whoever loses that race starts over. A small body is kept in memory for
that, a large one is read again from the blocks that the lost attempt has stored.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from pithosfs.blocks import DEFAULT_BLOCK_SIZE, Hashmap
from pithosfs.localcloud.blockstore import BlockStore, MissingBlock
from pithosfs.localcloud.faults import Fault, bad_request, conflict, not_found
from pithosfs.localcloud.objects.access import Found, look_up, look_up_published
from pithosfs.localcloud.objects.backend import Backend
from pithosfs.localcloud.objects.changes import Change, Draft
from pithosfs.localcloud.objects.conditions import check_tags
from pithosfs.localcloud.objects.content import BlockWriter, copy_content, read_content
from pithosfs.localcloud.objects.copying import parse_path
from pithosfs.localcloud.objects.exchange import Place, Reply, Request
from pithosfs.localcloud.objects.model import Version, find_version, hashmap_of
from pithosfs.localcloud.objects.ranges import ContentRange, parse_content_range, range_not_satisfiable
from pithosfs.localcloud.objects.writing import Extras, updated_metadata

__all__ = ["update_data"]

ATTEMPTS = 20
"""Times that a change of the object by others is answered by starting over; somebody else won each time."""

REPLAY_LIMIT = DEFAULT_BLOCK_SIZE
"""Bytes of a body that are kept in memory, so that it can be written again on another base without the disk."""


class _Stale(Exception):
    """Somebody else changed the content meanwhile."""


class _Body:
    """The request's body, which can be gone through again if it is small, or once it is stored."""

    def __init__(self, request: Request, blocks: BlockStore) -> None:
        self._pieces = request.body()
        self._blocks = blocks
        self._kept: list[bytes] = []
        self._size = 0
        self._read = False
        self._stored: tuple[Hashmap, int] | None = None

    @property
    def can_replay(self) -> bool:
        return self._size <= REPLAY_LIMIT or self._stored is not None

    def note_stored(self, hashmap: Hashmap, start: int) -> None:
        """The body is in that content, from `start` on. One that was cut is not: its end was never written."""
        if start + self._size <= hashmap.size:
            self._stored = (hashmap, start)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if not self._read:
            self._read = True
            async for piece in self._pieces:
                self._size += len(piece)
                if self._size <= REPLAY_LIMIT:
                    self._kept.append(piece)
                else:
                    self._kept.clear()
                yield piece
        elif self._size <= REPLAY_LIMIT:
            for piece in self._kept:
                yield piece
        elif self._stored is not None:
            hashmap, start = self._stored
            async for piece in read_content(self._blocks, (hashmap,), start, start + self._size):
                yield piece


@dataclass(frozen=True, slots=True)
class _Source:
    """The first `count` bytes of another object."""

    hashmap: Hashmap
    count: int


@dataclass(frozen=True, slots=True)
class _Plan:
    """What a request wants: where to write, where to cut afterwards (None: not at all), from where."""

    request: Request
    range: ContentRange
    cut: int | None
    extras: Extras
    source: Place | None
    length: int | None  # of the body; None: chunked, or another object is the source


async def update_data(backend: Backend, request: Request) -> Reply:
    plan = _plan(request)
    body = _Body(request, backend.blocks)
    for _ in range(ATTEMPTS):
        try:
            root, version = await _attempt(backend, plan, body)
        except _Stale:
            if plan.source is None and not body.can_replay:
                break
        except MissingBlock as missing:
            raise Fault(500, "internalServerError", "a block of the object cannot be read") from missing
        else:
            return Reply(204, [("ETag", root), ("X-Object-Version", str(version))])
    raise conflict("somebody else changed the object at the same time")


def _plan(request: Request) -> _Plan:
    """Everything that can be told from the headers. Raises Fault 400, 411, 416."""
    source_header = request.headers.get("x-source-object")
    source = None
    length = None
    if source_header is not None:
        source = parse_path(source_header, request.headers.get("x-source-account") or request.user)
    else:
        length = request.body_length()
    where = parse_content_range(request.headers.get("content-range"))
    if length is not None and where.start is not None and where.end is not None and where.end - where.start != length:
        raise bad_request("Content-Range and Content-Length do not agree")
    cut = request.headers.get("x-object-bytes")
    if cut is not None and not (cut.isascii() and cut.isdigit() and len(cut) <= 18):
        raise bad_request("X-Object-Bytes is a number of bytes")
    return _Plan(request, where, None if cut is None else int(cut), Extras.sent(request.headers), source, length)


async def _attempt(backend: Backend, plan: _Plan, body: _Body) -> tuple[str, int]:
    """Read, change and write once; returns the new root and version. Raises _Stale."""
    base_version, base = backend.database.read_now(lambda connection: _base(connection, plan))
    start = base.size if plan.range.start is None else plan.range.start
    source: _Source | None = None
    if plan.source is not None:
        source = backend.database.read_now(lambda connection: _source(connection, plan, start))
    length = source.count if source is not None else plan.length
    if start > base.size:
        raise range_not_satisfiable(f"the object has {base.size} bytes: no holes")
    if plan.range.size is not None:
        end = start + length if length is not None else plan.range.end or start
        if plan.range.size != base.size or end > base.size:
            raise range_not_satisfiable(f"the object has {base.size} bytes")
    hashmap = await _write(backend, base, start, source if source is not None else body, plan.cut)
    if source is None:
        body.note_stored(hashmap, start)
    if plan.range.size is not None and hashmap.size > base.size:
        raise range_not_satisfiable(f"the object has {base.size} bytes")
    root = hashmap.root

    def run(change: Change) -> int:
        found, present = _target(change.connection, plan)
        if present.id != base_version.id and (present.size, present.root) != (base_version.size, base_version.root):
            raise _Stale
        metadata = updated_metadata(plan.request, present)
        kept = present.metadata if metadata is None else metadata
        draft = Draft.of_hashmap(hashmap, root, present.type, kept, "")
        version = change.put(found.container, plan.request.place.name, found.stored, draft)
        plan.extras.apply(change, found.container, plan.request.place.name)
        return version

    return root, await backend.write(plan.request.user, run)


def _target(connection: sqlite3.Connection, plan: _Plan) -> tuple[Found, Version]:
    """The object to change. Raises Fault 403, 404, 412."""
    found = look_up(connection, plan.request.user, plan.request.place, "write", rule=False)
    plan.extras.check(found)
    version = found.current().version
    assert version is not None
    check_tags(plan.request.headers, version.root)
    return found, version


def _base(connection: sqlite3.Connection, plan: _Plan) -> tuple[Version, Hashmap]:
    _, version = _target(connection, plan)
    return version, hashmap_of(connection, version)


def _source(connection: sqlite3.Connection, plan: _Plan, start: int) -> _Source:
    """The object that the data comes from. Raises Fault 400, 403, 404."""
    assert plan.source is not None
    found = look_up_published(connection, plan.request.user, plan.source)
    asked = plan.request.headers.get("x-source-version")
    version = found.current().version if asked is None else find_version(connection, found.stored, asked)
    if version is None:
        raise not_found("there is no such version")
    count = version.size if plan.range.end is None else plan.range.end - start
    if count > version.size:
        raise bad_request("the range is longer than the source")
    return _Source(hashmap_of(connection, version), count)


async def _write(backend: Backend, base: Hashmap, start: int, data: _Source | _Body, cut: int | None) -> Hashmap:
    """The content that `base` becomes when the data is written at `start` and what is beyond `cut` goes."""
    block_size = base.block_size
    begin = start if cut is None else min(start, cut)
    first = begin // block_size
    writer = BlockWriter(backend.blocks)
    try:
        async for piece in read_content(backend.blocks, (base,), first * block_size, begin):
            await writer.write(piece)
        origin = first * block_size  # where the writer's first byte is
        room = None if cut is None else cut - begin
        if isinstance(data, _Source):
            count = data.count if room is None else min(data.count, room)
            await copy_content(backend.blocks, writer, data.hashmap, 0, count)
            end = start + data.count
        else:
            end = start
            async for piece in data:
                end += len(piece)
                visible = piece if room is None else piece[: max(0, room - (end - len(piece) - start))]
                if visible:
                    await writer.write(visible)
        size = max(base.size, end)
        if cut is not None:
            size = min(size, cut)
        # Behind the data the old bytes go on: first up to the border of a block, then whole blocks.
        at = origin + writer.size
        border = min(-(-at // block_size) * block_size, size)
        async for piece in read_content(backend.blocks, (base,), at, border):
            await writer.write(piece)
        kept: Sequence[str] = ()
        if border < size:
            whole = size // block_size if size < base.size else len(base.hashes)
            kept = base.hashes[border // block_size : whole]
        middle = await writer.finish()
    finally:
        await writer.abandon()
    hashes = [*base.hashes[:first], *middle, *kept]
    if len(hashes) * block_size < size:
        # Cut inside a block that was kept so far: its name must be that of the bytes that are still visible.
        hashes.append(await backend.blocks.put(await _read(backend, base, len(hashes) * block_size, size)))
    return Hashmap(size, tuple(hashes), block_size, base.algorithm)


async def _read(backend: Backend, hashmap: Hashmap, start: int, end: int) -> bytes:
    return b"".join([piece async for piece in read_content(backend.blocks, (hashmap,), start, end)])
