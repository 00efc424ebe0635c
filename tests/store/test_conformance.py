"""What every object store must do for the file system and the daemon: the seam's promises, one by one."""

from __future__ import annotations

import io
import os
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from pithosfs.blocks import Hashmap, block_hash, hash_stream
from pithosfs.errors import (
    BadRequest,
    ClientError,
    Conflict,
    NotAllowed,
    NotFound,
    NotLoggedIn,
    PithosfsError,
    PreconditionFailed,
    QuotaExceeded,
    UsageError,
)
from pithosfs.store import Delivery, ObjectInfo, ObjectPath, ObjectStore, Sharing, open_store
from pithosfs.store.transfers import ObjectSource, ObjectTarget
from pithosfs.transfer import download, upload

from .conftest import MIB, Place, Users

BLOCK = 4 * MIB

ODD_NAMES = [
    "plain",
    "with space",
    " leading and trailing ",
    "ünïcödé ☃ 𝄞",
    "per%cent %41 %2F",
    "plus+plus",
    "quest?ion#hash&amp=;",
    "dots/./../x",
    "..",
    "../../etc/passwd",
    ".hidden",
    "a//b",
    "/absolute",
    "//twice",
    "trailing/",
    "tab\tand\x01control\x7f",
    "quo\"te's\\back",
    "~tilde~",
    "x.json",
    "y.xml",
    "n" * 1024,
]


def noise(size: int, seed: int = 0) -> bytes:
    return random.Random(seed).randbytes(size)


def hashmap_of(data: bytes) -> Hashmap:
    return hash_stream(io.BytesIO(data))


def send(store: ObjectStore, path: ObjectPath, data: bytes, **options: object) -> ObjectInfo:
    """By blocks, whatever its size."""
    hashmap = hashmap_of(data)
    for name in store.missing_blocks(path.container, hashmap):
        index = hashmap.hashes.index(name)
        assert store.put_block(path.container, data[index * BLOCK : (index + 1) * BLOCK]) == name
    given = {"content_type": "text/plain", "meta": {}, "base": None} | options
    info = store.put_hashmap(path, hashmap, **given)  # type: ignore[arg-type]
    assert isinstance(info, ObjectInfo)
    return info


# containers -----------------------------------------------------------------------------------------------------------


def test_containers_come_and_go(store: ObjectStore, container: str) -> None:
    assert container in [one.name for one in store.containers()]
    with pytest.raises(Conflict):
        store.create_container(container)
    info = store.container(container)
    assert (info.name, info.count, info.size) == (container, 0, 0)
    assert info.block_size == BLOCK
    assert info.block_hash == "sha256"
    assert abs(info.modified_ns / 1e9 - time.time()) < 60
    assert info.object_meta_keys == frozenset()
    store.delete_container(container)
    assert container not in [one.name for one in store.containers()]
    with pytest.raises(NotFound):
        store.container(container)
    with pytest.raises(NotFound):
        store.delete_container(container)


@pytest.mark.parametrize("name", ["with space", "ünï☃", "per%41cent", "..", ".", "a?b#c", "x.json", "c" * 256])
def test_containers_of_any_name(store: ObjectStore, name: str) -> None:
    store.create_container(name)
    assert name in [one.name for one in store.containers()]
    assert store.container(name).name == name
    path = ObjectPath(store.account, name, "x")
    store.put_object(path, b"1", content_type="", meta={}, base=None)
    assert store.head(path).size == 1
    store.delete(path)
    store.delete_container(name)


@pytest.mark.parametrize("name", ["", "a/b", "c" * 257, "new\nline"])
def test_containers_of_no_name(store: ObjectStore, name: str) -> None:
    with pytest.raises(BadRequest):
        store.create_container(name)


def test_a_container_that_holds_something_stays(store: ObjectStore, container: str, place: Place) -> None:
    place.put("x", b"12345", key="value")
    with pytest.raises(Conflict):
        store.delete_container(container)
    info = store.container(container)
    assert (info.count, info.size) == (1, 5)
    assert info.object_meta_keys == frozenset({"key"})
    listed = next(one for one in store.containers() if one.name == container)
    assert (listed.count, listed.size) == (1, 5)


def test_policies_change_one_by_one(store: ObjectStore, container: str, place: Place) -> None:
    store.set_policy(container, {"quota": "1000"})
    store.set_policy(container, {"versioning": "none"})
    store.set_policy(container, {})
    policy = store.container(container).policy
    assert policy["quota"] == "1000"
    assert policy["versioning"] == "none"
    assert next(one for one in store.containers() if one.name == container).policy["quota"] == "1000"
    with pytest.raises(QuotaExceeded):
        place.put("x", bytes(1001))
    with pytest.raises(BadRequest):
        store.set_policy(container, {"quota": "much"})


# names ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ODD_NAMES)
def test_objects_of_any_name(place: Place, name: str) -> None:
    place.put("before")
    put = place.put(name, name.encode(), key=name[:20].replace("~", "").strip())
    assert place.read(name) == name.encode()
    head = place.store.head(place.path(name))
    assert head.name == put.name == name
    assert head.meta == put.meta
    assert sorted(place.names()) == sorted(["before", name])
    assert place.store.hashmap(place.path(name)) == hashmap_of(name.encode())
    place.store.copy(place.path(name), place.path("copy"))
    place.store.move(place.path("copy"), place.path(name[:500] + " moved/" + name[:500]))
    place.store.delete(place.path(name))
    assert sorted(place.names()) == sorted(["before", name[:500] + " moved/" + name[:500]])


@pytest.mark.parametrize("name", ["", "new\nline", "nul\0", "\udc80 is a byte", "n" * 1025])
def test_objects_of_no_name(place: Place, name: str) -> None:
    with pytest.raises(BadRequest):
        place.put(name)
    assert place.names() == []


def test_a_listing_tells_what_head_tells(place: Place) -> None:
    put = place.put("a.txt", b"hello world", key="value")
    listing = place.store.list_objects(place.container)
    assert listing is not None
    assert listing.complete
    assert listing.found.folders == ()
    (listed,) = listing.found.objects
    head = place.store.head(place.path("a.txt"))
    for one in (listed, head, put):
        assert (one.name, one.size, one.content_type) == ("a.txt", 11, "text/plain")
        assert one.hash == "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9"
        assert one.version == head.version
        assert one.modified_by == place.store.account
        assert abs(one.modified_ns - listed.modified_ns) < 2e9
    assert (listed.etag, listed.meta) == (None, None)
    assert head.meta == put.meta == {"key": "value"}
    assert head.etag == put.etag != ""
    assert listed.uuid == head.uuid != ""
    assert listed.modified_ns % 10**9 or head.modified_ns == listed.modified_ns
    assert (head.sharing, head.shared_by, head.public, head.allowed_to) == (None, None, None, None)


def test_listings_by_prefix_and_folder(place: Place) -> None:
    names = ["a", "a/b", "a/b/c", "a/d", "ab", "b/x/y", "/abs", "/abs/x", "//abs"]
    for name in names:
        place.put(name)
    place.folder("dir")

    def found(prefix: str = "", delimiter: str | None = None) -> tuple[set[str], set[str]]:
        listing = place.store.list_objects(place.container, prefix=prefix, delimiter=delimiter)
        assert listing is not None
        assert listing.complete
        return {one.name for one in listing.found.objects}, set(listing.found.folders)

    assert found() == ({*names, "dir"}, set())
    assert found("a/") == ({"a/b", "a/b/c", "a/d"}, set())
    assert found("a") == ({"a", "a/b", "a/b/c", "a/d", "ab"}, set())
    assert found("none") == (set(), set())
    assert found(delimiter="/") == ({"a", "ab", "dir"}, {"a", "b", ""})
    assert found("a/", "/") == ({"a/b", "a/d"}, {"a/b"})
    assert found("a", "/") == ({"a", "ab"}, {"a"})
    assert found("/abs") == ({"/abs", "/abs/x"}, set())
    assert found("/", "/") == ({"/abs"}, {"/abs", "/"})
    assert found("//", "/") == ({"//abs"}, set())
    assert found("b/", "/") == (set(), {"b/x"})
    assert found("b", "x") == (set(), {"b/"})


def test_a_listing_of_odd_names_by_folder(place: Place) -> None:
    for name in ("fol der/ü", "fol der/100%", "..", "../x", "a+b/c"):
        place.put(name)
    for prefix, expected in (("fol der/", {"fol der/ü", "fol der/100%"}), ("../", {"../x"}), ("a+b/", {"a+b/c"})):
        listing = place.store.list_objects(place.container, prefix=prefix, delimiter="/")
        assert listing is not None
        assert {one.name for one in listing.found.objects} == expected


def test_listings_cut_at_a_limit(place: Place) -> None:
    for number in range(7):
        place.put(f"{number}/x")
    for limit, complete in ((1, False), (6, False), (7, True), (8, True)):
        for delimiter in (None, "/"):
            listing = place.store.list_objects(place.container, delimiter=delimiter, limit=limit)
            assert listing is not None
            assert len(listing.found.objects) + len(listing.found.folders) == min(limit, 7)
            assert listing.complete is complete


@pytest.mark.big
def test_listings_over_several_pages(place: Place) -> None:
    marker = place.put("seed", b"x")
    assert marker.etag

    def make(number: int) -> None:
        name = f"deep/{number:05}" if number % 2 else f"{number:05}/leaf"
        place.put(name, b"x")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(make, range(20_010)))
    listing = place.store.list_objects(place.container)
    assert listing is not None
    assert len({one.name for one in listing.found.objects}) == len(listing.found.objects) == 20_011
    listing = place.store.list_objects(place.container, delimiter="/")
    assert listing is not None
    assert len(listing.found.folders) == 10_006
    assert [one.name for one in listing.found.objects] == ["seed"]
    listing = place.store.list_objects(place.container, limit=10_000)
    assert listing is not None
    assert not listing.complete
    stream = place.store.stream_listing(place.container)
    assert stream is not None
    assert stream.count == 20_011
    pages = [[one.name for one in page] for page in stream.pages]
    assert [len(page) for page in pages] == [10_000, 10_000, 11]
    assert [name for page in pages for name in page] == sorted({name for page in pages for name in page})


def test_a_conditional_listing(place: Place) -> None:
    place.put("x")
    listing = place.store.list_objects(place.container)
    assert listing is not None
    # Servers may take the date of their answers from a clock that ticks once a second.
    assert 0 < listing.modified <= listing.date + 1
    assert abs(listing.date - time.time()) < 60
    assert place.store.list_objects(place.container, modified_since=listing.modified) is None
    assert place.store.list_objects(place.container, modified_since=listing.modified - 1) is not None


def test_listing_what_is_not_there(store: ObjectStore) -> None:
    with pytest.raises(NotFound):
        store.list_objects("never made")
    with pytest.raises(NotFound):
        store.stream_listing("never made")


def test_a_listing_as_a_stream(place: Place) -> None:
    for name in ("a", "dir/a", "dir/b/c", "dir.txt", "dir/ü", "/slash"):
        place.put(name, name.encode())
    whole = place.store.list_objects(place.container)
    stream = place.store.stream_listing(place.container)
    assert whole is not None
    assert stream is not None
    assert (stream.modified, stream.count) == (whole.modified, 6)
    assert 0 <= stream.date - whole.date <= 5
    container = place.store.container(place.container)
    if stream.container is not None:
        assert (stream.container.block_size, stream.container.block_hash) == (
            container.block_size,
            container.block_hash,
        )
    assert [one for page in stream.pages for one in page] == list(whole.found.objects)
    assert list(stream.pages) == []
    for prefix, names in (("dir/", ["dir/a", "dir/b/c", "dir/ü"]), ("none/", []), ("/", ["/slash"])):
        part = place.store.stream_listing(place.container, prefix=prefix)
        assert part is not None
        assert part.modified == whole.modified  # the container's
        assert [one.name for page in part.pages for one in page] == names
        part = place.store.stream_listing(place.container, prefix=prefix, relative=True)
        assert part is not None
        assert [prefix + one.name for page in part.pages for one in page] == names
    assert place.store.stream_listing(place.container, modified_since=whole.modified) is None
    again = place.store.stream_listing(place.container, modified_since=whole.modified - 1)
    assert again is not None
    assert sum(len(page) for page in again.pages) == 6


# contents -------------------------------------------------------------------------------------------------------------


def test_put_and_read(place: Place) -> None:
    data = noise(100_000)
    info = place.put("x", data)
    assert info.hash == hashmap_of(data).root
    read = place.store.read_range
    assert read(place.path("x"), 0, 100_000, info.version) == data
    assert read(place.path("x"), 99_999, 100_000, info.version) == data[-1:]
    assert read(place.path("x"), 1000, 50_000, info.version) == data[1000:50_000]
    assert read(place.path("x"), 7, 7, info.version) == b""
    with pytest.raises(PithosfsError):
        read(place.path("x"), 0, 100_001, info.version)
    with pytest.raises(NotFound):
        read(place.path("x"), 0, 1, "999999999")
    with pytest.raises(NotFound):
        place.store.head(place.path("y"))


@pytest.mark.parametrize("name", ["x", "ünï/☃ 100%", 'quo"ted', "x.json"])
@pytest.mark.parametrize("size", [0, 1, 100_000])
def test_an_object_comes_whole_with_its_metadata(place: Place, name: str, size: int) -> None:
    place.put(name, b"older")
    data = noise(size)
    extras = Delivery("gzip", "attachment")
    for delivery in (None, extras):
        put = place.store.put_object(
            place.path(name),
            data,
            content_type="image/svg+xml",
            meta={"mtime": "1.5", "key": "ü"},
            base=None,
            delivery=delivery,
        )
        info, content = place.store.get_object(place.path(name), put.version, size)
        assert content == data
        assert info == replace(place.store.head(place.path(name), put.version), size=size)
        assert info.delivery == (delivery or Delivery())
    place.put(name, b"newer")
    assert place.store.get_object(place.path(name), put.version, size) == (info, data)
    place.store.delete(place.path(name))
    assert place.store.get_object(place.path(name), put.version, size) == (info, data)


def test_an_object_that_is_not_there_does_not_come(place: Place) -> None:
    info = place.put("x", b"data")
    for version, path in (("999999999", "x"), (info.version, "y")):
        with pytest.raises(NotFound):
            place.store.get_object(place.path(path), version, 4)
    with pytest.raises(PithosfsError):
        place.store.get_object(place.path("x"), info.version, 5)


def test_of_a_manifest_no_more_comes_than_was_asked_for(place: Place) -> None:
    for number in range(3):
        place.put(f"parts/{number}", noise(1000, number))
    made = place.store.put_object(
        place.path("whole"),
        b"",
        content_type="",
        meta={},
        base=None,
        delivery=Delivery(manifest=f"{place.container}/parts/"),
    )
    info, content = place.store.get_object(place.path("whole"), made.version, 10)
    assert (info.is_manifest, info.size, content) == (True, 3000, noise(1000, 0)[:10])
    info, content = place.store.get_object(place.path("whole"), made.version, 0)
    assert (info.is_manifest, info.size, content) == (True, 3000, b"")


def test_an_empty_object(place: Place) -> None:
    info = place.put("empty", b"")
    assert (info.size, info.hash) == (0, hashmap_of(b"").root)
    assert place.store.hashmap(place.path("empty")) == hashmap_of(b"")
    assert send(place.store, place.path("empty too"), b"").hash == info.hash
    assert place.read("empty too") == b""


def test_trailing_nuls_count(place: Place) -> None:
    for data in (b"abc", b"abc\0", bytes(5), b"\0abc\0\0"):
        place.put("x", data)
        assert place.read("x") == data
        send(place.store, place.path("y"), data)
        assert place.read("y") == data


def test_an_old_version_stays_readable(place: Place) -> None:
    versions = [place.put("x", str(number).encode(), number=str(number)) for number in range(5)]
    assert len({one.version for one in versions}) == 5
    history = place.store.versions(place.path("x"))
    assert [one.version for one in history] == [one.version for one in versions]
    assert [one.modified_ns for one in history] == sorted(one.modified_ns for one in history)
    for number, one in enumerate(versions):
        assert place.store.read_range(place.path("x"), 0, 1, one.version) == str(number).encode()
        head = place.store.head(place.path("x"), one.version)
        assert (head.meta, head.version) == ({"number": str(number)}, one.version)
        assert place.store.hashmap(place.path("x"), one.version) == hashmap_of(str(number).encode())
    place.store.delete(place.path("x"))
    with pytest.raises(NotFound):
        place.store.head(place.path("x"))
    assert len(place.store.versions(place.path("x"))) == 5
    assert place.store.read_range(place.path("x"), 0, 1, versions[2].version) == b"2"


@pytest.mark.parametrize("by_blocks", [False, True])
def test_conditions(place: Place, by_blocks: bool) -> None:
    def put(name: str, data: bytes, base: str | None) -> ObjectInfo:
        if by_blocks:
            return send(place.store, place.path(name), data, base=base)
        return place.store.put_object(place.path(name), data, content_type="text/plain", meta={}, base=base)

    first = put("x", b"first", "")
    with pytest.raises(PreconditionFailed):
        put("x", b"again", "")
    second = put("x", b"second", first.etag)
    with pytest.raises(PreconditionFailed):
        put("x", b"late", first.etag)
    with pytest.raises(PreconditionFailed):
        put("absent", b"x", first.etag)
    assert place.read("x") == b"second"
    assert place.store.head(place.path("x")).version == second.version
    assert place.names() == ["x"]


@pytest.mark.parametrize("by_blocks", [False, True])
def test_metadata_is_replaced_and_the_rest_stays(place: Place, by_blocks: bool) -> None:
    def put(data: bytes, **options: object) -> ObjectInfo:
        if by_blocks:
            return send(place.store, place.path("x"), data, **options)
        given = {"content_type": "text/plain", "meta": {}, "base": None} | options
        return place.store.put_object(place.path("x"), data, **given)  # type: ignore[arg-type]

    values = {"mtime": "1700000000.123456789", "mode": "644", "a-b": "ü ☃ %41 +;,= x", "blanks": "a  b"}
    first = put(b"1", meta=values, sharing=Sharing(read=("*",)), public=True, content_type="image/svg+xml")
    head = place.store.head(place.path("x"))
    assert head.meta == first.meta == values
    assert head.sharing == Sharing(read=("*",))
    assert head.content_type == "image/svg+xml"
    assert head.public
    put(b"2", meta={"Under_Score": "1"})
    after = place.store.head(place.path("x"))
    assert after.meta == {"under-score": "1"}
    assert (after.uuid, after.sharing, after.public) == (head.uuid, head.sharing, head.public)
    put(b"3", sharing=Sharing(), public=False)
    after = place.store.head(place.path("x"))
    assert (after.meta, after.sharing, after.public) == ({}, None, None)


def test_blocks(place: Place) -> None:
    store = place.store
    data = noise(2 * BLOCK + 100, seed=time.time_ns())
    hashmap = hashmap_of(data)
    assert store.missing_blocks(place.container, hashmap) == list(hashmap.hashes)
    answer = store.put_hashmap(place.path("x"), hashmap, content_type="", meta={}, base=None)
    assert answer == list(hashmap.hashes)
    assert place.names() == []
    assert store.put_block(place.container, data[BLOCK : 2 * BLOCK]) == hashmap.hashes[1]
    assert store.missing_blocks(place.container, hashmap) == [hashmap.hashes[0], hashmap.hashes[2]]
    store.put_block(place.container, data[:BLOCK])
    store.put_block(place.container, data[2 * BLOCK :])
    assert store.missing_blocks(place.container, hashmap) == []
    assert place.names() == []  # asking makes nothing
    info = store.put_hashmap(place.path("x"), hashmap, content_type="a/b", meta={"k": "v"}, base="")
    assert isinstance(info, ObjectInfo)
    assert (info.size, info.hash, info.content_type, info.meta) == (len(data), hashmap.root, "a/b", {"k": "v"})
    assert place.read("x") == data
    assert store.hashmap(place.path("x")) == hashmap
    assert place.names() == ["x"]


def test_blocks_of_nothing_and_blocks_asked_for_twice(place: Place) -> None:
    store = place.store
    assert store.missing_blocks(place.container, hashmap_of(b"")) == []
    assert store.put_block(place.container, b"") == block_hash(b"")
    assert store.put_block(place.container, bytes(100)) == block_hash(b"")
    unknown = os.urandom(32).hex()
    twice = Hashmap(3 * BLOCK, (unknown, block_hash(b""), unknown))
    assert store.missing_blocks(place.container, twice) == [unknown]
    with pytest.raises(UsageError):
        store.put_block(place.container, bytes(BLOCK + 1))


def test_a_part_is_overwritten(place: Place) -> None:
    data = bytearray(noise(BLOCK + 1000))
    first = send(place.store, place.path("x"), bytes(data), meta={"keep": "1", "mtime": "1"})
    assert first.etag
    for offset, piece in ((0, b"start"), (BLOCK - 2, b"over the edge"), (len(data) - 3, b"end")):
        head = place.store.head(place.path("x"))
        assert head.etag
        data[offset : offset + len(piece)] = piece
        info = place.store.update_range(
            place.path("x"), offset, piece, size=len(data), base=head.etag, meta={"mtime": "2"}
        )
        assert info.version != head.version
        assert (info.size, info.hash) == (len(data), hashmap_of(bytes(data)).root)
        assert info.meta == {"keep": "1", "mtime": "2"}
        assert info.content_type == "text/plain"
    assert place.read("x") == bytes(data)
    with pytest.raises(PreconditionFailed):
        place.store.update_range(place.path("x"), 0, b"late", size=len(data), base=first.etag, meta={})
    with pytest.raises(UsageError):
        place.store.update_range(place.path("x"), len(data), b"x", size=len(data), base=info.etag or "", meta={})
    assert place.read("x") == bytes(data)


def test_a_part_that_grows(place: Place) -> None:
    data = noise(BLOCK + 1000)
    etag = send(place.store, place.path("x"), data, meta={"keep": "1"}).etag or ""
    for offset, piece in ((len(data), b"behind the end"), (BLOCK - 5, noise(5000, 1)), (0, noise(BLOCK + 9999, 2))):
        before, data = data, data[:offset] + piece
        with pytest.raises(UsageError):
            place.store.update_range(place.path("x"), offset, piece, size=len(before), base=etag, meta={})
        info = place.store.update_range(
            place.path("x"), offset, piece, size=len(before), base=etag, meta={"mtime": "2"}, grow=True
        )
        assert (info.size, info.hash) == (len(data), hashmap_of(data).root)
        assert info.meta == {"keep": "1", "mtime": "2"}
        with pytest.raises(PreconditionFailed):
            place.store.update_range(place.path("x"), 0, b"late", size=len(data), base=etag, meta={}, grow=True)
        etag = info.etag or ""
    # Inside the object nothing is different.
    place.store.update_range(place.path("x"), 5, b"inside", size=len(data), base=etag, meta={}, grow=True)
    assert place.read("x") == data[:5] + b"inside" + data[11:]
    for offset in (len(data) + 1, -1):
        with pytest.raises(UsageError):
            place.store.update_range(place.path("x"), offset, b"x", size=len(data), base=etag, meta={}, grow=True)


def test_quota(users: Users) -> None:
    carol = users.carol
    usage = carol.usage()
    assert (usage.used, usage.quota) == (0, 64 * MIB)
    assert users.alice.usage().quota is None
    carol.create_container("full")
    path = ObjectPath(carol.account, "full", "x")
    big = Hashmap(100 * MIB, (block_hash(b""),) * 25)
    carol.put_block("full", b"\0")
    with pytest.raises(QuotaExceeded):
        carol.put_hashmap(path, big, content_type="", meta={}, base=None)
    with pytest.raises(NotFound):
        carol.head(path)
    send(carol, path, noise(1000))
    assert carol.usage().used == 1000
    carol.delete(path)
    assert carol.usage().used == 0


# changes without content ----------------------------------------------------------------------------------------------


def test_metadata_is_updated_key_by_key(place: Place) -> None:
    first = place.put("x", b"data", a="1", b="2", c="3")
    info = place.store.update_meta(place.path("x"), {"a": "one", "b": None, "d": "new", "none": None})
    assert info.meta == {"a": "one", "c": "3", "d": "new"}
    assert info.version != first.version
    assert (info.hash, info.etag, info.size) == (first.hash, first.etag, 4)
    assert place.store.head(place.path("x")) == info
    assert place.store.update_meta(place.path("x"), {}) == info
    with pytest.raises(PreconditionFailed):
        place.store.update_meta(place.path("x"), {"a": "2"}, base="00" * 32)
    assert place.store.update_meta(place.path("x"), {"a": "2"}, base=first.etag).meta == {
        "a": "2",
        "c": "3",
        "d": "new",
    }
    with pytest.raises(NotFound):
        place.store.update_meta(place.path("y"), {"a": "2"})
    with pytest.raises(BadRequest):
        place.store.update_meta(place.path("x"), {"a": "v" * 257})


def test_type_and_metadata_are_replaced(place: Place) -> None:
    place.put("x", b"data", a="1", b="2")
    place.store.set_sharing(place.path("x"), Sharing(read=("*",)))
    before = place.store.head(place.path("x"))
    info = place.store.replace_meta(place.path("x"), {"b": "two", "C_d": "3"}, content_type="image/png")
    assert (info.content_type, info.meta) == ("image/png", {"b": "two", "c-d": "3"})
    assert (info.hash, info.uuid, info.sharing) == (before.hash, before.uuid, before.sharing)
    assert place.store.head(place.path("x")) == info
    assert place.read("x") == b"data"
    info = place.store.replace_meta(place.path("x"), {}, content_type="text/html")
    assert (info.content_type, info.meta) == ("text/html", {})
    assert len(place.store.versions(place.path("x"))) == 3


def test_copies(place: Place) -> None:
    store = place.store
    first = place.put("x", b"first", n="1")
    second = place.put("x", b"second", n="2")
    info = store.copy(place.path("x"), place.path("y"))
    assert (info.name, info.hash, info.meta, info.content_type) == ("y", second.hash, {"n": "2"}, "text/plain")
    assert info.uuid != store.head(place.path("x")).uuid
    assert place.read("y") == b"second"
    with pytest.raises(PreconditionFailed):
        store.copy(place.path("x"), place.path("y"), base="")
    with pytest.raises(PreconditionFailed):
        store.copy(place.path("x"), place.path("y"), base="00" * 32)
    old = store.copy(place.path("x"), place.path("y"), version=first.version, base=second.etag)
    assert (old.hash, old.meta, old.content_type) == (first.hash, {"n": "1"}, "text/plain")
    assert place.read("y") == b"first"
    store.delete(place.path("x"))
    back = store.copy(place.path("x"), place.path("x"), version=first.version, base="")
    assert (back.hash, back.content_type) == (first.hash, "text/plain")
    with pytest.raises(NotFound):
        store.copy(place.path("none"), place.path("z"))


def test_between_containers(place: Place) -> None:
    place.put("x", b"data", k="v")
    other = place.container + "-other"
    place.store.create_container(other)
    target = ObjectPath(place.store.account, other, "a/b")
    assert place.store.copy(place.path("x"), target).meta == {"k": "v"}
    place.store.delete(target)
    place.store.move(place.path("x"), target)
    assert place.store.head(target).meta == {"k": "v"}
    assert place.names() == []


def test_a_move_carries_what_it_is_told_to(place: Place) -> None:
    store = place.store
    put = place.put("x", b"data", k="v")
    uuid = store.head(place.path("x")).uuid
    store.move(place.path("x"), place.path("y"), sharing=Sharing(write=("*",)), public=True)
    moved = store.head(place.path("y"))
    assert (moved.hash, moved.meta, moved.uuid, moved.content_type) == (put.hash, {"k": "v"}, uuid, "text/plain")
    assert moved.sharing == Sharing(write=("*",))
    assert moved.public
    store.move(place.path("y"), place.path("z"))
    moved = store.head(place.path("z"))
    assert (moved.sharing, moved.public) == (None, None)
    assert place.names() == ["z"]
    with pytest.raises(NotFound):
        store.move(place.path("x"), place.path("w"))


@pytest.mark.parametrize("marker", [True, False])
def test_a_folder_moves_whole(place: Place, users: Users, marker: bool) -> None:
    store = place.store
    if marker:
        place.folder("dir")
        store.set_sharing(place.path("dir"), Sharing(read=(users.bob.account,)))
    for name in ("dir/a", "dir/b", "dir/sub/c", "dir/sub/d", "dir2/x", "dir.txt", "dirt"):
        place.put(name, name.encode(), origin=name)
    store.set_sharing(place.path("dir/a"), Sharing(write=("*",)))
    store.set_public(place.path("dir/sub/c"), True)
    store.set_sharing(place.path("dir/sub/c"), Sharing(read=("*",)))
    store.set_public(place.path("dir2/x"), True)
    store.move_folder(place.path("dir"), place.path("new/place"))
    assert sorted(place.names()) == [
        *("dir.txt", "dir2/x", "dirt"),
        *("new/place", "new/place/a", "new/place/b", "new/place/sub/c", "new/place/sub/d"),
    ]
    head = store.head(place.path("new/place"))
    assert head.is_directory
    assert head.sharing == (Sharing(read=(users.bob.account,)) if marker else None)
    assert store.head(place.path("new/place/a")).sharing == Sharing(write=("*",))
    inner = store.head(place.path("new/place/sub/c"))
    assert inner.public
    assert inner.sharing == Sharing(read=("*",))
    plain = store.head(place.path("new/place/sub/d"))
    assert (plain.public, plain.meta) == (None, {"origin": "dir/sub/d"})
    assert plain.shared_by == (f"{store.account}/{place.container}/new/place" if marker else None)
    assert store.head(place.path("dir2/x")).public
    with pytest.raises(ClientError):
        users.bob.head(place.path("dir2/x"))
    if marker:
        assert users.bob.head(place.path("new/place/b")).size == 5


def test_a_folder_whose_name_begins_with_a_slash(place: Place) -> None:
    for name in ("/abs/x", "/abs/y", "abs/z"):
        place.put(name)
        place.store.set_sharing(place.path(name), Sharing(read=("*",)))
    place.store.move_folder(place.path("/abs"), place.path("new"))
    assert sorted(place.names()) == ["abs/z", "new", "new/x", "new/y"]
    assert place.store.head(place.path("new/x")).sharing == Sharing(read=("*",))


def test_delete(place: Place) -> None:
    place.folder("dir")
    place.put("dir/x")
    place.store.delete(place.path("dir"))
    assert place.names() == ["dir/x"]
    with pytest.raises(NotFound):
        place.store.delete(place.path("dir"))


# people ---------------------------------------------------------------------------------------------------------------


def test_names_of_users(users: Users) -> None:
    alice, bob = users.alice, users.bob
    his, hers = users.names[1], users.names[0]
    assert alice.user_ids([hers, his, "nobody", his]) == {hers: alice.account, his: bob.account}
    assert alice.user_names([bob.account, alice.account, "no such id"]) == {bob.account: his, alice.account: hers}
    assert alice.user_names([]) == alice.user_ids([]) == {}


def test_what_is_shared_can_be_found_and_read(place: Place, users: Users) -> None:
    alice, bob = users.alice, users.bob
    place.folder("docs")
    place.put("docs/read me", b"for bob", k="v")
    place.put("secret")
    with pytest.raises(NotAllowed):
        bob.head(place.path("docs/read me"))
    with pytest.raises(NotAllowed):
        bob.list_objects(place.container, account=alice.account)
    alice.set_sharing(place.path("docs"), Sharing(read=(bob.account,)))
    assert alice.account in bob.shared_accounts()
    assert alice.account not in alice.shared_accounts()
    theirs = bob.containers(alice.account)
    assert place.container in [one.name for one in theirs]
    assert next(one for one in theirs if one.name == place.container).count is None
    info = bob.container(place.container, alice.account)
    assert (info.block_size, info.count) == (BLOCK, None)
    listing = bob.list_objects(place.container, account=alice.account)
    assert listing is not None
    assert {one.name for one in listing.found.objects} == {"docs", "docs/read me"}
    head = bob.head(place.path("docs/read me"))
    assert (head.allowed_to, head.meta) == ("read", {"k": "v"})
    assert head.shared_by == f"{alice.account}/{place.container}/docs"
    assert bob.read_range(place.path("docs/read me"), 0, 7, head.version) == b"for bob"
    for forbidden in (
        lambda: bob.head(place.path("secret")),
        lambda: bob.head(place.path("no such thing")),
        lambda: bob.delete(place.path("docs/read me")),
        lambda: bob.put_object(place.path("docs/new"), b"x", content_type="", meta={}, base=None),
        lambda: bob.update_meta(place.path("docs/read me"), {"k": "w"}),
        lambda: bob.set_sharing(place.path("docs"), Sharing(write=(bob.account,))),
    ):
        with pytest.raises(NotAllowed):
            forbidden()
    alice.set_sharing(place.path("docs"), Sharing())
    with pytest.raises(NotAllowed):
        bob.head(place.path("docs/read me"))


def test_writing_into_somebody_elses_folder(place: Place, users: Users) -> None:
    alice, bob = users.alice, users.bob
    place.folder("drop")
    alice.set_sharing(place.path("drop"), Sharing(write=(bob.account,)))
    small = bob.put_object(place.path("drop/small"), b"small", content_type="a/b", meta={"k": "v"}, base="")
    assert bob.head(place.path("drop/small")).allowed_to == "write"
    data = noise(BLOCK + 10, seed=time.time_ns())
    # Bob has no container of that name, and at first none at all: blocks go through one of his own.
    big = send(bob, place.path("drop/big"), data, base="")
    assert big.hash == hashmap_of(data).root
    assert place.read("drop/big") == data
    assert place.container not in [one.name for one in bob.containers()]
    assert alice.head(place.path("drop/small")).modified_by == bob.account
    changed = bob.update_meta(place.path("drop/small"), {"k": None, "l": "w"}, base=small.etag)
    assert changed.meta == {"l": "w"}
    replaced = bob.replace_meta(place.path("drop/small"), {"m": "x"}, content_type="c/d")
    assert (replaced.meta, replaced.content_type) == ({"m": "x"}, "c/d")
    assert bob.set_public(place.path("drop/small"), True) is None  # only the owner sees the address
    assert alice.head(place.path("drop/small")).public
    with pytest.raises(NotAllowed):
        bob.delete(place.path("drop/small"))


def test_publishing(place: Place) -> None:
    place.put("x")
    url = place.store.set_public(place.path("x"), True)
    assert url
    assert url.startswith("http")
    assert place.store.head(place.path("x")).public == url
    assert place.store.set_public(place.path("x"), False) is None
    assert place.store.head(place.path("x")).public is None


def test_sharing_is_no_version(place: Place) -> None:
    put = place.put("x")
    place.store.set_sharing(place.path("x"), Sharing(read=("*",)))
    place.store.set_public(place.path("x"), True)
    head = place.store.head(place.path("x"))
    assert head.version == put.version
    listing = place.store.list_objects(place.container)
    assert listing is not None
    (listed,) = listing.found.objects
    assert (listed.sharing, listed.public) == (Sharing(read=("*",)), head.public)


def test_a_wrong_token(users: Users) -> None:
    with pytest.raises(NotLoggedIn):
        open_store(replace(users.cloud, token="wrong"))


# together -------------------------------------------------------------------------------------------------------------


def test_threads(place: Place) -> None:
    def work(number: int) -> None:
        info = place.put(f"t/{number}", noise(3000, number), n=str(number))
        assert place.store.read_range(place.path(f"t/{number}"), 0, 3000, info.version) == noise(3000, number)
        place.store.update_meta(place.path(f"t/{number}"), {"n": None})
        place.store.move(place.path(f"t/{number}"), place.path(f"u/{number}"))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(64)))
    assert sorted(place.names()) == sorted(f"u/{number}" for number in range(64))


def test_one_of_many_wins(place: Place) -> None:
    base = place.put("x", b"start").etag
    start = threading.Barrier(6)
    won = []

    def work(number: int) -> None:
        start.wait()
        try:
            place.store.put_object(place.path("x"), str(number).encode(), content_type="text/plain", meta={}, base=base)
        except PreconditionFailed:
            return
        won.append(number)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))
    assert len(won) == 1
    assert place.read("x") == str(won[0]).encode()


@pytest.mark.parametrize("size", [0, 1, 100_000, 200_000, BLOCK, 2 * BLOCK + 12345])
def test_files_up_and_down(place: Place, tmp_path: Path, size: int) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(noise(size, seed=size + 1))
    up = ObjectTarget(place.store, place.path("x"), content_type="a/b", meta={"k": "v"}, base="")
    hashmap = upload(up, source)
    assert up.result is not None
    info = place.store.head(place.path("x"))
    assert (up.result.version, info.hash, info.content_type) == (info.version, hashmap.root, "a/b")
    download(ObjectSource(place.store, place.path("x"), info), target)
    assert target.read_bytes() == source.read_bytes()
    streamed = ObjectTarget(place.store, place.path("y"), content_type="a/b")
    with source.open("rb") as stream:
        upload(streamed, io.BytesIO(stream.read()))
    out = io.BytesIO()
    assert streamed.result is not None
    download(ObjectSource(place.store, place.path("y"), streamed.result), out)
    assert out.getvalue() == source.read_bytes()
    again = ObjectTarget(place.store, place.path("x"), content_type="a/b", base="")
    with pytest.raises(PreconditionFailed):
        upload(again, source)


def test_a_move_does_not_land_on_what_is_there(place: Place) -> None:
    place.put("x", b"moves")
    place.put("y", b"was here")
    with pytest.raises(PreconditionFailed):
        place.store.move(place.path("x"), place.path("y"))
    assert place.names() == ["x", "y"]
    assert place.read("y") == b"was here"
