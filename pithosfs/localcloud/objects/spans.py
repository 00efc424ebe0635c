"""Stretches of names in listing order: prefixes, single names, and unions of them.

Listing order is that of code points, which is the order of UTF-8 bytes and so of the database.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["Span", "after_name", "after_prefix", "intersect", "merge"]


def after_name(name: str) -> str:
    """The smallest text that is greater than a name (names cannot contain NUL)."""
    return name + "\0"


def after_prefix(prefix: str) -> str | None:
    """The smallest text that is greater than every text with that prefix; None when there is none."""
    text = prefix.rstrip("\U0010ffff")
    if not text:
        return None
    code = ord(text[-1]) + 1
    return text[:-1] + chr(0xE000 if code == 0xD800 else code)  # surrogates are no characters of names


@dataclass(frozen=True, slots=True)
class Span:
    """The names from `low` (included) to `high` (excluded; None: no end)."""

    low: str
    high: str | None

    @classmethod
    def exactly(cls, name: str) -> Span:
        return cls(name, after_name(name))

    @classmethod
    def below(cls, prefix: str) -> Span:
        """All names with that prefix."""
        return cls(prefix, after_prefix(prefix))

    def is_empty(self) -> bool:
        return self.high is not None and self.low >= self.high


def merge(spans: Iterable[Span]) -> list[Span]:
    """The same names in order, as spans that do not touch."""
    merged: list[Span] = []
    for span in sorted(spans, key=lambda one: one.low):
        if span.is_empty():
            continue
        last = merged[-1] if merged else None
        if last is not None and (last.high is None or span.low <= last.high):
            high = None if last.high is None or span.high is None else max(last.high, span.high)
            merged[-1] = Span(last.low, high)
        else:
            merged.append(span)
    return merged


def intersect(spans: Iterable[Span], limits: Span) -> list[Span]:
    """What of each span is inside `limits`."""
    inside = []
    for span in spans:
        highs = [high for high in (span.high, limits.high) if high is not None]
        part = Span(max(span.low, limits.low), min(highs) if highs else None)
        if not part.is_empty():
            inside.append(part)
    return inside
