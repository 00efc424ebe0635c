"""Which local folders can be synced: asked once, when a pair is made. What changes later is the engine's to notice."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pithosfs.config import Directories, Settings
from pithosfs.errors import LocalError, PithosfsError
from pithosfs.mount.mountpoints import enclosing_mount
from pithosfs_daemon.values import Pair

__all__ = ["MARKER", "check_folder", "foreign_marker", "make_folder", "read_marker"]

PRIVATE = ".pithosfs"  # the folder's own place for what is never synced
MARKER = f"{PRIVATE}/marker"
_LONGEST_MARKER = 64 * 1024
_CHOOSE = "choose another folder"
_OWN = "choose a folder of your own"


def check_folder(path: str, pairs: Iterable[Pair], directories: Directories, *, pair_id: str = "") -> Path:
    """The real path of a folder that can be synced. It need not be there yet, the folder that it is in must.

    `pair_id` is of the pair that the folder is of already (it was moved). Raises LocalError with what is in the way.
    """
    folder = Path(os.path.realpath(path))
    _refuse_ours(folder, directories)
    for other in pairs:
        if other.id != pair_id:
            _refuse_overlap(folder, other)
    _refuse_mounts(folder)
    _look(folder)
    marked = foreign_marker(folder, pair_id)
    if marked is not None:
        where = "it" if marked == folder else f"{marked}, in which it is,"
        raise LocalError(
            f"{folder} cannot be synced: {where} is synced by another home or machine already",
            hint=f"end it there (pithosfs sync remove), or if nobody syncs it any more: rm {marked / MARKER}",
        )
    return folder


def foreign_marker(folder: Path, pair_id: str) -> Path | None:
    """The nearest folder at or above this one that is marked as synced, but for this very pair; None: there is none."""
    for one in (folder, *folder.parents):
        marker = read_marker(one)
        if marker is not None and not (one == folder and pair_id and marker.get("pair") == pair_id):
            return one
    return None


def read_marker(folder: Path) -> dict[str, Any] | None:
    """What a folder's marker says; empty when it says nothing that can be read, None when it has none."""
    try:
        with (folder / MARKER).open("rb") as file:
            found = json.loads(file.read(_LONGEST_MARKER))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _refuse_ours(folder: Path, directories: Directories) -> None:
    """The program's own files change with every pass: they would be synced for ever, or the local cloud into itself."""
    ours = {
        "the state of pithosfs": directories.state,
        "the cache of pithosfs": directories.cache,
        "the local cloud's data": directories.data,
        "the sockets of pithosfs": directories.runtime,
    }
    places = [(what, Path(os.path.realpath(place))) for what, place in ours.items()]
    places += [("the local cloud's data", place) for place in _local_clouds(directories)]
    for what, place in places:
        if folder == place or place in folder.parents:
            raise LocalError(f"{folder} is in {place}: {what} cannot be synced", hint=_CHOOSE)
        if folder in place.parents:
            raise LocalError(
                f"{what} ({place}) is in {folder}", hint="choose a folder in it, for instance your documents"
            )


def _local_clouds(directories: Directories) -> list[Path]:
    """Where the local clouds of the settings have their data."""
    try:
        found = Settings.load(directories.config_file).get("cloud")
    except PithosfsError:
        return []
    items = found.items() if isinstance(found, dict) else ()
    return [Path(os.path.realpath(value)) for key, value in items if key.endswith(".localcloud_data") and value]


def _refuse_overlap(folder: Path, other: Pair) -> None:
    hint = f"end that first: pithosfs sync remove {other.id}"
    if folder == other.folder:
        raise LocalError(
            f"{folder} is synced already, with {other.remote}", hint=f"see: pithosfs sync status {other.id}"
        )
    if other.folder in folder.parents:
        raise LocalError(f"{folder} is in {other.folder}, which is synced already with {other.remote}", hint=hint)
    if folder in other.folder.parents:
        raise LocalError(f"{other.folder}, which is in {folder}, is synced already with {other.remote}", hint=hint)


def _refuse_mounts(folder: Path) -> None:
    mounted = enclosing_mount(str(folder))
    if mounted is not None and mounted.is_ours:
        raise LocalError(
            f"{folder} is in a mounted cloud folder, {mounted.mount_point}",
            hint="what is in there is in the cloud already; choose a folder on a disk",
        )


def make_folder(folder: Path) -> bool:
    """Make a folder that is missing; says whether it was. Raises LocalError."""
    try:
        folder.mkdir()
    except FileExistsError:
        return False
    except OSError as trouble:
        raise LocalError(f"{folder} cannot be made: {trouble.strerror}", hint=_OWN) from trouble
    return True


def _look(folder: Path) -> None:
    try:
        shown = folder.stat()
    except FileNotFoundError:
        if folder.parent.is_dir():
            return
        raise LocalError(f"there is no folder {folder.parent}", hint=f"make it first: mkdir -p {folder}") from None
    except OSError as trouble:
        raise LocalError(f"{folder}: {trouble.strerror}", hint=_OWN) from trouble
    if not stat.S_ISDIR(shown.st_mode):
        raise LocalError(f"{folder} is not a folder", hint="give the folder that the file is in")
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        raise LocalError(f"{folder} is not yours to read and write", hint=_OWN)
