"""Section 22: the test vectors, held against the server and against the arithmetic of section 9.1.

The large ones are sent as hashmaps of few blocks: no vector costs more than the blocks that it has of its own.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from conformance.rows import C, O, get, head, post, put, rule
from conformance.world import World

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parent.parent / "data" / "vectors" / "hashmap.json").read_text(encoding="utf-8")
)

SMALL = 64 * 1024
"""Bytes of a vector that is sent whole."""


def content(data: list[list[Any]]) -> bytes:
    pieces = []
    for pattern, count in data:
        unit = bytes.fromhex(pattern)
        pieces.append((unit * -(-count // len(unit)))[:count])
    return b"".join(pieces)


def root(hashes: list[str], name: str) -> str:
    """The Merkle root of section 9.1."""
    if not hashes:
        return hashlib.new(name, b"").hexdigest()
    level = [bytes.fromhex(one) for one in hashes]
    while len(level) & (len(level) - 1):
        level.append(bytes(len(level[0])))
    while len(level) > 1:
        level = [hashlib.new(name, left + right).digest() for left, right in zip(level[::2], level[1::2], strict=True)]
    return level[0].hex()


def named(group: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("vector", VECTORS[group], ids=[one["name"] for one in VECTORS[group]])


@named("merkle_sha256")
@rule("22-merkle-roots")
def test_22_merkle_root(vector: dict[str, Any]) -> None:
    """The arithmetic that the tests below rely on."""
    assert root(vector["leaves"], "sha256") == vector["root"]


def _setting(world: World) -> tuple[str, int]:
    """Hash and block size of the server."""
    if "setting" not in world.server.facts:
        answer = world.do(head("{shared}"))
        world.server.facts["setting"] = answer["X-Container-Block-Hash"], int(answer["X-Container-Block-Size"])
    found: tuple[str, int] = world.server.facts["setting"]
    return found


@named("blocks")
@rule("22-block-hashes")
def test_22_block(world: World, vector: dict[str, Any]) -> None:
    """A block sent to the server is stored under the hash of the table."""
    name, size = _setting(world)
    if name not in vector:
        pytest.skip(f"no vector for {name}")
    data = content(vector["data"])
    assert len(data) == vector["bytes"]
    assert hashlib.new(name, data.rstrip(b"\0")).hexdigest() == vector[name]
    if len(data) > size:
        pytest.skip(f"the server's blocks have {size} bytes")
    if len(data) > SMALL:
        # A server that knows the hash got it from such a block, and need not be sent it again.
        text = json.dumps({"bytes": len(data), "hashes": [vector[name]]})
        if world.do(put(f"{O}?hashmap&format=json", text).gives(201, 409)).status == 201:
            return
    if data:
        world.do(post("{shared}?update", data, Content_Type="application/octet-stream").gives(202, json=[vector[name]]))


@named("objects")
@rule("22-object-hashes", "22-hashmaps-as-read", "7.3-etag-is-the-root-or-the-md5")
def test_22_object(world: World, vector: dict[str, Any]) -> None:
    """Sent whole when it is small, by its blocks when not; root, size and hashmap are those of the table."""
    data = content(vector["data"])
    assert len(data) == vector["bytes"]
    size, name = vector["block_size"], vector["block_hash"]
    cut = [data[at : at + size] for at in range(0, len(data), size)]
    assert [hashlib.new(name, one.rstrip(b"\0")).hexdigest() for one in cut] == vector["hashes"]
    assert root(vector["hashes"], name) == vector["object_hash"]
    if (name, size) != _setting(world):
        return  # another setting than the server's: the arithmetic is all there is to see
    if len(data) <= SMALL:
        answer = world.do(put(O, data).gives(201))
    else:
        text = json.dumps({"bytes": len(data), "hashes": vector["hashes"]})
        answer = world.do(put(f"{O}?hashmap&format=json", text).gives(201, 409))
        if answer.status == 409:
            missing = answer.json()
            for block in {one.rstrip(b"\0"): one for one in cut}.values():
                if hashlib.new(name, block.rstrip(b"\0")).hexdigest() in missing:
                    world.do(post("{shared}?update", block, Content_Type="application/octet-stream").gives(202))
            answer = world.do(put(f"{O}?hashmap&format=json", text).gives(201))
    assert answer["ETag"] in (vector["object_hash"], vector["md5"]) or len(answer["ETag"]) == 32
    world.do(head(O).gives(200, X_Object_Hash=vector["object_hash"], Content_Length=str(len(data))))
    world.do(
        get(f"{O}?hashmap").gives(
            200, json=lambda value: (value["bytes"], value["hashes"]) == (len(data), vector["hashmap_get_hashes"])
        )
    )
    if len(data) <= SMALL:
        world.do(get(O).gives(200, body=data))
    else:
        world.do(get(O, Range=f"bytes={len(data) - 100}-").gives(206, body=data[-100:]))


@rule("22-abc-and-abc-with-nuls", "9.1-identity-is-root-and-size")
def test_22_identity_is_root_and_size(world: World) -> None:
    world.do(put(f"{C}/a", "abc"))
    world.do(put(f"{C}/b", b"abc\0\0\0"))
    one, two = world.do(get(f"{C}?format=json")).json()
    assert one["x_object_hash"] == two["x_object_hash"]
    assert (one["bytes"], two["bytes"]) == (3, 6)
