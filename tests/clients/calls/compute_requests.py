"""Calls of ComputeRestClient, and of what Cyclades adds to it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from clients.calls.table import World, exercises

from pithosfs.clients.compute import ComputeRestClient
from pithosfs.clients.cyclades.rest_api import CycladesComputeRestClient
from pithosfs.errors import BadRequest

NOTE = {"X-Note": "1"}
EVER = range(200, 600)


def lately() -> str:
    return (datetime.now(UTC) - timedelta(minutes=5)).isoformat()


@exercises("ComputeRestClient", "servers_post", "servers_get", "servers_put", "servers_action_post", "servers_delete")
def servers(world: World) -> None:
    rest = world.service(ComputeRestClient)
    wish = {"name": "rest", "flavorRef": world.flavors[0]["id"], "imageRef": world.image_id, "networks": []}
    made = rest.servers_post(
        security_group="s",
        user_data="IyE=",
        availability_zone="z",
        json_data={"server": wish},
        success=[202],
        headers=NOTE,
    )
    server_id = made.json()["server"]["id"]
    world.cyclades.wait_server(server_id, delay=0.1)
    assert rest.servers_get(server_id, success=[200], headers=NOTE).json()["server"]["name"] == "rest"
    found = rest.servers_get(
        detail=True,
        changes_since=lately(),
        image=world.image_id,
        flavor=wish["flavorRef"],
        name="rest",
        marker=1,
        limit=9,
        status="ACTIVE",
        host="h",
    )
    assert server_id in [one["id"] for one in found.json()["servers"]]
    rest.servers_put(server_id, server_name="second", success=[204], headers=NOTE)
    rest.servers_put(server_id, json_data={"server": {"name": "third"}})
    assert rest.servers_get(server_id).json()["server"]["name"] == "third"
    assert rest.servers_action_post(server_id, {"shutdown": {}}, success=[202], headers=NOTE).status_code == 202
    world.cyclades.wait_server(server_id, "ACTIVE", delay=0.1)
    rest.servers_delete(server_id, success=[204], headers=NOTE)


@exercises("ComputeRestClient", "servers_ips_get", "servers_metadata_get", "servers_metadata_post")
@exercises("ComputeRestClient", "servers_metadata_put", "servers_metadata_delete")
@exercises("CycladesComputeRestClient", "servers_stats_get", "servers_diagnostics_get")
def parts_of_a_server(world: World) -> None:
    rest, more = world.service(ComputeRestClient), world.service(CycladesComputeRestClient)
    server_id = world.server()
    assert rest.servers_ips_get(server_id, success=[200], headers=NOTE).json()["attachments"] == []
    assert rest.servers_ips_get(server_id, network_id=1, changes_since=lately()).status_code in (200, 304)
    rest.servers_metadata_post(server_id, {"metadata": {"a": "b"}}, success=[201], headers=NOTE)
    rest.servers_metadata_put(server_id, key="c", json_data={"meta": {"c": "d"}}, success=[201], headers=NOTE)
    assert rest.servers_metadata_get(server_id, key="c", success=[200], headers=NOTE).json() == {"meta": {"c": "d"}}
    rest.servers_metadata_delete(server_id, "c", success=[204], headers=NOTE)
    assert rest.servers_metadata_get(server_id).json()["metadata"]["a"] == "b"
    assert "c" not in rest.servers_metadata_get(server_id).json()["metadata"]
    assert more.servers_stats_get(server_id, headers=NOTE).json()["stats"]
    assert isinstance(more.servers_diagnostics_get(server_id, headers=NOTE).json(), list)


@exercises("ComputeRestClient", "flavors_get")
def flavors(world: World) -> None:
    rest = world.service(ComputeRestClient)
    flavor_id = world.flavors[0]["id"]
    assert rest.flavors_get(flavor_id=flavor_id, success=[200], headers=NOTE).json()["flavor"]["id"] == flavor_id
    found = rest.flavors_get(detail=True, changes_since=lately(), minDisk=1, minRam=1, marker=1, limit=99)
    assert flavor_id in [one["id"] for one in found.json()["flavors"]]


@exercises("ComputeRestClient", "images_get", "images_metadata_get", "images_metadata_post", "images_metadata_put")
@exercises("ComputeRestClient", "images_metadata_delete", "images_delete")
def images(world: World) -> None:
    rest = world.service(ComputeRestClient)
    image_id = world.registered("an image")["id"]
    assert rest.images_get(image_id, success=[200], headers=NOTE).json()["image"]["id"] == image_id
    found = rest.images_get(
        detail=True,
        changes_since=lately(),
        server_name="s",
        name="an image",
        status="ACTIVE",
        marker="m",
        limit=99,
        type="BASE",
    )
    assert image_id in [one["id"] for one in found.json()["images"]]
    rest.images_metadata_post(image_id, {"metadata": {"os": "x"}}, success=[201], headers=NOTE)
    rest.images_metadata_put(image_id, key="gui", json_data={"meta": {"gui": "y"}}, success=[201], headers=NOTE)
    assert rest.images_metadata_get(image_id, key="gui", success=[200], headers=NOTE).json() == {"meta": {"gui": "y"}}
    rest.images_metadata_delete(image_id, "gui", success=[204], headers=NOTE)
    assert rest.images_metadata_get(image_id).json()["metadata"]["os"] == "x"
    rest.images_delete(image_id, success=[204], headers=NOTE)
    with pytest.raises(BadRequest):
        rest.images_delete()


@exercises("ComputeRestClient", "floating_ips_get", "floating_ips_post", "floating_ips_delete")
@exercises("ComputeRestClient", "floating_ip_pools_get", "limits_get")
def floating_ips(world: World) -> None:
    rest = world.service(ComputeRestClient)
    made = rest.floating_ips_post({}, success=[200], headers=NOTE).json()["floating_ip"]
    assert made["id"] in [one["id"] for one in rest.floating_ips_get().json()["floating_ips"]]
    assert rest.floating_ips_get(ip=made["id"], success=[200], headers=NOTE).status_code == 200
    rest.floating_ips_delete(made["id"], success=[204], headers=NOTE)
    assert made["id"] not in [one["id"] for one in rest.floating_ips_get().json()["floating_ips"]]
    # Only OpenStack has these.
    assert rest.floating_ips_post({}, ip="1", success=EVER).status_code in (400, 405)
    assert rest.floating_ip_pools_get(success=EVER, headers=NOTE).status_code == 400
    assert rest.limits_get(success=EVER, headers=NOTE).status_code == 400
