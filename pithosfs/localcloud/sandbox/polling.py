"""`changes-since`: what has changed since a moment, what was deleted meanwhile included (compute.md 1.3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pithosfs.localcloud.faults import bad_request
from pithosfs.localcloud.sandbox.routes import Reply

__all__ = ["POLL_WINDOW", "changes_since", "listed"]

POLL_WINDOW = 3600
"""Seconds: how far back one may ask."""


def changes_since(query: Mapping[str, str], now: int) -> int | None:
    """The moment that a list is asked for, in microseconds; None when it is not. Raises Fault 400."""
    text = query.get("changes-since")
    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise bad_request("changes-since is no ISO 8601 date") from None
    if time.tzinfo is None:
        raise bad_request("changes-since needs an offset from UTC")
    try:
        since = round(time.timestamp() * 1_000_000)
    except (OverflowError, ValueError):
        raise bad_request("changes-since is out of range") from None
    if since > now:
        raise bad_request("changes-since is in the future")
    if since < now - POLL_WINDOW * 1_000_000:
        raise bad_request(f"changes-since goes back {POLL_WINDOW} seconds at most")
    return since


def listed(name: str, items: Sequence[Any], since: int | None) -> Reply:
    """The reply with a list: 304 when changes were asked for and there are none."""
    if since is not None and not items:
        return Reply(304)
    return Reply(200, {name: list(items)})
