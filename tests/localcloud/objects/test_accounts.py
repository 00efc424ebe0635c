"""Top level and account level (object-store.md 2, 3, 4, 5)."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from email.utils import formatdate
from typing import Any
from urllib.parse import unquote

import pytest


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("PUT", "", 405, "HEAD,POST,GET"),
        ("DELETE", "", 405, "HEAD,POST,GET"),
        ("COPY", "", 405, "HEAD,POST,GET"),
        ("COPY", "c", 405, "HEAD,GET,PUT,POST,DELETE"),
        ("PATCH", "c/o", 405, "HEAD,GET,PUT,COPY,MOVE,POST,DELETE"),
    ],
)
def test_wrong_verbs(alice: Any, method: str, path: str, status: int, allow: str) -> None:
    answer = alice(method, path, b"")
    assert (answer.status, answer.headers["allow"]) == (status, allow)
    assert answer.fault() == "notAllowed"


@pytest.mark.parametrize("target", ["/object-store/v1", "/object-store/v1.0/", "/object-store/v2/", "/object-store/"])
def test_unknown_urls(alice: Any, target: str) -> None:
    answer = alice.send("GET", target, None, {"X-Auth-Token": alice.token})
    assert (answer.status, answer.fault()) == (400, "badRequest")


class TestTokens:
    def test_absent(self, alice: Any) -> None:
        answer = alice.send("HEAD", f"/object-store/v1/{alice.id}", None, {})
        assert answer.status == 401
        assert alice.send("GET", f"/object-store/v1/{alice.id}", None, {}).fault() == "unauthorized"

    def test_wrong(self, alice: Any) -> None:
        answer = alice("GET", raw={"X-Auth-Token": "nonsense"})
        assert (answer.status, answer.fault()) == (401, "fault")

    def test_query_wins(self, alice: Any) -> None:
        target = f"/object-store/v1/{alice.id}?X-Auth-Token="
        assert alice.send("GET", target + alice.token, None, {"X-Auth-Token": "bad"}).status == 200
        assert alice.send("GET", target + "bad", None, {"X-Auth-Token": alice.token}).status == 401
        assert alice.send("GET", target, None, {"X-Auth-Token": alice.token}).status == 200

    def test_old_login(self, alice: Any) -> None:
        answer = alice.send("GET", "/object-store/v1/", None, {"X-Auth-User": "u", "X-Auth-Key": "k"})
        assert (answer.status, answer.headers["x-auth-token"]) == (204, "k")
        assert answer.headers["x-storage-url"] == f"http://{alice.host}/object-store/v1/u"
        assert alice.send("GET", "/object-store/v1/", None, {}).status == 400


class TestTop:
    def test_nothing_shared(self, alice: Any) -> None:
        everything = alice.send("GET", "/object-store/v1/", None, {"X-Auth-Token": alice.token})
        assert everything.status in (200, 204)  # others may share with everybody
        assert alice.id not in everything.names()
        assert alice.send("POST", "/object-store/v1/", b"", {}).headers["allow"] == "GET"

    def test_formats(self, alice: Any, bob: Any) -> None:
        alice.put("c/x", X_Object_Sharing=f"read={bob.id},{alice.id}")
        top = "/object-store/v1/"
        assert alice.id in bob.send("GET", top, None, {"X-Auth-Token": bob.token}).names()
        listed = bob.send("GET", top + "?format=json", None, {"X-Auth-Token": bob.token}).json()
        assert [set(one) for one in listed if one["name"] == alice.id] == [{"name", "last_modified"}]
        tree = ElementTree.fromstring(bob.send("GET", top + "?format=xml", None, {"X-Auth-Token": bob.token}).body)
        assert alice.id in [one.findtext("name") for one in tree.iter("account")]
        # One's own account is shown in text when a rule names oneself, never in JSON.
        assert alice.id in alice.send("GET", top, None, {"X-Auth-Token": alice.token}).names()
        own = alice.send("GET", top + "?format=json", None, {"X-Auth-Token": alice.token}).json()
        assert alice.id not in [one["name"] for one in own]


class TestHead:
    def test_new_account(self, bob: Any) -> None:
        answer = bob("HEAD")
        assert answer.status == 204
        assert answer.headers["x-account-container-count"] == "0"
        assert answer.headers["x-account-bytes-used"] == "0"

    def test_counts(self, people: Any) -> None:
        dora = people("dora", quota=1000)
        dora.make("c")
        dora.put("c/x", b"12345")
        headers = dora("HEAD").headers
        assert headers["x-account-container-count"] == "1"
        assert headers["x-account-bytes-used"] == "5"
        assert headers["x-account-policy-quota"] == "1000"
        assert headers[f"x-account-policy-quota-{dora.id}"] == "1000"
        assert "last-modified" in headers
        assert headers["vary"] == "X-Auth-Token"
        assert headers["cache-control"] == "no-cache, no-store, must-revalidate, max-age=0"

    def test_conditions(self, alice: Any) -> None:
        modified = alice("HEAD").headers["last-modified"]
        unchanged = alice("HEAD", If_Modified_Since=modified)
        assert (unchanged.status, unchanged.headers["last-modified"]) == (304, modified)
        assert alice("GET", If_Modified_Since=modified).status == 304
        assert alice("HEAD", If_Unmodified_Since=modified).status == 204
        assert alice("HEAD", If_Unmodified_Since=formatdate(0, usegmt=True)).status == 412
        assert alice("HEAD", If_Modified_Since="rubbish").status == 204

    def test_until(self, alice: Any) -> None:
        before = alice("HEAD", "?until=1000000000")
        assert (before.status, before.headers["x-account-container-count"]) == (204, "0")
        assert "x-account-until-timestamp" in before.headers
        assert alice("HEAD", "?until=99999999999").headers["x-account-container-count"] == "1"
        assert "x-account-until-timestamp" not in alice("HEAD", "?until=1.5").headers

    def test_others(self, alice: Any, bob: Any) -> None:
        assert bob("HEAD", account=alice.id).status == 403
        alice("POST", "?update", b"", X_Account_Meta_Secret="1")
        alice.put("c/x", X_Object_Sharing=f"read={bob.id}")
        answer = bob("HEAD", account=alice.id)
        assert answer.status == 204
        assert [name for name in answer.headers if name.startswith("x-account")] == []
        assert "last-modified" in answer.headers
        assert bob("HEAD", "?until=99999999999", account=alice.id).status == 403


class TestList:
    def test_formats(self, alice: Any) -> None:
        alice.make("b%20%C3%A9")
        alice.put("c/x", b"123")
        assert alice("GET").names() == ["b é", "c"]
        entries = alice("GET", "?format=json").json()
        assert [one["name"] for one in entries] == ["b é", "c"]
        assert (entries[1]["count"], entries[1]["bytes"]) == (1, 3)
        assert entries[1]["x_container_policy"] == {"quota": "0", "versioning": "auto", "project": alice.id}
        assert entries[1]["last_modified"].endswith("+00:00")
        tree = ElementTree.fromstring(alice("GET", "?format=xml").body)
        assert tree.get("name") == alice.id
        assert [one.findtext("name") for one in tree.iter("container")] == ["b é", "c"]
        policy = tree.find("container/x_container_policy")
        assert policy is not None
        assert [one.text for one in policy.iter("key")] == ["quota", "versioning", "project"]

    def test_empty(self, bob: Any) -> None:
        assert bob("GET").status == 204
        assert bob("GET", "?format=json").json() == []

    @pytest.mark.parametrize(
        ("query", "names"),
        [
            ("limit=2", ["a", "b"]),
            ("limit=0", ["a", "b", "c", "d"]),
            ("limit=-1", ["a", "b", "c", "d"]),
            ("limit=many", ["a", "b", "c", "d"]),
            ("limit=99999", ["a", "b", "c", "d"]),
            ("marker=b", ["c", "d"]),
            ("marker=b&limit=1", ["c"]),
            ("shared", ["a"]),
            ("shared=false", ["a"]),
            ("public", ["d"]),
            ("shared&public", ["a", "d"]),
        ],
    )
    def test_parameters(self, alice: Any, query: str, names: list[str]) -> None:
        for name in "dba":
            alice.make(name)
        alice.put("a/x", X_Object_Sharing="read=somebody")
        alice.put("d/x", X_Object_Public="true")
        assert alice("GET", f"?{query}").names() == names

    def test_others(self, alice: Any, bob: Any) -> None:
        alice.make("private")
        alice.put("private/x", X_Object_Public="true")
        alice.put("c/x", X_Object_Sharing=f"read={bob.id}")
        assert bob("GET", account=alice.id).names() == ["c"]
        assert [set(one) for one in bob("GET", "?format=json", account=alice.id).json()] == [{"name", "last_modified"}]
        assert bob("GET", "?public", account=alice.id).status == 403
        assert bob("GET", "?until=99999999999", account=alice.id).status == 403

    def test_until(self, alice: Any) -> None:
        assert alice("GET", "?format=json&until=1000000000").json() == []
        (entry,) = alice("GET", "?format=json&until=99999999999").json()
        assert "x_container_until_timestamp" in entry


class TestPost:
    def meta(self, person: Any) -> dict[str, str]:
        prefix = "x-account-meta-"
        headers = person("HEAD").headers
        return {unquote(key[len(prefix) :]): unquote(value) for key, value in headers.items() if key.startswith(prefix)}

    def test_metadata(self, alice: Any) -> None:
        assert alice("POST", "", b"", X_Account_Meta_A="1", X_Account_Meta_B="2").status == 202
        assert self.meta(alice) == {"a": "1", "b": "2"}
        alice("POST", "?update", b"", X_Account_Meta_A="", X_Account_Meta_C="%C3%A9")
        assert self.meta(alice) == {"b": "2", "c": "é"}
        alice("POST", "", b"", X_Account_Meta_D="~4~")
        assert self.meta(alice) == {"d": "4"}
        alice("POST", "", b"")
        assert self.meta(alice) == {}

    def groups(self, person: Any) -> dict[str, str]:
        prefix = "x-account-group-"
        return {key[len(prefix) :]: value for key, value in person("HEAD").headers.items() if key.startswith(prefix)}

    def test_groups(self, alice: Any, bob: Any, carol: Any) -> None:
        both = ",".join(sorted([bob.id, carol.id]))
        assert alice("POST", "", b"", X_Account_Group_Friends=f"{bob.id}, {carol.id}").status == 202
        assert self.groups(alice) == {"friends": both}
        alice("POST", "?update", b"", X_Account_Group_Other=bob.id)
        assert self.groups(alice) == {"friends": both, "other": bob.id}
        alice("POST", "?update", b"", X_Account_Group_Friends="")
        assert self.groups(alice) == {"other": bob.id}
        alice("POST", "", b"")  # no group header: groups stay
        assert self.groups(alice) == {"other": bob.id}
        alice("POST", "", b"", X_Account_Group_New=carol.id)
        assert self.groups(alice) == {"new": carol.id}

    @pytest.mark.parametrize("name", ["X-Account-Group-A-B", "X-Account-Group-a_b", "X-Account-Group-"])
    def test_bad_group_names(self, alice: Any, name: str) -> None:
        assert alice("POST", "?update", b"", raw={name: alice.id}).status == 400

    def test_bad_members(self, alice: Any) -> None:
        assert alice("POST", "?update", b"", X_Account_Group_Friends="nobody").status == 400
        assert alice("POST", "?update", b"", X_Account_Group_Friends=alice.id.upper()).status == 400
        assert self.groups(alice) == {}

    def test_others(self, alice: Any, bob: Any) -> None:
        assert bob("POST", "?update", b"", account=alice.id).status == 403


@pytest.mark.parametrize(
    ("path", "accept", "kind"),
    [
        ("?format=json", "application/xml", "application/json; charset=UTF-8"),
        ("?format=xml", "", "application/xml; charset=UTF-8"),
        ("?format=odd", "", "text/plain; charset=UTF-8"),
        ("", "text/html, application/json;q=0.9", "application/json; charset=UTF-8"),
        ("", "application/xml", "application/xml; charset=UTF-8"),
        ("", "application/*", "text/plain; charset=UTF-8"),
    ],
)
def test_format_selection(alice: Any, path: str, accept: str, kind: str) -> None:
    assert alice("GET", path, Accept=accept).headers["content-type"] == kind


def test_format_by_suffix(alice: Any) -> None:
    alice.make("things.json")
    alice.make("things.xml")
    assert alice("GET", "things.json").json() == []
    assert ElementTree.fromstring(alice("GET", "things.xml").body).tag == "container"


def test_error_formats(alice: Any) -> None:
    text = alice("GET", "absent")
    assert text.headers["content-type"].startswith("text/plain")
    assert text.json()["itemNotFound"]["code"] == 404
    xml = ElementTree.fromstring(alice("GET", "absent?format=xml").body)
    assert (xml.tag, xml.get("code")) == ("itemNotFound", "404")
    assert alice("GET", "absent/x").headers["content-type"].startswith("application/json")
