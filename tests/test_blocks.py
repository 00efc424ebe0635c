"""The block arithmetic against the published vectors, and against its own laws."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pithosfs.blocks import (
    Hashmap,
    block_count,
    block_hash,
    hash_stream,
    merkle_root,
    read_blocks,
    strip_block,
)

VECTORS: dict[str, Any] = json.loads((Path(__file__).parent / "data/vectors/hashmap.json").read_text())


def content(description: list[list[Any]]) -> bytes:
    """The bytes of a vector: each hex pattern repeated and cut to its count, joined."""
    pieces = []
    for pattern, count in description:
        unit = bytes.fromhex(pattern)
        pieces.append((unit * (count // len(unit) + 1))[:count] if count else b"")
    return b"".join(pieces)


@pytest.mark.parametrize("vector", VECTORS["blocks"], ids=lambda vector: vector["name"])
def test_block_vector(vector: dict[str, Any]) -> None:
    data = content(vector["data"])
    assert len(data) == vector["bytes"]
    assert len(strip_block(data)) == vector["stripped_bytes"]
    assert block_hash(data, "sha256") == vector["sha256"]
    assert block_hash(memoryview(data), "sha1") == vector["sha1"]


@pytest.mark.parametrize("vector", VECTORS["merkle_sha256"], ids=lambda vector: vector["name"])
def test_merkle_vector(vector: dict[str, Any]) -> None:
    assert merkle_root(vector["leaves"]) == vector["root"]


@pytest.mark.parametrize("vector", VECTORS["objects"], ids=lambda vector: vector["name"])
def test_object_vector(vector: dict[str, Any]) -> None:
    data = content(vector["data"])
    hashmap = hash_stream(io.BytesIO(data), vector["block_size"], vector["block_hash"])
    assert hashmap.size == vector["bytes"] == len(data)
    assert list(hashmap.hashes) == vector["hashes"]
    assert hashmap.root == vector["object_hash"]
    assert hashlib.md5(data).hexdigest() == vector["md5"]


@pytest.mark.parametrize("vector", VECTORS["objects"], ids=lambda vector: vector["name"])
def test_object_vector_as_the_server_shows_it(vector: dict[str, Any]) -> None:
    shown = {
        "bytes": vector["bytes"],
        "block_size": vector["block_size"],
        "block_hash": vector["block_hash"],
        "hashes": vector["hashmap_get_hashes"],
    }
    assert Hashmap.from_wire(shown).root == vector["object_hash"]


def test_empty_hashes() -> None:
    for algorithm, expected in VECTORS["empty_hash"].items():
        assert merkle_root([], algorithm) == block_hash(b"\0\0", algorithm) == expected


@pytest.mark.parametrize(
    "change",
    [
        {"bytes": -1},
        {"bytes": "4"},
        {"bytes": 5},
        {"hashes": "ab"},
        {"hashes": [1]},
        {"hashes": []},
        {"block_size": 0},
        {"block_size": None},
        {"block_hash": "rot13"},
        {"block_hash": 7},
    ],
    ids=str,
)
def test_malformed_hashmaps_are_refused(change: dict[str, object]) -> None:
    good: dict[str, object] = {"bytes": 4, "block_size": 4, "block_hash": "sha256", "hashes": ["ab" * 32]}
    assert Hashmap.from_wire(good).hashes == ("ab" * 32,)
    with pytest.raises(ValueError):
        Hashmap.from_wire(good | change)
    for key in good:
        with pytest.raises(ValueError):
            Hashmap.from_wire({name: value for name, value in good.items() if name != key})


def test_upper_case_hashes_are_made_lower() -> None:
    shown: dict[str, object] = {"bytes": 1, "block_size": 4, "block_hash": "sha256", "hashes": ["AB" * 32]}
    assert Hashmap.from_wire(shown).hashes == ("ab" * 32,)


class _Dribble(io.RawIOBase):
    """A stream that gives a few bytes at a time, as sockets and pipes do."""

    def __init__(self, data: bytes, sizes: list[int]) -> None:
        self._data = data
        self._sizes = sizes

    def read(self, size: int = -1, /) -> bytes:
        take = min(size, self._sizes.pop() if self._sizes else size)
        piece, self._data = self._data[:take], self._data[take:]
        return piece


@given(st.binary(max_size=200), st.integers(1, 17), st.lists(st.integers(1, 9), max_size=40))
def test_blocks_are_full_but_the_last(data: bytes, block_size: int, sizes: list[int]) -> None:
    blocks = list(read_blocks(_Dribble(data, sizes), block_size))  # type: ignore[arg-type]
    assert b"".join(blocks) == data
    assert len(blocks) == block_count(len(data), block_size)
    assert all(len(block) == block_size for block in blocks[:-1])


@given(st.binary(max_size=64), st.integers(0, 20))
def test_trailing_nuls_change_no_hash_and_inner_ones_do(data: bytes, nuls: int) -> None:
    assert block_hash(data + bytes(nuls)) == block_hash(data)
    assert block_hash(data + bytes(nuls) + b"x") != block_hash(data)


@given(st.binary(max_size=120), st.integers(1, 16))
def test_hashmap_laws(data: bytes, block_size: int) -> None:
    hashmap = hash_stream(io.BytesIO(data), block_size)
    assert sum(hashmap.block_length(index) for index in range(len(hashmap.hashes))) == len(data)
    for index, name in enumerate(hashmap.hashes):
        start = index * block_size
        assert block_hash(data[start : start + hashmap.block_length(index)]) == name
    wire = {"bytes": hashmap.size, "block_size": block_size, "block_hash": "sha256", "hashes": list(hashmap.hashes)}
    assert Hashmap.from_wire(wire) == hashmap


@given(st.integers(0, 100), st.integers(1, 16), st.integers(0, 120), st.integers(0, 120))
def test_indexes_are_the_blocks_of_a_range(size: int, block_size: int, start: int, end: int) -> None:
    hashmap = Hashmap(size, ("00",) * block_count(size, block_size), block_size)
    touched = {offset // block_size for offset in range(start, min(end, size))}
    assert set(hashmap.indexes(start, end)) == touched


@given(st.lists(st.binary(min_size=32, max_size=32), max_size=20))
def test_merkle_root_pads_with_nul_digests_to_a_power_of_two(leaves: list[bytes]) -> None:
    names = [leaf.hex() for leaf in leaves]
    padded = list(names)
    while len(padded) > 1 and len(padded) & (len(padded) - 1):
        padded.append("00" * 32)
    assert merkle_root(names) == merkle_root(padded)


@pytest.mark.parametrize(("size", "hashes"), [(-1, ()), (0, ("00",)), (1, ()), (5, ("00",))])
def test_a_hashmap_has_as_many_hashes_as_blocks(size: int, hashes: tuple[str, ...]) -> None:
    with pytest.raises(ValueError):
        Hashmap(size, hashes, 4)


def independent_root(data: bytes, block_size: int) -> str:
    """The Merkle root of section 9.1 from the top down: the two halves of the padded row of leaves."""
    leaves = [
        hashlib.sha256(data[at : at + block_size].rstrip(b"\0")).digest() for at in range(0, len(data), block_size)
    ]
    width = 1
    while width < len(leaves):
        width *= 2

    def below(start: int, count: int) -> bytes:
        if count == 1:
            return leaves[start] if start < len(leaves) else bytes(32)
        half = count // 2
        return hashlib.sha256(below(start, half) + below(start + half, half)).digest()

    return below(0, width).hex() if leaves else hashlib.sha256(b"").hexdigest()


@given(st.lists(st.binary(max_size=9) | st.integers(0, 40).map(bytes), max_size=12).map(b"".join), st.integers(1, 9))
def test_roots_against_another_arithmetic(data: bytes, block_size: int) -> None:
    hashmap = hash_stream(io.BytesIO(data), block_size)
    assert hashmap.root == independent_root(data, block_size)
    assert len(hashmap.hashes) == -(-len(data) // block_size)
