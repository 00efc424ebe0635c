"""Lists of objects (object-store.md 8, 12.4, 12.5, 16)."""

from __future__ import annotations

import time
import xml.etree.ElementTree as ElementTree
from typing import Any
from urllib.parse import quote

import pytest

NAMES = ["a", "a.txt", "b", "photos", "photos/1.jpg", "photos/2.jpg", "photos/old/3.jpg", "q//r", "z/"]


@pytest.fixture
def filled(alice: Any) -> Any:
    for name in reversed(NAMES):
        alice.put("c/" + quote(name), type="application/directory" if name == "photos" else "text/plain")
    return alice


@pytest.mark.parametrize(
    ("parameters", "names"),
    [
        ({}, NAMES),
        ({"limit": "3"}, NAMES[:3]),
        ({"marker": "b"}, NAMES[3:]),
        ({"marker": "b", "limit": "2"}, NAMES[3:5]),
        ({"marker": "photos/2"}, NAMES[5:]),
        ({"prefix": "pho"}, ["photos", "photos/1.jpg", "photos/2.jpg", "photos/old/3.jpg"]),
        ({"prefix": "/photos/o"}, ["photos/old/3.jpg"]),
        ({"delimiter": "/"}, ["a", "a.txt", "b", "photos", "photos/", "q/", "z/"]),
        ({"prefix": "pho", "delimiter": "/"}, []),
        ({"prefix": "photos", "delimiter": "/"}, ["photos/1.jpg", "photos/2.jpg", "photos/old/"]),
        ({"prefix": "photos/", "delimiter": "/"}, ["photos/1.jpg", "photos/2.jpg", "photos/old/"]),
        ({"prefix": "photos/", "delimiter": "/", "limit": "2"}, ["photos/1.jpg", "photos/2.jpg"]),
        ({"delimiter": "/", "marker": "photos", "limit": "1"}, ["photos/"]),
        ({"delimiter": "/", "marker": "photos/"}, ["q/", "z/"]),
        ({"delimiter": "/", "marker": "photos/\U0010ffff"}, ["q/", "z/"]),
        ({"delimiter": "/", "marker": "q/"}, ["z/"]),
        ({"prefix": "q", "delimiter": "/"}, ["q//"]),
        ({"path": "photos"}, ["photos/1.jpg", "photos/2.jpg"]),
        ({"path": "/"}, ["a", "a.txt", "b", "photos", "z/"]),
        ({"path": "", "delimiter": "/"}, ["a", "a.txt", "b", "photos", "photos/", "q/", "z/"]),
        ({"path": "photos", "prefix": "a", "delimiter": "x"}, ["photos/1.jpg", "photos/2.jpg"]),
        ({"delimiter": "."}, ["a", "a.", "b", "photos", "photos/1.", "photos/2.", "photos/old/3.", "q//r", "z/"]),
        ({"delimiter": "/o"}, ["a", "a.txt", "b", "photos", "photos/1.jpg", "photos/2.jpg", "photos/o", "q//r", "z/"]),
    ],
)
def test_parameters(filled: Any, parameters: dict[str, str], names: list[str]) -> None:
    assert filled.list(**parameters) == names


def test_order_is_that_of_code_points(alice: Any) -> None:
    names = ["Z", "a", "a\x01", "a b", "a!", "é", "\uffff", "\U0001f600", "ä", "-"]
    for name in names:
        alice.put("c/" + quote(name))
    assert alice("GET", "c?format=json").json() == sorted(
        alice("GET", "c?format=json").json(), key=lambda one: str(one["name"])
    )
    assert [one["name"] for one in alice("GET", "c?format=json").json()] == sorted(names)


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_paging_shows_everything_once(alice: Any, limit: int) -> None:
    for name in ("d/", "d/x", "d/y", "e/x", "f"):
        alice.put(f"c/{name}")
    seen: list[str] = []
    while page := alice.list(delimiter="/", limit=str(limit), **({"marker": seen[-1]} if seen else {})):
        seen += page
    assert seen == ["d/", "d/", "e/", "f"]  # the object and the roll-up of that name


def test_json_entry(alice: Any) -> None:
    put = alice.put("c/a%25b", b"hello world", type="image/svg+xml")
    (entry,) = alice("GET", "c?format=json").json()
    head = alice("HEAD", "c/a%25b").headers
    assert entry == {
        "name": "a%b",
        "bytes": 11,
        "content_type": "image/svg+xml",
        "hash": "",
        "x_object_hash": "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9",
        "x_object_uuid": head["x-object-uuid"],
        "x_object_modified_by": alice.id,
        "x_object_version": int(put.headers["x-object-version"]),
        "x_object_version_timestamp": entry["x_object_version_timestamp"],
        "last_modified": entry["last_modified"],
        "available": 1,
        "map_check_timestamp": None,
    }
    seconds, _, fraction = entry["x_object_version_timestamp"].partition(".")
    assert abs(int(seconds) - time.time()) < 100
    assert len(fraction) == 6
    assert entry["last_modified"].endswith("+00:00")


def test_md5_shows_when_it_was_sent(alice: Any) -> None:
    alice.put("c/x", b"hello world", ETag='"5EB63BBBE01EEED093CB22BB8F5ACDC3"')
    (entry,) = alice("GET", "c?format=json").json()
    assert entry["hash"] == "5eb63bbbe01eeed093cb22bb8f5acdc3"


def test_xml(alice: Any) -> None:
    alice.put("c/a%26%3Cb%3E%01", X_Object_Sharing="read=*")
    alice.put("c/%22d%22/x")
    tree = ElementTree.fromstring(alice("GET", "c?format=xml&delimiter=/").body)
    assert (tree.tag, tree.get("name")) == ("container", "c")
    assert [one.findtext("name") for one in tree.iter("object")] == ["a&<b>\ufffd"]
    assert [one.findtext("map_check_timestamp") for one in tree.iter("object")] == ["None"]
    assert [one.get("name") for one in tree.iter("subdir")] == ['"d"/']


def test_roll_up_entry_has_nothing_else(alice: Any) -> None:
    alice.put("c/d/x")
    assert alice("GET", "c?format=json&delimiter=/").json() == [{"subdir": "d/"}]


def test_empty(alice: Any) -> None:
    assert alice("GET", "c").status == 204
    assert (alice("GET", "c?format=json").status, alice("GET", "c?format=json").json()) == (200, [])
    assert ElementTree.fromstring(alice("GET", "c?format=xml").body).tag == "container"


class TestFlags:
    @pytest.fixture
    def marked(self, alice: Any) -> Any:
        alice.put("c/dir", type="application/directory", X_Object_Sharing="read=*")
        alice.put("c/dir/x")
        alice.put("c/dirt")
        alice.put("c/file", X_Object_Sharing="write=someone")
        alice.put("c/file/below")
        alice.put("c/public", X_Object_Public="TRUE")
        alice.put("c/slash/", type="application/folder; a=b", X_Object_Sharing="read=*")
        alice.put("c/slash/y")
        return alice

    @pytest.mark.parametrize(
        ("query", "names"),
        [
            ("shared", ["dir", "dir/x", "file", "slash/", "slash/y"]),
            ("shared=0", ["dir", "dir/x", "file", "slash/", "slash/y"]),
            ("public", ["public"]),
            ("shared&public", ["dir", "dir/x", "file", "public", "slash/", "slash/y"]),
            ("shared&delimiter=/", ["dir", "dir/", "file", "slash/", "slash/"]),
            ("shared&marker=dir/x&limit=2", ["file", "slash/"]),
            ("public&prefix=q", []),
        ],
    )
    def test_own(self, marked: Any, query: str, names: list[str]) -> None:
        assert marked("GET", f"c?{query}").names() == names

    def test_members(self, marked: Any) -> None:
        entries = {one["name"]: one for one in marked("GET", "c?format=json").json()}
        assert entries["dir"]["x_object_sharing"] == "read=*"
        assert "x_object_sharing" not in entries["dir/x"]
        assert entries["file"]["x_object_sharing"] == "write=someone"
        assert entries["public"]["x_object_public"] == marked("HEAD", "c/public").headers["x-object-public"]
        assert not any("x_object_allowed_to" in one for one in entries.values())


class TestOthers:
    @pytest.fixture
    def shared(self, alice: Any, bob: Any) -> Any:
        alice.put("c/dir", type="application/directory", X_Object_Sharing=f"read={bob.id}")
        alice.put("c/dir/hidden", X_Object_Sharing="read=somebody-else")
        alice.put("c/dir/x")
        alice.put("c/dir/sub/y")
        alice.put("c/mine", X_Object_Public="true")
        alice.put("c/rw", X_Object_Sharing=f"write={bob.id}")
        return alice

    @pytest.mark.parametrize(
        ("query", "names"),
        [
            ("", ["dir", "dir/hidden", "dir/sub/y", "dir/x", "rw"]),
            ("delimiter=/", ["dir", "dir/", "rw"]),
            ("prefix=dir&delimiter=/", ["dir/hidden", "dir/sub/", "dir/x"]),
            ("prefix=dir/sub/", ["dir/sub/y"]),
            ("path=dir", ["dir/hidden", "dir/x"]),
            ("limit=2", ["dir", "dir/hidden"]),
            ("marker=dir/x", ["rw"]),
            ("marker=rw", []),
        ],
    )
    def test_only_what_is_granted(self, shared: Any, bob: Any, query: str, names: list[str]) -> None:
        assert bob("GET", f"c?{query}", account=shared.id).names() == names

    @pytest.mark.parametrize("query", ["prefix=mine", "until=99999999999", "public"])
    def test_refused(self, shared: Any, bob: Any, query: str) -> None:
        assert bob("GET", f"c?{query}", account=shared.id).status == 403

    def test_nobody_else(self, shared: Any, carol: Any) -> None:
        assert carol("GET", "c", account=shared.id).status == 403
        assert carol("GET", "absent", account=shared.id).status == 403

    def test_members(self, shared: Any, bob: Any) -> None:
        entries = {one["name"]: one for one in bob("GET", "c?format=json", account=shared.id).json()}
        assert entries["dir"]["x_object_allowed_to"] == "read"
        assert entries["rw"]["x_object_allowed_to"] == "write"
        assert "x_object_allowed_to" not in entries["dir/x"]
        assert not any("x_object_public" in one for one in entries.values())

    def test_hidden_by_a_nearer_rule(self, shared: Any, bob: Any) -> None:
        assert bob("HEAD", "c/dir/hidden", account=shared.id).status == 403


class TestMeta:
    @pytest.fixture
    def tagged(self, alice: Any) -> Any:
        alice.put("c/both", X_Object_Meta_Colour="red", X_Object_Meta_Foo_Bar="9")
        alice.put("c/colour", X_Object_Meta_Colour="green")
        alice.put("c/foo", X_Object_Meta_Foo_Bar="100")
        alice.put("c/none")
        return alice

    @pytest.mark.parametrize(
        ("meta", "names"),
        [
            ("colour", ["both", "colour"]),
            ("Colour,foo_bar", ["both", "colour", "foo"]),
            ("!colour", ["foo", "none"]),
            ("!colour,!foo-bar", ["none"]),
            ("colour=red", ["both"]),
            (" colour != red ", ["colour"]),
            ("foo-bar > 100", ["both"]),
            ("foo-bar<=100", ["foo"]),
            ("colour,foo-bar=9", ["both"]),
            ("colour,!foo-bar", ["colour"]),
            ("", ["both", "colour", "foo", "none"]),
            (",", ["both", "colour", "foo", "none"]),
            ("absent", []),
        ],
    )
    def test_terms(self, tagged: Any, meta: str, names: list[str]) -> None:
        assert tagged.list(meta=meta) == names

    def test_roll_up(self, tagged: Any) -> None:
        tagged.put("c/d/x")
        tagged.put("c/e/x", X_Object_Meta_Colour="blue")
        assert tagged.list(meta="colour", delimiter="/") == ["both", "colour", "e/"]


class TestUntil:
    def test_the_past(self, alice: Any) -> None:
        alice.put("c/d/x", b"old")
        alice.put("c/gone")
        past = _next_second()
        alice.put("c/d/x", b"newer")
        alice("DELETE", "c/gone")
        alice.put("c/new")
        assert alice.list(until=str(past)) == ["d/x", "gone"]
        assert alice.list(until=str(past), delimiter="/") == ["d/", "gone"]
        entries = alice("GET", f"c?format=json&until={past}").json()
        assert [one["bytes"] for one in entries] == [3, 4]
        assert not any("last_modified" in one for one in entries)
        headers = alice("HEAD", f"c?until={past}").headers
        assert (headers["x-container-object-count"], headers["x-container-bytes-used"]) == ("2", "7")
        assert alice.list(until="99999999999") == ["d/x", "new"]
        assert alice.list(until="-1") == ["d/x", "new"]
        (entry,) = alice("GET", f"?format=json&until={past}").json()
        assert (entry["count"], entry["bytes"]) == (2, 7)


def _next_second() -> int:
    """Wait for the next whole second, which is how finely the past can be asked for."""
    now = int(time.time())
    while int(time.time()) == now:
        time.sleep(0.02)
    return now + 1
