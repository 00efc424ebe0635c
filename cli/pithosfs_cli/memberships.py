"""Projects as people call them, and memberships with the names of their projects and users instead of ids."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pithosfs_cli.invocation import Invocation

__all__ = ["PERSONAL", "known_projects", "named_membership", "named_memberships", "own_memberships", "project_names"]

PERSONAL = "personal"
"""What a user's own system project is called: its own name is made of the user's id."""


_ENDED = frozenset({"deleted", "terminated"})


def known_projects(run: Invocation, projects: list[dict[str, Any]] | None = None) -> list[dict[str, Any]]:
    """Those that names are looked for in (default: all that the user may see): the own one is called personal, and
    where a name has gone on to another project, those that have ended are left out."""
    from pithosfs_cli.services import identity

    own = run.connection().account_id
    found = identity(run).get_projects() if projects is None else projects
    living = {one.get("name") for one in found if one.get("state") not in _ENDED}
    return [
        {**one, "name": PERSONAL} if one.get("id") == own else one
        for one in found
        if one.get("state") not in _ENDED or one.get("name") not in living
    ]


def project_names(run: Invocation) -> dict[str, str]:
    """id → name, of the projects that the user may see."""
    from pithosfs_cli.services import identity

    own = run.connection().account_id
    found = {str(one.get("id")): str(one.get("name")) for one in identity(run).get_projects()}
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
    return [{**one, "name": one["_project"]} for one in named_memberships(run) if one.get("user") == own]


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
