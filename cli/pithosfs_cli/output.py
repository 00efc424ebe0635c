"""Results on standard output: a table for people, or JSON, YAML, CSV with raw values for programs.

A command describes its result as records (dicts of JSON values, in the order in which they are to appear) and, for
people, as columns. JSON is one document: an array for a list, an object for a single thing. Sizes are bytes and times
ISO 8601 in UTC there; in tables they are human sizes and local time.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import IO, Any, Literal

import click

from pithosfs_cli.invocation import Invocation
from pithosfs_cli.printable import printable

__all__ = ["Column", "Record", "iso_time", "note", "show", "show_list"]

Record = Mapping[str, Any]
Kind = Literal["text", "size", "count", "time"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: which field of the records, its title, and how its values are shown."""

    key: str
    title: str
    kind: Kind = "text"


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
    rows = list(records)
    if run.output == "table":
        if rows:
            _table(rows, columns)
        elif empty:
            note(empty)
        return
    _document(run.output, rows)


def show(run: Invocation, record: Record, columns: Sequence[Column] = ()) -> None:
    """Print one thing, its fields one below the other. `columns` give some of them titles and kinds."""
    if run.output != "table":
        return _document(run.output, dict(record))
    known = {column.key: column for column in columns}
    rows: list[tuple[str, str]] = []
    for key, value in record.items():
        column = known.get(key, Column(key, key.replace("_", " ")))
        rows += _fields(column, value)
    _print(["", ""], [False, False], rows, header=False)
    return None


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
    if isinstance(value, bool):
        return "yes" if value else "no"
    if column.kind == "size" and isinstance(value, int):
        from pithosfs.config import format_size

        return format_size(value)
    if column.kind == "time" and isinstance(value, str):
        return datetime.fromisoformat(value).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, list | tuple):
        return printable(", ".join(str(one) for one in value))
    return printable(str(value))


def _table(rows: Sequence[Record], columns: Sequence[Column]) -> None:
    right = [column.kind in ("size", "count") for column in columns]
    cells = [[_cell(column, row.get(column.key)) for column in columns] for row in rows]
    _print([column.title for column in columns], right, cells, header=True)


def _print(titles: Sequence[str], right: Sequence[bool], rows: Iterable[Sequence[str]], *, header: bool) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    terminal = sys.stdout.isatty()
    # Piped output is cut to no width, and is never coloured.
    console = Console(highlight=False, markup=False, emoji=False, soft_wrap=False, width=None if terminal else 1 << 20)
    table = Table(box=None, show_header=header, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for index, title in enumerate(titles):
        style = "bold" if not header and index == 0 else None
        table.add_column(
            Text(title), justify="right" if right[index] else "left", overflow="fold", style=style, no_wrap=not terminal
        )
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    with console.capture() as captured:
        console.print(table)
    for line in captured.get().splitlines():
        sys.stdout.write(line.rstrip(" ") + "\n")


def _document(form: str, value: Any) -> None:
    stream = sys.stdout
    if form == "json":
        ascii_only = (getattr(stream, "encoding", None) or "").lower().replace("-", "") != "utf8"
        text = json.dumps(value, indent=2, ensure_ascii=ascii_only)
        stream.write(_no_controls(text) + "\n")
    elif form == "yaml":
        import yaml

        yaml.safe_dump(value, stream, sort_keys=False, allow_unicode=True, default_flow_style=False, width=1 << 20)
    else:
        _csv(stream, value if isinstance(value, list) else [value])


def _no_controls(text: str) -> str:
    """JSON escapes the control characters below a blank; these are above it."""
    return "".join(
        f"\\u{ord(char):04x}" if "\x7f" <= char <= "\x9f" or "\ud800" <= char <= "\udfff" else char for char in text
    )


def _csv(stream: IO[str], rows: Sequence[Record]) -> None:
    import csv

    keys = list(dict.fromkeys(key for row in rows for key in row))
    if not keys:
        return
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(keys)
    safe = printable if stream.isatty() else str
    for row in rows:
        writer.writerow([safe(_plain(row.get(key))) for key in keys])


def _plain(value: Any) -> str:
    """A value in CSV: text as it is, nothing as nothing, everything else as JSON writes it."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
