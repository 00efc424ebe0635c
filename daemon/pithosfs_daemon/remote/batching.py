"""Bringing many small new files, or many folders, to the cloud in one request."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

from pithosfs.bandwidth import cancelled_by
from pithosfs.errors import PithosfsError, PreconditionFailed
from pithosfs.mount.attributes import Attributes, to_meta
from pithosfs.store import NewObject, ObjectInfo
from pithosfs.store.content_types import content_type
from pithosfs.store.seam import DIRECTORY_TYPE
from pithosfs_daemon.remote.hashing import hash_data
from pithosfs_daemon.remote.place import Place
from pithosfs_daemon.remote.terms import Sent
from pithosfs_daemon.troubles import RemoteChanged

__all__ = ["NewFile", "NewFolder", "make_folders", "send_batch"]


@dataclass(frozen=True, slots=True)
class NewFile:
    """A small file whose name must be free in the cloud."""

    name: str
    data: bytes
    attributes: Attributes


@dataclass(frozen=True, slots=True)
class NewFolder:
    """A folder that is to have a marker in the cloud."""

    name: str
    attributes: Attributes


def send_batch(
    place: Place, files: Sequence[NewFile], cancel: threading.Event | None = None
) -> list[Sent | PithosfsError]:
    """What was made of each, or why it was not: RemoteChanged when its name is taken.

    Raises what concerns all of them, TransferCancelled too; then it is not known which were made, and the next listing
    tells.
    """
    hashed = [hash_data(one.data, *place.parameters) for one in files]
    items = [
        NewObject(
            place.path(one.name).name,
            one.data,
            content_type=content_type(one.name),
            meta=to_meta(one.attributes),
            hashmap=each.hashmap,
        )
        for one, each in zip(files, hashed, strict=True)
    ]
    answers = _put(place, files[0].name, items, cancel)
    made: list[Sent | PithosfsError] = []
    for one, each, answer in zip(files, hashed, answers, strict=True):
        if isinstance(answer, PreconditionFailed):
            made.append(RemoteChanged(f"{one.name} was made in the cloud meanwhile", hint=""))
        elif isinstance(answer, PithosfsError):
            made.append(answer)
        else:
            made.append(Sent(place.relative(answer), each.content, each.hashmap, each.sums))
    return made


def make_folders(
    place: Place, folders: Sequence[NewFolder], cancel: threading.Event | None = None
) -> list[ObjectInfo | PithosfsError]:
    """Each one's marker, which may have been there already, or why there is none: RemoteChanged for something else.

    Raises what concerns all of them, TransferCancelled too, as `send_batch`.
    """
    items = [
        NewObject(place.path(one.name).name, b"", content_type=DIRECTORY_TYPE, meta=to_meta(one.attributes))
        for one in folders
    ]
    made: list[ObjectInfo | PithosfsError] = []
    for one, answer in zip(folders, _put(place, folders[0].name, items, cancel), strict=True):
        if isinstance(answer, PreconditionFailed):
            made.append(_folder_at(place, one.name))
        else:
            made.append(answer if isinstance(answer, PithosfsError) else place.relative(answer))
    return made


def _folder_at(place: Place, name: str) -> ObjectInfo | RemoteChanged:
    found = place.look(name)
    if found is not None and found.is_directory:
        return found
    return RemoteChanged(f"{name} was made in the cloud meanwhile, and is no folder", hint="")


def _put(
    place: Place, first: str, items: Sequence[NewObject], cancel: threading.Event | None
) -> list[ObjectInfo | PithosfsError]:
    with cancelled_by(cancel), place.changing(first):
        return place.store.put_many(place.container, items, account=place.account)
