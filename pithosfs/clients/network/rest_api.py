"""One method per request of the network service. Source: network.md sections 2 to 6, 8.

Every method returns the reply. `success=` names the statuses that are no error (default: those of the clouds that there
are); for the further arguments see `JsonClient`.
"""

from __future__ import annotations

from typing import Any

from pithosfs.clients.json_client import JsonClient, item
from pithosfs.http import Reply

__all__ = ["NetworkRestClient"]

_MADE = (201, 200, 202)


class NetworkRestClient(JsonClient):
    """The requests of the network service. Ids are numbers, written as texts.

    What is sent is given as `json_data` (or `json=`): `{"network": …}` for one, `{"networks": […]}` for several.
    """

    service_type = "network"

    # networks -------------------------------------------------------------------------------------------------------

    def networks_get(self, network_id: int | str | None = None, **kwargs: Any) -> Reply:
        """GET a network, or the list of them."""
        return self._send("GET", 200, kwargs, "networks", *item(network_id))

    def networks_post(self, json_data: object, **kwargs: Any) -> Reply:
        """POST a network, or several."""
        return self._send("POST", _MADE, kwargs, "networks", json_data=json_data)

    def networks_put(self, network_id: int | str, json_data: object, **kwargs: Any) -> Reply:
        """PUT a network."""
        return self._send("PUT", 200, kwargs, "networks", network_id, json_data=json_data)

    def networks_delete(self, network_id: int | str, **kwargs: Any) -> Reply:
        """DELETE a network."""
        return self._send("DELETE", 204, kwargs, "networks", network_id)

    # subnets --------------------------------------------------------------------------------------------------------

    def subnets_get(self, subnet_id: int | str | None = None, **kwargs: Any) -> Reply:
        """GET a subnet, or the list of them."""
        return self._send("GET", 200, kwargs, "subnets", *item(subnet_id))

    def subnets_post(self, json_data: object, **kwargs: Any) -> Reply:
        """POST a subnet, or several."""
        return self._send("POST", _MADE, kwargs, "subnets", json_data=json_data)

    def subnets_put(self, subnet_id: int | str, json_data: object = None, **kwargs: Any) -> Reply:
        """PUT a subnet."""
        return self._send("PUT", 200, kwargs, "subnets", subnet_id, json_data=json_data)

    def subnets_delete(self, subnet_id: int | str, **kwargs: Any) -> Reply:
        """DELETE a subnet. Cyclades refuses (400): a subnet goes with its network."""
        return self._send("DELETE", 204, kwargs, "subnets", subnet_id)

    # ports ----------------------------------------------------------------------------------------------------------

    def ports_get(self, port_id: int | str | None = None, **kwargs: Any) -> Reply:
        """GET a port, or the list of them."""
        return self._send("GET", 200, kwargs, "ports", *item(port_id))

    def ports_post(self, json_data: object = None, **kwargs: Any) -> Reply:
        """POST a port, or several."""
        return self._send("POST", _MADE, kwargs, "ports", json_data=json_data)

    def ports_put(self, port_id: int | str, json_data: object = None, **kwargs: Any) -> Reply:
        """PUT a port."""
        return self._send("PUT", 200, kwargs, "ports", port_id, json_data=json_data)

    def ports_delete(self, port_id: int | str, **kwargs: Any) -> Reply:
        """DELETE a port."""
        return self._send("DELETE", 204, kwargs, "ports", port_id)

    # floating addresses ---------------------------------------------------------------------------------------------

    def floatingips_get(self, floatingip_id: int | str | None = None, **kwargs: Any) -> Reply:
        """GET a floating address, or the list of them."""
        return self._send("GET", 200, kwargs, "floatingips", *item(floatingip_id))

    def floatingips_post(self, json_data: object, **kwargs: Any) -> Reply:
        """POST: reserve an address."""
        return self._send("POST", _MADE, kwargs, "floatingips", json_data=json_data)

    def floatingips_put(self, floatingip_id: int | str, json_data: object, **kwargs: Any) -> Reply:
        """PUT a floating address. Cyclades refuses (501)."""
        return self._send("PUT", 200, kwargs, "floatingips", floatingip_id, json_data=json_data)

    def floatingips_delete(self, floatingip_id: int | str, **kwargs: Any) -> Reply:
        """DELETE: give an address back."""
        return self._send("DELETE", 204, kwargs, "floatingips", floatingip_id)

    def _send(
        self,
        method: str,
        success: int | tuple[int, ...],
        options: dict[str, Any],
        *path: object,
        json_data: object = None,
    ) -> Reply:
        success = options.pop("success", success)
        return self.send(method, *path, success=success, json_data=json_data, options=options)
