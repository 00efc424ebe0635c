"""One method per request of the identity service and of the account service beside it. Source: identity.md.

Every method returns the reply, whose JSON is a dictionary or a list unless said otherwise. Errors are those of
`pithosfs.clients.astakos.errors`.
"""

from __future__ import annotations

import base64
import logging
from collections.abc import Container, Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

from pithosfs.clients.astakos.errors import InvalidResponse, NoEndpoints, Unauthorized, astakos_errors
from pithosfs.clients.catalog import authentication_url, endpoint_url, find_endpoint, find_service
from pithosfs.clients.client import Client
from pithosfs.clients.hints import hinted
from pithosfs.clients.json_client import Json, drop_none, item, needed, segment
from pithosfs.http import Reply, RetryPolicy, Session, redacted

__all__ = ["AstakosRestClient", "catalog_of", "json_list", "json_object", "not_identity", "required"]

_log = logging.getLogger("pithosfs.clients.astakos")
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class AstakosRestClient(Client):
    """The requests, to an authentication address and to what its catalog names, as one user or as one service.

    The address may be given as `endpoint_url`, `auth_url` or `base_url`. `retry` is how often a request is sent again
    after a failure, `pool_size` how many connections are kept; both hold only for a client with its own connections,
    and `use_pool` is without effect: they are always kept.
    """

    service_type = "identity"

    def __init__(
        self,
        endpoint_url: str = "",
        token: str = "",
        retry: int | None = None,
        use_pool: bool = True,
        pool_size: int | None = None,
        logger: logging.Logger | None = None,
        *,
        auth_url: str | None = None,
        base_url: str | None = None,
        session: Session | None = None,
    ) -> None:
        super().__init__(authentication_url(endpoint_url or auth_url or base_url or ""), token, session=session)
        self.logger = logger or _log
        self._retry, self._pool_size = retry, pool_size
        self._catalog: list[Any] | None = None

    @property
    def auth_url(self) -> str:
        """The authentication address with its version."""
        return self.endpoint_url

    @property
    def session(self) -> Session:
        """The connections."""
        if self._session is None:
            options = drop_none(
                policy=None if self._retry is None else RetryPolicy(attempts=self._retry + 1),
                pool_size=self._pool_size,
            )
            self._session = Session(**options)
        return self._session

    def fetch(
        self,
        method: str,
        url: str,
        *,
        with_token: bool = True,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, Any] | None = None,
        json: object = None,
        data: bytes | None = None,
        expect: Container[int] = range(200, 300),
        retry: bool | None = None,
    ) -> Reply:
        """Any request to a full address. Parameters that are None or empty are left out."""
        if with_token:
            self._check_token()
        own = {"X-Auth-Token": self.token} if with_token else {}
        with astakos_errors():
            return self.session.request(
                method,
                url,
                headers={**own, **(headers or {})},
                params={key: str(value) for key, value in (params or {}).items() if value not in (None, "")},
                json=json,
                data=data,
                expect=expect,
                retry=retry,
            )

    def _check_token(self) -> None:
        if not (self.token and self.token.isascii() and self.token.isprintable()):
            raise Unauthorized("the token is empty or holds characters that no token has", "", 401)

    # tokens and the catalog (section 2) -----------------------------------------------------------------------------

    def tokens_post(self, tenant_name: str | None = None, *, public: bool = False) -> Reply:
        """POST the token: whose is it? With `public` without a token: the catalog alone."""
        address = f"{self.endpoint_url}/tokens"
        if public:
            headers = {"Content-Type": "application/json"}
            return self.fetch("POST", address, with_token=False, headers=headers, data=b"", retry=True)
        auth = drop_none(token={"id": self.token}, tenantName=tenant_name)
        return self.fetch("POST", address, json={"auth": auth}, retry=True)

    def tokens_get(self, token_id: str, belongs_to: str | None = None) -> Reply:
        """GET a short-lived token: whose is it?"""
        address = f"{self.endpoint_url}/tokens/{segment(token_id)}"
        return self.fetch("GET", address, with_token=False, params={"belongsTo": belongs_to})

    def oauth2_token_post(self, client_id: str, client_secret: str, form: Mapping[str, Any]) -> Reply:
        """POST to the OAuth2 service: exchange a code for a short-lived token."""
        secret = base64.b64encode(f"{client_id}:{client_secret}".encode()).decode("ascii")
        headers = {**_FORM, "Authorization": f"Basic {secret}"}
        address = f"{self.get_endpoint_url('astakos_auth')}/token/"
        return self.fetch("POST", address, with_token=False, headers=headers, data=urlencode(form).encode())

    def get_endpoints(self, extra: bool = False) -> Json:
        """`{"access": {"serviceCatalog": […]}}`; needs no token. Asked for once. `extra` is without effect."""
        if self._catalog is None:
            reply = self.tokens_post(public=True)
            self._catalog = catalog_of(json_object(reply), reply.url)
        return {"access": {"serviceCatalog": self._catalog}}

    def get_service_endpoints(self, service_type: str, version: str | None = None) -> Json:
        """The one endpoint of a service: `{"publicURL", "versionId", "region", "SNF:uiURL", …}`.

        Raises NoEndpoints when there is none or more than one.
        """
        with astakos_errors(NoEndpoints):
            return find_endpoint(find_service(self.get_endpoints()["access"]["serviceCatalog"], service_type), version)

    def get_endpoint_url(self, service_type: str, version: str | None = None) -> str:
        """The address of a service, with its version, without a trailing slash."""
        found = self.get_service_endpoints(service_type, version)
        with astakos_errors():
            return endpoint_url(found, service_type)

    # the account service (sections 3 to 10) -------------------------------------------------------------------------

    def account(self, method: str, *path: object, **options: Any) -> Reply:
        """A request to the segments of a path below the account service."""
        with astakos_errors():
            relative = "/".join(segment(one) for one in path)
        address = f"{self.get_endpoint_url('account')}/{relative}"
        with hinted(path[0]):
            return self.fetch(method, address, **options)

    def user_catalogs_post(
        self,
        uuids: Iterable[str] | None = None,
        displaynames: Iterable[str] | None = None,
        *,
        service: bool = False,
    ) -> Reply:
        """POST uuids or names of users; `service` is the call for tokens of services."""
        wanted = {"uuids": list(uuids)} if uuids is not None else {"displaynames": list(displaynames or ())}
        path = ("service", "user_catalogs") if service else ("user_catalogs",)
        return self.account("POST", *path, json=wanted, retry=True)

    def services_get(self) -> Reply:
        """GET the components of the cloud, for menus. A list."""
        address = self.get_service_endpoints("account").get("SNF:uiURL")
        if not isinstance(address, str) or not address:
            raise NoEndpoints("the catalog does not say where the pages of the account service are")
        return self.fetch("GET", f"{address.rstrip('/')}/get_services", with_token=False)

    def feedback_post(self, message: str, data: str) -> Reply:
        """POST a message to who runs the cloud. No answer."""
        form = urlencode({"feedback_msg": message, "feedback_data": data}).encode()
        return self.account("POST", "feedback", headers=_FORM, data=form)

    def default_project_post(self, project_id: str) -> Reply:
        """POST the project that pays for what names none. No answer."""
        return self.account("POST", "myaccount", "default_project", json={"project_id": project_id}, retry=True)

    def resources_get(self) -> Reply:
        """GET the kinds of resources."""
        return self.account("GET", "resources", with_token=bool(self.token))

    def quotas_get(self) -> Reply:
        """GET the user's quotas."""
        return self.account("GET", "quotas")

    def service_quotas_get(self, user: str | None = None, project: str | None = None) -> Reply:
        """GET the quotas of users, as a service."""
        return self.account("GET", "service_quotas", params={"user": user, "project": project})

    def service_project_quotas_get(self, project: str | None = None) -> Reply:
        """GET the quotas of projects, as a service."""
        return self.account("GET", "service_project_quotas", params={"project": project})

    def commissions_get(self, serial: int | str | None = None) -> Reply:
        """GET a pending commission, or the list of their serials."""
        return self.account("GET", "commissions", *item(serial))

    def commissions_post(self, request: Mapping[str, Any]) -> Reply:
        """POST a commission."""
        return self.account("POST", "commissions", json=request, expect=(201, 200))

    def commissions_action_post(self, action: Mapping[str, Any], serial: int | str | None = None) -> Reply:
        """POST what becomes of a commission, or of several."""
        return self.account("POST", "commissions", *item(serial), "action", json=action)

    def projects_get(self, project_id: int | str | None = None, **filters: str | None) -> Reply:
        """GET a project, or the list of them."""
        return self.account("GET", "projects", *item(project_id), params=filters)

    def projects_post(self, specs: Mapping[str, Any]) -> Reply:
        """POST an application for a new project."""
        return self.account("POST", "projects", json=specs, expect=(201, 200))

    def projects_put(self, project_id: str, specs: Mapping[str, Any]) -> Reply:
        """PUT an application for a change."""
        # Each one makes a new application: it is not for sending twice.
        return self.account("PUT", "projects", project_id, json=specs, expect=(201, 200), retry=False)

    def projects_action_post(self, project_id: str, action: Mapping[str, Any]) -> Reply:
        """POST an action on a project or an application. No answer."""
        return self.account("POST", "projects", project_id, "action", json=action)

    def memberships_get(self, membership_id: int | str | None = None, project: str | None = None) -> Reply:
        """GET a membership, or the list of them."""
        return self.account("GET", "projects", "memberships", *item(membership_id), params={"project": project})

    def memberships_post(self, wish: Mapping[str, Any]) -> Reply:
        """POST: join, or let somebody join."""
        return self.account("POST", "projects", "memberships", json=wish)

    def memberships_action_post(self, membership_id: int | str, action: Mapping[str, str]) -> Reply:
        """POST an action on a membership. No answer."""
        return self.account("POST", "projects", "memberships", membership_id, "action", json=action)


def required(item_id: int | str | None) -> int | str:
    """An id that is there. Raises BadRequest for None and for an empty one."""
    with astakos_errors():
        return needed(item_id)


def json_object(reply: Reply) -> Json:
    """The JSON object of an answer. Raises InvalidResponse."""
    with astakos_errors():
        found = reply.json()
    if not isinstance(found, dict):
        raise not_identity(reply.url)
    return found


def json_list(reply: Reply) -> list[Any]:
    """The JSON list of an answer. Raises InvalidResponse."""
    with astakos_errors():
        found = reply.json()
    if not isinstance(found, list):
        raise not_identity(reply.url)
    return found


def not_identity(address: str) -> InvalidResponse:
    """The error for an answer that no identity service gives."""
    return InvalidResponse(
        f"{redacted(address)} is not an identity service",
        hint="set the cloud's authentication address, which often ends in /identity/v2.0",
    )


def catalog_of(found: Json, address: str) -> list[Any]:
    """The services in an answer of `tokens_post`. Raises InvalidResponse."""
    access = found.get("access")
    if not isinstance(access, dict) or not isinstance(access.get("serviceCatalog"), list):
        raise not_identity(address)
    catalog: list[Any] = access["serviceCatalog"]
    return catalog
