"""Section 3.1: which format a reply has."""

from __future__ import annotations

from conformance.rows import C, O, Row, call, each, get, make, post, put, row
from conformance.world import World

JSON, XML, TEXT = "application/json; charset=UTF-8", "application/xml; charset=UTF-8", "text/plain; charset=UTF-8"

LISTS = {"top": "/", "account": "", "container": C}

ROWS = (
    *(
        row(
            f"3.1-{level}-list-is-text-by-default",
            put(f"{C}/a", X_Object_Sharing="read={me}"),
            get(path).gives(200, Content_Type=TEXT),
        )
        for level, path in LISTS.items()
    ),
    *(
        row(f"3.1-{level}-list-as-json", get(f"{path}?format=json").gives(200, Content_Type=JSON, json=_is_list))
        for level, path in LISTS.items()
        for _is_list in [lambda value: isinstance(value, list)]
    ),
    *(
        row(
            f"3.1-{level}-list-as-xml",
            get(f"{path}?format=xml").gives(200, Content_Type=XML, xml=lambda root: root is not None),
        )
        for level, path in LISTS.items()
    ),
    row("3.1-accept-json", get(C, Accept="application/json").gives(200, Content_Type=JSON, json=[])),
    row("3.1-accept-xml", get(C, Accept="application/xml").gives(200, Content_Type=XML)),
    row("3.1-accept-parameters-are-ignored", get(C, Accept="application/json;q=0.1").gives(200, Content_Type=JSON)),
    row("3.1-accept-later-item", get(C, Accept="text/html, application/xml").gives(200, Content_Type=XML)),
    row("3.1-accept-something-else", put(f"{C}/a"), get(C, Accept="text/html").gives(200, Content_Type=TEXT)),
    row("3.1-parameter-before-accept", get(f"{C}?format=xml", Accept="application/json").gives(200, Content_Type=XML)),
    row("3.1-other-format-is-ignored", put(f"{C}/a"), get(f"{C}?format=yaml").gives(200, Content_Type=TEXT)),
    row("3.1-format-is-case-sensitive", put(f"{C}/a"), get(f"{C}?format=JSON").gives(200, Content_Type=TEXT)),
    row(
        "3.1-other-format-leaves-accept",
        get(f"{C}?format=yaml", Accept="application/json").gives(200, Content_Type=JSON),
    ),
    row("3.1-path-ends-in-json", make("{new}.json"), get("{new}.json").gives(200, Content_Type=JSON, json=[])),
    row("3.1-path-ends-in-xml", make("{new}.xml"), get("{new}.xml").gives(200, Content_Type=XML)),
    row(
        "3.1-suffix-before-accept",
        make("{new}.json"),
        get("{new}.json", Accept="application/xml").gives(200, Content_Type=JSON),
    ),
    row(
        "3.1-parameter-before-suffix",
        make("{new}.json"),
        get("{new}.json?format=xml").gives(200, Content_Type=XML),
    ),
    row(
        "3.1-hashmap-is-json-by-default", put(O), get(f"{O}?hashmap").gives(200, json=lambda value: value["bytes"] == 4)
    ),
    row(
        "3.1-hashmap-as-xml",
        put(O),
        get(f"{O}?hashmap&format=xml").gives(200, xml=lambda root: root.get("bytes") == "4"),
    ),
    row(
        "3.1-hashmap-by-suffix-xml",
        put(f"{O}.xml"),
        get(f"{O}.xml?hashmap").gives(200, xml=lambda root: root.get("bytes") == "4"),
    ),
    row(
        "3.1-hashmap-by-accept",
        put(O),
        get(f"{O}?hashmap", Accept="application/xml").gives(200, xml=lambda root: root.tag == "object"),
    ),
    row("3.1-hashmap-carries-the-objects-type", put(O), get(f"{O}?hashmap").gives(200, Content_Type="text/plain")),
    row("3.1-data-carries-the-objects-type", put(O), get(f"{O}?format=json").gives(200, Content_Type="text/plain")),
    row(
        "3.1-version-list-is-json-by-default",
        put(O),
        get(f"{O}?version=list").gives(200, Content_Type=JSON, json=lambda value: len(value["versions"]) == 1),
    ),
    row(
        "3.1-version-list-as-xml",
        put(O),
        get(f"{O}?version=list&format=xml").gives(200, Content_Type=XML, xml=lambda root: len(root) == 1),
    ),
    row(
        "3.1-blocks-reply-is-json-by-default",
        post(f"{C}?update", b"x", Content_Type="application/octet-stream").gives(202, Content_Type=JSON),
    ),
    row(
        "3.1-blocks-reply-as-xml",
        post(f"{C}?update&format=xml", b"x", Content_Type="application/octet-stream").gives(202, Content_Type=XML),
    ),
    row(
        "3.1-missing-blocks-are-json-only",
        put(f"{O}?hashmap&format=json", '{"bytes": 1, "hashes": ["' + "ab" * 32 + '"]}').gives(409, json=["ab" * 32]),
    ),
    row("3.1-error-is-json-by-default", get(O).gives(404, Content_Type=JSON)),
    row(
        "3.1-error-as-xml-by-parameter",
        get(f"{O}?format=xml").gives(
            404, Content_Type=XML, xml=lambda root: (root.tag, root.get("code")) == ("itemNotFound", "404")
        ),
    ),
    row(
        "3.1-error-as-xml-by-suffix",
        get(f"{O}.xml").gives(404, Content_Type=XML, xml=lambda root: root.tag == "itemNotFound"),
    ),
    row(
        "3.1-error-as-xml-by-accept",
        get(O, Accept="application/xml").gives(404, Content_Type=XML, xml=lambda root: root.tag == "itemNotFound"),
    ),
    row(
        "3.1-error-xml-has-message-and-details",
        get(f"{O}?format=xml").gives(404, xml=lambda root: {one.tag for one in root} == {"message", "details"}),
    ),
    row(
        "3.1-error-of-a-text-list-is-json-labelled-text",
        get("{new}").gives(404, fault="itemNotFound", Content_Type=TEXT),
    ),
    row("3.1-error-of-a-json-list", get("{new}?format=json").gives(404, fault="itemNotFound", Content_Type=JSON)),
    row(
        "3.1-wrong-verb-as-xml", call("PATCH", f"{O}?format=xml").gives(405, xml=lambda root: root.tag == "notAllowed")
    ),
    row(
        "3.1-text-list-ends-each-name-with-newline",
        put(f"{C}/%CE%B1"),
        put(f"{C}/b"),
        get(C).gives(200, body="b\nα\n"),
    ),
)


@each(ROWS)
def test_rule(row: Row, world: World) -> None:
    world.run(row)
