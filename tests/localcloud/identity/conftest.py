"""A server for the tests of the identity service, with an administrator, two users and two services."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from fixtures.projects import Account

from pithosfs.localcloud import process


@dataclass(frozen=True, slots=True)
class Cloud:
    """A running local cloud and the account service as each of those who use it."""

    data: Path
    url: str
    admin: Account
    ada: Account
    bob: Account
    service: Account
    ids: dict[str, str]  # name → uuid

    def sql(self, statement: str, *values: object) -> None:
        """Change the database of the running server, as no request can."""
        with contextlib.closing(sqlite3.connect(self.data / "cloud.sqlite3", timeout=30)) as connection, connection:
            connection.execute(statement, values)

    def user(self, name: str) -> Account:
        return Account(self.url, process.add_user(self.data, name))


def open_cloud(data: Path) -> Cloud:
    """Start a local cloud with the people of these tests."""
    status = process.start(data)
    assert status.url is not None
    tokens = {name: process.add_user(data, name) for name in ("admin", "ada", "bob")}
    people = {name: Account(status.url, token) for name, token in tokens.items()}
    service = Account(status.url, process.service_token(data, "cyclades"))
    ids = {user.name: user.uuid for user in process.users(data)}
    return Cloud(data, status.url, people["admin"], people["ada"], people["bob"], service, ids)


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    data = tmp_path_factory.mktemp("identity") / "data"
    yield open_cloud(data)
    process.stop(data)
    log = (data / "server.log").read_text()
    assert "Traceback" not in log, log
