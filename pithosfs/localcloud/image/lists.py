"""The two lists of images, with their filters and orders, and what somebody shares with the caller (image.md 6, 7)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pithosfs.localcloud.faults import bad_request
from pithosfs.localcloud.image.headers import brief_json, detail_json, is_public
from pithosfs.localcloud.image.registry import visible_images
from pithosfs.localcloud.objects.images import Image
from pithosfs.localcloud.sandbox.routes import Call, Reply
from pithosfs.localcloud.sandbox.turn import Turn

__all__ = ["list_images", "list_images_in_detail", "list_shared_images"]

_EXACT: Mapping[str, Callable[[Image], str]] = {
    "name": lambda image: image.name,
    "status": lambda image: image.status,
    "container_format": lambda image: image.container_format,
    "disk_format": lambda image: image.disk_format,
}

_ORDERS: Mapping[str, Callable[[Image], Any]] = {
    "id": lambda image: image.uuid,
    **_EXACT,
    "size": lambda image: image.version.size,
    "created_at": lambda image: image.registered,
    "updated_at": lambda image: image.changed,
}


def list_images(turn: Turn, call: Call) -> Reply:
    return Reply(200, {"images": [brief_json(image) for image, _ in _wanted(turn, call)]})


def list_images_in_detail(turn: Turn, call: Call) -> Reply:
    return Reply(200, {"images": [detail_json(image, rule) for image, rule in _wanted(turn, call)]})


def list_shared_images(turn: Turn, call: Call) -> Reply:
    """Images of another user that the caller may read and that are not for everybody."""
    owner = call.arguments[0]
    shared = [
        {"image_id": image.uuid, "can_share": False}
        for image, rule in visible_images(turn, call.user)
        if image.account == owner and owner != call.user and not is_public(rule)
    ]
    return Reply(200, {"shared_images": shared})


def _wanted(turn: Turn, call: Call) -> list[Any]:
    """What the query asks for, in its order. Raises Fault 400."""
    key, direction = call.query.get("sort_key", "created_at"), call.query.get("sort_dir", "desc")
    if key not in _ORDERS or direction not in ("asc", "desc"):
        raise bad_request("sort_key names a column and sort_dir is asc or desc")
    low, high = (_size(call.query.get(name)) for name in ("size_min", "size_max"))
    exact = {name: call.query[name] for name in _EXACT if call.query.get(name)}
    found = [
        (image, rule)
        for image, rule in visible_images(turn, call.user)
        if all(_same(name, _EXACT[name](image), value) for name, value in exact.items())
        and (low is None or image.version.size >= low)
        and (high is None or image.version.size <= high)
    ]
    found.sort(key=lambda pair: _ORDERS[key](pair[0]), reverse=direction == "desc")
    return found


def _same(name: str, present: str, wanted: str) -> bool:
    """Words of a status are compared without regard to case (image.md 3)."""
    return present.lower() == wanted.lower() if name == "status" else present == wanted


def _size(text: str | None) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise bad_request("size_min and size_max are numbers of bytes")
    return int(text)
