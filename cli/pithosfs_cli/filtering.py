"""The options with which lists are cut down on this side, and what they let through.

Services of compute, network and volumes take filters and do not apply them (compute.md section 1), so every list comes
whole and is sifted here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from pithosfs.errors import UsageError
from pithosfs_cli.options import PAIR

if TYPE_CHECKING:
    from pithosfs_cli.kinds import Kind, Thing

__all__ = [
    "Sieve",
    "TextFilter",
    "filter_option",
    "has_pairs",
    "id_options",
    "name_options",
    "number_option",
    "sieve_options",
]


def _text_options(what: str, of: str, case: str) -> list[Callable[[Any], Any]]:
    return [
        click.option(f"--{what}", f"{what}_is", metavar=of, help=f"Only this {what}{case}."),
        click.option(f"--{what}-prefix", metavar="TEXT", help=f"Only {what}s that begin so{case}."),
        click.option(f"--{what}-suffix", metavar="TEXT", help=f"Only {what}s that end so{case}."),
        click.option(f"--{what}-like", metavar="TEXT", help=f"Only {what}s that contain this{case}."),
    ]


number_option = click.option("-n", "--number", type=click.IntRange(1), metavar="N", help="Show at most so many.")
name_options = _text_options("name", "NAME", ", in any case")
id_options = _text_options("id", "ID", "")
filter_option = click.option(
    "--filter",
    "filters",
    type=PAIR,
    multiple=True,
    metavar="FIELD=VALUE",
    help="Only where a field (as --output json shows it) is this; may be repeated.",
)
sieve_options = [number_option, *name_options, *id_options, filter_option]
"""For lists of things; `Sieve.of` reads their values."""


@dataclass(frozen=True, slots=True)
class TextFilter:
    """What a name or id has to be, to begin and to end with and to contain; any, unless told. No case matters."""

    equals: str | None = None
    prefix: str | None = None
    suffix: str | None = None
    contains: str | None = None

    @classmethod
    def of(cls, options: Mapping[str, Any], what: str) -> TextFilter:
        """From the values of `name_options` ("name") or `id_options` ("id")."""
        given = (options.get(f"{what}_{how}") for how in ("is", "prefix", "suffix", "like"))
        return cls(*(None if one is None else one.casefold() for one in given))

    def __bool__(self) -> bool:
        """Whether anything is asked for."""
        return self != TextFilter()

    def fits(self, text: str) -> bool:
        text = text.casefold()
        return (
            (self.equals is None or text == self.equals)
            and (self.prefix is None or text.startswith(self.prefix))
            and (self.suffix is None or text.endswith(self.suffix))
            and (self.contains is None or self.contains in text)
        )


@dataclass(frozen=True, slots=True)
class Sieve:
    """What a list is cut down to."""

    number: int | None
    name: TextFilter
    id: TextFilter
    filters: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, options: dict[str, Any]) -> Sieve:
        """From the values of `sieve_options`, which are taken out."""
        made = cls(
            options.get("number"),
            TextFilter.of(options, "name"),
            TextFilter.of(options, "id"),
            options.get("filters", ()),
        )
        for key in [one for one in options if one in _NAMES]:
            del options[key]
        return made

    def __bool__(self) -> bool:
        """Whether anything is left out by what it is, rather than by its place."""
        return bool(self.name or self.id or self.filters)

    def sift(self, kind: Kind, records: Iterable[Thing]) -> list[Thing]:
        """Those that fit, the first so many. Raises UsageError for a field that none of them has."""
        found = list(records)
        for field, _ in self.filters:
            if found and not any(_has(one, field) for one in found):
                fields = ", ".join(key for key in found[0] if key[:1] != "_")
                raise UsageError(f"a {kind.noun} has no field {field!r}", hint=f"there are: {fields}")
        found = [
            one
            for one in found
            if self.name.fits(kind.name_of(one))
            and self.id.fits(kind.id_of(one))
            and all(_equals(_at(one, field), value) for field, value in self.filters)
        ]
        return found if self.number is None else found[: self.number]


_NAMES = frozenset(
    {"number", "filters"} | {f"{a}_{b}" for a in ("name", "id") for b in ("is", "prefix", "suffix", "like")}
)


def has_pairs(found: Any, exactly: Sequence[tuple[str, str]], alike: Sequence[tuple[str, str]]) -> bool:
    """Whether metadata has all of these pairs: `exactly` so, `alike` with values that contain theirs. No case of keys
    matters, nor of what is alike."""
    known = {str(key).casefold(): str(value) for key, value in (found or {}).items()}
    return all(known.get(key.casefold()) == value for key, value in exactly) and all(
        key.casefold() in known and value.casefold() in known[key.casefold()].casefold() for key, value in alike
    )


def _has(record: Thing, field: str) -> bool:
    return field.partition(".")[0] in record


def _at(record: Any, field: str) -> Any:
    """The value of a field; `flavor.id` is one inside another."""
    if isinstance(record, Mapping) and field in record:
        return record[field]
    outer, dot, inner = field.partition(".")
    return _at(record[outer], inner) if dot and isinstance(record, Mapping) and outer in record else None


def _equals(found: Any, wanted: str) -> bool:
    if isinstance(found, list | tuple):
        return any(_equals(one, wanted) for one in found)
    if isinstance(found, bool):
        return wanted.casefold() in (("true", "yes") if found else ("false", "no"))
    return ("" if found is None else str(found)).casefold() == wanted.casefold()
