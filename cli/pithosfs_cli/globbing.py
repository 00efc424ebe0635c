"""Patterns for names in the cloud: `*`, `?` and `[…]` within one part of a path, `**` across its slashes.

The local shell does not expand them, since it sees no local files of such names; so they mean here what they mean
there:

    *.jpg       every name in the folder that ends so          album/*/      its folders only
    a?[0-9]     one character; one of a set                    **/*.jpg      in this folder and in all below
    .*          names that begin with a dot                    album/**      everything below

Names, and folders, that begin with a dot are found only by a pattern that writes the dot. An object that has the very
name that is written is meant before anything that the name matches: `report[1].txt` is never taken for `report1.txt`
when both are there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from pithosfs.errors import NotAllowed, NotFound
from pithosfs_cli.addressing import addressed
from pithosfs_cli.locations import Location

if TYPE_CHECKING:
    from pithosfs.store import ObjectInfo, ObjectStore

__all__ = ["Match", "expand", "glob_option", "is_pattern", "matcher"]

_MAGIC = re.compile(r"[*?[]")

glob_option = click.option("--no-glob", is_flag=True, help="Take *, ? and [ in PATH as they are.")


@dataclass(frozen=True, slots=True)
class Match:
    """What a written place stands for. `info` is known when it was looked at or a listing told it; `is_folder` when it
    is one for sure (a marker, or names below it)."""

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
        begins = at == 0 or pattern[at - 1] == "/"
        visible = r"(?!\.)" if begins else ""
        if pattern.startswith("**", at):
            end = at + 2
            while pattern.startswith("*", end):
                end += 1
            folders = r"(?:(?!\.)[^/]*/)*"
            if begins and pattern.startswith("/", end):
                parts.append(folders)
                end += 1
            elif begins and end == len(pattern):
                parts.append(rf"{folders}(?!\.)[^/]*")
            else:
                parts.append(visible + ".*")
            at = end
        elif pattern[at] == "*":
            parts.append(visible + "[^/]*")
            at += 1
        elif pattern[at] == "?":
            parts.append(visible + "[^/]")
            at += 1
        elif pattern[at] == "[" and (end := _bracket_end(pattern, at)) > 0:
            parts.append(visible + _bracket(pattern[at + 1 : end]))
            at = end + 1
        else:
            parts.append(re.escape(pattern[at]))
            at += 1
    return re.compile("".join(parts), re.DOTALL)


def _bracket_end(pattern: str, start: int) -> int:
    """Where the set that begins here ends, or -1. A bracket that comes first in it belongs to it."""
    first = start + 1 + (pattern[start + 1 : start + 2] in ("!", "^"))
    return pattern.find("]", first + 1)


def _bracket(inside: str) -> str:
    """One character of a set. A range that runs backwards holds nothing; a minus at either end is itself."""
    negated = inside[0] in "!^"
    inside = inside[negated:]
    members: list[str] = []
    at = 0
    while at < len(inside):
        low = high = inside[at]
        if at + 2 < len(inside) and inside[at + 1] == "-":
            high = inside[at + 2]
            at += 2
        if low <= high:
            members.append(f"{re.escape(low)}-{re.escape(high)}")
        at += 1
    if not members:
        return "[^/]" if negated else "(?!)"
    return f"(?!/)[{'^' if negated else ''}{''.join(members)}]"


def expand(store: ObjectStore, places: Sequence[Location], *, literally: bool = False) -> Iterator[Match]:
    """The places, each pattern among them replaced by what it matches, sorted, each once.

    Raises NotFound for a pattern that matches nothing. What has no pattern in it is passed on without being looked for.
    """
    seen: set[Location] = set()
    for place in places:
        found = iter([Match(place)]) if literally or not is_pattern(place.name) else _matches(store, place)
        for match in found:
            if match.place not in seen:
                seen.add(match.place)
                yield match


def _matches(store: ObjectStore, place: Location) -> Iterator[Match]:
    try:
        info = store.head(place.path(store))
    except (NotFound, NotAllowed):  # of others' objects only those that are shared can be seen
        pass
    else:
        yield Match(place, info, info.is_directory)
        return
    magic = _MAGIC.search(place.name)
    assert magic is not None
    wanted = place.name.rstrip("/") or place.name
    prefix = place.name[: place.name.rfind("/", 0, magic.start()) + 1]
    # One level is listed as such; anything deeper is looked for among all names below.
    delimiter = "/" if "/" not in wanted[len(prefix) :] and "**" not in wanted else None
    fits = matcher(wanted).fullmatch
    any_found = False
    with addressed(store, place.named("")):
        for page in store.list_pages(place.container, prefix=prefix, delimiter=delimiter, account=place.account):
            found = {one.name: Match(place.named(one.name), one, one.is_directory) for one in page.objects}
            for folder in page.folders if delimiter else _parents(found, len(prefix)):
                # A marker came before what is in its folder, perhaps on an earlier page; `expand` lets each come once.
                found.setdefault(folder, Match(place.named(folder), None, True))
            for name in sorted(found):
                if fits(name) and (found[name].is_folder or not place.name.endswith("/")):
                    any_found = True
                    yield found[name]
    if not any_found:
        raise NotFound(
            f"nothing matches {place}",
            404,
            hint="see what is there: pithosfs file list; --no-glob takes the pattern as a name",
        )


def _parents(names: dict[str, Match], start: int) -> list[str]:
    """The folders that names are in, without those above the listing."""
    found: dict[str, None] = {}
    for name in names:
        end = name.find("/", start)
        while end > 0:
            found[name[:end]] = None
            end = name.find("/", end + 1)
    return list(found)
