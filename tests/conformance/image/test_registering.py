"""Image, sections 3, 4 and 5: registering, showing, changing, unregistering."""

from __future__ import annotations

import re
from typing import Any

from conformance.service_rows import ABSENT, Row, ServiceStep, call, delete, each, get, head, lacks, put, row
from conformance.services import ServiceWorld

IMAGES = "image/images"
IMAGE = f"{IMAGES}/{{registered}}"
NEW = f"{IMAGES}/{{new}}"
PLACE = "pithos://{me}/{object}"
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}")


def meta(**fields: str) -> dict[str, str]:
    """Fields as headers: `disk_format` → `X-Image-Meta-Disk-Format`."""
    return {f"X-Image-Meta-{name.title()}": value for name, value in fields.items()}


def register(place: str = PLACE, name: str = "an%20image", by: str = "me", **fields: str) -> ServiceStep:
    return call("POST", f"{IMAGES}/", by=by, **meta(name=name, location=place, **fields))


def shown(**fields: Any) -> dict[str, Any]:
    return {f"x-image-meta-{name.replace('_', '-')}": value for name, value in fields.items()}


def registered(**fields: str) -> ServiceStep:
    """A new image, kept as `new`."""
    return register(**fields).gives(200, empty=True, save={"new": lambda answer: answer["x-image-meta-id"]})


def update(by: str = "me", **fields: str) -> ServiceStep:
    return call("PUT", IMAGE, by=by, **meta(**fields))


WHOLE = shown(
    id=UUID,
    name="an%20image",
    location=PLACE,
    status="AVAILABLE",
    size="101",
    checksum=re.compile("[0-9a-f]{64}"),
    disk_format="diskdump",
    container_format="bare",
    owner="{me}",
    is_public="False",
    is_snapshot="False",
    created_at=DATE,
    updated_at=DATE,
    deleted_at="",
)

ROWS = (
    row("4-registering-answers-with-the-image", register().gives(200, empty=True, shown=WHOLE)),
    row("4-shown-as-registered", registered(), head(NEW).gives(200, shown=WHOLE)),
    row(
        "4-all-that-can-be-given",
        register(disk_format="extdump", container_format="ami", store="pithos", is_public="TRUE", owner="x").gives(
            200,
            shown=shown(disk_format="extdump", container_format="ami", is_public="True", owner="{me}"),
        ),
    ),
    row("4-name-is-required", call("POST", IMAGES, **meta(location=PLACE)).gives(400)),
    row("4-name-is-not-empty", register(name="").gives(400)),
    row("4-location-is-required", call("POST", IMAGES, **meta(name="x")).gives(400)),
    *(
        row(f"4-malformed-location-{number}", register(place).gives(400))
        for number, place in enumerate(("", "/c/o", "http://{me}/c/o", "pithos://", "pithos://{me}", "pithos://{me}/c"))
    ),
    row("4-object-that-is-not-there", register(PLACE + "x").gives(404)),
    row("4-container-that-is-not-there", register("pithos://{me}/{run}-nothing/x").gives(404)),
    row("4-object-of-others", register(by="other").gives(403)),
    row("4-unknown-disk-format", register(disk_format="floppy").gives(400)),
    row("4-unknown-container-format", register(container_format="bag").gives(400)),
    row("4-unknown-store", register(store="swift").gives(400)),
    *(
        row(f"4-{name}-cannot-be-given", register(**{name: value}).gives(400))
        for name, value in {
            "id": "7e0c0f5a-4a0d-4c0f-8a53-0c2f7d1be501",
            "status": "AVAILABLE",
            "description": "x",
            "is_snapshot": "True",
            "created_at": "2026-03-01 09:30:00",
            "updated_at": "2026-03-01 09:30:00",
            "deleted_at": "",
        }.items()
    ),
    row("4-wrong-checksum", register(checksum="0" * 64).gives(400)),
    row(
        "4-right-checksum",
        registered(),
        head(NEW).gives(200, save={"sum": lambda answer: answer["x-image-meta-checksum"]}),
        register(checksum="{sum}").gives(200),
    ),
    row("4-wrong-size", register(size="100").gives(400)),
    row("4-right-size", register(size="101").gives(200, 400)),
    row("4-unknown-fields-are-ignored", register(colour="red").gives(200)),
    row("4-public-is-any-case-of-true", register(is_public="tRuE").gives(200, shown=shown(is_public="True"))),
    row("4-any-other-word-is-not-public", register(is_public="yes").gives(200, shown=shown(is_public="False"))),
    row(
        "4-again-is-the-same-image",
        registered(property_a="1", property_b="1", disk_format="extdump"),
        register(name="other", property_b="2").gives(
            200, shown=shown(id="{new}", name="other", property_a="1", property_b="2", disk_format="diskdump")
        ),
    ),
    row(
        "4-the-object-is-read-by-its-owner",
        registered(),
        head("object-store/{me}/{object}").gives(
            200, shown={"X-Object-UUID": "{new}", "X-Object-Sharing": "read={me}"}
        ),
    ),
    row(
        "4-overwriting-stays-the-same-image",
        registered(name="kept", is_public="true", property_os="debian"),
        put("object-store/{me}/{object}", "longer than before" * 9, Content_Type="a/b").gives(201),
        head(NEW).gives(200, shown=shown(size="162", name="kept", is_public="True", property_os="debian")),
    ),
    row(
        "4-moving-stays-the-same-image",
        registered(),
        call("MOVE", "object-store/{me}/{object}", Destination="/{object}-moved").gives(201),
        head(NEW).gives(200, shown=shown(id="{new}", location=PLACE + "-moved")),
    ),
    row(
        "4-a-copy-is-another-image",
        registered(name="twice", is_public="true", property_os="debian"),
        call("COPY", "object-store/{me}/{object}", Destination="/{object}-copy").gives(201),
        head("object-store/{me}/{object}-copy").gives(200, save={"copy": lambda answer: answer["X-Object-UUID"]}),
        head(f"{IMAGES}/{{copy}}").gives(
            200,
            shown=shown(id="{copy}", name="twice", is_public="False", property_os="debian", location=PLACE + "-copy"),
        ),
        head(NEW).gives(200, shown=shown(is_public="True")),
    ),
    row(
        "4-metadata-of-the-object-stays-apart",
        registered(property_os="debian"),
        call("POST", "object-store/{me}/{object}?update", "", X_Object_Meta_Os="other").gives(202),
        head(NEW).gives(200, shown=shown(property_os="debian")),
    ),
    # Names, values, keys
    row("1-name-is-percent-encoded", register(name="%CE%B1%20%25%2F").gives(200, shown=shown(name="%CE%B1%20%25/"))),
    row(
        "1-value-is-percent-encoded",
        register(property_users="root%20ada").gives(200, shown=shown(property_users="root%20ada")),
    ),
    row("1-name-that-is-not-utf-8", register(name="%FF").gives(400)),
    row(
        "3.1-key-in-any-spelling",
        register(property_OS_Family="linux").gives(200, shown=shown(property_os_family="linux")),
    ),
    row(
        "3.1-keys-in-lists",
        registered(property_OS_FAMILY="linux"),
        get(f"{IMAGES}/detail").gives(
            200, like={"images": lambda found: any(one["properties"] == {"os_family": "linux"} for one in found)}
        ),
    ),
    row("3.1-value-of-256-characters", register(property_a="v" * 256).gives(200)),
    row("3.1-value-of-257-characters", register(property_a="v" * 257).gives(400)),
    row("3.1-key-that-is-too-long", register(**{"property_" + "k" * 112: "v"}).gives(400)),
    row("3.1-too-many-properties", register(**{f"property_k{number}": "v" for number in range(40)}).gives(400)),
    # Showing
    row("5-unknown-image", head(f"{IMAGES}/7e0c0f5a-4a0d-4c0f-8a53-0c2f7d1be501").gives(404)),
    row("5-id-that-is-no-uuid", head(f"{IMAGES}/abc").gives(400)),
    row(
        "5-object-that-is-no-image",
        head("object-store/{me}/{object}").gives(200, save={"plain": lambda answer: answer["X-Object-UUID"]}),
        head(f"{IMAGES}/{{plain}}").gives(404),
    ),
    row("5-image-of-others", head(IMAGE, by="other").gives(403)),
    row(
        "5-public-image-of-others",
        registered(is_public="true"),
        head(NEW, by="other").gives(200, shown=WHOLE | shown(is_public="True")),
    ),
    row("2-bits-are-elsewhere", get(IMAGE).gives(501, fault="", empty=True)),
    # Changing
    row(
        "5-update-of-the-name",
        update(name="other").gives(200, empty=True, shown=shown(id="{registered}", name="other")),
    ),
    row(
        "5-what-is-not-sent-stays",
        update(property_a="1", property_b="2", disk_format="ntfsdump", container_format="ovf"),
        update(property_b="3").gives(
            200, shown=shown(property_a="1", property_b="3", disk_format="ntfsdump", container_format="ovf", name=str)
        ),
    ),
    row(
        "5-empty-property-is-removed",
        update(property_a="1", property_b="2"),
        update(property_a="").gives(200, shown=shown(property_a=ABSENT, property_b="2")),
        head(IMAGE).gives(200, shown=shown(property_a=ABSENT, property_b="2")),
    ),
    row(
        "5-update-of-publicity",
        update(is_public="true").gives(200, shown=shown(is_public="True")),
        head(IMAGE, by="other").gives(200),
        update(is_public="false").gives(200, shown=shown(is_public="False")),
        head(IMAGE, by="other").gives(403),
    ),
    row("5-status-is-any-word", update(status="ERROR").gives(200, shown=shown(status="ERROR"))),
    row("5-empty-name", update(name="").gives(400, 404)),
    row("5-owner-is-ignored", update(owner="{other}").gives(200, shown=shown(owner="{me}"))),
    row("5-unknown-fields-are-ignored", update(colour="red").gives(200)),
    *(
        row(f"5-{name}-cannot-be-changed", update(**{name: value}).gives(400))
        for name, value in {
            "id": "7e0c0f5a-4a0d-4c0f-8a53-0c2f7d1be501",
            "location": PLACE,
            "store": "pithos",
            "size": "101",
            "checksum": "0" * 64,
            "description": "x",
            "is_snapshot": "True",
            "created_at": "2026-03-01 09:30:00",
        }.items()
    ),
    row("5-unknown-format-in-an-update", update(disk_format="floppy").gives(400)),
    row("5-update-by-others", update(by="other", name="x").gives(403)),
    row(
        "5-update-of-a-public-image-by-others",
        update(is_public="true"),
        update(by="other", name="x").gives(403),
    ),
    row("5-update-of-an-unknown-image", call("PUT", f"{IMAGES}/7e0c0f5a-4a0d-4c0f-8a53-0c2f7d1be501").gives(404)),
    # Unregistering
    row(
        "5-unregistering-keeps-the-object",
        registered(),
        delete(NEW).gives(204),
        head(NEW).gives(404),
        delete(NEW).gives(404),
        get(IMAGES).gives(200, like={"images": lacks({"id": "{new}"})}),
        get("object-store/{me}/{object}").gives(200),
    ),
    row(
        "5-unregistering-by-others",
        registered(is_public="true"),
        delete(NEW, by="other").gives(403),
        head(NEW).gives(200),
    ),
    row(
        "5-deleting-the-object-ends-the-image",
        registered(),
        delete("object-store/{me}/{object}").gives(204),
        head(NEW).gives(404),
        get(IMAGES).gives(200, like={"images": lacks({"id": "{new}"})}),
    ),
    row(
        "5-another-object-of-the-same-name-is-no-image",
        registered(),
        delete("object-store/{me}/{object}").gives(204),
        put("object-store/{me}/{object}", "new", Content_Type="a/b").gives(201),
        head(NEW).gives(404),
    ),
)


@each(ROWS)
def test_rule(row: Row, service_world: ServiceWorld) -> None:
    service_world.run(row)
