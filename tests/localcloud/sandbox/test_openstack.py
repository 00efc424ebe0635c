"""openstacksdk, which knows nothing of this family of clouds, on what of the protocols is plain OpenStack."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pithosfs.localcloud import process

openstack = pytest.importorskip("openstack")

from keystoneauth1.identity import v2  # noqa: E402  only where openstacksdk is installed
from keystoneauth1.session import Session  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::PendingDeprecationWarning")
"""What the library says about itself."""


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A connection to a cloud of its own. Discovery of versions is newer than the protocols, so that they are told."""
    data: Path = tmp_path_factory.mktemp("openstack")
    url = process.start(data, sandbox_delay=0.05).url
    session = Session(auth=v2.Token(f"{url}/identity/v2.0", process.add_user(data, "ada")))
    connection = openstack.connection.Connection(
        session=session,
        compute_api_version="2",
        network_api_version="2",
        block_storage_api_version="2",
        compute_endpoint_override=f"{url}/compute/v2.0",
        network_endpoint_override=f"{url}/network/v2.0",
        block_storage_endpoint_override=f"{url}/volume/v2.0",
    )
    yield connection
    connection.close()
    process.stop(data)


@pytest.fixture(scope="module")
def network(cloud: Any) -> str:
    """A network with a subnet. `type` is what OpenStack does not have."""
    made = cloud.network.create_network(name="backend", type="MAC_FILTERED")
    cloud.network.create_subnet(network_id=made.id, cidr="10.0.0.0/24", ip_version=4)
    return str(made.id)


def test_the_catalog_leads_to_the_services(cloud: Any) -> None:
    base = cloud.session.get_endpoint(service_type="compute").removesuffix("/compute/v2.0")
    for service, path in {"network": "/network", "image": "/image", "volume": "/volume"}.items():
        assert cloud.session.get_endpoint(service_type=service) == base + path


def test_a_server_from_beginning_to_end(cloud: Any, network: str) -> None:
    compute = cloud.compute
    flavor = min(compute.flavors(), key=lambda one: one.ram)
    (image,) = compute.images()
    with pytest.raises(openstack.exceptions.ForbiddenException):  # that one is retired
        compute.create_server(name="web", flavor_id=flavor.id, image_id=image.id)
    flavor = next(one for one in compute.flavors() if one.vcpus == 2)
    server = compute.create_server(name="web", flavor_id=flavor.id, image_id=image.id, networks=[{"uuid": network}])
    assert server.status == "BUILD"
    server = compute.wait_for_server(server, wait=30, interval=0.1)
    assert [address["addr"] for address in server.addresses[network]] == ["10.0.0.2"]
    assert [one.name for one in compute.servers()] == ["web"]
    assert compute.set_server_metadata(server, role="db").metadata == {"role": "db"}
    compute.stop_server(server)
    compute.wait_for_server(server, status="STOPPED", wait=30, interval=0.1)
    compute.start_server(server)
    compute.wait_for_server(server, wait=30, interval=0.1)
    assert compute.get_server_console_url(server, "novnc")["type"] == "novnc"
    assert len(list(cloud.block_storage.volumes())) == 1
    compute.delete_server(server)
    compute.wait_for_delete(server, wait=30, interval=0.1)
    assert list(compute.servers()) == []


def test_networks_ports_and_addresses(cloud: Any, network: str) -> None:
    external = next(one for one in cloud.network.networks() if one.is_router_external)
    address = cloud.network.create_ip(floating_network_id=external.id)
    assert address.floating_ip_address in {one.floating_ip_address for one in cloud.network.ips()}
    cloud.network.delete_ip(address)
    port = cloud.network.create_port(network_id=network, name="nic")
    assert cloud.network.get_port(port.id).name == "nic"
    with pytest.raises(openstack.exceptions.ConflictException):
        cloud.network.delete_network(network)
    cloud.network.delete_port(port)
    assert port.id not in {one.id for one in cloud.network.ports()}


def test_key_pairs_and_types(cloud: Any) -> None:
    made = cloud.compute.create_keypair(name="laptop", public_key="ssh-rsa QUJD ada")
    assert [one.fingerprint for one in cloud.compute.keypairs()] == [made.fingerprint]
    cloud.compute.delete_keypair("laptop")
    assert {one.name for one in cloud.block_storage.types()} == {"drbd", "ext_store"}


def test_what_is_not_there_is_told_in_its_words(cloud: Any) -> None:
    with pytest.raises(openstack.exceptions.NotFoundException):
        cloud.compute.get_server(999_999)
    with pytest.raises(openstack.exceptions.BadRequestException):
        cloud.network.get_port("no-number")
