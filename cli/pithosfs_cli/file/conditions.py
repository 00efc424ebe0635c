"""The `--if-…` options: an object is as the user wants it, or nothing is done."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import click

from pithosfs.errors import PreconditionFailed, UsageError
from pithosfs_cli.locations import Location

if TYPE_CHECKING:
    from pithosfs.store import ObjectInfo

__all__ = ["check", "condition_options"]

condition_options = [
    click.option("--if-match", metavar="ETAG", help="Only if its ETag is this."),
    click.option("--if-none-match", metavar="ETAG", help="Only if its ETag is another."),
    click.option("--if-modified-since", metavar="DATE", help="Only if it has changed since then."),
    click.option("--if-unmodified-since", metavar="DATE", help="Only if it has not changed since then."),
]


def check(place: Location, info: ObjectInfo, conditions: Mapping[str, str | None]) -> None:
    """Raise PreconditionFailed unless the object is as the `--if-…` options want it."""
    for text in _broken(info, conditions):
        raise PreconditionFailed(f"{place} {text}", 412)


def _broken(info: ObjectInfo, conditions: Mapping[str, str | None]) -> Iterator[str]:
    etags = {info.etag, info.hash, "*"}
    match = conditions.get("if_match")
    if match is not None and match.strip('"') not in etags:
        yield f"has another ETag: {info.etag}"
    none_match = conditions.get("if_none_match")
    if none_match is not None and none_match.strip('"') in etags:
        yield "has that ETag"
    seconds = info.modified_ns // 1_000_000_000
    since = conditions.get("if_modified_since")
    if since is not None and seconds <= _seconds(since):
        yield f"has not changed since {since}"
    until = conditions.get("if_unmodified_since")
    if until is not None and seconds > _seconds(until):
        yield f"has changed since {until}"


def _seconds(text: str) -> int:
    """A date in any usual form as seconds since the epoch; local time when it names no zone."""
    from dateutil import parser

    try:
        return int(parser.parse(text).timestamp())
    except (ValueError, OverflowError):
        raise UsageError(
            f"{text!r} is not a date", hint="write it as 2026-01-31, '2026-01-31 14:00:00' or 2026-01-31T14:00:00Z"
        ) from None
