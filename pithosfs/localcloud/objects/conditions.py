"""Conditional requests: `If-Match`, `If-None-Match`, `If-Modified-Since`, `If-Unmodified-Since` (section 15)."""

from __future__ import annotations

from typing import Protocol

from pithosfs.localcloud.faults import Fault, precondition_failed
from pithosfs.localcloud.objects.headers import http_date, parse_http_date

__all__ = ["Headers", "check_dates", "check_tags", "not_modified", "parse_tags"]


class Headers(Protocol):
    """The headers of a request by their lower-case names."""

    def __contains__(self, name: str) -> bool: ...

    def get(self, name: str) -> str | None: ...


def not_modified(modified: int, etag: str | None = None) -> Fault:
    """304, with the true `Last-Modified` (microseconds), and with the `ETag` where it was the tag that matched."""
    tag = {} if etag is None else {"ETag": etag}
    return Fault(304, "notModified", headers={"Last-Modified": http_date(modified), **tag})


def parse_tags(text: str) -> frozenset[str]:
    """The entity tags of a header, bare and in lower case; `*` stands for itself."""
    tags = set()
    for part in text.split(","):
        tag = part.strip().lower().removeprefix("w/").strip('"')
        if tag:
            tags.add(tag)
    return frozenset(tags)


def check_tags(headers: Headers, etag: str | None, *, modified: int | None = None) -> None:
    """`etag` is the present object's, None when there is none. Raises Fault 412.

    Readers tell when the object was `modified` (microseconds): for them an excluded tag is Fault 304.
    """
    wanted = headers.get("if-match")
    if wanted is not None:
        tags = parse_tags(wanted)
        if etag is None or not ("*" in tags or etag.lower() in tags):
            raise precondition_failed("the object is not the one that If-Match names")
    unwanted = headers.get("if-none-match")
    if unwanted is not None and etag is not None:
        tags = parse_tags(unwanted)
        if "*" in tags or etag.lower() in tags:
            if modified is not None:
                raise not_modified(modified, etag)
            raise precondition_failed("the object is one that If-None-Match excludes")


def check_dates(headers: Headers, modified: int) -> None:
    """`modified` is in microseconds; dates are compared in whole seconds. Raises Fault 304 or 412.

    A tag is the stronger test: where one was sent, the date of the same direction is not looked at.
    """
    second = modified // 1_000_000
    unmodified_since = headers.get("if-unmodified-since")
    if unmodified_since is not None and "if-match" not in headers:
        date = parse_http_date(unmodified_since)
        if date is not None and second > date:
            raise precondition_failed("it was modified since")
    modified_since = headers.get("if-modified-since")
    if modified_since is not None and "if-none-match" not in headers:
        date = parse_http_date(modified_since)
        if date is not None and second <= date:
            raise not_modified(modified)
