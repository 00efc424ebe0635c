"""The working layer above the requests: `PithosClient`."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from pathlib import Path
from typing import Any, BinaryIO, cast

from pithosfs.blocks import DEFAULT_BLOCK_HASH, DEFAULT_BLOCK_SIZE
from pithosfs.clients.pithos import replies
from pithosfs.clients.pithos.containers import ContainerClient
from pithosfs.clients.pithos.options import Conditions, Seconds, WriteOptions
from pithosfs.clients.pithos.rest_api import Permissions, sharing_text
from pithosfs.clients.pithos.transfers import ObjectSource, ObjectTarget, ProgressBar, Steps, byte_ranges
from pithosfs.clients.storage import named
from pithosfs.errors import BadReply, BadRequest, ClientError, PreconditionFailed
from pithosfs.http import Reply
from pithosfs.transfer import Phase, download, upload

__all__ = ["PithosClient"]


class PithosClient(ContainerClient):
    """The object store of one account: containers, objects, versions, sharing.

    Methods that change something return the headers of the reply. Sizes are bytes, times whole seconds since the epoch.
    `upload_cb`, `hash_cb` and `download_cb` are progress bars: called with a number of blocks, they return an iterator
    that is advanced once for each. Errors are those of `pithosfs.errors`.
    """

    MAX_THREADS = 5  # connections of one transfer

    # objects: content -----------------------------------------------------------------------------------------------

    def upload_object(
        self,
        obj: str,
        f: BinaryIO,
        size: int | None = None,
        hash_cb: ProgressBar | None = None,
        upload_cb: ProgressBar | None = None,
        etag: str | None = None,
        if_etag_match: str | None = None,
        if_not_exist: bool | None = None,
        content_encoding: str | None = None,
        content_disposition: str | None = None,
        content_type: str | None = None,
        sharing: Permissions | str | None = None,
        public: bool | None = None,
        container_info_cache: MutableMapping[str, Mapping[str, str]] | None = None,
    ) -> Mapping[str, str]:
        """Create or replace an object from an open file, from its present position on, sending only missing blocks.

        `etag`: MD5 that a content sent in one request is checked with. `container_info_cache` keeps the containers'
        parameters between calls. Raises PreconditionFailed when `if_etag_match` or `if_not_exist` does not hold.
        """
        block_size, algorithm = self._block_parameters(container_info_cache)
        options: WriteOptions = {
            **self._stored(content_encoding, content_disposition, sharing, public),
            "if_match": if_etag_match,
            "if_none_match": "*" if if_not_exist else None,
        }
        target = ObjectTarget(
            self.wire, self._object(obj), block_size, algorithm, content_type=content_type, md5=etag, options=options
        )
        steps = Steps(block_size, {Phase.HASHING: hash_cb, Phase.SENDING: upload_cb})
        upload(target, f, size=size, connections=self.MAX_THREADS, progress=steps)
        return target.headers

    def upload_from_string(
        self,
        obj: str,
        input_str: bytes | str,
        hash_cb: ProgressBar | None = None,
        upload_cb: ProgressBar | None = None,
        etag: str | None = None,
        if_etag_match: str | None = None,
        if_not_exist: bool | None = None,
        content_encoding: str | None = None,
        content_disposition: str | None = None,
        content_type: str | None = None,
        sharing: Permissions | str | None = None,
        public: bool | None = None,
        container_info_cache: MutableMapping[str, Mapping[str, str]] | None = None,
    ) -> Mapping[str, str]:
        """Create or replace an object from bytes, or from text as UTF-8. Otherwise like `upload_object`."""
        return self.upload_object(
            obj,
            io.BytesIO(input_str.encode() if isinstance(input_str, str) else input_str),
            hash_cb=hash_cb,
            upload_cb=upload_cb,
            etag=etag,
            if_etag_match=if_etag_match,
            if_not_exist=if_not_exist,
            content_encoding=content_encoding,
            content_disposition=content_disposition,
            content_type=content_type,
            sharing=sharing,
            public=public,
            container_info_cache=container_info_cache,
        )

    def upload_object_unchunked(
        self,
        obj: str,
        f: BinaryIO,
        withHashFile: bool = False,
        size: int | None = None,
        etag: str | None = None,
        content_encoding: str | None = None,
        content_disposition: str | None = None,
        content_type: str | None = None,
        sharing: Permissions | str | None = None,
        public: bool | None = None,
    ) -> Mapping[str, str]:
        """Create or replace an object in one request: from a file's content, or (`withHashFile`) from the hashmap in
        JSON that the file holds, whose blocks must be on the server."""
        options = self._stored(content_encoding, content_disposition, sharing, public)
        kind = content_type or "application/octet-stream"
        content = f.read() if size is None else f.read(size)
        if not withHashFile:
            return self.wire.object_put(*self._object(obj), content, content_type=kind, md5=etag, **options).headers
        try:
            found = json.loads(content)
            asked = (int(found["bytes"]), [str(one) for one in found["hashes"]])
        except (ValueError, KeyError, TypeError):
            raise BadRequest("the file holds no hashmap", 0, hint='it looks like {"bytes": N, "hashes": […]}') from None
        options["success"] = (201,)
        return self.wire.object_put_hashmap(*self._object(obj), asked, content_type=kind, **options).headers

    def create_object_by_manifestation(
        self,
        obj: str,
        etag: str | None = None,
        content_encoding: str | None = None,
        content_disposition: str | None = None,
        content_type: str | None = None,
        sharing: Permissions | str | None = None,
        public: bool | None = None,
    ) -> Mapping[str, str]:
        """Make an object whose content is that of all objects whose names start with its own, in their order."""
        return self.object_put(
            obj,
            etag=etag,
            content_type=content_type or "application/octet-stream",
            content_encoding=content_encoding,
            content_disposition=content_disposition,
            manifest=f"{self._container()[1]}/{obj}",
            permissions=sharing,
            public=public,
        ).headers

    def download_object(
        self,
        obj: str,
        dst: BinaryIO,
        download_cb: ProgressBar | None = None,
        version: str | int | None = None,
        resume: bool = False,
        range_str: str | None = None,
        if_match: str | None = None,
        if_none_match: str | None = None,
        if_modified_since: int | str | None = None,
        if_unmodified_since: int | str | None = None,
        headers: MutableMapping[str, str] | None = None,
    ) -> None:
        """Write an object's content to an open file, verified block by block.

        With `resume`, and `dst` a file on disk, only the blocks that differ from what is there are fetched. `range_str`
        writes only these bytes (`START-END`, `END`, `-N`, comma-separated). `headers` is filled with the object's.
        Raises ClientError with status 304 when a condition says that there is nothing new.
        """
        conditions = _conditions(if_match, if_none_match, if_modified_since, if_unmodified_since)
        address = self._object(obj)
        reply = self.wire.object_hashmap(*address, version=version, **conditions)
        if reply.status_code == 304:
            raise ClientError(f"{obj} is unchanged", 304)
        if headers is not None:
            headers.update(named(reply.headers, ""))
        head = replies.object_head(reply)
        if head.manifest is not None:
            # The hashmap does not cover the parts: their sum is what a HEAD tells.
            source = ObjectSource(self.wire, address, replies.object_head(self.object_head(obj)).size, None, None)
        else:
            hashmap = replies.hashmap(reply)
            source = ObjectSource(self.wire, address, hashmap.size, hashmap, head.version or None)
        if range_str is not None:
            step = DEFAULT_BLOCK_SIZE
            for start, end in byte_ranges(range_str, source.size):
                for offset in range(start, end, step):
                    dst.write(source.read_range(offset, min(offset + step, end)))
            return
        block_size = source.hashmap.block_size if source.hashmap else DEFAULT_BLOCK_SIZE
        steps = Steps(block_size, {Phase.RECEIVING: download_cb})
        path = getattr(dst, "name", None)
        if resume and isinstance(path, str) and source.hashmap is not None:
            dst.flush()
            download(source, Path(path), resume=True, connections=self.MAX_THREADS, progress=steps)
        else:
            download(source, dst, connections=self.MAX_THREADS, progress=steps)

    def download_to_string(
        self,
        obj: str,
        download_cb: ProgressBar | None = None,
        version: str | int | None = None,
        range_str: str | None = None,
        if_match: str | None = None,
        if_none_match: str | None = None,
        if_modified_since: int | str | None = None,
        if_unmodified_since: int | str | None = None,
        headers: MutableMapping[str, str] | None = None,
    ) -> bytes:
        """An object's content, or part of it. The arguments are those of `download_object`."""
        content = io.BytesIO()
        self.download_object(
            obj,
            content,
            download_cb=download_cb,
            version=version,
            range_str=range_str,
            if_match=if_match,
            if_none_match=if_none_match,
            if_modified_since=if_modified_since,
            if_unmodified_since=if_unmodified_since,
            headers=headers,
        )
        return content.getvalue()

    def append_object(
        self, obj: str, source_file: BinaryIO, upload_cb: ProgressBar | None = None
    ) -> list[Mapping[str, str]]:
        """Append an open file, block by block, one after the other. Returns the headers of each reply."""
        return self._write_pieces(obj, source_file, None, None, None, upload_cb)

    def overwrite_object(
        self,
        obj: str,
        start: int,
        end: int,
        source_file: BinaryIO,
        source_version: str | int | None = None,
        upload_cb: ProgressBar | None = None,
    ) -> list[Mapping[str, str]]:
        """Replace the bytes `start` to `end` (both included) by those of an open file.

        Returns the headers of each reply. Raises BadRequest when `start` is past the end of the object.
        """
        if not 0 <= int(start) <= int(end):
            raise BadRequest(f"there are no bytes {start} to {end}", 0)
        return self._write_pieces(obj, source_file, int(start), int(end) + 1, source_version, upload_cb)

    def truncate_object(self, obj: str, upto_bytes: int) -> Mapping[str, str]:
        """Cut an object to so many bytes; a shorter one stays as it is."""
        return self.wire.object_write(*self._object(obj), b"", object_bytes=int(upto_bytes)).headers

    def _write_pieces(
        self,
        obj: str,
        source: BinaryIO,
        start: int | None,
        end: int | None,
        source_version: str | int | None,
        bar: ProgressBar | None,
    ) -> list[Mapping[str, str]]:
        block_size, _ = self._block_parameters(None)
        found: list[Mapping[str, str]] = []
        steps: Iterator[Any] = iter(())
        if bar is not None:
            size = _left(source) if end is None or start is None else end - start
            steps = iter(bar(-(-size // block_size)))
        offset = start
        while piece := source.read(block_size if end is None else min(block_size, end - (offset or 0))):
            reply = self.wire.object_write(*self._object(obj), piece, offset=offset, source_version=source_version)
            found.append(reply.headers)
            if offset is not None:
                offset += len(piece)
            next(steps, None)
        return found

    # objects: names -------------------------------------------------------------------------------------------------

    def copy_object(
        self,
        src_container: str,
        src_object: str,
        dst_container: str,
        dst_object: str | bool | None = None,
        source_version: str | int | None = None,
        source_account: str | None = None,
        public: bool = False,
        content_type: str | None = None,
        delimiter: str | None = None,
    ) -> Mapping[str, str]:
        """Copy on the server, by default under the same name; with `delimiter` everything below too."""
        source = (source_account or self._account(), src_container, src_object)
        return self.wire.object_put_from(
            self._account(),
            dst_container,
            str(dst_object or src_object),
            source,
            source_version=source_version,
            content_type=content_type,
            delimiter=delimiter,
            public=True if public else None,
        ).headers

    def move_object(
        self,
        src_container: str,
        src_object: str,
        dst_container: str,
        dst_object: str | bool | None = False,
        source_account: str | None = None,
        source_version: str | int | None = None,
        public: bool = False,
        content_type: str | None = None,
        delimiter: str | None = None,
    ) -> Mapping[str, str]:
        """Move on the server, by default to the same name; with `delimiter` everything below too.

        History, sharing and publication do not move along (object-store.md section 20, row 36).
        """
        source = (source_account or self._account(), src_container, src_object)
        return self.wire.object_put_from(
            self._account(),
            dst_container,
            str(dst_object or src_object),
            source,
            move=True,
            source_version=source_version,
            content_type=content_type,
            delimiter=delimiter,
            public=True if public else None,
        ).headers

    def del_object(self, obj: str, until: Seconds | None = None, delimiter: str | None = None) -> Mapping[str, str]:
        """Delete an object; with `delimiter` everything below too; with `until` its versions up to then, for good."""
        return self.object_delete(obj, until=until, delimiter=delimiter).headers

    # objects: what is known of them ---------------------------------------------------------------------------------

    def get_object_info(self, obj: str, version: str | int | None = None) -> dict[str, str]:
        """The headers of an object, names in lower case, values decoded. Raises NotFound."""
        return named(self.object_head(obj, version=version).headers, "")

    def get_object_meta(self, obj: str, version: str | int | None = None) -> dict[str, str]:
        """The metadata, as `x-object-meta-KEY` → value."""
        return named(self.object_head(obj, version=version).headers, "X-Object-Meta-")

    def set_object_meta(self, obj: str, metapairs: Mapping[str, str]) -> Mapping[str, str]:
        """Set some of the metadata and leave the rest."""
        return self.object_post(obj, metadata=metapairs).headers

    def get_object_hashmap(
        self,
        obj: str,
        version: str | int | None = None,
        if_match: str | None = None,
        if_none_match: str | None = None,
        if_modified_since: int | str | None = None,
        if_unmodified_since: int | str | None = None,
        headers: MutableMapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """`{"block_hash", "block_size", "bytes", "hashes"}`; empty when a condition does not hold."""
        conditions = _conditions(if_match, if_none_match, if_modified_since, if_unmodified_since)
        try:
            reply = self.wire.object_hashmap(*self._object(obj), version=version, **conditions)
        except PreconditionFailed:
            return {}
        if reply.status_code == 304:
            return {}
        if headers is not None:
            headers.update(named(reply.headers, ""))
        return _json_object(reply)

    def get_object_versionlist(self, obj: str) -> list[list[Any]]:
        """`[id, decimal seconds]` of each version, oldest first; of a deleted object too."""
        found = _json_object(self.wire.object_versions(*self._object(obj))).get("versions")
        if not isinstance(found, list):
            raise BadReply("the server sent a bad list of versions")
        return found

    # sharing --------------------------------------------------------------------------------------------------------

    def get_object_sharing(self, obj: str) -> dict[str, str]:
        """`{"read": "who,who", "write": "who"}`; empty when it is not shared."""
        rule = self.get_object_info(obj).get("x-object-sharing", "")
        pairs = (part.strip().partition("=") for part in rule.split(";"))
        return {key: who for key, sign, who in pairs if sign}

    def set_object_sharing(
        self, obj: str, read_permission: Iterable[str] | bool = False, write_permission: Iterable[str] | bool = False
    ) -> Mapping[str, str]:
        """Replace the sharing rule by these users and groups (`account:group`, `*`); without any it ends."""
        read = [] if isinstance(read_permission, bool) else list(read_permission)
        write = [] if isinstance(write_permission, bool) else list(write_permission)
        return self.object_post(obj, permissions={"read": read, "write": write}).headers

    def del_object_sharing(self, obj: str) -> Mapping[str, str]:
        """End the sharing of an object."""
        return self.set_object_sharing(obj)

    def publish_object(self, obj: str) -> str:
        """Give an object a public link, and return it."""
        self.object_post(obj, public=True)
        link = self.get_object_info(obj).get("x-object-public")
        if not link:
            raise BadReply(f"the server published {obj} but tells no link")
        return link

    def unpublish_object(self, obj: str) -> Mapping[str, str]:
        """Withdraw the public link."""
        return self.object_post(obj, public=False).headers

    # the parts ------------------------------------------------------------------------------------------------------

    def _block_parameters(self, cache: MutableMapping[str, Mapping[str, str]] | None) -> tuple[int, str]:
        _, container = self._container()
        info = None if cache is None else cache.get(container)
        if info is None:
            info = self.get_container_info()
            if cache is not None:
                cache[container] = info
        try:
            size = int(info.get("x-container-block-size", DEFAULT_BLOCK_SIZE))
        except ValueError:
            raise BadReply(f"the container {container!r} has no valid block size") from None
        return size, info.get("x-container-block-hash", DEFAULT_BLOCK_HASH)

    @staticmethod
    def _stored(
        content_encoding: str | None,
        content_disposition: str | None,
        sharing: Permissions | str | None,
        public: bool | None,
    ) -> WriteOptions:
        return {
            "content_encoding": content_encoding,
            "content_disposition": content_disposition,
            "sharing": sharing_text(sharing or None),
            "public": public,
        }


def _conditions(
    if_match: str | None,
    if_none_match: str | None,
    if_modified_since: int | str | None,
    if_unmodified_since: int | str | None,
) -> Conditions:
    return {
        "if_match": if_match,
        "if_none_match": if_none_match,
        "if_modified_since": if_modified_since,
        "if_unmodified_since": if_unmodified_since,
    }


def _json_object(reply: Reply) -> dict[str, Any]:
    found = reply.json()
    if not isinstance(found, dict):
        raise BadReply("the answer of the server is not a JSON object")
    return cast(dict[str, Any], found)


def _left(stream: BinaryIO) -> int:
    """How many bytes are left in a file; 0 when it cannot tell."""
    if not stream.seekable():
        return 0
    here = stream.tell()
    end = stream.seek(0, io.SEEK_END)
    stream.seek(here)
    return end - here
