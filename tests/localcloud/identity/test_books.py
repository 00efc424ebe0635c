"""The limits in the books follow everything that happens to a project and its members (holdings.py)."""

from __future__ import annotations

import random
from typing import Any

import pytest
from fixtures.projects import Account, project_for

VM, CPU = "cyclades.vm", "cyclades.total_cpu"
UNLIMITED = 2**63 - 1


class Walk:
    """A project to which anything happens, and the limits that must come of it."""

    def __init__(self, cloud: Any, seed: int) -> None:
        self.cloud = cloud
        self.random = random.Random(seed)
        self.project = project_for(cloud.url, cloud.admin.token, [cloud.ada.token], {VM: (5, 3)})

    def step(self) -> str:
        """Do something, possible or not; says what."""
        roll = self.random.random()
        if roll < 0.3:
            action = self.random.choice(("suspend", "unsuspend", "terminate", "reinstate", "unsuspend", "reinstate"))
            answer = self.cloud.admin.ask("POST", f"/projects/{self.project}/action", {action: {}})
        elif roll < 0.45:
            action = f"change to {(terms := self.terms())}"
            made = self.cloud.ada.do("PUT", f"/projects/{self.project}", terms)
            body = {"approve": {"app_id": made["application"]}}
            answer = self.cloud.admin.ask("POST", f"/projects/{self.project}/action", body)
        elif roll < 0.7:
            action = "join"
            answer = self.person().ask("POST", "/projects/memberships", {"join": {"project": self.project}})
        else:
            action = self.random.choice(("leave", "cancel", "accept", "reject", "remove"))
            rows = self.cloud.admin.do("GET", f"/projects/memberships?project={self.project}")
            ident = self.random.choice(rows)["id"]
            answer = self.cloud.admin.ask("POST", f"/projects/memberships/{ident}/action", {action: ""})
        assert answer.status_code in (200, 409), answer.text
        return f"{action}: {answer.status_code}"

    def terms(self) -> dict[str, Any]:
        share = self.random.randrange(4)
        return {
            "join_policy": self.random.choice(("auto", "moderated")),
            "leave_policy": self.random.choice(("auto", "moderated")),
            "max_members": self.random.randrange(3),
            "resources": {VM: {"project_capacity": share + self.random.randrange(4), "member_capacity": share}},
        }

    def person(self) -> Account:
        return self.random.choice((self.cloud.ada, self.cloud.bob))

    def check(self, history: list[str]) -> None:
        """Hold the limits that are shown against what the project and the memberships say."""
        shown = self.cloud.admin.do("GET", f"/projects/{self.project}")
        terms, active = shown["resources"][VM], shown["state"] == "active"
        states = {
            one["user"]: one["state"]
            for one in self.cloud.admin.do("GET", f"/projects/memberships?project={self.project}")
        }
        whole = self.cloud.service.do("GET", f"/service_project_quotas?project={self.project}")[self.project]
        assert whole[VM]["project_limit"] == (terms["project_capacity"] if active else 0), history
        assert whole[CPU]["project_limit"] == (UNLIMITED if active else 0), history
        for name in ("ada", "bob"):
            quotas = getattr(self.cloud, name).do("GET", "/quotas")
            if states.get(self.cloud.ids[name]) in ("accepted", "leave_requested"):
                found = quotas[self.project][VM]
                assert found["limit"] == (terms["member_capacity"] if active else 0), history
                assert found["project_limit"] == whole[VM]["project_limit"], history
            else:
                assert self.project not in quotas, history


@pytest.mark.parametrize("seed", range(3))
def test_limits_follow_whatever_happens(cloud: Any, seed: int) -> None:
    walk = Walk(cloud, seed)
    history: list[str] = []
    walk.check(history)
    for _ in range(50):
        history.append(walk.step())
        walk.check(history)
    assert sum(one.endswith("200") for one in history) > 15
