"""What is to be done about a name: a pure function over what both sides last agreed on and what each shows now.

`daemon/README.md` has the whole table in the words of `Action`; a test holds the two against each other.

Rules behind the table: nothing that a person wrote is lost (a change wins over a deletion, two changes keep both);
what only one side did is carried to the other; what cannot be looked at is left alone.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from enum import StrEnum

from pithosfs_daemon.values import Content, Direction, Kind

__all__ = ["UNKNOWN", "Action", "Base", "Item", "Unknown", "reconcile"]


class Action(StrEnum):
    """What is done about a name. The values are the words of the documentation and of the log."""

    NOTHING = "nothing"  # in step
    FORGET = "forget"  # gone on both sides: what was agreed on is dropped
    JOIN = "join"  # the same on both sides already: that is noted, nothing moves
    UPLOAD = "upload"
    DOWNLOAD = "download"
    MAKE_REMOTE_FOLDER = "make remote folder"
    MAKE_LOCAL_FOLDER = "make local folder"
    DELETE_REMOTE = "delete remote"  # a folder: when nothing in it is left
    DELETE_LOCAL = "delete local"  # into the trash; a folder: when nothing in it is left
    KEEP_BOTH = "keep both"  # ours becomes a conflict copy, theirs comes under the name
    SET_LOCAL_ASIDE = "set local aside"  # a local file that is a folder in the cloud becomes a conflict copy
    SET_REMOTE_ASIDE = "set remote aside"  # a cloud file that is a folder here becomes a conflict copy
    SEND_ATTRIBUTES = "send attributes"  # mode and time only
    TAKE_ATTRIBUTES = "take attributes"
    LEAVE = "leave"  # a side cannot be looked at, or the pair does not go that way


@dataclass(frozen=True, slots=True)
class Item:
    """A file or folder as one side shows it. `content` is None for folders. `tag` stands for everything else: mode and
    time of a local file, the version of an object; two equal tags of a side mean equal attributes."""

    kind: Kind
    content: Content | None = None
    tag: Hashable = None
    only_ignored: bool = False  # a local folder that holds nothing but what is ignored


@dataclass(frozen=True, slots=True)
class Base:
    """What both sides agreed on, with the tag that each had then."""

    kind: Kind
    content: Content | None = None
    local_tag: Hashable = None
    remote_tag: Hashable = None


class Unknown:
    """A side that cannot be looked at, or that shows something that is not synced."""


UNKNOWN = Unknown()

# What a pair that goes one way does not do, and what it does instead.
_NOT_UP = frozenset(
    {
        Action.DOWNLOAD,
        Action.MAKE_LOCAL_FOLDER,
        Action.DELETE_LOCAL,
        Action.SET_LOCAL_ASIDE,
        Action.TAKE_ATTRIBUTES,
    }
)
_NOT_DOWN = frozenset(
    {
        Action.UPLOAD,
        Action.MAKE_REMOTE_FOLDER,
        Action.DELETE_REMOTE,
        Action.SET_REMOTE_ASIDE,
        Action.SEND_ATTRIBUTES,
    }
)


def reconcile(
    base: Base | None,
    local: Item | Unknown | None,
    remote: Item | Unknown | None,
    direction: Direction = Direction.BOTH,
) -> Action:
    """The action for a name; None stands for "not there"."""
    if isinstance(local, Unknown) or isinstance(remote, Unknown):
        return Action.LEAVE
    action = _both_ways(base, local, remote)
    if direction is Direction.UP:
        if action is Action.KEEP_BOTH:
            return Action.SET_REMOTE_ASIDE  # nothing changes here: theirs becomes the conflict copy
        return Action.LEAVE if action in _NOT_UP else action
    if direction is Direction.DOWN and action in _NOT_DOWN:
        return Action.LEAVE
    return action


def _both_ways(base: Base | None, local: Item | None, remote: Item | None) -> Action:
    if local is None and remote is None:
        return Action.NOTHING if base is None else Action.FORGET
    if local is None:
        return _only_remote(base, remote) if remote is not None else Action.FORGET
    if remote is None:
        return _only_local(base, local)
    if local.kind is Kind.FOLDER and remote.kind is Kind.FOLDER:
        return Action.NOTHING if base is not None and base.kind is Kind.FOLDER else Action.JOIN
    if local.kind is Kind.FILE and remote.kind is Kind.FILE:
        return _two_files(base, local, remote)
    return _file_and_folder(base, local, remote)


def _unchanged(base: Base | None, item: Item) -> bool:
    return base is not None and base.kind is item.kind and base.content == item.content


def _only_remote(base: Base | None, remote: Item) -> Action:
    """There is nothing here."""
    if _unchanged(base, remote):
        return Action.DELETE_REMOTE
    return Action.DOWNLOAD if remote.kind is Kind.FILE else Action.MAKE_LOCAL_FOLDER


def _only_local(base: Base | None, local: Item) -> Action:
    """There is nothing in the cloud."""
    if _unchanged(base, local):
        return Action.DELETE_LOCAL
    if local.kind is Kind.FILE:
        return Action.UPLOAD
    return Action.NOTHING if local.only_ignored and base is None else Action.MAKE_REMOTE_FOLDER


def _two_files(base: Base | None, local: Item, remote: Item) -> Action:
    if local.content == remote.content:
        if not _unchanged(base, local) or base is None:
            return Action.JOIN
        if remote.tag != base.remote_tag:
            return Action.TAKE_ATTRIBUTES
        return Action.SEND_ATTRIBUTES if local.tag != base.local_tag else Action.NOTHING
    if _unchanged(base, local):
        return Action.DOWNLOAD
    return Action.UPLOAD if _unchanged(base, remote) else Action.KEEP_BOTH


def _file_and_folder(base: Base | None, local: Item, remote: Item) -> Action:
    """A file on one side and a folder on the other. The side that is as it was makes room for the other."""
    if _unchanged(base, local):
        return Action.DELETE_LOCAL
    if _unchanged(base, remote):
        return Action.DELETE_REMOTE
    return Action.SET_LOCAL_ASIDE if local.kind is Kind.FILE else Action.SET_REMOTE_ASIDE
