"""The object store as an ASGI application: who asks, for what, and which handler answers.

It serves `/object-store/v1/…` and the public URLs `/public/<token>`.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import cast

from starlette.types import Receive, Scope, Send

from pithosfs.localcloud.blockstore import BlockStore, MissingBlock
from pithosfs.localcloud.database import Database
from pithosfs.localcloud.faults import Fault, bad_request, method_not_allowed, requested_form
from pithosfs.localcloud.identity import Identity
from pithosfs.localcloud.objects import accounts, bulk, containers, copying, deleting, reading, updating, writing
from pithosfs.localcloud.objects.backend import Backend
from pithosfs.localcloud.objects.clock import Clock
from pithosfs.localcloud.objects.exchange import Disconnected, Form, Place, Reply, Request, fault_reply, parse_place
from pithosfs.localcloud.objects.forms import post_form
from pithosfs.localcloud.objects.model import blocks_in_use
from pithosfs.localcloud.objects.schema import MIGRATIONS, SERVICE

__all__ = ["ObjectService"]

_log = logging.getLogger(__name__)

ENDPOINT = b"/object-store/v1/"
PUBLIC = b"/public/"

Handler = Callable[[Backend, Request], Awaitable[Reply]]


class ObjectService:
    """The object store over an open database and block store; users come from `identity`."""

    def __init__(self, database: Database, blocks: BlockStore, identity: Identity) -> None:
        database.migrate(SERVICE, MIGRATIONS)
        last = database.read_now(lambda connection: connection.execute("SELECT max(modified) FROM accounts").fetchone())
        self._backend = Backend(database, blocks, identity, Clock(last[0] or 0))

    @property
    def backend(self) -> Backend:
        """What the handlers stand on, for another dialect over the same objects."""
        return self._backend

    async def blocks_in_use(self, names: Collection[str]) -> set[str]:
        """Those of the named blocks that any version refers to (for `BlockStore.collect`)."""
        wanted = frozenset(names)
        return await self._backend.database.read_long(lambda connection: blocks_in_use(connection, wanted))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        method: str = scope["method"]
        try:
            reply = await self._answer(scope, receive)
        except Fault as fault:
            reply = fault_reply(fault, cast(Form, requested_form(scope, _default_form(scope))))
        except Disconnected:
            return  # uvicorn knows: nobody waits for a reply
        try:
            await reply.send(receive, send, head=method == "HEAD")
        except (MissingBlock, OSError) as failure:
            # Too late for a fault. The server cuts the connection of a reply that was not finished.
            _log.error("%s %s was cut short: %s: %s", method, scope["path"], type(failure).__name__, failure)

    async def _answer(self, scope: Scope, receive: Receive) -> Reply:
        path: bytes = scope["raw_path"]
        method: str = scope["method"]
        if path.startswith(PUBLIC):
            return await self._answer_public(scope, receive, path[len(PUBLIC) :])
        if not path.startswith(ENDPOINT):
            raise bad_request("the object store is at /object-store/v1/")
        place = parse_place(path[len(ENDPOINT) :])
        handlers = _handlers_for(place)
        handler = handlers.get(method)
        if handler is None:
            raise method_not_allowed(*handlers)
        request = Request(scope, receive, place)
        if not place.account and (greeting := _old_login(request, self._backend)) is not None:
            return greeting
        request.user = self._backend.identity.caller(scope).uuid
        return await handler(self._backend, request)

    async def _answer_public(self, scope: Scope, receive: Receive, token: bytes) -> Reply:
        method: str = scope["method"]
        if method not in ("GET", "HEAD"):
            raise method_not_allowed("HEAD", "GET")
        request = Request(scope, receive, Place())
        handler = reading.get_public if method == "GET" else reading.head_public
        return await handler(self._backend, request, token.decode("latin-1"))


def _default_form(scope: Scope) -> str:
    """The format of an error where the request names none: that of the list it asked for."""
    path: bytes = scope["raw_path"]
    is_list = scope["method"] == "GET" and path.startswith(ENDPOINT) and path.count(b"/", len(ENDPOINT)) < 2
    return "text" if is_list else "json"


def _old_login(request: Request, backend: Backend) -> Reply | None:
    """`GET <endpoint>/` without a token: the convenience of section 2, which checks nothing. Raises Fault 400."""
    if request.headers.get("x-auth-token") or request.text("X-Auth-Token"):
        return None
    user, key = request.headers.get("x-auth-user"), request.headers.get("x-auth-key")
    if not user or not key:
        raise bad_request("a token, or X-Auth-User and X-Auth-Key, is required")
    if not re.fullmatch(r"[!-~]+", user) or not re.fullmatch(r"[!-~]+", key):
        raise bad_request("X-Auth-User and X-Auth-Key must be printable ASCII")
    url = f"{backend.identity.base_url(request.scope)}{ENDPOINT.decode()}{user}"
    return Reply(204, [("X-Auth-Token", key), ("X-Storage-Url", url)])


async def _put_container(backend: Backend, request: Request) -> Reply:
    if request.flag(bulk.PARAMETER):
        return await bulk.put_archive(backend, request)
    return await containers.put_container(backend, request)


async def _put(backend: Backend, request: Request) -> Reply:
    headers = request.headers
    if request.flag(bulk.PARAMETER):
        return await bulk.put_archive(backend, request)
    if "x-copy-from" in headers or "x-move-from" in headers:
        return await copying.put_from(backend, request)
    if request.flag("hashmap"):
        return await writing.put_hashmap(backend, request)
    return await writing.put_object(backend, request)


async def _post(backend: Backend, request: Request) -> Reply:
    content_type = request.headers.get("content-type") or ""
    if content_type == containers.BLOCKS_TYPE or "x-source-object" in request.headers:
        return await updating.update_data(backend, request)
    if content_type.partition(";")[0].strip().lower() == "multipart/form-data":
        return await post_form(backend, request)
    return await writing.post_metadata(backend, request)


async def _copy(backend: Backend, request: Request) -> Reply:
    return await copying.copy_object(backend, request, move=False)


async def _move(backend: Backend, request: Request) -> Reply:
    return await copying.copy_object(backend, request, move=True)


# In the order in which `Allow` shows the verbs.
_TOP: Mapping[str, Handler] = {"GET": accounts.get_top}
_ACCOUNT: Mapping[str, Handler] = {
    "HEAD": accounts.head_account,
    "POST": accounts.post_account,
    "GET": accounts.get_account,
}
_CONTAINER: Mapping[str, Handler] = {
    "HEAD": containers.head_container,
    "GET": containers.get_container,
    "PUT": _put_container,
    "POST": containers.post_container,
    "DELETE": containers.delete_container,
}
_OBJECT: Mapping[str, Handler] = {
    "HEAD": reading.head_object,
    "GET": reading.get_object,
    "PUT": _put,
    "COPY": _copy,
    "MOVE": _move,
    "POST": _post,
    "DELETE": deleting.delete_object,
}


def _handlers_for(place: Place) -> Mapping[str, Handler]:
    if place.name:
        return _OBJECT
    if place.container:
        return _CONTAINER
    return _ACCOUNT if place.account else _TOP
