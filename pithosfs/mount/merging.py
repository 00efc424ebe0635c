"""Two changes of one pending row that were both derived from the same older state of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from enum import Enum

from pithosfs.mount.pending import Pending

__all__ = ["Merged", "merge"]

_CONTENT = ("kind", "content", "origin", "base", "base_info", "extents")
_OTHER = ("content_type", "delivery", "sharing", "public", "state", "ready_at")


class Merged(Enum):
    """When there is no row that is both."""

    CLASH = "clash"


def merge(ancestor: Pending, made: Pending, current: Pending) -> Pending | Merged:
    """The current row with what `made` changed against their common ancestor."""
    changes: dict[str, object] = {}
    if _differ(ancestor, made, _CONTENT):
        if _differ(ancestor, current, _CONTENT):
            return Merged.CLASH
        changes.update((one, getattr(made, one)) for one in _CONTENT)
    changes.update((one, getattr(made, one)) for one in _OTHER if getattr(made, one) != getattr(ancestor, one))
    meta = _merged_meta(ancestor.meta, made.meta, current.meta)
    return replace(current, meta=meta, **changes)  # type: ignore[arg-type]


def _differ(one: Pending, other: Pending, fields: tuple[str, ...]) -> bool:
    return any(getattr(one, field) != getattr(other, field) for field in fields)


def _merged_meta(ancestor: Mapping[str, str], made: Mapping[str, str], current: Mapping[str, str]) -> dict[str, str]:
    merged = dict(current)
    for key in ancestor.keys() | made.keys():
        if made.get(key) != ancestor.get(key):
            if key in made:
                merged[key] = made[key]
            else:
                merged.pop(key, None)
    return merged
