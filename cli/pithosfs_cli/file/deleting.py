"""What `pithosfs file delete` does: gather what is to go, ask once, delete side by side.

A folder with a marker and a container's content are one request each; everything else goes name by name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pithosfs.errors import Conflict, NotFound, PithosfsError, UsageError
from pithosfs_cli.addressing import addressed, look
from pithosfs_cli.confirm import ask, show_plan
from pithosfs_cli.errors import Failure, describe
from pithosfs_cli.invocation import Invocation
from pithosfs_cli.locations import Location
from pithosfs_cli.output import Column, note, show_list
from pithosfs_cli.progress import counted

if TYPE_CHECKING:
    from pithosfs.store import ObjectStore

__all__ = ["delete_all"]

CONNECTIONS = 8  # deletions are short requests: this many at once hide the round trips


@dataclass(frozen=True, slots=True)
class _Doomed:
    """A place that was named and the objects that go with it, markers of folders last. `delimiter`: what follows the
    place's own name in theirs. `whole`: one request deletes them all."""

    place: Location
    objects: tuple[Location, ...]
    delimiter: str = "/"
    whole: bool = False

    def __str__(self) -> str:
        inside = len(self.objects) - (self.place in self.objects)
        if not inside:
            return str(self.place)
        what = "object" if inside == 1 else "objects"
        where = "in it" if self.delimiter == "/" else f"that begin with {self.place}{self.delimiter}"
        return f"{self.place} and the {inside} {what} {where}"


def delete_all(
    run: Invocation,
    places: Sequence[Location],
    *,
    recursive: bool,
    yes: bool,
    dry_run: bool,
    delimiter: str | None = None,
) -> None:
    """Delete objects and, with `recursive`, folders and the contents of containers; with `delimiter` everything whose
    name goes on so after the object's. Raises Failure when some stay."""
    store = run.store()
    if recursive and delimiter not in (None, "/"):
        raise UsageError("--recursive and --delimiter exclude each other")
    wanted = "/" if recursive else delimiter
    doomed = [_gather(store, place, wanted) for place in dict.fromkeys(places)]
    objects = list(dict.fromkeys(one for each in doomed for one in each.objects))
    if dry_run:
        show_plan(run, [(f"delete {one}", {"action": "delete", "path": str(one)}) for one in objects])
        return
    if objects:
        named = "; ".join(str(one) for one in doomed[:3])
        named += f" and {len(doomed) - 3} more" if len(doomed) > 3 else ""
        ask(f"Delete {named}?", yes=yes)
        _delete(store, doomed, len(objects))
    if run.output != "table":
        records = [{"action": "deleted", "path": str(one.place), "objects": len(one.objects)} for one in doomed]
        show_list(run, records, [Column("path", "PATH")])


def _gather(store: ObjectStore, place: Location, delimiter: str | None) -> _Doomed:
    if not place.name:
        if delimiter != "/":
            raise UsageError(
                f"{place} is a container",
                hint="add --recursive to empty it; pithosfs container delete deletes it",
            )
        return _Doomed(place, tuple(_below(store, place, "", limit=None)), whole=True)
    try:
        place, info = look(store, place)
    except NotFound:
        bare = place.named(place.name.rstrip("/") or place.name)
        inside = _below(store, bare, delimiter or "/", limit=None if delimiter else 1)
        if not inside:
            raise
        if not delimiter:
            raise _not_empty(place) from None
        return _Doomed(bare, tuple(inside), delimiter)
    # A plain file may have names below it too; they are no part of it unless everything is asked for.
    if delimiter is None and not info.is_directory:
        return _Doomed(place, (place,))
    inside = _below(store, place, delimiter or "/", limit=None if delimiter else 1)
    if inside and delimiter is None:
        raise _not_empty(place)
    return _Doomed(place, (*inside, place), delimiter or "/", whole=bool(inside))


def _not_empty(place: Location) -> Conflict:
    return Conflict(f"the folder {place} is not empty", 409, hint="add --recursive to delete everything in it")


def _below(store: ObjectStore, place: Location, delimiter: str, limit: int | None) -> list[Location]:
    with addressed(store, place.named("")):
        listing = store.list_objects(
            place.container, prefix=f"{place.name}{delimiter}", account=place.account, limit=limit
        )
    assert listing is not None
    names = sorted((one.name for one in listing.found.objects), reverse=True)  # what is inside before its folder
    return [place.named(name) for name in names]


def _delete(store: ObjectStore, doomed: Sequence[_Doomed], count: int) -> None:
    from concurrent.futures import ThreadPoolExecutor

    failed: list[tuple[Location, PithosfsError]] = []
    management = store.management()

    def work(target: tuple[Location, _Doomed | None]) -> None:
        place, whole = target
        try:
            with addressed(store, place):
                if whole is None:
                    store.delete(place.path(store))
                elif place.name:
                    management.delete_below(place.path(store), whole.delimiter)
                else:
                    management.empty_container(place.container, place.account)
        except NotFound as error:
            if whole is not None and place.name:
                left.append(whole)  # its marker is gone: what is below goes name by name
            elif count == 1:
                failed.append((place, error))  # otherwise somebody else deleted it meanwhile: it is gone
        except PithosfsError as error:
            failed.append((place, error))

    left: list[_Doomed] = []
    targets: dict[tuple[Location, _Doomed | None], None] = {}
    for each in doomed:
        if each.whole:
            targets[each.place, each] = None
        else:
            targets.update(((one, None), None) for one in each.objects)
    with counted("deleting") as tell, ThreadPoolExecutor(CONNECTIONS) as pool:
        try:
            for done, _ in enumerate(pool.map(work, targets), 1):
                tell(done, len(targets))
            for each in left:
                list(pool.map(work, ((one, None) for one in each.objects if one != each.place)))
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    if not failed:
        return
    if len(targets) == 1:
        raise failed[0][1]
    for place, error in failed[:10]:
        note(f"{place}: {describe(error)[0]}")
    raise Failure(f"{len(failed)} of {len(targets)} were not deleted", failed[0][1].exit_code, hint=failed[0][1].hint)
