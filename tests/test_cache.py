"""The block cache on real files and a real index, with everything that can happen to them."""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from pithosfs.blocks import Hashmap, block_hash
from pithosfs.cache import BlockCache, default_limit
from pithosfs.errors import BadReply

CLOUD = "https://store.example/v1"


def block(seed: int, size: int = 5000) -> bytes:
    return random.Random(seed).randbytes(size - 1) + b"\xff"


def name_of(data: bytes) -> str:
    return block_hash(data)


class Clock:
    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        self.now += 1
        return self.now


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def cache(directory: Path) -> Iterator[BlockCache]:
    with BlockCache(directory, 1 << 30) as one:
        yield one
    check(directory)


def rows(directory: Path, query: str = "SELECT name, size FROM block") -> list[Any]:
    with closing(sqlite3.connect(directory / "index.db")) as db:
        return db.execute(query).fetchall()


def block_files(directory: Path) -> dict[str, Path]:
    return {path.name: path for path in (directory / "blocks").glob("*/*/*")}


def check(directory: Path) -> None:
    """The invariants of a cache that was closed: index and files agree, totals are right, nothing is left over."""
    files = block_files(directory)
    assert dict(rows(directory)) == {name: path.stat().st_size for name, path in files.items()}
    assert rows(directory, "SELECT blocks, disk FROM total") == rows(
        directory, "SELECT count(*), coalesce(sum((size + 4095) / 4096 * 4096), 0) FROM block"
    )
    assert rows(directory, "PRAGMA integrity_check") == [("ok",)]
    for name, path in files.items():
        assert path == directory / "blocks" / name[:2] / name[2:4] / name
        assert hashlib.sha256(path.read_bytes()).hexdigest() == name
    assert list((directory / "incoming").iterdir()) == []
    assert list((directory / "sessions").iterdir()) == []


# reading and keeping --------------------------------------------------------------------------------------------------


def test_a_block_is_kept_without_its_trailing_nuls_and_padded_for_readers(cache: BlockCache, directory: Path) -> None:
    name = name_of(b"abc")
    cache.put(name, b"abc" + bytes(100))
    assert block_files(directory)[name].read_bytes() == b"abc"
    assert cache.read(name, length=3) == b"abc"
    assert cache.read(name, length=7) == b"abc\0\0\0\0"
    assert cache.read(name, 2, 5, length=7) == b"c\0\0"
    assert cache.read(name, 4, 6, length=7) == b"\0\0"
    assert cache.read(name, 5, 99, length=7) == b"\0\0"
    assert cache.read(name, 7, 9, length=7) == b""
    # An object that was cut inside the block shows less of it.
    assert cache.read(name, length=2) == b"ab"


def test_a_block_of_nuls_needs_no_file(cache: BlockCache, directory: Path) -> None:
    name = name_of(b"")
    cache.put(name, bytes(4096))
    assert cache.has([name]) == {name}
    assert cache.read(name, length=4) == bytes(4)
    assert block_files(directory) == {}


def test_absent_blocks_and_impossible_names(cache: BlockCache, directory: Path) -> None:
    cache.put(name_of(b"x"), b"x")
    for name in (name_of(b"y"), "", "..", "../../../etc/passwd", "/etc/passwd", "AB" * 32, "ab\n" + "a" * 61):
        assert cache.read(name, length=10) is None
        assert cache.has([name]) == set()
        with pytest.raises(BadReply):
            cache.put(name, b"something")


def test_a_damaged_arrival_is_refused(cache: BlockCache) -> None:
    name = name_of(b"right")
    with pytest.raises(BadReply):
        cache.put(name, b"wrong")
    with pytest.raises(BadReply):
        cache.put(name, b"right", "no such hash")
    assert cache.read(name, length=5) is None


def test_other_hashes(cache: BlockCache) -> None:
    for algorithm in ("sha1", "sha512", "blake2b"):
        name = block_hash(b"abc", algorithm)
        cache.put(name, b"abc\0", algorithm)
        assert cache.read(name, length=4) == b"abc\0"
        # `check` knows sha256 only.
    cache.evict(0)


def test_what_one_process_keeps_another_reads(directory: Path, cache: BlockCache) -> None:
    with BlockCache(directory, 1 << 30) as other:
        data = block(1)
        cache.put(name_of(data), data)
        assert other.has([name_of(data), name_of(b"no")]) == {name_of(data)}
        assert other.read(name_of(data), length=len(data)) == data


def test_blocks_survive_a_restart(directory: Path) -> None:
    data = block(1)
    with BlockCache(directory, 1 << 20) as cache:
        cache.put(name_of(data), data)
    with BlockCache(directory, 1 << 20) as cache:
        assert cache.read(name_of(data), length=len(data)) == data
    check(directory)


def test_a_small_read_of_a_big_block_reads_little_and_writes_nothing(cache: BlockCache, directory: Path) -> None:
    data = block(1, 4 << 20)
    name = name_of(data)
    cache.put(name, data)
    assert cache.read(name, 0, 1, length=len(data)) == data[:1]
    read_before, wal_before = _bytes_read(), (directory / "index.db-wal").stat().st_mtime_ns
    for start in range(0, 1 << 20, 128 << 10):
        assert cache.read(name, start, start + (128 << 10), length=len(data)) == data[start : start + (128 << 10)]
    assert _bytes_read() - read_before < (1 << 20) + 4096
    assert (directory / "index.db-wal").stat().st_mtime_ns == wal_before


def _bytes_read() -> int:
    """Bytes that this process has read through system calls, whatever the kernel had them from."""
    fields = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return int(fields["rchar"])


def test_more_blocks_than_descriptors(cache: BlockCache) -> None:
    blocks = [block(seed, 100) for seed in range(300)]
    for data in blocks:
        cache.put(name_of(data), data)
    before = len(os.listdir("/proc/self/fd"))
    for data in blocks * 2:
        assert cache.read(name_of(data), length=100) == data
    assert len(os.listdir("/proc/self/fd")) - before < 100


def test_many_threads_get_the_right_bytes(cache: BlockCache) -> None:
    blocks = [block(seed, 3000) for seed in range(150)]
    wrong: list[str] = []

    def work(seed: int) -> None:
        dice = random.Random(seed)
        for _ in range(300):
            data = dice.choice(blocks)
            if dice.random() < 0.3:
                cache.put(name_of(data), data)
            if dice.random() < 0.02:
                cache.evict(200_000)
            start = dice.randrange(3000)
            got = cache.read(name_of(data), start, 3000, length=3000)
            if got is not None and got != data[start:]:
                wrong.append(name_of(data))

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_adopt_moves_a_finished_file_in(cache: BlockCache, tmp_path: Path) -> None:
    data = block(1)
    file = tmp_path / "b-1"
    file.write_bytes(data)
    cache.adopt(name_of(data), file)
    assert not file.exists()
    assert cache.read(name_of(data), length=len(data)) == data
    file.write_bytes(data)
    cache.adopt(name_of(data), file)  # it is here already
    assert not file.exists()
    cache.adopt(name_of(data), file)  # nothing to adopt: no trouble


def test_adopt_from_another_file_system(cache: BlockCache) -> None:
    elsewhere = Path("/dev/shm")
    if not elsewhere.is_dir() or elsewhere.stat().st_dev == cache.directory.stat().st_dev:
        pytest.skip("there is no second file system")
    data = block(1)
    file = elsewhere / f"pithosfs-test-{os.getpid()}"
    file.write_bytes(data)
    cache.adopt(name_of(data), file)
    assert not file.exists()
    assert cache.read(name_of(data), length=len(data)) == data


def test_after_close_it_holds_nothing_and_takes_nothing(directory: Path) -> None:
    cache = BlockCache(directory, 1 << 20)
    cache.put(name_of(b"a"), b"a")
    cache.close()
    cache.put(name_of(b"b"), b"b")
    cache.remember_meta(CLOUD, {"1": {}})
    assert cache.read(name_of(b"a"), length=1) is None
    assert cache.meta(CLOUD, ["1"]) == {}
    assert cache.evict(0) == 0
    cache.close()
    check(directory)


# the limit ------------------------------------------------------------------------------------------------------------


def test_the_blocks_used_longest_ago_go_first(directory: Path) -> None:
    with BlockCache(directory, 10 * 8192, clock=Clock()) as cache:
        blocks = [block(seed) for seed in range(10)]  # 8192 bytes on disk each
        for data in blocks:
            cache.put(name_of(data), data)
        assert cache.read(name_of(blocks[0]), length=5000) is not None
        for seed in range(10, 14):
            cache.put(name_of(block(seed)), block(seed))
        assert cache.has([name_of(blocks[0])])
        assert not cache.has([name_of(one) for one in blocks[1:4]])
        assert cache.stats().disk <= 10 * 8192
    check(directory)


def test_pinned_blocks_stay_until_every_owner_lets_go(directory: Path) -> None:
    with BlockCache(directory, 1 << 20, clock=Clock()) as cache:
        blocks = [block(seed) for seed in range(4)]
        names = [name_of(data) for data in blocks]
        cache.pin("mount", names[:1])
        cache.pin("daemon", names[:2])
        for data in blocks:
            cache.put(name_of(data), data)
        assert cache.evict(0) == 2 * 8192
        assert cache.has(names) == set(names[:2])
        assert cache.stats().pinned == 2
        cache.unpin("daemon")
        assert cache.evict(0) == 8192
        assert cache.has(names) == set(names[:1])
    with BlockCache(directory, 1 << 20) as cache:  # pins outlive the process
        assert cache.evict(0) == 0
        cache.unpin("mount", names)
        assert cache.evict(0) == 8192


def test_small_blocks_count_as_what_they_take_up(directory: Path) -> None:
    with BlockCache(directory, 100 * 4096) as cache:
        for seed in range(300):
            cache.put(name_of(b"%d" % seed), b"%d" % seed)
        assert cache.stats().blocks <= 100
    check(directory)


def test_limits_that_nothing_fits(directory: Path) -> None:
    with BlockCache(directory, 0) as cache:
        cache.put(name_of(b"x"), b"x")
        assert cache.read(name_of(b"x"), length=1) is None
        cache.remember_meta(CLOUD, {"1": {"etag": "a"}})
        assert cache.meta(CLOUD, ["1"]) == {"1": {"etag": "a"}}
    check(directory)


def test_the_default_limit(tmp_path: Path) -> None:
    expected = min(10 * 1024**3, shutil.disk_usage(tmp_path).total // 10)
    assert default_limit(tmp_path / "not" / "made" / "yet") == expected


# versions -------------------------------------------------------------------------------------------------------------


def test_hashmaps_and_attributes_by_version(cache: BlockCache) -> None:
    many = Hashmap(9, (name_of(b"a"), name_of(b"b"), name_of(b"c")), 4)
    empty = Hashmap(0, (), 4096, "sha1")
    cache.remember_hashmap(CLOUD, "1", many)
    cache.remember_hashmap(CLOUD, "2", empty)
    assert cache.hashmap(CLOUD, "1") == many
    assert cache.hashmaps(CLOUD, ["1", "2", "3"]) == {"1": many, "2": empty}
    assert cache.hashmap("another cloud", "1") is None
    cache.remember_hashmap(CLOUD, "4", Hashmap(1, ("not hex",), 4))
    assert cache.hashmap(CLOUD, "4") is None

    metas = {str(version): {"etag": f"é\ud800{version}", "meta": {"mode": "644"}} for version in range(5000)}
    cache.remember_meta(CLOUD, metas)
    cache.remember_meta(CLOUD, {})
    assert cache.meta(CLOUD, [*metas, "unknown"]) == metas
    cache.remember_meta(CLOUD, {"7": {}})
    assert cache.meta(CLOUD, ["7"]) == {"7": {}}
    assert cache.meta(CLOUD, []) == {}
    stats = cache.stats()
    assert (stats.hashmaps, stats.metas) == (2, 5000)


# what happens to disks ------------------------------------------------------------------------------------------------


def test_a_block_of_an_earlier_boot_is_verified_before_it_is_read(
    directory: Path, caplog: pytest.LogCaptureFixture
) -> None:
    good, bad, short = block(1), block(2), block(3)
    with BlockCache(directory, 1 << 20, boot="first") as cache:
        for data in (good, bad, short):
            cache.put(name_of(data), data)
    files = block_files(directory)
    files[name_of(bad)].write_bytes(bad[:-1] + b"\xfe")  # what a power cut leaves
    files[name_of(short)].write_bytes(b"")
    with BlockCache(directory, 1 << 20, boot="second") as cache:
        assert cache.read(name_of(good), 0, 10, length=5000) == good[:10]
        with caplog.at_level(logging.WARNING):
            assert cache.read(name_of(bad), 0, 10, length=5000) is None
            assert cache.read(name_of(short), 0, 10, length=5000) is None
        assert "damaged" in caplog.text
        assert cache.has([name_of(bad), name_of(short)]) == set()
        cache.put(name_of(bad), bad)
        assert cache.read(name_of(bad), length=5000) == bad
    assert dict(rows(directory, "SELECT name, verified_boot FROM block")) == {
        name_of(good): "second",
        name_of(bad): "second",
    }
    check(directory)


def test_putting_a_block_again_mends_its_file(directory: Path) -> None:
    data = block(1)
    with BlockCache(directory, 1 << 20, boot="first") as cache:
        cache.put(name_of(data), data)
    block_files(directory)[name_of(data)].write_bytes(bytes(5000))
    with BlockCache(directory, 1 << 20, boot="second") as cache:
        cache.put(name_of(data), data)
        assert cache.read(name_of(data), length=5000) == data
    check(directory)


def test_a_file_cut_short_while_it_is_open(cache: BlockCache, directory: Path) -> None:
    data = block(1)
    cache.put(name_of(data), data)
    assert cache.read(name_of(data), 0, 5, length=5000) == data[:5]
    os.truncate(block_files(directory)[name_of(data)], 100)
    assert cache.read(name_of(data), 50, 150, length=5000) is None
    assert cache.has([name_of(data)]) == set()


def test_a_row_without_a_file_is_dropped(cache: BlockCache, directory: Path) -> None:
    data = block(1)
    cache.put(name_of(data), data)
    block_files(directory)[name_of(data)].unlink()
    assert cache.read(name_of(data), length=5000) is None
    assert cache.has([name_of(data)]) == set()


def test_the_directory_goes_while_it_is_in_use(directory: Path) -> None:
    with BlockCache(directory, 1 << 20) as cache:
        data, more = block(1), block(2)
        cache.put(name_of(data), data)
        cache.remember_meta(CLOUD, {"1": {"a": 1}})
        shutil.rmtree(directory)
        assert cache.read(name_of(data), length=5000) is None
        assert cache.meta(CLOUD, ["1"]) == {}
        cache.put(name_of(more), more)
        assert cache.read(name_of(more), length=5000) == more
        shutil.rmtree(directory)
        cache.put(name_of(data), data)
        assert cache.read(name_of(data), length=5000) == data
        shutil.rmtree(directory / "blocks")
        cache.put(name_of(more), more)
        assert cache.read(name_of(more), length=5000) == more


@pytest.mark.parametrize("damage", ["rubbish", "newer", "foreign", "middle", "empty"])
def test_an_index_that_cannot_be_used_is_rebuilt_from_the_files(
    directory: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    blocks = [block(seed) for seed in range(20)]
    with BlockCache(directory, 1 << 20) as cache:
        for data in blocks:
            cache.put(name_of(data), data)
    index = directory / "index.db"
    if damage == "rubbish":
        index.write_bytes(b"not a database" * 1000)
    elif damage == "empty":
        index.write_bytes(b"")
    elif damage == "middle":
        size = index.stat().st_size
        with index.open("r+b") as file:
            file.seek(4096)
            file.write(b"\xa5" * (size - 4096))
    else:
        with closing(sqlite3.connect(index)) as db:
            if damage == "newer":
                db.execute("PRAGMA user_version = 99")
            else:
                for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
                    db.execute(f"DROP TRIGGER {name}")
                db.execute("PRAGMA user_version = 0")
    with BlockCache(directory, 1 << 20) as cache:
        for data in blocks:
            assert cache.read(name_of(data), length=5000) == data
        cache.put(name_of(b"new"), b"new")
    check(directory)
    assert len(rows(directory)) == 21


def test_an_index_removed_under_two_caches(directory: Path) -> None:
    with BlockCache(directory, 1 << 20) as one, BlockCache(directory, 1 << 20) as two:
        first, second = block(1), block(2)
        one.put(name_of(first), first)
        (directory / "index.db").unlink()
        two.put(name_of(second), second)
        one.put(name_of(b"x"), b"x")
        for cache in (one, two):
            assert cache.has([name_of(first), name_of(second)]) == {name_of(first), name_of(second)}


@contextmanager
def full_disk(limit: int) -> Iterator[None]:
    """Writes past `limit` bytes into any one file fail with EFBIG; the nearest thing to ENOSPC without a disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def test_a_disk_that_takes_no_more(cache: BlockCache, caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    here = block(1)
    cache.put(name_of(here), here)
    big = block(2, 1 << 20)
    with full_disk(500_000), caplog.at_level(logging.WARNING):
        cache.put(name_of(big), big)
        cache.put(name_of(big), big)
        assert cache.read(name_of(big), length=1 << 20) is None
        assert cache.read(name_of(here), length=5000) == here
    assert len([record for record in caplog.records if "not used" in record.message]) == 1
    cache.put(name_of(big), big)
    assert cache.read(name_of(big), length=1 << 20) == big


@pytest.mark.skipif(os.geteuid() != 0, reason="a small file system needs root")
def test_a_disk_that_others_have_filled(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", disk], capture_output=True).returncode:
        pytest.skip("cannot mount a tmpfs")
    try:
        with BlockCache(disk / "cache", 1 << 30) as cache:
            names = []
            for seed in range(400):
                data = block(seed, 100_000)
                names.append(name_of(data))
                cache.put(names[-1], data)
            held = cache.has(names)
            assert 50 < len(held) < 240  # the oldest gave way to the newest
            assert names[-1] in held
            with (disk / "fill").open("wb", buffering=0) as fill, suppress(OSError):
                while fill.write(bytes(4096)):
                    pass
            assert cache.read(names[-1], 10, 20, length=100_000) == block(399, 100_000)[10:20]
            cache.remember_meta(CLOUD, {str(version): {"x": "y" * 1000} for version in range(9000)})
            assert cache.read(names[-1], 10, 20, length=100_000) == block(399, 100_000)[10:20]
            data = block(1000, 100_000)
            cache.put(name_of(data), data)
            assert cache.read(name_of(data), length=100_000) == data
        check(disk / "cache")
    finally:
        subprocess.run(["umount", disk], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="a small file system needs root")
def test_a_disk_that_becomes_read_only(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", disk], capture_output=True).returncode:
        pytest.skip("cannot mount a tmpfs")
    try:
        one, two = block(1), block(2)
        with BlockCache(disk / "cache", 1 << 20) as cache:
            cache.put(name_of(one), one)
        # With the index open a file system cannot be made read-only; so the cache finds it so when it is opened.
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        with BlockCache(disk / "cache", 1 << 20) as cache:
            cache.put(name_of(two), two)
            cache.remember_meta(CLOUD, {"1": {}})
            assert cache.read(name_of(two), length=5000) is None
            assert cache.read(name_of(one), length=5000) in (one, None)
        subprocess.run(["mount", "-o", "remount,rw", disk], check=True)
        check(disk / "cache")
    finally:
        subprocess.run(["umount", disk], check=True)


def test_a_process_that_was_stopped_in_the_middle_stops_nobody_for_good(directory: Path) -> None:
    with BlockCache(directory, 1 << 20) as cache:
        cache.put(name_of(b"x"), b"x")
        with (directory / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            assert cache.read(name_of(b"x"), length=1) == b"x"  # who has it open does not mind
            opened = threading.Event()

            def wait_for_it() -> None:
                with BlockCache(directory, 1 << 20) as other:
                    assert other.has([name_of(b"x")])
                opened.set()

            waiting = threading.Thread(target=wait_for_it)
            waiting.start()
        waiting.join()
        assert opened.is_set()


@pytest.mark.parametrize("where", ["file", "dangling"])
def test_a_place_where_no_cache_can_be(tmp_path: Path, where: str, caplog: pytest.LogCaptureFixture) -> None:
    place = tmp_path / "place"
    if where == "file":
        place.write_text("in the way")
    else:
        place.symlink_to(tmp_path / "nowhere" / "at" / "all")
    with caplog.at_level(logging.WARNING), BlockCache(place / "cache", 1 << 20) as cache:
        cache.put(name_of(b"x"), b"x")
        cache.remember_meta(CLOUD, {"1": {}})
        cache.pin("me", [name_of(b"x")])
        assert cache.read(name_of(b"x"), length=1) is None
        assert cache.stats().blocks == 0
        assert cache.evict(0) == 0
    assert len(caplog.records) == 1


# processes ------------------------------------------------------------------------------------------------------------

_BUSY = """
import random, sys
from pathlib import Path
from pithosfs.blocks import block_hash
from pithosfs.cache import BlockCache
cache = BlockCache(Path(sys.argv[1]), 60 * 8192)
dice = random.Random(int(sys.argv[2]))
print("ready", flush=True)
while True:
    seed = dice.randrange(200)
    data = random.Random(seed).randbytes(4999) + b"\\xff"
    cache.put(block_hash(data), data)
    got = cache.read(block_hash(data), 100, 200, length=5000)
    assert got in (None, data[100:200])
"""


def test_killed_at_any_moment(directory: Path) -> None:
    dice = random.Random(7)
    for attempt in range(6):
        busy = [
            subprocess.Popen([sys.executable, "-c", _BUSY, directory, str(attempt * 2 + i)], stdout=subprocess.PIPE)
            for i in range(2)
        ]
        for process in busy:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
        with BlockCache(directory, 60 * 8192) as cache:  # a third one works beside them meanwhile
            for seed in range(dice.randrange(5, 60)):
                cache.put(name_of(block(seed)), block(seed))
        for process in busy:
            assert process.poll() is None
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()
        for stale in (directory / "incoming").iterdir():
            os.utime(stale, (0, 0))
        with BlockCache(directory, 60 * 8192) as cache:
            assert cache.stats().disk <= 60 * 8192
        check(directory)


_PUT_MANY = """
import random, sys
from pathlib import Path
from pithosfs.blocks import block_hash
from pithosfs.cache import BlockCache
with BlockCache(Path(sys.argv[1]), 1 << 30) as cache:
    for seed in range(int(sys.argv[2]), int(sys.argv[3])):
        data = random.Random(seed).randbytes(4999) + b"\\xff"
        cache.put(block_hash(data), data)
        cache.remember_meta("cloud", {str(seed): {"seed": seed}})
"""


def test_several_processes_at_once(directory: Path) -> None:
    workers = [
        subprocess.Popen([sys.executable, "-c", _PUT_MANY, directory, str(start), str(start + 150)])
        for start in (0, 50, 100)
    ]
    assert [worker.wait() for worker in workers] == [0, 0, 0]
    with BlockCache(directory, 1 << 30) as cache:
        assert cache.stats().blocks == 250
        assert len(cache.meta("cloud", [str(seed) for seed in range(250)])) == 250
    check(directory)


def test_an_orphan_file_is_taken_in_unverified(directory: Path) -> None:
    data, damaged = block(1), block(2)
    with BlockCache(directory, 1 << 20):
        pass
    for one in (data, damaged):
        path = directory / "blocks" / name_of(one)[:2] / name_of(one)[2:4] / name_of(one)
        path.parent.mkdir(parents=True)
        path.write_bytes(one if one is data else one[:100])
    (directory / "sessions" / "killed").touch()  # the mark of a process that did not close the cache
    with BlockCache(directory, 1 << 20) as cache:
        assert cache.has([name_of(data), name_of(damaged)]) == {name_of(data), name_of(damaged)}
        assert cache.read(name_of(data), length=5000) == data
        assert cache.read(name_of(damaged), length=5000) is None
    check(directory)
