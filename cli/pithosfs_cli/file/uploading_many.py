"""Uploading folders and lists of files: what is the same on the cloud is left alone, what fails stops nothing else."""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pithosfs.blocks import DEFAULT_BLOCK_HASH, DEFAULT_BLOCK_SIZE, hash_stream
from pithosfs.errors import Conflict, NotFound, PreconditionFailed
from pithosfs.mount.attributes import SYMLINK_TYPE, Attributes, to_meta
from pithosfs.mount.names import to_server
from pithosfs_cli.addressing import addressed
from pithosfs_cli.batch import Batch
from pithosfs_cli.file.listing import FOLDER_TYPE
from pithosfs_cli.file.tally import Tally
from pithosfs_cli.file.uploading import Settings, exists, open_file, present, send, send_link
from pithosfs_cli.invocation import Invocation
from pithosfs_cli.locations import Location
from pithosfs_cli.output import Column, Record, note, show_list
from pithosfs_cli.progress import Bars, bars

if TYPE_CHECKING:
    from pithosfs.store import ContainerInfo, ObjectInfo, ObjectStore, Sharing

__all__ = ["Source", "upload_many"]

# Files of up to so many blocks go side by side, each over one connection; larger ones one after the other over all.
_SMALL_BLOCKS = 4
# So many names are looked for one by one; more of them by listing their folder.
_ASKED_SINGLY = 20


@dataclass(frozen=True, slots=True)
class Source:
    """Something that the user has named, and the place that it becomes."""

    local: Path
    place: Location


@dataclass(frozen=True, slots=True)
class _Item:
    """A file, link or folder: where it is, the place that it becomes, what it is now, whether the user has named it
    (links that he names are followed)."""

    local: Path
    place: Location
    status: os.stat_result
    named: bool = False

    @property
    def is_link(self) -> bool:
        return stat.S_ISLNK(self.status.st_mode)

    @property
    def is_folder(self) -> bool:
        return stat.S_ISDIR(self.status.st_mode)


def upload_many(
    run: Invocation, store: ObjectStore, sources: Sequence[Source], where: Location, settings: Settings
) -> None:
    """Upload files, and folders with everything in them, links as links. `where` is for the summary.

    One file that fails stops nothing; all failures are told, and raised as one at the end.
    """
    tally = Tally("Uploaded", "sent", rehearsal=settings.dry_run)
    with Batch("uploaded", settings.connections) as batch:
        try:
            with bars(hidden=not settings.progress) as shown:
                upload = _Upload(store, settings, batch, shown, tally)
                upload.run(sources)
        finally:
            tally.say(str(where), batch.failed)
            _show(run, tally.records, settings)
        if settings.public and not settings.dry_run:
            links = [{"path": str(one), "public": store.head(one.path(store)).public} for one in upload.published]
            show_list(run, links, [Column("path", "path"), Column("public", "public link")])


def _show(run: Invocation, records: Sequence[Record], settings: Settings) -> None:
    if settings.dry_run:
        show_list(run, records, [Column("action", "action"), Column("path", "path"), Column("bytes", "size", "size")])
    elif run.output != "table" and not settings.public:
        show_list(run, records, [])


class _Upload:
    """One run of `upload_many`."""

    def __init__(self, store: ObjectStore, settings: Settings, batch: Batch, shown: Bars, tally: Tally) -> None:
        self._store = store
        self._settings = settings
        self._batch = batch
        self._shown = shown
        self._tally = tally
        self._container: ContainerInfo | None = None
        self._there: dict[str, ObjectInfo] = {}
        self._public: list[Location] = []

    @property
    def published(self) -> list[Location]:
        """The files that have a link now."""
        return sorted(self._public, key=str)

    def run(self, sources: Sequence[Source]) -> None:
        """All of it."""
        if not sources:
            return
        first = sources[0].place
        with addressed(self._store, first.named("")):
            try:
                self._container = self._store.container(first.container, first.account)
            except NotFound:
                if not self._settings.dry_run:  # else it would have been made
                    raise
        items = list(self._found(sources))
        if self._container is not None:
            self._look(sources, items)
        folders = [one for one in items if one.is_folder]
        files = [one for one in items if not one.is_folder]
        self._batch.run(folders, lambda item: str(item.local), self._make_folder, counted=False)
        self._transfer(files)

    # what there is --------------------------------------------------------------------------------------------------

    def _found(self, sources: Sequence[Source]) -> Iterator[_Item]:
        for source in sources:
            with self._batch.tolerating(str(source.local), counted=False):
                status = source.local.stat()
                if stat.S_ISDIR(status.st_mode):
                    yield from self._walk(_Item(source.local, source.place, status, True))
                elif self._settings.wanted.file(source.local.name):
                    yield _Item(source.local, source.place, status, True)

    def _walk(self, top: _Item) -> Iterator[_Item]:
        """Everything below a folder that takes part, each folder before what is in it. What cannot be read is told."""
        wanted = self._settings.wanted
        if wanted.makes_empty_folders:
            yield top
        made = {top.local} if wanted.makes_empty_folders else set()
        waiting = [(top, "")]
        while waiting:
            folder, prefix = waiting.pop()
            entries: list[os.DirEntry[str]] = []
            with self._batch.tolerating(str(folder.local), counted=False), os.scandir(folder.local) as found:
                entries = sorted(found, key=lambda entry: entry.name)
            for entry in entries:
                with self._batch.tolerating(entry.path, counted=False):
                    name = prefix + entry.name
                    place = folder.place.named(f"{folder.place.name}/{to_server(entry.name)}")
                    item = _Item(Path(entry.path), place, entry.stat(follow_symlinks=False))
                    kind = stat.S_IFMT(item.status.st_mode)
                    if kind == stat.S_IFDIR:
                        if wanted.enters(name):
                            waiting.append((item, f"{name}/"))
                        if wanted.makes_empty_folders and wanted.folder(name):
                            made.add(item.local)
                            yield item
                    elif not wanted.file(name):
                        continue
                    elif kind not in (stat.S_IFREG, stat.S_IFLNK):
                        note(f"{entry.path}: left out, it is no file")
                    else:
                        yield from self._on_the_way(top, item, made)
                        yield item

    def _on_the_way(self, top: _Item, item: _Item, made: set[Path]) -> Iterator[_Item]:
        """The folders of a file that do not take part for their own sake."""
        missing: list[_Item] = []
        local, place = item.local.parent, item.place.named(item.place.name.rpartition("/")[0])
        while local not in made:
            made.add(local)
            missing.append(_Item(local, place, local.stat(), local == top.local))
            if local == top.local:
                break
            local, place = local.parent, place.named(place.name.rpartition("/")[0])
        yield from reversed(missing)

    def _look(self, sources: Sequence[Source], items: Sequence[_Item]) -> None:
        """Learn what is on the cloud: one listing for each folder, however many files it has."""
        with addressed(self._store, sources[0].place.named("")):
            for item in items:
                if item.named and item.is_folder:
                    self._list(item.place, None)
        single = [item for item in items if item.named and not item.is_folder]
        if len(single) > _ASKED_SINGLY:
            parents = {item.place.name.rpartition("/")[0]: item.place for item in single}
            for parent, place in parents.items():
                self._list(place.named(parent), "/")
            return

        def ask(item: _Item) -> None:
            found = present(self._store, item.place)
            if found is not None:
                self._there[item.place.name] = found

        self._batch.run(single, lambda item: str(item.local), ask, counted=False)

    def _list(self, place: Location, delimiter: str | None) -> None:
        prefix = f"{place.name}/" if place.name else ""
        for page in self._store.list_pages(place.container, prefix=prefix, delimiter=delimiter, account=place.account):
            self._there.update((one.name, one) for one in page.objects)

    # what is done ---------------------------------------------------------------------------------------------------

    def _make_folder(self, item: _Item) -> None:
        there = self._there.get(item.place.name)
        if there is not None and there.is_directory:
            return
        taken = Conflict(f"{item.place} is there and is no folder", hint="move it away, or upload to another place")
        if there is not None:
            raise taken
        if self._settings.dry_run:
            if self._container is None or present(self._store, item.place) is None:
                self._tally.record("make folder", str(item.local), str(item.place), None)
            return
        path = item.place.path(self._store)
        meta = to_meta(Attributes(stat.S_IMODE(item.status.st_mode), item.status.st_mtime_ns, None, None, None))
        try:
            self._store.put_object(path, b"", content_type=FOLDER_TYPE, meta=meta, base="")
        except PreconditionFailed:
            if not self._store.head(path).is_directory:
                raise taken from None

    def _transfer(self, files: Sequence[_Item]) -> None:
        block_size = (self._container and self._container.block_size) or DEFAULT_BLOCK_SIZE
        self._shown.total(f"{len(files)} files", sum(one.status.st_size for one in files))
        small = [one for one in files if one.status.st_size <= _SMALL_BLOCKS * block_size]
        self._batch.run(small, lambda item: str(item.local), lambda item: self._send(item, 1))
        large = [one for one in files if one.status.st_size > _SMALL_BLOCKS * block_size]
        # Reading to compare is side by side too, so that a repeated upload soon comes to what is missing.
        changed: list[_Item] = []
        self._batch.run(large, lambda item: str(item.local), lambda item: self._compare(item, changed))
        for item in sorted(changed, key=lambda one: one.place.name):
            with self._batch.tolerating(str(item.local), counted=False):
                self._send(item, self._settings.connections, compared=True)

    def _compare(self, item: _Item, changed: list[_Item]) -> None:
        if self._is_same(item):
            self._skip(item)
        else:
            changed.append(item)

    def _send(self, item: _Item, connections: int, *, compared: bool = False) -> None:
        there = self._there.get(item.place.name)
        if there is not None:
            if there.is_directory:
                raise Conflict(f"{item.place} is a folder", hint="move it away, or upload to another place")
            if not compared and self._is_same(item):
                self._skip(item)
                return
            if not self._settings.force:
                raise exists(item.place)
        action = "upload" if there is None else "replace"
        source, target = str(item.local), str(item.place)
        if self._settings.dry_run:
            self._tally.done(source, target, item.status.st_size, 0, action)
            return
        if there is not None and there.meta is None:
            there = present(self._store, item.place)
        if item.is_link:
            content = os.fsencode(item.local.readlink())
            info, sent = send_link(self._store, content, item.status.st_mtime_ns, item.place, there, self._settings)
        else:
            with open_file(item.local, follow=item.named) as stream:
                info, sent = send(
                    self._store,
                    stream,
                    item.place,
                    there,
                    self._settings,
                    self._shown,
                    connections=connections,
                    cancel=self._batch.cancel,
                )
        self._tally.done(source, target, info.size, sent, action)
        self._public.append(item.place)
        self._shown.advance(item.status.st_size)

    def _is_same(self, item: _Item) -> bool:
        """Whether the cloud has the same content: by size first, then by hash. Times are not compared."""
        there = self._there.get(item.place.name)
        if there is None or there.is_directory or item.is_link != (there.content_type == SYMLINK_TYPE):
            return False
        if there.size != item.status.st_size or self._container is None:
            return False
        block_size = self._container.block_size or DEFAULT_BLOCK_SIZE
        algorithm = self._container.block_hash or DEFAULT_BLOCK_HASH
        if item.is_link:
            found = hash_stream(io.BytesIO(os.fsencode(item.local.readlink())), block_size, algorithm)
        else:
            with open_file(item.local, follow=item.named) as stream:
                found = hash_stream(stream, block_size, algorithm)
        if (found.root, found.size) != (there.hash, there.size):
            return False
        return item.is_link or not self._settings.changes(self._store, item.place, there)

    def _skip(self, item: _Item) -> None:
        """The content is there; who may see it may still be another matter."""
        there = self._there[item.place.name]
        path = item.place.path(self._store)
        if not self._settings.dry_run and not item.is_link:
            if self._settings.sharing is not None and _rule(there.own_sharing) != _rule(self._settings.sharing):
                self._store.set_sharing(path, self._settings.sharing)
            if self._settings.public and not there.public:
                self._store.set_public(path, True)
            self._public.append(item.place)
        self._tally.skipped(str(item.local), str(item.place), item.status.st_size)
        self._shown.advance(item.status.st_size)


def _rule(sharing: Sharing | None) -> tuple[frozenset[str], frozenset[str]]:
    """A sharing rule in a form that can be compared: the cloud keeps it in lower case, in an order of its own."""
    if sharing is None:
        return frozenset(), frozenset()
    return frozenset(one.lower() for one in sharing.read), frozenset(one.lower() for one in sharing.write)
