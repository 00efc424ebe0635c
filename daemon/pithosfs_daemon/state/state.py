"""A pair's state: every question to its database and every change of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pithosfs_daemon.state.agreement import Agreement
from pithosfs_daemon.state.database import PAGE
from pithosfs_daemon.state.local import LocalSide
from pithosfs_daemon.state.nodes import Node, to_node
from pithosfs_daemon.state.remote import RemoteSide
from pithosfs_daemon.values import Trouble

__all__ = ["Conflict", "Counts", "State"]

_TROUBLED = "l_trouble NOT NULL OR r_trouble NOT NULL OR trouble NOT NULL"


@dataclass(frozen=True, slots=True)
class Conflict:
    """A name that was changed on both sides, and the conflict copy: with our content, or with `theirs`. `at`: seconds
    since the epoch."""

    name: str
    copy: str
    at: float
    theirs: bool = False


@dataclass(frozen=True, slots=True)
class Counts:
    """Files and folders that are agreed on, and their bytes; names that wait for a decision; names in trouble."""

    files: int
    folders: int
    size: int
    dirty: int
    troubles: int


class State(LocalSide, RemoteSide, Agreement):
    """The rows of names as a whole, and what is remembered beside them; the sides and what they have in common are in
    the classes that this one is made of."""

    # names ----------------------------------------------------------------------------------------------------------

    def node(self, name: str) -> Node | None:
        """What is known of a name."""
        found = self.rows("SELECT * FROM node WHERE name = ?", (name,))
        return to_node(found[0]) if found else None

    def pages(self, condition: str, *, backwards: bool = False) -> Iterator[list[Node]]:
        """The rows for which a condition holds, in the order of names, a page at a time. They may be changed between
        two pages; each is given out once, unless it is given a new name behind."""
        comparison, order = ("<", "DESC") if backwards else (">", "ASC")
        last: str | None = None
        while True:
            limits = "" if last is None else f" AND name {comparison} :last"
            sql = f"SELECT * FROM node WHERE {condition}{limits} ORDER BY name {order} LIMIT {PAGE}"  # noqa: S608
            page = [to_node(row) for row in self.rows(sql, {"last": last})]
            if page:
                yield page
                last = page[-1].name
            if len(page) < PAGE:
                return

    def has_below(self, folder: str, condition: str) -> bool:
        """Whether a condition holds for a name below a folder."""
        below = "name > :low AND name < :high"
        sql = f"SELECT 1 FROM node WHERE {below} AND ({condition}) LIMIT 1"  # noqa: S608
        return bool(self.rows(sql, {"low": f"{folder}/", "high": f"{folder}0"}))

    # conflicts, facts, counts -------------------------------------------------------------------------------------

    def conflicts(self) -> list[Conflict]:
        """Those that nobody has resolved yet, the oldest first."""
        found = self.rows("SELECT name, copy, at, theirs FROM conflict ORDER BY at, copy")
        return [Conflict(row["name"], row["copy"], row["at"], bool(row["theirs"])) for row in found]

    def add_conflict(self, name: str, copy: str, *, theirs: bool = False) -> None:
        """Ours, or theirs, is now called `copy`."""
        with self.changing() as db:
            db.execute(
                "INSERT OR REPLACE INTO conflict (copy, name, theirs, at) VALUES (?, ?, ?, ?)",
                (copy, name, theirs, self._clock()),
            )

    def drop_conflict(self, copy: str) -> None:
        """It is resolved, or its copy is gone."""
        with self.changing() as db:
            db.execute("DELETE FROM conflict WHERE copy = ?", (copy,))

    def fact(self, key: str) -> Any:
        """A remembered value; None when there is none."""
        found = self.rows("SELECT value FROM fact WHERE key = ?", (key,))
        return json.loads(found[0][0]) if found else None

    def set_fact(self, key: str, value: Any) -> None:
        """Remember a value that JSON can carry."""
        with self.changing() as db:
            db.execute("INSERT OR REPLACE INTO fact VALUES (?, ?)", (key, json.dumps(value)))

    def counts(self) -> Counts:
        """For status."""
        files, folders, size = self.rows(
            "SELECT coalesce(sum(b_kind = 1), 0), coalesce(sum(b_kind = 2), 0),"
            " coalesce(sum(CASE b_kind WHEN 1 THEN b_size END), 0) FROM node"
        )[0]
        dirty = self.rows("SELECT count(*) FROM node WHERE dirty")[0][0]
        troubles = self.rows(f"SELECT count(*) FROM node WHERE {_TROUBLED}")[0][0]  # noqa: S608
        return Counts(files, folders, size, dirty, troubles)

    def troubles(self, most: int | None = None) -> list[Trouble]:
        """What is not in step for a reason that a person may want to know of, in the order of names; the first so
        many of them."""
        found: list[Trouble] = []
        for page in self.pages(f"({_TROUBLED})"):
            found += [trouble for node in page for trouble in node.troubles]
            if most is not None and len(found) >= most:
                return found[:most]
        return found

    # deletions ------------------------------------------------------------------------------------------------------

    def files_agreed(self) -> int:
        """How many files both sides have in common."""
        return int(self.rows("SELECT count(*) FROM node WHERE b_kind = 1")[0][0])

    def vanished(self, side: str) -> int:
        """How many files of a side ("local", "remote") have vanished while the other still has what was agreed on."""
        missing, same = ("l_kind = 0", "r_kind = 1 AND r_hash = b_hash AND r_size = b_size")
        if side == "remote":
            missing, same = ("r_kind = 0", "l_kind = 1 AND l_size = b_size AND l_mtime = b_mtime")
        # By that index: every pass asks this, and mostly nothing is dirty among very many rows.
        sql = f"SELECT count(*) FROM node INDEXED BY node_dirty WHERE dirty AND b_kind = 1 AND {missing} AND {same}"  # noqa: S608
        return int(self.rows(sql)[0][0])

    def recently_vanished(self, side: str, seconds: float) -> int:
        """How many were deleted because of that in the last so many seconds."""
        with self.changing() as db:
            db.execute("DELETE FROM vanished WHERE at < ?", (self._clock() - seconds,))
        found = self.rows("SELECT count(*) FROM vanished WHERE side = ?", (side,))
        return int(found[0][0])

    def note_vanished(self, side: str) -> None:
        """A file was deleted because it had vanished from that side."""
        with self.changing() as db:
            db.execute("INSERT INTO vanished VALUES (?, ?)", (self._clock(), side))
