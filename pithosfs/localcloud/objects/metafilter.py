"""The `meta` parameter of lists: its terms, and the same as a condition of SQL (object-store.md 8.4)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pithosfs.localcloud.faults import bad_request
from pithosfs.localcloud.objects.headers import meta_key

__all__ = ["MetaFilter", "parse_meta_filter"]

MAX_TERMS = 100
"""Terms in one filter: an object has at most 32 keys, and the database refuses conditions of a thousand parts."""

_COMPARISON = re.compile(r"(.*?)(!=|<=|>=|=|<|>)(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class MetaFilter:
    """Keys of which one must be there, keys of which none may be, and comparisons that must all hold (as strings)."""

    any_of: tuple[str, ...] = ()
    none_of: tuple[str, ...] = ()
    comparisons: tuple[tuple[str, str, str], ...] = ()  # key, operator, value

    def sql(self, column: str) -> tuple[str, tuple[str, ...]]:
        """` AND …` over a column of JSON objects, and its values."""
        values: list[str] = []
        condition = ""
        for negation, keys in (("", self.any_of), ("NOT ", self.none_of)):
            if keys:
                marks = ",".join("?" * len(keys))
                condition += f" AND {negation}EXISTS (SELECT 1 FROM json_each({column}) WHERE key IN ({marks}))"  # noqa: S608
                values += keys
        for key, operator, value in self.comparisons:
            condition += f" AND EXISTS (SELECT 1 FROM json_each({column}) WHERE key = ? AND value {operator} ?)"  # noqa: S608
            values += (key, value)
        return condition, tuple(values)


def parse_meta_filter(text: str | None) -> MetaFilter | None:
    """From the parameter; None when it has no term. Raises Fault 400 for too many."""
    any_of: list[str] = []
    none_of: list[str] = []
    comparisons: list[tuple[str, str, str]] = []
    terms = [term for part in (text or "").split(",") if (term := part.strip())]
    if len(terms) > MAX_TERMS:
        raise bad_request(f"a metadata filter has at most {MAX_TERMS} terms")
    for term in terms:
        found = _COMPARISON.fullmatch(term)
        if found is not None and found[1].strip():
            comparisons.append((_name(found[1]), found[2], found[3].strip()))
        elif term.startswith("!"):
            none_of.append(_name(term[1:]))
        else:
            any_of.append(_name(term))
    if not (any_of or none_of or comparisons):
        return None
    return MetaFilter(tuple(any_of), tuple(none_of), tuple(comparisons))


def _name(key: str) -> str:
    return f"X-Object-Meta-{meta_key(key.strip())}"
