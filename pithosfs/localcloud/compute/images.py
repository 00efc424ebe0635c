"""The registry of images as the compute service shows it (compute.md 5)."""

from __future__ import annotations

import re
from typing import Any

from pithosfs.localcloud.compute.metadata import metadata_key, one_item
from pithosfs.localcloud.compute.views import image_links
from pithosfs.localcloud.faults import Fault, bad_request, not_found
from pithosfs.localcloud.image.headers import MAX_KEY, MAX_PROPERTIES, MAX_VALUE, is_public
from pithosfs.localcloud.image.registry import image_rule, own_image, readable_image, save_image, visible_images
from pithosfs.localcloud.objects.headers import iso_time
from pithosfs.localcloud.objects.images import Image, forget_image
from pithosfs.localcloud.objects.sharing import Rule
from pithosfs.localcloud.sandbox.fields import checked_texts
from pithosfs.localcloud.sandbox.polling import changes_since
from pithosfs.localcloud.sandbox.routes import Call, Reply
from pithosfs.localcloud.sandbox.turn import Turn

__all__ = [
    "add_properties",
    "list_images",
    "list_images_in_detail",
    "list_properties",
    "refuse_to_create",
    "remove_property",
    "set_property",
    "show_image",
    "show_property",
    "unregister_image",
]

_STATUSES = {"AVAILABLE": "ACTIVE", "SAVING": "SAVING", "ERROR": "ERROR", "DELETED": "DELETED"}

_UNPRINTABLE = re.compile(r"[\0-\x1f\x7f]")


def list_images(turn: Turn, call: Call) -> Reply:
    return Reply(200, {"images": [{"id": image.uuid, "name": image.name} for image, _ in _wanted(turn, call)]})


def list_images_in_detail(turn: Turn, call: Call) -> Reply:
    return Reply(200, {"images": [_json(call, image, rule) for image, rule in _wanted(turn, call)]})


def _wanted(turn: Turn, call: Call) -> list[tuple[Image, Rule]]:
    """All that the caller may use, or what of that has changed: an empty list and never 304 (compute.md 1.3)."""
    since = changes_since(call.query, turn.now)
    return [pair for pair in visible_images(turn, call.user) if since is None or pair[0].changed >= since]


def show_image(turn: Turn, call: Call) -> Reply:
    image = readable_image(turn, call.user, call.arguments[0])
    return Reply(200, {"image": _json(call, image, image_rule(turn, image))})


def refuse_to_create(turn: Turn, call: Call) -> Reply:
    raise Fault(501, "notImplemented", "images are registered with the image service")


def unregister_image(turn: Turn, call: Call) -> Reply:
    forget_image(turn.connection, own_image(turn, call.user, call.arguments[0]).uuid)
    return Reply(204)


# properties -----------------------------------------------------------------------------------------------------------


def list_properties(turn: Turn, call: Call) -> Reply:
    return Reply(200, {"metadata": dict(readable_image(turn, call.user, call.arguments[0]).properties)})


def add_properties(turn: Turn, call: Call) -> Reply:
    """Set some; the others stay. Keys keep their letters, unlike in the image service."""
    given = checked_texts(call.body.get("metadata"), "metadata", MAX_PROPERTIES, MAX_KEY, MAX_VALUE)
    return Reply(201, {"metadata": _merge(turn, call, given)})


def show_property(turn: Turn, call: Call) -> Reply:
    key = metadata_key(call)
    properties = readable_image(turn, call.user, call.arguments[0]).properties
    if key not in properties:
        raise not_found(f"the image has no property {key!a}")
    return Reply(200, {"meta": {key: properties[key]}})


def set_property(turn: Turn, call: Call) -> Reply:
    item = one_item(call, MAX_KEY, MAX_VALUE)
    _merge(turn, call, item)
    return Reply(201, {"meta": item})


def remove_property(turn: Turn, call: Call) -> Reply:
    """It really goes, which it does not on the reference."""
    key = metadata_key(call)
    image = own_image(turn, call.user, call.arguments[0])
    if key not in image.properties:
        raise not_found(f"the image has no property {key!a}")
    save_image(turn, image, properties={name: value for name, value in image.properties.items() if name != key})
    return Reply(204)


def _merge(turn: Turn, call: Call, given: dict[str, str]) -> dict[str, str]:
    if any(not key or _UNPRINTABLE.search(key) for key in given):
        raise bad_request("the key of a property has printable characters only")
    image = own_image(turn, call.user, call.arguments[0])
    merged = {**image.properties, **given}
    if len(merged) > MAX_PROPERTIES:
        raise bad_request(f"an image has at most {MAX_PROPERTIES} properties")
    save_image(turn, image, properties=merged)
    return merged


def _json(call: Call, image: Image, rule: Rule) -> dict[str, Any]:
    status = _STATUSES.get(image.status.upper(), "UNKNOWN")
    return {
        "id": image.uuid,
        "name": image.name,
        "status": status,
        "progress": 100 if status == "ACTIVE" else 0,
        "public": is_public(rule),
        "is_snapshot": image.is_snapshot,
        "user_id": image.account,
        "tenant_id": image.account,
        "created": iso_time(image.registered),
        "updated": iso_time(image.changed),
        "metadata": dict(image.properties),
        "links": image_links(call.base, image.uuid),
    }
