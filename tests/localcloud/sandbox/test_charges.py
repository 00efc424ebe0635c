"""Charges of servers, volumes, networks and addresses: refused at the limit, moved between projects, given back."""

from __future__ import annotations

from typing import Any

import pytest
from fixtures.held_cloud import HeldCloud, Person
from fixtures.sandbox_projects import member_project

from pithosfs.localcloud import process

GIB = 2**30
MIB = 2**20

USED = ("cyclades.vm", "cyclades.cpu", "cyclades.ram", "cyclades.disk")


def limit(cloud: HeldCloud, person: Person, **limits: int) -> None:
    named = {f"cyclades.{name}": amount for name, amount in limits.items()}
    process.change_user(cloud.data, person.name, limits=named)


@pytest.mark.parametrize(
    ("resource", "available", "title"),
    [
        ("vm", 0, "Virtual Machine"),
        ("cpu", 1, "CPU"),
        ("ram", 2048 * MIB - 1, "RAM"),
        ("disk", 20 * GIB - 1, "Disk"),
    ],
)
def test_a_server_over_a_limit_leaves_nothing(
    held_cloud: HeldCloud, alice: Person, resource: str, available: int, title: str
) -> None:
    """Flavor 3 has 2 CPUs, 2 GiB of memory and 20 GiB of disk. The refusal says which limit it was."""
    limit(held_cloud, alice, **{resource: available})
    wanted = {"name": "web", "flavorRef": 3, "imageRef": alice.image(), "networks": [{"uuid": alice.network()}]}
    answer = alice("POST", "compute/servers", {"server": wanted})
    assert (answer.status, answer.fault) == (413, "overLimit")
    details = answer["overLimit"]["details"]
    assert title in details
    assert f"available {available}, requested" in details
    assert alice.get("compute/servers") == []
    assert alice.get("volume/volumes") == []
    assert alice.get("network/ports") == []
    assert [alice.usage(name) for name in USED] == [0, 0, 0, 0]


def test_a_stopped_server_needs_room_to_start(held_cloud: HeldCloud, alice: Person) -> None:
    server = alice.server()
    held_cloud.settle()
    alice.act(server, shutdown={})
    assert alice.usage("cyclades.cpu") == 2  # until it has stopped
    held_cloud.settle()
    assert [alice.usage(name) for name in USED] == [1, 0, 0, 20 * GIB]
    limit(held_cloud, alice, cpu=1)
    assert alice.act(server, start={}).status == 413
    assert alice.act(server, reboot={}).status == 413
    shown = alice.show(server)
    assert (shown["status"], shown["SNF:task_state"]) == ("STOPPED", "")
    limit(held_cloud, alice, cpu=2)
    assert alice.act(server, start={}).status == 202
    assert [alice.usage(name) for name in USED] == [1, 2, 2048 * MIB, 20 * GIB]


def test_a_resize_changes_what_starting_costs(held_cloud: HeldCloud, alice: Person) -> None:
    server = alice.server()
    held_cloud.settle()
    alice.act(server, shutdown={})
    held_cloud.settle()
    assert alice.act(server, resize={"flavorRef": alice.flavor("C2R4096D20ext_store")}).status == 202
    held_cloud.settle()
    alice.act(server, start={})
    assert alice.usage("cyclades.ram") == 4096 * MIB
    held_cloud.settle()
    alice.ok("DELETE", f"compute/servers/{server}")
    held_cloud.settle()
    assert [alice.usage(name) for name in USED] == [0, 0, 0, 0]


def test_a_server_that_is_deleted_while_it_is_resized(held_cloud: HeldCloud, alice: Person) -> None:
    server = alice.server()
    held_cloud.settle()
    alice.act(server, shutdown={})
    held_cloud.settle()
    alice.act(server, resize={"flavorRef": alice.flavor("C2R4096D20ext_store")})
    alice.ok("DELETE", f"compute/servers/{server}")
    held_cloud.settle()
    assert [alice.usage(name) for name in USED] == [0, 0, 0, 0]


def test_a_failed_server_is_charged_until_it_is_deleted(held_cloud: HeldCloud, alice: Person) -> None:
    server = alice.server(metadata={"sandbox": "error"}, networks=[{"uuid": alice.network()}])
    held_cloud.settle()
    shown = alice.show(server)
    assert (shown["status"], shown["attachments"]) == ("ERROR", [])
    assert shown["diagnostics"][0]["level"] == "ERROR"
    assert alice.get("network/ports")[0]["status"] == "ERROR"
    assert alice.usage("cyclades.vm") == 1
    alice.ok("DELETE", f"compute/servers/{server}")
    held_cloud.settle()
    assert [alice.usage(name) for name in USED] == [0, 0, 0, 0]
    assert alice.get("network/ports") == []


def test_snapshots_are_bytes_in_the_store(held_cloud: HeldCloud, alice: Person) -> None:
    """Charged as such, read as zeros, gone with the snapshot."""
    server = alice.server()
    held_cloud.settle()
    volume = alice.volume(2, server_id=server)
    held_cloud.settle()
    process.change_user(held_cloud.data, alice.name, limits={"pithos.diskspace": 3 * GIB})
    made = alice.ok("POST", "volume/snapshots", {"snapshot": {"volume_id": volume}})["snapshot"]
    assert (made["status"], made["os-extended-snapshot-attribute:progress"]) == ("CREATING", 0)
    assert alice.usage("pithos.diskspace") == 2 * GIB
    answer = alice("POST", "volume/snapshots", {"snapshot": {"volume_id": volume}})
    assert (answer.status, answer.fault) == (413, "overLimit")
    wanted = {"name": "w", "flavorRef": 3, "imageRef": made["id"]}
    assert alice("POST", "compute/servers", {"server": wanted}).status == 400  # it is not there yet
    held_cloud.settle()
    (image,) = [one for one in alice.get("image/images/detail") if one["is_snapshot"]]
    assert image["status"] == "AVAILABLE"
    path = image["location"].removeprefix("pithos://")
    last = alice.ok("GET", f"store/{path}", Range=f"bytes={2 * GIB - 5}-")
    assert (last.status, last.body) == (206, b"\0" * 5)
    alice.ok("DELETE", f"volume/snapshots/{made['id']}")
    assert alice.usage("pithos.diskspace") == 0
    assert alice("GET", f"store/{path}").status == 404


def test_a_snapshot_whose_object_is_deleted_first(held_cloud: HeldCloud, alice: Person) -> None:
    server = alice.server()
    held_cloud.settle()
    volume = alice.volume(1, server_id=server)
    held_cloud.settle()
    made = alice.ok("POST", "volume/snapshots", {"snapshot": {"volume_id": volume}})["snapshot"]["id"]
    (image,) = [one for one in alice.get("image/images/detail") if one["is_snapshot"]]
    alice.ok("DELETE", f"store/{image['location'].removeprefix('pithos://')}")
    assert alice("GET", f"volume/snapshots/{made}").status == 404
    held_cloud.settle()
    assert alice.get("volume/snapshots") == []


# projects -------------------------------------------------------------------------------------------------------------


def test_reassigning_moves_what_is_charged(held_cloud: HeldCloud, alice: Person) -> None:
    project = member_project(held_cloud, [alice])
    network, address = alice.network(), alice.floating_ip()["id"]
    volume, server = alice.volume(3), alice.server()
    held_cloud.settle()
    moved = {"reassign": {"project": project, "shared_to_project": True}}
    for path in (f"network/networks/{network}", f"network/floatingips/{address}", f"volume/volumes/{volume}"):
        assert alice.ok("POST", f"{path}/action", moved).status == 200
    assert alice.act(server, **moved).status == 200
    names = (*USED, "cyclades.network.private", "cyclades.floating_ip")
    assert [alice.usage(name) for name in names] == [0, 0, 0, 0, 0, 0]
    assert [alice.usage(name, project) for name in names] == [1, 2, 2048 * MIB, 23 * GIB, 1, 1]
    assert alice.show(server)["tenant_id"] == project
    alice.ok("DELETE", f"compute/servers/{server}")
    alice.ok("DELETE", f"volume/volumes/{volume}")
    alice.ok("DELETE", f"network/networks/{network}")
    alice.ok("DELETE", f"network/floatingips/{address}")
    held_cloud.settle()
    assert [alice.usage(name, project) for name in names] == [0, 0, 0, 0, 0, 0]


def test_a_project_without_room_takes_nothing(held_cloud: HeldCloud, alice: Person) -> None:
    project = member_project(held_cloud, [alice], capacity=0)
    moved = {"reassign": {"project": project}}
    network, server = alice.network(), alice.server()
    held_cloud.settle()
    assert alice("POST", f"network/networks/{network}/action", moved).status == 413
    assert alice.act(server, **moved).status == 413
    assert alice.get(f"network/networks/{network}")["tenant_id"] == alice.id
    assert alice.show(server)["tenant_id"] == alice.id


def test_what_is_shared_with_a_project_is_its_members(held_cloud: HeldCloud, alice: Person, bob: Person) -> None:
    """They see it and use it; to give it away is the owner's."""
    project = member_project(held_cloud, [alice, bob])
    terms: dict[str, Any] = {"project": project, "shared_to_project": True}
    network = alice.network(**terms)
    server = alice.server(networks=[{"uuid": network}], **terms)
    volume = alice.volume(**terms)
    address = alice.floating_ip(**terms)
    private = alice.server()
    held_cloud.settle()
    assert [one["id"] for one in bob.get("compute/servers")] == [server]
    root = str(bob.show(server)["volumes"][0])
    assert {one["id"] for one in bob.get("volume/volumes")} == {volume, root}
    assert [one["id"] for one in bob.get("network/floatingips")] == [address["id"]]
    assert network in [one["id"] for one in bob.get("network/networks")]
    assert [one["device_id"] for one in bob.get("network/ports")] == [str(server)]
    assert bob("GET", f"compute/servers/{private}").status == 404
    assert bob.port(network)["user_id"] == bob.id
    assert bob.act(server, reboot={}).status == 202
    held_cloud.settle()
    assert bob.act(server, addFloatingIp={"address": address["floating_ip_address"]}).status == 202
    held_cloud.settle()
    to_bob = {"reassign": {"project": bob.id}}
    for path in (f"network/networks/{network}", f"network/floatingips/{address['id']}", f"volume/volumes/{volume}"):
        assert bob("POST", f"{path}/action", to_bob).status == 403
    assert bob.act(server, **to_bob).status == 403
    body = {"subnet": {"network_id": network, "cidr": "2001:db8::/64", "ip_version": 6}}
    assert bob("POST", "network/subnets", body).status == 403
    assert bob.act(server, shutdown={}).status == 202
    held_cloud.settle()
    assert bob.act(server, start={}).status == 202
    assert alice.usage("cyclades.cpu", project) == 2  # its owner's, whoever has started it
    assert bob.usage("cyclades.cpu", project) == 0


def test_a_project_of_others_cannot_be_charged(held_cloud: HeldCloud, alice: Person, bob: Person) -> None:
    project = member_project(held_cloud, [bob])
    answer = alice("POST", "network/networks", {"network": {"type": "MAC_FILTERED", "project": project}})
    assert (answer.status, answer.fault) == (400, "badRequest")


def test_the_default_project_pays_for_what_names_none(held_cloud: HeldCloud, alice: Person) -> None:
    project = member_project(held_cloud, [alice])
    alice.ok("POST", "account/myaccount/default_project", {"project_id": project})
    made = alice.ok("POST", "network/networks", {"network": {"type": "MAC_FILTERED"}})["network"]
    assert made["tenant_id"] == project
