"""The requests that Cyclades adds to those of OpenStack's compute and volume services. Source: compute.md.

Every method returns the reply. For `success` and the further arguments see `JsonClient`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pithosfs.clients.blockstorage import BlockStorageClient
from pithosfs.clients.compute import ComputeClient
from pithosfs.clients.json_client import Codes, codes, drop_none, item
from pithosfs.http import Reply

__all__ = ["CycladesBlockStorageRestClient", "CycladesComputeRestClient", "CycladesRestClient"]


class CycladesComputeRestClient(ComputeClient):
    """Requests about servers that only Cyclades has, and those about key pairs and attached volumes."""

    def servers_stats_get(self, server_id: int | str, **kwargs: Any) -> Reply:
        """GET where the graphs of a server are."""
        return self.send("GET", "servers", server_id, "stats", success=kwargs.pop("success", 200), options=kwargs)

    def servers_diagnostics_get(self, server_id: int | str, **kwargs: Any) -> Reply:
        """GET what happened while a server was made."""
        success = kwargs.pop("success", 200)
        return self.send("GET", "servers", server_id, "diagnostics", success=success, options=kwargs)

    def servers_password_get(self, server_id: int | str, success: Codes = 200, **kwargs: Any) -> Reply:
        """GET the password that was made for a server, while it is known."""
        return self.send("GET", "servers", server_id, "password", success=success, options=kwargs)

    def servers_password_delete(self, server_id: int | str, success: Codes = 204, **kwargs: Any) -> Reply:
        """DELETE: forget the password."""
        return self.send("DELETE", "servers", server_id, "password", success=success, options=kwargs)

    # tags

    def servers_tags_get(
        self, server_id: int | str, tag: int | str | None = None, success: Codes = (200, 204), **kwargs: Any
    ) -> Reply:
        """GET the tags of a server, or one of them: 204, with its status in the header `tag-status`."""
        return self.send("GET", "servers", server_id, "tags", *item(tag), success=success, options=kwargs)

    def servers_tags_put(
        self,
        server_id: int | str,
        tag: int | str | None = None,
        json_data: object = None,
        success: Codes = (200, 201, 204),
        **kwargs: Any,
    ) -> Reply:
        """PUT one tag, or all of them (`{"tags": […]}`)."""
        path = ("servers", server_id, "tags", *item(tag))
        return self.send("PUT", *path, success=success, json_data=json_data, options=kwargs)

    def servers_tags_delete(
        self, server_id: int | str, tag: int | str | None = None, success: Codes = 204, **kwargs: Any
    ) -> Reply:
        """DELETE one tag, or all."""
        return self.send("DELETE", "servers", server_id, "tags", *item(tag), success=success, options=kwargs)

    # attached volumes

    def volume_attachments_get(
        self, server_id: int | str, attachment_id: int | str | None = None, success: Codes = 200, **kwargs: Any
    ) -> Reply:
        """GET an attached volume, or the list of them."""
        path = ("servers", server_id, "os-volume_attachments", *item(attachment_id))
        return self.send("GET", *path, success=success, options=kwargs)

    def volume_attachments_post(
        self, server_id: int | str, json_data: object = None, success: Codes = 202, **kwargs: Any
    ) -> Reply:
        """POST: attach a volume (`{"volumeAttachment": {"volumeId": id}}`)."""
        path = ("servers", server_id, "os-volume_attachments")
        return self.send("POST", *path, success=codes(success, 202, 200), json_data=json_data, options=kwargs)

    def volume_attachments_delete(
        self, server_id: int | str, attachment_id: int | str, success: Codes = 202, **kwargs: Any
    ) -> Reply:
        """DELETE: detach a volume."""
        path = ("servers", server_id, "os-volume_attachments", attachment_id)
        return self.send("DELETE", *path, success=success, options=kwargs)

    # key pairs

    def keypairs_get(self, key_name: int | str | None = None, success: Codes = 200, **kwargs: Any) -> Reply:
        """GET a key pair, or the list of them."""
        return self.send("GET", "os-keypairs", *item(key_name), success=success, options=kwargs)

    def keypairs_post(self, json_data: object = None, success: Codes = 201, **kwargs: Any) -> Reply:
        """POST a key pair (`{"keypair": {"name", "public_key"}}`); without a public key the server makes both."""
        return self.send("POST", "os-keypairs", success=codes(success, 201, 200), json_data=json_data, options=kwargs)

    def keypairs_delete(self, key_name: str, success: Codes = 204, **kwargs: Any) -> Reply:
        """DELETE a key pair."""
        return self.send("DELETE", "os-keypairs", key_name, success=codes(success, 204, 202), options=kwargs)


class CycladesBlockStorageRestClient(BlockStorageClient):
    """The requests about volumes that Cyclades has otherwise."""

    def volumes_post(  # type: ignore[override]  # the order of its arguments is another one
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
        success: Codes = 202,
        *,
        shared_to_project: bool | None = None,
        **kwargs: Any,
    ) -> Reply:
        """POST a volume, attached to a server if one is given."""
        volume = drop_none(
            size=size,
            server_id=server_id,
            display_name=display_name,
            display_description=display_description,
            snapshot_id=snapshot_id,
            imageRef=imageRef,
            volume_type=volume_type,
            metadata=None if metadata is None else dict(metadata),
            project=project,
            shared_to_project=shared_to_project,
        )
        return self.send("POST", "volumes", success=success, json_data={"volume": volume}, options=kwargs)

    def volumes_action_post(
        self, volume_id: int | str, json_data: object, success: Codes = 200, **kwargs: Any
    ) -> Reply:
        """POST an action (`{"reassign": {"project": id}}`)."""
        accepted = codes(success, 200, 202)
        return self.send("POST", "volumes", volume_id, "action", success=accepted, json_data=json_data, options=kwargs)


CycladesRestClient = CycladesComputeRestClient
