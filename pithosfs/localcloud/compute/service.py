"""The compute service's routes, its versions, and what it does not have (compute.md 1.2, 2)."""

from __future__ import annotations

from typing import Any

from pithosfs.localcloud.catalog import Service
from pithosfs.localcloud.compute import (
    attachments,
    diagnostics,
    flavors,
    floating_ips,
    images,
    keypairs,
    metadata,
    servers,
    statistics,
    tags,
)
from pithosfs.localcloud.compute.actions import act_on_server
from pithosfs.localcloud.compute.creating import create_server
from pithosfs.localcloud.faults import not_found
from pithosfs.localcloud.sandbox.routes import Asking, Call, Changing, Listing, Looking, Reply, Route
from pithosfs.localcloud.sandbox.service import SandboxService
from pithosfs.localcloud.sandbox.turn import Turn
from pithosfs.localcloud.sandbox.world import Sandbox

__all__ = ["ADMINISTRATION", "CATALOG", "ROUTES", "compute_service"]

CATALOG = Service("compute", "cyclades_compute", "v2.0", "/compute/v2.0")
ADMINISTRATION = Service("admin", "cyclades_admin", "", "/admin")


def compute_service(sandbox: Sandbox) -> SandboxService:
    return SandboxService(sandbox, ROUTES)


def _version(call: Call) -> dict[str, Any]:
    return {
        "id": "v2.0",
        "status": "CURRENT",
        "updated": "2011-01-21T11:33:21-06:00",
        "links": [{"rel": "self", "href": f"{call.base}/compute/v2.0/"}],
    }


def _versions(turn: Turn, call: Call) -> Reply:
    return Reply(200, {"versions": [_version(call)]})


def _version_details(turn: Turn, call: Call) -> Reply:
    media_type = {"base": "application/json", "type": "application/vnd.openstack.compute.v2+json"}
    return Reply(200, {"version": {**_version(call), "media_types": [media_type]}})


def _no_extensions(turn: Turn, call: Call) -> Reply:
    return Reply(200, {"extensions": []})


def _no_extension(turn: Turn, call: Call) -> Reply:
    raise not_found("there are no extensions")


_V = r"/compute/v2\.0"
_END = r"(?:\.json|/)?"
_SERVER = _V + r"/servers/([0-9]+)"
_IMAGE = _V + r"/images/([^/]+?)"

ROUTES = (
    Route.of(r"/compute/?", GET=Looking(_versions, token=False)),
    Route.of(_V + r"/", GET=Looking(_version_details, token=False)),
    # Servers
    Route.of(_V + r"/servers" + _END, GET=Listing(servers.list_servers), POST=Changing(create_server)),
    Route.of(_V + r"/servers/detail" + _END, GET=Listing(servers.list_servers_in_detail)),
    Route.of(
        _SERVER + _END,
        GET=Looking(servers.show_server),
        PUT=Changing(servers.rename_server),
        DELETE=Changing(servers.delete_server, has_body=False),
    ),
    Route.of(_SERVER + r"/action" + _END, POST=Changing(act_on_server)),
    Route.of(
        _SERVER + r"/password" + _END,
        GET=Looking(servers.show_password),
        DELETE=Changing(servers.forget_password, has_body=False),
    ),
    Route.of(_SERVER + r"/ips" + _END, GET=Looking(servers.show_addresses)),
    Route.of(_SERVER + r"/ips/([0-9]+)" + _END, GET=Looking(servers.show_addresses_of_network)),
    Route.of(
        _SERVER + r"/metadata" + _END,
        GET=Looking(metadata.list_metadata),
        POST=Changing(metadata.add_metadata),
    ),
    Route.of(
        _SERVER + r"/metadata/([^/]+)",
        GET=Looking(metadata.show_item),
        PUT=Changing(metadata.set_item),
        DELETE=Changing(metadata.remove_item, has_body=False),
    ),
    Route.of(
        _SERVER + r"/tags" + _END,
        GET=Looking(tags.list_tags),
        PUT=Changing(tags.replace_tags),
        DELETE=Changing(tags.remove_tags, has_body=False),
    ),
    Route.of(
        _SERVER + r"/tags/([^/]+)",
        GET=Looking(tags.show_tag),
        PUT=Changing(tags.add_tag, has_body=False),
        DELETE=Changing(tags.remove_tag, has_body=False),
    ),
    Route.of(_SERVER + r"/stats" + _END, GET=Looking(diagnostics.show_stats)),
    Route.of(_SERVER + r"/diagnostics" + _END, GET=Looking(diagnostics.show_diagnostics)),
    Route.of(
        _SERVER + r"/os-volume_attachments" + _END,
        GET=Looking(attachments.list_attachments),
        POST=Changing(attachments.attach_volume),
    ),
    Route.of(
        _SERVER + r"/os-volume_attachments/([0-9]+)" + _END,
        GET=Looking(attachments.show_attachment),
        DELETE=Changing(attachments.detach_volume, has_body=False),
    ),
    # Flavors
    Route.of(_V + r"/flavors" + _END, GET=Looking(flavors.list_flavors)),
    Route.of(_V + r"/flavors/detail" + _END, GET=Looking(flavors.list_flavors_in_detail)),
    Route.of(_V + r"/flavors/([0-9]+)" + _END, GET=Looking(flavors.show_flavor)),
    Route.of(_V + r"/flavors/([0-9]+)/os-extra_specs" + _END, GET=Looking(flavors.list_extra_specs)),
    # Images
    Route.of(
        _V + r"/images" + _END,
        GET=Listing(images.list_images),
        POST=Looking(images.refuse_to_create),
    ),
    Route.of(_V + r"/images/detail" + _END, GET=Listing(images.list_images_in_detail)),
    Route.of(
        _IMAGE + _END,
        GET=Looking(images.show_image),
        DELETE=Changing(images.unregister_image, has_body=False),
    ),
    Route.of(
        _IMAGE + r"/metadata" + _END,
        GET=Looking(images.list_properties),
        POST=Changing(images.add_properties),
    ),
    Route.of(
        _IMAGE + r"/metadata/([^/]+)",
        GET=Looking(images.show_property),
        PUT=Changing(images.set_property),
        DELETE=Changing(images.remove_property, has_body=False),
    ),
    # The rest
    Route.of(
        _V + r"/os-keypairs" + _END,
        GET=Looking(keypairs.list_keypairs),
        POST=Asking(keypairs.create_keypair),
    ),
    Route.of(
        _V + r"/os-keypairs/([^/]+)",
        GET=Looking(keypairs.show_keypair),
        DELETE=Changing(keypairs.delete_keypair, has_body=False),
    ),
    Route.of(
        _V + r"/os-floating-ips" + _END,
        GET=Listing(floating_ips.list_addresses),
        POST=Changing(floating_ips.create_address, has_body=False),
    ),
    Route.of(
        _V + r"/os-floating-ips/([0-9]+)" + _END,
        GET=Looking(floating_ips.show_address),
        DELETE=Changing(floating_ips.release_floating_ip, has_body=False),
    ),
    Route.of(_V + r"/extensions" + _END, GET=Looking(_no_extensions)),
    Route.of(_V + r"/extensions/[^/]+", GET=Looking(_no_extension)),
    # How much there is of everything
    Route.of(r"/admin/stats/?", GET=Looking(statistics.count_by_status, token=False)),
    Route.of(r"/admin/stats/simple/?", GET=Looking(statistics.count, token=False)),
    Route.of(r"/admin/stats/detail/?", GET=Listing(statistics.count_in_detail)),
    # The graphs that a server's statistics name
    Route.of(
        rf"/stats/v1\.0/(?:{'|'.join(diagnostics.GRAPHS)})/([0-9]+)-([0-9a-f]+)",
        GET=Looking(diagnostics.show_graph, token=False),
    ),
)
