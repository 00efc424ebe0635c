"""Hashing local files: the cloud's hashes, our sums, and files that do not hold still."""

from __future__ import annotations

import io
import os
import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from xxhash import xxh3_128

from pithosfs.blocks import hash_stream
from pithosfs.errors import TransferCancelled
from pithosfs_daemon.remote import OldContent, hash_local
from pithosfs_daemon.remote.hashing import PIECE, LocalFile, hash_data, sums_of
from pithosfs_daemon.remote.ranges import Span, changed_span, short_way
from pithosfs_daemon.troubles import LocalChanged
from pithosfs_daemon.values import Content

MIB = 1024 * 1024
SIZES = [0, 1, PIECE - 1, PIECE, PIECE + 1, MIB, MIB + 1, 5 * MIB - 1]


def noise(size: int, seed: int = 0) -> bytes:
    return random.Random(seed).randbytes(size)


@pytest.fixture
def file(tmp_path: Path) -> Callable[[bytes], Path]:
    def make(data: bytes) -> Path:
        path = tmp_path / "file"
        path.write_bytes(data)
        return path

    return make


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("block_size", [MIB, 100_000])
@pytest.mark.parametrize("ending", [b"", bytes(70_000), bytes(3 * MIB)])
def test_a_file_is_hashed(file: Callable[[bytes], Path], size: int, block_size: int, ending: bytes) -> None:
    data = noise(size) + ending
    with file(data).open("rb") as stream:
        stream.seek(3)
        found = hash_local(stream, len(data), block_size, "sha256")
        assert stream.tell() == 3
    expected = hash_stream(io.BytesIO(data), block_size, "sha256")
    assert found.hashmap == expected
    assert found.content == Content(expected.root, len(data))
    pieces = [data[at : at + PIECE] for at in range(0, len(data), PIECE)]
    sums = b"".join(xxh3_128(one).digest() for one in pieces)
    assert sums_of(data) == sums
    assert found.sums == (sums if len(data) > PIECE else b"")
    assert hash_data(data, block_size, "sha256") == found


def test_several_files_at_once(tmp_path: Path) -> None:
    def work(number: int) -> bool:
        data = noise(3 * MIB + number, number)
        path = tmp_path / str(number)
        path.write_bytes(data)
        with path.open("rb") as stream:
            return hash_local(stream, len(data), MIB, "sha256") == hash_data(data, MIB, "sha256")

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(work, range(8)))


def test_a_file_that_is_not_as_large_as_it_was(file: Callable[[bytes], Path]) -> None:
    path = file(noise(1000))
    for size in (999, 1001, 0):
        with path.open("rb") as stream, pytest.raises(LocalChanged):
            hash_local(stream, size, MIB, "sha256")


@pytest.mark.parametrize("change", ["write", "grow", "cut"])
def test_a_file_that_is_written_to_meanwhile(file: Callable[[bytes], Path], change: str) -> None:
    path = file(noise(3 * MIB))
    with path.open("rb") as stream:
        local = LocalFile(stream, 3 * MIB)
        local.check()
        os.utime(path, ns=(1, 1))  # so that the next change shows, however soon it comes
        local = LocalFile(stream, 3 * MIB)
        if change == "cut":
            os.truncate(path, 2 * MIB)
            with pytest.raises(LocalChanged):
                local.read(MIB, 2 * MIB)
        else:
            with path.open("r+b") as writer:
                writer.seek(0, os.SEEK_END if change == "grow" else os.SEEK_SET)
                writer.write(b"more")
        with pytest.raises(LocalChanged):
            local.check()


def test_a_renamed_file_is_the_same(file: Callable[[bytes], Path], tmp_path: Path) -> None:
    path = file(noise(1000))
    with path.open("rb") as stream:
        local = LocalFile(stream, 1000)
        path.rename(tmp_path / "other")
        local.check()


def test_what_is_no_file(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    with open(reader, "rb") as stream, open(writer, "wb"), pytest.raises(LocalChanged):
        hash_local(stream, 0, MIB, "sha256")


def test_hashing_is_called_off(file: Callable[[bytes], Path]) -> None:
    cancel = threading.Event()
    cancel.set()
    with file(noise(MIB)).open("rb") as stream, pytest.raises(TransferCancelled):
        hash_local(stream, MIB, MIB, "sha256", cancel)


# which part has to travel ---------------------------------------------------------------------------------------------


def span_of(old: bytes, new: bytes) -> Span | None:
    return changed_span(len(old), sums_of(old), len(new), sums_of(new), lambda start, end: sums_of(new[start:end]))


@given(
    pieces=st.integers(0, 4),
    tail=st.integers(0, 3),
    edits=st.lists(st.tuples(st.integers(0, 5 * PIECE), st.integers(1, 5)), max_size=3),
    more=st.sampled_from([0, 1, 10, PIECE, PIECE + 7]),
)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.data_too_large])
def test_a_span_makes_the_new_content_of_the_old(
    pieces: int, tail: int, edits: list[tuple[int, int]], more: int
) -> None:
    old = noise(pieces * PIECE + tail)
    changed = bytearray(old + bytes(more))
    for offset, length in edits:
        end = min(len(changed), offset + length)
        changed[offset:end] = b"!" * max(0, end - offset)
    new = bytes(changed)
    span = span_of(old, new)
    if span is None:
        assert new == old
        return
    assert 0 <= span.start <= len(old)
    assert span.start < span.end <= len(new)
    made = old[: span.start] + new[span.start : span.end] + old[span.end :]
    assert made == new
    # Nothing travels before the first piece that is different, and nothing behind the last one.
    first = next(at for at in range(len(new)) if at >= len(old) or old[at] != new[at])
    assert span.start >= first // PIECE * PIECE
    if len(new) == len(old):
        last = max(at for at in range(len(new)) if old[at] != new[at])
        assert span.end <= (last // PIECE + 1) * PIECE


def test_of_what_was_appended_only_that_travels() -> None:
    old = noise(3 * PIECE + 10)
    assert span_of(old, old + b"more") == Span(len(old), len(old) + 4)
    assert span_of(old, old[:-1] + b"!more") == Span(3 * PIECE, len(old) + 4)
    assert span_of(old[: 3 * PIECE], old) == Span(3 * PIECE, len(old))
    assert span_of(b"", old) == Span(0, len(old))


def test_a_shorter_content_has_no_span() -> None:
    old = noise(3 * PIECE + 10)
    assert span_of(old, old[:-1]) is None
    assert span_of(old, old) is None
    assert changed_span(len(old), sums_of(old)[:-1], len(old), sums_of(old), lambda start, end: b"") is None


def choose(old: bytes, new: bytes, *, blocks: bool = True) -> Span | None:
    before, after = hash_data(old, MIB, "sha256"), hash_data(new, MIB, "sha256")
    known = OldContent(before.hashmap if blocks else None, before.sums)
    return short_way(known, before.content, after, lambda start, end: sums_of(new[start:end]))


def edited(data: bytes, *places: int) -> bytes:
    changed = bytearray(data)
    for place in places:
        changed[place] ^= 1
    return bytes(changed)


def test_the_shorter_way_is_taken() -> None:
    old = noise(5 * MIB)
    assert choose(old, edited(old, MIB + 5)) == Span(MIB, MIB + PIECE)
    assert choose(old, edited(old, MIB - 1, MIB)) == Span(MIB - PIECE, MIB + PIECE)
    assert choose(old, edited(old, 0, MIB // 2 - 1)) == Span(0, MIB // 2)
    assert choose(old, edited(old, 0, MIB // 2)) is None  # more than half of the block
    assert choose(old, edited(old, 0, 4 * MIB)) is None  # two blocks are less than all between
    assert choose(old, old) is None
    assert choose(old, old + b"tail") == Span(5 * MIB, 5 * MIB + 4)
    assert choose(old, old + noise(MIB, 1)) is None
    # A few pieces are sent as they are, even where the block is not longer.
    short = noise(MIB + 3 * PIECE)
    assert choose(short, edited(short, MIB + PIECE)) == Span(MIB + PIECE, MIB + 2 * PIECE)
    assert choose(short, edited(short, MIB, MIB + PIECE)) == Span(MIB, MIB + 2 * PIECE)
    assert choose(short, edited(short, MIB, MIB + 2 * PIECE)) is None
    assert choose(old, edited(old, MIB), blocks=False) == Span(MIB, MIB + PIECE)


def test_nothing_is_known_of_the_old_content() -> None:
    data = noise(MIB)
    after = hash_data(edited(data, 5), MIB, "sha256")
    before = hash_data(data, MIB, "sha256")
    for old, base in ((None, before.content), (OldContent(), before.content), (OldContent(None, before.sums), None)):
        assert short_way(old, base, after, lambda start, end: b"") is None
