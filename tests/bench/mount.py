"""How fast the mount is, beside a plain folder on the same disk.

    python tests/bench/mount.py [tree] [big] [small] [--binding fuse3|fuse2]

Everything runs on a local cloud of its own in a temporary directory, which is removed afterwards. Each line shows the
mount, the plain folder, and the ratio of the two; for the mount also the requests that it made.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PITHOSFS = [sys.executable, "-m", "pithosfs_cli.main"]


@dataclass
class Bench:
    """A private home with a running local cloud, a mount point and a plain folder."""

    home: Path
    environment: dict[str, str]

    @property
    def point(self) -> Path:
        return self.home / "Cloud"

    @property
    def plain(self) -> Path:
        return self.home / "plain"

    def pithosfs(self, *words: str) -> str:
        done = subprocess.run([*PITHOSFS, *words], env=self.environment, check=True, capture_output=True, text=True)
        return done.stdout

    def mount(self) -> None:
        self.pithosfs("mount", str(self.point))

    def unmount(self) -> None:
        self.pithosfs("umount", str(self.point))

    def cold(self) -> None:
        """Mount again with nothing remembered."""
        self.unmount()
        shutil.rmtree(self.home / "cache", ignore_errors=True)
        self.mount()

    def requests(self) -> int:
        mounts = json.loads(self.pithosfs("status", "--output", "json"))
        return sum(int(one.get("requests") or 0) for one in mounts)

    def row(self, what: str, mounted: float, plain: float, requests: int | None = None) -> None:
        asked = "" if requests is None else f"{requests:8d} requests"
        print(f"{what:38s} {mounted:8.2f} s  plain {plain:8.2f} s  ratio {mounted / plain:6.1f} {asked}", flush=True)


@contextlib.contextmanager
def bench(binding: str | None) -> Iterator[Bench]:
    home = Path(tempfile.mkdtemp(prefix="pithosfs-bench-"))
    environment = {
        **os.environ,
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / "config"),
        "XDG_CACHE_HOME": str(home / "cache"),
        "XDG_STATE_HOME": str(home / "state"),
        "XDG_DATA_HOME": str(home / "data"),
        "XDG_RUNTIME_DIR": str(home / "run"),
    }
    if binding is not None:
        environment["PITHOSFS_FUSE"] = binding
    (home / "run").mkdir(mode=0o700)
    (home / "Cloud").mkdir()
    (home / "plain").mkdir()
    made = Bench(home, environment)
    try:
        made.pithosfs("localcloud", "start")
        made.mount()
        try:
            made.pithosfs("container", "create", "bench")
            yield made
        finally:
            made.unmount()
    finally:
        made.pithosfs("localcloud", "stop")
        shutil.rmtree(home)


def timed(*command: str) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def tree(b: Bench) -> None:
    """The machine's Python standard library: copied in, sent, walked, read cold."""
    source = str(b.home / "stdlib")
    # The library alone: what pip has installed into it is anybody's guess.
    shutil.copytree(sysconfig.get_path("stdlib"), source, symlinks=True, ignore=shutil.ignore_patterns("site-packages"))
    top, other = b.point / "bench" / "tree", b.plain / "tree"
    plain = timed("cp", "-a", source, str(other))
    before = b.requests()
    copied = timed("cp", "-a", source, str(top))
    b.row("copy the standard library in", copied, plain)
    start = time.perf_counter()
    b.pithosfs("flush", str(b.point))
    sent = copied + time.perf_counter() - start
    b.row("the same, until all is on the cloud", sent, plain, b.requests() - before)
    walk = timed("find", str(other), "-printf", "%s %T@\n")
    b.row("walk it, warm", timed("find", str(top), "-printf", "%s %T@\n"), walk)
    b.cold()
    b.row("walk it, cold", timed("find", str(top), "-printf", "%s %T@\n"), walk, b.requests())
    b.cold()
    read = timed("diff", "-r", source, str(other))
    b.row("read and compare it all, cold", timed("diff", "-r", source, str(top)), read, b.requests())
    b.row("read and compare it all, warm", timed("diff", "-r", source, str(top)), read)
    b.row("remove it", timed("rm", "-r", str(top)), timed("rm", "-r", str(other)))


def big(b: Bench) -> None:
    """A gibibyte: written, read cold and warm, one byte changed."""
    content = b.home / "content"
    with content.open("wb") as out:
        for _ in range(256):
            out.write(os.urandom(4 << 20))
    there, other = b.point / "bench" / "big", b.plain / "big"
    plain = timed("cp", str(content), str(other))
    b.row("write 1 GiB", timed("cp", str(content), str(there)), plain)
    start = time.perf_counter()
    b.pithosfs("flush", str(b.point))
    print(f"{'  then until it is on the cloud':38s} {time.perf_counter() - start:8.2f} s")
    read = timed("cmp", str(content), str(other))
    b.cold()
    b.row("read and compare 1 GiB, cold", timed("cmp", str(content), str(there)), read, b.requests())
    b.row("read and compare 1 GiB, warm", timed("cmp", str(content), str(there)), read)
    start = time.perf_counter()
    with there.open("r+b") as file:
        file.seek(500_000_000)
        file.write(b"!")
    b.pithosfs("flush", str(b.point))
    print(f"{'change one byte, until on the cloud':38s} {time.perf_counter() - start:8.2f} s")


def small(b: Bench) -> None:
    """A thousand files of 4 KiB, one after the other."""
    for base, label in ((b.plain, "plain"), (b.point / "bench", "mount")):
        start = time.perf_counter()
        for number in range(1000):
            (base / f"small-{number}").write_bytes(b"x" * 4096)
        seconds = time.perf_counter() - start
        if label == "plain":
            plain = seconds
    b.row("make 1 000 files of 4 KiB", seconds, plain)
    start = time.perf_counter()
    b.pithosfs("flush", str(b.point))
    b.row("the same, until all is on the cloud", seconds + time.perf_counter() - start, plain)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", default=["small", "tree", "big"], choices=["small", "tree", "big"])
    parser.add_argument("--binding", choices=["fuse3", "fuse2"])
    asked = parser.parse_args()
    for name in asked.what:
        with bench(asked.binding) as made:
            {"small": small, "tree": tree, "big": big}[name](made)


if __name__ == "__main__":
    main()
