"""People who speak the Swift dialect, and the Pithos API beside it, to the server of this run."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

BLOCK = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server sent back. `headers` have lower-case names, and the values that were sent as UTF-8."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def etag(self) -> str:
        return self.headers["etag"]


class Person:
    """A user with one connection. Nothing is added to a request but the token, and nothing is escaped."""

    def __init__(self, user: Any, address: tuple[str, int]) -> None:
        self.user = user
        self.account = f"AUTH_{user.uuid}"
        self._connection = http.client.HTTPConnection(*address, timeout=60)

    def send(
        self,
        method: str,
        target: str,
        body: bytes | Iterable[bytes] | None = None,
        headers: dict[str, str | bytes] | None = None,
    ) -> Answer:
        """A request for a whole target. Bytes go with Content-Length, other iterables chunked, None without either."""
        connection = self._connection
        connection.putrequest(method, target, skip_accept_encoding=True)
        for name, value in (headers or {}).items():
            connection.putheader(name, value.encode() if isinstance(value, str) else value)
        chunked = body is not None and not isinstance(body, bytes)
        if isinstance(body, bytes):
            connection.putheader("Content-Length", str(len(body)))
        elif chunked:
            connection.putheader("Transfer-Encoding", "chunked")
        connection.endheaders(body, encode_chunked=chunked)
        response = connection.getresponse()
        found = {name.lower(): value.encode("latin-1").decode() for name, value in response.getheaders()}
        return Answer(response.status, found, response.read())

    def __call__(
        self, method: str, path: str = "", body: bytes | Iterable[bytes] | None = None, **headers: str
    ) -> Answer:
        """A Swift request for `container/object?query` in one's own account; `_` in keywords stands for `-`."""
        target = f"/swift/v1/{self.account}" + (path if path.startswith("?") or not path else f"/{path}")
        named: dict[str, str | bytes] = {key.replace("_", "-"): value for key, value in headers.items()}
        return self.send(method, target, body, {"X-Auth-Token": self.user.token, **named})

    def pithos(self, method: str, path: str = "", body: bytes | None = None, **headers: str) -> Answer:
        """The same for the Pithos API."""
        named: dict[str, str | bytes] = {key.replace("_", "-"): value for key, value in headers.items()}
        target = f"/object-store/v1/{self.user.uuid}/{path}"
        return self.send(method, target, body, {"X-Auth-Token": self.user.token, **named})

    def put(self, path: str, data: bytes = b"data", **headers: str) -> Answer:
        answer = self("PUT", path, data, **headers)
        assert answer.status == 201, answer
        return answer

    def names(self, path: str) -> list[str]:
        """A text list."""
        answer = self("GET", path)
        assert answer.status in (200, 204), answer
        return answer.body.decode().splitlines()

    def close(self) -> None:
        self._connection.close()


@pytest.fixture
def people(cloud: Any) -> Iterator[Callable[..., Person]]:
    """`people(name, quota=None)` is a fresh user with an empty container `c`."""
    made: list[Person] = []

    def make(name: str = "swift", quota: int | None = None) -> Person:
        person = Person(cloud.user(name, quota), cloud.address)
        made.append(person)
        assert person("PUT", "c", b"").status == 201
        return person

    yield make
    for person in made:
        person.close()


@pytest.fixture
def person(people: Callable[..., Person]) -> Person:
    return people()


@pytest.fixture
def other(people: Callable[..., Person]) -> Person:
    """Somebody else."""
    return people("stranger")
