"""The journal rows that the operations of the file system make."""

from __future__ import annotations

import time
from typing import Any, Literal

from pithosfs.blocks import Hashmap
from pithosfs.mount.journal import Pending, State
from pithosfs.mount.nodes import Node
from pithosfs.mount.openfiles import OpenFile
from pithosfs.store import ObjectPath, Sharing

RowKind = Literal["file", "folder", "symlink", "gone"]

__all__ = ["RowKind", "content_row", "gone_row", "new_row", "replacing"]


def new_row(path: ObjectPath, kind: RowKind, *, ready_at: float, **fields: Any) -> Pending:
    """A row with nothing in it but what is given."""
    values: dict[str, Any] = {
        "content": None,
        "origin": None,
        "base": "",
        "base_info": None,
        "meta": {},
        "content_type": "",
        "sharing": None,
        "public": None,
        "extents": None,
        "state": State.PENDING,
        **fields,
    }
    return Pending(
        id=0, path=path, kind=kind, generation=0, error="", attempts=0, ready_at=ready_at, created=time.time(), **values
    )


def gone_row(node: Node, ready_at: float) -> Pending:
    """The row that deletes what the server has under a node's path."""
    return new_row(node.path, "gone", base=node.base, base_info=node.info, ready_at=ready_at)


def content_row(
    file: OpenFile, path: ObjectPath, content: Hashmap, before: Pending | None, *, state: State, ready_at: float
) -> Pending:
    """The row for the present state of an open file.

    What it is based on is in the row before it, if there is one: the uploader may have moved that on.
    """
    return new_row(
        path,
        "file",
        content=content,
        origin=file.content.origin if file.content is not None else None,
        base=before.base if before is not None else file.base,
        base_info=before.base_info if before is not None else file.base_info,
        meta=file.full_meta(),
        content_type=file.content_type,
        sharing=file.sharing,
        public=file.public,
        delivery=before.delivery if before is not None else None,
        extents=file.extents(before),
        state=state,
        ready_at=ready_at,
    )


def replacing(before: Pending | None) -> dict[str, Any]:
    """What a new node takes over from the deletion that waits under its name.

    The object becomes a new version of the deleted one; the deleted one's sharing and link must not reach it.
    """
    if before is None or before.kind != "gone":
        return {}
    info = before.base_info
    return {
        "base": before.base,
        "base_info": info,
        "sharing": Sharing() if info is None or info.own_sharing is not None else None,
        "public": False if info is None or info.public is not None else None,
    }
