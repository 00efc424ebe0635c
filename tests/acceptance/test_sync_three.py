"""Three machines of one account whose users edit at the same time. PITHOSFS_TEST_SEED=N makes them do other things."""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import time
from collections.abc import Callable
from pathlib import Path

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

    def work(self) -> None:
        for _ in range(OPERATIONS):
            self.something()
            time.sleep(self.chance.uniform(0, 0.15))  # people are slow


def test_three_people_edit_at_the_same_time(sync_homes: Callable[..., SyncHomes], tmp_path: Path) -> None:
    homes = sync_homes(3, max_delete=1.0)
    for name in SHARED:
        path = homes.folders[0] / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"as it was")
    homes.start()
    homes.equal()
    people = [
        Person(name, folder, tmp_path / f"bin of {name}")
        for name, folder in zip(("one", "two", "three"), homes.folders, strict=True)
    ]
    side_by_side(*(one.work for one in people))
    found = homes.equal()
    left = {(homes.folders[0] / name).read_bytes() for name, (kind, *_) in found.items() if kind == "file"}
    written = set().union(*(one.written for one in people))
    dropped = set().union(*(one.dropped for one in people))
    # As a file, maybe a conflict copy; nobody has to look into the trash or the history for it.
    missing = written - dropped - left
    assert missing == set(), {data: [which for which in range(3) if data in homes.trash(which)] for data in missing}
    assert any("(conflict " in name for name in found)  # they did get into each other's way
    homes.rest()
