"""Errors on the wire: one exception, and its JSON and XML bodies (object-store.md section 3.3, identity.md 1.2-1.4)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from starlette.responses import Response
from starlette.types import Scope

__all__ = [
    "COMMON_HEADERS",
    "Fault",
    "bad_request",
    "conflict",
    "fault_body",
    "fault_response",
    "forbidden",
    "length_required",
    "method_not_allowed",
    "not_found",
    "over_limit",
    "precondition_failed",
    "rejected_token",
    "relayed",
    "requested_form",
    "unauthorized",
]

COMMON_HEADERS: Mapping[str, str] = {
    "Vary": "X-Auth-Token",
    "Cache-Control": "no-cache, no-store, must-revalidate, max-age=0",
}
"""On every reply of every service (identity.md 1.2, object-store.md 3.2)."""


class Fault(Exception):
    """The request is refused with `status` and a one-key body that `name` names.

    `message` is for people; `details` is a string, often empty; `headers` are added to the reply (`Allow`).
    """

    def __init__(
        self, status: int, name: str, message: str = "", details: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(f"{status} {name}: {message}")
        self.status = status
        self.name = name
        self.message = message
        self.details = details
        self.headers = dict(headers or {})


def bad_request(message: str) -> Fault:
    return Fault(400, "badRequest", message)


def unauthorized(message: str = "no token was sent") -> Fault:
    return Fault(401, "unauthorized", message)


def forbidden(message: str = "") -> Fault:
    return Fault(403, "forbidden", message)


def not_found(message: str) -> Fault:
    return Fault(404, "itemNotFound", message)


def method_not_allowed(*allowed: str) -> Fault:
    """`allowed` are the verbs that the resource has, in the order in which they are shown."""
    return Fault(405, "notAllowed", "that method is not supported here", headers={"Allow": ",".join(allowed)})


def conflict(message: str) -> Fault:
    return Fault(409, "conflict", message)


def length_required(message: str) -> Fault:
    return Fault(411, "lengthRequired", message)


def precondition_failed(message: str) -> Fault:
    return Fault(412, "preconditionFailed", message)


def over_limit(message: str) -> Fault:
    """A container's own limit or the size of a body; a project's quota is `relayed(413, …)` instead."""
    return Fault(413, "requestEntityTooLarge", message)


def relayed(status: int, inner: Fault | str) -> Fault:
    """What a service says when the identity service refused: name `fault`, the inner body as a text in `details`."""
    phrase = HTTPStatus(status).phrase.upper()
    details = inner if isinstance(inner, str) else fault_body(inner, "json")[0].decode()
    return Fault(status, "fault", phrase, details)


def rejected_token() -> Fault:
    """How the other services report a token that identity does not accept (identity.md 1.4)."""
    return relayed(401, unauthorized("the token is unknown or has expired"))


def fault_body(fault: Fault, form: str = "json") -> tuple[bytes, str]:
    """The body of a fault and its content type; `form` is `json`, `xml` or `text` (JSON that is labelled as text)."""
    if form == "xml":
        body = (
            f'<?xml version="1.0" encoding="UTF-8"?>\n<{fault.name} code="{fault.status}">'
            f"<message>{_xml(fault.message)}</message><details>{_xml(fault.details)}</details></{fault.name}>"
        )
        return body.encode(), "application/xml; charset=UTF-8"
    value = {fault.name: {"code": fault.status, "message": fault.message, "details": fault.details}}
    label = "text/plain" if form == "text" else "application/json"
    return json.dumps(value).encode(), f"{label}; charset=UTF-8"


def fault_response(fault: Fault, form: str = "json") -> Response:
    """The whole reply to a refused request; 304 has no body."""
    headers = {**COMMON_HEADERS, **fault.headers}
    if fault.status == HTTPStatus.NOT_MODIFIED:
        return Response(status_code=fault.status, headers=headers)
    body, content_type = fault_body(fault, form)
    return Response(body, fault.status, {**headers, "Content-Type": content_type})


def requested_form(scope: Scope, default: str = "json") -> str:
    """The form that a request asks for: `json`, `xml`, or else the default (object-store.md 3.1, identity.md 1.1).

    The first of these that says something: the parameter `format`, the end of the path, the `Accept` header.
    """
    query: bytes = scope["query_string"]
    if b"format" in query:
        values = parse_qs(query.decode("latin-1")).get("format", [])
        if values and values[-1] in ("json", "xml"):
            return values[-1]
    path: bytes = scope["raw_path"]
    for form in ("json", "xml"):
        if path.endswith(f".{form}".encode()):
            return form
    for name, value in scope["headers"]:
        if name == b"accept":
            for item in value.decode("latin-1").split(","):
                kind: str = item.partition(";")[0].strip()
                if kind in ("application/json", "application/xml"):
                    return kind.removeprefix("application/")
    return default


def _xml(text: str) -> str:
    """Escaped text without the control characters that XML 1.0 cannot carry."""
    return escape("".join(char if char >= " " or char in "\t\n\r" else "\ufffd" for char in text), {"\r": "&#13;"})
