"""`X-Image-Meta-*`: what requests say about an image, and how replies describe one (image.md 1, 3)."""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote, unquote_to_bytes

from pithosfs.localcloud.faults import bad_request
from pithosfs.localcloud.objects.images import Image
from pithosfs.localcloud.objects.sharing import EVERYBODY, Rule

__all__ = [
    "CONTAINER_FORMATS",
    "DISK_FORMATS",
    "MAX_KEY",
    "MAX_PROPERTIES",
    "MAX_VALUE",
    "ImageHeaders",
    "brief_json",
    "detail_json",
    "image_headers",
    "is_public",
    "location",
    "property_key",
]

DISK_FORMATS = ("diskdump", "extdump", "ntfsdump")
CONTAINER_FORMATS = ("bare", "aki", "ari", "ami", "ovf")

MAX_PROPERTIES = 32
MAX_KEY = 111  # characters
MAX_VALUE = 256  # characters of a property, a name or a status

_PREFIX = "x-image-meta-"
_PROPERTY = "property-"
_PUNCTUATION = str.maketrans(dict.fromkeys(string.punctuation + " ", "_"))
_FORBIDDEN = re.compile(r"[\0-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class ImageHeaders:
    """What a request says about an image: fields by their names without the prefix, and properties by stored keys."""

    fields: Mapping[str, str]
    properties: Mapping[str, str]

    @classmethod
    def sent(cls, raw: Iterable[tuple[bytes, bytes]]) -> ImageHeaders:
        """Raises Fault 400 for what is not UTF-8 once it is decoded, or beyond a limit."""
        fields: dict[str, str] = {}
        properties: dict[str, str] = {}
        for name_bytes, value_bytes in raw:
            name = name_bytes.decode("latin-1").lower().replace("_", "-")
            if not name.startswith(_PREFIX):
                continue
            name = name.removeprefix(_PREFIX)
            value = _decoded(value_bytes.strip())
            if len(value) > MAX_VALUE and name != "location":
                raise bad_request(f"{name!a} has at most {MAX_VALUE} characters")
            if name.startswith(_PROPERTY):
                properties[property_key(_decoded(name.removeprefix(_PROPERTY).encode("latin-1")))] = value
            else:
                fields[name] = value
        return cls(fields, properties)

    def refuse(self, *names: str) -> None:
        """Raises Fault 400 if one of the fields was sent."""
        for name in names:
            if name in self.fields:
                raise bad_request(f"X-Image-Meta-{name.title()} cannot be given here")

    def choice(self, name: str, allowed: tuple[str, ...], default: str) -> str:
        """A field with a vocabulary. Raises Fault 400."""
        value = self.fields.get(name, default)
        if value not in allowed:
            raise bad_request(f"{name} is one of {', '.join(allowed)}")
        return value

    def flag(self, name: str) -> bool | None:
        """A field that is true or false, any other word counting as false; None when it was not sent."""
        value = self.fields.get(name)
        return None if value is None else value.strip().lower() == "true"

    def merged(self, present: Mapping[str, str]) -> dict[str, str]:
        """Properties after these were set; an empty value takes one away. Raises Fault 400 for too many."""
        properties = {key: value for key, value in {**present, **self.properties}.items() if value}
        if len(properties) > MAX_PROPERTIES:
            raise bad_request(f"an image has at most {MAX_PROPERTIES} properties")
        return properties


def property_key(text: str) -> str:
    """A property's key as it is stored: `OS-Family` → `os_family`. Raises Fault 400."""
    key = text.lower().translate(_PUNCTUATION)
    if not key or len(key) > MAX_KEY or _FORBIDDEN.search(key):
        raise bad_request(f"the key of a property has 1 to {MAX_KEY} printable characters")
    return key


def _decoded(value: bytes) -> str:
    try:
        text = unquote_to_bytes(value).decode()
    except UnicodeDecodeError:
        raise bad_request("a header's value is not UTF-8: percent-encode it") from None
    if "\0" in text:
        raise bad_request("a header's value cannot contain NUL")
    return text


def is_public(rule: Rule) -> bool:
    return EVERYBODY in (*rule.read, *rule.write)


def location(image: Image) -> str:
    """`pithos://account/container/path`, each part percent-encoded."""
    return f"pithos://{quote(image.account)}/{quote(image.container)}/{quote(image.path)}"


def image_headers(image: Image, rule: Rule) -> dict[str, str]:
    """The headers that describe an image; everything that people have written is percent-encoded."""
    headers = {
        "id": image.uuid,
        "name": quote(image.name),
        "location": location(image),
        "status": quote(image.status),
        "size": str(image.version.size),
        "checksum": image.version.root,
        "disk-format": image.disk_format,
        "container-format": image.container_format,
        "owner": image.account,
        "is-public": str(is_public(rule)),
        "is-snapshot": str(image.is_snapshot),
        "created-at": _date(image.registered),
        "updated-at": _date(image.changed),
        "deleted-at": "",
        "description": quote(image.description),
    }
    named = {_PREFIX + name: value for name, value in headers.items()}
    for key, value in image.properties.items():
        named[_PREFIX + _PROPERTY + quote(key.replace("_", "-"), safe="")] = quote(value)
    return {**named, "Content-Type": "application/json; charset=UTF-8"}


def brief_json(image: Image) -> dict[str, object]:
    return {
        "id": image.uuid,
        "name": image.name,
        "status": image.status,
        "disk_format": image.disk_format,
        "container_format": image.container_format,
        "size": image.version.size,
    }


def detail_json(image: Image, rule: Rule) -> dict[str, object]:
    value: dict[str, object] = {
        **brief_json(image),
        "checksum": image.version.root,
        "location": location(image),
        "owner": image.account,
        "is_public": is_public(rule),
        "is_snapshot": image.is_snapshot,
        "created_at": _date(image.registered),
        "updated_at": _date(image.changed),
        "deleted_at": "",
        "properties": dict(image.properties),
    }
    return {**value, "description": image.description} if image.is_snapshot else value


def _date(time: int) -> str:
    """Microseconds since the epoch as `2026-03-01 09:30:00`, UTC."""
    return datetime.fromtimestamp(time // 1_000_000, UTC).strftime("%Y-%m-%d %H:%M:%S")
