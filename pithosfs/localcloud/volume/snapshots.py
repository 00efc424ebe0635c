"""Snapshots: objects in the owner's container `snapshots`, registered as images (compute.md 9.6).

The object has the volume's size and consists of zeros: there is nothing on a volume here, and blocks of zeros take no
room on the disk. They are charged all the same, as the bytes of any object.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from pithosfs.blocks import DEFAULT_BLOCK_SIZE, Hashmap, block_count, block_hash
from pithosfs.localcloud import quota
from pithosfs.localcloud.compute.metadata import metadata_key
from pithosfs.localcloud.faults import Fault, bad_request, not_found
from pithosfs.localcloud.image.registry import own_image, readable_image, save_image, visible_images
from pithosfs.localcloud.objects.changes import Change, Draft
from pithosfs.localcloud.objects.headers import iso_time
from pithosfs.localcloud.objects.images import Image, find_image, forget_image, keep_image
from pithosfs.localcloud.objects.model import Container, find_container, find_object
from pithosfs.localcloud.resources import DISKSPACE
from pithosfs.localcloud.sandbox.fields import Fields, checked_texts
from pithosfs.localcloud.sandbox.polling import changes_since
from pithosfs.localcloud.sandbox.routes import Call, Reply, links
from pithosfs.localcloud.sandbox.tasks import Task, cancel, schedule
from pithosfs.localcloud.sandbox.turn import Turn
from pithosfs.localcloud.volume.model import GIB, Volume, find_type, find_volume
from pithosfs.localcloud.volume.states import VolumeAction, check_volume
from pithosfs.localcloud.volume.volumes import MAX_KEY, MAX_METADATA, MAX_TEXT, MAX_VALUE

__all__ = [
    "TASK",
    "add_snapshot_metadata",
    "create_snapshot",
    "delete_snapshot",
    "finish_snapshot",
    "list_snapshot_metadata",
    "list_snapshots",
    "remove_snapshot_item",
    "replace_snapshot_metadata",
    "show_snapshot",
    "update_snapshot",
]

TASK = "snapshot"
"""The kind of the one task that snapshots have: their making."""

_CONTAINER = "snapshots"
_STATUSES = {"AVAILABLE": "AVAILABLE", "SAVING": "CREATING", "ERROR": "ERROR", "DELETED": "DELETED"}


def list_snapshots(turn: Turn, call: Call) -> Reply:
    """All that the caller may read, or what of that has changed: an empty list and never 304 (compute.md 1.3)."""
    since = changes_since(call.query, turn.now)
    found = [
        _json(call, image)
        for image, _ in visible_images(turn, call.user)
        if image.is_snapshot and (since is None or image.changed >= since)
    ]
    return Reply(200, {"snapshots": found})


def show_snapshot(turn: Turn, call: Call) -> Reply:
    return Reply(200, {"snapshot": _json(call, _snapshot(readable_image(turn, call.user, call.arguments[0])))})


# making ---------------------------------------------------------------------------------------------------------------


def create_snapshot(turn: Turn, call: Call) -> Reply:
    fields = Fields(call.body, "snapshot")
    volume = _source(turn, call, fields)
    name = fields.optional_text("display_name", MAX_TEXT) or f"Snapshot of volume {volume.id}"
    description = fields.text("display_description", MAX_TEXT, "")
    metadata = fields.texts("metadata", MAX_METADATA, MAX_KEY, MAX_VALUE)
    with turn.backend.changing(turn.connection, call.user) as change:
        container = _container(change, call.user)
        quota.check(turn.connection, call.user, container.project, DISKSPACE, volume.size * GIB)
        uuid, row = _store(turn, change, container, volume)
        keep_image(
            turn.connection,
            uuid,
            row,
            name=name,
            disk_format="diskdump",
            container_format="bare",
            status="SAVING",
            properties={"exclude_all_tasks": "yes", "description": description, **metadata},
            time=turn.now,
            volume=volume.id,
            description=description,
        )
    schedule(turn, TASK, uuid, "CREATE")
    return Reply(202, {"snapshot": _json(call, readable_image(turn, call.user, uuid))})


def _source(turn: Turn, call: Call, fields: Fields) -> Volume:
    """The volume of which a snapshot is asked for. Raises Fault 400."""
    ident = fields.number("volume_id")
    try:
        volume = find_volume(turn, call.user, ident)
    except Fault:
        raise bad_request(f"there is no volume {ident}") from None
    check_volume(volume.status, VolumeAction.SNAPSHOT)
    kind = find_type(turn, volume.type)
    if not kind.external:
        raise bad_request(f"there are no snapshots of volumes of type {kind.name}")
    return volume


def _container(change: Change, user: str) -> Container:
    """The user's container for snapshots, which is made when it is first needed."""
    found = find_container(change.connection, user, _CONTAINER)
    if found is None:
        change.add_container(change.account(user), _CONTAINER, user)
        found = find_container(change.connection, user, _CONTAINER)
        assert found is not None
    return found


def _store(turn: Turn, change: Change, container: Container, volume: Volume) -> tuple[str, int]:
    """Make the object; returns its UUID and row."""
    path = _free_path(turn, container, volume)
    hashmap, root = _zeros(volume.size)
    draft = Draft.of_hashmap(hashmap, root, "application/octet-stream", {}, "")
    change.put(container, path, find_object(turn.connection, container.id, path), draft)
    stored = find_object(turn.connection, container.id, path)
    assert stored is not None
    assert stored.version is not None
    return stored.version.uuid, stored.id


def _free_path(turn: Turn, container: Container, volume: Volume) -> str:
    """A name that no object has."""
    number = turn.now
    while True:
        path = f"snapshot-{volume.id}-{number}"
        found = find_object(turn.connection, container.id, path)
        if found is None or found.version is None:
            return path
        number += 1


@lru_cache(maxsize=32)
def _zeros(size: int) -> tuple[Hashmap, str]:
    """An object of so many GiB of zeros, and its hash: 51 200 blocks for the largest, so it is worked out once."""
    hashes = (block_hash(b""),) * block_count(size * GIB, DEFAULT_BLOCK_SIZE)
    hashmap = Hashmap(size * GIB, hashes)
    return hashmap, hashmap.root


def finish_snapshot(turn: Turn, task: Task) -> None:
    """The end of its making, unless somebody has deleted the object meanwhile."""
    image = find_image(turn.connection, task.subject)
    if image is not None and image.status == "SAVING":
        save_image(turn, image, status="AVAILABLE")


# changing -------------------------------------------------------------------------------------------------------------


def update_snapshot(turn: Turn, call: Call) -> Reply:
    fields = Fields(call.body, "snapshot")
    name = fields.optional_text("display_name", MAX_TEXT)
    description = fields.optional_text("display_description", MAX_TEXT)
    if name is None and description is None:
        raise bad_request("a change is one of display_name, display_description")
    if name == "":
        raise bad_request("display_name is empty")
    save_image(turn, _changeable(turn, call), name=name, description=description)
    return show_snapshot(turn, call)


def delete_snapshot(turn: Turn, call: Call) -> Reply:
    """The object goes too, with its history."""
    image = _changeable(turn, call)
    container = find_container(turn.connection, image.account, image.container)
    stored = find_object(turn.connection, image.container_id, image.path)
    assert container is not None
    assert stored is not None
    with turn.backend.changing(turn.connection, call.user) as change:
        change.purge(container, stored, max(change.time, image.version.time))
    forget_image(turn.connection, image.uuid)
    cancel(turn, TASK, image.uuid)
    return Reply(202)


def list_snapshot_metadata(turn: Turn, call: Call) -> Reply:
    image = _snapshot(readable_image(turn, call.user, call.arguments[0]))
    return Reply(200, {"metadata": dict(image.properties)})


def add_snapshot_metadata(turn: Turn, call: Call) -> Reply:
    """Set some; the others stay."""
    given = _given(call)
    image = _changeable(turn, call)
    return _save(turn, image, {**image.properties, **given})


def replace_snapshot_metadata(turn: Turn, call: Call) -> Reply:
    """Set all. It stays a snapshot, which it does not on the reference."""
    given = _given(call)
    return _save(turn, _changeable(turn, call), given)


def remove_snapshot_item(turn: Turn, call: Call) -> Reply:
    key = metadata_key(call)
    image = _changeable(turn, call)
    if key not in image.properties:
        raise bad_request(f"the snapshot has no metadata {key!a}")
    _save(turn, image, {name: value for name, value in image.properties.items() if name != key})
    return Reply(200)


def _given(call: Call) -> dict[str, str]:
    return checked_texts(call.body.get("metadata"), "metadata", MAX_METADATA, MAX_KEY, MAX_VALUE)


def _save(turn: Turn, image: Image, metadata: Mapping[str, str]) -> Reply:
    if len(metadata) > MAX_METADATA:
        raise bad_request(f"a snapshot has at most {MAX_METADATA} metadata items")
    save_image(turn, image, properties=metadata)
    return Reply(200, {"metadata": dict(metadata)})


def _changeable(turn: Turn, call: Call) -> Image:
    return _snapshot(own_image(turn, call.user, call.arguments[0]))


def _snapshot(image: Image) -> Image:
    """Raises Fault 404 for an image that is none."""
    if not image.is_snapshot:
        raise not_found("there is no such snapshot")
    return image


def _json(call: Call, image: Image) -> dict[str, Any]:
    status = _STATUSES.get(image.status.upper(), "UNKNOWN")
    return {
        "id": image.uuid,
        "display_name": image.name,
        "display_description": image.description,
        "status": status,
        "size": image.version.size // GIB,
        "volume_id": str(image.volume),
        "created_at": iso_time(image.registered),
        "metadata": {},
        "user_id": image.account,
        "tenant_id": image.account,
        "os-extended-snapshot-attribute:progress": "100%" if status == "AVAILABLE" else 0,
        "links": links(f"{call.base}/volume/v2.0/snapshots/{image.uuid}"),
    }
