"""Network, section 3: networks."""

from __future__ import annotations

import re
from typing import Any

import pytest
from conformance.rows import rule
from conformance.service_rows import ABSENT, Row, ServiceStep, delete, each, get, has, lacks, post, put, row, until
from conformance.services import ServiceWorld
from conformance.things import moment

NETWORKS = "network/networks"
BARE = "network/networks/{bare}"
WHOLE = {
    "id": re.compile(r"[0-9]+"),
    "name": "{name}",
    "type": "MAC_FILTERED",
    "status": "ACTIVE",
    "user_id": "{me}",
    "tenant_id": "{me}",
    "shared_to_project": False,
    "public": False,
    "shared": False,
    "router:external": False,
    "admin_state_up": True,
    "subnets": [],
    "SNF:floating_ip_pool": False,
    "created": str,
    "updated": str,
    "deleted": False,
    "links": [{"rel": "self", "href": str}, {"rel": "bookmark", "href": str}],
}


def create(by: str = "me", **body: Any) -> ServiceStep:
    return post(NETWORKS, {"network": {"type": "MAC_FILTERED", **body}}, by=by)


ROWS = (
    row("3.1-representation", create(name="{name}").gives(201, like={"network": WHOLE})),
    row(
        "3.1-shown-as-created",
        create(name="{name}").saves(new="network.id"),
        get("network/networks/{new}").gives(200, like={"network": {**WHOLE, "id": "{new}"}}),
    ),
    row(
        "3.1-the-public-network",
        get("network/networks/{pool}").gives(
            200,
            like={
                "network": {
                    "public": True,
                    "shared": True,
                    "router:external": True,
                    "SNF:floating_ip_pool": True,
                    "user_id": None,
                    "tenant_id": None,
                    "subnets": lambda found: len(found) >= 1 and all(isinstance(one, str) for one in found),
                }
            },
        ),
    ),
    row(
        "3.1-both-lists-are-full",
        get(BARE).gives(200),
        get(NETWORKS).gives(200, like={"networks": has({"id": "{bare}", "type": "MAC_FILTERED", "subnets": []})}),
        get(f"{NETWORKS}/detail").gives(200, like={"networks": has({"id": "{bare}", "type": "MAC_FILTERED"})}),
    ),
    row(
        "3.1-lists-are-in-order",
        get("network/networks/{bare}").gives(200),
        get("network/networks/{bare2}").gives(200),
        get(NETWORKS).gives(
            200,
            like={
                "networks": lambda found: [int(one["id"]) for one in found] == sorted(int(one["id"]) for one in found)
            },
        ),
    ),
    row("3.2-unknown-type", post(NETWORKS, {"network": {"type": "ETHER"}}).gives(400)),
    *(
        row(f"3.2-{kind}-only-if-enabled", post(NETWORKS, {"network": {"type": kind}}).gives(201, 403))
        for kind in ("PHYSICAL_VLAN", "IP_LESS_ROUTED", "CUSTOM")
    ),
    row("3.4-type-is-required", post(NETWORKS, {"network": {"name": "{name}"}}).gives(400)),
    row("3.4-type-is-a-text", post(NETWORKS, {"network": {"type": 3}}).gives(400)),
    row("3.4-name-is-empty-by-default", create().gives(201, like={"network": {"name": ""}})),
    row("3.4-name-of-128-characters", create(name="n" * 128).gives(201, like={"network": {"name": "n" * 128}})),
    row("3.4-name-of-129-characters", create(name="n" * 129).gives(400)),
    row("3.4-name-that-is-a-number", create(name=3).gives(400)),
    row("3.4-name-in-any-script", create(name="δίκτυο 網").gives(201, like={"network": {"name": "δίκτυο 網"}})),
    row("3.4-project", create(project="{me}").gives(201, like={"network": {"tenant_id": "{me}"}})),
    row("3.4-project-of-others", create(project="{other}").gives(400)),
    row("3.4-unknown-project", create(project="no-such-project").gives(400)),
    row("3.4-shared-to-project", create(shared_to_project=True).gives(201, 403)),
    row("3.4-shared-to-project-is-a-boolean", create(shared_to_project="x").gives(400)),
    row(
        "3.4-openstack-members-are-ignored",
        create(admin_state_up=False, shared=True, tenant_id="x", user_id="y").gives(
            201, like={"network": {"admin_state_up": True, "shared": False, "tenant_id": "{me}", "user_id": "{me}"}}
        ),
    ),
    row(
        "3.4-bulk-create-all-or-nothing",
        post(NETWORKS, {"networks": [{"type": "MAC_FILTERED", "name": "{name}"}, {"type": "ETHER"}]}).gives(400),
        get(NETWORKS).gives(200, like={"networks": lacks({"name": "{name}"})}),
    ),
    row("3.4-bulk-create", post(NETWORKS, {"networks": [{"type": "MAC_FILTERED"}] * 2}).gives(201, 400)),
    row(
        "3.5-rename",
        put(BARE, {"network": {"name": "front"}}).gives(200, like={"network": {"id": "{bare}", "name": "front"}}),
        get(BARE).gives(200, like={"network": {"name": "front"}}),
    ),
    row(
        "3.5-rename-ignores-other-keys",
        put(BARE, {"network": {"name": "a", "type": "CUSTOM"}}).gives(200, like={"network": {"type": "MAC_FILTERED"}}),
    ),
    row("3.5-rename-needs-a-name", put(BARE, {"network": {"shared": True}}).gives(400)),
    row("3.5-rename-to-a-long-name", put(BARE, {"network": {"name": "n" * 129}}).gives(400)),
    row("3.5-rename-of-a-public-network", put("network/networks/{pool}", {"network": {"name": "x"}}).gives(403)),
    row("3.5-rename-by-others", put(BARE, {"network": {"name": "x"}}, by="other").gives(404)),
    row(
        "3.5-delete-of-an-unused-network-is-at-once",
        delete(BARE).gives(204, empty=True),
        get(BARE).gives(200, like={"network": {"status": "DELETED", "deleted": True}}),
        get(NETWORKS).gives(200, like={"networks": lacks({"id": "{bare}"})}),
    ),
    row("3.5-delete-twice", delete(BARE).gives(204), delete(BARE).gives(400)),
    row("3.5-rename-of-a-deleted-network", delete(BARE), put(BARE, {"network": {"name": "x"}}).gives(400)),
    row("3.5-delete-of-a-public-network", delete("network/networks/{pool}").gives(403)),
    row("3.5-delete-by-others", delete(BARE, by="other").gives(404), get(BARE).gives(200)),
    row(
        "3.5-delete-with-ports",
        post("network/ports", {"port": {"network_id": "{net}"}}).saves(port="port.id"),
        delete("network/networks/{net}").gives(409, fault="conflict"),
        delete("network/ports/{port}"),
        delete("network/networks/{net}").gives(204),
    ),
    row(
        "3.5-subnets-go-with-it",
        post("network/subnets", {"subnet": {"network_id": "{bare}", "cidr": "10.1.0.0/24"}}).saves(subnet="subnet.id"),
        delete(BARE),
        get("network/subnets/{subnet}").gives(200, like={"subnet": {"deleted": True, "allocation_pools": []}}),
        get("network/subnets").gives(200, like={"subnets": lacks({"id": "{subnet}"})}),
    ),
    row(
        "3.3-delete-of-a-used-network-takes-a-moment",
        post("network/ports", {"port": {"network_id": "{net}", "device_id": "{server}"}}).saves(port="port.id"),
        until("network/ports/{port}", {"port": {"status": "ACTIVE"}}),
        delete("network/ports/{port}"),
        until("network/ports/{port}", ABSENT, 404),
        delete("network/networks/{net}").gives(204),
        until("network/networks/{net}", {"network": {"status": "DELETED"}}),
    ),
    row("3.5-reassign-to-oneself", post(f"{BARE}/action", {"reassign": {"project": "{me}"}}).gives(200, empty=True)),
    row("3.5-reassign-needs-a-project", post(f"{BARE}/action", {"reassign": {}}).gives(400)),
    row("3.5-reassign-to-others", post(f"{BARE}/action", {"reassign": {"project": "{other}"}}).gives(400)),
    row(
        "3.5-reassign-of-a-public-network",
        post("network/networks/{pool}/action", {"reassign": {"project": "{me}"}}).gives(403),
    ),
    row("3.5-unknown-action", post(f"{BARE}/action", {"disable": {}}).gives(400)),
    row("3.5-action-whose-argument-is-no-object", post(f"{BARE}/action", {"reassign": "{me}"}).gives(400)),
    row("3.5-no-action", post(f"{BARE}/action", {}).gives(400, 500)),
    row("3.5-two-actions", post(f"{BARE}/action", {"reassign": {"project": "{me}"}, "x": {}}).gives(400)),
)


@each(ROWS)
def test_rule(row: Row, service_world: ServiceWorld) -> None:
    service_world.run(row)


@rule("1.3-changes-since-with-a-deletion", "1.3-nothing-changed-is-304")
def test_changes_since(service_world: ServiceWorld) -> None:
    """What was deleted meanwhile is there, marked so."""
    world = service_world
    world.names["since"] = moment(world.do(get(BARE)).json()["network"]["updated"])
    changed = f"{NETWORKS}?changes-since={{since}}"
    world.do(get(changed).gives(200, like={"networks": has({"id": "{bare}", "deleted": False})}))
    world.do(delete(BARE))
    world.do(get(changed).gives(200, like={"networks": has({"id": "{bare}", "deleted": True, "status": "DELETED"})}))
    world.names["since"] = moment(world.do(get(BARE)).json()["network"]["updated"], later=1)
    world.do(get(changed).gives(304, empty=True))


@rule(*(f"1.3-changes-since-{name}" for name in ("naive", "rubbish", "future", "long-ago")))
@pytest.mark.parametrize("collection", ["networks", "subnets", "floatingips"])
@pytest.mark.parametrize("when", ["2026-03-01T09:30:00", "yesterday", "2999-01-01T00:00:00Z", "2001-01-01T00:00:00Z"])
def test_changes_since_of_another_form(service_world: ServiceWorld, collection: str, when: str) -> None:
    service_world.do(get(f"network/{collection}?changes-since={when}").gives(400))


@rule("7-network-quota")
def test_quota(service_world: ServiceWorld) -> None:
    world = service_world
    quota = world.do(get("account/quotas", by="other")).json()[world["other"]]["cyclades.network.private"]
    room = quota["limit"] - quota["usage"]
    if room > 20:
        pytest.skip("the second user may have too many networks")
    for _ in range(room):
        world.do(create("other").gives(201))
    world.do(create("other").gives(413, fault="overLimit"))
    after = world.do(get("account/quotas", by="other")).json()[world["other"]]["cyclades.network.private"]
    assert after["usage"] == quota["limit"]
