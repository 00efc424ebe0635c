"""Everything that a pair asks of the cloud, under conditions: nothing is changed that is not as it was decided on.

Names are relative to the pair, also in every ObjectInfo that comes from here. All methods may be called from several
threads at once. Besides what each of them says they raise the errors of the store, and ContainerGone when the container
itself is gone.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import BinaryIO

from pithosfs.cache import BlockCache
from pithosfs.errors import NotFound, PithosfsError, UsageError
from pithosfs.mount.attributes import Attributes, to_meta
from pithosfs.store import ObjectInfo, ObjectPath, ObjectStore
from pithosfs.store.seam import DIRECTORY_TYPE
from pithosfs_daemon.remote.batching import NewFile, NewFolder, make_folders, send_batch
from pithosfs_daemon.remote.listing import Listing, begin_listing
from pithosfs_daemon.remote.place import Place
from pithosfs_daemon.remote.receiving import Receiver
from pithosfs_daemon.remote.sending import Sender
from pithosfs_daemon.remote.terms import BlockFinder, OldContent, Received, RemoteBase, Sent
from pithosfs_daemon.troubles import RemoteChanged
from pithosfs_daemon.values import Pair

__all__ = ["RemoteFolder"]

BLOCKS_IN_MEMORY = 6
"""Blocks of all transfers together that are sent or received at a time. Those that began together end together: with
fewer the line waits for the next ones."""

MOMENT = 0.5
"""Seconds that small files wait at most for a large one to be hashed."""


class RemoteFolder:
    """The remote side of a pair. `cache` may hold blocks that then need not be fetched."""

    def __init__(self, store: ObjectStore, pair: Pair, *, cache: BlockCache | None = None) -> None:
        self._store = store
        self._place = Place(store, pair)
        slots = threading.BoundedSemaphore(BLOCKS_IN_MEMORY)
        self._sender = Sender(self._place, slots)
        self._receiver = Receiver(self._place, slots, cache)

    @property
    def block_size(self) -> int:
        """Of the container, in bytes; asked for once."""
        return self._place.parameters[0]

    @property
    def algorithm(self) -> str:
        """The container's block hash, as hashlib calls it; asked for once."""
        return self._place.parameters[1]

    def path(self, name: str) -> ObjectPath:
        """The object that a name stands for."""
        return self._place.path(name)

    # looking --------------------------------------------------------------------------------------------------------

    def listing(self, since: int | None) -> Listing | None:
        """Begin to list what is there; None: nothing is newer than `since`, the `Listing.since` of an earlier one."""
        return begin_listing(self._place, since)

    def look(self, name: str) -> ObjectInfo | None:
        """What is there under a name, with its metadata; None: nothing."""
        return self._place.look(name)

    # contents -------------------------------------------------------------------------------------------------------

    def send(
        self,
        name: str,
        stream: BinaryIO,
        size: int,
        *,
        base: RemoteBase | None,
        attributes: Attributes,
        old: OldContent | None,
        meter: Callable[[int], None],
        cancel: threading.Event,
    ) -> Sent:
        """Make the object of an open file of `size` bytes: a new one (`base` None), or the next version of `base`.

        A new version keeps what else is known of the object: other metadata, content type, how it is handed out. With
        the `old` content of the base a small change travels alone. `meter` is told the bytes of content that are in the
        cloud so far, by any thread.

        Raises LocalChanged when the file is written to meanwhile, RemoteChanged when the name is taken or the object
        is not `base`, TransferCancelled, OSError.
        """
        return self._sender.send(
            name, stream, size, base=base, attributes=attributes, old=old, meter=meter, cancel=cancel
        )

    @property
    def takes_batches(self) -> bool:
        """Whether many small files, or folders, can be made in one request."""
        return bool(self._place.parameters) and self._store.capabilities.bulk_upload

    def give_way(self) -> None:
        """Wait a moment for a large file that is being hashed: once it is on its way it keeps the line busy while small
        ones are put together."""
        self._sender.wait_for_hashing(MOMENT)

    def send_batch(
        self, files: Sequence[NewFile], *, cancel: threading.Event | None = None
    ) -> list[Sent | PithosfsError]:
        """Make many small new objects at once; for each what was made, or why not (RemoteChanged: its name is taken).

        Raises what concerns all of them, TransferCancelled too; then the next listing tells which were made.
        """
        return send_batch(self._place, files, cancel)

    def receive(
        self,
        name: str,
        info: ObjectInfo,
        stream: BinaryIO,
        *,
        find: BlockFinder,
        meter: Callable[[int], None],
        cancel: threading.Event,
    ) -> Received:
        """Write the content of a version, as a listing or `look` told of it, into an empty open file.

        Every block is compared with its hash. `meter` is told the bytes that are there so far, by any thread. Raises
        RemoteChanged when that version is gone, NotAFile for a manifest, BadReply when the content stays wrong,
        TransferCancelled, OSError.
        """
        return self._receiver.receive(name, info, stream, find=find, meter=meter, cancel=cancel)

    # everything else ------------------------------------------------------------------------------------------------

    def make_folder(self, name: str, attributes: Attributes) -> ObjectInfo:
        """Make a folder's marker; one that is there already is fine. Raises RemoteChanged for something else."""
        path = self.path(name)
        if not path.name:
            raise UsageError("a container is no folder that could be made")
        try:
            with self._place.changing(name):
                made = self._store.put_object(path, b"", content_type=DIRECTORY_TYPE, meta=to_meta(attributes), base="")
        except RemoteChanged:
            found = self.look(name)
            if found is None or not found.is_directory:
                raise
            return found
        return self._place.relative(made)

    def make_folders(
        self, folders: Sequence[NewFolder], *, cancel: threading.Event | None = None
    ) -> list[ObjectInfo | PithosfsError]:
        """Make many folders' markers at once; for each the marker, or why there is none, as `make_folder`.

        Raises what concerns all of them, TransferCancelled too; then the next listing tells which were made.
        """
        return make_folders(self._place, folders, cancel)

    def set_attributes(self, name: str, base: RemoteBase, attributes: Attributes) -> ObjectInfo:
        """Note mode and time on the object; other metadata stays. Raises RemoteChanged when it is not `base`."""
        etag = base.etag or self._place.present(name, base).etag
        with self._place.changing(name):
            return self._place.relative(self._store.update_meta(self.path(name), {**to_meta(attributes)}, etag or None))

    def move(self, old: str, new: str, base: RemoteBase) -> ObjectInfo:
        """Give an object another name, with its sharing and publication; no content moves.

        Raises RemoteChanged when the object is not `base` or the new name is taken. Somebody may change the object in
        the moment before the move: then what is at the new name afterwards is his, and RemoteChanged is raised too.
        """
        before = self._place.present(old, base)
        with self._place.changing(new):
            self._store.move(
                self.path(old), self.path(new), sharing=before.own_sharing, public=before.public is not None
            )
        after = self.look(new)
        if after is None or (after.hash, after.size) != (before.hash, before.size):
            raise RemoteChanged(f"{new} was changed in the cloud while it was moved there", hint="")
        return after

    def move_folder(self, old: str, new: str) -> None:
        """Give a folder, and all that is below it, another name in one request; sharing and publication go along.

        Raises RemoteChanged when there is nothing at the old name or something at or below the new one.
        """
        if self._is_empty(old) and not self._is_folder(old):
            raise RemoteChanged(f"{old} is not in the cloud any more", hint="")
        if not self._is_empty(new):
            raise RemoteChanged(f"there is something below {new} in the cloud", hint="")
        with self._place.changing(new):
            self._store.move_folder(self.path(old), self.path(new))

    def _is_folder(self, name: str) -> bool:
        found = self.look(name)
        return found is not None and found.is_directory

    def _is_empty(self, folder: str) -> bool:
        path = self.path(folder)
        try:
            pages = self._store.list_pages(path.container, prefix=f"{path.name}/", account=path.account, limit=1)
            return not any(page.objects for page in pages)
        except NotFound as error:
            raise self._place.gone(error) from error

    def delete(self, name: str, base: RemoteBase | None) -> None:
        """Delete the object; that it is gone already is fine. Its versions stay readable.

        The server takes no condition here (object-store.md section 7.6): it is looked at right before. Raises
        RemoteChanged when it is not `base`; without a base only a folder's marker is deleted.
        """
        found = self.look(name)
        if found is None:
            return
        if base is None:
            if not found.is_directory or found.size:
                raise RemoteChanged(f"{name} is not an empty folder in the cloud", hint="")
        elif found.version != base.version:
            raise RemoteChanged(f"{name} is not what it was in the cloud", hint="")
        try:
            self._store.delete(self.path(name))
        except NotFound:
            self._place.check_container()
