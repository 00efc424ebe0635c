"""COPY, and PUT with `X-Copy-From`: no data moves, except where a dynamic large object becomes an ordinary one."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import quote, unquote
from uuid import uuid4

from pithosfs.localcloud.faults import forbidden, precondition_failed
from pithosfs.localcloud.objects.access import look_up
from pithosfs.localcloud.objects.changes import Change, Draft
from pithosfs.localcloud.objects.conditions import check_tags
from pithosfs.localcloud.objects.exchange import Place, Reply
from pithosfs.localcloud.objects.headers import http_date
from pithosfs.localcloud.objects.model import Version
from pithosfs.localcloud.swift.backend import SwiftBackend
from pithosfs.localcloud.swift.large import assemble
from pithosfs.localcloud.swift.reading import content_at, tag_of
from pithosfs.localcloud.swift.static import note_manifest
from pithosfs.localcloud.swift.wire import ACCOUNT_PREFIX, MANIFEST, OBJECT_META, SwiftRequest, place_of
from pithosfs.localcloud.swift.writing import refuse_expiry, written_at

__all__ = ["copy_object", "put_copy"]


async def copy_object(swift: SwiftBackend, request: SwiftRequest) -> Reply:
    """COPY of the object that the URL names to `Destination`."""
    target = _named(request, "destination", "destination-account")
    return await _copy(swift, request, request.place, target)


async def put_copy(swift: SwiftBackend, request: SwiftRequest) -> Reply:
    """PUT whose content is another object's; a body is not allowed."""
    if request.body_length():
        raise precondition_failed("Copy requests require a zero byte body")
    return await _copy(swift, request, _named(request, "x-copy-from", "x-copy-from-account"), request.place)


def _named(request: SwiftRequest, header: str, account_header: str) -> Place:
    """The place that a header names, `[/]container/object`, percent-encoded once. Raises Fault 400, 403, 412."""
    account = request.headers.get(account_header)
    if account is not None and unquote(account) != ACCOUNT_PREFIX + request.user:
        raise forbidden("accounts are for their owners alone")
    text = (request.headers.get(header) or "").removeprefix("/")
    place = place_of(f"{ACCOUNT_PREFIX}{request.user}/{text}")
    if not place.container or not place.name:
        raise precondition_failed(f"{header.title()} header must be of the form <container name>/<object name>")
    return place


async def _copy(swift: SwiftBackend, request: SwiftRequest, source: Place, target: Place) -> Reply:
    refuse_expiry(request)
    as_manifest = request.manifest_action == "get"
    content = await content_at(swift, request.user, source, manifest=as_manifest)
    if request.method == "COPY":
        check_tags(request.headers, await tag_of(swift, content))
    version = content.version
    static = content.static if as_manifest or source == target else None
    hashmap = content.hashmap if content.segments is None else await assemble(swift, content.parts)
    root = version.root if content.segments is None else hashmap.root
    if static is not None:
        md5 = version.md5
    elif content.segments is None:
        md5 = await swift.checksums.md5(version, hashmap)
    else:
        md5 = await swift.checksums.compute(hashmap)
    kind = request.headers.content_type() or version.type
    metadata = _metadata(request, version, as_manifest=as_manifest)

    def run(change: Change) -> int:
        found = look_up(change.connection, request.user, target, None, rule=False)
        present = found.stored.version if found.stored is not None else None
        if request.method == "PUT" and request.headers.get("if-none-match") == "*" and present is not None:
            raise precondition_failed("A precondition for this request was not met.")
        draft = Draft.of_hashmap(hashmap, root, kind, metadata, md5)
        if content.segments is None and _exists(change, version):
            draft = replace(draft, hashmap=None, content=version.content)
        if source != target:
            draft = replace(draft, uuid=str(uuid4()))
        made = change.put(found.container, target.name, found.stored, draft)
        note_manifest(change.connection, made, static)
        return change.time

    time = await swift.objects.write(request.user, run)
    tag = md5 if static is None else f'"{static.etag}"'
    return Reply(
        201,
        [
            ("Etag", tag),
            *written_at(time),
            ("X-Copied-From", quote(f"{source.container}/{source.name}")),
            ("X-Copied-From-Account", ACCOUNT_PREFIX + source.account),
            ("X-Copied-From-Last-Modified", http_date(version.time)),
        ],
    )


def _metadata(request: SwiftRequest, version: Version, *, as_manifest: bool) -> dict[str, str]:
    """The source's metadata, unless fresh ones are wanted, with what was sent. An empty value removes its key."""
    kept = {} if request.headers.is_true("x-fresh-metadata") else dict(version.metadata)
    if as_manifest and MANIFEST in version.metadata:
        kept[MANIFEST] = version.metadata[MANIFEST]
    elif not as_manifest:
        kept.pop(MANIFEST, None)
    emptied = {OBJECT_META + key for key, value in request.headers.meta("object").items() if not value}
    return {key: value for key, value in kept.items() if key not in emptied} | request.headers.object_metadata()


def _exists(change: Change, version: Version) -> bool:
    """Whether a version that was read before the transaction, and so its block list, is still there."""
    found = change.connection.execute("SELECT 1 FROM versions WHERE id = ?", (version.id,))
    return found.fetchone() is not None
