"""What it takes to look at hundreds of thousands of files: the daemon's engine beside rclone. Nothing is sent."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from fixtures.clouds import TestCloud
from fixtures.homes import Home
from sync_contenders import CONTAINER, LONGEST, DidNotWork, Makers, rclone_program
from sync_look import peak

IN_A_FOLDER = 100
FOLDERS_IN_A_FOLDER = 60
LOOKS = 0.01  # seconds between two looks at the memory of a process


@dataclass(frozen=True, slots=True)
class Scan:
    """`peak` is the most memory in bytes, `base` what the process had when it began (0: not known)."""

    what: str
    seconds: float
    peak: int
    base: int
    files: int


def make_forest(root: Path, count: int) -> None:
    """`count` empty files in folders of a hundred. One that was made completely is used again."""
    done = root.with_name(f"{root.name}.{count}-files")
    if done.exists():
        return
    for number in range(0, count, IN_A_FOLDER):
        index = number // IN_A_FOLDER
        folder = root / f"part {index // FOLDERS_IN_A_FOLDER:03d}" / f"folder {index:05d}"
        folder.mkdir(parents=True, exist_ok=True)
        for one in range(number, min(count, number + IN_A_FOLDER)):
            (folder / f"file number {one:06d}.txt").touch()
    done.touch()


def scans(root: Path, forest: Path, count: int) -> list[Scan]:
    """All scans of a tree with `count` files. Raises DidNotWork."""
    cloud = TestCloud(root / "cloud")
    try:
        user = cloud.user("scan")
        home = Home.make(root / "home")
        home.add_cloud(user.cloud())
        found = _looks(home, forest, root / "state.db")
        program = rclone_program()
        environ = Makers.rclone_environ(user, cloud.base, root)
        found.append(_watched("rclone lsf -R", [program, "lsf", "-R", "--files-only", str(forest)], environ))
        dry = [program, "sync", "--dry-run", "--fast-list", str(forest), f"X:{CONTAINER}"]
        found.append(_watched("rclone sync --dry-run", dry, environ))
    finally:
        cloud.close()
    for one in found:
        if one.files < count:
            raise DidNotWork(f"{one.what} has seen {one.files} files of {count}")
    return found


def _looks(home: Home, forest: Path, database: Path) -> list[Scan]:
    words = [sys.executable, str(Path(__file__).with_name("sync_look.py")), str(forest), CONTAINER, str(database)]
    try:
        done = subprocess.run(words, env=home.environ, capture_output=True, text=True, check=True, timeout=LONGEST)
    except subprocess.TimeoutExpired:
        raise DidNotWork(f"the engine's looks took longer than {LONGEST:.0f} s") from None
    except subprocess.CalledProcessError as error:
        raise DidNotWork(error.stderr[-1000:]) from None
    return [Scan(**one) for one in json.loads(done.stdout)]


def _watched(what: str, words: list[str], environ: dict[str, str]) -> Scan:
    """A program that prints a line for every file."""
    with tempfile.TemporaryFile() as out:
        started = time.perf_counter()
        process = subprocess.Popen(words, env=environ, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        most = 0
        try:
            while process.poll() is None:
                most = max(most, peak(process.pid))
                if time.perf_counter() - started > LONGEST:
                    raise DidNotWork(f"{what} took longer than {LONGEST:.0f} s")
                time.sleep(LOOKS)
        finally:
            process.kill()
            process.wait()
        seconds = time.perf_counter() - started
        out.seek(0)
        lines = sum(b"file number" in line for line in out)
    if process.returncode:
        raise DidNotWork(f"{what}: exit code {process.returncode}")
    return Scan(what, seconds, most, 0, lines)
