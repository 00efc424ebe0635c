"""Filters and pages of a list of servers, for a service that has neither. Everything here is pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pithosfs.clients.json_client import Json
from pithosfs.clients.waiting import same_status

__all__ = ["chosen", "needs_details", "page"]


def needs_details(wanted: Mapping[str, Any]) -> bool:
    """Whether a brief list does not tell what the filters ask for."""
    return bool(wanted.keys() - {"name"})


def chosen(servers: Iterable[Json], wanted: Mapping[str, Any]) -> list[Json]:
    """The servers with this `name`, `status`, `image` id and `flavor` id, as far as they are given."""
    return [one for one in servers if all(_fits(one, key, value) for key, value in wanted.items())]


def _fits(server: Json, key: str, value: Any) -> bool:
    found = server.get(key)
    if key == "status":
        return same_status(str(found), str(value))
    if isinstance(found, dict):  # an image or a flavor
        found = found.get("id")
    return str(found) == str(value)  # ids are numbers in some places and texts in others


def page(servers: list[Json], marker: int | str | None, limit: int | None) -> list[Json]:
    """At most `limit` servers, from the one after that with the id `marker` on; all when there is none of that id."""
    after = next(
        (at for at, one in enumerate(servers, 1) if marker is not None and str(one.get("id")) == str(marker)), 0
    )
    return servers[after:] if limit is None else servers[after : after + limit]
