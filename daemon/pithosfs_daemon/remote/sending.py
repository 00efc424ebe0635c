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
from pithosfs_daemon.remote.hashing import PIECE, SUM_SIZE, LocalFile, hash_data, hash_file, sums_of
from pithosfs_daemon.remote.place import Place
from pithosfs_daemon.remote.ranges import Span, short_way
from pithosfs_daemon.remote.terms import Hashed, OldContent, RemoteBase, Sent
from pithosfs_daemon.values import Content

__all__ = ["Sender"]

_log = logging.getLogger(__name__)

Meter = Callable[[int], None]


class Sender:
    """Uploads files of a pair; several at once share the `slots`, one for each block in memory."""

    def __init__(self, place: Place, slots: AbstractContextManager[object]) -> None:
        self._place = place
        self._slots = slots

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
            if size <= WHOLE_LIMIT:
                hashed, info = self._send_whole(name, file, base, attributes, cancel)
            else:
                hashed = hash_file(file, *self._place.parameters, cancel)
                file.check()
                info = self._send_large(name, file, hashed, base, attributes, old, meter, cancel)
        meter(size)
        return Sent(self._place.relative(info), hashed.content, hashed.hashmap, hashed.sums)

    # small files ----------------------------------------------------------------------------------------------------

    def _send_whole(
        self, name: str, file: LocalFile, base: RemoteBase | None, attributes: Attributes, cancel: threading.Event
    ) -> tuple[Hashed, ObjectInfo]:
        data = file.read(0, file.size)
        file.check()
        hashed = hash_data(data, *self._place.parameters)
        if cancel.is_set():
            raise TransferCancelled
        there = self._place.present(name, base) if base is not None else None
        described = _Description.of(name, there, attributes)
        path = self._place.path(name)
        with self._place.changing(name):
            try:
                info = self._place.store.put_object(
                    path,
                    data,
                    content_type=described.content_type,
                    meta=described.meta,
                    base=described.base,
                    delivery=described.delivery,
                    hashmap=hashed.hashmap,
                )
            except PreconditionFailed as refusal:
                info = self._place.settled(name, hashed.content, refusal)
        return hashed, info

    # large files ----------------------------------------------------------------------------------------------------

    def _send_large(
        self,
        name: str,
        file: LocalFile,
        hashed: Hashed,
        base: RemoteBase | None,
        attributes: Attributes,
        old: OldContent | None,
        meter: Meter,
        cancel: threading.Event,
    ) -> ObjectInfo:
        there: ObjectInfo | None = None
        if base is not None:
            span = self._short_way(file, hashed, base, old)
            if span is not None:
                info = self._send_span(name, file, hashed, base, span, to_meta(attributes), cancel)
                if info is not None and Content(info.hash, info.size) == hashed.content:
                    return info
                there = info
            there = there or self._place.present(name, base)
        described = _Description.of(name, there, attributes)
        target = _Target(self._place, name, described)
        with self._place.changing(name):
            try:
                file.stream.seek(0)
                upload(
                    target,
                    file.stream,
                    size=file.size,
                    whole_limit=0,
                    hashmap=hashed.hashmap,
                    slots=self._slots,
                    progress=_telling(meter, file.size),
                    cancel=cancel,
                )
            except LocalError as error:
                raise file.changed() from error
        assert target.result is not None
        return target.result

    def _short_way(self, file: LocalFile, hashed: Hashed, base: RemoteBase, old: OldContent | None) -> Span | None:
        if not self._place.store.capabilities.ranged_update:
            return None
        return short_way(old, base.content, hashed, lambda start, end: sums_of(file.read(start, end - start)))

    def _send_span(
        self,
        name: str,
        file: LocalFile,
        hashed: Hashed,
        base: RemoteBase,
        span: Span,
        meta: Mapping[str, str],
        cancel: threading.Event,
    ) -> ObjectInfo | None:
        """Send only a part, which keeps everything else that there is about the object.

        Returns what was made (it may be something else: see `send`), None when the cloud does not take it so.
        """
        assert base.content is not None
        etag = base.etag or self._place.present(name, base).etag
        if not etag:
            return None
        if cancel.is_set():
            raise TransferCancelled
        with self._slots, self._place.changing(name):
            data = _verified(file, hashed, span)
            path = self._place.path(name)
            try:
                info = self._place.store.update_range(
                    path, span.start, data, size=base.content.size, base=etag, meta=meta, grow=True
                )
            except PreconditionFailed as refusal:
                return self._place.settled(name, hashed.content, refusal)
            except (BadRequest, NotSupported) as refused:
                _log.info("no ranged update of %s: %s", name, refused)
                return None
        if Content(info.hash, info.size) != hashed.content:
            _log.warning("the cloud made something else of a change inside %s: sending its blocks", name)
        return info


@dataclass(frozen=True, slots=True)
class _Description:
    """What is said of an object that is written, and the ETag that it replaces ("": the name must be free)."""

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
        return cls(kind, {**(there.meta or {}), **meta}, there.etag, delivery)


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


def _verified(file: LocalFile, hashed: Hashed, span: Span) -> bytes:
    """The bytes of a span, if they still are what was hashed: what is sent is what the cloud has from then on."""
    first = span.start // PIECE
    start = first * PIECE
    end = min(-(-span.end // PIECE) * PIECE, file.size)
    data = file.read(start, end - start)
    sums = sums_of(data)
    if hashed.sums[first * SUM_SIZE : first * SUM_SIZE + len(sums)] != sums:
        raise file.changed()
    return data[span.start - start : span.end - start]


def _telling(meter: Meter, size: int) -> Callable[[Progress], None]:
    """Progress as bytes of the content that are in the cloud."""

    def tell(progress: Progress) -> None:
        if progress.phase is Phase.SENDING:
            meter(max(0, size - (progress.total or 0)) + progress.done)

    return tell
