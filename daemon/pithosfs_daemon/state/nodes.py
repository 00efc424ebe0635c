"""A row of the `node` table as values, and back."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from pithosfs_daemon.reconcile import UNKNOWN, Base, Item, Unknown
from pithosfs_daemon.state.schema import ABSENT, CLASH, FILE, FOLDER, IMPLIED, OTHER
from pithosfs_daemon.values import Content, Kind, Reason, Stamp, Trouble

__all__ = ["Agreed", "Node", "RemoteSeen", "pack_trouble", "parent_of", "to_node"]

_KINDS = {FILE: Kind.FILE, FOLDER: Kind.FOLDER, IMPLIED: Kind.FOLDER, CLASH: Kind.FILE}


@dataclass(frozen=True, slots=True)
class Agreed:
    """What both sides last had in common. `content` is None for folders.

    `version` None: whatever version is listed with this content is taken for it. `racy`: the local file may have
    been written to once more without getting another stamp.
    """

    kind: Kind
    content: Content | None = None
    version: str | None = None
    etag: str | None = None
    uuid: str = ""
    stamp: Stamp | None = None
    racy: bool = False


@dataclass(frozen=True, slots=True)
class RemoteSeen:
    """An object, or a folder without one (`implied`), as last listed."""

    kind: Kind
    content: Content | None = None
    version: str | None = None
    uuid: str = ""
    implied: bool = False


@dataclass(frozen=True, slots=True)
class Node:
    """Everything that is known of a name. The `…_other` sides show something that is not synced; `remote` tells of a
    file with objects below it all the same."""

    id: int
    name: str
    agreed: Agreed | None
    local_kind: Kind | None
    local_other: bool
    stamp: Stamp | None  # of the local side
    local_hash: str | None  # of the content with that stamp; None: not known
    only_ignored: bool
    remote: RemoteSeen | None
    remote_other: bool
    troubles: tuple[Trouble, ...]

    @property
    def base(self) -> Base | None:
        """For `reconcile`."""
        agreed = self.agreed
        if agreed is None:
            return None
        tag = None if agreed.stamp is None else (agreed.stamp.mode, agreed.stamp.mtime_ns)
        return Base(agreed.kind, agreed.content, tag, agreed.version)

    @property
    def is_untouched(self) -> bool:
        """Whether the local file has the stamp that was agreed on, and that proves that nobody wrote to it."""
        agreed = self.agreed
        return (
            agreed is not None
            and agreed.kind is self.local_kind is Kind.FILE
            and agreed.stamp == self.stamp
            and not agreed.racy
        )

    @property
    def is_clash(self) -> bool:
        """Whether it is a file in the cloud that has objects below it, and that we have, or had, as a file."""
        ours = self.local_kind is Kind.FILE or (self.agreed is not None and self.agreed.kind is Kind.FILE)
        return self.remote_other and self.remote is not None and ours and not self.local_other

    @property
    def local_content(self) -> Content | None:
        """The content of the local file; None when it has to be hashed first."""
        if self.stamp is None:
            return None
        if self.is_untouched and self.agreed is not None:
            return self.agreed.content
        if self.stamp.size == 0:  # all that have nothing in them are the same, and need not be opened for that
            others = (one.content for one in (self.remote, self.agreed) if one is not None)
            return next((content for content in others if content is not None and content.size == 0), None)
        return None if self.local_hash is None else Content(self.local_hash, self.stamp.size)

    @property
    def must_be_hashed(self) -> bool:
        """Whether only the hash can tell the local content from what it is to be compared with."""
        if self.local_kind is not Kind.FILE or self.stamp is None or self.local_content is not None:
            return False
        sizes = [one.content.size for one in (self.agreed, self.remote) if one is not None and one.content is not None]
        return self.stamp.size in sizes

    @property
    def local(self) -> Item | Unknown | None:
        """For `reconcile`. A content that was not hashed differs from everything that it is compared with."""
        if self.local_other:
            return UNKNOWN
        if self.local_kind is None:
            return None
        if self.local_kind is Kind.FOLDER:
            return Item(Kind.FOLDER, only_ignored=self.only_ignored)
        assert self.stamp is not None
        content = self.local_content or Content("", self.stamp.size)
        return Item(Kind.FILE, content, (self.stamp.mode, self.stamp.mtime_ns))

    @property
    def remote_item(self) -> Item | Unknown | None:
        """For `reconcile`."""
        if self.remote_other:
            return UNKNOWN
        if self.remote is None:
            return None
        agreed = self.agreed
        version = self.remote.version
        if version is None or (agreed is not None and agreed.version is None and agreed.content == self.remote.content):
            version = agreed.version if agreed is not None else None
        return Item(self.remote.kind, self.remote.content, version)


def to_node(row: sqlite3.Row) -> Node:
    """From a row with all columns."""
    stamp = None
    if row["l_kind"] in (FILE, FOLDER):
        stamp = Stamp(row["l_size"], row["l_mtime"], row["l_ctime"], row["l_inode"], row["l_mode"])
    remote = None
    if row["r_kind"] in (FILE, FOLDER, IMPLIED, CLASH):
        remote = RemoteSeen(
            _KINDS[row["r_kind"]],
            _content(row["r_hash"], row["r_size"]) if row["r_kind"] in (FILE, CLASH) else None,
            row["r_version"],
            row["r_uuid"],
            row["r_kind"] == IMPLIED,
        )
    return Node(
        id=row["id"],
        name=row["name"],
        agreed=_agreed(row),
        local_kind=_KINDS.get(row["l_kind"]),
        local_other=row["l_kind"] == OTHER,
        stamp=stamp,
        local_hash=None if row["l_hash"] is None else row["l_hash"].hex(),
        only_ignored=bool(row["l_only_ignored"]),
        remote=remote,
        remote_other=row["r_kind"] in (OTHER, CLASH),
        troubles=tuple(_troubles(row)),
    )


def _agreed(row: sqlite3.Row) -> Agreed | None:
    if row["b_kind"] == ABSENT:
        return None
    stamp = None
    if row["b_inode"] is not None:
        stamp = Stamp(row["b_size"] or 0, row["b_mtime"], row["b_ctime"], row["b_inode"], row["b_mode"])
    return Agreed(
        _KINDS[row["b_kind"]],
        _content(row["b_hash"], row["b_size"]) if row["b_kind"] == FILE else None,
        row["b_version"],
        row["b_etag"],
        row["b_uuid"],
        stamp,
        bool(row["b_racy"]),
    )


def _content(digest: bytes, size: int) -> Content:
    return Content(digest.hex(), size)


def _troubles(row: sqlite3.Row) -> list[Trouble]:
    found = []
    for column in ("l_trouble", "r_trouble", "trouble"):
        if row[column] is not None:
            reason, _, detail = row[column].partition(" ")
            found.append(Trouble(row["name"], Reason[reason], detail))
    return found


def pack_trouble(trouble: Trouble | None) -> str | None:
    """As the columns have it."""
    return None if trouble is None else f"{trouble.reason.name} {trouble.detail}".rstrip(" ")


def parent_of(name: str) -> str:
    """The name of the folder that a name is in."""
    return name.rpartition("/")[0]
