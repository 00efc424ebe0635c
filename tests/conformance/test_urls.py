"""Section 1: URLs."""

from __future__ import annotations

import pytest
from conformance.rows import O, Row, call, delete, each, get, head, make, put, row
from conformance.world import World

NAMES = {
    "double-slash-inside": "{shared}/{o}a//b",
    "leading-slash": "{c}//x",
    "dot-segment": "{c}/./c",
    "dot-segment-encoded": "{c}/%2E/c",
    "dot-dot-segment": "{c}/../c",
    "dot-dot-inside": "{c}/a/../../../b",
    "trailing-slash": "{shared}/{o}dir/",
    "plus": "{shared}/{o}a+b",
    "percent": "{shared}/{o}a%25b%2541",
    "question-mark-and-hash": "{shared}/{o}a%3Fb%23c",
    "space": "{shared}/{o}%20a%20b%20",
    "control-characters": "{shared}/{o}%01%09%0D%1F%7F",
    "tilde-quotes-semicolon": "{shared}/{o}~'%22;&=,:@",
    "backslash": "{shared}/{o}a%5Cb",
    "accents": "{shared}/{o}%CE%B1%CE%B2%CE%B3",
    "decomposed": "{shared}/{o}e%CC%81",
    "four-bytes": "{shared}/{o}%F0%9F%92%BE",
    "only-dots": "{c}/..",
}

ROWS = (
    *(
        row(
            f"1-name-{rule}",
            put(path, f"content of {rule}").gives(201),
            get(path).gives(200, body=f"content of {rule}"),
            delete(path).gives(204),
            head(path).gives(404),
        )
        for rule, path in NAMES.items()
    ),
    row(
        "1-odd-names-are-distinct",
        put("{c}//x", "1"),
        put("{c}/x", "2"),
        put("{c}/x/", "3"),
        put("{c}/./x", "4"),
        put("{c}/a/../x", "5"),
        get("{c}").gives(200, lines=("./x", "/x", "a/../x", "x", "x/")),
        get("{c}/x").gives(200, body="2"),
        get("{c}/./x").gives(200, body="4"),
    ),
    row(
        "1-composed-and-decomposed-are-distinct",
        put("{c}/%C3%A9", "composed"),
        put("{c}/e%CC%81", "decomposed"),
        get("{c}").gives(200, lines=("e\u0301", "\u00e9")),
    ),
    row("1-slash-encoded-or-raw-is-the-same", put(f"{O}%2Fa%2fb", "x"), get(f"{O}/a/b").gives(200, body="x")),
    row("1-encoded-letter-is-the-letter", put(f"{O}%61", "x"), get(f"{O}a").gives(200, body="x")),
    row("1-case-matters", put(f"{O}A"), head(f"{O}a").gives(404)),
    row("1-slash-after-account-is-ignored", head("/{me}/").gives(204, X_Account_Container_Count=str.isdigit)),
    row(
        "1-slash-after-container-is-ignored",
        make("{new}/").gives(201),
        head("{new}").gives(204),
        head("{new}/").gives(204, X_Container_Object_Count="0"),
    ),
    row("1-slash-after-object-is-part-of-the-name", put(O), head(f"{O}/").gives(404)),
    row("1-endpoint-needs-its-slash", get("<endpoint>").gives(400)),
    row("1-newline-in-object-name", put("{shared}/a%0Ab").gives(400)),
    row("1-newline-in-container-name", make("{run}%0Ab").gives(400)),
    row("1-nul-in-object-name", put("{shared}/a%00b").gives(400)),
    row("1-object-name-that-is-not-utf-8", put("{shared}/a%FFb").gives(400)),
    row("1-object-name-with-encoded-surrogate", put("{shared}/a%ED%A0%80b").gives(400)),
    row("1-container-name-that-is-not-utf-8", make("{run}%FF").gives(400)),
    row(
        "1-query-plus-is-a-space",
        put("{c}/a%20b"),
        put("{c}/a+c"),
        get("{c}?prefix=a+").gives(200, lines=("a b",)),
        get("{c}?prefix=a%2B").gives(200, lines=("a+c",)),
    ),
    row(
        "1-query-is-utf-8",
        put("{c}/%CE%B1%CE%B2"),
        put("{c}/x"),
        get("{c}?prefix=%CE%B1").gives(200, lines=("αβ",)),
    ),
    row(
        "1-container-name-in-unicode",
        make("{new}-%CE%B1%20b%3F").gives(201),
        head("{new}-%CE%B1%20b%3F").gives(204),
        delete("{new}-%CE%B1%20b%3F").gives(204),
    ),
    row("1-an-account-id-is-compared-exactly", head("/{me}x").gives(403, 404)),
)


@each(ROWS)
def test_rule(row: Row, world: World) -> None:
    world.run(row)


@pytest.mark.parametrize("version", ["v1.0", "v2", "v3"])
def test_1_v1_is_the_only_version(world: World, version: str) -> None:
    """`/v1.0/`, `/v2/` → 400."""
    root = world.server.endpoint.removesuffix("/v1")
    if root == world.server.endpoint:
        pytest.skip("the endpoint does not end in /v1")
    world.do(call("GET", f"{root}/{version}/").gives(400))
    world.do(call("GET", f"{root}/{version}/{world['me']}").gives(400))
