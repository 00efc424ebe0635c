"""The `--if-…` options: an object is as the user wants it, or nothing is done."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import click

from pithosfs.errors import PreconditionFailed
from pithosfs_cli.dates import parse_date
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
    """Raise PreconditionFailed unless the object is as the `--if-…` options want it, UsageError for a bad date."""
    for option, text in _broken(info, conditions):
        raise PreconditionFailed(f"{place} {text}", 412, hint=f"leave out {option} to have it as it is")


def _broken(info: ObjectInfo, conditions: Mapping[str, str | None]) -> Iterator[tuple[str, str]]:
    etags = {info.etag, info.hash, "*"}
    match = conditions.get("if_match")
    if match is not None and not _tags(match) & etags:
        yield "--if-match", f"has another ETag: {info.etag}"
    none_match = conditions.get("if_none_match")
    if none_match is not None and _tags(none_match) & etags:
        yield "--if-none-match", "has that ETag"
    seconds = info.modified_ns // 1_000_000_000
    since = conditions.get("if_modified_since")
    if since is not None and seconds <= parse_date(since):
        yield "--if-modified-since", f"has not changed since {since}"
    until = conditions.get("if_unmodified_since")
    if until is not None and seconds > parse_date(until):
        yield "--if-unmodified-since", f"has changed since {until}"


def _tags(text: str) -> set[str | None]:
    """The tags of a condition (object-store.md section 15): one or several, quoted or bare, in any case."""
    return {one.strip().strip('"').lower() for one in text.split(",")}
