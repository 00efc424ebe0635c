"""What `sync.py` has measured, as tables."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

from sync_contenders import DEFAULT, PITHOSFS, TUNED_SYNC
from sync_scan import Scan

GOAL_FIRST = 1.5  # times as fast as the better of rclone's
GOAL_IDLE_SECONDS, GOAL_IDLE_REQUESTS = 1.0, 6
GOAL_EDIT_BYTES = 200_000
GOAL_RENAME_BYTES = 100_000  # the listings of 2 000 files are no content
GOAL_DELAY = 2.0
GOAL_MEMORY = 150 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Sample:
    """One pass of a contender. `cpu` are the seconds of its own process, `others` is the part of all processors that
    belonged to neither it nor the server nor the link meanwhile. `failure` says what it did not do."""

    wire: str
    scenario: str
    contender: str
    seconds: float
    requests: int
    up: int
    down: int
    methods: dict[str, int]
    cpu: float
    others: float
    failure: str | None = None

    @property
    def bytes(self) -> int:
        return self.up + self.down


@dataclass(frozen=True, slots=True)
class Middle:
    """Several samples of the same as one: their medians."""

    samples: tuple[Sample, ...]

    @property
    def failed(self) -> bool:
        return any(one.failure is not None for one in self.samples)

    def of(self, what: str) -> float:
        return median(getattr(one, what) for one in self.samples)


Results = dict[tuple[str, str, str], Middle]
"""By wire, scenario and contender."""


def middles(samples: Iterable[Sample]) -> Results:
    """What was measured several times is one."""
    groups: dict[tuple[str, str, str], list[Sample]] = {}
    for one in samples:
        groups.setdefault((one.wire, one.scenario, one.contender), []).append(one)
    return {key: Middle(tuple(some)) for key, some in groups.items()}


def better(results: Results, wire: str, scenario: str) -> tuple[str, Middle] | None:
    """The faster of rclone's two ways to sync one way, if one of them did its work."""
    found = [(name, results.get((wire, scenario, name))) for name in (DEFAULT, TUNED_SYNC)]
    there = [(name, one) for name, one in found if one is not None and not one.failed]
    return min(there, key=lambda pair: pair[1].of("seconds"), default=None)


def sample_line(one: Sample) -> str:
    """What is shown at once."""
    methods = " ".join(f"{name} {count}" for name, count in sorted(one.methods.items()))
    line = (
        f"{one.wire:7s} {one.scenario:7s} {one.contender:13s} {one.seconds:8.2f} s {one.requests:6d} requests "
        f"{one.up / 1e6:8.2f} MB up {one.down / 1e6:8.2f} MB down  "
        f"CPU {one.cpu:6.2f} s  others {100 * one.others:3.0f} %  ({methods})"
    )
    return line if one.failure is None else f"{line}\n    FAILED: {one.failure}"


def tables(results: Results) -> str:
    """The medians, a line for each scenario and contender, and how often each is that of the better rclone."""
    if not results:
        return ""
    heads = (
        f"{'wire':7s} {'pass':7s} {'contender':13s} {'seconds':>9s} {'requests':>9s} {'MB up':>9s} {'MB down':>9s} "
        f"{'CPU s':>7s} {'others':>7s} {'time':>6s} {'requests':>9s} {'bytes':>7s}  × the faster of rclone's two"
    )
    lines = [heads]
    before = None
    for (wire, scenario, name), one in results.items():
        if before not in (None, (wire, scenario)):
            lines.append("")
        before = (wire, scenario)
        shown = f"{wire:7s} {scenario:7s} {name:13s} "
        if one.failed:
            lines.append(shown + "   FAILED")
            continue
        shown += (
            f"{one.of('seconds'):9.2f} {one.of('requests'):9.0f} {one.of('up') / 1e6:9.2f} "
            f"{one.of('down') / 1e6:9.2f} {one.of('cpu'):7.2f} "
            f"{100 * one.of('others'):5.0f} % "
        )
        other = better(results, wire, scenario)
        if other is not None:
            ratios = [one.of(what) / max(other[1].of(what), 1e-9) for what in ("seconds", "requests", "bytes")]
            shown += f"{ratios[0]:6.2f} {ratios[1]:9.2f} {ratios[2]:7.3f}"
            shown += "  that" if name == other[0] else ""
        lines.append(shown)
    return "\n".join(lines)


def goals(results: Results, delays: dict[str, list[float]], scans: list[Scan]) -> str:
    """What was wanted of pithosfs, and whether it is so."""
    lines = []

    def line(what: str, shown: str, met: bool) -> None:
        lines.append(f"{'met   ' if met else 'MISSED'} {what:64s} {shown}")

    for (wire, scenario, name), one in results.items():
        if name != PITHOSFS:
            continue
        if one.failed:
            line(f"{wire}: {scenario} is done", "FAILED", False)
            continue
        seconds, requests, size = one.of("seconds"), one.of("requests"), one.of("bytes")
        other = better(results, wire, scenario)
        if scenario == "first" and other is not None:
            faster = other[1].of("seconds") / seconds
            what = f"{wire}: first sync {GOAL_FIRST} times as fast as the better rclone"
            line(what, f"{faster:.2f} times ({seconds:.2f} s)", faster >= GOAL_FIRST)
        elif scenario == "idle":
            met = seconds < GOAL_IDLE_SECONDS and requests <= GOAL_IDLE_REQUESTS
            what = f"{wire}: an idle pass in {GOAL_IDLE_REQUESTS} requests and {GOAL_IDLE_SECONDS:.0f} s at most"
            line(what, f"{requests:.0f} requests, {seconds:.2f} s", met)
        elif scenario == "edit":
            what = f"{wire}: a byte edited in less than {GOAL_EDIT_BYTES / 1e3:.0f} kB"
            line(what, f"{size / 1e3:.1f} kB", size < GOAL_EDIT_BYTES)
        elif scenario == "rename":
            what = f"{wire}: no content for a rename (less than {GOAL_RENAME_BYTES / 1e3:.0f} kB sent)"
            line(what, f"{one.of('up') / 1e3:.1f} kB up, {size / 1e3:.1f} kB in all", one.of("up") < GOAL_RENAME_BYTES)
    for wire, found in delays.items():
        what = f"{wire}: a saved file in the other folder within {GOAL_DELAY:.0f} s"
        line(what, f"median {median(found):.2f} s, worst {max(found):.2f} s", max(found) < GOAL_DELAY)
    for scan in scans:
        if scan.what.startswith(PITHOSFS):
            what = f"{scan.files} files in less than {GOAL_MEMORY / 2**20:.0f} MiB ({scan.what})"
            line(what, f"{scan.peak / 2**20:.0f} MiB", scan.peak < GOAL_MEMORY)
    return "\n".join(lines)


def scan_line(one: Scan) -> str:
    base = f", {one.base / 2**20:.0f} MiB of it before" if one.base else ""
    return f"{one.what:26s} {one.files:8d} files {one.seconds:8.2f} s   peak {one.peak / 2**20:7.1f} MiB{base}"
