"""Sections 3 to 5 and 10: names of users, menus, resources, feedback, the default project, administration."""

from __future__ import annotations

import re

import pytest
from conformance.identity.site import Site, refused
from conformance.rows import rule

STRANGE = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(params=["user", "service"])
def catalogs(request: pytest.FixtureRequest, site: Site) -> tuple[str, str]:
    """The two addresses of the catalogs, and who asks there."""
    if request.param == "user":
        return "/user_catalogs", "me"
    site.needs("service")
    return "/service/user_catalogs", "service"


@rule("3-names-of-ids", "3-ids-of-names", "3-unknown-ones-are-left-out", "3-case-of-names-does-not-matter")
def test_3_catalogs(site: Site, catalogs: tuple[str, str]) -> None:
    path, by = catalogs
    spelt = site.other.name.swapcase()
    wanted = {"uuids": [site.me.id, STRANGE], "displaynames": [site.me.name, spelt, "nobody@invalid.example"]}
    assert site.do(path, wanted, by) == {
        "uuid_catalog": {site.me.id: site.me.name},
        "displayname_catalog": {site.me.name: site.me.id, spelt: site.other.id},
    }


@rule("3-both-lists-are-optional", "3-content-type-does-not-matter")
def test_3_empty_catalogs(site: Site, catalogs: tuple[str, str]) -> None:
    path, by = catalogs
    empty = {"uuid_catalog": {}, "displayname_catalog": {}}
    for value in ({}, {"uuids": []}, {"displaynames": []}):
        assert site.do(path, value, by) == empty
    assert site.ask("POST", path, {}, by, kind="text/plain").json() == empty
    assert site.ask("POST", path, {}, by, kind=None).json() == empty


@rule("3-null-ids-of-a-user", "3-null-ids-of-a-service")
def test_3_null_ids(site: Site, catalogs: tuple[str, str]) -> None:
    path, by = catalogs
    found = site.do(path, {"uuids": None}, by)["uuid_catalog"]
    if by == "me":
        assert found == {}
    else:
        assert {one.id: one.name for one in site.people.values()}.items() <= found.items()


@pytest.mark.parametrize(
    "value", [{"displaynames": None}, {"displaynames": "x"}, {"displaynames": [7]}, {"uuids": "x"}, {"uuids": [{}]}]
)
@rule("3-lists-of-strings")
def test_3_lists_that_are_none(site: Site, catalogs: tuple[str, str], value: object) -> None:
    refused(site.ask("POST", catalogs[0], value, catalogs[1]), 400)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"7", b"\xff"])
@rule("3-body-is-an-object")
def test_3_bodies_that_are_no_object(site: Site, catalogs: tuple[str, str], body: bytes) -> None:
    refused(site.ask("POST", catalogs[0], by=catalogs[1], body=body), 400)


def _ui(site: Site) -> str:
    answer = site.ask("POST", f"{site.identity}/tokens", by="nobody")
    for service in answer.json()["access"]["serviceCatalog"]:
        if service["type"] == "account":
            return str(service["endpoints"][0]["SNF:uiURL"]).rstrip("/")
    raise AssertionError(answer)


@rule("4-services", "4-menu", "4-jsonp")
def test_4_menus(site: Site) -> None:
    for path in ("get_services", "get_menu"):
        found = site.get(f"{_ui(site)}/{path}", "nobody")
        assert isinstance(found, list)
        assert found
        assert all(one["name"] and one["url"] for one in found)
        script = site.ask("GET", f"{_ui(site)}/{path}?callback=show", by="nobody")
        assert script["Content-Type"].startswith("application/javascript")
        assert re.match(rb"show\(\[.*\]\);?", script.body, re.DOTALL)


UNITS = {
    "cyclades.vm": None,
    "cyclades.cpu": None,
    "cyclades.ram": "bytes",
    "cyclades.disk": "bytes",
    "cyclades.network.private": None,
    "cyclades.floating_ip": None,
    "pithos.diskspace": "bytes",
}


@rule("5-resources-need-no-token", "5-units", "5-only-visible-ones")
def test_5_resources(site: Site) -> None:
    found = site.get("/resources", "nobody")
    assert found
    assert found == site.get("/resources")
    for name, one in found.items():
        assert one["api_visible"] is True
        assert name.partition(".")[0] == one["service"].partition("_")[0]
        assert isinstance(one["description"], str)
        if name in UNITS:
            assert one["unit"] == UNITS[name]
    assert not {"astakos.pending_app", "cyclades.total_cpu", "cyclades.total_ram"} & found.keys()


# section 10 -----------------------------------------------------------------------------------------------------------

FORM = "application/x-www-form-urlencoded"


@rule("10-feedback", "10-feedback-without-message", "10-feedback-is-a-form")
def test_10_feedback(site: Site) -> None:
    answer = site.ask("POST", "/feedback", body=b"feedback_msg=a+conformance+run&feedback_data=%7B%7D", kind=FORM)
    if answer.status == 502:
        pytest.skip("the server has nobody to send feedback to")
    assert (answer.status, answer.body) == (200, b"")
    refused(site.ask("POST", "/feedback", body=b"feedback_data=x", kind=FORM), 400)
    refused(site.ask("POST", "/feedback", body=b"feedback_msg=", kind=FORM), 400)
    refused(site.ask("POST", "/feedback", body=b"", kind=FORM), 400)


@rule("10-default-project", "10-default-project-becomes-the-tenant")
def test_10_default_project(site: Site) -> None:
    def tenant() -> str:
        access = site.do(f"{site.identity}/tokens", {"auth": {"token": {"id": site.me.token}}})["access"]
        return str(access["token"]["tenant"]["id"])

    before = tenant()
    project = site.project(join_policy="auto")
    site.do("/projects/memberships", {"join": {"project": project.id}})
    answer = site.ask("POST", "/myaccount/default_project", {"project_id": project.id})
    assert (answer.status, answer.body) == (200, b"")
    assert tenant() == project.id
    assert site.ask("POST", "/myaccount/default_project", {"project_id": before}).status == 200
    assert tenant() == before


@rule("8.6-terminating-a-default-project", "9.2-leaving-a-default-project")
def test_8_6_default_project_that_ends(site: Site) -> None:
    def tenant() -> str:
        access = site.do(f"{site.identity}/tokens", {"auth": {"token": {"id": site.me.token}}})["access"]
        return str(access["token"]["tenant"]["id"])

    for end in ("terminate", "leave"):
        project = site.project(join_policy="auto")
        membership = site.do("/projects/memberships", {"join": {"project": project.id}})["id"]
        site.do("/myaccount/default_project", {"project_id": project.id})
        if end == "terminate":
            assert site.decide(project, "terminate").status == 200
        else:
            site.do(f"/projects/memberships/{membership}/action", {"leave": ""})
        assert tenant() == site.me.id


@rule("10-default-project-id-missing", "10-default-project-unknown", "10-default-project-without-membership")
def test_10_default_project_refused(site: Site) -> None:
    refused(site.ask("POST", "/myaccount/default_project", {}), 403)
    refused(site.ask("POST", "/myaccount/default_project", {"project_id": None}), 403)
    refused(site.ask("POST", "/myaccount/default_project", {"project_id": STRANGE}), 404)
    refused(site.ask("POST", "/myaccount/default_project", {"project_id": site.other.id}), 404)


@rule("10-default-project-not-accepted", "10-default-project-not-active")
def test_10_default_project_that_cannot_be_used(site: Site) -> None:
    asked = site.project(join_policy="moderated")
    site.do("/projects/memberships", {"join": {"project": asked.id}})
    refused(site.ask("POST", "/myaccount/default_project", {"project_id": asked.id}), 403)
    suspended = site.project(join_policy="auto")
    site.do("/projects/memberships", {"join": {"project": suspended.id}})
    assert site.decide(suspended, "suspend").status == 200
    refused(site.ask("POST", "/myaccount/default_project", {"project_id": suspended.id}), 403)


def _administration(site: Site) -> str:
    """The address of the users, where the server has such a thing and the administrator may use it."""
    site.needs("admin")
    url = f"{site.identity}/users"
    if site.ask("GET", url, by="admin").status != 200:
        pytest.skip("the server has no user administration, or not for this administrator")
    return url


@rule("10.1-list-of-users", "10.1-one-user", "10.1-unknown-user", "10.1-not-for-others")
def test_10_1_users(site: Site) -> None:
    url = _administration(site)
    for path in (url, f"{url}/detail"):
        found = {one["id"]: one for one in site.get(path, "admin")["users"]}
        assert found[site.me.id]["email"] == site.me.name
        refused(site.ask("GET", path), 403)
    one = site.get(f"{url}/{site.me.id}", "admin")["user"]
    assert one == found[site.me.id]
    assert one["is_active"] is True
    refused(site.ask("GET", f"{url}/{site.me.id}"), 403)
    refused(site.ask("GET", f"{url}/{STRANGE}", by="admin"), 404)
    refused(site.ask("POST", f"{url}/{STRANGE}/action", {"activate": {}}, "admin"), 404)
    refused(site.ask("POST", f"{url}/{site.me.id}/action", {"activate": {}}), 403)


@rule("10.1-unknown-action", "10.1-activate-and-sign")
def test_10_1_actions(site: Site) -> None:
    url = f"{_administration(site)}/{site.me.id}/action"
    for body in ({}, {"explode": {}}, {"activate": {}, "signTerms": {}}):
        refused(site.ask("POST", url, body, "admin"), 400)
    for action in ("activate", "signTerms"):
        assert site.do(url, {action: {}}, "admin") == {"user": {"id": site.me.id, "is_active": True}}


@rule("10.1-bad-data", "10.1-duplicate-name")
def test_10_1_users_that_cannot_be(site: Site) -> None:
    url = _administration(site)
    for body in ({}, {"user": 7}, {"user": {}}, {"user": {"username": 7}}):
        refused(site.ask("POST", url, body, "admin"), 400)
    refused(site.ask("POST", url, {"user": {"username": site.me.name}}, "admin"), 409)
    refused(site.ask("PUT", f"{url}/{site.me.id}", {"user": {"username": site.other.name}}, "admin"), 409)


def _statistics(site: Site) -> str:
    root = site.account.rpartition("/account/")[0]
    for url in (f"{root}/admin/stats", f"{root}/astakos/admin/stats"):
        answer = site.ask("GET", url, by="nobody")
        if answer.status == 200 and "users" in answer.json():
            return url
    pytest.skip("the statistics are at no address that is known")


@rule("10.2-counts-for-anybody")
def test_10_2_counts(site: Site) -> None:
    users = site.get(_statistics(site), "nobody")["users"]
    assert users["total"] >= users["active"] >= 2


@rule("10.2-details-for-the-group", "10.2-details-not-for-others")
def test_10_2_details(site: Site) -> None:
    url = f"{_statistics(site)}/detail"
    refused(site.ask("GET", url, by="nobody"), 401)
    refused(site.ask("GET", url), 403)
    site.needs("admin")
    answer = site.ask("GET", url, by="admin")
    if answer.status == 403:
        pytest.skip("the administrator may not see them")
    found = answer.json()
    for provider in (*found["providers"], "all"):
        assert found["users"][provider].keys() >= {"total", "verified", "active", "exclusive"}
        for one in found["resources"][provider].values():
            assert one.keys() >= {"allocated", "used", "unit", "description"}


def _weblogin(site: Site) -> str:
    for service in site.ask("POST", f"{site.identity}/tokens", by="nobody").json()["access"]["serviceCatalog"]:
        if service["type"] == "astakos_weblogin":
            return str(service["endpoints"][0]["SNF:webloginURL"])
    pytest.skip("the catalog has no weblogin")


@rule("10.4-to-the-login-page", "10.4-next-missing", "10.4-next-elsewhere")
def test_10_4_weblogin(site: Site) -> None:
    url = _weblogin(site)
    answer = site.ask("GET", f"{url}?next=pithos%3A%2F%2Fprogram%2F", by="nobody")
    assert answer.status == 302
    assert answer["Location"]
    assert site.ask("GET", url, by="nobody").status == 400
    for elsewhere in ("https%3A%2F%2Felsewhere.example%2F", "%2F%2Felsewhere.example", "javascript%3Ax"):
        assert site.ask("GET", f"{url}?next={elsewhere}", by="nobody").status == 403
