"""The block store: names, padding, the same block from several sides, full disks, kill -9, collecting."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Collection
from pathlib import Path
from typing import Any

import pytest

from pithosfs.blocks import block_hash
from pithosfs.localcloud.blockstore import INLINE_READ, KEEP_SECONDS, BlockStore, MissingBlock

VECTORS = json.loads((Path(__file__).parents[1] / "data" / "vectors" / "hashmap.json").read_text())
MISSING = "0" * 64


@contextlib.asynccontextmanager
async def opened(directory: Path, algorithm: str = "sha256") -> AsyncIterator[BlockStore]:
    store = BlockStore(directory, algorithm)
    store.open()
    try:
        yield store
    finally:
        store.close()


def expand(pieces: list[tuple[str, int]]) -> bytes:
    """The data of a vector: each pattern repeated and cut to its length."""
    data = b""
    for pattern, count in pieces:
        unit = bytes.fromhex(pattern)
        data += (unit * (count // len(unit) + 1))[:count]
    return data


def files(directory: Path) -> list[Path]:
    return sorted(path for path in directory.rglob("*") if path.is_file() and path.name != "in-use")


@pytest.mark.parametrize("algorithm", ["sha256", "sha1"])
@pytest.mark.parametrize("vector", VECTORS["blocks"], ids=lambda vector: vector["name"])
def test_vectors(tmp_path: Path, vector: dict[str, Any], algorithm: str) -> None:
    if algorithm not in vector:
        pytest.skip("the vector has no hash of that kind")
    data = expand(vector["data"])

    async def scenario() -> None:
        async with opened(tmp_path / "blocks", algorithm) as store:
            name = await store.put(data)
            assert name == vector[algorithm]
            assert await store.exists([name]) == {name}
            assert await store.read(name, 0, len(data)) == data
            if vector["stripped_bytes"]:
                assert store.path(name).stat().st_size == vector["stripped_bytes"]

    asyncio.run(scenario())


def test_a_reader_gets_as_many_bytes_as_it_wants(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with opened(tmp_path / "blocks") as store:
            name = await store.put(b"hello\0world\0\0\0")
            assert await store.read(name, 0, 11) == b"hello\0world"
            assert await store.read(name, 6, 9) == b"wor"
            assert await store.read(name, 9, 14) == b"ld\0\0\0"
            assert await store.read(name, 100, 103) == b"\0\0\0"
            assert await store.read(name, 4, 4) == b""
            assert await store.read(name, 0, 2 * INLINE_READ) == b"hello\0world".ljust(2 * INLINE_READ, b"\0")
            assert await store.read(store.empty, 5, 9) == b"\0\0\0\0"

    asyncio.run(scenario())


@pytest.mark.parametrize("size", [INLINE_READ - 1, INLINE_READ, INLINE_READ + 1, 4 * 1024 * 1024])
def test_ranges_of_a_block_that_is_not_in_memory(tmp_path: Path, size: int) -> None:
    data = os.urandom(size - 1) + b"!"

    async def scenario() -> None:
        async with opened(tmp_path / "blocks") as store:
            name = await store.put(bytearray(data))
            descriptor = os.open(store.path(name), os.O_RDONLY)
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(descriptor)
            for start, end in [(size - 5000, size - 100), (0, size), (size - 1, size + 4), (size // 2, size // 2 + 1)]:
                assert await store.read(name, start, end) == data[start:end].ljust(end - start, b"\0")

    asyncio.run(scenario())


def test_what_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")

    async def scenario() -> None:
        async with opened(tmp_path / "blocks") as store:
            assert await store.exists([MISSING, "", "../../secret", "/etc/passwd", "zz" * 32]) == set()
            for name in (MISSING, "", "../../secret", "A" * 64):
                for length in (3, 2 * INLINE_READ):
                    with pytest.raises(MissingBlock):
                        await store.read(name, 0, length)

    asyncio.run(scenario())


def test_the_same_block_is_written_once(tmp_path: Path) -> None:
    data = os.urandom(300_000)

    async def scenario() -> None:
        async with opened(tmp_path / "blocks") as store:
            found = await asyncio.gather(*(store.put(data + bytes(i)) for i in range(20)))
            assert set(found) == {block_hash(data)}
            before = store.path(found[0]).stat()
            await store.put(data)
            assert store.path(found[0]).stat().st_ino == before.st_ino
            assert [path.name for path in files(tmp_path / "blocks")] == [found[0]]

    asyncio.run(scenario())


def test_many_blocks_at_once(tmp_path: Path) -> None:
    async def scenario() -> None:
        blocks = [os.urandom(size) for size in range(1, 300)]
        async with opened(tmp_path / "blocks") as store:
            found = await asyncio.gather(*(store.put(block) for block in blocks))
            assert await store.exists([*found, MISSING]) == set(found)
        async with opened(tmp_path / "blocks") as store:
            for name, block in zip(found, blocks, strict=True):
                assert await store.read(name, 0, len(block)) == block

    asyncio.run(scenario())


def test_a_caller_that_gives_up_does_not_disturb_the_others(tmp_path: Path) -> None:
    data = os.urandom(1_000_000)

    async def scenario() -> None:
        async with opened(tmp_path / "blocks") as store:
            puts = [asyncio.ensure_future(store.put(data)) for _ in range(5)]
            await asyncio.sleep(0)
            puts[0].cancel()
            outcomes = await asyncio.gather(*puts, return_exceptions=True)
            assert isinstance(outcomes[0], asyncio.CancelledError)
            assert outcomes[1:] == [block_hash(data)] * 4
            assert await store.put(data) == block_hash(data)
            assert await store.read(block_hash(data), 0, len(data)) == data

    asyncio.run(scenario())


LIMITED = """
import asyncio, resource, sys
from pathlib import Path
from pithosfs.localcloud.blockstore import BlockStore

async def main():
    store = BlockStore(Path(sys.argv[1]))
    store.open()
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
    outcomes = await asyncio.gather(
        *(store.put(bytes([65 + i % 2]) * 200_000) for i in range(6)), return_exceptions=True
    )
    assert all(isinstance(one, OSError) for one in outcomes), outcomes
    assert await store.exists([await store.put(b"small")])
    store.close()

asyncio.run(main())
"""


def test_a_disk_that_takes_no_more_leaves_nothing_behind(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", LIMITED, str(tmp_path / "blocks")], check=True)
    assert [path.name for path in files(tmp_path / "blocks")] == [block_hash(b"small")]


# kill -9 --------------------------------------------------------------------------------------------------------------

WRITER = """
import asyncio, sys
from pathlib import Path
from pithosfs.localcloud.blockstore import BlockStore

async def main():
    store = BlockStore(Path(sys.argv[1]))
    store.open()

    async def forever(worker):
        i = 0
        while True:
            print(await store.put(f"{worker} {i} ".encode() * 20_000), flush=True)
            i += 1

    await asyncio.gather(*(forever(worker) for worker in range(8)))

asyncio.run(main())
"""


@pytest.mark.parametrize("answers", [1, 100])
def test_kill_9_loses_no_block_and_leaves_no_half(tmp_path: Path, answers: int) -> None:
    directory = tmp_path / "blocks"
    answered: list[str] = []
    with subprocess.Popen([sys.executable, "-c", WRITER, str(directory)], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        for line in writer.stdout:
            answered.append(line.rstrip("\n"))
            if len(answered) == answers:
                os.kill(writer.pid, signal.SIGKILL)
                break
        answered += [line.rstrip("\n") for line in writer.stdout if line.endswith("\n")]
    assert (directory / "in-use").exists()

    async def scenario() -> None:
        async with opened(directory) as store:
            assert await store.exists(answered) == set(answered)
            for path in files(directory):
                assert block_hash(path.read_bytes()) == path.name
                assert path == store.path(path.name)
        assert not (directory / "in-use").exists()

    asyncio.run(scenario())


def test_leftovers_of_a_crash_are_removed(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with opened(tmp_path / "blocks") as store:
            name = await store.put(b"kept")
        (tmp_path / "blocks" / "tmp" / "7-half").write_bytes(b"half a block")
        async with opened(tmp_path / "blocks") as store:
            assert await store.read(name, 0, 4) == b"kept"
        assert [path.name for path in files(tmp_path / "blocks")] == [name]

    asyncio.run(scenario())


# collecting -----------------------------------------------------------------------------------------------------------


def test_collect_removes_what_nobody_uses_and_nobody_asked_for_lately(tmp_path: Path) -> None:
    long_ago = time.time() - 2 * KEEP_SECONDS

    async def scenario() -> None:
        async with opened(tmp_path / "blocks") as store:
            used, unused, fresh, wanted, put_again = [
                await store.put(text) for text in (b"used", b"unused", b"fresh", b"wanted", b"put again")
            ]
            for name in (used, unused, wanted, put_again):
                os.utime(store.path(name), (long_ago, long_ago))
            await store.exists([wanted])
            await store.put(b"put again")
            asked: set[str] = set()

            async def in_use(names: Collection[str]) -> set[str]:
                asked.update(names)
                return {used} & set(names)

            assert await store.collect(in_use) == (1, len(b"unused"))
            assert asked == {used, unused}
            assert await store.exists([used, unused, fresh, wanted, put_again]) == {used, fresh, wanted, put_again}

    asyncio.run(scenario())


def test_a_block_that_is_wanted_again_while_collecting_stays(tmp_path: Path) -> None:
    long_ago = time.time() - 2 * KEEP_SECONDS

    async def scenario() -> None:
        async with opened(tmp_path / "blocks") as store:
            name = await store.put(b"block")
            os.utime(store.path(name), (long_ago, long_ago))

            async def in_use(names: Collection[str]) -> set[str]:
                # Between the question and the removal somebody sends a hashmap that names the block.
                assert await store.exists(names) == {name}
                return set()

            assert await store.collect(in_use) == (0, 0)
            assert await store.read(name, 0, 5) == b"block"

    asyncio.run(scenario())
