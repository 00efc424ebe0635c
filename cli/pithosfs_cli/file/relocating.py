"""What `pithosfs file copy` and `move` are to do: where everything goes, in which order, and what is in the way.

Deciding changes nothing. It is repeatable: what an interrupted run has done already is found to be the same, or gone
from where it was, and left alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pithosfs.errors import Conflict, NotAllowed, NotFound, UsageError
from pithosfs_cli.addressing import addressed, look
from pithosfs_cli.globbing import Match
from pithosfs_cli.invocation import Invocation
from pithosfs_cli.locations import Location, account_id, parse_location

if TYPE_CHECKING:
    from pithosfs.store import ObjectInfo, ObjectStore

__all__ = ["Destination", "Folder", "Plan", "Request", "Step", "decide", "same", "steps_of", "taken"]


@dataclass(frozen=True, slots=True)
class Request:
    """How to copy or move. `content_type` and `public` are for files; `version` is an old one of a single file."""

    move: bool = False
    force: bool = False
    recursive: bool = False
    content_type: str | None = None
    public: bool = False
    version: str | None = None

    @property
    def verb(self) -> str:
        return "move" if self.move else "copy"


@dataclass(frozen=True, slots=True)
class Destination:
    """Where things are to go: what is None or "" is taken from each source. `below`: as entries of that folder."""

    account: str | None
    container: str | None
    name: str
    below: bool

    @classmethod
    def read(cls, run: Invocation, text: str | None, to_account: str | None, to_container: str | None) -> Destination:
        """From the words of the command (cli.md section 2.2): here the options win over the text."""
        parsed = parse_location(text or "", "")
        who = to_account or parsed.account
        own = run.cloud().options.get("pithos_uuid") or None
        account = account_id(run.store(), who) if who else own
        name = parsed.name
        return cls(account, to_container or parsed.container or None, name.removesuffix("/"), name.endswith("/"))

    def at(self, source: Location) -> Location:
        """The place itself, as seen from a source."""
        return Location(self.account, self.container or source.container, self.name)


@dataclass(frozen=True, slots=True)
class Step:
    """One object on its way. `there` is what has the name already; `info` the source as a listing or HEAD told it."""

    source: Location
    target: Location
    info: ObjectInfo
    there: ObjectInfo | None


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder that goes as a whole, in one request, to where nothing is."""

    source: Location
    target: Location


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done, in this order: whole folders, markers of folders, files; at the end of a move, the markers
    that are left behind."""

    folders: tuple[Folder, ...] = ()
    markers: tuple[Step, ...] = ()
    files: tuple[Step, ...] = ()


def same(source: ObjectInfo, there: ObjectInfo, request: Request) -> bool:
    """Whether a target is what the source would make of it, as far as both are known (listings tell no metadata)."""
    if source.is_directory and there.is_directory:
        return True
    told = source.meta is not None and there.meta is not None
    return (
        (source.hash, source.size) == (there.hash, there.size)
        and (request.content_type or source.content_type) == there.content_type
        and (not told or (source.meta == there.meta and source.delivery == there.delivery))
        and (not request.public or not told or there.public is not None)
    )


def decide(
    store: ObjectStore, matches: Sequence[Match], destination: Destination, request: Request, *, several: bool
) -> Plan:
    """Look at the sources and at what is where they go. Raises what is wrong with any of them."""
    if request.version is not None and (several or len(matches) > 1):
        raise UsageError("a version is one file's", hint="name one file with --source-version")
    chosen: dict[Location, Match] = {}
    for match in matches:
        seen = _look(store, match, request)
        chosen.setdefault(seen.place, seen)
    several = several or len(chosen) > 1
    _check_containers(store, [destination.at(place) for place in chosen])
    if several and destination.name and not destination.below:
        _check_folder(store, destination.at(next(iter(chosen))))
    pairs = [(match, _target(store, match, destination, several)) for match in chosen.values()]
    _check_pairs(store, pairs, request)
    folders: list[Folder] = []
    steps: list[Step] = []
    for match, target in pairs:
        if _goes_whole(store, match, target, request):
            folders.append(Folder(match.place, target))
        else:
            steps += _steps(store, match, target)
    _check_steps(steps, request)
    return Plan(
        tuple(folders),
        tuple(one for one in steps if one.info.is_directory),
        tuple(one for one in steps if not one.info.is_directory),
    )


def _names_below(store: ObjectStore, place: Location) -> Iterator[ObjectInfo]:
    """Everything in a folder or container, in the order of names; without the folder's own marker."""
    prefix = f"{place.name}/" if place.name else ""
    with addressed(store, place.named("")):
        for page in store.list_pages(place.container, prefix=prefix, account=place.account):
            yield from page.objects


def steps_of(store: ObjectStore, folder: Folder) -> list[Step]:
    """The objects of a folder, one by one."""
    return _steps(store, _look(store, Match(folder.source), Request(recursive=True)), folder.target)


# sources ------------------------------------------------------------------------------------------------------------


def _look(store: ObjectStore, match: Match, request: Request) -> Match:
    """The source with what is known about it. Raises NotFound, and UsageError for a folder that is not to be taken."""
    place = match.place
    if not place.name:
        if not request.recursive:
            raise UsageError(f"{place} is a container", hint=f"add --recursive to {request.verb} everything in it")
        return Match(place, None, True)
    info = match.info if request.version is None else None
    if info is None:
        try:
            place, info = look(store, place, request.version)
        except NotFound:
            place = place.named(place.name.rstrip("/") or place.name)
            if not _any_below(store, place):
                raise
    is_folder = info is None or info.is_directory
    if (is_folder or request.recursive) and request.version is None and _any_below(store, place):
        if not request.recursive:
            raise UsageError(f"{place} is a folder", hint=f"add --recursive to {request.verb} everything in it")
        return Match(place, info, True)
    return Match(place, info, False)


def _any_below(store: ObjectStore, place: Location) -> bool:
    with addressed(store, place.named("")):
        pages = store.list_pages(place.container, prefix=f"{place.name}/", account=place.account, limit=1)
        return any(page.objects for page in pages)


# targets ------------------------------------------------------------------------------------------------------------


def _target(store: ObjectStore, match: Match, destination: Destination, several: bool) -> Location:
    source = match.place
    place = destination.at(source)
    if not place.name:
        return place.named(source.name)
    own = source.name.rstrip("/").rpartition("/")[2] or source.name or source.container
    if destination.below or several or (not match.is_folder and _is_folder(store, place)):
        return place.named(f"{place.name}/{own}")
    return place


def _is_folder(store: ObjectStore, place: Location) -> bool:
    found = _present(store, place)
    return found.is_directory if found is not None else _any_below(store, place)


def _present(store: ObjectStore, place: Location) -> ObjectInfo | None:
    with addressed(store, place):
        try:
            return store.head(place.path(store))
        except NotFound:
            return None


def _check_containers(store: ObjectStore, places: Sequence[Location]) -> None:
    for container in dict.fromkeys(place.named("") for place in places):
        if container.account in (None, store.account):
            with addressed(store, container):
                store.container(container.container)


def _check_folder(store: ObjectStore, place: Location) -> None:
    found = _present(store, place)
    if found is not None and not found.is_directory:
        raise Conflict(f"{place} is a file", 409, hint="several things need a folder to go to")


def _check_pairs(store: ObjectStore, pairs: Sequence[tuple[Match, Location]], request: Request) -> None:
    sources: dict[Location, Location] = {}
    for match, target in pairs:
        source = match.place
        if request.move and source.account not in (None, store.account):
            raise NotAllowed(
                f"only its owner can move {source}", 403, hint="copy it: pithosfs file copy, and let them delete it"
            )
        at, to = source.path(store), target.path(store)
        alike = (at.account, at.container) == (to.account, to.container)
        renewed = not request.move and not match.is_folder and (request.version or request.content_type)
        if alike and at.name == to.name and not renewed:
            raise UsageError(f"{source} is there already", hint="name another place to go to")
        if alike and match.is_folder and (not at.name or to.name.startswith(f"{at.name}/")):
            raise UsageError(f"{source} cannot go into itself", hint="name a place outside of it")
        if target in sources:
            raise UsageError(f"{sources[target]} and {source} would both become {target}", hint="take one at a time")
        sources[target] = source
    if request.move:
        folders = [match.place for match, _ in pairs if match.is_folder]
        for match, _ in pairs:
            for folder in folders:
                if match.place != folder and _is_in(match.place, folder):
                    raise UsageError(f"{match.place} goes along with {folder}", hint="name it only once")


def _is_in(place: Location, folder: Location) -> bool:
    alike = (place.account, place.container) == (folder.account, folder.container)
    return alike and (not folder.name or place.name.startswith(f"{folder.name}/"))


# what is to be done -------------------------------------------------------------------------------------------------


def _goes_whole(store: ObjectStore, match: Match, target: Location, request: Request) -> bool:
    """Whether one request will do: the server takes along everything below an object, to names that are free."""
    if not (match.is_folder and match.place.name and store.capabilities.folder_operations):
        return False
    # What a copy needs of others' folders, and what is made of files on the way, is done name by name.
    if request.content_type or request.public or {match.place.account, target.account} - {None, store.account}:
        return False
    if match.info is None and not request.move:  # a copy must not make a marker at its source
        return False
    return _present(store, target) is None and not _any_below(store, target)


def _steps(store: ObjectStore, match: Match, target: Location) -> list[Step]:
    source = match.place
    if not match.is_folder:
        assert match.info is not None
        return [Step(source, target, match.info, _present(store, target))]
    there = {one.name: one for one in _names_below(store, target)}
    found: list[Step] = []
    if match.info is not None:
        found.append(Step(source, target, match.info, _present(store, target)))
    start = len(source.name) + 1 if source.name else 0
    for info in _names_below(store, source):
        name = f"{target.name}/{info.name[start:]}" if target.name else info.name[start:]
        found.append(Step(source.named(info.name), target.named(name), info, there.get(name)))
    return found


def _check_steps(steps: Sequence[Step], request: Request) -> None:
    """Raise Conflict for what is in the way, before anything is done."""
    blocked = [one for one in steps if one.there and one.there.is_directory != one.info.is_directory]
    for one in blocked:
        kinds = ("a folder", "a file") if one.info.is_directory else ("a file", "a folder")
        raise Conflict(f"{one.source} is {kinds[0]} and {one.target} is {kinds[1]}", 409, hint="move one of them away")
    if request.force:
        return
    different = [one.target for one in steps if one.there and not same(one.info, one.there, request)]
    if different:
        raise taken(different)


def taken(targets: Sequence[Location]) -> Conflict:
    """What to say of targets that are something else than what was to become of them."""
    more = f" and {len(targets) - 3} more" if len(targets) > 3 else ""
    return Conflict(
        f"{', '.join(map(str, targets[:3]))}{more} {'exists' if len(targets) == 1 else 'exist'} already",
        409,
        hint="add --force to replace what is there; its old versions, sharing and links stay",
    )
