"""One method per request of the Pithos protocol: no state, every address given, safe to use from many threads.

Source: object-store.md sections 1 to 12; the section of each request is named at it. All options are keyword-only. A
parameter or header goes out only when its option is given; `None` always means "not given", an empty string means
what the specification says of an empty value. Lists and hashmaps are always asked for as JSON. Replies are read with
the functions of `pithosfs.clients.pithos.replies`.

Everything raises the errors of `pithosfs.errors`. A write that is repeated after its answer was lost may meet its own
first try: a conditional PUT then fails with PreconditionFailed, a DELETE with NotFound, though the work was done.
Whoever sets conditions has to look at what is there before he believes in a conflict.
"""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Unpack

from pithosfs.blocks import Hashmap
from pithosfs.clients.pithos.encoding import encode_path, encode_segment, encode_value, meta_headers
from pithosfs.clients.pithos.options import (
    Conditions,
    Extra,
    ObjectOptions,
    ReadOptions,
    Seconds,
    WriteOptions,
    condition_headers,
    content_range_header,
    flag,
    object_headers,
    only_extra,
    path_header,
    policy_headers,
    until_parameter,
)
from pithosfs.errors import BadReply, BadRequest, client_error
from pithosfs.faults import read_fault
from pithosfs.http import Body, Reply, Session

__all__ = ["Conditions", "Extra", "ObjectOptions", "PithosWire", "ReadOptions", "Seconds", "WriteOptions"]

_OCTETS = "application/octet-stream"


class PithosWire:
    """The requests, to one endpoint (`…/object-store/v1`), as one user."""

    def __init__(self, session: Session, endpoint_url: str, token: str) -> None:
        self.session = session
        self.endpoint_url = endpoint_url.rstrip("/")
        self._token = token

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.endpoint_url!r})"

    def url(self, account: str, container: str | None = None, name: str | None = None) -> str:
        """The encoded address (section 1)."""
        address = f"{self.endpoint_url}/{encode_segment(account)}"
        if container is not None:
            address = f"{address}/{encode_segment(container)}"
            if name is not None:
                address = f"{address}/{encode_path(name)}"
        return address

    def send(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, str | int | None] | None = None,
        headers: Mapping[str, str] | None = None,
        data: Body | None = None,
        expect: Container[int] = range(200, 300),
        retry: bool | None = None,
        stream: bool = False,
        extra: Extra | None = None,
    ) -> Reply:
        """Any request with the token. Parameters that are None are left out; `extra` is added last."""
        extra = extra or {}
        all_params = {key: value for key, value in (params or {}).items() if value is not None}
        all_params.update(extra.get("params") or {})
        all_headers = {"X-Auth-Token": self._token, **(headers or {})}
        all_headers.update(extra.get("headers") or {})
        success = extra.get("success")
        return self.session.request(
            method,
            url,
            params=all_params,
            headers=all_headers,
            data=data,
            expect=expect if success is None else success,
            retry=retry,
            stream=stream,
            timeout=extra.get("timeout"),
        )

    # top and account ------------------------------------------------------------------------------------------------

    def accounts_get(self, **extra: Unpack[Extra]) -> Reply:
        """Who shares something with this user (section 4): entries with `name`. There is only one page."""
        return self.send("GET", self.endpoint_url + "/", params={"format": "json"}, extra=extra)

    def account_head(self, account: str, *, until: Seconds | None = None, **options: Unpack[ReadOptions]) -> Reply:
        """Section 5. 304 is an answer when a condition is set."""
        return self._read("HEAD", self.url(account), {"until": until_parameter(until)}, options)

    def account_get(
        self,
        account: str,
        *,
        limit: int | None = None,
        marker: str | None = None,
        shared: bool = False,
        public: bool = False,
        until: Seconds | None = None,
        **options: Unpack[ReadOptions],
    ) -> Reply:
        """The containers (sections 5, 8): entries of 8.2."""
        params = {
            "format": "json",
            "limit": limit,
            "marker": marker,
            "shared": flag(shared),
            "public": flag(public),
            "until": until_parameter(until),
        }
        return self._read("GET", self.url(account), params, options)

    def account_post(
        self,
        account: str,
        *,
        update: bool = True,
        meta: Mapping[str, str] | None = None,
        groups: Mapping[str, Iterable[str]] | None = None,
        **extra: Unpack[Extra],
    ) -> Reply:
        """Metadata and groups (section 5). Without `update` all metadata is replaced. A group without members goes."""
        headers = meta_headers("X-Account-Meta-", meta or {})
        for group, members in (groups or {}).items():
            if not group or set(group) & set("-_"):
                raise BadRequest(f"{group!r} cannot be the name of a group: no - and no _ in it", 0)
            headers.update(meta_headers("X-Account-Group-", {group: ",".join(members)}))
        params = {"update": flag(update)}
        return self.send("POST", self.url(account), params=params, headers=headers, data=b"", retry=True, extra=extra)

    # containers -----------------------------------------------------------------------------------------------------

    def container_head(
        self, account: str, container: str, *, until: Seconds | None = None, **options: Unpack[ReadOptions]
    ) -> Reply:
        """Section 6."""
        return self._read("HEAD", self.url(account, container), {"until": until_parameter(until)}, options)

    def container_get(
        self,
        account: str,
        container: str,
        *,
        limit: int | None = None,
        marker: str | None = None,
        prefix: str | None = None,
        delimiter: str | None = None,
        path: str | None = None,
        meta: Iterable[str] | None = None,
        shared: bool = False,
        public: bool = False,
        until: Seconds | None = None,
        **options: Unpack[ReadOptions],
    ) -> Reply:
        """One page of objects (sections 6, 8): entries of 8.3. `meta` are the terms of 8.4."""
        params = {
            "format": "json",
            "limit": limit,
            "marker": marker,
            "prefix": prefix,
            "delimiter": delimiter,
            "path": path,
            "meta": ",".join(meta) if meta else None,
            "shared": flag(shared),
            "public": flag(public),
            "until": until_parameter(until),
        }
        return self._read("GET", self.url(account, container), params, options)

    def container_put(
        self,
        account: str,
        container: str,
        *,
        policy: Mapping[str, str | int] | None = None,
        meta: Mapping[str, str] | None = None,
        **extra: Unpack[Extra],
    ) -> Reply:
        """Make it (201), or merge policy and metadata into what exists (202). `policy` keys: quota (bytes), versioning,
        project (section 14). A 202 after several `attempts` may be our own making."""
        headers = policy_headers(policy) | meta_headers("X-Container-Meta-", meta or {})
        return self.send("PUT", self.url(account, container), headers=headers, data=b"", extra=extra)

    def container_post(
        self,
        account: str,
        container: str,
        *,
        update: bool = True,
        policy: Mapping[str, str | int] | None = None,
        meta: Mapping[str, str] | None = None,
        data: Body = b"",
        content_type: str | None = None,
        **extra: Unpack[Extra],
    ) -> Reply:
        """Policy, metadata, and with a body of type `application/octet-stream` blocks as well (section 6).

        Without `update` the metadata and policies that are not given are reset.
        """
        headers = policy_headers(policy) | meta_headers("X-Container-Meta-", meta or {})
        if content_type is not None:
            headers["Content-Type"] = content_type
        params = {"format": "json", "update": flag(update)}
        url = self.url(account, container)
        return self.send("POST", url, params=params, headers=headers, data=data, retry=True, extra=extra)

    def container_delete(
        self,
        account: str,
        container: str,
        *,
        until: Seconds | None = None,
        delimiter: str | None = None,
        **extra: Unpack[Extra],
    ) -> Reply:
        """Delete an empty container, or with `delimiter` its contents, or with `until` its history up to then."""
        params = {"until": until_parameter(until), "delimiter": delimiter}
        return self.send("DELETE", self.url(account, container), params=params, extra=extra)

    def blocks_post(self, account: str, container: str, data: Body, **extra: Unpack[Extra]) -> Reply:
        """Store blocks (section 9.4) through a container of the user's own; the reply has their hashes. Check them."""
        return self.container_post(account, container, data=data, content_type=_OCTETS, **extra)

    def archive_put(self, account: str, container: str, data: Body, **extra: Unpack[Extra]) -> Reply:
        """Make new objects of the members of a tar archive (`pithosfs.clients.pithos.archives`): only to a container
        whose HEAD says that it takes archives. 200 whatever became of them: read it with `replies.bulk_answer`."""
        if extra.get("success") is None:
            extra["success"] = (200,)
        params = {"format": "json", "extract-archive": "tar"}
        return self.send(
            "PUT", self.url(account, container), params=params, headers={"If-None-Match": "*"}, data=data, extra=extra
        )

    # reading objects ------------------------------------------------------------------------------------------------

    def object_head(
        self,
        account: str,
        container: str,
        name: str,
        *,
        version: str | int | None = None,
        **options: Unpack[ReadOptions],
    ) -> Reply:
        """Section 7.1."""
        return self._read("HEAD", self.url(account, container, name), {"version": version}, options)

    def object_get(
        self,
        account: str,
        container: str,
        name: str,
        *,
        version: str | int | None = None,
        start: int | None = None,
        end: int | None = None,
        data_range: str | None = None,
        if_range: str | None = None,
        disposition: str | None = None,
        stream: bool = False,
        **options: Unpack[ReadOptions],
    ) -> Reply:
        """The content (section 7.2), or the bytes `start` (included) to `end` (excluded; never past the size).

        With `start` and `end` the answer is checked: 206 and exactly that many bytes, or BadReply. `data_range` is
        a `Range` value sent as it is (`bytes=…`), with no check. With `stream` read it with `reply.chunks()`.
        """
        headers: dict[str, str] = {}
        wanted: int | None = None
        if start is not None:
            if end is not None and not 0 <= start < end:
                raise BadRequest(f"there are no bytes {start} to {end}", 0)
            wanted = None if end is None else end - start
            headers["Range"] = f"bytes={start}-{'' if end is None else end - 1}"
        elif data_range is not None:
            headers["Range"] = data_range
        if if_range is not None:
            headers["If-Range"] = if_range
        params = {"format": "json", "version": version, "disposition-type": disposition}
        url = self.url(account, container, name)
        reply = self._read("GET", url, params, options, headers=headers, stream=stream)
        if start is not None and reply.status_code not in (206, 304):
            reply.close()
            raise BadReply(f"a part of {container}/{name} was asked for and the whole came")
        if wanted is not None and reply.status_code == 206:
            announced = reply.headers.get("Content-Length")
            length = len(reply.content) if not stream else int(announced or wanted)
            if length != wanted:
                reply.close()
                raise BadReply(f"{wanted} bytes of {container}/{name} were asked for and {length} came")
        return reply

    def object_hashmap(
        self,
        account: str,
        container: str,
        name: str,
        *,
        version: str | int | None = None,
        **options: Unpack[ReadOptions],
    ) -> Reply:
        """The block hashes (section 9.2), with the headers of HEAD."""
        params = {"format": "json", "hashmap": "", "version": version}
        return self._read("GET", self.url(account, container, name), params, options)

    def object_versions(self, account: str, container: str, name: str, **options: Unpack[ReadOptions]) -> Reply:
        """The versions (section 11), of a deleted object too."""
        params = {"format": "json", "version": "list"}
        return self._read("GET", self.url(account, container, name), params, options)

    # writing objects ------------------------------------------------------------------------------------------------

    def object_put(
        self,
        account: str,
        container: str,
        name: str,
        data: Body,
        *,
        content_type: str,
        md5: str | None = None,
        **options: Unpack[WriteOptions],
    ) -> Reply:
        """Create or replace with a body (section 7.3). `md5` lets the server check what arrived."""
        headers = {"Content-Type": content_type}
        if md5 is not None:
            headers["ETag"] = md5
        return self.object_request("PUT", account, container, name, options, headers=headers, data=data)

    def object_put_hashmap(
        self,
        account: str,
        container: str,
        name: str,
        hashmap: Hashmap | tuple[int, Sequence[str]],
        *,
        content_type: str,
        **options: Unpack[WriteOptions],
    ) -> Reply:
        """Create or replace from blocks that the server holds (section 9.3); `hashmap` may be (size, hashes).

        A 409 with a list is an answer, not an error: `replies.missing_hashes(reply)` has the blocks that are not there,
        and nothing has changed.
        """
        size, hashes = (hashmap.size, hashmap.hashes) if isinstance(hashmap, Hashmap) else hashmap
        body = json.dumps({"bytes": size, "hashes": [one.lower() for one in hashes]}).encode()
        params = {"format": "json", "hashmap": ""}
        headers = {"Content-Type": content_type}
        if options.get("success") is None:
            options["success"] = (201, 409)
        reply = self.object_request("PUT", account, container, name, options, params=params, headers=headers, data=body)
        if reply.status_code == 409 and not reply.content.lstrip().startswith(b"["):
            message, details = read_fault(reply.content)
            raise client_error(409, message or f"{container}/{name} cannot be written now", details)
        return reply

    def object_put_from(
        self,
        account: str,
        container: str,
        name: str,
        source: tuple[str, str, str],
        *,
        move: bool = False,
        source_version: str | int | None = None,
        content_type: str | None = None,
        delimiter: str | None = None,
        **options: Unpack[WriteOptions],
    ) -> Reply:
        """Copy or move onto this name from `source` (account, container, name); conditions test this name.

        Section 7.4. `delimiter` takes along everything below. With `source_version` give `content_type` too
        (section 20, row 15).
        """
        source_account, source_container, source_name = source
        headers = {
            "X-Move-From" if move else "X-Copy-From": path_header(source_container, source_name),
            "X-Source-Account": encode_value(source_account),
        }
        if source_version is not None:
            headers["X-Source-Version"] = str(source_version)
        if content_type is not None:  # one that is sent becomes the type
            headers["Content-Type"] = content_type
        params = {"format": "json", "delimiter": delimiter}
        return self.object_request(
            "PUT", account, container, name, options, params=params, headers=headers, data=b"", retry=not move
        )

    def object_copy(
        self,
        account: str,
        container: str,
        name: str,
        target: tuple[str, str, str],
        *,
        move: bool = False,
        source_version: str | int | None = None,
        content_type: str | None = None,
        ignore_content_type: bool = False,
        delimiter: str | None = None,
        **options: Unpack[WriteOptions],
    ) -> Reply:
        """COPY or MOVE this object to `target` (account, container, name); conditions test the source (section 7.4).

        A MOVE is never repeated once the server may have it: its second try would find nothing.
        """
        target_account, target_container, target_name = target
        headers = {
            "Destination": path_header(target_container, target_name),
            "Destination-Account": encode_value(target_account),
        }
        if source_version is not None:
            headers["X-Source-Version"] = str(source_version)
        if content_type is not None:
            headers["Content-Type"] = content_type
        params = {"format": "json", "ignore_content_type": flag(ignore_content_type), "delimiter": delimiter}
        method = "MOVE" if move else "COPY"
        return self.object_request(
            method, account, container, name, options, params=params, headers=headers, retry=not move
        )

    def object_post(
        self, account: str, container: str, name: str, *, update: bool = True, **options: Unpack[WriteOptions]
    ) -> Reply:
        """Change metadata, sharing, publication (section 7.5). Without `update` what is not given is removed."""
        params = {"format": "json", "update": flag(update)}
        return self.object_request("POST", account, container, name, options, params=params, data=b"", retry=True)

    def object_write(
        self,
        account: str,
        container: str,
        name: str,
        data: Body | None,
        *,
        offset: int | None = None,
        size: int | None = None,
        object_bytes: int | None = None,
        source: tuple[str, str, str] | None = None,
        source_version: str | int | None = None,
        content_range: str | None = None,
        update: bool = True,
        **options: Unpack[WriteOptions],
    ) -> Reply:
        """Change part of the content (section 10).

        `offset` None appends. `size` is what the object's size must be now (the write must stay inside it then).
        `object_bytes` cuts the object afterwards. With `source` (account, container, name) the data is that object's,
        and `data` None. `content_range` replaces the header that offset and data give. An append is never repeated once
        the server may have it.
        """
        headers: dict[str, str] = {}
        if content_range is None:
            content_range = content_range_header(offset, len(data) if isinstance(data, bytes) else None, size)
        headers["Content-Range"] = content_range
        if object_bytes is not None:
            headers["X-Object-Bytes"] = str(object_bytes)
        if source is None:
            headers["Content-Type"] = _OCTETS
        else:
            headers["X-Source-Object"] = path_header(source[1], source[2])
            headers["X-Source-Account"] = encode_value(source[0])
            if source_version is not None:
                headers["X-Source-Version"] = str(source_version)
        # With a condition the second try of a write that went through fails; without one it writes the same again.
        repeatable = not content_range.startswith("bytes */") or data == b""
        params = {"format": "json", "update": flag(update)}
        return self.object_request(
            "POST",
            account,
            container,
            name,
            options,
            params=params,
            headers=headers,
            data=data or b"",
            retry=repeatable,
        )

    def object_delete(
        self,
        account: str,
        container: str,
        name: str,
        *,
        until: Seconds | None = None,
        delimiter: str | None = None,
        **extra: Unpack[Extra],
    ) -> Reply:
        """Delete (section 7.6); with `delimiter` everything below too; with `until` destroy versions up to then."""
        params = {"until": until_parameter(until), "delimiter": delimiter}
        return self.send("DELETE", self.url(account, container, name), params=params, extra=extra)

    # the parts ------------------------------------------------------------------------------------------------------

    def _read(
        self,
        method: str,
        url: str,
        params: Mapping[str, str | int | None],
        options: ReadOptions,
        *,
        headers: Mapping[str, str] | None = None,
        stream: bool = False,
    ) -> Reply:
        conditions = condition_headers(options)
        # 304 answers a condition; without one nobody would know what to do with it.
        expect: Container[int] = (200, 204, 206, 304) if conditions else (200, 204, 206)
        all_headers = {**conditions, **(headers or {})}
        return self.send(
            method, url, params=params, headers=all_headers, expect=expect, stream=stream, extra=only_extra(options)
        )

    def object_request(
        self,
        method: str,
        account: str,
        container: str,
        name: str,
        options: WriteOptions,
        *,
        params: Mapping[str, str | int | None] | None = None,
        headers: Mapping[str, str] | None = None,
        data: Body | None = None,
        retry: bool | None = None,
    ) -> Reply:
        """Any writing request to an object: what all of the above are made of."""
        all_headers = {**condition_headers(options), **object_headers(options), **(headers or {})}
        url = self.url(account, container, name)
        return self.send(
            method, url, params=params, headers=all_headers, data=data, retry=retry, extra=only_extra(options)
        )
