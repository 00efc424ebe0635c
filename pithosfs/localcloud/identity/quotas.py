"""What there is to be used, how much of it may be, and how much is (identity.md sections 5 and 6)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from starlette.responses import Response

from pithosfs.localcloud.faults import not_found
from pithosfs.localcloud.identity.exchange import Call, comma_list, reply
from pithosfs.localcloud.quota import Quota, quotas_of
from pithosfs.localcloud.resources import RESOURCES

__all__ = ["list_resources", "service_project_quotas", "service_quotas", "user_quotas"]


async def list_resources(call: Call) -> Response:
    """GET resources: those that users see."""
    return reply(
        {
            one.name: {
                "unit": one.unit,
                "description": one.description,
                "service": one.service,
                "ui_visible": True,
                "api_visible": True,
            }
            for one in RESOURCES.values()
            if one.visible
        }
    )


async def user_quotas(call: Call) -> Response:
    """GET quotas: by project and resource."""
    user = call.user()
    found = await call.read(lambda connection: quotas_of(connection, user.uuid))
    return reply(_shown(found, [one.name for one in RESOURCES.values() if one.visible]))


async def service_quotas(call: Call) -> Response:
    """GET service_quotas: by user, project and resource, of the resources of the component that asks."""
    resources = _resources_of(call.component())
    wanted, projects = comma_list(call, "user"), comma_list(call, "project")

    def look_up(connection: sqlite3.Connection) -> dict[str, Any]:
        known = [uuid for (uuid,) in connection.execute("SELECT uuid FROM users ORDER BY created, uuid")]
        users = known if wanted is None else [uuid for uuid in known if uuid in set(wanted)]
        if wanted is not None and not users:
            raise not_found("there is no such user")
        shown = {}
        for user in users:
            quotas = quotas_of(connection, user)
            if projects is not None:
                quotas = {project: one for project, one in quotas.items() if project in projects}
            if quotas:
                shown[user] = _shown(quotas, resources)
        return shown

    return reply(await call.read(look_up))


async def service_project_quotas(call: Call) -> Response:
    """GET service_project_quotas: by project and resource, of the resources of the component that asks."""
    resources = _resources_of(call.component())
    wanted = comma_list(call, "project")

    def look_up(connection: sqlite3.Connection) -> dict[str, dict[str, dict[str, int]]]:
        shown: dict[str, dict[str, dict[str, int]]] = {}
        for project, resource, capacity, used, held in connection.execute(
            "SELECT project, resource, capacity, usage_max, usage_min FROM holdings WHERE user = '' ORDER BY project"
        ):
            if resource in resources and (wanted is None or project in wanted):
                shown.setdefault(project, {})[resource] = {
                    "project_limit": capacity,
                    "project_usage": used,
                    "project_pending": used - held,
                }
        if wanted is not None and not shown:
            raise not_found("there is no such project")
        return shown

    return reply(await call.read(look_up))


def _resources_of(component: str) -> list[str]:
    return [one.name for one in RESOURCES.values() if one.component == component]


def _shown(quotas: Mapping[str, Mapping[str, Quota]], resources: Iterable[str]) -> dict[str, dict[str, dict[str, int]]]:
    names = tuple(resources)
    return {project: {name: asdict(quotas[project][name]) for name in names} for project in quotas}
