"""What a pair that works says that it does."""

from __future__ import annotations

import pytest

from pithosfs_daemon.activity import Totals
from pithosfs_daemon.standing import working_text


@pytest.mark.parametrize(
    ("totals", "transferring", "first", "text"),
    [
        (Totals("", 4, 4, 9, 9, 100.0), False, False, ""),  # over
        (Totals("looking", since=100.0), False, False, ""),
        (Totals("looking", since=100.0), False, True, "looking at both sides for the first time"),
        (Totals("hashing", since=109.5), False, False, ""),  # a moment
        (Totals("hashing", since=100.0), False, False, "reading files that may have changed"),
        (Totals("working", since=100.0), False, False, ""),
        (Totals("working", since=100.0), True, False, "carrying changes over"),
        (Totals("working", 0, 1, 0, 0, 100.0), False, False, "0 of 1 change done"),
        (Totals("working", 1, 11, 0, 0, 100.0), False, False, "1 of 11 changes done, about 2 min left"),
        (Totals("working", 3, 4, 1024, 4096, 100.0), True, False,
         "3 of 4 changes done, 1KiB of 4KiB, about 30 s left"),
    ],
)  # fmt: skip
def test_it_says_what_how_much_and_how_long(totals: Totals, transferring: bool, first: bool, text: str) -> None:
    assert working_text(totals, transferring, 110.0, first=first) == text
