"""Section 10: data update through POST."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from conformance.rows import C, Differs, O, Row, delete, each, get, head, make, post, put, row, rule
from conformance.world import World

OCTETS = "application/octet-stream"
TEN = put(O, "0123456789", X_Object_Meta_A="1")
HEX = re.compile("[0-9a-f]{32,128}")
B = f"{O}b"


def update(span: str | None, data: Any = b"", path: str = O, query: str = "?update", **more: Any) -> Any:
    """A data update from the body."""
    headers = {} if span is None else {"Content_Range": span}
    return post(f"{path}{query}", data, Content_Type=OCTETS, **headers, **more)


def source(span: str, path: str = O, **more: Any) -> Any:
    """A data update from another object."""
    return post(f"{path}?update", b"", X_Source_Object=f"/{B}", Content_Range=span, **more)


WRITES = {
    "append": ("bytes */*", "ab", "0123456789ab"),
    "append-nothing": ("bytes */*", "", "0123456789"),
    "middle": ("bytes 2-3/*", "ab", "01ab456789"),
    "start": ("bytes 0-1/*", "ab", "ab23456789"),
    "whole": ("bytes 0-9/*", "abcdefghij", "abcdefghij"),
    "over-the-end": ("bytes 8-11/*", "abcd", "01234567abcd"),
    "at-the-end": ("bytes 10-11/*", "ab", "0123456789ab"),
    "open": ("bytes 4-/*", "ab", "0123ab6789"),
    "open-over-the-end": ("bytes 9-/*", "abc", "012345678abc"),
    "open-at-the-end": ("bytes 10-/*", "a", "0123456789a"),
    "with-size": ("bytes 2-3/10", "ab", "01ab456789"),
    "last-byte": ("bytes 9-9/10", "a", "012345678a"),
}

REFUSED = {
    "hole": ("bytes 11-12/*", "ab", 416),
    "open-hole": ("bytes 11-/*", "ab", 416),
    "wrong-size": ("bytes 2-3/11", "ab", 416),
    "outside-the-size": ("bytes 9-10/10", "ab", 416),
    "backwards": ("bytes 3-2/*", "", 416),
    "other-unit": ("lines 0-1/*", "ab", 416),
    "no-total": ("bytes 0-1", "ab", 416),
    "rubbish": ("rubbish", "ab", 416),
    "suffix": ("bytes -2/*", "ab", 416),
    "length-too-long": ("bytes 2-3/*", "abc", 400),
    "length-too-short": ("bytes 2-4/*", "ab", 400),
    "no-range": (None, "ab", 400),
}

ROWS = (
    *(
        row(
            f"10-{name}",
            TEN,
            update(span, data).gives(204, ETag=HEX, X_Object_Version=str.isdigit, body=b""),
            get(O).gives(200, body=wanted, Content_Length=str(len(wanted))),
        )
        for name, (span, data, wanted) in WRITES.items()
    ),
    *(
        row(f"10-{name}-is-refused", TEN, update(span, data).gives(status), get(O).gives(200, body="0123456789"))
        for name, (span, data, status) in REFUSED.items()
    ),
    row("10-chunked-append", TEN, update("bytes */*", [b"a", b"b"]).gives(204), get(O).gives(body="0123456789ab")),
    row("10-chunked-open", TEN, update("bytes 2-/*", [b"a", b"b"]).gives(204), get(O).gives(body="01ab456789")),
    row("10-no-length", TEN, update("bytes */*", None).gives(411)),
    row("10-absent-object", update("bytes */*", "a").gives(404)),
    row("10-absent-container", update("bytes */*", "a", "{new}/a").gives(404)),
    row("10-append-to-empty", put(O, ""), update("bytes */*", "ab").gives(204), get(O).gives(body="ab")),
    row("10-write-into-empty", put(O, ""), update("bytes 0-/*", "ab").gives(204), get(O).gives(body="ab")),
    row(
        "10-reply-is-that-of-head",
        TEN,
        update("bytes */*", "a").gives(204, save={"t": "ETag", "v": "X-Object-Version"}),
        head(O).gives(ETag="{t}", X_Object_Version="{v}", X_Object_Hash=hashlib.sha256(b"0123456789a").hexdigest()),
    ),
    row("10-type-is-kept", put(O, "1", type="text/x"), update("bytes */*", "a"), head(O).gives(Content_Type="text/x")),
    row(
        "10-uuid-is-kept",
        TEN,
        head(O).gives(save={"u": "X-Object-UUID"}),
        update("bytes */*", "a"),
        head(O).gives(X_Object_UUID="{u}"),
    ),
    row(
        "10-makes-a-version",
        TEN.gives(save={"v": "X-Object-Version"}),
        update("bytes */*", "a").gives(204, X_Object_Version=Differs("{v}")),
        get(f"{O}?version={{v}}").gives(body="0123456789"),
    ),
    row(
        "10-update-keeps-metadata",
        TEN,
        update("bytes */*", "a", X_Object_Meta_B="2"),
        head(O).gives(X_Object_Meta_A="1", X_Object_Meta_B="2"),
    ),
    row(
        "10-without-update-metadata-is-replaced",
        TEN,
        update("bytes */*", "a", query="", X_Object_Meta_B="2").gives(204),
        head(O).gives(X_Object_Meta_A=None, X_Object_Meta_B="2"),
        get(O).gives(body="0123456789a"),
    ),
    row(
        "10-sharing-and-publication-in-the-same-request",
        TEN,
        update("bytes */*", "a", X_Object_Sharing="read=*", X_Object_Public="true").gives(204),
        head(O).gives(X_Object_Sharing="read=%2A", X_Object_Public=re.compile("http.+")),
    ),
    # X-Object-Bytes
    row(
        "10-truncate",
        TEN,
        update("bytes */*", b"", X_Object_Bytes="4").gives(204),
        get(O).gives(200, body="0123", Content_Length="4"),
    ),
    row(
        "10-truncate-to-nothing",
        TEN,
        update("bytes */*", b"", X_Object_Bytes="0").gives(204),
        get(O).gives(200, body=b"", Content_Length="0"),
    ),
    row(
        "10-truncate-to-more-has-no-effect",
        TEN,
        update("bytes */*", b"", X_Object_Bytes="20").gives(204),
        get(O).gives(body="0123456789"),
    ),
    row("10-write-and-cut", TEN, update("bytes 0-1/*", "ab", X_Object_Bytes="3").gives(204), get(O).gives(body="ab2")),
    row(
        "10-cut-is-after-the-write",
        TEN,
        update("bytes */*", "ab", X_Object_Bytes="11").gives(204),
        get(O).gives(body="0123456789a"),
    ),
    *(
        row(f"10-bytes-{form}", TEN, update("bytes */*", b"", X_Object_Bytes=value).gives(400))
        for form, value in {"negative": "-1", "fraction": "1.5", "word": "all"}.items()
    ),
    row(
        "10-cut-data-does-not-come-back",
        TEN,
        update("bytes */*", b"", X_Object_Bytes="4"),
        update("bytes */*", "ab"),
        get(O).gives(body="0123ab"),
    ),
    # from another object
    row("10-source-appended", TEN, put(B, "abc"), source("bytes */*").gives(204), get(O).gives(body="0123456789abc")),
    row("10-source-whole-at", TEN, put(B, "abc"), source("bytes 1-/*").gives(204), get(O).gives(body="0abc456789")),
    row(
        "10-source-is-read-from-its-first-byte",
        TEN,
        put(B, "abc"),
        source("bytes 4-5/*").gives(204),
        get(O).gives(body="0123ab6789"),
    ),
    row(
        "10-source-shorter-than-the-range",
        TEN,
        put(B, "abc"),
        source("bytes 0-3/*").gives(400),
        get(O).gives(body="0123456789"),
    ),
    row(
        "10-source-with-any-type",
        TEN,
        put(B, "abc"),
        source("bytes */*", Content_Type="text/y").gives(204),
        get(O).gives(body="0123456789abc", Content_Type="text/plain"),
    ),
    row("10-source-hole", TEN, put(B, "abc"), source("bytes 11-/*").gives(416)),
    row("10-source-without-range", TEN, put(B, "abc"), post(f"{O}?update", b"", X_Source_Object=f"/{B}").gives(400)),
    row("10-source-absent", TEN, source("bytes */*").gives(404)),
    row(
        "10-source-without-leading-slash",
        TEN,
        put(B),
        post(f"{O}?update", b"", X_Source_Object=B, Content_Range="bytes */*").gives(400),
    ),
    row(
        "10-source-is-itself",
        TEN,
        post(f"{O}?update", b"", X_Source_Object=f"/{O}", Content_Range="bytes */*").gives(204),
        get(O).gives(body="01234567890123456789"),
    ),
    row(
        "10-source-version",
        put(B, "old").gives(save={"v": "X-Object-Version"}),
        put(B, "new"),
        TEN,
        source("bytes */*", X_Source_Version="{v}").gives(204),
        get(O).gives(body="0123456789old"),
    ),
    row("10-source-version-unknown", put(B), TEN, source("bytes */*", X_Source_Version="123456789012").gives(404)),
    row(
        "10-source-version-of-a-deleted-object",
        put(B, "old").gives(save={"v": "X-Object-Version"}),
        delete(B),
        TEN,
        source("bytes */*", X_Source_Version="{v}").gives(204),
        get(O).gives(body="0123456789old"),
    ),
    row(
        "10-source-and-cut",
        TEN,
        put(B, "abc"),
        source("bytes 0-/*", X_Object_Bytes="3").gives(204),
        get(O).gives(body="abc"),
    ),
    row(
        "10-source-of-others",
        put("{theirs}/s", "abc", by="other", of="other", X_Object_Sharing="read={me}"),
        TEN,
        post(
            f"{O}?update", b"", X_Source_Object="/{theirs}/s", X_Source_Account="{other}", Content_Range="bytes */*"
        ).gives(204),
        get(O).gives(body="0123456789abc"),
    ),
    row(
        "10-source-of-others-without-right",
        put("{theirs}/s", "abc", by="other", of="other"),
        TEN,
        post(
            f"{O}?update", b"", X_Source_Object="/{theirs}/s", X_Source_Account="{other}", Content_Range="bytes */*"
        ).gives(403),
    ),
    # who, and when
    row(
        "10-by-a-writer",
        put(O, "1", X_Object_Sharing="write={other}"),
        update("bytes */*", "a", by="other").gives(204),
        get(O).gives(body="1a", X_Object_Modified_By="{other}"),
    ),
    row(
        "10-by-a-reader", put(O, "1", X_Object_Sharing="read={other}"), update("bytes */*", "a", by="other").gives(403)
    ),
    row("10-by-a-stranger", put(O, "1"), update("bytes */*", "a", by="other").gives(403)),
    row(
        "10-writers-cannot-share",
        put(O, "1", X_Object_Sharing="write={other}"),
        update("bytes */*", "a", by="other", X_Object_Sharing="read=*").gives(403),
        get(O).gives(body="1"),
    ),
    row(
        "10-if-match",
        TEN.gives(save={"t": "ETag"}),
        update("bytes */*", "a", If_Match="wrong").gives(412),
        update("bytes */*", "a", If_Match="{t}").gives(204),
        update("bytes */*", "a", If_Match="{t}").gives(412),
        get(O).gives(body="0123456789a"),
    ),
    row("10-if-none-match", TEN, update("bytes */*", "a", If_None_Match="*").gives(412)),
    row(
        "10-container-quota",
        make(X_Container_Policy_Quota="5"),
        put("{new}/a", "1234"),
        update("bytes */*", "56", "{new}/a").gives(413),
        get("{new}/a").gives(body="1234"),
        update("bytes */*", "5", "{new}/a").gives(204),
    ),
    row(
        "10-container-bytes-follow",
        put(f"{C}/a", "1234"),
        update("bytes */*", "56", f"{C}/a"),
        head(C).gives(X_Container_Bytes_Used="6"),
    ),
    row(
        "10-type-with-parameters-is-no-data-update",
        TEN,
        post(f"{O}?update", b"a", Content_Type=f"{OCTETS}; x=y", Content_Range="bytes */*").gives(202),
        get(O).gives(body="0123456789"),
    ),
    row(
        "10-md5-is-forgotten",
        put(f"{C}/a", "x", ETag=hashlib.md5(b"x").hexdigest()),
        update("bytes */*", "y", f"{C}/a"),
        get(f"{C}?format=json").gives(json=lambda value: value[0]["hash"] in ("", hashlib.md5(b"xy").hexdigest())),
    ),
)


@each(ROWS)
def test_rule(row: Row, world: World) -> None:
    world.run(row)


@rule(
    "10-write-over-a-block-border",
    "10-append-fills-the-last-block",
    "10-untouched-blocks-keep-their-hashes",
    "10-source-of-more-than-a-block",
)
def test_10_across_blocks(world: World) -> None:
    size = int(world.do(head("{shared}"))["X-Container-Block-Size"])
    world.do(put(O, b"a" * (size + 10)))
    first = world.do(get(f"{O}?hashmap")).json()["hashes"]
    world.do(update("bytes */*", "bcd").gives(204))
    second = world.do(get(f"{O}?hashmap")).json()
    assert (second["bytes"], second["hashes"][0]) == (size + 13, first[0])
    assert second["hashes"][1] == hashlib.sha256(b"a" * 10 + b"bcd").hexdigest()
    world.do(update(f"bytes {size - 1}-{size}/*", "XY").gives(204))
    world.do(get(O, Range=f"bytes={size - 2}-{size + 1}").gives(206, body="aXYa"))
    world.do(put(B, "0"))
    world.do(post(f"{B}?update", b"", X_Source_Object=f"/{O}", Content_Range="bytes */*").gives(204))
    world.do(head(B).gives(200, Content_Length=str(size + 14)))
    world.do(get(B, Range=f"bytes={size - 1}-{size + 3}").gives(206, body="aXYaa"))
    world.do(update("bytes */*", b"", X_Object_Bytes=str(size)).gives(204))
    world.do(head(O).gives(200, Content_Length=str(size)))
    world.do(get(O, Range=f"bytes={size - 2}-").gives(206, body="aX"))
