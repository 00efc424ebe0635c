"""Network, section 4: subnets."""

from __future__ import annotations

import re
from typing import Any

from conformance.service_rows import ABSENT, Row, ServiceStep, delete, each, get, has, post, put, row, until
from conformance.services import ServiceWorld

SUBNETS = "network/subnets"


def create(cidr: object = "10.20.0.0/24", network: str = "{bare}", by: str = "me", **more: Any) -> ServiceStep:
    return post(SUBNETS, {"subnet": {"network_id": network, "cidr": cidr, **more}}, by=by)


def gives(step: ServiceStep, **like: Any) -> ServiceStep:
    return step.gives(201, like={"subnet": like})


def pools(*ends: tuple[str, str]) -> list[dict[str, str]]:
    return [{"start": start, "end": end} for start, end in ends]


def pooled(*ends: tuple[str, str], **more: Any) -> ServiceStep:
    return create(allocation_pools=pools(*ends), **more)


WHOLE = {
    "id": re.compile(r"[0-9]+"),
    "network_id": "{bare}",
    "name": "",
    "cidr": "10.20.0.0/24",
    "ip_version": 4,
    "gateway_ip": "10.20.0.1",
    "enable_dhcp": True,
    "allocation_pools": pools(("10.20.0.2", "10.20.0.254")),
    "dns_nameservers": [],
    "host_routes": [],
    "public": False,
    "deleted": False,
    "user_id": "{me}",
    "tenant_id": "{me}",
    "enable_slaac": ABSENT,
    "links": [{"rel": "self", "href": str}, {"rel": "bookmark", "href": str}],
}

ROWS = (
    row("4.1-representation", gives(create(), **WHOLE)),
    row(
        "4.1-shown-and-listed-as-created",
        create().saves(new="subnet.id"),
        get(f"{SUBNETS}/{{new}}").gives(200, like={"subnet": {**WHOLE, "id": "{new}"}}),
        get(SUBNETS).gives(200, like={"subnets": has({**WHOLE, "id": "{new}"})}),
        get("network/networks/{bare}").gives(200, like={"network": {"subnets": ["{new}"]}}),
    ),
    row("4.2-network-is-required", post(SUBNETS, {"subnet": {"cidr": "10.0.0.0/24"}}).gives(400)),
    row("4.2-cidr-is-required", post(SUBNETS, {"subnet": {"network_id": "{bare}"}}).gives(400)),
    row("4.2-network-id-as-a-number", create().saves(new="subnet.id"), get(f"{SUBNETS}/{{new}}").gives(200)),
    row("4.2-network-id-that-is-no-number", create(network="abc").gives(400)),
    *(
        row(f"4.2-bad-cidr-{number}", create(cidr).gives(400))
        for number, cidr in enumerate(
            ("", "10.20.0.0", "10.20.0.5/24", "10.20.0.0/33", "300.1.1.0/24", "10.20.0.0/24/24", "x", 7, None, [])
        )
    ),
    row("4.2-cidr-of-the-other-version", create("2001:db8::/64").gives(400)),
    row("4.2-ip-version-5", create(ip_version=5).gives(400)),
    row("4.2-name", gives(create(name="v4"), name="v4")),
    row("4.2-name-of-129-characters", create(name="n" * 129).gives(400)),
    row("4.2-own-gateway", gives(create(gateway_ip="10.20.0.9"), gateway_ip="10.20.0.9")),
    row(
        "4.2-gateway-in-the-middle-makes-two-pools",
        gives(
            create(gateway_ip="10.20.0.100"),
            allocation_pools=pools(("10.20.0.1", "10.20.0.99"), ("10.20.0.101", "10.20.0.254")),
        ),
    ),
    row(
        "4.2-gateway-at-the-end",
        gives(create(gateway_ip="10.20.0.254"), allocation_pools=pools(("10.20.0.1", "10.20.0.253"))),
    ),
    row(
        "4.2-no-gateway",
        gives(create(gateway_ip=None), gateway_ip=None, allocation_pools=pools(("10.20.0.1", "10.20.0.254"))),
    ),
    *(
        row(f"4.2-bad-gateway-{number}", create(gateway_ip=gateway).gives(400))
        for number, gateway in enumerate(("10.21.0.1", "x", "2001:db8::1", 9))
    ),
    row("4.2-no-dhcp", gives(create(enable_dhcp=False), enable_dhcp=False)),
    row("4.2-dhcp-is-a-boolean", create(enable_dhcp="yes").gives(400)),
    row("4.2-name-servers", gives(create(dns_nameservers=["10.20.0.1"]), dns_nameservers=["10.20.0.1"])),
    row("4.2-name-servers-are-a-list", create(dns_nameservers="10.20.0.1").gives(400)),
    row("4.2-host-routes-are-texts", gives(create(host_routes=["10.9.0.0/16"]), host_routes=["10.9.0.0/16"])),
    row(
        "4.2-own-pools",
        gives(pooled(("10.20.0.10", "10.20.0.99")), allocation_pools=pools(("10.20.0.10", "10.20.0.99"))),
    ),
    row(
        "4.2-two-pools",
        gives(
            pooled(("10.20.0.10", "10.20.0.19"), ("10.20.0.30", "10.20.0.30")),
            allocation_pools=pools(("10.20.0.10", "10.20.0.19"), ("10.20.0.30", "10.20.0.30")),
        ),
    ),
    *(
        row(f"4.2-malformed-pool-{number}", create(allocation_pools=given).gives(400))
        for number, given in enumerate(
            (["10.20.0.1"], [{"start": "10.20.0.5"}], [{"start": "x", "end": "y"}], "10.20.0.5", [[]], [{}])
        )
    ),
    row("4.2-pool-outside", pooled(("10.21.0.10", "10.21.0.99")).gives(409)),
    row("4.2-pool-partly-outside", pooled(("10.20.0.10", "10.20.1.9")).gives(409)),
    row("4.2-pool-backwards", pooled(("10.20.0.99", "10.20.0.10")).gives(409)),
    row("4.2-overlapping-pools", pooled(("10.20.0.10", "10.20.0.20"), ("10.20.0.20", "10.20.0.30")).gives(409)),
    row("4.2-pool-with-the-gateway", pooled(("10.20.0.1", "10.20.0.30")).gives(409)),
    row(
        "4.2-pools-on-ipv6",
        create("2001:db8:5::/64", ip_version=6, allocation_pools=pools(("2001:db8:5::5", "2001:db8:5::9"))).gives(409),
    ),
    *(row(f"4.2-prefix-{bits}", create(f"10.0.0.0/{bits}").gives(413, fault="overLimit")) for bits in (8, 16, 21, 30)),
    *(row(f"4.2-prefix-{bits}", gives(create(f"10.0.0.0/{bits}"))) for bits in (22, 29)),
    row(
        "4.2-ipv6",
        gives(
            create("2001:db8:5::/64", ip_version=6),
            ip_version=6,
            cidr="2001:db8:5::/64",
            gateway_ip="2001:db8:5::1",
            allocation_pools=[],
            enable_slaac=bool,
        ),
    ),
    row(
        "4.2-slaac-is-also-the-dhcp-flag",
        gives(create("2001:db8:5::/64", ip_version=6, enable_slaac=False), enable_slaac=False, enable_dhcp=False),
    ),
    *(row(f"4.2-ipv6-prefix-{bits}", create(f"2001:db8::/{bits}", ip_version=6).gives(400)) for bits in (48, 63, 96)),
    row("4.2-second-of-a-version", create(), create("10.30.0.0/24").gives(400)),
    row(
        "4.2-one-of-each-version",
        create().saves(four="subnet.id"),
        create("2001:db8:5::/64", ip_version=6).saves(six="subnet.id"),
        get("network/networks/{bare}").gives(200, like={"network": {"subnets": ["{four}", "{six}"]}}),
    ),
    row(
        "4.2-network-with-servers",
        post("network/ports", {"port": {"network_id": "{bare}", "device_id": "{server}"}}).saves(port="port.id"),
        until("network/ports/{port}", {"port": {"status": "ACTIVE"}}),
        create().gives(400),
    ),
    row("4.2-public-network", create("10.30.0.0/24", network="{pool}").gives(403)),
    row("4.2-network-of-others", create(by="other").gives(403, 404)),
    row("4.2-unknown-network", create(network="999999999").gives(404)),
    row("4.2-deleted-network", delete("network/networks/{bare}"), create().gives(400)),
    row(
        "4.3-rename",
        create().saves(new="subnet.id"),
        put(f"{SUBNETS}/{{new}}", {"subnet": {"name": "other"}}).gives(
            200, like={"subnet": {**WHOLE, "name": "other"}}
        ),
        get(f"{SUBNETS}/{{new}}").gives(200, like={"subnet": {"name": "other"}}),
    ),
    row(
        "4.3-rename-with-another-key",
        create().saves(new="subnet.id"),
        put(f"{SUBNETS}/{{new}}", {"subnet": {"name": "other", "enable_dhcp": False}}).gives(400),
        get(f"{SUBNETS}/{{new}}").gives(200, like={"subnet": {"name": ""}}),
    ),
    row(
        "4.3-rename-by-others",
        create().saves(new="subnet.id"),
        put(f"{SUBNETS}/{{new}}", {"subnet": {"name": "x"}}, by="other").gives(403, 404),
    ),
    row("4.3-rename-of-an-unknown-one", put(f"{SUBNETS}/999999999", {"subnet": {"name": "x"}}).gives(404)),
    row(
        "4.3-delete-is-refused",
        create().saves(new="subnet.id"),
        delete(f"{SUBNETS}/{{new}}").gives(400),
        get(f"{SUBNETS}/{{new}}").gives(200, like={"subnet": {"deleted": False}}),
    ),
)


@each(ROWS)
def test_rule(row: Row, service_world: ServiceWorld) -> None:
    service_world.run(row)
