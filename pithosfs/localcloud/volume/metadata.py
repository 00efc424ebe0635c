"""Metadata of volumes (compute.md 9.1, 9.4)."""

from __future__ import annotations

import json
from collections.abc import Mapping

from pithosfs.localcloud.compute.metadata import metadata_key
from pithosfs.localcloud.faults import bad_request
from pithosfs.localcloud.sandbox.fields import checked_texts
from pithosfs.localcloud.sandbox.routes import Call, Reply
from pithosfs.localcloud.sandbox.turn import Turn
from pithosfs.localcloud.volume.model import Volume, find_volume
from pithosfs.localcloud.volume.volumes import MAX_KEY, MAX_METADATA, MAX_VALUE, changeable_volume

__all__ = ["add_metadata", "list_metadata", "remove_item", "replace_metadata"]


def list_metadata(turn: Turn, call: Call) -> Reply:
    return Reply(200, {"metadata": dict(find_volume(turn, call.user, call.ident).metadata)})


def add_metadata(turn: Turn, call: Call) -> Reply:
    """Set some; the others stay."""
    given = _given(call)
    volume = changeable_volume(turn, call)
    return _save(turn, volume, {**volume.metadata, **given})


def replace_metadata(turn: Turn, call: Call) -> Reply:
    """Set all."""
    given = _given(call)
    return _save(turn, changeable_volume(turn, call), given)


def remove_item(turn: Turn, call: Call) -> Reply:
    key = metadata_key(call)
    volume = changeable_volume(turn, call)
    if key not in volume.metadata:
        raise bad_request(f"the volume has no metadata {key!a}")
    _save(turn, volume, {name: value for name, value in volume.metadata.items() if name != key})
    return Reply(200)


def _given(call: Call) -> dict[str, str]:
    return checked_texts(call.body.get("metadata"), "metadata", MAX_METADATA, MAX_KEY, MAX_VALUE)


def _save(turn: Turn, volume: Volume, metadata: Mapping[str, str]) -> Reply:
    if len(metadata) > MAX_METADATA:
        raise bad_request(f"a volume has at most {MAX_METADATA} metadata items")
    turn.run(
        "UPDATE volumes SET metadata = ?, updated = ? WHERE id = ?", json.dumps(dict(metadata)), turn.now, volume.id
    )
    return Reply(200, {"metadata": dict(metadata)})
