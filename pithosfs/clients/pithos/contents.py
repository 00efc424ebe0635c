"""The working layer for the content of objects; the rest of it is in `pithosfs.clients.pithos.client`."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, MutableMapping
from typing import BinaryIO

from pithosfs.blocks import DEFAULT_BLOCK_HASH, DEFAULT_BLOCK_SIZE, block_count
from pithosfs.clients.pithos import replies
from pithosfs.clients.pithos.containers import ContainerClient
from pithosfs.clients.pithos.openfiles import binary, body, bytes_left, emptied, is_file, pieces
from pithosfs.clients.pithos.options import Conditions, WriteOptions
from pithosfs.clients.pithos.progressbars import Steps
from pithosfs.clients.pithos.rest_api import Permissions, sharing_text
from pithosfs.clients.pithos.transfers import ObjectSource, ObjectTarget, byte_ranges
from pithosfs.clients.progressbars import Bar, ProgressBar
from pithosfs.clients.storage import ReplyHeaders, named
from pithosfs.errors import BadReply, BadRequest, ClientError, LocalError
from pithosfs.transfer import Phase, download, upload

__all__ = ["ContentClient", "conditions"]


class ContentClient(ContainerClient):
    """What `PithosClient` does with the content of objects."""

    MAX_THREADS = 5  # connections of one transfer

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
    ) -> ReplyHeaders:
        """Create or replace an object from an open file, from its present position on, sending only missing blocks.

        `size`: take so many bytes. `etag`: MD5 that a small content, which goes in one request, is checked with; larger
        ones are checked by their blocks. `container_info_cache` keeps the containers' parameters between calls. Raises
        PreconditionFailed when `if_etag_match` or `if_not_exist` does not hold, LocalError when the file changes
        meanwhile (nothing is made then).
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
        upload(target, binary(f), size=size, connections=self.MAX_THREADS, progress=steps)
        steps.finish()
        return named(target.headers)

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
    ) -> ReplyHeaders:
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
    ) -> ReplyHeaders:
        """Create or replace an object in one request: from a file's content, or (`withHashFile`) from the hashmap in
        JSON that the file holds, whose blocks must be on the server."""
        options = self._stored(content_encoding, content_disposition, sharing, public)
        kind = content_type or "application/octet-stream"
        f = binary(f)
        if not withHashFile:
            data = body(f, size)
            return named(self.wire.object_put(*self._object(obj), data, content_type=kind, md5=etag, **options).headers)
        try:
            found = json.loads(f.read() if size is None else f.read(size))
            asked = (int(found["bytes"]), [str(one) for one in found["hashes"]])
        except (ValueError, KeyError, TypeError):
            raise BadRequest("the file holds no hashmap", 0, hint='it looks like {"bytes": N, "hashes": […]}') from None
        options["success"] = (201,)
        return named(self.wire.object_put_hashmap(*self._object(obj), asked, content_type=kind, **options).headers)

    def create_object_by_manifestation(
        self,
        obj: str,
        etag: str | None = None,
        content_encoding: str | None = None,
        content_disposition: str | None = None,
        content_type: str | None = None,
        sharing: Permissions | str | None = None,
        public: bool | None = None,
    ) -> ReplyHeaders:
        """Make an object whose content is that of all objects whose names start with its own, in their order."""
        reply = self.object_put(
            obj,
            etag=etag,
            content_type=content_type or "application/octet-stream",
            content_encoding=content_encoding,
            content_disposition=content_disposition,
            manifest=f"{self._container()[1]}/{obj}",
            permissions=sharing,
            public=public,
        )
        return named(reply.headers)

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

        A regular file is emptied first, and holds what came so far when something fails; into others (pipes, standard
        output, files opened for appending) the content goes on from where they are. With `resume` a regular file is
        mended: only the blocks that differ from what is there are fetched. `range_str` writes only these bytes
        (`START-END`, `END`, `-N`, comma-separated) from where the file is. `headers` is filled with the object's.

        All of it is of one version. Raises ClientError with status 304 when a condition says that there is nothing new,
        PreconditionFailed when one does not hold, or when the object is changed meanwhile and no versions are kept.
        """
        tests = conditions(if_match, if_none_match, if_modified_since, if_unmodified_since)
        address = self._object(obj)
        reply = self.wire.object_hashmap(*address, version=version, **tests)
        if reply.status_code == 304:
            raise ClientError(f"{obj} is unchanged", 304)
        if headers is not None:
            headers.update(named(reply.headers))
        head = replies.object_head(reply)
        if head.manifest is not None:
            # The hashmap does not cover the parts: their sum is what a HEAD tells.
            source = ObjectSource(self.wire, address, replies.object_head(self.object_head(obj)).size, None, None)
        else:
            hashmap = replies.hashmap(reply)
            source = ObjectSource(self.wire, address, hashmap.size, hashmap, head.version or None)
        dst = binary(dst)
        block_size = source.hashmap.block_size if source.hashmap else DEFAULT_BLOCK_SIZE
        if range_str is not None:
            self._write_ranges(source, dst, byte_ranges(range_str, source.size), block_size, download_cb)
            return
        resume = resume and source.hashmap is not None and is_file(dst)
        if not resume:
            emptied(dst)
        steps = Steps(block_size, {Phase.RECEIVING: download_cb}, whole={Phase.RECEIVING: source.size})
        download(source, dst, resume=resume, connections=self.MAX_THREADS, progress=steps)
        steps.finish()
        dst.flush()

    def _write_ranges(
        self,
        source: ObjectSource,
        dst: BinaryIO,
        ranges: list[tuple[int, int]],
        step: int,
        download_cb: ProgressBar | None,
    ) -> None:
        parts = [(offset, min(offset + step, end)) for start, end in ranges for offset in range(start, end, step)]
        bar = Bar(download_cb, len(parts))
        for number, (start, end) in enumerate(parts, 1):
            dst.write(source.read_range(start, end))
            bar.advance(number)
        dst.flush()

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
    ) -> list[ReplyHeaders]:
        """Append an open file, block by block, one after the other. Returns the headers of each reply."""
        source = binary(source_file)
        return self._write_pieces(obj, source, None, bytes_left(source), upload_cb)

    def overwrite_object(
        self,
        obj: str,
        start: int,
        end: int,
        source_file: BinaryIO,
        source_version: str | int | None = None,
        upload_cb: ProgressBar | None = None,
    ) -> list[ReplyHeaders]:
        """Replace the bytes `start` to `end` (both included) by those of an open file.

        `source_version`: replace them in that old version, which becomes the present content first. Returns the headers
        of each reply. Raises BadRequest when `start` is past the end of the object, LocalError when the file is too
        short, before anything is changed where that can be known.
        """
        start, end = int(start), int(end)
        if not 0 <= start <= end:
            raise BadRequest(f"there are no bytes {start} to {end}", 0)
        source = binary(source_file)
        there = bytes_left(source)
        if there is not None and there < end + 1 - start:
            raise LocalError(f"there are {there} bytes where {end + 1 - start} are to be written")
        if source_version is not None:
            self._restore(obj, source_version, at_least=start)
        return self._write_pieces(obj, source, start, end + 1 - start, upload_cb)

    def _restore(self, obj: str, version: str | int, *, at_least: int) -> None:
        """Make the content of an old version the present one."""
        address = self._object(obj)
        size = replies.object_head(self.wire.object_head(*address, version=version)).size
        if size < at_least:
            raise BadRequest(f"version {version} of {obj} has only {size} bytes", 0)
        if not size:
            self.wire.object_write(*address, b"", object_bytes=0)
            return
        self.wire.object_write(*address, None, offset=0, object_bytes=size, source=address, source_version=version)

    def truncate_object(self, obj: str, upto_bytes: int) -> ReplyHeaders:
        """Cut an object to so many bytes; a shorter one stays as it is."""
        return named(self.wire.object_write(*self._object(obj), b"", object_bytes=int(upto_bytes)).headers)

    def _write_pieces(
        self, obj: str, source: BinaryIO, start: int | None, size: int | None, upload_cb: ProgressBar | None
    ) -> list[ReplyHeaders]:
        """Write `size` bytes piece after piece, each in a request: from `start` on, or behind the object's end.

        One after the other: the server reads, changes and writes back (object-store.md section 10).
        """
        block_size, _ = self._block_parameters(None)
        bar = Bar(upload_cb, block_count(size or 0, block_size))
        found: list[ReplyHeaders] = []
        for piece in pieces(source, size, block_size):
            reply = self.wire.object_write(*self._object(obj), piece, offset=start)
            found.append(named(reply.headers))
            start = None if start is None else start + len(piece)
            bar.advance(len(found))
        return found

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


def conditions(
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
