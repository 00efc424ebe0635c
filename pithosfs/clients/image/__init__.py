"""The registry of images of machines: `ImageClient`."""

from pithosfs.clients.image.client import ImageClient
from pithosfs.clients.image.rest_api import ImageRestClient
from pithosfs.errors import ClientError

__all__ = ["ClientError", "ImageClient", "ImageRestClient"]
