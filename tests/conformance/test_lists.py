"""Sections 8.1 and 8.3: lists of objects."""

from __future__ import annotations

import re
from typing import Any
from xml.etree.ElementTree import Element

from conformance.rows import C, Row, each, get, put, row, rule
from conformance.world import World

FAR = "4000000000"
HELLO = "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9"

NAMES = ("a", "b/1", "b/2", "b/c/3", "b2", "d", "d/4", "e/", "e/5", "Z")

TABLE: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("everything-in-order", "", ("Z", "a", "b/1", "b/2", "b/c/3", "b2", "d", "d/4", "e/", "e/5")),
    ("limit", "?limit=3", ("Z", "a", "b/1")),
    ("marker", "?marker=b/2", ("b/c/3", "b2", "d", "d/4", "e/", "e/5")),
    ("marker-is-exclusive", "?marker=e/", ("e/5",)),
    ("marker-need-not-exist", "?marker=c", ("d", "d/4", "e/", "e/5")),
    ("marker-and-limit", "?marker=a&limit=2", ("b/1", "b/2")),
    ("marker-past-everything", "?marker=zz", ()),
    ("prefix", "?prefix=b", ("b/1", "b/2", "b/c/3", "b2")),
    ("prefix-of-a-folder", "?prefix=b/", ("b/1", "b/2", "b/c/3")),
    ("prefix-that-is-a-name", "?prefix=d", ("d", "d/4")),
    ("prefix-without-match", "?prefix=q", ()),
    ("prefix-loses-leading-slashes", "?prefix=//b2", ("b2",)),
    ("prefix-of-slashes-is-none", "?prefix=/&limit=1", ("Z",)),
    ("prefix-and-marker", "?prefix=b&marker=b/2", ("b/c/3", "b2")),
    ("delimiter", "?delimiter=/", ("Z", "a", "b/", "b2", "d", "d/", "e/", "e/")),
    ("delimiter-with-prefix", "?delimiter=/&prefix=b/", ("b/1", "b/2", "b/c/")),
    ("prefix-gets-the-delimiter", "?delimiter=/&prefix=b", ("b/1", "b/2", "b/c/")),
    ("delimiter-may-be-any-string", "?delimiter=/c", ("Z", "a", "b/1", "b/2", "b/c", "b2", "d", "d/4", "e/", "e/5")),
    ("delimiter-that-does-not-occur", "?delimiter=:&limit=2", ("Z", "a")),
    ("empty-delimiter-is-none", "?delimiter=&prefix=b", ("b/1", "b/2", "b/c/3", "b2")),
    ("delimiter-and-limit", "?delimiter=/&limit=3", ("Z", "a", "b/")),
    ("path", "?path=b", ("b/1", "b/2")),
    ("path-with-slash", "?path=b/", ("b/1", "b/2")),
    ("path-of-the-root", "?path=/", ("Z", "a", "b2", "d", "e/")),
    ("path-empty-is-absent", "?path=&limit=3", ("Z", "a", "b/1")),
    ("path-overrides-prefix", "?path=b&prefix=d", ("b/1", "b/2")),
    ("path-overrides-delimiter", "?path=b&delimiter=c", ("b/1", "b/2")),
    ("path-of-a-deeper-folder", "?path=b/c", ("b/c/3",)),
    ("limit-zero-is-the-default", "?limit=0&prefix=b", ("b/1", "b/2", "b/c/3", "b2")),
    ("limit-negative-is-the-default", "?limit=-1&prefix=b", ("b/1", "b/2", "b/c/3", "b2")),
    ("limit-rubbish-is-the-default", "?limit=x&prefix=b", ("b/1", "b/2", "b/c/3", "b2")),
    ("until-in-the-future", f"?until={FAR}&prefix=b", ("b/1", "b/2", "b/c/3", "b2")),
)


def test_8_1_parameters(world: World) -> None:
    """One container, every combination of parameters."""
    for name in NAMES:
        world.do(put(f"{C}/{name}", "", type="application/directory" if name == "d" else "text/plain"))
    for name, query, wanted in TABLE:
        for form in ("text", "json", "xml"):
            answer = world.do(get(f"{C}{query}{'&' if query else '?'}format={form}").gives(200, 204))
            assert tuple(answer.listed()) == wanted, f"8.1-{name} as {form}"


test_8_1_parameters.rules = tuple(f"8.1-{name}" for name, _, _ in TABLE)  # type: ignore[attr-defined]


def only(check: Any) -> Any:
    return lambda entries: len(entries) == 1 and check(entries[0])


KEYS = {
    "name",
    "bytes",
    "content_type",
    "hash",
    "x_object_hash",
    "x_object_uuid",
    "x_object_modified_by",
    "x_object_version",
    "x_object_version_timestamp",
    "last_modified",
    "available",
}
MAY = {"map_check_timestamp"}


def _xml(root: Element) -> bool:
    (entry,) = root
    found = {one.tag: one.text for one in entry}
    return (
        root.tag == "container"
        and bool(root.get("name"))
        and entry.tag == "object"
        and set(found) | {"hash"} >= KEYS
        and found["name"] == "a<&>"
        and found["bytes"] == "11"
    )


def _subdir(root: Element) -> bool:
    return [(one.tag, one.get("name"), len(one)) for one in root] == [("subdir", "p/", 0)]


DATA = put(f"{C}/a", "hello world")

ROWS = (
    row("8.3-keys", DATA, get(f"{C}?format=json").gives(json=only(lambda one: set(one) - MAY == KEYS))),
    row(
        "8.3-values",
        DATA,
        get(f"{C}?format=json").gives(
            json=only(
                lambda one: (
                    one["name"] == "a"
                    and one["bytes"] == 11
                    and one["content_type"] == "text/plain"
                    and one["x_object_hash"] == HELLO
                    and isinstance(one["x_object_version"], int)
                    and isinstance(one["x_object_uuid"], str)
                    and re.fullmatch(r"\d+\.\d{6}", one["x_object_version_timestamp"])
                    and one["available"] == 1
                    and one.get("map_check_timestamp") in (None, "")
                )
            )
        ),
    ),
    row(
        "8.3-hash-is-empty-unless-the-md5-was-sent",
        DATA,
        get(f"{C}?format=json").gives(json=only(lambda one: one["hash"] == "" or len(one["hash"]) == 32)),
    ),
    row(
        "8.3-type-is-not-encoded",
        put(f"{C}/a", type="image/svg+xml"),
        get(f"{C}?format=json").gives(json=only(lambda one: one["content_type"] == "image/svg+xml")),
    ),
    row(
        "8.3-no-sharing-no-key",
        DATA,
        get(f"{C}?format=json").gives(
            json=only(lambda one: not {"x_object_sharing", "x_object_public", "x_object_allowed_to"} & set(one))
        ),
    ),
    row(
        "8.3-sharing-has-a-raw-star",
        put(f"{C}/a", X_Object_Sharing="read=*"),
        get(f"{C}?format=json").gives(json=only(lambda one: one["x_object_sharing"] == "read=*")),
    ),
    row(
        "8.3-sharing-only-on-what-carries-the-rule",
        put(f"{C}/d", type="application/directory", X_Object_Sharing="read=*"),
        put(f"{C}/d/1"),
        get(f"{C}?format=json&prefix=d/").gives(json=only(lambda one: "x_object_sharing" not in one)),
    ),
    row(
        "8.3-public",
        put(f"{C}/a", X_Object_Public="true"),
        get(f"{C}?format=json").gives(json=only(lambda one: one["x_object_public"].startswith("http"))),
    ),
    row(
        "8.3-public-not-for-others",
        put(f"{C}/a", X_Object_Public="true", X_Object_Sharing="read={other}"),
        get(f"{C}?format=json", by="other").gives(json=only(lambda one: "x_object_public" not in one)),
    ),
    row(
        "8.3-allowed-to-for-others",
        put(f"{C}/a", X_Object_Sharing="write={other}"),
        get(f"{C}?format=json", by="other").gives(json=only(lambda one: one["x_object_allowed_to"] == "write")),
    ),
    row(
        "8.3-until-leaves-keys-out",
        put(f"{C}/a", X_Object_Sharing="read=*", X_Object_Public="true"),
        get(f"{C}?format=json&until={FAR}").gives(json=only(lambda one: set(one) - MAY == KEYS - {"last_modified"})),
    ),
    row(
        "8.3-metadata-is-not-in-lists",
        put(f"{C}/a", X_Object_Meta_Color="red"),
        get(f"{C}?format=json").gives(json=only(lambda one: set(one) - MAY == KEYS)),
    ),
    row("8.3-roll-up-json", put(f"{C}/p/1"), get(f"{C}?format=json&delimiter=/").gives(json=[{"subdir": "p/"}])),
    row("8.3-roll-up-text", put(f"{C}/p/1"), get(f"{C}?delimiter=/").gives(lines=("p/",))),
    row("8.3-roll-up-xml", put(f"{C}/p/1"), get(f"{C}?format=xml&delimiter=/").gives(xml=_subdir)),
    row(
        "8.3-roll-up-once-for-many",
        put(f"{C}/p/1"),
        put(f"{C}/p/2"),
        put(f"{C}/p/q/3"),
        get(f"{C}?delimiter=/").gives(lines=("p/",)),
    ),
    row("8.3-xml", put(f"{C}/a%3C%26%3E", "hello world"), get(f"{C}?format=xml").gives(xml=_xml)),
    row("8.3-xml-container-name", DATA, get(f"{C}?format=xml").gives(xml=lambda root: root.tag == "container")),
    row(
        "8.3-manifest-shows-its-own-size",
        put(f"{C}/part", "12345"),
        put(f"{C}/m", "", X_Object_Manifest="{c}/part"),
        get(f"{C}?format=json&prefix=m").gives(json=only(lambda one: one["bytes"] == 0)),
    ),
    row(
        "8.3-newest-version-only",
        put(f"{C}/a", "1"),
        put(f"{C}/a", "22"),
        get(f"{C}?format=json").gives(json=only(lambda one: one["bytes"] == 2)),
    ),
    row(
        "8.3-empty-type",
        put(f"{C}/a", type=""),
        get(f"{C}?format=json").gives(json=only(lambda one: one["content_type"] == "")),
    ),
    row(
        "8.1-order-by-code-point",
        put(f"{C}/%F0%9F%92%BE"),
        put(f"{C}/%EF%BF%BD"),
        put(f"{C}/%CE%B1"),
        put(f"{C}/z"),
        put(f"{C}/Z"),
        get(C).gives(lines=("Z", "z", "α", "\ufffd", "\U0001f4be")),
    ),
    row(
        "8.1-prefix-in-unicode",
        put(f"{C}/%CE%B11"),
        put(f"{C}/%CE%B22"),
        get(f"{C}?prefix=%CE%B1").gives(lines=("α1",)),
    ),
    row(
        "8.1-prefix-has-no-wildcards",
        put(f"{C}/a%25b"),
        put(f"{C}/axb"),
        put(f"{C}/a_b"),
        get(f"{C}?prefix=a%25").gives(lines=("a%b",)),
        get(f"{C}?prefix=a_").gives(lines=("a_b",)),
    ),
    row(
        "8.1-delimiter-in-unicode",
        put(f"{C}/a%CE%B11"),
        put(f"{C}/a%CE%B12"),
        get(f"{C}?delimiter=%CE%B1").gives(lines=("aα",)),
    ),
    row("8.1-absent-container", get("{new}?format=json").gives(404)),
    row(
        "8.1-until-of-others",
        put(f"{C}/a", X_Object_Sharing="read={other}"),
        get(f"{C}?until={FAR}", by="other").gives(403),
    ),
    row(
        "8.1-public-of-others",
        put(f"{C}/a", X_Object_Sharing="read={other}"),
        get(f"{C}?public", by="other").gives(403),
    ),
)


@each(ROWS)
def test_rule(row: Row, world: World) -> None:
    world.run(row)


@rule("8.3-list-and-head-say-the-same")
def test_8_3_list_and_head_agree(world: World) -> None:
    world.do(put(f"{C}/a", "hello world", type="a/b+c", X_Object_Sharing="read=*"))
    (entry,) = world.do(get(f"{C}?format=json")).json()
    answer = world.do(get(f"{C}/a"))
    assert str(entry["x_object_version"]) == answer["X-Object-Version"]
    assert entry["x_object_uuid"] == answer["X-Object-UUID"]
    assert entry["x_object_hash"] == answer["X-Object-Hash"]
    assert entry["x_object_modified_by"] == answer["X-Object-Modified-By"]
    assert str(entry["bytes"]) == answer["Content-Length"]
    assert [entry["x_object_version"], entry["x_object_version_timestamp"]] == world.do(
        get(f"{C}/a?version=list")
    ).json()["versions"][0]
