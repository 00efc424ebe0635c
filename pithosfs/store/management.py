"""What commands do with a storage account beyond reading and writing files: its containers, groups and history.

The second half of the seam: `store.management()` of a cloud that has these things (`store.capabilities`). Like
`ObjectStore`, everything may be called from several threads and raises the errors of `pithosfs.errors`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO

from pithosfs.store.seam import (
    EVERYTHING,
    ContainerInfo,
    Delivery,
    Filters,
    ObjectInfo,
    ObjectPath,
    Sharing,
)

__all__ = ["AccountInfo", "Management", "SharingAccount"]


@dataclass(frozen=True, slots=True)
class AccountInfo:
    """An account (object-store.md section 5). Of somebody else's only `modified_ns` is told; the others are None or
    empty. Sizes are bytes."""

    account: str
    modified_ns: int | None = None
    container_count: int | None = None
    bytes_used: int | None = None
    quota: int | None = None
    project_quotas: Mapping[str, int] = field(default_factory=dict)  # project id → bytes
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # name → member ids
    meta: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SharingAccount:
    """An account that shares something with the user, and when it last changed (None: not told)."""

    account: str
    modified_ns: int | None = None


class Management(ABC):
    """One user's account, and what others let him see of theirs."""

    # accounts -------------------------------------------------------------------------------------------------------

    @abstractmethod
    def account(self, account: str | None = None, until: int | None = None) -> AccountInfo:
        """Everything about an account (default: the own one); `until`: as it was then, in seconds, own one only."""

    @abstractmethod
    def sharing_accounts(self) -> list[SharingAccount]:
        """Who shares something with this user."""

    @abstractmethod
    def set_group(self, name: str, members: Sequence[str]) -> None:
        """Make a group of these user ids, or replace its members; without members the group goes.

        Raises BadRequest for a bad name (only letters, digits and such, no `-` or `_`) and for unknown members.
        """

    # containers -----------------------------------------------------------------------------------------------------

    @abstractmethod
    def containers(
        self, account: str | None = None, *, marker: str | None = None, filters: Filters = EVERYTHING
    ) -> list[ContainerInfo]:
        """The containers, narrowed down (`filters.meta` means nothing here). Raises PreconditionFailed when a time
        condition does not hold."""

    @abstractmethod
    def container(self, name: str, account: str | None = None, until: int | None = None) -> ContainerInfo:
        """HEAD of a container, now or as it was at a time. Raises NotFound, also when it did not exist then."""

    @abstractmethod
    def create_container(
        self,
        name: str,
        *,
        policy: Mapping[str, str] | None = None,
        meta: Mapping[str, str] | None = None,
        account: str | None = None,
    ) -> None:
        """Make a container with its policies (quota in bytes, versioning, project) and metadata in one request.

        Raises Conflict when it exists already; then nothing has changed.
        """

    @abstractmethod
    def update_container(
        self,
        name: str,
        *,
        policy: Mapping[str, str] | None = None,
        meta: Mapping[str, str | None] | None = None,
        account: str | None = None,
    ) -> None:
        """Change the named policies and metadata (None removes a key) and leave the others."""

    @abstractmethod
    def delete_container(self, name: str, account: str | None = None) -> None:
        """Delete an empty container with its history. Raises Conflict when it is not empty."""

    @abstractmethod
    def empty_container(self, name: str, account: str | None = None) -> None:
        """Delete every object in it in one request; their old versions stay."""

    @abstractmethod
    def purge_container(self, name: str, until: int, account: str | None = None) -> None:
        """Destroy the old versions made up to that time (seconds) in the whole container; present objects stay."""

    # objects --------------------------------------------------------------------------------------------------------

    @abstractmethod
    def purge(self, path: ObjectPath, until: int) -> int:
        """Destroy for good the old versions of an object that were made up to that time, in seconds.

        The present version is never destroyed, nor one that is made meanwhile: a time at which the present one existed
        already becomes the second before it. So an old version of that very second stays. Of a deleted object
        everything may go. Returns the time that was used. Raises NotFound when there is no history.
        """

    @abstractmethod
    def delete_below(self, path: ObjectPath, delimiter: str = "/") -> None:
        """Delete an object and everything whose name starts with its name and the delimiter, in one request.

        Raises NotFound when there is no object of that very name.
        """

    @abstractmethod
    def copy(
        self,
        source: ObjectPath,
        target: ObjectPath,
        *,
        version: str | None = None,
        base: str | None = None,
        content_type: str | None = None,
        meta: Mapping[str, str] | None = None,
        sharing: Sharing | None = None,
        public: bool | None = None,
    ) -> ObjectInfo:
        """Copy on the server; `base` is tested on the target as in `ObjectStore.put_object`, `meta` is merged in.

        Type and metadata are those of the version that is copied unless given. Sharing and publication are never
        copied: a target that exists keeps its own.
        """

    @abstractmethod
    def copy_folder(self, source: ObjectPath, target: ObjectPath) -> ObjectInfo:
        """Copy an object and everything below it in one request, to a free name; what is now there.

        Raises NotFound when there is no object of that very name, PreconditionFailed when the target has one: that may
        be this very copy, if its first answer was lost.
        """

    @abstractmethod
    def move(
        self,
        source: ObjectPath,
        target: ObjectPath,
        *,
        version: str | None = None,
        base: str | None = "",
        content_type: str | None = None,
        sharing: Sharing | None = None,
        public: bool | None = None,
    ) -> ObjectInfo:
        """Move on the server. `base` is tested on the target: "" for a name that must be free, None to replace it.

        With `version` the target becomes what the source was in that version. The history of both names does not move.
        `sharing` and `public` are set at the new name.
        """

    @abstractmethod
    def restore(self, path: ObjectPath, version: str, base: str | None = None) -> ObjectInfo:
        """Make an old version the newest again, with its content, type and metadata. Works for a deleted object.

        `base` as in `ObjectStore.put_object`. Raises NotFound for a version that is not this object's.
        """

    @abstractmethod
    def put_whole(
        self,
        path: ObjectPath,
        data: IO[bytes] | Iterator[bytes],
        *,
        content_type: str,
        meta: Mapping[str, str],
        base: str | None,
        md5: str | None = None,
        sharing: Sharing | None = None,
        public: bool | None = None,
        delivery: Delivery | None = None,
    ) -> ObjectInfo:
        """As `ObjectStore.put_object`, in one request whatever the size, the content never in memory.

        What can seek is sent with its length, and again when a connection breaks; an iterator chunked, and once. The
        cloud compares what arrived with `md5` and raises BadRequest (422) when it differs; nothing has changed then.
        """

    @abstractmethod
    def append(self, path: ObjectPath, data: bytes, *, base: str) -> ObjectInfo:
        """Add bytes to the end of an object whose ETag is `base`. Raises PreconditionFailed."""

    @abstractmethod
    def overwrite(self, path: ObjectPath, offset: int, data: bytes, *, base: str) -> ObjectInfo:
        """Write bytes at a place inside, or from there over the end of, an object whose ETag is `base`."""

    @abstractmethod
    def truncate(self, path: ObjectPath, size: int, *, base: str) -> ObjectInfo:
        """Cut an object whose ETag is `base` to its first bytes. A larger `size` raises UsageError."""
