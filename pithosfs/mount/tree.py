"""What the server has: containers, folders, objects, and their attributes; how fresh that is.

A container is listed whole while it is small enough, folder by folder when it is not. It is asked about at most once
in `freshness` seconds, and only when somebody wants to know: one conditional request, whose answer is usually "nothing
new". Three things need care:

- HTTP dates are whole seconds. While the last change is within two seconds of the answer, "not modified since" proves
  nothing, and the next question is asked as if from a second earlier.
- A listing may be older than a change that this mount made while it was under way. Such changes are noted with
  `noted`, `gone`, `moved`, and applied again on top of the listing that they overtook.
- Listing a large container takes long: it is not listed again before ten times that has passed.

Locks: `_lock` guards the dictionaries and is never held over the network. Of several threads that find the same
container stale one asks, the others wait for its answer.
"""

from __future__ import annotations

import errno
import logging
import os
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from pithosfs.cache import BlockCache
from pithosfs.errors import NoConnection, NotAllowed, NotFound, PithosfsError, ServerFailed
from pithosfs.mount import names
from pithosfs.mount.container_names import ContainerNames, Entry, Kind
from pithosfs.store import ContainerInfo, Listing, ObjectInfo, ObjectPath, ObjectStore

__all__ = ["Entry", "Kind", "Tree"]

log = logging.getLogger(__name__)

COST_FACTOR = 10  # a listing that took s seconds is not asked for again before COST_FACTOR × s
SURE_AFTER = 2  # seconds between the last change and the answer, from which a "not modified" can be trusted
USED_LATELY = 90.0  # seconds for which `refresh` looks after a container: longer than the kernel's own memory
AWAY = 5.0  # seconds for which a server that did not answer is not asked again
CONNECTIONS = 16

Key = tuple[str, str]  # account, container
Note = Callable[[ContainerNames], None]


@dataclass(slots=True, eq=False)
class _Container:
    """One container's state. `generation` counts changes seen, for folder-by-folder listings."""

    names: ContainerNames = field(default_factory=ContainerNames)
    whole: bool = True
    checked: float = float("-inf")
    cost: float = 0.0
    modified: int | None = None
    date: int = 0
    outdated: bool = True  # the next question must be unconditional
    used: float = 0.0
    notes: list[Note] = field(default_factory=list)
    generation: int = 0
    folders: dict[str, tuple[int, float]] = field(default_factory=dict)  # folder: generation and time of its listing
    bare: bool | None = None  # no object carries any metadata (asked once per listing)


class Tree:
    """The server's names, as fresh as `freshness` (seconds). Thread-safe.

    `on_change` is told the paths that turned out different without this mount's doing.
    """

    def __init__(
        self,
        store: ObjectStore,
        cache: BlockCache,
        *,
        cloud_key: str,
        freshness: float,
        whole_limit: int = 10_000,
        clock: Callable[[], float] = time.monotonic,
        on_change: Callable[[Iterable[ObjectPath]], None] | None = None,
    ) -> None:
        self._store = store
        self._cache = cache
        self._cloud_key = cloud_key
        self._freshness = freshness
        self._whole_limit = whole_limit
        self._clock = clock
        self.on_change = on_change
        self._lock = threading.Lock()
        self._containers: dict[Key, _Container] = {}
        self._asking: dict[object, Future[None]] = {}
        self._accounts: dict[str, tuple[float, dict[str, ContainerInfo]]] = {}
        self._heads: dict[ObjectPath, Future[ObjectInfo | None]] = {}
        self._away_until = float("-inf")
        self._away: NoConnection | ServerFailed | None = None
        self._pool = ThreadPoolExecutor(CONNECTIONS, thread_name_prefix="heads")

    def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    # containers -----------------------------------------------------------------------------------------------------

    def containers(self, account: str | None = None) -> dict[str, ContainerInfo]:
        """The containers of an account by name."""
        owner = account or self._store.account

        def ask() -> None:
            found = {one.name: one for one in self._store.containers(owner)}
            with self._lock:
                self._accounts[owner] = (self._clock(), found)

        known = self._accounts.get(owner)
        if known is None or self._clock() - known[0] >= self._freshness:
            self._ask_once(("account", owner), ask, known=known is not None)
        return dict(self._accounts[owner][1])

    def container_made(self, name: str) -> None:
        """This mount made a container."""
        with self._lock:
            known = self._accounts.get(self._store.account)
            if known is not None:
                known[1][name] = ContainerInfo(name, time.time_ns())
            self._containers.pop((self._store.account, name), None)

    def container_gone(self, name: str) -> None:
        """This mount deleted a container."""
        with self._lock:
            known = self._accounts.get(self._store.account)
            if known is not None:
                known[1].pop(name, None)
            self._containers.pop((self._store.account, name), None)

    def forget(self, container: str) -> None:
        """What is known of an own container may be wrong: ask again."""
        with self._lock:
            self._accounts.pop(self._store.account, None)
            state = self._containers.get((self._store.account, container))
            if state is not None:
                state.outdated, state.checked = True, float("-inf")

    # names ----------------------------------------------------------------------------------------------------------

    def entry(self, path: ObjectPath) -> Entry | None:
        """What is at a path, None when nothing is. A path without a name is its container."""
        if not path.name:
            known = self.containers(path.account)
            return Entry(Kind.FOLDER, path.container, None) if path.container in known else None
        state = self._fresh(path, path.name.rpartition("/")[0])
        if state is None:
            return None
        with self._lock:
            return state.names.entry(path.name)

    def children(self, folder: ObjectPath) -> dict[str, Entry]:
        """Local names and entries of a folder. Raises FileNotFoundError, NotADirectoryError."""
        state = self._fresh(folder, folder.name)
        if state is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(folder))
        if folder.name:
            entry = self.entry(folder)
            if entry is None:
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(folder))
            if entry.kind is not Kind.FOLDER:
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder))
        with self._lock:
            found = list(state.names.children(folder.name))
        shown: dict[str, Entry] = {}
        for entry in found:
            local = names.to_local(entry.name)
            if local in shown:
                log.warning("%s: two names look the same here, one is hidden: %r", folder, local)
                continue
            shown[local] = entry
        return shown

    def has_below(self, path: ObjectPath) -> bool:
        """Whether anything is below a folder name."""
        state = self._fresh(path, path.name)
        if state is None:
            return False
        with self._lock:
            return state.names.has_below(path.name)

    def below(self, folder: ObjectPath) -> list[ObjectInfo]:
        """Every object below a folder."""
        state = self._fresh(folder, folder.name)
        if state is None:
            return []
        with self._lock:
            if state.whole:
                return state.names.below(folder.name)
        prefix = f"{folder.name}/" if folder.name else ""
        listing = self._store.list_objects(folder.container, prefix=prefix, account=folder.account)
        return list(listing.found.objects) if listing is not None else []

    # attributes -----------------------------------------------------------------------------------------------------

    def info(self, path: ObjectPath) -> ObjectInfo | None:
        """The object at a path with its metadata known, None when there is none."""
        entry = self.entry(path) if path.name else None
        if entry is None or entry.info is None:
            return None
        info = self._remembered(path, [entry.info])[0]
        if info.meta is not None and (info.allowed_to or path.account == self._store.account):
            return info
        if path.account == self._store.account and self._is_bare(path):
            return replace(info, meta={})
        return self._head(path)

    def learn(self, folder: ObjectPath) -> None:
        """Ask, side by side, for the attributes of those objects of a folder that are not known yet."""
        found = [entry.info for entry in self.children(folder).values() if entry.info is not None]
        unknown = [info for info in self._remembered(folder, found) if info.meta is None]
        if not unknown or self._is_bare(folder):
            return
        asked = [self._pool.submit(self._head, replace(folder, name=info.name)) for info in unknown]
        for one in asked:
            one.result()

    def _remembered(self, path: ObjectPath, infos: list[ObjectInfo]) -> list[ObjectInfo]:
        """Infos with the metadata that earlier answers about these very versions told."""
        unknown = [info.version for info in infos if info.meta is None]
        if not unknown:
            return infos
        known = self._cache.meta(self._cloud_key, unknown)
        if not known:
            return infos
        result = []
        state = self._containers.get((path.account, path.container))
        for info in infos:
            told = known.get(info.version) if info.meta is None else None
            if told is not None and isinstance(told.get("meta"), dict):
                info = replace(info, meta=told["meta"], etag=told.get("etag") or info.etag)
                self._keep(state, info)
            result.append(info)
        return result

    def _keep(self, state: _Container | None, info: ObjectInfo) -> None:
        if state is None:
            return
        with self._lock:
            present = state.names.objects.get(info.name)
            if present is not None and present.version == info.version:
                state.names.objects[info.name] = info

    def _is_bare(self, path: ObjectPath) -> bool:
        """Whether no object of the container carries metadata: one request instead of one per object."""
        state = self._containers.get((path.account, path.container))
        if state is None or path.account != self._store.account:
            return False
        if state.bare is None:
            state.bare = self._store.container(path.container, path.account).object_meta_keys == frozenset()
        return state.bare

    def _head(self, path: ObjectPath) -> ObjectInfo | None:
        """HEAD of an object; concurrent askers share one request."""
        with self._lock:
            asked = self._heads.get(path)
            mine = asked is None
            if asked is None:
                asked = self._heads[path] = Future()
        if not mine:
            return asked.result()
        try:
            self._check_away()
            found = self._answer_of_head(path)
        except BaseException as trouble:
            if isinstance(trouble, NoConnection | ServerFailed):
                self._is_away(trouble)
            with self._lock:
                self._heads.pop(path, None)
            asked.set_exception(trouble)
            raise
        with self._lock:
            self._heads.pop(path, None)
        asked.set_result(found)
        return found

    def _answer_of_head(self, path: ObjectPath) -> ObjectInfo | None:
        try:
            info = self._store.head(path)
        except (NotFound, NotAllowed):
            self.gone(path)
            return None
        self._remember(info)
        with self._lock:
            state = self._containers.get((path.account, path.container))
            present = state.names.objects.get(path.name) if state is not None else None
            if state is not None and (present is None or present.version != info.version):
                state.names.put(info)
            elif state is not None and present is not None:
                # The listing's time is finer than the header's.
                state.names.objects[path.name] = info = replace(info, modified_ns=present.modified_ns)
        return info

    def _remember(self, info: ObjectInfo) -> None:
        if info.meta is not None:
            told = {info.version: {"etag": info.etag, "meta": dict(info.meta)}}
            self._cache.remember_meta(self._cloud_key, told)

    # our own changes ------------------------------------------------------------------------------------------------

    def noted(self, path: ObjectPath, info: ObjectInfo) -> None:
        """This mount put an object there."""
        placed = replace(info, name=path.name)
        self._remember(placed)
        self._note(path, lambda known: known.put(placed))
        state = self._containers.get((path.account, path.container))
        if state is not None and placed.meta:
            state.bare = None

    def gone(self, path: ObjectPath) -> None:
        """This mount deleted an object, or the server says that it is not there."""
        self._note(path, lambda known: known.drop(path.name))

    def moved(self, source: ObjectPath, target: ObjectPath) -> None:
        """This mount moved a folder with everything below it. All versions are new, so they are asked for again."""
        if (source.account, source.container) == (target.account, target.container):
            self._note(source, lambda known: known.move(source.name, target.name))
        with self._lock:
            for path in (source, target):
                state = self._containers.get((path.account, path.container))
                if state is not None:
                    state.outdated, state.checked = True, float("-inf")
                    state.generation += 1

    def _note(self, path: ObjectPath, change: Note) -> None:
        with self._lock:
            state = self._containers.get((path.account, path.container))
            if state is not None:
                change(state.names)
                state.notes.append(change)

    # freshness ------------------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Look after every container that was used lately. One that cannot be asked does not stop the others."""
        now = self._clock()
        with self._lock:
            keys = [key for key, state in self._containers.items() if now - state.used < USED_LATELY]
        trouble: PithosfsError | None = None
        for account, container in keys:
            try:
                self._fresh(ObjectPath(account, container, ""), None, using=False)
            except PithosfsError as error:
                trouble = error
        if trouble is not None:
            raise trouble

    def _fresh(self, path: ObjectPath, folder: str | None, *, using: bool = True) -> _Container | None:
        """The state of a path's container, fresh; with the listing of `folder` where it is listed by folders."""
        key = (path.account, path.container)
        with self._lock:
            state = self._containers.setdefault(key, _Container())
            now = self._clock()
            if using:
                state.used = now
            fresh = now - state.checked < max(self._freshness, COST_FACTOR * state.cost)
        if not fresh:
            try:
                self._ask_once(key, lambda: self._list(key, state), known=state.modified is not None)
            except (NotFound, NotAllowed):
                with self._lock:
                    self._containers.pop(key, None)
                return None
        if not state.whole and folder is not None:
            self._fresh_folder(key, state, folder)
        return state

    def _list(self, key: Key, state: _Container) -> None:
        account, container = key
        with self._lock:
            state.notes.clear()
            sure = state.date - (state.modified or 0) >= SURE_AFTER
            since = None if state.modified is None or state.outdated else state.modified - (0 if sure else 1)
            state.outdated = False
        start = self._clock()
        try:
            if state.whole:
                found = self._store.list_objects(
                    container, account=account, limit=self._whole_limit, modified_since=since
                )
            else:
                found = self._store.list_objects(container, account=account, limit=1, modified_since=since)
        except BaseException:
            state.outdated = True
            raise
        changed: list[str] = []
        with self._lock:
            if not state.outdated:
                state.checked = self._clock()
            if found is None:
                return
            first = state.modified is None
            state.cost = self._clock() - start
            state.modified, state.date, state.bare = found.modified, found.date, None
            state.generation += 1
            if state.whole and not found.complete:
                log.info("%s holds more than %d objects: listed folder by folder", container, self._whole_limit)
                state.whole, state.names = False, ContainerNames()
            elif state.whole:
                changed = self._take(state, found)
        if changed and not first:
            self._tell(key, changed)

    def _take(self, state: _Container, found: Listing) -> list[str]:
        """Replace what is known by a listing, under what was changed here since it was asked for."""
        before = dict(state.names.objects)
        state.names.replace_all({info.name: info for info in found.found.objects})
        for note in state.notes:
            note(state.names)
        after = state.names.objects
        changed = [name for name in before if name not in after]
        for name, info in after.items():
            old = before.get(name)
            if old is None or (old.version, old.sharing, old.public) != (info.version, info.sharing, info.public):
                changed.append(name)
        return changed

    def _fresh_folder(self, key: Key, state: _Container, folder: str) -> None:
        listed = state.folders.get(folder)
        if listed is not None and listed[0] == state.generation:
            return
        account, container = key

        def ask() -> None:
            with self._lock:
                generation = state.generation
                notes = len(state.notes)
            prefix = f"{folder}/" if folder else ""
            found = self._store.list_objects(container, prefix=prefix, delimiter="/", account=account)
            if found is None:
                return
            with self._lock:
                changed = state.names.replace_folder(folder, found.found.objects, found.found.folders)
                for note in state.notes[notes:]:
                    note(state.names)
                state.folders[folder] = (generation, self._clock())
            if listed is not None and changed:
                self._tell(key, changed)

        self._ask_once((*key, folder), ask, known=listed is not None)

    def _tell(self, key: Key, changed: list[str]) -> None:
        if self.on_change is not None:
            self.on_change([ObjectPath(*key, name) for name in changed])

    def _ask_once(self, what: object, ask: Callable[[], None], *, known: bool) -> None:
        """Run `ask`, unless another thread is at it already: then wait for that.

        When the server is away, what is known stays good (`known`); the next question waits a while.
        """
        with self._lock:
            future = self._asking.get(what)
            mine = future is None
            if future is None:
                future = self._asking[what] = Future()
        try:
            if mine:
                self._asked(what, ask, future)
            else:
                future.result()
        except (NoConnection, ServerFailed):
            if not known:
                raise

    def _asked(self, what: object, ask: Callable[[], None], future: Future[None]) -> None:
        try:
            self._check_away()
            ask()
        except BaseException as trouble:
            if isinstance(trouble, NoConnection | ServerFailed):
                self._is_away(trouble)
            with self._lock:
                self._asking.pop(what, None)
            future.set_exception(trouble)
            raise
        with self._lock:
            self._asking.pop(what, None)
            came_back = self._away is not None
            self._away = None
        future.set_result(None)
        if came_back:
            log.info("the cloud answers again")

    def _check_away(self) -> None:
        away = self._away
        if away is not None and self._clock() < self._away_until:
            raise type(away)(*away.args)

    def _is_away(self, trouble: NoConnection | ServerFailed) -> None:
        if self._away is None:
            log.warning("the cloud does not answer, going on with what is known: %s", trouble)
        if self._clock() >= self._away_until:
            self._away_until = self._clock() + AWAY
        self._away = trouble
