"""`pithosfs file info`, `cat` and `versions`."""

from __future__ import annotations

import pytest
from fixtures.clouds import TestCloud
from fixtures.contents import Contents
from fixtures.invoker import Invoker

from pithosfs.store import Delivery

# info -----------------------------------------------------------------------------------------------------------------


def test_info(program: Invoker, own: Contents) -> None:
    own.put("x", b"one", meta={"colour": "blue"})
    own.share("x", read=("*",))
    own.store.set_public(own.path("x"), True)
    own.put("x", b"three", meta={"colour": "red"}, delivery=Delivery("gzip", "attachment; filename=a.gz", None))
    found = program.ok("file", "info", "x", "-j").json
    assert (found["bytes"], found["meta"], found["container"]) == (5, {"colour": "red"}, "pithos")
    assert found["sharing"] == {"read": ["*"], "write": []}
    assert found["public"].startswith("http")
    assert (found["content_encoding"], found["content_disposition"]) == ("gzip", "attachment; filename=a.gz")
    versions = program.ok("file", "info", "x", "--object-versions", "-j").json
    assert len(versions) == 2
    old = program.ok("file", "info", "x", "--object-version", versions[0]["version"], "-j").json
    assert (old["bytes"], old["meta"], old["content_encoding"]) == (3, {"colour": "blue"}, None)
    assert program.ok("file", "info", "x", "--metadata", "-j").json == {"colour": "red"}
    assert program.ok("file", "info", "x", "--sharing", "-j").json["read"] == ["*"]
    hashmap = program.ok("file", "info", "x", "--hashmap", "-j").json
    assert (hashmap["bytes"], hashmap["hashes"]) == (5, [found["hash"]])
    table = program.ok("file", "info", "x").out
    for words in ("meta colour", "public link", "content encoding", "gzip", "sharing read"):
        assert words in table
    assert program.ok("file", "info", "x", "--columns", "bytes,name", "--output", "value").out == "5\nx\n"
    assert program.ok("file", "info", "x", "--columns", "name,size", "-j").json == {"name": "x", "bytes": 5}
    missing = program("file", "info", "x", "--object-version", "123456789")
    assert missing.code == 3
    assert "has no version 123456789" in missing.err


def test_info_of_a_manifest(program: Invoker, own: Contents) -> None:
    own.put("parts/1", b"ab")
    own.put("parts/2", b"cde")
    own.put("whole", b"", delivery=Delivery(manifest="pithos/parts/"))
    found = program.ok("file", "info", "whole", "-j").json
    assert (found["manifest"], found["bytes"]) == ("pithos/parts/", 5)
    assert program.ok("file", "cat", "whole").raw == b"abcde"


def test_info_of_several(program: Invoker, own: Contents) -> None:
    own.put("a.txt", b"1")
    own.put("b.txt", b"22")
    own.put("c", b"333")
    assert [one["name"] for one in program.ok("file", "info", "*.txt", "-j").json] == ["a.txt", "b.txt"]
    assert [one["name"] for one in program.ok("file", "info", "c", "a.txt", "-j").json] == ["c", "a.txt"]
    assert program.ok("file", "info", "*.txt").out.splitlines()[0].split() == [
        "SIZE",
        "CHANGED",
        "VERSION",
        "TYPE",
        "PATH",
    ]
    assert program.ok("file", "info", "--metadata", "c", "a.txt", "-j").json[0] == {"path": "/pithos/c", "meta": {}}
    some = program("file", "info", "c", "nothing", "-j")
    assert some.code == 3
    assert [one["name"] for one in some.json] == ["c"]
    assert "/pithos/nothing" in some.err
    assert program("file", "info", "*.png").code == 3


def test_info_of_a_folder_without_a_marker(program: Invoker, own: Contents) -> None:
    own.put("dir/x")
    assert program.ok("file", "info", "dir", "-j").json["type"] == "folder"
    assert program("file", "info", "/pithos").code == 2


@pytest.mark.parametrize(
    ("option", "value", "code"),
    [
        ("--if-match", "wrong", 5),
        ("--if-match", "*", 0),
        ("--if-match", "ETAG", 0),
        ("--if-match", 'wrong, "ETAG"', 0),
        ("--if-none-match", "*", 5),
        ("--if-none-match", "other", 0),
        ("--if-none-match", "ETAG", 5),
        ("--if-modified-since", "2001-01-01", 0),
        ("--if-modified-since", "2201-01-01T00:00:00Z", 5),
        ("--if-unmodified-since", "2001-01-01", 5),
        ("--if-unmodified-since", "2201-01-01", 0),
        ("--if-unmodified-since", "never", 2),
    ],
)
def test_conditions_work_always(program: Invoker, own: Contents, option: str, value: str, code: int) -> None:
    etag = own.put("x").etag or ""
    value = value.replace("ETAG", etag.upper())
    for command in (["info"], ["info", "--hashmap"], ["info", "--sharing"], ["cat"]):
        result = program("file", *command, "x", option, value)
        assert result.code == code
        assert not code or result.raw == b""
        assert code != 5 or ("/pithos/x" in result.err and option in result.err)


# cat ------------------------------------------------------------------------------------------------------------------


def test_cat(program: Invoker, own: Contents) -> None:
    own.put("x", bytes(range(100)))
    own.put("y.txt", b"more")
    own.put("z.txt", b"!")
    own.folder("f.txt")
    assert program.ok("file", "cat", "x", "y.txt").raw == bytes(range(100)) + b"more"
    assert program.ok("file", "cat", "*.txt").raw == b"more!"
    assert program.ok("file", "cat", "x", "--range", "10-19,-2,3").raw == bytes([*range(10, 20), 98, 99, *range(4)])
    assert program("file", "cat", "x", "--range", "200-300").code == 1
    assert program("file", "cat", "x", "--range", "abc").code == 2
    assert program.ok("file", "cat", "x", "--buffer-blocks", "1").raw == bytes(range(100))
    own.put("x", b"new")
    first = own.versions("x")[0]
    assert program.ok("file", "cat", "x", "--object-version", first).raw == bytes(range(100))
    assert program("file", "cat", "nothing").code == 3
    some = program("file", "cat", "y.txt", "nothing", "z.txt")
    assert (some.code, some.raw) == (3, b"more!")
    assert "/pithos/nothing" in some.err
    assert program("file", "cat", "--no-glob", "*.txt").code == 3


# versions -------------------------------------------------------------------------------------------------------------


def test_versions(program: Invoker, own: Contents) -> None:
    made = [own.put("x", b"1" * size).version for size in (1, 2, 3)]
    found = program.ok("file", "versions", "x", "-j").json
    assert [one["version"] for one in found] == made[::-1]
    assert [one["bytes"] for one in found] == [3, 2, 1]
    assert [one["state"] for one in found] == ["current", "old", "old"]
    assert {one["modified_by"] for one in found} == {own.user.uuid}
    assert [one["bytes"] for one in program.ok("file", "versions", "x", "-n", "1", "-j").json] == [3]
    table = program.ok("file", "versions", "x").out.splitlines()
    assert table[0].split() == ["VERSION", "CHANGED", "SIZE", "STATE", "BY"]
    assert table[1].split()[-2:] == ["current", own.user.name]
    assert program("file", "versions", "nothing").code == 3
    assert program("file", "versions", "/pithos").code == 2


def test_versions_of_what_was_deleted(program: Invoker, own: Contents) -> None:
    own.put("x", b"1")
    own.put("x", b"22")
    own.store.delete(own.path("x"))
    result = program.ok("file", "versions", "x")
    assert "/pithos/x is deleted" in result.err
    own.put("x", b"333")
    states = [(one["bytes"], one["state"]) for one in program.ok("file", "versions", "x", "-j").json]
    assert states == [(3, "current"), (2, "deleted"), (1, "old")]
    own.store.delete(own.path("x"))
    states = [(one["bytes"], one["state"]) for one in program.ok("file", "versions", "x", "-j").json]
    assert states == [(3, "deleted"), (2, "deleted"), (1, "old")]


def test_versions_of_others(program: Invoker, own: Contents, cloud: TestCloud) -> None:
    other = Contents(cloud.user("other"))
    other.put("x", b"1")
    other.put("x", b"22")
    assert program("file", "versions", f"pithos://{other.user.uuid}/pithos/x").code == 4
    other.share("x", read=(own.user.uuid,))
    assert len(program.ok("file", "versions", "-A", other.user.name, "x", "-j").json) == 2
