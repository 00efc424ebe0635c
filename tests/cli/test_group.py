"""`pithosfs group`."""

from __future__ import annotations

from fixtures.cli import Cli, finish
from fixtures.clouds import TestCloud, User
from fixtures.invoker import Invoker


def groups(owner: User) -> dict[str, tuple[str, ...]]:
    return dict(owner.store.management().account().groups)


def test_create_list_replace_delete(program: Invoker, owner: User, cloud: TestCloud) -> None:
    friend, other = sorted((cloud.user("friend"), cloud.user("other")), key=lambda one: one.uuid)  # as they come back
    assert "There is no group" in program.ok("group", "list").err
    assert program.ok("group", "list", "-j").json == []
    assert program.ok("group", "create", "Team", "--username", friend.name, "--uuid", other.uuid.upper()).out == ""
    assert groups(owner) == {"team": (friend.uuid, other.uuid)}
    record = {"name": "team", "members": [friend.uuid, other.uuid], "users": [friend.name, other.name]}
    assert program.ok("group", "list", "-A", owner.name, "-j").json == [record]
    assert f"{friend.name}, {other.name}" in program.ok("group", "list").out
    refused = program("group", "create", "team", "--username", owner.name)
    assert refused.code == 2
    assert "Replace the 2 members" in refused.err
    program.ok("group", "create", "team", "--uuid", other.uuid, "--username", friend.name)  # the same: nothing to ask
    shown = program.ok("group", "create", "TEAM", "--username", owner.name, "--yes", "-j").json
    assert shown == {"name": "team", "members": [owner.uuid], "users": [owner.name]}
    program.ok("group", "create", "two", "--uuid", friend.uuid, "-A", owner.uuid)
    assert program("group", "delete", "team").code == 2
    assert program.ok("group", "delete", "Team", "two", "--dry-run").out == (
        "Would delete the group team\nWould delete the group two\n"
    )
    assert [one["name"] for one in program.ok("group", "delete", "team", "--yes", "-j").json] == ["team"]
    assert groups(owner) == {"two": (friend.uuid,)}
    assert program("group", "delete", "two", "team", "--yes").code == 3  # all or none
    assert groups(owner) == {"two": (friend.uuid,)}


def test_unknown_members_refuse_all(program: Invoker, owner: User) -> None:
    nobody = "00000000-0000-0000-0000-000000000000"
    for words in (["--username", "nobody"], ["--uuid", nobody], ["--uuid", "nobody"], ["--username", ""]):
        refused = program("group", "create", "team", "--username", owner.name, *words)
        assert refused.code == 3, words
        assert words[1] in refused.err
    assert groups(owner) == {}


def test_bad_names(program: Invoker, owner: User) -> None:
    for name in ("a-b", "a_b", "a b", "a:b", "a,b", "", "*", "a\n"):
        assert program("group", "create", name, "--username", owner.name).code == 2, name
    assert program("group", "create", "team").code == 2
    assert groups(owner) == {}
    program.ok("group", "create", "ομάδα2", "--username", owner.name)
    assert list(groups(owner)) == ["ομάδα2"]


def test_those_of_others(program: Invoker, cloud: TestCloud) -> None:
    friend = cloud.user("friend")
    friend.store.management().set_group("team", [friend.uuid])
    for words in (["list"], ["create", "new", "--username", friend.name], ["delete", "team", "--yes"]):
        assert program("group", *words, "-A", friend.name).code == 4
    assert groups(friend) == {"team": (friend.uuid,)}
    assert program("group", "list", "-A", "nobody at all").code == 3


def test_replacing_asks(cli: Cli, owner: User, cloud: TestCloud) -> None:
    friend = cloud.user("friend")
    owner.store.management().set_group("team", [friend.uuid])
    for answer, code in (("n", 1), ("y", 0)):
        run = cli.terminal("group", "create", "team", "--username", owner.name)
        run.expect(r"Replace the 1 member of the group team\?")
        run.sendline(answer)
        assert finish(run)[1] == code
        assert groups(owner) == {"team": ((friend if code else owner).uuid,)}
