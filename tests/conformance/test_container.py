"""Section 6: containers."""

from __future__ import annotations

import re

from conformance.rows import C, Row, copy, delete, each, get, head, make, post, put, row, rule
from conformance.world import World

HTTP_DATE = re.compile(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT")
FUTURE = "Fri, 01 Jan 2100 00:00:00 GMT"
PAST = "Mon, 01 Jan 1990 00:00:00 GMT"
OCTETS = "application/octet-stream"

NEW = "{new}"
SHARE = put(f"{C}/a", X_Object_Sharing="read={other}")
OWN = ("Object-Count", "Bytes-Used", "Policy-Quota", "Policy-Versioning", "Policy-Project", "Meta-Color")

ROWS = (
    row("6-nothing-is-created-implicitly", put(f"{NEW}/a").gives(404), head(NEW).gives(404)),
    row("6-put-creates", make().gives(201, body=b""), head(NEW).gives(204)),
    row("6-put-again", make(), make().gives(202)),
    row("6-put-with-metadata", make(X_Container_Meta_Color="red"), head(NEW).gives(X_Container_Meta_Color="red")),
    row(
        "6-put-again-merges-metadata",
        make(X_Container_Meta_Color="red"),
        make(X_Container_Meta_Size="2").gives(202),
        head(NEW).gives(X_Container_Meta_Color="red", X_Container_Meta_Size="2"),
    ),
    row(
        "6-put-again-with-empty-removes",
        make(X_Container_Meta_Color="red", X_Container_Meta_Size="2"),
        make(X_Container_Meta_Color="").gives(202),
        head(NEW).gives(X_Container_Meta_Color=None, X_Container_Meta_Size="2"),
    ),
    row(
        "6-put-again-with-nothing-keeps",
        make(X_Container_Meta_Color="red"),
        make(),
        head(NEW).gives(X_Container_Meta_Color="red"),
    ),
    row(
        "6-put-again-merges-policies",
        make(X_Container_Policy_Quota="1000", X_Container_Policy_Versioning="none"),
        make(X_Container_Policy_Quota="2000").gives(202),
        head(NEW).gives(X_Container_Policy_Quota="2000", X_Container_Policy_Versioning="none"),
    ),
    row(
        "6-put-with-invalid-policy-creates-nothing",
        make(X_Container_Policy_Quota="much").gives(400),
        head(NEW).gives(404),
    ),
    row("6-put-by-others", make("{new}", by="other", of="me").gives(403), head(NEW).gives(404)),
    row("6-put-existing-by-others", SHARE, make(C, by="other").gives(403)),
    row(
        "6-head",
        make(),
        head(NEW).gives(
            204,
            X_Container_Object_Count="0",
            X_Container_Bytes_Used="0",
            X_Container_Block_Size=lambda value: int(value) > 0,
            X_Container_Block_Hash=re.compile("[a-z0-9]+"),
            X_Container_Object_Meta="",
            X_Container_Policy_Quota="0",
            X_Container_Policy_Versioning=re.compile("auto|none"),
            X_Container_Policy_Project="{me}",
            X_Container_Until_Timestamp=None,
            Last_Modified=HTTP_DATE,
        ),
    ),
    row(
        "6-get-has-the-same-headers",
        put(f"{C}/a"),
        get(C).gives(200, X_Container_Object_Count="1", X_Container_Bytes_Used="4"),
    ),
    row("6-get-empty-text-is-204", make(), get(NEW).gives(204, body=b"", X_Container_Object_Count="0")),
    row("6-get-empty-json-is-200", make(), get(f"{NEW}?format=json").gives(200, json=[])),
    row(
        "6-get-empty-xml-is-200",
        make(),
        get(f"{NEW}?format=xml").gives(200, xml=lambda root: root.tag == "container" and len(root) == 0),
    ),
    row(
        "6-counts-current-objects-with-directories",
        put(f"{C}/a", "12345"),
        put(f"{C}/a", "123"),
        put(f"{C}/d", b"", type="application/directory"),
        put(f"{C}/gone"),
        delete(f"{C}/gone"),
        head(C).gives(X_Container_Object_Count="2", X_Container_Bytes_Used="3"),
    ),
    row(
        "6-object-meta-lists-keys-in-use",
        put(f"{C}/a", X_Object_Meta_Color="red", X_Object_Meta_Size="1"),
        put(f"{C}/b", X_Object_Meta_Color="blue"),
        head(C).gives(
            X_Container_Object_Meta=lambda value: {one.strip() for one in value.split(",")} == {"Color", "Size"}
        ),
    ),
    row(
        "6-object-meta-of-current-versions-only",
        put(f"{C}/a", X_Object_Meta_Color="red"),
        put(f"{C}/a"),
        put(f"{C}/b", X_Object_Meta_Size="1"),
        delete(f"{C}/b"),
        head(C).gives(X_Container_Object_Meta=""),
    ),
    row(
        "6-object-meta-follows-copies",
        put(f"{C}/a", X_Object_Meta_Color="red"),
        copy(f"{C}/a", "{c2}/b"),
        head("{c2}").gives(X_Container_Object_Meta="Color"),
    ),
    row(
        "6-until-has-timestamp",
        put(f"{C}/a"),
        head(f"{C}?until=4000000000").gives(204, X_Container_Until_Timestamp=HTTP_DATE, X_Container_Object_Count="1"),
    ),
    row("6-until-before-creation", make(), head(f"{NEW}?until=1").gives(404)),
    row("6-get-until-before-creation", make(), get(f"{NEW}?until=1").gives(404)),
    row("6-not-modified", make(), head(NEW, If_Modified_Since=FUTURE).gives(304)),
    row("6-modified", make(), head(NEW, If_Modified_Since=PAST).gives(204)),
    row("6-unmodified", make(), head(NEW, If_Unmodified_Since=FUTURE).gives(204)),
    row("6-not-unmodified", make(), head(NEW, If_Unmodified_Since=PAST).gives(412)),
    row("6-get-not-modified", make(), get(NEW, If_Modified_Since=FUTURE).gives(304, body=b"")),
    row("6-get-not-unmodified", make(), get(NEW, If_Unmodified_Since=PAST).gives(412)),
    row(
        "6-head-of-others",
        SHARE,
        head(C, by="other").gives(
            204,
            X_Container_Block_Size=str.isdigit,
            X_Container_Block_Hash=re.compile("[a-z0-9]+"),
            X_Container_Object_Meta="",
            Last_Modified=HTTP_DATE,
            raw={f"X-Container-{name}": None for name in OWN},
        ),
    ),
    row("6-head-of-others-until", SHARE, head(f"{C}?until=4000000000", by="other").gives(403)),
    # POST
    row("6-post", make(), post(NEW).gives(202)),
    row(
        "6-post-replaces-metadata",
        make(X_Container_Meta_Color="red"),
        post(NEW, X_Container_Meta_Size="2"),
        head(NEW).gives(X_Container_Meta_Color=None, X_Container_Meta_Size="2"),
    ),
    row(
        "6-post-with-nothing-wipes",
        make(X_Container_Meta_Color="red"),
        post(NEW),
        head(NEW).gives(X_Container_Meta_Color=None),
    ),
    row(
        "6-post-update-merges",
        make(X_Container_Meta_Color="red"),
        post(f"{NEW}?update", X_Container_Meta_Size="2"),
        head(NEW).gives(X_Container_Meta_Color="red", X_Container_Meta_Size="2"),
    ),
    row(
        "6-post-update-with-empty-removes",
        make(X_Container_Meta_Color="red"),
        post(f"{NEW}?update", X_Container_Meta_Color=""),
        head(NEW).gives(X_Container_Meta_Color=None),
    ),
    row(
        "6-post-update-with-nothing-keeps",
        make(X_Container_Meta_Color="red"),
        post(f"{NEW}?update"),
        head(NEW).gives(X_Container_Meta_Color="red"),
    ),
    row(
        "6-post-without-update-resets-policies-not-sent",
        make(X_Container_Policy_Quota="1000", X_Container_Policy_Versioning="none"),
        post(NEW, X_Container_Policy_Quota="2000").gives(202),
        head(NEW).gives(X_Container_Policy_Quota="2000", X_Container_Policy_Versioning="auto"),
    ),
    row(
        "6-post-without-any-policy-keeps-them",
        make(X_Container_Policy_Quota="1000", X_Container_Policy_Versioning="none"),
        post(NEW, X_Container_Meta_A="1"),
        head(NEW).gives(X_Container_Policy_Quota="1000", X_Container_Policy_Versioning="none"),
    ),
    row(
        "6-post-update-changes-policies-sent",
        make(X_Container_Policy_Quota="1000", X_Container_Policy_Versioning="none"),
        post(f"{NEW}?update", X_Container_Policy_Quota="2000"),
        head(NEW).gives(X_Container_Policy_Quota="2000", X_Container_Policy_Versioning="none"),
    ),
    *(
        row(
            f"6-post-with-empty-{name.lower()}",
            make(),
            post(f"{NEW}?update", raw={f"X-Container-Policy-{name}": ""}).gives(400),
        )
        for name in ("Quota", "Versioning", "Project")
    ),
    row("6-post-by-others", SHARE, post(f"{C}?update", by="other", X_Container_Meta_A="1").gives(403)),
    row(
        "6-post-blocks", post(f"{C}?update", b"abc", Content_Type=OCTETS).gives(202, json=lambda value: len(value) == 1)
    ),
    row(
        "6-post-blocks-chunked",
        post(f"{C}?update", [b"a", b"bc"], Content_Type=OCTETS).gives(202, json=lambda value: len(value) == 1),
    ),
    row(
        "6-post-other-type-ignores-the-body",
        post(f"{C}?update", b"abc", Content_Type="text/plain").gives(202, body=b""),
    ),
    row("6-post-no-type-ignores-the-body", post(f"{C}?update", b"abc").gives(202, body=b"")),
    row(
        "6-post-blocks-without-update-wipes-metadata-too",
        make(X_Container_Meta_Color="red"),
        post(NEW, b"abc", Content_Type=OCTETS).gives(202),
        head(NEW).gives(X_Container_Meta_Color=None),
    ),
    # DELETE
    row("6-delete-empty", make(), delete(NEW).gives(204, body=b""), head(NEW).gives(404)),
    row("6-delete-not-empty", put(f"{C}/a"), delete(C).gives(409), get(f"{C}/a").gives(200)),
    row(
        "6-delete-removes-the-history",
        put(f"{C}/a"),
        delete(f"{C}/a"),
        delete(C).gives(204),
        make(C).gives(201),
        get(f"{C}/a?version=list").gives(404),
    ),
    row(
        "6-delete-delimiter-empties-but-keeps",
        put(f"{C}/a"),
        put(f"{C}/b/c"),
        delete(f"{C}?delimiter=/").gives(204),
        head(C).gives(204, X_Container_Object_Count="0"),
        get(f"{C}/a?version=list").gives(200, json=lambda value: len(value["versions"]) == 1),
    ),
    row(
        "6-delete-delimiter-value-is-not-used",
        put(f"{C}/a"),
        put(f"{C}/b/c"),
        delete(f"{C}?delimiter=x").gives(204),
        get(C).gives(204),
    ),
    row("6-delete-empty-delimiter-is-none", put(f"{C}/a"), delete(f"{C}?delimiter=").gives(409)),
    row("6-delete-unknown", delete(NEW).gives(404)),
    row("6-delete-delimiter-unknown", delete(f"{NEW}?delimiter=/").gives(404)),
    row("6-delete-until-unknown", delete(f"{NEW}?until=1").gives(404)),
    row("6-delete-by-others", SHARE, delete(C, by="other").gives(403)),
    row(
        "6-delete-delimiter-by-others",
        SHARE,
        delete(f"{C}?delimiter=/", by="other").gives(403),
        head(f"{C}/a").gives(200),
    ),
    row("6-delete-until-by-others", SHARE, delete(f"{C}?until=4000000000", by="other").gives(403)),
    row(
        "6-delete-until-keeps-current-and-container",
        put(f"{C}/a", "1"),
        put(f"{C}/a", "2"),
        put(f"{C}/gone"),
        delete(f"{C}/gone"),
        delete(f"{C}?until=4000000000").gives(204),
        get(f"{C}/a").gives(200, body="2"),
        get(f"{C}/a?version=list").gives(200, json=lambda value: len(value["versions"]) == 1),
        get(f"{C}/gone?version=list").gives(404),
    ),
    row(
        "6-delete-until-and-delimiter-is-until",
        put(f"{C}/a"),
        delete(f"{C}?until=4000000000&delimiter=/").gives(204),
        head(f"{C}/a").gives(200),
    ),
    row(
        "6-delete-until-long-ago-keeps-everything",
        put(f"{C}/a", "1"),
        put(f"{C}/a", "2"),
        delete(f"{C}?until=1").gives(204),
        get(f"{C}/a?version=list").gives(200, json=lambda value: len(value["versions"]) == 2),
    ),
)


@each(ROWS)
def test_rule(row: Row, world: World) -> None:
    world.run(row)


@rule(
    "6-last-modified-is-not-affected-by-until", "6-last-modified-follows-objects", "21-last-modified-follows-deletions"
)
def test_6_last_modified(world: World) -> None:
    world.do(put(f"{C}/a"))
    first = world.do(head(C))["Last-Modified"]
    second = world.next_second()
    world.do(put(f"{C}/a", "again"))
    changed = world.do(head(C, If_Modified_Since=first).gives(204))["Last-Modified"]
    assert changed != first
    world.do(head(f"{C}?until={second}").gives(204, Last_Modified=changed))
    world.next_second()
    world.do(delete(f"{C}/a"))
    assert world.do(head(C))["Last-Modified"] != changed
