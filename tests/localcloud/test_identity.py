"""The identity service over real HTTP (identity.md sections 1-3, 5 and 6)."""

from __future__ import annotations

import hashlib
import http.client
import json
import sqlite3
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import requests

from pithosfs.localcloud import process

UNLIMITED = 2**63 - 1


@dataclass(frozen=True)
class Cloud:
    data: Path
    url: str
    ada: str  # Ada's token
    ada_id: str
    bob: str
    bob_id: str

    @property
    def tokens_url(self) -> str:
        return f"{self.url}/identity/v2.0/tokens"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    data = tmp_path_factory.mktemp("identity") / "data"
    status = process.start(data)
    try:
        ada = process.add_user(data, "Ada@Example.org", quota=50_000)
        bob = process.add_user(data, "bob")
        ids = {user.name: user.uuid for user in process.users(data)}
        assert status.url is not None
        yield Cloud(data, status.url, ada, ids["Ada@Example.org"], bob, ids["bob"])
    finally:
        process.stop(data)


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        yield session


def fault(response: requests.Response, status: int, name: str) -> dict[str, Any]:
    """Check an error's status and envelope; returns what is inside."""
    assert response.status_code == status, response.text
    assert response.headers["Content-Type"] == "application/json; charset=UTF-8"
    body = response.json()
    assert list(body) == [name]
    assert body[name]["code"] == status
    assert isinstance(body[name]["message"], str)
    assert isinstance(body[name]["details"], str)
    return dict(body[name])


# tokens ---------------------------------------------------------------------------------------------------------------


def variants(cloud: Cloud) -> dict[str, dict[str, Any]]:
    by_token = {"token": {"id": cloud.ada}}
    by_password = {"passwordCredentials": {"username": cloud.ada_id, "password": cloud.ada}}
    return {
        "token": by_token,
        "password": by_password,
        "token and tenant": {**by_token, "tenantName": cloud.ada_id},
        "password and tenant": {**by_password, "tenantName": cloud.ada_id},
        "tenant id is not interpreted": {**by_token, "tenantId": "anything"},
    }


@pytest.mark.parametrize(
    "variant", ["token", "password", "token and tenant", "password and tenant", "tenant id is not interpreted"]
)
@pytest.mark.parametrize("slash", ["", "/"])
def test_authenticate(cloud: Cloud, session: requests.Session, variant: str, slash: str) -> None:
    reply = session.post(cloud.tokens_url + slash, json={"auth": variants(cloud)[variant]})
    assert reply.status_code == 200
    assert reply.headers["Content-Type"] == "application/json; charset=UTF-8"
    assert "X-Auth-Token" in reply.headers["Vary"]
    assert reply.headers["Cache-Control"] == "no-cache, no-store, must-revalidate, max-age=0"
    access = reply.json()["access"]
    assert access["token"]["id"] == cloud.ada
    assert access["token"]["tenant"] == {"id": cloud.ada_id, "name": "Ada@Example.org"}
    expires = datetime.fromisoformat(access["token"]["expires"])
    assert expires.utcoffset() == timedelta(0)
    assert expires.timestamp() > time.time() + 86400
    assert access["user"] == {
        "id": cloud.ada_id,
        "name": "Ada@Example.org",
        "roles": [{"id": "1", "name": "default"}, {"id": "2", "name": "admin-api"}],  # the first user
        "roles_links": [],
        "projects": [cloud.ada_id],
    }
    services = {service["type"]: service for service in access["serviceCatalog"]}
    assert {"identity", "account", "object-store"} <= set(services)
    assert services["object-store"]["name"] == "pithos_object-store"
    for kind, path, version in [
        ("identity", "/identity/v2.0", "v2.0"),
        ("account", "/account/v1.0", "v1.0"),
        ("object-store", "/object-store/v1", "v1"),
    ]:
        (endpoint,) = services[kind]["endpoints"]
        assert endpoint["publicURL"] == cloud.url + path
        assert endpoint["versionId"] == version
        assert endpoint["region"] == "default"
        assert endpoint["SNF:exposeVersion"] == "True"
        assert services[kind]["endpoints_links"] == []


def test_a_request_without_body_gets_the_public_catalog(cloud: Cloud, session: requests.Session) -> None:
    for headers in ({}, {"X-Auth-Token": "nonsense"}, {"Content-Type": "application/json"}):
        access = session.post(cloud.tokens_url, headers=headers).json()["access"]
        assert list(access) == ["serviceCatalog"]
        assert len(access["serviceCatalog"]) >= 3


def test_the_token_in_the_body_counts_not_the_one_in_the_header(cloud: Cloud, session: requests.Session) -> None:
    body = {"auth": {"token": {"id": cloud.ada}}}
    reply = session.post(cloud.tokens_url, json=body, headers={"X-Auth-Token": cloud.bob})
    assert reply.json()["access"]["user"]["id"] == cloud.ada_id


def test_credentials_that_do_not_fit(cloud: Cloud, session: requests.Session) -> None:
    def post(auth: object) -> requests.Response:
        return session.post(cloud.tokens_url, json={"auth": auth})

    fault(post({"token": {"id": "unknown"}}), 401, "unauthorized")
    fault(post({"token": {"id": "\ud800 lone surrogate"}}), 401, "unauthorized")
    for name in (cloud.bob_id, "Ada@Example.org", ""):
        fault(post({"passwordCredentials": {"username": name, "password": cloud.ada}}), 401, "unauthorized")
    fault(post({"passwordCredentials": {"username": cloud.ada_id, "password": "unknown"}}), 401, "unauthorized")
    fault(post({"token": {"id": cloud.ada}, "tenantName": cloud.bob_id}), 400, "badRequest")


@pytest.mark.parametrize(
    "auth",
    [
        {},
        None,
        [],
        {"token": {}},
        {"token": {"id": None}},
        {"token": {"id": 7}},
        {"token": "text"},
        {"passwordCredentials": {}},
        {"passwordCredentials": {"username": None, "password": "x"}},
        {"passwordCredentials": {"username": "x"}},
        {"token": {"id": "x"}, "tenantName": 7},
    ],
)
def test_credentials_that_make_no_sense(cloud: Cloud, session: requests.Session, auth: object) -> None:
    fault(session.post(cloud.tokens_url, json={"auth": auth}), 400, "badRequest")


@pytest.mark.parametrize("body", [b"{}", b"[]", b"7", b"null", b"{", b"\xff\xfe", b"[" * 100_000])
def test_bodies_that_make_no_sense(cloud: Cloud, session: requests.Session, body: bytes) -> None:
    fault(session.post(cloud.tokens_url, data=body, headers={"Content-Type": "application/json"}), 400, "badRequest")


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/x-www-form-urlencoded", ""])
def test_the_content_type_of_a_body_must_be_json(
    cloud: Cloud, session: requests.Session, content_type: str | None
) -> None:
    body = json.dumps({"auth": {"token": {"id": cloud.ada}}}).encode()
    headers = {} if content_type is None else {"Content-Type": content_type}
    fault(session.post(cloud.tokens_url, data=body, headers=headers), 400, "badRequest")
    reply = session.post(cloud.tokens_url, data=body, headers={"Content-Type": "application/json; charset=utf-8"})
    assert reply.status_code == 200


def test_a_body_without_end_is_refused(cloud: Cloud, session: requests.Session) -> None:
    pieces = (b" " * 65536 for _ in range(100))
    reply = session.post(cloud.tokens_url, data=pieces, headers={"Content-Type": "application/json"})
    fault(reply, 413, "requestEntityTooLarge")


def test_a_new_token_counts_at_once_and_the_old_one_stays(cloud: Cloud, session: requests.Session) -> None:
    new = process.user_token(cloud.data, "BOB")
    assert new != cloud.bob
    for token in (new, cloud.bob):
        reply = session.post(cloud.tokens_url, json={"auth": {"token": {"id": token}}})
        assert reply.json()["access"]["user"]["id"] == cloud.bob_id


def test_an_expired_token_is_refused(cloud: Cloud, session: requests.Session) -> None:
    gone = process.user_token(cloud.data, "bob", lifetime=timedelta(seconds=-1))
    fault(session.post(cloud.tokens_url, json={"auth": {"token": {"id": gone}}}), 401, "unauthorized")
    fault(session.get(f"{cloud.url}/account/v1.0/quotas", headers={"X-Auth-Token": gone}), 401, "unauthorized")


def test_revoked_tokens_are_refused_at_once(cloud: Cloud, session: requests.Session) -> None:
    first = process.add_user(cloud.data, f"carol {uuid.uuid4()}")
    quotas = f"{cloud.url}/account/v1.0/quotas"
    (owner,) = session.get(quotas, headers={"X-Auth-Token": first}).json()
    name = next(user.name for user in process.users(cloud.data) if user.uuid == owner)
    second = process.user_token(cloud.data, name, revoke=True)
    fault(session.get(quotas, headers={"X-Auth-Token": first}), 401, "unauthorized")
    assert list(session.get(quotas, headers={"X-Auth-Token": second}).json()) == [owner]


def test_tokens_are_stored_hashed(cloud: Cloud) -> None:
    connection = sqlite3.connect(cloud.data / "cloud.sqlite3")
    try:
        hashes = {row[0] for row in connection.execute("SELECT hash FROM tokens")}
    finally:
        connection.close()
    assert hashlib.sha256(cloud.ada.encode()).digest() in hashes
    for path in cloud.data.rglob("*"):
        if path.is_file():
            assert cloud.ada.encode() not in path.read_bytes(), path


# the catalog's address ------------------------------------------------------------------------------------------------


def test_the_catalog_shows_the_host_that_was_asked(cloud: Cloud, session: requests.Session) -> None:
    def shown(host: str) -> str:
        catalog = session.post(cloud.tokens_url, headers={"Host": host}).json()["access"]["serviceCatalog"]
        return str(catalog[0]["endpoints"][0]["publicURL"])

    assert shown("cloud.example.org:8443") == "http://cloud.example.org:8443/identity/v2.0"
    assert shown("[::1]:80") == "http://[::1]:80/identity/v2.0"
    for nonsense in ("a b", "evil.example/path", "user@host", "<script>"):
        assert shown(nonsense) == f"{cloud.url}/identity/v2.0"


def test_a_configured_address_wins(tmp_path: Path, session: requests.Session) -> None:
    status = process.start(tmp_path / "data", base_url="https://cloud.example.org/")
    try:
        assert status.identity_url == "https://cloud.example.org/identity/v2.0"
        port = json.loads((tmp_path / "data" / "server.json").read_text())["port"]
        catalog = session.post(f"http://127.0.0.1:{port}/identity/v2.0/tokens").json()["access"]["serviceCatalog"]
        assert catalog[0]["endpoints"][0]["publicURL"] == "https://cloud.example.org/identity/v2.0"
    finally:
        process.stop(tmp_path / "data")


def test_endpoints_of_a_token(cloud: Cloud, session: requests.Session) -> None:
    url = f"{cloud.tokens_url}/{cloud.ada}/endpoints"
    reply = session.get(url, headers={"X-Auth-Token": cloud.ada})
    assert reply.status_code == 200
    endpoints = reply.json()["endpoints"]
    assert reply.json()["endpoints_links"] == []
    assert len({endpoint["id"] for endpoint in endpoints}) == len(endpoints)
    (store,) = [endpoint for endpoint in endpoints if endpoint["type"] == "object-store"]
    for key in ("publicURL", "internalURL", "adminURL"):
        assert store[key] == f"{cloud.url}/object-store/v1"
    fault(session.get(url), 401, "unauthorized")
    fault(session.get(url, headers={"X-Auth-Token": cloud.bob}), 403, "forbidden")
    headers = {"X-Auth-Token": cloud.ada}
    assert session.get(url, headers=headers, params={"belongsTo": cloud.ada_id}).status_code == 200
    fault(session.get(url, headers=headers, params={"belongsTo": cloud.bob_id}), 400, "badRequest")


@pytest.mark.parametrize("slash", ["", "/"])
def test_versions(cloud: Cloud, session: requests.Session, slash: str) -> None:
    (version,) = session.get(f"{cloud.url}/identity{slash}").json()["versions"]["values"]
    assert version["id"] == "v2.0"
    assert version["status"] == "CURRENT"
    assert version["links"] == [{"rel": "self", "href": f"{cloud.url}/identity/v2.0/"}]
    details = session.get(f"{cloud.url}/identity/v2.0{slash}").json()["version"]
    assert details["id"] == "v2.0"
    assert details["media_types"] == [
        {"base": "application/json", "type": "application/vnd.openstack.identity-v2.0+json"}
    ]


def test_what_is_not_there(cloud: Cloud, session: requests.Session) -> None:
    for path in (
        "",
        "/",
        "/nothing",
        "/identity/v3",
        "/identity/v2.0/tenants",
        "/account/v1.0",
        "/identityx",
        "/%2e%2e",
    ):
        fault(session.get(cloud.url + path), 400, "badRequest")
    fault(session.get(f"{cloud.tokens_url}/whatever"), 404, "itemNotFound")


def test_wrong_methods(cloud: Cloud, session: requests.Session) -> None:
    for method, path, allowed in [
        ("GET", "/identity/v2.0/tokens", "POST"),
        ("PUT", "/identity/v2.0/tokens", "POST"),
        ("POST", "/identity/v2.0", "GET"),
        ("DELETE", "/account/v1.0/quotas", "GET"),
        ("GET", "/account/v1.0/user_catalogs", "POST"),
    ]:
        reply = session.request(method, cloud.url + path)
        fault(reply, 405, "notAllowed")
        assert reply.headers["Allow"] == allowed


def test_faults_in_xml(cloud: Cloud, session: requests.Session) -> None:
    for params, headers in [({"format": "xml"}, {}), ({}, {"Accept": "text/html, application/xml;q=0.9"})]:
        reply = session.get(f"{cloud.url}/identity/v2.0/nothing<&>", params=params, headers=headers)
        assert reply.status_code == 400
        assert reply.headers["Content-Type"] == "application/xml; charset=UTF-8"
        root = ElementTree.fromstring(reply.text)
        assert root.tag == "badRequest"
        assert root.attrib == {"code": "400"}
        assert [child.tag for child in root] == ["message", "details"]
    reply = session.get(f"{cloud.url}/nothing", params={"format": "json"}, headers={"Accept": "application/xml"})
    fault(reply, 400, "badRequest")


def test_a_doubled_slash_is_not_the_same_address(cloud: Cloud) -> None:
    host = cloud.url.removeprefix("http://")
    for path in ("/identity//v2.0", "/identity/./v2.0", "/identity/v2.0/x/..", "/identity%2Fv2.0"):
        connection = http.client.HTTPConnection(host)
        connection.request("GET", path)
        assert connection.getresponse().status == 400, path
        connection.close()


# user catalogs --------------------------------------------------------------------------------------------------------


def catalogs(cloud: Cloud, session: requests.Session, body: object, token: str | None = None) -> requests.Response:
    headers = {"X-Auth-Token": token or cloud.bob, "Content-Type": "text/anything"}
    return session.post(f"{cloud.url}/account/v1.0/user_catalogs", data=json.dumps(body), headers=headers)


def test_names_and_ids_of_users(cloud: Cloud, session: requests.Session) -> None:
    body = {"uuids": [cloud.ada_id, "unknown"], "displaynames": ["bob", "BOB", "ada@example.ORG", "nobody"]}
    assert catalogs(cloud, session, body).json() == {
        "uuid_catalog": {cloud.ada_id: "Ada@Example.org"},
        "displayname_catalog": {"bob": cloud.bob_id, "BOB": cloud.bob_id, "ada@example.ORG": cloud.ada_id},
    }
    empty = {"uuid_catalog": {}, "displayname_catalog": {}}
    for nothing in ({}, {"uuids": None}, {"uuids": [], "displaynames": []}):
        assert catalogs(cloud, session, nothing).json() == empty


@pytest.mark.parametrize(
    "body",
    [{"displaynames": None}, {"displaynames": "bob"}, {"displaynames": [7]}, {"uuids": "x"}, {"uuids": [None]}, [], 7],
)
def test_user_catalogs_that_make_no_sense(cloud: Cloud, session: requests.Session, body: object) -> None:
    fault(catalogs(cloud, session, body), 400, "badRequest")


def test_user_catalogs_are_for_users(cloud: Cloud, session: requests.Session) -> None:
    fault(catalogs(cloud, session, {}, token="unknown"), 401, "unauthorized")
    fault(session.post(f"{cloud.url}/account/v1.0/user_catalogs", json={}), 401, "unauthorized")
    headers = {"X-Auth-Token": cloud.ada}
    fault(
        session.post(f"{cloud.url}/account/v1.0/service/user_catalogs", json={}, headers=headers), 401, "unauthorized"
    )


# resources and quotas -------------------------------------------------------------------------------------------------


def test_resources(cloud: Cloud, session: requests.Session) -> None:
    resources = session.get(f"{cloud.url}/account/v1.0/resources").json()
    assert resources["pithos.diskspace"] == {
        "unit": "bytes",
        "description": "Storage space",
        "service": "pithos_object-store",
        "ui_visible": True,
        "api_visible": True,
    }


def diskspace(cloud: Cloud, session: requests.Session, token: str) -> dict[str, int]:
    reply = session.get(f"{cloud.url}/account/v1.0/quotas", headers={"X-Auth-Token": token})
    assert reply.status_code == 200
    (quotas,) = reply.json().values()
    return dict(quotas["pithos.diskspace"])


def test_quotas_show_what_is_stored(cloud: Cloud, session: requests.Session) -> None:
    before = diskspace(cloud, session, cloud.ada)
    assert before["limit"] == before["project_limit"] == 50_000
    assert diskspace(cloud, session, cloud.bob)["limit"] == UNLIMITED
    container = f"{cloud.url}/object-store/v1/{cloud.ada_id}/quotas"
    headers = {"X-Auth-Token": cloud.ada, "Content-Type": "text/plain"}
    assert session.put(container, headers=headers).status_code == 201
    assert session.put(f"{container}/file", headers=headers, data=b"x" * 1234).status_code == 201
    after = diskspace(cloud, session, cloud.ada)
    assert after["usage"] == after["project_usage"] == before["usage"] + 1234
    assert after["pending"] == after["project_pending"] == 0
    assert diskspace(cloud, session, cloud.bob)["usage"] == 0


def test_quotas_are_for_users(cloud: Cloud, session: requests.Session) -> None:
    url = f"{cloud.url}/account/v1.0/quotas"
    fault(session.get(url), 401, "unauthorized")
    fault(session.get(url, headers={"X-Auth-Token": "unknown"}), 401, "unauthorized")
    # The parameter wins over the header, unless it is empty.
    assert session.get(url, params={"X-Auth-Token": cloud.ada}).status_code == 200
    fault(session.get(url, params={"X-Auth-Token": "bad"}, headers={"X-Auth-Token": cloud.ada}), 401, "unauthorized")
    assert session.get(f"{url}?X-Auth-Token=", headers={"X-Auth-Token": cloud.ada}).status_code == 200


def test_how_other_services_refuse_a_token(cloud: Cloud, session: requests.Session) -> None:
    account = f"{cloud.url}/object-store/v1/{cloud.ada_id}"
    fault(session.get(account, params={"format": "json"}), 401, "unauthorized")
    inside = fault(session.get(account, params={"format": "json"}, headers={"X-Auth-Token": "unknown"}), 401, "fault")
    assert inside["message"] == "UNAUTHORIZED"
    assert json.loads(inside["details"])["unauthorized"]["code"] == 401
