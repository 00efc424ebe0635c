"""Local names and server names: nothing is lost, nothing leads elsewhere."""

from __future__ import annotations

import errno
import os

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pithosfs.mount import names
from pithosfs.mount.names import QUOTE, check_length, join, segments, shadow_name, split_last, to_local, to_server

# A small alphabet with everything that is special, so that clashes are common.
PIECES = ["a", "é", "\n", "␊", QUOTE, "C3", "A9", ".", " ", "\x01", "~", "%", "／", "🙂"]
BYTES = [b"\xc3", b"\xa9", b"\xff", b"\x80", b"\n", b"a", "‛".encode(), "␊".encode(), b"."]

raw_names = st.one_of(
    st.lists(st.sampled_from(BYTES), min_size=1, max_size=8).map(b"".join),
    st.binary(min_size=1, max_size=255).filter(lambda raw: b"\0" not in raw and b"/" not in raw),
).filter(lambda raw: raw not in (b".", b".."))
local_names = raw_names.map(lambda raw: raw.decode("utf-8", "surrogateescape"))
server_segments = st.one_of(
    st.lists(st.sampled_from([*PIECES, "/", "\0", "\ud800", "\udcc3", "‛C3‛A9"]), max_size=8).map("".join),
    st.text(max_size=300),
)


def encoded(local: str) -> bytes:
    return local.encode("utf-8", "surrogateescape")


@given(local_names)
@example("\udcc3\udca9".encode("utf-8", "surrogateescape").decode("utf-8"))
@example("‛\udcff␊\n")
def test_every_local_name_comes_back(local: str) -> None:
    server = to_server(local)
    assert to_local(server) == local
    server.encode()  # valid UTF-8
    assert "\n" not in server
    assert "/" not in server
    assert "\0" not in server


@given(local_names, local_names)
def test_different_local_names_have_different_server_names(one: str, two: str) -> None:
    assert (to_server(one) == to_server(two)) == (one == two)


@given(server_segments)
@example("")
@example(".")
@example("..")
@example("/")
@example("/..")
@example("//")
@example("‛C3‛A9")
@example("a" * 256)
@example("‛" * 200)
@example("\ud800")
def test_every_server_segment_has_a_safe_local_name(segment: str) -> None:
    local = to_local(segment)
    assert local not in ("", ".", "..")
    assert "/" not in local
    assert "\0" not in local
    assert len(encoded(local)) <= 255
    # The kernel hands the same name back.
    assert encoded(local).decode("utf-8", "surrogateescape") == local
    # Only names with the quote character need the listing to be told apart.
    assert to_server(local) == segment or QUOTE in local


@pytest.mark.parametrize(
    ("local", "server"),
    [
        ("plain.txt", "plain.txt"),
        ("a\nb", "a␊b"),
        ("\udcff", "‛FF"),
        ("␊", "‛␊"),
        ("‛", "‛‛"),
        ("‛FF", "‛‛FF"),
        ("~ %20 ü 🙂\x7f", "~ %20 ü 🙂\x7f"),
    ],
)
def test_the_scheme(local: str, server: str) -> None:
    assert to_server(local) == server
    assert to_local(server) == local


def test_odd_segments_show_what_they_are() -> None:
    assert to_local("") == "‛"
    assert to_local("..") == "‛.."
    assert to_local("/photos") == "‛／photos"
    # Bytes that are valid UTF-8 are never written in hex by us: the kernel would hand back another name.
    assert to_local("‛C3‛A9").startswith("‛C3‛A9‛")


def test_odd_segments_do_not_clash_with_each_other() -> None:
    odd = ["", ".", "..", "/", "/x", "//x", "‛", "‛x", "‛C3‛A9", "x\0", "x\n", "y" * 300, "y" * 301, "‛" * 90, "‛" * 91]
    assert len({to_local(one) for one in odd}) == len(odd)


def test_shadow_names_fit() -> None:
    assert shadow_name("x") == "x‛file"
    assert len(encoded(shadow_name("é" * 127))) <= 255


def test_lengths() -> None:
    check_length("é" * 127)
    check_length("\udcff" * 255)
    for too_long in ("é" * 128, "a" * 256, "\udcff" * 256):
        with pytest.raises(OSError, match=os.strerror(errno.ENAMETOOLONG)) as caught:
            check_length(too_long)
        assert caught.value.errno == errno.ENAMETOOLONG


@given(st.lists(st.sampled_from(["a", "b", "/", "."]), min_size=1, max_size=8).map("".join))
def test_cutting_a_name_loses_nothing(name: str) -> None:
    folder, segment = split_last(name)
    assert join(folder, segment) == name
    assert folder != name
    parts = segments(name)
    assert parts[0] != ""
    assert "/".join(parts) == name
    # Cutting one by one gives the same segments, and ends at the container.
    cut = []
    while name:
        name, segment = split_last(name)
        cut.append(segment)
    assert cut[::-1] == parts


def test_the_container_has_no_segments() -> None:
    assert segments("") == []
    assert segments("/a//b/") == ["/a", "", "b", ""]
    assert names.MAX_OBJECT_NAME == 1024
