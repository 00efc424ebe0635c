"""Making many new objects: in one request where the cloud takes archives, else side by side."""

from __future__ import annotations

import hashlib
import io
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from pithosfs.blocks import DEFAULT_BLOCK_HASH, DEFAULT_BLOCK_SIZE, Hashmap, hash_stream
from pithosfs.clients.pithos import replies
from pithosfs.clients.pithos.archives import ArchiveMember, archive_of
from pithosfs.clients.pithos.encoding import seconds_ns
from pithosfs.clients.pithos.wire import PithosWire
from pithosfs.errors import BadReply, NotFound, PithosfsError, PreconditionFailed, client_error
from pithosfs.store.changes import normalised
from pithosfs.store.seam import Delivery, NewObject, ObjectInfo, ObjectPath, ObjectStore

__all__ = ["BulkUpload", "put_side_by_side"]

SIDE_BY_SIDE = 8
"""Requests at a time where each object is one of its own."""


def put_side_by_side(
    store: ObjectStore, account: str, container: str, items: Sequence[NewObject]
) -> list[ObjectInfo | PithosfsError]:
    """As `ObjectStore.put_many`, by one `put_object` for each."""

    def put(item: NewObject) -> ObjectInfo | PithosfsError:
        path = ObjectPath(account, container, item.name)
        try:
            return store.put_object(
                path, item.data, content_type=item.content_type, meta=item.meta, base="", hashmap=item.hashmap
            )
        except PreconditionFailed as taken:
            return _own_or(store, path, item, _hashmap(store, path, item), taken)
        except PithosfsError as error:
            return error

    if len(items) < 2:
        return [put(item) for item in items]
    with ThreadPoolExecutor(min(SIDE_BY_SIDE, len(items)), thread_name_prefix="put-many") as pool:
        return list(pool.map(put, items))


@dataclass(frozen=True, slots=True)
class _Sent:
    """An item on its way."""

    index: int
    item: NewObject
    hashmap: Hashmap
    header: bytes


class BulkUpload:
    """Archives for one container; `put` does it."""

    def __init__(
        self, store: ObjectStore, wire: PithosWire, account: str, container: str, block_size: int, algorithm: str
    ) -> None:
        self._store = store
        self._wire = wire
        self._account = account
        self._container = container
        self._block_size = block_size
        self._algorithm = algorithm

    def put(self, items: Sequence[NewObject], at_once: int) -> list[ObjectInfo | PithosfsError]:
        """As `ObjectStore.put_many`, at most `at_once` objects in a request."""
        outcome: dict[int, ObjectInfo | PithosfsError] = {}
        sent: list[_Sent] = []
        single: list[int] = []
        for index, item in enumerate(items):
            md5 = hashlib.md5(item.data, usedforsecurity=False).hexdigest()
            member = ArchiveMember(item.name, item.data, item.content_type, md5, item.meta)
            if not member.keeps_its_name:
                single.append(index)
                continue
            try:
                header = member.header()
            except PithosfsError as error:
                outcome[index] = error
                continue
            hashmap = item.hashmap or hash_stream(io.BytesIO(item.data), self._block_size, self._algorithm)
            sent.append(_Sent(index, item, hashmap, header))
        for at in range(0, len(sent), at_once):
            outcome.update(self._put_archive(sent[at : at + at_once]))
        others = put_side_by_side(self._store, self._account, self._container, [items[index] for index in single])
        outcome.update(zip(single, others, strict=True))
        return [outcome[index] for index in range(len(items))]

    def _put_archive(self, sent: Sequence[_Sent]) -> dict[int, ObjectInfo | PithosfsError]:
        body = archive_of((one.header, one.item.data) for one in sent)
        answer = replies.bulk_answer(self._wire.archive_put(self._account, self._container, body))
        waiting: dict[str, deque[_Sent]] = {}
        for one in sent:
            waiting.setdefault(one.item.name, deque()).append(one)
        outcome: dict[int, ObjectInfo | PithosfsError] = {}
        for made in answer.made:
            if queue := waiting.get(made.name):
                one = queue.popleft()
                outcome[one.index] = self._verified(one, made)
        taken: list[_Sent] = []
        for path, status in answer.errors:
            if queue := waiting.get(path.removeprefix(f"{self._container}/")):
                one = queue.popleft()
                outcome[one.index] = client_error(status, f"{path} was not made")
                if status == PRECONDITION_FAILED:
                    taken.append(one)
        # Names that are taken may be taken by this very request, sent a second time because its answer was lost.
        if taken:
            with ThreadPoolExecutor(min(SIDE_BY_SIDE, len(taken)), thread_name_prefix="put-many") as pool:
                outcome.update(zip((one.index for one in taken), pool.map(self._look, taken), strict=True))
        for one in sent:
            if one.index not in outcome:
                why = f": {answer.why}" if answer.why else ""
                outcome[one.index] = BadReply(f"the cloud did not say what became of {one.item.name!r}{why}")
        return outcome

    def _verified(self, one: _Sent, made: replies.BulkMade) -> ObjectInfo | PithosfsError:
        if (made.hash, made.size) != (one.hashmap.root, one.hashmap.size):
            return BadReply(f"the cloud stored something else for {one.item.name!r} than was sent")
        return ObjectInfo(
            name=made.name,
            size=made.size,
            content_type=one.item.content_type,
            hash=made.hash,
            version=made.version,
            modified_ns=seconds_ns(made.time),
            etag=made.etag,
            uuid=made.uuid,
            modified_by=self._store.account,
            meta={key: value for key, value in normalised(one.item.meta).items() if value},
            delivery=Delivery(),
        )

    def _look(self, one: _Sent) -> ObjectInfo | PithosfsError:
        path = ObjectPath(self._account, self._container, one.item.name)
        taken = PreconditionFailed(f"there is an object {str(path)!r} already", PRECONDITION_FAILED)
        return _own_or(self._store, path, one.item, one.hashmap, taken)


PRECONDITION_FAILED = 412


def _own_or(
    store: ObjectStore, path: ObjectPath, item: NewObject, hashmap: Hashmap, taken: PreconditionFailed
) -> ObjectInfo | PithosfsError:
    """What has the name that is taken, if it is just what was to be made; else the error."""
    try:
        found = store.head(path)
    except NotFound:
        return taken  # gone again: whoever asks next finds the name free
    except PithosfsError as error:
        return error
    # The server drops `~` (section 20, row 25).
    meta = {key: value.replace("~", "") for key, value in normalised(item.meta).items()}
    same = (found.hash, found.size, found.content_type, found.meta) == (
        hashmap.root,
        hashmap.size,
        item.content_type.strip(),
        {key: value for key, value in meta.items() if value},
    )
    return found if same and not found.is_manifest else taken


def _hashmap(store: ObjectStore, path: ObjectPath, item: NewObject) -> Hashmap:
    if item.hashmap is not None:
        return item.hashmap
    info = store.container(path.container, path.account)
    block_size, algorithm = info.block_size or DEFAULT_BLOCK_SIZE, info.block_hash or DEFAULT_BLOCK_HASH
    return hash_stream(io.BytesIO(item.data), block_size, algorithm)
