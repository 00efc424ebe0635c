"""What can be done to a server in which state, and what it is afterwards (compute.md 3.2). Pure.

`TABLE` is the whole of it. A cell is the status that the server has once the action is over (`KEPT`: the one that it
had), or the code of the refusal. The columns are the situations that a server can be in: `BUSY` is any status with a
task under way, building excepted; `SUSPENDED` wins over all but `DELETED`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto

from pithosfs.localcloud.faults import Fault, bad_request, forbidden

__all__ = ["KEPT", "TABLE", "TASK_STATES", "Action", "Cell", "Situation", "situation", "status_after"]


class Action(Enum):
    """What is done to a server. `DESCRIBE` stands for names, metadata and tags."""

    START = auto()
    SHUTDOWN = auto()
    REBOOT = auto()
    RESIZE = auto()
    CONNECT = auto()
    DISCONNECT = auto()
    ATTACH_VOLUME = auto()
    DETACH_VOLUME = auto()
    DESTROY = auto()
    REASSIGN = auto()
    FIREWALL = auto()
    CONSOLE = auto()
    DESCRIBE = auto()


class Situation(Enum):
    """The states, in the order of the table's columns."""

    BUILD = auto()
    ACTIVE = auto()
    STOPPED = auto()
    ERROR = auto()
    BUSY = auto()
    DELETED = auto()
    SUSPENDED = auto()


KEPT = "as before"

Cell = str | int

# fmt: off
_ROWS: Mapping[Action, tuple[Cell, ...]] = {
    #                      BUILD      ACTIVE     STOPPED    ERROR      BUSY       DELETED  SUSPENDED
    Action.START:         (409,       400,       "ACTIVE",  400,       400,       400,     403),
    Action.SHUTDOWN:      (409,       "STOPPED", 400,       400,       400,       400,     403),
    Action.REBOOT:        (409,       "ACTIVE",  "ACTIVE",  400,       400,       400,     403),
    Action.RESIZE:        (409,       400,       "STOPPED", 400,       400,       400,     403),
    Action.CONNECT:       (409,       KEPT,      KEPT,      400,       400,       400,     403),
    Action.DISCONNECT:    (409,       KEPT,      KEPT,      400,       400,       400,     403),
    Action.ATTACH_VOLUME: (409,       KEPT,      KEPT,      400,       400,       400,     403),
    Action.DETACH_VOLUME: (409,       KEPT,      KEPT,      400,       400,       400,     403),
    Action.DESTROY:       ("DELETED", "DELETED", "DELETED", "DELETED", "DELETED", 400,     403),
    Action.REASSIGN:      (409,       KEPT,      KEPT,      KEPT,      400,       400,     403),
    Action.FIREWALL:      (409,       KEPT,      KEPT,      400,       400,       400,     403),
    Action.CONSOLE:       (409,       KEPT,      400,       400,       400,       400,     403),
    Action.DESCRIBE:      (KEPT,      KEPT,      KEPT,      KEPT,      KEPT,      400,     403),
}
# fmt: on

TABLE: Mapping[tuple[Situation, Action], Cell] = {
    (where, action): cell for action, cells in _ROWS.items() for where, cell in zip(Situation, cells, strict=True)
}

TASK_STATES: Mapping[str, str] = {
    "BUILD": "BUILDING",
    Action.START.name: "STARTING",
    Action.SHUTDOWN.name: "STOPPING",
    Action.REBOOT.name: "REBOOTING",
    Action.RESIZE.name: "RESIZING",
    Action.CONNECT.name: "CONNECTING",
    Action.DISCONNECT.name: "DISCONNECTING",
    Action.ATTACH_VOLUME.name: "ATTACHING_VOLUME",
    Action.DETACH_VOLUME.name: "DETACHING_VOLUME",
    Action.DESTROY.name: "DESTROYING",
}
"""`SNF:task_state` for the tasks by their names."""


def situation(status: str, *, busy: bool, suspended: bool) -> Situation:
    """The column of the table for a server of that status, with a task under way or not."""
    if status == "DELETED":
        return Situation.DELETED
    if suspended:
        return Situation.SUSPENDED
    if busy and status != "BUILD":
        return Situation.BUSY
    return Situation[status]


def status_after(where: Situation, action: Action, status: str) -> str:
    """The status that a server has after an action. Raises Fault with the code of the table."""
    cell = TABLE[where, action]
    if isinstance(cell, str):
        return status if cell == KEPT else cell
    doing = action.name.lower().replace("_", " ")
    if cell == 409:
        raise Fault(409, "buildInProgress", "the server is still being built")
    if cell == 403:
        raise forbidden("the server is suspended by the administrator")
    if where is Situation.BUSY:
        raise bad_request(f"cannot {doing}: the server has another task under way")
    raise bad_request(f"cannot {doing}: the server is {where.name}")
