"""What this mount changed on the server, as notes that can be put on top of any listing.

A note is applied to what is known when the change is made, and once more to each listing that was asked for before.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Protocol

from pithosfs.mount.container_names import ContainerNames, Subtree
from pithosfs.store import ObjectInfo

__all__ = ["Attach", "Detach", "Drop", "Note", "Put"]


class Note(Protocol):
    """A change that this mount made to a name, or to all at and below it.

    `apply` returns whether it made a difference; `takes_away`: the name is gone after it.
    """

    @property
    def name(self) -> str: ...

    @property
    def takes_away(self) -> bool: ...

    def apply(self, known: ContainerNames) -> bool: ...

    def touches(self, name: str) -> bool: ...


@dataclass(frozen=True, slots=True)
class Put:
    """An object was put there."""

    info: ObjectInfo
    takes_away: ClassVar[bool] = False

    @property
    def name(self) -> str:
        return self.info.name

    def apply(self, known: ContainerNames) -> bool:
        slot = known.slot(self.info.name)
        there = slot.info if slot is not None else None
        if there is not None and there.version == self.info.version:
            known.learnt(self.over(there))
            return False
        if there is not None and _is_newer(there.version, self.info.version):
            return False
        known.put(_completed(self.info, there))
        return True

    def over(self, there: ObjectInfo) -> ObjectInfo:
        """What is known of a version after this. A listing's time stays: it is finer than that of a header."""
        info = self.info
        meta = there.meta if info.meta is None else info.meta
        etag = info.etag or there.etag
        if not info.uuid:  # the answer to a PUT, which does not tell what belongs to the name
            return replace(there, meta=meta, etag=etag, delivery=info.delivery or there.delivery)
        allowed = info.allowed_to or there.allowed_to
        return replace(info, meta=meta, etag=etag, modified_ns=there.modified_ns, allowed_to=allowed)

    def touches(self, name: str) -> bool:
        return name == self.name


@dataclass(frozen=True, slots=True)
class Drop:
    """An object was deleted."""

    name: str
    takes_away: ClassVar[bool] = True

    def apply(self, known: ContainerNames) -> bool:
        slot = known.slot(self.name)
        if slot is None or slot.info is None:
            return False
        known.drop(self.name)
        return True

    def touches(self, name: str) -> bool:
        return name == self.name


@dataclass(frozen=True, slots=True)
class Detach:
    """Everything at and below a name was moved away."""

    name: str
    takes_away: ClassVar[bool] = True

    def apply(self, known: ContainerNames) -> bool:
        taken = known.detach(self.name)
        return taken.slot is not None or bool(taken.tables)

    def touches(self, name: str) -> bool:
        return name == self.name or name.startswith(f"{self.name}/")


@dataclass(frozen=True, slots=True)
class Attach:
    """Everything of a subtree was moved here."""

    name: str
    subtree: Subtree
    takes_away: ClassVar[bool] = False

    def apply(self, known: ContainerNames) -> bool:
        return known.attach(self.name, self.subtree)

    def touches(self, name: str) -> bool:
        return name == self.name or name.startswith(f"{self.name}/")


def _is_newer(version: str, than: str) -> bool:
    """Version ids grow over the whole service (object-store.md 7.1); ids of another form cannot be compared."""
    return version.isdecimal() and than.isdecimal() and int(version) > int(than)


def _completed(info: ObjectInfo, there: ObjectInfo | None) -> ObjectInfo:
    """The answer to a PUT, which does not tell what belongs to the name: that stays as it was."""
    if info.uuid or there is None:
        return info
    return replace(
        info,
        uuid=there.uuid,
        modified_by=info.modified_by or there.modified_by,
        sharing=there.sharing if info.sharing is None else info.sharing,
        shared_by=there.shared_by,
        public=info.public or there.public,
        allowed_to=info.allowed_to or there.allowed_to,
    )
