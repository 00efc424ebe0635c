"""Projects, applications and memberships as values, how they are found, and who may see them (identity.md 8.4)."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pithosfs.localcloud.faults import forbidden, not_found
from pithosfs.localcloud.holdings import LIVE_MEMBER
from pithosfs.localcloud.identity.states import NO_MEMBER
from pithosfs.localcloud.users import User

__all__ = [
    "MEMBERS",
    "Application",
    "Membership",
    "Project",
    "find_membership",
    "find_project",
    "last_application",
    "member_count",
    "memberships",
    "require_manager",
    "require_visible",
]

MEMBERS = (*LIVE_MEMBER, "suspended")
"""The states of those who count as members, whether or not they may use anything."""


@dataclass(frozen=True, slots=True)
class Project:
    """A project. Times in microseconds; `ends` and `deactivated` may be None."""

    uuid: str
    name: str
    state: str
    personal: bool
    owner: str | None
    homepage: str
    description: str
    created: int
    ends: int | None
    join_policy: str
    leave_policy: str
    max_members: int
    private: bool
    deactivated: int | None

    @property
    def live(self) -> bool:
        """Whether memberships of it can change."""
        return self.state in ("active", "suspended")

    def managed_by(self, user: User) -> bool:
        """Whether a user owns it or decides about all projects."""
        return user.admin or self.owner == user.uuid


PROJECT_COLUMNS = (
    "p.uuid, p.name, p.state, p.personal, p.owner, p.homepage, p.description, p.created, p.ends, p.join_policy,"
    " p.leave_policy, p.max_members, p.private, p.deactivated"
)


def project_from(row: sqlite3.Row) -> Project:
    """A project from a row of `PROJECT_COLUMNS`."""
    values = list(row)
    values[3], values[12] = bool(values[3]), bool(values[12])
    return Project(*values)


def find_project(connection: sqlite3.Connection, uuid: str) -> Project:
    """Raises Fault 404."""
    row = connection.execute(f"SELECT {PROJECT_COLUMNS} FROM projects p WHERE p.uuid = ?", (uuid,)).fetchone()  # noqa: S608
    if row is None:
        raise not_found(f"there is no project {uuid!a:.100}")
    return project_from(row)


def require_visible(connection: sqlite3.Connection, project: Project, user: User) -> None:
    """Raises Fault 403 for somebody who may not see it."""
    if project.managed_by(user) or (project.state == "active" and not project.private):
        return
    if membership_state(connection, project.uuid, user.uuid) not in MEMBERS:
        raise forbidden("the project is not yours to see")


def require_manager(project: Project, user: User) -> None:
    """Raises Fault 403 for anybody but the owner and administrators."""
    if not project.managed_by(user):
        raise forbidden("only the owner of the project and administrators may do that")


@dataclass(frozen=True, slots=True)
class Application:
    """What somebody asked for: a new project, or changes of one. `asked` holds the fields that they named."""

    id: int
    project: str
    applicant: str
    state: str
    asked: Mapping[str, Any]


APPLICATION_COLUMNS = "id, project, applicant, state, asked"


def application_from(row: sqlite3.Row) -> Application:
    """An application from a row of `APPLICATION_COLUMNS`."""
    return Application(row[0], row[1], row[2], row[3], json.loads(row[4]))


def last_application(connection: sqlite3.Connection, project: str) -> Application | None:
    """The newest one of a project."""
    row = connection.execute(
        f"SELECT {APPLICATION_COLUMNS} FROM applications WHERE project = ? ORDER BY id DESC LIMIT 1",  # noqa: S608
        (project,),
    ).fetchone()
    return None if row is None else application_from(row)


@dataclass(frozen=True, slots=True)
class Membership:
    """What one user is in one project; `times` says when it was last in each state that it ever had (microseconds)."""

    id: int
    user: str
    project: str
    state: str
    times: Mapping[str, int]


def memberships(
    connection: sqlite3.Connection, condition: str, values: tuple[object, ...]
) -> Iterator[tuple[Membership, Project]]:
    """The memberships, with their projects, that a condition on `m` and `p` selects, by id."""
    rows = connection.execute(
        f"SELECT m.id, m.user, m.state, {PROJECT_COLUMNS} FROM memberships m JOIN projects p"  # noqa: S608
        f" ON p.uuid = m.project WHERE {condition} ORDER BY m.id",
        values,
    )
    for ident, user, state, *project in rows:
        times = dict(
            connection.execute("SELECT state, time FROM membership_times WHERE membership = ?", (ident,)).fetchall()
        )
        found = project_from(project)
        yield Membership(ident, user, found.uuid, state, times), found


def find_membership(connection: sqlite3.Connection, ident: str) -> tuple[Membership, Project]:
    """By the number in an address. Raises Fault 404."""
    found = next(memberships(connection, "m.id = ?", (int(ident),)), None) if len(ident) <= 18 else None
    if found is None:
        raise not_found(f"there is no membership {ident:.100}")
    return found


def membership_state(connection: sqlite3.Connection, project: str, user: str) -> str:
    """`NO_MEMBER` where there never was one."""
    row = connection.execute("SELECT state FROM memberships WHERE user = ? AND project = ?", (user, project)).fetchone()
    return NO_MEMBER if row is None else str(row[0])


def member_count(connection: sqlite3.Connection, project: str) -> int:
    """How many count against `max_members`."""
    row = connection.execute(
        "SELECT count(*) FROM memberships WHERE project = ? AND state IN ('accepted', 'leave_requested', 'suspended')",
        (project,),
    ).fetchone()
    return int(row[0])
