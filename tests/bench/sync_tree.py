"""A folder that a contender of `sync.py` syncs: made from a seed, changed, and compared with what is in the cloud."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pithosfs.blocks import hash_stream
from pithosfs.store import ObjectStore

MIB = 1024 * 1024
FOLDERS = 40
SMALLEST, LARGEST = 1_000, 30_000  # bytes of the small files

Content = tuple[int, str]
"""Size and object hash: two files with the same are the same."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How much there is. The small files' sizes are the same for every seed."""

    small: int
    big: int
    big_size: int
    deletions: int


class Tree:
    """A folder and what has to be in the cloud once it is in step."""

    def __init__(self, root: Path, shape: Shape, seed: int) -> None:
        self.root = root
        self.shape = shape
        self.wanted: dict[str, Content] = {}
        sizes = random.Random(1)
        content = random.Random(seed)
        for number in range(shape.small):
            size = int(min(LARGEST, max(SMALLEST, sizes.lognormvariate(8.8, 0.8))))
            self._write(f"folder {number % FOLDERS:02d}/file {number:05d}.txt", [content.randbytes(size)])
        for number in range(shape.big):
            pieces = (
                content.randbytes(min(4 * MIB, shape.big_size - start)) for start in range(0, shape.big_size, 4 * MIB)
            )
            self._write(f"big/{number}.bin", pieces)
        self.big = "big/0.bin"

    def _write(self, name: str, pieces: Iterator[bytes] | list[bytes]) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            for piece in pieces:
                file.write(piece)
        self._noted(name)

    def _noted(self, name: str) -> None:
        with (self.root / name).open("rb") as file:
            hashmap = hash_stream(file)
        self.wanted[name] = (hashmap.size, hashmap.root)

    @property
    def size(self) -> int:
        return sum(size for size, _ in self.wanted.values())

    # what happens to it ---------------------------------------------------------------------------------------------

    def leave(self) -> None:
        """Nothing is changed."""

    def edit(self) -> None:
        """One byte in the middle of a big file."""
        with (self.root / self.big).open("r+b") as file:
            middle = self.shape.big_size // 2
            file.seek(middle)
            old = file.read(1)
            file.seek(middle)
            file.write(bytes([old[0] ^ 1]))
        self._noted(self.big)

    def rename(self) -> None:
        """That big file, in its folder."""
        new = "big/renamed.bin"
        os.rename(self.root / self.big, self.root / new)
        self.wanted[new] = self.wanted.pop(self.big)
        self.big = new

    def delete(self) -> None:
        """Small files, from all folders."""
        small = sorted(name for name in self.wanted if not name.startswith("big/"))
        for name in random.Random(2).sample(small, self.shape.deletions):
            (self.root / name).unlink()
            del self.wanted[name]

    # whether the work was done --------------------------------------------------------------------------------------

    def differences(self, store: ObjectStore, container: str) -> str | None:
        """What is not as it has to be, in the cloud or in the folder itself; None when everything is."""
        listing = store.list_objects(container)
        assert listing is not None
        there = {one.name: (one.size, one.hash) for one in listing.found.objects if not one.is_directory}
        here = {
            path.relative_to(self.root).as_posix(): path.stat().st_size
            for path in self.root.rglob("*")
            if path.is_file() and ".pithosfs" not in path.parts
        }
        wrong = {
            "missing in the cloud": self.wanted.keys() - there.keys(),
            "too much in the cloud": there.keys() - self.wanted.keys(),
            "of other content in the cloud": {
                name for name in self.wanted.keys() & there.keys() if self.wanted[name] != there[name]
            },
            "not as it was in the folder": {
                name for name in self.wanted.keys() | here.keys() if self.wanted.get(name, (None,))[0] != here.get(name)
            },
        }
        found = [f"{len(names)} {what} ({min(names)} …)" for what, names in wrong.items() if names]
        return "; ".join(found) or None

    def remove(self) -> None:
        shutil.rmtree(self.root, ignore_errors=True)
