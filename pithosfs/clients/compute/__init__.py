"""Servers, flavors and images as OpenStack has them: `ComputeClient`. What Synnefo adds is in `clients.cyclades`."""

from pithosfs.clients.compute.client import ComputeClient
from pithosfs.clients.compute.rest_api import ComputeRestClient
from pithosfs.errors import ClientError

__all__ = ["ClientError", "ComputeClient", "ComputeRestClient"]
