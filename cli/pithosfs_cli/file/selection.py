"""The options that lists have in common: how many, from where, which names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import click

__all__ = ["Selection", "selection_options"]

T = TypeVar("T")

selection_options = [
    click.option("-n", "--number", type=click.IntRange(1), metavar="N", help="Show at most so many."),
    click.option("--marker", metavar="NAME", help="Only names that sort behind this one."),
    click.option("--name", "name_is", metavar="NAME", help="Only this name."),
    click.option("--name-prefix", metavar="TEXT", help="Only names that begin so."),
    click.option("--name-suffix", metavar="TEXT", help="Only names that end so."),
    click.option("--name-like", metavar="TEXT", help="Only names that contain this, in any case."),
]


@dataclass(frozen=True, slots=True)
class Selection:
    """What a list is cut down to."""

    number: int | None = None
    marker: str | None = None
    name_is: str | None = None
    name_prefix: str | None = None
    name_suffix: str | None = None
    name_like: str | None = None

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Selection:
        """From the values of `selection_options`."""
        return cls(**options)

    def wants(self, name: str) -> bool:
        """Whether a name is among those to show."""
        return (
            (self.marker is None or name > self.marker)
            and (self.name_is is None or name == self.name_is)
            and (self.name_prefix is None or name.startswith(self.name_prefix))
            and (self.name_suffix is None or name.endswith(self.name_suffix))
            and (self.name_like is None or self.name_like.casefold() in name.casefold())
        )

    def cut(self, rows: Sequence[T]) -> Sequence[T]:
        """The first so many."""
        return rows if self.number is None else rows[: self.number]
