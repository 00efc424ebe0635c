"""Volumes and snapshots: `BlockStorageClient`. What Synnefo adds is in `clients.cyclades`."""

from pithosfs.clients.blockstorage.client import BlockStorageClient
from pithosfs.clients.blockstorage.rest_api import BlockStorageRestClient
from pithosfs.errors import ClientError

__all__ = ["BlockStorageClient", "BlockStorageRestClient", "ClientError"]
