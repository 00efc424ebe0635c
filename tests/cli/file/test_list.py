"""`pithosfs file list`: folders, patterns, what the server leaves out, and that it streams."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
import yaml
from fixtures.cli import Cli
from fixtures.contents import Contents
from fixtures.crowd import PAGE, Crowd, crowd_of
from fixtures.invoker import Invoker
from fixtures.proxy import FaultProxy, Silence

if TYPE_CHECKING:
    from fixtures.clouds import TestCloud


@pytest.fixture(scope="module")
def crowd(cloud: TestCloud) -> Crowd:
    """More objects than one page holds."""
    made = crowd_of(cloud, PAGE + 1000)
    assert made.pages == 2
    return made


@pytest.fixture
def wired(bare: Cli, crowd: Crowd, cloud: TestCloud) -> Iterator[FaultProxy]:
    """The crowd's cloud for `bare`, through a proxy."""
    wire = FaultProxy(cloud.address)
    bare.home.add_cloud(crowd.user.cloud(through=wire))
    yield wire
    wire.close()


def names(program: Invoker | Cli, *arguments: str) -> list[str]:
    return [one["name"] for one in program.ok("file", "list", "-j", *arguments).json]


def listings(wire: FaultProxy) -> list[str]:
    return [line for line in wire.request_lines() if line.startswith("GET") and "/object-store/" in line]


# streaming ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["table", "json", "yaml", "csv", "value"])
def test_rows_appear_before_the_next_page_is_there(bare: Cli, crowd: Crowd, wired: FaultProxy, form: str) -> None:
    wired.when("marker=", Silence(), times=1)
    bare.environ.pop("PYTHONUNBUFFERED", None)
    run = bare.spawn("file", "list", "-r", "/crowd", "--output", form)
    assert run.stdin is not None
    assert run.stdout is not None
    assert run.stderr is not None
    with run:
        run.stdin.close()
        # Everything of the first page comes while the second does not; of some forms, at least a good part of it.
        lines = {"table": PAGE + 1, "csv": PAGE + 1, "value": PAGE}.get(form)
        first = b"".join(run.stdout.readline() for _ in range(lines)) if lines else run.stdout.read(200_000)
        assert run.poll() is None
        assert len(listings(wired)) <= 2
        wired.refuse()  # the connection of the second page; the program asks again
        wired.restore()
        whole = (first + run.stdout.read()).decode()
        assert run.stderr.read() == b""
        assert run.wait() == 0
    match form:
        case "table":
            found = whole.splitlines()[1:]
        case "json":
            found = json.loads(whole)
        case "yaml":
            found = re.findall("^- name: ", whole, re.MULTILINE)  # to read all of it takes long
            assert yaml.safe_load(whole[: whole.index("\n- name: ")])[0]["name"] == "all/00"
        case "csv":
            found = list(csv.DictReader(io.StringIO(whole)))
        case _:
            found = whole.splitlines()
    assert len(found) == crowd.count


def test_a_listing_takes_one_request_for_each_page(bare: Cli, crowd: Crowd, wired: FaultProxy) -> None:
    program = Invoker(bare.home, bare.cwd)
    rows = program.ok("file", "list", "-r", "/crowd", "--output", "value", "--columns", "name").out.splitlines()
    assert len(rows) == crowd.count
    assert rows == sorted(rows)
    assert len(listings(wired)) == crowd.pages
    assert sum("marker=" in line for line in listings(wired)) == crowd.pages - 1


def test_how_many_and_from_where_are_asked_of_the_server(bare: Cli, crowd: Crowd, wired: FaultProxy) -> None:
    program = Invoker(bare.home, bare.cwd)
    rows = names(program, "-r", "/crowd", "-n", "3", "--marker", "all/05/3")
    assert rows == [f"all/05/3/00{number}.txt" for number in range(3)]
    assert len(listings(wired)) == 1
    assert "limit=3&" in listings(wired)[0]
    wired.forget()
    # A filter of this side cannot be counted there: but no page more than needed is asked for.
    assert names(program, "-r", "/crowd", "-n", "2", "--name-like", "/05/3/") == rows[:2]
    assert len(listings(wired)) == 1
    assert "limit=10000" in listings(wired)[0]
    wired.forget()
    assert names(program, "/crowd", "-n", "1") == ["all"]
    assert len(listings(wired)) == 1


def test_what_breaks_off_is_no_whole_document(bare: Cli, crowd: Crowd, wired: FaultProxy) -> None:
    wired.when("marker=", Silence())
    program = Invoker(bare.home, bare.cwd)
    broken = program("file", "list", "-r", "/crowd", "-j", "-o", "timeout=0.5", "-o", "retries=0")
    assert broken.code == 8
    with pytest.raises(json.JSONDecodeError):
        json.loads(broken.out)


# folders --------------------------------------------------------------------------------------------------------------


def test_a_folder_is_its_name_and_what_is_below(program: Invoker, own: Contents) -> None:
    for name in ("dir/a", "dir/sub/b", "dir2/c", "dir.txt", "other"):
        own.put(name)
    assert names(program) == ["dir.txt", "dir", "dir2", "other"]
    assert names(program, "dir") == names(program, "dir/") == names(program, "/pithos/dir") == ["dir/a", "dir/sub"]
    assert names(program, "-r") == ["dir.txt", "dir/a", "dir/sub/b", "dir2/c", "other"]
    assert names(program, "-r", "dir") == ["dir/a", "dir/sub/b"]
    assert names(program, "other") == names(program, "other/") == ["other"]
    assert names(program, "-C", "pithos", "dir") == ["dir/a", "dir/sub"]
    assert program("file", "list", "di").code == 3
    nowhere = program("file", "list", "/nowhere")
    assert nowhere.code == 3
    assert "make it: pithosfs container create nowhere" in nowhere.err
    table = program.ok("file", "list").out.splitlines()
    assert [line.split()[-1] for line in table] == ["NAME", "dir.txt", "dir/", "dir2/", "other"]
    assert [line.split()[-1] for line in program.ok("file", "list", "dir").out.splitlines()] == ["NAME", "a", "sub/"]


def test_a_marker_and_its_prefix_are_one_folder(program: Invoker, own: Contents) -> None:
    own.folder("dir")
    own.put("dir-2")
    own.put("dir/a")
    own.folder("empty")
    found = program.ok("file", "list", "-j").json
    assert [(one["name"], one["type"]) for one in found] == [("dir", "folder"), ("dir-2", "file"), ("empty", "folder")]
    assert found[0]["version"] is not None
    assert names(program, "-n", "2") == ["dir", "dir-2"]
    assert names(program, "-n", "3") == ["dir", "dir-2", "empty"]
    assert names(program, "empty") == []
    assert "nothing in /pithos/empty" in program.ok("file", "list", "empty").err
    # A file and a folder of one name are two things.
    own.put("both")
    own.put("both/x")
    assert [(one["name"], one["type"]) for one in program.ok("file", "list", "-j").json][:2] == [
        ("both", "file"),
        ("both", "folder"),
    ]


def test_a_delimiter_of_ones_own(program: Invoker, own: Contents) -> None:
    for name in ("2024-01-a", "2024-02-b", "2025-01-c", "dir/2024-x", "plain"):
        own.put(name)
    found = program.ok("file", "list", "--delimiter", "-", "-j").json
    assert [(one["name"], one["type"]) for one in found] == [
        ("2024-", "prefix"),
        ("2025-", "prefix"),
        ("dir/2024-", "prefix"),
        ("plain", "file"),
    ]
    assert names(program, "dir", "--delimiter", "-") == ["dir/2024-"]


def test_odd_names_stay_reachable(program: Invoker, own: Contents) -> None:
    odd = ["/absolute", "a//b", "../up", "./here", "trailing/", "blank name ", "ümläut~", "q?x#y%41&z", "*", "[x]"]
    for name in odd:
        own.put(name, name.encode())
    assert names(program, "-r") == sorted(odd)
    assert names(program, "/pithos//") == ["/absolute"]
    assert names(program, "/pithos/a//") == ["a//b"]
    for name in odd:
        assert program.ok("file", "cat", f"/pithos/{name}").raw == name.encode()
        assert program.ok("file", "info", f"/pithos/{name}", "-j").json["name"] == name
        assert names(program, f"/pithos/{name}") == [name]


# several places, patterns ---------------------------------------------------------------------------------------------


def test_several_places(program: Invoker, own: Contents) -> None:
    for name in ("a/x", "b/y", "c"):
        own.put(name)
    assert names(program, "a", "b", "/pithos/c") == ["a/x", "b/y", "c"]
    assert names(program, "a", "b", "-n", "1") == ["a/x"]
    table = program.ok("file", "list", "a", "b").out.splitlines()
    assert [line.split()[-1] for line in table[1:]] == ["/pithos/a/x", "/pithos/b/y"]
    some = program("file", "list", "a", "nothing", "b", "-j")
    assert some.code == 3
    assert [one["name"] for one in some.json] == ["a/x", "b/y"]
    assert "/pithos/nothing" in some.err


def test_patterns(program: Invoker, own: Contents) -> None:
    for name in ("a.txt", "b.txt", "c.jpg", "dir/d.txt", "dir/sub/e.txt", "dir2/f.txt", ".hidden.txt"):
        own.put(name)
    assert names(program, "*.txt") == ["a.txt", "b.txt"]
    assert names(program, "/pithos/[ab]*") == ["a.txt", "b.txt"]
    assert names(program, "d*") == ["dir", "dir2"]
    assert names(program, "*/") == ["dir", "dir2"]
    assert names(program, "dir/*") == ["dir/d.txt", "dir/sub"]
    assert names(program, "*/*") == ["dir/d.txt", "dir/sub", "dir2/f.txt"]
    assert names(program, "**/*.txt") == ["a.txt", "b.txt", "dir/d.txt", "dir/sub/e.txt", "dir2/f.txt"]
    assert names(program, "-r", "d*") == ["dir/d.txt", "dir/sub/e.txt", "dir2/f.txt"]
    assert names(program, "-n", "1", "*.txt") == ["a.txt"]
    nothing = program("file", "list", "*.png")
    assert nothing.code == 3
    assert "nothing matches /pithos/*.png" in nothing.err
    assert program("file", "list", "--no-glob", "*.txt").code == 3
    # A name is meant before what it matches.
    own.put("[ab].txt")
    assert names(program, "[ab].txt") == ["[ab].txt"]


# what is left out -----------------------------------------------------------------------------------------------------


def test_selection_by_name(program: Invoker, own: Contents) -> None:
    for name in ("a.txt", "B.txt", "c.jpg", "dir/IMG1", "dir/other"):
        own.put(name)
    assert names(program, "-n", "1") == ["B.txt"]
    assert names(program, "--marker", "a.txt") == ["c.jpg", "dir"]
    assert names(program, "--name-suffix", ".TXT") == ["B.txt", "a.txt"]
    assert names(program, "--name-like", "b.T") == ["B.txt"]
    assert names(program, "--name", "A.TXT") == ["a.txt"]
    assert names(program, "dir", "--name-prefix", "img") == ["dir/IMG1"]
    assert names(program, "dir", "--marker", "zzz") == []
    assert program("file", "list", "-n", "0").code == 2


def test_what_the_server_leaves_out(program: Invoker, own: Contents) -> None:
    own.put("dir/shared", b"", meta={"colour": "red", "size": "big"})
    own.put("dir/public", b"", meta={"colour": "blue"})
    own.put("dir/plain", b"")
    own.share("dir/shared", read=("*",))
    own.store.set_public(own.path("dir/public"), True)
    assert names(program, "-r", "--shared-by-me") == ["dir/shared"]
    assert names(program, "-r", "--public") == ["dir/public"]
    assert names(program, "-r", "--public", "--shared-by-me") == ["dir/public", "dir/shared"]
    assert names(program, "-r", "--meta", "colour") == ["dir/public", "dir/shared"]
    assert names(program, "-r", "--meta", "colour=red") == ["dir/shared"]
    assert names(program, "-r", "--meta", "colour=red,size=big") == ["dir/shared"]
    assert names(program, "-r", "--meta", "colour=blue", "--meta", "size=big") == []
    assert names(program, "-r", "--meta", "!colour") == ["dir/plain"]
    # One level deep as well, of a single file, and of a folder in which nothing is left.
    assert names(program, "dir", "--public") == ["dir/public"]
    assert names(program, "dir/plain", "--public") == []
    assert names(program, "dir/public", "--public") == ["dir/public"]
    assert names(program, "dir", "--meta", "nothing") == []
    assert program("file", "list", "missing", "--public").code == 3


def test_the_past(program: Invoker, own: Contents) -> None:
    own.put("old", b"1")
    since = own.store.versions(own.path("old"))[0].modified_ns / 1e9
    before, after = f"@{int(since)}", f"@{int(since) + 1}"
    # The second that follows must be over: what changes in it counts for its end.
    while own.store.versions(own.path("old"))[-1].modified_ns < (int(since) + 1) * 10**9:
        own.put("old", b"22")
    own.put("new")
    own.store.delete(own.path("old"))
    assert names(program) == ["new"]
    assert names(program, "--until", after) == ["old"]
    assert names(program, "old", "--until", after) == ["old"]
    assert names(program, "--until", "now") in (["new"], ["old"], ["new", "old"])
    early = program("file", "list", "--until", "2001-01-01")
    assert early.code == 3
    assert "there was no /pithos on 2001-01-01" in early.err
    assert program("file", "list", "new", "--until", before).code == 3
    assert program("file", "list", "--until", "soon").code == 2


def test_conditions_on_the_whole(program: Invoker, own: Contents) -> None:
    own.put("x")
    assert names(program, "--if-modified-since", "2001-01-01") == ["x"]
    assert names(program, "--if-unmodified-since", "2201-01-01") == ["x"]
    unchanged = program("file", "list", "--if-modified-since", "2201-01-01")
    assert unchanged.code == 5
    assert "has not changed since 2201-01-01" in unchanged.err
    changed = program("file", "list", "--if-unmodified-since", "1 day ago")
    assert changed.code == 5
    assert "has changed since" in changed.err
    assert "--if-unmodified-since" in changed.err


# what is shown --------------------------------------------------------------------------------------------------------


def test_details(program: Invoker, own: Contents) -> None:
    own.put("x", b"abc", meta={})
    own.share("x", read=("*",))
    own.folder("dir")
    lines = program.ok("file", "list", "-l").out.splitlines()
    assert lines[0].split() == ["SIZE", "CHANGED", "VERSION", "TYPE", "SHARED", "BY", "NAME"]
    folder, file = lines[1], lines[2]
    assert folder.split()[0] == "-"
    assert folder.endswith(" dir/")
    assert ("3B", "text/plain", "shared", own.user.name) == (file.split()[0], *file.split()[4:7])
    assert program.ok("file", "list", "--list").out == program.ok("file", "list", "-l").out
    found = program.ok("file", "list", "-j", "x").json[0]
    assert found["sharing"] == {"read": ["*"], "write": []}
    assert found["modified_by"] == own.user.uuid
    assert "_name" not in found


def test_the_old_format_option_is_the_new_one(program: Invoker, own: Contents) -> None:
    own.put("x")
    assert program.ok("file", "list", "--format", "json").json == program.ok("file", "list", "-j").json
    assert program.ok("file", "list", "--format", "%s").out == program.ok("file", "list").out


def test_somebody_elses_files(program: Invoker, own: Contents, cloud: TestCloud) -> None:
    other = Contents(cloud.user("other"))
    other.put("theirs", b"shared")
    other.put("dir/inside")
    other.folder("dir")
    other.put("secret")
    other.share("theirs", read=(own.user.uuid,))
    other.share("dir", read=(own.user.uuid,))
    uuid = other.user.uuid
    assert names(program, "-A", other.user.name, "-r") == ["dir", "dir/inside", "theirs"]
    assert names(program, "-A", uuid, "dir") == ["dir/inside"]
    assert names(program, f"pithos://{uuid}") == ["dir", "theirs"]
    assert names(program, f"pithos://{uuid}/pithos/theirs") == ["theirs"]
    assert program.ok("file", "cat", f"pithos://{uuid}/pithos/theirs").raw == b"shared"
    assert program.ok("file", "info", "-A", other.user.name, "theirs", "-j").json["allowed_to"] == "read"
    for command in ("list", "cat", "info"):
        refused = program("file", command, f"pithos://{uuid}/pithos/secret")
        assert refused.code == 4
        assert "secret" in refused.err
    assert program("file", "list", "-A", "nobody at all").code == 3
