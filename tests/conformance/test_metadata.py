"""Section 13: metadata."""

from __future__ import annotations

from conformance.rows import C, O, Row, copy, each, get, head, make, post, put, row
from conformance.world import World

ROWS = (
    *(
        row(
            f"13-object-key-{name}",
            put(O, raw={f"X-Object-Meta-{sent}": "1"}),
            head(O).gives(200, raw={f"X-Object-Meta-{kept}": "1"}),
        )
        for name, sent, kept in (
            ("capitalised", "color", "Color"),
            ("lower-rest", "COLOR", "Color"),
            ("each-part", "dark-RED-tone", "Dark-Red-Tone"),
            ("underscore", "foo_bar", "Foo-Bar"),
            ("encoded-underscore", "foo%5Fbar", "Foo-Bar"),
            ("digits", "1st-2ND", "1st-2nd"),
            ("greek", "%CF%83x", "%CE%A3x"),
        )
    ),
    row(
        "13-keys-are-case-insensitive",
        put(O, raw={"X-Object-Meta-COLOR": "1"}),
        post(f"{O}?update", raw={"X-Object-Meta-color": "2"}),
        head(O).gives(X_Object_Meta_Color="2"),
    ),
    row(
        "13-underscore-and-dash-are-one-key",
        put(O, raw={"X-Object-Meta-a_b": "1"}),
        post(f"{O}?update", raw={"X-Object-Meta-a-b": "2"}),
        head(O).gives(X_Object_Meta_A_B="2"),
    ),
    row(
        "13-container-keys",
        make(raw={"X-Container-Meta-foo_BAR": "1"}),
        head("{new}").gives(raw={"X-Container-Meta-Foo-Bar": "1"}),
    ),
    row("13-values-are-strings", put(O, X_Object_Meta_A="007"), head(O).gives(X_Object_Meta_A="007")),
    row("13-values-keep-inner-blanks", put(O, X_Object_Meta_A="a  b"), head(O).gives(X_Object_Meta_A="a  b")),
    row(
        "13-values-in-unicode",
        put(O, X_Object_Meta_A="%F0%9F%92%BE%CE%B1"),
        head(O).gives(X_Object_Meta_A="%F0%9F%92%BE%CE%B1"),
    ),
    row(
        "13-values-with-line-breaks-come-back-encoded",
        put(O, X_Object_Meta_A="a%0Ab"),
        head(O).gives(200, X_Object_Meta_A="a%0Ab"),
    ),
    row(
        "13-put-replaces",
        put(O, X_Object_Meta_A="1"),
        put(O, X_Object_Meta_B="1"),
        head(O).gives(X_Object_Meta_A=None, X_Object_Meta_B="1"),
    ),
    row(
        "13-copy-merges",
        put(O, X_Object_Meta_A="1"),
        copy(O, f"{O}b", X_Object_Meta_B="2"),
        head(f"{O}b").gives(X_Object_Meta_A="1", X_Object_Meta_B="2"),
    ),
    row(
        "13-container-put-merges",
        make(X_Container_Meta_A="1"),
        make(X_Container_Meta_B="2"),
        head("{new}").gives(X_Container_Meta_A="1", X_Container_Meta_B="2"),
    ),
    row(
        "13-extras-are-replaced-together",
        put(O, Content_Encoding="gzip", X_Object_Meta_A="1"),
        post(O, X_Object_Meta_B="2"),
        head(O).gives(Content_Encoding=None, X_Object_Meta_A=None),
    ),
    row(
        "13-extras-on-copies",
        put(O, Content_Encoding="gzip", Content_Disposition="attachment"),
        copy(O, f"{O}b", Content_Encoding="br"),
        head(f"{O}b").gives(Content_Encoding="br", Content_Disposition="attachment"),
    ),
    *(
        row(f"13-{name.lower()}-is-ignored", put(O, raw={name: value}).gives(201), head(O).gives(200, raw={name: None}))
        for name, value in {
            "Expires": "Thu, 01 Jan 2099 00:00:00 GMT",
            "X-Delete-At": "4000000000",
            "X-Delete-After": "1",
            "X-Timestamp": "1",
        }.items()
    ),
    row(
        "13-cache-control-is-ignored",
        put(O, Cache_Control="max-age=60"),
        head(O).gives(200, Cache_Control="no-cache, no-store, must-revalidate, max-age=0"),
    ),
    row(
        "13-levels-are-apart",
        put(O, X_Container_Meta_A="1", X_Account_Meta_Conformance="1").gives(201),
        head("{shared}").gives(X_Container_Meta_A=None),
        head("").gives(X_Account_Meta_Conformance=None),
        head(O).gives(X_Object_Meta_A=None),
    ),
    row(
        "13-many-keys",
        put(O, raw={f"X-Object-Meta-K{number}": str(number) for number in range(32)}),
        head(O).gives(200, X_Object_Meta_K0="0", X_Object_Meta_K31="31"),
    ),
    row(
        "13-names-with-odd-characters",
        put(O, raw={"X-Object-Meta-a%20b%3A": "1"}),
        head(O).gives(200, raw={"X-Object-Meta-A%20b%3A": "1"}),
    ),
    row(
        "13-metadata-is-part-of-a-version",
        put(f"{C}/a", X_Object_Meta_A="1").gives(save={"v": "X-Object-Version"}),
        put(f"{C}/a"),
        get(f"{C}/a?version={{v}}").gives(X_Object_Meta_A="1"),
    ),
)


@each(ROWS)
def test_rule(row: Row, world: World) -> None:
    world.run(row)
