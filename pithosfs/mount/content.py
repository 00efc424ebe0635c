"""The bytes of one file while it is open and perhaps changed: a copy on write over a version, block by block.

Each block is a name (a hash: staged, cached, or on the server in the version that the content stands on) or a draft.
The first write to a named block makes a draft of it; a write that does not replace the whole block needs the old bytes
for that, which come from the server if need be. Other blocks are never touched.

Sealing turns drafts into names. It works on a snapshot: a draft that is being sealed is not changed any more, a write
to it goes into a copy. So writers never wait for a hash, and what they write meanwhile is simply not part of the
hashmap that comes out. A sequential writer's finished blocks are sealed in the background while it goes on.

Locks: `_seal_lock` lets one `seal` run at a time, and is taken first. `_lock` guards the list of blocks; held while
the local disk is written or a block copied there, never while a block is hashed or anything comes over the network.
The staging's lock comes after both.
"""

from __future__ import annotations

import errno
import os
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import CancelledError, Executor, Future, wait
from contextlib import suppress
from functools import partial

from pithosfs.blocks import Hashmap, block_count
from pithosfs.cache import BlockCache
from pithosfs.mount.extents import Extents
from pithosfs.mount.origin import Origin
from pithosfs.mount.reader import Reader
from pithosfs.mount.staging import Draft, Staging, empty_block_name
from pithosfs.store import ObjectStore

__all__ = ["MAX_BLOCKS", "Content", "Origin"]

# A hashmap is one JSON document: a million hashes are 67 MB of it, and stand for 4 TiB.
MAX_BLOCKS = 1 << 20
EARLY_SIZE = 2  # blocks; smaller files are sent whole when they are closed
RECENT = 8  # hashmaps that may still be on their way to the cloud

Entry = str | Draft
Fetched = dict[tuple[int, str, int], bytes]  # (block, name, length) → its first bytes


class _Missing(Exception):
    """Bytes of a block are needed that are not on the local disk; or a draft was sealed at this moment."""

    def __init__(self, index: int, entry: Entry, length: int) -> None:
        self.index = index
        self.entry = entry
        self.length = length


class Content:
    """The content of one open file. Thread-safe.

    `base` is what it begins with; blocks of it that are not staged are found in `origin` at the same place. With
    `origin` None everything that is not NULs is staged. `block_ready` is called, from another thread, with the name of
    each block that a sequential writer has finished.

    Raises OSError: ENOSPC and EIO from the local disk, EFBIG beyond `MAX_BLOCKS`, ESTALE when the origin is gone; and
    the errors of the store where a block comes from the server. A failed call changes nothing.
    """

    def __init__(
        self,
        staging: Staging,
        cache: BlockCache,
        store: ObjectStore,
        base: Hashmap,
        origin: Origin | None,
        *,
        executor: Executor,
        cloud_key: str,
        block_ready: Callable[[str], None] | None = None,
    ) -> None:
        self._staging = staging
        self._cache = cache
        self._store = store
        self._executor = executor
        self._cloud_key = cloud_key
        self._block_ready = block_ready
        self.block_size = base.block_size
        self.algorithm = base.algorithm
        self._empty = empty_block_name(base.algorithm)
        self._seal_lock = threading.Lock()
        self._lock = threading.Lock()
        self._size = base.size
        self._blocks: list[Entry] = list(base.hashes)
        self._origin = origin
        self._reader: Reader | None = None
        self._hashmap = base
        self._recent: deque[Hashmap] = deque([base], maxlen=RECENT)
        self._held: list[str] = list(base.hashes)  # names of the hashmap handed out last, for who is to journal it
        self._generation = 0
        self._sealed_generation = 0
        self._changed = Extents()  # since the origin
        self._changed_since_seal = Extents()
        self._finished: dict[int, Draft] = {}
        self._released: list[str] = []  # names that the change which is being made no longer uses
        self._in_background: set[Future[str]] = set()  # drafts that are being sealed early
        self._closed = False
        staging.retain(self._held)
        staging.retain(self._held)
        staging.register(self)
        if origin is None or origin.hashmap != base:
            uploaded = staging.upload_of(base)
            if uploaded is not None:
                self.rebase(uploaded)

    # what it is -----------------------------------------------------------------------------------------------------

    @property
    def size(self) -> int:
        """Bytes."""
        return self._size

    @property
    def generation(self) -> int:
        """Counts the changes."""
        return self._generation

    @property
    def dirty(self) -> bool:
        """Whether it differs from what `seal` returned last (or from the base)."""
        return self._generation != self._sealed_generation

    @property
    def origin(self) -> Origin | None:
        """The version on the server that unchanged blocks come from; the newest one that was made of this content."""
        return self._origin

    def extents(self) -> list[tuple[int, int]] | None:
        """What was written since the origin, as (offset, length); None when that is not known (or the size changed)."""
        with self._lock:
            ranges = self._changed.ranges
        return None if ranges is None else [(start, end - start) for start, end in ranges]

    def _visible(self, index: int) -> int:
        return min(self.block_size, self._size - index * self.block_size)

    def _check_open(self) -> None:
        if self._closed:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))

    # reading --------------------------------------------------------------------------------------------------------

    def read(self, offset: int, size: int) -> bytes:
        """Up to `size` bytes from `offset`; fewer only at the end."""
        while True:
            try:
                return self._read(offset, size)
            except _Missing as missing:
                self._await(missing.entry)

    def _read(self, offset: int, size: int) -> bytes:
        pieces: list[bytes] = []
        elsewhere: list[tuple[int, int, str, int, int, int]] = []
        with self._lock:
            self._check_open()
            end = min(offset + size, self._size)
            while offset < end:
                index, start = divmod(offset, self.block_size)
                stop = min(self.block_size, end - index * self.block_size)
                entry = self._blocks[index]
                if isinstance(entry, Draft):
                    pieces.append(self._read_draft(index, entry, start, stop))
                elif entry == self._empty:
                    pieces.append(bytes(stop - start))
                else:
                    elsewhere.append((len(pieces), index, entry, start, stop, self._visible(index)))
                    pieces.append(b"")
                offset += stop - start
            names = [one[2] for one in elsewhere]
            self._staging.retain(names)
        try:
            for place, index, name, start, stop, visible in elsewhere:
                pieces[place] = self._fetch(index, name, start, stop, visible)
        finally:
            self._staging.release(names)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _read_draft(self, index: int, draft: Draft, start: int, stop: int) -> bytes:
        try:
            return self._staging.read_draft(draft, start, stop)
        except FileNotFoundError:
            raise _Missing(index, draft, stop) from None

    def _fetch(self, index: int, name: str, start: int, stop: int, visible: int) -> bytes:
        """Bytes of a named block, from wherever it is."""
        data = self._staging.read(name, start, stop)
        if data is not None:
            return data
        origin = self._origin
        if origin is not None:
            place = _place_of(name, origin.hashmap, index)
            if place is not None and origin.hashmap.block_length(place) >= stop:
                reader = self._reader_of(origin)
                if start == 0 and stop == visible:
                    return reader.block(place)[:stop]
                return reader.read(place * self.block_size + start, stop - start)
        data = self._cache.read(name, start, stop, length=visible)
        if data is not None:
            return data
        raise OSError(errno.EIO, f"block {index} ({name}) is neither here nor known to be on the server")

    def _reader_of(self, origin: Origin) -> Reader:
        with self._lock:
            reader = self._reader
            if reader is None or reader.version != origin.version:
                hashmap = origin.hashmap
                reader = self._reader = Reader(
                    self._store,
                    self._cache,
                    origin.path,
                    origin.version,
                    hashmap.size,
                    hashmap,
                    self._executor,
                    cloud_key=self._cloud_key,
                )
        return reader

    def _await(self, entry: Entry) -> None:
        """Wait until a draft that is being sealed has its name (or was not sealed after all)."""
        sealing = entry.sealing if isinstance(entry, Draft) else None
        if sealing is not None:
            with suppress(CancelledError):
                sealing.exception()

    # writing --------------------------------------------------------------------------------------------------------

    def write(self, offset: int, data: bytes | memoryview) -> int:
        """Write at `offset`, making a hole before it if need be. Returns how much was written: all, or what fitted."""
        view = memoryview(data)
        if offset + len(view) > MAX_BLOCKS * self.block_size:
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
        done = 0
        while done < len(view):
            index, start = divmod(offset + done, self.block_size)
            piece = view[done : done + self.block_size - start]
            try:
                written = self._with_blocks(partial(self._write_piece, index, start, piece))
            except OSError:
                if not done:
                    raise
                break
            done += written
            if written < len(piece):
                break
        return done

    def _with_blocks(self, act: Callable[[Fetched], int]) -> int:
        """Call `act` until it has all the old blocks that it needs; those are fetched in between, without the lock."""
        fetched: Fetched = {}
        while True:
            released: list[str] = []
            try:
                with self._lock:
                    self._check_open()
                    self._released = released
                    result = act(fetched)
                break
            except _Missing as missing:
                needed = missing
            finally:
                self._staging.release(released)
            if isinstance(needed.entry, Draft):
                self._await(needed.entry)
            else:
                fetched = {
                    (needed.index, needed.entry, needed.length): self._fetch_retained(
                        needed.index, needed.entry, needed.length
                    )
                }
        self._seal_finished()
        return result

    def _fetch_retained(self, index: int, name: str, length: int) -> bytes:
        with self._lock:
            self._check_open()
            self._staging.retain([name])
            visible = max(length, min(self.block_size, self._size - index * self.block_size))
        try:
            return self._fetch(index, name, 0, length, visible)
        finally:
            self._staging.release([name])

    def _write_piece(self, index: int, start: int, piece: memoryview, old: Fetched) -> int:
        """Called with the lock held. Raises _Missing when bytes of an old block are needed first."""
        if index >= len(self._blocks):
            self._settle_end(old)
            draft, fresh = self._staging.draft(), True
        else:
            entry = self._blocks[index]
            visible = self._visible(index)
            if isinstance(entry, Draft) and entry.sealing is None:
                draft, fresh = entry, False
            elif start == 0 and len(piece) >= visible:
                draft, fresh = self._staging.draft(), True
            else:
                draft, fresh = self._draft_of(index, entry, visible, old), True
        try:
            written = self._staging.write(draft, start, piece)
        except BaseException:
            if fresh:
                self._staging.drop(draft)
            raise
        if fresh:
            self._install(index, draft)
        position = index * self.block_size + start
        draft.written.add(start, start + written)
        if draft.written.covers(0, self.block_size):
            self._finished[index] = draft
        self._size = max(self._size, position + written)
        self._changed.add(position, position + written)
        self._changed_since_seal.add(position, position + written)
        self._generation += 1
        return written

    def _draft_of(self, index: int, entry: Entry, length: int, old: Fetched) -> Draft:
        """A new draft with the first `length` bytes of a block."""
        if isinstance(entry, Draft):
            try:
                made = self._staging.copy(entry)
            except FileNotFoundError:
                raise _Missing(index, entry, length) from None
            made.written = Extents(limit=16)
            self._staging.cut(made, length)
            return made
        if entry == self._empty:
            return self._staging.draft()
        staged = self._staging.draft_of(entry, length)
        if staged is not None:
            return staged
        data = old.get((index, entry, length))
        if data is None:
            raise _Missing(index, entry, length)
        return self._staging.draft(data)

    def _install(self, index: int, draft: Draft) -> None:
        """Put a new draft in its place, behind holes if the file ended before it."""
        holes = index - len(self._blocks)
        if holes >= 0:
            self._staging.retain([self._empty] * holes)
            self._blocks += [self._empty] * holes
            self._blocks.append(draft)
            return
        self._let_go(index)
        self._blocks[index] = draft

    def _let_go(self, index: int) -> None:
        """An entry is about to be replaced or cut off. A draft that somebody is sealing is dropped by its sealer."""
        entry = self._blocks[index]
        self._finished.pop(index, None)
        if isinstance(entry, str):
            self._released.append(entry)
        elif not entry.taken:
            entry.taken = True
            self._staging.drop(entry)

    def _settle_end(self, old: Fetched) -> None:
        """Before the file grows beyond its last block: the hash of a short last block may stand for bytes that a
        truncation on the server has hidden (object-store.md section 20, row 7). They must not come to light."""
        if not self._blocks or not self._size % self.block_size:
            return
        index = len(self._blocks) - 1
        entry = self._blocks[index]
        if isinstance(entry, str) and entry != self._empty:
            self._install(index, self._draft_of(index, entry, self._visible(index), old))

    def truncate(self, size: int) -> None:
        """Cut the file to `size` bytes, or extend it by a hole."""
        if size > MAX_BLOCKS * self.block_size:
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
        self._with_blocks(partial(self._truncate, size))

    def _truncate(self, size: int, old: Fetched) -> int:
        """Called with the lock held."""
        if size == self._size:
            return 0
        count = block_count(size, self.block_size)
        if size > self._size:
            self._settle_end(old)
            holes = count - len(self._blocks)
            self._staging.retain([self._empty] * holes)
            self._blocks += [self._empty] * holes
        else:
            tail = size - (count - 1) * self.block_size
            if count and tail < self._visible(count - 1):
                self._cut_block(count - 1, tail, old)
            for index in range(count, len(self._blocks)):
                self._let_go(index)
            del self._blocks[count:]
        self._size = size
        self._changed.lose()
        self._changed_since_seal.lose()
        self._generation += 1
        return 0

    def _cut_block(self, index: int, length: int, old: Fetched) -> None:
        entry = self._blocks[index]
        if isinstance(entry, Draft) and entry.sealing is None:
            self._staging.cut(entry, length)
            entry.written = Extents(limit=16)
            self._finished.pop(index, None)
        elif isinstance(entry, Draft) or entry != self._empty:
            self._install(index, self._draft_of(index, entry, length, old))

    # sealing --------------------------------------------------------------------------------------------------------

    def seal(self) -> Hashmap:
        """Hash what was changed; returns the content as it is at this moment.

        All its blocks stay staged (or in the origin) until the next `seal` or `discard`, so there is time to journal
        it. What is written meanwhile is not part of it and leaves the content dirty.
        """
        with self._seal_lock:
            return self._seal()

    def _seal(self) -> Hashmap:
        with self._lock:
            self._check_open()
            if self._generation == self._sealed_generation:
                return self._hashmap
            generation, size, snapshot = self._generation, self._size, list(self._blocks)
            held = [one for one in snapshot if isinstance(one, str)]
            self._staging.retain(held)
            since_before, self._changed_since_seal = self._changed_since_seal, Extents()
            mine: list[tuple[int, Draft]] = []
            waiting: list[Draft] = []
            for index, entry in enumerate(snapshot):
                if isinstance(entry, Draft):
                    entry.wanted = True
                    if self._begin(entry):
                        mine.append((index, entry))
                    waiting.append(entry)
            futures = {one: one.sealing for one in waiting if one.sealing is not None}
            self._finished.clear()
        try:
            for index, draft in mine:
                self._seal_draft(index, draft)
            names = [one if isinstance(one, str) else futures[one].result() for one in snapshot]
        except BaseException:
            self._give_up(mine, futures, held, since_before)
            raise
        hashmap = Hashmap(size, tuple(names), self.block_size, self.algorithm)
        with self._lock:
            held, self._held = self._held, names
            self._hashmap = hashmap
            self._recent.append(hashmap)
            self._sealed_generation = generation
        self._staging.release(held)
        return hashmap

    def _give_up(
        self, mine: list[tuple[int, Draft]], futures: dict[Draft, Future[str]], held: list[str], since_before: Extents
    ) -> None:
        """A seal has failed half-way: everything is as it was, but for the blocks that are sealed now."""
        own = {draft for _, draft in mine}
        for draft, future in futures.items():
            if draft not in own:
                future.exception()  # its sealer is at work and must not find it half undone
        unfinished: list[Future[str]] = []
        with self._lock:
            for draft, future in futures.items():
                draft.wanted = False
                if not future.done():
                    draft.sealing, draft.taken = None, False
                    unfinished.append(future)
                elif future.exception() is None:
                    held.append(future.result())
            since_before.lose()
            self._changed_since_seal = since_before
        for future in unfinished:
            future.cancel()
        self._staging.release(held)

    def _begin(self, draft: Draft) -> bool:
        """Called with the lock held: freeze a draft; True when the caller is the one to seal it."""
        if draft.sealing is None:
            draft.sealing = Future()
        if draft.taken:
            return False
        draft.taken = True
        return True

    def _seal_draft(self, index: int, draft: Draft) -> str | None:
        """Seal a draft that was taken; the outcome is in `draft.sealing`. Returns the name if it still is in use."""
        sealing = draft.sealing
        assert sealing is not None
        try:
            name = self._staging.seal(draft, self.algorithm)
        except BaseException as trouble:  # noqa: BLE001  (whoever waits for the outcome must hear of it)
            with self._lock:
                draft.sealing, draft.taken = None, False
                abandoned = self._closed or index >= len(self._blocks) or self._blocks[index] is not draft
            if abandoned:
                self._staging.drop(draft)
            sealing.set_exception(trouble)
            return None
        with self._lock:
            if draft.wanted:
                self._staging.retain([name])
            in_use = not self._closed and index < len(self._blocks) and self._blocks[index] is draft
            if in_use:
                self._blocks[index] = name
        if not in_use:
            self._staging.release([name])
        sealing.set_result(name)
        return name if in_use else None

    def _seal_finished(self) -> None:
        """Seal, in the background, the blocks that a sequential writer has left behind."""
        with self._lock:
            if len(self._finished) < 2 or self._size <= EARLY_SIZE * self.block_size:
                return
            last = next(reversed(self._finished))
            ready = [(index, draft) for index, draft in self._finished.items() if index != last]
            self._finished = {last: self._finished[last]}
            for _, draft in ready:
                if draft.sealing is None:
                    draft.sealing = Future()
        for index, draft in ready:
            try:
                self._executor.submit(self._seal_early, index, draft)
            except RuntimeError:
                return  # the mount is ending: `seal` does it

    def _seal_early(self, index: int, draft: Draft) -> None:
        with self._lock:
            if self._closed or draft.taken:
                return
            sealing = draft.sealing
            if sealing is None:
                return  # a seal has failed meanwhile
            draft.taken = True
            self._in_background.add(sealing)
        name = self._seal_draft(index, draft)
        with self._lock:
            self._in_background.discard(sealing)
        if name is not None and name != self._empty and self._block_ready is not None:
            self._block_ready(name)

    # the rest of its life -------------------------------------------------------------------------------------------

    def sync(self) -> None:
        """Afterwards the bytes that are only here survive a power cut (the journal row that names them apart)."""
        with self._lock:
            self._check_open()
            blocks = list(self._blocks)
            held = list(self._held)
        self._staging.sync_drafts(one for one in blocks if isinstance(one, Draft))
        self._staging.sync([*held, *(one for one in blocks if isinstance(one, str))])

    def rebase(self, origin: Origin) -> None:
        """The cloud has a version of this content, if it is one: from now on unchanged blocks come from there."""
        with self._lock:
            if self._closed or origin.hashmap not in self._recent:
                return
            self._origin = origin
            if origin.hashmap == self._hashmap:
                self._changed = self._changed_since_seal.copy()
            else:
                self._changed.lose()

    def discard(self) -> None:
        """The end: drafts are thrown away, and blocks that nobody else needs. Waits for what is being sealed."""
        with self._seal_lock:
            self._discard()

    def _discard(self) -> None:
        with self._lock:
            if self._closed:
                return
            self._closed = True
            in_background = list(self._in_background)
            released = list(self._held)
            for entry in self._blocks:
                if isinstance(entry, str):
                    released.append(entry)
                elif not entry.taken:
                    entry.taken = True
                    self._staging.drop(entry)
            self._blocks = []
            self._held = []
            self._finished.clear()
        wait(in_background)
        self._staging.release(released)


def _place_of(name: str, hashmap: Hashmap, index: int) -> int | None:
    """Where a hashmap has a block: at its own place, or anywhere."""
    if index < len(hashmap.hashes) and hashmap.hashes[index] == name:
        return index
    try:
        return hashmap.hashes.index(name)
    except ValueError:
        return None
