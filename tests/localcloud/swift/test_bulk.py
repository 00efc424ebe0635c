"""Archives that become objects, as by Swift's bulk middleware (`pithosfs.localcloud.swift.bulk`)."""

from __future__ import annotations

import hashlib
import http.client
import random
import tarfile
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest
from fixtures.archives import Packed, packed

SMALL = 64 * 1024
BLOCK = 4 * 1024 * 1024


def put(person: Any, path: str, archive: bytes, kind: str = "tar", **headers: str) -> Any:
    answer = person("PUT", f"{path}?extract-archive={kind}", archive, Accept="application/json", **headers)
    assert answer.status == 200, answer
    return answer.json()


def containers(person: Any) -> list[str]:
    return sorted(set(person.names("")) - {"pithos"})


def test_info_tells(person: Any) -> None:
    told = person.send("GET", "/info").json()["bulk_upload"]
    assert told == {"max_containers_per_extraction": 10_000, "max_failed_extractions": 1000}


@pytest.mark.parametrize("kind", ["tar", "tar.gz", "tar.bz2"])
def test_files_become_objects(person: Any, kind: str) -> None:
    contents = {
        "a": b"",
        "sub/b": b"small",
        "sub/c": b"m" * (SMALL + 1),
        "d": b"x" * BLOCK + b"y",
        "./e": b"dot",
        "/f": b"slash",
    }
    archive = packed([Packed(name, data) for name, data in contents.items()], compression=kind[4:])
    for at in ("c", "c/", "c/pre/fix", "c/pre/slash/"):
        answer = put(person, at, archive, kind)
        assert answer == {
            "Response Status": "201 Created",
            "Response Body": "",
            "Number Files Created": len(contents),
            "Errors": [],
        }
        for name, data in contents.items():
            found = person("GET", f"{at.rstrip('/')}/{name.lstrip('./')}")
            assert found.body == data
            assert found.etag == hashlib.md5(data).hexdigest()
    assert len(person.names("c")) == 3 * len(contents)


def test_the_answer_as_text_and_xml(person: Any) -> None:
    archive = packed([Packed("a b"), Packed("n\nl"), Packed("c")])
    answer = person("PUT", "c?extract-archive=tar", archive)
    assert answer.headers["content-type"] == "text/plain"
    assert answer.body.decode().splitlines() == [
        "Number Files Created: 2",
        "Response Body: ",
        "Response Status: 400 Bad Request",
        "Errors:",
        "c/n%0Al, 400 Bad Request",
    ]
    answer = person("PUT", "c?extract-archive=tar", archive, Accept="text/xml")
    root = ElementTree.fromstring(answer.body)
    assert root.tag == "extract"
    assert root.findtext("number_files_created") == "2"
    assert root.findtext("response_status") == "400 Bad Request"
    assert [(one.findtext("name"), one.findtext("status")) for one in root.iter("object")] == [
        ("c/n%0Al", "400 Bad Request")
    ]
    assert person("PUT", "new?extract-archive=tar", archive, Accept="image/png").status == 406
    assert containers(person) == ["c"]


def test_containers_are_made(person: Any, other: Any) -> None:
    assert put(person, "new/pre", packed([Packed("o", b"x")]))["Number Files Created"] == 1
    assert person.names("new") == ["pre/o"]
    members = [Packed("one/a", b"1"), Packed("base", b"no"), Packed("two/b/c", b"2"), Packed("c/d", b"3"), Packed("x/")]
    members += [Packed(f"../{other.account}/c/o", b"in a container of that name"), Packed("two/big", b"b" * BLOCK)]
    answer = put(person, "", packed(members))
    assert answer["Number Files Created"] == 5
    assert [path for path, _ in answer["Errors"]] == ["x/"]
    assert containers(person) == sorted(["c", "new", "one", "two", ".."])
    assert person("GET", "two/b/c").body == b"2"
    assert person.names("%2E%2E") == [f"{other.account}/c/o"]
    assert other.names("c") == []
    assert person("PUT", "").status == 405


def test_only_files_become_objects(person: Any) -> None:
    members = [
        Packed("./", type=tarfile.DIRTYPE),
        Packed("d/", type=tarfile.DIRTYPE),
        Packed("d/o", b"x"),
        Packed("link", type=tarfile.SYMTYPE, link="/etc/passwd"),
        Packed("hard", type=tarfile.LNKTYPE, link="d/o"),
        Packed("fifo", type=tarfile.FIFOTYPE),
    ]
    answer = put(person, "c", packed(members))
    assert (answer["Number Files Created"], answer["Errors"]) == (1, [])
    assert person.names("c") == ["d/o"]
    none = put(person, "none", packed(members[:2]))
    assert (none["Response Status"], none["Response Body"]) == ("400 Bad Request", "Invalid Tar File: No Valid Files")
    assert "none" not in containers(person)


def test_types_and_metadata(person: Any) -> None:
    members = [
        Packed.typed(
            "obj1", b"", "application/food-diary", lunch="sopa de albóndigas", **{"afternoon-snack": "bucket"}
        ),
        Packed("obj2", b"", {"LIBARCHIVE.xattr.user.meta.muppet": "bert", "LIBARCHIVE.xattr.user.notmeta": "skipped"}),
        Packed("obj.txt", b"", {"SCHILY.xattr.user.stuff": "whee"}),
    ]
    put(person, "c", packed(members), X_Object_Meta_All="ü", X_Object_Meta_Lunch="of the request")
    head = person("HEAD", "c/obj1").headers
    assert head["content-type"] == "application/food-diary"
    assert head["x-object-meta-lunch"] == "sopa de albóndigas"
    assert head["x-object-meta-afternoon-snack"] == "bucket"
    assert head["x-object-meta-all"] == "ü"
    head = person("HEAD", "c/obj2").headers
    assert (head["content-type"], head["x-object-meta-muppet"]) == ("application/octet-stream", "bert")
    assert "x-object-meta-notmeta" not in head
    assert head["x-object-meta-lunch"] == "of the request"
    assert person("HEAD", "c/obj.txt").headers["content-type"] == "text/plain"
    put(person, "c", packed(members), Content_Type="of/all")
    kinds = [person("HEAD", f"c/{one.name}").headers["content-type"] for one in members]
    assert kinds == ["application/food-diary", "of/all", "of/all"]
    put(person, "c", packed(members[2:]), Content_Type="application/x-tar", X_Detect_Content_Type="true")
    assert person("HEAD", "c/obj.txt").headers["content-type"] == "text/plain"
    # As with single uploads nothing is decoded in values.
    put(person, "c", packed([Packed.typed("percent", b"", None, a="%41 100%")]))
    person.put("c/single", X_Object_Meta_A="%41 100%")
    for name in ("percent", "single"):
        assert person("HEAD", f"c/{name}").headers["x-object-meta-a"] == "%41 100%"


def test_what_is_wrong_with_single_files(person: Any) -> None:
    members = [
        Packed("a\udcff"),
        Packed("x" * 1025),
        Packed.typed("long", b"", None, a="x" * 257),
        Packed.typed("many", b"", None, **{f"k{number}": "v" for number in range(33)}),
        Packed("sparse", b"1\n0\n3\n".ljust(512, b"\0") + b"abc", {"GNU.sparse.major": "1", "GNU.sparse.minor": "0"}),
        Packed("sum", b"x", {"PITHOSFS.md5": "0" * 32}),
        Packed("good", b"x"),
    ]
    answer = put(person, "c", packed(members))
    assert [(unquote(path)[:6], status[:3]) for path, status in answer["Errors"]] == [
        ("c/a\N{REPLACEMENT CHARACTER}", "412"),
        ("c/xxxx", "400"),
        ("c/long", "400"),
        ("c/many", "400"),
        ("c/spar", "400"),
        ("c/sum", "422"),
    ]
    assert (answer["Response Status"], answer["Number Files Created"]) == ("400 Bad Request", 1)
    assert person.names("c") == ["good"]


def test_quota(people: Any) -> None:
    person = people("quota", quota=100)
    answer = put(person, "c", packed([Packed("a", b"a" * 60), Packed("b", b"b" * 60), Packed("c", b"c" * 40)]))
    assert answer["Errors"] == [["c/b", f"413 {http.client.responses[413]}"]]
    assert person.names("c") == ["a", "c"]
    assert put(person, "c", packed([Packed("large", b"l" * (SMALL + 1))]))["Number Files Created"] == 0


def test_only_new_ones(person: Any) -> None:
    person.put("c/a", b"old")
    answer = put(person, "c", packed([Packed("a", b"new"), Packed("b", b"new")]), If_None_Match="*")
    assert answer["Errors"] == [["c/a", "412 Precondition Failed"]]
    assert person("GET", "c/a").body == b"old"
    assert person("GET", "c/b").body == b"new"


def test_a_large_object_becomes_an_ordinary_one(person: Any) -> None:
    person.put("c/segment", b"segment")
    assert person("PUT", "c/o?multipart-manifest=put", b'[{"path": "/c/segment"}]').status == 201
    put(person, "c", packed([Packed("o", b"segment")]))
    assert person("HEAD", "c/o").etag == hashlib.md5(b"segment").hexdigest()
    assert "x-static-large-object" not in person("HEAD", "c/o").headers


def test_what_cannot_be_begun(person: Any, other: Any) -> None:
    archive = packed([Packed("o")])
    for path, body, headers, status in [
        ("new?extract-archive=zip", archive, {}, 400),
        ("new?extract-archive=tar", None, {}, 411),
        ("new?extract-archive=tar", archive, {"X_Delete_After": "60"}, 400),
        ("new?extract-archive=tar", archive, {"If_None_Match": "x"}, 400),
    ]:
        assert person("PUT", path, body, **headers).status == status
    target = f"/swift/v1/{other.account}/c?extract-archive=tar"
    assert person.send("PUT", target, archive, {"X-Auth-Token": person.user.token}).status == 403
    assert person.send("PUT", target, archive, {"X-Auth-Token": "wrong"}).status == 401
    assert containers(person) == ["c"]
    assert other.names("c") == []


def test_damage(person: Any, cloud: Any) -> None:
    """Archives with some bytes changed: something is made or refused, and nothing anywhere else."""
    chance = random.Random(31)
    members = [Packed("a/b", b"x" * 700), Packed.typed("c", b"y" * 10, "a/b", k="v"), Packed("n" * 120, b"z")]
    whole = packed(members)
    zipped = packed(members, compression="gz")
    for number in range(400):
        data = bytearray(whole if number % 4 else zipped)
        for _ in range(chance.choice([0, 1, 1, 2, 5])):
            data[chance.randrange(len(data))] = chance.randrange(256)
        if chance.random() < 0.3:
            del data[chance.randrange(len(data)) :]
        kind = "tar" if number % 4 else "tar.gz"
        at = chance.choice(["c", "c/p", "c/p/"])
        answer = put(person, at, bytes(data), kind)
        assert answer["Response Status"] in ("201 Created", "400 Bad Request")
        assert (answer["Response Status"] == "201 Created") == (not answer["Errors"] and not answer["Response Body"])
    assert containers(person) == ["c"]
    assert "Traceback" not in (Path(cloud.data) / "server.log").read_text()
