"""Patterns for names in the cloud: `*`, `?` and `[…]` within one part of a path, `**` across its slashes.

The shell does not expand them, since it sees no local files of such names; so people write them as they are used to.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import click

from pithosfs.errors import NotFound
from pithosfs_cli.addressing import addressed
from pithosfs_cli.locations import Location

if TYPE_CHECKING:
    from pithosfs.store import ObjectInfo, ObjectStore

__all__ = ["Match", "expand", "glob_option", "is_pattern", "matcher"]

_MAGIC = re.compile(r"[*?[]")

glob_option = click.option("--no-glob", is_flag=True, help="Take *, ? and [ in PATH as they are.")


@dataclass(frozen=True, slots=True)
class Match:
    """What a written place stands for. `info` is known when a listing told it; `is_folder` when it is one for sure (a
    marker, or names below it)."""

    place: Location
    info: ObjectInfo | None = None
    is_folder: bool = False


def is_pattern(text: str) -> bool:
    """Whether a name has characters that mean others."""
    return _MAGIC.search(text) is not None


def matcher(pattern: str) -> re.Pattern[str]:
    """What a whole name must look like. A bracket that is never closed stands for itself, as in the shell."""
    parts: list[str] = []
    at = 0
    while at < len(pattern):
        if pattern.startswith("**/", at):
            parts.append("(?:.*/)?")
            at += 3
        elif pattern.startswith("**", at):
            parts.append(".*")
            at += 2
        elif pattern[at] == "*":
            parts.append("[^/]*")
            at += 1
        elif pattern[at] == "?":
            parts.append("[^/]")
            at += 1
        elif pattern[at] == "[" and (end := _bracket_end(pattern, at)) > 0:
            inside = pattern[at + 1 : end]
            negated = inside[:1] in ("!", "^")
            body = "".join("-" if one == "-" else re.escape(one) for one in inside[negated:])
            parts.append(f"(?!/)[{'^' if negated else ''}{body}]")
            at = end + 1
        else:
            parts.append(re.escape(pattern[at]))
            at += 1
    return re.compile("".join(parts), re.DOTALL)


def _bracket_end(pattern: str, start: int) -> int:
    """Where the set that begins here ends, or -1. A bracket that comes first in it belongs to it."""
    first = start + 1 + (pattern[start + 1 : start + 2] in ("!", "^"))
    return pattern.find("]", first + 1)


def expand(store: ObjectStore, places: Sequence[Location], *, literally: bool = False) -> Iterator[Match]:
    """The places, each pattern among them replaced by what it matches, sorted, each once.

    A pattern that matches nothing is taken for a name if there is such an object. Raises NotFound for one that matches
    nothing and is no name either. What has no pattern in it is passed on without being looked for.
    """
    seen: set[Location] = set()
    for place in places:
        found = iter([Match(place)]) if literally or not is_pattern(place.name) else _matches(store, place)
        for match in found:
            if match.place not in seen:
                seen.add(match.place)
                yield match


def _matches(store: ObjectStore, place: Location) -> Iterator[Match]:
    magic = _MAGIC.search(place.name)
    assert magic is not None
    wanted = place.name.rstrip("/") or place.name
    prefix = place.name[: place.name.rfind("/", 0, magic.start()) + 1]
    # One level is listed as such; anything deeper is looked for among all names below.
    delimiter = "/" if "/" not in wanted[len(prefix) :] and "**" not in wanted else None
    fits = partial(re.Pattern.fullmatch, matcher(wanted))
    any_found = False
    with addressed(store, place.named("")):
        folders: dict[str, Match] = {}
        for page in store.list_pages(place.container, prefix=prefix, delimiter=delimiter, account=place.account):
            found = {one.name: Match(place.named(one.name), one, one.is_directory) for one in page.objects}
            for folder in page.folders if delimiter else _parents(found, len(prefix)):
                if folder not in found and folder not in folders:
                    folders[folder] = found[folder] = Match(place.named(folder), None, True)
            for name in sorted(found):
                if fits(name) and (found[name].is_folder or not place.name.endswith("/")):
                    any_found = True
                    yield found[name]
    if any_found:
        return
    try:
        info = store.head(place.path(store))
    except NotFound:
        raise NotFound(
            f"nothing matches {place}",
            404,
            hint="see what is there: pithosfs file list; --no-glob takes the pattern as a name",
        ) from None
    yield Match(place, info, info.is_directory)


def _parents(names: dict[str, Match], start: int) -> list[str]:
    """The folders that names are in, without those above the listing."""
    found: dict[str, None] = {}
    for name in names:
        end = name.find("/", start)
        while end > 0:
            found[name[:end]] = None
            end = name.find("/", end + 1)
    return list(found)
