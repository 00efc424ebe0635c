"""Reading a small object whole: its content and all that is told of it in one answer (object-store.md section 7.2)."""

from __future__ import annotations

import re
from dataclasses import replace

from pithosfs.clients.pithos import replies
from pithosfs.clients.pithos.wire import PithosWire
from pithosfs.errors import BadReply
from pithosfs.store.replies import object_from_head
from pithosfs.store.seam import ObjectInfo, ObjectPath

__all__ = ["get_object"]

_TOTAL = re.compile(r"bytes \d+-\d+/(\d+)", re.ASCII)


def get_object(wire: PithosWire, path: ObjectPath, version: str, size: int) -> tuple[ObjectInfo, bytes]:
    """As `ObjectStore.get_object`."""
    where = (path.account, path.container, path.name)
    if not size:  # an empty object has no ranges
        info = object_from_head(path.name, replies.object_head(wire.object_head(*where, version=version)))
        return _checked(info, path, version), b""
    # A range, because a manifest may hold any number of bytes.
    reply = wire.object_get(*where, version=version, start=0, end=size)
    total = _TOTAL.fullmatch(reply.headers.get("Content-Range", "").strip())
    if total is None:
        raise BadReply(f"a part of {path} came without saying of how much")
    info = object_from_head(path.name, replies.object_head(reply))
    return _checked(replace(info, size=int(total[1])), path, version), reply.content


def _checked(info: ObjectInfo, path: ObjectPath, version: str) -> ObjectInfo:
    if info.version != version:
        raise BadReply(f"version {version} of {path} was asked for and {info.version} came")
    # With data a disposition always comes: this one when none is stored.
    shown = path.name.replace('"', "'")
    if info.delivery is not None and info.delivery.disposition in (
        f'inline; filename="{path.name}"',
        f'inline; filename="{shown}"',
    ):
        return replace(info, delivery=replace(info.delivery, disposition=None))
    return info
