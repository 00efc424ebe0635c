"""Section 12: sharing rules, inheritance, rights, groups, and what others see."""

from __future__ import annotations

import re
from typing import Any

import pytest
from conformance.rows import C, O, Row, delete, each, get, head, make, move, post, put, row, rule
from conformance.world import World

DIRECTORY = "application/directory"
OCTETS = "application/octet-stream"


def shared(rule: str, path: str = O, body: str = "data", **more: Any) -> Any:
    return put(path, body, X_Object_Sharing=rule, **more)


def folder(rule: str, path: str = f"{C}/d", type: str = DIRECTORY) -> Any:
    return put(path, "", type=type, X_Object_Sharing=rule)


NORMAL: dict[str, tuple[str, Any]] = {
    "one-reader": ("read={other}", "read={other}"),
    "one-writer": ("write={other}", "write={other}"),
    "blanks-are-removed": (" read = {other} ", "read={other}"),
    "lower-case": ("read=ABC", "read=abc"),
    "duplicates-are-dropped": ("read=abc,abc", "read=abc"),
    "star-swallows-its-list": ("read=abc,*", "read=%2A"),
    "star-swallows-its-list-of-writers": ("write=*,abc", "write=%2A"),
    "in-both-stays-in-write": ("read=abc,def;write=abc", "read=def; write=abc"),
    "last-of-one-keyword-counts": ("read=abc;read=def", "read=def"),
    "groups": ("read={me}:friends", "read={me}:friends"),
    "unknown-users": ("read=nobody-of-that-name", "read=nobody-of-that-name"),
    "star-for-both": ("read=*;write=*", re.compile("(read=%2A; )?write=%2A")),
}

WRONG = {
    "empty-list": "read=",
    "empty-list-of-writers": "write=",
    "other-keyword": "delete={other}",
    "upper-case-keyword": "READ={other}",
    "no-keyword": "{other}",
    "half-good": "read={other};x=y",
}

ROWS = (
    *(
        row(f"12.1-{name}", shared(sent).gives(201), head(O).gives(200, X_Object_Sharing=kept))
        for name, (sent, kept) in NORMAL.items()
    ),
    *(row(f"12.1-{name}-is-refused", shared(sent).gives(400), head(O).gives(404)) for name, sent in WRONG.items()),
    row(
        "12.1-two-keywords",
        shared("read=abc; write=def").gives(201),
        head(O).gives(X_Object_Sharing="read=abc; write=def"),
    ),
    row(
        "12.1-empty-removes",
        shared("read=abc"),
        post(f"{O}?update", X_Object_Sharing=""),
        head(O).gives(X_Object_Sharing=None),
    ),
    row(
        "12.1-replaces-the-whole-rule",
        shared("read=abc; write=def"),
        post(f"{O}?update", X_Object_Sharing="read=ghi"),
        head(O).gives(X_Object_Sharing="read=ghi"),
    ),
    row("12.1-star-is-everybody", shared("read=*"), get(O, by="other").gives(200)),
    row("12.1-star-is-nobody-without-token", shared("read=*"), get(O, by="nobody").gives(401)),
    row(
        "12.1-write-includes-read", shared("write={other}"), get(O, by="other").gives(200, X_Object_Allowed_To="write")
    ),
    row(
        "12.1-readers-see-the-whole-rule",
        shared("read={other},abc; write=def"),
        head(O, by="other").gives(
            200, X_Object_Sharing=re.compile("read=({other},abc|abc,{other}|[^;]*,[^;]*); write=def")
        ),
    ),
    row("12.1-kept-on-overwrite", shared("read={other}"), put(O, "x"), get(O, by="other").gives(200, body="x")),
    row("12.1-dropped-on-delete", shared("read={other}"), delete(O), put(O), get(O, by="other").gives(403)),
    row(
        "12.1-dropped-on-move",
        shared("read={other}"),
        move(O, f"{O}b"),
        get(f"{O}b", by="other").gives(403),
        put(O),
        get(O, by="other").gives(403),
    ),
    row("12.1-principal-is-compared-without-case", shared("read={other_upper}"), get(O, by="other").gives(200)),
    # 12.2
    row(
        "12.2-directory-covers-what-is-below",
        folder("read={other}"),
        put(f"{C}/d/a/b", "x"),
        get(f"{C}/d/a/b", by="other").gives(200, body="x", X_Object_Allowed_To="read", X_Object_Shared_By="{me}/{c}/d"),
    ),
    row(
        "12.2-folder-is-alike",
        folder("read={other}", type="application/folder"),
        put(f"{C}/d/a"),
        get(f"{C}/d/a", by="other").gives(200),
    ),
    row(
        "12.2-type-parameters-are-ignored",
        folder("read={other}", type="application/directory; x=y"),
        put(f"{C}/d/a"),
        get(f"{C}/d/a", by="other").gives(200),
    ),
    row(
        "12.2-other-types-cover-one-name",
        shared("read={other}", f"{C}/d"),
        put(f"{C}/d/a"),
        get(f"{C}/d", by="other").gives(200),
        get(f"{C}/d/a", by="other").gives(403),
    ),
    row("12.2-only-below-the-slash", folder("read={other}"), put(f"{C}/dx"), get(f"{C}/dx", by="other").gives(403)),
    row(
        "12.2-marker-with-trailing-slash",
        folder("read={other}", f"{C}/d/"),
        put(f"{C}/d/a"),
        get(f"{C}/d/a", by="other").gives(200, X_Object_Shared_By=lambda value: value.rstrip("/").endswith("/d")),
    ),
    row(
        "12.2-writers-create-below",
        folder("write={other}"),
        put(f"{C}/d/new", "x", by="other").gives(201),
        get(f"{C}/d/new").gives(200, body="x", X_Object_Modified_By="{other}"),
    ),
    row("12.2-readers-do-not-create-below", folder("read={other}"), put(f"{C}/d/new", by="other").gives(403)),
    row(
        "12.2-nearest-rule-alone-counts",
        folder("write={other}"),
        shared("read={other}", f"{C}/d/a"),
        put(f"{C}/d/a", by="other").gives(403),
        get(f"{C}/d/a", by="other").gives(200, X_Object_Allowed_To="read", X_Object_Shared_By=None),
    ),
    row(
        "12.2-nearer-rule-takes-away",
        folder("read={other}"),
        shared("read=somebody-else", f"{C}/d/a"),
        get(f"{C}/d/a", by="other").gives(403),
        get(f"{C}/d", by="other").gives(200),
    ),
    row(
        "12.2-nearer-directory-takes-away",
        folder("read={other}"),
        folder("read=somebody-else", f"{C}/d/e"),
        put(f"{C}/d/e/a"),
        put(f"{C}/d/b"),
        get(f"{C}/d/e/a", by="other").gives(403),
        get(f"{C}/d/b", by="other").gives(200),
    ),
    row(
        "12.2-nearer-rule-gives",
        put(f"{C}/d", "", type=DIRECTORY),
        folder("read={other}", f"{C}/d/e"),
        put(f"{C}/d/e/a"),
        put(f"{C}/d/b"),
        get(f"{C}/d/e/a", by="other").gives(200),
        get(f"{C}/d/b", by="other").gives(403),
    ),
    row(
        "12.2-deleting-the-marker-ends-it",
        folder("read={other}"),
        put(f"{C}/d/a"),
        delete(f"{C}/d"),
        get(f"{C}/d/a", by="other").gives(403),
    ),
    row(
        "12.2-another-type-ends-it",
        folder("read={other}"),
        put(f"{C}/d/a"),
        put(f"{C}/d", type="text/plain"),
        get(f"{C}/d/a", by="other").gives(403),
        get(f"{C}/d", by="other").gives(200),
    ),
    row(
        "12.2-becoming-a-directory-begins-it",
        shared("read={other}", f"{C}/d"),
        put(f"{C}/d/a"),
        put(f"{C}/d", "", type=DIRECTORY),
        get(f"{C}/d/a", by="other").gives(200),
    ),
    row(
        "12.2-existing-and-later-names",
        put(f"{C}/d/before"),
        folder("read={other}"),
        put(f"{C}/d/after"),
        get(f"{C}/d/before", by="other").gives(200),
        get(f"{C}/d/after", by="other").gives(200),
    ),
    row(
        "12.2-owner-sees-where-it-comes-from",
        folder("read=abc"),
        put(f"{C}/d/a"),
        head(f"{C}/d/a").gives(X_Object_Sharing="read=abc", X_Object_Shared_By="{me}/{c}/d"),
    ),
    row(
        "12.2-own-rule-has-no-source",
        folder("read=abc"),
        head(f"{C}/d").gives(X_Object_Sharing="read=abc", X_Object_Shared_By=None),
    ),
    row(
        "12.2-absent-name-below-is-404",
        folder("read={other}"),
        get(f"{C}/d/none", by="other").gives(404),
        head(f"{C}/none", by="other").gives(403),
    ),
    row(
        "12.2-containers-cannot-be-shared",
        make(raw={"X-Object-Sharing": "read=*"}),
        put("{new}/a"),
        get("{new}/a", by="other").gives(403),
    ),
    # 12.4
    row(
        "12.4-container-list-of-granted-names",
        shared("read={other}", f"{C}/a"),
        put(f"{C}/b"),
        shared("write={other}", f"{C}/c"),
        shared("read=abc", f"{C}/x"),
        get(C, by="other").gives(200, lines=("a", "c")),
    ),
    row(
        "12.4-directory-with-everything-below",
        folder("read={other}"),
        put(f"{C}/d/1"),
        put(f"{C}/d/e/2"),
        put(f"{C}/dx"),
        get(C, by="other").gives(lines=("d", "d/1", "d/e/2")),
    ),
    row(
        "12.4-even-names-that-a-nearer-rule-hides",
        folder("read={other}"),
        shared("read=abc", f"{C}/d/hidden"),
        get(C, by="other").gives(lines=("d", "d/hidden")),
        get(f"{C}/d/hidden", by="other").gives(403),
    ),
    row("12.4-nothing-granted", put(f"{C}/a"), get(C, by="other").gives(403)),
    row("12.4-nothing-granted-head", put(f"{C}/a"), head(C, by="other").gives(403)),
    row("12.4-nothing-under-the-prefix", shared("read={other}", f"{C}/a"), get(f"{C}?prefix=b", by="other").gives(403)),
    row(
        "12.4-under-the-prefix",
        shared("read={other}", f"{C}/a/1"),
        shared("read={other}", f"{C}/b"),
        get(f"{C}?prefix=a", by="other").gives(lines=("a/1",)),
    ),
    row(
        "12.4-prefix-inside-a-shared-directory",
        folder("read={other}"),
        put(f"{C}/d/e/1"),
        put(f"{C}/d/f"),
        get(f"{C}?prefix=d/e/", by="other").gives(lines=("d/e/1",)),
    ),
    row(
        "12.4-delimiter",
        shared("read={other}", f"{C}/a/1"),
        put(f"{C}/b/1"),
        shared("read={other}", f"{C}/c"),
        get(f"{C}?delimiter=/", by="other").gives(lines=("a/", "c")),
    ),
    row("12.4-until", shared("read={other}", f"{C}/a"), get(f"{C}?until=4000000000", by="other").gives(403)),
    row("12.4-public", shared("read={other}", f"{C}/a"), get(f"{C}?public", by="other").gives(403)),
    row(
        "12.4-account-list",
        shared("read={other}", f"{C}/a"),
        put("{c2}/a"),
        get("", by="other").gives(200, has=(C,), lacks=("{c2}",)),
    ),
    row("12.4-account-list-by-a-directory", folder("read={other}"), get("", by="other").gives(200, has=(C,))),
    row(
        "12.4-star-appears-in-lists",
        shared("read=*", f"{C}/a"),
        get("", by="other").gives(has=(C,)),
        get(C, by="other").gives(lines=("a",)),
    ),
    row(
        "12.4-publications-never-show-up",
        put(f"{C}/a", X_Object_Public="true"),
        shared("read={other}", f"{C}/b"),
        get(C, by="other").gives(lines=("b",)),
    ),
    row(
        "12.4-deleted-names-do-not-show-up",
        shared("read={other}", f"{C}/a"),
        shared("read={other}", f"{C}/b"),
        delete(f"{C}/a"),
        get(C, by="other").gives(lines=("b",)),
    ),
    # 12.5
    row("12.5-shared", shared("read=abc", f"{C}/a"), put(f"{C}/b"), get(f"{C}?shared").gives(200, lines=("a",))),
    row(
        "12.5-shared-with-everything-below-directories",
        folder("read=abc"),
        put(f"{C}/d/1"),
        put(f"{C}/x"),
        get(f"{C}?shared").gives(lines=("d", "d/1")),
    ),
    row(
        "12.5-public", put(f"{C}/a", X_Object_Public="true"), put(f"{C}/b"), get(f"{C}?public").gives(200, lines=("a",))
    ),
    row(
        "12.5-public-has-no-inheritance",
        put(f"{C}/d", "", type=DIRECTORY, X_Object_Public="true"),
        put(f"{C}/d/1"),
        get(f"{C}?public").gives(lines=("d",)),
    ),
    row(
        "12.5-union",
        shared("read=abc", f"{C}/a"),
        put(f"{C}/b", X_Object_Public="true"),
        put(f"{C}/x"),
        get(f"{C}?public&shared").gives(lines=("a", "b")),
    ),
    row(
        "12.5-nothing-shared",
        put(f"{C}/a"),
        get(f"{C}?shared").gives(204),
        get(f"{C}?shared&format=json").gives(200, json=[]),
    ),
    row("12.5-nothing-public", put(f"{C}/a"), get(f"{C}?public").gives(204)),
    row(
        "12.5-shared-with-prefix",
        shared("read=abc", f"{C}/a/1"),
        shared("read=abc", f"{C}/b"),
        get(f"{C}?shared&prefix=a").gives(lines=("a/1",)),
    ),
    row("12.5-a-write-rule-counts", shared("write=abc", f"{C}/a"), get(f"{C}?shared").gives(lines=("a",))),
)


@each(ROWS)
def test_rule(row: Row, world: World) -> None:
    world.names["other_upper"] = world["other"].upper()
    world.run(row)


GROUP = post("?update", raw={"X-Account-Group-conformance": "{other}"})

GROUPS = (
    row(
        "12.1-group-members-may-read",
        GROUP,
        shared("read={me}:conformance"),
        get(O, by="other").gives(200, X_Object_Allowed_To="read"),
    ),
    row("12.1-group-members-may-write", GROUP, shared("write={me}:conformance"), put(O, "x", by="other").gives(201)),
    row("12.1-group-is-compared-without-case", GROUP, shared("read={me}:CONFORMANCE"), get(O, by="other").gives(200)),
    row(
        "12.1-group-by-a-directory",
        GROUP,
        folder("read={me}:conformance"),
        put(f"{C}/d/a"),
        get(f"{C}/d/a", by="other").gives(200),
        get(C, by="other").gives(lines=("d", "d/a")),
    ),
    row(
        "12.1-group-in-lists",
        GROUP,
        shared("read={me}:conformance", f"{C}/a"),
        get("", by="other").gives(has=(C,)),
        get("/", by="other").gives(200, has=("{me}",)),
    ),
    row(
        "12.1-leaving-the-group-ends-it",
        GROUP,
        shared("read={me}:conformance"),
        post("?update", raw={"X-Account-Group-conformance": "{me}"}),
        get(O, by="other").gives(403),
    ),
    row(
        "12.1-deleting-the-group-ends-it",
        GROUP,
        shared("read={me}:conformance"),
        post("?update", raw={"X-Account-Group-conformance": ""}),
        get(O, by="other").gives(403),
    ),
    row(
        "12.1-joining-later-begins-it",
        shared("read={me}:conformance"),
        get(O, by="other").gives(403),
        GROUP,
        get(O, by="other").gives(200),
    ),
    row(
        "12.1-group-of-that-name-elsewhere-does-not-count",
        GROUP,
        shared("read={other}:conformance"),
        get(O, by="other").gives(403),
    ),
)


@each(GROUPS)
@pytest.mark.usefixtures("kept_account")
def test_group(row: Row, world: World) -> None:
    world.run(row)


@pytest.mark.usefixtures("kept_account")
@rule("12.1-a-group-may-belong-to-any-account")
def test_12_1_group_of_another_account(world: World) -> None:
    """A rule of the other user names a group of the first, of which the first is a member."""
    world.do(post("?update", raw={"X-Account-Group-conformance": "{me}"}))
    world.do(put("{theirs}/g", by="other", of="other", X_Object_Sharing="read={me}:conformance"))
    world.do(get("{theirs}/g", of="other").gives(200))
