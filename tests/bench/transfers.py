"""How fast content goes to the cloud and back, beside `cp` and beside rclone over the Swift API of the same server.

    python tests/bench/transfers.py [big] [small] [--size MIB] [--files COUNT]    (default: both, 1024 MiB, 1000 files)

Everything runs on a local cloud of its own in a temporary directory, which is removed afterwards. The ratio is to `cp`
with a `sync` of what it has written, because the server answers an upload when it is on the disk. Every way uploads
content that nobody has sent before. The start of the program is in the times of pithosfs and rclone; the small files of
the library go one after the other, as in a program's simple loop.
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
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from fixtures.clouds import TestCloud, User
from fixtures.homes import Home

from pithosfs.clients.pithos import PithosClient

PROGRAM = [sys.executable, "-m", "pithosfs_cli.main"]
MIB = 1024 * 1024
SMALL = 3000  # bytes


@dataclass(frozen=True, slots=True)
class Bench:
    """Where everything is, and the account."""

    root: Path
    home: Home
    user: User
    environ: dict[str, str]
    rclone_program: str | None

    def pithosfs(self, *words: str | Path) -> None:
        subprocess.run([*PROGRAM, *map(str, words)], env=self.environ, check=True, capture_output=True)

    def rclone(self, *words: str | Path) -> None:
        assert self.rclone_program is not None
        subprocess.run([self.rclone_program, *map(str, words)], env=self.environ, check=True, capture_output=True)

    def client(self) -> PithosClient:
        return PithosClient(self.user.storage_url.rpartition("/")[0], self.user.token, self.user.uuid, "pithos")


def timed(work: Callable[[], object]) -> float:
    os.sync()  # what others have left to write is not ours
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def row(what: str, seconds: float, plain: float, amount: float, unit: str) -> None:
    print(f"{what:34s} {seconds:8.2f} s {amount / seconds:9.1f} {unit}/s   {seconds / plain:6.1f} × cp", flush=True)


def copied(source: Path, target: Path) -> None:
    subprocess.run(["cp", "-r", str(source), str(target)], check=True)
    subprocess.run(["sync", "-f", str(target)], check=True)


def big_file(path: Path, mebibytes: int) -> Path:
    """Blocks that differ from each other, and from those of every other call."""
    filling = os.urandom(4 * MIB - 8)
    with path.open("wb", buffering=0) as out:
        for number in range(mebibytes // 4):
            out.write(number.to_bytes(8, "big"))
            out.write(filling)
    return path


def big(bench: Bench, mebibytes: int) -> None:
    source, target = bench.root / "source", bench.root / "target"

    def both(label: str, up: Callable[[Path], object], down: Callable[[Path], object]) -> None:
        size = big_file(source, mebibytes).stat().st_size
        row(f"{label} up", timed(lambda: up(source)), up_plain, mebibytes, "MiB")
        row(f"{label} down", timed(lambda: down(target)), down_plain, mebibytes, "MiB")
        assert target.stat().st_size == size
        assert subprocess.run(["cmp", str(source), str(target)], check=False).returncode == 0
        source.unlink()
        target.unlink()

    big_file(source, mebibytes)
    up_plain = down_plain = timed(lambda: copied(source, target))
    row("cp", up_plain, up_plain, mebibytes, "MiB")
    with bench.client() as client:

        def upload(path: Path) -> None:
            with path.open("rb") as file:
                client.upload_object("library", file)

        def download(path: Path) -> None:
            with path.open("wb") as file:
                client.download_object("library", file)

        both("PithosClient", upload, download)
    both(
        "pithosfs file",
        lambda path: bench.pithosfs("file", "upload", path, "/pithos/command"),
        lambda path: bench.pithosfs("file", "download", "/pithos/command", path),
    )
    if bench.rclone_program is not None:
        both(
            "rclone copyto",
            lambda path: bench.rclone("copyto", path, "X:pithos/rclone"),
            lambda path: bench.rclone("copyto", "X:pithos/rclone", path),
        )


def small_files(folder: Path, count: int) -> Path:
    folder.mkdir()
    for number in range(count):
        (folder / f"{number:05d}").write_bytes(os.urandom(SMALL))
    return folder


def small(bench: Bench, count: int) -> None:
    source, target = bench.root / "folder", bench.root / "back"

    def both(label: str, up: Callable[[Path], object], down: Callable[[Path], object]) -> None:
        small_files(source, count)
        row(f"{label} up", timed(lambda: up(source)), plain, count, "files")
        row(f"{label} down", timed(lambda: down(target)), plain, count, "files")
        found = {path.name: path.read_bytes() for path in target.rglob("*") if path.is_file()}
        assert found == {path.name: path.read_bytes() for path in source.iterdir()}
        shutil.rmtree(source)
        shutil.rmtree(target)

    small_files(source, count)
    plain = timed(lambda: copied(source, target))
    row("cp -r", plain, plain, count, "files")
    shutil.rmtree(source)
    shutil.rmtree(target)
    with bench.client() as client:
        cache: dict[str, dict[str, str]] = {}

        def upload(folder: Path) -> None:
            for path in folder.iterdir():
                with path.open("rb") as file:
                    client.upload_object(f"library/{path.name}", file, container_info_cache=cache)  # type: ignore[arg-type]

        def download(folder: Path) -> None:
            folder.mkdir()
            for entry in client.list_objects(prefix="library/"):
                with (folder / entry["name"].rpartition("/")[2]).open("wb") as file:
                    client.download_object(entry["name"], file)

        both("PithosClient, one by one", upload, download)
    both(
        "pithosfs file -r",
        lambda folder: bench.pithosfs("file", "upload", "-r", folder, "/pithos/command-tree"),
        lambda folder: bench.pithosfs("file", "download", "-r", "/pithos/command-tree", folder),
    )
    if bench.rclone_program is not None:
        both(
            "rclone copy (16 at a time)",
            lambda folder: bench.rclone("copy", folder, "X:pithos/rclone-tree"),
            lambda folder: bench.rclone("copy", "X:pithos/rclone-tree", folder),
        )


def main() -> None:
    parser = argparse.ArgumentParser(description="How fast content goes to the cloud and back.")
    parser.add_argument("what", nargs="*", choices=["big", "small", []], help="default: both")
    parser.add_argument("--size", type=int, default=1024, metavar="MIB")
    parser.add_argument("--files", type=int, default=1000, metavar="COUNT")
    args = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="pithosfs-bench-"))
    cloud = TestCloud(root / "cloud")
    try:
        user, home = cloud.user("bench"), Home.make(root / "home")
        home.add_cloud(user.cloud())
        beside = Path(sys.executable).with_name("rclone")
        swift = {"TYPE": "swift", "USER": user.name, "KEY": user.token, "AUTH": f"{cloud.base}/auth/v1.0"}
        environ = {
            **home.environ,
            **{f"RCLONE_CONFIG_X_{key}": value for key, value in swift.items()},
            "RCLONE_CONFIG": str(root / "rclone.conf"),
            "RCLONE_TRANSFERS": "16",
            "RCLONE_CHECKERS": "16",
        }
        program = str(beside) if beside.exists() else shutil.which("rclone")
        bench = Bench(root, home, user, environ, program)
        if "big" in args.what or not args.what:
            big(bench, args.size)
        if "small" in args.what or not args.what:
            small(bench, args.files)
    finally:
        cloud.close()
        shutil.rmtree(root)


if __name__ == "__main__":
    main()
