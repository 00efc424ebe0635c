"""Network, sections 6 and 7: floating IPs."""

from __future__ import annotations

import re
from typing import Any

import pytest
from conformance.rows import rule
from conformance.service_rows import Row, ServiceStep, delete, each, get, has, lacks, post, put, row, until
from conformance.services import ServiceWorld
from conformance.things import moment

IPS = "network/floatingips"
IP = f"{IPS}/{{ip}}"
KEPT = {"ip": "floatingip.id", "address": "floatingip.floating_ip_address"}


def create(by: str = "me", **body: Any) -> ServiceStep:
    return post(IPS, {"floatingip": body}, by=by)


MADE = create(floating_network_id="{pool}").saves(**KEPT)

WHOLE = {
    "id": re.compile(r"[0-9]+"),
    "floating_ip_address": re.compile(r"[0-9.]+"),
    "floating_network_id": "{pool}",
    "fixed_ip_address": None,
    "port_id": None,
    "instance_id": None,
    "user_id": "{me}",
    "tenant_id": "{me}",
    "shared_to_project": False,
    "deleted": False,
}

ROWS = (
    row("6.1-representation", create(floating_network_id="{pool}").gives(200, 201, like={"floatingip": WHOLE})),
    row(
        "6.1-both-lists-are-full",
        MADE,
        get(IPS).gives(200, like={"floatingips": has({**WHOLE, "id": "{ip}"})}),
        get(f"{IPS}/detail").gives(200, like={"floatingips": has({**WHOLE, "id": "{ip}"})}),
    ),
    row("6.1-shown", MADE, get(IP).gives(200, like={"floatingip": {**WHOLE, "id": "{ip}"}})),
    row("6.1-others-do-not-see-it", MADE, get(IP, by="other").gives(404)),
    row(
        "6.1-others-do-not-list-it",
        MADE,
        get(IPS, by="other").gives(200, like={"floatingips": lacks({"id": "{ip}"})}),
    ),
    row("6.2-of-any-pool", create().gives(200, 201, like={"floatingip": WHOLE})),
    row("6.2-network-id-as-a-number", post(IPS, '{"floatingip": {"floating_network_id": {pool}}}').gives(200, 201)),
    row("6.2-network-id-that-is-no-number", create(floating_network_id="abc").gives(400)),
    row("6.2-unknown-network", create(floating_network_id="999999999").gives(404)),
    row("6.2-network-that-is-no-pool", create(floating_network_id="{net}").gives(409)),
    row(
        "6.2-network-that-was-deleted",
        delete("network/networks/{bare}"),
        create(floating_network_id="{bare}").gives(400),
    ),
    row(
        "6.2-wanted-address",
        MADE,
        delete(IP),
        create(floating_network_id="{pool}", floating_ip_address="{address}").gives(
            200, 201, like={"floatingip": {"floating_ip_address": "{address}"}}
        ),
    ),
    row(
        "6.2-taken-address",
        MADE,
        create(floating_network_id="{pool}", floating_ip_address="{address}").gives(409),
    ),
    row(
        "6.2-address-outside-the-pool",
        create(floating_network_id="{pool}", floating_ip_address="10.99.0.1").gives(400),
    ),
    row("6.2-malformed-address", create(floating_network_id="{pool}", floating_ip_address="x").gives(400)),
    row("6.2-project", create(project="{me}").gives(200, 201, like={"floatingip": {"tenant_id": "{me}"}})),
    row("6.2-project-of-others", create(project="{other}").gives(400)),
    row("6.2-openstack-members-are-ignored", create(port_id="1", fixed_ip_address="10.0.0.1").gives(200, 201)),
    row("6.2-body-without-the-object", post(IPS, {}).gives(400)),
    row(
        "6.3-attach-by-a-port",
        MADE,
        post(
            "network/ports",
            {"port": {"network_id": "{pool}", "device_id": "{server}", "fixed_ips": [{"ip_address": "{address}"}]}},
        )
        .gives(201)
        .saves(port="port.id"),
        until("network/ports/{port}", {"port": {"status": "ACTIVE"}}),
        get(IP).gives(200, like={"floatingip": {"port_id": "{port}", "instance_id": "{server}"}}),
        get("compute/servers/{server}").gives(
            200, like={"server": {"attachments": has({"ipv4": "{address}", "OS-EXT-IPS:type": "floating"})}}
        ),
        delete(IP).gives(409, fault="conflict"),
        delete("network/ports/{port}").gives(204),
        until(IP, {"floatingip": {"port_id": None, "instance_id": None}}),
        delete(IP).gives(204),
    ),
    row(
        "6.3-attach-by-an-action",
        MADE,
        post("compute/servers/{server}/action", {"addFloatingIp": {"address": "{address}"}}).gives(202, empty=True),
        until(IP, {"floatingip": {"instance_id": "{server}", "port_id": str}}),
        until(
            "compute/servers/{server}", {"server": {"SNF:task_state": "", "attachments": has({"ipv4": "{address}"})}}
        ),
        post("compute/servers/{server2}/action", {"addFloatingIp": {"address": "{address}"}}).gives(409),
        post("compute/servers/{server2}/action", {"removeFloatingIp": {"address": "{address}"}}).gives(400),
        post("compute/servers/{server}/action", {"removeFloatingIp": {"address": "{address}"}}).gives(202, empty=True),
        until(IP, {"floatingip": {"instance_id": None, "port_id": None}}),
    ),
    row(
        "6.3-a-deleted-server-leaves-its-address",
        MADE,
        post("compute/servers/{server}/action", {"addFloatingIp": {"address": "{address}"}}).gives(202),
        until("compute/servers/{server}", {"server": {"SNF:task_state": ""}}),
        delete("compute/servers/{server}"),
        until(IP, {"floatingip": {"port_id": None, "instance_id": None, "deleted": False}}),
    ),
    row(
        "6.3-release",
        MADE,
        delete(IP).gives(204, empty=True),
        get(IPS).gives(200, like={"floatingips": lacks({"id": "{ip}"})}),
    ),
    row("6.3-release-of-an-unknown-one", delete(f"{IPS}/999999999").gives(404)),
    row("6.3-release-by-others", MADE, delete(IP, by="other").gives(404), get(IP).gives(200)),
    row(
        "6.3-reassign-to-oneself", MADE, post(f"{IP}/action", {"reassign": {"project": "{me}"}}).gives(200, empty=True)
    ),
    row("6.3-reassign-needs-a-project", MADE, post(f"{IP}/action", {"reassign": {}}).gives(400)),
    row("6.3-unknown-action", MADE, post(f"{IP}/action", {"move": {}}).gives(400)),
    row("6.3-two-actions", MADE, post(f"{IP}/action", {"reassign": {"project": "{me}"}, "x": {}}).gives(400)),
    row("6.3-no-action", MADE, post(f"{IP}/action", {}).gives(400)),
    row(
        "6.3-update",
        MADE,
        put(IP, {"floatingip": {"floating_network_id": "{pool}"}}).gives(501, fault="notImplemented"),
    ),
)


@each(ROWS)
def test_rule(row: Row, service_world: ServiceWorld) -> None:
    service_world.run(row)


@rule("1.3-changes-since-with-a-released-address")
def test_changes_since(service_world: ServiceWorld) -> None:
    world = service_world
    world.names["since"] = moment(world.do(get("network/networks/{bare}")).json()["network"]["updated"])
    world.do(MADE)
    changed = f"{IPS}?changes-since={{since}}"
    world.do(get(changed).gives(200, like={"floatingips": has({"id": "{ip}", "deleted": False})}))
    world.do(delete(IP))
    world.do(get(changed).gives(200, like={"floatingips": has({"id": "{ip}", "deleted": True})}))


@rule("7-floating-ip-quota")
def test_quota(service_world: ServiceWorld) -> None:
    """The last one that there is room for, then one too many; what is released can be had again."""
    world = service_world
    quota = world.do(get("account/quotas", by="other")).json()[world["other"]]["cyclades.floating_ip"]
    room = quota["limit"] - quota["usage"]
    if not 0 < room <= 20:
        pytest.skip("the second user may have none, or too many")
    for _ in range(room):
        world.do(create("other").saves(**KEPT))
    world.do(create("other").gives(413, fault="overLimit"))
    world.do(delete(IP, by="other"))
    world.do(create("other").gives(200, 201))
