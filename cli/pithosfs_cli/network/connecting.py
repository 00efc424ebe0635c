"""`pithosfs network connect` and `disconnect`: a port for each server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from pithosfs.errors import NotFound, UsageError
from pithosfs_cli.acting import act_on
from pithosfs_cli.command import Command, with_options
from pithosfs_cli.finding import find, find_all, thing_argument, thing_option
from pithosfs_cli.invocation import Invocation
from pithosfs_cli.kinds import NETWORK, PORT, SERVER, SUBNET, Thing
from pithosfs_cli.network.ports import make_port, port_options, remove_port, wait_until_connected
from pithosfs_cli.network.records import PORT_SUMMARY, port_records
from pithosfs_cli.output import note, show_list
from pithosfs_cli.waiting import GONE, Patience, wait_options

__all__ = ["connect", "disconnect"]

_devices = thing_option(
    "--device-id",
    "devices",
    kind=SERVER,
    required=True,
    multiple=True,
    help="A server, by id or name; may be repeated.",
)


@click.command("connect", cls=Command)
@with_options(
    [
        thing_argument(NETWORK),
        _devices,
        click.option("--ip-address", metavar="ADDRESS", help="The address that it is to have (of one server only)."),
        *port_options,
        *wait_options,
    ]
)
@click.pass_obj
def connect(
    run: Invocation,
    /,
    text: str,
    devices: Sequence[str],
    ip_address: str | None,
    name: str | None,
    groups: Sequence[str],
    subnet_id: str | None,
    **options: Any,
) -> None:
    """Connect servers to a NETWORK, by id or name, with a new port each."""
    patience = Patience.of(options)
    network, servers = find(run, NETWORK, text), find_all(run, SERVER, devices)
    if ip_address is not None and len(servers) > 1:
        raise UsageError("one address cannot be that of several servers", hint="connect them one after the other")
    subnet = None if subnet_id is None else SUBNET.id_of(find(run, SUBNET, subnet_id))
    made: dict[str, Thing] = {}

    def work(server: Thing) -> None:
        made[SERVER.id_of(server)] = make_port(
            run, network, server, address=ip_address, subnet=subnet, name=name, groups=groups
        )

    act_on(run, SERVER, servers, "connected", work)
    ports = [wait_until_connected(run, port, patience) for port in made.values()]
    show_list(run, port_records(run, ports), PORT_SUMMARY)


@click.command("disconnect", cls=Command)
@with_options([thing_argument(NETWORK), _devices, *wait_options])
@click.pass_obj
def disconnect(run: Invocation, /, text: str, devices: Sequence[str], **options: Any) -> None:
    """Disconnect servers from a NETWORK, by id or name: all their ports on it go."""
    patience = Patience.of(options)
    network, servers = find(run, NETWORK, text), find_all(run, SERVER, devices)
    known = [one for one in PORT.all(run) if str(one.get("network_id")) == NETWORK.id_of(network)]
    ports: dict[str, Thing] = {}
    for ident, server in servers.items():
        own = {PORT.id_of(one): one for one in known if str(one.get("device_id")) == ident}
        if not own:
            raise NotFound(
                f"{SERVER.called(server)} is not connected to {NETWORK.called(network)}",
                404,
                hint=f"see to what it is: pithosfs server info {ident} --nics",
            )
        ports |= own
    act_on(
        run,
        PORT,
        ports,
        "disconnected",
        lambda port: remove_port(run, port),
        goal=lambda _: GONE,
        patience=patience,
        later=lambda port: f"port info {PORT.id_of(port)}",
    )
    if run.output != "table":
        show_list(run, port_records(run, ports.values()), [])
        return
    for port in ports.values():
        note(f"The port {PORT.label(port)} is {'gone' if patience else 'being removed'}")
