"""What can be done to a volume in which state, and what it is afterwards (compute.md 8, 9.2 to 9.6). Pure.

A cell is the status that follows at once (`KEPT`: none), or the code of the refusal. What follows at once may be
transient; `SETTLED` says where the server's task leads from there.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto

from pithosfs.localcloud.faults import bad_request

__all__ = ["KEPT", "SETTLED", "TABLE", "VolumeAction", "check_volume"]


class VolumeAction(Enum):
    """`CHANGE` stands for names, metadata and reassigning; `DELETE_ATTACHED` for deleting what a server has."""

    ATTACH = auto()
    DETACH = auto()
    DELETE = auto()
    DELETE_ATTACHED = auto()
    SNAPSHOT = auto()
    CHANGE = auto()


KEPT = "as before"

Cell = str | int

_COLUMNS = ("creating", "available", "attaching", "in_use", "detaching", "deleting", "error", "deleted")

# fmt: off
_ROWS: Mapping[VolumeAction, tuple[Cell, ...]] = {
    #                             creating available    attaching in_use       detaching deleting error        deleted
    VolumeAction.ATTACH:          (400,    "attaching", 400,      400,         400,      400,     400,         400),
    VolumeAction.DETACH:          (400,    400,         400,      "detaching", 400,      400,     "detaching", 400),
    VolumeAction.DELETE:          (400,    "deleted",   400,      400,         400,      400,     "deleted",   400),
    VolumeAction.DELETE_ATTACHED: (400,    400,         400,      "deleting",  400,      400,     "deleting",  400),
    VolumeAction.SNAPSHOT:        (400,    400,         400,      KEPT,        400,      400,     400,         400),
    VolumeAction.CHANGE:          (KEPT,   KEPT,        KEPT,     KEPT,        KEPT,     KEPT,    KEPT,        400),
}
# fmt: on

TABLE: Mapping[tuple[str, VolumeAction], Cell] = {
    (status, action): cell for action, cells in _ROWS.items() for status, cell in zip(_COLUMNS, cells, strict=True)
}

SETTLED: Mapping[str, str] = {
    "creating": "in_use",
    "attaching": "in_use",
    "detaching": "available",
    "deleting": "deleted",
}


def check_volume(status: str, action: VolumeAction) -> str:
    """The status that follows at once. Raises Fault 400."""
    cell = TABLE[status, action]
    if isinstance(cell, str):
        return status if cell == KEPT else cell
    doing = action.name.partition("_")[0].lower()
    raise bad_request(f"cannot {doing} a volume that is {status}")
