"""Whose things are: who sees them, who pays for them (network.md 1.3, compute.md 3.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from pithosfs.localcloud import quota
from pithosfs.localcloud.faults import bad_request, forbidden
from pithosfs.localcloud.sandbox.fields import Fields
from pithosfs.localcloud.sandbox.routes import Call
from pithosfs.localcloud.sandbox.turn import Turn

__all__ = ["Owner", "Reassignment", "asked_owner", "asked_project", "require_owner", "visible"]


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose something is, which project pays for it, and whether all members of that may see it."""

    user: str
    project: str
    shared: bool


def asked_owner(call: Call, fields: Fields) -> Owner:
    """Who is to own what a request makes. The charge finds out whether the caller may use the project."""
    project = fields.optional_text("project", 255) or call.project
    return Owner(call.user, project, fields.flag("shared_to_project", default=False))


@dataclass(frozen=True, slots=True)
class Reassignment:
    """What `reassign` asks for."""

    project: str
    shared: bool


def asked_project(body: dict[str, Any] | Any) -> Reassignment:
    """From a body with the one action `reassign`. Raises Fault 400."""
    fields = Fields(body, "reassign")
    project = fields.text("project", 255)
    if not project:
        raise bad_request("project is missing")
    return Reassignment(project, fields.flag("shared_to_project", default=False))


def visible(turn: Turn, user: str, table: str) -> tuple[str, list[object]]:
    """The condition, and its values, for what a user sees of a table (or alias) with user, project and shared."""
    projects = quota.projects_of(turn.connection, user)
    marks = ",".join("?" * len(projects))
    return f"({table}.user = ? OR ({table}.shared = 1 AND {table}.project IN ({marks})))", [user, *projects]


class Owned(Protocol):
    """Something of somebody's; None: the cloud's own."""

    @property
    def user(self) -> str | None: ...


def require_owner(call: Call, thing: Owned) -> None:
    """Raises Fault 403 for anybody but the owner, those included whom it is shared with."""
    if thing.user != call.user:
        raise forbidden("only the owner may do that")
