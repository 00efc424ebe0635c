"""The networks of Cyclades: `CycladesNetworkClient`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pithosfs.clients.json_client import Headers, Json, drop_none, member, members
from pithosfs.clients.network.checking import FixedIps, fixed_ips_of, floating_ip_of
from pithosfs.clients.network.client import NetworkClient, once
from pithosfs.errors import BadRequest

__all__ = ["CycladesNetworkClient"]


class CycladesNetworkClient(NetworkClient):
    """Networks, subnets, ports and floating addresses of Cyclades.

    A floating address is attached by making a port of its network for a server, with the address, and detached by
    deleting that port.
    """

    network_types = ("CUSTOM", "MAC_FILTERED", "IP_LESS_ROUTED", "PHYSICAL_VLAN")

    # networks -------------------------------------------------------------------------------------------------------

    def list_networks(self, detail: bool | None = None) -> list[Json]:
        """The networks that the user may see. Servers send everything, with and without `detail`."""
        return members(self.networks_get("detail" if detail else None), "networks")

    def create_network(  # type: ignore[override]  # it begins with another argument
        self,
        type: str,
        name: str | None = None,
        shared: bool | None = None,
        project_id: str | None = None,
        *,
        shared_to_project: bool | None = None,
    ) -> Json:
        """Make a network of one of `network_types`; most clouds let users make `MAC_FILTERED` ones. `project_id` pays
        for it, and with `shared_to_project` all its members may use it. Servers ignore `shared`."""
        if type not in self.network_types:
            kinds = ", ".join(self.network_types)
            raise BadRequest(f"there is no network of type {type!r}", 0, hint=f"one of {kinds}")
        wish = drop_none(
            type=type,
            admin_state_up=True,
            name=name,
            shared=shared,
            project=project_id,
            shared_to_project=shared_to_project,
        )
        return member(self.networks_post({"network": wish}), "network")

    def reassign_network(
        self, network_id: int | str, project_id: str, *, shared_to_project: bool | None = None, **kwargs: Any
    ) -> Headers:
        """Let another project pay for a network, and perhaps all its members use it."""
        return self._reassign("networks", network_id, project_id, shared_to_project, kwargs)

    # ports ----------------------------------------------------------------------------------------------------------

    def list_ports(self, detail: bool | None = None) -> list[Json]:
        """The user's ports. Servers send everything, with and without `detail`."""
        return once(members(self.ports_get("detail" if detail else None), "ports"))

    def create_port(  # type: ignore[override]  # the order of its arguments is another one
        self,
        network_id: int | str,
        device_id: int | str | None = None,
        security_groups: Iterable[str] | None = None,
        name: str | None = None,
        fixed_ips: FixedIps = None,
    ) -> Json:
        """Make a port of a network, and connect it to a server (`device_id`) if one is given. On a public network
        `fixed_ips` names the floating address to attach."""
        wish = drop_none(
            network_id=network_id,
            device_id=device_id,
            security_groups=None if security_groups is None else list(security_groups),
            name=name,
            fixed_ips=fixed_ips_of(fixed_ips),
        )
        return member(self.ports_post({"port": wish}), "port")

    # floating addresses ---------------------------------------------------------------------------------------------

    def create_floatingip(  # type: ignore[override]  # its third argument is another one
        self,
        floating_network_id: int | str | None = None,
        floating_ip_address: str = "",
        project_id: str | None = None,
        *,
        shared_to_project: bool | None = None,
    ) -> Json:
        """Reserve an address: this one of this network, any of this network, or any at all; servers ignore an address
        without its network. `project_id` pays for it."""
        wish = floating_ip_of(
            floating_network_id=floating_network_id,
            floating_ip_address=floating_ip_address,
            project=project_id,
            shared_to_project=shared_to_project,
        )
        return member(self.floatingips_post(wish), "floatingip")

    def reassign_floating_ip(
        self, floating_network_id: int | str, project_id: str, *, shared_to_project: bool | None = None
    ) -> Headers:
        """Let another project pay for a floating address. Despite its name the first argument is the address's id."""
        return self._reassign("floatingips", floating_network_id, project_id, shared_to_project, {})

    def _reassign(
        self,
        kind: str,
        item_id: int | str,
        project_id: str,
        shared_to_project: bool | None,
        options: dict[str, Any],
    ) -> Headers:
        wish = {"reassign": drop_none(project=project_id, shared_to_project=shared_to_project)}
        success = options.pop("success", 200)
        reply = self.send("POST", kind, item_id, "action", success=success, json_data=wish, options=options)
        return reply.headers
