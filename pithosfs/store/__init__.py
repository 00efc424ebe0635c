"""The object-store seam: what the mount and the daemon need of a cloud."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pithosfs.store.seam import (
    Capabilities,
    ContainerInfo,
    Delivery,
    Filters,
    Found,
    Listing,
    ListingStream,
    NameRule,
    NewObject,
    ObjectInfo,
    ObjectPath,
    ObjectStore,
    Sharing,
    Traffic,
    Usage,
    VersionInfo,
)

__all__ = [
    "Capabilities",
    "ContainerInfo",
    "Delivery",
    "Filters",
    "Found",
    "Listing",
    "ListingStream",
    "NameRule",
    "NewObject",
    "ObjectInfo",
    "ObjectPath",
    "ObjectStore",
    "Sharing",
    "Traffic",
    "Usage",
    "VersionInfo",
    "open_store",
]

if TYPE_CHECKING:
    from pithosfs.config import Cloud


def open_store(cloud: Cloud, *, upload_limit: int | None = None, download_limit: int | None = None) -> ObjectStore:
    """Log in to a cloud and open its object store; the limits are bytes a second, None for none.

    Raises ConfigError, NotLoggedIn, NoConnection and their like.
    """
    # Late, so that who needs the seam's types only does not load the HTTP libraries.
    from pithosfs.store import pithos

    return pithos.open_store(cloud, upload_limit=upload_limit, download_limit=download_limit)
