"""Blocks that are done with go back to the system at once."""

from __future__ import annotations

import ctypes

__all__ = ["give_blocks_back"]

_M_MMAP_THRESHOLD = -3  # malloc.h
_LARGE = 1024 * 1024


def give_blocks_back() -> bool:
    """Make glibc's malloc map what is larger than a mebibyte by itself, for the whole process; call it at the start.

    By itself it learns from the first block that is freed to keep such ones, for each thread that had some: a daemon
    with a few transfers then takes up twice the memory. False where there is another malloc.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    return bool(mallopt(_M_MMAP_THRESHOLD, _LARGE))
