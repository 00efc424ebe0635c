"""Flavors (compute.md 4). All of this cloud's are for everybody."""

from __future__ import annotations

from typing import Any

from pithosfs.localcloud.compute.model import Flavor, all_flavors, find_flavor
from pithosfs.localcloud.sandbox.routes import Call, Reply, links
from pithosfs.localcloud.sandbox.turn import Turn

__all__ = ["list_extra_specs", "list_flavors", "list_flavors_in_detail", "show_flavor"]


def list_flavors(turn: Turn, call: Call) -> Reply:
    return Reply(200, {"flavors": [_brief(call, flavor) for flavor in _wanted(turn, call)]})


def list_flavors_in_detail(turn: Turn, call: Call) -> Reply:
    return Reply(200, {"flavors": [_json(call, flavor) for flavor in _wanted(turn, call)]})


def _wanted(turn: Turn, call: Call) -> list[Flavor]:
    """Either filter asks for flavors that are not for everybody, of which there are none."""
    if call.query.get("SNF:is_public", "true").lower() == "false" or call.query.get("SNF:flavor-access"):
        return []
    return all_flavors(turn)


def show_flavor(turn: Turn, call: Call) -> Reply:
    return Reply(200, {"flavor": _json(call, find_flavor(turn, call.ident))})


def list_extra_specs(turn: Turn, call: Call) -> Reply:
    find_flavor(turn, call.ident)
    return Reply(200, {"extra_specs": {}})


def _brief(call: Call, flavor: Flavor) -> dict[str, Any]:
    return {"id": flavor.id, "name": flavor.name, "links": links(f"{call.base}/compute/v2.0/flavors/{flavor.id}")}


def _json(call: Call, flavor: Flavor) -> dict[str, Any]:
    return {
        **_brief(call, flavor),
        "ram": flavor.ram,
        "disk": flavor.disk,
        "vcpus": flavor.vcpus,
        "SNF:disk_template": flavor.template,
        "SNF:volume_type": flavor.volume_type,
        "SNF:allow_create": flavor.allow_create,
        "os-flavor-access:is_public": True,
        "SNF:flavor-access": [],
    }
