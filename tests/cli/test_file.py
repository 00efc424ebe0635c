"""`pithosfs file list|info|cat|mkdir|delete`."""

from __future__ import annotations

from typing import Any

import pytest
from fixtures.cli import Cli, finish
from fixtures.clouds import TestCloud, User

from pithosfs.store import ObjectPath, Sharing


def put(user: User, name: str, data: bytes = b"x", content_type: str = "text/plain", **settings: Any) -> None:
    settings = {"meta": {}, "base": None, **settings}
    user.store.put_object(ObjectPath(user.uuid, "pithos", name), data, content_type=content_type, **settings)


def names(cli: Cli, *arguments: str) -> list[str]:
    return [one["name"] for one in cli.ok("file", "list", "-j", *arguments).json]


# list ---------------------------------------------------------------------------------------------------------------


def test_a_folder_is_its_name_and_what_is_below(cli: Cli, owner: User) -> None:
    for name in ("dir/a", "dir/sub/b", "dir2/c", "dir.txt", "other"):
        put(owner, name)
    assert names(cli) == ["dir", "dir.txt", "dir2", "other"]
    assert names(cli, "dir") == names(cli, "dir/") == names(cli, "/pithos/dir") == ["dir/a", "dir/sub"]
    assert names(cli, "-r") == ["dir.txt", "dir/a", "dir/sub/b", "dir2/c", "other"]
    assert names(cli, "-r", "dir") == ["dir/a", "dir/sub/b"]
    assert names(cli, "other") == ["other"]
    assert cli("file", "list", "di").code == 3
    assert cli("file", "list", "/nowhere").code == 3
    assert "make it: pithosfs container create nowhere" in cli("file", "list", "/nowhere").err
    assert [line.split()[-1] for line in cli.ok("file", "list").out.splitlines()] == [
        "NAME",
        "dir/",
        "dir.txt",
        "dir2/",
        "other",
    ]


def test_markers_and_roll_ups_are_one_folder(cli: Cli, owner: User) -> None:
    put(owner, "dir", b"", "application/directory")
    put(owner, "dir/a")
    put(owner, "empty", b"", "application/directory")
    found = cli.ok("file", "list", "-j").json
    assert [(one["name"], one["type"]) for one in found] == [("dir", "folder"), ("empty", "folder")]
    assert names(cli, "empty") == []


def test_odd_names_stay_reachable(cli: Cli, owner: User) -> None:
    odd = ["/absolute", "a//b", "../up", "./here", "trailing/", "blank name ", "ümläut~", "q?x#y%41&z", "*"]
    for name in odd:
        put(owner, name, name.encode())
    assert names(cli, "-r") == sorted(odd)
    for name in odd:
        assert cli.ok("file", "cat", f"/pithos/{name}").raw == name.encode()
        assert cli.ok("file", "info", f"/pithos/{name}", "-j").json["name"] == name
    assert names(cli, "/pithos//") == ["/absolute"]
    assert names(cli, "/pithos/a//") == ["a//b"]
    cli.ok("file", "delete", "--yes", *(f"/pithos/{name}" for name in odd))
    assert names(cli, "-r") == []


def test_selection(cli: Cli, owner: User) -> None:
    for name in ("a.txt", "b.txt", "c.jpg"):
        put(owner, name)
    assert names(cli, "-n", "1") == ["a.txt"]
    assert names(cli, "--marker", "a.txt") == ["b.txt", "c.jpg"]
    assert names(cli, "--name-suffix", ".txt") == ["a.txt", "b.txt"]
    assert names(cli, "--name-like", "B.T") == ["b.txt"]


def test_somebody_elses_files(cli: Cli, cloud: TestCloud, owner: User) -> None:
    other = cloud.user("other")
    put(other, "theirs", b"shared", sharing=Sharing(read=(owner.uuid,)))
    put(other, "secret")
    assert names(cli, "-A", other.name) == ["theirs"]
    assert names(cli, f"pithos://{other.uuid}/pithos") == ["theirs"]
    assert cli.ok("file", "cat", f"pithos://{other.uuid}/pithos/theirs").raw == b"shared"
    assert cli.ok("file", "info", "-A", other.uuid, "theirs", "-j").json["allowed_to"] == "read"
    assert cli("file", "cat", f"pithos://{other.uuid}/pithos/secret").code == 4
    assert cli("file", "delete", "--yes", f"pithos://{other.uuid}/pithos/theirs").code == 4


# info ---------------------------------------------------------------------------------------------------------------


def test_info(cli: Cli, owner: User) -> None:
    put(owner, "x", b"one", meta={"colour": "blue"}, sharing=Sharing(read=("*",)), public=True)
    put(owner, "x", b"three", meta={"colour": "red"})
    found = cli.ok("file", "info", "x", "-j").json
    assert (found["bytes"], found["meta"], found["container"]) == (5, {"colour": "red"}, "pithos")
    assert found["sharing"] == {"read": ["*"], "write": []}
    assert found["public"].startswith("http")
    versions = cli.ok("file", "info", "x", "--object-versions", "-j").json
    assert len(versions) == 2
    old = cli.ok("file", "info", "x", "--object-version", versions[0]["version"], "-j").json
    assert (old["bytes"], old["meta"]) == (3, {"colour": "blue"})
    assert cli.ok("file", "info", "x", "--metadata", "-j").json == {"colour": "red"}
    assert cli.ok("file", "info", "x", "--sharing", "-j").json["read"] == ["*"]
    hashmap = cli.ok("file", "info", "x", "--hashmap", "-j").json
    assert (hashmap["bytes"], hashmap["hashes"]) == (5, [found["hash"]])
    assert "meta colour" in cli.ok("file", "info", "x").out


def test_info_of_a_folder_without_a_marker(cli: Cli, owner: User) -> None:
    put(owner, "dir/x")
    assert cli.ok("file", "info", "dir", "-j").json["type"] == "folder"
    assert cli("file", "info", "/pithos").code == 2


@pytest.mark.parametrize(
    ("option", "value", "code"),
    [
        ("--if-match", "wrong", 5),
        ("--if-match", "*", 0),
        ("--if-none-match", "*", 5),
        ("--if-none-match", "other", 0),
        ("--if-modified-since", "2001-01-01", 0),
        ("--if-modified-since", "2201-01-01T00:00:00Z", 5),
        ("--if-unmodified-since", "2001-01-01", 5),
        ("--if-unmodified-since", "never", 2),
    ],
)
def test_conditions(cli: Cli, owner: User, option: str, value: str, code: int) -> None:
    put(owner, "x")
    for command in ("info", "cat"):
        assert cli("file", command, "x", option, value).code == code


# cat ----------------------------------------------------------------------------------------------------------------


def test_cat(cli: Cli, owner: User) -> None:
    put(owner, "x", bytes(range(100)))
    put(owner, "y", b"more")
    assert cli.ok("file", "cat", "x", "y").raw == bytes(range(100)) + b"more"
    assert cli.ok("file", "cat", "x", "--range", "10-19,-2").raw == bytes(range(10, 20)) + bytes([98, 99])
    assert cli("file", "cat", "x", "--range", "200-300").code == 1
    assert cli("file", "cat", "x", "--range", "abc").code == 2
    put(owner, "x", b"new")
    first = cli.ok("file", "info", "x", "--object-versions", "-j").json[0]["version"]
    assert cli.ok("file", "cat", "x", "--object-version", first).raw == bytes(range(100))
    assert cli("file", "cat", "nothing").code == 3


# mkdir --------------------------------------------------------------------------------------------------------------


def test_mkdir(cli: Cli) -> None:
    cli.ok("file", "mkdir", "dir", "dir/sub/")
    assert [(one["name"], one["type"]) for one in cli.ok("file", "list", "-r", "-j").json] == [
        ("dir", "folder"),
        ("dir/sub", "folder"),
    ]
    assert cli("file", "mkdir", "dir").code == 5
    assert cli("file", "mkdir", "/pithos").code == 2
    assert cli("file", "mkdir", "/nowhere/dir").code == 3


# delete -------------------------------------------------------------------------------------------------------------


def test_deleting_asks(cli: Cli, owner: User) -> None:
    put(owner, "x")
    refused = cli("file", "delete", "x")
    assert refused.code == 2
    assert "--yes" in refused.err
    run = cli.terminal("file", "delete", "x")
    run.expect(r"Delete /pithos/x\?")
    run.sendline("")
    assert finish(run)[1] == 1
    assert names(cli) == ["x"]
    run = cli.terminal("file", "delete", "x")
    run.expect(r"Delete /pithos/x\?")
    run.sendintr()
    assert finish(run)[1] == 130
    run = cli.terminal("file", "delete", "x")
    run.expect(r"Delete /pithos/x\?")
    run.sendline("y")
    assert finish(run)[1] == 0
    assert names(cli) == []
    assert cli("file", "delete", "x", "--yes").code == 3


def test_deleting_folders(cli: Cli, owner: User) -> None:
    for name in ("dir/a", "dir/b/c", "dir2/d", "dir.txt"):
        put(owner, name)
    put(owner, "dir", b"", "application/directory")
    refused = cli("file", "delete", "dir", "--yes")
    assert refused.code == 5
    assert "--recursive" in refused.err
    dry = cli.ok("file", "delete", "-r", "dir", "--dry-run")
    assert dry.out.splitlines() == [f"Would delete /pithos/{name}" for name in ("dir/b/c", "dir/a", "dir")]
    assert len(names(cli, "-r")) == 5
    cli.ok("file", "delete", "-r", "dir/", "--yes")
    assert names(cli, "-r") == ["dir.txt", "dir2/d"]
    cli.ok("file", "delete", "-r", "dir2", "--yes")
    assert names(cli, "-r") == ["dir.txt"]


def test_a_container_is_emptied_only_on_demand(cli: Cli, owner: User) -> None:
    put(owner, "x")
    assert cli("file", "delete", "/pithos", "--yes").code == 2
    cli.ok("file", "delete", "/pithos", "--yes", "-r")
    assert names(cli) == []
    assert [one["name"] for one in cli.ok("container", "list", "-j").json] == ["pithos"]
