"""How a pair is, in the words that `pithosfs sync status` uses, and as the JSON that goes over the control socket."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from enum import StrEnum
from typing import Any

from pithosfs_daemon.activity import Running, Totals
from pithosfs_daemon.values import Reason, Trouble

__all__ = ["Condition", "PairStatus", "Situation"]

TROUBLES_SHOWN = 200  # of possibly very many; the count says how many there are


class Condition(StrEnum):
    """The answer to "am I in step?"."""

    IN_STEP = "IN STEP"  # nothing is left to do, as far as both sides were last seen
    WORKING = "WORKING"  # something is being done, or will be by itself
    PAUSED = "PAUSED"  # told not to do anything
    NEEDS_YOU = "NEEDS YOU"  # a person has to do something first


@dataclass(frozen=True, slots=True)
class Situation:
    """A condition, what it is about, and what the user can do about it ("" for nothing).

    `since` and `retry` (when it is tried again; None: no such time) are in seconds since the epoch.
    """

    condition: Condition
    what: str = ""
    todo: str = ""
    since: float = 0.0
    retry: float | None = None


@dataclass(frozen=True, slots=True)
class PairStatus:
    """Everything about a pair that a user can ask for. Sizes are bytes, times seconds since the epoch.

    `running` are the transfers under way; `totals` the pass under way (phase "": none). `files` and `bytes` are what is
    in step on both sides; None when nobody has counted. `troubles` are at most `TROUBLES_SHOWN` of the `trouble_count`
    names that are left alone.
    """

    id: str
    folder: str
    cloud: str
    remote: str
    direction: str
    situation: Situation
    alive: bool = True  # whether a daemon looks after it
    totals: Totals = field(default_factory=Totals)
    running: tuple[Running, ...] = ()
    troubles: tuple[Trouble, ...] = ()
    trouble_count: int = 0
    conflicts: int = 0
    files: int | None = None
    bytes: int | None = None
    checked: float | None = None  # when both sides were last looked at
    changed: float | None = None  # when something was last carried over
    watch_problem: str | None = None  # why local changes are not seen at once
    requests: int = 0
    bytes_sent: int = 0
    bytes_received: int = 0

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return asdict(self)

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> PairStatus:
        """The inverse of `to_json`; unknown fields (a daemon of a later version) are left out."""
        known = {one.name for one in fields(cls)}
        values = {key: value for key, value in found.items() if key in known}
        situation = dict(values["situation"])
        values["situation"] = Situation(**{**situation, "condition": Condition(situation["condition"])})
        values["totals"] = Totals(**values.get("totals", {}))
        values["running"] = tuple(Running(**one) for one in values.get("running", ()))
        values["troubles"] = tuple(
            Trouble(one["name"], Reason(one["reason"]), one["detail"]) for one in values.get("troubles", ())
        )
        return cls(**values)

    def with_troubles(self, troubles: tuple[Trouble, ...]) -> PairStatus:
        """With as many of them as a status carries."""
        return replace(self, troubles=troubles[:TROUBLES_SHOWN], trouble_count=len(troubles))
