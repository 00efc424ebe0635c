"""Sections 1 and 2: requests and answers, tokens, the catalog, versions."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from conformance.identity.site import FAULTS, Site, refused
from conformance.rows import rule

STRANGE = "00000000-0000-4000-8000-000000000000"

GETS = ("/quotas", "/projects", f"/projects/{STRANGE}", "/projects/memberships", "/projects/memberships/1")
POSTS = ("/projects", "/projects/memberships", "/user_catalogs", "/myaccount/default_project", "/feedback")
SERVICE_GETS = ("/service_quotas", "/service_project_quotas", "/commissions", "/commissions/1")
SERVICE_POSTS = ("/commissions", "/commissions/action", "/commissions/1/action", "/service/user_catalogs")


@rule("1.1-header-token", "1.1-parameter-token-wins", "1.1-parameter-token-alone")
def test_1_1_where_the_token_stands(site: Site) -> None:
    assert site.ask("GET", "/quotas").status == 200
    refused(site.ask("GET", "/quotas?X-Auth-Token=rubbish"), 401)
    assert list(site.ask("GET", f"/quotas?X-Auth-Token={site.me.token}", by="nobody").json()) != []
    mine = site.get(f"/quotas?X-Auth-Token={site.me.token}", "other")
    assert site.me.id in mine
    assert site.other.id not in mine


@pytest.mark.parametrize("path", [*GETS, *SERVICE_GETS])
@rule("1.1-no-token-GET", "1.1-unknown-token-GET")
def test_1_1_gets_need_a_token(site: Site, path: str) -> None:
    refused(site.ask("GET", path, by="nobody"), 401)
    refused(site.ask("GET", path, by="nobody", X_Auth_Token="rubbish"), 401)


@pytest.mark.parametrize("path", [*POSTS, *SERVICE_POSTS])
@rule("1.1-no-token-POST", "1.1-unknown-token-POST")
def test_1_1_posts_need_a_token(site: Site, path: str) -> None:
    refused(site.ask("POST", path, {}, by="nobody"), 401)
    refused(site.ask("POST", path, {}, by="nobody", X_Auth_Token="rubbish"), 401)


@rule("1.1-user-token-for-a-service-call", "1.1-service-token-for-a-user-call")
def test_1_1_the_wrong_kind_of_token(site: Site) -> None:
    for path in SERVICE_GETS:
        refused(site.ask("GET", path), 401)
    for path in SERVICE_POSTS:
        refused(site.ask("POST", path, {}), 401)
    site.needs("service")
    for path in GETS:
        refused(site.ask("GET", path, by="service"), 401)
    for path in POSTS:
        refused(site.ask("POST", path, {}, by="service"), 401)


@pytest.mark.parametrize("kind", [None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
@rule("1.1-content-type-must-be-json")
def test_1_1_content_type(site: Site, kind: str | None) -> None:
    for path in ("/projects", "/projects/memberships"):
        refused(site.ask("POST", path, {}, kind=kind), 400)
    refused(site.ask("POST", f"{site.identity}/tokens", {"auth": {"token": {"id": site.me.token}}}, kind=kind), 400)


@rule("1.1-content-type-with-charset")
def test_1_1_content_type_with_a_parameter(site: Site) -> None:
    body = {"auth": {"token": {"id": site.me.token}}}
    assert site.ask("POST", f"{site.identity}/tokens", body, kind="application/json; charset=utf-8").status == 200


@pytest.mark.parametrize("body", [b"{", b"", b"\xff", b"[" * 20_000, b'{"a": 1'])
@rule("1.1-undecodable-body")
def test_1_1_bodies_that_are_no_json(site: Site, body: bytes) -> None:
    for path in ("/projects", "/projects/memberships", "/projects/memberships/1/action"):
        refused(site.ask("POST", path, body=body), 400)


@rule("1.1-trailing-slash")
def test_1_1_one_slash_at_the_end_is_optional(site: Site) -> None:
    for path in ("/quotas", "/resources", "/projects", "/projects/memberships", f"{site.identity}", "/user_catalogs"):
        method = "POST" if path == "/user_catalogs" else "GET"
        for end in ("", "/"):
            assert site.ask(method, path + end, {} if method == "POST" else ...).status == 200, path + end


@rule("1.1-unknown-route")
def test_1_1_unknown_routes(site: Site) -> None:
    for path in ("/nothing", "/projects/a/b/c", "/commissions/abc", "/quotas/x", f"{site.identity}/tenants"):
        refused(site.ask("GET", path), 400)


@rule("1.1-wrong-method-with-Allow")
def test_1_1_wrong_methods(site: Site) -> None:
    for method, path, allowed in (
        ("DELETE", "/quotas", {"GET"}),
        ("POST", "/quotas", {"GET"}),
        ("GET", "/user_catalogs", {"POST"}),
        ("DELETE", "/projects", {"GET", "POST"}),
        ("DELETE", f"/projects/{STRANGE}", {"GET", "PUT"}),
        ("GET", f"/projects/{STRANGE}/action", {"POST"}),
        ("PUT", "/projects/memberships", {"GET", "POST"}),
        ("GET", "/commissions/action", {"POST"}),
        ("GET", "/myaccount/default_project", {"POST"}),
        ("GET", "/feedback", {"POST"}),
        ("GET", f"{site.identity}/tokens", {"POST"}),
    ):
        answer = site.ask(method, path)
        refused(answer, 405)
        assert {one.strip() for one in answer["Allow"].split(",")} >= allowed, (method, path)


@rule("1.2-common-headers", "1.2-error-envelope")
def test_1_2_headers_and_errors(site: Site) -> None:
    for answer in (site.ask("GET", "/quotas"), site.ask("GET", f"/projects/{STRANGE}"), site.ask("GET", "/nothing")):
        assert answer["Content-Type"].lower().replace(" ", "") == "application/json;charset=utf-8"
        assert "X-Auth-Token" in answer["Vary"]
        assert "no-cache" in answer["Cache-Control"]
        assert int(answer["Content-Length"]) == len(answer.body)
    inside = refused(site.ask("GET", f"/projects/{STRANGE}"), 404)
    assert isinstance(inside["details"], str)


# tokens ---------------------------------------------------------------------------------------------------------------


def _authenticate(site: Site, auth: object, by: str = "nobody") -> Any:
    return site.ask("POST", f"{site.identity}/tokens", {"auth": auth}, by)


@rule("2.2-token", "2.2-uuid-and-token", "2.2-tenant-check", "2.2-header-is-ignored", "2.3-the-fields-of-access")
def test_2_2_ways_to_authenticate(site: Site) -> None:
    by_token = {"token": {"id": site.me.token}}
    by_password = {"passwordCredentials": {"username": site.me.id, "password": site.me.token}}
    for auth in (
        by_token,
        by_password,
        {**by_token, "tenantName": site.me.id},
        {**by_password, "tenantName": site.me.id},
        {**by_token, "tenantId": "whatever"},
    ):
        for by in ("nobody", "other"):
            answer = _authenticate(site, auth, by)
            assert answer.status == 200, answer
            access = answer.json()["access"]
            token, user = access["token"], access["user"]
            assert token["id"] == site.me.token
            assert datetime.fromisoformat(token["expires"]).utcoffset() == timedelta(0)
            assert token["tenant"]["name"] == user["name"]
            assert token["tenant"]["id"] in user["projects"]
            assert user["id"] == site.me.id
            assert site.me.id in user["projects"]
            assert all(isinstance(role["id"], str) and role["name"] for role in user["roles"])
            assert user["roles_links"] == []
            assert access["serviceCatalog"]


@rule("2.2-unknown-token", "2.2-another-users-uuid", "2.2-email-is-no-username")
def test_2_2_wrong_credentials(site: Site) -> None:
    for auth in (
        {"token": {"id": "rubbish"}},
        {"passwordCredentials": {"username": site.me.id, "password": "rubbish"}},
        {"passwordCredentials": {"username": site.other.id, "password": site.me.token}},
        {"passwordCredentials": {"username": site.me.name, "password": site.me.token}},
    ):
        refused(_authenticate(site, auth), 401)


@rule("2.2-tenant-of-somebody-else")
def test_2_2_another_tenant(site: Site) -> None:
    refused(_authenticate(site, {"token": {"id": site.me.token}, "tenantName": site.other.id}), 400)


@pytest.mark.parametrize(
    "auth", [{}, None, 7, "token", {"token": {}}, {"token": {"id": None}}, {"passwordCredentials": {"username": "x"}}]
)
@rule("2.2-credentials-missing")
def test_2_2_no_credentials(site: Site, auth: object) -> None:
    refused(_authenticate(site, auth), 400)


@rule("2.2-body-is-no-object")
def test_2_2_bodies_that_are_no_object(site: Site) -> None:
    for value in ([], 7, "auth", None, {}):
        refused(site.ask("POST", f"{site.identity}/tokens", value, "nobody"), 400)


@rule("2.2-public-catalog")
def test_2_2_public_catalog(site: Site) -> None:
    for by in ("nobody", "me"):
        for slash in ("", "/"):
            answer = site.ask("POST", f"{site.identity}/tokens{slash}", by=by)
            assert answer.status == 200
            assert list(answer.json()["access"]) == ["serviceCatalog"]
    assert site.ask("POST", f"{site.identity}/tokens", by="nobody", X_Auth_Token="rubbish").status == 200


@rule("2.3-catalog-entries", "2.4-identity-and-account-are-there", "2.4-types-have-one-name")
def test_2_4_the_catalog(site: Site) -> None:
    catalog = site.do(f"{site.identity}/tokens", {"auth": {"token": {"id": site.me.token}}})["access"]["serviceCatalog"]
    names = [service["name"] for service in catalog]
    assert len(names) == len(set(names))
    known = {service["type"]: service for service in catalog}
    assert known["identity"]["name"] == "astakos_identity"
    assert known["account"]["name"] == "astakos_account"
    for service in catalog:
        assert service["endpoints_links"] == []
        (endpoint,) = service["endpoints"]
        assert endpoint["region"] == "default"
        assert isinstance(endpoint["versionId"], str)
        assert urlsplit(endpoint["publicURL"]).netloc
        exposed = endpoint.get("SNF:exposeVersion", "True")
        assert exposed in ("True", "False")
        if exposed == "True" and endpoint["versionId"]:
            assert endpoint["publicURL"].rstrip("/").endswith(f"/{endpoint['versionId']}")
    assert site.identity == known["identity"]["endpoints"][0]["publicURL"].rstrip("/")
    assert site.account == known["account"]["endpoints"][0]["publicURL"].rstrip("/")


@rule("2.6-endpoints-of-a-token-or-404")
def test_2_6_endpoints(site: Site) -> None:
    url = f"{site.identity}/tokens/{site.me.token}/endpoints"
    answer = site.ask("GET", url)
    if answer.status == 404:
        refused(answer, 404)
        return
    assert answer.status == 200, answer
    catalog = site.do(f"{site.identity}/tokens", {"auth": {"token": {"id": site.me.token}}})["access"]["serviceCatalog"]
    shown = {one["name"]: one["publicURL"] for one in answer.json()["endpoints"]}
    assert shown == {service["name"]: service["endpoints"][0]["publicURL"] for service in catalog}
    refused(site.ask("GET", url, by="other"), 403)
    refused(site.ask("GET", f"{url}?belongsTo={site.other.id}"), 400)


@rule("2.1-no-such-short-token")
def test_2_1_short_tokens(site: Site) -> None:
    refused(site.ask("GET", f"{site.identity}/tokens/rubbish", by="nobody"), 404)


@rule("2.7-versions", "2.7-version-details")
def test_2_7_versions(site: Site) -> None:
    root = site.identity.rpartition("/")[0]
    (version,) = site.get(f"{root}/", "nobody")["versions"]["values"]
    assert version["id"] == site.identity.rpartition("/")[2]
    for slash in ("", "/"):
        details = site.get(f"{site.identity}{slash}", "nobody")["version"]
        assert details["id"] == version["id"]
        assert details["status"] == "CURRENT"
        assert {link["rel"] for link in details["links"]} >= {"self"}


@rule("1.3-fault-names")
def test_1_3_names_of_faults(site: Site) -> None:
    seen = {
        site.ask("GET", "/nothing").status: site.ask("GET", "/nothing"),
        401: site.ask("GET", "/quotas", by="nobody"),
        404: site.ask("GET", f"/projects/{STRANGE}"),
        405: site.ask("DELETE", "/quotas"),
        409: site.ask("POST", "/projects/memberships", {"enroll": {"project": STRANGE, "user": site.me.name}}),
    }
    assert {status: next(iter(answer.json())) for status, answer in seen.items()} == {
        status: FAULTS[status] for status in (400, 401, 404, 405, 409)
    }
