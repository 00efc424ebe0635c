"""Swift's v1 authentication, and what is refused without a token."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest


@pytest.mark.parametrize("target", ["/auth/v1.0", "/auth/v1", "/auth/v1.0/"])
@pytest.mark.parametrize("form", ["{name}", "{NAME}", "{uuid}", "{name}:{name}", "{uuid}:{name}", "AUTH_{uuid}:{uuid}"])
def test_a_user_with_a_token_is_let_in(person: Any, target: str, form: str) -> None:
    name, uuid = person.user.name, person.user.uuid
    who = form.format(name=name, NAME=name.upper(), uuid=uuid)
    answer = person.send("GET", target, None, {"X-Auth-User": who, "X-Auth-Key": person.user.token})
    assert answer.status == 200
    assert answer.body == b""
    assert answer.headers["x-auth-token"] == answer.headers["x-storage-token"] == person.user.token
    assert int(answer.headers["x-auth-token-expires"]) > 3600
    url = urlsplit(answer.headers["x-storage-url"])
    assert url.path == f"/swift/v1/{person.account}"
    assert person.send("HEAD", url.path, None, {"X-Auth-Token": answer.headers["x-auth-token"]}).status == 204


def test_the_older_header_names_work(person: Any) -> None:
    headers = {"X-Storage-User": person.user.name, "X-Storage-Pass": person.user.token}
    assert person.send("GET", "/auth/v1.0", None, headers).status == 200


def test_a_name_beyond_ascii_is_sent_as_utf8(cloud: Any, person: Any) -> None:
    user = cloud.user("Ærøskøbing: 日本")
    headers = {"X-Auth-User": user.name.swapcase(), "X-Auth-Key": user.token}
    answer = person.send("GET", "/auth/v1.0", None, headers)
    assert answer.status == 200
    assert answer.headers["x-storage-url"].endswith(user.uuid)


@pytest.mark.parametrize(
    ("user", "key"),
    [
        ("{name}", "nonsense"),
        ("{name}", "{other}"),
        ("{othername}", "{token}"),
        ("{othername}:{name}", "{token}"),
        ("{name}:{othername}", "{token}"),
        ("nobody:{name}", "{token}"),
        (":{name}", "{token}"),
        ("nobody", "{token}"),
        ("AUTH_{uuid}", "{token}"),
        ("", "{token}"),
        ("{name}", ""),
        ("{name}", "tökén"),
    ],
)
def test_everybody_else_is_not(person: Any, other: Any, user: str, key: str) -> None:
    words = {
        "name": person.user.name,
        "uuid": person.user.uuid,
        "token": person.user.token,
        "other": other.user.token,
        "othername": other.user.name,
    }
    headers = {"X-Auth-User": user.format(**words), "X-Auth-Key": key.format(**words)}
    answer = person.send("GET", "/auth/v1.0", None, headers)
    assert answer.status == 401
    assert "x-auth-token" not in answer.headers
    assert "x-storage-url" not in answer.headers
    assert answer.headers["www-authenticate"].startswith("Swift ")


def test_a_request_needs_a_token_that_is_known(person: Any) -> None:
    target = f"/swift/v1/{person.account}/c"
    for headers in ({}, {"X-Auth-Token": "nonsense"}, {"X-Auth-Token": ""}, {"X-Auth-Key": person.user.token}):
        answer = person.send("GET", target, None, headers)
        assert answer.status == 401
        assert answer.headers["www-authenticate"] == f'Swift realm="{person.account}"'
    assert person.send("HEAD", target, None, {"X-Storage-Token": person.user.token}).status == 204


def test_an_account_is_for_its_owner_alone(person: Any, other: Any) -> None:
    """Whatever is shared by the Pithos API; and whether it exists is not told."""
    assert other.pithos("PUT", "c/o", b"x", Content_Type="a/b", X_Object_Sharing="read=*").status == 201
    token = {"X-Auth-Token": person.user.token}
    for path in ("", "/c", "/c/o", "/c/none", "/none/none"):
        for method in ("GET", "HEAD", "PUT", "POST", "DELETE", "COPY"):
            answer = person.send(method, f"/swift/v1/{other.account}{path}", b"", {**token, "Destination": "/c/x"})
            assert answer.status == 403, (method, path)
    for account in ("AUTH_nobody", "AUTH_", person.user.uuid, "-", "AUTH_-"):
        assert person.send("GET", f"/swift/v1/{account}", None, token).status == 403, account
    person.put("c/o")
    header = {"Destination": "/c/x", "Destination-Account": other.account}
    assert person.send("COPY", f"/swift/v1/{person.account}/c/o", b"", {**token, **header}).status == 403
    header = {"X-Copy-From": "/c/o", "X-Copy-From-Account": other.account}
    assert person.send("PUT", f"/swift/v1/{person.account}/c/x", b"", {**token, **header}).status == 403
    assert other.names("c") == ["o"]


def test_the_capabilities_are_there_where_clients_look(person: Any) -> None:
    for target in ("/info", "/swift/info"):
        answer = person.send("GET", target)
        assert answer.status == 200
        assert answer.headers["content-type"].startswith("application/json")
        found = answer.json()
        assert {"swift", "slo", "dlo", "bulk_delete"} <= set(found)
        assert not {"tempurl", "formpost", "staticweb", "versioned_writes", "tempauth"} & set(found)
        assert found["swift"]["container_listing_limit"] == 10_000
