"""Section 21: what follows from the model: counts, times, all or nothing, the order of checks."""

from __future__ import annotations

from conformance.rows import C, O, Row, Step, copy, delete, each, get, head, make, move, post, put, row, rule
from conformance.world import World

TREE = (put(f"{C}/d", "", type="application/directory"), put(f"{C}/d/1", "12345"), put(f"{C}/d/2", "12345"))
SMALL = make(X_Container_Policy_Quota="7")


def counts(objects: int, size: int, path: str = C) -> Step:
    return head(path).gives(204, X_Container_Object_Count=str(objects), X_Container_Bytes_Used=str(size))


ROWS = (
    row("21-counts-after-put", put(f"{C}/a", "123"), counts(1, 3)),
    row("21-counts-after-overwrite", put(f"{C}/a", "123"), put(f"{C}/a", "1"), counts(1, 1)),
    row("21-counts-after-delete", put(f"{C}/a", "123"), delete(f"{C}/a"), counts(0, 0)),
    row("21-counts-after-copy", put(f"{C}/a", "123"), copy(f"{C}/a", f"{C}/b"), counts(2, 6)),
    row(
        "21-counts-after-copy-onto-another",
        put(f"{C}/a", "123"),
        put(f"{C}/b", "1"),
        copy(f"{C}/a", f"{C}/b"),
        counts(2, 6),
    ),
    row("21-counts-after-move", put(f"{C}/a", "123"), move(f"{C}/a", f"{C}/b"), counts(1, 3)),
    row(
        "21-counts-after-move-to-another-container",
        put(f"{C}/a", "123"),
        move(f"{C}/a", "{c2}/a"),
        counts(0, 0),
        counts(1, 3, "{c2}"),
    ),
    row("21-counts-after-metadata", put(f"{C}/a", "123"), post(f"{C}/a", X_Object_Meta_A="1"), counts(1, 3)),
    row(
        "21-counts-after-data-post",
        put(f"{C}/a", "123"),
        post(f"{C}/a?update", b"45", Content_Type="application/octet-stream", Content_Range="bytes */*"),
        counts(1, 5),
    ),
    row(
        "21-counts-after-truncate",
        put(f"{C}/a", "123"),
        post(
            f"{C}/a?update", b"", Content_Type="application/octet-stream", Content_Range="bytes */*", X_Object_Bytes="1"
        ),
        counts(1, 1),
    ),
    row("21-counts-after-recreation", put(f"{C}/a", "123"), delete(f"{C}/a"), put(f"{C}/a", "12"), counts(1, 2)),
    row("21-counts-after-tree-copy", *TREE, copy(f"{C}/d?delimiter=/", f"{C}/n"), counts(6, 20)),
    row("21-counts-after-tree-move", *TREE, move(f"{C}/d?delimiter=/", "{c2}/n"), counts(0, 0), counts(3, 10, "{c2}")),
    row("21-counts-after-tree-delete", *TREE, delete(f"{C}/d?delimiter=/"), counts(0, 0)),
    row("21-counts-after-emptying", *TREE, delete(f"{C}?delimiter=/"), counts(0, 0)),
    row("21-counts-after-purge", *TREE, delete(f"{C}/d/1?until=4000000000"), counts(2, 5)),
    row("21-counts-after-history-purge", *TREE, put(f"{C}/d/1", "1"), delete(f"{C}?until=4000000000"), counts(3, 6)),
    row(
        "21-counts-with-versioning-none",
        make(X_Container_Policy_Versioning="none"),
        put("{new}/a", "123"),
        put("{new}/a", "1"),
        counts(1, 1, "{new}"),
        delete("{new}/a"),
        counts(0, 0, "{new}"),
    ),
    # all or nothing
    row(
        "21-tree-copy-over-quota-copies-nothing",
        SMALL,
        *TREE,
        copy(f"{C}/d?delimiter=/", "{new}/n").gives(413),
        get("{new}").gives(204),
        counts(0, 0, "{new}"),
    ),
    row(
        "21-tree-move-over-quota-moves-nothing",
        SMALL,
        *TREE,
        move(f"{C}/d?delimiter=/", "{new}/n").gives(413),
        get("{new}").gives(204),
        get(C).gives(lines=("d", "d/1", "d/2")),
    ),
    row(
        "21-refused-put-leaves-no-version",
        put(O, "1"),
        put(O, "2", X_Object_Sharing="x").gives(400),
        get(f"{O}?version=list").gives(json=lambda value: len(value["versions"]) == 1),
    ),
    row("21-refused-put-leaves-no-name", put(O, ETag="0" * 32).gives(422), get(f"{O}?version=list").gives(404)),
    row(
        "21-refused-put-leaves-sharing-alone",
        put(O, "1", X_Object_Sharing="read=abc"),
        put(O, "2", X_Object_Sharing="read=def", ETag="0" * 32).gives(422),
        get(O).gives(body="1", X_Object_Sharing="read=abc"),
    ),
    row(
        "21-refused-container-post-changes-nothing",
        make(X_Container_Meta_A="1"),
        post("{new}?update", X_Container_Meta_A="2", X_Container_Policy_Versioning="x").gives(400),
        head("{new}").gives(X_Container_Meta_A="1"),
    ),
    # the order of checks of PUT ?hashmap
    row(
        "21-hashmap-precondition-first",
        put("{new}/a?hashmap", "x", If_Match="abc").gives(412, 404, 400),
        head("{new}").gives(404),
    ),
    row("21-hashmap-syntax-before-rights", put(f"{O}?hashmap", "x", by="other").gives(400)),
    row("21-hashmap-count-before-rights", put(f"{O}?hashmap", '{"bytes": 1, "hashes": []}', by="other").gives(400)),
    row("21-hashmap-container-before-quota", put("{new}/a?hashmap", '{"bytes": 0, "hashes": []}').gives(404)),
)


@each(ROWS)
def test_rule(row: Row, world: World) -> None:
    world.run(row)


@rule("21-a-versions-time-is-that-of-its-change", "21-times-grow-with-versions", "7.1-version-timestamp")
def test_21_times(world: World) -> None:
    for content in ("1", "2", "3"):
        world.do(put(O, content))
    found = world.do(get(f"{O}?version=list")).json()["versions"]
    assert [float(time) for _, time in found] == sorted({float(time) for _, time in found})
    assert [number for number, _ in found] == sorted({number for number, _ in found})


@rule("21-last-modified-of-a-container-is-its-newest-change")
def test_21_last_modified_of_a_container(world: World) -> None:
    world.do(make("{new}"))
    world.next_second()
    world.do(put("{new}/a"))
    changed = world.do(head("{new}/a"))["Last-Modified"]
    world.do(head("{new}").gives(204, Last_Modified=changed))
