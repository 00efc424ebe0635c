"""From an authentication address to the address of a service (identity.md section 2.5)."""

from __future__ import annotations

from typing import Any

import pytest

from pithosfs.clients.catalog import authentication_url, endpoint_url, find_endpoint, find_service
from pithosfs.errors import BadReply, ClientError


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("https://a.example/identity/v2.0", "https://a.example/identity/v2.0"),
        ("https://a.example/identity/v2.0//", "https://a.example/identity/v2.0"),
        ("https://a.example/identity/v3", "https://a.example/identity/v3"),
        (" https://a.example/identity/ ", "https://a.example/identity/v2.0"),
        ("https://a.example", "https://a.example/v2.0"),
        ("https://a.example/v2.0.1", "https://a.example/v2.0.1/v2.0"),
    ],
)
def test_authentication_addresses(given: str, used: str) -> None:
    assert authentication_url(given) == used


@pytest.mark.parametrize(
    ("endpoint", "service", "used"),
    [
        ({"publicURL": "https://c/object-store/v1", "SNF:exposeVersion": "True"}, "object-store", "https://c/object-store/v1"),
        ({"publicURL": "https://c/object-store/"}, "object-store", "https://c/object-store/v1"),
        (
            {"publicURL": "https://c/network", "versionId": "v2.0", "SNF:exposeVersion": "False"},
            "network",
            "https://c/network/v2.0",
        ),
        ({"publicURL": "https://c/image", "versionId": "v9", "SNF:exposeVersion": "True"}, "image", "https://c/image/v1.0"),
        ({"publicURL": "https://c/image", "versionId": "", "SNF:exposeVersion": "False"}, "IMAGE", "https://c/image/v1.0"),
        ({"publicURL": "https://c/v2/f00d"}, "compute", "https://c/v2/f00d"),
        (
            {"publicURL": "https://c/v1/pithos", "versionId": "v1", "SNF:exposeVersion": "False"},
            "object-store",
            "https://c/v1/pithos/v1",
        ),
        ({"publicURL": "https://v2.example"}, "compute", "https://v2.example/v2.0"),
        ({"publicURL": "https://c/odd/"}, "odd", "https://c/odd"),
    ],
)  # fmt: skip
def test_service_addresses(endpoint: dict[str, Any], service: str, used: str) -> None:
    assert endpoint_url(endpoint, service) == used


def test_an_endpoint_without_address() -> None:
    for endpoint in ({}, {"publicURL": None}, {"publicURL": ""}):
        with pytest.raises(BadReply):
            endpoint_url(endpoint, "compute")


def test_services_are_found_by_type_in_any_case() -> None:
    catalog = [None, {"type": "Compute", "name": "first"}, {"type": "compute", "name": "second"}, {"name": "no type"}]
    assert find_service(catalog, "compute")["name"] == "first"
    with pytest.raises(ClientError, match="'volume'"):
        find_service(catalog, "volume")


def test_one_endpoint_is_needed() -> None:
    one, two = {"versionId": "v1"}, {"versionId": "V2"}
    service = {"type": "image", "endpoints": [one, two]}
    assert find_endpoint(service, "v2") is two
    assert find_endpoint({"endpoints": [one]}) is one
    for wrong, version in ((service, None), (service, "v3"), ({"type": "image"}, None), ({"endpoints": [one]}, "v2")):
        with pytest.raises(ClientError, match="where one is needed"):
            find_endpoint(wrong, version)
