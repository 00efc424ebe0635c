"""What replies say, and replies that say nonsense."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from fixtures.scripted import Scripted, answer

from pithosfs.blocks import Hashmap
from pithosfs.clients.pithos import replies
from pithosfs.clients.pithos.wire import PithosWire
from pithosfs.errors import BadReply, BadRequest, Conflict
from pithosfs.http import Reply, RetryPolicy, Session

HASH = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.fixture
def session() -> Iterator[Session]:
    with Session(policy=RetryPolicy(attempts=1)) as made:
        yield made


def reply(session: Session, status: int = 200, body: object = b"", **headers: str) -> Reply:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    with Scripted(answer(status, content, **headers)) as server:
        return session.request("GET", server.url + "/", expect=(status,))


def test_the_head_of_an_object(session: Session) -> None:
    head = replies.object_head(
        reply(
            session,
            body=b"x" * 5,
            Content_Type="image/svg%2Bxml",
            ETag=f'"{HASH.upper()}"',
            X_Object_Hash=HASH,
            X_Object_Version="75",
            X_Object_Version_Timestamp="Sun, 06 Nov 1994 08:49:37 GMT",
            Last_Modified="Sun, 06 Nov 1994 08:49:38 GMT",
            X_Object_Sharing="read=%2A",
            X_Object_Allowed_To="write",
            X_Object_Public="http://h/public/x",
            X_Object_Meta_A_B="%C3%A9",
            Content_Disposition="attachment",
            Available="1",
        )
    )
    assert (head.size, head.content_type, head.etag, head.hash) == (5, "image/svg+xml", HASH, HASH)
    assert (head.version, head.version_time, head.modified) == ("75", 784111777, 784111778)
    assert (head.sharing, head.allowed_to, head.public) == ("read=*", "write", "http://h/public/x")
    assert (head.meta, head.available, head.content_disposition) == ({"a-b": "é"}, 1, "attachment")
    assert head.shared_by is head.manifest is head.content_encoding is None


def test_numbers_that_are_not_told_are_unknown(session: Session) -> None:
    container = replies.container_head(reply(session))
    assert container.object_count is container.bytes_used is container.block_size is container.object_meta is None
    account = replies.account_head(reply(session))
    assert account.quota is account.container_count is None


def test_the_head_of_a_container(session: Session) -> None:
    head = replies.container_head(
        reply(
            session,
            X_Container_Block_Size="4096",
            X_Container_Block_Hash="sha1",
            X_Container_Object_Meta="A-B,%C3%89%2C, ",
            X_Container_Policy_Quota="0",
            X_Container_Policy_Versioning="auto",
            X_Container_Meta_K="v",
        )
    )
    assert (head.block_size, head.block_hash) == (4096, "sha1")
    assert head.object_meta == {"a-b", "é,"}
    assert head.policy == {"quota": "0", "versioning": "auto"}
    assert head.meta == {"k": "v"}
    assert replies.container_head(reply(session, X_Container_Object_Meta="")).object_meta == frozenset()


@pytest.mark.parametrize(
    ("text", "members"),
    [
        ("tar, tar.gz; members=10000", 10_000),
        ("tar.gz, tar;members=7; more", 7),
        ("tar.gz; members=7", 0),
        ("tar; members=-7", 0),
        ("tar", 0),
        ("", 0),
    ],
)
def test_a_container_that_takes_archives(session: Session, text: str, members: int) -> None:
    assert replies.container_head(reply(session, X_Pithosfs_Bulk_Upload=text)).bulk_members == members
    assert replies.container_head(reply(session)).bulk_members == 0


def test_the_head_of_an_account(session: Session) -> None:
    head = replies.account_head(
        reply(
            session,
            **{"X-Account-Policy-Quota": "12", "X-Account-Policy-Quota-AB-C": "7", "X-Account-Group-Fam": "a, b,"},
        )
    )
    assert (head.quota, head.project_quotas, head.groups) == (12, {"ab-c": 7}, {"fam": ("a", "b")})


@pytest.mark.parametrize(
    ("text", "version"), [("75", "75"), ("%28%5B75%5D, 11L, 11L%29", "75"), ("([75], 11L, 11L)", "75"), ("", "")]
)
def test_the_version_after_a_move_is_malformed(session: Session, text: str, version: str) -> None:
    assert replies.written(reply(session, 201, X_Object_Version=text)).version == version


def test_hashmaps(session: Session) -> None:
    good = {"block_hash": "sha256", "block_size": 4, "bytes": 3, "hashes": [HASH]}
    assert replies.hashmap(reply(session, body=good)) == Hashmap(3, (HASH,), 4)
    for bad in (
        b"{", [], "x", None, {}, {**good, "bytes": "3"}, {**good, "bytes": 9}, {**good, "bytes": -1},
        {**good, "hashes": [1]},
        {**good, "block_hash": "rot13"}, {**good, "block_size": 0}, {**good, "hashes": None},
    ):  # fmt: skip
        with pytest.raises(BadReply):
            replies.hashmap(reply(session, body=bad))


def test_lists(session: Session) -> None:
    found = [{"name": "a"}, {"subdir": "b/"}]
    assert replies.entries(reply(session, body=found)) == found
    assert replies.entries(reply(session, 204)) == []
    for bad in (b"", {}, "x", [1], [{}], [{"name": 1}], [None]):
        with pytest.raises(BadReply):
            replies.entries(reply(session, body=bad))


def test_versions(session: Session) -> None:
    listed = {"versions": [[72, "1795442896.507502"], ["73", 5]]}
    assert replies.version_list(reply(session, body=listed)) == [("72", "1795442896.507502"), ("73", "5")]
    for bad in ([], {}, {"versions": [1]}, {"versions": None}, b"x"):
        with pytest.raises(BadReply):
            replies.version_list(reply(session, body=bad))


def test_missing_blocks_are_no_error_and_a_conflict_is(session: Session) -> None:
    put = {"content_type": "x/y"}
    with Scripted(
        answer(409, json.dumps([HASH.upper()]).encode()), answer(201), answer(409, b'{"c": {"message": "no"}}')
    ) as server:
        wire = PithosWire(session, server.url, "token")
        first = wire.object_put_hashmap("a", "c", "o", (3, [HASH.upper()]), **put)  # type: ignore[arg-type]
        assert replies.missing_hashes(first) == [HASH]
        assert json.loads(server.seen[0].body) == {"bytes": 3, "hashes": [HASH]}
        second = wire.object_put_hashmap("a", "c", "o", Hashmap(0, ()), **put)  # type: ignore[arg-type]
        assert replies.missing_hashes(second) is None
        with pytest.raises(Conflict, match="no"):
            wire.object_put_hashmap("a", "c", "o", (3, [HASH]), **put)  # type: ignore[arg-type]


def test_a_part_is_exactly_what_was_asked_for(session: Session) -> None:
    with Scripted(answer(206, b"ab"), answer(206, b"abc"), answer(200, b"abcdef")) as server:
        wire = PithosWire(session, server.url, "token")
        assert wire.object_get("a", "c", "o", start=1, end=3).content == b"ab"
        assert server.seen[0].headers["range"] == "bytes=1-2"
        for _ in range(2):
            with pytest.raises(BadReply):
                wire.object_get("a", "c", "o", start=1, end=3)
        with pytest.raises(BadRequest):
            wire.object_get("a", "c", "o", start=3, end=3)


def test_what_goes_out_is_what_was_given(session: Session) -> None:
    with Scripted(answer(204)) as server:
        wire = PithosWire(session, server.url + "/v1/", "token")
        wire.container_get("a", "c é", prefix="", until=5, limit=0, meta=["A=1", "!B"], shared=True)
        wire.container_get("a", "c")
        wire.object_post("a", "c", "./o//", update=False, meta={"a_b": "ü"}, sharing="", public=False)
        wire.object_write("a", "c", "o", b"xy", offset=3, size=9, if_match="t")
        wire.object_write("a", "c", "o", b"xy")
        wire.object_write("a", "c", "o", None, source=("b", "d", "ö"), source_version=3, offset=0, object_bytes=7)
        wire.object_copy("a", "c", "o", ("b", "d", "é/.."), move=True, delimiter="/")
        targets = [one.target for one in server.seen]
        heads = [one.headers for one in server.seen]
    assert targets[0] == "/v1/a/c%20%C3%A9?format=json&limit=0&prefix=&meta=A%3D1%2C%21B&shared=&until=5"
    assert targets[1] == "/v1/a/c?format=json"
    assert targets[2] == "/v1/a/c/%2E/o//?format=json"
    assert {key: value for key, value in heads[2].items() if key.startswith("x-object")} == {
        "x-object-meta-a-b": "%C3%BC",
        "x-object-sharing": "",
        "x-object-public": "false",
    }
    assert "content-type" not in heads[2]
    assert targets[3] == "/v1/a/c/o?format=json&update="
    assert (heads[3]["content-range"], heads[3]["if-match"]) == ("bytes 3-4/9", "t")
    assert heads[4]["content-range"] == "bytes */*"
    assert (heads[5]["content-range"], heads[5]["x-source-object"]) == ("bytes 0-/*", "/d/%C3%B6")
    assert (heads[5]["x-source-account"], heads[5]["x-source-version"], heads[5]["x-object-bytes"]) == ("b", "3", "7")
    assert (heads[6]["destination"], heads[6]["destination-account"]) == ("/d/%C3%A9/%2E%2E", "b")
    assert all(one["x-auth-token"] == "token" for one in heads)


@pytest.mark.parametrize("until", [1.5, -1, "now"])
def test_a_delete_never_goes_out_with_a_time_that_the_server_would_ignore(session: Session, until: float | str) -> None:
    with Scripted(answer(204)) as server:
        wire = PithosWire(session, server.url, "token")
        with pytest.raises(BadRequest):
            wire.object_delete("a", "c", "o", until=until)
        with pytest.raises(BadRequest):
            wire.container_delete("a", "c", until=until)
        assert server.seen == []


def test_an_append_is_never_sent_twice_and_a_write_in_place_is() -> None:
    with Session(policy=RetryPolicy(attempts=3, base=0.001)) as session, Scripted(answer(503), answer(204)) as server:
        assert PithosWire(session, server.url, "t").object_write("a", "c", "o", b"x", offset=0).attempts == 2
    with Session(policy=RetryPolicy(attempts=3, base=0.001)) as session, Scripted(answer(503)) as server:
        wire = PithosWire(session, server.url, "t")
        for write in (
            lambda: wire.object_write("a", "c", "o", b"x"),
            lambda: wire.object_copy("a", "c", "o", ("a", "c", "p"), move=True),
            lambda: wire.object_put_from("a", "c", "o", ("a", "c", "p"), move=True),
        ):
            before = len(server.seen)
            with pytest.raises(Exception, match="503"):
                write()
            assert len(server.seen) == before + 1


def test_a_wire_shows_no_token(session: Session) -> None:
    assert "sesame" not in repr(PithosWire(session, "http://h/", "sesame"))
