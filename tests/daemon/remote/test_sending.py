"""Bringing local files to the cloud: what goes over the wire, what stays, and who wins."""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from fixtures.proxy import Answer, CutRequest, LoseAnswer, Request

from pithosfs.errors import PithosfsError, QuotaExceeded, ServerFailed, TransferCancelled
from pithosfs.mount.attributes import Attributes, from_meta
from pithosfs.store import Delivery, ObjectInfo, Sharing
from pithosfs_daemon.remote import OldContent, RemoteBase, Sent, hash_local
from pithosfs_daemon.troubles import ContainerGone, LocalChanged, RemoteChanged
from pithosfs_daemon.values import Content

from .conftest import BLOCK, MIB, Side

PIECE = 64 * 1024
MODES = Attributes(mode=0o755, mtime_ns=1_700_000_000_123_456_789)
LARGE = 2 * BLOCK + 300_000


def noise(size: int, seed: int = 0) -> bytes:
    return random.Random(seed).randbytes(size)


def fresh(size: int) -> bytes:
    """Blocks that the cloud cannot have, which keeps those of all tests; no NUL at the end, which would not count."""
    return os.urandom(size - 1) + b"." if size else b""


def base_of(sent: Sent) -> RemoteBase:
    return RemoteBase.of(sent.info)


def old_of(sent: Sent) -> OldContent:
    return OldContent(sent.hashmap, sent.sums)


def edited(data: bytes, *places: int) -> bytes:
    changed = bytearray(data)
    for place in places:
        changed[place] ^= 1
    return bytes(changed)


def is_block(request: Request) -> bool:
    return request.method == "POST" and "content-range" not in request.headers


def is_part(request: Request) -> bool:
    return request.method == "POST" and "content-range" in request.headers


# new files ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data", [b"", b"x", b"abc\0\0", bytes(1000), noise(128 * 1024), noise(128 * 1024 + 1), noise(BLOCK), noise(LARGE)]
)
def test_a_new_file(either: Side, data: bytes) -> None:
    side = either
    sent = side.send("d/new file.txt", data, attributes=MODES)
    with side.file(data).open("rb") as stream:
        hashed = hash_local(stream, len(data), BLOCK, "sha256")
    assert (sent.content, sent.hashmap, sent.sums) == (hashed.content, hashed.hashmap, hashed.sums)
    assert side.read("d/new file.txt") == data
    head = side.there.head(side.full("d/new file.txt"))
    assert (sent.info.name, sent.info.version, sent.info.etag) == ("d/new file.txt", head.version, head.etag)
    assert (sent.info.hash, sent.info.size) == (hashed.content.hash, len(data))
    assert from_meta(head.meta or {}) == MODES
    assert head.content_type == "text/plain"


def test_requests_of_new_files(make_side: Callable[..., Side]) -> None:
    side = make_side()
    for size in (1000, 400_000):
        side.send(f"small {size}", fresh(size))
        assert side.asked() == ["PUT"]
    large = fresh(LARGE)
    side.send("large", large)
    assert side.asked() == ["PUT", "POST", "POST", "POST", "PUT"]
    side.send("the same again", large)
    assert side.wire.sent < 5000
    assert side.asked() == ["PUT"]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.png", "image/png"),
        ("a.tar.gz", "application/gzip"),
        ("a", "application/octet-stream"),
        ("d.d/a.txt", "text/plain"),
    ],
)
def test_the_type_is_guessed_from_the_name(side: Side, name: str, kind: str) -> None:
    sent = side.send(name, b"x")
    assert sent.info.content_type == kind
    assert side.there.head(side.full(name)).content_type == kind
    assert not side.there.head(side.full(name)).delivery


@pytest.mark.parametrize("size", [10, LARGE])
def test_a_name_that_is_taken(either: Side, size: int) -> None:
    side = either
    side.put("x", b"theirs")
    with pytest.raises(RemoteChanged):
        side.send("x", noise(size))
    assert side.read("x") == b"theirs"
    assert len(side.there.versions(side.full("x"))) == 1


@pytest.mark.parametrize("size", [10, LARGE])
def test_two_who_make_the_same(side: Side, size: int) -> None:
    data = noise(size)
    first = side.send("x", data)
    second = side.send("x", data)
    assert second.info.version == first.info.version
    assert len(side.there.versions(side.full("x"))) == 1


def test_a_hash_alone_is_no_content(side: Side) -> None:
    side.put("x", b"abc")
    with pytest.raises(RemoteChanged):
        side.send("x", b"abc\0")
    assert side.read("x") == b"abc"


@pytest.mark.parametrize("size", [10, LARGE])
def test_a_folder_is_no_file_of_the_same_content(side: Side, size: int) -> None:
    side.put("x", noise(size) if size == 10 else b"", "application/directory")
    with pytest.raises(RemoteChanged):
        side.send("x", noise(size))


# new versions ---------------------------------------------------------------------------------------------------------


def richly(side: Side, name: str, data: bytes) -> ObjectInfo:
    """An object of which much is known."""
    side.put(
        name,
        data,
        "image/svg+xml",
        meta={"mtime": "1.5", "colour": "ü", "mode": "600"},
        delivery=Delivery("gzip", "attachment"),
        sharing=Sharing(read=("*",)),
        public=True,
    )
    return side.there.head(side.full(name))


@pytest.mark.parametrize("etag_known", [True, False])
@pytest.mark.parametrize("size", [10, LARGE])
def test_a_new_version_keeps_what_is_known_of_the_object(either: Side, size: int, etag_known: bool) -> None:
    side = either
    before = richly(side, "x", b"first")
    base = RemoteBase(before.version, before.etag if etag_known else None, Content(before.hash, before.size))
    sent = side.send("x", noise(size), base=base, attributes=MODES)
    after = side.there.head(side.full("x"))
    assert side.read("x") == noise(size)
    assert after.meta == {"mtime": "1700000000.123456789", "mode": "755", "colour": "ü"}
    assert (after.content_type, after.delivery) == (before.content_type, before.delivery)
    assert (after.sharing, after.public, after.uuid) == (before.sharing, before.public, before.uuid)
    assert sent.info.version == after.version
    assert len(side.there.versions(side.full("x"))) == 2


def test_attributes_that_are_not_given_stay(side: Side) -> None:
    before = richly(side, "x", b"first")
    side.send("x", b"second", base=RemoteBase.of(before), attributes=Attributes())
    assert side.there.head(side.full("x")).meta == before.meta


@pytest.mark.parametrize("kind", ["", "application/octet-stream", "inode/symlink", "application/directory"])
def test_a_type_that_says_nothing_is_guessed_again(side: Side, kind: str) -> None:
    before = side.put("x.html", b"", kind)
    assert side.send("x.html", b"<html>", base=RemoteBase.of(before)).info.content_type == "text/html"


def test_a_manifest_does_not_hide_the_new_content(side: Side) -> None:
    side.put("part/1", b"part")
    delivery = Delivery(None, "attachment", f"{side.there.container}/{side.full('part/')}")
    before = side.put("x", b"", delivery=delivery)
    side.send("x", b"content", base=RemoteBase.of(before))
    assert side.read("x") == b"content"
    assert side.there.head(side.full("x")).delivery == Delivery(None, "attachment")


@pytest.mark.parametrize("size", [10, LARGE])
@pytest.mark.parametrize("change", ["content", "metadata", "gone", "made anew"])
def test_an_object_that_is_not_the_base_any_more(side: Side, size: int, change: str) -> None:
    base = RemoteBase.of(side.put("x", b"first"))
    match change:
        case "content":
            side.put("x", b"theirs")
        case "metadata":
            side.there.store.update_meta(side.there.path(side.full("x")), {"theirs": "1"})
        case "gone":
            side.there.store.delete(side.there.path(side.full("x")))
        case "made anew":
            side.there.store.delete(side.there.path(side.full("x")))
            side.put("x", b"first")
    with pytest.raises(RemoteChanged):
        side.send("x", noise(size), base=base)
    if change == "gone":
        assert not side.there.has(side.full("x"))
    else:
        assert side.read("x") == (b"theirs" if change == "content" else b"first")


@pytest.mark.parametrize("size", [10, LARGE])
@pytest.mark.parametrize("change", ["content", "gone"])
def test_somebody_is_faster_in_the_last_moment(side: Side, size: int, change: str) -> None:
    """After our look, before our write."""
    base = RemoteBase.of(side.put("x", b"first"))
    done: list[object] = []

    def between(request: Request) -> bool:
        if request.method == "PUT" and not done:
            done.append(request)
            if change == "content":
                side.put("x", b"theirs")
            else:
                side.there.store.delete(side.there.path(side.full("x")))
        return False

    side.wire.when(between, Answer())
    with pytest.raises(RemoteChanged):
        side.send("x", noise(size), base=base)
    assert side.there.has(side.full("x")) is (change == "content")
    assert change == "gone" or side.read("x") == b"theirs"


# lost answers and failing servers -------------------------------------------------------------------------------------


@pytest.mark.parametrize("based", [False, True])
@pytest.mark.parametrize("size", [10, LARGE])
def test_a_write_whose_answer_was_lost_was_done(side: Side, size: int, based: bool) -> None:
    base = RemoteBase.of(side.put("x", b"first")) if based else None
    # Of a large file the first PUT only asks what is missing.
    side.wire.when("^PUT", LoseAnswer(), times=1 if size == 10 else 2)
    sent = side.send("x", noise(size), base=base)
    assert side.read("x") == noise(size)
    assert sent.info.version == side.there.head(side.full("x")).version
    assert len(side.there.versions(side.full("x"))) == 1 + based


def test_blocks_whose_answers_are_lost_or_refused(side: Side) -> None:
    side.wire.when(is_block, LoseAnswer(), times=2)
    side.wire.when(is_block, Answer(503), times=1)
    side.wire.when(is_block, CutRequest(100_000), times=1)
    data = fresh(LARGE)
    side.send("x", data)
    assert side.read("x") == data


@pytest.mark.parametrize("size", [10, LARGE])
def test_a_server_that_fails(side: Side, size: int) -> None:
    side.wire.when("^(PUT|POST)", Answer(500))
    with pytest.raises(ServerFailed):
        side.send("x", noise(size))
    assert not side.there.has(side.full("x"))


@pytest.mark.parametrize("size", [10, LARGE])
@pytest.mark.parametrize("based", [False, True])
def test_a_container_that_is_gone(side: Side, size: int, based: bool) -> None:
    base = RemoteBase.of(side.put("x", b"first")) if based else None
    if based:
        side.there.store.delete(side.there.path(side.full("x")))
    side.there.store.delete_container(side.there.container)
    with pytest.raises(ContainerGone):
        side.send("x", noise(size), base=base)


def test_there_is_no_room(side: Side) -> None:
    side.there.store.set_policy(side.there.container, {"quota": "1000"})
    for size in (2000, LARGE):
        with pytest.raises(QuotaExceeded):
            side.send("x", noise(size))
    assert not side.there.has(side.full("x"))


# files that do not hold still -----------------------------------------------------------------------------------------


def when_asked(side: Side, kind: Callable[[Request], bool], act: Callable[[], object]) -> None:
    """Do something once, when the first such request is on its way."""
    done: list[object] = []

    def look(request: Request) -> bool:
        if kind(request) and not done:
            done.append(request)
            act()
        return False

    side.wire.when(look, Answer())


def overwrite(path: Path, offset: int = 0) -> Callable[[], object]:
    def act() -> None:
        with path.open("r+b") as stream:
            stream.seek(offset)
            stream.write(b"changed")

    return act


@pytest.mark.parametrize("change", ["write", "cut", "grow"])
def test_a_file_that_changes_while_its_blocks_are_sent(side: Side, change: str) -> None:
    path = side.file(fresh(LARGE))
    os.utime(path, ns=(1, 1))
    act: Callable[[], object] = overwrite(path, LARGE - 7)
    if change == "cut":
        act = lambda: os.truncate(path, 1000)  # noqa: E731
    elif change == "grow":
        act = lambda: os.truncate(path, LARGE + 1)  # noqa: E731
    when_asked(side, is_block, act)
    with pytest.raises(LocalChanged):
        side.send("x", path)
    assert not side.there.has(side.full("x"))


def test_a_file_that_is_not_as_large_as_it_was(side: Side) -> None:
    path = side.file(noise(100))
    for size in (99, 101):
        with path.open("rb") as stream, pytest.raises(LocalChanged):
            side.folder.send(
                "x", stream, size, base=None, attributes=MODES, old=None, meter=lambda done: None,
                cancel=threading.Event(),
            )  # fmt: skip
    assert not side.there.has(side.full("x"))


# progress and its end -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1000, LARGE])
def test_progress(side: Side, size: int) -> None:
    told: list[int] = []
    data = fresh(size)
    side.send("x", data, meter=told.append)
    assert told == sorted(told)
    assert told[-1] == size
    assert all(0 <= one <= size for one in told)
    assert size < LARGE or len(told) > 3
    told.clear()
    side.send("y", data, meter=told.append)
    assert told[-1] == size


@pytest.mark.parametrize("size", [1000, LARGE])
def test_called_off_before_it_began(side: Side, size: int) -> None:
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(TransferCancelled):
        side.send("x", noise(size), cancel=cancel)
    assert side.wire.requests == 0


def test_called_off_between_two_blocks(side: Side) -> None:
    cancel = threading.Event()
    when_asked(side, is_block, cancel.set)
    with pytest.raises(TransferCancelled):
        side.send("x", fresh(10 * BLOCK), cancel=cancel)
    assert not side.there.has(side.full("x"))
    assert side.asked().count("POST") < 10


# a small change in a large file ---------------------------------------------------------------------------------------


def changed(side: Side, before: Sent, new: bytes, **settings: object) -> tuple[Sent, int, list[str]]:
    """Send another content of an object; what it was, the bytes on the wire both ways, and the requests."""
    side.wire.forget()
    given: dict[str, object] = {"base": base_of(before), "old": old_of(before), **settings}
    sent = side.send("x", new, **given)  # type: ignore[arg-type]
    spent = side.wire.sent + side.wire.received
    requests = side.asked()
    assert side.read("x") == new
    assert sent.info.version == side.there.head(side.full("x")).version
    assert (sent.info.hash, sent.info.size) == (sent.content.hash, sent.content.size)
    with side.file(new).open("rb") as stream:
        assert sent.sums == hash_local(stream, len(new), BLOCK, "sha256").sums
    return sent, spent, requests


@pytest.mark.parametrize("place", [0, BLOCK - 1, BLOCK, LARGE - 1])
def test_one_byte_is_one_piece_on_the_wire(either: Side, place: int) -> None:
    side = either
    data = fresh(LARGE)
    richly(side, "x", b"first")
    first = side.send("x", data, base=RemoteBase.of(side.there.head(side.full("x"))))
    sent, spent, requests = changed(side, first, edited(data, place), attributes=MODES)
    assert spent < PIECE + 5000
    assert requests == ["POST", "HEAD"]
    after = side.there.head(side.full("x"))
    assert after.meta == {"mtime": "1700000000.123456789", "mode": "755", "colour": "ü"}
    assert (after.content_type, after.delivery) == ("image/svg+xml", Delivery("gzip", "attachment"))
    assert after.sharing == Sharing(read=("*",))
    assert len(side.there.versions(side.full("x"))) == 3
    assert sent.info.meta == after.meta


def test_one_byte_in_a_file_that_would_go_in_one_request(make_side: Callable[..., Side]) -> None:
    side = make_side()
    data = fresh(400_000)
    first = side.send("x", data)
    _, spent, requests = changed(side, first, edited(data, 5))
    assert spent < PIECE + 5000
    assert requests == ["POST", "HEAD"]
    small = fresh(100_000)
    second = side.send("x", small, base=RemoteBase.of(side.there.head("x")))
    _, spent, requests = changed(side, second, edited(small, 5))
    assert requests == ["HEAD", "PUT"]


def test_changes_side_by_side_are_one_range(make_side: Callable[..., Side]) -> None:
    side = make_side()
    data = fresh(LARGE)
    first = side.send("x", data)
    _, spent, requests = changed(side, first, edited(data, BLOCK - 5, BLOCK + 5 * PIECE))
    assert 7 * PIECE < spent < 7 * PIECE + 5000
    assert requests == ["POST", "HEAD"]


def test_changes_far_apart_are_blocks(make_side: Callable[..., Side]) -> None:
    side = make_side()
    data = fresh(LARGE)
    first = side.send("x", data)
    _, spent, requests = changed(side, first, edited(data, 0, 2 * BLOCK + 5))
    assert BLOCK < spent < BLOCK + 400_000
    assert requests == ["HEAD", "PUT", "POST", "POST", "PUT"]


def test_only_what_was_appended_travels(make_side: Callable[..., Side]) -> None:
    side = make_side()
    data = fresh(LARGE)
    sent = side.send("x", data)
    for number in range(3):  # a log
        data += b"one line more\n" * (number + 1)
        sent, spent, requests = changed(side, sent, data)
        assert spent < 3000
        assert requests == ["POST", "HEAD"]
    data += fresh(BLOCK)  # over the end of a block
    sent, spent, requests = changed(side, sent, data)
    assert spent < BLOCK + 400_000


def test_a_change_that_makes_it_longer(make_side: Callable[..., Side]) -> None:
    side = make_side()
    data = fresh(LARGE)
    first = side.send("x", data)
    _, spent, _ = changed(side, first, edited(data, LARGE - 1) + b"more")
    assert spent < PIECE + 5000


def test_a_shorter_content_goes_by_blocks(make_side: Callable[..., Side]) -> None:
    side = make_side()
    data = fresh(LARGE)
    first = side.send("x", data)
    _, spent, requests = changed(side, first, data[:-1])
    assert spent < 310_000  # the last block
    assert requests == ["HEAD", "PUT", "POST", "PUT"]


def test_without_sums_it_goes_by_blocks(make_side: Callable[..., Side]) -> None:
    side = make_side()
    data = fresh(LARGE)
    first = side.send("x", data)
    _, spent, requests = changed(side, first, edited(data, 5), old=None)
    assert BLOCK < spent < BLOCK + 5000
    assert requests == ["HEAD", "PUT", "POST", "PUT"]


def test_the_same_content_again_is_a_new_version_without_content(make_side: Callable[..., Side]) -> None:
    side = make_side()
    data = fresh(LARGE)
    first = side.send("x", data)
    _, spent, requests = changed(side, first, data)
    assert spent < 5000
    assert requests == ["HEAD", "PUT"]


def test_an_unknown_etag_is_asked_for(make_side: Callable[..., Side]) -> None:
    side = make_side()
    data = fresh(LARGE)
    first = side.send("x", data)
    base = RemoteBase(first.info.version, None, first.content)
    _, _, requests = changed(side, first, edited(data, 5), base=base)
    assert requests == ["HEAD", "POST", "HEAD"]


@pytest.mark.parametrize("etag_known", [True, False])
@pytest.mark.parametrize("change", ["content", "gone", "longer by a NUL"])
def test_a_part_is_sent_into_its_base_only(side: Side, change: str, etag_known: bool) -> None:
    data = fresh(LARGE)
    first = side.send("x", data)
    path = side.there.path(side.full("x"))
    if change == "gone":
        side.there.store.delete(path)
    else:
        side.there.store.update_range(
            path, LARGE if change.endswith("NUL") else 0, b"\0", size=LARGE, base=first.info.etag or "", meta={},
            grow=True,
        )  # fmt: skip
        theirs = side.read("x")
    base = RemoteBase(first.info.version, first.info.etag if etag_known else None, first.content)
    with pytest.raises(RemoteChanged):
        side.send("x", edited(data, BLOCK), base=base, old=old_of(first))
    assert change == "gone" or side.read("x") == theirs


def test_a_part_whose_answer_was_lost_was_done(side: Side) -> None:
    data = fresh(LARGE)
    first = side.send("x", data)
    side.wire.when(is_part, LoseAnswer(), times=1)
    changed(side, first, edited(data, 5))
    assert len(side.there.versions(side.full("x"))) == 2


def test_what_was_appended_is_not_appended_twice(side: Side) -> None:
    data = fresh(LARGE)
    first = side.send("x", data)
    side.wire.when(is_part, LoseAnswer(), times=2)
    changed(side, first, data + b"once")


@pytest.mark.parametrize("status", [400, 416])
def test_a_cloud_that_takes_no_parts(side: Side, status: int) -> None:
    data = fresh(LARGE)
    first = side.send("x", data)
    side.wire.when(is_part, Answer(status))
    _, spent, requests = changed(side, first, edited(data, 5))
    assert spent > BLOCK
    assert requests == ["POST", "HEAD", "PUT", "POST", "PUT"]


def test_sums_that_are_wrong_do_no_harm(side: Side) -> None:
    """Of another content of that size: the part that is sent is not all that has changed, which the hash tells."""
    data = fresh(LARGE)
    first = side.send("x", data)
    other = edited(data, 2 * BLOCK + 5)
    with side.file(other).open("rb") as stream:
        wrong = hash_local(stream, LARGE, BLOCK, "sha256")
    new = edited(other, 5)
    side.wire.forget()
    sent = side.send("x", new, base=base_of(first), old=OldContent(wrong.hashmap, wrong.sums))
    assert side.read("x") == new
    assert sent.info.hash == sent.content.hash
    assert side.asked()[:2] == ["POST", "HEAD"]


def test_a_part_that_changes_before_it_is_sent(side: Side) -> None:
    data = fresh(LARGE)
    first = side.send("x", data)
    path = side.file(edited(data, 5))
    os.utime(path, ns=(1, 1))
    when_asked(side, lambda request: request.method == "HEAD", overwrite(path, 100))
    base = RemoteBase(first.info.version, None, first.content)
    with pytest.raises(LocalChanged):
        side.send("x", path, base=base, old=old_of(first))
    assert side.read("x") == data


def test_a_small_change_in_a_hundred_megabytes(make_side: Callable[..., Side]) -> None:
    side = make_side()
    data = fresh(BLOCK) * 24 + fresh(1000)  # blocks that are the same travel once
    first = side.send("x", data)
    side.wire.forget()
    new = edited(data, 50 * MIB)
    sent = side.send("x", new, base=base_of(first), old=old_of(first))
    assert side.wire.sent + side.wire.received < 100_000
    info = side.there.head(side.full("x"))
    assert (info.hash, info.size) == (sent.content.hash, len(data))


@pytest.mark.big
def test_a_small_change_in_a_gibibyte(make_side: Callable[..., Side], tmp_path: Path) -> None:
    side = make_side()
    path = tmp_path / "large"
    with path.open("wb") as stream:
        stream.write(noise(BLOCK))
        stream.truncate(1024 * MIB)
    first = side.send("x", path)
    with path.open("r+b") as stream:
        stream.seek(700 * MIB)
        stream.write(b"!")
    side.wire.forget()
    sent = side.send("x", path, base=base_of(first), old=old_of(first))
    assert side.wire.sent + side.wire.received < 100_000
    assert sent.info.hash == sent.content.hash != first.content.hash


def test_errors_are_of_our_tree(side: Side) -> None:
    """Whatever the server says, it is an error that the caller knows."""
    for status in (400, 401, 403, 409, 411, 413, 422, 429, 502):
        side.wire.restore()
        side.wire.when("^PUT", Answer(status))
        for size in (10, LARGE):
            with pytest.raises(PithosfsError):
                side.send("x", noise(size))
    assert not side.there.has(side.full("x"))
