"""Calls of ComputeClient about flavors, images and floating addresses, and of ImageClient."""

from __future__ import annotations

import pytest
from clients.calls.table import World, exercises

from pithosfs.clients.compute import ComputeClient
from pithosfs.clients.image import ImageClient
from pithosfs.errors import BadRequest, NotFound


@exercises("ComputeClient", "list_flavors", "get_flavor_details")
def flavors(world: World) -> None:
    client = world.service(ComputeClient)
    pages = {"next": None, "content-type": None}
    found = client.list_flavors(detail=True, response_headers=pages)
    assert found[0]["vcpus"] > 0
    assert pages["content-type"]
    assert "vcpus" not in client.list_flavors()[0]
    assert client.get_flavor_details(found[0]["id"]) == found[0]
    with pytest.raises(NotFound):
        client.get_flavor_details(999999)


@exercises("ComputeClient", "list_images", "get_image_details", "get_image_metadata", "update_image_metadata")
@exercises("ComputeClient", "delete_image_metadata", "delete_image")
def images_of_compute(world: World) -> None:
    client = world.service(ComputeClient)
    image_id = world.registered("mine", users="root")["id"]
    pages = {"next": None, "content-type": None}
    found = {one["id"]: one for one in client.list_images(detail=True, response_headers=pages)}
    assert found[image_id]["metadata"] == {"users": "root"}
    assert pages["content-type"]
    assert client.get_image_details(image_id, headers={"X-Note": "1"})["name"] == "mine"
    assert client.update_image_metadata(image_id, response_headers=pages, os="x") == {"users": "root", "os": "x"}
    assert client.get_image_metadata(image_id, key="os", response_headers=pages) == {"os": "x"}
    client.delete_image_metadata(image_id, "os")
    assert client.get_image_metadata(image_id) == {"users": "root"}
    client.delete_image(image_id)
    with pytest.raises(NotFound):
        client.get_image_details(image_id)


@exercises("ComputeClient", "get_floating_ips", "alloc_floating_ip", "get_floating_ip", "delete_floating_ip")
@exercises("ComputeClient", "get_floating_ip_pools")
def floating_ips(world: World) -> None:
    client, tenant = world.service(ComputeClient), world.alice.uuid
    made = client.alloc_floating_ip(tenant, pool="any")
    assert made["id"] in [one["id"] for one in client.get_floating_ips(tenant)["floating_ips"]]
    assert str(client.get_floating_ip(tenant, fip_id=made["id"])["id"]) == str(made["id"])
    client.delete_floating_ip(tenant, fip_id=made["id"])
    assert made["id"] not in [one["id"] for one in client.get_floating_ips(tenant)["floating_ips"]]
    with pytest.raises(BadRequest):
        client.get_floating_ip_pools(tenant)  # only OpenStack has them


# the registry -------------------------------------------------------------------------------------------------------


@exercises("ImageClient", "register", "get_meta", "update_image", "list_public", "unregister")
def registry(world: World) -> None:
    client = world.service(ImageClient)
    world.put("disk é", b"0123456789")
    location = f"pithos://{world.alice.uuid}/{world.container}/disk é"
    made = client.register(
        "Bäse 100 %",
        location,
        params={"disk_format": "extdump", "container_format": "bare", "is_public": False},
        properties={"OSFAMILY": "linux", "USERS": "root é"},
    )
    image_id = made["id"]
    assert (made["name"], made["location"], made["size"]) == ("Bäse 100 %", location, "10")
    assert made["properties"] == {"osfamily": "linux", "users": "root é"}
    assert client.get_meta(image_id) == made
    brief = {
        one["id"]: one for one in client.list_public(filters={"name": "Bäse 100 %", "size_max": 10}, order="-name")
    }
    assert brief[image_id]["disk_format"] == "extdump"
    assert "properties" not in brief[image_id]
    assert image_id not in [one["id"] for one in client.list_public(filters={"size_min": 11})]
    full = {one["id"]: one for one in client.list_public(detail=True)}
    assert full[image_id]["properties"] == made["properties"]
    names = [one["name"] for one in client.list_public(order="name")]
    assert names == sorted(names)
    changed = client.update_image(
        image_id,
        name="New",
        disk_format="diskdump",
        container_format="ovf",
        status="AVAILABLE",
        public=True,
        owner_id=world.alice.uuid,
        users="",
        gui="yes",
    )
    assert changed["x-image-meta-name"] == "New"
    after = client.get_meta(image_id)
    assert (after["is-public"], after["container-format"]) == ("True", "ovf")
    assert after["properties"] == {"osfamily": "linux", "gui": "yes"}
    client.unregister(image_id)
    with pytest.raises(NotFound):
        client.get_meta(image_id)
    assert world.content("disk é") == b"0123456789"


@exercises("ImageClient", "add_member", "list_members", "list_shared", "set_members", "remove_member")
def members(world: World) -> None:
    client, other = world.service(ImageClient), world.service(ImageClient, world.bob)
    image_id = world.registered("shared")["id"]

    def readers() -> set[str]:
        return {one["member_id"] for one in client.list_members(image_id)} - {world.alice.uuid}

    client.add_member(image_id, world.bob.uuid)
    assert readers() == {world.bob.uuid}
    assert image_id in [one["image_id"] for one in other.list_shared(world.alice.uuid)]
    client.remove_member(image_id, world.bob.uuid)
    assert readers() == set()
    client.set_members(image_id, [world.bob.uuid, world.past.user.uuid])
    assert readers() == {world.bob.uuid, world.past.user.uuid}
    client.set_members(image_id, [])
    assert readers() == set()
