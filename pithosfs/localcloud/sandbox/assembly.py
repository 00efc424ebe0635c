"""Puts the sandbox's services together: their tables, how their tasks end, where they answer."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from pithosfs.localcloud.compute import schema as compute_schema
from pithosfs.localcloud.compute.finishing import finish_server
from pithosfs.localcloud.compute.model import SERVER_TASK
from pithosfs.localcloud.compute.service import ADMINISTRATION, compute_service
from pithosfs.localcloud.compute.service import CATALOG as COMPUTE
from pithosfs.localcloud.image import furnishing
from pithosfs.localcloud.image.service import CATALOG as IMAGE
from pithosfs.localcloud.image.service import image_service
from pithosfs.localcloud.network import schema as network_schema
from pithosfs.localcloud.network.networks import TASK as NETWORK_TASK
from pithosfs.localcloud.network.networks import finish_network
from pithosfs.localcloud.network.service import CATALOG as NETWORK
from pithosfs.localcloud.network.service import network_service
from pithosfs.localcloud.objects.backend import Backend
from pithosfs.localcloud.sandbox import tasks
from pithosfs.localcloud.sandbox.timing import Timing
from pithosfs.localcloud.sandbox.world import Sandbox
from pithosfs.localcloud.volume import schema as volume_schema
from pithosfs.localcloud.volume.service import CATALOG as VOLUME
from pithosfs.localcloud.volume.service import volume_service
from pithosfs.localcloud.volume.snapshots import TASK as SNAPSHOT_TASK
from pithosfs.localcloud.volume.snapshots import finish_snapshot

__all__ = ["CaughtUp", "open_sandbox", "sandbox_services"]


def open_sandbox(backend: Backend, timing: Timing) -> Sandbox:
    """The sandbox over an open database; its services are put into the catalog."""
    for schema in (tasks, furnishing, network_schema, volume_schema, compute_schema):
        backend.database.migrate(schema.SERVICE, schema.MIGRATIONS)
    for entry in (COMPUTE, NETWORK, IMAGE, VOLUME, ADMINISTRATION):
        backend.identity.add_service(entry)
    return Sandbox(
        backend, timing, {SERVER_TASK: finish_server, NETWORK_TASK: finish_network, SNAPSHOT_TASK: finish_snapshot}
    )


def sandbox_services(sandbox: Sandbox) -> list[tuple[bytes, ASGIApp]]:
    """The services by the beginning of their paths."""
    compute = compute_service(sandbox)
    return [
        (b"/compute", compute),
        (b"/network", network_service(sandbox)),
        (b"/image", image_service(sandbox)),
        (b"/volume", volume_service(sandbox)),
        (b"/stats", compute),
        (b"/admin", compute),
    ]


class CaughtUp:
    """Another service, asked only once what is over in the sandbox has happened: what that gives back counts there."""

    def __init__(self, sandbox: Sandbox, service: ASGIApp) -> None:
        self._sandbox = sandbox
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._sandbox.catch_up()
        await self._service(scope, receive, send)
