"""Reading versions: what is fetched, how much, what is believed."""

from __future__ import annotations

import errno
import io
import random
import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from fixtures.clouds import TestCloud, User
from fixtures.proxy import Answer, CutBody, FaultProxy, ReplaceBody
from fixtures.writeback import BLOCK, CLOUD, WriteBack, noise

from pithosfs.blocks import Hashmap, hash_stream
from pithosfs.errors import BadReply, PithosfsError
from pithosfs.mount.reader import RANGE, Reader
from pithosfs.store import ObjectInfo
from pithosfs.store.pithos import open_store


@pytest.fixture(scope="module")
def user(cloud: TestCloud) -> User:
    return cloud.user("reader")


@pytest.fixture
def wire(proxy: Callable[[TestCloud], FaultProxy], cloud: TestCloud) -> FaultProxy:
    return proxy(cloud)


@pytest.fixture
def bench(user: User, wire: FaultProxy, tmp_path: Path) -> Iterator[WriteBack]:
    store = open_store(user.cloud(through=wire))
    made = WriteBack(store, tmp_path)
    store.container(made.container)  # asked for once: not part of what is counted
    wire.forget()
    yield made
    made.close()
    store.close()


def gets(wire: FaultProxy) -> list[str]:
    return [line for line in wire.request_lines() if line.startswith("GET") and "hashmap" not in line]


def asked(wire: FaultProxy, pattern: str) -> int:
    return sum(bool(re.search(pattern, line)) for line in wire.request_lines())


def object_of(bench: WriteBack, wire: FaultProxy, data: bytes, name: str = "a") -> ObjectInfo:
    info = bench.put(name, data)
    bench.store.container(bench.container)
    wire.forget()
    return info


def read_on(reader: Reader, size: int, piece: int = 1 << 17) -> bytes:
    return b"".join(reader.read(offset, piece) for offset in range(0, size, piece))


def test_a_small_file_is_one_request(bench: WriteBack, wire: FaultProxy) -> None:
    data = noise(200_000)
    reader = bench.reader("a", object_of(bench, wire, data))
    reader.read(0, 1)
    assert read_on(reader, len(data)) == data
    assert reader.read(199_999, 100) == data[-1:]
    assert reader.read(200_000, 100) == b""
    # The block format of the container is asked for once a store.
    assert len(gets(wire)) == 1
    assert asked(wire, "hashmap") == 0
    wire.forget()
    again = bench.reader("a", bench.store.head(bench.path("a")))
    assert read_on(again, len(data)) == data
    assert gets(wire) == []


def test_an_empty_file_is_no_request(bench: WriteBack, wire: FaultProxy) -> None:
    reader = bench.reader("a", object_of(bench, wire, b""))
    assert reader.read(0, 100) == b""
    assert wire.request_lines() == []
    assert reader.hashmap() == Hashmap(0, ())


def test_a_sequential_reader_gets_blocks_ahead(bench: WriteBack, wire: FaultProxy) -> None:
    data = noise(9 * BLOCK + 1000)
    reader = bench.reader("a", object_of(bench, wire, data))
    assert read_on(reader, len(data)) == data
    # Ten blocks, and the first range, before it was clear that somebody reads on.
    assert len(gets(wire)) <= 12
    assert bench.cache.has(reader.hashmap().hashes) == set(reader.hashmap().hashes)
    wire.forget()
    bench.pool.shutdown()
    bench.pool = ThreadPoolExecutor(8)
    assert read_on(bench.reader("a", bench.store.head(bench.path("a"))), len(data)) == data
    assert gets(wire) == []


def test_a_reader_that_jumps_gets_small_ranges(bench: WriteBack, wire: FaultProxy) -> None:
    data = noise(8 * BLOCK)
    reader = bench.reader("a", object_of(bench, wire, data))
    for index in range(8):
        offset = index * BLOCK + 1_000_000
        assert reader.read(offset, 4096) == data[offset : offset + 4096]
    assert len(gets(wire)) == 8
    assert wire.received < 8 * RANGE + 100_000
    wire.forget()
    assert reader.read(1_000_100, 4000) == data[1_000_100:1_004_100]
    assert gets(wire) == []


def test_half_of_a_block_in_ranges_brings_it_whole(bench: WriteBack, wire: FaultProxy) -> None:
    data = noise(2 * BLOCK)
    reader = bench.reader("a", object_of(bench, wire, data))
    offsets = [number * RANGE + 10 for number in range(16)]
    random.Random(1).shuffle(offsets)
    for offset in offsets:
        assert reader.read(offset, 100) == data[offset : offset + 100]
    assert len(gets(wire)) <= 8
    assert bench.cache.has(reader.hashmap().hashes[:1])


def test_a_range_across_blocks_and_ranges(bench: WriteBack, wire: FaultProxy) -> None:
    data = noise(3 * BLOCK)
    reader = bench.reader("a", object_of(bench, wire, data))
    for offset, size in ((BLOCK - 5, 10), (RANGE - 5, 10), (BLOCK + 3 * RANGE - 1, 2), (2 * BLOCK - 1, 1), (0, 1)):
        assert reader.read(offset, size) == data[offset : offset + size]
    assert reader.read(BLOCK - 3, BLOCK + 6) == data[BLOCK - 3 : 2 * BLOCK + 3]


def test_many_readers_of_one_block_share_one_fetch(bench: WriteBack, wire: FaultProxy) -> None:
    data = noise(BLOCK)
    info = object_of(bench, wire, data)
    readers = [bench.reader("a", info) for _ in range(3)]
    wire.delay = 0.2
    together = threading.Barrier(9)
    seen: list[bytes] = []

    def read(reader: Reader) -> None:
        together.wait()
        seen.append(reader.block(0))

    threads = [threading.Thread(target=read, args=(readers[number % 3],)) for number in range(9)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert seen == [data] * 9
    assert len(gets(wire)) <= 3  # one a reader at most: blocks that end an object are not shared between objects


def test_a_hole_costs_nothing(bench: WriteBack, wire: FaultProxy) -> None:
    data = bytes(3 * BLOCK) + b"end"
    reader = bench.reader("a", object_of(bench, wire, data))
    assert reader.read(BLOCK, BLOCK) == bytes(BLOCK)
    assert gets(wire) == []
    assert reader.read(3 * BLOCK - 2, 10) == b"\0\0end"


@pytest.mark.parametrize("size", [300_000, BLOCK + 300_000])
def test_damage_on_the_way_is_never_handed_on(bench: WriteBack, wire: FaultProxy, size: int) -> None:
    data = noise(size)
    reader = bench.reader("a", object_of(bench, wire, data), None)
    whole = bench.reader("a", bench.store.head(bench.path("a")))
    whole.hashmap()
    wire.when("GET .*version=", ReplaceBody(), times=1)
    for index in range(len(whole.hashmap().hashes)):
        assert whole.block(index) == data[index * BLOCK :][:BLOCK]
    wire.when("GET .*version=", ReplaceBody())
    fresh = Reader(
        bench.store,
        bench.cache,
        bench.path("a"),
        reader.version,
        reader.size,
        whole.hashmap(),
        bench.pool,
        cloud_key=CLOUD,
    )
    assert fresh.block(0) == data[:BLOCK]  # it is in the cache


def test_constant_damage_is_an_error(bench: WriteBack, wire: FaultProxy) -> None:
    data = noise(BLOCK + 5000)
    reader = bench.reader("a", object_of(bench, wire, data))
    reader.hashmap()
    wire.when("GET .*version=", ReplaceBody())
    for index in (0, 1):
        with pytest.raises(BadReply):
            reader.block(index)
    wire.restore()
    assert reader.block(1) == data[BLOCK:]


@pytest.mark.parametrize("fault", [Answer(503), CutBody(1000)])
def test_passing_trouble_is_outlived(bench: WriteBack, wire: FaultProxy, fault: Answer | CutBody) -> None:
    data = noise(BLOCK + 5000)
    reader = bench.reader("a", object_of(bench, wire, data))
    wire.when("GET", fault, times=2)
    assert read_on(reader, len(data)) == data


def test_without_a_connection_cached_blocks_are_still_read(bench: WriteBack, wire: FaultProxy) -> None:
    data = noise(2 * BLOCK)
    reader = bench.reader("a", object_of(bench, wire, data))
    reader.block(0)
    wire.when("GET", Answer(500))
    assert reader.read(100, 1000) == data[100:1100]
    with pytest.raises(PithosfsError):
        reader.block(1)


def test_a_last_block_whose_hash_covers_more_is_accepted_and_not_cached(bench: WriteBack, wire: FaultProxy) -> None:
    """object-store.md section 20, row 7."""
    data = noise(BLOCK + 5000)
    info = object_of(bench, wire, data[: BLOCK + 1000])
    hidden = hash_stream(io.BytesIO(data))
    hashmap = Hashmap(BLOCK + 1000, hidden.hashes)
    reader = bench.reader("a", info, hashmap)
    assert reader.block(1) == data[BLOCK : BLOCK + 1000]
    assert reader.read(BLOCK - 10, 5000) == data[BLOCK - 10 : BLOCK + 1000]
    assert bench.cache.has([hidden.hashes[1]]) == set()
    # Whoever has an object with the whole block gets the whole block.
    other = bench.reader("b", object_of(bench, wire, data, "b"), hidden)
    assert other.block(1) == data[BLOCK:]
    assert reader.block(1) == data[BLOCK : BLOCK + 1000]


def test_a_middle_block_that_does_not_fit_is_never_accepted(bench: WriteBack, wire: FaultProxy) -> None:
    data = noise(2 * BLOCK)
    info = object_of(bench, wire, data)
    wrong = Hashmap(2 * BLOCK, hash_stream(io.BytesIO(noise(2 * BLOCK, "other"))).hashes)
    reader = bench.reader("a", info, wrong)
    with pytest.raises(BadReply):
        reader.block(0)


def test_a_version_that_is_gone_is_stale(bench: WriteBack, wire: FaultProxy) -> None:
    bench.store.set_policy(bench.container, {"versioning": "none"})
    info = object_of(bench, wire, noise(BLOCK + 10))
    reader = bench.reader("a", info)
    reader.hashmap()
    bench.put("a", noise(BLOCK + 10, "other"))
    with pytest.raises(OSError) as caught:
        reader.read(0, 10)
    assert caught.value.errno == errno.ESTALE


def test_a_version_that_is_gone_is_no_matter_when_the_content_is_the_same(bench: WriteBack, wire: FaultProxy) -> None:
    bench.store.set_policy(bench.container, {"versioning": "none"})
    data = noise(BLOCK + 10)
    reader = bench.reader("a", object_of(bench, wire, data))
    now = bench.put("a", data)
    assert read_on(reader, len(data)) == data
    assert reader.version == now.version


def test_a_manifest_is_read_without_hashes(bench: WriteBack, user: User) -> None:
    import requests

    bench.put("parts/1", noise(BLOCK, "1"))
    bench.put("parts/2", noise(BLOCK, "2"))
    headers = {
        "X-Auth-Token": user.token, "Content-Type": "x/y", "X-Object-Manifest": f"{bench.container}/parts/",
    }  # fmt: skip
    reply = requests.put(f"{user.storage_url}/{bench.container}/all", headers=headers, timeout=30)
    assert reply.status_code == 201
    info = bench.store.head(bench.path("all"))
    if info.size == 0:
        pytest.skip("this cloud shows a manifest as its own, empty content")
    reader = bench.reader("all", info)
    assert read_on(reader, info.size) == noise(BLOCK, "1") + noise(BLOCK, "2")
    with pytest.raises(OSError) as caught:
        reader.hashmap()
    assert caught.value.errno == errno.EOPNOTSUPP


def test_random_reads_against_the_data(bench: WriteBack, wire: FaultProxy) -> None:
    data = noise(3 * BLOCK + 12_345)
    reader = bench.reader("a", object_of(bench, wire, data))
    failures: list[tuple[int, int]] = []

    def work(seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(60):
            offset = chance.randrange(len(data) + 100)
            size = chance.choice([1, 100, 4096, 131_072, 1_000_000])
            for _ in range(chance.choice([1, 1, 4])):
                if reader.read(offset, size) != data[offset : offset + size]:
                    failures.append((offset, size))
                offset += size

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert failures == []


def test_a_cache_that_refuses_everything_is_done_without(user: User, tmp_path: Path) -> None:
    bench = WriteBack(user.store, tmp_path, cache_limit=0)
    try:
        data = noise(3 * BLOCK)
        reader = bench.reader("a", bench.put("a", data))
        assert read_on(reader, len(data)) == data
    finally:
        bench.close()
