"""What goes into and comes out of the transfers between a pair's two sides."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import BinaryIO

from pithosfs.blocks import Hashmap
from pithosfs.store import ObjectInfo
from pithosfs_daemon.values import Content

__all__ = ["BlockFinder", "Hashed", "OldContent", "Received", "RemoteBase", "Sent"]

BlockFinder = Callable[[str], Iterable[tuple[Callable[[], BinaryIO], int]]]
"""From a block's hash to the places on this machine where it was last seen: how to open the file, and the offset in it.
What is read there is compared with the hash, so the places may be wrong; one that cannot be opened is passed over."""


@dataclass(frozen=True, slots=True)
class RemoteBase:
    """The object that a change was decided on. `etag` None: only a listing told of it. `content` None: a folder."""

    version: str
    etag: str | None = None
    content: Content | None = None

    @classmethod
    def of(cls, info: ObjectInfo) -> RemoteBase:
        """The present state of an object as the base of a change."""
        return cls(info.version, info.etag, None if info.is_directory else Content(info.hash, info.size))


@dataclass(frozen=True, slots=True)
class OldContent:
    """What is known of the content of a base: its blocks, and the sums of its pieces (see `hashing`)."""

    hashmap: Hashmap | None = None
    sums: bytes | None = None


@dataclass(frozen=True, slots=True)
class Hashed:
    """What a local file holds."""

    content: Content
    hashmap: Hashmap
    sums: bytes


@dataclass(frozen=True, slots=True)
class Sent:
    """What an upload has made: the object (with its ETag), and what was read of the local file for it."""

    info: ObjectInfo
    content: Content
    hashmap: Hashmap
    sums: bytes


@dataclass(frozen=True, slots=True)
class Received:
    """What a download has written: the object with its metadata, and the content as the cloud names it.

    (An object that was once cut shorter may keep a hash of more bytes than it has, object-store.md section 20, row 7:
    then `content` is still the cloud's word, by which it will be listed again.)
    """

    info: ObjectInfo
    content: Content
    hashmap: Hashmap
    sums: bytes
