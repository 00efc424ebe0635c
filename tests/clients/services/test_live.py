"""What the clients have beyond the older library, and how things go wrong, on the local cloud."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fixtures.clouds import TestCloud, User, provided_image

from pithosfs.clients import Connection, connect
from pithosfs.clients.cyclades import CycladesBlockStorageClient, CycladesComputeClient, CycladesNetworkClient
from pithosfs.errors import BadRequest, Conflict, NotFound, NotLoggedIn, QuotaExceeded


@pytest.fixture(scope="module")
def user(cloud: TestCloud) -> User:
    return cloud.user("live")


@pytest.fixture
def connection(user: User) -> Iterator[Connection]:
    with connect(user.cloud()) as made:
        yield made


@pytest.fixture
def compute(connection: Connection) -> CycladesComputeClient:
    return connection.client(CycladesComputeClient)


@pytest.fixture
def image_id(compute: CycladesComputeClient) -> str:
    return provided_image(compute.list_images(detail=True))


@pytest.fixture
def flavor(compute: CycladesComputeClient) -> dict[str, Any]:
    usable = [one for one in compute.list_flavors(detail=True) if one["SNF:allow_create"]]
    return next(one for one in usable if one["SNF:disk_template"].startswith("ext"))


@pytest.fixture
def server_id(compute: CycladesComputeClient, flavor: dict[str, Any], image_id: str) -> int:
    made = compute.create_server(
        "live", flavor["id"], image_id, networks=[], admin_pass="Str0ngEnough1", tags=["first"]
    )
    assert made["adminPass"] == "Str0ngEnough1"
    assert compute.wait_server_until(made["id"], "ACTIVE", delay=0.1) == "ACTIVE"
    return int(made["id"])


def test_key_pairs(compute: CycladesComputeClient, flavor: dict[str, Any], image_id: str) -> None:
    uploaded = compute.upload_keypair("my laptop", "ssh-rsa AAAA ada")
    assert (uploaded["name"], uploaded["public_key"]) == ("my laptop", "ssh-rsa AAAA ada")
    with pytest.raises(Conflict) as caught:
        compute.upload_keypair("my laptop", "ssh-rsa BBBB")
    assert "pithosfs keypair list" in caught.value.hint
    assert [one["name"] for one in compute.list_keypairs()] == ["my laptop"]
    assert compute.get_keypair_details("my laptop")["fingerprint"] == uploaded["fingerprint"]
    made = compute.create_server("keyed", flavor["id"], image_id, networks=[], key_names=["my laptop"])
    assert made["key_name"] == "my laptop"
    compute.delete_server(made["id"])
    compute.delete_keypair("my laptop")
    with pytest.raises(NotFound):
        compute.get_keypair_details("my laptop")


def test_tags_and_password(compute: CycladesComputeClient, server_id: int) -> None:
    assert list(compute.list_server_tags(server_id)) == ["first"]
    compute.add_server_tag(server_id, "second one")
    assert compute.get_server_tag_status(server_id, "second one") in ("ACTIVE", "PENDADD")
    with pytest.raises(NotFound):
        compute.get_server_tag_status(server_id, "third")
    assert compute.replace_server_tags(server_id, ["first", "fourth"]).keys() == {"first", "fourth"}
    assert compute.get_server_password(server_id) == "Str0ngEnough1"
    compute.delete_server_password(server_id)
    with pytest.raises(NotFound):
        compute.get_server_password(server_id)


def test_volumes_of_a_server(
    compute: CycladesComputeClient, connection: Connection, server_id: int, flavor: dict[str, Any]
) -> None:
    volumes = connection.client(CycladesBlockStorageClient)
    made = volumes.create_volume(1, None, "data", volume_type=flavor["SNF:volume_type"], metadata={"use": "scratch"})
    assert volumes.get_volume_details(made["id"])["metadata"] == {"use": "scratch"}
    attached = compute.attach_volume(server_id, made["id"])
    assert str(attached["volumeId"]) == made["id"]
    assert volumes.wait_volume_until(made["id"], "in_use", delay=0.1) == "in_use"
    assert str(compute.get_volume_attachment(server_id, attached["id"])["volumeId"]) == made["id"]
    assert made["id"] in [str(one["volumeId"]) for one in compute.list_volume_attachments(server_id)]
    with pytest.raises(BadRequest):
        compute.attach_volume(server_id, made["id"])
    assert compute.detach_volume(server_id, made["id"]) == [str(attached["id"])]
    assert volumes.wait_volume_until(made["id"], "available", delay=0.1) == "available"
    assert compute.detach_volume(server_id, made["id"]) == []


def test_lists_are_sifted(compute: CycladesComputeClient, server_id: int, flavor: dict[str, Any]) -> None:
    def ids(**wanted: Any) -> list[int]:
        return [one["id"] for one in compute.list_servers(**wanted)]

    assert server_id in ids(name="live", status="active", flavor=flavor["id"])
    assert server_id not in ids(status="STOPPED")
    assert server_id not in ids(name="liv")
    everything = ids()
    assert [*ids(limit=1), *ids(marker=everything[0])] == everything
    assert compute.list_servers(status="ACTIVE")[0].keys() == {"id", "name", "links"}


def test_a_server_that_fails_ends_the_waiting(
    compute: CycladesComputeClient, flavor: dict[str, Any], image_id: str
) -> None:
    made = compute.create_server("doomed", flavor["id"], image_id, networks=[], metadata={"sandbox": "error"})
    assert compute.wait_server_until(made["id"], "ACTIVE", delay=0.1, max_wait=30) == "ERROR"
    compute.delete_server(made["id"])
    assert compute.wait_server_until(made["id"], "DELETED", delay=0.1, max_wait=30) == "DELETED"


def test_what_is_refused(
    compute: CycladesComputeClient, connection: Connection, flavor: dict[str, Any], image_id: str
) -> None:
    with pytest.raises(NotFound) as missing:
        compute.get_server_details(999999)
    assert "pithosfs server list" in missing.value.hint
    with pytest.raises(BadRequest):
        compute.get_server_details("no-number")
    with pytest.raises(NotLoggedIn):
        CycladesComputeClient(compute.endpoint_url, "wrong").list_servers()
    networks = connection.client(CycladesNetworkClient)
    with pytest.raises(Conflict):  # a public network without an address of one's own
        public = next(one["id"] for one in networks.list_networks() if one["public"])
        compute.create_server("x", flavor["id"], image_id, networks=[{"uuid": public}])
    astakos = connection.astakos.get_client()
    astakos.set_default_project(connection.account_id)
    with pytest.raises(NotFound, match="project"):
        astakos.set_default_project("no-such-project")


def test_a_full_quota_says_so(cloud: TestCloud, flavor: dict[str, Any], image_id: str) -> None:
    owner = cloud.user("poor")
    cloud.set_limit(owner, "cyclades.vm", 0)
    with connect(owner.cloud()) as connection, pytest.raises(QuotaExceeded) as caught:
        connection.client(CycladesComputeClient).create_server("x", flavor["id"], image_id, networks=[])
    assert caught.value.exit_code == 6
    assert "requested 1" in str(caught.value.details)
    assert "pithosfs quota list" in caught.value.hint
