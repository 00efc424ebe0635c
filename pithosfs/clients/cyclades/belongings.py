"""What a server may have beside its own settings: key pairs, tags, attached volumes."""

from __future__ import annotations

from collections.abc import Iterable

from pithosfs.clients.cyclades.rest_api import CycladesComputeRestClient
from pithosfs.clients.json_client import Headers, Json, drop_none, member, members, needed
from pithosfs.errors import BadReply

__all__ = ["BelongingsClient"]


class BelongingsClient(CycladesComputeRestClient):
    """What `CycladesComputeClient` does with key pairs, tags and attached volumes."""

    # key pairs ------------------------------------------------------------------------------------------------------

    def list_keypairs(self) -> list[Json]:
        """The user's key pairs: `{"name", "fingerprint", "public_key"}`."""
        return [one.get("keypair", one) for one in members(self.keypairs_get(), "keypairs")]

    def get_keypair_details(self, key_name: str) -> Json:
        """One key pair. Raises NotFound."""
        return member(self.keypairs_get(needed(key_name)), "keypair")

    def generate_keypair(self, key_name: str) -> Json:
        """Let the server make a key pair. The `private_key` in the answer is shown this once. Raises Conflict."""
        return member(self.keypairs_post({"keypair": {"name": key_name}}), "keypair")

    def upload_keypair(self, key_name: str, public_key: str) -> Json:
        """Store a public key. Raises Conflict when there is one of that name."""
        return member(self.keypairs_post({"keypair": {"name": key_name, "public_key": public_key}}), "keypair")

    def delete_keypair(self, key_name: str) -> Headers:
        """Remove a key pair. Raises NotFound."""
        return self.keypairs_delete(key_name).headers

    # tags -----------------------------------------------------------------------------------------------------------

    def list_server_tags(self, server_id: int | str) -> dict[str, str]:
        """Tag → status: `ACTIVE`, or `PENDADD` and `PENDDEL` while it is being set or removed."""
        return _tags(self.servers_tags_get(server_id).json())

    def get_server_tag_status(self, server_id: int | str, tag: str) -> str:
        """The status of one tag, empty if the server tells none. Raises NotFound."""
        return self.servers_tags_get(server_id, needed(tag)).headers.get("tag-status", "")

    def add_server_tag(self, server_id: int | str, tag: str) -> Headers:
        """Set one tag, and leave the others."""
        return self.servers_tags_put(server_id, needed(tag)).headers

    def replace_server_tags(self, server_id: int | str, tags: Iterable[str]) -> dict[str, str]:
        """Make these the tags of a server. Tag → status as of then."""
        return _tags(self.servers_tags_put(server_id, json_data={"tags": list(tags)}).json())

    def delete_server_tag(self, server_id: int | str, tag: str) -> Headers:
        """Remove one tag. Raises NotFound."""
        return self.servers_tags_delete(server_id, needed(tag)).headers

    def delete_server_tags(self, server_id: int | str) -> Headers:
        """Remove all tags. Raises NotFound when there is none."""
        return self.servers_tags_delete(server_id).headers

    # attached volumes -----------------------------------------------------------------------------------------------

    def list_volume_attachments(self, server_id: int | str) -> list[Json]:
        """The volumes of a server: `{"id", "volumeId", "serverId", "device"}`."""
        return members(self.volume_attachments_get(server_id), "volumeAttachments")

    def get_volume_attachment(self, server_id: int | str, attachment_id: int | str) -> Json:
        """One attached volume. Raises BadRequest when it is not attached there."""
        return member(self.volume_attachments_get(server_id, needed(attachment_id)), "volumeAttachment")

    def attach_volume(self, server_id: int | str, volume_id: int | str) -> Json:
        """Attach an available volume."""
        wish = drop_none(volumeId=str(volume_id))
        return member(self.volume_attachments_post(server_id, {"volumeAttachment": wish}), "volumeAttachment")

    def delete_volume_attachment(self, server_id: int | str, attachment_id: int | str) -> Headers:
        """Detach by the id of the attachment."""
        return self.volume_attachments_delete(server_id, attachment_id).headers

    def detach_volume(self, server_id: int | str, volume_id: int | str) -> list[str]:
        """Detach a volume, wherever on the server it is. The ids of the attachments that were there."""
        found = [
            str(one["id"])
            for one in self.list_volume_attachments(server_id)
            if "id" in one and str(one.get("volumeId")) == str(volume_id)
        ]
        for attachment_id in found:
            self.delete_volume_attachment(server_id, attachment_id)
        return found


def _tags(found: object) -> dict[str, str]:
    tags = found.get("tags") if isinstance(found, dict) else None
    if not isinstance(found, dict) or not isinstance(tags, list):
        raise BadReply("the server sent something else than a list of tags")
    statuses = found.get("statuses") or ["ACTIVE"] * len(tags)  # OpenStack tells none
    return dict(zip(tags, statuses, strict=False))
