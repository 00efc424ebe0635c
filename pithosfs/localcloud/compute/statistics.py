"""How much there is of everything, of all users together (identity.md 10.2)."""

from __future__ import annotations

from collections import Counter
from typing import Any

from pithosfs.localcloud.compute.model import Flavor, all_flavors
from pithosfs.localcloud.faults import bad_request, forbidden
from pithosfs.localcloud.network.allocation import ipv4_subnet
from pithosfs.localcloud.objects.headers import iso_time
from pithosfs.localcloud.objects.images import all_images
from pithosfs.localcloud.sandbox.routes import Call, Reply
from pithosfs.localcloud.sandbox.turn import Turn

__all__ = ["count", "count_by_status", "count_in_detail"]

BACKEND = "1"
"""The one place where this cloud's servers would be."""


def count(turn: Turn, call: Call) -> Reply:
    """For anybody: how many there ever were, and how many there are."""
    servers = turn.rows("SELECT status FROM servers")
    networks = turn.rows("SELECT 1 FROM networks WHERE public = 0")
    active = sum(row["status"] == "ACTIVE" for row in servers)
    return Reply(200, {"spawned_servers": len(servers), "active_servers": active, "spawned_networks": len(networks)})


def count_by_status(turn: Turn, call: Call) -> Reply:
    """For anybody."""
    servers: dict[str, dict[str, int]] = {}
    for row, flavor in _servers(turn):
        _add(servers.setdefault(row["status"], _nothing()), flavor)
    networks = Counter(row["status"] for row in turn.rows("SELECT status FROM networks"))
    return Reply(
        200, {"servers": servers, "networks": {status: {"count": found} for status, found in networks.items()}}
    )


def count_in_detail(turn: Turn, call: Call) -> Reply:
    """For administrators."""
    if not call.admin:
        raise forbidden()
    if call.query.get("backend", BACKEND) != BACKEND:
        raise bad_request("there is no such backend")
    servers = {"started": _nothing(), "stopped": _nothing(), "error": _nothing()}
    kinds = {"BUILD": "started", "ACTIVE": "started", "STOPPED": "stopped", "ERROR": "error"}
    for row, flavor in _servers(turn):
        if row["status"] in kinds:
            _add(servers[kinds[row["status"]]], flavor)
    value: dict[str, Any] = {
        "clusters": [BACKEND],
        "servers": servers,
        "images": len(all_images(turn.connection)),
        "datetime": iso_time(turn.now),
    }
    if "backend" not in call.query:
        value |= {"networks": _networks(turn), "ip_pools": _pools(turn)}
    return Reply(200, value)


def _servers(turn: Turn) -> list[tuple[Any, Flavor]]:
    """Status and flavor of every server that there is."""
    flavors = {flavor.id: flavor for flavor in all_flavors(turn)}
    rows = turn.rows("SELECT status, flavor FROM servers WHERE status != 'DELETED'")
    return [(row, flavors[row["flavor"]]) for row in rows]


def _nothing() -> dict[str, int]:
    return {"count": 0, "cpu": 0, "ram": 0, "disk": 0}


def _add(sums: dict[str, int], flavor: Flavor) -> None:
    """CPUs, bytes of memory and of disk."""
    for name, amount in (("count", 1), ("cpu", flavor.vcpus), ("ram", flavor.ram_bytes), ("disk", flavor.disk * 2**30)):
        sums[name] += amount


def _networks(turn: Turn) -> dict[str, dict[str, int]]:
    rows = turn.rows("SELECT type, count(*) AS active FROM networks WHERE status != 'DELETED' GROUP BY type")
    return {row["type"]: {"active": row["active"], "error": 0} for row in rows}


def _pools(turn: Turn) -> dict[str, dict[str, int]]:
    """Pools of floating IPs, and how many addresses they have left. None is ever closed here."""
    total = taken = count = 0
    for row in turn.rows("SELECT id FROM networks WHERE pool = 1 AND status = 'ACTIVE'"):
        subnet = ipv4_subnet(turn, row["id"])
        if subnet is not None:
            count += 1
            total += sum(pool.end - pool.start + 1 for pool in subnet.pools)
            taken += len(turn.rows("SELECT 1 FROM addresses WHERE subnet = ?", subnet.id))
    closed = {"count": 0, "free": 0, "total": 0}
    return {"active": {"count": count, "free": total - taken, "total": total}, "drained": closed}
