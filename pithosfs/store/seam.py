"""The types and the interface between the file system and a cloud.

Everything above this module asks `store.capabilities` before it relies on what only some clouds have (hashmaps,
versions, sharing, server-side moves). All methods may be called from several threads at once. All of them raise the
errors of `pithosfs.errors` and nothing else; those that a retry can mend are raised only after the retries.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from pithosfs.blocks import Hashmap

if TYPE_CHECKING:
    from pithosfs.errors import PithosfsError
    from pithosfs.store.management import Management

__all__ = [
    "DIRECTORY_TYPES",
    "EVERYTHING",
    "SURE_AFTER",
    "Capabilities",
    "ContainerInfo",
    "Delivery",
    "Filters",
    "Found",
    "Listing",
    "ListingStream",
    "NameRule",
    "NewObject",
    "ObjectInfo",
    "ObjectPath",
    "ObjectStore",
    "Sharing",
    "Traffic",
    "Usage",
    "VersionInfo",
]

SURE_AFTER = 2
"""Seconds between the last change in a container and a listing, from which on the listing can be trusted to have that
change: the server compares times in whole seconds (object-store.md section 15)."""

DIRECTORY_TYPE = "application/directory"
DIRECTORY_TYPES = frozenset({DIRECTORY_TYPE, "application/folder"})


@dataclass(frozen=True, slots=True, order=True)
class ObjectPath:
    """The full address of an object: the owner's account id, the container, the name (slashes included, never '')."""

    account: str
    container: str
    name: str

    def child(self, name: str) -> ObjectPath:
        return replace(self, name=f"{self.name}/{name}" if self.name else name)

    def __str__(self) -> str:
        return f"{self.container}/{self.name}"


@dataclass(frozen=True, slots=True)
class Sharing:
    """Who may read and who may write an object: user ids, `account:group` names, or `*` (object-store.md 12.1)."""

    read: tuple[str, ...] = ()
    write: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Sharing:
        """From the wire form `read=a,b; write=c`. Unknown keywords are ignored."""
        lists: dict[str, tuple[str, ...]] = {}
        for part in text.split(";"):
            key, _, value = part.strip().partition("=")
            lists[key.strip()] = tuple(one.strip() for one in value.split(",") if one.strip())
        return cls(lists.get("read", ()), lists.get("write", ()))

    def __str__(self) -> str:
        parts = [f"{key}={','.join(who)}" for key, who in (("read", self.read), ("write", self.write)) if who]
        return "; ".join(parts)

    def __bool__(self) -> bool:
        return bool(self.read or self.write)


@dataclass(frozen=True, slots=True)
class Delivery:
    """How an object is handed out over HTTP (object-store.md section 13, "object extras"); None: nothing is stored.

    A write replaces all three, as it replaces the metadata. An object with a `manifest` (`container/prefix`) reads as
    the objects whose names start so, one after the other (section 17).
    """

    encoding: str | None = None
    disposition: str | None = None
    manifest: str | None = None

    def __bool__(self) -> bool:
        return bool(self.encoding or self.disposition or self.manifest)


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """One version of one object.

    From a listing `meta`, `etag` and `delivery` are None (not told, not "none"); from HEAD, GET and PUT they are known.
    `meta` has the user metadata with keys in lower case and without prefix, values decoded. `version` never changes
    its content or metadata: anything learnt of it may be remembered for good.

    `modified_ns` is exact to the microsecond from a listing, to the second from HEAD, a guess from a PUT. `sharing` and
    `public` belong to the name, not to the version, and are None when that version was asked for. From a listing
    `sharing` is the object's own rule; from HEAD it is the rule that counts, inherited when `shared_by` (the path that
    has it: `account/container/name`) is given. An inherited rule must not be carried along to another name.
    """

    name: str
    size: int
    content_type: str
    hash: str
    version: str
    modified_ns: int
    etag: str | None = None
    uuid: str = ""
    modified_by: str = ""
    sharing: Sharing | None = None
    shared_by: str | None = None
    public: str | None = None
    meta: Mapping[str, str] | None = None
    allowed_to: Literal["read", "write"] | None = None
    delivery: Delivery | None = None

    @property
    def own_sharing(self) -> Sharing | None:
        """The rule that the object carries itself; None when it has none or inherits a folder's."""
        return None if self.shared_by else self.sharing

    @property
    def is_manifest(self) -> bool:
        """Whether other objects are its content (section 17). Then `hash`, and in a listing `size`, are its own, and
        say nothing of the content, which may change without a new version."""
        return self.delivery is not None and self.delivery.manifest is not None

    @property
    def is_directory(self) -> bool:
        return self.content_type.partition(";")[0].strip().lower() in DIRECTORY_TYPES


@dataclass(frozen=True, slots=True)
class NameRule:
    """Sharing and publication of one object below a folder: they belong to names, so a MOVE does not take them along.

    `below` is what follows the folder's name: "" for its marker, else it begins with a slash. `uuid` says whose they
    are: the object keeps it when it is moved.
    """

    below: str
    uuid: str
    sharing: Sharing | None
    public: bool


@dataclass(frozen=True, slots=True)
class Found:
    """What a listing page holds: objects, and roll-ups (name prefixes, without the closing slash)."""

    objects: tuple[ObjectInfo, ...] = ()
    folders: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Filters:
    """What a listing is narrowed down to (object-store.md section 8).

    `until` shows the state just before that time, in whole seconds since the epoch, to the owner only. `meta`: the
    terms of section 8.4 (`key`, `!key`, `key=value`, …). `shared`, `public`: only what the user shares, or has
    published; both together: either. The `…_since` are whole seconds since the epoch, and conditions on the whole.
    """

    until: int | None = None
    meta: tuple[str, ...] = ()
    shared: bool = False
    public: bool = False
    modified_since: int | None = None
    unmodified_since: int | None = None


EVERYTHING = Filters()


@dataclass(frozen=True, slots=True)
class Listing:
    """A whole listing (all pages).

    `complete` is False when it was cut at the caller's limit. `modified` and `date` are the server's Last-Modified and
    Date in whole seconds since the epoch: a change within the second of `date` may be missing from it.
    """

    found: Found
    complete: bool
    modified: int
    date: int


@dataclass(frozen=True, slots=True)
class ListingStream:
    """A listing that is read page by page: at most one page of it is in memory, whatever its size.

    `modified` and `date` are those of the first page, in whole seconds since the epoch, as in `Listing`: what changes
    after it may be missing from the others. `count` is how many objects the container has in all, and `container` what
    else is known of it; None when the cloud does not tell. `pages` can be gone through once, and asks for each page
    when the one before it is used up.
    """

    modified: int
    date: int
    count: int | None
    container: ContainerInfo | None
    pages: Iterator[tuple[ObjectInfo, ...]]


@dataclass(frozen=True, slots=True)
class ContainerInfo:
    """A container. Fields that the server tells only on HEAD are None or empty when they come from a listing."""

    name: str
    modified_ns: int = 0
    count: int | None = None
    size: int | None = None
    policy: Mapping[str, str] = field(default_factory=dict)  # quota, versioning, project
    block_size: int | None = None
    block_hash: str | None = None
    object_meta_keys: frozenset[str] | None = None  # lower case; None: not told
    meta: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class VersionInfo:
    """An entry of an object's history: the version id and its time in nanoseconds since the epoch."""

    version: str
    modified_ns: int


@dataclass(frozen=True, slots=True)
class Usage:
    """Bytes in use and bytes allowed over the account's projects; `quota` None when there is no limit."""

    used: int
    quota: int | None


@dataclass(frozen=True, slots=True)
class Traffic:
    """What went over the wire so far: requests (repeated ones too), bytes of bodies sent and received."""

    requests: int = 0
    sent: int = 0
    received: int = 0


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What this cloud can do beyond plain object storage."""

    hashmaps: bool = True
    versions: bool = True
    sharing: bool = True
    public_links: bool = True
    server_move: bool = True
    folder_operations: bool = True  # COPY, MOVE and DELETE of everything below a name in one request
    ranged_update: bool = True
    policies: bool = True
    conditional_put: bool = True
    bulk_upload: bool = False  # many objects in one request; True is known only once a container was asked for


@dataclass(frozen=True, slots=True)
class NewObject:
    """An object that is to be made, whole. `hashmap` is that of `data`, for who has hashed it already."""

    name: str
    data: bytes
    content_type: str
    meta: Mapping[str, str] = field(default_factory=dict)
    hashmap: Hashmap | None = None


class ObjectStore(ABC):
    """One user's view of one cloud."""

    account: str  # the user's own account id
    capabilities: Capabilities

    # containers -----------------------------------------------------------------------------------------------------

    @abstractmethod
    def containers(self, account: str | None = None) -> list[ContainerInfo]:
        """All containers of an account (default: the own one); of another's, those with something shared."""

    @abstractmethod
    def container(self, name: str, account: str | None = None) -> ContainerInfo:
        """HEAD of a container: block size and hash, policy, counts. Block parameters are remembered."""

    @abstractmethod
    def create_container(self, name: str) -> None:
        """Make a container. Raises Conflict when it exists already."""

    @abstractmethod
    def delete_container(self, name: str) -> None:
        """Delete an empty container. Raises Conflict when it is not empty."""

    @abstractmethod
    def set_policy(self, name: str, policy: Mapping[str, str]) -> None:
        """Change the named policies (quota in bytes, versioning, project) and leave the others."""

    # names ----------------------------------------------------------------------------------------------------------

    @abstractmethod
    def list_objects(
        self,
        container: str,
        *,
        prefix: str = "",
        delimiter: str | None = None,
        account: str | None = None,
        limit: int | None = None,
        modified_since: int | None = None,
    ) -> Listing | None:
        """All objects of a container, or those below `prefix`, over as many pages as it takes.

        With `delimiter` deeper names are rolled up. With `limit` it stops after that many entries
        (`complete=False`). With `modified_since` (seconds) the answer None says that nothing is newer. Names that
        start with `/` are included.
        """

    @abstractmethod
    def list_pages(
        self,
        container: str,
        *,
        prefix: str = "",
        delimiter: str | None = None,
        marker: str | None = None,
        account: str | None = None,
        limit: int | None = None,
        filters: Filters = EVERYTHING,
    ) -> Iterator[Found]:
        """A listing part by part, in the order of names: each page is asked for when the one before it is used up.

        At most `limit` entries, and only those behind `marker`. Raises PreconditionFailed when a time condition of
        `filters` does not hold.
        """

    @abstractmethod
    def stream_listing(
        self,
        container: str,
        *,
        prefix: str = "",
        relative: bool = False,
        account: str | None = None,
        modified_since: int | None = None,
    ) -> ListingStream | None:
        """All objects below `prefix` in the order of names, page by page; the first page is asked for at once.

        With `relative` the names come without the prefix. None says that nothing in the container is newer than
        `modified_since` (whole seconds; compared in those, so a listing from the second of the last change may have
        missed a part of it). Raises NotFound when there is no such container, BadReply also for an answer that does not
        tell the times.
        """

    @abstractmethod
    def head(self, path: ObjectPath, version: str | None = None) -> ObjectInfo:
        """Everything about the current, or the named, version. Raises NotFound, NotAllowed."""

    @abstractmethod
    def versions(self, path: ObjectPath) -> list[VersionInfo]:
        """The history, oldest first, of a present or deleted object."""

    @abstractmethod
    def shared_accounts(self) -> list[str]:
        """Ids of the accounts that share something with this user."""

    @abstractmethod
    def user_names(self, ids: Sequence[str]) -> dict[str, str]:
        """id → user name; unknown ids are left out. Answers are remembered."""

    @abstractmethod
    def user_ids(self, names: Sequence[str]) -> dict[str, str]:
        """user name → id; unknown names are left out. Answers are remembered."""

    @abstractmethod
    def usage(self) -> Usage:
        """Bytes in use and allowed."""

    # contents -------------------------------------------------------------------------------------------------------

    @abstractmethod
    def hashmap(self, path: ObjectPath, version: str | None = None) -> Hashmap:
        """The block hashes of a version. A last hash that covers bytes cut off by a truncation is returned as is."""

    @abstractmethod
    def read_range(self, path: ObjectPath, start: int, end: int, version: str) -> bytes:
        """Bytes start (included) to end (excluded, never past the size) of a version; exactly that many or an error."""

    @abstractmethod
    def get_object(self, path: ObjectPath, version: str, size: int) -> tuple[ObjectInfo, bytes]:
        """What `head` tells of a version of `size` bytes, and these bytes, in one request.

        Of a manifest they are the first bytes, and there may be more: the info tells. They are compared with no hash;
        that is the caller's to do.
        """

    @abstractmethod
    def put_object(
        self,
        path: ObjectPath,
        data: bytes,
        *,
        content_type: str,
        meta: Mapping[str, str],
        base: str | None,
        sharing: Sharing | None = None,
        public: bool | None = None,
        delivery: Delivery | None = None,
        hashmap: Hashmap | None = None,
    ) -> ObjectInfo:
        """Create or replace an object in one request with its whole content.

        `base` is the ETag that the change is based on, "" when the name must not exist yet, None for no condition.
        Raises PreconditionFailed when that does not hold. All metadata is replaced by `meta`. Sharing and publication
        stay as they are unless given. `hashmap` is that of `data`, for who has hashed it already: what the cloud stored
        is compared with it. Returns what is now there (etag, version, hash known; `modified_ns` is a guess).
        """

    @abstractmethod
    def put_many(
        self, container: str, items: Sequence[NewObject], *, account: str | None = None
    ) -> list[ObjectInfo | PithosfsError]:
        """Make objects whose names must be free, in one request where the cloud can do that, else side by side.

        Returns for each what is there now, or why it was not made: PreconditionFailed when the name is taken, by
        anything but the very object that was to be made (content, type and metadata), which may be the work of a
        request whose answer was lost. Raises what concerns all of them (no connection, no such container): then it is
        not known which were made, and the same call can be made again. All of `items` is in memory twice. It is made
        for small ones: from some hundred KiB on each goes as fast by a request of its own.
        """

    @abstractmethod
    def missing_blocks(self, container: str, hashmap: Hashmap) -> list[str]:
        """Which blocks of a hashmap the cloud does not hold yet, each once. Changes nothing."""

    @abstractmethod
    def put_block(self, container: str, data: bytes, *, check: bool = True) -> str:
        """Store one block (at most the block size, not stripped) through an own container.

        Returns the hash that the cloud gave it, compared with the data unless the caller does that (`check` False).
        """

    @abstractmethod
    def put_hashmap(
        self,
        path: ObjectPath,
        hashmap: Hashmap,
        *,
        content_type: str,
        meta: Mapping[str, str],
        base: str | None,
        sharing: Sharing | None = None,
        public: bool | None = None,
        delivery: Delivery | None = None,
    ) -> ObjectInfo | list[str]:
        """Like put_object, from blocks that the cloud holds. A list answer names the missing ones; nothing changed."""

    @abstractmethod
    def update_range(
        self,
        path: ObjectPath,
        offset: int,
        data: bytes,
        *,
        size: int,
        base: str,
        meta: Mapping[str, str],
        grow: bool = False,
    ) -> ObjectInfo:
        """Overwrite bytes inside an object of `size` bytes whose ETag is `base`, merging `meta` in, as one version.

        With `grow` the bytes may also go on, or begin, at the object's end, which makes it longer.
        """

    # changes without content ----------------------------------------------------------------------------------------

    @abstractmethod
    def update_meta(self, path: ObjectPath, changes: Mapping[str, str | None], base: str | None = None) -> ObjectInfo:
        """Set (value) or remove (None) the named user metadata keys and leave the others. Returns the new version."""

    @abstractmethod
    def replace_meta(self, path: ObjectPath, meta: Mapping[str, str], *, content_type: str) -> ObjectInfo:
        """Give the object this content type and exactly this metadata, the content staying (a copy onto itself)."""

    @abstractmethod
    def set_sharing(self, path: ObjectPath, sharing: Sharing) -> None:
        """Replace the sharing rule; an empty one ends it."""

    @abstractmethod
    def set_public(self, path: ObjectPath, public: bool) -> str | None:
        """Publish (returns the URL) or withdraw."""

    @abstractmethod
    def copy(
        self, source: ObjectPath, target: ObjectPath, *, version: str | None = None, base: str | None = None
    ) -> ObjectInfo:
        """Copy on the server; no content moves. `base` is tested on the target as in put_object."""

    @abstractmethod
    def move(
        self, source: ObjectPath, target: ObjectPath, *, sharing: Sharing | None = None, public: bool = False
    ) -> None:
        """Move one object to a name that is free, giving it that sharing and publication.

        Raises PreconditionFailed when something has that name; then nothing has changed.
        """

    @abstractmethod
    def move_folder(self, source: ObjectPath, target: ObjectPath, rules: Sequence[NameRule] | None = None) -> None:
        """Move a folder marker and everything below it in one request, to a free name. A missing marker is made first.

        `rules` are the `name_rules` of the source, which the caller has; then he gives them to `set_name_rules` at the
        new name afterwards (he may be killed in between, and must know them when he comes back). Without them both is
        done here: an error may then come before the move (nothing has changed) or after it (some rules are missing at
        the new names, and the log says which): look where the folder is.
        """

    @abstractmethod
    def name_rules(self, folder: ObjectPath) -> list[NameRule]:
        """Sharing and publication of a folder's marker and of everything below that has its own."""

    @abstractmethod
    def set_name_rules(self, folder: ObjectPath, rules: Sequence[NameRule], *, again: bool = False) -> None:
        """Give the objects below a folder these rules. What is not there any more is left out.

        `again`: it may have been done in part, and others may have changed things since: only objects that still are
        the same (by `uuid`) and have no rule now get theirs. Raises the first error when all have been tried.
        """

    @abstractmethod
    def delete(self, path: ObjectPath) -> None:
        """Delete one object. Raises NotFound when it is not there."""

    @abstractmethod
    def management(self) -> Management:
        """What can be done with the account beyond reading and writing files."""

    def traffic(self) -> Traffic:
        """What this store has asked of the cloud; all zero where nobody counts."""
        return Traffic()

    @abstractmethod
    def close(self) -> None:
        """Let the connections go."""
