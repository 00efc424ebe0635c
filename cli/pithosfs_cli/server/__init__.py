"""`pithosfs server …`: virtual servers."""

from __future__ import annotations

from pithosfs_cli.command import LazyGroup

__all__ = ["server"]

_ATTACHING = "pithosfs_cli.server.attaching"
_CHANGING = "pithosfs_cli.server.changing"
_LOOKING = "pithosfs_cli.server.looking"
_RUNNING = "pithosfs_cli.server.running"
_TAGS = "pithosfs_cli.server.tags"

server = LazyGroup(
    "server",
    help="Virtual servers.",
    members={
        "attach": (_ATTACHING, "attach", "Attach a volume to a server."),
        "attachment": (_ATTACHING, "attachment", "Show a volume of a server."),
        "attachments": (_ATTACHING, "attachments", "List the volumes of a server."),
        "console": (_RUNNING, "console", "Open a console and show how to reach it."),
        "create": ("pithosfs_cli.server.creating", "create", "Make a server, or several alike."),
        "delete": (_CHANGING, "delete", "Delete servers."),
        "detach": (_ATTACHING, "detach", "Detach a volume from a server."),
        "info": (_LOOKING, "info", "Show servers."),
        "list": (_LOOKING, "list_", "List the servers."),
        "modify": (_CHANGING, "modify", "Change name, size, firewall, metadata and tags."),
        "reassign": (_CHANGING, "reassign", "Charge a server to another project."),
        "reboot": (_RUNNING, "reboot", "Reboot servers."),
        "rescue": (_RUNNING, "rescue", "Boot a stopped server from a rescue image."),
        "shutdown": (_RUNNING, "shutdown", "Stop running servers."),
        "start": (_RUNNING, "start", "Start stopped servers."),
        "tagexists": (_TAGS, "tagexists", "Tell whether a server has a tag."),
        "tags": (_TAGS, "tags", "List the tags of a server."),
        "tagstatus": (_TAGS, "tagstatus", "Show the status of a tag."),
        "unrescue": (_RUNNING, "unrescue", "Leave rescue mode."),
        "wait": (_RUNNING, "wait", "Wait until a server leaves or reaches a status."),
    },
)
