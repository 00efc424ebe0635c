"""Section 16: directories."""

from __future__ import annotations

from conformance.rows import C, Row, copy, delete, each, get, head, move, put, row
from conformance.world import World

MARK = put(f"{C}/d", "", type="application/directory")
TREE = (MARK, put(f"{C}/d/1"), put(f"{C}/d/e", "", type="application/directory"), put(f"{C}/d/e/2"), put(f"{C}/z"))

ROWS = (
    row(
        "16-marker",
        MARK.gives(201),
        head(f"{C}/d").gives(200, Content_Type="application/directory", Content_Length="0"),
    ),
    row("16-marker-is-counted", MARK, head(C).gives(X_Container_Object_Count="1", X_Container_Bytes_Used="0")),
    row(
        "16-marker-may-hold-data", put(f"{C}/d", "x", type="application/directory"), get(f"{C}/d").gives(200, body="x")
    ),
    row("16-not-created-implicitly", put(f"{C}/a/b"), head(f"{C}/a").gives(404), get(C).gives(lines=("a/b",))),
    row("16-not-removed-implicitly", MARK, put(f"{C}/d/1"), delete(f"{C}/d/1"), head(f"{C}/d").gives(200)),
    row("16-content-stays-when-the-marker-goes", MARK, put(f"{C}/d/1"), delete(f"{C}/d"), head(f"{C}/d/1").gives(200)),
    row("16-marker-and-roll-up-are-two-entries", *TREE, get(f"{C}?delimiter=/").gives(lines=("d", "d/", "z"))),
    row(
        "16-marker-and-roll-up-in-json",
        *TREE,
        get(f"{C}?delimiter=/&format=json").gives(
            names=("d", "d/", "z"), json=lambda value: value[1] == {"subdir": "d/"}
        ),
    ),
    row("16-marker-without-content-is-one-entry", MARK, get(f"{C}?delimiter=/").gives(lines=("d",))),
    row("16-content-without-marker-is-a-roll-up", put(f"{C}/d/1"), get(f"{C}?delimiter=/").gives(lines=("d/",))),
    row(
        "16-object-named-with-slash-beside-the-roll-up",
        put(f"{C}/d/", ""),
        put(f"{C}/d/1"),
        get(f"{C}?delimiter=/&format=json").gives(
            json=lambda value: (
                [("name" in one, one.get("name", one.get("subdir"))) for one in value] == [(True, "d/"), (False, "d/")]
            )
        ),
    ),
    row(
        "16-object-named-with-slash-alone",
        put(f"{C}/d/", ""),
        get(f"{C}?delimiter=/&format=json").gives(
            json=lambda value: any(one.get("name") == "d/" or one.get("subdir") == "d/" for one in value)
        ),
    ),
    row("16-inside-a-directory", *TREE, get(f"{C}?prefix=d/&delimiter=/").gives(lines=("d/1", "d/e", "d/e/"))),
    row("16-path-shows-markers-not-roll-ups", *TREE, get(f"{C}?path=d").gives(lines=("d/1", "d/e"))),
    row(
        "16-copy-of-a-tree",
        *TREE,
        copy(f"{C}/d?delimiter=/", f"{C}/n"),
        get(f"{C}?prefix=n").gives(lines=("n", "n/1", "n/e", "n/e/2")),
        head(f"{C}/n/e").gives(Content_Type="application/directory"),
    ),
    row(
        "16-move-of-a-tree",
        *TREE,
        move(f"{C}/d?delimiter=/", f"{C}/n"),
        get(C).gives(lines=("n", "n/1", "n/e", "n/e/2", "z")),
    ),
    row("16-delete-of-a-tree", *TREE, delete(f"{C}/d?delimiter=/"), get(C).gives(lines=("z",))),
    row(
        "16-tree-without-marker",
        put(f"{C}/d/1"),
        delete(f"{C}/d?delimiter=/").gives(404),
        copy(f"{C}/d?delimiter=/", f"{C}/n").gives(404),
        move(f"{C}/d?delimiter=/", f"{C}/n").gives(404),
    ),
    row(
        "16-moved-tree-keeps-uuids",
        *TREE,
        head(f"{C}/d/1").gives(save={"u": "X-Object-UUID"}),
        move(f"{C}/d?delimiter=/", f"{C}/n"),
        head(f"{C}/n/1").gives(X_Object_UUID="{u}"),
    ),
)


@each(ROWS)
def test_rule(row: Row, world: World) -> None:
    world.run(row)
