"""Tags of servers: words that a server is found by, confirmed a moment after they are given (compute.md 3.8)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from urllib.parse import quote, unquote_to_bytes

from pithosfs.localcloud.compute.model import Server, find_server
from pithosfs.localcloud.compute.states import Action
from pithosfs.localcloud.compute.working import require
from pithosfs.localcloud.faults import bad_request, not_found
from pithosfs.localcloud.sandbox.routes import Call, Reply
from pithosfs.localcloud.sandbox.turn import Turn

__all__ = ["add_tag", "checked_tags", "list_tags", "remove_tag", "remove_tags", "replace_tags", "show_tag"]

MAX_TAGS = 50
MAX_TAG = 60 - len("user:")
"""Characters: the limit includes the prefix under which a hypervisor would know them."""


def checked_tags(tags: Sequence[str]) -> list[str]:
    """The tags without repetitions. Raises Fault 400."""
    for tag in tags:
        if not 0 < len(tag) <= MAX_TAG or "/" in tag or "," in tag:
            raise bad_request(f"a tag has 1 to {MAX_TAG} characters, no comma and no slash")
    unique = list(dict.fromkeys(tags))
    if len(unique) > MAX_TAGS:
        raise bad_request(f"a server has at most {MAX_TAGS} tags")
    return unique


def list_tags(turn: Turn, call: Call) -> Reply:
    return _described(turn, find_server(turn, call.user, call.ident))


def replace_tags(turn: Turn, call: Call) -> Reply:
    given = call.body.get("tags")
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        raise bad_request("tags must be a list of strings")
    wanted = checked_tags(given)
    server = _changeable(turn, call)
    _save(turn, server, {tag: server.tags.get(tag, turn.now + turn.delay) for tag in wanted})
    return _described(turn, find_server(turn, call.user, server.id))


def remove_tags(turn: Turn, call: Call) -> Reply:
    server = _changeable(turn, call)
    if not server.tags:
        raise not_found("the server has no tags")
    _save(turn, server, {})
    return Reply(204)


def show_tag(turn: Turn, call: Call) -> Reply:
    confirmed = find_server(turn, call.user, call.ident).tags.get(_tag(call))
    if confirmed is None:
        return Reply(404)
    return Reply(204, None, {"tag-status": _status(turn, confirmed)})


def add_tag(turn: Turn, call: Call) -> Reply:
    """201 for a new one, 204 for one that is there."""
    tag = _tag(call)
    server = _changeable(turn, call)
    if tag in server.tags:
        return Reply(204)
    checked_tags([*server.tags, tag])
    _save(turn, server, {**server.tags, tag: turn.now + turn.delay})
    where = f"{call.base}/compute/v2.0/servers/{server.id}/tags/{quote(tag, safe='')}"
    return Reply(201, None, {"Location": where})


def remove_tag(turn: Turn, call: Call) -> Reply:
    tag = _tag(call)
    server = _changeable(turn, call)
    if server.tags.get(tag, turn.now + 1) > turn.now:
        raise not_found("the server has no such confirmed tag")
    _save(turn, server, {name: confirmed for name, confirmed in server.tags.items() if name != tag})
    return Reply(204)


def _changeable(turn: Turn, call: Call) -> Server:
    server = find_server(turn, call.user, call.ident)
    require(server, Action.DESCRIBE)
    return server


def _tag(call: Call) -> str:
    try:
        tag = unquote_to_bytes(call.arguments[1]).decode()
    except UnicodeDecodeError:
        raise bad_request("the tag is not UTF-8") from None
    return checked_tags([tag])[0]


def _save(turn: Turn, server: Server, tags: Mapping[str, int]) -> None:
    turn.run("UPDATE servers SET tags = ?, updated = ? WHERE id = ?", json.dumps(dict(tags)), turn.now, server.id)


def _status(turn: Turn, confirmed: int) -> str:
    return "ACTIVE" if confirmed <= turn.now else "PENDADD"


def _described(turn: Turn, server: Server) -> Reply:
    return Reply(
        200,
        {
            "tags": list(server.tags),
            "statuses": [_status(turn, confirmed) for confirmed in server.tags.values()],
        },
    )
