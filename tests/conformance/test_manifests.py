"""Section 17: manifests."""

from __future__ import annotations

import hashlib
import re

from conformance.rows import C, O, Row, copy, each, get, head, post, put, row
from conformance.world import World

NOTHING = hashlib.sha256(b"").hexdigest()
PARTS = (put(f"{C}/p/2", "world"), put(f"{C}/p/1", "hello "), put(f"{C}/q", "no part"))
WHOLE = put(O, "", X_Object_Manifest="{c}/p/")
PUBLIC = re.compile("https?://.+")

ROWS = (
    row("17-get-joins-the-parts-by-name", *PARTS, WHOLE, get(O).gives(200, body="hello world", Content_Length="11")),
    row("17-head-has-the-sum", *PARTS, WHOLE, head(O).gives(200, Content_Length="11", X_Object_Manifest="{c}/p/")),
    row("17-parts-are-read-when-asked", *PARTS, WHOLE, put(f"{C}/p/3", "!"), get(O).gives(body="hello world!")),
    row("17-prefix-need-not-be-a-folder", *PARTS, put(O, "", X_Object_Manifest="{c}/p/1"), get(O).gives(body="hello ")),
    row(
        "17-hash-is-the-manifests-own",
        *PARTS,
        WHOLE,
        head(O).gives(X_Object_Hash=NOTHING, ETag=re.compile(f"{NOTHING}|[0-9a-f]{{32}}")),
    ),
    row(
        "17-hashmap-is-the-manifests-own",
        *PARTS,
        WHOLE,
        get(f"{O}?hashmap").gives(json=lambda value: value["bytes"] == 0),
    ),
    row(
        "17-range-over-the-border",
        *PARTS,
        WHOLE,
        get(O, Range="bytes=4-7").gives(206, body="o wo", Content_Range="bytes 4-7/11"),
    ),
    row("17-range-of-the-last", *PARTS, WHOLE, get(O, Range="bytes=-5").gives(206, body="world")),
    row("17-range-past-the-end", *PARTS, WHOLE, get(O, Range="bytes=5-11").gives(416)),
    row(
        "17-several-ranges",
        *PARTS,
        WHOLE,
        get(O, Range="bytes=0-0,10-10").gives(
            206, body=lambda body: b"\r\n\r\nh\r\n" in body and b"\r\n\r\nd\r\n" in body
        ),
    ),
    row(
        "17-no-matching-part",
        put(O, "own", X_Object_Manifest="{c}/nothing"),
        get(O).gives(200, body=b""),
        head(O).gives(200, Content_Length="0"),
    ),
    row(
        "17-without-prefix",
        put(O, "own", X_Object_Manifest="{c}").gives(201),
        head(O).gives(200, Content_Length="3"),
        get(O).gives(400),
    ),
    row(
        "17-with-empty-prefix",
        put(O, "own", X_Object_Manifest="{c}/").gives(201),
        head(O).gives(200, Content_Length="3"),
        get(O).gives(400),
    ),
    row(
        "17-absent-container",
        put(O, "own", X_Object_Manifest="{new}/p").gives(201),
        head(O).gives(200, Content_Length="3"),
        get(O).gives(404),
    ),
    row(
        "17-own-name-is-its-first-part",
        put(f"{C}/m", "own+", X_Object_Manifest="{c}/m"),
        put(f"{C}/m1", "more"),
        get(f"{C}/m").gives(200, body="own+more"),
    ),
    row(
        "17-value-is-percent-encoded",
        put(f"{C}/%CE%B1/1", "x"),
        put(O, "", X_Object_Manifest="{c}/%CE%B1/"),
        get(O).gives(body="x"),
        head(O).gives(X_Object_Manifest="{c}/%CE%B1/"),
    ),
    row(
        "17-post-without-update-drops-it",
        *PARTS,
        WHOLE,
        post(O, X_Object_Meta_A="1"),
        get(O).gives(200, body=b"", X_Object_Manifest=None),
    ),
    row("17-put-drops-it", *PARTS, WHOLE, put(O, "plain"), get(O).gives(body="plain", X_Object_Manifest=None)),
    row(
        "17-post-update-keeps-it",
        *PARTS,
        WHOLE,
        post(f"{O}?update", X_Object_Meta_A="1"),
        get(O).gives(body="hello world"),
    ),
    row(
        "17-post-makes-one",
        *PARTS,
        put(O, ""),
        post(f"{O}?update", X_Object_Manifest="{c}/p/"),
        get(O).gives(body="hello world"),
    ),
    row(
        "17-old-version-of-a-manifest",
        *PARTS,
        WHOLE.gives(save={"v": "X-Object-Version"}),
        put(O, "plain"),
        get(f"{O}?version={{v}}").gives(200, body="hello world"),
    ),
    row(
        "17-copy-is-a-manifest-too",
        *PARTS,
        WHOLE,
        copy(O, f"{O}b"),
        get(f"{O}b").gives(body="hello world", X_Object_Manifest="{c}/p/"),
    ),
    row(
        "17-if-match-is-of-the-manifest",
        *PARTS,
        WHOLE,
        head(O).gives(save={"t": "ETag"}),
        get(O, If_Match="{t}").gives(200, body="hello world"),
        get(O, If_Match="abc").gives(412),
    ),
    row("17-deleted-parts-are-gone", *PARTS, WHOLE, put(f"{C}/p/2", "there"), get(O).gives(body="hello there")),
    row(
        "17-a-part-that-is-a-manifest-gives-its-own-bytes",
        *PARTS,
        put(f"{C}/p/0", "own ", X_Object_Manifest="{c}/q"),
        WHOLE,
        get(O).gives(200, body="own hello world"),
    ),
    # published
    row(
        "17-public-parts-not-shared-with-everybody",
        *PARTS,
        WHOLE,
        post(f"{O}?update", X_Object_Public="true"),
        head(O).gives(X_Object_Public=PUBLIC, save={"url": "X-Object-Public"}),
        get("{url}", by="nobody").gives(404),
    ),
    row(
        "17-public-parts-shared-with-everybody",
        put(f"{C}/p/1", "hello ", X_Object_Sharing="read=*"),
        put(f"{C}/p/2", "world", X_Object_Sharing="read=*"),
        put(O, "", X_Object_Manifest="{c}/p/", X_Object_Public="true"),
        head(O).gives(save={"url": "X-Object-Public"}),
        get("{url}", by="nobody").gives(200, body="hello world"),
    ),
    row(
        "17-by-a-reader-of-everything",
        put(f"{C}/d", "", type="application/directory", X_Object_Sharing="read={other}"),
        put(f"{C}/d/p1", "x"),
        put(f"{C}/d/p2", "y"),
        put(f"{C}/d/m", "", X_Object_Manifest="{c}/d/p"),
        get(f"{C}/d/m", by="other").gives(200, body="xy"),
    ),
    row(
        "17-hidden-parts-are-not-given-away",
        put(f"{C}/secret", "hidden"),
        put(O, "", X_Object_Manifest="{c}/secret", X_Object_Sharing="read={other}"),
        get(O, by="other").gives(200, 403, 404, body=lambda body: b"hidden" not in body),
    ),
    row(
        "17-parts-are-of-the-same-account",
        put("{theirs}/p1", "theirs", by="other", of="other", X_Object_Sharing="read={me}"),
        put(O, "", X_Object_Manifest="{theirs}/p"),
        get(O).gives(404),
    ),
)


@each(ROWS)
def test_rule(row: Row, world: World) -> None:
    world.run(row)
