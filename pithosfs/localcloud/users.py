"""Users and their tokens: what is done with them inside a transaction.

All functions take a connection, so that the running server (through `Database`) and the command line (in a process of
its own, on the same file) share them.
"""

from __future__ import annotations

import hashlib
import secrets
import sqlite3
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from pithosfs.errors import Conflict, NotFound, UsageError
from pithosfs.localcloud.holdings import refresh
from pithosfs.localcloud.resources import COMPONENTS, DISKSPACE, RESOURCES, UNLIMITED

__all__ = [
    "TOKEN_LIFETIME",
    "ListedUser",
    "User",
    "add_user",
    "all_users",
    "check_name",
    "find_service_token",
    "find_token",
    "find_user",
    "issue_service_token",
    "issue_token",
    "names_of",
    "rename",
    "revoke_service_tokens",
    "revoke_tokens",
    "set_active",
    "set_admin",
    "set_limit",
    "token_hash",
    "uuids_of",
]

TOKEN_LIFETIME = timedelta(days=3650)
"""Tokens of a cloud on one's own machine outlive the settings they are written into."""

LONGEST_NAME = 256
"""Characters in a user name: the limit for principals on the wire (object-store.md 3.4)."""


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who may use this cloud.

    An `admin` decides about projects and users. `default_project` pays for what names no project.
    """

    uuid: str
    name: str
    admin: bool
    default_project: str


@dataclass(frozen=True, slots=True)
class ListedUser(User):
    """A user and the bytes that their personal project may store (`UNLIMITED` when there is no limit)."""

    quota: int


_COLUMNS = "users.uuid, users.name, users.admin, coalesce(users.default_project, users.uuid)"


def add_user(connection: sqlite3.Connection, name: str, quota: int = UNLIMITED, *, admin: bool = False) -> User:
    """Make a user with a personal project, which may store `quota` bytes. The first one is an administrator.

    Raises UsageError for an impossible name or quota, Conflict when the name is taken.
    """
    check_name(name)
    admin = admin or connection.execute("SELECT 1 FROM users LIMIT 1").fetchone() is None
    ident = str(uuid.uuid4())
    now = time.time()
    try:
        connection.execute(
            "INSERT INTO users (uuid, name, name_key, created, admin) VALUES (?, ?, ?, ?, ?)",
            (ident, name, name.casefold(), now, admin),
        )
    except sqlite3.IntegrityError:
        raise _name_taken(name) from None
    _add_personal_project(connection, ident, int(now * 1_000_000))
    refresh(connection, ident)
    user = User(ident, name, admin, ident)
    if quota != UNLIMITED:
        set_limit(connection, user, DISKSPACE, quota)
    return user


def check_name(name: str) -> None:
    """Raises UsageError for a text that cannot be a user name."""
    if not name or name != name.strip() or len(name) > LONGEST_NAME or not name.isprintable() or "," in name:
        raise UsageError(
            f"{name!r} cannot be a user name",
            hint=f"use 1 to {LONGEST_NAME} printable characters without commas or blanks at the ends",
        )


def set_limit(connection: sqlite3.Connection, user: User, resource: str, limit: int) -> None:
    """Change what a user's personal project may use, in units of the resource; `UNLIMITED` for no limit.

    Raises UsageError for an unknown resource or an impossible limit.
    """
    if resource not in RESOURCES:
        raise UsageError(f"there is no resource {resource!r}", hint=f"one of these: {', '.join(RESOURCES)}")
    if not 0 <= limit <= UNLIMITED:
        raise UsageError(f"a quota of {limit} is out of range")
    connection.execute(
        "INSERT INTO project_limits (project, resource, project_capacity, member_capacity) VALUES (?1, ?2, ?3, ?3)"
        " ON CONFLICT (project, resource) DO UPDATE SET project_capacity = ?3, member_capacity = ?3",
        (user.uuid, resource, limit),
    )
    refresh(connection, user.uuid)


def set_admin(connection: sqlite3.Connection, user: User, admin: bool) -> None:
    """Let a user decide about projects and users, or no longer."""
    connection.execute("UPDATE users SET admin = ? WHERE uuid = ?", (admin, user.uuid))


def set_active(connection: sqlite3.Connection, user: User, active: bool, reason: str | None = None) -> None:
    """Accept a user's tokens again, or none of them any more."""
    connection.execute(
        "UPDATE users SET active = ?, deactivated_reason = ? WHERE uuid = ?", (active, reason, user.uuid)
    )


def rename(connection: sqlite3.Connection, user: User, name: str) -> None:
    """Give a user another name. Raises UsageError for an impossible one, Conflict when somebody else has it."""
    check_name(name)
    try:
        connection.execute("UPDATE users SET name = ?, name_key = ? WHERE uuid = ?", (name, name.casefold(), user.uuid))
    except sqlite3.IntegrityError:
        raise _name_taken(name) from None


def issue_token(connection: sqlite3.Connection, user: User, lifetime: timedelta = TOKEN_LIFETIME) -> str:
    """A new token, valid for `lifetime` beside those that the user has. Expired ones are swept out."""
    now = time.time()
    # Hexadecimal: one that begins with a dash would look like an option on a command line.
    token = secrets.token_hex(24)
    connection.execute("DELETE FROM tokens WHERE user = ? AND expires <= ?", (user.uuid, now))
    connection.execute(
        "INSERT INTO tokens (hash, user, created, expires) VALUES (?, ?, ?, ?)",
        (token_hash(token), user.uuid, now, now + lifetime.total_seconds()),
    )
    return token


def revoke_tokens(connection: sqlite3.Connection, user: User) -> int:
    """End all tokens of a user at once; returns how many there were."""
    return connection.execute("DELETE FROM tokens WHERE user = ?", (user.uuid,)).rowcount


def find_token(connection: sqlite3.Connection, token: str) -> tuple[User, float] | None:
    """Whose token this is and until when (seconds since the epoch); None for one that is not accepted.

    That is an unknown or expired one, or the user was deactivated.
    """
    row = connection.execute(
        f"SELECT {_COLUMNS}, tokens.expires FROM tokens JOIN users ON users.uuid = tokens.user"  # noqa: S608
        " WHERE tokens.hash = ? AND tokens.expires > ? AND users.active",
        (token_hash(token), time.time()),
    ).fetchone()
    return None if row is None else (User(row[0], row[1], bool(row[2]), row[3]), float(row[4]))


def find_user(connection: sqlite3.Connection, *, name: str | None = None, uuid: str | None = None) -> User:
    """The user of that name (in any case) or that uuid. Raises NotFound."""
    column, key = ("name_key", name.casefold()) if name is not None else ("uuid", uuid)
    row = connection.execute(f"SELECT {_COLUMNS} FROM users WHERE {column} = ?", (key,)).fetchone()  # noqa: S608
    if row is None:
        raise NotFound(f"there is no user {name or uuid!r}", hint="see who there is: pithosfs localcloud user list")
    return User(row[0], row[1], bool(row[2]), row[3])


def all_users(connection: sqlite3.Connection) -> list[ListedUser]:
    """Every user, in the order in which they were added."""
    rows = connection.execute(
        f"SELECT {_COLUMNS}, coalesce(l.project_capacity, ?) FROM users LEFT JOIN project_limits l"  # noqa: S608
        " ON l.project = users.uuid AND l.resource = ? ORDER BY users.created, users.uuid",
        (UNLIMITED, DISKSPACE),
    )
    return [ListedUser(row[0], row[1], bool(row[2]), row[3], row[4]) for row in rows]


def issue_service_token(connection: sqlite3.Connection, component: str) -> str:
    """A new token for a part of the platform, valid until it is revoked. Raises UsageError for an unknown part."""
    if component not in COMPONENTS:
        raise UsageError(f"there is no component {component!r}", hint=f"one of these: {', '.join(COMPONENTS)}")
    token = secrets.token_hex(24)
    connection.execute(
        "INSERT INTO service_tokens (hash, component, created) VALUES (?, ?, ?)",
        (token_hash(token), component, time.time()),
    )
    return token


def revoke_service_tokens(connection: sqlite3.Connection, component: str) -> int:
    """End all tokens of a part of the platform; returns how many there were."""
    return connection.execute("DELETE FROM service_tokens WHERE component = ?", (component,)).rowcount


def find_service_token(connection: sqlite3.Connection, token: str) -> str | None:
    """Which part of the platform a token belongs to; None for any other token."""
    row = connection.execute("SELECT component FROM service_tokens WHERE hash = ?", (token_hash(token),)).fetchone()
    return None if row is None else str(row[0])


def names_of(connection: sqlite3.Connection, uuids: Iterable[str]) -> dict[str, str]:
    """uuid → name of those that exist; keys as they were given."""
    found = {}
    for one in uuids:
        row = connection.execute("SELECT name FROM users WHERE uuid = ?", (one.lower(),)).fetchone()
        if row is not None:
            found[one] = row[0]
    return found


def uuids_of(connection: sqlite3.Connection, names: Iterable[str]) -> dict[str, str]:
    """name → uuid of those that exist, in any case; keys as they were given."""
    found = {}
    for one in names:
        row = connection.execute("SELECT uuid FROM users WHERE name_key = ?", (one.casefold(),)).fetchone()
        if row is not None:
            found[one] = row[0]
    return found


def token_hash(token: str) -> bytes:
    """What is stored of a token."""
    # Tokens are random and long, so a plain fast hash is as hard to turn back as a slow one.
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def _name_taken(name: str) -> Conflict:
    return Conflict(
        f"there is a user {name!r} already", hint=f"get a token for them: pithosfs localcloud user token {name}"
    )


def _add_personal_project(connection: sqlite3.Connection, user: str, now: int) -> None:
    """What every user has: a project with the user's id, of which the user is the only member."""
    connection.execute(
        "INSERT INTO projects (uuid, name, state, personal, created, join_policy, leave_policy, max_members, private)"
        " VALUES (?, ?, 'active', 1, ?, 'closed', 'closed', 1, 1)",
        (user, f"system:{user}", now),
    )
    membership = connection.execute(
        "INSERT INTO memberships (user, project, state) VALUES (?1, ?1, 'accepted')", (user,)
    ).lastrowid
    connection.execute("INSERT INTO membership_times VALUES (?, 'accepted', ?)", (membership, now))
