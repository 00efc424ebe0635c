"""One method per request of the volume service. Source: compute.md section 9.

Every method returns the reply. For `success` and the further arguments see `JsonClient`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pithosfs.clients.json_client import Codes, JsonClient, codes, drop_none, item
from pithosfs.http import Reply

__all__ = ["BlockStorageRestClient"]


class BlockStorageRestClient(JsonClient):
    """The requests of the volume service. Sizes are GiB; what is None is not sent."""

    service_type = "volume"

    def volumes_get(
        self, detail: bool | None = None, volume_id: int | str | None = None, success: Codes = 200, **kwargs: Any
    ) -> Reply:
        """GET a volume, or the list of them, brief or with details."""
        return self.send("GET", "volumes", *item(volume_id, detail), success=success, options=kwargs)

    def volumes_post(
        self,
        size: int,
        availability_zone: str | None = None,
        source_volid: int | str | None = None,
        display_description: str | None = None,
        snapshot_id: str | None = None,
        display_name: str | None = None,
        imageRef: str | None = None,
        volume_type: int | str | None = None,
        bootable: bool | None = None,
        metadata: Mapping[str, str] | None = None,
        success: Codes = 202,
        **kwargs: Any,
    ) -> Reply:
        """POST a volume."""
        volume = drop_none(
            size=size,
            availability_zone=availability_zone,
            source_volid=source_volid,
            display_description=display_description,
            snapshot_id=snapshot_id,
            display_name=display_name,
            imageRef=imageRef,
            volume_type=volume_type,
            bootable=bootable,
            metadata=None if metadata is None else dict(metadata),
        )
        accepted = codes(success, 202, 200)
        return self.send("POST", "volumes", success=accepted, json_data={"volume": volume}, options=kwargs)

    def volumes_put(
        self,
        volume_id: int | str,
        display_description: str | None = None,
        display_name: str | None = None,
        delete_on_termination: bool | None = None,
        metadata: Mapping[str, str] | None = None,
        success: Codes = 200,
        **kwargs: Any,
    ) -> Reply:
        """PUT a volume: change what is given. Cyclades does not take `metadata` here."""
        volume = drop_none(
            display_description=display_description,
            display_name=display_name,
            delete_on_termination=delete_on_termination,
            metadata=None if metadata is None else dict(metadata),
        )
        return self.send("PUT", "volumes", volume_id, success=success, json_data={"volume": volume}, options=kwargs)

    def volumes_delete(self, volume_id: int | str, success: Codes = 202, **kwargs: Any) -> Reply:
        """DELETE a volume."""
        return self.send("DELETE", "volumes", volume_id, success=codes(success, 202, 204), options=kwargs)

    def volumes_metadata_post(
        self, volume_id: int | str, json_data: object = None, success: Codes = 200, **kwargs: Any
    ) -> Reply:
        """POST metadata that is merged into what is there (`{"metadata": …}`)."""
        path = ("volumes", volume_id, "metadata")
        return self.send("POST", *path, success=success, json_data=json_data, options=kwargs)

    def snapshots_get(
        self, detail: bool | None = None, snapshot_id: int | str | None = None, success: Codes = 200, **kwargs: Any
    ) -> Reply:
        """GET a snapshot, or the list of them, brief or with details."""
        return self.send("GET", "snapshots", *item(snapshot_id, detail), success=success, options=kwargs)

    def snapshots_post(
        self,
        volume_id: int | str,
        force: bool | None = None,
        display_name: str | None = None,
        display_description: str | None = None,
        success: Codes = 202,
        **kwargs: Any,
    ) -> Reply:
        """POST a snapshot of a volume; `force` also while the volume is in use."""
        snapshot = drop_none(
            volume_id=volume_id, force=force, display_name=display_name, display_description=display_description
        )
        accepted = codes(success, 202, 200)
        return self.send("POST", "snapshots", success=accepted, json_data={"snapshot": snapshot}, options=kwargs)

    def snapshots_put(
        self,
        snapshot_id: str,
        display_description: str | None = None,
        display_name: str | None = None,
        success: Codes = 200,
        **kwargs: Any,
    ) -> Reply:
        """PUT a snapshot: change what is given."""
        body = {"snapshot": drop_none(display_description=display_description, display_name=display_name)}
        return self.send("PUT", "snapshots", snapshot_id, success=success, json_data=body, options=kwargs)

    def snapshots_delete(self, snapshot_id: str, success: Codes = 202, **kwargs: Any) -> Reply:
        """DELETE a snapshot."""
        return self.send("DELETE", "snapshots", snapshot_id, success=codes(success, 202, 204), options=kwargs)

    def types_get(self, type_id: int | str | None = None, success: Codes = 200, **kwargs: Any) -> Reply:
        """GET a kind of volume, or the list of them."""
        return self.send("GET", "types", *item(type_id), success=success, options=kwargs)
