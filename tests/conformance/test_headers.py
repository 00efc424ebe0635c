"""Section 3.2: headers and dates."""

from __future__ import annotations

import re
from typing import Any

from conformance.rows import ANY, C, O, Row, call, delete, each, get, head, make, post, put, row
from conformance.world import World

HTTP_DATE = re.compile(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT")
ISO_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?\+00:00")
STAMP = re.compile(r"\d+\.\d{6}")

RAW = "caf\u00e9".encode()

COMMON: dict[str, Any] = {
    "Cache-Control": "no-cache, no-store, must-revalidate, max-age=0",
    "Vary": re.compile(r"(.*, *)?X-Auth-Token(,.*)?"),
}


def _entry(key: str, pattern: re.Pattern[str]) -> object:
    return lambda entries: all(pattern.fullmatch(str(one[key])) for one in entries) and bool(entries)


ROWS = (
    # requests: ASCII only, one percent-decoding
    *(
        row(f"3.2-raw-non-ascii-in-{name}".lower(), put(O, raw={name: RAW}).gives(400), head(O).gives(404))
        for name in (
            "X-Object-Meta-A",
            "X-Object-Sharing",
            "X-Object-Manifest",
            "X-Unknown",
            "If-Match",
            "Content-Disposition",
            "Content-Encoding",
            "Content-Type",
        )
    ),
    row("3.2-raw-non-ascii-in-destination", put(O), call("COPY", O, raw={"Destination": b"/c/\xc3\xa9"}).gives(400)),
    row("3.2-raw-non-ascii-in-a-name", put(O, raw={"X-Object-Meta-\u00e9": "1"}).gives(400, body=ANY)),
    row("3.2-raw-non-ascii-in-a-policy", make(raw={"X-Container-Policy-Versioning": RAW}).gives(400)),
    row("3.2-raw-non-ascii-in-container-meta", make(raw={"X-Container-Meta-A": RAW}).gives(400)),
    row(
        "3.2-value-is-percent-decoded-as-utf-8",
        put(O, X_Object_Meta_A="%CE%B1%20b"),
        head(O).gives(200, X_Object_Meta_A="%CE%B1 b"),
    ),
    row("3.2-value-is-decoded-once", put(O, X_Object_Meta_A="%2541"), head(O).gives(200, X_Object_Meta_A="%2541")),
    row("3.2-plus-stays-plus", put(O, X_Object_Meta_A="a+%62"), head(O).gives(200, X_Object_Meta_A="a%2Bb")),
    row(
        "3.2-malformed-escapes-stay",
        put(O, X_Object_Meta_A="100% of %zz %4"),
        head(O).gives(200, X_Object_Meta_A="100%25 of %25zz %254"),
    ),
    row(
        "3.2-name-is-percent-decoded",
        put(O, raw={"X-Object-Meta-%CE%B1b": "1"}),
        head(O).gives(200, raw={"X-Object-Meta-%CE%91b": "1"}),
    ),
    row(
        "3.2-tilde-is-removed-from-metadata",
        put(O, X_Object_Meta_A="~a~b~"),
        head(O).gives(200, X_Object_Meta_A="ab"),
    ),
    row(
        "3.2-tilde-is-removed-from-container-metadata",
        make(X_Container_Meta_A="x~y"),
        head("{new}").gives(204, X_Container_Meta_A="xy"),
    ),
    row(
        "3.2-tilde-is-removed-from-policies",
        make(X_Container_Policy_Versioning="~none"),
        head("{new}").gives(204, X_Container_Policy_Versioning="none"),
    ),
    row(
        "3.2-tilde-is-removed-from-sharing",
        put(O, X_Object_Sharing="read=~{other}"),
        head(O).gives(200, X_Object_Sharing="read={other}"),
    ),
    row(
        "3.2-tilde-stays-in-disposition",
        put(O, Content_Disposition='attachment; filename="a~b"'),
        head(O).gives(200, Content_Disposition=re.compile('attachment; filename="a(~|%7E)b"')),
    ),
    row(
        "3.2-content-type-is-not-decoded",
        put(O, type="text/%70lain"),
        head(O).gives(200, Content_Type="text/%2570lain"),
    ),
    # replies
    row("3.2-star-is-encoded", put(O, X_Object_Sharing="read=*"), head(O).gives(200, X_Object_Sharing="read=%2A")),
    row(
        "3.2-plus-in-type-is-encoded", put(O, type="image/svg+xml"), head(O).gives(200, Content_Type="image/svg%2Bxml")
    ),
    row(
        "3.2-what-is-not-encoded",
        put(O, X_Object_Meta_A='aZ09_.-/=,:@;" z'),
        head(O).gives(200, X_Object_Meta_A='aZ09_.-/=,:@;" z'),
    ),
    row(
        "3.2-what-is-encoded",
        put(O, X_Object_Meta_A="()<>[]{}!$&'*+?|\\^`#%25"),
        head(O).gives(200, X_Object_Meta_A="%28%29%3C%3E%5B%5D%7B%7D%21%24%26%27%2A%2B%3F%7C%5C%5E%60%23%25"),
    ),
    row(
        "3.2-disposition-is-encoded",
        put(O, Content_Disposition="attachment; filename=%CE%B1.txt"),
        head(O).gives(200, Content_Disposition="attachment; filename=%CE%B1.txt"),
    ),
    row(
        "3.2-container-meta-names-are-encoded",
        make(raw={"X-Container-Meta-%CE%B1": "%CE%B2"}),
        head("{new}").gives(204, raw={"X-Container-Meta-%CE%91": "%CE%B2"}),
    ),
    row(
        "3.2-object-meta-keys-of-a-container-are-encoded",
        put(f"{C}/a", raw={"X-Object-Meta-%CE%B1": "1"}),
        head(C).gives(204, X_Container_Object_Meta="%CE%91"),
    ),
    *(
        row(f"3.2-common-headers-on-{where}", put(O), step.gives(step.expect.statuses[0], Date=HTTP_DATE, raw=COMMON))
        for where, step in {
            "object": head(O).gives(200),
            "data": get(O).gives(200),
            "list": get("{shared}").gives(200),
            "account": head("").gives(204),
            "put": put(O).gives(201),
            "delete": delete(O).gives(204),
            "error": get(f"{O}x").gives(404),
            "refusal": get(O, by="nobody").gives(401),
        }.items()
    ),
    *(
        row(f"3.2-last-modified-on-{where}", put(O), step.gives(step.expect.statuses[0], Last_Modified=HTTP_DATE))
        for where, step in {
            "account": head("").gives(204),
            "container": head("{shared}").gives(204),
            "object": head(O).gives(200),
            "put": put(O).gives(201),
            "post": post(f"{O}?update", X_Object_Meta_A="1").gives(202),
            "delete": delete(O).gives(204),
        }.items()
    ),
    row("3.2-dates-of-headers", put(O), head(O).gives(200, X_Object_Version_Timestamp=HTTP_DATE)),
    row("3.2-dates-of-account-lists", get("?format=json").gives(200, json=_entry("last_modified", ISO_DATE))),
    row(
        "3.2-dates-of-container-lists",
        put(f"{C}/a"),
        get(f"{C}?format=json").gives(200, json=_entry("last_modified", ISO_DATE)),
    ),
    row(
        "3.2-stamps-of-container-lists",
        put(f"{C}/a"),
        get(f"{C}?format=json").gives(200, json=_entry("x_object_version_timestamp", STAMP)),
    ),
    row(
        "3.2-stamps-of-version-lists",
        put(O),
        get(f"{O}?version=list").gives(
            200, json=lambda value: all(isinstance(at, str) and STAMP.fullmatch(at) for _, at in value["versions"])
        ),
    ),
    *(
        row(f"3.2-date-as-{form}", put(O), get(O, If_Modified_Since=date).gives(304))
        for form, date in {
            "rfc-1123": "Fri, 01 Jan 2100 00:00:00 GMT",
            "asctime": "Fri Jan  1 00:00:00 2100",
        }.items()
    ),
    row("3.2-date-as-rfc-850", put(O), get(O, If_Modified_Since="Tuesday, 01-Jan-60 00:00:00 GMT").gives(304)),
    *(
        row(f"3.2-unparsable-date-is-ignored-{form}", put(O), get(O, If_Modified_Since=date).gives(200))
        for form, date in {"rubbish": "tomorrow", "iso": "2100-01-01T00:00:00Z", "number": "4102444800"}.items()
    ),
    *(
        row(
            f"3.2-until-that-is-no-integer-is-absent-{form}",
            put(f"{C}/a"),
            get(f"{C}?until={value}").gives(200, lines=("a",)),
        )
        for form, value in {"negative": "-1", "fraction": "1.5", "word": "now", "empty": ""}.items()
    ),
    row(
        "3.2-header-names-have-no-case",
        put(O, raw={"x-oBJECT-mETA-color": "red"}),
        head(O).gives(200, X_Object_Meta_Color="red"),
    ),
    row("3.2-language-is-not-data", put(O, Content_Language="el"), head(O).gives(200, ETag=ANY)),
)


@each(ROWS)
def test_rule(row: Row, world: World) -> None:
    world.run(row)
