"""Users and their tokens: the tables, and what is done with them inside a transaction.

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
from pithosfs.localcloud.database import Migration

__all__ = [
    "MIGRATIONS",
    "TOKEN_LIFETIME",
    "UNLIMITED",
    "User",
    "add_user",
    "all_users",
    "find_token",
    "find_user",
    "issue_token",
    "names_of",
    "quota_of",
    "revoke_tokens",
    "uuids_of",
]

UNLIMITED = 2**63 - 1
"""The quota that stands for "no limit" (identity.md 1.1)."""

TOKEN_LIFETIME = timedelta(days=3650)
"""Tokens of a cloud on one's own machine outlive the settings they are written into."""

LONGEST_NAME = 256
"""Characters in a user name: the limit for principals on the wire (object-store.md 3.4)."""

_SCHEMA = """
CREATE TABLE users (
    uuid TEXT PRIMARY KEY,          -- lower case; also the account in object-store URLs and the user's own project
    name TEXT NOT NULL,             -- as it was given; shown everywhere
    name_key TEXT NOT NULL UNIQUE,  -- the name case-folded: names that differ only in case are one user
    quota INTEGER NOT NULL CHECK (quota >= 0),  -- bytes of pithos.diskspace; 2^63-1 is "unlimited"
    created REAL NOT NULL           -- seconds since the epoch
) WITHOUT ROWID;

CREATE TABLE tokens (
    hash BLOB PRIMARY KEY,          -- SHA-256 of the token, which is shown once and kept nowhere
    user TEXT NOT NULL REFERENCES users (uuid) ON DELETE CASCADE,   -- a user may have several valid tokens
    created REAL NOT NULL,          -- seconds since the epoch
    expires REAL NOT NULL           -- seconds since the epoch; from then on the token is refused
) WITHOUT ROWID;

CREATE INDEX tokens_by_user ON tokens (user);
"""

MIGRATIONS: tuple[Migration, ...] = (_SCHEMA,)


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who may use this cloud. `quota` is in bytes, `UNLIMITED` when there is none."""

    uuid: str
    name: str
    quota: int


def add_user(connection: sqlite3.Connection, name: str, quota: int = UNLIMITED) -> User:
    """Make a user. Raises UsageError for an impossible name or quota, Conflict when the name is taken."""
    if not name or name != name.strip() or len(name) > LONGEST_NAME or not name.isprintable() or "," in name:
        raise UsageError(
            f"{name!r} cannot be a user name",
            hint=f"use 1 to {LONGEST_NAME} printable characters without commas or blanks at the ends",
        )
    if not 0 <= quota <= UNLIMITED:
        raise UsageError(f"a quota of {quota} bytes is out of range")
    user = User(str(uuid.uuid4()), name, quota)
    try:
        connection.execute(
            "INSERT INTO users (uuid, name, name_key, quota, created) VALUES (?, ?, ?, ?, ?)",
            (user.uuid, name, name.casefold(), quota, time.time()),
        )
    except sqlite3.IntegrityError:
        raise Conflict(
            f"there is a user {name!r} already", hint=f"get a token for them: pithosfs localcloud user token {name}"
        ) from None
    return user


def issue_token(connection: sqlite3.Connection, user: User, lifetime: timedelta = TOKEN_LIFETIME) -> str:
    """A new token, valid for `lifetime` beside those that the user has. Expired ones are swept out."""
    now = time.time()
    # Hexadecimal: one that begins with a dash would look like an option on a command line.
    token = secrets.token_hex(24)
    connection.execute("DELETE FROM tokens WHERE user = ? AND expires <= ?", (user.uuid, now))
    connection.execute(
        "INSERT INTO tokens (hash, user, created, expires) VALUES (?, ?, ?, ?)",
        (_token_hash(token), user.uuid, now, now + lifetime.total_seconds()),
    )
    return token


def revoke_tokens(connection: sqlite3.Connection, user: User) -> int:
    """End all tokens of a user at once; returns how many there were."""
    return connection.execute("DELETE FROM tokens WHERE user = ?", (user.uuid,)).rowcount


def find_token(connection: sqlite3.Connection, token: str) -> tuple[User, float] | None:
    """Whose token this is and until when (seconds since the epoch); None for an unknown or expired one."""
    row = connection.execute(
        "SELECT users.uuid, users.name, users.quota, tokens.expires FROM tokens JOIN users ON users.uuid = tokens.user"
        " WHERE tokens.hash = ? AND tokens.expires > ?",
        (_token_hash(token), time.time()),
    ).fetchone()
    return None if row is None else (User(row[0], row[1], row[2]), float(row[3]))


def find_user(connection: sqlite3.Connection, *, name: str | None = None, uuid: str | None = None) -> User:
    """The user of that name (in any case) or that uuid. Raises NotFound."""
    column, key = ("name_key", name.casefold()) if name is not None else ("uuid", uuid)
    row = connection.execute(f"SELECT uuid, name, quota FROM users WHERE {column} = ?", (key,)).fetchone()  # noqa: S608
    if row is None:
        raise NotFound(f"there is no user {name or uuid!r}", hint="see who there is: pithosfs localcloud user list")
    return User(row[0], row[1], row[2])


def all_users(connection: sqlite3.Connection) -> list[User]:
    """Every user, in the order in which they were added."""
    return [User(*row) for row in connection.execute("SELECT uuid, name, quota FROM users ORDER BY created, uuid")]


def quota_of(connection: sqlite3.Connection, uuid: str) -> int:
    """Bytes that the user (or the project of that id) may hold; 0 for somebody who does not exist."""
    row = connection.execute("SELECT quota FROM users WHERE uuid = ?", (uuid,)).fetchone()
    return 0 if row is None else int(row[0])


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


def _token_hash(token: str) -> bytes:
    # Tokens are random and long, so a plain fast hash is as hard to turn back as a slow one.
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
