"""The image service's routes and what they do (image.md 2, 4, 5, 7)."""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

from pithosfs.localcloud.catalog import Service
from pithosfs.localcloud.faults import bad_request
from pithosfs.localcloud.image.headers import (
    CONTAINER_FORMATS,
    DISK_FORMATS,
    ImageHeaders,
    image_headers,
)
from pithosfs.localcloud.image.lists import list_images, list_images_in_detail, list_shared_images
from pithosfs.localcloud.image.registry import (
    image_rule,
    own_image,
    readable_image,
    save_image,
    set_publicity,
    set_readers,
)
from pithosfs.localcloud.objects.access import look_up
from pithosfs.localcloud.objects.exchange import Place, parse_place
from pithosfs.localcloud.objects.images import find_image, forget_image, keep_image
from pithosfs.localcloud.objects.sharing import EVERYBODY, Rule
from pithosfs.localcloud.sandbox.fields import Fields
from pithosfs.localcloud.sandbox.routes import Call, Changing, Listing, Looking, Reply, Route
from pithosfs.localcloud.sandbox.service import SandboxService
from pithosfs.localcloud.sandbox.turn import Turn
from pithosfs.localcloud.sandbox.world import Sandbox

__all__ = ["CATALOG", "ROUTES", "image_service"]

CATALOG = Service("image", "cyclades_plankton", "v1.0", "/image", version_in_path=False)

_INFORMATIONAL = ("id", "description", "is-snapshot", "created-at", "updated-at", "deleted-at")
"""What the registry finds out itself: never accepted."""


def image_service(sandbox: Sandbox) -> SandboxService:
    return SandboxService(sandbox, ROUTES, json_405=False)


def _versions(turn: Turn, call: Call) -> Reply:
    media_type = {"base": "application/json", "type": "application/vnd.openstack.compute.v2+json"}
    versions = [
        {
            "id": version,
            "status": "CURRENT",
            "media_types": [media_type],
            "links": [{"rel": "self", "href": f"{call.base}/image/{version}/"}],
        }
        for version in ("v1.0", "v1")
    ]
    return Reply(200, {"versions": versions})


# images ---------------------------------------------------------------------------------------------------------------


def _show(turn: Turn, call: Call) -> Reply:
    return _described(turn, readable_image(turn, call.user, call.arguments[0]).uuid)


def _bits(turn: Turn, call: Call) -> Reply:
    """The bytes come from the object store, never from here."""
    return Reply(501)


def _register(turn: Turn, call: Call) -> Reply:
    """Make an object an image, or register an image anew: what is not sent of its properties stays."""
    sent = ImageHeaders.sent(call.headers)
    sent.refuse(*_INFORMATIONAL, "status")
    name = sent.fields.get("name", "")
    if not name:
        raise bad_request("an image needs a name")
    disk_format = sent.choice("disk-format", DISK_FORMATS, "diskdump")
    container_format = sent.choice("container-format", CONTAINER_FORMATS, "bare")
    sent.choice("store", ("pithos",), "pithos")
    place = _place(call)
    found = look_up(turn.connection, call.user, place, None)
    version = found.current().version
    assert version is not None
    if sent.fields.get("checksum", version.root).lower() != version.root:
        raise bad_request("the checksum is not that of the object")
    if sent.fields.get("size", str(version.size)) != str(version.size):
        raise bad_request("the size is not that of the object")
    present = find_image(turn.connection, version.uuid)
    keep_image(
        turn.connection,
        version.uuid,
        version.object,
        name=name,
        disk_format=disk_format,
        container_format=container_format,
        status="AVAILABLE" if present is None else present.status,
        properties=sent.merged({} if present is None else present.properties),
        time=turn.now,
        description="" if present is None else present.description,
    )
    public = (EVERYBODY,) if sent.flag("is-public") else ()
    with turn.backend.changing(turn.connection, call.user) as change:
        change.share(found.container, place.name, Rule((*public, call.user)))
    return _described(turn, version.uuid)


def _update(turn: Turn, call: Call) -> Reply:
    """Change what is sent; a property with an empty value goes."""
    sent = ImageHeaders.sent(call.headers)
    sent.refuse(*_INFORMATIONAL, "location", "store", "size", "checksum")
    image = own_image(turn, call.user, call.arguments[0])
    name, status = sent.fields.get("name"), sent.fields.get("status")
    if name == "" or status == "":
        raise bad_request("name and status cannot be empty")
    save_image(
        turn,
        image,
        name=name,
        status=status,
        disk_format=sent.choice("disk-format", DISK_FORMATS, image.disk_format),
        container_format=sent.choice("container-format", CONTAINER_FORMATS, image.container_format),
        properties=sent.merged(image.properties),
    )
    public = sent.flag("is-public")
    if public is not None:
        set_publicity(turn, image, public)
    return _described(turn, image.uuid)


def _unregister(turn: Turn, call: Call) -> Reply:
    forget_image(turn.connection, own_image(turn, call.user, call.arguments[0]).uuid)
    return Reply(204)


def _described(turn: Turn, uuid: str) -> Reply:
    image = find_image(turn.connection, uuid)
    assert image is not None
    return Reply(200, None, image_headers(image, image_rule(turn, image)))


def _place(call: Call) -> Place:
    """The object that `X-Image-Meta-Location` names. Raises Fault 400.

    It is read before it is decoded, so that an encoded slash cannot become one between two parts.
    """
    scheme = b"pithos://"
    given = [value.strip() for name, value in call.headers if name.lower().replace(b"_", b"-") == _LOCATION]
    if not given or not given[-1].startswith(scheme):
        raise bad_request("the location of an image is pithos://account/container/path")
    place = parse_place(given[-1][len(scheme) :])
    if not place.name:
        raise bad_request("the location of an image is pithos://account/container/path")
    return place


_LOCATION = b"x-image-meta-location"


# members --------------------------------------------------------------------------------------------------------------


def _members(turn: Turn, call: Call) -> Reply:
    image = readable_image(turn, call.user, call.arguments[0])
    return Reply(
        200, {"members": [{"member_id": who, "can_share": False} for who in _readers(image_rule(turn, image))]}
    )


def _replace_members(turn: Turn, call: Call) -> Reply:
    given = call.body.get("memberships")
    if not isinstance(given, list):
        raise bad_request("memberships must be a list")
    members = [Fields({"membership": one}, "membership").text("member_id", 256) for one in given]
    set_readers(turn, own_image(turn, call.user, call.arguments[0]), members)
    return Reply(204)


def _add_member(turn: Turn, call: Call) -> Reply:
    image = own_image(turn, call.user, call.arguments[0])
    set_readers(turn, image, [*_readers(image_rule(turn, image)), _member(call)])
    return Reply(204)


def _remove_member(turn: Turn, call: Call) -> Reply:
    image = own_image(turn, call.user, call.arguments[0])
    gone = _member(call).lower()
    set_readers(turn, image, [who for who in _readers(image_rule(turn, image)) if who != gone])
    return Reply(204)


def _readers(rule: Rule) -> list[str]:
    """Everybody's permission is not a member."""
    return sorted({*rule.read, *rule.write} - {EVERYBODY})


def _member(call: Call) -> str:
    try:
        return unquote_to_bytes(call.arguments[1]).decode()
    except UnicodeDecodeError:
        raise bad_request("the member is not UTF-8") from None


_V = r"/image/v1(?:\.0)?"
_ITEM = _V + r"/images/([^/]+)"

ROUTES = (
    Route.of(r"/image/?|/image/versions", GET=Looking(_versions, token=False)),
    Route.of(_V + r"/images/?", GET=Listing(list_images), POST=Changing(_register, has_body=False)),
    Route.of(_V + r"/images/detail", GET=Listing(list_images_in_detail)),
    Route.of(
        _ITEM,
        HEAD=Looking(_show),
        GET=Looking(_bits),
        PUT=Changing(_update, has_body=False),
        DELETE=Changing(_unregister, has_body=False),
    ),
    Route.of(_ITEM + r"/members", GET=Looking(_members), PUT=Changing(_replace_members)),
    Route.of(
        _ITEM + r"/members/([^/]+)",
        PUT=Changing(_add_member, has_body=False),
        DELETE=Changing(_remove_member, has_body=False),
    ),
    Route.of(_V + r"/shared-images/([^/]+)", GET=Listing(list_shared_images)),
)
