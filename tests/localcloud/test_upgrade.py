"""Data directories of older versions: what was in them is there, and works, after the first start of this one."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import requests

from pithosfs.localcloud import identity_schema, process
from pithosfs.localcloud.database import connect, migrate
from pithosfs.localcloud.objects import schema as object_schema
from pithosfs.localcloud.users import token_hash

ADA = "0a7e6d2b-30b1-4a65-8a8e-1f3c2d9e7711"
BOB = "1d7c9a52-7a55-4f0e-9d3f-5b7f6f8a1c01"
UNLIMITED = 2**63 - 1


def before_projects(data: Path) -> None:
    """Two users as the first version kept them, one of them with a file of 600 bytes and a quota of 1000."""
    data.mkdir()
    with contextlib.closing(connect(data / "cloud.sqlite3")) as connection:
        migrate(connection, identity_schema.SERVICE, identity_schema.MIGRATIONS[:1])
        migrate(connection, object_schema.SERVICE, object_schema.MIGRATIONS[:1])
        connection.executemany(
            "INSERT INTO users (uuid, name, name_key, quota, created) VALUES (?, ?, ?, ?, ?)",
            [(ADA, "Ada", "ada", 1000, 1700000000.5), (BOB, "bob", "bob", UNLIMITED, 1700000001.5)],
        )
        connection.executemany(
            "INSERT INTO tokens VALUES (?, ?, 1700000000.0, 9999999999.0)",
            [(token_hash("ada"), ADA), (token_hash("bob"), BOB)],
        )
        connection.execute("INSERT INTO accounts (id, uuid, created, modified, bytes) VALUES (1, ?, 1, 1, 600)", (ADA,))
        connection.executemany(
            "INSERT INTO containers (id, account, name, created, modified, objects, bytes, project)"
            " VALUES (?, 1, ?, 1, 1, ?, ?, ?)",
            [(1, "full", 1, 600, ADA), (2, "empty", 0, 0, ADA), (3, "unusable", 0, 0, "nothing")],
        )
        connection.execute("INSERT INTO objects (id, container, name, current) VALUES (1, 1, 'file', 1)")
        connection.execute(
            "INSERT INTO versions (id, object, time, size, root, type, uuid, modified_by)"
            " VALUES (1, 1, 1, 600, zeroblob(32), 'text/plain', 'u', ?)",
            (ADA,),
        )


def test_users_are_listed_before_the_first_start(tmp_path: Path) -> None:
    before_projects(tmp_path / "data")
    assert [(one.name, one.quota, one.admin) for one in process.users(tmp_path / "data")] == [
        ("Ada", 1000, True),
        ("bob", UNLIMITED, False),
    ]
    assert process.status(tmp_path / "data").users == ("Ada", "bob")


def test_quotas_and_what_is_stored_stay_and_are_charged(tmp_path: Path) -> None:
    data = tmp_path / "data"
    before_projects(data)
    status = process.start(data)
    try:
        assert status.url is not None
        quotas = f"{status.url}/account/v1.0/quotas"
        shown = requests.get(quotas, headers={"X-Auth-Token": "ada"}, timeout=30).json()
        assert list(shown) == [ADA]
        assert shown[ADA]["pithos.diskspace"] == {
            "limit": 1000,
            "usage": 600,
            "pending": 0,
            "project_limit": 1000,
            "project_usage": 600,
            "project_pending": 0,
        }
        assert shown[ADA]["cyclades.vm"]["limit"] == UNLIMITED
        assert requests.get(quotas, headers={"X-Auth-Token": "bob"}, timeout=30).json()[BOB]["pithos.diskspace"] == {
            "limit": UNLIMITED,
            "usage": 0,
            "pending": 0,
            "project_limit": UNLIMITED,
            "project_usage": 0,
            "project_pending": 0,
        }
        headers = {"X-Auth-Token": "ada", "Content-Type": "text/plain"}
        store = f"{status.url}/object-store/v1/{ADA}"
        put = requests.put(f"{store}/empty/more", b"x" * 401, headers=headers, timeout=30)
        assert (put.status_code, list(put.json())) == (413, ["fault"])
        assert requests.put(f"{store}/empty/more", b"x" * 400, headers=headers, timeout=30).status_code == 201
        assert requests.delete(f"{store}/full/file", headers=headers, timeout=30).status_code == 204
        shown = requests.get(quotas, headers=headers, timeout=30).json()
        assert shown[ADA]["pithos.diskspace"]["usage"] == 400
    finally:
        process.stop(data)


def test_a_database_that_was_begun_and_never_finished(tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "cloud.sqlite3").close()
    assert process.users(tmp_path) == []
    assert process.add_user(tmp_path, "ada")
    assert [one.name for one in process.users(tmp_path)] == ["ada"]
