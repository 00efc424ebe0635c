"""Programs in the style of the older library's users run with nothing but their imports changed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import requests
from fixtures.clouds import PROVIDED_IMAGE, TestCloud, User

from pithosfs.clients.pithos import PithosClient

PROGRAMS = Path(__file__).parent / "programs"
BLOCK = 4 * 1024 * 1024


@pytest.fixture
def user(cloud: TestCloud) -> User:
    return cloud.user("older")


def run(program: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", str(PROGRAMS / program), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def client_of(user: User, container: str = "pithos") -> PithosClient:
    return PithosClient(user.storage_url.rpartition("/")[0], user.token, user.uuid, container)


def test_uploading_a_folder(user: User, tmp_path: Path) -> None:
    contents = {"a.txt": os.urandom(32), "sub/big": os.urandom(BLOCK + 32), "sub/é 1": b""}
    for name, content in contents.items():
        path = tmp_path / "folder" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    done = run("upload_folder.py", user.url, user.token, tmp_path / "folder", "--container", "photos")
    # No block is one that somebody else has sent already: the small file has one, the empty one none, the big one two.
    assert [line.rpartition(" ")[0] for line in done.stdout.splitlines()] == list(contents)
    # Of the small file one block each, of the empty one none, of the big one two; every bar comes to its end.
    steps = done.stderr.splitlines()
    assert steps.count("hashing 1/2") == steps.count("sending 1/2") == 1
    assert steps.count("hashing done") == steps.count("sending done") == 3
    with client_of(user, "photos") as client:
        assert {one["name"]: client.download_to_string(one["name"]) for one in client.list_objects()} == contents

    again = run("upload_folder.py", user.url, user.token, tmp_path / "folder", "--container", "photos")
    assert again.returncode == 1
    assert [bool(re.search(r"\(412\)", line)) for line in again.stdout.splitlines()] == [True, True, True]
    over = run("upload_folder.py", user.url, user.token, tmp_path / "folder", "--container", "photos", "--overwrite")
    assert over.returncode == 0, over.stderr
    wrong = run("upload_folder.py", user.url, "wrong", tmp_path / "folder")
    assert wrong.returncode == 1
    assert "Unauthorized" in wrong.stderr


def test_listing_versions(user: User, tmp_path: Path) -> None:
    with client_of(user) as client:
        old = os.urandom(2 * BLOCK)
        client.upload_from_string("c", old, content_type="text/plain")
        client.upload_from_string("c", "new!", content_type="text/html")
        for name in ("a", "b", "d"):
            client.create_directory(name)
        versions = client.get_object_versionlist("c")
    where = (user.storage_url.rpartition("/")[0], user.token, user.uuid, "pithos")
    listed = run("list_versions.py", *where)
    assert listed.returncode == 0, listed.stderr
    lines = listed.stdout.splitlines()
    assert [line for line in lines if not line.startswith(" ")] == [
        "a 0 application/directory",
        "b 0 application/directory",
        "c 4 text/html",
        "d 0 application/directory",
    ]
    at = lines.index("c 4 text/html")
    found = [line.split() for line in lines[at + 1 : at + 3]]
    assert [(int(version), size) for version, _, size in found] == [
        (versions[0][0], str(len(old))),
        (versions[1][0], "4"),
    ]
    target = tmp_path / "old"
    target.write_bytes(bytes(3 * BLOCK))
    fetched = run("list_versions.py", *where, "--fetch", "c", str(versions[0][0]), target)
    assert fetched.stdout == "fetched 2 blocks\n", fetched.stderr
    assert target.read_bytes() == old
    missing = run("list_versions.py", *where, "--fetch", "nothing", "1", tmp_path / "x")
    assert missing.returncode == 3
    assert missing.stdout.startswith("cannot fetch nothing: ")


def test_sharing(cloud: TestCloud, user: User) -> None:
    reader, writer = cloud.user("reader"), cloud.user("writer")
    with client_of(user) as client:
        client.upload_from_string("doc", "words")

    def share(*arguments: str) -> subprocess.CompletedProcess[str]:
        return run("share.py", user.url, user.token, "doc", *arguments)

    done = share("--read", reader.name, "--write", writer.name, "--group", "friends", "--meta", "k=v=w", "--publish")
    assert done.returncode == 0, done.stderr
    reply = json.loads(done.stdout)
    assert reply["sharing"] == {"read": f"{user.uuid}:friends", "write": writer.uuid}
    assert reply["groups"] == {"x-account-group-friends": reader.uuid}
    assert reply["meta"] == {"x-object-meta-k": "v=w"}
    assert reply["info"]["x-object-public"] == reply["url"]
    assert requests.get(reply["url"], timeout=20).content == b"words"
    for other in (reader, writer):
        with client_of(other) as client:
            client.account = user.uuid
            assert client.download_to_string("doc") == b"words"
    stopped = json.loads(share("--stop").stdout)
    assert stopped["sharing"] == {}
    assert "x-object-public" not in stopped["info"]
    assert share("--read", "nobody").returncode == 1
    assert run("share.py", user.url, user.token, "nothing", "--stop").returncode == 3


def test_making_servers(user: User) -> None:
    done = run("make_servers.py", user.url, user.token, PROVIDED_IMAGE, "--count", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert told["left"] == 0
    assert [one.pop("addresses") for one in told["servers"]] == [["192.168.7.2"], ["192.168.7.3"]]
    same = {"os": "debian", "password": True, "console": "vnc", "ports": 1}
    assert told["servers"] == [{"name": "node-1", **same}, {"name": "node-2", **same}]
    assert done.stderr.splitlines()[:2] == ["node-1 0/300", "node-1 300/300"]
    missing = run("make_servers.py", user.url, user.token, "no such image")
    assert missing.stdout == "failed: no image no such image (404)\n"
