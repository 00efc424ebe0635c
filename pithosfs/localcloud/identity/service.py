"""The front of the identity service: what the other services ask of it, and which handler answers which address.

The command line changes users and tokens in a process of its own, so nothing about them is kept in memory here: a
look-up costs microseconds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from pithosfs.localcloud import users
from pithosfs.localcloud.catalog import Service, base_url
from pithosfs.localcloud.database import Database
from pithosfs.localcloud.faults import (
    Fault,
    bad_request,
    fault_response,
    method_not_allowed,
    rejected_token,
    requested_form,
    unauthorized,
)
from pithosfs.localcloud.identity import (
    account,
    administration,
    catalogs,
    commissions,
    memberships,
    menu,
    projects,
    quotas,
    statistics,
    tokens,
    weblogin,
)
from pithosfs.localcloud.identity.applications import expire
from pithosfs.localcloud.identity.exchange import Call, Handler, microseconds, sent_token
from pithosfs.localcloud.identity_schema import MIGRATIONS, SERVICE
from pithosfs.localcloud.users import User

__all__ = ["PATHS", "Identity"]


PATHS = (b"/identity", b"/account", b"/weblogin", b"/ui", b"/oauth2", b"/astakos")
"""What the paths of this service begin with."""


class Identity:
    """Users, tokens, catalog, projects and quotas; an ASGI application for the paths in `PATHS`.

    `configured_url` is the address that the catalog shows; None takes each request's own `Host`.
    """

    def __init__(self, database: Database, configured_url: str | None = None) -> None:
        database.migrate(SERVICE, MIGRATIONS)
        self._database = database
        self._configured_url = configured_url
        self._services = [
            Service("identity", "astakos_identity", "v2.0", "/identity/v2.0"),
            Service("account", "astakos_account", "v1.0", "/account/v1.0"),
            Service("astakos_weblogin", "astakos_weblogin", "", "/weblogin", login_path="/weblogin/login"),
        ]

    # for the other services -----------------------------------------------------------------------------------------

    def add_service(self, service: Service) -> None:
        """Put a service into the catalog."""
        self._services.append(service)

    def authenticate(self, token: str) -> User | None:
        """Whose token this is; None for one that is not accepted. New tokens count at once. Event loop only."""
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

    async def expire_projects(self) -> list[str]:
        """Terminate the projects that have come to their end; returns their names."""
        now = microseconds()
        return await self._database.write(lambda connection: expire(connection, now))

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
                call = Call(request, self._database, self._services, self.base_url(request.scope))
                return await handler(call, *match.groups())
        raise bad_request("there is nothing at this address")


def _routes(*table: tuple[str, Mapping[str, Handler]]) -> list[tuple[re.Pattern[str], Mapping[str, Handler]]]:
    return [(re.compile(pattern), verbs) for pattern, verbs in table]


_ROUTES = _routes(
    ("/identity", {"GET": tokens.versions}),
    (r"/identity/v2\.0", {"GET": tokens.version_details}),
    (r"/identity/v2\.0/tokens", {"POST": tokens.authenticate}),
    (r"/identity/v2\.0/tokens/([^/]+)", {"GET": tokens.short_token}),
    (r"/identity/v2\.0/tokens/([^/]+)/endpoints", {"GET": tokens.endpoints}),
    (r"/identity/v2\.0/users(?:/detail)?", {"GET": administration.list_users, "POST": administration.create_user}),
    (r"/identity/v2\.0/users/([^/]+)", {"GET": administration.get_user, "PUT": administration.change_user}),
    (r"/identity/v2\.0/users/([^/]+)/action", {"POST": administration.act}),
    (r"/account/v1\.0/user_catalogs", {"POST": catalogs.user_catalogs}),
    (r"/account/v1\.0/service/user_catalogs", {"POST": catalogs.service_user_catalogs}),
    (r"/account/v1\.0/resources", {"GET": quotas.list_resources}),
    (r"/account/v1\.0/quotas", {"GET": quotas.user_quotas}),
    (r"/account/v1\.0/service_quotas", {"GET": quotas.service_quotas}),
    (r"/account/v1\.0/service_project_quotas", {"GET": quotas.service_project_quotas}),
    (r"/account/v1\.0/commissions", {"GET": commissions.list_commissions, "POST": commissions.issue}),
    (r"/account/v1\.0/commissions/action", {"POST": commissions.resolve_many}),
    (r"/account/v1\.0/commissions/([0-9]+)", {"GET": commissions.get_commission}),
    (r"/account/v1\.0/commissions/([0-9]+)/action", {"POST": commissions.act}),
    (r"/account/v1\.0/projects", {"GET": projects.list_projects, "POST": projects.create_project}),
    (
        r"/account/v1\.0/projects/memberships",
        {"GET": memberships.list_memberships, "POST": memberships.join_or_enroll},
    ),
    (r"/account/v1\.0/projects/memberships/([0-9]+)", {"GET": memberships.get_membership}),
    (r"/account/v1\.0/projects/memberships/([0-9]+)/action", {"POST": memberships.act}),
    (r"/account/v1\.0/projects/([^/]+)", {"GET": projects.get_project, "PUT": projects.change_project}),
    (r"/account/v1\.0/projects/([^/]+)/action", {"POST": projects.act}),
    (r"/account/v1\.0/myaccount/default_project", {"POST": account.set_default_project}),
    (r"/account/v1\.0/feedback", {"POST": account.feedback}),
    ("/weblogin/login", {"GET": weblogin.start}),
    ("/ui/login", {"GET": weblogin.show_form, "POST": weblogin.finish}),
    ("/oauth2/(?:auth|token)", {"GET": weblogin.no_oauth, "POST": weblogin.no_oauth}),
    ("/ui/get_services", {"GET": menu.services}),
    ("/ui/get_menu", {"GET": menu.links}),
    ("/astakos/admin/stats", {"GET": statistics.counts}),
    ("/astakos/admin/stats/detail", {"GET": statistics.details}),
)
