"""Whether one path is in step, and if not, why: for `pithosfs sync status PATH`."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from pithosfs.config import format_size
from pithosfs.errors import NotFound
from pithosfs_daemon.activity import Activity, Running
from pithosfs_daemon.diagnosis import CHOSEN
from pithosfs_daemon.folder import Folder
from pithosfs_daemon.state import Node, State
from pithosfs_daemon.states import Condition
from pithosfs_daemon.values import Kind, Seen, Trouble

__all__ = ["IGNORED", "PathStatus", "path_status"]

IGNORED = "IGNORED"  # besides the conditions: what is left alone on both sides


@dataclass(frozen=True, slots=True)
class PathStatus:
    """How a path is. `state` is a condition's word or IGNORED; sizes in bytes; `waiting` and `troubled` count what is
    below a folder. `version` is the one in the cloud."""

    name: str
    kind: str
    state: str
    what: str = ""
    todo: str = ""
    size: int | None = None
    version: str | None = None
    files: int | None = None
    waiting: int | None = None
    troubled: int | None = None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def path_status(name: str, folder: Folder, state: State, activity: Activity, pair_id: str) -> PathStatus:
    """The status of a name. Raises NotFound when there is nothing of that name on either side."""
    seen = folder.look(name)
    node = state.node(name) if name else None
    kind = seen.kind if isinstance(seen, Seen) else _kind(node)
    if name and folder.ignores(name, kind or Kind.FILE) and seen is not None:
        what = "is left alone, here and in the cloud: by .pithosignore or an exclude"
        return PathStatus(name, _word(kind), IGNORED, what)
    troubles = [*([seen] if isinstance(seen, Trouble) else []), *(node.troubles if node is not None else ())]
    if troubles:
        return _troubled(name, kind, troubles[0], pair_id)
    if seen is None and (node is None or (node.agreed is None and node.remote is None)):
        raise NotFound(f"there is no {folder.path(name)}, here or in the cloud", hint="check how it is written")
    running = next((one for one in activity.snapshot()[1] if one.name == name), None)
    if running is not None:
        return PathStatus(name, _word(kind), Condition.WORKING, _moving(running), size=running.size)
    if kind is Kind.FOLDER:
        return _folder(name, state, pair_id)
    return _file(name, seen if isinstance(seen, Seen) else None, node, state)


def _file(name: str, seen: Seen | None, node: Node | None, state: State) -> PathStatus:
    agreed = node.agreed if node is not None else None
    remote = node.remote if node is not None else None
    # Also when it will be read again because it was just being written to: nothing is known to be different.
    here = seen is not None and agreed is not None and agreed.stamp == seen.stamp
    there = remote is not None and agreed is not None and remote.content == agreed.content
    size = seen.stamp.size if seen is not None else None
    version = remote.version if remote is not None else None
    if not here or not there:
        if seen is None:
            what = "is only in the cloud yet" if agreed is None else "was deleted here, and will be in the cloud"
        elif remote is None:
            what = "is only here yet" if agreed is None else "was deleted in the cloud, and will be here"
        else:
            what = "was changed in the cloud" if here else "was changed here, or is about to be looked at"
        return PathStatus(name, "file", Condition.WORKING, what, size=size, version=version)
    copies = [one.copy for one in state.conflicts() if one.name == name]
    what = f"was changed on both sides; yours is {', '.join(copies)}" if copies else ""
    todo = "pithosfs sync resolve PATH --keep mine|theirs|both" if copies else ""
    return PathStatus(name, "file", Condition.IN_STEP, what, todo, size, version)


def _folder(name: str, state: State, pair_id: str) -> PathStatus:
    # Everything that begins with "name/": "0" is the character after the slash.
    files, size, waiting = state.rows(
        "SELECT coalesce(sum(b_kind = 1), 0), coalesce(sum(CASE b_kind WHEN 1 THEN b_size END), 0),"
        " coalesce(sum(dirty), 0) FROM node WHERE ?1 = '' OR (name >= ?1 || '/' AND name < ?1 || '0')",
        (name,),
    )[0]
    inside = [one for one in state.troubles() if not name or one.name.startswith(f"{name}/")]
    bad = sum(one.reason not in CHOSEN for one in inside)
    counts = {"size": size, "files": files, "waiting": waiting, "troubled": len(inside)}
    if bad:
        what = f"{bad} name{'' if bad == 1 else 's'} in it cannot be synced"
        return PathStatus(name, "folder", Condition.NEEDS_YOU, what, f"pithosfs sync status {pair_id}", **counts)
    if waiting:
        what = f"{waiting} name{'' if waiting == 1 else 's'} in it wait to be carried over"
        return PathStatus(name, "folder", Condition.WORKING, what, **counts)
    what = f"{len(inside)} name{'' if len(inside) == 1 else 's'} in it left alone" if inside else ""
    return PathStatus(name, "folder", Condition.IN_STEP, what, **counts)


def _troubled(name: str, kind: Kind | None, trouble: Trouble, pair_id: str) -> PathStatus:
    what = trouble.reason.value + (f": {trouble.detail}" if trouble.detail else "")
    if trouble.reason in CHOSEN:
        return PathStatus(name, _word(kind), IGNORED, what)
    return PathStatus(name, _word(kind), Condition.NEEDS_YOU, what, f"pithosfs sync status {pair_id}")


def _moving(running: Running) -> str:
    way = "is being sent" if running.way == "up" else "is being received"
    return f"{way}: {format_size(running.done)} of {format_size(running.size)}"


def _kind(node: Node | None) -> Kind | None:
    if node is None:
        return None
    return node.local_kind or (node.remote.kind if node.remote is not None else None)


def _word(kind: Kind | None) -> str:
    return "other" if kind is None else kind.value
