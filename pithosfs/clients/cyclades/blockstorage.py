"""The volumes of Cyclades: `CycladesBlockStorageClient`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pithosfs.clients.cyclades.rest_api import CycladesBlockStorageRestClient
from pithosfs.clients.json_client import Headers, Json, drop_none, member
from pithosfs.errors import ClientError

__all__ = ["CycladesBlockStorageClient"]


class CycladesBlockStorageClient(CycladesBlockStorageRestClient):
    """Volumes and snapshots of Cyclades. Sizes are GiB."""

    def create_volume(  # type: ignore[override]  # the order of its arguments is another one
        self,
        size: int,
        server_id: int | str | None,
        display_name: str,
        display_description: str | None = None,
        snapshot_id: str | None = None,
        imageRef: str | None = None,
        volume_type: int | str | None = None,
        metadata: Mapping[str, str] | None = None,
        project: str | None = None,
        *,
        shared_to_project: bool | None = None,
    ) -> Json:
        """Make a volume for a server, or (None) for later; then it needs a `volume_type`. `project` pays for it."""
        reply = self.volumes_post(
            size,
            server_id,
            display_name,
            display_description=display_description,
            snapshot_id=snapshot_id,
            imageRef=imageRef,
            volume_type=volume_type,
            metadata=metadata,
            project=project,
            shared_to_project=shared_to_project,
        )
        volume = member(reply, "volume")
        if metadata:
            self._keep_metadata(volume.get("id"), metadata)
        return volume

    def _keep_metadata(self, volume_id: Any, metadata: Mapping[str, str]) -> None:
        """Servers lose the metadata when they make a volume (compute.md section 9.3)."""
        try:
            self.volumes_metadata_post(volume_id, {"metadata": dict(metadata)})
        except ClientError as error:
            error.hint = f"the volume was made all the same, without its metadata: pithosfs volume info {volume_id}"
            raise

    def reassign_volume(self, volume_id: int | str, project: str, *, shared_to_project: bool | None = None) -> Headers:
        """Let another project pay for a volume, and perhaps all its members use it."""
        wish = drop_none(project=project, shared_to_project=shared_to_project)
        return self.volumes_action_post(volume_id, {"reassign": wish}).headers

    def create_snapshot(  # type: ignore[override]  # the order of its arguments is another one
        self,
        volume_id: int | str,
        display_name: str | None,
        force: bool | None = None,
        display_description: str | None = None,
    ) -> Json:
        """Take a snapshot of a volume. It becomes an image in the user's container `snapshots`."""
        reply = self.snapshots_post(
            volume_id, force=force, display_name=display_name, display_description=display_description
        )
        return member(reply, "snapshot")
