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


def open_store(cloud: Cloud) -> ObjectStore:
    """Log in to a cloud and open its object store. Raises ConfigError, NotLoggedIn, NoConnection and their like."""
    # Late, so that who needs the seam's types only does not load the HTTP libraries.
    from pithosfs.store import pithos

    return pithos.open_store(cloud)
