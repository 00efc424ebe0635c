"""Who takes part in which project (identity.md section 9)."""

from __future__ import annotations

import sqlite3
from typing import Any

from starlette.responses import Response

from pithosfs.errors import NotFound
from pithosfs.localcloud import users
from pithosfs.localcloud.faults import Fault, bad_request, conflict, forbidden
from pithosfs.localcloud.holdings import LIVE_MEMBER, refresh
from pithosfs.localcloud.identity.exchange import Call, microseconds, nothing, only_key, reply
from pithosfs.localcloud.identity.model import (
    Membership,
    Project,
    find_membership,
    find_project,
    member_count,
    membership_state,
    memberships,
    require_manager,
)
from pithosfs.localcloud.identity.states import MEMBERSHIP
from pithosfs.localcloud.identity.views import membership_json
from pithosfs.localcloud.users import User

__all__ = ["act", "get_membership", "join_or_enroll", "list_memberships"]

_ACTIONS = ("leave", "cancel", "accept", "reject", "remove")
_OF_THE_MEMBER = ("leave", "cancel")


async def list_memberships(call: Call) -> Response:
    """GET memberships: one's own and those of the projects one owns; an administrator sees all."""
    user = call.user()
    condition, values = "1", ()  # type: str, tuple[object, ...]
    if not user.admin:
        condition, values = "(m.user = ? OR p.owner = ?)", (user.uuid, user.uuid)
    project = call.query.get("project")
    if project is not None:
        condition, values = f"{condition} AND p.uuid = ?", (*values, project)

    def look_up(connection: sqlite3.Connection) -> list[Any]:
        return [
            membership_json(one, _allowed(connection, one, project, user))
            for one, project in memberships(connection, condition, values)
        ]

    return reply(await call.read(look_up))


async def get_membership(call: Call, ident: str) -> Response:
    """GET memberships/<id>."""
    user = call.user()

    def look_up(connection: sqlite3.Connection) -> Any:
        membership, project = find_membership(connection, ident)
        if membership.user != user.uuid:
            require_manager(project, user)
        return membership_json(membership, _allowed(connection, membership, project, user))

    return reply(await call.read(look_up))


async def join_or_enroll(call: Call) -> Response:
    """POST memberships: ask to take part, or let somebody take part."""
    user = call.user()
    body = await call.json()
    action = only_key(body, ("join", "enroll"))
    wanted = body[action]
    if not isinstance(wanted, dict):
        raise bad_request(f"{action} is an object")
    ident = wanted.get("project")
    if not isinstance(ident, str):
        raise bad_request("the project is missing")
    now = microseconds()
    if action == "join":
        number = await call.write(lambda connection: _join(connection, user, find_project(connection, ident), now))
    else:
        name = wanted.get("user")
        if not isinstance(name, str):
            raise bad_request("the user is missing")
        number = await call.write(lambda connection: _enroll(connection, user, ident, name, now))
    return reply({"id": number})


async def act(call: Call, ident: str) -> Response:
    """POST memberships/<id>/action: what is sent with the action is its reason, which nobody is told."""
    user = call.user()
    action = only_key(await call.json(), _ACTIONS)
    now = microseconds()

    def run(connection: sqlite3.Connection) -> None:
        membership, project = find_membership(connection, ident)
        if not _may(action, membership, project, user):
            raise forbidden(f"{action} is not yours to do")
        state = _next(connection, action, membership.state, project)
        if action == "accept":
            _require_active(connection, membership.user)
        _set_state(connection, membership.user, project, state, now)

    await call.write(run)
    return nothing()


# transitions ----------------------------------------------------------------------------------------------------------


def _join(connection: sqlite3.Connection, user: User, project: Project, now: int) -> int:
    state = _next(connection, "join", membership_state(connection, project.uuid, user.uuid), project)
    return _set_state(connection, user.uuid, project, state, now)


def _enroll(connection: sqlite3.Connection, user: User, ident: str, name: str, now: int) -> int:
    """Unlike everywhere else, a project or a user that does not exist is a conflict here."""
    try:
        project = find_project(connection, ident)
    except Fault as fault:
        raise conflict(fault.message) from None
    require_manager(project, user)
    try:
        member = users.find_user(connection, name=name).uuid
    except NotFound:
        raise conflict(f"there is no user {name!a:.300}") from None
    _require_active(connection, member)
    state = _next(connection, "enroll", membership_state(connection, ident, member), project)
    return _set_state(connection, member, project, state, now)


def _next(connection: sqlite3.Connection, action: str, state: str, project: Project) -> str:
    """What becomes of a membership in a state. Raises Fault 409."""
    if not project.live:
        raise conflict(f"the project is {project.state}")
    transition = MEMBERSHIP[action]
    if state not in transition.sources:
        raise conflict(f"{action} is not possible: the membership is {state}")
    found = transition.result(project.join_policy, project.leave_policy)
    if found is None:
        raise conflict(f"the project's {transition.policy} policy is closed")
    if found == "accepted" and member_count(connection, project.uuid) >= project.max_members:
        if action != "join":
            raise conflict(f"the project has {project.max_members} members, which is the most it may have")
        return "requested"
    return found


def _set_state(connection: sqlite3.Connection, user: str, project: Project, state: str, now: int) -> int:
    """Let a membership be in a state, with all that follows; returns its id, which is always the same."""
    ((ident,),) = connection.execute(
        "INSERT INTO memberships (user, project, state) VALUES (?1, ?2, ?3)"
        " ON CONFLICT (user, project) DO UPDATE SET state = ?3 RETURNING id",
        (user, project.uuid, state),
    ).fetchall()
    connection.execute("INSERT OR REPLACE INTO membership_times VALUES (?, ?, ?)", (ident, state, now))
    if state not in LIVE_MEMBER:
        connection.execute(
            "UPDATE users SET default_project = NULL WHERE uuid = ? AND default_project = ?", (user, project.uuid)
        )
    refresh(connection, project.uuid, user)
    return int(ident)


# rights ---------------------------------------------------------------------------------------------------------------


def _may(action: str, membership: Membership, project: Project, user: User) -> bool:
    """Whether an action is a user's to do, be it possible now or not."""
    if action in _OF_THE_MEMBER:
        return user.admin or membership.user == user.uuid
    return project.managed_by(user)


def _allowed(connection: sqlite3.Connection, membership: Membership, project: Project, user: User) -> list[str]:
    """The actions that a user may do now."""
    allowed = []
    for action in _ACTIONS:
        if _may(action, membership, project, user):
            try:
                _next(connection, action, membership.state, project)
            except Fault:
                continue
            allowed.append(action)
    return allowed


def _require_active(connection: sqlite3.Connection, user: str) -> None:
    if not connection.execute("SELECT 1 FROM users WHERE uuid = ? AND active", (user,)).fetchone():
        raise conflict("the user is deactivated")
