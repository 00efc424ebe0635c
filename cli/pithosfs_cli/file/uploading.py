"""What `pithosfs file upload` does, for one file, a stream, and folders."""

from __future__ import annotations

import mimetypes
import os
import stat
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from pithosfs.blocks import hash_stream
from pithosfs.errors import Conflict, LocalError, NotFound, PreconditionFailed
from pithosfs.mount.attributes import SYMLINK_TYPE, Attributes, to_meta
from pithosfs.mount.names import to_server
from pithosfs.store import Sharing
from pithosfs.store.transfers import ObjectTarget
from pithosfs.transfer import WHOLE_LIMIT, upload
from pithosfs_cli.addressing import addressed
from pithosfs_cli.batch import Batch
from pithosfs_cli.invocation import Invocation
from pithosfs_cli.locations import Location, account_id
from pithosfs_cli.output import note, show, show_list
from pithosfs_cli.progress import Bars, bars

if TYPE_CHECKING:
    from pithosfs.store import ObjectInfo, ObjectStore

__all__ = ["Settings", "upload_file", "upload_stream", "upload_tree"]

FOLDER_TYPE = "application/directory"
UNKNOWN_TYPE = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Settings:
    """How to upload. `content_type` None: guessed. `sharing` None: as it is."""

    force: bool = False
    content_type: str | None = None
    public: bool = False
    sharing: Sharing | None = None
    connections: int = 5
    progress: bool = True

    @classmethod
    def build(
        cls,
        store: ObjectStore,
        *,
        force: bool,
        content_type: str | None,
        public: bool,
        readers: Sequence[str],
        writers: Sequence[str],
        connections: int,
        progress: bool,
    ) -> Settings:
        """From the options; user names become ids. Raises NotFound for unknown ones."""
        sharing = None
        if readers or writers:
            sharing = Sharing(_principals(store, readers), _principals(store, writers))
        return cls(force, content_type, public, sharing, connections, progress)

    def type_of(self, name: str) -> str:
        return self.content_type or mimetypes.guess_type(name)[0] or UNKNOWN_TYPE


def _principals(store: ObjectStore, who: Sequence[str]) -> tuple[str, ...]:
    return tuple(one if one == "*" or ":" in one else account_id(store, one) or "" for one in who)


def upload_stream(store: ObjectStore, stream: BinaryIO, place: Location, settings: Settings) -> None:
    """Upload what comes out of a stream, block by block while it is read."""
    if not place.name:
        raise LocalError("standard input has no name", hint="say where it goes: /CONTAINER/PATH")
    with bars(hidden=not settings.progress) as shown:
        _send(store, stream, place, settings, {}, shown)
    _tell(store, place, settings)


def upload_file(store: ObjectStore, source: Path, place: Location, settings: Settings) -> None:
    """Upload one file to a place, or below it when it is a container, a folder, or ends with a slash."""
    own = to_server(source.resolve().name if source.name in ("", "..") else source.name)
    if not place.name or place.name.endswith("/"):
        place = place.named(place.name + own)
    elif (there := _present(store, place)) is not None and there.is_directory:
        place = place.named(f"{place.name}/{own}")
    with bars(hidden=not settings.progress) as shown:
        _send(store, source, place, settings, _metadata(source.stat()), shown)
    _tell(store, place, settings)


def _tell(store: ObjectStore, place: Location, settings: Settings) -> None:
    run: Invocation = click.get_current_context().obj
    if not settings.public and run.output == "table":
        return
    info = store.head(place.path(store))
    if run.output == "table":
        click.echo(info.public or "")
    else:
        show(
            run,
            {
                "path": str(place),
                "name": info.name,
                "bytes": info.size,
                "hash": info.hash,
                "version": info.version,
                "public": info.public,
            },
        )


def _send(
    store: ObjectStore,
    source: Path | BinaryIO,
    place: Location,
    settings: Settings,
    meta: Mapping[str, str],
    shown: Bars,
    cancel: threading.Event | None = None,
) -> None:
    path = place.path(store)
    with addressed(store, place):
        if settings.force:
            there = _present(store, place)
            if there is not None and there.is_directory:
                raise Conflict(f"{place} is a folder", hint=f"to upload into it, write {place}/")
            # What somebody has noted on the object outlives a new content.
            meta = {**((there.meta if there else None) or {}), **meta}
        target = ObjectTarget(
            store,
            path,
            content_type=settings.type_of(place.name),
            meta=meta,
            base=None if settings.force else "",
            sharing=settings.sharing,
            public=True if settings.public else None,
        )
        try:
            with shown.file(place.name) as tell:
                upload(target, source, connections=settings.connections, progress=tell, cancel=cancel)
        except PreconditionFailed as error:
            raise _exists(place) from error


def _exists(place: Location) -> Conflict:
    return Conflict(f"{place} exists already", 412, hint="add --force to replace it; its old versions stay")


def _present(store: ObjectStore, place: Location) -> ObjectInfo | None:
    try:
        return store.head(place.path(store))
    except NotFound:
        return None


def _metadata(status: os.stat_result) -> dict[str, str]:
    return to_meta(Attributes(stat.S_IMODE(status.st_mode), status.st_mtime_ns, None, None, None))


# folders ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Item:
    """Something in a local folder: where it is, what it will be called, what it is."""

    local: Path
    place: Location
    status: os.stat_result


def upload_tree(run: Invocation, store: ObjectStore, source: Path, place: Location, settings: Settings) -> None:
    """Upload a folder as the place (below it when that is a container or ends with a slash), links as links.

    With `force`, files that are the same on the cloud are left alone. One file that fails stops nothing; all failures
    are told, and raised as one at the end.
    """
    own = to_server(source.resolve().name or "root")
    if not place.name or place.name.endswith("/"):
        place = place.named(place.name + own)
    with addressed(store, place):
        store.container(place.container, place.account)
    with Batch("uploaded", settings.connections) as batch, bars(hidden=not settings.progress) as shown:
        items = list(_walk(source, place, batch))
        folders = [one for one in items if stat.S_ISDIR(one.status.st_mode)]
        files = [one for one in items if not stat.S_ISDIR(one.status.st_mode)]
        there = _listing(store, place) if settings.force else {}
        shown.total(f"{len(files)} files", sum(one.status.st_size for one in files))
        sent: list[str] = []

        def send(item: _Item) -> None:
            if _upload_item(store, item, there.get(item.place.name), settings, shown, batch.cancel):
                sent.append(str(item.place))
            shown.advance(item.status.st_size)

        def make(item: _Item) -> None:
            _make_folder(store, item)

        batch.run(folders, lambda item: str(item.local), make)
        # Small files side by side, then large ones one after the other, each over all connections.
        batch.run([one for one in files if one.status.st_size <= WHOLE_LIMIT], lambda item: str(item.local), send)
        for item in files:
            if item.status.st_size > WHOLE_LIMIT:
                with batch.tolerating(str(item.local)):
                    send(item)
    unchanged = len(files) - len(sent)
    note(f"Uploaded {len(sent)} files to {place}" + (f"; {unchanged} were there already" if unchanged else ""))
    if run.output != "table":
        show_list(run, [{"path": one} for one in sorted(sent)], [])


def _walk(source: Path, place: Location, batch: Batch) -> Iterator[_Item]:
    """Everything below a folder, and the folder first. What cannot be read is told and left out."""
    yield _Item(source, place, source.stat())
    waiting = [(source, place)]
    while waiting:
        folder, target = waiting.pop()
        entries: list[os.DirEntry[str]] = []
        with batch.tolerating(str(folder)), os.scandir(folder) as found:
            entries = sorted(found, key=lambda entry: entry.name)
        for entry in entries:
            with batch.tolerating(entry.path):
                item = _Item(
                    Path(entry.path),
                    target.named(f"{target.name}/{to_server(entry.name)}"),
                    entry.stat(follow_symlinks=False),
                )
                kind = stat.S_IFMT(item.status.st_mode)
                if kind == stat.S_IFDIR:
                    waiting.append((item.local, item.place))
                elif kind not in (stat.S_IFREG, stat.S_IFLNK):
                    note(f"{entry.path}: left out, it is no file")
                    continue
                yield item


def _listing(store: ObjectStore, place: Location) -> dict[str, ObjectInfo]:
    listing = store.list_objects(place.container, prefix=f"{place.name}/", account=place.account)
    assert listing is not None
    return {one.name: one for one in listing.found.objects}


def _make_folder(store: ObjectStore, item: _Item) -> None:
    path = item.place.path(store)
    try:
        store.put_object(path, b"", content_type=FOLDER_TYPE, meta=_metadata(item.status), base="")
    except PreconditionFailed:
        if not store.head(path).is_directory:
            raise Conflict(f"{item.place} is there and is no folder") from None


def _upload_item(
    store: ObjectStore,
    item: _Item,
    there: ObjectInfo | None,
    settings: Settings,
    shown: Bars,
    cancel: threading.Event,
) -> bool:
    """Upload a file or a link; False when the cloud has the same already."""
    if stat.S_ISLNK(item.status.st_mode):
        data = os.fsencode(item.local.readlink())
        meta = to_meta(Attributes(None, item.status.st_mtime_ns, None, None, data))
        return _put(store, item, data, SYMLINK_TYPE, meta, there, settings)
    if item.status.st_size <= WHOLE_LIMIT:
        with open(item.local, "rb", opener=_no_follow) as stream:
            data = stream.read(WHOLE_LIMIT + 1)
        if len(data) <= WHOLE_LIMIT:
            content_type = settings.type_of(item.local.name)
            return _put(store, item, data, content_type, _metadata(item.status), there, settings)
    if there is not None and there.size == item.status.st_size:
        info = store.container(item.place.container, item.place.account)
        with item.local.open("rb") as stream:
            same = hash_stream(stream, info.block_size or 1, info.block_hash or "sha256").root == there.hash
        if same:
            return False
    _send(store, item.local, item.place, settings, _metadata(item.status), shown, cancel)
    return True


def _put(
    store: ObjectStore,
    item: _Item,
    data: bytes,
    content_type: str,
    meta: Mapping[str, str],
    there: ObjectInfo | None,
    settings: Settings,
) -> bool:
    path = item.place.path(store)
    if there is not None:
        if there.is_directory:
            raise Conflict(f"{item.place} is a folder")
        if there.size == len(data) and there.hash == _hash_of(data):
            return False
        meta = {**(store.head(path).meta or {}), **meta}
    try:
        store.put_object(
            path,
            data,
            content_type=content_type,
            meta=meta,
            base=None if settings.force else "",
            sharing=settings.sharing,
            public=True if settings.public else None,
        )
    except PreconditionFailed as error:
        raise _exists(item.place) from error
    return True


def _hash_of(data: bytes) -> str:
    """The object hash of a content of at most one block."""
    import io

    return hash_stream(io.BytesIO(data)).root


def _no_follow(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC)
