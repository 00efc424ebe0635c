"""`pithosfs sync …`: folders that are kept in step with the cloud."""

from __future__ import annotations

from pithosfs_cli.command import LazyGroup

__all__ = ["sync"]

_PAIRS = "pithosfs_cli.sync.pairs"
_RUNNING = "pithosfs_cli.sync.running"
_CONFLICTS = "pithosfs_cli.sync.conflicts"

sync = LazyGroup(
    "sync",
    help="Folders that are kept in step with the cloud, by a daemon in the background.",
    members={
        "add": (_PAIRS, "add", "Keep a folder in step with a place in the cloud."),
        "conflicts": (_CONFLICTS, "conflicts", "List the files that were changed on both sides."),
        "list": (_PAIRS, "list_", "List the synced folders and their options."),
        "log": ("pithosfs_cli.sync.history", "log", "Show what was done."),
        "now": (_RUNNING, "now", "Bring folders in step now, and say whether they are."),
        "pause": (_RUNNING, "pause", "Leave folders alone until they are resumed."),
        "remove": (_PAIRS, "remove", "End the syncing of a folder; both sides keep their files."),
        "resolve": (_CONFLICTS, "resolve", "Decide which content of a file to keep."),
        "resume": (_RUNNING, "resume", "Go on with paused folders."),
        "set": (_PAIRS, "set_", "Change the options of a synced folder."),
        "start": (_RUNNING, "start", "Start the daemon in the background."),
        "status": ("pithosfs_cli.sync.status", "status", "Say whether folders, or a path, are in step."),
        "stop": (_RUNNING, "stop", "End the daemon."),
        "trash": ("pithosfs_cli.sync.trash", "trash", "Files that were deleted elsewhere, kept for 30 days."),
        "verify": ("pithosfs_cli.sync.comparing", "verify", "Compare both sides by content, changing nothing."),
    },
)
