"""The management of a storage account on Pithos (object-store.md sections 5, 6, 7.4, 10, 11)."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import IO

from pithosfs.clients.pithos import replies
from pithosfs.clients.pithos.encoding import header_date, iso_ns, seconds_ns
from pithosfs.clients.pithos.wire import PithosWire
from pithosfs.errors import Conflict, NotFound, PreconditionFailed, UsageError
from pithosfs.store import moving
from pithosfs.store.changes import condition, read_back
from pithosfs.store.listing import PAGE
from pithosfs.store.management import AccountInfo, Management, SharingAccount
from pithosfs.store.replies import container_from_entry, container_from_head, object_from_head
from pithosfs.store.seam import (
    EVERYTHING,
    ContainerInfo,
    Delivery,
    Filters,
    ObjectInfo,
    ObjectPath,
    Sharing,
)

__all__ = ["PithosManagement"]

_SECOND = 1_000_000_000
_A_MOMENT = 0.1  # seconds


class PithosManagement(Management):
    """Over the requests to a Pithos server; `account` is the user's own. No state."""

    def __init__(self, wire: PithosWire, account: str) -> None:
        self._wire = wire
        self._own = account

    # accounts -------------------------------------------------------------------------------------------------------

    def account(self, account: str | None = None, until: int | None = None) -> AccountInfo:
        account = account or self._own
        head = replies.account_head(self._wire.account_head(account, until=until))
        return AccountInfo(
            account=account,
            modified_ns=None if head.modified is None else head.modified * _SECOND,
            container_count=head.container_count,
            bytes_used=head.bytes_used,
            quota=head.quota,
            project_quotas=head.project_quotas,
            groups=head.groups,
            meta=head.meta,
        )

    def sharing_accounts(self) -> list[SharingAccount]:
        found = replies.entries(self._wire.accounts_get())
        return [
            SharingAccount(entry["name"], iso_ns(str(entry["last_modified"])) if entry.get("last_modified") else None)
            for entry in found
            if entry["name"] != self._own
        ]

    def set_group(self, name: str, members: Sequence[str]) -> None:
        self._wire.account_post(self._own, groups={name: members})

    # containers -----------------------------------------------------------------------------------------------------

    def containers(
        self, account: str | None = None, *, marker: str | None = None, filters: Filters = EVERYTHING
    ) -> list[ContainerInfo]:
        account = account or self._own
        found: dict[str, ContainerInfo] = {}
        while True:
            reply = self._wire.account_get(
                account,
                limit=PAGE,
                marker=marker,
                shared=filters.shared,
                public=filters.public,
                until=filters.until,
                if_modified_since=None if found else filters.modified_since,
                if_unmodified_since=None if found else filters.unmodified_since,
            )
            if reply.status_code == 304:
                raise PreconditionFailed("the account has not changed since then", 304)
            page = replies.entries(reply)
            before = len(found)
            # Narrowed lists, and those of others, ignore the marker: they are one page (section 8.5).
            found.update(
                (entry["name"], container_from_entry(entry)) for entry in page if not marker or entry["name"] > marker
            )
            if len(page) < PAGE or len(found) == before or account != self._own or filters.shared or filters.public:
                return list(found.values())
            marker = page[-1]["name"]

    def container(self, name: str, account: str | None = None, until: int | None = None) -> ContainerInfo:
        reply = self._wire.container_head(account or self._own, name, until=until)
        return container_from_head(name, replies.container_head(reply))

    def create_container(
        self,
        name: str,
        *,
        policy: Mapping[str, str] | None = None,
        meta: Mapping[str, str] | None = None,
        account: str | None = None,
    ) -> None:
        account = account or self._own
        # A PUT would change what exists already (section 6), so that is looked for first.
        try:
            self._wire.container_head(account, name)
        except NotFound:
            pass
        else:
            raise Conflict(f"the container {name!r} exists already", 409)
        reply = self._wire.container_put(account, name, policy=policy, meta=meta)
        if reply.status_code == 202 and reply.attempts == 1:
            raise Conflict(f"the container {name!r} was made by somebody else just now", 409)

    def update_container(
        self,
        name: str,
        *,
        policy: Mapping[str, str] | None = None,
        meta: Mapping[str, str | None] | None = None,
        account: str | None = None,
    ) -> None:
        changes = {key: value or "" for key, value in (meta or {}).items()}
        self._wire.container_post(account or self._own, name, policy=policy, meta=changes)

    def delete_container(self, name: str, account: str | None = None) -> None:
        self._wire.container_delete(account or self._own, name)

    def empty_container(self, name: str, account: str | None = None) -> None:
        self._wire.container_delete(account or self._own, name, delimiter="/")

    def purge_container(self, name: str, until: int, account: str | None = None) -> None:
        self._wire.container_delete(account or self._own, name, until=until)

    # objects --------------------------------------------------------------------------------------------------------

    def purge(self, path: ObjectPath, until: int) -> int:
        moment, young = self._purge_time(path, until)
        while young:  # deleted within this second: when that is over, no new version can be that old
            time.sleep(_A_MOMENT)
            moment, young = self._purge_time(path, until)
        self._wire.object_delete(path.account, path.container, path.name, until=moment)
        return moment

    def _purge_time(self, path: ObjectPath, until: int) -> tuple[int, bool]:
        """The time not later than `until` up to which nothing is, or can become, the present version; and whether there
        are versions of a deleted object that are too young for that, but not for `until`.

        The server destroys what is as old as that or older, the present version too (section 7.6). Whatever is written
        from now on is younger than what has been seen.
        """
        reply = self._wire.object_versions(path.account, path.container, path.name)
        times = {version: seconds_ns(when) for version, when in replies.version_list(reply)}
        try:
            head = replies.object_head(self._wire.object_head(path.account, path.container, path.name))
        except NotFound:
            now = header_date(reply.headers.get("Date")) or 0
            return min(until, now), any(now * _SECOND < one <= until * _SECOND for one in times.values())
        exact = times.get(head.version)
        if exact is None:  # replaced meanwhile: HEAD tells the second
            exact = (head.version_time or head.modified or 0) * _SECOND
        return min(until, math.ceil(exact / _SECOND) - 1), False

    def _version_of(self, path: ObjectPath) -> str:
        reply = self._wire.object_head(path.account, path.container, path.name)
        return replies.object_head(reply).version

    def delete_below(self, path: ObjectPath, delimiter: str = "/") -> None:
        self._wire.object_delete(path.account, path.container, path.name, delimiter=delimiter)

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
        # An old version would get the type of the newest one, or none if that is deleted (section 20, row 15).
        if version is not None and content_type is None:
            content_type = self._head(source, version).content_type
        reply = self._wire.object_put_from(
            target.account,
            target.container,
            target.name,
            (source.account, source.container, source.name),
            source_version=version,
            content_type=content_type,
            meta=meta,
            sharing=None if sharing is None else str(sharing),
            public=public,
            **condition(base),
        )
        return read_back(self._wire, target, reply)

    def copy_folder(self, source: ObjectPath, target: ObjectPath) -> ObjectInfo:
        reply = self._wire.object_put_from(
            target.account,
            target.container,
            target.name,
            (source.account, source.container, source.name),
            delimiter="/",
            **condition(""),
        )
        return read_back(self._wire, target, reply)

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
        if base == "" and version is None:
            moving.move(self._wire, source, target, sharing=sharing, public=bool(public), content_type=content_type)
            return self._head(target)
        # The server's MOVE would drop the history of the target. A copy becomes a new version of it.
        before = self._head(source)
        info = self.copy(
            source,
            target,
            version=version or before.version,
            base=base,
            content_type=content_type or (None if version else before.content_type),
            sharing=sharing,
            public=public,
        )
        with suppress(NotFound):  # somebody else has taken it away meanwhile
            # DELETE takes no condition: look right before it whether it still is what was copied.
            if self._version_of(source) != before.version:
                raise Conflict(
                    f"{source} was changed while it was moved, and stays; what it was before is at {target}",
                    409,
                )
            self._wire.object_delete(source.account, source.container, source.name)
        return info

    def restore(self, path: ObjectPath, version: str, base: str | None = None) -> ObjectInfo:
        return self.copy(path, path, version=version, base=base)

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
        reply = self._wire.object_put(
            path.account,
            path.container,
            path.name,
            data,
            content_type=content_type,
            md5=md5,
            meta=meta,
            sharing=None if sharing is None else str(sharing),
            public=public,
            content_encoding=delivery.encoding if delivery else None,
            content_disposition=delivery.disposition if delivery else None,
            manifest=delivery.manifest if delivery else None,
            **condition(base),
        )
        return read_back(self._wire, path, reply)

    def append(self, path: ObjectPath, data: bytes, *, base: str) -> ObjectInfo:
        reply = self._wire.object_write(path.account, path.container, path.name, data, offset=None, if_match=base)
        return read_back(self._wire, path, reply)

    def overwrite(self, path: ObjectPath, offset: int, data: bytes, *, base: str) -> ObjectInfo:
        reply = self._wire.object_write(path.account, path.container, path.name, data, offset=offset, if_match=base)
        return read_back(self._wire, path, reply)

    def truncate(self, path: ObjectPath, size: int, *, base: str) -> ObjectInfo:
        present = self._head(path)
        if not 0 <= size <= present.size:
            raise UsageError(f"{path} has {present.size} bytes: it cannot be cut to {size}")
        reply = self._wire.object_write(
            path.account, path.container, path.name, b"", offset=None, object_bytes=size, if_match=base
        )
        return read_back(self._wire, path, reply)

    def _head(self, path: ObjectPath, version: str | None = None) -> ObjectInfo:
        reply = self._wire.object_head(path.account, path.container, path.name, version=version)
        return object_from_head(path.name, replies.object_head(reply))
