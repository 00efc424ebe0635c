"""All pending changes in memory: by name, by folder, by number, and in the order in which they are to be sent."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Collection
from dataclasses import replace

from pithosfs.mount.pending import Pending, State
from pithosfs.store import ObjectPath

__all__ = ["PendingTable", "is_at_or_below"]

CLOCK_SLACK = 300.0  # seconds; a row that is to wait longer was made before the clock was set back


def is_at_or_below(path: ObjectPath, folder: ObjectPath) -> bool:
    """Whether a name is a folder itself (or in its container) or lies below it."""
    if path.account != folder.account or path.container != folder.container:
        return False
    return not folder.name or path.name == folder.name or path.name.startswith(folder.name + "/")


class PendingTable:
    """Not thread-safe: `Journal.changed` guards it. Only `get` may be called without."""

    def __init__(self) -> None:
        self._rows: dict[ObjectPath, Pending] = {}
        self._paths: dict[int, ObjectPath] = {}
        self._children: dict[tuple[str, str, str], dict[str, Pending]] = {}
        self._claimed: set[int] = set()
        self._queue: list[tuple[float, int, int, int]] = []  # ready_at, order of coming, id, generation
        self._order = itertools.count()
        self.growth = 0  # bytes: see `Pending.growth`

    def __len__(self) -> int:
        return len(self._rows)

    def get(self, path: ObjectPath) -> Pending | None:
        return self._rows.get(path)

    def by_id(self, number: int) -> Pending | None:
        path = self._paths.get(number)
        return None if path is None else self._rows[path]

    def all(self) -> list[Pending]:
        """The oldest first."""
        return sorted(self._rows.values(), key=lambda row: row.id)

    def children(self, folder: ObjectPath) -> dict[str, Pending]:
        return dict(self._children.get((folder.account, folder.container, folder.name), ()))

    def at_or_below(self, folder: ObjectPath) -> list[Pending]:
        """The oldest first."""
        found = [row for path, row in self._rows.items() if is_at_or_below(path, folder)]
        return sorted(found, key=lambda row: row.id)

    # changing -------------------------------------------------------------------------------------------------------

    def place(self, row: Pending) -> None:
        """Insert a row, or replace the one of its path; it is queued for sending."""
        before = self._rows.get(row.path)
        if before is not None and before.id != row.id:
            self.take_out(before)
        self.replace(row)
        self.queue(row)

    def replace(self, row: Pending) -> None:
        """The same row with other properties; not queued anew."""
        before = self._rows.get(row.path)
        self.growth += row.growth - (before.growth if before is not None else 0)
        self._rows[row.path] = row
        self._paths[row.id] = row.path
        key, last = _folder(row.path)
        self._children.setdefault(key, {})[last] = row

    def take_out(self, row: Pending) -> None:
        """The row is gone, or about to be placed under another name."""
        present = self._rows.get(row.path)
        if present is None or present.id != row.id:
            return
        del self._rows[row.path]
        del self._paths[row.id]
        self.growth -= present.growth
        key, last = _folder(row.path)
        siblings = self._children[key]
        del siblings[last]
        if not siblings:
            del self._children[key]

    # the order of sending -------------------------------------------------------------------------------------------

    def queue(self, row: Pending) -> None:
        """The row may be sent at its `ready_at`."""
        if row.id not in self._claimed and row.ready_at != float("inf"):
            heapq.heappush(self._queue, (row.ready_at, next(self._order), row.id, row.generation))

    def claim(self, now: float, allowed: Callable[[ObjectPath], bool]) -> tuple[Pending | None, float | None]:
        """The row that is ready longest, now claimed; or when the next one will be ready."""
        passed = []
        found: Pending | None = None
        following: float | None = None
        while self._queue and found is None and following is None:
            entry = heapq.heappop(self._queue)
            ready_at, _, number, generation = entry
            row = self.by_id(number)
            if row is None or (row.generation, row.ready_at) != (generation, ready_at) or number in self._claimed:
                continue  # a later entry stands for it, or one will be made
            if row.state is State.OPEN:
                continue
            if now < ready_at < now + CLOCK_SLACK:
                following = ready_at
            elif allowed(row.path):
                found = row
                break
            passed.append(entry)
        for entry in passed:
            heapq.heappush(self._queue, entry)
        if found is not None:
            self._claimed.add(found.id)
            self.replace(replace(found, state=State.UPLOADING))
        return found, following

    def unclaim(self, number: int) -> None:
        """The row is not being sent any more; if it still exists it is queued again."""
        self._claimed.discard(number)
        row = self.by_id(number)
        if row is not None:
            self.queue(row)

    def expedite(self, rows: Collection[Pending]) -> None:
        """Make rows ready now, whatever they wait for."""
        for row in rows:
            if row.id in self._claimed:
                continue
            state = row.state if row.state is State.CONFLICT else State.PENDING
            made = replace(row, ready_at=0.0, state=state, attempts=0)
            self.replace(made)
            self.queue(made)


def _folder(path: ObjectPath) -> tuple[tuple[str, str, str], str]:
    folder, _, last = path.name.rpartition("/")
    return (path.account, path.container, folder), last
