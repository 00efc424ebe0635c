"""Real calls of every method, and a record of the parameters that they pass.

A function marked with `@exercises("PithosClient", "copy_object", …)` calls these methods through a `Recorder` and looks
at what each parameter does. A parameter counts as passed when a call gives it a value that is not its default.
"""

from __future__ import annotations

import inspect
import itertools
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from fixtures.clouds import TestCloud, User
from fixtures.proxy import Drop, FaultProxy

from pithosfs.clients.astakos import AstakosClient, CachedAstakosClient
from pithosfs.clients.pithos import PithosClient
from pithosfs.clients.pithos.rest_api import PithosRestClient
from pithosfs.clients.storage import StorageClient

Method = tuple[str, str]  # class, method
Exercise = Callable[["World"], None]
F = TypeVar("F", bound=Exercise)

TABLE: dict[Method, list[Exercise]] = defaultdict(list)


def exercises(kind: str, *methods: str) -> Callable[[F], F]:
    def mark(function: F) -> F:
        for method in methods:
            TABLE[kind, method].append(function)
        return function

    return mark


class Recorder:
    """A client that remembers which parameters its methods were given."""

    def __init__(self, client: Any, passed: dict[Method, set[str]]) -> None:
        self.__dict__.update(_client=client, _passed=passed)

    def __setattr__(self, name: str, value: object) -> None:
        setattr(self._client, name, value)

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._client, name)
        key = (type(self._client).__name__, name)
        if not inspect.ismethod(value):
            self._passed[key]  # a property
            return value
        signature = inspect.signature(value)

        def call(*args: Any, **kwargs: Any) -> Any:
            bound = signature.bind(*args, **kwargs).arguments
            known = signature.parameters
            self._passed[key].update(one for one, given in bound.items() if given is not known[one].default)
            return value(*args, **kwargs)

        return call


@dataclass(frozen=True)
class Past:
    """An account as it was before `until` and as it is since; see `make_past`."""

    user: User
    until: int


class World:
    """A container of its own, and clients for it: recorded ones, and `look` to prepare and to see."""

    numbers = itertools.count()

    def __init__(self, cloud: TestCloud, alice: User, bob: User, past: Past) -> None:
        self.cloud, self.alice, self.bob, self.past = cloud, alice, bob, past
        self.passed: dict[Method, set[str]] = defaultdict(set)
        self.endpoint = alice.storage_url.rpartition("/")[0]
        self.container = f"c{next(self.numbers)}"
        self.here = f"/{self.container}"
        self._open: list[Any] = []
        self.look = self.plain(alice, alice)
        self.look.create_container()
        self.storage = self._recorded(StorageClient)
        self.rest = self._recorded(PithosRestClient)
        self.client = self._recorded(PithosClient)
        self.astakos = self._record(AstakosClient(alice.url, alice.token))
        self.cached = self._record(CachedAstakosClient(alice.url, alice.token))

    def plain(self, user: User, owner: User) -> PithosClient:
        """A client with one user's token for another's account."""
        made = PithosClient(self.endpoint, user.token, owner.uuid, self.container)
        self._open.append(made)
        return made

    def _recorded(self, kind: Any, owner: User | None = None, container: str | None = None) -> Any:
        owner = owner or self.alice
        return self._record(kind(self.endpoint, owner.token, owner.uuid, container or self.container))

    def _record(self, client: Any) -> Any:
        self._open.append(client)
        return Recorder(client, self.passed)

    def earlier(self, kind: Any, container: str | None = None) -> Any:
        """A recorded client of the account with a past."""
        return self._recorded(kind, self.past.user, container or "c")

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

    def close(self) -> None:
        for client in self._open:
            client.close()


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
