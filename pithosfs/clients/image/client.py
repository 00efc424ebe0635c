"""The working layer above the requests: `ImageClient`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import unquote

from pithosfs.clients.image.metadata import location_text, meta_headers, parameters, read_metadata, sifted
from pithosfs.clients.image.rest_api import ImageRestClient
from pithosfs.clients.json_client import Headers, Json, members, needed
from pithosfs.errors import BadRequest

__all__ = ["ImageClient"]


class ImageClient(ImageRestClient):
    """Images of machines: objects in the store that are registered, with a name, properties and members.

    In lists the keys of metadata have `_` and values have their types; of one image keys have `-` and all values are
    texts, as in the headers that they come from (image.md section 3). Sizes are bytes.
    """

    def list_public(
        self, detail: bool = False, filters: Mapping[str, Any] | None = None, order: str = ""
    ) -> list[Json]:
        """The images that the user may read; with `detail` with owner, location, dates and properties.

        `filters`: `name`, `status`, `disk_format`, `container_format`, `size_min`, `size_max` (bytes). `order`: a field
        to sort by, with `-` before it downwards.
        """
        asked = {key: value for key, value in (filters or {}).items() if value is not None and value != ""}
        key = order.removeprefix("-")
        sort = {"sort_dir": "desc" if order.startswith("-") else "asc", "sort_key": key}
        reply = self.images_get(detail=bool(detail), filters={**asked, **sort})
        found = reply.json()
        if isinstance(found, list):  # so in some releases
            return sifted(found, asked)
        return sifted(members(reply, "images"), asked)

    def get_meta(self, image_id: str) -> Json:
        """The metadata of an image, as texts, and its `properties`. Raises NotFound."""
        return read_metadata(self.images_head(image_id).headers)

    def register(
        self,
        name: str,
        location: str | Iterable[str],
        params: Mapping[str, Any] | None = None,
        properties: Mapping[str, Any] | None = None,
    ) -> Json:
        """Register an object as an image, and return the metadata.

        `location`: `pithos://account/container/path`, or the three parts. `params`: `disk_format`, `container_format`,
        `is_public`, `checksum`, `store`, `owner`; what else a description of an image holds is not sent. The object is
        then readable for its owner only, or for everybody.
        """
        if not name:
            raise BadRequest("an image needs a name", 0)
        headers = meta_headers({"name": name, **parameters(params or {})}, properties)
        headers["X-Image-Meta-Location"] = location_text(location)
        return read_metadata(self.images_post(headers=headers).headers)

    def update_image(
        self,
        image_id: str,
        name: str | None = None,
        disk_format: str | None = None,
        container_format: str | None = None,
        status: str | None = None,
        public: bool | None = None,
        owner_id: str | None = None,
        **properties: Any,
    ) -> Headers:
        """Change what is given and leave the rest; an empty property is removed.

        The headers of the reply, decoded, which are the metadata as it is then. Servers ignore `owner_id`.
        """
        fields = {
            "name": name,
            "disk_format": disk_format,
            "container_format": container_format,
            "status": status,
            "is_public": public,
            "owner": owner_id,
        }
        headers = self.images_put(image_id, headers=meta_headers(fields, properties)).headers
        return Headers({name: unquote(value) for name, value in headers.items()})

    def unregister(self, image_id: str) -> Headers:
        """Unregister an image. The object stays."""
        return self.images_delete(image_id).headers

    # members --------------------------------------------------------------------------------------------------------

    def list_members(self, image_id: str) -> list[Json]:
        """Who may read an image, the owner included: `{"member_id", "can_share"}`."""
        return members(self.members_get(image_id), "members")

    def list_shared(self, member: str) -> list[Json]:
        """The images of another user that are shared with this one: `{"image_id", "can_share"}`."""
        return members(self.shared_images_get(member), "shared_images")

    def add_member(self, image_id: str, member: str) -> Headers:
        """Let a user read an image."""
        return self.members_put(image_id, needed(member)).headers

    def remove_member(self, image_id: str, member: str) -> Headers:
        """Let a user no longer read an image."""
        return self.members_delete(image_id, member).headers

    def set_members(self, image_id: str, members: Iterable[str]) -> Headers:
        """Make these the users who may read an image, beside its owner."""
        wish = {"memberships": [{"member_id": one} for one in members]}
        return self.members_put(image_id, json_data=wish).headers
