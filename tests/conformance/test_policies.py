"""Section 14: policies, quota, projects."""

from __future__ import annotations

from typing import Any

import pytest
from conformance.rows import C, O, Row, copy, delete, each, get, head, make, move, post, put, row, rule
from conformance.world import World

NEW = "{new}"
STRANGE = "00000000-0000-4000-8000-000000000000"


def policies(**wanted: str) -> dict[str, Any]:
    return {f"X_Container_Policy_{name.capitalize()}": value for name, value in wanted.items()}


LIMITED = make(X_Container_Policy_Quota="10")

ROWS = (
    row(
        "14-defaults",
        make(),
        head(NEW).gives(
            **policies(quota="0", project="{me}"), X_Container_Policy_Versioning=lambda value: value in ("auto", "none")
        ),
    ),
    row(
        "14-set-on-create",
        make(**policies(quota="100", versioning="none", project="{me}")).gives(201),
        head(NEW).gives(**policies(quota="100", versioning="none", project="{me}")),
    ),
    *(
        row(f"14-quota-{form}", make(X_Container_Policy_Quota=value).gives(400), head(NEW).gives(404))
        for form, value in {"negative": "-1", "fraction": "1.5", "word": "big", "unit": "1KB", "empty": ""}.items()
    ),
    *(
        row(f"14-versioning-{form}", make(X_Container_Policy_Versioning=value).gives(400))
        for form, value in {"word": "manual", "upper-case": "AUTO", "empty": ""}.items()
    ),
    row("14-any-other-name", make(X_Container_Policy_Color="red").gives(400), head(NEW).gives(404)),
    row("14-any-other-name-on-post", make(), post(f"{NEW}?update", X_Container_Policy_Color="red").gives(400)),
    row(
        "14-invalid-changes-nothing",
        make(X_Container_Meta_A="1"),
        post(f"{NEW}?update", X_Container_Policy_Quota="x", X_Container_Meta_A="2").gives(400),
        head(NEW).gives(X_Container_Meta_A="1"),
    ),
    row(
        "14-in-the-account-list",
        make(**policies(quota="7", versioning="none")),
        get("?format=json").gives(
            json=lambda value: any(
                one["x_container_policy"]["quota"] == "7" and one["x_container_policy"]["versioning"] == "none"
                for one in value
            )
        ),
    ),
    # container quota
    row("14-quota-up-to-the-limit", LIMITED, put(f"{NEW}/a", "1234567890").gives(201)),
    row(
        "14-quota-over-the-limit",
        LIMITED,
        put(f"{NEW}/a", "12345678901").gives(413, fault="requestEntityTooLarge"),
        head(f"{NEW}/a").gives(404),
    ),
    row(
        "14-quota-over-the-limit-chunked",
        LIMITED,
        put(f"{NEW}/a", [b"123456", b"78901"]).gives(413),
        head(f"{NEW}/a").gives(404),
    ),
    row(
        "14-quota-is-of-the-sum",
        LIMITED,
        put(f"{NEW}/a", "123456"),
        put(f"{NEW}/b", "12345").gives(413),
        put(f"{NEW}/b", "1234").gives(201),
    ),
    row(
        "14-quota-counts-the-difference",
        LIMITED,
        put(f"{NEW}/a", "1234567890"),
        put(f"{NEW}/a", "0987654321").gives(201),
        put(f"{NEW}/a", "1").gives(201),
    ),
    row("14-quota-zero-is-no-limit", make(X_Container_Policy_Quota="0"), put(f"{NEW}/a", "x" * 1000).gives(201)),
    row(
        "14-quota-leaves-no-version-behind",
        LIMITED,
        put(f"{NEW}/a", "1"),
        put(f"{NEW}/a", "12345678901").gives(413),
        get(f"{NEW}/a?version=list").gives(json=lambda value: len(value["versions"]) == 1),
    ),
    row("14-quota-of-copies", LIMITED, put(O, "x" * 11), copy(O, f"{NEW}/a").gives(413), head(f"{NEW}/a").gives(404)),
    row("14-quota-of-copies-inside", LIMITED, put(f"{NEW}/a", "123456"), copy(f"{NEW}/a", f"{NEW}/b").gives(413)),
    row("14-quota-of-moves-inside", LIMITED, put(f"{NEW}/a", "123456"), move(f"{NEW}/a", f"{NEW}/b").gives(201)),
    row(
        "14-quota-of-data-updates",
        LIMITED,
        put(f"{NEW}/a", "123456"),
        post(f"{NEW}/a?update", b"12345", Content_Type="application/octet-stream", Content_Range="bytes */*").gives(
            413
        ),
        get(f"{NEW}/a").gives(body="123456"),
    ),
    row(
        "14-lowering-below-the-usage-is-allowed",
        LIMITED,
        put(f"{NEW}/a", "1234567890"),
        post(f"{NEW}?update", X_Container_Policy_Quota="5").gives(202),
        put(f"{NEW}/b", "1").gives(413),
        put(f"{NEW}/a", "123456789").gives(201),
    ),
    row(
        "14-only-growth-is-refused",
        LIMITED,
        put(f"{NEW}/a", "1234567890"),
        post(f"{NEW}?update", X_Container_Policy_Quota="5"),
        post(f"{NEW}/a?update", X_Object_Meta_A="1").gives(202),
        put(f"{NEW}/e", "").gives(201),
    ),
    row(
        "14-deleting-makes-room",
        LIMITED,
        put(f"{NEW}/a", "1234567890"),
        delete(f"{NEW}/a"),
        put(f"{NEW}/b", "1234567890").gives(201),
    ),
    row(
        "14-raising-makes-room",
        LIMITED,
        put(f"{NEW}/a", "1234567890"),
        post(f"{NEW}?update", X_Container_Policy_Quota="20"),
        put(f"{NEW}/b", "1234567890").gives(201),
    ),
    row(
        "14-quota-for-others-that-write",
        make(X_Container_Policy_Quota="10"),
        put(f"{NEW}/a", "1", X_Object_Sharing="write={other}"),
        put(f"{NEW}/a", "12345678901", by="other").gives(413),
    ),
    # versioning
    row(
        "14-versioning-none",
        make(X_Container_Policy_Versioning="none"),
        put(f"{NEW}/a"),
        put(f"{NEW}/a"),
        get(f"{NEW}/a?version=list").gives(json=lambda value: len(value["versions"]) == 1),
    ),
    row(
        "14-versioning-auto",
        make(X_Container_Policy_Versioning="auto"),
        put(f"{NEW}/a"),
        put(f"{NEW}/a"),
        get(f"{NEW}/a?version=list").gives(json=lambda value: len(value["versions"]) == 2),
    ),
    row(
        "14-versioning-changes-count-from-then",
        make(),
        put(f"{NEW}/a"),
        put(f"{NEW}/a"),
        post(f"{NEW}?update", X_Container_Policy_Versioning="none"),
        put(f"{NEW}/a"),
        get(f"{NEW}/a?version=list").gives(json=lambda value: len(value["versions"]) == 2),
    ),
    # projects
    row(
        "14-project-unknown-on-create-is-not-validated",
        make(X_Container_Policy_Project=STRANGE).gives(201),
        head(NEW).gives(X_Container_Policy_Project=STRANGE),
        put(f"{NEW}/a").gives(404, fault=("fault", "itemNotFound")),
        head(f"{NEW}/a").gives(404),
    ),
    row(
        "14-project-unknown-writes-by-copy",
        put(O),
        make(X_Container_Policy_Project=STRANGE),
        copy(O, f"{NEW}/a").gives(404, fault=("fault", "itemNotFound")),
    ),
    row(
        "14-project-unknown-on-existing",
        make(),
        post(f"{NEW}?update", X_Container_Policy_Project=STRANGE).gives(404, fault=("fault", "itemNotFound")),
        head(NEW).gives(X_Container_Policy_Project="{me}"),
    ),
    row(
        "14-project-unknown-on-put-of-existing",
        make(),
        make(X_Container_Policy_Project=STRANGE).gives(404, fault=("fault", "itemNotFound")),
        head(NEW).gives(X_Container_Policy_Project="{me}"),
    ),
    row(
        "14-project-same-again",
        put(f"{C}/a"),
        post(f"{C}?update", X_Container_Policy_Project="{me}").gives(202),
        put(f"{C}/b").gives(201),
    ),
    row(
        "14-project-of-another-user",
        make(),
        post(f"{NEW}?update", X_Container_Policy_Project="{other}").gives(404, fault=("fault", "itemNotFound")),
    ),
    row(
        "14-project-unknown-can-be-mended",
        make(X_Container_Policy_Project=STRANGE),
        post(f"{NEW}?update", X_Container_Policy_Project="{me}").gives(202),
        put(f"{NEW}/a").gives(201),
    ),
    row("14-project-unknown-can-be-deleted", make(X_Container_Policy_Project=STRANGE), delete(NEW).gives(204)),
    row(
        "14-project-refused-changes-nothing-else",
        make(X_Container_Meta_A="1"),
        post(
            f"{NEW}?update", X_Container_Policy_Project=STRANGE, X_Container_Policy_Quota="5", X_Container_Meta_A="2"
        ).gives(404, fault=("fault", "itemNotFound")),
        head(NEW).gives(X_Container_Policy_Quota="0", X_Container_Meta_A="1"),
    ),
)


@each(ROWS)
def test_rule(row: Row, world: World) -> None:
    world.run(row)


def _by_project(world: World) -> dict[str, int]:
    prefix = "x-account-policy-quota-"
    headers = world.do(head("")).headers.items()
    return {name.lower().removeprefix(prefix): int(value) for name, value in headers if name.lower().startswith(prefix)}


@rule("14-each-project-has-its-quota-header", "14-personal-project-is-the-account", "5-quota-is-the-sum-over-projects")
def test_14_quota_by_project(world: World) -> None:
    found = _by_project(world)
    assert world["me"] in found
    shown, total = int(world.do(head(""))["X-Account-Policy-Quota"]), sum(found.values())
    assert shown in (total, min(total, 2**63 - 1))  # where one project has no limit, the sum has none either


@rule("14-reassigning-moves-the-usage", "14-writing-is-charged-to-the-containers-project")
def test_14_reassign(world: World) -> None:
    """Needs a second project of the first user's, and room in it."""
    others = [project for project, quota in _by_project(world).items() if project != world["me"] and quota >= 100]
    if not others:
        pytest.skip("the first user has only the personal project")
    world.do(make(X_Container_Policy_Project=others[0]).gives(201))
    world.do(put("{new}/a", "12345").gives(201))
    world.do(post("{new}?update", X_Container_Policy_Project="{me}").gives(202))
    world.do(head("{new}").gives(204, X_Container_Policy_Project="{me}", X_Container_Bytes_Used="5"))
    world.do(post("{new}?update", X_Container_Policy_Project=others[0]).gives(202))
    world.do(get("{new}/a").gives(200, body="12345"))


@rule("14-bytes-used-follow-writes", "14-deleting-gives-back", "14-history-is-not-charged")
def test_14_bytes_used(world: World) -> None:
    def used() -> int:
        return int(world.do(head(""))["X-Account-Bytes-Used"])

    before = used()
    world.do(put(f"{C}/a", "1234567"))
    assert used() == before + 7
    world.do(put(f"{C}/a", "123"))
    assert used() == before + 3
    world.do(copy(f"{C}/a", f"{C}/b"))
    assert used() == before + 6
    world.do(move(f"{C}/b", f"{C}/c"))
    assert used() == before + 6
    world.do(delete(f"{C}/a"))
    world.do(delete(f"{C}?delimiter=/"))
    assert used() == before
