"""Amounts of resources: what may be used of them, what is, and how both are written for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pithosfs.errors import UsageError

__all__ = ["UNLIMITED", "Holding", "is_size", "parse_amount", "shown_amount"]

UNLIMITED = 2**63 - 1
"""What stands for "no limit" on the wire (identity.md section 1.1)."""
_NO_LIMIT = "no limit"


@dataclass(frozen=True, slots=True)
class Holding:
    """What one user has of one resource in one project."""

    limit: int
    usage: int
    project_limit: int
    project_usage: int

    @classmethod
    def of(cls, sent: Mapping[str, Any]) -> Holding:
        """From the numbers of an answer."""
        usage = int(sent.get("usage") or 0)
        limit = int(sent.get("limit") or 0)
        return cls(limit, usage, int(sent.get("project_limit", limit)), int(sent.get("project_usage", usage)))

    @property
    def ceiling(self) -> int:
        """How much the user can come to use: the own limit, or what the others leave of the project's."""
        if self.project_limit >= UNLIMITED:
            return self.limit
        return max(0, min(self.limit, self.project_limit - (self.project_usage - self.usage)))

    @property
    def percent(self) -> int | None:
        """How much of that is used, rounded down; None where there is no limit. Nothing of nothing is not full."""
        ceiling = self.ceiling
        if ceiling >= UNLIMITED:
            return None
        return self.usage * 100 // ceiling if ceiling else 100 * (self.usage > 0)


def is_size(resources: Mapping[str, Any], name: str) -> bool:
    """Whether a resource is counted in bytes; `resources` is what the service says of them."""
    return (resources.get(name) or {}).get("unit") == "bytes"


def shown_amount(amount: Any, *, size: bool = False) -> str:
    """For people: `no limit`, a size, or a number."""
    if not isinstance(amount, int):
        return "-"
    if amount >= UNLIMITED:
        return _NO_LIMIT
    if not size:
        return str(amount)
    from pithosfs.config import format_size

    return format_size(amount)


def parse_amount(text: str) -> int:
    """A number, a size (`8GiB`), or `unlimited`. Raises UsageError."""
    if text.strip().lower() in ("unlimited", "inf", "infinite"):
        return UNLIMITED
    from pithosfs.config import parse_size

    try:
        amount = parse_size(text)
    except UsageError:
        amount = -1
    if not 0 <= amount <= UNLIMITED:
        raise UsageError(f"{text!r} is not an amount", hint="write a whole number, a size as in 8GiB, or unlimited")
    return amount
