"""The volume service's routes, its versions and its types (compute.md 1.2, 9.1, 9.5)."""

from __future__ import annotations

from typing import Any

from pithosfs.localcloud.catalog import Service
from pithosfs.localcloud.sandbox.routes import Call, Changing, Listing, Looking, Reply, Route
from pithosfs.localcloud.sandbox.service import SandboxService
from pithosfs.localcloud.sandbox.turn import Turn
from pithosfs.localcloud.sandbox.world import Sandbox
from pithosfs.localcloud.volume import metadata, snapshots, volumes
from pithosfs.localcloud.volume.model import VolumeType, all_types, find_type

__all__ = ["CATALOG", "ROUTES", "volume_service"]

CATALOG = Service("volume", "cyclades_volume", "v2.0", "/volume", version_in_path=False)


def volume_service(sandbox: Sandbox) -> SandboxService:
    return SandboxService(sandbox, ROUTES, json_405=False)


def _versions(turn: Turn, call: Call) -> Reply:
    media_type = {"base": "application/json", "type": "application/vnd.openstack.volume.v2+json"}
    versions = [
        {
            "id": version,
            "status": "CURRENT",
            "updated": "2014-04-17T00:00:00Z",
            "min_version": "",
            "version": "",
            "media_types": [media_type],
            "links": [{"rel": "self", "href": f"{call.base}/volume/{version}/"}],
        }
        for version in ("v2.0", "v2")
    ]
    return Reply(200, {"versions": versions})


def _list_types(turn: Turn, call: Call) -> Reply:
    return Reply(200, {"volume_types": [_type_json(kind) for kind in all_types(turn)]})


def _show_type(turn: Turn, call: Call) -> Reply:
    return Reply(200, {"volume_type": _type_json(find_type(turn, call.ident))})


def _type_json(kind: VolumeType) -> dict[str, Any]:
    return {
        "id": kind.id,
        "name": kind.name,
        "SNF:disk_template": kind.name,
        "SNF:detachable": kind.external,
        "deleted": False,
    }


_V = r"/volume/v2(?:\.0)?"
_VOLUME = _V + r"/volumes/([0-9]+)"
_SNAPSHOT = _V + r"/snapshots/([^/]+)"

ROUTES = (
    Route.of(r"/volume/?", GET=Looking(_versions, token=False)),
    Route.of(_V + r"/volumes/?", GET=Listing(volumes.list_volumes), POST=Changing(volumes.create_volume)),
    Route.of(_V + r"/volumes/detail/?", GET=Listing(volumes.list_volumes_in_detail)),
    Route.of(
        _VOLUME + r"/?",
        GET=Looking(volumes.show_volume),
        PUT=Changing(volumes.update_volume),
        DELETE=Changing(volumes.delete_volume, has_body=False),
    ),
    Route.of(_VOLUME + r"/action/?", POST=Changing(volumes.act_on_volume)),
    Route.of(
        _VOLUME + r"/metadata/?",
        GET=Looking(metadata.list_metadata),
        POST=Changing(metadata.add_metadata),
        PUT=Changing(metadata.replace_metadata),
    ),
    Route.of(_VOLUME + r"/metadata/([^/]+)", DELETE=Changing(metadata.remove_item, has_body=False)),
    Route.of(_V + r"/snapshots/?", GET=Listing(snapshots.list_snapshots), POST=Changing(snapshots.create_snapshot)),
    Route.of(_V + r"/snapshots/detail/?", GET=Listing(snapshots.list_snapshots)),
    Route.of(
        _SNAPSHOT + r"/?",
        GET=Looking(snapshots.show_snapshot),
        PUT=Changing(snapshots.update_snapshot),
        DELETE=Changing(snapshots.delete_snapshot, has_body=False),
    ),
    Route.of(
        _SNAPSHOT + r"/metadata/?",
        GET=Looking(snapshots.list_snapshot_metadata),
        POST=Changing(snapshots.add_snapshot_metadata),
        PUT=Changing(snapshots.replace_snapshot_metadata),
    ),
    Route.of(_SNAPSHOT + r"/metadata/([^/]+)", DELETE=Changing(snapshots.remove_snapshot_item, has_body=False)),
    Route.of(_V + r"/types/?", GET=Looking(_list_types)),
    Route.of(_V + r"/types/([0-9]+)/?", GET=Looking(_show_type)),
)
