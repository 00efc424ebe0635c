"""Clients of the identity service (Astakos): who a token belongs to, where the services are, names of users, quotas.

`AstakosClient` asks the server each time but for the catalog; `CachedAstakosClient` remembers what it learnt of each
token. Methods and parameters are those that existing programs use.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pithosfs import errors
from pithosfs.clients import identity
from pithosfs.clients.catalog import authentication_url, endpoint_url, find_endpoint, find_service
from pithosfs.clients.client import Client
from pithosfs.http import Session

__all__ = [
    "AstakosClient",
    "AstakosClientError",
    "BadRequest",
    "CachedAstakosClient",
    "Forbidden",
    "LoggedAstakosClient",
    "NoUserName",
    "NoUserUUID",
    "NotFound",
    "QuotaLimit",
    "Unauthorized",
]

_log = logging.getLogger(__name__)


# errors -------------------------------------------------------------------------------------------------------------


class AstakosClientError(errors.ClientError):
    """An error of the identity service. Existing programs want another positional order than ClientError's."""

    def __init__(
        self,
        message: str = "Astakos Client Error",
        details: object = "",
        status: int = 0,
        *,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, status, details, hint=hint)


class BadRequest(AstakosClientError, errors.BadRequest):
    """400."""


class Unauthorized(AstakosClientError, errors.NotLoggedIn):
    """401."""


class Forbidden(AstakosClientError, errors.NotAllowed):
    """403."""


class NotFound(AstakosClientError, errors.NotFound):
    """404."""


class QuotaLimit(AstakosClientError, errors.QuotaExceeded):
    """413."""


class NoUserName(NotFound):
    """No user has that uuid."""


class NoUserUUID(NotFound):
    """No user has that name."""


_KINDS: Mapping[int, type[AstakosClientError]] = {
    400: BadRequest,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    413: QuotaLimit,
}


@contextmanager
def _astakos_errors() -> Iterator[None]:
    """ClientError → the kind of AstakosClientError that is also of the same kind in our own tree."""
    try:
        yield
    except AstakosClientError:
        raise
    except errors.ClientError as error:
        kind = _KINDS.get(error.status, AstakosClientError)
        raise kind(error.message, error.details, error.status, hint=error.hint) from error


# the clients --------------------------------------------------------------------------------------------------------


class AstakosClient(Client):
    """The identity service at an authentication address, as one user. Errors of the server are AstakosClientError.

    The address may be given as `endpoint_url`, `auth_url` or `base_url`.
    """

    service_type = "identity"

    def __init__(
        self,
        endpoint_url: str = "",
        token: str = "",
        *,
        auth_url: str | None = None,
        base_url: str | None = None,
        logger: logging.Logger | None = None,
        session: Session | None = None,
    ) -> None:
        url = endpoint_url or auth_url or base_url or ""
        super().__init__(authentication_url(url), token, session=session)
        self.logger = logger or _log
        self._public_catalog: dict[str, Any] | None = None

    @property
    def auth_url(self) -> str:
        """The authentication address with its version."""
        return self.endpoint_url

    def authenticate(self, tenant_name: str | None = None) -> dict[str, Any]:
        """`{"access": {"token", "user", "serviceCatalog"}}` of the token. `tenant_name` must be the user's own uuid."""
        with _astakos_errors():
            return identity.authenticate(self.session, self.endpoint_url, self.token, tenant_name)

    @property
    def user_info(self) -> dict[str, Any]:
        """`{"id", "name", "roles", "projects", …}` of the token's user. Asks the server each time."""
        user: dict[str, Any] = self.authenticate()["access"]["user"]
        return user

    def user_term(self, term: str) -> Any:
        """One item of `user_info`. Raises KeyError when there is no such item."""
        return self.user_info[term]

    # the catalog

    def get_endpoints(self, extra: bool = False) -> dict[str, Any]:
        """`{"access": {"serviceCatalog": […]}}`; needs no token. Asked for once. `extra` is without effect."""
        if self._public_catalog is None:
            with _astakos_errors():
                self._public_catalog = identity.public_catalog(self.session, self.endpoint_url)
        return self._public_catalog

    def get_service_endpoints(self, service_type: str, version: str | None = None) -> dict[str, Any]:
        """The one endpoint of a service: `{"publicURL", "versionId", "region", "SNF:uiURL", …}`.

        Raises AstakosClientError when there is none or more than one.
        """
        with _astakos_errors():
            catalog = self.get_endpoints()["access"]["serviceCatalog"]
            return find_endpoint(find_service(catalog, service_type), version)

    def get_endpoint_url(self, service_type: str, version: str | None = None) -> str:
        """The address of a service, with its version, without a trailing slash."""
        return endpoint_url(self.get_service_endpoints(service_type, version), service_type)

    # names of users

    def get_usernames(self, uuids: Iterable[str]) -> dict[str, str]:
        """uuid → user name; unknown uuids are left out."""
        return self._user_catalogs(uuids=uuids)

    def get_username(self, uuid: str) -> str:
        """The user's name. Raises NoUserName."""
        return _the_one(self.get_usernames([uuid]), uuid, NoUserName)

    def get_uuids(self, display_names: Iterable[str]) -> dict[str, str]:
        """User name → uuid; unknown names are left out. Names match in any case, and are spelt as the caller did."""
        return self._user_catalogs(displaynames=display_names)

    def get_uuid(self, display_name: str) -> str:
        """The user's uuid. Raises NoUserUUID."""
        return _the_one(self.get_uuids([display_name]), display_name, NoUserUUID)

    def service_get_usernames(self, uuids: Iterable[str]) -> dict[str, str]:
        """`get_usernames` for a service token."""
        return self._user_catalogs(uuids=uuids, service=True)

    def service_get_username(self, uuid: str) -> str:
        """`get_username` for a service token."""
        return _the_one(self.service_get_usernames([uuid]), uuid, NoUserName)

    def service_get_uuids(self, display_names: Iterable[str]) -> dict[str, str]:
        """`get_uuids` for a service token."""
        return self._user_catalogs(displaynames=display_names, service=True)

    def service_get_uuid(self, display_name: str) -> str:
        """`get_uuid` for a service token."""
        return _the_one(self.service_get_uuids([display_name]), display_name, NoUserUUID)

    def _user_catalogs(
        self,
        *,
        uuids: Iterable[str] | None = None,
        displaynames: Iterable[str] | None = None,
        service: bool = False,
    ) -> dict[str, str]:
        with _astakos_errors():
            return identity.user_catalogs(
                self.session, self._account_url, self.token, uuids=uuids, displaynames=displaynames, service=service
            )

    # quotas

    @property
    def _account_url(self) -> str:
        return self.get_endpoint_url("account")

    def get_resources(self) -> dict[str, Any]:
        """Resource name → `{"unit", "description", "service", "ui_visible", "api_visible"}`."""
        return self._account_get("resources")

    def get_quotas(self) -> dict[str, Any]:
        """Project id → resource → `{"limit", "usage", "pending", "project_limit", …}`; sizes in bytes."""
        return self._account_get("quotas")

    def service_get_quotas(
        self, user: str | None = None, project_id: str | None = None, project: str | None = None
    ) -> dict[str, Any]:
        """User id → what `get_quotas` has, for a service token. Arguments may be comma-separated lists."""
        wanted = {"user": user, "project": project_id or project}
        return self._account_get("service_quotas", {key: value for key, value in wanted.items() if value})

    def service_get_project_quotas(self, project_id: str | None = None, project: str | None = None) -> dict[str, Any]:
        """Project id → resource → `{"project_limit", …}`, for a service token."""
        wanted = project_id or project
        return self._account_get("service_project_quotas", {"project": wanted} if wanted else None)

    def _account_get(self, path: str, params: dict[str, str] | None = None) -> dict[str, Any]:
        with _astakos_errors():
            return identity.account_get(self.session, self._account_url, self.token, path, params)


def _the_one(found: Mapping[str, str], wanted: str, kind: type[AstakosClientError]) -> str:
    try:
        return found[wanted]
    except KeyError:
        raise kind(f"there is no user {wanted!r}", "", 404) from None


class LoggedAstakosClient(AstakosClient):
    """An AstakosClient whose requests can be followed in the log `pithosfs.http` (level DEBUG).

    `LOG_DATA` and `LOG_TOKEN` are there for programs that set them, without effect: bodies and tokens are never logged.
    """

    LOG_TOKEN = False
    LOG_DATA = False


class CachedAstakosClient(Client):
    """Several users of one identity service, each authenticated once.

    Every method takes a `token` (default: the client's own), authenticates it when it is not known yet, and answers
    from what it learnt then. Errors are AstakosClientError.
    """

    service_type = "identity"

    def __init__(self, endpoint_url: str, token: str = "", *, session: Session | None = None) -> None:
        super().__init__(authentication_url(endpoint_url), token, session=session)
        self._clients: dict[str, LoggedAstakosClient] = {}  # by token
        self._access: dict[str, dict[str, Any]] = {}  # by token: the answer to `authenticate`
        self._names: dict[str, str] = {}  # uuid → name
        self._ids: dict[str, str] = {}  # name → uuid

    def authenticate(self, token: str | None = None) -> dict[str, Any]:
        """Ask the server who the token belongs to, and remember the answer (`{"access": …}`)."""
        token = token or self.token
        client = self._clients.get(token) or LoggedAstakosClient(self.endpoint_url, token, session=self.session)
        found = client.authenticate()
        self._clients[token] = client
        self._access[token] = found
        return found

    def _known(self, token: str | None) -> dict[str, Any]:
        found = self._access.get(token or self.token) or self.authenticate(token)
        access: dict[str, Any] = found["access"]
        return access

    def get_client(self, token: str | None = None) -> LoggedAstakosClient:
        """The client that speaks for a token."""
        self._known(token)
        return self._clients[token or self.token]

    def get_token(self, uuid: str) -> str:
        """The token of an authenticated user. Raises NoUserName."""
        for token, found in self._access.items():
            if found["access"]["user"]["id"] == uuid:
                return token
        raise NoUserName(f"the user {uuid!r} is not logged in here", "", 404)

    def remove_user(self, uuid: str) -> None:
        """Forget a user and the token."""
        token = self.get_token(uuid)
        del self._access[token], self._clients[token]

    def list_users(self) -> list[dict[str, Any]]:
        """The `user_info` of every authenticated user, each with its `auth_token`."""
        if not self._access:
            self.authenticate()
        return [{**found["access"]["user"], "auth_token": token} for token, found in self._access.items()]

    def user_info(self, token: str | None = None) -> dict[str, Any]:
        """`{"id", "name", "roles", "projects", …}`."""
        user: dict[str, Any] = self._known(token)["user"]
        return user

    def term(self, key: str, token: str | None = None) -> Any:
        """One item of `user_info`, None when there is no such item."""
        return self.user_info(token).get(key)

    def user_term(self, key: str, token: str | None = None) -> Any:
        """The same as `term`."""
        return self.term(key, token)

    # the catalog

    def get_services(self, token: str | None = None) -> list[dict[str, Any]]:
        """The services of the catalog: `{"name", "type", "endpoints": […]}`."""
        services: list[dict[str, Any]] = self._known(token)["serviceCatalog"]
        return services

    def get_service_details(self, service_type: str, token: str | None = None) -> dict[str, Any]:
        """One service of the catalog. Raises AstakosClientError when there is none."""
        with _astakos_errors():
            return find_service(self.get_services(token), service_type)

    def get_service_endpoints(
        self, service_type: str, version: str | None = None, token: str | None = None
    ) -> dict[str, Any]:
        """The one endpoint of a service. Raises AstakosClientError when there is none or more than one."""
        with _astakos_errors():
            return find_endpoint(self.get_service_details(service_type, token), version)

    def get_endpoint_url(self, service_type: str, version: str | None = None, token: str | None = None) -> str:
        """The address of a service, with its version, without a trailing slash."""
        return endpoint_url(self.get_service_endpoints(service_type, version, token), service_type)

    # names of users

    def post_user_catalogs(
        self,
        uuids: Iterable[str] | None = None,
        displaynames: Iterable[str] | None = None,
        token: str | None = None,
    ) -> dict[str, str]:
        """uuid → name for `uuids`, else name → uuid for `displaynames`; unknown ones are left out. Asks the server."""
        self._known(token)
        with _astakos_errors():
            found = identity.user_catalogs(
                self.session,
                self.get_endpoint_url("account", token=token),
                token or self.token,
                uuids=uuids,
                displaynames=displaynames,
            )
        if uuids is not None:
            self._names.update(found)
        else:
            self._ids.update(found)
        return found

    def uuids2usernames(self, uuids: Iterable[str], token: str | None = None) -> dict[str, str]:
        """uuid → name; the server is asked only for those not asked for before."""
        wanted = list(uuids)
        if unknown := [one for one in wanted if one not in self._names]:
            self.post_user_catalogs(uuids=unknown, token=token)
        return {one: self._names[one] for one in wanted if one in self._names}

    def usernames2uuids(self, usernames: Iterable[str], token: str | None = None) -> dict[str, str]:
        """Name → uuid; the server is asked only for those not asked for before."""
        wanted = list(usernames)
        if unknown := [one for one in wanted if one not in self._ids]:
            self.post_user_catalogs(displaynames=unknown, token=token)
        return {one: self._ids[one] for one in wanted if one in self._ids}
