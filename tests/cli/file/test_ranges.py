"""Byte ranges on the command line."""

from __future__ import annotations

import pytest

from pithosfs.errors import BadRequest, UsageError
from pithosfs_cli.file.ranges import STEP, parse_ranges, pieces


@pytest.mark.parametrize(
    ("text", "size", "found"),
    [
        ("0-9", 100, [(0, 10)]),
        ("9", 100, [(0, 10)]),
        ("-5", 100, [(95, 100)]),
        ("-500", 100, [(0, 100)]),
        ("90-", 100, [(90, 100)]),
        ("90-1000", 100, [(90, 100)]),
        ("0-0, -1", 100, [(0, 1), (99, 100)]),
        ("0-", STEP + 1, [(0, STEP), (STEP, STEP + 1)]),
        ("-5", 0, []),
    ],
)
def test_ranges(text: str, size: int, found: list[tuple[int, int]]) -> None:
    assert list(pieces(parse_ranges(text), size, "x")) == found


@pytest.mark.parametrize("text", ["a-b", "", "-", "5-1", "1-2-3", "0x1-5"])
def test_nonsense(text: str) -> None:
    with pytest.raises(UsageError):
        parse_ranges(text)


def test_behind_the_end() -> None:
    with pytest.raises(BadRequest):
        list(pieces(parse_ranges("100-200"), 100, "x"))
