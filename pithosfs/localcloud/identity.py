"""The identity service of the local cloud: who asks, who else there is, what is offered and how much of it is used.

Source: identity.md sections 1-3, 5 and 6. Other services ask `Identity.caller` whose request it is; the command line
changes users and tokens in a process of its own, so nothing about them is kept in memory here: a look-up costs
microseconds.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from pithosfs.localcloud import users
from pithosfs.localcloud.catalog import Service, base_url, catalog_json, endpoints_json
from pithosfs.localcloud.database import Database
from pithosfs.localcloud.faults import (
    COMMON_HEADERS,
    Fault,
    bad_request,
    fault_response,
    forbidden,
    method_not_allowed,
    not_found,
    over_limit,
    rejected_token,
    requested_form,
    unauthorized,
)
from pithosfs.localcloud.identity_schema import MIGRATIONS, SERVICE
from pithosfs.localcloud.quota import quotas_of
from pithosfs.localcloud.resources import RESOURCES
from pithosfs.localcloud.users import User

__all__ = ["Identity", "User", "sent_token"]

LARGEST_BODY = 4 * 1024 * 1024
"""Bytes of a JSON body: room for a user catalog of some ten thousand names, and a bound on memory."""


class Identity:
    """Users, tokens, catalog and quotas; an ASGI application for `/identity` and `/account`.

    `configured_url` is the address that the catalog shows; None takes each request's own `Host`.
    """

    def __init__(self, database: Database, configured_url: str | None = None) -> None:
        database.migrate(SERVICE, MIGRATIONS)
        self._database = database
        self._configured_url = configured_url
        self._services = [
            Service("identity", "astakos_identity", "v2.0", "/identity/v2.0"),
            Service("account", "astakos_account", "v1.0", "/account/v1.0"),
        ]

    # for the other services -----------------------------------------------------------------------------------------

    def add_service(self, service: Service) -> None:
        """Put a service into the catalog."""
        self._services.append(service)

    def authenticate(self, token: str) -> User | None:
        """Whose token this is; None for an unknown or expired one. New tokens count at once. Event loop only."""
        found = self._database.read_now(lambda connection: users.find_token(connection, token))
        return None if found is None else found[0]

    def caller(self, scope: Scope) -> User:
        """Who sent this request to a service other than identity. Raises the faults of identity.md 1.4."""
        token = sent_token(scope)
        if not token:
            raise unauthorized()
        user = self.authenticate(token)
        if user is None:
            raise rejected_token()
        return user

    def names_of(self, uuids: list[str]) -> dict[str, str]:
        """uuid → user name of those that exist. Event loop only."""
        return self._database.read_now(lambda connection: users.names_of(connection, uuids))

    def uuids_of(self, names: list[str]) -> dict[str, str]:
        """user name (in any case) → uuid of those that exist, under the names as given. Event loop only."""
        return self._database.read_now(lambda connection: users.uuids_of(connection, names))

    def base_url(self, scope: Scope) -> str:
        """The cloud's address as the sender of this request sees it, without a trailing slash."""
        return base_url(scope, self._configured_url)

    # HTTP -----------------------------------------------------------------------------------------------------------

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except Fault as fault:
            response = fault_response(fault, requested_form(scope))
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        path = request.scope["raw_path"].decode("latin-1")
        if len(path) > 1 and path.endswith("/"):
            path = path[:-1]  # one optional trailing slash
        for pattern, verbs in _ROUTES:
            if match := pattern.fullmatch(path):
                handler = verbs.get(request.method)
                if handler is None:
                    raise method_not_allowed(*verbs)
                return await handler(self, request, *match.groups())
        raise bad_request("there is nothing at this address")

    async def _versions(self, request: Request) -> Response:
        return _reply({"versions": {"values": [_version(self.base_url(request.scope))]}})

    async def _version_details(self, request: Request) -> Response:
        media_type = {"base": "application/json", "type": "application/vnd.openstack.identity-v2.0+json"}
        manual = {"rel": "describedby", "type": "text/html", "href": "https://docs.openstack.org/"}
        version = _version(self.base_url(request.scope))
        return _reply({"version": {**version, "media_types": [media_type], "links": [*version["links"], manual]}})

    async def _tokens(self, request: Request) -> Response:
        """POST tokens: authenticate, or the public catalog when there is no body (identity.md 2.2)."""
        body = await _body(request)
        catalog = catalog_json(self._services, self.base_url(request.scope))
        if not body:
            return _reply({"access": {"serviceCatalog": catalog}})
        if not request.headers.get("content-type", "").strip().lower().startswith("application/json"):
            raise bad_request("the Content-Type must be application/json")
        credentials = _credentials(_json_object(body))
        found = self._database.read_now(lambda connection: users.find_token(connection, credentials.token))
        if found is None or credentials.uuid not in (None, found[0].uuid):
            raise unauthorized("the token is unknown or has expired, or it is not that user's")
        user, expires = found
        if credentials.tenant not in (None, user.uuid):
            raise bad_request("tenantName is not the user's id")
        return _reply(
            {
                "access": {
                    "token": {
                        "id": credentials.token,
                        "expires": datetime.fromtimestamp(expires, UTC).isoformat(timespec="microseconds"),
                        "tenant": {"id": user.default_project, "name": user.name},
                    },
                    "user": {
                        "id": user.uuid,
                        "name": user.name,
                        "roles": [{"id": "1", "name": "default"}],
                        "roles_links": [],
                        "projects": [user.uuid],
                    },
                    "serviceCatalog": catalog,
                }
            }
        )

    async def _short_token(self, request: Request, token: str) -> Response:
        """GET tokens/<token> validates short-lived tokens of a browser log-in, which this cloud never issues."""
        raise not_found("there is no such short-lived token")

    async def _endpoints(self, request: Request, token: str) -> Response:
        """GET tokens/<token>/endpoints, for the token's own holder (identity.md 2.6)."""
        user = self._own_user(request)
        if token != sent_token(request.scope):
            raise forbidden("the token in the path is not the one that was sent")
        if request.query_params.get("belongsTo", user.uuid) != user.uuid:
            raise bad_request("belongsTo is not the token holder's id")
        return _reply(
            {"endpoints": endpoints_json(self._services, self.base_url(request.scope)), "endpoints_links": []}
        )

    async def _user_catalogs(self, request: Request) -> Response:
        """POST user_catalogs: names ↔ uuids (identity.md section 3). The content type does not matter."""
        self._own_user(request)
        wanted = _json_object(await _body(request))
        uuids = _strings(wanted, "uuids", null_is_empty=True)
        names = _strings(wanted, "displaynames", null_is_empty=False)

        def look_up(connection: sqlite3.Connection) -> dict[str, dict[str, str]]:
            return {
                "uuid_catalog": users.names_of(connection, uuids),
                "displayname_catalog": users.uuids_of(connection, names),
            }

        return _reply(await self._database.read_long(look_up))

    async def _list_resources(self, request: Request) -> Response:
        return _reply(
            {
                one.name: {
                    "unit": one.unit,
                    "description": one.description,
                    "service": one.service,
                    "ui_visible": True,
                    "api_visible": True,
                }
                for one in RESOURCES.values()
                if one.visible
            }
        )

    async def _quotas(self, request: Request) -> Response:
        """GET quotas: by project and resource (identity.md section 6)."""
        user = self._own_user(request)
        found = await self._database.read_long(lambda connection: quotas_of(connection, user.uuid))
        return _reply(
            {
                project: {name: asdict(one) for name, one in quotas.items() if RESOURCES[name].visible}
                for project, quotas in found.items()
            }
        )

    def _own_user(self, request: Request) -> User:
        """Who sent this request to the identity service itself, which says `unauthorized` in every bad case."""
        token = sent_token(request.scope)
        user = self.authenticate(token) if token else None
        if user is None:
            raise unauthorized("the token is missing, unknown or expired")
        return user


_Handler = Callable[..., Awaitable[Response]]

_ROUTES: list[tuple[re.Pattern[str], Mapping[str, _Handler]]] = [
    (re.compile("/identity"), {"GET": Identity._versions}),
    (re.compile(r"/identity/v2\.0"), {"GET": Identity._version_details}),
    (re.compile(r"/identity/v2\.0/tokens"), {"POST": Identity._tokens}),
    (re.compile(r"/identity/v2\.0/tokens/([^/]+)"), {"GET": Identity._short_token}),
    (re.compile(r"/identity/v2\.0/tokens/([^/]+)/endpoints"), {"GET": Identity._endpoints}),
    (re.compile(r"/account/v1\.0/user_catalogs"), {"POST": Identity._user_catalogs}),
    (re.compile(r"/account/v1\.0/resources"), {"GET": Identity._list_resources}),
    (re.compile(r"/account/v1\.0/quotas"), {"GET": Identity._quotas}),
]


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


@dataclass(frozen=True, slots=True)
class _Credentials:
    """What POST tokens asks for: a token, and whose it must be as far as the sender said so."""

    token: str
    uuid: str | None
    tenant: str | None


def _credentials(body: Mapping[str, object]) -> _Credentials:
    """The variants of identity.md 2.2. Raises badRequest for anything else."""
    auth = body.get("auth")
    if not isinstance(auth, dict):
        raise bad_request("there is no auth object")
    uuid: str | None = None
    if isinstance(given := auth.get("token"), dict):
        token = given.get("id")
    elif isinstance(given := auth.get("passwordCredentials"), dict):
        token, name = given.get("password"), given.get("username")
        if not isinstance(name, str):
            raise bad_request("passwordCredentials lack a username")
        uuid = name
    else:
        raise bad_request("there are neither token nor passwordCredentials")
    tenant = auth.get("tenantName")
    if not isinstance(token, str) or not token:
        raise bad_request("the token is missing")
    if tenant is not None and not isinstance(tenant, str):
        raise bad_request("tenantName is not a string")
    return _Credentials(token, uuid, tenant)


def _strings(body: Mapping[str, object], key: str, *, null_is_empty: bool) -> list[str]:
    value = body.get(key, [])
    if value is None and null_is_empty:
        return []
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise bad_request(f"{key} must be a list of strings")
    if any("\ud800" <= char <= "\udfff" for one in value for char in one):
        raise bad_request(f"{key} has halves of characters, which are no text")
    return value


def _version(base: str) -> dict[str, Any]:
    link = {"rel": "self", "href": f"{base}/identity/v2.0/"}
    return {"id": "v2.0", "status": "CURRENT", "updated": "2014-04-17T00:00:00Z", "links": [link]}


async def _body(request: Request) -> bytes:
    """The whole body. Raises requestEntityTooLarge beyond `LARGEST_BODY`."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > LARGEST_BODY:
            raise over_limit("the body is too large")
    return bytes(body)


def _json_object(body: bytes) -> dict[str, object]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise bad_request("the body is not JSON") from None
    if not isinstance(value, dict):
        raise bad_request("the body is not a JSON object")
    return value


def _reply(value: object) -> Response:
    headers = {**COMMON_HEADERS, "Content-Type": "application/json; charset=UTF-8"}
    return Response(json.dumps(value).encode(), 200, headers)
