"""Volumes of servers: which there are, attaching and detaching (compute.md 8)."""

from __future__ import annotations

from typing import Any

from pithosfs.localcloud.compute.model import Server, find_flavor, find_server
from pithosfs.localcloud.compute.states import Action
from pithosfs.localcloud.compute.working import begin, require
from pithosfs.localcloud.faults import Fault, bad_request
from pithosfs.localcloud.sandbox.fields import Fields
from pithosfs.localcloud.sandbox.routes import Call, Reply
from pithosfs.localcloud.sandbox.turn import Turn
from pithosfs.localcloud.volume.model import (
    Volume,
    find_type,
    find_volume,
    free_position,
    server_volumes,
    set_volume_status,
)
from pithosfs.localcloud.volume.states import VolumeAction, check_volume

__all__ = ["attach_volume", "delete_attached", "detach_volume", "list_attachments", "show_attachment"]


def list_attachments(turn: Turn, call: Call) -> Reply:
    server = find_server(turn, call.user, call.ident)
    found = [_json(server, volume.id) for volume in server_volumes(turn, server.id)]
    return Reply(200, {"volumeAttachments": found})


def show_attachment(turn: Turn, call: Call) -> Reply:
    server = find_server(turn, call.user, call.ident)
    return Reply(200, {"volumeAttachment": _json(server, _attached(turn, server, call.number(1)).id)})


def attach_volume(turn: Turn, call: Call) -> Reply:
    ident = Fields(call.body, "volumeAttachment").number("volumeId")
    server = find_server(turn, call.user, call.ident)
    try:
        volume = find_volume(turn, call.user, ident)
    except Fault:
        raise bad_request(f"there is no volume {ident}") from None
    require(server, Action.ATTACH_VOLUME)
    after = check_volume(volume.status, VolumeAction.ATTACH)
    kind = find_type(turn, volume.type)
    if not kind.external:
        raise bad_request(f"volumes of type {kind.name} cannot be attached")
    if volume.type != find_flavor(turn, server.flavor).volume_type:
        raise bad_request(f"the server has disks of another type than {kind.name}")
    position = free_position(turn, server.id)
    begin(turn, server, Action.ATTACH_VOLUME, {"volume": volume.id})
    turn.run("UPDATE volumes SET server = ?, position = ? WHERE id = ?", server.id, position, volume.id)
    set_volume_status(turn, volume.id, after)
    return Reply(202, {"volumeAttachment": _json(server, volume.id)})


def detach_volume(turn: Turn, call: Call) -> Reply:
    server = find_server(turn, call.user, call.ident)
    volume = _attached(turn, server, call.number(1))
    if volume.is_root:
        raise bad_request("the root volume of a server cannot be detached")
    kind = find_type(turn, volume.type)
    if not kind.external:
        raise bad_request(f"volumes of type {kind.name} cannot be detached")
    _take_off(turn, server, volume, VolumeAction.DETACH)
    return Reply(202)


def delete_attached(turn: Turn, server: Server, volume: Volume) -> None:
    """Begin to delete a volume that a server has. Raises Fault 400."""
    if volume.is_root:
        raise bad_request("the root volume of a server goes with it only")
    _take_off(turn, server, volume, VolumeAction.DELETE_ATTACHED)


def _take_off(turn: Turn, server: Server, volume: Volume, action: VolumeAction) -> None:
    require(server, Action.DETACH_VOLUME)
    after = check_volume(volume.status, action)
    begin(turn, server, Action.DETACH_VOLUME, {"volume": volume.id})
    set_volume_status(turn, volume.id, after)


def _attached(turn: Turn, server: Server, ident: int) -> Volume:
    """A volume of a server. Raises Fault 400 for any other."""
    for volume in server_volumes(turn, server.id):
        if volume.id == ident:
            return volume
    raise bad_request(f"the server has no volume {ident}")


def _json(server: Server, volume: int) -> dict[str, Any]:
    return {"id": volume, "volumeId": volume, "serverId": server.id, "device": ""}
