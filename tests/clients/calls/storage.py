"""Calls of StorageClient."""

from __future__ import annotations

import io

import pytest
from clients.calls.table import World, exercises

from pithosfs.errors import BadRequest, Conflict, NotFound


@exercises("StorageClient", "create_container", "get_container_info", "list_containers", "delete_container")
def containers(world: World) -> None:
    client, other = world.storage, f"{world.container}-2"
    client.create_container(other)
    with pytest.raises(Conflict):
        client.create_container(other)
    world.put("o", b"12345")
    assert client.get_container_info(world.container)["x-container-bytes-used"] == "5"
    assert client.get_container_info(other)["x-container-bytes-used"] == "0"
    assert {other, world.container} <= {one["name"] for one in client.list_containers()}
    client.delete_container(other)
    assert other not in {one["name"] for one in client.list_containers()}
    with pytest.raises(Conflict):
        client.delete_container(world.container)


@exercises("StorageClient", "create_object", "create_directory", "get_object_info", "upload_object", "delete_object")
def objects(world: World) -> None:
    client = world.storage
    assert client.create_object("o", content_type="a/b", content_length=3)["x-object-version"]
    assert world.content("o") == bytes(3)
    info = client.get_object_info("o")
    assert (info["content-type"], info["content-length"]) == ("a/b", "3")
    client.create_directory("d")
    assert client.get_object_info("d")["content-type"] == "application/directory"
    client.upload_object("o", io.BytesIO(b"123456"), size=4)
    assert world.content("o") == b"1234"
    client.delete_object("o")
    with pytest.raises(NotFound):
        client.delete_object("o")


@exercises("StorageClient", "copy_object", "move_object")
def copies(world: World) -> None:
    client, other = world.storage, f"{world.container}-2"
    client.create_container(other)
    world.put("o", b"it")
    client.copy_object(world.container, "o", other)
    client.copy_object(world.container, "o", world.container, "p")
    assert world.names() == ["o", "p"]
    client.move_object(world.container, "p", other, "q")
    assert world.names() == ["o"]
    client.container = other
    assert [one["name"] for one in client.list_objects()] == ["o", "q"]


@exercises("StorageClient", "list_objects", "list_objects_in_path")
def listing(world: World) -> None:
    client = world.storage
    for name in ("a/1", "a/2", "b/c/d", "e"):
        world.put(name)

    def names(**options: object) -> list[str]:
        return [one.get("name") or one["subdir"] for one in client.list_objects(**options)]

    assert names() == ["a/1", "a/2", "b/c/d", "e"]
    assert names(limit=2) == ["a/1", "a/2"]
    assert names(marker="a/2") == ["b/c/d", "e"]
    assert names(prefix="a") == ["a/1", "a/2"]
    assert names(delimiter="/") == ["a/", "b/", "e"]
    assert names(path="a") == ["a/1", "a/2"]
    assert names(format="xml") == names()  # what comes back is parsed, whatever was asked for
    assert [one["name"] for one in client.list_objects_in_path("a")] == ["a/1", "a/2"]


@exercises("StorageClient", "get_account_info", "replace_account_meta", "del_account_meta")
def account_metadata(world: World) -> None:
    client = world.storage
    client.replace_account_meta({"colour": "réd", "size": "9"})
    assert client.get_account_info()["x-account-meta-colour"] == "réd"
    client.del_account_meta("colour")
    assert "x-account-meta-colour" not in client.get_account_info()
    client.replace_account_meta({"shape": "x"})
    found = {name for name in client.get_account_info() if name.startswith("x-account-meta-")}
    assert found == {"x-account-meta-shape"}


@exercises("StorageClient", "get_object_meta", "replace_object_meta", "del_object_meta")
def object_metadata(world: World) -> None:
    client = world.storage
    world.put("o")
    client.replace_object_meta({"a": "1", "b": "50 %"}, obj="o")
    assert client.get_object_meta("o") == {"x-object-meta-a": "1", "x-object-meta-b": "50 %"}
    client.del_object_meta("o", "a")
    assert client.get_object_meta("o") == {"x-object-meta-b": "50 %"}
    client.replace_object_meta({"z": "9"}, "o")
    assert client.get_object_meta("o") == {"x-object-meta-z": "9"}
    with pytest.raises(BadRequest):
        client.replace_object_meta({"z": "9"})
