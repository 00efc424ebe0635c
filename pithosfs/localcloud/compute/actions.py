"""`POST /servers/<id>/action` (compute.md 3.10)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pithosfs.localcloud.compute.charges import at_least, hold, move_charges, running
from pithosfs.localcloud.compute.creating import flavor_of
from pithosfs.localcloud.compute.diagnostics import open_console, open_vnc_console, refuse_console
from pithosfs.localcloud.compute.model import Server, find_flavor, find_server
from pithosfs.localcloud.compute.networking import add_floating_ip, remove_floating_ip
from pithosfs.localcloud.compute.states import Action
from pithosfs.localcloud.compute.working import begin, require, touch
from pithosfs.localcloud.faults import Fault, bad_request, forbidden, not_found
from pithosfs.localcloud.network.connecting import server_ports
from pithosfs.localcloud.sandbox.fields import Fields, the_only_member
from pithosfs.localcloud.sandbox.owners import asked_project, require_owner
from pithosfs.localcloud.sandbox.routes import Call, Reply
from pithosfs.localcloud.sandbox.turn import Turn
from pithosfs.localcloud.volume.model import move_volume, server_volumes

__all__ = ["act_on_server"]

_PROFILES = ("ENABLED", "DISABLED", "PROTECTED")


def act_on_server(turn: Turn, call: Call) -> Reply:
    name, argument = the_only_member(call.body)
    handler = _ACTIONS.get(name)
    if handler is None:
        raise bad_request(f"servers have no action {name!a}")
    if not isinstance(argument, dict) and not (argument is None and name in _WITHOUT_ARGUMENT):
        raise bad_request(f"the argument of {name} must be an object")
    return handler(turn, call, find_server(turn, call.user, call.ident))


def _start(turn: Turn, call: Call, server: Server) -> Reply:
    begin(turn, server, Action.START)
    hold(turn, server, running(server.held))
    return Reply(202)


def _shutdown(turn: Turn, call: Call, server: Server) -> Reply:
    """CPU and RAM are given back once it has stopped."""
    begin(turn, server, Action.SHUTDOWN)
    return Reply(202)


def _reboot(turn: Turn, call: Call, server: Server) -> Reply:
    if Fields(call.body, "reboot").text("type", 16, "SOFT") not in ("SOFT", "HARD"):
        raise bad_request("the type of a reboot is SOFT or HARD")
    begin(turn, server, Action.REBOOT)
    hold(turn, server, running(server.held))  # one that was stopped runs afterwards
    return Reply(202)


def _resize(turn: Turn, call: Call, server: Server) -> Reply:
    """To another number of CPUs or amount of RAM; the disk must stay what it is."""
    wanted = flavor_of(turn, Fields(call.body, "resize"))
    present = find_flavor(turn, server.flavor)
    require(server, Action.RESIZE)
    if wanted.id == present.id:
        raise bad_request(f"the server has flavor {wanted.id} already")
    if not wanted.allow_create:
        raise forbidden(f"flavor {wanted.id} is for servers that have it already")
    if (wanted.disk, wanted.volume_type) != (present.disk, present.volume_type):
        raise bad_request("size and type of the disk cannot be changed")
    begin(turn, server, Action.RESIZE, {"flavor": wanted.id})
    hold(turn, server, at_least(server.held, wanted))
    return Reply(202)


def _firewall(turn: Turn, call: Call, server: Server) -> Reply:
    fields = Fields(call.body, "firewallProfile")
    profile, nic = fields.text("profile", 16), fields.number("nic")
    if profile not in _PROFILES:
        raise bad_request(f"a profile is one of {', '.join(_PROFILES)}")
    require(server, Action.FIREWALL)
    if nic not in {port.id for port in server_ports(turn, server.id)}:
        raise not_found(f"the server has no interface {nic}")
    turn.run("UPDATE ports SET firewall = ?, updated = ? WHERE id = ?", profile, turn.now, nic)
    touch(turn, server.id)
    return Reply(202)


def _reassign(turn: Turn, call: Call, server: Server) -> Reply:
    """Another project pays for the server and its root volume."""
    wanted = asked_project(call.body)
    require_owner(call, server)
    require(server, Action.REASSIGN)
    move_charges(turn, server, wanted.project)
    for volume in server_volumes(turn, server.id):
        if volume.is_root:
            move_volume(turn, volume, wanted)
    turn.run(
        "UPDATE servers SET project = ?, shared = ? WHERE id = ?",
        wanted.project,
        wanted.shared,
        server.id,
    )
    touch(turn, server.id)
    return Reply(200)


def _rescue(turn: Turn, call: Call, server: Server) -> Reply:
    raise Fault(404, "featureNotEnabled", "there is no rescue mode here")


def _suspend(turn: Turn, call: Call, server: Server) -> Reply:
    raise forbidden("only the administrator suspends servers")


_ACTIONS: Mapping[str, Callable[[Turn, Call, Server], Reply]] = {
    "start": _start,
    "os-start": _start,
    "shutdown": _shutdown,
    "os-stop": _shutdown,
    "reboot": _reboot,
    "resize": _resize,
    "console": open_console,
    "os-getVNCConsole": open_vnc_console,
    "os-getRDPConsole": refuse_console,
    "os-getSPICEConsole": refuse_console,
    "firewallProfile": _firewall,
    "reassign": _reassign,
    "addFloatingIp": add_floating_ip,
    "removeFloatingIp": remove_floating_ip,
    "rescue": _rescue,
    "unrescue": _rescue,
    "suspend": _suspend,
}

_WITHOUT_ARGUMENT = ("start", "os-start", "shutdown", "os-stop", "unrescue", "suspend")
"""Actions that read nothing of their argument, so that null does as well as an object."""
