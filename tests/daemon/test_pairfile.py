"""Pairs as JSON: kept whole, and refused with the field that is wrong."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pithosfs.errors import ConfigError, UsageError
from pithosfs_daemon.pairfile import check, from_json, to_json
from pithosfs_daemon.values import Direction, Pair

PAIR = Pair("a1b2c3d4", Path("/home/ada/Work"), "work", "uuid", "c")
FULL = replace(
    PAIR,
    folder=Path("/home/ada/W\udcffrk\n"),
    prefix="a/b c/\u03b1",
    direction=Direction.UP,
    interval=30.5,
    excludes=("*.tmp", "!keep.tmp", "/build/", "\\#x"),
    symlinks="follow",
    upload_limit=1 << 20,
    download_limit=2048,
    max_delete=0.25,
    paused=True,
    options={"config": "/etc/other"},
)
SOURCE = Path("/state/pair.json")


@pytest.mark.parametrize("pair", [PAIR, FULL], ids=["plain", "full"])
def test_it_comes_back_as_it_was(pair: Pair) -> None:
    assert from_json(to_json(pair), SOURCE) == pair


def test_what_a_later_version_has_added_is_kept() -> None:
    text = json.dumps({**json.loads(to_json(PAIR)), "colour": "blue"})
    read = from_json(text, SOURCE)
    assert read.options == {"colour": "blue"}
    assert json.loads(to_json(read))["colour"] == "blue"


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"version": 2}, "later version"),
        ({"id": 5}, "id"),
        ({"id": ""}, "id"),
        ({"folder": "Work"}, "absolute"),
        ({"container": "a/b"}, "container"),
        ({"container": ".."}, "container"),
        ({"prefix": "a/../b"}, "elsewhere"),
        ({"prefix": "/a"}, "empty name"),
        ({"prefix": "a//b"}, "empty name"),
        ({"prefix": "a\nb"}, "characters"),
        ({"prefix": "a" * 600}, "too long"),
        ({"direction": "sideways"}, "sideways"),
        ({"interval": 0}, "interval"),
        ({"interval": "often"}, "often"),
        ({"interval": True}, "True"),
        ({"interval": float("inf")}, "number"),
        ({"upload_limit": 10}, "uploads"),
        ({"download_limit": "x"}, "'x'"),
        ({"max_delete": 1.5}, "150"),
        ({"symlinks": "both"}, "symlinks"),
        ({"excludes": ["a\nb"]}, "more than one"),
        ({"excludes": ["# nothing"]}, "excludes nothing"),
    ],
)
def test_what_is_wrong_is_named(change: dict[str, Any], word: str) -> None:
    text = json.dumps({**json.loads(to_json(PAIR)), **change})
    with pytest.raises(ConfigError, match=str(SOURCE)) as caught:
        from_json(text, SOURCE)
    assert word in caught.value.message
    assert "sync add" in caught.value.hint


@pytest.mark.parametrize("missing", ["id", "folder", "cloud", "account", "container"])
def test_what_is_missing_is_named(missing: str) -> None:
    values = json.loads(to_json(PAIR))
    del values[missing]
    with pytest.raises(ConfigError, match=f"'{missing}' is missing"):
        from_json(json.dumps(values), SOURCE)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", b"\xff"])
def test_rubbish(text: str | bytes) -> None:
    with pytest.raises(ConfigError, match="does not describe"):
        from_json(text, SOURCE)


@pytest.mark.parametrize("pattern", ["", "  ", "#c", "/", "!", "a\\", "[z-a]", "[[:nothing:]]", "a\nb", "a\0"])
def test_patterns_that_mean_nothing(pattern: str) -> None:
    with pytest.raises(UsageError) as caught:
        check(replace(PAIR, excludes=(pattern,)))
    assert caught.value.hint


@pytest.mark.parametrize("pattern", ["*.o", "/x", "x/", "**/y", "!z", "\\#x", "ä b", "[a-c]?"])
def test_patterns_that_do(pattern: str) -> None:
    assert check(replace(PAIR, excludes=(pattern,))).excludes == (pattern,)
