"""`pithosfs container …`: the folders at the top of a cloud."""

from __future__ import annotations

from pithosfs_cli.command import LazyGroup

__all__ = ["container"]

_LOOKING = "pithosfs_cli.container.looking"
_CHANGING = "pithosfs_cli.container.changing"

container = LazyGroup(
    "container",
    help="Containers: the folders at the top of a cloud.",
    members={
        "create": (_CHANGING, "create", "Make containers."),
        "delete": (_CHANGING, "delete", "Delete containers, with their whole history."),
        "empty": (_CHANGING, "empty", "Delete everything in containers."),
        "history": ("pithosfs_cli.container.history", "history", "Show what has changed in a container."),
        "info": (_LOOKING, "info", "Show a container."),
        "list": (_LOOKING, "list_", "List the containers, or what is in one."),
        "modify": (_CHANGING, "modify", "Change metadata, size limit or versioning."),
        "purge": (_CHANGING, "purge", "Destroy old versions of everything in containers for good."),
        "reassign": (_CHANGING, "reassign", "Charge a container to another project."),
    },
)
