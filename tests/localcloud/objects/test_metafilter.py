"""The `meta` parameter as a pure function (object-store.md 8.4)."""

from __future__ import annotations

import json
import sqlite3

import pytest

from pithosfs.localcloud.objects.metafilter import MetaFilter, parse_meta_filter


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        (None, None),
        (" , ", None),
        ("a", MetaFilter(any_of=("X-Object-Meta-A",))),
        ("!foo_bar", MetaFilter(none_of=("X-Object-Meta-Foo-Bar",))),
        ("a=b=c", MetaFilter(comparisons=(("X-Object-Meta-A", "=", "b=c"),))),
        (" a >= b ", MetaFilter(comparisons=(("X-Object-Meta-A", ">=", "b"),))),
        ("a!=b", MetaFilter(comparisons=(("X-Object-Meta-A", "!=", "b"),))),
    ],
)
def test_parse(text: str | None, parsed: MetaFilter | None) -> None:
    assert parse_meta_filter(text) == parsed


@pytest.mark.parametrize(
    ("text", "holds"),
    [("size > 100", True), ("size < 100", False), ("size=9", True), ("it's", True), ("!it's", False), ("size,x", True)],
)
def test_sql(text: str, holds: bool) -> None:
    parsed = parse_meta_filter(text)
    assert parsed is not None
    condition, values = parsed.sql("m")
    connection = sqlite3.connect(":memory:")
    try:
        metadata = json.dumps({"X-Object-Meta-Size": "9", "X-Object-Meta-It's": "x"})
        row = connection.execute(f"SELECT 1 FROM (SELECT ? AS m) WHERE 1{condition}", (metadata, *values)).fetchone()
    finally:
        connection.close()
    assert (row is not None) is holds
