"""The working layer above the requests: `BlockStorageClient`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Literal

from pithosfs.clients.blockstorage.rest_api import BlockStorageRestClient
from pithosfs.clients.json_client import Headers, Json, member, members, needed
from pithosfs.clients.progressbars import ProgressBar
from pithosfs.clients.waiting import Status, Waiter, poll, same_status
from pithosfs.errors import BadReply, BadRequest

__all__ = ["BlockStorageClient"]


class BlockStorageClient(BlockStorageRestClient, Waiter):
    """Volumes and their snapshots. Sizes are GiB.

    What is returned is as the server sent it (compute.md section 9). Methods that change something and get no answer
    return the headers of the reply.
    """

    # volumes --------------------------------------------------------------------------------------------------------

    def list_volumes(self, detail: bool | None = None) -> list[Json]:
        """The volumes: `{"id", "display_name", "links"}`, or with `detail` everything."""
        return members(self.volumes_get(detail=detail), "volumes")

    def get_volume_details(self, volume_id: int | str) -> Json:
        """One volume. Raises NotFound."""
        return member(self.volumes_get(volume_id=needed(volume_id)), "volume")

    def create_volume(
        self,
        size: int,
        availability_zone: str | None = None,
        source_volid: int | str | None = None,
        display_name: str | None = None,
        display_description: str | None = None,
        snapshot_id: str | None = None,
        imageRef: str | None = None,
        volume_type: int | str | None = None,
        bootable: bool | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> Json:
        """Make a volume, empty or from an image, a snapshot or another volume."""
        reply = self.volumes_post(
            size,
            availability_zone=availability_zone,
            source_volid=source_volid,
            display_name=display_name,
            display_description=display_description,
            snapshot_id=snapshot_id,
            imageRef=imageRef,
            volume_type=volume_type,
            bootable=bootable,
            metadata=metadata,
        )
        return member(reply, "volume")

    def update_volume(
        self,
        volume_id: int | str,
        display_name: str | None = None,
        display_description: str | None = None,
        delete_on_termination: bool | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> Json:
        """Change what is given, and return the volume. `metadata` is merged into what is there."""
        if metadata:
            # A PUT of the volume would do it in OpenStack, replacing what is there; Cyclades takes it only here.
            self.volumes_metadata_post(volume_id, {"metadata": dict(metadata)})
        if display_name is None and display_description is None and delete_on_termination is None:
            if not metadata:
                raise BadRequest("nothing is said that is to change", 0, hint="give a name, a description, metadata")
            return self.get_volume_details(volume_id)
        reply = self.volumes_put(
            volume_id,
            display_name=display_name,
            display_description=display_description,
            delete_on_termination=delete_on_termination,
        )
        return member(reply, "volume")

    def delete_volume(self, volume_id: int | str) -> Headers:
        """Delete a volume. One that was never attached is gone at once, others when their status is deleted."""
        return self.volumes_delete(volume_id).headers

    # snapshots ------------------------------------------------------------------------------------------------------

    def list_snapshots(self, detail: bool | None = None) -> list[Json]:
        """The snapshots. Cyclades sends everything, with and without `detail`."""
        return members(self.snapshots_get(detail=detail), "snapshots")

    def get_snapshot_details(self, snapshot_id: str) -> Json:
        """One snapshot. Raises NotFound."""
        return member(self.snapshots_get(snapshot_id=needed(snapshot_id)), "snapshot")

    def create_snapshot(
        self,
        volume_id: int | str,
        force: bool | None = None,
        display_name: str | None = None,
        display_description: str | None = None,
    ) -> Json:
        """Take a snapshot of a volume; `force` also while it is in use."""
        reply = self.snapshots_post(
            volume_id, force=force, display_name=display_name, display_description=display_description
        )
        return member(reply, "snapshot")

    def update_snapshot(
        self, snapshot_id: str, display_name: str | None = None, display_description: str | None = None
    ) -> Json:
        """Change name or description, and return the snapshot."""
        reply = self.snapshots_put(snapshot_id, display_name=display_name, display_description=display_description)
        return member(reply, "snapshot")

    def delete_snapshot(self, snapshot_id: str) -> Headers:
        """Delete a snapshot."""
        return self.snapshots_delete(snapshot_id).headers

    # kinds of volumes -----------------------------------------------------------------------------------------------

    def list_volume_types(self) -> list[Json]:
        """The kinds of volumes: `{"id", "name", "SNF:disk_template", …}`."""
        return members(self.types_get(), "volume_types")

    def get_volume_type_details(self, type_id: int | str) -> Json:
        """One kind of volume. Raises NotFound."""
        return member(self.types_get(needed(type_id)), "volume_type")

    # waiting --------------------------------------------------------------------------------------------------------

    def get_volume_status(self, volume_id: int | str) -> Status:
        """The status, and None for how much is done: no server tells."""
        status = self.get_volume_details(volume_id).get("status")
        if not isinstance(status, str):
            raise BadReply(f"the server does not say in which status the volume {volume_id!r} is")
        return status, None

    def wait_volume(
        self,
        volume_id: int | str,
        stop: Callable[[Json], bool] | None = None,
        delay: float = 1,
        timeout: float = 100,
        wait_cb: ProgressBar | None = None,
    ) -> Json | Literal[False]:
        """Wait until `stop` is true of the volume (by default: until it is no longer being created).

        The volume as it is then; False after `timeout` seconds. `delay` and `wait_cb` as for `wait_volume_while`.
        """
        found, done = poll(
            partial(self.get_volume_details, volume_id),
            stop or _is_made,
            delay=delay,
            max_wait=timeout,
            wait_cb=wait_cb,
            timing=self.timing,
        )
        return found if done else False

    def wait_volume_while(
        self,
        volume_id: int | str,
        current_status: str = "creating",
        delay: float = 1,
        max_wait: float = 100,
        wait_cb: ProgressBar | None = None,
    ) -> str | Literal[False]:
        """Wait as long as a volume is in a status. The status that it has then; False after `max_wait` seconds.

        It is asked after `delay` seconds, then less and less often. `wait_cb` counts `max_wait / delay` steps of the
        time (`clients.progressbars`).
        """
        return self._wait_while(partial(self.get_volume_status, volume_id), current_status, delay, max_wait, wait_cb)

    def wait_volume_until(
        self,
        volume_id: int | str,
        target_status: str = "in_use",
        delay: float = 1,
        max_wait: float = 100,
        wait_cb: ProgressBar | None = None,
    ) -> str | Literal[False]:
        """Wait until a volume is in a status. That status, or the one in which it is stuck (an error, deleted); False
        after `max_wait` seconds. `delay` and `wait_cb` as for `wait_volume_while`."""
        return self._wait_until(partial(self.get_volume_status, volume_id), target_status, delay, max_wait, wait_cb)


def _is_made(volume: Json) -> bool:
    return not same_status(str(volume.get("status")), "creating")
