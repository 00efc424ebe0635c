"""Locks on names, so that looking whether a name is free and taking it are one step.

Only operations on the same name (or on a folder that is renamed and what is below it) wait for each other; a slow
answer of the server about one name holds up nobody else. Locks are not reentrant and are taken before all others.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from pithosfs.mount.openfiles import is_at_or_below
from pithosfs.store import ObjectPath

__all__ = ["NameLocks"]


class NameLocks:
    """`with locks(path): …`; with `subtree` everything below the paths too."""

    def __init__(self) -> None:
        self._free = threading.Condition()
        self._held: list[tuple[ObjectPath, bool]] = []

    @contextmanager
    def __call__(self, *paths: ObjectPath, subtree: bool = False) -> Iterator[None]:
        wanted = [(path, subtree) for path in dict.fromkeys(paths)]
        with self._free:
            self._free.wait_for(lambda: not any(_clash(one, held) for one in wanted for held in self._held))
            self._held += wanted
        try:
            yield
        finally:
            with self._free:
                for one in wanted:
                    self._held.remove(one)
                self._free.notify_all()


def _clash(one: tuple[ObjectPath, bool], other: tuple[ObjectPath, bool]) -> bool:
    (path, subtree), (held, held_subtree) = one, other
    return path == held or (subtree and is_at_or_below(held, path)) or (held_subtree and is_at_or_below(path, held))
