"""The object store: `PithosClient`, above the requests of `rest_api`, above those of `wire`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pithosfs.errors import ClientError

if TYPE_CHECKING:
    from pithosfs.clients.pithos.client import PithosClient
    from pithosfs.clients.pithos.rest_api import PithosRestClient

__all__ = ["ClientError", "PithosClient", "PithosRestClient"]


def __getattr__(name: str) -> object:
    # Late: the programs stand on `wire` alone, and loading the classes costs them a third of their start.
    if name == "PithosClient":
        from pithosfs.clients.pithos.client import PithosClient

        return PithosClient
    if name == "PithosRestClient":
        from pithosfs.clients.pithos.rest_api import PithosRestClient

        return PithosRestClient
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
