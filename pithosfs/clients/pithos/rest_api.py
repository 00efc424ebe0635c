"""One method per request of the Pithos API, with the names and parameters that existing programs use.

Every method returns the reply (a `requests.Response`) and takes, besides what is named, `success=` (a status or
several that are no error), `headers=`, `params=` and, where there is a body, `data=` or `json=`. Errors are those of
`pithosfs.errors`. What the parameters mean is in `pithosfs.clients.pithos.wire`, on which all of this stands.
"""

from __future__ import annotations

import json as jsonlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, BinaryIO, cast
from urllib.parse import quote

from pithosfs.clients.client import accepted
from pithosfs.clients.pithos.encoding import encode_value
from pithosfs.clients.pithos.openfiles import pieces
from pithosfs.clients.pithos.options import Conditions, Extra, ObjectOptions, Seconds
from pithosfs.clients.storage import StorageClient
from pithosfs.errors import BadRequest
from pithosfs.http import Body, Reply

__all__ = ["Permissions", "PithosRestClient", "container_policy", "extra_options", "sharing_text"]

Permissions = Mapping[str, str | Sequence[str]]


def sharing_text(permissions: Permissions | str | None) -> str | None:
    """The sharing rule as a header, from `{"read": […], "write": […]}`; None stays None, no one at all is ""."""
    if permissions is None or isinstance(permissions, str):
        return permissions
    parts = []
    for key in ("read", "write"):
        who = permissions.get(key) or ()
        names = who if isinstance(who, str) else ",".join(who)
        if names:
            parts.append(f"{key}={names}")
    return "; ".join(parts)


class PithosRestClient(StorageClient):
    """The requests of the object store, for the client's `account` and `container`."""

    # account --------------------------------------------------------------------------------------------------------

    def account_head(
        self,
        until: Seconds | None = None,
        if_modified_since: int | str | None = None,
        if_unmodified_since: int | str | None = None,
        *args: Any,
        **kwargs: Any,
    ) -> Reply:
        """HEAD of the account."""
        return self.wire.account_head(
            self._account(),
            until=until,
            if_modified_since=if_modified_since,
            if_unmodified_since=if_unmodified_since,
            **extra_options(args, kwargs),
        )

    def account_get(
        self,
        limit: int | None = None,
        marker: str | None = None,
        format: str = "json",
        show_only_shared: bool = False,
        public: bool = False,
        until: Seconds | None = None,
        if_modified_since: int | str | None = None,
        if_unmodified_since: int | str | None = None,
        *args: Any,
        **kwargs: Any,
    ) -> Reply:
        """GET of the account: its containers."""
        return self.wire.account_get(
            self._account(),
            limit=limit,
            marker=marker,
            shared=show_only_shared,
            public=public,
            until=until,
            if_modified_since=if_modified_since,
            if_unmodified_since=if_unmodified_since,
            **extra_options(args, kwargs, params={"format": format}),
        )

    def account_post(
        self,
        update: bool = True,
        groups: Mapping[str, Iterable[str]] | None = None,
        metadata: Mapping[str, str] | None = None,
        quota: int | str | None = None,
        versioning: str | None = None,
        *args: Any,
        **kwargs: Any,
    ) -> Reply:
        """POST to the account: metadata and groups. Servers ignore `quota` and `versioning` here."""
        policy = {"X-Account-Policy-Quota": quota, "X-Account-Policy-Versioning": versioning}
        headers = {name: encode_value(str(value)) for name, value in policy.items() if value is not None}
        return self.wire.account_post(
            self._account(), update=update, meta=metadata, groups=groups, **extra_options(args, kwargs, headers=headers)
        )

    # container ------------------------------------------------------------------------------------------------------

    def container_head(
        self,
        until: Seconds | None = None,
        if_modified_since: int | str | None = None,
        if_unmodified_since: int | str | None = None,
        *args: Any,
        **kwargs: Any,
    ) -> Reply:
        """HEAD of the container."""
        return self.wire.container_head(
            *self._container(),
            until=until,
            if_modified_since=if_modified_since,
            if_unmodified_since=if_unmodified_since,
            **extra_options(args, kwargs),
        )

    def container_get(
        self,
        limit: int | None = None,
        marker: str | None = None,
        prefix: str | None = None,
        delimiter: str | None = None,
        path: str | None = None,
        format: str = "json",
        meta: Iterable[str] | None = None,
        show_only_shared: bool = False,
        public: bool = False,
        until: Seconds | None = None,
        if_modified_since: int | str | None = None,
        if_unmodified_since: int | str | None = None,
        *args: Any,
        **kwargs: Any,
    ) -> Reply:
        """GET of the container: its objects."""
        return self.wire.container_get(
            *self._container(),
            limit=limit,
            marker=marker,
            prefix=prefix,
            delimiter=delimiter,
            path=path,
            meta=meta,
            shared=show_only_shared,
            public=public,
            until=until,
            if_modified_since=if_modified_since,
            if_unmodified_since=if_unmodified_since,
            **extra_options(args, kwargs, params={"format": format}),
        )

    def container_put(
        self,
        quota: int | str | None = None,
        versioning: str | None = None,
        project_id: str | None = None,
        metadata: Mapping[str, str] | None = None,
        *args: Any,
        **kwargs: Any,
    ) -> Reply:
        """PUT of the container: make it, or merge policy and metadata into it."""
        return self.wire.container_put(
            *self._container(),
            policy=container_policy(quota, versioning, project_id),
            meta=metadata,
            **extra_options(args, kwargs),
        )

    def container_post(
        self,
        update: bool = True,
        format: str = "json",
        quota: int | str | None = None,
        versioning: str | None = None,
        project_id: str | None = None,
        metadata: Mapping[str, str] | None = None,
        content_type: str | None = None,
        content_length: int | None = None,
        transfer_encoding: str | None = None,
        *args: Any,
        **kwargs: Any,
    ) -> Reply:
        """POST to the container: policy, metadata, or blocks (`data=` of type application/octet-stream)."""
        data = _data(kwargs, transfer_encoding)
        return self.wire.container_post(
            *self._container(),
            update=update,
            policy=container_policy(quota, versioning, project_id),
            meta=metadata,
            data=data,
            content_type=content_type,
            **extra_options(args, kwargs, headers=_length(data, content_length), params={"format": format}),
        )

    def container_delete(
        self, until: Seconds | None = None, delimiter: str | None = None, *args: Any, **kwargs: Any
    ) -> Reply:
        """DELETE of the container; with `delimiter` of what is in it, with `until` of its history up to then."""
        return self.wire.container_delete(
            *self._container(), until=until, delimiter=delimiter, **extra_options(args, kwargs)
        )

    # object ---------------------------------------------------------------------------------------------------------

    def object_head(
        self,
        obj: str,
        version: str | int | None = None,
        if_etag_match: str | None = None,
        if_etag_not_match: str | None = None,
        if_modified_since: int | str | None = None,
        if_unmodified_since: int | str | None = None,
        *args: Any,
        **kwargs: Any,
    ) -> Reply:
        """HEAD of an object."""
        return self.wire.object_head(
            *self._object(obj),
            version=version,
            if_match=if_etag_match,
            if_none_match=if_etag_not_match,
            if_modified_since=if_modified_since,
            if_unmodified_since=if_unmodified_since,
            **extra_options(args, kwargs),
        )

    def object_get(
        self,
        obj: str,
        format: str = "json",
        hashmap: bool = False,
        version: str | int | None = None,
        data_range: str | None = None,
        if_range: bool | str = False,
        if_etag_match: str | None = None,
        if_etag_not_match: str | None = None,
        if_modified_since: int | str | None = None,
        if_unmodified_since: int | str | None = None,
        *args: Any,
        **kwargs: Any,
    ) -> Reply:
        """GET of an object: its content or a range of it, its hashmap, or (`version="list"`) its versions."""
        params: dict[str, str | int] = {"format": format}
        if hashmap:
            params["hashmap"] = ""
        if data_range and "=" not in data_range:
            data_range = f"bytes={data_range}"
        stream = bool(kwargs.pop("stream", False))
        return self.wire.object_get(
            *self._object(obj),
            version=version,
            data_range=data_range,
            if_range=if_range if isinstance(if_range, str) else None,
            stream=stream,
            if_match=if_etag_match,
            if_none_match=if_etag_not_match,
            if_modified_since=if_modified_since,
            if_unmodified_since=if_unmodified_since,
            **extra_options(args, kwargs, params=params),
        )

    def object_put(
        self,
        obj: str,
        format: str = "json",
        hashmap: bool = False,
        delimiter: str | None = None,
        if_etag_match: str | None = None,
        if_etag_not_match: str | None = None,
        etag: str | None = None,
        content_length: int | None = None,
        content_type: str | None = None,
        transfer_encoding: str | None = None,
        copy_from: str | None = None,
        move_from: str | None = None,
        source_account: str | None = None,
        source_version: str | int | None = None,
        content_encoding: str | None = None,
        content_disposition: str | None = None,
        manifest: str | None = None,
        permissions: Permissions | str | None = None,
        public: bool | None = None,
        metadata: Mapping[str, str] | None = None,
        *args: Any,
        **kwargs: Any,
    ) -> Reply:
        """PUT of an object: from `data=`, from a hashmap (`hashmap=True`, `json=`), or from another object.

        `copy_from` and `move_from` are `/container/object`, encoded. A hashmap's 409 is an error here unless `success`
        has it.
        """
        data = _data(kwargs, transfer_encoding)
        headers = {
            "ETag": etag,
            "Content-Type": content_type,
            "X-Copy-From": _path(copy_from),
            "X-Move-From": _path(move_from),
            "X-Source-Account": source_account and encode_value(source_account),
            "X-Source-Version": _text(source_version),
        }
        params: dict[str, str | int | None] = {
            "format": format,
            "hashmap": "" if hashmap else None,
            "delimiter": delimiter,
        }
        return self.wire.object_request(
            "PUT",
            *self._object(obj),
            {
                **_stored(content_encoding, content_disposition, manifest, permissions, public, metadata),
                **extra_options(args, kwargs, headers=_length(data, content_length)),
                **_tags(if_etag_match, if_etag_not_match),
            },
            params=params,
            headers=_given(headers),
            data=data,
            retry=move_from is None,
        )

    def object_copy(
        self,
        obj: str,
        destination: str,
        format: str = "json",
        ignore_content_type: bool = False,
        if_etag_match: str | None = None,
        if_etag_not_match: str | None = None,
        destination_account: str | None = None,
        content_type: str | None = None,
        content_encoding: str | None = None,
        content_disposition: str | None = None,
        source_version: str | int | None = None,
        permissions: Permissions | str | None = None,
        public: bool | None = None,
        metadata: Mapping[str, str] | None = None,
        *args: Any,
        **kwargs: Any,
    ) -> Reply:
        """COPY of an object to `destination` (`/container/object`, encoded)."""
        headers = {
            "Destination": _path(destination),
            "Destination-Account": destination_account and encode_value(destination_account),
            "Content-Type": content_type,
            "X-Source-Version": _text(source_version),
        }
        return self.wire.object_request(
            "COPY",
            *self._object(obj),
            {
                **_stored(content_encoding, content_disposition, None, permissions, public, metadata),
                **extra_options(args, kwargs),
                **_tags(if_etag_match, if_etag_not_match),
            },
            params={"format": format, "ignore_content_type": "" if ignore_content_type else None},
            headers=_given(headers),
            retry=True,
        )

    def object_move(
        self,
        object: str,
        format: str = "json",
        ignore_content_type: bool = False,
        if_etag_match: str | None = None,
        if_etag_not_match: str | None = None,
        destination: str | None = None,
        destination_account: str | None = None,
        content_type: str | None = None,
        content_encoding: str | None = None,
        content_disposition: str | None = None,
        permissions: Permissions | str | None = None,
        public: bool | None = None,
        metadata: Mapping[str, str] | None = None,
        *args: Any,
        **kwargs: Any,
    ) -> Reply:
        """MOVE of an object to `destination` (`/container/object`, encoded)."""
        if not destination:
            raise BadRequest("a move needs a destination", 0)
        headers = {
            "Destination": _path(destination),
            "Destination-Account": destination_account and encode_value(destination_account),
            "Content-Type": content_type,
        }
        return self.wire.object_request(
            "MOVE",
            *self._object(object),
            {
                **_stored(content_encoding, content_disposition, None, permissions, public, metadata),
                **extra_options(args, kwargs),
                **_tags(if_etag_match, if_etag_not_match),
            },
            params={"format": format, "ignore_content_type": "" if ignore_content_type else None},
            headers=_given(headers),
            retry=False,
        )

    def object_post(
        self,
        obj: str,
        format: str = "json",
        update: bool = True,
        if_etag_match: str | None = None,
        if_etag_not_match: str | None = None,
        content_length: int | None = None,
        content_type: str | None = None,
        content_range: str | None = None,
        transfer_encoding: str | None = None,
        content_encoding: str | None = None,
        content_disposition: str | None = None,
        source_object: str | None = None,
        source_account: str | None = None,
        source_version: str | int | None = None,
        object_bytes: int | None = None,
        manifest: str | None = None,
        permissions: Permissions | str | None = None,
        public: bool | None = None,
        metadata: Mapping[str, str] | None = None,
        *args: Any,
        **kwargs: Any,
    ) -> Reply:
        """POST to an object: metadata, sharing, publication, or (with `content_range`) a change of its content.

        Empty `permissions` mean "leave the rule"; a rule is ended by `{"read": [], "write": []}`.
        """
        data = _data(kwargs, transfer_encoding)
        headers = {
            "Content-Type": content_type,
            "Content-Range": content_range,
            "X-Source-Object": _path(source_object),
            "X-Source-Account": source_account and encode_value(source_account),
            "X-Source-Version": _text(source_version),
            "X-Object-Bytes": _text(object_bytes),
        }
        appends = content_range is not None and content_range.replace(" ", "").startswith("bytes*")
        return self.wire.object_request(
            "POST",
            *self._object(obj),
            {
                **_stored(content_encoding, content_disposition, manifest, permissions, public, metadata),
                **extra_options(args, kwargs, headers=_length(data, content_length)),
                **_tags(if_etag_match, if_etag_not_match),
            },
            params={"format": format, "update": "" if update else None},
            headers=_given(headers),
            data=data,
            retry=not appends,
        )

    def object_delete(
        self, object: str, until: Seconds | None = None, delimiter: str | None = None, *args: Any, **kwargs: Any
    ) -> Reply:
        """DELETE of an object; with `delimiter` of everything below too, with `until` of its versions up to then."""
        return self.wire.object_delete(
            *self._object(object), until=until, delimiter=delimiter, **extra_options(args, kwargs)
        )


# arguments ----------------------------------------------------------------------------------------------------------


def extra_options(
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    *,
    headers: Mapping[str, str] | None = None,
    params: Mapping[str, str | int] | None = None,
) -> Extra:
    """What callers may add to every request. Raises TypeError for an argument that nobody knows, as a call would."""
    unknown = kwargs.keys() - {"success", "headers", "async_headers", "params", "async_params", "data", "json"}
    if args or unknown:
        raise TypeError(f"unknown arguments: {', '.join([*map(repr, args), *sorted(unknown)])}")
    success = kwargs.get("success")
    return {
        "headers": {**(headers or {}), **(kwargs.get("async_headers") or {}), **(kwargs.get("headers") or {})},
        "params": {**(params or {}), **(kwargs.get("async_params") or {}), **(kwargs.get("params") or {})},
        "success": None if success is None else accepted(success),
    }


def _stored(
    content_encoding: str | None,
    content_disposition: str | None,
    manifest: str | None,
    permissions: Permissions | str | None,
    public: bool | None,
    metadata: Mapping[str, str] | None,
) -> ObjectOptions:
    return {
        "content_encoding": content_encoding,
        "content_disposition": content_disposition,
        "manifest": manifest,
        "sharing": sharing_text(permissions or None),  # {} leaves the rule
        "public": public,
        "meta": metadata,
    }


def _tags(if_etag_match: str | None, if_etag_not_match: str | None) -> Conditions:
    return {"if_match": if_etag_match, "if_none_match": if_etag_not_match}


def _data(kwargs: Mapping[str, Any], transfer_encoding: str | None) -> Body:
    """The body. One that is to go `chunked` is sent piece by piece, without a length, and never twice."""
    if kwargs.get("json") is not None:
        data: Body = jsonlib.dumps(kwargs["json"]).encode()
    else:
        given = kwargs.get("data")
        data = given.encode() if isinstance(given, str) else b"" if given is None else given
    if transfer_encoding is None or transfer_encoding.lower() != "chunked":
        return data
    return (
        iter([data])
        if isinstance(data, bytes)
        else pieces(cast(BinaryIO, data), None)
        if hasattr(data, "read")
        else data
    )


def _length(data: Body, content_length: int | None) -> dict[str, str]:
    """A length is sent only for what has none of its own: a wrong one would spoil the connection."""
    own = isinstance(data, bytes) or hasattr(data, "seek")
    return {} if own or content_length is None else {"Content-Length": str(content_length)}


def container_policy(quota: int | str | None, versioning: str | None, project_id: str | None) -> dict[str, str | int]:
    """The policies that are given, as `PithosWire` takes them."""
    policy = {"quota": quota, "versioning": versioning, "project": project_id}
    return {key: value for key, value in policy.items() if value is not None}


def _given(headers: Mapping[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if value is not None}


def _text(value: str | int | None) -> str | None:
    return None if value is None else str(value)


def _path(path: str | None) -> str | None:
    """`/container/object` for a header: encoded by the caller, but a forgotten slash or letter is made good here."""
    if path is None:
        return None
    path = path if path.startswith("/") else f"/{path}"
    return path if path.isascii() else quote(path, safe="/%")
