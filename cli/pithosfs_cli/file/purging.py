"""What `pithosfs file purge` does: count what would go, ask, destroy, and say what has stayed."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from pithosfs.errors import NotFound, UsageError
from pithosfs_cli.addressing import addressed
from pithosfs_cli.confirm import ask, show_plan
from pithosfs_cli.dates import shown_date
from pithosfs_cli.invocation import Invocation
from pithosfs_cli.locations import Location
from pithosfs_cli.one_by_one import one_by_one
from pithosfs_cli.output import Column, Record, iso_time, note, show_list

if TYPE_CHECKING:
    from pithosfs.store import ObjectStore, VersionInfo

__all__ = ["FOREVER", "purge_all"]

FOREVER = 253402300799  # seconds since the epoch: the end of the year 9999
_SECOND = 1_000_000_000


def purge_all(run: Invocation, places: Sequence[Location], until: int | None, *, yes: bool, dry_run: bool) -> None:
    """Destroy the old versions of objects up to a time in seconds (None: all), never the present one.

    Asks first. Raises NotFound for what has no history, before anything is destroyed.
    """
    store = run.store()
    management = store.management()
    moment = FOREVER if until is None else until
    doomed: dict[Location, list[VersionInfo]] = {}
    for place in dict.fromkeys(places):
        if not place.name:
            raise UsageError(f"{place} is a container", hint=f"pithosfs container purge {place.container}")
        with addressed(store, place):
            doomed[place] = _old(store, place, moment)
    count = sum(map(len, doomed.values()))
    if dry_run:
        show_plan(run, [_step(place, one) for place, versions in doomed.items() for one in versions])
        return
    if count:
        named = f"of {next(iter(doomed))}" if len(doomed) == 1 else f"of {len(doomed)} files"
        when = "" if until is None else f" up to {shown_date(until)}"
        ask(f"Destroy {_versions(count)} {named}{when} for good?", yes=yes)
    records: list[Record] = []

    def destroy(place: Location) -> None:
        versions, path = doomed[place], place.path(store)
        with addressed(store, place):
            left: set[str] = set()
            if versions:
                management.purge(path, moment)
                with suppress(NotFound):  # nothing at all is left of a deleted one
                    left = {one.version for one in store.versions(path)}
        gone = [one for one in versions if one.version not in left]
        note(f"{place}: destroyed {_versions(len(gone))}")
        if len(gone) < len(versions):
            note(f"{place}: {_versions(len(versions) - len(gone))} made in the second of the present one stayed")
        records.append({"path": str(place), "destroyed": [one.version for one in gone]})

    one_by_one("purged", doomed, destroy)
    if run.output != "table":
        show_list(run, records, [Column("path", "PATH")])


def _old(store: ObjectStore, place: Location, moment: int) -> list[VersionInfo]:
    """The versions up to that time, without the present one."""
    path = place.path(store)
    listed = store.versions(path)
    try:
        present = store.head(path).version
    except NotFound:
        present = ""
    return [one for one in listed if one.version != present and one.modified_ns <= moment * _SECOND]


def _step(place: Location, version: VersionInfo) -> tuple[str, Record]:
    shown = f"destroy version {version.version} of {place}, of {shown_date(version.modified_ns // _SECOND)}"
    return shown, {
        "action": "destroy",
        "path": str(place),
        "version": version.version,
        "modified": iso_time(version.modified_ns),
    }


def _versions(count: int) -> str:
    return f"{count} old version{'' if count == 1 else 's'}"
