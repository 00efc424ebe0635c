"""Containers that are paid for by a project (object-store.md section 14): whose quota, moving, leaving."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from fixtures.archives import Packed, packed
from fixtures.projects import Account, project_for

DISKSPACE = "pithos.diskspace"

Make = Callable[..., str]


@pytest.fixture
def project(server: Any) -> Make:
    """`project(capacity, share, *members)` is a project for that many bytes; the first member owns it."""

    def make(capacity: int, share: int, *members: Any) -> str:
        tokens = [one.token for one in members]
        return project_for(server.url, server.admin, tokens, {DISKSPACE: (capacity, share)})

    return make


def usage(server: Any, person: Any, project: str | None = None) -> tuple[int, int]:
    """What a person uses of a project (None: the personal one), and what all its members use."""
    found = Account(server.url, person.token).do("GET", "/quotas")[project or person.id][DISKSPACE]
    return found["usage"], found["project_usage"]


def test_writes_are_charged_to_the_project_of_the_container(server: Any, alice: Any, project: Make) -> None:
    shared = project(100, 60, alice)
    alice.make("p", X_Container_Policy_Project=shared)
    assert alice("HEAD", "p").headers["x-container-policy-project"] == shared
    alice.put("p/a", b"x" * 50)
    alice.put("c/a", b"x" * 30)
    assert (usage(server, alice, shared), usage(server, alice)) == ((50, 50), (30, 30))
    alice.put("p/a", b"x" * 20)  # only the difference
    assert usage(server, alice, shared) == (20, 20)
    assert alice("DELETE", "p/a").status == 204
    assert usage(server, alice, shared) == (0, 0)
    assert int(alice("HEAD").headers["x-account-bytes-used"]) == 30


def test_the_members_share_is_the_limit(server: Any, alice: Any, project: Make) -> None:
    shared = project(100, 60, alice)
    alice.make("p", X_Container_Policy_Project=shared)
    alice.put("p/a", b"x" * 50)
    for body in (b"x" * 11, iter([b"x" * 11])):  # known before, and only afterwards
        refused = alice("PUT", "p/b", body, Content_Type="text/plain")
        assert (refused.status, refused.fault()) == (413, "fault")
    assert alice("HEAD", "p/b").status == 404
    alice.put("p/b", b"x" * 10)
    assert alice("COPY", "p/b", None, Destination="/p/c").status == 413
    assert usage(server, alice, shared) == (60, 60)


def test_all_members_share_the_projects_limit(server: Any, alice: Any, bob: Any, project: Make) -> None:
    shared = project(100, 60, alice, bob)
    for person in (alice, bob):
        person.make("p", X_Container_Policy_Project=shared)
    alice.put("p/a", b"x" * 60)
    assert bob("PUT", "p/b", b"x" * 41, Content_Type="text/plain").status == 413
    bob.put("p/b", b"x" * 40)
    assert (usage(server, alice, shared), usage(server, bob, shared)) == ((60, 100), (40, 100))
    assert alice("DELETE", "p/a").status == 204
    bob.put("p/c", b"x" * 20)
    assert usage(server, bob, shared) == (60, 60)


def test_what_others_write_is_charged_to_the_owner_of_the_account(
    server: Any, alice: Any, bob: Any, project: Make
) -> None:
    shared = project(100, 60, alice)
    alice.make("p", X_Container_Policy_Project=shared)
    alice.put("p/a", b"x", X_Object_Sharing=f"write={bob.id}")
    answer = bob("PUT", "p/a", b"x" * 10, account=alice.id, Content_Type="text/plain")
    assert answer.status == 201
    assert usage(server, alice, shared) == (10, 10)
    assert bob("PUT", "p/a", b"x" * 61, account=alice.id, Content_Type="text/plain").status == 413


def test_reassigning_moves_the_usage(server: Any, alice: Any, project: Make) -> None:
    shared = project(100, 60, alice)
    alice.put("c/a", b"x" * 50)
    assert alice("POST", "c?update", b"", X_Container_Policy_Project=shared).status == 202
    assert (usage(server, alice, shared), usage(server, alice)) == ((50, 50), (0, 0))
    alice.put("c/b", b"x" * 10)
    assert alice("PUT", "c/c", b"x", Content_Type="text/plain").status == 413
    assert alice("PUT", "c", b"", X_Container_Policy_Project=alice.id).status == 202
    assert (usage(server, alice, shared), usage(server, alice)) == ((0, 0), (60, 60))
    alice.put("c/c", b"x")


def test_reassigning_without_room_changes_nothing(server: Any, alice: Any, project: Make) -> None:
    shared = project(100, 49, alice)
    alice.put("c/a", b"x" * 50)
    refused = alice("POST", "c?update", b"", X_Container_Policy_Project=shared, X_Container_Meta_A="1")
    assert (refused.status, refused.fault()) == (413, "fault")
    headers = alice("HEAD", "c").headers
    assert headers["x-container-policy-project"] == alice.id
    assert "x-container-meta-a" not in headers
    assert (usage(server, alice, shared), usage(server, alice)) == ((0, 0), (50, 50))


def test_who_has_no_share(server: Any, alice: Any, bob: Any, project: Make) -> None:
    strange = project(100, 60, bob)
    refused = alice("POST", "c?update", b"", X_Container_Policy_Project=strange)
    assert (refused.status, refused.fault()) == (404, "fault")
    alice.make("p", X_Container_Policy_Project=strange)  # not looked at when it is made
    for body in (b"x", b""):
        refused = alice("PUT", "p/a", body, Content_Type="text/plain")
        assert (refused.status, refused.fault()) == (404, "fault")
    Account(server.url, alice.token).do("POST", "/projects/memberships", {"join": {"project": strange}})
    alice.put("p/a", b"x")
    assert usage(server, alice, strange) == (1, 1)


@pytest.mark.parametrize("how", ["leave", "suspend", "terminate"])
def test_a_share_that_is_gone(server: Any, alice: Any, project: Make, how: str) -> None:
    """What is there can be read, deleted and moved away; nothing can be added."""
    shared = project(100, 60, alice)
    alice.make("p", X_Container_Policy_Project=shared)
    alice.put("p/a", b"x" * 50)
    alice.put("p/b", b"x" * 5)
    account = Account(server.url, alice.token)
    if how == "leave":
        (membership,) = account.do("GET", f"/projects/memberships?project={shared}")
        account.do("POST", f"/projects/memberships/{membership['id']}/action", {"leave": ""})
    else:
        Account(server.url, server.admin).do("POST", f"/projects/{shared}/action", {how: {"reason": ""}})
    assert alice("PUT", "p/c", b"x", Content_Type="text/plain").status == 413
    assert alice("PUT", "p/b", b"x" * 6, Content_Type="text/plain").status == 413
    alice.put("p/b", b"x" * 4)
    assert alice("POST", "p/b?update", b"", X_Object_Meta_A="1").status == 202
    assert alice("GET", "p/a").body == b"x" * 50
    assert alice("DELETE", "p/b").status == 204
    assert alice("POST", "p?update", b"", X_Container_Policy_Project=alice.id).status == 202
    assert usage(server, alice) == (50, 50)
    alice.put("p/c", b"x")


def test_moving_between_containers_of_two_projects(server: Any, alice: Any, project: Make) -> None:
    one, two = project(100, 60, alice), project(100, 60, alice)
    alice.make("one", X_Container_Policy_Project=one)
    alice.make("two", X_Container_Policy_Project=two)
    alice.put("one/a", b"x" * 40)
    assert alice("MOVE", "one/a", None, Destination="/two/a").status == 201
    assert (usage(server, alice, one), usage(server, alice, two)) == ((0, 0), (40, 40))
    alice.put("one/b", b"x" * 21)
    assert alice("MOVE", "one/b", None, Destination="/two/b").status == 413
    assert (usage(server, alice, one), usage(server, alice, two)) == ((21, 21), (40, 40))


def test_moving_inside_a_full_project(server: Any, alice: Any, project: Make) -> None:
    """No room is needed for what only changes its container."""
    shared = project(60, 60, alice)
    for name in ("z", "a"):
        alice.make(name, X_Container_Policy_Project=shared)
    alice.put("z/o", b"x" * 60)
    assert alice("MOVE", "z/o", None, Destination="/a/o").status == 201
    assert alice("MOVE", "a/o", None, Destination="/z/o").status == 201
    assert usage(server, alice, shared) == (60, 60)


def test_archives_are_unpacked_as_far_as_the_project_has_room(server: Any, alice: Any, project: Make) -> None:
    shared = project(100, 60, alice)
    alice.make("p", X_Container_Policy_Project=shared)
    archive = packed([Packed("a", b"a" * 40), Packed("b", b"b" * 30), Packed("c", b"c" * 20), Packed("a", b"a" * 10)])
    answer = alice("PUT", "p?extract-archive=tar", archive, Accept="application/json").json()
    assert [path for path, _ in answer["Errors"]] == ["p/b"]
    assert usage(server, alice, shared) == (30, 30)
    alice.make("q", X_Container_Policy_Project="00000000-0000-4000-8000-000000000000")
    answer = alice("PUT", "q?extract-archive=tar", packed([Packed("a", b"a")]), Accept="application/json").json()
    assert answer["Number Files Created"] == 0
    assert alice.list("q") == []


def test_the_account_shows_what_each_project_gives(server: Any, people: Any, project: Make) -> None:
    dora = people("dora", quota=1000)
    shared = project(100, 60, dora)
    headers = dora("HEAD").headers
    assert headers["x-account-policy-quota"] == "1060"
    assert headers[f"x-account-policy-quota-{dora.id}"] == "1000"
    assert headers[f"x-account-policy-quota-{shared}"] == "60"
    swift = dora.send("HEAD", f"/swift/v1/AUTH_{dora.id}", None, {"X-Auth-Token": dora.token})
    assert swift.headers["x-account-meta-quota-bytes"] == "1060"
    Account(server.url, server.admin).do("POST", f"/projects/{shared}/action", {"suspend": {}})
    headers = dora("HEAD").headers
    assert headers["x-account-policy-quota"] == "1000"
    assert f"x-account-policy-quota-{shared}" not in headers


def test_no_limit_beside_a_limit_is_no_limit(alice: Any, project: Make) -> None:
    project(100, 60, alice)
    assert alice("HEAD").headers["x-account-policy-quota"] == str(2**63 - 1)


def test_swift_clients_write_into_the_containers_of_projects(server: Any, alice: Any, project: Make) -> None:
    shared = project(100, 60, alice)
    alice.make("p", X_Container_Policy_Project=shared)
    target = f"/swift/v1/AUTH_{alice.id}/p/a"
    headers: dict[str, str | bytes] = {"X-Auth-Token": alice.token, "Content-Type": "text/plain"}
    assert alice.send("PUT", target, b"x" * 61, headers).status == 413
    assert alice.send("PUT", target, b"x" * 60, headers).status == 201
    assert usage(server, alice, shared) == (60, 60)
