"""Section 12.3: who may do what with a shared or published object."""

from __future__ import annotations

from typing import Any

from conformance.rows import C, O, Row, call, copy, delete, each, get, head, make, move, post, put, row, rule
from conformance.world import World

OCTETS = "application/octet-stream"


def shared(rule: str, body: str = "data") -> Any:
    return put(O, body, X_Object_Sharing=rule)


OPERATIONS: dict[str, tuple[Any, bool, bool]] = {
    # what, whether a writer may, whether a reader may
    "head": (head(O, by="other"), True, True),
    "get": (get(O, by="other"), True, True),
    "versions": (get(f"{O}?version=list", by="other"), True, True),
    "old-version": (get(f"{O}?version={{v}}", by="other"), True, True),
    "hashmap": (get(f"{O}?hashmap", by="other"), True, True),
    "copy-from": (copy(O, "{theirs}/y", by="other"), True, True),
    "put-copy-from": (
        call("PUT", "{theirs}/z", b"", by="other", of="other", X_Copy_From=f"/{O}", X_Source_Account="{me}"),
        True,
        True,
    ),
    "put": (put(O, by="other"), True, False),
    "put-hashmap": (put(f"{O}?hashmap", '{"bytes": 0, "hashes": []}', by="other"), True, False),
    "copy-onto": (call("PUT", O, b"", by="other", X_Copy_From="/{theirs}/s"), True, False),
    "post-metadata": (post(f"{O}?update", by="other", X_Object_Meta_A="1"), True, False),
    "post-data": (post(f"{O}?update", b"a", by="other", Content_Type=OCTETS, Content_Range="bytes */*"), True, False),
    "publish": (post(f"{O}?update", by="other", X_Object_Public="true"), True, False),
    "unpublish": (post(f"{O}?update", by="other", X_Object_Public="false"), True, False),
    "share": (post(f"{O}?update", by="other", X_Object_Sharing="read=*"), False, False),
    "delete": (delete(O, by="other"), False, False),
    "purge": (delete(f"{O}?until=1", by="other"), False, False),
    "move-away": (move(O, "{theirs}/y", by="other"), False, False),
    "container-head": (head("{shared}", by="other"), True, True),
    "container-get": (get("{shared}", by="other"), True, True),
    "container-put": (make("{shared}", by="other"), False, False),
    "container-post": (post("{shared}?update", by="other"), False, False),
    "container-delete": (delete("{shared}", by="other"), False, False),
    "container-empty": (delete("{shared}?delimiter=/", by="other"), False, False),
    "blocks": (post("{shared}?update", b"x", by="other", Content_Type=OCTETS), False, False),
    "account-head": (head("", by="other"), True, True),
    "account-get": (get("", by="other"), True, True),
    "account-post": (post("?update", by="other"), False, False),
}

RIGHTS = tuple(
    row(
        f"12.3-{name}-by-a-{who}",
        put("{theirs}/s", by="other", of="other"),
        shared(f"{grant}={{other}}").gives(save={"v": "X-Object-Version"}),
        step if allowed else step.gives(403),
        *(() if allowed else (get(O).gives(200, body="data"),)),
    )
    for name, (step, writer, reader) in OPERATIONS.items()
    for who, grant, allowed in (("writer", "write", writer), ("reader", "read", reader))
)

PUBLISHED = (
    row("12.3-published-get-with-a-token", put(O, X_Object_Public="true"), get(O, by="other").gives(200, 403)),
    row(
        "12.3-published-version-with-a-token",
        put(O, X_Object_Public="true").gives(save={"v": "X-Object-Version"}),
        get(f"{O}?version={{v}}", by="other").gives(200, body="data"),
    ),
    row(
        "12.3-published-as-copy-source",
        put(O, X_Object_Public="true"),
        call("PUT", "{theirs}/z", b"", by="other", of="other", X_Copy_From=f"/{O}", X_Source_Account="{me}").gives(201),
        get("{theirs}/z", by="other", of="other").gives(body="data"),
    ),
    row(
        "12.3-published-is-not-writable",
        put(O, X_Object_Public="true"),
        put(O, by="other").gives(403),
        post(f"{O}?update", by="other", X_Object_Meta_A="1").gives(403),
    ),
    row(
        "12.3-published-opens-no-container",
        put(f"{C}/a", X_Object_Public="true"),
        get(C, by="other").gives(403),
        head(C, by="other").gives(403),
    ),
)


@each((*RIGHTS, *PUBLISHED))
def test_rule(row: Row, world: World) -> None:
    world.run(row)


@rule("12.3-space-is-charged-to-the-owner")
def test_12_3_space_is_charged_to_the_owner(world: World) -> None:
    world.do(shared("write={other}", body=""))
    mine, theirs = (world.do(head("", by=who, of=who))["X-Account-Bytes-Used"] for who in ("me", "other"))
    world.do(put(O, "1234567", by="other").gives(201))
    world.do(head("").gives(204, X_Account_Bytes_Used=str(int(mine) + 7)))
    world.do(head("", by="other", of="other").gives(204, X_Account_Bytes_Used=theirs))
