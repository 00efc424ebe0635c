"""HEAD and GET of objects: headers, ranges, conditions, manifests, public URLs (object-store.md 7, 15, 17, 18)."""

from __future__ import annotations

import hashlib
import re
from email.utils import formatdate, parsedate_to_datetime
from typing import Any
from urllib.parse import unquote

import pytest

ROOT = "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9"  # of b"hello world"


@pytest.fixture
def hello(alice: Any) -> Any:
    alice.put("c/o", b"hello world")
    return alice


class TestHeaders:
    def test_all(self, alice: Any) -> None:
        put = alice.put(
            "c/o",
            b"hello world",
            type="text/html; charset=utf-8",
            X_Object_Meta_Foo="b%C3%A9",
            Content_Encoding="gzip",
            Content_Disposition="attachment",
        )
        answer = alice("HEAD", "c/o")
        headers = answer.headers
        assert answer.status == 200
        assert (headers["etag"], headers["x-object-hash"], put.headers["etag"]) == (ROOT, ROOT, ROOT)
        assert headers["content-length"] == "11"
        assert headers["content-type"] == "text/html; charset=utf-8"
        assert re.fullmatch("[0-9a-f-]{36}", headers["x-object-uuid"])
        assert headers["x-object-version"] == put.headers["x-object-version"]
        assert headers["x-object-version-timestamp"] == headers["last-modified"]
        assert parsedate_to_datetime(headers["last-modified"])
        assert headers["x-object-modified-by"] == alice.id
        assert headers["available"] == "1"
        assert headers["x-object-meta-foo"] == "b%C3%A9"
        assert (headers["content-encoding"], headers["content-disposition"]) == ("gzip", "attachment")
        for name in ("x-object-sharing", "x-object-shared-by", "x-object-public", "x-object-allowed-to"):
            assert name not in headers
        got = alice("GET", "c/o").headers
        assert {key: got[key] for key in headers if key != "date"} == {
            key: value for key, value in headers.items() if key != "date"
        }

    @pytest.mark.parametrize(
        ("sent", "shown"),
        [
            ("image/svg+xml", "image/svg%2Bxml"),
            ("text/plain; charset=utf-8", "text/plain; charset=utf-8"),
            ("a%2Fb", "a%252Fb"),
            ("", ""),
        ],
    )
    def test_content_type_is_encoded(self, alice: Any, sent: str, shown: str) -> None:
        alice.put("c/o", type=sent)
        assert alice("HEAD", "c/o").headers["content-type"] == shown

    @pytest.mark.parametrize(
        ("name", "value", "shown_name", "shown_value"),
        [
            ("X-Object-Meta-foo_bar", "x", "x-object-meta-foo-bar", "x"),
            ("x-object-meta-FOO-bAR", "x", "x-object-meta-foo-bar", "x"),
            ("X-Object-Meta-%CE%B1b", "v", "x-object-meta-%ce%91b", "v"),
            ("X-Object-Meta-A", "a~b~", "x-object-meta-a", "ab"),
            ("X-Object-Meta-A", "100%25", "x-object-meta-a", "100%25"),
            ("X-Object-Meta-A", "100%", "x-object-meta-a", "100%25"),
            ("X-Object-Meta-A", "a+b%20c", "x-object-meta-a", "a%2Bb c"),
            ("X-Object-Meta-A", "%0A%0D", "x-object-meta-a", "%0A%0D"),
            ("X-Object-Meta-A", 'q"(1)', "x-object-meta-a", 'q"%281%29'),
        ],
    )
    def test_metadata_coding(self, alice: Any, name: str, value: str, shown_name: str, shown_value: str) -> None:
        alice("PUT", "c/o", b"", raw={"Content-Type": "a/b", name: value})
        assert alice("HEAD", "c/o").headers.get(shown_name) == shown_value

    def test_absent(self, alice: Any) -> None:
        assert alice("HEAD", "c/absent").status == 404
        assert alice("GET", "c/absent").fault() == "itemNotFound"
        assert alice("GET", "absent/x").fault() == "itemNotFound"

    def test_disposition(self, hello: Any) -> None:
        hello.put("c/d/%C3%A9%22.txt")
        assert "content-disposition" not in hello("HEAD", "c/o").headers
        assert hello("GET", "c/o").headers["content-disposition"] == 'inline; filename="o"'
        assert hello("GET", "c/d/%C3%A9%22.txt").headers["content-disposition"].startswith('inline; filename="d/%C3%A9')
        forced = hello("GET", "c/o?disposition-type=attachment").headers["content-disposition"]
        assert forced == 'attachment; filename="o"'
        assert hello("GET", "c/o?disposition-type=odd").headers["content-disposition"] == 'inline; filename="o"'
        hello.put("c/o", Content_Disposition="attachment")
        assert hello("GET", "c/o").headers["content-disposition"] == "attachment"
        assert hello("GET", "c/o?disposition-type=inline").headers["content-disposition"] == 'inline; filename="o"'


NAMES = ["a//b", "./c", "../c", "dir/", "%2E%2E/%2e", "%2F", "a%2Fb", "%C3%A9%20+%3F%23%25", "x.json", ";a=b", "%7F%01"]


class TestNames:
    @pytest.mark.parametrize("name", NAMES)
    def test_exactly_as_sent(self, alice: Any, name: str) -> None:
        alice.put(f"c/{name}", name.encode())
        (entry,) = alice("GET", "c?format=json").json()
        assert entry["name"] == unquote(name)
        assert alice("GET", f"c/{name}").body == name.encode()
        assert alice("DELETE", f"c/{name}").status == 204

    def test_all_at_once(self, alice: Any) -> None:
        for name in NAMES:
            alice.put(f"c/{name}", name.encode())
        assert [alice("GET", f"c/{name}").body for name in NAMES] == [name.encode() for name in NAMES]

    def test_encoded_slashes_are_slashes(self, alice: Any) -> None:
        alice.put("c/a%2Fb", b"1")
        assert alice("GET", "c/a/b").body == b"1"

    @pytest.mark.parametrize("name", ["a%0Ab", "%00", "%FF", "%C3"])
    def test_impossible(self, alice: Any, name: str) -> None:
        assert alice("PUT", f"c/{name}", b"", Content_Type="a/b").status == 400

    @pytest.mark.parametrize(("length", "status"), [(1024, 201), (1025, 400)])
    def test_longest(self, alice: Any, length: int, status: int) -> None:
        assert alice("PUT", "c/" + "%C3%A9" * length, b"", Content_Type="a/b").status == status


class TestRanges:
    @pytest.mark.parametrize(
        ("wanted", "status", "body", "shown"),
        [
            ("bytes=0-4", 206, b"hello", "bytes 0-4/11"),
            ("bytes=6-", 206, b"world", "bytes 6-10/11"),
            ("bytes=-5", 206, b"world", "bytes 6-10/11"),
            ("bytes=-11", 206, b"hello world", "bytes 0-10/11"),
            ("bytes=10-10", 206, b"d", "bytes 10-10/11"),
            ("bytes=0-11", 416, None, None),
            ("bytes=11-", 416, None, None),
            ("bytes=-12", 416, None, None),
            ("bytes=-0", 416, None, None),
            ("bytes=0-1,20-21", 416, None, None),
            ("bytes=5-2", 200, b"hello world", None),
            ("bytes=-", 200, b"hello world", None),
            ("lines=1-2", 200, b"hello world", None),
            ("bytes=a-b", 200, b"hello world", None),
        ],
    )
    def test_single(self, hello: Any, wanted: str, status: int, body: bytes | None, shown: str | None) -> None:
        answer = hello("GET", "c/o", Range=wanted)
        assert answer.status == status
        if body is None:
            assert answer.fault() == "rangeNotSatisfiable"
        else:
            assert (answer.body, answer.headers.get("content-range")) == (body, shown)
            assert answer.headers["content-length"] == str(len(body))

    def test_empty_object(self, alice: Any) -> None:
        alice.put("c/o", b"")
        assert alice("GET", "c/o", Range="bytes=0-").status == 416
        assert alice("GET", "c/o").body == b""

    def test_several(self, hello: Any) -> None:
        answer = hello("GET", "c/o", Range="bytes=0-1, -2,4-4")
        assert answer.status == 206
        found = re.fullmatch("multipart/byteranges; boundary=([0-9a-f]{32})", answer.headers["content-type"])
        assert found
        parts = [("0-1", b"he"), ("9-10", b"ld"), ("4-4", b"o")]
        expected = b"".join(
            f"--{found[1]}\r\nContent-Range: bytes {span}/11\r\nContent-Transfer-Encoding: binary\r\n\r\n".encode()
            + data
            + b"\r\n"
            for span, data in parts
        )
        assert answer.body == expected + f"--{found[1]}--".encode()

    def test_head_ignores_them(self, hello: Any) -> None:
        answer = hello("HEAD", "c/o", Range="bytes=100-")
        assert (answer.status, answer.headers["content-length"]) == (200, "11")

    def test_over_blocks(self, alice: Any) -> None:
        size = 9 * 1024 * 1024 + 17
        data = bytes(range(251)) * (size // 251 + 1)
        data = data[:size]
        alice.put("c/o", data)
        for start, end in [(0, size), (4194303, 4194305), (1, 9 * 1024 * 1024), (8388608, size), (8388607, 8388608)]:
            assert alice("GET", "c/o", Range=f"bytes={start}-{end - 1}").body == data[start:end]

    @pytest.mark.parametrize(
        ("condition", "status"),
        [
            (ROOT, 206),
            (f'"{ROOT}"', 206),
            ("5eb63bbbe01eeed093cb22bb8f5acdc3", 206),
            ("other", 200),
            (formatdate(0, usegmt=True), 200),
        ],
    )
    def test_if_range(self, alice: Any, condition: str, status: int) -> None:
        alice.put("c/o", b"hello world", ETag=hashlib.md5(b"hello world").hexdigest())
        assert alice("GET", "c/o", Range="bytes=0-1", If_Range=condition).status == status


class TestConditions:
    @pytest.mark.parametrize(
        ("header", "value", "status"),
        [
            ("If-Match", "*", 200),
            ("If-Match", ROOT, 200),
            ("If-Match", f'"{ROOT.upper()}"', 200),
            ("If-Match", f'"a", "{ROOT}"', 200),
            ("If-Match", "a", 412),
            ("If-None-Match", "*", 304),
            ("If-None-Match", f'a,"{ROOT}"', 304),
            ("If-None-Match", "a", 200),
            ("If-Modified-Since", "now", 304),
            ("If-Modified-Since", formatdate(0, usegmt=True), 200),
            ("If-Modified-Since", "rubbish", 200),
            ("If-Unmodified-Since", "now", 200),
            ("If-Unmodified-Since", "Thursday, 01-Jan-70 00:00:00 GMT", 412),
            ("If-Unmodified-Since", "Thu Jan  1 00:00:00 1970", 412),
        ],
    )
    @pytest.mark.parametrize("method", ["GET", "HEAD"])
    def test_table(self, hello: Any, method: str, header: str, value: str, status: int) -> None:
        if value == "now":
            value = hello("HEAD", "c/o").headers["last-modified"]
        answer = hello(method, "c/o", raw={header: value})
        assert answer.status == status
        if status == 304:
            assert answer.body == b""
            assert answer.headers.get("etag") == (ROOT if header == "If-None-Match" else None)

    def test_tags_win_over_dates(self, hello: Any) -> None:
        modified = hello("HEAD", "c/o").headers["last-modified"]
        assert hello("GET", "c/o", If_None_Match="other", If_Modified_Since=modified).status == 200


class TestManifests:
    @pytest.fixture
    def parts(self, alice: Any) -> Any:
        alice.make("parts")
        for name, data in [("p/2", b"two"), ("p/1", b"one"), ("q", b"other")]:
            alice.put(f"parts/{name}", data)
        return alice

    def test_concatenation(self, parts: Any) -> None:
        parts.put("c/m", b"", X_Object_Manifest="parts/p/")
        assert parts("GET", "c/m").body == b"onetwo"
        assert parts("HEAD", "c/m").headers["content-length"] == "6"
        assert parts("GET", "c/m", Range="bytes=2-4").body == b"etw"
        assert parts("HEAD", "c/m").headers["x-object-manifest"] == "parts/p/"
        assert parts("GET", "c/m?hashmap").json()["bytes"] == 0

    def test_no_parts(self, parts: Any) -> None:
        parts.put("c/m", b"own", X_Object_Manifest="parts/none")
        assert parts("GET", "c/m").body == b""
        assert parts("HEAD", "c/m").headers["content-length"] == "0"

    @pytest.mark.parametrize(("value", "status"), [("parts", 400), ("absent/x", 404)])
    def test_bad_values(self, parts: Any, value: str, status: int) -> None:
        parts.put("c/m", b"own", X_Object_Manifest=value)
        assert parts("HEAD", "c/m").headers["content-length"] == "3"
        assert parts("GET", "c/m").status == status

    def test_public_parts_must_be_shared(self, parts: Any) -> None:
        parts.put("c/m", b"", X_Object_Manifest="parts/p/", X_Object_Public="true")
        url = parts("HEAD", "c/m").headers["x-object-public"]
        target = url[url.index("/public/") :]
        assert parts.send("GET", target, None, {}).status == 404
        for name in ("1", "2"):
            parts("POST", f"parts/p/{name}?update", b"", X_Object_Sharing="read=*")
        assert parts.send("GET", target, None, {}).body == b"onetwo"


class TestPublic:
    @pytest.fixture
    def url(self, hello: Any) -> str:
        hello("POST", "c/o?update", b"", X_Object_Public="true")
        return str(hello("HEAD", "c/o").headers["x-object-public"])

    def target(self, url: str) -> str:
        return url[url.index("/public/") :]

    def test_without_token(self, hello: Any, url: str) -> None:
        assert url.startswith(f"http://{hello.host}/public/")
        answer = hello.send("GET", self.target(url), None, {})
        assert (answer.status, answer.body) == (200, b"hello world")
        assert not any(name.startswith("x-object") for name in answer.headers)
        assert answer.headers["content-disposition"] == 'inline; filename="o"'
        assert hello.send("GET", self.target(url), None, {"Range": "bytes=0-1"}).body == b"he"
        assert hello.send("GET", self.target(url), None, {"If-None-Match": ROOT}).status == 304
        head = hello.send("HEAD", self.target(url), None, {"If-None-Match": ROOT})
        assert (head.status, head.headers["content-length"]) == (200, "11")
        assert hello.send("GET", self.target(url) + "?hashmap&version=1", None, {}).body == b"hello world"

    def test_wrong(self, hello: Any, url: str) -> None:
        assert hello.send("GET", "/public/nothing", None, {}).status == 404
        answer = hello.send("PUT", self.target(url), b"", {})
        assert answer.status == 405

    @pytest.mark.parametrize("value", ["false", "", "False"])
    def test_withdrawn(self, hello: Any, url: str, value: str) -> None:
        hello("POST", "c/o?update", b"", X_Object_Public=value)
        assert hello.send("GET", self.target(url), None, {}).status == 404
        assert "x-object-public" not in hello("HEAD", "c/o").headers
        hello("POST", "c/o?update", b"", X_Object_Public="true")
        assert hello("HEAD", "c/o").headers["x-object-public"] != url

    def test_life(self, hello: Any, url: str) -> None:
        def now() -> str | None:
            return hello("HEAD", "c/o").headers.get("x-object-public")  # type: ignore[no-any-return]

        hello.put("c/o", b"new")
        hello("POST", "c/o", b"", X_Object_Public="true")
        assert now() == url
        assert hello.send("GET", self.target(url), None, {}).body == b"new"
        hello("DELETE", "c/o")
        assert hello.send("GET", self.target(url), None, {}).status == 404
        hello.put("c/o", b"newer")
        assert now() is None

    def test_not_in_versions(self, hello: Any, url: str) -> None:
        version = hello("HEAD", "c/o").headers["x-object-version"]
        assert "x-object-public" not in hello("HEAD", f"c/o?version={version}").headers
