"""The working layer above the requests: `AstakosClient`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pithosfs.clients.astakos.commissions import CommissionsClient
from pithosfs.clients.astakos.errors import AstakosClientError, InvalidResponse, NoUserName, NoUserUUID
from pithosfs.clients.astakos.projects import ProjectsClient
from pithosfs.clients.astakos.rest_api import catalog_of, json_list, json_object, not_identity
from pithosfs.clients.json_client import Json
from pithosfs.http import Reply

__all__ = ["AstakosClient"]


class AstakosClient(ProjectsClient, CommissionsClient):
    """The identity service at an authentication address, as one user, or (where it is said) as one service.

    It asks the server each time, but for the catalog. The address may be given as `endpoint_url`, `auth_url` or
    `base_url`. Errors of the server are AstakosClientError.
    """

    # who and where --------------------------------------------------------------------------------------------------

    def authenticate(self, tenant_name: str | None = None) -> Json:
        """`{"access": {"token", "user", "serviceCatalog"}}` of the token. `tenant_name` must be the user's own uuid.

        Raises Unauthorized when the token is refused, InvalidResponse when that address is not an identity service.
        """
        reply = self.tokens_post(tenant_name)
        found = json_object(reply)
        self._catalog = catalog_of(found, reply.url)
        user = found["access"].get("user")
        if not isinstance(user, dict) or not user.get("id"):
            raise not_identity(reply.url)
        return found

    @property
    def user_info(self) -> Json:
        """`{"id", "name", "roles", "projects", …}` of the token's user. Asks the server each time."""
        user: Json = self.authenticate()["access"]["user"]
        return user

    def user_term(self, term: str) -> Any:
        """One item of `user_info`. Raises KeyError when there is no such item."""
        return self.user_info[term]

    def validate_token(self, token_id: str, belongs_to: str | None = None) -> Json:
        """`{"access": {"token", "user"}}` of a short-lived token. `belongs_to` must begin with what it is good for.

        Raises NotFound when it is not good, or no longer.
        """
        return json_object(self.tokens_get(token_id, belongs_to))

    def get_token(self, grant_type: str, client_id: str, client_secret: str, **body_params: Any) -> Json:
        """A short-lived token: `{"access_token", "token_type", "expires_in"}`, from the OAuth2 service.

        `body_params` are what else goes there, as `code` for the grant type `authorization_code`.
        """
        form = {"grant_type": grant_type, **body_params}
        return json_object(self.oauth2_token_post(client_id, client_secret, form))

    def get_services(self) -> list[Json]:
        """The components of the cloud as menus show them: `{"name", "url", …}`. Needs no token."""
        return json_list(self.services_get())

    def send_feedback(self, message: str, data: str) -> None:
        """Send a message to who runs the cloud, and facts that go with it."""
        self.feedback_post(message, data)

    def set_default_project(self, project_id: str) -> None:
        """Let a project pay for what the user makes without naming one."""
        self.default_project_post(project_id)

    # names of users -------------------------------------------------------------------------------------------------

    def get_usernames(self, uuids: Iterable[str]) -> dict[str, str]:
        """uuid → user name; unknown uuids are left out."""
        return _names(self.user_catalogs_post(uuids=uuids), "uuid_catalog")

    def get_username(self, uuid: str) -> str:
        """The user's name. Raises NoUserName."""
        return _the_one(self.get_usernames([uuid]), uuid, NoUserName)

    def get_uuids(self, display_names: Iterable[str]) -> dict[str, str]:
        """User name → uuid; unknown names are left out. Names match in any case, and are spelt as the caller did."""
        return _names(self.user_catalogs_post(displaynames=display_names), "displayname_catalog")

    def get_uuid(self, display_name: str) -> str:
        """The user's uuid. Raises NoUserUUID."""
        return _the_one(self.get_uuids([display_name]), display_name, NoUserUUID)

    def service_get_usernames(self, uuids: Iterable[str]) -> dict[str, str]:
        """`get_usernames` for a service token."""
        return _names(self.user_catalogs_post(uuids=uuids, service=True), "uuid_catalog")

    def service_get_username(self, uuid: str) -> str:
        """`get_username` for a service token."""
        return _the_one(self.service_get_usernames([uuid]), uuid, NoUserName)

    def service_get_uuids(self, display_names: Iterable[str]) -> dict[str, str]:
        """`get_uuids` for a service token."""
        return _names(self.user_catalogs_post(displaynames=display_names, service=True), "displayname_catalog")

    def service_get_uuid(self, display_name: str) -> str:
        """`get_uuid` for a service token."""
        return _the_one(self.service_get_uuids([display_name]), display_name, NoUserUUID)

    # quotas ---------------------------------------------------------------------------------------------------------

    def get_resources(self) -> Json:
        """Resource name → `{"unit", "description", "service", "ui_visible", "api_visible"}`."""
        return json_object(self.resources_get())

    def get_quotas(self) -> Json:
        """Project id → resource → `{"limit", "usage", "pending", "project_limit", …}`; sizes in bytes."""
        return json_object(self.quotas_get())

    def service_get_quotas(
        self, user: str | None = None, project_id: str | None = None, project: str | None = None
    ) -> Json:
        """User id → what `get_quotas` has, for a service token. Arguments may be comma-separated lists."""
        return json_object(self.service_quotas_get(user, project_id or project))

    def service_get_project_quotas(self, project_id: str | None = None, project: str | None = None) -> Json:
        """Project id → resource → `{"project_limit", …}`, for a service token."""
        return json_object(self.service_project_quotas_get(project_id or project))


def _names(reply: Reply, catalog: str) -> dict[str, str]:
    found = json_object(reply).get(catalog)
    if not isinstance(found, dict):
        raise InvalidResponse("the server sent no catalog of users")
    return {str(key): str(value) for key, value in found.items()}


def _the_one(found: Mapping[str, str], wanted: str, kind: type[AstakosClientError]) -> str:
    try:
        return found[wanted]
    except KeyError:
        raise kind(f"there is no user {wanted!r}", "", 404) from None
