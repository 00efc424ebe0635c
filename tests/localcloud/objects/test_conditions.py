"""Conditional requests as pure functions (object-store.md 15)."""

from __future__ import annotations

import pytest

from pithosfs.localcloud.faults import Fault
from pithosfs.localcloud.objects.conditions import check_dates, check_tags, parse_tags
from pithosfs.localcloud.objects.headers import RequestHeaders, http_date


def headers(**sent: str) -> RequestHeaders:
    return RequestHeaders([(name.replace("_", "-").encode(), value.encode()) for name, value in sent.items()])


@pytest.mark.parametrize(
    ("text", "tags"),
    [('"A", b', {"a", "b"}), ('W/"x"', {"x"}), ("*", {"*"}), ('""', set()), (",,", set())],
)
def test_parse_tags(text: str, tags: set[str]) -> None:
    assert parse_tags(text) == tags


@pytest.mark.parametrize(
    ("sent", "etag", "reading", "status"),
    [
        ({"if_match": "*"}, None, False, 412),
        ({"if_match": "*"}, "e", False, None),
        ({"if_match": "x"}, "e", True, 412),
        ({"if_none_match": "*"}, None, False, None),
        ({"if_none_match": "*"}, "e", False, 412),
        ({"if_none_match": "x, E"}, "e", True, 304),
        ({"if_none_match": "x"}, "e", True, None),
        ({"if_match": "e", "if_none_match": "e"}, "e", True, 304),
        ({}, None, False, None),
    ],
)
def test_tags(sent: dict[str, str], etag: str | None, reading: bool, status: int | None) -> None:
    if status is None:
        check_tags(headers(**sent), etag, modified=0 if reading else None)
        return
    with pytest.raises(Fault) as fault:
        check_tags(headers(**sent), etag, modified=0 if reading else None)
    assert fault.value.status == status


@pytest.mark.parametrize(
    ("name", "seconds", "status"),
    [
        ("if_modified_since", 99, None),
        ("if_modified_since", 100, 304),
        ("if_modified_since", 101, 304),
        ("if_unmodified_since", 99, 412),
        ("if_unmodified_since", 100, None),
        ("if_unmodified_since", 101, None),
    ],
)
def test_dates_are_whole_seconds(name: str, seconds: int, status: int | None) -> None:
    modified = 100_999_999  # microseconds: within second 100
    sent = headers(**{name: http_date(seconds * 1_000_000)})
    if status is None:
        check_dates(sent, modified)
        return
    with pytest.raises(Fault) as fault:
        check_dates(sent, modified)
    assert fault.value.status == status
