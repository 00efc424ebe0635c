"""The text in an error answer, whatever its shape: JSON with one key, XML, HTML, plain text, nothing."""

from __future__ import annotations

import html
import json
import re
from http import HTTPStatus
from urllib.parse import unquote

__all__ = ["read_fault", "reason"]

_MESSAGE_LIMIT = 300  # characters: an error is one line
_XML = re.compile(r"<(?P<tag>message|details|title|h1)[^>]*>(?P<text>.*?)</(?P=tag)>", re.DOTALL | re.IGNORECASE)
_WHAT = {
    401: "the token was not accepted",
    403: "not allowed: {where}",
    404: "there is no {where}",
    409: "the server refused because of the present state of {where}",
    412: "{where} was changed by somebody else",
    413: "there is no room left for {where}",
}


def read_fault(content: bytes) -> tuple[str, str]:
    """Message and details of an error body (object-store.md section 3.3); both may be empty.

    A service that passes on an error of the identity service puts that error, as JSON text, into the details: its
    message is the one that says something (identity.md section 1.4).
    """
    text = content.decode("utf-8", "replace").strip()
    if text.startswith("{"):
        message, details = _json_fault(text)
        if details.startswith("{"):
            inner, _ = _json_fault(details)
            message = inner or message
        return _one_line(message), details
    if text.startswith("<"):
        parts = {match["tag"].lower(): html.unescape(match["text"]) for match in reversed([*_XML.finditer(text)])}
        message = parts.get("message") or parts.get("title") or parts.get("h1") or ""
        return _one_line(re.sub(r"<[^>]*>", "", message)), parts.get("details", "")
    if text.startswith("["):
        return "", text  # the list of missing blocks
    return _one_line(text), ""


def _json_fault(text: str) -> tuple[str, str]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return "", ""
    fault = next(iter(found.values()), None) if isinstance(found, dict) and len(found) == 1 else found
    if isinstance(fault, str):
        return fault, ""
    if not isinstance(fault, dict):
        return "", ""
    message, details = fault.get("message"), fault.get("details", fault.get("data"))
    if details is None or isinstance(details, str):
        return str(message or ""), details or ""
    return str(message or ""), json.dumps(details)


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _MESSAGE_LIMIT else line[: _MESSAGE_LIMIT - 1] + "…"


def reason(status: int, method: str, target: str) -> str:
    """What to say of an error answer that says nothing itself."""
    where = unquote(target.partition("?")[0])
    if status in _WHAT:
        return _WHAT[status].format(where=where)
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "an unknown status"
    return f"the server answered {status} ({phrase}) to {method} {where}"
