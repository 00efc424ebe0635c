"""Sections 7.1 and 7.2: HEAD and GET of an object."""

from __future__ import annotations

import re

from conformance.rows import ANY, C, Differs, O, Row, copy, each, get, head, post, put, row, rule
from conformance.world import World

HTTP_DATE = re.compile(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT")
HEX = re.compile("[0-9a-f]{32,128}")
UUID = re.compile("[0-9a-f-]{36}")
HELLO = "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9"

TEN = put(O, "0123456789")
EMPTY = put(O, "")

SINGLE = {
    "first": ("bytes=0-0", "0", "bytes 0-0/10"),
    "first-to-last": ("bytes=0-9", "0123456789", "bytes 0-9/10"),
    "middle": ("bytes=3-5", "345", "bytes 3-5/10"),
    "last": ("bytes=9-9", "9", "bytes 9-9/10"),
    "open": ("bytes=4-", "456789", "bytes 4-9/10"),
    "open-from-zero": ("bytes=0-", "0123456789", "bytes 0-9/10"),
    "open-last": ("bytes=9-", "9", "bytes 9-9/10"),
    "suffix": ("bytes=-3", "789", "bytes 7-9/10"),
    "suffix-of-all": ("bytes=-10", "0123456789", "bytes 0-9/10"),
}

UNSATISFIABLE = {
    "end-at-size": "bytes=0-10",
    "end-past-size": "bytes=3-100",
    "start-at-size": "bytes=10-",
    "start-past-size": "bytes=11-12",
    "suffix-longer-than-object": "bytes=-11",
    "suffix-of-none": "bytes=-0",
    "one-of-several-bad": "bytes=0-1,5-10",
}

IGNORED = {
    "backwards": "bytes=5-3",
    "no-numbers": "bytes=-",
    "other-unit": "lines=0-1",
    "rubbish": "rubbish",
    "word": "bytes=a-b",
    "empty": "bytes=",
    "no-equals": "bytes 0-1",
}

ROWS = (
    # 7.1
    row(
        "7.1-headers",
        put(O, "hello world"),
        head(O).gives(
            200,
            ETag=HEX,
            Content_Length="11",
            Content_Type="text/plain",
            Last_Modified=HTTP_DATE,
            X_Object_Hash=HELLO,
            X_Object_UUID=UUID,
            X_Object_Version=str.isdigit,
            X_Object_Version_Timestamp=HTTP_DATE,
            X_Object_Modified_By="{me}",
            Available="1",
        ),
    ),
    row(
        "7.1-headers-that-are-absent-unless-set",
        put(O),
        head(O).gives(
            200,
            Content_Encoding=None,
            X_Object_Manifest=None,
            X_Object_Sharing=None,
            X_Object_Shared_By=None,
            X_Object_Allowed_To=None,
            X_Object_Public=None,
        ),
    ),
    row("7.1-etag-has-no-quotes", put(O), head(O).gives(200, ETag=HEX)),
    row("7.1-range-is-ignored", TEN, head(O, Range="bytes=0-3").gives(200, Content_Length="10", Content_Range=None)),
    row("7.1-bad-range-is-ignored", TEN, head(O, Range="bytes=20-").gives(200)),
    row(
        "7.1-stored-extras",
        put(O, Content_Encoding="gzip", Content_Disposition="attachment", X_Object_Meta_Color="red"),
        head(O).gives(200, Content_Encoding="gzip", Content_Disposition="attachment", X_Object_Meta_Color="red"),
    ),
    row("7.1-empty-type", put(O, type=""), head(O).gives(200, Content_Type=lambda value: value == "")),
    row(
        "7.1-sharing",
        put(O, X_Object_Sharing="read={other}"),
        head(O).gives(X_Object_Sharing="read={other}", X_Object_Shared_By=None),
    ),
    row(
        "7.1-allowed-to-read",
        put(O, X_Object_Sharing="read={other}"),
        head(O, by="other").gives(200, X_Object_Allowed_To="read", X_Object_Sharing="read={other}"),
        head(O).gives(200, X_Object_Allowed_To=None),
    ),
    row(
        "7.1-allowed-to-write",
        put(O, X_Object_Sharing="write={other}"),
        head(O, by="other").gives(200, X_Object_Allowed_To="write"),
    ),
    row(
        "7.1-shared-by",
        put(O, type="application/directory", X_Object_Sharing="read={other}"),
        put(f"{O}/a"),
        head(f"{O}/a").gives(X_Object_Sharing="read={other}", X_Object_Shared_By="{me}/{shared}/{o}"),
        head(f"{O}/a", by="other").gives(X_Object_Shared_By="{me}/{shared}/{o}", X_Object_Allowed_To="read"),
    ),
    row(
        "7.1-public",
        put(O, X_Object_Public="true", X_Object_Sharing="read={other}"),
        head(O).gives(X_Object_Public=re.compile("https?://.*")),
        head(O, by="other").gives(X_Object_Public=None),
    ),
    row(
        "7.1-version-has-no-sharing-and-public",
        put(O, X_Object_Sharing="read={other}", X_Object_Public="true").gives(save={"v": "X-Object-Version"}),
        head(f"{O}?version={{v}}").gives(200, X_Object_Sharing=None, X_Object_Public=None, X_Object_Version="{v}"),
        head(f"{O}?version={{v}}", by="other").gives(200, X_Object_Allowed_To=None),
    ),
    row(
        "7.1-version",
        put(O, "1", X_Object_Meta_A="1").gives(save={"v": "X-Object-Version"}),
        put(O, "22", type="text/html"),
        head(f"{O}?version={{v}}").gives(200, Content_Length="1", Content_Type="text/plain", X_Object_Meta_A="1"),
    ),
    row("7.1-hash-is-the-merkle-root", put(O, "hello world"), head(O).gives(X_Object_Hash=HELLO)),
    row(
        "7.1-uuid-survives-changes",
        put(O, "1").gives(save={}),
        head(O).gives(save={"uuid": "X-Object-UUID"}),
        put(O, "2"),
        post(f"{O}?update", X_Object_Meta_A="1"),
        head(O).gives(X_Object_UUID="{uuid}"),
    ),
    row(
        "7.1-uuid-is-new-on-copy",
        put(O),
        head(O).gives(save={"uuid": "X-Object-UUID"}),
        copy(O, f"{O}b"),
        head(f"{O}b").gives(200, X_Object_UUID=Differs("{uuid}")),
    ),
    row(
        "7.1-modified-by-names-the-writer",
        put(O, X_Object_Sharing="write={other}"),
        put(O, "x", by="other").gives(201),
        head(O).gives(X_Object_Modified_By="{other}"),
    ),
    # 7.2 data
    row("7.2-data", TEN, get(O).gives(200, body="0123456789", Content_Length="10", Content_Range=None)),
    row(
        "7.2-headers-are-those-of-head",
        put(O, "hello world"),
        get(O).gives(200, ETag=HEX, X_Object_Hash=HELLO, X_Object_UUID=UUID),
    ),
    row("7.2-empty", EMPTY, get(O).gives(200, body=b"", Content_Length="0")),
    row("7.2-default-disposition", put(O), get(O).gives(200, Content_Disposition='inline; filename="{o}"')),
    row(
        "7.2-default-disposition-has-the-full-name",
        put(f"{C}/a/%CE%B1%20b"),
        get(f"{C}/a/%CE%B1%20b").gives(200, Content_Disposition='inline; filename="a/%CE%B1 b"'),
    ),
    row(
        "7.2-stored-disposition",
        put(O, Content_Disposition="attachment"),
        get(O).gives(Content_Disposition="attachment"),
    ),
    row(
        "7.2-disposition-type-attachment",
        put(O),
        get(f"{O}?disposition-type=attachment").gives(Content_Disposition='attachment; filename="{o}"'),
    ),
    row(
        "7.2-disposition-type-inline-beats-stored",
        put(O, Content_Disposition="attachment"),
        get(f"{O}?disposition-type=inline").gives(Content_Disposition='inline; filename="{o}"'),
    ),
    row(
        "7.2-other-disposition-type-is-ignored",
        put(O),
        get(f"{O}?disposition-type=x").gives(Content_Disposition='inline; filename="{o}"'),
    ),
    # 7.2 ranges
    *(
        row(
            f"7.2-range-{form}",
            TEN,
            get(O, Range=sent).gives(206, body=body, Content_Range=shown, Content_Length=str(len(body))),
        )
        for form, (sent, body, shown) in SINGLE.items()
    ),
    *(
        row(f"7.2-range-{form}", TEN, get(O, Range=sent).gives(416, Content_Range=None))
        for form, sent in UNSATISFIABLE.items()
    ),
    *(
        row(f"7.2-range-{form}-is-ignored", TEN, get(O, Range=sent).gives(200, body="0123456789"))
        for form, sent in IGNORED.items()
    ),
    *(
        row(f"7.2-range-on-empty-{form}", EMPTY, get(O, Range=sent).gives(416))
        for form, sent in {"open": "bytes=0-", "first": "bytes=0-0", "suffix": "bytes=-1"}.items()
    ),
    row(
        "7.2-range-and-version",
        TEN.gives(save={"v": "X-Object-Version"}),
        put(O, "x"),
        get(f"{O}?version={{v}}", Range="bytes=2-3").gives(206, body="23"),
    ),
    # If-Range
    row("7.2-if-range-of-something-else", TEN, get(O, Range="bytes=0-1", If_Range="abc").gives(200, body="0123456789")),
    row(
        "7.2-if-range-of-the-md5",
        put(O, "0123456789", ETag="781e5e245d69b566979b86e28d23f2c7"),
        get(O, Range="bytes=0-1", If_Range="781e5e245d69b566979b86e28d23f2c7").gives(206, body="01"),
    ),
    row(
        "7.2-if-range-of-an-old-date",
        TEN,
        get(O, Range="bytes=0-1", If_Range="Mon, 01 Jan 1990 00:00:00 GMT").gives(200),
    ),
    # version
    row(
        "7.2-version",
        put(O, "1").gives(save={"v": "X-Object-Version"}),
        put(O, "2"),
        get(f"{O}?version={{v}}").gives(200, body="1", X_Object_Version="{v}"),
    ),
    *(
        row(f"7.2-version-{form}", put(O), get(f"{O}?version={value}").gives(404))
        for form, value in {
            "unknown": "123456789012",
            "word": "first",
            "empty": "",
            "negative": "-1",
            "fraction": "1.0",
        }.items()
    ),
    row(
        "7.2-version-of-another-object",
        put(O),
        put(f"{O}b").gives(save={"v": "X-Object-Version"}),
        get(f"{O}?version={{v}}").gives(404),
    ),
    row(
        "7.2-hashmap-of-a-version",
        put(O, "1").gives(save={"v": "X-Object-Version"}),
        put(O, "22"),
        get(f"{O}?hashmap&version={{v}}").gives(200, json=lambda value: value["bytes"] == 1),
    ),
)


@each(ROWS)
def test_rule(row: Row, world: World) -> None:
    world.run(row)


@rule("7.2-several-ranges", "7.2-part-headers-carry-no-type", "7.2-overlapping-and-unordered-ranges")
def test_7_2_several_ranges(world: World) -> None:
    world.do(TEN)
    answer = world.do(get(O, Range="bytes=5-6,0-0, -2").gives(206, Content_Range=None))
    kind = re.fullmatch("multipart/byteranges; boundary=([0-9a-f]{32})", answer["Content-Type"])
    assert kind is not None
    mark = f"--{kind[1]}"
    parts = "".join(
        f"{mark}\r\nContent-Range: bytes {span}/10\r\nContent-Transfer-Encoding: binary\r\n\r\n{data}\r\n"
        for span, data in (("5-6", "56"), ("0-0", "0"), ("8-9", "89"))
    )
    assert answer.body.decode().rstrip("\r\n") == f"{parts}{mark}--"


@rule("7.1-version-ids-grow-over-the-service")
def test_7_1_version_ids_grow(world: World) -> None:
    """Unique and increasing over the whole service."""
    numbers = [int(world.do(put(path)).headers["X-Object-Version"]) for path in (O, "{c}/a", O, f"{O}b")]
    assert numbers == sorted(set(numbers))


@rule("7.2-range-across-blocks")
def test_7_2_range_across_blocks(world: World) -> None:
    """Two blocks: a range over their border, and from inside the second to the end."""
    size = int(world.do(head("{shared}"))["X-Container-Block-Size"])
    world.do(put(O, b"a" * size + b"bcd"))
    world.do(get(O, Range=f"bytes={size - 2}-{size}").gives(206, body="aab", Content_Range=ANY))
    world.do(get(O, Range=f"bytes={size + 1}-").gives(206, body="cd"))
    world.do(get(O, Range="bytes=-4").gives(206, body="abcd"))
    world.do(get(O, Range=f"bytes={size - 1}-{size - 1}").gives(206, body="a"))
    world.do(head(O).gives(200, Content_Length=str(size + 3)))
