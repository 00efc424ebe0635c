"""The options of the requests, and the headers and parameters that they become.

Source: object-store.md sections 3.2, 7, 10, 14, 15.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import TypedDict

from pithosfs.clients.pithos.encoding import (
    encode_path,
    encode_segment,
    encode_value,
    http_date,
    meta_headers,
    whole_seconds,
)
from pithosfs.errors import BadRequest

__all__ = [
    "Conditions",
    "Extra",
    "ObjectOptions",
    "ReadOptions",
    "Seconds",
    "WriteOptions",
    "condition_headers",
    "content_range_header",
    "flag",
    "object_headers",
    "only_extra",
    "path_header",
    "policy_headers",
    "until_parameter",
]

Seconds = int | float | str  # whole seconds since the epoch; see `whole_seconds`


class Conditions(TypedDict, total=False):
    """`If-*` headers (section 15). Tags are ETags or `*`, bare or quoted; dates are seconds since the epoch, or text
    that is sent as it is."""

    if_match: str | None
    if_none_match: str | None
    if_modified_since: int | str | None
    if_unmodified_since: int | str | None


class ObjectOptions(TypedDict, total=False):
    """What may be stored with an object.

    `meta`: user metadata by key without prefix. `sharing`: the rule of section 12.1, "" ends it. `public`: True
    publishes, False withdraws.
    """

    meta: Mapping[str, str] | None
    content_encoding: str | None
    content_disposition: str | None
    manifest: str | None
    sharing: str | None
    public: bool | None


class Extra(TypedDict, total=False):
    """For callers that need more than the named options: headers and parameters to add (they win), the statuses that
    are answers, seconds to wait for the server."""

    headers: Mapping[str, str] | None
    params: Mapping[str, str | int] | None
    success: Container[int] | None
    timeout: float | None


class ReadOptions(Conditions, Extra, total=False):
    """Conditions and extras."""


class WriteOptions(Conditions, ObjectOptions, Extra, total=False):
    """Conditions, what to store, and extras."""


def only_extra(options: Extra) -> Extra:
    """The extras among the options of a request."""
    return {
        "headers": options.get("headers"),
        "params": options.get("params"),
        "success": options.get("success"),
        "timeout": options.get("timeout"),
    }


def condition_headers(options: Conditions) -> dict[str, str]:
    """`If-*` headers."""
    headers: dict[str, str] = {}
    for header, tag in (("If-Match", options.get("if_match")), ("If-None-Match", options.get("if_none_match"))):
        if tag is not None:
            headers[header] = tag
    for header, when in (
        ("If-Modified-Since", options.get("if_modified_since")),
        ("If-Unmodified-Since", options.get("if_unmodified_since")),
    ):
        if when is not None:
            headers[header] = when if isinstance(when, str) else http_date(when)
    return headers


def object_headers(options: ObjectOptions) -> dict[str, str]:
    """What is stored with an object."""
    headers = meta_headers("X-Object-Meta-", options.get("meta") or {})
    for header, value in (
        ("Content-Encoding", options.get("content_encoding")),
        ("Content-Disposition", options.get("content_disposition")),
        ("X-Object-Manifest", options.get("manifest")),
        ("X-Object-Sharing", options.get("sharing")),
    ):
        if value is not None:
            headers[header] = encode_value(value)
    public = options.get("public")
    if public is not None:
        headers["X-Object-Public"] = "true" if public else "false"
    return headers


def policy_headers(policy: Mapping[str, str | int] | None) -> dict[str, str]:
    """`X-Container-Policy-*`."""
    return {f"X-Container-Policy-{key.capitalize()}": encode_value(str(value)) for key, value in (policy or {}).items()}


def until_parameter(until: Seconds | None) -> int | None:
    """Whole seconds. Raises BadRequest for what the server would ignore."""
    return None if until is None else whole_seconds(until)


def flag(on: bool) -> str | None:
    """A flag parameter counts by presence: `update=false` would switch it on."""
    return "" if on else None


def path_header(container: str, name: str) -> str:
    """An object's address in a header, such as `Destination`."""
    return f"/{encode_segment(container)}/{encode_path(name)}"


def content_range_header(offset: int | None, length: int | None, size: int | None) -> str:
    """The place of a write (section 10): None appends, a length of None leaves the end open."""
    if offset is None:
        return "bytes */*"
    total = "*" if size is None else str(size)
    if length is None:
        return f"bytes {offset}-/{total}"
    if length == 0:
        raise BadRequest("a write into an object needs at least one byte", 0)
    return f"bytes {offset}-{offset + length - 1}/{total}"
