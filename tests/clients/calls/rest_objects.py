"""Calls of PithosRestClient that are about objects."""

from __future__ import annotations

import hashlib
import json
import time

import pytest
import requests
from clients.calls.table import World, exercises

from pithosfs.clients.pithos.rest_api import PithosRestClient
from pithosfs.errors import BadRequest, NotFound, PreconditionFailed

SOON = int(time.time()) + 3600
LONG_AGO = "Sat, 01 Jan 2000 00:00:00 GMT"
WRONG = "0" * 64


@exercises("PithosRestClient", "object_head")
def object_head(world: World) -> None:
    rest = world.rest
    first = world.look.object_put("o", data=b"1", content_type="a/b").headers["x-object-version"]
    etag = world.put("o", b"22")
    assert rest.object_head("o").headers["content-length"] == "2"
    assert rest.object_head("o", version=first).headers["content-length"] == "1"
    assert rest.object_head("o", if_etag_match=etag).status_code == 200
    with pytest.raises(PreconditionFailed):
        rest.object_head("o", if_etag_match=WRONG)
    assert rest.object_head("o", if_etag_not_match=etag).status_code == 304
    assert rest.object_head("o", if_modified_since=SOON).status_code == 304
    with pytest.raises(PreconditionFailed):
        rest.object_head("o", if_unmodified_since=LONG_AGO)
    assert rest.object_head("missing", success=(200, 404)).status_code == 404


@exercises("PithosRestClient", "object_get")
def object_get(world: World) -> None:
    rest = world.rest
    first = world.look.object_put("o", data=b"old", content_type="a/b").headers["x-object-version"]
    etag = world.put("o", b"0123456789")
    assert rest.object_get("o", version=first).content == b"old"
    assert len(rest.object_get("o", version="list").json()["versions"]) == 2
    assert rest.object_get("o", hashmap=True).json()["bytes"] == 10
    assert rest.object_get("o", hashmap=True, format="xml").text.startswith("<?xml")
    assert rest.object_get("o", data_range="2-4").content == b"234"
    assert rest.object_get("o", data_range="bytes=-2").content == b"89"
    # The tag of the range has to be an MD5: with another one all of it comes.
    assert rest.object_get("o", data_range="2-4", if_range=WRONG).content == b"0123456789"
    assert rest.object_get("o", if_etag_match=etag).content == b"0123456789"
    with pytest.raises(PreconditionFailed):
        rest.object_get("o", if_etag_match=WRONG)
    assert rest.object_get("o", if_etag_not_match=etag).status_code == 304
    assert rest.object_get("o", if_modified_since=SOON).status_code == 304
    with pytest.raises(PreconditionFailed):
        rest.object_get("o", if_unmodified_since=LONG_AGO)
    assert (
        rest.object_get("o", params={"disposition-type": "attachment"})
        .headers["content-disposition"]
        .startswith("attachment")
    )


@exercises("PithosRestClient", "object_put")
def object_put_content(world: World) -> None:
    rest = world.rest
    etag = rest.object_put("o", data=b"abc", content_type="a/b").headers["etag"]
    assert rest.object_head("o").headers["content-type"] == "a/b"
    with pytest.raises(PreconditionFailed):
        rest.object_put("o", data=b"x", content_type="a/b", if_etag_match=WRONG)
    with pytest.raises(PreconditionFailed):
        rest.object_put("o", data=b"x", content_type="a/b", if_etag_not_match="*")
    rest.object_put("o", data=b"abcd", content_type="a/b", if_etag_match=etag)
    with pytest.raises(BadRequest):
        rest.object_put("o", data=b"x", content_type="a/b", etag=hashlib.md5(b"y").hexdigest())
    rest.object_put("o", data=b"x", content_type="a/b", etag=hashlib.md5(b"x").hexdigest())
    with world.watched(rest) as heads:
        rest.object_put("o", data=iter([b"1", b"23"]), content_length=3, content_type="a/b")
        assert world.content("o") == b"123"
        rest.object_put("o", data=b"chunks", transfer_encoding="chunked", content_type="a/b")
        assert world.content("o") == b"chunks"
    assert (heads[0]["content-length"], heads[1]["transfer-encoding"]) == ("3", "chunked")
    missing = {"bytes": 1, "hashes": ["ab" * 32]}
    assert rest.object_put("h", hashmap=True, json=missing, content_type="a/b", success=409).json() == ["ab" * 32]
    # The answer names what is missing in JSON, whatever was asked for.
    reply = rest.object_put("h", hashmap=True, json=missing, content_type="a/b", success=409, format="xml")
    assert json.loads(reply.text) == ["ab" * 32]
    known = {"bytes": 3, "hashes": [etag]}
    rest.object_put("h", hashmap=True, json=known, content_type="a/b")
    assert world.content("h") == b"abc"


@exercises("PithosRestClient", "object_put")
def object_put_what_is_stored(world: World) -> None:
    rest = world.rest
    rest.object_put(
        "o",
        data=b"abc",
        content_type="a/b",
        content_encoding="x-none",
        content_disposition='attachment; filename="é"',
        permissions={"read": [world.bob.uuid], "write": ["x:friends"]},
        public=True,
        metadata={"k": "v"},
    )
    info = world.look.get_object_info("o")
    assert info["content-encoding"] == "x-none"
    assert info["content-disposition"] == 'attachment; filename="é"'
    assert info["x-object-sharing"] == f"read={world.bob.uuid}; write=x:friends"
    assert requests.get(info["x-object-public"], timeout=20).content == b"abc"
    assert info["x-object-meta-k"] == "v"
    world.put("part1", b"1")
    world.put("part2", b"2")
    rest.object_put("m", content_type="a/b", manifest=f"{world.container}/part")
    assert world.content("m") == b"12"


@exercises("PithosRestClient", "object_put")
def object_put_from_another(world: World) -> None:
    rest = world.rest
    world.put("d", b"old", content_type="application/directory")
    version = world.look.get_object_info("d")["x-object-version"]
    world.put("d", b"new", content_type="application/directory")
    world.put("d/é")
    rest.object_put("e", copy_from=f"{world.here}/d", delimiter="/")
    assert world.names() == ["d", "d/é", "e", "e/é"]
    rest.object_put("f", move_from=f"{world.here}/e", delimiter="/")
    assert world.names() == ["d", "d/é", "f", "f/é"]
    rest.object_put("g", copy_from=f"{world.here}/d", source_version=version)
    assert world.content("g") == b"old"
    bobs = world.plain(world.bob, world.bob)
    bobs.create_container()
    bobs.object_put("o", data=b"bob's", content_type="a/b", permissions={"read": [world.alice.uuid]})
    rest.object_put("h", copy_from=f"{world.here}/o", source_account=world.bob.uuid)
    assert world.content("h") == b"bob's"


@exercises("PithosRestClient", "object_copy", "object_move")
def object_copy(world: World) -> None:
    rest = world.rest
    there = f"{world.container}-2"
    world.look.create_container(there)
    world.look.object_put("o", data=b"old", content_type="a/b")
    version = world.look.get_object_info("o")["x-object-version"]
    etag = world.put("o", b"new", metadata={"k": "v"})
    stored = {
        "content_type": "c/d",
        "content_encoding": "x-none",
        "content_disposition": "inline",
        "permissions": {"read": ["*"]},
        "public": True,
        "metadata": {"l": "w"},
    }

    def check(name: str) -> None:
        info = world.look.get_object_info(name)
        assert (info["content-type"], info["content-encoding"], info["content-disposition"]) == (
            "c/d",
            "x-none",
            "inline",
        )
        assert (info["x-object-meta-k"], info["x-object-meta-l"]) == ("v", "w")
        assert info["x-object-sharing"] == "read=*"
        assert requests.get(info["x-object-public"], timeout=20).content == b"new"

    rest.object_copy("o", f"{world.here}/copy", if_etag_match=etag, **stored)
    check("copy")
    rest.object_move("copy", destination=f"{world.here}/moved", if_etag_match=etag, **stored)
    check("moved")
    assert "copy" not in world.names()
    for act in (rest.object_copy, rest.object_move):
        with pytest.raises(PreconditionFailed):
            act("o", destination=f"/{there}/x", if_etag_match=WRONG)
        with pytest.raises(PreconditionFailed):
            act("o", destination=f"/{there}/x", if_etag_not_match=etag)
    rest.object_copy("o", f"{world.here}/old", source_version=version)
    assert world.content("old") == b"old"
    rest.object_copy("moved", f"{world.here}/kept", content_type="x/y", ignore_content_type=True, format="xml")
    assert world.look.get_object_info("kept")["content-type"] == "c/d"
    rest.object_move("kept", destination=f"/{there}/kept", content_type="x/y", ignore_content_type=True, format="xml")
    world.look.container = there
    assert world.look.get_object_info("kept")["content-type"] == "c/d"
    world.look.container = world.container
    bobs = world.plain(world.bob, world.bob)
    bobs.create_container()
    bobs.object_put("box", data=b"", content_type="application/directory", permissions={"write": [world.alice.uuid]})
    rest.object_copy("o", f"{world.here}/box/o", destination_account=world.bob.uuid, success=201)
    rest.object_move("o", destination=f"{world.here}/box/p", destination_account=world.bob.uuid, success=201)
    assert [one["name"] for one in bobs.list_objects()] == ["box", "box/o", "box/p"]
    with pytest.raises(BadRequest):
        rest.object_move("moved")


@exercises("PithosRestClient", "object_post")
def object_post_metadata(world: World) -> None:
    rest = world.rest
    etag = world.put("o", b"abc", metadata={"a": "1"})
    rest.object_post(
        "o",
        content_encoding="x-none",
        content_disposition="inline",
        permissions={"read": ["*"]},
        public=True,
        metadata={"b": "2"},
        if_etag_match=etag,
        success=202,
    )
    info = world.look.get_object_info("o")
    assert (info["content-encoding"], info["content-disposition"]) == ("x-none", "inline")
    assert (info["x-object-meta-a"], info["x-object-meta-b"], info["x-object-sharing"]) == ("1", "2", "read=*")
    assert info["x-object-public"]
    rest.object_post("o", update=False, metadata={"c": "3"}, format="xml")
    assert world.look.get_object_meta("o") == {"x-object-meta-c": "3"}
    rest.object_post("o", permissions={}, public=False)  # {}: the rule stays
    assert "x-object-public" not in world.look.get_object_info("o")
    assert world.look.get_object_sharing("o") == {"read": "*"}
    with pytest.raises(PreconditionFailed):
        rest.object_post("o", metadata={"x": "y"}, if_etag_match=WRONG)
    with pytest.raises(PreconditionFailed):
        rest.object_post("o", metadata={"x": "y"}, if_etag_not_match=etag)
    world.put("part1", b"1")
    rest.object_post("o", manifest=f"{world.container}/part")
    assert world.content("o") == b"1"


@exercises("PithosRestClient", "object_post")
def object_post_content(world: World) -> None:
    rest = world.rest
    octets = "application/octet-stream"
    world.put("o", b"0123456789")
    rest.object_post("o", content_type=octets, content_range="bytes */*", data=b"ab")
    assert world.content("o") == b"0123456789ab"
    rest.object_post("o", content_type=octets, content_range="bytes 1-2/*", data=b"XY")
    assert world.content("o") == b"0XY3456789ab"
    with world.watched(rest) as heads:
        rest.object_post("o", content_type=octets, content_range="bytes 0-/*", data=iter([b"Q"]), content_length=1)
        rest.object_post("o", content_type=octets, content_range="bytes 1-/*", data=b"R", transfer_encoding="chunked")
    assert (heads[0]["content-length"], heads[1]["transfer-encoding"]) == ("1", "chunked")
    assert world.content("o") == b"QRY3456789ab"
    rest.object_post("o", content_type=octets, content_range="bytes */*", object_bytes=4)
    assert world.content("o") == b"QRY3"
    version = world.look.get_object_versionlist("o")[0][0]
    rest.object_post("o", source_object=f"{world.here}/o", source_version=version, content_range="bytes 0-/*")
    assert world.content("o") == b"0123456789"
    bobs = world.plain(world.bob, world.bob)
    bobs.create_container()
    bobs.object_put("o", data=b"bob", content_type="a/b", permissions={"read": ["*"]})
    rest.object_post("o", source_object=f"{world.here}/o", source_account=world.bob.uuid, content_range="bytes */*")
    assert world.content("o") == b"0123456789bob"


@exercises("PithosRestClient", "object_delete")
def object_delete(world: World) -> None:
    rest = world.rest
    for name in ("d", "d/e", "f"):
        world.put(name)
    rest.object_delete("d", delimiter="/")
    assert world.names() == ["f"]
    assert rest.object_delete("f", success=204).status_code == 204
    assert rest.object_delete("f", success=404).status_code == 404
    purged = world.earlier(PithosRestClient)
    assert len(purged.object_get("rest", version="list").json()["versions"]) == 4
    purged.object_delete("rest", until=world.past.until)
    assert len(purged.object_get("rest", version="list").json()["versions"]) == 2
    with pytest.raises(NotFound):
        rest.object_get("f")
