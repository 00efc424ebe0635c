"""`pithosfs image …`: files that servers can be made from."""

from __future__ import annotations

from pithosfs_cli.command import LazyGroup

__all__ = ["image"]

_CHANGING = "pithosfs_cli.image.changing"
_LOOKING = "pithosfs_cli.image.looking"

image = LazyGroup(
    "image",
    help="Images: files that servers can be made from.",
    members={
        "info": (_LOOKING, "info", "Show an image."),
        "list": (_LOOKING, "list_", "List the images, or who may use one."),
        "modify": (_CHANGING, "modify", "Change name, formats, properties and who may use it."),
        "register": ("pithosfs_cli.image.registering", "register", "Make an image of a file, uploading it if wanted."),
        "unregister": (_CHANGING, "unregister", "Make files be no images any more."),
    },
)
