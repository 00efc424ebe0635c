"""Requests at container level: create, describe, list, change, delete."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Mapping

from pithosfs.localcloud.faults import bad_request, conflict
from pithosfs.localcloud.objects.access import own_container
from pithosfs.localcloud.objects.accounts import merge_metadata
from pithosfs.localcloud.objects.changes import Change
from pithosfs.localcloud.objects.exchange import Reply
from pithosfs.localcloud.objects.headers import http_date
from pithosfs.localcloud.objects.listing import Listed, RollUp, walk_objects
from pithosfs.localcloud.objects.model import Container, find_container
from pithosfs.localcloud.swift.accounts import QUOTA_KEY
from pithosfs.localcloud.swift.backend import SwiftBackend
from pithosfs.localcloud.swift.capabilities import POLICY
from pithosfs.localcloud.swift.checksums import EMPTY_MD5
from pithosfs.localcloud.swift.lists import Wanted, entries_of, list_reply, objects_list
from pithosfs.localcloud.swift.static import static_tags
from pithosfs.localcloud.swift.wire import SwiftRequest, meta_headers, timestamp

__all__ = ["delete_container", "get_container", "head_container", "make_container", "post_container", "put_container"]

_REFUSED = ("x-container-read", "x-container-write", "x-versions-location", "x-history-location", "x-container-sync-to")


async def head_container(swift: SwiftBackend, request: SwiftRequest) -> Reply:
    container = swift.objects.database.read_now(
        lambda connection: own_container(connection, request.user, request.place)
    )
    return Reply(204, _describe(container))


async def get_container(swift: SwiftBackend, request: SwiftRequest) -> Reply:
    """A page of the container's objects, with the MD5 of each (computed now where it was never needed before)."""
    wanted = Wanted.of(request)
    large: dict[int, str] = {}

    def run(connection: sqlite3.Connection) -> tuple[Container, list[Listed]]:
        container = own_container(connection, request.user, request.place)
        entries = entries_of(walk_objects(connection, container.id, wanted.query), wanted)
        large.update(static_tags(connection, container.id))
        return container, entries

    container, entries = await swift.objects.database.read_long(run)
    tags: dict[int, tuple[str, bool]] = {}
    unknown = []
    if wanted.form != "text":
        for entry in entries:
            if isinstance(entry, RollUp):
                continue
            _, _, _, version, _, size, _, _, md5, *_ = entry
            if version in large:
                tags[version] = (large[version], True)
            elif md5 or not size:
                tags[version] = (md5 or EMPTY_MD5, False)
            else:
                unknown.append(version)
        tags.update({version: (md5, False) for version, md5 in (await swift.checksums.fill_in(unknown)).items()})
    body = await asyncio.to_thread(objects_list, container.name, entries, wanted.form, tags)
    return list_reply(body, wanted.form, _describe(container))


async def put_container(swift: SwiftBackend, request: SwiftRequest) -> Reply:
    """Create a container, or merge metadata into one that is there: 201 or 202."""
    sent, quota = _sent(request)

    def run(change: Change) -> bool:
        container = find_container(change.connection, request.user, request.place.container)
        if container is not None:
            _change(change, container, sent, quota)
            return False
        ident = make_container(change, request.user, request.place.container, quota or 0)
        if sent:
            change.set_metadata("container", ident, merge_metadata({}, sent))
        return True

    created = await swift.objects.write(request.user, run)
    return Reply(201 if created else 202)


def make_container(change: Change, user: str, name: str, quota: int = 0) -> int:
    """Make a container that does not exist; returns its row."""
    account = change.account(user)
    ident = change.connection.execute(
        "INSERT INTO containers (account, name, created, modified, quota, project) VALUES (?, ?, ?, ?, ?, ?)",
        (account, name, change.time, change.time, quota, user),
    ).lastrowid
    assert ident is not None
    change.touch_account(account)
    return ident


async def post_container(swift: SwiftBackend, request: SwiftRequest) -> Reply:
    """Merge metadata."""
    sent, quota = _sent(request)

    def run(change: Change) -> None:
        _change(change, own_container(change.connection, request.user, request.place), sent, quota)

    await swift.objects.write(request.user, run)
    return Reply(204)


async def delete_container(swift: SwiftBackend, request: SwiftRequest) -> Reply:
    """An empty container, with its history."""

    def run(change: Change) -> None:
        container = own_container(change.connection, request.user, request.place)
        if container.objects:
            raise conflict("There was a conflict when trying to complete your request.")
        change.remove_container(container)

    await swift.objects.write(request.user, run)
    return Reply(204)


def _describe(container: Container) -> list[tuple[str, str]]:
    headers = [
        ("X-Container-Object-Count", str(container.objects)),
        ("X-Container-Bytes-Used", str(container.bytes)),
        ("X-Timestamp", timestamp(container.created)),
        ("Last-Modified", http_date(container.modified)),
        ("X-Storage-Policy", POLICY),
        ("Accept-Ranges", "bytes"),
        *meta_headers("Container", container.metadata),
    ]
    if container.quota:
        headers.append((f"X-Container-Meta-{QUOTA_KEY}", str(container.quota)))
    return headers


def _sent(request: SwiftRequest) -> tuple[Mapping[str, str], int | None]:
    """Metadata (empty values remove) and quota (None: not sent). Raises Fault 400 for what cannot be had here."""
    for name in _REFUSED:
        if request.headers.get(name):
            raise bad_request(f"{name} is not supported: nothing would come of it")
    policy = request.headers.get("x-storage-policy")
    if policy and policy.lower() != POLICY:
        raise bad_request(f"Invalid X-Storage-Policy '{policy}'")
    sent = request.headers.meta("container")
    if sent.get("Quota-Count"):
        raise bad_request("a quota of objects is not supported: nothing would come of it")
    text = sent.pop(QUOTA_KEY, None)
    if text and not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise bad_request("Invalid bytes quota.")
    return sent, None if text is None else int(text or 0)


def _change(change: Change, container: Container, sent: Mapping[str, str], quota: int | None) -> None:
    if sent:
        change.set_metadata("container", container.id, merge_metadata(container.metadata, sent))
    if quota is not None:
        change.connection.execute("UPDATE containers SET quota = ? WHERE id = ?", (quota, container.id))
    if sent or quota is not None:
        change.touch_container(container)
