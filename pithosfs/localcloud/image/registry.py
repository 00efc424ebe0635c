"""Finding, registering and changing images, for the image service and for those that use images (image.md 4, 5, 7).

Rights are the object's: its rule says who may read the image, its owner alone changes it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from uuid import UUID

from pithosfs.localcloud.faults import Fault, bad_request, forbidden, not_found
from pithosfs.localcloud.image.headers import is_public
from pithosfs.localcloud.objects.access import effective_rule, principals
from pithosfs.localcloud.objects.images import Image, all_images, find_image, keep_image
from pithosfs.localcloud.objects.model import find_container
from pithosfs.localcloud.objects.sharing import EVERYBODY, Rule
from pithosfs.localcloud.sandbox.turn import Turn

__all__ = [
    "image_rule",
    "own_image",
    "readable_image",
    "save_image",
    "set_publicity",
    "set_readers",
    "visible_images",
]

_MEMBER = re.compile(r"[^\s\0-\x1f\x7f,;=*~]{1,256}")


def readable_image(turn: Turn, user: str, uuid: str) -> Image:
    """An image that the user may read. Raises Fault 400 (no UUID), 403, 404."""
    try:
        key = str(UUID(uuid))
    except ValueError:
        raise bad_request("") from None
    image = find_image(turn.connection, key)
    if image is None:
        raise not_found("there is no such image")
    if image.account != user and image_rule(turn, image).allows(principals(turn.connection, user)) is None:
        raise forbidden("the image is not shared with you")
    return image


def own_image(turn: Turn, user: str, uuid: str) -> Image:
    """An image to be changed, which its owner alone may do. Raises Fault 400, 403, 404."""
    image = readable_image(turn, user, uuid)
    if image.account != user:
        raise forbidden("only the owner of an image may change it")
    return image


def visible_images(turn: Turn, user: str) -> Iterator[tuple[Image, Rule]]:
    """All images that the user may read, by id, with the rule that says who else may."""
    who = principals(turn.connection, user)
    for image in all_images(turn.connection):
        rule = image_rule(turn, image)
        if image.account == user or rule.allows(who) is not None:
            yield image, rule


def image_rule(turn: Turn, image: Image) -> Rule:
    """Who may read an image's object, because of itself or of a folder that it is in."""
    return effective_rule(turn.connection, image.container_id, image.path)[0]


# changing -------------------------------------------------------------------------------------------------------------


def save_image(
    turn: Turn,
    image: Image,
    *,
    name: str | None = None,
    status: str | None = None,
    disk_format: str | None = None,
    container_format: str | None = None,
    properties: Mapping[str, str] | None = None,
    description: str | None = None,
) -> None:
    """Change what is registered about an image; None: leave it as it is."""
    keep_image(
        turn.connection,
        image.uuid,
        image.version.object,
        name=image.name if name is None else name,
        disk_format=image.disk_format if disk_format is None else disk_format,
        container_format=image.container_format if container_format is None else container_format,
        status=image.status if status is None else status,
        properties=image.properties if properties is None else properties,
        description=image.description if description is None else description,
        time=turn.now,
    )


def set_publicity(turn: Turn, image: Image, public: bool) -> None:
    """Let everybody read an image, or no longer; its members stay."""
    rule = image_rule(turn, image)
    if public == is_public(rule):
        return
    everybody = (EVERYBODY,) if public else ()
    read = tuple(who for who in rule.read if who != EVERYBODY)
    write = tuple(who for who in rule.write if who != EVERYBODY)
    _share(turn, image, Rule((*everybody, *read), write))


def set_readers(turn: Turn, image: Image, members: list[str]) -> None:
    """Replace the members of an image; it stays public if it was. Raises Fault 400 for what is no user or group."""
    for member in members:
        if not _MEMBER.fullmatch(member):
            raise bad_request(f"{member!a} is neither a user's id nor a group")
    everybody = (EVERYBODY,) if is_public(image_rule(turn, image)) else ()
    _share(turn, image, Rule((*everybody, *sorted({member.lower() for member in members}))))


def _share(turn: Turn, image: Image, rule: Rule) -> None:
    container = find_container(turn.connection, image.account, image.container)
    if container is None:
        raise Fault(500, "internalServerError", "an image without a container")
    with turn.backend.changing(turn.connection, image.account) as change:
        change.share(container, image.path, rule)
