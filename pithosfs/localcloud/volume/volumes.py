"""Volumes: lists, one, making, changing, deleting, reassigning (compute.md 9.2 to 9.4)."""

from __future__ import annotations

from typing import Any

from pithosfs.localcloud.compute.attachments import delete_attached
from pithosfs.localcloud.compute.disks import check_source, check_usable
from pithosfs.localcloud.compute.finishing import doomed
from pithosfs.localcloud.compute.model import Server, find_flavor, find_server
from pithosfs.localcloud.compute.states import Action
from pithosfs.localcloud.compute.working import begin, require
from pithosfs.localcloud.faults import Fault, bad_request, conflict
from pithosfs.localcloud.image.registry import readable_image
from pithosfs.localcloud.objects.headers import iso_time
from pithosfs.localcloud.sandbox.fields import Fields, the_only_member
from pithosfs.localcloud.sandbox.owners import asked_owner, asked_project, require_owner
from pithosfs.localcloud.sandbox.polling import changes_since, listed
from pithosfs.localcloud.sandbox.routes import Call, Reply, links
from pithosfs.localcloud.sandbox.turn import Turn
from pithosfs.localcloud.volume.model import (
    Volume,
    VolumeType,
    add_volume,
    delete_volume_row,
    find_type,
    find_volume,
    move_volume,
    visible_volumes,
)
from pithosfs.localcloud.volume.states import VolumeAction, check_volume

__all__ = [
    "MAX_KEY",
    "MAX_METADATA",
    "MAX_TEXT",
    "MAX_VALUE",
    "act_on_volume",
    "changeable_volume",
    "create_volume",
    "delete_volume",
    "list_volumes",
    "list_volumes_in_detail",
    "show_volume",
    "update_volume",
]

MAX_TEXT = 255  # characters
MAX_METADATA, MAX_KEY, MAX_VALUE = 10, 64, 255


def list_volumes(turn: Turn, call: Call) -> Reply:
    volumes, since = _wanted(turn, call)
    return listed("volumes", [_brief(call, volume) for volume in volumes], since)


def list_volumes_in_detail(turn: Turn, call: Call) -> Reply:
    volumes, since = _wanted(turn, call)
    return listed("volumes", [_json(call, volume) for volume in volumes], since)


def _wanted(turn: Turn, call: Call) -> tuple[list[Volume], int | None]:
    since = changes_since(call.query, turn.now)
    if since is None:
        return visible_volumes(turn, call.user, "v.status != 'deleted'"), None
    return visible_volumes(turn, call.user, "v.updated >= ?", since), since


def show_volume(turn: Turn, call: Call) -> Reply:
    return Reply(200, {"volume": _json(call, find_volume(turn, call.user, call.ident))})


# making ---------------------------------------------------------------------------------------------------------------


def create_volume(turn: Turn, call: Call) -> Reply:
    """Without a server it is there at once; with one, the server is busy with it for a moment."""
    fields = Fields(call.body, "volume")
    size = fields.number("size")
    name = fields.text("display_name", MAX_TEXT)
    description = fields.text("display_description", MAX_TEXT, "")
    metadata = fields.texts("metadata", MAX_METADATA, MAX_KEY, MAX_VALUE)
    server = _server(turn, call, fields)
    kind = _type(turn, fields, server)
    image, snapshot = _source(turn, call, fields, kind, size)
    owner = asked_owner(call, fields)
    if server is not None:
        require(server, Action.ATTACH_VOLUME)
    ident = add_volume(
        turn,
        owner,
        kind,
        size,
        status=_first_status(server, failing=doomed(metadata)),
        server=None if server is None else server.id,
        name=name,
        description=description,
        image=image,
        snapshot=snapshot,
        metadata=metadata,
    )
    if server is not None:
        begin(turn, server, Action.ATTACH_VOLUME, {"volume": ident})
    return Reply(202, {"volume": _brief(call, find_volume(turn, call.user, ident))})


def _first_status(server: Server | None, *, failing: bool) -> str:
    if server is not None:
        return "creating"
    return "error" if failing else "available"


def _server(turn: Turn, call: Call, fields: Fields) -> Server | None:
    """The server that gets the volume. Raises Fault 400 for one that is not there."""
    if "server_id" not in fields:
        return None
    ident = fields.number("server_id")
    try:
        return find_server(turn, call.user, ident)
    except Fault:
        raise bad_request(f"there is no server {ident}") from None


def _type(turn: Turn, fields: Fields, server: Server | None) -> VolumeType:
    """The type that is asked for, or that of the server's disks, which it must be. Raises Fault 400."""
    asked = fields.optional_number("volume_type")
    given = None if server is None else find_flavor(turn, server.flavor).volume_type
    if asked is None and given is None:
        raise bad_request("a volume without a server needs a volume_type")
    if asked is not None and given is not None and asked != given:
        raise bad_request("the server has disks of another type")
    try:
        kind = find_type(turn, given if asked is None else asked)  # type: ignore[arg-type]  # one of them is there
    except Fault:
        raise bad_request(f"there is no volume type {asked}") from None
    if server is None and not kind.external:
        raise bad_request(f"volumes of type {kind.name} are made with a server only")
    return kind


def _source(turn: Turn, call: Call, fields: Fields, kind: VolumeType, size: int) -> tuple[str | None, str | None]:
    """What the volume is made from, as image and as snapshot. Raises Fault 400, 403, 404."""
    named = [name for name in ("imageRef", "snapshot_id", "source_volid") if name in fields]
    if len(named) > 1:
        raise bad_request("a volume has at most one source")
    if not named:
        return None, None
    if named == ["source_volid"]:
        raise bad_request("volumes cannot be copied")
    if not kind.external:
        raise bad_request(f"volumes of type {kind.name} cannot be made from a source")
    image = readable_image(turn, call.user, fields.text(named[0], MAX_TEXT))
    is_snapshot = named == ["snapshot_id"]
    if is_snapshot and not image.is_snapshot:
        raise bad_request(f"{image.uuid} is no snapshot")
    check_usable(image)
    check_source(image, size)
    return (None, image.uuid) if is_snapshot else (image.uuid, None)


# changing -------------------------------------------------------------------------------------------------------------


def update_volume(turn: Turn, call: Call) -> Reply:
    fields = Fields(call.body, "volume")
    recognised = ("display_name", "display_description", "delete_on_termination")
    if not any(name in fields for name in recognised):
        raise bad_request(f"a change is one of {', '.join(recognised)}")
    name = fields.optional_text("display_name", MAX_TEXT)
    description = fields.optional_text("display_description", MAX_TEXT)
    if not fields.flag("delete_on_termination", default=True):
        raise bad_request("volumes go with their server")
    volume = changeable_volume(turn, call)
    turn.run(
        "UPDATE volumes SET name = coalesce(?, name), description = coalesce(?, description), updated = ? WHERE id = ?",
        name,
        description,
        turn.now,
        volume.id,
    )
    if "delete_on_termination" in fields:
        turn.run("UPDATE volumes SET with_server = 1 WHERE id = ?", volume.id)
    return show_volume(turn, call)


def delete_volume(turn: Turn, call: Call) -> Reply:
    """At once when no server has it; otherwise the server is busy with it for a moment."""
    volume = find_volume(turn, call.user, call.ident)
    if volume.server is None:
        check_volume(volume.status, VolumeAction.DELETE)
        delete_volume_row(turn, volume)
    else:
        delete_attached(turn, find_server(turn, call.user, volume.server), volume)
    return Reply(202)


def act_on_volume(turn: Turn, call: Call) -> Reply:
    """`reassign`: let another project pay."""
    action, _ = the_only_member(call.body)
    if action != "reassign":
        raise bad_request(f"volumes have no action {action!a}")
    wanted = asked_project(call.body)
    volume = changeable_volume(turn, call)
    require_owner(call, volume)
    if volume.is_root:
        raise conflict("the root volume of a server is reassigned with it")
    move_volume(turn, volume, wanted)
    return Reply(200)


def changeable_volume(turn: Turn, call: Call) -> Volume:
    """The volume of the path. Raises Fault 400 for a deleted one, 404."""
    volume = find_volume(turn, call.user, call.ident)
    check_volume(volume.status, VolumeAction.CHANGE)
    return volume


# showing --------------------------------------------------------------------------------------------------------------


def _brief(call: Call, volume: Volume) -> dict[str, Any]:
    return {
        "id": str(volume.id),
        "display_name": volume.name,
        "links": links(f"{call.base}/volume/v2.0/volumes/{volume.id}"),
    }


def _json(call: Call, volume: Volume) -> dict[str, Any]:
    attachments = []
    if volume.server is not None:
        attachments.append({"server_id": volume.server, "volume_id": volume.id, "device_index": volume.position})
    return {
        **_brief(call, volume),
        "display_description": volume.description,
        "status": volume.status,
        "size": volume.size,
        "volume_type": volume.type,
        "metadata": dict(volume.metadata),
        "created_at": iso_time(volume.created),
        "attachments": attachments,
        "snapshot_id": volume.snapshot,
        "source_volid": None,
        "image_id": volume.image,
        "delete_on_termination": volume.with_server,
        "deleted": volume.status == "deleted",
        "user_id": volume.user,
        "tenant_id": volume.project,
        "shared_to_project": volume.shared,
    }
