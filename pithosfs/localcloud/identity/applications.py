"""Applying for projects and for changes of them, and what administrators decide (identity.md 8.5 to 8.7).

Everything here runs inside the caller's write transaction. Pending applications are charged to the applicant's personal
project as `astakos.pending_app`, like any resource.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from pithosfs.localcloud.faults import bad_request, conflict, forbidden, not_found
from pithosfs.localcloud.holdings import refresh
from pithosfs.localcloud.identity.model import (
    APPLICATION_COLUMNS,
    Application,
    Project,
    application_from,
    find_project,
    last_application,
    require_manager,
)
from pithosfs.localcloud.identity.states import APPLICATION, PROJECT, next_state, project_after
from pithosfs.localcloud.identity.terms import DEFAULTS
from pithosfs.localcloud.quota import QuotaExceeded, charge, release
from pithosfs.localcloud.resources import PENDING_APP
from pithosfs.localcloud.users import User

__all__ = ["act_on_application", "act_on_project", "apply_for_changes", "apply_for_project", "expire"]

_COLUMNS: Mapping[str, str] = {
    "name": "name",
    "owner": "owner",
    "homepage": "homepage",
    "description": "description",
    "end_date": "ends",
    "join_policy": "join_policy",
    "leave_policy": "leave_policy",
    "max_members": "max_members",
    "private": "private",
}
"""Field of an application → column of `projects`. Comments and the start belong to the application alone."""

_NOT_FOR_PERSONAL = ("owner", "name", "homepage", "description")


def apply_for_project(
    connection: sqlite3.Connection, user: User, asked: Mapping[str, Any], now: int
) -> tuple[str, int]:
    """File an application for a new project; returns the ids of both. Raises Fault 400, 409."""
    for field in ("name", "end_date"):
        if field not in asked:
            raise bad_request(f"{field} is missing")
    terms = {**DEFAULTS, "owner": user.uuid, **asked}
    _require_owner(connection, terms)
    project = str(uuid4())
    connection.execute(
        "INSERT INTO projects (uuid, name, state, created) VALUES (?, ?, 'uninitialized', ?)",
        (project, terms["name"], now),
    )
    _write_terms(connection, project, terms)
    return project, _file(connection, user, project, terms)


def apply_for_changes(
    connection: sqlite3.Connection, user: User, project: Project, asked: Mapping[str, Any]
) -> tuple[str, int]:
    """File an application for changes, which replaces one that is still pending. Raises Fault 400, 403, 409."""
    require_manager(project, user)
    if project.state in ("uninitialized", "deleted"):
        raise conflict(f"the project is {project.state}")
    if project.personal and any(field in asked for field in _NOT_FOR_PERSONAL):
        raise conflict("a personal project keeps its owner, name, homepage and description")
    _require_owner(connection, asked)
    older = last_application(connection, project.uuid)
    if older is not None and older.state == "pending":
        _end(connection, older, "replaced")
    return project.uuid, _file(connection, user, project.uuid, asked)


def act_on_application(
    connection: sqlite3.Connection, user: User, project: Project, action: str, number: int, now: int
) -> None:
    """Decide about an application, or take it back. Raises Fault 403, 404, 409."""
    application = _find(connection, number)
    if not user.admin and not (action in ("cancel", "dismiss") and application.applicant == user.uuid):
        raise forbidden("only administrators decide about applications; applicants may take theirs back")
    newest = last_application(connection, project.uuid)
    if newest is None or newest.id != application.id:
        raise conflict("that is not the last application of the project")
    state = next_state(APPLICATION, action, application.state, "application")
    if application.state == "pending":
        _end(connection, application, state)
    else:
        connection.execute("UPDATE applications SET state = ? WHERE id = ?", (state, application.id))
    if action == "approve":
        _require_name(connection, project.uuid, application.asked.get("name", project.name))
        if project.state != "uninitialized":
            _write_terms(connection, project.uuid, application.asked)
    _set_state(connection, project, project_after(action, project.state), now)


def act_on_project(connection: sqlite3.Connection, user: User, project: Project, action: str, now: int) -> None:
    """Suspend, terminate or bring back a project. Raises Fault 403, 409."""
    if not user.admin:
        raise forbidden("only administrators may do that")
    if action == "terminate" and project.personal:
        raise conflict("personal projects stay")
    state = next_state(PROJECT, action, project.state, "project")
    if action == "reinstate":
        _require_name(connection, project.uuid, project.name)
    _set_state(connection, project, state, now)


def expire(connection: sqlite3.Connection, now: int) -> list[str]:
    """Terminate what has come to its end; returns the names of those projects."""
    rows = connection.execute(
        "SELECT uuid FROM projects WHERE state IN ('active', 'suspended') AND ends <= ?", (now,)
    ).fetchall()
    projects = [find_project(connection, uuid) for (uuid,) in rows]
    for project in projects:
        _set_state(connection, project, "terminated", now)
    return [project.name for project in projects]


# details --------------------------------------------------------------------------------------------------------------


def _require_owner(connection: sqlite3.Connection, asked: Mapping[str, Any]) -> None:
    """Raises Fault 400 for an owner who is no active user."""
    if (
        "owner" in asked
        and not connection.execute("SELECT 1 FROM users WHERE uuid = ? AND active", (asked["owner"],)).fetchone()
    ):
        raise bad_request("the owner is not a user")


def _require_name(connection: sqlite3.Connection, project: str, name: str) -> None:
    """Raises Fault 409 when another live project has that name."""
    if connection.execute(
        "SELECT 1 FROM projects WHERE name = ? AND state IN ('active', 'suspended') AND uuid != ?", (name, project)
    ).fetchone():
        raise conflict(f"another project is called {name}")


def _write_terms(connection: sqlite3.Connection, project: str, terms: Mapping[str, Any]) -> None:
    """Let what was asked for be so; what was not asked for stays."""
    for field, column in _COLUMNS.items():
        if field in terms:
            connection.execute(f"UPDATE projects SET {column} = ? WHERE uuid = ?", (terms[field], project))  # noqa: S608
    for resource, limits in terms.get("resources", {}).items():
        connection.execute(
            "INSERT INTO project_limits (project, resource, project_capacity, member_capacity) VALUES (?1, ?2, ?3, ?4)"
            " ON CONFLICT (project, resource) DO UPDATE SET project_capacity = ?3, member_capacity = ?4",
            (project, resource, limits["project_capacity"], limits["member_capacity"]),
        )


def _file(connection: sqlite3.Connection, user: User, project: str, asked: Mapping[str, Any]) -> int:
    try:
        charge(connection, user.uuid, user.uuid, PENDING_APP, 1)
    except QuotaExceeded as refusal:
        raise conflict(f"you have too many pending applications: {refusal.details}") from None
    number = connection.execute(
        "INSERT INTO applications (project, applicant, state, asked) VALUES (?, ?, 'pending', ?)",
        (project, user.uuid, json.dumps(asked)),
    ).lastrowid
    assert number is not None
    return number


def _find(connection: sqlite3.Connection, number: int) -> Application:
    row = connection.execute(
        f"SELECT {APPLICATION_COLUMNS} FROM applications WHERE id = ?",  # noqa: S608
        (min(max(number, 0), 2**63 - 1),),
    ).fetchone()
    if row is None:
        raise not_found(f"there is no application {number}")
    return application_from(row)


def _end(connection: sqlite3.Connection, application: Application, state: str) -> None:
    """An application is no longer pending."""
    connection.execute("UPDATE applications SET state = ? WHERE id = ?", (state, application.id))
    release(connection, application.applicant, application.applicant, PENDING_APP, 1)


def _set_state(connection: sqlite3.Connection, project: Project, state: str, now: int) -> None:
    """Let a project be in a state, with all that follows: the terms may have changed too."""
    connection.execute("UPDATE projects SET state = ? WHERE uuid = ?", (state, project.uuid))
    if state != project.state and state in ("suspended", "terminated"):
        connection.execute("UPDATE projects SET deactivated = ? WHERE uuid = ?", (now, project.uuid))
    if state == "terminated":
        connection.execute("UPDATE users SET default_project = NULL WHERE default_project = ?", (project.uuid,))
    refresh(connection, project.uuid)
