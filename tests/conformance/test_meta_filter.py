"""Section 8.4: the `meta` filter of lists."""

from __future__ import annotations

from urllib.parse import quote

from conformance.rows import C, Row, each, get, post, put, row
from conformance.world import World

OBJECTS = {
    "apple": {"X_Object_Meta_Color": "red", "X_Object_Meta_Size": "9"},
    "berry": {"X_Object_Meta_Color": "blue"},
    "cloud": {"X_Object_Meta_Size": "100", "X_Object_Meta_Long_Name": "x"},
    "dust": {},
}

TABLE: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("key-present", "Color", ("apple", "berry")),
    ("key-absent", "!Color", ("cloud", "dust")),
    ("several-present-are-or", "Color,Size", ("apple", "berry", "cloud")),
    ("several-absent-are-and", "!Color,!Size", ("dust",)),
    ("equal", "Color=red", ("apple",)),
    ("not-equal", "Color!=red", ("berry",)),
    ("less", "Color<red", ("berry",)),
    ("less-or-equal", "Color<=red", ("apple", "berry")),
    ("greater", "Color>blue", ("apple",)),
    ("greater-or-equal", "Color>=blue", ("apple", "berry")),
    ("comparison-is-of-strings", "Size>100", ("apple",)),
    ("several-comparisons-are-and", "Color=red,Size=9", ("apple",)),
    ("several-comparisons-that-exclude-each-other", "Color=red,Color=blue", ()),
    ("kinds-are-and", "Color,Size=9", ("apple",)),
    ("present-and-absent", "Color,!Size", ("berry",)),
    ("key-is-normalised", "coLOR", ("apple", "berry")),
    ("underscore-is-a-dash", "long_name", ("cloud",)),
    ("spaces-are-dropped", " Color = red ", ("apple",)),
    ("absent-key-compares-with-nothing", "Shape!=round", ()),
    ("no-match", "Shape", ()),
    ("empty-is-no-filter", "", ("apple", "berry", "cloud", "dust")),
)


def test_8_4_filters(world: World) -> None:
    """One container, every kind of term."""
    for name, headers in OBJECTS.items():
        world.do(put(f"{C}/{name}", "", **headers))
    for name, meta, wanted in TABLE:
        answer = world.do(get(f"{C}?meta={quote(meta, safe='')}").gives(200, 204))
        assert tuple(answer.lines()) == wanted, f"8.4-{name}"


test_8_4_filters.rules = tuple(f"8.4-{name}" for name, _, _ in TABLE)  # type: ignore[attr-defined]

RED = put(f"{C}/a", X_Object_Meta_Color="red")

ROWS = (
    row(
        "8.4-current-metadata-counts",
        RED,
        post(f"{C}/a?update", X_Object_Meta_Color="blue"),
        get(f"{C}?meta=Color%3Dred").gives(204),
        get(f"{C}?meta=Color%3Dblue").gives(lines=("a",)),
    ),
    row(
        "8.4-with-prefix",
        RED,
        put(f"{C}/b/c", X_Object_Meta_Color="red"),
        get(f"{C}?meta=Color&prefix=b").gives(lines=("b/c",)),
    ),
    row(
        "8.4-with-marker-and-limit",
        RED,
        put(f"{C}/b"),
        put(f"{C}/c", X_Object_Meta_Color="red"),
        put(f"{C}/d", X_Object_Meta_Color="red"),
        get(f"{C}?meta=Color&marker=a&limit=1").gives(lines=("c",)),
    ),
    row(
        "8.4-with-delimiter",
        RED,
        put(f"{C}/b/1"),
        put(f"{C}/c/1", X_Object_Meta_Color="red"),
        get(f"{C}?meta=Color&delimiter=/").gives(lines=("a", "c/")),
    ),
    row("8.4-in-json", RED, put(f"{C}/b"), get(f"{C}?meta=Color&format=json").gives(names=("a",))),
    row(
        "8.4-unicode",
        put(f"{C}/a", raw={"X-Object-Meta-%CE%B1": "%CE%B2"}),
        put(f"{C}/b"),
        get(f"{C}?meta=%CE%B1%3D%CE%B2").gives(lines=("a",)),
    ),
    row(
        "8.4-for-others",
        put(f"{C}/a", X_Object_Meta_Color="red", X_Object_Sharing="read={other}"),
        put(f"{C}/b", X_Object_Meta_Color="red"),
        get(f"{C}?meta=Color", by="other").gives(lines=("a",)),
    ),
    row(
        "8.4-with-until",
        RED,
        get(f"{C}?meta=Color&until=4000000000").gives(lines=("a",)),
        get(f"{C}?meta=Size&until=4000000000").gives(204),
    ),
    row(
        "8.4-content-encoding-is-no-key",
        put(f"{C}/a", Content_Encoding="gzip"),
        get(f"{C}?meta=Content-Encoding").gives(204),
    ),
)


@each(ROWS)
def test_rule(row: Row, world: World) -> None:
    world.run(row)
