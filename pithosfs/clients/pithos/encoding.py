"""How names, metadata and times are written in requests and read from replies of an object store.

Source: object-store.md sections 1 (paths), 3.2 (headers and dates) and 13 (metadata names). All functions are pure.
"""

from __future__ import annotations

import calendar
import email.utils
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import quote, unquote

from pithosfs.errors import BadRequest

__all__ = [
    "decode_value",
    "encode_name",
    "encode_path",
    "encode_segment",
    "encode_value",
    "header_date",
    "http_date",
    "iso_ns",
    "meta_headers",
    "metadata",
    "seconds_ns",
    "whole_seconds",
]

# Everything printable in ASCII goes raw into a header value, but for the percent sign that starts an escape: so values
# stay readable, and separators (`,` `;` `=`) keep their meaning.
_VALUE_SAFE = "".join(chr(code) for code in range(0x20, 0x7F) if chr(code) != "%")
_HTTP_DATE = re.compile(r"\w{3}, (\d\d) (\w{3}) (\d{4}) (\d\d):(\d\d):(\d\d) GMT", re.ASCII)
_MONTHS = {"JanFebMarAprMayJunJulAugSepOctNovDec"[at : at + 3]: at // 3 + 1 for at in range(0, 36, 3)}
_DECIMAL = re.compile(r"(\d+)(?:\.(\d+))?", re.ASCII)


# paths --------------------------------------------------------------------------------------------------------------


def encode_segment(name: str) -> str:
    """An account or container name as one path segment. Raises BadRequest for one that cannot be one."""
    if not name or "/" in name:
        raise BadRequest(f"{name!r} is not the name of a container or account", 0)
    return _encode(name)


def encode_path(name: str) -> str:
    """An object name for the path of a URL: slashes stay, and no segment looks like `.` or `..` to a proxy.

    Raises BadRequest for an empty name, or one with a newline, a NUL or a lone surrogate.
    """
    if not name:
        raise BadRequest("an object needs a name", 0)
    encoded = _encode(name)
    if "." in encoded and any(segment in (".", "..") for segment in encoded.split("/")):
        encoded = "/".join(
            segment.replace(".", "%2E") if segment in (".", "..") else segment for segment in encoded.split("/")
        )
    return encoded


def _encode(name: str) -> str:
    if "\n" in name or "\0" in name:
        raise BadRequest(f"{name!r} cannot be the name of anything there: it holds a newline or a NUL", 0)
    try:
        return quote(name, safe="/")
    except UnicodeEncodeError:
        raise BadRequest(f"{name!r} cannot be the name of anything there: it is not valid Unicode", 0) from None


# headers ------------------------------------------------------------------------------------------------------------


def encode_value(value: str) -> str:
    """A header value. What is not printable ASCII is percent-encoded, as are blanks at the ends, which HTTP drops."""
    if value.isascii() and value.isprintable() and "%" not in value and value.strip(" ") == value:
        return value
    inner = value.strip(" ")
    lead = len(value) - len(value.lstrip(" ")) if inner else len(value)
    tail = len(value) - lead - len(inner)
    try:
        return "%20" * lead + quote(inner, safe=_VALUE_SAFE) + "%20" * tail
    except UnicodeEncodeError:
        raise BadRequest(f"{value!r} cannot be sent: it is not valid Unicode", 0) from None


def decode_value(value: str) -> str:
    """A header value of a reply, percent-decoded once as UTF-8; what is not UTF-8 becomes U+FFFD."""
    return unquote(value) if "%" in value else value


def encode_name(key: str) -> str:
    """A metadata key as it stands behind `X-Object-Meta-`: `_` becomes `-`, what no header name has is encoded."""
    if not key:
        raise BadRequest("metadata needs a name", 0)
    try:
        return quote(key.replace("_", "-"), safe="-.").replace("~", "%7E")
    except UnicodeEncodeError:
        raise BadRequest(f"{key!r} cannot be sent: it is not valid Unicode", 0) from None


def meta_headers(prefix: str, meta: Mapping[str, str]) -> dict[str, str]:
    """The headers for user metadata; `prefix` like `X-Object-Meta-`. An empty value asks for the key's removal."""
    return {prefix + encode_name(key): encode_value(value) for key, value in meta.items()}


def metadata(headers: Mapping[str, str], prefix: str) -> dict[str, str]:
    """The metadata in the headers of a reply: keys in lower case without `prefix`, values decoded."""
    prefix = prefix.lower()
    start = len(prefix)
    return {
        decode_value(name[start:]).lower(): decode_value(value)
        for name, value in headers.items()
        if name[:start].lower() == prefix
    }


# times --------------------------------------------------------------------------------------------------------------


def whole_seconds(value: int | float | str, name: str = "until") -> int:
    """A time that the server takes only as whole seconds since the epoch.

    Anything else is refused here: the server would ignore it, and a DELETE without its `until` deletes everything
    (object-store.md section 20, row 5). Raises BadRequest.
    """
    if isinstance(value, str) and re.fullmatch(r"\d+", value, re.ASCII):
        return int(value)
    if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0 and value == int(value):
        return int(value)
    raise BadRequest(f"{name} must be whole seconds since 1970, not {value!r}", 0)


def header_date(text: str | None) -> int | None:
    """Seconds since the epoch from a date header; None when there is none or it is none."""
    if not text:
        return None
    match = _HTTP_DATE.fullmatch(text)
    if match and match[2] in _MONTHS:
        day, month, year, *clock = match.groups()
        return calendar.timegm((int(year), _MONTHS[month], int(day), int(clock[0]), int(clock[1]), int(clock[2])))
    try:
        found = email.utils.parsedate_to_datetime(decode_value(text))
    except ValueError:
        return None
    return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp())


def http_date(seconds: int) -> str:
    """The date header for seconds since the epoch."""
    return email.utils.formatdate(seconds, usegmt=True)


def seconds_ns(text: str | int | float | None) -> int:
    """Nanoseconds from decimal seconds as in `x_object_version_timestamp`, exactly; 0 for rubbish."""
    match = _DECIMAL.fullmatch(str(text).strip()) if text is not None else None
    if match is None:
        return 0
    return int(match[1]) * 1_000_000_000 + int((match[2] or "0")[:9].ljust(9, "0"))


def iso_ns(text: str | None) -> int:
    """Nanoseconds from an ISO 8601 time; one without a zone is taken as UTC; 0 for rubbish."""
    try:
        found = datetime.fromisoformat(text or "")
    except ValueError:
        return 0
    found = found if found.tzinfo else found.replace(tzinfo=UTC)
    return int(found.replace(microsecond=0).timestamp()) * 1_000_000_000 + found.microsecond * 1000
