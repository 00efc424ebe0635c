"""`PUT …?extract-archive=tar|tar.gz|tar.bz2`: the files of an archive become objects, as by Swift's bulk middleware.

The URL may name the account, a container, or a name in it that all others are below. Containers that do not exist are
made; with the account's URL the first part of each path is the container, and files without one are left out. Folders,
links and so on are left out everywhere. The answer is 200 whatever came of it (`answers`); requests that cannot even be
begun are refused with their own status, which Swift hides in the answer too. `unpacking` tells the rest.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pithosfs.localcloud.faults import bad_request, precondition_failed
from pithosfs.localcloud.objects.access import Access, Found
from pithosfs.localcloud.objects.archive import ArchiveReader, Member, decompressed
from pithosfs.localcloud.objects.bulk import PARAMETER, compression_of
from pithosfs.localcloud.objects.changes import MAX_METADATA, Change, Draft
from pithosfs.localcloud.objects.content import Received
from pithosfs.localcloud.objects.exchange import MAX_BODY, Place, Reply, place_for
from pithosfs.localcloud.objects.model import Container, StoredObject, find_container, find_object
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
from pithosfs.localcloud.swift.answers import answer_kind, bulk_reply
from pithosfs.localcloud.swift.backend import SwiftBackend
from pithosfs.localcloud.swift.capabilities import MAX_NEW_CONTAINERS
from pithosfs.localcloud.swift.containers import make_container
from pithosfs.localcloud.swift.static import forget_manifest
from pithosfs.localcloud.swift.wire import OBJECT_META, SwiftHeaders, SwiftRequest
from pithosfs.localcloud.swift.writing import refuse_expiry

__all__ = ["PARAMETER", "put_archive"]

_OWNER = Access(True, "write", Rule(), "")


async def put_archive(swift: SwiftBackend, request: SwiftRequest) -> Reply:
    """Make objects of the files of an archive. Raises Fault 400, 406, 411; then nothing was done."""
    request.body_length()
    compression = compression_of(request.parameters[PARAMETER])
    kind = answer_kind(request)
    rules = _Rules.of(swift, request)
    archive = ArchiveReader(decompressed(request.body(), compression, MAX_BODY))
    outcome: Outcome[None] = await unpack(swift.objects, request.user, archive, rules)
    return bulk_reply(outcome.answer(), "extract", kind)


@dataclass(slots=True)
class _Rules:
    """How files become objects: everything that the request's headers say about it."""

    swift: SwiftBackend
    user: str
    below: str  # container and prefix, or a part of that
    content_type: str | None
    metadata: Mapping[str, str]
    only_new: bool
    new_containers: int = field(default=0)

    @classmethod
    def of(cls, swift: SwiftBackend, request: SwiftRequest) -> _Rules:
        """Raises Fault 400."""
        refuse_expiry(request)
        headers = request.headers
        condition = headers.get("if-none-match")
        if condition not in (None, "*"):
            raise bad_request("If-None-Match only supports *")
        below = "/".join(part for part in (request.place.container, request.place.name) if part)
        content_type = None if headers.is_true("x-detect-content-type") else headers.content_type()
        return cls(swift, request.user, below, content_type, headers.meta("object"), condition is not None)

    def path_of(self, member: Member) -> str:
        return quoted(object_name(member, self.below))

    def target(self, member: Member) -> Target | None:
        path = object_name(member, self.below)
        if member.kind not in ("file", "sparse") or "/" not in path:
            return None
        if member.kind == "sparse":
            raise bad_request("sparse files cannot be unpacked")
        if not is_text(path):
            raise precondition_failed("Invalid UTF8 or contains NULL")
        container, _, name = path.partition("/")
        if not container or not name:
            raise bad_request("a file without a name")
        place = place_for(self.user, container, name)
        attributes = Attributes.of(member)
        own = SwiftHeaders((f"x-object-meta-{key}".encode(), value.encode()) for key, value in attributes.metadata)
        metadata = {OBJECT_META + key: value for key, value in {**self.metadata, **own.meta("object")}.items() if value}
        if len(metadata) > MAX_METADATA:
            raise bad_request(f"an object has at most {MAX_METADATA} metadata items")
        content_type = attributes.content_type or self.content_type or guess_type(name)
        return Target(quoted(path), place, content_type, metadata, attributes.md5)

    def check(self, connection: sqlite3.Connection, target: Target, size: int) -> None:
        container = find_container(connection, self.user, target.place.container)
        if container is None:
            return
        stored = find_object(connection, container.id, target.place.name)
        self._check_new(stored)
        check_room(connection, Found(container, stored, _OWNER), size)

    def store(self, change: Change) -> Callable[[Target, Received], None]:
        containers: dict[str, Container] = {}

        def make(target: Target, received: Received) -> None:
            place = target.place
            container = containers.get(place.container)
            if container is None:
                container = containers[place.container] = self._container(change, place)
            stored = find_object(change.connection, container.id, place.name)
            self._check_new(stored)
            present = None if stored is None else stored.version
            change.check_room(container, received.hashmap.size - (0 if present is None else present.size))
            hashmap = received.hashmap
            draft = Draft.of_hashmap(
                hashmap, hashmap.root, target.content_type, target.metadata, received.md5 or "", received.small
            )
            change.put(container, place.name, stored, draft)
            if stored is not None:
                forget_manifest(change.connection, stored.id)

        return make

    def _container(self, change: Change, place: Place) -> Container:
        found = find_container(change.connection, self.user, place.container)
        if found is None:
            if self.new_containers >= MAX_NEW_CONTAINERS:
                raise bad_request(f"more than {MAX_NEW_CONTAINERS} containers to create from tar")
            self.new_containers += 1
            make_container(change, self.user, place.container)
            found = find_container(change.connection, self.user, place.container)
            assert found is not None
        return found

    def _check_new(self, stored: StoredObject | None) -> None:
        if self.only_new and stored is not None and stored.version is not None:
            raise precondition_failed("A precondition for this request was not met.")
