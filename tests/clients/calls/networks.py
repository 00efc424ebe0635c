"""Calls of the network clients."""

from __future__ import annotations

from typing import Any

import pytest
from clients.calls.table import World, exercises
from fixtures.exchanges import exchange

from pithosfs.clients.cyclades import CycladesNetworkClient
from pithosfs.clients.network import NetworkClient, NetworkRestClient
from pithosfs.errors import BadRequest, NotFound, ServerFailed

NOTE = {"headers": {"X-Note": "1"}}
POOL = {"start": "10.20.0.10", "end": "10.20.0.99"}
KIND = {"type": "MAC_FILTERED"}


@exercises("NetworkRestClient", "networks_post", "networks_get", "networks_put", "networks_delete")
@exercises("NetworkRestClient", "subnets_post", "subnets_get", "subnets_put", "subnets_delete")
def requests_for_networks(world: World) -> None:
    rest = world.service(NetworkRestClient)
    network_id = rest.networks_post({"network": {"name": "rest", **KIND}}, **NOTE).json()["network"]["id"]
    assert rest.networks_get(network_id=network_id, **NOTE).json()["network"]["name"] == "rest"
    assert rest.networks_put(network_id, {"network": {"name": "n"}}, **NOTE).json()["network"]["name"] == "n"
    wish = {"network_id": network_id, "cidr": "10.20.0.0/24", "name": "v4"}
    subnet_id = rest.subnets_post({"subnet": wish}, **NOTE).json()["subnet"]["id"]
    assert rest.subnets_get(subnet_id=subnet_id, **NOTE).json()["subnet"]["name"] == "v4"
    assert rest.subnets_put(subnet_id, json={"subnet": {"name": "s"}}).json()["subnet"]["name"] == "s"
    with pytest.raises(BadRequest):
        rest.subnets_delete(subnet_id, **NOTE)
    rest.networks_delete(network_id, **NOTE)
    assert network_id not in [one["id"] for one in rest.networks_get().json()["networks"]]


@exercises("NetworkRestClient", "ports_post", "ports_get", "ports_put", "ports_delete")
@exercises("NetworkRestClient", "floatingips_post", "floatingips_get", "floatingips_put", "floatingips_delete")
def requests_for_ports(world: World) -> None:
    rest = world.service(NetworkRestClient)
    wish = {"network_id": world.network(), "name": "rest"}
    port_id = rest.ports_post(json_data={"port": wish}, **NOTE).json()["port"]["id"]
    assert rest.ports_get(port_id=port_id, **NOTE).json()["port"]["name"] == "rest"
    assert rest.ports_put(port_id, json_data={"port": {"name": "n"}}, **NOTE).json()["port"]["name"] == "n"
    rest.ports_delete(port_id, **NOTE)
    with pytest.raises(NotFound):
        rest.ports_get(port_id)
    address = rest.floatingips_post({"floatingip": {}}, **NOTE).json()["floatingip"]
    assert rest.floatingips_get(floatingip_id=address["id"], **NOTE).json()["floatingip"] == address
    assert rest.floatingips_put(address["id"], {"floatingip": {}}, success=501).status_code == 501
    rest.floatingips_delete(address["id"], **NOTE)


@exercises("NetworkClient", "list_networks", "get_network_details", "update_network", "delete_network")
@exercises("NetworkClient", "create_subnet", "list_subnets", "get_subnet_details", "update_subnet", "delete_subnet")
def openstack_networks(world: World) -> None:
    client = world.service(NetworkClient)
    network_id = world.networks.create_network("MAC_FILTERED", "plain")["id"]
    assert network_id in [one["id"] for one in client.list_networks()]
    assert client.get_network_details(network_id)["name"] == "plain"
    # Cyclades takes the name, and none of the rest.
    changed = client.update_network(network_id, name="renamed", admin_state_up=False, shared=True)
    assert (changed["name"], changed["admin_state_up"], changed["shared"]) == ("renamed", True, False)
    subnet = client.create_subnet(
        network_id,
        "10.20.0.0/24",
        name="v4",
        allocation_pools=[POOL],
        gateway_ip="10.20.0.1",
        subnet_id="77",
        ipv6=False,
        enable_dhcp=False,
    )
    assert (subnet["gateway_ip"], subnet["allocation_pools"], subnet["enable_dhcp"]) == ("10.20.0.1", [POOL], False)
    six = client.create_subnet(network_id, "2001:db8::/64", gateway_ip=False)
    assert (six["ip_version"], six["gateway_ip"]) == (6, None)
    assert {subnet["id"], six["id"]} <= {one["id"] for one in client.list_subnets()}
    assert client.update_subnet(subnet["id"], name="new")["name"] == "new"
    assert client.get_subnet_details(subnet["id"])["name"] == "new"
    with pytest.raises(BadRequest):
        client.update_subnet(subnet["id"], allocation_pools=[POOL], gateway_ip="10.20.0.2", ipv6=True, enable_dhcp=True)
    with pytest.raises(BadRequest):
        client.delete_subnet(subnet["id"])
    client.delete_network(network_id)


@exercises("NetworkClient", "create_port", "list_ports", "get_port_details", "update_port", "delete_port", "wait_port")
@exercises("NetworkClient", "create_floatingip", "list_floatingips", "get_floatingip_details", "update_floatingip")
@exercises("NetworkClient", "delete_floatingip")
def openstack_ports(world: World) -> None:
    client, network_id = world.service(NetworkClient), world.network()
    made = client.create_port(
        network_id,
        name="plain",
        status="DOWN",
        admin_state_up=True,
        mac_address="aa:bb:cc:dd:ee:ff",
        fixed_ips=[{"ip_address": "10.20.0.12"}],
        security_groups=[],
    )
    port_id = made["id"]
    assert made["fixed_ips"][0]["ip_address"] == "10.20.0.12"
    assert port_id in [one["id"] for one in client.list_ports()]
    changed = client.update_port(
        port_id,
        network_id,
        name="renamed",
        status="ACTIVE",
        admin_state_up=False,
        mac_address="aa:bb:cc:dd:ee:00",
        fixed_ips=[{"ip_address": "10.20.0.13"}],
        security_groups=[],
    )
    assert (changed["name"], changed["status"]) == ("renamed", "DOWN")
    assert client.get_port_details(port_id)["fixed_ips"][0]["ip_address"] == "10.20.0.12"
    bars: list[int] = []
    options = {"delay": 0.1, "max_wait": 0.3, "wait_cb": lambda done, total: bars.append(done)}
    assert client.wait_port(port_id, current_status="BUILD", **options) == "DOWN"
    assert client.wait_port(port_id, "DOWN", **options) is False
    client.delete_port(port_id)
    with pytest.raises(NotFound):
        client.get_port_details(port_id)

    address = client.create_floatingip(world.public_network)
    assert client.get_floatingip_details(address["id"]) in client.list_floatingips()
    with pytest.raises(ServerFailed):
        client.update_floatingip(
            address["id"], floating_ip_address="203.0.113.9", port_id="1", fixed_ip_address="10.20.0.12"
        )
    client.delete_floatingip(address["id"])
    named = client.create_floatingip(
        world.public_network,
        floating_ip_address=address["floating_ip_address"],
        port_id="1",
        fixed_ip_address="10.20.0.12",
    )
    assert named["floating_ip_address"] == address["floating_ip_address"]
    client.delete_floatingip(named["id"])


@exercises("NetworkClient", "create_network", "create_networks", "create_subnets", "create_ports")
def what_only_openstack_makes(world: World) -> None:
    """Cyclades makes one thing at a time, and networks of a type."""

    def made(kind: str, wish: Any) -> Any:
        return exchange(f"POST /{kind}s", wish, 201, wish)

    one = {"name": "n", "admin_state_up": True, "shared": False}
    with world.played(NetworkClient, made("network", {"network": one})) as client:
        assert client.create_network("n", admin_state_up=True, shared=False) == one
    with world.played(NetworkClient, made("network", {"networks": [one, one]})) as client:
        assert client.create_networks([one, one]) == [one, one]
    subnet = {"network_id": "5", "cidr": "10.0.0.0/24"}
    with world.played(NetworkClient, made("subnet", {"subnets": [subnet]})) as client:
        assert client.create_subnets([subnet]) == [subnet]
    with world.played(NetworkClient, made("port", {"ports": [{"network_id": "5"}]})) as client:
        assert client.create_ports([{"network_id": "5"}]) == [{"network_id": "5"}]
    with pytest.raises(BadRequest):
        world.service(NetworkClient).create_network("n")


@exercises("CycladesNetworkClient", "create_network", "list_networks", "reassign_network", "create_port", "list_ports")
@exercises("CycladesNetworkClient", "create_floatingip", "reassign_floating_ip")
def cyclades_networks(world: World) -> None:
    client, project = world.service(CycladesNetworkClient), world.shared_project()
    made = client.create_network("MAC_FILTERED", name="cyclades", shared=True, project_id=project)
    assert (made["type"], made["name"], made["tenant_id"]) == ("MAC_FILTERED", "cyclades", project)
    client.reassign_network(made["id"], world.alice.uuid, **NOTE)
    assert client.get_network_details(made["id"])["tenant_id"] == world.alice.uuid
    assert made["id"] in [one["id"] for one in client.list_networks(detail=True)]
    client.create_subnet(made["id"], "10.20.0.0/24")

    server_id = world.server()
    port = client.create_port(
        made["id"],
        device_id=server_id,
        security_groups=[],
        name="p",
        fixed_ips=[{"ip_address": "10.20.0.12"}],
    )
    assert client.wait_port(port["id"], delay=0.1) == "ACTIVE"
    assert client.get_port_details(port["id"])["device_id"] == str(server_id)
    assert port["id"] in [one["id"] for one in client.list_ports(detail=True)]

    address = client.create_floatingip(floating_network_id=world.public_network, project_id=project)
    assert address["tenant_id"] == project
    client.reassign_floating_ip(address["id"], world.alice.uuid)
    assert client.get_floatingip_details(address["id"])["tenant_id"] == world.alice.uuid
    client.delete_floatingip(address["id"])
    asked = address["floating_ip_address"]
    again = client.create_floatingip(world.public_network, floating_ip_address=asked)
    assert again["floating_ip_address"] == asked
    world.until_idle(server_id)
    attached = client.create_port(world.public_network, server_id, fixed_ips=[{"ip_address": asked}])
    assert client.wait_port(attached["id"], delay=0.1) == "ACTIVE"
    assert client.get_floatingip_details(again["id"])["instance_id"] == str(server_id)
    world.until_idle(server_id)
    client.delete_port(attached["id"])
    with pytest.raises(NotFound):
        client.wait_port(attached["id"], "ACTIVE", delay=0.1)
    client.delete_floatingip(again["id"])
