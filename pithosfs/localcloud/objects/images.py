"""What is registered about objects that are images: rows beside the objects, found by the object's UUID (image.md 4).

The registry keeps nothing of its own: an image is gone with its object, follows it when that is moved, and a copy of
the object is another image.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

from pithosfs.localcloud.objects.model import VERSION_COLUMNS, Version, version_from

__all__ = ["Image", "all_images", "carry", "find_image", "forget_image", "keep_image"]


@dataclass(frozen=True, slots=True)
class Image:
    """What is registered, and the object that it is about: account, container (row id and name), name, version.

    `version` is the current one, whose size and hash are the image's. Times in microseconds. `volume` is the volume of
    which this is a snapshot.
    """

    uuid: str
    name: str
    disk_format: str
    container_format: str
    status: str
    properties: Mapping[str, str]
    registered: int
    changed: int
    volume: int | None
    description: str
    account: str
    container_id: int
    container: str
    path: str
    version: Version

    @property
    def is_snapshot(self) -> bool:
        return self.volume is not None


_SELECT = (
    "SELECT i.uuid, i.name, i.disk_format, i.container_format, i.status, i.properties, i.registered, i.changed,"  # noqa: S608
    f" i.volume, i.description, a.uuid, c.id, c.name, o.name, {VERSION_COLUMNS}"
    " FROM images i JOIN objects o ON o.id = i.object JOIN versions v ON v.id = o.current AND v.uuid = i.uuid"
    " JOIN containers c ON c.id = o.container JOIN accounts a ON a.id = c.account"
)


def _image(row: sqlite3.Row) -> Image:
    uuid, name, disk_format, container_format, status, properties, *times, account, container_id, container, path = row[
        :14
    ]
    registered, changed, volume, description = times
    return Image(
        uuid,
        name,
        disk_format,
        container_format,
        status,
        json.loads(properties),
        registered,
        changed,
        volume,
        description,
        account,
        container_id,
        container,
        path,
        version_from(row[14:]),
    )


def find_image(connection: sqlite3.Connection, uuid: str) -> Image | None:
    """The image of that id; None when there is no such object any more, or it is not registered."""
    row = connection.execute(f"{_SELECT} WHERE i.uuid = ?", (uuid,)).fetchone()
    return None if row is None else _image(row)


def all_images(connection: sqlite3.Connection) -> list[Image]:
    """Everybody's images, by id."""
    return [_image(row) for row in connection.execute(f"{_SELECT} ORDER BY i.uuid")]


def keep_image(
    connection: sqlite3.Connection,
    uuid: str,
    object_id: int,
    *,
    name: str,
    disk_format: str,
    container_format: str,
    status: str,
    properties: Mapping[str, str],
    time: int,
    volume: int | None = None,
    description: str = "",
) -> None:
    """Register an object, or change what is registered about it (then `volume` stays what it was).

    Registrations of objects that are gone for good, history and all, are swept out.
    """
    connection.execute(
        "DELETE FROM images WHERE NOT EXISTS"
        " (SELECT 1 FROM versions v WHERE v.object = images.object AND v.uuid = images.uuid AND v.deleted = 0)"
    )
    connection.execute(
        "INSERT INTO images (uuid, object, name, disk_format, container_format, status, properties, registered,"
        " changed, volume, description) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (uuid) DO UPDATE SET object = excluded.object, name = excluded.name,"
        " disk_format = excluded.disk_format, container_format = excluded.container_format, status = excluded.status,"
        " properties = excluded.properties, changed = excluded.changed, description = excluded.description",
        (
            uuid,
            object_id,
            name,
            disk_format,
            container_format,
            status,
            json.dumps(dict(properties)),
            time,
            time,
            volume,
            description,
        ),
    )


def forget_image(connection: sqlite3.Connection, uuid: str) -> None:
    """Take the registration away; the object stays."""
    connection.execute("DELETE FROM images WHERE uuid = ?", (uuid,))


def carry(connection: sqlite3.Connection, origin: str, uuid: str, object_id: int, time: int) -> None:
    """Note that the bytes of the object `origin` are at a name now, as `uuid`: moved, or copied if that is another."""
    if origin == uuid:
        connection.execute("UPDATE images SET object = ? WHERE uuid = ?", (object_id, uuid))
        return
    connection.execute(
        "INSERT INTO images SELECT ?, ?, name, disk_format, container_format, status, properties, ?, ?, volume,"
        " description FROM images WHERE uuid = ?",
        (uuid, object_id, time, time, origin),
    )
