"""Whole contents for `PithosClient`: the transfer engine on the wire, open files, and ranges."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping, Sequence

from pithosfs.blocks import Hashmap, block_hash, merkle_root
from pithosfs.clients.pithos import replies
from pithosfs.clients.pithos.options import WriteOptions
from pithosfs.clients.pithos.wire import PithosWire
from pithosfs.errors import BadReply, BadRequest, NotFound, PreconditionFailed, UsageError
from pithosfs.http import Reply

__all__ = ["ObjectSource", "ObjectTarget", "byte_ranges"]

_OCTETS = "application/octet-stream"
_RANGE = re.compile(r"(?P<start>\d*)(?P<dash>-?)(?P<end>\d*)", re.ASCII)


class ObjectTarget:
    """One object that is being uploaded (the engine's `BlockTarget`). `headers` are those of the PUT that made it."""

    def __init__(
        self,
        wire: PithosWire,
        address: tuple[str, str, str],
        block_size: int,
        algorithm: str,
        *,
        content_type: str | None,
        md5: str | None,
        options: WriteOptions,
    ) -> None:
        self.block_size = block_size
        self.algorithm = algorithm
        self.headers: Mapping[str, str] = {}
        self._wire = wire
        self._address = address
        self._content_type = content_type or _OCTETS
        self._md5 = md5
        self._options = options

    def missing(self, hashmap: Hashmap) -> Sequence[str]:
        # A hashmap with a block that nobody can have is answered with what is missing, and makes no object.
        names = list(dict.fromkeys(hashmap.hashes))
        nobody = secrets.token_hex(len(names[0]) // 2)
        account, container, _ = self._address
        asked = (self.block_size * (len(names) + 1), [*names, nobody])
        reply = self._wire.object_put_hashmap(account, container, ".pithosfs-probe", asked, content_type=_OCTETS)
        missing = replies.missing_hashes(reply)
        if missing is None:
            raise BadReply("the cloud says that it has a block which nobody has ever made")
        return [name for name in missing if name != nobody]

    def send(self, data: bytes) -> str:
        account, container, _ = self._address
        stored = replies.block_hashes(self._wire.blocks_post(account, container, data))
        if len(stored) != 1:
            raise BadReply(f"the cloud stored a block as {len(stored)}")
        return stored[0]

    def commit(self, hashmap: Hashmap) -> Sequence[str]:
        reply = self._made(
            lambda: self._wire.object_put_hashmap(
                *self._address, hashmap, content_type=self._content_type, **self._options
            ),
            hashmap.root,
            hashmap.size,
        )
        missing = replies.missing_hashes(reply)
        if missing is None:
            self.headers = reply.headers
        return missing or ()

    def put(self, data: bytes) -> None:
        # No content of one request has more than one block.
        root = merkle_root([block_hash(data, self.algorithm)] if data else [], self.algorithm)
        reply = self._made(
            lambda: self._wire.object_put(
                *self._address, data, content_type=self._content_type, md5=self._md5, **self._options
            ),
            root,
            len(data),
        )
        self.headers = reply.headers

    def _made(self, put: Callable[[], Reply], root: str, size: int) -> Reply:
        """The answer to a PUT. One that was repeated because its answer was lost may meet its own work: that is no
        conflict."""
        retries = self._wire.session.counters.retries
        try:
            return put()
        except PreconditionFailed:
            if self._wire.session.counters.retries == retries:
                raise
            try:
                reply = self._wire.object_head(*self._address)
            except NotFound:
                raise PreconditionFailed(f"{self._address[2]} was deleted meanwhile", 412) from None
            head = replies.object_head(reply)
            if (head.hash, head.size) != (root, size):
                raise
            return reply


class ObjectSource:
    """One version of an object that is being downloaded (the engine's `RangeSource`)."""

    def __init__(
        self, wire: PithosWire, address: tuple[str, str, str], size: int, hashmap: Hashmap | None, version: str | None
    ) -> None:
        self.size = size
        self.hashmap = hashmap
        self._wire = wire
        self._address = address
        self._version = version

    def read_range(self, start: int, end: int) -> bytes:
        try:
            return self._wire.object_get(*self._address, version=self._version, start=start, end=end).content
        except (NotFound, BadRequest) as error:
            # The object was there a moment ago, and as long: its version is gone where no old ones are kept.
            raise PreconditionFailed(
                f"{self._address[2]} was changed or deleted while it was downloaded", 412, hint="download it again"
            ) from error


def byte_ranges(text: str, size: int) -> list[tuple[int, int]]:
    """(start, end excluded) of `START-END`, `END` (from the beginning), `-N` (the last N), comma-separated, clipped to
    `size`, empty ones left out. Raises UsageError."""
    found = []
    for part in text.removeprefix("bytes=").split(","):
        match = _RANGE.fullmatch(part.strip())
        if match is None or not (match["start"] or match["end"]):
            raise UsageError(
                f"{part.strip()!r} is no range of bytes", hint="write START-END, END, or -N for the last N"
            )
        if not match["start"]:
            start, end = max(0, size - int(match["end"])), size
        elif not match["dash"]:
            start, end = 0, int(match["start"]) + 1
        else:
            start, end = int(match["start"]), int(match["end"]) + 1 if match["end"] else size
        if start < min(end, size):
            found.append((start, min(end, size)))
    return found
