"""COPY and MOVE, and PUT with `X-Copy-From` or `X-Move-From`: no data moves (object-store.md 7.4)."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from uuid import uuid4

from pithosfs.localcloud.faults import bad_request, forbidden, length_required, not_found
from pithosfs.localcloud.objects.access import Found, effective_rule, look_up, look_up_published, principals
from pithosfs.localcloud.objects.backend import Backend
from pithosfs.localcloud.objects.changes import Change, Draft
from pithosfs.localcloud.objects.conditions import check_tags
from pithosfs.localcloud.objects.exchange import Place, Reply, Request, place_for
from pithosfs.localcloud.objects.model import StoredObject, Version, find_object, find_version, objects_between
from pithosfs.localcloud.objects.spans import Span
from pithosfs.localcloud.objects.writing import Extras

__all__ = ["copy_object", "parse_path", "put_from"]


def parse_path(text: str | None, account: str) -> Place:
    """The place that a path header names: `/<container>/<object>`. Raises Fault 400."""
    if text is None or not text.startswith("/"):
        raise bad_request("the path of an object is '/<container>/<object>'")
    container, _, name = text[1:].partition("/")
    if not container or not name or "\n" in text or "\0" in text:
        raise bad_request("the path of an object is '/<container>/<object>'")
    return place_for(account, container, name)


@dataclass(frozen=True, slots=True)
class _Transfer:
    """One request: from where to where, and what it says about the root object."""

    request: Request
    source: Place
    target: Place
    move: bool
    source_version: str | None
    content_type: str | None
    delimiter: str | None
    extras: Extras
    tags_on_source: bool


@dataclass(frozen=True, slots=True)
class _Item:
    """One object on its way."""

    version: Version
    stored: StoredObject
    name: str  # the new one
    content_type: str
    metadata: dict[str, str]


async def copy_object(backend: Backend, request: Request, *, move: bool) -> Reply:
    """COPY or MOVE of the object that the URL names."""
    account = request.headers.get("destination-account") or request.user
    target = parse_path(request.headers.get("destination"), account)
    return await _transfer(backend, request, request.place, target, move=move, tags_on_source=True)


async def put_from(backend: Backend, request: Request) -> Reply:
    """PUT that takes the content from another object; any body is ignored."""
    if request.headers.get("content-length") is None:
        raise length_required("Content-Length: 0 is required")
    account = request.headers.get("x-source-account") or request.user
    moved = request.headers.get("x-move-from")
    copied = request.headers.get("x-copy-from")
    source = parse_path(copied if copied is not None else moved, account)
    return await _transfer(backend, request, source, request.place, move=copied is None, tags_on_source=False)


async def _transfer(
    backend: Backend, request: Request, source: Place, target: Place, *, move: bool, tags_on_source: bool
) -> Reply:
    transfer = _Transfer(
        request,
        source,
        target,
        # Onto itself nothing moves: a new version of the same object.
        move,
        None if move else request.headers.get("x-source-version"),
        None if request.flag("ignore_content_type") else request.headers.get("content-type"),
        request.text("delimiter"),
        Extras.sent(request.headers),
        tags_on_source,
    )
    version = await backend.write(request.user, lambda change: _run(change, transfer))
    return Reply(201, [("X-Object-Version", str(version))])


def _run(change: Change, transfer: _Transfer) -> int:
    """Carry it out; returns the id of the root object's new version. Raises Fault 400, 403, 404, 412."""
    connection, caller = change.connection, transfer.request.user
    source = (
        look_up(connection, caller, transfer.source, None)
        if transfer.move
        else look_up_published(connection, caller, transfer.source)
    )
    if transfer.source_version is not None:
        version = find_version(connection, source.stored, transfer.source_version)
        if version is None or source.stored is None:
            raise not_found("there is no such version")
        stored = source.stored
    else:
        stored = source.current()
        assert stored.version is not None
        version = stored.version
    target = look_up(connection, caller, transfer.target, "write", rule=False)
    transfer.extras.check(target)
    tested = version if transfer.tags_on_source else (target.stored.version if target.stored is not None else None)
    check_tags(transfer.request.headers, tested.root if tested is not None else None)

    merged = {**version.metadata, **transfer.request.headers.object_meta()}
    root = _Item(
        version,
        stored,
        transfer.target.name,
        version.type if transfer.content_type is None else transfer.content_type,
        {key: value for key, value in merged.items() if value},
    )
    items = [root, *_below(connection, transfer, source, target)]
    onto_itself = source.container.id == target.container.id and transfer.source.name == transfer.target.name
    if transfer.move and not onto_itself:
        # All sources go first: a folder may be moved into itself, where one's new name is another's old one.
        for item in items:
            change.delete(source.container, item.stored)
    versions = [_put(change, transfer, target, item, onto_itself=onto_itself) for item in items]
    transfer.extras.apply(change, target.container, transfer.target.name)
    return versions[0]


def _put(change: Change, transfer: _Transfer, target: Found, item: _Item, *, onto_itself: bool) -> int:
    present = find_object(change.connection, target.container.id, item.name)
    uuid = item.version.uuid if transfer.move else str(uuid4())
    draft = Draft.of_version(item.version, item.metadata, item.content_type, None if onto_itself else uuid)
    return change.put(target.container, item.name, present, draft)


def _below(connection: sqlite3.Connection, transfer: _Transfer, source: Found, target: Found) -> list[_Item]:
    """The objects that go along because of `delimiter`, with a right to each checked. Raises Fault 400, 403."""
    if transfer.delimiter is None:
        return []
    old, new = transfer.source.name + transfer.delimiter, transfer.target.name + transfer.delimiter
    span = Span.below(old)
    items = []
    who = principals(connection, transfer.request.user)
    for stored in objects_between(connection, source.container.id, span.low, span.high):
        assert stored.version is not None
        name = new + stored.name[len(old) :]
        place_for("", "", name)
        if not source.access.owner and stored.public is None:
            rule, _ = effective_rule(connection, source.container.id, stored.name)
            if rule.allows(who) is None:
                raise forbidden("something below the source is not shared with you")
        if not target.access.owner:
            rule, _ = effective_rule(connection, target.container.id, name)
            if rule.allows(who) != "write":
                raise forbidden("something below the destination is not shared with you for writing")
        items.append(_Item(stored.version, stored, name, stored.version.type, dict(stored.version.metadata)))
    return items
