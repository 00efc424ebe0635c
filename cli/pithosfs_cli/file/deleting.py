"""What `pithosfs file delete` does: gather what is to go, ask once, delete side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from pithosfs.errors import Conflict, NotFound, PithosfsError, UsageError
from pithosfs_cli.addressing import addressed, look
from pithosfs_cli.confirm import ask
from pithosfs_cli.errors import Failure, describe
from pithosfs_cli.invocation import Invocation
from pithosfs_cli.locations import Location
from pithosfs_cli.output import note
from pithosfs_cli.printable import printable
from pithosfs_cli.progress import counted

if TYPE_CHECKING:
    from pithosfs.store import ObjectStore

__all__ = ["delete_all"]

CONNECTIONS = 8  # deletions are short requests: this many at once hide the round trips


@dataclass(frozen=True, slots=True)
class _Doomed:
    """A place that was named and the objects that go with it, markers of folders last."""

    place: Location
    objects: tuple[Location, ...]

    def __str__(self) -> str:
        inside = len(self.objects) - (self.place in self.objects)
        if inside:
            return f"{self.place} and the {inside} objects in it"
        return str(self.place)


def delete_all(run: Invocation, places: Sequence[Location], *, recursive: bool, yes: bool, dry_run: bool) -> None:
    """Delete objects and, with `recursive`, folders and the contents of containers. Raises Failure when some stay."""
    store = run.store()
    doomed = [_gather(store, place, recursive) for place in dict.fromkeys(places)]
    objects = list(dict.fromkeys(one for each in doomed for one in each.objects))
    if dry_run:
        for one in objects:
            click.echo(f"Would delete {printable(str(one))}")
        return
    named = "; ".join(str(one) for one in doomed[:3]) + (f" and {len(doomed) - 3} more" if len(doomed) > 3 else "")
    ask(f"Delete {named}?", yes=yes)
    _delete(store, objects)


def _gather(store: ObjectStore, place: Location, recursive: bool) -> _Doomed:
    objects: list[Location] = []
    marker: Location | None = None
    is_folder = True
    if place.name:
        try:
            found, info = look(store, place)
            is_folder = info.is_directory
            place = marker = found
        except NotFound:
            if not _below(store, place, limit=1):
                raise
    elif not recursive:
        raise UsageError(
            f"{place} is a container",
            hint="add --recursive to empty it; pithosfs container delete deletes it",
        )
    if recursive or is_folder:
        # A plain file may have names below it too; they are no part of it unless everything is asked for.
        objects = _below(store, place, limit=None if recursive else 1)
        if objects and not recursive:
            raise Conflict(f"the folder {place} is not empty", 409, hint="add --recursive to delete everything in it")
    if marker is not None:
        objects.append(marker)
    return _Doomed(place, tuple(objects))


def _below(store: ObjectStore, place: Location, limit: int | None) -> list[Location]:
    prefix = f"{place.name.rstrip('/')}/" if place.name else ""
    with addressed(store, place.named("")):
        listing = store.list_objects(place.container, prefix=prefix, account=place.account, limit=limit)
    assert listing is not None
    names = sorted((one.name for one in listing.found.objects), reverse=True)  # what is inside before its folder
    return [place.named(name) for name in names]


def _delete(store: ObjectStore, objects: Sequence[Location]) -> None:
    from concurrent.futures import ThreadPoolExecutor

    failed: list[tuple[Location, PithosfsError]] = []

    def work(place: Location) -> None:
        try:
            with addressed(store, place):
                store.delete(place.path(store))
        except NotFound as error:
            if len(objects) == 1:
                failed.append((place, error))  # otherwise somebody else deleted it meanwhile: it is gone
        except PithosfsError as error:
            failed.append((place, error))

    with counted("deleting") as tell, ThreadPoolExecutor(CONNECTIONS) as pool:
        try:
            for done, _ in enumerate(pool.map(work, objects), 1):
                tell(done, len(objects))
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    if not failed:
        return
    if len(objects) == 1:
        raise failed[0][1]
    for place, error in failed[:10]:
        note(f"{place}: {describe(error)[0]}")
    raise Failure(
        f"{len(failed)} of {len(objects)} objects were not deleted", failed[0][1].exit_code, hint=failed[0][1].hint
    )
