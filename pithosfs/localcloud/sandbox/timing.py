"""How long things take in the sandbox, and what time it is there."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from pithosfs.errors import UsageError

__all__ = ["DEFAULT_DELAY", "Timing"]

DEFAULT_DELAY = 0.5
"""Seconds: long enough that a person sees a server being built, short enough that nobody waits."""

LONGEST_DELAY = 86400
"""Seconds: a day."""


def _now() -> int:
    return time.time_ns() // 1000


@dataclass(frozen=True, slots=True)
class Timing:
    """How long what takes time takes. `delay` is the seconds of one task; `clock` tells microseconds since the epoch.

    With a delay of 0 a task is over when the next request arrives. Raises UsageError for a delay that is no length of
    time.
    """

    delay: float = DEFAULT_DELAY
    clock: Callable[[], int] = _now

    def __post_init__(self) -> None:
        if not 0 <= self.delay <= LONGEST_DELAY:
            raise UsageError(
                f"{self.delay} seconds is no delay", hint=f"the delay of the sandbox is 0 to {LONGEST_DELAY} seconds"
            )
