"""What the process needs of the parts that do the work: an open pair, its passes, and what they leave.

`pithosfs_daemon.assembly` puts the real one together; the tests of the process have a small one of their own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from pithosfs.config import Cloud
from pithosfs.errors import PithosfsError
from pithosfs.store import Traffic
from pithosfs_daemon.activity import Activity
from pithosfs_daemon.eventlog import EventLog
from pithosfs_daemon.values import Dirty, Pair, Trouble

__all__ = ["Counts", "OpenPair", "Opener", "Outcome"]


class Outcome(Protocol):
    """What a pass leaves: whether both sides are in step (but for the troubles), how many actions it took, whether
    something is to be decided again at once, the names that are left alone, and the first error of a single name."""

    @property
    def in_step(self) -> bool: ...
    @property
    def changed(self) -> int: ...
    @property
    def again(self) -> bool: ...
    @property
    def troubles(self) -> Sequence[Trouble]: ...
    @property
    def error(self) -> PithosfsError | OSError | None: ...


@dataclass(frozen=True, slots=True)
class Counts:
    """What is in step on both sides (sizes in bytes), and how many conflicts nobody has resolved yet."""

    files: int
    bytes: int
    conflicts: int


class OpenPair(Protocol):
    """A pair whose folder is watched and whose state is open. One thread makes its passes; everything else may be asked
    by any."""

    @property
    def activity(self) -> Activity: ...

    @property
    def watch_problem(self) -> str | None:
        """Why local changes are not seen at once, and what to raise; None when they are."""

    def connect(self, cloud: Cloud) -> None:
        """Log in, anew when it had been done before. Raises NotLoggedIn, OtherAccount, NoConnection, …"""

    def run(self, scan: Literal["full"] | Dirty, *, max_delete: float | None, cancel: threading.Event) -> Outcome:
        """One pass; `max_delete` instead of the pair's. Ends early, with whatever error, once `cancel` is set."""

    def take(self) -> Dirty:
        """What has changed locally since the last call."""

    def quiet_since(self) -> float:
        """When the last local change came, by the clock that never goes back."""

    def has(self, name: str) -> bool:
        """Whether there is something of that name locally."""

    def counts(self) -> Counts: ...

    def traffic(self) -> Traffic: ...

    def close(self) -> None: ...


Opener = Callable[[Pair, Callable[[], None], EventLog], OpenPair]
"""Opens a pair; the function is called, from any thread, when there are local changes and were none before. Raises
FolderGone, FolderTaken, OSError, …"""
