"""Lists of the objects of a container: order, paging, roll-up (object-store.md 8).

A list is a walk over the index of names. Where a delimiter rolls names up, the walk jumps over what is below (a skip
scan), so that listing a folder costs its own entries and not those of the tree under it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pithosfs.localcloud.objects.metafilter import MetaFilter
from pithosfs.localcloud.objects.spans import Span, after_name, after_prefix, intersect

__all__ = ["MAX_LIMIT", "Listed", "Query", "RollUp", "Row", "list_objects", "page", "walk", "walk_objects"]

MAX_LIMIT = 10_000

Row = Sequence[Any]
"""A listed object: name, sharing, public, version id, time, size, root, type, md5, uuid, modified_by."""

Seek = Callable[[str, str | None], Iterable[Row]]
"""The rows from a name (included) to another (excluded; None: to the end), in order. May be left early."""


@dataclass(frozen=True, slots=True)
class RollUp:
    """All names that go on after `name`, which ends with the delimiter."""

    name: str


Listed = Row | RollUp


@dataclass(frozen=True, slots=True)
class Query:
    """What a list is asked for. `spans` are the names that may be shown (None: all); `until` is in microseconds.

    `fold`: a name that ends with the delimiter is rolled up as well, instead of standing beside its roll-up.
    """

    prefix: str = ""
    delimiter: str = ""
    roll_ups: bool = True
    marker: str = ""
    limit: int = MAX_LIMIT
    spans: Sequence[Span] | None = None
    until: int | None = None
    meta: MetaFilter | None = None
    fold: bool = False


def list_objects(connection: sqlite3.Connection, container: int, query: Query) -> list[Listed]:
    """One page of a container's objects."""
    return page(walk_objects(connection, container, query), query.limit)


def walk_objects(connection: sqlite3.Connection, container: int, query: Query) -> Iterator[Listed]:
    """All entries of a container that the query asks for, in order, whatever its limit."""
    seek = (
        _seek_current(connection, container, query) if query.until is None else _seek_past(connection, container, query)
    )
    return walk(seek, query)


def page(entries: Iterable[Listed], limit: int) -> list[Listed]:
    """The first `limit` entries.

    An object `d/` and the roll-up `d/` are never torn apart, even if that makes one more than `limit`: the next page's
    marker is the name of the last entry and could not tell which of the two it was.
    """
    chosen: list[Listed] = []
    for entry in entries:
        if len(chosen) >= limit:
            last = chosen[-1]
            if isinstance(entry, RollUp) and not isinstance(last, RollUp) and last[0] == entry.name:
                chosen.append(entry)
            break
        chosen.append(entry)
    return chosen


def walk(seek: Seek, query: Query) -> Iterator[Listed]:
    """All entries after the marker, in order; those of one roll-up are passed over in one step."""
    allowed = [Span("", None)] if query.spans is None else query.spans
    limits = Span.below(query.prefix)
    low = after_name(query.marker) if query.marker else ""
    shown = _roll_up_of_marker(query)
    if shown:
        low = max(low, after_prefix(shown) or "\U0010ffff" * 2)
    for span in intersect(intersect(allowed, limits), Span(low, None)):
        start: str | None = span.low
        while start is not None and (span.high is None or start < span.high):
            rows = iter(seek(start, span.high))
            start = None
            for row in rows:
                name: str = row[0]
                folder = _roll_up(name, query)
                if folder is None:
                    yield row
                    continue
                if folder != shown:
                    shown = folder
                    if query.roll_ups:
                        yield RollUp(folder)
                start = after_prefix(folder)
                break


def _roll_up(name: str, query: Query) -> str | None:
    """The roll-up that a name belongs to. A name that ends with the delimiter stands for itself."""
    if not query.delimiter:
        return None
    at = name.find(query.delimiter, len(query.prefix))
    end = at + len(query.delimiter)
    return None if at < 0 or (end == len(name) and not query.fold) else name[:end]


def _roll_up_of_marker(query: Query) -> str:
    """The roll-up that was the last entry of the page before, if the marker is one ('' if not).

    Clients that know servers which repeat it put U+10FFFF behind it.
    """
    marker = query.marker.rstrip("\U0010ffff")
    if not query.delimiter or not marker.startswith(query.prefix) or not marker.endswith(query.delimiter):
        return ""
    at = marker.find(query.delimiter, len(query.prefix))
    return marker if at >= 0 and at + len(query.delimiter) == len(marker) else ""


_COLUMNS = "o.name, o.sharing, o.public, v.id, v.time, v.size, v.root, v.type, v.md5, v.uuid, v.modified_by"


def _seek(connection: sqlite3.Connection, source: str, values: Sequence[object], query: Query) -> Seek:
    condition, filter_values = query.meta.sql("v.metadata") if query.meta is not None else ("", ())
    head = f"SELECT {_COLUMNS} FROM {source} AND o.name >= ?"  # noqa: S608
    tail = f"{condition} ORDER BY o.name"

    def seek(low: str, high: str | None) -> Iterable[Row]:
        cursor = connection.cursor()
        cursor.row_factory = None  # plain tuples: a list has thousands
        if high is None:
            return cursor.execute(head + tail, (*values, low, *filter_values))
        return cursor.execute(f"{head} AND o.name < ?{tail}", (*values, low, high, *filter_values))

    return seek


def _seek_current(connection: sqlite3.Connection, container: int, query: Query) -> Seek:
    source = (
        "objects o INDEXED BY current_objects JOIN versions v ON v.id = o.current"
        " WHERE o.container = ? AND o.current IS NOT NULL"
    )
    return _seek(connection, source, (container,), query)


def _seek_past(connection: sqlite3.Connection, container: int, query: Query) -> Seek:
    """As it was just before `until`: of each name the newest version from before then, unless it is a deletion."""
    source = (
        "objects o INDEXED BY objects_by_name JOIN versions v ON v.id ="
        " (SELECT w.id FROM versions w WHERE w.object = o.id AND w.time < ? ORDER BY w.id DESC LIMIT 1)"
        " WHERE v.deleted = 0 AND o.container = ?"
    )
    return _seek(connection, source, (query.until, container), query)
