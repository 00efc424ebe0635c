"""One request's view of the sandbox: a transaction at one moment."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from pithosfs.localcloud.objects.backend import Backend

__all__ = ["Turn"]


@dataclass(frozen=True, slots=True)
class Turn:
    """A connection inside a transaction, the time, and how long a task takes (both in microseconds)."""

    connection: sqlite3.Connection
    now: int
    delay: int
    backend: Backend

    def rows(self, statement: str, *values: object) -> list[sqlite3.Row]:
        return self.connection.execute(statement, values).fetchall()

    def row(self, statement: str, *values: object) -> sqlite3.Row | None:
        found: sqlite3.Row | None = self.connection.execute(statement, values).fetchone()
        return found

    def run(self, statement: str, *values: object) -> int:
        """Change something; returns how many rows were."""
        return self.connection.execute(statement, values).rowcount

    def insert(self, statement: str, *values: object) -> int:
        """Add a row; returns its number."""
        ident = self.connection.execute(statement, values).lastrowid
        assert ident is not None
        return ident
