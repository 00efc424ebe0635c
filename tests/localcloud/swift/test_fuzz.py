"""Requests that no client sends: each gets an answer that blames the client, and nobody else's things are seen."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any
from urllib.parse import quote

REQUESTS = 2500

PATHS = [
    "",
    "c",
    "c/o",
    "c/slo",
    "c/dlo",
    "none",
    "none/o",
    "c/%00",
    "c/%ff",
    "c//",
    "/",
    "c/" + "x" * 1100,
    "%2F",
    "c%0A",
]
KEYS = [
    *("format", "limit", "marker", "end_marker", "prefix", "delimiter", "path", "reverse", "multipart-manifest"),
    *("bulk-delete", "extract-archive", "hashmap", "update", "until", "version", "%ff", "X-Auth-Token"),
]
NAMES = [
    *("Range", "If-Match", "If-None-Match", "If-Range", "If-Modified-Since", "ETag", "Content-Type", "Accept"),
    *("X-Object-Meta-A", "X-Object-Meta-%ff", "X-Container-Meta-Quota-Bytes", "X-Remove-Container-Meta-A"),
    *("X-Account-Meta-B", "X-Copy-From", "X-Copy-From-Account", "Destination", "Destination-Account"),
    *("X-Object-Manifest", "X-Fresh-Metadata", "Content-Disposition", "Content-Encoding", "X-Detect-Content-Type"),
    *("X-Storage-Policy", "X-Container-Read", "X-Delete-At", "X-Auth-User", "X-Auth-Key", "Host", "Transfer-Encoding"),
]
WORDS = [
    *(b"tar", b"tar.gz"),
    *(b"", b"0", b"-1", b"10001", b"99999999999999999999", b"json", b"xml", b"true", b"get", b"put", b"delete", b"raw"),
    *(b"bytes=0-1", b"bytes=-0", b"bytes=5-2,0-", b"bytes=" + b"0-0," * 2000, b"*", b'"x"', b"c/o", b"/c/o", b"c/slo"),
    *(b"c/", b"//", b"%", b"%ff", b"\xff\xfe", "日本".encode(), b"%00", b"x" * 300, b"a;b=c, */*;q=x", b"AUTH_"),
    *(b"Mon, 99 Foo 2001", b"c/%0A", b"\x01", b"c/%ED%A0%80"),
]
BODIES = [
    *(
        None,
        b"",
        b"data",
        b"[]",
        b'[{"path": "/c/o"}]',
        b'[{"path": "/c/slo", "range": "1-"}]',
        b"{",
        b"\xff\xfe\n%ff\nc/o\n",
    ),
    b'[{"path": "/c/dlo", "size_bytes": -5, "etag": ""}]',
]


def test_nothing_breaks_the_server(cloud: Any, person: Any, other: Any) -> None:
    other.put("c/secret", b"the secret of somebody else")
    chance = random.Random(23)
    counts: dict[int, int] = {}
    for number in range(REQUESTS):
        if number % 50 == 0:
            person("PUT", "c", b"")
            person("PUT", "c/o", b"data" * 10)
            person("PUT", "c/slo?multipart-manifest=put", b'[{"path": "/c/o"}, {"path": "/c/o"}]')
            person("PUT", "c/dlo", b"", X_Object_Manifest="c/o")
        method = chance.choice(["GET", "HEAD", "PUT", "POST", "DELETE", "COPY", "OPTIONS", "MOVE"])
        account = chance.choice([person.account] * 9 + [other.account, other.user.uuid, "AUTH_%00"])
        query = "&".join(
            f"{chance.choice(KEYS)}={quote(chance.choice(WORDS))}" for _ in range(chance.choice([0, 0, 1, 2]))
        )
        path = chance.choice([*PATHS, "c/o", "c/o", "c/slo", "c/dlo", *(["c/secret"] if "AUTH" in account else [])])
        target = f"/swift/v1/{account}/{path}?{query}"
        headers: dict[str, str | bytes] = {"X-Auth-Token": person.user.token}
        for _ in range(chance.choice([0, 1, 2, 3])):
            name, value = chance.choice(NAMES), chance.choice(WORDS)
            if name == "Range":
                value = chance.choice([word for word in WORDS if word.startswith(b"bytes=")])
            if name != "Transfer-Encoding" and b"\x01" not in value:
                headers[name] = value
        answer = person.send(method, target, chance.choice(BODIES), headers)
        counts[answer.status] = counts.get(answer.status, 0) + 1
        assert answer.status < 500, (method, target, headers, answer)
        assert b"secret of" not in answer.body
        assert "x-trans-id" in answer.headers, (method, target, headers, answer)
    assert {200, 201, 202, 204, 400, 403, 404, 405, 412} <= set(counts), counts
    assert other.names("c") == ["secret"]
    assert "Traceback" not in (Path(cloud.data) / "server.log").read_text()
