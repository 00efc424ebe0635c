"""Calls of PithosRestClient that are about accounts and containers."""

from __future__ import annotations

import hashlib
import time

import pytest
from clients.calls.table import World, exercises

from pithosfs.clients.pithos.rest_api import PithosRestClient
from pithosfs.errors import BadReply, PreconditionFailed

SOON = int(time.time()) + 3600
LONG_AGO = "Sat, 01 Jan 2000 00:00:00 GMT"


@exercises("PithosRestClient", "account_head")
def account_head(world: World) -> None:
    rest = world.earlier(PithosRestClient)
    assert "x-account-meta-new" in rest.account_head().headers
    then = rest.account_head(until=world.past.until).headers
    assert "x-account-meta-old" in then
    assert "x-account-meta-new" not in then
    assert "x-account-until-timestamp" in then
    assert rest.account_head(if_modified_since=SOON).status_code == 304
    with pytest.raises(PreconditionFailed):
        rest.account_head(if_unmodified_since=LONG_AGO)
    with pytest.raises(BadReply):
        rest.account_head(success=200)


@exercises("PithosRestClient", "account_get")
def account_get(world: World) -> None:
    rest = world.earlier(PithosRestClient)

    def names(**options: object) -> list[str]:
        return [one["name"] for one in rest.account_get(**options).json()]

    everything = ["c", "pithos", "purge-pithos", "purge-rest", "since"]
    assert names() == everything
    assert names(limit=2) == everything[:2]
    assert names(marker="pithos") == everything[2:]
    assert names(until=world.past.until) == everything[:-1]
    assert rest.account_get(format="xml").text.startswith("<?xml")
    assert rest.account_get(format="text", params={"limit": 1}).text == "c\n"
    assert rest.account_get(if_modified_since=SOON).status_code == 304
    with pytest.raises(PreconditionFailed):
        rest.account_get(if_unmodified_since=LONG_AGO)
    rest.object_post("a", permissions={"read": ["*"]})
    rest.container = "since"
    rest.object_put("b", content_type="a/b", public=True)
    assert names(show_only_shared=True) == ["c"]
    assert names(public=True) == ["since"]


@exercises("PithosRestClient", "account_post")
def account_post(world: World) -> None:
    rest = world.rest
    rest.account_post(update=False, metadata={"one": "1", "two": "2"})
    rest.account_post(metadata={"one": ""}, groups={"friends": [world.bob.uuid]})
    headers = rest.account_head().headers
    assert "x-account-meta-one" not in headers
    assert headers["x-account-meta-two"] == "2"
    assert headers["x-account-group-friends"] == world.bob.uuid
    before = headers["x-account-policy-quota"]
    # Servers ignore both; that they are sent is all that there is.
    with world.watched(rest) as heads:
        assert rest.account_post(quota=5, versioning="none", success=202).status_code == 202
    assert (heads[0]["x-account-policy-quota"], heads[0]["x-account-policy-versioning"]) == ("5", "none")
    assert rest.account_head().headers["x-account-policy-quota"] == before
    rest.account_post(groups={"friends": []}, update=False)
    assert "x-account-meta-two" not in rest.account_head().headers
    assert "x-account-group-friends" not in rest.account_head().headers


@exercises("PithosRestClient", "container_head")
def container_head(world: World) -> None:
    rest = world.earlier(PithosRestClient)
    assert "x-container-meta-new" in rest.container_head().headers
    then = rest.container_head(until=world.past.until).headers
    assert "x-container-meta-old" in then
    assert "x-container-meta-new" not in then
    assert rest.container_head(if_modified_since=SOON).status_code == 304
    with pytest.raises(PreconditionFailed):
        rest.container_head(if_unmodified_since=LONG_AGO)
    assert rest.container_head(success=(204, 404)).status_code == 204


@exercises("PithosRestClient", "container_get")
def container_get(world: World) -> None:
    rest = world.rest
    for name in ("a/1", "a/2", "b/c", "d"):
        world.put(name)
    world.look.set_object_meta("d", {"colour": "red"})
    world.look.set_object_sharing("a/1", read_permission=["*"])
    world.look.publish_object("a/2")

    def names(**options: object) -> list[str]:
        return [one.get("name") or one["subdir"] for one in rest.container_get(**options).json()]

    assert names(limit=1) == ["a/1"]
    assert names(marker="a/2") == ["b/c", "d"]
    assert names(prefix="a/") == ["a/1", "a/2"]
    assert names(delimiter="/") == ["a/", "b/", "d"]
    assert names(path="b") == ["b/c"]
    assert names(meta=["colour"]) == names(meta=["colour = red", "colour < sad"]) == ["d"]
    assert names(meta=["colour = blue"]) == []
    assert names(show_only_shared=True) == ["a/1"]
    assert names(public=True) == ["a/2"]
    assert rest.container_get(format="text").text == "a/1\na/2\nb/c\nd\n"
    assert rest.container_get(if_modified_since=SOON, success=304).status_code == 304
    with pytest.raises(PreconditionFailed):
        rest.container_get(if_unmodified_since=LONG_AGO)
    earlier = world.earlier(PithosRestClient).container_get(until=world.past.until).json()
    assert all(one["x_object_version_timestamp"] < str(world.past.until) for one in earlier)
    assert "a" in {one["name"] for one in earlier}


@exercises("PithosRestClient", "container_put")
def container_put(world: World) -> None:
    rest = world.rest
    rest.container = f"{world.container}-2"
    assert rest.container_put(quota=99, versioning="none", project_id=world.alice.uuid).status_code == 201
    assert rest.container_put(metadata={"k": "ü"}, success=202).status_code == 202
    headers = rest.container_head().headers
    assert headers["x-container-policy-quota"] == "99"
    assert headers["x-container-policy-versioning"] == "none"
    assert headers["x-container-policy-project"] == world.alice.uuid
    assert headers["x-container-meta-k"] == "%C3%BC"


@exercises("PithosRestClient", "container_post")
def container_post(world: World) -> None:
    rest = world.rest
    rest.container_post(quota=99, versioning="none", project_id=world.alice.uuid, metadata={"a": "1"})
    rest.container_post(metadata={"b": "2"})
    headers = rest.container_head().headers
    assert (headers["x-container-policy-quota"], headers["x-container-policy-versioning"]) == ("99", "none")
    assert (headers["x-container-meta-a"], headers["x-container-meta-b"]) == ("1", "2")
    rest.container_post(update=False, quota=5)
    headers = rest.container_head().headers
    assert (headers["x-container-policy-quota"], headers["x-container-policy-versioning"]) == ("5", "auto")
    assert "x-container-meta-a" not in headers
    name = hashlib.sha256(b"abc").hexdigest()
    octets = "application/octet-stream"
    assert rest.container_post(data=b"abc", content_type=octets).json() == [name]
    assert rest.container_post(data=b"abc", content_type=octets, format="xml").text.startswith("<?xml")
    # A body without a length of its own: its length is said, or it goes in chunks.
    with world.watched(rest) as heads:
        assert rest.container_post(data=iter([b"a", b"bc"]), content_length=3, content_type=octets).json() == [name]
        assert rest.container_post(data=b"abc", transfer_encoding="chunked", content_type=octets).json() == [name]
    assert (heads[0]["content-length"], heads[1]["transfer-encoding"]) == ("3", "chunked")


@exercises("PithosRestClient", "container_delete")
def container_delete(world: World) -> None:
    purged = world.earlier(PithosRestClient, "purge-rest")
    assert len(purged.object_get("a", version="list").json()["versions"]) == 4
    purged.container_delete(until=world.past.until)
    assert len(purged.object_get("a", version="list").json()["versions"]) == 2
    world.put("o")
    world.rest.container_delete(delimiter="/")
    assert world.names() == []
    assert world.rest.container_delete(success=204).status_code == 204
    assert world.rest.container_head(success=404).status_code == 404
