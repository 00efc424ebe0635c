"""When a pair looks again: pure arithmetic over times that are given in. Everything is in seconds."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["STEPS", "Backoff", "Pace", "Timing", "rough_time"]

STEPS = 4  # steps in which the polling slows down


@dataclass(frozen=True, slots=True)
class Timing:
    """The times that a runner keeps to.

    Local changes are carried over when nothing has changed for `quiet`, at most `latest` after the first of them, but
    what vanished only when it is quiet: it may be about to appear under another name. Remote changes are looked for at
    the pair's interval, which grows to `slowest` times itself while nothing happens for `slow_after`, and is never so
    short that looking takes more than the `share` of the time.
    """

    quiet: float = 0.3
    latest: float = 5.0
    full: float = 3600.0  # between full scans: what events have missed is found by then
    unwatched: float = 60.0  # between them where not everything can be watched
    slow_after: float = 600.0
    slowest: float = 5.0
    share: float = 0.1
    settings: float = 1.0  # between looks at the settings file
    failing: float = 30.0  # between looks at the cloud while something cannot be carried over
    progress: float = 0.25  # between the reports to somebody who waits for a pass


@dataclass(frozen=True, slots=True)
class Pace:
    """How often the cloud is asked."""

    timing: Timing
    interval: float

    def wait(self, idle: float, spent: float) -> float:
        """How long to wait after looking took `spent`, when nothing has happened for `idle`."""
        timing = self.timing
        step = min(int(idle / timing.slow_after * STEPS), STEPS) / STEPS
        slowed = self.interval * (1 + (timing.slowest - 1) * step)
        return max(slowed, spent * (1 / timing.share - 1))

    def batch(self, now: float, first: float, last: float) -> float:
        """How long until local changes are to be carried over, whose first and last came at those times."""
        return max(0.0, min(last + self.timing.quiet, first + self.timing.latest) - now)

    def is_quiet(self, now: float, last: float) -> bool:
        """Whether nothing has changed for long enough to believe in what has vanished."""
        return now - last >= self.timing.quiet


class Backoff:
    """Ever longer waits, up to a cap; `luck` (0 to 1) spreads those who failed together."""

    def __init__(self) -> None:
        self._failures = 0

    def next(self, first: float, cap: float, luck: float) -> float:
        """The wait after one more failure: between half and the whole of `first`, then twice that, and so on."""
        whole = min(cap, first * 2.0 ** min(self._failures, 32))
        self._failures += 1
        return whole * (0.5 + 0.5 * luck)

    def reset(self) -> None:
        """It has worked."""
        self._failures = 0


def rough_time(seconds: float) -> str:
    """`42 s`, `3 min`, `2 h`, `3 days`."""
    for size, unit in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 1.5 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
