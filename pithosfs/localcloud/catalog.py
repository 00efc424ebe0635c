"""The service catalog: what this cloud offers and where (identity.md 2.3, 2.4, 2.6), and what this cloud is called."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from starlette.types import Scope

__all__ = ["Service", "base_url", "catalog_json", "endpoints_json"]

_HOST = re.compile(r"[A-Za-z0-9._\-]+(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?")


@dataclass(frozen=True, slots=True)
class Service:
    """One entry of the catalog.

    `path` is where it is below the cloud's base URL, without a trailing slash. `version` may be empty.
    `version_in_path` says whether `path` ends in the version or the client has to append it. `login_path` is where a
    browser logs in, for the one service that is about that.
    """

    type: str
    name: str
    version: str
    path: str
    version_in_path: bool = True
    login_path: str | None = None


def base_url(scope: Scope, configured: str | None = None) -> str:
    """The cloud's address as this client sees it, without a trailing slash.

    That is the configured one, or else the scheme and `Host` of the request, or else the socket's own address.
    """
    if configured is not None:
        return configured.rstrip("/")
    for name, value in scope["headers"]:
        if name == b"host":
            host = value.decode("latin-1")
            if _HOST.fullmatch(host):
                return f"{scope['scheme']}://{host}"
    host, port = scope["server"]
    return f"{scope['scheme']}://[{host}]:{port}" if ":" in host else f"{scope['scheme']}://{host}:{port}"


def catalog_json(services: Iterable[Service], base: str) -> list[dict[str, object]]:
    """`access.serviceCatalog` of the answer to POST tokens."""
    return [
        {
            "name": service.name,
            "type": service.type,
            "endpoints_links": [],
            "endpoints": [{"region": "default", **_endpoint(service, base)}],
        }
        for service in services
    ]


def endpoints_json(services: Iterable[Service], base: str) -> list[dict[str, object]]:
    """The list of `GET tokens/<token>/endpoints`."""
    return [
        {
            "id": number,
            "name": service.name,
            "type": service.type,
            "region": "default",
            "internalURL": base + service.path,
            "adminURL": base + service.path,
            **_endpoint(service, base),
        }
        for number, service in enumerate(services, 1)
    ]


def _endpoint(service: Service, base: str) -> dict[str, object]:
    endpoint: dict[str, object] = {
        "versionId": service.version,
        "publicURL": base + service.path,
        "SNF:uiURL": base + "/ui",
        "SNF:exposeVersion": str(service.version_in_path),  # a string on the wire
    }
    if service.login_path is not None:
        endpoint["SNF:webloginURL"] = base + service.login_path
    return endpoint
