"""Calls of PithosClient that are about the content of objects."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tempfile
from collections.abc import Callable
from typing import Any

import pytest
from clients.calls.table import World, exercises

from pithosfs.errors import BadRequest, ClientError, LocalError, PreconditionFailed

BLOCK = 4 * 1024 * 1024
WRONG = "0" * 64
LONG_AGO = "Sat, 01 Jan 2000 00:00:00 GMT"


class Bar:
    """A generator function of the number of blocks."""

    def __init__(self) -> None:
        self.total = -1
        self.steps = 0

    def __call__(self, total: int) -> Any:
        self.total = total
        yield
        for _ in range(total):
            self.steps += 1
            yield


def stored(world: World, upload: Callable[..., Any]) -> None:
    """What all uploads take to be stored with the object."""
    upload(
        "stored",
        content_encoding="x-none",
        content_disposition="inline",
        content_type="a/b",
        sharing={"read": [world.bob.uuid]},
        public=True,
    )
    info = world.look.get_object_info("stored")
    assert (info["content-encoding"], info["content-disposition"], info["content-type"]) == ("x-none", "inline", "a/b")
    assert info["x-object-sharing"] == f"read={world.bob.uuid}"
    assert info["x-object-public"]


@exercises("PithosClient", "upload_object", "upload_from_string")
def uploads(world: World) -> None:
    client = world.client
    content = os.urandom(2 * BLOCK + 5)

    def from_file(name: str, data: bytes = content, **options: Any) -> Any:
        with tempfile.TemporaryFile() as file:
            file.write(data)
            file.seek(0)
            return client.upload_object(name, f=file, **options)

    def from_string(name: str, data: bytes = content, **options: Any) -> Any:
        return client.upload_from_string(name, data, **options)

    for upload in (from_file, from_string):
        hashing, sending, cache = Bar(), Bar(), {}
        data = upload.__name__.encode() + content
        headers = upload("o", data, hash_cb=hashing, upload_cb=sending, container_info_cache=cache)
        assert (hashing.total, hashing.steps, sending.total, sending.steps) == (3, 3, 3, 3)
        assert cache[world.container]["x-container-block-hash"] == "sha256"
        assert world.content("o") == data
        etag = headers["etag"]
        with pytest.raises(PreconditionFailed):
            upload("o", if_not_exist=True)
        with pytest.raises(PreconditionFailed):
            upload("o", if_etag_match=WRONG)
        upload("o", b"abc", if_etag_match=etag)
        with pytest.raises(BadRequest):
            upload("o", b"small", etag=hashlib.md5(b"other").hexdigest())
        assert world.content("o") == b"abc"
        upload("o", b"small", etag=hashlib.md5(b"small").hexdigest())
        before = client.session.counters.requests
        upload("o", b"one request", container_info_cache=cache)
        assert client.session.counters.requests == before + 1
        stored(world, upload)
    from_file("o", b"123456", size=3)
    assert world.content("o") == b"123"
    client.upload_from_string("o", "tëxt")
    assert world.content("o") == "tëxt".encode()


@exercises("PithosClient", "upload_object_unchunked")
def in_one_request(world: World) -> None:
    client = world.client
    client.upload_object_unchunked("o", io.BytesIO(b"12345"), size=3)
    assert world.content("o") == b"123"
    with pytest.raises(BadRequest):
        client.upload_object_unchunked("o", io.BytesIO(b"1"), etag=hashlib.md5(b"2").hexdigest())
    hashmap = world.look.get_object_hashmap("o")
    asked = io.BytesIO(json.dumps({"bytes": 3, "hashes": hashmap["hashes"]}).encode())
    client.upload_object_unchunked("p", asked, withHashFile=True)
    assert world.content("p") == b"123"
    with pytest.raises(BadRequest):
        client.upload_object_unchunked("p", io.BytesIO(b"[]"), withHashFile=True)
    with pytest.raises(LocalError):
        client.upload_object_unchunked("p", io.BytesIO(b"123"), size=4)
    stored(world, lambda name, **options: client.upload_object_unchunked(name, io.BytesIO(b"x"), **options))


@exercises("PithosClient", "create_object_by_manifestation")
def manifests(world: World) -> None:
    client = world.client
    world.put("parts/1", b"one")
    world.put("parts/2", b"two")
    client.create_object_by_manifestation("parts/", etag=hashlib.md5(b"").hexdigest())
    assert world.content("parts/") == b"onetwo"
    assert client.download_to_string("parts/") == b"onetwo"
    with pytest.raises(BadRequest):
        client.create_object_by_manifestation("parts/", etag=hashlib.md5(b"x").hexdigest())
    stored(world, client.create_object_by_manifestation)


@exercises("PithosClient", "download_object", "download_to_string", "get_object_hashmap")
def downloads(world: World) -> None:
    client = world.client
    content = os.urandom(2 * BLOCK + 5)
    first = client.upload_from_string("o", b"first")["x-object-version"]
    etag = client.upload_from_string("o", content)["etag"]

    def to_file(name: str, **options: Any) -> bytes:
        with tempfile.NamedTemporaryFile() as file:
            client.download_object(name, file, **options)
            file.seek(0)
            return file.read()

    for download in (to_file, client.download_to_string):
        bar, headers = Bar(), {}
        assert download("o", download_cb=bar, headers=headers) == content
        assert (bar.total, bar.steps) == (3, 3)
        assert headers["x-object-hash"] == etag
        assert download("o", version=first) == b"first"
        bar = Bar()
        text = f"0-1,{BLOCK - 1}-{BLOCK},-3,9999999-"
        expected = content[:2] + content[BLOCK - 1 : BLOCK + 1] + content[-3:]
        assert download("o", range_str=text, download_cb=bar) == expected
        assert (bar.total, bar.steps) == (3, 3)
        assert download("o", range_str="4") == content[:5]
        assert download("o", if_match=etag) == content
        with pytest.raises(PreconditionFailed):
            download("o", if_match=WRONG)
        with pytest.raises(ClientError) as caught:
            download("o", if_none_match=etag)
        assert caught.value.status == 304
        with pytest.raises(ClientError):
            download("o", if_modified_since="Fri, 01 Jan 2100 00:00:00 GMT")
        with pytest.raises(PreconditionFailed):
            download("o", if_unmodified_since=LONG_AGO)
    headers = {}
    hashmap = client.get_object_hashmap("o", headers=headers)
    assert (hashmap["bytes"], len(hashmap["hashes"]), headers["etag"]) == (len(content), 3, etag)
    assert client.get_object_hashmap("o", version=first)["bytes"] == 5
    assert client.get_object_hashmap("o", if_match=etag)["bytes"] == len(content)
    for nothing in (
        {"if_match": WRONG},
        {"if_none_match": etag},
        {"if_modified_since": "Fri, 01 Jan 2100 00:00:00 GMT"},
        {"if_unmodified_since": LONG_AGO},
    ):
        assert client.get_object_hashmap("o", **nothing) == {}


@exercises("PithosClient", "download_object")
def resumed(world: World) -> None:
    content = os.urandom(3 * BLOCK + 5)
    world.look.upload_from_string("o", content)
    with tempfile.NamedTemporaryFile() as file:
        file.write(content[: BLOCK + 7])
        bar = Bar()
        before = world.client.session.counters.bytes_received
        world.client.download_object("o", file, resume=True, download_cb=bar)
        assert world.client.session.counters.bytes_received < before + 2 * BLOCK + 4096
        assert (bar.total, bar.steps) == (4, 4)
        file.seek(0)
        assert file.read() == content


@exercises("PithosClient", "append_object", "overwrite_object", "truncate_object")
def changes(world: World) -> None:
    client = world.client
    world.put("o", b"0123456789")
    bar = Bar()
    assert client.append_object("o", io.BytesIO(b"abc"), upload_cb=bar)[0]["x-object-version"]
    assert (bar.total, bar.steps) == (1, 1)
    assert world.content("o") == b"0123456789abc"
    bar = Bar()
    client.overwrite_object("o", 2, 4, io.BytesIO(b"XYZ and more"), upload_cb=bar)
    assert (bar.total, bar.steps) == (1, 1)
    assert world.content("o") == b"01XYZ56789abc"
    first = world.look.get_object_versionlist("o")[0][0]
    client.overwrite_object("o", 8, 11, io.BytesIO(b"wxyz"), source_version=first)
    assert world.content("o") == b"01234567wxyz"
    client.truncate_object("o", 4)
    assert world.content("o") == b"0123"
    assert world.look.download_to_string("o") == b"0123"
    with pytest.raises(LocalError):
        client.overwrite_object("o", 0, 3, io.BytesIO(b"123"))
    with pytest.raises(BadRequest):
        client.overwrite_object("o", 9, 10, io.BytesIO(b"ab"))
    with pytest.raises(BadRequest):
        client.overwrite_object("o", 3, 2, io.BytesIO(b"ab"))
    assert world.content("o") == b"0123"
