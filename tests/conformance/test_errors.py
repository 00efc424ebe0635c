"""Section 3.3: every status of the table, its fault name, and the shape of the body."""

from __future__ import annotations

import time

import pytest
from conformance.rows import C, O, Row, call, copy, delete, each, get, head, make, move, post, put, row, rule
from conformance.world import World

FUTURE = "Fri, 01 Jan 2100 00:00:00 GMT"
PAST = "Mon, 01 Jan 1990 00:00:00 GMT"

ROWS = (
    row(
        "3.3-json-shape",
        get(O).gives(
            404,
            json=lambda value: (
                list(value) == ["itemNotFound"]
                and value["itemNotFound"]["code"] == 404
                and isinstance(value["itemNotFound"]["message"], str)
                and isinstance(value["itemNotFound"]["details"], str)
            ),
        ),
    ),
    row("3.3-304-has-no-body", put(O), get(O, If_Modified_Since=FUTURE).gives(304, body=b"")),
    row("3.3-400-malformed-header", put(O, X_Object_Sharing="everybody").gives(400, fault="badRequest")),
    row("3.3-400-malformed-body", put(f"{O}?hashmap", b"{").gives(400, fault="badRequest")),
    row("3.3-400-unknown-url", get("<endpoint>").gives(400, fault="badRequest")),
    row("3.3-401-absent", get("", by="nobody").gives(401, fault="unauthorized")),
    row("3.3-401-refused", get("", by="nobody", X_Auth_Token="x").gives(401, fault="fault")),
    row("3.3-403-existing", put(O), get(O, by="other").gives(403, fault="forbidden")),
    row("3.3-403-not-existing", get(O, by="other").gives(403, fault="forbidden")),
    row("3.3-403-container-not-existing", get("{new}", by="other").gives(403, fault="forbidden")),
    row("3.3-403-account-of-others", head("", by="other", of="me").gives(204, 403)),
    row("3.3-403-account-not-existing", get("/no-such-account").gives(403, fault="forbidden")),
    row("3.3-404-container", get("{new}").gives(404, fault="itemNotFound")),
    row("3.3-404-object", get(O).gives(404, fault="itemNotFound")),
    row("3.3-404-object-in-absent-container", get("{new}/a").gives(404, fault="itemNotFound")),
    row("3.3-404-put-in-absent-container", put("{new}/a").gives(404, fault="itemNotFound")),
    row("3.3-404-version", put(O), get(f"{O}?version=1234567890123").gives(404, fault="itemNotFound")),
    row("3.3-404-post", post(O, X_Object_Meta_A="1").gives(404)),
    row("3.3-404-delete", delete(O).gives(404)),
    row("3.3-404-copy", copy(O, f"{O}b").gives(404)),
    row("3.3-404-move", move(O, f"{O}b").gives(404)),
    row("3.3-404-delete-container", delete("{new}").gives(404)),
    row("3.3-404-post-container", post("{new}?update").gives(404)),
    row("3.3-404-head-has-no-body", head(O).gives(404)),
    *(
        row(f"3.3-405-{level}-{verb}".lower(), call(verb, path, b"").gives(405, fault="notAllowed", Allow=allow))
        for level, path, verbs, wanted in (
            ("top", "/", ("POST", "PUT", "DELETE", "COPY"), {"GET"}),
            ("account", "", ("PUT", "DELETE", "COPY", "MOVE"), {"HEAD", "GET", "POST"}),
            ("container", C, ("COPY", "MOVE", "PATCH"), {"HEAD", "GET", "PUT", "POST", "DELETE"}),
            ("object", O, ("PATCH", "LOCK"), {"HEAD", "GET", "PUT", "COPY", "MOVE", "POST", "DELETE"}),
        )
        for verb in verbs
        for allow in [lambda value, wanted=wanted: {one.strip() for one in value.split(",")} == wanted]
    ),
    row("3.3-409-container-not-empty", put(f"{C}/a"), delete(C).gives(409, fault="conflict")),
    row(
        "3.3-409-missing-blocks-is-a-bare-list",
        put(f"{O}?hashmap&format=json", '{"bytes": 1, "hashes": ["' + "cd" * 32 + '"]}').gives(409, json=["cd" * 32]),
    ),
    row("3.3-411-no-length", put(O, None).gives(411, fault="lengthRequired")),
    row("3.3-411-no-type", put(O, type=None).gives(411, fault="lengthRequired")),
    row("3.3-412-if-match", put(O, If_Match="abc").gives(412, fault="preconditionFailed")),
    row("3.3-412-unmodified", put(O), get(O, If_Unmodified_Since=PAST).gives(412, fault="preconditionFailed")),
    row(
        "3.3-413-container-quota",
        make(X_Container_Policy_Quota="3"),
        put("{new}/a").gives(413, fault="requestEntityTooLarge"),
        head("{new}/a").gives(404),
    ),
    row("3.3-416-range", put(O), get(O, Range="bytes=4-").gives(416, fault="rangeNotSatisfiable")),
    row(
        "3.3-416-content-range",
        put(O),
        post(f"{O}?update", b"x", Content_Type="application/octet-stream", Content_Range="bytes 9-9/*").gives(
            416, fault="rangeNotSatisfiable"
        ),
    ),
    row("3.3-422-etag", put(O, ETag="0" * 32).gives(422, fault="unprocessableEntity"), head(O).gives(404)),
)


@each(ROWS)
def test_rule(row: Row, world: World) -> None:
    world.run(row)


@rule("3.3-413-project-quota-is-fault", "3.3-errors-passed-on-are-named-fault", "21-413-leaves-no-version-behind")
def test_3_3_the_projects_quota(world: World) -> None:
    """Committing more than the user may hold costs one known block and a long hashmap."""
    answer = world.server.ask("HEAD", f"/{world.server.me.id}")
    quota = int(answer["X-Account-Policy-Quota"])
    size = int(world.server.ask("HEAD", f"/{world.server.me.id}/{world['shared']}")["X-Container-Block-Size"])
    count = quota // size + 1
    if count > 60_000:
        pytest.skip(f"the user's quota of {quota} bytes is too large to be exceeded cheaply")
    world.do(post("{shared}?update", b"\0", Content_Type="application/octet-stream"))
    known = world.server.ask(
        "POST", f"/{world.server.me.id}/{world['shared']}?update", body=b"\0", Content_Type="application/octet-stream"
    ).json()
    hashes = ",".join(f'"{known[0]}"' for _ in range(count))
    world.do(put(O, "before"))
    started = time.monotonic()
    world.do(
        put(f"{O}?hashmap", f'{{"bytes": {count * size}, "hashes": [{hashes}]}}'.encode()).gives(413, fault="fault")
    )
    assert time.monotonic() - started < 60
    world.do(get(O).gives(200, body="before"))
    world.do(get(f"{O}?version=list").gives(200, json=lambda value: len(value["versions"]) == 1))
