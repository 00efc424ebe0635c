"""What the server has: containers, folders, objects and their attributes, as fresh as was asked for.

A container is listed whole while it is small enough, folder by folder when it is not. It is asked about at most once
in `freshness` seconds, and only when somebody wants to know: one conditional request, whose answer is usually "nothing
new". `container_names` has what is known, `holdings` how fresh it is and how listings meet our own changes; this
module answers the questions of the file system, `asking` and `heads` send the requests.

`_lock` guards everything in memory and is never held over the network, nor while `on_change` is called.
"""

from __future__ import annotations

import errno
import logging
import os
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from pithosfs.cache import BlockCache
from pithosfs.errors import PithosfsError
from pithosfs.mount import names
from pithosfs.mount.asking import Asker
from pithosfs.mount.container_names import ContainerNames, Entry, Kind, Slot, Subtree, entry_of, kind_of
from pithosfs.mount.heads import Heads
from pithosfs.mount.holdings import AccountHolding, ContainerHolding
from pithosfs.mount.notes import Attach, Detach, Drop, Put
from pithosfs.store import ContainerInfo, ObjectInfo, ObjectPath, ObjectStore

__all__ = ["Entry", "Kind", "ShadowedPath", "Tree"]

log = logging.getLogger(__name__)

T = TypeVar("T")
Changed = Callable[[Iterable[ObjectPath]], None]

USED_LATELY = 90.0  # seconds for which `refresh` looks after what was used: longer than the kernel remembers
PATIENCE = 3.0  # seconds that somebody who has an old answer waits for a new one
MOST_NAMES = 100_000  # held in memory: some 100 MB
LISTINGS_AT_ONCE = 8  # that renew what is known already; threads of their own, never behind a row of HEADs
SIDE_BY_SIDE = 16  # requests that learn attributes


@dataclass(frozen=True, slots=True)
class ShadowedPath(ObjectPath):
    """The path of a file whose name also is a folder's: the same address, and unequal to the folder's path."""


class Tree:
    """The server's names. Thread-safe.

    `cloud_key` names the cloud in the cache. `freshness` in seconds of `clock`. A container of more than `whole_limit`
    objects is listed by folder; there names with a leading slash do not show. At most about `most_names` names are held
    in memory. `patience` (seconds) is how long somebody who has an old answer waits for a new one. `on_change` is told
    the paths that turned out different (new, gone, changed) without this mount's doing, from whatever thread finds it.
    """

    def __init__(
        self,
        store: ObjectStore,
        cache: BlockCache,
        *,
        cloud_key: str,
        freshness: float,
        whole_limit: int = 10_000,
        most_names: int = MOST_NAMES,
        patience: float = PATIENCE,
        clock: Callable[[], float] = time.monotonic,
        on_change: Changed | None = None,
    ) -> None:
        self._store = store
        self._freshness = freshness
        self._whole_limit = whole_limit
        self._most_names = most_names
        self._clock = clock
        self.on_change = on_change
        self._accounts: dict[str, AccountHolding] = {}
        self._containers: OrderedDict[tuple[str, str], ContainerHolding] = OrderedDict()  # the one used last at the end
        self._pool = ThreadPoolExecutor(SIDE_BY_SIDE, thread_name_prefix="tree")
        self._flights = ThreadPoolExecutor(LISTINGS_AT_ONCE, thread_name_prefix="list")
        self._asker = Asker(
            self._flights, self._tell, self._make_room, freshness=freshness, patience=patience, clock=clock
        )
        self._lock = self._asker.lock
        self._heads = Heads(store, cache, cloud_key, self._pool)

    def close(self) -> None:
        """Stop asking; what was learnt is kept."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._flights.shutdown(wait=True)
        self._heads.save()

    # containers -----------------------------------------------------------------------------------------------------

    def containers(self, account: str | None = None) -> dict[str, ContainerInfo]:
        """The containers of an account (the own one) by server name; of another's, those with something shared."""
        owner = account or self._store.account
        return self._asker.read(lambda: self._account(owner), "", lambda held: dict(held.containers or {}))

    def container_made(self, name: str) -> None:
        """This mount made a container."""
        with self._lock:
            self._containers.pop((self._store.account, name), None)
            self._account(self._store.account).change(name, ContainerInfo(name, time.time_ns()))

    def container_gone(self, name: str) -> None:
        """This mount deleted a container."""
        with self._lock:
            self._containers.pop((self._store.account, name), None)
            self._account(self._store.account).change(name, None)

    def forget(self, container: str) -> None:
        """What is known of an own container may be wrong: the next question goes to the server."""
        with self._lock:
            self._account(self._store.account).distrust()
            held = self._containers.get((self._store.account, container))
            if held is not None:
                held.distrust(at_once=True)

    # names ----------------------------------------------------------------------------------------------------------

    def entry(self, path: ObjectPath) -> Entry | None:
        """What is at a path, None when nothing is. A path without a name is its container."""
        if not path.name:
            return Entry(Kind.FOLDER, path.container, None) if self._container_exists(path) else None
        slot = self._slot(path)
        if slot is None:
            return None
        segment = names.split_last(path.name)[1]
        if isinstance(path, ShadowedPath):
            if slot.info is None or slot.info.is_directory or not slot.below:
                return None
            return Entry(kind_of(slot.info), segment, slot.info, True)
        return entry_of(segment, slot)

    def _container_exists(self, path: ObjectPath) -> bool:
        with self._lock:
            held = self._containers.get((path.account, path.container))
            listed = held is not None and held.knows(held.part_of(""))
        if listed:  # then its own freshness tells, without a request for the account's list
            return self._read_names(path, "", lambda held: held.exists)
        return path.container in self.containers(path.account)

    def _slot(self, path: ObjectPath) -> Slot | None:
        folder = names.split_last(path.name)[0]

        def look(held: ContainerHolding) -> tuple[bool, Slot | None]:
            if held.names is None or not held.knows(held.part_of(folder)):
                return False, None
            return True, held.names.slot(path.name)

        found, slot = self._read_names(path, folder, look)
        return slot if found else self._single(path)

    def _single(self, path: ObjectPath) -> Slot | None:
        """A name in a folder that is too large to be listed for it. A plain file is not looked behind."""
        with self._lock:
            held = self._container(path)
            fresh, slot = held.single(path.name, self._clock(), self._freshness)
            if fresh:
                return slot
        self._asker.check_away()
        started = self._clock()
        with self._lock:
            flight = held.depart_alone()
        try:
            with self._asker.watching():
                info = self._heads.ask(path)
                below = False
                if info is None:
                    prefix = f"{path.name}/"
                    listing = self._store.list_objects(path.container, account=path.account, prefix=prefix, limit=1)
                    below = listing is not None and bool(listing.found.objects)
            slot = Slot(info, below) if info is not None or below else None
            with self._lock:
                if not held.is_overtaken(flight, path.name):
                    held.keep_single(path.name, slot, started)
        finally:
            with self._lock:
                held.land(flight)
        return slot

    def children(self, folder: ObjectPath) -> dict[str, Entry]:
        """Local names and entries of a folder. Raises FileNotFoundError, NotADirectoryError."""

        def look(held: ContainerHolding) -> dict[str, Entry] | None:
            if held.names is None or not held.exists:
                return None
            found = held.names.children(folder.name)
            return dict(found) if found or not folder.name else None

        found = self._read_names(folder, folder.name, look, unlimited=True)
        if found is not None:
            return found
        entry = self.entry(folder) if folder.name else None
        if entry is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(folder))
        if entry.kind is not Kind.FOLDER:
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder))
        return {}

    def path_of(self, folder: ObjectPath, entry: Entry) -> ObjectPath:
        """The path of an entry of a folder."""
        path = folder.child(entry.name)
        return ShadowedPath(path.account, path.container, path.name) if entry.shadowed else path

    def has_below(self, path: ObjectPath) -> bool:
        """Whether anything is below a folder name."""

        def look(held: ContainerHolding) -> bool:
            # A folder that was too large to be listed has something in it.
            return held.names is not None and (held.names.has_below(path.name) or path.name in held.too_large)

        return self._read_names(path, path.name, look)

    def below(self, folder: ObjectPath) -> list[ObjectInfo]:
        """Every object below a folder (its own marker is not), with full server names."""

        def look(held: ContainerHolding) -> list[ObjectInfo] | None:
            return list(held.names.below(folder.name)) if held.names is not None and not held.by_folder else None

        found = self._read_names(folder, folder.name, look)
        if found is not None:
            return found
        prefix = f"{folder.name}/" if folder.name else ""
        with self._lock:
            held = self._container(folder)
            flight = held.depart_alone()
        try:
            with self._asker.watching():
                listing = self._store.list_objects(folder.container, account=folder.account, prefix=prefix)
            with self._lock:
                listed = ContainerNames.of(listing.found.objects if listing is not None else ())
                held.apply_later(flight, listed)
                return list(listed.below(folder.name))
        finally:
            with self._lock:
                held.land(flight)

    # attributes -----------------------------------------------------------------------------------------------------

    def info(self, path: ObjectPath, *, exact: bool = False) -> ObjectInfo | None:
        """The object at a path with its metadata known, None when there is none.

        `exact` asks the server in any case: sharing and publication may have changed without a trace in listings.
        """
        entry = self.entry(path) if path.name else None
        info = entry.info if entry is not None else None
        if info is None:
            return None
        if not exact:
            if self._is_known(path, info):
                return info
            [info] = self._remembered(path, [info])
            if self._is_known(path, info):
                return info
            with self._lock:
                bare = self._container(path).meta_keys == frozenset()
            if bare and (described := self._bare(path, info)) is not None:
                return described
        return self._head(path)

    def learn(self, folder: ObjectPath) -> None:
        """Ask, side by side, for the attributes of those objects of a folder that are not known yet."""
        infos = {entry.info.name: entry.info for entry in self.children(folder).values() if entry.info is not None}
        unknown = [info for info in infos.values() if not self._is_known(folder, info)]
        unknown = [info for info in self._remembered(folder, unknown) if not self._is_known(folder, info)]
        if not unknown:
            return
        self._asker.check_away()
        if folder.account == self._store.account and self._has_no_meta(folder):
            unknown = [info for info in unknown if self._bare(folder, info) is None]
        self._heads.ahead((ObjectPath(folder.account, folder.container, info.name) for info in unknown), self._head_now)

    def _is_known(self, path: ObjectPath, info: ObjectInfo) -> bool:
        """Whether all of an object is known; what others let this account do is part of that."""
        rights = path.account == self._store.account or info.allowed_to is not None
        return info.meta is not None and info.version != "" and rights

    def _remembered(self, path: ObjectPath, infos: list[ObjectInfo]) -> list[ObjectInfo]:
        """Infos with what earlier answers told of these very versions."""
        told = self._heads.remembered(infos)
        for info in told:
            if info.meta is not None:
                self._learnt(path, info)
        return told

    def _learnt(self, path: ObjectPath, info: ObjectInfo) -> None:
        with self._lock:
            held = self._containers.get((path.account, path.container))
            if held is not None and held.names is not None:
                held.names.learnt(info)

    def _has_no_meta(self, folder: ObjectPath) -> bool:
        """Whether no object of the container carries metadata: one request instead of one per object."""
        with self._lock:
            held = self._container(folder)
            keys, departed = held.meta_keys, (held.sequence, held.listings)
        if keys is None:
            with self._asker.watching():
                keys = self._store.container(folder.container, folder.account).object_meta_keys
            with self._lock:
                if (held.sequence, held.listings) == departed:
                    held.meta_keys = keys
        return keys == frozenset()

    def _bare(self, path: ObjectPath, info: ObjectInfo) -> ObjectInfo | None:
        """An object that has no metadata, described without asking for it; None when its ETag is not known.

        This is not remembered by version: the container was asked later than the version was listed.
        """
        described = self._heads.without_meta(info)
        if described is not None:
            self._learnt(path, described)
        return described

    def _head(self, path: ObjectPath) -> ObjectInfo | None:
        self._asker.check_away()
        return self._heads.shared(path, self._head_now)

    def _head_now(self, path: ObjectPath) -> ObjectInfo | None:
        """HEAD of an object, and what follows from it for what is known."""
        with self._lock:
            held = self._container(path)
            flight = held.depart_alone()
        changed = False
        try:
            with self._asker.watching():
                info = self._heads.ask(path)
            with self._lock:
                slot = held.names.slot(path.name) if held.names is not None else None
                before = slot.info if slot is not None else None
                if info is not None and before is not None and before.version == info.version:
                    # A listing's time is finer than a header's.
                    info = Put(info).over(before)
                    if held.names is not None:
                        held.names.learnt(info)
                elif not held.is_overtaken(flight, path.name):
                    held.note(Put(info) if info is not None else Drop(path.name))
                    changed = before is not None and before.version != ""
        finally:
            with self._lock:
                held.land(flight)
        if changed:
            self._tell([ObjectPath(path.account, path.container, path.name)])
        return info

    # our own changes ------------------------------------------------------------------------------------------------

    def noted(self, path: ObjectPath, info: ObjectInfo) -> None:
        """This mount put an object there, or learnt that it is there."""
        placed = self._heads.normal(info, path.name)
        self._heads.remember(placed)
        with self._lock:
            held = self._containers.get((path.account, path.container))
            if held is not None:
                held.note(Put(placed))
                if placed.meta:
                    held.meta_keys = None

    def gone(self, path: ObjectPath) -> None:
        """This mount deleted an object."""
        with self._lock:
            held = self._containers.get((path.account, path.container))
            if held is not None:
                held.note(Drop(path.name))

    def moved(self, source: ObjectPath, target: ObjectPath) -> None:
        """This mount moved a name with everything below it. The versions are new: they are asked for when needed."""
        with self._lock:
            old = self._containers.get((source.account, source.container))
            new = self._containers.get((target.account, target.container))
            subtree = Subtree(None)
            if old is not None:
                if old.names is not None:
                    subtree = old.names.detach(source.name)
                old.note(Detach(source.name))
            if new is not None:
                new.note(Attach(target.name, subtree))
                whole = old is not None and old.names is not None and old.names.complete
                new.moved_below(target.name, at_once=not whole)

    # freshness ------------------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Ask once about everything that was used lately; what differs is told to `on_change`.

        The server's failures are not raised: what is known stays in use.
        """
        now = self._clock()
        with self._lock:
            accounts = [one for one in self._accounts.values() if now - one.used < USED_LATELY]
            containers = [one for one in self._containers.values() if now - one.used < USED_LATELY]
        for account in accounts:
            self._asker.poll(account, "", now)
        for container in containers:
            with self._lock:
                parts = [part for part, state in container.parts.items() if now - state.used < USED_LATELY]
            # A "nothing new" to the first vouches for all that are as new as it.
            for part in reversed(parts):
                self._asker.poll(container, part, now)
        self._heads.save()

    def _account(self, account: str) -> AccountHolding:
        """Called with the lock held, like `_container`."""
        held = self._accounts.get(account)
        if held is None:
            held = self._accounts[account] = AccountHolding(self._store, account)
        return held

    def _container(self, path: ObjectPath) -> ContainerHolding:
        key = (path.account, path.container)
        held = self._containers.get(key)
        if held is None:
            listed = self._account(path.account).containers or {}
            count = listed[path.container].count if path.container in listed else None
            by_folder = count is not None and count > self._whole_limit
            held = ContainerHolding(self._store, *key, whole_limit=self._whole_limit, by_folder=by_folder)
            self._containers[key] = held
        self._containers.move_to_end(key)
        return held

    def _read_names(
        self, path: ObjectPath, folder: str, look: Callable[[ContainerHolding], T], *, unlimited: bool = False
    ) -> T:
        return self._asker.read(lambda: self._container(path), folder, look, unlimited=unlimited)

    def _make_room(self) -> list[ObjectPath]:
        """Forget what was not used for longest when too many names are held. Called with the lock held.

        What is being asked for stays. The forgotten paths are told as changed: changes there will not be noticed.
        """
        excess = sum(held.size for held in self._containers.values()) - self._most_names
        dropped: list[ObjectPath] = []
        for key, held in list(self._containers.items()):
            if excess <= 0:
                break
            size = held.size
            dropped += held.shrink(max(0, size - excess))
            if not held.flights and not held.by_folder and held.names is not None:
                dropped += [held.path(name) for name in held.names.all_names()]
                del self._containers[key]
                excess -= size
            else:
                excess -= size - held.size
        return dropped

    def _tell(self, changed: list[ObjectPath]) -> None:
        if not changed or self.on_change is None:
            return
        try:
            self.on_change(changed)
        except (PithosfsError, OSError) as trouble:
            log.warning("changes could not be passed on: %s", trouble)
