"""`pithosfs sharer`."""

from __future__ import annotations

from fixtures.clouds import TestCloud
from fixtures.contents import Contents
from fixtures.invoker import Invoker


def test_who_shares_something(program: Invoker, own: Contents, cloud: TestCloud) -> None:
    nobody = program.ok("sharer", "list", "--name", "nobody at all")
    assert (nobody.out, nobody.err) == ("", "Nobody shares anything with you\n")
    others = [Contents(cloud.user("sharer")) for _ in range(2)]
    for other in others:
        other.put("x")
        other.share("x", read=(own.user.uuid,))
    # Those of other tests who share with everybody are there as well.
    found = program.ok("sharer", "list", "-j").json
    assert {(one["id"], one["name"]) for one in found} >= {(one.user.uuid, one.user.name) for one in others}
    assert own.user.uuid not in {one["id"] for one in found}
    assert found[0]["modified"].endswith("Z")
    assert found == sorted(found, key=lambda one: one["id"])
    assert program.ok("sharer", "list", "-j", "--marker", found[0]["id"]).json == found[1:]
    assert program.ok("sharer", "list", "-j", "-n", "1").json == found[:1]
    named = program.ok("sharer", "list", "-j", "--name", others[1].user.name.upper()).json
    assert [one["id"] for one in named] == [others[1].user.uuid]
    assert program.ok("sharer", "list").out.splitlines()[0].split() == ["ID", "NAME"]
    assert program.ok("sharer", "list", "-l").out.splitlines()[0].split() == ["ID", "CHANGED", "NAME"]
    assert program("sharer", "list", "-A", others[0].user.name).code == 4
    assert program.ok("sharer", "list", "-A", own.user.name, "-j").json == found


def test_an_account(program: Invoker, own: Contents, cloud: TestCloud) -> None:
    own.put("x", b"123")
    mine = program.ok("sharer", "info", "-j").json
    assert (mine["id"], mine["name"], mine["containers"], mine["bytes"]) == (own.user.uuid, own.user.name, 1, 3)
    own.store.management().set_group("friends", [own.user.uuid])
    assert program.ok("sharer", "info", own.user.name, "-j").json["groups"] == {"friends": [own.user.uuid]}
    other = Contents(cloud.user("other"))
    refused = program("sharer", "info", other.user.name)
    assert refused.code == 4
    assert "shares nothing with you" in refused.err
    other.put("x")
    other.share("x", read=(own.user.uuid,))
    for way in ([other.user.name], [other.user.uuid], ["-A", other.user.name]):
        found = program.ok("sharer", "info", *way, "-j").json
        assert (found["id"], found["name"], found["bytes"]) == (other.user.uuid, other.user.name, None)
        assert found["modified"]
    assert program("sharer", "info", "nobody at all").code == 3
