"""Making ports, with the address that each kind of network gives, and plugging them into servers (network.md 5.3)."""

from __future__ import annotations

from pithosfs.localcloud.faults import Fault, bad_request, conflict, forbidden
from pithosfs.localcloud.network.allocation import add_port, ipv4_subnet, own_ipv6, take_address
from pithosfs.localcloud.network.model import (
    FloatingIp,
    Network,
    Port,
    floating_ip_of,
    ports_where,
    visible_floating_ips,
)
from pithosfs.localcloud.network.networks import TASK
from pithosfs.localcloud.sandbox.tasks import pending
from pithosfs.localcloud.sandbox.turn import Turn

__all__ = ["MAX_NICS", "check_room", "make_port", "plug", "server_ports", "take_floating_ip"]

MAX_NICS = 8
"""Network interfaces of one server."""


def server_ports(turn: Turn, server: int) -> list[Port]:
    """The ports of a server in the order in which they were made."""
    return ports_where(turn, "p.server = ?", server)


def check_room(turn: Turn, server: int) -> None:
    """Raises Fault 400 when a server has as many ports as it can have."""
    if len(server_ports(turn, server)) >= MAX_NICS:
        raise bad_request(f"a server has at most {MAX_NICS} ports")


def make_port(turn: Turn, user: str, network: Network, wanted: str | None, name: str = "") -> int:
    """A port on a network that the user sees, with an address where the network has some; returns its id.

    On a public network `wanted` names one of the user's floating IPs. Raises Fault 400, 404, 409.
    """
    if network.deleted:
        raise bad_request(f"network {network.id} has been deleted")
    if pending(turn, TASK, network.id) is not None:
        raise conflict(f"network {network.id} is being deleted")
    if network.public:
        if wanted is None:
            raise bad_request("a port on a public network needs one of your floating IPs in fixed_ips")
        return _carry(turn, user, network, floating_ip_of(turn, user, wanted), name)
    ident = add_port(turn, network, user, name)
    subnet = ipv4_subnet(turn, network.id)
    if subnet is not None:
        take_address(turn, subnet, "port", ident, wanted)
    elif wanted is not None:
        raise bad_request(f"network {network.id} has no IPv4 subnet")
    return ident


def take_floating_ip(turn: Turn, user: str, network: Network) -> str:
    """The address of one of the user's floating IPs on a public network that is not attached. Raises Fault 403, 409."""
    if ipv4_subnet(turn, network.id) is None:
        raise forbidden(f"network {network.id} has no IPv4 addresses")
    free = visible_floating_ips(turn, user, "f.deleted = 0 AND f.port IS NULL AND f.network = ?", network.id)
    if not free:
        raise conflict(f"you have no floating IP on network {network.id} that is not in use")
    return free[0].address


def _carry(turn: Turn, user: str, network: Network, floating: FloatingIp, name: str) -> int:
    """A port for a floating IP."""
    if floating.network != network.id:
        raise conflict(f"the floating IP {floating.address} belongs to another network")
    if floating.port is not None:
        raise conflict(f"the floating IP {floating.address} is in use")
    ident = add_port(turn, network, user, name)
    turn.run("UPDATE floating_ips SET port = ?, updated = ? WHERE id = ?", ident, turn.now, floating.id)
    turn.run("UPDATE ports SET firewall = 'DISABLED' WHERE id = ?", ident)
    return ident


def plug(turn: Turn, port: int, server: int) -> None:
    """Begin to connect a port, which is free, to a server; the server's task ends it."""
    row = turn.row("SELECT network, mac FROM ports WHERE id = ? AND server IS NULL", port)
    if row is None:
        raise Fault(409, "conflict", f"port {port} is in use")
    turn.run(
        "UPDATE ports SET server = ?, status = 'BUILD', ipv6 = ?, updated = ? WHERE id = ?",
        server,
        own_ipv6(turn, row["network"], row["mac"]),
        turn.now,
        port,
    )
    turn.run("UPDATE networks SET used = 1 WHERE id = ?", row["network"])
