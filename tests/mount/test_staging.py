"""Blocks on the local disk, from the draft to the cache."""

from __future__ import annotations

import ctypes
import errno
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pithosfs.blocks import Hashmap, block_hash
from pithosfs.cache import BlockCache
from pithosfs.mount.origin import Origin
from pithosfs.mount.staging import Staging, empty_block_name
from pithosfs.store import ObjectPath


@pytest.fixture
def staging(tmp_path: Path) -> Iterator[Staging]:
    made = Staging(tmp_path / "slot")
    yield made
    made.close()


def sealed(staging: Staging, data: bytes) -> str:
    return staging.seal(staging.draft(data), "sha256")


def test_a_sealed_block_is_named_by_its_hash_and_read_with_nuls_behind(staging: Staging) -> None:
    name = sealed(staging, b"abc\0\0")
    assert name == block_hash(b"abc")
    assert staging.size(name) == 3
    assert staging.read(name, 0, 6) == b"abc\0\0\0"
    assert staging.read(name, 2, 4) == b"c\0"
    assert staging.read(name, 10, 12) == b"\0\0"


def test_what_is_not_staged_is_none(staging: Staging) -> None:
    name = block_hash(b"other")
    assert staging.read(name, 0, 5) is None
    assert staging.size(name) is None
    assert not staging.has(name)
    assert staging.draft_of(name, 5) is None


def test_a_draft_is_sparse_and_reads_as_nuls_where_nothing_was_written(staging: Staging) -> None:
    draft = staging.draft()
    assert staging.write(draft, 1_000_000, b"end") == 3
    assert staging.read_draft(draft, 999_998, 1_000_005) == b"\0\0end\0\0"
    assert draft.path.stat().st_blocks * 512 < 100_000
    staging.cut(draft, 1_000_001)
    assert staging.read_draft(draft, 999_999, 1_000_005) == b"\0e\0\0\0\0"
    assert staging.seal(draft, "sha256") == block_hash(bytes(1_000_000) + b"e")


@pytest.mark.parametrize("data", [b"", b"\0", bytes(100_000)])
def test_a_block_of_nuls_has_no_file(staging: Staging, data: bytes) -> None:
    name = sealed(staging, data)
    assert name == empty_block_name("sha256")
    assert list(staging.directory.iterdir()) == []


@pytest.mark.parametrize("size", [1, 16_383, 16_384, 16_385, 300_000, 1_000_000])
@pytest.mark.parametrize("nuls", [0, 1, 16_384, 40_000])
def test_hashes_are_those_of_the_protocol(staging: Staging, size: int, nuls: int) -> None:
    data = os.urandom(size - 1) + b"x" + bytes(nuls)
    assert sealed(staging, data) == block_hash(data)


def test_the_same_block_sealed_twice_is_one_file_until_both_let_go(staging: Staging) -> None:
    name = sealed(staging, b"same")
    assert sealed(staging, b"same\0") == name
    assert len(list(staging.directory.iterdir())) == 1
    staging.release([name])
    assert staging.read(name, 0, 4) == b"same"
    staging.release([name])
    assert list(staging.directory.iterdir()) == []


def test_blocks_that_the_cloud_has_go_to_the_cache_when_nobody_needs_them(staging: Staging, tmp_path: Path) -> None:
    with BlockCache(tmp_path / "cache") as cache:
        staging.hand_over_to(cache)
        sent, unsent = sealed(staging, b"sent"), sealed(staging, b"unsent")
        path = ObjectPath("me", "c", "a")
        staging.uploaded(Origin(path, "7", Hashmap(4, (sent,))))
        staging.release([sent, unsent])
        assert cache.read(sent, length=6) == b"sent\0\0"
        assert cache.read(unsent, length=6) is None
        assert list(staging.directory.iterdir()) == []


def test_uploads_are_remembered_by_content(staging: Staging) -> None:
    origin = Origin(ObjectPath("me", "c", "a"), "7", Hashmap(4, (block_hash(b"sent"),)))
    staging.uploaded(origin)
    assert staging.upload_of(origin.hashmap) == origin
    assert staging.upload_of(Hashmap(5, origin.hashmap.hashes)) is None


def test_a_damaged_block_of_an_earlier_process_is_kept_and_never_given_out(staging: Staging, tmp_path: Path) -> None:
    name = sealed(staging, b"precious")
    staging.close()
    (staging.directory / f"b-{name}").write_bytes(b"preciouX")
    later = Staging(tmp_path / "slot")
    assert later.read(name, 0, 8) is None
    assert later.draft_of(name, 8) is None
    assert later.damaged(name)
    assert later.has(name)
    # The right content comes again: it takes the place of the damaged.
    assert sealed(later, b"precious") == name
    assert later.read(name, 0, 8) == b"precious"
    assert not later.damaged(name)
    later.close()


def test_a_sound_block_of_an_earlier_process_is_used(staging: Staging, tmp_path: Path) -> None:
    name = sealed(staging, b"precious")
    later = Staging(tmp_path / "slot")
    assert later.read(name, 0, 8) == b"precious"
    later.sync([name])
    later.close()


def test_a_sweep_removes_what_nobody_needs(staging: Staging, tmp_path: Path) -> None:
    needed, orphan = sealed(staging, b"needed"), sealed(staging, b"orphan")
    staging.draft(b"unfinished")
    (staging.directory / "x-leaving").write_bytes(b"half way to the cache")
    later = Staging(tmp_path / "slot")
    later.retain([needed])
    later.sweep()
    assert later.staged() == {needed}
    assert later.leftovers() == []
    assert later.read(orphan, 0, 6) is None
    later.close()


def test_copies_of_drafts_and_blocks_go_their_own_way(staging: Staging) -> None:
    draft = staging.draft(b"one")
    copy = staging.copy(draft)
    staging.write(copy, 0, b"two")
    assert staging.read_draft(draft, 0, 3) == b"one"
    name = staging.seal(draft, "sha256")
    third = staging.draft_of(name, 2)
    assert third is not None
    assert staging.read_draft(third, 0, 3) == b"on\0"
    staging.write(third, 0, b"xx")
    assert staging.read(name, 0, 3) == b"one"
    with pytest.raises(FileNotFoundError):
        staging.copy(draft)


def test_descriptors_are_few(staging: Staging) -> None:
    before = len(os.listdir("/proc/self/fd"))
    drafts = [staging.draft(b"%d" % number) for number in range(300)]
    assert len(os.listdir("/proc/self/fd")) <= before + 130
    assert all(
        staging.read_draft(draft, 0, len(b"%d" % number)) == b"%d" % number for number, draft in enumerate(drafts)
    )
    names = [staging.seal(draft, "sha256") for draft in drafts]
    assert all(staging.read(name, 0, 3) is not None for name in names)
    assert len(os.listdir("/proc/self/fd")) <= before + 130


def test_sealing_and_releasing_the_same_block_from_many_threads_never_loses_it(staging: Staging) -> None:
    failures: list[str] = []

    def work() -> None:
        for _ in range(200):
            name = sealed(staging, b"contended")
            if staging.read(name, 0, 9) != b"contended":
                failures.append("gone while retained")
            staging.release([name])

    threads = [threading.Thread(target=work) for _ in range(6)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert failures == []
    assert list(staging.directory.iterdir()) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one MiB."""
    if os.geteuid():
        pytest.skip("needs root to mount a small file system")
    libc = ctypes.CDLL(None, use_errno=True)
    point = tmp_path / "small"
    point.mkdir()
    if libc.mount(b"tmpfs", os.fsencode(point), b"tmpfs", 0, b"size=1m"):
        pytest.skip(f"cannot mount: {os.strerror(ctypes.get_errno())}")
    yield point
    assert libc.umount2(os.fsencode(point), 0) == 0


def test_a_full_disk_is_told_and_harms_nothing_sealed(small_disk: Path) -> None:
    staging = Staging(small_disk)
    kept = sealed(staging, b"k" * 300_000)
    draft = staging.draft()
    written = staging.write(draft, 0, b"d" * 2_000_000)
    assert 0 < written < 2_000_000  # what fitted
    with pytest.raises(OSError) as caught:
        staging.write(draft, written, b"more")
    assert caught.value.errno == errno.ENOSPC
    with pytest.raises(OSError) as caught:
        staging.draft_of(kept, 300_000)
    assert caught.value.errno == errno.ENOSPC
    with pytest.raises(OSError) as caught:
        staging.draft(b"d" * 300_000)
    assert caught.value.errno == errno.ENOSPC
    assert staging.read(kept, 0, 300_000) == b"k" * 300_000
    assert len(staging.leftovers()) == 1  # the one draft
    staging.drop(draft)
    copy = staging.draft_of(kept, 300_000)
    assert copy is not None
    assert staging.seal(copy, "sha256") == kept
    staging.close()
