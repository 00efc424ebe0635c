"""Servers and what belongs to them: what the conformance suite cannot make happen on any cloud."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import pytest
import requests
from fixtures.held_cloud import HeldCloud, Person

from pithosfs.errors import NotFound
from pithosfs.localcloud import process


@pytest.fixture
def server(held_cloud: HeldCloud, alice: Person) -> int:
    made = alice.server()
    held_cloud.settle()
    return made


def test_nothing_of_it_leads_to_a_machine(alice: Person, server: int) -> None:
    """Host names never resolve, and the diagnostics say why."""
    shown = alice.show(server)
    assert shown["SNF:fqdn"].endswith(".invalid")
    assert alice.act(server, console={"type": "vnc"})["console"]["host"].endswith(".invalid")
    assert "no machine" in alice.ok("GET", f"compute/servers/{server}/diagnostics").json[-1]["message"]


def test_graphs_are_pictures(alice: Person, server: int) -> None:
    """A PNG, whose parts have their sums, for whoever knows the URL; with another token there is none."""
    stats = alice.get(f"compute/servers/{server}/stats")
    for name in ("cpuBar", "cpuTimeSeries", "netBar", "netTimeSeries"):
        reply = requests.get(stats[name], timeout=30)
        assert reply.headers["Content-Type"] == "image/png"
        data, at = reply.content, 8
        assert data[:8] == b"\x89PNG\r\n\x1a\n"
        while at < len(data):
            (length,) = struct.unpack(">I", data[at : at + 4])
            (total,) = struct.unpack(">I", data[at + 8 + length : at + 12 + length])
            assert total == zlib.crc32(data[at + 4 : at + 8 + length])
            at += 12 + length
    assert requests.get(stats["cpuBar"][:-1] + "x", timeout=30).status_code in (400, 404)
    assert requests.get(stats["cpuBar"][:-4] + "0000", timeout=30).status_code == 404


def test_a_suspended_server_is_read_and_not_changed(held_cloud: HeldCloud, alice: Person, server: int) -> None:
    process.suspend_server(held_cloud.data, server, suspended=True)
    assert alice.show(server)["suspended"] is True
    path = f"compute/servers/{server}"
    assert alice("DELETE", path).status == 403
    assert alice("POST", f"{path}/metadata", {"metadata": {"a": "b"}}).status == 403
    assert alice("PUT", f"{path}/tags/front").status == 403
    assert alice("DELETE", f"{path}/password").status == 403
    process.suspend_server(held_cloud.data, server, suspended=False)
    assert alice("PUT", f"{path}/tags/front").status == 201
    with pytest.raises(NotFound):
        process.suspend_server(held_cloud.data, 10**9, suspended=True)


def test_keys_are_not_made_without_the_program_that_makes_them(alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server is in this process, and looks for it where this process would."""
    monkeypatch.setenv("PATH", "/nonexistent")
    answer = alice("POST", "compute/os-keypairs", {"keypair": {"name": "k"}})
    assert (answer.status, answer.fault) == (403, "forbidden")
    assert alice("POST", "compute/os-keypairs", {"keypair": {"name": "k", "public_key": "x"}}).status == 201


def test_there_is_an_end_to_key_pairs(alice: Person) -> None:
    for number in range(10):
        alice.ok("POST", "compute/os-keypairs", {"keypair": {"name": f"k {number}/%", "public_key": "x"}})
    answer = alice("POST", "compute/os-keypairs", {"keypair": {"name": "more", "public_key": "x"}})
    assert (answer.status, answer.fault) == (413, "overLimit")
    assert alice.get("compute/os-keypairs/k%203%2F%25")["name"] == "k 3/%"
    assert alice("DELETE", "compute/os-keypairs/k%203%2F%25").status == 204


def test_no_ninth_port(held_cloud: HeldCloud, alice: Person) -> None:
    network = alice.network()
    server = alice.server(networks=[{"uuid": network}] * 8)
    held_cloud.settle()
    body = {"port": {"network_id": network, "device_id": server}}
    assert alice("POST", "network/ports", body).status == 400
    address = alice.floating_ip()["floating_ip_address"]
    assert alice.act(server, addFloatingIp={"address": address}).status == 400
    assert len(alice.show(server)["addresses"][network]) == 8


def test_no_ninth_volume(held_cloud: HeldCloud, alice: Person) -> None:
    blank = {"source_type": "blank", "volume_size": 1}
    disks = [{"source_type": "image", "uuid": alice.image(), "volume_size": 5}, *[blank] * 7]
    server = alice.server(block_device_mapping_v2=disks)
    held_cloud.settle()
    volume = alice.volume()
    path = f"compute/servers/{server}/os-volume_attachments"
    assert alice("POST", path, {"volumeAttachment": {"volumeId": volume}}).status == 400
    created = {"volume": {"size": 1, "display_name": "x", "server_id": server}}
    assert alice("POST", "volume/volumes", created).status == 400


def test_disks_of_a_flavor_with_local_ones(held_cloud: HeldCloud, alice: Person) -> None:
    """They are made with their server and stay on it."""
    flavor = alice.flavor("C1R512D5drbd")
    server = alice.server(flavorRef=flavor)
    held_cloud.settle()
    volume = alice.volume(server_id=server)
    held_cloud.settle()
    assert alice.get(f"volume/volumes/{volume}")["status"] == "in_use"
    path = f"compute/servers/{server}/os-volume_attachments"
    assert alice("DELETE", f"{path}/{volume}").status == 400
    assert alice("POST", path, {"volumeAttachment": {"volumeId": alice.volume()}}).status == 400
    assert alice("POST", "volume/snapshots", {"snapshot": {"volume_id": volume}}).status == 400
    sourced = [
        {"source_type": "image", "uuid": alice.image(), "volume_size": 5},
        {"source_type": "image", "uuid": alice.image(), "volume_size": 5},
    ]
    wanted: dict[str, Any] = {"name": "x", "flavorRef": flavor, "imageRef": alice.image()}
    wanted["block_device_mapping_v2"] = sourced
    assert alice("POST", "compute/servers", {"server": wanted}).status == 400
    created = {"volume": {"size": 1, "display_name": "x", "volume_type": 1}}
    assert alice("POST", "volume/volumes", created).status == 400


def test_a_retired_flavor(held_cloud: HeldCloud, alice: Person, server: int) -> None:
    (retired,) = [one["id"] for one in alice.get("compute/flavors/detail") if not one["SNF:allow_create"]]
    wanted = {"name": "x", "flavorRef": retired, "imageRef": alice.image()}
    assert alice("POST", "compute/servers", {"server": wanted}).status == 403
    alice.act(server, shutdown={})
    held_cloud.settle()
    assert alice.act(server, resize={"flavorRef": retired}).status == 403
    assert alice.act(server, resize={"flavorRef": alice.flavor("C4R4096D40ext_store")}).status == 400


def test_an_image_must_fit(alice: Person) -> None:
    """A disk of a GiB does not hold an image that is larger, which a manifest of zeros is without being sent."""
    alice.ok("PUT", f"store/{alice.id}/box")
    zeros = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    hashmap = {"bytes": 2**30 + 1, "block_size": 2**22, "block_hash": "sha256", "hashes": [zeros] * 257}
    alice.ok("PUT", f"store/{alice.id}/box/large?hashmap", hashmap)
    location = f"pithos://{alice.id}/box/large"
    made = alice.ok("POST", "image/images/", b"", X_Image_Meta_Name="large", X_Image_Meta_Location=location)
    image = made.headers["x-image-meta-id"]
    created = {"volume": {"size": 1, "display_name": "x", "volume_type": 2, "imageRef": image}}
    assert alice("POST", "volume/volumes", created).status == 400
    assert alice("POST", "volume/volumes", {"volume": {**created["volume"], "size": 2}}).status == 202


def test_ids_are_never_used_again(held_cloud: HeldCloud, alice: Person, server: int) -> None:
    alice.ok("DELETE", f"compute/servers/{server}")
    held_cloud.settle()
    network = alice.network()
    port = alice.port(network)["id"]
    alice.ok("DELETE", f"network/ports/{port}")
    assert int(alice.port(network)["id"]) > int(port)
    assert alice.server() > server


def test_pools_run_dry_and_fill_again(held_cloud: HeldCloud, alice: Person, bob: Person) -> None:
    """All floating IPs of the cloud, to the last; then one is released and can be had by somebody else."""
    held = []
    while (answer := alice("POST", "network/floatingips", {"floatingip": {}})).status == 200:
        held.append(answer["floatingip"]["id"])
    assert (answer.status, answer.fault) == (409, "conflict")
    assert len(held) > 100
    assert bob("POST", "network/floatingips", {"floatingip": {"floating_network_id": "1"}}).status == 409
    assert bob.usage("cyclades.floating_ip") == 0
    alice.ok("DELETE", f"network/floatingips/{held[0]}")
    assert bob("POST", "compute/os-floating-ips", {}).status == 200
    for ident in held[1:]:
        alice.ok("DELETE", f"network/floatingips/{ident}")


def test_how_much_there_is(held_cloud: HeldCloud, alice: Person, server: int) -> None:
    """Sums over all users: of anybody's interest by status, of the administrator's in detail."""
    statistics = f"{held_cloud.url}/admin/stats"

    def simple() -> dict[str, int]:
        found: dict[str, int] = requests.get(f"{statistics}/simple", timeout=30).json()
        return found

    def active() -> dict[str, int]:
        found: dict[str, int] = requests.get(statistics, timeout=30).json()["servers"]["ACTIVE"]
        return found

    before, running = simple(), active()
    other = alice.server()
    held_cloud.settle()
    alice.network()
    after = simple()
    assert after == {
        "spawned_servers": before["spawned_servers"] + 1,
        "active_servers": before["active_servers"] + 1,
        "spawned_networks": before["spawned_networks"] + 1,
    }
    more = {"count": 1, "cpu": 2, "ram": 2 * 2**30, "disk": 20 * 2**30}
    assert active() == {name: amount + more[name] for name, amount in running.items()}
    assert alice("GET", "/admin/stats/detail").status == 403
    process.change_user(held_cloud.data, alice.name, admin=True)
    free = alice.ok("GET", "/admin/stats/detail")["ip_pools"]["active"]["free"]
    alice.floating_ip()
    detail = alice.ok("GET", "/admin/stats/detail?backend=1").json
    assert "ip_pools" not in detail
    assert detail["servers"]["started"]["count"] >= 2
    assert alice.ok("GET", "/admin/stats/detail")["ip_pools"]["active"]["free"] == free - 1
    assert alice("GET", "/admin/stats/detail?backend=2").status == 400
    alice.ok("DELETE", f"compute/servers/{other}")
