"""What is in the cloud: page by page, under the pair's names, and when "nothing is newer" is believed."""

from __future__ import annotations

import json
import threading
import time
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from fixtures.proxy import Answer, CutBody, Drop
from fixtures.scripted import Connection, Scripted, answer

from pithosfs.clients.pithos.wire import PithosWire
from pithosfs.errors import BadReply, NoConnection, PithosfsError, ServerFailed
from pithosfs.http import Session
from pithosfs.store.pithos import PithosStore
from pithosfs_daemon.remote import RemoteFolder
from pithosfs_daemon.troubles import ContainerGone
from pithosfs_daemon.values import Pair

from .conftest import Nobody, Side

PATIENCE = 30.0


def names(side: Side) -> list[str]:
    return [one.name for one in side.listed()]


def test_an_empty_place(either: Side) -> None:
    side = either
    assert names(side) == []


def test_names_are_those_of_the_pair(either: Side) -> None:
    side = either
    wanted = ["a", "a/b", "a.txt", "d/ü ☃", "z//y", "/x"]
    for name in wanted:
        side.put(name, name.encode())
    assert names(side) == sorted(wanted)
    listed = {one.name: one for one in side.listed()}
    assert listed["a/b"].size == 3
    assert listed["a/b"].meta is None
    found = side.folder.look("a/b")
    assert found is not None
    assert (found.name, found.version, found.hash) == ("a/b", listed["a/b"].version, listed["a/b"].hash)
    assert side.folder.look("nothing") is None


def test_what_is_outside_is_left_out(make_side: Callable[..., Side]) -> None:
    side = make_side("work/dir")
    for name in ("work/dir", "work/dir/", "work/dir/in", "work/dir.txt", "work/directory/x", "work", "other"):
        side.there.put(name)
    assert names(side) == ["in"]
    assert str(side.folder.path("in")) == f"{side.there.container}/work/dir/in"
    assert side.folder.path("").name == "work/dir"


def test_nothing_newer_is_believed_when_the_listing_was_late_enough(side: Side) -> None:
    side.put("x")
    listing = side.folder.listing(None)
    assert listing is not None
    assert listing.since is None  # before it has been read
    list(listing.pages())
    deadline = time.monotonic() + PATIENCE
    while listing.since is None:  # the second of the last change has to pass, and one more
        assert time.monotonic() < deadline
        time.sleep(0.1)
        listing = side.folder.listing(None)
        assert listing is not None
        list(listing.pages())
    since = listing.since
    side.asked()
    assert side.folder.listing(since) is None
    assert side.asked() == ["GET"]
    side.put("y")
    listing = side.folder.listing(since)
    assert listing is not None
    assert [one.name for page in listing.pages() for one in page] == ["x", "y"]
    assert listing.since is None


def listing_answer(entries: int = 0, *, modified: int, date: int, **headers: str) -> Answer:
    def http(seconds: int) -> str:
        return format_datetime(datetime.fromtimestamp(seconds, UTC), usegmt=True)

    body = json.dumps([entry(number) for number in range(entries)]).encode()
    return Answer(200, body, {"Last-Modified": http(modified), "Date": http(date), **headers})


def entry(number: int) -> dict[str, object]:
    return {
        "name": f"some/folder/of/the/cloud/file-{number:07}.txt",
        "bytes": 1234,
        "content_type": "text/plain",
        "hash": "",
        "x_object_hash": f"{number:064x}",
        "x_object_uuid": "4d8adf0e-9ba3-45b4-a2c0-8d69d74cbb2d",
        "x_object_modified_by": "8d5e1d48-2c6b-4e9c-9d4a-0e47f1a7b0f3",
        "x_object_version": number + 1,
        "x_object_version_timestamp": "1700000000.123456",
        "last_modified": "2023-11-14T22:13:20.123456+00:00",
        "available": 1,
        "map_check_timestamp": None,
    }


@pytest.mark.parametrize(
    ("modified", "date", "slow", "trusted"),
    [
        (1000, 1000, 0.0, False),
        (1000, 1001, 0.0, False),
        (1000, 1003, 0.0, True),
        (1000, 2000, 0.0, True),
        (1000, 1002, 0.1, False),  # the names may be as old as the question
        (1001, 1000, 0.0, False),
    ],
)
def test_how_old_a_listing_has_to_be(
    make_side: Callable[..., Side], modified: int, date: int, slow: float, trusted: bool
) -> None:
    side = make_side()
    side.wire.when("^GET", listing_answer(3, modified=modified, date=date))
    side.wire.delay = slow
    listing = side.folder.listing(None)
    assert listing is not None
    assert len([one for page in listing.pages() for one in page]) == 3
    assert listing.since == (modified if trusted else None)


# a server that fails must not look like one where nothing is ----------------------------------------------------------


def read_all(folder: RemoteFolder, since: int | None = None) -> list[str]:
    listing = folder.listing(since)
    assert listing is not None
    return [one.name for page in listing.pages() for one in page]


def test_a_container_that_is_gone(either: Side) -> None:
    side = either
    side.there.store.delete_container(side.there.container)
    with pytest.raises(ContainerGone, match=side.there.container):
        side.folder.listing(None)
    with pytest.raises(ContainerGone):
        side.folder.listing(1)
    with pytest.raises(ContainerGone):
        side.folder.look("x")


@pytest.mark.parametrize(
    ("broken", "error"),
    [
        (Answer(200, b"[]"), BadReply),  # of no time: a proxy's answer, or a page that was made up
        (Answer(204, b""), BadReply),
        (Answer(200, b"<html>please log in</html>"), BadReply),
        (Answer(200, b"[{}]"), BadReply),
        (listing_answer(0, modified=1000, date=2000, **{"X-Container-Object-Count": "100"}), BadReply),
        (listing_answer(49, modified=1000, date=2000, **{"X-Container-Object-Count": "100"}), BadReply),
        (Answer(403, b""), ContainerGone),
        (Answer(404, b""), ContainerGone),
        (Answer(500, b""), ServerFailed),
        (Answer(503, b""), ServerFailed),
        (CutBody(10), BadReply),
        (Drop(), NoConnection),
    ],
)
def test_broken_listings(make_side: Callable[..., Side], broken: object, error: type[PithosfsError]) -> None:
    side = make_side()
    side.put("x")
    side.wire.when("^GET", broken)  # type: ignore[arg-type]
    with pytest.raises(error):
        read_all(side.folder)
    side.wire.restore()
    assert read_all(side.folder) == ["x"]


def test_a_count_that_is_a_little_off_stops_nothing(make_side: Callable[..., Side]) -> None:
    """Others write while a listing is read, and servers have been seen to miscount."""
    side = make_side()
    side.wire.when("^GET", listing_answer(60, modified=1000, date=2000, **{"X-Container-Object-Count": "100"}))
    assert len(read_all(side.folder)) == 60
    folder = make_side("some/folder")  # of a folder nobody says how much is in it
    folder.wire.when("^GET", listing_answer(3, modified=1000, date=2000, **{"X-Container-Object-Count": "100"}))
    assert len(read_all(folder.folder)) == 3


PAGE = 10_000


def large(pages: int, wrong: dict[int, bytes] | None = None) -> Scripted:
    """A server with so many pages, the last of one object; `wrong` are answers in the place of some."""
    dates = {"Last_Modified": "Mon, 23 Nov 2026 14:05:47 GMT", "Date": "Mon, 23 Nov 2026 14:06:47 GMT"}
    bodies: list[bytes] = []
    for page in range(pages):
        count = PAGE if page < pages - 1 else 1
        made = json.dumps([entry(number) for number in range(page * PAGE, page * PAGE + count)]).encode()
        bodies.append(answer(200, (wrong or {}).get(page, made), **dates))

    def page_after(connection: Connection) -> None:
        (marker,) = parse_qs(urlsplit(connection.server.seen[-1].target).query).get("marker", ["-1.txt"])
        connection.send(bodies[(int(marker.rpartition("-")[2].removesuffix(".txt")) + 1) // PAGE])

    return Scripted(page_after)


def of_server(server: Scripted, session: Session) -> RemoteFolder:
    store = PithosStore(PithosWire(session, server.url, "token"), "u", Nobody())
    return RemoteFolder(store, Pair("p", Path("/nowhere"), "test", "u", "c", "some/folder"))


def test_one_page_is_in_memory_at_a_time() -> None:
    def peak(pages: int) -> int:
        with large(pages) as server, Session() as session:
            folder = of_server(server, session)
            tracemalloc.start()
            try:
                listing = folder.listing(None)
                assert listing is not None
                total = 0
                for page in listing.pages():
                    total += len(page)
                assert total == (pages - 1) * PAGE + 1
                assert listing.since is not None
                return tracemalloc.get_traced_memory()[1]
            finally:
                tracemalloc.stop()

    assert peak(5) < peak(3) * 1.3


def test_a_listing_that_breaks_off_is_not_believed() -> None:
    with large(3, {1: b"["}) as server, Session() as session:
        listing = of_server(server, session).listing(None)
        assert listing is not None
        pages = listing.pages()
        assert len(next(pages)) == PAGE
        with pytest.raises(BadReply):
            next(pages)
        assert listing.since is None
        assert len(server.seen) == 2


def test_listings_by_several_threads(side: Side) -> None:
    side.put("x")
    found: list[list[str]] = []
    threads = [threading.Thread(target=lambda: found.append(read_all(side.folder))) for _ in range(5)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(PATIENCE)
    assert found == [["x"]] * 5


def test_requests(make_side: Callable[..., Side]) -> None:
    side = make_side("work")
    side.put("x")
    assert names(side) == ["x"]
    assert side.asked() == ["GET"]
    assert side.folder.look("x") is not None
    assert side.asked() == ["HEAD"]
    assert side.folder.look("y") is None
    assert side.asked() == ["HEAD", "HEAD"]  # nothing is there, and the container is


def test_a_listing_tells_what_blocks_are_like(make_side: Callable[..., Side]) -> None:
    side = make_side()
    listing = side.folder.listing(None)
    assert listing is not None
    side.asked()
    assert side.folder.takes_batches
    assert side.folder.block_size == side.there.store.container(side.there.container).block_size
    assert side.asked() == []  # by the folder: the other question was not
