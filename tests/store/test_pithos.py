"""The Pithos store behind a proxy that loses, damages and replaces answers: never wrong data, never a lost folder."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable, Iterator

import pytest
from fixtures.clouds import TestCloud
from fixtures.proxy import Answer, CutBody, CutRequest, Drop, FaultProxy, LoseAnswer

from pithosfs.blocks import Hashmap, block_hash
from pithosfs.clients.pithos.wire import PithosWire
from pithosfs.errors import (
    BadReply,
    BadRequest,
    NoConnection,
    NotFound,
    PithosfsError,
    PreconditionFailed,
    ServerFailed,
)
from pithosfs.http import RetryPolicy, Session
from pithosfs.store import ObjectInfo, ObjectPath, Sharing
from pithosfs.store.pithos import PithosStore
from pithosfs.store.transfers import ObjectSource

from .conftest import Place, Users


@pytest.fixture
def meddler(cloud: TestCloud, proxy: Callable[[TestCloud], FaultProxy]) -> FaultProxy:
    """Between the store and the cloud."""
    return proxy(cloud)


class Nobody:
    """A user catalog: these tests ask for nobody's name."""

    def uuids2usernames(self, uuids: object) -> dict[str, str]:
        return {}

    usernames2uuids = uuids2usernames


@pytest.fixture
def wire(users: Users, cloud: TestCloud) -> Iterator[PithosWire]:
    """Alice's requests, straight to the cloud."""
    with Session() as session:
        yield PithosWire(session, f"{cloud.base}/object-store/v1", users.cloud.token)


@pytest.fixture
def behind(users: Users, meddler: FaultProxy) -> Iterator[PithosStore]:
    """Alice's store, by way of the meddler."""
    with Session(policy=RetryPolicy(attempts=3, base=0.01, cap=0.02), read_timeout=10) as session:
        wire = PithosWire(session, f"{meddler.url}/object-store/v1", users.cloud.token)
        yield PithosStore(wire, users.alice.account, Nobody())


def methods(meddler: FaultProxy) -> list[str]:
    return [line.split(" ")[0] for line in meddler.request_lines()]


# moves ----------------------------------------------------------------------------------------------------------------


def test_a_move_whose_answer_is_lost_was_done(place: Place, meddler: FaultProxy, behind: PithosStore) -> None:
    place.put("x", b"data")
    meddler.when("^PUT", LoseAnswer(), times=1)
    behind.move(place.path("x"), place.path("y"), sharing=Sharing(read=("*",)))
    assert place.names() == ["y"]
    assert methods(meddler).count("PUT") == 1
    assert place.store.head(place.path("y")).sharing == Sharing(read=("*",))


def test_a_move_that_failed_is_tried_again(place: Place, meddler: FaultProxy, behind: PithosStore) -> None:
    place.put("x", b"data")
    meddler.when("^PUT", Answer(503), times=2)
    behind.move(place.path("x"), place.path("y"))
    assert place.names() == ["y"]

    meddler.when("^PUT", Answer(503))
    with pytest.raises(ServerFailed):
        behind.move(place.path("y"), place.path("z"))
    assert place.names() == ["y"]


def test_a_folder_move_whose_answer_is_lost_keeps_its_rules(
    place: Place, meddler: FaultProxy, behind: PithosStore
) -> None:
    place.folder("dir")
    place.put("dir/x")
    place.store.set_sharing(place.path("dir/x"), Sharing(read=("*",)))
    meddler.when("^PUT", LoseAnswer(), times=1)
    behind.move_folder(place.path("dir"), place.path("new"))
    assert place.names() == ["new", "new/x"]
    assert place.store.head(place.path("new/x")).sharing == Sharing(read=("*",))


def test_many_rules_in_a_folder(place: Place, meddler: FaultProxy, behind: PithosStore) -> None:
    """More than a page of shared objects: the server gives no second page of those."""
    place.folder("dir")
    for number in range(5):
        place.put(f"dir/{number}")
    place.store.set_public(place.path("dir/4"), True)

    entry = {"bytes": 0, "x_object_hash": "00", "x_object_version": 1, "x_object_version_timestamp": "1.0"}
    page = [entry | {"name": f"zzz/{number}"} for number in range(10_000)]
    meddler.when("^GET .*shared", Answer(200, json.dumps(page).encode()))
    behind.move_folder(place.path("dir"), place.path("new"))
    assert place.store.head(place.path("new/4")).public


def test_requests_of_a_folder_move(place: Place, meddler: FaultProxy, behind: PithosStore) -> None:
    place.folder("dir")
    for number in range(20):
        place.put(f"dir/{number}")
    behind.move_folder(place.path("dir"), place.path("new"))
    assert methods(meddler) == ["GET", "HEAD", "PUT"]


# damaged and strange answers ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"{}",
        b'"text"',
        b"[1]",
        b'[{"name": 1}]',
        b'[{"name": ""}]',
        b'[{"bytes": 1}]',
        b'[{"name": "x", "bytes": "1", "x_object_hash": "", "x_object_version": 1, "x_object_version_timestamp": "1"}]',
        b'[{"name": "x", "bytes": -1, "x_object_hash": "", "x_object_version": 1, "x_object_version_timestamp": "1"}]',
        b'[{"name": "x", "bytes": 1, "x_object_version": 1, "x_object_version_timestamp": "1"}]',
        b'[{"name": "x", "bytes": 1, "x_object_hash": null, "x_object_version": 1, "x_object_version_timestamp": "1"}]',
        b"[" * 100_000,
        b"\xff\xfe",
    ],
    ids=lambda body: body[:24].decode("latin-1"),
)
def test_rubbish_instead_of_json(place: Place, meddler: FaultProxy, behind: PithosStore, body: bytes) -> None:
    meddler.when("^GET", Answer(200, body))
    for ask in (
        lambda: behind.list_objects(place.container),
        lambda: behind.hashmap(place.path("x")),
        lambda: behind.versions(place.path("x")),
    ):
        with pytest.raises(BadReply):
            ask()
    if body[:9] != b'[{"name":':  # an account list needs no more than names
        with pytest.raises(BadReply):
            behind.containers()


def test_a_head_without_what_it_must_tell(place: Place, meddler: FaultProxy, behind: PithosStore) -> None:
    place.put("x")
    meddler.when("^HEAD", Answer(200))
    with pytest.raises(BadReply):
        behind.head(place.path("x"))
    with pytest.raises(BadReply):
        behind.container(place.container)


def test_a_container_with_an_unknown_hash(place: Place, meddler: FaultProxy, behind: PithosStore) -> None:
    headers = {"X-Container-Block-Size": "4096", "X-Container-Block-Hash": "rot13"}
    meddler.when("^HEAD", Answer(204, b"", headers))
    with pytest.raises(BadReply):
        behind.container(place.container)


def test_a_list_without_end(place: Place, meddler: FaultProxy, behind: PithosStore) -> None:
    place.put("x")
    entry = {"name": "x", "bytes": 0, "x_object_hash": "00", "x_object_version": 1, "x_object_version_timestamp": "1"}
    meddler.when("^GET", Answer(200, json.dumps([entry] * 10_000).encode()))
    with pytest.raises(BadReply):
        behind.list_objects(place.container)


def test_half_a_body_is_asked_for_again(place: Place, meddler: FaultProxy, behind: PithosStore) -> None:
    info = place.put("x", b"0123456789" * 1000)

    meddler.when("^GET", CutBody(5000), times=1)
    assert behind.read_range(place.path("x"), 0, 10_000, info.version) == b"0123456789" * 1000
    meddler.when("^GET", CutBody(5000))
    with pytest.raises((BadReply, NoConnection)):
        behind.read_range(place.path("x"), 0, 10_000, info.version)


@pytest.mark.parametrize("status", [200, 206])
def test_a_range_of_another_length(place: Place, meddler: FaultProxy, behind: PithosStore, status: int) -> None:
    info = place.put("x", b"0123456789")
    meddler.when("^GET", Answer(status, b"012"))
    with pytest.raises(BadReply):
        behind.read_range(place.path("x"), 0, 10, info.version)


def stored_as(etag: str) -> Answer:
    return Answer(201, b"", {"ETag": etag, "X-Object-Version": "7"})


def test_another_etag_than_what_was_sent(place: Place, meddler: FaultProxy, behind: PithosStore) -> None:
    meddler.when("^PUT", stored_as("00" * 32))
    with pytest.raises(BadReply):
        behind.put_object(place.path("x"), b"data", content_type="", meta={}, base=None)
    with pytest.raises(BadReply):
        behind.put_hashmap(place.path("y"), Hashmap(4, (block_hash(b"data"),)), content_type="", meta={}, base=None)


def test_the_md5_option(place: Place, meddler: FaultProxy, behind: PithosStore) -> None:
    """A server whose ETags are MD5s, wrong ones for some objects made of blocks."""
    md5 = "8d777f385d3dfec8815d20f7496026dc"  # of b"data"
    meddler.when("^PUT", stored_as(md5))
    info = behind.put_object(place.path("x"), b"data", content_type="", meta={}, base=None)
    assert (info.etag, info.hash) == (md5, block_hash(b"data"))
    meddler.when("^PUT", stored_as("00" * 16))
    with pytest.raises(BadReply):
        behind.put_object(place.path("x"), b"data", content_type="", meta={}, base=None)
    made = behind.put_hashmap(place.path("y"), Hashmap(4, (block_hash(b"data"),)), content_type="", meta={}, base=None)
    assert isinstance(made, ObjectInfo)
    assert made.etag == "00" * 16


def test_a_block_that_was_stored_as_another(place: Place, meddler: FaultProxy, behind: PithosStore) -> None:
    for body in (b"[]", b'["%s"]' % (b"00" * 32), b'["a", "b"]', b"{}"):
        meddler.when("^POST", Answer(202, body))
        with pytest.raises(BadReply):
            behind.put_block(place.container, b"data")


def test_a_server_that_claims_to_have_every_block(place: Place, meddler: FaultProxy, behind: PithosStore) -> None:
    hashmap = Hashmap(4, (block_hash(b"data"),))
    for answer in (stored_as("00" * 32), Answer(409, b"[]")):
        meddler.when("^PUT", answer)
        with pytest.raises(BadReply):
            behind.missing_blocks(place.container, hashmap)


def test_a_server_that_is_away(place: Place, meddler: FaultProxy, behind: PithosStore) -> None:
    meddler.when(".", Drop())
    for ask in (
        lambda: behind.head(place.path("x")),
        lambda: behind.containers(),
        lambda: behind.move(place.path("x"), place.path("y")),
        lambda: behind.put_block(place.container, b"x"),
    ):
        with pytest.raises(PithosfsError):
            ask()


# requests -------------------------------------------------------------------------------------------------------------


def test_a_small_file_is_one_request(place: Place, meddler: FaultProxy, behind: PithosStore) -> None:
    behind.container(place.container)
    meddler.forget()
    behind.put_object(place.path("x"), b"data", content_type="", meta={"k": "v"}, base="")
    assert methods(meddler) == ["PUT"]


def test_a_whole_content_in_one_request(place: Place, meddler: FaultProxy, behind: PithosStore) -> None:
    data, management = os.urandom(5_000_000), behind.management()
    meddler.forget()
    meddler.when("^PUT", CutRequest(1_000_000), times=1)  # a file is sent again from its beginning
    info = management.put_whole(place.path("x"), io.BytesIO(data), content_type="a/b", meta={"k": "v"}, base="")
    assert (info.size, info.content_type, info.meta) == (len(data), "a/b", {"k": "v"})
    assert methods(meddler) == ["PUT", "PUT", "HEAD"]
    pieces = iter([data[:10], data[10:]])
    again = management.put_whole(place.path("y"), pieces, content_type="", meta={}, base=None)
    assert again.hash == info.hash
    with pytest.raises(PreconditionFailed):
        management.put_whole(place.path("x"), io.BytesIO(b"x"), content_type="", meta={}, base="")
    with pytest.raises(BadRequest) as refused:
        management.put_whole(place.path("x"), io.BytesIO(b"x"), content_type="", meta={}, base=None, md5="0" * 32)
    assert refused.value.status == 422
    assert place.store.head(place.path("x")).version == info.version


def test_blocks_go_through_another_container_when_theirs_is_deleted(behind: PithosStore, users: Users) -> None:
    behind.create_container("shortlived")
    behind.put_block("shortlived", b"one")
    users.alice.delete_container("shortlived")
    assert behind.put_block("shortlived", b"two") == block_hash(b"two")
    assert behind.missing_blocks("shortlived", Hashmap(3, (block_hash(b"two"),))) == []


def test_a_stored_encoding_is_not_undone(place: Place, wire: PithosWire) -> None:
    """`Content-Encoding` describes the object, not the transfer."""
    path = place.path("x")
    wire.object_put(
        path.account, path.container, path.name, b"not gzip", content_type="text/plain", content_encoding="gzip"
    )
    info = place.store.head(path)
    assert place.store.read_range(path, 0, 8, info.version) == b"not gzip"
    assert place.store.hashmap(path).size == 8


def test_a_manifest_is_read_by_its_whole_length(place: Place, wire: PithosWire) -> None:
    place.put("parts/1", b"hello ")
    place.put("parts/2", b"world")
    path = place.path("whole")
    manifest = f"{place.container}/parts/"
    wire.object_put(path.account, path.container, path.name, b"", content_type="text/plain", manifest=manifest)
    info = place.store.head(path)
    assert info.size == 11
    source = ObjectSource(place.store, path, info)
    assert source.hashmap is None
    assert source.read_range(0, 11) == b"hello world"


def test_history_outlives_the_object(place: Place) -> None:
    place.put("x")
    place.store.delete(place.path("x"))
    assert len(place.store.versions(place.path("x"))) == 1
    with pytest.raises(NotFound):
        place.store.versions(ObjectPath(place.store.account, place.container, "never"))
