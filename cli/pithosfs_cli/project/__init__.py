"""`pithosfs project …`: projects, which share out what the cloud has, and the applications for them."""

from __future__ import annotations

from pithosfs_cli.command import LazyGroup

__all__ = ["project"]

_APPLYING = "pithosfs_cli.project.applying"
_DECIDING = "pithosfs_cli.project.deciding"
_JOINING = "pithosfs_cli.project.joining"
_LOOKING = "pithosfs_cli.project.looking"

project = LazyGroup(
    "project",
    help="Projects, which share out what the cloud has, and the applications for them.",
    members={
        "approve": (_DECIDING, "approve", "Approve an application (administrators)."),
        "cancel": (_DECIDING, "cancel", "Withdraw your own application."),
        "create": (_APPLYING, "create", "Apply for a project."),
        "deny": (_DECIDING, "deny", "Turn an application down (administrators)."),
        "dismiss": (_DECIDING, "dismiss", "Put your own denied application away."),
        "enroll": (_JOINING, "enroll", "Make a user a member of a project of yours."),
        "info": (_LOOKING, "info", "Show a project."),
        "join": (_JOINING, "join", "Ask to join a project."),
        "list": (_LOOKING, "list_", "List the projects."),
        "modify": (_APPLYING, "modify", "Apply for a change of a project."),
        "reinstate": (_DECIDING, "reinstate", "Bring terminated projects back (administrators)."),
        "suspend": (_DECIDING, "suspend", "Suspend projects (administrators)."),
        "terminate": (_DECIDING, "terminate", "Terminate projects (administrators)."),
        "unsuspend": (_DECIDING, "unsuspend", "Resume suspended projects (administrators)."),
    },
)
