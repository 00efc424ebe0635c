"""Memberships with the names of their projects and users, which the service has as ids only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pithosfs_cli.invocation import Invocation

__all__ = ["named_membership", "named_memberships", "own_memberships", "project_names"]

PERSONAL = "personal"
"""What a user's own system project is called: its own name is made of the user's id."""


def project_names(run: Invocation) -> dict[str, str]:
    """id → name, of the projects that the user may see."""
    from pithosfs_cli.services import identity

    own = run.connection().account_id
    found = {str(one["id"]): str(one["name"]) for one in identity(run).get_projects()}
    return {**found, own: PERSONAL}


def named_memberships(run: Invocation, project: str | None = None) -> list[dict[str, Any]]:
    """All that the user may see, perhaps of one project only (its id)."""
    from pithosfs_cli.services import identity

    return _named(run, identity(run).get_memberships(project), project_names(run))


def named_membership(run: Invocation, ident: str) -> dict[str, Any]:
    """One of them. Raises NotFound, NotAllowed."""
    from pithosfs_cli.services import identity

    return _named(run, [identity(run).get_membership(ident)], project_names(run))[0]


def own_memberships(run: Invocation) -> list[dict[str, Any]]:
    """In what the user is, called as the projects."""
    own = run.connection().account_id
    return [{**one, "name": one["_project"]} for one in named_memberships(run) if one["user"] == own]


def _named(
    run: Invocation, memberships: Iterable[Mapping[str, Any]], projects: Mapping[str, str]
) -> list[dict[str, Any]]:
    """`name` is PROJECT/USER; `_project` and `_user` are what tables show instead of the ids."""
    from pithosfs_cli.users import user_names

    found = list(memberships)
    users = user_names(run, (one.get("user") for one in found))
    named = []
    for one in found:
        project, user = str(one.get("project")), str(one.get("user"))
        project, user = projects.get(project, project), users.get(user, user)
        named.append({**one, "name": f"{project}/{user}", "_project": project, "_user": user})
    return named
