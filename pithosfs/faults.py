"""What went wrong with a request, in words: from the body of an error answer of any shape, or from urllib3's errors.

Nothing here may quote a secret: addresses are shown without the values of parameters that look like one.
"""

from __future__ import annotations

import html
import json
import re
import socket
from http import HTTPStatus
from urllib.parse import unquote

from urllib3 import exceptions as failures

from pithosfs.errors import BadReply, ConfigError, NoConnection, PithosfsError, TimedOut

__all__ = ["ADDRESS", "connection_error", "origin", "read_fault", "reason", "redacted", "worth_repeating"]

ADDRESS = re.compile(r"(?P<origin>https?://[^/?#]+)(?P<target>[^#]*)", re.IGNORECASE)

_SECRET = re.compile(r"([?&][^=&#]*(?:token|auth|key|password|secret)[^=&#]*=)[^&#]*", re.IGNORECASE)
_SECRET_SEGMENT = re.compile(r"(/v[0-9.]+/tokens/)[^/?#]+")  # of the identity service
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
    # "exception" is the OAuth2 service's word, "detail" that of OpenStack's network service.
    message = fault.get("message") or fault.get("exception")
    details = fault.get("details", fault.get("detail", fault.get("data")))
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


def redacted(url: str) -> str:
    """The address as it may be shown: without tokens in the path, and values of parameters that look like secrets."""
    if "/tokens/" in url:
        url = _SECRET_SEGMENT.sub(r"\1***", url)
    return _SECRET.sub(r"\1***", url) if "?" in url else url


def origin(url: str) -> str:
    """Scheme, host and port of an address."""
    match = ADDRESS.match(url)
    return match["origin"] if match else redacted(url)


def worth_repeating(failure: Exception) -> bool:
    """Whether the same thing may go well in a moment."""
    if isinstance(failure, failures.NameResolutionError):
        cause = failure.__cause__
        return isinstance(cause, socket.gaierror) and cause.errno == socket.EAI_AGAIN
    return not isinstance(failure, failures.SSLError | failures.ClosedPoolError | failures.LocationValueError)


def connection_error(failure: Exception, url: str) -> PithosfsError:
    """Our error for one of urllib3's."""
    server = origin(url)
    inner = failure
    while isinstance(inner, failures.ProxyError):
        inner = inner.original_error
    through = " through the proxy" if inner is not failure else ""
    match inner:
        case failures.LocationValueError():
            return ConfigError(f"{server!r} is not a usable address", hint="write https://host/path")
        case failures.ClosedPoolError():
            return NoConnection(f"the connections to {server} were closed", hint="")
        case failures.NameResolutionError():
            return NoConnection(f"the name of {server} is not known{through}")
        case failures.NewConnectionError():
            cause = inner.__cause__
            why = cause.strerror if isinstance(cause, OSError) and cause.strerror else "no connection"
            return NoConnection(f"cannot connect to {server}{through}: {why}")
        case failures.ConnectTimeoutError():
            return TimedOut(f"{server} does not answer{through}: no connection in time")
        case failures.ReadTimeoutError() | TimeoutError():
            return TimedOut(f"{server} took the request and did not answer in time")
        case failures.SSLError():
            return _tls_error(inner, server)
        case failures.IncompleteRead() | failures.InvalidChunkLength():
            return BadReply(f"the answer of {server} was cut short")
        case failures.ProtocolError():
            return _broken(inner, server)
        case _:
            return NoConnection(f"the connection to {server} failed{through}: {type(inner).__name__}")


def _broken(failure: failures.ProtocolError, server: str) -> PithosfsError:
    """urllib3 says "aborted" before the headers of the answer were there, "broken" in the body."""
    cause = next((one for one in failure.args if isinstance(one, Exception)), None)
    if not str(failure.args[0] if failure.args else "").startswith("Connection aborted"):
        return BadReply(f"the answer of {server} was cut short")
    if isinstance(cause, TimeoutError):
        return TimedOut(f"{server} does not take the request in time")
    if isinstance(cause, OSError):
        return NoConnection(f"{server} closed the connection without an answer")
    return BadReply(f"{server} does not speak HTTP")


def _tls_error(failure: failures.SSLError, server: str) -> PithosfsError:
    text = str(failure)
    if "CERTIFICATE_VERIFY_FAILED" in text or "certificate" in text.lower():
        why = re.search(r"certificate verify failed: ([^(\]]+)", text)
        detail = f" ({why[1].strip()})" if why else ""
        return NoConnection(
            f"the certificate of {server} cannot be verified{detail}",
            hint="if it has an authority of its own: pithosfs config set global.ca_certs FILE",
        )
    if "WRONG_VERSION_NUMBER" in text or "HTTP_REQUEST" in text:
        return NoConnection(f"{server} does not speak TLS", hint="try http:// if it is on this machine")
    return NoConnection(f"the secure connection to {server} failed: {' '.join(text.split())[:200]}")
