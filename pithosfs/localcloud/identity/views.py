"""How projects and memberships are shown (identity.md 8.3 and 9.1)."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any

from pithosfs.localcloud.holdings import capacities
from pithosfs.localcloud.identity.exchange import iso
from pithosfs.localcloud.identity.model import Application, Membership, Project, last_application
from pithosfs.localcloud.resources import RESOURCES
from pithosfs.localcloud.users import User

__all__ = ["membership_json", "project_json"]

_APPLIED = (
    "name",
    "owner",
    "homepage",
    "description",
    "start_date",
    "end_date",
    "comments",
    "join_policy",
    "leave_policy",
    "max_members",
    "private",
)


def project_json(connection: sqlite3.Connection, project: Project, user: User) -> dict[str, Any]:
    """A project as a user sees it: what was last asked for is for those who manage it."""
    shown: dict[str, Any] = {
        "id": project.uuid,
        "name": project.name,
        "state": project.state,
        "owner": project.owner,
        "homepage": project.homepage,
        "description": project.description,
        "creation_date": iso(project.created),
        "end_date": iso(project.ends),
        "join_policy": project.join_policy,
        "leave_policy": project.leave_policy,
        "max_members": project.max_members,
        "private": project.private,
        "system_project": project.personal,
        "resources": _resources(connection, project),
    }
    if project.managed_by(user):
        application = last_application(connection, project.uuid)
        if application is not None:
            shown["last_application"] = _application(application)
        if project.deactivated is not None:
            shown["deactivation_date"] = iso(project.deactivated)
    return shown


def _resources(connection: sqlite3.Connection, project: Project) -> dict[str, dict[str, int]]:
    """Of what users see: what was asked for, until the project was approved; then all."""
    if project.state in ("uninitialized", "deleted"):
        rows = connection.execute(
            "SELECT resource, project_capacity, member_capacity FROM project_limits WHERE project = ?", (project.uuid,)
        )
        found = {name: (capacity, share) for name, capacity, share in rows}
    else:
        found = capacities(connection, project.uuid)
    return {
        name: {"project_capacity": capacity, "member_capacity": share}
        for name, (capacity, share) in found.items()
        if RESOURCES[name].visible
    }


def _application(application: Application) -> dict[str, Any]:
    asked = application.asked
    shown: dict[str, Any] = {"id": application.id, "state": application.state, "applicant": application.applicant}
    shown.update({field: asked.get(field) for field in _APPLIED})
    shown["start_date"], shown["end_date"] = iso(asked.get("start_date")), iso(asked.get("end_date"))
    shown["resources"] = asked.get("resources", {})
    return shown


def membership_json(membership: Membership, allowed: list[str]) -> Mapping[str, Any]:
    """A membership for somebody who may do `allowed` with it."""
    return {
        "id": membership.id,
        "user": membership.user,
        "project": membership.project,
        "state": membership.state,
        **{state: iso(time) for state, time in membership.times.items()},
        "allowed_actions": allowed,
    }
