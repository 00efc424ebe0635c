"""DELETE of objects: plain, with everything below, or purging history (object-store.md 7.6)."""

from __future__ import annotations

from pithosfs.localcloud.faults import not_found
from pithosfs.localcloud.objects.access import look_up
from pithosfs.localcloud.objects.backend import Backend
from pithosfs.localcloud.objects.changes import Change
from pithosfs.localcloud.objects.exchange import Reply, Request
from pithosfs.localcloud.objects.model import objects_between
from pithosfs.localcloud.objects.spans import Span

__all__ = ["delete_object"]


async def delete_object(backend: Backend, request: Request) -> Reply:
    """Only the owner may. With both parameters `until` alone acts."""
    until = request.until(strict=True)
    delimiter = request.text("delimiter")

    def run(change: Change) -> None:
        found = look_up(change.connection, request.user, request.place, None, rule=False)
        if until is not None:
            if found.stored is None:
                raise not_found("there never was such an object")
            change.purge(found.container, found.stored, until)
            return
        change.delete(found.container, found.current())
        if delimiter is not None:
            span = Span.below(request.place.name + delimiter)
            for stored in objects_between(change.connection, found.container.id, span.low, span.high):
                change.delete(found.container, stored)

    await backend.write(request.user, run)
    return Reply(204)
