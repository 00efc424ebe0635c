"""Section 9: memberships, how they are asked for and shown. Their state machine is in test_states.py."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from conformance.identity.site import Site, refused
from conformance.rows import rule

STRANGE = "00000000-0000-4000-8000-000000000000"
ACTIONS = {"leave", "cancel", "accept", "reject", "remove"}


@rule("9.1-fields", "9.1-one-date-for-each-state", "9.1-id-is-stable")
def test_9_1_fields(site: Site) -> None:
    project = site.moderated_project()
    try:
        ident = site.do("/projects/memberships", {"join": {"project": project.id}}, "other")["id"]
        path = f"/projects/memberships/{ident}"
        shown = site.get(path, "other")
        assert {"id", "user", "project", "state", "requested", "allowed_actions"} <= shown.keys()
        assert (shown["id"], shown["user"], shown["project"]) == (ident, site.other.id, project.id)
        assert shown["state"] == "requested"
        requested = datetime.fromisoformat(shown["requested"])
        assert requested.utcoffset() == timedelta(0)
        site.do(f"{path}/action", {"accept": ""})
        shown = site.get(path)
        assert shown["state"] == "accepted"
        assert datetime.fromisoformat(shown["requested"]) == requested
        assert datetime.fromisoformat(shown["accepted"]) >= requested
        site.do(f"{path}/action", {"remove": ""})
        assert site.do("/projects/memberships", {"join": {"project": project.id}}, "other")["id"] == ident
        again = site.get(path)
        assert datetime.fromisoformat(again["requested"]) > requested  # the latest time
        assert "removed" in again
    finally:
        site.give_back(project, "moderated", "moderated")


ALLOWED = {  # by the state: what the member, the owner and an administrator may do
    "requested": ({"cancel"}, {"accept", "reject"}, {"cancel", "accept", "reject"}),
    "accepted": ({"leave"}, {"remove"}, {"leave", "remove"}),
    "leave_requested": ({"leave"}, {"remove"}, {"leave", "remove"}),
    "removed": (set[str](), set[str](), set[str]()),
}


@pytest.mark.parametrize("state", ALLOWED)
@rule(*(f"9.1-allowed-actions-{state}" for state in ALLOWED))
def test_9_1_allowed_actions(site: Site, state: str) -> None:
    project = site.moderated_project()
    try:
        ident = site.do("/projects/memberships", {"join": {"project": project.id}}, "other")["id"]
        path = f"/projects/memberships/{ident}"
        for action, by in (("accept", "me"), ("leave", "other"), ("remove", "me")):
            if site.get(path)["state"] == state:
                break
            site.do(f"{path}/action", {action: ""}, by)
        assert site.get(path)["state"] == state
        for by, allowed in zip(("other", "me", "admin"), ALLOWED[state], strict=True):
            shown = site.get(path, by)["allowed_actions"]
            assert len(shown) == len(set(shown))
            assert set(shown) <= ACTIONS
            # A moderated member who asked to leave can ask again, or not: both are sensible.
            assert set(shown) - ({"leave"} if state == "leave_requested" else set()) == allowed - (
                {"leave"} if state == "leave_requested" else set()
            )
    finally:
        site.give_back(project, "moderated", "moderated")


@rule("9.1-list-of-ones-own", "9.1-list-of-owned-projects", "9.1-list-of-an-administrator", "9.1-filter-project")
def test_9_1_lists(site: Site) -> None:
    project = site.project("active", join_policy="auto")
    ident = site.do("/projects/memberships", {"join": {"project": project.id}}, "other")["id"]

    def listed(query: str, by: str) -> set[int]:
        return {one["id"] for one in site.get(f"/projects/memberships{query}", by)}

    for by in ("me", "other", "admin"):
        assert ident in listed("", by)
        assert listed(f"?project={project.id}", by) == {ident}
        assert listed(f"?project={STRANGE}", by) == set()
    mine = site.do("/projects/memberships", {"enroll": {"project": project.id, "user": site.me.name}})["id"]
    assert mine not in listed("", "other")
    assert listed(f"?project={project.id}", "me") == {ident, mine}
    assert listed(f"?project={project.id}", "other") == {ident}


@rule("9.1-GET-by-others", "9.1-GET-unknown")
def test_9_1_who_sees_a_membership(site: Site) -> None:
    project = site.project("active", join_policy="auto")
    ident = site.do("/projects/memberships", {"join": {"project": project.id}})["id"]
    refused(site.ask("GET", f"/projects/memberships/{ident}", by="other"), 403)
    for unknown in ("0", "999999999", "9" * 19, "9" * 6000):
        refused(site.ask("GET", f"/projects/memberships/{unknown}"), 404)
        refused(site.ask("POST", f"/projects/memberships/{unknown}/action", {"leave": ""}), 404)
    refused(site.ask("GET", "/projects/memberships/abc"), 400)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"join": {}},
        {"join": None},
        {"join": "project"},
        {"join": {"project": None}},
        {"join": {"project": 7}},
        {"explode": {"project": STRANGE}},
        {"join": {"project": STRANGE}, "enroll": {"project": STRANGE, "user": "x"}},
        {"enroll": {"project": STRANGE}},
        {"enroll": {"user": "x"}},
        {"enroll": {"project": STRANGE, "user": 7}},
    ],
)
@rule("9.2-project-missing-or-of-the-wrong-type", "9.2-no-several-or-unknown-keys")
def test_9_2_bodies_that_make_no_sense(site: Site, body: object) -> None:
    refused(site.ask("POST", "/projects/memberships", body), 400)


@pytest.mark.parametrize("body", [{}, {"explode": ""}, {"accept": "", "reject": ""}])
@rule("9.2-no-several-or-unknown-actions")
def test_9_2_actions_that_make_no_sense(site: Site, body: object) -> None:
    project = site.project("active", join_policy="auto")
    ident = site.do("/projects/memberships", {"join": {"project": project.id}})["id"]
    refused(site.ask("POST", f"/projects/memberships/{ident}/action", body), 400)


@rule("9.2-join-unknown-project", "9.2-enroll-unknown-project", "9.2-enroll-unknown-name")
def test_9_2_unknown_things(site: Site) -> None:
    for unknown in (STRANGE, "nonsense"):
        refused(site.ask("POST", "/projects/memberships", {"join": {"project": unknown}}), 404)
        body = {"enroll": {"project": unknown, "user": site.other.name}}
        refused(site.ask("POST", "/projects/memberships", body), 409)
    project = site.project("active")
    body = {"enroll": {"project": project.id, "user": "nobody@invalid.example"}}
    refused(site.ask("POST", "/projects/memberships", body), 409)


@rule("9.2-system-projects-are-closed")
def test_9_2_system_projects(site: Site) -> None:
    refused(site.ask("POST", "/projects/memberships", {"join": {"project": site.other.id}}), 409)


@rule("9.2-projects-of-the-token")
def test_9_2_projects_of_the_token(site: Site) -> None:
    """`access.user.projects` follows memberships (section 2.3)."""

    def projects() -> list[str]:
        access = site.do(f"{site.identity}/tokens", {"auth": {"token": {"id": site.me.token}}})["access"]
        return list(access["user"]["projects"])

    project = site.project("active", join_policy="auto", leave_policy="moderated")
    assert project.id not in projects()
    ident = site.do("/projects/memberships", {"join": {"project": project.id}})["id"]
    assert project.id in projects()
    site.do(f"/projects/memberships/{ident}/action", {"leave": ""})
    assert project.id in projects()
    assert site.decide(project, "suspend").status == 200
    assert project.id not in projects()
