"""`pithosfs file download` of a single object, and of any number to standard output."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pithosfs.errors import Conflict
from pithosfs_cli.addressing import addressed
from pithosfs_cli.file.downloading import Receiver, Settings, attributes_of
from pithosfs_cli.file.downloading_many import local_name
from pithosfs_cli.file.landing import Landing
from pithosfs_cli.invocation import Invocation
from pithosfs_cli.locations import Location
from pithosfs_cli.output import Column, note, show_list
from pithosfs_cli.progress import bars

if TYPE_CHECKING:
    from pithosfs.store import ObjectInfo, ObjectStore

__all__ = ["download_one", "write_out"]


def write_out(store: ObjectStore, objects: Sequence[tuple[Location, ObjectInfo]], settings: Settings) -> None:
    """Write objects to standard output, one after the other."""
    with bars(hidden=True) as shown:
        receiver = Receiver(store, settings, shown, None)
        for place, info in objects:
            with addressed(store, place):
                receiver.stream(place, info, sys.stdout.buffer)
    sys.stdout.buffer.flush()


def download_one(
    run: Invocation, store: ObjectStore, place: Location, info: ObjectInfo, local: str | None, settings: Settings
) -> None:
    """Download one object: to `local`, into it when it is a folder, or here under its own last name."""
    target = _target(place, local)
    try:
        mode = target.stat().st_mode
    except FileNotFoundError:
        mode = None
    with bars(hidden=not settings.progress) as shown, addressed(store, place):
        receiver = Receiver(store, settings, shown, None)
        if mode is not None and not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
            if not settings.dry_run:
                with target.open("wb", buffering=0) as stream:
                    receiver.stream(place, info, stream, place.name)
            return
        with Landing(target.parent, make=not settings.dry_run) as landing:
            parts = [target.name]
            there = landing.status(parts)
            if there is not None and not settings.force:
                raise Conflict(f"{target} exists already", hint="add --force to replace it")
            action = "download" if there is None else "replace"
            if there is not None and receiver.is_same(place, info, landing, parts):
                note(f"{target}: the same already")
                action = "skip"
                if not settings.dry_run and stat.S_ISREG(there.st_mode):
                    landing.give(parts, attributes_of(receiver.known(place, info)))
            elif not settings.dry_run:
                receiver.receive(place, info, landing, parts, settings.connections)
    record = {"path": str(target), "action": action, "source": str(place), "bytes": info.size}
    if settings.dry_run or run.output != "table":
        show_list(run, [record], [Column("action", "action"), Column("path", "path"), Column("bytes", "size", "size")])


def _target(place: Location, local: str | None) -> Path:
    own = local_name(place)
    if local is None:
        return Path(own)
    path = Path(local)
    if local.endswith("/") or path.is_dir():
        return path / own
    # A link that the user names is followed, as cp does: the file behind it is replaced.
    return Path(os.path.realpath(path)) if path.is_symlink() else path
