"""The clients of the cloud's services, on the connection of a run. Each is imported when it is first asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pithosfs.clients.astakos import LoggedAstakosClient
    from pithosfs.clients.cyclades import CycladesBlockStorageClient, CycladesComputeClient, CycladesNetworkClient
    from pithosfs.clients.image import ImageClient
    from pithosfs_cli.invocation import Invocation

__all__ = ["compute", "identity", "images", "networks", "volumes"]


def identity(run: Invocation) -> LoggedAstakosClient:
    """Users, projects, quotas."""
    return run.connection().astakos.get_client()


def compute(run: Invocation) -> CycladesComputeClient:
    """Servers, flavors, key pairs. Raises ClientError, as those below do, when the cloud has no such service."""
    from pithosfs.clients.cyclades import CycladesComputeClient

    return run.connection().client(CycladesComputeClient)


def networks(run: Invocation) -> CycladesNetworkClient:
    """Networks, subnets, ports, floating IPs."""
    from pithosfs.clients.cyclades import CycladesNetworkClient

    return run.connection().client(CycladesNetworkClient)


def volumes(run: Invocation) -> CycladesBlockStorageClient:
    """Volumes and snapshots."""
    from pithosfs.clients.cyclades import CycladesBlockStorageClient

    return run.connection().client(CycladesBlockStorageClient)


def images(run: Invocation) -> ImageClient:
    """The registry of images."""
    from pithosfs.clients.image import ImageClient

    return run.connection().client(ImageClient)
