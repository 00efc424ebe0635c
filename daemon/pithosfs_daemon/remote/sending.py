"""Bringing a local file to the cloud: whole, by its blocks, or only the part that was changed.

A request whose answer was lost is sent again and then meets its own first try: its condition does not hold any more.
So a refusal is believed only when something else than the sent content is there.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import BinaryIO

from pithosfs.bandwidth import cancelled_by
from pithosfs.blocks import Hashmap
from pithosfs.errors import BadRequest, LocalError, NotSupported, PreconditionFailed
from pithosfs.mount.attributes import SYMLINK_TYPE, Attributes, to_meta
from pithosfs.store import Delivery, ObjectInfo
from pithosfs.store.content_types import UNKNOWN_TYPE, content_type
from pithosfs.store.transfers import ObjectTarget
from pithosfs.transfer import WHOLE_LIMIT, Phase, Progress, TransferCancelled, upload
from pithosfs.transfer.parallel import UNLIMITED
from pithosfs_daemon.remote.hashing import PIECE, SUM_SIZE, LocalFile, hash_data, hash_file, sums_of
from pithosfs_daemon.remote.place import Place
from pithosfs_daemon.remote.ranges import Span, short_way
from pithosfs_daemon.remote.terms import Hashed, OldContent, RemoteBase, Sent
from pithosfs_daemon.values import Content

__all__ = ["Sender"]

_log = logging.getLogger(__name__)

# Up to here a new content goes in one request without asking what the cloud has: the two more that this would take cost
# about as much time as the content itself.
ONE_REQUEST = 512 * 1024

Meter = Callable[[int], None]


class Sender:
    """Uploads files of a pair; several at once share the `slots`, one for each block in memory."""

    def __init__(self, place: Place, slots: AbstractContextManager[object]) -> None:
        self._place = place
        self._slots = slots
        self._hashing = threading.Lock()

    def wait_for_hashing(self, seconds: float) -> None:
        """Until no large file is being hashed, at most so long."""
        if self._hashing.acquire(timeout=seconds):
            self._hashing.release()

    def send(
        self,
        name: str,
        stream: BinaryIO,
        size: int,
        *,
        base: RemoteBase | None,
        attributes: Attributes,
        old: OldContent | None,
        meter: Meter,
        cancel: threading.Event,
    ) -> Sent:
        """As `RemoteFolder.send`."""
        file = LocalFile(stream, size)
        with cancelled_by(cancel):
            data: bytes | None = None
            if size <= ONE_REQUEST:
                data = file.read(0, size)
                hashed = hash_data(data, *self._place.parameters)
            else:
                # One after the other those that keep all processors busy: so the first is soon on its way.
                with self._hashing if size > self._place.parameters[0] else UNLIMITED:
                    hashed = hash_file(file, *self._place.parameters, cancel)
            file.check()
            job = _Job(name, file, hashed, attributes, meter, cancel)
            info = self._replace(job, base, old, data) if base is not None else self._write(job, None, data)
        meter(size)
        return Sent(self._place.relative(info), hashed.content, hashed.hashmap, hashed.sums)

    def _replace(self, job: _Job, base: RemoteBase, old: OldContent | None, data: bytes | None) -> ObjectInfo:
        there: ObjectInfo | None = None
        span = self._short_way(job, base, old)
        if span is not None:
            there = self._send_part(job, base, span)
            if there is not None and Content(there.hash, there.size) == job.hashed.content:
                return there
        return self._write(job, there or self._place.present(job.name, base), data)

    def _write(self, job: _Job, there: ObjectInfo | None, data: bytes | None) -> ObjectInfo:
        job.check()
        described = _Description.of(job.name, there, job.attributes)
        with self._place.changing(job.name):
            return self._send_whole(job, described, data) if data is not None else self._send_blocks(job, described)

    def _send_whole(self, job: _Job, described: _Description, data: bytes) -> ObjectInfo:
        try:
            return self._place.store.put_object(
                self._place.path(job.name),
                data,
                content_type=described.content_type,
                meta=described.meta,
                base=described.base,
                delivery=described.delivery,
                hashmap=job.hashed.hashmap,
            )
        except PreconditionFailed as refusal:
            return self._place.settled(job.name, job.hashed.content, refusal)

    def _send_blocks(self, job: _Job, described: _Description) -> ObjectInfo:
        target = _Target(self._place, job.name, described)
        job.file.stream.seek(0)
        try:
            upload(
                target,
                job.file.stream,
                size=job.file.size,
                whole_limit=0,
                hashmap=job.hashed.hashmap,
                slots=self._slots,
                progress=job.tell,
                cancel=job.cancel,
            )
        except LocalError as error:
            raise job.file.changed() from error
        assert target.result is not None
        return target.result

    # only a part ----------------------------------------------------------------------------------------------------

    def _short_way(self, job: _Job, base: RemoteBase, old: OldContent | None) -> Span | None:
        if job.file.size <= WHOLE_LIMIT or not self._place.store.capabilities.ranged_update:
            return None

        def sum_of(start: int, end: int) -> bytes:
            return sums_of(job.file.read(start, end - start))

        return short_way(old, base.content, job.hashed, sum_of)

    def _send_part(self, job: _Job, base: RemoteBase, span: Span) -> ObjectInfo | None:
        """Send only a part; everything else that is known of the object stays.

        Returns what was made, which may be something else when `old` was wrong; None when the cloud takes no parts.
        """
        assert base.content is not None
        etag = base.etag or self._place.present(job.name, base).etag
        if not etag:
            return None
        job.check()
        with self._slots, self._place.changing(job.name):
            try:
                info = self._place.store.update_range(
                    self._place.path(job.name),
                    span.start,
                    job.read_verified(span),
                    size=base.content.size,
                    base=etag,
                    meta=to_meta(job.attributes),
                    grow=True,
                )
            except PreconditionFailed as refusal:
                return self._place.settled(job.name, job.hashed.content, refusal)
            except (BadRequest, NotSupported) as refused:
                _log.info("no ranged update of %s: %s", job.name, refused)
                return None
        if Content(info.hash, info.size) != job.hashed.content:
            _log.warning("the cloud made something else of a change inside %s: sending all of it", job.name)
        return info


@dataclass(frozen=True, slots=True)
class _Job:
    """One upload: of what, and as what."""

    name: str
    file: LocalFile
    hashed: Hashed
    attributes: Attributes
    meter: Meter
    cancel: threading.Event

    def check(self) -> None:
        """Raises TransferCancelled."""
        if self.cancel.is_set():
            raise TransferCancelled

    def tell(self, progress: Progress) -> None:
        """Progress as bytes of the content that are in the cloud."""
        if progress.phase is Phase.SENDING:
            self.meter(max(0, self.file.size - (progress.total or 0)) + progress.done)

    def read_verified(self, span: Span) -> bytes:
        """The bytes of a span, if they still are what was hashed: what is sent is what the cloud has from then on."""
        first = span.start // PIECE
        start = first * PIECE
        end = min(-(-span.end // PIECE) * PIECE, self.file.size)
        data = self.file.read(start, end - start)
        sums = sums_of(data)
        if self.hashed.sums[first * SUM_SIZE : first * SUM_SIZE + len(sums)] != sums:
            raise self.file.changed()
        return data[span.start - start : span.end - start]


@dataclass(frozen=True, slots=True)
class _Description:
    """What is said of an object that is written, and the ETag that it replaces ("": the name must be free; None: the
    cloud has no ETags)."""

    content_type: str
    meta: Mapping[str, str]
    base: str | None
    delivery: Delivery | None

    @classmethod
    def of(cls, name: str, there: ObjectInfo | None, attributes: Attributes) -> _Description:
        """Of what is `there` all that a new content does not change."""
        meta = to_meta(attributes)
        if there is None:
            return cls(content_type(name), meta, "", None)
        says_something = there.content_type not in ("", UNKNOWN_TYPE, SYMLINK_TYPE) and not there.is_directory
        kind = there.content_type if says_something else content_type(name)
        # A manifest does not stay: it would hide the content.
        delivery = replace(there.delivery, manifest=None) if there.delivery else None
        return cls(kind, {**(there.meta or {}), **meta}, there.etag or None, delivery)


class _Target(ObjectTarget):
    """Knows its own work again when only the answer was lost."""

    def __init__(self, place: Place, name: str, described: _Description) -> None:
        super().__init__(
            place.store,
            place.path(name),
            content_type=described.content_type,
            meta=described.meta,
            base=described.base,
            delivery=described.delivery,
            parameters=place.parameters,
        )
        self._place = place
        self._name = name

    def commit(self, hashmap: Hashmap) -> Sequence[str]:
        try:
            return super().commit(hashmap)
        except PreconditionFailed as refusal:
            self.result = self._place.settled(self._name, Content(hashmap.root, hashmap.size), refusal)
            return []
