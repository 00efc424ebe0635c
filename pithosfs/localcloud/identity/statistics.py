"""How many users there are and what they use (identity.md 10.2)."""

from __future__ import annotations

import sqlite3
from typing import Any

from starlette.responses import Response

from pithosfs.localcloud.identity.exchange import Call, iso, microseconds, reply
from pithosfs.localcloud.resources import RESOURCES, UNLIMITED

__all__ = ["PROVIDER", "counts", "details"]

PROVIDER = "local"
"""The one way in which users of this cloud come to their tokens: its own command line."""


async def counts(call: Call) -> Response:
    """GET stats, for anybody."""
    total, active = await call.read(_users)
    return reply({"users": {"total": total, "active": active}})


async def details(call: Call) -> Response:
    """GET stats/detail, for administrators. `all` stands for the sum over all providers."""
    call.admin()
    now = microseconds()

    def look_up(connection: sqlite3.Connection) -> dict[str, Any]:
        total, active = _users(connection)
        users = {"total": total, "verified": total, "active": active, "exclusive": total}
        resources = {
            name: {"allocated": 0, "used": 0, "unit": one.unit, "description": one.description}
            for name, one in RESOURCES.items()
        }
        for resource, capacity, used in connection.execute(
            "SELECT h.resource, h.capacity, h.usage_max FROM holdings h JOIN projects p ON p.uuid = h.project"
            " WHERE h.user = '' AND p.state = 'active'"
        ):
            found = resources[resource]
            found["allocated"] = min(UNLIMITED, found["allocated"] + capacity)
            found["used"] += used
        return {
            "providers": [PROVIDER],
            "users": {PROVIDER: users, "all": users},
            "resources": {PROVIDER: resources, "all": resources},
            "datetime": iso(now),
        }

    return reply(await call.read(look_up))


def _users(connection: sqlite3.Connection) -> tuple[int, int]:
    """How many there are, and how many of them are active."""
    total, active = connection.execute("SELECT count(*), coalesce(sum(active), 0) FROM users").fetchone()
    return total, active
