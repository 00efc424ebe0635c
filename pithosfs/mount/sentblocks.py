"""Which blocks the cloud has been given, and which are on their way: so that none is sent twice."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future

__all__ = ["SentBlocks"]

REMEMBERED = 65_536  # blocks: 256 GiB of the usual size


class SentBlocks:
    """Thread-safe; the lock is not held while a block is sent."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sent: OrderedDict[str, int] = OrderedDict()
        self._under_way: dict[str, Future[None]] = {}
        self._clock = 0

    def has(self, name: str) -> bool:
        """Whether the cloud has had the block. It may forget blocks that no object uses."""
        return name in self._sent

    def now(self) -> int:
        """A moment, for `once`."""
        with self._lock:
            self._clock += 1
            return self._clock

    def add(self, name: str) -> None:
        """The cloud has this block."""
        with self._lock:
            self._clock += 1
            self._sent[name] = self._clock
            self._sent.move_to_end(name)
            while len(self._sent) > REMEMBERED:
                self._sent.popitem(last=False)

    def once(self, name: str, put: Callable[[], None], *, since: int) -> None:
        """Have a block sent by `put`, unless that was done after the moment `since` or is being done by another.

        Raises what `put` raises, whoever calls it.
        """
        with self._lock:
            if self._sent.get(name, -1) > since:
                return
            under_way = self._under_way.get(name)
            if under_way is None:
                mine = self._under_way[name] = Future()
        if under_way is not None:
            under_way.result()
            return
        try:
            put()
        except BaseException as trouble:
            with self._lock:
                del self._under_way[name]
            mine.set_exception(trouble)
            raise
        self.add(name)
        with self._lock:
            del self._under_way[name]
        mine.set_result(None)
