"""Names, metadata and times on the wire."""

from __future__ import annotations

import time
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pithosfs.clients.pithos.encoding import (
    decode_value,
    encode_name,
    encode_path,
    encode_segment,
    encode_value,
    header_date,
    http_date,
    iso_ns,
    meta_headers,
    metadata,
    seconds_ns,
    whole_seconds,
)
from pithosfs.errors import BadRequest

TEXT = st.text(st.characters(exclude_categories=("Cs",)))
NAMES = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\n\0"), min_size=1) | st.text(
    "./%é ?#", min_size=1
)


@given(NAMES)
def test_a_path_comes_back_and_looks_like_nothing_special(name: str) -> None:
    path = encode_path(name)
    assert unquote(path) == name
    assert path.isascii()
    assert path.isprintable()
    assert not set(path) & set(" ?#\\")
    assert not {".", ".."} & set(path.split("/"))
    assert path.count("/") == name.count("/")


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("/x", "/x"),
        ("a//b", "a//b"),
        ("./c", "%2E/c"),
        ("../c", "%2E%2E/c"),
        ("..", "%2E%2E"),
        ("a/../..", "a/%2E%2E/%2E%2E"),
        (".hidden/...", ".hidden/..."),
        ("dir/", "dir/"),
        ("100%", "100%25"),
        ("é+ü", "%C3%A9%2B%C3%BC"),
        ("~a_b-c.d", "~a_b-c.d"),
    ],
)
def test_paths(name: str, path: str) -> None:
    assert encode_path(name) == path


@pytest.mark.parametrize("name", ["", "a\nb", "a\0b", "a\udc80b"])
def test_names_that_no_object_can_have(name: str) -> None:
    with pytest.raises(BadRequest):
        encode_path(name)


@pytest.mark.parametrize("name", ["", "a/b", "a\nb", "\ud800"])
def test_names_that_no_container_can_have(name: str) -> None:
    with pytest.raises(BadRequest):
        encode_segment(name)


@given(TEXT)
def test_a_value_comes_back(value: str) -> None:
    encoded = encode_value(value)
    assert decode_value(encoded) == value
    assert encoded.isascii()
    assert encoded.isprintable()
    assert encoded == encoded.strip()


@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        ("read=a,b; write=c", "read=a,b; write=c"),
        ("100%", "100%25"),
        ("%41", "%2541"),
        (" x ", "%20x%20"),
        ("  ", "%20%20"),
        ("", ""),
        ("ü\n", "%C3%BC%0A"),
        ("a+b", "a+b"),
    ],
)
def test_values(value: str, encoded: str) -> None:
    assert encode_value(value) == encoded


def test_a_value_that_is_no_text() -> None:
    for encode in (encode_value, encode_name):
        with pytest.raises(BadRequest):
            encode("\udcff")


@given(st.dictionaries(TEXT.filter(bool), TEXT))
def test_metadata_comes_back_with_its_keys_as_the_server_has_them(meta: dict[str, str]) -> None:
    expected = {key.replace("_", "-").lower(): value for key, value in meta.items()}
    if len(expected) == len(meta):
        headers = meta_headers("X-Object-Meta-", meta)
        assert all(name.isascii() and " " not in name and ":" not in name for name in headers)
        found = metadata({name.title(): value for name, value in headers.items()} | {"X-Other": "y"}, "X-Object-Meta-")
        assert {key.lower(): value for key, value in found.items()} == expected or not all(
            key.isascii() for key in meta
        )


def test_metadata_of_other_alphabets() -> None:
    headers = {"X-Object-Meta-%CE%91b": "%CE%91", "x-object-meta-A-B": "raw", "X-Object-Version": "1"}
    assert metadata(headers, "X-Object-Meta-") == {"αb": "Α", "a-b": "raw"}
    assert meta_headers("X-Object-Meta-", {"α_b~": "v"}) == {"X-Object-Meta-%CE%B1-b%7E": "v"}


@pytest.mark.parametrize(("value", "seconds"), [(0, 0), (17, 17), (17.0, 17), ("1700000000", 1700000000)])
def test_whole_seconds(value: int | float | str, seconds: int) -> None:
    assert whole_seconds(value) == seconds


@pytest.mark.parametrize("value", [-1, 1.5, "1.5", "-1", "", "now", "1e3", True, "١"])
def test_what_the_server_would_ignore_is_refused(value: int | float | str) -> None:
    with pytest.raises(BadRequest, match="whole seconds"):
        whole_seconds(value)


@given(st.integers(0, 4_000_000_000))
def test_a_date_comes_back(seconds: int) -> None:
    assert header_date(http_date(seconds)) == seconds


def test_dates_of_other_forms() -> None:
    assert header_date("Sunday, 06-Nov-94 08:49:37 GMT") == 784111777
    assert header_date("Sun Nov  6 08:49:37 1994") == 784111777
    assert header_date("Sun, 06 Nov 1994 08%3A49%3A37 GMT") == 784111777
    assert header_date("Sun, 06 Foo 1994 08:49:37 GMT") is None
    assert header_date("soon") is header_date("") is header_date(None) is None


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("1795442747.830801", 1795442747_830801000),
        ("1795442747", 1795442747_000000000),
        (1795442747, 1795442747_000000000),
        ("1.0000000019", 1_000000001),
        ("x", 0),
        ("", 0),
        (None, 0),
        ("-1", 0),
    ],
)
def test_decimal_seconds_are_exact(text: str | int | None, nanoseconds: int) -> None:
    assert seconds_ns(text) == nanoseconds


def test_iso_times() -> None:
    assert iso_ns("2026-11-23T14:05:47.830801+00:00") == 1795442747_830801000
    assert iso_ns("2026-11-23T16:05:47+02:00") == 1795442747_000000000
    assert iso_ns("2026-11-23T14:05:47.830801") == 1795442747_830801000
    assert iso_ns("yesterday") == iso_ns(None) == 0
    assert time.gmtime(iso_ns("2026-11-23T14:05:47Z") // 10**9).tm_year == 2026
