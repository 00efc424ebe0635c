"""The requests to the identity service that need no state: authenticate, catalog, user names, quotas, resources.

Source: identity.md sections 2, 3, 5, 6. `AstakosClient` and `connect` both stand on these functions.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pithosfs.clients.catalog import authentication_url
from pithosfs.errors import BadReply, NotLoggedIn
from pithosfs.http import Session

__all__ = ["account_get", "authenticate", "public_catalog", "user_catalogs"]


def authenticate(session: Session, url: str, token: str, tenant_name: str | None = None) -> dict[str, Any]:
    """`{"access": {"token", "user", "serviceCatalog"}}` for a token (section 2.3).

    Raises NotLoggedIn when the token is refused, BadReply when that address is not an identity service.
    """
    if not (token and token.isascii() and token.isprintable()):
        raise NotLoggedIn("the token is empty or holds characters that no token has", 401)
    auth: dict[str, Any] = {"token": {"id": token}}
    if tenant_name is not None:
        auth["tenantName"] = tenant_name
    address = f"{authentication_url(url)}/tokens"
    reply = session.request("POST", address, headers={"X-Auth-Token": token}, json={"auth": auth}, retry=True)
    found = _object(reply.json(), address)
    access = found.get("access")
    if not isinstance(access, dict) or not isinstance(access.get("user"), dict) or not access["user"].get("id"):
        raise _not_identity(address)
    if not isinstance(access.get("serviceCatalog"), list):
        raise _not_identity(address)
    return found


def public_catalog(session: Session, url: str) -> dict[str, Any]:
    """`{"access": {"serviceCatalog"}}`, which needs no token (section 2.2)."""
    address = f"{authentication_url(url)}/tokens"
    headers = {"Content-Type": "application/json"}
    found = _object(session.request("POST", address, headers=headers, data=b"", retry=True).json(), address)
    if not isinstance(found.get("access"), dict) or not isinstance(found["access"].get("serviceCatalog"), list):
        raise _not_identity(address)
    return found


def user_catalogs(
    session: Session,
    account_url: str,
    token: str,
    *,
    uuids: Iterable[str] | None = None,
    displaynames: Iterable[str] | None = None,
    service: bool = False,
) -> dict[str, str]:
    """uuid → name for `uuids`, or name → uuid for `displaynames` (section 3). Unknown ones are left out.

    The answer has the caller's spelling of a name. `service` uses the call for service tokens.
    """
    wanted = {"uuids": list(uuids)} if uuids is not None else {"displaynames": list(displaynames or ())}
    address = f"{account_url}/{'service/' if service else ''}user_catalogs"
    reply = session.request("POST", address, headers={"X-Auth-Token": token}, json=wanted, retry=True)
    catalog = _object(reply.json(), address).get("uuid_catalog" if uuids is not None else "displayname_catalog")
    if not isinstance(catalog, dict):
        raise BadReply(f"{address} sent no user catalog")
    return {str(key): str(value) for key, value in catalog.items()}


def account_get(
    session: Session, account_url: str, token: str, path: str, params: dict[str, str] | None = None
) -> dict[str, Any]:
    """A JSON object below the account service: `quotas`, `resources`, `service_quotas`, …"""
    address = f"{account_url}/{path}"
    reply = session.request("GET", address, headers={"X-Auth-Token": token}, params=params)
    return _object(reply.json(), address)


def _object(found: object, address: str) -> dict[str, Any]:
    if not isinstance(found, dict):
        raise _not_identity(address)
    return found


def _not_identity(address: str) -> BadReply:
    return BadReply(
        f"{address} is not an identity service",
        hint="set the cloud's authentication address, which often ends in /identity/v2.0",
    )
