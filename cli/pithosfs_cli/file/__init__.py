"""`pithosfs file …`: files and folders in the cloud.

Places are written as in `locations`. A folder is its name and everything below `name/`, nothing else.
"""

from __future__ import annotations

from pithosfs_cli.command import LazyGroup

__all__ = ["file"]

_LOOKING = "pithosfs_cli.file.looking"
_INSPECTING = "pithosfs_cli.file.inspecting"
_TRANSFERRING = "pithosfs_cli.file.transferring"
_MAKING = "pithosfs_cli.file.making"
_EDITING = "pithosfs_cli.file.editing"
_CHANGING = "pithosfs_cli.file.changing"
_SHARING = "pithosfs_cli.file.sharing"

file = LazyGroup(
    "file",
    help="""Files and folders in the cloud.

    PATH is in the default container; /CONTAINER/PATH names one; pithos://ACCOUNT/CONTAINER/PATH is somebody else's.
    """,
    members={
        "append": (_EDITING, "append", "Add to the end of a file."),
        "cat": (_LOOKING, "cat", "Write files to standard output, one after the other."),
        "copy": (_CHANGING, "copy", "Copy files and folders on the cloud."),
        "create": (_MAKING, "create", "Make files without content."),
        "delete": (_CHANGING, "delete", "Delete files and folders."),
        "download": (_TRANSFERRING, "download", "Download files, folders and containers."),
        "info": (_INSPECTING, "info", "Show files and folders."),
        "list": (_LOOKING, "list_", "List folders and containers."),
        "mkdir": (_MAKING, "mkdir", "Make folders."),
        "modify": (_SHARING, "modify", "Change metadata and permissions of files."),
        "move": (_CHANGING, "move", "Move or rename files and folders."),
        "overwrite": (_EDITING, "overwrite", "Replace bytes inside a file."),
        "publish": (_SHARING, "publish", "Give files public links."),
        "purge": (_CHANGING, "purge", "Destroy old versions of files for good."),
        "restore": (_CHANGING, "restore", "Bring back an old version, or a deleted file."),
        "share": (_SHARING, "share", "Share files and folders with other users."),
        "truncate": (_EDITING, "truncate", "Cut a file to its first bytes."),
        "unpublish": (_SHARING, "unpublish", "Take public links away."),
        "unshare": (_SHARING, "unshare", "Share files and folders no longer."),
        "upload": (_TRANSFERRING, "upload", "Upload files, folders or standard input."),
        "versions": (_INSPECTING, "versions", "List the versions of a file."),
    },
)
