"""Tables, JSON, YAML and CSV; names that try to steer the terminal."""

from __future__ import annotations

import csv
import io
import json

import pytest
import yaml
from fixtures.cli import Cli, finish
from fixtures.clouds import User
from hypothesis import given
from hypothesis import strategies as st

from pithosfs.store import ObjectPath
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
