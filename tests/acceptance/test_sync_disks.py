"""Disks under synced folders while the daemons run: unmounted, full; and folders that are emptied."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fixtures.sync_homes import SyncHomes, entries

MIB = 2**20


def run(*command: str | Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@contextlib.contextmanager
def disk(point: Path, size: str = "16m") -> Iterator[Path]:
    """A small disk, mounted there; gone at the end, wherever it is mounted by then."""
    point.mkdir(parents=True, exist_ok=True)
    run("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", point)
    try:
        yield point
    finally:
        while os.path.ismount(point):
            run("umount", "--lazy", point)


def unmount(point: Path) -> int:
    """As its user does it: when a pass is just looking, once more. How often it took."""
    for attempt in range(1, 6):
        done = subprocess.run(["umount", point], capture_output=True, text=True)
        if done.returncode == 0:
            return attempt
    raise AssertionError(done.stderr)


@pytest.mark.mount
def test_a_disk_that_is_unmounted_and_mounted_again(sync_homes: Callable[..., SyncHomes], tmp_path: Path) -> None:
    with disk(tmp_path / "m0" / "Work") as point, disk(tmp_path / "spare") as spare:
        homes = sync_homes()
        here, there = homes.folders
        assert here == point
        (here / "d" / "e").mkdir(parents=True)
        for number in range(20):
            (here / "d" / "e" / f"file-{number}").write_text(f"{number}")
        homes.start()
        homes.equal()
        run("cp", "-a", f"{here}/.", spare)
        assert unmount(here) < 5
        assert os.listdir(here) == []
        status = homes.await_needs_you(0, "marker is missing")
        assert "mount its disk" in status.situation.todo
        # The other one goes on, and nothing is missing there.
        (there / "new").write_text("from the other side")
        (there / "d" / "e" / "file-3").write_text("changed on the other side")
        (there / "d" / "e" / "file-4").unlink()
        homes.until(lambda: "new" in homes.place.objects() and "d/e/file-4" not in homes.place.objects())
        homes.until(lambda: homes.is_in_step(1))
        assert len([name for name in entries(there) if name.startswith("d/e/file")]) == 19
        assert os.listdir(here) == []  # nothing was put into the empty mount point
        # Back again, as another disk could be: with other numbers of its files.
        run("mount", "--bind", spare, here)
        found = homes.equal()
        assert len(found) == 2 + 19 + 1
        assert (here / "d" / "e" / "file-3").read_text() == "changed on the other side"
        assert homes.trash(0) == {b"4"}
        assert homes.conflicts() == []
        # It is watched again.
        (here / "d" / "e" / "later").write_text("and on it goes")
        homes.until((there / "d" / "e" / "later").exists)
        homes.equal()
        homes.rest()
        homes.close()
        unmount(here)


@pytest.mark.mount
def test_a_disk_that_is_full(sync_homes: Callable[..., SyncHomes], tmp_path: Path) -> None:
    with disk(tmp_path / "m1" / "Work", "4m") as point:
        homes = sync_homes()
        here, there = homes.folders
        assert there == point
        homes.start()
        (here / "a").write_bytes(b"small")
        homes.equal()
        (here / "large").write_bytes(os.urandom(6 * MIB))
        (there / "b").write_bytes(b"from the full disk")  # this way there is room
        homes.until((here / "b").exists)
        status = homes.await_needs_you(1, "disk is full")
        assert "make room" in status.situation.todo
        assert not (there / "large").exists()
        assert entries(here).keys() == {"a", "b", "large"}
        # Nothing of what did not fit is left.
        left = os.statvfs(there)
        assert left.f_bavail * left.f_frsize > 3 * MIB
        run("mount", "-o", "remount,size=40m", there)
        assert entries(there).keys() == {"a", "b"} or (there / "large").exists()
        homes.equal()
        assert homes.conflicts() == []
        homes.rest()
        homes.close()


def test_a_folder_that_is_emptied(sync_homes: Callable[..., SyncHomes], tmp_path: Path) -> None:
    homes = sync_homes()
    here, there = homes.folders
    for number in range(20):
        (here / "d").mkdir(exist_ok=True)
        (here / f"file-{number}").write_text(f"{number}")
        (here / "d" / f"inner-{number}").write_text(f"inner {number}")
    homes.start()
    before = homes.equal()
    out = tmp_path / "out"
    out.mkdir()
    for name in os.listdir(here):
        if name != ".pithosfs":
            (here / name).rename(out / name)
    status = homes.await_needs_you(0, "40 of 40 files have vanished from the folder")
    assert "--max-delete" in status.situation.todo
    # The other side has it all, and is in step with the cloud.
    (there / "new").write_text("meanwhile")
    homes.until(lambda: "new" in homes.place.objects())
    homes.until(lambda: homes.is_in_step(1))
    assert before.items() <= entries(there).items()
    for name in os.listdir(out):
        (out / name).rename(here / name)
    assert homes.equal().keys() == before.keys() | {"new"}
    assert homes.trash(0) | homes.trash(1) == set()
    assert not [what for what, _ in homes.did(0) + homes.did(1) if "deleted" in what]
    homes.rest()
