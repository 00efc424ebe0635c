"""One method per request of the image registry. Source: image.md section 2.

Every method returns the reply. For `success` and the further arguments see `JsonClient`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pithosfs.clients.json_client import Codes, JsonClient, codes, item
from pithosfs.http import Reply

__all__ = ["ImageRestClient"]


class ImageRestClient(JsonClient):
    """The requests of the image registry. Metadata is in the headers `X-Image-Meta-…`, of requests and of replies."""

    service_type = "image"

    def images_get(
        self, detail: bool = False, filters: Mapping[str, Any] | None = None, success: Codes = 200, **kwargs: Any
    ) -> Reply:
        """GET the list of images, brief or with details."""
        return self.send("GET", "images", *item(None, detail), success=success, params=filters, options=kwargs)

    def images_head(self, image_id: str, success: Codes = 200, **kwargs: Any) -> Reply:
        """HEAD of an image: its metadata."""
        return self.send("HEAD", "images", image_id, success=success, options=kwargs)

    def images_post(self, success: Codes = 200, **kwargs: Any) -> Reply:
        """POST: register an image, whose metadata is in `headers`."""
        return self.send("POST", "images", success=codes(success, 200, 201), options={"data": b"", **kwargs})

    def images_put(self, image_id: str, success: Codes = 200, **kwargs: Any) -> Reply:
        """PUT an image: change metadata, which is in `headers`."""
        return self.send("PUT", "images", image_id, success=success, options={"data": b"", **kwargs})

    def images_delete(self, image_id: str, success: Codes = 204, **kwargs: Any) -> Reply:
        """DELETE: unregister an image."""
        return self.send("DELETE", "images", image_id, success=codes(success, 204, 200), options=kwargs)

    def members_get(self, image_id: str, success: Codes = 200, **kwargs: Any) -> Reply:
        """GET who may read an image."""
        return self.send("GET", "images", image_id, "members", success=success, options=kwargs)

    def members_put(
        self,
        image_id: str,
        member: int | str | None = None,
        json_data: object = None,
        success: Codes = 204,
        **kwargs: Any,
    ) -> Reply:
        """PUT one member, or the whole list (`{"memberships": [{"member_id"}]}`)."""
        path = ("images", image_id, "members", *item(member))
        return self.send("PUT", *path, success=success, json_data=json_data, options={"data": b"", **kwargs})

    def members_delete(self, image_id: str, member: str, success: Codes = 204, **kwargs: Any) -> Reply:
        """DELETE one member."""
        return self.send("DELETE", "images", image_id, "members", member, success=success, options=kwargs)

    def shared_images_get(self, member: str, success: Codes = 200, **kwargs: Any) -> Reply:
        """GET the images of a user that are shared with the caller."""
        return self.send("GET", "shared-images", member, success=success, options=kwargs)
