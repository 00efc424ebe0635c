"""Every way to write a place, in commands that do something: where it is looked for (cli.md section 2.2)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from fixtures.clouds import TestCloud, User
from fixtures.contents import Contents
from fixtures.invoker import Invoker

from pithosfs.store import Sharing


@pytest.fixture
def friend(cloud: TestCloud, owner: User) -> User:
    """Somebody with a tree in the default container and in `c` that the owner may write."""
    made = cloud.user("friend")
    made.store.create_container("c")
    for container in ("pithos", "c"):
        theirs = Contents(made, container)
        theirs.folder("dir", sharing=Sharing(write=(owner.uuid,)))
        theirs.put("dir/x", f"friend {container}".encode())
    return made


@pytest.fixture
def cat(program: Invoker, own: Contents, owner: User, friend: User) -> Callable[..., str]:
    """What `file cat` prints for some words: which account and container were meant."""
    for container in ("c", "d"):
        owner.store.create_container(container)
        Contents(owner, container).put("dir/x", f"own {container}".encode())
    own.put("dir/x", b"own pithos")
    own.put("/dir/x", b"own slash")

    def cat(*words: str) -> str:
        return program.ok("file", "cat", *(one.format(own=owner, friend=friend) for one in words)).out

    return cat


def test_paths(cat: Callable[..., str]) -> None:
    for words, said in (
        (["dir/x"], "own pithos"),
        (["//dir/x"], "own pithos"),
        (["/pithos/dir/x"], "own pithos"),
        (["/pithos//dir/x"], "own slash"),
        (["/c/dir/x"], "own c"),
        (["-C", "c", "dir/x"], "own c"),
        (["-C", "c", "//dir/x"], "own c"),
        (["-C", "c", "/d/dir/x"], "own d"),
        (["--container=c", "dir/x"], "own c"),
        (["-A", "{friend.uuid}", "dir/x"], "friend pithos"),
        (["-A", "{friend.name}", "dir/x"], "friend pithos"),
        (["--account", "{friend.name}", "-C", "c", "dir/x"], "friend c"),
        (["-A", "{friend.name}", "/c/dir/x"], "friend c"),
        (["-A", "{own.name}", "dir/x"], "own pithos"),
        (["pithos://{friend.uuid}/c/dir/x"], "friend c"),
        (["pithos://{friend.uuid}//dir/x"], "friend pithos"),
        (["-C", "c", "pithos://{friend.uuid}//dir/x"], "friend c"),
        (["-A", "{own.uuid}", "pithos://{friend.uuid}/c/dir/x"], "friend c"),
        (["-C", "d", "pithos://{own.uuid}/c/dir/x"], "own c"),
        # the settings
        (["-o", "cloud.test.pithos_container=c", "dir/x"], "own c"),
        (["-o", "cloud.test.pithos_container=c", "//dir/x"], "own c"),
        (["-o", "cloud.test.pithos_container=c", "-C", "d", "dir/x"], "own d"),
        (["-o", "cloud.test.pithos_container=c", "/d/dir/x"], "own d"),
        (["-o", "cloud.test.pithos_uuid={friend.uuid}", "dir/x"], "friend pithos"),
        (["-o", "cloud.test.pithos_uuid={friend.uuid}", "/c/dir/x"], "friend c"),
        (["-o", "cloud.test.pithos_uuid={friend.uuid}", "-A", "{own.name}", "dir/x"], "own pithos"),
        (["-o", "cloud.test.pithos_uuid={friend.uuid}", "pithos://{own.uuid}/c/dir/x"], "own c"),
    ):
        assert cat(*words) == said, words


def test_where_no_path_is_given(program: Invoker, cat: Callable[..., str], friend: User) -> None:
    def names(*words: str) -> list[str]:
        return [one["name"] for one in program.ok("file", "list", "-j", *words).json]

    assert names() == names("//") == names("/pithos") == names("/pithos/")
    assert names("-C", "c") == names("/c") == ["dir"]
    assert names(f"pithos://{friend.uuid}") == names(f"pithos://{friend.uuid}/") == ["dir"]
    assert names("-r", f"pithos://{friend.uuid}", "-C", "c") == ["dir", "dir/x"]
    assert names("-r", "-o", f"cloud.test.pithos_uuid={friend.uuid}") == ["dir", "dir/x"]


def test_changes_go_where_they_are_meant(
    program: Invoker, own: Contents, cat: Callable[..., str], friend: User
) -> None:
    theirs, other = Contents(friend), Contents(own.user, "c")
    program.ok("file", "modify", "-A", friend.name, "dir/x", "--metadata-add", "k=v")
    assert (theirs.head("dir/x").meta, own.head("dir/x").meta) == ({"k": "v"}, {})
    program.ok("file", "publish", "-C", "c", "dir/x")
    assert (other.head("dir/x").public is None, own.head("dir/x").public) == (False, None)
    program.ok("file", "delete", "//dir/x", "--yes")
    assert (own.has("dir/x"), own.has("/dir/x"), other.has("dir/x"), theirs.has("dir/x")) == (False, True, True, True)
    setting = ("-o", f"cloud.test.pithos_uuid={friend.uuid}")
    # As the default account it is the target too, unless another is named.
    program.ok(*setting, "file", "copy", "dir/x", "dir/y")
    assert theirs.has("dir/y")
    program.ok(*setting, "file", "copy", "dir/x", "mine", "--to-account", own.user.name)
    assert own.read("mine") == b"friend pithos"


def test_containers(program: Invoker, cat: Callable[..., str], owner: User, friend: User) -> None:
    friend.store.create_container("theirs")
    Contents(friend, "theirs").put("x", sharing=Sharing(read=("*",)))
    for words in (
        ["theirs", "-A", friend.name],
        ["/theirs", "-A", friend.uuid],
        [f"pithos://{friend.uuid}/theirs"],
        [f"pithos://{friend.uuid}/theirs/", "-A", owner.name],
        ["theirs", "-o", f"cloud.test.pithos_uuid={friend.uuid}"],
    ):
        assert program.ok("container", "info", *words, "-j").json["name"] == "theirs"
    assert program("container", "info", "theirs").code == 3
    assert program("container", "info", f"pithos://{friend.uuid}").code == 2
    assert (
        program.ok("container", "modify", f"pithos://{owner.uuid}/d", "-A", friend.name, "--size-limit", "1").code == 0
    )
    assert owner.store.container("d").policy["quota"] == "1"


def test_what_is_no_place(program: Invoker) -> None:
    for command in (["info"], ["publish"], ["delete", "--yes"], ["purge", "--all-versions", "--yes"]):
        for text in ("pithos://", "pithos:///c/x", "/../x", "/./x", "/pithos", "pithos://somebody", "//"):
            result = program("file", command[0], text, *command[1:])
            assert result.code in (2, 3), (command, text, result.err)
            assert len(result.err.splitlines()) == 2
    assert program("file", "info", "-A", "nobody at all", "x").code == 3
