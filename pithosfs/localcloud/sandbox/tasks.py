"""What is under way: one row for each thing that something is being done to, and when that ends.

Nothing runs meanwhile. `finish_due` ends what is over, in the order in which it ended, each task at its own moment:
what was due five minutes ago has happened five minutes ago, also when the server was down then.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pithosfs.localcloud.database import Migration
from pithosfs.localcloud.sandbox.turn import Turn

__all__ = ["MIGRATIONS", "SERVICE", "Finisher", "Task", "any_due", "cancel", "finish_due", "pending", "schedule"]

SERVICE = "sandbox"

_FIRST = """
CREATE TABLE sandbox_tasks (
    kind TEXT NOT NULL,                 -- 'server', 'network' or 'snapshot': who finishes it
    subject NOT NULL,                   -- the id of what it is done to, as its own table has it
    name TEXT NOT NULL,                 -- what is done, in the words of the kind
    started INTEGER NOT NULL,           -- microseconds since the epoch, as all times here
    due INTEGER NOT NULL,
    argument TEXT NOT NULL,             -- JSON object: what finishing needs to know
    PRIMARY KEY (kind, subject)         -- one thing at a time
) WITHOUT ROWID;
CREATE INDEX sandbox_tasks_by_due ON sandbox_tasks (due);
"""

MIGRATIONS: Sequence[Migration] = (_FIRST,)


@dataclass(frozen=True, slots=True)
class Task:
    """Something that is being done to one thing. Times in microseconds since the epoch."""

    kind: str
    subject: Any
    name: str
    started: int
    due: int
    argument: Mapping[str, Any]

    def progress(self, now: int) -> int:
        """Per cent of the time that is over: 0 to 99, for it ends only when somebody finishes it."""
        if self.due <= self.started:
            return 0
        return max(0, min(99, (now - self.started) * 100 // (self.due - self.started)))


Finisher = Callable[[Turn, Task], None]
"""Does what follows from the end of a task. The turn's time is the moment when it was due."""


def schedule(turn: Turn, kind: str, subject: int | str, name: str, argument: Mapping[str, Any] | None = None) -> Task:
    """Begin a task, in the place of one that may be under way."""
    task = Task(kind, subject, name, turn.now, turn.now + turn.delay, argument or {})
    turn.run(
        "INSERT OR REPLACE INTO sandbox_tasks (kind, subject, name, started, due, argument) VALUES (?, ?, ?, ?, ?, ?)",
        kind,
        subject,
        name,
        task.started,
        task.due,
        json.dumps(task.argument),
    )
    return task


def pending(turn: Turn, kind: str, subject: int | str) -> Task | None:
    """What is under way for one thing."""
    row = turn.row("SELECT * FROM sandbox_tasks WHERE kind = ? AND subject = ?", kind, subject)
    return None if row is None else _task(row)


def cancel(turn: Turn, kind: str, subject: int | str) -> None:
    """Forget what is under way for a thing that has gone."""
    turn.run("DELETE FROM sandbox_tasks WHERE kind = ? AND subject = ?", kind, subject)


def any_due(turn: Turn) -> bool:
    """Whether anything is over that nobody has finished."""
    return turn.row("SELECT 1 FROM sandbox_tasks WHERE due <= ? LIMIT 1", turn.now) is not None


def finish_due(turn: Turn, finishers: Mapping[str, Finisher]) -> None:
    """End all tasks whose time is over, the earliest first."""
    while True:
        row = turn.row("SELECT * FROM sandbox_tasks WHERE due <= ? ORDER BY due, kind, subject LIMIT 1", turn.now)
        if row is None:
            return
        task = _task(row)
        cancel(turn, task.kind, task.subject)
        finishers[task.kind](replace(turn, now=task.due), task)


def _task(row: sqlite3.Row) -> Task:
    return Task(row["kind"], row["subject"], row["name"], row["started"], row["due"], json.loads(row["argument"]))
