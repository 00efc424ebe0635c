"""`pithosfs file modify`, `share`, `unshare`, `publish` and `unpublish`."""

from __future__ import annotations

import urllib.request
from urllib.error import HTTPError

import pytest
from fixtures.cli import Cli
from fixtures.clouds import TestCloud, User
from fixtures.contents import FOLDER, Contents
from fixtures.invoker import Invoker

from pithosfs.store import Sharing


@pytest.fixture
def friend(cloud: TestCloud) -> User:
    return cloud.user("friend")


def fetch(url: str) -> bytes:
    with urllib.request.urlopen(url) as reply:
        return bytes(reply.read())


# share ----------------------------------------------------------------------------------------------------------------


def test_with_users_by_name_and_id(program: Invoker, own: Contents, friend: User, cloud: TestCloud) -> None:
    other = cloud.user("other")
    own.put("x", b"shared")
    result = program.ok("file", "share", "x", "--with", friend.name)
    assert (result.out, result.err) == ("", "")
    assert own.rule("x") == Sharing(read=(friend.uuid,))
    assert friend.store.read_range(own.path("x"), 0, 6, own.head("x").version) == b"shared"
    shown = program.ok("file", "share", "x", "--with", other.uuid.upper(), "--write", "-j").json
    assert (shown["path"], shown["read"], shown["write"]) == ("/pithos/x", [friend.uuid], [other.uuid])
    program.ok("file", "share", "x", "--with", friend.name, "--with", other.name, "--write")
    assert (own.rule("x").read, set(own.rule("x").write)) == ((), {friend.uuid, other.uuid})
    program.ok("file", "share", "x", "--with", other.name)  # to read, and no more than that
    assert own.rule("x") == Sharing((other.uuid,), (friend.uuid,))
    program.ok("file", "share", "x", "--with", "*")
    assert own.rule("x").read == ("*",)


def test_with_groups(program: Invoker, own: Contents, owner: User, friend: User) -> None:
    program.ok("group", "create", "Team", "--username", friend.name)
    own.put("x")
    for word in ("team", "TEAM", "group:team", f"{owner.uuid}:team", f"{owner.name}:Team"):
        program.ok("file", "share", "x", "--with", word)
        assert own.rule("x") == Sharing(read=(f"{owner.uuid}:team",))
        assert friend.store.head(own.path("x")).allowed_to == "read"
        program.ok("file", "unshare", "x", "--with", word)
        assert own.rule("x") == Sharing()
    program.ok("file", "share", "x", "--with", f"{friend.name}:theirs")  # nobody can look into the groups of others
    assert own.rule("x") == Sharing(read=(f"{friend.uuid}:theirs",))


def test_a_name_that_is_a_user_and_a_group(program: Invoker, own: Contents, cloud: TestCloud) -> None:
    both = cloud.user("ambiguous")
    own.store.management().set_group(both.name, [own.user.uuid])
    own.put("x")
    refused = program("file", "share", "x", "--with", both.name)
    assert refused.code == 2
    assert f"group:{both.name}" in refused.err
    program.ok("file", "share", "x", "--with", f"group:{both.name}", "--with", both.uuid)
    assert set(own.rule("x").read) == {f"{own.user.uuid}:{both.name}", both.uuid}


def test_whom_there_is_not(program: Invoker, own: Contents, friend: User) -> None:
    own.put("x")
    for word in ("nobody", "00000000-0000-0000-0000-000000000000", "group:nothing", "nobody:group", ""):
        for command in ("share", "unshare"):
            refused = program("file", command, "x", "--with", friend.name, "--with", word)
            assert refused.code == 3, (word, refused.err)
            assert len(refused.err.splitlines()) == 2
        assert own.rule("x") == Sharing()  # all or nobody
    assert program("file", "share", "x").code == 2
    assert program("file", "share", "/pithos", "--with", "*").code == 2
    assert program("file", "share", "nothing", "--with", "*").code == 3


def test_folders(program: Invoker, own: Contents, friend: User) -> None:
    own.put("dir/a", b"a")
    own.put("dir2/b")
    shared = program.ok("file", "share", "dir/", "--with", friend.name, "--write")
    assert "Made the folder /pithos/dir" in shared.err  # only an object can carry the rule
    assert own.head("dir").content_type == FOLDER
    assert friend.store.head(own.path("dir/a")).allowed_to == "write"
    # Sharing something inside with one more must not take it away from those who have it by the folder.
    program.ok("file", "share", "dir/a", "--with", "*")
    assert own.rule("dir/a") == Sharing(("*",), (friend.uuid,))
    program.ok("file", "unshare", "dir/a")
    for words in ([], ["--with", friend.name]):
        refused = program("file", "unshare", "dir/a", *words)
        assert refused.code == 5
        assert "file unshare /pithos/dir" in refused.err
    program.ok("file", "unshare", "dir")
    assert own.head("dir/a").sharing is None
    assert own.names() == ["dir", "dir/a", "dir2/b"]


def test_unsharing(program: Invoker, own: Contents, friend: User, cloud: TestCloud) -> None:
    other = cloud.user("other")
    own.put("x", sharing=Sharing((friend.uuid,), (other.uuid,)), public=True)
    shown = program.ok("file", "unshare", "x", "--with", other.name, "-j").json
    assert (shown["read"], shown["write"]) == ([friend.uuid], [])
    assert program("file", "unshare", "x", "--with", other.name).code == 3
    program.ok("file", "unshare", "x")
    assert own.rule("x") == Sharing()
    assert own.head("x").public
    program.ok("file", "unshare", "x")
    # Whom there is no user of, and a group that is gone, can be taken out as they stand there.
    own.share("x", read=("gone", f"{own.user.uuid}:gone", "*"))
    own.share("x", read=("gone", f"{own.user.uuid}:gone"))
    program.ok("file", "unshare", "x", "--with", "gone", "--with", "group:gone")
    assert own.rule("x") == Sharing()


def test_patterns_and_several(program: Invoker, own: Contents, friend: User) -> None:
    for name in ("a.txt", "b.txt", "c.jpg"):
        own.put(name)
    shown = program.ok("file", "share", "*.txt", "c.jpg", "--with", friend.name, "-j").json
    assert [one["path"] for one in shown] == ["/pithos/a.txt", "/pithos/b.txt", "/pithos/c.jpg"]
    program.ok("file", "unshare", "*.txt")
    assert [bool(own.rule(name)) for name in own.names()] == [False, False, True]
    failed = program("file", "share", "nothing", "a.txt", "--with", friend.name)
    assert failed.code == 3
    assert "1 of 2 were not shared" in failed.err
    assert own.rule("a.txt")


def test_only_the_owner_shares(program: Invoker, own: Contents, owner: User, friend: User) -> None:
    theirs = Contents(friend)
    theirs.put("x", sharing=Sharing(write=(owner.uuid,)))
    for command in (["share", "--with", "*"], ["unshare"]):
        refused = program("file", command[0], "-A", friend.name, "x", *command[1:])
        assert refused.code == 4
        assert len(refused.err.splitlines()) == 2
    assert theirs.rule("x") == Sharing(write=(owner.uuid,))


# modify ---------------------------------------------------------------------------------------------------------------


def test_metadata(program: Invoker, own: Contents) -> None:
    own.put("x", meta={"old": "1", "kept": "2"})
    shown = program.ok(
        "file", "modify", "x", "--metadata-add", "a_b=c=d", "--metadata-add", "ü=é %", "--metadata-del", "old", "-j"
    ).json
    assert shown["meta"] == {"kept": "2", "a-b": "c=d", "ü": "é %"}
    assert own.head("x").meta == {"kept": "2", "a-b": "c=d", "ü": "é %"}
    table = program.ok("file", "modify", "x", "--metadata-add", "A-B=e").out
    assert "meta a-b" in table
    for words, code in (
        (["x"], 2),
        (["x", "--metadata-add", "k"], 2),
        (["x", "--metadata-add", "=v"], 2),
        (["x", "--metadata-add", "k="], 2),
        (["x", "--metadata-add", "a=b", "--metadata-del", "A"], 2),
        (["/pithos", "--metadata-del", "a"], 2),
        (["nothing", "--metadata-del", "a"], 3),
        (["x", "--no-permissions", "--read-permission", "*"], 2),
        (["x", "--no-permissions", "--write-permission", "*"], 2),
        (["x", "--read-permission", "nobody"], 3),
    ):
        before = own.head("x")
        assert program("file", "modify", *words).code == code, words
        assert own.head("x") == before


def test_permissions(program: Invoker, own: Contents, owner: User, friend: User) -> None:
    own.put("x", sharing=Sharing(read=(owner.uuid,)))
    shown = program.ok("file", "modify", "x", "--read-permission", friend.name, "--metadata-add", "k=v")
    assert friend.uuid in shown.out
    assert set(own.rule("x").read) == {owner.uuid, friend.uuid}
    program.ok("file", "modify", "x", "--write-permission", friend.uuid)
    assert own.rule("x") == Sharing((owner.uuid,), (friend.uuid,))
    program.ok("file", "modify", "x", "--read-permission", friend.uuid)  # added: it takes no right away
    assert own.rule("x") == Sharing((owner.uuid,), (friend.uuid,))
    program.ok("file", "modify", "x", "--no-permissions")
    assert own.rule("x") == Sharing()


def test_modifying_several(program: Invoker, own: Contents) -> None:
    for name in ("a.txt", "b.txt"):
        own.put(name)
    shown = program.ok("file", "modify", "*.txt", "--metadata-add", "k=v", "-j").json
    assert [(one["path"], one["meta"]) for one in shown] == [(f"/pithos/{n}.txt", {"k": "v"}) for n in "ab"]


# publish --------------------------------------------------------------------------------------------------------------


def test_links(program: Invoker, cli: Cli, own: Contents) -> None:
    own.put("x", b"public")
    own.put("y")
    result = cli.ok("file", "publish", "x")  # piped
    (link,) = result.out.splitlines()
    assert result.err == ""
    assert fetch(link) == b"public"
    assert program.ok("file", "publish", "x", "y").out.splitlines() == [link, own.head("y").public]
    assert program.ok("file", "publish", "x", "-j").json == {"path": "/pithos/x", "public": link}
    assert [one["public"] for one in program.ok("file", "publish", "?", "-j").json] == [link, own.head("y").public]
    assert program.ok("file", "unpublish", "x", "y").out == ""
    with pytest.raises(HTTPError, match="404"):
        fetch(link)
    assert own.head("x").public is None
    assert program.ok("file", "unpublish", "x", "-j").json == {"path": "/pithos/x", "public": None}
    assert program("file", "publish", "nothing").code == 3
    assert program("file", "publish", "/pithos").code == 2


def test_a_writer_publishes_and_does_not_see_the_link(program: Invoker, owner: User, friend: User) -> None:
    theirs = Contents(friend)
    theirs.put("x", sharing=Sharing(write=(owner.uuid,)))
    result = program.ok("file", "publish", "-A", friend.name, "x")
    assert result.out == ""
    assert "only its owner" in result.err
    assert theirs.head("x").public
