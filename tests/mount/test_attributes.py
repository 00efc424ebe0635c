"""POSIX attributes in metadata."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pithosfs.mount.attributes import OWN_KEYS, Attributes, from_meta, is_storable, to_meta

texts = st.text(min_size=1, max_size=260)
attributes = st.builds(
    Attributes,
    mode=st.none() | st.integers(0, 0o7777),
    mtime_ns=st.none() | st.integers(-(10**20), 10**20),
    owner=st.none() | texts.filter(is_storable),
    group=st.none() | texts.filter(is_storable),
    link=st.none() | texts.filter(is_storable).map(str.encode),
)


@given(attributes)
def test_attributes_come_back(shown: Attributes) -> None:
    meta = to_meta(shown)
    assert from_meta(meta) == shown
    assert meta.keys() <= OWN_KEYS
    assert all(is_storable(value) for value in meta.values())


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0, "0.000000000"),
        (1_700_000_000_123_456_789, "1700000000.123456789"),
        (-1, "-0.000000001"),
        (-1_500_000_000, "-1.500000000"),
    ],
)
def test_times(ns: int, text: str) -> None:
    assert to_meta(Attributes(mtime_ns=ns)) == {"mtime": text}
    assert from_meta({"mtime": text}).mtime_ns == ns


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("1700000000", 1_700_000_000_000_000_000),
        ("1700000000.5", 1_700_000_000_500_000_000),
        ("1700000000.1234567899", 1_700_000_000_123_456_789),
        ("1.", 1_000_000_000),
        (" 7 ", 7_000_000_000),
        ("-0.25", -250_000_000),
    ],
)
def test_times_that_others_write(text: str, ns: int) -> None:
    assert from_meta({"mtime": text}).mtime_ns == ns


@pytest.mark.parametrize("text", ["", "never", "1e9", "0x10", "1,5", "nan", "inf", "--1", "9" * 40, ".", "١"])
def test_times_that_make_no_sense_are_ignored(text: str) -> None:
    assert from_meta({"mtime": text}).mtime_ns is None


@pytest.mark.parametrize(("text", "mode"), [("644", 0o644), ("100755", 0o755), ("0", 0), ("104755", 0o4755)])
def test_modes(text: str, mode: int) -> None:
    assert from_meta({"mode": text}).mode == mode


@pytest.mark.parametrize("text", ["", "rwx", "33188", "-644", "0o644", "12345670", "6 4"])
def test_modes_that_make_no_sense_are_ignored(text: str) -> None:
    assert from_meta({"mode": text}).mode is None


def test_type_bits_are_not_stored() -> None:
    assert to_meta(Attributes(mode=0o100644)) == {"mode": "644"}


@pytest.mark.parametrize("target", [b"", b"a~", b"\xff", b"x" * 257, b"a\nb", b" a", "ü".encode() * 257])
def test_targets_that_metadata_cannot_keep_are_left_to_the_content(target: bytes) -> None:
    assert to_meta(Attributes(link=target)) == {}


def test_targets() -> None:
    assert to_meta(Attributes(link=b"../a b/\xc3\xbc")) == {"symlink-target": "../a b/ü"}
    assert from_meta({"symlink-target": "../a b/ü"}).link == b"../a b/\xc3\xbc"
    # One that lost something on its way is not taken for the target.
    assert from_meta({"symlink-target": "a\x00b"}).link is None


def test_other_metadata_is_no_attribute() -> None:
    assert from_meta({"color": "red", "owner": "", "group": ""}) == Attributes()
