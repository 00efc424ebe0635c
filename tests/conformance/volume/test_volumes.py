"""Volumes, sections 8 and 9 of the compute specification."""

from __future__ import annotations

from typing import Any

from conformance.rows import rule
from conformance.service_rows import (
    ABSENT,
    Row,
    ServiceStep,
    call,
    delete,
    each,
    get,
    has,
    ident,
    lacks,
    post,
    put,
    row,
    until,
)
from conformance.services import ServiceWorld
from conformance.things import moment

VOLUMES = "volume/volumes"
VOLUME = f"{VOLUMES}/{{volume}}"
NEW = f"{VOLUMES}/{{new}}"
META = f"{VOLUME}/metadata"
ATTACHED = "compute/servers/{server}/os-volume_attachments"
SNAPSHOTS = "volume/snapshots"
SNAPSHOT = f"{SNAPSHOTS}/{{snapshot}}"
NOBODY = "7e0c0f5a-4a0d-4c0f-8a53-0c2f7d1be501"


def create(by: str = "me", without: tuple[str, ...] = (), **more: Any) -> ServiceStep:
    body = {"size": 1, "display_name": "{name}", "volume_type": "{type}", **more}
    return post(VOLUMES, {"volume": {key: value for key, value in body.items() if key not in without}}, by=by)


def created(**more: Any) -> ServiceStep:
    return create(**more).gives(202).saves(new="volume.id")


def ready(status: str = "in_use", path: str = VOLUME) -> ServiceStep:
    return until(path, {"volume": {"status": status}})


IDLE = until("compute/servers/{server}", {"server": {"SNF:task_state": ""}})
ATTACH = post(ATTACHED, {"volumeAttachment": {"volumeId": "{volume}"}})
HAS = (ATTACH.gives(202), ready(), IDLE)
SNAPPED = (*HAS, post(SNAPSHOTS, {"snapshot": {"volume_id": "{volume}"}}).gives(202).saves(snapshot="snapshot.id"))
TAKEN = until(SNAPSHOT, {"snapshot": {"status": "AVAILABLE"}})

BRIEF = {"id": "{volume}", "display_name": str, "links": [{"rel": "self"}, {"rel": "bookmark"}]}
WHOLE = {
    **BRIEF,
    "display_description": "",
    "status": "available",
    "size": 1,
    "volume_type": int,
    "metadata": {},
    "created_at": str,
    "attachments": [],
    "snapshot_id": None,
    "source_volid": None,
    "image_id": None,
    "delete_on_termination": True,
    "deleted": False,
    "user_id": "{me}",
    "tenant_id": "{me}",
    "shared_to_project": False,
}
TAKEN_FROM = {
    "id": "{snapshot}",
    "display_name": str,
    "display_description": "",
    "size": 1,
    "volume_id": "{volume}",
    "created_at": str,
    "metadata": {},
    "user_id": "{me}",
    "tenant_id": "{me}",
    "links": list,
}

ROWS = (
    row("9.1-versions", get("volume:/", by="nobody").gives(200, like={"versions": has({"id": "v2.0"})})),
    row("9.1-no-token", get(VOLUMES, by="nobody").gives(401, fault="unauthorized")),
    row("9.1-other-name-of-the-version", get("volume:/v2/volumes").gives(200, like={"volumes": list})),
    row("9.1-trailing-slash", get(f"{VOLUMES}/").gives(200)),
    row("9.1-unknown-route", get("volume/backups").gives(400)),
    row("9.1-id-that-is-no-number", get(f"{VOLUMES}/abc").gives(400)),
    row("9.1-unknown-volume", get(f"{VOLUMES}/999999999").gives(404)),
    row("9.1-wrong-method", delete(VOLUMES).gives(405, fault="")),
    # Volumes
    row("9.2-representation", get(VOLUME).gives(200, like={"volume": WHOLE})),
    row("9.2-list-is-brief", get(VOLUME), get(VOLUMES).gives(200, like={"volumes": has({**BRIEF, "status": ABSENT})})),
    row("9.2-details", get(VOLUME), get(f"{VOLUMES}/detail").gives(200, like={"volumes": has(WHOLE)})),
    row("9.2-others-do-not-see-it", get(VOLUME, by="other").gives(404)),
    row(
        "9.2-others-do-not-list-it",
        get(VOLUME),
        get(VOLUMES, by="other").gives(200, like={"volumes": lacks({"id": "{volume}"})}),
    ),
    row(
        "9.3-answer-is-brief",
        create().gives(202, like={"volume": {"id": str, "display_name": "{name}", "links": list, "size": ABSENT}}),
    ),
    row("9.3-available-at-once", created(), get(NEW).gives(200, like={"volume": {"status": "available"}})),
    row("9.3-size-is-required", create(without=("size",)).gives(400)),
    row("9.3-name-is-required", create(without=("display_name",)).gives(400)),
    row("9.3-size-as-a-text", created(size="2"), get(NEW).gives(200, like={"volume": {"size": 2}})),
    *(
        row(f"9.3-bad-size-{number}", create(size=size).gives(400))
        for number, size in enumerate((0, -1, "big", 1.5, [], 10**9, True))
    ),
    row("9.3-name-of-256-characters", create(display_name="n" * 256).gives(400)),
    row(
        "9.3-description",
        created(display_description="scratch"),
        get(NEW).gives(200, like={"volume": {"display_description": "scratch"}}),
    ),
    row("9.3-description-of-256-characters", create(display_description="n" * 256).gives(400)),
    row("9.3-type-is-required-without-a-server", create(without=("volume_type",)).gives(400)),
    row("9.3-unknown-type", create(volume_type=999999999).gives(400, 404)),
    row("9.3-type-that-is-no-number", create(volume_type="abc").gives(400)),
    row("9.3-project", created(project="{me}"), get(NEW).gives(200, like={"volume": {"tenant_id": "{me}"}})),
    row("9.3-project-of-others", create(project="{other}").gives(400)),
    row("9.3-cloning-is-refused", create(source_volid="{volume}").gives(400, 501)),
    row("9.3-two-sources", create(imageRef="{image}", snapshot_id=NOBODY).gives(400)),
    row(
        "9.3-from-an-image", created(imageRef="{image}"), get(NEW).gives(200, like={"volume": {"image_id": "{image}"}})
    ),
    row("9.3-from-an-unknown-image", create(imageRef=NOBODY).gives(400, 404)),
    row(
        "9.3-with-a-server",
        created(server_id="{server}", without=("volume_type",)),
        ready(path=NEW),
        get(NEW).gives(
            200,
            like={
                "volume": {
                    "attachments": [{"server_id": ident("{server}"), "volume_id": ident("{new}"), "device_index": 1}]
                }
            },
        ),
        IDLE,
    ),
    row("9.3-with-an-unknown-server", create(server_id="999999999").gives(400)),
    row("9.3-metadata", created(metadata={"use": "scratch"}), get(NEW).gives(200, like={"volume": {"metadata": dict}})),
    row(
        "9.4-update",
        put(VOLUME, {"volume": {"display_name": "other", "display_description": "d"}}).gives(
            200, like={"volume": {**WHOLE, "display_name": "other", "display_description": "d"}}
        ),
        get(VOLUME).gives(200, like={"volume": {"display_name": "other"}}),
    ),
    row("9.4-update-of-nothing", put(VOLUME, {"volume": {"size": 9}}).gives(400)),
    row(
        "9.4-update-that-keeps-it-after-its-server",
        put(VOLUME, {"volume": {"delete_on_termination": False}}).gives(400, 501),
    ),
    row("9.4-update-by-others", put(VOLUME, {"volume": {"display_name": "x"}}, by="other").gives(404)),
    row(
        "9.4-delete-is-at-once",
        delete(VOLUME).gives(202, empty=True),
        get(VOLUME).gives(200, like={"volume": {"status": "deleted", "deleted": True}}),
        get(VOLUMES).gives(200, like={"volumes": lacks({"id": "{volume}"})}),
        delete(VOLUME).gives(400),
    ),
    row("9.4-delete-of-an-unknown-one", delete(f"{VOLUMES}/999999999").gives(404)),
    row("9.4-delete-by-others", delete(VOLUME, by="other").gives(404)),
    row("9.4-delete-of-an-attached-one", *HAS, delete(VOLUME).gives(202), ready("deleted"), IDLE),
    row(
        "9.4-delete-of-a-root",
        get(ATTACHED).gives(200, save={"root": lambda answer: str(answer.json()["volumeAttachments"][0]["volumeId"])}),
        delete(f"{VOLUMES}/{{root}}").gives(400),
        post(f"{VOLUMES}/{{root}}/action", {"reassign": {"project": "{me}"}}).gives(409),
    ),
    row("9.4-reassign", post(f"{VOLUME}/action", {"reassign": {"project": "{me}"}}).gives(200)),
    row("9.4-reassign-without-project", post(f"{VOLUME}/action", {"reassign": {}}).gives(400)),
    row("9.4-unknown-action", post(f"{VOLUME}/action", {"extend": {}}).gives(400, 500, fault="")),
    row(
        "9.4-metadata-is-merged",
        post(META, {"metadata": {"use": "scratch"}}).gives(200, like={"metadata": {"use": "scratch"}}),
        post(META, {"metadata": {"a": "b"}}).gives(200, like={"metadata": {"use": "scratch", "a": "b"}}),
        get(META).gives(200, like={"metadata": {"use": "scratch", "a": "b"}}),
    ),
    row(
        "9.4-metadata-is-replaced",
        post(META, {"metadata": {"use": "scratch"}}),
        put(META, {"metadata": {"a": "b"}}).gives(200, like={"metadata": {"use": ABSENT, "a": "b"}}),
        get(META).gives(200, like={"metadata": {"use": ABSENT, "a": "b"}}),
    ),
    row(
        "9.1-metadata-item",
        post(META, {"metadata": {"use": "scratch"}}),
        get(f"{META}/use").gives(405, fault=""),
        delete(f"{META}/use").gives(200),
        delete(f"{META}/use").gives(400),
    ),
    row("9.4-metadata-of-11-items", post(META, {"metadata": {f"k{n}": "v" for n in range(11)}}).gives(400)),
    row("9.4-metadata-key-of-65-characters", post(META, {"metadata": {"k" * 65: "v"}}).gives(400)),
    row("9.4-metadata-value-of-256-characters", post(META, {"metadata": {"k": "v" * 256}}).gives(400)),
    # Attachments
    row(
        "8-list",
        get(ATTACHED).gives(
            200, like={"volumeAttachments": [{"id": int, "volumeId": int, "serverId": int, "device": ""}]}
        ),
    ),
    row(
        "8-attach",
        ATTACH.gives(
            202, like={"volumeAttachment": {"id": int, "volumeId": ident("{volume}"), "serverId": ident("{server}")}}
        ),
        ready(),
        get(f"{ATTACHED}/{{volume}}").gives(200, like={"volumeAttachment": {"serverId": int}}),
        get("compute/servers/{server}").gives(200, like={"server": {"volumes": [int, int]}}),
        IDLE,
        delete(f"{ATTACHED}/{{volume}}").gives(202),
        ready("available"),
        get(f"{ATTACHED}/{{volume}}").gives(400),
    ),
    row("8-attach-twice", *HAS, ATTACH.gives(400)),
    row(
        "8-attach-of-an-unknown-volume", post(ATTACHED, {"volumeAttachment": {"volumeId": "999999999"}}).gives(400, 404)
    ),
    row("8-attach-without-volume", post(ATTACHED, {"volumeAttachment": {}}).gives(400)),
    row(
        "8-attach-of-a-volume-of-others",
        get(VOLUME),
        post(ATTACHED, {"volumeAttachment": {"volumeId": "{volume}"}}, by="other").gives(404),
    ),
    row("8-unknown-attachment", get(f"{ATTACHED}/999999999").gives(400)),
    row("8-detach-of-what-is-not-attached", delete(f"{ATTACHED}/{{volume}}").gives(400)),
    row(
        "8-detach-of-a-root",
        get(ATTACHED).gives(200, save={"root": lambda answer: str(answer.json()["volumeAttachments"][0]["volumeId"])}),
        delete(f"{ATTACHED}/{{root}}").gives(400),
    ),
    # Types
    row(
        "9.5-list",
        get("volume/types").gives(
            200,
            like={
                "volume_types": has(
                    {"id": int, "name": str, "SNF:disk_template": str, "SNF:detachable": bool, "deleted": False}
                )
            },
        ),
    ),
    row("9.5-one", get("volume/types/{type}").gives(200, like={"volume_type": {"id": int, "name": str}})),
    row("9.5-unknown", get("volume/types/999999999").gives(404)),
    # Snapshots
    row(
        "9.6-snapshot",
        *SNAPPED,
        TAKEN,
        get(SNAPSHOT).gives(200, like={"snapshot": {**TAKEN_FROM, "os-extended-snapshot-attribute:progress": "100%"}}),
        get(SNAPSHOTS).gives(200, like={"snapshots": has(TAKEN_FROM)}),
        get(f"{SNAPSHOTS}/detail").gives(200, like={"snapshots": has(TAKEN_FROM)}),
        get("image/images/detail").gives(
            200, like={"images": has({"id": "{snapshot}", "is_snapshot": True, "size": 2**30})}
        ),
        delete(SNAPSHOT).gives(202),
        get(SNAPSHOT).gives(404),
        call("HEAD", "image/images/{snapshot}").gives(404),
    ),
    row(
        "9.6-name-and-description",
        *HAS,
        post(
            SNAPSHOTS,
            {"snapshot": {"volume_id": "{volume}", "display_name": "n", "display_description": "d", "force": True}},
        ).gives(202, like={"snapshot": {"display_name": "n", "display_description": "d"}}),
    ),
    row(
        "9.6-update",
        *SNAPPED,
        TAKEN,
        put(SNAPSHOT, {"snapshot": {"display_name": "n", "display_description": "d"}}).gives(
            200, like={"snapshot": {**TAKEN_FROM, "display_name": "n", "display_description": "d"}}
        ),
        put(SNAPSHOT, {"snapshot": {}}).gives(400),
    ),
    row(
        "9.6-metadata",
        *SNAPPED,
        TAKEN,
        get(f"{SNAPSHOT}/metadata").gives(200, like={"metadata": {"description": str}}),
        post(f"{SNAPSHOT}/metadata", {"metadata": {"a": "b"}}).gives(200, like={"metadata": {"a": "b"}}),
        get(f"{SNAPSHOT}/metadata").gives(200, like={"metadata": {"a": "b", "description": str}}),
        delete(f"{SNAPSHOT}/metadata/a").gives(200),
        get(f"{SNAPSHOT}/metadata").gives(200, like={"metadata": {"a": ABSENT}}),
    ),
    row(
        "9.6-others-do-not-see-it",
        *SNAPPED,
        get(SNAPSHOT, by="other").gives(403, 404),
        delete(SNAPSHOT, by="other").gives(403, 404),
    ),
    row(
        "9.6-a-server-from-a-snapshot",
        *SNAPPED,
        TAKEN,
        post(
            "compute/servers",
            {"server": {"name": "{name}", "flavorRef": "{flavor}", "imageRef": "{snapshot}", "networks": []}},
        ).gives(202),
    ),
    row(
        "9.6-a-volume-from-a-snapshot",
        *SNAPPED,
        TAKEN,
        created(snapshot_id="{snapshot}"),
        get(NEW).gives(200, like={"volume": {"snapshot_id": "{snapshot}"}}),
    ),
    row("9.6-of-an-unknown-volume", post(SNAPSHOTS, {"snapshot": {"volume_id": "999999999"}}).gives(400)),
    row("9.6-of-a-volume-that-no-server-has", post(SNAPSHOTS, {"snapshot": {"volume_id": "{volume}"}}).gives(400)),
    row("9.6-id-that-is-no-uuid", get(f"{SNAPSHOTS}/abc").gives(400)),
    row("9.6-unknown", get(f"{SNAPSHOTS}/{NOBODY}").gives(404)),
)


@each(ROWS)
def test_rule(row: Row, service_world: ServiceWorld) -> None:
    service_world.run(row)


@rule("1.3-volume-changes-with-a-deletion", "1.3-no-volume-changed-is-304")
def test_changes_since(service_world: ServiceWorld) -> None:
    world = service_world
    world.names["since"] = moment(world.do(get(VOLUME)).json()["volume"]["created_at"])
    changed = f"{VOLUMES}/detail?changes-since={{since}}"
    world.do(get(changed).gives(200, like={"volumes": has({"id": "{volume}", "deleted": False})}))
    world.do(delete(VOLUME))
    world.do(get(changed).gives(200, like={"volumes": has({"id": "{volume}", "deleted": True, "status": "deleted"})}))


@rule("9.3-disk-is-charged")
def test_quota(service_world: ServiceWorld) -> None:
    world = service_world

    def usage() -> Any:
        return world.do(get("account/quotas")).json()[world["me"]]["cyclades.disk"]["usage"]

    before = usage()
    world.do(created(size=3))
    assert usage() == before + 3 * 2**30
    world.do(delete(NEW))
    assert usage() == before
