"""Containers as they are written on the command line, and as they are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pithosfs.errors import UsageError
from pithosfs_cli.locations import Location, parse_location
from pithosfs_cli.output import iso_time

if TYPE_CHECKING:
    from pithosfs.store import ContainerInfo

__all__ = ["container_place", "container_record", "pair"]


def container_place(text: str) -> Location:
    """A container as it is written: its bare name, or any form of a place that names nothing inside."""
    if not text.startswith(("/", "pithos://")):
        text = f"/{text}"
    place = parse_location(text.rstrip("/") if text.count("/") > 1 and not text.endswith("://") else text, "")
    if not place.container or place.name:
        raise UsageError(f"{text.lstrip('/')!r} is not the name of a container", hint="give a name without slashes")
    return place


def pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise UsageError(f"{text!r} is not KEY=VALUE")
    return key, value


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
