"""The identity service that is looked at, those who talk to it, and what a run makes there and takes away again."""

from __future__ import annotations

import itertools
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

import pytest
from conformance.wire import Answer, Wire

__all__ = ["END", "FAULTS", "Person", "Project", "Site", "refused"]

END = "2099-01-01T00:00:00+00:00"

FAULTS = {
    400: "badRequest",
    401: "unauthorized",
    403: "forbidden",
    404: "itemNotFound",
    405: "notAllowed",
    409: "conflict",
    413: "overLimit",
}
"""Section 1.3."""


def refused(answer: Answer, *statuses: int) -> dict[str, Any]:
    """An error with one of these statuses, in the shape of section 1.2; returns what is inside."""
    assert answer.status in statuses, answer
    ((name, inside),) = answer.json().items()
    assert name == FAULTS[answer.status], answer
    assert inside["code"] == answer.status
    assert isinstance(inside["message"], str)
    assert isinstance(inside.get("details", ""), str)
    return dict(inside)


@dataclass(frozen=True, slots=True)
class Person:
    """A user: id, name as in the catalogs, token."""

    id: str
    name: str
    token: str


@dataclass(frozen=True, slots=True)
class Project:
    """A project of this run, its name and its newest application."""

    id: str
    name: str
    application: int


@dataclass(slots=True)
class Site:
    """An identity service and who talks to it: two users, and perhaps an administrator and two services."""

    identity: str  # …/identity/v2.0
    account: str  # …/account/v1.0
    wire: Wire
    people: dict[str, Person]
    services: dict[str, str]  # `service` and `service2` → token
    run: str = field(default_factory=lambda: f"conformance-{secrets.token_hex(4)}")
    _numbers: Any = field(default_factory=lambda: itertools.count(1))
    _projects: list[Project] = field(default_factory=list)
    _serials: list[tuple[str, int]] = field(default_factory=list)
    _pending: dict[str, tuple[Project, str]] = field(default_factory=dict)
    _kept: dict[str, list[Project]] = field(default_factory=dict)

    @property
    def me(self) -> Person:
        return self.people["me"]

    @property
    def other(self) -> Person:
        return self.people["other"]

    def needs(self, *who: str) -> None:
        """Skip the test where one of these is missing: `admin`, `service`, `service2`."""
        for one in who:
            if one not in self.people and one not in self.services:
                pytest.skip(f"no token of {one} was given")

    def token(self, who: str) -> str | None:
        if who == "nobody":
            return None
        return self.people[who].token if who in self.people else self.services[who]

    def ask(
        self,
        method: str,
        path: str,
        value: object = ...,
        by: str = "me",
        *,
        body: bytes | None = None,
        kind: str | None = "application/json",
        **headers: str,
    ) -> Answer:
        """A request below the account URL, or for a whole URL, with a JSON value or the body as it is."""
        sent: dict[str, str | bytes] = {"Accept": "*/*"}
        if (token := self.token(by)) is not None:
            sent["X-Auth-Token"] = token
        if value is not ...:
            body = json.dumps(value).encode()
        if body is not None and kind is not None:
            sent["Content-Type"] = kind
        sent.update({name.replace("_", "-"): one for name, one in headers.items()})
        url = path if "://" in path else self.account + path
        if body is None and method in ("POST", "PUT"):
            body = b""
        answer = self.wire.send(method, url, sent, body)
        assert answer.status < 500, answer
        return answer

    def get(self, path: str, by: str = "me") -> Any:
        """The JSON that a GET must give."""
        answer = self.ask("GET", path, by=by)
        assert answer.status == 200, answer
        return answer.json()

    def do(self, path: str, value: object, by: str = "me", method: str = "POST") -> Any:
        """What a request that must succeed gives: JSON, or None for an empty body."""
        answer = self.ask(method, path, value, by)
        assert 200 <= answer.status < 300, answer
        return answer.json() if answer.body else None

    # projects -------------------------------------------------------------------------------------------------------

    def name(self) -> str:
        """A name for a project, of this run alone."""
        return f"{self.run}-{next(self._numbers)}.example.org"

    def apply(self, by: str = "me", **terms: object) -> Project:
        """A new project, of which only the application is there."""
        body: dict[str, object] = {"name": self.name(), "end_date": END, **terms}
        answer = self.ask("POST", "/projects", body, by)
        assert answer.status == 201, answer
        made = Project(answer.json()["id"], str(body["name"]), answer.json()["application"])
        self._projects.append(made)
        self._pending[made.id] = (made, by)
        return made

    def change(self, project: Project, by: str = "me", **terms: object) -> Project:
        """The project with an application for changes."""
        answer = self.ask("PUT", f"/projects/{project.id}", terms, by)
        assert answer.status == 201, answer
        assert answer.json()["id"] == project.id
        changed = Project(project.id, project.name, answer.json()["application"])
        self._pending[project.id] = (changed, by)
        return changed

    def decide(self, project: Project, action: str, by: str = "admin", **more: object) -> Answer:
        """An action on the project, or on its application."""
        details: dict[str, object] = {"reason": "conformance", **more}
        if action in ("approve", "deny", "cancel", "dismiss"):
            details.setdefault("app_id", project.application)
        answer = self.ask("POST", f"/projects/{project.id}/action", {action: details}, by)
        if answer.status == 200 and "app_id" in details:
            self._pending.pop(project.id, None)
        return answer

    def project(self, state: str = "active", **terms: object) -> Project:
        """A project of mine in a state; skips the test where that needs an administrator and there is none."""
        if state != "uninitialized":
            self.needs("admin")
        made = self.apply(**terms)
        way = {
            "uninitialized": (),
            "active": ("approve",),
            "suspended": ("approve", "suspend"),
            "terminated": ("approve", "terminate"),
            "deleted": ("cancel",),
        }
        for action in way[state]:
            assert self.decide(made, action).status == 200
        assert self.get(f"/projects/{made.id}")["state"] == state
        return made

    def facts_project(self) -> Project:
        """One active project for all rows that are refused before they change anything."""
        if "shared" not in self._kept:
            self._kept["shared"] = [self.project("active")]
        return self._kept["shared"][0]

    def moderated_project(self) -> Project:
        """An active project with moderated policies; rows `give_back` theirs, so that few are made."""
        spare = self._kept.setdefault("moderated", [])
        if spare:
            return spare.pop()
        return self.project("active", join_policy="moderated", leave_policy="moderated")

    def give_back(self, project: Project, join: str, leave: str) -> None:
        """Make a moderated project as good as new for the next row, but for memberships in the past."""
        if (join, leave) != ("moderated", "moderated"):
            answer = self.decide(self.change(project, join_policy="moderated", leave_policy="moderated"), "approve")
            assert answer.status == 200
        for one in self.get(f"/projects/memberships?project={project.id}"):
            action = {"requested": "reject", "accepted": "remove", "leave_requested": "remove"}.get(one["state"])
            if action is not None:
                self.do(f"/projects/memberships/{one['id']}/action", {action: ""})
        self._kept.setdefault("moderated", []).append(project)

    def state(self, project: Project) -> str:
        return str(self.get(f"/projects/{project.id}", "admin" if "admin" in self.people else "me")["state"])

    # commissions ----------------------------------------------------------------------------------------------------

    def commission(self, provisions: list[dict[str, object]], by: str = "service", **more: object) -> Answer:
        answer = self.ask("POST", "/commissions", {"provisions": provisions, **more}, by)
        if answer.status == 201:
            self._serials.append((by, answer.json()["serial"]))
        return answer

    def both(
        self, quantity: int, project: Project | None = None, resource: str = "", who: str = "me"
    ) -> list[dict[str, object]]:
        """The two provisions with which a user takes something from a project, or gives it back."""
        user, source = self.people[who].id, project.id if project is not None else self.people[who].id
        common = {"resource": resource or self.resource, "quantity": quantity}
        return [
            {"holder": f"user:{user}", "source": f"project:{source}", **common},
            {"holder": f"project:{source}", "source": None, **common},
        ]

    @property
    def resource(self) -> str:
        """What the rows reserve: something that is counted one by one."""
        return "cyclades.vm"

    # the end --------------------------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Take back the applications that a row has left pending: there can only be so many."""
        for project, by in list(self._pending.values()):
            answer = self.decide(project, "cancel", by)
            assert answer.status == 200, answer

    def clean(self) -> list[str]:
        """Resolve what is reserved and end the projects; returns those that could not be ended."""
        for by, serial in self._serials:
            self.ask("POST", f"/commissions/{serial}/action", {"reject": ""}, by)
        who = "admin" if "admin" in self.people else "me"
        ours = {project.id: project for project in self._projects}
        shown = {one["id"]: one["state"] for one in self.get("/projects", who) if one["id"] in ours}
        for ident, state in shown.items():
            if state in ("active", "suspended"):
                shown[ident] = "terminated" if self.decide(ours[ident], "terminate", who).status == 200 else state
            elif state == "uninitialized":  # its application was denied
                shown[ident] = "deleted" if self.decide(ours[ident], "dismiss", who).status == 200 else state
        return [ours[ident].name for ident, state in shown.items() if state not in ("terminated", "deleted")]
