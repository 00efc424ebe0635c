"""DELETE of objects: one, one with its segments, or many in one request."""

from __future__ import annotations

from urllib.parse import quote

from pithosfs.localcloud.faults import Fault
from pithosfs.localcloud.objects.access import look_up
from pithosfs.localcloud.objects.changes import Change
from pithosfs.localcloud.objects.exchange import Place, Reply, parse_place
from pithosfs.localcloud.objects.model import find_container, find_object
from pithosfs.localcloud.swift.answers import answer_kind, bulk_reply
from pithosfs.localcloud.swift.backend import SwiftBackend
from pithosfs.localcloud.swift.capabilities import MAX_DELETES
from pithosfs.localcloud.swift.reading import content_at
from pithosfs.localcloud.swift.static import forget_manifest
from pithosfs.localcloud.swift.wire import SwiftRequest

__all__ = ["delete_many", "delete_object"]

AT_A_TIME = 500
"""Deletions in one transaction: others who write wait for it."""

MAX_NAMES = 16 * 1024 * 1024
"""Bytes of the list of names in a bulk deletion."""


async def delete_object(swift: SwiftBackend, request: SwiftRequest) -> Reply:
    """Delete an object; of a large one the segments stay, unless they are to go too (`multipart-manifest=delete`)."""
    if request.manifest_action == "delete":
        return await _delete_with_segments(swift, request)

    def run(change: Change) -> None:
        found = look_up(change.connection, request.user, request.place, None, rule=False)
        stored = found.current()
        change.delete(found.container, stored)
        forget_manifest(change.connection, stored.id)

    await swift.objects.write(request.user, run)
    return Reply(204)


async def _delete_with_segments(swift: SwiftBackend, request: SwiftRequest) -> Reply:
    """A static large object and what it was made of. Replies like a bulk deletion."""
    place = request.place
    own = quote(f"{place.container}/{place.name}")
    try:
        content = await content_at(swift, request.user, place)
    except Fault as fault:
        if fault.status != 404:
            raise
        return _outcome_reply(answer_kind(request), [(own, "404 Not Found")])
    if content.static is None:
        return _outcome_reply(answer_kind(request), [(own, "400 Not an SLO manifest")])
    segments = dict.fromkeys(quote(one["name"].removeprefix("/")) for one in content.static.segments)
    return await _delete_paths(swift, request, [*segments, own])


async def delete_many(swift: SwiftBackend, request: SwiftRequest) -> Reply:
    """Delete the objects, and empty containers, whose paths are the lines of the body; the reply counts what was done.

    The reply is 200 whatever happened: its `Response Status` says how it went.
    """
    text = (await request.whole_body(MAX_NAMES)).decode("utf-8", "replace")
    paths = [line.strip() for line in text.split("\n") if line.strip()]
    if len(paths) > MAX_DELETES:
        raise Fault(413, "requestEntityTooLarge", f"Maximum Bulk Deletes: {MAX_DELETES} per request")
    return await _delete_paths(swift, request, paths)


async def _delete_paths(swift: SwiftBackend, request: SwiftRequest, paths: list[str]) -> Reply:
    """The reply to a deletion of all these percent-encoded paths, in groups of one transaction each.

    Objects go first, whatever the order: a container counts as empty only once what was in it is committed.
    """
    kind = answer_kind(request)
    places = [(path, _place(path)) for path in paths]
    objects = [one for one in places if one[1] is not None and one[1].name]
    others = [one for one in places if one[1] is None or not one[1].name]
    outcomes: list[tuple[str, str]] = []
    for some in (objects, others):
        for at in range(0, len(some), AT_A_TIME):
            group = some[at : at + AT_A_TIME]

            def run(change: Change, group: list[tuple[str, Place | None]] = group) -> list[tuple[str, str]]:
                return [(path, _delete_place(change, request.user, place)) for path, place in group]

            outcomes += await swift.objects.write(request.user, run)
    return _outcome_reply(kind, outcomes)


def _place(path: str) -> Place | None:
    try:
        return parse_place("account/" + path.lstrip("/"))
    except Fault:
        return None


def _delete_place(change: Change, user: str, place: Place | None) -> str:
    """Delete what is there; the status of that one deletion."""
    if place is None or not place.container:
        return "400 Bad Request"
    container = find_container(change.connection, user, place.container)
    if container is None:
        return "404 Not Found"
    if not place.name:
        if container.objects:
            return "409 Conflict"
        change.remove_container(container)
        return "204 No Content"
    stored = find_object(change.connection, container.id, place.name)
    if stored is None or stored.version is None:
        return "404 Not Found"
    change.delete(container, stored)
    forget_manifest(change.connection, stored.id)
    return "204 No Content"


def _outcome_reply(kind: str, outcomes: list[tuple[str, str]]) -> Reply:
    errors = [[path, status] for path, status in outcomes if status[:3] not in ("204", "404")]
    deleted = sum(status.startswith("204") for _, status in outcomes)
    missing = sum(status.startswith("404") for _, status in outcomes)
    answer = {
        "Response Status": "400 Bad Request" if errors or not outcomes else "200 OK",
        "Response Body": "" if outcomes else "Invalid bulk delete.",
        "Number Deleted": deleted,
        "Number Not Found": missing,
        "Errors": errors,
    }
    return bulk_reply(answer, "delete", kind)
