"""What all changes of an object have in common: the condition they are made under, and what they have made."""

from __future__ import annotations

from collections.abc import Mapping

from pithosfs.clients.pithos import replies
from pithosfs.clients.pithos.wire import Conditions, PithosWire
from pithosfs.errors import NotAllowed, NotFound
from pithosfs.http import Reply
from pithosfs.store.replies import object_from_head
from pithosfs.store.seam import ObjectInfo, ObjectPath

__all__ = ["condition", "normalised", "read_back"]


def condition(base: str | None) -> Conditions:
    """The ETag that a change is based on: None for no condition, "" for a name that must be free."""
    if base is None:
        return {}
    return {"if_match": base} if base else {"if_none_match": "*"}


def normalised(meta: Mapping[str, str]) -> dict[str, str]:
    """The keys as they come back from the server (section 13)."""
    return {key.replace("_", "-").lower(): value for key, value in meta.items()}


def read_back(wire: PithosWire, path: ObjectPath, reply: Reply) -> ObjectInfo:
    """What a change has made, from a HEAD: with sharing and publication, unless it is not the newest any more."""
    version = replies.written(reply).version
    try:
        info = _head(wire, path)
    except (NotFound, NotAllowed):
        if not version:
            raise
    else:
        if version in ("", info.version):
            return info
    return _head(wire, path, version)


def _head(wire: PithosWire, path: ObjectPath, version: str | None = None) -> ObjectInfo:
    reply = wire.object_head(path.account, path.container, path.name, version=version)
    return object_from_head(path.name, replies.object_head(reply))
