"""Three machines of one account whose users edit at the same time. PITHOSFS_TEST_SEED=N makes them do other things."""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from fixtures.clouds import TestCloud
from fixtures.daemons import SyncHome
from fixtures.proxy import FaultProxy
from fixtures.sync_homes import SyncHomes
from fixtures.synced import side_by_side

OPERATIONS = 50
SEED = int(os.environ.get("PITHOSFS_TEST_SEED", "1"))
SHARED = ["plan", "notes.txt", "d/table", "d/e/figure"]


class Person:
    """Knows exactly what he has taken away: what he overwrites he has open, and what he deletes he moves out."""

    def __init__(self, name: str, folder: Path, bin: Path) -> None:
        self.name = name
        self.folder = folder
        self.bin = bin
        self.bin.mkdir()
        self.chance = random.Random(f"{SEED} {name}")
        self.numbers = itertools.count()
        self.written: set[bytes] = set()
        self.dropped: set[bytes] = set()

    def content(self) -> bytes:
        made = f"{self.name} has written this, number {next(self.numbers)}".encode()
        self.written.add(made)
        return made

    def edit(self, path: Path) -> None:
        """In place."""
        with path.open("r+b") as file:
            self.dropped.add(file.read())
            file.seek(0)
            file.truncate()
            file.write(self.content())

    def new(self, path: Path) -> None:
        """A whole file under a name that must be free."""
        path.parent.mkdir(parents=True, exist_ok=True)
        whole = self.bin / "new"
        data = self.content()
        whole.write_bytes(data)
        try:
            os.link(whole, path)
        except OSError:  # it has just come from elsewhere, or its folder has gone
            self.dropped.add(data)
        whole.unlink()

    def take_out(self, path: Path) -> None:
        out = self.bin / f"{next(self.numbers)}"
        path.rename(out)
        self.dropped.update(one.read_bytes() for one in [out, *out.rglob("*")] if one.is_file())

    def save(self, path: Path) -> None:
        """With the old one out of the way."""
        self.take_out(path)
        self.new(path)

    def rename(self, path: Path) -> None:
        path.rename(path.with_name(f"{path.name.split(' by ')[0]} by {self.name} {next(self.numbers)}"))

    def something(self) -> None:
        mine = [one for one in self.folder.glob(f"{self.name}/*") if one.is_file()]
        path = self.folder / self.chance.choice(SHARED)
        own = self.folder / self.name / f"{self.chance.randrange(6)}"
        acts: list[Callable[[], None]] = [
            lambda: self.edit(path),
            lambda: self.edit(path),
            lambda: self.save(path),
            lambda: self.new(path),
            lambda: self.take_out(path) if self.chance.random() < 0.2 else None,
            lambda: self.rename(path) if self.chance.random() < 0.2 else None,
            lambda: self.new(own),
            lambda: self.edit(self.chance.choice(mine or [own])),
            lambda: self.rename(self.chance.choice(mine or [own])),
            lambda: self.take_out(self.chance.choice(mine or [own])),
            lambda: self.rename(self.folder / "d" / "e") if self.chance.random() < 0.2 else None,
        ]
        # Others may just have taken it away, or put something else there.
        with contextlib.suppress(FileNotFoundError, NotADirectoryError, FileExistsError):
            self.chance.choice(acts)()

    def work(self, operations: int) -> None:
        for _ in range(operations):
            self.something()
            time.sleep(self.chance.uniform(0, 0.15))  # people are slow


class Mishaps(threading.Thread):
    """Networks that go and come, machines that are suspended, daemons that are killed and started again."""

    def __init__(self, homes: SyncHomes, wires: Sequence[FaultProxy]) -> None:
        super().__init__()
        self._homes = homes
        self._wires = wires
        self._chance = random.Random(SEED)
        self._over = threading.Event()
        self.count = 0

    def run(self) -> None:
        while not self._over.wait(self._chance.uniform(0, 0.5)):
            which = self._chance.randrange(len(self._wires))
            home, wire = self._homes.homes[which], self._wires[which]
            self._chance.choice([self._refuse, self._darken, self._suspend, self._kill])(home, wire)
            self.count += 1

    def _for_a_while(self) -> None:
        self._over.wait(self._chance.uniform(0, 1.0))

    def _refuse(self, home: SyncHome, wire: FaultProxy) -> None:
        wire.refuse()
        self._for_a_while()
        wire.restore()

    def _darken(self, home: SyncHome, wire: FaultProxy) -> None:
        wire.dark()
        self._for_a_while()
        wire.restore()

    def _suspend(self, home: SyncHome, wire: FaultProxy) -> None:
        home.signal(signal.SIGSTOP)
        self._for_a_while()
        home.signal(signal.SIGCONT)

    def _kill(self, home: SyncHome, wire: FaultProxy) -> None:
        home.kill()
        home.start()

    def __enter__(self) -> Mishaps:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._over.set()
        self.join()


def begin(homes: SyncHomes, tmp_path: Path) -> list[Person]:
    """Something for all to work on, and those who do."""
    for name in SHARED:
        path = homes.folders[0] / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"as it was")
    homes.start()
    homes.equal()
    names = ("one", "two", "three")
    return [
        Person(name, folder, tmp_path / f"bin of {name}") for name, folder in zip(names, homes.folders, strict=True)
    ]


def nothing_is_missing(homes: SyncHomes, people: list[Person]) -> None:
    """All become the same, and what was written, and not taken away, is a file, maybe a conflict copy.

    But for what one has written in the moment between another one's look and his deletion, which takes no condition on
    the server: that is in a trash or in a history.
    """
    found = homes.equal()
    left = {(homes.folders[0] / name).read_bytes() for name, (kind, *_) in found.items() if kind == "file"}
    written = set[bytes]().union(*(one.written for one in people))
    dropped = set[bytes]().union(*(one.dropped for one in people))
    missing = written - dropped - left
    names = homes.place.names_ever() if missing else []
    for data in missing:
        trashes = [which for which in range(3) if data in homes.trash(which)]
        assert trashes or any(data in homes.place.versions(name) for name in names), data
    assert any("(conflict " in name for name in found)  # they did get into each other's way
    homes.rest()


def test_three_people_edit_at_the_same_time(sync_homes: Callable[..., SyncHomes], tmp_path: Path) -> None:
    homes = sync_homes(3, max_delete=1.0)
    people = begin(homes, tmp_path)
    side_by_side(*(partial(one.work, OPERATIONS) for one in people))
    nothing_is_missing(homes, people)


@pytest.mark.big
@pytest.mark.long
def test_three_people_whose_machines_and_networks_fail(
    sync_homes: Callable[..., SyncHomes], proxy: Any, cloud: TestCloud, tmp_path: Path
) -> None:
    wires = [proxy(cloud) for _ in range(3)]
    homes = sync_homes(3, max_delete=1.0, wires=wires)
    people = begin(homes, tmp_path)
    with Mishaps(homes, wires) as mishaps:
        side_by_side(*(partial(one.work, 4 * OPERATIONS) for one in people))
    assert mishaps.count > 5
    nothing_is_missing(homes, people)
