"""What servers are charged for, and changing it together with the row that says so (compute.md 3.11).

A server's row holds the amounts that stand in the books for it, so that what is given back is always what was taken.
"""

from __future__ import annotations

from dataclasses import replace

from pithosfs.localcloud import quota
from pithosfs.localcloud.compute.model import Flavor, Held, Server
from pithosfs.localcloud.resources import CPU, RAM, TOTAL_CPU, TOTAL_RAM, VM
from pithosfs.localcloud.sandbox.owners import Owner
from pithosfs.localcloud.sandbox.turn import Turn

__all__ = ["at_least", "charge_new_server", "hold", "move_charges", "release_server", "running", "sized", "stopped"]


def charge_new_server(turn: Turn, owner: Owner, flavor: Flavor) -> Held:
    """Charge a server that is about to run. Raises Fault 413, 400 for a project that is not the user's."""
    held = Held(flavor.vcpus, flavor.ram_bytes, flavor.vcpus, flavor.ram_bytes)
    quota.charge(turn.connection, owner.user, owner.project, VM, 1)
    for resource, amount in _amounts(held):
        quota.charge(turn.connection, owner.user, owner.project, resource, amount)
    return held


def running(held: Held) -> Held:
    """What is held while the server runs."""
    return replace(held, cpu=held.total_cpu, ram=held.total_ram)


def stopped(held: Held) -> Held:
    return replace(held, cpu=0, ram=0)


def sized(held: Held, flavor: Flavor) -> Held:
    """What a stopped server of another size holds."""
    return replace(held, total_cpu=flavor.vcpus, total_ram=flavor.ram_bytes)


def at_least(held: Held, flavor: Flavor) -> Held:
    """Enough for either size while a stopped server is being resized."""
    return replace(held, total_cpu=max(held.total_cpu, flavor.vcpus), total_ram=max(held.total_ram, flavor.ram_bytes))


def hold(turn: Turn, server: Server, wanted: Held) -> None:
    """Charge or give back what there is between what a server holds and `wanted`. Raises Fault 413."""
    for (resource, before), (_, after) in zip(_amounts(server.held), _amounts(wanted), strict=True):
        if after > before:
            quota.charge(turn.connection, server.user, server.project, resource, after - before)
        elif after < before:
            quota.release(turn.connection, server.user, server.project, resource, before - after)
    turn.run(
        "UPDATE servers SET held_total_cpu = ?, held_total_ram = ?, held_cpu = ?, held_ram = ? WHERE id = ?",
        wanted.total_cpu,
        wanted.total_ram,
        wanted.cpu,
        wanted.ram,
        server.id,
    )


def move_charges(turn: Turn, server: Server, project: str) -> None:
    """Let another project pay. Raises Fault 413, 400 for one that is not the user's."""
    quota.charge(turn.connection, server.user, project, VM, 0)
    quota.reassign(turn.connection, server.user, server.project, project, VM, 1)
    for resource, amount in _amounts(server.held):
        quota.reassign(turn.connection, server.user, server.project, project, resource, amount)


def release_server(turn: Turn, server: Server) -> None:
    """Give everything back that a deleted server held."""
    hold(turn, server, Held(0, 0, 0, 0))
    quota.release(turn.connection, server.user, server.project, VM, 1)


def _amounts(held: Held) -> tuple[tuple[str, int], ...]:
    return (TOTAL_CPU, held.total_cpu), (TOTAL_RAM, held.total_ram), (CPU, held.cpu), (RAM, held.ram)
