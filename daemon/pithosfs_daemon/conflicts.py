"""Conflict copies that nobody has dealt with yet, and dealing with them."""

from __future__ import annotations

from enum import StrEnum

from pithosfs.errors import NotFound
from pithosfs_daemon.folder import Folder
from pithosfs_daemon.state import Conflict, State
from pithosfs_daemon.values import Seen

__all__ = ["Keep", "find_conflict", "open_conflicts", "resolve"]


class Keep(StrEnum):
    """Which content a person wants under the name."""

    MINE = "mine"  # the conflict copy's
    THEIRS = "theirs"  # the one that is there
    BOTH = "both"


def open_conflicts(folder: Folder, state: State) -> list[Conflict]:
    """Those whose copy is still there, here or in the cloud; the others were dealt with by hand, and are dropped."""
    found = []
    for one in state.conflicts():
        node = state.node(one.copy)
        if folder.look(one.copy) is not None or (node is not None and (node.remote is not None or node.remote_other)):
            found.append(one)
        else:
            state.drop_conflict(one.copy)
    return found


def find_conflict(folder: Folder, state: State, name: str) -> Conflict:
    """The conflict of a name, or of a copy's name. Raises NotFound."""
    for one in open_conflicts(folder, state):
        if name in (one.copy, one.name):
            return one
    raise NotFound(f"there is no conflict about {name}", hint="see what there is: pithosfs sync conflicts")


def resolve(folder: Folder, state: State, conflict: Conflict, keep: Keep) -> None:
    """Carry out a decision in the folder; the next pass carries it to the cloud. What is not kept goes to the trash.

    Raises LocalChanged when something is edited meanwhile, NotFound when the copy is not here.
    """
    if keep is not Keep.BOTH:
        copy = folder.look(conflict.copy)
        if not isinstance(copy, Seen):
            raise NotFound(
                f"{conflict.copy} is not in the folder", hint="when the pair is in step it may be: pithosfs sync now"
            )
        if keep is Keep.THEIRS:
            folder.trash(conflict.copy, copy.stamp)
        else:
            there = folder.look(conflict.name)
            if isinstance(there, Seen):
                folder.trash(conflict.name, there.stamp)
            folder.move(conflict.copy, conflict.name, copy.stamp)
    state.drop_conflict(conflict.copy)
