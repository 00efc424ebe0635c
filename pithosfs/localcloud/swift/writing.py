"""PUT and POST of objects."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

from pithosfs.blocks import Hashmap
from pithosfs.localcloud.faults import Fault, bad_request, precondition_failed
from pithosfs.localcloud.objects.access import Found, look_up
from pithosfs.localcloud.objects.changes import Change, Draft
from pithosfs.localcloud.objects.content import receive
from pithosfs.localcloud.objects.exchange import MAX_BODY, Reply
from pithosfs.localcloud.objects.headers import http_date
from pithosfs.localcloud.objects.unpacking import guess_type
from pithosfs.localcloud.objects.writing import check_room
from pithosfs.localcloud.smallblocks import LARGEST, SmallBlock
from pithosfs.localcloud.swift.backend import SwiftBackend
from pithosfs.localcloud.swift.static import StaticManifest, note_manifest
from pithosfs.localcloud.swift.wire import SwiftRequest, limited, timestamp

__all__ = ["Upload", "post_object", "put_object", "refuse_expiry", "written_at"]

_MD5 = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Upload:
    """A new object, or a new content of one, without that content: everything that the headers say."""

    request: SwiftRequest
    content_type: str
    metadata: Mapping[str, str]

    @classmethod
    def of(cls, request: SwiftRequest) -> Upload:
        """Raises Fault 400."""
        refuse_expiry(request)
        headers = request.headers
        if headers.get("if-none-match") not in (None, "*"):
            raise bad_request("If-None-Match only supports *")
        kind = headers.content_type()
        if kind is None or headers.is_true("x-detect-content-type"):
            kind = guess_type(request.place.name)
        return cls(request, kind, headers.object_metadata())

    def check(self, connection: sqlite3.Connection) -> Found:
        """Where it is to be. Raises Fault 403, 404, 412."""
        found = look_up(connection, self.request.user, self.request.place, None, rule=False)
        if "if-none-match" in self.request.headers and found.stored is not None and found.stored.version is not None:
            raise precondition_failed("A precondition for this request was not met.")
        return found

    async def commit(
        self,
        swift: SwiftBackend,
        hashmap: Hashmap,
        md5: str,
        static: StaticManifest | None = None,
        small: SmallBlock | None = None,
    ) -> Reply:
        """Make the version, if everything still holds. `md5` may be empty: not known."""
        name, root = self.request.place.name, hashmap.root

        def run(change: Change) -> int:
            found = self.check(change.connection)
            draft = Draft.of_hashmap(hashmap, root, self.content_type, self.metadata, md5, small)
            version = change.put(found.container, name, found.stored, draft)
            note_manifest(change.connection, version, static)
            return change.time

        time = await swift.objects.write(self.request.user, run)
        tag = md5 if static is None else f'"{static.etag}"'
        return Reply(201, [("Etag", tag), *written_at(time)])


def written_at(time: int) -> list[tuple[str, str]]:
    """What every reply to a change of an object has (microseconds)."""
    return [
        ("Last-Modified", http_date(time)),
        ("X-Timestamp", timestamp(time)),
        ("Content-Type", "text/html; charset=UTF-8"),
    ]


def refuse_expiry(request: SwiftRequest) -> None:
    """Raises Fault 400 where an object is to vanish by itself: it would not."""
    if request.headers.get("x-delete-at") or request.headers.get("x-delete-after"):
        raise bad_request("X-Delete-At and X-Delete-After are not supported: objects do not expire here")


async def put_object(swift: SwiftBackend, request: SwiftRequest) -> Reply:
    """Create or replace an object with the body; its MD5 is recorded."""
    length = request.body_length()
    upload = Upload.of(request)
    expected = (request.headers.get("etag") or "").strip().strip('"').lower()
    if expected and not _MD5.fullmatch(expected):
        raise Fault(422, "unprocessableEntity", "the ETag that was sent is not an MD5")

    def check(connection: sqlite3.Connection) -> None:
        found = upload.check(connection)
        if length is not None:
            check_room(connection, found, length)

    # A small body is read before anything is looked up: what is refused then has cost no more than a look.
    early = length is None or length > LARGEST
    if early:
        swift.objects.database.read_now(check)
    body = limited(request.body(), MAX_BODY)
    received = await receive(body, swift.objects.blocks, want_md5=True, hold_small=True)
    assert received.md5 is not None
    if expected and received.md5 != expected:
        if not early:
            swift.objects.database.read_now(check)
        raise Fault(422, "unprocessableEntity", "Unable to process the contained instructions")
    return await upload.commit(swift, received.hashmap, received.md5, small=received.small)


async def post_object(swift: SwiftBackend, request: SwiftRequest) -> Reply:
    """Replace the metadata; the type changes if one is sent. A static large object stays one."""
    refuse_expiry(request)
    metadata = request.headers.object_metadata()
    kind = request.headers.content_type()

    def run(change: Change) -> int:
        found = look_up(change.connection, request.user, request.place, None, rule=False)
        stored = found.current()
        assert stored.version is not None
        draft = Draft.of_version(stored.version, metadata, kind or stored.version.type, None)
        change.put(found.container, request.place.name, stored, draft)
        return change.time

    return Reply(202, written_at(await swift.objects.write(request.user, run)))
