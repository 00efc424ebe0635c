"""POST of data: append, overwrite, truncate, from the body or another object (object-store.md 10)."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from pithosfs.blocks import block_hash, merkle_root

B = 4 * 1024 * 1024
DATA = "application/octet-stream"


def update(person: Any, path: str, body: Any, where: str | None, *, query: str = "?update", **headers: str) -> Any:
    if where is not None:
        headers["Content_Range"] = where
    return person("POST", path + query, body, Content_Type=DATA, **headers)


def check(person: Any, path: str, data: bytes) -> None:
    """The object has that content, and hash and hashmap agree with it."""
    assert person("GET", path).body == data
    hashes = [block_hash(data[at : at + B]) for at in range(0, len(data), B)]
    assert person("GET", path + "?hashmap").json()["hashes"] == (hashes or [block_hash(b"")])
    assert person("HEAD", path).headers["etag"] == merkle_root(hashes)


@pytest.mark.parametrize(
    ("where", "body", "cut", "status", "result"),
    [
        ("bytes */*", b"XY", None, 204, b"0123456789XY"),
        ("bytes */*", b"", None, 204, b"0123456789"),
        ("bytes 0-1/*", b"XY", None, 204, b"XY23456789"),
        ("bytes 4-5/10", b"XY", None, 204, b"0123XY6789"),
        ("bytes 4-/*", b"XYZ", None, 204, b"0123XYZ789"),
        ("bytes 8-/*", b"WXYZ", None, 204, b"01234567WXYZ"),
        ("bytes 8-11/*", b"WXYZ", None, 204, b"01234567WXYZ"),
        ("bytes 10-11/*", b"XY", None, 204, b"0123456789XY"),
        ("bytes */*", b"", "4", 204, b"0123"),
        ("bytes */*", b"", "0", 204, b""),
        ("bytes */*", b"", "100", 204, b"0123456789"),
        ("bytes */*", b"XYZ", "12", 204, b"0123456789XY"),
        ("bytes 2-/*", b"XYZ", "4", 204, b"01XY"),
        ("bytes 2-/*", b"XYZ", "5", 204, b"01XYZ"),
        ("bytes 2-/*", b"XYZ", "6", 204, b"01XYZ5"),
        ("bytes 6-/*", b"XYZ", "3", 204, b"012"),
        (None, b"X", None, 400, None),
        ("bytes 0-4/*", b"X", None, 400, None),
        ("bytes */*", b"", "-1", 400, None),
        ("bytes */*", b"", "many", 400, None),
        ("bytes 11-/*", b"X", None, 416, None),
        ("bytes 4-5/9", b"XY", None, 416, None),
        ("bytes 9-10/10", b"XY", None, 416, None),
        ("bytes 5-4/*", b"", None, 416, None),
        ("bytes *", b"", None, 416, None),
        ("lines 1-2/*", b"XY", None, 416, None),
        ("bytes -2/*", b"XY", None, 416, None),
    ],
)
@pytest.mark.parametrize("chunked", [False, True])
def test_ranges(
    alice: Any, where: str | None, body: bytes, cut: str | None, status: int, result: bytes | None, chunked: bool
) -> None:
    alice.put("c/o", b"0123456789", type="x/y", ETag=hashlib.md5(b"0123456789").hexdigest())
    headers = {} if cut is None else {"X_Object_Bytes": cut}
    if chunked and where == "bytes 0-4/*":  # lengths are not compared for chunked bodies
        status, result = 204, b"X123456789"
    answer = update(alice, "c/o", iter([body[:1], body[1:]] if body else []) if chunked else body, where, **headers)
    assert answer.status == status
    if result is None:
        check(alice, "c/o", b"0123456789")
        assert len(alice.versions("c/o")) == 1
        return
    check(alice, "c/o", result)
    head = alice("HEAD", "c/o").headers
    assert (answer.headers["etag"], answer.headers["x-object-version"]) == (head["etag"], head["x-object-version"])
    assert head["content-type"] == "x/y"
    (entry,) = alice("GET", "c?format=json").json()
    assert entry["hash"] == ""


@pytest.mark.parametrize("size", [B - 1, B, B + 1, 2 * B, 3 * B + 7])
@pytest.mark.parametrize("at", ["0", "1", "B-1", "B", "size-1", "size"])
@pytest.mark.parametrize("length", [1, B, B + 1])
def test_over_borders_of_blocks(alice: Any, size: int, at: str, length: int) -> None:
    start = {"0": 0, "1": 1, "B-1": B - 1, "B": B, "size-1": size - 1, "size": size}[at]
    if start > size:
        return
    base = _pattern(size, 1)
    new = _pattern(length, 2)
    alice.put("c/o", base)
    assert update(alice, "c/o", new, f"bytes {start}-/*").status == 204
    check(alice, "c/o", base[:start] + new + base[start + length :])


@pytest.mark.parametrize("cut", [0, 1, B - 1, B, B + 1, 2 * B - 1, 2 * B, 2 * B + 5, 3 * B])
def test_truncate(alice: Any, cut: int) -> None:
    """The hash of a block that was cut is that of what is still visible."""
    data = _pattern(2 * B + 6, 1)
    alice.put("c/o", data)
    assert update(alice, "c/o", b"", "bytes */*", X_Object_Bytes=str(cut)).status == 204
    check(alice, "c/o", data[:cut])
    assert alice("HEAD", "c").headers["x-container-bytes-used"] == str(min(cut, len(data)))


def test_one_byte_in_a_big_object_with_a_cut_behind_it(alice: Any) -> None:
    data = _pattern(4 * B, 1)
    alice.put("c/o", data)
    update(alice, "c/o", b"!", f"bytes {B + 5}-/*", X_Object_Bytes=str(3 * B + 9))
    check(alice, "c/o", data[: B + 5] + b"!" + data[B + 6 : 3 * B + 9])


class TestMetadata:
    def test_without_update_it_is_replaced(self, alice: Any) -> None:
        alice.put("c/o", b"1", X_Object_Meta_A="1")
        update(alice, "c/o", b"2", "bytes */*", query="", X_Object_Meta_B="2")
        headers = alice("HEAD", "c/o").headers
        assert ("x-object-meta-a" in headers, headers["x-object-meta-b"]) == (False, "2")

    def test_with_update_it_is_merged(self, alice: Any) -> None:
        alice.put("c/o", b"1", X_Object_Meta_A="1", X_Object_Meta_B="1")
        update(alice, "c/o", b"2", "bytes */*", X_Object_Meta_B="", X_Object_Sharing="read=*", X_Object_Public="true")
        headers = alice("HEAD", "c/o").headers
        assert (headers["x-object-meta-a"], "x-object-meta-b" in headers) == ("1", False)
        assert headers["x-object-sharing"] == "read=%2A"
        assert "x-object-public" in headers


class TestRefused:
    def test_absent(self, alice: Any) -> None:
        assert update(alice, "c/absent", b"x", "bytes */*").status == 404
        assert update(alice, "absent/o", b"x", "bytes */*").status == 404

    def test_no_length(self, alice: Any) -> None:
        alice.put("c/o")
        assert update(alice, "c/o", None, "bytes */*").status == 411

    def test_conditions(self, alice: Any) -> None:
        alice.put("c/o")
        assert update(alice, "c/o", b"x", "bytes */*", If_Match="x").status == 412
        assert update(alice, "c/o", b"x", "bytes */*", If_None_Match="*").status == 412
        etag = alice("HEAD", "c/o").headers["etag"]
        assert update(alice, "c/o", b"x", "bytes */*", If_Match=etag).status == 204


class TestSource:
    @pytest.mark.parametrize(
        ("where", "source", "status", "result"),
        [
            ("bytes */*", b"XYZ", 204, b"0123456789XYZ"),
            ("bytes 2-/*", b"XYZ", 204, b"01XYZ56789"),
            ("bytes 2-3/*", b"XYZ", 204, b"01XY456789"),
            ("bytes 8-/*", b"XYZ", 204, b"01234567XYZ"),
            ("bytes 2-5/*", b"XYZ", 400, None),
            ("bytes 11-/*", b"XYZ", 416, None),
        ],
    )
    def test_ranges(self, alice: Any, where: str, source: bytes, status: int, result: bytes | None) -> None:
        alice.put("c/o", b"0123456789")
        alice.put("c/s", source)
        answer = alice("POST", "c/o?update", None, X_Source_Object="/c/s", Content_Range=where, Content_Type="any/type")
        assert answer.status == status
        if result is not None:
            check(alice, "c/o", result)

    @pytest.mark.parametrize("start", [0, 1, B, B + 1])
    @pytest.mark.parametrize("size", [B - 1, 2 * B, 2 * B + 1])
    def test_blocks(self, alice: Any, start: int, size: int) -> None:
        base, source = _pattern(2 * B + 9, 1), _pattern(size, 2)
        alice.put("c/o", base)
        alice.put("c/s", source)
        answer = alice("POST", "c/o?update", None, X_Source_Object="/c/s", Content_Range=f"bytes {start}-/*")
        assert answer.status == 204
        check(alice, "c/o", base[:start] + source + base[start + size :])

    def test_restore(self, alice: Any) -> None:
        old = alice.put("c/o", b"old content").headers["x-object-version"]
        alice.put("c/o", b"something longer than before")
        answer = alice(
            "POST",
            "c/o?update",
            None,
            X_Source_Object="/c/o",
            X_Source_Version=old,
            Content_Range="bytes 0-/*",
            X_Object_Bytes="11",
        )
        assert answer.status == 204
        check(alice, "c/o", b"old content")

    def test_of_others(self, alice: Any, bob: Any) -> None:
        bob.make("c")
        bob.put("c/o", b"mine+")
        alice.put("c/s", b"hers")
        headers = {"X_Source_Object": "/c/s", "X_Source_Account": alice.id, "Content_Range": "bytes */*"}
        assert bob("POST", "c/o?update", None, **headers).status == 403
        alice("POST", "c/s?update", b"", X_Object_Sharing=f"read={bob.id}")
        assert bob("POST", "c/o?update", None, **headers).status == 204
        check(bob, "c/o", b"mine+hers")
        assert bob("POST", "c/o?update", None, **headers, X_Source_Version="12345678").status == 404
        assert bob("POST", "c/o?update", None, X_Source_Object="c/s", Content_Range="bytes */*").status == 400


def _pattern(size: int, seed: int) -> bytes:
    """Bytes that differ from block to block."""
    unit = bytes((index * seed + index // 251) % 256 for index in range(65_537))
    return (unit * (size // len(unit) + 1))[:size]
