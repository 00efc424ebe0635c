"""What is in a folder of the cloud, as `pithosfs file list` shows it: page by page, in the server's order of names.

A folder is an object of a folder's type, a prefix that names share, or both; it is listed once.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pithosfs.errors import NotAllowed, NotFound, PreconditionFailed
from pithosfs_cli.addressing import addressed
from pithosfs_cli.dates import shown_date
from pithosfs_cli.globbing import is_pattern, matcher
from pithosfs_cli.layout import Column
from pithosfs_cli.locations import Location
from pithosfs_cli.output import iso_time

if TYPE_CHECKING:
    from pithosfs.store import Filters, Found, ObjectInfo, ObjectStore

__all__ = [
    "DETAILS",
    "ENTRY_COLUMNS",
    "FOLDER_TYPE",
    "SUMMARY",
    "Asked",
    "Entry",
    "explained",
    "list_place",
    "object_entry",
]

FOLDER_TYPE = "application/directory"

Entry = dict[str, Any]

_MAGIC = re.compile(r"[*?[]")

ENTRY_COLUMNS = [
    Column("bytes", "SIZE", "size", 9),
    Column("modified", "CHANGED", "time", 19),
    Column("version", "VERSION", width=8),
    Column("content_type", "TYPE", width=24),
    Column("sharing", "SHARED", width=14),
    Column("modified_by", "BY", width=12),
    Column("type", "KIND", width=6),
    Column("hash", "HASH", width=64),
    Column("uuid", "UUID", width=36),
    Column("public", "LINK", width=40),
    Column("path", "PATH", width=40),
    Column("name", "NAME", width=40),
]
_BY_KEY = {one.key: one for one in ENTRY_COLUMNS}
SUMMARY = [_BY_KEY[key] for key in ("bytes", "modified", "name")]
DETAILS = [_BY_KEY[key] for key in ("bytes", "modified", "version", "content_type", "sharing", "modified_by", "name")]


@dataclass(frozen=True, slots=True)
class Asked:
    """How to list: everything below or one level, or up to a `delimiter` of the user's own; behind the name `marker`;
    `limit` is how many entries are wanted of each place (None: all), `full_names` shows them with their paths."""

    filters: Filters
    recursive: bool = False
    delimiter: str | None = None
    marker: str | None = None
    limit: int | None = None
    literally: bool = False
    full_names: bool = False


def list_place(store: ObjectStore, place: Location, asked: Asked) -> Iterator[list[Entry]]:
    """The entries of a folder or container, what matches a pattern, or the one object that the place names.

    Each page is asked for when the one before it is used up. Raises NotFound when there is nothing of that name.
    """
    from pithosfs.store.seam import EVERYTHING

    with explained(store, place, asked.filters), addressed(store, place):
        if is_pattern(place.name) and not asked.literally and _exactly(store, place, EVERYTHING) is None:
            yield from _matching(store, place, asked)
        else:
            yield from _inside(store, place, asked)


@contextmanager
def explained(store: ObjectStore, place: Location, filters: Filters) -> Iterator[None]:
    """Errors that have to do with the filters say so: what is not found in the past may well be there now."""
    try:
        yield
    except PreconditionFailed as error:
        if filters.modified_since is None and filters.unmodified_since is None:
            raise
        if error.status == 304 and filters.modified_since is not None:
            option, what = "--if-modified-since", f"has not changed since {shown_date(filters.modified_since)}"
        else:
            option, what = "--if-unmodified-since", f"has changed since {shown_date(filters.unmodified_since or 0)}"
        raise PreconditionFailed(
            f"{place} {what}", error.status, hint=f"leave out {option} to have the list all the same"
        ) from error
    except NotFound as error:
        if filters.until is None:
            raise
        with addressed(store, place.named("")):
            store.container(place.container, place.account)
        raise NotFound(
            f"there was no {place} on {shown_date(filters.until)}",
            error.status,
            hint="give a later date, or leave --until out to see what is there now",
        ) from error


def _inside(store: ObjectStore, place: Location, asked: Asked) -> Iterator[list[Entry]]:
    prefix = place.name if not place.name or place.name.endswith("/") else f"{place.name}/"
    delimiter = asked.delimiter or (None if asked.recursive else "/")
    merge = _Merge(place, delimiter)
    start = 0 if asked.full_names else len(prefix)
    any_found = False
    try:
        for found in _pages(store, place, asked, prefix, delimiter):
            any_found = any_found or bool(found.objects or found.folders)
            page = merge.entries(found)
            # The folder's own marker when somebody has made one with a closing slash is not in the folder.
            yield [
                _relative(one, place, start, asked) for one in page if (one["name"], one["type"]) != (prefix, "folder")
            ]
    except NotAllowed:
        # Others may see single objects without seeing any of what is below their names (section 12.4).
        if any_found or not prefix or not place.account:
            raise
    if not any_found and prefix:
        yield from _alone(store, place, asked, prefix)


def _matching(store: ObjectStore, place: Location, asked: Asked) -> Iterator[list[Entry]]:
    wanted = place.name.rstrip("/") or place.name
    magic = _MAGIC.search(wanted)
    fixed = wanted[: wanted.rfind("/", 0, magic.start() if magic else 0) + 1]
    deep = asked.recursive or "/" in wanted[len(fixed) :] or "**" in wanted
    pattern = matcher(wanted)
    if asked.recursive:
        pattern = re.compile(f"{pattern.pattern}(?:/.*)?", re.DOTALL)
    merge = _Merge(place, None if deep else "/", parents_from=len(fixed) if deep and not asked.recursive else None)
    any_found = False
    for found in _pages(store, place, asked, fixed, None if deep else "/", limited=False):
        page = [one for one in merge.entries(found) if pattern.fullmatch(one["name"])]
        if place.name.endswith("/") and not asked.recursive:
            page = [one for one in page if one["type"] == "folder"]
        any_found = any_found or bool(page)
        yield [_relative(one, place, 0, asked) for one in page]
    if not any_found and not asked.marker and not _narrowed(asked.filters):
        raise NotFound(
            f"nothing matches {place}",
            404,
            hint="see what is there: pithosfs file list; --no-glob takes the pattern as a name",
        )


def _pages(
    store: ObjectStore, place: Location, asked: Asked, prefix: str, delimiter: str | None, *, limited: bool = True
) -> Iterator[Found]:
    limit = asked.limit if limited else None
    if limit is not None and delimiter is not None:
        # A folder may come twice, as an object and as a prefix, and its own marker is not shown.
        limit = 2 * limit + 1
    return store.list_pages(
        place.container,
        prefix=prefix,
        delimiter=delimiter,
        marker=asked.marker,
        account=place.account,
        limit=limit,
        filters=asked.filters,
    )


def _narrowed(filters: Filters) -> bool:
    return bool(filters.meta or filters.shared or filters.public)


def _alone(store: ObjectStore, place: Location, asked: Asked, prefix: str) -> Iterator[list[Entry]]:
    """The object of that very name, after nothing was found below its `prefix`, where a folder then has no entries."""
    from dataclasses import replace

    from pithosfs.store import Filters

    then = Filters(until=asked.filters.until)
    if asked.marker or _narrowed(asked.filters):
        # It may just be the filters that left nothing.
        anything = replace(asked, filters=then, marker=None, limit=1)
        if any(found.objects or found.folders for found in _pages(store, place, anything, prefix, None)):
            return
    for name in dict.fromkeys((place.name, place.name.rstrip("/"))):
        info = _exactly(store, place.named(name), then) if name else None
        if info is None:
            continue  # a closing slash that is not part of a name is forgiven
        if _narrowed(asked.filters) and _exactly(store, place.named(name), asked.filters) is None:
            return
        if not info.is_directory:
            yield [_relative(object_entry(place, info), place, name.rstrip("/").rfind("/") + 1, asked)]
        return
    raise NotFound(f"there is no {place}", 404)


def _exactly(store: ObjectStore, place: Location, filters: Filters) -> ObjectInfo | None:
    if filters.until is None and not _narrowed(filters):
        try:
            return store.head(place.path(store))
        except NotFound:
            return None
    # It sorts before all the others that begin with its name.
    pages = store.list_pages(place.container, prefix=place.name, account=place.account, limit=1, filters=filters)
    found = [one for page in pages for one in page.objects if one.name == place.name]
    return found[0] if found else None


class _Merge:
    """Objects and folders of one listing as entries, in one order, each folder once.

    `parents_from`: there are no roll-ups; the folders that names are in are to be found behind that many characters.
    """

    def __init__(self, place: Location, delimiter: str | None, *, parents_from: int | None = None) -> None:
        self._place = place
        self._delimiter = delimiter or ""
        self._parents_from = parents_from
        self._markers: set[str] = set()  # folders listed as objects whose roll-up may still come
        self._open: list[str] = []  # the folders that the last name was in

    def entries(self, found: Found) -> Iterator[Entry]:
        """The next page."""
        if self._parents_from is not None:
            for info in found.objects:
                yield from self._parents(info.name, self._parents_from)
                yield self._object(info)
            return
        if not found.folders and not self._delimiter:
            yield from (object_entry(self._place, info) for info in found.objects)
            return
        objects: Iterable[tuple[str, ObjectInfo | None]] = ((one.name, one) for one in found.objects)
        folders: Iterable[tuple[str, ObjectInfo | None]] = ((one + self._delimiter, None) for one in found.folders)
        for name, listed in heapq.merge(objects, folders, key=lambda one: one[0]):
            if listed is not None:
                yield self._object(listed)
            elif name.removesuffix(self._delimiter) not in self._markers or self._delimiter != "/":
                yield _prefix_entry(self._place, name, folder=self._delimiter == "/")
        # Only what sorts before its own roll-up is waited for: everything else has passed.
        last = max((one.name for one in found.objects[-1:]), default="")
        self._markers = {one for one in self._markers if f"{one}{self._delimiter}" >= last}

    def _object(self, info: ObjectInfo) -> Entry:
        if info.is_directory:
            self._markers.add(info.name)
        return object_entry(self._place, info)

    def _parents(self, name: str, start: int) -> Iterator[Entry]:
        parents: list[str] = []
        end = name.find("/", start)
        while end > 0:
            parents.append(name[:end])
            end = name.find("/", end + 1)
        for parent in parents:
            if parent not in self._open and parent not in self._markers:
                yield _prefix_entry(self._place, f"{parent}/", folder=True)
        self._open = parents


def object_entry(place: Location, info: ObjectInfo) -> Entry:
    """An object as a record; tables leave the size of a folder out."""
    folder = info.is_directory
    shared = [word for word, is_so in (("shared", info.sharing), ("public", info.public)) if is_so]
    entry: Entry = {
        "name": info.name,
        "path": str(place.named(info.name)),
        "type": "folder" if folder else "file",
        "bytes": info.size,
        "content_type": info.content_type,
        "modified": iso_time(info.modified_ns),
        "hash": info.hash,
        "version": info.version,
        "uuid": info.uuid,
        "modified_by": info.modified_by,
        "sharing": {"read": list(info.sharing.read), "write": list(info.sharing.write)} if info.sharing else None,
        "public": info.public,
        "_sharing": ", ".join(shared) or None,
    }
    if folder:
        entry["_bytes"] = None
    return entry


def _prefix_entry(place: Location, prefix: str, *, folder: bool) -> Entry:
    """What is only the shared beginning of names: a folder, or with another delimiter a prefix."""
    name = prefix.removesuffix("/") if folder else prefix
    return {
        "name": name,
        "path": str(place.named(name)),
        "type": "folder" if folder else "prefix",
        "bytes": None,
        "content_type": "",
        "modified": None,
        "hash": None,
        "version": None,
        "uuid": None,
        "modified_by": None,
        "sharing": None,
        "public": None,
    }


def _relative(entry: Entry, place: Location, start: int, asked: Asked) -> Entry:
    """With the name that tables show: as it is in the folder, or whole with its path; a folder ends with a slash."""
    shown = str(place.named(entry["name"])) if asked.full_names else entry["name"][start:] or entry["name"]
    entry["_name"] = f"{shown}/" if entry["type"] == "folder" else shown
    return entry
