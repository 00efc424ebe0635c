"""Listing a Pithos container page by page: what prefix, delimiter and marker do there (object-store.md section 8).

Three things the server does not do as asked (sections 8.5 and 20, rows 9 and 10): it strips slashes from the start of
the prefix, it appends the delimiter to a prefix that does not end with it, and a roll-up as marker comes again. Then
more is asked for, and the selecting and rolling up is done here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from pithosfs.clients.pithos import replies
from pithosfs.clients.pithos.wire import PithosWire
from pithosfs.errors import BadReply
from pithosfs.store.replies import object_from_entry
from pithosfs.store.seam import ContainerInfo, Filters, Found, Listing, ListingStream, ObjectInfo

__all__ = ["PAGE", "Page", "list_objects", "list_pages", "stream_listing"]

PAGE = 10_000  # the most that a server gives at once (section 3.4)
_LAST = "\U0010ffff"  # sorts behind every character that a name can have


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a listing; `modified` and `date` are the reply's, as in `Listing`, 0 when it does not tell them.
    `unchanged`: it was a 304. `head`: what the reply tells of the container."""

    found: Found = field(default_factory=Found)
    modified: int = 0
    date: int = 0
    unchanged: bool = False
    head: replies.ContainerHead | None = None


def list_objects(
    wire: PithosWire,
    account: str,
    container: str,
    *,
    prefix: str = "",
    delimiter: str | None = None,
    limit: int | None = None,
    modified_since: int | None = None,
) -> Listing | None:
    """As `ObjectStore.list_objects`."""
    objects: list[ObjectInfo] = []
    folders: list[str] = []
    first: Page | None = None
    # One more than wanted: that tells whether there is more.
    more = None if limit is None else limit + 1
    filters = Filters(modified_since=modified_since)
    for page in list_pages(wire, account, container, prefix=prefix, delimiter=delimiter, limit=more, filters=filters):
        if page.unchanged:
            return None
        # Of the first page: what has changed after it may be missing.
        first = first or page
        objects += page.found.objects
        folders += page.found.folders
    first = first or Page()
    complete = limit is None or len(objects) + len(folders) <= limit
    if not complete:
        # The one too many is the last in the order of names, in which a folder counts with its delimiter.
        if not folders or (objects and objects[-1].name > folders[-1] + (delimiter or "")):
            objects.pop()
        else:
            folders.pop()
    return Listing(Found(tuple(objects), tuple(folders)), complete, first.modified, first.date)


def stream_listing(
    wire: PithosWire,
    account: str,
    container: str,
    *,
    prefix: str = "",
    relative: bool = False,
    modified_since: int | None = None,
    learn: Callable[[replies.ContainerHead], ContainerInfo],
) -> ListingStream | None:
    """As `ObjectStore.stream_listing`; `learn` is given what the first reply tells of the container."""
    filters = Filters(modified_since=modified_since)
    pages = list_pages(wire, account, container, prefix=prefix, relative=relative, filters=filters)
    first = next(pages)
    if first.unchanged:
        return None
    if not first.modified or not first.date:
        # Somebody else's answer, however much it looks like a list: whoever believes it takes the rest for deleted.
        raise BadReply(f"the list of {container!r} does not say of when it is")

    def objects(held: list[Page]) -> Iterator[tuple[ObjectInfo, ...]]:
        yield held.pop().found.objects
        for page in pages:
            yield page.found.objects

    head = first.head
    count = None if head is None else head.object_count
    info = None if head is None or head.block_size is None else learn(head)
    return ListingStream(first.modified, first.date, count, info, objects([first]))


def list_pages(
    wire: PithosWire,
    account: str,
    container: str,
    *,
    prefix: str = "",
    delimiter: str | None = None,
    marker: str | None = None,
    limit: int | None = None,
    filters: Filters | None = None,
    relative: bool = False,
) -> Iterator[Page]:
    """The pages of a listing, each asked for when the one before it has been used. See `ObjectStore.list_pages`.

    With `relative` the names of objects come without the prefix.
    """
    delimiter = delimiter or None
    filters = filters or Filters()
    absolute = prefix.startswith("/")
    here = absolute or (delimiter is not None and prefix != "" and not prefix.endswith(delimiter))
    asked = _Asked(
        wire,
        account,
        container,
        prefix="" if absolute else prefix,
        delimiter=None if here else delimiter,
        filters=filters,
    )
    count = 0
    rolled: str | None = None  # names come sorted, so those that are rolled up into one come one after the other
    for reply in asked.pages(marker, None if here or filters.public else limit):
        if reply.unchanged:
            yield Page(unchanged=True)
            return
        objects: list[ObjectInfo] = []
        folders: list[str] = []
        for entry in reply.entries:
            if limit is not None and count >= limit:
                break
            name: str = entry["subdir"] if "subdir" in entry else entry["name"]
            # A list of what is public ignores the marker (section 8.5).
            if not name.startswith(prefix) or (filters.public and marker is not None and name <= marker):
                continue
            end = name.find(delimiter, len(prefix)) if delimiter is not None else -1
            if "subdir" in entry or end >= 0:
                folder = name[:end] if end >= 0 else name
                if folder == rolled:
                    continue
                rolled = folder
                folders.append(folder)
            else:
                objects.append(object_from_entry(entry, name[len(prefix) :] if relative else name))
            count += 1
        reply.entries.clear()  # several times as large as what was made of it
        found = Found(tuple(objects), tuple(folders))
        del objects, folders
        yield Page(found, reply.modified, reply.date, head=reply.head)
        del found
        if limit is not None and count >= limit:
            return


@dataclass(frozen=True, slots=True)
class _Reply:
    entries: list[dict[str, Any]] = field(default_factory=list)  # whoever uses it may empty it
    modified: int = 0
    date: int = 0
    unchanged: bool = False
    head: replies.ContainerHead | None = None


class _Asked:
    """One listing as the server gives it."""

    def __init__(
        self,
        wire: PithosWire,
        account: str,
        container: str,
        *,
        prefix: str,
        delimiter: str | None,
        filters: Filters,
    ) -> None:
        self._wire = wire
        self._account = account
        self._container = container
        self._prefix = prefix or None
        self._delimiter = delimiter
        self._filters = filters

    def pages(self, marker: str | None, limit: int | None) -> Iterator[_Reply]:
        """Every page until the end, or until `limit` entries have come."""
        filters = self._filters
        got = 0
        while True:
            first = got == 0
            wanted = PAGE if limit is None else min(PAGE, max(1, limit - got))
            reply = self._wire.container_get(
                self._account,
                self._container,
                limit=wanted,
                marker=marker,
                prefix=self._prefix,
                delimiter=self._delimiter,
                meta=filters.meta or None,
                shared=filters.shared,
                public=filters.public,
                until=filters.until,
                # Conditions hold for the whole: what changes while it is read must not end it half-way.
                if_modified_since=filters.modified_since if first else None,
                if_unmodified_since=filters.unmodified_since if first else None,
            )
            if reply.status_code == 304:
                yield _Reply(unchanged=True)
                return
            page = replies.entries(reply)
            head = replies.container_head(reply)
            got += len(page)
            # A list of what is public is one page whatever its size: it ignores the marker.
            is_last = len(page) < wanted or filters.public or (limit is not None and got >= limit)
            # A roll-up as marker would come again (section 8.5).
            following = "" if is_last else page[-1]["subdir"] + _LAST if "subdir" in page[-1] else page[-1]["name"]
            del reply  # its body is as large as the page
            yield _Reply(page, head.modified or 0, head.date or 0, head=head)
            if is_last:
                return
            if following == marker:
                raise BadReply(f"the list of {self._container!r} does not go on after {marker!r}")
            marker = following
