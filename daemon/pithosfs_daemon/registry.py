"""The pairs of this user on disk: a folder for each, `state/sync/<id>/`, with `pair.json` and the engine's `state.db`.

A pair exists from the moment its `pair.json` is there until it is gone; a folder without one is what a killed `add` or
`remove` has left, and is cleaned up by the next. `pair.json` is written beside itself, flushed and renamed (mode 0600).
Changes take a lock, so that two commands at once do not undo each other's.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from pithosfs.config import Directories, make_private
from pithosfs.errors import ConfigError, LocalError, NotFound, PithosfsError, UsageError
from pithosfs_daemon.pairfile import check, from_json, to_json
from pithosfs_daemon.values import Pair

__all__ = ["Registry", "containing"]

FOLDER = "sync"
PAIR = "pair.json"
STATE = "state.db"


class Registry:
    """Reads what is on disk at every call: the daemon and commands use it side by side."""

    def __init__(self, directories: Directories) -> None:
        self.root = directories.state / FOLDER

    # looking --------------------------------------------------------------------------------------------------------

    def pairs(self) -> list[Pair]:
        """All pairs, in the order of their folders. Raises ConfigError when one cannot be read."""
        found, broken = self.read()
        for trouble in broken.values():
            raise trouble
        return found

    def read(self) -> tuple[list[Pair], dict[str, PithosfsError]]:
        """All pairs that can be read, and what is wrong with the others, by id."""
        found: list[Pair] = []
        broken: dict[str, PithosfsError] = {}
        for path in self.root.glob(f"*/{PAIR}"):
            try:
                found.append(self._load(path))
            except FileNotFoundError:
                continue  # it has just been removed
            except PithosfsError as trouble:
                broken[path.parent.name] = trouble
        return sorted(found, key=lambda one: str(one.folder)), broken

    def get(self, id: str) -> Pair | None:
        """The pair of that (whole) id; None when there is none. Raises ConfigError when it cannot be read."""
        try:
            return self._load(self.directory(id) / PAIR)
        except (FileNotFoundError, NotADirectoryError):
            return None

    def find(self, text: str) -> Pair:
        """The pair that somebody means: by its id, the beginning of its id, or its folder or a path in it.

        Raises NotFound, and UsageError when an id's beginning is that of several.
        """
        pairs = self.pairs()
        if not pairs:
            raise NotFound("no folder is synced", hint="to begin: pithosfs sync add FOLDER /CONTAINER/PATH")
        meant = [one for one in pairs if text and one.id.startswith(text.lower())]
        meant = [one for one in meant if one.id == text.lower()] or meant
        # Somebody who stands in a synced folder and writes an id means no file there, unless there is one of that name.
        inside = containing(pairs, text) if "/" in text or os.path.lexists(text) else None
        if inside is not None and inside not in meant:
            meant.append(inside)
        if len(meant) > 1:
            raise UsageError(
                f"{text!r} can mean several synced folders: {', '.join(f'{one.id} ({one.folder})' for one in meant)}",
                hint="write the whole id, or the whole path of the folder",
            )
        if not meant:
            raise NotFound(f"{text} is not a synced folder", hint="see which there are: pithosfs sync list")
        return meant[0]

    def choose(self, text: str | None) -> list[Pair]:
        """What a command is about: the pair that is meant, or all when none is named."""
        return self.pairs() if text is None else [self.find(text)]

    def directory(self, id: str) -> Path:
        """Where a pair's files are."""
        return self.root / id

    def state_file(self, id: str) -> Path:
        """Where a pair's database is."""
        return self.directory(id) / STATE

    # changing -------------------------------------------------------------------------------------------------------

    def add(self, build: Callable[[str, list[Pair]], Pair]) -> Pair:
        """Keep a new pair. `build` gets its id and all other pairs, and may refuse by raising."""
        with self._locked():
            self._clean()
            pairs = self.pairs()
            taken = {one.name for one in self.root.iterdir()}
            id = next(one for one in iter(lambda: secrets.token_hex(4), "") if one not in taken)
            pair = check(build(id, pairs))
            make_private(self.directory(pair.id))
            self._write(pair)
            return pair

    def update(self, id: str, change: Callable[[Pair], Pair]) -> Pair:
        """Change a pair as it is on disk now; returns what was written. Raises NotFound, UsageError."""
        with self._locked():
            old = self.get(id)
            if old is None:
                raise NotFound(f"there is no synced folder {id}", hint="see which there are: pithosfs sync list")
            pair = check(replace(change(old), id=id))
            if pair != old:
                self._write(pair)
            return pair

    def remove(self, id: str) -> None:
        """The pair is no more; its files stay until `discard`, as its folder may still be in use."""
        with self._locked():
            self._flushed(self.directory(id), lambda: (self.directory(id) / PAIR).unlink(missing_ok=True))

    def discard(self, id: str) -> None:
        """Delete the files of a pair that was removed."""
        if not (self.directory(id) / PAIR).exists():
            shutil.rmtree(self.directory(id), ignore_errors=True)

    def _load(self, path: Path) -> Pair:
        try:
            raw = path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            raise
        except OSError as trouble:
            raise ConfigError(f"cannot read {path}: {trouble.strerror}", hint="check its owner and mode") from trouble
        pair = from_json(raw, path)
        # The folder's name is the id: a copy that was made by hand must not act for the original.
        if pair.id != path.parent.name:
            raise ConfigError(f"{path} is of another synced folder, {pair.id}", hint="move it away")
        return pair

    def _write(self, pair: Pair) -> None:
        folder = self.directory(pair.id)
        try:
            descriptor, temporary = tempfile.mkstemp(prefix=f".{PAIR}.", dir=folder)
            try:
                with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123 (a descriptor)
                    file.write(to_json(pair))
                    file.flush()
                    os.fsync(file.fileno())
                self._flushed(folder, lambda: Path(temporary).replace(folder / PAIR))
            except BaseException:
                Path(temporary).unlink(missing_ok=True)
                raise
        except OSError as trouble:
            raise LocalError(
                f"cannot write {folder / PAIR}: {trouble.strerror}", hint="make room on the disk and try again"
            ) from trouble

    @staticmethod
    def _flushed(folder: Path, change: Callable[[], object]) -> None:
        """Make a change to the names in a folder that survives a power cut."""
        with contextlib.suppress(FileNotFoundError):
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                change()
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def _clean(self) -> None:
        for folder in self.root.iterdir():
            if folder.is_dir() and not (folder / PAIR).exists():
                shutil.rmtree(folder, ignore_errors=True)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        make_private(self.root)
        descriptor = os.open(self.root / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def containing(pairs: list[Pair], path: str) -> Pair | None:
    """The pair in whose folder a path is, or whose folder it is. A link in a folder is in it, wherever it leads."""
    parent, name = os.path.split(os.path.abspath(path))  # noqa: PTH100 (the last part is not to be resolved)
    for place in (Path(os.path.realpath(parent)) / name, Path(os.path.realpath(path))):
        for one in pairs:
            if place == one.folder or one.folder in place.parents:
                return one
    return None
