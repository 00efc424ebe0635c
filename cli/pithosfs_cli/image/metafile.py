"""The file beside an image that says how it was registered, so that it can be again, elsewhere (image.md section 8)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pithosfs.errors import Conflict, NotFound, UsageError
from pithosfs_cli.addressing import addressed

if TYPE_CHECKING:
    from pithosfs.store import ObjectStore
    from pithosfs_cli.locations import Location

__all__ = ["Description", "beside", "read_description", "refuse_existing", "store_description"]

_SUFFIX = ".meta"
_TYPE = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Description:
    """Fields (names with `_`) and properties of an image."""

    fields: Mapping[str, Any]
    properties: Mapping[str, str]


def read_description(path: str | None) -> Description:
    """What a local file says; nothing without one. Raises UsageError for a file of another sort."""
    if path is None:
        return Description({}, {})
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8"))
    except ValueError as error:
        raise UsageError(f"{path} is no JSON: {error}", hint=_FORM) from None
    if not isinstance(found, dict):
        raise UsageError(f"{path} does not describe an image", hint=_FORM)
    fields = {str(key).lower().replace("-", "_"): value for key, value in found.items()}
    properties = fields.pop("properties", {})
    if not isinstance(properties, dict) or any(isinstance(one, dict | list) for one in fields.values()):
        raise UsageError(f"{path} does not describe an image", hint=_FORM)
    return Description(fields, {str(key): str(value) for key, value in properties.items()})


_FORM = 'it is an object as in {"disk-format": "diskdump", "properties": {"OS": "debian"}}'


def beside(place: Location) -> Location:
    """Where the description of an image is."""
    return place.named(place.name + _SUFFIX)


def refuse_existing(store: ObjectStore, place: Location) -> None:
    """Raises Conflict when there is something at that place already."""
    try:
        store.head(place.path(store))
    except NotFound:
        return
    raise Conflict(
        f"{place} exists already", 409, hint="add --force to replace it, or --no-metafile-upload to leave it alone"
    )


def store_description(store: ObjectStore, image: Location, metadata: Mapping[str, Any]) -> Location:
    """Write what the registry has answered beside the image, for the same people to read. Returns where."""
    place = beside(image)
    text = json.dumps(metadata, indent=2, ensure_ascii=False).encode()
    with addressed(store, place):
        info = store.head(image.path(store))
        store.put_object(place.path(store), text, content_type=_TYPE, meta={}, base=None)
        if info.sharing:
            store.set_sharing(place.path(store), info.sharing)
        if info.public:
            store.set_public(place.path(store), True)
    return place
