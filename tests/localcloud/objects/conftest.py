"""A real server for the tests of the object store, and people who send it exactly the bytes that a test means."""

from __future__ import annotations

import http.client
import itertools
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from pithosfs.localcloud import process

ENDPOINT = "/object-store/v1/"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server sent back. `headers` have lower-case names."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    def fault(self) -> str:
        """The name of the fault in the body."""
        (name,) = self.json()
        return str(name)

    def names(self) -> list[str]:
        """The lines of a text list."""
        return self.body.decode().splitlines()


class Person:
    """A user with one connection of its own. Nothing is added to a request, escaped or normalised."""

    def __init__(self, url: str, name: str, ident: str, token: str) -> None:
        self.name = name
        self.id = ident
        self.token = token
        self.host = urlsplit(url).netloc
        self._connection = http.client.HTTPConnection(self.host, timeout=60)

    def __call__(
        self,
        method: str,
        path: str = "",
        body: bytes | Iterable[bytes] | None = None,
        *,
        account: str | None = None,
        raw: dict[str, str | bytes] | None = None,
        **headers: str,
    ) -> Answer:
        """Send a request for `path` (container/object?query, as it goes over the wire) in one's own or another account.

        Keyword arguments are headers, `_` standing for `-`; `raw` are headers under their exact names. Bytes are
        sent with Content-Length, other iterables chunked, None without either.
        """
        target = f"{ENDPOINT}{self.id if account is None else account}"
        if path.startswith("?"):
            target += path
        elif path:
            target += "/" + path
        named: dict[str, str | bytes] = {key.replace("_", "-"): value for key, value in headers.items()}
        return self.send(method, target, body, {"X-Auth-Token": self.token, **named, **(raw or {})})

    def send(
        self, method: str, target: str, body: bytes | Iterable[bytes] | None, headers: dict[str, str | bytes]
    ) -> Answer:
        """Send a request for a whole target."""
        connection = self._connection
        connection.putrequest(method, target, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        chunked = body is not None and not isinstance(body, bytes)
        if isinstance(body, bytes):
            connection.putheader("Content-Length", str(len(body)))
        elif chunked:
            connection.putheader("Transfer-Encoding", "chunked")
        connection.endheaders(body, encode_chunked=chunked)
        response = connection.getresponse()
        return Answer(response.status, {key.lower(): value for key, value in response.getheaders()}, response.read())

    # what most tests begin with ---------------------------------------------------------------------------------------

    def make(self, container: str = "c", **headers: str) -> None:
        assert self("PUT", container, b"", **headers).status == 201

    def put(self, path: str, data: bytes = b"data", type: str = "text/plain", **headers: str) -> Answer:
        answer = self("PUT", path, data, Content_Type=type, **headers)
        assert answer.status == 201, answer
        return answer

    def list(self, container: str = "c", **parameters: str) -> list[str]:
        """The names of a list; roll-ups stand among them."""
        query = "&".join(f"{key}={quote(value, safe='')}" for key, value in parameters.items())
        answer = self("GET", f"{container}?{query}")
        assert answer.status in (200, 204), answer
        return answer.names()

    def versions(self, path: str) -> list[int]:
        return [ident for ident, _ in self("GET", f"{path}?version=list").json()["versions"]]

    def close(self) -> None:
        self._connection.close()


@dataclass(frozen=True, slots=True)
class Server:
    """The server of this test session. `admin` is the token of its administrator."""

    data: Path
    url: str
    pid: int
    admin: str


class People:
    """Makes users of one server; `close()` ends their connections."""

    _numbers = itertools.count()

    def __init__(self, data: Path, url: str) -> None:
        self._data = data
        self._url = url
        self._made: list[Person] = []

    def __call__(self, name: str = "somebody", quota: int | None = None) -> Person:
        full = f"{name}-{next(self._numbers)}"
        token = process.add_user(self._data, full, quota)
        ident = next(user.uuid for user in process.users(self._data) if user.name == full)
        return self.again(full, ident, token)

    def again(self, name: str, ident: str, token: str) -> Person:
        """Another connection of a user."""
        person = Person(self._url, name, ident, token)
        self._made.append(person)
        return person

    def close(self) -> None:
        for person in self._made:
            person.close()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data = tmp_path_factory.mktemp("localcloud-objects")
    status = process.start(data)
    assert status.url is not None
    assert status.pid is not None
    yield Server(data, status.url, status.pid, process.add_user(data, "administrator"))
    process.stop(data)
    log = (data / "server.log").read_text()
    assert "Traceback" not in log, log


@pytest.fixture
def people(server: Server) -> Iterator[People]:
    made = People(server.data, server.url)
    yield made
    made.close()


@pytest.fixture
def alice(people: People) -> Person:
    """A fresh user with an empty container `c`."""
    person = people("alice")
    person.make("c")
    return person


@pytest.fixture
def bob(people: People) -> Person:
    return people("bob")


@pytest.fixture
def carol(people: People) -> Person:
    return people("carol")
