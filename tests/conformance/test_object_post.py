"""Section 7.5: POST to an object without data: metadata, sharing, publication; and the HTML form."""

from __future__ import annotations

import re

from conformance.rows import C, Differs, O, Row, Step, each, get, head, make, post, put, row, rule
from conformance.world import World

URL = re.compile("https?://.+")
FULL = put(
    O,
    X_Object_Meta_A="1",
    Content_Encoding="gzip",
    Content_Disposition="attachment",
    X_Object_Manifest="{shared}/zz-none",
)
OF_OTHERS = put(O, X_Object_Sharing="write={other}")

ROWS = (
    row("7.5-reply", put(O), post(O, X_Object_Meta_A="1").gives(202, body=b"", X_Object_Version=str.isdigit)),
    row(
        "7.5-replaces-everything",
        FULL,
        post(O, X_Object_Meta_B="2").gives(202),
        head(O).gives(
            X_Object_Meta_A=None,
            X_Object_Meta_B="2",
            Content_Encoding=None,
            Content_Disposition=None,
            X_Object_Manifest=None,
        ),
    ),
    row(
        "7.5-nothing-sent-removes-all",
        FULL,
        post(O).gives(202),
        head(O).gives(X_Object_Meta_A=None, Content_Encoding=None, Content_Disposition=None, X_Object_Manifest=None),
    ),
    row(
        "7.5-replaces-by-extras-too",
        FULL,
        post(O, Content_Encoding="br").gives(202),
        head(O).gives(X_Object_Meta_A=None, Content_Encoding="br", Content_Disposition=None),
    ),
    row(
        "7.5-update-merges",
        FULL,
        post(f"{O}?update", X_Object_Meta_B="2").gives(202),
        head(O).gives(
            X_Object_Meta_A="1",
            X_Object_Meta_B="2",
            Content_Encoding="gzip",
            Content_Disposition="attachment",
            X_Object_Manifest="{shared}/zz-none",
        ),
    ),
    row(
        "7.5-update-empty-removes",
        FULL,
        post(f"{O}?update", X_Object_Meta_A="").gives(202),
        head(O).gives(X_Object_Meta_A=None, Content_Encoding="gzip"),
    ),
    row(
        "7.5-update-with-nothing-touches-nothing",
        FULL,
        post(f"{O}?update").gives(202),
        head(O).gives(X_Object_Meta_A="1", Content_Encoding="gzip"),
    ),
    row(
        "7.5-update-replaces-a-value",
        FULL,
        post(f"{O}?update", X_Object_Meta_A="2", Content_Encoding="br"),
        head(O).gives(X_Object_Meta_A="2", Content_Encoding="br"),
    ),
    row(
        "7.5-type-cannot-be-changed",
        put(O, type="text/x"),
        post(f"{O}?update", Content_Type="text/y", X_Object_Meta_A="1").gives(202),
        head(O).gives(Content_Type="text/x"),
    ),
    row(
        "7.5-body-is-ignored",
        put(O, "x"),
        post(f"{O}?update", b"y", Content_Type="text/plain").gives(202),
        get(O).gives(body="x"),
    ),
    row(
        "7.5-version-header-only-if-metadata-was-touched",
        put(O),
        post(f"{O}?update", X_Object_Sharing="read=*").gives(202, X_Object_Version=None),
    ),
    row(
        "7.5-sharing-makes-no-version",
        put(O).gives(save={"v": "X-Object-Version"}),
        post(f"{O}?update", X_Object_Sharing="read=*").gives(202),
        head(O).gives(X_Object_Version="{v}", X_Object_Sharing="read=%2A"),
    ),
    row(
        "7.5-publication-makes-no-version",
        put(O).gives(save={"v": "X-Object-Version"}),
        post(f"{O}?update", X_Object_Public="true").gives(202, X_Object_Version=None),
        head(O).gives(X_Object_Version="{v}", X_Object_Public=URL),
    ),
    row(
        "7.5-metadata-makes-a-version",
        put(O).gives(save={"v": "X-Object-Version"}),
        post(f"{O}?update", X_Object_Meta_A="1").gives(
            202, X_Object_Version=Differs("{v}"), save={"w": "X-Object-Version"}
        ),
        head(O).gives(X_Object_Version="{w}"),
        get(f"{O}?version=list").gives(json=lambda value: len(value["versions"]) == 2),
    ),
    row(
        "7.5-old-version-keeps-its-metadata",
        put(O, X_Object_Meta_A="1").gives(save={"v": "X-Object-Version"}),
        post(O, X_Object_Meta_B="2"),
        head(f"{O}?version={{v}}").gives(X_Object_Meta_A="1", X_Object_Meta_B=None),
    ),
    row(
        "7.5-data-and-uuid-stay",
        put(O, "x"),
        head(O).gives(save={"u": "X-Object-UUID", "t": "ETag"}),
        post(O, X_Object_Meta_A="1"),
        get(O).gives(body="x", X_Object_UUID="{u}", ETag="{t}"),
    ),
    row(
        "7.5-sharing-without-update",
        put(O),
        post(O, X_Object_Sharing="read=*").gives(202),
        head(O).gives(X_Object_Sharing="read=%2A"),
    ),
    row(
        "7.5-sharing-empty-removes",
        put(O, X_Object_Sharing="read=*"),
        post(f"{O}?update", X_Object_Sharing=""),
        head(O).gives(X_Object_Sharing=None),
    ),
    row(
        "7.5-public-false-withdraws",
        put(O, X_Object_Public="true"),
        post(f"{O}?update", X_Object_Public="false"),
        head(O).gives(X_Object_Public=None),
    ),
    row("7.5-public-rubbish", put(O), post(f"{O}?update", X_Object_Public="1").gives(400)),
    row(
        "7.5-sharing-rubbish-changes-nothing",
        put(O, X_Object_Meta_A="1"),
        post(O, X_Object_Sharing="all", X_Object_Meta_B="2").gives(400),
        head(O).gives(X_Object_Meta_A="1", X_Object_Meta_B=None),
    ),
    row(
        "7.5-by-a-writer",
        OF_OTHERS,
        post(f"{O}?update", by="other", X_Object_Meta_A="1").gives(202),
        head(O).gives(X_Object_Meta_A="1", X_Object_Modified_By="{other}"),
    ),
    row(
        "7.5-by-a-reader",
        put(O, X_Object_Sharing="read={other}"),
        post(f"{O}?update", by="other", X_Object_Meta_A="1").gives(403),
    ),
    row("7.5-by-a-stranger", put(O), post(f"{O}?update", by="other", X_Object_Meta_A="1").gives(403)),
    row(
        "7.5-writers-cannot-share",
        OF_OTHERS,
        post(f"{O}?update", by="other", X_Object_Sharing="read=*").gives(403),
        head(O).gives(X_Object_Sharing="write={other}"),
    ),
    row("7.5-absent-object", post(O, X_Object_Meta_A="1").gives(404)),
    row("7.5-absent-object-update-with-nothing", post(f"{O}?update").gives(404)),
    row(
        "7.5-if-match",
        put(O).gives(save={"t": "ETag"}),
        post(f"{O}?update", X_Object_Meta_A="1", If_Match="wrong").gives(412),
        head(O).gives(X_Object_Meta_A=None),
        post(f"{O}?update", X_Object_Meta_A="1", If_Match="{t}").gives(202),
    ),
    row("7.5-if-none-match", put(O), post(f"{O}?update", X_Object_Meta_A="1", If_None_Match="*").gives(412)),
    row(
        "7.5-metadata-with-octet-stream-is-a-data-update",
        put(O),
        post(f"{O}?update", Content_Type="application/octet-stream", X_Object_Meta_A="1").gives(400),
    ),
)


@each(ROWS)
def test_rule(row: Row, world: World) -> None:
    world.run(row)


@rule("7.5-metadata-moves-last-modified")
def test_7_5_metadata_moves_last_modified(world: World) -> None:
    world.do(put(O))
    before = world.do(head(O))["Last-Modified"]
    world.next_second()
    world.do(post(f"{O}?update", X_Object_Meta_A="1"))
    world.do(head(O).gives(200, Last_Modified=Differs(before)))


def form(
    path: str, data: bytes = b"form data", field: str = "X-Object-Data", type: str | None = "text/x", **more: str
) -> Step:
    """A POST as a browser sends it."""
    kind = f"Content-Type: {type}\r\n" if type else ""
    body = (
        b'--edge\r\nContent-Disposition: form-data; name="comment"\r\n\r\nsomething\r\n'
        + f'--edge\r\nContent-Disposition: form-data; name="{field}"; filename="a.txt"\r\n{kind}\r\n'.encode()
        + data
        + b"\r\n--edge--\r\n"
    )
    return post(path, body, Content_Type="multipart/form-data; boundary=edge", **more)


FORMS = (
    row(
        "7.5-form-creates",
        form(O).gives(
            201,
            X_Object_Version=str.isdigit,
            ETag=re.compile("[0-9a-f]+"),
            body=lambda body: len(body.strip()) in (0, 32),
        ),
        get(O).gives(200, body="form data", Content_Type="text/x"),
    ),
    row(
        "7.5-form-replaces-and-drops-metadata",
        put(O, X_Object_Meta_A="1", X_Object_Sharing="read=*"),
        form(O).gives(201),
        get(O).gives(body="form data", X_Object_Meta_A=None, X_Object_Sharing="read=%2A"),
    ),
    row("7.5-form-with-token-as-parameter", form(f"{O}?X-Auth-Token={{token}}", by="nobody").gives(201)),
    row("7.5-form-without-the-field", form(O, field="file").gives(400), head(O).gives(404)),
    row("7.5-form-empty-file", form(O, b"").gives(201), head(O).gives(200, Content_Length="0")),
    row(
        "7.5-form-binary",
        form(O, bytes(range(256)) + b"\r\n--edg\r\n").gives(201),
        get(O).gives(body=bytes(range(256)) + b"\r\n--edg\r\n"),
    ),
    row("7.5-form-absent-container", form("{new}/a").gives(404)),
    row("7.5-form-by-a-stranger", form(O, by="other").gives(403)),
    row("7.5-form-by-a-writer", OF_OTHERS, form(O, by="other").gives(201), get(O).gives(body="form data")),
    row(
        "7.5-form-container-quota",
        make(X_Container_Policy_Quota="3"),
        form("{new}/a").gives(413),
        head("{new}/a").gives(404),
    ),
    row(
        "7.5-form-keeps-the-uuid",
        put(f"{C}/a"),
        head(f"{C}/a").gives(save={"u": "X-Object-UUID"}),
        form(f"{C}/a"),
        head(f"{C}/a").gives(X_Object_UUID="{u}"),
    ),
)


@each(FORMS)
def test_form(row: Row, world: World) -> None:
    world.names["token"] = world.server.me.token
    world.run(row)
