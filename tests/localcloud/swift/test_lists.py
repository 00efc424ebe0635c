"""Lists of the Swift dialect: forms, times, and order and roll-up against a model."""

from __future__ import annotations

import random
import re
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote, urlencode
from xml.etree import ElementTree

import pytest

NAMES = sorted(
    {
        *("a", "a/", "a/b", "a/b/", "a/b/c", "a/b/d", "a/x", "a-b", "a0", "b//", "b//c", "b/", "/", "/x", "//y"),
        *("d/e/f/g", "d/e/f/h", "d/i", "ä/ö", "ä/ü/ß", "z&<>\"'", "日/本/語", "日/本", "- -", "--x--y"),
    }
)


def model(query: dict[str, str]) -> list[str]:
    """The list that the API's description makes of `NAMES`; a roll-up is marked by ` >`."""
    reverse = query.get("reverse") == "true"
    marker, end, limit = query.get("marker", ""), query.get("end_marker", ""), int(query.get("limit", "10000"))
    path = query.get("path")
    prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
    if path is not None:
        prefix, delimiter = (path.rstrip("/") + "/" if path else ""), "/"
    found: list[str] = []
    for name in NAMES[::-1] if reverse else NAMES:
        low, high = (end, marker) if reverse else (marker, end)
        if not name.startswith(prefix) or (low and name <= low) or (high and name >= high):
            continue
        at = name.find(delimiter, len(prefix)) if delimiter else -1
        if path is not None:
            if name != prefix and (at < 0 or at == len(name) - 1):
                found.append(name)
        elif at < 0:
            found.append(name)
        else:
            folder = name[: at + len(delimiter)]
            if folder != marker and f"{folder} >" not in found:
                found.append(f"{folder} >")
    return found[:limit]


def test_lists_are_those_of_the_model(person: Any) -> None:
    for name in NAMES:
        person.put(f"c/{quote(name)}", b"")
    chance = random.Random(7)
    points = ["", *NAMES, "d/e/", "m", "日", "d/e/f/gg"]
    seen = 0
    for _ in range(400):
        query: dict[str, str] = {}
        for key, values in (
            ("prefix", ["a", "a/", "a/b", "d/", "ä/", "日/", "/", "-", "none"]),
            ("delimiter", ["/", "/", "/", "//", "-", "b"]),
            ("marker", points),
            ("end_marker", points),
            ("limit", ["1", "2", "3", "5", "0"]),
            ("reverse", ["true", "false"]),
            ("path", ["", "a", "a/b", "d/e", "/", "d/e/f/"]),
        ):
            if chance.random() < (0.15 if key == "path" else 0.4):
                query[key] = chance.choice(values)
        answer = person("GET", "c?" + urlencode({**query, "format": "json"}))
        assert answer.status == 200, query
        listed = [one["name"] if "name" in one else f"{one['subdir']} >" for one in answer.json()]
        assert listed == model(query), query
        seen += len(listed)
    assert seen > 500


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_paging_through_roll_ups_shows_each_once(person: Any, limit: int) -> None:
    for name in ("a/", "a/1", "a/2", "b", "c/x", "c/y", "d"):
        person.put(f"c/{name}", b"")
    pages: list[str] = []
    while page := person.names(f"c?delimiter=/&limit={limit}&marker={pages[-1] if pages else ''}"):
        assert len(page) <= limit
        pages += page
    assert pages == ["a/", "b", "c/", "d"]


def test_an_entry_says_what_the_object_is(person: Any) -> None:
    person.put("c/o", b"data", Content_Type="text/a; charset=x")
    person.put("c/d/x", b"")
    person.pithos("PUT", "c/untyped", b"", Content_Type="")
    folder, entry, untyped = person("GET", "c?format=json&delimiter=/").json()
    assert folder == {"subdir": "d/"}
    time = entry.pop("last_modified")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}", time)
    seen = parsedate_to_datetime(person("HEAD", "c/o").headers["last-modified"])
    assert datetime.fromisoformat(f"{time}+00:00").replace(microsecond=0) == seen
    assert entry == {
        "name": "o",
        "hash": "8d777f385d3dfec8815d20f7496026dc",
        "bytes": 4,
        "content_type": "text/a; charset=x",
    }
    assert untyped["content_type"] == "application/octet-stream"


def test_lists_in_xml(person: Any) -> None:
    person.put("c/a%26%3Cb%3E%22%09%01", b"data")
    person.put("c/d/x", b"")
    root = ElementTree.fromstring(person("GET", "c?format=xml&delimiter=/").body)
    assert (root.tag, root.attrib) == ("container", {"name": "c"})
    assert [child.tag for child in root] == ["object", "subdir"]
    assert [child.tag for child in root[0]] == ["name", "hash", "bytes", "content_type", "last_modified"]
    assert root[0][0].text == 'a&<b>"\t\ufffd'
    assert root[1].attrib == {"name": "d/"}
    root = ElementTree.fromstring(person("GET", "?format=xml").body)
    assert (root.tag, root.attrib) == ("account", {"name": person.account})
    assert [(one[0].text, one[1].text, one[2].text) for one in root] == [("c", "2", "4"), ("pithos", "0", "0")]


def test_lists_of_containers(person: Any) -> None:
    for name in ("b-1", "b-2", "x"):
        person("PUT", name, b"")
    assert person.names("") == ["b-1", "b-2", "c", "pithos", "x"]
    assert person.names("?marker=b-1&end_marker=pithos") == ["b-2", "c"]
    assert person.names("?prefix=b&limit=1") == ["b-1"]
    assert person.names("?reverse=true&limit=2") == ["x", "pithos"]
    assert person.names("?delimiter=-") == ["b-", "c", "pithos", "x"]
    (entry,) = person("GET", "?format=json&prefix=x").json()
    assert {key: entry[key] for key in ("name", "count", "bytes")} == {"name": "x", "count": 0, "bytes": 0}
    assert set(entry) == {"name", "count", "bytes", "last_modified"}
