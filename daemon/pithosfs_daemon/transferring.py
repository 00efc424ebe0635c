"""Bringing contents from one side to the other, one file at a time or many small ones together."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from typing import BinaryIO

from pithosfs.blocks import Hashmap
from pithosfs.errors import PithosfsError
from pithosfs.mount.attributes import Attributes, from_meta
from pithosfs.store import ObjectInfo
from pithosfs_daemon.acting import Actor, size_of
from pithosfs_daemon.folder import Part, Put
from pithosfs_daemon.reconcile import Action
from pithosfs_daemon.remote import LocalFile, NewFile, OldContent, Received, Sent
from pithosfs_daemon.state import Agreed, Node
from pithosfs_daemon.values import Content, Kind, Reason, Trouble

__all__ = ["download", "download_batch", "upload", "upload_batch"]


# up -------------------------------------------------------------------------------------------------------------------


def upload(actor: Actor, node: Node) -> None:
    """Make the object of a local file, or its next version."""
    stamp = node.stamp
    assert stamp is not None
    if stamp.size >= actor.too_large_there:
        actor.state.left(node.name, Trouble(node.name, Reason.FAILED, "the quota is used up"))
        return
    base = old = None
    if node.remote is not None and node.remote.content is not None:
        base = actor.base_of(node)
        if node.agreed is not None and node.agreed.content == node.remote.content:
            old = _old_content(actor, node.name, node.remote.content)
    read_at = time.time_ns()
    with (
        actor.folder.open(node.name, stamp) as stream,
        actor.activity.transfer(node.name, "up", stamp.size) as meter,
    ):
        had_writers = actor.folder.is_open_for_writing(stream)
        sent = actor.remote.send(
            node.name,
            stream,
            stamp.size,
            base=base,
            attributes=Attributes(mode=stamp.mode, mtime_ns=stamp.mtime_ns),
            old=old,
            meter=meter.at,
            cancel=actor.cancel,
        )
    _uploaded(actor, node, sent, had_writers or actor.is_racy(stamp, read_at))


def upload_batch(actor: Actor, nodes: Sequence[Node]) -> None:
    """Upload several small new files in one request. Raises nothing."""
    actor.remote.give_way()
    read: list[_SmallFile] = []
    for node in nodes:
        with actor.sorting(node, Action.UPLOAD):
            read.append(_read(actor, node))
    files = [one.file for one in read]
    answers = actor.each(len(read), lambda: actor.remote.send_batch(files, cancel=actor.cancel))
    with actor.noting():
        for one, answer in zip(read, answers, strict=True):
            with actor.sorting(one.node, Action.UPLOAD):
                if isinstance(answer, PithosfsError):
                    raise answer
                _uploaded(actor, one.node, answer, one.is_racy)
    for node in nodes:
        actor.activity.did(1, size_of(node, Action.UPLOAD))


@dataclass(frozen=True, slots=True)
class _SmallFile:
    """One that was read; `is_racy`: it may be written to again without getting another stamp."""

    node: Node
    file: NewFile
    is_racy: bool


def _read(actor: Actor, node: Node) -> _SmallFile:
    stamp = node.stamp
    assert stamp is not None
    read_at = time.time_ns()
    with actor.folder.open(node.name, stamp) as stream:
        had_writers = actor.folder.is_open_for_writing(stream)
        file = LocalFile(stream, stamp.size)
        data = file.read(0, stamp.size)
        file.check()
    new = NewFile(node.name, data, Attributes(mode=stamp.mode, mtime_ns=stamp.mtime_ns))
    return _SmallFile(node, new, had_writers or actor.is_racy(stamp, read_at))


def _uploaded(actor: Actor, node: Node, sent: Sent, is_racy: bool) -> None:
    stamp, info = node.stamp, sent.info
    assert stamp is not None
    agreed = Agreed(Kind.FILE, sent.content, info.version, info.etag, info.uuid, stamp, is_racy)
    actor.state.agree(node.name, agreed, blocks=sent.hashmap.hashes, sums=sent.sums)
    actor.has_settled(node.name)
    actor.event("upload", node.name, f"{stamp.size} bytes")


def _old_content(actor: Actor, name: str, content: Content) -> OldContent:
    blocks, sums = actor.state.old_content(name)
    size, algorithm = actor.remote.block_size, actor.remote.algorithm
    if not blocks and 0 < content.size <= size:
        blocks = [content.hash]
    try:
        hashmap = Hashmap(content.size, tuple(blocks), size, algorithm)
    except ValueError:  # it was joined, not transferred: its blocks are not known
        hashmap = None
    return OldContent(hashmap, sums or None)


# down -----------------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Arrival:
    """A download on its way to its place."""

    node: Node
    part: Part
    received: Received
    put: Put | None = None


def download(actor: Actor, node: Node) -> None:
    """Bring an object here, in place of the local file as it was seen."""
    with ExitStack() as parts:
        arrival = _receive(actor, node, parts)
        if arrival is not None:
            _place(actor, arrival, durable=True)
            _downloaded(actor, arrival)


def download_batch(actor: Actor, nodes: Sequence[Node]) -> None:
    """Bring several small objects here, which are made to outlive a loss of power all at once. Raises nothing."""
    arrivals: list[_Arrival] = []
    with ExitStack() as parts:
        for node in nodes:
            with actor.sorting(node, Action.DOWNLOAD):
                arrival = _receive(actor, node, parts)
                if arrival is not None:
                    arrivals.append(arrival)
        _flush(actor, arrivals, *(one.part for one in arrivals))
        for one in arrivals:
            with actor.sorting(one.node, Action.DOWNLOAD):
                _place(actor, one, durable=False)
        placed = [one for one in arrivals if one.put is not None]
        _flush(actor, placed)
        for one in placed:
            with actor.sorting(one.node, Action.DOWNLOAD):
                _downloaded(actor, one)
    for node in nodes:
        actor.activity.did(1, size_of(node, Action.DOWNLOAD))


def _flush(actor: Actor, arrivals: list[_Arrival], *parts: Part) -> None:
    """Without it none of them is there for good: they are looked at, and received, again."""
    try:
        actor.folder.flush(*parts)
    except OSError as error:
        for one in arrivals:
            actor.local_trouble(one.node.name, error)
        arrivals.clear()


def _receive(actor: Actor, node: Node, parts: ExitStack) -> _Arrival | None:
    """Into a file that nobody sees yet; None when it may not come."""
    remote = node.remote
    assert remote is not None
    assert remote.content is not None
    if remote.content.size >= actor.too_large_here:
        actor.state.left(node.name, Trouble(node.name, Reason.FAILED, "no space left on this disk"))
        return None
    if actor.may_not_be(node.name):
        return None
    actor.make_parents(node.name)
    content = remote.content
    info = ObjectInfo(node.name, content.size, "", content.hash, remote.version or "", 0, uuid=remote.uuid)
    if remote.version is None:
        info = replace(info, version=actor.base_of(node).version)
    part = parts.enter_context(actor.folder.part())
    with actor.activity.transfer(node.name, "down", content.size) as meter:
        received = actor.remote.receive(
            node.name, info, part.stream, find=partial(_find, actor), meter=meter.at, cancel=actor.cancel
        )
    return _Arrival(node, part, received)


def _find(actor: Actor, block: str) -> list[tuple[Callable[[], BinaryIO], int]]:
    size = actor.remote.block_size
    return [
        (partial(actor.folder.open, place.name, place.stamp), place.position * size)
        for place in actor.state.places(block)
    ]


def _place(actor: Actor, arrival: _Arrival, *, durable: bool) -> None:
    node = arrival.node
    attributes = from_meta(arrival.received.info.meta or {})
    arrival.put = actor.folder.put(
        arrival.part,
        node.name,
        node.stamp,
        mode=attributes.mode,
        mtime_ns=attributes.mtime_ns,
        conflict=actor.conflict_copy(node.name),
        durable=durable,
    )


def _downloaded(actor: Actor, arrival: _Arrival) -> None:
    node, put, received = arrival.node, arrival.put, arrival.received
    assert put is not None
    if put.conflict_copy is not None:
        actor.conflicted(node.name, put.conflict_copy)
    info, stamp = received.info, put.stamp
    uuid = info.uuid or (node.remote.uuid if node.remote is not None else "")
    racy = actor.is_racy(stamp, time.time_ns())
    agreed = Agreed(Kind.FILE, received.content, info.version, info.etag, uuid, stamp, racy)
    actor.state.agree(node.name, agreed, blocks=received.hashmap.hashes, sums=received.sums)
    actor.has_settled(node.name)
    actor.event("download", node.name, f"{info.size} bytes")
