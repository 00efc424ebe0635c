"""`pithosfs file delete`."""

from __future__ import annotations

from fixtures.cli import Cli, finish
from fixtures.clouds import TestCloud, User
from fixtures.contents import Contents
from fixtures.invoker import Invoker
from fixtures.waiting import interrupt

from pithosfs.store import Sharing


def tree(own: Contents) -> None:
    own.folder("dir")
    for name in ("dir/a", "dir/b/c", "dir.txt", "dir2/d"):
        own.put(name)


def test_deleting_asks(cli: Cli, program: Invoker, own: Contents) -> None:
    own.put("x")
    refused = program("file", "delete", "x")
    assert refused.code == 2
    assert "--yes" in refused.err
    for answer, code in (("", 1), ("nonsense\nn", 1), ("\x03", 130), ("y", 0)):
        run = cli.terminal("file", "delete", "x")
        run.expect(r"Delete /pithos/x\? \[y/N\]: ")
        if answer == "\x03":
            interrupt(run)
        else:
            run.sendline(answer)
        assert finish(run)[1] == code
        assert own.has("x") is (code != 0)
    assert program("file", "delete", "x", "--yes").code == 3


def test_folders(program: Invoker, own: Contents) -> None:
    tree(own)
    refused = program("file", "delete", "dir", "--yes")
    assert refused.code == 5
    assert "--recursive" in refused.err
    dry = program.ok("file", "delete", "-r", "dir", "dir2", "--dry-run")
    assert dry.out.splitlines() == [f"Would delete /pithos/{name}" for name in ("dir/b/c", "dir/a", "dir", "dir2/d")]
    assert program.ok("file", "delete", "-r", "dir2", "--dry-run", "-j").json == [
        {"action": "delete", "path": "/pithos/dir2/d"}
    ]
    assert len(own.names()) == 5
    deleted = program.ok("-v", "file", "delete", "-r", "dir/", "--yes")
    assert deleted.err.count("DELETE ") == 1  # with everything in it
    assert own.names() == ["dir.txt", "dir2/d"]
    assert program.ok("file", "delete", "-r", "dir2", "--yes", "-j").json == [
        {"action": "deleted", "path": "/pithos/dir2", "objects": 1}
    ]
    assert own.names() == ["dir.txt"]
    assert len(own.versions("dir/a")) == 1


def test_an_empty_folder_needs_no_recursion(program: Invoker, own: Contents) -> None:
    own.folder("dir")
    own.folder("slash/")
    program.ok("file", "delete", "dir/", "slash/", "--yes")
    assert own.names() == []


def test_a_plain_file_with_names_below_it(program: Invoker, own: Contents) -> None:
    own.put("x")
    own.put("x/below")
    program.ok("file", "delete", "x", "--yes")
    assert own.names() == ["x/below"]


def test_names_that_go_on_after_a_delimiter(program: Invoker, own: Contents) -> None:
    for name in ("x", "x.old", "x.old.2", "xy", "x/y"):
        own.put(name)
    assert program.ok("file", "delete", "x", "--delimiter", ".", "--dry-run").out.splitlines() == [
        "Would delete /pithos/x.old.2",
        "Would delete /pithos/x.old",
        "Would delete /pithos/x",
    ]
    refused = program("file", "delete", "x", "--delimiter", ".")
    assert "/pithos/x and the 2 objects that begin with /pithos/x." in refused.err
    program.ok("file", "delete", "x", "--delimiter", ".", "--yes")
    assert own.names() == ["x/y", "xy"]
    program.ok("file", "delete", "x", "--delimiter", "/", "--yes")
    assert own.names() == ["xy"]
    assert program("file", "delete", "xy", "-r", "--delimiter", ".", "--yes").code == 2


def test_a_container_is_emptied_only_on_demand(program: Invoker, own: Contents, owner: User) -> None:
    tree(own)
    assert program("file", "delete", "/pithos", "--yes").code == 2
    program.ok("file", "delete", "/pithos", "--yes", "-r")
    assert own.names() == []
    assert [one.name for one in owner.store.containers()] == ["pithos"]
    program.ok("file", "delete", "/pithos", "--yes", "-r")  # nothing to ask or to do


def test_patterns(program: Invoker, own: Contents) -> None:
    tree(own)
    own.put("*.txt")
    program.ok("file", "delete", "*.txt", "--yes")  # there is one of that very name
    assert own.has("dir.txt")
    own.put("*.txt")
    program.ok("file", "delete", "--no-glob", "*.txt", "--yes")
    program.ok("file", "delete", "dir*/*", "-r", "--yes")
    assert own.names() == ["dir", "dir.txt"]
    assert program("file", "delete", "*.gif", "--yes").code == 3


def test_several_of_which_one_fails(program: Invoker, own: Contents, owner: User, cloud: TestCloud) -> None:
    friend = cloud.user("friend")
    theirs = Contents(friend)
    theirs.put("x", sharing=Sharing(write=(owner.uuid,)))
    own.put("y")
    own.put("z")
    result = program("file", "delete", "y", f"pithos://{friend.uuid}/pithos/x", "z", "--yes")
    assert result.code == 4
    assert "1 of 3" in result.err
    assert (own.names(), theirs.names()) == ([], ["x"])
    own.put("y")
    assert program("file", "delete", "y", "nothing", "--yes").code == 3
    assert own.names() == ["y"]  # what is not there is found out before anything is done


def test_until_destroys_no_file(program: Invoker, own: Contents) -> None:
    """What the older client's `--until` was meant for, and what it did instead."""
    own.put("x", b"present")
    for date in ("2001-01-01", "2199-01-01", "now"):
        result = program.ok("file", "delete", "x", "--until", date, "--yes")
        assert result.err == "/pithos/x: destroyed 0 old versions\n"
        assert own.read("x") == b"present"
    assert program("file", "delete", "x", "--until", "5", "--yes").code == 2
    assert program("file", "delete", "x", "--until", "2001-01-01", "-r", "--yes").code == 2
    assert "--until" not in program.ok("file", "delete", "--help").out
