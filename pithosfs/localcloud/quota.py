"""Quotas for the services of the local cloud: what a user takes from a project is charged here, and given back.

All functions run inside the caller's transaction: `Database.write(lambda connection: charge(connection, …))` together
with the rows that the amount stands for, so that both are kept or neither. What changes a holding belongs into
`Database.write`; the others also run in reads. Limits follow the state of the project and of the membership at once
(identity.md sections 6 and 9.2). Amounts are in the unit of the resource (`resources.RESOURCES`).
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from pithosfs.localcloud.faults import Fault
from pithosfs.localcloud.resources import RESOURCES, UNLIMITED

__all__ = [
    "NotInProject",
    "Quota",
    "QuotaExceeded",
    "charge",
    "check",
    "projects_of",
    "quota",
    "quotas_of",
    "reassign",
    "release",
]


@dataclass(frozen=True, slots=True)
class Quota:
    """How much of one resource a user may take from a project and has taken, and the same for the whole project.

    `usage` counts what is reserved but not yet accepted too; `pending` is that part of it.
    """

    limit: int
    usage: int
    pending: int
    project_limit: int
    project_usage: int
    project_pending: int

    @property
    def room(self) -> int:
        """What the user can still take: neither limit may be passed. 0 when there is no room."""
        return max(0, min(self.limit - self.usage, self.project_limit - self.project_usage))


class QuotaExceeded(Fault):
    """413 `overLimit`: a user wants more of a resource than the project has left for them (compute.md 1.1).

    `available` and `requested` are in the unit of the resource. A service that reports it otherwise catches it.
    """

    def __init__(self, resource: str, project: str, available: int, requested: int) -> None:
        super().__init__(
            413,
            "overLimit",
            "resource limit exceeded for the account",
            f"limit for '{RESOURCES[resource].title}' exceeded: available {available}, requested {requested}",
        )
        self.resource = resource
        self.project = project
        self.available = available
        self.requested = requested


class NotInProject(Fault):
    """400 `badRequest`: there is no such project, or the user has no share in it (compute.md 3.4, network.md 3)."""

    def __init__(self, project: str) -> None:
        super().__init__(400, "badRequest", f"you have no share in the project {project!a}")
        self.project = project


_BOTH = (
    "FROM holdings u, holdings p WHERE u.project = ?1 AND u.resource = ?2 AND u.user = ?3"
    " AND p.project = ?1 AND p.resource = ?2 AND p.user = ''"
)
"""The user's part (u) and the project as a whole (p)."""


# changing -------------------------------------------------------------------------------------------------------------


def charge(connection: sqlite3.Connection, user: str, project: str, resource: str, amount: int) -> None:
    """Take `amount` (not negative) for a user from a project. 0 only asks whether the user has a share in it.

    Raises QuotaExceeded when the user's or the project's limit would be passed, NotInProject.
    """
    if amount < 0:
        raise ValueError("what is given back is released, not charged")
    if amount <= UNLIMITED and _add(connection, user, project, resource, amount):
        if _add(connection, "", project, resource, amount):
            return
        _add(connection, user, project, resource, -amount)  # so that a caller may go on after a refusal
    check(connection, user, project, resource, amount)


def release(connection: sqlite3.Connection, user: str, project: str, resource: str, amount: int) -> None:
    """Give back `amount` (not negative), whatever has become of the project and the membership; never fails.

    Giving back more than is held leaves nothing held.
    """
    if amount < 0:
        raise ValueError("what is taken is charged, not released")
    for holder in (user, ""):
        connection.execute(
            "UPDATE holdings SET usage_min = max(0, usage_min - ?1), usage_max = max(0, usage_max - ?1)"
            " WHERE project = ?2 AND resource = ?3 AND user = ?4",
            (min(amount, UNLIMITED), project, resource, holder),
        )


def reassign(connection: sqlite3.Connection, user: str, source: str, target: str, resource: str, amount: int) -> None:
    """Let another project of the user's pay for `amount`. Raises QuotaExceeded, NotInProject (of the target)."""
    if source == target:
        return
    charge(connection, user, target, resource, amount)
    release(connection, user, source, resource, amount)


# asking ---------------------------------------------------------------------------------------------------------------


def check(connection: sqlite3.Connection, user: str, project: str, resource: str, amount: int) -> None:
    """Raise what `charge` would raise now, without charging: to refuse early what would be refused in the end."""
    row = connection.execute(
        f"SELECT min(u.capacity - u.usage_max, p.capacity - p.usage_max) {_BOTH}",
        (project, resource, user),
    ).fetchone()
    if row is None:
        raise _no_share(project, resource)
    if amount > max(0, row[0]):
        raise QuotaExceeded(resource, project, max(0, row[0]), amount)


def quota(connection: sqlite3.Connection, user: str, project: str, resource: str) -> Quota:
    """One user's quota of one resource in one project. Raises NotInProject."""
    row = connection.execute(
        "SELECT u.capacity, u.usage_max, u.usage_max - u.usage_min, p.capacity, p.usage_max, p.usage_max - p.usage_min"
        f" {_BOTH}",
        (project, resource, user),
    ).fetchone()
    if row is None:
        raise _no_share(project, resource)
    return Quota(*row)


def projects_of(connection: sqlite3.Connection, user: str) -> list[str]:
    """Ids of the active projects that the user belongs to, the personal one included.

    What others have shared with one of these projects is the user's to see (network.md 1.3).
    """
    rows = connection.execute(
        "SELECT p.uuid FROM memberships m JOIN projects p ON p.uuid = m.project"
        " WHERE m.user = ? AND m.state IN ('accepted', 'leave_requested') AND p.state = 'active'"
        " ORDER BY p.personal DESC, p.created, p.uuid",
        (user,),
    )
    return [uuid for (uuid,) in rows]


def quotas_of(connection: sqlite3.Connection, user: str) -> dict[str, dict[str, Quota]]:
    """Project id → resource → quota, for the projects that are shown to a user (identity.md section 6)."""
    rows = connection.execute(
        "SELECT p.uuid FROM memberships m JOIN projects p ON p.uuid = m.project"
        " WHERE m.user = ? AND m.state IN ('accepted', 'leave_requested')"
        " AND p.state IN ('active', 'suspended', 'terminated') ORDER BY p.personal DESC, p.created, p.uuid",
        (user,),
    ).fetchall()
    return {project: {name: quota(connection, user, project, name) for name in RESOURCES} for (project,) in rows}


# details --------------------------------------------------------------------------------------------------------------


def _add(connection: sqlite3.Connection, holder: str, project: str, resource: str, amount: int) -> bool:
    """Add to what a user, or with "" the project, uses; whether that was within the limit, else nothing is added."""
    # The limit is lowered instead of the usage raised in the comparison: SQLite's numbers end at UNLIMITED.
    changed = connection.execute(
        "UPDATE holdings SET usage_min = usage_min + ?1, usage_max = usage_max + ?1"
        " WHERE project = ?2 AND resource = ?3 AND user = ?4 AND (?1 < 0 OR usage_max <= capacity - ?1)",
        (amount, project, resource, holder),
    )
    return changed.rowcount == 1


def _no_share(project: str, resource: str) -> Exception:
    return NotInProject(project) if resource in RESOURCES else KeyError(resource)
