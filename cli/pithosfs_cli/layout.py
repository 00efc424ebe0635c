"""What a list shows and how: its columns, and the options --columns, --sort, --no-headers, --enumerate and --more.

The options are a command's own; what is said with them is kept in the run, where `output` finds it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import click
from click.shell_completion import CompletionItem

__all__ = ["Column", "Layout", "columns_option", "list_options"]

Kind = Literal["text", "size", "count", "time", "status"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: which field of the records, its title, and how its values are shown.

    A table all of whose columns but the last have a `width` is printed row by row as they come.
    """

    key: str
    title: str
    kind: Kind = "text"
    width: int = 0


@dataclass(slots=True)
class Layout:
    """What the options of this run ask of a list. `known` are the columns that the command has."""

    known: Sequence[Column] = ()
    columns: tuple[str, ...] = ()  # keys, in the order in which they are to be shown; empty: the usual ones
    sort: tuple[tuple[str, bool], ...] = ()  # keys, each with whether it descends
    headers: bool = True
    enumerate: bool = False
    more: bool = False

    def column(self, key: str) -> Column:
        """The column for a field; one that the command has not described is text under its own name."""
        return next((one for one in self.known if one.key == key), Column(key, key.upper().replace("_", " ")))


class _Keys(click.ParamType[tuple[tuple[str, bool], ...]]):
    """Names of columns, separated by commas: a field's name, or the title that a table has for it."""

    name = "columns"

    def __init__(self, columns: Sequence[Column], *, directed: bool = False) -> None:
        self._columns = columns
        self._directed = directed

    def convert(
        self, value: Any, parameter: click.Parameter | None, context: click.Context | None
    ) -> tuple[tuple[str, bool], ...]:
        if not isinstance(value, str):
            return tuple(value)
        found = []
        for part in value.split(","):
            name = part.strip()
            descends = self._directed and name.startswith("-")
            key = self._key(name[descends:])
            if key is None:
                there = ", ".join(one.key for one in self._columns)
                self.fail(f"there is no column {name!r}; there are: {there}", parameter, context)
            found.append((key, descends))
        return tuple(found)

    def _key(self, name: str) -> str | None:
        wanted = name.lower().replace("-", "_").replace(" ", "_")
        # Fields first: a title of one may be the name of another.
        titles = ((one.title.lower().replace(" ", "_"), one.key) for one in self._columns)
        return next(
            (key for said, key in [*((one.key, one.key) for one in self._columns), *titles] if said == wanted), None
        )

    def shell_complete(
        self, _context: click.Context, _parameter: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        before, comma, last = incomplete.rpartition(",")
        taken = before.split(",")
        keys = (one.key for one in self._columns if one.key.startswith(last) and one.key not in taken)
        return [CompletionItem(f"{before}{comma}{key}") for key in keys]


def _keep(columns: Sequence[Column]) -> Callable[[click.Context, click.Parameter, Any], None]:
    def keep(context: click.Context, parameter: click.Parameter, value: Any) -> None:
        from pithosfs_cli.command import invocation

        layout = invocation(context).layout
        layout.known = columns
        match parameter.name:
            case "columns":
                layout.columns = tuple(key for key, _ in value or ())
            case "sort":
                layout.sort = value or ()
            case "no_headers":
                layout.headers = not value
            case str() as name:
                setattr(layout, name, bool(value))

    return keep


def columns_option(columns: Sequence[Column]) -> Callable[[Any], Any]:
    """`--columns` alone, for commands that show one thing."""
    return click.option(
        "--columns",
        metavar="A,B",
        type=_Keys(columns),
        expose_value=False,
        callback=_keep(columns),
        help="Show these fields only, in this order.",
    )


def list_options(columns: Sequence[Column]) -> list[Callable[[Any], Any]]:
    """The options of a command that prints a list; `columns` are all that it has."""

    def option(*names: str, help: str, **settings: Any) -> Callable[[Any], Any]:
        return click.option(*names, expose_value=False, callback=_keep(columns), help=help, **settings)

    return [
        columns_option(columns),
        option(
            "--sort",
            metavar="KEY",
            type=_Keys(columns, directed=True),
            help="Sort by a column (-KEY: backwards); nothing is shown before all is there.",
        ),
        option("--no-headers", is_flag=True, help="Leave the line of titles out."),
        option("--enumerate", is_flag=True, help="Number the lines of a table."),
        option("--more", is_flag=True, help="Page through it on a terminal ($PAGER, else less)."),
    ]
