"""Swift's v1 authentication, `GET /auth/v1.0`: a user's name and one of their tokens for the storage URL.

Nothing is issued: the token that comes back is the one that was sent as the key, once it was found to be that user's.
The user is named by name (in any case), by id, or as `account:name`, where the account is the same user once more,
by name, by id or as `AUTH_<id>`.

Keystone's version 2 is what the identity service speaks, but its catalog leads to the Pithos API: clients take the
first entry of the type `object-store`, whose address has no account in it, and `default` is the only region
(identity.md 2.3, 2.5). So there is no second entry for Swift, and Swift clients are told to use version 1.
"""

from __future__ import annotations

import sqlite3
import time

from pithosfs.errors import NotFound
from pithosfs.localcloud import users
from pithosfs.localcloud.faults import Fault
from pithosfs.localcloud.objects.backend import Backend
from pithosfs.localcloud.objects.exchange import Reply
from pithosfs.localcloud.swift.wire import ACCOUNT_PREFIX, SwiftHeaders
from pithosfs.localcloud.users import User

__all__ = ["ENDPOINT", "log_in", "refused"]

ENDPOINT = "/swift/v1/"
"""Where accounts are, below the cloud's base URL."""


def log_in(backend: Backend, base_url: str, headers: SwiftHeaders) -> Reply:
    """The storage URL of a user who could show a token. Raises Fault 401."""
    name = headers.get("x-auth-user") or headers.get("x-storage-user")
    key = headers.get("x-auth-key") or headers.get("x-storage-pass")
    if not name or not key:
        raise refused()
    found = backend.database.read_now(lambda connection: users.find_token(connection, key))
    if found is None:
        raise refused()
    user, expires = found
    if not backend.database.read_now(lambda connection: _is_called(connection, user, name)):
        raise refused()
    return Reply(
        200,
        [
            ("X-Auth-Token", key),
            ("X-Storage-Token", key),
            ("X-Auth-Token-Expires", str(max(0, int(expires - time.time())))),
            ("X-Storage-Url", f"{base_url}{ENDPOINT}{ACCOUNT_PREFIX}{user.uuid}"),
            ("Content-Type", "text/plain; charset=UTF-8"),
        ],
    )


def refused(account: str = "unknown") -> Fault:
    """401: no token, or none that is accepted."""
    message = "This server could not verify that you are authorized to access the document you requested."
    return Fault(401, "unauthorized", message, headers={"Www-Authenticate": f'Swift realm="{account}"'})


def _is_called(connection: sqlite3.Connection, user: User, text: str) -> bool:
    """Whether a text names that user, in one of the forms above. A name may have colons in it itself."""
    if _is_one_name(connection, user, text):
        return True
    return any(
        _is_one_name(connection, user, text[:at].removeprefix(ACCOUNT_PREFIX))
        and _is_one_name(connection, user, text[at + 1 :])
        for at, char in enumerate(text)
        if char == ":"
    )


def _is_one_name(connection: sqlite3.Connection, user: User, text: str) -> bool:
    if text == user.uuid:
        return True
    try:
        return bool(text) and users.find_user(connection, name=text).uuid == user.uuid
    except NotFound:
        return False
