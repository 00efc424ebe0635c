"""Real calls of every method.

A function marked with `@exercises("PithosClient", "copy_object", …)` calls these methods through a `Recorder` and looks
at what each parameter does.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from clients.calls.recorder import Method
from clients.calls.services_world import ServicesWorld
from fixtures.clouds import TestCloud, User
from fixtures.proxy import Drop, FaultProxy

from pithosfs.clients.astakos import CachedAstakosClient
from pithosfs.clients.image import ImageClient
from pithosfs.clients.pithos import PithosClient
from pithosfs.clients.pithos.rest_api import PithosRestClient
from pithosfs.clients.storage import StorageClient

Exercise = Callable[["World"], None]
F = TypeVar("F", bound=Exercise)

TABLE: dict[Method, list[Exercise]] = defaultdict(list)


def exercises(kind: str, *methods: str) -> Callable[[F], F]:
    def mark(function: F) -> F:
        for method in methods:
            TABLE[kind, method].append(function)
        return function

    return mark


@dataclass(frozen=True)
class Past:
    """An account as it was before `until` and as it is since; see `make_past`."""

    user: User
    until: int


class World(ServicesWorld):
    """A container of its own, and clients for it: recorded ones, and `look` to prepare and to see."""

    def __init__(self, cloud: TestCloud, alice: User, bob: User, past: Past) -> None:
        super().__init__(cloud, alice)
        self.bob, self.past = bob, past
        self.endpoint = alice.storage_url.rpartition("/")[0]
        self.container = f"c{next(self.numbers)}"
        self.here = f"/{self.container}"
        self.look = self.plain(alice, alice)
        self.look.create_container()
        self.storage = self._of_store(StorageClient)
        self.rest = self._of_store(PithosRestClient)
        self.client = self._of_store(PithosClient)
        self.cached = self.recorded(CachedAstakosClient(alice.url, alice.token))

    def plain(self, user: User, owner: User) -> PithosClient:
        """A client with one user's token for another's account."""
        made = PithosClient(self.endpoint, user.token, owner.uuid, self.container)
        self._open.append(made)
        return made

    def _of_store(self, kind: Any, owner: User | None = None, container: str | None = None) -> Any:
        owner = owner or self.alice
        return self.recorded(kind(self.endpoint, owner.token, owner.uuid, container or self.container))

    def earlier(self, kind: Any, container: str | None = None) -> Any:
        """A recorded client of the account with a past."""
        return self._of_store(kind, self.past.user, container or "c")

    def registered(self, name: str, **properties: str) -> dict[str, Any]:
        """Make an object, and register it as an image."""
        self.put(name)
        location = f"pithos://{self.alice.uuid}/{self.container}/{name}"
        return self.connection.client(ImageClient).register(name, location, properties=properties)

    @contextmanager
    def watched(self, client: Any) -> Iterator[list[dict[str, str]]]:
        """The headers of the requests that a client sends meanwhile, for what shows nowhere else."""
        heads: list[dict[str, str]] = []
        proxy = FaultProxy(self.cloud.address)
        proxy.when(lambda request: bool(heads.append(request.headers)), Drop())
        direct = client.endpoint_url
        client.endpoint_url = proxy.instead_of(direct)
        try:
            yield heads
        finally:
            client.endpoint_url = direct
            proxy.close()

    def put(self, name: str, content: bytes = b"content", **options: Any) -> str:
        """Make an object; returns its ETag."""
        options.setdefault("content_type", "text/plain")
        return str(self.look.object_put(name, data=content, **options).headers["ETag"])

    def content(self, name: str, **options: Any) -> bytes:
        return bytes(self.look.object_get(name, **options).content)

    def names(self) -> list[str]:
        return [one["name"] for one in self.look.list_objects()]


def make_past(cloud: TestCloud) -> Past:
    """Things before and after a whole second."""
    user = cloud.user("past")
    with PithosClient(user.storage_url.rpartition("/")[0], user.token, user.uuid) as client:

        def make(era: str) -> None:
            client.set_account_meta({era: era})
            for client.container in ("c", "purge-rest", "purge-pithos"):
                client.create_container(metadata={era: era})
                for name in ("a", "rest", "pithos"):
                    client.upload_from_string(name, era)
                    client.set_object_meta(name, {era: era})

        make("old")
        until = int(time.time()) + 1
        while (left := until - time.time()) > -0.01:  # the server counts in whole seconds of the same clock
            time.sleep(max(left, 0.01))
        make("new")
        client.container = "since"
        client.create_container()
    return Past(user, until)
