"""Calls of PithosClient that are about accounts and containers."""

from __future__ import annotations

import pytest
from clients.calls.table import World, exercises

from pithosfs.clients.pithos import PithosClient
from pithosfs.errors import BadRequest, Conflict, NotFound


@exercises("PithosClient", "get_account_info", "get_account_meta", "get_container_info", "get_container_meta")
@exercises("PithosClient", "get_container_object_meta")
def earlier(world: World) -> None:
    client, until = world.earlier(PithosClient), world.past.until
    assert client.get_account_meta() == {"x-account-meta-old": "old", "x-account-meta-new": "new"}
    assert client.get_account_meta(until=until) == {"x-account-meta-old": "old"}
    assert client.get_account_info()["x-account-meta-new"] == "new"
    assert "x-account-meta-new" not in client.get_account_info(until=until)
    assert client.get_container_info("since")["x-container-object-count"] in ("0", "1")
    with pytest.raises(NotFound):
        client.get_container_info("since", until=until)
    assert client.get_container_meta() == {"x-container-meta-old": "old", "x-container-meta-new": "new"}
    assert client.get_container_meta(until=until) == {"x-container-meta-old": "old"}
    assert client.get_container_object_meta() == {"x-container-object-meta": "New"}
    client.container = "since"
    with pytest.raises(NotFound):
        client.get_container_object_meta(until=until)
    for fraction in (until + 0.5, f"{until}.5", "yesterday", -1):
        with pytest.raises(BadRequest):
            client.get_account_info(until=fraction)


@exercises("PithosClient", "get_account_quota", "list_containers")
def account(world: World) -> None:
    assert int(world.client.get_account_quota()["x-account-policy-quota"]) > 0
    assert world.container in {one["name"] for one in world.client.list_containers()}


@exercises("PithosClient", "set_account_meta", "del_account_meta")
def account_metadata(world: World) -> None:
    client = world.client
    client.set_account_meta({"colour": "réd", "αβ": "2"})
    assert client.get_account_meta()["x-account-meta-colour"] == "réd"
    assert client.get_account_meta()["x-account-meta-αβ"] == "2"
    client.del_account_meta("αβ")
    client.del_account_meta("colour")
    assert not {"x-account-meta-colour", "x-account-meta-αβ"} & client.get_account_meta().keys()


@exercises("PithosClient", "set_account_group", "get_account_group", "del_account_group")
def groups(world: World) -> None:
    client = world.client
    client.set_account_group("pals", [world.bob.uuid, world.alice.uuid])
    assert set(client.get_account_group()["x-account-group-pals"].split(",")) == {world.bob.uuid, world.alice.uuid}
    client.set_account_group("pals", [world.bob.uuid])
    world.put("o", permissions={"read": [f"{world.alice.uuid}:pals"]})
    bob = world.plain(world.bob, world.alice)
    assert bob.download_to_string("o") == b"content"
    client.del_account_group("pals")
    assert "x-account-group-pals" not in client.get_account_group()
    with pytest.raises(BadRequest):
        client.set_account_group("best-pals", [world.bob.uuid])


@exercises("PithosClient", "get_sharing_accounts")
def sharing_accounts(world: World) -> None:
    world.put("o", permissions={"read": [world.bob.uuid]})
    world.client.token = world.bob.token
    # Servers ignore limit and marker here: all of them come.
    for options in ({}, {"limit": 1, "marker": "z"}, {"success": 200}):
        assert world.alice.uuid in {one["name"] for one in world.client.get_sharing_accounts(**options)}


@exercises("PithosClient", "create_container", "get_container_limit", "get_container_versioning")
def new_container(world: World) -> None:
    client, other = world.client, f"{world.container}-2"
    client.create_container(
        container=other, sizelimit=9, versioning="none", metadata={"k": "v"}, project_id=world.alice.uuid, success=201
    )
    assert client.container == world.container
    info = client.get_container_info(other)
    assert (info["x-container-policy-quota"], info["x-container-policy-versioning"]) == ("9", "none")
    assert (info["x-container-policy-project"], info["x-container-meta-k"]) == (world.alice.uuid, "v")
    assert client.get_container_limit(other) == {"x-container-policy-quota": "9"}
    assert client.get_container_limit() == {"x-container-policy-quota": "0"}
    assert client.get_container_versioning(container=other) == {"x-container-policy-versioning": "none"}
    assert client.get_container_versioning() == {"x-container-policy-versioning": "auto"}


@exercises("PithosClient", "set_container_limit", "set_container_versioning", "reassign_container")
@exercises("PithosClient", "set_container_meta", "del_container_meta")
def container_settings(world: World) -> None:
    client = world.client
    client.set_container_limit(7)
    client.set_container_versioning("none")
    client.set_container_meta({"a": "1", "b": "2"})
    client.del_container_meta("a")
    client.reassign_container(world.alice.uuid)
    info = client.get_container_info()
    assert (info["x-container-policy-quota"], info["x-container-policy-versioning"]) == ("7", "none")
    assert info["x-container-policy-project"] == world.alice.uuid
    assert client.get_container_meta() == {"x-container-meta-b": "2"}
    with pytest.raises(NotFound):
        client.reassign_container("no such project")


@exercises("PithosClient", "del_container", "purge_container")
def deleting_containers(world: World) -> None:
    purged = world.earlier(PithosClient, "purge-pithos")
    assert len(purged.get_object_versionlist("a")) == 4
    purged.del_container(until=world.past.until)
    assert len(purged.get_object_versionlist("a")) == 2
    purged.container = "c"
    purged.purge_container(container="purge-pithos")
    assert len(purged.get_object_versionlist("a")) == 4
    purged.container = "purge-pithos"
    assert len(purged.get_object_versionlist("a")) == 1
    assert purged.download_to_string("a") == b"new"
    world.put("o", b"1")
    world.put("o", b"2")
    world.client.purge_container()
    assert len(world.look.get_object_versionlist("o")) == 1
    with pytest.raises(Conflict):
        world.client.del_container()
    with pytest.raises(BadRequest):
        world.client.del_container(until=1.5)
    world.client.del_container(delimiter="/")
    assert world.names() == []
    world.client.del_container()
    with pytest.raises(NotFound):
        world.look.get_container_info()
