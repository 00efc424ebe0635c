"""Time: what is seen while something is under way, when it ended, and what a restart leaves of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from fixtures.held_cloud import DELAY, HeldCloud, Person
from fixtures.sandbox_books import book_problems

COLLECTIONS = (
    "compute/servers/detail",
    "compute/images/detail",
    "compute/os-keypairs",
    "network/networks",
    "network/subnets",
    "network/ports",
    "network/floatingips",
    "volume/volumes/detail",
    "volume/snapshots",
    "image/images/detail",
    "account/quotas",
)


def seconds(earlier: str, later: str) -> float:
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)) / timedelta(seconds=1)


def test_progress_grows_until_it_is_done(held_cloud: HeldCloud, alice: Person) -> None:
    server = alice.server()
    seen = []
    for _ in range(10):
        seen.append(alice.show(server)["progress"])
        held_cloud.clock.advance(DELAY / 10)
    assert seen == sorted(seen)
    assert seen[0] == 0
    assert 40 <= seen[5] <= 60
    assert seen[-1] < 100
    shown = alice.show(server)
    assert (shown["status"], shown["progress"]) == ("ACTIVE", 100)


def test_a_reboot_is_seen_while_it_is_done(held_cloud: HeldCloud, alice: Person) -> None:
    server = alice.server()
    held_cloud.settle()
    alice.act(server, reboot={"type": "SOFT"})
    seen = []
    for _ in range(4):
        shown = alice.show(server)
        seen.append((shown["status"], shown["SNF:task_state"]))
        held_cloud.clock.advance(DELAY * 0.34)
    assert seen == [
        ("ACTIVE", "REBOOTING"),
        ("ACTIVE", "REBOOTING"),
        ("REBOOT", "REBOOTING"),
        ("ACTIVE", ""),
    ]


def test_a_resize_is_seen_while_it_is_done(held_cloud: HeldCloud, alice: Person) -> None:
    server = alice.server()
    held_cloud.settle()
    alice.act(server, shutdown={})
    held_cloud.settle()
    wanted = alice.flavor("C2R4096D20ext_store")
    assert alice.act(server, resize={"flavorRef": wanted}).status == 202
    assert alice.show(server)["flavor"]["id"] != wanted
    held_cloud.clock.advance(DELAY * 0.7)
    assert alice.show(server)["status"] == "RESIZE"
    held_cloud.settle()
    shown = alice.show(server)
    assert (shown["status"], shown["flavor"]["id"]) == ("STOPPED", wanted)


def test_what_ended_unseen_ended_when_it_was_due(held_cloud: HeldCloud, alice: Person) -> None:
    """Nobody looks for an hour; then everything has the time at which it was over."""
    server = alice.server(networks=[{"uuid": alice.network()}])
    held_cloud.clock.advance(3600)
    shown = alice.show(server)
    assert seconds(shown["created"], shown["updated"]) == DELAY
    (port,) = alice.get("network/ports")
    assert seconds(port["created"], port["updated"]) == DELAY


def test_quotas_alone_bring_things_to_their_end(held_cloud: HeldCloud, alice: Person) -> None:
    """Whoever asks only for quotas sees what a deletion gave back."""
    server = alice.server()
    held_cloud.settle()
    alice.ok("DELETE", f"compute/servers/{server}")
    assert alice.usage("cyclades.vm") == 1
    held_cloud.settle()
    assert alice.usage("cyclades.vm") == 0
    assert alice.usage("cyclades.disk") == 0


def test_deleting_wins_over_what_is_under_way(held_cloud: HeldCloud, alice: Person) -> None:
    """And begins anew: the deletion takes its own time."""
    server = alice.server()
    held_cloud.clock.advance(DELAY * 0.9)
    alice.ok("DELETE", f"compute/servers/{server}")
    held_cloud.clock.advance(DELAY * 0.9)
    assert alice.show(server)["SNF:task_state"] == "DESTROYING"
    alice.ok("DELETE", f"compute/servers/{server}")  # which does not begin it once more
    held_cloud.clock.advance(DELAY * 0.2)
    assert alice.show(server)["status"] == "DELETED"


def test_a_deleted_server_frees_a_volume_that_was_only_lent(held_cloud: HeldCloud, alice: Person) -> None:
    """Disks made for a server go with it; a volume that was there before, and one on its way, do not."""
    lent, coming, made = alice.volume(20), alice.volume(), alice.volume()
    disks = [{"source_type": "volume", "uuid": lent}]
    server = alice.server(imageRef="", block_device_mapping_v2=disks)
    held_cloud.settle()
    path = f"compute/servers/{server}/os-volume_attachments"
    alice.ok("POST", path, {"volumeAttachment": {"volumeId": made}})
    held_cloud.settle()
    alice.ok("POST", path, {"volumeAttachment": {"volumeId": coming}})
    alice.ok("DELETE", f"compute/servers/{server}")
    held_cloud.settle()
    statuses = {name: alice.get(f"volume/volumes/{ident}")["status"] for name, ident in
                {"lent": lent, "coming": coming, "made": made}.items()}  # fmt: skip
    assert statuses == {"lent": "available", "coming": "available", "made": "deleted"}


def test_a_used_network_lingers(held_cloud: HeldCloud, alice: Person) -> None:
    network = alice.network()
    server = alice.server(networks=[{"uuid": network}])
    held_cloud.settle()
    assert alice("DELETE", f"network/networks/{network}").status == 409
    alice.ok("DELETE", f"compute/servers/{server}")
    held_cloud.settle()
    alice.ok("DELETE", f"network/networks/{network}")
    assert alice.get(f"network/networks/{network}")["status"] == "ACTIVE"
    assert alice("POST", "network/ports", {"port": {"network_id": network}}).status == 409
    held_cloud.settle()
    assert alice.get(f"network/networks/{network}")["status"] == "DELETED"
    assert alice.usage("cyclades.network.private") == 0


def test_tags_are_confirmed_later(held_cloud: HeldCloud, alice: Person) -> None:
    server = alice.server(tags=["front"])
    path = f"compute/servers/{server}/tags"
    assert alice.ok("GET", path).json == {"tags": ["front"], "statuses": ["PENDADD"]}
    assert alice.show(server)["tags"] == []
    assert alice("DELETE", f"{path}/front").status == 404
    held_cloud.settle()
    assert alice.show(server)["tags"] == ["front"]
    assert alice("DELETE", f"{path}/front").status == 204


def test_a_clock_that_is_put_back_ends_nothing_early(held_cloud: HeldCloud, alice: Person) -> None:
    server = alice.server()
    held_cloud.clock.advance(-1000)
    assert alice.show(server)["status"] == "BUILD"
    assert alice.show(server)["progress"] == 0
    held_cloud.clock.advance(1000)
    held_cloud.settle()
    assert alice.show(server)["status"] == "ACTIVE"


@pytest.fixture
def own_cloud(tmp_path: Path) -> Iterator[HeldCloud]:
    """A cloud of the test's own, which it may stop and start."""
    made = HeldCloud(tmp_path)
    made.start()
    yield made
    made.stop()


def test_a_restart_changes_nothing(own_cloud: HeldCloud) -> None:
    """All states of all things are the same afterwards, and what was under way ends as it would have."""
    alice = own_cloud.person()
    network = alice.network()
    alice.subnet(network, "2001:db8::/64", ip_version=6)
    running = alice.server(networks=[{"uuid": network}], tags=["front"], metadata={"a": "b"})
    alice.volume(3, metadata={"use": "data"})
    alice.ok("POST", "compute/os-keypairs", {"keypair": {"name": "k", "public_key": "ssh-rsa QUJD"}})
    own_cloud.settle()
    address = alice.floating_ip()
    alice.act(running, addFloatingIp={"address": address["floating_ip_address"]})
    own_cloud.settle()
    disk = alice.volume(2, server_id=running)
    own_cloud.settle()
    alice.ok("POST", "volume/snapshots", {"snapshot": {"volume_id": disk}})
    building = alice.server(networks=[{"uuid": network}])
    alice.act(running, reboot={})
    before = {path: alice.ok("GET", path).json for path in COLLECTIONS}
    own_cloud.stop()
    own_cloud.start()
    assert {path: alice.ok("GET", path).json for path in COLLECTIONS} == before
    assert {one["status"] for one in alice.get("compute/servers/detail")} == {"ACTIVE", "BUILD"}
    own_cloud.settle()
    assert alice.show(building)["status"] == "ACTIVE"
    assert alice.show(building)["attachments"][0]["ipv4"] == "10.0.0.3"
    assert {one["status"] for one in alice.get("volume/snapshots")} == {"AVAILABLE"}
    assert book_problems(own_cloud.data) == []


def test_what_ends_while_the_server_is_down(own_cloud: HeldCloud) -> None:
    alice = own_cloud.person()
    server = alice.server()
    own_cloud.settle()
    alice.ok("DELETE", f"compute/servers/{server}")
    own_cloud.stop()
    own_cloud.settle()
    own_cloud.start()
    assert alice.usage("cyclades.vm") == 0
    assert alice.show(server)["status"] == "DELETED"
