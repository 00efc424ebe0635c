"""Section 6: quotas, as users and as services see them."""

from __future__ import annotations

from typing import Any

import pytest
from conformance.identity.site import Project, Site, refused
from conformance.rows import rule

STRANGE = "00000000-0000-4000-8000-000000000000"
VM = "cyclades.vm"
TERMS: dict[str, Any] = {VM: {"project_capacity": 3, "member_capacity": 2}}
KEYS = {"limit", "usage", "pending", "project_limit", "project_usage", "project_pending"}
PROJECT_KEYS = {"project_limit", "project_usage", "project_pending"}


def _shared(site: Site, *members: str, **terms: object) -> Project:
    """A project of mine for up to three servers, two for each member."""
    project = site.project("active", join_policy="auto", leave_policy="moderated", resources=TERMS, **terms)
    for who in members:
        site.do("/projects/memberships", {"join": {"project": project.id}}, who)
    return project


def _quota(site: Site, project: Project, who: str = "me", name: str = VM) -> tuple[int, ...]:
    """limit, usage, pending, and the same of the project."""
    found = site.get("/quotas", who)[project.id][name]
    assert found.keys() == KEYS
    parts = ("limit", "usage", "pending")
    return tuple(found[one] for one in (*parts, *(f"project_{part}" for part in parts)))


@rule("6-quotas-by-project-and-resource", "6-only-visible-resources", "6-the-system-project-is-there")
def test_6_quotas(site: Site) -> None:
    found = site.get("/quotas")
    assert site.me.id in found
    resources = site.get("/resources")
    for quotas in found.values():
        assert quotas.keys() == resources.keys()
        for one in quotas.values():
            assert one.keys() == KEYS
            assert all(isinstance(value, int) and value >= 0 for value in one.values())
            assert one["pending"] <= one["usage"]


@rule("6-members-see-the-project", "6-limits-are-the-capacities", "6-not-asked-for-is-none")
def test_6_members(site: Site) -> None:
    project = _shared(site)
    assert project.id not in site.get("/quotas")
    membership = site.do("/projects/memberships", {"join": {"project": project.id}})["id"]
    assert _quota(site, project) == (2, 0, 0, 3, 0, 0)
    assert _quota(site, project, name="cyclades.cpu")[0::3] == (0, 0)
    site.do(f"/projects/memberships/{membership}/action", {"leave": ""})
    assert _quota(site, project) == (2, 0, 0, 3, 0, 0)
    site.do(f"/projects/memberships/{membership}/action", {"remove": ""})
    assert project.id not in site.get("/quotas")


@rule("6-who-has-only-asked-sees-nothing")
def test_6_requests_are_no_memberships(site: Site) -> None:
    project = site.project("active", join_policy="moderated", resources=TERMS)
    site.do("/projects/memberships", {"join": {"project": project.id}})
    assert project.id not in site.get("/quotas")


@rule("6-changed-capacities-count-at-once")
def test_6_changes(site: Site) -> None:
    project = _shared(site, "me")
    more = {VM: {"project_capacity": 9, "member_capacity": 5}}
    assert site.decide(site.change(project, resources=more), "approve").status == 200
    assert _quota(site, project) == (5, 0, 0, 9, 0, 0)


@pytest.mark.parametrize("action", ["suspend", "terminate"])
@rule("6-suspended-limits-are-0", "6-terminated-limits-are-0", "6-usage-is-kept", "8.6-unsuspend-brings-limits-back")
def test_6_projects_that_do_not_live(site: Site, action: str) -> None:
    site.needs("service")
    project = _shared(site, "me")
    assert site.commission(site.both(1, project), auto_accept=True).status == 201
    assert site.decide(project, action).status == 200
    assert _quota(site, project) == (0, 1, 0, 0, 1, 0)
    assert site.commission(site.both(1, project)).status == 413
    assert site.decide(project, {"suspend": "unsuspend", "terminate": "reinstate"}[action]).status == 200
    assert _quota(site, project) == (2, 1, 0, 3, 1, 0)
    assert site.commission(site.both(-1, project), auto_accept=True).status == 201


@rule("6-project-usage-is-that-of-all-members", "6-effective-limit")
def test_6_two_members(site: Site) -> None:
    site.needs("service")
    project = _shared(site, "me", "other")
    assert site.commission(site.both(2, project), auto_accept=True).status == 201
    assert site.commission(site.both(1, project, who="other"), auto_accept=True).status == 201
    assert _quota(site, project) == (2, 2, 0, 3, 3, 0)
    assert _quota(site, project, "other") == (2, 1, 0, 3, 3, 0)
    assert site.commission(site.both(1, project, who="other")).status == 413
    assert site.commission(site.both(-1, project), auto_accept=True).status == 201
    assert site.commission(site.both(1, project, who="other"), auto_accept=True).status == 201
    assert _quota(site, project, "other") == (2, 2, 0, 3, 3, 0)


@rule("6-leaving-keeps-the-usage", "9.2-quota-of-those-who-left")
def test_6_those_who_left(site: Site) -> None:
    site.needs("service")
    project = _shared(site, "me")
    assert site.commission(site.both(1, project), auto_accept=True).status == 201
    (membership,) = site.get(f"/projects/memberships?project={project.id}")
    site.do(f"/projects/memberships/{membership['id']}/action", {"remove": ""})
    usage = site.get(f"/service_project_quotas?project={project.id}", "service")
    assert usage[project.id][VM]["project_usage"] == 1
    assert site.commission(site.both(1, project)).status == 413
    assert site.commission(site.both(-1, project), auto_accept=True).status == 201


# services -------------------------------------------------------------------------------------------------------------


@rule("6-service-quotas-by-user", "6-service-quotas-of-its-own-resources", "6-service-quotas-with-invisible-ones")
def test_6_service_quotas(site: Site) -> None:
    site.needs("service")
    found = site.get("/service_quotas", "service")
    assert {site.me.id, site.other.id} <= found.keys()
    quotas = found[site.me.id][site.me.id]
    assert {VM, "cyclades.total_cpu", "cyclades.total_ram"} <= quotas.keys()
    assert not {"pithos.diskspace", "astakos.pending_app"} & quotas.keys()
    assert all(one.keys() == KEYS for one in quotas.values())
    site.needs("service2")
    assert not quotas.keys() & site.get("/service_quotas", "service2")[site.me.id][site.me.id].keys()


@rule("6-service-quotas-filter-user", "6-service-quotas-filter-project", "6-service-quotas-nobody-matches")
def test_6_service_quotas_filtered(site: Site) -> None:
    site.needs("service")
    project = _shared(site, "me")
    path = "/service_quotas"
    assert site.get(f"{path}?user={site.me.id}", "service").keys() == {site.me.id}
    assert site.get(f"{path}?user={site.me.id},{site.other.id}", "service").keys() == {site.me.id, site.other.id}
    assert site.get(f"{path}?user={site.me.id},{STRANGE}", "service").keys() == {site.me.id}
    assert site.get(f"{path}?project={project.id}", "service") == {
        site.me.id: {project.id: site.get(f"{path}?user={site.me.id}", "service")[site.me.id][project.id]}
    }
    both = site.get(f"{path}?user={site.me.id}&project={project.id},{site.me.id}", "service")
    assert both[site.me.id].keys() == {project.id, site.me.id}
    for nobody in (STRANGE, "nonsense", ""):
        refused(site.ask("GET", f"{path}?user={nobody}", by="service"), 404)


@rule("6-project-quotas", "6-project-quotas-filter-project", "6-project-quotas-nothing-matches")
def test_6_service_project_quotas(site: Site) -> None:
    site.needs("service")
    project = _shared(site)
    path = "/service_project_quotas"
    assert {project.id, site.me.id, site.other.id} <= site.get(path, "service").keys()
    found = site.get(f"{path}?project={project.id},{site.me.id}", "service")
    assert found.keys() == {project.id, site.me.id}
    assert all(one.keys() == PROJECT_KEYS for quotas in found.values() for one in quotas.values())
    assert found[project.id][VM] == {"project_limit": 3, "project_usage": 0, "project_pending": 0}
    assert "cyclades.total_cpu" in found[project.id]
    assert "pithos.diskspace" not in found[project.id]
    for nothing in (STRANGE, "nonsense", ""):
        refused(site.ask("GET", f"{path}?project={nothing}", by="service"), 404)
