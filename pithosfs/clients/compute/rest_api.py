"""One method per request of the compute API that OpenStack and Cyclades share. Source: compute.md sections 2 to 7.

Every method returns the reply. `success` names the statuses that are no error; unless it says anything else, those of
both kinds of cloud are fine. For the further arguments see `JsonClient`.
"""

from __future__ import annotations

from typing import Any

from pithosfs.clients.json_client import Codes, JsonClient, codes, item
from pithosfs.http import Reply

__all__ = ["ComputeRestClient"]


class ComputeRestClient(JsonClient):
    """The requests of the compute service. Servers and flavors have numbers as ids, images uuids.

    Dates are ISO 8601 with an offset. Servers of Cyclades accept the filters and page limits of lists, and ignore them.
    """

    service_type = "compute"

    # servers --------------------------------------------------------------------------------------------------------

    def servers_get(
        self,
        server_id: int | str = "",
        detail: bool = False,
        changes_since: str | None = None,
        image: str | None = None,
        flavor: int | str | None = None,
        name: str | None = None,
        marker: int | str | None = None,
        limit: int | None = None,
        status: str | None = None,
        host: str | None = None,
        success: Codes = 200,
        **kwargs: Any,
    ) -> Reply:
        """GET a server, or the list of them, brief or with details."""
        params = {
            "changes-since": changes_since,
            "image": image,
            "flavor": flavor,
            "name": name,
            "marker": marker,
            "limit": limit,
            "status": status,
            "host": host,
        }
        return self.send("GET", "servers", *item(server_id, detail), success=success, params=params, options=kwargs)

    def servers_post(
        self,
        security_group: str | None = None,
        user_data: str | None = None,
        availability_zone: str | None = None,
        json_data: object = None,
        success: Codes = 202,
        **kwargs: Any,
    ) -> Reply:
        """POST a server (`{"server": …}`). The named arguments go into the query."""
        params = {
            "security_group": security_group,
            "user_data": user_data,
            "availability_zone": availability_zone,
        }
        return self.send("POST", "servers", success=success, json_data=json_data, params=params, options=kwargs)

    def servers_put(
        self,
        server_id: int | str,
        server_name: str | None = None,
        json_data: object = None,
        success: Codes = 204,
        **kwargs: Any,
    ) -> Reply:
        """PUT a server: its name, unless `json_data` says something else."""
        if json_data is None and server_name is not None:
            json_data = {"server": {"name": server_name}}
        accepted = codes(success, 204, 200)
        return self.send("PUT", "servers", server_id, success=accepted, json_data=json_data, options=kwargs)

    def servers_delete(self, server_id: int | str, success: Codes = 204, **kwargs: Any) -> Reply:
        """DELETE a server."""
        return self.send("DELETE", "servers", server_id, success=success, options=kwargs)

    def servers_action_post(
        self, server_id: int | str, json_data: object = None, success: Codes = 202, **kwargs: Any
    ) -> Reply:
        """POST an action: `{name: arguments}`, exactly one."""
        accepted = codes(success, 202, 200, 204)
        return self.send("POST", "servers", server_id, "action", success=accepted, json_data=json_data, options=kwargs)

    def servers_ips_get(
        self,
        server_id: int | str,
        network_id: int | str | None = None,
        changes_since: str | None = None,
        success: Codes = (304, 200),
        **kwargs: Any,
    ) -> Reply:
        """GET the addresses of a server, on one network or on all."""
        path = ("servers", server_id, "ips", *item(network_id))
        return self.send("GET", *path, success=success, params={"changes-since": changes_since}, options=kwargs)

    def servers_metadata_get(
        self, server_id: int | str, key: str | None = None, success: Codes = 200, **kwargs: Any
    ) -> Reply:
        """GET the metadata of a server, one item (`{"meta": …}`) or all (`{"metadata": …}`)."""
        return self.send("GET", "servers", server_id, "metadata", *item(key), success=success, options=kwargs)

    def servers_metadata_post(
        self, server_id: int | str, json_data: object = None, success: Codes = 202, **kwargs: Any
    ) -> Reply:
        """POST metadata that is merged into what is there (`{"metadata": …}`)."""
        accepted = codes(success, 202, 200, 201)
        return self.send(
            "POST", "servers", server_id, "metadata", success=accepted, json_data=json_data, options=kwargs
        )

    def servers_metadata_put(
        self,
        server_id: int | str,
        key: str | None = None,
        json_data: object = None,
        success: Codes = 204,
        **kwargs: Any,
    ) -> Reply:
        """PUT one item of the metadata (`{"meta": {key: value}}`); without a key all of it, which Cyclades refuses."""
        path = ("servers", server_id, "metadata", *item(key))
        accepted = codes(success, 204, 200, 201)
        return self.send("PUT", *path, success=accepted, json_data=json_data, options=kwargs)

    def servers_metadata_delete(self, server_id: int | str, key: str, success: Codes = 204, **kwargs: Any) -> Reply:
        """DELETE one item of the metadata."""
        return self.send("DELETE", "servers", server_id, "metadata", key, success=success, options=kwargs)

    # flavors --------------------------------------------------------------------------------------------------------

    def flavors_get(
        self,
        flavor_id: int | str = "",
        detail: bool = False,
        changes_since: str | None = None,
        minDisk: int | None = None,
        minRam: int | None = None,
        marker: int | str | None = None,
        limit: int | None = None,
        success: Codes = 200,
        **kwargs: Any,
    ) -> Reply:
        """GET a flavor, or the list of them. `minDisk` is GiB, `minRam` MiB."""
        params = {
            "changes-since": changes_since,
            "minDisk": minDisk,
            "minRam": minRam,
            "marker": marker,
            "limit": limit,
        }
        return self.send("GET", "flavors", *item(flavor_id, detail), success=success, params=params, options=kwargs)

    # images ---------------------------------------------------------------------------------------------------------

    def images_get(
        self,
        image_id: str = "",
        detail: bool = False,
        changes_since: str | None = None,
        server_name: str | None = None,
        name: str | None = None,
        status: str | None = None,
        marker: str | None = None,
        limit: int | None = None,
        type: str | None = None,
        success: Codes = 200,
        **kwargs: Any,
    ) -> Reply:
        """GET an image, or the list of them. `server_name`: those made from that server."""
        params = {
            "changes-since": changes_since,
            "server": server_name,
            "name": name,
            "status": status,
            "marker": marker,
            "limit": limit,
            "type": type,
        }
        return self.send("GET", "images", *item(image_id, detail), success=success, params=params, options=kwargs)

    def images_delete(self, image_id: str = "", success: Codes = 204, **kwargs: Any) -> Reply:
        """DELETE an image. Raises BadRequest without an id."""
        return self.send("DELETE", "images", image_id, success=success, options=kwargs)

    def images_metadata_get(self, image_id: str, key: str | None = None, success: Codes = 200, **kwargs: Any) -> Reply:
        """GET the metadata of an image, one item (`{"meta": …}`) or all (`{"metadata": …}`)."""
        return self.send("GET", "images", image_id, "metadata", *item(key), success=success, options=kwargs)

    def images_metadata_post(
        self, image_id: str, json_data: object = None, success: Codes = 201, **kwargs: Any
    ) -> Reply:
        """POST metadata that is merged into what is there (`{"metadata": …}`)."""
        accepted = codes(success, 201, 200)
        return self.send("POST", "images", image_id, "metadata", success=accepted, json_data=json_data, options=kwargs)

    def images_metadata_put(
        self,
        image_id: str,
        key: str | None = None,
        json_data: object = None,
        success: Codes = 201,
        **kwargs: Any,
    ) -> Reply:
        """PUT one item of the metadata (`{"meta": {key: value}}`); without a key all of it, which Cyclades refuses."""
        path = ("images", image_id, "metadata", *item(key))
        accepted = codes(success, 201, 200)
        return self.send("PUT", *path, success=accepted, json_data=json_data, options=kwargs)

    def images_metadata_delete(self, image_id: str, key: str, success: Codes = 204, **kwargs: Any) -> Reply:
        """DELETE one item of the metadata. A Cyclades server may answer 204 and leave it there."""
        return self.send("DELETE", "images", image_id, "metadata", key, success=success, options=kwargs)

    # floating addresses and limits ----------------------------------------------------------------------------------

    def floating_ip_pools_get(self, success: Codes = 200, **kwargs: Any) -> Reply:
        """GET the pools of floating addresses. Cyclades has no such request (400)."""
        return self.send("GET", "os-floating-ip-pools", success=success, options=kwargs)

    def floating_ips_get(self, ip: int | str = "", success: Codes = 200, **kwargs: Any) -> Reply:
        """GET a floating address by its id, or all."""
        return self.send("GET", "os-floating-ips", *item(ip), success=success, options=kwargs)

    def floating_ips_post(self, json_data: object, ip: int | str = "", success: Codes = 200, **kwargs: Any) -> Reply:
        """POST: reserve an address (`{"pool": name}` or `{}`)."""
        accepted = codes(success, 200, 201, 202)
        return self.send("POST", "os-floating-ips", *item(ip), success=accepted, json_data=json_data, options=kwargs)

    def floating_ips_delete(self, ip: int | str = "", success: Codes = 204, **kwargs: Any) -> Reply:
        """DELETE: give an address back. Raises BadRequest without an id."""
        accepted = codes(success, 204, 202)
        return self.send("DELETE", "os-floating-ips", ip, success=accepted, options=kwargs)

    def limits_get(self, success: Codes = 200, **kwargs: Any) -> Reply:
        """GET the limits of the account. Cyclades has no such request (400)."""
        return self.send("GET", "limits", success=success, options=kwargs)
