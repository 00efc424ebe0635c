"""One object, two dialects: what is written by the Pithos API is right in Swift, and the other way round."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest

BLOCK = 4 * 1024 * 1024


def md5(data: bytes) -> str:
    return hashlib.md5(data).hexdigest()


def recorded(cloud: Any, person: Any, name: str) -> list[str]:
    """What the database knows of the MD5s of a name's versions, oldest first."""
    connection = sqlite3.connect(f"file:{cloud.data}/cloud.sqlite3?mode=ro", uri=True)
    try:
        rows = connection.execute(
            "SELECT v.md5 FROM versions v JOIN objects o ON o.id = v.object JOIN containers c ON c.id = o.container"
            " JOIN accounts a ON a.id = c.account WHERE a.uuid = ? AND o.name = ? ORDER BY v.id",
            (person.user.uuid, name),
        )
        return [value for (value,) in rows]
    finally:
        connection.close()


def by_hashmap(person: Any, path: str, data: bytes) -> None:
    """As the mount and the sync daemon do: blocks, then the hashmap."""
    blocks = person.pithos("POST", "c?update&format=json", data, Content_Type="application/octet-stream")
    body = json.dumps({"bytes": len(data), "hashes": blocks.json()}).encode()
    assert person.pithos("PUT", f"{path}?hashmap&format=json", body, Content_Type="a/b").status == 201


@pytest.mark.parametrize("size", [0, 1, 1000, BLOCK, 2 * BLOCK, 2 * BLOCK + 17])
def test_an_object_made_by_hashmap_has_its_md5(cloud: Any, person: Any, size: int) -> None:
    data = os.urandom(size - size // 3) + bytes(size // 3)  # some NULs at the end, which no block stores
    if data:
        by_hashmap(person, "c/o", data)
    else:
        person.pithos("PUT", "c/o", b"", Content_Type="a/b")
    assert recorded(cloud, person, "o") == [""]
    (entry,) = person("GET", "c?format=json").json()
    assert entry["hash"] == md5(data)
    assert recorded(cloud, person, "o") == [md5(data) if size else ""]
    answer = person("GET", "c/o")
    assert answer.etag == md5(data) == md5(answer.body)
    assert person("HEAD", "c/o").etag == md5(data)


def test_a_head_alone_finds_out_the_md5(cloud: Any, person: Any) -> None:
    by_hashmap(person, "c/o", b"x" * 100_000)
    assert person("HEAD", "c/o").etag == md5(b"x" * 100_000)
    assert recorded(cloud, person, "o") == [md5(b"x" * 100_000)]
    assert person("COPY", "c/o", None, Destination="c/p").status == 201
    assert recorded(cloud, person, "p") == [md5(b"x" * 100_000)]


def test_a_computed_md5_is_that_of_all_versions_with_the_content(cloud: Any, person: Any) -> None:
    """A version made by a change of metadata has the same block list; it is read once."""
    data = os.urandom(BLOCK + 1)
    by_hashmap(person, "c/o", data)
    assert person.pithos("POST", "c/o?update", b"", X_Object_Meta_A="b").status == 202
    assert person("HEAD", "c/o").etag == md5(data)
    assert recorded(cloud, person, "o") == [md5(data)] * 2


def test_it_is_the_recorded_one_that_is_shown(cloud: Any, person: Any) -> None:
    """Once known, no block is read again: it could be gone."""
    data = os.urandom(100_000)
    by_hashmap(person, "c/o", data)
    (name,) = person.pithos("GET", "c/o?hashmap&format=json").json()["hashes"]
    path = Path(cloud.data) / "blocks" / name[:2] / name[2:4] / name
    aside = path.with_suffix(".aside")
    path.rename(aside)
    try:
        assert person("GET", "c?format=json").json()[0]["hash"] == ""
        assert person("HEAD", "c/o").status == 500
        aside.rename(path)
        assert person("HEAD", "c/o").etag == md5(data)
        path.rename(aside)
        assert person("HEAD", "c/o").etag == md5(data)
        assert person("GET", "c?format=json").json()[0]["hash"] == md5(data)
        assert person("GET", "c/o").status == 500
    finally:
        aside.rename(path)


def test_changes_of_the_data_change_the_md5(cloud: Any, person: Any) -> None:
    person.put("c/o", b"0123456789")
    ranged = {"Content_Type": "application/octet-stream", "Content_Range": "bytes 2-3/*"}
    assert person.pithos("POST", "c/o?update", b"XY", **ranged).status == 204
    assert person("GET", "c/o").etag == md5(b"01XY456789")
    appended = {"Content_Type": "application/octet-stream", "Content_Range": "bytes */*"}
    assert person.pithos("POST", "c/o?update", b"+", **appended).status == 204
    assert person("GET", "c?format=json").json()[0]["hash"] == md5(b"01XY456789+")
    assert recorded(cloud, person, "o") == [md5(b"0123456789"), md5(b"01XY456789"), md5(b"01XY456789+")]


def test_the_md5_of_an_upload_is_recorded(cloud: Any, person: Any) -> None:
    person.put("c/o", b"data")
    assert recorded(cloud, person, "o") == [md5(b"data")]
    (entry,) = person.pithos("GET", "c?format=json").json()
    assert entry["hash"] == md5(b"data")


def test_metadata_are_the_same_on_both_sides(person: Any) -> None:
    person.put(
        "c/o",
        b"data",
        Content_Type="text/a",
        Content_Disposition='attachment; filename="ü"',
        X_Object_Meta_Mtime="1700000000.123456789",
        X_Object_Meta_Note="ä 100% ~x",
    )
    seen = person.pithos("HEAD", "c/o").headers
    assert seen["x-object-meta-mtime"] == "1700000000.123456789"
    assert seen["x-object-meta-note"] == "%C3%A4 100%25 %7Ex"
    assert seen["content-type"] == "text/a"
    sent = {"X-Object-Meta-Note": "%E6%97%A5 b", "Content-Encoding": "gzip"}
    assert person.pithos("POST", "c/o?update", b"", **sent).status == 202
    found = person("HEAD", "c/o").headers
    assert found["x-object-meta-note"] == "日 b"
    assert found["x-object-meta-mtime"] == "1700000000.123456789"
    assert found["content-encoding"] == "gzip"
    assert found["content-disposition"] == 'attachment; filename="ü"'


def test_sharing_and_publication_outlive_an_upload(person: Any, other: Any) -> None:
    rule = {"X_Object_Sharing": f"read={other.user.uuid}", "X_Object_Public": "true"}
    assert person.pithos("PUT", "c/o", b"first", Content_Type="a/b", **rule).status == 201
    public = person.pithos("HEAD", "c/o").headers["x-object-public"]
    person.put("c/o", b"second")
    target = f"/object-store/v1/{person.user.uuid}/c/o"
    assert other.send("GET", target, None, {"X-Auth-Token": other.user.token}).body == b"second"
    assert other.send("GET", "/" + public.split("/", 3)[3]).body == b"second"


def test_copies_keep_merge_or_drop_metadata(person: Any) -> None:
    person.put("c/o", b"data", Content_Type="a/b", X_Object_Meta_A="1", X_Object_Meta_B="2")
    assert person("COPY", "c/o", None, Destination="c/merged", X_Object_Meta_B="3", X_Object_Meta_C="4").status == 201
    fresh = {"Destination": "c/fresh", "X_Fresh_Metadata": "true", "X_Object_Meta_C": "4", "Content_Type": "x/y"}
    assert person("COPY", "c/o", None, **fresh).status == 201
    assert person("PUT", "c/o", b"", X_Copy_From="c/o", X_Object_Meta_A="").status == 201

    def meta(name: str) -> dict[str, str]:
        headers = person("HEAD", f"c/{name}").headers
        wanted = {key: value for key, value in headers.items() if key.startswith("x-object-meta-")}
        return {"type": headers["content-type"], **wanted}

    assert meta("merged") == {
        "type": "a/b", "x-object-meta-a": "1", "x-object-meta-b": "3", "x-object-meta-c": "4"
    }  # fmt: skip
    assert meta("fresh") == {"type": "x/y", "x-object-meta-c": "4"}
    assert meta("o") == {"type": "a/b", "x-object-meta-b": "2"}
    uuids = [person.pithos("HEAD", f"c/{name}").headers["x-object-uuid"] for name in ("o", "merged", "fresh")]
    assert len(set(uuids)) == 3
    assert len(person.pithos("GET", "c/o?version=list&format=json").json()["versions"]) == 2
