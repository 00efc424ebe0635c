"""When a volume has become what it should be."""

from __future__ import annotations

from pithosfs_cli.kinds import VOLUME, Thing
from pithosfs_cli.waiting import Goal

__all__ = ["available", "in_use", "made"]


def _folded(volume: Thing | None) -> str:
    """The status as one word: OpenStack writes `in-use`."""
    return "deleted" if volume is None else str(volume.get("status")).lower().replace("-", "_")


def _goal(volume: Thing, *statuses: str) -> Goal:
    return Goal(
        reached=lambda now: _folded(now) in statuses,
        failed=lambda now: _folded(now).startswith(("error", "deleted")),
        remedy=f"look at it: pithosfs volume info {VOLUME.id_of(volume)}",
    )


def made(volume: Thing) -> Goal:
    """That it is there, with a server or without."""
    return _goal(volume, "available", "in_use")


def in_use(volume: Thing) -> Goal:
    """That a server has it."""
    return _goal(volume, "in_use")


def available(volume: Thing) -> Goal:
    """That no server has it."""
    return _goal(volume, "available")
