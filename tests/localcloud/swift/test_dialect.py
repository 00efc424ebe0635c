"""The dialect request by request: one row a rule, each on the same objects."""

from __future__ import annotations

import hashlib
from typing import Any
from urllib.parse import quote

import pytest

DATA = b"0123456789"
MD5 = hashlib.md5(DATA).hexdigest()
EMPTY = hashlib.md5(b"").hexdigest()
PAST, FUTURE = "Mon, 01 Jan 2001 00:00:00 GMT", "Fri, 01 Jan 2100 00:00:00 GMT"

Headers = dict[str, str]
Row = tuple[str, str, bytes | None, Headers, int, Headers]
"""Method, path below the account, body, headers, expected status, expected headers (`*`: any value, ``: absent)."""

ROWS: dict[str, Row] = {
    # accounts
    "account head": ("HEAD", "", None, {}, 204, {"X-Account-Container-Count": "3", "X-Account-Object-Count": "4"}),
    "account bytes": ("HEAD", "", None, {}, 204, {"X-Account-Bytes-Used": "20", "X-Timestamp": "*", "X-Trans-Id": "*"}),
    "account text": ("GET", "", None, {}, 200, {"Content-Type": "text/plain; charset=utf-8"}),
    "account json": ("GET", "?format=json", None, {}, 200, {"Content-Type": "application/json; charset=utf-8"}),
    "account post": ("POST", "", b"", {"X-Account-Meta-A": "b"}, 204, {}),
    "account quota is not one's own": ("POST", "", b"", {"X-Account-Meta-Quota-Bytes": "1"}, 403, {}),
    "account put": ("PUT", "", b"", {}, 405, {"Allow": "GET,HEAD,POST,DELETE"}),
    "account delete": ("DELETE", "", None, {}, 405, {}),
    "account archive": ("POST", "?extract-archive=tar", b"", {}, 400, {}),
    # containers
    "container new": ("PUT", "new", b"", {}, 201, {}),
    "container again": ("PUT", "c", b"", {}, 202, {}),
    "container head": (
        "HEAD", "c", None, {}, 204,
        {"X-Container-Object-Count": "4", "X-Container-Bytes-Used": "20", "X-Storage-Policy": "default"},
    ),
    "container is not one of the Pithos API": ("HEAD", "c", None, {}, 204, {"X-Container-Block-Size": ""}),
    "container with a slash": ("HEAD", "c/", None, {}, 204, {"X-Container-Object-Count": "4"}),
    "container missing": ("HEAD", "none", None, {}, 404, {}),
    "container missing get": ("GET", "none", None, {}, 404, {"Content-Type": "text/html; charset=UTF-8"}),
    "container empty text": ("GET", "empty", None, {}, 204, {}),
    "container empty json": ("GET", "empty?format=json", None, {}, 200, {"Content-Length": "2"}),
    "container post": ("POST", "c", b"", {"X-Container-Meta-A": "b"}, 204, {}),
    "container post missing": ("POST", "none", b"", {}, 404, {}),
    "container full delete": ("DELETE", "c", None, {}, 409, {}),
    "container delete missing": ("DELETE", "none", None, {}, 404, {}),
    "container delete": ("DELETE", "empty", None, {}, 204, {}),
    "container access list": ("PUT", "c", b"", {"X-Container-Read": ".r:*"}, 400, {}),
    "container no access list": ("PUT", "c", b"", {"X-Container-Read": ""}, 202, {}),
    "container policy": ("PUT", "c2", b"", {"X-Storage-Policy": "Default"}, 201, {}),
    "container unknown policy": ("PUT", "c2", b"", {"X-Storage-Policy": "gold"}, 400, {}),
    "container bad quota": ("POST", "c", b"", {"X-Container-Meta-Quota-Bytes": "much"}, 400, {}),
    "container count quota": ("POST", "c", b"", {"X-Container-Meta-Quota-Count": "3"}, 400, {}),
    "container copy": ("COPY", "c", None, {"Destination": "d"}, 405, {"Allow": "GET,HEAD,PUT,POST,DELETE"}),
    "list too long": ("GET", "c?limit=10001", None, {}, 412, {}),
    "list longest": ("GET", "c?limit=10000", None, {}, 200, {}),
    "list of nothing": ("GET", "c?limit=0", None, {}, 204, {}),
    "list rubbish limit": ("GET", "c?limit=many", None, {}, 200, {}),
    "list by accept": ("GET", "c", None, {"Accept": "application/json"}, 200,
                       {"Content-Type": "application/json; charset=utf-8"}),
    "list by quality": ("GET", "c", None, {"Accept": "text/plain;q=0.5, text/xml"}, 200,
                        {"Content-Type": "application/xml; charset=utf-8"}),
    "list format wins": ("GET", "c?format=plain", None, {"Accept": "application/json"}, 200,
                         {"Content-Type": "text/plain; charset=utf-8"}),
    "list not acceptable": ("GET", "c", None, {"Accept": "image/png"}, 406, {}),
    "list anything": ("GET", "c", None, {"Accept": "*/*"}, 200, {"Content-Type": "text/plain; charset=utf-8"}),
    # object HEAD and GET
    "head": (
        "HEAD", "c/o", None, {}, 200,
        {"Etag": MD5, "Content-Length": "10", "Content-Type": "text/x-a", "Accept-Ranges": "bytes",
         "X-Timestamp": "*", "Last-Modified": "*", "X-Object-Meta-Colour": "blue", "X-Object-Hash": "",
         "X-Object-Version": "", "Content-Disposition": ""},
    ),
    "get": ("GET", "c/o", None, {}, 200, {"Etag": MD5, "Content-Length": "10"}),
    "get newest": ("GET", "c/o", None, {"X-Newest": "true"}, 200, {"Etag": MD5}),
    "get missing": ("GET", "c/none", None, {}, 404, {}),
    "get of a parameter": ("GET", "c/o?hashmap&version=list&format=json", None, {}, 200, {"Content-Length": "10"}),
    "get suffix": ("GET", "c/o.json", None, {}, 200, {"Content-Length": "10", "Content-Type": "application/json"}),
    "empty": ("GET", "c/empty", None, {}, 200, {"Etag": EMPTY, "Content-Length": "0"}),
    "range": ("GET", "c/o", None, {"Range": "bytes=2-4"}, 206, {"Content-Range": "bytes 2-4/10", "Etag": MD5}),
    "range clipped": ("GET", "c/o", None, {"Range": "bytes=7-99"}, 206, {"Content-Range": "bytes 7-9/10"}),
    "range suffix": ("GET", "c/o", None, {"Range": "bytes=-3"}, 206, {"Content-Range": "bytes 7-9/10"}),
    "range long suffix": ("GET", "c/o", None, {"Range": "bytes=-99"}, 206, {"Content-Range": "bytes 0-9/10"}),
    "range open": ("GET", "c/o", None, {"Range": "bytes=9-"}, 206, {"Content-Length": "1"}),
    "range beyond": ("GET", "c/o", None, {"Range": "bytes=10-"}, 416, {"Content-Range": "bytes */10"}),
    "range none of several": ("GET", "c/o", None, {"Range": "bytes=10-11,-0"}, 416, {}),
    "range one of several": ("GET", "c/o", None, {"Range": "bytes=20-,3-3"}, 206, {"Content-Range": "bytes 3-3/10"}),
    "range several": ("GET", "c/o", None, {"Range": "bytes=0-1,4-5"}, 206, {"Content-Range": ""}),
    "range of nothing": ("GET", "c/empty", None, {"Range": "bytes=0-1"}, 416, {}),
    "range rubbish": ("GET", "c/o", None, {"Range": "lines=1-2"}, 200, {"Content-Length": "10"}),
    "range backwards": ("GET", "c/o", None, {"Range": "bytes=4-2"}, 200, {"Content-Length": "10"}),
    "range of a head": ("HEAD", "c/o", None, {"Range": "bytes=2-4"}, 200, {"Content-Length": "10"}),
    "if-range tag": ("GET", "c/o", None, {"Range": "bytes=2-4", "If-Range": f'"{MD5}"'}, 206, {}),
    "if-range other tag": ("GET", "c/o", None, {"Range": "bytes=2-4", "If-Range": f'"{EMPTY}"'}, 200, {}),
    "if-range other date": ("GET", "c/o", None, {"Range": "bytes=2-4", "If-Range": PAST}, 200, {}),
    "if-match": ("GET", "c/o", None, {"If-Match": MD5}, 200, {}),
    "if-match quoted": ("HEAD", "c/o", None, {"If-Match": f'"x", "{MD5.upper()}"'}, 200, {}),
    "if-match other": ("GET", "c/o", None, {"If-Match": EMPTY}, 412, {}),
    "if-none-match": ("GET", "c/o", None, {"If-None-Match": MD5}, 304, {"Etag": MD5}),
    "if-none-match any": ("HEAD", "c/o", None, {"If-None-Match": "*"}, 304, {}),
    "if-none-match other": ("GET", "c/o", None, {"If-None-Match": EMPTY}, 200, {}),
    "if-modified-since": ("GET", "c/o", None, {"If-Modified-Since": FUTURE}, 304, {}),
    "if-modified-since past": ("GET", "c/o", None, {"If-Modified-Since": PAST}, 200, {}),
    "if-unmodified-since": ("GET", "c/o", None, {"If-Unmodified-Since": PAST}, 412, {}),
    # object PUT
    "put": ("PUT", "c/n", DATA, {"Content-Type": "a/b"}, 201, {"Etag": MD5, "Last-Modified": "*", "X-Timestamp": "*"}),
    "put guesses": ("PUT", "c/n.png", DATA, {}, 201, {}),
    "put empty type": ("PUT", "c/n", DATA, {"Content-Type": ""}, 201, {}),
    "put with its md5": ("PUT", "c/n", DATA, {"ETag": f'"{MD5.upper()}"'}, 201, {"Etag": MD5}),
    "put with another md5": ("PUT", "c/n", DATA, {"ETag": EMPTY}, 422, {}),
    "put with rubbish as md5": ("PUT", "c/n", DATA, {"ETag": "xyz"}, 422, {}),
    "put create only": ("PUT", "c/n", DATA, {"If-None-Match": "*"}, 201, {}),
    "put create only, there": ("PUT", "c/o", DATA, {"If-None-Match": "*"}, 412, {}),
    "put if-none-match a tag": ("PUT", "c/o", DATA, {"If-None-Match": MD5}, 400, {}),
    "put ignores if-match": ("PUT", "c/o", DATA, {"If-Match": EMPTY}, 201, {}),
    "put nowhere": ("PUT", "none/n", DATA, {}, 404, {}),
    "put without length": ("PUT", "c/n", None, {}, 411, {}),
    "put too long": ("PUT", "c/n", None, {"Content-Length": str(5 * 1024**3 + 1)}, 413, {}),
    "put to expire": ("PUT", "c/n", DATA, {"X-Delete-After": "60"}, 400, {}),
    "put to expire at": ("PUT", "c/n", DATA, {"X-Delete-At": "1"}, 400, {}),
    "put bad manifest": ("PUT", "c/n", b"", {"X-Object-Manifest": "onlycontainer"}, 400, {}),
    "put long name": ("PUT", "c/" + "n" * 1025, DATA, {}, 400, {}),
    "put long value": ("PUT", "c/n", DATA, {"X-Object-Meta-A": "v" * 257}, 400, {}),
    "put long key": ("PUT", "c/n", DATA, {"X-Object-Meta-" + "k" * 200: "v"}, 400, {}),
    "put no key": ("PUT", "c/n", DATA, {"X-Object-Meta-": "v"}, 400, {}),
    # object POST, COPY, DELETE
    "post": ("POST", "c/o", b"", {"X-Object-Meta-A": "b"}, 202, {}),
    "post missing": ("POST", "c/none", b"", {}, 404, {}),
    "post to expire": ("POST", "c/o", b"", {"X-Delete-At": "1"}, 400, {}),
    "copy": ("COPY", "c/o", None, {"Destination": "/c/n"}, 201, {"Etag": MD5, "X-Copied-From": "c/o"}),
    "copy no slash": ("COPY", "c/o", None, {"Destination": "c/n"}, 201, {"X-Copied-From-Last-Modified": "*"}),
    "copy to nowhere": ("COPY", "c/o", None, {"Destination": "none/n"}, 404, {}),
    "copy of nothing": ("COPY", "c/none", None, {"Destination": "c/n"}, 404, {}),
    "copy without destination": ("COPY", "c/o", None, {}, 412, {}),
    "copy to a container": ("COPY", "c/o", None, {"Destination": "/c"}, 412, {}),
    "copy of another": ("COPY", "c/o", None, {"Destination": "/c/n", "If-Match": EMPTY}, 412, {}),
    "put copy": ("PUT", "c/n", b"", {"X-Copy-From": "/c/o"}, 201, {"Etag": MD5}),
    "put copy no slash": ("PUT", "c/n", b"", {"X-Copy-From": "c/o"}, 201, {"Etag": MD5}),
    "put copy with a body": ("PUT", "c/n", b"x", {"X-Copy-From": "c/o"}, 412, {}),
    "put copy create only": ("PUT", "c/o", b"", {"X-Copy-From": "c/empty", "If-None-Match": "*"}, 412, {}),
    "delete": ("DELETE", "c/o", None, {}, 204, {}),
    "delete missing": ("DELETE", "c/none", None, {}, 404, {}),
    "move": ("MOVE", "c/o", None, {"Destination": "/c/n"}, 405, {"Allow": "GET,HEAD,PUT,COPY,POST,DELETE"}),
    # names
    "not utf-8": ("GET", "c/%ff", None, {}, 412, {}),
    "nul": ("GET", "c/%00", None, {}, 412, {}),
    "no container": ("GET", "/o", None, {}, 400, {}),
}  # fmt: skip


@pytest.mark.parametrize("rule", ROWS)
def test_rule(person: Any, rule: str) -> None:
    method, path, body, sent, status, expected = ROWS[rule]
    person.put("c/o", DATA, Content_Type="text/x-a", X_Object_Meta_Colour="blue")
    person.put("c/o.json", DATA, Content_Type="application/json")
    person.put("c/empty", b"")
    person.put("c/folder", b"", Content_Type="application/directory")
    assert person("PUT", "empty", b"").status == 201
    answer = person(method, path, body, **{key.replace("-", "_"): value for key, value in sent.items()})
    assert answer.status == status, answer
    for name, value in expected.items():
        found = answer.headers.get(name.lower(), "")
        assert (found != "") if value == "*" else found == value, (name, found)
    assert answer.headers["x-trans-id"].startswith("tx")
    if status >= 400 and method != "HEAD":
        assert answer.headers["content-type"] == "text/html; charset=UTF-8"
        assert answer.body.startswith(b"<html>")


def test_addresses_beside_the_accounts(person: Any) -> None:
    for target in ("/swift/v1/", "/swift/v1", "/swift", "/swift/v2/AUTH_x"):
        assert person.send("GET", target, None, {"X-Auth-Token": person.user.token}).status == 412, target
    for target in ("/auth", "/auth/v2.0", "/info/"):
        assert person.send("GET", target).status == 404, target
    assert person.send("POST", "/auth/v1.0", b"").status == 405


@pytest.mark.parametrize(("name", "kind"), [("n.png", "image/png"), ("n", "application/octet-stream")])
def test_a_type_that_is_not_sent_is_guessed(person: Any, name: str, kind: str) -> None:
    person.put(f"c/{name}")
    person.put(f"c/empty{name}", Content_Type="")
    person.put(f"c/asked{name}", Content_Type="text/plain", X_Detect_Content_Type="true")
    for found in (name, f"empty{name}", f"asked{name}"):
        assert person("HEAD", f"c/{found}").headers["content-type"] == kind


def test_several_ranges_come_as_parts(person: Any) -> None:
    person.put("c/o", DATA, Content_Type="text/x-a")
    answer = person("GET", "c/o", Range="bytes=0-1,8-20,30-")
    kind, _, boundary = answer.headers["content-type"].partition(";boundary=")
    assert kind == "multipart/byteranges"
    head = f"--{boundary}\r\nContent-Type: text/x-a\r\nContent-Range: bytes "
    assert answer.body.decode() == f"{head}0-1/10\r\n\r\n01\r\n{head}8-9/10\r\n\r\n89\r\n--{boundary}--"


def test_a_body_in_chunks(person: Any) -> None:
    pieces = [b"x" * 1000] * 50
    assert person.put("c/o", iter(pieces)).etag == hashlib.md5(b"x" * 50_000).hexdigest()
    assert person("GET", "c/o").body == b"x" * 50_000


def test_post_replaces_metadata_and_may_change_the_type(person: Any) -> None:
    person.put("c/o", DATA, Content_Type="a/b", X_Object_Meta_A="1", Content_Disposition="attachment")
    assert person("POST", "c/o", b"", X_Object_Meta_B="2").status == 202
    found = person("HEAD", "c/o").headers
    assert found["content-type"] == "a/b"
    assert found["x-object-meta-b"] == "2"
    assert "x-object-meta-a" not in found
    assert "content-disposition" not in found
    assert found["etag"] == MD5
    assert person("POST", "c/o", b"", Content_Type="c/d").status == 202
    assert person("HEAD", "c/o").headers["content-type"] == "c/d"
    assert person("GET", "c/o").body == DATA


@pytest.mark.parametrize("path", ["", "c"])
def test_accounts_and_containers_merge_metadata(person: Any, path: str) -> None:
    level = "Container" if path else "Account"
    assert person("POST", path, b"", **{f"X-{level}-Meta-A": "1", f"X-{level}-Meta-B": "ä ~%41"}).status == 204
    assert person("POST", path, b"", **{f"X-{level}-Meta-C": "3"}).status == 204
    found = person("HEAD", path).headers
    assert [found[f"x-{level}-meta-{key}".lower()] for key in "abc"] == ["1", "ä ~%41", "3"]
    assert person("POST", path, b"", **{f"X-Remove-{level}-Meta-A": "x", f"X-{level}-Meta-C": ""}).status == 204
    found = person("HEAD", path).headers
    assert [found.get(f"x-{level}-meta-{key}".lower()) for key in "abc"] == [None, "ä ~%41", None]


def test_a_container_takes_a_quota(person: Any) -> None:
    assert person("POST", "c", b"", X_Container_Meta_Quota_Bytes="15").status == 204
    assert person("HEAD", "c").headers["x-container-meta-quota-bytes"] == "15"
    seen = person.pithos("HEAD", "c").headers
    assert seen["x-container-policy-quota"] == "15"
    assert "x-container-meta-quota-bytes" not in seen
    person.put("c/o", DATA)
    assert person("PUT", "c/p", DATA).status == 413
    assert person("PUT", "c/p", iter([DATA])).status == 413
    assert person("COPY", "c/o", None, Destination="c/p").status == 413
    assert person.names("c") == ["o"]
    assert person("POST", "c", b"", X_Remove_Container_Meta_Quota_Bytes="x").status == 204
    assert "x-container-meta-quota-bytes" not in person("HEAD", "c").headers
    person.put("c/p", DATA)


def test_the_quota_of_the_account_holds(people: Any) -> None:
    limited = people("limited", quota=15)
    assert limited("HEAD").headers["x-account-meta-quota-bytes"] == "15"
    limited.put("c/o", DATA)
    assert limited("PUT", "c/p", DATA).status == 413
    assert limited("HEAD").headers["x-account-bytes-used"] == "10"


NAMES = [
    "a b",
    "a%2Fb",
    "/lead",
    "a//b",
    "trail/",
    "日本/ü",
    "100%",
    "a+b",
    "q?x",
    "h#x",
    ".",
    "../x",
    "it's",
    "\t",
    "\r",
]


@pytest.mark.parametrize("name", NAMES)
def test_every_name_is_kept(person: Any, name: str) -> None:
    path = f"c/{quote(name).replace('.', '%2E')}"
    person.put(path, name.encode())
    assert person("GET", path).body == name.encode()
    assert [one["name"] for one in person("GET", "c?format=json").json()] == [name]
    target = quote(f"c/x{name}")
    assert person("COPY", path, None, Destination=target).status == 201
    assert person("PUT", "c/back", b"", X_Copy_From=target).headers["x-copied-from"] == target
    assert person("GET", "c/back").body == name.encode()
    assert person("DELETE", path).status == 204
    assert person("GET", path).status == 404


def test_a_header_cannot_be_broken_out_of(person: Any) -> None:
    """What the Pithos API can store and no header can hold is shown percent-encoded."""
    metadata = {"X-Object-Meta-A%3A%20B": "x%0D%0ASet-Cookie: y", "X-Object-Meta-C": "%20"}
    stored = person.pithos("PUT", "c/o", DATA, Content_Type="text/a", **metadata)
    assert stored.status == 201
    found = person("GET", "c/o").headers
    assert "set-cookie" not in found
    assert found["x-object-meta-c"] == "%20"
    key, value = next((key, value) for key, value in found.items() if key.startswith("x-object-meta-a"))
    assert "\r" not in value
    assert person("POST", "c/o", b"", **{key: "new"}).status == 202
    assert [one for one in person("HEAD", "c/o").headers if one.startswith("x-object-meta")] == [key]
