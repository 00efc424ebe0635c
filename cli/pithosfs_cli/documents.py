"""Records as JSON, YAML, CSV and plain values, written page by page as one valid document.

A list that breaks off in the middle is left without its end, so that no program takes it for the whole.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import IO, Any

from pithosfs_cli.printable import printable

__all__ = ["Rows", "write_list", "write_one"]

Rows = Sequence[dict[str, Any]]

# As PostgreSQL and MySQL write such columns: what separates values, and the escape itself.
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def write_list(form: str, pages: Iterable[Rows], stream: IO[str], *, headers: bool = True) -> None:
    """Write a list in one of the forms, each page as soon as it is there."""
    match form:
        case "json":
            _json(pages, stream)
        case "yaml":
            _yaml(pages, stream)
        case "csv":
            _csv(pages, stream, headers=headers)
        case _:
            _values(pages, stream)


def write_one(form: str, record: dict[str, Any], stream: IO[str], *, headers: bool = True) -> None:
    """Write one thing: an object in JSON and YAML, two lines of CSV, or its values, one a line."""
    match form:
        case "json":
            stream.write(_json_text(record, stream) + "\n")
        case "yaml":
            stream.write(_yaml_text(record))
        case "csv":
            _csv([[record]], stream, headers=headers)
        case _:
            _values([[{key: value} for key, value in record.items()]], stream)


def _json(pages: Iterable[Rows], stream: IO[str]) -> None:
    before = "[\n"
    for page in pages:
        for record in page:
            # No line of the text but those that JSON itself makes: line breaks in values are escaped.
            text = _json_text(record, stream).replace("\n", "\n  ")
            stream.write(f"{before}  {text}")
            before = ",\n"
        stream.flush()
    stream.write("[]\n" if before == "[\n" else "\n]\n")


def _json_text(value: Any, stream: IO[str]) -> str:
    ascii_only = (getattr(stream, "encoding", None) or "").lower().replace("-", "") != "utf8"
    text = json.dumps(value, indent=2, ensure_ascii=ascii_only)
    if text.isascii():
        return text.replace("\x7f", "\\u007f")
    # JSON escapes the control characters below a blank; these are above it.
    return "".join(
        f"\\u{ord(char):04x}" if "\x7f" <= char <= "\x9f" or "\ud800" <= char <= "\udfff" else char for char in text
    )


def _yaml(pages: Iterable[Rows], stream: IO[str]) -> None:
    empty = True
    for page in pages:
        for record in page:
            # A list is its entries' lists, one after the other.
            stream.write(_yaml_text([record]))
            empty = False
        stream.flush()
    if empty:
        stream.write("[]\n")


def _yaml_text(value: Any) -> str:
    import yaml

    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    text: str = yaml.dump(
        value, Dumper=dumper, sort_keys=False, allow_unicode=True, default_flow_style=False, width=1 << 20
    )
    return text


def _csv(pages: Iterable[Rows], stream: IO[str], *, headers: bool) -> None:
    import csv

    writer = csv.writer(stream, lineterminator="\n")
    safe = printable if stream.isatty() else str
    keys: list[str] = []
    for page in pages:
        if not keys:
            keys = list(dict.fromkeys(key for record in page for key in record))
            if keys and headers:
                writer.writerow(keys)
        writer.writerows([safe(_plain(record.get(key))) for key in keys] for record in page)
        stream.flush()


def _values(pages: Iterable[Rows], stream: IO[str]) -> None:
    safe = printable if stream.isatty() else str
    for page in pages:
        for record in page:
            values = (safe(_plain(value).translate(_ESCAPES)) for value in record.values())
            stream.write("\t".join(values) + "\n")
        stream.flush()


def _plain(value: Any) -> str:
    """A value without structure: text as it is, nothing as nothing, everything else as JSON writes it."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
