"""Many objects from one request: the members of an archive become objects, some of them in each transaction.

This is what the archives of both dialects share; what a member's name and records mean, who may write it and under
which conditions, a dialect's `Rules` say. Members are received one after the other, and while one group of them is
committed the next one arrives: at most two groups are in memory, however long the archive is. Each member succeeds or
fails for itself. What was committed stays, whatever happens later: the archive breaks off, the client goes away, the
server is killed. So a client that lost the answer sends the archive again.
"""

from __future__ import annotations

import asyncio
import hashlib
import mimetypes
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Generic, Protocol, TypeVar
from urllib.parse import quote

from pithosfs.blocks import DEFAULT_BLOCK_SIZE, Hashmap
from pithosfs.localcloud.faults import Fault, bad_request, over_limit
from pithosfs.localcloud.objects.archive import ArchiveError, ArchiveReader, Member
from pithosfs.localcloud.objects.backend import Backend
from pithosfs.localcloud.objects.changes import Change
from pithosfs.localcloud.objects.content import Received, receive
from pithosfs.localcloud.objects.exchange import MAX_BODY, MAX_CONTAINER_NAME, MAX_OBJECT_NAME, Place
from pithosfs.localcloud.smallblocks import LARGEST

__all__ = [
    "MAX_ERRORS",
    "Attributes",
    "Outcome",
    "Rules",
    "Target",
    "guess_type",
    "is_text",
    "object_name",
    "quoted",
    "unpack",
]

T = TypeVar("T")
Made = TypeVar("Made", covariant=True)

MAX_ERRORS = 1000
"""Members that may fail; with the next one the rest of the archive is not looked at."""

GROUP_MEMBERS = 200
"""Objects in one transaction: others who write wait for it, some 50 µs for each."""

GROUP_BYTES = DEFAULT_BLOCK_SIZE
"""Bytes of content that fill a group, so that memory is bounded where members are large."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a member is to become. `path` is what the answer calls it; `md5` (hex) what its content must have."""

    path: str
    place: Place
    content_type: str
    metadata: Mapping[str, str]
    md5: str | None = None


class Rules(Protocol[Made]):
    """How one dialect makes objects of members. Whatever it raises as a Fault concerns that one member."""

    def target(self, member: Member) -> Target | None:
        """None: nothing is to be made of it."""

    def path_of(self, member: Member) -> str:
        """What the answer calls a member that is refused."""

    def check(self, connection: sqlite3.Connection, target: Target, size: int) -> None:
        """Refuse early, before much content is received, what `store` would refuse."""

    def store(self, change: Change) -> Callable[[Target, Received], Made | None]:
        """What makes objects in that transaction, and tells what `Outcome.made` is to hold of each. It raises before
        it has changed anything."""


@dataclass(slots=True)
class Outcome(Generic[T]):
    """What became of an archive: how many objects were made, and what was to be remembered of them, in order; paths
    that failed; what is wrong with the archive itself."""

    count: int = 0
    made: list[T] = field(default_factory=list)
    errors: list[tuple[str, Fault]] = field(default_factory=list)
    broken: str = ""

    def answer(self) -> dict[str, Any]:
        """The answer in Swift's words."""
        status, why = HTTPStatus.CREATED, ""
        if self.broken:
            status, why = HTTPStatus.BAD_REQUEST, f"Invalid Tar File: {self.broken}"
        elif self.errors:
            status = HTTPStatus.BAD_REQUEST
        elif not self.count:
            status, why = HTTPStatus.BAD_REQUEST, "Invalid Tar File: No Valid Files"
        return {
            "Response Status": f"{status.value} {status.phrase}",
            "Response Body": why,
            "Number Files Created": self.count,
            "Errors": [[path, f"{fault.status} {HTTPStatus(fault.status).phrase}"] for path, fault in self.errors],
        }


@dataclass(slots=True)
class _Item:
    """A member of a group: received, or (`storing`) its one block is still being stored."""

    target: Target
    size: int
    received: Received
    storing: asyncio.Task[str] | None = None


async def unpack(
    backend: Backend, caller: str, archive: ArchiveReader, rules: Rules[T], *, max_members: int | None = None
) -> Outcome[T]:
    """Make objects of an archive's members. Raises what is not about a member: Disconnected, a full disk.

    `max_members`: more are not looked at, and the archive counts as broken then.
    """
    work = _Unpacking(backend, caller, archive, rules)
    try:
        try:
            count = 0
            while (member := await archive.next()) is not None and len(work.outcome.errors) < MAX_ERRORS:
                count += 1
                if max_members is not None and count > max_members:
                    work.outcome.broken = f"more than {max_members} members"
                    break
                await work.take(member)
        except ArchiveError as error:
            work.outcome.broken = str(error)
        await work.finish()
    finally:
        await work.abandon()
    return work.outcome


class _Unpacking(Generic[T]):
    def __init__(self, backend: Backend, caller: str, archive: ArchiveReader, rules: Rules[T]) -> None:
        self.outcome: Outcome[T] = Outcome()
        self._backend = backend
        self._caller = caller
        self._archive = archive
        self._rules = rules
        self._group: list[_Item] = []
        self._bytes = 0
        self._committing: asyncio.Task[None] | None = None

    async def take(self, member: Member) -> None:
        """Receive a member; its group may be committed by that."""
        try:
            target = self._rules.target(member)
            if target is None:
                return
            if member.size > MAX_BODY:
                raise over_limit(f"an object that comes in one piece has at most {MAX_BODY} bytes")
            if member.size > LARGEST:
                self._backend.database.read_now(lambda connection: self._rules.check(connection, target, member.size))
        except Fault as fault:
            self.outcome.errors.append((self._rules.path_of(member), fault))
            return
        self._group.append(await self._receive(member, target))
        self._bytes += min(member.size, DEFAULT_BLOCK_SIZE)
        if len(self._group) >= GROUP_MEMBERS or self._bytes >= GROUP_BYTES:
            await self._commit()

    async def finish(self) -> None:
        """Commit what is left."""
        await self._commit()
        if self._committing is not None:
            await self._committing

    async def abandon(self) -> None:
        """Wait for what is under way; its outcome does not matter."""
        tasks = [item.storing for item in self._group if item.storing is not None]
        if self._committing is not None:
            await asyncio.gather(self._committing, return_exceptions=True)
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _receive(self, member: Member, target: Target) -> _Item:
        if not member.size:
            return _Item(target, 0, Received(Hashmap(0, ()), _md5(b"")))
        if member.size > DEFAULT_BLOCK_SIZE:
            received = await receive(self._archive.pieces(), self._backend.blocks, want_md5=True)
            return _Item(target, member.size, received)
        data = await self._archive.read()
        small = self._backend.blocks.small(data)
        if small is not None:
            return _Item(target, member.size, Received(Hashmap(member.size, (small.name,)), _md5(data), small))
        # The blocks of a group are stored side by side; until then their names are not known.
        storing = asyncio.create_task(self._backend.blocks.put(data))
        return _Item(target, member.size, Received(Hashmap(0, ()), await asyncio.to_thread(_md5, data)), storing)

    async def _commit(self) -> None:
        """Begin to commit the group, once the one before it is done."""
        if self._committing is not None:
            await self._committing
            self._committing = None
        if self._group:
            group, self._group, self._bytes = self._group, [], 0
            self._committing = asyncio.create_task(self._commit_group(group))

    async def _commit_group(self, group: list[_Item]) -> None:
        await asyncio.gather(*(item.storing for item in group if item.storing is not None), return_exceptions=True)
        for item in group:
            if item.storing is not None:
                name = item.storing.result()
                item.received = Received(Hashmap(item.size, (name,)), item.received.md5)

        def run(change: Change) -> list[T | Fault | None]:
            store = self._rules.store(change)
            return [_attempt(store, item) for item in group]

        for item, made in zip(group, await self._backend.write(self._caller, run), strict=True):
            if isinstance(made, Fault):
                self.outcome.errors.append((item.target.path, made))
                continue
            self.outcome.count += 1
            if made is not None:
                self.outcome.made.append(made)


# what a member says ---------------------------------------------------------------------------------------------------

_XATTRS = ("LIBARCHIVE.xattr.user.", "SCHILY.xattr.user.")  # where both are, the second says it without encoding
_MD5 = "PITHOSFS.md5"


@dataclass(frozen=True, slots=True)
class Attributes:
    """What the records of a member say of the object: its type, its metadata as names and values of headers, its MD5.

    They are the extended attributes `user.mime_type` and `user.meta.…` as programs that pack files store them, and
    one record of our own, `PITHOSFS.md5`: the sum (hex) that the content must have.
    """

    content_type: str | None
    metadata: Sequence[tuple[str, str]]
    md5: str | None

    @classmethod
    def of(cls, member: Member) -> Attributes:
        """Raises Fault 400 for what is not text."""
        content_type, md5 = None, member.records.get(_MD5)
        metadata: dict[str, str] = {}
        for prefix in _XATTRS:
            for key, value in member.records.items():
                if not key.startswith(prefix):
                    continue
                name = key[len(prefix) :]
                if name == "mime_type":
                    content_type = value.strip()
                elif name.startswith("meta."):
                    metadata[name.removeprefix("meta.")] = value
        if content_type is not None and not (content_type.isascii() and content_type.isprintable()):
            raise bad_request("a content type has characters that are not printable ASCII")
        if metadata and not is_text("".join(metadata) + "".join(metadata.values())):
            raise bad_request("metadata is not UTF-8")
        return cls(content_type, list(metadata.items()), None if md5 is None else md5.lower())


def object_name(member: Member, below: str = "") -> str:
    """The name of the object that a member becomes below a name; "" for the folder that was packed itself.

    A leading `./` and leading slashes are no part of it. `..` is: names of objects are not paths, and `a/../b` is an
    object of that name. Bytes that are not UTF-8 are lone surrogates.
    """
    name = member.name.rstrip("/") if member.kind == "folder" else member.name
    if name == "." and member.kind == "folder":
        return ""
    name = name.removeprefix("./").lstrip("/")
    return f"{below.rstrip('/')}/{name}" if below and name else name


def quoted(path: str) -> str:
    """A path as the answer shows it: percent-encoded, and not longer than the longest that there can be."""
    return quote(path[: MAX_CONTAINER_NAME + MAX_OBJECT_NAME + 2].encode("utf-8", "surrogateescape"))


def is_text(value: str) -> bool:
    """Whether it came as UTF-8."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def guess_type(name: str) -> str:
    """The type that a name suggests."""
    return mimetypes.guess_type(name)[0] or "application/octet-stream"


def _attempt(store: Callable[[Target, Received], T | None], item: _Item) -> T | Fault | None:
    wanted = item.target.md5
    if wanted is not None and wanted != item.received.md5:
        return Fault(422, "unprocessableEntity", "the content has not the MD5 that was sent for it")
    try:
        return store(item.target, item.received)
    except Fault as fault:
        return fault


def _md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()
