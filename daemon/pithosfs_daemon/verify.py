"""Comparing both sides of a pair by content, without believing what is remembered, and without changing anything."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from pithosfs.transfer import TransferCancelled
from pithosfs_daemon.folder import Folder
from pithosfs_daemon.looking import LocalLook, RemoteLook
from pithosfs_daemon.remote import RemoteFolder, hash_local
from pithosfs_daemon.state import Node, State
from pithosfs_daemon.troubles import LocalChanged
from pithosfs_daemon.values import Kind, Trouble

__all__ = ["Difference", "Verdict", "verify"]


class Verdict(StrEnum):
    """In what way a name differs."""

    ONLY_HERE = "only here"
    ONLY_THERE = "only in the cloud"
    CONTENT = "another content"
    KIND = "a file on one side, a folder on the other"
    CHANGING = "changed while it was compared"


@dataclass(frozen=True, slots=True)
class Difference:
    """A name that is not the same on both sides; sizes in bytes, None where there is no file."""

    name: str
    verdict: Verdict
    local_size: int | None
    remote_size: int | None


def verify(
    folder: Folder,
    remote: RemoteFolder,
    *,
    cancel: threading.Event | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
    troubles: list[Trouble] | None = None,
) -> Iterator[Difference]:
    """The differences, in the order of names. Every file that is on both sides with one size is read and hashed.

    `progress` gets the bytes hashed so far and in all; `troubles` is filled with what is not compared because it is not
    synced. Memory does not grow with the tree. Raises what a pass raises.
    """
    cancel = cancel or threading.Event()
    with tempfile.TemporaryDirectory(prefix="pithosfs-verify-") as scratch:
        state = State(Path(scratch) / "verify.db")
        try:
            LocalLook(folder, state, cancel).whole()
            listing = remote.listing(None)
            assert listing is not None  # nothing was asked not to be told
            RemoteLook(folder, state, cancel).take(listing)
            if troubles is not None:
                troubles += state.troubles()
            both = "l_kind = 1 AND r_kind = 1 AND l_size = r_size"
            total = int(state.rows(f"SELECT coalesce(sum(l_size), 0) FROM node WHERE {both}")[0][0])  # noqa: S608
            done = 0
            progress(0, total)
            for page in state.pages("l_kind IN (0, 1, 2) AND r_kind IN (0, 1, 2, 3)"):
                for node in page:
                    verdict = _compared(folder, remote, node, cancel)
                    if node.must_be_hashed and node.stamp is not None:
                        done += node.stamp.size
                        progress(done, total)
                    if verdict is not None:
                        yield Difference(node.name, verdict, *_sizes(node))
        finally:
            state.close()


def _compared(folder: Folder, remote: RemoteFolder, node: Node, cancel: threading.Event) -> Verdict | None:
    there = node.remote
    if node.local_kind is None:
        return Verdict.ONLY_THERE
    if there is None:
        return None if node.only_ignored else Verdict.ONLY_HERE
    if node.local_kind is not there.kind:
        return Verdict.KIND
    if node.local_kind is Kind.FOLDER:
        return None
    if not node.must_be_hashed:  # the sizes differ
        return Verdict.CONTENT
    assert node.stamp is not None
    try:
        with folder.open(node.name, node.stamp) as stream:
            found = hash_local(stream, node.stamp.size, remote.block_size, remote.algorithm, cancel)
    except TransferCancelled:
        raise
    except (LocalChanged, FileNotFoundError):
        return Verdict.CHANGING
    return None if found.content == there.content else Verdict.CONTENT


def _sizes(node: Node) -> tuple[int | None, int | None]:
    content = None if node.remote is None else node.remote.content
    here = node.stamp.size if node.local_kind is Kind.FILE and node.stamp is not None else None
    return here, None if content is None else content.size
