"""What the clients of the services that speak JSON have in common: paths, options of requests, members of answers."""

from __future__ import annotations

from collections.abc import Container, Mapping, MutableMapping
from typing import Any
from urllib.parse import quote

from requests.structures import CaseInsensitiveDict

from pithosfs.clients.client import Client
from pithosfs.clients.hints import hinted
from pithosfs.errors import BadReply, BadRequest
from pithosfs.faults import origin
from pithosfs.http import Reply

__all__ = [
    "Codes",
    "Headers",
    "Json",
    "JsonClient",
    "codes",
    "copy_headers",
    "drop_none",
    "item",
    "member",
    "members",
    "needed",
    "segment",
]

Json = dict[str, Any]
Headers = CaseInsensitiveDict[str]

Codes = int | Container[int]

_OPTIONS = frozenset({"headers", "async_headers", "params", "async_params", "json", "data"})


def segment(value: object) -> str:
    """An id, a name or a key as one segment of a path. Raises BadRequest for an empty one: what goes to an item would
    go to the whole list."""
    text = "" if value is None else str(value)
    if not text:
        raise _nothing_named()
    if text in (".", ".."):
        return text.replace(".", "%2E")
    try:
        return quote(text, safe="")
    except UnicodeEncodeError:
        raise BadRequest(f"{text!r} is not valid Unicode", 0) from None


def needed(item_id: int | str | None) -> int | str:
    """An id that is there. Raises BadRequest for None and for an empty one."""
    if item_id is None or item_id == "":
        raise _nothing_named()
    return item_id


def _nothing_named() -> BadRequest:
    return BadRequest("an id or name is empty", 0, hint="say which one is meant")


def item(item_id: object, detail: bool | None = False) -> tuple[object, ...]:
    """What comes after the name of a collection in a path: an id, or "detail", or nothing."""
    if item_id is not None and item_id != "":
        return (item_id,)
    return ("detail",) if detail else ()


def codes(success: Codes, usual: int, *others: int) -> Codes:
    """The statuses that are no error: what the caller says, or, unless he says anything else than the usual one, also
    those with which other servers of the same protocol mean the same."""
    return {usual, *others} if success == usual else success


def drop_none(**members: Any) -> Json:
    """The members that are given."""
    return {key: value for key, value in members.items() if value is not None}


class JsonClient(Client):
    """A client whose methods are requests with JSON bodies.

    Every method for a request takes, besides what is named, `success=` (the statuses that are no error), `headers=`,
    `params=` and `json=` or `data=`.
    """

    def send(
        self,
        method: str,
        *path: object,
        success: Codes,
        json_data: object = None,
        params: Mapping[str, Any] | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> Reply:
        """Send a request to the segments of a path below the endpoint.

        Parameters that are None or empty are left out. `options`: what the caller's caller adds. Raises TypeError for
        an option that there is not.
        """
        options = options or {}
        if unknown := options.keys() - _OPTIONS:
            raise TypeError(f"unknown arguments: {', '.join(sorted(unknown))}")
        asked = {key: str(value) for key, value in (params or {}).items() if value is not None and value != ""}
        data = options.get("data")
        with hinted(path[0]):
            return self.request(
                method,
                "/".join(segment(one) for one in path),
                success=success,
                json=options.get("json") if json_data is None else json_data,
                data=data.encode() if isinstance(data, str) else data,
                params={**asked, **(options.get("async_params") or {}), **(options.get("params") or {})},
                headers={**(options.get("async_headers") or {}), **(options.get("headers") or {})},
            )


def member(reply: Reply, *names: str) -> Json:
    """The object that an answer holds, under the first of the names that is there. Raises BadReply."""
    found = _found(reply, names)
    if not isinstance(found, dict):
        raise BadReply(f"{origin(reply.url)} sent something else than an object as {names[0]!r}")
    return found


def members(reply: Reply, name: str) -> list[Json]:
    """The list of objects that an answer holds; empty when nothing has changed (304). Raises BadReply."""
    if reply.status_code == 304:
        return []
    found = _found(reply, (name,))
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise BadReply(f"{origin(reply.url)} sent something else than a list of objects as {name!r}")
    return found


def _found(reply: Reply, names: tuple[str, ...]) -> Any:
    answer = reply.json()
    for name in names:
        if isinstance(answer, dict) and name in answer:
            return answer[name]
    raise BadReply(f"the answer of {origin(reply.url)} has no {names[0]!r}")


def copy_headers(reply: Reply, wanted: MutableMapping[str, Any] | None) -> None:
    """Fill in the headers whose names a caller has put into a dictionary; what is not there stays as it is."""
    if wanted is None:
        return
    for name in wanted:
        if name in reply.headers:
            wanted[name] = reply.headers[name]
