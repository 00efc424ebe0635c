"""The requests of the network clients, as network.md has them, and what is made of the answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from fixtures.exchanges import NOTHING, exchange, plays

from pithosfs.clients import Client
from pithosfs.clients.cyclades import CycladesNetworkClient
from pithosfs.clients.network import NetworkClient, NetworkRestClient
from pithosfs.errors import BadReply, BadRequest, NotFound, ServerFailed

NET, SUB, PORT, IP = {"id": "5"}, {"id": "11"}, {"id": "31", "status": "BUILD"}, {"id": "8"}
FIXED = [{"ip_address": "192.0.2.15"}]
POOL = {"start": "10.0.0.2", "end": "10.0.0.9"}

Row = tuple[Callable[[Any], Any], str, Any, int, Any, Any]

ROWS: list[Row] = [
    (lambda c: c.list_networks(), "GET /networks", NOTHING, 200, {"networks": [NET]}, [NET]),
    (lambda c: c.get_network_details(5), "GET /networks/5", NOTHING, 200, {"network": NET}, NET),
    (lambda c: c.create_network("n"), "POST /networks", {"network": {"name": "n"}}, 201, {"network": NET}, NET),
    (
        lambda c: c.create_network("n", admin_state_up=True, shared=False),
        "POST /networks",
        {"network": {"name": "n", "admin_state_up": True, "shared": False}},
        200,
        {"network": NET},
        NET,
    ),
    (
        lambda c: c.create_networks([{"name": "n", "shared": True}, {"name": "m", "admin_state_up": False}]),
        "POST /networks",
        {"networks": [{"name": "n", "shared": True}, {"name": "m", "admin_state_up": False}]},
        201,
        {"networks": [NET, NET]},
        [NET, NET],
    ),
    (
        lambda c: c.update_network("5", name="n", admin_state_up=False, shared=True),
        "PUT /networks/5",
        {"network": {"name": "n", "admin_state_up": False, "shared": True}},
        200,
        {"network": NET},
        NET,
    ),
    (lambda c: bool(c.delete_network(5)), "DELETE /networks/5", NOTHING, 204, b"", True),
    (lambda c: c.list_subnets(), "GET /subnets", NOTHING, 200, {"subnets": [SUB]}, [SUB]),
    (lambda c: c.get_subnet_details(11), "GET /subnets/11", NOTHING, 200, {"subnet": SUB}, SUB),
    (
        lambda c: c.create_subnet(5, "10.0.0.0/24"),
        "POST /subnets",
        {"subnet": {"network_id": 5, "cidr": "10.0.0.0/24", "ip_version": 4}},
        201,
        {"subnet": SUB},
        SUB,
    ),
    (
        lambda c: c.create_subnet(5, "2001:db8::/64", gateway_ip=False),
        "POST /subnets",
        {"subnet": {"network_id": 5, "cidr": "2001:db8::/64", "ip_version": 6, "gateway_ip": None}},
        201,
        {"subnet": SUB},
        SUB,
    ),
    (
        lambda c: c.create_subnet(
            "5",
            "10.0.0.0/24",
            name="v4",
            allocation_pools=[POOL],
            gateway_ip="10.0.0.1",
            subnet_id=11,
            ipv6=False,
            enable_dhcp=True,
        ),
        "POST /subnets",
        {
            "subnet": {
                "network_id": "5",
                "cidr": "10.0.0.0/24",
                "name": "v4",
                "allocation_pools": [POOL],
                "gateway_ip": "10.0.0.1",
                "id": 11,
                "ip_version": 4,
                "enable_dhcp": True,
            }
        },
        201,
        {"subnet": SUB},
        SUB,
    ),
    (
        lambda c: c.create_subnets([{"network_id": 5, "cidr": "10.0.0.0/24", "name": "v4"}]),
        "POST /subnets",
        {"subnets": [{"network_id": 5, "cidr": "10.0.0.0/24", "name": "v4"}]},
        201,
        {"subnets": [SUB]},
        [SUB],
    ),
    (lambda c: c.update_subnet(11, "n"), "PUT /subnets/11", {"subnet": {"name": "n"}}, 200, {"subnet": SUB}, SUB),
    (
        lambda c: c.update_subnet(11, allocation_pools=[POOL], gateway_ip="10.0.0.1", ipv6=True, enable_dhcp=False),
        "PUT /subnets/11",
        {"subnet": {"allocation_pools": [POOL], "gateway_ip": "10.0.0.1", "ip_version": 6, "enable_dhcp": False}},
        200,
        {"subnet": SUB},
        SUB,
    ),
    (lambda c: bool(c.delete_subnet(11)), "DELETE /subnets/11", NOTHING, 204, b"", True),
    (lambda c: c.list_ports(), "GET /ports", NOTHING, 200, {"ports": [PORT, PORT, {"id": "32"}]}, [PORT, {"id": "32"}]),
    (lambda c: c.get_port_details(31), "GET /ports/31", NOTHING, 200, {"port": PORT}, PORT),
    (lambda c: c.get_port_status(31), "GET /ports/31", NOTHING, 200, {"port": PORT}, ("BUILD", None)),
    (
        lambda c: c.create_ports([{"network_id": 5, "fixed_ips": FIXED}]),
        "POST /ports",
        {"ports": [{"network_id": 5, "fixed_ips": FIXED}]},
        201,
        {"ports": [PORT]},
        [PORT],
    ),
    (
        lambda c: c.update_port(
            31,
            5,
            name="n",
            status="DOWN",
            admin_state_up=True,
            mac_address="aa:bb",
            fixed_ips=FIXED,
            security_groups=["g"],
        ),
        "PUT /ports/31",
        {
            "port": {
                "network_id": 5,
                "name": "n",
                "status": "DOWN",
                "admin_state_up": True,
                "mac_address": "aa:bb",
                "fixed_ips": FIXED,
                "security_groups": ["g"],
            }
        },
        200,
        {"port": PORT},
        PORT,
    ),
    (lambda c: bool(c.delete_port(31)), "DELETE /ports/31", NOTHING, 204, b"", True),
    (lambda c: c.list_floatingips(), "GET /floatingips", NOTHING, 200, {"floatingips": [IP]}, [IP]),
    (lambda c: c.get_floatingip_details(8), "GET /floatingips/8", NOTHING, 200, {"floatingip": IP}, IP),
    (
        lambda c: c.update_floatingip(8, floating_ip_address="192.0.2.1", port_id=31, fixed_ip_address="10.0.0.3"),
        "PUT /floatingips/8",
        {"floatingip": {"floating_ip_address": "192.0.2.1", "port_id": 31, "fixed_ip_address": "10.0.0.3"}},
        200,
        {"floatingip": IP},
        IP,
    ),
    (lambda c: bool(c.delete_floatingip(8)), "DELETE /floatingips/8", NOTHING, 204, b"", True),
]

OPENSTACK: list[Row] = [
    (
        lambda c: c.create_port(
            5,
            name="n",
            status="DOWN",
            admin_state_up=False,
            mac_address="aa:bb",
            fixed_ips=iter(FIXED),
            security_groups=("g",),
        ),
        "POST /ports",
        {
            "port": {
                "network_id": 5,
                "name": "n",
                "status": "DOWN",
                "admin_state_up": False,
                "mac_address": "aa:bb",
                "fixed_ips": FIXED,
                "security_groups": ["g"],
            }
        },
        201,
        {"port": PORT},
        PORT,
    ),
    (
        lambda c: c.create_floatingip(1),
        "POST /floatingips",
        {"floatingip": {"floating_network_id": 1}},
        201,
        {"floatingip": IP},
        IP,
    ),
    (
        lambda c: c.create_floatingip(1, floating_ip_address="192.0.2.1", port_id=31, fixed_ip_address="10.0.0.3"),
        "POST /floatingips",
        {
            "floatingip": {
                "floating_network_id": 1,
                "floating_ip_address": "192.0.2.1",
                "port_id": 31,
                "fixed_ip_address": "10.0.0.3",
            }
        },
        201,
        {"floatingip": IP},
        IP,
    ),
]

CYCLADES: list[Row] = [
    (lambda c: c.list_networks(detail=True), "GET /networks/detail", NOTHING, 200, {"networks": []}, []),
    (lambda c: c.list_ports(detail=True), "GET /ports/detail", NOTHING, 200, {"ports": [PORT, PORT]}, [PORT]),
    (
        lambda c: c.create_network("MAC_FILTERED"),
        "POST /networks",
        {"network": {"type": "MAC_FILTERED", "admin_state_up": True}},
        201,
        {"network": NET},
        NET,
    ),
    (
        lambda c: c.create_network("MAC_FILTERED", name="n", shared=True, project_id="p", shared_to_project=True),
        "POST /networks",
        {
            "network": {
                "type": "MAC_FILTERED",
                "admin_state_up": True,
                "name": "n",
                "shared": True,
                "project": "p",
                "shared_to_project": True,
            }
        },
        201,
        {"network": NET},
        NET,
    ),
    (
        lambda c: bool(c.reassign_network(5, "p", params={"a": "b"})),
        "POST /networks/5/action?a=b",
        {"reassign": {"project": "p"}},
        200,
        b"",
        True,
    ),
    (
        lambda c: bool(c.reassign_network(5, project_id="p", shared_to_project=False, success=202)),
        "POST /networks/5/action",
        {"reassign": {"project": "p", "shared_to_project": False}},
        202,
        b"",
        True,
    ),
    (lambda c: c.create_port(5), "POST /ports", {"port": {"network_id": 5}}, 201, {"port": PORT}, PORT),
    (
        lambda c: c.create_port(5, device_id=42, security_groups=["g"], name="n", fixed_ips=FIXED),
        "POST /ports",
        {"port": {"network_id": 5, "device_id": 42, "security_groups": ["g"], "name": "n", "fixed_ips": FIXED}},
        201,
        {"port": PORT},
        PORT,
    ),
    (lambda c: c.create_floatingip(), "POST /floatingips", {"floatingip": {}}, 200, {"floatingip": IP}, IP),
    (
        lambda c: c.create_floatingip(
            floating_network_id=1, floating_ip_address="192.0.2.1", project_id="p", shared_to_project=True
        ),
        "POST /floatingips",
        {
            "floatingip": {
                "floating_network_id": 1,
                "floating_ip_address": "192.0.2.1",
                "project": "p",
                "shared_to_project": True,
            }
        },
        200,
        {"floatingip": IP},
        IP,
    ),
    (
        lambda c: bool(c.reassign_floating_ip(8, "p")),
        "POST /floatingips/8/action",
        {"reassign": {"project": "p"}},
        200,
        b"",
        True,
    ),
]

KINDS = [
    *((NetworkClient, *row) for row in ROWS + OPENSTACK),
    *((CycladesNetworkClient, *row) for row in CYCLADES),
]


@pytest.mark.parametrize(
    ("kind", "call", "line", "body", "status", "reply", "result"), KINDS, ids=[row[2] for row in KINDS]
)
def test_calls(kind: type[Client], call: Any, line: str, body: Any, status: int, reply: Any, result: Any) -> None:
    assert plays(kind, call, exchange(line, body, status, reply)) == result


def test_the_statuses_of_both_kinds_of_cloud() -> None:
    for status in (200, 201, 202):
        plays(NetworkRestClient, lambda c: c.networks_post({}), exchange("POST /networks", {}, status))
    with pytest.raises(BadReply):
        plays(NetworkRestClient, lambda c: c.networks_post({}, success=201), exchange("POST /networks", {}, 202))
    plays(NetworkRestClient, lambda c: c.subnets_put(11, json={"a": 1}), exchange("PUT /subnets/11", {"a": 1}))
    plays(NetworkRestClient, lambda c: c.ports_put(31, json_data={"a": 1}), exchange("PUT /ports/31", {"a": 1}))
    plays(NetworkRestClient, lambda c: c.ports_post({"a": 1}), exchange("POST /ports", {"a": 1}, 201))


@pytest.mark.parametrize(
    "call",
    [
        lambda c: c.create_networks({"name": "n"}),
        lambda c: c.create_networks(["n"]),
        lambda c: c.create_networks([{"shared": True}]),
        lambda c: c.create_networks([{"name": "n", "colour": "red"}]),
        lambda c: c.create_subnets([{"network_id": 5}]),
        lambda c: c.create_ports([{"name": "n"}]),
        lambda c: c.create_subnet(5, "10.0.0.0/24", allocation_pools=[{"start": "10.0.0.2"}]),
        lambda c: c.update_port(31, 5, fixed_ips=[{"address": "10.0.0.2"}]),
        lambda c: CycladesNetworkClient("http://127.0.0.1:1", "t").create_network("TELEPATHY"),
        lambda c: c.get_network_details(""),
        lambda c: c.get_subnet_details(None),
        lambda c: c.get_port_details(""),
        lambda c: c.get_floatingip_details(""),
        lambda c: c.delete_network(""),
        lambda c: c.delete_floatingip(""),
    ],
)
def test_what_makes_no_sense_is_not_sent(call: Any) -> None:
    with pytest.raises(BadRequest) as caught:
        call(NetworkClient("http://127.0.0.1:1", "t"))
    assert caught.value.status == 0


def test_a_port_that_the_server_cannot_show() -> None:
    failed = exchange("GET /ports/31", status=500)
    listed = exchange("GET /ports", reply={"ports": [{"id": 30}, PORT]})
    assert plays(NetworkClient, lambda c: c.get_port_details(31), failed, listed) == PORT
    with pytest.raises(ServerFailed):
        plays(NetworkClient, lambda c: c.get_port_details(31), failed, exchange("GET /ports", reply={"ports": []}))
    for status, kind in ((404, NotFound), (503, ServerFailed)):
        with pytest.raises(kind):
            plays(NetworkClient, lambda c: c.get_port_details(31), exchange("GET /ports/31", status=status))


def test_a_port_without_a_status() -> None:
    with pytest.raises(BadReply):
        plays(NetworkClient, lambda c: c.get_port_status(31), exchange("GET /ports/31", reply={"port": {}}))
