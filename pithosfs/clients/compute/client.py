"""The working layer above the requests: `ComputeClient`."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, MutableMapping
from typing import Any

from pithosfs.clients.compute.rest_api import ComputeRestClient
from pithosfs.clients.json_client import Headers, Json, copy_headers, drop_none, member, members, needed
from pithosfs.errors import BadReply

__all__ = ["ComputeClient", "Networks", "Personality", "Wanted", "encoded"]

Wanted = MutableMapping[str, Any] | None
"""A dictionary with the names of headers, into which their values are written."""

Networks = Iterable[Mapping[str, Any]] | None
"""`{"uuid": network}`, with a `fixed_ip` if that is wanted, or `{"port": port}`. None leaves it to the cloud, an empty
list means none."""

Personality = Iterable[Mapping[str, Any]] | None
"""Files to put into a server: `{"path", "contents" (base64), "owner", "group", "mode"}`."""


class ComputeClient(ComputeRestClient):
    """Servers, flavors and images of a compute service, as OpenStack has them.

    What is returned is as the server sent it: dictionaries with the keys of compute.md. Methods that change something
    and get no answer return the headers of the reply. Errors are those of `pithosfs.errors`.
    """

    # servers --------------------------------------------------------------------------------------------------------

    def list_servers(
        self,
        detail: bool = False,
        changes_since: str | None = None,
        image: str | None = None,
        flavor: int | str | None = None,
        name: str | None = None,
        marker: int | str | None = None,
        limit: int | None = None,
        status: str | None = None,
        host: str | None = None,
        response_headers: Wanted = None,
    ) -> list[Json]:
        """The servers: `{"id", "name", "links"}`, or with `detail` everything. With `changes_since` only what has
        changed, deleted ones too; empty when nothing has."""
        reply = self.servers_get(
            detail=bool(detail),
            changes_since=changes_since,
            image=image,
            flavor=flavor,
            name=name,
            marker=marker,
            limit=limit,
            status=status,
            host=host,
            success=(200, 304) if changes_since else 200,
        )
        copy_headers(reply, response_headers)
        return members(reply, "servers")

    def get_server_details(
        self,
        server_id: int | str,
        changes_since: str | None = None,
        image: str | None = None,
        flavor: int | str | None = None,
        name: str | None = None,
        marker: int | str | None = None,
        limit: int | None = None,
        status: str | None = None,
        host: str | None = None,
        response_headers: Wanted = None,
        **kwargs: Any,
    ) -> Json:
        """One server. Raises NotFound. The filters go out as for a list, and mean nothing to a Cyclades server."""
        reply = self.servers_get(
            needed(server_id),
            changes_since=changes_since,
            image=image,
            flavor=flavor,
            name=name,
            marker=marker,
            limit=limit,
            status=status,
            host=host,
            **kwargs,
        )
        copy_headers(reply, response_headers)
        return member(reply, "server")

    def create_server(
        self,
        name: str,
        flavor_id: int | str,
        image_id: str,
        security_group: str | None = None,
        user_data: str | bytes | None = None,
        availability_zone: str | None = None,
        metadata: Mapping[str, str] | None = None,
        personality: Personality = None,
        networks: Networks = None,
        response_headers: Wanted = None,
    ) -> Json:
        """Make a server, and return it as it is at the start, with its `adminPass`. `user_data` is what the server is
        given at its first boot, as it is."""
        server = drop_none(
            name=name,
            flavorRef=flavor_id,
            imageRef=image_id,
            metadata=dict(metadata) if metadata else None,
            personality=list(personality) if personality else None,
            networks=None if networks is None else list(networks),
            user_data=None if user_data is None else encoded(user_data),
        )
        reply = self.servers_post(
            security_group=security_group, availability_zone=availability_zone, json_data={"server": server}
        )
        copy_headers(reply, response_headers)
        return member(reply, "server")

    def update_server_name(self, server_id: int | str, new_name: str) -> Headers:
        """Rename a server."""
        return self.servers_put(server_id, server_name=new_name).headers

    def delete_server(self, server_id: int | str) -> Headers:
        """Delete a server. It is gone when its status is DELETED."""
        return self.servers_delete(server_id).headers

    # actions

    def _act(self, server_id: int | str, action: str, arguments: object) -> Headers:
        return self.servers_action_post(server_id, json_data={action: arguments}).headers

    def start_server(self, server_id: int | str) -> Headers:
        """Start a stopped server."""
        return self._act(server_id, "os-start", None)

    def shutdown_server(self, server_id: int | str) -> Headers:
        """Stop a server."""
        return self._act(server_id, "os-stop", None)

    def reboot_server(self, server_id: int | str, hard: bool = False) -> Headers:
        """Reboot a server; `hard` does not ask its system."""
        return self._act(server_id, "reboot", {"type": "HARD" if hard else "SOFT"})

    def resize_server(self, server_id: int | str, flavor_id: int | str) -> Headers:
        """Give a server another flavor. A Cyclades server has to be stopped; elsewhere the resize is to be confirmed or
        reverted."""
        return self._act(server_id, "resize", {"flavorRef": flavor_id})

    def confirm_resize_server(self, server_id: int | str) -> Headers:
        """Keep the new flavor. Not in Cyclades."""
        return self._act(server_id, "confirmResize", None)

    def revert_resize_server(self, server_id: int | str) -> Headers:
        """Go back to the old flavor. Not in Cyclades."""
        return self._act(server_id, "revertResize", None)

    def change_admin_password(self, server_id: int | str, new_password: str) -> Headers:
        """Set the password of the administrator. Not in Cyclades."""
        return self._act(server_id, "changePassword", {"adminPass": new_password})

    def rebuild_server(self, server_id: int | str, response_headers: Wanted = None) -> Json:
        """Make a server anew from its image, under its name. Not in Cyclades."""
        before = self.get_server_details(server_id)
        image = before.get("image")
        if not isinstance(image, dict) or "id" not in image:
            raise BadReply(f"the server does not say from which image {server_id!r} was made")
        wish = drop_none(imageRef=image["id"], name=before.get("name"), metadata=before.get("metadata"))
        reply = self.servers_action_post(server_id, json_data={"rebuild": wish})
        copy_headers(reply, response_headers)
        return member(reply, "server")

    def create_server_image(self, server_id: int | str, image_name: str, **metadata: str) -> str:
        """Make an image of a server, and return its address. Not in Cyclades."""
        wish = drop_none(name=image_name, metadata=metadata or None)
        headers = self._act(server_id, "createImage", wish)
        if "Location" not in headers:
            raise BadReply("the server does not say where the new image is")
        return headers["Location"]

    # addresses

    def get_server_nics(self, server_id: int | str, changes_since: str | None = None) -> Json:
        """`{"addresses": {network id: […]}, "attachments": […]}`; empty when nothing has changed."""
        reply = self.servers_ips_get(server_id, changes_since=changes_since)
        if reply.status_code == 304:
            return {}
        found: Json = reply.json()
        return found

    def get_server_network_nics(
        self, server_id: int | str, network_id: int | str, changes_since: str | None = None
    ) -> Json:
        """`{network id: [{"version", "addr", "OS-EXT-IPS:type"}]}`; empty when it is not connected, or when nothing has
        changed."""
        reply = self.servers_ips_get(server_id, needed(network_id), changes_since=changes_since)
        return {} if reply.status_code == 304 else member(reply, "network")

    # metadata

    def get_server_metadata(self, server_id: int | str, key: str = "", response_headers: Wanted = None) -> Json:
        """The metadata of a server, or one item of it, as a dictionary. Raises NotFound."""
        reply = self.servers_metadata_get(server_id, key)
        copy_headers(reply, response_headers)
        return member(reply, "meta" if key else "metadata")

    def create_server_metadata(self, server_id: int | str, key: str, val: str) -> Json:
        """Set one item, and return it as a dictionary."""
        return member(self.servers_metadata_put(server_id, str(needed(key)), json_data={"meta": {key: val}}), "meta")

    def update_server_metadata(self, server_id: int | str, response_headers: Wanted = None, **metadata: str) -> Json:
        """Set some items and leave the rest. All of the metadata as it is then."""
        reply = self.servers_metadata_post(server_id, json_data={"metadata": metadata})
        copy_headers(reply, response_headers)
        return member(reply, "metadata")

    def delete_server_metadata(self, server_id: int | str, key: str) -> Headers:
        """Remove one item. Raises NotFound."""
        return self.servers_metadata_delete(server_id, key).headers

    # flavors --------------------------------------------------------------------------------------------------------

    def list_flavors(self, detail: bool = False, response_headers: Wanted = None) -> list[Json]:
        """The flavors: `{"id", "name", "links"}`, or with `detail` `vcpus`, `ram` (MiB), `disk` (GiB) and more."""
        reply = self.flavors_get(detail=bool(detail))
        copy_headers(reply, response_headers)
        return members(reply, "flavors")

    def get_flavor_details(self, flavor_id: int | str) -> Json:
        """One flavor. Raises NotFound."""
        return member(self.flavors_get(needed(flavor_id)), "flavor")

    # images ---------------------------------------------------------------------------------------------------------

    def list_images(self, detail: bool = False, response_headers: Wanted = None) -> list[Json]:
        """The images: `{"id", "name"}`, or with `detail` everything, properties as `metadata`."""
        reply = self.images_get(detail=bool(detail))
        copy_headers(reply, response_headers)
        return members(reply, "images")

    def get_image_details(self, image_id: str, **kwargs: Any) -> Json:
        """One image. Raises NotFound."""
        return member(self.images_get(str(needed(image_id)), **kwargs), "image")

    def delete_image(self, image_id: str) -> Headers:
        """Delete an image. In Cyclades the file that it was registered from stays."""
        return self.images_delete(image_id).headers

    def get_image_metadata(self, image_id: str, key: str = "", response_headers: Wanted = None) -> Json:
        """The properties of an image, or one of them, as a dictionary. Raises NotFound."""
        reply = self.images_metadata_get(image_id, key)
        copy_headers(reply, response_headers)
        return member(reply, "meta" if key else "metadata")

    def update_image_metadata(self, image_id: str, response_headers: Wanted = None, **metadata: str) -> Json:
        """Set some properties and leave the rest. All of them as they are then."""
        reply = self.images_metadata_post(image_id, json_data={"metadata": metadata})
        copy_headers(reply, response_headers)
        return member(reply, "metadata")

    def delete_image_metadata(self, image_id: str, key: str) -> Headers:
        """Remove one property. `ImageClient.update_image` with an empty value does it on every server."""
        return self.images_metadata_delete(image_id, key).headers

    # floating addresses ---------------------------------------------------------------------------------------------
    # The tenant is in the endpoint's address, if the cloud wants it there: `tenant_id` is without effect.

    def get_floating_ip_pools(self, tenant_id: str) -> Json:
        """`{"floating_ip_pools": [{"name"}]}`. Not in Cyclades."""
        found: Json = self.floating_ip_pools_get().json()
        return found

    def get_floating_ips(self, tenant_id: str) -> Json:
        """`{"floating_ips": [{"id", "ip", "instance_id", "fixed_ip", "pool"}]}`."""
        found: Json = self.floating_ips_get().json()
        return found

    def alloc_floating_ip(self, tenant_id: str, pool: str | None = None) -> Json:
        """Reserve an address of a pool, or of any."""
        return member(self.floating_ips_post(drop_none(pool=pool)), "floating_ip")

    def get_floating_ip(self, tenant_id: str, fip_id: int | str | None = None) -> Json:
        """One address, by its id. Raises NotFound."""
        # Cyclades answers in the words of its network service.
        return member(self.floating_ips_get(needed(fip_id)), "floating_ip", "floatingip")

    def delete_floating_ip(self, tenant_id: str, fip_id: int | str | None = None) -> Headers:
        """Give an address back. Raises Conflict while it is in use."""
        return self.floating_ips_delete(needed(fip_id)).headers


def encoded(content: str | bytes) -> str:
    """Bytes, or text as UTF-8, as JSON carries them: base64."""
    return base64.b64encode(content.encode() if isinstance(content, str) else content).decode("ascii")
