"""The options that lists have in common: how many, from where, which names, and what the server is to leave out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import click

from pithosfs_cli.dates import DATE
from pithosfs_cli.filtering import TextFilter, name_options, number_option

if TYPE_CHECKING:
    from pithosfs.store import Filters

__all__ = ["Selection", "filter_options", "filters_of", "selection_options"]

T = TypeVar("T")

selection_options = [
    number_option,
    click.option("--marker", metavar="NAME", help="Only names that sort behind this one."),
    *name_options,
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
    name: TextFilter = field(default_factory=TextFilter)

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Selection:
        """From the values of `selection_options`; others are left alone."""
        return cls(options.get("number"), options.get("marker"), TextFilter.of(options, "name"))

    @property
    def by_name(self) -> bool:
        """Whether names are looked at, so that the server's count is not the number of what is shown."""
        return bool(self.name)

    def wants(self, *names: str) -> bool:
        """Whether something that goes by these names is among what to show."""
        return any(self.name.fits(name) for name in names)

    def cut(self, rows: Sequence[T]) -> Sequence[T]:
        """The first so many."""
        return rows if self.number is None else rows[: self.number]
