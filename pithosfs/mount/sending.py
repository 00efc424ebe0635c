"""How one pending change is brought to the cloud: which requests, and what an answer means.

Everything here can be done again after a kill at any point: contents are named by their hash, and every request that
makes an object carries the ETag that it replaces. When that does not hold any more (412), the server is asked what is
there: our own content (the answer was lost, or the row was changed after an earlier upload), nothing, or somebody
else's: a conflict.

Nothing is held while a request is under way.
"""

from __future__ import annotations

import io
import itertools
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from threading import Event

from pithosfs.blocks import Hashmap, hash_stream
from pithosfs.cache import BlockCache
from pithosfs.errors import BadReply, BadRequest, NotFound, NotSupported, PreconditionFailed
from pithosfs.mount.journal import Journal, Pending
from pithosfs.mount.origin import Origin
from pithosfs.mount.reader import Reader
from pithosfs.mount.sentblocks import SentBlocks
from pithosfs.mount.staging import Staging, empty_block_name
from pithosfs.store import Delivery, ObjectInfo, ObjectPath, ObjectStore, Sharing
from pithosfs.store.seam import DIRECTORY_TYPE

__all__ = ["Conflicting", "Damaged", "Interrupted", "Sender", "Sending"]

log = logging.getLogger(__name__)

SMALL = 128 * 1024  # bytes: up to here a file is one request; asking what the cloud has would cost a second one
RANGE_LIMIT = 256 * 1024  # bytes: a changed range up to here is sent as such when the blocks are longer
ROUNDS = 5  # how often a change is based anew on what others keep changing
BLOCKS_AT_A_TIME = 16  # blocks of one file on their way to a connection


class Interrupted(Exception):
    """The upload was told to stop; nothing is lost, it goes on later."""


class Damaged(Exception):
    """A block that only exists here is missing or damaged."""


class Conflicting(Exception):
    """Somebody else has made `theirs` of the name since this change was begun."""

    def __init__(self, theirs: ObjectInfo) -> None:
        super().__init__(f"somebody else changed {theirs.name!r}")
        self.theirs = theirs


@dataclass(slots=True, eq=False)
class Sending:
    """A change that is under way. `done` and `size` are bytes of content; `stop` ends it at the next block."""

    row: Pending
    stop: Event = field(default_factory=Event)
    done: int = 0

    @property
    def size(self) -> int:
        return self.row.content.size if self.row.content is not None else 0

    def check(self) -> None:
        if self.stop.is_set():
            raise Interrupted


class Sender:
    """Carries out pending changes. `connection` gives, as a context manager, the right to one request at a time;
    `pool` sends the blocks of large files side by side."""

    def __init__(
        self,
        store: ObjectStore,
        journal: Journal,
        staging: Staging,
        cache: BlockCache,
        *,
        cloud_key: str,
        pool: Executor,
        connection: Callable[[], AbstractContextManager[object]],
        blocks: SentBlocks,
    ) -> None:
        self._store = store
        self._journal = journal
        self._staging = staging
        self._cache = cache
        self._cloud_key = cloud_key
        self._pool = pool
        self._connection = connection
        self._sent = blocks

    def send(self, sending: Sending) -> ObjectInfo | None:
        """Bring a claimed row to the cloud; returns what is there then (None: nothing).

        Raises Conflicting, Damaged, Interrupted and the errors of the store. `sending.row` follows when the row is
        based on something newer.
        """
        act = self._action(sending.row)
        for _ in range(ROUNDS):
            sending.check()
            try:
                return self._remembered(sending.row, act(sending))
            except PreconditionFailed:
                found = self._look(sending.row.path)
                if found is not None and self._is_done(sending.row, found):
                    return self._remembered(sending.row, found)
                if found is not None and not self._may_replace(sending.row, found):
                    raise Conflicting(found) from None
                row = self._journal.rebase(sending.row, found)
                if row is None or row.generation != sending.row.generation:
                    raise Interrupted from None  # changed meanwhile: the new state is sent instead
                sending.row = row
                act = self._action(row)
        raise BadReply(f"{sending.row.path} is changed by others faster than it can be sent")

    def _action(self, row: Pending) -> Callable[[Sending], ObjectInfo | None]:
        if row.kind == "gone":
            return self._delete
        if row.content is not None:
            return self._put_content
        if row.kind == "folder" and not (row.base and row.base_info is not None and row.base_info.is_directory):
            return self._put_folder
        return self._change_meta

    def _remembered(self, row: Pending, info: ObjectInfo | None) -> ObjectInfo | None:
        if info is not None and row.content is not None and row.kind != "gone":
            if len(row.content.hashes) > 1:  # else it is the object's own hash
                self._cache.remember_hashmap(self._cloud_key, info.version, row.content)
            self._staging.uploaded(Origin(row.path, info.version, row.content))
        return info

    def _look(self, path: ObjectPath) -> ObjectInfo | None:
        try:
            with self._connection():
                return self._store.head(path)
        except NotFound:
            return None

    # when others were there -----------------------------------------------------------------------------------------

    def _is_done(self, row: Pending, found: ObjectInfo) -> bool:
        """Whether what is there is what was to be made."""
        same_meta = _same_meta(found.meta or {}, row.meta)
        if row.kind == "folder" and row.content is None:
            # Two who make the same folder have no conflict.
            return found.is_directory and (same_meta or not row.base)
        if row.content is None or row.kind == "gone":
            return False
        return (
            (found.hash, found.size) == (row.content.root, row.content.size)
            and same_meta
            and found.content_type == row.content_type
            and row.sharing in (None, found.sharing or Sharing())
            and row.public in (None, found.public is not None)
        )

    def _may_replace(self, row: Pending, found: ObjectInfo) -> bool:
        """Whether what is there is no loss: our own earlier upload, or the base under another ETag."""
        if row.content is not None and (found.hash, found.size) == (row.content.root, row.content.size):
            return True
        if self._journal.sent_before(row.path, found.hash, found.size):
            return True
        if row.kind == "folder" and found.is_directory:
            return True
        # A listing tells the root only, which is not the ETag where the server answers MD5 (section 9.5).
        info = row.base_info
        return bool(info is not None and info.etag is None and (found.hash, found.size) == (info.hash, info.size))

    # content --------------------------------------------------------------------------------------------------------

    def _put_content(self, sending: Sending) -> ObjectInfo:
        row = sending.row
        content = row.content
        assert content is not None
        self._journal.begin(row)
        info = self._put_range(sending, content)
        if info is None and self._in_one_request(content):
            info = self._put_whole(sending, content)
        if info is None:
            info = self._put_blocks(sending, content)
        return info

    def _in_one_request(self, content: Hashmap) -> bool:
        if not self._store.capabilities.hashmaps:
            return True
        if content.size <= SMALL:
            return True
        # One block: sending it at once costs less than asking, unless the cloud is likely to have it.
        return (
            len(content.hashes) == 1 and not self._sent.has(content.hashes[0]) and not self._cache.has(content.hashes)
        )

    def _put_whole(self, sending: Sending, content: Hashmap) -> ObjectInfo | None:
        """The object in one request; None when not all of it is here."""
        row = sending.row
        try:
            data = b"".join(
                self._local(content, index).ljust(content.block_length(index), b"\0")
                for index in range(len(content.hashes))
            )
        except Damaged:
            if not self._store.capabilities.hashmaps:
                raise
            return None
        if hash_stream(io.BytesIO(data), content.block_size, content.algorithm) != content:
            raise Damaged("it changed on the local disk")
        delivery = self._delivery(row)
        with self._connection():
            info = self._store.put_object(
                row.path,
                data,
                content_type=row.content_type,
                meta=row.meta,
                base=row.base,
                sharing=row.sharing,
                public=row.public,
                delivery=delivery,
            )
        sending.done = len(data)
        for name in content.hashes:
            self._sent.add(name)
        return info

    def _put_blocks(self, sending: Sending, content: Hashmap) -> ObjectInfo:
        """By hashmap: what the cloud misses is sent, until it misses nothing."""
        row = sending.row
        before: int | None = None
        delivery = self._delivery(row)
        while True:
            sending.check()
            question = self._sent.now()
            with self._connection():
                answer = self._store.put_hashmap(
                    row.path,
                    content,
                    content_type=row.content_type,
                    meta=row.meta,
                    base=row.base,
                    sharing=row.sharing,
                    public=row.public,
                    delivery=delivery,
                )
            if isinstance(answer, ObjectInfo):
                sending.done = content.size
                for name in content.hashes:
                    self._sent.add(name)
                return answer
            if before is not None and len(answer) >= before:
                raise BadReply(f"the cloud keeps asking for {len(answer)} blocks of {row.path}")
            before = len(answer)
            self._send_missing(sending, content, answer, question)

    def _delivery(self, row: Pending) -> Delivery | None:
        """What a new content keeps of how the object was handed out: a write would take it away with the metadata.

        A manifest does not stay: it would hide the content.
        """
        found = row.delivery
        if found is None and row.base:
            info = row.base_info
            if info is None or info.delivery is None:  # known from a listing only
                info = self._look(row.path)
            found = info.delivery if info is not None else None
        return replace(found, manifest=None) if found else None

    def _send_missing(self, sending: Sending, content: Hashmap, missing: list[str], question: int) -> None:
        places = {name: index for index, name in reversed(list(enumerate(content.hashes)))}
        unknown = [name for name in missing if name not in places]
        if unknown:
            raise BadReply(f"the cloud misses a block that is none of {sending.row.path}: {unknown[0]}")
        sending.done = max(0, content.size - sum(content.block_length(places[name]) for name in missing))
        if len(missing) == 1:
            self._send_block(sending, content, places[missing[0]], question)
            return
        under_way: set[Future[None]] = set()
        left = iter(missing)
        try:
            while True:
                for name in itertools.islice(left, BLOCKS_AT_A_TIME - len(under_way)):
                    under_way.add(self._in_pool(sending, content, places[name], question))
                if not under_way:
                    return
                done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
                for one in done:
                    one.result()
        finally:
            for one in under_way:
                one.cancel()
            wait(under_way)

    def _in_pool(self, sending: Sending, content: Hashmap, index: int, question: int) -> Future[None]:
        try:
            return self._pool.submit(self._send_block, sending, content, index, question)
        except RuntimeError:
            raise Interrupted from None  # the mount is ending

    def _send_block(self, sending: Sending, content: Hashmap, index: int, question: int) -> None:
        sending.check()
        name = content.hashes[index]

        def put() -> None:
            with self._connection():
                sending.check()
                data = self._block(sending.row, content, index)
                if self._store.put_block(sending.row.path.container, data) != name:
                    raise Damaged(f"block {index} changed on the local disk")

        self._sent.once(name, put, since=question)
        sending.done += content.block_length(index)

    def _local(self, content: Hashmap, index: int) -> bytes:
        """A block without its trailing NULs, from the local disk. Raises Damaged."""
        name = content.hashes[index]
        if name == empty_block_name(content.algorithm):
            return b""
        size = self._staging.size(name)
        data = self._staging.read(name, 0, size) if size is not None else None
        if data is None:
            data = self._cache.read(name, length=content.block_length(index))
        if data is None:
            what = "is damaged on the local disk" if self._staging.damaged(name) else "is lost"
            raise Damaged(f"block {index} {what}")
        return data

    def _block(self, row: Pending, content: Hashmap, index: int) -> bytes:
        """A block from wherever it is. Raises Damaged when it is nowhere."""
        try:
            return self._local(content, index)
        except Damaged:
            origin = row.origin
            name = content.hashes[index]
            if origin is None or name not in origin.hashmap.hashes:
                raise
            reader = Reader(
                self._store,
                self._cache,
                origin.path,
                origin.version,
                origin.hashmap.size,
                origin.hashmap,
                self._pool,
                cloud_key=self._cloud_key,
            )
            return reader.block(origin.hashmap.hashes.index(name))

    # a small change inside a large object ---------------------------------------------------------------------------

    def _put_range(self, sending: Sending, content: Hashmap) -> ObjectInfo | None:
        """Send only the changed range; None when that is not possible, or not shorter."""
        row = sending.row
        what = self._range(row, content)
        if what is None or row.base is None:
            return None
        offset, data, changes = what
        try:
            with self._connection():
                info = self._store.update_range(row.path, offset, data, size=content.size, base=row.base, meta=changes)
        except (BadRequest, NotSupported) as refused:
            log.info("no ranged update of %s: %s", row.path, refused)
            return None
        if (info.hash, info.size) == (content.root, content.size):
            sending.done = content.size
            return info
        # The server has made something else of it. Its version is replaced by the whole content.
        log.warning("the cloud made something else of a change inside %s: sending its blocks", row.path)
        based = self._journal.rebase(row, info)
        if based is None or based.generation != row.generation:
            raise Interrupted
        sending.row = based
        return None

    def _range(self, row: Pending, content: Hashmap) -> tuple[int, bytes, Mapping[str, str]] | None:
        info, origin = row.base_info, row.origin
        if not self._store.capabilities.ranged_update or row.extents is None or len(row.extents) != 1:
            return None
        if info is None or info.meta is None or origin is None or origin.path != row.path:
            return None
        if origin.version != info.version or not (content.size == info.size == origin.hashmap.size):
            return None
        if row.sharing is not None or row.public is not None or row.content_type != info.content_type:
            return None
        if any(key not in row.meta for key in info.meta):
            return None  # an update cannot take metadata away together with the data
        offset, length = row.extents[0]
        if not 0 < length <= RANGE_LIMIT or length * 2 > content.block_size or content.size <= SMALL:
            return None
        data = b""
        for index in content.indexes(offset, offset + length):
            if self._sent.has(content.hashes[index]):
                return None
            try:
                block = self._local(content, index).ljust(content.block_length(index), b"\0")
            except Damaged:
                return None
            first = index * content.block_size
            data += block[max(0, offset - first) : offset + length - first]
        changes = {key: value for key, value in row.meta.items() if info.meta.get(key) != value}
        return offset, data, changes

    # everything else ------------------------------------------------------------------------------------------------

    def _put_folder(self, sending: Sending) -> ObjectInfo:
        row = sending.row
        with self._connection():
            return self._store.put_object(
                row.path,
                b"",
                content_type=row.content_type or DIRECTORY_TYPE,
                meta=row.meta,
                base=row.base,
                sharing=row.sharing,
                public=row.public,
            )

    def _delete(self, sending: Sending) -> ObjectInfo | None:
        row = sending.row
        found = self._look(row.path)
        if found is None:
            return None
        ours = row.base is None or row.base in (found.etag, found.hash)
        if ours and row.base and row.base_info is not None:
            ours = found.size == row.base_info.size  # trailing NULs do not show in a hash (section 20, row 8)
        if not ours and not self._journal.sent_before(row.path, found.hash, found.size):
            log.info("%s was deleted here, but changed elsewhere since: it stays", row.path)
            return found
        try:
            with self._connection():
                self._store.delete(row.path)
        except NotFound:
            pass
        return None

    def _change_meta(self, sending: Sending) -> ObjectInfo | None:
        """Only metadata: our changes go onto whatever is there by now."""
        row = sending.row
        before = row.base_info
        if before is None or before.meta is None:
            before = self._look(row.path)
            if before is None:
                _log_dropped(row)
                return None
        old = before.meta or {}
        changes: dict[str, str | None] = {key: value for key, value in row.meta.items() if old.get(key) != value}
        changes.update((key, None) for key in old if key not in row.meta)
        new_type = row.content_type if row.content_type not in ("", before.content_type) else None
        base = row.base or None
        for _ in range(ROUNDS):
            try:
                return self._changed(row, changes, new_type, base)
            except PreconditionFailed:
                sending.check()
            except NotFound:
                pass
            found = self._look(row.path)
            if found is None:
                _log_dropped(row)
                return None
            base = found.etag
        raise BadReply(f"the attributes of {row.path} are changed by others all the time")

    def _changed(
        self, row: Pending, changes: dict[str, str | None], new_type: str | None, base: str | None
    ) -> ObjectInfo:
        with self._connection():
            if new_type is not None:
                present = self._store.head(row.path).meta or {}
                meta = {key: value for key, value in {**present, **changes}.items() if value is not None}
                info = self._store.replace_meta(row.path, meta, content_type=new_type)
            elif changes:
                info = self._store.update_meta(row.path, changes, base)
            else:
                info = self._store.head(row.path)
            if row.sharing is not None:
                self._store.set_sharing(row.path, row.sharing)
            if row.public is not None:
                self._store.set_public(row.path, row.public)
            if row.sharing is not None or row.public is not None:
                info = self._store.head(row.path)
        return info


def _log_dropped(row: Pending) -> None:
    log.info("%s was deleted elsewhere: its changed attributes are dropped", row.path)


def _same_meta(one: Mapping[str, str], other: Mapping[str, str]) -> bool:
    """Metadata as the server keeps it (object-store.md section 13): keys in lower case with dashes, empty is absent."""
    return _kept(one) == _kept(other)


def _kept(meta: Mapping[str, str]) -> dict[str, str]:
    return {key.replace("_", "-").lower(): value.replace("~", "") for key, value in meta.items() if value}
