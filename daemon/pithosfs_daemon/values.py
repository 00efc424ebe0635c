"""The words that all parts of the daemon share: names, contents, what each side of a pair shows, and pairs themselves.

A *name* is the path of a file or folder relative to the pair, as the cloud spells it (slashes between segments, "" for
the top). `pithosfs_daemon.folder` translates names into local ones and back; nothing else knows local spellings.

The *content* of a file is the pair (object hash, size): the hash alone leaves out trailing zeros of every block
(object-store.md section 9.1).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Literal

__all__ = ["Content", "Direction", "Dirty", "Kind", "Pair", "Reason", "Seen", "Stamp", "Trouble"]


class Kind(StrEnum):
    """What a name stands for."""

    FILE = "file"
    FOLDER = "folder"


@dataclass(frozen=True, slots=True)
class Content:
    """What is in a file: its object hash (Merkle root, lower-case hex) and its size in bytes."""

    hash: str
    size: int


@dataclass(frozen=True, slots=True)
class Stamp:
    """What `stat` says of a local file or folder. Two equal stamps of a file mean that nobody wrote to it in between,
    as far as the clock of the file system can tell (see `State.is_racy`)."""

    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int
    mode: int  # permission bits, 0o777

    def same_content(self, other: Stamp) -> bool:
        """Whether the content may be taken for unchanged although the file was renamed, which moves its ctime."""
        return (self.size, self.mtime_ns, self.inode) == (other.size, other.mtime_ns, other.inode)


@dataclass(frozen=True, slots=True)
class Seen:
    """A local file or folder that can be synced."""

    kind: Kind
    stamp: Stamp
    only_ignored: bool = False  # a folder that is not empty, but in which nothing is to be synced


class Reason(StrEnum):
    """Why a name is left alone, on both sides, until that changes. The texts are what status shows."""

    SYMLINK = "is a symbolic link"
    SPECIAL = "is not a file or folder (a socket, pipe or device)"
    UNREADABLE = "cannot be read"
    LOCAL_NAME = "has a name that cannot exist in this folder"
    REMOTE_NAME = "has a name that cannot exist in the cloud"
    COLLISION = "has the same name here as another one"
    OTHER_DISK = "is on another disk that is mounted inside the folder"
    OTHER_PAIR = "is a synced folder of its own"
    UNSETTLED = "keeps changing while it is read"
    IN_THE_WAY = "is a file in the cloud and has objects below it"
    NOT_A_FILE = "is neither a file nor a folder in the cloud (a link or a manifest)"
    ONE_WAY = "differs, and this pair goes one way only"
    FAILED = "could not be carried over"


@dataclass(frozen=True, slots=True)
class Trouble:
    """A name that is not in step and why; `detail` is one line more about it, possibly empty."""

    name: str
    reason: Reason
    detail: str = ""


class Direction(StrEnum):
    """Which way changes are carried."""

    BOTH = "both"
    UP = "up"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class Pair:
    """A local folder and the place in a cloud that it is kept in step with. What `sync add` was told.

    `cloud` is the name in the settings; `account` the id of the user whose cloud it was when the pair was made: with a
    token of somebody else the pair stops. `prefix` is a name in the container without slashes at its ends, "" for
    the whole container. `interval` is in seconds, the limits are bytes a second (None: no limit). `max_delete` is the
    part of the files, 0 to 1, that may vanish at once without asking.
    """

    id: str
    folder: Path  # absolute, links resolved
    cloud: str
    account: str
    container: str
    prefix: str = ""
    direction: Direction = Direction.BOTH
    interval: float = 1.0
    excludes: tuple[str, ...] = ()
    symlinks: Literal["skip", "follow"] = "skip"
    upload_limit: int | None = None
    download_limit: int | None = None
    max_delete: float = 0.5
    paused: bool = False
    options: dict[str, str] = field(default_factory=dict)  # room for later versions: kept as they are

    @property
    def remote(self) -> str:
        """The remote side as people write it: `/container/prefix`."""
        return f"/{self.container}/{self.prefix}" if self.prefix else f"/{self.container}"


@dataclass(frozen=True, slots=True)
class Dirty:
    """What of a folder may have changed: single names, folders with all below them, or (`full`) anything."""

    names: frozenset[str] = frozenset()
    folders: frozenset[str] = frozenset()
    full: bool = False

    def __bool__(self) -> bool:
        return bool(self.full or self.names or self.folders)

    def __or__(self, other: Dirty) -> Dirty:
        return Dirty(self.names | other.names, self.folders | other.folders, self.full or other.full)
