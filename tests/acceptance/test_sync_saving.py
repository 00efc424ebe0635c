"""How programs save: what arrives on the other side is always something that was saved, under its name, with its
history, and no conflict is seen where only one side writes. And how long it takes."""

from __future__ import annotations

import contextlib
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from fixtures.sync_homes import SyncHomes, entries
from fixtures.synced import side_by_side

SLOW, FAST = 2, 12  # saves that are waited for, and saves one after the other
MARK = 10  # bytes that make each content unique


def write(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def over(target: Path, data: bytes) -> None:
    """A temporary file beside it, renamed over it."""
    temporary = target.with_name(f".{target.name}.{random.randrange(10**6)}.tmp")
    write(temporary, data)
    temporary.replace(target)


def with_backup(target: Path, data: bytes) -> None:
    """As an office suite: a lock file, the old one renamed aside, the new one renamed in, the old one removed."""
    lock = target.with_name(f".~lock.{target.name}#")
    lock.write_text("somebody")
    temporary, backup = target.with_name(f"{target.name}.new"), target.with_name(f"{target.name}.bak")
    write(temporary, data)
    with contextlib.suppress(FileNotFoundError):
        target.rename(backup)
    temporary.rename(target)
    backup.unlink(missing_ok=True)
    lock.unlink()


def as_vim(target: Path, data: bytes) -> None:
    """With a swap file; the old one becomes the backup, and the new one is written under its name."""
    swap, probe, backup = target.with_name(f".{target.name}.swp"), target.with_name("4913"), Path(f"{target}~")
    write(swap, b"unsaved")
    probe.touch()
    probe.unlink()
    with contextlib.suppress(FileNotFoundError):
        target.rename(backup)
    write(target, data)
    backup.unlink(missing_ok=True)
    swap.unlink()


def keeping_backup(target: Path, data: bytes) -> None:
    """The content before stays as a file of its own."""
    backup = Path(f"{target}~")
    if target.exists():
        target.rename(backup)
    write(target, data)


def in_place(target: Path, data: bytes) -> None:
    """The same file is written to, as simple programs do."""
    write(target, data)


SAVES: list[Callable[[Path, bytes], None]] = [over, with_backup, as_vim, keeping_backup, in_place]


class Reader(threading.Thread):
    """Reads a file again and again and keeps what it has seen."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._over = threading.Event()
        self.seen: set[bytes] = set()
        self.was_away = False

    def run(self) -> None:
        while not self._over.wait(0.005):
            try:
                self.seen.add(self._path.read_bytes())
            except FileNotFoundError:
                self.was_away = self.was_away or bool(self.seen)

    def __enter__(self) -> Reader:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._over.set()
        self.join()


@pytest.fixture(scope="module")
def pair(cloud: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SyncHomes]:
    """Two folders in step, for all ways to save."""
    homes = SyncHomes(cloud.user("saving"), tmp_path_factory.mktemp("saving"))  # type: ignore[attr-defined]
    homes.start()
    yield homes
    homes.close()


def saving(pair: SyncHomes, save: Callable[[Path, bytes], None]) -> None:
    chance = random.Random(save.__name__)
    rest = chance.randbytes(200_000)
    contents = [b"%*d" % (MARK, number) + rest for number in range(SLOW + FAST)]
    here, there = (folder / save.__name__ / "report.odt" for folder in pair.folders)
    here.parent.mkdir()
    with Reader(there) as reader:
        for data in contents[:SLOW]:
            save(here, data)
            pair.until(lambda data=data: data in reader.seen)
        for data in contents[SLOW:]:
            save(here, data)
        pair.equal()
        pair.until(lambda: contents[-1] in reader.seen)
    if save in (over, with_backup):  # the others have moments in which the file is not whole here
        assert reader.seen <= set(contents)
        assert not reader.was_away
    assert there.read_bytes() == contents[-1]
    kept = {f"{here.name}~"} if save is keeping_backup else set()
    assert {one.name for one in there.parent.iterdir()} == {here.name, *kept}
    # One object with a history, not one that was deleted and made anew.
    history = pair.place.versions(f"{save.__name__}/{here.name}")
    assert [data for data in history if data in contents[:SLOW]] == contents[:SLOW]


def test_five_ways_to_save(pair: SyncHomes) -> None:
    """By as many programs at the same time."""
    side_by_side(*(partial(saving, pair, save) for save in SAVES))
    assert pair.conflicts() == []


APPENDING = """
import os, random, select, sys
fd = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
number = 0
while not select.select([sys.stdin], [], [], random.choice([0.01, 0.05, 0.1, 0.6]))[0]:
    os.write(fd, b"line %d\\n" % number)
    number += 1
os.write(fd, b"end\\n")
"""


def test_a_program_that_keeps_a_file_open_and_appends(pair: SyncHomes) -> None:
    here, there = (folder / "log" for folder in pair.folders)
    with (
        subprocess.Popen([sys.executable, "-c", APPENDING, here], stdin=subprocess.PIPE) as writer,
        Reader(there) as reader,
    ):
        # It comes while it is being written, and does not hold others up.
        pair.until(lambda: reader.seen - {b""})
        (pair.folders[0] / "other").write_text("saved meanwhile")
        pair.until((pair.folders[1] / "other").exists)
        assert writer.poll() is None
        assert writer.stdin is not None
        writer.stdin.close()
        assert writer.wait(20) == 0
        pair.equal()
    whole = here.read_bytes()
    assert whole.endswith(b"\nend\n")
    assert there.read_bytes() == whole
    assert all(whole.startswith(one) for one in reader.seen)
    assert pair.conflicts() == []


def test_a_file_that_both_have_open(pair: SyncHomes) -> None:
    """A program on the other side has the old version open: it goes on reading that."""
    here, there = (folder / "shared" for folder in pair.folders)
    here.write_bytes(b"first")
    pair.until(there.exists)
    with there.open("rb") as file:
        over(here, b"second, and longer")
        pair.until(lambda: there.read_bytes() == b"second, and longer")
        assert file.read() == b"first"
    pair.equal()
    assert pair.conflicts() == []


def test_how_long_a_saved_file_takes(pair: SyncHomes) -> None:
    """Only printed: how fast this machine is at the moment is nobody's bug. What matters is that it comes."""
    pair.equal()
    delays = []
    for number in range(3):
        here, there = (folder / "delay" for folder in pair.folders)
        data = f"state {number}".encode()
        begun = time.monotonic()
        over(here, data)
        pair.until(lambda there=there, data=data: there.exists() and there.read_bytes() == data)
        delays.append(time.monotonic() - begun)
    delays.sort()
    print(
        f"\na saved file is in the other folder after {delays[0]:.2f} to {delays[-1]:.2f} s, mostly {delays[1]:.2f} s"
    )
    assert "delay" in entries(pair.folders[1])
