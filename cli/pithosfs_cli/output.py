"""Results on standard output: a table for people, or JSON, YAML, CSV, plain values for programs.

A command describes its result as records (dicts of JSON values, in the order in which they are to appear) and, for
people, as columns. JSON is one document: an array for a list, an object for a single thing. Sizes are bytes and times
ISO 8601 in UTC there; in tables they are human sizes and local time. A field whose name begins with `_` is what tables
show in place of the field without it, and in no document.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import IO, Any

import click

from pithosfs_cli.documents import Rows, write_list, write_one
from pithosfs_cli.invocation import Invocation
from pithosfs_cli.layout import Column, Layout
from pithosfs_cli.pager import paged
from pithosfs_cli.printable import printable
from pithosfs_cli.statuses import style_of

__all__ = ["Column", "Record", "iso_time", "note", "show", "show_fields", "show_list", "show_pages"]

Record = Mapping[str, Any]

_NUMBER = Column("#", "#", "count", width=4)
_GAP = "  "


def iso_time(ns: int | float | None) -> str | None:
    """Nanoseconds since the epoch as ISO 8601 in UTC with microseconds; None for 0 and None, which say nothing."""
    if not ns:
        return None
    seconds, rest = divmod(int(ns), 1_000_000_000)
    try:
        when = datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest // 1000)
    except (ValueError, OverflowError, OSError):
        return None
    return when.isoformat().replace("+00:00", "Z")


def note(message: str) -> None:
    """A remark for people, on standard error."""
    click.echo(printable(message), err=True)


def show_list(run: Invocation, records: Iterable[Record], columns: Sequence[Column], *, empty: str = "") -> None:
    """Print a list. `empty` is said on standard error when there is nothing to put into a table."""
    show_pages(run, [list(records)], columns, empty=empty)


def show_pages(
    run: Invocation, pages: Iterable[Sequence[Record]], columns: Sequence[Column], *, empty: str = ""
) -> None:
    """Print a list that comes in parts, each part as soon as it is there if the form and the columns allow it.

    The options of `layout` decide over `columns`, order and form. Nothing is printed before the first record is there,
    so an error up to then leaves standard output empty.
    """
    layout = run.layout
    if layout.columns:
        columns = [layout.column(key) for key in layout.columns]
    pages = _from_first_record(pages)
    if layout.sort:
        pages = [_sorted([record for page in pages for record in page], layout)]
    if run.output == "table":
        with paged(layout.more) as stream:
            if not _table(stream, pages, columns, layout) and empty:
                note(empty)
        return
    keys = layout.columns or (tuple(one.key for one in columns) if run.output == "value" and columns else ())
    with paged(layout.more) as stream:
        write_list(run.output, (_for_programs(page, keys) for page in pages), stream, headers=layout.headers)


def show(run: Invocation, record: Record, columns: Sequence[Column] = ()) -> None:
    """Print one thing, its fields one below the other. `columns` give some of them titles and kinds."""
    layout = run.layout
    if layout.columns:
        record = {key: record.get(key) for key in layout.columns}
    if run.output != "table":
        write_one(run.output, dict(record), sys.stdout, headers=layout.headers)
        return
    known = {column.key: column for column in columns}
    _print_fields([(known.get(key, Column(key, key.replace("_", " "))), value) for key, value in record.items()])


def show_fields(run: Invocation, record: Record, columns: Sequence[Column]) -> None:
    """Print one thing of which programs get all fields, and people those of `columns`, in their order."""
    layout = run.layout
    if run.output != "table" or layout.columns:
        keys = layout.columns or [key for key in record if key[:1] != "_"]
        show(run, {key: record.get(key) for key in keys}, columns)
        return
    _print_fields([(column, _value(record, column.key, plain=False)) for column in columns])


def _print_fields(fields: Iterable[tuple[Column, Any]]) -> None:
    rows: list[tuple[str, str]] = []
    styles: list[str | None] = []
    for column, value in fields:
        lines = _fields(column, value)
        rows += lines
        styles += [style_of(str(value)) if column.kind == "status" else None] * len(lines)
    _print(sys.stdout, ["", ""], [False, False], rows, header=False, styles=[(None, style) for style in styles])


def _from_first_record(pages: Iterable[Sequence[Record]]) -> Iterator[Sequence[Record]]:
    """The pages, those before the first record left out."""
    source = iter(pages)
    for page in source:
        if page:
            yield page
            yield from source
            return


def _sorted(records: list[Record], layout: Layout) -> list[Record]:
    # The least important key first: sorting keeps the order of equals.
    for key, descends in reversed(layout.sort):
        known = [one for one in records if one.get(key) is not None]
        known.sort(key=lambda one: _rank(one[key]), reverse=descends)
        records = known + [one for one in records if one.get(key) is None]
    return records


def _rank(value: Any) -> tuple[int, Any]:
    return (0, value) if isinstance(value, int | float) else (1, value if isinstance(value, str) else json.dumps(value))


def _for_programs(page: Sequence[Record], keys: Sequence[str]) -> Rows:
    if keys:
        return [{key: record.get(key) for key in keys} for record in page]
    return [{key: value for key, value in record.items() if key[:1] != "_"} for record in page]


# tables -------------------------------------------------------------------------------------------------------------


def _table(stream: IO[str], pages: Iterable[Sequence[Record]], columns: Sequence[Column], layout: Layout) -> bool:
    """Print a table; says whether there was anything to put into it."""
    shown = [_NUMBER, *columns] if layout.enumerate else list(columns)
    plain = bool(layout.columns)  # columns by name show what the field has
    parts = _cells(pages, shown, plain=plain)
    if all(one.width for one in shown[:-1]):
        return _rows(stream, parts, shown, header=layout.headers)
    rows = [row for part in parts for row in part]
    if rows:
        right = [one.kind in ("size", "count") for one in shown]
        status = [one.kind == "status" for one in shown]
        styles = [[style_of(cell) if one else None for cell, one in zip(row, status, strict=True)] for row in rows]
        _print(stream, [one.title for one in shown], right, rows, header=layout.headers, styles=styles)
    return bool(rows)


def _cells(pages: Iterable[Sequence[Record]], columns: Sequence[Column], *, plain: bool) -> Iterator[list[list[str]]]:
    count = 0
    for page in pages:
        part = []
        for record in page:
            count += 1
            part.append(
                [str(count) if one is _NUMBER else _cell(one, _value(record, one.key, plain=plain)) for one in columns]
            )
        yield part


def _value(record: Record, key: str, *, plain: bool) -> Any:
    if not plain and (instead := f"_{key}") in record:
        return record[instead]
    return record.get(key)


def _rows(stream: IO[str], parts: Iterable[list[list[str]]], columns: Sequence[Column], *, header: bool) -> bool:
    """Rows of columns with fixed widths; what is wider pushes the rest of its row to the right."""
    any_printed = False
    widths = [max(one.width, len(one.title)) for one in columns]
    right = [one.kind in ("size", "count") for one in columns]

    def line(cells: Sequence[str]) -> str:
        parts = (
            cell.rjust(width) if to_the_right else cell.ljust(width)
            for cell, width, to_the_right in zip(cells, widths, right, strict=True)
        )
        return _GAP.join(parts).rstrip(" ")

    for part in parts:
        if not any_printed and header:
            titles = line([one.title for one in columns])
            bold = sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
            stream.write(f"\x1b[1m{titles}\x1b[0m\n" if bold else f"{titles}\n")
        any_printed = True
        stream.writelines(f"{line(cells)}\n" for cells in part)
        stream.flush()
    return any_printed


def _fields(column: Column, value: Any) -> list[tuple[str, str]]:
    if value is None or value in ("", [], {}):
        return []
    if isinstance(value, Mapping):
        pairs: list[tuple[str, str]] = []
        for key, inner in value.items():
            pairs += _fields(Column(f"{column.key}.{key}", f"{column.title} {key}"), inner)
        return pairs
    if isinstance(value, list | tuple) and all(isinstance(one, str) for one in value):
        return [(printable(column.title if not index else ""), printable(one)) for index, one in enumerate(value)]
    if isinstance(value, list | tuple):
        return [(printable(column.title), printable(json.dumps(one, ensure_ascii=False))) for one in value]
    text = _cell(column, value)
    if column.kind == "size" and isinstance(value, int) and value >= 1024:
        text = f"{text} ({value} bytes)"
    return [(printable(column.title), text)]


def _cell(column: Column, value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, str):
        if column.kind == "time":
            return datetime.fromisoformat(value).astimezone().strftime("%Y-%m-%d %H:%M:%S")
        return printable(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if column.kind == "size" and isinstance(value, int):
        from pithosfs.config import format_size

        return format_size(value)
    if isinstance(value, list | tuple):
        return printable(", ".join(str(one) for one in value))
    if isinstance(value, Mapping):
        return printable(json.dumps(value, ensure_ascii=False))
    return printable(str(value))


def _print(
    stream: IO[str],
    titles: Sequence[str],
    right: Sequence[bool],
    rows: Iterable[Sequence[str]],
    *,
    header: bool,
    styles: Iterable[Sequence[str | None]],
) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    terminal = sys.stdout.isatty()
    # Piped output is cut to no width, and is never coloured.
    console = Console(highlight=False, markup=False, emoji=False, soft_wrap=False, width=None if terminal else 1 << 20)
    table = Table(box=None, show_header=header, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for index, title in enumerate(titles):
        style = "bold" if not any(titles) and index == 0 else None
        table.add_column(
            Text(title), justify="right" if right[index] else "left", overflow="fold", style=style, no_wrap=not terminal
        )
    for row, row_styles in zip(rows, styles, strict=True):
        table.add_row(*(Text(cell, style=style or "") for cell, style in zip(row, row_styles, strict=True)))
    with console.capture() as captured:
        console.print(table)
    for line in captured.get().splitlines():
        stream.write(line.rstrip(" ") + "\n")
