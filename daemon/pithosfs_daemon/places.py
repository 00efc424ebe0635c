"""Which local folders can be synced: asked once, when a pair is made. What changes later is the engine's to notice."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from pithosfs.config import Directories, Settings
from pithosfs.errors import LocalError, PithosfsError
from pithosfs.mount.mountpoints import enclosing_mount
from pithosfs_daemon.folder import marker_above, read_marker
from pithosfs_daemon.folder.private import MARKER, PRIVATE
from pithosfs_daemon.values import Pair

__all__ = ["check_folder", "make_folder"]

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
    _refuse_marked(folder, pair_id)
    return folder


def _refuse_marked(folder: Path, pair_id: str) -> None:
    """Pairs of other homes and machines (or of a state directory that was lost) are known by their markers."""
    marker = read_marker(folder)
    if marker is not None and marker.pair != pair_id:
        raise LocalError(
            f"{folder} is synced already with {marker.remote}, by another home or machine ({marker.host or 'unknown'})",
            hint=f"end it there: pithosfs sync remove; if nobody syncs it any more: rm {folder / PRIVATE / MARKER}",
        )
    above = marker_above(folder)
    if above is not None:
        raise LocalError(
            f"{folder} is in {above}, which is synced already, by another home or machine",
            hint=f"end it there: pithosfs sync remove; if nobody syncs it any more: rm {above / PRIVATE / MARKER}",
        )


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
