"""Archives that become objects, by the Pithos API (`pithosfs.localcloud.objects.bulk`)."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import pytest
from fixtures.archives import Packed, packed

from pithosfs.localcloud import process

B = 4 * 1024 * 1024
SMALL = 64 * 1024
NEW = {"If_None_Match": "*"}


def md5(data: bytes) -> str:
    return hashlib.md5(data).hexdigest()


def put(person: Any, path: str, archive: bytes | Iterator[bytes], kind: str = "tar", **headers: str) -> Any:
    """The answer to an archive that could be read."""
    answer = person("PUT", f"{path}?extract-archive={kind}", archive, **headers)
    assert answer.status == 200, answer
    assert answer.headers["content-type"] == "application/json; charset=UTF-8"
    return answer.json()


def meta(person: Any, path: str) -> dict[str, str]:
    headers = person("HEAD", path).headers
    prefix = "x-object-meta-"
    return {unquote(key[len(prefix) :]): unquote(value) for key, value in headers.items() if key.startswith(prefix)}


def test_containers_say_that_they_take_archives(alice: Any, bob: Any) -> None:
    said = alice("HEAD", "c").headers["x-pithosfs-bulk-upload"]
    assert said == "tar, tar.gz, tar.bz2; members=10000"
    assert alice("GET", "c").headers["x-pithosfs-bulk-upload"] == said
    alice.put("c/o", X_Object_Sharing=f"read={bob.id}")
    assert bob("HEAD", "c", account=alice.id).headers["x-pithosfs-bulk-upload"] == said


CONTENTS = {
    "empty": b"",
    "one": b"x",
    "nuls": bytes(7),
    "trailing nuls": b"abc\0\0",
    "almost small": b"a" * (SMALL - 1),
    "small": b"b" * SMALL,
    "not small": b"c" * (SMALL + 1),
    "small but for nuls": b"d" * SMALL + bytes(5000),
    "block": b"e" * B,
    "block of nuls": bytes(B),
    "two blocks": b"f" * B + b"g",
    "two and nuls": b"h" * B + bytes(B) + b"i" + bytes(9),
}


@pytest.mark.parametrize("kind", ["tar", "tar.gz", "tar.bz2", ".TAR"])
def test_contents_are_as_with_single_uploads(alice: Any, kind: str) -> None:
    compression = {"tar.gz": "gz", "tar.bz2": "bz2"}.get(kind, "")
    archive = packed([Packed(name, data) for name, data in CONTENTS.items()], compression=compression)
    answer = put(alice, "c", archive, kind)
    assert {key: value for key, value in answer.items() if key != "Objects"} == {
        "Response Status": "201 Created",
        "Response Body": "",
        "Number Files Created": len(CONTENTS),
        "Errors": [],
    }
    assert [one["name"] for one in answer["Objects"]] == list(CONTENTS)
    alice.make("single")
    listed = {one["name"]: one for one in alice("GET", "c?format=json").json()}
    for one in answer["Objects"]:
        name, data = one["name"], CONTENTS[one["name"]]
        path = quote(name)
        single = alice.put(f"single/{path}", data, ETag=md5(data)).headers
        assert one["etag"] == one["x_object_hash"] == single["etag"]
        assert one["bytes"] == len(data)
        found = alice("GET", f"c/{path}")
        assert found.body == data
        assert found.headers["x-object-version"] == str(one["x_object_version"])
        assert found.headers["x-object-uuid"] == one["x_object_uuid"]
        keys = ("bytes", "x_object_hash", "x_object_version", "x_object_version_timestamp", "x_object_uuid")
        assert {key: listed[name][key] for key in keys} == {key: one[key] for key in keys}
        assert listed[name]["hash"] == md5(data)
        assert alice("GET", f"c/{path}?hashmap").json() == alice("GET", f"single/{path}?hashmap").json()
    head = alice("HEAD", "c").headers
    total = sum(map(len, CONTENTS.values()))
    assert (head["x-container-object-count"], head["x-container-bytes-used"]) == (str(len(CONTENTS)), str(total))
    assert alice("HEAD").headers["x-account-bytes-used"] == str(2 * total)


VALUES = [
    "plain",
    "sopa de albóndigas",
    "%41 is A",
    "100%",
    "%25",
    "%zz",
    "a+b",
    "a~b",
    " blanks at the ends ",
    "%20kept%20",
    "line%0Abreak",
    "日本",
    "%E6%97%A5",
    'quote " , ; = / @',
    "x" * 256,
]
KEYS = ["plain", "under_score", "MiXed-CASE", "a.b", "%CE%B1b", "ümlaut", "a b", "~t", "ß", "x" * 100]


def test_metadata_is_as_with_single_uploads(alice: Any) -> None:
    """The same escapes, the same spelling of keys, the same limits."""
    for number, value in enumerate(VALUES):
        header = value if value.isascii() else quote(value, safe="% ")
        alice.put(f"c/single-{number}", X_Object_Meta_A=header)
        put(alice, "c", packed([Packed.typed(f"bulk-{number}", b"", None, a=value)]))
        assert meta(alice, f"c/bulk-{number}") == meta(alice, f"c/single-{number}"), value
    for number, key in enumerate(KEYS):
        raw = {f"X-Object-Meta-{quote(key, safe='%')}": "v"}
        alice.put(f"c/single-key-{number}", raw=raw)
        put(alice, "c", packed([Packed.typed(f"bulk-key-{number}", b"", None, **{key: "v"})]))
        assert meta(alice, f"c/bulk-key-{number}") == meta(alice, f"c/single-key-{number}") != {}, key


def test_more_of_metadata(alice: Any) -> None:
    members = [
        Packed.typed("raw break", b"", None, a="line\nbreak"),
        Packed.typed("empty", b"", None, a="", b="b"),
        Packed("both", b"", {"LIBARCHIVE.xattr.user.meta.a": "YQ==", "SCHILY.xattr.user.meta.a": "a"}),
        Packed("bsd", b"", {"LIBARCHIVE.xattr.user.meta.a": "b", "LIBARCHIVE.xattr.user.mime_type": "b/b"}),
        Packed("others", b"", {"SCHILY.xattr.user.stuff": "x", "SCHILY.acl.access": "y", "mtime": "12.5"}),
    ]
    put(alice, "c", packed(members), X_Object_Meta_All="yes", X_Object_Meta_B="of the request")
    both = {"all": "yes", "b": "of the request"}
    assert meta(alice, "c/raw%20break") == {"a": "line\nbreak", **both}
    assert meta(alice, "c/empty") == {"all": "yes", "b": "b"}
    assert meta(alice, "c/both") == {"a": "a", **both}
    assert meta(alice, "c/bsd") == {"a": "b", **both}
    assert alice("HEAD", "c/bsd").headers["content-type"] == "b/b"
    assert meta(alice, "c/others") == both


def test_too_much_metadata_is_the_member_s_own_trouble(alice: Any) -> None:
    bad = {
        "long value": Packed.typed("long value", b"", None, a="x" * 257),
        "long key": Packed.typed("long key", b"", None, **{"x" * 116: "a"}),
        "many": Packed.typed("many", b"", None, **{f"k{number}": "v" for number in range(33)}),
        "very many": Packed.typed("very many", b"", None, **{f"k{number}": "v" for number in range(91)}),
        "no utf-8": Packed.typed("no utf-8", b"", None, a="%FF"),
        "no key": Packed("no key", b"", {"SCHILY.xattr.user.meta.": "v"}),
        "type": Packed.typed("type", b"", "text/ü"),
        "type break": Packed.typed("type break", b"", "text/plain\nX-Evil: 1"),
    }
    members = [*bad.values(), Packed.typed("good", b"", None, **{f"k{number}": "v" for number in range(32)})]
    answer = put(alice, "c", packed(members))
    assert answer["Errors"] == [[f"c/{quote(name)}", "400 Bad Request"] for name in bad]
    assert (answer["Response Status"], answer["Number Files Created"]) == ("400 Bad Request", 1)
    assert alice.list() == ["good"]


def test_types(alice: Any) -> None:
    members = [
        Packed.typed("own", b"", "image/svg+xml; a=b"),
        Packed.typed("none", b"", ""),
        Packed("by name.txt"),
        Packed("by-name"),
        Packed("folder", type=tarfile.DIRTYPE),
    ]
    put(alice, "c", packed(members))
    types = {one["name"]: one["content_type"] for one in alice("GET", "c?format=json").json()}
    assert types == {
        "own": "image/svg+xml; a=b",
        "none": "",
        "by name.txt": "text/plain",
        "by-name": "application/octet-stream",
        "folder": "application/directory",
    }
    put(alice, "c", packed(members), Content_Type="of/request")
    types = {one["name"]: one["content_type"] for one in alice("GET", "c?format=json").json()}
    assert [types[one.name] for one in members] == [
        "image/svg+xml; a=b",
        "",
        "of/request",
        "of/request",
        "application/directory",
    ]
    put(alice, "c", packed(members[2:3]), Content_Type="application/x-tar", X_Detect_Content_Type="true")
    assert alice("HEAD", "c/by%20name.txt").headers["content-type"] == "text/plain"


def test_names_stay_inside(alice: Any, bob: Any) -> None:
    """Names are not paths: `..` is a part of a name like any other, and no name leads out of the prefix."""
    bob.make("c")
    names = [
        "../up",
        "../../../../etc/passwd",
        "a/../../b",
        f"../../{bob.id}/c/o",
        "..",
        "/abs",
        "//abs2",
        "./dot",
        "d//e",
    ]
    names += ["./../x", "a/./b", "C:\\x", "ü", "a%2Fb", "a?b#c", "with blank", "slash/"]
    answer = put(alice, "c/pre/fix/", packed([Packed(name, name.encode()) for name in names]))
    made = [one["name"] for one in answer["Objects"]]
    stripped = {"/abs": "abs", "//abs2": "abs2", "./dot": "dot", "./../x": "../x"}
    assert made == [f"pre/fix/{stripped.get(name, name)}" for name in names]
    assert sorted(alice.list()) == sorted(made)
    assert alice("GET", "c/pre/fix/%2E%2E/up").body == b"../up"
    assert alice.list("c", prefix="pre/fix/") == sorted(made)
    assert bob.list("c") == []
    assert [one["name"] for one in alice("GET", "?format=json").json()] == ["c"]


def test_names_that_cannot_be(alice: Any) -> None:
    members = [Packed("x" * 1024), Packed("x" * 1025), Packed("new\nline"), Packed("good"), Packed("a\udcff")]
    answer = put(alice, "c", packed(members, format=tarfile.PAX_FORMAT))
    assert [(unquote(path)[:12], status) for path, status in answer["Errors"]] == [
        ("c/" + "x" * 10, "400 Bad Request"),
        ("c/new\nline", "400 Bad Request"),
        ("c/a\N{REPLACEMENT CHARACTER}", "400 Bad Request"),
    ]
    assert alice.list() == ["good", "x" * 1024]
    assert alice("PUT", f"c/{'p' * 1000}?extract-archive=tar", packed([Packed("x" * 30)])).json()["Errors"] != []


def test_folders_and_other_members(alice: Any) -> None:
    members = [
        Packed("./", type=tarfile.DIRTYPE),
        Packed("./folder/", type=tarfile.DIRTYPE, records={"SCHILY.xattr.user.meta.a": "b"}),
        Packed("./folder/file", b"x"),
        Packed("link", type=tarfile.SYMTYPE, link="/etc/passwd"),
        Packed("hard", type=tarfile.LNKTYPE, link="folder/file"),
        Packed("fifo", type=tarfile.FIFOTYPE),
        Packed("sparse", b"1\n0\n3\n".ljust(512, b"\0") + b"abc", {"GNU.sparse.major": "1", "GNU.sparse.minor": "0"}),
        Packed("last", b"y"),
    ]
    answer = put(alice, "c", packed(members))
    assert answer["Errors"] == [["c/sparse", "400 Bad Request"]]
    assert alice.list() == ["folder", "folder/file", "last"]
    head = alice("HEAD", "c/folder").headers
    assert (head["content-type"], head["content-length"]) == ("application/directory", "0")
    assert meta(alice, "c/folder") == {"a": "b"}


@pytest.mark.skipif(shutil.which("tar") is None, reason="no tar")
def test_what_tar_packs(alice: Any, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "sub folder").mkdir(parents=True)
    (tree / "sub folder" / ("long ü " * 30)).write_bytes(b"long")
    (tree / "link").symlink_to("/etc/passwd")
    (tree / "zero").write_bytes(b"")
    with (tree / "big").open("wb") as file:
        file.truncate(SMALL * 3)
    for format in ("gnu", "pax", "posix"):
        done = subprocess.run(
            ["tar", "-c", f"--format={format}", "-C", str(tree), "."], capture_output=True, check=True
        )
        answer = put(alice, f"c/{format}", done.stdout)
        assert answer["Response Status"] == "201 Created", answer
        names = [f"{format}/{name}" for name in ("big", "sub folder", f"sub folder/{'long ü ' * 30}", "zero")]
        assert alice.list("c", prefix=f"{format}/") == names
        assert alice("GET", f"c/{format}/big").body == bytes(SMALL * 3)


class TestConditions:
    def test_only_new_ones(self, alice: Any) -> None:
        before = {name: alice.put(f"c/{name}", b"old").headers["x-object-version"] for name in ("a", "large")}
        alice.put("c/gone", b"old")
        alice("DELETE", "c/gone")
        members = [
            Packed("a", b"new"),
            Packed("b", b"b"),
            Packed("large", b"l" * B),
            Packed("gone", b"new"),
            Packed("b"),
        ]
        answer = put(alice, "c", packed(members), **NEW)
        assert sorted(answer["Errors"]) == [[f"c/{name}", "412 Precondition Failed"] for name in ("a", "b", "large")]
        assert [one["name"] for one in answer["Objects"]] == ["b", "gone"]
        assert alice("GET", "c/b").body == b"b"
        for name, version in before.items():
            assert alice("HEAD", f"c/{name}").headers["x-object-version"] == version
        # Sent again nothing changes.
        state = alice("GET", "c?format=json").json()
        assert put(alice, "c", packed(members), **NEW)["Number Files Created"] == 0
        assert alice("GET", "c?format=json").json() == state

    def test_without_condition_versions_are_made(self, alice: Any) -> None:
        old = alice.put("c/o", b"old", X_Object_Meta_A="old", X_Object_Public="true", X_Object_Sharing="read=*").headers
        before = alice("HEAD", "c/o").headers
        answer = put(alice, "c", packed([Packed.typed("o", b"new", "new/type"), Packed("o", b"newer")]))
        assert len(answer["Objects"]) == 2
        assert [alice("GET", f"c/o?version={version}").body for version in alice.versions("c/o")] == [
            b"old",
            b"new",
            b"newer",
        ]
        after = alice("HEAD", "c/o").headers
        for key in ("x-object-uuid", "x-object-public", "x-object-sharing"):
            assert after[key] == before[key]
        assert after["x-object-version"] != old["x-object-version"]
        assert meta(alice, "c/o") == {}
        assert alice("HEAD", "c").headers["x-container-bytes-used"] == "5"

    @pytest.mark.parametrize(
        "headers",
        [
            {"If_None_Match": "abc"},
            {"If_Match": "*"},
            {"If_Unmodified_Since": "Sun, 06 Nov 1994 08:49:37 GMT"},
            {"X_Object_Sharing": "read=*"},
            {"X_Object_Public": "true"},
        ],
    )
    def test_what_cannot_hold_for_all(self, alice: Any, headers: dict[str, str]) -> None:
        answer = alice("PUT", "c?extract-archive=tar", packed([Packed("o")]), **headers)
        assert (answer.status, answer.fault()) == (400, "badRequest")
        assert alice.list() == []

    def test_sums(self, alice: Any) -> None:
        members = [
            Packed("good", b"x", {"PITHOSFS.md5": md5(b"x").upper()}),
            Packed("bad", b"x", {"PITHOSFS.md5": md5(b"y")}),
            Packed("large", b"x" * (SMALL + 1), {"PITHOSFS.md5": md5(b"x")}),
        ]
        answer = put(alice, "c", packed(members))
        assert answer["Errors"] == [["c/bad", "422 Unprocessable Entity"], ["c/large", "422 Unprocessable Entity"]]
        assert alice.list() == ["good"]


class TestRights:
    def test_others(self, alice: Any, bob: Any, carol: Any) -> None:
        alice.put("c/own", b"x")
        alice.put("c/d", b"", type="application/directory", X_Object_Sharing=f"write={bob.id}; read={carol.id}")
        alice.make("private")
        archive = packed(
            [Packed("d/o", b"by bob"), Packed("other", b"no"), Packed("own", b"no"), Packed("d2/o", b"no")]
        )
        answer = bob("PUT", "c?extract-archive=tar", archive, account=alice.id).json()
        assert [one["name"] for one in answer["Objects"]] == ["d/o"]
        assert answer["Errors"] == [[f"c/{name}", "403 Forbidden"] for name in ("other", "own", "d2/o")]
        head = alice("HEAD", "c/d/o").headers
        assert head["x-object-modified-by"] == bob.id
        assert alice("GET", "c/own").body == b"x"
        below = bob("PUT", "c/d?extract-archive=tar", packed([Packed("p", b"q")]), account=alice.id).json()
        assert [one["name"] for one in below["Objects"]] == ["d/p"]
        assert carol("PUT", "c?extract-archive=tar", archive, account=alice.id).json()["Number Files Created"] == 0
        for container in ("private", "none"):
            assert bob("PUT", f"{container}?extract-archive=tar", archive, account=alice.id).status == 403
        assert alice.list() == ["d", "d/o", "d/p", "own"]

    def test_no_container(self, alice: Any) -> None:
        assert alice("PUT", "none?extract-archive=tar", packed([Packed("o")])).status == 404
        assert [one["name"] for one in alice("GET", "?format=json").json()] == ["c"]

    def test_no_token(self, alice: Any) -> None:
        answer = alice("PUT", "c?extract-archive=tar", packed([Packed("o")]), raw={"X-Auth-Token": "wrong"})
        assert answer.status == 401


class TestQuota:
    def test_of_the_account(self, people: Any) -> None:
        eve = people("eve", quota=100)
        eve.make("c")
        eve.put("c/there", b"x" * 50)
        members = [
            Packed("a", b"a" * 30),
            Packed("b", b"b" * 30),
            Packed("c", b"c" * 20),
            Packed("large", b"l" * (SMALL + 1)),
            Packed("there", b"y" * 10),
            Packed("d", b"d" * 40),
            Packed("e", b"e"),
            Packed("f"),
        ]
        answer = put(eve, "c", packed(members))
        too_large = f"413 {http.client.responses[413]}"
        assert sorted(answer["Errors"]) == [[f"c/{name}", too_large] for name in ("b", "e", "large")]
        assert eve.list() == ["a", "c", "d", "f", "there"]
        assert eve("HEAD").headers["x-account-bytes-used"] == "100"
        assert put(eve, "c", packed([Packed("z", b"z")]))["Number Files Created"] == 0

    def test_of_the_container(self, alice: Any) -> None:
        alice("POST", "c?update", b"", X_Container_Policy_Quota="10")
        answer = put(alice, "c", packed([Packed("a", b"a" * 6), Packed("b", b"b" * 6), Packed("c", b"c" * 4)]))
        assert [path for path, _ in answer["Errors"]] == ["c/b"]
        assert alice("HEAD", "c").headers["x-container-bytes-used"] == "10"


class TestBadRequests:
    @pytest.mark.parametrize("kind", ["zip", "", "tar.xz", "tgz", "%00"])
    def test_format(self, alice: Any, kind: str) -> None:
        assert alice("PUT", f"c?extract-archive={kind}", b"").status == 400
        assert alice("PUT", f"new?extract-archive={kind}", b"").status == 400

    def test_no_length(self, alice: Any) -> None:
        assert alice("PUT", "c?extract-archive=tar", None).status == 411

    def test_chunked(self, alice: Any) -> None:
        data = packed([Packed(f"{number}", bytes([number]) * 100) for number in range(20)])
        answer = put(alice, "c", (data[at : at + 111] for at in range(0, len(data), 111)))
        assert answer["Number Files Created"] == 20

    @pytest.mark.parametrize("data", [b"", b"rubbish", bytes(10240), packed([Packed("d", type=tarfile.SYMTYPE)])])
    def test_nothing_in_it(self, alice: Any, data: bytes) -> None:
        answer = put(alice, "c", data)
        assert answer["Response Status"] == "400 Bad Request"
        assert answer["Response Body"].startswith("Invalid Tar File: ")
        assert (answer["Number Files Created"], answer["Errors"], answer["Objects"]) == (0, [], [])

    def test_what_came_before_the_damage_stays(self, alice: Any) -> None:
        data = packed([Packed("a", b"a" * 600), Packed("b", b"b" * 6000), Packed("c", b"c")])
        answer = put(alice, "c", data[:4000])
        assert answer["Response Body"] == "Invalid Tar File: unexpected end of data"
        assert (answer["Response Status"], answer["Number Files Created"]) == ("400 Bad Request", 1)
        assert alice.list() == ["a"]

    def test_many_errors(self, alice: Any) -> None:
        alice.put("c/o")
        answer = put(alice, "c", packed([Packed("o")] * 1500 + [Packed("new")]), **NEW)
        assert 1000 <= len(answer["Errors"]) <= 1400
        assert alice.list() == ["o"]

    def test_many_members(self, alice: Any) -> None:
        answer = put(alice, "c", packed([Packed(f"{number}") for number in range(10_001)], format=tarfile.USTAR_FORMAT))
        assert answer["Response Body"] == "Invalid Tar File: more than 10000 members"
        assert answer["Number Files Created"] == len(answer["Objects"]) == 10_000

    def test_the_connection_is_good_for_more(self, alice: Any) -> None:
        """What follows the end of an archive, and what follows damage, is read over."""
        for data in (packed([Packed("o")]) + bytes(3 * B), b"rubbish" * 1_000_000):
            assert alice("PUT", "c?extract-archive=tar", data).status == 200
            assert alice("HEAD", "c").status == 204


def test_blocks_are_shared(alice: Any, server: Any) -> None:
    data = os.urandom(SMALL) + b"."  # no NUL at the end, which would not count
    members = [Packed(f"{number}", data) for number in range(10)]
    put(alice, "c", packed(members))
    name = alice("GET", "c/0?hashmap").json()["hashes"][0]
    assert alice("GET", "c/9?hashmap").json()["hashes"] == [name]
    assert (server.data / "blocks" / name[:2] / name[2:4] / name).stat().st_size == len(data)


def test_versions_are_not_kept_where_none_are(alice: Any) -> None:
    alice("POST", "c?update", b"", X_Container_Policy_Versioning="none")
    put(alice, "c", packed([Packed("o", b"a" * B + b"b"), Packed("o", b"c")]))
    assert len(alice.versions("c/o")) == 1


def test_two_at_once(alice: Any, people: Any) -> None:
    """The same new names from both sides: each becomes an object once."""
    archive = packed([Packed(f"{number:04}", b"x" * number) for number in range(700)])
    answers: list[Any] = []
    others = [people.again(alice.name, alice.id, alice.token) for _ in range(2)]
    threads = [threading.Thread(target=lambda one=one: answers.append(put(one, "c", archive, **NEW))) for one in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    made = sorted(one["name"] for answer in answers for one in answer["Objects"])
    assert made == [f"{number:04}" for number in range(700)] == alice.list()
    assert sum(len(answer["Errors"]) for answer in answers) == 700
    assert alice("HEAD", "c").headers["x-container-object-count"] == "700"


# breaking off ---------------------------------------------------------------------------------------------------------


def test_a_client_that_hangs_up(alice: Any) -> None:
    """What is there afterwards is whole, and the archive can be sent again."""
    members = [Packed(f"{number:04}", b"%d" % number * 50) for number in range(500)]
    data = packed(members)
    for cut in (len(data) // 3, len(data) - 1500):
        with socket.create_connection(tuple(alice.host.split(":"))) as connection:  # type: ignore[arg-type]
            head = f"PUT /object-store/v1/{alice.id}/c?extract-archive=tar HTTP/1.1\r\nHost: x\r\n"
            head += f"X-Auth-Token: {alice.token}\r\nContent-Length: {len(data)}\r\n\r\n"
            connection.sendall(head.encode() + data[:cut])
    answer = put(alice, "c", data, **NEW)
    assert answer["Number Files Created"] + len(answer["Errors"]) == 500
    contents = {one.name: one.data for one in members}
    for name in alice.list():
        assert alice("GET", f"c/{name}").body == contents[name]
    assert len(alice.list()) == 500


SENDER = """
import http.client, json, os, sys
sys.path.insert(0, sys.argv[5])
from fixtures.archives import Packed, packed
connection = http.client.HTTPConnection(sys.argv[1], timeout=30)
for number in range(10_000):
    members = [Packed(f"{number}/{one}", f"{number} {one} ".encode() * (one * one)) for one in range(60)]
    headers = {"X-Auth-Token": sys.argv[3], "If-None-Match": "*"}
    path = f"/object-store/v1/{sys.argv[2]}/c?extract-archive=tar"
    connection.request("PUT", path, packed(members), headers)
    answer = json.loads(connection.getresponse().read())
    for one in answer["Objects"]:
        print(one["name"], one["x_object_hash"], flush=True)
"""


def test_killed_while_it_unpacks(tmp_path: Path) -> None:
    """What was answered before a kill -9 is there whole; what was not is there whole or not at all."""
    data = tmp_path / "data"
    token = process.add_user(data, "alice")
    (user,) = process.users(data)
    status = process.start(data)
    assert status.url is not None
    assert status.pid is not None
    host = urlsplit(status.url).netloc
    connection = http.client.HTTPConnection(host)
    connection.request("PUT", f"/object-store/v1/{user.uuid}/c", headers={"X-Auth-Token": token})
    assert connection.getresponse().status == 201
    connection.close()
    answered: dict[str, str] = {}
    tests = str(Path(__file__).parents[2])
    with subprocess.Popen(
        [sys.executable, "-c", SENDER, host, user.uuid, token, "", tests],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as sender:
        assert sender.stdout is not None
        for line in sender.stdout:
            name, root = line.split()
            answered[name] = root
            if len(answered) == 400:
                os.kill(status.pid, signal.SIGKILL)
    os.waitpid(status.pid, 0)
    status = process.start(data)
    assert status.url is not None
    connection = http.client.HTTPConnection(urlsplit(status.url).netloc)
    try:
        headers = {"X-Auth-Token": token}
        connection.request("GET", f"/object-store/v1/{user.uuid}/c?format=json", headers=headers)
        found = {one["name"]: one for one in json.loads(connection.getresponse().read())}
        assert len(answered) >= 400
        assert answered == {name: found[name]["x_object_hash"] for name in answered}
        for name, one in found.items():
            number, part = map(int, name.split("/"))
            connection.request("GET", f"/object-store/v1/{user.uuid}/c/{name}", headers=headers)
            response = connection.getresponse()
            body = response.read()
            assert response.status == 200
            assert body == f"{number} {part} ".encode() * (part * part)
            assert len(body) == one["bytes"]
        connection.request("HEAD", f"/object-store/v1/{user.uuid}/c", headers=headers)
        head = connection.getresponse().headers
        assert head["x-container-object-count"] == str(len(found))
        assert head["x-container-bytes-used"] == str(sum(one["bytes"] for one in found.values()))
    finally:
        connection.close()
        process.stop(data)
