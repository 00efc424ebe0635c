"""Section 18: public URLs."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urljoin

import pytest
from conformance.rows import (
    ANY,
    C,
    Differs,
    O,
    Row,
    Step,
    call,
    copy,
    delete,
    each,
    get,
    head,
    move,
    post,
    put,
    row,
    rule,
)
from conformance.world import World

URL = re.compile("https?://.+")


def published(body: str = "0123456789", **more: Any) -> tuple[Step, Step]:
    return (
        put(O, body, X_Object_Public="true", **more),
        head(O).gives(200, X_Object_Public=URL, save={"url": "X-Object-Public", "t": "ETag"}),
    )


def view(**more: Any) -> Step:
    return get("{url}", by="nobody", **more)


PRIVATE = ("Hash", "UUID", "Version", "Version-Timestamp", "Modified-By", "Sharing", "Public", "Meta-A", "Manifest")

ROWS = (
    row("18-get-needs-no-token", *published(), view().gives(200, body="0123456789", Content_Length="10")),
    row("18-head-needs-no-token", *published(), head("{url}", by="nobody").gives(200, Content_Length="10")),
    row(
        "18-headers",
        *published(),
        view().gives(
            200,
            ETag="{t}",
            Content_Type="text/plain",
            Last_Modified=ANY,
            Available="1",
            Content_Disposition='inline; filename="{o}"',
        ),
    ),
    row(
        "18-no-x-object-headers",
        *published(X_Object_Meta_A="1", X_Object_Sharing="read=*"),
        view().gives(200, raw={f"X-Object-{name}": None for name in PRIVATE}),
    ),
    row(
        "18-no-x-object-headers-on-head",
        *published(X_Object_Meta_A="1"),
        head("{url}", by="nobody").gives(200, raw={f"X-Object-{name}": None for name in PRIVATE}),
    ),
    row(
        "18-stored-content-headers",
        *published(Content_Encoding="gzip", Content_Disposition="attachment"),
        view().gives(200, Content_Encoding="gzip", Content_Disposition="attachment"),
    ),
    row("18-range", *published(), view(Range="bytes=2-4").gives(206, body="234", Content_Range="bytes 2-4/10")),
    row("18-range-past-the-end", *published(), view(Range="bytes=2-10").gives(416)),
    row(
        "18-several-ranges",
        *published(),
        view(Range="bytes=0-1,8-9").gives(206, Content_Type=re.compile("multipart/byteranges;.*")),
    ),
    row("18-if-none-match", *published(), view(If_None_Match="{t}").gives(304)),
    row("18-if-match", *published(), view(If_Match="{t}").gives(200), view(If_Match="abc").gives(412)),
    row("18-if-modified-since", *published(), view(If_Modified_Since="Fri, 01 Jan 2100 00:00:00 GMT").gives(304)),
    row(
        "18-head-ignores-conditions",
        *published(),
        head("{url}", by="nobody", If_None_Match="{t}", If_Match="abc").gives(200),
    ),
    row(
        "18-disposition-type",
        *published(),
        get("{url}?disposition-type=attachment", by="nobody").gives(
            200, Content_Disposition='attachment; filename="{o}"'
        ),
    ),
    row(
        "18-version-is-ignored",
        *published("old"),
        put(O, "new"),
        get("{url}?version=1", by="nobody").gives(200, body="new"),
    ),
    row(
        "18-version-list-is-ignored", *published("data"), get("{url}?version=list", by="nobody").gives(200, body="data")
    ),
    row("18-hashmap-is-ignored", *published("data"), get("{url}?hashmap", by="nobody").gives(200, body="data")),
    row("18-unknown", *published(), get("{url}x", by="nobody").gives(404)),
    *(
        row(f"18-{verb.lower()}-is-refused", *published(), call(verb, "{url}", b"", by="nobody").gives(405))
        for verb in ("PUT", "POST", "DELETE")
    ),
    row("18-a-token-does-no-harm", *published(), get("{url}", by="other").gives(200, body="0123456789")),
    row("18-a-bad-token-does-no-harm", *published(), view(X_Auth_Token="rubbish").gives(200)),
    row(
        "18-stays-through-overwrites",
        *published(),
        put(O, "new"),
        head(O).gives(X_Object_Public="{url}"),
        view().gives(200, body="new"),
    ),
    row(
        "18-stays-when-published-again",
        *published(),
        post(f"{O}?update", X_Object_Public="true"),
        head(O).gives(X_Object_Public="{url}"),
    ),
    row(
        "18-withdrawn",
        *published(),
        post(f"{O}?update", X_Object_Public="false"),
        view().gives(404),
        head(O).gives(X_Object_Public=None),
    ),
    row("18-withdrawn-by-empty", *published(), post(f"{O}?update", X_Object_Public=""), view().gives(404)),
    row(
        "18-another-after-withdrawal",
        *published(),
        post(f"{O}?update", X_Object_Public="false"),
        post(f"{O}?update", X_Object_Public="true"),
        head(O).gives(X_Object_Public=Differs("{url}")),
        view().gives(404),
    ),
    row("18-dies-on-delete", *published(), delete(O), view().gives(404), put(O), view().gives(404)),
    row(
        "18-dies-on-move", *published(), move(O, f"{O}b"), view().gives(404), head(f"{O}b").gives(X_Object_Public=None)
    ),
    row("18-is-not-copied", *published(), copy(O, f"{O}b"), head(f"{O}b").gives(X_Object_Public=None)),
    row(
        "18-each-object-has-its-own",
        *published(),
        put(f"{O}b", X_Object_Public="true"),
        head(f"{O}b").gives(X_Object_Public=Differs("{url}")),
    ),
    row(
        "18-in-lists",
        put(f"{C}/a", X_Object_Public="true"),
        head(f"{C}/a").gives(save={"url": "X-Object-Public"}),
        get(f"{C}?format=json&public").gives(
            200, names=("a",), save={"url2": lambda answer: answer.json()[0]["x_object_public"]}
        ),
        get("{url2}", by="nobody").gives(200),
    ),
    row("18-empty-object", *published(""), view().gives(200, body=b"")),
    row(
        "18-a-writer-publishes",
        put(O, X_Object_Sharing="write={other}"),
        post(f"{O}?update", by="other", X_Object_Public="true").gives(202, X_Object_Public=None),
        head(O).gives(X_Object_Public=URL),
        head(O, by="other").gives(X_Object_Public=None),
    ),
    row(
        "18-odd-name",
        put(f"{C}/%CE%B1%20b%22", "x", X_Object_Public="true"),
        head(f"{C}/%CE%B1%20b%22").gives(save={"url": "X-Object-Public"}),
        view().gives(200, body="x"),
    ),
)


def _following(world: World, row: Row) -> None:
    """A server may send readers of public URLs to a host for downloads."""
    if "public" not in world.server.facts:
        world.do(put(O, "x", X_Object_Public="true"))
        url = world.do(head(O))["X-Object-Public"]
        answer = world.do(call("GET", url, by="nobody").gives(200, 302))
        world.server.facts["public"] = urljoin(url, answer.get("Location") or url) if answer.status == 302 else None
    if world.server.facts["public"] is not None:
        pytest.skip("this server redirects public URLs to " + world.server.facts["public"])
    world.run(row)


@each(ROWS)
def test_rule(row: Row, world: World) -> None:
    _following(world, row)


@rule("18-the-token-is-random")
def test_18_the_token_is_random(world: World) -> None:
    """It says nothing about the account, the container or the name, and is too long to be guessed."""
    urls = []
    for number in range(3):
        world.do(put(f"{O}{number}", X_Object_Public="true"))
        urls.append(world.do(head(f"{O}{number}"))["X-Object-Public"])
    tokens = [url.rstrip("/").rsplit("/", 1)[1] for url in urls]
    assert len(set(tokens)) == 3
    assert all(len(token) >= 8 for token in tokens)
    assert all(world["o"] not in url and world["shared"] not in url for url in urls)
