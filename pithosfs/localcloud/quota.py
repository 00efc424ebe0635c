"""Quotas for the services of the local cloud: what a user takes from a project is charged here, and given back.

All functions run inside the caller's transaction: `Database.write(lambda connection: charge(connection, …))` together
with the rows that the amount stands for, so that both are kept or neither. What changes a holding belongs into
`Database.write`; the others also run in reads. Limits are those of the moment: they follow the state of the project and
of the membership (identity.md sections 6 and 9.2). Amounts are in the unit of the resource (`resources.RESOURCES`).
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from pithosfs.localcloud.faults import Fault
from pithosfs.localcloud.resources import RESOURCES, UNLIMITED

__all__ = [
    "LIVE_MEMBER",
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

LIVE_MEMBER = ("accepted", "leave_requested")
"""The states of a membership that give its holder the member's capacity."""


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


# changing -------------------------------------------------------------------------------------------------------------


def charge(connection: sqlite3.Connection, user: str, project: str, resource: str, amount: int) -> None:
    """Take `amount` (not negative) for a user from a project. 0 only asks whether the user has a share in it.

    Raises QuotaExceeded when the user's or the project's limit would be passed, NotInProject.
    """
    if amount < 0:
        raise ValueError("what is given back is released, not charged")
    check(connection, user, project, resource, amount)
    if amount:
        connection.execute(
            "INSERT INTO holdings (project, resource, user, usage_min, usage_max)"
            " VALUES (?1, ?2, ?3, ?4, ?4), (?1, ?2, '', ?4, ?4) ON CONFLICT (project, resource, user)"
            " DO UPDATE SET usage_min = usage_min + excluded.usage_min, usage_max = usage_max + excluded.usage_max",
            (project, resource, user, amount),
        )


def release(connection: sqlite3.Connection, user: str, project: str, resource: str, amount: int) -> None:
    """Give back `amount` (not negative), whatever has become of the project and the membership; never fails.

    Giving back more than is held leaves nothing held.
    """
    if amount < 0:
        raise ValueError("what is taken is charged, not released")
    connection.execute(
        "UPDATE holdings SET usage_min = max(0, usage_min - ?1), usage_max = max(0, usage_max - ?1)"
        " WHERE project = ?2 AND resource = ?3 AND user IN ('', ?4)",
        (min(amount, UNLIMITED), project, resource, user),
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
    room = quota(connection, user, project, resource).room
    if amount > room:
        raise QuotaExceeded(resource, project, room, amount)


def quota(connection: sqlite3.Connection, user: str, project: str, resource: str) -> Quota:
    """One user's quota of one resource in one project. Raises NotInProject."""
    row = connection.execute(
        "SELECT p.state, p.personal, m.state, l.project_capacity, l.member_capacity,"
        " coalesce(u.usage_max, 0), coalesce(u.usage_min, 0), coalesce(h.usage_max, 0), coalesce(h.usage_min, 0)"
        " FROM projects p LEFT JOIN memberships m ON m.project = p.uuid AND m.user = ?1"
        " LEFT JOIN project_limits l ON l.project = p.uuid AND l.resource = ?3"
        " LEFT JOIN holdings u ON u.project = p.uuid AND u.resource = ?3 AND u.user = ?1"
        " LEFT JOIN holdings h ON h.project = p.uuid AND h.resource = ?3 AND h.user = '' WHERE p.uuid = ?2",
        (user, project, resource),
    ).fetchone()
    if row is None:
        raise NotInProject(project)
    state, personal, membership, capacity, member_capacity, used, held, project_used, project_held = row
    live = membership in LIVE_MEMBER
    if not live and membership != "suspended" and not _ever_held(connection, user, project):
        raise NotInProject(project)
    if capacity is None:
        known = RESOURCES[resource]
        capacity = member_capacity = known.personal if personal else known.shared
    active = state == "active"
    return Quota(
        member_capacity if active and live else 0,
        used,
        used - held,
        capacity if active else 0,
        project_used,
        project_used - project_held,
    )


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


def _ever_held(connection: sqlite3.Connection, user: str, project: str) -> bool:
    """Whether a user who may have left still has something there."""
    names = tuple(RESOURCES)
    marks = ",".join("?" * len(names))
    return (
        connection.execute(
            f"SELECT 1 FROM holdings WHERE project = ? AND resource IN ({marks}) AND user = ?",  # noqa: S608
            (project, *names, user),
        ).fetchone()
        is not None
    )
