"""`Range` and `Content-Range`: which bytes a GET wants and where a data update writes (object-store.md 7.2, 10)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pithosfs.localcloud.faults import Fault, bad_request

__all__ = ["MAX_RANGES", "ContentRange", "parse_content_range", "parse_range", "range_not_satisfiable"]

MAX_RANGES = 1024
"""Ranges in one request: each costs a part header, and a request line of 64 KiB could name ten thousand."""

_RANGE_UNIT = re.compile(r"bytes\s*=\s*(.*)", re.DOTALL)
_ONE_RANGE = re.compile(r"\s*([0-9]{0,19})\s*-\s*([0-9]{0,19})\s*", re.ASCII)
_CONTENT_RANGE = re.compile(r"bytes\s+(?:(?:([0-9]{1,19})-([0-9]{0,19}))|(\*))/(?:([0-9]{1,19})|(\*))", re.ASCII)


def range_not_satisfiable(message: str) -> Fault:
    return Fault(416, "rangeNotSatisfiable", message)


def parse_range(text: str, size: int, *, clip: bool = False) -> list[tuple[int, int]] | None:
    """The byte ranges (start included, end excluded) that a `Range` header asks of an object of `size` bytes.

    None: the header is to be ignored (rubbish, another unit, a range backwards). Raises Fault 416 for an end or a start
    at or beyond the size: ends are not clipped. With `clip` they are, and 416 is for ranges none of which has a byte.
    """
    unit = _RANGE_UNIT.fullmatch(text.strip())
    if unit is None:
        return None
    parts = unit[1].split(",")
    if len(parts) > MAX_RANGES:
        return None
    spans: list[tuple[int, int]] = []
    satisfiable = True
    for part in parts:
        found = _ONE_RANGE.fullmatch(part)
        if found is None or not (found[1] or found[2]):
            return None
        if not found[1]:
            count = int(found[2])
            start, end = size - count, size
            satisfiable = satisfiable and 0 < count <= size
        else:
            start = int(found[1])
            end = int(found[2]) + 1 if found[2] else size
            if found[2] and start >= end:
                return None
            satisfiable = satisfiable and start < size and end <= size
        spans.append((start, end))
    if clip:
        spans = [(max(start, 0), min(end, size)) for start, end in spans if start < min(end, size)]
        satisfiable = bool(spans)
    if not satisfiable:
        raise range_not_satisfiable(f"the object has {size} bytes")
    return spans


@dataclass(frozen=True, slots=True)
class ContentRange:
    """Where a data update writes: `start` None appends, `end` (excluded) None goes as far as the data, `size` is what
    the object's size must be, None for no matter."""

    start: int | None
    end: int | None
    size: int | None


def parse_content_range(text: str | None) -> ContentRange:
    """The target of a data update. Raises Fault 400 when there is none, 416 for wrong syntax."""
    if text is None:
        raise bad_request("a data update needs Content-Range")
    found = _CONTENT_RANGE.fullmatch(text.strip())
    if found is None:
        raise range_not_satisfiable(f"not a Content-Range: {text!a}")
    size = int(found[4]) if found[4] else None
    if found[3]:
        if size is not None:
            raise range_not_satisfiable("an append is 'bytes */*'")
        return ContentRange(None, None, None)
    start = int(found[1])
    end = int(found[2]) + 1 if found[2] else None
    if end is not None and end <= start:
        raise range_not_satisfiable("the range ends before it starts")
    return ContentRange(start, end, size)
