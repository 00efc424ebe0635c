"""Sharing rules as pure functions (object-store.md 12.1, 12.2)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pithosfs.localcloud.objects.sharing import Rule, covered_prefix, is_directory, parents, parse_rule

WHO = st.sampled_from(["a", "B", "c:g", "*", "~d", " e"])
WORDS = st.sampled_from(["read", "write"])


@given(st.lists(st.tuples(WORDS, st.lists(WHO, min_size=1)), max_size=4))
def test_normal_form(parts: list[tuple[str, list[str]]]) -> None:
    rule = parse_rule(";".join(f"{word}={','.join(who)}" for word, who in parts))
    assert parse_rule(str(rule)) == rule
    assert not set(rule.read) & set(rule.write)
    for word, who in dict(parts).items():  # the last of each word counts
        names = {one.strip().replace("~", "").lower() for one in who}
        for name in names:
            allowed = rule.allows({name, "*"})
            assert allowed == "write" if word == "write" else allowed is not None


def test_allows() -> None:
    rule = Rule(read=("a",), write=("b",))
    assert [rule.allows({one}) for one in ("a", "b", "c")] == ["read", "write", None]
    assert rule.allows({"a", "b"}) == "write"
    assert not Rule()


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("a", []),
        ("a/b", ["a/", "a"]),
        ("a/b/c", ["a/b/", "a/b", "a/", "a"]),
        ("a/", ["a"]),
        ("a//b", ["a//", "a/", "a"]),
        ("/a", ["/"]),
        ("/", []),
    ],
)
def test_parents(name: str, found: list[str]) -> None:
    assert list(dict.fromkeys(parents(name))) == found


@given(st.text("a/", max_size=8), st.text("a/", min_size=1, max_size=8))
def test_parents_are_those_that_cover(marker: str, name: str) -> None:
    covers = marker not in ("", name) and name.startswith(covered_prefix(marker))
    assert (marker in parents(name)) == covers


@pytest.mark.parametrize(
    ("content_type", "directory"),
    [
        ("application/directory", True),
        ("application/folder; x=y", True),
        ("Application/Directory ", True),
        ("application/directory2", False),
        ("", False),
    ],
)
def test_is_directory(content_type: str, directory: bool) -> None:
    assert is_directory(content_type) is directory
