"""Section 3.4: limits."""

from __future__ import annotations

import pytest
from conformance.rows import ANY, C, O, Row, call, copy, each, get, head, make, post, put, row, rule
from conformance.world import World

LONG = "n" * 256


def meta(count: int, level: str = "Object", start: int = 0) -> dict[str, str]:
    return {f"X-{level}-Meta-K{number}": "v" for number in range(start, start + count)}


ROWS = (
    row(
        "3.4-object-name-of-1024-characters", put(f"{C}/{'n' * 1024}").gives(201), head(f"{C}/{'n' * 1024}").gives(200)
    ),
    row("3.4-object-name-of-1025-characters", put(f"{C}/{'n' * 1025}").gives(400)),
    row(
        "3.4-object-name-counts-characters-not-bytes",
        put(f"{C}/{'%CE%B1' * 1024}").gives(201),
        put(f"{C}/{'%CE%B1' * 1025}").gives(400),
    ),
    row("3.4-container-name-of-257-characters", make("n" * 257).gives(400)),
    row(
        "3.4-copy-to-a-name-of-1025-characters",
        put(O),
        copy(O, f"{{shared}}/{'n' * 1025}").gives(400),
    ),
    row("3.4-metadata-headers-91", put(O, raw=meta(91)).gives(400), head(O).gives(404)),
    row("3.4-metadata-headers-91-on-a-container", post(f"{C}?update", raw=meta(91, "Container")).gives(400)),
    row(
        "3.4-metadata-headers-91-that-remove",
        put(O),
        post(f"{O}?update", raw=dict.fromkeys(meta(91), "")).gives(400),
    ),
    row(
        "3.4-metadata-headers-90-that-remove",
        put(O),
        post(f"{O}?update", raw=dict.fromkeys(meta(90), "")).gives(202),
    ),
    row("3.4-metadata-name-of-128", put(O, raw={f"X-Object-Meta-{'n' * 114}": "1"}).gives(201)),
    row("3.4-metadata-name-of-129", put(O, raw={f"X-Object-Meta-{'n' * 115}": "1"}).gives(400)),
    row("3.4-container-metadata-name-of-129", make(raw={f"X-Container-Meta-{'n' * 112}": "1"}).gives(400)),
    row(
        "3.4-metadata-value-of-256",
        put(O, X_Object_Meta_A="v" * 256).gives(201),
        head(O).gives(200, X_Object_Meta_A="v" * 256),
    ),
    row("3.4-metadata-value-of-257", put(O, X_Object_Meta_A="v" * 257).gives(400)),
    row("3.4-metadata-value-counts-decoded", put(O, X_Object_Meta_A="%CE%B1" * 256).gives(201)),
    row("3.4-metadata-value-decoded-257", put(O, X_Object_Meta_A="%CE%B1" * 257).gives(400)),
    row("3.4-container-metadata-value-of-257", make(X_Container_Meta_A="v" * 257).gives(400)),
    row("3.4-account-metadata-value-of-257", post("?update", X_Account_Meta_Conformance="v" * 257).gives(400)),
    row("3.4-sharing-principal-of-257", put(O, X_Object_Sharing=f"read={'p' * 257}").gives(400)),
    row("3.4-sharing-principal-of-256", put(O, X_Object_Sharing=f"read={'p' * 256}").gives(201)),
    row("3.4-account-id-of-257", get(f"/{'a' * 257}").gives(400, 403)),
    row("3.4-group-name-of-257", post("?update", raw={f"X-Account-Group-{'g' * 257}": "{me}"}).gives(400)),
    row(
        "3.4-limit-larger-than-the-maximum-is-accepted",
        put(f"{C}/a"),
        get(f"{C}?limit=20000").gives(200, lines=("a",)),
    ),
    row(
        "3.4-body-over-5-gib",
        call("PUT", O, Content_Type="text/plain", Content_Length="5368709121").gives(400),
        head(O).gives(404),
    ),
    row(
        "3.4-blocks-over-5-gib",
        call("POST", f"{C}?update", Content_Type="application/octet-stream", Content_Length="5368709121").gives(400),
    ),
    row(
        "3.4-content-length-that-is-no-number",
        call("PUT", O, Content_Type="text/plain", Content_Length="x").gives(400, body=ANY),
    ),
)


@each(ROWS)
def test_rule(row: Row, world: World) -> None:
    world.run(row)


@rule("3.4-container-name-of-256-characters")
def test_3_4_container_name_of_256_characters(world: World) -> None:
    name = (world["new"] + "-" + LONG)[:256]
    world.do(make(name).gives(201))
    world.do(head(name).gives(204))
    world.do(call("DELETE", name).gives(204))


@pytest.mark.parametrize(("level", "path"), [("Object", O), ("Container", C)])
@rule("3.4-metadata-items-stored-per-resource")
def test_3_4_stored_metadata_items(world: World, level: str, path: str) -> None:
    """Option, default 32: one more than are stored is refused, and a merge counts what is there."""
    if level == "Object":
        world.do(put(O))
    answer = world.do(post(f"{path}?update", raw=meta(33, level)).gives(202, 400))
    if answer.status == 202:
        pytest.skip("this server stores more than 32 metadata items")
    world.do(post(f"{path}?update", raw=meta(32, level)).gives(202))
    world.do(post(f"{path}?update", raw=meta(1, level, start=32)).gives(400))
    world.do(post(f"{path}?update", raw=meta(1, level)).gives(202))


@rule("3.4-content-encoding-and-the-like-count-too")
def test_3_4_extras_count_too(world: World) -> None:
    if world.do(put(O, raw=meta(33)).gives(201, 400)).status == 201:
        pytest.skip("this server stores more than 32 metadata items")
    world.do(put(O, Content_Encoding="gzip", raw=meta(32)).gives(400))
    world.do(put(O, Content_Encoding="gzip", raw=meta(31)).gives(201))


@rule("3.4-chunked-body-has-no-limit-of-its-own")
def test_3_4_chunked_body(world: World) -> None:
    world.do(put(O, [b"a" * 100_000, b"b" * 100_000]).gives(201))
    world.do(head(O).gives(200, Content_Length="200000"))
