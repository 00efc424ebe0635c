"""Downloading folders and lists of objects: what is the same here is left alone, what fails stops nothing else."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pithosfs.errors import Conflict, PreconditionFailed
from pithosfs.mount.names import shadow_name, to_local
from pithosfs_cli.addressing import addressed
from pithosfs_cli.batch import Batch
from pithosfs_cli.file.conditions import check
from pithosfs_cli.file.downloading import Receiver, Settings, attributes_of
from pithosfs_cli.file.landing import Landing
from pithosfs_cli.file.tally import Tally
from pithosfs_cli.invocation import Invocation
from pithosfs_cli.locations import Location
from pithosfs_cli.output import Column, Record, note, show_list
from pithosfs_cli.progress import Bars, bars

if TYPE_CHECKING:
    from pithosfs.store import ObjectInfo, ObjectStore

__all__ = ["Wish", "download_many", "local_name", "root_for"]

# As for uploads: files of up to so many blocks go side by side, larger ones one after the other over all connections.
_SMALL = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user wants: an object, or a folder or container with everything in it (`info` None). `parts` is where it
    is to be below the root; none for a folder that becomes the root itself."""

    place: Location
    info: ObjectInfo | None
    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Arrival:
    place: Location
    info: ObjectInfo
    parts: tuple[str, ...]


def local_name(place: Location) -> str:
    """What an object, folder or container is called here."""
    return to_local(place.name.rstrip("/").rpartition("/")[2] or place.container)


def root_for(store: ObjectStore, place: Location, local: str | None) -> Path:
    """Where one folder or container goes: to `local`, or below it when that is a folder already (as with cp), unless
    an earlier run of the same command has made it. Else a command that is repeated would not go on where it was."""
    own = local_name(place)
    if local is None:
        return Path(own)
    path = Path(local)
    if not path.is_dir() or Landing.origin(path) == _origin(store, place):
        return path
    return path / own


def _origin(store: ObjectStore, place: Location) -> str:
    return str(Location(place.account or store.account, place.container, place.name.rstrip("/")))


def download_many(run: Invocation, store: ObjectStore, wishes: Sequence[Wish], root: Path, settings: Settings) -> None:
    """Download into the folder `root`. One object that fails stops nothing; all failures are told, and raised as one
    at the end."""
    tally = Tally("Downloaded", "received", rehearsal=settings.dry_run)
    with Batch("downloaded", settings.connections) as batch:
        try:
            with bars(hidden=not settings.progress) as shown:
                _Download(store, settings, batch, shown, tally).run(wishes, root)
        finally:
            tally.say(str(root), batch.failed)
            _show(run, tally.records, settings)


def _show(run: Invocation, records: Sequence[Record], settings: Settings) -> None:
    if settings.dry_run:
        show_list(run, records, [Column("action", "action"), Column("path", "path"), Column("bytes", "size", "size")])
    elif run.output != "table":
        show_list(run, records, [])


class _Download:
    """One run of `download_many`."""

    def __init__(self, store: ObjectStore, settings: Settings, batch: Batch, shown: Bars, tally: Tally) -> None:
        self._store = store
        self._settings = settings
        self._batch = batch
        self._shown = shown
        self._tally = tally
        self._receiver = Receiver(store, settings, shown, batch.cancel)
        self._lock = threading.Lock()
        self._taken: set[tuple[str, ...]] = set()

    def run(self, wishes: Sequence[Wish], root: Path) -> None:
        """All of it."""
        found: list[_Arrival] = []
        for wish in wishes:
            with self._batch.tolerating(str(wish.place), counted=False):
                found += self._found(wish)
        folders = [one for one in found if one.info.is_directory]
        files = self._apart([one for one in found if not one.info.is_directory], folders)
        self._shown.total(f"{len(files)} files", sum(one.info.size for one in files))
        with Landing(root, make=not self._settings.dry_run) as landing:
            if len(wishes) == 1 and not wishes[0].parts:
                landing.mark(_origin(self._store, wishes[0].place))
            if not self._settings.dry_run:
                for one in folders:
                    with self._batch.tolerating(str(one.place), counted=False), landing.folder(one.parts):
                        pass
            small = [one for one in files if one.info.size <= _SMALL]
            self._batch.run(small, lambda one: str(one.place), lambda one: self._fetch(one, landing, 1))
            large = [one for one in files if one.info.size > _SMALL]
            for one in large:
                with self._batch.tolerating(str(one.place)):
                    self._fetch(one, landing, self._settings.connections)
            if not self._settings.dry_run:
                for one in sorted(folders, key=lambda one: one.parts, reverse=True):
                    with self._batch.tolerating(str(one.place), counted=False):
                        info = self._receiver.known(one.place, one.info)
                        landing.finish_folder(one.parts, attributes_of(info))

    # what there is --------------------------------------------------------------------------------------------------

    def _found(self, wish: Wish) -> Iterator[_Arrival]:
        wanted = self._settings.wanted
        place = wish.place
        if wish.info is not None and not wish.info.is_directory:
            if wanted.file(wish.parts[-1]):
                yield _Arrival(place, wish.info, wish.parts)
            return
        prefix = f"{place.name.rstrip('/')}/" if place.name else ""
        if wish.info is not None and wish.parts:
            yield _Arrival(place, wish.info, wish.parts)
        with addressed(self._store, place.named("")):
            for page in self._store.list_pages(place.container, prefix=prefix, account=place.account):
                for info in page.objects:
                    name = info.name[len(prefix) :]
                    if info.is_directory:
                        name = name.rstrip("/")
                    if not name:  # the folder's own marker when somebody has made one with a closing slash
                        continue
                    if not self._takes_part(name, info.is_directory):
                        continue
                    # Each segment as a file name that is safe here, whatever it is on the cloud.
                    parts = (*wish.parts, *(to_local(segment) for segment in name.split("/")))
                    yield _Arrival(place.named(info.name), info, parts)

    def _takes_part(self, name: str, is_folder: bool) -> bool:
        wanted = self._settings.wanted
        if is_folder:
            return wanted.makes_empty_folders and wanted.folder(name)
        return wanted.file(name)

    def _apart(self, files: list[_Arrival], folders: Sequence[_Arrival]) -> list[_Arrival]:
        """A name that is an object and a prefix of others cannot be a file and a folder here: the file gets another."""
        paths = {one.parts for one in folders}
        for one in files:
            paths.update(one.parts[:depth] for depth in range(1, len(one.parts)))
        result: list[_Arrival] = []
        for one in files:
            if one.parts in paths:
                parts = (*one.parts[:-1], shadow_name(one.parts[-1]))
                note(f"{one.place}: there are names below it too, so here it is {parts[-1]}")
                one = _Arrival(one.place, one.info, parts)
            result.append(one)
        return result

    # what is done ---------------------------------------------------------------------------------------------------

    def _fetch(self, one: _Arrival, landing: Landing, connections: int) -> None:
        self._claim(one, landing)
        try:
            check(one.place, one.info, self._settings.conditions)
        except PreconditionFailed:
            self._tally.left_out()
            self._shown.advance(one.info.size)
            return
        source, target = str(one.place), landing.where(one.parts)
        status = landing.status(one.parts)
        if status is not None and self._receiver.is_same(one.place, one.info, landing, one.parts):
            self._tally.skipped(source, target, one.info.size)
            self._shown.advance(one.info.size)
            return
        action = "download" if status is None else "replace"
        if self._settings.dry_run:
            if status is not None and not self._settings.force:
                raise Conflict(f"{target} exists already", hint="add --force to replace it")
            self._tally.done(source, target, one.info.size, 0, action)
            return
        size, received = self._receiver.receive(one.place, one.info, landing, one.parts, connections)
        self._tally.done(source, target, size, received, action)
        self._shown.advance(one.info.size)

    def _claim(self, one: _Arrival, landing: Landing) -> None:
        """Names that differ only on the cloud must not replace each other."""
        with self._lock:
            if one.parts in self._taken:
                raise Conflict(f"another object is already {landing.where(one.parts)}")
            self._taken.add(one.parts)
