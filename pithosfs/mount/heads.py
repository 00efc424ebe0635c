"""What only HEAD tells of objects: metadata and ETag, asked for once per version and remembered for good.

Listings have neither (object-store.md 8.3). A version never changes, so what was learnt goes to the cache's index,
where the next mount finds it. Sharing, publication and rights belong to the name and are never taken from there.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import CancelledError, Executor, Future
from dataclasses import astuple, replace

from pithosfs.cache import BlockCache
from pithosfs.errors import ClientError, NotFound, NotLoggedIn, PithosfsError, ServerFailed
from pithosfs.store import Delivery, ObjectInfo, ObjectPath, ObjectStore

__all__ = ["Heads"]

Fetch = Callable[[ObjectPath], ObjectInfo | None]

BATCH = 64  # versions written to the cache's index at once: one transaction instead of many


class Heads:
    """HEADs of objects, shared by concurrent askers and side by side. Thread-safe.

    `_lock` guards the dictionaries and is never held over the network or the cache.
    """

    def __init__(self, store: ObjectStore, cache: BlockCache, cloud_key: str, pool: Executor) -> None:
        self._store = store
        self._cache = cache
        self._cloud_key = cloud_key
        self._pool = pool
        self._lock = threading.Lock()
        self._asked: dict[ObjectPath, Future[ObjectInfo | None]] = {}
        self._unsaved: dict[str, ObjectInfo] = {}
        self._etag_is_hash: bool | None = None  # None: not seen yet

    # asking ---------------------------------------------------------------------------------------------------------

    def ask(self, path: ObjectPath) -> ObjectInfo | None:
        """HEAD; None when there is no such object."""
        try:
            info = self.normal(self._store.head(path), path.name)
        except NotFound:
            return None
        self.remember(info)
        return info

    def normal(self, info: ObjectInfo, name: str) -> ObjectInfo:
        """As listings have it: `sharing` is the object's own rule, an inherited one is told by `shared_by` alone."""
        if info.name == name and info.sharing is info.own_sharing:
            return info
        return replace(info, name=name, sharing=info.own_sharing)

    def shared(self, path: ObjectPath, fetch: Fetch) -> ObjectInfo | None:
        """`fetch(path)`, in this thread; or its result in another thread that is at it already."""
        with self._lock:
            future = self._asked.get(path)
            # One that waits in the pool behind many others is done here and now instead.
            mine = future is None or future.cancel()
            if future is None or mine:
                future = self._asked[path] = Future()
                future.set_running_or_notify_cancel()
        if not mine:
            return future.result()
        try:
            found = fetch(path)
        except BaseException as trouble:
            self._forget(path, future)
            future.set_exception(trouble)
            raise
        self._forget(path, future)
        future.set_result(found)
        return found

    def ahead(self, paths: Iterable[ObjectPath], fetch: Fetch) -> None:
        """`fetch` for all paths, side by side; returns when all are done.

        A path that fails by itself is passed over; a server that fails ends it and is raised.
        """
        failures: list[PithosfsError] = []

        def unless_failed(path: ObjectPath) -> ObjectInfo | None:
            if failures:
                raise failures[0].with_traceback(None)
            try:
                return fetch(path)
            except PithosfsError as error:
                if not isinstance(error, ClientError) or isinstance(error, ServerFailed | NotLoggedIn):
                    failures.append(error)
                raise

        futures: list[tuple[ObjectPath, Future[ObjectInfo | None]]] = []
        with self._lock:
            for path in paths:
                future = self._asked.get(path)
                if future is None:
                    future = self._asked[path] = self._pool.submit(unless_failed, path)
                futures.append((path, future))
        for path, future in futures:
            # A cancelled one was done by somebody who could not wait.
            with contextlib.suppress(CancelledError, PithosfsError):
                future.result()
            self._forget(path, future)
        self.save()
        if failures:
            raise failures[0].with_traceback(None)

    def _forget(self, path: ObjectPath, future: Future[ObjectInfo | None]) -> None:
        with self._lock:
            if self._asked.get(path) is future:
                del self._asked[path]

    # remembering ----------------------------------------------------------------------------------------------------

    def remember(self, info: ObjectInfo) -> None:
        """What is known of a version; it reaches the cache's index with the next batch."""
        if info.etag and info.hash:
            self._etag_is_hash = info.etag == info.hash
        if info.meta is None or not info.version:
            return
        with self._lock:
            self._unsaved[info.version] = info
            enough = len(self._unsaved) >= BATCH
        if enough:
            self.save()

    def save(self) -> None:
        """Write what was learnt to the cache's index."""
        with self._lock:
            unsaved, self._unsaved = self._unsaved, {}
        if unsaved:
            told = {
                version: {
                    "etag": info.etag,
                    "meta": dict(info.meta or {}),
                    "content_type": info.content_type,
                    "delivery": None if info.delivery is None else astuple(info.delivery),
                }
                for version, info in unsaved.items()
            }
            self._cache.remember_meta(self._cloud_key, told)

    def remembered(self, infos: list[ObjectInfo]) -> list[ObjectInfo]:
        """The infos, those with metadata of whose versions it is known."""
        unknown = {info.version for info in infos if info.meta is None and info.version}
        if not unknown:
            return infos
        with self._lock:
            fresh = {version: self._unsaved[version] for version in unknown if version in self._unsaved}
        told = self._cache.meta(self._cloud_key, sorted(unknown - fresh.keys()))
        result = []
        for info in infos:
            if info.meta is None and info.version in fresh:
                info = _as_known(info, fresh[info.version])
            elif info.meta is None and info.version in told:
                info = _with_remembered(info, told[info.version])
            result.append(info)
        return result

    def without_meta(self, info: ObjectInfo) -> ObjectInfo | None:
        """An object that carries no metadata, fully known without a HEAD; None when its ETag has to be asked for.

        The ETag is the hash, unless the server is set to answer MD5 (object-store.md 9.5): any earlier answer tells.
        """
        if not self._etag_is_hash or not info.version or (info.size == 0 and not info.is_directory):
            return None  # an empty object may be a manifest, which is no metadata key
        return replace(info, meta={}, etag=info.hash)


def _with_remembered(info: ObjectInfo, told: dict[str, object]) -> ObjectInfo:
    meta, etag = told.get("meta"), told.get("etag")
    delivery = told.get("delivery")
    if not isinstance(meta, dict) or not (etag is None or isinstance(etag, str)) or not isinstance(delivery, list):
        return info  # written by another version of this program
    meta = {str(key): str(value) for key, value in meta.items()}
    return _as_known(info, replace(info, meta=meta, etag=etag or info.etag, delivery=Delivery(*delivery)))


def _as_known(info: ObjectInfo, known: ObjectInfo) -> ObjectInfo:
    """A listing's answer, with what is known of its version."""
    if known.is_manifest:
        return info  # its parts may be others by now, and with them its size
    return replace(info, meta=known.meta, etag=known.etag, delivery=known.delivery)
