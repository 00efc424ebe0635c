"""Servers, volumes and networks of Synnefo: what it has in common with OpenStack, and what is its own."""

from pithosfs.clients.cyclades.blockstorage import CycladesBlockStorageClient
from pithosfs.clients.cyclades.compute import CycladesComputeClient
from pithosfs.clients.cyclades.network import CycladesNetworkClient
from pithosfs.clients.cyclades.rest_api import (
    CycladesBlockStorageRestClient,
    CycladesComputeRestClient,
    CycladesRestClient,
)
from pithosfs.errors import ClientError

__all__ = [
    "ClientError",
    "CycladesBlockStorageClient",
    "CycladesBlockStorageRestClient",
    "CycladesClient",
    "CycladesComputeClient",
    "CycladesComputeRestClient",
    "CycladesNetworkClient",
    "CycladesRestClient",
]

CycladesClient = CycladesComputeClient
