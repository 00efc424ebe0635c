"""Lists against a simple model: everything is filtered and grouped by hand (object-store.md 8)."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from pithosfs.localcloud.objects.listing import Query, RollUp, Row, page, walk
from pithosfs.localcloud.objects.spans import Span, after_name, after_prefix, intersect, merge

# A tiny alphabet makes collisions; the last characters make prefixes without a successor of the same length.
NAMES = st.text("a/b\ud7ff\U0010ffff", min_size=1, max_size=6)
SPANS = st.lists(st.builds(Span, st.text("a/b", max_size=3), st.none() | st.text("a/b", max_size=3)), max_size=4)


class Index:
    """A sorted list of names that can be sought in like the database, counting the rows it gave."""

    def __init__(self, names: set[str]) -> None:
        self.names = sorted(names)
        self.given = 0

    def seek(self, low: str, high: str | None) -> Iterator[Row]:
        for name in self.names[bisect_left(self.names, low) :]:
            if high is not None and name >= high:
                return
            self.given += 1
            yield (name,)


def shown(entry: Row | RollUp) -> tuple[str, bool]:
    """Name, and whether it is a roll-up."""
    return (entry.name, True) if isinstance(entry, RollUp) else (entry[0], False)


def model(names: set[str], prefix: str, delimiter: str, spans: list[Span] | None) -> list[tuple[str, bool]]:
    entries: list[tuple[str, bool]] = []
    for name in sorted(names):
        inside = spans is None or any(one.low <= name and (one.high is None or name < one.high) for one in spans)
        if not inside or not name.startswith(prefix):
            continue
        head, found, rest = name[len(prefix) :].partition(delimiter) if delimiter else (name, "", "")
        entry = (prefix + head + found, True) if found and rest else (name, False)
        if entry not in entries:
            entries.append(entry)
    return entries


@given(
    st.sets(NAMES), st.text("a/b", max_size=2), st.sampled_from(["", "/", "b", "ab", "\U0010ffff"]), st.none() | SPANS
)
def test_walk(names: set[str], prefix: str, delimiter: str, spans: list[Span] | None) -> None:
    allowed = None if spans is None else merge(spans)
    query = Query(prefix=prefix, delimiter=delimiter, spans=allowed)
    found = [shown(one) for one in walk(Index(names).seek, query)]
    assert found == model(names, prefix, delimiter, spans)
    hidden = Query(prefix=prefix, delimiter=delimiter, spans=allowed, roll_ups=False)
    assert [shown(one) for one in walk(Index(names).seek, hidden)] == [one for one in found if not one[1]]


@given(st.sets(NAMES), st.sampled_from(["", "/", "b"]), st.integers(1, 4))
def test_paging_shows_everything_once(names: set[str], delimiter: str, limit: int) -> None:
    whole = [shown(one) for one in walk(Index(names).seek, Query(delimiter=delimiter))]
    paged: list[tuple[str, bool]] = []
    while True:
        marker = paged[-1][0] if paged else ""
        some = page(walk(Index(names).seek, Query(delimiter=delimiter, marker=marker)), limit)
        if not some:
            break
        paged += [shown(one) for one in some]
    assert paged == whole


@given(st.sets(NAMES), NAMES)
def test_marker_without_delimiter(names: set[str], marker: str) -> None:
    found = [shown(one)[0] for one in walk(Index(names).seek, Query(marker=marker))]
    assert found == [name for name in sorted(names) if name > marker]


def test_what_is_rolled_up_is_passed_over() -> None:
    index = Index({f"d{folder}/{number:04}" for folder in range(5) for number in range(1000)})
    assert len(list(walk(index.seek, Query(delimiter="/")))) == 5
    assert index.given == 5


@given(NAMES, NAMES)
def test_successors(prefix: str, name: str) -> None:
    after = after_prefix(prefix)
    assert (prefix <= name and (after is None or name < after)) == name.startswith(prefix)
    assert (prefix <= name < after_name(prefix)) == (name == prefix)


@given(SPANS, st.text("a/b", max_size=3))
def test_merge(spans: list[Span], name: str) -> None:
    def holds(span: Span) -> bool:
        return span.low <= name and (span.high is None or name < span.high)

    merged = merge(spans)
    assert any(map(holds, merged)) == any(map(holds, spans))
    for one, other in pairwise(merged):
        assert one.high is not None
        assert one.high < other.low
    limits = Span.below("a")
    assert any(map(holds, intersect(merged, limits))) == (any(map(holds, spans)) and holds(limits))
