"""The sandbox as its services see it: database, users, time, and the only ways to read and to change.

Everything that a request checks and changes is one transaction, at one moment; tasks whose time is over are finished
first. So what a request sees is what has become of everything by that moment.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from pithosfs.localcloud.identity import Identity
from pithosfs.localcloud.objects.backend import Backend
from pithosfs.localcloud.sandbox.tasks import Finisher, any_due, finish_due
from pithosfs.localcloud.sandbox.timing import Timing
from pithosfs.localcloud.sandbox.turn import Turn

__all__ = ["Sandbox"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Sandbox:
    """What the services stand on: the object store, whose objects images are, and time.

    `finishers` says how the tasks of each kind end.
    """

    backend: Backend
    timing: Timing
    finishers: Mapping[str, Finisher]

    @property
    def identity(self) -> Identity:
        return self.backend.identity

    def turn(self, connection: sqlite3.Connection) -> Turn:
        return Turn(connection, self.timing.clock(), round(self.timing.delay * 1_000_000), self.backend)

    async def write(self, fn: Callable[[Turn], T]) -> T:
        """Change something: one transaction, in the database's writer thread."""

        def run(connection: sqlite3.Connection) -> T:
            turn = self.turn(connection)
            finish_due(turn, self.finishers)
            return fn(turn)

        return await self.backend.database.write(run)

    def read_now(self, fn: Callable[[Turn], T]) -> T:
        """A short read at once. Event loop only; `catch_up` comes before it."""
        return self.backend.database.read_now(lambda connection: fn(self.turn(connection)))

    async def read_long(self, fn: Callable[[Turn], T]) -> T:
        """A read of many rows in a thread; `catch_up` comes before it."""
        return await self.backend.database.read_long(lambda connection: fn(self.turn(connection)))

    async def catch_up(self) -> None:
        """Finish the tasks whose time is over. Costs a look into an index when there are none."""
        if self.read_now(any_due):
            await self.write(lambda turn: None)
