"""What is known of one container: its objects, and an index of its folders. In memory only, no network, no locks.

Folders are objects of a directory type, and prefixes that other names share. The index maps each folder to its child
segments, so that listing a folder costs its children and not the container.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

from pithosfs.mount.attributes import SYMLINK_TYPE
from pithosfs.store import ObjectInfo

__all__ = ["ContainerNames", "Entry", "Kind", "kind_of"]


class Kind(Enum):
    """What something is, to a program. The values are those of journal rows."""

    FOLDER = "folder"
    FILE = "file"
    SYMLINK = "symlink"


@dataclass(frozen=True, slots=True)
class Entry:
    """One name in a folder: `name` is the server's segment, `info` None for bare prefixes and containers."""

    kind: Kind
    name: str
    info: ObjectInfo | None


def kind_of(info: ObjectInfo) -> Kind:
    """Folder, file or symlink, by content type."""
    if info.is_directory:
        return Kind.FOLDER
    return Kind.SYMLINK if info.content_type.partition(";")[0].strip() == SYMLINK_TYPE else Kind.FILE


def _split(name: str) -> tuple[str, str]:
    folder, _, last = name.rpartition("/")
    return folder, last


@dataclass(slots=True)
class ContainerNames:
    """Objects by name and children by folder ("" is the container itself).

    Invariant: a segment is in `_children[folder]` exactly when an object of that name, or something below it, is
    known; folders without children are not in the index.
    """

    objects: dict[str, ObjectInfo] = field(default_factory=dict)
    _children: dict[str, dict[str, None]] = field(default_factory=dict)

    def put(self, info: ObjectInfo) -> None:
        self.objects[info.name] = info
        self.link(info.name)

    def link(self, name: str) -> None:
        """A name exists, as an object or as a bare prefix: so do all prefixes of it."""
        while True:
            folder, last = _split(name)
            known = self._children.setdefault(folder, {})
            if last in known:
                return
            known[last] = None
            if not folder:
                return
            name = folder

    def drop(self, name: str) -> None:
        """An object is gone; prefixes that only it made go with it."""
        self.objects.pop(name, None)
        self.unlink(name)

    def unlink(self, name: str) -> None:
        while name and name not in self.objects and not self._children.get(name):
            folder, last = _split(name)
            known = self._children.get(folder)
            if known is not None:
                known.pop(last, None)
                if not known:
                    del self._children[folder]
            name = folder

    def entry(self, name: str) -> Entry | None:
        info = self.objects.get(name)
        if self._children.get(name):
            # A plain object that shares its name with a folder is hidden by it.
            marker = info if info is not None and info.is_directory else None
            return Entry(Kind.FOLDER, _split(name)[1], marker)
        if info is None:
            folder, last = _split(name)
            linked = last in self._children.get(folder, {})
            return Entry(Kind.FOLDER, last, None) if linked else None
        return Entry(kind_of(info), _split(name)[1], info)

    def children(self, folder: str) -> Iterator[Entry]:
        prefix = f"{folder}/" if folder else ""
        for segment in list(self._children.get(folder, ())):
            entry = self.entry(prefix + segment)
            if entry is not None:
                yield Entry(entry.kind, segment, entry.info)

    def has_below(self, folder: str) -> bool:
        return bool(self._children.get(folder))

    def below(self, folder: str) -> list[ObjectInfo]:
        """Every object below a folder, the folder's own marker not included."""
        found: list[ObjectInfo] = []
        waiting = [folder]
        while waiting:
            at = waiting.pop()
            prefix = f"{at}/" if at else ""
            for segment in self._children.get(at, ()):
                name = prefix + segment
                if name in self.objects:
                    found.append(self.objects[name])
                if name in self._children:
                    waiting.append(name)
        return found

    def move(self, old: str, new: str) -> None:
        """A folder and everything below it have a new name."""
        moving = self.below(old)
        if old in self.objects:
            moving.append(self.objects[old])
        for info in moving:
            self.drop(info.name)
        for info in moving:
            self.put(replace(info, name=new + info.name[len(old) :]))

    def replace_all(self, found: Mapping[str, ObjectInfo]) -> list[str]:
        """Take a whole listing; returns the names that differ from what was known."""
        changed = [name for name in self.objects if name not in found]
        kept: dict[str, ObjectInfo] = {}
        for name, info in found.items():
            old = self.objects.get(name)
            if old is None or not same(old, info):
                changed.append(name)
            kept[name] = merged(old, info)
        self.objects = kept
        self._children = {}
        for name in kept:
            self.link(name)
        return changed

    def replace_folder(self, folder: str, found: Iterable[ObjectInfo], prefixes: Iterable[str]) -> list[str]:
        """Take the listing of one folder; returns the names that differ."""
        fresh = {info.name: info for info in found}
        linked = set(prefixes) | set(fresh)
        prefix = f"{folder}/" if folder else ""
        changed = []
        for segment in list(self._children.get(folder, ())):
            name = prefix + segment
            if name not in fresh and name in self.objects:
                changed.append(name)
                self.objects.pop(name)
            if name not in linked:
                for info in self.below(name):
                    self.drop(info.name)
                self.unlink(name)
        for name, info in fresh.items():
            old = self.objects.get(name)
            if old is None or not same(old, info):
                changed.append(name)
            self.put(merged(old, info))
        for name in linked:
            self.link(name)
        return changed


def same(old: ObjectInfo, new: ObjectInfo) -> bool:
    """Whether two answers describe the same state of a name: version, and what is not versioned."""
    return old.version == new.version and old.sharing == new.sharing and old.public == new.public


def merged(old: ObjectInfo | None, new: ObjectInfo) -> ObjectInfo:
    """A listing's answer, with what an earlier one told of the same version and listings do not."""
    if old is None or old.version != new.version:
        return new
    return replace(
        new,
        etag=new.etag or old.etag,
        meta=old.meta if new.meta is None else new.meta,
        allowed_to=new.allowed_to or old.allowed_to,
        shared_by=new.shared_by or old.shared_by,
    )
