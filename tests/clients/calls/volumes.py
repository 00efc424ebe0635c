"""Calls of the volume clients."""

from __future__ import annotations

from typing import Any

import pytest
from clients.calls.table import World, exercises

from pithosfs.clients.blockstorage import BlockStorageClient, BlockStorageRestClient
from pithosfs.clients.cyclades import CycladesBlockStorageClient, CycladesBlockStorageRestClient
from pithosfs.clients.waiting import poll
from pithosfs.errors import BadRequest, NotFound

NOTE = {"X-Note": "1"}


def detachable(world: World) -> int:
    """A type of volume that needs no server."""
    return int(world.flavors[0]["SNF:volume_type"])


@exercises("BlockStorageRestClient", "volumes_post", "volumes_get", "volumes_put", "volumes_delete", "types_get")
def requests_for_volumes(world: World) -> None:
    rest, kind = world.service(BlockStorageRestClient), detachable(world)
    assert kind in [one["id"] for one in rest.types_get().json()["volume_types"]]
    assert rest.types_get(type_id=kind, success=[200], headers=NOTE).json()["volume_type"]["id"] == kind
    made = rest.volumes_post(
        1,
        availability_zone="z",
        display_description="d",
        display_name="rest",
        volume_type=kind,
        bootable=True,
        metadata={"a": "b"},
        success=[202],
        headers=NOTE,
    ).json()["volume"]
    # A volume has one source at most, and none that is another volume.
    for source in ({"source_volid": made["id"]}, {"snapshot_id": "s", "imageRef": "i"}):
        with pytest.raises(BadRequest):
            rest.volumes_post(1, display_name="copy", volume_type=kind, **source)
    found = rest.volumes_get(volume_id=made["id"], success=[200], headers=NOTE).json()["volume"]
    assert (found["size"], found["display_description"]) == (1, "d")
    assert made["id"] in [one["id"] for one in rest.volumes_get(detail=True).json()["volumes"]]
    changed = rest.volumes_put(
        made["id"],
        display_description="D",
        display_name="N",
        delete_on_termination=True,
        metadata={"ignored": "here"},
        success=[200],
        headers=NOTE,
    ).json()["volume"]
    assert (changed["display_description"], changed["display_name"]) == ("D", "N")
    rest.volumes_delete(made["id"], success=[202], headers=NOTE)


@exercises("BlockStorageRestClient", "snapshots_post", "snapshots_get", "snapshots_put", "snapshots_delete")
def requests_for_snapshots(world: World) -> None:
    rest = world.service(BlockStorageRestClient)
    volume_id = root_volume(world)
    made = rest.snapshots_post(
        volume_id, force=True, display_name="n", display_description="d", success=[202], headers=NOTE
    ).json()["snapshot"]
    found = rest.snapshots_get(snapshot_id=made["id"], success=[200], headers=NOTE).json()["snapshot"]
    assert (found["display_name"], str(found["volume_id"])) == ("n", str(volume_id))
    assert made["id"] in [one["id"] for one in rest.snapshots_get(detail=True).json()["snapshots"]]
    changed = rest.snapshots_put(
        made["id"], display_description="D", display_name="N", success=[200], headers=NOTE
    ).json()["snapshot"]
    assert (changed["display_name"], changed["display_description"]) == ("N", "D")
    rest.snapshots_delete(made["id"], success=[202], headers=NOTE)


def root_volume(world: World) -> Any:
    return world.cyclades.get_server_details(world.server())["volumes"][0]


@exercises("BlockStorageClient", "create_volume", "list_volumes", "get_volume_details", "update_volume")
@exercises("BlockStorageClient", "delete_volume", "list_volume_types", "get_volume_type_details")
@exercises("BlockStorageClient", "get_volume_status", "wait_volume", "wait_volume_while", "wait_volume_until")
def openstack_volumes(world: World) -> None:
    client, kind = world.service(BlockStorageClient), detachable(world)
    assert client.get_volume_type_details(kind) in client.list_volume_types()
    made = client.create_volume(
        2,
        availability_zone="z",
        display_name="plain",
        display_description="d",
        imageRef=world.image_id,
        volume_type=kind,
        bootable=True,
        metadata={"a": "b"},
    )
    volume_id = made["id"]
    for source in ({"source_volid": volume_id}, {"snapshot_id": "s", "imageRef": "i"}):
        with pytest.raises(BadRequest):
            client.create_volume(1, display_name="copy", volume_type=kind, **source)
    assert client.get_volume_status(volume_id) == ("available", None)
    assert client.get_volume_details(volume_id)["image_id"] == world.image_id
    assert volume_id in [one["id"] for one in client.list_volumes(detail=True)]
    changed = client.update_volume(
        volume_id, display_name="N", display_description="D", delete_on_termination=True, metadata={"c": "d"}
    )
    assert (changed["display_name"], changed["display_description"], changed["metadata"]["c"]) == ("N", "D", "d")
    bars: list[int] = []
    options = {"delay": 0.1, "wait_cb": lambda done, total: bars.append(done)}
    assert client.wait_volume(volume_id, stop=lambda one: one["size"] == 2, timeout=5, **options)["size"] == 2
    assert client.wait_volume_while(volume_id, current_status="attaching", max_wait=5, **options) == "available"
    assert client.wait_volume_until(volume_id, target_status="available", max_wait=5, **options) == "available"
    assert client.wait_volume_while(volume_id, "available", delay=0.1, max_wait=0.2) is False
    assert bars
    client.delete_volume(volume_id)
    assert client.wait_volume_until(volume_id, "deleted", delay=0.1, max_wait=20) == "deleted"


@exercises("BlockStorageClient", "create_snapshot", "list_snapshots", "get_snapshot_details", "update_snapshot")
@exercises("BlockStorageClient", "delete_snapshot")
def openstack_snapshots(world: World) -> None:
    client = world.service(BlockStorageClient)
    volume_id = root_volume(world)
    made = client.create_snapshot(volume_id, force=True, display_name="n", display_description="d")
    assert client.get_snapshot_details(made["id"])["display_description"] == "d"
    assert made["id"] in [one["id"] for one in client.list_snapshots(detail=True)]
    changed = client.update_snapshot(made["id"], display_name="N", display_description="D")
    assert (changed["display_name"], changed["display_description"]) == ("N", "D")
    client.delete_snapshot(made["id"])
    with pytest.raises(NotFound):
        client.get_snapshot_details(made["id"])


@exercises("CycladesBlockStorageRestClient", "volumes_post", "volumes_action_post")
def requests_of_cyclades(world: World) -> None:
    rest, kind = world.service(CycladesBlockStorageRestClient), detachable(world)
    server_id = world.server()
    made = rest.volumes_post(
        1,
        server_id,
        "rest",
        display_description="d",
        volume_type=kind,
        metadata={"a": "b"},
        project=world.alice.uuid,
        success=[202],
        headers=NOTE,
    ).json()["volume"]
    assert rest.wait_volume_until(made["id"], "in_use", delay=0.1) == "in_use"
    with pytest.raises(BadRequest):
        rest.volumes_post(1, server_id, "two sources", snapshot_id="s", imageRef="i")
    wish = {"reassign": {"project": world.shared_project()}}
    assert rest.volumes_action_post(made["id"], wish, success=[200], headers=NOTE).status_code == 200


@exercises("CycladesBlockStorageClient", "create_volume", "reassign_volume", "create_snapshot")
def volumes_of_cyclades(world: World) -> None:
    client, kind = world.service(CycladesBlockStorageClient), detachable(world)
    server_id, project = world.server(), world.shared_project()
    made = client.create_volume(
        1,
        server_id,
        "cyclades",
        display_description="d",
        volume_type=kind,
        metadata={"a": "b"},
        project=project,
    )
    assert client.wait_volume_until(made["id"], "in_use", delay=0.1) == "in_use"
    found = client.get_volume_details(made["id"])
    assert (found["metadata"]["a"], found["tenant_id"]) == ("b", project)
    client.reassign_volume(made["id"], world.alice.uuid)
    assert client.get_volume_details(made["id"])["tenant_id"] == world.alice.uuid
    snapshot = client.create_snapshot(made["id"], "shot", force=True, display_description="d")
    poll(lambda: client.get_snapshot_details(snapshot["id"]), lambda one: one["status"] != "CREATING", delay=0.1)
    for source in ({"imageRef": world.image_id}, {"snapshot_id": snapshot["id"]}):
        filled = client.create_volume(1, None, "filled", volume_type=kind, **source)
        assert client.get_volume_details(filled["id"])["status"] == "available"
