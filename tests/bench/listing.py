"""How long a listing takes as a container grows, beside rclone and beside the bare requests.

    python tests/bench/listing.py [COUNT...]        (default: 1000 5000 20000)

Everything runs on a local cloud of its own in a temporary directory, which is removed afterwards. Each number is the
best of three. `first row` is when `pithosfs file list -r` shows something, `table`, `json` and `value` are when it has
shown everything; `raw` is the same pages fetched with nothing done to them. The start of a Python interpreter is in the
times of pithosfs; the last line shows what it is.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import requests

sys.path.insert(0, str(Path(__file__).parents[1]))

from fixtures.clouds import TestCloud
from fixtures.crowd import PAGE, Crowd, make_crowd
from fixtures.homes import Home

PROGRAM = [sys.executable, "-m", "pithosfs_cli.main"]


def best(measure: Callable[[], float], times: int = 3) -> float:
    return min(measure() for _ in range(times))


def listing(home: Home, crowd: Crowd, *options: str) -> tuple[float, float]:
    """Seconds until the first line, and until the end."""
    started = time.perf_counter()
    words = [*PROGRAM, "file", "list", "-r", f"/{crowd.container}", *options]
    with subprocess.Popen(words, env=home.environ, stdout=subprocess.PIPE) as run:
        assert run.stdout is not None
        run.stdout.readline()
        first = time.perf_counter() - started
        lines = 1 + run.stdout.read().count(b"\n")
        assert run.wait() == 0
    assert lines >= crowd.count, lines
    return first, time.perf_counter() - started


def rclone(program: str, environ: dict[str, str], crowd: Crowd) -> float:
    started = time.perf_counter()
    done = subprocess.run([program, "lsl", f"X:{crowd.container}"], env=environ, check=True, capture_output=True)
    assert done.stdout
    return time.perf_counter() - started


def raw(crowd: Crowd) -> float:
    started = time.perf_counter()
    count, marker = 0, ""
    with requests.Session() as session:
        session.headers["X-Auth-Token"] = crowd.user.token
        while True:
            params = {"format": "json", "marker": marker}
            page = session.get(f"{crowd.user.storage_url}/{crowd.container}", params=params, timeout=60).json()
            count += len(page)
            if len(page) < PAGE:
                break
            marker = page[-1]["name"]
    assert count == crowd.count
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("counts", nargs="*", type=int, default=[1000, 5000, 20000])
    counts = parser.parse_args().counts
    folder = Path(tempfile.mkdtemp(prefix="pithosfs-bench-"))
    cloud = TestCloud(folder / "cloud")
    try:
        user = cloud.user("bench")
        home = Home.make(folder / "home")
        home.add_cloud(user.cloud())
        beside = Path(sys.executable).with_name("rclone")
        program = str(beside) if beside.exists() else shutil.which("rclone")
        environ = {
            **os.environ,
            "RCLONE_CONFIG": str(folder / "rclone.conf"),
            "RCLONE_CONFIG_X_TYPE": "swift",
            "RCLONE_CONFIG_X_USER": user.name,
            "RCLONE_CONFIG_X_KEY": user.token,
            "RCLONE_CONFIG_X_AUTH": f"{cloud.base}/auth/v1.0",
        }
        heads = ("objects", "first row", "table", "json", "value", "raw", "rclone lsl", "table/raw", "table/rclone")
        print("".join(f"{one:>13}" for one in heads))
        for count in counts:
            crowd = make_crowd(user, f"c{count}", count)
            table = best(lambda crowd=crowd: listing(home, crowd)[1])  # type: ignore[misc]
            first = best(lambda crowd=crowd: listing(home, crowd)[0])  # type: ignore[misc]
            as_json = best(lambda crowd=crowd: listing(home, crowd, "-j")[1])  # type: ignore[misc]
            value = best(lambda crowd=crowd: listing(home, crowd, "--output", "value")[1])  # type: ignore[misc]
            bare = best(lambda crowd=crowd: raw(crowd))  # type: ignore[misc]
            there = best(lambda crowd=crowd: rclone(program, environ, crowd)) if program else None  # type: ignore[misc]
            seconds = [first, table, as_json, value, bare, there]
            shown = "".join(f"{'-' if one is None else f'{one:.2f} s':>13}" for one in seconds)
            ratios = [table / bare, None if there is None else table / there]
            print(
                f"{crowd.count:>13}{shown}" + "".join(f"{'-' if one is None else f'{one:.1f}':>13}" for one in ratios)
            )
        started = time.perf_counter()
        subprocess.run([*PROGRAM, "--version"], check=True, stdout=subprocess.DEVNULL)
        print(f"starting the program: {time.perf_counter() - started:.2f} s")
    finally:
        cloud.close()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
