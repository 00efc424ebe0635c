"""What rows begin with: things of the cloud that are looked up, and things that are made for the row."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from conformance.services import Maker, Services, ServiceWorld

__all__ = ["LOOK_UPS", "MAKERS", "clean", "moment"]

_NUMBERS = itertools.count(1)


def _flavors(world: ServiceWorld) -> list[dict[str, Any]]:
    flavors = world.services.ask("GET", "compute/flavors/detail").json()["flavors"]
    return [one for one in flavors if one["SNF:allow_create"]]


def _smallest(world: ServiceWorld) -> dict[str, Any]:
    """The smallest flavor of a type whose volumes can be detached, where there is one."""
    types = world.services.ask("GET", "volume/types").json()["volume_types"]
    detachable = {one["id"] for one in types if one["SNF:detachable"]} or {one["id"] for one in types}
    chosen = [one for one in _flavors(world) if one["SNF:volume_type"] in detachable]
    return min(chosen, key=lambda one: (one["disk"], one["ram"], one["vcpus"]))


def _resizable(world: ServiceWorld) -> tuple[dict[str, Any], dict[str, Any]]:
    """Two flavors that differ in nothing that cannot be resized."""
    flavors = _flavors(world)
    for one, two in itertools.permutations(flavors, 2):
        if (one["disk"], one["SNF:volume_type"]) == (two["disk"], two["SNF:volume_type"]) and one["ram"] <= two["ram"]:
            return one, two
    raise AssertionError("there are no two flavors between which a server could be resized")


def _image(world: ServiceWorld) -> str:
    images = world.services.ask("GET", "compute/images/detail").json()["images"]
    usable = [one for one in images if one["status"] == "ACTIVE" and one["public"] and not one["is_snapshot"]]
    assert usable, "there is no public image that a server could be made from"
    return str(min(usable, key=lambda one: one["created"])["id"])  # others may have published theirs since


def _pool(world: ServiceWorld) -> str:
    networks = world.services.ask("GET", "network/networks").json()["networks"]
    return next(str(one["id"]) for one in networks if one["SNF:floating_ip_pool"])


LOOK_UPS: Mapping[str, Maker] = {
    "flavor": lambda world: str(_smallest(world)["id"]),
    "type": lambda world: str(_smallest(world)["SNF:volume_type"]),
    "small": lambda world: str(_resizable(world)[0]["id"]),
    "large": lambda world: str(_resizable(world)[1]["id"]),
    "image": _image,
    "pool": _pool,
}


def _name(world: ServiceWorld) -> str:
    return f"{world.services.run}-{next(_NUMBERS):05}"


def _network(world: ServiceWorld) -> str:
    """A private network without a subnet."""
    body = {"network": {"type": "MAC_FILTERED", "name": _name(world)}}
    return world.make("network/networks", body, "network")


def _subnetted(world: ServiceWorld) -> str:
    """A private network with an IPv4 subnet, 10.20.0.0/24."""
    made = _network(world)
    world.make("network/subnets", {"subnet": {"network_id": made, "cidr": "10.20.0.0/24"}}, "subnet")
    return made


def _server(world: ServiceWorld, flavor: str = "{flavor}") -> str:
    """A server that runs."""
    body = {"server": {"name": _name(world), "flavorRef": world.fill(flavor), "imageRef": world["image"]}}
    made = world.make("compute/servers", {"server": {**body["server"], "networks": []}}, "server")
    world.wait(f"compute/servers/{made}", "server", "ACTIVE")
    return made


def _stopped(world: ServiceWorld) -> str:
    """A server that is stopped, of the smaller of two flavors."""
    made = _server(world, "{small}")
    path = f"compute/servers/{made}"
    assert world.services.ask("POST", f"{path}/action", body={"shutdown": {}}).status == 202
    world.wait(path, "server", "STOPPED")
    return made


def _volume(world: ServiceWorld) -> str:
    """A volume that no server has."""
    body = {"volume": {"size": 1, "display_name": _name(world), "volume_type": int(world["type"])}}
    made = world.make("volume/volumes", body, "volume")
    world.wait(f"volume/volumes/{made}", "volume", "available")
    return made


def _object(world: ServiceWorld) -> str:
    """An object, as `container/name`, in a container of this run; a hundred bytes and one."""
    services = world.services
    container = f"{services.run}-images"
    store = f"object-store/{services.me.id}/{container}"
    if "container" not in services.facts:
        assert services.ask("PUT", store, body=b"").status == 201
        services.facts["container"] = container
    name = _name(world)
    assert services.ask("PUT", f"{store}/{name}", body=b"x" * 101, Content_Type="a/b").status == 201
    return f"{container}/{name}"


def _registered(world: ServiceWorld) -> str:
    """A private image without properties."""
    place = _object(world)
    headers = {"X-Image-Meta-Name": "an image", "X-Image-Meta-Location": f"pithos://{world.services.me.id}/{place}"}
    answer = world.services.wire.send(
        "POST",
        world.services.url("image/images/"),
        {"X-Auth-Token": world.services.me.token, **headers},
        b"",
    )
    assert answer.status == 200, answer
    return answer["x-image-meta-id"]


def moment(time: str, later: int = 0) -> str:
    """A time of an answer as it goes into a query, so many microseconds later."""
    return quote((datetime.fromisoformat(time) + timedelta(microseconds=later)).isoformat(), safe="")


def clean(services: Services) -> list[str]:
    """Remove the containers of this run; returns those that the server would not remove."""
    left = []
    for who, container in (("me", f"{services.run}-images"), ("me", "snapshots")):
        store = f"object-store/{services.person(who).id}/{container}"
        if container == "snapshots" and services.ask("GET", f"{store}?format=text", who).body:
            continue  # somebody else's
        services.ask("DELETE", f"{store}?delimiter=%2F", who)
        if services.ask("DELETE", store, who).status not in (204, 404):
            left.append(container)
    return left


MAKERS: Mapping[str, Maker] = {
    "name": _name,
    "net": _subnetted,
    "bare": _network,
    "server": _server,
    "stopped": _stopped,
    "volume": _volume,
    "object": _object,
    "registered": _registered,
}
