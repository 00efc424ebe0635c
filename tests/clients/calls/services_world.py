"""What the calls of the services beside the object store need: clients, and things to try them on."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from clients.calls.recorder import Method, Recorder
from fixtures.clouds import TestCloud, User, provided_image
from fixtures.exchanges import Exchange, played

from pithosfs.clients import Connection, connect
from pithosfs.clients.astakos import AstakosClient
from pithosfs.clients.cyclades import CycladesComputeClient, CycladesNetworkClient
from pithosfs.clients.waiting import poll

__all__ = ["ServicesWorld"]


class ServicesWorld:
    """Two users of a cloud, and what the first of them has there."""

    numbers = itertools.count()

    def __init__(self, cloud: TestCloud, alice: User) -> None:
        self.cloud, self.alice = cloud, alice
        self.passed: dict[Method, set[str]] = defaultdict(set)
        self._open: list[Any] = []
        self._connection: Connection | None = None
        self.astakos = self.astakos_of(alice)

    def recorded(self, client: Any) -> Any:
        """A client whose calls count."""
        self._open.append(client)
        return Recorder(client, self.passed)

    def close(self) -> None:
        for client in self._open:
            client.close()

    # identity -------------------------------------------------------------------------------------------------------

    def astakos_of(self, user: User) -> Any:
        """A recorded client of the identity service, as somebody else."""
        return self.recorded(AstakosClient(user.url, user.token))

    @property
    def service_admin(self) -> Any:
        """As somebody who decides about projects."""
        return self.astakos_of(self.cloud.user("admin", admin=True))

    @property
    def service_client(self) -> Any:
        """As a service of the platform."""
        return self.recorded(AstakosClient(self.alice.url, self.cloud.service_token("cyclades")))

    def project_specs(self) -> dict[str, Any]:
        """A project with some room for everything of Cyclades."""
        sizes = {"cyclades.vm": 9, "cyclades.cpu": 99, "cyclades.ram": 2**40, "cyclades.disk": 2**45}
        sizes |= {"cyclades.network.private": 9, "cyclades.floating_ip": 9}
        return {
            "name": f"p{next(self.numbers)}.example.org",
            "end_date": (datetime.now(UTC) + timedelta(days=9)).isoformat(),
            "resources": {name: {"project_capacity": size, "member_capacity": size} for name, size in sizes.items()},
        }

    def shared_project(self) -> str:
        """Make a project of which the first user is owner and member."""
        made = self.astakos.create_project(self.project_specs())
        self.service_admin.application_action(made["id"], made["application"], "approve")
        self.astakos.enroll_member(made["id"], self.alice.name)
        return str(made["id"])

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
        return self.recorded(kind(self.connection.endpoint(kind.service_type), (user or self.alice).token))

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
        return provided_image(self.cyclades.list_images(detail=True))

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
