"""Carrying out what was decided: several actions at once, small ones together."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial

from pithosfs_daemon.acting import Actor, size_of
from pithosfs_daemon.actions import attempt, make_remote_folders
from pithosfs_daemon.reconcile import Action
from pithosfs_daemon.state import Node
from pithosfs_daemon.transferring import download_batch, upload_batch

__all__ = ["SMALL", "carry_out"]

WORKERS = 16  # small files are latency: with 20 ms round trips these keep some 600 requests a second under way
# Small files go together: new ones, as new folders, to the cloud in one request, where it takes that, which costs as
# much as some ten of them; to this disk in one flush, which costs as much as one. Larger batches gain nothing, and what
# is in them is in memory, or open.
SMALL = 64 * 1024
UPLOADS = 100
DOWNLOADS = 16
BATCH_BYTES = 1024 * 1024
WORTH_IT = 3
QUEUE = 64  # decided actions that wait for a worker: rows in memory


def carry_out(actor: Actor, decided: Iterable[tuple[Node, Action]]) -> None:
    """Do what was decided; returns when all of it is done, or has failed. Raises only what `decided` does.

    Folders here are made in order, before what is in them; everything else by several workers.
    """
    room = threading.Semaphore(QUEUE)

    def work(do: Callable[[], None]) -> None:
        try:
            do()
        finally:
            room.release()

    with ThreadPoolExecutor(WORKERS, thread_name_prefix="sync") as pool:

        def submit(do: Callable[[], None]) -> Future[None]:
            room.acquire()
            return pool.submit(work, do)

        making: list[Future[None]] = []  # folders in the cloud
        folders = _Batch(
            actor, Action.MAKE_REMOTE_FOLDER, make_remote_folders, UPLOADS, lambda do: making.append(submit(do))
        )

        def submit_small_upload(do: Callable[[], None]) -> None:
            """After the folders that they are in: others would not see their ids, and not know them when they are
            renamed. (Those have their workers already, or are before us in the queue.)"""
            folders.send()
            making[:] = before = [one for one in making if not one.done()]

            def then() -> None:
                wait(before)
                do()

            submit(then)

        batches = {
            Action.MAKE_REMOTE_FOLDER: folders,
            Action.UPLOAD: _Batch(actor, Action.UPLOAD, upload_batch, UPLOADS, submit_small_upload),
            Action.DOWNLOAD: _Batch(actor, Action.DOWNLOAD, download_batch, DOWNLOADS, submit),
        }
        for node, action in decided:
            size = size_of(node, action)
            actor.activity.plan(1, size)
            if action is Action.MAKE_LOCAL_FOLDER:
                attempt(actor, node, action)
            elif size <= SMALL and _goes_with_others(actor, node, action):
                batches[action].add(node, size)
            else:
                if action is Action.UPLOAD:
                    folders.send()
                submit(partial(attempt, actor, node, action))
        for batch in batches.values():
            batch.send()


def _goes_with_others(actor: Actor, node: Node, action: Action) -> bool:
    if action in (Action.UPLOAD, Action.MAKE_REMOTE_FOLDER):
        return node.remote is None and actor.remote.takes_batches
    return action is Action.DOWNLOAD


class _Batch:
    """Small files that are transferred, or folders that are made, together."""

    def __init__(
        self,
        actor: Actor,
        action: Action,
        together: Callable[[Actor, Sequence[Node]], None],
        most: int,
        submit: Callable[[Callable[[], None]], object],
    ) -> None:
        self._actor = actor
        self._action = action
        self._together = together
        self._most = most
        self._submit = submit
        self._nodes: list[Node] = []
        self._size = 0

    def add(self, node: Node, size: int) -> None:
        """One more; a batch that is full is sent."""
        self._nodes.append(node)
        self._size += size
        if len(self._nodes) == self._most or self._size > BATCH_BYTES:
            self.send()

    def send(self) -> None:
        """What is there goes now."""
        nodes, self._nodes, self._size = self._nodes, [], 0
        if len(nodes) >= WORTH_IT:
            self._submit(partial(self._together, self._actor, tuple(nodes)))
            return
        for one in nodes:
            self._submit(partial(attempt, self._actor, one, self._action))
