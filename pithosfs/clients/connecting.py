"""From a configured cloud to a connection: authenticate once, then know the user and where each service is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from pithosfs.clients.astakos import CachedAstakosClient
from pithosfs.clients.catalog import SERVICE_TYPES, endpoint_url, find_endpoint, find_service
from pithosfs.clients.client import Client
from pithosfs.config import Cloud
from pithosfs.errors import NotAllowed, NotFound, NotLoggedIn
from pithosfs.http import Session

if TYPE_CHECKING:
    from pithosfs.clients.pithos.wire import PithosWire

__all__ = ["Connection", "connect"]

C = TypeVar("C", bound=Client)


class Connection:
    """One user's authenticated connection to one cloud; made by `connect`.

    `account_id` and `user_name` are the user's uuid and display name; `access` is what the identity service answered.
    May be used by several threads.
    """

    def __init__(self, cloud: Cloud, session: Session, *, owns_session: bool) -> None:
        self.cloud = cloud
        self.session = session
        self._owns_session = owns_session
        url = cloud.override("astakos", "url") or cloud.url
        self.astakos = CachedAstakosClient(url, cloud.override("astakos", "token") or cloud.token, session=session)
        self.access: dict[str, Any] = self.astakos.authenticate()["access"]
        user = self.access["user"]
        self.account_id: str = str(user["id"])
        self.user_name: str = str(user.get("name") or "")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.cloud.name!r}, user {self.account_id!r})"

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections, unless the session was given by the caller."""
        if self._owns_session:
            self.session.close()

    def endpoint(self, service_type: str) -> str:
        """The address of a service, with its version (identity.md section 2.5).

        The cloud's own settings `SERVICE_url`, `SERVICE_type` and `SERVICE_version` go before the catalog. Raises
        ClientError when the catalog has no such service.
        """
        service = _service(service_type)
        if service and (url := self.cloud.override(service, "url")):
            return url.rstrip("/")
        wanted = (self.cloud.override(service, "type") if service else None) or service_type
        version = self.cloud.override(service, "version") if service else None
        setting = f"cloud.{self.cloud.name}.{service}_type" if service else None
        found = find_service(self.access["serviceCatalog"], wanted, setting)
        return endpoint_url(find_endpoint(found, version), service_type)

    def token(self, service_type: str) -> str:
        """The token for a service: the cloud's, or the one set as `SERVICE_token`."""
        service = _service(service_type)
        return (self.cloud.override(service, "token") if service else None) or self.cloud.token

    def client(self, kind: type[C]) -> C:
        """A client of a service over these connections: `connection.client(CycladesComputeClient)`.

        Raises ClientError when the catalog has no such service.
        """
        service = kind.service_type
        return kind(self.endpoint(service), self.token(service), session=self.session)

    def wire(self) -> PithosWire:
        """The object store's requests."""
        from pithosfs.clients.pithos.wire import PithosWire  # a program for another service starts without it

        return PithosWire(self.session, self.endpoint("object-store"), self.token("object-store"))


def _service(service_type: str) -> str | None:
    return next((service for service, known in SERVICE_TYPES.items() if known == service_type), None)


def connect(cloud: Cloud, session: Session | None = None) -> Connection:
    """Authenticate at a cloud. A session that is made here is closed with the connection.

    Raises NotLoggedIn with a hint that names the cloud, NoConnection, TimedOut, BadReply.
    """
    own = session is None
    session = session or Session(ca_certs=cloud.ca_certs, ignore_ssl=cloud.ignore_ssl)
    try:
        return Connection(cloud, session, owns_session=own)
    except BaseException as error:
        if own:
            session.close()
        if isinstance(error, NotLoggedIn):
            error.hint = f"set a valid token: pithosfs config set cloud.{cloud.name}.token TOKEN"
        elif isinstance(error, NotAllowed):
            error.hint = (
                "ask whoever runs the cloud whether your account is active, or set another token: "
                f"pithosfs config set cloud.{cloud.name}.token TOKEN"
            )
        elif isinstance(error, NotFound):
            error.hint = (
                "is that the address of an identity service, which often ends in /identity/v2.0? "
                f"pithosfs config get cloud.{cloud.name}.url"
            )
        raise
