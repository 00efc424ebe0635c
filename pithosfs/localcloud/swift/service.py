"""The Swift dialect as an ASGI application: `/auth/v1.0`, `/info` and `/swift/v1/AUTH_<id>/…`."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping

from starlette.types import Receive, Scope, Send

from pithosfs.localcloud.blockstore import MissingBlock
from pithosfs.localcloud.faults import Fault, forbidden, method_not_allowed, not_found, precondition_failed
from pithosfs.localcloud.objects.backend import Backend
from pithosfs.localcloud.objects.exchange import Disconnected, Place, Reply
from pithosfs.localcloud.swift import accounts, bulk, containers, copying, deleting, large, login, reading, writing
from pithosfs.localcloud.swift.backend import MIGRATIONS, SERVICE, SwiftBackend
from pithosfs.localcloud.swift.capabilities import get_info
from pithosfs.localcloud.swift.checksums import Checksums
from pithosfs.localcloud.swift.wire import (
    ACCOUNT_PREFIX,
    SwiftHeaders,
    SwiftRequest,
    fault_reply,
    place_of,
    send_reply,
    transaction_id,
)
from pithosfs.localcloud.users import User

__all__ = ["SwiftService"]

_log = logging.getLogger(__name__)

_AUTH = (b"/auth/v1.0", b"/auth/v1", b"/auth/v1.0/", b"/auth/v1/")
_INFO = (b"/info", b"/swift/info")  # clients look beside the `v1` of the storage URL, or at the top
_ENDPOINT = login.ENDPOINT.encode()

Handler = Callable[[SwiftBackend, SwiftRequest], Awaitable[Reply]]


class SwiftService:
    """Swift over the object store's own data: `backend` is that of `ObjectService`."""

    def __init__(self, backend: Backend) -> None:
        backend.database.migrate(SERVICE, MIGRATIONS)
        self._swift = SwiftBackend(backend, Checksums(backend))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        method: str = scope["method"]
        transaction = transaction_id()
        try:
            reply = await self._answer(scope, receive)
        except Fault as fault:
            reply = fault_reply(fault)
        except Disconnected:
            return  # nobody waits for a reply
        try:
            await send_reply(reply, transaction, receive, send, head=method == "HEAD")
        except (MissingBlock, OSError) as failure:
            # Too late for a fault. The server cuts the connection of a reply that was not finished.
            _log.error("%s %s was cut short: %s: %s", method, scope["path"], type(failure).__name__, failure)

    async def _answer(self, scope: Scope, receive: Receive) -> Reply:
        path: bytes = scope["raw_path"]
        method: str = scope["method"]
        if path in _AUTH or path in _INFO:
            if method not in ("GET", "HEAD"):
                raise method_not_allowed("GET", "HEAD")
            if path in _INFO:
                return get_info()
            identity = self._swift.objects.identity
            return login.log_in(self._swift.objects, identity.base_url(scope), SwiftHeaders(scope["headers"]))
        if path.startswith((b"/auth", b"/info")):
            raise not_found("The resource could not be found.")
        if not path.startswith(_ENDPOINT):
            raise precondition_failed("Bad URL")
        place = place_of(path[len(_ENDPOINT) :])
        user = self._caller(scope, place)
        if user.uuid != place.account:
            raise forbidden("Access was denied to this resource.")
        handlers = _handlers_for(place)
        handler = handlers.get(method)
        if handler is None:
            raise method_not_allowed(*handlers)
        return await handler(self._swift, SwiftRequest(scope, receive, place, user.uuid))

    def _caller(self, scope: Scope, place: Place) -> User:
        """Who sent the request. Raises Fault 401."""
        for name, value in scope["headers"]:
            if name in (b"x-auth-token", b"x-storage-token"):
                user = self._swift.objects.identity.authenticate(value.decode("latin-1").strip())
                if user is not None:
                    return user
        raise login.refused(ACCOUNT_PREFIX + place.account if place.account.isascii() else "unknown")


async def _put_account(swift: SwiftBackend, request: SwiftRequest) -> Reply:
    if bulk.PARAMETER in request.parameters:
        return await bulk.put_archive(swift, request)
    raise method_not_allowed("GET", "HEAD", "POST", "DELETE")


async def _put_container(swift: SwiftBackend, request: SwiftRequest) -> Reply:
    if bulk.PARAMETER in request.parameters:
        return await bulk.put_archive(swift, request)
    return await containers.put_container(swift, request)


async def _put(swift: SwiftBackend, request: SwiftRequest) -> Reply:
    if bulk.PARAMETER in request.parameters:
        return await bulk.put_archive(swift, request)
    if request.headers.get("x-copy-from"):
        return await copying.put_copy(swift, request)
    if request.manifest_action == "put":
        return await large.put_static(swift, request)
    return await writing.put_object(swift, request)


# In the order in which `Allow` shows the verbs.
_ACCOUNT: Mapping[str, Handler] = {
    "GET": accounts.get_account,
    "HEAD": accounts.head_account,
    "PUT": _put_account,
    "POST": accounts.post_account,
    "DELETE": accounts.delete_account,
}
_CONTAINER: Mapping[str, Handler] = {
    "GET": containers.get_container,
    "HEAD": containers.head_container,
    "PUT": _put_container,
    "POST": containers.post_container,
    "DELETE": containers.delete_container,
}
_OBJECT: Mapping[str, Handler] = {
    "GET": reading.get_object,
    "HEAD": reading.head_object,
    "PUT": _put,
    "COPY": copying.copy_object,
    "POST": writing.post_object,
    "DELETE": deleting.delete_object,
}


def _handlers_for(place: Place) -> Mapping[str, Handler]:
    if place.name:
        return _OBJECT
    return _CONTAINER if place.container else _ACCOUNT
