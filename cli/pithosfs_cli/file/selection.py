"""The options that lists have in common: how many, from where, which names, and what the server is to leave out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import click

from pithosfs_cli.dates import DATE

if TYPE_CHECKING:
    from pithosfs.store import Filters

__all__ = ["Selection", "filter_options", "filters_of", "selection_options"]

T = TypeVar("T")

selection_options = [
    click.option("-n", "--number", type=click.IntRange(1), metavar="N", help="Show at most so many."),
    click.option("--marker", metavar="NAME", help="Only names that sort behind this one."),
    click.option("--name", "name_is", metavar="NAME", help="Only this name, in any case."),
    click.option("--name-prefix", metavar="TEXT", help="Only names that begin so, in any case."),
    click.option("--name-suffix", metavar="TEXT", help="Only names that end so, in any case."),
    click.option("--name-like", metavar="TEXT", help="Only names that contain this, in any case."),
]

# What the server itself leaves out (object-store.md section 8); `filters_of` reads the values.
filter_options = [
    click.option("--until", type=DATE, metavar="DATE", help="As it was at that time."),
    click.option("--shared-by-me", is_flag=True, help="Only what you share with others."),
    click.option("--public", is_flag=True, help="Only what has a public link."),
    click.option("--if-modified-since", type=DATE, metavar="DATE", help="Only if anything has changed since then."),
    click.option("--if-unmodified-since", type=DATE, metavar="DATE", help="Only if nothing has changed since then."),
]


def filters_of(options: Mapping[str, Any], meta: Sequence[str] = ()) -> Filters:
    """The filters that `filter_options` ask for; `meta` are terms as of section 8.4, also several in one by commas."""
    from pithosfs.store import Filters

    terms = (term.strip() for text in meta for term in text.split(","))
    return Filters(
        until=options.get("until"),
        meta=tuple(term for term in terms if term),
        shared=bool(options.get("shared_by_me") or options.get("shared")),
        public=bool(options.get("public")),
        modified_since=options.get("if_modified_since"),
        unmodified_since=options.get("if_unmodified_since"),
    )


@dataclass(frozen=True, slots=True)
class Selection:
    """What a list is cut down to on this side. `marker` may be left to the server."""

    number: int | None = None
    marker: str | None = None
    name_is: str | None = None
    name_prefix: str | None = None
    name_suffix: str | None = None
    name_like: str | None = None

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Selection:
        """From the values of `selection_options`; others are left alone."""
        return cls(**{key: options.get(key) for key in cls.__slots__})

    @property
    def by_name(self) -> bool:
        """Whether names are looked at, so that the server's count is not the number of what is shown."""
        return any(one is not None for one in (self.name_is, self.name_prefix, self.name_suffix, self.name_like))

    def wants(self, *names: str) -> bool:
        """Whether something that goes by these names is among what to show."""
        return not self.by_name or any(self._fits(name.casefold()) for name in names)

    def _fits(self, name: str) -> bool:
        return (
            (self.name_is is None or name == self.name_is.casefold())
            and (self.name_prefix is None or name.startswith(self.name_prefix.casefold()))
            and (self.name_suffix is None or name.endswith(self.name_suffix.casefold()))
            and (self.name_like is None or self.name_like.casefold() in name)
        )

    def cut(self, rows: Sequence[T]) -> Sequence[T]:
        """The first so many."""
        return rows if self.number is None else rows[: self.number]
