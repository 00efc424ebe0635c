"""Waiting for descriptors: a pipe with something in it, a process (as a pidfd) that has ended.

`select.select` knows descriptors below 1024 only, and a program that uses the library may have more of them open.
"""

from __future__ import annotations

import math
import os
import select
import time

__all__ = ["first_line", "readable"]


def readable(descriptor: int, seconds: float | None = None) -> bool:
    """Wait until a descriptor can be read from, is at its end, or, when it is a process, has ended; whether it did
    within that time. None: without limit."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(None if seconds is None else math.ceil(max(0.0, seconds) * 1000)))


def first_line(descriptor: int, seconds: float) -> bytes | None:
    """What comes through a pipe up to a newline, or its end; None when that takes longer than so many seconds."""
    deadline = time.monotonic() + seconds
    line = b""
    while not line.endswith(b"\n"):
        if not readable(descriptor, deadline - time.monotonic()):
            return None
        piece = os.read(descriptor, 65536)
        if not piece:
            break
        line += piece
    return line
