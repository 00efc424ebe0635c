"""Section 8: applying for projects, how they are shown, who sees them, lists."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from conformance.identity.site import END, Project, Site, refused
from conformance.rows import rule

STRANGE = "00000000-0000-4000-8000-000000000000"
UNLIMITED = 2**63 - 1
TERMS: dict[str, Any] = {"cyclades.vm": {"project_capacity": 8, "member_capacity": 2}}

FIELDS = {
    "id",
    "name",
    "state",
    "owner",
    "homepage",
    "description",
    "creation_date",
    "end_date",
    "join_policy",
    "leave_policy",
    "max_members",
    "private",
    "system_project",
    "resources",
}
APPLIED = {
    "id",
    "state",
    "applicant",
    "name",
    "owner",
    "homepage",
    "description",
    "start_date",
    "end_date",
    "comments",
    "join_policy",
    "leave_policy",
    "max_members",
    "private",
    "resources",
}

# what an application may say ------------------------------------------------------------------------------------------

GOOD: tuple[tuple[str, str, object], ...] = (
    ("homepage", "homepage", "https://example.org/" + "x" * 235),
    ("description", "description", "d" * 4096),
    ("description-unicode", "description", "Ελληνικά\n<b>&"),
    ("comments", "comments", "c" * 4096),
    ("start-date", "start_date", "2026-03-01T00:00:00+00:00"),
    ("start-date-null", "start_date", None),
    ("start-date-past", "start_date", "2001-03-01T00:00:00+02:00"),
    *((f"join-{policy}", "join_policy", policy) for policy in ("auto", "moderated", "closed")),
    *((f"leave-{policy}", "leave_policy", policy) for policy in ("auto", "moderated", "closed")),
    ("members-0", "max_members", 0),
    ("members-most", "max_members", UNLIMITED),
    ("private", "private", True),
    ("not-private", "private", False),
    ("resources", "resources", TERMS),
    ("resources-none", "resources", {}),
    ("resources-0", "resources", {"cyclades.vm": {"project_capacity": 0, "member_capacity": 0}}),
    ("resources-most", "resources", {"cyclades.vm": {"project_capacity": UNLIMITED, "member_capacity": UNLIMITED}}),
)

BAD: tuple[tuple[str, str, object], ...] = (
    ("name-null", "name", None),
    ("name-number", "name", 7),
    ("name-empty", "name", ""),
    ("name-without-dot", "name", "genomics"),
    ("name-long", "name", "a" * 61 + "." + "b" * 15 + ".org"),
    ("name-long-label", "name", "a" * 64 + ".org"),
    ("name-underscore", "name", "a_b.example.org"),
    ("name-blank", "name", "a b.example.org"),
    ("name-outer-hyphen", "name", "-a.example.org"),
    ("name-empty-label", "name", "a..org"),
    ("name-last-label-short", "name", "a.example.o"),
    ("name-last-label-long", "name", "a.example.museums"),
    ("name-last-label-digits", "name", "a.example.o1"),
    ("name-newline", "name", "a.example.org\n"),
    ("name-unicode", "name", "α.example.org"),
    ("owner-number", "owner", 7),
    ("owner-unknown", "owner", STRANGE),
    ("homepage-number", "homepage", 7),
    ("homepage-long", "homepage", "x" * 256),
    ("description-number", "description", 7),
    ("description-long", "description", "x" * 4097),
    ("comments-list", "comments", []),
    ("comments-long", "comments", "x" * 4097),
    ("start-date-naive", "start_date", "2026-03-01T00:00:00"),
    ("start-date-word", "start_date", "soon"),
    ("end-date-null", "end_date", None),
    ("end-date-naive", "end_date", "2099-01-01T00:00:00"),
    ("end-date-day-alone", "end_date", "2099-01-01"),
    ("end-date-past", "end_date", "2001-01-01T00:00:00+00:00"),
    ("end-date-number", "end_date", 4102444800),
    ("end-date-impossible", "end_date", "2099-02-30T00:00:00+00:00"),
    ("join-policy-word", "join_policy", "open"),
    ("join-policy-null", "join_policy", None),
    ("leave-policy-case", "leave_policy", "AUTO"),
    ("leave-policy-list", "leave_policy", ["auto"]),
    ("members-negative", "max_members", -1),
    ("members-too-many", "max_members", 2**63),
    ("members-fraction", "max_members", 1.5),
    ("members-word", "max_members", "many"),
    ("members-unit", "max_members", "10X"),
    ("private-word", "private", "yes"),
    ("resources-list", "resources", []),
    ("resources-null", "resources", None),
    ("resources-unknown", "resources", {"cyclades.elephant": {"project_capacity": 1, "member_capacity": 1}}),
    ("resources-invisible", "resources", {"astakos.pending_app": {"project_capacity": 1, "member_capacity": 1}}),
    ("resources-number", "resources", {"cyclades.vm": 7}),
    ("resources-half", "resources", {"cyclades.vm": {"project_capacity": 1}}),
    ("resources-other-half", "resources", {"cyclades.vm": {"member_capacity": 1}}),
    ("resources-negative", "resources", {"cyclades.vm": {"project_capacity": -1, "member_capacity": -1}}),
    ("resources-member-over-project", "resources", {"cyclades.vm": {"project_capacity": 1, "member_capacity": 2}}),
    ("resources-too-much", "resources", {"cyclades.vm": {"project_capacity": 2**63, "member_capacity": 1}}),
    ("resources-text", "resources", {"cyclades.vm": {"project_capacity": "8", "member_capacity": "2"}}),
    ("resources-boolean", "resources", {"cyclades.vm": {"project_capacity": True, "member_capacity": True}}),
)


@pytest.mark.parametrize(("field", "value"), [one[1:] for one in GOOD], ids=[f"8.5-{one[0]}" for one in GOOD])
@rule(*(f"8.5-{one[0]}" for one in GOOD))
def test_8_5_what_may_be_asked_for(site: Site, field: str, value: object) -> None:
    made = site.apply(**{field: value})
    try:
        applied = site.get(f"/projects/{made.id}")["last_application"]
        if "date" in field and isinstance(value, str):
            assert datetime.fromisoformat(applied[field]) == datetime.fromisoformat(value)
        else:
            assert applied[field] == value
    finally:
        site.decide(made, "cancel", "me")


@pytest.mark.parametrize("value", ["inf", "infinite", "3", "2K", "1M"])
@rule("8.5-members-as-text")
def test_8_5_members_as_text(site: Site, value: str) -> None:
    made = site.apply(max_members=value)
    shown = site.get(f"/projects/{made.id}")["max_members"]
    site.decide(made, "cancel", "me")
    assert shown == {"inf": UNLIMITED, "infinite": UNLIMITED, "3": 3, "2K": 2048, "1M": 1024**2}[value]


@pytest.mark.parametrize(("field", "value"), [one[1:] for one in BAD], ids=[f"8.5-{one[0]}" for one in BAD])
@rule(*(f"8.5-{one[0]}" for one in BAD))
def test_8_5_what_may_not_be_asked_for(site: Site, field: str, value: object) -> None:
    body = {"name": site.name(), "end_date": END, field: value}
    refused(site.ask("POST", "/projects", body), 400)
    assert site.get(f"/projects?name={quote(str(body['name']), safe='')}") == []


@pytest.mark.parametrize("field", ["name", "end_date"])
@rule("8.5-name-missing", "8.5-end-date-missing")
def test_8_5_what_must_be_said(site: Site, field: str) -> None:
    body = {"name": site.name(), "end_date": END}
    del body[field]
    refused(site.ask("POST", "/projects", body), 400)


@rule("8.5-defaults", "8.5-answer-of-create", "8.3-fields", "8.3-before-approval-only-what-was-asked-for")
def test_8_3_a_new_project(site: Site) -> None:
    made = site.apply(resources=TERMS)
    shown = site.get(f"/projects/{made.id}")
    site.decide(made, "cancel", "me")
    assert shown.keys() == FIELDS | {"last_application"}
    applied = shown.pop("last_application")
    created = datetime.fromisoformat(shown.pop("creation_date"))
    assert created.utcoffset() == timedelta(0)
    assert datetime.fromisoformat(shown.pop("end_date")) == datetime.fromisoformat(END)
    assert shown == {
        "id": made.id,
        "name": made.name,
        "state": "uninitialized",
        "owner": site.me.id,
        "homepage": "",
        "description": "",
        "join_policy": "moderated",
        "leave_policy": "auto",
        "max_members": UNLIMITED,
        "private": False,
        "system_project": False,
        "resources": TERMS,
    }
    assert applied.keys() == APPLIED
    assert (applied["id"], applied["state"], applied["applicant"]) == (made.application, "pending", site.me.id)
    assert applied["resources"] == TERMS


@rule("8.3-after-approval-all-resources", "8.3-deactivation-date")
def test_8_3_an_approved_project(site: Site) -> None:
    made = site.project("active", resources=TERMS)
    shown = site.get(f"/projects/{made.id}")
    assert shown["resources"].keys() == site.get("/resources").keys()
    assert shown["resources"]["cyclades.vm"] == TERMS["cyclades.vm"]
    assert shown["last_application"]["state"] == "approved"
    assert "deactivation_date" not in shown
    for action in ("suspend", "unsuspend"):
        assert site.decide(made, action).status == 200
        shown = site.get(f"/projects/{made.id}")
        assert datetime.fromisoformat(shown["deactivation_date"]).utcoffset() == timedelta(0)


@rule("8.3-last-application-is-for-owner-and-administrators")
def test_8_3_for_whom_the_application_is(site: Site) -> None:
    made = site.project("active", join_policy="auto")
    site.do("/projects/memberships", {"join": {"project": made.id}}, "other")
    assert "last_application" in site.get(f"/projects/{made.id}")
    assert "last_application" in site.get(f"/projects/{made.id}", "admin")
    shown = site.get(f"/projects/{made.id}", "other")
    assert shown.keys() == FIELDS


@rule("8.3-system-project")
def test_8_3_the_system_project(site: Site) -> None:
    shown = site.get(f"/projects/{site.me.id}")
    assert shown["id"] == site.me.id
    assert shown["name"] == f"system:{site.me.id}"
    assert shown["owner"] is None
    assert shown["private"] is True
    assert (shown["join_policy"], shown["leave_policy"], shown["max_members"]) == ("closed", "closed", 1)
    assert shown["system_project"] is True
    assert shown["state"] == "active"
    assert shown["resources"].keys() == site.get("/resources").keys()


# modifications --------------------------------------------------------------------------------------------------------


@rule("8.5-changes-wait-for-approval", "8.5-only-given-fields-change", "8.3-untouched-members-are-null")
def test_8_5_changes(site: Site) -> None:
    made = site.project("active", resources=TERMS, description="before", homepage="https://example.org")
    more = {"cyclades.disk": {"project_capacity": 2**40, "member_capacity": 2**30}}
    changed = site.change(made, description="after", max_members=5)
    shown = site.get(f"/projects/{made.id}")
    assert (shown["description"], shown["max_members"]) == ("before", UNLIMITED)
    applied = shown["last_application"]
    assert (applied["id"], applied["state"], applied["description"]) == (changed.application, "pending", "after")
    for field in ("name", "owner", "homepage", "end_date", "join_policy", "leave_policy", "private", "comments"):
        assert applied[field] is None, field
    assert applied["resources"] == {}
    assert site.decide(changed, "approve").status == 200
    shown = site.get(f"/projects/{made.id}")
    assert (shown["description"], shown["max_members"], shown["homepage"]) == ("after", 5, "https://example.org")
    assert shown["resources"]["cyclades.vm"] == TERMS["cyclades.vm"]
    assert site.decide(site.change(changed, resources=more), "approve").status == 200
    shown = site.get(f"/projects/{made.id}")
    assert shown["resources"]["cyclades.disk"] == more["cyclades.disk"]
    assert shown["resources"]["cyclades.vm"] == TERMS["cyclades.vm"]


@rule("8.5-changing-name-and-owner")
def test_8_5_another_owner(site: Site) -> None:
    made = site.project("active")
    name = site.name()
    assert site.decide(site.change(made, name=name, owner=site.other.id), "approve").status == 200
    shown = site.get(f"/projects/{made.id}", "other")
    assert (shown["name"], shown["owner"]) == (name, site.other.id)
    refused(site.ask("PUT", f"/projects/{made.id}", {"description": "x"}), 403)


@pytest.mark.parametrize(("field", "value"), [one[1:] for one in BAD], ids=[f"8.5-change-{one[0]}" for one in BAD])
@rule(*(f"8.5-change-{one[0]}" for one in BAD))
def test_8_5_what_changes_may_not_ask_for(site: Site, field: str, value: object) -> None:
    made = site.facts_project()
    refused(site.ask("PUT", f"/projects/{made.id}", {field: value}), 400)


@rule("8.5-PUT-unknown-project", "8.4-PUT-by-others", "8.5-PUT-uninitialized", "8.5-PUT-deleted")
def test_8_5_what_cannot_be_changed(site: Site) -> None:
    refused(site.ask("PUT", f"/projects/{STRANGE}", {"description": "x"}), 404)
    made = site.apply()
    refused(site.ask("PUT", f"/projects/{made.id}", {"description": "x"}, "other"), 403)
    refused(site.ask("PUT", f"/projects/{made.id}", {"description": "x"}), 409)
    assert site.decide(made, "cancel", "me").status == 200
    refused(site.ask("PUT", f"/projects/{made.id}", {"description": "x"}), 409)


@rule("8.5-PUT-suspended", "8.5-PUT-terminated")
def test_8_5_changing_what_does_not_live(site: Site) -> None:
    for state in ("suspended", "terminated"):
        made = site.project(state)
        assert site.decide(site.change(made), "cancel", "me").status == 200
        assert site.state(made) == state


@pytest.mark.parametrize("field", ["owner", "name", "homepage", "description"])
@rule("8.5-PUT-of-a-system-project")
def test_8_5_what_system_projects_keep(site: Site, field: str) -> None:
    site.needs("admin")
    value = {"owner": site.other.id, "name": site.name()}.get(field, "x")
    refused(site.ask("PUT", f"/projects/{site.other.id}", {field: value}, "admin"), 409)
    shown = site.get(f"/projects/{site.other.id}", "admin")
    assert (shown["owner"], shown["name"]) == (None, f"system:{site.other.id}")


@rule("8.5-name-clash-at-approval", "8.6-terminate-frees-the-name", "8.6-reinstate-name-taken")
def test_8_5_one_name(site: Site) -> None:
    first = site.project("active")
    second = site.apply(name=first.name)
    refused(site.decide(second, "approve"), 409)
    assert site.state(second) == "uninitialized"
    assert site.decide(first, "suspend").status == 200
    refused(site.decide(second, "approve"), 409)
    assert site.decide(first, "terminate").status == 200
    assert site.decide(second, "approve").status == 200
    refused(site.decide(first, "reinstate"), 409)
    refused(site.decide(site.change(first), "approve"), 409)
    assert site.decide(second, "terminate").status == 200
    assert site.decide(first, "reinstate").status == 200


@rule("8.5-too-many-pending-applications")
def test_8_5_pending_applications_are_limited(site: Site) -> None:
    """Applied for until it is refused; skipped where that takes more than thirty."""
    made = []
    try:
        for _ in range(30):
            answer = site.ask("POST", "/projects", {"name": site.name(), "end_date": END}, "other")
            if answer.status != 201:
                break
            made.append(Project(answer.json()["id"], "", answer.json()["application"]))
        else:
            pytest.skip("the user may have more than thirty pending applications")
        refused(answer, 409)
        assert site.decide(made[0], "cancel", "other").status == 200
        answer = site.ask("POST", "/projects", {"name": site.name(), "end_date": END}, "other")
        assert answer.status == 201, answer
        made.append(Project(answer.json()["id"], "", answer.json()["application"]))
    finally:
        for one in made[1:]:
            assert site.decide(one, "cancel", "other").status == 200


# who sees what --------------------------------------------------------------------------------------------------------


@rule("8.4-GET-by-others", "8.4-GET-unknown", "8.4-GET-private", "8.4-GET-by-members")
def test_8_4_who_sees_a_project(site: Site) -> None:
    refused(site.ask("GET", f"/projects/{STRANGE}"), 404)
    refused(site.ask("GET", "/projects/nonsense"), 404)
    refused(site.ask("GET", f"/projects/{site.other.id}"), 403)
    pending = site.apply()
    refused(site.ask("GET", f"/projects/{pending.id}", by="other"), 403)
    site.decide(pending, "cancel", "me")
    public, private = site.project("active"), site.project("active", private=True, join_policy="auto")
    assert site.ask("GET", f"/projects/{public.id}", by="other").status == 200
    refused(site.ask("GET", f"/projects/{private.id}", by="other"), 403)
    site.do("/projects/memberships", {"join": {"project": private.id}}, "other")
    assert site.ask("GET", f"/projects/{private.id}", by="other").status == 200
    assert site.decide(public, "suspend").status == 200
    refused(site.ask("GET", f"/projects/{public.id}", by="other"), 403)


def _listed(site: Site, query: str = "", by: str = "me") -> set[str]:
    return {one["id"] for one in site.get(f"/projects{query}", by)}


@rule("8.2-default-mode", "8.2-mode-related", "8.2-mode-member", "8.2-mode-active", "8.2-deleted-of-the-owner")
def test_8_2_modes(site: Site) -> None:
    states = ("uninitialized", "active", "suspended", "terminated", "deleted")
    mine = {state: site.project(state, join_policy="auto").id for state in states}
    hidden = site.project("active", private=True).id
    for mode in ("", "?mode=default", "?mode=related"):
        assert {*mine.values(), hidden, site.me.id} <= _listed(site, mode)
        assert not {*mine.values(), hidden, site.me.id} & _listed(site, mode, "other")
        assert {*mine.values(), hidden, site.me.id} <= _listed(site, mode, "admin")
    site.do("/projects/memberships", {"join": {"project": mine["active"]}}, "other")
    site.do("/projects/memberships", {"enroll": {"project": mine["suspended"], "user": site.other.name}})
    assert {mine["active"], mine["suspended"]} <= _listed(site, by="other")
    assert mine["active"] in _listed(site, "?mode=member", "other")
    assert mine["suspended"] not in _listed(site, "?mode=member", "other")
    assert not set(mine.values()) & _listed(site, "?mode=member")
    for by in ("me", "other"):
        found = _listed(site, "?mode=active", by)
        assert mine["active"] in found
        assert hidden not in found
        assert not {mine[state] for state in states if state != "active"} & found
    assert {mine["active"], hidden} <= _listed(site, "?mode=active", "admin")


@rule("8.2-filter-name", "8.2-filter-owner", "8.2-filter-state", "8.2-unknown-state", "8.2-unknown-mode")
def test_8_2_filters(site: Site) -> None:
    one, two = site.apply(), site.apply()
    assert _listed(site, f"?name={one.name}") == {one.id}
    assert {one.id, two.id} <= _listed(site, f"?owner={site.me.id}&state=uninitialized")
    assert not {one.id, two.id} & _listed(site, "?state=active")
    assert not {one.id, two.id} & _listed(site, f"?owner={site.other.id}")
    assert _listed(site, f"?name={one.name}&state=deleted") == set()
    assert _listed(site, f"?name={one.name[:-1]}") == set()
    for made in (one, two):
        site.decide(made, "cancel", "me")
    assert _listed(site, f"?name={one.name}&state=deleted") == {one.id}
    for query in ("?state=alive", "?state=", "?mode=everything", "?mode="):
        refused(site.ask("GET", f"/projects{query}"), 400)
