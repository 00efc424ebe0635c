"""Section 5: the account; section 8.2: its list of containers."""

from __future__ import annotations

import re
from typing import Any
from xml.etree.ElementTree import Element

import pytest
from conformance.rows import ANY, C, O, Row, Step, each, get, head, make, post, put, row, rule
from conformance.world import World

HTTP_DATE = re.compile(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT")
FUTURE = "Fri, 01 Jan 2100 00:00:00 GMT"
PAST = "Mon, 01 Jan 1990 00:00:00 GMT"

OWN = ("X-Account-Container-Count", "X-Account-Bytes-Used", "X-Account-Policy-Quota", "X-Account-Meta-Conformance")


def _entry(**wanted: Any) -> Any:
    """Entries of a JSON list: one has these values."""
    return lambda entries: any(all(one.get(key) == value for key, value in wanted.items()) for one in entries)


def _keys(*keys: str) -> Any:
    return lambda entries: bool(entries) and all(set(one) == set(keys) for one in entries)


def _xml(root: Element) -> bool:
    policies = [{one.text for one in policy if one.tag == "key"} for policy in root.iter("x_container_policy")]
    return (
        root.tag == "account" and bool(policies) and all(one == {"quota", "versioning", "project"} for one in policies)
    )


SHARE = put(f"{C}/a", X_Object_Sharing="read={other}")

ROWS = (
    row("5-head", head().gives(204, X_Account_Container_Count=str.isdigit, X_Account_Bytes_Used=str.isdigit)),
    row("5-head-has-last-modified", head().gives(204, Last_Modified=HTTP_DATE)),
    row("5-quota", head().gives(204, X_Account_Policy_Quota=str.isdigit)),
    row("5-quota-by-project", head().gives(204, raw={"X-Account-Policy-Quota-{me}": ANY})),
    row("5-get-has-the-same-headers", put(f"{C}/a"), get().gives(200, X_Account_Container_Count=str.isdigit)),
    row("5-get-lists-containers", make(), get().gives(200, has=("{new}",))),
    row("5-no-until-no-timestamp", head().gives(204, X_Account_Until_Timestamp=None)),
    row("5-until-has-timestamp", head("?until=4000000000").gives(204, X_Account_Until_Timestamp=HTTP_DATE)),
    row("5-until-before-the-account", head("?until=1").gives(204, X_Account_Container_Count="0")),
    row("5-get-until-before-the-account", get("?until=1").gives(204, body=b"")),
    row("5-get-until-before-the-account-json", get("?until=1&format=json").gives(200, json=[])),
    row("5-not-modified", head(If_Modified_Since=FUTURE).gives(304)),
    row("5-modified", head(If_Modified_Since=PAST).gives(204)),
    row("5-unmodified", head(If_Unmodified_Since=FUTURE).gives(204)),
    row("5-not-unmodified", head(If_Unmodified_Since=PAST).gives(412)),
    row("5-get-not-modified", get(If_Modified_Since=FUTURE).gives(304, body=b"")),
    row("5-get-not-unmodified", get(If_Unmodified_Since=PAST).gives(412)),
    # views
    row("5-shared", SHARE, put("{c2}/a"), get("?shared").gives(200, has=(C,), lacks=("{c2}",))),
    row(
        "5-public",
        put(f"{C}/a", X_Object_Public="true"),
        put("{c2}/a"),
        get("?public").gives(200, has=(C,), lacks=("{c2}",)),
    ),
    row(
        "5-shared-and-public-is-the-union",
        SHARE,
        put("{c2}/a", X_Object_Public="true"),
        make(),
        get("?public&shared").gives(200, has=(C, "{c2}"), lacks=("{new}",)),
    ),
    row(
        "5-shared-does-not-show-published",
        put(f"{C}/a", X_Object_Public="true"),
        get("?shared").gives(200, 204, lacks=(C,)),
    ),
    row(
        "5-shared-counts-by-presence", SHARE, put("{c2}/a"), get("?shared=false").gives(200, has=(C,), lacks=("{c2}",))
    ),
    # others
    row(
        "5-head-of-others",
        SHARE,
        head(by="other").gives(204, Last_Modified=HTTP_DATE, raw=dict.fromkeys(OWN)),
    ),
    row("5-get-of-others", SHARE, put("{c2}/a"), get(by="other").gives(200, has=(C,), lacks=("{c2}",))),
    row("5-until-of-others", SHARE, head("?until=4000000000", by="other").gives(403)),
    row("5-get-until-of-others", SHARE, get("?until=4000000000", by="other").gives(403)),
    row("5-public-of-others", SHARE, get("?public", by="other").gives(403)),
    row("5-post-of-others", SHARE, post("?update", by="other", X_Account_Meta_Conformance="1").gives(403)),
    # the list, section 8.2
    row(
        "8.2-keys",
        make(),
        get("?format=json").gives(200, json=_keys("name", "count", "bytes", "last_modified", "x_container_policy")),
    ),
    row(
        "8.2-keys-with-until",
        make(),
        get("?format=json&until=4000000000").gives(
            200,
            json=_keys("name", "count", "bytes", "last_modified", "x_container_policy", "x_container_until_timestamp"),
        ),
    ),
    row("8.2-keys-to-others", SHARE, get("?format=json", by="other").gives(200, json=_keys("name", "last_modified"))),
    row("8.2-xml", put(f"{C}/a"), get("?format=xml").gives(200, xml=_xml, has=(C,))),
    row("8.1-account-limit", make(), make("{new2}"), get("?limit=1").gives(200, lines=lambda lines: len(lines) == 1)),
    *(
        row(f"8.1-account-limit-{form}-is-the-default", make(), get(f"?limit={value}").gives(200, has=("{new}",)))
        for form, value in {"zero": "0", "negative": "-3", "rubbish": "many", "empty": ""}.items()
    ),
    row("8.1-account-marker", make(), get("?marker={new}").gives(200, 204, lacks=("{new}",))),
    row(
        "8.1-account-marker-is-exclusive",
        make(),
        make("{new}0"),
        get("?marker={new}&limit=1").gives(200, lines=("{new}0",)),
    ),
    row(
        "8.1-account-order",
        make("{new}b"),
        make("{new}B"),
        make("{new}-"),
        get("?marker={new}&limit=3").gives(200, lines=("{new}-", "{new}B", "{new}b")),
    ),
)


@each(ROWS)
def test_rule(row: Row, world: World) -> None:
    world.run(row)


@rule("5-counts", "8.2-count-and-bytes", "8.2-policy-values-are-strings", "8.2-project-defaults-to-the-account")
def test_5_counts(world: World) -> None:
    before = world.do(head())
    world.do(put(f"{C}/a", "12345"))
    world.do(put(f"{C}/d", b"", type="application/directory"))
    after = world.do(head())
    assert int(after["X-Account-Container-Count"]) == int(before["X-Account-Container-Count"]) + 1
    assert int(after["X-Account-Bytes-Used"]) == int(before["X-Account-Bytes-Used"]) + 5
    (entry,) = [one for one in world.do(get("?format=json")).json() if one["name"] == world["c"]]
    assert (entry["count"], entry["bytes"]) == (2, 5)
    assert entry["x_container_policy"] == {"quota": "0", "versioning": "auto", "project": world["me"]}


META = "X-Account-Meta-Conformance"


def _set(query: str = "?update", **headers: str) -> Step:
    return post(query, raw={f"X-Account-{name.replace('_', '-')}": value for name, value in headers.items()})


CHANGES = (
    row("5-post-sets-metadata", _set(Meta_Conformance="1").gives(202, body=b""), head().gives(204, raw={META: "1"})),
    row(
        "5-post-update-merges",
        _set(Meta_Conformance="1"),
        _set(Meta_Conformance_Two="2"),
        head().gives(204, raw={META: "1", f"{META}-Two": "2"}),
    ),
    row(
        "5-post-update-with-empty-removes",
        _set(Meta_Conformance="1"),
        _set(Meta_Conformance=""),
        head().gives(204, raw={META: None}),
    ),
    row(
        "5-post-without-update-replaces",
        _set(Meta_Conformance="1"),
        _set("", Meta_Conformance_Two="2"),
        head().gives(204, raw={META: None, f"{META}-Two": "2"}),
    ),
    row("5-post-with-nothing-wipes", _set(Meta_Conformance="1"), post(""), head().gives(204, raw={META: None})),
    row(
        "5-post-update-with-nothing-keeps",
        _set(Meta_Conformance="1"),
        post("?update"),
        head().gives(204, raw={META: "1"}),
    ),
    row(
        "5-group",
        _set(Group_conformance="{me},{other}").gives(202),
        head().gives(204, X_Account_Group_Conformance=lambda value: "," in value),
    ),
    row(
        "5-group-in-get",
        _set(Group_conformance="{me}"),
        get().gives(200, 204, X_Account_Group_Conformance="{me}"),
    ),
    row(
        "5-group-name-is-shown-capitalised",
        _set(Group_CONforMANCE="{me}"),
        get().gives(raw={"X-Account-Group-Conformance": "{me}"}),
    ),
    row(
        "5-group-members-lose-spaces",
        _set(Group_conformance=" {me} , "),
        head().gives(X_Account_Group_Conformance="{me}"),
    ),
    row(
        "5-group-members-are-unique",
        _set(Group_conformance="{me},{me}"),
        head().gives(X_Account_Group_Conformance="{me}"),
    ),
    row(
        "5-group-merge-keeps-others",
        _set(Group_conformance="{me}"),
        _set(Group_conformancetwo="{other}"),
        head().gives(X_Account_Group_Conformance="{me}", X_Account_Group_Conformancetwo="{other}"),
    ),
    row(
        "5-group-merge-replaces-its-members",
        _set(Group_conformance="{me}"),
        _set(Group_conformance="{other}"),
        head().gives(X_Account_Group_Conformance="{other}"),
    ),
    row(
        "5-group-merge-with-empty-deletes",
        _set(Group_conformance="{me}"),
        _set(Group_conformance=""),
        head().gives(X_Account_Group_Conformance=None),
    ),
    row(
        "5-group-without-update-replaces-all",
        _set(Group_conformance="{me}"),
        _set("", Group_conformancetwo="{me}"),
        head().gives(X_Account_Group_Conformance=None, X_Account_Group_Conformancetwo="{me}"),
    ),
    row(
        "5-no-group-without-update-keeps-groups",
        _set(Group_conformance="{me}"),
        _set("", Meta_Conformance="1"),
        head().gives(X_Account_Group_Conformance="{me}"),
    ),
    row("5-group-name-with-dash", _set(Group_con_formance="{me}").gives(400)),
    row("5-group-name-with-underscore", post("?update", raw={"X-Account-Group-con_formance": "{me}"}).gives(400)),
    row(
        "5-group-member-unknown",
        _set(Group_conformance="nobody-of-that-name").gives(400),
        head().gives(X_Account_Group_Conformance=None),
    ),
    row("5-group-one-member-unknown", _set(Group_conformance="{me},nobody").gives(400)),
    row("5-groups-cannot-nest", _set(Group_conformance="{me}:conformance").gives(400)),
    row(
        "5-policy-is-ignored",
        _set(Policy_Quota="1").gives(202),
        head().gives(204, X_Account_Policy_Quota=lambda value: value != "1"),
    ),
    row(
        "3.2-tilde-is-removed-from-groups",
        _set(Group_conformance="{me}~,~{other}").gives(202),
        head().gives(X_Account_Group_Conformance=lambda value: "," in value and "~" not in value),
    ),
    row("5-metadata-time-travel", _set(Meta_Conformance="1"), head("?until=4000000000").gives(204, raw={META: "1"})),
)


@each(CHANGES)
@pytest.mark.usefixtures("kept_account")
def test_change(row: Row, world: World) -> None:
    world.run(row)


@pytest.mark.usefixtures("kept_account")
@rule("3.4-groups-per-account")
def test_3_4_groups_of_an_account(world: World) -> None:
    """Option, default 32."""
    groups = {f"Group_conformance{number}": "{me}" for number in range(33)}
    answer = world.do(_set("", **groups).gives(202, 400))
    if answer.status == 202:
        pytest.skip("this server keeps more than 32 groups")
    groups.popitem()
    world.do(_set("", **groups).gives(202))
    world.do(_set(Group_conformanceone="{me}").gives(400))
    world.do(_set(Group_conformance0="").gives(202))
    world.do(_set(Group_conformanceone="{me}").gives(202))


@pytest.mark.usefixtures("kept_account")
@rule("5-last-modified-follows-any-change")
def test_5_last_modified_follows_any_change(world: World) -> None:
    """The latest change anywhere in the account."""
    world.do(put(O))
    first = world.do(head())["Last-Modified"]
    world.next_second()
    world.do(put(O, "changed"))
    second = world.do(head(If_Modified_Since=first).gives(204))["Last-Modified"]
    assert second != first
    world.do(head(If_Modified_Since=second).gives(304))
