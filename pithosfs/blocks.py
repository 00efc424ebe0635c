"""Block hashing, hashmaps and the Merkle root: the arithmetic that client and server share.

Source: object-store.md section 9.1. An object is cut into blocks of `block_size` bytes, the last may be shorter. The
hash of a block leaves out its trailing NUL bytes, so a hash alone does not give a length, and the identity of a
content is the pair (root, size).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

__all__ = [
    "DEFAULT_BLOCK_HASH",
    "DEFAULT_BLOCK_SIZE",
    "Hashmap",
    "block_count",
    "block_hash",
    "hash_stream",
    "merkle_root",
    "read_blocks",
    "strip_block",
]

DEFAULT_BLOCK_SIZE = 4 * 1024 * 1024
DEFAULT_BLOCK_HASH = "sha256"


_NULS = bytes(64 * 1024)


def strip_block(data: bytes | bytearray | memoryview) -> bytes:
    """The block without its trailing NUL bytes: what is hashed and what is stored."""
    block = bytes(data)
    end = len(block)
    if end >= len(_NULS) and not block[-1]:
        # Comparing is a hundred times as fast as stripping: blocks of sparse files are NULs from end to end.
        view = memoryview(block)
        while end >= len(_NULS) and view[end - len(_NULS) : end] == _NULS:
            end -= len(_NULS)
        block = block[:end]
    return block.rstrip(b"\0")


def block_hash(data: bytes | bytearray | memoryview, algorithm: str = DEFAULT_BLOCK_HASH) -> str:
    """The name of a block: lower-case hex hash of its bytes without the trailing NULs."""
    return hashlib.new(algorithm, strip_block(data)).hexdigest()


def block_count(size: int, block_size: int = DEFAULT_BLOCK_SIZE) -> int:
    """How many blocks an object of `size` bytes has; an empty one has none."""
    return -(-size // block_size)


def merkle_root(hashes: Sequence[str], algorithm: str = DEFAULT_BLOCK_HASH) -> str:
    """The object hash over block hashes.

    No block: the hash of nothing. One block: its own hash. More: a binary tree over the digests, filled up with
    all-zero digests to the next power of two.
    """
    if not hashes:
        return hashlib.new(algorithm, b"").hexdigest()
    if len(hashes) == 1:
        return hashes[0]
    level = [bytes.fromhex(one) for one in hashes]
    width = 1 << (len(level) - 1).bit_length()
    level += [bytes(len(level[0]))] * (width - len(level))
    while len(level) > 1:
        level = [hashlib.new(algorithm, level[i] + level[i + 1]).digest() for i in range(0, len(level), 2)]
    return level[0].hex()


@dataclass(frozen=True, slots=True)
class Hashmap:
    """The content of one object version: its size in bytes and the hash of each block, in order.

    Invariant: `len(hashes) == block_count(size, block_size)`; an empty object has no hash (the wire shows one, the
    hash of nothing; `from_wire` drops it).
    """

    size: int
    hashes: tuple[str, ...]
    block_size: int = DEFAULT_BLOCK_SIZE
    algorithm: str = DEFAULT_BLOCK_HASH

    def __post_init__(self) -> None:
        if self.size < 0 or len(self.hashes) != block_count(self.size, self.block_size):
            raise ValueError(f"{len(self.hashes)} hashes do not make {self.size} bytes in blocks of {self.block_size}")

    @classmethod
    def from_wire(cls, reply: dict[str, object]) -> Hashmap:
        """From the JSON of `GET ?hashmap` (object-store.md section 9.2). Raises ValueError on anything malformed."""
        try:
            size, hashes = reply["bytes"], reply["hashes"]
            block_size, algorithm = reply["block_size"], reply["block_hash"]
        except (KeyError, TypeError) as missing:
            raise ValueError(f"not a hashmap: {missing}") from None
        if (
            not isinstance(size, int)
            or not isinstance(block_size, int)
            or block_size <= 0
            or not isinstance(algorithm, str)
            or not isinstance(hashes, list)
            or not all(isinstance(one, str) for one in hashes)
        ):
            raise ValueError("not a hashmap: wrong types")
        if algorithm not in hashlib.algorithms_available:
            raise ValueError(f"unknown block hash {algorithm!r}")
        return cls(size, () if size == 0 else tuple(one.lower() for one in hashes), block_size, algorithm)

    @property
    def root(self) -> str:
        """The object hash (`X-Object-Hash`)."""
        return merkle_root(self.hashes, self.algorithm)

    def block_length(self, index: int) -> int:
        """The visible length of block `index`: the block size, less for the last one."""
        return min(self.block_size, self.size - index * self.block_size)

    def indexes(self, start: int, end: int) -> range:
        """The blocks that hold bytes `start` (included) to `end` (excluded), clipped to the object."""
        end = min(end, self.size)
        if start >= end:
            return range(0)
        return range(start // self.block_size, (end - 1) // self.block_size + 1)


def read_blocks(stream: BinaryIO, block_size: int) -> Iterator[bytes]:
    """The blocks of a stream, each full but the last."""
    while True:
        block = bytearray()
        while len(block) < block_size and (piece := stream.read(block_size - len(block))):
            block += piece
        if block:
            yield bytes(block)
        if len(block) < block_size:
            return


def hash_stream(stream: BinaryIO, block_size: int = DEFAULT_BLOCK_SIZE, algorithm: str = DEFAULT_BLOCK_HASH) -> Hashmap:
    """The hashmap of everything a stream holds, read once, one block in memory at a time."""
    hashes: list[str] = []
    size = 0
    for block in read_blocks(stream, block_size):
        hashes.append(block_hash(block, algorithm))
        size += len(block)
    return Hashmap(size, tuple(hashes), block_size, algorithm)
