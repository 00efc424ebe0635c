"""Several things on one command line: one alone fails with its own error, of many each failure is told."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TypeVar

__all__ = ["one_by_one"]

T = TypeVar("T")


def one_by_one(done: str, items: Collection[T], work: Callable[[T], None]) -> None:
    """Do the work for each, named by its text. `done` is the participle for the summary. Raises the error of a single
    one, or Failure at the end when some of several failed."""
    from pithosfs_cli.batch import Batch

    if len(items) == 1:
        for item in items:
            work(item)
        return
    with Batch(done, 1) as batch:
        for item in items:
            with batch.tolerating(str(item)):
                work(item)
