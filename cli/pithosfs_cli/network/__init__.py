"""`pithosfs network …`: networks of your own, and the public ones."""

from __future__ import annotations

from pithosfs_cli.command import LazyGroup

__all__ = ["network"]

_CHANGING = "pithosfs_cli.network.changing"
_CONNECTING = "pithosfs_cli.network.connecting"
_LOOKING = "pithosfs_cli.network.looking"

network = LazyGroup(
    "network",
    help="Networks of your own, and the public ones.",
    members={
        "connect": (_CONNECTING, "connect", "Connect servers to a network."),
        "create": (_CHANGING, "create", "Make a network."),
        "delete": (_CHANGING, "delete", "Delete networks."),
        "disconnect": (_CONNECTING, "disconnect", "Disconnect servers from a network."),
        "info": (_LOOKING, "info", "Show networks."),
        "list": (_LOOKING, "list_", "List the networks."),
        "modify": (_CHANGING, "modify", "Rename a network."),
        "reassign": (_CHANGING, "reassign", "Charge a network to another project."),
    },
)
