"""The network service's routes (network.md 2)."""

from __future__ import annotations

from pithosfs.localcloud.catalog import Service
from pithosfs.localcloud.network import floating_ips, networks, ports, subnets
from pithosfs.localcloud.sandbox.routes import Call, Changing, Listing, Looking, Reply, Route
from pithosfs.localcloud.sandbox.service import SandboxService
from pithosfs.localcloud.sandbox.turn import Turn
from pithosfs.localcloud.sandbox.world import Sandbox

__all__ = ["CATALOG", "ROUTES", "network_service"]

CATALOG = Service("network", "cyclades_network", "v2.0", "/network", version_in_path=False)

_COLLECTIONS = ("network", "subnet", "port", "floatingip")


def network_service(sandbox: Sandbox) -> SandboxService:
    return SandboxService(sandbox, ROUTES)


def _versions(turn: Turn, call: Call) -> Reply:
    link = {"rel": "self", "href": f"{call.base}/network/v2.0/"}
    return Reply(200, {"versions": [{"id": "v2.0", "status": "CURRENT", "links": [link]}]})


def _resources(turn: Turn, call: Call) -> Reply:
    resources = [
        {
            "name": name,
            "collection": f"{name}s",
            "links": [{"rel": "self", "href": f"{call.base}/network/v2.0/{name}s"}],
        }
        for name in _COLLECTIONS
    ]
    return Reply(200, {"resources": resources})


_V = r"/network/v2\.0"
_ITEM = r"/([0-9]+)"

ROUTES = (
    Route.of(r"/network/?", GET=Looking(_versions, token=False)),
    Route.of(_V + r"/?", GET=Looking(_resources)),
    Route.of(
        _V + r"/networks/?",
        GET=Listing(networks.list_networks),
        POST=Changing(networks.create_network),
    ),
    Route.of(_V + r"/networks/detail", GET=Listing(networks.list_networks)),
    Route.of(
        _V + r"/networks" + _ITEM + r"/?",
        GET=Looking(networks.show_network),
        PUT=Changing(networks.rename_network),
        DELETE=Changing(networks.delete_network, has_body=False),
    ),
    Route.of(_V + r"/networks" + _ITEM + r"/action", POST=Changing(networks.act_on_network)),
    Route.of(
        _V + r"/subnets/?",
        GET=Listing(subnets.list_subnets),
        POST=Changing(subnets.create_subnet),
    ),
    Route.of(
        _V + r"/subnets" + _ITEM + r"/?",
        GET=Looking(subnets.show_subnet),
        PUT=Changing(subnets.rename_subnet),
        DELETE=Looking(subnets.refuse_to_delete),
    ),
    Route.of(
        _V + r"/ports/?",
        GET=Listing(ports.list_ports),
        POST=Changing(ports.create_port),
    ),
    Route.of(_V + r"/ports/detail", GET=Listing(ports.list_ports)),
    Route.of(
        _V + r"/ports" + _ITEM + r"/?",
        GET=Looking(ports.show_port),
        PUT=Changing(ports.rename_port),
        DELETE=Changing(ports.delete_port, has_body=False),
    ),
    Route.of(
        _V + r"/floatingips/?",
        GET=Listing(floating_ips.list_floating_ips),
        POST=Changing(floating_ips.create_floating_ip),
    ),
    Route.of(_V + r"/floatingips/detail", GET=Listing(floating_ips.list_floating_ips)),
    Route.of(
        _V + r"/floatingips" + _ITEM + r"/?",
        GET=Looking(floating_ips.show_floating_ip),
        PUT=Looking(floating_ips.refuse_to_update),
        DELETE=Changing(floating_ips.release_floating_ip, has_body=False),
    ),
    Route.of(_V + r"/floatingips" + _ITEM + r"/action", POST=Changing(floating_ips.act_on_floating_ip)),
)
