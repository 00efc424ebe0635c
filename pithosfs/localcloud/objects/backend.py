"""What all handlers of the object store stand on: database, blocks, clock, users; and the one way to write."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from pithosfs.localcloud.blockstore import BlockStore
from pithosfs.localcloud.database import Database
from pithosfs.localcloud.identity import Identity
from pithosfs.localcloud.objects.changes import Change
from pithosfs.localcloud.objects.clock import Clock
from pithosfs.localcloud.objects.exchange import Request

__all__ = ["Backend"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Backend:
    """The parts that requests share."""

    database: Database
    blocks: BlockStore
    identity: Identity
    clock: Clock

    async def write(self, caller: str, fn: Callable[[Change], T]) -> T:
        """Run one request's change: everything it checks and does is one transaction, with the books settled."""

        def run(connection: sqlite3.Connection) -> T:
            with self.changing(connection, caller) as change:
                return fn(change)

        return await self.database.write(run)

    @contextmanager
    def changing(self, connection: sqlite3.Connection, caller: str) -> Iterator[Change]:
        """A change inside a write transaction that does other things too; the books are settled at the end."""
        change = Change(connection, self.clock, caller)
        yield change
        change.settle()

    def public_url(self, request: Request) -> str:
        """What public URLs start with; the token follows."""
        return self.identity.base_url(request.scope) + "/public/"
