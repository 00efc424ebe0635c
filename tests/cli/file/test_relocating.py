"""`pithosfs file copy` and `move`: where things go, what is in the way, and what can be repeated."""

from __future__ import annotations

import pytest
from fixtures.cli import Cli
from fixtures.clouds import TestCloud, User
from fixtures.contents import FOLDER, Contents
from fixtures.invoker import Invoker

from pithosfs.store import Delivery, Sharing


def tree(own: Contents) -> None:
    """A folder with a marker, and neighbours whose names begin as its own does."""
    own.folder("dir")
    for name in ("dir/a", "dir/sub/b", "dir2/c", "dir.txt"):
        own.put(name, name.encode())


# where things go ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "where"),
    [
        (["a/b", "x"], "/pithos/x"),
        (["a/b", "x/y"], "/pithos/x/y"),
        (["a/b", "x/"], "/pithos/x/b"),
        (["a/b", "marked"], "/pithos/marked/b"),
        (["a/b", "unmarked"], "/pithos/unmarked/b"),
        (["a/b", "/other"], "/other/a/b"),
        (["a/b", "/other/"], "/other/a/b"),
        (["a/b", "/other/x"], "/other/x"),
        (["a/b", "//x"], "/pithos/x"),
        (["/pithos/a/b", "x"], "/pithos/x"),
        (["b", "-C", "other", "x"], "/other/x"),
        (["a/b", "--to-container", "other"], "/other/a/b"),
        (["a/b", "x", "--to-container", "other"], "/other/x"),
        (["a/b", "/pithos/x", "--to-container", "other"], "/other/x"),
        (["a/b", "/other/x", "--to-account", "OWN"], "/other/x"),
        (["a/b", "pithos://OWN/other/x"], "/other/x"),
        (["a/b", "--to-account", "OWN", "--to-container", "other"], "/other/a/b"),
        (["-A", "OWN", "a/b", "x"], "/pithos/x"),
        (["a/?", "x"], "/pithos/x/b"),
        (["a/?", "--no-glob", "x"], None),
    ],
)
def test_where_a_file_goes(program: Invoker, own: Contents, owner: User, words: list[str], where: str | None) -> None:
    owner.store.create_container("other")
    own.put("a/b", b"content")
    Contents(owner, "other").put("b", b"content")
    own.folder("marked")
    own.put("unmarked/y")
    words = [word.replace("OWN", owner.uuid) for word in words]
    result = program("file", "copy", *words, "-j")
    if where is None:
        assert result.code == 3
        return
    assert result.code == 0, result.err
    assert [one["target"].replace(f"pithos://{owner.uuid}", "") for one in result.json] == [where]
    _, container, name = where.split("/", 2)
    assert Contents(owner, container).read(name) == b"content"
    assert own.read("a/b") == b"content"


def test_a_folder_is_its_name_and_what_is_below(program: Invoker, own: Contents) -> None:
    tree(own)
    before = own.names()
    program.ok("file", "copy", "-r", "dir", "new")
    assert own.names("new") == ["new", "new/a", "new/sub/b"]
    assert (own.head("new").content_type, own.read("new/sub/b")) == (FOLDER, b"dir/sub/b")
    program.ok("file", "copy", "-r", "dir2", "new2")  # without a marker
    assert own.names("new2") == ["new2/c"]
    program.ok("file", "copy", "-r", "dir", "below/")
    assert own.names("below") == ["below/dir", "below/dir/a", "below/dir/sub/b"]
    program.ok("file", "copy", "dir/a", "dir2", "dir.txt", "-r", "all")
    assert own.names("all") == ["all/a", "all/dir.txt", "all/dir2/c"]
    assert [name for name in own.names() if name in before] == before
    program.ok("file", "move", "-r", "dir", "moved")
    assert own.names("dir") == ["dir.txt", "dir2/c"]
    assert own.names("moved") == ["moved", "moved/a", "moved/sub/b"]
    program.ok("file", "move", "-r", "dir2/", "dir3")
    assert own.names("dir2") == []
    assert "dir3/c" in own.names("dir3")


def test_a_whole_container(program: Invoker, own: Contents, owner: User) -> None:
    tree(own)
    owner.store.create_container("other")
    other = Contents(owner, "other")
    assert program("file", "copy", "/pithos", "/other").code == 2
    program.ok("file", "copy", "-r", "/pithos", "/other")
    assert other.names() == own.names()
    program.ok("file", "move", "-r", "/other", "/pithos/backup")
    assert other.names() == []
    assert own.names("backup/") == [f"backup/{name}" for name in own.names() if not name.startswith("backup")]


def test_what_makes_no_sense(program: Invoker, own: Contents) -> None:
    tree(own)
    own.put("x/a")
    for words, code, said in (
        (["copy", "dir.txt"], 2, "where is"),
        (["copy", "dir", "new"], 2, "--recursive"),
        (["copy", "dir.txt", "dir.txt"], 2, "there already"),
        (["move", "dir.txt", "/pithos"], 2, "there already"),
        (["copy", "-r", "dir", "dir/inside"], 2, "into itself"),
        (["move", "-r", "dir", "dir/"], 2, "into itself"),
        (["move", "-r", "/pithos", "/pithos/dir"], 2, "into itself"),
        (["copy", "dir/a", "x/a", "all"], 2, "both become"),
        (["move", "-r", "dir", "dir/sub", "all"], 2, "goes along with"),
        (["copy", "dir/a", "dir2/c", "dir.txt"], 5, "is a file"),
        (["copy", "dir/a", "dir2/c", "all", "--source-version", "1"], 2, "one file"),
        (["copy", "dir/a", "/nowhere/x"], 3, "container create nowhere"),
        (["copy", "nothing", "x/"], 3, "/pithos/nothing"),
        (["copy", "*.gif", "x/"], 3, "nothing matches"),
        (["move", "-r", "dir", "dir.txt"], 5, "is a file"),
        (["copy", "dir/a", "b", "--source-version", "1"], 3, "dir/a"),
        (["copy", "a", "b", "--to-account", "nobody at all"], 3, "nobody at all"),
    ):
        before = own.names()
        result = program("file", *words)
        assert (result.code, own.names()) == (code, before), (words, result.err)
        assert said in result.err


# what is in the way ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["copy", "move"])
def test_what_exists_is_replaced_only_with_force(program: Invoker, own: Contents, command: str) -> None:
    own.put("new", b"new", meta={"k": "new"})
    own.put("old", b"old", sharing=Sharing(read=("*",)), public=True)
    link = own.head("old").public
    refused = program("file", command, "new", "old")
    assert refused.code == 5
    assert "--force" in refused.err
    assert own.read("old") == b"old"
    program.ok("file", command, "new", "old", "--force")
    there = own.head("old")
    assert (own.read("old"), there.meta, there.public) == (b"new", {"k": "new"}, link)
    assert own.rule("old") == Sharing(read=("*",))
    assert len(own.versions("old")) == 2
    assert own.has("new") is (command == "copy")


@pytest.mark.parametrize("command", ["copy", "move"])
def test_nothing_is_begun_when_something_is_in_the_way(program: Invoker, own: Contents, command: str) -> None:
    for name in ("a", "b", "c"):
        own.put(f"dir/{name}", b"new")
    own.put("new/b", b"old")
    own.put("new/other", b"old")
    refused = program("file", command, "-r", "dir", "new")
    assert refused.code == 5
    assert "/pithos/new/b exists" in refused.err
    assert own.names("new/") == ["new/b", "new/other"]
    assert own.names("dir/") == ["dir/a", "dir/b", "dir/c"]
    program.ok("file", command, "-r", "dir", "new", "-f")
    assert [own.read(f"new/{name}") for name in ("a", "b", "c", "other")] == [b"new", b"new", b"new", b"old"]
    assert own.names("dir/") == ([] if command == "move" else ["dir/a", "dir/b", "dir/c"])
    assert len(own.versions("new/b")) == 2


def test_a_file_and_a_folder_do_not_replace_each_other(program: Invoker, own: Contents) -> None:
    own.put("dir/x")
    own.put("new/x/inside")
    own.folder("new/x")
    refused = program("file", "copy", "-rf", "dir", "new")
    assert refused.code == 5
    assert "is a file and" in refused.err
    assert own.names("new") == ["new/x", "new/x/inside"]


# repeating ------------------------------------------------------------------------------------------------------------


def test_a_repeated_copy_leaves_alone_what_is_the_same(program: Invoker, own: Contents) -> None:
    own.put("x", b"data", meta={"k": "v"}, delivery=Delivery(disposition="attachment"))
    program.ok("file", "copy", "x", "y")
    assert (own.head("y").meta, own.head("y").delivery) == ({"k": "v"}, Delivery(disposition="attachment"))
    version = own.head("y").version
    again = program.ok("file", "copy", "x", "y", "-j")
    assert [one["action"] for one in again.json] == ["same"]
    assert "1 was the same already" in again.err
    assert own.head("y").version == version
    own.store.update_meta(own.path("y"), {"k": "other"})
    assert program("file", "copy", "x", "y").code == 5
    assert program("file", "copy", "x", "y", "--content-type", "text/html").code == 5
    program.ok("file", "copy", "x", "y", "-f")
    assert own.head("y").meta == {"k": "v"}
    for name in ("a", "b", "sub/c"):
        own.put(f"dir/{name}")
    own.put("new/a")
    half = program.ok("file", "copy", "-r", "dir", "new")
    assert half.err.splitlines() == ["1 was the same already"]
    assert own.names("new/") == ["new/a", "new/b", "new/sub/c"]
    assert program.ok("file", "copy", "-r", "dir", "new").err.splitlines() == ["3 were the same already"]


def test_a_repeated_move_finishes(program: Invoker, own: Contents) -> None:
    own.folder("dir")
    for name in ("a", "b", "c"):
        own.put(f"dir/{name}", name.encode())
    # What a run has done that was interrupted: the marker, one file moved, one copied and not yet deleted.
    own.folder("new")
    own.put("new/a", b"a")
    own.store.delete(own.path("dir/a"))
    own.put("new/b", b"b")
    program.ok("file", "move", "-r", "dir", "new")
    assert own.names() == ["new", "new/a", "new/b", "new/c"]
    assert [own.read(f"new/{name}") for name in "abc"] == [b"a", b"b", b"c"]
    assert len(own.versions("new/b")) == 1


def test_one_that_fails_stops_no_other_and_keeps_its_folder(
    program: Invoker, own: Contents, owner: User, cloud: TestCloud
) -> None:
    friend = cloud.user("friend")
    theirs = Contents(friend)
    theirs.folder("open", sharing=Sharing(write=(owner.uuid,)))
    theirs.put("open/dir/b", b"theirs", sharing=Sharing(read=(owner.uuid,)))
    own.folder("dir")
    for name in "abc":
        own.put(f"dir/{name}", b"mine")
    result = program("file", "move", "-rf", "dir", "open/dir", "--to-account", friend.name)
    assert result.code == 4
    assert "/pithos/dir/b: you may not" in result.err
    assert "1 of 4 were not moved" in result.err
    assert own.names() == ["dir", "dir/b"]
    assert [theirs.read(f"open/dir/{name}") for name in "abc"] == [b"mine", b"theirs", b"mine"]
    theirs.share("open/dir/b")
    program.ok("file", "move", "-rf", "dir", "open/dir", "--to-account", friend.name)
    assert own.names() == []
    assert theirs.read("open/dir/b") == b"mine"


def test_there_is_no_room(program: Invoker, own: Contents, owner: User) -> None:
    owner.store.create_container("small")
    owner.store.set_policy("small", {"quota": "10"})
    own.put("big", bytes(100))
    result = program("file", "move", "big", "/small")
    assert result.code == 6
    assert "container info small --size-limit" in result.err
    assert own.has("big")


# a dry run ------------------------------------------------------------------------------------------------------------


def test_a_dry_run_shows_the_plan_in_order_and_does_nothing(program: Invoker, own: Contents) -> None:
    tree(own)
    own.folder("new")
    own.put("new/dir/a", b"dir/a")
    own.put("new/dir/sub/b", b"other")
    before = own.names()
    for verb in ("copy", "move"):
        lines = program.ok("file", verb, "-rf", "dir", "dir.txt", "new", "--dry-run").out.splitlines()
        assert lines == [
            f"Would {verb} /pithos/dir to /pithos/new/dir",
            "Would leave /pithos/new/dir/a as it is: the same as /pithos/dir/a",
            f"Would {verb} /pithos/dir/sub/b to /pithos/new/dir/sub/b, as a new version of it",
            f"Would {verb} /pithos/dir.txt to /pithos/new/dir.txt",
        ]
        free = program.ok("file", verb, "-r", "dir", "free", "--dry-run", "-j").json
        assert [(one["action"], one["target"]) for one in free] == [
            (verb, f"/pithos/free{name}") for name in ("", "/a", "/sub/b")
        ]
    assert own.names() == before
    assert program("file", "move", "-r", "dir", "dir.txt", "new", "--dry-run").code == 5


# sharing and links ----------------------------------------------------------------------------------------------------


def test_sharing_goes_along_on_a_move_and_not_on_a_copy(program: Invoker, own: Contents) -> None:
    rule = Sharing(read=("*",))
    own.put("x", sharing=rule, public=True)
    program.ok("file", "copy", "x", "copied")
    assert (own.rule("copied"), own.head("copied").public) == (Sharing(), None)
    link = own.head("x").public
    moved = program.ok("file", "move", "x", "moved")
    assert own.rule("moved") == rule
    new = own.head("moved").public
    assert new not in (None, link)
    assert f"new public link: {new}" in moved.err
    own.folder("dir", sharing=rule)
    own.put("dir/a")
    own.put("dir/b", sharing=Sharing(write=("*",)))
    program.ok("file", "copy", "-r", "dir", "plain")
    assert own.rule("plain") == own.rule("plain/b") == Sharing()
    program.ok("file", "move", "-r", "dir", "whole")
    assert (own.rule("whole"), own.rule("whole/a"), own.rule("whole/b")) == (rule, Sharing(), Sharing(write=("*",)))
    own.put("partly/other")  # so it goes name by name
    program.ok("file", "move", "-r", "whole", "partly")
    assert (own.rule("partly"), own.rule("partly/a"), own.rule("partly/b")) == (rule, Sharing(), Sharing(write=("*",)))


def test_an_inherited_rule_does_not_go_along(program: Invoker, own: Contents) -> None:
    own.folder("dir", sharing=Sharing(read=("*",)))
    own.put("dir/a")
    program.ok("file", "move", "dir/a", "a")
    assert own.head("a").sharing is None


def test_publishing_on_the_way(program: Invoker, own: Contents) -> None:
    own.put("x")
    for number, words in enumerate((["--public"], ["--public", "true"], ["--public=yes"])):
        result = program.ok("file", "copy", "x", f"y{number}", *words)
        assert result.out.strip() == own.head(f"y{number}").public
    program.ok("file", "copy", "--public", "x", "first")
    assert own.head("first").public
    program.ok("file", "copy", "x", "private", "--public", "false")
    assert own.head("private").public is None
    program.ok("file", "move", "--public", "1", "x", "z")
    assert own.head("z").public
    for name in ("a", "b"):
        own.put(f"dir/{name}")
    links = program.ok("file", "copy", "-r", "dir", "new", "--public").out.split()
    assert links == [own.head("new/a").public, own.head("new/b").public]


# types and versions ---------------------------------------------------------------------------------------------------


def test_types(program: Invoker, own: Contents) -> None:
    tree(own)
    program.ok("file", "copy", "dir/a", "a", "--content-type", "text/html")
    assert own.head("a").content_type == "text/html"
    program.ok("file", "move", "a", "b", "--content-type", "text/css")
    assert own.head("b").content_type == "text/css"
    program.ok("file", "copy", "-r", "dir", "new", "--content-type", "text/html")
    assert [own.head(name).content_type for name in own.names("new")] == [FOLDER, "text/html", "text/html"]
    assert program("file", "copy", "b", "b", "--content-type", "text/plain").code == 5
    program.ok("file", "copy", "b", "b", "--content-type", "text/plain", "-f")
    assert (own.head("b").content_type, len(own.versions("b"))) == ("text/plain", 2)


def test_an_old_version(program: Invoker, own: Contents) -> None:
    first = own.put("x", b"first", "text/html", meta={"k": "1"})
    own.put("x", b"second", meta={"k": "2"})
    program.ok("file", "copy", "x", "y", "--source-version", first.version)
    made = own.head("y")
    assert (own.read("y"), made.content_type, made.meta) == (b"first", "text/html", {"k": "1"})
    program.ok("file", "copy", "x", "y", "--source-version", first.version)
    assert own.head("y").version == made.version
    own.share("x", read=("*",))
    program.ok("file", "move", "x", "z", "--source-version", first.version)
    assert (own.read("z"), own.rule("z"), own.has("x")) == (b"first", Sharing(read=("*",)), False)
    assert len(own.versions("x")) == 2
    program.ok("file", "copy", "x", "back", "--source-version", first.version)  # of a deleted file
    assert (own.read("back"), own.head("back").content_type) == (b"first", "text/html")


# others' accounts ---------------------------------------------------------------------------------------------------


def test_between_accounts(program: Invoker, own: Contents, owner: User, cloud: TestCloud) -> None:
    friend = cloud.user("friend")
    theirs = Contents(friend)
    theirs.folder("readable", sharing=Sharing(read=(owner.uuid,)))
    theirs.put("readable/a", b"theirs")
    theirs.put("readable/sub/b", b"theirs")
    theirs.folder("writable", sharing=Sharing(write=(owner.uuid,)))
    theirs.put("secret")
    source = f"pithos://{friend.uuid}/pithos/readable"
    program.ok("file", "copy", f"{source}/a", "mine")
    assert own.read("mine") == b"theirs"
    program.ok("file", "copy", "-r", "-A", friend.name, "readable", "tree")
    assert own.names("tree") == ["tree", "tree/a", "tree/sub/b"]
    own.put("mine", b"my own")
    program.ok("file", "copy", "mine", f"pithos://{friend.uuid}/pithos/writable/from-me")
    assert theirs.read("writable/from-me") == b"my own"
    program.ok("file", "copy", "-r", "tree", "writable/tree", "--to-account", friend.name)
    assert theirs.names("writable/tree") == ["writable/tree", "writable/tree/a", "writable/tree/sub/b"]
    own.put("away", b"gone", sharing=Sharing(read=("*",)))
    program.ok("file", "move", "away", f"pithos://{friend.uuid}/pithos/writable/away")
    assert (theirs.read("writable/away"), own.has("away")) == (b"gone", False)
    before = theirs.names()
    for words in (
        ["copy", "mine", f"{source}/new"],
        ["copy", f"pithos://{friend.uuid}/pithos/secret", "secret"],
        ["move", f"{source}/a", "b"],
        ["move", f"pithos://{friend.uuid}/pithos/writable/away", "back"],
    ):
        refused = program("file", *words)
        assert refused.code == 4, words
        assert len(refused.err.splitlines()) == 2
    assert theirs.names() == before


# how it is done -------------------------------------------------------------------------------------------------------


def test_a_folder_goes_in_one_request(program: Invoker, own: Contents) -> None:
    own.folder("dir")
    for number in range(20):
        own.put(f"dir/{number}")
    for verb, source, target in (("copy", "dir", "new"), ("move", "new", "newer")):
        said = program.ok("-v", "file", verb, "-r", source, target).err
        assert said.count("PUT ") == 1, said
        assert len(own.names(f"{target}/")) == 20


def test_several_at_once_on_a_terminal(cli: Cli, own: Contents) -> None:
    for number in range(30):
        own.put(f"dir/{number}")
    run = cli.terminal("file", "copy", "-r", "dir", "new")
    run.expect("30/30")
    run.wait()
    run.close()
    assert run.exitstatus == 0
    assert len(own.names("new/")) == 30
