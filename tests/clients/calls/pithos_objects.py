"""Calls of PithosClient that are about what is known of objects, and where they are."""

from __future__ import annotations

import pytest
import requests
from clients.calls.table import World, exercises

from pithosfs.clients.pithos import PithosClient
from pithosfs.errors import BadRequest, NotAllowed, NotFound


@exercises("PithosClient", "copy_object", "move_object")
def copies(world: World) -> None:
    client, other, here = world.client, f"{world.container}-2", world.container
    client.create_container(other)
    world.put("d", b"old", content_type="a/b")
    version = world.look.get_object_info("d")["x-object-version"]
    world.put("d", b"new")
    world.put("d/e")
    client.copy_object(here, "d", other, delimiter="/")
    client.move_object(other, "d", here, "f", delimiter="/")
    assert world.names() == ["d", "d/e", "f", "f/e"]
    # An old version comes with its own type.
    with world.watched(client) as heads:
        client.copy_object(here, "d", here, dst_object="g", source_version=version, public=True)
    assert heads[-1]["content-type"] == "a/b"  # some servers would take the newest version's
    info = world.look.get_object_info("g")
    assert (world.content("g"), info["content-type"]) == (b"old", "a/b")
    assert requests.get(info["x-object-public"], timeout=20).content == b"old"
    client.copy_object(here, "d", here, "h", content_type="c/d")
    assert world.look.get_object_info("h")["content-type"] == "c/d"
    # A version is no matter of moves: what is there now moves.
    with world.watched(client) as heads:
        client.move_object(here, "d", here, "i", source_version=version, public=True, content_type="c/d")
    assert heads[0]["x-source-version"] == version
    info = world.look.get_object_info("i")
    assert (world.content("i"), info["content-type"]) == (b"new", "c/d")
    assert info["x-object-public"]
    world.put("o", b"alice's", permissions={"write": [world.bob.uuid]})
    client.token, client.account = world.bob.token, world.bob.uuid
    client.create_container(here)
    client.copy_object(here, "o", here, source_account=world.alice.uuid)
    assert client.download_to_string("o") == b"alice's"
    with pytest.raises(NotAllowed):  # only the owner may take it away
        client.move_object(here, "o", here, source_account=world.alice.uuid)


@exercises("PithosClient", "del_object")
def deleting(world: World) -> None:
    for name in ("d", "d/e", "f"):
        world.put(name)
    world.client.del_object("d", delimiter="/")
    assert world.names() == ["f"]
    world.client.del_object("f")
    assert world.names() == []
    purged = world.earlier(PithosClient)
    assert len(purged.get_object_versionlist("pithos")) == 4
    with pytest.raises(BadRequest):
        purged.del_object("pithos", until=world.past.until + 0.5)
    purged.del_object("pithos", until=world.past.until)
    assert len(purged.get_object_versionlist("pithos")) == 2


@exercises("PithosClient", "get_object_info", "get_object_meta", "get_object_versionlist")
@exercises("PithosClient", "set_object_meta", "del_object_meta")
def what_is_known(world: World) -> None:
    client = world.client
    world.put("o", b"1")
    client.set_object_meta("o", {"a": "1 %", "b_c": "2"})
    client.del_object_meta("o", "a")
    assert client.get_object_meta("o") == {"x-object-meta-b-c": "2"}
    versions = client.get_object_versionlist("o")
    assert len(versions) == 3
    assert client.get_object_meta("o", version=versions[1][0]) == {
        "x-object-meta-a": "1 %",
        "x-object-meta-b-c": "2",
    }
    assert client.get_object_info("o")["x-object-version"] == str(versions[2][0])
    assert client.get_object_info("o", version=versions[0][0])["x-object-version"] == str(versions[0][0])
    with pytest.raises(NotFound):
        client.get_object_info("missing")


@exercises("PithosClient", "get_object_sharing", "set_object_sharing", "del_object_sharing")
def sharing(world: World) -> None:
    client, bob = world.client, world.plain(world.bob, world.alice)
    world.put("o")
    client.set_object_sharing("o", read_permission=[world.bob.uuid])
    assert client.get_object_sharing("o") == {"read": world.bob.uuid}
    assert bob.download_to_string("o") == b"content"
    with pytest.raises(NotAllowed):
        bob.upload_from_string("o", b"x")
    client.set_object_sharing("o", write_permission=[world.bob.uuid, "x"])
    assert client.get_object_sharing("o") == {"write": f"{world.bob.uuid},x"}
    bob.upload_from_string("o", b"x")
    client.del_object_sharing("o")
    assert client.get_object_sharing("o") == {}
    with pytest.raises(NotAllowed):
        bob.download_to_string("o")


@exercises("PithosClient", "publish_object", "unpublish_object")
def publishing(world: World) -> None:
    world.put("o")
    link = world.client.publish_object("o")
    assert requests.get(link, timeout=20).content == b"content"
    world.client.unpublish_object("o")
    assert requests.get(link, timeout=20).status_code == 404
