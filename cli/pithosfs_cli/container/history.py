"""`pithosfs container history`: what has changed in a container since a date.

The object store keeps no log. It lists a container as it was at any time (object-store.md section 11), and the versions
of a name that is known. So two listings are compared, page by page: a name that came and went between the two dates is
in neither and cannot be seen, and when something was deleted is not told. The steps between the two dates are asked
for only on demand, with one request for each name that changed.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from pithosfs.errors import NotFound, UsageError
from pithosfs_cli.addressing import account_option, addressed, complete_place
from pithosfs_cli.command import Command, with_options
from pithosfs_cli.dates import DATE, shown_date
from pithosfs_cli.file.listing import explained
from pithosfs_cli.file.selection import Selection, filters_of, selection_options
from pithosfs_cli.invocation import Invocation
from pithosfs_cli.layout import Column, list_options
from pithosfs_cli.locations import Location, account_id, parse_location
from pithosfs_cli.output import iso_time, show_list

if TYPE_CHECKING:
    from pithosfs.store import ObjectInfo, ObjectStore

__all__ = ["history"]

_DAYS = 7
_CONNECTIONS = 8  # version lists side by side
_SECOND = 1_000_000_000

_COLUMNS = [
    Column("time", "TIME", "time", 19),
    Column("change", "CHANGE", width=8),
    Column("bytes", "SIZE", "size", 9),
    Column("bytes_before", "BEFORE", "size", 9),
    Column("version", "VERSION", width=8),
    Column("version_before", "VERSION BEFORE", width=14),
    Column("modified_by", "BY", width=12),
    Column("previous_name", "PREVIOUS NAME", width=40),
    Column("name", "NAME", width=40),
]
_SHOWN = [one for one in _COLUMNS if one.key in ("time", "change", "bytes", "bytes_before", "modified_by", "name")]


@dataclass(frozen=True, slots=True)
class _Change:
    """One name then and now: `before` and `after` are None where there was, or is, nothing of that name. `previous` is
    the same object under the name that it had."""

    kind: str
    name: str
    before: ObjectInfo | None
    after: ObjectInfo | None
    previous: str | None = None


@click.command("history", cls=Command)
@click.argument("name", shell_complete=complete_place)
@with_options(
    [
        click.option(
            "--since", "--at", "since", type=DATE, metavar="DATE", help=f"Since then (default: {_DAYS} days ago)."
        ),
        click.option("--until", type=DATE, metavar="DATE", help="Up to then (default: now)."),
        click.option(
            "--versions",
            is_flag=True,
            help="Show each version in between as well, which takes a request for each name that has changed.",
        ),
        *selection_options,
        *list_options(_COLUMNS),
        account_option,
    ]
)
@click.pass_obj
def history(
    run: Invocation,
    /,
    name: str,
    since: int | None,
    until: int | None,
    versions: bool,
    account: str | None,
    **selection: Any,
) -> None:
    """Show what has changed in a container, or below a folder (NAME/FOLDER) of it, newest first.

    CHANGE: added, changed (the content), metadata, replaced (deleted and made again), moved, deleted. The container as
    it is now, or was at --until, is compared with what it was at --since; when something was deleted is not known, and
    what came and went in between is not seen. Only the owner can look into the past.
    """
    store = run.store()
    chosen = Selection.of(selection)
    place = parse_location(name if name.startswith(("/", "pithos://")) else f"/{name}", run.cloud().container)
    place = Location(account_id(store, place.account) or account_id(store, account), place.container, place.name)
    start = since if since is not None else int(time.time()) - _DAYS * 86400
    if until is not None and until <= start:
        raise UsageError("the end is not after the beginning", hint="give an --until that is later than --since")
    changes = [one for one in _changes(store, place, start, until) if chosen.wants(one.name, one.previous or one.name)]
    if chosen.marker is not None:
        changes = [one for one in changes if one.name > chosen.marker]
    rows = [_row(one) for one in changes]
    if versions:
        rows += _steps(store, place, changes, start, until)
    # What has no time comes last: it is the oldest that can be said of it.
    rows.sort(key=lambda one: (one["time"] or "", one["name"]), reverse=True)
    rows = list(chosen.cut(rows))
    if run.output == "table":
        names = store.user_names(sorted({str(one["modified_by"]) for one in rows if one["modified_by"]}))
        for one in rows:
            one["_modified_by"] = names.get(one["modified_by"], one["modified_by"])
            if one["previous_name"]:
                one["_name"] = f"{one['previous_name']} → {one['name']}"
    upto = f" and {shown_date(until)}" if until is not None else " and now"
    show_list(run, rows, _SHOWN, empty=f"Nothing in {place} is different between {shown_date(start)}{upto}")


def _changes(store: ObjectStore, place: Location, since: int, until: int | None) -> Iterator[_Change]:
    """The names that differ, in the order of names, the deleted ones last."""
    # The present first: what is missing there is an error, what is missing in the past is nothing.
    now = _listed(store, place, until)
    present = next(now, None)
    before: dict[str, ObjectInfo] = {}
    with suppress(NotFound):  # the container may have been made since then
        before = {one.name: one for one in _listed(store, place, since)}
    added: list[ObjectInfo] = []
    while present is not None:
        old = before.pop(present.name, None)
        if old is None:
            added.append(present)
        elif old.version != present.version:
            yield _Change(_kind(old, present), present.name, old, present)
        present = next(now, None)
    # What was moved has kept its identity (section 7.1).
    gone = {one.uuid: one for one in before.values() if one.uuid}
    for info in added:
        old = gone.pop(info.uuid, None)
        if old is None:
            yield _Change("added", info.name, None, info)
        else:
            del before[old.name]
            yield _Change("moved", info.name, old, info, old.name)
    for info in before.values():
        yield _Change("deleted", info.name, info, None)


def _kind(old: ObjectInfo, new: ObjectInfo) -> str:
    if old.uuid and new.uuid and old.uuid != new.uuid:
        return "replaced"
    same = (old.hash, old.size, old.content_type) == (new.hash, new.size, new.content_type)
    return "metadata" if same else "changed"


def _listed(store: ObjectStore, place: Location, until: int | None) -> Iterator[ObjectInfo]:
    prefix = f"{place.name.rstrip('/')}/" if place.name else ""
    filters = filters_of({"until": until})
    with explained(store, place.named(""), filters), addressed(store, place.named("")):
        pages = store.list_pages(place.container, prefix=prefix, account=place.account, filters=filters)
        for page in pages:
            yield from page.objects


def _row(change: _Change) -> dict[str, Any]:
    info = change.after
    return {
        "time": iso_time(info.modified_ns) if info else None,
        "change": change.kind,
        "name": change.name,
        "previous_name": change.previous,
        "bytes": info.size if info else None,
        "bytes_before": change.before.size if change.before else None,
        "version": info.version if info else None,
        "version_before": change.before.version if change.before else None,
        "modified_by": info.modified_by if info else None,
    }


def _steps(
    store: ObjectStore, place: Location, changes: Sequence[_Change], since: int, until: int | None
) -> list[dict[str, Any]]:
    """The versions between the two that are compared, as changes of their own."""
    from concurrent.futures import ThreadPoolExecutor

    end = None if until is None else until * _SECOND

    def between(change: _Change) -> list[tuple[str, int]]:
        known = {one.version for one in (change.before, change.after) if one}
        try:
            kept = store.versions(place.named(change.name).path(store))
        except NotFound:  # its history has been purged
            return []
        return [
            (one.version, one.modified_ns)
            for one in kept
            if one.modified_ns >= since * _SECOND
            and (end is None or one.modified_ns < end)
            and one.version not in known
        ]

    with ThreadPoolExecutor(_CONNECTIONS, thread_name_prefix="history") as pool:
        found = list(pool.map(between, changes))
    blank: Mapping[str, None] = dict.fromkeys(one.key for one in _COLUMNS)
    return [
        {**blank, "time": iso_time(when), "change": "version", "name": change.name, "version": version}
        for change, versions in zip(changes, found, strict=True)
        for version, when in versions
    ]
