"""Byte ranges as they are written on the command line (cli.md section 2.3): START-END, END, -N, separated by commas."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from pithosfs.errors import BadRequest, UsageError

__all__ = ["Range", "parse_ranges", "pieces", "spans"]

STEP = 4 * 1024 * 1024  # bytes asked for at once: a block
_RANGE = re.compile(r"(?:(?P<start>\d+)-(?P<end>\d+)?|-(?P<last>\d+)|(?P<to>\d+))", re.ASCII)

Range = tuple[int | None, int | None]  # first and last byte; (None, n): the last n bytes


def parse_ranges(text: str) -> list[Range]:
    """`0-99,-10` → first and last bytes. Raises UsageError."""
    found: list[Range] = []
    for part in text.split(","):
        match = _RANGE.fullmatch(part.strip())
        if match is None:
            raise UsageError(
                f"{part.strip()!r} is not a range of bytes", hint="write START-END, END or -N, as in 0-99,-10"
            )
        if match["last"] is not None:
            found.append((None, int(match["last"])))
        elif match["to"] is not None:
            found.append((0, int(match["to"])))
        else:
            start, end = int(match["start"]), None if match["end"] is None else int(match["end"])
            if end is not None and end < start:
                raise UsageError(f"the range {part.strip()!r} ends before it starts")
            found.append((start, end))
    return found


def spans(ranges: Sequence[Range], size: int, name: str) -> list[tuple[int, int]]:
    """The ranges as (start, end), end excluded, cut to an object of `size` bytes.

    Raises BadRequest when one begins behind the object's end.
    """
    whole: list[tuple[int, int]] = []
    for first, last in ranges:
        if first is None:
            whole.append((max(0, size - (last or 0)), size))
            continue
        if first >= size:
            raise BadRequest(f"{name} has only {size} bytes", 416, hint="ask for bytes that it has")
        whole.append((first, size if last is None else min(size, last + 1)))
    return whole


def pieces(ranges: Sequence[Range], size: int, name: str) -> Iterator[tuple[int, int]]:
    """The same in pieces of at most a block."""
    for start, end in spans(ranges, size, name):
        for at in range(start, end, STEP):
            yield at, min(end, at + STEP)
