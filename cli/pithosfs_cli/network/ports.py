"""Ports between networks and servers: made, taken away, and waited for."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from pithosfs.errors import UsageError
from pithosfs_cli.command import option
from pithosfs_cli.finding import thing_option
from pithosfs_cli.kinds import NETWORK, PORT, SERVER, SUBNET, Thing
from pithosfs_cli.server.states import SETTLED, needs
from pithosfs_cli.services import networks
from pithosfs_cli.waiting import Goal, Patience, wait_for

if TYPE_CHECKING:
    from pithosfs_cli.invocation import Invocation

__all__ = ["connected", "make_port", "port_options", "remove_port", "wait_until_connected"]

port_options = [
    option("--name", metavar="NAME", help="What to call the port."),
    option("-g", "--security-group", "groups", metavar="GROUP", multiple=True, help="Guard it so; may be repeated."),
    thing_option("--subnet-id", kind=SUBNET, help="The subnet that the address is of."),
]


def make_port(
    run: Invocation,
    network: Thing,
    server: Thing | None,
    *,
    address: str | None = None,
    subnet: str | None = None,
    name: str | None = None,
    groups: Sequence[str] = (),
) -> Thing:
    """A new port of a network, for a server or for later. Raises Conflict when the server is not in a state for it."""
    if subnet is not None and address is None:
        raise UsageError("--subnet-id goes with an address", hint="give --ip-address, or leave --subnet-id out")
    fixed: list[dict[str, Any]] | None = None
    if address is not None:
        fixed = [{"ip_address": address} if subnet is None else {"ip_address": address, "subnet_id": subnet}]
    make = partial(
        networks(run).create_port,
        NETWORK.id_of(network),
        None if server is None else SERVER.id_of(server),
        list(groups) or None,
        name,
        fixed,
    )
    if server is None:
        return make()
    with needs(server, SETTLED):
        return make()


def remove_port(run: Invocation, port: Thing) -> None:
    """Delete a port. Raises Conflict when its server is not in a state for it."""
    server = port.get("device_id")
    if server is None:
        networks(run).delete_port(PORT.id_of(port))
        return
    with needs(partial(SERVER.one, run, str(server)), SETTLED):
        networks(run).delete_port(PORT.id_of(port))


def connected(port: Thing) -> Goal:
    """That it works; a port without a server is ready as it is."""
    good = ("ACTIVE",) if port.get("device_id") else ("ACTIVE", "DOWN")
    return Goal(
        reached=lambda now: now is not None and str(now.get("status")).upper() in good,
        failed=lambda now: now is None or str(now.get("status")).upper() == "ERROR",
        remedy=f"look at it: pithosfs port info {PORT.id_of(port)}",
    )


def wait_until_connected(run: Invocation, port: Thing, patience: Patience | None) -> Thing:
    """The port as it is when it works; as it was for those who do not wait."""
    if patience is None:
        return port
    later = f"port wait {PORT.id_of(port)} --timeout 600"
    return wait_for(run, PORT, port, connected(port), patience, later=later) or port
