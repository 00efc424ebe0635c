"""Compute, sections 1, 2, 4 and 5: versions, tokens, routes, flavors, images."""

from __future__ import annotations

import re

import pytest
from conformance.rows import rule
from conformance.service_rows import ABSENT, Row, call, delete, each, get, has, head, lacks, post, put, row
from conformance.services import ServiceWorld

IMAGE = "compute/images/{registered}"
NOBODY = "7e0c0f5a-4a0d-4c0f-8a53-0c2f7d1be501"
LINKS = [{"rel": "self", "href": str}, {"rel": "bookmark", "href": str}]

FLAVOR = {
    "id": int,
    "name": str,
    "ram": int,
    "disk": int,
    "vcpus": int,
    "SNF:disk_template": str,
    "SNF:volume_type": int,
    "SNF:allow_create": bool,
    "os-flavor-access:is_public": bool,
    "SNF:flavor-access": list,
    "links": LINKS,
}

SHOWN = {
    "id": "{registered}",
    "name": "an image",
    "status": "ACTIVE",
    "progress": 100,
    "public": False,
    "is_snapshot": False,
    "user_id": "{me}",
    "tenant_id": "{me}",
    "created": str,
    "updated": str,
    "metadata": {},
    "links": [*LINKS, {"rel": "alternate", "href": re.compile(".*/images/[0-9a-f-]{36}")}],
    "minDisk": ABSENT,
}


def named_for_its_size(flavors: list[dict[str, object]]) -> bool:
    return bool(flavors) and all(
        one["name"] == f"C{one['vcpus']}R{one['ram']}D{one['disk']}{one['SNF:disk_template']}" for one in flavors
    )


ROWS = (
    row("1.2-versions", get("compute:/", by="nobody").gives(200, like={"versions": has({"id": "v2.0"})})),
    row("1.2-versions-without-slash", get("compute:", by="nobody").gives(200, like={"versions": list})),
    row(
        "1.2-version-details",
        get("compute/", by="nobody").gives(200, like={"version": {"id": "v2.0", "media_types": list, "links": list}}),
    ),
    row("1-no-token", get("compute/servers", by="nobody").gives(401, fault="unauthorized")),
    row("1-refused-token", get("compute/servers", by="nobody", X_Auth_Token="no").gives(401, fault="fault")),
    row("1-token-as-parameter", get("compute/servers?X-Auth-Token={token}", by="nobody").gives(200)),
    row("1-json-suffix", get("compute/servers.json").gives(200, like={"servers": list})),
    *(
        row(f"1-trailing-slash-of-{name}", get(f"compute/{name}/").gives(200))
        for name in ("servers", "flavors", "images", "os-keypairs", "os-floating-ips")
    ),
    row("1-unknown-route", get("compute/limits").gives(400)),
    row("1-no-floating-ip-pools", get("compute/os-floating-ip-pools").gives(400)),
    row("1-server-id-that-is-no-number", get("compute/servers/abc").gives(400)),
    row("1-flavor-id-that-is-no-number", get("compute/flavors/abc").gives(400)),
    row("1-unknown-server", get("compute/servers/999999999").gives(404)),
    row("1-server-id-beyond-numbers", get(f"compute/servers/{'9' * 40}").gives(400, 404)),
    row("1-head-is-no-method", head("compute/servers").gives(405)),
    row("1-wrong-method", put("compute/servers", {}).gives(405, shown={"Allow": lambda verbs: "POST" in verbs})),
    row("1-filters-are-ignored", get("compute/servers?status=NONE&limit=0&image=x").gives(200)),
    row("1-body-of-another-type", post("compute/servers", "{}", Content_Type="text/plain").gives(400)),
    row("1-body-that-is-no-json", post("compute/servers", "{").gives(400)),
    row("2-no-extensions", get("compute/extensions").gives(200, like={"extensions": []})),
    row("2-an-extension", get("compute/extensions/os-keypairs").gives(404)),
    row("2-images-are-not-made-here", post("compute/images", {}).gives(501, fault="notImplemented")),
    # Flavors
    row("4-list", get("compute/flavors").gives(200, like={"flavors": has({"id": int, "name": str, "links": LINKS})})),
    row("4-list-is-brief", get("compute/flavors").gives(200, like={"flavors": lacks({"ram": int})})),
    row("4-details", get("compute/flavors/detail").gives(200, like={"flavors": has(FLAVOR)})),
    row("4-one", get("compute/flavors/{flavor}").gives(200, like={"flavor": FLAVOR})),
    row("4-named-for-its-size", get("compute/flavors/detail").gives(200, like={"flavors": named_for_its_size})),
    row("4-public-ones", get("compute/flavors?SNF:is_public=true").gives(200, like={"flavors": has({"id": int})})),
    row(
        "4-access-of-a-foreign-project",
        get("compute/flavors?SNF:flavor-access={other}").gives(200, like={"flavors": []}),
    ),
    row("4-unknown-flavor", get("compute/flavors/999999999").gives(404)),
    row("4-extra-specs", get("compute/flavors/{flavor}/os-extra_specs").gives(200, like={"extra_specs": {}})),
    # Images
    row(
        "5-list-is-brief",
        get(IMAGE).gives(200),
        get("compute/images").gives(
            200, like={"images": has({"id": "{registered}", "name": "an image", "links": ABSENT, "status": ABSENT})}
        ),
    ),
    row(
        "5-list-is-in-order",
        get("compute/images").gives(
            200, like={"images": lambda found: [one["id"] for one in found] == sorted(one["id"] for one in found)}
        ),
    ),
    row("5-details", get(IMAGE).gives(200), get("compute/images/detail").gives(200, like={"images": has(SHOWN)})),
    row("5-one", get(IMAGE).gives(200, like={"image": SHOWN})),
    row("5-id-that-is-no-uuid", get("compute/images/abc").gives(400)),
    row("5-unknown-image", get(f"compute/images/{NOBODY}").gives(404)),
    row("5-image-of-others", get(IMAGE, by="other").gives(403)),
    row(
        "5-others-are-not-listed",
        get(IMAGE),
        get("compute/images", by="other").gives(200, like={"images": lacks({"id": "{registered}"})}),
    ),
    row(
        "5-delete-unregisters",
        delete(IMAGE).gives(204, empty=True),
        get(IMAGE).gives(404),
        head("image/images/{registered}").gives(404),
    ),
    row("5-delete-by-others", delete(IMAGE, by="other").gives(403)),
    row("5-no-metadata", get(f"{IMAGE}/metadata").gives(200, like={"metadata": {}})),
    row(
        "5-metadata-is-merged",
        post(f"{IMAGE}/metadata", {"metadata": {"os": "debian"}}).gives(201, like={"metadata": {"os": "debian"}}),
        post(f"{IMAGE}/metadata", {"metadata": {"users": "root"}}).gives(
            201, like={"metadata": {"os": "debian", "users": "root"}}
        ),
        get(IMAGE).gives(200, like={"image": {"metadata": {"os": "debian", "users": "root"}}}),
        head("image/images/{registered}").gives(200, shown={"x-image-meta-property-os": "debian"}),
    ),
    row(
        "5-one-item",
        put(f"{IMAGE}/metadata/os", {"meta": {"os": "ubuntu"}}).gives(201, like={"meta": {"os": "ubuntu"}}),
        get(f"{IMAGE}/metadata/os").gives(200, like={"meta": {"os": "ubuntu"}}),
    ),
    row("5-one-item-of-another-shape", put(f"{IMAGE}/metadata/os", {"metadata": {"os": "x"}}).gives(400)),
    row("5-missing-item", get(f"{IMAGE}/metadata/nothing").gives(404)),
    row(
        "5-delete-of-an-item",  # the reference leaves it in place
        put(f"{IMAGE}/metadata/os", {"meta": {"os": "ubuntu"}}),
        delete(f"{IMAGE}/metadata/os").gives(204, empty=True),
    ),
    row("5-metadata-by-others", post(f"{IMAGE}/metadata", {"metadata": {"os": "x"}}, by="other").gives(403)),
    row("5-metadata-put-of-all", put(f"{IMAGE}/metadata", {"metadata": {}}).gives(405)),
    row("5-metadata-that-is-no-object", post(f"{IMAGE}/metadata", {"metadata": []}).gives(400)),
)


@each(ROWS)
def test_rule(row: Row, service_world: ServiceWorld) -> None:
    service_world.run(row)


@rule("1.3-image-changes-are-200-and-empty")
def test_image_changes(service_world: ServiceWorld) -> None:
    """Images answer an empty list where others answer 304, and the same 400 as others for what is no time."""
    world = service_world
    world.do(get("compute/images?changes-since=2026-03-01T09:30:00").gives(400))
    world.do(call("GET", "compute/images?changes-since=2999-01-01T00:00:00Z").gives(400))


@pytest.mark.parametrize("collection", ["compute/servers", "volume/volumes", "volume/snapshots"])
@pytest.mark.parametrize("when", ["2026-03-01T09:30:00", "yesterday", "2999-01-01T00:00:00Z", "2001-01-01T00:00:00Z"])
@rule(*(f"1.3-changes-since-{name}" for name in ("naive", "rubbish", "future", "long-ago")))
def test_changes_since_of_another_form(service_world: ServiceWorld, collection: str, when: str) -> None:
    service_world.do(get(f"{collection}?changes-since={when}").gives(400))
