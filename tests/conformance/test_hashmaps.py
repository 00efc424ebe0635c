"""Section 9: blocks and hashmaps."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

from conformance.rows import C, Differs, O, Row, each, get, head, make, post, put, row, rule
from conformance.world import World

OCTETS = "application/octet-stream"
NOTHING = hashlib.sha256(b"").hexdigest()
HELLO = hashlib.sha256(b"hello world").hexdigest()
HEX = re.compile("[0-9a-f]{32,128}")


def unknown(number: int) -> str:
    """The hash of a block that no server has."""
    return hashlib.sha256(f"a block that was never sent, {number}".encode()).hexdigest()


def hashmap(size: object, *hashes: str, **more: object) -> str:
    return json.dumps({"bytes": size, "hashes": list(hashes), **more})


def blocks(data: bytes | list[bytes], path: str = "{shared}", query: str = "?update", **more: Any) -> Any:
    return post(f"{path}{query}", data, Content_Type=OCTETS, **more)


KNOWN = blocks(b"hello world")

ROWS = (
    # 9.2
    row(
        "9.2-reading",
        put(O, "hello world"),
        get(f"{O}?hashmap").gives(
            200,
            json=lambda value: (
                value["bytes"] == 11
                and value["hashes"] == [HELLO]
                and value["block_hash"] == "sha256"
                and value["block_size"] > 0
            ),
        ),
    ),
    row(
        "9.2-keys",
        put(O),
        get(f"{O}?hashmap").gives(json=lambda value: set(value) == {"block_hash", "block_size", "bytes", "hashes"}),
    ),
    row(
        "9.2-empty-object-has-one-hash",
        put(O, ""),
        get(f"{O}?hashmap").gives(json=lambda value: (value["bytes"], value["hashes"]) == (0, [NOTHING])),
    ),
    row(
        "9.2-xml",
        put(O, "hello world"),
        get(f"{O}?hashmap&format=xml").gives(
            200,
            xml=lambda root: (
                (root.tag, root.get("bytes"), [one.text for one in root.iter("hash")]) == ("object", "11", [HELLO])
                and bool(root.get("name"))
                and root.get("block_hash") == "sha256"
                and bool(root.get("block_size"))
            ),
        ),
    ),
    row(
        "9.2-object-headers",
        put(O, "hello world"),
        get(f"{O}?hashmap").gives(
            200, ETag=HEX, X_Object_Hash=HELLO, X_Object_Version=str.isdigit, Content_Type="text/plain"
        ),
    ),
    row("9.2-no-disposition-unless-stored", put(O), get(f"{O}?hashmap").gives(200, Content_Disposition=None)),
    row(
        "9.2-stored-disposition",
        put(O, Content_Disposition="attachment"),
        get(f"{O}?hashmap").gives(200, Content_Disposition="attachment"),
    ),
    row("9.2-length-is-the-bodys", put(O, "x" * 1000), get(f"{O}?hashmap").gives(200, Content_Length=Differs("1000"))),
    row(
        "9.2-flag-counts-by-presence", put(O), get(f"{O}?hashmap=0").gives(200, json=lambda value: value["bytes"] == 4)
    ),
    row("9.2-absent-object", get(f"{O}?hashmap").gives(404)),
    row("9.2-by-a-reader", put(O, X_Object_Sharing="read={other}"), get(f"{O}?hashmap", by="other").gives(200)),
    row("9.2-by-a-stranger", put(O), get(f"{O}?hashmap", by="other").gives(403)),
    row("9.2-if-match", put(O), get(f"{O}?hashmap", If_Match="wrong").gives(412)),
    row(
        "9.2-nul-block",
        put(O, "\0" * 10),
        get(f"{O}?hashmap").gives(json=lambda value: (value["bytes"], value["hashes"]) == (10, [NOTHING])),
    ),
    # 9.3
    row(
        "9.3-all-known",
        KNOWN,
        put(f"{O}?hashmap", hashmap(11, HELLO), type="text/x").gives(201, ETag=HEX, X_Object_Version=str.isdigit),
        get(O).gives(200, body="hello world", Content_Type="text/x", X_Object_Hash=HELLO),
    ),
    row(
        "9.3-some-unknown",
        KNOWN,
        put(f"{C}/a", "before"),
        put(f"{C}/a?hashmap&format=json", hashmap(3 * 4194304, unknown(1), HELLO, unknown(2))).gives(
            409, json=[unknown(1), unknown(2)]
        ),
        get(f"{C}/a").gives(200, body="before"),
    ),
    row(
        "9.3-missing-each-once-in-order-of-first-use",
        put(f"{O}?hashmap&format=json", hashmap(4 * 4194304, unknown(2), unknown(1), unknown(2), unknown(1))).gives(
            409, json=[unknown(2), unknown(1)]
        ),
        head(O).gives(404),
    ),
    row("9.3-empty-with-no-hash", put(f"{O}?hashmap", hashmap(0)).gives(201), get(O).gives(200, body=b"")),
    row(
        "9.3-empty-with-the-empty-hash",
        put(f"{O}?hashmap", hashmap(0, NOTHING)).gives(201),
        get(O).gives(200, body=b""),
    ),
    row("9.3-empty-with-another-hash", KNOWN, put(f"{O}?hashmap", hashmap(0, HELLO)).gives(400)),
    row("9.3-too-few-hashes", KNOWN, put(f"{O}?hashmap", hashmap(4194305, HELLO)).gives(400)),
    row("9.3-too-many-hashes", KNOWN, put(f"{O}?hashmap", hashmap(11, HELLO, HELLO)).gives(400)),
    row("9.3-negative-size", KNOWN, put(f"{O}?hashmap", hashmap(-1, HELLO)).gives(400)),
    row("9.3-not-json", put(f"{O}?hashmap", "hello").gives(400)),
    row("9.3-xml-is-refused", put(f"{O}?hashmap", '<object bytes="0"></object>').gives(400)),
    row("9.3-empty-body", put(f"{O}?hashmap", "").gives(400)),
    row("9.3-no-bytes-key", put(f"{O}?hashmap", '{"hashes": []}').gives(400)),
    row("9.3-no-hashes-key", put(f"{O}?hashmap", '{"bytes": 0}').gives(400)),
    row("9.3-odd-length-hex", put(f"{O}?hashmap", hashmap(1, "abc")).gives(400)),
    row("9.3-not-hex", put(f"{O}?hashmap", hashmap(1, "zz" * 32)).gives(400)),
    row(
        "9.3-hex-of-another-length-is-missing",
        put(f"{O}?hashmap&format=json", hashmap(1, "abcd")).gives(409, json=["abcd"]),
    ),
    row(
        "9.3-other-keys-are-ignored",
        KNOWN,
        put(f"{O}?hashmap", hashmap(11, HELLO, block_size=1, block_hash="md5", x=None)).gives(201),
        get(O).gives(body="hello world"),
    ),
    row("9.3-absent-container", KNOWN, put("{new}/a?hashmap", hashmap(11, HELLO)).gives(404)),
    row("9.3-stranger", KNOWN, put(f"{O}?hashmap", hashmap(11, HELLO), by="other").gives(403)),
    row(
        "9.3-quota",
        KNOWN,
        make(X_Container_Policy_Quota="10"),
        put("{new}/a?hashmap", hashmap(11, HELLO)).gives(413),
        head("{new}/a").gives(404),
    ),
    row(
        "9.3-missing-before-absent-container",
        put("{new}/a?hashmap&format=json", hashmap(1, unknown(1))).gives(409, json=[unknown(1)]),
    ),
    row(
        "9.3-missing-before-rights",
        put(f"{O}?hashmap&format=json", hashmap(1, unknown(1)), by="other").gives(409, json=[unknown(1)]),
    ),
    row("9.3-syntax-before-absent-container", put("{new}/a?hashmap", "x").gives(400)),
    row("9.3-count-before-missing", put(f"{O}?hashmap", hashmap(1, unknown(1), unknown(2))).gives(400)),
    row("9.3-precondition-before-missing", put(f"{O}?hashmap", hashmap(1, unknown(1)), If_Match="wrong").gives(412)),
    row(
        "9.3-if-none-match-star",
        KNOWN,
        put(f"{O}?hashmap", hashmap(11, HELLO), If_None_Match="*").gives(201),
        put(f"{O}?hashmap", hashmap(11, HELLO), If_None_Match="*").gives(412),
    ),
    row("9.3-etag-is-ignored", KNOWN, put(f"{O}?hashmap", hashmap(11, HELLO), ETag="0" * 32).gives(201)),
    row(
        "9.3-metadata-and-sharing",
        KNOWN,
        put(
            f"{O}?hashmap",
            hashmap(11, HELLO),
            X_Object_Meta_A="1",
            X_Object_Sharing="read=*",
            X_Object_Public="true",
            Content_Encoding="gzip",
        ).gives(201),
        head(O).gives(
            200,
            X_Object_Meta_A="1",
            X_Object_Sharing="read=%2A",
            X_Object_Public=re.compile("http.+"),
            Content_Encoding="gzip",
        ),
    ),
    row(
        "9.3-replaces-metadata-keeps-sharing",
        KNOWN,
        put(O, X_Object_Meta_A="1", X_Object_Sharing="read=*"),
        put(f"{O}?hashmap", hashmap(11, HELLO)),
        head(O).gives(X_Object_Meta_A=None, X_Object_Sharing="read=%2A"),
    ),
    row("9.3-type-is-required", put(f"{O}?hashmap", hashmap(0), type=None).gives(411)),
    row(
        "9.3-content-is-not-checked-beyond-the-count",
        KNOWN,
        put(f"{O}?hashmap", hashmap(5, HELLO)).gives(201),
        get(O).gives(200, Content_Length="5", body="hello"),
    ),
    row(
        "9.3-longer-than-the-block-reads-nuls",
        KNOWN,
        put(f"{O}?hashmap", hashmap(13, HELLO)).gives(201),
        get(O).gives(200, body=b"hello world\0\0"),
    ),
    row("9.3-flag-counts-by-presence", put(f"{O}?hashmap=false", "x").gives(400)),
    row("9.3-chunked", KNOWN, put(f"{O}?hashmap", [hashmap(11, HELLO).encode()]).gives(201)),
    # 9.4
    row("9.4-reply", blocks(b"hello world").gives(202, json=[HELLO])),
    row(
        "9.4-xml-reply",
        blocks(b"hello world", query="?update&format=xml").gives(
            202, xml=lambda root: (root.tag, [(one.tag, one.text) for one in root]) == ("items", [("item", HELLO)])
        ),
    ),
    row("9.4-chunked", blocks([b"hello ", b"world"]).gives(202, json=[HELLO])),
    row("9.4-nul-block", blocks(b"\0\0\0").gives(202, json=[NOTHING])),
    row("9.4-empty-body-stores-nothing", blocks(b"").gives(202, body=lambda body: body in (b"", b"[]"))),
    row("9.4-by-others", put(f"{C}/a", X_Object_Sharing="write={other}"), blocks(b"x", C, by="other").gives(403)),
    row("9.4-absent-container", blocks(b"x", "{new}").gives(404)),
    row(
        "9.4-metadata-in-the-same-request",
        blocks(b"x", C, X_Container_Meta_A="1").gives(202),
        head(C).gives(X_Container_Meta_A="1"),
    ),
    row(
        "9.4-update-keeps-metadata",
        make(X_Container_Meta_A="1"),
        blocks(b"x", "{new}").gives(202),
        head("{new}").gives(X_Container_Meta_A="1"),
    ),
    row(
        "9.4-quota-is-not-charged-for-blocks", make(X_Container_Policy_Quota="1"), blocks(b"hello", "{new}").gives(202)
    ),
    row("9.4-same-block-twice", blocks(b"hello world").gives(202), blocks(b"hello world").gives(202, json=[HELLO])),
    row(
        "9.4-blocks-are-global",
        put("{theirs}/d", "", type="application/directory", by="other", of="other", X_Object_Sharing="write={me}"),
        blocks(b"written by me").gives(202),
        put("{theirs}/d/new?hashmap", hashmap(13, hashlib.sha256(b"written by me").hexdigest()), of="other").gives(201),
        get("{theirs}/d/new", by="other", of="other").gives(200, body="written by me", X_Object_Modified_By="{me}"),
    ),
    row(
        "9.1-a-hash-is-a-capability",
        put(f"{C}/secret", "hidden words"),
        put(
            "{theirs}/mine?hashmap", hashmap(12, hashlib.sha256(b"hidden words").hexdigest()), by="other", of="other"
        ).gives(201),
        get("{theirs}/mine", by="other", of="other").gives(body="hidden words"),
    ),
    # 9.5
    row(
        "9.5-hash-is-the-root",
        put(O, "hello world", ETag=hashlib.md5(b"hello world").hexdigest()),
        head(O).gives(X_Object_Hash=HELLO, ETag=re.compile(f"{HELLO}|{hashlib.md5(b'hello world').hexdigest()}")),
    ),
    row(
        "9.5-list-hash-of-a-hashmap-object",
        KNOWN,
        put(f"{C}/a?hashmap", hashmap(11, HELLO)),
        get(f"{C}?format=json").gives(
            json=lambda value: (
                value[0]["hash"] in ("", hashlib.md5(b"hello world").hexdigest()) and value[0]["x_object_hash"] == HELLO
            )
        ),
    ),
    row(
        "9.5-md5-goes-with-the-content",
        put(f"{C}/a", "hello world", ETag=hashlib.md5(b"hello world").hexdigest()),
        put(f"{C}/a", "x"),
        get(f"{C}?format=json").gives(json=lambda value: value[0]["hash"] in ("", hashlib.md5(b"x").hexdigest())),
    ),
)


@each(ROWS)
def test_rule(row: Row, world: World) -> None:
    world.run(row)


@rule(
    "9.4-several-blocks-in-one-body",
    "9.4-body-is-cut-every-block",
    "9.3-last-block-may-be-short",
    "9.1-root-of-two-blocks",
    "19-upload-by-hashmap",
)
def test_9_upload_of_three_blocks(world: World) -> None:
    """The procedure of section 19: the hashmap, what is missing, the hashmap again."""
    size = int(world.do(head("{shared}"))["X-Container-Block-Size"])
    data = [world["o"].encode().ljust(size, b"a"), b"\0" * size, world["run"].encode()]
    hashes = [hashlib.sha256(block.rstrip(b"\0")).hexdigest() for block in data]
    text = hashmap(2 * size + len(data[2]), *hashes)
    missing = world.do(put(f"{O}?hashmap&format=json", text).gives(409)).json()
    assert set(missing) <= set(hashes)
    assert {hashes[0], hashes[2]} <= set(missing)
    world.do(blocks(b"".join(data)).gives(202, json=hashes))
    root = world.do(put(f"{O}?hashmap&format=json", text).gives(201))
    digests = [bytes.fromhex(one) for one in hashes] + [bytes(32)]
    wanted = hashlib.sha256(
        hashlib.sha256(digests[0] + digests[1]).digest() + hashlib.sha256(digests[2] + digests[3]).digest()
    ).hexdigest()
    world.do(head(O).gives(200, X_Object_Hash=wanted, ETag=root["ETag"], Content_Length=str(2 * size + len(data[2]))))
    world.do(get(O, Range=f"bytes={2 * size - 1}-").gives(206, body=b"\0" + data[2]))
    world.do(get(f"{O}?hashmap").gives(200, json=lambda value: value["hashes"] == hashes))


@rule("9.2-hashmap-equals-the-block-hashes", "9.1-data-differing-in-trailing-nuls-has-one-root")
def test_9_1_trailing_nuls(world: World) -> None:
    world.do(put(f"{O}a", b"abc"))
    world.do(put(f"{O}b", b"abc\0\0"))
    one, two = (world.do(get(f"{O}{end}?hashmap")).json() for end in "ab")
    assert one["hashes"] == two["hashes"]
    assert (one["bytes"], two["bytes"]) == (3, 5)
    world.do(get(f"{O}b").gives(200, body=b"abc\0\0"))
