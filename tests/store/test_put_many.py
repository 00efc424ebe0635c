"""Many new objects at once: in one request, or side by side where the cloud knows no other way; the outcome is one."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from fixtures.clouds import TestCloud
from fixtures.proxy import Answer, CutBody, CutRequest, Drop, FaultProxy, LoseAnswer, ReplaceBody, Request

from pithosfs.blocks import hash_stream
from pithosfs.clients.pithos.wire import PithosWire
from pithosfs.errors import (
    BadReply,
    BadRequest,
    NotAllowed,
    NotFound,
    PithosfsError,
    PreconditionFailed,
    QuotaExceeded,
)
from pithosfs.http import RetryPolicy, Session
from pithosfs.store import NewObject, ObjectInfo, Sharing
from pithosfs.store.pithos import PithosStore

from .conftest import MIB, Place, Users
from .test_conformance import ODD_NAMES

PLAIN = {"X-Container-Block-Size": str(4 * MIB), "X-Container-Block-Hash": "sha256"}


class Nobody:
    """A user catalog: these tests ask for nobody's name."""

    def uuids2usernames(self, uuids: object) -> dict[str, str]:
        return {}

    usernames2uuids = uuids2usernames


@pytest.fixture
def meddler(cloud: TestCloud, proxy: Callable[[TestCloud], FaultProxy]) -> FaultProxy:
    """Between the store and the cloud."""
    return proxy(cloud)


def is_container_head(request: Request) -> bool:
    return request.method == "HEAD" and request.target.count("/") == 4


def opened(users: Users, meddler: FaultProxy, *, bulk: bool = True, who: str = "alice") -> Iterator[PithosStore]:
    if not bulk:  # as any other cloud of the family
        meddler.when(is_container_head, Answer(204, b"", PLAIN))
    token = users.cloud.token if who == "alice" else getattr(users, who)._wire._token
    with Session(policy=RetryPolicy(attempts=3, base=0.01, cap=0.02), read_timeout=10) as session:
        wire = PithosWire(session, f"{meddler.url}/object-store/v1", token)
        yield PithosStore(wire, getattr(users, who).account, Nobody())


@pytest.fixture(params=[True, False], ids=["archive", "side by side"])
def either(request: pytest.FixtureRequest, users: Users, meddler: FaultProxy) -> Iterator[PithosStore]:
    """Alice's store, whichever way it goes."""
    yield from opened(users, meddler, bulk=request.param)


@pytest.fixture
def bulk(users: Users, meddler: FaultProxy) -> Iterator[PithosStore]:
    """Alice's store, in one request."""
    yield from opened(users, meddler)


def puts(meddler: FaultProxy) -> list[str]:
    return [line for line in meddler.request_lines() if line.startswith("PUT")]


def new(name: str, data: bytes = b"data", kind: str = "text/plain", **meta: str) -> NewObject:
    return NewObject(name, data, kind, meta)


def check(place: Place, items: list[NewObject], outcome: list[ObjectInfo | PithosfsError]) -> None:
    """All were made, and what is told of each is what there is."""
    assert len(outcome) == len(items)
    for item, info in zip(items, outcome, strict=True):
        assert isinstance(info, ObjectInfo), (item, info)
        head = place.store.head(place.path(item.name))
        assert (info.name, info.size, info.content_type) == (item.name, len(item.data), item.content_type)
        assert (info.hash, info.version, info.etag, info.meta) == (head.hash, head.version, head.etag, head.meta)
        assert info.hash == hash_stream(io.BytesIO(item.data)).root
        assert place.read(item.name) == item.data
        assert head.content_type == item.content_type


# whichever way --------------------------------------------------------------------------------------------------------


def test_contents(place: Place, either: PithosStore) -> None:
    sizes = (0, 1, 511, 512, 513, 65_536, 65_537, 4 * MIB, 4 * MIB + 1)
    items = [new(f"folder/{size}", os.urandom(size)) for size in sizes]
    items += [new("nuls", bytes(10)), new("trailing", b"abc\0\0"), new("folder", b"", "application/directory")]
    check(place, items, either.put_many(place.container, items))
    assert place.store.head(place.path("folder")).is_directory


def test_contents_that_were_hashed_before(place: Place, either: PithosStore) -> None:
    right = replace(new("right"), hashmap=hash_stream(io.BytesIO(b"data")))
    wrong = replace(new("wrong"), hashmap=hash_stream(io.BytesIO(b"other")))
    outcome = either.put_many(place.container, [right, wrong])
    check(place, [right], outcome[:1])
    assert isinstance(outcome[1], BadReply)
    check(place, [right], either.put_many(place.container, [right]))


def test_names(place: Place, either: PithosStore) -> None:
    items = [new(name, name.encode()) for name in [*ODD_NAMES, "./dot", "././x", "./", ".", "n" * 101, "é" * 100]]
    check(place, items, either.put_many(place.container, items))
    assert sorted(place.names()) == sorted(item.name for item in items)


def test_metadata(place: Place, either: PithosStore) -> None:
    meta = {
        "mtime": "1600000000.123456789",
        "Mode": "0644",
        "under_score": "x",
        "é": "ünïcödé ☃",
        "percent": "100% %41 %25",
        "blanks": "  at the ends ",
        "lines": "a\nb\r\n\0",
        "long": "x" * 256,
        "empty": "",
        "a=b": "c=d",
        "with blank": 'quote"s, semi; colon',
    }
    items = [
        new("all", b"x", **meta),
        new("none"),
        new("type", b"", "image/svg+xml; charset=utf-8"),
        new("no type", b"", ""),
    ]
    outcome = either.put_many(place.container, items)
    check(place, items, outcome)
    single = place.store.put_object(place.path("single"), b"x", content_type="a/b", meta=meta, base="")
    assert isinstance(outcome[0], ObjectInfo)
    assert outcome[0].meta == single.meta == place.store.head(place.path("single")).meta
    assert outcome[0].meta == {key.replace("_", "-").lower(): value for key, value in meta.items() if value}


def test_names_that_are_taken(place: Place, either: PithosStore) -> None:
    before = place.put("taken", b"old")
    outcome = either.put_many(place.container, [new("a"), new("taken"), new("b")])
    assert isinstance(outcome[0], ObjectInfo)
    assert isinstance(outcome[1], PreconditionFailed)
    assert isinstance(outcome[2], ObjectInfo)
    assert place.store.head(place.path("taken")) == before or place.read("taken") == b"old"
    assert len(place.store.versions(place.path("taken"))) == 1


def test_the_same_again_is_no_conflict(place: Place, either: PithosStore) -> None:
    items = [new(f"{number}", b"x" * number, kind="a/b", Some_Key="v~", empty="") for number in range(30)]
    first = either.put_many(place.container, items)
    second = either.put_many(place.container, items)
    for one, again in zip(first, second, strict=True):
        assert isinstance(one, ObjectInfo)
        assert isinstance(again, ObjectInfo)
        assert (one.version, one.hash) == (again.version, again.hash)
    assert len(place.store.versions(place.path("1"))) == 1


@pytest.mark.parametrize(
    "other",
    [
        new("x", b"other", k="v"),
        new("x", b"abc\0", k="v"),  # the same hash
        new("x", b"abc", "other/type", k="v"),
        new("x", b"abc", k="w"),
        new("x", b"abc", k="v", more="1"),
        new("x", b"abc"),
    ],
    ids=["content", "nuls", "type", "value", "more", "less"],
)
def test_what_is_not_the_same_is_a_conflict(place: Place, either: PithosStore, other: NewObject) -> None:
    assert isinstance(either.put_many(place.container, [new("x", b"abc", k="v")])[0], ObjectInfo)
    assert isinstance(either.put_many(place.container, [other])[0], PreconditionFailed)
    assert place.read("x") == b"abc"


def test_the_same_name_twice(place: Place, either: PithosStore) -> None:
    outcome = either.put_many(place.container, [new("x", b"one"), new("x", b"two"), new("y")])
    assert isinstance(outcome[2], ObjectInfo)
    made = [index for index in (0, 1) if isinstance(outcome[index], ObjectInfo)]
    assert len(made) == 1
    assert isinstance(outcome[1 - made[0]], PreconditionFailed)
    assert place.read("x") == (b"one", b"two")[made[0]]


def test_what_cannot_be_made(place: Place, either: PithosStore) -> None:
    bad = [new(""), new("new\nline"), new("nul\0"), new("n" * 1025), new("\udcff"), new("value", b"", a="x" * 257)]
    bad += [new("key", b"", **{"k" * 200: "v"}), new("type", b"", "text/ü"), new("surrogate", b"", a="\udcff")]
    bad += [new("many", b"", **{f"k{number}": "v" for number in range(33)}), new("no key", b"", **{"": "x"})]
    outcome = either.put_many(place.container, [*bad, new("good")])
    for item, error in zip(bad, outcome, strict=False):
        assert isinstance(error, BadRequest), (item, error)
    assert isinstance(outcome[-1], ObjectInfo)
    assert place.names() == ["good"]


def test_nothing_and_one(place: Place, either: PithosStore) -> None:
    assert either.put_many(place.container, []) == []
    check(place, [new("x")], either.put_many(place.container, [new("x")]))


def test_no_container(either: PithosStore, meddler: FaultProxy) -> None:
    meddler.restore()
    with pytest.raises(NotFound):
        either.put_many("nowhere", [new("x")])


def test_quota(place: Place, either: PithosStore) -> None:
    place.store.set_policy(place.container, {"quota": "250000"})
    outcome = either.put_many(place.container, [new(f"{number}", bytes([number]) * 70_000) for number in range(5)])
    assert sorted(isinstance(one, ObjectInfo) for one in outcome) == [False, False, True, True, True]
    assert all(isinstance(one, QuotaExceeded) for one in outcome if not isinstance(one, ObjectInfo))
    assert len(place.names()) == 3


@pytest.mark.parametrize("by_archive", [True, False])
def test_into_somebody_elses_folder(place: Place, users: Users, meddler: FaultProxy, by_archive: bool) -> None:
    place.folder("drop")
    users.alice.set_sharing(place.path("drop"), Sharing(write=(users.bob.account,)))
    for bob in opened(users, meddler, bulk=by_archive, who="bob"):
        items = [new("drop/a", b"a"), new("b"), new("drop/c", b"c")]
        outcome = bob.put_many(place.container, items, account=users.alice.account)
        assert isinstance(outcome[1], NotAllowed)
        check(place, [items[0], items[2]], [outcome[0], outcome[2]])
        assert place.names() == ["drop", "drop/a", "drop/c"]
        assert isinstance(outcome[0], ObjectInfo)
        assert outcome[0].modified_by == users.alice.head(place.path("drop/a")).modified_by == users.bob.account


# in one request -------------------------------------------------------------------------------------------------------


def test_it_is_known_from_what_is_asked_anyway(place: Place, bulk: PithosStore, meddler: FaultProxy) -> None:
    assert not bulk.capabilities.bulk_upload
    bulk.container(place.container)
    assert bulk.capabilities == replace(PithosStore.capabilities, bulk_upload=True)
    meddler.forget()
    items = [new(f"{number}", b"%d" % number, mtime="1.5") for number in range(100)]
    outcome = bulk.put_many(place.container, items)
    assert len(meddler.request_lines()) == 1
    listing = place.store.list_objects(place.container)
    assert listing is not None
    listed = {one.name: one for one in listing.found.objects}
    for one in outcome:
        assert isinstance(one, ObjectInfo)
        there = listed[one.name]
        assert (one.version, one.hash, one.size, one.uuid, one.modified_ns, one.modified_by) == (
            there.version,
            there.hash,
            there.size,
            there.uuid,
            there.modified_ns,
            there.modified_by,
        )


def test_a_cloud_without_it(users: Users, place: Place, meddler: FaultProxy) -> None:
    for store in opened(users, meddler, bulk=False):
        store.put_many(place.container, [new("a"), new("b")])
        assert not store.capabilities.bulk_upload
        assert len(puts(meddler)) == 2


@pytest.mark.parametrize("said", ["tar.gz; members=5", "tar", "tar; members=x", "zip, tar; members=0", ""])
def test_a_cloud_that_speaks_another_dialect(users: Users, place: Place, meddler: FaultProxy, said: str) -> None:
    meddler.when(is_container_head, Answer(204, b"", {**PLAIN, "X-Pithosfs-Bulk-Upload": said}))
    for store in opened(users, meddler):
        check(place, [new("a"), new("b")], store.put_many(place.container, [new("a"), new("b")]))
        assert not any("extract-archive" in line for line in puts(meddler))


def test_more_than_the_cloud_takes_at_once(users: Users, place: Place, meddler: FaultProxy) -> None:
    meddler.when(is_container_head, Answer(204, b"", {**PLAIN, "X-Pithosfs-Bulk-Upload": "tar; members=4; more=1"}))
    for store in opened(users, meddler):
        items = [new(f"{number}") for number in range(10)]
        check(place, items, store.put_many(place.container, items))
        assert len(puts(meddler)) == 3


@pytest.mark.parametrize(
    "fault", [LoseAnswer(), Drop(), CutRequest(100), CutRequest(300_000), CutBody(10), Answer(503)], ids=str
)
def test_an_answer_that_is_lost(place: Place, bulk: PithosStore, meddler: FaultProxy, fault: object) -> None:
    """Whatever the server had made already is met again, and is not taken for somebody else's."""
    items = [new(f"{number}", os.urandom(number * 40), mtime=f"{number}.5", Mode="0600") for number in range(250)]
    bulk.container(place.container)
    meddler.when("extract-archive", fault, times=1)  # type: ignore[arg-type]
    outcome = bulk.put_many(place.container, items)
    assert len(puts(meddler)) == 2
    check(place, items[::50], outcome[::50])
    listing = place.store.list_objects(place.container)
    assert listing is not None
    listed = {one.name: one.version for one in listing.found.objects}
    assert listed == {one.name: one.version for one in outcome if isinstance(one, ObjectInfo)}
    assert len(listed) == 250
    assert len(place.store.versions(place.path("7"))) == 1


def test_an_answer_that_is_always_lost(place: Place, bulk: PithosStore, meddler: FaultProxy) -> None:
    items = [new(f"{number}") for number in range(5)]
    meddler.when("extract-archive", LoseAnswer())
    with pytest.raises(PithosfsError):
        bulk.put_many(place.container, items)
    meddler.restore()
    check(place, items, bulk.put_many(place.container, items))


def test_somebody_was_faster_while_the_answer_was_lost(place: Place, bulk: PithosStore, meddler: FaultProxy) -> None:
    bulk.container(place.container)
    place.put("2", b"theirs")
    meddler.when("extract-archive", LoseAnswer(), times=1)
    outcome = bulk.put_many(place.container, [new(f"{number}") for number in range(4)])
    assert [isinstance(one, ObjectInfo) for one in outcome] == [True, True, False, True]
    assert isinstance(outcome[2], PreconditionFailed)


def rubbish(*made: dict[str, object], errors: object = (), why: str = "") -> Answer:
    answer = {"Response Status": "", "Response Body": why, "Number Files Created": 0, "Errors": errors, "Objects": made}
    return Answer(200, json.dumps(answer).encode())


MADE = {
    "name": "x",
    "bytes": 4,
    "etag": "e",
    "x_object_hash": hash_stream(io.BytesIO(b"data")).root,
    "x_object_version": 7,
    "x_object_version_timestamp": "1.5",
    "x_object_uuid": "u",
}


@pytest.mark.parametrize(
    "answer",
    [
        rubbish(),
        rubbish(why="Invalid Tar File"),
        rubbish(MADE | {"name": "y"}),
        rubbish(MADE | {"bytes": 5}),
        rubbish(MADE | {"x_object_hash": "0" * 64}),
        rubbish(errors=[["other/x", "412 Precondition Failed"]]),
    ],
)
def test_an_answer_that_does_not_fit(place: Place, bulk: PithosStore, meddler: FaultProxy, answer: Answer) -> None:
    meddler.when("extract-archive", answer)
    assert isinstance(bulk.put_many(place.container, [new("x")])[0], BadReply)


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, b"rubbish"),
        Answer(200, b"[]"),
        Answer(200, b"{}"),
        rubbish({"name": "x"}),
        rubbish(MADE | {"bytes": "x"}),
        rubbish(errors=[["x"]]),
        rubbish(errors=[["x", "no number"]]),
        rubbish(errors=[[1, 2]]),
        ReplaceBody(),
    ],
)
def test_an_answer_that_is_none(place: Place, bulk: PithosStore, meddler: FaultProxy, answer: Answer) -> None:
    meddler.when("extract-archive", answer)
    with pytest.raises(BadReply):
        bulk.put_many(place.container, [new("x")])


def test_a_cloud_that_took_it_for_something_else(place: Place, bulk: PithosStore, meddler: FaultProxy) -> None:
    """202 is what a container says that was changed."""
    meddler.when("extract-archive", Answer(202))
    with pytest.raises(BadReply):
        bulk.put_many(place.container, [new("x")])


def test_a_damaged_upload_makes_nothing_wrong(place: Place, bulk: PithosStore, users: Users) -> None:
    """The server compares each content with the sum that came with it."""
    from pithosfs.clients.pithos.archives import ArchiveMember, archive_of

    members = [ArchiveMember(name, b"data", "a/b", "0" * 32) for name in ("x", "y")]
    body = archive_of((one.header(), one.data) for one in members)
    reply = bulk._wire.archive_put(users.alice.account, place.container, body)
    assert [status for _, status in reply.json()["Errors"]] == ["422 Unprocessable Entity"] * 2
    assert place.names() == []
