"""Section 7.6: DELETE of an object."""

from __future__ import annotations

from conformance.rows import C, O, Row, delete, each, get, head, make, post, put, row, rule
from conformance.world import World

FAR = "4000000000"


def versions(count: int) -> object:
    return lambda value: len(value["versions"]) == count


TREE = (put(f"{C}/d", "", type="application/directory"), put(f"{C}/d/1"), put(f"{C}/d/e/2"), put(f"{C}/dx"))

ROWS = (
    row("7.6-gone", put(O), delete(O).gives(204, body=b""), head(O).gives(404), get(O).gives(404)),
    row("7.6-gone-from-lists", put(f"{C}/a"), put(f"{C}/b"), delete(f"{C}/a"), get(C).gives(lines=("b",))),
    row(
        "7.6-history-stays-readable",
        put(O, "x").gives(save={"v": "X-Object-Version"}),
        delete(O),
        get(f"{O}?version={{v}}").gives(200, body="x"),
        get(f"{O}?version=list").gives(200, json=versions(1)),
        get(f"{O}?version={{v}}&hashmap").gives(200),
    ),
    row("7.6-second-delete", put(O), delete(O), delete(O).gives(404)),
    row(
        "7.6-sharing-is-dropped",
        put(O, X_Object_Sharing="read=*"),
        delete(O),
        put(O),
        head(O).gives(X_Object_Sharing=None),
    ),
    row(
        "7.6-publication-is-dropped",
        put(O, X_Object_Public="true"),
        head(O).gives(save={"url": "X-Object-Public"}),
        delete(O),
        get("{url}", by="nobody").gives(404),
        put(O),
        head(O).gives(X_Object_Public=None),
    ),
    row(
        "7.6-recreated-goes-on-with-the-history",
        put(O),
        delete(O),
        put(O).gives(201),
        get(f"{O}?version=list").gives(json=versions(2)),
    ),
    row(
        "7.6-delimiter-deletes-what-is-below",
        *TREE,
        delete(f"{C}/d?delimiter=/").gives(204),
        get(C).gives(lines=("dx",)),
    ),
    row(
        "7.6-delimiter-needs-the-root",
        put(f"{C}/d/1"),
        delete(f"{C}/d?delimiter=/").gives(404),
        head(f"{C}/d/1").gives(200),
    ),
    row(
        "7.6-delimiter-may-be-another",
        put(f"{C}/a"),
        put(f"{C}/a-1"),
        put(f"{C}/a/1"),
        delete(f"{C}/a?delimiter=-"),
        get(C).gives(lines=("a/1",)),
    ),
    row("7.6-without-delimiter-one-object", *TREE, delete(f"{C}/d"), get(C).gives(lines=("d/1", "d/e/2", "dx"))),
    row(
        "7.6-delimiter-keeps-history",
        *TREE,
        delete(f"{C}/d?delimiter=/"),
        get(f"{C}/d/1?version=list").gives(200, json=versions(1)),
    ),
    row(
        "7.6-until-destroys-the-current-one-too",
        put(O),
        put(O),
        delete(f"{O}?until={FAR}").gives(204),
        head(O).gives(404),
        get(f"{O}?version=list").gives(404),
    ),
    row(
        "7.6-until-of-a-deleted-object",
        put(O),
        delete(O),
        delete(f"{O}?until={FAR}").gives(204),
        get(f"{O}?version=list").gives(404),
    ),
    row(
        "7.6-until-long-ago-destroys-nothing",
        put(O),
        put(O),
        delete(f"{O}?until=1").gives(204),
        get(f"{O}?version=list").gives(json=versions(2)),
        get(O).gives(200),
    ),
    row(
        "7.6-until-ignores-delimiter",
        *TREE,
        delete(f"{C}/d?until={FAR}&delimiter=/").gives(204),
        get(C).gives(lines=("d/1", "d/e/2", "dx")),
    ),
    row("7.6-until-of-an-absent-object", delete(f"{O}?until={FAR}").gives(404)),
    row(
        "7.6-purge-frees-the-count",
        put(f"{C}/a", "12345"),
        delete(f"{C}/a?until={FAR}"),
        head(C).gives(X_Container_Object_Count="0", X_Container_Bytes_Used="0"),
    ),
    row(
        "7.6-purge-drops-sharing",
        put(O, X_Object_Sharing="read=*", X_Object_Public="true"),
        delete(f"{O}?until={FAR}"),
        put(O),
        head(O).gives(X_Object_Sharing=None, X_Object_Public=None),
    ),
    row(
        "7.6-by-a-writer",
        put(O, X_Object_Sharing="write={other}"),
        delete(O, by="other").gives(403),
        head(O).gives(200),
    ),
    row("7.6-by-a-reader", put(O, X_Object_Sharing="read={other}"), delete(O, by="other").gives(403)),
    row("7.6-by-a-stranger", put(O), delete(O, by="other").gives(403)),
    row(
        "7.6-until-by-a-writer",
        put(O, X_Object_Sharing="write={other}"),
        delete(f"{O}?until={FAR}", by="other").gives(403),
        head(O).gives(200),
    ),
    row("7.6-absent-container", delete("{new}/a").gives(404)),
    row("7.6-conditions-are-not-looked-at", put(O), delete(O, If_Match="wrong").gives(204, 412)),
    row(
        "7.6-deleted-object-cannot-be-posted-to", put(O), delete(O), post(f"{O}?update", X_Object_Meta_A="1").gives(404)
    ),
    row(
        "7.6-versioning-none-keeps-nothing",
        make(X_Container_Policy_Versioning="none"),
        put("{new}/a").gives(save={"v": "X-Object-Version"}),
        delete("{new}/a"),
        get("{new}/a?version={v}").gives(404),
    ),
)


@each(ROWS)
def test_rule(row: Row, world: World) -> None:
    world.run(row)


@rule("7.6-until-keeps-later-versions", "20.6-a-time-below-the-current-version-keeps-it")
def test_7_6_until_keeps_later_versions(world: World) -> None:
    world.do(put(O, "1"))
    world.do(put(O, "2"))
    border = world.next_second()
    world.do(put(O, "3"))
    world.do(delete(f"{O}?until={border}").gives(204))
    world.do(get(O).gives(200, body="3"))
    world.do(get(f"{O}?version=list").gives(200, json=versions(1)))
