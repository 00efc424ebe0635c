"""PUT, metadata POST, hashmaps, DELETE and versions of objects (object-store.md 3.4, 7.3, 7.5, 7.6, 9, 11)."""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
import time
import xml.etree.ElementTree as ElementTree
from itertools import cycle, islice
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

B = 4 * 1024 * 1024
DATA = "application/octet-stream"
EMPTY = hashlib.sha256(b"").hexdigest()

VECTORS = json.loads((Path(__file__).parents[2] / "data/vectors/hashmap.json").read_text())
OBJECTS = [one for one in VECTORS["objects"] if (one["block_size"], one["block_hash"]) == (B, "sha256")]


def content(vector: dict[str, Any]) -> bytes:
    pieces = [(bytes.fromhex(pattern), count) for pattern, count in vector["data"]]
    return b"".join((pattern * (count // len(pattern) + 1))[:count] for pattern, count in pieces)


def meta(person: Any, path: str) -> dict[str, str]:
    prefix = "x-object-meta-"
    headers = person("HEAD", path).headers
    return {unquote(key[len(prefix) :]): unquote(value) for key, value in headers.items() if key.startswith(prefix)}


def hashmap(*blocks: bytes, size: int | None = None) -> bytes:
    hashes = [hashlib.sha256(one.rstrip(b"\0")).hexdigest() for one in blocks]
    return json.dumps({"bytes": sum(map(len, blocks)) if size is None else size, "hashes": hashes}).encode()


@pytest.mark.parametrize("vector", OBJECTS, ids=[one["name"] for one in OBJECTS])
class TestVectors:
    def test_put(self, alice: Any, vector: dict[str, Any]) -> None:
        data = content(vector)
        answer = alice.put("c/o", data, ETag=vector["md5"])
        assert answer.headers["etag"] == vector["object_hash"]
        self.check(alice, vector, data)

    def test_chunked(self, alice: Any, vector: dict[str, Any]) -> None:
        data = content(vector)
        pieces = (data[at : at + 700_001] for at in range(0, len(data), 700_001))
        assert alice.put("c/o", pieces).headers["etag"] == vector["object_hash"]
        self.check(alice, vector, data)

    def test_blocks_and_hashmap(self, alice: Any, vector: dict[str, Any]) -> None:
        data = content(vector)
        for at in range(0, len(data), B):
            answer = alice("POST", "c?update", data[at : at + B], Content_Type=DATA)
            assert answer.json() == [vector["hashes"][at // B]]
        body = json.dumps({"bytes": vector["bytes"], "hashes": vector["hashes"]}).encode()
        answer = alice.put("c/o?hashmap&format=json", body)
        assert answer.headers["etag"] == vector["object_hash"]
        self.check(alice, vector, data)

    def check(self, alice: Any, vector: dict[str, Any], data: bytes) -> None:
        assert alice("GET", "c/o").body == data
        assert alice("HEAD", "c/o").headers["x-object-hash"] == vector["object_hash"]
        assert alice("GET", "c/o?hashmap").json() == {
            "block_hash": "sha256",
            "block_size": B,
            "bytes": vector["bytes"],
            "hashes": vector["hashmap_get_hashes"],
        }


class TestPut:
    def test_reply(self, alice: Any) -> None:
        answer = alice("PUT", "c/o", b"hello world", Content_Type="text/plain")
        assert (answer.status, answer.body) == (201, b"")
        assert answer.headers["x-object-version"].isdigit()

    def test_replacing_keeps_what_belongs_to_the_name(self, alice: Any) -> None:
        alice.put("c/o", b"1", X_Object_Meta_A="1", X_Object_Sharing="read=*", X_Object_Public="true")
        before = alice("HEAD", "c/o").headers
        alice.put("c/o", b"22", type="a/b", X_Object_Meta_B="2")
        after = alice("HEAD", "c/o").headers
        for name in ("x-object-uuid", "x-object-sharing", "x-object-public"):
            assert after[name] == before[name]
        assert int(after["x-object-version"]) > int(before["x-object-version"])
        assert (after["content-type"], meta(alice, "c/o")) == ("a/b", {"b": "2"})
        assert alice("HEAD", "c").headers["x-container-bytes-used"] == "2"

    @pytest.mark.parametrize(
        ("headers", "status", "fault"),
        [
            ({}, 411, "lengthRequired"),
            ({"Content-Length": "3"}, 411, "lengthRequired"),
            ({"Content-Type": "a/b"}, 411, "lengthRequired"),
            ({"Content-Type": "a/b", "Content-Length": "5368709121"}, 400, "badRequest"),
        ],
    )
    def test_missing_headers(self, people: Any, alice: Any, headers: dict[str, str], status: int, fault: str) -> None:
        # Refused before the body is read, so none is sent; the connection is of no use afterwards.
        answer = people.again("", alice.id, alice.token)("PUT", "c/o", None, raw=headers)
        assert (answer.status, answer.fault()) == (status, fault)

    @pytest.mark.parametrize(
        ("header", "value"),
        [
            ("X-Object-Public", "yes"),
            ("X-Object-Sharing", "read"),
            ("X-Object-Sharing", "READ=a"),
            ("X-Object-Sharing", "own=a"),
            ("X-Object-Sharing", "read=" + "a" * 257),
            ("X-Object-Meta-A", "%FF"),
            ("X-Object-Meta-A", b"\xc3\xa9"),
            ("X-Object-Meta-A", "x" * 257),
            ("X-Object-Meta-" + "a" * 115, "x"),
            ("Content-Type", b"\xc3\xa9"),
            ("Content-Disposition", b"\xc3\xa9"),
        ],
    )
    def test_bad_headers(self, alice: Any, header: str, value: str | bytes) -> None:
        answer = alice("PUT", "c/o", b"", raw={"Content-Type": "a/b", header: value})
        assert (answer.status, answer.fault()) == (400, "badRequest")
        assert alice("HEAD", "c/o").status == 404

    @pytest.mark.parametrize(
        ("count", "extra", "status"),
        [(32, {}, 201), (33, {}, 400), (31, {"Content-Encoding": "x"}, 201), (32, {"Content-Encoding": "x"}, 400)],
    )
    def test_most_metadata(self, alice: Any, count: int, extra: dict[str, str], status: int) -> None:
        headers = {f"X-Object-Meta-A{number}": "%C3%A9" * 256 for number in range(count)}
        assert alice("PUT", "c/o", b"", raw={"Content-Type": "a/b", **headers, **extra}).status == status

    def test_most_metadata_headers(self, alice: Any) -> None:
        headers = {f"X-Object-Meta-A{number}": "" for number in range(91)}
        alice.put("c/o")
        assert alice("POST", "c/o?update", b"", raw=headers).status == 400
        headers.popitem()
        assert alice("POST", "c/o?update", b"", raw=headers).status == 202

    def test_wrong_etag(self, alice: Any) -> None:
        answer = alice("PUT", "c/o", b"hello", Content_Type="a/b", ETag="0" * 32)
        assert (answer.status, answer.fault()) == (422, "unprocessableEntity")
        assert alice("HEAD", "c/o").status == 404

    @pytest.mark.parametrize("size", [9, 100_000], ids=["small", "large"])
    def test_what_is_refused_first(self, alice: Any, bob: Any, size: int) -> None:
        """A wrong sum is told only to those who could have written, where that could have been kept."""
        wrong = {"Content_Type": "a/b", "ETag": "0" * 32}
        alice.put("c/o", b"x")
        assert alice("PUT", "none/o", bytes(size), **wrong).status == 404
        assert bob("PUT", "c/o", bytes(size), account=alice.id, **wrong).status == 403
        assert alice("PUT", "c/o", bytes(size), If_None_Match="*", **wrong).status == 412
        assert alice("PUT", "c/o", bytes(size), **wrong).status == 422
        assert alice("GET", "c/o").body == b"x"

    def test_no_container(self, alice: Any) -> None:
        assert alice("PUT", "absent/o", b"x", Content_Type="a/b").status == 404

    def test_conditions(self, alice: Any) -> None:
        def put(**headers: str) -> int:
            return int(alice("PUT", "c/o", b"x", Content_Type="a/b", **headers).status)

        assert put(If_Match="*") == 412
        assert put(If_Match="abc") == 412
        assert put(If_None_Match="*") == 201
        assert put(If_None_Match="*") == 412
        etag = alice("HEAD", "c/o").headers["etag"]
        assert put(If_None_Match=etag) == 412
        assert put(If_None_Match="other") == 201
        assert put(If_Match=f'"{etag.upper()}", "x"') == 201
        assert put(If_Match="x") == 412
        assert len(alice.versions("c/o")) == 3

    def test_expect_continue_is_refused_before_the_body(self, people: Any, alice: Any) -> None:
        """A PUT that must fail is answered before its body is sent."""
        one = people.again("", alice.id, alice.token)
        raw = {"Content-Type": "a/b", "Content-Length": str(B), "Expect": "100-continue", "If-Match": "*"}
        assert one("PUT", "c/o", None, raw=raw).status == 412


class TestHashmap:
    def test_missing_blocks(self, alice: Any) -> None:
        alice("POST", "c?update", b"there", Content_Type=DATA)
        there, *absent = (hashlib.sha256(one).hexdigest() for one in (b"there", b"not there 1", b"not there 2"))
        body = {"bytes": 4 * B, "hashes": [absent[1], there, absent[0], absent[1]]}
        answer = alice("PUT", "c/o?hashmap", json.dumps(body).encode(), Content_Type="a/b")
        assert (answer.status, answer.json()) == (409, [absent[1], absent[0]])
        assert answer.headers["content-type"].startswith("application/json")
        assert alice("HEAD", "c/o").status == 404

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"rubbish",
            b"[]",
            b"<object/>",
            b'{"bytes": 1}',
            b'{"hashes": []}',
            b'{"bytes": -1, "hashes": []}',
            b'{"bytes": "1", "hashes": []}',
            b'{"bytes": true, "hashes": ["aa"]}',
            b'{"bytes": 1, "hashes": "aa"}',
            b'{"bytes": 1, "hashes": []}',
            b'{"bytes": 1, "hashes": ["aa", "aa"]}',
            b'{"bytes": 0, "hashes": ["aa"]}',
            b'{"bytes": 1, "hashes": ["abc"]}',
            b'{"bytes": 1, "hashes": ["xx"]}',
            b'{"bytes": 1, "hashes": [1]}',
            b'{"bytes": 1, "hashes": ["aa aa"]}',
            b"[" * 100_000,
        ],
    )
    def test_malformed(self, alice: Any, body: bytes) -> None:
        answer = alice("PUT", "c/o?hashmap", body, Content_Type="a/b")
        assert (answer.status, answer.fault()) == (400, "badRequest")

    def test_odd_length_of_hash_is_missing(self, alice: Any) -> None:
        answer = alice("PUT", "c/o?hashmap", b'{"bytes": 1, "hashes": ["abcd"]}', Content_Type="a/b")
        assert (answer.status, answer.json()) == (409, ["abcd"])

    @pytest.mark.parametrize("hashes", [[], [EMPTY]])
    def test_empty(self, alice: Any, hashes: list[str]) -> None:
        alice.put("c/o?hashmap", json.dumps({"bytes": 0, "hashes": hashes}).encode())
        assert alice("GET", "c/o").body == b""

    def test_upper_case(self, alice: Any) -> None:
        alice("POST", "c?update", b"data", Content_Type=DATA)
        alice.put(
            "c/o?hashmap",
            hashmap(b"data")
            .replace(b"hashes", b"HASHES")
            .upper()
            .replace(b"BYTES", b"bytes")
            .replace(b"HASHES", b"hashes"),
        )
        assert alice("GET", "c/o").body == b"data"

    def test_headers_count(self, alice: Any) -> None:
        alice("POST", "c?update", b"data", Content_Type=DATA)
        alice.put(
            "c/o?hashmap=0",
            hashmap(b"data"),
            type="x/y",
            ETag="0" * 32,
            X_Object_Meta_A="1",
            X_Object_Sharing="read=*",
            X_Object_Public="true",
        )
        headers = alice("HEAD", "c/o").headers
        assert (headers["content-type"], headers["x-object-meta-a"]) == ("x/y", "1")
        assert headers["x-object-sharing"] == "read=%2A"
        assert "x-object-public" in headers
        (entry,) = alice("GET", "c?format=json").json()
        assert entry["hash"] == ""

    def test_order_of_checks(self, alice: Any, bob: Any) -> None:
        known, unknown = hashmap(b""), hashmap(b"never stored")
        assert bob("PUT", "c/o?hashmap", unknown, account=alice.id, Content_Type="a/b").status == 409
        assert bob("PUT", "c/o?hashmap", known, account=alice.id, Content_Type="a/b").status == 403
        assert bob("PUT", "c/o?hashmap", b"rubbish", account=alice.id, Content_Type="a/b").status == 400
        assert alice("PUT", "absent/o?hashmap", unknown, Content_Type="a/b").status == 409
        assert alice("PUT", "absent/o?hashmap", known, Content_Type="a/b").status == 404
        assert alice("PUT", "c/o?hashmap", unknown, Content_Type="a/b", If_Match="*").status == 412

    def test_blocks_of_ones_own_account_serve_anywhere(self, alice: Any, bob: Any) -> None:
        alice.put("c/d", b"", type="application/directory", X_Object_Sharing=f"write={bob.id}")
        bob.make("mine")
        bob("POST", "mine?update", b"from bob", Content_Type=DATA)
        answer = bob("PUT", "c/d/o?hashmap", hashmap(b"from bob"), account=alice.id, Content_Type="a/b")
        assert answer.status == 201
        assert alice("GET", "c/d/o").body == b"from bob"
        assert alice("HEAD", "c/d/o").headers["x-object-modified-by"] == bob.id

    def test_xml_and_version(self, alice: Any) -> None:
        first = alice.put("c/o", b"one").headers["x-object-version"]
        alice.put("c/o", b"two", Content_Encoding="gzip")
        answer = alice("GET", f"c/o?hashmap&format=xml&version={first}")
        tree = ElementTree.fromstring(answer.body)
        assert (tree.get("name"), tree.get("bytes"), tree.get("block_hash")) == ("o", "3", "sha256")
        assert [one.text for one in tree.iter("hash")] == [hashlib.sha256(b"one").hexdigest()]
        answer = alice("GET", "c/o?hashmap")
        assert answer.headers["content-encoding"] == "gzip"
        assert answer.headers["content-type"] == "text/plain"
        assert answer.headers["content-length"] == str(len(answer.body))
        assert "content-disposition" not in answer.headers


class TestPostMetadata:
    @pytest.fixture
    def one(self, alice: Any) -> Any:
        alice.put("c/o", b"data", X_Object_Meta_A="1", X_Object_Meta_B="2", Content_Encoding="gzip")
        return alice

    def test_replace(self, one: Any) -> None:
        before = one("HEAD", "c/o").headers
        answer = one("POST", "c/o", b"", X_Object_Meta_C="3", Content_Type="ignored/type")
        after = one("HEAD", "c/o").headers
        assert (answer.status, answer.headers["x-object-version"]) == (202, after["x-object-version"])
        assert (meta(one, "c/o"), "content-encoding" in after) == ({"c": "3"}, False)
        assert after["content-type"] == before["content-type"]
        assert after["x-object-uuid"] == before["x-object-uuid"]
        assert one("GET", "c/o").body == b"data"
        one("POST", "c/o", b"")
        assert meta(one, "c/o") == {}
        assert len(one.versions("c/o")) == 3

    def test_update(self, one: Any) -> None:
        one("POST", "c/o?update", b"", X_Object_Meta_A="", X_Object_Meta_C="3", Content_Encoding="")
        assert meta(one, "c/o") == {"b": "2", "c": "3"}
        assert one("HEAD", "c/o").headers["content-encoding"] == "gzip"
        one("POST", "c/o?update", b"", Content_Encoding="br", Content_Disposition="attachment")
        headers = one("HEAD", "c/o").headers
        assert (headers["content-encoding"], headers["content-disposition"]) == ("br", "attachment")

    def test_sharing_alone_makes_no_version(self, one: Any) -> None:
        answer = one("POST", "c/o?update", b"", X_Object_Sharing="read=*", X_Object_Public="true")
        assert (answer.status, "x-object-version" in answer.headers) == (202, False)
        assert len(one.versions("c/o")) == 1
        assert meta(one, "c/o") == {"a": "1", "b": "2"}

    def test_limit(self, one: Any) -> None:
        headers = {f"X-Object-Meta-N{number}": "x" for number in range(29)}
        assert one("POST", "c/o?update", b"", raw=headers).status == 202
        assert one("POST", "c/o?update", b"", X_Object_Meta_One_More="x").status == 400
        assert len(meta(one, "c/o")) == 31

    def test_conditions(self, one: Any) -> None:
        assert one("POST", "c/o?update", b"", If_Match="x", X_Object_Meta_A="").status == 412
        assert one("POST", "c/o?update", b"", If_None_Match="*").status == 412
        assert one("POST", "c/absent?update", b"").status == 404
        assert meta(one, "c/o") == {"a": "1", "b": "2"}

    def test_octet_stream_is_a_data_update(self, one: Any) -> None:
        assert one("POST", "c/o?update", b"", Content_Type=DATA).status == 400
        assert one("POST", "c/o?update", b"", Content_Type=DATA + ";a=b", X_Object_Meta_C="3").status == 202


class TestForm:
    def form(self, *parts: tuple[str, str, bytes]) -> bytes:
        return (
            b"".join(
                b'--XX\r\nContent-Disposition: form-data; name="%s"; filename="f"\r\nContent-Type: %s\r\n\r\n%s\r\n'
                % (name.encode(), kind.encode(), data)
                for name, kind, data in parts
            )
            + b"--XX--\r\n"
        )

    @pytest.mark.parametrize("data", [b"", b"hello", b"\r\n--X", b"x" * (B + 1)])
    def test_upload(self, alice: Any, data: bytes) -> None:
        alice.put("c/o", b"old", X_Object_Meta_A="1", X_Object_Sharing="read=*")
        body = self.form(("other", "a/b", b"zzz"), ("X-Object-Data", "image/png", data), ("more", "a/b", b""))
        answer = alice("POST", "c/o", body, Content_Type='multipart/form-data; boundary="XX"')
        assert (answer.status, answer.body) == (201, b"")
        headers = alice("HEAD", "c/o").headers
        assert (headers["content-type"], headers["x-object-sharing"]) == ("image/png", "read=%2A")
        assert meta(alice, "c/o") == {}
        assert alice("GET", "c/o").body == data

    @pytest.mark.parametrize("body", [b"", b"--XX--\r\n", b"--XX\r\nContent-Disposition: form-data; name=a\r\n\r\nb"])
    def test_without_the_field(self, alice: Any, body: bytes) -> None:
        answer = alice("POST", "c/o", body, Content_Type="multipart/form-data; boundary=XX")
        assert answer.status == 400
        assert alice("HEAD", "c/o").status == 404


class TestDelete:
    def test_plain(self, alice: Any) -> None:
        version = alice.put("c/o", b"data", X_Object_Sharing="read=*", X_Object_Public="true").headers[
            "x-object-version"
        ]
        assert alice("DELETE", "c/o", If_Match="nonsense").status == 204
        assert alice("DELETE", "c/o").status == 404
        assert alice("HEAD", "c/o").status == 404
        assert alice.list() == []
        assert alice("GET", f"c/o?version={version}").body == b"data"
        assert alice.versions("c/o") == [int(version)]
        uuid = alice("HEAD", f"c/o?version={version}").headers["x-object-uuid"]
        alice.put("c/o", b"again")
        headers = alice("HEAD", "c/o").headers
        assert headers["x-object-uuid"] != uuid
        assert "x-object-sharing" not in headers
        assert "x-object-public" not in headers

    def test_with_everything_below(self, alice: Any) -> None:
        for name in ("d", "d/x", "d/y/z", "d.txt", "e/x"):
            alice.put(f"c/{name}")
        assert alice("DELETE", "c/d?delimiter=/").status == 204
        assert alice.list() == ["d.txt", "e/x"]
        assert alice("DELETE", "c/e?delimiter=/").status == 404
        assert alice.list() == ["d.txt", "e/x"]

    def test_purge(self, alice: Any) -> None:
        alice.put("c/o", b"old")
        now = int(time.time())
        while int(time.time()) == now:
            time.sleep(0.02)
        alice.put("c/o", b"new")
        assert alice("DELETE", f"c/o?until={now + 1}").status == 204  # a time in whole seconds: not the new one
        assert len(alice.versions("c/o")) == 1
        assert alice("GET", "c/o").body == b"new"
        assert alice("DELETE", f"c/o?until={now + 100}&delimiter=/").status == 204  # the current one too
        assert alice("HEAD", "c/o").status == 404
        assert alice("GET", "c/o?version=list").status == 404
        assert alice("DELETE", f"c/o?until={now}").status == 404
        assert alice("HEAD", "c").headers["x-container-bytes-used"] == "0"

    def test_block_lists_go_with_the_last_version_that_has_them(self, alice: Any, server: Any) -> None:
        def lists() -> int:
            connection = sqlite3.connect(server.data / "cloud.sqlite3")
            try:
                return int(connection.execute("SELECT count(*) FROM contents").fetchone()[0])
            finally:
                connection.close()

        before = lists()
        alice.put("c/o", b"x" * (B + 1))
        alice("POST", "c/o?update", b"", X_Object_Meta_A="1")
        alice("COPY", "c/o", None, Destination="/c/p")
        assert lists() == before + 1
        alice("DELETE", "c/o?until=99999999999")
        assert lists() == before + 1
        assert len(alice("GET", "c/p").body) == B + 1
        alice("DELETE", "c/p")
        alice("DELETE", "c?until=99999999999")
        assert lists() == before

    @pytest.mark.parametrize("until", ["1.5", "", "-1", "tomorrow"])
    def test_odd_until_destroys_nothing(self, alice: Any, until: str) -> None:
        alice.put("c/o")
        assert alice("DELETE", f"c/o?until={until}").status == 400
        assert alice("HEAD", "c/o").status == 200


class TestVersions:
    def test_list_and_read(self, alice: Any) -> None:
        for data in (b"1", b"22", b"333"):
            alice.put("c/o", data, X_Object_Meta_N=str(len(data)))
        listed = alice("GET", "c/o?version=list").json()["versions"]
        assert [len(one) for one in listed] == [2, 2, 2]
        assert listed == sorted(listed)
        assert all(re.fullmatch(r"\d+\.\d{6}", one[1]) for one in listed)
        assert [alice("GET", f"c/o?version={one[0]}").body for one in listed] == [b"1", b"22", b"333"]
        old = alice("HEAD", f"c/o?version={listed[0][0]}").headers
        assert (old["content-length"], old["x-object-meta-n"], old["x-object-version"]) == ("1", "1", str(listed[0][0]))
        assert old["last-modified"] == alice("HEAD", "c/o").headers["last-modified"]
        tree = ElementTree.fromstring(alice("GET", "c/o?version=list&format=xml").body)
        assert [[int(one.text or ""), one.get("timestamp")] for one in tree.iter("version")] == listed

    @pytest.mark.parametrize("version", ["", "x", "0", "99999999", "-1", "1e3", "9" * 30])
    def test_unknown(self, alice: Any, version: str) -> None:
        alice.put("c/o")
        assert alice("GET", f"c/o?version={version}").status == 404
        assert alice("HEAD", f"c/o?version={version}").status == 404

    def test_of_another_object(self, alice: Any) -> None:
        alice.put("c/o")
        other = alice.put("c/p").headers["x-object-version"]
        assert alice("GET", f"c/o?version={other}").status == 404

    def test_never_there(self, alice: Any) -> None:
        assert alice("GET", "c/o?version=list").status == 404

    def test_no_versioning(self, alice: Any) -> None:
        alice("POST", "c?update", b"", X_Container_Policy_Versioning="none")
        data = [bytes([number]) * (B + number) for number in range(1, 4)]
        for one in data:
            alice.put("c/o", one)
        assert len(alice.versions("c/o")) == 1
        assert alice("GET", "c/o").body == data[-1]
        alice("POST", "c/o?update", b"", X_Object_Meta_A="1")
        assert len(alice.versions("c/o")) == 1
        assert alice("GET", "c/o").body == data[-1]
        alice("DELETE", "c/o")
        assert alice.versions("c/o") == []
        alice.put("c/o", b"again")
        assert len(alice.versions("c/o")) == 1
        assert alice("HEAD", "c").headers["x-container-bytes-used"] == "5"

    def test_ids_grow_over_the_whole_service(self, alice: Any, bob: Any) -> None:
        bob.make("c")
        ids = [int(one.put("c/o").headers["x-object-version"]) for one in (alice, bob, alice)]
        assert ids == sorted(set(ids))
        alice("DELETE", "c/o?until=99999999999")
        assert int(alice.put("c/o").headers["x-object-version"]) > ids[-1]


class TestQuota:
    def test_of_the_project(self, people: Any) -> None:
        eve = people("eve", quota=100)
        eve.make("c")
        eve.put("c/o", b"x" * 60)
        for body in (b"x" * 50, iter([b"x" * 50])):
            answer = eve("PUT", "c/p", body, Content_Type="a/b")
            assert (answer.status, answer.fault()) == (413, "fault")
        assert eve("GET", "c/p?version=list").status == 404
        eve.put("c/o", b"y" * 100)  # only the difference counts
        assert eve("COPY", "c/o", b"", Destination="/c/p").status == 413
        assert eve("MOVE", "c/o", b"", Destination="/c/p").status == 201
        eve("POST", "c?update", b"z", Content_Type=DATA)  # blocks are free
        assert eve("PUT", "c/q?hashmap", hashmap(b"z"), Content_Type="a/b").status == 413
        answer = eve("POST", "c/p?update", b"z", Content_Type=DATA, Content_Range="bytes */*")
        assert (answer.status, answer.fault()) == (413, "fault")
        eve("DELETE", "c/p")
        assert eve("HEAD").headers["x-account-bytes-used"] == "0"
        eve.put("c/q", b"z" * 100)  # history is free

    def test_of_the_container(self, alice: Any) -> None:
        alice("POST", "c?update", b"", X_Container_Policy_Quota="10")
        alice.put("c/o", b"x" * 10)
        answer = alice("PUT", "c/p", b"y", Content_Type="a/b")
        assert (answer.status, answer.fault()) == (413, "requestEntityTooLarge")
        assert alice("COPY", "c/o", b"", Destination="/c/p").fault() == "requestEntityTooLarge"
        alice.put("c/p", b"")
        alice("POST", "c?update", b"", X_Container_Policy_Quota="5")  # less than what is there
        alice.put("c/o", b"x" * 9)
        assert alice("PUT", "c/o", b"x" * 10, Content_Type="a/b").status == 413
        alice("POST", "c?update", b"", X_Container_Policy_Quota="0")
        alice.put("c/o", b"x" * 100)

    def test_the_owner_pays(self, people: Any, bob: Any) -> None:
        eve = people("eve", quota=10)
        eve.make("c")
        eve.put("c/d", b"", type="application/directory", X_Object_Sharing=f"write={bob.id}")
        answer = bob("PUT", "c/d/o", b"x" * 11, account=eve.id, Content_Type="a/b")
        assert (answer.status, answer.fault()) == (413, "fault")
        assert bob("PUT", "c/d/o", b"x" * 10, account=eve.id, Content_Type="a/b").status == 201
        assert eve("HEAD").headers["x-account-bytes-used"] == "10"
        assert bob("HEAD").headers["x-account-bytes-used"] == "0"


def test_identity_shows_the_usage(people: Any) -> None:
    eve = people("eve", quota=1000)
    eve.make("c")
    eve.put("c/o", b"12345")
    answer = eve.send("GET", "/account/v1.0/quotas", None, {"X-Auth-Token": eve.token})
    space = answer.json()[eve.id]["pithos.diskspace"]
    assert (space["limit"], space["usage"]) == (1000, 5)


def test_patterned_bodies_in_odd_pieces(alice: Any) -> None:
    """Pieces that never fall together with the borders of blocks."""
    pieces = [bytes(islice(cycle(range(256)), size)) for size in (1, 4194303, 4194305, 3, 65536, 4128767)]
    alice.put("c/o", iter(pieces))
    assert alice("GET", "c/o").body == b"".join(pieces)
