"""Many transfers in one command: side by side, each failure told, and one error at the end."""

from __future__ import annotations

import contextlib
import errno
import threading
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import TypeVar

from pithosfs.errors import NoConnection, NotLoggedIn, PithosfsError, QuotaExceeded
from pithosfs_cli.errors import Failure, describe
from pithosfs_cli.output import note

__all__ = ["Batch"]

T = TypeVar("T")

# What would fail for every further one as well.
_FATAL = (NoConnection, NotLoggedIn, QuotaExceeded)
_FATAL_ERRNO = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EMFILE)


class Batch:
    """A context: leaving it raises Failure when something in it failed. `what` is the verb of the summary.

    `cancel` is set when the whole is to end early: transfers in it look at that.
    """

    def __init__(self, what: str, connections: int) -> None:
        self._what = what
        self._connections = connections
        self.cancel = threading.Event()
        self._lock = threading.Lock()
        self._failures: list[BaseException] = []
        self._attempted = 0

    @property
    def failed(self) -> int:
        """How many have failed so far."""
        with self._lock:
            return len(self._failures)

    def __enter__(self) -> Batch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None and self._failures:
            _, hint, code = describe(self._failures[0])
            count = len(self._failures)
            all_ = max(count, self._attempted)
            raise Failure(f"{count} of {all_} were not {self._what}", code, hint=hint)

    @contextlib.contextmanager
    def tolerating(self, name: str, *, counted: bool = True) -> Iterator[None]:
        """An error inside is told and counted, unless it would befall all the others as well: that is raised.

        `counted` False: what is done is only a part of something that is counted elsewhere.
        """
        with self._lock:
            self._attempted += counted
        try:
            yield
        except (PithosfsError, OSError) as error:
            if _befalls_all(error):
                raise
            note(f"{name}: {describe(error)[0]}")
            with self._lock:
                self._failures.append(error)

    def run(
        self, items: Iterable[T], name: Callable[[T], str], work: Callable[[T], None], *, counted: bool = True
    ) -> None:
        """Do the work for all items, several at a time, each tolerated. An interrupt ends the running ones too."""
        from concurrent.futures import ThreadPoolExecutor

        source = iter(items)
        drawing = threading.Lock()

        def worker() -> None:
            try:
                while not self.cancel.is_set():
                    with drawing:
                        try:
                            item = next(source)
                        except StopIteration:
                            return
                    with self.tolerating(name(item), counted=counted):
                        work(item)
            except BaseException:
                self.cancel.set()
                raise

        with ThreadPoolExecutor(self._connections, thread_name_prefix="file") as pool:
            try:
                for running in [pool.submit(worker) for _ in range(self._connections)]:
                    running.result()
            except BaseException:
                self.cancel.set()
                raise


def _befalls_all(error: PithosfsError | OSError) -> bool:
    from pithosfs.transfer import TransferCancelled  # not at the start: it brings the thread pools

    if isinstance(error, OSError):
        return error.errno in _FATAL_ERRNO
    return isinstance(error, (*_FATAL, TransferCancelled))
