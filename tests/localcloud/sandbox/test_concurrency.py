"""Twenty clients at once make and delete servers, ports, volumes and addresses: nothing leaks and nothing fails.

The server is a process of its own with a real clock. Four clients share a user, a limit of servers and a network that
is too small for them, so that they get into each other's way; that is refused, in the right way, and never a failure.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fixtures.held_cloud import Answer, Person
from fixtures.sandbox_books import book_problems

from pithosfs.localcloud import process

USERS, CLIENTS = 5, 20
MOST_SERVERS = 6
"""Of one user, whose four clients would have more."""

SUBNET = "10.0.0.0/28"  # thirteen addresses beside the gateway

EXPECTED = {200, 201, 202, 204, 400, 404, 409, 413}
"""What can be answered where another client was faster, or a limit is reached; never 5xx."""


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    directory = tmp_path / "data"
    process.start(directory, sandbox_delay=0.05)
    yield directory
    process.stop(directory)
    log = (directory / "server.log").read_text()
    assert "Traceback" not in log, log


class Client:
    """One connection of a user, which does something at random again and again."""

    def __init__(self, person: Person, network: str, image: str, seed: int, seen: Counter[tuple[str, int]]) -> None:
        self.person = person
        self.network = network
        self.image = image
        self.chance = random.Random(seed)
        self.seen = seen
        self.failures: list[str] = []
        self.deeds: tuple[Callable[[], None], ...] = (
            self.make_server,
            self.make_server,
            self.delete_one("compute/servers"),
            self.delete_one("compute/servers"),
            self.act,
            self.make_port,
            self.delete_one("network/ports"),
            self.make_address,
            self.delete_one("network/floatingips"),
            self.make_volume,
            self.delete_one("volume/volumes"),
            self.look,
        )

    def run(self, until: float) -> None:
        while time.monotonic() < until:
            self.chance.choice(self.deeds)()

    def call(self, method: str, path: str, body: Any = None) -> Answer:
        answer = self.person(method, path, body)
        kind = f"{method} {'/'.join(path.split('/')[:2])}"
        self.seen[kind, answer.status] += 1
        if answer.status not in EXPECTED:
            self.failures.append(f"{method} {path} {body}: {answer.status} {answer.body!r}")
        elif answer.status >= 400:
            _ = answer.fault  # its shape is checked
        return answer

    def some(self, path: str) -> str | None:
        """The id of one of the things in a list."""
        found = next(iter(self.call("GET", path).json.values()))
        return str(self.chance.choice(found)["id"]) if found else None

    def make_server(self) -> None:
        networks = [[], [{"uuid": self.network}], [{"uuid": "1"}]]
        wanted = {"name": "crowd", "flavorRef": 1, "imageRef": self.image, "networks": self.chance.choice(networks)}
        self.call("POST", "compute/servers", {"server": wanted})

    def act(self) -> None:
        server = self.some("compute/servers")
        if server is not None:
            actions: tuple[dict[str, Any], ...] = ({"start": {}}, {"shutdown": {}}, {"reboot": {}})
            self.call("POST", f"compute/servers/{server}/action", self.chance.choice(actions))

    def make_port(self) -> None:
        server = self.some("compute/servers") if self.chance.random() < 0.6 else None
        wanted = {"network_id": self.network, **({} if server is None else {"device_id": server})}
        self.call("POST", "network/ports", {"port": wanted})

    def make_address(self) -> None:
        if len(self.call("GET", "network/floatingips").json["floatingips"]) < 8:
            self.call("POST", "network/floatingips", {"floatingip": {}})

    def make_volume(self) -> None:
        server = self.some("compute/servers") if self.chance.random() < 0.6 else None
        wanted = {"size": 1, "display_name": "crowd", "volume_type": 2}
        self.call("POST", "volume/volumes", {"volume": wanted | ({} if server is None else {"server_id": server})})

    def delete_one(self, collection: str) -> Callable[[], None]:
        def delete() -> None:
            ident = self.some(collection)
            if ident is not None:
                self.call("DELETE", f"{collection}/{ident}")

        return delete

    def look(self) -> None:
        for path in ("compute/servers/detail", "network/ports", "volume/volumes/detail", "account/quotas"):
            self.call("GET", path)


def empty(person: Person) -> None:
    """Delete everything that a user has, waiting for what is under way."""
    deadline = time.monotonic() + 60
    for collection in ("compute/servers", "network/ports", "network/floatingips", "volume/volumes", "network/networks"):
        while left := [one for one in person.get(collection) if not one.get("public")]:
            assert time.monotonic() < deadline, left
            for one in left:
                person("DELETE", f"{collection}/{one['id']}")
            time.sleep(0.05)


def test_a_crowd_leaks_nothing(data: Path, request: pytest.FixtureRequest) -> None:
    seconds = float(request.config.getoption("--crowd-seconds"))
    url = process.status(data).url
    assert url is not None
    seen: Counter[tuple[str, int]] = Counter()
    owners = [Person(url, data, f"user-{number}") for number in range(USERS)]
    clients = []
    for number, owner in enumerate(owners):
        process.change_user(data, owner.name, limits={"cyclades.vm": MOST_SERVERS})
        network, image = owner.network(SUBNET), owner.image()
        for other in range(CLIENTS // USERS):
            person = Person.again(owner)
            clients.append(Client(person, network, image, number * 100 + other, seen))
    until = time.monotonic() + seconds
    threads = [threading.Thread(target=client.run, args=(until,)) for client in clients]
    for thread in threads:
        thread.start()
    looks = 0
    while time.monotonic() < until:
        assert book_problems(data) == []  # at any moment, not only at the end
        looks += 1
        time.sleep(0.2)
    for thread in threads:
        thread.join(60)
    assert looks > 2
    assert [failure for client in clients for failure in client.failures] == []
    statuses = Counter(status for _, status in seen.elements())
    assert {201, 202, 204, 400, 409, 413} <= set(statuses), seen  # they did get into each other's way
    for owner in owners:
        empty(owner)
        quotas = owner.ok("GET", "account/quotas")[owner.id]
        assert {name: one["usage"] for name, one in quotas.items() if one["usage"]} == {}
    assert book_problems(data) == []
    for client in clients:
        client.person.close()
    for owner in owners:
        owner.close()
