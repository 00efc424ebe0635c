"""Small blocks in the database: that the block store behaves as with files, and what is different."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sqlite3
import time
from collections.abc import AsyncIterator, Collection
from pathlib import Path
from typing import Any

import pytest

from pithosfs.blocks import block_hash
from pithosfs.localcloud.blockstore import KEEP_SECONDS, BlockStore, MissingBlock
from pithosfs.localcloud.database import Database
from pithosfs.localcloud.smallblocks import BATCH, LARGEST, READ_NOW, SmallBlocks

VECTORS = json.loads((Path(__file__).parents[1] / "data" / "vectors" / "hashmap.json").read_text())
MISSING = "0" * 64
LONG_AGO = int(time.time() - 2 * KEEP_SECONDS)


@contextlib.asynccontextmanager
async def opened(directory: Path) -> AsyncIterator[tuple[BlockStore, Database]]:
    database = Database(directory / "db")
    database.open()
    store = BlockStore(directory / "blocks", small=SmallBlocks(database))
    store.open()
    try:
        yield store, database
    finally:
        store.close()
        database.close()


def files(directory: Path) -> list[str]:
    return sorted(path.name for path in (directory / "blocks").glob("??/??/*"))


def rows(database: Database) -> dict[str, int]:
    """Name → when it was touched."""
    found = database.read_now(lambda one: one.execute("SELECT hash, touched FROM small_blocks").fetchall())
    return {digest.hex(): touched for digest, touched in found}


async def age(database: Database, *names: str) -> None:
    def run(connection: sqlite3.Connection) -> None:
        for name in names:
            connection.execute("UPDATE small_blocks SET touched = ? WHERE hash = ?", (LONG_AGO, bytes.fromhex(name)))

    await database.write(run)


@pytest.mark.parametrize("vector", [one for one in VECTORS["blocks"] if "sha256" in one], ids=lambda one: one["name"])
def test_vectors(tmp_path: Path, vector: dict[str, Any]) -> None:
    data = b"".join((bytes.fromhex(unit) * count)[:count] for unit, count in vector["data"])

    async def scenario() -> None:
        async with opened(tmp_path) as (store, database):
            name = await store.put(data)
            assert name == vector["sha256"]
            assert await store.exists([name]) == {name}
            assert await store.read(name, 0, len(data)) == data
            small = 0 < vector["stripped_bytes"] <= LARGEST
            assert (name in rows(database), name in files(tmp_path)) == (small, vector["stripped_bytes"] > LARGEST)

    asyncio.run(scenario())


@pytest.mark.parametrize("size", [1, 4000, LARGEST - 1, LARGEST, LARGEST + 1])
def test_a_reader_gets_as_many_bytes_as_it_wants(tmp_path: Path, size: int) -> None:
    data = os.urandom(size - 1) + b"!"

    async def scenario() -> None:
        async with opened(tmp_path) as (store, _):
            name = await store.put(data + bytes(5))
            half = size // 2
            for start, end in [(0, size), (0, size + 5), (half, half + 1), (size - 1, size), (size, size + 9)]:
                assert await store.read(name, start, end) == data[start:end].ljust(end - start, b"\0")
            assert await store.read(name, 0, 4 * 1024 * 1024) == data.ljust(4 * 1024 * 1024, b"\0")
            assert await store.read(name, 0, 0) == b""

    asyncio.run(scenario())


def test_what_is_not_there(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with opened(tmp_path) as (store, _):
            assert await store.exists([MISSING, "", "../../secret", "zz" * 32, "A" * 64, "ab"]) == set()
            assert await store.exists([]) == set()
            for name in (MISSING, "", "../../secret", "A" * 64):
                with pytest.raises(MissingBlock):
                    await store.read(name, 0, 3)

    asyncio.run(scenario())


def test_the_same_block_from_many_sides_and_many_blocks(tmp_path: Path) -> None:
    async def scenario() -> None:
        blocks = [os.urandom(60) + b"!" for _ in range(max(READ_NOW, BATCH) + 20)]
        async with opened(tmp_path) as (store, database):
            same = await asyncio.gather(*(store.put(b"same" + bytes(i)) for i in range(20)))
            assert set(same) == {block_hash(b"same")}
            names = await asyncio.gather(*(store.put(block) for block in blocks))
            big = await store.put(os.urandom(LARGEST) + b"!")
            assert len(rows(database)) == len(blocks) + 1
            assert files(tmp_path) == [big]
            assert await store.exists([*names, big, MISSING]) == {*names, big}
        async with opened(tmp_path) as (store, _):
            for name, block in zip(names, blocks, strict=True):
                assert await store.read(name, 0, len(block)) == block

    asyncio.run(scenario())


def test_small_blocks_that_are_files_stay_readable(tmp_path: Path) -> None:
    """As in a data directory from before there were rows."""

    async def scenario() -> None:
        before = BlockStore(tmp_path / "blocks")
        before.open()
        name = await before.put(b"block")
        before.close()
        async with opened(tmp_path) as (store, database):
            assert await store.read(name, 1, 4) == b"loc"
            assert await store.exists([name]) == {name}
            assert await store.put(b"block") == name
            await age(database, name)
            os.utime(store.path(name), (LONG_AGO, LONG_AGO))
            assert await store.read(name, 0, 5) == b"block"

            async def in_use(names: Collection[str]) -> set[str]:
                return set()

            assert await store.collect(in_use) == (2, 10)  # both of them
            assert await store.exists([name]) == set()

    asyncio.run(scenario())


def test_collect_removes_what_nobody_uses_and_nobody_asked_for_lately(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with opened(tmp_path) as (store, database):
            used, unused, fresh, wanted, put_again, added_again = [
                await store.put(text) for text in (b"used", b"unused", b"fresh", b"wanted", b"again", b"added")
            ]
            await age(database, used, unused, wanted, put_again, added_again)
            await store.exists([wanted])
            await store.put(b"again")
            block = store.small(bytearray(b"added"))
            assert block is not None
            await database.write(lambda connection: store.add_small(connection, block))
            asked: set[str] = set()

            async def in_use(names: Collection[str]) -> set[str]:
                asked.update(names)
                return {used} & set(names)

            assert await store.collect(in_use) == (1, len(b"unused"))
            assert asked == {used, unused}
            assert set(rows(database)) == {used, fresh, wanted, put_again, added_again}

    asyncio.run(scenario())


def test_a_block_that_is_wanted_again_while_collecting_stays(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with opened(tmp_path) as (store, database):
            name = await store.put(b"block")
            await age(database, name)

            async def in_use(names: Collection[str]) -> set[str]:
                # Between the question and the removal somebody sends a hashmap that names the block.
                assert await store.exists(names) == {name}
                return set()

            assert await store.collect(in_use) == (0, 0)
            assert await store.read(name, 0, 5) == b"block"

    asyncio.run(scenario())


def test_a_block_that_is_asked_for_often_is_written_once(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with opened(tmp_path) as (store, database):
            name = await store.put(b"block")
            before = rows(database)[name]
            await asyncio.sleep(1.1)
            await store.put(b"block")
            await store.exists([name])
            block = store.small(bytearray(b"block"))
            assert block is not None
            await database.write(lambda connection: store.add_small(connection, block))
            assert rows(database) == {name: before}

    asyncio.run(scenario())


def test_nothing_but_nuls_is_no_row(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with opened(tmp_path) as (store, database):
            block = store.small(bytearray(10))
            assert block is not None
            assert block.name == store.empty
            await database.write(lambda connection: store.add_small(connection, block))
            assert rows(database) == {}
            assert await store.read(block.name, 0, 10) == bytes(10)
            assert store.small(bytearray(LARGEST + 1)) is None

    asyncio.run(scenario())
