"""Bringing objects to this machine: requests, what is not fetched because it is here, and answers that lie."""

from __future__ import annotations

import io
import os
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, cast

import pytest
from fixtures.proxy import Answer, CutBody, Drop, LoseAnswer, ReplaceBody, Request
from fixtures.scripted import Scripted, answer

from pithosfs.blocks import block_hash
from pithosfs.cache import BlockCache
from pithosfs.clients.pithos.wire import PithosWire
from pithosfs.errors import BadReply, NotAllowed, PithosfsError, ServerFailed, TransferCancelled
from pithosfs.http import Session
from pithosfs.mount.attributes import Attributes, from_meta
from pithosfs.store import Delivery, ObjectInfo
from pithosfs.store.pithos import PithosStore
from pithosfs_daemon.remote import Received, RemoteBase, RemoteFolder, hash_local
from pithosfs_daemon.troubles import ContainerGone, LocalChanged, NotAFile, RemoteChanged
from pithosfs_daemon.values import Content, Pair

from .conftest import BLOCK, Nobody, Side

MODES = Attributes(mode=0o755, mtime_ns=1_700_000_000_123_456_789)
LARGE = 2 * BLOCK + 300_000


def fresh(size: int) -> bytes:
    return os.urandom(size)


def is_content(request: Request) -> bool:
    return request.method == "GET" and "range" in request.headers


def test_sizes_and_what_comes_with_them(either: Side) -> None:
    side = either
    contents = [b"", b"x", b"abc\0\0", bytes(5000), fresh(130_000), fresh(BLOCK), bytes(BLOCK), fresh(BLOCK + 1)]
    contents += [fresh(LARGE), bytes(3 * BLOCK), fresh(100) + bytes(2 * BLOCK) + fresh(7)]
    for number, data in enumerate(contents):
        sent = side.send(f"d/{number}", data, attributes=MODES)
        got, came = side.receive(f"d/{number}")
        assert came == data
        assert (got.content, got.hashmap, got.sums) == (sent.content, sent.hashmap, sent.sums)
        assert (got.info.name, got.info.version, got.info.size) == (f"d/{number}", sent.info.version, len(data))
        assert from_meta(got.info.meta or {}) == MODES
        assert RemoteBase.of(got.info) == RemoteBase.of(sent.info)


def test_requests(make_side: Callable[..., Side]) -> None:
    side = make_side("work")
    side.send("small", fresh(1000))
    side.send("block", fresh(BLOCK))
    side.send("large", fresh(LARGE))
    side.send("empty", b"")
    side.send("nuls", bytes(1000))
    infos = {one.name: one for one in side.listed()}
    side.asked()
    for name, requests in (
        ("small", ["GET"]),
        ("block", ["GET"]),
        ("large", ["HEAD", "GET", "GET", "GET", "GET"]),
        ("empty", ["HEAD"]),
        ("nuls", ["HEAD"]),
    ):
        side.receive(name, infos[name])
        assert side.asked() == requests
        known = side.folder.look(name)
        assert known is not None
        side.asked()
        side.receive(name, known)  # the metadata is known already
        assert side.asked() == [one for one in requests if one != "HEAD"]


class Grudging(io.RawIOBase):
    """A file that takes a little at a time."""

    def __init__(self) -> None:
        self.data = b""

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:  # type: ignore[override]
        taken = bytes(data)[:999]  # type: ignore[call-overload]
        self.data += taken
        return len(taken)


def test_a_file_that_takes_a_little_at_a_time(side: Side) -> None:
    data = fresh(5000)
    side.send("x", data)
    file = Grudging()
    info = side.listed()[0]
    side.folder.receive(
        "x", info, cast(BinaryIO, file), find=lambda block: (), meter=lambda done: None, cancel=threading.Event()
    )
    assert file.data == data


def test_holes_stay_holes(side: Side) -> None:
    data = fresh(1000) + bytes(4 * BLOCK) + fresh(1000)
    side.send("x", data)
    path = side.file(b"")
    with path.open("r+b") as stream:
        info = next(one for one in side.listed() if one.name == "x")
        side.folder.receive("x", info, stream, find=lambda block: (), meter=lambda done: None, cancel=threading.Event())
    assert path.read_bytes() == data
    assert path.stat().st_blocks * 512 < BLOCK


def test_the_version_that_was_decided_on_comes(either: Side) -> None:
    side = either
    for size in (10, LARGE):
        first = fresh(size)
        side.put("x", first, meta={"mode": "600"})
        info = next(one for one in side.listed() if one.name == "x")
        side.put("x", b"newer", meta={"mode": "644"})
        got, came = side.receive("x", info)
        assert came == first
        assert got.info.version == info.version
        assert from_meta(got.info.meta or {}).mode == 0o600
        side.there.store.delete(side.there.path(side.full("x")))
        assert side.receive("x", info)[1] == first


@pytest.mark.parametrize("size", [10, LARGE])
def test_a_version_that_is_gone(side: Side, size: int) -> None:
    side.there.store.set_policy(side.there.container, {"versioning": "none"})
    side.put("x", fresh(size))
    info = next(one for one in side.listed() if one.name == "x")
    side.put("x", b"newer")
    with pytest.raises(RemoteChanged):
        side.receive("x", info)


@pytest.mark.parametrize("size", [0, 10, LARGE])
def test_a_container_that_is_gone(side: Side, size: int) -> None:
    side.put("x", fresh(size))
    info = next(one for one in side.listed() if one.name == "x")
    path = side.there.path(side.full("x"))
    side.there.store.delete(path)
    side.there.store.delete_container(side.there.container)
    with pytest.raises(ContainerGone):
        side.receive("x", info)


@pytest.mark.parametrize("own", [0, 10, LARGE])
def test_a_manifest_is_no_file(side: Side, own: int) -> None:
    side.put("part/1", fresh(1000))
    delivery = Delivery(manifest=f"{side.there.container}/{side.full('part/')}")
    side.put("x", fresh(own), delivery=delivery)
    with pytest.raises(NotAFile):
        side.receive("x")


# what is on this machine already --------------------------------------------------------------------------------------


class Finder:
    """Knows where blocks are; `asked` are those it was asked for."""

    def __init__(self) -> None:
        self.places: dict[str, list[tuple[Callable[[], BinaryIO], int]]] = {}
        self.asked: list[str] = []
        self.opened = 0

    def file(self, path: Path, offset: int, block: bytes) -> None:
        self.places.setdefault(block_hash(block), []).append((lambda: self._open(path), offset))

    def _open(self, path: Path) -> BinaryIO:
        self.opened += 1
        return path.open("rb")

    def __call__(self, block: str) -> list[tuple[Callable[[], BinaryIO], int]]:
        self.asked.append(block)
        return self.places.get(block, [])


@pytest.fixture
def finder() -> Finder:
    return Finder()


def test_blocks_of_other_files_are_not_fetched(make_side: Callable[..., Side], finder: Finder) -> None:
    side = make_side()
    old = fresh(LARGE)
    new = old[:BLOCK] + fresh(BLOCK) + old[2 * BLOCK :]
    side.send("x", new, attributes=MODES)
    path = side.file(old)
    for start in range(0, LARGE, BLOCK):
        finder.file(path, start, old[start : start + BLOCK])
    side.asked()
    got, came = side.receive("x", find=finder)
    assert came == new
    assert BLOCK < side.wire.received < BLOCK + 10_000
    assert from_meta(got.info.meta or {}) == MODES
    with side.file(new).open("rb") as stream:
        assert got.sums == hash_local(stream, LARGE, BLOCK, "sha256").sums


@pytest.mark.parametrize("size", [1000, BLOCK])
def test_a_small_object_that_is_here_costs_one_request_without_content(
    make_side: Callable[..., Side], finder: Finder, size: int
) -> None:
    side = make_side()
    data = fresh(size)
    side.send("x", data, attributes=MODES)
    info = side.listed()[0]
    finder.file(side.file(b"before" + data), 6, data)
    side.asked()
    got, came = side.receive("x", info, find=finder)
    assert came == data
    assert from_meta(got.info.meta or {}) == MODES
    assert side.wire.received < 2000
    assert side.asked() == ["HEAD"]


def test_places_that_are_wrong_or_gone_are_passed_over(make_side: Callable[..., Side], finder: Finder) -> None:
    side = make_side()

    def changed_meanwhile() -> BinaryIO:
        raise LocalChanged("it is another file now")

    for size in (1000, LARGE):
        data = fresh(size)
        side.send("x", data, base=None if size == 1000 else RemoteBase.of(side.there.head("x")))
        block = data[:BLOCK]
        finder.places[block_hash(block)] = [(changed_meanwhile, 0)]
        finder.file(side.files / "nowhere", 0, block)
        finder.file(side.file(fresh(BLOCK)), 0, block)
        right = side.file(b"." + data)
        finder.file(right, 1, block)
        side.asked()
        assert side.receive("x", find=finder)[1] == data
        assert side.wire.received < size - len(block) + 6000
        right.write_bytes(b"short")
        assert side.receive("x", find=finder)[1] == data


def test_a_block_that_ends_in_nuls_may_be_shorter_there(make_side: Callable[..., Side], finder: Finder) -> None:
    side = make_side()
    data = fresh(5000) + bytes(3000)
    side.send("x", data)
    finder.file(side.file(data[:5000]), 0, data)
    side.asked()
    assert side.receive("x", find=finder)[1] == data
    assert side.wire.received < 3000


def test_a_block_that_is_longer_there_is_another(make_side: Callable[..., Side], finder: Finder) -> None:
    side = make_side()
    data = fresh(5000)
    side.send("x", data)
    finder.file(side.file(data + b"more"), 0, data)
    assert side.receive("x", find=finder)[1] == data


def test_blocks_of_nuls_are_looked_for_nowhere(make_side: Callable[..., Side], finder: Finder) -> None:
    side = make_side()
    side.send("x", bytes(1000))
    side.send("y", bytes(2 * BLOCK))
    assert side.receive("x", find=finder)[1] == bytes(1000)
    assert side.receive("y", find=finder)[1] == bytes(2 * BLOCK)
    assert finder.asked == []


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[BlockCache]:
    made = BlockCache(tmp_path / "cache", 100 * BLOCK)
    yield made
    made.close()


def test_blocks_in_the_cache_are_not_fetched(make_side: Callable[..., Side], cache: BlockCache) -> None:
    side = make_side("", cache=cache)
    large, small = fresh(LARGE), fresh(10_000)
    side.send("large", large)
    side.send("small", small)
    cache.put(block_hash(large[:BLOCK]), large[:BLOCK])
    cache.put(block_hash(small), small)
    infos = {one.name: one for one in side.listed()}
    side.asked()
    assert side.receive("large", infos["large"])[1] == large
    assert side.wire.received < LARGE - BLOCK + 5000
    side.asked()
    assert side.receive("small", infos["small"])[1] == small
    assert side.asked() == ["HEAD"]


def test_what_is_received_does_not_take_its_room_twice(make_side: Callable[..., Side], cache: BlockCache) -> None:
    side = make_side("", cache=cache)
    side.send("x", fresh(LARGE))
    side.receive("x")
    assert cache.stats().blocks == 0


def test_a_damaged_cache_does_no_harm(make_side: Callable[..., Side], cache: BlockCache) -> None:
    side = make_side("", cache=cache)
    data = fresh(10_000)
    side.send("x", data)
    name = block_hash(data)
    cache.put(name, data)
    (stored,) = [one for one in cache.directory.rglob(name) if one.is_file()]
    stored.chmod(0o600)
    stored.write_bytes(fresh(10_000))
    assert side.receive("x")[1] == data


# answers that lie -----------------------------------------------------------------------------------------------------


def described_as(data: bytes, info: ObjectInfo) -> list[bytes]:
    """The answers of a server whose object has this content, and is what `info` says."""
    headers = {"Content_Range": f"bytes 0-{len(data) - 1}/{len(data)}", "X_Object_Version": info.version}
    return [
        answer(204, X_Container_Block_Size=str(BLOCK), X_Container_Block_Hash="sha256"),
        answer(206, data, ETag=info.hash, X_Object_Hash=info.hash, **headers),
    ]


def receive_from(side: Side, server: Scripted, info: ObjectInfo) -> tuple[Received, bytes]:
    """Download from a server that says what it is told to."""
    with Session() as session:
        store = PithosStore(PithosWire(session, server.url, "token"), "u", Nobody())
        folder = RemoteFolder(store, Pair("p", Path("/nowhere"), "test", "u", "c"))
        path = side.file(b"")
        with path.open("r+b") as stream:
            got = folder.receive(
                "x", info, stream, find=lambda block: (), meter=lambda done: None, cancel=threading.Event()
            )
        return got, path.read_bytes()


@pytest.mark.parametrize("size", [1000, LARGE])
def test_damaged_content_is_fetched_again(side: Side, size: int) -> None:
    data = fresh(size)
    side.send("x", data)
    info = next(one for one in side.listed() if one.name == "x")
    side.wire.when(is_content, ReplaceBody(), times=1)
    assert side.receive("x", info)[1] == data


@pytest.mark.parametrize("size", [5, 1000, BLOCK - 1, BLOCK, 2 * BLOCK])
def test_content_that_stays_damaged_is_refused(side: Side, size: int) -> None:
    side.send("x", fresh(size))
    info = next(one for one in side.listed() if one.name == "x")
    side.wire.when(is_content, ReplaceBody())
    with pytest.raises(BadReply):
        side.receive("x", info)


def test_a_hash_of_hidden_bytes(side: Side, caplog: pytest.LogCaptureFixture) -> None:
    """An object that was cut shorter: it comes the same every time, and keeps the name that the cloud gives it."""
    data = fresh(5000)
    whole = data + b"hidden"
    info = replace(side.put("x", data), name="x", hash=block_hash(whole))
    head, content = described_as(data, info)
    rest = answer(206, data[1:], Content_Range="bytes 1-4999/5000", X_Object_Version=info.version)
    with Scripted(head, content, content, rest) as server:
        got, came = receive_from(side, server, info)
        assert [seen.line.split()[0] for seen in server.seen] == ["HEAD", "GET", "GET", "GET"]
    assert came == data
    assert got.content == Content(block_hash(whole), 5000)
    assert "cut shorter" in caplog.text


@pytest.mark.parametrize("size", [1000, LARGE])
@pytest.mark.parametrize("broken", [CutBody(100), Drop(), LoseAnswer(), Answer(503)])
def test_broken_answers_are_asked_for_again(side: Side, size: int, broken: object) -> None:
    data = fresh(size)
    side.send("x", data)
    info = next(one for one in side.listed() if one.name == "x")
    side.wire.when("^GET", broken, times=2)  # type: ignore[arg-type]
    assert side.receive("x", info)[1] == data


@pytest.mark.parametrize("size", [1000, LARGE])
@pytest.mark.parametrize(("status", "error"), [(500, ServerFailed), (403, NotAllowed), (400, PithosfsError)])
def test_a_server_that_fails(side: Side, size: int, status: int, error: type[PithosfsError]) -> None:
    side.send("x", fresh(size))
    info = next(one for one in side.listed() if one.name == "x")
    side.wire.when(is_content, Answer(status))
    with pytest.raises(error):
        side.receive("x", info)


def test_a_listing_that_told_another_size_or_hash(side: Side) -> None:
    for size in (1000, LARGE):
        side.put("x", fresh(size))
        info = next(one for one in side.listed() if one.name == "x")
        for wrong in (replace(info, hash="00" * 32), replace(info, size=info.size - 1)):
            with pytest.raises(BadReply):
                side.receive("x", wrong)


# progress, its end, memory --------------------------------------------------------------------------------------------


def test_progress(side: Side) -> None:
    for size in (0, 1000, LARGE):
        side.put("x", fresh(size))
        told: list[int] = []
        side.receive("x", meter=told.append)
        assert told == sorted(told)
        assert told[-1] == size


@pytest.mark.parametrize("size", [1000, LARGE])
def test_called_off_before_it_began(side: Side, size: int) -> None:
    side.send("x", fresh(size))
    info = next(one for one in side.listed() if one.name == "x")
    side.asked()
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(TransferCancelled):
        side.receive("x", info, cancel=cancel)
    assert side.asked() == []


def test_called_off_between_two_blocks(side: Side) -> None:
    side.send("x", fresh(12 * BLOCK))
    info = next(one for one in side.listed() if one.name == "x")
    side.asked()
    cancel = threading.Event()
    with pytest.raises(TransferCancelled):
        side.receive("x", info, cancel=cancel, meter=lambda done: cancel.set() if done else None)
    assert len(side.asked()) < 12


def test_a_few_blocks_are_in_memory(make_side: Callable[..., Side]) -> None:
    side = make_side()
    side.send("x", fresh(20 * BLOCK))
    info = side.listed()[0]
    tracemalloc.start()
    try:
        path = side.file(b"")
        with path.open("r+b") as stream:
            side.folder.receive(
                "x", info, stream, find=lambda block: (), meter=lambda done: None, cancel=threading.Event()
            )
        assert tracemalloc.get_traced_memory()[1] < 14 * BLOCK
    finally:
        tracemalloc.stop()


def test_several_at_once_share_the_memory(make_side: Callable[..., Side]) -> None:
    side = make_side()
    contents = {f"x{number}": fresh(3 * BLOCK) for number in range(6)}
    for name, data in contents.items():
        side.send(name, data)
    infos = {one.name: one for one in side.listed()}
    came: dict[str, bytes] = {}
    threads = [
        threading.Thread(target=lambda name=name: came.update({name: side.receive(name, infos[name])[1]}))  # type: ignore[misc]
        for name in contents
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join(60)
    assert came == contents
