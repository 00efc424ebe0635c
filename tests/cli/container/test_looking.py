"""`pithosfs container list` and `info`."""

from __future__ import annotations

import csv
import io

from fixtures.clouds import TestCloud
from fixtures.contents import Contents
from fixtures.invoker import Invoker


def names(program: Invoker, *arguments: str) -> list[str]:
    return [one["name"] for one in program.ok("container", "list", "-j", *arguments).json]


def test_selection(program: Invoker) -> None:
    program.ok("container", "create", "alpha", "Beta", "gamma")
    assert names(program) == ["Beta", "alpha", "gamma", "pithos"]
    assert names(program, "-n", "2") == ["Beta", "alpha"]
    assert names(program, "--marker", "alpha") == ["gamma", "pithos"]
    assert names(program, "--name-like", "ALPH") == ["alpha"]
    assert names(program, "--name", "beta") == ["Beta"]
    assert names(program, "--name-suffix", "A", "-n", "2") == ["Beta", "alpha"]
    assert names(program, "--name", "none") == []
    assert program.ok("container", "list", "--name", "none").err == "There is no container\n"
    assert "VERSIONING" in program.ok("container", "list", "-l").out.splitlines()[0]
    assert program.ok("container", "list", "--list").out == program.ok("container", "list", "-l").out


def test_what_the_server_leaves_out(program: Invoker, own: Contents) -> None:
    program.ok("container", "create", "second", "third")
    own.put("x")
    own.share("x", read=("*",))
    Contents(own.user, "second").put("y")
    own.store.set_public(Contents(own.user, "second").path("y"), True)
    assert names(program, "--shared-by-me") == names(program, "--shared") == ["pithos"]
    assert names(program, "--public") == ["second"]
    assert names(program, "--public", "--shared-by-me") == ["pithos", "second"]
    assert names(program, "--until", "2001-01-01") == []
    assert names(program, "--until", "2201-01-01") == ["pithos", "second", "third"]
    assert names(program, "--if-modified-since", "2001-01-01") == ["pithos", "second", "third"]
    for option, date in (("--if-modified-since", "2201-01-01"), ("--if-unmodified-since", "2001-01-01")):
        refused = program("container", "list", option, date)
        assert refused.code == 5
        assert option in refused.err


def test_what_is_in_them(program: Invoker, own: Contents) -> None:
    program.ok("container", "create", "empty")
    own.put("dir/x", b"abc")
    own.put("y")
    found = program.ok("container", "list", "-r", "-j").json
    assert [(one["name"], [inner["name"] for inner in one["objects"]]) for one in found] == [
        ("empty", []),
        ("pithos", ["dir/x", "y"]),
    ]
    assert found[1]["objects"][0]["bytes"] == 3
    assert "_name" not in found[1]["objects"][0]
    table = program.ok("container", "list", "-r").out.splitlines()
    assert [line.split()[-1] for line in table] == ["NAME", "/empty/", "/pithos/", "/pithos/dir/x", "/pithos/y"]
    rows = list(csv.DictReader(io.StringIO(program.ok("container", "list", "-r", "--output", "csv").out)))
    assert [(row["type"], row["path"]) for row in rows][1:3] == [("container", "/pithos"), ("file", "/pithos/dir/x")]
    # With names it is the list of their files.
    assert names(program, "pithos") == names(program, "/pithos") == ["dir", "y"]
    assert names(program, "pithos", "-r", "--name-like", "X") == ["dir/x"]
    assert names(program, "empty", "pithos") == ["dir", "y"]
    assert program("container", "list", "nowhere").code == 3
    assert program("container", "list", "pithos/dir").code == 2


def test_somebody_elses(program: Invoker, own: Contents, cloud: TestCloud) -> None:
    other = Contents(cloud.user("other"))
    refused = program("container", "list", "-A", other.user.name)
    assert refused.code == 4
    assert "sharer list" in refused.err
    assert program("container", "list", "-A", "nobody at all").code == 3
    assert program("container", "info", "pithos", "-A", other.user.uuid).code == 4
    other.put("x")
    other.share("x", read=(own.user.uuid,))
    for way in (["-A", other.user.name], ["-A", other.user.uuid], [f"pithos://{other.user.uuid}"]):
        found = program.ok("container", "list", "-j", *way).json
        assert [(one["name"], one["account"], one["count"]) for one in found] == [("pithos", other.user.uuid, None)]
    assert names(program, f"pithos://{other.user.uuid}/pithos") == ["x"]
    assert program.ok("container", "info", f"pithos://{other.user.uuid}/pithos", "-j").json["block_size"] == 4194304


def test_info(program: Invoker, own: Contents) -> None:
    program.ok("container", "create", "c", "--size-limit", "10MiB", "--meta", "colour=blue")
    found = program.ok("container", "info", "c", "-j").json
    assert (found["count"], found["bytes"], found["quota"]) == (0, 0, 10485760)
    assert (found["block_size"], found["block_hash"], found["versioning"]) == (4194304, "sha256", "auto")
    assert program.ok("container", "info", "c", "--metadata", "-j").json == {"colour": "blue"}
    assert program.ok("container", "info", "c", "--size-limit").out.split()[2:] == ["10MiB", "(10485760", "bytes)"]
    assert program.ok("container", "info", "c", "--size-limit", "-b").out.split()[2:] == ["10485760"]
    assert program.ok("container", "info", "pithos", "--size-limit").out.split()[2:] == ["unlimited"]
    assert program.ok("container", "info", "pithos", "--size-limit", "--bytes").out.split()[2:] == ["0"]
    assert program.ok("container", "info", "pithos", "--size-limit", "-j").json == {"quota": None}
    assert program.ok("container", "info", "c", "--columns", "name,count", "--output", "value").out == "c\n0\n"
    assert [one["name"] for one in program.ok("container", "info", "c", "/pithos", "-j").json] == ["c", "pithos"]
    assert program("container", "info", "nowhere").code == 3


def test_info_of_the_past(program: Invoker, own: Contents) -> None:
    own.put("x", b"123")
    assert program.ok("container", "info", "pithos", "--until", "2201-01-01", "-j").json["bytes"] == 3
    before = program("container", "info", "pithos", "--until", "2001-01-01")
    assert before.code == 3
    assert "there was no /pithos on 2001-01-01" in before.err
    assert "there is no container" in program("container", "info", "nowhere", "--until", "2001-01-01").err
