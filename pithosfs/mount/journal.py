"""The journal: what was changed in the mount and is not on the cloud yet.

One row a name, in SQLite; a table of all rows in memory answers the file system. A row is there before the operation
that made it returns, and goes only after the cloud has the change. Ordinary rows survive the end of the process at any
moment; durable ones, with their blocks, a power cut (WAL: a commit with synchronous=FULL brings everything before it
to the disk as well; without it, a power cut leaves an earlier, consistent state).

What may have happened on the server before a kill is kept too: `sending` has the contents whose upload was begun, so
that our own upload is not taken for somebody else's.

A journal lives in a *slot*, a folder that one process has locked: `journal.db`, `lock`, `blocks/`.

Locks: `_write` is held while a row is written (and, for a durable one, brought to the disk); inside it `changed`, the
lock of the table and the condition that the uploader waits on, for a moment each time. `changed` is never held during
I/O, so look-ups do not wait for the disk. Nothing here uses the network.
"""

from __future__ import annotations

import errno
import hashlib
import logging
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pithosfs.errors import LocalError
from pithosfs.mount.journaldb import JournalDatabase
from pithosfs.mount.merging import Merged, merge
from pithosfs.mount.origin import Origin
from pithosfs.mount.pending import Pending, State
from pithosfs.mount.pendingtable import PendingTable
from pithosfs.mount.slots import SlotLock, claim_slots
from pithosfs.mount.staging import Staging, empty_block_name
from pithosfs.store import ObjectInfo, ObjectPath

__all__ = ["Journal", "Pending", "State"]

log = logging.getLogger(__name__)

REMEMBERED_UPLOADS = 10_000  # names whose last upload is remembered, for a change that was under way meanwhile
REMEMBERED_ROWS = 256  # replaced rows, for changes that were derived from them


@dataclass(slots=True)
class _Uploads:
    """Our own uploads of one name, one upon the other: the last, and what it and those before it replaced."""

    last: ObjectInfo  # or what our upload is to replace, found there by the uploader
    replaced: deque[tuple[str, str]] = field(default_factory=lambda: deque(maxlen=16))  # (ETag, version)


class Journal:
    """The journal of one slot. Thread-safe. Raises OSError (ENOSPC, EIO) from the disk: then nothing was changed.

    `Journal(directory)` locks the slot; LocalError when another process has it.
    """

    def __init__(self, directory: Path, *, lock: SlotLock | None = None) -> None:
        self.directory = directory
        taken = lock or SlotLock.take(directory)
        if taken is None:
            raise LocalError(f"the journal in {directory} is used by another process")
        self._slot = taken
        self._write = threading.RLock()
        self.changed = threading.Condition()
        self._table = PendingTable()
        self._durable: set[int] = set()
        self._sending: dict[ObjectPath, set[tuple[str, int]]] = {}
        self._conflicts: dict[ObjectPath, ObjectPath] = {}
        self._uploads: OrderedDict[ObjectPath, _Uploads] = OrderedDict()
        self._replaced: OrderedDict[tuple[int, int], Pending] = OrderedDict()
        self._staging: Staging | None = None
        self._closed = False
        try:
            self._db = JournalDatabase(directory)
            try:
                self._load()
            except BaseException:
                self._db.close()
                raise
        except BaseException:
            self._slot.release()
            raise

    @classmethod
    def open_slot(cls, state_dir: Path, key: str) -> tuple[Journal, list[Journal]]:
        """The own journal for the account `key` (an opaque text), and those that ended processes left with rows.

        The own one is the first free slot with rows, else a free one. Slots that other processes use are left alone.
        """
        free = claim_slots(state_dir / "journal", key)
        journals: list[Journal] = []
        try:
            journals.extend(cls(lock.directory, lock=lock) for lock in free)
        except BaseException:
            for one in journals:
                one.close()
            for lock in free[len(journals) :]:
                lock.release()
            raise
        own = next((one for one in journals if len(one) or one.intents()), journals[0])
        left = [one for one in journals if one is not own and (len(one) or one.intents())]
        for one in journals:
            if one is not own and one not in left:
                one.close()
        return own, left

    def close(self) -> None:
        """Close the database and free the slot. Rows stay."""
        with self._write:
            if self._closed:
                return
            self._closed = True
            self._db.close()
            self._slot.release()
        with self.changed:
            self.changed.notify_all()

    def _load(self) -> None:
        now = time.time()
        for row, durable in self._db.rows():
            # Files that were open belong to a process that has ended; what failed then may succeed now.
            state = row.state if row.state is State.CONFLICT else State.PENDING
            if durable:
                self._durable.add(row.id)
            self._table.place(replace(row, state=state, error="", ready_at=min(row.ready_at, now)))
        for path, root, size in self._db.sending():
            self._sending.setdefault(path, set()).add((root, size))
        self._conflicts.update((path, replace(path, name=copy)) for path, copy in self._db.conflicts())

    def attach(self, staging: Staging) -> None:
        """From now on rows retain their blocks in this staging; what is there and needed by none is removed.

        To be done before the first row with content is put. Once is enough.
        """
        with self._write:
            if self._staging is staging:
                return
            self._staging = staging
            for row in self.all():
                staging.retain(row.blocks)
        staging.sweep()

    # looking --------------------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self._table)

    def get(self, path: ObjectPath) -> Pending | None:
        """The pending change of a name."""
        return self._table.get(path)

    def by_id(self, number: int) -> Pending | None:
        """A row wherever it is by now; None when it is gone."""
        with self.changed:
            return self._table.by_id(number)

    def all(self) -> list[Pending]:
        """All rows, the oldest first."""
        with self.changed:
            return self._table.all()

    def children(self, folder: ObjectPath) -> dict[str, Pending]:
        """The rows of names directly in a folder, by the last part of their (server) name."""
        with self.changed:
            return self._table.children(folder)

    def below(self, folder: ObjectPath) -> list[Pending]:
        """The rows of all names below a folder (or in a container), without the folder's own, the oldest first."""
        with self.changed:
            return [row for row in self._table.at_or_below(folder) if row.path != folder]

    def usage(self) -> int:
        """Bytes by which the account's usage grows when everything is sent, at least 0."""
        return max(0, self._table.growth)

    def conflict(self, path: ObjectPath) -> ObjectPath | None:
        """Where our content went when somebody else was faster under this name; forgotten with its next change."""
        return self._conflicts.get(path)

    def conflicts(self) -> dict[ObjectPath, ObjectPath]:
        """All of those."""
        with self.changed:
            return dict(self._conflicts)

    def blocks_in_use(self) -> set[str]:
        """The names of all blocks of pending contents, staged or not."""
        return {name for row in self.all() for name in row.blocks}

    # changing -------------------------------------------------------------------------------------------------------

    def put(self, pending: Pending, *, durable: bool = False) -> Pending:
        """Insert a row, or replace the one of its path; returns it with its id and generation.

        With `durable` it survives a power cut, its staged blocks too. What replaces a durable row becomes durable.

        A row that was derived from an older state of the one in place (it has its `id`, and another `generation`) does
        not undo what happened in between: only what it changes is taken over. EBUSY when both changed the content.
        """
        if durable:
            self._sync_blocks(pending)  # before the lock: it may take a while
        with self._write:
            before = self._table.get(pending.path)
            if before is not None and pending.id == before.id and pending.generation not in (0, before.generation):
                pending = self._merged(pending, before)
            pending = self._on_top(pending)
            if before is not None and before.id in self._durable and not durable:
                durable = True
                self._sync_blocks(pending)
            made = replace(
                pending,
                id=before.id if before is not None else 0,
                generation=before.generation + 1 if before is not None else 1,
                state=State.PENDING if pending.state is State.UPLOADING else pending.state,
                error="",
                attempts=0,
                created=pending.created or time.time(),
            )
            with self._db.transaction(durable=durable):
                made = self._db.store(made, durable=durable)
                if made.path in self._conflicts:
                    self._db.set_conflict(made.path, None)
            if self._staging is not None:
                self._staging.retain(made.blocks)
            with self.changed:
                self._conflicts.pop(made.path, None)
                if durable:
                    self._durable.add(made.id)
                if before is not None:
                    self._keep_replaced(before)
                self._table.place(made)
                self.changed.notify_all()
        self._release(before)
        return made

    def update(
        self, path: ObjectPath, change: Callable[[Pending], Pending | None], *, durable: bool = False
    ) -> Pending | None:
        """Replace the row of a path by what `change` makes of it (None: leave it). None when there is no row.

        `change` must be quick and take no locks: it is called with the journal locked.
        """
        with self._write:
            row = self._table.get(path)
            made = change(row) if row is not None else None
            return row if made is None else self.put(made, durable=durable)

    def _merged(self, pending: Pending, current: Pending) -> Pending:
        ancestor = self._replaced.get((pending.id, pending.generation))
        outcome = merge(ancestor, pending, current) if ancestor is not None else Merged.CLASH
        if isinstance(outcome, Merged):
            raise OSError(errno.EBUSY, "the pending change was replaced meanwhile", str(pending.path))
        return outcome

    def _keep_replaced(self, row: Pending) -> None:
        self._replaced[row.id, row.generation] = row
        while len(self._replaced) > REMEMBERED_ROWS:
            self._replaced.popitem(last=False)

    def _on_top(self, pending: Pending) -> Pending:
        """A change whose base was replaced by our own upload meanwhile is based on that upload."""
        known = self._uploads.get(pending.path)
        if known is None or (pending.base, _version(pending)) not in known.replaced:
            return pending
        return replace(pending, base=known.last.etag or known.last.hash, base_info=known.last, extents=None)

    def _sync_blocks(self, pending: Pending) -> None:
        if self._staging is not None:
            self._staging.sync(pending.blocks)

    def _release(self, row: Pending | None) -> None:
        if row is not None and self._staging is not None:
            self._staging.release(row.blocks)

    def remove(self, id: int, generation: int) -> bool:
        """Remove a row, if it has not changed since it had that generation."""
        with self._write:
            row = self.by_id(id)
            if row is None or row.generation != generation:
                return False
            self._delete(row)
        self._release(row)
        return True

    def _delete(self, row: Pending) -> None:
        """Called with the write lock held; the blocks are still to be released."""
        with self._db.transaction():
            self._db.delete(row)
            if row.path in self._sending:
                self._db.forget_sending(row.path)
        with self.changed:
            self._sending.pop(row.path, None)
            self._durable.discard(row.id)
            self._table.take_out(row)
            self.changed.notify_all()

    def rename(self, source: ObjectPath, target: ObjectPath) -> Pending | None:
        """Give a row another name, in place of a row there. None when there is no such row."""
        with self._write:
            row = self._table.get(source)
            if row is None:
                return None
            self._move([(row, replace(row, path=target))])
            return self._table.get(target)

    def rename_below(self, source: ObjectPath, target: ObjectPath) -> None:
        """A folder has a new name: the rows of it and of everything below it follow, all or none."""
        with self._write:
            with self.changed:
                rows = self._table.at_or_below(source)
            self._move(
                [(row, replace(row, path=replace(target, name=target.name + row.path.name[len(source.name) :])))
                 for row in rows]
            )  # fmt: skip

    def _move(self, moves: Sequence[tuple[Pending, Pending]], *, conflict: bool = False) -> None:
        """Store rows under the names of the rows beside them. Called with the write lock held."""
        sources = {row.path for row, _ in moves}
        targets = [made.path for _, made in moves]
        replaced = [row for row in map(self._table.get, targets) if row is not None and row.path not in sources]
        moved = [replace(made, generation=row.generation + 1) for row, made in moves]
        with self._db.transaction():
            for row in replaced:
                self._db.delete(row)
            self._db.park([row.id for row, _ in moves])
            for made in moved:
                self._db.store(made, durable=made.id in self._durable)
            for path in {*sources, *targets} & self._sending.keys():
                self._db.forget_sending(path)
            for path in {*targets} & self._conflicts.keys():
                self._db.set_conflict(path, None)
            if conflict:
                for row, made in moves:
                    self._db.set_conflict(row.path, made.path.name)
        with self.changed:
            for path in (*sources, *targets):
                self._sending.pop(path, None)
            for path in targets:
                self._conflicts.pop(path, None)
            for row in replaced:
                self._durable.discard(row.id)
                self._table.take_out(row)
            for row, _ in moves:
                self._table.take_out(row)
            for made in moved:
                self._table.place(made)
            if conflict:
                self._conflicts.update((row.path, made.path) for row, made in moves)
            self.changed.notify_all()
        for row in replaced:
            self._release(row)

    # operations of several steps ------------------------------------------------------------------------------------

    def intent(self, kind: str, payload: object) -> int:
        """Note that an operation begins; `payload` is JSON-able. It survives a power cut. Returns its number."""
        with self._write, self._db.transaction(durable=True):
            return self._db.add_intent(kind, payload)

    def done(self, id: int) -> None:
        """The operation is over."""
        with self._write, self._db.transaction():
            self._db.delete_intent(id)

    def intents(self) -> list[tuple[int, str, Any]]:
        """Operations that were begun and are not over, in their order: (number, kind, payload)."""
        return self._db.intents()

    # for the uploader -----------------------------------------------------------------------------------------------

    def claim(self, now: float, allowed: Callable[[ObjectPath], bool]) -> tuple[Pending | None, float | None]:
        """Take the row that is ready longest, for sending it; or tell when the next one will be ready.

        It stays claimed until `settle`, `failed`, `set_aside` or `unclaim`. What `allowed` refuses is passed over.
        """
        with self.changed:
            return self._table.claim(now, allowed)

    def begin(self, row: Pending) -> None:
        """The content of a claimed row is about to be made an object."""
        if row.content is None:
            return
        root, size = row.content.root, row.content.size
        if self.sent_before(row.path, root, size):
            return
        with self._write:
            with self._db.transaction():
                self._db.add_sending(row.path, root, size)
            self._sending.setdefault(row.path, set()).add((root, size))

    def sent_before(self, path: ObjectPath, root: str, size: int) -> bool:
        """Whether this content of the name may be one of our own uploads."""
        return (root, size) in self._sending.get(path, ())

    def settle(self, row: Pending, info: ObjectInfo | None) -> bool:
        """The cloud has a claimed row: it goes (True). If it was changed meanwhile, it stays, based on that now.

        `info` is what is on the server under the name, None when nothing is.
        """
        with self._write:
            current = self._table.get(row.path)
            same = current is not None and current.id == row.id
            done = same and current is not None and current.generation == row.generation
            if current is not None and done:
                self._delete(current)
            elif current is not None and same:
                self._base_on(current, info, row)
            with self.changed:
                self._remember_upload(row, info)
                self._table.unclaim(row.id)
                self.changed.notify_all()
        if done:
            self._release(current)
        return done

    def _remember_upload(self, row: Pending, info: ObjectInfo | None) -> None:
        known = self._uploads.pop(row.path, None)
        if info is None or row.base is None:
            return
        if known is None:
            known = _Uploads(info)
        known.last = info
        known.replaced.append((row.base, _version(row)))
        self._uploads[row.path] = known
        while len(self._uploads) > REMEMBERED_UPLOADS:
            self._uploads.popitem(last=False)

    def rebase(self, row: Pending, info: ObjectInfo | None) -> Pending | None:
        """What the server has under the name of a claimed row is `info` (None: nothing), and to be replaced.

        Returns the claimed row as it is now; None when it is gone.
        """
        with self._write:
            current = self._table.get(row.path)
            if current is None or current.id != row.id:
                return None
            made = self._base_on(current, info, None)
            with self.changed:
                self._remember_upload(row, info)
            return made

    def _base_on(self, current: Pending, info: ObjectInfo | None, sent: Pending | None) -> Pending:
        """Called with the write lock held."""
        made = replace(current, base="" if info is None else info.etag or info.hash, base_info=info, extents=None)
        if info is not None and sent is not None and sent.content is not None and self._comes_from(current, sent):
            made = replace(made, origin=Origin(current.path, info.version, sent.content))
        with self._db.transaction():
            self._db.store(made, durable=made.id in self._durable)
        with self.changed:
            self._table.replace(made)
        return made

    def _comes_from(self, current: Pending, sent: Pending) -> bool:
        """Whether all that is not staged of a content is in what was sent: then its older origin is not needed."""
        if current.content is None or current.origin is None or self._staging is None or sent.content is None:
            return False
        there = {*sent.content.hashes, empty_block_name(current.content.algorithm)}
        return all(one in there or self._staging.has(one) for one in set(current.content.hashes))

    def failed(self, row: Pending, state: State, error: str, ready_at: float) -> None:
        """A claimed row could not be sent; it is to be tried again at `ready_at` (infinite: when somebody asks)."""
        error = error.encode("utf-8", "backslashreplace").decode()  # it may name a local file
        with self._write:
            current = self.by_id(row.id)
            if current is not None and current.generation == row.generation:
                if row.state is State.CONFLICT and state is State.PENDING:
                    state = State.CONFLICT
                current = replace(current, state=state, error=error, attempts=current.attempts + 1, ready_at=ready_at)
                if state is State.FAILED:
                    self._note_failure(current)
                with self.changed:
                    self._table.replace(current)
            with self.changed:
                self._table.unclaim(row.id)
                self.changed.notify_all()

    def _note_failure(self, row: Pending) -> None:
        try:
            with self._db.transaction():
                self._db.note_failure(row)
        except OSError as trouble:
            log.warning("not noted in the journal that %s failed: %s", row.path, trouble)

    def unclaim(self, row: Pending) -> None:
        """A claimed row was not sent after all."""
        with self.changed:
            current = self._table.by_id(row.id)
            if current is not None and current.state is State.UPLOADING:
                self._table.replace(replace(current, state=row.state))
            self._table.unclaim(row.id)
            self.changed.notify_all()

    def expedite(self, folder: ObjectPath | None) -> list[Pending]:
        """Make rows (all, or at and below a path) ready now, those too that failed or belong to open files.

        Returns them.
        """
        with self.changed:
            found = self._table.all() if folder is None else self._table.at_or_below(folder)
            self._table.expedite(found)
            self.changed.notify_all()
        return found

    def hasten(self, numbers: Collection[int]) -> None:
        """Make these rows ready now."""
        with self.changed:
            found = [row for row in map(self._table.by_id, numbers) if row is not None]
            self._table.expedite(found)
            self.changed.notify_all()

    def set_aside(self, row: Pending, copy: ObjectPath) -> Pending | None:
        """Somebody else was faster: what is pending of a claimed row's name goes to another, free name.

        Returns the row under its new name; None when it is gone, or `copy` is pending itself.
        """
        with self._write:
            current = self._table.get(row.path)
            if current is None or current.id != row.id or self._table.get(copy) is not None:
                return None
            made = replace(
                current,
                path=copy,
                base="",
                base_info=None,
                sharing=None,
                public=None,
                extents=None,
                state=State.CONFLICT,
                ready_at=0.0,
            )
            self._move([(current, made)], conflict=True)
            with self.changed:
                self._uploads.pop(row.path, None)
                self._table.unclaim(row.id)
                self.changed.notify_all()
            return self._table.get(copy)

    # checking -------------------------------------------------------------------------------------------------------

    def check(self, staging: Staging) -> list[str]:
        """What is wrong, in words; empty when everything is in order. For tests and repair; no file may be open.

        Every block of a pending content must be staged and hash to its name, or be in its origin; nothing may be
        staged that no row needs; the table in memory must be what the database has.
        """
        with self._write:
            stored = {row.path: row for row, _ in self._db.rows()}
            rows = self.all()
        wrong = []
        if stored.keys() != {row.path for row in rows}:
            wrong.append(f"database and memory differ: {stored.keys() ^ {row.path for row in rows}}")
        for row in rows:
            kept = stored.get(row.path)
            if kept is not None and (kept.content, kept.generation, kept.base, kept.meta) != (
                row.content,
                row.generation,
                row.base,
                row.meta,
            ):
                wrong.append(f"{row.path}: database and memory differ")
            wrong += _check_blocks(row, staging)
        needed = self.blocks_in_use()
        wrong += [f"block {name} is staged and needed by none" for name in sorted(staging.staged() - needed)]
        wrong += [f"block {name} is not retained" for name in sorted(needed) if not staging.retained(name)]
        wrong += [f"{name} was left behind" for name in staging.leftovers()]
        if self._table.growth != sum(row.growth for row in rows):
            wrong.append("the pending growth is counted wrong")
        return wrong


def _check_blocks(row: Pending, staging: Staging) -> list[str]:
    wrong: list[str] = []
    if row.content is None:
        return wrong
    elsewhere = {empty_block_name(row.content.algorithm)}
    if row.origin is not None:
        elsewhere.update(row.origin.hashmap.hashes)
    for index, name in enumerate(row.content.hashes):
        size = staging.size(name)
        if size is None:
            if name not in elsewhere:
                wrong.append(f"{row.path}: block {index} ({name}) is neither staged nor in the origin")
            continue
        data = staging.read(name, 0, size)
        if data is None or hashlib.new(row.content.algorithm, data).hexdigest() != name or data.endswith(b"\0"):
            wrong.append(f"{row.path}: block {index} ({name}) is damaged")
    return wrong


def _version(row: Pending) -> str:
    """The version on the server that a change is based on, '' for none."""
    return row.base_info.version if row.base_info is not None and row.base else ""
