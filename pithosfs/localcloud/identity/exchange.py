"""One request to the identity service: who sent it, what it says, and how it is answered (identity.md section 1)."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from pithosfs.localcloud import users
from pithosfs.localcloud.catalog import Service
from pithosfs.localcloud.database import Database
from pithosfs.localcloud.faults import COMMON_HEADERS, bad_request, forbidden, over_limit, unauthorized
from pithosfs.localcloud.users import User

__all__ = [
    "Call",
    "Handler",
    "comma_list",
    "iso",
    "json_object",
    "microseconds",
    "nothing",
    "only_key",
    "reply",
    "sent_token",
    "strings",
]

T = TypeVar("T")

LARGEST_BODY = 4 * 1024 * 1024
"""Bytes of a body: room for a user catalog of some ten thousand names, and a bound on memory."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Call:
    """A request and what its handler stands on. `base` is the cloud's address as the sender sees it."""

    request: Request
    database: Database
    services: Sequence[Service]
    base: str

    # who ------------------------------------------------------------------------------------------------------------

    def user(self) -> User:
        """Who sent it. Raises Fault 401, also for the token of a service."""
        token = sent_token(self.request.scope)
        found = self.database.read_now(lambda connection: users.find_token(connection, token)) if token else None
        if found is None:
            raise unauthorized("the token is missing, unknown or expired")
        return found[0]

    def admin(self) -> User:
        """Who sent it, who must be an administrator. Raises Fault 401, 403."""
        user = self.user()
        if not user.admin:
            raise forbidden("only an administrator may do that")
        return user

    def component(self) -> str:
        """Which part of the platform sent it. Raises Fault 401, also for the token of a user."""
        token = sent_token(self.request.scope)
        found = self.database.read_now(lambda connection: users.find_service_token(connection, token))
        if found is None:
            raise unauthorized("the token is not that of a service")
        return found

    # what -----------------------------------------------------------------------------------------------------------

    @property
    def query(self) -> Mapping[str, str]:
        """The parameters of the address; the last one of a name counts."""
        return self.request.query_params

    async def body(self) -> bytes:
        """The whole body. Raises Fault 413 beyond `LARGEST_BODY`."""
        body = bytearray()
        async for piece in self.request.stream():
            body += piece
            if len(body) > LARGEST_BODY:
                raise over_limit("the body is too large")
        return bytes(body)

    async def json(self) -> dict[str, Any]:
        """The JSON object in the body. Raises Fault 400 for anything else, and for another content type."""
        self.require_json()
        return json_object(await self.body())

    def require_json(self) -> None:
        """Raises Fault 400 unless the body says that it is JSON."""
        if not self.request.headers.get("content-type", "").strip().lower().startswith("application/json"):
            raise bad_request("the Content-Type must be application/json")

    # the database ---------------------------------------------------------------------------------------------------

    async def read(self, fn: Callable[[sqlite3.Connection], T]) -> T:
        """What `fn` finds in one snapshot."""
        return await self.database.read_long(fn)

    async def write(self, fn: Callable[[sqlite3.Connection], T]) -> T:
        """Run `fn` as one transaction: all of it is kept, or, when it raises, nothing."""
        return await self.database.write(fn)


Handler = Callable[..., Awaitable[Response]]
"""`async def handler(call, *parts)`: the parts are what the route's pattern catches."""


def sent_token(scope: Scope) -> str:
    """The token of a request, "" when there is none: the query parameter if it is not empty, else the header."""
    query: bytes = scope["query_string"]
    if b"X-Auth-Token" in query:
        values = parse_qs(query.decode("latin-1")).get("X-Auth-Token")
        if values:
            return values[-1]
    for name, value in scope["headers"]:
        if name == b"x-auth-token":
            token: str = value.decode("latin-1")
            return token.strip()
    return ""


# what requests say ----------------------------------------------------------------------------------------------------


def json_object(body: bytes, *, any_text: bool = False) -> dict[str, Any]:
    """Raises Fault 400 for what is no JSON object; unless `any_text`, also for text that could not be stored."""
    try:
        value = json.loads(body)
        if b"\\u" in body and not any_text:
            json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise bad_request("the body has halves of characters, which are no text") from None
    except (ValueError, RecursionError):
        raise bad_request("the body is not JSON") from None
    if not isinstance(value, dict):
        raise bad_request("the body is not a JSON object")
    return value


def strings(body: Mapping[str, object], key: str, *, null_is_empty: bool = False) -> list[str]:
    """A list of strings, empty when it is not there. Raises Fault 400."""
    value = body.get(key, [])
    if value is None and null_is_empty:
        return []
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise bad_request(f"{key} must be a list of strings")
    return value


def only_key(body: Mapping[str, object], known: Sequence[str]) -> str:
    """The one of the known keys that a body has. Raises Fault 400 when there is none, or several, or another."""
    if len(body) != 1 or (key := next(iter(body))) not in known:
        raise bad_request(f"exactly one of these is wanted: {', '.join(known)}")
    return key


def comma_list(call: Call, name: str) -> list[str] | None:
    """The items of a parameter that is a list with commas; None when it is not there."""
    text = call.query.get(name)
    return None if text is None else text.split(",")


# answers --------------------------------------------------------------------------------------------------------------


def reply(value: object, status: int = 200) -> Response:
    """A JSON answer."""
    return Response(json.dumps(value).encode(), status, _HEADERS)


def nothing(status: int = 200) -> Response:
    """An answer without a body, which is JSON by name all the same (identity.md 1.2)."""
    return Response(b"", status, _HEADERS)


_HEADERS = {**COMMON_HEADERS, "Content-Type": "application/json; charset=UTF-8"}


def microseconds() -> int:
    """Now, as the tables keep it."""
    return time.time_ns() // 1000


def iso(time: int | None) -> str | None:
    """Microseconds since the epoch as text (identity.md 1.1)."""
    return None if time is None else (_EPOCH + timedelta(microseconds=time)).isoformat()
