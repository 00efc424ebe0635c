"""What containers and accounts were at an earlier time, for `until` (object-store.md 11, 21). Times in microseconds."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

from pithosfs.localcloud.objects.model import Account, Container

__all__ = ["Totals", "account_change_before", "container_totals_before", "metadata_before"]


@dataclass(frozen=True, slots=True)
class Totals:
    """A container just before some time: its objects, their bytes, and its last change by then."""

    objects: int
    bytes: int
    changed: int


def container_totals_before(connection: sqlite3.Connection, container: Container, until: int) -> Totals:
    """Looks at every name of the container: for rare requests only."""
    objects, size = connection.execute(
        "SELECT count(*), coalesce(sum(v.size), 0) FROM objects o JOIN versions v ON v.id ="
        " (SELECT w.id FROM versions w WHERE w.object = o.id AND w.time < ? ORDER BY w.id DESC LIMIT 1)"
        " WHERE o.container = ? AND v.deleted = 0",
        (until, container.id),
    ).fetchone()
    return Totals(objects, size, _container_change_before(connection, container.id, container.created, until))


def _container_change_before(connection: sqlite3.Connection, ident: int, created: int, until: int) -> int:
    newest = connection.execute(
        "SELECT max(v.time) FROM objects o JOIN versions v ON v.object = o.id WHERE o.container = ? AND v.time < ?",
        (ident, until),
    ).fetchone()[0]
    return max(created, newest or 0, _metadata_change_before(connection, "container", ident, until))


def account_change_before(connection: sqlite3.Connection, account: Account, until: int) -> int:
    """The last change anywhere in an account before a time; its first use when there is none."""
    changes = [account.created, _metadata_change_before(connection, "account", account.id, until)]
    for ident, created in connection.execute(
        "SELECT id, created FROM containers WHERE account = ? AND created < ?", (account.id, until)
    ).fetchall():
        changes.append(_container_change_before(connection, ident, created, until))
    return max(changes)


def metadata_before(connection: sqlite3.Connection, kind: str, owner: int, until: int) -> Mapping[str, str]:
    """The metadata of an `account` or `container` (by row id) just before a time."""
    row = connection.execute(
        "SELECT metadata FROM past_metadata WHERE kind = ? AND owner = ? AND time < ? ORDER BY time DESC LIMIT 1",
        (kind, owner, until),
    ).fetchone()
    found: dict[str, str] = json.loads(row[0]) if row is not None else {}
    return found


def _metadata_change_before(connection: sqlite3.Connection, kind: str, owner: int, until: int) -> int:
    row = connection.execute(
        "SELECT max(time) FROM past_metadata WHERE kind = ? AND owner = ? AND time < ?", (kind, owner, until)
    ).fetchone()
    return row[0] or 0
