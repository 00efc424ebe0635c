"""Large objects: dynamic ones read through their segments, static ones become objects with a content of their own."""

from __future__ import annotations

import hashlib
import json
import random
from itertools import pairwise
from typing import Any

import pytest

BLOCK = 4 * 1024 * 1024

PIECES = {"1": b"one-" * 300, "2": b"two-" * 500, "3": b"3"}
WHOLE = b"".join(PIECES.values())


def md5(data: bytes) -> str:
    return hashlib.md5(data).hexdigest()


def tag_of(*pieces: bytes) -> str:
    return f'"{md5("".join(md5(piece) for piece in pieces).encode())}"'


@pytest.fixture
def segmented(person: Any) -> Any:
    """A person with the three segments as `c/seg ü/1` …"""
    for name, data in PIECES.items():
        person.put(f"c/seg%20%C3%BC/{name}", data)
    return person


def manifest(*segments: dict[str, Any]) -> bytes:
    return json.dumps(list(segments)).encode()


def lines(**extra: Any) -> list[dict[str, Any]]:
    return [
        {"path": f"/c/seg ü/{name}", "etag": md5(data), "size_bytes": len(data), **extra}
        for name, data in PIECES.items()
    ]


def test_a_dynamic_large_object_is_its_segments(segmented: Any) -> None:
    put = segmented.put("c/big", b"", X_Object_Manifest="c/seg%20%C3%BC/", X_Object_Meta_Mtime="1.5")
    assert put.etag == md5(b"")
    for method in ("HEAD", "GET"):
        answer = segmented(method, "c/big")
        assert answer.headers["content-length"] == str(len(WHOLE))
        assert answer.etag == tag_of(*PIECES.values())
        assert answer.headers["x-object-manifest"] == "c/seg%20%C3%BC/"
        assert answer.body == (WHOLE if method == "GET" else b"")
    assert segmented("GET", "c/big", Range="bytes=1190-1209").body == WHOLE[1190:1210]
    assert segmented("GET", "c/big", If_None_Match=answer.etag).status == 304
    own = segmented("GET", "c/big?multipart-manifest=get")
    assert (own.body, own.etag) == (b"", md5(b""))
    segmented.put("c/seg%20%C3%BC/4", b"more")
    assert segmented("GET", "c/big").body == WHOLE + b"more"
    assert segmented.pithos("GET", "c/big").body == WHOLE + b"more"
    assert segmented("DELETE", "c/big").status == 204
    assert len(segmented.names("c")) == 4


def test_a_dynamic_large_object_without_segments_is_empty(person: Any) -> None:
    person.put("c/big", b"", X_Object_Manifest="none/nothing")
    answer = person("GET", "c/big")
    assert (answer.status, answer.body) == (200, b"")


def test_posting_without_the_manifest_makes_it_ordinary(segmented: Any) -> None:
    segmented.put("c/big", b"", X_Object_Manifest="c/seg%20%C3%BC/")
    assert segmented("POST", "c/big", b"", X_Object_Manifest="c/seg%20%C3%BC/", X_Object_Meta_A="b").status == 202
    assert segmented("GET", "c/big").body == WHOLE
    assert segmented("POST", "c/big", b"", X_Object_Meta_A="b").status == 202
    assert segmented("GET", "c/big").body == b""


def test_copying_a_dynamic_large_object_joins_it(segmented: Any) -> None:
    segmented.put("c/big", b"", X_Object_Manifest="c/seg%20%C3%BC/", X_Object_Meta_A="b")
    answer = segmented("COPY", "c/big", None, Destination="c/joined")
    assert answer.etag == md5(WHOLE)
    assert segmented("COPY", "c/big?multipart-manifest=get", None, Destination="c/again").status == 201
    for name, data in PIECES.items():
        segmented.put(f"c/seg%20%C3%BC/{name}", data[::-1])
    joined = segmented("GET", "c/joined")
    assert joined.body == WHOLE
    assert joined.etag == md5(WHOLE)
    assert "x-object-manifest" not in joined.headers
    assert joined.headers["x-object-meta-a"] == "b"
    assert segmented("GET", "c/again").body == b"".join(data[::-1] for data in PIECES.values())


def test_a_static_large_object_has_a_content_of_its_own(segmented: Any) -> None:
    body = manifest(*lines())
    put = segmented.put("c/big?multipart-manifest=put", body, Content_Type="a/b", X_Object_Meta_Mtime="1.5")
    assert put.etag == tag_of(*PIECES.values())
    for method in ("HEAD", "GET"):
        answer = segmented(method, "c/big")
        assert answer.etag == put.etag
        assert answer.headers["x-static-large-object"] == "True"
        assert answer.headers["content-type"] == "a/b"
        assert answer.headers["content-length"] == str(len(WHOLE))
        assert answer.headers["x-object-meta-mtime"] == "1.5"
    assert answer.body == WHOLE
    assert segmented("GET", "c/big", If_Match=put.etag, Range="bytes=-5").body == WHOLE[-5:]
    (entry,) = segmented("GET", "c?format=json&prefix=big").json()
    assert (entry["bytes"], entry["hash"], entry["slo_etag"]) == (len(WHOLE), put.etag.strip('"'), put.etag)
    # The Pithos API has an object like any other.
    seen = segmented.pithos("GET", "c/big?format=json&hashmap").json()
    assert seen["bytes"] == len(WHOLE)
    assert len(seen["hashes"]) == 1
    assert segmented("DELETE", "c/seg%20%C3%BC/2").status == 204
    assert segmented("GET", "c/big").body == WHOLE


def test_the_list_of_segments_can_be_read(segmented: Any) -> None:
    segmented.put("c/big?multipart-manifest=put", manifest(*lines()))
    answer = segmented("GET", "c/big?multipart-manifest=get")
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.headers["x-static-large-object"] == "True"
    assert answer.etag == md5(answer.body)
    assert [(one["name"], one["hash"], one["bytes"]) for one in answer.json()] == [
        (f"/c/seg ü/{name}", md5(data), len(data)) for name, data in PIECES.items()
    ]
    raw = segmented("GET", "c/big?multipart-manifest=get&format=raw").body
    assert json.loads(raw) == lines()
    segmented.put("c/again?multipart-manifest=put", raw)
    assert segmented("GET", "c/again").body == WHOLE
    head = segmented("HEAD", "c/big?multipart-manifest=get")
    assert int(head.headers["content-length"]) == len(answer.body)


def test_what_makes_a_static_large_object_ordinary_again(segmented: Any) -> None:
    def is_large() -> bool:
        return "x-static-large-object" in segmented("HEAD", "c/big").headers

    def make() -> None:
        segmented.put("c/big?multipart-manifest=put", manifest(*lines()))
        assert is_large()

    make()
    assert segmented("POST", "c/big", b"", X_Object_Meta_A="b").status == 202
    assert is_large()
    assert segmented("COPY", "c/big", None, Destination="c/copy").etag == md5(WHOLE)
    assert "x-static-large-object" not in segmented("HEAD", "c/copy").headers
    assert segmented("COPY", "c/big?multipart-manifest=get", None, Destination="c/copy").status == 201
    assert segmented("HEAD", "c/copy").headers["x-static-large-object"] == "True"
    segmented.put("c/big", WHOLE)  # the same content, but not by segments
    assert not is_large()
    assert segmented("HEAD", "c/big").etag == md5(WHOLE)
    make()
    segmented.pithos("PUT", "c/big", b"other", Content_Type="a/b")
    assert not is_large()
    make()
    segmented("DELETE", "c/big")
    segmented.pithos("PUT", "c/big", WHOLE, Content_Type="a/b")
    assert not is_large()


def test_a_static_large_object_and_its_segments_go_together(segmented: Any) -> None:
    segmented.put("c/other")
    segmented.put("c/big?multipart-manifest=put", manifest(*lines(), lines()[0]))
    answer = segmented("DELETE", "c/big?multipart-manifest=delete", Accept="application/json")
    assert answer.status == 200
    assert answer.json() == {
        "Response Status": "200 OK",
        "Response Body": "",
        "Number Deleted": 4,
        "Number Not Found": 0,
        "Errors": [],
    }
    assert segmented.names("c") == ["other"]
    answer = segmented("DELETE", "c/other?multipart-manifest=delete", Accept="application/json").json()
    assert answer["Response Status"].startswith("400")
    assert segmented.names("c") == ["other"]
    answer = segmented("DELETE", "c/none?multipart-manifest=delete", Accept="application/json").json()
    assert (answer["Number Deleted"], answer["Number Not Found"]) == (0, 1)


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"no json", "JSON"),
        (b"[" * 100_000, "JSON"),
        (b"{}", "list"),
        (b"[]", "at least one"),
        (b"[1]", "Index 0"),
        (manifest({"etag": None}), "Index 0"),
        (manifest({"data": "YWJj"}), "inline"),
        (manifest({"path": "/c"}), "path"),
        (manifest({"path": "//x"}), "path"),
        (b'[{"path": "/c/\\ud800"}]', "Unicode"),
        (manifest({"path": "/c/seg ü/1", "etag": 5}), "texts"),
        (manifest({"path": "/c/seg ü/1", "size_bytes": "many"}), "size_bytes"),
        (manifest({"path": "/c/none"}), "/c/none, "),
        (manifest({"path": "/none/none"}), "/none/none, "),
        (manifest({"path": "/c/seg ü/1", "etag": md5(b"x")}), "Etag Mismatch"),
        (manifest({"path": "/c/seg ü/1", "size_bytes": 1}), "Size Mismatch"),
        (manifest({"path": "/c/seg ü/1", "range": "5000-6000"}), "1200 bytes"),
        (manifest({"path": "/c/seg ü/1", "range": "0-1,3-4"}), "Range"),
        (manifest({"path": "/c/seg ü/1", "range": "x"}), "Range"),
        (manifest({"path": "/c/empty"}), "Too Small"),
    ],
)
def test_a_list_of_segments_that_is_wrong_is_refused(segmented: Any, body: bytes, problem: str) -> None:
    segmented.put("c/empty", b"")
    answer = segmented("PUT", "c/big?multipart-manifest=put", body)
    assert answer.status == 400
    assert problem in answer.body.decode()
    assert segmented("HEAD", "c/big").status == 404


def test_the_tag_of_the_whole_can_be_checked(segmented: Any) -> None:
    body = manifest(*lines(etag=None, size_bytes=None))
    assert segmented("PUT", "c/big?multipart-manifest=put", body, ETag=md5(b"x")).status == 422
    assert segmented("PUT", "none/big?multipart-manifest=put", body).status == 404
    assert segmented("PUT", "c/seg%20%C3%BC/1?multipart-manifest=put", body, If_None_Match="*").status == 412
    segmented.put("c/big?multipart-manifest=put", body, ETag=tag_of(*PIECES.values()))


def test_segments_by_ranges_and_of_segments(segmented: Any) -> None:
    segmented.put("c/inner?multipart-manifest=put", manifest(*lines()))
    outer = manifest(
        {"path": "/c/inner"}, {"path": "/c/inner", "range": "1199-1205"}, {"path": "c/seg ü/1", "range": "-3"}
    )
    put = segmented.put("c/outer?multipart-manifest=put", outer)
    assert segmented("GET", "c/outer").body == WHOLE + WHOLE[1199:1206] + PIECES["1"][-3:]
    inner = tag_of(*PIECES.values()).strip('"')
    told = f"{inner}{inner}:1199-1205;{md5(PIECES['1'])}:-3;"
    assert put.etag == f'"{md5(told.encode())}"'
    listed = segmented("GET", "c/outer?multipart-manifest=get").json()
    assert [one.get("sub_slo", False) for one in listed] == [True, True, False]
    assert listed[1]["range"] == "1199-1205"


def test_borders_of_blocks_are_made_use_of(person: Any) -> None:
    """Segments of whole blocks are taken over; others are put together anew. Either way it is the same object."""
    data = random.Random(3).randbytes(3 * BLOCK + 1000)
    person.put("c/whole", data)
    expected = person.pithos("GET", "c/whole?hashmap&format=json").json()
    for cuts in ([BLOCK, 3 * BLOCK], [1_500_000, BLOCK + 5, 3 * BLOCK], [2 * BLOCK + 1], [7]):
        borders = [0, *cuts, len(data)]
        listed = []
        for number, (start, end) in enumerate(pairwise(borders)):
            person.put(f"c/s{number}", data[start:end])
            listed.append({"path": f"/c/s{number}"})
        person.put("c/big?multipart-manifest=put", manifest(*listed))
        assert person.pithos("GET", "c/big?hashmap&format=json").json() == expected, cuts
        cut = manifest({"path": "/c/whole", "range": "5-"}, {"path": "/c/whole", "range": f"{BLOCK}-{2 * BLOCK + 9}"})
        person.put("c/cut?multipart-manifest=put", cut)
        answer = person("GET", "c/cut")
        assert md5(answer.body) == md5(data[5:] + data[BLOCK : 2 * BLOCK + 10])


def test_a_static_large_object_counts_for_the_quota(people: Any) -> None:
    limited = people("limited-static", quota=2 * len(WHOLE) + 10)
    for name, data in PIECES.items():
        limited.put(f"c/seg%20%C3%BC/{name}", data)
    limited.put("c/big?multipart-manifest=put", manifest(*lines()))
    assert limited("PUT", "c/more?multipart-manifest=put", manifest(*lines())).status == 413
    assert limited("HEAD").headers["x-account-bytes-used"] == str(2 * len(WHOLE))
