"""The object store: `PithosClient`, above the requests of `rest_api`, above those of `wire`."""

from pithosfs.clients.pithos.client import PithosClient
from pithosfs.clients.pithos.rest_api import PithosRestClient
from pithosfs.errors import ClientError

__all__ = ["ClientError", "PithosClient", "PithosRestClient"]
