"""Section 7.4: copying and moving whole trees, and between accounts."""

from __future__ import annotations

from conformance.rows import C, O, Row, call, copy, each, get, head, move, put, row
from conformance.world import World

B = f"{O}b"

TREE = (
    put(f"{C}/d", b"", type="application/directory"),
    put(f"{C}/d/1", "one"),
    put(f"{C}/d/e/2", "two"),
    put(f"{C}/dx", "not below"),
)

ROWS = (
    # trees
    row(
        "7.4-delimiter-copies-a-tree",
        *TREE,
        copy(f"{C}/d?delimiter=/", f"{C}/n").gives(201),
        get(f"{C}?prefix=n").gives(lines=("n", "n/1", "n/e/2")),
        get(f"{C}/n/e/2").gives(body="two"),
        get(f"{C}/d/1").gives(200),
    ),
    row(
        "7.4-delimiter-moves-a-tree",
        *TREE,
        move(f"{C}/d?delimiter=/", f"{C}/n").gives(201),
        get(C).gives(lines=("dx", "n", "n/1", "n/e/2")),
    ),
    row(
        "7.4-delimiter-with-put-copy-from",
        *TREE,
        call("PUT", f"{C}/n?delimiter=/", b"", X_Copy_From=f"/{C}/d").gives(201),
        get(f"{C}?prefix=n").gives(lines=("n", "n/1", "n/e/2")),
    ),
    row(
        "7.4-delimiter-headers-affect-the-root-only",
        *TREE,
        copy(f"{C}/d?delimiter=/", f"{C}/n", X_Object_Meta_A="1", Content_Type="application/folder"),
        head(f"{C}/n").gives(X_Object_Meta_A="1", Content_Type="application/folder"),
        head(f"{C}/n/1").gives(X_Object_Meta_A=None, Content_Type="text/plain"),
    ),
    row(
        "7.4-delimiter-needs-the-root",
        put(f"{C}/d/1"),
        copy(f"{C}/d?delimiter=/", f"{C}/n").gives(404),
        head(f"{C}/n/1").gives(404),
    ),
    row(
        "7.4-move-delimiter-needs-the-root",
        put(f"{C}/d/1"),
        move(f"{C}/d?delimiter=/", f"{C}/n").gives(404),
        head(f"{C}/d/1").gives(200),
    ),
    row(
        "7.4-delimiter-may-be-another",
        put(f"{C}/a"),
        put(f"{C}/a-1"),
        put(f"{C}/a/1"),
        copy(f"{C}/a?delimiter=-", f"{C}/n"),
        get(f"{C}?prefix=n").gives(lines=("n", "n-1")),
    ),
    row(
        "7.4-tree-to-another-container",
        *TREE,
        move(f"{C}/d?delimiter=/", "{c2}/d").gives(201),
        get("{c2}").gives(lines=("d", "d/1", "d/e/2")),
        get(C).gives(lines=("dx",)),
    ),
    row(
        "7.4-tree-without-delimiter-is-one-object",
        *TREE,
        copy(f"{C}/d", f"{C}/n"),
        get(f"{C}?prefix=n").gives(lines=("n",)),
    ),
    # accounts and rights
    row(
        "7.4-destination-account-defaults-to-the-caller",
        put(O, "x", X_Object_Sharing="read={other}"),
        call("PUT", "{theirs}", b"", by="other", of="other").gives(202),
        copy(O, "{theirs}/y", by="other").gives(201),
        get("{theirs}/y", by="other", of="other").gives(200, body="x"),
    ),
    row(
        "7.4-destination-account",
        put("{theirs}/y", "old", by="other", of="other", X_Object_Sharing="write={me}"),
        put(O, "x"),
        copy(O, "{theirs}/y", Destination_Account="{other}").gives(201),
        get("{theirs}/y", by="other", of="other").gives(body="x", X_Object_Modified_By="{me}"),
    ),
    row(
        "7.4-destination-account-without-right", put(O), copy(O, "{theirs}/y", Destination_Account="{other}").gives(403)
    ),
    row(
        "7.4-destination-account-read-is-not-enough",
        put("{theirs}/y", by="other", of="other", X_Object_Sharing="read={me}"),
        put(O),
        copy(O, "{theirs}/y", Destination_Account="{other}").gives(403),
    ),
    row(
        "7.4-source-account",
        put("{theirs}/y", "x", by="other", of="other", X_Object_Sharing="read={me}"),
        call("PUT", O, b"", X_Copy_From="/{theirs}/y", X_Source_Account="{other}").gives(201),
        get(O).gives(body="x"),
    ),
    row(
        "7.4-source-account-without-right",
        put("{theirs}/y", by="other", of="other"),
        call("PUT", O, b"", X_Copy_From="/{theirs}/y", X_Source_Account="{other}").gives(403),
        head(O).gives(404),
    ),
    row("7.4-source-account-defaults-to-the-caller", put(O, "x"), call("PUT", B, b"", X_Copy_From=f"/{O}").gives(201)),
    row(
        "7.4-move-by-a-writer",
        put(O, X_Object_Sharing="write={other}"),
        move(O, "{theirs}/y", by="other").gives(403),
        head(O).gives(200),
    ),
    row(
        "7.4-move-from-by-a-writer",
        put(O, X_Object_Sharing="write={other}"),
        call("PUT", "{theirs}/y", b"", by="other", of="other", X_Move_From=f"/{O}", X_Source_Account="{me}").gives(403),
        head(O).gives(200),
    ),
    row("7.4-copy-by-a-stranger", put(O), copy(O, "{theirs}/y", by="other").gives(403)),
)


@each(ROWS)
def test_rule(row: Row, world: World) -> None:
    world.run(row)
