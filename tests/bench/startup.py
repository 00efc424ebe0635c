"""How long commands take to start, beside a Python that imports what any such program would.

    python tests/bench/startup.py [--rounds N]

`python -c "import requests, click"` is 1; all runs are interleaved, and each is the median of its rounds. `server list`
and `quota list` ask a local cloud with nothing in it, so their requests are in it; the time that these take in a
process that is warm is shown apart.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from fixtures.clouds import TestCloud
from fixtures.homes import Home
from fixtures.invoker import Invoker

PROGRAM = [sys.executable, "-m", "pithosfs_cli.main"]
YARDSTICK = 'python -c "import requests, click"'
LINES = {
    "python -c pass": [sys.executable, "-c", "pass"],
    YARDSTICK: [sys.executable, "-c", "import requests, click"],
    "pithosfs --help": [*PROGRAM, "--help"],
    "pithosfs quota list --help": [*PROGRAM, "quota", "list", "--help"],
    "pithosfs server list": [*PROGRAM, "server", "list"],
    "pithosfs quota list": [*PROGRAM, "quota", "list"],
}


def measure(environ: dict[str, str], rounds: int) -> dict[str, float]:
    """Seconds from the start of the process to its end, by line."""
    taken: dict[str, list[float]] = {name: [] for name in LINES}
    for number in range(rounds + 1):
        for name, command in LINES.items():
            started = time.perf_counter()
            subprocess.run(command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
            if number:  # the first round fills the caches
                taken[name].append(time.perf_counter() - started)
    return {name: statistics.median(one) for name, one in taken.items()}


def warm(program: Invoker, *arguments: str) -> float:
    """Seconds of a run in this process, once everything is imported."""
    program.ok(*arguments)
    taken = []
    for _ in range(5):
        started = time.perf_counter()
        program.ok(*arguments)
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    root = Path(tempfile.mkdtemp(prefix="pithosfs-bench-"))
    cloud = TestCloud(root / "cloud")
    try:
        home = Home.make(root / "home")
        home.add_cloud(cloud.user().cloud())
        found = measure({**os.environ, **home.environ}, rounds)
        program = Invoker(home, root)
        requests = {f"pithosfs {group} list": warm(program, group, "list") for group in ("server", "quota")}
    finally:
        cloud.close()
        shutil.rmtree(root)
    print(f"{'':38}{'ms':>8}{'ratio':>8}{'  of it, warm':>14}")
    for name, seconds in found.items():
        inner = f"{requests[name] * 1000:14.0f}" if name in requests else ""
        print(f"{name:38}{seconds * 1000:8.0f}{seconds / found[YARDSTICK]:8.2f}{inner}")


if __name__ == "__main__":
    main()
