"""One service of the sandbox as an ASGI application: finds the route, the caller and the body, and sends the reply."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from email.utils import formatdate
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from pithosfs.localcloud.faults import (
    COMMON_HEADERS,
    Fault,
    bad_request,
    fault_response,
    method_not_allowed,
    over_limit,
    requested_form,
)
from pithosfs.localcloud.objects.exchange import parse_parameters
from pithosfs.localcloud.sandbox.routes import Asking, Call, Changing, Looking, Reply, Route, Verb
from pithosfs.localcloud.sandbox.world import Sandbox

__all__ = ["SandboxService"]

LARGEST_BODY = 1024 * 1024
"""Bytes of a JSON body: the largest is a new server with five files of 10 KiB and its start-up script."""


class SandboxService:
    """`routes` are looked through in their order; `json_405` says whether a wrong method is answered with a fault."""

    def __init__(self, sandbox: Sandbox, routes: Sequence[Route], *, json_405: bool = True) -> None:
        self._sandbox = sandbox
        self._routes = routes
        self._json_405 = json_405

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            response = _response(await self._answer(request))
        except Fault as fault:
            response = fault_response(fault, requested_form(scope))
            if fault.status == HTTPStatus.METHOD_NOT_ALLOWED and not self._json_405:
                response = Response(b"", fault.status, {**COMMON_HEADERS, **fault.headers}, "text/html")
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Reply:
        verb, arguments = self._verb(request)
        scope = request.scope
        user = self._sandbox.identity.caller(scope) if verb.token else None
        call = Call(
            "" if user is None else user.uuid,
            "" if user is None else user.default_project,
            user is not None and user.admin,
            self._sandbox.identity.base_url(scope),
            arguments,
            parse_parameters(scope["query_string"]),
            await _json_body(request) if verb.has_body else {},
            tuple(scope["headers"]),
        )
        if isinstance(verb, Changing):
            return await self._sandbox.write(lambda turn: verb.fn(turn, call))
        await self._sandbox.catch_up()
        if isinstance(verb, Asking):
            return await verb.fn(self._sandbox, call)
        if isinstance(verb, Looking):
            return self._sandbox.read_now(lambda turn: verb.fn(turn, call))
        return await self._sandbox.read_long(lambda turn: verb.fn(turn, call))

    def _verb(self, request: Request) -> tuple[Verb, tuple[str, ...]]:
        """What the method does at the path. Raises Fault 400, 405."""
        path = request.scope["raw_path"].decode("latin-1")
        for route in self._routes:
            if match := route.pattern.fullmatch(path):
                verb = route.verbs.get(request.method)
                if verb is None:
                    raise method_not_allowed(*route.verbs)
                return verb, match.groups()
        raise bad_request("there is nothing at this address")


async def _json_body(request: Request) -> Mapping[str, Any]:
    """The body, which must be a JSON object and say so. Raises Fault 400, 413."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > LARGEST_BODY:
            raise over_limit("the body is too large")
    if not request.headers.get("content-type", "").strip().lower().startswith("application/json"):
        raise bad_request("the Content-Type must be application/json")
    try:
        value = json.loads(body)
        # Halves of characters can be written in JSON but not stored as text.
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise bad_request("the body is not JSON") from None
    if not isinstance(value, dict):
        raise bad_request("the body is not a JSON object")
    return value


def _response(reply: Reply) -> Response:
    now = formatdate(time.time(), usegmt=True)
    headers = {**COMMON_HEADERS, "Last-Modified": now, "Expires": now, **reply.headers}
    if reply.value is None:
        return Response(b"", reply.status, headers)
    if isinstance(reply.value, bytes):
        return Response(reply.value, reply.status, headers)
    return Response(
        json.dumps(reply.value).encode(), reply.status, {**headers, "Content-Type": "application/json; charset=UTF-8"}
    )
