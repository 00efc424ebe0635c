"""Sharing: rules, inheritance, and who may do what (object-store.md 12)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import pytest

DATA = "application/octet-stream"

Action = Callable[[Any, Any], Any]


def _update(person: Any, owner: Any) -> Any:
    return person("POST", "c/o?update", b"x", account=owner.id, Content_Type=DATA, Content_Range="bytes */*")


def _old_version(method: str, query: str) -> Action:
    def act(person: Any, owner: Any) -> Any:
        version = owner("HEAD", "c/o").headers["x-object-version"]
        return person(method, f"c/o?version={version}{query}", account=owner.id)

    return act


READING: dict[str, Action] = {
    "head": lambda person, owner: person("HEAD", "c/o", account=owner.id),
    "get": lambda person, owner: person("GET", "c/o", account=owner.id),
    "range": lambda person, owner: person("GET", "c/o", account=owner.id, Range="bytes=0-0"),
    "hashmap": lambda person, owner: person("GET", "c/o?hashmap", account=owner.id),
    "versions": lambda person, owner: person("GET", "c/o?version=list", account=owner.id),
}
PUBLIC_ENOUGH: dict[str, Action] = {
    "old head": _old_version("HEAD", ""),
    "old get": _old_version("GET", ""),
    "old hashmap": _old_version("GET", "&hashmap"),
    "copy from": lambda person, owner: person("COPY", "c/o", None, account=owner.id, Destination="/mine/o"),
    "put from": lambda person, owner: person("PUT", "mine/o", b"", X_Copy_From="/c/o", X_Source_Account=owner.id),
}
WRITING: dict[str, Action] = {
    "put": lambda person, owner: person("PUT", "c/o", b"new", account=owner.id, Content_Type="a/b"),
    "put chunked": lambda person, owner: person("PUT", "c/o", iter([b"new"]), account=owner.id, Content_Type="a/b"),
    "put hashmap": lambda person, owner: person(
        "PUT", "c/o?hashmap", b'{"bytes": 0, "hashes": []}', account=owner.id, Content_Type="a/b"
    ),
    "copy onto": lambda person, owner: person(
        "COPY", "mine/own", None, Destination="/c/o", Destination_Account=owner.id
    ),
    "data": _update,
    "metadata": lambda person, owner: person("POST", "c/o?update", b"", account=owner.id, X_Object_Meta_A="1"),
    "replace metadata": lambda person, owner: person("POST", "c/o", b"", account=owner.id),
    "publish": lambda person, owner: person("POST", "c/o?update", b"", account=owner.id, X_Object_Public="true"),
}
OWNING: dict[str, Action] = {
    "share": lambda person, owner: person("POST", "c/o?update", b"", account=owner.id, X_Object_Sharing="read=*"),
    "put and share": lambda person, owner: person(
        "PUT", "c/o", b"x", account=owner.id, Content_Type="a/b", X_Object_Sharing=""
    ),
    "delete": lambda person, owner: person("DELETE", "c/o", account=owner.id),
    "purge": lambda person, owner: person("DELETE", "c/o?until=99999999999", account=owner.id),
    "move away": lambda person, owner: person("MOVE", "c/o", None, account=owner.id, Destination="/mine/o"),
    "container put": lambda person, owner: person("PUT", "c", b"", account=owner.id),
    "container post": lambda person, owner: person("POST", "c?update", b"", account=owner.id),
    "container delete": lambda person, owner: person("DELETE", "c?delimiter=/", account=owner.id),
    "account post": lambda person, owner: person("POST", "?update", b"", account=owner.id),
    "blocks": lambda person, owner: person("POST", "c?update", b"x", account=owner.id, Content_Type=DATA),
}
LOOKING: dict[str, Action] = {
    "account head": lambda person, owner: person("HEAD", "", account=owner.id),
    "account get": lambda person, owner: person("GET", "", account=owner.id),
    "container head": lambda person, owner: person("HEAD", "c", account=owner.id),
    "container get": lambda person, owner: person("GET", "c", account=owner.id),
}
ACTIONS = {**READING, **PUBLIC_ENOUGH, **WRITING, **OWNING, **LOOKING}

ALLOWED: dict[str, set[str]] = {
    "owner": set(ACTIONS),
    "write": {*READING, *PUBLIC_ENOUGH, *WRITING, *LOOKING},
    "read": {*READING, *PUBLIC_ENOUGH, *LOOKING},
    "public": set(PUBLIC_ENOUGH),
    "none": set(),
}


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("right", ALLOWED)
@pytest.mark.parametrize("through", ["itself", "group", "folder"])
def test_matrix(alice: Any, bob: Any, carol: Any, action: str, right: str, through: str) -> None:
    """Table 12.3; carol always has more than bob and must not lend it to him."""
    alice.put("c/o", b"data")
    bob.make("mine")
    bob.put("mine/own")
    who = bob.id
    if through == "group":
        alice("POST", "?update", b"", X_Account_Group_Friends=f"{bob.id},{carol.id}")
        who = f"{alice.id}:friends"
    rule = {"write": f"read={carol.id}; write={who}", "read": f"read={who}; write={carol.id}"}.get(
        right, f"write={carol.id}"
    )
    if through == "folder":
        alice("DELETE", "c/o")
        alice.put("c/dir", b"", type="application/directory", X_Object_Sharing=rule)
        alice.put("c/dir/o", b"data")
    else:
        alice("POST", "c/o?update", b"", X_Object_Sharing=rule)
    name = "c/dir/o" if through == "folder" else "c/o"
    if right == "public":
        alice("POST", f"{name}?update", b"", X_Object_Public="true")
    caller = alice if right == "owner" else bob
    if right == "owner":
        alice.make("mine")
        alice.put("mine/own")
    answer = ACTIONS[action](_Renamed(caller, name), _Renamed(alice, name))
    assert (answer.status < 300) is (action in ALLOWED[right]), answer
    if action not in ALLOWED[right]:
        assert answer.status == 403
        assert alice("GET", name).body == b"data"


class _Renamed:
    """A person for whom the object `c/o` has another name."""

    def __init__(self, person: Any, name: str) -> None:
        self.id = person.id
        self._person = person
        self._name = name

    def __call__(self, method: str, path: str = "", body: Any = None, **headers: str) -> Any:
        renamed = {
            key: f"/{self._name}" if value == "/c/o" and key != "account" else value for key, value in headers.items()
        }
        return self._person(method, path.replace("c/o", self._name), body, **renamed)


class TestRules:
    @pytest.mark.parametrize(
        ("sent", "shown"),
        [
            ("read=b,a", "read=a,b"),
            ("read=A ; write = B", "read=a; write=b"),
            ("write=a", "write=a"),
            ("read=a,a", "read=a"),
            ("read=a,*,b", "read=*"),
            ("read=a,b; write=b", "read=a; write=b"),
            ("read=a; write=a", "write=a"),
            ("read=a; read=b", "read=b"),
            ("read=~a~", "read=a"),
            ("read=x:group", "read=x:group"),
        ],
    )
    def test_normalising(self, alice: Any, sent: str, shown: str) -> None:
        alice.put("c/o", X_Object_Sharing=sent)
        assert unquote(alice("HEAD", "c/o").headers["x-object-sharing"]) == shown
        (entry,) = alice("GET", "c?format=json").json()
        assert entry["x_object_sharing"] == shown

    @pytest.mark.parametrize("rule", ["read=", "read", "read=,", "write=;read=a", "Read=a", "admin=a", "a"])
    def test_malformed(self, alice: Any, rule: str) -> None:
        alice.put("c/o")
        assert alice("POST", "c/o?update", b"", X_Object_Sharing=rule).status == 400

    def test_removing(self, alice: Any, bob: Any) -> None:
        alice.put("c/o", X_Object_Sharing=f"read={bob.id}")
        alice("POST", "c/o?update", b"", X_Object_Sharing="")
        assert "x-object-sharing" not in alice("HEAD", "c/o").headers
        assert bob("HEAD", "c/o", account=alice.id).status == 403
        assert bob("HEAD", "", account=alice.id).status == 403

    @pytest.mark.parametrize("change", ["PUT", "POST"])
    def test_survives_changes(self, alice: Any, bob: Any, change: str) -> None:
        alice.put("c/o", X_Object_Sharing=f"read={bob.id}")
        alice(change, "c/o", b"", Content_Type="a/b")
        assert bob("GET", "c/o", account=alice.id).status == 200

    def test_reader_sees_the_whole_rule_but_not_the_public_url(self, alice: Any, bob: Any) -> None:
        alice.put("c/o", X_Object_Sharing=f"read={bob.id}; write=zed", X_Object_Public="true")
        headers = bob("HEAD", "c/o", account=alice.id).headers
        assert headers["x-object-sharing"] == f"read={bob.id}; write=zed"
        assert headers["x-object-allowed-to"] == "read"
        assert "x-object-public" not in headers

    def test_versions_show_no_rule(self, alice: Any, bob: Any) -> None:
        version = alice.put("c/o", X_Object_Sharing=f"read={bob.id}").headers["x-object-version"]
        headers = bob("HEAD", f"c/o?version={version}", account=alice.id).headers
        assert "x-object-sharing" not in headers
        assert "x-object-allowed-to" not in headers


class TestInheritance:
    def folder(self, alice: Any, bob: Any, name: str = "d", type: str = "application/directory") -> None:
        alice.put(f"c/{name}", b"", type=type, X_Object_Sharing=f"read={bob.id}")

    @pytest.mark.parametrize("type", ["application/directory", "application/folder", "application/directory; a=b"])
    @pytest.mark.parametrize("marker", ["d", "d/"])
    def test_below_a_folder(self, alice: Any, bob: Any, type: str, marker: str) -> None:
        self.folder(alice, bob, marker, type)
        alice.put("c/d/x/y")
        alice.put("c/dd")
        headers = bob("HEAD", "c/d/x/y", account=alice.id).headers
        assert headers["x-object-sharing"] == f"read={bob.id}"
        assert headers["x-object-shared-by"] == f"{alice.id}/c/{marker}"
        assert headers["x-object-allowed-to"] == "read"
        assert alice("HEAD", "c/d/x/y").headers["x-object-shared-by"] == f"{alice.id}/c/{marker}"
        assert "x-object-shared-by" not in bob("HEAD", f"c/{marker}", account=alice.id).headers
        assert bob("HEAD", "c/dd", account=alice.id).status == 403
        assert bob("HEAD", "c/d/absent", account=alice.id).status == 404

    def test_other_types_cover_themselves(self, alice: Any, bob: Any) -> None:
        self.folder(alice, bob, type="text/plain")
        alice.put("c/d/x")
        assert bob("HEAD", "c/d", account=alice.id).status == 200
        assert bob("HEAD", "c/d/x", account=alice.id).status == 403

    def test_the_nearest_rule_alone_counts(self, alice: Any, bob: Any) -> None:
        self.folder(alice, bob)
        alice.put("c/d/e", b"", type="application/directory", X_Object_Sharing="read=nobody")
        alice.put("c/d/e/x")
        alice.put("c/d/e/y", X_Object_Sharing=f"write={bob.id}")
        answers = [bob("HEAD", f"c/d{name}", account=alice.id).status for name in ("", "/e", "/e/x", "/e/y")]
        assert answers == [200, 403, 403, 200]

    @pytest.mark.parametrize("ending", ["delete", "type", "move"])
    def test_ends_with_the_marker(self, alice: Any, bob: Any, ending: str) -> None:
        self.folder(alice, bob)
        alice.put("c/d/x")
        if ending == "delete":
            alice("DELETE", "c/d")
        elif ending == "type":
            alice.put("c/d", type="text/plain")
        else:
            alice("MOVE", "c/d", None, Destination="/c/elsewhere")
        assert bob("HEAD", "c/d/x", account=alice.id).status == 403

    def test_deleted_objects_inside(self, alice: Any, bob: Any) -> None:
        self.folder(alice, bob)
        version = alice.put("c/d/x", b"old").headers["x-object-version"]
        alice("DELETE", "c/d/x")
        assert bob("GET", "c/d/x", account=alice.id).status == 404
        assert bob("GET", "c/d/x?version=list", account=alice.id).json()["versions"][0][0] == int(version)
        assert bob("GET", f"c/d/x?version={version}", account=alice.id).body == b"old"

    def test_new_names_inside_a_writable_folder(self, alice: Any, bob: Any) -> None:
        alice.put("c/d", b"", type="application/directory", X_Object_Sharing=f"write={bob.id}")
        assert bob("PUT", "c/d/new", b"x", account=alice.id, Content_Type="a/b").status == 201
        assert bob("PUT", "c/new", b"x", account=alice.id, Content_Type="a/b").status == 403
        assert bob("DELETE", "c/d/new", account=alice.id).status == 403
        assert alice("GET", "c/d/new").body == b"x"


class TestGroups:
    def test_membership_counts_at_once(self, alice: Any, bob: Any) -> None:
        alice.put("c/o", X_Object_Sharing=f"read={alice.id}:friends")
        assert bob("HEAD", "c/o", account=alice.id).status == 403
        alice("POST", "?update", b"", X_Account_Group_Friends=bob.id)
        assert bob("HEAD", "c/o", account=alice.id).status == 200
        top = bob.send("GET", "/object-store/v1/", None, {"X-Auth-Token": bob.token})
        assert alice.id in top.names()
        alice("POST", "?update", b"", X_Account_Group_Friends="")
        assert bob("HEAD", "c/o", account=alice.id).status == 403

    def test_groups_of_other_accounts(self, alice: Any, bob: Any, carol: Any) -> None:
        carol("POST", "?update", b"", X_Account_Group_Team=bob.id)
        alice.put("c/o", X_Object_Sharing=f"read={carol.id}:TEAM")
        assert bob("HEAD", "c/o", account=alice.id).status == 200
        assert carol("HEAD", "c/o", account=alice.id).status == 403


def test_everybody(alice: Any, bob: Any) -> None:
    alice.put("c/o", X_Object_Sharing="read=*")
    assert bob("GET", "c/o", account=alice.id).status == 200
    assert bob("PUT", "c/o", b"", account=alice.id, Content_Type="a/b").status == 403
    alice("DELETE", "c/o")


@pytest.mark.parametrize("path", ["c/absent", "absent/o", "absent", "c"])
@pytest.mark.parametrize("method", ["HEAD", "GET", "PUT", "POST", "DELETE"])
def test_nothing_is_told_about_what_is_not_shared(alice: Any, bob: Any, path: str, method: str) -> None:
    answer = bob(method, path, b"", account=alice.id, Content_Type="a/b", If_Match="*")
    if method == "PUT" and "/" in path:
        answer = bob(method, path, b"", account=alice.id, Content_Type="a/b")
    assert answer.status == 403


def test_accounts_that_do_not_exist(bob: Any) -> None:
    for path in ("", "c", "c/o"):
        assert bob("GET", path, account="00000000-0000-0000-0000-000000000000").status == 403
