"""`PUT …?extract-archive=tar`: many objects in one request. An extension of ours, after Swift's of the same name.

    PUT /object-store/v1/{account}/{container}[/{prefix}]?extract-archive=tar|tar.gz|tar.bz2

The body is an archive; each file in it becomes an object, named by its path below the prefix. A container that takes
archives says so on HEAD and GET, with the most members that one may have:

    X-Pithosfs-Bulk-Upload: tar, tar.gz, tar.bz2; members=10000

Nothing else of the family knows this: without that header the request would create or change the container.

| of a member | becomes |
| --- | --- |
| regular file | an object with its content |
| folder | an empty object of the type `application/directory` |
| link, device, … | nothing |
| sparse file | error 400: not as a whole in the archive |
| PAX `SCHILY.xattr.user.meta.KEY` | `X-Object-Meta-KEY`; key and value plain, or with the escapes of headers |
| PAX `SCHILY.xattr.user.mime_type` | `Content-Type`; without it the request's, and without that one by the name |
| PAX `PITHOSFS.md5` | the MD5 that its content must have, else error 422 |

`LIBARCHIVE.xattr.…` is the same as `SCHILY.xattr.…`. Of the request's headers `X-Object-Meta-*` are added to each
object's own metadata, `Content-Type` is the type of those that have none (unless `X-Detect-Content-Type: true`), and
`If-None-Match: *` holds for every member: one whose name is taken is error 412, and is not touched. No other
conditions, and no sharing or publication: those of objects that exist already stay. The MD5 of each is recorded.

The answer is 200 and JSON, whatever became of the members; other statuses mean that nothing was done (a bad request, no
container, no rights) or that the server failed in the middle (5xx: what was committed before stays).

    {"Response Status": "201 Created", "Response Body": "", "Number Files Created": 2,
     "Errors": [["container/path percent-encoded", "412 Precondition Failed"], …],
     "Objects": [{"name": …, "bytes": …, "etag": …, "x_object_hash": …, "x_object_version": …,
                  "x_object_version_timestamp": …, "x_object_uuid": …}, …]}

`Objects` has what was made, with the keys of lists. `Response Status` is 201 when all members were made, else 400, with
`Response Body` saying what is wrong where that is the archive itself. After 1000 errors the rest is not looked at.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from uuid import uuid4

from pithosfs.localcloud.faults import bad_request, precondition_failed
from pithosfs.localcloud.objects.access import Access, Found, look_up, visible_container
from pithosfs.localcloud.objects.archive import COMPRESSIONS, ArchiveReader, Member, decompressed
from pithosfs.localcloud.objects.backend import Backend
from pithosfs.localcloud.objects.changes import MAX_METADATA, Change, Draft
from pithosfs.localcloud.objects.content import Received
from pithosfs.localcloud.objects.exchange import MAX_BODY, Place, Reply, Request, place_for
from pithosfs.localcloud.objects.headers import RequestHeaders, stamp
from pithosfs.localcloud.objects.model import Container, find_object
from pithosfs.localcloud.objects.rendering import CONTENT_TYPES
from pithosfs.localcloud.objects.sharing import Rule
from pithosfs.localcloud.objects.unpacking import (
    Attributes,
    Outcome,
    Target,
    guess_type,
    is_text,
    object_name,
    quoted,
    unpack,
)
from pithosfs.localcloud.objects.writing import check_room

__all__ = ["HEADER", "PARAMETER", "compression_of", "put_archive"]

PARAMETER = "extract-archive"

MAX_MEMBERS = 10_000
"""Members of one archive: each is a line of the answer, which is put together in memory."""

HEADER = ("X-Pithosfs-Bulk-Upload", f"{', '.join(COMPRESSIONS)}; members={MAX_MEMBERS}")
"""What a container says that takes archives."""

INLINE_JSON = 200
"""Objects whose part of the answer is written in the event loop."""

_REFUSED = ("if-match", "if-modified-since", "if-unmodified-since", "x-object-sharing", "x-object-public")
_OWNER = Access(True, "write", Rule(), "")


async def put_archive(backend: Backend, request: Request) -> Reply:
    """Make objects of the members of an archive. Raises Fault 400, 403, 404, 411; then it has done nothing."""
    request.body_length()
    compression = compression_of(request.parameters[PARAMETER])
    rules = _Rules.of(backend, request)
    backend.database.read_now(lambda connection: visible_container(connection, request.user, request.place))
    archive = ArchiveReader(decompressed(request.body(), compression, MAX_BODY))
    outcome = await unpack(backend, request.user, archive, rules, max_members=MAX_MEMBERS)
    if len(outcome.made) > INLINE_JSON:
        text = await asyncio.to_thread(_rendered, outcome)
    else:
        text = _rendered(outcome)
    return Reply(200, [("Content-Type", CONTENT_TYPES["json"])], text)


def compression_of(value: str) -> str:
    """The format that the parameter names. Raises Fault 400."""
    name = value.lower().strip(".")
    if name not in COMPRESSIONS:
        raise bad_request("Unsupported archive format")
    return name


@dataclass(frozen=True, slots=True)
class _Made:
    """An object that was made. `time` in microseconds."""

    name: str
    size: int
    root: str
    version: int
    time: int
    uuid: str

    def shown(self) -> dict[str, object]:
        return {
            "name": self.name,
            "bytes": self.size,
            "etag": self.root,
            "x_object_hash": self.root,
            "x_object_version": self.version,
            "x_object_version_timestamp": stamp(self.time),
            "x_object_uuid": self.uuid,
        }


def _rendered(outcome: Outcome[_Made]) -> bytes:
    return json.dumps({**outcome.answer(), "Objects": [one.shown() for one in outcome.made]}).encode()


@dataclass(frozen=True, slots=True)
class _Rules:
    """How members become objects of the Pithos API: everything that the request's headers say about it."""

    backend: Backend
    user: str
    place: Place  # of the container, with the name that all others are below
    only_new: bool
    content_type: str | None
    metadata: Mapping[str, str]

    @classmethod
    def of(cls, backend: Backend, request: Request) -> _Rules:
        """Raises Fault 400."""
        headers = request.headers
        for name in _REFUSED:
            if name in headers:
                raise bad_request(f"{name} cannot be sent with an archive")
        condition = headers.get("if-none-match")
        if condition not in (None, "*"):
            raise bad_request("with an archive If-None-Match can only be *")
        detect = (headers.get("x-detect-content-type") or "").lower() == "true"
        content_type = None if detect else headers.get("content-type") or None
        metadata = {f"X-Object-Meta-{key}": value for key, value in headers.meta("object").items()}
        return cls(backend, request.user, request.place, condition is not None, content_type, metadata)

    def path_of(self, member: Member) -> str:
        return quoted(f"{self.place.container}/{object_name(member, self.place.name)}")

    def target(self, member: Member) -> Target | None:
        name = object_name(member, self.place.name)
        if member.kind == "other" or not name:
            return None
        if member.kind == "sparse":
            raise bad_request("sparse files cannot be unpacked")
        if not is_text(name):
            raise bad_request("a name is not UTF-8")
        place = place_for(self.place.account, self.place.container, name)
        attributes = Attributes.of(member)
        own = RequestHeaders.of_metadata(attributes.metadata).object_meta()
        metadata = {key: value for key, value in {**self.metadata, **own}.items() if value}
        if len(metadata) > MAX_METADATA:
            raise bad_request(f"an object has at most {MAX_METADATA} metadata items")
        content_type = attributes.content_type
        if content_type is None:
            folder = member.kind == "folder"
            content_type = "application/directory" if folder else self.content_type or guess_type(name)
        return Target(quoted(f"{place.container}/{name}"), place, content_type, metadata, attributes.md5)

    def check(self, connection: sqlite3.Connection, target: Target, size: int) -> None:
        found = look_up(connection, self.user, target.place, "write", rule=False)
        self._check_new(found)
        check_room(connection, found, size)

    def store(self, change: Change) -> Callable[[Target, Received], _Made]:
        container: Container | None = None

        def make(target: Target, received: Received) -> _Made:
            nonlocal container
            name = target.place.name
            if container is not None and self.user == container.account:
                found = Found(container, find_object(change.connection, container.id, name), _OWNER)
            else:
                found = look_up(change.connection, self.user, target.place, "write", rule=False)
                container = found.container
            self._check_new(found)
            present = None if found.stored is None else found.stored.version
            change.check_room(container, received.hashmap.size - (0 if present is None else present.size))
            uuid = str(uuid4()) if present is None else present.uuid
            root = received.hashmap.root
            draft = Draft(
                received.hashmap.size,
                root,
                target.content_type,
                target.metadata,
                hashmap=received.hashmap,
                md5=received.md5 or "",
                uuid=uuid,
                small=received.small,
            )
            version = change.put(container, name, found.stored, draft)
            return _Made(name, received.hashmap.size, root, version, change.time, uuid)

        return make

    def _check_new(self, found: Found) -> None:
        if self.only_new and found.stored is not None and found.stored.version is not None:
            raise precondition_failed("the object exists already")
