"""The entries of a folder in the cloud, as `pithosfs file list` shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pithosfs.errors import NotFound
from pithosfs_cli.locations import Location
from pithosfs_cli.output import iso_time

if TYPE_CHECKING:
    from pithosfs.store import ObjectInfo, ObjectStore

__all__ = ["FOLDER_TYPE", "entries_in", "object_entry"]

FOLDER_TYPE = "application/directory"


def entries_in(store: ObjectStore, place: Location, *, recursive: bool) -> list[dict[str, Any]] | None:
    """What is in a folder or container, sorted by name; None when the place is no folder."""
    prefix = place.name if not place.name or place.name.endswith("/") else f"{place.name}/"
    listing = store.list_objects(
        place.container, prefix=prefix, delimiter=None if recursive else "/", account=place.account
    )
    assert listing is not None
    found = {info.name: object_entry(place, info, info.name[len(prefix) :]) for info in listing.found.objects}
    for name in listing.found.folders:
        found.setdefault(name, _folder_entry(place, name, name[len(prefix) :]))
        found[name]["type"] = "folder" if found[name]["content_type"] in ("", FOLDER_TYPE) else found[name]["type"]
    # The folder's own marker when somebody has made one with a closing slash.
    found.pop(prefix, None)
    if not found and prefix:
        try:
            info = store.head(place.path(store))
        except NotFound:
            if not place.name.endswith("/"):
                raise
            return None
        return [] if info.is_directory else None
    return [found[name] for name in sorted(found)]


def object_entry(place: Location, info: ObjectInfo, shown: str) -> dict[str, Any]:
    return {
        "name": info.name,
        "path": str(place.named(info.name)),
        "type": "folder" if info.is_directory else "file",
        "bytes": info.size,
        "content_type": info.content_type,
        "modified": iso_time(info.modified_ns),
        "hash": info.hash,
        "version": info.version,
        "uuid": info.uuid,
        "modified_by": info.modified_by,
        "public": info.public,
        "shown": f"{shown}/" if info.is_directory else shown,
    }


def _folder_entry(place: Location, name: str, shown: str) -> dict[str, Any]:
    """A folder that is only a shared prefix of names."""
    return {
        "name": name,
        "path": str(place.named(name)),
        "type": "folder",
        "bytes": None,
        "content_type": "",
        "modified": None,
        "hash": None,
        "version": None,
        "uuid": None,
        "modified_by": None,
        "public": None,
        "shown": f"{shown}/",
    }
