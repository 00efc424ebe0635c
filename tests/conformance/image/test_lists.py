"""Image, sections 1, 2, 6 and 7: versions, routes, lists, members."""

from __future__ import annotations

from typing import Any

from conformance.service_rows import Row, ServiceStep, call, delete, each, get, has, head, lacks, post, put, row
from conformance.services import ServiceWorld

IMAGES = "image/images"
IMAGE = f"{IMAGES}/{{registered}}"
MEMBERS = f"{IMAGE}/members"
NOBODY = "7e0c0f5a-4a0d-4c0f-8a53-0c2f7d1be501"

BRIEF = {
    "id": "{registered}",
    "name": "an image",
    "status": "AVAILABLE",
    "disk_format": "diskdump",
    "container_format": "bare",
    "size": 101,
}
DETAIL = {
    **BRIEF,
    "checksum": str,
    "location": lambda where: where.startswith("pithos://"),
    "owner": "{me}",
    "is_public": False,
    "is_snapshot": False,
    "created_at": str,
    "updated_at": str,
    "deleted_at": "",
    "properties": {},
}


def change(**fields: str) -> ServiceStep:
    return call("PUT", IMAGE, **{f"X-Image-Meta-{name.title()}": value for name, value in fields.items()})


def ordered(key: str, *, backwards: bool = False) -> Any:
    """A list of images is in that order."""

    def check(found: list[dict[str, Any]]) -> bool:
        values = [one[key] for one in found]
        return len(values) >= 2 and values == sorted(values, reverse=backwards)

    return {"images": check}


def replaced(*members: str) -> ServiceStep:
    return put(MEMBERS, {"memberships": [{"member_id": one} for one in members]})


TWO = (head(IMAGE).gives(200), head(f"{IMAGES}/{{registered2}}").gives(200))

ROWS = (
    row("1.1-versions", get("image:/", by="nobody").gives(200, like={"versions": has({"id": "v1.0", "links": list})})),
    row("1.1-versions-without-slash", get("image:", by="nobody").gives(200, like={"versions": list})),
    row("1.1-versions-by-name", get("image:/versions", by="nobody").gives(200, like={"versions": list})),
    row("1.1-the-version-itself-is-nothing", get("image").gives(400)),
    row("1-other-name-of-the-version", get("image:/v1/images").gives(200, like={"images": list})),
    row("1-no-token", get(IMAGES, by="nobody").gives(401, fault="unauthorized")),
    row("1-refused-token", get(IMAGES, by="nobody", X_Auth_Token="no").gives(401, fault="fault")),
    row("1-trailing-slash-of-the-list", get(f"{IMAGES}/").gives(200)),
    row("1-no-trailing-slash-of-an-item", head(f"{IMAGE}/").gives(400)),
    row("1-unknown-route", get("image/tasks").gives(400)),
    row("1-wrong-method", delete(IMAGES).gives(405, fault="", shown={"Allow": lambda verbs: "POST" in verbs})),
    row("1-wrong-method-on-an-item", post(IMAGE).gives(405, fault="", shown={"Allow": lambda verbs: "PUT" in verbs})),
    row("6-brief-list", head(IMAGE).gives(200), get(IMAGES).gives(200, like={"images": has(BRIEF)})),
    row("6-detailed-list", head(IMAGE).gives(200), get(f"{IMAGES}/detail").gives(200, like={"images": has(DETAIL)})),
    row(
        "6-others-are-not-shown",
        head(IMAGE).gives(200),
        get(IMAGES, by="other").gives(200, like={"images": lacks({"id": "{registered}"})}),
    ),
    row(
        "6-public-ones-are-everybodys",
        change(is_public="true"),
        get(f"{IMAGES}/detail", by="other").gives(200, like={"images": has({**DETAIL, "is_public": True})}),
    ),
    row("6-a-public-image-is-there", get(f"{IMAGES}/detail").gives(200, like={"images": has({"is_public": True})})),
    *(
        row(
            f"6-sorted-by-{key}",
            *TWO,
            get(f"{IMAGES}/detail?sort_key={key}&sort_dir=asc").gives(200, like=ordered(key)),
        )
        for key in ("id", "name", "status", "size", "disk_format", "container_format", "created_at", "updated_at")
    ),
    row(
        "6-sorted-backwards",
        *TWO,
        get(f"{IMAGES}/detail?sort_key=id&sort_dir=desc").gives(200, like=ordered("id", backwards=True)),
    ),
    row(
        "6-default-order",
        *TWO,
        get(f"{IMAGES}/detail").gives(200, like=ordered("created_at", backwards=True)),
    ),
    row("6-unknown-sort-key", get(f"{IMAGES}?sort_key=colour").gives(400)),
    row("6-unknown-sort-direction", get(f"{IMAGES}?sort_dir=up").gives(400)),
    row("6-size-that-is-no-number", get(f"{IMAGES}?size_min=big").gives(400)),
    *(  # the reference accepts filters and does not apply them
        row(
            f"6-filter-by-{query.partition('=')[0]}",
            *TWO,
            get(f"{IMAGES}?{query}").gives(200, like={"images": has(BRIEF)}),
        )
        for query in (
            "name=an%20image",
            "status=available",
            "disk_format=diskdump",
            "container_format=bare",
            "size_min=101",
            "size_max=101",
        )
    ),
    row("6-unknown-parameters-are-ignored", get(f"{IMAGES}?colour=red").gives(200)),
    # Members
    row(
        "7-members-of-a-new-image",
        get(MEMBERS).gives(200, like={"members": [{"member_id": "{me}", "can_share": False}]}),
    ),
    row(
        "7-a-member-may-read",
        head(IMAGE, by="other").gives(403),
        put(f"{MEMBERS}/{{other}}").gives(204),
        head(IMAGE, by="other").gives(200),
        get(IMAGES, by="other").gives(200, like={"images": has({"id": "{registered}"})}),
        get(MEMBERS, by="other").gives(200, like={"members": has({"member_id": "{other}"})}),
        delete(f"{MEMBERS}/{{other}}").gives(204),
        head(IMAGE, by="other").gives(403),
    ),
    row("7-adding-twice", put(f"{MEMBERS}/{{other}}"), put(f"{MEMBERS}/{{other}}").gives(204)),
    row("7-removing-who-is-none", delete(f"{MEMBERS}/{{other}}").gives(204)),
    row("7-unknown-members-are-accepted", put(f"{MEMBERS}/{NOBODY}").gives(204)),
    row(
        "7-replacing",
        put(f"{MEMBERS}/{NOBODY}"),
        replaced("{other}").gives(204, empty=True),
        get(MEMBERS).gives(200, like={"members": lacks({"member_id": NOBODY})}),
        get(MEMBERS).gives(200, like={"members": has({"member_id": "{other}"})}),
    ),
    row(
        "7-replacing-keeps-publicity",
        change(is_public="true"),
        replaced().gives(204),
        head(IMAGE, by="other").gives(200, shown={"x-image-meta-is-public": "True"}),
        get(MEMBERS).gives(200, like={"members": lacks({"member_id": "*"})}),
    ),
    row(
        "7-members-stay-when-publicity-ends",
        put(f"{MEMBERS}/{{other}}"),
        change(is_public="true"),
        change(is_public="false"),
        head(IMAGE, by="other").gives(200),
        get(MEMBERS).gives(200, like={"members": has({"member_id": "{other}"})}),
    ),
    *(
        row(f"7-malformed-members-{number}", put(MEMBERS, body).gives(400))
        for number, body in enumerate(
            ({}, {"memberships": {}}, {"memberships": ["x"]}, {"memberships": [{"id": "x"}]}, [])
        )
    ),
    row("7-members-of-another-content-type", put(MEMBERS, '{"memberships": []}', Content_Type="text/plain").gives(400)),
    row(
        "7-can-share-is-ignored",
        put(MEMBERS, {"memberships": [{"member_id": "{other}", "can_share": True}]}).gives(204),
    ),
    row("7-only-the-owner-adds", change(is_public="true"), put(f"{MEMBERS}/{{other}}", by="other").gives(403)),
    row("7-only-the-owner-removes", change(is_public="true"), delete(f"{MEMBERS}/{{me}}", by="other").gives(403)),
    row(
        "7-only-the-owner-replaces", change(is_public="true"), put(MEMBERS, {"memberships": []}, by="other").gives(403)
    ),
    row("7-members-of-what-one-cannot-read", get(MEMBERS, by="other").gives(403)),
    row(
        "7-sharing-the-object-is-sharing-the-image",
        head(IMAGE).gives(200, save={"place": lambda answer: answer["x-image-meta-location"].partition("//")[2]}),
        call("POST", "object-store/{place}?update", "", X_Object_Sharing="read={other}").gives(202),
        get(MEMBERS).gives(200, like={"members": [{"member_id": "{other}"}]}),
        head(IMAGE, by="other").gives(200),
    ),
    row(
        "7-shared-images",
        put(f"{MEMBERS}/{{other}}"),
        get("image/shared-images/{me}", by="other").gives(
            200, like={"shared_images": has({"image_id": "{registered}", "can_share": False})}
        ),
    ),
    row(
        "7-shared-images-without-public-ones",
        change(is_public="true"),
        get("image/shared-images/{me}", by="other").gives(
            200, like={"shared_images": lacks({"image_id": "{registered}"})}
        ),
    ),
    row("7-shared-images-of-nobody", get(f"image/shared-images/{NOBODY}").gives(200, like={"shared_images": []})),
)


@each(ROWS)
def test_rule(row: Row, service_world: ServiceWorld) -> None:
    service_world.run(row)
