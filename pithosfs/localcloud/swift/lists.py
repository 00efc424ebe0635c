"""Lists of containers and objects as Swift has them: what is asked for, and the bodies in text, JSON and XML."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal
from xml.sax.saxutils import escape, quoteattr

from pithosfs.localcloud.faults import Fault, precondition_failed
from pithosfs.localcloud.objects.exchange import Reply
from pithosfs.localcloud.objects.listing import MAX_LIMIT, Listed, Query, RollUp, Row, page, walk
from pithosfs.localcloud.objects.spans import Span, after_name
from pithosfs.localcloud.swift.wire import SwiftRequest

__all__ = ["ContainerEntry", "Wanted", "accounts_list", "entries_of", "list_reply", "list_time", "objects_list"]

Form = Literal["text", "json", "xml"]

_TYPES: Mapping[str, Form] = {
    "text/plain": "text",
    "application/json": "json",
    "application/xml": "xml",
    "text/xml": "xml",
}
_LABELS: Mapping[Form, str] = {
    "text": "text/plain; charset=utf-8",
    "json": "application/json; charset=utf-8",
    "xml": "application/xml; charset=utf-8",
}
_XML = '<?xml version="1.0" encoding="UTF-8"?>\n'


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a request for a list asks for."""

    form: Form
    limit: int
    query: Query  # its limit is not used
    reverse: bool

    @classmethod
    def of(cls, request: SwiftRequest) -> Wanted:
        """Raises Fault 406 for no acceptable form, 412 for a limit over the largest."""
        given = request.parameters
        text = given.get("limit", "")
        limit = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else MAX_LIMIT
        if limit > MAX_LIMIT or len(text) >= 10:
            raise precondition_failed(f"Maximum limit is {MAX_LIMIT}")
        reverse = given.get("reverse", "").lower() in ("true", "1", "yes", "on", "t", "y")
        marker, end = given.get("marker", ""), given.get("end_marker", "")
        prefix, delimiter = given.get("prefix", ""), given.get("delimiter", "")
        path = given.get("path")
        low = ""
        if path is not None:
            delimiter = "/"
            prefix = path and path.rstrip("/") + "/"
            low = after_name(prefix) if prefix else ""
        if reverse:  # from the marker downwards to the end marker
            low, marker, end = max(low, after_name(end) if end else ""), "", marker
        return cls(
            _form(request),
            limit,
            Query(
                prefix=prefix,
                delimiter=delimiter,
                roll_ups=path is None,
                marker=marker,
                spans=[Span(low, end or None)],
                fold=path is None,
            ),
            reverse,
        )


def _form(request: SwiftRequest) -> Form:
    """The parameter `format`, else the best of `Accept`, else text. Raises Fault 406."""
    named = request.parameters.get("format")
    if named is not None:
        return {"json": "json", "xml": "xml"}.get(named.lower(), "text")  # type: ignore[return-value]
    accept = request.headers.get("accept")
    if not accept:
        return "text"
    best: tuple[float, Form] | None = None
    for item in accept.split(","):
        kind, *parameters = (part.strip().lower() for part in item.split(";"))
        quality = 1.0
        for parameter in parameters:
            name, _, value = parameter.partition("=")
            if name.strip() == "q":
                try:
                    quality = float(value)
                except ValueError:
                    quality = 0.0
        form = "text" if kind in ("*/*", "*", "text/*") else "json" if kind == "application/*" else _TYPES.get(kind)
        if form is not None and quality > 0 and (best is None or quality > best[0]):
            best = (quality, form)
    if best is None:
        raise Fault(406, "notAcceptable", "lists are text/plain, application/json or application/xml")
    return best[1]


def entries_of(entries: Iterable[Listed], wanted: Wanted) -> list[Listed]:
    """The page that is asked for of all entries in order."""
    if wanted.reverse:
        return list(deque(entries, maxlen=wanted.limit))[::-1]
    return page(entries, wanted.limit) if wanted.limit else []


def list_time(microseconds: int) -> str:
    """A time in a list: ISO 8601 in UTC, six decimals, without a zone."""
    second, fraction = divmod(microseconds, 1_000_000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(second))}.{fraction:06}"


def list_reply(body: bytes, form: Form, headers: list[tuple[str, str]]) -> Reply:
    """200 with a list; an empty text list is 204."""
    labelled = [*headers, ("Content-Type", _LABELS[form])]
    return Reply(200 if body else 204, labelled, body)


@dataclass(frozen=True, slots=True)
class ContainerEntry:
    """A container in an account's list. `modified` in microseconds."""

    name: str
    count: int
    bytes: int
    modified: int


def accounts_list(account: str, containers: Sequence[ContainerEntry], wanted: Wanted) -> bytes:
    """The containers of an account. `account` is as in the URL."""

    def seek(low: str, high: str | None) -> Iterable[Row]:
        return ((one.name, one) for one in containers if one.name >= low and (high is None or one.name < high))

    entries = entries_of(walk(seek, wanted.query), wanted)
    if wanted.form == "text":
        return _text(entries)
    items = [
        {"subdir": entry.name}
        if isinstance(entry, RollUp)
        else {
            "name": entry[1].name,
            "count": entry[1].count,
            "bytes": entry[1].bytes,
            "last_modified": list_time(entry[1].modified),
        }
        for entry in entries
    ]
    return _render(items, wanted.form, "account", account, "container")


def objects_list(container: str, entries: Sequence[Listed], form: Form, tags: Mapping[int, tuple[str, bool]]) -> bytes:
    """The objects of a container; `tags` has the hash of each version and whether it is a large object's."""
    if form == "text":
        return _text(entries)
    items: list[dict[str, object]] = []
    for entry in entries:
        if isinstance(entry, RollUp):
            items.append({"subdir": entry.name})
            continue
        name, _, _, version, modified, size, _, content_type, *_ = entry
        tag, large = tags.get(version, ("", False))
        item: dict[str, object] = {
            "name": name,
            "hash": tag,
            "bytes": size,
            "content_type": content_type or "application/octet-stream",
            "last_modified": list_time(modified),
        }
        if large:
            item["slo_etag"] = f'"{tag}"'
        items.append(item)
    return _render(items, form, "container", container, "object")


def _text(entries: Iterable[Listed]) -> bytes:
    return "".join(f"{entry.name if isinstance(entry, RollUp) else entry[0]}\n" for entry in entries).encode()


def _render(items: Sequence[Mapping[str, object]], form: Form, root: str, name: str, tag: str) -> bytes:
    if form == "json":
        return json.dumps(items).encode()
    parts = []
    for item in items:
        if "subdir" in item:
            text = str(item["subdir"])
            parts.append(f"<subdir name={quoteattr(_printable(text))}><name>{_element(text)}</name></subdir>")
        else:
            members = "".join(f"<{key}>{_element(value)}</{key}>" for key, value in item.items())
            parts.append(f"<{tag}>{members}</{tag}>")
    return f"{_XML}<{root} name={quoteattr(_printable(name))}>{''.join(parts)}</{root}>".encode()


def _element(value: object) -> str:
    return escape(_printable(str(value)), {"\r": "&#13;"})


def _printable(text: str) -> str:
    """Without the control characters that XML 1.0 cannot carry."""
    return "".join(
        char if char in "\t\n\r" or (char >= " " and char not in "\ufffe\uffff") else "\ufffd" for char in text
    )
