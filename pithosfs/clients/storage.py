"""The object store as plain object storage, without what only Pithos has. `PithosClient` is the one to use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, BinaryIO

from pithosfs.clients.client import Client
from pithosfs.clients.pithos import replies
from pithosfs.clients.pithos.encoding import decode_value
from pithosfs.clients.pithos.openfiles import binary, body
from pithosfs.clients.pithos.wire import PithosWire
from pithosfs.errors import BadRequest, ClientError, Conflict, NotFound
from pithosfs.http import Session

__all__ = ["ClientError", "ReplyHeaders", "StorageClient", "named"]


class ReplyHeaders(dict[str, str]):
    """The headers of a reply: names in lower case, values decoded. They are found in any spelling of the name."""

    def __missing__(self, name: str) -> str:
        lower = name.lower()
        if lower == name:
            raise KeyError(name)
        return self[lower]

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name.lower() if isinstance(name, str) else name)

    def get(self, name: str, default: Any = None, /) -> Any:
        return super().get(name.lower(), default)


def named(headers: Mapping[str, str], prefix: str = "", exact: bool = False) -> ReplyHeaders:
    """The headers of a reply whose names start with `prefix` (or are it)."""
    prefix = prefix.lower()
    return ReplyHeaders(
        (decode_value(name).lower(), decode_value(value))
        for name, value in headers.items()
        if (name.lower() == prefix if exact else name.lower().startswith(prefix))
    )


class StorageClient(Client):
    """Objects of one account and container, both of which may be changed between calls.

    Methods that change `container` or `account` in between make an instance unfit for several threads: give each
    its own, with one common `session`.
    """

    service_type = "object-store"

    def __init__(
        self,
        endpoint_url: str,
        token: str,
        account: str | None = None,
        container: str | None = None,
        *,
        session: Session | None = None,
    ) -> None:
        super().__init__(endpoint_url, token, session=session)
        self.account = account
        self.container = container

    @property
    def wire(self) -> PithosWire:
        """The requests, with every address given."""
        return PithosWire(self.session, self.endpoint_url, self.token)

    def _account(self) -> str:
        if not self.account:
            raise BadRequest("no account is set", 0, hint="set client.account to the user's id")
        return self.account

    def _container(self, container: str | None = None) -> tuple[str, str]:
        """Account and container to work on."""
        container = container or self.container
        if not container:
            raise BadRequest("no container is set", 0, hint="set client.container")
        return self._account(), container

    def _object(self, obj: str) -> tuple[str, str, str]:
        return (*self._container(), obj)

    # account

    def get_account_info(self) -> ReplyHeaders:
        """The headers of a HEAD of the account, names in lower case."""
        return named(self.wire.account_head(self._account()).headers)

    def replace_account_meta(self, metapairs: Mapping[str, str]) -> None:
        """Make `metapairs` the account's metadata; all other metadata goes."""
        self.wire.account_post(self._account(), update=False, meta=metapairs)

    def del_account_meta(self, metakey: str) -> ReplyHeaders:
        """Remove one item of the account's metadata."""
        return named(self.wire.account_post(self._account(), meta={metakey: ""}).headers)

    # containers

    def list_containers(self) -> list[dict[str, Any]]:
        """The account's containers (object-store.md section 8.2)."""
        return replies.entries(self.wire.account_get(self._account()))

    def get_container_info(self, container: str | None = None) -> ReplyHeaders:
        """The headers of a HEAD of a container, names in lower case. Raises NotFound."""
        return named(self.wire.container_head(*self._container(container)).headers)

    def create_container(self, container: str | None = None) -> ReplyHeaders:
        """Make a container. Raises Conflict when there is one of that name."""
        reply = self.wire.container_put(*self._container(container))
        if reply.status_code == 202 and reply.attempts == 1:
            raise Conflict("the container exists already", 202)
        return named(reply.headers)

    def delete_container(self, container: str) -> None:
        """Delete an empty container. Raises NotFound, Conflict."""
        self.wire.container_delete(*self._container(container))

    # lists

    def list_objects(
        self,
        limit: int | None = None,
        marker: str | None = None,
        prefix: str | None = None,
        format: str | None = None,
        delimiter: str | None = None,
        path: str | None = None,
    ) -> list[dict[str, Any]]:
        """One page of the container's objects (section 8.3). `format` is without effect: the answer is parsed."""
        reply = self.wire.container_get(
            *self._container(), limit=limit, marker=marker, prefix=prefix, delimiter=delimiter, path=path
        )
        return replies.entries(reply)

    def list_objects_in_path(self, path_prefix: str) -> list[dict[str, Any]]:
        """What is directly in a directory."""
        return replies.entries(self.wire.container_get(*self._container(), path=path_prefix))

    # objects

    def create_object(
        self, obj: str, content_type: str = "application/octet-stream", content_length: int = 0
    ) -> ReplyHeaders:
        """Make an empty object."""
        data = bytes(content_length)
        return named(self.wire.object_put(*self._object(obj), data, content_type=content_type).headers)

    def create_directory(self, obj: str) -> ReplyHeaders:
        """Make a directory marker."""
        return named(self.wire.object_put(*self._object(obj), b"", content_type="application/directory").headers)

    def upload_object(self, obj: str, f: BinaryIO, size: int | None = None) -> ReplyHeaders:
        """Create or replace an object from an open file, from its present position on, or `size` bytes of it."""
        content = body(binary(f), size)
        return named(self.wire.object_put(*self._object(obj), content, content_type="application/octet-stream").headers)

    def get_object_info(self, obj: str) -> ReplyHeaders:
        """The headers of a HEAD of the object, names in lower case, values decoded. Raises NotFound."""
        return named(self.wire.object_head(*self._object(obj)).headers)

    def get_object_meta(self, obj: str) -> ReplyHeaders:
        """The user metadata, as `x-object-meta-KEY` → value."""
        return named(self.wire.object_head(*self._object(obj)).headers, "X-Object-Meta-")

    def del_object_meta(self, obj: str, metakey: str) -> ReplyHeaders:
        """Remove one item of the metadata."""
        return named(self.wire.object_post(*self._object(obj), meta={metakey: ""}).headers)

    def replace_object_meta(self, metapairs: Mapping[str, str], obj: str | None = None) -> None:
        """Make `metapairs` the metadata of an object; all other metadata goes."""
        if obj is None:
            raise BadRequest("no object is named whose metadata is to be replaced", 0, hint="give obj=NAME")
        self.wire.object_post(*self._object(obj), update=False, meta=metapairs)

    def copy_object(
        self, src_container: str, src_object: str, dst_container: str, dst_object: str | bool | None = False
    ) -> ReplyHeaders:
        """Copy on the server, by default under the same name."""
        source = (self._account(), src_container, src_object)
        target = (self._account(), dst_container, str(dst_object or src_object))
        return named(self.wire.object_put_from(*target, source).headers)

    def move_object(
        self, src_container: str, src_object: str, dst_container: str, dst_object: str | bool | None = False
    ) -> ReplyHeaders:
        """Move on the server, by default to the same name."""
        source = (self._account(), src_container, src_object)
        target = (self._account(), dst_container, str(dst_object or src_object))
        return named(self.wire.object_put_from(*target, source, move=True).headers)

    def delete_object(self, obj: str) -> None:
        """Delete an object. Raises NotFound."""
        try:
            self.wire.object_delete(*self._object(obj))
        except NotFound as error:
            raise NotFound(f"there is no object {obj!r}", error.status, error.details) from error
