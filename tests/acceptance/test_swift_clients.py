"""Other people's Swift client, unchanged, on the local cloud: python-swiftclient and its program `swift`."""

from __future__ import annotations

import hashlib
import os
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import swiftclient
from swiftclient.service import SwiftService, SwiftUploadObject

from pithosfs.store.seam import ObjectPath

MIB = 1024 * 1024

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def md5(data: bytes) -> str:
    return hashlib.md5(data).hexdigest()


def _program(name: str) -> str:
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    assert found is not None, f"{name} is not installed"
    return found


def _run(
    command: list[str], environment: dict[str, str], folder: Path, fails: bool
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, timeout=120)
    assert (done.returncode != 0) == fails, (command, done.stdout, done.stderr)
    return done


@pytest.fixture(scope="module")
def user(cloud: Any) -> Any:
    return cloud.user("foreign")


@pytest.fixture
def connection(cloud: Any, user: Any) -> Iterator[swiftclient.Connection]:
    made = swiftclient.Connection(authurl=f"{cloud.base}/auth/v1.0", user=user.name, key=user.token, retries=0)
    yield made
    made.close()


@pytest.fixture
def swift(cloud: Any, user: Any, tmp_path: Path) -> Run:
    """The program `swift` in an empty folder."""
    environment = {
        "PATH": os.environ["PATH"],
        "LC_ALL": "C.UTF-8",
        "ST_AUTH": f"{cloud.base}/auth/v1.0",
        "ST_USER": user.name,
        "ST_KEY": user.token,
    }

    def run(*arguments: str, fails: bool = False) -> subprocess.CompletedProcess[str]:
        return _run([_program("swift"), *arguments], environment, tmp_path, fails)

    return run


def files_below(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# python-swiftclient ---------------------------------------------------------------------------------------------------


def test_swiftclient_keeps_objects(connection: swiftclient.Connection) -> None:
    name = "Fotos/Sommer 2026/Ærø & 100%?#.jpg"
    connection.put_container("library", headers={"X-Container-Meta-Owner": "Å"})
    etag = connection.put_object("library", name, b"content", headers={"X-Object-Meta-Colour": "blå"})
    assert etag == md5(b"content")
    connection.put_object("library", "stream", iter([b"a" * 1000] * 100))
    with pytest.raises(swiftclient.ClientException) as refused:
        connection.put_object("library", "wrong", b"content", etag=md5(b"other"))
    assert refused.value.http_status == 422
    headers, listed = connection.get_container("library")
    assert headers["x-container-object-count"] == "2"
    assert headers["x-container-meta-owner"] == "Å"
    assert [(one["name"], one["hash"], one["bytes"]) for one in listed] == [
        (name, etag, 7),
        ("stream", md5(b"a" * 100_000), 100_000),
    ]
    headers, body = connection.get_object("library", name)
    assert (headers["content-type"], body) == ("image/jpeg", b"content")
    assert headers["x-object-meta-colour"] == "blå"
    connection.post_object("library", name, {"X-Object-Meta-Colour": "rød", "Content-Type": "image/x-test"})
    headers = connection.head_object("library", name)
    assert (headers["x-object-meta-colour"], headers["content-type"]) == ("rød", "image/x-test")
    connection.copy_object("library", name, "/library/copy å", headers={"X-Object-Meta-Copied": "1"})
    assert connection.head_object("library", "copy å")["x-object-meta-copied"] == "1"
    connection.post_account({"X-Account-Meta-Name": "Ada"})
    headers, containers = connection.get_account()
    assert headers["x-account-meta-name"] == "Ada"
    assert "library" in [one["name"] for one in containers]
    with pytest.raises(swiftclient.ClientException) as refused:
        connection.delete_container("library")
    assert refused.value.http_status == 409
    for one in (name, "stream", "copy å"):
        connection.delete_object("library", one)
    connection.delete_container("library")
    with pytest.raises(swiftclient.ClientException) as refused:
        connection.head_container("library")
    assert refused.value.http_status == 404


def test_swiftclient_pages_through_a_container(connection: swiftclient.Connection) -> None:
    connection.put_container("paged")
    names = [f"d{number % 7}/{number:03}" for number in range(60)]
    for name in names:
        connection.put_object("paged", name, b"")
    first = connection.get_container("paged", limit=25)[1]
    second = connection.get_container("paged", marker=first[-1]["name"], end_marker="d5/")[1]
    assert [one["name"] for one in (*first, *second)] == sorted(one for one in names if one < "d5/")
    everything = connection.get_container("paged", limit=7, full_listing=True)[1]
    assert [one["name"] for one in everything] == sorted(names)
    folders = connection.get_container("paged", delimiter="/", limit=3, full_listing=True)[1]
    assert [one["subdir"] for one in folders] == [f"d{number}/" for number in range(7)]


def test_swiftclient_is_refused_with_a_wrong_key(cloud: Any, user: Any) -> None:
    with pytest.raises(swiftclient.ClientException) as refused:
        swiftclient.get_auth(f"{cloud.base}/auth/v1.0", user.name, "wrong")
    assert refused.value.http_status == 401


@pytest.mark.parametrize("static", [True, False])
@pytest.mark.parametrize("segment", [MIB, 1_000_000, 4 * MIB])
def test_swiftclient_sends_a_large_object_in_segments(
    cloud: Any, user: Any, tmp_path: Path, static: bool, segment: int
) -> None:
    data = random.Random(segment).randbytes(9 * MIB + 12_345)
    source = tmp_path / "large"
    source.write_bytes(data)
    container = f"large-{static}-{segment}".lower()
    options = {
        "auth_version": "1.0",
        "auth": f"{cloud.base}/auth/v1.0",
        "user": user.name,
        "key": user.token,
        "segment_size": str(segment),
        "use_slo": static,
        "retries": 0,
    }

    def done(results: Any) -> list[dict[str, Any]]:
        found = list(results)
        assert all(one["success"] for one in found), found
        return found

    with SwiftService(options) as service:
        done(service.upload(container, [SwiftUploadObject(str(source), object_name="large å")]))
        (found,) = done(service.stat(container, ["large å"]))
        marks = {"x-static-large-object", "x-object-manifest"} & set(found["headers"])
        assert marks == {"x-static-large-object" if static else "x-object-manifest"}
        done(service.download(container, ["large å"], {"out_file": str(tmp_path / "back")}))
        assert (tmp_path / "back").read_bytes() == data
        again = done(
            service.upload(container, [SwiftUploadObject(str(source), object_name="large å")], {"changed": True})
        )
        assert "skipped-changed" in [one.get("status") for one in again]
        same = {"skip_identical": True}
        again = done(service.upload(container, [SwiftUploadObject(str(source), object_name="large å")], same))
        assert "skipped-identical" in [one.get("status") for one in again]
        # The Pithos side reads the same.
        path = ObjectPath(user.uuid, container, "large å")
        seen = user.store.head(path)
        assert seen.size == len(data)
        assert user.store.read_range(path, 5 * MIB, 6 * MIB, seen.version) == data[5 * MIB : 6 * MIB]
        source.write_bytes(data[::-1])  # overwriting takes the old segments away
        done(service.upload(container, [SwiftUploadObject(str(source), object_name="large å")]))
        (segments,) = done(service.list(f"{container}_segments"))
        assert len(segments["listing"]) == -(-len(data) // segment)
        done(service.delete(container, ["large å"]))
        done(service.list(container))
        assert [one["listing"] for one in done(service.list(f"{container}_segments"))] == []


def test_the_swift_program(swift: Run, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    for number in range(40):
        path = tree / f"sub {number % 3}" / f"ünï {number}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * number)
    (tree / "empty folder").mkdir()
    swift("upload", "program", "tree")
    stat = swift("stat", "program", "--lh").stdout
    assert re.search(r"Objects: 41\b", stat)
    assert "ETag: " + md5(b"x" * 7) in swift("stat", "program", "tree/sub 1/ünï 7.txt").stdout
    listed = swift("list", "program", "--prefix", "tree/sub 1/").stdout.splitlines()
    assert listed == sorted(f"tree/sub 1/ünï {number}.txt" for number in range(1, 40, 3))
    assert "tree/sub 0/" in swift("list", "program", "--delimiter", "/", "--prefix", "tree/").stdout
    swift("download", "program", "--output-dir", "back")
    assert files_below(tmp_path / "back" / "tree") == files_below(tree)
    assert (tmp_path / "back" / "tree" / "empty folder").is_dir()
    before = swift("stat", "program", "tree/sub 1/ünï 7.txt").stdout
    swift("upload", "program", "tree", "--changed")
    stamp = re.compile(r"X-Timestamp: ([0-9.]+)")
    assert stamp.findall(swift("stat", "program", "tree/sub 1/ünï 7.txt").stdout) == stamp.findall(before) != []
    swift("post", "program", "tree/sub 1/ünï 7.txt", "--meta", "Colour:grøn", "--header", "Content-Type:a/b")
    assert re.search(r"Meta Colour: grøn", swift("stat", "program", "tree/sub 1/ünï 7.txt").stdout)
    swift("post", "program", "--meta", "Season:sommer")
    assert "Meta Season: sommer" in swift("stat", "program").stdout
    swift("copy", "program", "tree/sub 1/ünï 7.txt", "--destination", "/elsewhere/seven", "--meta", "New:1")
    stat = swift("stat", "elsewhere", "seven").stdout
    assert "Meta Colour: grøn" in stat
    assert "Meta New: 1" in stat
    assert "bulk_delete" in swift("capabilities").stdout
    swift("delete", "program")  # enough objects for the bulk deletion
    swift("delete", "elsewhere", "seven")
    assert "program" not in swift("list").stdout.splitlines()
    assert swift("stat", "program", fails=True).stderr != ""


# curl -----------------------------------------------------------------------------------------------------------------


def test_curl_reads_public_links_and_ranges(cloud: Any, user: Any, connection: swiftclient.Connection) -> None:
    connection.put_container("curled")
    connection.put_object("curled", "page å.html", b"0123456789")
    path = ObjectPath(user.uuid, "curled", "page å.html")
    link = user.store.set_public(path, True)
    assert link is not None

    def curl(*arguments: str) -> tuple[str, str]:
        """Status and body."""
        command = ["curl", "--silent", "--write-out", "\n%{http_code}", "--max-time", "60", *arguments]
        body, _, status = subprocess.run(command, capture_output=True, text=True, check=True).stdout.rpartition("\n")
        return status, body

    assert curl(link) == ("200", "0123456789")
    assert curl("--range", "2-4", link) == ("206", "234")
    assert curl("--range", "8-20", link)[0] == "416"  # the Pithos API does not clip
    assert curl("--request", "DELETE", link)[0] == "405"
    url = f"{cloud.base}/swift/v1/AUTH_{user.uuid}/curled/page%20%C3%A5.html"
    token = ("--header", f"X-Auth-Token: {user.token}")
    assert curl(url)[0] == "401"
    assert curl(*token, url) == ("200", "0123456789")
    assert curl(*token, "--range", "8-20", url) == ("206", "89")
    assert curl(*token, "--range", "-3", url) == ("206", "789")
    assert curl(*token, "--range", "10-", url)[0] == "416"
    assert curl(*token, "--header", f"If-None-Match: {md5(b'0123456789')}", url) == ("304", "")
    head = curl(*token, "--head", url)[1]
    assert f"etag: {md5(b'0123456789')}" in head
    assert "content-type: text/html" in head
