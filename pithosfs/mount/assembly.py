"""Puts the parts of one mount together, and takes them apart again in the right order."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pithosfs.cache import BlockCache
from pithosfs.config import DEFAULT_CONTAINER, Cloud, Directories, make_private
from pithosfs.errors import Conflict, NotFound
from pithosfs.http import RetryPolicy
from pithosfs.mount.filesystem import Filesystem, Problem
from pithosfs.mount.intents import finish_moves
from pithosfs.mount.journal import Journal
from pithosfs.mount.options import MountOptions
from pithosfs.mount.staging import Staging
from pithosfs.mount.tree import Tree
from pithosfs.mount.uploader import Reports, Uploader
from pithosfs.store import ObjectStore
from pithosfs.store.pithos import open_store

__all__ = ["Assembly", "assemble"]

log = logging.getLogger(__name__)

# A program waits behind every request: it gets its EIO while it may still be of use. The journal keeps what is written.
PATIENCE = RetryPolicy(attempts=3, total=15.0)
SILENCE = 30.0  # seconds that the server may take to begin an answer
STOP = 30.0  # seconds that running uploads may take at the end


@dataclass(frozen=True, slots=True)
class Assembly:
    """A mount without a mount point. `leftovers` send what mounts that ended before have left in their journals."""

    filesystem: Filesystem
    leftovers: tuple[Uploader, ...] = ()

    def drain(
        self,
        path: str | None = None,
        *,
        deadline: float | None = None,
        progress: Callable[[dict[str, Any]], None] | None = None,
    ) -> list[Problem]:
        """As `Filesystem.drain`; without a path, for what was left by earlier mounts too."""
        unsent = self.filesystem.drain(path, deadline=deadline, progress=progress)
        if path is None:
            for uploader in self.leftovers:
                failed = uploader.drain(None, deadline=deadline)
                unsent += [Problem(self.filesystem.local_path(row.path) or str(row.path), row.error) for row in failed]
        return unsent

    def status(self) -> dict[str, Any]:
        """As `Filesystem.status`."""
        return self.filesystem.status()


@contextlib.contextmanager
def assemble(options: MountOptions, cloud: Cloud, directories: Directories) -> Iterator[Assembly]:
    """Log in, open cache and journal, finish what earlier mounts left, and run the uploader meanwhile."""
    with contextlib.ExitStack() as parts:
        store = open_store(cloud, policy=PATIENCE, read_timeout=SILENCE)
        parts.callback(store.close)
        _have_a_container(store, options)
        # Version ids are unique within a cloud only, and a cloud that was made anew at the same address counts from one
        # again: the account's id tells the two apart.
        cloud_key = f"{cloud.url} {store.account}"
        directory = Path(options.cache_dir) if options.cache_dir is not None else directories.cache
        cache = BlockCache(make_private(directory), options.cache_size)
        parts.callback(cache.close)
        # By account alone: what is unsent must be found again however the address is written.
        journal, leftovers = Journal.open_slot(make_private(directories.state), store.account)
        tree = Tree(store, cache, cloud_key=cloud_key, freshness=options.attr_timeout)
        parts.callback(tree.close)
        finishing = tuple(_finish(parts, one, store, tree, cache, cloud_key) for one in leftovers)
        parts.callback(journal.close)
        staging = Staging(journal.directory)
        parts.callback(staging.close)
        reports = Reports(
            noted=lambda path, info: filesystem.sent(path, info),
            gone=lambda path: filesystem.deleted(path),
            changed=lambda path: filesystem.conflicted(path),
            set_aside=lambda path, copy: filesystem.set_aside(path, copy),
        )
        uploader = Uploader(store, reports, journal, staging, cache, cloud_key=cloud_key)
        filesystem = Filesystem(store, cache, journal, staging, uploader, tree, options, cloud_key=cloud_key)
        parts.callback(filesystem.close)
        tree.on_change = filesystem.changed_elsewhere
        filesystem.recover()
        uploader.start()
        parts.callback(uploader.stop, STOP)
        if pending := len(journal):
            log.info("%d changes of an earlier mount are sent now", pending)
        yield Assembly(filesystem, finishing)


def _have_a_container(store: ObjectStore, options: MountOptions) -> None:
    """A new account has no container: its mount would be a folder in which nothing can be made."""
    names = [one.name for one in store.containers()]
    if options.container is not None:
        if options.container not in names:
            raise NotFound(
                f"there is no container {options.container!r}",
                404,
                hint=f"make it: pithosfs container create {options.container}",
            )
    elif not names and not options.read_only:
        with contextlib.suppress(Conflict):
            store.create_container(DEFAULT_CONTAINER)


def _finish(
    parts: contextlib.ExitStack, journal: Journal, store: ObjectStore, tree: Tree, cache: BlockCache, cloud_key: str
) -> Uploader:
    """Send what another mount, which is not there any more, has left."""
    log.info("an earlier mount left %d changes: they are sent now", len(journal))
    parts.callback(journal.close)
    finish_moves(journal, store)
    staging = Staging(journal.directory)
    parts.callback(staging.close)
    reports = Reports(noted=tree.noted, gone=tree.gone, changed=lambda path: tree.forget(path.container))
    uploader = Uploader(store, reports, journal, staging, cache, cloud_key=cloud_key)
    uploader.start()
    parts.callback(uploader.stop, STOP)
    return uploader
