"""What is known of the names in one container: folders and what is in them. In memory only, no network, no locks.

A folder is a table of its segments. A segment is an object, a prefix of longer names, or both: an object of a
directory type (a marker) and the folder it stands for, or a plain file that happens to share its name with one; then
the folder has the name and the file shows beside it (`names.shadow_name`).

The names are `complete` when the whole container was listed: a folder without a table has nothing in it. Otherwise
only folders with a table are known.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import NamedTuple

from pithosfs.mount import names
from pithosfs.mount.attributes import SYMLINK_TYPE
from pithosfs.store import ObjectInfo

__all__ = ["ContainerNames", "Entry", "Kind", "Slot", "Subtree", "Table", "entry_of", "folder_table", "kind_of"]

log = logging.getLogger(__name__)


class Kind(Enum):
    """What something is, to a program. The values are those of journal rows."""

    FOLDER = "folder"
    FILE = "file"
    SYMLINK = "symlink"


@dataclass(frozen=True, slots=True)
class Entry:
    """One name in a folder: `name` is the server's segment, `info` None for bare prefixes and containers.

    `shadowed`: a file whose own name belongs to a folder; its path is `Tree.path_of`.
    """

    kind: Kind
    name: str
    info: ObjectInfo | None
    shadowed: bool = False


class Slot(NamedTuple):
    """A segment in a folder's table: the object of exactly that name, and whether longer names go on below it."""

    info: ObjectInfo | None
    below: bool

    @property
    def kind(self) -> Kind:
        return Kind.FOLDER if self.below or self.info is None else kind_of(self.info)


Table = dict[str, Slot]
_NOTHING: Mapping[str, Slot] = {}


@dataclass(slots=True)
class Subtree:
    """A name with everything known below it, taken out. Tables by what follows the name ("", "/sub", …)."""

    slot: Slot | None
    tables: dict[str, Table] = field(default_factory=dict)


def kind_of(info: ObjectInfo) -> Kind:
    """Folder, file or symlink, by content type."""
    if info.is_directory:
        return Kind.FOLDER
    return Kind.SYMLINK if info.content_type.partition(";")[0].strip().lower() == SYMLINK_TYPE else Kind.FILE


def merged(old: ObjectInfo | None, new: ObjectInfo) -> ObjectInfo:
    """A listing's answer, with what was known of the same version and listings do not tell.

    It is `old` itself when nothing differs: that keeps memory and time of a listing without news small.
    """
    if old is None or not old.version or old.version != new.version:
        return new
    if old.is_manifest:
        return new  # its size is that of its parts, which may have changed: it is asked for again
    if _listed(old) == _listed(new):
        return old
    return replace(
        new,
        etag=old.etag,
        meta=old.meta,
        delivery=old.delivery,
        shared_by=old.shared_by,
        allowed_to=old.allowed_to,
    )


def _listed(info: ObjectInfo) -> tuple[object, ...]:
    """What may be told differently of one version: what is not versioned, and what a PUT's answer leaves out."""
    return info.modified_ns, info.sharing, info.public, info.uuid, info.modified_by, info.content_type


def _differ(old: Slot, new: Slot) -> bool:
    """Whether people can tell one from the other."""
    if old.kind is not new.kind or (old.info is None) != (new.info is None):
        return True
    if old.info is None or new.info is None:
        return False
    if old.info.version:
        same = old.info.version == new.info.version
    else:  # moved here by this mount: the version that the server gave it is not known yet
        same = (old.info.hash, old.info.size) == (new.info.hash, new.info.size)
    return not same or (old.info.sharing, old.info.public is None) != (new.info.sharing, new.info.public is None)


class ContainerNames:
    """The tables of one container's folders; "" is the container itself.

    Invariants: a slot has an object or something below it. In complete names every folder with something below has a
    table, and no table but the container's is empty. `size` is the number of slots.
    """

    def __init__(self, *, complete: bool) -> None:
        self.complete = complete
        self.size = 0
        self.tables: dict[str, Table] = {"": {}} if complete else {}
        self._views: dict[str, dict[str, Entry]] = {}
        self._hidden: set[str] = set()  # names that were reported as hidden

    # looking --------------------------------------------------------------------------------------------------------

    def knows(self, folder: str) -> bool:
        """Whether all of a folder's entries are known."""
        return self.complete or folder in self.tables

    def slot(self, name: str) -> Slot | None:
        folder, segment = names.split_last(name)
        return self.tables.get(folder, _NOTHING).get(segment)

    def entry(self, name: str) -> Entry | None:
        """What is at a name; the folder where a file has the same."""
        slot = self.slot(name)
        return None if slot is None else entry_of(names.split_last(name)[1], slot)

    def has_below(self, folder: str) -> bool:
        return bool(self.tables.get(folder))

    def children(self, folder: str) -> dict[str, Entry]:
        """Entries by local name. The caller must not change it."""
        view = self._views.get(folder)
        if view is None:
            view = self._views[folder] = self._view(folder)
        return view

    def _view(self, folder: str) -> dict[str, Entry]:
        shown: dict[str, Entry] = {}
        shadowed: list[tuple[str, Entry]] = []
        for segment, slot in self.tables.get(folder, _NOTHING).items():
            local = names.to_local(segment)
            taken = shown.get(local)
            if taken is not None:
                first, second = sorted((taken.name, segment), key=lambda one: (names.to_server(local) != one, one))
                self._report_hidden(names.join(folder, second))
                if first != segment:
                    continue
            shown[local] = entry_of(segment, slot)
            if slot.below and slot.info is not None and not slot.info.is_directory:
                shadowed.append((names.shadow_name(local), Entry(kind_of(slot.info), segment, slot.info, True)))
        for local, entry in shadowed:
            if shown.setdefault(local, entry) is not entry:
                self._report_hidden(names.join(folder, entry.name))
        return shown

    def _report_hidden(self, name: str) -> None:
        if name not in self._hidden:
            self._hidden.add(name)
            log.warning("%r is hidden: another name in its folder looks the same here", name)

    def below(self, folder: str) -> Iterator[ObjectInfo]:
        """Every known object below a folder, its own marker not included."""
        waiting = [folder]
        while waiting:
            at = waiting.pop()
            for segment, slot in self.tables.get(at, _NOTHING).items():
                if slot.info is not None:
                    yield slot.info
                if slot.below:
                    waiting.append(names.join(at, segment))

    def all_names(self) -> list[str]:
        """The name of every slot."""
        return [names.join(folder, segment) for folder, table in self.tables.items() for segment in table]

    # changing -------------------------------------------------------------------------------------------------------

    def put(self, info: ObjectInfo) -> None:
        """An object is there. In names that are not complete only known folders take it in."""
        folder, segment = names.split_last(info.name)
        table = self.tables.get(folder)
        if table is None:
            self._mark(folder)
            if not self.complete:
                return
            table = self.tables[folder]
        old = table.get(segment)
        if old is None:
            self.size += 1
            table[segment] = Slot(info, info.name in self.tables and bool(self.tables[info.name]))
            if len(table) == 1:
                self._mark(folder)
        else:
            table[segment] = Slot(info, old.below)
        self._views.pop(folder, None)

    def learnt(self, info: ObjectInfo) -> None:
        """More is known of the version that is there; anything else is left as it is."""
        slot = self.slot(info.name)
        if slot is not None and slot.info is not None and slot.info.version == info.version:
            self._set(info.name, Slot(info, slot.below))

    def drop(self, name: str) -> None:
        """An object is gone; prefixes that only it made go with it."""
        slot = self.slot(name)
        if slot is not None and slot.info is not None:
            self._set(name, Slot(None, slot.below))

    def detach(self, name: str) -> Subtree:
        """Take out a name with everything below it."""
        slot = self.slot(name)
        taken = Subtree(slot)
        prefix = f"{name}/"
        for folder in [one for one in self.tables if one == name or one.startswith(prefix)]:
            table = self.tables.pop(folder)
            self._views.pop(folder, None)
            self.size -= len(table)
            taken.tables[folder[len(name) :]] = table
        if slot is not None:
            self._set(name, Slot(None, False))
        return taken

    def attach(self, name: str, subtree: Subtree) -> bool:
        """Put what was taken out under a name; what is there already stays. Returns whether anything was new.

        The versions of what was moved are not known: a move makes new ones (object-store.md section 11).
        """
        new = False
        for rest, table in subtree.tables.items():
            target = name + rest
            there = self.tables.setdefault(target, {})
            for segment, slot in table.items():
                before = there.get(segment)
                if before is None or (before.info is None and slot.info is not None):
                    info, below = _moved(slot, names.join(target, segment))
                    there[segment] = Slot(info, below or (before is not None and before.below))
                    self.size += before is None
                    new = True
            self._views.pop(target, None)
            if there:
                self._mark(target)
            elif self.complete and target:
                del self.tables[target]
        if subtree.slot is not None and subtree.slot.info is not None:
            info = _moved(subtree.slot, name).info
            there_now = self.slot(name)
            if info is not None and (there_now is None or there_now.info is None):
                self.put(info)
                new = True
        return new

    def uncertain_without(self, name: str) -> list[str]:
        """The folders of which nobody can tell what they show once a name is gone: one below them is not known."""
        if self.complete:
            return []
        folder = names.split_last(name)[0]
        while folder and folder in self.tables:
            slot = self.slot(folder)
            if len(self.tables[folder]) > 1 or (slot is not None and slot.info is not None):
                return []  # it stays, and so does all above it
            folder = names.split_last(folder)[0]
        uncertain = []
        while folder:
            folder = names.split_last(folder)[0]
            if folder in self.tables:
                uncertain.append(folder)
        return uncertain

    def folders_from(self, name: str) -> list[str]:
        """The known folders at and below a name."""
        prefix = f"{name}/"
        return [one for one in self.tables if one == name or one.startswith(prefix)]

    def forget(self, folder: str) -> list[str]:
        """Drop the table of a folder to save memory (not of complete names). Returns the names that were in it."""
        table = self.tables.pop(folder, {})
        self._views.pop(folder, None)
        self.size -= len(table)
        return [names.join(folder, segment) for segment in table]

    def forget_rights(self) -> None:
        """What the account may do was told under rules that have changed since."""
        for table in self.tables.values():
            for segment, (info, below) in table.items():
                if info is not None and info.allowed_to is not None:
                    table[segment] = Slot(replace(info, allowed_to=None), below)
        self._views.clear()

    def _set(self, name: str, slot: Slot) -> None:
        """Change a slot that exists; an empty one goes, and with it the folders that nothing else makes."""
        folder, segment = names.split_last(name)
        table = self.tables.get(folder)
        if table is None or segment not in table:
            return
        self._views.pop(folder, None)
        if slot.info is not None or slot.below:
            table[segment] = slot
            return
        del table[segment]
        self.size -= 1
        if not table and folder:
            if self.complete:
                del self.tables[folder]
            self._unmark(folder)

    def _mark(self, folder: str) -> None:
        """Something is below a folder: every known folder above knows it, complete names get its table."""
        if self.complete:
            self.tables.setdefault(folder, {})
        while folder:
            parent, segment = names.split_last(folder)
            table = self.tables.get(parent)
            if table is None and self.complete:
                table = self.tables[parent] = {}
            if table is not None:
                slot = table.get(segment)
                if slot is not None and slot.below:
                    return
                self.size += slot is None
                table[segment] = Slot(slot.info if slot is not None else None, True)
                self._views.pop(parent, None)
            folder = parent

    def _unmark(self, folder: str) -> None:
        """Nothing is below a folder any more."""
        slot = self.slot(folder) if folder else None
        if slot is not None and slot.below:
            self._set(folder, Slot(slot.info, False))

    # listings -------------------------------------------------------------------------------------------------------

    @classmethod
    def of(cls, objects: Iterable[ObjectInfo]) -> ContainerNames:
        """Complete names from a listing of a whole container."""
        made = cls(complete=True)
        for info in objects:
            made.put(info)
        return made

    def follow(self, old: ContainerNames) -> tuple[list[str], bool]:
        """These complete names take the place of older ones: what is known of unchanged versions is taken over.

        Returns the names that differ, and whether sharing rules differ.
        """
        changed: list[str] = []
        rules = False
        self._hidden = old._hidden
        for folder, table in self.tables.items():
            rules |= _compare(folder, old.tables.get(folder, _NOTHING), table, changed)
        for folder, before in old.tables.items():
            if folder not in self.tables:
                rules |= _compare(folder, before, {}, changed)
        return changed, rules

    def take_table(self, folder: str, table: Table) -> tuple[list[str], bool]:
        """The present entries of one folder. Returns as `follow`; nothing for a folder that was not known."""
        old = self.tables.get(folder)
        changed: list[str] = []
        rules = _compare(folder, old, table, changed) if old is not None else False
        for segment, slot in (old or {}).items():
            if slot.below and (segment not in table or not table[segment].below):
                for inner in self.folders_from(names.join(folder, segment)):
                    changed += self.forget(inner)
        self.size += len(table) - len(old or {})
        self.tables[folder] = table
        self._views.pop(folder, None)
        if table:
            self._mark(folder)
        else:
            self._unmark(folder)
        return changed, rules


def folder_table(folder: str, objects: Iterable[ObjectInfo], prefixes: Iterable[str]) -> Table:
    """The table of a folder from its listing; `prefixes` are the roll-ups in it."""
    start = len(folder) + 1 if folder else 0
    table: Table = {}
    for info in objects:
        segment = info.name[start:]
        if names.split_last(info.name) == (folder, segment):
            table[segment] = Slot(info, False)
    for prefix in prefixes:
        segment = prefix[start:]
        # The roll-up of all names with a leading slash is "": there is no listing of what is below that.
        if prefix and names.split_last(prefix) == (folder, segment):
            slot = table.get(segment)
            table[segment] = Slot(slot.info if slot is not None else None, True)
    return table


def entry_of(segment: str, slot: Slot) -> Entry:
    """What shows at a segment; the folder where a file has the same name."""
    hides_file = slot.below and slot.info is not None and not slot.info.is_directory
    return Entry(slot.kind, segment, None if hides_file else slot.info)


def _moved(slot: Slot, name: str) -> Slot:
    if slot.info is None:
        return slot
    return Slot(replace(slot.info, name=name, version="", meta=None), slot.below)


def _compare(folder: str, old: Mapping[str, Slot], new: Table, changed: list[str]) -> bool:
    """Adds what differs to `changed`, and to the new table what was known. Returns whether sharing rules differ."""
    rules = False
    for segment, slot in new.items():
        before = old.get(segment)
        if before is None:
            changed.append(names.join(folder, segment))
            rules |= slot.info is not None and bool(slot.info.sharing)
            continue
        if slot.info is not None:
            kept = merged(before.info, slot.info)
            if kept is not slot.info:
                new[segment] = slot = Slot(kept, slot.below)
        if _differ(before, slot):
            changed.append(names.join(folder, segment))
            rules |= _rule(before) != _rule(slot)
    for segment, before in old.items():
        if segment not in new:
            changed.append(names.join(folder, segment))
            rules |= _rule(before) is not None
    return rules


def _rule(slot: Slot) -> object:
    return slot.info.sharing if slot.info is not None and slot.info.sharing else None
