"""Tokens, the catalog that they open, and the versions of the service (identity.md section 2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from starlette.responses import Response

from pithosfs.localcloud import users
from pithosfs.localcloud.catalog import catalog_json, endpoints_json
from pithosfs.localcloud.faults import bad_request, forbidden, not_found, unauthorized
from pithosfs.localcloud.identity.exchange import Call, json_object, reply, sent_token
from pithosfs.localcloud.quota import projects_of
from pithosfs.localcloud.users import User

__all__ = ["authenticate", "endpoints", "roles", "short_token", "version_details", "versions"]


async def versions(call: Call) -> Response:
    """GET of the root: the versions there are."""
    return reply({"versions": {"values": [_version(call.base)]}})


async def version_details(call: Call) -> Response:
    """GET of the version: what it speaks."""
    media_type = {"base": "application/json", "type": "application/vnd.openstack.identity-v2.0+json"}
    manual = {"rel": "describedby", "type": "text/html", "href": "https://docs.openstack.org/"}
    version = _version(call.base)
    return reply({"version": {**version, "media_types": [media_type], "links": [*version["links"], manual]}})


def _version(base: str) -> dict[str, Any]:
    link = {"rel": "self", "href": f"{base}/identity/v2.0/"}
    return {"id": "v2.0", "status": "CURRENT", "updated": "2014-04-17T00:00:00Z", "links": [link]}


async def authenticate(call: Call) -> Response:
    """POST tokens: who a token belongs to, or the public catalog when there is no body (2.2)."""
    body = await call.body()
    catalog = catalog_json(call.services, call.base)
    if not body:
        return reply({"access": {"serviceCatalog": catalog}})
    call.require_json()
    credentials = _credentials(json_object(body, any_text=True))
    found = call.database.read_now(lambda connection: users.find_token(connection, credentials.token))
    if found is None or credentials.uuid not in (None, found[0].uuid):
        raise unauthorized("the token is unknown or has expired, or it is not that user's")
    user, expires = found
    if credentials.tenant not in (None, user.uuid):
        raise bad_request("tenantName is not the user's id")
    projects = call.database.read_now(lambda connection: projects_of(connection, user.uuid))
    return reply(
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
                    "roles": [{"id": str(number), "name": name} for number, name in enumerate(roles(user), 1)],
                    "roles_links": [],
                    "projects": projects,
                },
                "serviceCatalog": catalog,
            }
        }
    )


def roles(user: User) -> list[str]:
    """The groups of a user; the numbers of their ids are their places here."""
    return ["default", "admin-api"] if user.admin else ["default"]


async def short_token(call: Call, token: str) -> Response:
    """GET tokens/<token> validates short-lived tokens of a browser log-in, which this cloud never issues (10.3)."""
    raise not_found("there is no such short-lived token")


async def endpoints(call: Call, token: str) -> Response:
    """GET tokens/<token>/endpoints, for the token's own holder (2.6)."""
    user = call.user()
    if token != sent_token(call.request.scope):
        raise forbidden("the token in the path is not the one that was sent")
    if call.query.get("belongsTo", user.uuid) != user.uuid:
        raise bad_request("belongsTo is not the token holder's id")
    return reply({"endpoints": endpoints_json(call.services, call.base), "endpoints_links": []})


@dataclass(frozen=True, slots=True)
class _Credentials:
    """What POST tokens asks for: a token, and whose it must be as far as the sender said so."""

    token: str
    uuid: str | None
    tenant: str | None


def _credentials(body: Mapping[str, object]) -> _Credentials:
    """The variants of 2.2. Raises Fault 400 for anything else."""
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
