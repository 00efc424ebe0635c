"""The object-store seam: what the mount and the daemon need of a cloud."""

from pithosfs.store.seam import (
    Capabilities,
    ContainerInfo,
    Found,
    Listing,
    ObjectInfo,
    ObjectPath,
    ObjectStore,
    Sharing,
    Usage,
    VersionInfo,
)

__all__ = [
    "Capabilities",
    "ContainerInfo",
    "Found",
    "Listing",
    "ObjectInfo",
    "ObjectPath",
    "ObjectStore",
    "Sharing",
    "Usage",
    "VersionInfo",
]
