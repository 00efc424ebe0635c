"""The limits in the books of the quotas: what a project and each of its members may use now (identity.md 6, 7.4, 9.2).

A holding is a row for a project as a whole, or for one user's part of it, for each resource. It carries the limit
beside the usage, so that charging looks at nothing else; whatever changes a limit calls `refresh`.
"""

from __future__ import annotations

import sqlite3

from pithosfs.localcloud.resources import RESOURCES

__all__ = ["LIVE_MEMBER", "capacities", "refresh"]

LIVE_MEMBER = ("accepted", "leave_requested")
"""The states of a membership that give its holder the member's capacity."""


def capacities(connection: sqlite3.Connection, project: str) -> dict[str, tuple[int, int]]:
    """Resource → what the project and what each member may use, by the project's terms or by default."""
    personal = bool(connection.execute("SELECT personal FROM projects WHERE uuid = ?", (project,)).fetchone()[0])
    agreed = {
        resource: (capacity, member_capacity)
        for resource, capacity, member_capacity in connection.execute(
            "SELECT resource, project_capacity, member_capacity FROM project_limits WHERE project = ?", (project,)
        )
    }
    defaults = {one.name: one.personal if personal else one.shared for one in RESOURCES.values()}
    return {name: agreed.get(name, (default, default)) for name, default in defaults.items()}


def refresh(connection: sqlite3.Connection, project: str, user: str | None = None) -> None:
    """Bring limits up to date after a project, its terms or a membership changed; `user`: only that one's changed.

    Members and projects get their holdings here. Those who are no members any more lose them, once they hold nothing.
    """
    (state,) = connection.execute("SELECT state FROM projects WHERE uuid = ?", (project,)).fetchone()
    if state in ("uninitialized", "deleted"):
        return  # nobody ever agreed to its terms
    terms = capacities(connection, project)
    if user is None:
        members = connection.execute("SELECT user, state FROM memberships WHERE project = ?", (project,)).fetchall()
        _write(connection, project, "", {name: capacity for name, (capacity, _) in terms.items()}, state)
    else:
        members = connection.execute(
            "SELECT user, state FROM memberships WHERE project = ? AND user = ?", (project, user)
        ).fetchall()
    for member, membership in members:
        if membership in LIVE_MEMBER or membership == "suspended":
            shares = {name: share if membership in LIVE_MEMBER else 0 for name, (_, share) in terms.items()}
            _write(connection, project, member, shares, state)
        else:
            connection.execute("UPDATE holdings SET capacity = 0 WHERE project = ? AND user = ?", (project, member))
            connection.execute(
                "DELETE FROM holdings WHERE project = ? AND user = ? AND usage_max = 0 AND usage_min = 0",
                (project, member),
            )


def _write(connection: sqlite3.Connection, project: str, holder: str, limits: dict[str, int], state: str) -> None:
    connection.executemany(
        "INSERT INTO holdings (project, resource, user, capacity) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (project, resource, user) DO UPDATE SET capacity = excluded.capacity",
        [(project, name, holder, limit if state == "active" else 0) for name, limit in limits.items()],
    )
