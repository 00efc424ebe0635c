"""What `pithosfs file restore` does: find the versions that were present then, and make them the newest again."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pithosfs.errors import Conflict, NotFound, PreconditionFailed
from pithosfs_cli.addressing import addressed
from pithosfs_cli.batch import Batch
from pithosfs_cli.dates import shown_date
from pithosfs_cli.invocation import Invocation
from pithosfs_cli.locations import Location
from pithosfs_cli.output import Column, Record, note, show_list
from pithosfs_cli.progress import counted

if TYPE_CHECKING:
    from pithosfs.store import ObjectInfo, ObjectStore

__all__ = ["Restoration", "decide", "restore_all"]

CONNECTIONS = 8  # short requests that move no content


@dataclass(frozen=True, slots=True)
class Restoration:
    """A version of an object, and where it is to be the newest. `present`: what is there now, as a listing told it."""

    source: Location
    version: str
    target: Location
    present: ObjectInfo | None

    def __str__(self) -> str:
        to = "" if self.target == self.source else f" as {self.target}"
        return f"restore version {self.version} of {self.source}{to}"

    def record(self) -> Record:
        return {
            "action": "restore",
            "path": str(self.source),
            "version": self.version,
            "target": str(self.target),
        }


def decide(
    store: ObjectStore,
    place: Location,
    target: Location | None,
    *,
    version: str | None,
    at: int | None,
    recursive: bool,
) -> list[Restoration]:
    """Which versions are to be restored where, without those that are present anyway.

    `at` is in seconds since the epoch. Raises NotFound when there was nothing there at that time.
    """
    place = place.named(place.name.rstrip("/")) if recursive else place
    if target is None:
        target = place
    elif not target.name or target.name.endswith("/"):
        target = target.named(target.name + (place.name.rpartition("/")[2] or place.container))
    if version is not None:
        with addressed(store, place):
            try:
                store.head(place.path(store), version)
            except NotFound as error:
                raise NotFound(
                    f"{place} has no version {version}", 404, hint=f"see which it has: pithosfs file versions {place}"
                ) from error
        return [Restoration(place, version, target, None)]
    assert at is not None
    then = _at(store, place, at, recursive=recursive)
    if not then:
        raise NotFound(
            f"{place} was not there at {shown_date(at)}",
            404,
            hint="see what it was when: pithosfs file versions; a folder is restored with --recursive",
        )
    now = {one.name: one for one in _listed(store, target, recursive=recursive)}
    steps = []
    for info in then:
        name = target.name + info.name.removeprefix(place.name) if place.name else _joined(target, info.name)
        present = now.get(name)
        if present is None or present.version != info.version:
            steps.append(Restoration(place.named(info.name), info.version, target.named(name), present))
    return steps


def _joined(target: Location, name: str) -> str:
    return f"{target.name}/{name}" if target.name else name


def _at(store: ObjectStore, place: Location, at: int, *, recursive: bool) -> list[ObjectInfo]:
    from pithosfs.store import Filters

    with addressed(store, place.named("")):
        store.container(place.container, place.account)
    try:
        return _listed(store, place, recursive=recursive, filters=Filters(until=at))
    except NotFound:  # the container is younger
        return []


def _listed(store: ObjectStore, place: Location, *, recursive: bool, filters: object = None) -> list[ObjectInfo]:
    """The object itself and, with `recursive`, everything below it; without asking for all names that begin so."""
    from pithosfs.store import Filters

    found: list[ObjectInfo] = []
    narrowed = filters if isinstance(filters, Filters) else Filters()
    below = f"{place.name}/" if place.name else ""
    with addressed(store, place.named("")):
        if place.name:
            pages = store.list_pages(
                place.container, prefix=place.name, account=place.account, limit=1, filters=narrowed
            )
            found = [one for page in pages for one in page.objects if one.name == place.name]
        if recursive:
            for page in store.list_pages(place.container, prefix=below, account=place.account, filters=narrowed):
                found += page.objects
    return found


def restore_all(run: Invocation, steps: Sequence[Restoration]) -> None:
    """Restore each; what is the same already is left alone. Raises the error of a single one, or Failure."""
    store = run.store()
    management = store.management()
    lock = threading.Lock()
    records: list[Record] = []
    unchanged = 0

    def work(step: Restoration) -> None:
        nonlocal unchanged
        source, target = step.source.path(store), step.target.path(store)
        with addressed(store, step.source):
            old = store.head(source, step.version)
            try:
                present = store.head(target)
            except NotFound:
                present = None
            restored: ObjectInfo | None = None
            if present is None or not _is_same(old, present):
                if present is not None and step.target != step.source:
                    raise Conflict(f"{step.target} exists already", 409, hint="restore it to another place")
                base = "" if present is None else present.etag or present.hash
                try:
                    restored = management.copy(source, target, version=step.version, base=base)
                except PreconditionFailed as error:
                    raise Conflict(
                        f"{step.target} was changed by somebody else just now", 412, hint="look at it and repeat"
                    ) from error
        with lock:
            if restored is None:
                unchanged += 1
            else:
                records.append({**step.record(), "action": "restored", "new_version": restored.version})
            tell(len(records) + unchanged, len(steps))

    with counted("restoring") as tell:
        if len(steps) == 1:
            work(steps[0])
        else:
            with Batch("restored", CONNECTIONS) as batch:
                batch.run(steps, lambda step: str(step.target), work)
    if unchanged or not steps:
        note("nothing has changed since then" if not records else f"{unchanged} were the same already")
    if run.output != "table":
        show_list(run, sorted(records, key=lambda one: str(one["target"])), [Column("target", "PATH")])


def _is_same(old: ObjectInfo, present: ObjectInfo) -> bool:
    return (old.hash, old.size, old.content_type, old.meta, old.delivery) == (
        present.hash,
        present.size,
        present.content_type,
        present.meta,
        present.delivery,
    )
