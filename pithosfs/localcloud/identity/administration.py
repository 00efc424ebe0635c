"""Users, for administrators (identity.md 10.1). They have no passwords here: tokens are all that they log in with."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from starlette.responses import Response

from pithosfs.errors import Conflict, NotFound, UsageError
from pithosfs.localcloud import users
from pithosfs.localcloud.faults import bad_request, conflict, not_found
from pithosfs.localcloud.identity.account import use_as_default
from pithosfs.localcloud.identity.exchange import Call, only_key, reply
from pithosfs.localcloud.identity.statistics import PROVIDER
from pithosfs.localcloud.identity.tokens import roles
from pithosfs.localcloud.users import User

__all__ = ["act", "change_user", "create_user", "get_user", "list_users"]

_ACTIONS = ("activate", "deactivate", "renewToken", "signTerms", "setDefaultProject")

LONGEST_NAME = 255
"""Characters in a first or last name."""


async def list_users(call: Call) -> Response:
    """GET users, users/detail: everybody."""
    call.admin()
    found = await call.read(lambda connection: [_user_json(connection, user) for user in users.all_users(connection)])
    return reply({"users": found})


async def get_user(call: Call, ident: str) -> Response:
    """GET users/<uuid>."""
    call.admin()
    return reply({"user": await call.read(lambda connection: _user_json(connection, _find(connection, ident)))})


async def create_user(call: Call) -> Response:
    """POST users: a new one, with a token."""
    call.admin()
    wanted = await _wanted(call)
    name = wanted.get("username")
    if name is None:
        raise bad_request("username is missing")

    def run(connection: sqlite3.Connection) -> dict[str, Any]:
        try:
            user = users.add_user(connection, name)
        except UsageError as error:
            raise bad_request(error.message) from None
        except Conflict as error:
            raise conflict(error.message) from None
        _write_names(connection, user, wanted)
        return {"id": user.uuid, "password": None, "auth_token": users.issue_token(connection, user)}

    return reply({"user": await call.write(run)})


async def change_user(call: Call, ident: str) -> Response:
    """PUT users/<uuid>: other names."""
    call.admin()
    wanted = await _wanted(call)

    def run(connection: sqlite3.Connection) -> dict[str, Any]:
        user = _find(connection, ident)
        if "username" in wanted:
            try:
                users.rename(connection, user, wanted["username"])
            except UsageError as error:
                raise bad_request(error.message) from None
            except Conflict as error:
                raise conflict(error.message) from None
        _write_names(connection, user, wanted)
        return _user_json(connection, _find(connection, ident))

    return reply({"user": await call.write(run)})


async def act(call: Call, ident: str) -> Response:
    """POST users/<uuid>/action."""
    call.admin()
    body = await call.json()
    action = only_key(body, _ACTIONS)
    details = body[action] if isinstance(body[action], dict) else {}

    def run(connection: sqlite3.Connection) -> dict[str, Any]:
        user = _find(connection, ident)
        if action == "renewToken":
            users.revoke_tokens(connection, user)
            return {"id": user.uuid, "auth_token": users.issue_token(connection, user)}
        if action == "setDefaultProject":
            project = details.get("project_id")
            if not isinstance(project, str):
                raise bad_request("project_id is missing")
            use_as_default(connection, user.uuid, project)
        elif action in ("activate", "deactivate"):  # there are no terms to sign
            reason = details.get("reason") if action == "deactivate" else None
            if reason is not None and not isinstance(reason, str):
                raise bad_request("the reason is a text")
            users.set_active(connection, user, action == "activate", reason)
        (active,) = connection.execute("SELECT active FROM users WHERE uuid = ?", (user.uuid,)).fetchone()
        return {"id": user.uuid, "is_active": bool(active)}

    return reply({"user": await call.write(run)})


async def _wanted(call: Call) -> Mapping[str, str]:
    """The names that a body has for a user. Raises Fault 400."""
    wanted = (await call.json()).get("user")
    if not isinstance(wanted, dict):
        raise bad_request("there is no user object")
    if wanted.get("password") is not None:
        raise bad_request("users of this cloud have tokens and no passwords")
    found = {}
    for key in ("username", "first_name", "last_name"):
        if key in wanted:
            if not isinstance(wanted[key], str) or len(wanted[key]) > LONGEST_NAME:
                raise bad_request(f"{key} is a text of at most {LONGEST_NAME} characters")
            found[key] = wanted[key]
    return found


def _write_names(connection: sqlite3.Connection, user: User, wanted: Mapping[str, str]) -> None:
    for column in ("first_name", "last_name"):
        if column in wanted:
            connection.execute(f"UPDATE users SET {column} = ? WHERE uuid = ?", (wanted[column], user.uuid))  # noqa: S608


def _find(connection: sqlite3.Connection, ident: str) -> User:
    """Raises Fault 404."""
    try:
        return users.find_user(connection, uuid=ident)
    except NotFound:
        raise not_found(f"there is no user {ident!a:.100}") from None


def _user_json(connection: sqlite3.Connection, user: User) -> dict[str, Any]:
    first, last, active, reason, created = connection.execute(
        "SELECT first_name, last_name, active, deactivated_reason, created FROM users WHERE uuid = ?", (user.uuid,)
    ).fetchone()
    (expires,) = connection.execute("SELECT max(expires) FROM tokens WHERE user = ?", (user.uuid,)).fetchone()
    joined = _iso(created)
    return {
        "id": user.uuid,
        "first_name": first,
        "last_name": last,
        "email": user.name,
        "roles": roles(user),
        "is_active": bool(active),
        "is_rejected": False,
        "rejected_reason": None,
        "deactivated_reason": reason,
        "accepted_policy": "auto_moderation",
        "date_joined": joined,
        "moderated_at": joined,
        "verified_at": joined,
        "auth_token_expires": None if expires is None else _iso(expires),
        "authentication_methods": [
            {"backend": PROVIDER, "identifier": user.name, "active": True, "affiliation": None, "metadata": {}}
        ],
    }


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")
