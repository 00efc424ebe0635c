"""`pithosfs user …`: who one is on the cloud, and who others are."""

from __future__ import annotations

from pithosfs_cli.command import LazyGroup

__all__ = ["user"]

_LOOKING = "pithosfs_cli.user.looking"
_NAMES = "pithosfs_cli.user.names"
_TOKENS = "pithosfs_cli.user.tokens"

user = LazyGroup(
    "user",
    help="Who you are on the cloud, and who others are.",
    members={
        "add": (_TOKENS, "add", "Add the token of another user to the cloud's."),
        "authenticate": (_LOOKING, "authenticate", "Authenticate and show what the identity service answers."),
        "delete": (_TOKENS, "delete", "Drop a user's token from the cloud's."),
        "info": (_LOOKING, "info", "Show the user, and how much of the quota is used."),
        "list": (_TOKENS, "list_", "List the users whose tokens the cloud has."),
        "name2uuid": (_NAMES, "name2uuid", "Look up the ids of users by name."),
        "select": (_TOKENS, "select", "Go on as another of the users."),
        "setdefaultproject": (_TOKENS, "setdefaultproject", "Set the project that pays for what names none."),
        "uuid2name": (_NAMES, "uuid2name", "Look up the names of users by id."),
    },
)
