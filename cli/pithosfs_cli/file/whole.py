"""Uploads that leave the usual way: the whole content in one request, and an object made of a list of block hashes."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import IO, TYPE_CHECKING, BinaryIO, cast

from pithosfs.blocks import DEFAULT_BLOCK_HASH, DEFAULT_BLOCK_SIZE, Hashmap, block_hash, read_blocks
from pithosfs.errors import BadReply, BadRequest, Conflict, LocalError, PreconditionFailed, UsageError
from pithosfs.transfer import Phase, Progress, TransferCancelled
from pithosfs_cli.addressing import addressed
from pithosfs_cli.file.uploading import Settings, exists, settled
from pithosfs_cli.locations import Location

if TYPE_CHECKING:
    from pithosfs.store import ObjectInfo, ObjectStore

__all__ = ["send_hashmap", "send_whole"]

LARGEST_REQUEST = 5368709120  # bytes (object-store.md section 3.4)
_NAMED = 5  # missing blocks that an error names

Tell = Callable[[Progress], None] | None


# one request ----------------------------------------------------------------------------------------------------------


class _Digest:
    """The MD5 and the block hashes of a content that passes by."""

    def __init__(self, block_size: int, algorithm: str) -> None:
        self._block_size = block_size
        self._algorithm = algorithm
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._hashes: list[str] = []
        self._size = 0

    def of(self, stream: BinaryIO, way: _Way, phase: Phase, total: int | None) -> Iterator[bytes]:
        """The blocks of a stream, each counted when it is handed on."""
        for block in read_blocks(stream, self._block_size):
            way.tell(phase, self._size, total)
            self._md5.update(block)
            self._hashes.append(block_hash(block, self._algorithm))
            self._size += len(block)
            yield block

    @property
    def md5(self) -> str:
        return self._md5.hexdigest()

    @property
    def hashmap(self) -> Hashmap:
        return Hashmap(self._size, tuple(self._hashes), self._block_size, self._algorithm)


class _Way:
    """Whom to tell, and what calls the upload off."""

    def __init__(self, tell: Tell, cancel: threading.Event | None) -> None:
        self._tell = tell
        self._cancel = cancel

    def tell(self, phase: Phase, done: int, total: int | None) -> None:
        if self._cancel is not None and self._cancel.is_set():
            raise TransferCancelled
        if self._tell is not None:
            self._tell(Progress(phase, done, total))


class _Body:
    """A file as the body of a request, which tells how far it is."""

    def __init__(self, stream: BinaryIO, size: int, way: _Way) -> None:
        self._stream = stream
        self._size = size
        self._way = way

    def read(self, size: int = -1) -> bytes:
        # As many bytes as were announced, also of a file that grows.
        done = self._stream.tell()
        self._way.tell(Phase.SENDING, done, self._size)
        left = self._size - done
        return self._stream.read(left if size < 0 else min(size, left))

    def tell(self) -> int:
        return self._stream.tell()

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._stream.seek(self._size + offset if whence == os.SEEK_END else offset)


def send_whole(
    store: ObjectStore,
    stream: BinaryIO,
    place: Location,
    there: ObjectInfo | None,
    settings: Settings,
    meta: Mapping[str, str],
    tell: Tell,
    cancel: threading.Event | None,
) -> tuple[ObjectInfo, int]:
    """Upload a file or a stream in one request; what is there then, and the bytes that were sent.

    Of a file the MD5 goes along, so that the cloud refuses what has changed between hashing and sending. Raises
    LocalError for that, and when the MD5 is not the one that the user has given.
    """
    container = store.container(place.container, place.account)
    digest = _Digest(container.block_size or DEFAULT_BLOCK_SIZE, container.block_hash or DEFAULT_BLOCK_HASH)
    way = _Way(tell, cancel)
    body: IO[bytes] | Iterator[bytes]
    md5 = settings.etag
    size = _size(stream)
    if size is None:
        body = digest.of(stream, way, Phase.SENDING, None)
    else:
        if size > LARGEST_REQUEST:
            raise UsageError(
                f"{size} bytes are too many for one request", hint="leave out --unchunked: blocks have no such limit"
            )
        for _ in digest.of(stream, way, Phase.HASHING, size):
            pass
        if settings.etag is not None and digest.md5 != settings.etag:
            raise LocalError(
                f"{place.name} has the MD5 {digest.md5}, not {settings.etag}", hint="check the file and --etag"
            )
        md5 = digest.md5
        stream.seek(0)
        body = cast("IO[bytes]", _Body(stream, digest.hashmap.size, way))
    path = place.path(store)
    try:
        info = store.management().put_whole(
            path,
            body,
            content_type=settings.type_of(place.name, there),
            meta=meta,
            base=None if settings.force else "",
            md5=md5,
            sharing=settings.sharing,
            public=True if settings.public else None,
            delivery=settings.delivery_of(place.name, there),
        )
    except PreconditionFailed as error:
        if size is None:
            raise
        info = settled(store, path, digest.hashmap, error)
    except BadRequest as error:
        if error.status != 422:
            raise
        if size is None:
            raise LocalError(f"{place.name} has another MD5 than {md5}", hint="check the input and --etag") from error
        raise LocalError(
            f"{place.name} changed while it was read", hint="try again when nobody writes to it"
        ) from error
    hashmap = digest.hashmap
    if (info.hash, info.size) != (hashmap.root, hashmap.size):
        raise BadReply(f"the cloud stored something else for {place} than was sent")
    return info, hashmap.size


def _size(stream: BinaryIO) -> int | None:
    """The size of a regular file that is at its beginning; None for anything else."""
    try:
        status = os.fstat(stream.fileno())
        at_start = stream.tell() == 0
    except (OSError, AttributeError):
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) and status.st_size and at_start else None


# a hashmap ------------------------------------------------------------------------------------------------------------


def send_hashmap(
    store: ObjectStore, text: bytes, place: Location, there: ObjectInfo | None, settings: Settings
) -> ObjectInfo:
    """Make an object of blocks that the cloud holds, as a JSON text lists them (object-store.md section 9.2).

    Raises UsageError for a text that is no hashmap, Conflict naming the blocks that the cloud lacks.
    """
    with addressed(store, place):
        container = store.container(place.container, place.account)
        block_size = container.block_size or DEFAULT_BLOCK_SIZE
        algorithm = container.block_hash or DEFAULT_BLOCK_HASH
        hashmap = _read_hashmap(text, block_size, algorithm)
        if (hashmap.block_size, hashmap.algorithm) != (block_size, algorithm):
            raise UsageError(
                f"the hashmap has {hashmap.algorithm} blocks of {hashmap.block_size} bytes, and {place.named('')} has "
                f"{algorithm} blocks of {block_size}",
                hint="use a container with blocks of that kind",
            )
        path = place.path(store)
        try:
            answer = store.put_hashmap(
                path,
                hashmap,
                content_type=settings.type_of(place.name, there),
                meta=(there.meta if there is not None else None) or {},
                base=None if settings.force else "",
                sharing=settings.sharing,
                public=True if settings.public else None,
                delivery=settings.delivery_of(place.name, there),
            )
        except PreconditionFailed as error:
            try:
                return settled(store, path, hashmap, error)
            except PreconditionFailed:
                raise exists(place) from error
    if isinstance(answer, list):
        named = ", ".join(answer[:_NAMED]) + (f" and {len(answer) - _NAMED} more" if len(answer) > _NAMED else "")
        raise Conflict(
            f"the cloud lacks {len(answer)} of the {len(set(hashmap.hashes))} blocks of {place}: {named}",
            409,
            hint="upload the file itself, or something that has these blocks",
        )
    return answer


def _read_hashmap(text: bytes, block_size: int, algorithm: str) -> Hashmap:
    try:
        found = json.loads(text)
        if not isinstance(found, dict):
            raise ValueError("not a JSON object")
        hashmap = Hashmap.from_wire({"block_size": block_size, "block_hash": algorithm, **found})
        for one in hashmap.hashes:
            if len(bytes.fromhex(one)) != hashlib.new(hashmap.algorithm).digest_size:
                raise ValueError(f"{one!r} is no {hashmap.algorithm}")
    except (ValueError, RecursionError) as error:
        raise UsageError(
            f"this is not a hashmap: {error}",
            hint="it is what `pithosfs file info PATH --hashmap --output json` prints",
        ) from None
    return hashmap
