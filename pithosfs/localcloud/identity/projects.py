"""Requests about projects: listing, applying, deciding (identity.md section 8)."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from pithosfs.localcloud.faults import bad_request
from pithosfs.localcloud.identity.applications import (
    act_on_application,
    act_on_project,
    apply_for_changes,
    apply_for_project,
)
from pithosfs.localcloud.identity.exchange import Call, microseconds, nothing, only_key, reply
from pithosfs.localcloud.identity.model import PROJECT_COLUMNS, find_project, project_from, require_visible
from pithosfs.localcloud.identity.states import APPLICATION, PROJECT, PROJECT_STATES
from pithosfs.localcloud.identity.terms import asked_terms
from pithosfs.localcloud.identity.views import project_json

__all__ = ["act", "change_project", "create_project", "get_project", "list_projects"]

_MEMBER = "EXISTS (SELECT 1 FROM memberships m WHERE m.project = p.uuid AND m.user = ? AND m.state IN ({states}))"
_RELATED = _MEMBER.format(states="'accepted', 'leave_requested', 'suspended'")
_TAKING_PART = _MEMBER.format(states="'accepted', 'leave_requested'")


async def list_projects(call: Call) -> Response:
    """GET projects, filtered by name, owner and state; `mode` says which of them at all (8.2)."""
    user = call.user()
    mode = call.query.get("mode", "default")
    condition: str
    values: tuple[object, ...]
    if mode in ("default", "related"):
        condition, values = f"(p.owner = ? OR {_RELATED})", (user.uuid, user.uuid)
    elif mode == "member":
        condition, values = f"p.state = 'active' AND {_TAKING_PART}", (user.uuid,)
    elif mode == "active":
        condition, values = "p.state = 'active' AND NOT p.private", ()
    else:
        raise bad_request("mode is one of these: default, related, member, active")
    if user.admin and mode != "member":
        condition, values = "1", ()
    for name in ("name", "owner", "state"):
        wanted = call.query.get(name)
        if wanted is None:
            continue
        if name == "state" and wanted not in PROJECT_STATES:
            raise bad_request(f"state is one of these: {', '.join(PROJECT_STATES)}")
        condition, values = f"{condition} AND p.{name} = ?", (*values, wanted)

    def look_up(connection: sqlite3.Connection) -> list[dict[str, Any]]:
        rows = connection.execute(
            f"SELECT {PROJECT_COLUMNS} FROM projects p WHERE {condition}"  # noqa: S608
            " ORDER BY p.personal DESC, p.created, p.uuid",
            values,
        )
        return [project_json(connection, project_from(row), user) for row in rows.fetchall()]

    return reply(await call.read(look_up))


async def create_project(call: Call) -> Response:
    """POST projects: apply for a new one."""
    user = call.user()
    now = microseconds()
    asked = asked_terms(await call.json(), now)
    project, application = await call.write(lambda connection: apply_for_project(connection, user, asked, now))
    return reply({"id": project, "application": application}, 201)


async def get_project(call: Call, ident: str) -> Response:
    """GET projects/<id>."""
    user = call.user()

    def look_up(connection: sqlite3.Connection) -> dict[str, Any]:
        project = find_project(connection, ident)
        require_visible(connection, project, user)
        return project_json(connection, project, user)

    return reply(await call.read(look_up))


async def change_project(call: Call, ident: str) -> Response:
    """PUT projects/<id>: apply for changes, which count once they are approved."""
    user = call.user()
    asked = asked_terms(await call.json(), microseconds())
    project, application = await call.write(
        lambda connection: apply_for_changes(connection, user, find_project(connection, ident), asked)
    )
    return reply({"id": project, "application": application}, 201)


async def act(call: Call, ident: str) -> Response:
    """POST projects/<id>/action: on the project, or on an application of its (8.6)."""
    user = call.user()
    body = await call.json()
    action = only_key(body, (*APPLICATION, *PROJECT))
    details = body[action]
    if not isinstance(details, dict):
        raise bad_request(f"{action} is an object")
    now = microseconds()
    number = 0 if action in PROJECT else _number(details)

    def run(connection: sqlite3.Connection) -> None:
        project = find_project(connection, ident)
        if action in PROJECT:
            act_on_project(connection, user, project, action, now)
        else:
            act_on_application(connection, user, project, action, number, now)

    await call.write(run)
    return nothing()


def _number(details: Mapping[str, object]) -> int:
    number = details.get("app_id")
    if not isinstance(number, int) or isinstance(number, bool):
        raise bad_request("app_id, the number of the application, is missing")
    return number
