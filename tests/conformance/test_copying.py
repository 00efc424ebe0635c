"""Section 7.4: COPY, MOVE, X-Copy-From, X-Move-From."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from conformance.rows import Differs, O, Row, Step, call, copy, delete, each, get, head, move, post, put, row, rule
from conformance.world import World

B = f"{O}b"
ANOTHER = "application/x-another"


def copy_from(source: str, to: str, verb: str = "Copy", **more: Any) -> Step:
    return call("PUT", to, b"", **{f"X_{verb}_From": f"/{source}", **more})


WAYS: dict[str, tuple[Callable[..., Step], bool]] = {
    "copy": (lambda **more: copy(O, B, **more), False),
    "put-copy-from": (lambda **more: copy_from(O, B, **more), False),
    "move": (lambda **more: move(O, B, **more), True),
    "put-move-from": (lambda **more: copy_from(O, B, "Move", **more), True),
}
COPIES = {name: make for name, (make, moves) in WAYS.items() if not moves}
MOVES = {name: make for name, (make, moves) in WAYS.items() if moves}


def each_way(
    rule: str,
    before: tuple[Step, ...],
    ways: dict[str, Callable[..., Step]],
    after: tuple[Step, ...],
    sent: dict[str, str],
    status: int = 201,
) -> tuple[Row, ...]:
    """One row for each way of copying or moving."""
    return tuple(
        row(f"7.4-{rule}-by-{name}", *before, make(**sent).gives(status), *after) for name, make in ways.items()
    )


ALL = {name: make for name, (make, _) in WAYS.items()}

ROWS = (
    *each_way("data", (put(O, "x"),), ALL, (get(B).gives(200, body="x"),), {}),
    *each_way("source-stays", (put(O, "x"),), COPIES, (get(O).gives(200, body="x"),), {}),
    *each_way("source-goes", (put(O, "x"),), MOVES, (get(O).gives(404),), {}),
    *each_way(
        "no-etag-in-the-reply",
        (put(O),),
        {name: lambda make=make, **more: make(**more) for name, make in ALL.items()},
        (),
        {},
    ),
    *(
        row(
            f"7.4-reply-by-{name}",
            put(O),
            make().gives(201, ETag=None, X_Object_Version=str.isdigit, body=b"", save={"v": "X-Object-Version"}),
            head(B).gives(X_Object_Version="{v}"),
        )
        for name, make in COPIES.items()
    ),
    *(
        row(
            f"7.4-reply-by-{name}",
            put(O),
            make().gives(201, ETag=None, X_Object_Version=re.compile(r".*?[0-9].*"), body=b""),
        )
        for name, make in MOVES.items()
    ),
    *each_way("type-is-kept-if-absent", (put(O, type="text/x"),), ALL, (head(B).gives(Content_Type="text/x"),), {}),
    *each_way(
        "type-is-taken-if-sent",
        (put(O, type="text/x"),),
        ALL,
        (head(B).gives(Content_Type=ANOTHER),),
        {"Content_Type": ANOTHER},
    ),
    *each_way(
        "metadata-goes-along",
        (put(O, X_Object_Meta_A="1", Content_Encoding="gzip"),),
        ALL,
        (head(B).gives(X_Object_Meta_A="1", Content_Encoding="gzip"),),
        {},
    ),
    *each_way(
        "metadata-is-merged",
        (put(O, X_Object_Meta_A="1"),),
        ALL,
        (head(B).gives(X_Object_Meta_A="1", X_Object_Meta_B="2"),),
        {"X_Object_Meta_B": "2"},
    ),
    *each_way(
        "empty-metadata-removes",
        (put(O, X_Object_Meta_A="1"),),
        ALL,
        (head(B).gives(X_Object_Meta_A=None),),
        {"X_Object_Meta_A": ""},
    ),
    *each_way(
        "metadata-of-the-destination-goes",
        (put(O), put(B, X_Object_Meta_Z="1")),
        ALL,
        (head(B).gives(X_Object_Meta_Z=None),),
        {},
    ),
    *each_way(
        "sharing-is-not-copied",
        (put(O, X_Object_Sharing="read={other}"),),
        ALL,
        (head(B).gives(X_Object_Sharing=None),),
        {},
    ),
    *each_way(
        "publication-is-not-copied", (put(O, X_Object_Public="true"),), ALL, (head(B).gives(X_Object_Public=None),), {}
    ),
    *each_way(
        "sharing-applies-to-the-destination",
        (put(O),),
        ALL,
        (head(B).gives(X_Object_Sharing="read=%2A"),),
        {"X_Object_Sharing": "read=*"},
    ),
    *each_way(
        "publication-applies-to-the-destination",
        (put(O),),
        ALL,
        (head(B).gives(X_Object_Public=re.compile("http.+")),),
        {"X_Object_Public": "true"},
    ),
    *each_way(
        "destination-keeps-its-sharing",
        (put(O), put(B, X_Object_Sharing="read={other}")),
        ALL,
        (head(B).gives(X_Object_Sharing="read={other}"),),
        {},
    ),
    *each_way("absent-source", (), ALL, (), {}, 404),
    *each_way("source-version-of-another", (put(O),), COPIES, (), {"X_Source_Version": "123456789012"}, 404),
    *(
        row(
            f"7.4-uuid-is-new-by-{name}",
            put(O),
            head(O).gives(save={"u": "X-Object-UUID"}),
            make(),
            head(B).gives(200, X_Object_UUID=Differs("{u}")),
            head(O).gives(X_Object_UUID="{u}"),
        )
        for name, make in COPIES.items()
    ),
    *(
        row(
            f"7.4-uuid-is-kept-by-{name}",
            put(O),
            head(O).gives(save={"u": "X-Object-UUID"}),
            make(),
            head(B).gives(X_Object_UUID="{u}"),
        )
        for name, make in MOVES.items()
    ),
    *(
        row(
            f"7.4-source-version-by-{name}",
            put(O, "1", X_Object_Meta_A="1").gives(save={"v": "X-Object-Version"}),
            put(O, "2"),
            make(X_Source_Version="{v}", Content_Type="text/plain").gives(201),
            get(B).gives(body="1", X_Object_Meta_A="1"),
        )
        for name, make in COPIES.items()
    ),
    *(
        row(
            f"7.4-source-version-is-ignored-by-{name}",
            put(O, "1").gives(save={"v": "X-Object-Version"}),
            put(O, "2"),
            make(X_Source_Version="{v}").gives(201),
            get(B).gives(body="2"),
        )
        for name, make in MOVES.items()
    ),
    *(
        row(
            f"7.4-old-version-of-a-deleted-object-by-{name}",
            put(O, "1").gives(save={"v": "X-Object-Version"}),
            delete(O),
            make(X_Source_Version="{v}", Content_Type="text/plain").gives(201),
            get(B).gives(200, body="1"),
        )
        for name, make in COPIES.items()
    ),
    # the path headers
    *(
        row(f"7.4-destination-{form}", put(O), call("COPY", O, Destination=value).gives(400))
        for form, value in {
            "without-leading-slash": f"{O}b",
            "without-object": "/{shared}",
            "with-empty-object": "/{shared}/",
            "empty": "",
            "slash-only": "/",
        }.items()
    ),
    row("7.4-destination-absent", put(O), call("COPY", O).gives(400)),
    row("7.4-move-destination-absent", put(O), call("MOVE", O).gives(400), head(O).gives(200)),
    *(
        row(f"7.4-copy-from-{form}", put(O), call("PUT", B, b"", X_Copy_From=value).gives(400), head(B).gives(404))
        for form, value in {"without-leading-slash": O, "without-object": "/{shared}", "empty": ""}.items()
    ),
    row("7.4-copy-from-needs-length-0", put(O), call("PUT", B, None, X_Copy_From=f"/{O}").gives(411)),
    row(
        "7.4-destination-is-percent-encoded-once",
        put(O),
        call("COPY", O, Destination=f"/{O}%CE%B1%2520").gives(201),
        head(f"{O}%CE%B1%2520").gives(200),
    ),
    row(
        "7.4-copy-from-is-percent-encoded-once",
        put(f"{O}%CE%B1%2520", "x"),
        call("PUT", B, b"", X_Copy_From=f"/{O}%CE%B1%2520").gives(201),
        get(B).gives(body="x"),
    ),
    row("7.4-other-container", put(O, "x"), copy(O, "{c}/y").gives(201), get("{c}/y").gives(body="x")),
    row("7.4-absent-destination-container", put(O), copy(O, "{new}/a").gives(404)),
    row("7.4-move-to-an-absent-container", put(O), move(O, "{new}/a").gives(404), head(O).gives(200)),
    row(
        "7.4-ignore-content-type",
        put(O, type="text/x"),
        copy(f"{O}?ignore_content_type", B, Content_Type=ANOTHER).gives(201),
        head(B).gives(Content_Type="text/x"),
    ),
    row(
        "7.4-ignore-content-type-with-put",
        put(O, type="text/x"),
        call("PUT", f"{B}?ignore_content_type", b"", X_Copy_From=f"/{O}", Content_Type=ANOTHER).gives(201),
        head(B).gives(Content_Type="text/x"),
    ),
    # onto itself
    row(
        "7.4-copy-onto-itself",
        put(O, "x", X_Object_Meta_A="1"),
        head(O).gives(save={"u": "X-Object-UUID"}),
        copy(O, O, Content_Type=ANOTHER).gives(201),
        get(O).gives(body="x", Content_Type=ANOTHER, X_Object_Meta_A="1", X_Object_UUID="{u}"),
        get(f"{O}?version=list").gives(json=lambda value: len(value["versions"]) == 2),
    ),
    row("7.4-move-onto-itself-keeps-the-object", put(O, "x"), move(O, O).gives(201), get(O).gives(200, body="x")),
    row(
        "7.4-copy-onto-itself-keeps-sharing",
        put(O, X_Object_Sharing="read={other}"),
        copy(O, O),
        head(O).gives(X_Object_Sharing="read={other}"),
    ),
    # conditions
    row(
        "7.4-copy-if-match-is-of-the-source",
        put(O).gives(save={"t": "ETag"}),
        copy(O, B, If_Match="{t}").gives(201),
        copy(O, B, If_Match="wrong").gives(412),
    ),
    row(
        "7.4-move-if-match-is-of-the-source",
        put(O).gives(save={"t": "ETag"}),
        move(O, B, If_Match="wrong").gives(412),
        head(O).gives(200),
        move(O, B, If_Match="{t}").gives(201),
    ),
    row("7.4-copy-if-none-match-star-always-fails", put(O), copy(O, B, If_None_Match="*").gives(412)),
    row(
        "7.4-put-if-match-is-of-the-destination",
        put(O),
        put(B, "other").gives(save={"t": "ETag"}),
        copy_from(O, B, If_Match="{t}").gives(201),
        copy_from(O, B, If_Match="{t}").gives(412),
    ),
    row(
        "7.4-put-if-none-match-star-creates-only",
        put(O),
        copy_from(O, B, If_None_Match="*").gives(201),
        copy_from(O, B, If_None_Match="*").gives(412),
    ),
    row(
        "7.4-container-quota",
        put(O, "12345"),
        call("PUT", "{new}", b"", X_Container_Policy_Quota="4").gives(201),
        copy(O, "{new}/a").gives(413),
        move(O, "{new}/a").gives(413),
        head(O).gives(200),
    ),
    row(
        "7.4-move-drops-the-sharing-of-the-source",
        put(O, X_Object_Sharing="read={other}"),
        move(O, B),
        put(O),
        head(O).gives(X_Object_Sharing=None),
    ),
    row(
        "7.4-copy-then-change-leaves-the-source",
        put(O, "1", X_Object_Meta_A="1"),
        copy(O, B),
        put(B, "2"),
        post(f"{B}?update", X_Object_Meta_A="2"),
        get(O).gives(body="1", X_Object_Meta_A="1"),
    ),
)


@each(ROWS)
def test_rule(row: Row, world: World) -> None:
    world.run(row)


@rule("7.4-move-starts-a-history-of-its-own", "11-after-move-the-old-name-keeps-its-history")
def test_7_4_histories_after_a_move(world: World) -> None:
    world.do(put(O, "1"))
    world.do(put(O, "2"))
    world.do(move(O, B).gives(201))
    old = world.do(get(f"{O}?version=list").gives(200)).json()["versions"]
    new = world.do(get(f"{B}?version=list").gives(200)).json()["versions"]
    assert (len(old), len(new)) == (2, 1)
    world.do(get(f"{O}?version={old[0][0]}").gives(200, body="1"))
    world.do(get(O).gives(404))


@rule("7.4-the-first-integer-of-a-move-is-the-version")
def test_7_4_version_of_a_move(world: World) -> None:
    """Row 1 of section 20: the value may be malformed, its first number is the version."""
    world.do(put(O))
    answer = world.do(move(O, B).gives(201))
    first = re.search("[0-9]+", re.sub("%[0-9A-Fa-f]{2}", " ", answer["X-Object-Version"]))
    assert first is not None
    world.do(head(B).gives(X_Object_Version=first[0]))
