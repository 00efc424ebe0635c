"""What the tables hold, as values; finding volumes for those who may see them; making and ending them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

from pithosfs.localcloud import quota
from pithosfs.localcloud.faults import bad_request, not_found
from pithosfs.localcloud.resources import DISK
from pithosfs.localcloud.sandbox.owners import Owner, Reassignment, visible
from pithosfs.localcloud.sandbox.turn import Turn

__all__ = [
    "GIB",
    "MAX_SIZE",
    "MAX_VOLUMES",
    "Volume",
    "VolumeType",
    "add_volume",
    "all_types",
    "delete_volume_row",
    "find_type",
    "find_volume",
    "free_position",
    "move_volume",
    "server_volumes",
    "set_volume_status",
    "visible_volumes",
    "volume_by_id",
]

GIB = 2**30

MAX_SIZE = 200
"""GiB of one volume."""

MAX_VOLUMES = 8
"""Volumes of one server, the root included."""


@dataclass(frozen=True, slots=True)
class VolumeType:
    id: int
    name: str
    external: bool


@dataclass(frozen=True, slots=True)
class Volume:
    """`size` in GiB, times in microseconds. `with_server`: it goes when its server is deleted."""

    id: int
    name: str | None
    description: str
    status: str
    size: int
    type: int
    user: str
    project: str
    shared: bool
    server: int | None
    position: int | None
    image: str | None
    snapshot: str | None
    with_server: bool
    metadata: Mapping[str, str]
    created: int
    updated: int

    @property
    def is_root(self) -> bool:
        return self.position == 0


# finding --------------------------------------------------------------------------------------------------------------


def all_types(turn: Turn) -> list[VolumeType]:
    return [_type(row) for row in turn.rows("SELECT * FROM volume_types ORDER BY id")]


def find_type(turn: Turn, ident: int) -> VolumeType:
    """Raises Fault 404."""
    row = turn.row("SELECT * FROM volume_types WHERE id = ?", ident)
    if row is None:
        raise not_found("there is no such volume type")
    return _type(row)


def _type(row: sqlite3.Row) -> VolumeType:
    return VolumeType(row["id"], row["name"], bool(row["external"]))


def visible_volumes(turn: Turn, user: str, condition: str = "1", *values: object) -> list[Volume]:
    """Volumes (`v`) that a user sees and that fulfil a condition, by id."""
    seen, given = visible(turn, user, "v")
    return _volumes(turn, f"{seen} AND {condition}", *given, *values)


def find_volume(turn: Turn, user: str, ident: int) -> Volume:
    """A volume that a user sees, also a deleted one. Raises Fault 404."""
    found = visible_volumes(turn, user, "v.id = ?", ident)
    if not found:
        raise not_found("there is no such volume")
    return found[0]


def volume_by_id(turn: Turn, ident: int) -> Volume:
    """A volume that must be there, whoever sees it."""
    return _volumes(turn, "v.id = ?", ident)[0]


def server_volumes(turn: Turn, server: int) -> list[Volume]:
    """What is attached to a server, or being so, the root first."""
    return sorted(_volumes(turn, "v.server = ?", server), key=lambda volume: volume.position or 0)


def _volumes(turn: Turn, condition: str, *values: object) -> list[Volume]:
    rows = turn.rows(f"SELECT v.* FROM volumes v WHERE {condition} ORDER BY v.id", *values)  # noqa: S608
    return [_volume(row) for row in rows]


def _volume(row: sqlite3.Row) -> Volume:
    return Volume(
        row["id"],
        row["name"],
        row["description"],
        row["status"],
        row["size"],
        row["type"],
        row["user"],
        row["project"],
        bool(row["shared"]),
        row["server"],
        row["position"],
        row["image"],
        row["snapshot"],
        bool(row["with_server"]),
        json.loads(row["metadata"]),
        row["created"],
        row["updated"],
    )


# changing -------------------------------------------------------------------------------------------------------------


def add_volume(
    turn: Turn,
    owner: Owner,
    kind: VolumeType,
    size: int,
    *,
    status: str,
    server: int | None,
    name: str | None = None,
    description: str = "",
    image: str | None = None,
    snapshot: str | None = None,
    metadata: Mapping[str, str] | None = None,
) -> int:
    """Make a volume and charge it; returns its id. Raises Fault 400, 413."""
    if not 1 <= size <= MAX_SIZE:
        raise bad_request(f"the size of a volume is 1 to {MAX_SIZE} GiB")
    quota.charge(turn.connection, owner.user, owner.project, DISK, size * GIB)
    return turn.insert(
        "INSERT INTO volumes (name, description, status, size, type, user, project, shared, server, position, image,"
        " snapshot, with_server, metadata, created, updated) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?, ?)",
        name,
        description,
        status,
        size,
        kind.id,
        owner.user,
        owner.project,
        owner.shared,
        server,
        None if server is None else free_position(turn, server),
        image,
        snapshot,
        json.dumps(dict(metadata or {})),
        turn.now,
        turn.now,
    )


def free_position(turn: Turn, server: int) -> int:
    """The lowest place among a server's volumes that none has. Raises Fault 400 when there is no room."""
    taken = {volume.position for volume in server_volumes(turn, server)}
    for position in range(MAX_VOLUMES):
        if position not in taken:
            return position
    raise bad_request(f"a server has at most {MAX_VOLUMES} volumes")


def set_volume_status(turn: Turn, ident: int, status: str) -> None:
    """Change what a volume is; one that is available is on no server."""
    turn.run("UPDATE volumes SET status = ?, updated = ? WHERE id = ?", status, turn.now, ident)
    if status == "available":
        turn.run("UPDATE volumes SET server = NULL, position = NULL WHERE id = ?", ident)


def move_volume(turn: Turn, volume: Volume, wanted: Reassignment) -> None:
    """Let another project pay. Raises Fault 413, 400 for one that is not the owner's."""
    quota.charge(turn.connection, volume.user, wanted.project, DISK, 0)
    quota.reassign(turn.connection, volume.user, volume.project, wanted.project, DISK, volume.size * GIB)
    turn.run(
        "UPDATE volumes SET project = ?, shared = ?, updated = ? WHERE id = ?",
        wanted.project,
        wanted.shared,
        turn.now,
        volume.id,
    )


def delete_volume_row(turn: Turn, volume: Volume) -> None:
    """End a volume and give back what it was charged for; it stays readable."""
    quota.release(turn.connection, volume.user, volume.project, DISK, volume.size * GIB)
    turn.run(
        "UPDATE volumes SET status = 'deleted', server = NULL, position = NULL, updated = ? WHERE id = ?",
        turn.now,
        volume.id,
    )
