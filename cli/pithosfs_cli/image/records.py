"""Images as they are shown: in one form, whether they come from a list or from the headers of one."""

from __future__ import annotations

from collections.abc import Mapping

from pithosfs_cli.kinds import Thing
from pithosfs_cli.layout import Column

__all__ = ["DETAILS", "INFO", "SUMMARY", "image_record", "property_key"]

SUMMARY = [
    Column("id", "ID"),
    Column("name", "NAME"),
    Column("status", "STATUS", "status"),
    Column("size", "SIZE", "size"),
    Column("os", "SYSTEM"),
    Column("is_public", "PUBLIC"),
]
DETAILS = [
    *SUMMARY,
    Column("disk_format", "FORMAT"),
    Column("container_format", "CONTAINER FORMAT"),
    Column("owner_name", "OWNER"),
    Column("is_snapshot", "SNAPSHOT"),
    Column("created_at", "CREATED", "time"),
    Column("location", "LOCATION"),
]
INFO = [
    Column("id", "id"),
    Column("name", "name"),
    Column("status", "status", "status"),
    Column("size", "size", "size"),
    Column("disk_format", "disk format"),
    Column("container_format", "container format"),
    Column("is_public", "public"),
    Column("is_snapshot", "snapshot"),
    Column("owner_name", "owner"),
    Column("location", "location"),
    Column("checksum", "checksum"),
    Column("properties", "property"),
    Column("created_at", "created", "time"),
    Column("updated_at", "changed", "time"),
]

_BOOLEANS = ("is_public", "is_snapshot")
_TIMES = ("created_at", "updated_at")


def property_key(key: str) -> str:
    """The key of a property as the registry keeps it (image.md section 3.1)."""
    return key.lower().replace("-", "_")


def image_record(image: Mapping[str, object], names: Mapping[str, str]) -> Thing:
    """An image with typed values under the names of lists. `names` are those of users, by their ids."""
    record: Thing = {key.replace("-", "_"): value for key, value in image.items()}
    for key in _BOOLEANS:
        if isinstance(record.get(key), str):
            record[key] = record[key].lower() == "true"
    if isinstance(record.get("size"), str) and record["size"].isdecimal():
        record["size"] = int(record["size"])
    for key in _TIMES:
        # The registry's own form has no zone, and means UTC.
        time = str(record.get(key) or "")
        record[f"_{key}"] = f"{time.replace(' ', 'T')}Z" if time and "T" not in time else time or None
    owner = record.get("owner")
    name = names.get(str(owner))
    properties = record.get("properties")
    return {
        **record,
        "os": properties.get("os") if isinstance(properties, dict) else None,
        "owner_name": name,
        "_owner_name": name or owner,
    }
