"""Section 7: commissions, their arithmetic and their errors. Their state machine is in test_states.py."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from conformance.identity.site import Project, Site, refused
from conformance.rows import rule
from conformance.wire import Answer

STRANGE = "00000000-0000-4000-8000-000000000000"
VM = "cyclades.vm"
TERMS: dict[str, Any] = {
    VM: {"project_capacity": 5, "member_capacity": 4},
    "cyclades.cpu": {"project_capacity": 9, "member_capacity": 9},
}


@pytest.fixture
def project(site: Site) -> Project:
    """A project that I am a member of, for five servers, four of them mine at most; nothing is in use."""
    site.needs("service")
    made = site.project("active", join_policy="auto", resources=TERMS)
    site.do("/projects/memberships", {"join": {"project": made.id}})
    return made


def _books(site: Site, project: Project, resource: str = VM) -> tuple[int, int]:
    """usage and pending of mine, which are those of the project too."""
    found = site.get(f"/service_quotas?user={site.me.id}&project={project.id}", "service")[site.me.id][project.id]
    one = found[resource]
    assert (one["usage"], one["pending"]) == (one["project_usage"], one["project_pending"])
    return one["usage"], one["pending"]


def _issued(answer: Answer) -> int:
    assert answer.status == 201, answer
    assert list(answer.json()) == ["serial"]
    serial: int = answer.json()["serial"]
    assert isinstance(serial, int)
    return serial


def _resolve(site: Site, serial: int, action: str) -> None:
    answer = site.ask("POST", f"/commissions/{serial}/action", {action: ""}, "service")
    assert (answer.status, answer.body) == (200, b""), answer


# the arithmetic of 7.4 ------------------------------------------------------------------------------------------------

STORIES: dict[str, tuple[tuple[str | int, tuple[int, int]], ...]] = {
    # each step is a quantity to issue, or what becomes of the last commission, and usage and pending afterwards
    "increase-accepted": ((2, (2, 2)), ("accept", (2, 0))),
    "increase-rejected": ((2, (2, 2)), ("reject", (0, 0))),
    "decrease-accepted": ((3, (3, 3)), ("accept", (3, 0)), (-2, (3, 2)), ("accept", (1, 0))),
    "decrease-rejected": ((3, (3, 3)), ("accept", (3, 0)), (-2, (3, 2)), ("reject", (3, 0))),
    "all-back": ((4, (4, 4)), ("accept", (4, 0)), (-4, (4, 4)), ("accept", (0, 0))),
    "nothing": ((0, (0, 0)), ("accept", (0, 0))),
}


@pytest.mark.parametrize("story", STORIES)
@rule(*(f"7.4-{story}" for story in STORIES))
def test_7_4_arithmetic(site: Site, project: Project, story: str) -> None:
    serial = 0
    for step, books in STORIES[story]:
        if isinstance(step, int):
            serial = _issued(site.commission(site.both(step, project)))
        else:
            _resolve(site, serial, step)
        assert _books(site, project) == books


@rule("7.4-pending-increases-count", "7.4-pending-decreases-do-not-make-room")
def test_7_4_what_is_pending(site: Site, project: Project) -> None:
    first = _issued(site.commission(site.both(3, project)))
    assert site.commission(site.both(2, project)).status == 413
    _resolve(site, first, "accept")
    second = _issued(site.commission(site.both(-3, project)))
    assert site.commission(site.both(2, project)).status == 413
    assert site.commission(site.both(-1, project)).status == 413  # it is spoken for
    _resolve(site, second, "accept")
    assert _books(site, project) == (0, 0)


@rule("7.1-auto-accept")
def test_7_1_auto_accept(site: Site, project: Project) -> None:
    serial = _issued(site.commission(site.both(2, project), auto_accept=True))
    assert _books(site, project) == (2, 0)
    assert serial not in site.get("/commissions", "service")


@rule("7.1-force-passes-limits", "7.1-force-does-not-pass-zero")
def test_7_1_force(site: Site, project: Project) -> None:
    assert site.commission(site.both(6, project)).status == 413
    _resolve(site, _issued(site.commission(site.both(6, project), force=True)), "accept")
    assert _books(site, project) == (6, 0)
    assert site.commission(site.both(1, project)).status == 413
    assert site.commission(site.both(-7, project), force=True).status == 413
    _issued(site.commission(site.both(-6, project), auto_accept=True))
    assert _books(site, project) == (0, 0)


@rule("7.1-numbers-that-are-too-large")
def test_7_1_largest_numbers(site: Site, project: Project) -> None:
    for force in (False, True):
        _issued(site.commission(site.both(1, project), auto_accept=True))
        answer = site.commission(site.both(2**63 - 1, project), force=force)
        assert answer.status == 413
        _issued(site.commission(site.both(-1, project), auto_accept=True))
        refused(site.commission(site.both(2**63, project), force=force), 400)
        refused(site.commission(site.both(-(10**30), project), force=force), 400)


@rule("7.1-duplicates-are-summed")
def test_7_1_duplicates(site: Site, project: Project) -> None:
    serial = _issued(site.commission([*site.both(2, project), *site.both(1, project)]))
    assert _books(site, project) == (3, 3)
    _resolve(site, serial, "accept")
    _issued(site.commission([*site.both(4, project), *site.both(-6, project)], auto_accept=True))
    assert _books(site, project) == (1, 0)
    assert site.commission([*site.both(2, project), *site.both(2, project)]).status == 413


@rule("7.1-moving-between-projects")
def test_7_1_moving(site: Site, project: Project) -> None:
    target = site.project("active", join_policy="auto", resources=TERMS)
    site.do("/projects/memberships", {"join": {"project": target.id}})
    _issued(site.commission(site.both(2, project), auto_accept=True))
    _issued(site.commission([*site.both(-2, project), *site.both(2, target)], auto_accept=True))
    assert (_books(site, project), _books(site, target)) == ((0, 0), (2, 0))


@rule("7.1-all-or-nothing")
def test_7_1_all_or_nothing(site: Site, project: Project) -> None:
    many = site.both(10, project, "cyclades.cpu")
    assert site.commission([*site.both(1, project), *many]).status == 413
    assert (_books(site, project), _books(site, project, "cyclades.cpu")) == ((0, 0), (0, 0))


@rule("7.1-no-provisions")
def test_7_1_no_provisions(site: Site) -> None:
    site.needs("service")
    serial = _issued(site.commission([]))
    assert site.get(f"/commissions/{serial}", "service")["provisions"] == []


# errors ---------------------------------------------------------------------------------------------------------------


def _data(answer: Answer, status: int, fault: str) -> dict[str, Any]:
    """What is in the `data` of one of the three errors that have it instead of `details`."""
    assert answer.status == status, answer
    ((name, inside),) = answer.json().items()
    assert name == fault
    assert inside["code"] == status
    assert isinstance(inside["message"], str)
    assert "details" not in inside
    return dict(inside["data"])


@rule("7.1-NoCapacityError-of-the-user", "7.1-NoCapacityError-of-the-project")
def test_7_1_no_capacity(site: Site, project: Project) -> None:
    _issued(site.commission(site.both(2, project), auto_accept=True))
    mine, whole = site.both(3, project)
    data = _data(site.commission([mine, whole]), 413, "overLimit")
    assert data == {"name": "NoCapacityError", "limit": 4, "usage": 2, "provision": mine}
    whole["quantity"] = 4
    data = _data(site.commission([whole]), 413, "overLimit")
    assert data == {"name": "NoCapacityError", "limit": 5, "usage": 2, "provision": whole}


@rule("7.1-NoQuantityError")
def test_7_1_no_quantity(site: Site, project: Project) -> None:
    _issued(site.commission(site.both(1, project), auto_accept=True))
    mine, whole = site.both(-2, project)
    data = _data(site.commission([mine, whole]), 413, "overLimit")
    assert (data["name"], data["limit"], data["provision"]) == ("NoQuantityError", 0, mine)
    assert _books(site, project) == (1, 0)


@rule("7.1-NoHoldingError-not-a-member", "7.1-NoHoldingError-unknown-things")
def test_7_1_no_holding(site: Site, project: Project) -> None:
    user, source = f"user:{site.other.id}", f"project:{project.id}"
    for wrong in (
        {"holder": user, "source": source},
        {"holder": user, "source": f"project:{site.me.id}"},
        {"holder": f"user:{STRANGE}", "source": source},
        {"holder": f"user:{site.me.id}", "source": f"project:{STRANGE}"},
        {"holder": f"project:{STRANGE}", "source": None},
        {"holder": source, "source": None, "resource": "cyclades.elephant"},
    ):
        provision = {"resource": VM, "quantity": 1, **wrong}
        data = _data(site.commission([provision]), 404, "itemNotFound")
        assert data["name"] == "NoHoldingError"
        assert data["provision"] == provision


ME = "user:{me}"
GOOD = {"holder": ME, "source": "project:{me}", "resource": VM, "quantity": 1}
MALFORMED: dict[str, object] = {
    "provisions-missing": {},
    "provisions-null": {"provisions": None},
    "provisions-object": {"provisions": {}},
    "provision-text": {"provisions": ["x"]},
    **{f"{key}-missing": {"provisions": [{k: v for k, v in GOOD.items() if k != key}]} for key in GOOD},
    "quantity-text": {"provisions": [{**GOOD, "quantity": "1"}]},
    "quantity-fraction": {"provisions": [{**GOOD, "quantity": 1.5}]},
    "quantity-null": {"provisions": [{**GOOD, "quantity": None}]},
    "quantity-boolean": {"provisions": [{**GOOD, "quantity": True}]},
    "resource-number": {"provisions": [{**GOOD, "resource": 7}]},
    "holder-plain": {"provisions": [{**GOOD, "holder": "{me}"}]},
    "holder-of-another-kind": {"provisions": [{**GOOD, "holder": "group:{me}"}]},
    "holder-number": {"provisions": [{**GOOD, "holder": 7}]},
    "user-without-source": {"provisions": [{**GOOD, "source": None}]},
    "user-as-source": {"provisions": [{**GOOD, "source": ME}]},
    "project-with-source": {"provisions": [{**GOOD, "holder": "project:{me}"}]},
    "force-text": {"provisions": [], "force": "yes"},
    "auto-accept-text": {"provisions": [], "auto_accept": "yes"},
    "name-number": {"provisions": [], "name": 7},
}


def _filled(value: Any, me: str) -> Any:
    if isinstance(value, str):
        return value.replace("{me}", me)
    if isinstance(value, list):
        return [_filled(one, me) for one in value]
    return {key: _filled(one, me) for key, one in value.items()} if isinstance(value, dict) else value


@pytest.mark.parametrize("case", MALFORMED)
@rule(*(f"7.1-{case}" for case in MALFORMED))
def test_7_1_malformed(site: Site, case: str) -> None:
    site.needs("service")
    refused(site.ask("POST", "/commissions", _filled(MALFORMED[case], site.me.id), "service"), 400)


@pytest.mark.parametrize("body", [b"", b"[]", b"7", b"{"])
@rule("7.1-body-is-an-object")
def test_7_1_bodies(site: Site, body: bytes) -> None:
    site.needs("service")
    for path in ("/commissions", "/commissions/action", "/commissions/1/action"):
        refused(site.ask("POST", path, by="service", body=body), 400)


# asking and resolving -------------------------------------------------------------------------------------------------


@rule("7.2-info", "7-list-of-unresolved")
def test_7_2_info(site: Site, project: Project) -> None:
    provisions = site.both(1, project)
    serial = _issued(site.commission(provisions, name="client: conformance"))
    shown = site.get(f"/commissions/{serial}", "service")
    assert shown.keys() == {"serial", "name", "issue_time", "provisions"}
    assert (shown["serial"], shown["name"], shown["provisions"]) == (serial, "client: conformance", provisions)
    issued = datetime.fromisoformat(shown["issue_time"])
    assert issued.utcoffset() == timedelta(0)
    assert serial in site.get("/commissions", "service")
    _resolve(site, serial, "reject")
    assert serial not in site.get("/commissions", "service")


@rule("7-others-do-not-see-it")
def test_7_others(site: Site) -> None:
    site.needs("service", "service2")
    serial = _issued(site.commission([]))
    assert serial not in site.get("/commissions", "service2")
    answer = site.ask("GET", f"/commissions/{serial}", by="service2")
    assert (answer.status, answer.body) == (404, b"")


@pytest.mark.parametrize("serial", ["0", "999999999", "9" * 19, "9" * 6000])
@rule("7-unknown-serial")
def test_7_unknown(site: Site, serial: str) -> None:
    site.needs("service")
    answer = site.ask("GET", f"/commissions/{serial}", by="service")
    assert (answer.status, answer.body) == (404, b"")


@pytest.mark.parametrize("body", [{}, {"accept": "", "reject": ""}, {"settle": ""}])
@rule("7-both-or-neither")
def test_7_actions_that_make_no_sense(site: Site, body: object) -> None:
    site.needs("service")
    serial = _issued(site.commission([]))
    refused(site.ask("POST", f"/commissions/{serial}/action", body, "service"), 400)
    assert serial in site.get("/commissions", "service")


@rule("7.3-resolve-many", "7.3-missing-keys-are-empty")
def test_7_3_many(site: Site, project: Project) -> None:
    one, two, three, four = (_issued(site.commission(site.both(1, project))) for _ in range(4))
    body = {"accept": [one, two, 10**9], "reject": [two, three]}
    found = site.do("/commissions/action", body, "service")
    assert (found["accepted"], found["rejected"]) == ([one], [three])
    failed = dict(found["failed"])
    assert failed.keys() == {two, 10**9}
    assert failed[two]["badRequest"]["code"] == 400
    assert failed[10**9]["itemNotFound"]["code"] == 404
    assert _books(site, project) == (3, 2)
    assert site.do("/commissions/action", {"accept": [two]}, "service")["accepted"] == [two]
    assert site.do("/commissions/action", {"reject": [four]}, "service")["rejected"] == [four]
    assert site.do("/commissions/action", {}, "service") == {"accepted": [], "rejected": [], "failed": []}
    assert _books(site, project) == (2, 0)


@pytest.mark.parametrize("body", [{"accept": 7}, {"accept": ["7"]}, {"reject": None}, {"reject": [1.5]}])
@rule("7.3-lists-of-integers")
def test_7_3_lists_that_are_none(site: Site, body: object) -> None:
    site.needs("service")
    refused(site.ask("POST", "/commissions/action", body, "service"), 400)


@rule("7.3-numbers-out-of-range")
def test_7_3_numbers_out_of_range(site: Site) -> None:
    site.needs("service")
    found = site.do("/commissions/action", {"accept": [-1, 10**30], "reject": [0]}, "service")
    assert [serial for serial, _ in found["failed"]] == [-1, 10**30, 0]
