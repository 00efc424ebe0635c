"""Floating IPs as the compute service shows them (compute.md 7)."""

from __future__ import annotations

from typing import Any

from pithosfs.localcloud.network.floating_ips import release_floating_ip, reserve
from pithosfs.localcloud.network.model import FloatingIp, find_floating_ip, visible_floating_ips
from pithosfs.localcloud.sandbox.owners import Owner
from pithosfs.localcloud.sandbox.routes import Call, Reply
from pithosfs.localcloud.sandbox.turn import Turn

__all__ = ["create_address", "list_addresses", "release_floating_ip", "show_address"]


def list_addresses(turn: Turn, call: Call) -> Reply:
    found = visible_floating_ips(turn, call.user, "f.deleted = 0")
    return Reply(200, {"floating_ips": [_json(one) for one in found]})


def show_address(turn: Turn, call: Call) -> Reply:
    return Reply(200, {"floating_ip": _json(find_floating_ip(turn, call.user, call.ident))})


def create_address(turn: Turn, call: Call) -> Reply:
    """Of any pool; whatever the body says."""
    return Reply(200, {"floating_ip": _json(reserve(turn, Owner(call.user, call.project, shared=False)))})


def _json(found: FloatingIp) -> dict[str, Any]:
    return {
        "id": found.id,
        "ip": found.address,
        "instance_id": None if found.server is None else str(found.server),
        "fixed_ip": None,
        "pool": None,
    }
