"""Section 7.3: PUT of an object."""

from __future__ import annotations

import hashlib
import re

from conformance.rows import C, O, Row, call, each, get, head, make, put, row
from conformance.world import World

HEX = re.compile("[0-9a-f]{32,128}")
MD5 = hashlib.md5(b"data").hexdigest()

ROWS = (
    row(
        "7.3-creates",
        put(O).gives(201, ETag=HEX, X_Object_Version=str.isdigit, body=b""),
        get(O).gives(200, body="data"),
    ),
    row("7.3-etag-is-that-of-head", put(O).gives(201, save={"tag": "ETag"}), head(O).gives(200, ETag="{tag}")),
    row(
        "7.3-version-is-that-of-head",
        put(O).gives(201, save={"v": "X-Object-Version"}),
        head(O).gives(X_Object_Version="{v}"),
    ),
    row(
        "7.3-replaces",
        put(O, "1"),
        put(O, "22", type="text/html").gives(201),
        get(O).gives(200, body="22", Content_Type="text/html"),
    ),
    row("7.3-chunked", put(O, [b"da", b"ta"]).gives(201), get(O).gives(200, body="data")),
    row("7.3-chunked-empty", put(O, []).gives(201), get(O).gives(200, body=b"")),
    row("7.3-empty", put(O, "").gives(201), head(O).gives(200, Content_Length="0")),
    row("7.3-no-length", put(O, None).gives(411), head(O).gives(404)),
    row("7.3-no-type", put(O, type=None).gives(411), head(O).gives(404)),
    row("7.3-empty-type-passes", put(O, type="").gives(201), head(O).gives(200, Content_Type="")),
    row(
        "7.3-type-is-stored-as-sent",
        put(O, type="Text/X; charset=utf-8"),
        head(O).gives(200, Content_Type="Text/X; charset=utf-8"),
    ),
    row("7.3-etag-right", put(O, ETag=MD5).gives(201)),
    row("7.3-etag-quoted", put(O, ETag=f'"{MD5}"').gives(201)),
    row("7.3-etag-upper-case", put(O, ETag=MD5.upper()).gives(201)),
    row("7.3-etag-wrong", put(O, ETag="0" * 32).gives(422), head(O).gives(404)),
    row("7.3-etag-wrong-keeps-what-was-there", put(O, "1"), put(O, "2", ETag=MD5).gives(422), get(O).gives(body="1")),
    row(
        "7.3-etag-sent-is-the-hash-in-lists",
        put(f"{C}/a", ETag=MD5),
        get(f"{C}?format=json").gives(json=lambda value: value[0]["hash"] == MD5),
    ),
    row("7.3-etag-of-chunked", put(O, [b"da", b"ta"], ETag=MD5).gives(201), put(O, [b"x"], ETag=MD5).gives(422)),
    row(
        "7.3-metadata-is-replaced",
        put(O, X_Object_Meta_A="1", Content_Encoding="gzip", Content_Disposition="attachment"),
        put(O, X_Object_Meta_B="2"),
        head(O).gives(200, X_Object_Meta_A=None, X_Object_Meta_B="2", Content_Encoding=None, Content_Disposition=None),
    ),
    row("7.3-empty-metadata-is-not-stored", put(O, X_Object_Meta_A=""), head(O).gives(200, X_Object_Meta_A=None)),
    row(
        "7.3-sharing-absent-keeps",
        put(O, X_Object_Sharing="read={other}"),
        put(O, "2"),
        head(O).gives(X_Object_Sharing="read={other}"),
    ),
    row(
        "7.3-sharing-empty-removes",
        put(O, X_Object_Sharing="read={other}"),
        put(O, X_Object_Sharing=""),
        head(O).gives(X_Object_Sharing=None),
    ),
    row(
        "7.3-sharing-replaces",
        put(O, X_Object_Sharing="read={other}"),
        put(O, X_Object_Sharing="write=*"),
        head(O).gives(X_Object_Sharing="write=%2A"),
    ),
    *(
        row(
            f"7.3-public-{value or 'empty'}",
            put(O, X_Object_Public=value).gives(201),
            head(O).gives(200, X_Object_Public=found),
        )
        for value, found in (
            ("true", re.compile("https?://.+")),
            ("True", re.compile("https?://.+")),
            ("TRUE", re.compile("https?://.+")),
            ("false", None),
            ("False", None),
            ("", None),
        )
    ),
    row(
        "7.3-public-absent-keeps",
        put(O, X_Object_Public="true"),
        head(O).gives(save={"url": "X-Object-Public"}),
        put(O, "2"),
        head(O).gives(X_Object_Public="{url}"),
    ),
    row(
        "7.3-public-empty-withdraws",
        put(O, X_Object_Public="true"),
        put(O, X_Object_Public=""),
        head(O).gives(X_Object_Public=None),
    ),
    row("7.3-public-rubbish", put(O, X_Object_Public="yes").gives(400), head(O).gives(404)),
    row(
        "7.3-replacing-keeps-the-uuid",
        put(O),
        head(O).gives(save={"uuid": "X-Object-UUID"}),
        put(O, "x"),
        head(O).gives(X_Object_UUID="{uuid}"),
    ),
    row("7.3-by-others", put(O, "1"), put(O, "2", by="other").gives(403), get(O).gives(body="1")),
    row(
        "7.3-by-readers",
        put(O, "1", X_Object_Sharing="read={other}"),
        put(O, "2", by="other").gives(403),
        get(O).gives(body="1"),
    ),
    row(
        "7.3-by-writers",
        put(O, "1", X_Object_Sharing="write={other}"),
        put(O, "2", by="other").gives(201),
        get(O).gives(body="2"),
    ),
    row(
        "7.3-writers-cannot-share",
        put(O, "1", X_Object_Sharing="write={other}"),
        put(O, "2", by="other", X_Object_Sharing="read=*").gives(403),
        head(O).gives(X_Object_Sharing="write={other}"),
        get(O).gives(body="1"),
    ),
    row("7.3-others-new-name", put("{c}/a", by="other").gives(403)),
    row("7.3-others-absent-container", put("{new}/a", by="other").gives(403)),
    row("7.3-absent-container", put("{new}/a").gives(404), head("{new}").gives(404)),
    row(
        "7.3-container-quota",
        make(X_Container_Policy_Quota="5"),
        put("{new}/a", "12345").gives(201),
        put("{new}/b", "1").gives(413),
        put("{new}/a", "1234567").gives(413),
        get("{new}/a").gives(body="12345"),
    ),
    row(
        "7.3-unknown-headers-are-ignored",
        put(O, X_Whatever="1", Expires="0").gives(201),
        head(O).gives(200, X_Whatever=None),
    ),
    row(
        "7.3-overwrite-moves-last-modified-not-uuid",
        put(O),
        put(O).gives(201, save={"v": "X-Object-Version"}),
        head(O).gives(X_Object_Version="{v}"),
    ),
    row(
        "7.3-same-content-makes-a-version-too",
        put(O),
        put(O),
        get(f"{O}?version=list").gives(json=lambda value: len(value["versions"]) == 2),
    ),
    row(
        "7.3-copy-source-ignores-the-body",
        put(O, "1"),
        call("PUT", f"{O}b", b"", X_Copy_From=f"/{O}").gives(201),
        get(f"{O}b").gives(body="1"),
    ),
)


@each(ROWS)
def test_rule(row: Row, world: World) -> None:
    world.run(row)
