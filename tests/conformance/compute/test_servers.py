"""Compute, sections 3.1 to 3.6: servers, as they are shown, created, renamed and deleted."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from conformance.rows import rule
from conformance.service_rows import (
    ABSENT,
    Row,
    ServiceStep,
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

SERVERS = "compute/servers"
SERVER = f"{SERVERS}/{{server}}"
NEW = f"{SERVERS}/{{new}}"
NOBODY = "7e0c0f5a-4a0d-4c0f-8a53-0c2f7d1be501"


def create(by: str = "me", without: tuple[str, ...] = (), **more: Any) -> ServiceStep:
    body = {"name": "{name}", "flavorRef": "{flavor}", "imageRef": "{image}", "networks": [], **more}
    return post(SERVERS, {"server": {key: value for key, value in body.items() if key not in without}}, by=by)


def created(**more: Any) -> ServiceStep:
    return create(**more).gives(202).saves(new="server.id")


RUNS = until(NEW, {"server": {"status": "ACTIVE"}})


def file(size: int = 5, **more: Any) -> dict[str, Any]:
    return {"path": "/etc/motd", "contents": base64.b64encode(b"x" * size).decode(), **more}


WHOLE: dict[str, Any] = {
    "id": int,
    "name": "{name}",
    "user_id": "{me}",
    "tenant_id": "{me}",
    "shared_to_project": False,
    "status": "BUILD",
    "SNF:task_state": "BUILDING",
    "suspended": False,
    "deleted": False,
    "created": str,
    "updated": str,
    "hostId": "",
    "flavor": {"id": ident("{flavor}"), "links": list},
    "image": {"id": "{image}", "links": list},
    "metadata": {},
    "tags": [],
    "attachments": [],
    "addresses": {},
    "volumes": list,
    "diagnostics": list,
    "security_groups": [{"name": "default"}],
    "key_name": None,
    "SNF:key_names": [],
    "config_drive": "",
    "accessIPv4": "",
    "accessIPv6": "",
    "SNF:port_forwarding": {},
    "links": [{"rel": "self", "href": str}, {"rel": "bookmark", "href": str}],
}

ROWS = (
    row("3.3-answer", create().gives(202, like={"server": {**WHOLE, "adminPass": str}})),
    row(
        "3.1-representation-when-it-runs",
        created(),
        until(
            NEW, {"server": {**WHOLE, "status": "ACTIVE", "SNF:task_state": "", "progress": 100, "adminPass": ABSENT}}
        ),
    ),
    row(
        "3.1-list-is-brief",
        created(),
        get(SERVERS).gives(200, like={"servers": has({"id": int, "name": "{name}", "links": list, "status": ABSENT})}),
    ),
    row(
        "3.1-details",
        created(),
        get(f"{SERVERS}/detail").gives(200, like={"servers": has({"name": "{name}", "status": str})}),
    ),
    row("3.1-others-do-not-see-it", created(), get(NEW, by="other").gives(404)),
    row(
        "3.1-others-do-not-list-it",
        created(),
        get(SERVERS, by="other").gives(200, like={"servers": lacks({"name": "{name}"})}),
    ),
    *(row(f"3.3-{name}-is-required", create(without=(name,)).gives(400)) for name in ("name", "flavorRef", "imageRef")),
    row("3.3-server-is-an-object", post(SERVERS, {"server": []}).gives(400)),
    row("3.3-no-server", post(SERVERS, {"flavor": {}}).gives(400)),
    row("3.3-name-of-255-characters", create(name="n" * 255).gives(202, like={"server": {"name": "n" * 255}})),
    row("3.3-name-of-256-characters", create(name="n" * 256).gives(400)),
    row("3.3-name-that-is-a-number", create(name=3).gives(400)),
    row("3.3-name-in-any-script", create(name="διακομιστής").gives(202, like={"server": {"name": "διακομιστής"}})),
    row(
        "3.3-flavor-as-a-number",
        post(SERVERS, '{"server": {"name": "{name}", "flavorRef": {flavor}, "imageRef": "{image}"}}').gives(202),
    ),
    row("3.3-unknown-flavor", create(flavorRef=999999999).gives(404)),
    row("3.3-flavor-that-is-no-number", create(flavorRef="abc").gives(400)),
    row("3.3-flavor-that-is-a-list", create(flavorRef=[1]).gives(400)),
    row("3.3-unknown-image", create(imageRef=NOBODY).gives(404)),
    row("3.3-image-that-is-no-uuid", create(imageRef="abc").gives(400)),
    row("3.3-image-of-others", get("image/images").gives(200), create(by="other", imageRef="{registered}").gives(403)),
    row("3.3-empty-image", create(imageRef="").gives(400)),
    row("3.3-metadata", create(metadata={"OS": "debian"}).gives(202, like={"server": {"metadata": {"OS": "debian"}}})),
    row("3.3-metadata-of-10-items", create(metadata={f"k{number}": "v" for number in range(10)}).gives(202)),
    row("3.3-metadata-of-11-items", create(metadata={f"k{number}": "v" for number in range(11)}).gives(400, 413)),
    row("3.3-metadata-key-of-51-characters", create(metadata={"k" * 51: "v"}).gives(400)),
    row("3.3-metadata-value-of-501-characters", create(metadata={"k": "v" * 501}).gives(400)),
    row("3.3-metadata-is-an-object", create(metadata=["x"]).gives(400)),
    row("3.3-tags", created(tags=["front"]), until(NEW, {"server": {"tags": ["front"]}})),
    row("3.3-too-many-tags", create(tags=[f"t{number}" for number in range(51)]).gives(400)),
    row("3.3-tag-with-a-slash", create(tags=["a/b"]).gives(400)),
    row("3.3-tag-with-a-comma", create(tags=["a,b"]).gives(400)),
    row("3.3-tags-are-a-list", create(tags="front").gives(400)),
    row("3.3-personality", create(personality=[file(owner="root", group="root", mode=384)]).gives(202)),
    row("3.3-personality-of-5-files", create(personality=[file()] * 5).gives(202)),
    row("3.3-personality-of-6-files", create(personality=[file()] * 6).gives(413)),
    row("3.3-personality-of-10240-bytes", create(personality=[file(10240)]).gives(202)),
    row("3.3-personality-of-10241-bytes", create(personality=[file(10241)]).gives(413)),
    row("3.3-personality-that-is-no-base64", create(personality=[{"path": "/x", "contents": "*"}]).gives(400)),
    row("3.3-personality-without-contents", create(personality=[{"path": "/x"}]).gives(400, 500)),
    row("3.3-personality-with-another-member", create(personality=[file(colour="red")]).gives(400)),
    row("3.3-personality-mode-that-is-no-number", create(personality=[file(mode="rw")]).gives(400)),
    row("3.3-personality-is-a-list", create(personality={}).gives(400)),
    row("3.3-project", create(project="{me}").gives(202, like={"server": {"tenant_id": "{me}"}})),
    row("3.3-project-of-others", create(project="{other}").gives(400)),
    row("3.3-unknown-key", create(key_name="no-such-key").gives(404)),
    row(
        "3.3-keys",
        post("compute/os-keypairs", {"keypair": {"name": "{name}", "public_key": "ssh-rsa AAAA x"}}),
        create(key_name="{name}").gives(202, like={"server": {"key_name": "{name}", "SNF:key_names": ["{name}"]}}),
        create(**{"SNF:key_names": ["{name}"]}).gives(202, like={"server": {"SNF:key_names": ["{name}"]}}),
        create(key_name="{name}", **{"SNF:key_names": ["{name}"]}).gives(400),
    ),
    row(
        "3.3-own-password",
        create(adminPass="Str0ngEnough1").gives(202, like={"server": {"adminPass": "Str0ngEnough1"}}),
    ),
    row("3.3-weak-password", create(adminPass="weak").gives(202, 400)),
    row("3.3-user-data", create(user_data="I2Nsb3VkLWNvbmZpZwo=").gives(202)),
    row("3.3-user-data-that-is-no-base64", create(user_data="*").gives(400)),
    row(
        "3.3-openstack-query-is-ignored",
        post(
            f"{SERVERS}?availability_zone=a",
            {"server": {"name": "{name}", "flavorRef": "{flavor}", "imageRef": "{image}", "networks": []}},
        ).gives(202),
    ),
    row(
        "3.3-password",
        create().gives(
            202,
            save={
                "new": lambda answer: str(answer.json()["server"]["id"]),
                "pass": lambda answer: str(answer.json()["server"]["adminPass"]),
            },
        ),
        get(f"{NEW}/password").gives(200, like={"password": "{pass}"}),
        RUNS,
        delete(f"{NEW}/password").gives(204, empty=True),
        get(f"{NEW}/password").gives(404),
    ),
    # Networks
    row("3.4-absent", create(without=("networks",)).gives(202)),
    row("3.4-null", create(networks=None).gives(202)),
    row(
        "3.1-interfaces-that-are-being-built-are-not-shown",
        create(networks=[{"uuid": "{net}"}]).gives(202, like={"server": {"status": "BUILD", "attachments": []}}),
    ),
    row(
        "3.4-private",
        created(networks=[{"uuid": "{net}"}]),
        until(
            NEW,
            {
                "server": {
                    "attachments": [{"network_id": "{net}", "ipv4": "10.20.0.2", "OS-EXT-IPS:type": "fixed"}],
                    "addresses": {"{net}": [{"version": 4, "addr": "10.20.0.2", "OS-EXT-IPS:type": "fixed"}]},
                }
            },
        ),
    ),
    row(
        "3.4-fixed-ip",
        created(networks=[{"uuid": "{net}", "fixed_ip": "10.20.0.50"}]),
        until(NEW, {"server": {"attachments": [{"ipv4": "10.20.0.50"}]}}),
    ),
    row("3.4-fixed-ip-outside-the-pools", create(networks=[{"uuid": "{net}", "fixed_ip": "10.99.0.1"}]).gives(400)),
    row("3.4-fixed-ip-that-is-none", create(networks=[{"uuid": "{net}", "fixed_ip": "x"}]).gives(400)),
    row(
        "3.4-fixed-ip-that-is-taken",
        post("network/ports", {"port": {"network_id": "{net}"}}),
        create(networks=[{"uuid": "{net}", "fixed_ip": "10.20.0.2"}]).gives(409),
    ),
    row(
        "3.4-port",
        post("network/ports", {"port": {"network_id": "{net}"}}).saves(port="port.id"),
        created(networks=[{"port": "{port}"}]),
        until("network/ports/{port}", {"port": {"status": "ACTIVE", "device_id": "{new}"}}),
    ),
    row(
        "3.4-port-in-use",
        post("network/ports", {"port": {"network_id": "{net}", "device_id": "{server}"}}).saves(port="port.id"),
        create(networks=[{"port": "{port}"}]).gives(409),
    ),
    row("3.4-unknown-port", create(networks=[{"port": "999999999"}]).gives(404)),
    row("3.4-unknown-network", create(networks=[{"uuid": "999999999"}]).gives(404)),
    row(
        "3.4-network-of-others",
        get("network/networks/{net}"),
        create(by="other", networks=[{"uuid": "{net}"}]).gives(404),
    ),
    row("3.4-neither-uuid-nor-port", create(networks=[{}]).gives(400)),
    row("3.4-networks-are-a-list", create(networks={}).gives(400)),
    row(
        "3.4-public-with-a-floating-ip",
        post("network/floatingips", {"floatingip": {"floating_network_id": "{pool}"}}).saves(
            ip="floatingip.id", address="floatingip.floating_ip_address"
        ),
        created(networks=[{"uuid": "{pool}", "fixed_ip": "{address}"}]),
        until(NEW, {"server": {"attachments": [{"ipv4": "{address}", "OS-EXT-IPS:type": "floating"}]}}),
        get("network/floatingips/{ip}").gives(200, like={"floatingip": {"instance_id": "{new}"}}),
        create(networks=[{"uuid": "{pool}", "fixed_ip": "{address}"}]).gives(409),
    ),
    row(
        "3.4-public-takes-a-free-one",
        post("network/floatingips", {"floatingip": {"floating_network_id": "{pool}"}}),
        created(networks=[{"uuid": "{pool}"}]),
        until(NEW, {"server": {"attachments": [{"network_id": "{pool}"}]}}),
    ),
    row("3.4-public-without-a-free-one", create(by="other", networks=[{"uuid": "{pool}"}]).gives(409)),
    row(
        "3.4-public-with-an-unknown-address",
        create(networks=[{"uuid": "{pool}", "fixed_ip": "198.51.100.9"}]).gives(404),
    ),
    row("3.3-more-than-8-nics", create(networks=[{"uuid": "{net}"}] * 9).gives(400)),
    row(
        "3.3-nothing-is-left-of-a-refused-server",
        create(networks=[{"uuid": "{net}"}, {"uuid": "999999999"}]).gives(404),
        get(SERVERS).gives(200, like={"servers": lacks({"name": "{name}"})}),
        get("network/ports").gives(200, like={"ports": lacks({"network_id": "{net}"})}),
    ),
    # Block devices
    row(
        "3.5-image",
        created(block_device_mapping_v2=[{"source_type": "image", "uuid": "{image}", "volume_size": 7}]),
        get(NEW).gives(200, save={"root": lambda answer: str(answer.json()["server"]["volumes"][0])}),
        get("volume/volumes/{root}").gives(
            200, like={"volume": {"size": 7, "image_id": "{image}", "display_name": None}}
        ),
    ),
    row(
        "3.5-empty-image-with-a-block-device",
        create(
            imageRef="", block_device_mapping_v2=[{"source_type": "image", "uuid": "{image}", "volume_size": 7}]
        ).gives(202),
    ),
    row(
        "3.5-blank-second-disk",
        create(
            block_device_mapping_v2=[
                {"source_type": "image", "uuid": "{image}", "volume_size": 7},
                {"source_type": "blank", "volume_size": 1},
            ]
        ).gives(202, like={"server": {"volumes": [int, int]}}),
    ),
    row("3.5-blank-root", create(block_device_mapping_v2=[{"source_type": "blank", "volume_size": 7}]).gives(400)),
    row("3.5-unknown-source", create(block_device_mapping_v2=[{"source_type": "tape", "uuid": "{image}"}]).gives(400)),
    row(
        "3.5-source-without-uuid",
        create(block_device_mapping_v2=[{"source_type": "image", "volume_size": 7}]).gives(400),
    ),
    row(
        "3.5-size-that-is-no-number",
        create(block_device_mapping_v2=[{"source_type": "image", "uuid": "{image}", "volume_size": "big"}]).gives(400),
    ),
    row(
        "3.5-a-new-disk-that-should-stay",
        create(
            block_device_mapping_v2=[
                {"source_type": "image", "uuid": "{image}", "volume_size": 7, "delete_on_termination": False}
            ]
        ).gives(400, 501),
    ),
    row(
        "3.5-image-of-the-root-differs",
        create(
            imageRef="{registered}",
            block_device_mapping_v2=[{"source_type": "image", "uuid": "{image}", "volume_size": 7}],
        ).gives(400),
    ),
    row(
        "3.3-more-than-8-volumes",
        create(
            block_device_mapping_v2=[
                {"source_type": "image", "uuid": "{image}", "volume_size": 7},
                *[{"source_type": "blank", "volume_size": 1}] * 8,
            ]
        ).gives(400),
    ),
    # Renaming, deleting, addresses
    row(
        "3.6-rename",
        put(SERVER, {"server": {"name": "db"}}).gives(204, empty=True),
        get(SERVER).gives(200, like={"server": {"name": "db"}}),
    ),
    row("3.6-rename-ignores-other-members", put(SERVER, {"server": {"name": "db", "status": "X"}}).gives(204)),
    row("3.6-rename-needs-a-name", put(SERVER, {"server": {}}).gives(400)),
    row("3.6-rename-to-a-long-name", put(SERVER, {"server": {"name": "n" * 256}}).gives(400)),
    row("3.6-rename-by-others", put(SERVER, {"server": {"name": "x"}}, by="other").gives(404)),
    row(
        "3.6-delete",
        delete(SERVER).gives(204, empty=True),
        until(SERVER, {"server": {"status": "DELETED", "deleted": True, "attachments": [], "volumes": []}}),
        get(SERVERS).gives(200, like={"servers": lacks({"id": ident("{server}")})}),
        delete(SERVER).gives(400),
        put(SERVER, {"server": {"name": "x"}}).gives(400),
        post(f"{SERVER}/action", {"start": {}}).gives(400),
        get(f"{SERVER}/metadata").gives(200),
    ),
    row(
        "3.6-delete-by-others",
        delete(SERVER, by="other").gives(404),
        get(SERVER).gives(200, like={"server": {"status": "ACTIVE"}}),
    ),
    row("3.6-delete-of-an-unknown-one", delete(f"{SERVERS}/999999999").gives(404)),
    row(
        "3.6-volumes-go-with-it",
        get(SERVER).gives(200, save={"root": lambda answer: str(answer.json()["server"]["volumes"][0])}),
        delete(SERVER),
        until("volume/volumes/{root}", {"volume": {"status": "deleted", "deleted": True}}),
    ),
    row(
        "3.6-addresses",
        created(networks=[{"uuid": "{net}"}]),
        RUNS,
        get(f"{NEW}/ips").gives(
            200, like={"addresses": {"{net}": [{"addr": "10.20.0.2"}]}, "attachments": [{"network_id": "{net}"}]}
        ),
        get(f"{NEW}/ips/{{net}}").gives(
            200, like={"network": {"{net}": [{"version": 4, "addr": "10.20.0.2", "OS-EXT-IPS:type": "fixed"}]}}
        ),
        get(f"{NEW}/ips/{{bare}}").gives(200, like={"network": lambda found: found == {}}),
        get(f"{NEW}/ips/999999999").gives(404),
    ),
)


@each(ROWS)
def test_rule(row: Row, service_world: ServiceWorld) -> None:
    service_world.run(row)


@rule("1.3-server-changes-with-a-deletion", "1.3-no-server-changed-is-304")
def test_changes_since(service_world: ServiceWorld) -> None:
    world = service_world
    world.names["since"] = moment(world.do(get(SERVER)).json()["server"]["updated"])
    for path in (SERVERS, f"{SERVERS}/detail"):
        world.do(get(f"{path}?changes-since={{since}}").gives(200, like={"servers": has({"id": ident("{server}")})}))
    world.do(delete(SERVER))
    world.do(until(SERVER, {"server": {"status": "DELETED"}}))
    world.do(
        get(f"{SERVERS}/detail?changes-since={{since}}").gives(
            200, like={"servers": has({"id": ident("{server}"), "status": "DELETED", "deleted": True})}
        )
    )
    world.names["since"] = moment(world.do(get(SERVER)).json()["server"]["updated"], later=1)
    world.do(get(f"{SERVERS}/detail?changes-since={{since}}").gives(304, empty=True))


@rule("3.11-server-quota")
def test_quota(service_world: ServiceWorld) -> None:
    """All that there is room for, then one too many; what a deleted server held is free again."""
    world = service_world

    def quota(name: str) -> Any:
        return world.do(get("account/quotas", by="other")).json()[world["other"]][f"cyclades.{name}"]

    before = {name: quota(name)["usage"] for name in ("vm", "cpu", "ram", "disk")}
    room = quota("vm")["limit"] - quota("vm")["usage"]
    if not 0 < room <= 10:
        pytest.skip("the second user may have no servers, or too many")
    for _ in range(room):
        world.do(create("other").gives(202).saves(new="server.id"))
    world.do(create("other").gives(413, fault="overLimit"))
    flavor = world.do(get("compute/flavors/{flavor}")).json()["flavor"]
    assert quota("cpu")["usage"] == before["cpu"] + room * flavor["vcpus"]
    assert quota("ram")["usage"] == before["ram"] + room * flavor["ram"] * 2**20
    assert quota("disk")["usage"] == before["disk"] + room * flavor["disk"] * 2**30
    world.do(delete(NEW, by="other"))
    world.do(until(NEW, {"server": {"status": "DELETED"}}, by="other"))
    assert quota("vm")["usage"] == before["vm"] + room - 1
    world.do(create("other").gives(202))
