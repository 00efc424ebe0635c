"""The working layer above the requests: `NetworkClient`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Literal

from pithosfs.clients.json_client import Headers, Json, drop_none, member, members, needed
from pithosfs.clients.network.checking import (
    FixedIps,
    Gateway,
    Pools,
    fixed_ips_of,
    floating_ip_of,
    several,
    subnet_of,
)
from pithosfs.clients.network.rest_api import NetworkRestClient
from pithosfs.clients.progressbars import ProgressBar
from pithosfs.clients.waiting import Status, Waiter
from pithosfs.errors import BadReply, ServerFailed

__all__ = ["NetworkClient", "once"]

_PORT = ("name", "status", "admin_state_up", "mac_address", "fixed_ips", "security_groups", "device_id")
_SUBNET = ("name", "allocation_pools", "gateway_ip", "ip_version", "enable_dhcp", "id")


class NetworkClient(NetworkRestClient, Waiter):
    """Networks, subnets, ports and floating addresses, as OpenStack has them.

    What is returned is as the server sent it: dictionaries with the keys of network.md. Deleting returns the headers of
    the reply. Ids are numbers, or texts of digits. The methods for several things at once are OpenStack's; Cyclades
    answers them with BadRequest.
    """

    # networks -------------------------------------------------------------------------------------------------------

    def list_networks(self) -> list[Json]:
        """The networks that the user may see: own ones, those shared in his projects, public ones."""
        return members(self.networks_get(), "networks")

    def get_network_details(self, network_id: int | str) -> Json:
        """One network. Raises NotFound."""
        return member(self.networks_get(needed(network_id)), "network")

    def create_network(self, name: str, admin_state_up: bool | None = None, shared: bool | None = None) -> Json:
        """Make a network."""
        wish = drop_none(name=name, admin_state_up=admin_state_up, shared=shared)
        return member(self.networks_post({"network": wish}), "network")

    def create_networks(self, networks: Sequence[Mapping[str, Any]]) -> list[Json]:
        """Make several networks, all or none: `{"name", "admin_state_up", "shared"}`, of which the name is needed."""
        wishes = several(networks, "networks", ("name",), ("admin_state_up", "shared"))
        return members(self.networks_post({"networks": wishes}), "networks")

    def update_network(
        self,
        network_id: int | str,
        name: str | None = None,
        admin_state_up: bool | None = None,
        shared: bool | None = None,
    ) -> Json:
        """Change what is given, and return the network. Cyclades only renames."""
        wish = drop_none(name=name, admin_state_up=admin_state_up, shared=shared)
        return member(self.networks_put(network_id, {"network": wish}), "network")

    def delete_network(self, network_id: int | str) -> Headers:
        """Delete a network. Raises Conflict while it has ports."""
        return self.networks_delete(network_id).headers

    # subnets --------------------------------------------------------------------------------------------------------

    def list_subnets(self) -> list[Json]:
        """The subnets of the networks that the user may see."""
        return members(self.subnets_get(), "subnets")

    def get_subnet_details(self, subnet_id: int | str) -> Json:
        """One subnet. Raises NotFound."""
        return member(self.subnets_get(needed(subnet_id)), "subnet")

    def create_subnet(
        self,
        network_id: int | str,
        cidr: str,
        name: str | None = None,
        allocation_pools: Pools = None,
        gateway_ip: Gateway = None,
        subnet_id: int | str | None = None,
        ipv6: bool | None = None,
        enable_dhcp: bool | None = None,
    ) -> Json:
        """Make a subnet of a range of addresses (`10.0.0.0/24`).

        `gateway_ip`: by default the first address; False for none. `ipv6`: by default as `cidr` looks.
        """
        wish = subnet_of(
            network_id=network_id,
            cidr=cidr,
            name=name,
            id=subnet_id,
            allocation_pools=allocation_pools,
            gateway_ip=gateway_ip,
            ip_version=6 if (":" in cidr if ipv6 is None else ipv6) else 4,
            enable_dhcp=enable_dhcp,
        )
        return member(self.subnets_post({"subnet": wish}), "subnet")

    def create_subnets(self, subnets: Sequence[Mapping[str, Any]]) -> list[Json]:
        """Make several subnets, all or none: `network_id` and `cidr` are needed, `name`, `allocation_pools`,
        `gateway_ip`, `ip_version`, `enable_dhcp` and `id` are not."""
        wishes = several(subnets, "subnets", ("network_id", "cidr"), _SUBNET)
        return members(self.subnets_post({"subnets": wishes}), "subnets")

    def update_subnet(
        self,
        subnet_id: int | str,
        name: str | None = None,
        allocation_pools: Pools = None,
        gateway_ip: Gateway = None,
        ipv6: bool | None = None,
        enable_dhcp: bool | None = None,
    ) -> Json:
        """Change what is given, and return the subnet. Cyclades only renames."""
        wish = subnet_of(
            name=name,
            allocation_pools=allocation_pools,
            gateway_ip=gateway_ip,
            ip_version=None if ipv6 is None else (6 if ipv6 else 4),
            enable_dhcp=enable_dhcp,
        )
        return member(self.subnets_put(subnet_id, {"subnet": wish}), "subnet")

    def delete_subnet(self, subnet_id: int | str) -> Headers:
        """Delete a subnet. Cyclades refuses: a subnet goes with its network."""
        return self.subnets_delete(subnet_id).headers

    # ports ----------------------------------------------------------------------------------------------------------

    def list_ports(self) -> list[Json]:
        """The user's ports."""
        return once(members(self.ports_get(), "ports"))

    def get_port_details(self, port_id: int | str) -> Json:
        """One port. Raises NotFound."""
        try:
            return member(self.ports_get(needed(port_id)), "port")
        except ServerFailed as error:
            if error.status != 500:
                raise
            # Some servers fail over a port with addresses of both kinds, but list it (network.md section 5.1).
            listed = [one for one in members(self.ports_get(), "ports") if str(one.get("id")) == str(port_id)]
            if not listed:
                raise
            return listed[0]

    def create_port(
        self,
        network_id: int | str,
        name: str | None = None,
        status: str | None = None,
        admin_state_up: bool | None = None,
        mac_address: str | None = None,
        fixed_ips: FixedIps = None,
        security_groups: Iterable[str] | None = None,
    ) -> Json:
        """Make a port of a network."""
        wish = drop_none(
            network_id=network_id,
            name=name,
            status=status,
            admin_state_up=admin_state_up,
            mac_address=mac_address,
            fixed_ips=fixed_ips_of(fixed_ips),
            security_groups=None if security_groups is None else list(security_groups),
        )
        return member(self.ports_post({"port": wish}), "port")

    def create_ports(self, ports: Sequence[Mapping[str, Any]]) -> list[Json]:
        """Make several ports, all or none: `network_id` is needed, the arguments of `create_port` are not."""
        return members(self.ports_post({"ports": several(ports, "ports", ("network_id",), _PORT)}), "ports")

    def update_port(
        self,
        port_id: int | str,
        network_id: int | str | None,
        name: str | None = None,
        status: str | None = None,
        admin_state_up: bool | None = None,
        mac_address: str | None = None,
        fixed_ips: FixedIps = None,
        security_groups: Iterable[str] | None = None,
    ) -> Json:
        """Change what is given, and return the port. Cyclades only renames."""
        wish = drop_none(
            network_id=network_id,
            name=name,
            status=status,
            admin_state_up=admin_state_up,
            mac_address=mac_address,
            fixed_ips=fixed_ips_of(fixed_ips),
            security_groups=None if security_groups is None else list(security_groups),
        )
        return member(self.ports_put(port_id, {"port": wish}), "port")

    def delete_port(self, port_id: int | str) -> Headers:
        """Delete a port; one that is connected to a server is gone when it is no longer found."""
        return self.ports_delete(port_id).headers

    # floating addresses ---------------------------------------------------------------------------------------------

    def list_floatingips(self) -> list[Json]:
        """The floating addresses of the user and his projects."""
        return members(self.floatingips_get(), "floatingips")

    def get_floatingip_details(self, floatingip_id: int | str) -> Json:
        """One floating address, by its id. Raises NotFound."""
        return member(self.floatingips_get(needed(floatingip_id)), "floatingip")

    def create_floatingip(
        self,
        floating_network_id: int | str | None,
        floating_ip_address: str = "",
        port_id: int | str = "",
        fixed_ip_address: str = "",
    ) -> Json:
        """Reserve an address of a network, and point it at a port's address if these are given."""
        wish = floating_ip_of(
            floating_network_id=floating_network_id,
            floating_ip_address=floating_ip_address,
            port_id=port_id,
            fixed_ip_address=fixed_ip_address,
        )
        return member(self.floatingips_post(wish), "floatingip")

    def update_floatingip(
        self,
        floatingip_id: int | str,
        floating_ip_address: str = "",
        port_id: int | str = "",
        fixed_ip_address: str = "",
    ) -> Json:
        """Point an address elsewhere, and return it. Not in Cyclades: there a port is made for it."""
        wish = floating_ip_of(
            floating_ip_address=floating_ip_address, port_id=port_id, fixed_ip_address=fixed_ip_address
        )
        return member(self.floatingips_put(floatingip_id, wish), "floatingip")

    def delete_floatingip(self, floatingip_id: int | str) -> Headers:
        """Give an address back. Raises Conflict while it is in use."""
        return self.floatingips_delete(floatingip_id).headers

    # waiting --------------------------------------------------------------------------------------------------------

    def get_port_status(self, port_id: int | str) -> Status:
        """The status, and None for how much is done: no server tells."""
        status = self.get_port_details(port_id).get("status")
        if not isinstance(status, str):
            raise BadReply(f"the server does not say in which status the port {port_id!r} is")
        return status, None

    def wait_port(
        self,
        port_id: int | str,
        current_status: str = "BUILD",
        delay: float = 1,
        max_wait: float = 100,
        wait_cb: ProgressBar | None = None,
    ) -> str | Literal[False]:
        """Wait as long as a port is in a status. The status that it has then; False after `max_wait` seconds. Raises
        NotFound when the port is gone.

        It is asked after `delay` seconds, then less and less often. `wait_cb` counts `max_wait / delay` steps of the
        time (`clients.progressbars`).
        """
        return self._wait_while(partial(self.get_port_status, port_id), current_status, delay, max_wait, wait_cb)

    def wait_port_until(
        self,
        port_id: int | str,
        target_status: str = "ACTIVE",
        delay: float = 1,
        max_wait: float = 100,
        wait_cb: ProgressBar | None = None,
    ) -> str | Literal[False]:
        """Wait until a port is in a status. That status, or ERROR if it is stuck there; False after `max_wait` seconds.
        `delay` and `wait_cb` as for `wait_port`."""
        return self._wait_until(partial(self.get_port_status, port_id), target_status, delay, max_wait, wait_cb)


def once(ports: list[Json]) -> list[Json]:
    """Each port once: some servers list one with two addresses twice."""
    return list({str(one.get("id")): one for one in ports}.values())
