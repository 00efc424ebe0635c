"""PUT and metadata POST of objects (object-store.md 7.3, 7.5, 9.3)."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

from pithosfs.blocks import DEFAULT_BLOCK_SIZE, Hashmap, block_count
from pithosfs.localcloud.faults import Fault, bad_request, forbidden, length_required
from pithosfs.localcloud.objects.access import Found, look_up
from pithosfs.localcloud.objects.backend import Backend
from pithosfs.localcloud.objects.changes import Change, Draft
from pithosfs.localcloud.objects.charging import check_growth
from pithosfs.localcloud.objects.conditions import check_tags
from pithosfs.localcloud.objects.content import receive
from pithosfs.localcloud.objects.exchange import Reply, Request
from pithosfs.localcloud.objects.headers import RequestHeaders
from pithosfs.localcloud.objects.model import EMPTY_ROOT, Container, Version
from pithosfs.localcloud.objects.rendering import CONTENT_TYPES, items_body
from pithosfs.localcloud.objects.sharing import Rule, parse_rule
from pithosfs.localcloud.smallblocks import LARGEST, SmallBlock

__all__ = ["Extras", "check_room", "post_metadata", "put_hashmap", "put_object", "updated_metadata"]

MAX_HASHMAP = 64 * 1024 * 1024
"""Bytes of a hashmap's JSON: about four tebibytes of content."""

SMALL_JSON = 256 * 1024
"""Bytes of JSON that are parsed in the event loop; more would hold the other requests up."""


@dataclass(frozen=True, slots=True)
class Extras:
    """What a request says about the name rather than the version; None: nothing, leave it as it is."""

    rule: Rule | None
    public: bool | None

    @classmethod
    def sent(cls, headers: RequestHeaders) -> Extras:
        """From `X-Object-Sharing` and `X-Object-Public`. Raises Fault 400."""
        sharing = headers.get("x-object-sharing")
        public = headers.get("x-object-public")
        if public is not None and public.lower() not in ("true", "false", ""):
            raise bad_request("X-Object-Public is 'true', 'false' or empty")
        return cls(
            None if sharing is None else parse_rule(sharing), None if public is None else public.lower() == "true"
        )

    def check(self, found: Found) -> None:
        """Only the owner shares. Raises Fault 403."""
        if self.rule is not None and not found.access.owner:
            raise forbidden("only the owner may share")

    def apply(self, change: Change, container: Container, name: str) -> None:
        """To an object that exists now."""
        if self.rule is not None:
            change.share(container, name, self.rule)
        if self.public is not None:
            change.publish(container, name, self.public)


def updated_metadata(request: Request, version: Version) -> dict[str, str] | None:
    """The metadata after a POST; None when it is not touched (section 7.5)."""
    sent = request.headers.object_meta()
    if not request.flag("update"):
        return {key: value for key, value in sent.items() if value}
    if not sent:
        return None
    return {key: value for key, value in {**version.metadata, **sent}.items() if value}


def check_room(connection: sqlite3.Connection, found: Found, size: int) -> None:
    """Refuse early what would be refused in the end. Raises Fault 413 as `Change.settle` would, if nothing changes."""
    present = found.stored.version if found.stored is not None else None
    grown = size - (present.size if present is not None else 0)
    container = found.container
    if grown <= 0:
        return
    if container.quota and container.bytes + grown > container.quota:
        raise Fault(413, "requestEntityTooLarge", f"the container may hold {container.quota} bytes")
    check_growth(connection, container, grown)


@dataclass(frozen=True, slots=True)
class _Put:
    """A PUT without its content: everything that its headers say."""

    request: Request
    content_type: str
    metadata: Mapping[str, str]
    extras: Extras

    @classmethod
    def of(cls, request: Request) -> _Put:
        """Raises Fault 400, 411."""
        content_type = request.headers.get("content-type")
        if content_type is None:
            raise length_required("Content-Type is required")
        metadata = {key: value for key, value in request.headers.object_meta().items() if value}
        return cls(request, content_type, metadata, Extras.sent(request.headers))

    def check(self, connection: sqlite3.Connection) -> Found:
        """Rights and conditions. Raises Fault 403, 404, 412."""
        found = look_up(connection, self.request.user, self.request.place, "write", rule=False)
        self.extras.check(found)
        present = found.stored.version if found.stored is not None else None
        check_tags(self.request.headers, None if present is None else present.root)
        return found

    async def commit(self, backend: Backend, hashmap: Hashmap, md5: str, small: SmallBlock | None = None) -> Reply:
        """Make the version, if everything still holds."""
        name = self.request.place.name
        root = hashmap.root

        def run(change: Change) -> int:
            found = self.check(change.connection)
            draft = Draft.of_hashmap(hashmap, root, self.content_type, self.metadata, md5, small)
            version = change.put(found.container, name, found.stored, draft)
            self.extras.apply(change, found.container, name)
            return version

        version = await backend.write(self.request.user, run)
        return Reply(201, [("ETag", root), ("X-Object-Version", str(version))])


async def put_object(backend: Backend, request: Request) -> Reply:
    """Create or replace an object with the body."""
    length = request.body_length()
    put = _Put.of(request)

    def check(connection: sqlite3.Connection) -> None:
        found = put.check(connection)
        if length is not None:
            check_room(connection, found, length)

    # A small body is read before anything is looked up: what is refused then has cost no more than a look.
    early = length is None or length > LARGEST
    if early:
        backend.database.read_now(check)
    etag = (request.headers.get("etag") or "").strip().strip('"').lower()
    received = await receive(request.body(), backend.blocks, want_md5=bool(etag), hold_small=True)
    if received.md5 is not None and received.md5 != etag:
        if not early:
            backend.database.read_now(check)
        raise Fault(422, "unprocessableEntity", "the MD5 of the body is not the ETag that was sent")
    return await put.commit(backend, received.hashmap, received.md5 or "", received.small)


async def put_hashmap(backend: Backend, request: Request) -> Reply:
    """Create or replace an object from blocks that are stored; 409 lists those that are not (order: section 21)."""
    request.body_length()
    put = _Put.of(request)
    refusal: Fault | None = None
    try:
        backend.database.read_now(put.check)
    except Fault as fault:
        if fault.status == 412:
            raise
        refusal = fault  # told only when no block is missing
    hashmap = await _hashmap_in(await request.whole_body(MAX_HASHMAP))
    stored = await backend.blocks.exists(hashmap.hashes)
    missing = [name for name in dict.fromkeys(hashmap.hashes) if name not in stored]
    if missing:
        return Reply(409, [("Content-Type", CONTENT_TYPES["json"])], items_body(missing, "json"))
    if refusal is not None:
        raise refusal
    return await put.commit(backend, hashmap, "")


async def _hashmap_in(body: bytes) -> Hashmap:
    """The hashmap that a body describes. Raises Fault 400."""
    try:
        value = json.loads(body) if len(body) <= SMALL_JSON else await asyncio.to_thread(json.loads, body)
    except (ValueError, RecursionError):
        raise bad_request("the hashmap is not JSON") from None
    if not isinstance(value, dict):
        raise bad_request("a hashmap is a JSON object with bytes and hashes")
    size, hashes = value.get("bytes"), value.get("hashes")
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise bad_request("bytes is the object's size")
    if not isinstance(hashes, list) or not all(isinstance(one, str) for one in hashes):
        raise bad_request("hashes is a list of texts")
    names = [one.lower() for one in hashes]
    for name in names:
        try:
            bytes.fromhex(name)
        except ValueError:
            raise bad_request(f"not a block hash: {name!a}") from None
        if not name.isalnum():
            raise bad_request(f"not a block hash: {name!a}")
    if size == 0 and names in ([], [EMPTY_ROOT]):
        return Hashmap(0, ())
    if size == 0 or len(names) != block_count(size, DEFAULT_BLOCK_SIZE):
        raise bad_request(f"{len(names)} blocks do not make {size} bytes")
    return Hashmap(size, tuple(names))


async def post_metadata(backend: Backend, request: Request) -> Reply:
    """Change an object's metadata, rule or publication; its type and content stay."""
    extras = Extras.sent(request.headers)
    name = request.place.name

    def run(change: Change) -> int | None:
        found = look_up(change.connection, request.user, request.place, "write", rule=False)
        extras.check(found)
        stored = found.current()
        present = stored.version
        assert present is not None
        check_tags(request.headers, present.root)
        version = None
        metadata = updated_metadata(request, present)
        if metadata is not None:
            draft = Draft.of_version(present, metadata, present.type, None)
            version = change.put(found.container, name, stored, draft)
        extras.apply(change, found.container, name)
        return version

    version = await backend.write(request.user, run)
    return Reply(202, [] if version is None else [("X-Object-Version", str(version))])
