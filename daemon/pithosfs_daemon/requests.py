"""What can be asked about pairs: of the daemon over its socket when it runs, else of this process. `handlers` has one
function for each request. Arguments and answers are JSON; paths are absolute.

| request | arguments | progress | answer |
| --- | --- | --- | --- |
| status | pair? | | pairs: [PairStatus], running |
| path | path | | pair, situation, path: PathStatus |
| pause, resume | pair? | | pairs: [id] |
| now | pair?, max_delete? | status: PairStatus | pairs: [{status, in_step, error?}] |
| conflicts | pair? | | conflicts: [{pair, folder, name, copy, path, copy_path, at}] |
| resolve | path, keep | | pair, name, copy, keep |
| trash_list | pair? | | entries: [{pair, folder, id, name, deleted, size, kind}] |
| trash_restore | entry (an id), pair? and name?, to_pair? and to? (a name) | | pair, folder, name |
| trash_empty | pair?, older_than? (seconds) | | files |
| verify | pair? | hashed: [done, all], difference: {…} | pairs: [{pair, differences, troubles}] |
| fit | | | {}: what is on disk was changed |
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pithosfs.control import Handler, Progress, pack_error
from pithosfs.errors import NotFound, UsageError
from pithosfs_daemon.conflicts import Keep, find_conflict, open_conflicts, resolve
from pithosfs_daemon.crew import unreadable
from pithosfs_daemon.eventlog import EventLog
from pithosfs_daemon.folder import Trash
from pithosfs_daemon.house import House
from pithosfs_daemon.pathstatus import path_status
from pithosfs_daemon.registry import Registry, containing
from pithosfs_daemon.values import Pair
from pithosfs_daemon.verify import verify

__all__ = ["handlers"]

Request = Mapping[str, Any]
Answer = Mapping[str, Any]

PROGRESS_SECONDS = 0.25


def handlers(house: House, registry: Registry) -> dict[str, Handler]:
    """The requests by name."""
    desk = _Desk(house, registry)
    return {
        "status": desk.status,
        "path": desk.path,
        "pause": desk.pause,
        "resume": desk.resume,
        "now": desk.now,
        "conflicts": desk.conflicts,
        "resolve": desk.resolve,
        "trash_list": desk.trash_list,
        "trash_restore": desk.trash_restore,
        "trash_empty": desk.trash_empty,
        "verify": desk.verify,
        "fit": desk.fit,
    }


class _Desk:
    def __init__(self, house: House, registry: Registry) -> None:
        self._house = house
        self._registry = registry

    def _pairs(self, request: Request) -> list[Pair]:
        """The pair that is named by its whole id, or all of them."""
        id = request.get("pair")
        if id is None:
            return self._registry.pairs()
        found = self._registry.get(str(id))
        if found is None:
            raise NotFound(f"there is no synced folder {id}", hint="see which there are: pithosfs sync list")
        return [found]

    def _pair_of(self, path: str) -> Pair:
        found = containing(self._registry.pairs(), path)
        if found is None:
            raise NotFound(f"{path} is not in a synced folder", hint="see which there are: pithosfs sync list")
        return found

    # looking --------------------------------------------------------------------------------------------------------

    def status(self, request: Request, _progress: Progress) -> Answer:
        broken = self._house.broken()
        if request.get("pair") is None:
            pairs = self._registry.read()[0]
            found = self._house.statuses(pairs) + [unreadable(id, error) for id, error in broken.items()]
        else:
            found = self._house.statuses(self._pairs(request))
        return {"pairs": [one.to_json() for one in found]}

    def path(self, request: Request, _progress: Progress) -> Answer:
        path = str(request.get("path"))
        pair = self._pair_of(path)
        [status] = self._house.statuses([pair])
        with self._house.room(pair) as room, contextlib.closing(room.place.room.open()) as folder:
            name = folder.name_of(path)
            if name is None:
                raise UsageError(f"{path} is for the sync daemon itself", hint="it is never synced")
            found = path_status(name, folder, room.place.state, room.place.activity, pair.id)
        return {"pair": status.to_json(), "path": found.to_json()}

    # changing what runs ---------------------------------------------------------------------------------------------

    def pause(self, request: Request, _progress: Progress) -> Answer:
        return self._set_paused(request, True)

    def resume(self, request: Request, _progress: Progress) -> Answer:
        return self._set_paused(request, False)

    def _set_paused(self, request: Request, paused: bool) -> Answer:
        changed = []
        for pair in self._pairs(request):
            if pair.paused != paused:
                self._registry.update(pair.id, lambda old: replace(old, paused=paused))
                with EventLog(self._registry.directory(pair.id)) as events:
                    events.did("paused" if paused else "resumed")
                changed.append(pair.id)
        self._house.fit()
        return {"pairs": changed}

    def fit(self, _request: Request, _progress: Progress) -> Answer:
        self._house.fit()
        return {}

    def now(self, request: Request, progress: Progress) -> Answer:
        given = request.get("max_delete")
        done = []
        for pair in self._pairs(request):
            report = self._house.now(
                pair,
                None if given is None else float(given),
                lambda status: progress({"status": status.to_json()}),
            )
            done.append(
                {
                    "status": report.status.to_json(),
                    "in_step": report.in_step,
                    "error": None if report.error is None else pack_error(report.error),
                }
            )
        return {"pairs": done}

    # conflicts ------------------------------------------------------------------------------------------------------

    def conflicts(self, request: Request, _progress: Progress) -> Answer:
        found: list[dict[str, Any]] = []
        for pair in self._pairs(request):
            with self._house.room(pair) as room, contextlib.closing(room.place.room.open()) as folder:
                found += [
                    {
                        "pair": pair.id,
                        "folder": str(pair.folder),
                        "name": one.name,
                        "copy": one.copy,
                        "path": str(folder.path(one.name)),
                        "copy_path": str(folder.path(one.copy)),
                        "at": one.at,
                    }
                    for one in open_conflicts(folder, room.place.state)
                ]
        return {"conflicts": found}

    def resolve(self, request: Request, _progress: Progress) -> Answer:
        path, keep = str(request.get("path")), Keep(str(request.get("keep")))
        pair = self._pair_of(path)
        with self._house.room(pair) as room, contextlib.closing(room.place.room.open()) as folder:
            state = room.place.state
            name = folder.name_of(path)
            conflict = find_conflict(folder, state, name or "")
            rivals = [one for one in open_conflicts(folder, state) if one.name == conflict.name]
            if len(rivals) > 1 and name == conflict.name:
                copies = ", ".join(str(folder.path(one.copy)) for one in rivals)
                raise UsageError(f"there are several copies of {folder.path(name)}", hint=f"name the one: {copies}")
            resolve(folder, state, conflict, keep)
            state.commit()
        with EventLog(self._registry.directory(pair.id)) as events:
            events.did("resolved", conflict.name, f"kept {keep}; the copy was {conflict.copy}")
        return {"pair": pair.id, "name": conflict.name, "copy": conflict.copy, "keep": keep.value}

    # the trash ------------------------------------------------------------------------------------------------------

    def trash_list(self, request: Request, _progress: Progress) -> Answer:
        entries = [
            {
                "pair": pair.id,
                "folder": str(pair.folder),
                "id": one.id,
                "name": one.name,
                "deleted": one.deleted_ns / 1e9,
                "size": one.size,
                "kind": one.kind.value,
            }
            for pair in self._pairs(request)
            for one in Trash(pair.folder).list()
        ]
        return {"entries": entries}

    def trash_restore(self, request: Request, _progress: Progress) -> Answer:
        pair, entry = self._find_in_trash(request)
        to_pair, to = request.get("to_pair"), request.get("to")
        if to_pair not in (None, pair.id):
            raise UsageError(
                "it can only be restored to the synced folder that it was in", hint=f"that is {pair.folder}"
            )
        name = Trash(pair.folder).restore(entry, None if to is None else str(to))
        with EventLog(self._registry.directory(pair.id)) as events:
            events.did("restored from the trash", name)
        return {"pair": pair.id, "folder": str(pair.folder), "name": name}

    def _find_in_trash(self, request: Request) -> tuple[Pair, str]:
        """By its id, or the latest of a pair that had a name."""
        wanted, name, owner = str(request.get("entry")), request.get("name"), request.get("pair")
        found = [(pair, one) for pair in self._registry.pairs() for one in Trash(pair.folder).list()]
        for pair, one in found:
            if one.id == wanted:
                return pair, one.id
        for pair, one in found:
            if pair.id == owner and one.name == name:
                return pair, one.id
        raise NotFound(f"there is no {wanted} in the trash", hint="see what there is: pithosfs sync trash list")

    def trash_empty(self, request: Request, _progress: Progress) -> Answer:
        age = request.get("older_than")
        files = 0
        for pair in self._pairs(request):
            count = Trash(pair.folder).empty(None if age is None else float(age))
            if count:
                with EventLog(self._registry.directory(pair.id)) as events:
                    events.did("emptied the trash", "", f"{count} files")
            files += count
        return {"files": files}

    # comparing ------------------------------------------------------------------------------------------------------

    def verify(self, request: Request, progress: Progress) -> Answer:
        done = []
        for pair in self._pairs(request):
            troubles: list[Any] = []
            count = 0
            told = 0.0

            def hashed(so_far: int, total: int) -> None:
                nonlocal told
                if so_far == total or time.monotonic() - told >= PROGRESS_SECONDS:
                    told = time.monotonic()
                    progress({"hashed": [so_far, total]})

            with (
                self._house.room(pair, connected=True) as room,
                contextlib.closing(room.place.room.open()) as folder,
            ):
                found = verify(folder, room.place.remote, cancel=room.cancel, progress=hashed, troubles=troubles)
                for one in found:
                    count += 1
                    difference = {
                        "pair": pair.id,
                        "folder": str(pair.folder),
                        "name": one.name,
                        "difference": one.verdict.value,
                        "local_size": one.local_size,
                        "remote_size": one.remote_size,
                    }
                    progress({"difference": difference})
            left = [{"name": one.name, "reason": one.reason.value, "detail": one.detail} for one in troubles]
            done.append({"pair": pair.id, "folder": str(pair.folder), "differences": count, "troubles": left})
        return {"pairs": done}
