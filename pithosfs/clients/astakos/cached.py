"""Several users of one identity service, each of whom is asked about once: `CachedAstakosClient`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pithosfs.clients.astakos.errors import NoEndpoints, NoUserName, astakos_errors
from pithosfs.clients.astakos.logged import LoggedAstakosClient
from pithosfs.clients.catalog import authentication_url, endpoint_url, find_endpoint, find_service
from pithosfs.clients.client import Client
from pithosfs.http import Session

__all__ = ["CachedAstakosClient"]


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
        """One service of the catalog. Raises NoEndpoints when there is none."""
        with astakos_errors(NoEndpoints):
            return find_service(self.get_services(token), service_type)

    def get_service_endpoints(
        self, service_type: str, version: str | None = None, token: str | None = None
    ) -> dict[str, Any]:
        """The one endpoint of a service. Raises NoEndpoints when there is none or more than one."""
        with astakos_errors(NoEndpoints):
            return find_endpoint(self.get_service_details(service_type, token), version)

    def get_endpoint_url(self, service_type: str, version: str | None = None, token: str | None = None) -> str:
        """The address of a service, with its version, without a trailing slash."""
        found = self.get_service_endpoints(service_type, version, token)
        with astakos_errors():
            return endpoint_url(found, service_type)

    # names of users

    def post_user_catalogs(
        self,
        uuids: Iterable[str] | None = None,
        displaynames: Iterable[str] | None = None,
        token: str | None = None,
    ) -> dict[str, str]:
        """uuid → name for `uuids`, else name → uuid for `displaynames`; unknown ones are left out. Asks the server."""
        client = self.get_client(token)
        found = client.get_usernames(uuids) if uuids is not None else client.get_uuids(displaynames or ())
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
