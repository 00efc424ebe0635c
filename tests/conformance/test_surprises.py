"""Section 20: surprising behaviours. Those marked R must be as described; of those marked F both answers are right,
and what a client relies on either way is checked.
"""

from __future__ import annotations

import hashlib
import re

from conformance.rows import C, O, Row, copy, delete, each, get, head, make, move, post, put, row, rule
from conformance.world import World

OCTETS = "application/octet-stream"
FORM = (
    '--e\r\nContent-Disposition: form-data; name="X-Object-Data"; filename="x"\r\nContent-Type: text/x\r\n\r\n'
    "new\r\n--e--\r\n"
)
MD5 = hashlib.md5(b"data").hexdigest()

ROWS = (
    row(
        "20.1-move-has-a-version-to-find", put(O), move(O, f"{O}b").gives(201, X_Object_Version=re.compile(".*[0-9].*"))
    ),
    row(
        "20.2-post-without-update-wipes-an-object",
        put(O, X_Object_Meta_A="1"),
        post(O),
        head(O).gives(X_Object_Meta_A=None),
    ),
    row(
        "20.2-post-without-update-wipes-a-container",
        make(X_Container_Meta_A="1"),
        post("{new}"),
        head("{new}").gives(X_Container_Meta_A=None),
    ),
    row(
        "20.3-with-update-one-policy-leaves-the-others",
        make(X_Container_Policy_Versioning="none", X_Container_Policy_Quota="9"),
        post("{new}?update", X_Container_Policy_Quota="8"),
        head("{new}").gives(X_Container_Policy_Versioning="none", X_Container_Policy_Quota="8"),
    ),
    row(
        "20.3-reset-keeps-the-accounting-right",
        make(X_Container_Policy_Project="{me}"),
        put("{new}/a"),
        post("{new}", X_Container_Policy_Quota="100"),
        delete("{new}/a").gives(204),
    ),
    row("20.4-end-beyond-the-last-byte", put(O), get(O, Range="bytes=0-4").gives(416)),
    row("20.5-integers-only-purge", put(O), delete(f"{O}?until=1").gives(204), head(O).gives(200)),
    *(
        row(
            f"20.5-delete-object-until-{form}",
            put(O).gives(save={"v": "X-Object-Version"}),
            delete(f"{O}?until={value}").gives(204, 400),
            get(f"{O}?version={{v}}").gives(200, body="data"),
        )
        for form, value in {"fraction": "1.5", "negative": "-1", "word": "now"}.items()
    ),
    row(
        "20.5-delete-container-until-fraction-keeps-objects",
        put(f"{C}/a"),
        delete(f"{C}?until=1.5").gives(400, 409),
        head(f"{C}/a").gives(200),
    ),
    row(
        "20.6-until-now-destroys-the-current-one",
        put(O),
        delete(f"{O}?until=4000000000").gives(204),
        get(f"{O}?version=list").gives(404),
    ),
    row(
        "20.7-after-truncation-the-visible-bytes-are-right",
        put(O, "0123456789"),
        post(f"{O}?update", b"", Content_Type=OCTETS, Content_Range="bytes */*", X_Object_Bytes="3"),
        get(O).gives(200, body="012", Content_Length="3"),
        get(f"{O}?hashmap").gives(json=lambda value: value["bytes"] == 3 and len(value["hashes"]) == 1),
    ),
    row(
        "20.8-nul-at-the-end-has-the-same-root",
        put(O, "abc"),
        head(O).gives(save={"h": "X-Object-Hash"}),
        put(f"{O}b", "abc\0"),
        head(f"{O}b").gives(X_Object_Hash="{h}", Content_Length="4"),
    ),
    row(
        "20.9-prefix-and-delimiter",
        put(f"{C}/pho"),
        put(f"{C}/photos/1"),
        put(f"{C}/pho/2"),
        get(f"{C}?prefix=pho&delimiter=/").gives(lines=("pho/2",)),
    ),
    row("20.10-leading-slash-of-a-prefix", put(f"{C}//x"), put(f"{C}/x"), get(f"{C}?prefix=/x").gives(lines=("x",))),
    row(
        "20.11-a-marker-behind-the-roll-up-goes-on",
        put(f"{C}/p/1"),
        put(f"{C}/q"),
        get(f"{C}?delimiter=/&limit=1&marker=p/%F4%8F%BF%BF").gives(lines=("q",)),
    ),
    row(
        "20.12-hash-is-empty-unless-md5-is-known",
        put(f"{C}/a"),
        get(f"{C}?format=json").gives(json=lambda value: value[0]["hash"] in ("", MD5)),
    ),
    row(
        "20.13-suffix-selects-the-hashmaps-format",
        put(f"{O}.xml"),
        get(f"{O}.xml?hashmap").gives(200, body=lambda body: body.lstrip().startswith(b"<")),
    ),
    row(
        "20.13-format-parameter-wins",
        put(f"{O}.xml"),
        get(f"{O}.xml?hashmap&format=json").gives(200, json=lambda value: value["bytes"] == 4),
    ),
    row(
        "20.13-suffix-leaves-data-alone",
        put(f"{O}.json"),
        get(f"{O}.json").gives(200, body="data", Content_Type="text/plain"),
    ),
    row(
        "20.14-type-is-encoded-or-not",
        put(O, type="image/svg+xml"),
        head(O).gives(200, Content_Type=re.compile(r"image/svg(\+|%2B)xml")),
    ),
    row(
        "20.15-type-sent-with-an-old-version-counts",
        put(O, "1", type="text/x").gives(save={"v": "X-Object-Version"}),
        put(O, "2", type="text/y"),
        copy(O, f"{O}b", X_Source_Version="{v}", Content_Type="text/z"),
        get(f"{O}b").gives(body="1", Content_Type="text/z"),
    ),
    row(
        "20.16-a-type-sent-by-copy-changes-it",
        put(O),
        copy(O, f"{O}b", Content_Type="a/b"),
        head(f"{O}b").gives(Content_Type="a/b"),
    ),
    row(
        "20.17-metadata-post-with-octet-stream",
        put(O),
        post(f"{O}?update", Content_Type=OCTETS, X_Object_Meta_A="1").gives(400),
    ),
    row(
        "20.18-if-range-never-gives-a-wrong-piece",
        put(O, "0123"),
        head(O).gives(save={"t": "ETag"}),
        put(O, "4567"),
        get(O, Range="bytes=0-1", If_Range="{t}").gives(200, body="4567"),
    ),
    row(
        "20.18-if-range-of-the-etag",
        put(O, "0123"),
        head(O).gives(save={"t": "ETag"}),
        get(O, Range="bytes=0-1", If_Range="{t}").gives(200, 206, body=lambda body: body in (b"01", b"0123")),
    ),
    row(
        "20.19-allowed-to-of-head",
        put(f"{C}/a", X_Object_Sharing="read={other}; write=abc"),
        head(f"{C}/a", by="other").gives(X_Object_Allowed_To="read"),
        get(f"{C}?format=json", by="other").gives(
            json=lambda value: value[0]["x_object_allowed_to"] in ("read", "write")
        ),
    ),
    row(
        "20.20-published-is-no-grant-to-write",
        put(O, X_Object_Public="true"),
        get(O, by="other").gives(200, 403),
        put(O, by="other").gives(403),
    ),
    row(
        "20.21-meta-is-or",
        put(f"{C}/a", X_Object_Meta_A="1"),
        put(f"{C}/b", X_Object_Meta_B="1"),
        get(f"{C}?meta=A,B").gives(lines=("a", "b")),
    ),
    row("20.21-meta-compares-text", put(f"{C}/a", X_Object_Meta_A="9"), get(f"{C}?meta=A%3E100").gives(lines=("a",))),
    row("20.23-block-type-is-exact", post(f"{C}?update", b"abc", Content_Type=f"{OCTETS}; x=y").gives(202, body=b"")),
    row("20.24-sharing-accepts-unknown-principals", put(O, X_Object_Sharing="read=who-ever").gives(201)),
    row(
        "20.25-tilde-case-and-underscore",
        put(O, raw={"X-Object-Meta-my_KEY": "~v~"}),
        head(O).gives(X_Object_Meta_My_Key="v"),
    ),
    row(
        "20.26-absent-things-of-others",
        head(O, by="other").gives(403),
        put(f"{C}/d", "", type="application/directory", X_Object_Sharing="read={other}"),
        head(f"{C}/d/x", by="other").gives(404),
    ),
    row(
        "20.27-quota-is-in-bytes",
        make(X_Container_Policy_Quota="4"),
        put("{new}/a", "1234").gives(201),
        put("{new}/b", "1").gives(413),
    ),
    row(
        "20.28-writers-publish-but-do-not-delete",
        put(O, X_Object_Sharing="write={other}"),
        post(f"{O}?update", by="other", X_Object_Public="true").gives(202),
        head(O, by="other").gives(X_Object_Public=None),
        delete(O, by="other").gives(403),
        post(f"{O}?update", by="other", X_Object_Public="false").gives(202),
        head(O).gives(X_Object_Public=None),
    ),
    row("20.29-bulk-needs-the-root", put(f"{C}/d/1"), delete(f"{C}/d?delimiter=/").gives(404)),
    row("20.30-409-is-an-object", put(f"{C}/a"), delete(C).gives(409, fault="conflict")),
    row(
        "20.30-409-is-a-list",
        put(f"{O}?hashmap&format=json", '{"bytes": 1, "hashes": ["' + "ef" * 32 + '"]}').gives(
            409, json=lambda value: isinstance(value, list)
        ),
    ),
    row("20.31-delete-and-if-match", put(O), delete(O, If_Match="abc").gives(204, 412)),
    row("20.32-query-token-beats-header", head("?X-Auth-Token=rubbish").gives(401)),
    row(
        "20.33-counts-absent-for-others",
        put(f"{C}/a", X_Object_Sharing="read={other}"),
        head(C, by="other").gives(204, X_Container_Object_Count=None, X_Container_Bytes_Used=None),
        head("", by="other").gives(204, X_Account_Bytes_Used=None),
    ),
    row(
        "20.34-xml-parses",
        put(f"{C}/a%26%3C"),
        get(f"{C}?format=xml").gives(xml=lambda root: [one.findtext("name") for one in root] == ["a&<"]),
    ),
    row(
        "20.36-sharing-vanishes-on-move-survives-overwrite",
        put(O, X_Object_Sharing="read=abc"),
        put(O),
        head(O).gives(X_Object_Sharing="read=abc"),
        move(O, f"{O}b"),
        head(f"{O}b").gives(X_Object_Sharing=None),
    ),
    row("20.37-shared-false-counts", put(f"{C}/a"), get(f"{C}?shared=false").gives(204)),
    row(
        "20.37-update-zero-counts",
        make(X_Container_Meta_A="1"),
        post("{new}?update=0", X_Container_Meta_B="1"),
        head("{new}").gives(X_Container_Meta_A="1"),
    ),
    row("20.37-hashmap-zero-counts", put(O), get(f"{O}?hashmap=0").gives(json=lambda value: value["bytes"] == 4)),
    row(
        "20.38-public-only-is-invisible",
        put(f"{C}/a", X_Object_Public="true"),
        put("{c2}/a", X_Object_Sharing="read={other}"),
        get("", by="other").gives(200, lacks=(C,), has=("{c2}",)),
    ),
    *(
        row(
            f"20.39-encoding-on-{form}",
            put(O, "plain", Content_Encoding="gzip"),
            step.gives(step.expect.statuses[0], Content_Encoding="gzip"),
        )
        for form, step in {
            "head": head(O).gives(200),
            "get": get(O).gives(200),
            "range": get(O, Range="bytes=0-1").gives(206),
            "hashmap": get(f"{O}?hashmap").gives(200),
        }.items()
    ),
    row("20.39-body-is-not-encoded", put(O, "plain", Content_Encoding="gzip"), get(O).gives(200, body="plain")),
    *(
        row(
            f"20.40-{name.lower()}-by-full-replace",
            put(O, raw={name: "{shared}/p", "X-Object-Meta-A": "1"}),
            post(f"{O}?update", raw={name: ""}).gives(202),
            head(O).gives(200, X_Object_Meta_A="1"),
            post(O, X_Object_Meta_A="1"),
            head(O).gives(200, X_Object_Meta_A="1", raw={name: None}),
        )
        for name in ("Content-Encoding", "Content-Disposition", "X-Object-Manifest")
    ),
    row(
        "20.41-form-drops-metadata",
        put(O, X_Object_Meta_A="1"),
        post(
            O,
            FORM,
            Content_Type="multipart/form-data; boundary=e",
        ).gives(201),
        get(O).gives(200, body="new", X_Object_Meta_A=None),
    ),
)


@each(ROWS)
def test_rule(row: Row, world: World) -> None:
    world.run(row)


@rule("20.22-upper-case-hashes-never-give-wrong-bytes")
def test_20_22_upper_case_hashes(world: World) -> None:
    """Refused as missing, accepted and normalised, or accepted and unreadable; the bytes are never others."""
    known = hashlib.sha256(b"hello world").hexdigest()
    world.do(post("{shared}?update", b"hello world", Content_Type=OCTETS))
    answer = world.do(
        put(f"{O}?hashmap&format=json", f'{{"bytes": 11, "hashes": ["{known.upper()}"]}}').gives(201, 400, 409)
    )
    if answer.status == 201:
        read = world.do(get(O).gives(200, 500))
        assert read.status == 500 or read.body == b"hello world"


@rule("20.24-groups-lose-case-and-refuse-unknown-members")
def test_20_24_groups(world: World) -> None:
    world.do(post("?update", raw={"X-Account-Group-con-formance": "{me}"}).gives(400))
    world.do(post("?update", raw={"X-Account-Group-conformance": "who-ever"}).gives(400))


@rule("20.35-md5-of-exact-blocks", "9.5-x-object-hash-is-always-the-root")
def test_20_35_the_root_is_always_right(world: World) -> None:
    """Whatever the MD5 is: X-Object-Hash is that of the content."""
    size = int(world.do(head("{shared}"))["X-Container-Block-Size"])
    data = b"\0" * (size - 1) + b"z"
    digest = hashlib.sha256(data).hexdigest()
    world.do(post("{shared}?update", data, Content_Type=OCTETS).gives(202, json=[digest]))
    world.do(put(f"{O}?hashmap", f'{{"bytes": {size}, "hashes": ["{digest}"]}}').gives(201))
    world.do(head(O).gives(200, X_Object_Hash=digest, Content_Length=str(size)))
