"""How the image registry writes metadata into headers, and how lists are sifted. Source: image.md sections 1, 3, 4, 6.

All of it is pure. Servers of this protocol separate words with `-` (Synnefo) or `_` (Glance): both are understood.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, unquote

from pithosfs.clients.json_client import Json
from pithosfs.errors import BadRequest

__all__ = ["location_text", "meta_headers", "parameters", "read_metadata", "sifted"]

_PREFIX = "x-image-meta-"
_PROPERTY = "x-image-meta-property-"
_SCHEME = "pithos://"

# What may be said when an image is registered. Servers refuse the rest, a size even if it is right.
_PARAMETERS = ("store", "disk-format", "container-format", "checksum", "is-public", "owner")


def encode(value: object) -> str:
    """Text for a header: percent-encoded UTF-8, slashes as they are."""
    return quote(str(value), safe="/")


def location_text(location: str | Iterable[str]) -> str:
    """The address of an object, encoded, from `pithos://account/container/path`, or from its three parts.

    Raises BadRequest for anything else.
    """
    if isinstance(location, str):
        scheme, separator, rest = location.partition("://")
        if separator and f"{scheme.lower()}://" != _SCHEME:
            raise BadRequest(f"images are in the object store: {location!r} is not", 0, hint=_SHAPE)
        parts = (rest if separator else location.removeprefix("/")).split("/", 2)
    else:
        parts = [str(one) for one in location]
    if len(parts) != 3 or not all(parts):
        raise BadRequest(f"{location!r} does not say where an object is", 0, hint=_SHAPE)
    return _SCHEME + "/".join(encode(one) for one in parts)


_SHAPE = "write pithos://ACCOUNT/CONTAINER/PATH"


def meta_headers(
    fields: Mapping[str, Any] | None = None, properties: Mapping[str, Any] | None = None
) -> dict[str, str]:
    """The headers for fields (names with `-` or `_`) and properties. What is None is not sent; an empty property is,
    and removes it."""
    headers = {
        f"X-Image-Meta-{_title(key)}": _field(value) for key, value in (fields or {}).items() if value is not None
    }
    for key, value in (properties or {}).items():
        if value is not None:
            headers[f"X-Image-Meta-Property-{quote(str(key).replace('_', '-'), safe='')}"] = encode(value)
    return headers


def _title(key: str) -> str:
    return "-".join(word.capitalize() for word in key.replace("_", "-").split("-"))


def _field(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else encode(value)


def parameters(params: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the parameters that can be said when an image is registered. The others are what a server tells of an
    image: whoever hands a description on has them too."""
    named = {str(key).lower().replace("_", "-"): value for key, value in params.items()}
    return {key: named[key] for key in _PARAMETERS if named.get(key) not in (None, "")}


def read_metadata(headers: Mapping[str, str]) -> Json:
    """The metadata in the headers of an answer: names without prefix, in lower case with `-`; values are decoded texts.

    `properties` is a dictionary, its keys in lower case with `_`.
    """
    found: Json = {"properties": {}}
    for header, value in headers.items():
        name = header.lower().replace("_", "-")
        if name.startswith(_PROPERTY):
            found["properties"][unquote(name.removeprefix(_PROPERTY)).replace("-", "_")] = unquote(value)
        elif name.startswith(_PREFIX):
            found[name.removeprefix(_PREFIX)] = unquote(value)
    return found


def sifted(images: Iterable[Json], filters: Mapping[str, Any]) -> list[Json]:
    """The images that the filters of the protocol let through: some servers take them and do not apply them."""
    return [one for one in images if all(_passes(one, key, value) for key, value in filters.items())]


def _passes(image: Json, key: str, wanted: Any) -> bool:
    if key in ("size_min", "size_max"):
        size = image.get("size")
        if not isinstance(size, int):
            return True
        return size >= int(wanted) if key == "size_min" else size <= int(wanted)
    if key == "status":
        return str(image.get(key)).lower() == str(wanted).lower()
    return key not in ("name", "disk_format", "container_format") or image.get(key) == wanted
