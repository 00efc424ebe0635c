"""Dates on the command line."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pithosfs.errors import UsageError
from pithosfs_cli.dates import parse_date, shown_date


@pytest.fixture(autouse=True)
def _athens(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Athens")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2026-01-31T14:00:00Z", 1769868000),
        ("2026-01-31T14:00:00.999999Z", 1769868000),
        ("2026-01-31T14:00:00+02:00", 1769860800),
        ("2026-01-31", 1769810400),  # midnight in Athens
        ("2026-07-31", 1785445200),  # in summer time
        ("20260131", 1769810400),
        ("14:00:00 2026-01-31", 1769860800),
        ("Sat Jan 31 14:00:00 2026", 1769860800),
        ("Sat, 31 Jan 2026 14:00:00 GMT", 1769868000),
        ("@5", 5),
        ("@1767225600.75", 1767225600),
        ("1767225600", 1767225600),
        (" 1767225600.5 ", 1767225600),
    ],
)
def test_forms(text: str, seconds: int) -> None:
    assert parse_date(text) == seconds


def test_relative_to_now() -> None:
    before = int(time.time())
    assert before <= parse_date("now") <= time.time()
    assert before - 3 * 86400 <= parse_date("3 days ago") <= time.time() - 3 * 86400
    assert before - 7200 <= parse_date("2 hours ago") <= time.time() - 7200
    assert before - 604800 <= parse_date("1 Week ago") <= time.time() - 604800


@pytest.mark.parametrize("text", ["", "never", "5", "10.5", "1960-01-01", "@-5", "99999999999999999", "2026-13-45"])
def test_nonsense_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_date(text)


@given(st.text(max_size=30))
def test_any_text_is_whole_seconds_or_refused(text: str) -> None:
    try:
        seconds = parse_date(text)
    except UsageError:
        return
    assert type(seconds) is int
    assert seconds >= 0
    assert shown_date(seconds)
