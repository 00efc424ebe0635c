"""Sections 8.6, 8.7, 9.2 and 7: the tables of states and actions, one cell after the other.

A cell says what becomes of the thing; the word `409` stands for a refusal that changes nothing. What a cell needs to
begin with is made through the API, by the shortest way.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from conformance.identity.site import Project, Site, refused
from conformance.rows import rule

STRANGE = "00000000-0000-4000-8000-000000000000"

# projects -------------------------------------------------------------------------------------------------------------

PROJECT_ACTIONS = ("suspend", "unsuspend", "terminate", "reinstate")
PROJECT_TABLE = {
    "uninitialized": ("409", "409", "409", "409"),
    "active": ("suspended", "409", "terminated", "409"),
    "suspended": ("409", "active", "terminated", "409"),
    "terminated": ("409", "409", "409", "active"),
    "deleted": ("409", "409", "409", "409"),
}
PROJECT_CELLS = [
    (state, action, after)
    for state, row in PROJECT_TABLE.items()
    for action, after in zip(PROJECT_ACTIONS, row, strict=True)
]


@pytest.mark.parametrize(("state", "action", "after"), PROJECT_CELLS, ids=[f"8.7-{a}-{s}" for s, a, _ in PROJECT_CELLS])
@rule(*(f"8.7-{action}-{state}" for state, action, _ in PROJECT_CELLS))
def test_8_7_project(site: Site, state: str, action: str, after: str) -> None:
    site.needs("admin")
    project = site.project(state)
    answer = site.decide(project, action)
    if after == "409":
        refused(answer, 409)
        assert site.state(project) == state
    else:
        assert (answer.status, answer.body) == (200, b"")
        assert site.state(project) == after


@pytest.mark.parametrize("action", PROJECT_ACTIONS)
@rule("8.4-actions-on-projects-are-for-administrators", "8.6-unknown-project")
def test_8_4_who_acts_on_projects(site: Site, action: str) -> None:
    project = site.project("suspended" if action == "unsuspend" else "active")
    for by in ("me", "other"):
        refused(site.decide(project, action, by), 403)
    refused(site.decide(replace(project, id=STRANGE), action), 404)


@rule("8.6-system-projects-stay")
def test_8_6_system_projects_stay(site: Site) -> None:
    site.needs("admin")
    refused(site.decide(Project(site.other.id, "", 0), "terminate"), 409)
    assert site.get(f"/projects/{site.other.id}", "other")["state"] == "active"


# applications ---------------------------------------------------------------------------------------------------------

APPLICATION_ACTIONS = ("approve", "deny", "cancel", "dismiss")
APPLICATION_TABLE = {
    "pending": ("approved", "denied", "cancelled", "409"),
    "approved": ("409", "409", "409", "409"),
    "denied": ("409", "409", "409", "dismissed"),
    "cancelled": ("409", "409", "409", "409"),
    "dismissed": ("409", "409", "409", "409"),
    "replaced": ("409", "409", "409", "409"),
}
# what an action that is possible leaves of a project in each state
PROJECT_AFTER = {
    "approve": dict.fromkeys(("uninitialized", "active", "suspended", "terminated"), "active"),
    "deny": {state: state for state in ("uninitialized", "active", "suspended", "terminated")},
    "cancel": {"uninitialized": "deleted", "active": "active", "suspended": "suspended", "terminated": "terminated"},
    "dismiss": {"uninitialized": "deleted", "active": "active", "suspended": "suspended", "terminated": "terminated"},
}
APPLICATION_CELLS = [
    (base, state, action, after)
    for base in ("uninitialized", "active", "suspended", "terminated")
    for state, row in APPLICATION_TABLE.items()
    for action, after in zip(APPLICATION_ACTIONS, row, strict=True)
    if base == "active" or state in ("pending", "denied")
]


def _application(site: Site, base: str, state: str) -> Project:
    """A project in a state with an application in another: the first one, or one for changes."""
    project = site.project(base)
    if base == "uninitialized":
        if state == "denied":
            assert site.decide(project, "deny").status == 200
        return project
    if state == "approved":
        return project
    project = site.change(project, description="changed")
    if state == "replaced":
        site.change(project, description="changed again")
    way = {"denied": ("deny",), "cancelled": ("cancel",), "dismissed": ("deny", "dismiss")}
    for action in way.get(state, ()):
        assert site.decide(project, action).status == 200
    return project


@pytest.mark.parametrize(
    ("base", "state", "action", "after"),
    APPLICATION_CELLS,
    ids=[f"8.7-{action}-{state}-of-{base}" for base, state, action, _ in APPLICATION_CELLS],
)
@rule(*(f"8.7-{action}-{state}-of-{base}" for base, state, action, _ in APPLICATION_CELLS))
def test_8_7_application(site: Site, base: str, state: str, action: str, after: str) -> None:
    site.needs("admin")
    project = _application(site, base, state)
    answer = site.decide(project, action)
    shown = site.get(f"/projects/{project.id}", "admin")
    if after == "409":
        refused(answer, 409)
        assert shown["state"] == base
        if state != "replaced":  # that one is not shown any more
            assert shown["last_application"]["state"] == state
        return
    assert (answer.status, answer.body) == (200, b"")
    assert shown["last_application"]["state"] == after
    assert shown["state"] == PROJECT_AFTER[action][base]
    if base != "uninitialized":
        assert shown["description"] == ("changed" if action == "approve" else "")


@rule("8.7-a-newer-application-replaces-a-pending-one", "8.6-not-the-latest-application")
def test_8_7_replaced(site: Site) -> None:
    older = site.change(site.project(), description="older")
    newer = site.change(older, description="newer")
    for action in APPLICATION_ACTIONS:
        refused(site.decide(older, action), 409)
    assert site.decide(newer, "approve").status == 200
    assert site.get(f"/projects/{newer.id}")["description"] == "newer"


@rule("8.4-approve-and-deny-are-for-administrators", "8.4-cancel-and-dismiss-are-for-the-applicant")
def test_8_4_who_decides_about_applications(site: Site) -> None:
    project = site.apply()
    for by in ("me", "other"):
        for action in ("approve", "deny"):
            refused(site.decide(project, action, by), 403)
    refused(site.decide(project, "cancel", "other"), 403)
    site.needs("admin")
    assert site.decide(project, "deny").status == 200
    refused(site.decide(project, "dismiss", "other"), 403)
    assert site.decide(project, "dismiss", "me").status == 200
    assert site.decide(site.apply(), "cancel", "admin").status == 200


@rule("8.6-application-of-another-project", "8.6-unknown-application", "8.6-application-of-an-unknown-project")
def test_8_6_applications_that_do_not_fit(site: Site) -> None:
    site.needs("admin")
    one, two = site.apply(), site.apply()
    refused(site.decide(replace(one, application=two.application), "approve"), 409)
    for number in (2**62, 10**30, -1, 0):
        refused(site.decide(replace(one, application=number), "approve"), 404)
    refused(site.decide(replace(one, id=STRANGE), "approve"), 404)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"explode": {}},
        {"suspend": {}, "terminate": {}},
        {"suspend": {}, "explode": {}},
        {"suspend": "because"},
        {"suspend": None},
        {"approve": {}},
        {"approve": {"app_id": None}},
        {"approve": {"app_id": "41"}},
        {"approve": "because"},
    ],
)
@rule("8.6-no-or-several-keys", "8.6-value-is-no-object", "8.6-app-id-missing")
def test_8_6_actions_that_make_no_sense(site: Site, body: object) -> None:
    site.needs("admin")
    project = site.facts_project()
    refused(site.ask("POST", f"/projects/{project.id}/action", body, "admin"), 400)


@rule("8.6-reasons-is-accepted-too")
def test_8_6_reasons(site: Site) -> None:
    site.needs("admin")
    assert site.decide(site.apply(), "deny", reasons="no room").status == 200


# memberships ----------------------------------------------------------------------------------------------------------

MEMBERSHIP_ACTIONS = ("join", "enroll", "accept", "reject", "cancel", "leave", "remove")
NEW = ("(join)", "accepted", None, None, None, None, None)
GONE = ("(join)", "accepted", "409", "409", "409", "409", "409")
IN = ("409", "409", "409", "409", "409", "(leave)", "removed")
MEMBERSHIP_TABLE = {
    "none": NEW,
    "requested": ("409", "accepted", "accepted", "rejected", "cancelled", "409", "409"),
    "accepted": IN,
    "leave_requested": IN,
    "rejected": GONE,
    "cancelled": GONE,
    "removed": GONE,
}
JOINED = {"auto": "accepted", "moderated": "requested", "closed": "409"}
LEFT = {"auto": "removed", "moderated": "leave_requested", "closed": "409"}


def _after(cell: str, action: str, join: str, leave: str) -> str:
    """What a cell says under two policies."""
    if cell == "409" or (join == "closed" and action in ("join", "enroll", "accept")):
        return "409"
    if leave == "closed" and action in ("leave", "remove"):
        return "409"
    return {"(join)": JOINED[join], "(leave)": LEFT[leave]}.get(cell, cell)


MEMBERSHIP_CELLS = [
    (state, action, join, leave, _after(cell, action, join, leave))
    for state, row in MEMBERSHIP_TABLE.items()
    for action, cell in zip(MEMBERSHIP_ACTIONS, row, strict=True)
    if cell is not None
    for join, leave in (("auto", "auto"), ("moderated", "moderated"), ("closed", "closed"))
    # Under a policy that does not matter to it, a cell is looked at once.
    if (join, leave) == ("auto", "auto") or action in ("join", "enroll", "accept", "leave", "remove")
]
MEMBERSHIP_IDS = [f"9.2-{action}-{state}-{join}" for state, action, join, _, _ in MEMBERSHIP_CELLS]


def _act(site: Site, project: Project, action: str, membership: int | None, by: str | None = None) -> int:
    """Do something to the other user's membership as whoever may; returns the status."""
    if action == "join":
        answer = site.ask("POST", "/projects/memberships", {"join": {"project": project.id}}, by or "other")
    elif action == "enroll":
        body = {"enroll": {"project": project.id, "user": site.other.name}}
        answer = site.ask("POST", "/projects/memberships", body, by or "me")
    else:
        who = by or ("other" if action in ("leave", "cancel") else "me")
        answer = site.ask("POST", f"/projects/memberships/{membership}/action", {action: "a reason"}, who)
        if answer.status == 200:
            assert answer.body == b""
    if answer.status >= 400:
        refused(answer, 403, 404, 409)
    return answer.status


def _membership(site: Site, project: Project) -> tuple[int | None, str]:
    """The id and state of the other user's membership."""
    found = [one for one in site.get(f"/projects/memberships?project={project.id}") if one["user"] == site.other.id]
    return (found[0]["id"], found[0]["state"]) if found else (None, "none")


def _bring(site: Site, project: Project, state: str) -> int | None:
    """Bring the membership in a project with moderated policies into a state."""
    ways = {
        "none": (),
        "requested": ("join",),
        "accepted": ("join", "accept"),
        "leave_requested": ("join", "accept", "leave"),
        "rejected": ("join", "reject"),
        "cancelled": ("join", "cancel"),
        "removed": ("join", "accept", "remove"),
    }
    for action in ways[state]:
        assert _act(site, project, action, _membership(site, project)[0]) == 200
    membership, found = _membership(site, project)
    assert found == state
    return membership


@pytest.mark.parametrize(("state", "action", "join", "leave", "after"), MEMBERSHIP_CELLS, ids=MEMBERSHIP_IDS)
@rule(*MEMBERSHIP_IDS)
def test_9_2_membership(site: Site, state: str, action: str, join: str, leave: str, after: str) -> None:
    # Where nobody ever was a member, the project must be a new one.
    policies = {"join_policy": "moderated", "leave_policy": "moderated"}
    project = site.project("active", **policies) if state == "none" else site.moderated_project()
    membership = _bring(site, project, state)
    if (join, leave) != ("moderated", "moderated"):
        assert site.decide(site.change(project, join_policy=join, leave_policy=leave), "approve").status == 200
    try:
        status = _act(site, project, action, membership)
        now, found = _membership(site, project)
        assert status == (409 if after == "409" else 200)
        assert found == (state if after == "409" else after)
        assert membership in (None, now)  # the id of a pair stays
    finally:
        site.give_back(project, join, leave)


@pytest.mark.parametrize("state", ["uninitialized", "terminated", "deleted"])
@rule("9.2-all-need-a-live-project")
def test_9_2_projects_that_do_not_live(site: Site, state: str) -> None:
    site.needs("admin")
    project = site.project("active" if state == "terminated" else state, join_policy="moderated")
    membership = None
    if state == "terminated":
        membership = _bring(site, project, "requested")
        assert site.decide(project, "terminate").status == 200
    for action in ("join", "enroll"):
        assert _act(site, project, action, None) == 409
    for action in ("accept", "reject", "cancel") if membership is not None else ():
        assert _act(site, project, action, membership) == 409


@rule("9.2-suspended-projects-live")
def test_9_2_suspended_projects(site: Site) -> None:
    project = site.project("suspended", join_policy="moderated")
    assert _act(site, project, "join", None) == 200
    membership, _ = _membership(site, project)
    assert _act(site, project, "accept", membership) == 200
    assert _act(site, project, "leave", membership) == 200


@rule("9.2-join-a-full-project-waits", "9.2-accept-into-a-full-project", "9.2-enroll-into-a-full-project")
def test_9_2_full_projects(site: Site) -> None:
    project = site.project("active", join_policy="auto", max_members=0)
    assert _act(site, project, "enroll", None) == 409
    assert _act(site, project, "join", None) == 200
    membership, state = _membership(site, project)
    assert state == "requested"
    assert _act(site, project, "accept", membership) == 409
    assert _act(site, project, "enroll", membership) == 409
    assert site.decide(site.change(project, max_members=1), "approve").status == 200
    assert _act(site, project, "accept", membership) == 200


MAY = {  # who may do it, of the owner, the member and an administrator; anybody else is refused with 403
    "accept": ("me", "admin"),
    "reject": ("me", "admin"),
    "remove": ("me", "admin"),
    "cancel": ("other", "admin"),
    "leave": ("other", "admin"),
    "enroll": ("me", "admin"),
}


@pytest.mark.parametrize("action", MAY)
@rule(*(f"9.2-who-may-{action}" for action in MAY))
def test_9_2_who_may(site: Site, action: str) -> None:
    state = {"leave": "accepted", "remove": "accepted", "enroll": "removed"}.get(action, "requested")
    for by in ("me", "other", "admin"):
        project = site.moderated_project()
        membership = _bring(site, project, state)
        assert _act(site, project, action, membership, by) == (200 if by in MAY[action] else 403)
        site.give_back(project, "moderated", "moderated")


# commissions ----------------------------------------------------------------------------------------------------------

COMMISSION_CELLS = [
    (state, action, 200 if state == "pending" else 404)
    for state in ("pending", "accepted", "rejected", "auto_accepted", "of-another-service", "unknown")
    for action in ("accept", "reject")
]


@pytest.mark.parametrize(
    ("state", "action", "status"),
    COMMISSION_CELLS,
    ids=[f"7-{action}-{state}" for state, action, _ in COMMISSION_CELLS],
)
@rule(*(f"7-{action}-{state}" for state, action, _ in COMMISSION_CELLS))
def test_7_commission(site: Site, state: str, action: str, status: int) -> None:
    site.needs("service")
    if state == "of-another-service":
        site.needs("service2")
    issued = site.commission([], auto_accept=state == "auto_accepted")
    assert issued.status == 201, issued
    serial = issued.json()["serial"]
    if state in ("accepted", "rejected"):
        site.do(f"/commissions/{serial}/action", {state.removesuffix("ed"): ""}, "service")
    by = "service2" if state == "of-another-service" else "service"
    if state == "unknown":
        serial += 10**6
    answer = site.ask("POST", f"/commissions/{serial}/action", {action: ""}, by)
    assert (answer.status, answer.body) == (status, b"")
    shown = site.ask("GET", f"/commissions/{serial}", by="service")
    assert shown.status == (200 if state == "of-another-service" else 404)
