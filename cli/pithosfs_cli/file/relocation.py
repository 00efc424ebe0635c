"""Doing what `relocating` has decided: whole folders by one request, everything else side by side, name by name."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from pithosfs.errors import Conflict, NotFound, PithosfsError, PreconditionFailed
from pithosfs_cli.addressing import addressed
from pithosfs_cli.batch import Batch
from pithosfs_cli.file.relocating import Folder, Plan, Request, Step, same, steps_of, taken
from pithosfs_cli.invocation import Invocation
from pithosfs_cli.locations import Location
from pithosfs_cli.output import Column, Record, note, show_list
from pithosfs_cli.printable import printable
from pithosfs_cli.progress import counted

if TYPE_CHECKING:
    from pithosfs.store import ObjectInfo, ObjectStore

__all__ = ["carry_out", "planned"]

CONNECTIONS = 8  # short requests that move no content: this many at once hide the round trips
_DONE = {"copy": "copied", "move": "moved"}


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What has become of a step: `info` is what is at the target now, None for a whole folder."""

    source: Location
    target: Location
    action: str
    info: ObjectInfo | None = None

    def record(self) -> Record:
        info = self.info
        return {
            "source": str(self.source),
            "target": str(self.target),
            "action": self.action,
            "version": info.version if info else None,
            "public": info.public if info else None,
        }


def planned(store: ObjectStore, plan: Plan, request: Request) -> list[tuple[str, Record]]:
    """The plan as `show_plan` takes it: one line for each object, in the order in which they are done."""
    steps = [step for folder in plan.folders for step in steps_of(store, folder)]
    lines: list[tuple[str, Record]] = []
    for step in [*steps, *plan.markers, *plan.files]:
        source, target = str(step.source), str(step.target)
        if step.there is not None and same(step.info, step.there, request):
            what, action = f"leave {target} as it is: the same as {source}", "skip"
        elif step.there is not None:
            what, action = f"{request.verb} {source} to {target}, as a new version of it", request.verb
        else:
            what, action = f"{request.verb} {source} to {target}", request.verb
        lines.append((what, {"source": source, "target": target, "action": action}))
    return lines


def carry_out(run: Invocation, store: ObjectStore, plan: Plan, request: Request) -> None:
    """Do it, and print the links of what was published; all of it as records with `--output json`.

    Raises the error of a single file, or Failure at the end when some of several failed.
    """
    work = _Work(store, request)
    steps = [*plan.markers, *plan.files]
    if len(steps) == 1 and not plan.folders:
        work.step(steps[0])
        work.leave_behind(plan.markers)
    else:
        with Batch(_DONE[request.verb], CONNECTIONS) as batch, counted(request.verb) as tell:
            work.count(tell, len(steps))
            for folder in plan.folders:
                with batch.tolerating(str(folder.source)):
                    left = work.folder(folder)
                    batch.run([one for one in left if one.info.is_directory], _name, work.step)
                    batch.run([one for one in left if not one.info.is_directory], _name, work.step)
            batch.run(plan.markers, _name, work.step)
            batch.run(plan.files, _name, work.step)
        work.leave_behind(plan.markers)
    work.report(run)


def _name(step: Step) -> str:
    return str(step.source)


class _Work:
    """The steps of one run, from several threads."""

    def __init__(self, store: ObjectStore, request: Request) -> None:
        self._store = store
        self._management = store.management()
        self._request = request
        self._lock = threading.Lock()
        self._outcomes: list[_Outcome] = []
        self._tell: Callable[[int, int], None] = lambda done, total: None
        self._total = 0

    def count(self, tell: Callable[[int, int], None], total: int) -> None:
        """Tell how many of so many steps are done, from now on."""
        self._tell, self._total = tell, total

    def folder(self, folder: Folder) -> Sequence[Step]:
        """Take a folder along as a whole; what is returned is left to be done name by name."""
        source, target = folder.source.path(self._store), folder.target.path(self._store)
        with addressed(self._store, folder.source):
            try:
                if self._request.move:
                    self._store.move_folder(source, target)
                else:
                    self._management.copy_folder(source, target)
            except PreconditionFailed as error:
                if self._request.move:
                    raise _in_the_way(folder.target) from error
                return steps_of(self._store, folder)  # perhaps our own, of a request whose answer was lost
        self._add(_Outcome(folder.source, folder.target, _DONE[self._request.verb]))
        return ()

    def step(self, step: Step) -> None:
        """Take one object along. Errors name the source that is gone, or else the target."""
        try:
            self._add(self._carry(step))
        except NotFound:
            with addressed(self._store, step.source):
                self._store.head(step.source.path(self._store), self._request.version)
            with addressed(self._store, step.target):
                raise
        except PithosfsError:
            with addressed(self._store, step.target):
                raise

    def leave_behind(self, markers: Sequence[Step]) -> None:
        """At the end of a move: what were folders, the innermost first."""
        if not self._request.move:
            return
        for step in sorted(markers, key=lambda one: one.source.name, reverse=True):
            with suppress(NotFound):  # gone already
                self._store.delete(step.source.path(self._store))

    def report(self, run: Invocation) -> None:
        same_already = sum(one.action == "same" for one in self._outcomes)
        if same_already:
            note(f"{same_already} {'was' if same_already == 1 else 'were'} the same already")
        outcomes = sorted(self._outcomes, key=lambda one: (one.target.container, one.target.name))
        if run.output != "table":
            columns = [Column("source", "FROM"), Column("target", "TO"), Column("action", "DONE")]
            show_list(run, [one.record() for one in outcomes], columns)
            return
        for one in outcomes:
            if one.info is None or one.info.public is None:
                continue
            if self._request.public:
                click.echo(printable(one.info.public))
            elif self._request.move and one.action != "same":
                note(f"{one.target} has a new public link: {one.info.public}")

    def _add(self, outcome: _Outcome) -> None:
        with self._lock:
            self._outcomes.append(outcome)
            self._tell(len(self._outcomes), self._total)

    def _carry(self, step: Step) -> _Outcome:
        store, request = self._store, self._request
        source = step.source.path(store)
        info, there = step.info, step.there
        if there is not None:
            # Listings tell neither ETag nor metadata, and time has passed.
            there = _present(store, step.target)
            info = store.head(source, request.version)
        if there is not None and same(info, there, request):
            return self._same_already(step, info, there)
        if there is not None and not request.force:
            raise taken([step.target])
        try:
            done = self._send(step, info, there)
        except PreconditionFailed as error:
            there = _present(store, step.target)
            if there is not None and same(store.head(source, request.version), there, request):
                return self._same_already(step, info, there)  # our own: only the answer was lost
            raise _in_the_way(step.target) from error
        return _Outcome(step.source, step.target, _DONE[request.verb], done)

    def _send(self, step: Step, info: ObjectInfo, there: ObjectInfo | None) -> ObjectInfo:
        store, request = self._store, self._request
        source, target = step.source.path(store), step.target.path(store)
        base = "" if there is None else there.etag or there.hash
        is_file = not info.is_directory
        content_type = request.content_type if is_file else None
        public = True if request.public and is_file else None
        if not request.move:
            return self._management.copy(
                source, target, version=request.version, base=base, content_type=content_type, public=public
            )
        # Its sharing and link go along to a new name; a name that exists keeps its own. Only the owner sets rules.
        carried = there is None and target.account == store.account
        if request.version is not None:
            info = store.head(source)  # an old version tells neither
        sharing = info.own_sharing if carried else None
        if carried and info.public is not None:
            public = True
        if not is_file:  # a folder stays until everything in it has gone
            return self._management.copy(source, target, base=base, sharing=sharing, public=public)
        return self._management.move(
            source,
            target,
            version=request.version,
            base=base,
            content_type=content_type,
            sharing=sharing,
            public=public,
        )

    def _same_already(self, step: Step, info: ObjectInfo, there: ObjectInfo) -> _Outcome:
        if self._request.move and not info.is_directory:
            # An earlier run has copied it and was interrupted; DELETE takes no condition, so look right before it.
            path = step.source.path(self._store)
            if not same(self._store.head(path, self._request.version), there, self._request):
                raise Conflict(f"{step.source} was changed just now", 409, hint="repeat the command")
            self._store.delete(path)
        return _Outcome(step.source, step.target, "same", there)


def _present(store: ObjectStore, place: Location) -> ObjectInfo | None:
    try:
        return store.head(place.path(store))
    except NotFound:
        return None


def _in_the_way(target: Location) -> Conflict:
    return Conflict(
        f"{target} was made or changed by somebody else just now", 409, hint="look at it, then repeat the command"
    )
