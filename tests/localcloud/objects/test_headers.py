"""Header codecs and dates as pure functions (object-store.md 3.2, 13)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pithosfs.localcloud.faults import Fault
from pithosfs.localcloud.objects.headers import (
    RequestHeaders,
    capitalised,
    decode_value,
    encode_name,
    encode_value,
    http_date,
    iso_time,
    meta_key,
    parse_http_date,
    stamp,
)

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
TIMES = st.integers(0, 253402300799 * 1_000_000)


@given(TEXT)
def test_values_come_back(text: str) -> None:
    assert decode_value(encode_value(text)) == text
    assert encode_value(text).isascii()
    assert "\n" not in encode_value(text)


@given(TEXT)
def test_names_come_back(text: str) -> None:
    assert decode_value(encode_name(text)) == text


@pytest.mark.parametrize(
    ("sent", "value"), [("%", "%"), ("%4", "%4"), ("%zz%41", "%zzA"), ("a+b", "a+b"), ("%C3%A9", "é"), ("%2541", "%41")]
)
def test_decoding(sent: str, value: str) -> None:
    assert decode_value(sent) == value


@pytest.mark.parametrize(
    ("sent", "stored"),
    [("foo_bar", "Foo-Bar"), ("FOO", "Foo"), ("a-", "A-"), ("αβ", "Αβ"), ("x-1y", "X-1y"), ("a--b", "A--B")],
)
def test_meta_key(sent: str, stored: str) -> None:
    assert meta_key(sent) == stored


def test_a_key_that_was_read_names_the_same_item() -> None:
    """Every letter at the beginning of a name: clients show keys in lower case, and send them again so."""
    letters = [char for char in map(chr, range(0x110000)) if not char.isascii() and char.upper() != char.lower()]
    assert len(letters) > 2000
    for letter in [*letters, "a", "Z", "-", "é"]:
        stored = capitalised(letter)
        assert stored.lower() == letter.lower()
        assert capitalised(stored) == capitalised(stored.lower()) == stored


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=8))
def test_normalising_again_changes_nothing(key: str) -> None:
    stored = meta_key(key)
    assert meta_key(stored) == meta_key(stored.lower()) == stored


@pytest.mark.parametrize(
    ("value", "sent"), [(" x ", "%20x%20"), ("  ", "%20%20"), ("a b", "a b"), (" é", "%20%C3%A9"), ("x ~ ", "x %7E%20")]
)
def test_blanks_at_the_ends_are_encoded(value: str, sent: str) -> None:
    assert encode_value(value) == sent


@given(TIMES)
def test_dates_come_back(time: int) -> None:
    assert parse_http_date(http_date(time)) == time // 1_000_000


@given(TIMES)
def test_list_times(time: int) -> None:
    exact = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time)
    assert datetime.fromisoformat(iso_time(time)) == exact
    whole, _, fraction = stamp(time).partition(".")
    assert (int(whole) * 1_000_000 + int(fraction), len(fraction)) == (time, 6)


@pytest.mark.parametrize(
    "text", ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"]
)
def test_date_forms(text: str) -> None:
    assert parse_http_date(text) == 784111777


@pytest.mark.parametrize("text", ["", "yesterday", "784111777", "Sun, 31 Feb 1994 08:49:37 GMT"])
def test_no_dates(text: str) -> None:
    assert parse_http_date(text) is None


def test_repeated_headers_are_joined() -> None:
    headers = RequestHeaders([(b"if-match", b"a"), (b"If-Match", b"b")])
    assert headers.get("if-match") == "a,b"


def test_extras_are_metadata() -> None:
    headers = RequestHeaders(
        [(b"content-encoding", b""), (b"x-object-manifest", b"c/p%20q"), (b"x-object-meta-a", b""), (b"x-other", b"1")]
    )
    assert headers.object_meta() == {"X-Object-Meta-A": "", "X-Object-Manifest": "c/p q"}


@pytest.mark.parametrize("name", [b"x-\xc3\xa9", b"x-object-meta-", b"x-object-meta-%FF"])
def test_bad_names(name: bytes) -> None:
    with pytest.raises(Fault):
        RequestHeaders([(name, b"1")])
