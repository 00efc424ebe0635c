"""The seam's implementation on Pithos (object-store.md).

No state but what never changes: block parameters of containers, which own containers exist, names of users. So every
method may be called from any thread; two threads may at worst both ask for the same.
"""

from __future__ import annotations

import hashlib
import io
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Protocol

from pithosfs.bandwidth import Bandwidth
from pithosfs.blocks import Hashmap, block_hash, hash_stream
from pithosfs.clients import connect
from pithosfs.clients.pithos import replies
from pithosfs.clients.pithos.encoding import header_date, seconds_ns
from pithosfs.clients.pithos.wire import PithosWire
from pithosfs.config import DEFAULT_CONTAINER, Cloud
from pithosfs.errors import BadReply, Conflict, NotFound, PithosfsError, PreconditionFailed, UsageError
from pithosfs.http import Reply, RetryPolicy, Session
from pithosfs.store import moving, reading
from pithosfs.store.bulk import BulkUpload, put_side_by_side
from pithosfs.store.changes import condition, normalised, read_back
from pithosfs.store.listing import PAGE, list_objects, list_pages, stream_listing
from pithosfs.store.management import Management
from pithosfs.store.pithos_management import PithosManagement
from pithosfs.store.replies import container_from_entry, container_from_head, object_from_head
from pithosfs.store.seam import (
    EVERYTHING,
    Capabilities,
    ContainerInfo,
    Delivery,
    Filters,
    Found,
    Listing,
    ListingStream,
    NameRule,
    NewObject,
    ObjectInfo,
    ObjectPath,
    ObjectStore,
    Sharing,
    Traffic,
    Usage,
    VersionInfo,
)

__all__ = ["PithosStore", "UserCatalog", "open_store"]

_OCTETS = "application/octet-stream"
_UNLIMITED = 2**63 - 1  # what a quota says when there is none (identity.md section 1.1)
# An object of this name never comes to be, see `missing_blocks`.
_PROBE_NAME = ".pithosfs-missing-blocks"
_MD5_LENGTH = 32


class UserCatalog(Protocol):
    """Who is who: the identity service as far as the store needs it. Unknown ones are left out of the answers."""

    def uuids2usernames(self, uuids: Iterable[str]) -> Mapping[str, str]:
        """User id → user name."""

    def usernames2uuids(self, usernames: Iterable[str]) -> Mapping[str, str]:
        """User name → user id."""


class PithosStore(ObjectStore):
    """One user's view of a Pithos cloud. `session` counts its traffic, `on_close` lets the connections go."""

    capabilities = Capabilities()

    def __init__(
        self,
        wire: PithosWire,
        account: str,
        catalog: UserCatalog,
        *,
        session: Session | None = None,
        on_close: Callable[[], None] = lambda: None,
    ) -> None:
        self.account = account
        self._session = session
        self._wire = wire
        self._catalog = catalog
        self._on_close = on_close
        self._parameters: dict[tuple[str, str], tuple[int, str]] = {}
        self._bulk: dict[tuple[str, str], int] = {}
        self._through: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._ids: dict[str, str] = {}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._wire.endpoint_url!r})"

    # containers -----------------------------------------------------------------------------------------------------

    def containers(self, account: str | None = None) -> list[ContainerInfo]:
        account = account or self.account
        found: dict[str, ContainerInfo] = {}
        marker: str | None = None
        while True:
            page = replies.entries(self._wire.account_get(account, limit=PAGE, marker=marker))
            found.update((entry["name"], container_from_entry(entry)) for entry in page)
            # An account list of somebody else's ignores the marker: it is one page (section 8.5).
            if len(page) < PAGE or account != self.account or page[-1]["name"] == marker:
                return list(found.values())
            marker = page[-1]["name"]

    def container(self, name: str, account: str | None = None) -> ContainerInfo:
        account = account or self.account
        return self._learn(account, name, replies.container_head(self._wire.container_head(account, name)))

    def _learn(self, account: str, name: str, head: replies.ContainerHead) -> ContainerInfo:
        """Remember what every write needs to know of a container."""
        info = container_from_head(name, head)
        assert info.block_size is not None
        assert info.block_hash is not None
        if info.block_hash not in hashlib.algorithms_available:
            raise BadReply(f"{name!r} uses a block hash that is not known here: {info.block_hash!r}")
        self._parameters[account, name] = (info.block_size, info.block_hash)
        if head.bulk_members:
            self._bulk[account, name] = head.bulk_members
            self.capabilities = replace(self.capabilities, bulk_upload=True)
        return info

    def create_container(self, name: str) -> None:
        reply = self._wire.container_put(self.account, name)
        # After a second attempt "exists already" may speak of the first one's work.
        if reply.status_code == 202 and reply.attempts == 1:
            raise Conflict(f"the container {name!r} exists already", 409)

    def delete_container(self, name: str) -> None:
        self._wire.container_delete(self.account, name)
        self._forget(name)

    def set_policy(self, name: str, policy: Mapping[str, str]) -> None:
        if policy:
            self._wire.container_post(self.account, name, policy=dict(policy))

    # names ----------------------------------------------------------------------------------------------------------

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
        return list_objects(
            self._wire,
            account or self.account,
            container,
            prefix=prefix,
            delimiter=delimiter,
            limit=limit,
            modified_since=modified_since,
        )

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
        for page in list_pages(
            self._wire,
            account or self.account,
            container,
            prefix=prefix,
            delimiter=delimiter,
            marker=marker,
            limit=limit,
            filters=filters,
        ):
            if page.unchanged:
                raise PreconditionFailed(f"{container!r} has not changed since then", 304)
            yield page.found

    def stream_listing(
        self,
        container: str,
        *,
        prefix: str = "",
        relative: bool = False,
        account: str | None = None,
        modified_since: int | None = None,
    ) -> ListingStream | None:
        account = account or self.account
        return stream_listing(
            self._wire,
            account,
            container,
            prefix=prefix,
            relative=relative,
            modified_since=modified_since,
            learn=partial(self._learn, account, container),
        )

    def head(self, path: ObjectPath, version: str | None = None) -> ObjectInfo:
        reply = self._wire.object_head(path.account, path.container, path.name, version=version)
        return object_from_head(path.name, replies.object_head(reply))

    def versions(self, path: ObjectPath) -> list[VersionInfo]:
        reply = self._wire.object_versions(path.account, path.container, path.name)
        return [VersionInfo(version, seconds_ns(when)) for version, when in replies.version_list(reply)]

    def shared_accounts(self) -> list[str]:
        found = (str(entry["name"]) for entry in replies.entries(self._wire.accounts_get()))
        return [one for one in found if one != self.account]

    def user_names(self, ids: Sequence[str]) -> dict[str, str]:
        return _looked_up(ids, self._names, self._catalog.uuids2usernames)

    def user_ids(self, names: Sequence[str]) -> dict[str, str]:
        return _looked_up(names, self._ids, self._catalog.usernames2uuids)

    def usage(self) -> Usage:
        head = replies.account_head(self._wire.account_head(self.account))
        unlimited = head.quota is None or head.quota >= _UNLIMITED
        return Usage(head.bytes_used or 0, None if unlimited else head.quota)

    # contents -------------------------------------------------------------------------------------------------------

    def hashmap(self, path: ObjectPath, version: str | None = None) -> Hashmap:
        reply = self._wire.object_hashmap(path.account, path.container, path.name, version=version)
        return replies.hashmap(reply)

    def read_range(self, path: ObjectPath, start: int, end: int, version: str) -> bytes:
        if start >= end:
            return b""
        reply = self._wire.object_get(path.account, path.container, path.name, version=version, start=start, end=end)
        data = reply.content
        if len(data) != end - start:
            raise BadReply(f"{end - start} bytes of {path} were asked for and {len(data)} came")
        return data

    def get_object(self, path: ObjectPath, version: str, size: int) -> tuple[ObjectInfo, bytes]:
        return reading.get_object(self._wire, path, version, size)

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
        if hashmap is None:
            hashmap = hash_stream(io.BytesIO(data), *self._block_parameters(path.account, path.container))
        md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
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
        etag = replies.written(reply).etag
        if etag != (md5 if len(etag) == _MD5_LENGTH != len(hashmap.root) else hashmap.root):
            raise BadReply(f"the cloud stored something else for {path} than was sent")
        return self._stored(path, reply, hashmap, content_type, meta, sharing, delivery)

    def put_many(
        self, container: str, items: Sequence[NewObject], *, account: str | None = None
    ) -> list[ObjectInfo | PithosfsError]:
        account = account or self.account
        block_size, algorithm = self._block_parameters(account, container)
        at_once = self._bulk.get((account, container))
        if not at_once:
            return put_side_by_side(self, account, container, items)
        return BulkUpload(self, self._wire, account, container, block_size, algorithm).put(items, at_once)

    def missing_blocks(self, container: str, hashmap: Hashmap) -> list[str]:
        # There is no request that just asks. But a PUT of a hashmap of which a block is missing changes nothing and
        # tells what is missing, before the server looks at anything else (section 21). So one block is put in that
        # nobody can have: the hash is random, no content is known for it. Thus the object is never made, whatever
        # the other blocks are, and everything but the random one in the answer is what was asked for.
        names = list(dict.fromkeys(hashmap.hashes))
        if not names:
            return []
        through = self._own_container(container)
        block_size, algorithm = self._block_parameters(self.account, through)
        nobody = secrets.token_hex(hashlib.new(algorithm).digest_size)
        # Full blocks: the server compares the number of hashes with the size first.
        asked = (block_size * (len(names) + 1), [*names, nobody])
        reply = self._wire.object_put_hashmap(self.account, through, _PROBE_NAME, asked, content_type=_OCTETS)
        missing = replies.missing_hashes(reply)
        if missing is None or nobody not in missing:
            raise BadReply("the cloud says that it has a block which nobody has ever made")
        wanted = set(names)
        return [name for name in missing if name in wanted]

    def put_block(self, container: str, data: bytes, *, check: bool = True) -> str:
        through = self._own_container(container)
        block_size, algorithm = self._block_parameters(self.account, through)
        if len(data) > block_size:
            raise UsageError(f"a block of {len(data)} bytes is larger than the container's blocks of {block_size}")
        # An empty body would store nothing: the block of NULs is sent as one NUL.
        body = data or b"\0"
        try:
            reply = self._wire.blocks_post(self.account, through, body)
        except NotFound:  # it has been deleted since it was last used
            self._forget(through)
            reply = self._wire.blocks_post(self.account, self._own_container(container), body)
        stored = replies.block_hashes(reply)
        expected = block_hash(data, algorithm) if check else "one block"
        if len(stored) != 1 or (check and stored[0] != expected):
            raise BadReply(f"the cloud stored a block of {len(data)} bytes as {stored}, not as {expected}")
        return stored[0]

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
        reply = self._wire.object_put_hashmap(
            path.account,
            path.container,
            path.name,
            hashmap,
            content_type=content_type,
            meta=meta,
            sharing=None if sharing is None else str(sharing),
            public=public,
            content_encoding=delivery.encoding if delivery else None,
            content_disposition=delivery.disposition if delivery else None,
            manifest=delivery.manifest if delivery else None,
            **condition(base),
        )
        missing = replies.missing_hashes(reply)
        if missing is not None:
            if not missing:
                raise BadReply(f"the cloud refuses {path} for missing blocks, and names none")
            return missing
        etag = replies.written(reply).etag
        # With the MD5 option there is nothing to compare: the server's MD5 of such objects may be wrong (section 9.5).
        if etag != hashmap.root and not len(etag) == _MD5_LENGTH != len(hashmap.root):
            raise BadReply(f"the cloud stored something else for {path} than was sent")
        return self._stored(path, reply, hashmap, content_type, meta, sharing, delivery)

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
        end = offset + len(data)
        if not data or not 0 <= offset <= size or (end > size and not grow):
            raise UsageError(f"bytes {offset} to {end} are not inside an object of {size}")
        # A server that compares the size takes no byte beyond it (section 10); the ETag is compared in any case.
        reply = self._wire.object_write(
            path.account,
            path.container,
            path.name,
            data,
            offset=offset,
            size=size if end <= size else None,
            meta=meta,
            if_match=base,
        )
        return read_back(self._wire, path, reply)

    # changes without content ----------------------------------------------------------------------------------------

    def update_meta(self, path: ObjectPath, changes: Mapping[str, str | None], base: str | None = None) -> ObjectInfo:
        if not changes:
            return self.head(path)
        reply = self._wire.object_post(
            path.account,
            path.container,
            path.name,
            meta={key: value or "" for key, value in changes.items()},
            **condition(base),
        )
        return read_back(self._wire, path, reply)

    def replace_meta(self, path: ObjectPath, meta: Mapping[str, str], *, content_type: str) -> ObjectInfo:
        # A POST cannot change the type, and a copy onto itself merges metadata. But a copy may also remove keys, so
        # all of it is one request, which is done whole or not at all (section 7.4).
        present = self.head(path)
        wanted = normalised(meta)
        changes = {key: "" for key in present.meta or {} if key not in wanted} | wanted
        where = (path.account, path.container, path.name)
        reply = self._wire.object_copy(
            *where, where, content_type=content_type, meta=changes, if_match=present.etag or None
        )
        return read_back(self._wire, path, reply)

    def set_sharing(self, path: ObjectPath, sharing: Sharing) -> None:
        self._wire.object_post(path.account, path.container, path.name, sharing=str(sharing))

    def set_public(self, path: ObjectPath, public: bool) -> str | None:
        self._wire.object_post(path.account, path.container, path.name, public=public)
        return self.head(path).public if public else None

    def copy(
        self, source: ObjectPath, target: ObjectPath, *, version: str | None = None, base: str | None = None
    ) -> ObjectInfo:
        # An old version would get the type of the newest one, or none if that is deleted (section 20, row 15).
        content_type = None if version is None else self.head(source, version).content_type
        reply = self._wire.object_put_from(
            target.account,
            target.container,
            target.name,
            (source.account, source.container, source.name),
            source_version=version,
            content_type=content_type,
            **condition(base),
        )
        return read_back(self._wire, target, reply)

    def move(
        self, source: ObjectPath, target: ObjectPath, *, sharing: Sharing | None = None, public: bool = False
    ) -> None:
        moving.move(self._wire, source, target, sharing=sharing, public=public)

    def move_folder(self, source: ObjectPath, target: ObjectPath, rules: Sequence[NameRule] | None = None) -> None:
        moving.move_folder(self._wire, source, target, rules)

    def name_rules(self, folder: ObjectPath) -> list[NameRule]:
        return moving.name_rules(self._wire, folder)

    def set_name_rules(self, folder: ObjectPath, rules: Sequence[NameRule], *, again: bool = False) -> None:
        moving.set_name_rules(self._wire, folder, rules, again=again)

    def delete(self, path: ObjectPath) -> None:
        self._wire.object_delete(path.account, path.container, path.name)

    def management(self) -> Management:
        return PithosManagement(self._wire, self.account)

    def traffic(self) -> Traffic:
        if self._session is None:
            return Traffic()
        counted = self._session.counters
        return Traffic(counted.requests, counted.bytes_sent, counted.bytes_received)

    def close(self) -> None:
        self._on_close()

    # what is remembered ---------------------------------------------------------------------------------------------

    def _block_parameters(self, account: str, container: str) -> tuple[int, str]:
        known = self._parameters.get((account, container))
        if known is None:
            self.container(container, account)
            known = self._parameters[account, container]
        return known

    def _own_container(self, container: str) -> str:
        """An own container to post blocks through: of that name, or any other.

        Blocks belong to the whole service, and only a container's owner may post them; so what goes into somebody
        else's container is posted through an own one (section 9.4).
        """
        known = self._through.get(container)
        if known is not None:
            return known
        through = container
        try:
            self._block_parameters(self.account, container)
        except NotFound:
            names = [one.name for one in self.containers()]
            if not names:
                self._wire.container_put(self.account, DEFAULT_CONTAINER)
            through = DEFAULT_CONTAINER if DEFAULT_CONTAINER in names or not names else names[0]
        self._through[container] = through
        return through

    def _forget(self, container: str) -> None:
        """An own container is gone."""
        self._parameters.pop((self.account, container), None)
        for name, through in list(self._through.items()):
            if through == container:
                del self._through[name]

    def _stored(
        self,
        path: ObjectPath,
        reply: Reply,
        hashmap: Hashmap,
        content_type: str,
        meta: Mapping[str, str],
        sharing: Sharing | None,
        delivery: Delivery | None,
    ) -> ObjectInfo:
        """What a PUT has made. The time is the server's at its answer: a guess, until a listing tells."""
        written = replies.written(reply)
        if not written.version:
            raise BadReply(f"the cloud did not tell the new version of {path}")
        return ObjectInfo(
            name=path.name,
            size=hashmap.size,
            content_type=content_type,
            hash=hashmap.root,
            version=written.version,
            modified_ns=(header_date(reply.headers.get("Date")) or 0) * 10**9,
            etag=written.etag,
            modified_by=self.account,
            sharing=sharing or None,
            meta={key: value for key, value in normalised(meta).items() if value},
            delivery=delivery or Delivery(),
        )


def _looked_up(
    wanted: Sequence[str], known: dict[str, str], ask: Callable[[Iterable[str]], Mapping[str, str]]
) -> dict[str, str]:
    unknown = [one for one in dict.fromkeys(wanted) if one and one not in known]
    if unknown:
        known.update(ask(unknown))
    return {one: known[one] for one in wanted if one in known}


def open_store(
    cloud: Cloud,
    *,
    policy: RetryPolicy | None = None,
    read_timeout: float = 60.0,
    upload_limit: int | None = None,
    download_limit: int | None = None,
) -> PithosStore:
    """Log in to a cloud and open its object store.

    `policy` says how often a request is repeated and `read_timeout` (seconds) how long the server may be silent: a
    mount, behind which programs wait, gives up sooner than a command. The limits are bytes a second, of all requests of
    the store together. Raises what `clients.connect` raises: ConfigError, NotLoggedIn, …
    """
    session = Session(
        ca_certs=cloud.ca_certs,
        ignore_ssl=cloud.ignore_ssl,
        policy=policy,
        read_timeout=read_timeout,
        upload_limit=Bandwidth(upload_limit) if upload_limit else None,
        download_limit=Bandwidth(download_limit) if download_limit else None,
    )
    try:
        connection = connect(cloud, session)
        return PithosStore(
            connection.wire(), connection.account_id, connection.astakos, session=session, on_close=session.close
        )
    except BaseException:
        session.close()
        raise
