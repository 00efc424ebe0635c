"""Builds some servers on a network of their own, tells how they are reached, and takes everything down again."""

import argparse
import json
import sys

from pithosfs.clients import ClientError
from pithosfs.clients.astakos import AstakosClient
from pithosfs.clients.cyclades import CycladesClient, CycladesNetworkClient
from pithosfs.clients.image import ImageClient


def percent_bar(name):
    def bar(total):
        for step in range(total + 1):
            if step in (0, total):
                sys.stderr.write(f"{name} {step}/{total}\n")
            yield step

    return bar


def find_image(images, wanted):
    for image in images.list_public(detail=True, filters={"status": "AVAILABLE"}, order="-created_at"):
        if wanted in (image["id"], image["name"]):
            return image
    raise ClientError(f"no image {wanted}", 404)


def build(cyclades, networks, image, count):
    usable = [one for one in cyclades.list_flavors(detail=True) if one["SNF:allow_create"]]
    flavor = min(usable, key=lambda one: (one["vcpus"], one["ram"], one["disk"]))
    network = networks.create_network("MAC_FILTERED", name="cluster")
    networks.create_subnet(network["id"], "192.168.7.0/24", enable_dhcp=True)
    made = []
    for number in range(1, count + 1):
        name = f"node-{number}"
        server = cyclades.create_server(
            name, flavor["id"], image["id"], metadata={"role": "node"}, networks=[{"uuid": network["id"]}]
        )
        made.append((name, server["id"], server["adminPass"]))
    for name, server_id, _ in made:
        status = cyclades.wait_server(server_id, delay=0.2, max_wait=60, wait_cb=percent_bar(name))
        if status != "ACTIVE":
            raise ClientError(f"server {name} is {status}")
    return network, made


def describe(cyclades, networks, network, made):
    told = []
    for name, server_id, password in made:
        server = cyclades.get_server_details(server_id)
        nics = cyclades.get_server_nics(server_id)["attachments"]
        told.append(
            {
                "name": name,
                "os": cyclades.get_server_metadata(server_id, "os")["os"],
                "addresses": [nic["ipv4"] for nic in nics if nic["network_id"] == network["id"]],
                "password": bool(password),
                "console": cyclades.get_server_console(server_id)["type"],
                "ports": len([port for port in networks.list_ports() if port["device_id"] == str(server["id"])]),
            }
        )
    return told


def take_down(cyclades, networks, network, made):
    for _, server_id, _ in made:
        cyclades.delete_server(server_id)
    for _, server_id, _ in made:
        cyclades.wait_server(server_id, "ACTIVE", delay=0.2)
    networks.delete_network(network["id"])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("token")
    parser.add_argument("image")
    parser.add_argument("--count", type=int, default=1)
    options = parser.parse_args()

    astakos = AstakosClient(options.url, options.token)
    cyclades = CycladesClient(astakos.get_endpoint_url("compute"), options.token)
    networks = CycladesNetworkClient(astakos.get_endpoint_url("network"), options.token)
    images = ImageClient(astakos.get_endpoint_url("image"), options.token)
    try:
        image = find_image(images, options.image)
        network, made = build(cyclades, networks, image, options.count)
        told = describe(cyclades, networks, network, made)
        take_down(cyclades, networks, network, made)
    except ClientError as error:
        print(f"failed: {error} ({error.status})")
        return 1
    user = astakos.user_info["id"]
    left = astakos.get_quotas()[user]["cyclades.vm"]["usage"]
    print(json.dumps({"servers": told, "left": left}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
