"""A Pithos server's replies as the seam's values. Whatever is not of the protocol becomes BadReply."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pithosfs.clients.pithos.encoding import iso_ns, seconds_ns
from pithosfs.clients.pithos.replies import ContainerHead, ObjectHead
from pithosfs.errors import BadReply
from pithosfs.store.seam import ContainerInfo, Delivery, ObjectInfo, Sharing

__all__ = ["container_from_entry", "container_from_head", "object_from_entry", "object_from_head"]

_SECOND = 1_000_000_000


def object_from_head(name: str, head: ObjectHead) -> ObjectInfo:
    """From HEAD of an object (object-store.md section 7.1). The time is in whole seconds: headers have no more."""
    if not head.hash or not head.version:
        raise BadReply(f"the cloud did not tell the hash and the version of {name!r}")
    return ObjectInfo(
        name=name,
        size=head.size,
        content_type=head.content_type,
        hash=head.hash,
        version=head.version,
        modified_ns=(head.version_time or head.modified or 0) * _SECOND,
        etag=head.etag,
        uuid=head.uuid,
        modified_by=head.modified_by,
        sharing=None if head.sharing is None else Sharing.parse(head.sharing),
        shared_by=head.shared_by,
        public=head.public or None,
        meta=head.meta,
        allowed_to=head.allowed_to,
        delivery=Delivery(head.content_encoding, head.content_disposition, head.manifest),
    )


def object_from_entry(entry: Mapping[str, Any], name: str | None = None) -> ObjectInfo:
    """From an entry of a container listing (section 8.3), perhaps under another name.

    `x_object_allowed_to` is left out: there it is unreliable.
    """
    try:
        sharing = entry.get("x_object_sharing")
        size = entry["bytes"]
        if not isinstance(size, int) or size < 0 or not entry["name"]:
            raise ValueError("a bad size or name")
        return ObjectInfo(
            name=entry["name"] if name is None else name,
            size=size,
            content_type=entry.get("content_type") or "",
            hash=entry["x_object_hash"].lower(),
            version=str(entry["x_object_version"]),
            modified_ns=seconds_ns(entry["x_object_version_timestamp"]),
            uuid=entry.get("x_object_uuid") or "",
            modified_by=entry.get("x_object_modified_by") or "",
            sharing=None if sharing is None else Sharing.parse(sharing),
            public=entry.get("x_object_public") or None,
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadReply(f"the cloud listed something that is no object: {error}") from None


def container_from_head(name: str, head: ContainerHead) -> ContainerInfo:
    """From HEAD of a container (section 6)."""
    if not head.block_size or head.block_size < 0 or not head.block_hash:
        raise BadReply(f"the cloud did not tell the block size and hash of {name!r}")
    return ContainerInfo(
        name=name,
        modified_ns=(head.modified or 0) * _SECOND,
        count=head.object_count,
        size=head.bytes_used,
        policy=head.policy,
        block_size=head.block_size,
        block_hash=head.block_hash.lower(),
        object_meta_keys=head.object_meta,
        meta=head.meta,
    )


def container_from_entry(entry: Mapping[str, Any]) -> ContainerInfo:
    """From an entry of an account listing (section 8.2). No container's name has a slash."""
    name, policy = entry.get("name"), entry.get("x_container_policy") or {}
    if not isinstance(name, str) or not name or "/" in name or not isinstance(policy, Mapping):
        raise BadReply(f"the cloud listed something that is no container: {name!r}")
    count, size = entry.get("count"), entry.get("bytes")
    return ContainerInfo(
        name=name,
        modified_ns=iso_ns(str(entry.get("last_modified"))),
        count=count if isinstance(count, int) else None,
        size=size if isinstance(size, int) else None,
        policy={str(key): str(value) for key, value in policy.items()},
    )
