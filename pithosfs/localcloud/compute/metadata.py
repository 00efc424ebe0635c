"""Metadata of servers (compute.md 3.7)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_to_bytes

from pithosfs.localcloud.compute.creating import MAX_KEY, MAX_METADATA, MAX_VALUE
from pithosfs.localcloud.compute.model import Server, find_server
from pithosfs.localcloud.compute.states import Action
from pithosfs.localcloud.compute.working import require, touch
from pithosfs.localcloud.faults import bad_request, not_found
from pithosfs.localcloud.sandbox.fields import checked_texts
from pithosfs.localcloud.sandbox.routes import Call, Reply
from pithosfs.localcloud.sandbox.turn import Turn

__all__ = ["add_metadata", "list_metadata", "metadata_key", "one_item", "remove_item", "set_item", "show_item"]


def list_metadata(turn: Turn, call: Call) -> Reply:
    return Reply(200, {"metadata": dict(find_server(turn, call.user, call.ident).metadata)})


def add_metadata(turn: Turn, call: Call) -> Reply:
    """Set some; the others stay."""
    given = checked_texts(call.body.get("metadata"), "metadata", MAX_METADATA, MAX_KEY, MAX_VALUE)
    server = _changeable(turn, call)
    merged = {**server.metadata, **given}
    _save(turn, server, merged)
    return Reply(201, {"metadata": merged})


def show_item(turn: Turn, call: Call) -> Reply:
    key = metadata_key(call)
    return Reply(200, {"meta": {key: _value(find_server(turn, call.user, call.ident), key)}})


def set_item(turn: Turn, call: Call) -> Reply:
    item = one_item(call, MAX_KEY, MAX_VALUE)
    server = _changeable(turn, call)
    _save(turn, server, {**server.metadata, **item})
    return Reply(201, {"meta": item})


def remove_item(turn: Turn, call: Call) -> Reply:
    key = metadata_key(call)
    server = _changeable(turn, call)
    _value(server, key)
    _save(turn, server, {name: value for name, value in server.metadata.items() if name != key})
    return Reply(204)


def metadata_key(call: Call) -> str:
    """The key in the path. Raises Fault 400."""
    try:
        return unquote_to_bytes(call.arguments[1]).decode()
    except UnicodeDecodeError:
        raise bad_request("the key is not UTF-8") from None


def one_item(call: Call, key_limit: int, value_limit: int) -> dict[str, str]:
    """The body of a PUT of one item: exactly that of the path. Raises Fault 400."""
    key = metadata_key(call)
    item: Any = call.body.get("meta")
    found = checked_texts(item, "meta", 1, key_limit, value_limit)
    if list(found) != [key]:
        raise bad_request("the body must hold exactly the item that the path names")
    return found


def _changeable(turn: Turn, call: Call) -> Server:
    server = find_server(turn, call.user, call.ident)
    require(server, Action.DESCRIBE)
    return server


def _value(server: Server, key: str) -> str:
    """Raises Fault 404."""
    if key not in server.metadata:
        raise not_found(f"the server has no metadata {key!a}")
    return server.metadata[key]


def _save(turn: Turn, server: Server, metadata: Mapping[str, str]) -> None:
    if len(metadata) > MAX_METADATA:
        raise bad_request(f"a server has at most {MAX_METADATA} metadata items")
    turn.run("UPDATE servers SET metadata = ? WHERE id = ?", json.dumps(dict(metadata)), server.id)
    touch(turn, server.id)
