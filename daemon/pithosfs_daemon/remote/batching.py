"""Bringing many small new files to the cloud in one request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pithosfs.errors import PithosfsError, PreconditionFailed
from pithosfs.mount.attributes import Attributes, to_meta
from pithosfs.store import NewObject
from pithosfs.store.content_types import content_type
from pithosfs_daemon.remote.hashing import hash_data
from pithosfs_daemon.remote.place import Place
from pithosfs_daemon.remote.terms import Sent
from pithosfs_daemon.troubles import RemoteChanged

__all__ = ["NewFile", "send_batch"]


@dataclass(frozen=True, slots=True)
class NewFile:
    """A small file whose name must be free in the cloud."""

    name: str
    data: bytes
    attributes: Attributes


def send_batch(place: Place, files: Sequence[NewFile]) -> list[Sent | PithosfsError]:
    """What was made of each, or why it was not: RemoteChanged when its name is taken.

    Raises what concerns all of them; then it is not known which were made, and the next listing tells.
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
    with place.changing(files[0].name):
        answers = place.store.put_many(place.container, items, account=place.account)
    made: list[Sent | PithosfsError] = []
    for one, each, answer in zip(files, hashed, answers, strict=True):
        if isinstance(answer, PreconditionFailed):
            made.append(RemoteChanged(f"{one.name} was made in the cloud meanwhile", hint=""))
        elif isinstance(answer, PithosfsError):
            made.append(answer)
        else:
            made.append(Sent(place.relative(answer), each.content, each.hashmap, each.sums))
    return made
