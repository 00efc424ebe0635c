"""What the replies of an object store say, as values.

Source: object-store.md sections 5 to 11. Every function takes a reply of `pithosfs.clients.pithos.wire` and raises
BadReply for one that is not of the protocol.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import unquote

from pithosfs.blocks import Hashmap
from pithosfs.clients.pithos.encoding import decode_value, header_date, metadata
from pithosfs.errors import BadReply
from pithosfs.http import Reply

__all__ = [
    "AccountHead",
    "BulkAnswer",
    "BulkMade",
    "ContainerHead",
    "ObjectHead",
    "Written",
    "account_head",
    "block_hashes",
    "bulk_answer",
    "container_head",
    "entries",
    "hashmap",
    "missing_hashes",
    "object_head",
    "version_list",
    "written",
]


@dataclass(frozen=True, slots=True)
class AccountHead:
    """HEAD or GET of an account. Numbers are None where the server does not tell them (to others than the owner).

    `quota` and `project_quotas` (by project id) and `bytes_used` are bytes. `modified` is seconds since the epoch.
    """

    container_count: int | None
    bytes_used: int | None
    quota: int | None
    project_quotas: Mapping[str, int]
    groups: Mapping[str, tuple[str, ...]]
    meta: Mapping[str, str]
    modified: int | None
    date: int | None


@dataclass(frozen=True, slots=True)
class ContainerHead:
    """HEAD or GET of a container. None: not told. `object_meta` are the metadata keys in use, in lower case.

    `bulk_members`: objects that can be made in one request, 0 where that cannot be done (an extension of our local
    cloud's).
    """

    object_count: int | None
    bytes_used: int | None
    block_size: int | None
    block_hash: str | None
    object_meta: frozenset[str] | None
    policy: Mapping[str, str]
    meta: Mapping[str, str]
    modified: int | None
    date: int | None
    bulk_members: int = 0


@dataclass(frozen=True, slots=True)
class ObjectHead:
    """HEAD or GET of an object. Texts are "" and the others None where the server sends none.

    `size` is the announced length: of a ranged or `?hashmap` GET that is the body's, not the object's. `modified` is
    the newest version's time, `version_time` this version's, both in whole seconds.
    """

    size: int
    content_type: str
    etag: str
    hash: str
    version: str
    uuid: str
    modified_by: str
    modified: int | None
    version_time: int | None
    sharing: str | None
    shared_by: str | None
    allowed_to: Literal["read", "write"] | None
    public: str | None
    content_encoding: str | None
    content_disposition: str | None
    manifest: str | None
    available: int | None
    meta: Mapping[str, str]
    date: int | None


@dataclass(frozen=True, slots=True)
class Written:
    """What a write answers: the new ETag ("" where the server sends none) and version ("" likewise).

    `attempts` over 1: an earlier try may have been carried out without its answer being seen.
    """

    etag: str
    version: str
    attempts: int = 1


@dataclass(frozen=True, slots=True)
class BulkMade:
    """An object that a request with an archive has made. `time` is decimal seconds since the epoch."""

    name: str
    size: int
    etag: str
    hash: str
    version: str
    uuid: str
    time: str


@dataclass(frozen=True, slots=True)
class BulkAnswer:
    """What became of an archive: what was made, and path (`container/name`) and status of what was not, in order.

    `why`: what is wrong with the archive as a whole, empty when nothing is.
    """

    made: tuple[BulkMade, ...]
    errors: tuple[tuple[str, int], ...]
    why: str


def _text(headers: Mapping[str, str], name: str) -> str:
    return decode_value(headers.get(name) or "")


def _maybe(headers: Mapping[str, str], name: str) -> str | None:
    value = headers.get(name)
    return None if value is None else decode_value(value)


def _number(headers: Mapping[str, str], name: str) -> int | None:
    value = headers.get(name)
    try:
        return None if value is None else int(value)
    except ValueError:
        raise BadReply(f"the server sent {name}: {value!r}, which is no number") from None


def account_head(reply: Reply) -> AccountHead:
    """The headers of section 5."""
    headers = reply.headers
    try:
        quotas = {key: int(value) for key, value in metadata(headers, "X-Account-Policy-Quota-").items()}
    except ValueError:
        raise BadReply("the server sent a quota that is no number") from None
    return AccountHead(
        container_count=_number(headers, "X-Account-Container-Count"),
        bytes_used=_number(headers, "X-Account-Bytes-Used"),
        quota=_number(headers, "X-Account-Policy-Quota"),
        project_quotas=quotas,
        groups={
            name: tuple(one.strip() for one in members.split(",") if one.strip())
            for name, members in metadata(headers, "X-Account-Group-").items()
        },
        meta=metadata(headers, "X-Account-Meta-"),
        modified=header_date(headers.get("Last-Modified")),
        date=header_date(headers.get("Date")),
    )


def container_head(reply: Reply) -> ContainerHead:
    """The headers of section 6."""
    headers = reply.headers
    keys = headers.get("X-Container-Object-Meta")
    return ContainerHead(
        object_count=_number(headers, "X-Container-Object-Count"),
        bytes_used=_number(headers, "X-Container-Bytes-Used"),
        block_size=_number(headers, "X-Container-Block-Size"),
        block_hash=_maybe(headers, "X-Container-Block-Hash"),
        # Split first: a comma inside a key is escaped, those between the keys are not.
        object_meta=None
        if keys is None
        else frozenset(decode_value(key.strip()).lower() for key in keys.split(",")) - {""},
        policy=metadata(headers, "X-Container-Policy-"),
        meta=metadata(headers, "X-Container-Meta-"),
        modified=header_date(headers.get("Last-Modified")),
        date=header_date(headers.get("Date")),
        bulk_members=_bulk_members(headers.get("X-Pithosfs-Bulk-Upload")),
    )


def _bulk_members(text: str | None) -> int:
    """From `tar, tar.gz; members=10000`."""
    match = re.fullmatch(r"([^;]*);\s*members=(\d{1,9})(;.*)?", text or "")
    return int(match[2]) if match and "tar" in (one.strip() for one in match[1].split(",")) else 0


def object_head(reply: Reply) -> ObjectHead:
    """The headers of section 7.1."""
    headers = reply.headers
    allowed = headers.get("X-Object-Allowed-To")
    return ObjectHead(
        size=_number(headers, "Content-Length") or 0,
        content_type=_text(headers, "Content-Type"),
        etag=_etag(headers),
        hash=_text(headers, "X-Object-Hash").lower(),
        version=_version(headers),
        uuid=_text(headers, "X-Object-UUID"),
        modified_by=_text(headers, "X-Object-Modified-By"),
        modified=header_date(headers.get("Last-Modified")),
        version_time=header_date(headers.get("X-Object-Version-Timestamp")),
        sharing=_maybe(headers, "X-Object-Sharing"),
        shared_by=_maybe(headers, "X-Object-Shared-By"),
        allowed_to="write" if allowed == "write" else "read" if allowed == "read" else None,
        public=_maybe(headers, "X-Object-Public"),
        content_encoding=_maybe(headers, "Content-Encoding"),
        content_disposition=_maybe(headers, "Content-Disposition"),
        manifest=_maybe(headers, "X-Object-Manifest"),
        available=_number(headers, "Available"),
        meta=metadata(headers, "X-Object-Meta-"),
        date=header_date(headers.get("Date")),
    )


def written(reply: Reply) -> Written:
    """ETag and version of a PUT, COPY, MOVE or POST."""
    return Written(_etag(reply.headers), _version(reply.headers), reply.attempts)


def _etag(headers: Mapping[str, str]) -> str:
    return headers.get("ETag", "").strip().strip('"').lower()


def _version(headers: Mapping[str, str]) -> str:
    # The first integer: a MOVE answers `([75], 11L, 11L)` (section 20, row 1).
    match = re.search(r"\d+", _text(headers, "X-Object-Version"))
    return match[0] if match else ""


def _list(reply: Reply) -> list[Any]:
    found = [] if reply.status_code == 204 else reply.json()
    if not isinstance(found, list):
        raise BadReply("the answer of the server is not a list")
    return found


def entries(reply: Reply) -> list[dict[str, Any]]:
    """The entries of a list (sections 4, 8.2, 8.3): each has a `name`, or is a roll-up with a `subdir`."""
    found = _list(reply)
    for entry in found:
        if not isinstance(entry, dict) or not isinstance(entry.get("name", entry.get("subdir")), str):
            raise BadReply("the list of the server has an entry without a name")
    return found


def hashmap(reply: Reply) -> Hashmap:
    """The hashmap of section 9.2."""
    found = reply.json()
    try:
        return Hashmap.from_wire(found)
    except (ValueError, TypeError, AttributeError) as error:
        raise BadReply(f"the server sent a bad hashmap: {error}") from None


def version_list(reply: Reply) -> list[tuple[str, str]]:
    """The versions of section 11, oldest first: (id, decimal seconds)."""
    found = reply.json()
    try:
        return [(str(version), str(seconds)) for version, seconds in found["versions"]]
    except (KeyError, TypeError, ValueError):
        raise BadReply("the server sent a bad list of versions") from None


def block_hashes(reply: Reply) -> list[str]:
    """The hashes that a block upload answers (section 9.4), in lower case."""
    found = _list(reply)
    if not all(isinstance(one, str) for one in found):
        raise BadReply("the server sent a bad list of block hashes")
    return [one.lower() for one in found]


def bulk_answer(reply: Reply) -> BulkAnswer:
    """What a request with an archive was answered."""
    found = reply.json()
    try:
        made = tuple(
            BulkMade(
                str(one["name"]),
                int(one["bytes"]),
                str(one["etag"]).lower(),
                str(one["x_object_hash"]).lower(),
                str(one["x_object_version"]),
                str(one["x_object_uuid"]),
                str(one["x_object_version_timestamp"]),
            )
            for one in found["Objects"]
        )
        errors = tuple((unquote(path), int(status.partition(" ")[0])) for path, status in found["Errors"])
        return BulkAnswer(made, errors, str(found["Response Body"]))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadReply(f"the server sent a bad answer to many objects: {error}") from None


def missing_hashes(reply: Reply) -> list[str] | None:
    """The blocks that a hashmap PUT misses (409 with a bare list, section 9.3); None for any other reply."""
    return block_hashes(reply) if reply.status_code == 409 else None
