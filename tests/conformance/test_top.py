"""Section 4: the top level, the accounts that share something with the caller."""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element

import pytest
from conformance.rows import C, Row, delete, each, get, post, put, row
from conformance.world import World

ISO_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?\+00:00")

SHARED = put(f"{C}/a", X_Object_Sharing="read={other}")


def _json(entries: list[dict[str, str]]) -> bool:
    return all(set(one) == {"name", "last_modified"} and ISO_DATE.fullmatch(one["last_modified"]) for one in entries)


def _xml(root: Element) -> bool:
    return root.tag == "accounts" and all(
        one.tag == "account" and {part.tag for part in one} == {"name", "last_modified"} for one in root
    )


ROWS = (
    row("4-text-list", SHARED, get("/", by="other").gives(200, has=("{me}",))),
    row("4-json-list", SHARED, get("/?format=json", by="other").gives(200, json=_json, has=("{me}",))),
    row("4-xml-list", SHARED, get("/?format=xml", by="other").gives(200, xml=_xml, has=("{me}",))),
    row(
        "4-text-includes-the-caller-if-a-rule-names-the-caller",
        put(f"{C}/a", X_Object_Sharing="read={me}"),
        get("/").gives(200, has=("{me}",)),
    ),
    row(
        "4-json-leaves-the-caller-out",
        put(f"{C}/a", X_Object_Sharing="read={me}"),
        get("/?format=json").gives(200, lacks=("{me}",)),
    ),
    row("4-shared-with-everybody", put(f"{C}/a", X_Object_Sharing="read=*"), get("/", by="other").gives(has=("{me}",))),
    row(
        "4-a-write-rule-counts",
        put(f"{C}/a", X_Object_Sharing="write={other}"),
        get("/", by="other").gives(has=("{me}",)),
    ),
    row("4-limit-is-ignored", SHARED, get("/?limit=0", by="other").gives(200, has=("{me}",))),
    row("4-marker-is-ignored", SHARED, get("/?marker=zzzz", by="other").gives(200, has=("{me}",))),
    row("4-json-is-a-list-even-if-empty", get("/?format=json").gives(200, json=_json)),
    row("4-xml-has-a-root-even-if-empty", get("/?format=xml").gives(200, xml=_xml)),
)


@each(ROWS)
def test_rule(row: Row, world: World) -> None:
    world.run(row)


THEIRS = put("{theirs}/a", by="other", of="other", X_Object_Sharing="read={me}")

NOTHING = (
    row("4-nothing-shared"),
    row(
        "4-the-end-of-sharing-ends-being-listed",
        THEIRS,
        post("{theirs}/a?update", by="other", of="other", X_Object_Sharing=""),
    ),
    row("4-deletion-ends-being-listed", THEIRS, delete("{theirs}/a", by="other", of="other")),
    row("4-publication-is-not-sharing", put("{theirs}/a", by="other", of="other", X_Object_Public="true")),
    row(
        "4-a-rule-for-somebody-else",
        put("{theirs}/a", by="other", of="other", X_Object_Sharing="read=nobody-of-that-name"),
    ),
)


@each(NOTHING)
def test_nothing_is_shared(row: Row, world: World) -> None:
    """The other user's account is not listed; the text list is 204 when it is empty."""
    if world["other"] in world.do(get("/").gives(200, 204)).lines():
        pytest.skip("the other user shares something outside of this run")
    world.run(row)
    answer = world.do(get("/").gives(200, 204, lacks=("{other}",)))
    assert (answer.status == 204) == (answer.body == b"")
    world.do(get("/?format=json").gives(200, lacks=("{other}",)))
