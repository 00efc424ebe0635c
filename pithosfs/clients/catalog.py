"""From an authentication address and a service catalog to the address of a service.

Source: identity.md section 2.5, whose steps the functions follow. All of them are pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pithosfs.errors import BadReply, ClientError

__all__ = ["DEFAULT_VERSIONS", "SERVICE_TYPES", "authentication_url", "endpoint_url", "find_endpoint", "find_service"]

DEFAULT_VERSIONS: Mapping[str, str] = {
    "identity": "2.0",
    "account": "1.0",
    "compute": "2.0",
    "network": "2.0",
    "image": "1.0",
    "volume": "2.0",
    "object-store": "1",
}

# The names of the services in the settings file (`pithos_url`, …) and the catalog types they stand for.
SERVICE_TYPES: Mapping[str, str] = {
    "astakos": "identity",
    "cyclades": "compute",
    "network": "network",
    "volume": "volume",
    "plankton": "image",
    "pithos": "object-store",
}

_VERSION = re.compile(r"v\d+(?:\.\d+)?", re.ASCII)


def authentication_url(url: str) -> str:
    """The identity address that a user's setting stands for (step 1): no trailing slash, with a version."""
    url = url.strip().rstrip("/")
    return url if _versioned(url) else f"{url}/v2.0"


def _versioned(url: str) -> bool:
    return _VERSION.fullmatch(url.rpartition("/")[2]) is not None


def find_service(catalog: Sequence[Any], service_type: str, setting: str | None = None) -> dict[str, Any]:
    """The first service of a type (step 3). Raises ClientError when there is none.

    `setting` is the name of the one that says which type to look for.
    """
    services = {str(one["type"]).lower(): one for one in reversed(catalog) if isinstance(one, dict) and one.get("type")}
    found: dict[str, Any] | None = services.get(service_type.lower())
    if found is None:
        name = next((name for name, known in SERVICE_TYPES.items() if known == service_type.lower()), None)
        setting = setting or (name and f"cloud.NAME.{name}_type")
        raise ClientError(
            f"this cloud has no service of type {service_type!r}", hint=_what_there_is(sorted(services), setting)
        )
    return found


def _what_there_is(types: Sequence[str], setting: str | None) -> str:
    if not types:
        return "its catalog is empty: check the authentication address, pithosfs config get cloud"
    there = f"it has {', '.join(types)}"
    return f"{there}; if it is one of these: pithosfs config set {setting} TYPE" if setting else there


def find_endpoint(service: Mapping[str, Any], version: str | None = None) -> dict[str, Any]:
    """The endpoint of a service (step 4), of a `versionId` when one is asked for. Raises ClientError unless there is
    exactly one."""
    endpoints = [one for one in service.get("endpoints") or () if isinstance(one, dict)]
    if version:
        endpoints = [one for one in endpoints if str(one.get("versionId", "")).lower() == version.lower()]
    if len(endpoints) != 1:
        wanted = f"{service.get('type')!r}" + (f" of version {version!r}" if version else "")
        raise ClientError(
            f"the catalog has {len(endpoints) or 'no'} endpoints for the service {wanted}, where one is needed",
            hint="choose one with the settings SERVICE_type and SERVICE_version of the cloud",
        )
    return endpoints[0]


def endpoint_url(endpoint: Mapping[str, Any], service_type: str) -> str:
    """The address to use (steps 5 to 7): with a version, without a trailing slash."""
    base = endpoint.get("publicURL")
    if not isinstance(base, str) or not base:
        raise BadReply(f"the catalog has no address for the service {service_type!r}")
    base = base.rstrip("/")
    if _versioned(base):
        return base
    # Catalogs of other software put a tenant behind the version; ours say whether the version is there.
    path = base.partition("://")[2].partition("/")[2]
    if "SNF:exposeVersion" not in endpoint and any(_VERSION.fullmatch(segment) for segment in path.split("/")):
        return base
    if str(endpoint.get("SNF:exposeVersion")) == "False" and endpoint.get("versionId"):
        return f"{base}/{endpoint['versionId']}"
    default = DEFAULT_VERSIONS.get(service_type.lower())
    return f"{base}/v{default}" if default else base
