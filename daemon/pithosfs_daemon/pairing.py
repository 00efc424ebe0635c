"""Making a pair and ending one: what is checked, what is made, and in which order, so that a kill in between leaves
either a whole pair or something that the next `sync add` or `sync remove` clears away."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from pithosfs.config import Directories
from pithosfs.errors import Conflict, LocalError, NotFound, PithosfsError, UsageError
from pithosfs.store import ObjectPath, ObjectStore
from pithosfs_daemon.copies import copy_name
from pithosfs_daemon.folder import Folder, Trash, lay_marker, read_marker, remove_marker
from pithosfs_daemon.folder.private import PRIVATE
from pithosfs_daemon.pairfile import check
from pithosfs_daemon.places import check_folder, make_folder
from pithosfs_daemon.registry import Registry
from pithosfs_daemon.values import Pair

__all__ = ["Added", "add_pair", "end_pair", "move_pair", "trash_size"]


@dataclass(frozen=True, slots=True)
class Added:
    """A new pair, and what had to be made for it."""

    pair: Pair
    made_folder: bool
    made_container: bool


def add_pair(
    wish: Pair, folder: str, directories: Directories, store: ObjectStore, *, create_container: bool = True
) -> Added:
    """Keep a new pair and mark its folder. `wish` has everything but id, folder and account.

    Raises LocalError, UsageError, NotFound, Conflict with what is in the way; then nothing has been made but perhaps
    the container.
    """
    registry = Registry(directories)
    check(replace(wish, folder=Path("/")))
    real = check_folder(folder, registry.pairs(), directories)
    made_container = _have_container(store, wish, create=create_container)
    _check_remote(store, wish)
    made_folder = False

    def build(id: str, pairs: list[Pair]) -> Pair:
        nonlocal made_folder
        check_folder(str(real), pairs, directories)
        made_folder = make_folder(real)
        return replace(wish, id=id, folder=real, account=store.account)

    pair = None
    try:
        pair = registry.add(build)
        _mark(pair)
    except BaseException:
        if pair is not None:
            registry.remove(pair.id)
            registry.discard(pair.id)
        if made_folder:
            with contextlib.suppress(OSError):
                real.rmdir()
        raise
    return Added(pair, made_folder, made_container)


def _have_container(store: ObjectStore, wish: Pair, *, create: bool) -> bool:
    """Whether the container had to be made."""
    try:
        store.container(wish.container)
    except NotFound as error:
        if not create:
            raise NotFound(
                f"there is no container {wish.container!r}",
                error.status,
                hint=f"make it: pithosfs container create {wish.container}, or leave --no-create out",
            ) from None
    else:
        return False
    with contextlib.suppress(Conflict):  # somebody else made it just now
        store.create_container(wish.container)
    return True


def _check_remote(store: ObjectStore, wish: Pair) -> None:
    """No part of the remote side's name may be a file."""
    parts = wish.prefix.split("/") if wish.prefix else []
    for count in range(1, len(parts) + 1):
        path = ObjectPath(store.account, wish.container, "/".join(parts[:count]))
        with contextlib.suppress(NotFound):
            if not store.head(path).is_directory:
                raise UsageError(f"/{path} is a file in the cloud", hint="give a folder, or a name that is free")


def _mark(pair: Pair) -> None:
    try:
        lay_marker(pair, socket.gethostname())
    except OSError as trouble:
        raise LocalError(
            f"{pair.folder} cannot be marked as synced: {trouble.strerror}",
            hint="the folder must be one that you can write to",
        ) from trouble


def move_pair(pair: Pair, folder: str, directories: Directories) -> Path:
    """The real path of the place that a pair's folder was moved to. Raises LocalError when it is not that folder."""
    real = check_folder(folder, Registry(directories).pairs(), directories, pair_id=pair.id)
    marker = read_marker(real)
    if marker is None or marker.pair != pair.id:
        raise LocalError(
            f"{real} is not the folder that {pair.folder} was",
            hint=f"it has its {PRIVATE} in it; to sync another folder: pithosfs sync add",
        )
    return real


def end_pair(pair: Pair, registry: Registry, released: Callable[[], None], *, drop_trash: bool) -> bool:
    """Forget a pair; the files on both sides stay. `released` is called when it is no more, and returns when nobody
    uses its folder any longer. Says whether the folder could be unmarked (its disk may not be there)."""
    registry.remove(pair.id)
    released()
    marker = read_marker(pair.folder)
    ours = marker is not None and marker.pair == pair.id
    if ours:
        _settle(pair)
        if drop_trash:
            with contextlib.suppress(OSError):
                shutil.rmtree(pair.folder / PRIVATE / "trash")
        with contextlib.suppress(OSError):
            remove_marker(pair)
    registry.discard(pair.id)
    return ours and not os.path.lexists(pair.folder / PRIVATE / "marker")


def _settle(pair: Pair) -> None:
    """What programs have written to files that downloads had just replaced must not stay behind where nobody looks."""

    def copy(name: str, number: int) -> str:
        return copy_name(name, socket.gethostname(), time.time(), number)

    with contextlib.suppress(PithosfsError, OSError), contextlib.closing(Folder(pair)) as folder:
        folder.leftovers(copy)


def trash_size(pair: Pair) -> tuple[int, int]:
    """How many files are in a pair's trash, and their bytes; none when its disk is not there."""
    with contextlib.suppress(LocalError, OSError):
        entries = Trash(pair.folder).list()
        return len(entries), sum(one.size for one in entries)
    return 0, 0
