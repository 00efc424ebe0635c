"""Whole contents for `PithosClient`: the transfer engine on the wire, ranges, and the older library's progress bars."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from pithosfs.blocks import Hashmap, block_count
from pithosfs.clients.pithos import replies
from pithosfs.clients.pithos.options import WriteOptions
from pithosfs.clients.pithos.wire import PithosWire
from pithosfs.errors import BadReply, UsageError
from pithosfs.transfer import Phase, Progress

__all__ = ["ObjectSource", "ObjectTarget", "ProgressBar", "Steps", "byte_ranges"]

ProgressBar = Callable[[int], Iterator[Any]]
"""Given a number of blocks, an iterator that is advanced once for each block that is done."""

_OCTETS = "application/octet-stream"
_RANGE = re.compile(r"(?P<start>\d*)(?P<dash>-?)(?P<end>\d*)", re.ASCII)


class Steps:
    """Turns the engine's progress, which counts bytes, into steps of the older library's bars, which count blocks."""

    def __init__(self, block_size: int, bars: Mapping[Phase, ProgressBar | None]) -> None:
        self._block_size = block_size
        self._bars = bars
        self._running: dict[Phase, Iterator[Any]] = {}
        self._done: dict[Phase, int] = {}

    def __call__(self, progress: Progress) -> None:
        bar = self._bars.get(progress.phase)
        if bar is None or not progress.total:
            return
        blocks = block_count(progress.total, self._block_size)
        if progress.phase not in self._running:
            self._running[progress.phase] = iter(bar(blocks))
        done = blocks if progress.done >= progress.total else progress.done // self._block_size
        for _ in range(done - self._done.get(progress.phase, 0)):
            next(self._running[progress.phase], None)
        self._done[progress.phase] = max(done, self._done.get(progress.phase, 0))


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
        reply = self._wire.object_put_hashmap(*self._address, hashmap, content_type=self._content_type, **self._options)
        missing = replies.missing_hashes(reply)
        if missing is None:
            self.headers = reply.headers
        return missing or ()

    def put(self, data: bytes) -> None:
        reply = self._wire.object_put(
            *self._address, data, content_type=self._content_type, md5=self._md5, **self._options
        )
        self.headers = reply.headers


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
        return self._wire.object_get(*self._address, version=self._version, start=start, end=end).content


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
