"""Network, section 5: ports."""

from __future__ import annotations

import re
from typing import Any

from conformance.rows import rule
from conformance.service_rows import ABSENT, Row, ServiceStep, delete, each, get, has, lacks, post, put, row, until
from conformance.services import ServiceWorld

PORTS = "network/ports"
PORT = f"{PORTS}/{{port}}"


def create(network: str = "{net}", by: str = "me", **more: Any) -> ServiceStep:
    return post(PORTS, {"port": {"network_id": network, **more}}, by=by)


def address(text: Any) -> list[Any]:
    return [{"ip_address": text}]


MADE = create().saves(port="port.id")
GONE = until(PORT, ABSENT, 404)
PLUGGED = (
    create(device_id="{server}").saves(port="port.id"),
    until(PORT, {"port": {"status": "ACTIVE"}}),
    until("compute/servers/{server}", {"server": {"SNF:task_state": ""}}),
)
RESERVED = post("network/floatingips", {"floatingip": {"floating_network_id": "{pool}"}}).saves(
    ip="floatingip.id", address="floatingip.floating_ip_address"
)

WHOLE = {
    "id": re.compile(r"[0-9]+"),
    "name": "",
    "network_id": "{net}",
    "device_id": None,
    "device_owner": None,
    "status": "DOWN",
    "admin_state_up": True,
    "security_groups": [],
    "fixed_ips": [{"ip_address": "10.20.0.2", "subnet": str}],
    "user_id": "{me}",
    "tenant_id": "{me}",
    "created": str,
    "updated": str,
    "links": list,
}

ROWS = (
    row("5.1-representation", create().gives(201, like={"port": WHOLE})),
    row(
        "5.1-both-lists-are-full",
        MADE,
        get(PORTS).gives(200, like={"ports": has({**WHOLE, "id": "{port}"})}),
        get(f"{PORTS}/detail").gives(200, like={"ports": has({**WHOLE, "id": "{port}"})}),
    ),
    row("5.1-others-do-not-see-it", MADE, get(PORT, by="other").gives(404)),
    row("5.1-others-do-not-list-it", MADE, get(PORTS, by="other").gives(200, like={"ports": lacks({"id": "{port}"})})),
    row("5.3-network-is-required", post(PORTS, {"port": {"name": "x"}}).gives(400)),
    row("5.3-unknown-network", create("999999999").gives(404)),
    row("5.3-network-id-that-is-no-number", create("abc").gives(400)),
    row("5.3-network-of-others", MADE, create(by="other").gives(404)),
    row("5.3-deleted-network", delete("network/networks/{bare}"), create("{bare}").gives(400)),
    row("5.3-name", create(name="nic").gives(201, like={"port": {"name": "nic"}})),
    row("5.3-name-of-129-characters", create(name="n" * 129).gives(400)),
    row("5.3-no-subnet-no-address", create("{bare}").gives(201, like={"port": {"fixed_ips": []}})),
    row(
        "5.3-next-free-address",
        create().gives(201, like={"port": {"fixed_ips": [{"ip_address": "10.20.0.2"}]}}),
        create().gives(201, like={"port": {"fixed_ips": [{"ip_address": "10.20.0.3"}]}}),
    ),
    row(
        "5.3-a-freed-address-is-given-out-again",
        MADE,
        create(),
        delete(PORT),
        create().gives(201, like={"port": {"fixed_ips": [{"ip_address": re.compile(r"10\.20\.0\.[24]")}]}}),
    ),
    row(
        "5.3-wanted-address",  # the reference gives the next free one whatever is asked for
        create(fixed_ips=address("10.20.0.77")).gives(
            201, like={"port": {"fixed_ips": [{"ip_address": re.compile(r"10\.20\.0\.(77|2)")}]}}
        ),
    ),
    row(
        "5.3-taken-address-is-never-given-twice",
        create(fixed_ips=address("10.20.0.2")),
        create(fixed_ips=address("10.20.0.2")).gives(201, 409),
        get(PORTS).gives(200, like={"ports": lambda found: no_address_twice(found)}),
    ),
    row("5.3-address-outside-the-pools", create(fixed_ips=address("10.99.0.1")).gives(201, 400)),
    row("5.3-two-fixed-ips", create(fixed_ips=address("10.20.0.5") * 2).gives(400)),
    row("5.3-ipv6-address", create(fixed_ips=address("2001:db8::1")).gives(400)),
    row("5.3-malformed-address", create(fixed_ips=address("10.20.0")).gives(400)),
    row("5.3-fixed-ips-are-a-list", create(fixed_ips="10.20.0.5").gives(400)),
    row("5.3-fixed-ip-is-an-object", create(fixed_ips=["10.20.0.5"]).gives(400)),
    row("5.3-unknown-security-group", create(security_groups=["9"]).gives(404)),
    row("5.3-no-security-groups", create(security_groups=[]).gives(201)),
    row("5.3-public-network-without-address", create("{pool}").gives(400)),
    row("5.3-public-network-with-an-unknown-address", create("{pool}", fixed_ips=address("198.51.100.9")).gives(404)),
    row(
        "5.3-public-network-with-a-floating-ip",
        RESERVED,
        create("{pool}", fixed_ips=address("{address}"))
        .gives(201, like={"port": {"fixed_ips": [{"ip_address": "{address}"}]}})
        .saves(port="port.id"),
        get("network/floatingips/{ip}").gives(200, like={"floatingip": {"port_id": "{port}", "instance_id": None}}),
        create("{pool}", fixed_ips=address("{address}")).gives(409),
        delete(PORT).gives(204),
        get("network/floatingips/{ip}").gives(200, like={"floatingip": {"port_id": None}}),
    ),
    row(
        "5.3-floating-ip-of-others",
        RESERVED,
        create("{pool}", by="other", fixed_ips=address("{address}")).gives(404),
    ),
    row("5.3-unknown-server", create(device_id="999999999").gives(404)),
    row("5.3-server-id-that-is-no-number", create(device_id="abc").gives(400)),
    row(
        "5.2-create-on-a-server",
        create(device_id="{server}")
        .gives(201, like={"port": {"status": "BUILD", "device_id": "{server}", "device_owner": "vm"}})
        .saves(port="port.id"),
        until(PORT, {"port": {"status": "ACTIVE", "mac_address": re.compile("([0-9a-f]{2}:){5}[0-9a-f]{2}")}}),
        get("compute/servers/{server}").gives(
            200, like={"server": {"attachments": has({"network_id": "{net}", "ipv4": "10.20.0.2"})}}
        ),
    ),
    row(
        "5.3-server-with-another-task",
        create(device_id="{server}").saves(port="port.id"),
        create(device_id="{server}").gives(201, 400),  # 201 where the first is over already
    ),
    row(
        "5.2-delete-of-a-connected-port",
        *PLUGGED,
        delete(PORT).gives(204, empty=True),
        GONE,
        until(
            "compute/servers/{server}",
            {"server": {"SNF:task_state": "", "attachments": lacks({"network_id": "{net}"})}},
        ),
    ),
    row(
        "5.1-ipv6-of-a-connected-port",
        post("network/subnets", {"subnet": {"network_id": "{bare}", "cidr": "2001:db8:7::/64", "ip_version": 6}}),
        create("{bare}", device_id="{server}").saves(port="port.id"),
        until("compute/servers/{server}", {"server": {"attachments": has({"ipv6": re.compile("2001:db8:7::?.*")})}}),
    ),
    row(
        "5.2-a-port-goes-with-its-server",
        *PLUGGED,
        delete("compute/servers/{server}").gives(204),
        GONE,
    ),
    row("5.4-rename", MADE, put(PORT, {"port": {"name": "x"}}).gives(200, like={"port": {**WHOLE, "name": "x"}})),
    row("5.4-update-without-a-name", MADE, put(PORT, {"port": {}}).gives(200, like={"port": {"name": ""}})),
    row(
        "5.4-other-keys-are-ignored",
        MADE,
        put(PORT, {"port": {"name": "x", "network_id": "1", "mac_address": "x", "fixed_ips": []}}).gives(
            200, like={"port": {**WHOLE, "name": "x"}}
        ),
    ),
    row("5.4-rename-to-a-long-name", MADE, put(PORT, {"port": {"name": "n" * 129}}).gives(400)),
    row("5.4-rename-by-others", MADE, put(PORT, {"port": {"name": "x"}}, by="other").gives(404)),
    row("5.4-delete-is-at-once-when-not-connected", MADE, delete(PORT).gives(204, empty=True), get(PORT).gives(404)),
    row("5.4-delete-twice", MADE, delete(PORT), delete(PORT).gives(404)),
    row("5.4-delete-by-others", MADE, delete(PORT, by="other").gives(404), get(PORT).gives(200)),
)


def no_address_twice(ports: list[dict[str, Any]]) -> bool:
    given = [(port["network_id"], ip["ip_address"]) for port in ports for ip in port["fixed_ips"]]
    return len(set(given)) == len(given)


@each(ROWS)
def test_rule(row: Row, service_world: ServiceWorld) -> None:
    service_world.run(row)


@rule("5.3-no-free-address")
def test_exhaustion(service_world: ServiceWorld) -> None:
    """A /29 has five addresses beside its gateway; the sixth port gets none."""
    world = service_world
    world.do(post("network/subnets", {"subnet": {"network_id": "{bare}", "cidr": "10.8.0.0/29"}}))
    for last in range(2, 7):
        like = {"port": {"fixed_ips": [{"ip_address": f"10.8.0.{last}"}]}}
        world.do(create("{bare}").gives(201, like=like).saves(port="port.id"))
    world.do(create("{bare}").gives(409, fault="conflict"))
    world.do(delete(PORT))
    world.do(create("{bare}").gives(201, like={"port": {"fixed_ips": [{"ip_address": "10.8.0.6"}]}}))
