"""Section 15: conditional requests."""

from __future__ import annotations

from typing import Any

from conformance.rows import C, O, Row, Step, call, copy, each, get, head, make, move, post, put, row, rule
from conformance.world import World

FUTURE = "Fri, 01 Jan 2100 00:00:00 GMT"
PAST = "Mon, 01 Jan 1990 00:00:00 GMT"
B = f"{O}b"
MADE = put(O, "data").gives(201, save={"t": "ETag", "upper": lambda answer: answer["ETag"].upper()})


def ways(**sent: str) -> dict[str, tuple[Step, int, int]]:
    """Each call that looks at tags: the request, its status when it may go on, and when it may not."""
    return {
        "head": (head(O, **sent), 200, 304),
        "get": (get(O, **sent), 200, 304),
        "put": (put(O, "new", **sent), 201, 412),
        "put-hashmap": (put(f"{O}?hashmap", '{"bytes": 0, "hashes": []}', **sent), 201, 412),
        "copy": (copy(O, B, **sent), 201, 412),
        "move": (move(O, B, **sent), 201, 412),
        "post": (post(f"{O}?update", X_Object_Meta_A="1", **sent), 202, 412),
        "post-data": (
            post(f"{O}?update", b"x", Content_Type="application/octet-stream", Content_Range="bytes */*", **sent),
            204,
            412,
        ),
    }


MATCH: dict[str, tuple[str, bool]] = {
    "star": ("*", True),
    "equal": ("{t}", True),
    "quoted": ('"{t}"', True),
    "upper-case": ("{upper}", True),
    "one-of-a-list": ('"abc", "{t}"', True),
    "list-without-blanks": ("abc,{t},def", True),
    "other": ("abc", False),
    "other-quoted": ('"abc"', False),
    "beginning-only": ("{t}0", False),
}

ROWS = (
    *(
        row(f"15-if-match-{form}-on-{name}", MADE, step.gives(good if holds else 412))
        for form, (value, holds) in MATCH.items()
        for name, (step, good, _) in ways(If_Match=value).items()
        if name in ("get", "put") or form in ("star", "equal", "other")
    ),
    *(
        row(f"15-if-none-match-{form}-on-{name}", MADE, step.gives(bad if matches else good))
        for form, (value, matches) in MATCH.items()
        for name, (step, good, bad) in ways(If_None_Match=value).items()
        if name in ("get", "put") or form in ("star", "equal", "other")
    ),
    row("15-if-match-star-on-an-absent-object", put(O, If_Match="*").gives(412), head(O).gives(404)),
    row("15-if-match-on-an-absent-object", put(O, If_Match="abc").gives(412)),
    row("15-if-none-match-star-on-an-absent-object", put(O, If_None_Match="*").gives(201)),
    row("15-if-none-match-tag-on-an-absent-object", put(O, If_None_Match="abc").gives(201)),
    row("15-if-match-on-get-of-an-absent-object", get(O, If_Match="*").gives(404, 412)),
    row("15-304-has-the-etag", MADE, get(O, If_None_Match="{t}").gives(304, ETag="{t}", body=b"")),
    row("15-304-has-the-etag-on-head", MADE, head(O, If_None_Match="*").gives(304, ETag="{t}")),
    row(
        "15-refused-put-changes-nothing",
        MADE,
        put(O, "new", If_Match="abc").gives(412),
        get(O).gives(body="data", ETag="{t}"),
    ),
    row(
        "15-refused-move-changes-nothing",
        MADE,
        move(O, B, If_Match="abc").gives(412),
        head(O).gives(200),
        head(B).gives(404),
    ),
    row(
        "15-refused-post-changes-nothing",
        MADE,
        post(O, If_Match="abc", X_Object_Meta_A="1").gives(412),
        head(O).gives(X_Object_Meta_A=None),
    ),
    row(
        "15-optimistic-replace",
        MADE,
        put(O, "1", If_Match="{t}").gives(201),
        put(O, "2", If_Match="{t}").gives(412),
        get(O).gives(body="1"),
    ),
    row(
        "15-create-only-copy",
        put(O),
        call("PUT", B, b"", X_Copy_From=f"/{O}", If_None_Match="*").gives(201),
        call("PUT", B, b"", X_Copy_From=f"/{O}", If_None_Match="*").gives(412),
    ),
    row(
        "15-create-only-move",
        put(O),
        put(B),
        call("PUT", B, b"", X_Move_From=f"/{O}", If_None_Match="*").gives(412),
        head(O).gives(200),
    ),
    *(
        row(f"15-{header.lower()}-{when}-on-{verb.lower()}", put(O), call(verb, O, raw={header: date}).gives(status))
        for verb in ("HEAD", "GET")
        for header, when, date, status in (
            ("If-Modified-Since", "future", FUTURE, 304),
            ("If-Modified-Since", "past", PAST, 200),
            ("If-Unmodified-Since", "future", FUTURE, 200),
            ("If-Unmodified-Since", "past", PAST, 412),
        )
    ),
    row("15-304-by-date-has-no-etag", put(O), get(O, If_Modified_Since=FUTURE).gives(304, ETag=None, body=b"")),
    row(
        "15-times-are-compared-in-whole-seconds",
        put(O),
        head(O).gives(save={"at": "Last-Modified"}),
        get(O, If_Modified_Since="{at}").gives(304),
        get(O, If_Unmodified_Since="{at}").gives(200),
    ),
    row(
        "15-container-times-in-whole-seconds",
        make(),
        head("{new}").gives(save={"at": "Last-Modified"}),
        head("{new}", If_Modified_Since="{at}").gives(304),
        head("{new}", If_Unmodified_Since="{at}").gives(204),
    ),
    row("15-dates-are-not-looked-at-by-put", put(O), put(O, "x", If_Unmodified_Since=PAST).gives(201)),
    row("15-tags-are-not-looked-at-by-containers", put(f"{C}/a"), get(C, If_None_Match="*").gives(200)),
    row(
        "15-version-and-tag",
        put(O, "1").gives(save={"t": "ETag", "v": "X-Object-Version"}),
        put(O, "2"),
        get(f"{O}?version={{v}}", If_Match="{t}").gives(200, body="1"),
        get(O, If_Match="{t}").gives(412),
    ),
    row(
        "15-if-match-and-range",
        MADE,
        get(O, Range="bytes=0-1", If_Match="{t}").gives(206, body="da"),
        get(O, Range="bytes=0-1", If_Match="abc").gives(412),
    ),
    row("15-condition-before-range", MADE, get(O, Range="bytes=100-", If_None_Match="{t}").gives(304)),
)


@each(ROWS)
def test_rule(row: Row, world: World) -> None:
    world.run(row)


@rule(
    "15-modified-since-sees-a-change",
    "15-unmodified-since-sees-a-change",
    "7.1-last-modified-is-the-newest-versions-even-for-an-older-one",
)
def test_15_dates_see_a_change(world: World) -> None:
    world.do(put(O).gives(save={"v": "X-Object-Version"}))
    before: Any = world.do(head(O))["Last-Modified"]
    world.next_second()
    world.do(put(O, "x"))
    world.do(get(O, If_Modified_Since=before).gives(200, body="x"))
    world.do(get(O, If_Unmodified_Since=before).gives(412))
    after = world.do(head(O))["Last-Modified"]
    assert after != before
    world.do(head(f"{O}?version={{v}}").gives(200, Last_Modified=after, X_Object_Version_Timestamp=before))
