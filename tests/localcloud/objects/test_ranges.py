"""`Range` and `Content-Range` as pure functions (object-store.md 7.2, 10)."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pithosfs.localcloud.faults import Fault
from pithosfs.localcloud.objects.ranges import ContentRange, parse_content_range, parse_range

SMALL = st.integers(0, 12)


def model(start: int | None, end: int | None, size: int) -> tuple[int, int] | int | None:
    """One range by the table of section 7.2: a span, None (ignored), or 416."""
    if start is None and end is None:
        return None
    if start is None:
        assert end is not None
        return (size - end, size) if 1 <= end <= size else 416
    if end is None:
        return (start, size) if start < size else 416
    if start > end:
        return None
    return (start, end + 1) if end < size else 416


@given(st.lists(st.tuples(st.none() | SMALL, st.none() | SMALL), min_size=1, max_size=4), SMALL)
def test_like_the_table(ranges: list[tuple[int | None, int | None]], size: int) -> None:
    text = "bytes=" + ",".join(f"{'' if a is None else a}-{'' if b is None else b}" for a, b in ranges)
    expected = [model(start, end, size) for start, end in ranges]
    if None in expected:
        assert parse_range(text, size) is None
    elif 416 in expected:
        with pytest.raises(Fault) as fault:
            parse_range(text, size)
        assert fault.value.status == 416
    else:
        assert parse_range(text, size) == expected


@given(st.text(max_size=30), SMALL)
def test_rubbish_never_breaks_it(text: str, size: int) -> None:
    for sent in (text, "bytes=" + text):
        with contextlib.suppress(Fault):
            spans = parse_range(sent, size)
            assert spans is None or all(0 <= start < end <= size for start, end in spans)
    with contextlib.suppress(Fault):
        parse_content_range("bytes " + text)


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("bytes */*", ContentRange(None, None, None)),
        ("bytes 0-4/*", ContentRange(0, 5, None)),
        ("bytes 3-/*", ContentRange(3, None, None)),
        ("bytes 3-3/10", ContentRange(3, 4, 10)),
        (" bytes  3-/7 ", ContentRange(3, None, 7)),
    ],
)
def test_content_range(text: str, meaning: ContentRange) -> None:
    assert parse_content_range(text) == meaning


@pytest.mark.parametrize(
    ("text", "status"),
    [
        (None, 400),
        ("", 416),
        ("bytes 4-3/*", 416),
        ("bytes */10", 416),
        ("bytes 1-2", 416),
        ("bytes=1-2/*", 416),
        ("bytes -1/*", 416),
        ("bytes ٣-/*", 416),
    ],
)
def test_content_range_refused(text: str | None, status: int) -> None:
    with pytest.raises(Fault) as fault:
        parse_content_range(text)
    assert fault.value.status == status


def content_range_model(text: str) -> ContentRange | int:
    """The table of section 10, read piece by piece; a status where it is refused."""
    unit, _, rest = text.strip().partition(" ")
    where, slash, total = rest.strip().partition("/")
    start, dash, end = where.partition("-")
    digits = "0123456789"

    def is_number(part: str) -> bool:
        return 0 < len(part) < 20 and set(part) <= set(digits)

    if unit != "bytes" or not slash or not (total == "*" or is_number(total)):
        return 416
    if where == "*":
        return ContentRange(None, None, None) if total == "*" else 416
    if not dash or not is_number(start) or not (end == "" or is_number(end)):
        return 416
    if end and int(end) < int(start):
        return 416
    return ContentRange(int(start), int(end) + 1 if end else None, None if total == "*" else int(total))


@given(
    st.tuples(
        st.sampled_from(["bytes ", "bytes ", "bytes ", " bytes  ", "bytes=", "bytes", "octets ", "Bytes ", ""]),
        st.sampled_from(["*", "0", "7", "12", "", "-1", "x", "٣", "9" * 19, "9" * 20]),
        st.sampled_from(["-", "-", "-", "", "--", " - "]),
        st.sampled_from(["", "0", "7", "12", "*", "1.5"]),
        st.sampled_from(["/", "/", "/", "", "//"]),
        st.sampled_from(["*", "*", "12", "0", "", "-1", "* "]),
    ).map("".join)
    | st.sampled_from(["bytes */*", "bytes */7", "*/*"])
)
def test_content_range_like_the_table(text: str) -> None:
    expected = content_range_model(text)
    if isinstance(expected, int):
        with pytest.raises(Fault) as fault:
            parse_content_range(text)
        assert fault.value.status == expected
    else:
        assert parse_content_range(text) == expected
