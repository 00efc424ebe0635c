"""Tables, JSON, YAML, CSV and plain values; names that try to steer the terminal."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
import yaml
from fixtures.cli import Cli, finish
from fixtures.clouds import User
from fixtures.contents import Contents
from fixtures.invoker import Invoker
from hypothesis import given
from hypothesis import strategies as st

from pithosfs.store import ObjectPath
from pithosfs_cli.documents import write_list
from pithosfs_cli.output import iso_time
from pithosfs_cli.printable import printable

EVIL = "red\x1b[31m\x07\x9b5m‮txt.exe"


def test_iso_time() -> None:
    assert iso_time(1_700_000_000_123_456_789) == "2023-11-14T22:13:20.123456Z"
    assert iso_time(0) is None
    assert iso_time(None) is None
    assert iso_time(10**30) is None


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("ärger 日本 👩‍👩‍👧", "ärger 日本 👩‍👩‍👧"),
        ("a\nb\tc\r", "a\\nb\\tc\\r"),
        ("\x1b[31m", "\\x1b[31m"),
        ("\x9b1m", "\\x9b1m"),
        ("\udcff", "\\udcff"),
        ("‮abc", "\\u202eabc"),
        ("\U000e0001", "\U000e0001"),
    ],
)
def test_printable(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(st.text())
def test_printable_never_lets_controls_through(text: str) -> None:
    shown = printable(text)
    assert not any(char < " " or "\x7f" <= char <= "\x9f" or "\ud800" <= char <= "\udfff" for char in shown)


@pytest.fixture
def evil(cli: Cli, owner: User) -> Cli:
    owner.store.put_object(
        ObjectPath(owner.uuid, "pithos", EVIL), b"x" * 2048, content_type="text/plain", meta={"k": "v"}, base=None
    )
    return cli


def test_json_is_one_document_with_raw_values(evil: Cli) -> None:
    listed = evil.ok("file", "list", "--output", "json")
    assert listed.json[0]["name"] == EVIL
    assert listed.json[0]["bytes"] == 2048
    assert "\x9b" not in listed.out
    assert "\x1b" not in listed.out
    assert evil.ok("file", "info", EVIL, "--output", "json").json["meta"]["k"] == "v"
    assert evil.ok("file", "list", "--name", "nothing", "--output", "json").json == []


def test_yaml_and_csv_read_back(evil: Cli) -> None:
    assert yaml.safe_load(evil.ok("file", "list", "--output", "yaml").out)[0]["name"] == EVIL
    rows = list(csv.DictReader(io.StringIO(evil.ok("file", "list", "--output", "csv").out)))
    assert rows[0]["name"] == EVIL
    assert rows[0]["bytes"] == "2048"
    assert rows[0]["public"] == ""


def test_csv_keeps_commas_quotes_and_line_breaks(cli: Cli) -> None:
    cli.ok("container", "create", 'a,"b')
    rows = list(csv.reader(io.StringIO(cli.ok("container", "list", "--output", "csv").out)))
    assert rows[0][:2] == ["name", "count"]
    assert [row[0] for row in rows[1:]] == ['a,"b', "pithos"]


def test_a_piped_table_has_no_colours_and_no_cut_names(cli: Cli, owner: User) -> None:
    name = "a-very-long-name-" * 12
    owner.store.put_object(ObjectPath(owner.uuid, "pithos", name), b"", content_type="a/b", meta={}, base=None)
    lines = cli.ok("file", "list").out.splitlines()
    assert lines[0].split() == ["SIZE", "CHANGED", "NAME"]
    assert lines[1].endswith(name)
    assert "\x1b" not in "".join(lines)
    assert all(line == line.rstrip() for line in lines)


def test_a_table_on_a_terminal(evil: Cli) -> None:
    shown, code = finish(evil.terminal("file", "list"))
    assert code == 0
    assert "2KiB" in shown
    assert "\x1b[1m" in shown
    assert "red\\x1b[31m\\x07\\x9b5m\\u202etxt.exe" in shown
    assert "\x9b" not in shown


def test_no_color(evil: Cli) -> None:
    evil.environ["NO_COLOR"] = "1"
    shown, _ = finish(evil.terminal("file", "info", "nothing"))
    assert "\x1b[31m" not in shown
    assert "error: there is no /pithos/nothing" in shown


def test_an_error_with_an_evil_name(cli: Cli) -> None:
    result = cli("file", "info", "a\x1b[31mb")
    assert "\x1b" not in result.err
    assert "a\\x1b[31mb" in result.err


def test_empty_lists_say_so_on_standard_error(cli: Cli) -> None:
    result = cli.ok("file", "list")
    assert result.out == ""
    assert "nothing in /pithos" in result.err
    assert json.loads(cli.ok("file", "list", "-j").out) == []
    assert cli.ok("file", "list", "--output", "csv").out == ""


# how lists are shown --------------------------------------------------------------------------------------------------


@pytest.fixture
def few(program: Invoker, own: Contents) -> Invoker:
    """Three files and a folder."""
    own.put("b", b"x" * 20)
    own.put("a", b"x" * 3)
    own.put("c\td", b"x" * 100)
    own.folder("dir")
    return program


def test_plain_values(few: Invoker) -> None:
    rows = few.ok("file", "list", "--output", "value").out.splitlines()
    assert [row.split("\t")[::2] for row in rows] == [["3", "a"], ["20", "b"], ["100", "c\\td"], ["0", "dir"]]
    assert rows[0].split("\t")[1].endswith("Z")
    assert few.ok("file", "list", "--output", "value", "--columns", "name").out == "a\nb\nc\\td\ndir\n"
    assert few.ok("file", "list", "--output", "value", "--name", "none").out == ""


def test_columns(few: Invoker) -> None:
    assert few.ok("file", "list", "-j", "--columns", "name,bytes", "-n", "1").json == [{"name": "a", "bytes": 3}]
    table = few.ok("file", "list", "--columns", "name,type").out.splitlines()
    assert [line.split() for line in table[:2]] == [["NAME", "KIND"], ["a", "file"]]
    assert table[-1].split() == ["dir", "folder"]
    # The titles of the table are understood as well.
    assert few.ok("file", "list", "-j", "--columns", "SIZE, Changed", "-n", "1").json[0].keys() == {"bytes", "modified"}
    assert few.ok("file", "list", "--output", "csv", "--columns", "name").out == "name\na\nb\nc\td\ndir\n"
    for command in (["file", "list"], ["container", "list"], ["sharer", "list"], ["file", "versions", "a"]):
        wrong = few(*command, "--columns", "modified,colour")
        assert wrong.code == 2
        assert wrong.raw == b""
        assert "there is no column 'colour'; there are: " in wrong.err
        assert few(*command, "--sort", "colour").code == 2


def test_sorting(few: Invoker) -> None:
    def order(*arguments: str) -> list[str]:
        return [one["name"] for one in few.ok("file", "list", "-j", *arguments).json]

    assert order("--sort", "bytes") == ["dir", "a", "b", "c\td"]
    assert order("--sort", "-bytes") == ["c\td", "b", "a", "dir"]
    assert order("--sort", "type,-name") == ["c\td", "b", "a", "dir"]
    # What has no value comes last, whatever the direction.
    assert order("--sort", "public") == order("--sort", "-public") == ["a", "b", "c\td", "dir"]
    assert order("--sort", "-size", "-n", "2") == ["b", "a"]


def test_headers_and_numbers(few: Invoker) -> None:
    assert len(few.ok("file", "list", "--no-headers").out.splitlines()) == 4
    assert few.ok("file", "list", "--no-headers", "--output", "csv", "--columns", "name").out.splitlines()[0] == "a"
    numbered = few.ok("file", "list", "--enumerate").out.splitlines()
    assert [line.split()[0] for line in numbered] == ["#", "1", "2", "3", "4"]
    assert few.ok("file", "list", "--enumerate", "-j").json == few.ok("file", "list", "-j").json
    assert [line.split()[:2] for line in few.ok("container", "list", "--enumerate").out.splitlines()] == [
        ["#", "NAME"],
        ["1", "pithos"],
    ]


def test_the_order_of_keys_is_always_the_same(few: Invoker) -> None:
    first, *others = few.ok("file", "list", "-j").json
    assert list(first)[:4] == ["name", "path", "type", "bytes"]
    assert all(list(one) == list(first) for one in others)


def test_a_pager_on_a_terminal(cli: Cli, own: Contents, tmp_path: Path) -> None:
    own.put("x")
    pager = tmp_path / "pager"
    pager.write_text('#!/bin/sh\nsed "s/^/paged: /"\n')
    pager.chmod(0o755)
    cli.environ["PAGER"] = str(pager)
    shown, code = finish(cli.terminal("file", "list", "--more"))
    assert code == 0
    assert [line.startswith("paged: ") for line in shown.splitlines()] == [True, True]
    # Without a terminal there is nothing to page on.
    assert "paged" not in cli.ok("file", "list", "--more").out
    # One that the reader leaves at once is no error, and one that is not there is no obstacle.
    cli.environ["PAGER"] = "true"
    assert finish(cli.terminal("file", "list", "--more")) == ("", 0)
    cli.environ["PAGER"] = "/nowhere/pager"
    shown, code = finish(cli.terminal("file", "list", "--more"))
    assert code == 0
    assert "No pager" in shown
    assert " x\r\n" in shown


def test_documents_come_in_parts_and_are_one() -> None:
    pages: list[list[dict[str, object]]] = [
        [{"a": 1, "b": "x\ny"}],
        [],
        [{"a": None, "b": [1]}, {"a": "ü\x9b", "b": {}}],
    ]
    rows = [row for page in pages for row in page]

    def text(form: str, parts: list[list[dict[str, object]]], **settings: bool) -> str:
        stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="")
        write_list(form, parts, stream, **settings)
        stream.seek(0)
        return stream.read()

    for form in ("json", "yaml", "csv", "value"):
        assert text(form, pages) == text(form, [rows])
    assert json.loads(text("json", pages)) == rows
    assert yaml.safe_load(text("yaml", pages)) == rows
    assert list(csv.reader(io.StringIO(text("csv", pages), newline=""))) == [
        ["a", "b"],
        ["1", "x\ny"],
        ["", "[1]"],
        ["ü\x9b", "{}"],
    ]
    assert text("value", pages) == "1\tx\\ny\n\t[1]\nü\x9b\t{}\n"
    assert (
        json.loads(text("json", [])) == json.loads(text("json", [[], []])) == yaml.safe_load(text("yaml", [[]])) == []
    )
    assert text("csv", [[]]) == text("value", [[]]) == ""
