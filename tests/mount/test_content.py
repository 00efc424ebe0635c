"""The bytes of open files: copy on write over a version on the server, drafts, sealing."""

from __future__ import annotations

import ctypes
import errno
import io
import itertools
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from fixtures.clouds import TestCloud, User
from fixtures.writeback import BLOCK, CLOUD, WriteBack, noise
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from pithosfs.blocks import Hashmap, block_count, hash_stream
from pithosfs.mount.content import MAX_BLOCKS, Content, Origin
from pithosfs.mount.staging import empty_block_name
from pithosfs.store import ObjectPath

SMALL = 16  # bytes a block: the server does not mind in what pieces a version is read


@pytest.fixture(scope="module")
def user(cloud: TestCloud) -> User:
    return cloud.user("content")


@pytest.fixture
def bench(user: User, tmp_path: Path) -> Iterator[WriteBack]:
    made = WriteBack(user.store, tmp_path)
    yield made
    for one in made.contents:
        one.discard()
    wrong = made.journal.check(made.staging)
    made.close()
    assert wrong == []


def hashed(data: bytes, block_size: int) -> Hashmap:
    return hash_stream(io.BytesIO(data), block_size)


def over(bench: WriteBack, data: bytes, block_size: int = SMALL) -> Content:
    """A content over an object that holds `data`."""
    info = bench.put("origin", data)
    hashmap = hashed(data, block_size)
    return bench.content(hashmap, Origin(bench.path("origin"), info.version, hashmap))


def whole(content: Content) -> bytes:
    return content.read(0, content.size + 10)


# reading and writing --------------------------------------------------------------------------------------------------


def test_a_new_content_holds_what_was_written(bench: WriteBack) -> None:
    content = bench.content(block_size=SMALL)
    assert (content.size, content.dirty, whole(content)) == (0, False, b"")
    assert content.write(0, b"hello") == 5
    assert content.write(40, b"world") == 5
    assert (content.size, content.dirty) == (45, True)
    assert whole(content) == b"hello" + bytes(35) + b"world"
    assert content.read(3, 4) == b"lo\0\0"
    assert content.read(44, 10) == b"d"
    assert content.read(45, 10) == b""
    assert content.read(1000, 10) == b""


def test_nothing_is_written_by_an_empty_write(bench: WriteBack) -> None:
    content = bench.content(block_size=SMALL)
    assert content.write(100, b"") == 0
    assert (content.size, content.dirty) == (0, False)


def test_only_the_touched_block_is_fetched(bench: WriteBack, user: User) -> None:
    data = noise(4 * BLOCK)
    info = bench.put("a", data)
    content = bench.over("a", info)
    content.write(2 * BLOCK + 5, b"!")
    expected = bytearray(data)
    expected[2 * BLOCK + 5 : 2 * BLOCK + 6] = b"!"
    names = hashed(data, BLOCK).hashes
    assert bench.cache.has(names) == {names[2]}
    assert content.seal() == hashed(bytes(expected), BLOCK)
    assert len(bench.staging.staged()) == 1


def test_a_block_that_is_wholly_replaced_is_not_fetched(bench: WriteBack) -> None:
    data = noise(2 * BLOCK + 100)
    content = bench.over("a", bench.put("a", data))
    content.write(BLOCK, bytes(range(256)) * (BLOCK // 256))
    content.write(2 * BLOCK, b"z" * 200)
    assert bench.cache.has(hashed(data, BLOCK).hashes) == set()
    assert content.read(0, 3) == data[:3]
    assert content.read(2 * BLOCK - 1, 3) == b"\xffzz"


def test_appending_brings_the_short_last_block(bench: WriteBack) -> None:
    data = noise(SMALL * 3 + 5)
    content = over(bench, data)
    content.write(len(data), b"more")
    assert whole(content) == data + b"more"
    assert content.seal() == hashed(data + b"more", SMALL)


def test_a_hole_behind_a_short_last_block_reads_as_nuls(bench: WriteBack) -> None:
    data = noise(SMALL + 5)
    content = over(bench, data)
    content.write(SMALL * 4, b"far")
    expected = data + bytes(SMALL * 4 - len(data)) + b"far"
    assert whole(content) == expected
    assert content.seal() == hashed(expected, SMALL)


def test_bytes_hidden_by_a_truncation_never_come_to_light(bench: WriteBack) -> None:
    """object-store.md section 20, row 7: the hash of the last block covers more than is visible."""
    data = noise(SMALL * 2 + 10)
    info = bench.put("origin", data[: SMALL + 4])
    hidden = hashed(data, SMALL)
    hashmap = Hashmap(SMALL + 4, hidden.hashes[:2], SMALL)
    for grow in ("write", "truncate", "far write"):
        content = bench.content(hashmap, Origin(bench.path("origin"), info.version, hashmap))
        expected = data[: SMALL + 4]
        if grow == "write":
            content.write(SMALL + 4, b"++")
            expected += b"++"
        elif grow == "truncate":
            content.truncate(SMALL * 2)
            expected += bytes(SMALL - 4)
        else:
            content.write(SMALL * 3, b"++")
            expected += bytes(SMALL * 2 - 4) + b"++"
        assert whole(content) == expected
        assert content.seal() == hashed(expected, SMALL)


def test_truncate_shorter_and_longer(bench: WriteBack) -> None:
    data = noise(SMALL * 4)
    content = over(bench, data)
    content.truncate(SMALL * 2)  # at a block's end: nothing is needed of what goes
    assert content.seal() == hashed(data[: SMALL * 2], SMALL)
    content.truncate(SMALL + 3)
    assert whole(content) == data[: SMALL + 3]
    content.truncate(SMALL * 3)
    assert whole(content) == data[: SMALL + 3] + bytes(SMALL * 2 - 3)
    content.truncate(0)
    assert (content.size, whole(content)) == (0, b"")
    content.truncate(SMALL * 3 + 1)
    assert content.seal() == hashed(bytes(SMALL * 3 + 1), SMALL)


def test_truncating_to_the_same_size_changes_nothing(bench: WriteBack) -> None:
    content = over(bench, noise(SMALL * 2))
    content.truncate(SMALL * 2)
    assert not content.dirty


def test_a_huge_hole_costs_no_disk_and_too_huge_a_one_is_refused(bench: WriteBack) -> None:
    content = bench.content()
    content.write(1 << 40, b"end")
    assert content.size == (1 << 40) + 3
    assert content.read((1 << 40) - 2, 5) == b"\0\0end"
    assert bench.staging.usage() < 100_000
    for act in (lambda: content.write(MAX_BLOCKS * BLOCK, b"x"), lambda: content.truncate(MAX_BLOCKS * BLOCK + 1)):
        with pytest.raises(OSError) as caught:
            act()
        assert caught.value.errno == errno.EFBIG


def test_a_block_that_is_nowhere_is_an_error_and_changes_nothing(bench: WriteBack) -> None:
    content = over(bench, noise(SMALL * 3))
    lost = hashed(noise(SMALL * 3, "lost"), SMALL)
    alone = bench.content(lost)
    for act in (lambda: alone.read(0, 5), lambda: alone.write(3, b"x"), lambda: alone.truncate(5)):
        with pytest.raises(OSError) as caught:
            act()
        assert caught.value.errno == errno.EIO
    assert (alone.size, alone.dirty) == (SMALL * 3, False)
    bench.store.delete(bench.path("origin"))
    assert content.read(0, 3)  # the history has it


def test_after_discard_nothing_is_left_and_nothing_works(bench: WriteBack) -> None:
    content = bench.content(block_size=SMALL)
    content.write(0, noise(100))
    content.seal()
    content.write(50, b"again")
    content.discard()
    content.discard()
    assert list(bench.staging.directory.iterdir()) == []
    for act in (lambda: content.read(0, 1), lambda: content.write(0, b"x"), content.seal, content.sync):
        with pytest.raises(OSError) as caught:
            act()
        assert caught.value.errno == errno.EBADF


# sealing --------------------------------------------------------------------------------------------------------------


def test_seal_hands_out_what_is_there_and_the_blocks_stay(bench: WriteBack) -> None:
    content = bench.content(block_size=SMALL)
    content.write(0, noise(100))
    first = content.seal()
    assert first == hashed(noise(100), SMALL)
    assert not content.dirty
    assert content.seal() is first
    content.write(0, b"X" * 100)
    # Not journaled yet, and overwritten: the blocks of the first hashmap are still there.
    assert all(bench.staging.has(name) for name in first.hashes)
    second = content.seal()
    assert second == hashed(b"X" * 100, SMALL)
    assert not any(bench.staging.has(name) for name in first.hashes)


def test_generations_count_changes(bench: WriteBack) -> None:
    content = bench.content(block_size=SMALL)
    seen = [content.generation]
    content.write(0, b"abc")
    seen.append(content.generation)
    content.truncate(1)
    seen.append(content.generation)
    content.read(0, 1)
    content.seal()
    assert seen == sorted(set(seen))
    assert content.generation == seen[-1]


def test_extents_tell_what_was_written(bench: WriteBack) -> None:
    content = over(bench, noise(SMALL * 10))
    assert content.extents() == []
    content.write(10, b"ab")
    content.write(12, b"cd")
    content.write(100, b"x")
    content.write(9, b"yy")
    assert content.extents() == [(9, 5), (100, 1)]
    content.seal()
    assert content.extents() == [(9, 5), (100, 1)]
    content.truncate(20)
    assert content.extents() is None


def test_too_many_extents_are_none(bench: WriteBack) -> None:
    content = over(bench, noise(SMALL * 100))
    for number in range(64):
        content.write(number * 20, b"x")
    assert len(content.extents() or ()) == 64
    content.write(1500, b"x")
    assert content.extents() is None


def test_an_upload_becomes_the_origin(bench: WriteBack) -> None:
    """Afterwards unchanged blocks come from the new version: the old one may go (versioning `none`)."""
    data = noise(SMALL * 4)
    content = over(bench, data)
    content.write(0, b"1")
    sealed = content.seal()
    content.write(SMALL * 2, b"2")
    expected = b"1" + data[1:]
    new = bench.put("moved", expected)
    origin = Origin(bench.path("moved"), new.version, sealed)
    bench.staging.uploaded(origin)
    assert content.origin == origin
    assert content.extents() == [(SMALL * 2, 1)]
    bench.store.delete(bench.path("origin"))
    assert whole(content) == b"1" + data[1 : SMALL * 2] + b"2" + data[SMALL * 2 + 1 :]


def test_an_upload_of_something_else_is_no_origin(bench: WriteBack) -> None:
    content = over(bench, noise(SMALL * 4))
    before = content.origin
    bench.staging.uploaded(Origin(bench.path("x"), "1", hashed(noise(50), SMALL)))
    assert content.origin == before


def test_a_content_over_a_row_that_was_sent_meanwhile_finds_its_blocks(bench: WriteBack) -> None:
    data = noise(SMALL * 3)
    writer = bench.content(block_size=SMALL)
    writer.write(0, data)
    row = bench.journal.put(bench.row("a", writer.seal()))
    bench.drop(writer)
    assert row.content is not None
    info = bench.put("a", data)
    bench.staging.uploaded(Origin(bench.path("a"), info.version, row.content))
    assert bench.journal.remove(row.id, row.generation)
    assert bench.staging.staged() == set()
    late = bench.content(row.content, row.origin)
    assert whole(late) == data
    late.write(1, b"x")
    assert whole(late) == data[:1] + b"x" + data[2:]


def test_a_sequential_writers_blocks_are_ready_early(bench: WriteBack) -> None:
    ready: list[str] = []
    arrived = threading.Semaphore(0)

    def note(name: str) -> None:
        ready.append(name)
        arrived.release()

    content = bench.content(ready=note)
    data = noise(BLOCK) * 2 + noise(BLOCK, "c") + noise(BLOCK, "d") + noise(100)
    for start in range(0, len(data), 1 << 17):
        content.write(start, data[start : start + (1 << 17)])
    for _ in range(3):
        assert arrived.acquire(timeout=30)
    names = hashed(data, BLOCK).hashes
    assert sorted(ready) == sorted(names[:3])
    assert content.seal().hashes == names
    assert whole(content) == data


def test_small_files_and_random_writers_send_nothing_early(bench: WriteBack) -> None:
    ready: list[str] = []
    content = bench.content(ready=ready.append)
    content.write(0, noise(2 * BLOCK))
    other = bench.content(ready=ready.append)
    for number in range(40):
        other.write((number * 7 % 40) * BLOCK // 4 + 1, noise(1000))
    bench.pool.shutdown()
    assert ready == []
    bench.pool = ThreadPoolExecutor(1)


# many threads ---------------------------------------------------------------------------------------------------------


def test_writers_readers_and_seals_at_once(bench: WriteBack) -> None:
    """Each thread owns a stripe of every block: what it wrote is what it reads, whatever the others do."""
    threads, blocks = 4, 12
    width = SMALL // threads
    start = noise(SMALL * blocks)
    content = over(bench, start)
    failures: list[str] = []
    seals: list[Hashmap] = []
    stop = threading.Event()

    def work(number: int) -> None:
        mine = {index: start[index * SMALL + number * width :][:width] for index in range(blocks)}
        for turn in range(150):
            index = (turn * 5 + number) % blocks
            data = noise(width, f"{number} {turn}")
            content.write(index * SMALL + number * width, data)
            mine[index] = data
            for other in (index, (index + 3) % blocks):
                seen = content.read(other * SMALL + number * width, width)
                if seen != mine[other]:
                    failures.append(f"thread {number}, block {other}: {seen!r} is not {mine[other]!r}")
        results[number] = mine

    def seal() -> None:
        while not stop.is_set():
            seals.append(content.seal())

    results: dict[int, dict[int, bytes]] = {}
    workers = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
    sealers = [threading.Thread(target=seal) for _ in range(2)]
    for one in (*workers, *sealers):
        one.start()
    for one in workers:
        one.join()
    stop.set()
    for one in sealers:
        one.join()
    assert failures == []
    expected = b"".join(results[number][index] for index in range(blocks) for number in range(threads))
    assert whole(content) == expected
    assert content.seal() == hashed(expected, SMALL)
    assert not content.dirty
    staged = bench.staging.staged()
    assert staged <= {*content.seal().hashes}


def test_what_is_written_during_a_seal_is_part_of_the_next(bench: WriteBack) -> None:
    content = bench.content()
    content.write(0, noise(8 * BLOCK))
    begun, outcome = threading.Event(), []

    def seal() -> None:
        begun.set()
        outcome.append(content.seal())

    sealer = threading.Thread(target=seal)
    sealer.start()
    begun.wait()
    for index in range(8):
        content.write(index * BLOCK + 17, b"later")
    sealer.join()
    after = content.seal()
    expected = bytearray(noise(8 * BLOCK))
    for index in range(8):
        expected[index * BLOCK + 17 : index * BLOCK + 22] = b"later"
    assert after == hashed(bytes(expected), BLOCK)
    old = hashed(noise(8 * BLOCK), BLOCK)
    # Each block of the first is from before or after its own write, as the two came to meet.
    assert all(one in (old.hashes[i], after.hashes[i]) for i, one in enumerate(outcome[0].hashes))
    assert whole(content) == bytes(expected)


def test_sync_brings_everything_to_the_disk(bench: WriteBack) -> None:
    content = bench.content(block_size=SMALL)
    content.write(0, noise(100))
    content.sync()
    content.seal()
    content.write(3, b"draft")
    content.sync()
    assert content.read(3, 5) == b"draft"


# a full disk ----------------------------------------------------------------------------------------------------------


def test_a_full_disk_reaches_the_writer_and_spares_what_is_sealed(user: User, tmp_path: Path) -> None:
    if os.geteuid():
        pytest.skip("needs root to mount a small file system")
    libc = ctypes.CDLL(None, use_errno=True)
    point = tmp_path / "small"
    point.mkdir()
    if libc.mount(b"tmpfs", os.fsencode(point), b"tmpfs", 0, b"size=4m"):
        pytest.skip(f"cannot mount: {os.strerror(ctypes.get_errno())}")
    bench = WriteBack(user.store, point)
    try:
        kept = bench.write("kept", noise(1_000_000))
        content = bench.content()
        done = 0
        with pytest.raises(OSError) as caught:
            for _ in range(100):
                done += content.write(done, noise(100_000))
        assert caught.value.errno == errno.ENOSPC
        assert content.size == done
        expected = (noise(100_000) * 100)[:done]
        assert whole(content) == expected
        # A change of the closed file needs a copy of its block: refused, and the block is as it was.
        edit = bench.content(kept.content, kept.origin)
        with pytest.raises(OSError) as caught:
            edit.write(10, b"x")
        assert caught.value.errno == errno.ENOSPC
        assert whole(edit) == noise(1_000_000)
        content.discard()
        edit.write(10, b"x")
        assert whole(edit) == noise(1_000_000)[:10] + b"x" + noise(1_000_000)[11:]
        edit.discard()
        assert bench.journal.check(bench.staging) == []
    finally:
        bench.close()
        assert libc.umount2(os.fsencode(point), 0) == 0


# against a model ------------------------------------------------------------------------------------------------------


class Against(RuleBasedStateMachine):
    """Random changes, compared with a bytearray after each."""

    bench: WriteBack
    numbers = itertools.count()

    @initialize(data=st.binary(max_size=SMALL * 5), hidden=st.integers(0, SMALL))
    def begin(self, data: bytes, hidden: int) -> None:
        name = f"m{next(self.numbers)}"
        info = self.bench.put(name, data)
        full = hashed(data + b"h" * min(hidden, -len(data) % SMALL), SMALL)
        hashmap = Hashmap(len(data), full.hashes, SMALL)  # the last hash may cover bytes that are not there any more
        self.name = name
        self.content = self.bench.content(hashmap, Origin(self.bench.path(name), info.version, hashmap))
        self.model = bytearray(data)
        self.sealed = (hashmap, bytes(data))

    @rule(offset=st.integers(0, SMALL * 7), data=st.binary(min_size=1, max_size=SMALL * 3))
    def write(self, offset: int, data: bytes) -> None:
        assert self.content.write(offset, data) == len(data)
        self.model.extend(bytes(max(0, offset - len(self.model))))
        self.model[offset : offset + len(data)] = data

    @rule(data=st.binary(min_size=1, max_size=SMALL * 2))
    def append(self, data: bytes) -> None:
        self.content.write(len(self.model), data)
        self.model += data

    @rule(size=st.integers(0, SMALL * 8))
    def truncate(self, size: int) -> None:
        self.content.truncate(size)
        if size < len(self.model):
            del self.model[size:]
        else:
            self.model.extend(bytes(size - len(self.model)))

    @rule(offset=st.integers(0, SMALL * 8), size=st.integers(0, SMALL * 4))
    def read(self, offset: int, size: int) -> None:
        assert self.content.read(offset, size) == self.model[offset : offset + size]

    @rule()
    def seal(self) -> None:
        hashmap = self.content.seal()
        assert not self.content.dirty
        assert hashmap.size == len(self.model)
        assert len(hashmap.hashes) == block_count(len(self.model), SMALL)
        exact = hashed(bytes(self.model), SMALL)
        # Only an untouched last block may have a hash that covers more.
        assert hashmap.hashes[:-1] == exact.hashes[:-1]
        self.sealed = (hashmap, bytes(self.model))

    @rule()
    def journal_and_open_again(self) -> None:
        """As close() does, and the next open."""
        self.seal()
        row = self.bench.row(self.name, self.sealed[0], origin=self.content.origin)
        made = self.bench.journal.put(row)
        self.bench.drop(self.content)
        self.content = self.bench.content(made.content, made.origin)

    @precondition(lambda self: self.sealed[0].size > 0)
    @rule()
    def upload(self) -> None:
        """What was sealed last reaches the cloud as a new version; the older ones go."""
        hashmap, data = self.sealed
        before = self.bench.store.head(self.bench.path(self.name))
        info = self.bench.put(self.name, data)
        assert info.version != before.version
        self.bench.staging.uploaded(Origin(self.bench.path(self.name), info.version, hashmap))
        row = self.bench.journal.get(self.bench.path(self.name))
        if row is not None and row.content == hashmap:
            self.bench.journal.remove(row.id, row.generation)

    @invariant()
    def same(self) -> None:
        if hasattr(self, "content"):
            assert self.content.size == len(self.model)
            assert self.content.read(0, len(self.model) + 5) == self.model

    def teardown(self) -> None:
        if hasattr(self, "content"):
            self.bench.drop(self.content)
            row = self.bench.journal.get(self.bench.path(self.name))
            if row is not None:
                self.bench.journal.remove(row.id, row.generation)
            assert self.bench.journal.check(self.bench.staging) == []


@pytest.mark.parametrize("cache_limit", [None, 0], ids=["cache", "no cache"])
def test_random_changes_against_a_model(user: User, tmp_path: Path, cache_limit: int | None) -> None:
    bench = WriteBack(user.store, tmp_path, cache_limit=cache_limit)
    bench.staging.hand_over_to(bench.cache)
    # Replaced versions vanish at once: what is based on one must have moved on.
    bench.store.set_policy(bench.container, {"versioning": "none"})
    machine = type("Bound", (Against,), {"bench": bench})
    case = machine.TestCase
    case.settings = settings(
        max_examples=60, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
    )
    try:
        case().runTest()
    finally:
        bench.close()


def test_a_file_may_be_named_by_another_account(bench: WriteBack) -> None:
    """The origin need not be where the content is going to be."""
    data = noise(SMALL * 2)
    info = bench.put("elsewhere", data)
    hashmap = hashed(data, SMALL)
    path = ObjectPath(bench.store.account, bench.container, "elsewhere")
    content = Content(
        bench.staging,
        bench.cache,
        bench.store,
        hashmap,
        Origin(path, info.version, hashmap),
        executor=bench.pool,
        cloud_key=CLOUD,
    )
    content.write(0, b"x")
    assert whole(content) == b"x" + data[1:]
    assert content.seal().hashes[1] == hashmap.hashes[1]
    assert empty_block_name("sha256") not in content.seal().hashes
    content.discard()
