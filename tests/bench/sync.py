"""How the sync daemon does beside rclone: `rclone sync`, the same tuned, and `rclone bisync`, over the same server.

    python tests/bench/sync.py [SCENARIO...] [--quick] [--contenders NAME,...] [--repeats COUNT] [--json FILE]

Everything runs on local clouds in a temporary directory, which is removed afterwards. Each contender has an account, a
folder and contents of its own: the same sizes, other bytes, so that nobody finds blocks that another has stored. The
passes go over a link that counts, unlimited ("direct") and with a round trip of 20 ms and 200 Mbit/s ("shaped"); the
order of the contenders changes from pass to pass. After each pass the cloud is compared with the folder by names, sizes
and hashes: FAILED is who has not done the work, and what comes after is not asked of him.

    first   everything is new: 2 000 files of 1 to 30 kB in 40 folders, and two of 100 MB
    idle    nothing has changed since
    edit    one byte in the middle of a big file
    rename  that file has another name
    delete  500 small files are gone
    delay   from a saved file until it stands in another folder, with a daemon for each
    scan    300 000 empty files are looked at: seconds, and the peak of memory

The start of a program is in the times. "others" is the part of all processors that was used by whatever else ran on the
machine meanwhile: times of a pass with much of it say little. Exit code 1: something has failed.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

import psutil

sys.path.insert(0, str(Path(__file__).parents[1]))

from fixtures.clouds import TestCloud
from sync_contenders import CONTENDERS, Contender, DidNotWork, Makers
from sync_delay import delays
from sync_report import Sample, goals, middles, sample_line, scan_line, tables
from sync_scan import Scan, make_forest, scans
from sync_tree import Shape, Tree
from wire import Wire

PASSES = {"first": Tree.leave, "idle": Tree.leave, "edit": Tree.edit, "rename": Tree.rename, "delete": Tree.delete}
SCENARIOS = (*PASSES, "delay", "scan")
WIRES = ("direct", "shaped")


def notice(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


class Bench:
    """Does what was asked for, and keeps what it found."""

    def __init__(self, asked: argparse.Namespace, root: Path) -> None:
        self.asked = asked
        self.root = root
        self.samples: list[Sample] = []
        self.delays: dict[str, list[float]] = {}
        self.scans: list[Scan] = []
        self.failures: list[str] = []
        self._seed = 1000

    @contextlib.contextmanager
    def _cloud(self, wire: str) -> Iterator[tuple[TestCloud, Wire, Makers, Path]]:
        root = Path(tempfile.mkdtemp(prefix=f"{wire}-", dir=self.root))
        cloud = TestCloud(root / "cloud")
        limits = {"round_trip": self.asked.round_trip / 1000, "rate": self.asked.rate * 1e6} if wire == "shaped" else {}
        try:
            with Wire(cloud.address, **limits) as link:
                yield cloud, link, Makers(cloud, link, root, profiles=self.asked.profile), root
        finally:
            cloud.close()
            shutil.rmtree(root)

    # passes ---------------------------------------------------------------------------------------------------------

    def passes(self, wire: str, repeat: int) -> None:
        """All passes of all contenders, each pass of all before the next: they see the machine in the same hour."""
        names = [name for name in PASSES if name in self.asked.what or name == "first"]
        shape = Shape(self.asked.files, self.asked.big, int(self.asked.size * 1e6), self.asked.deletions)
        with self._cloud(wire) as (cloud, link, makers, root):
            contenders = []
            for name in self.asked.contenders:
                self._seed += 1
                tree = Tree(root / f"tree-{name.replace(' ', '-')}", shape, self._seed)
                contenders.append(makers.make(name, tree))
            meter = Meter(link, cloud)
            for turn, scenario in enumerate(names):
                shift = (turn + repeat) % len(contenders)
                for contender in contenders[shift:] + contenders[:shift]:
                    PASSES[scenario](contender.tree)
                    sample = meter.measure(wire, scenario, contender)
                    notice(sample_line(sample))
                    self.samples.append(sample)
                    if sample.failure is not None:
                        self.failures.append(f"{wire}, {scenario}, {contender.name}: {sample.failure}")
                        contenders.remove(contender)
                if not contenders:
                    return

    # the others -----------------------------------------------------------------------------------------------------

    def delay(self, wire: str) -> None:
        with self._cloud(wire) as (cloud, _, makers, root):
            try:
                found = delays(makers, cloud.user("delay"), root / "delay", self.asked.saves)
            except DidNotWork as error:
                self.failures.append(f"{wire}, delay: {error}")
                notice(f"{wire:7s} delay   FAILED: {error}")
                return
        self.delays[wire] = found
        notice(f"{wire:7s} delay   median {median(found):.2f} s, worst {max(found):.2f} s of {len(found)}")

    def scan(self) -> None:
        root = self.root / "scan"
        root.mkdir()
        forest = self.asked.tree or root / "forest"
        started = time.perf_counter()
        make_forest(forest, self.asked.scanned)
        notice(f"scan    {self.asked.scanned} files are there after {time.perf_counter() - started:.1f} s")
        try:
            self.scans = scans(root, forest, self.asked.scanned)
        except DidNotWork as error:
            self.failures.append(f"scan: {error}")
            notice(f"scan    FAILED: {error}")
        for one in self.scans:
            notice(f"scan    {scan_line(one)}")
        shutil.rmtree(root)


class Meter:
    """Measures passes over one link to one cloud."""

    def __init__(self, link: Wire, cloud: TestCloud) -> None:
        self._link = link
        self._ours = [psutil.Process(link.pid), psutil.Process(cloud.pid)]

    def measure(self, wire: str, scenario: str, contender: Contender) -> Sample:
        os.sync()  # what others have left to write is not his
        self._link.forget()
        before = self._clock()
        failure = None
        try:
            seconds = contender.sync()
        except DidNotWork as error:
            failure = str(error)
            seconds = time.perf_counter() - before.wall
        after = self._clock()
        counts = self._link.counts()
        all_processors = (after.wall - before.wall) * (os.cpu_count() or 1)
        own = after.own - before.own
        others = after.busy - before.busy - own - (after.server - before.server)
        return Sample(
            wire, scenario, contender.name, seconds, counts.requests, counts.up, counts.down, counts.methods, own,
            max(0.0, others / all_processors), failure or contender.failure(),
        )  # fmt: skip

    def _clock(self) -> Clock:
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        ours = [process.cpu_times() for process in self._ours]
        machine = psutil.cpu_times()
        return Clock(
            time.perf_counter(),
            children.ru_utime + children.ru_stime,
            sum(one.user + one.system for one in ours),
            sum(machine) - machine.idle - machine.iowait - machine.guest - machine.guest_nice,
        )


@dataclass(frozen=True, slots=True)
class Clock:
    """Seconds of now, and of processors: what our children have used, what server and link, and what everybody."""

    wall: float
    own: float
    server: float
    busy: float


# options --------------------------------------------------------------------------------------------------------------


def chosen(text: str, known: tuple[str, ...]) -> list[str]:
    """Several of the known words, with commas between them."""
    found = text.split(",")
    if wrong := [one for one in found if one not in known]:
        raise argparse.ArgumentTypeError(f"{wrong[0]!r} is none of: {', '.join(known)}")
    return found


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", metavar="SCENARIO", help="default: all")
    parser.add_argument("--quick", action="store_true", help="a tenth of everything, to see that it runs")
    parser.add_argument(
        "--contenders", default=list(CONTENDERS), type=lambda text: chosen(text, CONTENDERS), metavar="NAME,...",
        help=f"some of: {', '.join(CONTENDERS)}",
    )  # fmt: skip
    parser.add_argument("--wires", default=list(WIRES), type=lambda text: chosen(text, WIRES), metavar="NAME,...")
    parser.add_argument("--repeats", default=1, type=int, help="of all passes; the tables show medians")
    parser.add_argument("--files", type=int, metavar="COUNT", help="small files (2000)")
    parser.add_argument("--big", default=2, type=int, metavar="COUNT", help="big files (2)")
    parser.add_argument("--size", type=float, metavar="MB", help="of a big file (100)")
    parser.add_argument("--deletions", type=int, metavar="COUNT", help="(500)")
    parser.add_argument("--saves", type=int, metavar="COUNT", help="saved files whose delay is measured (20)")
    parser.add_argument("--scanned", type=int, metavar="COUNT", help="files in the tree that is scanned (300000)")
    parser.add_argument("--tree", type=Path, metavar="FOLDER", help="make the tree to scan there, once, and keep it")
    parser.add_argument("--round-trip", default=20.0, type=float, metavar="MS", help="of the shaped link (20)")
    parser.add_argument("--rate", default=200.0, type=float, metavar="MBIT", help="of the shaped link (200)")
    parser.add_argument("--profile", type=Path, metavar="FOLDER", help="keep profiles of the passes of pithosfs there")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything there too")
    asked = parser.parse_args()
    for word in asked.what:
        if word not in SCENARIOS:
            parser.error(f"{word!r} is none of: {', '.join(SCENARIOS)}")
    asked.what = asked.what or list(SCENARIOS)
    full = {"files": 2000, "size": 100.0, "deletions": 500, "saves": 20, "scanned": 300_000}
    for name, value in full.items():
        if getattr(asked, name) is None:
            setattr(asked, name, type(value)(value / 10) if asked.quick else value)
    if asked.big < 1 or asked.deletions > asked.files or asked.repeats < 1 or asked.saves < 1:
        parser.error("at least one big file, one repeat and one save, and no more deletions than files")
    if asked.profile is not None:
        asked.profile.mkdir(parents=True, exist_ok=True)
    return asked


def main() -> int:
    asked = options()
    load = os.getloadavg()
    root = Path(tempfile.mkdtemp(prefix="pithosfs-bench-"))
    started = time.perf_counter()
    try:
        bench = Bench(asked, root)
        if any(name in PASSES for name in asked.what):
            for repeat in range(asked.repeats):
                for wire in asked.wires:
                    bench.passes(wire, repeat)
        if "delay" in asked.what:
            for wire in asked.wires:
                bench.delay(wire)
        if "scan" in asked.what:
            bench.scan()
    finally:
        shutil.rmtree(root, ignore_errors=True)
    results = middles(sorted(bench.samples, key=in_order))
    for part in (tables(results), goals(results, bench.delays, bench.scans), "\n".join(map(scan_line, bench.scans))):
        if part:
            print(part, end="\n\n")
    for failure in bench.failures:
        print(f"FAILED {failure}")
    spent, after = time.perf_counter() - started, os.getloadavg()
    print(f"{spent:.0f} s; load before {load[0]:.1f}, after {after[0]:.1f}, on {os.cpu_count()} processors")
    if asked.json is not None:
        document = {
            "passes": [asdict(one) for one in bench.samples],
            "delays": bench.delays,
            "scans": [asdict(one) for one in bench.scans],
            "failures": bench.failures,
            "load": [load, after],
        }
        asked.json.write_text(json.dumps(document, indent=2) + "\n")
    return 1 if bench.failures else 0


def in_order(one: Sample) -> tuple[int, int, int]:
    return WIRES.index(one.wire), SCENARIOS.index(one.scenario), CONTENDERS.index(one.contender)


if __name__ == "__main__":
    sys.exit(main())
