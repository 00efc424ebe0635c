"""How the tasks of servers end: what has become of the server, its ports, its volumes and what it is charged for."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pithosfs.localcloud.compute.charges import hold, release_server, sized, stopped
from pithosfs.localcloud.compute.model import Server, find_flavor, server_by_id
from pithosfs.localcloud.compute.states import Action
from pithosfs.localcloud.network.allocation import remove_port
from pithosfs.localcloud.network.connecting import server_ports
from pithosfs.localcloud.sandbox.tasks import Task
from pithosfs.localcloud.sandbox.turn import Turn
from pithosfs.localcloud.volume.model import delete_volume_row, server_volumes, set_volume_status, volume_by_id
from pithosfs.localcloud.volume.states import SETTLED

__all__ = ["BUILD", "DOOM", "doomed", "finish_server"]

BUILD = "BUILD"
"""The name of the task that makes a server."""

DOOM = ("sandbox", "error")
"""Metadata with which a server, or a volume, does not come to be: clients can be shown what failure looks like."""


def finish_server(turn: Turn, task: Task) -> None:
    """The end of a task."""
    server = server_by_id(turn, task.subject)
    _ENDINGS[task.name](turn, server, task)
    turn.run("UPDATE servers SET status = ?, updated = ? WHERE id = ?", _status(server, task), turn.now, server.id)


def _status(server: Server, task: Task) -> str:
    if task.name == BUILD:
        return "ERROR" if doomed(server.metadata) else "ACTIVE"
    return str(task.argument["after"])


def doomed(metadata: Mapping[str, str]) -> bool:
    """Whether something with that metadata is to fail."""
    key, value = DOOM
    return metadata.get(key) == value


def _build(turn: Turn, server: Server, task: Task) -> None:
    failed = doomed(server.metadata)
    turn.run("UPDATE servers SET progress = ?, built = ? WHERE id = ?", 50 if failed else 100, turn.now, server.id)
    for port in server_ports(turn, server.id):
        _set_port(turn, port.id, "ERROR" if failed else "ACTIVE")
    for volume in server_volumes(turn, server.id):
        set_volume_status(turn, volume.id, "error" if failed or doomed(volume.metadata) else SETTLED[volume.status])


def _nothing(turn: Turn, server: Server, task: Task) -> None:
    """Only the status changes."""


def _stop(turn: Turn, server: Server, task: Task) -> None:
    hold(turn, server, stopped(server.held))


def _resize(turn: Turn, server: Server, task: Task) -> None:
    flavor = find_flavor(turn, task.argument["flavor"])
    hold(turn, server, sized(server.held, flavor))
    turn.run("UPDATE servers SET flavor = ? WHERE id = ?", flavor.id, server.id)


def _connect(turn: Turn, server: Server, task: Task) -> None:
    _set_port(turn, task.argument["port"], "ACTIVE")


def _disconnect(turn: Turn, server: Server, task: Task) -> None:
    remove_port(turn, task.argument["port"])


def _attach_volume(turn: Turn, server: Server, task: Task) -> None:
    volume = volume_by_id(turn, task.argument["volume"])
    set_volume_status(turn, volume.id, "error" if doomed(volume.metadata) else SETTLED[volume.status])


def _detach_volume(turn: Turn, server: Server, task: Task) -> None:
    volume = volume_by_id(turn, task.argument["volume"])
    if SETTLED[volume.status] == "deleted":
        delete_volume_row(turn, volume)
    else:
        set_volume_status(turn, volume.id, SETTLED[volume.status])


def _destroy(turn: Turn, server: Server, task: Task) -> None:
    """Everything of the server goes with it, but for floating IPs and for volumes that were not made for it."""
    for port in server_ports(turn, server.id):
        remove_port(turn, port.id)
    for volume in server_volumes(turn, server.id):
        if volume.with_server and volume.status not in ("attaching", "detaching"):
            delete_volume_row(turn, volume)
        else:
            set_volume_status(turn, volume.id, "available")
    release_server(turn, server)
    turn.run("UPDATE servers SET password = NULL WHERE id = ?", server.id)


def _set_port(turn: Turn, ident: int, status: str) -> None:
    turn.run("UPDATE ports SET status = ?, updated = ? WHERE id = ?", status, turn.now, ident)


_ENDINGS: Mapping[str, Callable[[Turn, Server, Task], None]] = {
    BUILD: _build,
    Action.START.name: _nothing,
    Action.SHUTDOWN.name: _stop,
    Action.REBOOT.name: _nothing,
    Action.RESIZE.name: _resize,
    Action.CONNECT.name: _connect,
    Action.DISCONNECT.name: _disconnect,
    Action.ATTACH_VOLUME.name: _attach_volume,
    Action.DETACH_VOLUME.name: _detach_volume,
    Action.DESTROY.name: _destroy,
}
