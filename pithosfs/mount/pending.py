"""One pending change: what the journal keeps, and how it looks in SQLite."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Literal

from pithosfs.blocks import Hashmap
from pithosfs.mount.origin import Origin
from pithosfs.store import Delivery, ObjectInfo, ObjectPath, Sharing

__all__ = ["COLUMNS", "Kinds", "Pending", "State", "from_row", "to_row"]

Kinds = Literal["file", "folder", "symlink", "gone"]


class State(StrEnum):
    """What is being done about a change."""

    OPEN = "open"  # the file is still open; put here by an fsync, not sent before it is closed
    PENDING = "pending"  # to be sent
    UPLOADING = "uploading"  # being sent; after a restart it is pending again
    FAILED = "failed"  # the cloud refuses it; kept, and tried again when somebody asks for it
    CONFLICT = "conflict"  # somebody else was faster: this is our copy beside theirs, to be sent


@dataclass(frozen=True, slots=True)
class Pending:
    """What is to become of one name on the server.

    `content` is the new content of a file or symlink, None when only metadata changes; blocks of it that are not staged
    come from `origin`. `base` is the ETag on the server that the change is based on, "" when the name was free there,
    None for no condition; `base_info` what was there. `meta` is all metadata to send, `delivery` goes with a new
    content (None: that of what it replaces). `sharing` and `public` are set
    with it unless None. `extents` are the changed byte ranges (offset, length) against the origin, None when not known.
    `generation` counts the changes of a row; `ready_at` and `created` are seconds since the epoch.
    """

    id: int
    path: ObjectPath
    kind: Kinds
    content: Hashmap | None
    origin: Origin | None
    base: str | None
    base_info: ObjectInfo | None
    meta: Mapping[str, str]
    content_type: str
    sharing: Sharing | None = None
    public: bool | None = None
    extents: tuple[tuple[int, int], ...] | None = None
    generation: int = 0
    state: State = State.PENDING
    error: str = ""
    attempts: int = 0
    ready_at: float = 0.0
    created: float = field(default=0.0)
    delivery: Delivery | None = None

    @property
    def blocks(self) -> tuple[str, ...]:
        """The names of the blocks of the new content."""
        return self.content.hashes if self.content is not None else ()

    @property
    def growth(self) -> int:
        """Bytes by which the account's usage grows when this is sent; negative when it shrinks."""
        before = self.base_info.size if self.base_info is not None and self.base else 0
        if self.kind == "gone":
            return -before
        return self.content.size - before if self.content is not None else 0


# Columns of the table `pending` in the order of `to_row`; journal.py has the schema.
COLUMNS = (
    "account", "container", "name", "kind", "generation", "state", "error", "ready_at", "created", "durable", "base",
    "size", "block_size", "algorithm", "blocks", "origin_size", "origin_blocks", "rest",
)  # fmt: skip


def to_row(pending: Pending, *, durable: bool) -> tuple[Any, ...]:
    """The values of `COLUMNS`."""
    content, origin, path = pending.content, pending.origin, pending.path
    rest = {
        "meta": dict(pending.meta),
        "content_type": pending.content_type,
        "sharing": None if pending.sharing is None else asdict(pending.sharing),
        "public": pending.public,
        "delivery": None if pending.delivery is None else asdict(pending.delivery),
        "extents": pending.extents,
        "base_info": None if pending.base_info is None else _info_to_json(pending.base_info),
        "origin": None
        if origin is None
        else [
            origin.path.account,
            origin.path.container,
            origin.path.name,
            origin.version,
            origin.hashmap.block_size,
            origin.hashmap.algorithm,
        ],
    }
    return (
        path.account,
        path.container,
        path.name,
        pending.kind,
        pending.generation,
        pending.state.value,
        pending.error,
        pending.ready_at,
        pending.created,
        int(durable),
        pending.base,
        None if content is None else content.size,
        None if content is None else content.block_size,
        None if content is None else content.algorithm,
        None if content is None else _digests(content),
        None if origin is None else origin.hashmap.size,
        None if origin is None else _digests(origin.hashmap),
        json.dumps(rest),
    )


def from_row(row: sqlite3.Row) -> tuple[Pending, bool]:
    """The change in a row (with `id`), and whether it was to survive a power cut. Raises ValueError on damage."""
    rest: dict[str, Any] = json.loads(row["rest"])
    content = None
    if row["size"] is not None:
        content = _hashmap(row["size"], row["block_size"], row["algorithm"], row["blocks"])
    origin = None
    if rest["origin"] is not None:
        *path, version, block_size, algorithm = rest["origin"]
        hashmap = _hashmap(row["origin_size"], block_size, algorithm, row["origin_blocks"])
        origin = Origin(ObjectPath(*path), version, hashmap)
    made = Pending(
        row["id"],
        ObjectPath(row["account"], row["container"], row["name"]),
        row["kind"],
        content,
        origin,
        row["base"],
        None if rest["base_info"] is None else _info_from_json(rest["base_info"]),
        rest["meta"],
        rest["content_type"],
        None if rest["sharing"] is None else _sharing(rest["sharing"]),
        rest["public"],
        None if rest["extents"] is None else tuple((int(a), int(b)) for a, b in rest["extents"]),
        row["generation"],
        State(row["state"]),
        row["error"],
        0,
        row["ready_at"],
        row["created"],
        None if rest.get("delivery") is None else Delivery(**rest["delivery"]),
    )
    return made, bool(row["durable"])


def _digests(hashmap: Hashmap) -> bytes:
    return b"".join(bytes.fromhex(one) for one in hashmap.hashes)


def _hashmap(size: int, block_size: int, algorithm: str, digests: bytes) -> Hashmap:
    count = -(-size // block_size)
    width = len(digests) // count if count else 0
    return Hashmap(size, tuple(digests[i * width : (i + 1) * width].hex() for i in range(count)), block_size, algorithm)


def _sharing(value: Mapping[str, list[str]]) -> Sharing:
    return Sharing(tuple(value["read"]), tuple(value["write"]))


def _info_to_json(info: ObjectInfo) -> dict[str, Any]:
    values = asdict(info)
    values["meta"] = None if info.meta is None else dict(info.meta)
    return values


def _info_from_json(values: dict[str, Any]) -> ObjectInfo:
    sharing, delivery = values["sharing"], values.get("delivery")
    made = {
        "sharing": None if sharing is None else _sharing(sharing),
        "delivery": None if delivery is None else Delivery(**delivery),
    }
    return ObjectInfo(**{**values, **made})
