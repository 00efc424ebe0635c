"""Puts the parts of one pair together: its folder, watcher, state, the cloud, and the engine over them."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable
from typing import Literal

from pithosfs.cache import BlockCache
from pithosfs.config import Cloud, Directories, format_size, make_private
from pithosfs.errors import LocalError
from pithosfs.http import RetryPolicy
from pithosfs.mount.names import to_local
from pithosfs.store import ObjectStore, Traffic
from pithosfs.store.pithos import open_store
from pithosfs_daemon.acting import Event
from pithosfs_daemon.activity import Activity
from pithosfs_daemon.eventlog import EventLog
from pithosfs_daemon.folder import IgnoreRules, Trash, Watcher
from pithosfs_daemon.passes import Engine, Outcome
from pithosfs_daemon.ports import Counts
from pithosfs_daemon.registry import Registry
from pithosfs_daemon.remote import RemoteFolder
from pithosfs_daemon.sharing import FolderRoom
from pithosfs_daemon.state import State
from pithosfs_daemon.tenancy import take_folder
from pithosfs_daemon.timing import Timing
from pithosfs_daemon.troubles import OtherAccount
from pithosfs_daemon.values import Dirty, Pair

__all__ = ["Assembly", "Workplace"]

# Nobody waits behind a request, and a pass that failed is made again: few attempts, so that the status says soon that
# the cloud is away.
PATIENCE = RetryPolicy(attempts=3, total=15.0)
SILENCE = 60.0  # seconds that the server may take to begin an answer

# How the log of a pair calls what the engine has done.
_SAID = {
    "upload": "sent",
    "download": "received",
    "conflict": "kept both",
    "make remote folder": "made in the cloud",
    "make local folder": "made here",
    "delete remote": "deleted in the cloud",
    "delete local": "deleted here",
    "moved remote": "moved in the cloud",
    "moved local": "moved here",
    "send attributes": "sent mode and time",
    "take attributes": "received mode and time",
}


class Workplace:
    """An open pair (see `ports.OpenPair`). Without `touched` nobody watches the folder."""

    def __init__(
        self,
        pair: Pair,
        registry: Registry,
        events: EventLog,
        *,
        cache: BlockCache | None = None,
        touched: Callable[[], None] | None = None,
        timing: Timing | None = None,
        date: Callable[[], float] = time.time,
    ) -> None:
        """`date` is in seconds since the epoch. Raises FolderGone, FolderTaken, LocalError, OSError."""
        self._date = date
        self.pair = pair
        self.activity = Activity()
        self.room = FolderRoom(pair)
        self._events = events
        self._cache = cache
        self._store: ObjectStore | None = None
        self._engine: Engine | None = None
        self._touched = touched
        self._rescan_every = (timing or Timing()).unwatched
        self._watcher: Watcher | None = None
        self._watched_rules: IgnoreRules | None = None
        with contextlib.ExitStack() as opened:
            with contextlib.closing(self.room.open()):  # it is there, and is the right one
                self._give_back = take_folder(pair)
            opened.callback(self._give_back)
            self._watch()
            opened.callback(self._watch_no_more)
            self.state = State(registry.state_file(pair.id))
            opened.pop_all()

    def _watch(self) -> None:
        """Begin to watch, if that is wanted."""
        if self._touched is None:
            return
        with contextlib.closing(self.room.open()) as folder:
            self._watcher = Watcher(folder, self._touched, rescan_every=self._rescan_every)
            self._watched_rules = folder.rules

    def _watch_no_more(self) -> None:
        if self._watcher is not None:
            self._watcher.close()
            self._watcher = None

    @property
    def watch_problem(self) -> str | None:
        return None if self._watcher is None else self._watcher.problem

    @property
    def remote(self) -> RemoteFolder:
        """The side in the cloud, as far as it is connected."""
        return self._connected.remote

    @property
    def is_connected(self) -> bool:
        return self._engine is not None

    @property
    def _connected(self) -> Engine:
        assert self._engine is not None, "connect comes first"
        return self._engine

    def connect(self, cloud: Cloud) -> None:
        store = open_store(
            cloud,
            policy=PATIENCE,
            read_timeout=SILENCE,
            upload_limit=self.pair.upload_limit,
            download_limit=self.pair.download_limit,
        )
        if store.account != self.pair.account:
            store.close()
            raise OtherAccount(
                f"the token of the cloud {cloud.name!r} is another user's than the one that {self.pair.folder} is "
                "synced with",
                hint=f"set that user's token again: pithosfs config set cloud.{cloud.name}.token; "
                "to sync with the other account: pithosfs sync remove, then sync add",
            )
        self._disconnect()
        self._store = store
        self._engine = Engine(
            self.pair,
            self.state,
            self.room.open,
            RemoteFolder(store, self.pair, cache=self._cache),
            activity=self.activity,
            host=socket.gethostname(),
            tell=self._tell,
        )

    def _disconnect(self) -> None:
        if self._store is not None:
            self._store.close()
            self._store = self._engine = None

    def _tell(self, event: Event) -> None:
        count, _, unit = event.detail.partition(" ")
        detail = format_size(int(count)) if unit == "bytes" else event.detail
        self._events.did(_SAID.get(event.action, event.action), event.name, detail)

    def run(self, scan: Literal["full"] | Dirty, *, max_delete: float | None, cancel: threading.Event) -> Outcome:
        outcome = self._connected.run(scan=scan, max_delete=max_delete, cancel=cancel)
        if scan == "full":
            self._expire_trash()
        return outcome

    def _expire_trash(self) -> None:
        with contextlib.suppress(LocalError, OSError):  # another time
            count = Trash(self.pair.folder, clock=self._date).expire()
            if count:
                self._events.did("emptied the trash", "", f"{count} files that were deleted 30 days ago")

    def take(self) -> Dirty:
        if self._watcher is not None and self.room.rules != self._watched_rules:
            # The folder is open for a pass only: a watcher keeps to the rules that there were when it was made.
            self._watch_no_more()
            self._watch()
        return Dirty() if self._watcher is None else self._watcher.take()

    def quiet_since(self) -> float:
        return 0.0 if self._watcher is None else self._watcher.quiet_since()

    def has(self, name: str) -> bool:
        return os.path.lexists(self.pair.folder.joinpath(*map(to_local, name.split("/"))))

    def counts(self) -> Counts:
        found = self.state.counts()
        # Whoever has removed a copy by hand has decided.
        nodes = (self.state.node(one.copy) for one in self.state.conflicts())
        conflicts = sum(one is not None and (one.local_kind is not None or one.remote is not None) for one in nodes)
        return Counts(found.files, found.size, conflicts)

    def traffic(self) -> Traffic:
        return Traffic() if self._store is None else self._store.traffic()

    def close(self) -> None:
        with contextlib.ExitStack() as parts:
            parts.callback(self._give_back)
            parts.callback(self.state.close)
            parts.callback(self._disconnect)
            parts.callback(self._watch_no_more)


class Assembly:
    """Opens pairs; they share a block cache, which is opened when the first of them is."""

    def __init__(self, directories: Directories, timing: Timing | None = None) -> None:
        self.registry = Registry(directories)
        self._directories = directories
        self._timing = timing
        self._lock = threading.Lock()
        self._cache: BlockCache | None = None

    def open(self, pair: Pair, touched: Callable[[], None] | None, events: EventLog) -> Workplace:
        """See `Workplace`."""
        cache = self._shared_cache()
        return Workplace(pair, self.registry, events, cache=cache, touched=touched, timing=self._timing)

    def _shared_cache(self) -> BlockCache:
        with self._lock:
            if self._cache is None:
                self._cache = BlockCache(make_private(self._directories.cache))
            return self._cache

    def close(self) -> None:
        """When all pairs are closed."""
        with self._lock:
            if self._cache is not None:
                self._cache.close()
                self._cache = None
