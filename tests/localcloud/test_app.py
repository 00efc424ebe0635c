"""The application as a whole: which service answers, and collecting unused blocks under a real store."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from pithosfs.localcloud import process
from pithosfs.localcloud.app import LocalCloud
from pithosfs.localcloud.blockstore import KEEP_SECONDS
from pithosfs.localcloud.database import connect as connect_database
from pithosfs.localcloud.database import transaction

BLOCK = 4 * 1024 * 1024
VECTORS = json.loads((Path(__file__).parents[1] / "data" / "vectors" / "hashmap.json").read_text())


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    directory = tmp_path / "data"
    yield directory
    process.stop(directory)


def connect(data: Path) -> tuple[str, dict[str, str]]:
    """The URL of the first user's account, and headers to use it with; the cloud is started."""
    names = [user.name for user in process.users(data)]
    token = process.user_token(data, names[0]) if names else process.add_user(data, "ada")
    status = process.start(data)
    return f"{status.url}/object-store/v1/{process.users(data)[0].uuid}", {"X-Auth-Token": token}


def test_requests_reach_the_service_of_their_prefix(data: Path) -> None:
    account, headers = connect(data)
    url = account.partition("/object-store")[0]
    assert requests.get(account, headers=headers).status_code == 204
    assert requests.get(f"{url}/identity").status_code == 200
    assert requests.get(f"{url}/public/no-such-token").status_code == 404
    for path in ("/object-storex", "/objectstore/v1", "/identityx", "/Identity", "//identity"):
        assert requests.get(url + path).status_code == 400, path


def test_collecting_leaves_everything_that_is_in_use(data: Path) -> None:
    """Old versions, blocks shared by objects and blocks that were just sent stay; what was deleted for good goes."""
    account, headers = connect(data)
    kept, gone = os.urandom(2 * BLOCK + 5), os.urandom(BLOCK + 7) + b"."  # a NUL at the end would not be kept
    with requests.Session() as session:
        session.headers.update(headers)

        def put(name: str, content: bytes) -> None:
            reply = session.put(f"{account}/{name}", data=content, headers={"Content-Type": "a/b"})
            assert reply.status_code == 201, reply.text

        assert session.put(f"{account}/box").status_code == 201
        policy = {"X-Container-Policy-Versioning": "none"}
        assert session.put(f"{account}/unversioned", headers=policy).status_code == 201
        put("box/big", kept)
        put("box/changed", b"first")
        put("box/changed", b"second")
        put("box/deleted", b"still in the history")
        assert session.delete(f"{account}/box/deleted").status_code == 204
        put("unversioned/gone", gone)
        put("unversioned/shared", kept[:BLOCK] + b"another end")
        for name in ("gone", "shared"):
            assert session.delete(f"{account}/unversioned/{name}").status_code == 204
    process.stop(data)
    long_ago = time.time() - 2 * KEEP_SECONDS
    for path in (data / "blocks").glob("??/??/*"):
        os.utime(path, (long_ago, long_ago))
    connection = connect_database(data / "cloud.sqlite3")
    transaction(connection, lambda one: one.execute("UPDATE small_blocks SET touched = ?", (int(long_ago),)))
    connection.close()

    async def collect() -> tuple[int, int]:
        cloud = LocalCloud(data)
        cloud.open()
        try:
            await cloud.blocks.put(b"just sent")
            return await cloud.collect_blocks()
        finally:
            cloud.close()

    # The two blocks of `gone` and the second one of `shared`.
    assert asyncio.run(collect()) == (3, len(gone) + len(b"another end"))
    account, headers = connect(data)
    with requests.Session() as session:
        session.headers.update(headers)
        assert session.get(f"{account}/box/big").content == kept
        assert session.get(f"{account}/box/changed").content == b"second"
        for name, contents in {"changed": [b"first", b"second"], "deleted": [b"still in the history"]}.items():
            listed = session.get(f"{account}/box/{name}", params={"version": "list", "format": "json"}).json()
            found = [
                session.get(f"{account}/box/{name}", params={"version": version}).content
                for version, _ in listed["versions"]
            ]
            assert [one for one in found if one] == contents


def test_object_hashes_are_those_of_the_vectors(data: Path) -> None:
    account, headers = connect(data)
    with requests.Session() as session:
        session.headers.update(headers)
        assert session.put(f"{account}/box").status_code == 201
        tested = 0
        for vector in VECTORS["objects"]:
            if (vector["block_size"], vector["block_hash"]) != (BLOCK, "sha256"):
                continue  # this cloud has one block size and one hash
            content = b"".join((bytes.fromhex(unit) * count)[:count] for unit, count in vector["data"])
            url = f"{account}/box/{vector['name']}"
            reply = session.put(url, data=content, headers={"Content-Type": "a/b"})
            assert reply.status_code == 201
            assert reply.headers["ETag"] == vector["object_hash"], vector["name"]
            hashmap = session.get(url, params={"hashmap": "", "format": "json"}).json()
            assert hashmap["hashes"] == vector["hashmap_get_hashes"], vector["name"]
            assert hashmap["bytes"] == vector["bytes"]
            assert session.get(url).content == content
            tested += 1
        assert tested > 5
