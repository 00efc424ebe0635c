"""`pithosfs container create`, `modify`, `reassign`, `empty`, `purge` and `delete`."""

from __future__ import annotations

import pytest
from fixtures.cli import Cli, finish
from fixtures.clouds import TestCloud, User
from fixtures.contents import Contents
from fixtures.invoker import Invoker

from pithosfs.store import ContainerInfo, Sharing


def names(owner: User) -> list[str]:
    return [one.name for one in owner.store.containers()]


def look(owner: User, name: str) -> ContainerInfo:
    return owner.store.container(name)


# create ---------------------------------------------------------------------------------------------------------------


def test_create_and_delete(program: Invoker, owner: User) -> None:
    assert program.ok("container", "create", "photos", "/music", f"pithos://{owner.uuid}/films/").out == ""
    assert names(owner) == ["films", "music", "photos", "pithos"]
    program.ok("container", "delete", "photos", "/music/", f"pithos://{owner.uuid}/films", "--yes")
    assert names(owner) == ["pithos"]


def test_policies_and_metadata(program: Invoker, owner: User) -> None:
    made = program.ok(
        *("container", "create", "c", "--size-limit", "10MiB", "--versioning", "none"),
        *("--meta", "colour=dark blue", "--meta", "a=b=c", "--project-id", owner.uuid, "-j"),
    ).json
    (found,) = made
    assert (found["name"], found["quota"], found["versioning"]) == ("c", 10485760, "none")
    assert (found["meta"], found["project"]) == ({"colour": "dark blue", "a": "b=c"}, owner.uuid)
    program.ok("container", "create", "d", "--limit", "4096", "-A", owner.name)
    assert look(owner, "d").policy["quota"] == "4096"


def test_one_that_exists_is_left_as_it_is(program: Invoker, owner: User) -> None:
    before = look(owner, "pithos")
    result = program("container", "create", "pithos", "--versioning", "none", "--meta", "a=b", "--limit", "1")
    assert result.code == 5
    assert look(owner, "pithos") == before
    several = program("container", "create", "a", "pithos", "b")
    assert several.code == 5
    assert "1 of 3 were not made" in several.err
    assert names(owner) == ["a", "b", "pithos"]


@pytest.mark.parametrize(
    "words",
    [
        ["create", "a/b"],
        ["create", "/a/b"],
        ["create", "//a"],
        ["create", "/"],
        ["create", ""],
        ["create", "."],
        ["create", "c", "--size-limit", "much"],
        ["create", "c", "--limit", "-1"],
        ["create", "c", "--versioning", "some"],
        ["create", "c", "--meta", "k"],
        ["delete", "pithos://OWN", "--yes"],
        ["delete", "pithos://OWN/pithos/x", "--yes"],
        ["modify", "pithos"],
        ["modify", "pithos", "--size-limit", "1 light year"],
        ["modify", "pithos", "--metadata-add", "k="],
        ["modify", "pithos", "--versioning", "some"],
        ["reassign", "pithos"],
        ["reassign", "pithos", "--project-id", "nothing of mine"],
        ["purge", "pithos", "--yes"],
        ["purge", "pithos", "--until", "now", "--all-versions", "--yes"],
        ["empty", "pithos"],
        ["delete", "pithos"],
    ],
)
def test_what_makes_no_sense(program: Invoker, owner: User, words: list[str]) -> None:
    before = look(owner, "pithos")
    result = program("container", *[word.replace("OWN", owner.uuid) for word in words])
    assert result.code == 2, result.err
    assert len(result.err.splitlines()) == 2
    assert (names(owner), look(owner, "pithos")) == (["pithos"], before)


def test_what_is_not_there(program: Invoker) -> None:
    for words in (
        ["delete", "--yes"],
        ["empty", "--yes"],
        ["purge", "--all-versions", "--yes"],
        ["modify", "--versioning", "none"],
        ["reassign", "--project-id", "x"],
    ):
        result = program("container", words[0], "nothing", *words[1:])
        assert result.code == 3, words
        assert "container create nothing" in result.err


# modify ---------------------------------------------------------------------------------------------------------------


def test_modify(program: Invoker, owner: User) -> None:
    program.ok("container", "modify", "pithos", "--metadata-add", "a=1", "--metadata-add", "b=2", "--size-limit", "2GB")
    shown = program.ok("container", "modify", "/pithos", "--metadata-del", "A", "--versioning", "NONE", "-j").json
    assert (shown["meta"], shown["quota"], shown["versioning"]) == ({"b": "2"}, 2_000_000_000, "none")
    table = program.ok("container", "modify", "pithos", "-A", owner.uuid, "--size-limit", "0").out
    assert "unlimited" in table
    assert "meta b" in table
    found = look(owner, "pithos")
    assert (found.policy["quota"], found.policy["versioning"], found.meta) == ("0", "none", {"b": "2"})


def test_reassign(program: Invoker, owner: User) -> None:
    assert program.ok("container", "reassign", "pithos", "--project-id", owner.uuid).out == ""
    shown = program.ok("container", "reassign", "-A", owner.name, "pithos", "--project-id", owner.uuid, "-j").json
    assert shown["project"] == owner.uuid


# empty, purge, delete -------------------------------------------------------------------------------------------------


def test_deleting_asks(cli: Cli, program: Invoker, own: Contents, owner: User) -> None:
    own.put("x", b"data")
    refused = program("container", "delete", "pithos")
    assert refused.code == 5
    assert "--recursive" in refused.err
    assert program("container", "delete", "pithos", "-r").code == 2
    run = cli.terminal("container", "delete", "pithos", "-r")
    run.expect(r"the container pithos and the 1 object \(4B\) in it, old versions included\?")
    run.sendline("n")
    shown, code = finish(run)
    assert code == 1
    assert "nothing was done" in shown
    dry = program.ok("container", "delete", "pithos", "-r", "--dry-run")
    assert dry.out == "Would delete the container pithos and the 1 object (4B) in it\n"
    assert own.read("x") == b"data"
    run = cli.terminal("container", "delete", "pithos", "-r")
    run.expect("in it, old versions")
    run.sendline("y")
    assert finish(run)[1] == 0
    assert names(owner) == []


def test_empty(program: Invoker, own: Contents) -> None:
    for name in ("a", "b/c", "/d"):
        own.put(name, b"12")
    refused = program("container", "empty", "pithos")
    assert "the 3 objects (6B) in /pithos" in refused.err
    assert program.ok("container", "empty", "pithos", "--dry-run", "-j").json == [
        {"action": "empty", "container": "pithos", "objects": 3, "bytes": 6}
    ]
    assert len(own.names()) == 3
    program.ok("container", "empty", "pithos", "--yes", "-A", own.user.name)
    assert own.names() == []
    assert len(own.versions("a")) == 1


def test_purge(program: Invoker, own: Contents) -> None:
    own.put("changed", b"first")
    own.put("deleted")
    own.put("changed", b"second")
    own.store.delete(own.path("deleted"))
    assert program.ok("container", "purge", "pithos", "--until", "2001-01-01", "--dry-run").out.startswith(
        "Would destroy"
    )
    program.ok("container", "purge", "pithos", "--until", "2001-01-01", "--yes")
    assert [len(own.versions(name)) for name in ("changed", "deleted")] == [2, 1]
    program.ok("container", "purge", "pithos", "--all-versions", "--yes")
    assert own.versions("changed") == [own.head("changed").version]
    assert own.read("changed") == b"second"
    assert program("file", "restore", "deleted", "--at", "now").code == 3


def test_nobody_elses(program: Invoker, owner: User, cloud: TestCloud) -> None:
    friend = cloud.user("friend")
    theirs = Contents(friend)
    theirs.put("x", sharing=Sharing(write=(owner.uuid,)))
    for words in (
        ["create", "new", "-A", friend.name],
        ["create", f"pithos://{friend.uuid}/new"],
        ["modify", "pithos", "-A", friend.name, "--versioning", "none"],
        ["reassign", "pithos", "-A", friend.name, "--project-id", owner.uuid],
        ["empty", "pithos", "-A", friend.name, "--yes"],
        ["purge", "pithos", "-A", friend.name, "--yes", "--all-versions"],
        ["delete", "pithos", "-A", friend.name, "--yes", "-r"],
        ["delete", f"pithos://{friend.uuid}/pithos", "-A", owner.name, "--yes", "-r"],
    ):
        result = program("container", *words)
        assert result.code == 4, (words, result.err)
        assert len(result.err.splitlines()) == 2
    assert (names(friend), theirs.names()) == (["pithos"], ["x"])
    assert friend.store.container("pithos").policy["versioning"] == "auto"
    assert names(owner) == ["pithos"]
