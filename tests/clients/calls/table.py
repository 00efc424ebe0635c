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
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from fixtures.clouds import TestCloud, User
from fixtures.exchanges import Exchange, played
from fixtures.proxy import Drop, FaultProxy

from pithosfs.clients import Connection, connect
from pithosfs.clients.astakos import AstakosClient, CachedAstakosClient
from pithosfs.clients.cyclades import CycladesComputeClient, CycladesNetworkClient
from pithosfs.clients.image import ImageClient
from pithosfs.clients.pithos import PithosClient
from pithosfs.clients.pithos.rest_api import PithosRestClient
from pithosfs.clients.storage import StorageClient
from pithosfs.clients.waiting import poll

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
        self._connection: Connection | None = None

    # the other services ---------------------------------------------------------------------------------------------

    @property
    def connection(self) -> Connection:
        """The first user's, for the addresses of the services."""
        if self._connection is None:
            self._connection = connect(self.alice.cloud())
            self._open.append(self._connection)
        return self._connection

    def service(self, kind: Any, user: User | None = None) -> Any:
        """A recorded client of a service."""
        return self._record(kind(self.connection.endpoint(kind.service_type), (user or self.alice).token))

    def played(self, kind: Any, *exchanges: Exchange) -> AbstractContextManager[Any]:
        """A recorded client of a server with these answers, for what the local cloud has not."""

        @contextmanager
        def play() -> Iterator[Any]:
            with played(*exchanges) as (endpoint, session, _), kind(endpoint, "token", session=session) as client:
                yield Recorder(client, self.passed)

        return play()

    @property
    def cyclades(self) -> CycladesComputeClient:
        """To prepare and to see."""
        return self.connection.client(CycladesComputeClient)

    def server(self, name: str = "prepared", **options: Any) -> int:
        """Make a server that runs, without any network unless asked for."""
        options.setdefault("networks", [])
        made = self.cyclades.create_server(name, self.flavors[0]["id"], self.image_id, **options)
        assert self.cyclades.wait_server(made["id"], delay=0.1) == "ACTIVE"
        return int(made["id"])

    @property
    def image_id(self) -> str:
        """An image that everybody has."""
        images = self.cyclades.list_images(detail=True)
        return str(next(one["id"] for one in images if one["public"] and not one["is_snapshot"]))

    @property
    def flavors(self) -> list[dict[str, Any]]:
        """Two flavors with disks of one size, of the kind of volume that can be attached and detached."""
        by_disk: dict[Any, list[dict[str, Any]]] = defaultdict(list)
        for one in self.cyclades.list_flavors(detail=True):
            if one["SNF:allow_create"] and one["SNF:disk_template"].startswith("ext"):
                by_disk[one["disk"]].append(one)
        return next(found for found in by_disk.values() if len(found) > 1)

    def until_idle(self, server_id: int) -> None:
        """Wait until what was begun on a server is over."""
        poll(
            lambda: self.cyclades.get_server_details(server_id),
            lambda server: not server["SNF:task_state"],
            delay=0.1,
        )

    @property
    def networks(self) -> CycladesNetworkClient:
        """To prepare and to see."""
        return self.connection.client(CycladesNetworkClient)

    def network(self, name: str = "prepared") -> str:
        """Make a network with a subnet."""
        made = self.networks.create_network("MAC_FILTERED", name)
        self.networks.create_subnet(made["id"], "10.20.0.0/24", enable_dhcp=True)
        return str(made["id"])

    def connected_server(self) -> tuple[int, str]:
        """Make a server on a network: the ids of both."""
        network_id = self.network()
        return self.server(networks=[{"uuid": network_id}]), network_id

    @property
    def public_network(self) -> str:
        """Where floating addresses come from."""
        return str(next(one["id"] for one in self.networks.list_networks() if one["SNF:floating_ip_pool"]))

    def registered(self, name: str, **properties: str) -> dict[str, Any]:
        """Make an object, and register it as an image."""
        self.put(name)
        location = f"pithos://{self.alice.uuid}/{self.container}/{name}"
        return self.connection.client(ImageClient).register(name, location, properties=properties)

    # the object store -----------------------------------------------------------------------------------------------

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
