"""What the tree holds of one container or account, how fresh that is, and what happened while a listing was asked for.

No network and no lock in here: `Tree` calls everything under its lock, except for `ask`, which only reads what never
changes. What is asked for at once is a *part*: a container's names as a whole (part ""), or one of its folders.

How a listing meets our own changes. Each change is a note with a sequence number, put on top of what is known at once.
A request remembers the number at which it set out; notes with a higher one may be missing from its answer, and are put
on top of that again. When that made a difference the answer is not trusted: the next request is unconditional.

How a "not modified" is believed (object-store.md section 15). Times are compared in whole seconds, so a listing from
the second of the last change may miss a change of the same second for ever. A listing is trusted when it was made
`SURE_AFTER` seconds after the last change or later; until then the next request is unconditional.
"""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections import OrderedDict
from concurrent.futures import Future
from dataclasses import dataclass, field

from pithosfs.errors import NotAllowed, NotFound, PithosfsError
from pithosfs.mount.container_names import ContainerNames, Slot, folder_table
from pithosfs.mount.names import split_last
from pithosfs.mount.notes import Note
from pithosfs.store import SURE_AFTER, ContainerInfo, Found, Listing, ObjectPath, ObjectStore

__all__ = ["AccountHolding", "ContainerHolding", "Flight", "Holding", "Part"]

log = logging.getLogger(__name__)

COST_FACTOR = 10  # a listing that took s seconds is not asked for again before COST_FACTOR × s
MOST_SINGLES = 10_000  # look-ups of single names in folders that are too large to be listed
NEVER = float("-inf")


# requests -------------------------------------------------------------------------------------------------------------


@dataclass(slots=True, eq=False)
class Flight:
    """A request under way: what it asks for and from which note on its answer may miss something."""

    part: str
    unlimited: bool
    probing: bool  # whether the container can be listed whole is not known yet
    since: int | None
    sequence: int
    future: Future[None] = field(default_factory=Future)
    slow: bool = False  # nobody who has an old answer waits for it any more


@dataclass(slots=True)
class Part:
    """How fresh one part is. Times are the clock's; `modified` is the container's Last-Modified in it.

    `forced`: the sequence number from which on a new listing is needed, 0 when none is.
    """

    asked_at: float = NEVER
    rest_until: float = NEVER
    modified: int = 0
    trusted: bool = False
    forced: int = 0
    used: float = NEVER


class Holding(ABC):
    """What is held of a container or account."""

    def __init__(self) -> None:
        self.flights: dict[object, Flight] = {}
        self.notes: list[tuple[int, Note]] = []
        self.sequence = 0
        self.used = NEVER
        self.trouble: PithosfsError | None = None  # what the last request failed with
        self.retry_at = NEVER

    @abstractmethod
    def part_of(self, folder: str) -> str:
        """The part in which a folder's entries are."""

    @abstractmethod
    def knows(self, part: str) -> bool:
        """Whether there is an answer for a part, however old."""

    @abstractmethod
    def vouched_at(self, part: str) -> float:
        """When the request set out whose answer last told how a known part is; never, when it must be asked for."""

    def rests(self, part: str, now: float) -> bool:
        """Whether a known part is not to be asked for again yet, because that takes long."""
        return False

    def is_fresh(self, part: str, now: float, freshness: float) -> bool:
        """Whether a part is known and good enough to be shown."""
        return self.knows(part) and (self.rests(part, now) or now - self.vouched_at(part) < freshness)

    def use(self, part: str, now: float) -> None:
        """Somebody looks at a part."""
        self.used = now

    def gives_up(self, part: str) -> bool:
        """Whether a part is too large to be listed for one name in it."""
        return False

    @abstractmethod
    def depart(self, part: str, *, unlimited: bool) -> Flight:
        """A request for a part sets out."""

    @abstractmethod
    def ask(self, flight: Flight) -> object:
        """The request itself: called without the lock."""

    @abstractmethod
    def take(self, flight: Flight, answer: object, started: float, ended: float) -> list[ObjectPath]:
        """Its answer has come; returns the paths that turned out different without our doing."""

    def land(self, flight: Flight) -> None:
        """A request is over, whatever became of it. Notes that no request under way can miss are forgotten."""
        for what in [what for what, one in self.flights.items() if one is flight]:
            del self.flights[what]
        oldest = min((one.sequence for one in self.flights.values()), default=self.sequence)
        self.notes = [(number, note) for number, note in self.notes if number > oldest]


class AccountHolding(Holding):
    """The containers of an account. There is one part, and no way to ask for it conditionally."""

    def __init__(self, store: ObjectStore, account: str) -> None:
        super().__init__()
        self._store = store
        self.account = account
        self.containers: dict[str, ContainerInfo] | None = None
        self._asked_at = NEVER
        self._made: list[tuple[int, str, ContainerInfo | None]] = []

    def part_of(self, folder: str) -> str:
        return ""

    def knows(self, part: str) -> bool:
        return self.containers is not None

    def vouched_at(self, part: str) -> float:
        return self._asked_at

    def depart(self, part: str, *, unlimited: bool) -> Flight:
        flight = self.flights[part] = Flight(part, unlimited, False, None, self.sequence)
        return flight

    def ask(self, flight: Flight) -> object:
        try:
            return {one.name: one for one in self._store.containers(self.account)}
        except (NotFound, NotAllowed):
            if self.account == self._store.account:
                raise
            return {}  # nothing there is shared, or not any more (object-store.md 12.4)

    def take(self, flight: Flight, answer: object, started: float, ended: float) -> list[ObjectPath]:
        assert isinstance(answer, dict)
        before, self.containers = self.containers, answer
        self._asked_at = started
        for number, name, info in self._made:
            if number > flight.sequence:
                self._set(name, info)
        if before is None:
            return []
        return [ObjectPath(self.account, name, "") for name in before.keys() ^ self.containers.keys()]

    def land(self, flight: Flight) -> None:
        super().land(flight)
        if not self.flights:
            self._made.clear()

    def change(self, name: str, info: ContainerInfo | None) -> None:
        """This mount made a container, or deleted it (None)."""
        self.sequence += 1
        if self.flights:
            self._made.append((self.sequence, name, info))
        self._set(name, info)

    def _set(self, name: str, info: ContainerInfo | None) -> None:
        if self.containers is None:
            return
        if info is None:
            self.containers.pop(name, None)
        else:
            self.containers.setdefault(name, info)

    def distrust(self) -> None:
        self._asked_at = NEVER


class _Missing:
    """The answer of a container that is not there, or of which nothing is shared."""


class ContainerHolding(Holding):
    """The names of a container. `names` None: nothing is known yet."""

    def __init__(self, store: ObjectStore, account: str, container: str, *, whole_limit: int, by_folder: bool) -> None:
        super().__init__()
        self._store = store
        self.account = account
        self.container = container
        self._whole_limit = whole_limit
        self._is_own = account == store.account
        self.by_folder = by_folder
        self.exists = True
        self.names: ContainerNames | None = ContainerNames(complete=False) if by_folder else None
        self.parts: OrderedDict[str, Part] = OrderedDict()  # the one used last at the end
        self.too_large: set[str] = set()  # folders whose listing went beyond the limit
        self._singles: OrderedDict[str, tuple[float, Slot | None]] = OrderedDict()
        self._modified = 0  # the container's Last-Modified as an answer told it
        self._modified_at = NEVER  # and when that one was asked for
        self.listings = 0  # how many answers were taken in
        self.meta_keys: frozenset[str] | None = None  # keys in use; None: not asked since the last listing

    def path(self, name: str) -> ObjectPath:
        return ObjectPath(self.account, self.container, name)

    # freshness ------------------------------------------------------------------------------------------------------

    def part_of(self, folder: str) -> str:
        return folder if self.by_folder else ""

    def knows(self, part: str) -> bool:
        return self.names is not None and part in self.parts and self.names.knows(part)

    def vouched_at(self, part: str) -> float:
        state = self.parts[part]
        if state.forced:
            return NEVER
        # Any answer tells the container's Last-Modified: a part that is as new as that is as fresh as the answer.
        shared = state.trusted and self._is_own and state.modified == self._modified
        return max(state.asked_at, self._modified_at) if shared else state.asked_at

    def rests(self, part: str, now: float) -> bool:
        return now < self.parts[part].rest_until

    def gives_up(self, part: str) -> bool:
        return self.by_folder and part in self.too_large

    def use(self, part: str, now: float) -> None:
        self.used = now
        if part in self.parts:
            self.parts[part].used = now
            self.parts.move_to_end(part)

    def distrust(self, *, at_once: bool) -> None:
        """What is known may be wrong. `at_once`: however long the last listing took."""
        self.sequence += 1
        for part in self.parts:
            self._force(part, at_once=at_once)

    def _force(self, part: str, *, at_once: bool) -> None:
        state = self.parts.get(part)
        if state is not None:
            state.forced = self.sequence
            if at_once:
                state.rest_until = NEVER

    # requests -------------------------------------------------------------------------------------------------------

    def depart(self, part: str, *, unlimited: bool) -> Flight:
        state = self.parts.get(part) if self.knows(part) else None
        # Sharing does not count as a change of the container, so others' are asked without a condition.
        sure = state is not None and state.trusted and not state.forced and self._is_own
        since = state.modified if state is not None and sure else None
        flight = Flight(part, unlimited, not self.by_folder, since, self.sequence)
        self.flights[part] = flight
        return flight

    def ask(self, flight: Flight) -> object:
        prefix = f"{flight.part}/" if flight.part else ""
        try:
            return self._store.list_objects(
                self.container,
                account=self.account,
                prefix="" if flight.probing else prefix,
                delimiter=None if flight.probing else "/",
                limit=None if flight.unlimited and not flight.probing else self._whole_limit,
                modified_since=flight.since,
            )
        except NotFound:
            return _Missing()
        except NotAllowed:
            if self._is_own:
                raise
            # Nothing there is granted (object-store.md 12.4).
            return _Missing() if flight.probing else Listing(Found(), True, 0, 0)

    def take(self, flight: Flight, answer: object, started: float, ended: float) -> list[ObjectPath]:
        if isinstance(answer, _Missing):
            return self._take_missing(started)
        if answer is None:
            self._take_unchanged(flight.part, started)
            return []
        assert isinstance(answer, Listing)
        if started >= self._modified_at:
            self._modified, self._modified_at = answer.modified, started
        if flight.probing == self.by_folder:
            return []  # it was asked for before the container turned out to be too large, or missing
        self.exists, self.meta_keys = True, None
        self.listings += 1
        if not answer.complete:
            return self._take_too_much(flight.part)
        changed, overtaken = self._take_whole(flight, answer) if flight.probing else self._take_folder(flight, answer)
        state = self.parts.setdefault(flight.part, Part(used=ended))
        state.asked_at = started
        state.rest_until = ended + COST_FACTOR * (ended - started)
        state.modified = answer.modified
        # The answer's date is that of its end, its names may be from its beginning.
        state.trusted = not overtaken and answer.date - (ended - started) - answer.modified >= SURE_AFTER
        if flight.sequence >= state.forced:
            state.forced = 0
        return [self.path(name) for name in changed]

    def _take_whole(self, flight: Flight, answer: Listing) -> tuple[list[str], bool]:
        fresh = ContainerNames.of(answer.found.objects)
        overtaken = self.apply_later(flight, fresh)
        changed, rules = fresh.follow(self.names) if self.names is not None else ([], False)
        if rules and not self._is_own:
            fresh.forget_rights()
        self.names = fresh
        return changed, overtaken

    def _take_folder(self, flight: Flight, answer: Listing) -> tuple[list[str], bool]:
        assert self.names is not None
        if not flight.part and "" in answer.found.folders:
            log.warning("%s is too large for names with a leading slash to be shown", self.container)
        alone = ContainerNames(complete=False)
        alone.take_table(flight.part, folder_table(flight.part, answer.found.objects, answer.found.folders))
        overtaken = self.apply_later(flight, alone)
        changed, rules = self.names.take_table(flight.part, alone.tables.get(flight.part, {}))
        if rules and not self._is_own:
            self.names.forget_rights()
        self.too_large.discard(flight.part)
        return changed, overtaken

    def apply_later(self, flight: Flight, fresh: ContainerNames) -> bool:
        """Put what this mount changed since a request set out on top of its answer; whether that made a difference."""
        made = [note.apply(fresh) for number, note in self.notes if number > flight.sequence]
        return any(made)

    def _take_missing(self, started: float) -> list[ObjectPath]:
        gone = [self.path(name) for name in ["", *self.names.all_names()]] if self.names and self.exists else []
        self.exists, self.by_folder = False, False
        self.names = ContainerNames(complete=True)
        self.parts.clear()
        self.parts[""] = Part(asked_at=started, used=started)
        return gone

    def _take_unchanged(self, part: str, started: float) -> None:
        state = self.parts.get(part)
        if state is not None:
            state.asked_at = max(started, state.asked_at)
            if started >= self._modified_at:
                self._modified, self._modified_at = state.modified, started

    def _take_too_much(self, part: str) -> list[ObjectPath]:
        if self.by_folder:
            self.too_large.add(part)
            return []
        log.info("%s has more than %d objects: listed by folder", self.container, self._whole_limit)
        before, self.names = self.names, ContainerNames(complete=False)
        self.by_folder = True
        self.parts.clear()
        return [self.path(name) for name in before.all_names()] if before is not None else []

    # names that are looked up one by one ----------------------------------------------------------------------------

    def depart_alone(self) -> Flight:
        """A request that brings no part sets out: see `is_overtaken`, `apply_later`."""
        flight = self.flights[object()] = Flight("", False, False, None, self.sequence)
        return flight

    def is_overtaken(self, flight: Flight, name: str) -> bool:
        """Whether this mount changed a name after a request about it had set out."""
        return any(number > flight.sequence and note.touches(name) for number, note in self.notes)

    def single(self, name: str, now: float, freshness: float) -> tuple[bool, Slot | None]:
        """Whether the last look-up of a single name is fresh, and what it found."""
        asked_at, slot = self._singles.get(name, (NEVER, None))
        return now - asked_at < freshness, slot

    def keep_single(self, name: str, slot: Slot | None, asked_at: float) -> None:
        self._singles[name] = (asked_at, slot)
        while len(self._singles) > MOST_SINGLES:
            self._singles.popitem(last=False)

    # our own changes and memory -------------------------------------------------------------------------------------

    def note(self, note: Note) -> None:
        """This mount changed something."""
        self.sequence += 1
        if self.flights:
            self.notes.append((self.sequence, note))
        if self.names is not None:
            uncertain = self.names.uncertain_without(note.name) if note.takes_away else []
            note.apply(self.names)
            for folder in uncertain:
                self._force(folder, at_once=True)
        for name in [name for name in self._singles if note.touches(name)]:
            del self._singles[name]

    def moved_below(self, name: str, *, at_once: bool) -> None:
        """What is at and below a name was moved there: its versions (`at_once`: its names too) are not known yet."""
        self.sequence += 1
        if not self.by_folder:
            self._force("", at_once=at_once)
        elif self.names is not None:
            for folder in self.names.folders_from(name):
                self.parts.setdefault(folder, Part(used=self.used))
                self._force(folder, at_once=at_once)
            self._force(split_last(name)[0], at_once=at_once)

    @property
    def size(self) -> int:
        """How many names are held."""
        return (self.names.size if self.names is not None else 0) + len(self._singles)

    def shrink(self, most: int) -> list[ObjectPath]:
        """Forget the folders that were not used for longest until at most so many names are held."""
        dropped: list[ObjectPath] = []
        self._singles.clear()
        while self.by_folder and self.names is not None and self.size > most and len(self.parts) > 1:
            folder, _ = self.parts.popitem(last=False)
            dropped += [self.path(name) for name in self.names.forget(folder)]
        return dropped
