"""Bodies of replies: lists in text, JSON and XML, hashmaps, versions (object-store.md 3.1, 4, 8.2, 8.3, 9.2, 11)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from xml.sax.saxutils import escape, quoteattr

from pithosfs.blocks import Hashmap
from pithosfs.localcloud.objects.exchange import Form
from pithosfs.localcloud.objects.headers import iso_time, stamp
from pithosfs.localcloud.objects.listing import Listed, RollUp, Row
from pithosfs.localcloud.objects.model import EMPTY_ROOT

__all__ = [
    "CONTENT_TYPES",
    "ObjectView",
    "accounts_body",
    "containers_body",
    "hashmap_body",
    "items_body",
    "objects_body",
    "versions_body",
]

CONTENT_TYPES: Mapping[Form, str] = {
    "json": "application/json; charset=UTF-8",
    "xml": "application/xml; charset=UTF-8",
    "text": "text/plain; charset=UTF-8",
}

_XML = '<?xml version="1.0" encoding="UTF-8"?>\n'

_quoted = json.encoder.encode_basestring_ascii  # the C function behind json.dumps: a list is thousands of strings


def accounts_body(accounts: Iterable[tuple[str, int]], form: Form) -> bytes:
    """The top level: account ids and when they last changed (microseconds)."""
    if form == "json":
        return json.dumps([{"name": uuid, "last_modified": iso_time(time)} for uuid, time in accounts]).encode()
    if form == "xml":
        items = "".join(_element("account", {"name": uuid, "last_modified": iso_time(time)}) for uuid, time in accounts)
        return f"{_XML}<accounts>{items}</accounts>".encode()
    return "".join(f"{uuid}\n" for uuid, _ in accounts).encode()


def containers_body(account: str, entries: Sequence[Mapping[str, object]], form: Form) -> bytes:
    """The containers of an account; entries have the keys of section 8.2."""
    if form == "json":
        return json.dumps(entries).encode()
    if form == "xml":
        items = "".join(_element("container", entry) for entry in entries)
        return f"{_XML}<account name={_attribute(account)}>{items}</account>".encode()
    return "".join(f"{entry['name']}\n" for entry in entries).encode()


class ObjectView:
    """How one caller sees the entries of an object list.

    `public_url` turns a token into the URL (None: not shown); `allowed_to` a rule into what the caller may do (None:
    the caller is the owner, who is not told). In lists of the past neither rules nor times of change are shown.
    """

    def __init__(self, *, public_url: str | None, allowed_to: Mapping[str, str | None] | None, past: bool) -> None:
        self._public_url = public_url
        self._allowed_to = allowed_to
        self._past = past

    def extras(self, row: Row) -> dict[str, str]:
        """Members that only some entries have."""
        if self._past:
            return {}
        found: dict[str, str] = {}
        if row[1] is not None:
            found["x_object_sharing"] = row[1]
            if self._allowed_to is not None and (allowed := self._allowed_to.get(row[1])):
                found["x_object_allowed_to"] = allowed
        if row[2] is not None and self._public_url is not None:
            found["x_object_public"] = self._public_url + row[2]
        return found

    def json(self, row: Row) -> str:
        name, _, _, version, time, size, root, content_type, md5, uuid, modified_by = row
        text = (
            f'{{"name": {_quoted(name)}, "bytes": {size}, "content_type": {_quoted(content_type)}, "hash": "{md5}", '
            f'"x_object_hash": "{root.hex()}", "x_object_uuid": "{uuid}", "x_object_version": {version}, '
            f'"x_object_version_timestamp": "{stamp(time)}", "x_object_modified_by": {_quoted(modified_by)}, '
            f'"available": 1, "map_check_timestamp": null'
        )
        if not self._past:
            text += f', "last_modified": "{iso_time(time)}"'
        if row[1] is not None or row[2] is not None:
            text += "".join(f', "{key}": {_quoted(value)}' for key, value in self.extras(row).items())
        return text + "}"


def objects_body(container: str, entries: Sequence[Listed], form: Form, view: ObjectView) -> bytes:
    """A page of a container's objects."""
    if form == "json":
        items = (
            f'{{"subdir": {_quoted(entry.name)}}}' if isinstance(entry, RollUp) else view.json(entry)
            for entry in entries
        )
        return f"[{', '.join(items)}]".encode()
    if form == "xml":
        parts = []
        for entry in entries:
            if isinstance(entry, RollUp):
                parts.append(f"<subdir name={_attribute(entry.name)} />")
            else:
                parts.append(_element("object", json.loads(view.json(entry))))
        return f"{_XML}<container name={_attribute(container)}>{''.join(parts)}</container>".encode()
    return "".join(f"{entry.name if isinstance(entry, RollUp) else entry[0]}\n" for entry in entries).encode()


def hashmap_body(name: str, hashmap: Hashmap, form: Form) -> bytes:
    """An object's block list; an empty one shows the hash of nothing (section 9.2)."""
    hashes = list(hashmap.hashes) or [EMPTY_ROOT]
    if form == "xml":
        items = "".join(f"<hash>{one}</hash>" for one in hashes)
        return (
            f'{_XML}<object name={_attribute(name)} bytes="{hashmap.size}" block_size="{hashmap.block_size}"'
            f' block_hash="{hashmap.algorithm}">{items}</object>'
        ).encode()
    value = {
        "block_hash": hashmap.algorithm,
        "block_size": hashmap.block_size,
        "bytes": hashmap.size,
        "hashes": hashes,
    }
    return json.dumps(value).encode()


def versions_body(name: str, versions: Sequence[tuple[int, int]], form: Form) -> bytes:
    """An object's history: version ids and times (microseconds), oldest first."""
    if form == "xml":
        items = "".join(f'<version timestamp="{stamp(time)}">{ident}</version>' for ident, time in versions)
        return f"{_XML}<object name={_attribute(name)}>{items}</object>".encode()
    return json.dumps({"versions": [[ident, stamp(time)] for ident, time in versions]}).encode()


def items_body(items: Sequence[str], form: Form) -> bytes:
    """Block hashes in order (section 9.4)."""
    if form == "xml":
        return f"{_XML}<items>{''.join(f'<item>{one}</item>' for one in items)}</items>".encode()
    return json.dumps(list(items)).encode()


def _element(tag: str, members: Mapping[str, object]) -> str:
    parts = []
    for key, value in members.items():
        if isinstance(value, Mapping):
            inner = "".join(f"<key>{_text(name)}</key><value>{_text(one)}</value>" for name, one in value.items())
            parts.append(f"<{key}>{inner}</{key}>")
        else:
            parts.append(f"<{key}>{_text(value)}</{key}>")
    return f"<{tag}>{''.join(parts)}</{tag}>"


def _text(value: object) -> str:
    """Escaped; control characters that XML 1.0 cannot carry become U+FFFD, so that the list stays well-formed.

    A parser takes a bare carriage return for the end of a line.
    """
    return escape(_printable(str(value)), {"\r": "&#13;"})


def _attribute(value: str) -> str:
    return quoteattr(_printable(value))


def _printable(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(
        char if char in "\t\r" or (char >= " " and char not in "\ufffe\uffff") else "\ufffd" for char in text
    )
