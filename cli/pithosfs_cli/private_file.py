"""Secrets that are to go into a file: one that was not there before, and that nobody else can read."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

__all__ = ["private_file"]


@contextmanager
def private_file(path: str | None) -> Iterator[IO[str] | None]:
    """A new file to write into, mode 0600; None when none is wanted. One into which nothing was written is removed.

    Raises FileExistsError: what may hold somebody's secrets is not overwritten.
    """
    if path is None:
        yield None
        return
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123 (a descriptor)
            yield file
    finally:
        if Path(path).stat().st_size == 0:
            Path(path).unlink()
