"""Requests at container level: create, describe, list, change, take blocks, delete (object-store.md 6, 8, 9.4, 14)."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

from pithosfs.blocks import DEFAULT_BLOCK_HASH, DEFAULT_BLOCK_SIZE
from pithosfs.localcloud.faults import bad_request, conflict, forbidden, not_found
from pithosfs.localcloud.objects.access import (
    own_container,
    principals,
    published_spans,
    require_owner,
    shared_spans,
    visible_container,
)
from pithosfs.localcloud.objects.accounts import list_limit, list_reply, merge_metadata
from pithosfs.localcloud.objects.backend import Backend
from pithosfs.localcloud.objects.bulk import HEADER as BULK_UPLOAD
from pithosfs.localcloud.objects.changes import Change
from pithosfs.localcloud.objects.charging import pay_from
from pithosfs.localcloud.objects.conditions import check_dates
from pithosfs.localcloud.objects.content import receive
from pithosfs.localcloud.objects.exchange import Form, Reply, Request
from pithosfs.localcloud.objects.headers import encode_name, http_date
from pithosfs.localcloud.objects.listing import Listed, Query, RollUp, list_objects
from pithosfs.localcloud.objects.metafilter import parse_meta_filter
from pithosfs.localcloud.objects.model import Container, find_container, objects_between
from pithosfs.localcloud.objects.past import container_totals_before, metadata_before
from pithosfs.localcloud.objects.rendering import CONTENT_TYPES, ObjectView, items_body, objects_body
from pithosfs.localcloud.objects.sharing import parse_rule
from pithosfs.localcloud.objects.spans import Span, intersect, merge

__all__ = ["delete_container", "get_container", "head_container", "post_container", "put_container"]

BLOCKS_TYPE = "application/octet-stream"


# creating and changing ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Policy:
    """The policies that a request sends; None for those it does not."""

    quota: int | None = None
    versioning: str | None = None
    project: str | None = None

    def __bool__(self) -> bool:
        return (self.quota, self.versioning, self.project) != (None, None, None)


def _sent_policy(request: Request) -> _Policy:
    """Raises Fault 400 for an unknown policy or an impossible value."""
    quota = versioning = project = None
    for name, value in request.headers.prefixed("x-container-policy-").items():
        value = value.strip()
        if name == "quota":
            if not (value.isascii() and value.isdigit() and len(value) <= 18):
                raise bad_request("a quota is a number of bytes; 0 is no limit")
            quota = int(value)
        elif name == "versioning":
            if value not in ("auto", "none"):
                raise bad_request("versioning is 'auto' or 'none'")
            versioning = value
        elif name == "project":
            if not value or len(value) > 256:
                raise bad_request("a project is named by its id")
            project = value
        else:
            raise bad_request(f"there is no policy {name!a}")
    return _Policy(quota, versioning, project)


async def put_container(backend: Backend, request: Request) -> Reply:
    """Create a container, or change one that is there: 201 or 202."""
    require_owner(request.user, request.place.account)
    sent = request.headers.meta("container")
    policy = _sent_policy(request)

    def run(change: Change) -> bool:
        container = find_container(change.connection, request.user, request.place.container)
        if container is not None:
            if sent:
                change.set_metadata("container", container.id, merge_metadata(container.metadata, sent))
            if policy:
                _write_policy(change, container, policy)
            if sent or policy:
                change.touch_container(container)
            return False
        account = change.account(request.user)
        ident = change.connection.execute(
            "INSERT INTO containers (account, name, created, modified, quota, versioning, project)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                account,
                request.place.container,
                change.time,
                change.time,
                policy.quota or 0,
                policy.versioning or "auto",
                policy.project or request.user,
            ),
        ).lastrowid
        assert ident is not None
        if sent:
            change.set_metadata("container", ident, merge_metadata({}, sent))
        change.touch_account(account)
        return True

    created = await backend.write(request.user, run)
    return Reply(201 if created else 202)


def _write_policy(change: Change, container: Container, policy: _Policy) -> None:
    if policy.project is not None and policy.project != container.project:
        pay_from(change.connection, container, policy.project)
    change.connection.execute(
        "UPDATE containers SET quota = ?, versioning = ?, project = ? WHERE id = ?",
        (
            container.quota if policy.quota is None else policy.quota,
            policy.versioning or container.versioning,
            policy.project or container.project,
            container.id,
        ),
    )


async def post_container(backend: Backend, request: Request) -> Reply:
    """Change metadata and policies (without `update` what is not sent goes), and store blocks."""
    form = request.form("json")
    update = request.flag("update")
    sent = request.headers.meta("container")
    policy = _sent_policy(request)
    backend.database.read_now(lambda connection: own_container(connection, request.user, request.place))
    hashes: list[str] | None = None
    if request.headers.get("content-type") == BLOCKS_TYPE and (
        request.is_chunked() or request.headers.get("content-length") not in (None, "0")
    ):
        request.body_length()
        hashes = list((await receive(request.body(), backend.blocks, want_md5=False)).hashmap.hashes)

    def run(change: Change) -> None:
        container = own_container(change.connection, request.user, request.place)
        if sent or not update:
            base: Mapping[str, str] = container.metadata if update else {}
            change.set_metadata("container", container.id, merge_metadata(base, sent))
        if policy:
            # The project stays even without `update`: moving the usage is never meant by leaving it out.
            reset = _Policy() if update else _Policy(0, "auto")
            filled = _Policy(
                reset.quota if policy.quota is None else policy.quota,
                policy.versioning or reset.versioning,
                policy.project,
            )
            _write_policy(change, container, filled)
        change.touch_container(container)

    if sent or policy or not update:
        await backend.write(request.user, run)
    if hashes is None:
        return Reply(202)
    return Reply(202, [("Content-Type", CONTENT_TYPES[form])], items_body(hashes, form))


async def delete_container(backend: Backend, request: Request) -> Reply:
    """Purge history (`until`), or delete everything inside (`delimiter`), or the empty container."""
    until = request.until(strict=True)
    delimiter = request.text("delimiter")

    def run(change: Change) -> None:
        container = own_container(change.connection, request.user, request.place)
        if until is not None:
            change.purge_history(container, until)
        elif delimiter is not None:
            for stored in objects_between(change.connection, container.id, "", None):
                change.delete(container, stored)
        elif container.objects:
            raise conflict("the container is not empty")
        else:
            change.remove_container(container)

    await backend.write(request.user, run)
    return Reply(204)


# describing and listing -----------------------------------------------------------------------------------------------


async def head_container(backend: Backend, request: Request) -> Reply:
    if request.until() is None:
        return Reply(204, backend.database.read_now(lambda connection: _describe(connection, request)))
    return Reply(204, await backend.database.read_long(lambda connection: _describe(connection, request)))


async def get_container(backend: Backend, request: Request) -> Reply:
    """A page of the container's objects."""
    form = request.form("text")
    # The conditions are looked at first and cheaply. What changes between this and the list makes Last-Modified older
    # than the list, which only costs a client another look.
    if request.until() is None:
        headers = backend.database.read_now(lambda connection: _describe(connection, request))
    else:
        headers = await backend.database.read_long(lambda connection: _describe(connection, request))
    url = backend.public_url(request)
    body = await backend.database.read_long(lambda connection: _list(connection, request, form, url))
    return list_reply(body, form, headers)


def _describe(connection: sqlite3.Connection, request: Request) -> list[tuple[str, str]]:
    """The headers of a container. Raises Fault 304, 403, 404, 412."""
    until = request.until()
    if request.user != request.place.account and (until is not None or request.flag("public")):
        raise forbidden("only the owner may ask for that")
    container, granted = visible_container(connection, request.user, request.place)
    if until is not None and container.created >= until:
        raise not_found("the container did not exist then")
    check_dates(request.headers, container.modified)
    headers = [
        ("Last-Modified", http_date(container.modified)),
        ("X-Container-Block-Size", str(DEFAULT_BLOCK_SIZE)),
        ("X-Container-Block-Hash", DEFAULT_BLOCK_HASH),
        ("X-Container-Object-Meta", ",".join(_object_meta_keys(connection, container.id))),
        BULK_UPLOAD,
    ]
    if granted is not None:
        return headers
    objects, size, metadata = container.objects, container.bytes, container.metadata
    if until is not None:
        totals = container_totals_before(connection, container, until)
        objects, size = totals.objects, totals.bytes
        metadata = metadata_before(connection, "container", container.id, until)
        headers.append(("X-Container-Until-Timestamp", http_date(totals.changed)))
    headers += [("X-Container-Object-Count", str(objects)), ("X-Container-Bytes-Used", str(size))]
    headers += [(f"X-Container-Policy-{key.capitalize()}", value) for key, value in container.policy().items()]
    headers += [(f"X-Container-Meta-{encode_name(key)}", value) for key, value in metadata.items()]
    return headers


def _object_meta_keys(connection: sqlite3.Connection, container: int) -> list[str]:
    """The metadata keys in use on the current objects, without their prefix."""
    keys: set[str] = set()
    for (names,) in connection.execute("SELECT keys FROM metadata_keys WHERE container = ?", (container,)):
        keys.update(json.loads(names))
    prefix = "X-Object-Meta-"
    return sorted(key.removeprefix(prefix) for key in keys if key.startswith(prefix))


def _list(connection: sqlite3.Connection, request: Request, form: Form, public_url: str) -> bytes:
    container, granted = visible_container(connection, request.user, request.place)
    query = _query(connection, request, container, granted)
    entries = list_objects(connection, container.id, query)
    owner = granted is None
    view = ObjectView(
        public_url=public_url if owner else None,
        allowed_to=None if owner else _rights(connection, request.user, entries),
        past=query.until is not None,
    )
    return objects_body(container.name, entries, form, view)


def _rights(connection: sqlite3.Connection, user: str, entries: list[Listed]) -> dict[str, str | None]:
    """What each of the rules in a list lets the caller do."""
    who = principals(connection, user)
    rules = {entry[1] for entry in entries if not isinstance(entry, RollUp) and entry[1] is not None}
    return {rule: parse_rule(rule).allows(who) for rule in rules}


def _query(connection: sqlite3.Connection, request: Request, container: Container, granted: list[Span] | None) -> Query:
    """What the parameters ask for (section 8.1). Raises Fault 403 when no grant lies under the prefix."""
    path = request.text("path")
    if path is not None:
        prefix, delimiter = path, "/"
    else:
        prefix, delimiter = request.text("prefix") or "", request.text("delimiter") or ""
    prefix = prefix.lstrip("/")
    if prefix and delimiter and not prefix.endswith(delimiter):
        prefix += delimiter
    spans = granted
    if granted is not None and not intersect(granted, Span.below(prefix)):
        raise forbidden("nothing under that prefix is shared with you")
    if granted is None and (request.flag("shared") or request.flag("public")):
        chosen: list[Span] = []
        if request.flag("shared"):
            chosen += shared_spans(connection, container.id)
        if request.flag("public"):
            chosen += published_spans(connection, container.id)
        spans = merge(chosen)
    return Query(
        prefix=prefix,
        delimiter=delimiter,
        roll_ups=path is None,
        marker=request.text("marker") or "",
        limit=list_limit(request),
        spans=spans,
        until=request.until(),
        meta=parse_meta_filter(request.text("meta")),
    )
