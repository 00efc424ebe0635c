"""The disks of a new server: what `imageRef` and `block_device_mapping_v2` ask for (compute.md 3.5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pithosfs.localcloud.compute.model import Flavor
from pithosfs.localcloud.faults import bad_request
from pithosfs.localcloud.image.registry import readable_image
from pithosfs.localcloud.objects.images import Image
from pithosfs.localcloud.sandbox.fields import Fields
from pithosfs.localcloud.sandbox.owners import Owner
from pithosfs.localcloud.sandbox.routes import Call
from pithosfs.localcloud.sandbox.turn import Turn
from pithosfs.localcloud.volume.model import GIB, MAX_VOLUMES, add_volume, find_type, find_volume, free_position
from pithosfs.localcloud.volume.states import VolumeAction, check_volume

__all__ = ["Disk", "add_disks", "check_source", "check_usable", "read_disks"]

_SOURCES = ("image", "snapshot", "volume", "blank")


@dataclass(frozen=True, slots=True)
class Disk:
    """One disk: a new one of `size` GiB, made from `image` or `snapshot` or nothing, or a `volume` that there is.

    `with_server`: it goes when the server is deleted.
    """

    size: int
    type: int
    image: str | None = None
    snapshot: str | None = None
    volume: int | None = None
    with_server: bool = True


def read_disks(turn: Turn, call: Call, fields: Fields, flavor: Flavor) -> list[Disk]:
    """What the request asks for, the root first. Raises Fault 400, 403, 404."""
    reference = fields.raw("imageRef")
    if reference is not None and not isinstance(reference, str):
        raise bad_request("imageRef must be a string")
    image = readable_image(turn, call.user, _last_part(reference)) if reference else None
    items = fields.items("block_device_mapping_v2") or []
    if len(items) > MAX_VOLUMES:
        raise bad_request(f"a server has at most {MAX_VOLUMES} volumes")
    if not items:
        if image is None:
            raise bad_request("imageRef is empty and no block device gives the root disk")
        check_usable(image)
        check_source(image, flavor.disk)
        return [Disk(flavor.disk, flavor.volume_type, image=image.uuid)]
    disks = [_disk(turn, call, item, flavor, root=not position) for position, item in enumerate(items)]
    if image is not None and image.uuid not in (disks[0].image, disks[0].snapshot):
        raise bad_request("imageRef is not the image of the root disk")
    given = [disk.volume for disk in disks if disk.volume is not None]
    if len(set(given)) < len(given):
        raise bad_request("one volume cannot be two disks")
    return disks


def _last_part(reference: str) -> str:
    """An image is also named by its address."""
    return reference.rpartition("/")[2]


def _disk(turn: Turn, call: Call, item: Any, flavor: Flavor, *, root: bool) -> Disk:
    fields = Fields({"block_device": item}, "block_device")
    source = fields.text("source_type", 32)
    if source not in _SOURCES:
        raise bad_request(f"{source!a} is no source of a block device")
    if source == "blank":
        if root:
            raise bad_request("the root disk cannot be blank")
        return Disk(_new_size(fields), flavor.volume_type, with_server=_stays_with_server(fields))
    uuid = fields.raw("uuid")
    if not uuid:
        raise bad_request("a block device needs the uuid of its source")
    if source == "volume":
        return _present_volume(turn, call, fields, flavor)
    image = readable_image(turn, call.user, fields.text("uuid", 255))
    if image.is_snapshot != (source == "snapshot"):
        raise bad_request(f"{image.uuid} is no {source}")
    if not root and not find_type(turn, flavor.volume_type).external:
        raise bad_request(f"disks of type {flavor.template} cannot be made from a source, but for the root")
    check_usable(image)
    size = _new_size(fields, flavor.disk if root else None)
    check_source(image, size)
    keep = _stays_with_server(fields)
    if source == "snapshot":
        return Disk(size, flavor.volume_type, snapshot=image.uuid, image=image.uuid, with_server=keep)
    return Disk(size, flavor.volume_type, image=image.uuid, with_server=keep)


def _present_volume(turn: Turn, call: Call, fields: Fields, flavor: Flavor) -> Disk:
    volume = find_volume(turn, call.user, fields.number("uuid"))
    check_volume(volume.status, VolumeAction.ATTACH)
    if volume.type != flavor.volume_type:
        raise bad_request(f"volume {volume.id} is of another type than the flavor")
    keep = fields.flag("delete_on_termination", default=False)
    return Disk(volume.size, volume.type, image=volume.image, volume=volume.id, with_server=keep)


def _new_size(fields: Fields, default: int | None = None) -> int:
    return fields.number("volume_size", default)


def _stays_with_server(fields: Fields) -> bool:
    """New disks always go with their server. Raises Fault 400 for the wish that they stay."""
    if not fields.flag("delete_on_termination", default=True):
        raise bad_request("a disk that is made for a server goes with it")
    return True


def check_usable(image: Image) -> None:
    """Raises Fault 400 for an image that is not there yet."""
    if image.status.upper() != "AVAILABLE":
        raise bad_request(f"the image {image.uuid} is {image.status}")


def check_source(image: Image, size: int) -> None:
    """Raises Fault 400 when a disk of `size` GiB does not hold the bytes of an image."""
    if image.version.size > size * GIB:
        raise bad_request(f"{size} GiB are too few for the image {image.uuid}")


def add_disks(turn: Turn, owner: Owner, server: int, disks: list[Disk]) -> None:
    """Make the new ones and take those that there are. Raises Fault 413."""
    for position, disk in enumerate(disks):
        if disk.volume is not None:
            turn.run(
                "UPDATE volumes SET status = 'attaching', server = ?, position = ?, with_server = ?, updated = ?"
                " WHERE id = ?",
                server,
                free_position(turn, server),
                disk.with_server,
                turn.now,
                disk.volume,
            )
            continue
        add_volume(
            turn,
            owner,
            find_type(turn, disk.type),
            disk.size,
            status="creating",
            server=server,
            name=None if not position else f"disk {position}",
            image=disk.image,
            snapshot=disk.snapshot,
        )
