"""Containers as they are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pithosfs_cli.output import iso_time

if TYPE_CHECKING:
    from pithosfs.store import ContainerInfo

__all__ = ["container_record"]


def container_record(info: ContainerInfo, account: str | None) -> dict[str, Any]:
    quota = info.policy.get("quota", "")
    record: dict[str, Any] = {
        "name": info.name,
        "account": account,
        "count": info.count,
        "bytes": info.size,
        "modified": iso_time(info.modified_ns),
        "versioning": info.policy.get("versioning"),
        "quota": int(quota) if quota.isdecimal() and int(quota) else None,
        "project": info.policy.get("project"),
    }
    if account is None:
        del record["account"]
    if info.block_size is not None:
        record |= {"block_size": info.block_size, "block_hash": info.block_hash, "meta": dict(info.meta or {})}
    return record
