"""Conflict copies that nobody has dealt with yet, and dealing with them."""

from __future__ import annotations

from enum import StrEnum

from pithosfs.errors import NotFound, UsageError
from pithosfs_daemon.folder import Folder
from pithosfs_daemon.state import Conflict, State
from pithosfs_daemon.values import Kind, Seen

__all__ = ["Keep", "find_conflict", "open_conflicts", "resolve"]


class Keep(StrEnum):
    """Which content a person wants under the name."""

    MINE = "mine"  # what was written here
    THEIRS = "theirs"  # what came from the cloud
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

    Raises LocalChanged when something is edited meanwhile, NotFound when the copy is not here, UsageError when the name
    is a folder's by now.
    """
    if keep is not Keep.BOTH:
        copy = folder.look(conflict.copy)
        if not isinstance(copy, Seen):
            raise NotFound(
                f"{conflict.copy} is not in the folder", hint="when the pair is in step it may be: pithosfs sync now"
            )
        if (keep is Keep.THEIRS) == conflict.theirs:
            _put_back(folder, conflict, copy)
        else:
            folder.trash(conflict.copy, copy.stamp)
    state.drop_conflict(conflict.copy)


def _put_back(folder: Folder, conflict: Conflict, copy: Seen) -> None:
    """The copy gets the name again."""
    there = folder.look(conflict.name)
    if isinstance(there, Seen):
        if there.kind is Kind.FOLDER:
            raise UsageError(
                f"{conflict.name} is a folder by now, which {conflict.copy} cannot replace",
                hint="keep both, and give one of them another name",
            )
        folder.trash(conflict.name, there.stamp)
    folder.move(conflict.copy, conflict.name, copy.stamp)
